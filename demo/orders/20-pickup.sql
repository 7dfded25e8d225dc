-- One pickup, told step by step, among all the other orders of the day: who
-- does what at which minute, what is answered, and what that does to the stock.

CREATE TABLE demo.pickup (
    sku         text NOT NULL,
    qty         bigint NOT NULL,
    store       text NOT NULL,
    other_store text NOT NULL,
    longitude   float8 NOT NULL,    -- of the shopper
    latitude    float8 NOT NULL,
    slot        bigint,
    parcel      bigint,
    code        text
);

CREATE TABLE demo.pickup_script (
    step    text PRIMARY KEY,
    after   interval NOT NULL,      -- since midnight at the store
    who     text NOT NULL,
    what    text NOT NULL,
    call    text NOT NULL,
    answers text NOT NULL           -- the word it must be answered with
);
INSERT INTO demo.pickup_script VALUES
    ('look', '12:04', 'shopper', 'looks where it is to be had', 'stock_near', 'found'),
    ('order', '12:05', 'shopper', 'orders in the store next to her', 'place_order', 'placed'),
    ('pay', '12:11', 'shopper', 'pays, and is given a code', 'confirm_order', 'confirmed'),
    ('too early', '12:13', 'till', 'she is there at once: nothing is ready', 'collect', 'refused'),
    ('accept', '12:15', 'store', 'accepts', 'advance accept', 'accepted'),
    ('start', '12:21', 'store', 'takes a basket', 'advance start_picking', 'picking'),
    ('pack', '12:26', 'store', 'has found all of it', 'advance pack', 'packed'),
    ('ready', '12:30', 'store', 'puts it behind the counter', 'advance ready', 'ready_for_pickup'),
    ('notice', '12:31', 'shop', 'tells her, from the outbox', 'outbox', 'ready'),
    ('slot', '12:40', 'shopper', 'books a parking bay', 'book_slot', 'booked'),
    ('wrong code', '17:02', 'till', 'one character wrong', 'collect', 'refused'),
    ('wrong store', '17:03', 'till', 'the right code, in another store', 'collect', 'refused'),
    ('collect', '17:05', 'till', 'the right code', 'collect', 'collected'),
    ('again', '17:06', 'till', 'the same code again', 'collect', 'refused');

CREATE TABLE demo.pickup_told (
    at        timestamptz NOT NULL,
    step      text NOT NULL,
    outcome   text NOT NULL,
    detail    text,
    on_hand   bigint NOT NULL,
    held      bigint NOT NULL,
    committed bigint NOT NULL,
    available bigint NOT NULL
);

-- Codes are read out in two halves.
CREATE FUNCTION demo.spelt(code text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
RETURN left(code, 4) || '-' || right(code, 4);

CREATE PROCEDURE demo.pickup_step(step text)
LANGUAGE plpgsql AS $$
DECLARE
    p       demo.pickup;
    placed  retail.order_result;
    paid    retail.order_change;
    answer  retail.fulfilment_result;
    zone    text;
    outcome text;
    detail  text;
BEGIN
    SELECT x.* INTO p FROM demo.pickup AS x;
    SELECT l.time_zone INTO zone FROM retail.location AS l WHERE l.code = p.store;
    CASE step
        WHEN 'look' THEN
            SELECT CASE WHEN count(*) > 0 THEN 'found' ELSE 'nowhere' END,
                   string_agg(format('%s, %s km, %s', n.location, round((n.distance_m / 1000)::numeric, 1), n.available), '; ' ORDER BY n.distance_m)
            INTO outcome, detail
            FROM retail.stock_near(p.sku, 'miniapp', p.longitude, p.latitude, p.qty) AS n;
        WHEN 'order' THEN
            SELECT r.*
            INTO placed
            FROM retail.place_order('miniapp', 'PICKUP-1', ARRAY[ROW (p.sku, NULL, p.qty)::retail.line], p.longitude, p.latitude, 'pickup', p.store, 'M7',
                'pickup, place') AS r;
            UPDATE demo.pickup SET parcel = placed.fulfilment_id;
            outcome := placed.outcome;
            detail := format('%s frozen until %s; will be ready by %s', placed.qty, to_char(placed.expires_at AT TIME ZONE zone, 'HH24:MI'),
                to_char(placed.promise_at AT TIME ZONE zone, 'HH24:MI'));
        WHEN 'pay' THEN
            SELECT c.* INTO paid FROM retail.confirm_order('miniapp', 'PICKUP-1', 'pickup, pay') AS c;
            UPDATE demo.pickup SET code = paid.pickup_code;
            outcome := paid.outcome;
            detail := 'code ' || demo.spelt(paid.pickup_code);
        WHEN 'notice' THEN
            SELECT o.payload ->> 'step', format('%s of order %s, until %s', o.payload ->> 'state', o.payload ->> 'order_ref',
                       to_char((o.payload ->> 'collect_by')::timestamptz AT TIME ZONE zone, 'DD Mon HH24:MI'))
            INTO outcome, detail
            FROM retail.outbox AS o
            WHERE o.topic = 'fulfilment' AND (o.payload ->> 'fulfilment_id')::bigint = p.parcel
            ORDER BY o.id DESC
            LIMIT 1;
        WHEN 'slot' THEN
            answer := retail.book_slot(p.parcel, p.slot);
            outcome := answer.outcome;
            SELECT format('%s at %s', s.resource, to_char(s.starts_at AT TIME ZONE zone, 'HH24:MI'))
            INTO detail
            FROM retail.slot AS s
            WHERE s.id = p.slot;
        WHEN 'wrong code', 'wrong store', 'too early', 'collect', 'again' THEN
            IF step = 'wrong code' THEN
                p.code := left(p.code, 7) || CASE right(p.code, 1) WHEN '2' THEN '3' ELSE '2' END;
            END IF;
            answer := retail.collect(CASE step WHEN 'wrong store' THEN p.other_store ELSE p.store END, lower(demo.spelt(p.code)));
            outcome := answer.outcome;
            detail := lower(demo.spelt(p.code)) || coalesce(': order ' || answer.order_ref, '');
        ELSE
            answer := retail.advance(p.parcel, CASE step WHEN 'start' THEN 'start_picking' ELSE step END);
            outcome := answer.outcome;
            detail := CASE step WHEN 'ready' THEN 'waits until ' || to_char(answer.collect_by AT TIME ZONE zone, 'DD Mon HH24:MI') END;
    END CASE;
    INSERT INTO demo.pickup_told
    SELECT retail.now(), step, outcome, detail, s.on_hand, s.held, s.committed, s.available
    FROM retail_bi.stock AS s
    WHERE s.sku = p.sku AND s.location = p.store;
    INSERT INTO demo.call
    SELECT retail.now(), t.call, outcome, 'PICKUP-1', p.parcel, 1, NULL
    FROM demo.pickup_script AS t
    WHERE t.step = pickup_step.step;
END
$$;

-- The parking bay, and the steps at their minutes.
CREATE PROCEDURE demo.open_pickup()
LANGUAGE sql AS $$
    INSERT INTO retail.slot (location_id, resource, starts_at, ends_at, capacity)
    SELECT l.id, 'parking_bay', c.at + interval '17 hours', c.at + interval '17 hours 15 minutes', 1
    FROM demo.pickup AS p
    JOIN retail.location AS l ON l.code = p.store
    CROSS JOIN LATERAL (SELECT (d.midnight AT TIME ZONE d.zone) AT TIME ZONE l.time_zone AS at FROM demo.order_day AS d) AS c;
    UPDATE demo.pickup SET slot = (SELECT max(id) FROM retail.slot);

    INSERT INTO demo.todo (at, what, place)
    SELECT (d.midnight AT TIME ZONE d.zone + t.after) AT TIME ZONE l.time_zone, 'pickup', t.step
    FROM demo.order_day AS d, demo.pickup_script AS t, demo.pickup AS p
    JOIN retail.location AS l ON l.code = p.store;
$$;
