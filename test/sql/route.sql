-- From where an order is served.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-05 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('rt-app', 'App'), ('rt-shop', 'Shop of one store'), ('rt-web', 'Web, from one warehouse');
-- along one parallel, about 0.7 km apart; the warehouse is far away
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, opening_hours)
SELECT 'RT' || i, 'Store ' || i, 'store', 8 + i * 0.01, 50, 'UTC',
    (SELECT jsonb_object_agg(d, '[["08:00", "20:00"]]'::jsonb) FROM unnest('{mon,tue,wed,thu,fri,sat}'::text[]) d)
FROM generate_series(1, 6) i;
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('RTW', 'Warehouse', 'warehouse', 11, 51, 'UTC');
INSERT INTO retail.sku (code, name) SELECT 'RT-' || c, c FROM unnest('{A,B,C,D,E}'::text[]) c;
SELECT count(*) AS received FROM retail.receive_lines(ARRAY[
    ('RT-A', 'RT1', 5), ('RT-B', 'RT2', 5), ('RT-C', 'RT3', 5),             -- nearest first: three parcels
    ('RT-A', 'RT4', 5), ('RT-B', 'RT4', 5), ('RT-C', 'RT4', 5),             -- all of it in one
    ('RT-D', 'RT1', 2), ('RT-D', 'RT2', 2), ('RT-D', 'RT3', 3),
    ('RT-A', 'RTW', 100), ('RT-D', 'RTW', 4), ('RT-E', 'RTW', 9)]::retail.line[]);
CREATE FUNCTION pg_temp.plan(lines retail.line[], service text DEFAULT 'express', options jsonb DEFAULT '{}', channel text DEFAULT 'rt-app')
RETURNS TABLE (line integer, sku text, location text, qty bigint, parcel integer, km numeric, kept boolean, unfilled bigint) LANGUAGE sql AS $$
    SELECT line_no, sku, location, qty, parcel_no, round((distance_m / 1000)::numeric, 1), promise_kept, unfilled_qty
    FROM retail.route(lines, 8, 50, channel, service, options) $$;

-- one_parcel_from_further_away_beats_three_from_near
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1), ('RT-B', NULL, 1), ('RT-C', NULL, 1)]::retail.line[]);
-- the_nearest_that_has_it_all
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 5)]::retail.line[]);
-- a_line_is_not_split_where_one_location_holds_it
SELECT * FROM pg_temp.plan(ARRAY[('RT-D', NULL, 4)]::retail.line[]);
-- and_is_split_over_few_where_none_does
SELECT * FROM pg_temp.plan(ARRAY[('RT-D', NULL, 6)]::retail.line[]);
SELECT * FROM pg_temp.plan(ARRAY[('RT-D', NULL, 6)]::retail.line[], options => '{"no_split": true}');
-- what_nobody_has_is_said
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1), ('RT-E', NULL, 10)]::retail.line[]);
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1), ('RT-E', NULL, 10)]::retail.line[], options => '{"partial": true}');
-- a_line_may_name_its_location
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', 'RT4', 3), ('RT-A', NULL, 3)]::retail.line[]);
-- lines_of_one_sku_are_served_as_one
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 4), ('RT-A', NULL, 4)]::retail.line[]);
-- radius_and_service
SELECT * FROM pg_temp.plan(ARRAY[('RT-E', NULL, 1)]::retail.line[], 'instant');
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], 'instant');
UPDATE retail.location SET services = '{pickup}' WHERE code = 'RT1';
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], 'same_day');
UPDATE retail.location SET services = '{}' WHERE code = 'RT1';
-- parcels_may_be_limited: most lines filled comes first
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1), ('RT-E', NULL, 1), ('RT-B', NULL, 1)]::retail.line[], options => '{"max_parcels": 1}');
-- excluded_closed_and_fixed
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], options => '{"exclude": ["RT1"]}');
SELECT * FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], options => '{"location": "RTW"}');
UPDATE retail.location SET status = 'closed' WHERE code = 'RT1';
SELECT location, km FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[]);
UPDATE retail.location SET status = 'open' WHERE code = 'RT1';
-- the_promise_comes_before_the_number_of_parcels: RT4 is closed at 21:00, the warehouse never
SELECT location, qty, kept FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], options => '{"at": "2031-05-05 21:00:00+00"}');
-- an_instant_order_finds_nobody_at_night
SELECT location, unfilled FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], 'instant', '{"at": "2031-05-05 21:00:00+00"}');

-- sources: the_two_set_ups_of_one_stock
INSERT INTO retail.channel_routing (channel_id, source) SELECT id, CASE code WHEN 'rt-web' THEN 'listed' ELSE 'own' END FROM retail.channel WHERE code IN ('rt-web', 'rt-shop');
INSERT INTO retail.channel_source SELECT c.id, l.id FROM retail.channel c, retail.location l WHERE c.code = 'rt-web' AND l.code = 'RTW';
SELECT location, qty FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], channel => 'rt-web');
SELECT location, unfilled FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], channel => 'rt-shop');
SELECT location, qty FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], channel => 'rt-shop', options => '{"location": "RT4"}');

-- delivery_zones_bind_where_there_are_any
INSERT INTO retail.delivery_zone (location_id, area) SELECT id, 'SRID=4326;MULTIPOLYGON(((9 49, 9 50, 10 50, 10 49, 9 49)))' FROM retail.location WHERE code = 'RT1';
SELECT location FROM pg_temp.plan(ARRAY[('RT-A', NULL, 1)]::retail.line[], 'same_day');
SELECT location, verdict, lines_held FROM retail.explain_route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, 'rt-app', 'same_day');
DELETE FROM retail.delivery_zone;

-- a_full_day_is_passed_over
UPDATE retail.location SET daily_capacity = 0 WHERE code = 'RT1';
SELECT location, verdict FROM retail.explain_route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, 'rt-app', 'same_day');
UPDATE retail.location SET daily_capacity = NULL WHERE code = 'RT1';

-- auto_takes_the_soonest_promise_of_the_whole_order
SELECT DISTINCT service, location FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, 'rt-app');
SELECT DISTINCT service, location FROM retail.route(ARRAY[('RT-E', NULL, 1)]::retail.line[], 8, 50, 'rt-app');

-- stock_near
SELECT location, round(distance_m / 100) AS hm, available FROM retail.stock_near('RT-A', 'rt-app', 8, 50);
SELECT location, available FROM retail.stock_near('RT-D', 'rt-app', 8, 50, 3, 5);
SELECT location, available FROM retail.stock_near('RT-D', 'rt-app', 8, 50, 3, max_rows => 1);

-- bad_input
\set VERBOSITY sqlstate
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[]);
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8);
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 'NaN', 50);
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 91);
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 0)]::retail.line[], 8, 50);
SELECT * FROM retail.route(ARRAY[('no', NULL, 1)]::retail.line[], 8, 50);
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, 'no');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, 'rt-app', 'no');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '[]');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"no": 1}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"max_parcels": 0}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"max_parcels": 1.5}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"reach": 0}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"reach": 10001}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"exclude": "RT1"}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"exclude": ["no"]}');
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 1)]::retail.line[], 8, 50, options => '{"ttl": "1 min"}');
SELECT * FROM retail.route('{}', 8, 50);
SELECT * FROM retail.route(array_fill(('RT-A', NULL, 1)::retail.line, ARRAY[257]), 8, 50);
SELECT * FROM retail.route(ARRAY[('RT-A', NULL, 9223372036854775807), ('RT-A', NULL, 1)]::retail.line[], 8, 50);
SELECT * FROM retail.stock_near('RT-A', NULL, 8, NULL);
SELECT * FROM retail.stock_near('RT-A', NULL, 8, 50, 0);
SELECT * FROM retail.stock_near('RT-A', NULL, 8, 50, 1, -1);
SELECT * FROM retail.stock_near('RT-A', NULL, 8, 50, 1, NULL, 41);
\set VERBOSITY default
SELECT check_name FROM retail.verify();
