-- Payment: on time, late, too late, twice.
\ir order.psql

SELECT plan(53);
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('A', 'S1', 10), ('B', 'S1', 10), ('A', 'S2', 10), ('B', 'S2', 2)]::retail.line[]); END $$;

-- on time
DO $$ BEGIN PERFORM retail.place_order('app', 'O1', ARRAY[('A', NULL, 2), ('B', NULL, 1), ('A', NULL, 3)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SELECT is(pg_temp.parcels('O1'), 'S1 new A2+B1+A3', 'placed, unpaid');
SELECT results_eq($$ SELECT outcome, line_no, sku, location, qty, pickup_code, replayed FROM retail.confirm_order('app', 'O1', request_key => 'pay 1') $$,
    $$ VALUES ('confirmed', 1, 'A', 'S1', 2::bigint, NULL::text, false), ('confirmed', 2, 'B', 'S1', 1, NULL, false), ('confirmed', 3, 'A', 'S1', 3, NULL, false) $$, 'paid');
SELECT is(pg_temp.status('O1') || ' ' || pg_temp.parcels('O1'), 'confirmed S1 routed A2+B1+A3', 'the parcel goes to its location');
SELECT is((SELECT count(*)::int FROM retail.reservation WHERE status = 'committed' AND order_ref = 'O1'), 3, 'its units are committed to the order');
SELECT is((SELECT f.accept_by FROM retail.fulfilment_order f), '2031-03-03 14:00:00+00', 'which has four hours to accept it');
SELECT results_eq($$ SELECT DISTINCT outcome, replayed FROM retail.confirm_order('app', 'O1', request_key => 'pay 1') $$, $$ VALUES ('confirmed', true) $$, 'the same request again');
SELECT results_eq($$ SELECT DISTINCT outcome, replayed FROM retail.confirm_order('app', 'O1', request_key => 'pay 2') $$, $$ VALUES ('confirmed', true) $$, 'and another one');
SELECT throws_ok($$ SELECT * FROM retail.confirm_order('app', 'O2', request_key => 'pay 1') $$, 'RT005', NULL, 'the same key for another order');
SELECT throws_ok($$ SELECT * FROM retail.confirm_order('app', 'O9') $$, 'RT013', 'no order "O9" of channel "app"', 'an order that is not there');
SELECT throws_ok($$ SELECT * FROM retail.confirm_order('web', 'O1') $$, 'RT003', 'unknown channel "web"', 'nor that channel');
SELECT throws_ok($$ SELECT * FROM retail.confirm_order('app', NULL) $$, '22004', NULL, 'no name');
SELECT throws_ok($$ SELECT * FROM retail.confirm_order('app', 'O1', '') $$, '22023', NULL, 'a key has a character');

-- a code in clear once
DO $$ BEGIN PERFORM retail.place_order('app', 'O2', ARRAY[('A', 'S1', 1), ('B', 'S1', 1)]::retail.line[], service => 'pickup', location => 'S1'); END $$;
CREATE TEMP TABLE paid AS SELECT * FROM retail.confirm_order('app', 'O2', 'pay 3');
SELECT is((SELECT count(DISTINCT pickup_code)::int FROM paid), 1, 'a pickup parcel has a code');
SELECT is((SELECT count(pickup_code)::int FROM retail.confirm_order('app', 'O2', 'pay 3')), 0, 'which is given in clear once');
SELECT is_empty($$ SELECT FROM retail.order_request q, paid p WHERE q.answer::text ~ p.pickup_code $$, 'and kept nowhere');

-- late: the units are still there
DO $$ BEGIN PERFORM retail.place_order('app', 'O3', ARRAY[('A', NULL, 1)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SET pg_retail.clock = '2031-03-03 10:40:00+00';
SELECT results_eq($$ SELECT outcome, location FROM retail.confirm_order('app', 'O3') $$, $$ VALUES ('confirmed', 'S1') $$, 'a late payment takes the units afresh');

-- too late: some were sold, and come from elsewhere or wait
DO $$ BEGIN PERFORM retail.place_order('app', 'O4', ARRAY[('A', NULL, 3), ('B', NULL, 8)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SELECT is(pg_temp.parcels('O4'), 'S1 new A3+B8', 'one parcel');
SET pg_retail.clock = '2031-03-03 11:20:00+00';
DO $$ BEGIN PERFORM retail.sell('A', 'S1', 2); PERFORM retail.sell('B', 'S1', 8); END $$;
SELECT results_eq($$ SELECT outcome, sku, location, qty FROM retail.confirm_order('app', 'O4') $$,
    $$ VALUES ('rerouted', 'A', 'S2', 3::bigint), ('rerouted', 'B', 'S2', 2), ('backordered', 'B', NULL, 6) $$, 'the rest from elsewhere, or it waits');
SELECT is(pg_temp.parcels('O4') || '; ' || pg_temp.lines('O4'), 'S1 cancelled , S2 routed A3+B2; A3 b0 c0 s0 r0, B8 b6 c0 s0 r0', 'as the books say');

-- unpaid orders end
DO $$ BEGIN PERFORM retail.place_order('app', 'O5', ARRAY[('A', NULL, 1)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SET pg_retail.clock = '2031-03-03 11:50:00+00';
SELECT is(retail.expire_orders(), 0::bigint, 'a hold that has just lapsed may still be paid');
SET pg_retail.clock = '2031-03-03 12:35:00+00';
SELECT is(retail.expire_orders(), 1::bigint, 'an hour later the order ends');
SELECT is(pg_temp.status('O5') || ' ' || pg_temp.parcels('O5') || ' ' || pg_temp.lines('O5'), 'expired S1 cancelled A1 A1 b0 c1 s0 r0', 'with its parcel');
SELECT results_eq($$ SELECT outcome FROM retail.confirm_order('app', 'O5') $$, $$ VALUES ('expired') $$, 'a payment after that is to be given back');
SELECT throws_ok('SELECT retail.expire_orders(0)', '22023', NULL, 'a batch has a row at least');
SELECT is((SELECT string_agg(payload->>'event', ' ' ORDER BY id) FROM retail.outbox WHERE topic = 'order' AND payload->>'order_ref' = 'O4'), 'backordered confirmed', 'others are told');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a part of a lapsed hold is cancelled, and the rest paid late
DO $$ BEGIN PERFORM retail.place_order('app', 'O6', ARRAY[('A', NULL, 3)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SET pg_retail.clock = '2031-03-03 12:55:00+00';
SELECT results_eq($$ SELECT outcome, qty FROM retail.cancel_order('app', 'O6', line_no => 1, qty => 1) $$, $$ VALUES ('cancelled', 1::bigint) $$, 'one of three');
SELECT results_eq($$ SELECT outcome, qty FROM retail.confirm_order('app', 'O6') $$, $$ VALUES ('confirmed', 2::bigint) $$, 'two are paid');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- too late for the store of a pickup: the one that has it now has a code, too
DO $$ BEGIN PERFORM retail.receive('C', 'S1', 1); PERFORM retail.receive('C', 'S2', 1); PERFORM retail.place_order('app', 'O4b', ARRAY[('C', NULL, 1)]::retail.line[], 121.470, 31.230, 'pickup'); END $$;
SET pg_retail.clock = '2031-03-03 13:15:00+00';
DO $$ BEGIN PERFORM retail.sell('C', 'S1', 1); END $$;
SELECT results_eq($$ SELECT outcome, location, retail._normal_code(pickup_code) IS NOT NULL FROM retail.confirm_order('app', 'O4b') $$, $$ VALUES ('rerouted', 'S2', true) $$, 'a code of the other store');

-- a role with EXECUTE and nothing else, and the log names it
CREATE ROLE retail_tap_shop;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_shop', 'app');
    SET LOCAL ROLE retail_tap_shop;
    PERFORM retail.place_order('app', 'O7', ARRAY[('A', NULL, 1)]::retail.line[], 121.470, 31.230, 'express');
    PERFORM retail.confirm_order('app', 'O7', 'pay 7');
    RESET ROLE;
END $$;
SELECT is((SELECT actor::text FROM retail.fulfilment_event ORDER BY id DESC LIMIT 1), 'retail_tap_shop', 'who called');
SELECT is((SELECT actor::text FROM retail.order_request WHERE request_key = 'pay 7'), 'retail_tap_shop', 'whose key it is');
SELECT ok(NOT has_table_privilege('retail_tap_shop', 'retail.pickup_secret', 'SELECT'), 'he does not see the secret of the codes');
DROP OWNED BY retail_tap_shop;
DROP ROLE retail_tap_shop;

-- keys are forgotten with the others
SET pg_retail.clock = '2031-03-20 12:00:00+00';
SELECT cmp_ok(retail.purge_requests(), '>=', 3::bigint, 'old keys go');
SELECT is_empty('SELECT FROM retail.order_request', 'all of them');

-- a payment renews the promise: work starts when it is paid
UPDATE retail.location SET opening_hours = (SELECT jsonb_object_agg(d, '[["09:00", "21:00"]]'::jsonb) FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) d);
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('A', 'S1', 50), ('A', 'S2', 50), ('A', 'S3', 50)]::retail.line[]); END $$;
CREATE FUNCTION pg_temp.promises(ref text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s %s %s', w.code, f.state, to_char(f.promise_at, 'DD HH24:MI'), f.promise_kept, to_char(f.capacity_date, 'DD')), ', ' ORDER BY f.id)
        || ' / ' || max(to_char(o.promise_at, 'DD HH24:MI'))
    FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id JOIN retail.location w ON w.id = f.location_id WHERE o.order_ref = ref
$$;
CREATE FUNCTION pg_temp.places() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(w.code || ' ' || to_char(c.business_date, 'DD') || ': ' || c.taken - (SELECT count(*) FROM retail.capacity_return r WHERE r.location_id = c.location_id AND r.business_date = c.business_date), ', ' ORDER BY w.code, c.business_date)
    FROM retail.capacity_use c JOIN retail.location w ON w.id = c.location_id
$$;
SET pg_retail.clock = '2031-03-10 10:00:00+00';
DO $$ BEGIN PERFORM retail.place_order('app', 'R1', ARRAY[('A', NULL, 1)]::retail.line[], service => 'pickup', location => 'S1'); END $$;
SELECT is(pg_temp.promises('R1'), 'S1 new 10 11:00 t  / 10 11:00', 'placed: ready in an hour');
SET pg_retail.clock = '2031-03-10 10:40:00+00';
SELECT results_eq($$ SELECT outcome, promise_at FROM retail.confirm_order('app', 'R1') $$, $$ VALUES ('confirmed', '2031-03-10 11:40:00+00'::timestamptz) $$, 'paid: an hour from now');
SELECT is(pg_temp.promises('R1'), 'S1 routed 10 11:40 t  / 10 11:40', 'as the books say');
SELECT is((SELECT DISTINCT promise_at FROM retail.confirm_order('app', 'R1')), '2031-03-10 11:40:00+00', 'paying it twice renews nothing');

-- the day it starts on moves, and its place of a day with it
UPDATE retail.location SET daily_capacity = 2;
SET pg_retail.clock = '2031-03-10 20:50:00+00';
DO $$ BEGIN
    PERFORM retail.place_order('app', 'R2', ARRAY[('A', NULL, 1)]::retail.line[], service => 'pickup', location => 'S1');
    INSERT INTO retail.slot (location_id, starts_at, ends_at, capacity)
        SELECT id, t, t + interval '15 minutes', 5 FROM retail.location, unnest(ARRAY['2031-03-10 21:15+00', '2031-03-11 09:00+00']::timestamptz[]) t WHERE code = 'S1';
    PERFORM retail.book_slot(f.id, (SELECT min(id) FROM retail.slot)) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id AND o.order_ref = 'R2';
END $$;
SELECT is(pg_temp.promises('R2') || '; ' || pg_temp.places(), 'S1 new 10 21:50 t 10 / 10 21:50; S1 10: 1', 'a place of that day');
SET pg_retail.clock = '2031-03-10 21:05:00+00';
SELECT results_eq($$ SELECT outcome, promise_at FROM retail.confirm_order('app', 'R2') $$, $$ VALUES ('confirmed', '2031-03-11 10:00:00+00'::timestamptz) $$, 'paid when the store has closed');
SELECT is(pg_temp.promises('R2') || '; ' || pg_temp.places(), 'S1 routed 11 10:00 f 11 / 11 10:00; S1 10: 0, S1 11: 1', 'a place of the next day');
SELECT is((SELECT f.slot_id FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id AND o.order_ref = 'R2'), NULL, 'a slot that is over by then is given back');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- that day is full: as if the units were gone
SET pg_retail.clock = '2031-03-10 20:55:00+00';
DO $$ BEGIN
    PERFORM retail.place_order('app', 'R3', ARRAY[('A', 'S1', 2)]::retail.line[], 121.470, 31.230, 'express');
    PERFORM retail.place_order('app', 'R4', ARRAY[('A', 'S1', 1)]::retail.line[], service => 'pickup', location => 'S1');
END $$;
SELECT is(pg_temp.places(), 'S1 10: 2, S1 11: 1', 'two more places of today');
SET pg_retail.clock = '2031-03-10 21:02:00+00';
DO $$ BEGIN PERFORM retail.place_order('app', 'R5', ARRAY[('A', 'S1', 1)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SELECT is(pg_temp.places(), 'S1 10: 2, S1 11: 2', 'and the last one of tomorrow');
SELECT results_eq($$ SELECT outcome, location, qty FROM retail.confirm_order('app', 'R3') $$, $$ VALUES ('rerouted', 'S2', 2::bigint) $$, 'another location takes it');
SELECT is(pg_temp.parcels('R3') || '; ' || pg_temp.places(), 'S1 cancelled , S2 routed A2; S1 10: 1, S1 11: 2, S2 11: 1', 'places follow');
SELECT is((SELECT reason FROM retail.fulfilment_event e JOIN retail.sales_order o ON o.id = e.order_id AND o.order_ref = 'R3' WHERE step = 'cancel'), 'full', 'the log says why');
SELECT results_eq($$ SELECT outcome, location, qty FROM retail.confirm_order('app', 'R4') $$, $$ VALUES ('backordered', NULL, 1::bigint) $$, 'a store that the shopper has chosen does not change: it waits');
SELECT is(pg_temp.places(), 'S1 10: 0, S1 11: 2, S2 11: 1', 'and keeps no place');
SET pg_retail.clock = '2031-03-11 21:30:00+00';
SELECT results_eq($$ SELECT outcome, location, promise_at FROM retail.reroute_order('app', 'R4') $$, $$ VALUES ('rerouted', 'S1', '2031-03-12 10:00:00+00'::timestamptz) $$, 'until there is one');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

SELECT * FROM finish();
