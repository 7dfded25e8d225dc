-- A session's first transaction, in the seconds that are not counted: it comes
-- across every code once, as a session of a pool has after a while.
\if :new
SELECT count(retail.available((1 + i % :skus::integer)::text, (1 + i % :locations::integer)::text, 'app'))
FROM generate_series(1, greatest(:skus::integer, :locations::integer)) AS i;
\set new 0
\endif
