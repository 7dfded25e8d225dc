-- Pickup: codes, throttle, deadlines, slots.
\ir order.psql

SELECT plan(83);
DO $$ BEGIN PERFORM retail.receive_lines(ARRAY[('A', 'S1', 50), ('A', 'S2', 50)]::retail.line[]); END $$;

-- the check character
SELECT is((SELECT count(DISTINCT retail._code_check('234567' || c))::int FROM regexp_split_to_table('23456789ABCDEFGHJKLMNPQRSTUVWXYZ', '') c), 32, 'each last character has a check character of its own');
SELECT is((SELECT count(*)::int FROM regexp_split_to_table('23456789ABCDEFGHJKLMNPQRSTUVWXYZ', '') c, generate_series(1, 7) i
    WHERE c <> substr('K7QM2XB', i, 1) AND retail._code_check(overlay('K7QM2XB' PLACING c FROM i FOR 1)) = retail._code_check('K7QM2XB')), 0, 'no single slip goes by');
SELECT is((SELECT count(*)::int FROM generate_series(1, 6) i WHERE retail._code_check(overlay('K7QM2XB' PLACING reverse(substr('K7QM2XB', i, 2)) FROM i FOR 2)) = retail._code_check('K7QM2XB')), 0, 'nor two swapped');
SELECT is(retail._normal_code(' k7qm-2xb.' || lower(retail._code_check('K7QM2XB'))), 'K7QM2XB' || retail._code_check('K7QM2XB'), 'case and separators do not matter');
SELECT is(retail._normal_code(c), NULL, format('"%s" is no code', left(c, 20))) FROM unnest(ARRAY['', 'K7QM2XB', 'K7QM2XB0', 'K7QM2XBÄ', repeat('K', 5000)]) c;

-- a paid order, and its code
CREATE FUNCTION pg_temp.code(ref text, store text DEFAULT 'S1') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM retail.place_order('app', ref, ARRAY[('A', store, 2)]::retail.line[], service => 'pickup', location => store);
    RETURN (SELECT pickup_code FROM retail.confirm_order('app', ref));
END $$;
CREATE FUNCTION pg_temp.parcel(ref text) RETURNS bigint LANGUAGE sql AS $$
    SELECT f.id FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = ref
$$;
CREATE TEMP TABLE c AS SELECT pg_temp.code('O1') AS o1, pg_temp.code('O2') AS o2, pg_temp.code('O3', 'S2') AS o3;
SELECT matches(o1, '^[2-9A-HJ-NP-Z]{8}$', 'eight characters') FROM c;
SELECT is(retail._normal_code(o1), o1, 'the last one checks the others') FROM c;
SELECT is((SELECT octet_length(code_hash) FROM retail.fulfilment_order WHERE id = pg_temp.parcel('O1')), 32, 'stored as a hash');
SELECT is((SELECT count(*)::int FROM (SELECT retail._new_pickup_code(pg_temp.parcel('O1')) AS k FROM generate_series(1, 300)) x GROUP BY () HAVING count(DISTINCT k) = 300), 300, 'never the same');
UPDATE c SET o1 = (SELECT pickup_code FROM retail.renew_pickup_code(pg_temp.parcel('O1')));
SELECT is((SELECT count(*)::int FROM retail.outbox o, c WHERE o.payload::text ~ c.o1 OR o.payload::text ~ c.o2), 0, 'the outbox does not know it');

-- refused, whatever the reason, in the same words
CREATE FUNCTION pg_temp.collected(store text, code text, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', outcome, order_ref, state, fulfilment_id - fulfilment_id, collect_by, replayed) FROM retail.collect(store, code, key)
$$;
CREATE FUNCTION pg_temp.tries(store text) RETURNS int LANGUAGE sql AS $$
    SELECT cardinality(t.refused_at) FROM retail.pickup_throttle t JOIN retail.location w ON w.id = t.location_id WHERE w.code = store
$$;
SELECT is(pg_temp.collected('S1', o1), 'refused f', 'not ready') FROM c;
SELECT is(pg_temp.go(pg_temp.parcel('O1'), 'accept', 'start_picking', 'pack'), 'packed', 'packed');
SELECT is(pg_temp.collected('S1', o1), 'refused f', 'packed, and still not ready') FROM c;
SELECT is(pg_temp.go(pg_temp.parcel('O1'), 'ready'), 'ready_for_pickup', 'ready');
SELECT is(pg_temp.collected('S2', o1), 'refused f', 'another location') FROM c;
SELECT is(pg_temp.collected('S1', o3), 'refused f', 'a code of another location') FROM c;
SELECT is(pg_temp.collected('S1', '22222222'), 'refused f', 'a wrong one');
SELECT is(pg_temp.collected('S1', 'x'), 'refused f', 'none at all');
SELECT is(pg_temp.tries('S1') || ' ' || pg_temp.tries('S2'), '5 1', 'each counts where it was tried');
SELECT throws_ok($$ SELECT retail.collect('S9', '22222222') $$, 'RT002', NULL, 'a location that is not there is another matter');
SELECT throws_ok($$ SELECT retail.collect('S1', NULL) $$, '22004', NULL, 'so is no code');

-- the right one
SELECT is((SELECT (outcome, state, order_ref, replayed)::text FROM c, retail.collect('S1', lower(left(c.o1, 4)) || '-' || right(c.o1, 4), 'till 1')), '(collected,collected,O1,f)', 'collected');
SELECT is((SELECT (outcome, state, order_ref, replayed)::text FROM c, retail.collect('S1', lower(left(c.o1, 4)) || '-' || right(c.o1, 4), 'till 1')), '(collected,collected,O1,t)', 'the same request again');
SELECT is(pg_temp.collected('S1', o1), 'refused f', 'the same code again') FROM c;
SELECT is(pg_temp.status('O1') || ' ' || pg_temp.lines('O1'), 'completed A2 b0 c0 s2 r0', 'the order is complete');
SELECT is((SELECT (kind, on_hand_delta, ref)::text FROM retail.movement ORDER BY id DESC LIMIT 1), '(sale,-2,O1)', 'and the goods are sold');
SELECT is((SELECT outcome FROM retail.return_order('app', 'O1', 1, 1, 'S2')), 'returned', 'from where they may come back');
SELECT is((SELECT outcome FROM retail.renew_pickup_code(pg_temp.parcel('O1'))), 'wrong_state', 'there is nothing left to collect');
SELECT throws_ok('SELECT * FROM retail.renew_pickup_code(987654321)', 'RT013', NULL, 'a parcel that is not there');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- guessing is throttled, per location, in a window
SELECT is(pg_temp.go(pg_temp.parcel('O2'), 'accept', 'start_picking', 'pack', 'ready'), 'ready_for_pickup', 'another parcel');
UPDATE retail.pickup_throttle SET max_refused = 8;
SELECT is(string_agg(pg_temp.collected('S1', '2222222' || n), ','), 'refused f,refused f,refused f', 'wrong ones') FROM generate_series(2, 4) n;
SELECT is(pg_temp.collected('S1', o2), 'refused f', 'now the right one is refused, too') FROM c;
SELECT is(pg_temp.tries('S1'), 8, 'which counts no further');
SET pg_retail.clock = '2031-03-03 10:11:00+00';
SELECT is(pg_temp.collected('S1', '2222222A', 'try 1') || ', ' || pg_temp.collected('S1', '2222222A', 'try 1') || ', ' || pg_temp.tries('S1'), 'refused f, refused t, 1', 'ten minutes later tries count anew, and a repeated request counts once');
SELECT is(pg_temp.collected('S1', upper(o2)), 'collected O2 collected 0 2031-03-06 10:00:00+00 f', 'and the right one is right') FROM c;

-- by the clock, whatever a job has done
SELECT is(pg_temp.go(pg_temp.parcel('O3'), 'accept', 'start_picking', 'pack', 'ready'), 'ready_for_pickup', 'ready');
SET pg_retail.clock = '2031-03-06 10:10:59+00';
SELECT is(retail.return_uncollected(), 0::bigint, 'three days');
SET pg_retail.clock = '2031-03-06 10:11:00+00';
SELECT is(pg_temp.collected('S2', o3), 'refused f', 'are over') FROM c;
SELECT is(retail.return_uncollected(), 1::bigint, 'the parcel goes back');
SELECT is(pg_temp.status('O3') || ' ' || pg_temp.parcels('O3') || ' ' || pg_temp.lines('O3'), 'cancelled S2 uncollected A2 A2 b0 c2 s0 r0', 'and its units');
SELECT is((SELECT payload->>'state' || ' ' || (payload->>'reason') FROM retail.outbox WHERE topic = 'fulfilment' ORDER BY id DESC LIMIT 1), 'uncollected not_collected', 'with a notice');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- slots
INSERT INTO retail.slot (id, location_id, resource, starts_at, ends_at, capacity)
SELECT n, w.id, 'parking_bay', '2031-03-07 10:00:00+00'::timestamptz + n * interval '1 hour', '2031-03-07 11:00:00+00'::timestamptz + n * interval '1 hour', 1
FROM generate_series(1, 2) n, retail.location w WHERE w.code = 'S1';
DO $$ BEGIN PERFORM pg_temp.code('O4'); PERFORM pg_temp.code('O5'); PERFORM pg_temp.code('O6', 'S2'); END $$;
CREATE FUNCTION pg_temp.booked(ref text, slot bigint, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT outcome || CASE WHEN replayed THEN ' replayed' ELSE '' END FROM retail.book_slot(pg_temp.parcel(ref), slot, key) $$;
SELECT is(concat_ws(', ', pg_temp.booked('O4', 1, 'k'), pg_temp.booked('O4', 1, 'k'), pg_temp.booked('O4', 1)), 'booked, booked replayed, booked replayed', 'a place');
SELECT is(concat_ws(', ', pg_temp.booked('O5', 1), pg_temp.booked('O6', 2), pg_temp.booked('O5', 99)), 'full, no_slot, no_slot', 'one only, and here only');
SELECT is(concat_ws(', ', pg_temp.booked('O4', 2), pg_temp.booked('O5', 1)), 'booked, booked', 'who moves frees his old place');
SELECT is((SELECT outcome FROM retail.free_slot(pg_temp.parcel('O4'))), 'freed', 'given back');
SELECT is((SELECT string_agg(slot_id || ' ' || slot_resource || ' ' || places, ', ') FROM retail.free_slots('S1')), '2 parking_bay 1', 'the other one is free');
SELECT is_empty($$ SELECT FROM retail.free_slots('S1', 'desk') $$, 'but not at the desk');
SELECT results_eq($$ SELECT payload->>'step', payload->>'order_ref', payload->'slot'->>'resource', payload->'slot'->>'starts_at' FROM retail.outbox WHERE payload->>'step' LIKE '%_slot' ORDER BY id $$,
    $$ VALUES ('book_slot', 'O4', 'parking_bay', '2031-03-07T11:00:00+00:00'), ('book_slot', 'O4', 'parking_bay', '2031-03-07T12:00:00+00:00'),
        ('book_slot', 'O5', 'parking_bay', '2031-03-07T11:00:00+00:00'), ('free_slot', 'O4', NULL, NULL) $$, 'the location is told who comes when');
SELECT throws_ok($$ SELECT FROM retail.free_slots('S9') $$, 'RT002', NULL, 'nor where there is no location');
DO $$ BEGIN PERFORM retail.cancel_order('app', 'O5'); END $$;
SELECT is((SELECT sum(places)::int FROM retail.free_slots('S1', 'parking_bay')), 2, 'a cancelled parcel frees its place');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a store that cannot fill it: a shopper who chose no store is sent to another, with a new code; one who did waits
CREATE TEMP TABLE o7 AS SELECT c.* FROM retail.place_order('app', 'O7', ARRAY[('A', NULL, 2)]::retail.line[], 121.470, 31.230, 'pickup') p,
    LATERAL retail.confirm_order('app', CASE WHEN p.order_id > 0 THEN 'O7' END) c;
SELECT isnt((SELECT pickup_code FROM o7), NULL, 'a code for the first store');
DO $$ BEGIN PERFORM retail.advance((SELECT fulfilment_id FROM o7), 'reject', 'closed early'); PERFORM retail.advance(pg_temp.parcel('O4'), 'reject', 'closed early'); END $$;
SELECT is(pg_temp.parcels('O7') || '; ' || pg_temp.parcels('O4') || ' ' || pg_temp.lines('O4'), 'S1 rejected A2, S2 routed A2; S1 rejected A2 A2 b2 c0 s0 r0', 'elsewhere, or nowhere');
SELECT is(retail.release_backorders(), 1::bigint, 'his store has them still');
SELECT is(pg_temp.parcels('O4'), 'S1 rejected A2, S1 routed A2', 'and is asked again');
SELECT is(pg_temp.go(f.id, 'accept', 'start_picking', 'pack', 'ready') || ' ' || (SELECT outcome FROM retail.collect('S2', (SELECT pickup_code FROM o7))) || ' '
    || (SELECT outcome FROM retail.collect('S2', (SELECT pickup_code FROM retail.renew_pickup_code(f.id)))), 'ready_for_pickup refused collected', 'a new store, a new code')
FROM retail.fulfilment_order f WHERE f.order_id = (SELECT order_id FROM o7) AND f.state = 'routed';
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a shopper is sent to one store, unless he asks for more
DO $$ BEGIN
    INSERT INTO retail.sku (code, name) SELECT 'P' || i, 'Part ' || i FROM generate_series(1, 4) i;
    UPDATE retail.location SET opening_hours = NULL, daily_capacity = NULL, status = 'open', services = '{}';
    PERFORM retail.receive_lines(ARRAY[('P1', 'S1', 5), ('P2', 'S1', 5), ('P2', 'S2', 5), ('P3', 'S2', 5), ('P3', 'S3', 9), ('P1', 'S3', 1)]::retail.line[]);
END $$;
CREATE FUNCTION pg_temp.plan(lines text, service text DEFAULT 'pickup', options text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', line_no, location, nullif(qty, 0), CASE WHEN location IS NULL THEN 'unfilled ' || unfilled_qty END), ', ' ORDER BY line_no, parcel_no)
    FROM retail.route(lines::retail.line[], 121.470, 31.230, 'app', service, options::jsonb) $$;
CREATE FUNCTION pg_temp.place(ref text, lines text, service text DEFAULT 'pickup', options text DEFAULT '{}', store text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', outcome, line_no, location, nullif(qty, 0)), ', ' ORDER BY line_no, fulfilment_id)
    FROM retail.place_order('app', ref, lines::retail.line[], 121.470, 31.230, service, store, options => options::jsonb) $$;
SELECT is(pg_temp.plan('{"(P1,,1)","(P2,,1)"}'), '1 S1 1, 2 S1 1', 'the store that has it all');
SELECT is(pg_temp.plan('{"(P1,,1)","(P3,,1)"}'), '1 S3 1, 2 S3 1', 'also where each line is nearer elsewhere');
SELECT is(pg_temp.plan('{"(P1,,2)","(P3,,2)"}'), '1 S1 2, 2 unfilled 2', 'nobody has it all: the nearest that has the most lines');
SELECT is(pg_temp.plan('{"(P1,,2)","(P2,,1)","(P3,,2)"}'), '1 S1 2, 2 S1 1, 3 unfilled 2', 'two lines of three');
SELECT is(pg_temp.plan('{"(P1,,2)","(P3,,2)"}', 'pickup', '{"max_parcels": 2}'), '1 S1 2, 2 S2 2', 'two stores if he asks');
SELECT is(pg_temp.plan('{"(P1,,6)"}', 'pickup', '{"partial": true}'), '1 S1 5, 1 unfilled 1', 'of a line what one store has');
SELECT is(pg_temp.plan('{"(P1,S1,2)","(P3,S2,2)"}'), '1 S1 2, 2 S2 2', 'whoever names two stores goes to two');
SELECT is(pg_temp.plan('{"(P1,S1,2)","(P3,,2)"}'), '1 S1 2, 2 unfilled 2', 'and to no third');
SELECT is(pg_temp.plan('{"(P1,,2)","(P3,,2)"}', 'express'), '1 S1 2, 2 S2 2', 'parcels that are sent are as many as it takes');
UPDATE retail.service SET lead_time = '5 minutes' WHERE code = 'pickup';
SELECT is(pg_temp.plan('{"(P1,,1)","(P3,,1)"}', 'auto') || ' ' || (SELECT min(service) FROM retail.route('{"(P1,,1)","(P3,,1)"}', 121.470, 31.230, 'app')), '1 S3 1, 2 S3 1 pickup', 'auto: pickup is soonest, in one store');
SELECT is(pg_temp.plan('{"(P1,,2)","(P3,,2)"}', 'auto') || ' ' || (SELECT min(service) FROM retail.route('{"(P1,,2)","(P3,,2)"}', 121.470, 31.230, 'app')), '1 S1 2, 2 S2 2 instant', 'and no pickup where it would take two');
UPDATE retail.service SET lead_time = '1 hour' WHERE code = 'pickup';
INSERT INTO retail.channel_routing (channel_id, max_parcels) SELECT id, 3 FROM retail.channel WHERE code = 'app';
SELECT is(pg_temp.plan('{"(P1,,2)","(P3,,2)"}'), '1 S1 2, 2 unfilled 2', 'what a channel allows is no wish of the shopper');
UPDATE retail.channel_routing SET max_parcels = 1;
SELECT is(pg_temp.plan('{"(P1,,2)","(P3,,2)"}', 'pickup', '{"max_parcels": 2}'), '1 S1 2, 2 unfilled 2', 'and what it forbids no shopper can wish');
DELETE FROM retail.channel_routing;

-- placed whole or not at all, and it is said what would go
SELECT is(pg_temp.place('Q1', '{"(P1,,2)","(P2,,1)","(P3,,2)","(P4,,1)"}'), 'skipped 1 S1, skipped 2 S1, too_many_parcels 3, insufficient 4', 'which store has the most, what others have, what nobody has');
SELECT is(pg_temp.place('Q1', '{"(P1,,2)","(P2,,1)","(P3,,2)"}', 'pickup', '{"backorder": true}'), 'placed 1 S1 2, placed 2 S1 1, backordered 3 2', 'what that store has, and the rest waits');
SELECT is(pg_temp.place('Q2', '{"(P1,,2)","(P3,,2)"}', 'pickup', '{"max_parcels": 2}'), 'placed 1 S1 2, placed 2 S2 2', 'or both stores');
SELECT is(pg_temp.place('Q3', '{"(P1,,1)","(P3,,1)"}', 'pickup', '{}', 'S2'), 'insufficient 1, skipped 2 S2', 'a store that was chosen is no question of parcels');
SELECT is(pg_temp.place('Q4', '{"(P1,,1)","(P3,,3)"}', 'express', '{"max_parcels": 1, "exclude": ["S3"]}'), 'skipped 1 S1, too_many_parcels 2', 'the same for parcels that are sent, where they are limited');
SELECT is(pg_temp.place('Q5', '{"(P1,,1)","(P3,,1)"}'), 'placed 1 S3 1, placed 2 S3 1', 'in the end all of it in one');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

SELECT * FROM finish();
