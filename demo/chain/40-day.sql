-- Plays the script: one call after the other, each at its own time of the
-- test clock, as tills, phones and clerks would make them.

CREATE TABLE demo.log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    what       text NOT NULL,
    call       text NOT NULL,
    channel    text,
    ref        text,
    outcome    text NOT NULL,
    sku        text,
    location   text,
    qty        bigint,
    shortage   bigint,
    unrecorded bigint,
    replayed   boolean
);

-- Reservations of an order, as an app would remember them.
CREATE TABLE demo.promise (
    ref            text NOT NULL,
    reservation_id bigint PRIMARY KEY
);
CREATE INDEX promise_ref_idx ON demo.promise (ref);

-- What a mistake in the mini-program takes off its pages for two hours.
CREATE VIEW demo.best_seller AS
SELECT sku
FROM demo.shelf
GROUP BY sku
ORDER BY sum(1.0 / rank) DESC, sku
LIMIT 3;

-- What a shopper can still put into the basket: goods paid for by others lie
-- in the back room, goods merely held still stand on the shelf.
CREATE FUNCTION demo.on_the_shelf(wanted retail.line[]) RETURNS retail.line[]
LANGUAGE sql STABLE
RETURN (
    SELECT array_agg(ROW (w.sku, w.location, least(w.qty, s.there))::retail.line ORDER BY w.sku)
    FROM unnest(wanted) AS w
    JOIN retail.sku AS k ON k.code = w.sku
    JOIN retail.location AS l ON l.code = w.location
    JOIN LATERAL (
        SELECT s.on_hand - s.unavailable
               - coalesce((SELECT sum(r.qty)
                           FROM retail.reservation AS r
                           WHERE r.sku_id = k.id AND r.location_id = l.id AND r.status = 'committed'), 0)::bigint AS there
        FROM retail.stock AS s
        WHERE s.sku_id = k.id AND s.location_id = l.id
    ) AS s ON s.there > 0);

CREATE PROCEDURE demo.ring(e demo.event, basket retail.line[])
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, channel, ref, outcome, sku, location, qty, shortage, unrecorded)
    SELECT e.at, e.kind, 'sell_lines', e.channel, e.ref, r.outcome, b.sku, b.location, b.qty, r.shortage_qty, r.unrecorded_qty
    FROM retail.sell_lines(basket, e.channel, e.ref, e.at)
        WITH ORDINALITY AS r (outcome, movement_id, on_hand, available, replayed, unrecorded_qty, shortage_qty, nr)
    JOIN unnest(basket) WITH ORDINALITY AS b (sku, location, qty, nr) USING (nr);
$$;

CREATE PROCEDURE demo.take_order(e demo.event)
LANGUAGE sql AS $$
    WITH answer AS (
        SELECT *
        FROM retail.reserve_lines(e.lines, e.channel, mode => e.detail, holder => e.ref, request_key => e.ref)
            WITH ORDINALITY AS r (outcome, reservation_id, remainder_id, sku, location, qty, expires_at, available, replayed, nr)
    ), kept AS (
        INSERT INTO demo.promise
        SELECT e.ref, reservation_id
        FROM answer
        WHERE outcome = 'held'
    )
    INSERT INTO demo.log (at, what, call, channel, ref, outcome, sku, location, qty)
    SELECT e.at, e.kind, 'reserve_lines', e.channel, e.ref, a.outcome, w.sku, w.location,
           CASE WHEN a.outcome = 'held' THEN a.qty ELSE w.qty END
    FROM answer AS a
    JOIN unnest(e.lines) WITH ORDINALITY AS w (sku, location, qty, nr) USING (nr);
$$;

CREATE PROCEDURE demo.pay(e demo.event, late boolean)
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty)
    SELECT e.at, e.kind, 'confirm', e.ref, r.outcome, r.sku, r.location, r.qty
    FROM demo.promise AS p
    CROSS JOIN LATERAL retail.confirm(p.reservation_id, reacquire => late, order_ref => e.ref, holder => e.ref) AS r
    WHERE p.ref = e.ref;

    -- a fresh hold for a lapsed one may have a new id
    INSERT INTO demo.promise
    SELECT e.ref, id
    FROM retail.reservation
    WHERE late AND order_ref = e.ref
    ON CONFLICT DO NOTHING;
$$;

-- The shopper is at the counter.  What a count found missing is not there for
-- the last to come: that line is cancelled, and money goes back.
CREATE PROCEDURE demo.collect(e demo.event)
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty)
    SELECT e.at, e.kind, 'consume_lines', e.ref, r.outcome, r.sku, r.location, r.qty
    FROM (
        SELECT array_agg(r.id ORDER BY r.id) AS ids
        FROM demo.promise AS p
        JOIN retail.reservation AS r ON r.id = p.reservation_id
        WHERE p.ref = e.ref AND r.status = 'committed'
    ) AS paid
    CROSS JOIN LATERAL retail.consume_lines(paid.ids) AS r
    WHERE paid.ids IS NOT NULL;

    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty)
    SELECT e.at, 'not there', 'cancel', e.ref, c.outcome, c.sku, c.location, c.qty
    FROM demo.promise AS p
    JOIN retail.reservation AS r ON r.id = p.reservation_id
    CROSS JOIN LATERAL retail.cancel(r.id) AS c
    WHERE p.ref = e.ref AND r.status = 'committed';
$$;

CREATE PROCEDURE demo.undo(e demo.event)
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty)
    SELECT e.at, e.kind, CASE r.status WHEN 'held' THEN 'release' ELSE 'cancel' END, e.ref, a.outcome, a.sku, a.location, a.qty
    FROM demo.promise AS p
    JOIN retail.reservation AS r ON r.id = p.reservation_id
    CROSS JOIN LATERAL (
        SELECT *
        FROM retail.release(r.id, holder => e.ref)
        WHERE r.status = 'held'
        UNION ALL
        SELECT *
        FROM retail.cancel(r.id)
        WHERE r.status = 'committed'
    ) AS a
    WHERE p.ref = e.ref;
$$;

CREATE PROCEDURE demo.restock(e demo.event)
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty)
    SELECT e.at, e.kind, 'receive_lines', d.ref, r.outcome, d.lines[r.nr].sku, d.lines[r.nr].location, d.lines[r.nr].qty
    FROM (
        SELECT 'DN2-' || f.location AS ref,
               array_agg(ROW (f.sku, f.location, 12, CASE WHEN k.lot_tracked THEN 'L' || to_char(e.at, 'MMDD') END, NULL)::retail.receipt_line) AS lines
        FROM demo.shelf AS f
        JOIN retail.sku AS k ON k.code = f.sku
        WHERE retail.available(f.sku, f.location) = 0
        GROUP BY f.location
    ) AS d
    CROSS JOIN LATERAL retail.receive_lines(d.lines, ref => d.ref)
        WITH ORDINALITY AS r (outcome, movement_id, on_hand, available, replayed, unrecorded_qty, shortage_qty, nr);
$$;

-- A clerk counts a shelf that others have paid goods on, and finds two units
-- fewer than are promised.
CREATE PROCEDURE demo.surprise(e demo.event)
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, outcome, sku, location, qty, shortage)
    SELECT e.at, e.kind, 'count_stock', c.outcome, k.code, l.code, greatest(r.qty - 2, 0), c.shortage_qty
    FROM (
        SELECT sku_id, location_id, sum(qty)::bigint AS qty
        FROM retail.reservation
        WHERE status = 'committed'
        GROUP BY sku_id, location_id
        ORDER BY sum(qty) DESC, sku_id, location_id
        LIMIT 1
    ) AS r
    JOIN retail.sku AS k ON k.id = r.sku_id
    JOIN retail.location AS l ON l.id = r.location_id
    CROSS JOIN LATERAL retail.count_stock(k.code, l.code, greatest(r.qty - 2, 0), 'surprise count') AS c;
$$;

-- Calls with one line, whose answer is a movement_result.
CREATE PROCEDURE demo.move(e demo.event)
LANGUAGE plpgsql AS $$
DECLARE
    wish   retail.line := e.lines[1];
    answer retail.movement_result;
    call   text;
BEGIN
    CASE e.kind
        WHEN 'return' THEN
            call := 'take_back';
            answer := retail.take_back(wish.sku, wish.location, wish.qty, e.ref, e.detail);
        WHEN 'damaged' THEN
            call := 'block';
            answer := retail.block(wish.sku, wish.location, wish.qty, e.detail);
        WHEN 'count' THEN
            call := 'count_stock';
            SELECT greatest(s.on_hand + wish.qty, 0)
            INTO wish.qty
            FROM retail.stock AS s
            JOIN retail.sku AS k ON k.id = s.sku_id
            JOIN retail.location AS l ON l.id = s.location_id
            WHERE k.code = wish.sku AND l.code = wish.location;
            answer := retail.count_stock(wish.sku, wish.location, wish.qty, e.detail);
    END CASE;
    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty, shortage)
    VALUES (e.at, e.kind, call, e.ref, answer.outcome, wish.sku, wish.location, wish.qty, answer.shortage_qty);
END
$$;

-- The picking wave of a warehouse: everything paid for leaves in one call.
CREATE PROCEDURE demo.wave(e demo.event)
LANGUAGE sql AS $$
    INSERT INTO demo.log (at, what, call, ref, outcome, sku, location, qty)
    SELECT e.at, e.kind, 'consume_lines', 'WAVE', r.outcome, r.sku, r.location, r.qty
    FROM (
        SELECT array_agg(r.id ORDER BY r.id) AS ids
        FROM retail.reservation AS r
        JOIN retail.location AS l ON l.id = r.location_id
        WHERE l.code = e.location AND r.status = 'committed'
    ) AS paid
    CROSS JOIN LATERAL retail.consume_lines(paid.ids) AS r;
$$;

-- The part of the day between two hours of it.
CREATE PROCEDURE demo.play(since interval, until interval)
LANGUAGE plpgsql AS $$
DECLARE
    e      demo.event;
    basket retail.line[];
    lapsed bigint;
    done   integer := 0;
BEGIN
    FOR e IN
        SELECT step.*
        FROM demo.event AS step, demo.calendar AS c
        WHERE step.at >= c.midnight + since AND step.at < c.midnight + until
        ORDER BY step.at, step.id
    LOOP
        PERFORM set_config('pg_retail.clock', e.at::text, false);
        CASE e.kind
            WHEN 'receipt' THEN
                basket := demo.on_the_shelf(e.lines);
                IF basket IS NULL THEN
                    INSERT INTO demo.log (at, what, call, ref, outcome, location)
                    VALUES (e.at, 'left with nothing', '-', e.ref, 'nothing on the shelf', e.location);
                ELSE
                    CALL demo.ring(e, basket);
                END IF;
            WHEN 'unknown unit' THEN
                CALL demo.ring(e, e.lines);
            WHEN 'order' THEN
                CALL demo.take_order(e);
            WHEN 'live order' THEN
                CALL demo.take_order(e);
                CALL demo.pay(e, false);
            WHEN 'pay' THEN
                CALL demo.pay(e, false);
            WHEN 'pay late' THEN
                CALL demo.pay(e, true);
            WHEN 'collect' THEN
                CALL demo.collect(e);
            WHEN 'give back' THEN
                CALL demo.undo(e);
            WHEN 'cancel' THEN
                CALL demo.undo(e);
            WHEN 'restock' THEN
                CALL demo.restock(e);
            WHEN 'surprise count' THEN
                CALL demo.surprise(e);
            WHEN 'wave' THEN
                CALL demo.wave(e);
            WHEN 'close' THEN
                UPDATE retail.location SET status = 'closed' WHERE code = e.location;
            WHEN 'reopen' THEN
                UPDATE retail.location SET status = 'open' WHERE code = e.location;
            WHEN 'delist' THEN
                INSERT INTO retail.listing (sku_id, channel_id, status)
                SELECT k.id, c.id, 'delisted'
                FROM retail.channel AS c, demo.best_seller AS b
                JOIN retail.sku AS k ON k.code = b.sku
                WHERE c.code = 'miniapp';
            WHEN 'relist' THEN
                DELETE FROM retail.listing;
            WHEN 'sweep' THEN
                lapsed := retail.expire_reservations(100000);
                INSERT INTO demo.log (at, what, call, outcome, qty)
                VALUES (e.at, 'sweep', 'expire_reservations', 'expired', lapsed);
            ELSE
                CALL demo.move(e);
        END CASE;
        done := done + 1;
        IF done % 20 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$;
