-- What must be true after the day of orders, whatever the seed.

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'orders: placed + refused = wanted', count(*),
       (SELECT count(DISTINCT ref) FROM demo.call WHERE call = 'place_order' AND ref <> 'PICKUP-1')
FROM demo.wanted
UNION ALL
SELECT 'orders: parcels as place_order() made them and route() had said: all orders', count(*), count(*) FILTER (WHERE kept)
FROM demo.kept_word;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'orders: nearest-first would have filled more lines', 0, count(*)
FROM demo.plan AS o
JOIN demo.plan AS n USING (ref)
WHERE o.planner = 'route()' AND n.planner = 'nearest-first' AND n.filled > o.filled
UNION ALL
SELECT 'orders: as many lines and promises, nearest-first in fewer parcels or by a shorter way', 0, count(*)
FROM demo.plan AS o
JOIN demo.plan AS n USING (ref)
WHERE o.planner = 'route()' AND n.planner = 'nearest-first'
    AND o.filled = o.lines AND n.filled = n.lines AND n.kept >= o.kept
    AND NOT n.splits        -- route() splits a line only where nobody has all of it
    AND (n.parcels < o.parcels OR n.parcels = o.parcels AND n.metres < o.metres - 0.01);

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'orders: units ordered = shipped + cancelled + waiting + in open parcels', sum(l.qty),
       sum(l.shipped_qty + l.cancelled_qty + l.backordered_qty)
           + (SELECT coalesce(sum(f.units), 0) FROM retail_bi.fulfilment_order AS f WHERE f.open)
FROM retail_bi.order_line AS l
UNION ALL
SELECT 'orders: units that left stock = units shipped and collected', sum(l.shipped_qty),
       (SELECT -sum(m.on_hand_delta) FROM retail.movement AS m, demo.before AS b WHERE m.id > b.last_movement AND m.kind IN ('shipment', 'sale') AND m.reservation_id IS NOT NULL)
FROM retail_bi.order_line AS l
UNION ALL
SELECT 'orders: units on hand before + received + returned - scrapped - shipped = on hand', sum(s.on_hand),
       (SELECT b.on_hand + (SELECT sum(c.units) FROM demo.call AS c WHERE c.call = 'receive')
               + (SELECT sum(c.units) FROM demo.call AS c WHERE c.call = 'return_order' AND c.outcome = 'returned')
               - (SELECT coalesce(sum(r.qty), 0) FROM retail.order_return AS r WHERE r.disposition = 'scrap')
               - (SELECT sum(l.shipped_qty) FROM retail_bi.order_line AS l)
        FROM demo.before AS b)
FROM retail.stock AS s
UNION ALL
SELECT 'orders: promises that could not be kept for want of stock', b.shortages, (SELECT count(*) FROM retail.shortage)
FROM demo.before AS b;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'pickup: every step answered as it must be', count(*), count(*) FILTER (WHERE t.outcome = s.answers)
FROM demo.pickup_script AS s
LEFT JOIN demo.pickup_told AS t USING (step)
UNION ALL
SELECT 'pickup: units that left with the right code', min(p.qty),
       max(t.on_hand) FILTER (WHERE t.step = 'wrong store') - max(t.on_hand) FILTER (WHERE t.step = 'collect')
FROM demo.pickup AS p, demo.pickup_told AS t;
