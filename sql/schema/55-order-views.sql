-- Views of orders and parcels, for analysts and for maps.  The rules are those of
-- 50-views.sql; migrate() runs this file again.
--
-- Who ordered, the pickup codes and the destinations themselves are left out.
-- Analysts may call retail.now() and nothing else of ours, so states are spelt
-- out here.

CREATE OR REPLACE VIEW retail._order AS
SELECT o.id AS order_id, o.channel_id, c.code AS channel, c.name AS channel_name, o.order_ref,
    o.service_id, v.code AS service, v.name AS service_name, o.status, o.guide, o.promise_at, o.placed_at, o.changed_at,
    coalesce(p.time_zone, current_setting('TimeZone')) AS time_zone
FROM retail.sales_order o
    LEFT JOIN retail.channel c ON c.id = o.channel_id
    LEFT JOIN retail.service v ON v.id = o.service_id
    LEFT JOIN LATERAL (
        SELECT w.time_zone
        FROM retail.fulfilment_order f
            JOIN retail.location w ON w.id = f.location_id
        WHERE f.order_id = o.id
        ORDER BY f.created_at, f.id
        LIMIT 1
    ) p ON true;
COMMENT ON VIEW retail._order IS 'Internal: orders with their names and the zone of their business date.';
COMMENT ON COLUMN retail._order.order_id IS 'The order.';
COMMENT ON COLUMN retail._order.channel_id IS 'Its channel.';
COMMENT ON COLUMN retail._order.channel IS 'Its code.';
COMMENT ON COLUMN retail._order.channel_name IS 'Its name.';
COMMENT ON COLUMN retail._order.order_ref IS 'The caller''s number.';
COMMENT ON COLUMN retail._order.service_id IS 'The service.';
COMMENT ON COLUMN retail._order.service IS 'Its code.';
COMMENT ON COLUMN retail._order.service_name IS 'Its name.';
COMMENT ON COLUMN retail._order.status IS 'As in retail.sales_order.';
COMMENT ON COLUMN retail._order.guide IS 'The clerk who placed it.';
COMMENT ON COLUMN retail._order.promise_at IS 'When the last parcel is promised.';
COMMENT ON COLUMN retail._order.placed_at IS 'When it was placed.';
COMMENT ON COLUMN retail._order.changed_at IS 'When its status last changed.';
COMMENT ON COLUMN retail._order.time_zone IS 'The zone of the location it was first routed to; the session''s where it had no parcel yet.';

CREATE OR REPLACE VIEW retail._parcel AS
SELECT f.id AS fulfilment_id, f.order_id, f.location_id, w.code AS location, w.name AS location_name, w.time_zone,
    f.service_id, v.code AS service, v.name AS service_name, v.kind, f.state,
    f.state NOT IN ('shipped', 'delivered', 'collected', 'rejected', 'cancelled', 'uncollected') AS open,
    f.state NOT IN ('rejected', 'cancelled') AS counts,
    round(f.distance_m)::bigint AS distance_m, f.promise_at, f.promise_kept AS promised_in_time, e.done_at,
    CASE WHEN f.state IN ('new', 'rejected', 'cancelled') THEN NULL
        WHEN e.done_at IS NOT NULL THEN e.done_at <= f.promise_at
        WHEN f.promise_at < retail.now() THEN false END AS promise_kept,
    coalesce(f.capacity_date, (f.created_at AT TIME ZONE w.time_zone)::date) AS business_date,
    f.accept_by, f.collect_by, f.slot_id, f.wave_id, f.created_at, f.changed_at
FROM retail.fulfilment_order f
    LEFT JOIN retail.location w ON w.id = f.location_id
    LEFT JOIN retail.service v ON v.id = f.service_id
    CROSS JOIN LATERAL (
        -- of a pickup the promise is that it is ready
        SELECT min(x.created_at) AS done_at
        FROM retail.fulfilment_event x
        WHERE x.fulfilment_id = f.id
            AND (x.to_state = 'delivered' OR v.kind = 'pickup' AND x.to_state IN ('ready_for_pickup', 'collected'))
    ) e;
COMMENT ON VIEW retail._parcel IS 'Internal: parcels, and whether their promise was kept.';
COMMENT ON COLUMN retail._parcel.fulfilment_id IS 'The parcel.';
COMMENT ON COLUMN retail._parcel.order_id IS 'Its order.';
COMMENT ON COLUMN retail._parcel.location_id IS 'Its location.';
COMMENT ON COLUMN retail._parcel.location IS 'Its code.';
COMMENT ON COLUMN retail._parcel.location_name IS 'Its name.';
COMMENT ON COLUMN retail._parcel.time_zone IS 'Its zone.';
COMMENT ON COLUMN retail._parcel.service_id IS 'The service.';
COMMENT ON COLUMN retail._parcel.service IS 'Its code.';
COMMENT ON COLUMN retail._parcel.service_name IS 'Its name.';
COMMENT ON COLUMN retail._parcel.kind IS 'pickup or delivery.';
COMMENT ON COLUMN retail._parcel.state IS 'As in retail.fulfilment_order.';
COMMENT ON COLUMN retail._parcel.open IS 'Whether its units are still in the store.';
COMMENT ON COLUMN retail._parcel.counts IS 'Whether it is a parcel at all: neither rejected nor cancelled.';
COMMENT ON COLUMN retail._parcel.distance_m IS 'Metres to the destination; NULL: none.';
COMMENT ON COLUMN retail._parcel.promise_at IS 'When it is promised.';
COMMENT ON COLUMN retail._parcel.promised_in_time IS 'Whether that was the service''s own word.';
COMMENT ON COLUMN retail._parcel.done_at IS 'When it was delivered, or ready; NULL: not yet.';
COMMENT ON COLUMN retail._parcel.promise_kept IS 'Whether the promise was kept; NULL: open and not late, or there is none to keep.';
COMMENT ON COLUMN retail._parcel.business_date IS 'The day its location does it.';
COMMENT ON COLUMN retail._parcel.accept_by IS 'When it is routed elsewhere unless accepted.';
COMMENT ON COLUMN retail._parcel.collect_by IS 'When it goes back to stock unless collected.';
COMMENT ON COLUMN retail._parcel.slot_id IS 'The slot booked.';
COMMENT ON COLUMN retail._parcel.wave_id IS 'The wave.';
COMMENT ON COLUMN retail._parcel.created_at IS 'When it was routed there.';
COMMENT ON COLUMN retail._parcel.changed_at IS 'When its state last changed.';

-- For analysts.

CREATE OR REPLACE VIEW retail_bi.sales_order AS
SELECT o.order_id,
    o.channel_id,
    o.channel,
    o.channel_name,
    o.order_ref,
    o.service_id,
    o.service,
    o.service_name,
    o.status,
    o.guide,
    l.lines,
    l.units,
    l.backordered_units,
    l.cancelled_units,
    l.shipped_units,
    l.returned_units,
    o.placed_at,
    (o.placed_at AT TIME ZONE o.time_zone)::date AS placed_on,
    o.promise_at,
    (o.promise_at AT TIME ZONE o.time_zone)::date AS promise_on,
    o.changed_at,
    (o.changed_at AT TIME ZONE o.time_zone)::date AS changed_on
FROM retail._order o
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines, coalesce(sum(x.qty), 0)::bigint AS units,
            coalesce(sum(x.backordered_qty), 0)::bigint AS backordered_units,
            coalesce(sum(x.cancelled_qty), 0)::bigint AS cancelled_units,
            coalesce(sum(x.shipped_qty), 0)::bigint AS shipped_units,
            coalesce(sum(x.returned_qty), 0)::bigint AS returned_units
        FROM retail.order_line x
        WHERE x.order_id = o.order_id
    ) l;
COMMENT ON VIEW retail_bi.sales_order IS
'Every order of every channel. Who ordered, and where to, is left out.
One row per order.';
COMMENT ON COLUMN retail_bi.sales_order.order_id IS 'Key.';
COMMENT ON COLUMN retail_bi.sales_order.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.sales_order.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.sales_order.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.sales_order.order_ref IS 'The caller''s number, unique per channel.';
COMMENT ON COLUMN retail_bi.sales_order.service_id IS 'Internal key of the service.';
COMMENT ON COLUMN retail_bi.sales_order.service IS 'Service code.';
COMMENT ON COLUMN retail_bi.sales_order.service_name IS 'Service name.';
COMMENT ON COLUMN retail_bi.sales_order.status IS 'placed (unpaid), confirmed (paid), completed, cancelled or expired.';
COMMENT ON COLUMN retail_bi.sales_order.guide IS 'The clerk who placed it for the customer; NULL: the customer did.';
COMMENT ON COLUMN retail_bi.sales_order.lines IS 'Its lines.';
COMMENT ON COLUMN retail_bi.sales_order.units IS 'Base units ordered.';
COMMENT ON COLUMN retail_bi.sales_order.backordered_units IS 'Of these, waiting for stock.';
COMMENT ON COLUMN retail_bi.sales_order.cancelled_units IS 'Of these, cancelled before they left.';
COMMENT ON COLUMN retail_bi.sales_order.shipped_units IS 'Of these, shipped or collected.';
COMMENT ON COLUMN retail_bi.sales_order.returned_units IS 'Of the shipped ones, come back or refunded.';
COMMENT ON COLUMN retail_bi.sales_order.placed_at IS 'When it was placed.';
COMMENT ON COLUMN retail_bi.sales_order.placed_on IS 'The business date of that, at the location it was first routed to (in the session''s zone where it has no parcel yet).';
COMMENT ON COLUMN retail_bi.sales_order.promise_at IS 'When the last parcel is promised; NULL: nothing is, all of it waits for stock.';
COMMENT ON COLUMN retail_bi.sales_order.promise_on IS 'The same as a date there; NULL: nothing is promised.';
COMMENT ON COLUMN retail_bi.sales_order.changed_at IS 'When its status last changed.';
COMMENT ON COLUMN retail_bi.sales_order.changed_on IS 'The same as a date there.';

CREATE OR REPLACE VIEW retail_bi.order_line AS
SELECT (l.order_id << 10) | l.line_no AS order_line_key,
    l.order_id,
    o.order_ref,
    o.channel_id,
    o.channel,
    o.channel_name,
    o.status,
    l.line_no,
    l.sku_id,
    k.code AS sku,
    k.name AS sku_name,
    l.qty,
    l.backordered_qty,
    l.cancelled_qty,
    l.shipped_qty,
    l.returned_qty,
    l.unit_price,
    l.currency,
    o.placed_at,
    (o.placed_at AT TIME ZONE o.time_zone)::date AS placed_on,
    l.line_amount,
    l.order_share,
    l.line_amount + l.order_share AS amount
FROM retail.order_line l
    JOIN retail._order o ON o.order_id = l.order_id
    LEFT JOIN retail.sku k ON k.id = l.sku_id;
COMMENT ON VIEW retail_bi.order_line IS
'What was ordered, and what became of it.
One row per line of an order.';
COMMENT ON COLUMN retail_bi.order_line.order_line_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.order_line.order_id IS 'The order.';
COMMENT ON COLUMN retail_bi.order_line.order_ref IS 'The caller''s number, unique per channel.';
COMMENT ON COLUMN retail_bi.order_line.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.order_line.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.order_line.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.order_line.status IS 'Of the order: placed, confirmed, completed, cancelled or expired.';
COMMENT ON COLUMN retail_bi.order_line.line_no IS 'From 1, as given.';
COMMENT ON COLUMN retail_bi.order_line.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.order_line.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.order_line.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.order_line.qty IS 'Base units ordered: in open parcels, backordered, cancelled or shipped.';
COMMENT ON COLUMN retail_bi.order_line.backordered_qty IS 'Of these, waiting for stock.';
COMMENT ON COLUMN retail_bi.order_line.cancelled_qty IS 'Of these, cancelled before they left.';
COMMENT ON COLUMN retail_bi.order_line.shipped_qty IS 'Of these, shipped or collected.';
COMMENT ON COLUMN retail_bi.order_line.returned_qty IS 'Of the shipped ones, come back or refunded.';
COMMENT ON COLUMN retail_bi.order_line.unit_price IS 'Price of sku.price_per base units (1 as a rule), as it was frozen; NULL: the caller keeps prices.';
COMMENT ON COLUMN retail_bi.order_line.currency IS 'ISO 4217 code of unit_price; NULL: no price.';
COMMENT ON COLUMN retail_bi.order_line.placed_at IS 'When the order was placed.';
COMMENT ON COLUMN retail_bi.order_line.placed_on IS 'The business date of that, at the location it was first routed to (in the session''s zone where it has no parcel yet).';
COMMENT ON COLUMN retail_bi.order_line.line_amount IS 'What its units cost together; NULL: the caller keeps prices.';
COMMENT ON COLUMN retail_bi.order_line.order_share IS 'Its share of postage (above 0) or of a discount on the order (below); NULL: the caller keeps prices.';
COMMENT ON COLUMN retail_bi.order_line.amount IS 'Both together: what was paid for the line; NULL: the caller keeps prices.';

CREATE OR REPLACE VIEW retail_bi.fulfilment_order AS
SELECT p.fulfilment_id,
    p.order_id,
    o.order_ref,
    o.channel_id,
    c.code AS channel,
    c.name AS channel_name,
    p.location_id,
    p.location,
    p.location_name,
    p.service_id,
    p.service,
    p.service_name,
    p.kind,
    p.state,
    p.open,
    l.lines,
    l.units,
    p.distance_m,
    p.promised_in_time,
    p.promise_kept,
    p.promise_at,
    (p.promise_at AT TIME ZONE p.time_zone)::date AS promise_on,
    p.done_at,
    (p.done_at AT TIME ZONE p.time_zone)::date AS done_on,
    p.business_date,
    p.wave_id,
    p.created_at,
    (p.created_at AT TIME ZONE p.time_zone)::date AS created_on,
    p.changed_at,
    (p.changed_at AT TIME ZONE p.time_zone)::date AS changed_on
FROM retail._parcel p
    LEFT JOIN retail.sales_order o ON o.id = p.order_id
    LEFT JOIN retail.channel c ON c.id = o.channel_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines, coalesce(sum(x.qty), 0)::bigint AS units
        FROM retail.fulfilment_line x
        WHERE x.fulfilment_id = p.fulfilment_id
    ) l;
COMMENT ON VIEW retail_bi.fulfilment_order IS
'Every parcel there ever was, rejected and cancelled ones too.
One row per parcel.';
COMMENT ON COLUMN retail_bi.fulfilment_order.fulfilment_id IS 'Key: what advance() is called with.';
COMMENT ON COLUMN retail_bi.fulfilment_order.order_id IS 'The order.';
COMMENT ON COLUMN retail_bi.fulfilment_order.order_ref IS 'The caller''s number, unique per channel.';
COMMENT ON COLUMN retail_bi.fulfilment_order.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.fulfilment_order.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.fulfilment_order.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.fulfilment_order.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.fulfilment_order.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.fulfilment_order.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.fulfilment_order.service_id IS 'Internal key of the service.';
COMMENT ON COLUMN retail_bi.fulfilment_order.service IS 'Service code.';
COMMENT ON COLUMN retail_bi.fulfilment_order.service_name IS 'Service name.';
COMMENT ON COLUMN retail_bi.fulfilment_order.kind IS 'pickup or delivery.';
COMMENT ON COLUMN retail_bi.fulfilment_order.state IS 'new (unpaid), routed, accepted, picking, packed, shipped, delivered; ready_for_pickup, collected; rejected, short, cancelled, uncollected, on_hold.';
COMMENT ON COLUMN retail_bi.fulfilment_order.open IS 'Whether its units are still in the store.';
COMMENT ON COLUMN retail_bi.fulfilment_order.lines IS 'Lines of the order that are in it; 0 once it was merged into another.';
COMMENT ON COLUMN retail_bi.fulfilment_order.units IS 'Base units in it, or that were to be in it.';
COMMENT ON COLUMN retail_bi.fulfilment_order.distance_m IS 'Metres from the location to the destination; NULL: no destination.';
COMMENT ON COLUMN retail_bi.fulfilment_order.promised_in_time IS 'Whether the promise given was the service''s own word, and not a later one.';
COMMENT ON COLUMN retail_bi.fulfilment_order.promise_kept IS 'Whether it was delivered, or ready to be collected, by promise_at; false once that has passed without; NULL: there is time yet, or it is unpaid, rejected or cancelled.';
COMMENT ON COLUMN retail_bi.fulfilment_order.promise_at IS 'When it was promised to be there, or ready.';
COMMENT ON COLUMN retail_bi.fulfilment_order.promise_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.fulfilment_order.done_at IS 'When it was delivered, or ready; NULL: not yet.';
COMMENT ON COLUMN retail_bi.fulfilment_order.done_on IS 'The same as a date there; NULL: not yet.';
COMMENT ON COLUMN retail_bi.fulfilment_order.business_date IS 'The day at the location that it belongs to.';
COMMENT ON COLUMN retail_bi.fulfilment_order.wave_id IS 'The wave it is picked in; NULL: none yet.';
COMMENT ON COLUMN retail_bi.fulfilment_order.created_at IS 'When it was routed there.';
COMMENT ON COLUMN retail_bi.fulfilment_order.created_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.fulfilment_order.changed_at IS 'When its state last changed.';
COMMENT ON COLUMN retail_bi.fulfilment_order.changed_on IS 'The same as a date there.';

CREATE OR REPLACE VIEW retail_bi.order_parcels AS
SELECT o.order_id,
    o.order_ref,
    o.channel_id,
    o.channel,
    o.channel_name,
    o.status,
    l.lines,
    l.units,
    p.parcels,
    p.locations,
    p.parcels > 1 AS split,
    p.parcels_with_distance,
    p.parcels_within_3_km,
    p.longest_distance_m,
    p.promises,
    p.promises_kept,
    CASE WHEN p.promises > p.promises_kept THEN false
        WHEN p.parcels > 0 AND p.promises = p.parcels AND l.backordered = 0 THEN true END AS promise_kept,
    o.placed_at,
    (o.placed_at AT TIME ZONE o.time_zone)::date AS placed_on
FROM retail._order o
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines, coalesce(sum(x.qty), 0)::bigint AS units, coalesce(sum(x.backordered_qty), 0) AS backordered
        FROM retail.order_line x
        WHERE x.order_id = o.order_id
    ) l
    CROSS JOIN LATERAL (
        SELECT count(*) AS parcels, count(DISTINCT x.location_id) AS locations, count(x.distance_m) AS parcels_with_distance,
            count(*) FILTER (WHERE x.distance_m <= 3000) AS parcels_within_3_km, max(x.distance_m) AS longest_distance_m,
            count(x.promise_kept) AS promises, count(*) FILTER (WHERE x.promise_kept) AS promises_kept
        FROM retail._parcel x
        WHERE x.order_id = o.order_id AND x.counts
    ) p;
COMMENT ON VIEW retail_bi.order_parcels IS
'How each order was divided into parcels. Rejected and cancelled parcels are left out.
One row per order.';
COMMENT ON COLUMN retail_bi.order_parcels.order_id IS 'Key.';
COMMENT ON COLUMN retail_bi.order_parcels.order_ref IS 'The caller''s number, unique per channel.';
COMMENT ON COLUMN retail_bi.order_parcels.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.order_parcels.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.order_parcels.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.order_parcels.status IS 'placed (unpaid), confirmed (paid), completed, cancelled or expired.';
COMMENT ON COLUMN retail_bi.order_parcels.lines IS 'Its lines.';
COMMENT ON COLUMN retail_bi.order_parcels.units IS 'Base units ordered.';
COMMENT ON COLUMN retail_bi.order_parcels.parcels IS 'Its parcels.';
COMMENT ON COLUMN retail_bi.order_parcels.locations IS 'Locations they come from.';
COMMENT ON COLUMN retail_bi.order_parcels.split IS 'Whether there is more than one parcel.';
COMMENT ON COLUMN retail_bi.order_parcels.parcels_with_distance IS 'Parcels that go to a destination.';
COMMENT ON COLUMN retail_bi.order_parcels.parcels_within_3_km IS 'Of these, from a location within 3 km.';
COMMENT ON COLUMN retail_bi.order_parcels.longest_distance_m IS 'Metres of the one that goes furthest; NULL: no parcel has a destination.';
COMMENT ON COLUMN retail_bi.order_parcels.promises IS 'Parcels of which it is known whether their promise was kept.';
COMMENT ON COLUMN retail_bi.order_parcels.promises_kept IS 'Of these, delivered, or ready to be collected, in time.';
COMMENT ON COLUMN retail_bi.order_parcels.promise_kept IS 'Whether all of it was there, or ready, in time; NULL: not known yet, or no parcel is left.';
COMMENT ON COLUMN retail_bi.order_parcels.placed_at IS 'When it was placed.';
COMMENT ON COLUMN retail_bi.order_parcels.placed_on IS 'The business date of that, at the location it was first routed to (in the session''s zone where it has no parcel yet).';

CREATE OR REPLACE VIEW retail_bi.split_rate AS
SELECT ((p.placed_on - date '2000-01-01')::bigint << 32) | p.channel_id AS split_rate_key,
    p.placed_on AS business_date,
    p.channel_id,
    p.channel,
    p.channel_name,
    count(*) AS orders,
    sum(p.parcels)::bigint AS parcels,
    round(sum(p.parcels) / count(*), 4) AS parcels_per_order,
    round(count(*) FILTER (WHERE p.split)::numeric / count(*), 4) AS split_share,
    round(sum(p.parcels_within_3_km) / nullif(sum(p.parcels_with_distance), 0), 4) AS within_3_km_share,
    round(sum(p.promises_kept) / nullif(sum(p.promises), 0), 4) AS promise_kept_share
FROM retail_bi.order_parcels p
WHERE p.status IN ('confirmed', 'completed') AND p.parcels > 0
GROUP BY p.placed_on, p.channel_id, p.channel, p.channel_name;
COMMENT ON VIEW retail_bi.split_rate IS
'How many parcels orders take, how near they come from, and whether promises are kept. Paid orders that have a parcel.
One row per business date and channel.';
COMMENT ON COLUMN retail_bi.split_rate.split_rate_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.split_rate.business_date IS 'The day the orders were placed, at the location each was first routed to.';
COMMENT ON COLUMN retail_bi.split_rate.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.split_rate.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.split_rate.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.split_rate.orders IS 'Orders placed.';
COMMENT ON COLUMN retail_bi.split_rate.parcels IS 'Their parcels.';
COMMENT ON COLUMN retail_bi.split_rate.parcels_per_order IS 'Parcels divided by orders.';
COMMENT ON COLUMN retail_bi.split_rate.split_share IS 'Share of the orders that come in more than one parcel, 0 to 1.';
COMMENT ON COLUMN retail_bi.split_rate.within_3_km_share IS 'Share of the parcels with a destination that come from within 3 km, 0 to 1; NULL: there are none.';
COMMENT ON COLUMN retail_bi.split_rate.promise_kept_share IS 'Share of promises kept, of those of which it is known, 0 to 1; NULL: there are none.';

CREATE OR REPLACE VIEW retail_bi.store_load AS
SELECT ((p.business_date - date '2000-01-01')::bigint << 32) | p.location_id AS store_load_key,
    p.business_date,
    p.location_id,
    w.code AS location,
    w.name AS location_name,
    p.open_parcels,
    p.finished_parcels,
    p.units,
    coalesce(u.taken - (
        SELECT count(*) FROM retail.capacity_return r WHERE r.location_id = u.location_id AND r.business_date = u.business_date), 0)::integer
        AS capacity_taken,
    w.daily_capacity AS capacity_limit
FROM (
        SELECT x.location_id, x.business_date, count(*) FILTER (WHERE x.open) AS open_parcels,
            count(*) FILTER (WHERE NOT x.open) AS finished_parcels, coalesce(sum(l.units), 0)::bigint AS units
        FROM retail._parcel x
            CROSS JOIN LATERAL (
                SELECT sum(y.qty) AS units
                FROM retail.fulfilment_line y
                WHERE y.fulfilment_id = x.fulfilment_id
            ) l
        WHERE x.counts
        GROUP BY x.location_id, x.business_date
    ) p
    LEFT JOIN retail.location w ON w.id = p.location_id
    LEFT JOIN retail.capacity_use u ON u.location_id = p.location_id AND u.business_date = p.business_date;
COMMENT ON VIEW retail_bi.store_load IS
'What each location had to do on each day. Rejected and cancelled parcels are left out.
One row per location and business date that has a parcel.';
COMMENT ON COLUMN retail_bi.store_load.store_load_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.store_load.business_date IS 'The day at the location.';
COMMENT ON COLUMN retail_bi.store_load.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.store_load.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.store_load.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.store_load.open_parcels IS 'Parcels whose units are still there, unpaid ones too.';
COMMENT ON COLUMN retail_bi.store_load.finished_parcels IS 'Parcels that were shipped or collected, or that nobody came for.';
COMMENT ON COLUMN retail_bi.store_load.units IS 'Base units in all of them.';
COMMENT ON COLUMN retail_bi.store_load.capacity_taken IS 'Places of the day''s capacity that are taken; 0 where the location had no limit.';
COMMENT ON COLUMN retail_bi.store_load.capacity_limit IS 'Parcels it takes in a day, as it is set now; NULL: any number.';

CREATE OR REPLACE VIEW retail_bi.pickup AS
SELECT p.fulfilment_id,
    p.order_id,
    o.order_ref,
    o.channel_id,
    c.code AS channel,
    c.name AS channel_name,
    p.location_id,
    p.location,
    p.location_name,
    l.units,
    s.resource AS slot_resource,
    s.starts_at AS slot_starts_at,
    (s.starts_at AT TIME ZONE p.time_zone)::date AS slot_starts_on,
    s.ends_at AS slot_ends_at,
    (s.ends_at AT TIME ZONE p.time_zone)::date AS slot_ends_on,
    p.done_at AS ready_at,
    (p.done_at AT TIME ZONE p.time_zone)::date AS ready_on,
    p.collect_by,
    (p.collect_by AT TIME ZONE p.time_zone)::date AS collect_by_on,
    coalesce(p.collect_by <= retail.now(), false) AS overdue
FROM retail._parcel p
    LEFT JOIN retail.sales_order o ON o.id = p.order_id
    LEFT JOIN retail.channel c ON c.id = o.channel_id
    LEFT JOIN retail.slot s ON s.id = p.slot_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.qty), 0)::bigint AS units
        FROM retail.fulfilment_line x
        WHERE x.fulfilment_id = p.fulfilment_id
    ) l
WHERE p.state = 'ready_for_pickup';
COMMENT ON VIEW retail_bi.pickup IS
'Parcels that wait for their shopper. Their codes are nowhere in it.
One row per parcel that is ready.';
COMMENT ON COLUMN retail_bi.pickup.fulfilment_id IS 'Key: what advance() is called with.';
COMMENT ON COLUMN retail_bi.pickup.order_id IS 'The order.';
COMMENT ON COLUMN retail_bi.pickup.order_ref IS 'The caller''s number, unique per channel.';
COMMENT ON COLUMN retail_bi.pickup.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.pickup.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.pickup.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.pickup.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.pickup.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.pickup.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.pickup.units IS 'Base units in it.';
COMMENT ON COLUMN retail_bi.pickup.slot_resource IS 'What the slot is of: desk, parking_bay, locker; NULL: none booked.';
COMMENT ON COLUMN retail_bi.pickup.slot_starts_at IS 'From when the shopper wants to come; NULL: no slot booked.';
COMMENT ON COLUMN retail_bi.pickup.slot_starts_on IS 'The same as a date there; NULL: no slot booked.';
COMMENT ON COLUMN retail_bi.pickup.slot_ends_at IS 'Until when; NULL: no slot booked.';
COMMENT ON COLUMN retail_bi.pickup.slot_ends_on IS 'The same as a date there; NULL: no slot booked.';
COMMENT ON COLUMN retail_bi.pickup.ready_at IS 'Since when it is ready.';
COMMENT ON COLUMN retail_bi.pickup.ready_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.pickup.collect_by IS 'When it goes back to stock; NULL: never.';
COMMENT ON COLUMN retail_bi.pickup.collect_by_on IS 'The same as a date there; NULL: never.';
COMMENT ON COLUMN retail_bi.pickup.overdue IS 'Whether that has passed: its code is refused, and a job puts it back.';

CREATE OR REPLACE VIEW retail_bi.store_map AS
SELECT w.id::bigint AS location_key,
    w.id AS location_id,
    w.code AS location,
    w.name AS location_name,
    w.kind,
    w.status,
    w.time_zone,
    w.daily_capacity,
    p.open_parcels,
    p.ready_parcels,
    w.geog::public.geometry(Point, 4326) AS geom
FROM retail.location w
    CROSS JOIN LATERAL (
        -- as the index fulfilment_order_open_idx has it
        SELECT count(*) AS open_parcels, count(*) FILTER (WHERE f.state = 'ready_for_pickup') AS ready_parcels
        FROM retail.fulfilment_order f
        WHERE f.location_id = w.id
            AND f.state NOT IN ('shipped', 'delivered', 'collected', 'rejected', 'cancelled', 'uncollected')
    ) p;
COMMENT ON VIEW retail_bi.store_map IS
'Locations as points, with what they have to do: a layer for a map.
One row per location.';
COMMENT ON COLUMN retail_bi.store_map.location_key IS 'Key, for tools that want one of eight bytes.';
COMMENT ON COLUMN retail_bi.store_map.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.store_map.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.store_map.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.store_map.kind IS 'store or warehouse.';
COMMENT ON COLUMN retail_bi.store_map.status IS 'open or closed.';
COMMENT ON COLUMN retail_bi.store_map.time_zone IS 'Zone of its business day.';
COMMENT ON COLUMN retail_bi.store_map.daily_capacity IS 'Parcels it takes in a day; NULL: any number.';
COMMENT ON COLUMN retail_bi.store_map.open_parcels IS 'Parcels whose units are still there, unpaid ones too.';
COMMENT ON COLUMN retail_bi.store_map.ready_parcels IS 'Of these, waiting for their shopper.';
COMMENT ON COLUMN retail_bi.store_map.geom IS 'Where the location is, WGS-84.';

CREATE OR REPLACE VIEW retail_bi.catchment AS
SELECT w.id::bigint AS location_key,
    w.id AS location_id,
    w.code AS location,
    w.name AS location_name,
    CASE WHEN z.area IS NOT NULL THEN 'zones' ELSE 'served' END AS source,
    d.parcels,
    coalesce(z.area, d.area)::public.geometry(MultiPolygon, 4326) AS geom
FROM retail.location w
    LEFT JOIN (
        -- one zone that crosses itself must not take the map away
        SELECT x.location_id,
            public.st_multi(public.st_collectionextract(public.st_union(public.st_makevalid(x.area::public.geometry)), 3)) AS area
        FROM retail.delivery_zone x
        GROUP BY x.location_id
    ) z ON z.location_id = w.id
    LEFT JOIN (
        -- squares of a hundredth of a degree: nobody's door is a corner
        SELECT f.location_id, count(*) AS parcels,
            public.st_multi(public.st_convexhull(public.st_collect(public.st_expand(
                public.st_snaptogrid(public.st_setsrid(public.st_makepoint(o.longitude, o.latitude), 4326), 0.01), 0.005)))) AS area
        FROM retail.sales_order o
            JOIN retail.fulfilment_order f ON f.order_id = o.id
        WHERE o.placed_at > retail.now() - interval '28 days' AND o.longitude IS NOT NULL
            AND f.state IN ('shipped', 'delivered', 'collected')
        GROUP BY f.location_id
    ) d ON d.location_id = w.id
WHERE z.area IS NOT NULL OR d.area IS NOT NULL;
COMMENT ON VIEW retail_bi.catchment IS
'The area each location serves, as polygons: its delivery zones, or else the hull of where its parcels went in the last 28 days.
One row per location that has either.';
COMMENT ON COLUMN retail_bi.catchment.location_key IS 'Key, for tools that want one of eight bytes.';
COMMENT ON COLUMN retail_bi.catchment.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.catchment.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.catchment.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.catchment.source IS 'zones: its delivery zones, for whichever service; served: it has none, and this is where its parcels went.';
COMMENT ON COLUMN retail_bi.catchment.parcels IS 'Parcels it sent or handed over, of orders of the last 28 days with a destination; NULL: none.';
COMMENT ON COLUMN retail_bi.catchment.geom IS 'The area, WGS-84. Of served: the convex hull of squares of 0.01 degrees around the destinations.';
