-- Waves: what is picked together, from which lot, and what comes of it.
\ir order.psql

SELECT plan(37);
UPDATE retail.sku SET lot_tracked = true WHERE code = 'B';
DO $$ BEGIN
    PERFORM retail.receive('A', 'S1', 50);
    PERFORM retail.receive('B', 'S1', 3, lot => 'old', expires_on => '2031-03-10');
    PERFORM retail.receive('B', 'S1', 50, lot => 'new', expires_on => '2031-04-10');
END $$;
CREATE FUNCTION pg_temp.order_for(ref text, member text, lines retail.line[], x float8 DEFAULT 121.470) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id bigint;
BEGIN
    PERFORM retail.place_order('app', ref, lines, x, 31.230, 'express', holder => member);
    PERFORM retail.confirm_order('app', ref);
    SELECT f.id INTO id FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = ref;
    PERFORM retail.advance(id, 'accept');
    RETURN id;
END $$;
SELECT is((SELECT outcome FROM retail.make_wave('S1')), 'nothing', 'nothing to pick');
DO $$ BEGIN
    PERFORM pg_temp.order_for('O1', 'ann', ARRAY[('A', NULL, 1), ('B', NULL, 2)]::retail.line[]);
    PERFORM pg_temp.order_for('O2', 'bob', ARRAY[('B', NULL, 2)]::retail.line[]);
    PERFORM pg_temp.order_for('O3', 'ann', ARRAY[('A', NULL, 4)]::retail.line[]);
    PERFORM pg_temp.order_for('O4', 'ann', ARRAY[('A', NULL, 5)]::retail.line[], 121.480);
END $$;
SELECT is((SELECT (outcome, parcels, units, replayed)::text FROM retail.make_wave('S1', request_key => 'w1')), '(planned,4,14,f)', 'four parcels');
SELECT is((SELECT (outcome, parcels, units, replayed)::text FROM retail.make_wave('S1', request_key => 'w1')), '(planned,4,14,t)', 'once');
CREATE TEMP TABLE w AS SELECT max(id) AS id FROM retail.pick_wave;
SELECT results_eq($$ SELECT p.bag_no, o.order_ref COLLATE "default", p.line_no, p.sku, p.qty, p.lot, p.expires_on FROM w, retail.pick_list(w.id) p JOIN retail.fulfilment_order f ON f.id = p.fulfilment_id JOIN retail.sales_order o ON o.id = f.order_id $$,
    $$ VALUES (1, 'O1', 1, 'A', 1::bigint, NULL::text, NULL::date), (1, 'O1', 2, 'B', 2, 'old', '2031-03-10'), (1, 'O3', 1, 'A', 4, NULL, NULL),
        (2, 'O2', 1, 'B', 1, 'old', '2031-03-10'), (2, 'O2', 1, 'B', 1, 'new', '2031-04-10'), (3, 'O4', 1, 'A', 5, NULL, NULL) $$, 'one bag per customer and destination, first expired first');
DO $$ BEGIN PERFORM retail.cancel_order('app', 'O2', line_no => 1, qty => 1); PERFORM retail.cancel_order('app', 'O4'); END $$;
SELECT results_eq($$ SELECT o.order_ref COLLATE "default", p.sku, p.qty, p.lot FROM w, retail.pick_list(w.id) p JOIN retail.fulfilment_order f ON f.id = p.fulfilment_id JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref IN ('O2', 'O4') $$,
    $$ VALUES ('O2', 'B', 1::bigint, 'old') $$, 'what is cancelled need not be picked');
SELECT is((SELECT (outcome, parcels, units, replayed)::text FROM w, retail.start_wave(w.id)), '(started,3,8,f)', 'started');
SELECT is((SELECT (outcome, parcels, units, replayed)::text FROM w, retail.start_wave(w.id)), '(started,3,8,t)', 'once');
SELECT is(pg_temp.parcels('O1') || ', ' || pg_temp.parcels('O2') || ', ' || pg_temp.parcels('O3'), 'S1 picking A1+B2, S1 picking B1, S1 picking A4', 'all are being picked');
SELECT is((SELECT outcome FROM retail.make_wave('S1')), 'nothing', 'by nobody else');
SELECT throws_ok($$ SELECT retail.finish_wave(id, '{"987654321": [1]}') FROM w $$, '22023', NULL, 'a parcel that is not in the wave');
SELECT throws_ok($$ SELECT retail.finish_wave(id, '[]') FROM w $$, '22023', NULL, 'not an object');
SELECT results_eq($$ SELECT order_ref, outcome, missing_qty FROM w, retail.finish_wave(w.id, (SELECT jsonb_build_object(f.id, '[3]'::jsonb) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = 'O3')) $$,
    $$ VALUES ('O1', 'packed', 0::bigint), ('O2', 'packed', 0), ('O3', 'packed', 1) $$, 'done, one apple short');
SELECT results_eq($$ SELECT order_ref, state, replayed FROM w, retail.finish_wave(w.id) WHERE state = 'packed' $$, $$ VALUES ('O1', 'packed', true), ('O2', 'packed', true), ('O3', 'packed', true) $$, 'once');
SELECT is((SELECT outcome FROM w, retail.start_wave(w.id)), 'wrong_state', 'and over');
SELECT is_empty('SELECT p.* FROM w, retail.pick_list(w.id) p', 'nothing is left to pick');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a lot is given to one wave, though its units are on the books until they leave
SELECT results_eq($$ SELECT code COLLATE "default", on_hand FROM retail.lot ORDER BY code $$, $$ VALUES ('new', 50::bigint), ('old', 3) $$, 'nothing has left');
DO $$ BEGIN PERFORM pg_temp.order_for('L1', NULL, ARRAY[('B', NULL, 1)]::retail.line[]); PERFORM retail.make_wave('S1'); END $$;
SELECT results_eq($$ SELECT p.lot, p.qty FROM retail.pick_list((SELECT max(id) FROM retail.pick_wave)) p $$, $$ VALUES ('new', 1::bigint) $$, 'the old lot is in bags already');
DO $$ BEGIN PERFORM retail.cancel_order('app', 'O1', line_no => 2, qty => 1); PERFORM pg_temp.order_for('L2', NULL, ARRAY[('B', NULL, 2)]::retail.line[]); PERFORM retail.make_wave('S1'); END $$;
SELECT results_eq($$ SELECT p.lot, p.qty FROM retail.pick_list((SELECT max(id) FROM retail.pick_wave)) p $$, $$ VALUES ('old', 1::bigint), ('new', 1) $$, 'but for what was cancelled of it');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- most urgent first, as many as asked for, of one service
DO $$ BEGIN
    PERFORM pg_temp.order_for('O5', NULL, ARRAY[('A', NULL, 1)]::retail.line[]);
    PERFORM pg_temp.order_for('O6', NULL, ARRAY[('A', NULL, 1)]::retail.line[]);
    PERFORM retail.place_order('app', 'O7', ARRAY[('A', 'S1', 1)]::retail.line[], service => 'pickup', location => 'S1');
    PERFORM retail.confirm_order('app', 'O7');
    PERFORM retail.advance((SELECT max(id) FROM retail.fulfilment_order WHERE state = 'routed'), 'accept');
END $$;
SELECT is((SELECT parcels FROM retail.make_wave('S1', 1)), 1, 'one parcel');
SELECT is((SELECT string_agg(o.order_ref, ' ') FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE f.wave_id = (SELECT max(id) FROM retail.pick_wave)), 'O7', 'the one that is promised first');
SELECT is((SELECT outcome FROM retail.make_wave('S1', service => 'same_day')), 'nothing', 'none of that service');
SELECT is((SELECT parcels FROM retail.make_wave('S1', service => 'express')), 2, 'two of this');
SELECT throws_ok($$ SELECT retail.make_wave('S9') $$, 'RT002', NULL, 'no location');
SELECT throws_ok($$ SELECT retail.make_wave('S1', 0) $$, '22023', NULL, 'no parcel');
SELECT throws_ok($$ SELECT retail.make_wave('S1', service => 'donkey') $$, 'RT012', NULL, 'no service');
SELECT throws_ok($$ SELECT retail.start_wave(987654321) $$, 'RT013', NULL, 'no wave');

-- parcels of one order that meet at one location become one
DO $$ BEGIN
    PERFORM retail.receive_lines(ARRAY[('C', 'S2', 5)]::retail.line[]);
    PERFORM retail.place_order('app', 'O8', ARRAY[('A', NULL, 2), ('C', NULL, 1)]::retail.line[], 121.470, 31.230, 'express');
    PERFORM retail.confirm_order('app', 'O8');
    PERFORM retail.receive('C', 'S1', 5);
    PERFORM retail.advance(f.id, CASE w.code WHEN 'S2' THEN 'reject' ELSE 'accept' END, 'busy') FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id JOIN retail.location w ON w.id = f.location_id WHERE o.order_ref = 'O8' ORDER BY f.id;
    PERFORM retail.advance((SELECT max(id) FROM retail.fulfilment_order), 'accept');
    PERFORM retail.merge_parcels('app', 'O8');
END $$;
SELECT is(pg_temp.parcels('O8'), 'S1 accepted A2+C1, S2 rejected C1, S1 cancelled ', 'merged');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

-- a slot that was booked for either is the slot of both
INSERT INTO retail.slot (id, location_id, starts_at, ends_at, capacity)
SELECT n, w.id, '2031-03-03 17:00:00+00'::timestamptz + n * interval '1 hour', '2031-03-03 18:00:00+00'::timestamptz + n * interval '1 hour', 5
FROM retail.location w, generate_series(1, 2) n WHERE w.code = 'S1';
-- O9, O10, O11: two parcels at S1 each, accepted; slots of the earlier and of the later one
CREATE FUNCTION pg_temp.two_parcels(ref text, earlier_slot bigint, later_slot bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    p bigint;
BEGIN
    PERFORM retail.count_stock('C', 'S1', 0);
    PERFORM retail.place_order('app', ref, ARRAY[('A', NULL, 2), ('C', NULL, 1)]::retail.line[], 121.470, 31.230, 'express');
    PERFORM retail.confirm_order('app', ref);
    PERFORM retail.receive('C', 'S1', 50);
    FOR p IN SELECT f.id FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = ref ORDER BY f.id LOOP
        PERFORM retail.advance(p, CASE w.code WHEN 'S2' THEN 'reject' ELSE 'accept' END, 'busy') FROM retail.fulfilment_order f JOIN retail.location w ON w.id = f.location_id WHERE f.id = p;
    END LOOP;
    SELECT max(f.id) INTO p FROM retail.fulfilment_order f;
    PERFORM retail.advance(p, 'accept');
    IF later_slot IS NOT NULL THEN PERFORM retail.book_slot(p, later_slot); END IF;
    IF earlier_slot IS NOT NULL THEN
        PERFORM retail.book_slot(f.id, earlier_slot) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = ref AND f.state = 'accepted' AND f.id < p;
    END IF;
    RETURN retail.merge_parcels('app', ref);
END $$;
SELECT is(pg_temp.two_parcels('O9', NULL, 1) || ', ' || pg_temp.two_parcels('O10', 2, 1) || ', ' || pg_temp.two_parcels('O11', 2, NULL), '1, 1, 1', 'three merges');
SELECT is(pg_temp.parcels('O9'), 'S1 accepted A2+C1, S2 rejected C1, S1 cancelled ', 'as before');
SELECT is((SELECT string_agg(o.order_ref || ' ' || f.state || ' ' || f.slot_id, ', ' ORDER BY o.id) FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE f.slot_id IS NOT NULL),
    'O9 accepted 1, O10 accepted 2, O11 accepted 2', 'the later one''s slot where the earlier one has none');
SELECT is((SELECT string_agg(slot_id || ' ' || places, ', ') FROM retail.free_slots('S1')), '1 4, 2 3', 'one place each');
-- and so with a place of the day, which the earlier parcel may have come too early to need
CREATE FUNCTION pg_temp.places() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(w.code || ' ' || c.taken - (SELECT count(*) FROM retail.capacity_return r WHERE r.location_id = c.location_id AND r.business_date = c.business_date), ', ' ORDER BY w.code)
    FROM retail.capacity_use c JOIN retail.location w ON w.id = c.location_id
$$;
CREATE FUNCTION pg_temp.count_from_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE retail.location SET daily_capacity = 9 WHERE code = 'S1'; RETURN NULL; END $$;
CREATE TRIGGER count_from_now AFTER INSERT ON retail.order_refusal FOR EACH ROW EXECUTE FUNCTION pg_temp.count_from_now();
SELECT is(pg_temp.two_parcels('O12', NULL, NULL) || ' ' || pg_temp.places(), '1 S1 1', 'taken over');
SELECT is(pg_temp.two_parcels('O13', NULL, NULL) || ' ' || pg_temp.places(), '1 S1 2', 'or given back');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

SELECT * FROM finish();
