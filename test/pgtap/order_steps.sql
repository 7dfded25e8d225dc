-- The steps of a parcel: every one allowed or refused as fulfilment_transition says, and the life of one parcel each way.
\ir order.psql

DO $$ BEGIN PERFORM retail.receive('A', 'S1', 100); PERFORM retail.receive('A', 'S2', 100); END $$;
CREATE TEMP TABLE parcel AS
SELECT 'delivery' AS kind, pg_temp.pay('D1', ARRAY[('A', NULL, 2)]::retail.line[]) AS id
UNION ALL SELECT 'pickup', pg_temp.pay('P1', ARRAY[('A', 'S1', 2)]::retail.line[], 'pickup', 'S1');
CREATE TEMP TABLE try AS
SELECT s.state, t.step, p.kind, p.id
FROM unnest(ARRAY['new', 'routed', 'accepted', 'picking', 'packed', 'shipped', 'delivered', 'ready_for_pickup', 'collected', 'rejected',
        'short', 'cancelled', 'uncollected', 'on_hold']) s (state),
    (SELECT DISTINCT step FROM retail.fulfilment_transition WHERE taken_by = 'advance') t, parcel p;
SELECT plan((SELECT count(*)::int FROM try) + 39);

-- puts the parcel into a state, takes a step, and takes both back
CREATE FUNCTION pg_temp.outcome(parcel bigint, state text, step text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a retail.fulfilment_result;
    now_in text;
BEGIN
    UPDATE retail.fulfilment_order f SET state = outcome.state, resume_state = CASE outcome.state WHEN 'on_hold' THEN 'accepted' END WHERE f.id = parcel;
    a := retail.advance(parcel, step);
    SELECT f.state INTO now_in FROM retail.fulfilment_order f WHERE f.id = parcel;
    RAISE EXCEPTION USING ERRCODE = 'ZZTAP', MESSAGE = concat(a.outcome, ' ', a.state, ' ', now_in, CASE WHEN a.replayed THEN ' replayed' END);
EXCEPTION WHEN SQLSTATE 'ZZTAP' THEN
    RETURN SQLERRM;
END $$;
SELECT is(pg_temp.outcome(t.id, t.state, t.step),
    CASE
        WHEN x.step IS NOT NULL THEN concat_ws(' ', coalesce(x.to_state, 'accepted'), coalesce(x.to_state, 'accepted'), coalesce(x.to_state, 'accepted'))
        WHEN EXISTS (SELECT FROM retail.fulfilment_transition y WHERE y.step = t.step AND y.to_state = t.state AND coalesce(y.kind, t.kind) = t.kind)
            THEN concat_ws(' ', t.state, t.state, t.state, 'replayed')
        ELSE concat_ws(' ', 'wrong_state', t.state, t.state) END,
    format('%s from %s, %s', t.step, t.state, t.kind))
FROM try t
    LEFT JOIN retail.fulfilment_transition x ON x.from_state = t.state AND x.step = t.step AND x.taken_by = 'advance' AND coalesce(x.kind, t.kind) = t.kind
ORDER BY t.kind, t.step, t.state;
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'nothing of it is left');

-- misuse
SELECT throws_ok($$ SELECT retail.advance(1, 'fly') $$, '22023', 'unknown step "fly"', 'a step that is not there');
SELECT throws_ok($$ SELECT retail.advance(1, NULL) $$, '22023', NULL, 'no step');
SELECT throws_ok(format('SELECT retail.advance(1, %L)', s), '22023', format('step "%s" is not taken by advance()', s), s || ' is another function''s')
FROM unnest(ARRAY['confirm', 'collect', 'expire', 'time_out', 'merge', 'change', 'find_short']) s;
SELECT throws_ok($$ SELECT retail.advance(987654321, 'accept') $$, 'RT013', 'no fulfilment order 987654321', 'a parcel that is not there');
SELECT throws_ok(format('SELECT retail.advance(%s, ''accept'', picked => ARRAY[1])', id), '22023', NULL, 'accept picks nothing') FROM parcel WHERE kind = 'delivery';
SELECT throws_ok(format('SELECT retail.advance(%s, ''reject'', picked => ARRAY[1, 1])', id), '22023', NULL, 'a number for each line') FROM parcel WHERE kind = 'delivery';
SELECT throws_ok(format('SELECT retail.advance(%s, ''reject'', picked => ARRAY[3])', id), '22023', 'picked quantity 3 is not 0 to 2 of line 1', 'nobody finds more') FROM parcel WHERE kind = 'delivery';

-- steps are data, but none that lets goods leave, or come back, by another way than the one that moves the stock
SELECT throws_ok(format('INSERT INTO retail.fulfilment_transition (from_state, step, to_state, taken_by) VALUES (%L, %L, %L, %L)', t.f, t.s, t.t, t.b), '23514', NULL, concat_ws(' ', t.f, t.s, t.t, t.b))
FROM (VALUES ('accepted', 'teleport', 'shipped', 'advance'), ('accepted', 'give_up', 'cancelled', 'advance'), ('packed', 'ship', 'packed', 'advance'),
    ('ready_for_pickup', 'collect', 'collected', 'advance'), ('ready_for_pickup', 'hand_over', 'collected', 'advance'), ('shipped', 'undo', 'packed', 'advance'),
    ('cancelled', 'revive', 'routed', 'advance'), ('new', 'trust', 'accepted', 'advance'), ('new', 'ship', 'shipped', 'advance'), ('packed', 'ship', NULL, 'advance'),
    ('packed', 'lose', 'lost', 'advance'), ('packed', 'change', 'accepted', 'cancel_order')) t (f, s, t, b);
SELECT lives_ok($$ INSERT INTO retail.fulfilment_transition (from_state, step, to_state) VALUES ('packed', 'unpack', 'picking') $$, 'a way back within the store');
DELETE FROM retail.fulfilment_transition WHERE step = 'unpack';

-- a delivery: stock moves when it is shipped, and only then
SELECT is(pg_temp.go(id, 'accept', 'start_picking', 'pack'), 'packed', 'accepted, picked, packed') FROM parcel WHERE kind = 'delivery';
SELECT is(pg_temp.units('A', 'S1'), '100 on hand, 0 unavailable, 96 available', 'nothing has left');
SELECT is(pg_temp.go(id, 'ship'), 'shipped', 'shipped') FROM parcel WHERE kind = 'delivery';
SELECT is(pg_temp.units('A', 'S1'), '98 on hand, 0 unavailable, 96 available', 'two left, and were promised');
SELECT is(pg_temp.status('D1') || ' ' || pg_temp.lines('D1'), 'completed A2 b0 c0 s2 r0', 'all of it: completed');
SELECT is(pg_temp.go(id, 'deliver'), 'delivered', 'delivered') FROM parcel WHERE kind = 'delivery';
SELECT is((SELECT string_agg(format('%s %s-%s', e.step, e.from_state, e.to_state), ', ' ORDER BY e.id) FROM retail.fulfilment_event e JOIN parcel p ON p.id = e.fulfilment_id WHERE p.kind = 'delivery'),
    'confirm new-routed, accept routed-accepted, start_picking accepted-picking, pack picking-packed, ship packed-shipped, deliver shipped-delivered', 'each step is in the log');
SELECT is((SELECT string_agg(o.payload->>'step', ' ' ORDER BY o.id) FROM retail.outbox o JOIN parcel p ON p.id = (o.payload->>'fulfilment_id')::bigint WHERE o.topic = 'fulfilment' AND p.kind = 'delivery'),
    'confirm accept pack ship deliver', 'and in the outbox, less what concerns nobody');
SELECT is((SELECT o.payload - 'fulfilment_id' FROM retail.outbox o WHERE o.payload->>'step' = 'ship'),
    '{"channel": "app", "order_ref": "D1", "location": "S1", "service": "express", "step": "ship", "state": "shipped", "promise_at": "2031-03-05T10:00:00+00:00", "lines": [{"line_no": 1, "sku": "A", "qty": 2}]}',
    'in words a stranger understands');

-- a hold goes back to where it was, and its timer begins anew
DO $$ BEGIN PERFORM retail.advance((SELECT id FROM parcel WHERE kind = 'pickup'), 'hold', 'fraud check'); END $$;
SET pg_retail.clock = '2031-03-03 12:00:00+00';
SELECT is((SELECT (state, accept_by)::text FROM retail.advance((SELECT id FROM parcel WHERE kind = 'pickup'), 'resume')), '(routed,"2031-03-03 12:30:00+00")', 'resumed');

-- the log is only appended to
SELECT throws_ok('DELETE FROM retail.fulfilment_event', 'RT008', NULL, 'the log stays');
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

SELECT * FROM finish();
