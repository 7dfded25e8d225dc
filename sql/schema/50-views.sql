-- Views.  Those in retail_bi are for analysts and BI tools: built-in types only,
-- an integer key, names beside ids.  migrate() runs this file again.
--
-- Each stays below join_collapse_limit (8) relations, and looks rules and
-- reservations up per row: so a condition on a code reaches the indexes.

CREATE SCHEMA IF NOT EXISTS retail_bi;
COMMENT ON SCHEMA retail_bi IS 'pg_retail for analysts and BI tools: views with built-in types, all they need to see.';

-- Internal: what each channel may sell of each stock.  Lapsed holds do not
-- count, and lots that have come due are not for sale, whether or not a job has
-- written it down.

CREATE OR REPLACE VIEW retail._channel_stock AS
SELECT s.sku_id, k.code AS sku, k.name AS sku_name,
    s.location_id, o.code AS location, o.name AS location_name, o.time_zone,
    c.id AS channel_id, c.code AS channel, c.name AS channel_name,
    s.on_hand - s.unavailable - coalesce(p.held, 0) - coalesce(p.committed, 0) - coalesce(p.due, 0) AS available,
    coalesce(r.qty, ceil((s.on_hand - s.unavailable) * r.percent / 100)::bigint, 0) AS safety_stock,
    coalesce(l.status, 'on_sale') = 'on_sale' AS listed,
    coalesce(l.status, 'on_sale') = 'on_sale' AND k.status = 'active' AND o.status = 'open' AND c.status = 'open' AS on_sale
FROM retail.stock s
    JOIN retail.sku k ON k.id = s.sku_id
    JOIN retail.location o ON o.id = s.location_id
    CROSS JOIN retail.channel c
    CROSS JOIN LATERAL (
        SELECT (SELECT sum(h.qty)::bigint
                FROM retail.reservation h
                WHERE h.sku_id = s.sku_id AND h.location_id = s.location_id
                    AND h.status = 'held' AND h.expires_at > retail.now()) AS held,
            (SELECT sum(h.qty)::bigint
             FROM retail.reservation h
             WHERE h.sku_id = s.sku_id AND h.location_id = s.location_id AND h.status = 'committed') AS committed,
            (SELECT sum(t.on_hand - t.unavailable)::bigint
             FROM retail.lot t
             WHERE t.sku_id = s.sku_id AND t.location_id = s.location_id AND t.on_hand > 0
                 AND t.expires_on <= (retail.now() AT TIME ZONE o.time_zone)::date) AS due
        OFFSET 0
    ) p
    -- from specific to general is the order of what is NULL: false sorts first
    LEFT JOIN LATERAL (
        SELECT a.qty, a.percent
        FROM (
            SELECT x.sku_id, x.location_id, x.channel_id, x.qty, x.percent
            FROM retail.safety_stock x WHERE x.sku_id = s.sku_id AND x.location_id = s.location_id
            UNION ALL
            SELECT x.sku_id, x.location_id, x.channel_id, x.qty, x.percent
            FROM retail.safety_stock x WHERE x.sku_id = s.sku_id AND x.location_id IS NULL
            UNION ALL
            SELECT x.sku_id, x.location_id, x.channel_id, x.qty, x.percent
            FROM retail.safety_stock x WHERE x.sku_id IS NULL AND x.location_id = s.location_id
            UNION ALL
            SELECT x.sku_id, x.location_id, x.channel_id, x.qty, x.percent
            FROM retail.safety_stock x WHERE x.sku_id IS NULL AND x.location_id IS NULL
        ) a
        WHERE a.channel_id = c.id OR a.channel_id IS NULL
        ORDER BY a.sku_id IS NULL, a.location_id IS NULL, a.channel_id IS NULL
        LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT a.status
        FROM (
            SELECT x.location_id, x.channel_id, x.status
            FROM retail.listing x WHERE x.sku_id = s.sku_id AND x.location_id = s.location_id
            UNION ALL
            SELECT x.location_id, x.channel_id, x.status
            FROM retail.listing x WHERE x.sku_id = s.sku_id AND x.location_id IS NULL
        ) a
        WHERE a.channel_id = c.id OR a.channel_id IS NULL
        ORDER BY a.location_id IS NULL, a.channel_id IS NULL
        LIMIT 1
    ) l ON true;
COMMENT ON VIEW retail._channel_stock IS 'Internal: what a channel must leave of a stock, and whether it may sell it.';
COMMENT ON COLUMN retail._channel_stock.sku_id IS 'The SKU.';
COMMENT ON COLUMN retail._channel_stock.sku IS 'Its code.';
COMMENT ON COLUMN retail._channel_stock.sku_name IS 'Its name.';
COMMENT ON COLUMN retail._channel_stock.location_id IS 'The location.';
COMMENT ON COLUMN retail._channel_stock.location IS 'Its code.';
COMMENT ON COLUMN retail._channel_stock.location_name IS 'Its name.';
COMMENT ON COLUMN retail._channel_stock.time_zone IS 'Its zone.';
COMMENT ON COLUMN retail._channel_stock.channel_id IS 'The channel.';
COMMENT ON COLUMN retail._channel_stock.channel IS 'Its code.';
COMMENT ON COLUMN retail._channel_stock.channel_name IS 'Its name.';
COMMENT ON COLUMN retail._channel_stock.available IS 'Base units not promised.';
COMMENT ON COLUMN retail._channel_stock.safety_stock IS 'Base units the channel must leave.';
COMMENT ON COLUMN retail._channel_stock.listed IS 'Whether it is listed for the channel.';
COMMENT ON COLUMN retail._channel_stock.on_sale IS 'Whether the channel may sell it: listed, and SKU, location and channel open for business.';

-- For analysts.

CREATE OR REPLACE VIEW retail_bi.stock AS
SELECT (s.sku_id::bigint << 32) | s.location_id AS stock_key,
    s.sku_id,
    k.code AS sku,
    k.name AS sku_name,
    k.unit,
    s.location_id,
    o.code AS location,
    o.name AS location_name,
    o.kind AS location_kind,
    s.on_hand,
    s.unavailable + coalesce(p.due, 0) AS unavailable,
    coalesce(p.held, 0) AS held,
    coalesce(p.committed, 0) AS committed,
    s.on_hand - s.unavailable - coalesce(p.due, 0) - coalesce(p.held, 0) - coalesce(p.committed, 0) AS available,
    s.in_transit,
    m.recorded_at AS last_moved_at,
    (m.recorded_at AT TIME ZONE o.time_zone)::date AS last_moved_on,
    o.geog::public.geometry(Point, 4326) AS geom
FROM retail.stock s
    JOIN retail.sku k ON k.id = s.sku_id
    JOIN retail.location o ON o.id = s.location_id
    CROSS JOIN LATERAL (
        SELECT (SELECT sum(h.qty)::bigint
                FROM retail.reservation h
                WHERE h.sku_id = s.sku_id AND h.location_id = s.location_id
                    AND h.status = 'held' AND h.expires_at > retail.now()) AS held,
            (SELECT sum(h.qty)::bigint
             FROM retail.reservation h
             WHERE h.sku_id = s.sku_id AND h.location_id = s.location_id AND h.status = 'committed') AS committed,
            (SELECT sum(t.on_hand - t.unavailable)::bigint
             FROM retail.lot t
             WHERE t.sku_id = s.sku_id AND t.location_id = s.location_id AND t.on_hand > 0
                 AND t.expires_on <= (retail.now() AT TIME ZONE o.time_zone)::date) AS due
        OFFSET 0
    ) p
    LEFT JOIN retail.movement m ON m.id = s.last_movement_id;
COMMENT ON VIEW retail_bi.stock IS
'Stock of each SKU at each location, as committed, with what is promised of it at this moment.
One row per SKU and location that ever had stock.';
COMMENT ON COLUMN retail_bi.stock.stock_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.stock.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.stock.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.stock.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.stock.unit IS 'Base unit that quantities count.';
COMMENT ON COLUMN retail_bi.stock.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.stock.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.stock.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.stock.location_kind IS 'store or warehouse.';
COMMENT ON COLUMN retail_bi.stock.on_hand IS 'Base units that can be counted there.';
COMMENT ON COLUMN retail_bi.stock.unavailable IS 'Of these, not for sale: damaged, blocked, display, lots past their date.';
COMMENT ON COLUMN retail_bi.stock.held IS 'Of these, held for shoppers; lapsed holds do not count.';
COMMENT ON COLUMN retail_bi.stock.committed IS 'Of these, promised to paid orders.';
COMMENT ON COLUMN retail_bi.stock.available IS 'on_hand - unavailable - held - committed; below 0 where promised goods are missing.';
COMMENT ON COLUMN retail_bi.stock.in_transit IS 'Base units on the way there.';
COMMENT ON COLUMN retail_bi.stock.last_moved_at IS 'When the last movement was recorded; NULL: none since a bulk load.';
COMMENT ON COLUMN retail_bi.stock.last_moved_on IS 'The same as a date there; NULL: none since a bulk load.';
COMMENT ON COLUMN retail_bi.stock.geom IS 'Where the location is, WGS-84.';

CREATE OR REPLACE VIEW retail_bi.availability AS
SELECT ((s.sku_id::bigint << 36) | (s.location_id::bigint << 14)) | s.channel_id AS availability_key,
    s.sku_id,
    s.sku,
    s.sku_name,
    s.location_id,
    s.location,
    s.location_name,
    s.channel_id,
    s.channel,
    s.channel_name,
    s.available,
    s.safety_stock,
    s.on_sale,
    CASE WHEN s.on_sale THEN greatest(s.available - s.safety_stock, 0) ELSE 0 END AS sellable
FROM retail._channel_stock s;
COMMENT ON VIEW retail_bi.availability IS
'What each channel may sell of each SKU at each location, as committed.
One row per stock and channel: ask for a SKU, a location or a channel.';
COMMENT ON COLUMN retail_bi.availability.availability_key IS 'Key: one row, one number (as long as SKU ids stay below 134,217,728, location ids below 4,194,304 and channel ids below 16,384).';
COMMENT ON COLUMN retail_bi.availability.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.availability.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.availability.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.availability.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.availability.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.availability.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.availability.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.availability.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.availability.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.availability.available IS 'Base units not promised to anyone, before safety stock.';
COMMENT ON COLUMN retail_bi.availability.safety_stock IS 'Base units this channel must leave there.';
COMMENT ON COLUMN retail_bi.availability.on_sale IS 'Whether it may be sold: listed, SKU active, location and channel open.';
COMMENT ON COLUMN retail_bi.availability.sellable IS 'Base units this channel may sell there now.';

CREATE OR REPLACE VIEW retail_bi.pool AS
SELECT (s.sku_id::bigint << 32) | s.channel_id AS pool_key,
    s.sku_id,
    s.sku,
    s.sku_name,
    s.channel_id,
    s.channel,
    s.channel_name,
    coalesce(sum(greatest(s.available - s.safety_stock, 0)) FILTER (WHERE s.on_sale), 0)::bigint AS sellable,
    count(*) FILTER (WHERE s.on_sale AND s.available > s.safety_stock) AS locations
FROM retail._channel_stock s
GROUP BY s.sku_id, s.sku, s.sku_name, s.channel_id, s.channel, s.channel_name;
COMMENT ON VIEW retail_bi.pool IS
'The network total per SKU and channel, as committed.
One row per SKU with stock anywhere and channel.';
COMMENT ON COLUMN retail_bi.pool.pool_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.pool.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.pool.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.pool.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.pool.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.pool.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.pool.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.pool.sellable IS 'Base units this channel may sell in the whole network now.';
COMMENT ON COLUMN retail_bi.pool.locations IS 'Locations that have something to sell to this channel.';

CREATE OR REPLACE VIEW retail_bi.sold_out AS
SELECT ((s.sku_id::bigint << 36) | (s.location_id::bigint << 14)) | s.channel_id AS sold_out_key,
    s.sku_id,
    s.sku,
    s.sku_name,
    s.location_id,
    s.location,
    s.location_name,
    s.channel_id,
    s.channel,
    s.channel_name,
    s.safety_stock,
    s.listed,
    f.changed_at,
    (f.changed_at AT TIME ZONE s.time_zone)::date AS changed_on
FROM retail.sold_out f
    JOIN retail._channel_stock s ON s.sku_id = f.sku_id AND s.location_id = f.location_id
WHERE f.sellable_floor < 9223372036854775807 AND s.safety_stock > f.sellable_floor;
COMMENT ON VIEW retail_bi.sold_out IS
'What is sold out where, for which channel, as it was announced in the outbox.
One row per stock and channel that is sold out. A flag may be a second behind where transactions raced.';
COMMENT ON COLUMN retail_bi.sold_out.sold_out_key IS 'Key: one row, one number (as long as SKU ids stay below 134,217,728, location ids below 4,194,304 and channel ids below 16,384).';
COMMENT ON COLUMN retail_bi.sold_out.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.sold_out.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.sold_out.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.sold_out.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.sold_out.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.sold_out.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.sold_out.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.sold_out.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.sold_out.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.sold_out.safety_stock IS 'Base units this channel must leave there: 0 when it is sold out to the last one.';
COMMENT ON COLUMN retail_bi.sold_out.listed IS 'Whether it is listed there for this channel at all.';
COMMENT ON COLUMN retail_bi.sold_out.changed_at IS 'When a flag of this stock last flipped.';
COMMENT ON COLUMN retail_bi.sold_out.changed_on IS 'The same as a date there.';

CREATE OR REPLACE VIEW retail_bi.reservation AS
SELECT r.id AS reservation_id,
    r.sku_id,
    k.code AS sku,
    k.name AS sku_name,
    r.location_id,
    o.code AS location,
    o.name AS location_name,
    r.channel_id,
    c.code AS channel,
    c.name AS channel_name,
    r.qty,
    CASE WHEN r.status = 'held' AND r.expires_at <= retail.now() THEN 'expired' ELSE r.status END AS status,
    r.created_at,
    (r.created_at AT TIME ZONE o.time_zone)::date AS created_on,
    r.expires_at,
    r.changed_at,
    (r.changed_at AT TIME ZONE o.time_zone)::date AS changed_on,
    r.parent_id,
    r.order_ref,
    r.actor,
    r.successor_id
FROM (
        SELECT a.id, a.sku_id, a.location_id, a.channel_id, a.qty, a.status, a.expires_at, a.created_at, a.changed_at, a.parent_id, a.order_ref, a.actor,
            a.successor_id
        FROM retail.reservation a
        UNION ALL
        SELECT a.id, a.sku_id, a.location_id, a.channel_id, a.qty, a.status, a.expires_at, a.created_at, a.changed_at, a.parent_id, a.order_ref, a.actor,
            a.successor_id
        FROM retail.reservation_history a
    ) r
    LEFT JOIN retail.sku k ON k.id = r.sku_id
    LEFT JOIN retail.location o ON o.id = r.location_id
    LEFT JOIN retail.channel c ON c.id = r.channel_id;
COMMENT ON VIEW retail_bi.reservation IS
'Every reservation, live and finished. Who holds it is left out.
One row per reservation.';
COMMENT ON COLUMN retail_bi.reservation.reservation_id IS 'Key: the id that reserve() gave.';
COMMENT ON COLUMN retail_bi.reservation.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.reservation.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.reservation.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.reservation.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.reservation.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.reservation.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.reservation.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.reservation.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.reservation.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.reservation.qty IS 'Base units.';
COMMENT ON COLUMN retail_bi.reservation.status IS 'held, committed, consumed, released, expired or cancelled; a lapsed hold is shown as expired, whether or not a job has written it.';
COMMENT ON COLUMN retail_bi.reservation.created_at IS 'When it was made.';
COMMENT ON COLUMN retail_bi.reservation.created_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.reservation.expires_at IS 'Deadline of the hold.';
COMMENT ON COLUMN retail_bi.reservation.changed_at IS 'When its status, quantity or deadline last changed.';
COMMENT ON COLUMN retail_bi.reservation.changed_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.reservation.parent_id IS 'The reservation it was split from; NULL: none.';
COMMENT ON COLUMN retail_bi.reservation.order_ref IS 'The order it was confirmed for; NULL: none named.';
COMMENT ON COLUMN retail_bi.reservation.actor IS 'The database role that made it.';
COMMENT ON COLUMN retail_bi.reservation.successor_id IS 'The reservation that a late payment got in the place of this expired one; NULL: none.';

CREATE OR REPLACE VIEW retail_bi.movement AS
SELECT m.id AS movement_id,
    m.sku_id,
    k.code AS sku,
    k.name AS sku_name,
    m.location_id,
    o.code AS location,
    o.name AS location_name,
    l.code AS lot,
    l.expires_on AS lot_expires_on,
    m.kind,
    m.on_hand_delta,
    m.unavailable_delta,
    m.on_hand_after,
    m.unavailable_after,
    m.channel_id,
    c.code AS channel,
    c.name AS channel_name,
    m.reservation_id,
    m.ref,
    m.sale_ref,
    m.reason,
    m.actor,
    m.occurred_at,
    (m.occurred_at AT TIME ZONE o.time_zone)::date AS occurred_on,
    m.recorded_at,
    (m.recorded_at AT TIME ZONE o.time_zone)::date AS recorded_on
FROM retail.movement m
    LEFT JOIN retail.sku k ON k.id = m.sku_id
    LEFT JOIN retail.location o ON o.id = m.location_id
    LEFT JOIN retail.channel c ON c.id = m.channel_id
    LEFT JOIN retail.lot l ON l.id = m.lot_id;
COMMENT ON VIEW retail_bi.movement IS
'The stock ledger: every event that changed a stock.
One row per movement.';
COMMENT ON COLUMN retail_bi.movement.movement_id IS 'Key.';
COMMENT ON COLUMN retail_bi.movement.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.movement.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.movement.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.movement.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.movement.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.movement.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.movement.lot IS 'Batch code; NULL: units of no lot.';
COMMENT ON COLUMN retail_bi.movement.lot_expires_on IS 'First day the lot may not be sold; NULL: does not expire, or no lot.';
COMMENT ON COLUMN retail_bi.movement.kind IS 'receipt, sale, shipment, return, transfer_out, transfer_in, adjustment, count, block, unblock, waste or unrecorded_receipt.';
COMMENT ON COLUMN retail_bi.movement.on_hand_delta IS 'Base units that came (+) or left (-).';
COMMENT ON COLUMN retail_bi.movement.unavailable_delta IS 'Base units that became unavailable (+) or available again (-).';
COMMENT ON COLUMN retail_bi.movement.on_hand_after IS 'Base units on hand afterwards.';
COMMENT ON COLUMN retail_bi.movement.unavailable_after IS 'Base units unavailable afterwards.';
COMMENT ON COLUMN retail_bi.movement.channel_id IS 'Internal key of the channel; NULL: none.';
COMMENT ON COLUMN retail_bi.movement.channel IS 'Channel code; NULL: none.';
COMMENT ON COLUMN retail_bi.movement.channel_name IS 'Channel name; NULL: none.';
COMMENT ON COLUMN retail_bi.movement.reservation_id IS 'The reservation that a shipment, or the sale of a collected parcel, consumed; NULL: none.';
COMMENT ON COLUMN retail_bi.movement.ref IS 'The caller''s document; NULL: none.';
COMMENT ON COLUMN retail_bi.movement.sale_ref IS 'Of a return: the sale or order it comes from; NULL: no return, or one without proof.';
COMMENT ON COLUMN retail_bi.movement.reason IS 'Why, in the caller''s words; NULL: none given.';
COMMENT ON COLUMN retail_bi.movement.actor IS 'The database role that made it.';
COMMENT ON COLUMN retail_bi.movement.occurred_at IS 'When it happened.';
COMMENT ON COLUMN retail_bi.movement.occurred_on IS 'The business date there.';
COMMENT ON COLUMN retail_bi.movement.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN retail_bi.movement.recorded_on IS 'The same as a date there.';

CREATE OR REPLACE VIEW retail_bi.stock_as_of AS
SELECT i.interval_key,
    s.sku_id,
    k.code AS sku,
    k.name AS sku_name,
    s.location_id,
    o.code AS location,
    o.name AS location_name,
    i.on_hand,
    i.unavailable,
    i.valid_from,
    (i.valid_from AT TIME ZONE o.time_zone)::date AS valid_from_on,
    i.valid_to,
    (i.valid_to AT TIME ZONE o.time_zone)::date AS valid_to_on
FROM retail.stock s
    JOIN retail.sku k ON k.id = s.sku_id
    JOIN retail.location o ON o.id = s.location_id
    CROSS JOIN LATERAL (
        -- The stock's ledger, closed by a line for now.  Lines that waited for
        -- one another may carry times that cross: the later line is not earlier.
        SELECT l.id, l.opening_on_hand, l.opening_unavailable,
            max(l.recorded_at) OVER w AS at,
            lag(l.id) OVER w AS before_id,
            lag(l.on_hand) OVER w AS before_on_hand,
            lag(l.unavailable) OVER w AS before_unavailable,
            max(l.recorded_at) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_at
        FROM (
            SELECT m.id, m.on_hand_after AS on_hand, m.unavailable_after AS unavailable,
                m.on_hand_after - m.on_hand_delta AS opening_on_hand,
                m.unavailable_after - m.unavailable_delta AS opening_unavailable, m.recorded_at
            FROM retail.movement m
            WHERE m.sku_id = s.sku_id AND m.location_id = s.location_id
            UNION ALL
            SELECT 9223372036854775807, s.on_hand, s.unavailable, s.on_hand, s.unavailable, 'infinity'
        ) l
        WINDOW w AS (ORDER BY l.id)
    ) e
    -- A bulk load between two lines ends what the first one says; what it
    -- brought is what the second one starts from.
    CROSS JOIN LATERAL (
        SELECT greatest(min(b.created_at), e.before_at) AS first_load,
            greatest(max(b.created_at), e.before_at) AS last_load, count(*) AS loads
        FROM retail.bulk_load b
        WHERE b.movement_id >= coalesce(e.before_id, 0) AND b.movement_id < e.id
    ) b
    CROSS JOIN LATERAL (
        SELECT e.before_id, e.before_on_hand, e.before_unavailable, e.before_at,
            CASE WHEN b.loads > 0 THEN b.first_load ELSE e.at END
        WHERE e.before_id IS NOT NULL
        UNION ALL
        SELECT CASE WHEN e.id = 9223372036854775807
                THEN -1152921504606846976 - ((s.sku_id::bigint << 32) | s.location_id) ELSE -e.id END,
            e.opening_on_hand, e.opening_unavailable, b.last_load, e.at
        WHERE b.loads > 0
    ) i (interval_key, on_hand, unavailable, valid_from, valid_to)
WHERE i.valid_from < i.valid_to;
COMMENT ON VIEW retail_bi.stock_as_of IS
'What was on hand at any past instant, from the ledger: add WHERE valid_from <= instant AND instant < valid_to.
One row per stock and interval; intervals of a stock do not overlap. Between two bulk loads without a movement nothing is known.';
COMMENT ON COLUMN retail_bi.stock_as_of.interval_key IS 'Key: the movement that began the interval; negative where a bulk load did.';
COMMENT ON COLUMN retail_bi.stock_as_of.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.stock_as_of.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.stock_as_of.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.stock_as_of.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.stock_as_of.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.stock_as_of.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.stock_as_of.on_hand IS 'Base units on hand throughout.';
COMMENT ON COLUMN retail_bi.stock_as_of.unavailable IS 'Base units unavailable throughout.';
COMMENT ON COLUMN retail_bi.stock_as_of.valid_from IS 'First instant, as recorded.';
COMMENT ON COLUMN retail_bi.stock_as_of.valid_from_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.stock_as_of.valid_to IS 'First instant after it; infinity: still so.';
COMMENT ON COLUMN retail_bi.stock_as_of.valid_to_on IS 'The same as a date there; infinity: still so.';

CREATE OR REPLACE VIEW retail_bi.shortage AS
SELECT s.id AS shortage_id,
    s.sku_id,
    k.code AS sku,
    k.name AS sku_name,
    s.location_id,
    o.code AS location,
    o.name AS location_name,
    s.qty,
    cardinality(s.reservations) AS reservations,
    s.movement_id,
    m.kind,
    s.resolved_at IS NULL AS open,
    s.created_at,
    (s.created_at AT TIME ZONE o.time_zone)::date AS created_on,
    s.resolved_at,
    (s.resolved_at AT TIME ZONE o.time_zone)::date AS resolved_on
FROM retail.shortage s
    LEFT JOIN retail.sku k ON k.id = s.sku_id
    LEFT JOIN retail.location o ON o.id = s.location_id
    LEFT JOIN retail.movement m ON m.id = s.movement_id;
COMMENT ON VIEW retail_bi.shortage IS
'Promises that can no longer be kept.
One row per shortage.';
COMMENT ON COLUMN retail_bi.shortage.shortage_id IS 'Key.';
COMMENT ON COLUMN retail_bi.shortage.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.shortage.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.shortage.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.shortage.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.shortage.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.shortage.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.shortage.qty IS 'Base units promised and not there.';
COMMENT ON COLUMN retail_bi.shortage.reservations IS 'How many reservations it falls on; which ones, retail.shortage knows.';
COMMENT ON COLUMN retail_bi.shortage.movement_id IS 'The movement that caused it.';
COMMENT ON COLUMN retail_bi.shortage.kind IS 'What that was: count, adjustment, sale, block.';
COMMENT ON COLUMN retail_bi.shortage.open IS 'Whether it is still to be settled.';
COMMENT ON COLUMN retail_bi.shortage.created_at IS 'When it arose.';
COMMENT ON COLUMN retail_bi.shortage.created_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.shortage.resolved_at IS 'When it was settled; NULL: open.';
COMMENT ON COLUMN retail_bi.shortage.resolved_on IS 'The same as a date there; NULL: open.';
