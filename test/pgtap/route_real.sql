-- route() is never worse than a rule of thumb: real stores, and baskets from
-- real tills.  RETAIL_DATA names the folder of the data (demo/README.md); without
-- it there is nothing to do.
\set data `echo "$RETAIL_DATA"`
SELECT :'data' = '' AS missing \gset
\if :missing
    SELECT plan(1);
    SELECT skip('RETAIL_DATA is not set', 1);
    SELECT * FROM finish();
    \quit
\endif
\ir route_rules.psql

SELECT plan(4);
SET client_min_messages = warning;
SET pg_retail.clock = '2031-03-03 10:00:00+00';
CREATE FUNCTION pg_temp.pick(what text, n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT (hashtextextended(what, 4) & 2147483647) % n $$;
CREATE TEMP TABLE point (id integer, name text, street text, city text, state text, zip text, latitude float8, longitude float8,
    phone text, state_name text, brand text, updated date);
CREATE TEMP TABLE till_line (household_id text, store_id integer, basket_id numeric, product_id text, quantity numeric, sales_value numeric,
    retail_disc numeric, coupon_disc numeric, coupon_match_disc numeric, week integer, transaction_timestamp timestamp);
SELECT 'gzip -dc ' || quote_literal(:'data' || '/retail/7-eleven.csv.gz') AS points,
    'gzip -dc ' || quote_literal(:'data' || '/retail/completejourney/transactions_sample.csv.gz') AS tills \gset
COPY point FROM PROGRAM :'points' (FORMAT csv, HEADER);
COPY till_line FROM PROGRAM :'tills' (FORMAT csv, HEADER, NULL 'NA');

-- 100 baskets of 4 lines and more; each goes to a shopper near one of the stores
CREATE TEMP TABLE chosen AS
SELECT basket_id::bigint
FROM till_line
WHERE quantity BETWEEN 1 AND 6
GROUP BY basket_id
HAVING count(DISTINCT product_id) >= 4
ORDER BY pg_temp.pick('basket ' || basket_id::bigint, 1000000), basket_id
LIMIT 100;
INSERT INTO retail.sku (code, name) SELECT DISTINCT product_id, product_id FROM till_line JOIN chosen USING (basket_id) WHERE quantity BETWEEN 1 AND 6;
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) SELECT id, name, 'store', longitude, latitude, 'UTC' FROM point;
INSERT INTO basket
SELECT t.basket_id, k.id, max(t.quantity)
FROM till_line t JOIN chosen USING (basket_id) JOIN retail.sku k ON k.code = t.product_id
WHERE t.quantity BETWEEN 1 AND 6
GROUP BY t.basket_id, k.id;
INSERT INTO destination
SELECT c.basket_id, p.longitude + pg_temp.pick('east ' || c.basket_id, 200) / 1e4 - 0.01, p.latitude + pg_temp.pick('north ' || c.basket_id, 200) / 1e4 - 0.01
FROM (SELECT basket_id, row_number() OVER (ORDER BY basket_id) AS n FROM chosen) c
    JOIN (SELECT longitude, latitude, row_number() OVER (ORDER BY pg_temp.pick('point ' || id, 1000000), id) AS n FROM point) p USING (n);

-- the files have no stock: what is sold often stands in many stores, and none has everything
CREATE TEMP TABLE spread AS
SELECT k.id AS sku_id, k.code, least(250, 30 + 15 * count(*)) AS per_mille
FROM retail.sku k JOIN till_line t ON t.product_id = k.code
GROUP BY k.id, k.code;
BEGIN;
SELECT retail.bulk_write() \g /dev/null
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT s.sku_id, l.id, 1 + pg_temp.pick(format('units %s %s', s.code, l.code), 8)
FROM spread s, retail.location l
WHERE pg_temp.pick(format('stock %s %s', s.code, l.code), 1000) < s.per_mille;
COMMIT;
ANALYZE retail.stock, retail.location, basket;

SELECT pg_temp.find_nearest(basket_id), pg_temp.play_route(basket_id), pg_temp.play_route(basket_id, 'far', '{"reach": 10000}') FROM destination \g /dev/null
SELECT pg_temp.play_rule(basket_id, rule) FROM destination, unnest('{nearest,most,most of all}'::text[]) rule \g /dev/null
SELECT diag(format('%s stores, %s SKUs, %s rows of stock', (SELECT count(*) FROM retail.location), (SELECT count(*) FROM retail.sku), (SELECT count(*) FROM retail.stock)));
SELECT pg_temp.tell();
SELECT is((SELECT count(*) FROM retail.location), 8568::bigint, 'all points of the file are stores');
SELECT is_empty($$ SELECT * FROM pg_temp.beaten_by('nearest') $$, 'nearest first fills no more lines, in no fewer parcels, and as many go no shorter way');
SELECT is_empty($$ SELECT * FROM pg_temp.beaten_by('most') $$, 'nor does residual greedy over the thousand nearest');
SELECT is_empty($$ SELECT * FROM pg_temp.beaten_by('most of all', 'far') $$, 'with all of them in reach, nor does residual greedy over all');
SELECT * FROM finish();
