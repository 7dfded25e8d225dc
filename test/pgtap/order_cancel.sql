-- Cancelling and returning: what has not left, what has.
\ir order.psql

SELECT plan(51);
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('A', 'S1', 10), ('B', 'S1', 10), ('C', 'S2', 10)]::retail.line[]); END $$;

-- unpaid: holds are released
DO $$ BEGIN PERFORM retail.place_order('app', 'O1', ARRAY[('A', NULL, 4), ('B', NULL, 1)]::retail.line[], 121.470, 31.230, 'express'); END $$;
SELECT results_eq($$ SELECT outcome, line_no, qty FROM retail.cancel_order('app', 'O1', 'changed his mind', line_no => 1, qty => 1) $$, $$ VALUES ('cancelled', 1, 1::bigint) $$, 'one unit of an unpaid line');
SELECT is(pg_temp.parcels('O1'), 'S1 new A3+B1', 'the rest stays held');
SELECT is((SELECT string_agg(status || qty, ' ' ORDER BY status, qty) FROM retail.reservation), 'cancelled1 held1 held3', 'as its reservations say');
SELECT is(retail.available('A', 'S1'), 7::bigint, 'the unit is for sale');
SELECT results_eq($$ SELECT outcome, qty FROM retail.confirm_order('app', 'O1') $$, $$ VALUES ('confirmed', 3::bigint), ('confirmed', 1) $$, 'the rest can be paid');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- paid: parcels lose units
SELECT throws_ok($$ SELECT * FROM retail.cancel_order('app', 'O1', line_no => 3) $$, '22023', 'order "O1" has no line 3', 'a line that is not there');
SELECT throws_ok($$ SELECT * FROM retail.cancel_order('app', 'O1', line_no => 1, qty => 5) $$, '22023', NULL, 'more than was ordered');
SELECT throws_ok($$ SELECT * FROM retail.cancel_order('app', 'O1', qty => 5) $$, '22023', NULL, 'of which line?');
SELECT results_eq($$ SELECT outcome, qty FROM retail.cancel_order('app', 'O1', line_no => 1, qty => 4) $$, $$ VALUES ('too_late', 0::bigint) $$, 'more than is left: nothing');
SELECT results_eq($$ SELECT outcome, qty FROM retail.cancel_order('app', 'O1', line_no => 1, qty => 2, request_key => 'c1') $$, $$ VALUES ('cancelled', 2::bigint) $$, 'two more');
SELECT results_eq($$ SELECT outcome, qty, replayed FROM retail.cancel_order('app', 'O1', line_no => 1, qty => 2, request_key => 'c1') $$, $$ VALUES ('cancelled', 2::bigint, true) $$, 'the same request cancels once');
SELECT is(pg_temp.parcels('O1') || ' ' || pg_temp.lines('O1'), 'S1 routed A1+B1 A4 b0 c3 s0 r0, B1 b0 c0 s0 r0', 'so say the books');
SELECT results_eq($$ SELECT outcome, line_no, qty FROM retail.cancel_order('app', 'O1', line_no => 1) $$, $$ VALUES ('cancelled', 1, 1::bigint) $$, 'the rest of the line');
SELECT is(pg_temp.parcels('O1'), 'S1 routed B1', 'the parcel goes on without it');
SELECT results_eq($$ SELECT outcome, line_no, qty FROM retail.cancel_order('app', 'O1') $$, $$ VALUES ('cancelled', 2, 1::bigint) $$, 'the rest of the order');
SELECT is(pg_temp.status('O1') || ' ' || pg_temp.parcels('O1'), 'cancelled S1 cancelled B1', 'which is cancelled');
SELECT results_eq($$ SELECT DISTINCT outcome, replayed FROM retail.cancel_order('app', 'O1') $$, $$ VALUES ('cancelled', true) $$, 'twice is as once');
SELECT results_eq($$ SELECT outcome FROM retail.confirm_order('app', 'O1') $$, $$ VALUES ('cancelled') $$, 'and cannot be paid');
SELECT is(pg_temp.units('A', 'S1') || ', ' || pg_temp.units('B', 'S1'), '10 on hand, 0 unavailable, 10 available, 10 on hand, 0 unavailable, 10 available', 'on_hand was never touched');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a packed parcel, too; of a shipped one nothing
CREATE TEMP TABLE p2 AS SELECT pg_temp.pay('O2', ARRAY[('A', NULL, 3), ('C', NULL, 2)]::retail.line[]) AS id;
SELECT is(pg_temp.parcels('O2'), 'S1 routed A3, S2 routed C2', 'two parcels');
SELECT is(pg_temp.go(id, 'accept', 'start_picking', 'pack'), 'packed', 'one is packed') FROM p2;
SELECT results_eq($$ SELECT outcome, qty FROM retail.cancel_order('app', 'O2', line_no => 1, qty => 1) $$, $$ VALUES ('cancelled', 1::bigint) $$, 'a unit comes out of it again');
SELECT is((SELECT picked_qty FROM retail.fulfilment_line l, p2 WHERE l.fulfilment_id = p2.id), 2::bigint, 'what was picked with it');
SELECT is(pg_temp.go(id, 'ship'), 'shipped', 'shipped') FROM p2;
SELECT results_eq($$ SELECT outcome, line_no, qty FROM retail.cancel_order('app', 'O2') $$, $$ VALUES ('too_late', 1, 0::bigint), ('cancelled', 2, 2) $$, 'of the order only what has not left');
SELECT is(pg_temp.status('O2') || ' ' || pg_temp.parcels('O2'), 'completed S1 shipped A2, S2 cancelled C2', 'which completes it');
SELECT results_eq($$ SELECT outcome, line_no FROM retail.cancel_order('app', 'O2', line_no => 1) $$, $$ VALUES ('too_late', 1) $$, 'too late');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- returns
SELECT is((SELECT (outcome, qty, returned_qty)::text FROM retail.return_order('app', 'O2', 1, 3, 'S2')), '(not_shipped,0,0)', 'more than was shipped does not come back');
SELECT is((SELECT (outcome, qty, returned_qty, replayed)::text FROM retail.return_order('app', 'O2', 1, 1, 'S2', request_key => 'r1')), '(returned,1,1,f)', 'one does, to another location');
SELECT is((SELECT (outcome, qty, returned_qty, replayed)::text FROM retail.return_order('app', 'O2', 1, 1, 'S2', request_key => 'r1')), '(returned,1,1,t)', 'once');
SELECT is(pg_temp.units('A', 'S2'), '1 on hand, 0 unavailable, 1 available', 'where it is for sale');
UPDATE retail.location SET accepts_returns = false WHERE code = 'S3';
SELECT is((SELECT outcome FROM retail.return_order('app', 'O2', 1, 1, 'S3')), 'no_returns', 'not everywhere');
SELECT is((SELECT (outcome, returned_qty, movement_id)::text FROM retail.return_order('app', 'O2', 1, 1)), '(refunded,2,)', 'money without goods moves no stock');
SELECT is((SELECT outcome FROM retail.return_order('app', 'O2', 1, 1, 'S1')), 'not_shipped', 'and is not to be had twice');
SELECT throws_ok($$ SELECT retail.return_order('app', 'O2', 1, 0, 'S1') $$, '22023', NULL, 'a return has a unit');
SELECT throws_ok($$ SELECT retail.return_order('app', 'O2', 1, 1, 'S1', 'eat') $$, '22023', 'unknown disposition "eat"', 'and somewhere to go');
SELECT throws_ok($$ SELECT retail.return_order('app', 'O2', 1, 1, 'S9') $$, 'RT002', NULL, 'at a location that is there');
SELECT is((SELECT count(*)::int FROM retail.order_return), 2, 'each is kept');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- two channels with an order of one name: what came back of one is no proof for the other
DO $$ BEGIN
    PERFORM retail.receive('A', 'S3', 20);
    PERFORM retail.place_order(c, 'R1', ARRAY[('A', 'S3', 2)]::retail.line[], 121.470, 31.230, 'express') FROM unnest(ARRAY['app', 'till']) c;
    PERFORM retail.confirm_order(c, 'R1') FROM unnest(ARRAY['app', 'till']) c;
    PERFORM retail.advance(f.id, s) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id, unnest(ARRAY['accept', 'start_picking', 'pack', 'ship']) s WHERE o.order_ref = 'R1';
END $$;
CREATE FUNCTION pg_temp.back(channel text, qty bigint) RETURNS text LANGUAGE sql AS $$ SELECT (retail.take_back('A', 'S1', qty, 'R1', channel => channel)).outcome $$;
SELECT is(pg_temp.back('app', 3), 'not_sold', 'no more than the channel has sold');
SELECT is((SELECT outcome FROM retail.return_order('app', 'R1', 1, 2, 'S2')), 'returned', 'both of one');
SELECT is((SELECT (c.code, m.sale_ref)::text FROM retail.movement m JOIN retail.channel c ON c.id = m.channel_id ORDER BY m.id DESC LIMIT 1), '(app,R1)', 'the ledger says whose');
SELECT is(pg_temp.back('app', 1), 'not_sold', 'nothing is left of it');
SELECT is((SELECT outcome FROM retail.return_order('till', 'R1', 1, 1, 'S2')), 'returned', 'of the other there is');
SELECT is(pg_temp.back(NULL, 2) || ', ' || pg_temp.back(NULL, 1), 'not_sold, taken_back', 'without a channel: of what is left of both');
SELECT is((SELECT outcome FROM retail.return_order('till', 'R1', 1, 1, 'S2')), 'not_sold', 'all of which has come back now');
SELECT throws_ok($$ SELECT retail.take_back('A', 'S1', 1, 'R1', channel => 'web') $$, 'RT003', NULL, 'a channel that is not there');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

SELECT * FROM finish();
