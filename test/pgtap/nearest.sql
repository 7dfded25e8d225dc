-- The order in which stores are looked at is that of PostGIS: on random points
-- of the whole globe, of towns, of both poles and both sides of the date line,
-- in every datum; and it follows what happens to retail.location.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT plan(26);
SELECT setseed(0.25);

INSERT INTO retail.sku (code, name) VALUES ('A', 'Apple');
INSERT INTO retail.channel (code, name) VALUES ('app', 'App');
CREATE TEMPORARY TABLE spread AS
    SELECT 'globe' AS kind, -180 + 360 * random() AS longitude, -90 + 180 * random() AS latitude FROM generate_series(1, 300)
    UNION ALL SELECT 'town', 121.47 + 0.2 * random(), 31.23 + 0.2 * random() FROM generate_series(1, 300)
    UNION ALL SELECT 'date line', sign(random() - 0.5) * (180 - 0.1 * random()), -0.1 + 0.2 * random() FROM generate_series(1, 100)
    UNION ALL SELECT 'date line', 180, 0.01 UNION ALL SELECT 'date line', -180, 0.02
    UNION ALL SELECT 'north pole', -180 + 360 * random(), 90 - 0.1 * random() FROM generate_series(1, 100)
    UNION ALL SELECT 'south pole', -180 + 360 * random(), -90 + 0.1 * random() FROM generate_series(1, 100)
    UNION ALL SELECT 'north pole', 12, 90 UNION ALL SELECT 'south pole', 34, -90
    UNION ALL SELECT 'one spot', 2.35, 48.85 FROM generate_series(1, 30);
INSERT INTO retail.location (code, name, kind, longitude, latitude, datum)
    SELECT n, 'Store ' || n, CASE WHEN n % 10 = 0 THEN 'warehouse' ELSE 'store' END, longitude, latitude,
        (ARRAY['WGS-84', 'GCJ-02', 'BD-09'])[1 + n % 3]
    FROM (SELECT row_number() OVER () AS n, * FROM spread) AS numbered;
DO $$ BEGIN
    PERFORM retail.bulk_write();
    INSERT INTO retail.stock (sku_id, location_id, on_hand) SELECT k.id, l.id, 1 FROM retail.sku k, retail.location l;
END $$;

-- the k-th nearest by us and by PostGIS, from places as those of the stores, from stores, and from opposite to them
CREATE TEMPORARY TABLE start AS
    SELECT row_number() OVER () AS n, kind, longitude, latitude
    FROM (SELECT kind, longitude, latitude FROM (SELECT *, row_number() OVER (PARTITION BY kind) AS of_kind FROM spread) s WHERE of_kind <= 20
        UNION ALL SELECT kind || ', near', greatest(-180, least(180, longitude + 0.01 * random())), greatest(-90, least(90, latitude + 0.01 * random()))
            FROM (SELECT *, row_number() OVER (PARTITION BY kind) AS of_kind FROM spread) s WHERE of_kind <= 20
        UNION ALL SELECT 'opposite', longitude - sign(longitude) * 180, -latitude
            FROM (SELECT *, row_number() OVER (PARTITION BY kind) AS of_kind FROM spread) s WHERE of_kind <= 10 AND longitude <> 0
        UNION ALL SELECT 'corner', x, y FROM unnest(ARRAY[-180, 0, 180]) AS x, unnest(ARRAY[-90, 0, 90]) AS y) AS all_starts;
CREATE TEMPORARY TABLE ours AS
    SELECT s.n, o.k, l.id, o.distance_m, l.geog OPERATOR(public.<->) public.st_setsrid(public.st_makepoint(s.longitude, s.latitude), 4326)::public.geography AS postgis_m
    FROM start AS s, LATERAL retail.stock_near('A', 'app', s.longitude, s.latitude, max_rows => 40) WITH ORDINALITY AS o (location, distance_m, available, k)
    JOIN retail.location AS l ON l.code = o.location;
CREATE TEMPORARY TABLE theirs AS
    SELECT s.n, row_number() OVER (PARTITION BY s.n ORDER BY t.postgis_m) AS k, t.id, t.postgis_m
    FROM start AS s, LATERAL (
        SELECT l.id, l.geog OPERATOR(public.<->) public.st_setsrid(public.st_makepoint(s.longitude, s.latitude), 4326)::public.geography AS postgis_m
        FROM retail.location AS l
        ORDER BY l.geog OPERATOR(public.<->) public.st_setsrid(public.st_makepoint(s.longitude, s.latitude), 4326)::public.geography
        LIMIT 40) AS t;

SELECT cmp_ok((SELECT count(*) FROM start), '>=', 250::bigint, 'searches from many places');
SELECT is((SELECT count(*) FROM ours), 40 * (SELECT count(*) FROM start), 'each finds as many stores as it may');
SELECT is((SELECT count(*) FROM ours), (SELECT count(*) FROM (SELECT DISTINCT n, id FROM ours) AS d), 'and each store once');
SELECT is_empty($$ SELECT n, k, distance_m, postgis_m FROM ours WHERE abs(distance_m - postgis_m) > 1e-7 $$,
    'distances are those of PostGIS, to a tenth of a micrometre');
SELECT is_empty($$ SELECT o.n, o.k, o.postgis_m, t.postgis_m FROM ours AS o JOIN theirs AS t USING (n, k) WHERE abs(o.postgis_m - t.postgis_m) > 1e-7 $$,
    'and so is their order');
SELECT is_empty($$ SELECT a.n, a.k FROM ours AS a JOIN ours AS b ON b.n = a.n AND b.k = a.k + 1
    WHERE a.distance_m > b.distance_m OR (a.distance_m = b.distance_m AND a.id > b.id) $$,
    'nearest first, of those as far off as each other the older location');

-- routing goes the same way
SELECT is_empty($$ SELECT s.n, x.location FROM start AS s,
        LATERAL retail.explain_route('{"(A,,1000)"}', s.longitude, s.latitude, 'app', 'express') AS x, theirs AS t
    WHERE t.n = s.n AND t.k = x.rank AND x.rank <= 30 AND s.n % 5 = 0 AND abs(x.distance_m - t.postgis_m) > 1e-7 $$, 'a route looks at stores in that order');

-- and follows the table
CREATE FUNCTION pg_temp.nearest() RETURNS text LANGUAGE sql AS $$
    SELECT location FROM retail.stock_near('A', 'app', 77.7, 10.1, max_rows => 1) $$;
UPDATE retail.location SET longitude = 77.7, latitude = 10, datum = 'WGS-84' WHERE code = '5';
SELECT is(pg_temp.nearest(), '5', 'a store that moves is found where it is now');
BEGIN;
UPDATE retail.location SET latitude = 10.1, longitude = 77.7, datum = 'WGS-84' WHERE code = '6';
SELECT is(pg_temp.nearest(), '6', 'by the transaction that moves it at once');
ROLLBACK;
SELECT is(pg_temp.nearest(), '5', 'and when that is undone, where it was');
UPDATE retail.location SET status = 'closed' WHERE code = '5';
SELECT isnt(pg_temp.nearest(), '5', 'a closed store is passed over');
UPDATE retail.location SET status = 'open' WHERE code = '5';
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('new', 'New', 'store', 77.7, 10.1);
DO $$ BEGIN
    PERFORM retail.receive('A', 'new', 1);
END $$;
SELECT is(pg_temp.nearest(), 'new', 'a new store is found');
DO $$ BEGIN
    PERFORM retail.bulk_write();
    DELETE FROM retail.stock WHERE location_id = (SELECT id FROM retail.location WHERE code = 'new');
END $$;
SELECT is(pg_temp.nearest(), '5', 'and not where it has nothing');

-- A radius is one on the sphere: 0.1 degrees of latitude at the equator are 11.06 km on the spheroid, and 11.12 km here.
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('edge', 'Edge', 'store', -150, 0.05);
INSERT INTO retail.service (code, name, kind, max_km, lead_time) VALUES ('edge', 'To the edge', 'delivery', 11.1, '1 hour');
SELECT results_eq($$ SELECT public.st_dwithin(geog, here, 11100), public.st_dwithin(geog, here, 11100, false), public.st_dwithin(geog, here, 11130, false)
    FROM retail.location, (SELECT public.st_setsrid(public.st_makepoint(-150, -0.05), 4326)::public.geography AS here) h WHERE code = 'edge' $$,
    $$ VALUES (true, false, true) $$, 'PostGIS knows both');
SELECT is((SELECT verdict FROM retail.explain_route('{"(A,,1)"}', -150, -0.05, 'app', 'edge', '{"location": "edge"}')), 'too_far', 'a service goes as far on the sphere');
UPDATE retail.service SET max_km = 11.13 WHERE code = 'edge';
SELECT is((SELECT verdict FROM retail.explain_route('{"(A,,1)"}', -150, -0.05, 'app', 'edge', '{"location": "edge"}')), 'no_stock', 'and no farther');
DO $$ BEGIN PERFORM retail.receive('A', 'edge', 1); END $$;
SELECT results_eq($$ SELECT km, (SELECT location FROM retail.stock_near('A', 'app', -150, -0.05, max_km => km)) FROM unnest(ARRAY[11.1, 11.13]) km $$,
    $$ VALUES (11.1, NULL), (11.13, 'edge') $$, 'so does stock_near()');

-- A channel that is served from listed locations finds those, and no others.
INSERT INTO retail.channel (code, name) VALUES ('outlet', 'Outlet'), ('virtual', 'Each store its own shop');
INSERT INTO retail.channel_routing (channel_id, source) SELECT id, CASE code WHEN 'outlet' THEN 'listed' ELSE 'own' END FROM retail.channel WHERE code IN ('outlet', 'virtual');
SELECT is_empty($$ SELECT * FROM retail.stock_near('A', 'outlet', 77.7, 10.1) $$, 'none is listed: none is found');
INSERT INTO retail.channel_source (channel_id, location_id)
    SELECT c.id, l.id FROM retail.channel c, retail.location l WHERE c.code = 'outlet' AND l.id % 7 = 3;
CREATE FUNCTION pg_temp.other_answers() RETURNS SETOF start LANGUAGE sql AS $$
    SELECT s.* FROM start AS s
    WHERE ARRAY(SELECT (o.location, o.distance_m, o.available)::text FROM retail.stock_near('A', 'outlet', s.longitude, s.latitude, max_rows => 40) o)
        IS DISTINCT FROM ARRAY(
            SELECT (t.code, t.distance_m, t.available)::text
            FROM (SELECT l.id, l.code, d.distance_m, retail.available('A', l.code, 'outlet') AS available
                FROM retail.location l JOIN retail.channel_source x ON x.location_id = l.id JOIN retail.channel c ON c.id = x.channel_id AND c.code = 'outlet'
                    CROSS JOIN LATERAL (SELECT distance_m FROM retail.explain_route('{"(A,,1)"}', s.longitude, s.latitude, 'app', 'express', jsonb_build_object('location', l.code))) d
                WHERE retail.available('A', l.code, 'outlet') >= 1) t
            ORDER BY t.distance_m, t.id LIMIT 40)
        AND s.n % 4 = 0 $$;
SELECT is_empty($$ SELECT * FROM pg_temp.other_answers() $$, 'the nearest of those that are listed, with what the channel may take');
DO $$ BEGIN PERFORM retail.adjust('A', l.code, 3, 'found') FROM retail.location l WHERE l.id % 7 = 3 AND l.id % 2 = 0; END $$;
INSERT INTO retail.safety_stock (channel_id, qty) SELECT id, 1 FROM retail.channel WHERE code = 'outlet';
SELECT is_empty($$ SELECT * FROM pg_temp.other_answers() $$, 'less its safety stock');
SELECT is_empty($$ SELECT s.n, o.location, r.qty, x.unfilled_qty
    FROM start AS s, LATERAL retail.stock_near('A', 'outlet', s.longitude, s.latitude, max_rows => 5) AS o,
        LATERAL (SELECT sum(qty) AS qty FROM retail.route(ARRAY[('A', o.location, o.available)]::retail.line[], s.longitude, s.latitude, 'outlet', 'express')) AS r,
        LATERAL (SELECT max(unfilled_qty) AS unfilled_qty FROM retail.route(ARRAY[('A', o.location, o.available + 1)]::retail.line[], s.longitude, s.latitude, 'outlet', 'express', '{"partial": true}')) AS x
    WHERE s.n % 9 = 0 AND (r.qty, x.unfilled_qty) IS DISTINCT FROM (o.available, 1) $$, 'those are the units that route() takes from there, and not one more');
SELECT is((SELECT string_agg(location, ' ') FROM retail.stock_near('A', 'virtual', 77.7, 10.1, max_rows => 3)),
    (SELECT string_agg(location, ' ') FROM retail.stock_near('A', 'app', 77.7, 10.1, max_rows => 3)), 'where each store is a shop of its own, the shopper sees them all');

CREATE FUNCTION pg_temp.outlet() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', (SELECT location FROM retail.stock_near('A', 'outlet', 77.7, 10.1, max_rows => 1)),
        (SELECT location FROM retail.route('{"(A,,1)"}', 77.7, 10.1, 'outlet', 'express'))) $$;
DELETE FROM retail.safety_stock;
DELETE FROM retail.channel_source;
INSERT INTO retail.channel_source (channel_id, location_id) SELECT c.id, l.id FROM retail.channel c, retail.location l WHERE c.code = 'outlet' AND l.code = '8';
SELECT is(pg_temp.outlet(), '8 8', 'a list that changes is followed, by both');
BEGIN;
INSERT INTO retail.channel_source (channel_id, location_id) SELECT c.id, l.id FROM retail.channel c, retail.location l WHERE c.code = 'outlet' AND l.code = '5';
SELECT is(pg_temp.outlet(), '5 5', 'by the transaction that changes it at once');
ROLLBACK;
SELECT is(pg_temp.outlet(), '8 8', 'and when that is undone, it is as it was');
INSERT INTO retail.channel (code, name) SELECT 'many' || n, n FROM generate_series(1, 150) n;
INSERT INTO retail.channel_routing (channel_id, source) SELECT id, 'listed' FROM retail.channel WHERE code ~ '^many';
INSERT INTO retail.channel_source (channel_id, location_id)
    SELECT c.id, l.id FROM retail.channel c JOIN retail.location l ON l.code = (substr(c.code, 5)::int + 20)::text WHERE c.code ~ '^many';
SELECT is((SELECT count(*)::int FROM generate_series(1, 2), generate_series(1, 150) n, LATERAL retail.stock_near('A', 'many' || n, 77.7, 10.1) s WHERE s.location = (n + 20)::text), 300,
    'each of many channels has its own list');
SELECT * FROM finish();
