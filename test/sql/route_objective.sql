-- What a channel weighs: the order of the objective, and what is in the cost.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-05 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('ro-app', 'App'), ('ro-other', 'Another');
-- along one parallel, about 7.2 km apart; the fourth store opens tomorrow
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, opening_hours)
SELECT 'RO' || i, 'Store ' || i, 'store', 18 + i * 0.1, 50, 'UTC', CASE i WHEN 4 THEN '{"tue": [["08:00", "20:00"]]}'::jsonb END
FROM generate_series(1, 5) i;
INSERT INTO retail.sku (code, name, lot_tracked, shelf_life_days) VALUES
    ('RO-A', 'A', false, NULL), ('RO-B', 'B', false, NULL), ('RO-MILK', 'Milk', true, 30), ('RO-LAST', 'On show', false, NULL);
SELECT count(*) AS received FROM retail.receive_lines(ARRAY[
    ('RO-A', 'RO1', 9), ('RO-B', 'RO2', 9), ('RO-A', 'RO4', 9), ('RO-B', 'RO4', 9), ('RO-A', 'RO5', 9), ('RO-B', 'RO5', 9),
    ('RO-LAST', 'RO1', 1), ('RO-LAST', 'RO2', 3)]::retail.line[]);
SELECT count(*) AS lots FROM (VALUES ('RO1', 'L1', '2031-05-29'), ('RO1', 'L2', '2031-05-25'), ('RO2', 'L3', '2031-05-08'), ('RO3', 'L4', '2031-05-20')) l (location, lot, expires_on),
    retail.receive('RO-MILK', l.location, 5, lot => l.lot, expires_on => l.expires_on::date);
CREATE FUNCTION pg_temp.weigh(objective text DEFAULT 'lines,promise,parcels,cost,stock', cost_per_km numeric DEFAULT 1, load_cost numeric DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    INSERT INTO retail.channel_routing (channel_id, objective, cost_per_km, load_cost)
    SELECT id, string_to_array(weigh.objective, ','), weigh.cost_per_km, weigh.load_cost FROM retail.channel WHERE code = 'ro-app'
    ON CONFLICT (channel_id) DO UPDATE SET (objective, cost_per_km, load_cost) = (excluded.objective, excluded.cost_per_km, excluded.load_cost) $$;
CREATE FUNCTION pg_temp.plan(lines retail.line[], options jsonb DEFAULT '{}', channel text DEFAULT 'ro-app')
RETURNS TABLE (sku text, location text, qty bigint, parcel integer, kept boolean) LANGUAGE sql AS $$
    SELECT sku, location, qty, parcel_no, promise_kept FROM retail.route(lines, 18, 50, channel, 'express', options) $$;
CREATE FUNCTION pg_temp.why(lines retail.line[]) RETURNS TABLE (location text, verdict text, km numeric, distance numeric, handling numeric, load numeric, cost numeric, days bigint, last integer) LANGUAGE sql AS $$
    SELECT location, verdict, round((distance_m / 1000)::numeric, 1), round(distance_cost::numeric, 1), round(handling_cost::numeric, 1), round(load_cost::numeric, 1),
        round(cost::numeric, 1), expiry_days, last_units
    FROM retail.explain_route(lines, 18, 50, 'ro-app', 'express') WHERE location LIKE 'RO%' ORDER BY rank $$;

-- the_usual_order: one parcel on time, however far
SELECT * FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
SELECT * FROM pg_temp.why(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
-- parcels_before_the_promise: the nearer one is closed today
SELECT pg_temp.weigh('lines,parcels,cost,promise,stock');
SELECT * FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
-- cost_before_parcels: two short ways are less than one long one
SELECT pg_temp.weigh('lines,promise,cost,parcels,stock');
SELECT * FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
-- another_channel_has_its_own_order
SELECT * FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[], channel => 'ro-other');
-- handling_counts_for_each_parcel
UPDATE retail.location SET handling_cost = 5 WHERE code IN ('RO1', 'RO2');
SELECT location, parcel FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
UPDATE retail.location SET handling_cost = 20 WHERE code IN ('RO1', 'RO2');
SELECT location, parcel FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
SELECT * FROM pg_temp.why(ARRAY[('RO-A', NULL, 1), ('RO-B', NULL, 1)]::retail.line[]);
-- the_walk_goes_on_until_no_way_can_be_cheaper: all of them have it all
SELECT pg_temp.weigh();
SELECT * FROM pg_temp.why(ARRAY[('RO-A', NULL, 1)]::retail.line[]);
UPDATE retail.location SET handling_cost = 40 WHERE code = 'RO1';
SELECT * FROM pg_temp.why(ARRAY[('RO-A', NULL, 1)]::retail.line[]);
UPDATE retail.location SET handling_cost = 0;
-- ways_may_cost_nothing: then the nearest of the cheapest
SELECT pg_temp.weigh(cost_per_km => 0);
SELECT location FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1)]::retail.line[]);
UPDATE retail.location SET handling_cost = 1 WHERE code = 'RO1';
SELECT location FROM pg_temp.plan(ARRAY[('RO-A', NULL, 1)]::retail.line[]);
UPDATE retail.location SET handling_cost = 0;
-- a_loaded_day_costs
SELECT pg_temp.weigh(load_cost => 100);
UPDATE retail.location SET daily_capacity = 4 WHERE code = 'RO1';
SELECT outcome, location FROM retail.place_order('ro-app', 'first', ARRAY[('RO-A', NULL, 1)]::retail.line[], 18, 50, 'express');
SELECT outcome, location FROM retail.place_order('ro-app', 'second', ARRAY[('RO-A', NULL, 1)]::retail.line[], 18, 50, 'express');
SELECT outcome, location FROM retail.place_order('ro-app', 'third', ARRAY[('RO-A', NULL, 1)]::retail.line[], 18, 50, 'express');
SELECT * FROM pg_temp.why(ARRAY[('RO-A', NULL, 1)]::retail.line[]);
UPDATE retail.location SET daily_capacity = NULL WHERE code = 'RO1';

-- near_expiry_first: where stock comes before cost, the store with the soonest lot
SELECT pg_temp.weigh();
SELECT location FROM pg_temp.plan(ARRAY[('RO-MILK', NULL, 2)]::retail.line[]);
SELECT * FROM pg_temp.why(ARRAY[('RO-MILK', NULL, 2)]::retail.line[]);
SELECT pg_temp.weigh('lines,promise,parcels,stock,cost');
SELECT location FROM pg_temp.plan(ARRAY[('RO-MILK', NULL, 2)]::retail.line[]);
SELECT * FROM pg_temp.why(ARRAY[('RO-MILK', NULL, 2)]::retail.line[]);
-- a_lot_that_is_sold_out_says_nothing, nor does one of the past
SELECT outcome FROM retail.sell('RO-MILK', 'RO2', 5, channel => 'ro-app');
SELECT location FROM pg_temp.plan(ARRAY[('RO-MILK', NULL, 2)]::retail.line[]);
SELECT location FROM pg_temp.plan(ARRAY[('RO-MILK', NULL, 2)]::retail.line[], '{"at": "2031-05-20 09:00:00+00"}');
-- between_equal_costs_the_dates_decide
SELECT pg_temp.weigh(cost_per_km => 0);
SELECT location FROM pg_temp.plan(ARRAY[('RO-MILK', NULL, 2)]::retail.line[]);
-- a_named_location_is_in_every_plan, and an older lot elsewhere is worth a parcel only where stock comes before parcels
SELECT pg_temp.weigh('lines,promise,stock,parcels,cost');
SELECT sku, location FROM pg_temp.plan(ARRAY[('RO-A', 'RO1', 1), ('RO-MILK', NULL, 1)]::retail.line[]);
SELECT pg_temp.weigh('lines,promise,parcels,stock,cost');
SELECT sku, location FROM pg_temp.plan(ARRAY[('RO-A', 'RO1', 1), ('RO-MILK', NULL, 1)]::retail.line[]);

-- the_last_unit_of_a_display_store_is_left
UPDATE retail.location SET keep_last = true WHERE code = 'RO1';
SELECT location FROM pg_temp.plan(ARRAY[('RO-LAST', NULL, 1)]::retail.line[]);
SELECT * FROM pg_temp.why(ARRAY[('RO-LAST', NULL, 1)]::retail.line[]);
-- unless_nobody_else_has_it
SELECT location FROM pg_temp.plan(ARRAY[('RO-LAST', NULL, 1)]::retail.line[], '{"exclude": ["RO2"]}');
-- or_the_cost_comes_first
SELECT pg_temp.weigh();
SELECT location FROM pg_temp.plan(ARRAY[('RO-LAST', NULL, 1)]::retail.line[]);
-- or_safety_stock_stays_there_anyway
SELECT pg_temp.weigh('lines,promise,parcels,stock,cost');
SELECT outcome FROM retail.receive('RO-LAST', 'RO1', 1);
INSERT INTO retail.safety_stock (channel_id, location_id, sku_id, qty)
SELECT c.id, l.id, s.id, 1 FROM retail.channel c, retail.location l, retail.sku s WHERE c.code = 'ro-app' AND l.code = 'RO1' AND s.code = 'RO-LAST';
SELECT location FROM pg_temp.plan(ARRAY[('RO-LAST', NULL, 1)]::retail.line[]);

-- an_objective_has_each_criterion_once_and_lines_first
\set VERBOSITY terse
SELECT pg_temp.weigh('promise,lines,parcels,cost,stock');
SELECT pg_temp.weigh('lines,promise,parcels,cost');
SELECT pg_temp.weigh('lines,promise,parcels,cost,cost');
SELECT pg_temp.weigh('lines,promise,parcels,cost,stock,speed');
SELECT pg_temp.weigh('lines,promise,parcels,cost,speed');
SELECT pg_temp.weigh('');
UPDATE retail.channel_routing SET objective = '[0:4]={stock,lines,promise,parcels,cost}';
SELECT pg_temp.weigh(cost_per_km => -1);
SELECT pg_temp.weigh(load_cost => 'NaN');
UPDATE retail.location SET handling_cost = 1000001 WHERE code = 'RO1';
SELECT check_name FROM retail.verify();
