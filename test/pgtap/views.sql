-- The views of retail_bi: their form, and what they say.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET pg_retail.clock = '2031-06-01 20:00:00+00';     -- 2 June in Shanghai
SELECT plan(27);

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
        AND format_type(a.atttypid, a.atttypmod) !~ 'geometry\(Point,4326\)'
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
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND a.attname IN ('sku_id', 'location_id', 'channel_id')
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

SELECT * FROM finish();
