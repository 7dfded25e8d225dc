-- The day after: orders, from what the day before has left.  The mini-program
-- knows the shopper by a Chinese map, so its coordinates are in that map's
-- datum; the live stream is served from the warehouses, everything else from
-- the whole network.

SET TimeZone = 'Asia/Shanghai';

INSERT INTO demo.order_day
SELECT midnight + interval '1 day', 'Asia/Shanghai'
FROM demo.calendar;
SELECT set_config('pg_retail.clock', midnight::text, false) FROM demo.order_day \g /dev/null

INSERT INTO retail.channel (code, name, kind, hold_ttl) VALUES
    ('tablet', 'Guide''s tablet in the shop', 'store', interval '30 minutes');

INSERT INTO retail.channel_routing (channel_id, source)
SELECT id, 'listed'
FROM retail.channel
WHERE code = 'live';
INSERT INTO retail.channel_source (channel_id, location_id)
SELECT c.id, l.id
FROM retail.channel AS c, retail.location AS l
WHERE c.code = 'live' AND l.kind = 'warehouse';

-- One store of twelve never closes, one of twelve takes three parcels a day.
UPDATE retail.location SET
    services = CASE kind WHEN 'warehouse' THEN '{same_day,express}'::text[] ELSE '{pickup,instant,same_day,express}' END,
    opening_hours = CASE WHEN demo.pick('by night ' || code, 12) > 1 THEN opening_hours END,
    daily_capacity = CASE WHEN kind = 'store' AND demo.pick('capacity of ' || code, 12) = 1 THEN 3 END;

-- Couriers of the stores south of the river do not cross it.
INSERT INTO retail.delivery_zone (location_id, service_id, name, area)
SELECT l.id, v.id, 'South of the Qiantang',
       'SRID=4326;MULTIPOLYGON(((120.05 30.05, 120.08 30.15, 120.15 30.19, 120.19 30.225, 120.24 30.245, 120.30 30.28, 120.40 30.31, 120.45 30.05, 120.05 30.05)))'
FROM retail.location AS l, retail.service AS v
WHERE l.kind = 'store' AND (l.name LIKE 'Binjiang%' OR l.name LIKE 'Xiaoshan%') AND v.code = 'instant';

-- The popular SKUs more often; the shopper asks for them wherever they are.
CREATE TABLE demo.asked AS
SELECT row_number() OVER (ORDER BY sum(1.0 / rank) DESC, sku) AS rank, sku
FROM demo.shelf
GROUP BY sku;
ALTER TABLE demo.asked ADD PRIMARY KEY (rank);

INSERT INTO demo.wanted
SELECT o.ref, c.midnight + o.hour, o.channel, o.service,
       (SELECT array_agg(ROW (w.sku, NULL, w.qty)::retail.line ORDER BY w.sku)
        FROM (SELECT a.sku, demo.pick(format('%s qty %s', o.ref, a.sku), 2)::bigint AS qty
              FROM generate_series(1, 1 + floor(6 * demo.draw(o.ref || ' lines') ^ 1.5)::integer) AS k
              JOIN demo.asked AS a ON a.rank = 1 + floor((SELECT count(*) FROM demo.asked) * demo.draw(format('%s wish %s', o.ref, k)) ^ 1.5)::integer
              GROUP BY a.sku) AS w),
       l.longitude + CASE o.channel WHEN 'tablet' THEN 0 ELSE o.km * cos(o.angle) / (111.32 * cos(radians(l.latitude))) END,
       l.latitude + CASE o.channel WHEN 'tablet' THEN 0 ELSE o.km * sin(o.angle) / 110.57 END,
       CASE o.service WHEN 'pickup' THEN l.code END,
       format('M%s', demo.pick(o.ref || ' member', 600)),
       CASE o.channel WHEN 'miniapp' THEN jsonb '{"datum": "GCJ-02"}' ELSE '{}' END,
       CASE o.channel WHEN 'tablet' THEN jsonb_build_object('guide', 'G-' || l.code, 'backorder', true) ELSE '{}' END,
       demo.fate(o.ref)
FROM demo.order_day AS c,
     (SELECT ref,
             3 * demo.draw(ref || ' km') AS km,
             2 * pi() * demo.draw(ref || ' angle') AS angle,
             demo.order_hour(ref) AS hour,
             demo.order_channel(ref) AS channel,
             demo.order_service(ref) AS service
      FROM generate_series(1, 1000) AS k
      CROSS JOIN LATERAL format('D-%s', lpad(k::text, 4, '0')) AS ref) AS o
JOIN retail.location AS l ON l.code = format('S%s', lpad(demo.pick(o.ref || ' store', 60)::text, 3, '0'));

-- The pickup that is told step by step: what few ask for.
INSERT INTO demo.pickup (sku, qty, store, other_store, longitude, latitude)
SELECT k.code, 2, l.code, o.code, l.longitude + 0.006, l.latitude - 0.003
FROM retail.stock AS s
JOIN retail.sku AS k ON k.id = s.sku_id
JOIN retail.location AS l ON l.id = s.location_id
CROSS JOIN LATERAL (
    SELECT near.code
    FROM retail.location AS near
    WHERE near.id <> l.id AND near.kind = 'store'
    ORDER BY near.geog OPERATOR(public.<->) l.geog
    LIMIT 1
) AS o
WHERE l.kind = 'store' AND l.daily_capacity IS NULL AND NOT k.lot_tracked AND retail.available(k.code, l.code, 'miniapp') >= 6
ORDER BY (SELECT a.rank FROM demo.asked AS a WHERE a.sku = k.code) DESC, demo.draw(format('pickup %s', l.code))
LIMIT 1;
CALL demo.open_list();
CALL demo.open_pickup();
ANALYZE demo.wanted, demo.todo;
