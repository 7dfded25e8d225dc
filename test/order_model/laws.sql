-- What must be true of orders between any two calls, asked without trusting
-- retail.verify().  Made in the database of a run by drive.c; every view but
-- the last two has a row for each thing that is wrong.

CREATE SCHEMA law;

-- Orders that may have changed: open ones, and those that ended lately.
CREATE FUNCTION law.orders(everything boolean) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT id FROM retail.sales_order
    WHERE $1 OR status IN ('placed', 'confirmed') OR changed_at >= retail.now() - interval '10 minutes'
$$;

CREATE FUNCTION law.is_live(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT $1 IN ('new', 'routed', 'accepted', 'picking', 'short', 'packed', 'ready_for_pickup', 'on_hold')
$$;

CREATE FUNCTION law.broken(everything boolean) RETURNS TABLE (law text, detail text) LANGUAGE sql STABLE AS $$
    WITH o AS MATERIALIZED (
        SELECT s.* FROM retail.sales_order s WHERE s.id IN (SELECT law.orders($1))
    ), l AS MATERIALIZED (
        SELECT x.* FROM retail.order_line x WHERE x.order_id IN (SELECT id FROM o)
    ), f AS MATERIALIZED (
        SELECT x.*, law.is_live(x.state) AS live, v.kind, x.state IN ('shipped', 'delivered', 'collected') AS gone
        FROM retail.fulfilment_order x JOIN retail.service v ON v.id = x.service_id
        WHERE x.order_id IN (SELECT id FROM o)
    ), p AS MATERIALIZED (
        SELECT f.order_id, f.location_id, f.state, f.live, f.gone, x.*
        FROM f JOIN retail.fulfilment_line x ON x.fulfilment_id = f.id
    ), e AS MATERIALIZED (
        SELECT x.*, lag(x.to_state) OVER w AS was, lead(x.id) OVER w IS NULL AS is_last
        FROM retail.fulfilment_event x WHERE x.order_id IN (SELECT id FROM o)
        WINDOW w AS (PARTITION BY x.fulfilment_id ORDER BY x.id)
    ), units AS (
        SELECT order_id, line_no, sum(qty) FILTER (WHERE live) AS live, sum(qty) FILTER (WHERE gone) AS gone
        FROM p GROUP BY 1, 2
    )
    SELECT 'units of a line are somewhere, once', l::text || ' live ' || coalesce(u.live, 0)
    FROM l LEFT JOIN units u USING (order_id, line_no)
    WHERE l.qty <> coalesce(u.live, 0) + l.backordered_qty + l.cancelled_qty + l.shipped_qty
    UNION ALL
    SELECT 'shipped is what left in parcels', l::text || ' gone ' || coalesce(u.gone, 0)
    FROM l LEFT JOIN units u USING (order_id, line_no)
    WHERE l.shipped_qty <> coalesce(u.gone, 0)
    UNION ALL
    SELECT 'returned is what came back, and had left', l::text
    FROM l
    WHERE l.returned_qty > l.shipped_qty OR l.returned_qty <> (
        SELECT coalesce(sum(r.qty), 0) FROM retail.order_return r WHERE r.order_id = l.order_id AND r.line_no = l.line_no)
    UNION ALL
    SELECT 'a line of a parcel is of its order''s SKU', p::text
    FROM p LEFT JOIN l USING (order_id, line_no)
    WHERE p.sku_id IS DISTINCT FROM l.sku_id
    UNION ALL
    SELECT 'an unpaid line has a hold', p::text || ' ' || coalesce(r::text, 'none')
    FROM p JOIN o ON o.id = p.order_id LEFT JOIN retail.reservation r ON r.id = p.reservation_id
    WHERE p.state = 'new' AND (r.id IS NULL OR r.sku_id <> p.sku_id OR r.location_id <> p.location_id
        OR r.channel_id <> o.channel_id OR r.status NOT IN ('held', 'expired')
        OR CASE WHEN r.status = 'held' AND r.expires_at > retail.now() THEN r.qty <> p.qty ELSE r.qty < p.qty END)
    UNION ALL
    SELECT 'a paid line is committed', p::text || ' ' || coalesce(r::text, 'none')
    FROM p JOIN o ON o.id = p.order_id LEFT JOIN retail.reservation r ON r.id = p.reservation_id
    WHERE p.live AND p.state <> 'new' AND (r.id IS NULL OR r.sku_id <> p.sku_id OR r.location_id <> p.location_id
        OR r.channel_id <> o.channel_id OR r.qty <> p.qty OR r.status <> 'committed'
        OR r.order_ref IS DISTINCT FROM o.order_ref)
    UNION ALL
    -- the driver's own holds have a holder, those of orders have none
    SELECT 'nothing is reserved but for one live line', r::text || ' lines ' || coalesce(n.lines, 0)
    FROM retail.reservation r
        LEFT JOIN (SELECT p.reservation_id, count(*) AS lines FROM p WHERE p.live GROUP BY 1) n ON n.reservation_id = r.id
    WHERE (r.status = 'committed' OR r.status = 'held' AND r.expires_at > retail.now()) AND r.holder IS NULL
        AND n.lines IS DISTINCT FROM 1
    UNION ALL
    SELECT 'a live parcel has lines', f::text
    FROM f WHERE f.live AND NOT EXISTS (SELECT FROM p WHERE p.fulfilment_id = f.id)
    UNION ALL
    SELECT 'picked units are those of a packed parcel', p::text
    FROM p WHERE p.state IN ('packed', 'shipped', 'ready_for_pickup', 'collected') AND p.picked_qty IS DISTINCT FROM p.qty
    UNION ALL
    SELECT 'a parcel takes part of a day''s capacity where the day has one', f::text
    FROM f JOIN retail.location w ON w.id = f.location_id
    WHERE f.live AND (w.daily_capacity IS NULL) <> (f.capacity_date IS NULL)
        OR f.state IN ('cancelled', 'rejected') AND f.capacity_date IS NOT NULL
    UNION ALL
    SELECT 'taken of a day are its parcels, and no more than it has', c::text || ' parcels ' || n.parcels
    FROM (
            SELECT u.location_id, u.business_date, u.taken - (SELECT count(*) FROM retail.capacity_return r
                WHERE (r.location_id, r.business_date) = (u.location_id, u.business_date)) AS taken
            FROM retail.capacity_use u) c
        JOIN retail.location w ON w.id = c.location_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS parcels FROM retail.fulfilment_order x
            WHERE x.location_id = c.location_id AND x.capacity_date = c.business_date) n
    WHERE ($1 OR c.business_date >= (retail.now() - interval '1 day')::date)
        AND (c.taken <> n.parcels OR c.taken > w.daily_capacity)
    UNION ALL
    SELECT 'a slot has no more parcels than places, all of its location', t::text || ' parcels ' || n.parcels
    FROM retail.slot t
        JOIN (SELECT slot_id, count(*) AS parcels, min(location_id) AS a, max(location_id) AS b FROM retail.fulfilment_order WHERE slot_id IS NOT NULL GROUP BY 1) n ON n.slot_id = t.id
    WHERE t.capacity < n.parcels OR n.a <> t.location_id OR n.b <> t.location_id
    UNION ALL
    SELECT 'a parcel that does not come has no slot, one that is over has no code', f::text
    FROM f
    WHERE f.state IN ('cancelled', 'rejected', 'uncollected') AND f.slot_id IS NOT NULL OR NOT f.live AND f.code_hash IS NOT NULL
        OR f.kind <> 'pickup' AND f.code_hash IS NOT NULL
    UNION ALL
    SELECT 'a parcel on hold knows where it was', f::text
    FROM f WHERE (f.state = 'on_hold') <> (f.resume_state IS NOT NULL)
    UNION ALL
    SELECT 'the status of an order is that of its parcels and lines', o::text
    FROM o
        CROSS JOIN LATERAL (
            SELECT bool_or(l.cancelled_qty + l.shipped_qty < l.qty) AS open, bool_or(l.shipped_qty > 0) AS shipped
            FROM l WHERE l.order_id = o.id) x
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE f.state = 'new') AS unpaid, count(*) FILTER (WHERE f.live AND f.state <> 'new') AS paid
            FROM f WHERE f.order_id = o.id) y
    WHERE NOT CASE o.status
        WHEN 'placed' THEN x.open AND NOT x.shipped AND y.paid = 0
        WHEN 'confirmed' THEN x.open AND y.unpaid = 0
        WHEN 'completed' THEN NOT x.open AND x.shipped
        ELSE NOT x.open AND NOT x.shipped END
    UNION ALL
    SELECT 'every step is one of fulfilment_transition', e::text
    FROM e JOIN f ON f.id = e.fulfilment_id
    WHERE NOT CASE
        WHEN e.from_state IS NULL THEN e.step = 'route' AND e.to_state = 'routed' AND e.was IS NULL
        ELSE e.from_state = coalesce(e.was, 'new') AND EXISTS (
            SELECT FROM retail.fulfilment_transition t
            WHERE t.from_state = e.from_state AND t.step = e.step AND (t.kind IS NULL OR t.kind = f.kind)
                AND e.to_state = coalesce(t.to_state, (
                    SELECT h.from_state FROM e h WHERE h.fulfilment_id = e.fulfilment_id AND h.step = 'hold' AND h.id < e.id
                    ORDER BY h.id DESC LIMIT 1))) END
    UNION ALL
    SELECT 'a parcel is where its last step led', f::text
    FROM f LEFT JOIN e ON e.fulfilment_id = f.id AND e.is_last
    WHERE f.state <> coalesce(e.to_state, 'new')
    UNION ALL
    SELECT 'an order is not routed to where it was refused', f::text
    FROM f JOIN o ON o.id = f.order_id AND o.longitude IS NOT NULL
        JOIN retail.order_refusal r ON r.order_id = f.order_id AND r.location_id = f.location_id
    WHERE f.created_at > r.created_at
    UNION ALL
    SELECT 'verify() of orders finds nothing', v::text FROM retail._verify_orders() v WHERE $1
$$;

-- Of each stock: what it has, what left it in parcels, what came back.
CREATE VIEW law.on_hand AS
SELECT k.code AS sku, w.code AS location, coalesce(s.on_hand, 0) AS on_hand,
    coalesce((SELECT sum(x.qty) FROM retail.fulfilment_line x JOIN retail.fulfilment_order y ON y.id = x.fulfilment_id
        WHERE x.sku_id = k.id AND y.location_id = w.id AND y.state IN ('shipped', 'delivered', 'collected')), 0)::bigint AS gone,
    coalesce((SELECT sum(r.qty) FROM retail.order_return r JOIN retail.order_line x USING (order_id, line_no)
        WHERE x.sku_id = k.id AND r.location_id = w.id AND r.disposition <> 'scrap'), 0)::bigint AS back
FROM retail.sku k CROSS JOIN retail.location w LEFT JOIN retail.stock s ON s.sku_id = k.id AND s.location_id = w.id;

-- Changes whenever a call has changed anything of orders or stock.
CREATE VIEW law.digest AS
SELECT md5(concat_ws('|',
    (SELECT string_agg(t::text, ';' ORDER BY id) FROM retail.sales_order t),
    (SELECT string_agg(t::text, ';' ORDER BY order_id, line_no) FROM retail.order_line t),
    (SELECT string_agg(t::text, ';' ORDER BY id) FROM retail.fulfilment_order t),
    (SELECT string_agg(t::text, ';' ORDER BY fulfilment_id, line_no) FROM retail.fulfilment_line t),
    (SELECT string_agg(t::text, ';' ORDER BY location_id, business_date) FROM (
        SELECT location_id, business_date, u.taken - (SELECT count(*) FROM retail.capacity_return r
            WHERE (r.location_id, r.business_date) = (u.location_id, u.business_date)) AS taken
        FROM retail.capacity_use u) t WHERE taken <> 0),
    (SELECT string_agg(t::text, ';' ORDER BY order_id, location_id) FROM retail.order_refusal t),
    (SELECT string_agg(t::text, ';' ORDER BY id) FROM retail.order_return t),
    -- a call that looks at a stock may find that a lot of it is over, whatever it answers
    (SELECT string_agg(concat_ws(',', s.sku_id, s.location_id, s.on_hand, s.unavailable + (
            SELECT coalesce(sum(l.on_hand - l.unavailable), 0) FROM retail.lot l
            WHERE l.sku_id = s.sku_id AND l.location_id = s.location_id AND l.expires_on <= (retail.now() AT TIME ZONE w.time_zone)::date)),
        ';' ORDER BY s.sku_id, s.location_id) FROM retail.stock s JOIN retail.location w ON w.id = s.location_id),
    (SELECT string_agg(t::text, ';' ORDER BY id) FROM retail.reservation t
     WHERE status = 'committed' OR status = 'held' AND expires_at > retail.now()),
    (SELECT string_agg(retail.available(k.code, w.code, 'app')::text, ';' ORDER BY k.id, w.id) FROM retail.sku k, retail.location w),
    (SELECT count(*) FROM retail.fulfilment_event),
    (SELECT count(*) FROM retail.outbox WHERE topic IN ('order', 'fulfilment')),
    (SELECT string_agg(t::text, ';' ORDER BY id) FROM retail.pick_wave t))) AS digest;
