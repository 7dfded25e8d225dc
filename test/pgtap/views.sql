-- The views of retail_bi: their form, and what they say.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET pg_retail.clock = '2031-06-01 20:00:00+00';     -- 2 June in Shanghai
SELECT plan(47);

-- compares results as text: codes have a collation of their own
CREATE FUNCTION pg_temp.same(got text, want text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a text;
    b text;
BEGIN
    EXECUTE format('SELECT string_agg(r::text, E''\n'') FROM (%s) r', got) INTO a;
    EXECUTE format('SELECT string_agg(r::text, E''\n'') FROM (%s) r', want) INTO b;
    RETURN public.is(a, b, what);
END $$;

-- form
SELECT is_empty($$
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND a.attnum > 0
        AND a.atttypid NOT IN ('bool'::regtype, 'int4'::regtype, 'int8'::regtype, 'text'::regtype, 'date'::regtype,
            'timestamptz'::regtype, 'numeric'::regtype)
        AND format_type(a.atttypid, a.atttypmod) !~ 'geometry\((Point|MultiPolygon),4326\)'
$$, 'built-in types only');
SELECT is_empty($$
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND NOT (a.atttypid = 'int8'::regtype AND a.attname ~ '_(key|id)$')
$$, 'each begins with an integer key');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND a.atttypid = 'timestamptz'::regtype AND a.attname !~ '^expires_at$'
        AND NOT EXISTS (SELECT FROM pg_attribute d WHERE d.attrelid = c.oid AND d.atttypid = 'date'::regtype
            AND d.attname IN (a.attname || '_on', regexp_replace(a.attname, '_at$', '_on')))
$$, 'each instant has its business date');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND a.attname IN ('sku_id', 'location_id', 'channel_id', 'service_id')
        AND (SELECT count(*) FROM pg_attribute n WHERE n.attrelid = c.oid
             AND n.attname IN (replace(a.attname, '_id', ''), replace(a.attname, '_id', '_name'))) <> 2
$$, 'each id has its code and name beside it');

-- a day of business
INSERT INTO retail.channel (code, name) VALUES ('app', 'App'), ('till', 'Till');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES
    ('S1', 'Shop 1', 'store', 121.47, 31.23, 'Asia/Shanghai'), ('S2', 'Shop 2', 'store', 2.35, 48.85, 'Europe/Paris');
INSERT INTO retail.sku (code, name, unit) VALUES ('A', 'Apple', 'piece'), ('B', 'Banana', 'bunch');
INSERT INTO retail.safety_stock (location_id, channel_id, qty) SELECT l.id, c.id, 4 FROM retail.location l, retail.channel c WHERE l.code = 'S1' AND c.code = 'app';
INSERT INTO retail.listing (sku_id, channel_id, status) SELECT k.id, c.id, 'delisted' FROM retail.sku k, retail.channel c WHERE k.code = 'B' AND c.code = 'app';
DO $$ BEGIN
    PERFORM retail.receive('A', 'S1', 10, ref => 'note 1');
    PERFORM retail.receive('A', 'S2', 20);
    PERFORM retail.receive('B', 'S1', 5, 'L1', '2031-06-30');
    PERFORM retail.block('A', 'S1', 1, 'display');
    PERFORM retail.reserve('A', 'S1', 2, 'app', '10 minutes', 'alice');
    PERFORM retail.reserve('A', 'S1', 3, 'till', '20 minutes');
    PERFORM retail.confirm((retail.reserve('A', 'S1', 1, 'till')).reservation_id, order_ref => 'order 1');
    PERFORM retail.release((retail.reserve('B', 'S1', 1, 'till')).reservation_id);
END $$;

SELECT pg_temp.same($$ SELECT sku, sku_name, unit, location, location_kind, on_hand, unavailable, held, committed, available, last_moved_on
    FROM retail_bi.stock ORDER BY sku, location $$,
    $$ VALUES ('A', 'Apple', 'piece', 'S1', 'store', 10::bigint, 1::bigint, 5::bigint, 1::bigint, 3::bigint, '2031-06-02'::date),
              ('A', 'Apple', 'piece', 'S2', 'store', 20, 0, 0, 0, 20, '2031-06-01'),
              ('B', 'Banana', 'bunch', 'S1', 'store', 5, 0, 0, 0, 5, '2031-06-02') $$, 'stock');
SELECT is((SELECT round(public.st_y(geom)::numeric, 2) FROM retail_bi.stock WHERE location = 'S2' LIMIT 1), 48.85, 'on the map');
SELECT pg_temp.same($$ SELECT sku, location, channel, available, safety_stock, on_sale, sellable FROM retail_bi.availability ORDER BY 1, 2, 3 $$,
    $$ VALUES ('A', 'S1', 'app', 3::bigint, 4::bigint, true, 0::bigint), ('A', 'S1', 'till', 3, 0, true, 3),
              ('A', 'S2', 'app', 20, 0, true, 20), ('A', 'S2', 'till', 20, 0, true, 20),
              ('B', 'S1', 'app', 5, 4, false, 0), ('B', 'S1', 'till', 5, 0, true, 5) $$, 'availability');
SELECT is_empty($$ SELECT FROM retail_bi.availability v WHERE v.sellable <> retail.available(v.sku, v.location, v.channel) $$, 'says what available() says');
SELECT pg_temp.same($$ SELECT sku, channel, sellable, locations FROM retail_bi.pool ORDER BY 1, 2 $$,
    $$ VALUES ('A', 'app', 20::bigint, 1::bigint), ('A', 'till', 23, 2), ('B', 'app', 0, 0), ('B', 'till', 5, 1) $$, 'pool');
SELECT is_empty($$ SELECT FROM retail_bi.pool p WHERE p.sellable <> retail.total(retail.pool(p.sku, p.channel)) $$, 'says what pool() says');
SELECT pg_temp.same($$ SELECT sku, location, channel, listed, changed_on FROM retail_bi.sold_out ORDER BY 1, 2, 3 $$,
    $$ VALUES ('A', 'S1', 'app', true, '2031-06-02'::date) $$, 'sold_out');
SELECT pg_temp.same($$ SELECT sku, channel, qty, status, order_ref, created_on FROM retail_bi.reservation ORDER BY reservation_id $$,
    $$ VALUES ('A', 'app', 2::bigint, 'held', NULL, '2031-06-02'::date), ('A', 'till', 3, 'held', NULL, '2031-06-02'),
              ('A', 'till', 1, 'committed', 'order 1', '2031-06-02'), ('B', 'till', 1, 'released', NULL, '2031-06-02') $$, 'reservation');
SELECT hasnt_column('retail_bi', 'reservation', 'holder', 'who holds is not for analysts');
SELECT pg_temp.same($$ SELECT sku, location, lot, lot_expires_on, kind, on_hand_delta, unavailable_delta, on_hand_after, ref, reason, occurred_on
    FROM retail_bi.movement ORDER BY movement_id $$,
    $$ VALUES ('A', 'S1', NULL, NULL::date, 'receipt', 10::bigint, 0::bigint, 10::bigint, 'note 1', NULL, '2031-06-02'::date),
              ('A', 'S2', NULL, NULL, 'receipt', 20, 0, 20, NULL, NULL, '2031-06-01'),
              ('B', 'S1', 'L1', '2031-06-30', 'receipt', 5, 0, 5, NULL, NULL, '2031-06-02'),
              ('A', 'S1', NULL, NULL, 'block', 0, 1, 10, NULL, 'display', '2031-06-02') $$, 'movement');

-- a hold that lapses, a place that closes, a lot that comes of age
SET pg_retail.clock = '2031-06-01 20:15:00+00';
SELECT is((SELECT status FROM retail_bi.reservation ORDER BY reservation_id LIMIT 1), 'expired', 'a lapsed hold is shown as expired');
SELECT is((SELECT available FROM retail_bi.stock WHERE sku = 'A' AND location = 'S1'), 5::bigint, 'and counts no more');
UPDATE retail.location SET status = 'closed' WHERE code = 'S2';
SELECT is((SELECT sellable FROM retail_bi.availability WHERE sku = 'A' AND location = 'S2' AND channel = 'app'), 0::bigint, 'a closed shop sells nothing');
SET pg_retail.clock = '2031-06-29 16:00:00+00';
SELECT is((SELECT available FROM retail_bi.stock WHERE sku = 'B'), 0::bigint, 'a lot past its date is not available, from midnight there');
SELECT is((SELECT available FROM retail_bi.stock WHERE sku = 'B'), retail.available('B', 'S1'), 'as available() says');

-- the past
SET pg_retail.clock = '2031-07-01 12:00:00+00';
DO $$ BEGIN PERFORM retail.sell('A', 'S1', 4); END $$;
SELECT pg_temp.same($$ SELECT on_hand, unavailable, valid_from, valid_to FROM retail_bi.stock_as_of WHERE sku = 'A' AND location = 'S1' ORDER BY valid_from $$,
    $$ VALUES (10::bigint, 1::bigint, '2031-06-01 20:00:00+00'::timestamptz, '2031-07-01 12:00:00+00'::timestamptz),
              (6, 1, '2031-07-01 12:00:00+00', 'infinity') $$, 'stock_as_of');
SET pg_retail.clock = '2031-07-02 12:00:00+00';
DO $$ BEGIN PERFORM retail.bulk_write(); UPDATE retail.stock SET on_hand = 50, unavailable = 0 WHERE location_id = (SELECT id FROM retail.location WHERE code = 'S1'); END $$;
SET pg_retail.clock = '2031-07-03 12:00:00+00';
DO $$ BEGIN PERFORM retail.sell('A', 'S1', 1); END $$;
SELECT pg_temp.same($$ SELECT on_hand, valid_from, valid_to FROM retail_bi.stock_as_of WHERE sku = 'A' AND location = 'S1' AND valid_to > '2031-07-02' ORDER BY valid_from $$,
    $$ VALUES (6::bigint, '2031-07-01 12:00:00+00'::timestamptz, '2031-07-02 12:00:00+00'::timestamptz),
              (50, '2031-07-02 12:00:00+00', '2031-07-03 12:00:00+00'), (49, '2031-07-03 12:00:00+00', 'infinity') $$,
    'a load begins an interval of its own');
SELECT pg_temp.same($$ SELECT on_hand, valid_to FROM retail_bi.stock_as_of WHERE sku = 'B' ORDER BY valid_from DESC LIMIT 1 $$,
    $$ VALUES (50::bigint, 'infinity'::timestamptz) $$, 'also where nothing has moved since');
SELECT is_empty($$ SELECT FROM retail_bi.stock_as_of a JOIN retail_bi.stock_as_of b USING (sku_id, location_id)
    WHERE a.interval_key < b.interval_key AND a.valid_from < b.valid_to AND b.valid_from < a.valid_to $$, 'intervals do not overlap');
SELECT is_empty($$ SELECT FROM retail_bi.stock s WHERE s.on_hand IS DISTINCT FROM
    (SELECT a.on_hand FROM retail_bi.stock_as_of a WHERE a.sku_id = s.sku_id AND a.location_id = s.location_id AND a.valid_to = 'infinity') $$,
    'the last one is what is there now');

-- shortage
DO $$ BEGIN PERFORM retail.count_stock('A', 'S1', 0); END $$;
SELECT pg_temp.same($$ SELECT sku, location, qty, reservations, kind, open, created_on FROM retail_bi.shortage WHERE kind = 'count' $$,
    $$ VALUES ('A', 'S1', 1::bigint, 1, 'count', true, '2031-07-03'::date) $$, 'shortage');

-- keys
SELECT is_empty($$
    SELECT 'stock', stock_key FROM retail_bi.stock GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'availability', availability_key FROM retail_bi.availability GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'pool', pool_key FROM retail_bi.pool GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'sold_out', sold_out_key FROM retail_bi.sold_out GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'stock_as_of', interval_key FROM retail_bi.stock_as_of GROUP BY 2 HAVING count(*) > 1
$$, 'keys are unique');

-- history
SET pg_retail.clock = '2031-09-01 00:00:00+00';
DO $$ BEGIN PERFORM retail.expire_reservations(); PERFORM retail.archive_reservations(); END $$;
SELECT pg_temp.same($$ SELECT status, count(*) FROM retail_bi.reservation GROUP BY 1 ORDER BY 1 $$,
    $$ VALUES ('committed', 1::bigint), ('expired', 2), ('released', 1) $$, 'finished reservations stay in sight');

-- orders: two parcels of which one is late, a pickup that waits, one unpaid, one far away, one nobody has, one cancelled
SET pg_retail.clock = '2031-09-01 20:00:00+00';     -- 2 September, four in the morning in Shanghai
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, daily_capacity) VALUES
    ('T1', 'Town 1', 'store', 121.47, 31.23, 'Asia/Shanghai', NULL), ('T2', 'Town 2', 'store', 121.49, 31.23, 'Asia/Shanghai', 3),
    ('T3', 'Town 3', 'store', 2.35, 48.85, 'Europe/Paris', NULL);
INSERT INTO retail.sku (code, name) VALUES ('C', 'Cherry'), ('D', 'Date'), ('E', 'Elder');
INSERT INTO retail.slot (location_id, resource, starts_at, ends_at, capacity)
SELECT id, 'locker', '2031-09-02 23:30:00+00', '2031-09-02 23:45:00+00', 1 FROM retail.location WHERE code = 'T1';
CREATE FUNCTION pg_temp.go(ref text, store text, VARIADIC steps text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY steps LOOP
        PERFORM retail.advance(f.id, step)
        FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id JOIN retail.location w ON w.id = f.location_id
        WHERE o.order_ref = ref AND w.code = store;
    END LOOP;
END $$;
DO $$ BEGIN
    PERFORM retail.receive_lines(ARRAY[('C', 'T1', 10), ('D', 'T2', 10)]::retail.line[]);
    PERFORM retail.place_order('app', 'O1', ARRAY[('C', NULL, 1), ('D', NULL, 2)]::retail.line[], 121.47, 31.23, 'same_day', holder => 'alice');
    PERFORM retail.place_order('app', 'O2', ARRAY[('C', NULL, 3)]::retail.line[], service => 'pickup', location => 'T1', options => '{"guide": "Anna"}');
    PERFORM retail.place_order('app', 'O3', ARRAY[('C', NULL, 1)]::retail.line[], service => 'pickup', location => 'T1');
    PERFORM retail.place_order('till', 'O4', ARRAY[('D', NULL, 4)]::retail.line[], 121.59, 31.23, 'same_day');
    PERFORM retail.place_order('till', 'O5', ARRAY[('E', NULL, 1)]::retail.line[], 121.47, 31.23, 'same_day', options => '{"backorder": true}');
    PERFORM retail.place_order('app', 'O6', ARRAY[('D', NULL, 1)]::retail.line[], 121.47, 31.23, 'same_day');
    PERFORM retail.confirm_order(o.c, o.r) FROM (VALUES ('app', 'O1'), ('app', 'O2'), ('till', 'O4'), ('till', 'O5'), ('app', 'O6')) o (c, r);
    PERFORM retail.cancel_order('app', 'O6');
    PERFORM pg_temp.go('O2', 'T1', 'accept', 'start_picking', 'pack', 'ready');
    PERFORM retail.book_slot(f.fulfilment_id, t.id) FROM retail_bi.fulfilment_order f, retail.slot t WHERE f.order_ref = 'O2';
    PERFORM pg_temp.go('O1', 'T1', 'accept', 'start_picking', 'pack', 'ship');
    PERFORM pg_temp.go('O1', 'T2', 'accept', 'start_picking', 'pack', 'ship');
END $$;
SELECT pg_temp.same($$ SELECT order_ref, promise_kept FROM retail_bi.order_parcels ORDER BY order_id $$,
    $$ VALUES ('O1', NULL::boolean), ('O2', true), ('O3', NULL), ('O4', NULL), ('O5', NULL), ('O6', NULL) $$,
    'nothing is late yet, and a pickup that is ready was in time');
SET pg_retail.clock = '2031-09-02 02:00:00+00';
DO $$ BEGIN PERFORM pg_temp.go('O1', 'T1', 'deliver'); END $$;
SET pg_retail.clock = '2031-09-02 15:00:00+00';     -- an hour after ten in the evening
DO $$ BEGIN PERFORM pg_temp.go('O1', 'T2', 'deliver'); END $$;

SELECT pg_temp.same($$ SELECT channel, order_ref, service, status, guide, lines, units, backordered_units, cancelled_units, shipped_units, placed_on, promise_on
    FROM retail_bi.sales_order ORDER BY order_id $$,
    $$ VALUES ('app', 'O1', 'same_day', 'completed', NULL, 2::bigint, 3::bigint, 0::bigint, 0::bigint, 3::bigint, '2031-09-02'::date, '2031-09-02'::date),
              ('app', 'O2', 'pickup', 'confirmed', 'Anna', 1, 3, 0, 0, 0, '2031-09-02', '2031-09-02'),
              ('app', 'O3', 'pickup', 'placed', NULL, 1, 1, 0, 0, 0, '2031-09-02', '2031-09-02'),
              ('till', 'O4', 'same_day', 'confirmed', NULL, 1, 4, 0, 0, 0, '2031-09-02', '2031-09-02'),
              ('till', 'O5', 'same_day', 'confirmed', NULL, 1, 1, 1, 0, 0, '2031-09-01', NULL),
              ('app', 'O6', 'same_day', 'cancelled', NULL, 1, 1, 0, 1, 0, '2031-09-02', '2031-09-02') $$, 'sales_order');
SELECT is_empty($$ SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND a.attname ~ 'holder|code_hash|pickup_code|longitude|latitude' $$,
    'who orders, where to and the codes are not for analysts');
SELECT pg_temp.same($$ SELECT order_ref, line_no, sku, sku_name, qty, backordered_qty, cancelled_qty, shipped_qty, placed_on
    FROM retail_bi.order_line WHERE order_ref IN ('O1', 'O5') ORDER BY order_line_key $$,
    $$ VALUES ('O1', 1, 'C', 'Cherry', 1::bigint, 0::bigint, 0::bigint, 1::bigint, '2031-09-02'::date),
              ('O1', 2, 'D', 'Date', 2, 0, 0, 2, '2031-09-02'), ('O5', 1, 'E', 'Elder', 1, 1, 0, 0, '2031-09-01') $$, 'order_line');
SELECT pg_temp.same($$ SELECT order_ref, location, kind, state, open, lines, units, round(distance_m / 100.0), promised_in_time, promise_kept, promise_on, done_on, created_on
    FROM retail_bi.fulfilment_order ORDER BY order_id, location $$,
    $$ VALUES ('O1', 'T1', 'delivery', 'delivered', false, 1::bigint, 1::bigint, 0::numeric, true, true, '2031-09-02'::date, '2031-09-02'::date, '2031-09-02'::date),
              ('O1', 'T2', 'delivery', 'delivered', false, 1, 2, 19, true, false, '2031-09-02', '2031-09-02', '2031-09-02'),
              ('O2', 'T1', 'pickup', 'ready_for_pickup', true, 1, 3, NULL, true, true, '2031-09-02', '2031-09-02', '2031-09-02'),
              ('O3', 'T1', 'pickup', 'new', true, 1, 1, NULL, true, NULL, '2031-09-02', NULL, '2031-09-02'),
              ('O4', 'T2', 'delivery', 'routed', true, 1, 4, 95, true, false, '2031-09-02', NULL, '2031-09-02'),
              ('O6', 'T2', 'delivery', 'cancelled', false, 1, 1, 19, true, NULL, '2031-09-02', NULL, '2031-09-02') $$, 'fulfilment_order');
SELECT pg_temp.same($$ SELECT order_ref, lines, parcels, locations, split, parcels_with_distance, parcels_within_3_km, longest_distance_m / 1000, promises, promises_kept, promise_kept
    FROM retail_bi.order_parcels ORDER BY order_id $$,
    $$ VALUES ('O1', 2::bigint, 2::bigint, 2::bigint, true, 2::bigint, 2::bigint, 1::bigint, 2::bigint, 1::bigint, false),
              ('O2', 1, 1, 1, false, 0, 0, NULL, 1, 1, true), ('O3', 1, 1, 1, false, 0, 0, NULL, 0, 0, NULL),
              ('O4', 1, 1, 1, false, 1, 0, 9, 1, 0, false), ('O5', 1, 0, 0, false, 0, 0, NULL, 0, 0, NULL),
              ('O6', 1, 0, 0, false, 0, 0, NULL, 0, 0, NULL) $$, 'order_parcels');
SELECT pg_temp.same($$ SELECT business_date, channel, orders, parcels, parcels_per_order, split_share, within_3_km_share, promise_kept_share
    FROM retail_bi.split_rate ORDER BY business_date, channel $$,
    $$ VALUES ('2031-09-02'::date, 'app', 2::bigint, 3::bigint, 1.5000, 0.5000, 1.0000, 0.6667), ('2031-09-02', 'till', 1, 1, 1.0000, 0.0000, 0.0000, 0.0000) $$,
    'split_rate: paid orders that have a parcel');
SELECT pg_temp.same($$ SELECT business_date, location, open_parcels, finished_parcels, units, capacity_taken, capacity_limit
    FROM retail_bi.store_load ORDER BY location $$,
    $$ VALUES ('2031-09-02'::date, 'T1', 2::bigint, 1::bigint, 5::bigint, 0, NULL::integer), ('2031-09-02', 'T2', 1, 1, 6, 2, 3) $$, 'store_load');
SELECT pg_temp.same($$ SELECT order_ref, location, units, slot_resource, slot_starts_on, ready_on, collect_by_on, overdue FROM retail_bi.pickup $$,
    $$ VALUES ('O2', 'T1', 3::bigint, 'locker', '2031-09-03'::date, '2031-09-02'::date, '2031-09-05'::date, false) $$, 'pickup');
SELECT pg_temp.same($$ SELECT location, kind, status, open_parcels, ready_parcels, round(public.st_x(geom)::numeric, 2) FROM retail_bi.store_map WHERE location ~ '^T' ORDER BY 1 $$,
    $$ VALUES ('T1', 'store', 'open', 2::bigint, 1::bigint, 121.47), ('T2', 'store', 'open', 1, 0, 121.49), ('T3', 'store', 'open', 0, 0, 2.35) $$, 'store_map');

-- what each serves: where its parcels went, or its zones, even one that crosses itself
SELECT pg_temp.same($$ SELECT location, source, parcels FROM retail_bi.catchment ORDER BY 1 $$,
    $$ VALUES ('T1', 'served', 1::bigint), ('T2', 'served', 1) $$, 'catchment');
SELECT ok(public.st_contains(geom, public.st_setsrid(public.st_makepoint(121.47, 31.23), 4326)) AND public.st_npoints(geom) = 5,
    'a square around the destination') FROM retail_bi.catchment WHERE location = 'T1';
INSERT INTO retail.delivery_zone (location_id, area)
SELECT id, a::public.geography FROM retail.location,
    unnest(ARRAY['MULTIPOLYGON(((2 48, 3 49, 3 48, 2 49, 2 48)))', 'MULTIPOLYGON(((5 48, 6 48, 6 49, 5 48)))']) a WHERE code = 'T3';
SELECT pg_temp.same($$ SELECT location, source, parcels, public.geometrytype(geom), public.st_srid(geom), public.st_isvalid(geom) FROM retail_bi.catchment WHERE location = 'T3' $$,
    $$ VALUES ('T3', 'zones', NULL::bigint, 'MULTIPOLYGON', 4326, true) $$, 'zones come first');
SET pg_retail.clock = '2031-09-06 00:00:00+00';
SELECT is((SELECT overdue FROM retail_bi.pickup), true, 'a shopper who has not come');
SET pg_retail.clock = '2031-10-06 00:00:00+00';
SELECT set_eq('SELECT location COLLATE "default" FROM retail_bi.catchment', ARRAY['T3'], 'what is older than 28 days is left out');
SELECT is_empty($$
    SELECT 'order_line', order_line_key FROM retail_bi.order_line GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'split_rate', split_rate_key FROM retail_bi.split_rate GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'store_load', store_load_key FROM retail_bi.store_load GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'store_map', location_key FROM retail_bi.store_map GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'catchment', location_key FROM retail_bi.catchment GROUP BY 2 HAVING count(*) > 1
$$, 'their keys are unique, too');

-- an analyst reads them all, and init() brings back what was dropped
CREATE ROLE retail_tap_analyst;
CREATE FUNCTION pg_temp.read_all() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    view name;
    views integer := 0;
BEGIN
    FOR view IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'retail_bi'::regnamespace AND c.relkind = 'v' LOOP
        EXECUTE format('SELECT count(v::text) FROM retail_bi.%I v', view) INTO STRICT views;
    END LOOP;
    RETURN (SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'retail_bi'::regnamespace AND c.relkind = 'v');
END $$;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_analyst', 'analyst');
    SET LOCAL ROLE retail_tap_analyst;
    PERFORM pg_temp.read_all();
    RESET ROLE;
END $$;
SELECT pass('an analyst reads every view');
DROP OWNED BY retail_tap_analyst;
DROP ROLE retail_tap_analyst;
DROP VIEW retail._parcel CASCADE;
SELECT set_eq('SELECT part FROM retail.init() WHERE action = ''renewed''', ARRAY['55-order-views'], 'init() makes dropped views anew');
SELECT is(pg_temp.read_all(), 26, 'all of them');
SELECT set_has('SELECT part FROM retail.migrate() WHERE action = ''renewed''', 'SELECT ''55-order-views''', 'as migrate() does');

SELECT * FROM finish();
