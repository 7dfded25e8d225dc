-- The daily scan: what is wrong with prices, and what follows.

CREATE FUNCTION retail._scan_prices(business_date date, time_zone text)
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, kind text, price_id bigint,
    base_price_id bigint, amount numeric, low numeric, high numeric, other numeric, other_channel_id integer, at timestamptz, reason text)
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 1000 AS 'MODULE_PATHNAME', 'retail_scan_prices';
COMMENT ON FUNCTION retail._scan_prices(date, text) IS
'Internal: what the rules that look at each price (R1 to R6, R11, R12, those that are enabled) find on a business date at the locations of a time zone, NULL: at all. One row per price at fault.';

CREATE FUNCTION retail._scan_missing(business_date date, time_zone text)
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, price_id bigint, detail jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
    -- a base price is a price everywhere: only SKUs without one at some instant are looked at further
    WITH place AS MATERIALIZED (
        SELECT l.id, tstzrange($1::timestamp AT TIME ZONE l.time_zone, ($1 + 1)::timestamp AT TIME ZONE l.time_zone) AS day
        FROM retail.location l
        WHERE l.status = 'open' AND ($2 IS NULL OR l.time_zone = $2)
    ), span AS MATERIALIZED (
        SELECT tstzrange(min(lower(p.day)), max(upper(p.day))) AS days FROM place p
    ), bare AS MATERIALIZED (
        SELECT k.id
        FROM retail.sku k
            CROSS JOIN span s
        WHERE k.status = 'active'
            AND NOT EXISTS (
                SELECT
                FROM (
                    SELECT range_agg(b.valid) AS covered
                    FROM retail.base_price b
                    WHERE b.sku_id = k.id AND b.withdrawn_at IS NULL
                    GROUP BY b.currency
                ) c
                WHERE c.covered @> s.days)
    )
    SELECT 'R7', k.id, p.id, c.id, '', NULL::bigint,
        jsonb_build_object('reason', 'can be sold and has no price', 'on_hand', s.on_hand - s.unavailable)
    FROM bare k
        JOIN retail.stock s ON s.sku_id = k.id AND s.on_hand > s.unavailable
        JOIN place p ON p.id = s.location_id
        JOIN retail.channel c ON c.status = 'open'
    WHERE coalesce((
            SELECT l.status
            FROM retail.listing l
            WHERE l.sku_id = k.id AND (l.location_id = p.id OR l.location_id IS NULL) AND (l.channel_id = c.id OR l.channel_id IS NULL)
            ORDER BY l.location_id IS NULL, l.channel_id IS NULL
            LIMIT 1), 'on_sale') = 'on_sale'
        AND NOT EXISTS (
            SELECT
            FROM (
                SELECT range_agg(v.valid) AS covered
                FROM (
                    SELECT b.currency, b.valid
                    FROM retail.base_price b
                    WHERE b.sku_id = k.id AND b.withdrawn_at IS NULL
                    UNION ALL
                    SELECT x.currency, x.valid
                    FROM retail.price x
                    WHERE x.sku_id = k.id AND x.location_id IN (0, p.id) AND x.channel_id IN (0, c.id)
                        AND x.kind = 'list' AND x.min_qty = 1 AND x.withdrawn_at IS NULL
                ) v
                GROUP BY v.currency
            ) c
            WHERE c.covered @> p.day)
$$;
COMMENT ON FUNCTION retail._scan_missing(date, text) IS 'Internal: R7, SKUs that can be sold somewhere and have no price there at some instant of the day.';

CREATE FUNCTION retail._scan_labels(business_date date, time_zone text)
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, price_id bigint, detail jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
    -- A place and channel where anything was ever acknowledged has labels; of
    -- others nobody knows whether there are any.
    WITH label AS MATERIALIZED (
        SELECT t.location_id, t.channel_id, t.currency, r.late, least(retail.now(), upper(r.day)) AS until, r.day
        FROM (SELECT DISTINCT a.location_id, a.channel_id, a.currency FROM retail.label_ack a) t
            JOIN retail.location l ON l.id = t.location_id AND ($2 IS NULL OR l.time_zone = $2)
            CROSS JOIN LATERAL (
                SELECT make_interval(secs => (q.threshold * 60)::double precision) AS late,
                    tstzrange($1::timestamp AT TIME ZONE l.time_zone, ($1 + 1)::timestamp AT TIME ZONE l.time_zone) AS day
                FROM retail.price_scan_rule q
                WHERE q.rule = 'R9'
            ) r
    ), scope AS MATERIALIZED (
        -- what a label is for: its own, and all places, and all channels; as rows, to be hashed
        SELECT l.*, w.location_id AS of_location_id, c.channel_id AS of_channel_id
        FROM label l
            CROSS JOIN LATERAL unnest(ARRAY[0, l.location_id]) w (location_id)
            CROSS JOIN LATERAL unnest(ARRAY[0, l.channel_id]) c (channel_id)
    ), news AS MATERIALIZED (
        -- of the day in any zone: history is read once, and not for each label
        SELECT e.sku_id, e.location_id, e.channel_id, e.currency, e.version, e.price_id, e.is_base, e.effective_at
        FROM retail.price_event e
        WHERE e.effective_at >= (SELECT min(lower(l.day)) FROM label l) AND e.effective_at < (SELECT max(l.until) FROM label l)
    ), behind AS (
        -- one that shows an older version than the newest that it had time for
        SELECT t.sku_id, t.location_id, t.channel_id, t.currency, t.version AS acknowledged, e.version, e.price_id, e.is_base, e.effective_at
        FROM retail.label_ack t
            JOIN label l ON l.location_id = t.location_id AND l.channel_id = t.channel_id AND l.currency = t.currency
            CROSS JOIN LATERAL (
                SELECT n.version, n.price_id, n.is_base, n.effective_at
                FROM unnest(ARRAY[0, t.location_id]) w (location_id)
                    CROSS JOIN unnest(ARRAY[0, t.channel_id]) c (channel_id)
                    JOIN retail.price_event n ON n.sku_id = t.sku_id AND n.location_id = w.location_id AND n.channel_id = c.channel_id
                        AND n.currency = t.currency AND n.version > t.version
                WHERE n.effective_at + l.late < l.until
                ORDER BY n.version DESC
                LIMIT 1
            ) e
        UNION ALL
        -- one that has not said anything of a SKU whose price changed that day
        (SELECT DISTINCT ON (e.sku_id, l.location_id, l.channel_id, l.currency)
            e.sku_id, l.location_id, l.channel_id, l.currency, NULL::bigint, e.version, e.price_id, e.is_base, e.effective_at
        FROM scope l
            JOIN news e ON e.location_id = l.of_location_id AND e.channel_id = l.of_channel_id AND e.currency = l.currency
                AND e.effective_at >= lower(l.day) AND e.effective_at + l.late < l.until
            LEFT JOIN retail.label_ack t ON t.location_id = l.location_id AND t.sku_id = e.sku_id AND t.channel_id = l.channel_id
                AND t.currency = l.currency
        WHERE t.sku_id IS NULL
        ORDER BY e.sku_id, l.location_id, l.channel_id, l.currency, e.version DESC)
    )
    SELECT 'R9', b.sku_id, b.location_id, b.channel_id, b.currency, CASE WHEN NOT b.is_base THEN b.price_id END,
        jsonb_strip_nulls(jsonb_build_object('reason', 'the label has not acknowledged the price', 'version', b.version,
            'acknowledged', b.acknowledged, 'effective_at', b.effective_at))
    FROM behind b
$$;
COMMENT ON FUNCTION retail._scan_labels(date, text) IS
'Internal: R9, touchpoints that show an older version than the newest that has been in force for longer than the threshold, or have said nothing of it.';

CREATE FUNCTION retail._scan_sales(business_date date, time_zone text)
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, order_ref text, detail jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
    WITH settled AS (
        SELECT o.id, o.channel_id, o.location_id, o.order_id, o.order_ref, o.currency
        FROM retail.settlement_order o
            LEFT JOIN retail.location w ON w.id = o.location_id
        WHERE o.order_id IS NOT NULL
            AND o.sold_at >= $1::timestamp AT TIME ZONE 'UTC' - interval '15 hours'
            AND o.sold_at < ($1 + 1)::timestamp AT TIME ZONE 'UTC' + interval '15 hours'
            AND (o.sold_at AT TIME ZONE coalesce(w.time_zone, $2, current_setting('TimeZone')))::date = $1
            AND ($2 IS NULL OR coalesce(w.time_zone, $2) = $2)
    ), sold AS (
        -- a line that one location serves
        SELECT s.id, s.order_ref, s.channel_id, s.holder, s.placed_at, l.line_no, l.sku_id, l.qty, l.unit_price, l.currency, f.location_id
        FROM retail.sales_order s
            JOIN retail.order_line l ON l.order_id = s.id AND l.unit_price IS NOT NULL
            CROSS JOIN LATERAL (
                SELECT min(p.location_id) AS location_id
                FROM retail.fulfilment_order p
                    JOIN retail.fulfilment_line x ON x.fulfilment_id = p.id AND x.line_no = l.line_no
                WHERE p.order_id = s.id AND p.state NOT IN ('rejected', 'cancelled')
                HAVING count(DISTINCT p.location_id) = 1
            ) f
            JOIN retail.location w ON w.id = f.location_id AND ($2 IS NULL OR w.time_zone = $2)
        WHERE s.placed_at >= $1::timestamp AT TIME ZONE w.time_zone AND s.placed_at < ($1 + 1)::timestamp AT TIME ZONE w.time_zone
            AND s.placed_at >= $1::timestamp AT TIME ZONE 'UTC' - interval '15 hours'
            AND s.placed_at < ($1 + 1)::timestamp AT TIME ZONE 'UTC' + interval '15 hours'
    ), minute AS (
        -- members' prices are a published rule, so they are no reason by themselves
        SELECT s.sku_id, s.location_id, s.channel_id, s.currency, s.qty, date_trunc('minute', s.placed_at) AS at,
            min(s.unit_price) AS least, max(s.unit_price) AS most, array_agg(s.order_ref ORDER BY s.order_ref) AS order_refs
        FROM sold s
        WHERE NOT EXISTS (
            SELECT
            FROM retail.price p
            WHERE p.sku_id = s.sku_id AND p.location_id IN (0, s.location_id) AND p.channel_id IN (0, s.channel_id)
                AND p.currency = s.currency AND p.kind = 'member' AND p.amount = s.unit_price AND p.min_qty <= s.qty
                AND p.valid @> s.placed_at AND p.withdrawn_at IS NULL)
        GROUP BY s.sku_id, s.location_id, s.channel_id, s.currency, s.qty, date_trunc('minute', s.placed_at)
        HAVING min(s.unit_price) <> max(s.unit_price)
    )
    SELECT 'R8', coalesce(x.sku_id, l.sku_id), coalesce(o.location_id, 0), o.channel_id, o.currency, o.order_ref,
        jsonb_strip_nulls(jsonb_build_object('reason', 'settled otherwise than ordered', 'order_ref', o.order_ref,
            'line_no', coalesce(x.line_no, l.line_no), 'amount', x.amount, 'qty', x.qty, 'ordered_qty', l.qty,
            'against', l.amount))
    FROM settled o
        JOIN retail.currency c ON c.code = o.currency
        CROSS JOIN LATERAL (
            SELECT a.line_no FROM retail.settlement_line a WHERE a.settlement_order_id = o.id
            UNION
            SELECT b.line_no FROM retail.order_line b WHERE b.order_id = o.order_id AND b.unit_price IS NOT NULL
        ) n
        LEFT JOIN retail.settlement_line x ON x.settlement_order_id = o.id AND x.line_no = n.line_no
        LEFT JOIN LATERAL (
            SELECT b.line_no, b.sku_id, b.qty, coalesce(b.line_amount, round(b.unit_price * b.qty / k.price_per, c.decimals)) AS amount
            FROM retail.order_line b
                JOIN retail.sku k ON k.id = b.sku_id
            WHERE b.order_id = o.order_id AND b.line_no = n.line_no AND b.unit_price IS NOT NULL) l ON true
    WHERE (x.sku_id, x.qty, x.amount) IS DISTINCT FROM (l.sku_id, l.qty, l.amount)
    UNION ALL
    SELECT 'R10', m.sku_id, m.location_id, m.channel_id, m.currency, r.order_ref,
        jsonb_build_object('reason', 'different unit prices in one minute', 'at', m.at, 'qty', m.qty, 'amount', m.most, 'against', m.least)
    FROM minute m
        CROSS JOIN unnest(m.order_refs) r (order_ref)
    -- a price that changed within the minute explains it
    WHERE NOT EXISTS (
        SELECT
        FROM retail.price_event e
        WHERE e.sku_id = m.sku_id AND e.location_id IN (0, m.location_id) AND e.channel_id IN (0, m.channel_id)
            AND e.currency = m.currency AND e.effective_at > m.at AND e.effective_at < m.at + interval '1 minute')
$$;
COMMENT ON FUNCTION retail._scan_sales(date, text) IS
'Internal: R8, orders settled otherwise than they were ordered; R10, the same SKU, channel, location, quantity and minute at different unit prices that no member price explains. One row per order at fault.';

CREATE FUNCTION retail._changed_before(sku_id integer, currency text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM retail.price_event e
        WHERE e.sku_id = $1 AND e.currency = $2 AND e.created_at > $3 - interval '10 minutes' AND e.created_at <= $3)
$$;
COMMENT ON FUNCTION retail._changed_before(integer, text, timestamptz) IS
'Internal: whether prices of a SKU changed in the ten minutes before an instant: a change counts from the start of its statement, and is seen from its commit.';

CREATE FUNCTION retail._scan_quotes(business_date date, time_zone text)
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, order_ref text, detail jsonb)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ordered AS MATERIALIZED (
        SELECT s.id, s.order_ref, s.placed_at, s.channel_id, q.id AS quote_id, q.currency, q.member_tier, q.order_amount, q.frozen_at,
            c.decimals
        FROM retail.sales_order s
            JOIN retail.frozen_quote q ON q.id = s.quote_id
            JOIN retail.currency c ON c.code = q.currency
            LEFT JOIN retail.location w ON w.id = q.location_id
        WHERE s.placed_at >= $1::timestamp AT TIME ZONE 'UTC' - interval '15 hours'
            AND s.placed_at < ($1 + 1)::timestamp AT TIME ZONE 'UTC' + interval '15 hours'
            AND (s.placed_at AT TIME ZONE coalesce(w.time_zone, $2, current_setting('TimeZone')))::date = $1
            AND ($2 IS NULL OR coalesce(w.time_zone, $2) = $2)
    ), line AS (
        SELECT o.*, f.line_no, f.sku_id, f.location_id, f.qty, f.unit_price AS frozen, f.line_amount AS frozen_amount, f.price_per,
            l.sku_id AS ordered_sku_id, l.qty AS ordered_qty, l.currency AS ordered_currency, l.unit_price, l.line_amount, l.order_share
        FROM ordered o
            JOIN retail.frozen_quote_line f ON f.quote_id = o.quote_id
            LEFT JOIN retail.order_line l ON l.order_id = o.id AND l.line_no = f.line_no
    )
    -- what was promised is the most that an order may cost; a lower price is one that there was
    SELECT 'R8', l.sku_id, coalesce(l.location_id, 0), l.channel_id, l.currency, l.order_ref,
        jsonb_strip_nulls(jsonb_build_object('reason', 'ordered otherwise than promised', 'order_ref', l.order_ref, 'line_no', l.line_no,
            'amount', l.unit_price, 'qty', l.ordered_qty, 'against', l.frozen))
    FROM line l
        LEFT JOIN LATERAL retail._live_price(l.sku_id, l.location_id, l.channel_id, l.qty, l.placed_at, l.member_tier, l.currency) v
            ON l.unit_price < l.frozen
    WHERE (l.ordered_sku_id, l.ordered_qty, l.ordered_currency) IS DISTINCT FROM (l.sku_id, l.qty, l.currency)
        OR l.unit_price IS NULL OR l.unit_price > l.frozen
        OR l.unit_price < l.frozen AND v.price IS DISTINCT FROM l.unit_price
            AND NOT retail._changed_before(l.sku_id, l.currency, l.placed_at)
        OR l.line_amount IS DISTINCT FROM round(l.unit_price * l.qty / l.price_per, l.decimals)
    UNION ALL
    SELECT 'R8', l.sku_id, coalesce(l.location_id, 0), l.channel_id, l.currency, l.order_ref,
        jsonb_strip_nulls(jsonb_build_object('reason', 'promised otherwise than quoted', 'order_ref', l.order_ref, 'line_no', l.line_no,
            'amount', l.frozen, 'qty', l.qty, 'against', v.price, 'at', l.frozen_at))
    FROM line l
        CROSS JOIN LATERAL retail._live_price(l.sku_id, l.location_id, l.channel_id, l.qty, l.frozen_at, l.member_tier, l.currency) v
    WHERE (v.price IS DISTINCT FROM l.frozen OR v.amount IS DISTINCT FROM l.frozen_amount)
        AND NOT retail._changed_before(l.sku_id, l.currency, l.frozen_at)
    UNION ALL
    -- shares are of the whole order: told of its first line
    SELECT 'R8', min(l.sku_id) FILTER (WHERE l.line_no = 1), coalesce(min(l.location_id) FILTER (WHERE l.line_no = 1), 0), l.channel_id,
        l.currency, l.order_ref,
        jsonb_build_object('reason', 'shares that do not add up', 'order_ref', l.order_ref, 'line_no', 1, 'amount', sum(l.order_share),
            'against', greatest(l.order_amount, -sum(l.line_amount)))
    FROM line l
    GROUP BY l.id, l.order_ref, l.channel_id, l.currency, l.order_amount
    HAVING sum(l.order_share) <> greatest(l.order_amount, -sum(l.line_amount))
$$;
COMMENT ON FUNCTION retail._scan_quotes(date, text) IS
'Internal: R8, orders placed otherwise than their frozen quote promises, and frozen quotes that are not what was quoted. One row per order and line at fault.';

CREATE FUNCTION retail._scan_caps(business_date date, time_zone text)
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, price_id bigint, detail jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    -- against the base price of that instant: what was settled at prices under the grant, and what was ordered by frozen quotes
    WITH cap AS (
        SELECT g.id, g.currency, g.cap_amount, ($1 + 1)::timestamp AT TIME ZONE coalesce($2, current_setting('TimeZone')) AS until
        FROM retail.price_grant g
        WHERE g.cap_amount IS NOT NULL AND g.status = 'approved'
    ), sold AS (
        SELECT g.id, l.sku_id, o.sold_at, p.amount, l.qty
        FROM cap g
            JOIN retail.price p ON p.grant_id = g.id AND p.currency = g.currency AND p.withdrawn_at IS NULL
            JOIN retail.sku k ON k.id = p.sku_id
            JOIN retail.currency c ON c.code = p.currency
            JOIN retail.settlement_line l ON l.sku_id = p.sku_id AND l.amount = round(p.amount * l.qty / k.price_per, c.decimals)
            JOIN retail.settlement_order o ON o.id = l.settlement_order_id AND o.currency = p.currency
                AND p.channel_id IN (0, o.channel_id) AND (p.location_id = 0 OR p.location_id = o.location_id) AND p.valid @> o.sold_at
        WHERE o.sold_at < g.until AND NOT EXISTS (SELECT FROM retail.sales_order s WHERE s.id = o.order_id AND s.quote_id IS NOT NULL)
        UNION ALL
        SELECT g.id, f.sku_id, q.frozen_at, f.unit_price, l.qty - l.cancelled_qty
        FROM cap g
            JOIN retail.frozen_quote_line f ON f.grant_id = g.id
            JOIN retail.frozen_quote q ON q.id = f.quote_id AND q.currency = g.currency
            JOIN retail.sales_order s ON s.quote_id = q.id AND s.status <> 'expired'
            JOIN retail.order_line l ON l.order_id = s.id AND l.line_no = f.line_no AND l.unit_price = f.unit_price
        WHERE s.placed_at < g.until
    ), given AS (
        SELECT g.id, g.cap_amount, sum((b.amount - s.amount) * s.qty / k.price_per) AS amount
        FROM cap g
            JOIN sold s ON s.id = g.id
            JOIN retail.sku k ON k.id = s.sku_id
            JOIN retail.base_price b ON b.sku_id = s.sku_id AND b.currency = g.currency AND b.withdrawn_at IS NULL AND b.valid @> s.sold_at
        GROUP BY g.id, g.cap_amount
        HAVING sum((b.amount - s.amount) * s.qty / k.price_per) > g.cap_amount
    )
    SELECT 'R2', p.sku_id, p.location_id, p.channel_id, p.currency, p.id,
        jsonb_build_object('reason', 'More was given away under its grant than the cap.', 'kind', p.kind, 'amount', p.amount,
            'against', v.cap_amount, 'given', round(v.amount, (SELECT c.decimals FROM retail.currency c WHERE c.code = p.currency)))
    FROM given v
        JOIN retail.price p ON p.grant_id = v.id AND p.withdrawn_at IS NULL
        LEFT JOIN retail.location l ON l.id = p.location_id
    WHERE ($2 IS NULL OR l.id IS NULL OR l.time_zone = $2)
        AND p.valid && tstzrange($1::timestamp AT TIME ZONE coalesce(l.time_zone, $2, current_setting('TimeZone')),
            ($1 + 1)::timestamp AT TIME ZONE coalesce(l.time_zone, $2, current_setting('TimeZone')))
$$;
COMMENT ON FUNCTION retail._scan_caps(date, text) IS
'Internal: R2, prices in force under a grant under which more was given away than its cap, as far as it was settled, or ordered by a frozen quote.';

CREATE FUNCTION retail._found_on(business_date date, time_zone text, rules text[])
RETURNS TABLE (rule text, sku_id integer, location_id integer, channel_id integer, currency text, price_id bigint, findings integer,
    detail jsonb)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
    -- one row per rule and scope, told by the first price at fault
    SELECT f.rule, f.sku_id, f.location_id, f.channel_id, f.currency COLLATE "C", (array_agg(f.price_id ORDER BY f.price_id, f.detail))[1],
        count(*)::integer, (array_agg(f.detail ORDER BY f.price_id, f.detail))[1]
            || CASE WHEN count(f.order_ref) > 0 THEN jsonb_build_object('orders', jsonb_agg(DISTINCT f.order_ref)) ELSE '{}' END
    FROM (
        SELECT p.rule, p.sku_id, p.location_id, p.channel_id, p.currency, p.price_id,
            jsonb_strip_nulls(jsonb_build_object('reason', p.reason, 'kind', p.kind, 'amount', p.amount, 'low', p.low, 'high', p.high,
                'against', p.other, 'base_price_id', p.base_price_id, 'at', p.at,
                'other_channel', (SELECT c.code FROM retail.channel c WHERE c.id = p.other_channel_id))) AS detail, NULL AS order_ref
        FROM retail._scan_prices($1, $2) p
        UNION ALL
        SELECT m.rule, m.sku_id, m.location_id, m.channel_id, m.currency, m.price_id, m.detail, NULL
        FROM retail._scan_missing($1, $2) m
        WHERE 'R7' = ANY ($3)
        UNION ALL
        SELECT g.rule, g.sku_id, g.location_id, g.channel_id, g.currency, g.price_id, g.detail, NULL
        FROM retail._scan_caps($1, $2) g
        WHERE 'R2' = ANY ($3)
        UNION ALL
        SELECT a.rule, a.sku_id, a.location_id, a.channel_id, a.currency, a.price_id, a.detail, NULL
        FROM retail._scan_labels($1, $2) a
        WHERE 'R9' = ANY ($3)
        UNION ALL
        SELECT s.rule, s.sku_id, s.location_id, s.channel_id, s.currency, NULL, s.detail, s.order_ref
        FROM retail._scan_sales($1, $2) s
        WHERE 'R8' = ANY ($3) OR 'R10' = ANY ($3)
        UNION ALL
        SELECT q.rule, q.sku_id, q.location_id, q.channel_id, q.currency, NULL, q.detail, q.order_ref
        FROM retail._scan_quotes($1, $2) q
        WHERE 'R8' = ANY ($3)
    ) f
    WHERE f.rule = ANY ($3)
    GROUP BY f.rule, f.sku_id, f.location_id, f.channel_id, f.currency
$$;
COMMENT ON FUNCTION retail._found_on(date, text, text[]) IS 'Internal: what rules find on a business date, one row per rule and scope.';

CREATE FUNCTION retail._has_begun(business_date date, location_id integer, time_zone text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT $4 >= $1::timestamp AT TIME ZONE coalesce((SELECT l.time_zone FROM retail.location l WHERE l.id = $2), $3, current_setting('TimeZone'))
$$;
COMMENT ON FUNCTION retail._has_begun(date, integer, text, timestamptz) IS
'Internal: whether a business date had begun by then at a location; of every location: in the zone scanned, or else the session''s.';

CREATE FUNCTION retail.scan_prices(business_date date, time_zone text DEFAULT NULL, rules text[] DEFAULT NULL)
RETURNS TABLE (rule text, found bigint, news bigint, opened bigint, reopened bigint, resolved bigint, frozen bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 12
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
SET maintenance_work_mem = '128MB'
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    me CONSTANT text := retail._actor();
    at CONSTANT timestamptz := retail.now();
    unknown text;
    wanted text[];
    held bigint[];
    counts jsonb;
    lapsed jsonb;
    holds jsonb;
BEGIN
    PERFORM retail._check_tables();
    IF business_date IS NULL THEN
        RAISE EXCEPTION 'business_date must not be null' USING ERRCODE = '22004';
    ELSIF NOT isfinite(business_date) OR business_date NOT BETWEEN date '0001-01-01' AND date '9999-12-30' THEN
        RAISE EXCEPTION 'business_date % is out of range', business_date USING ERRCODE = '22008';
    ELSIF NOT retail._is_time_zone(coalesce(time_zone, 'UTC')) THEN
        RAISE EXCEPTION 'unknown time zone "%"', left(time_zone, 60) USING ERRCODE = '22023';
    END IF;
    SELECT min(w.rule) INTO unknown
    FROM unnest(rules) w (rule)
    WHERE w.rule IS NULL OR NOT EXISTS (SELECT FROM retail.price_scan_rule r WHERE r.rule = w.rule);
    IF unknown IS NOT NULL OR array_position(rules, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'unknown rule "%"', left(unknown, 60)
            USING ERRCODE = '22023', HINT = 'Rules are rows of retail.price_scan_rule.';
    END IF;
    SELECT array_agg(r.rule) INTO wanted
    FROM retail.price_scan_rule r
    WHERE r.enabled AND r.rule <> 'reported' AND (rules IS NULL OR r.rule = ANY (rules));

    /*
     * What is found, and of that what is new: not found on this date before (or
     * only ahead of it), or about another price, or about more of them.  Only
     * the new is written, so that a second scan of an unchanged day writes
     * nothing.  Those who settle are let through while it is being found, and
     * wait while it is written.
     */
    WITH found AS MATERIALIZED (
        SELECT f.*, a.status AS was,
            s.alert_id IS NULL OR s.price_id IS DISTINCT FROM f.price_id OR s.findings < f.findings
                OR retail._has_begun(business_date, f.location_id, time_zone, at)
                    AND NOT retail._has_begun(business_date, f.location_id, time_zone, s.found_at) AS is_new,
            coalesce(a.status = 'resolved' OR a.status = 'waived' AND (a.waived_until <= at OR a.price_id IS DISTINCT FROM f.price_id), false)
                AS comes_back
        FROM retail._found_on(business_date, time_zone, wanted) f
            LEFT JOIN retail.price_alert a ON a.rule = f.rule AND a.sku_id = f.sku_id AND a.location_id = f.location_id
                AND a.channel_id = f.channel_id AND a.currency = f.currency
            LEFT JOIN retail.price_finding s ON s.alert_id = a.id AND s.business_date = scan_prices.business_date
    ), gate AS MATERIALIZED (
        -- counted, so that all is found before
        SELECT retail._settlement_gate(true) FROM (SELECT count(*) FROM found f) n
    ), alert AS (
        INSERT INTO retail.price_alert AS a (rule, sku_id, location_id, channel_id, currency, price_id, detail, first_seen_on, last_seen_on)
        SELECT f.rule, f.sku_id, f.location_id, f.channel_id, f.currency, f.price_id, f.detail, business_date, business_date
        FROM gate g
            CROSS JOIN found f
        WHERE f.is_new
        ORDER BY f.rule, f.sku_id, f.location_id, f.channel_id, f.currency
        ON CONFLICT ON CONSTRAINT price_alert_scope_key DO UPDATE
        SET price_id = EXCLUDED.price_id, detail = EXCLUDED.detail,
            first_seen_on = least(a.first_seen_on, EXCLUDED.first_seen_on), last_seen_on = greatest(a.last_seen_on, EXCLUDED.last_seen_on),
            status = CASE WHEN a.status = 'resolved' OR a.status = 'waived'
                AND (a.waived_until <= at OR a.price_id IS DISTINCT FROM EXCLUDED.price_id) THEN 'open' ELSE a.status END,
            opened = a.opened + CASE WHEN a.status = 'resolved' OR a.status = 'waived'
                AND (a.waived_until <= at OR a.price_id IS DISTINCT FROM EXCLUDED.price_id) THEN 1 ELSE 0 END,
            opened_at = CASE WHEN a.status = 'resolved' OR a.status = 'waived'
                AND (a.waived_until <= at OR a.price_id IS DISTINCT FROM EXCLUDED.price_id) THEN at ELSE a.opened_at END
        RETURNING a.id, a.rule, a.sku_id, a.location_id, a.channel_id, a.currency
    ), finding AS (
        INSERT INTO retail.price_finding AS p (alert_id, business_date, price_id, findings, detail)
        SELECT a.id, scan_prices.business_date, f.price_id, f.findings, f.detail
        FROM alert a
            JOIN found f ON f.rule = a.rule AND f.sku_id = a.sku_id AND f.location_id = a.location_id AND f.channel_id = a.channel_id
                AND f.currency = a.currency
        ON CONFLICT ON CONSTRAINT price_finding_pkey DO UPDATE
        SET price_id = EXCLUDED.price_id, findings = EXCLUDED.findings, detail = EXCLUDED.detail, found_at = EXCLUDED.found_at
    )
    SELECT jsonb_object_agg(c.rule, c.counts) INTO counts
    FROM (
        SELECT f.rule, jsonb_build_array(count(*), count(*) FILTER (WHERE f.is_new), count(*) FILTER (WHERE f.is_new AND f.was IS NULL),
            count(*) FILTER (WHERE f.is_new AND f.comes_back)) AS counts
        FROM found f
        GROUP BY f.rule
    ) c;

    -- What has gone by itself; never what somebody has to release, nor by a look at a day ahead.
    PERFORM retail._settlement_gate(true);
    WITH gone AS (
        UPDATE retail.price_alert a
        SET status = 'resolved', decided_by = me, decided_at = at, reason = 'not found any more'
        FROM retail.price_scan_rule r
        WHERE r.rule = a.rule AND r.lapses AND a.rule = ANY (wanted) AND a.status IN ('open', 'acknowledged')
            AND a.last_seen_on < business_date AND retail._has_begun(business_date, a.location_id, time_zone, at)
            AND NOT EXISTS (SELECT FROM retail.price_finding f WHERE f.alert_id = a.id AND f.business_date = scan_prices.business_date)
            AND (a.location_id = 0 OR time_zone IS NULL
                OR EXISTS (SELECT FROM retail.location l WHERE l.id = a.location_id AND l.time_zone = scan_prices.time_zone))
            AND NOT EXISTS (SELECT FROM retail.settlement_hold h WHERE h.alert_id = a.id AND h.released_at IS NULL)
        RETURNING a.rule
    )
    SELECT jsonb_object_agg(g.rule, g.n) INTO lapsed FROM (SELECT w.rule, count(*) AS n FROM gone w GROUP BY w.rule) g;

    -- What was sold at such a price is not settled until another person has looked.
    SELECT array_agg(DISTINCT z.settlement_order_id) INTO held
    FROM retail._freezing z
    WHERE z.business_date = scan_prices.business_date AND z.rule = ANY (wanted)
        AND NOT EXISTS (
            SELECT FROM retail.settlement_hold h WHERE h.settlement_order_id = z.settlement_order_id AND h.alert_id = z.alert_id);
    IF held IS NOT NULL THEN
        PERFORM FROM retail.settlement_order o WHERE o.id = ANY (held) ORDER BY o.id FOR NO KEY UPDATE;
        WITH hold AS (
            INSERT INTO retail.settlement_hold (settlement_order_id, alert_id, reason)
            SELECT z.settlement_order_id, z.alert_id, format('%s found on %s', z.rule, scan_prices.business_date)
            FROM retail._freezing z
            WHERE z.business_date = scan_prices.business_date AND z.rule = ANY (wanted) AND z.settlement_order_id = ANY (held)
            ON CONFLICT ON CONSTRAINT settlement_hold_alert_key DO NOTHING
            RETURNING settlement_order_id, alert_id
        )
        SELECT jsonb_object_agg(g.rule, g.n) INTO holds
        FROM (
            SELECT a.rule, count(DISTINCT h.settlement_order_id) AS n
            FROM hold h
                JOIN retail.price_alert a ON a.id = h.alert_id
            GROUP BY a.rule
        ) g;
        PERFORM retail._follow_holds(held);
    END IF;

    RETURN QUERY
    SELECT w.rule, coalesce((counts->w.rule->>0)::bigint, 0), coalesce((counts->w.rule->>1)::bigint, 0),
        coalesce((counts->w.rule->>2)::bigint, 0), coalesce((counts->w.rule->>3)::bigint, 0),
        coalesce((lapsed->>w.rule)::bigint, 0), coalesce((holds->>w.rule)::bigint, 0)
    FROM unnest(wanted) w (rule)
    ORDER BY substr(w.rule, 2)::integer;
END
$$;
COMMENT ON FUNCTION retail.scan_prices(date, text, text[]) IS
'Looks at every price in force on a business date, opens alerts for what is wrong, and freezes what was sold at prices whose rule says so.
business_date: a date in each location''s own zone, also one ahead: that opens alerts and resolves none; time_zone: only locations in that zone (default: all); rules: only these (default: all that are enabled in retail.price_scan_rule).
Returns one row per rule: found (scopes at fault), news (of these, not found on that date before), opened and reopened (alerts), resolved (alerts not found any more, which held nothing), frozen (orders held). A second scan of an unchanged day finds nothing new and writes nothing. An alert comes back when what was resolved is found on another date or about another price, or a waiver is over or about another price. Reads the tables once, in bounded memory; waits for open calls of settle() and its like, and they for it while it writes.
Errors: 22004 no business date, 22008 it is out of range, 22023 unknown zone or rule.';

-- A procedure cannot both commit and carry a SET clause: the search path is set
-- at the beginning of each transaction.
CREATE PROCEDURE retail.scan_due_prices(hour integer DEFAULT 2)
LANGUAGE plpgsql
AS $$
DECLARE
    days CONSTANT integer := 7;     -- how far back it makes up for days on which it did not run
    due record;
    sums record;
BEGIN
    SET LOCAL search_path = pg_catalog, pg_temp;
    PERFORM retail._check_tables();
    IF hour IS NULL OR hour NOT BETWEEN 0 AND 23 THEN
        RAISE EXCEPTION 'hour must be 0 to 23' USING ERRCODE = '22023';
    END IF;
    FOR due IN
        SELECT z.time_zone, d.day::date AS day
        FROM (SELECT DISTINCT l.time_zone FROM retail.location l WHERE l.status = 'open') z
            CROSS JOIN LATERAL (SELECT retail.now() AT TIME ZONE z.time_zone AS at) n
            -- the day before is over; the small hours are for those who close late
            CROSS JOIN LATERAL (SELECT (n.at - make_interval(hours => hour))::date - 1 AS last) y
            CROSS JOIN LATERAL generate_series(
                greatest(y.last - days + 1, coalesce((
                    SELECT max(r.business_date) + 1 FROM retail.price_scan_run r WHERE r.time_zone = z.time_zone), y.last)),
                y.last, interval '1 day') d (day)
        ORDER BY z.time_zone, d.day
    LOOP
        -- another session that is at it is waited for, and then it is done
        INSERT INTO retail.price_scan_run (business_date, time_zone, started_at)
        VALUES (due.day, due.time_zone, clock_timestamp())
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            SELECT coalesce(sum(s.found), 0) AS found, coalesce(sum(s.news), 0) AS news, coalesce(sum(s.frozen), 0) AS frozen INTO sums
            FROM retail.scan_prices(due.day, due.time_zone) s;
            UPDATE retail.price_scan_run r
            SET found = sums.found, news = sums.news, frozen = sums.frozen, finished_at = clock_timestamp()
            WHERE r.business_date = due.day AND r.time_zone = due.time_zone;
        END IF;
        COMMIT;
        SET LOCAL search_path = pg_catalog, pg_temp;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE retail.scan_due_prices(integer) IS
'Scans the business date that is over in each time zone that has open locations, once each: for a scheduler, every hour. Days on which it did not run are made up for, up to a week.
hour: of the local day after, from which on a date is scanned, 0 to 23 (default 2).
CALL it outside a transaction block: each zone and date is a transaction of its own. Starts and ends no price. Errors: as scan_prices(), 22023 bad argument, 2D000 inside a transaction block.';
