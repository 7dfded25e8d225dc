-- route() is never worse than a rule of thumb: generated stores and baskets.
\ir route_rules.psql

SELECT plan(5);
SET client_min_messages = warning;
SET pg_retail.clock = '2031-03-03 10:00:00+00';
CREATE FUNCTION pg_temp.pick(what text, n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT (hashtextextended(what, 4) & 2147483647) % n $$;

-- three towns of two hundred stores; a hundred SKUs, those with small numbers in many of them
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
SELECT 'S' || i, 'Store ' || i, 'store', 8 + i % 3 + pg_temp.pick('x' || i, 3000) / 1e4, 50 + pg_temp.pick('y' || i, 2000) / 1e4, 'UTC'
FROM generate_series(1, 600) i;
INSERT INTO retail.sku (code, name) SELECT 'K' || i, 'Article ' || i FROM generate_series(1, 100) i;
BEGIN;
SELECT retail.bulk_write() \g /dev/null
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT k.id, l.id, 1 + pg_temp.pick(format('units %s %s', k.code, l.code), 6)
FROM retail.sku k, retail.location l
WHERE pg_temp.pick(format('stock %s %s', k.code, l.code), 1000) < 12 + 4000 / (10 + substr(k.code, 2)::integer);
COMMIT;
ANALYZE retail.stock, retail.location;
INSERT INTO basket
SELECT b, k.id, min(1 + pg_temp.pick(format('qty %s %s', b, i), 3) * pg_temp.pick(format('more %s %s', b, i), 2))
FROM generate_series(1, 200) b, generate_series(1, 12) i
    JOIN LATERAL (SELECT 1 + pg_temp.pick(format('sku %s %s', b, i), 10) * pg_temp.pick(format('of %s %s', b, i), 11) AS n) c ON true
    JOIN retail.sku k ON k.code = 'K' || c.n
WHERE i <= 2 + b % 11
GROUP BY b, k.id;
INSERT INTO destination
SELECT b, 8 + pg_temp.pick('town' || b, 3) + pg_temp.pick('lon' || b, 3000) / 1e4, 50 + pg_temp.pick('lat' || b, 2000) / 1e4 FROM generate_series(1, 200) b;

SELECT pg_temp.find_nearest(basket_id), pg_temp.play_route(basket_id) FROM destination \g /dev/null
SELECT pg_temp.play_rule(basket_id, rule) FROM destination, unnest('{nearest,most,most of all}'::text[]) rule \g /dev/null
SELECT pg_temp.tell();
SELECT is_empty($$ SELECT * FROM pg_temp.beaten_by('nearest') $$, 'nearest first fills no more lines, in no fewer parcels, and as many go no shorter way');
SELECT is_empty($$ SELECT * FROM pg_temp.beaten_by('most') $$, 'nor does residual greedy over the thousand nearest');
SELECT ok((SELECT sum(parcels) FROM outcome WHERE rule = 'route') < 0.8 * (SELECT sum(parcels) FROM outcome WHERE rule = 'nearest'), 'and nearest first takes many more parcels');
SELECT ok((SELECT sum(parcels) FROM outcome WHERE rule = 'route') < (SELECT sum(parcels) FROM outcome WHERE rule = 'most'), 'residual greedy over the thousand nearest some more');
SELECT is((SELECT count(*) FROM outcome WHERE rule = 'route' AND lines = (SELECT count(*) FROM basket b WHERE b.basket_id = outcome.basket_id)), 200::bigint, 'every basket is filled');
SELECT * FROM finish();
