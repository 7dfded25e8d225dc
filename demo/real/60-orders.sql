-- A day of orders after the year: real baskets, near the stores where they
-- were bought, at hours of the day where the shopper is.  The files say nothing of
-- opening hours, of services, or of what the points around a store carry:
-- rules for these are here.

SET TimeZone = 'America/New_York';

INSERT INTO retail.channel (code, name, kind, hold_ttl) VALUES
    ('tablet', 'Guide''s tablet in the shop', 'store', interval '30 minutes');

INSERT INTO demo.order_day
SELECT (max(day) + 1)::timestamp AT TIME ZONE 'America/New_York', 'America/New_York'
FROM demo.basket;

-- One location of three never closes, another has a break at noon, the third
-- does not.  One of twelve stores of the chain takes four parcels a day.
UPDATE retail.location SET
    services = '{pickup,instant,same_day,express}',
    opening_hours = CASE demo.pick('hours of ' || code, 3)
        WHEN 2 THEN (SELECT jsonb_object_agg(day, '[["06:30", "12:30"], ["13:00", "22:30"]]'::jsonb) FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) AS day)
        WHEN 3 THEN (SELECT jsonb_object_agg(day, '[["06:00", "23:00"]]'::jsonb) FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) AS day)
    END,
    daily_capacity = CASE WHEN code IN (SELECT location FROM demo.store) AND demo.pick('capacity of ' || code, 12) = 1 THEN 4 END;

-- 1,200 baskets of two articles and more, without petrol.
CREATE TABLE demo.drawn AS
SELECT b.basket_id, b.n, b.lines, b.lines[1].location AS store, 'O' || b.basket_id AS ref
FROM demo.basket AS b
WHERE b.n > 1 AND NOT b.petrol
ORDER BY demo.draw('ordered ' || b.basket_id), b.basket_id
LIMIT 1200;

-- Before the first order, what will be asked for is spread: the eight locations
-- next to a store of the chain each get one to three units of six articles of
-- ten, and so does the store itself.
SELECT set_config('pg_retail.clock', (midnight + interval '1 minute')::text, false) FROM demo.order_day \g /dev/null
CREATE TABLE demo.spread AS
SELECT l.code AS location,
       array_agg(ROW (a.sku, l.code, demo.pick(format('spread %s %s', l.code, a.sku), 3))::retail.line ORDER BY a.sku) AS lines
FROM (SELECT DISTINCT d.store, w.sku FROM demo.drawn AS d CROSS JOIN LATERAL unnest(d.lines) AS w) AS a
JOIN retail.location AS s ON s.code = a.store
CROSS JOIN LATERAL (
    SELECT near.code
    FROM retail.location AS near
    ORDER BY near.geog OPERATOR(public.<->) s.geog
    LIMIT 9
) AS l
WHERE demo.draw(format('carries %s %s', l.code, a.sku)) < 0.6
GROUP BY l.code;

-- A delivery is one call and one transaction.
CREATE PROCEDURE demo.spread_out()
LANGUAGE plpgsql AS $$
DECLARE
    delivery retail.receipt_line[];
BEGIN
    FOR delivery IN
        SELECT array_agg(ROW (w.sku, w.location, w.qty, NULL, NULL)::retail.receipt_line ORDER BY w.sku)
        FROM demo.spread AS s
        CROSS JOIN LATERAL unnest(s.lines) AS w
        GROUP BY s.location
        ORDER BY s.location
    LOOP
        INSERT INTO demo.call
        SELECT retail.now(), 'receive_lines', r.outcome, NULL, NULL, count(*), sum(delivery[r.nr].qty)
        FROM retail.receive_lines(delivery, ref => 'SPREAD')
            WITH ORDINALITY AS r (outcome, movement_id, on_hand, available, replayed, unrecorded_qty, shortage_qty, nr)
        GROUP BY r.outcome;
        COMMIT;
    END LOOP;
END
$$;
CALL demo.spread_out();
ANALYZE retail.stock;

-- Shoppers live within four kilometres of the store where they bought, most of
-- them nearer; who orders on a guide's tablet stands in it.
INSERT INTO demo.wanted
SELECT o.ref,
       (c.midnight AT TIME ZONE c.zone + o.hour) AT TIME ZONE l.time_zone,
       o.channel, o.service,
       (SELECT array_agg(ROW (w.sku, NULL, w.qty)::retail.line ORDER BY w.sku) FROM unnest(o.lines) AS w),
       l.longitude + CASE o.channel WHEN 'tablet' THEN 0 ELSE o.km * cos(o.angle) / (111.32 * cos(radians(l.latitude))) END,
       l.latitude + CASE o.channel WHEN 'tablet' THEN 0 ELSE o.km * sin(o.angle) / 110.57 END,
       CASE o.service WHEN 'pickup' THEN o.store END,
       format('M%s', demo.pick(o.ref || ' member', 900)),
       '{}',
       CASE o.channel WHEN 'tablet' THEN jsonb_build_object('guide', 'G' || o.store, 'backorder', true) ELSE '{}' END,
       demo.fate(o.ref)
FROM demo.order_day AS c,
     (SELECT d.*,
             4 * demo.draw(ref || ' km') AS km,
             2 * pi() * demo.draw(ref || ' angle') AS angle,
             demo.order_hour(ref) AS hour,
             demo.order_channel(ref) AS channel,
             demo.order_service(ref) AS service
      FROM demo.drawn AS d) AS o
JOIN retail.location AS l ON l.code = o.store;

-- The pickup that is told step by step: an article nobody else asks for today,
-- in a store that is always open.
INSERT INTO demo.pickup (sku, qty, store, other_store, longitude, latitude)
SELECT k.code, 2, l.code, o.code, l.longitude + 0.011, l.latitude - 0.006
FROM retail.stock AS s
JOIN retail.sku AS k ON k.id = s.sku_id
JOIN retail.location AS l ON l.id = s.location_id
JOIN demo.store AS c ON c.location = l.code
CROSS JOIN LATERAL (
    SELECT near.code
    FROM retail.location AS near
    WHERE near.id <> l.id
    ORDER BY near.geog OPERATOR(public.<->) l.geog
    LIMIT 1
) AS o
WHERE s.on_hand BETWEEN 6 AND 20 AND l.opening_hours IS NULL AND l.daily_capacity IS NULL
    AND NOT EXISTS (SELECT FROM demo.drawn AS d CROSS JOIN LATERAL unnest(d.lines) AS w WHERE w.sku = k.code)
ORDER BY demo.draw(format('pickup %s %s', k.code, l.code))
LIMIT 1;
CALL demo.open_list();
CALL demo.open_pickup();
ANALYZE demo.wanted, demo.todo;
