-- Parcels that cannot be filled: rejected, short, not accepted in time, backordered, beyond a day's capacity.
\ir order.psql

SELECT plan(88);
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('A', 'S1', 5), ('B', 'S1', 5), ('A', 'S2', 4), ('B', 'S3', 1)]::retail.line[]); END $$;

-- rejected, because it is not there: all of the stock was promised
CREATE TEMP TABLE p1 AS SELECT pg_temp.pay('O1', ARRAY[('A', NULL, 5), ('B', NULL, 2)]::retail.line[]) AS id;
SELECT is(pg_temp.parcels('O1'), 'S1 routed A5+B2', 'one parcel');
SELECT is((SELECT (outcome, missing_qty)::text FROM p1, retail.advance(p1.id, 'reject', 'not_found', picked => ARRAY[0, 2], request_key => 'x1')), '(rejected,5)', 'the apples are not there');
SELECT is((SELECT (outcome, missing_qty, replayed)::text FROM p1, retail.advance(p1.id, 'reject', 'not_found', picked => ARRAY[0, 2], request_key => 'x1')), '(rejected,5,t)', 'said once');
SELECT is(pg_temp.parcels('O1'), 'S1 rejected A5+B2, S2 routed A4, S3 routed B1', 'others take what they have');
SELECT is(pg_temp.lines('O1'), 'A5 b1 c0 s0 r0, B2 b1 c0 s0 r0', 'the rest waits');
SELECT is(pg_temp.units('A', 'S1'), '5 on hand, 5 unavailable, 0 available', 'what was not found is promised to nobody');
SELECT is(pg_temp.units('B', 'S1'), '5 on hand, 0 unavailable, 5 available', 'what was is for sale');
SELECT is_empty('SELECT FROM retail.shortage', 'nobody is short of anything');
SELECT results_eq($$ SELECT w.code COLLATE "default", r.reason FROM retail.order_refusal r JOIN retail.location w ON w.id = r.location_id $$, $$ VALUES ('S1', 'not_found') $$, 'the refusal is kept');
SELECT is((SELECT string_agg(payload->>'step', ' ' ORDER BY id) FROM retail.outbox WHERE topic = 'fulfilment'), 'confirm reject route route', 'others are told');
SELECT is((SELECT string_agg(payload->>'event', ' ' ORDER BY id) FROM retail.outbox WHERE topic = 'order'), 'confirmed backordered', 'that it waits, too');
SELECT is(retail.release_backorders(), 0::bigint, 'not from where it was refused');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- backorders: who came first is served first
CREATE TEMP TABLE p2 AS SELECT pg_temp.pay('O2', ARRAY[('B', NULL, 5)]::retail.line[]) AS id;
DO $$ BEGIN PERFORM retail.place_order('app', 'O3', ARRAY[('A', NULL, 2)]::retail.line[], 121.470, 31.230, 'express', options => '{"backorder": true}'); END $$;
SELECT is(pg_temp.lines('O3'), 'A2 b2 c0 s0 r0', 'an order may begin by waiting');
SELECT results_eq($$ SELECT outcome, qty FROM retail.confirm_order('app', 'O3') $$, $$ VALUES ('backordered', 2::bigint) $$, 'and be paid all the same');
DO $$ BEGIN PERFORM retail.receive('A', 'S3', 2); END $$;
SELECT is(retail.release_backorders('A'), 2::bigint, 'goods arrive');
SELECT is(pg_temp.lines('O1') || '; ' || pg_temp.lines('O3'), 'A5 b0 c0 s0 r0, B2 b1 c0 s0 r0; A2 b1 c0 s0 r0', 'the older order first');
SELECT results_eq($$ SELECT outcome, qty FROM retail.reroute_order('app', 'O3') $$, $$ VALUES ('backordered', 1::bigint) $$, 'asking does not help');
DO $$ BEGIN PERFORM retail.receive('A', 'S2', 1); END $$;
SELECT results_eq($$ SELECT outcome, location, qty FROM retail.reroute_order('app', 'O3') $$, $$ VALUES ('rerouted', 'S2', 1::bigint) $$, 'goods do');
SELECT throws_ok($$ SELECT retail.release_backorders('Z') $$, 'RT001', NULL, 'an unknown SKU');
SELECT throws_ok($$ SELECT retail.release_backorders('A', 0) $$, '22023', NULL, 'a batch has a row at least');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- short: what is found goes, the rest comes from elsewhere
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('C', 'S1', 6), ('C', 'S2', 1)]::retail.line[]); END $$;
CREATE TEMP TABLE p4 AS SELECT pg_temp.pay('O4', ARRAY[('C', NULL, 4), ('C', NULL, 2)]::retail.line[]) AS id;
SELECT is(pg_temp.go(id, 'accept', 'start_picking'), 'picking', 'picking') FROM p4;
SELECT throws_ok(format($$ SELECT retail.advance(%s, 'pack', picked => ARRAY[1]) $$, id), '22023', NULL, 'each line has its number') FROM p4;
SELECT throws_ok(format($$ SELECT retail.advance(%s, 'pack', picked => ARRAY[1, NULL]) $$, id), '22023', NULL, 'and it is one') FROM p4;
SELECT throws_ok(format($$ SELECT retail.advance(%s, 'pack', picked => ARRAY[1, 1], on_short => 'shrug') $$, id), '22023', NULL, 'something becomes of the rest') FROM p4;
SELECT is((SELECT (outcome, state, missing_qty)::text FROM p4, retail.advance(p4.id, 'pack', picked => ARRAY[3, 0])), '(packed,packed,3)', 'three of six');
SELECT is(pg_temp.parcels('O4') || '; ' || pg_temp.lines('O4'), 'S1 packed C3, S2 routed C1; C4 b0 c0 s0 r0, C2 b2 c0 s0 r0', 'one from elsewhere, two wait');
SELECT is((SELECT string_agg(e.step || ' ' || e.to_state, ', ' ORDER BY e.id) FROM retail.fulfilment_event e, p4 WHERE e.fulfilment_id = p4.id AND e.step IN ('find_short', 'pack')), 'find_short short, pack packed', 'the log tells of it');
SELECT is(pg_temp.units('C', 'S1'), '6 on hand, 3 unavailable, 0 available', 'what is missing is promised to nobody');
SELECT is(pg_temp.go(id, 'ship'), 'shipped', 'what was found leaves') FROM p4;
SELECT is(pg_temp.lines('O4') || ' ' || pg_temp.status('O4'), 'C4 b0 c0 s3 r0, C2 b2 c0 s0 r0 confirmed', 'the order is not over');
SELECT results_eq($$ SELECT outcome, qty FROM retail.cancel_order('app', 'O4', line_no => 2) $$, $$ VALUES ('cancelled', 2::bigint) $$, 'what waits can be cancelled');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- short, otherwise
DO $$ BEGIN PERFORM retail.receive('C', 'S3', 6); END $$;
CREATE TEMP TABLE p5 AS SELECT pg_temp.pay('O5', ARRAY[('C', NULL, 2)]::retail.line[]) AS id UNION ALL SELECT pg_temp.pay('O6', ARRAY[('C', NULL, 2)]::retail.line[]) UNION ALL SELECT pg_temp.pay('O7', ARRAY[('C', NULL, 2)]::retail.line[]);
SELECT is(string_agg(pg_temp.go(id, 'accept', 'start_picking'), ' '), 'picking picking picking', 'three parcels') FROM p5;
DO $$ BEGIN
    PERFORM retail.advance((SELECT min(id) FROM p5), 'pack', picked => ARRAY[1], on_short => 'cancel');
    PERFORM retail.advance((SELECT min(id) + 1 FROM p5), 'pack', picked => ARRAY[1], on_short => 'backorder');
END $$;
SELECT is(pg_temp.lines('O5') || ', ' || pg_temp.lines('O6'), 'C2 b0 c1 s0 r0, C2 b1 c0 s0 r0', 'cancelled, or backordered at once');
SELECT is((SELECT (outcome, state, missing_qty)::text FROM retail.advance((SELECT max(id) FROM p5), 'pack', picked => ARRAY[0])), '(rejected,rejected,2)', 'nothing found is a rejection');
SELECT is(pg_temp.parcels('O7') || ' ' || pg_temp.lines('O7'), 'S3 rejected C2 C2 b2 c0 s0 r0', 'nobody else has them');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- not accepted in time
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('A', 'S3', 20), ('A', 'S2', 3)]::retail.line[]); END $$;
CREATE TEMP TABLE p8 AS SELECT pg_temp.pay('O8', ARRAY[('A', NULL, 3)]::retail.line[]) AS id;
SELECT is(pg_temp.parcels('O8'), 'S2 routed A3', 'to the nearest');
SELECT is(retail.reroute_unaccepted(), 0::bigint, 'it has time');
SET pg_retail.clock = '2031-03-03 14:00:00+00';
SELECT cmp_ok(retail.reroute_unaccepted(), '>=', 1::bigint, 'four hours later it has not answered');
SELECT is(pg_temp.parcels('O8'), 'S2 rejected A3, S3 routed A3', 'the next one is asked');
SELECT is((SELECT reason FROM retail.fulfilment_event e, p8 WHERE e.fulfilment_id = p8.id AND step = 'reject'), 'not_accepted', 'the log says why');
SET pg_retail.clock = '2031-03-03 19:00:00+00';
SELECT cmp_ok(retail.reroute_unaccepted(), '>=', 1::bigint, 'it has not answered, either');
SELECT is(pg_temp.parcels('O8') || ' ' || pg_temp.lines('O8'), 'S2 rejected A3, S3 rejected A3 A3 b3 c0 s0 r0', 'nobody is left to ask');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- damaged is not for sale, either; a reason of another kind blocks nothing
DO $$ BEGIN PERFORM retail.receive('C', 'S1', 4); END $$;
CREATE TEMP TABLE p8b AS SELECT pg_temp.pay('O8b', ARRAY[('C', NULL, 1)]::retail.line[]) AS id UNION ALL SELECT pg_temp.pay('O8c', ARRAY[('C', NULL, 2)]::retail.line[]);
SELECT results_eq($$ SELECT (retail.advance(id, 'reject', r)).missing_qty FROM (SELECT id, CASE row_number() OVER (ORDER BY id) WHEN 1 THEN 'damaged' ELSE 'no staff' END AS r FROM p8b) x ORDER BY id $$, $$ VALUES (1::bigint), (0) $$, 'one is damaged');
SELECT is((SELECT reason || ' ' || unavailable_delta FROM retail.movement WHERE kind = 'block' ORDER BY id DESC LIMIT 1), 'damaged 1', 'the ledger says why');
DO $$ BEGIN PERFORM retail.cancel_order('app', r) FROM unnest(ARRAY['O8b', 'O8c']) r; END $$;

-- a day's capacity
UPDATE retail.location SET daily_capacity = 1 WHERE code IN ('S1', 'S2');
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('C', 'S1', 9), ('C', 'S2', 9), ('C', 'S3', 9)]::retail.line[]); END $$;
CREATE TEMP TABLE p9 AS SELECT pg_temp.pay('O9', ARRAY[('C', NULL, 1)]::retail.line[]) AS id;
SELECT is(pg_temp.parcels('O9'), 'S1 routed C1', 'the first parcel of the day');
DO $$ BEGIN PERFORM pg_temp.pay('O10', ARRAY[('C', NULL, 1)]::retail.line[]); PERFORM retail.advance((SELECT id FROM p9), 'reject', 'busy'); END $$;
SELECT is(pg_temp.parcels('O10') || ', ' || pg_temp.parcels('O9'), 'S2 routed C1, S1 rejected C1, S3 routed C1', 'a full location is passed over');
CREATE FUNCTION pg_temp.places() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(w.code || ' ' || c.taken - (SELECT count(*) FROM retail.capacity_return r WHERE r.location_id = c.location_id AND r.business_date = c.business_date), ', ' ORDER BY w.code)
    FROM retail.capacity_use c JOIN retail.location w ON w.id = c.location_id
$$;
SELECT is(pg_temp.places(), 'S1 0, S2 1', 'a rejection gives its place back');
DO $$ BEGIN PERFORM retail.cancel_order('app', 'O10'); END $$;
SELECT is(pg_temp.places(), 'S1 0, S2 0', 'so does a cancellation');
SELECT is((SELECT string_agg(location || ' ' || capacity_taken, ', ' ORDER BY location) FROM retail_bi.store_load WHERE business_date = '2031-03-03' AND capacity_limit = 1), 'S1 0', 'as the view says');
SELECT is((SELECT count(*)::int FROM retail.capacity_return), 2, 'without waiting for anybody');
SELECT is(retail.fold_capacity(1), 1::bigint, 'a job does the books');
SELECT is(retail.fold_capacity(), 1::bigint, 'day by day');
SELECT is((SELECT sum(taken)::int FROM retail.capacity_use), 0, 'none is taken');
SELECT throws_ok('SELECT retail.fold_capacity(0)', '22023', NULL, 'a batch has a row at least');
DO $$ BEGIN PERFORM pg_temp.pay('O11', ARRAY[('C', NULL, 1)]::retail.line[]); END $$;
SELECT is(pg_temp.parcels('O11'), 'S1 routed C1', 'which somebody else gets');
DO $$ BEGIN PERFORM retail.cancel_order('app', 'O11'); PERFORM pg_temp.pay('O11b', ARRAY[('C', NULL, 1)]::retail.line[]); PERFORM pg_temp.pay('O11c', ARRAY[('C', NULL, 1)]::retail.line[]); END $$;
SELECT is(pg_temp.parcels('O11b') || ', ' || pg_temp.parcels('O11c') || ', ' || pg_temp.places(), 'S1 routed C1, S2 routed C1, S1 1, S2 1', 'whether or not the job has come by');
DO $$ BEGIN PERFORM retail.cancel_order('app', 'O11c'); END $$;
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- one that fails does not hold up the others
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not this one''; END';
CREATE TEMP TABLE p12 AS SELECT pg_temp.pay('O12', ARRAY[('C', NULL, 1)]::retail.line[]) AS id UNION ALL SELECT pg_temp.pay('O13', ARRAY[('C', NULL, 1)]::retail.line[]);
SELECT lives_ok(format('CREATE TRIGGER fail BEFORE INSERT ON retail.fulfilment_event FOR EACH ROW WHEN (NEW.fulfilment_id = %s) EXECUTE FUNCTION pg_temp.refuse()', min(id)), 'a trigger that refuses one') FROM p12;
SET pg_retail.clock = '2031-03-04 09:00:00+00';
SET client_min_messages = error;
CALL retail._drain('reroute_unaccepted', 10);
SET client_min_messages = warning;
SELECT is((SELECT string_agg(f.state, ' ' ORDER BY f.id) FROM retail.fulfilment_order f JOIN p12 USING (id)), 'routed rejected', 'the other was routed elsewhere');
DROP TRIGGER fail ON retail.fulfilment_event;
CALL retail._drain('reroute_unaccepted', 1);
SELECT is((SELECT string_agg(f.state, ' ' ORDER BY f.id) FROM retail.fulfilment_order f JOIN p12 USING (id)), 'rejected rejected', 'this one the next time');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- nobody accepts anything in a shop that is closed: it has its time from the opening on
UPDATE retail.location SET daily_capacity = NULL;
UPDATE retail.location SET time_zone = 'Asia/Shanghai',
    opening_hours = (SELECT jsonb_object_agg(d, '[["09:00", "21:00"]]'::jsonb) FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) d)
WHERE code = 'S1';
SET pg_retail.clock = '2031-03-05 23:00:00+08';
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('B', 'S1', 9), ('B', 'S2', 9)]::retail.line[]); END $$;
CREATE TEMP TABLE p14 AS SELECT pg_temp.pay('O14', ARRAY[('B', 'S1', 1)]::retail.line[]) AS id;
SELECT is((SELECT accept_by FROM retail.fulfilment_order f JOIN p14 USING (id)), '2031-03-06 13:00:00+08', 'four hours from nine in the morning');
SET pg_retail.clock = '2031-03-06 03:15:00+08';
DO $$ BEGIN PERFORM retail.reroute_unaccepted(); END $$;
SELECT is(pg_temp.parcels('O14'), 'S1 routed B1', 'it is not taken away at night');
SELECT is(pg_temp.go((SELECT id FROM p14), 'hold', 'resume') || ' ' || (SELECT accept_by FROM retail.fulfilment_order f JOIN p14 USING (id)),
    'routed 2031-03-06 05:00:00+00', 'nor does a hold at night shorten it');
SET pg_retail.clock = '2031-03-06 13:00:00+08';
DO $$ BEGIN PERFORM retail.reroute_unaccepted(); END $$;
SELECT is(pg_temp.parcels('O14'), 'S1 rejected B1, S2 routed B1', 'but at one');
-- the same for one that is routed again
SET pg_retail.clock = '2031-03-06 22:00:00+08';
DO $$ BEGIN PERFORM retail.adjust('B', 'S3', -1, 'gone') WHERE retail.available('B', 'S3') > 0; PERFORM pg_temp.pay('O15', ARRAY[('B', 'S2', 1)]::retail.line[]); PERFORM retail.advance(f.id, 'reject', 'busy') FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = 'O15'; END $$;
SELECT is(pg_temp.parcels('O15'), 'S2 rejected B1, S1 routed B1', 'to the closed shop');
SELECT is((SELECT max(f.accept_by) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = 'O15' AND f.state = 'routed'),
    '2031-03-07 13:00:00+08', 'it has its time, too');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- what can be had at all: what pool() would have, less those that refused
DO $$ BEGIN
    INSERT INTO retail.sku (code, name) SELECT 'R' || i, 'Rest ' || i FROM generate_series(1, 12) i;
    INSERT INTO retail.channel (code, name, status) VALUES ('shut', 'Shut', 'closed');
    PERFORM retail.bulk_write();
    INSERT INTO retail.stock (sku_id, location_id, on_hand, unavailable)
        SELECT k.id, w.id, (k.id + w.id) % 4, CASE WHEN (k.id + w.id) % 4 > 1 THEN k.id % 3 ELSE 0 END FROM retail.sku k, retail.location w WHERE k.code ~ '^R' AND (k.id * w.id) % 5 <> 0;
END $$;
INSERT INTO retail.safety_stock (sku_id, qty) SELECT id, 1 FROM retail.sku WHERE code IN ('R2', 'R3', 'R4', 'R5');
INSERT INTO retail.safety_stock (sku_id, percent) SELECT id, 40 FROM retail.sku WHERE code IN ('R6', 'R7');
INSERT INTO retail.listing (sku_id, status) SELECT id, 'delisted' FROM retail.sku WHERE code = 'R8';
UPDATE retail.sku SET status = 'discontinued' WHERE code = 'R9';
DO $$ BEGIN PERFORM retail.reserve(k.code, w.code, 1, 'app', CASE WHEN w.code = 'S1' THEN interval '1 minute' END) FROM retail.sku k, retail.location w WHERE k.code IN ('R1', 'R3', 'R10', 'R11', 'R12'); END $$;
CREATE FUNCTION pg_temp.other_answers() RETURNS TABLE (sku text, channel text, but integer[]) LANGUAGE sql AS $$
    SELECT k.code, c.code, b.but
    FROM retail.sku k, retail.channel c, (SELECT '{}'::integer[] AS but UNION ALL SELECT ARRAY[w.id] FROM retail.location w UNION ALL SELECT array_agg(w.id) FROM retail.location w) b
    WHERE retail._sellable_anywhere(k.id, c.id, b.but)
        <> EXISTS (SELECT FROM retail.entries(retail.pool(k.code, c.code)) e WHERE e.location_id <> ALL (b.but)) $$;
SELECT is_empty('SELECT * FROM pg_temp.other_answers()', 'as pool() says');
SELECT ok(count(*) FILTER (WHERE retail._sellable_anywhere(k.id, c.id)) >= 3 AND count(*) FILTER (WHERE NOT retail._sellable_anywhere(k.id, c.id)) >= 3, 'both answers are there')
    FROM retail.sku k, retail.channel c WHERE k.code ~ '^R' AND c.code = 'app';
SET pg_retail.clock = '2031-03-08 09:00:00+00';
SELECT is_empty('SELECT * FROM pg_temp.other_answers()', 'also when holds have lapsed');

-- a run asks no pool of the network for each SKU that waits
CREATE FUNCTION pg_temp.calls(function text, sql text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    so_far CONSTANT text := format('SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE schemaname = ''retail'' AND funcname = %L', function);
    before bigint;
    after bigint;
BEGIN
    PERFORM set_config('track_functions', 'all', true);
    EXECUTE so_far INTO before;
    EXECUTE sql;
    EXECUTE so_far INTO after;
    RETURN after - before;
END $$;
DO $$ BEGIN
    FOR i IN 1..6 LOOP
        PERFORM retail.place_order('app', 'W' || i, ARRAY[('R' || 1 + i % 2, NULL, 100)]::retail.line[], 121.470, 31.230, 'express', options => '{"backorder": true, "max_parcels": 1}');
        PERFORM retail.confirm_order('app', 'W' || i);
    END LOOP;
END $$;
SELECT is(pg_temp.calls('pool', 'SELECT retail.release_backorders(max_rows => 1)'), 0::bigint, 'no pool');
SELECT cmp_ok(pg_temp.calls('_sellable_anywhere', 'SELECT retail.release_backorders(max_rows => 1)'), '<=',
    (SELECT count(DISTINCT l.sku_id) + count(*) FILTER (WHERE EXISTS (SELECT FROM retail.order_refusal r WHERE r.order_id = l.order_id)) FROM retail.order_line l WHERE l.backordered_qty > 0),
    'one question per SKU and channel, and one per order that was refused');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a location that refused may be asked again: by a person
DO $$ BEGIN
    INSERT INTO retail.sku (code, name) VALUES ('E', 'Elderberry');
    PERFORM retail.receive('E', 'S1', 5);
    PERFORM retail.advance(pg_temp.pay('O16', ARRAY[('E', NULL, 2)]::retail.line[]), 'reject', 'busy');
END $$;
CREATE FUNCTION pg_temp.last_parcel(ref text) RETURNS bigint LANGUAGE sql AS $$ SELECT max(f.id) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = ref $$;
SELECT results_eq($$ SELECT outcome, location FROM retail.reroute_order('app', 'O16') $$, $$ VALUES ('backordered', NULL) $$, 'it was too busy');
SELECT results_eq($$ SELECT outcome, location, qty FROM retail.reroute_order('app', 'O16', reconsider => true) $$, $$ VALUES ('rerouted', 'S1', 2::bigint) $$, 'and is no more');
SELECT is(pg_temp.parcels('O16'), 'S1 rejected E2, S1 routed E2', 'as the books say');
SELECT is((SELECT string_agg(reason, ' ') FROM retail.fulfilment_event e JOIN retail.sales_order o ON o.id = e.order_id AND o.order_ref = 'O16' WHERE step = 'reject'), 'busy', 'the log keeps that it refused');
DO $$ BEGIN PERFORM retail.advance(pg_temp.last_parcel('O16'), 'reject', 'not_found', picked => ARRAY[1]); END $$;
SELECT results_eq($$ SELECT outcome, location, qty FROM retail.reroute_order('app', 'O16', reconsider => true) $$, $$ VALUES ('rerouted', 'S1', 2::bigint) $$, 'from what else it has');
SELECT is(pg_temp.units('E', 'S1'), '5 on hand, 1 unavailable, 2 available', 'what it did not find stays blocked');
DO $$ BEGIN
    FOR i IN 1..6 LOOP
        PERFORM retail.advance(pg_temp.last_parcel('O16'), 'reject', 'busy');
        PERFORM retail.reroute_order('app', 'O16', reconsider => true);
    END LOOP;
    PERFORM retail.receive('E', 'S2', 9);
    PERFORM retail.cancel_order('app', 'O16', line_no => 1, qty => 1);
    PERFORM retail.advance(pg_temp.last_parcel('O16'), 'reject', 'busy');
    PERFORM retail.release_backorders('E');
END $$;
SELECT is(pg_temp.lines('O16'), 'E2 b1 c1 s0 r0', 'rejected so often, it waits for a person');
SELECT results_eq($$ SELECT outcome, location, qty FROM retail.reroute_order('app', 'O16', true) $$, $$ VALUES ('rerouted', 'S1', 1::bigint) $$, 'who has the last word');
SELECT throws_ok($$ SELECT retail.reroute_order('app', 'O16', NULL) $$, '22004', NULL, 'yes or no');

SELECT * FROM finish();
