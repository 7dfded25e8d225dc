-- What happened, in tables a person can read; then the claims.

\ir ../layout.sql
SET TimeZone = 'Asia/Shanghai';

INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
SELECT CASE WHEN at < midnight + interval '20 hours' THEN 'the day: until 20:00' ELSE 'the day: from 20:00' END,
       call, outcome,
       count(DISTINCT (at, ref, CASE WHEN call IN ('confirm', 'release', 'cancel') THEN id END)), count(*), sum(coalesce(qty, 0))
FROM demo.log, demo.calendar
WHERE call <> '-'
GROUP BY 1, 2, 3;

WITH fared AS (
    SELECT CASE wave WHEN 1 THEN 'flash sale: first rush' ELSE 'flash sale: second rush' END AS phase, b.outcome, r.order_ref
    FROM demo.buyer AS b
    LEFT JOIN retail.reservation AS r ON r.id = b.reservation_id
)
INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
SELECT phase, 'reserve', outcome, count(*), count(*), count(*)
FROM fared
GROUP BY phase, outcome
UNION ALL
SELECT phase, 'confirm', 'committed', count(*), count(*), count(*)
FROM fared
WHERE order_ref = 'FLASH'
GROUP BY phase;

\pset title 'The chain'
SELECT (SELECT count(*) FROM retail.location WHERE kind = 'store') AS stores,
       (SELECT count(*) FROM retail.location WHERE kind = 'warehouse') AS warehouses,
       (SELECT count(*) FROM retail.sku) AS skus,
       (SELECT count(*) FROM retail.channel) AS channels,
       (SELECT count(*) FROM retail.stock) AS "stock rows",
       (SELECT sum(on_hand_delta) FROM retail.movement WHERE ref LIKE 'DN-%') AS "units received the evening before";

\pset title 'Every kind of call, and how it was answered (a call with lines answers each line)'
SELECT split_part(phase, ':', 1) AS phase, call, outcome,
       sum(calls) AS calls, sum(lines) AS lines, sum(units) AS units
FROM demo.tally
GROUP BY split_part(phase, ':', 1), call, outcome
ORDER BY min(CASE WHEN phase = 'opening stock' THEN 1 WHEN phase LIKE 'the day%' THEN 2 ELSE 3 END), call, sum(lines) DESC, outcome;

\pset title 'Units that left, by channel and time of day'
SELECT c.code AS channel,
       coalesce(sum(-m.on_hand_delta) FILTER (WHERE h < 12), 0) AS "until noon",
       coalesce(sum(-m.on_hand_delta) FILTER (WHERE h >= 12 AND h < 17), 0) AS "12 to 17",
       coalesce(sum(-m.on_hand_delta) FILTER (WHERE h >= 17), 0) AS "after 17",
       sum(-m.on_hand_delta) AS units,
       count(DISTINCT m.location_id) AS locations
FROM retail.movement AS m
JOIN retail.channel AS c ON c.id = m.channel_id
CROSS JOIN LATERAL extract(hour FROM m.occurred_at) AS h
WHERE m.kind IN ('sale', 'shipment')
GROUP BY c.code
ORDER BY sum(-m.on_hand_delta) DESC;

\pset title 'The five busiest stores'
SELECT l.code, l.name, count(DISTINCT m.ref) AS "receipts and orders", sum(-m.on_hand_delta) AS units
FROM retail.movement AS m
JOIN retail.location AS l ON l.id = m.location_id
WHERE m.kind IN ('sale', 'shipment') AND l.kind = 'store'
GROUP BY l.id
ORDER BY units DESC, l.code
LIMIT 5;

\pset title 'The flash sale at 20:00 in the live stream: 64 sessions, one SKU, one warehouse'
SELECT CASE wave WHEN 1 THEN '20:00  first rush, some never pay' ELSE '20:16  second rush, unpaid holds have lapsed' END AS wave,
       count(*) AS buyers,
       count(*) FILTER (WHERE outcome = 'held') AS held,
       count(*) FILTER (WHERE r.order_ref = 'FLASH') AS paid,
       count(*) FILTER (WHERE r.status IN ('held', 'expired')) AS lapsed,
       count(*) FILTER (WHERE outcome = 'insufficient') AS "sold out",
       count(*) FILTER (WHERE outcome = 'busy') AS busy
FROM demo.buyer AS b
LEFT JOIN retail.reservation AS r ON r.id = b.reservation_id
GROUP BY wave
ORDER BY wave;

\pset title 'It sold exactly what was there'
SELECT f.sku, f.stock,
       (SELECT sum(qty) FROM retail.reservation WHERE order_ref = 'FLASH' AND status = 'consumed') AS sold,
       retail.available(f.sku, f.location) AS left,
       (SELECT string_agg(o.channel, ', ' ORDER BY o.channel)
        FROM retail_bi.sold_out AS o
        WHERE o.sku = f.sku AND o.location = f.location) AS "flagged sold out for"
FROM demo.flash AS f;

\pset title 'Promises that cannot be kept: somebody must call'
SELECT to_char(s.created_at, 'HH24:MI') AS at, k.name AS sku, l.name AS store, m.kind AS "because of", s.qty AS short,
       string_agg(coalesce(r.order_ref, r.holder), ', ' ORDER BY r.id DESC) AS "orders and holds"
FROM retail.shortage AS s
JOIN retail.sku AS k ON k.id = s.sku_id
JOIN retail.location AS l ON l.id = s.location_id
JOIN retail.movement AS m ON m.id = s.movement_id
LEFT JOIN retail.reservation AS r ON r.id = ANY (s.reservations)
GROUP BY s.id, k.name, l.name, m.kind
ORDER BY s.id
LIMIT 10;

\pset title 'Returns, by what became of the goods'
SELECT reason AS disposition, count(*) AS returns, sum(on_hand_delta) AS "units back", sum(on_hand_delta - unavailable_delta) AS "for sale again"
FROM retail_bi.movement
WHERE kind = 'return'
GROUP BY reason
ORDER BY returns DESC, reason;

\pset title 'The ledger, by kind of movement'
SELECT kind, coalesce(CASE WHEN kind = 'block' AND reason <> 'expired' THEN 'damaged' WHEN kind <> 'return' THEN reason END, '-') AS reason,
       count(*) AS movements, sum(on_hand_delta) AS "on hand", sum(unavailable_delta) AS "not for sale"
FROM retail_bi.movement
GROUP BY 1, 2
ORDER BY movements DESC, kind, reason;

\pset title 'Sold out at the end of the day, per channel (the mini-program leaves two of everything in a store)'
SELECT channel_name AS channel, count(*) AS stocks, count(DISTINCT location_id) AS locations, count(DISTINCT sku_id) AS skus
FROM retail_bi.sold_out
GROUP BY channel_name
ORDER BY stocks DESC, channel_name;

\pset title 'Reservations of the day, by what became of them'
SELECT c.code AS channel, r.status, count(*) AS reservations, sum(r.qty) AS units
FROM retail.reservation AS r
JOIN retail.channel AS c ON c.id = r.channel_id
GROUP BY c.code, r.status
ORDER BY c.code, sum(r.qty) DESC, r.status;

\pset title 'A customer at the West Lake wants the flash sale''s rice after all: the five nearest that have some'
SELECT l.code, l.name, l.kind, round((public.st_distance(l.geog, here.geog) / 1000)::numeric, 1) AS km,
       retail.available(f.sku, l.code, 'miniapp') AS "for the mini-program",
       retail.available(f.sku, l.code, 'shop') AS "over the counter"
FROM demo.flash AS f
CROSS JOIN (SELECT public.st_setsrid(public.st_makepoint(120.1486, 30.2420), 4326)::public.geography AS geog) AS here
CROSS JOIN retail.location AS l
WHERE retail.available(f.sku, l.code, 'miniapp') > 0
ORDER BY l.geog OPERATOR(public.<->) here.geog
LIMIT 5;

\pset title 'The network''s stock of it as one value'
SELECT channel AS "as sold through", retail.total(p) AS units, retail.locations(p) AS locations, retail.fewest(p, 300) AS "parcels for 300"
FROM demo.flash, unnest('{shop,miniapp}'::text[]) AS channel
CROSS JOIN LATERAL retail.pool(sku, channel) AS p;

\pset title 'Told to other systems through the outbox'
SELECT topic, count(*) AS events, count(DISTINCT (sku_id, location_id)) AS stocks
FROM retail.outbox
GROUP BY topic
ORDER BY topic;

-- The claims.
INSERT INTO demo.checked (claim, wanted, found)
SELECT 'flash sale: units sold = units in stock', stock,
       (SELECT coalesce(sum(qty), 0) FROM retail.reservation WHERE order_ref = 'FLASH' AND status = 'consumed')
FROM demo.flash
UNION ALL
SELECT 'flash sale: units left', 0, retail.available(sku, location)
FROM demo.flash
UNION ALL
SELECT 'flash sale: buyers = held + refused', count(*), count(*) FILTER (WHERE outcome IN ('held', 'insufficient', 'busy'))
FROM demo.buyer;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'the ledger adds up to the stock, SKU by SKU and location by location', 0, count(*)
FROM (SELECT sku_id, location_id, sum(on_hand_delta) AS on_hand, sum(unavailable_delta) AS unavailable
      FROM retail.movement
      GROUP BY sku_id, location_id) AS m
FULL JOIN retail.stock AS s USING (sku_id, location_id)
WHERE (m.on_hand, m.unavailable) IS DISTINCT FROM (s.on_hand::numeric, s.unavailable::numeric);

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'units consumed = units shipped', coalesce(sum(qty), 0),
       (SELECT coalesce(-sum(on_hand_delta), 0) FROM retail.movement WHERE kind IN ('shipment', 'sale') AND reservation_id IS NOT NULL)
FROM retail.reservation
WHERE status = 'consumed';
