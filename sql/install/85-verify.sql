-- Does everything still add up?

CREATE FUNCTION retail.verify()
RETURNS TABLE (check_name text, sku text, location text, expected bigint, found bigint, detail text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '128MB'
SET maintenance_work_mem = '256MB'
SET parallel_tuple_cost = 0      -- differences are few, whatever the planner thinks
SET jit = off
AS $$
DECLARE
    mark bigint;        -- the ledger starts anew after this movement
BEGIN
    PERFORM retail._check_tables();
    SELECT max(b.movement_id) INTO mark FROM retail.bulk_load b;

    -- Counters: suspects of one pass, each read again while nobody moves it.
    RETURN QUERY
    SELECT 'cell', coalesce(s.code, '#' || w.sku_id), coalesce(l.code, '#' || w.location_id), v.expected, v.found,
        'the counter promises ' || CASE WHEN v.found > v.expected THEN 'more' ELSE 'less' END
            || ' than the tables; retail.reset_cells() loads it anew'
    FROM retail._suspect_cells() w
        CROSS JOIN LATERAL retail._verify_cell(w.sku_id, w.location_id) v
        LEFT JOIN retail.sku s ON s.id = w.sku_id
        LEFT JOIN retail.location l ON l.id = w.location_id
    WHERE v.expected IS NOT NULL;

    -- Lots.
    RETURN QUERY
    WITH lots AS (
        SELECT l.sku_id, l.location_id, sum(l.on_hand)::bigint AS on_hand, sum(l.unavailable)::bigint AS unavailable
        FROM retail.lot l
        GROUP BY l.sku_id, l.location_id
    ), compared AS (
        SELECT l.sku_id, l.location_id, coalesce(k.lot_tracked, false) AS tracked,
            coalesce(s.on_hand, 0) AS on_hand, coalesce(s.unavailable, 0) AS unavailable,
            l.on_hand AS lot_on_hand, l.unavailable AS lot_unavailable
        FROM lots l
            LEFT JOIN retail.stock s ON s.sku_id = l.sku_id AND s.location_id = l.location_id
            LEFT JOIN retail.sku k ON k.id = l.sku_id
        UNION ALL
        SELECT s.sku_id, s.location_id, true, s.on_hand, s.unavailable, 0, 0
        FROM retail.sku k
            JOIN retail.stock s ON s.sku_id = k.id
        WHERE k.lot_tracked AND s.on_hand > 0
            AND NOT EXISTS (SELECT FROM retail.lot l WHERE l.sku_id = s.sku_id AND l.location_id = s.location_id)
    )
    SELECT w.check_name, coalesce(s.code, '#' || c.sku_id), coalesce(l.code, '#' || c.location_id), w.expected, w.found, w.detail
    FROM compared c
        CROSS JOIN LATERAL (
            SELECT 'lot_on_hand', c.on_hand, c.lot_on_hand, 'the lots of a lot-tracked SKU add up to on_hand'
            WHERE c.tracked AND c.lot_on_hand <> c.on_hand
            UNION ALL
            SELECT 'lot_on_hand', c.on_hand, c.lot_on_hand, 'lots hold more than on_hand'
            WHERE NOT c.tracked AND c.lot_on_hand > c.on_hand
            UNION ALL
            SELECT 'lot_unavailable', c.unavailable, c.lot_unavailable, 'lots hold more unavailable units than the stock'
            WHERE c.lot_unavailable > c.unavailable
        ) w (check_name, expected, found, detail)
        LEFT JOIN retail.sku s ON s.id = c.sku_id
        LEFT JOIN retail.location l ON l.id = c.location_id;

    -- The ledger: its last line is what the stock says, and each line follows from the one before.
    RETURN QUERY
    WITH book AS (
        SELECT m.sku_id, m.location_id, min(m.id) AS first_id, max(m.id) AS last_id,
            sum(m.on_hand_delta)::bigint AS on_hand_delta, sum(m.unavailable_delta)::bigint AS unavailable_delta
        FROM retail.movement m
        WHERE m.id > coalesce(mark, 0)
        GROUP BY m.sku_id, m.location_id
    ), compared AS (
        SELECT b.sku_id, b.location_id, s.last_movement_id, b.last_id, b.on_hand_delta, b.unavailable_delta,
            coalesce(s.on_hand, 0) AS on_hand, coalesce(s.unavailable, 0) AS unavailable,
            z.on_hand_after AS last_on_hand, z.unavailable_after AS last_unavailable,
            a.on_hand_after - a.on_hand_delta AS first_on_hand,
            a.unavailable_after - a.unavailable_delta AS first_unavailable
        FROM book b
            JOIN retail.movement a ON a.id = b.first_id
            JOIN retail.movement z ON z.id = b.last_id
            LEFT JOIN retail.stock s ON s.sku_id = b.sku_id AND s.location_id = b.location_id
    )
    SELECT w.check_name, coalesce(s.code, '#' || w.sku_id), coalesce(l.code, '#' || w.location_id), w.expected, w.found, w.detail
    FROM (
        SELECT x.check_name, c.sku_id, c.location_id, x.expected, x.found, x.detail
        FROM compared c
            CROSS JOIN LATERAL (VALUES
                ('ledger_last', c.last_id, coalesce(c.last_movement_id, 0), 'last_movement_id is the last line of the ledger'),
                ('ledger_on_hand', c.last_on_hand, c.on_hand, 'on_hand is what the last line of the ledger says'),
                ('ledger_unavailable', c.last_unavailable, c.unavailable, 'unavailable is what the last line of the ledger says'),
                ('ledger_sum', c.last_on_hand - c.first_on_hand, c.on_hand_delta, 'the lines of on_hand follow from one another'),
                ('ledger_sum', c.last_unavailable - c.first_unavailable, c.unavailable_delta, 'the lines of unavailable follow from one another'),
                ('ledger_first', CASE WHEN mark IS NULL THEN 0 ELSE c.first_on_hand END, c.first_on_hand, 'without a bulk load the ledger begins at 0')
            ) x (check_name, expected, found, detail)
        WHERE x.expected <> x.found
        UNION ALL
        SELECT 'ledger_last', s.sku_id, s.location_id, 0, s.last_movement_id, 'last_movement_id is not a line of this stock''s ledger'
        FROM retail.stock s
        WHERE s.last_movement_id > coalesce(mark, 0)
            AND NOT EXISTS (
                SELECT FROM retail.movement m
                WHERE m.id > coalesce(mark, 0) AND m.sku_id = s.sku_id AND m.location_id = s.location_id)
    ) w
        LEFT JOIN retail.sku s ON s.id = w.sku_id
        LEFT JOIN retail.location l ON l.id = w.location_id;

    -- Rows of nobody.
    RETURN QUERY
    SELECT 'unknown_id', coalesce(k.code, '#' || s.sku_id), coalesce(l.code, '#' || s.location_id), 0::bigint, s.on_hand,
        'stock of a ' || CASE WHEN k.id IS NULL THEN 'SKU' ELSE 'location' END || ' that is not there'
    FROM retail.stock s
        LEFT JOIN retail.sku k ON k.id = s.sku_id
        LEFT JOIN retail.location l ON l.id = s.location_id
    WHERE k.id IS NULL OR l.id IS NULL;
    RETURN QUERY
    SELECT 'unknown_id', coalesce(k.code, '#' || r.sku_id), coalesce(l.code, '#' || r.location_id), 0::bigint, r.qty,
        format('reservation %s of a %s that is not there', r.id,
            CASE WHEN k.id IS NULL THEN 'SKU' WHEN l.id IS NULL THEN 'location' ELSE 'channel' END)
    FROM retail.reservation r
        LEFT JOIN retail.sku k ON k.id = r.sku_id
        LEFT JOIN retail.location l ON l.id = r.location_id
        LEFT JOIN retail.channel c ON c.id = r.channel_id
    WHERE k.id IS NULL OR l.id IS NULL OR c.id IS NULL;

    RETURN QUERY SELECT * FROM retail._verify_orders();
    RETURN QUERY SELECT * FROM retail._verify_prices();
    RETURN QUERY SELECT * FROM retail._verify_quotes();
    RETURN QUERY SELECT * FROM retail._verify_settlements();
END
$$;
COMMENT ON FUNCTION retail.verify() IS
'Recomputes everything from the tables and reports what does not add up; no rows: all is well.
Checks: cell (a counter in shared memory against stock and reservations, whatever the clock says; what open transactions explain is not a difference), lot_on_hand, lot_unavailable, ledger_last, ledger_on_hand, ledger_unavailable, ledger_sum, ledger_first (since the last bulk load), unknown_id (rows of a SKU, location or channel that is not there); order_units, order_reservation, order_open, slot_place, capacity_taken (orders, their parcels and what they take); price_overlap, price_guard (prices of one scope at one instant, prices that readers do not see); frozen_quote, order_amount (lines that do not add up to what was promised, or ordered); settlement_frozen (a settlement is frozen exactly while something holds its order), settlement_alert (an alert that holds is open).
Returns check_name, SKU and location codes (# and the id where there is none), expected, found, and what it means. Reads whole tables, blind to row policies, within 256 MB, and waits for nobody. A stock that is promised beyond what is there is no difference: see retail.shortage.
Errors: RT004 init() was not run.';
