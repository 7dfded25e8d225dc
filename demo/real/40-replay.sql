-- The year, day by day on the test clock.  Each day:
--   11:30  shoppers put baskets together, and go away (one in ten of the orders)
--   12:00  the orders: reserve, while those baskets have lapsed and no job has
--          run; 12:10 confirm
--   24:00  the tills send the day's receipts, in time order; some are sent twice;
--          the orders are collected: consume
-- One statement calls a function for every basket or line; each statement is
-- a transaction.

SET TimeZone = 'America/New_York';

CREATE UNLOGGED TABLE demo.promise (
    basket_id      bigint NOT NULL,
    nr             integer NOT NULL,
    outcome        text NOT NULL,
    reservation_id bigint,
    qty            bigint
);

-- One receipt is one call: sell() for a single line, else sell_lines().
CREATE PROCEDURE demo.play_tills(today date, again boolean)
LANGUAGE sql AS $$
    INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
    SELECT 'replay', call, CASE WHEN replayed THEN outcome || ', a repeat' ELSE outcome END,
           count(DISTINCT basket_id), count(*), sum(qty)
    FROM (
        SELECT b.basket_id, r.call, r.outcome, r.replayed, b.lines[r.nr].qty
        FROM (
            SELECT *, 'T' || basket_id AS ref
            FROM demo.basket
            WHERE day = today AND way = 'till' AND (twice OR NOT again)
            ORDER BY at, basket_id
        ) AS b
        CROSS JOIN LATERAL (
            SELECT 'sell', s.outcome, s.replayed, 1
            FROM retail.sell(b.lines[1].sku, b.lines[1].location, b.lines[1].qty, 'shop', b.ref, b.at, b.ref) AS s
            WHERE b.n = 1
            UNION ALL
            SELECT 'sell_lines', s.outcome, s.replayed, s.nr
            FROM retail.sell_lines(b.lines, 'shop', b.ref, b.at, b.ref)
                WITH ORDINALITY AS s (outcome, movement_id, on_hand, available, replayed, unrecorded_qty, shortage_qty, nr)
            WHERE b.n > 1
        ) AS r (call, outcome, replayed, nr)
    ) AS answer
    GROUP BY 2, 3;
$$;

CREATE PROCEDURE demo.take_orders(today date)
LANGUAGE sql AS $$
    WITH answer AS (
        INSERT INTO demo.promise
        SELECT b.basket_id, r.nr, r.outcome, r.reservation_id, b.lines[r.nr].qty
        FROM (
            SELECT *, 'P' || basket_id AS ref
            FROM demo.basket
            WHERE day = today AND way = 'pickup'
            ORDER BY at, basket_id
        ) AS b
        CROSS JOIN LATERAL (
            SELECT s.outcome, s.reservation_id, 1
            FROM retail.reserve(b.lines[1].sku, b.lines[1].location, b.lines[1].qty, 'miniapp', holder => b.ref, request_key => b.ref) AS s
            WHERE b.n = 1
            UNION ALL
            SELECT s.outcome, s.reservation_id, s.nr::integer
            FROM retail.reserve_lines(b.lines, 'miniapp', holder => b.ref, request_key => b.ref)
                WITH ORDINALITY AS s (outcome, reservation_id, remainder_id, sku, location, qty, expires_at, available, replayed, nr)
            WHERE b.n > 1
        ) AS r (outcome, reservation_id, nr)
        RETURNING basket_id, outcome, qty
    )
    INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
    SELECT 'replay', CASE b.n WHEN 1 THEN 'reserve' ELSE 'reserve_lines' END, a.outcome,
           count(DISTINCT basket_id), count(*), sum(a.qty)
    FROM answer AS a
    JOIN demo.basket AS b USING (basket_id)
    GROUP BY 2, 3;
$$;

CREATE PROCEDURE demo.leave_behind(today date)
LANGUAGE sql AS $$
    INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
    SELECT 'replay', 'reserve_lines', CASE outcome WHEN 'held' THEN 'held, left to lapse' ELSE outcome END,
           count(DISTINCT basket_id), count(*), sum(qty)
    FROM (
        SELECT b.basket_id, r.outcome, b.lines[r.nr].qty
        FROM (
            SELECT *
            FROM demo.basket
            WHERE day = today AND way = 'pickup' AND left_behind
            ORDER BY at, basket_id
        ) AS b
        CROSS JOIN LATERAL retail.reserve_lines(b.lines, 'miniapp')
            WITH ORDINALITY AS r (outcome, reservation_id, remainder_id, sku, location, qty, expires_at, available, replayed, nr)
    ) AS answer
    GROUP BY 3;
$$;

CREATE PROCEDURE demo.take_payment(today date)
LANGUAGE sql AS $$
    INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
    SELECT 'replay', 'confirm', r.outcome, count(*), count(*), sum(r.qty)
    FROM demo.basket AS b
    JOIN demo.promise AS p USING (basket_id)
    CROSS JOIN LATERAL retail.confirm(p.reservation_id, order_ref => 'P' || b.basket_id, holder => 'P' || b.basket_id) AS r
    WHERE b.day = today AND p.outcome = 'held'
    GROUP BY r.outcome;
$$;

CREATE PROCEDURE demo.hand_over(today date)
LANGUAGE sql AS $$
    INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
    SELECT 'replay', r.call, r.outcome, count(DISTINCT basket_id), count(*), sum(r.qty)
    FROM (
        SELECT b.basket_id, array_agg(p.reservation_id ORDER BY p.nr) AS ids
        FROM demo.basket AS b
        JOIN demo.promise AS p USING (basket_id)
        WHERE b.day = today AND p.outcome = 'held'
        GROUP BY b.basket_id
    ) AS o
    CROSS JOIN LATERAL (
        SELECT 'consume', s.outcome, s.qty
        FROM retail.consume(o.ids[1]) AS s
        WHERE cardinality(o.ids) = 1
        UNION ALL
        SELECT 'consume_lines', s.outcome, s.qty
        FROM retail.consume_lines(o.ids) AS s
        WHERE cardinality(o.ids) > 1
    ) AS r (call, outcome, qty)
    GROUP BY r.call, r.outcome;
$$;

CREATE PROCEDURE demo.play_year()
LANGUAGE plpgsql AS $$
DECLARE
    today date;
    noon  timestamptz;
BEGIN
    FOR today IN
        SELECT DISTINCT day
        FROM demo.basket
        ORDER BY day
    LOOP
        noon := (today + time '12:00') AT TIME ZONE 'America/New_York';
        PERFORM set_config('pg_retail.clock', (noon - interval '30 minutes')::text, false);
        CALL demo.leave_behind(today);
        COMMIT;
        PERFORM set_config('pg_retail.clock', noon::text, false);
        CALL demo.take_orders(today);
        COMMIT;
        PERFORM set_config('pg_retail.clock', (noon + interval '10 minutes')::text, false);
        CALL demo.take_payment(today);
        COMMIT;
        PERFORM set_config('pg_retail.clock', ((today + 1)::timestamp AT TIME ZONE 'America/New_York')::text, false);
        CALL demo.play_tills(today, false);
        COMMIT;
        CALL demo.play_tills(today, true);
        COMMIT;
        CALL demo.hand_over(today);
        COMMIT;
        DELETE FROM demo.promise;
        COMMIT;
    END LOOP;
END
$$;

CALL demo.play_year();

-- What nobody claimed of the baskets left behind.
CALL retail.sweep();
ANALYZE retail.stock, retail.reservation, retail.movement;
