-- Payment: on time, late, too late, twice.
\ir order.psql

SELECT plan(35);
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

SELECT * FROM finish();
