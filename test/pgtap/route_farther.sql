-- Behind the candidates: what the walk ends before, and the plan may yet need.
SELECT plan(9);
SET client_min_messages = warning;
SET pg_retail.clock = '2031-03-03 10:00:00+00';

-- forty stores with one unit of A, of two wanted, crowd the walk out; among them
-- one has B, behind them one has A, and 40 km away, one has both
INSERT INTO retail.sku (code, name) VALUES ('A', 'x'), ('B', 'x');
INSERT INTO retail.channel (code, name) VALUES ('app', 'App'), ('cheap', 'Way first');
INSERT INTO retail.channel_routing (channel_id, source, objective)
SELECT id, 'network', '{lines,promise,cost,parcels,stock}' FROM retail.channel WHERE code = 'cheap';
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
SELECT 'N' || i, 'near', 'store', 0.001 * i, 0, 'UTC' FROM generate_series(1, 40) i
UNION ALL VALUES ('A1', 'has A', 'store', 0.05, 0, 'UTC'), ('B1', 'has B', 'store', 0.0002, 0, 'UTC'), ('AB', 'has both', 'store', 0.36, 0, 'UTC'),
    ('AB2', 'has both, farther', 'store', 0.4, 0, 'UTC');
BEGIN;
SELECT retail.bulk_write() \g /dev/null
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT k.id, l.id, CASE WHEN l.code LIKE 'N%' THEN 1 ELSE 2 END
FROM retail.location l, retail.sku k
WHERE l.code LIKE k.code || '1' OR l.code LIKE 'AB%' OR (l.code LIKE 'N%' AND k.code = 'A');
COMMIT;
CREATE FUNCTION pg_temp.plan(channel text, service text, options jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', coalesce(r.location, 'nowhere'), r.sku, nullif(r.unfilled_qty, 0)), ', ' ORDER BY r.line_no, r.parcel_no)
    FROM retail.route(ARRAY[('A', NULL, 2), ('B', NULL, 2)]::retail.line[], 0, 0, channel, service, options) r $$;

SELECT is(pg_temp.plan('app', 'express'), 'AB A, AB B', 'one parcel from behind the candidates, rather than three from among them');
SELECT is(pg_temp.plan('app', 'pickup'), 'AB A, AB B', 'a shopper, too, is sent to the one store that has it all');
SELECT is(pg_temp.plan('cheap', 'express'), 'N1 A, N2 A, B1 B', 'but not where the way weighs more');
SELECT is(pg_temp.plan('app', 'same_day'), 'A1 A, B1 B', 'nor beyond the radius of the service: two rather than three');
SELECT is(pg_temp.plan('app', 'express', '{"reach": 42}'), 'A1 A, B1 B', 'nor beyond the reach that the order gives');
SELECT is(pg_temp.plan('app', 'express', '{"reach": 43}'), 'AB A, AB B', 'which is counted in locations, the nearest first');
SELECT is(pg_temp.plan('app', 'express', '{"exclude": ["AB"]}'), 'AB2 A, AB2 B', 'one that may not serve is passed over');
UPDATE retail.location SET status = 'closed' WHERE code = 'AB';
SELECT is(pg_temp.plan('app', 'express'), 'AB2 A, AB2 B', 'nor may one that is closed');
SELECT is((SELECT string_agg(e.location || ' ' || e.verdict, ', ' ORDER BY e.distance_m)
        FROM retail.explain_route(ARRAY[('A', NULL, 2), ('B', NULL, 2)]::retail.line[], 0, 0, 'app', 'express') e WHERE e.location NOT LIKE 'N%'),
    'B1 not_needed, AB2 chosen', 'explain_route() tells of the one that was found');
SELECT * FROM finish();
