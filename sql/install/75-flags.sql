-- Putting sold-out flags right, set-wise.

CREATE FUNCTION retail.repair_flags(max_rows integer DEFAULT 1000) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    most integer;           -- flags written in one transaction: each pins a counter
    every_stock boolean;
    skus integer[];
    locations integer[];
    pair_skus integer[];
    pair_locations integer[];
    patterns bigint;
    wrong_skus integer[];
    wrong_locations integer[];
    stocks text;
    promised text;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    most := least(1000, current_setting('pg_retail.max_cells')::integer / 8);

    WITH gone AS (
        DELETE FROM retail.flag_repair f
        WHERE f.ctid = ANY (ARRAY(
            SELECT p.ctid FROM retail.flag_repair p ORDER BY p.id LIMIT least(max_rows, most) FOR UPDATE SKIP LOCKED))
        RETURNING f.sku_id, f.location_id
    )
    SELECT count(*),
        coalesce(bool_or(g.sku_id IS NULL AND g.location_id IS NULL), false),
        array_agg(DISTINCT g.sku_id) FILTER (WHERE g.location_id IS NULL),
        array_agg(DISTINCT g.location_id) FILTER (WHERE g.sku_id IS NULL),
        array_agg(g.sku_id) FILTER (WHERE g.sku_id IS NOT NULL AND g.location_id IS NOT NULL),
        array_agg(g.location_id) FILTER (WHERE g.sku_id IS NOT NULL AND g.location_id IS NOT NULL)
    INTO patterns, every_stock, skus, locations, pair_skus, pair_locations
    FROM gone g;
    IF patterns = 0 THEN
        RETURN 0;
    END IF;

    /*
     * One query whatever the patterns.  Most stocks are settled by bounds: more
     * is there than any rule could ask to leave and nothing is flagged, or
     * nothing is there and everything is flagged.  The rest are looked at
     * channel by channel.  Lapsed holds count as free, due lots as gone.
     */
    IF every_stock THEN
        stocks := 'SELECT s.sku_id, s.location_id, s.on_hand - s.unavailable AS physical FROM retail.stock s';
        promised :=
            'LEFT JOIN (
                SELECT r.sku_id, r.location_id, least(sum(r.qty), 9223372036854775807)::bigint AS qty
                FROM retail.reservation r
                WHERE r.status = ''committed'' OR r.status = ''held'' AND r.expires_at > $5
                GROUP BY r.sku_id, r.location_id
            ) p ON p.sku_id = s.sku_id AND p.location_id = s.location_id
            LEFT JOIN (
                SELECT l.sku_id, l.location_id, sum(l.on_hand - l.unavailable)::bigint AS qty
                FROM retail.lot l
                    JOIN retail.location o ON o.id = l.location_id
                WHERE l.on_hand > l.unavailable AND l.expires_on <= ($5 AT TIME ZONE o.time_zone)::date
                GROUP BY l.sku_id, l.location_id
            ) d ON d.sku_id = s.sku_id AND d.location_id = s.location_id';
    ELSE
        stocks := concat_ws(' UNION ',
            CASE WHEN skus IS NOT NULL THEN
                'SELECT s.sku_id, s.location_id, s.on_hand - s.unavailable AS physical
                 FROM retail.stock s WHERE s.sku_id = ANY ($1)' END,
            CASE WHEN locations IS NOT NULL THEN
                'SELECT s.sku_id, s.location_id, s.on_hand - s.unavailable AS physical
                 FROM retail.stock s WHERE s.location_id = ANY ($2)' END,
            CASE WHEN pair_skus IS NOT NULL THEN
                'SELECT s.sku_id, s.location_id, s.on_hand - s.unavailable AS physical
                 FROM unnest($3, $4) k (sku_id, location_id)
                     JOIN retail.stock s ON s.sku_id = k.sku_id AND s.location_id = k.location_id' END);
        promised :=
            'LEFT JOIN LATERAL (
                SELECT least(sum(a.qty), 9223372036854775807)::bigint AS qty
                FROM (
                    SELECT r.qty FROM retail.reservation r
                    WHERE r.sku_id = s.sku_id AND r.location_id = s.location_id AND r.status = ''committed''
                    UNION ALL
                    SELECT r.qty FROM retail.reservation r
                    WHERE r.sku_id = s.sku_id AND r.location_id = s.location_id AND r.status = ''held''
                        AND r.expires_at > $5
                ) a
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT sum(l.on_hand - l.unavailable)::bigint AS qty
                FROM retail.lot l
                    JOIN retail.location o ON o.id = l.location_id
                WHERE l.sku_id = s.sku_id AND l.location_id = s.location_id AND l.on_hand > 0
                    AND l.expires_on <= ($5 AT TIME ZONE o.time_zone)::date
            ) d ON true';
    END IF;

    EXECUTE format($query$
        WITH by_sku AS (
            SELECT a.sku_id, max(a.qty) AS qty, max(a.percent) AS percent
            FROM retail.safety_stock a WHERE a.sku_id IS NOT NULL GROUP BY a.sku_id
        ), by_location AS (
            SELECT a.location_id, max(a.qty) AS qty, max(a.percent) AS percent
            FROM retail.safety_stock a WHERE a.sku_id IS NULL AND a.location_id IS NOT NULL GROUP BY a.location_id
        ), anywhere AS (
            SELECT coalesce(max(a.qty), 0) AS qty, coalesce(max(a.percent), 0) AS percent
            FROM retail.safety_stock a WHERE a.sku_id IS NULL AND a.location_id IS NULL
        ), unsettled AS MATERIALIZED (
            SELECT s.sku_id, s.location_id, s.physical, v.available, f.mark
            FROM (%s) s
                %s
                LEFT JOIN retail.sold_out o ON o.sku_id = s.sku_id AND o.location_id = s.location_id
                LEFT JOIN by_sku bs ON bs.sku_id = s.sku_id
                LEFT JOIN by_location bl ON bl.location_id = s.location_id
                CROSS JOIN anywhere aw
                CROSS JOIN LATERAL (
                    SELECT s.physical - coalesce(p.qty, 0) - coalesce(d.qty, 0) AS available) v
                CROSS JOIN LATERAL (
                    SELECT coalesce(o.sellable_floor, 9223372036854775807) AS mark,
                        greatest(aw.qty, bs.qty, bl.qty,
                            ceil(s.physical * greatest(aw.percent, bs.percent, bl.percent) / 100)::bigint) AS most) f
            WHERE NOT (v.available > f.most AND f.mark >= f.most)
                AND NOT (v.available <= 0 AND f.mark = -1)
        )
        SELECT array_agg(u.sku_id ORDER BY u.sku_id, u.location_id),
            array_agg(u.location_id ORDER BY u.sku_id, u.location_id)
        FROM unsettled u
        WHERE EXISTS (
            SELECT
            FROM retail.channel c
                LEFT JOIN LATERAL (
                    SELECT x.qty, x.percent
                    FROM (
                        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent FROM retail.safety_stock a
                        WHERE a.sku_id = u.sku_id AND a.location_id = u.location_id
                        UNION ALL
                        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent FROM retail.safety_stock a
                        WHERE a.sku_id = u.sku_id AND a.location_id IS NULL
                        UNION ALL
                        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent FROM retail.safety_stock a
                        WHERE a.sku_id IS NULL AND a.location_id = u.location_id
                        UNION ALL
                        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent FROM retail.safety_stock a
                        WHERE a.sku_id IS NULL AND a.location_id IS NULL
                    ) x
                    WHERE x.channel_id = c.id OR x.channel_id IS NULL
                    ORDER BY x.sku_id IS NULL, x.location_id IS NULL, x.channel_id IS NULL
                    LIMIT 1
                ) r ON true
                CROSS JOIN LATERAL (
                    SELECT coalesce(r.qty, ceil(u.physical * r.percent / 100)::bigint, 0) AS floor) f
            WHERE (f.floor > u.mark) <> (f.floor >= u.available))
        $query$, stocks, promised)
    INTO wrong_skus, wrong_locations
    USING skus, locations, pair_skus, pair_locations, retail.now();

    -- Few are written now.  Many become entries of their own, so that no
    -- transaction has to touch more than it may.
    IF cardinality(wrong_skus) <= least(max_rows, most) THEN
        PERFORM retail._repair_flag(w.sku_id, w.location_id)
        FROM unnest(wrong_skus, wrong_locations) w (sku_id, location_id);
    ELSE
        INSERT INTO retail.flag_repair (sku_id, location_id)
        SELECT w.sku_id, w.location_id
        FROM unnest(wrong_skus, wrong_locations) w (sku_id, location_id);
    END IF;
    RETURN patterns;
END
$$;
COMMENT ON FUNCTION retail.repair_flags(integer) IS
'Looks again at sold-out flags that a change of safety stock or of stock in bulk may have flipped, and puts them right. The background worker does this within a second; where it cannot run, sweep() does.
max_rows: at most so many entries of retail.flag_repair, 1 to 1000 (default 1000; more counts as 1000, or as an eighth of pg_retail.max_cells where that is less); one entry may stand for every stock, and is replaced by one for each flag that is wrong where these are many.
Returns how many entries were dealt with: call it until it returns 0. Waits for whoever writes the same flag.
Errors: 22023 bad argument, RT004 init() was not run.';
