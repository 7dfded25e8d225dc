-- Master data: what a row must say, what it need not, and what cannot go.
SET client_min_messages = warning;
SET TimeZone = 'Asia/Shanghai';
SELECT plan(54);

-- only what cannot be guessed is mandatory
SELECT lives_ok($$ INSERT INTO retail.channel (code, name) VALUES ('app', 'App') $$, 'a channel needs code and name');
SELECT lives_ok($$ INSERT INTO retail.location (code, name, kind, longitude, latitude)
    VALUES ('S1', 'Shop 1', 'store', 121.47, 31.23), ('W1', 'Warehouse', 'warehouse', 121.5, 31.3) $$,
    'a location needs code, name, kind and coordinates');
SELECT lives_ok($$ INSERT INTO retail.product (code, name) VALUES ('RICE', 'Rice') $$, 'a product needs code and name');
SELECT lives_ok($$ INSERT INTO retail.sku (code, name) VALUES ('RICE-5KG', 'Rice, 5 kg'), ('TEA', 'Tea') $$, 'a SKU needs code and name');
SELECT results_eq($$ SELECT c.kind, c.status, l.datum, l.time_zone, l.status, k.unit, k.status, k.lot_tracked
    FROM retail.channel c, retail.location l, retail.sku k WHERE l.code = 'S1' AND k.code = 'TEA' $$,
    $$ VALUES ('online', 'open', 'WGS-84', 'Asia/Shanghai', 'open', 'piece', 'active', false) $$, 'the rest is guessed');
SELECT is((SELECT round(public.st_x(geog::public.geometry)::numeric, 2) FROM retail.location WHERE code = 'S1'), 121.47,
    'the point follows from longitude and latitude');

-- constraints, by name
CREATE FUNCTION pg_temp.violates(sql text, rule text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hit text;
BEGIN
    BEGIN
        EXECUTE sql;
    EXCEPTION WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS hit = CONSTRAINT_NAME;
        IF hit = '' THEN
            GET STACKED DIAGNOSTICS hit = COLUMN_NAME;
        END IF;
    END;
    RETURN public.is(hit, rule, what);
END $$;
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name) VALUES ('app', 'Again') $$, 'channel_code_key', 'a channel code is unique');
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name) VALUES ('', 'x') $$, 'channel_code_check', 'and not empty');
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name) VALUES (repeat('x', 10000), 'x') $$, 'channel_code_check', 'nor 10 kB long');
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name) VALUES ('x', '') $$, 'channel_name_check', 'a channel has a name');
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name, kind) VALUES ('x', 'x', 'radio') $$, 'channel_kind_check', 'its kind is known');
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name, status) VALUES ('x', 'x', 'asleep') $$, 'channel_status_check', 'its status is known');
SELECT pg_temp.violates($$ INSERT INTO retail.channel (code, name, hold_ttl) VALUES ('x', 'x', '0') $$, 'channel_hold_ttl_check', 'its holds last a second at least');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, longitude, latitude) VALUES ('x', 'x', 1, 1) $$, 'kind', 'a location has a kind');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, kind, latitude) VALUES ('x', 'x', 'store', 1) $$, 'longitude', 'a longitude');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, kind, longitude) VALUES ('x', 'x', 'store', 1) $$, 'latitude', 'and a latitude');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('S1', 'x', 'store', 1, 1) $$, 'location_code_key', 'a location code is unique');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('x', 'x', 'kiosk', 1, 1) $$, 'location_kind_check', 'its kind is known');
SELECT throws_ok($$ INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('x', 'x', 'store', 181, 1) $$, NULL, 'longitude is -180 to 180');
SELECT throws_ok($$ INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('x', 'x', 'store', 1, -91) $$, NULL, 'latitude is -90 to 90');
SELECT throws_ok($$ INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('x', 'x', 'store', 1, 'NaN') $$, NULL, 'and a number');
SELECT throws_ok($$ INSERT INTO retail.location (code, name, kind, longitude, latitude, datum) VALUES ('x', 'x', 'store', 1, 1, 'Mars') $$, NULL, 'the datum is known');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('x', 'x', 'store', 1, 1, 'Mars/Olympus') $$, 'location_time_zone_check', 'the time zone is known');
SELECT pg_temp.violates($$ INSERT INTO retail.location (code, name, kind, longitude, latitude, opening_hours) VALUES ('x', 'x', 'store', 1, 1, '[]') $$, 'location_opening_hours_check', 'opening hours are an object');
SELECT pg_temp.violates($$ INSERT INTO retail.product (code, name) VALUES ('RICE', 'x') $$, 'product_code_key', 'a product code is unique');
SELECT pg_temp.violates($$ INSERT INTO retail.sku (code, name) VALUES ('TEA', 'x') $$, 'sku_code_key', 'a SKU code is unique');
SELECT pg_temp.violates($$ INSERT INTO retail.sku (code, name, product_id) VALUES ('x', 'x', 999) $$, 'sku_product_id_fkey', 'its product exists');
SELECT pg_temp.violates($$ INSERT INTO retail.sku (code, name, unit) VALUES ('x', 'x', '') $$, 'sku_unit_check', 'it has a unit');
SELECT pg_temp.violates($$ INSERT INTO retail.sku (code, name, specs) VALUES ('x', 'x', '3') $$, 'sku_specs_check', 'its specs are an object');
SELECT pg_temp.violates($$ INSERT INTO retail.sku (code, name, shelf_life_days) VALUES ('x', 'x', 0) $$, 'sku_shelf_life_check', 'it keeps a day at least');
SELECT pg_temp.violates($$ INSERT INTO retail.sku (code, name, status) VALUES ('x', 'x', 'gone') $$, 'sku_status_check', 'its status is known');
SELECT lives_ok($$ INSERT INTO retail.listing (sku_id, status) SELECT id, 'delisted' FROM retail.sku WHERE code = 'TEA' $$, 'a SKU is delisted everywhere');
SELECT pg_temp.violates($$ INSERT INTO retail.listing (sku_id) SELECT id FROM retail.sku WHERE code = 'TEA' $$, 'listing_scope_key', 'once per scope, no location being a scope');
SELECT pg_temp.violates($$ INSERT INTO retail.listing (sku_id, status) SELECT id, 'maybe' FROM retail.sku WHERE code = 'RICE-5KG' $$, 'listing_status_check', 'a listing is on_sale or delisted');
SELECT lives_ok($$ INSERT INTO retail.safety_stock (qty) VALUES (1) $$, 'safety stock for everything');
SELECT pg_temp.violates($$ INSERT INTO retail.safety_stock (percent) VALUES (5) $$, 'safety_stock_scope_key', 'once per scope');
SELECT pg_temp.violates($$ INSERT INTO retail.safety_stock (sku_id, qty) SELECT id, -1 FROM retail.sku WHERE code = 'TEA' $$, 'safety_stock_qty_check', 'not negative');
SELECT pg_temp.violates($$ INSERT INTO retail.safety_stock (sku_id, percent) SELECT id, 101 FROM retail.sku WHERE code = 'TEA' $$, 'safety_stock_percent_check', 'at most 100 percent');
SELECT pg_temp.violates($$ INSERT INTO retail.safety_stock (sku_id, qty, percent) SELECT id, 1, 1 FROM retail.sku WHERE code = 'TEA' $$, 'safety_stock_one_of_check', 'units or percent, not both');
SELECT pg_temp.violates($$ INSERT INTO retail.safety_stock (sku_id) SELECT id FROM retail.sku WHERE code = 'TEA' $$, 'safety_stock_one_of_check', 'and not neither');

-- what is in use stays; what is not goes, with its rules
DO $$ BEGIN
    PERFORM retail.receive('RICE-5KG', 'S1', 10);
    PERFORM retail.reserve('RICE-5KG', 'S1', 1, 'app');
END $$;
SELECT throws_ok($$ DELETE FROM retail.sku WHERE code = 'RICE-5KG' $$, 'RT011', 'SKU "RICE-5KG" is in use', 'a SKU with stock is not deleted');
SELECT throws_ok($$ DELETE FROM retail.location WHERE code = 'S1' $$, 'RT011', 'location "S1" is in use', 'nor a location');
SELECT throws_ok($$ DELETE FROM retail.channel $$, 'RT011', 'channel "app" is in use', 'nor a channel with reservations');
SELECT throws_ok($$ UPDATE retail.sku SET id = 1000 WHERE code = 'RICE-5KG' $$, 'RT011', 'id of SKU "RICE-5KG" cannot be changed', 'an id is not changed');
SELECT throws_ok($$ TRUNCATE retail.sku CASCADE $$, 'RT011', 'table "sku" cannot be emptied', 'nor is the table emptied');
SELECT lives_ok($$ UPDATE retail.sku SET code = 'RICE-5' WHERE code = 'RICE-5KG' $$, 'a code is changed');
SELECT is((retail.reserve('RICE-5', 'S1', 1, 'app')).outcome, 'held', 'and works at once');
SELECT lives_ok($$ DELETE FROM retail.sku WHERE code = 'TEA' $$, 'an unused SKU is deleted');
SELECT is((SELECT count(*)::int FROM retail.listing), 0, 'and its listing with it');
SELECT lives_ok($$ DELETE FROM retail.location WHERE code = 'W1' $$, 'so is an unused location');

-- counters are loaded anew once for a statement, and only where days of lots begin at other instants
INSERT INTO retail.location (code, name, kind, longitude, latitude) SELECT 'L' || i, 'Larder ' || i, 'store', i, i FROM generate_series(1, 3) i;
INSERT INTO retail.sku (code, name, lot_tracked) VALUES ('MILK', 'Milk', true);
DO $$ BEGIN PERFORM retail.receive('MILK', 'L' || i, 1, lot => 'x', expires_on => '2099-01-01') FROM generate_series(1, 3) i; END $$;
CREATE FUNCTION pg_temp.resets(sql text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    so_far CONSTANT text := 'SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE schemaname = ''retail'' AND funcname = ''reset_cells''';
    before bigint;
    after bigint;
BEGIN
    PERFORM set_config('track_functions', 'all', true);
    EXECUTE so_far INTO before;
    EXECUTE sql;
    EXECUTE so_far INTO after;
    RETURN after - before;
END $$;
SELECT is(pg_temp.resets($$ UPDATE retail.location SET time_zone = 'UTC' $$), 1::bigint, 'four zones change, three of them with lots: one reset');
SELECT is(pg_temp.resets($$ UPDATE retail.location SET time_zone = 'UTC', name = name || '!' $$), 0::bigint, 'no zone changes: none');
SELECT is(pg_temp.resets($$ UPDATE retail.location SET time_zone = 'Asia/Tokyo' WHERE code = 'S1' $$), 0::bigint, 'no lots there: none');
SELECT is(pg_temp.resets($$ UPDATE retail.location SET time_zone = 'Asia/Tokyo' WHERE code = 'L2' $$), 1::bigint, 'one zone with lots: one');

SELECT * FROM finish();
