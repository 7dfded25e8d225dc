-- What happened, in tables a person can read; then the claims.

\ir ../layout.sql
SET TimeZone = 'America/New_York';

INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
SELECT 'flash sale', 'reserve', outcome, count(*), count(*), count(*)
FROM demo.buyer
GROUP BY outcome
UNION ALL
SELECT 'flash sale', 'confirm', 'committed', count(*), count(*), coalesce(sum(qty), 0)
FROM retail.reservation
WHERE order_ref = 'FLASH'
UNION ALL
SELECT 'flash sale', 'release', r.status, count(*), count(*), sum(r.qty)
FROM demo.buyer AS b
JOIN retail.reservation AS r ON r.id = b.reservation_id
WHERE r.status = 'released'
GROUP BY r.status;

\pset title 'What was loaded'
SELECT (SELECT count(*) FROM retail.location) AS locations,
       (SELECT count(*) FROM demo.store) AS "of these, stores of the chain",
       (SELECT count(*) FROM retail.product) AS products,
       (SELECT count(*) FROM retail.sku) AS skus,
       (SELECT count(*) FROM retail.stock) AS "stock rows",
       (SELECT sum(d.on_hand) FROM demo.seed AS d JOIN demo.sku AS k ON k.code = d.sku WHERE NOT k.petrol) AS "pieces seeded";

\pset title 'What was done with each line of the till'
SELECT verdict, count(*) AS lines, sum(qty) AS quantity
FROM demo.line
GROUP BY verdict
ORDER BY count(*) DESC, verdict;

\pset title 'Every kind of call, and how it was answered (a call with lines answers each line)'
SELECT phase, call, outcome, sum(calls) AS calls, sum(lines) AS lines, sum(units) AS units
FROM demo.tally
GROUP BY phase, call, outcome
ORDER BY min(CASE phase WHEN 'replay' THEN 1 WHEN 'asking the sold out' THEN 2 WHEN 'flash sale' THEN 3 ELSE 4 END), call, sum(lines) DESC, outcome;

\pset title 'The ten busiest stores of the year'
SELECT l.code, l.name, count(DISTINCT m.ref) FILTER (WHERE m.kind = 'sale') AS receipts,
       count(DISTINCT r.order_ref) AS "orders collected",
       sum(-m.on_hand_delta) FILTER (WHERE k.unit = 'piece') AS pieces,
       round(sum(-m.on_hand_delta) FILTER (WHERE k.unit <> 'piece') / 1000) AS "gallons of petrol"
FROM retail.movement AS m
JOIN retail.location AS l ON l.id = m.location_id
JOIN retail.sku AS k ON k.id = m.sku_id
LEFT JOIN retail.reservation AS r ON r.id = m.reservation_id
WHERE m.kind IN ('sale', 'shipment') AND m.occurred_at <= (SELECT midnight FROM demo.order_day)
GROUP BY l.id
ORDER BY count(*) DESC, l.code
LIMIT 10;

\pset title 'The flash sale: 64 sessions, one SKU, one store'
SELECT l.name AS store, k.name AS sku, f.stock,
       (SELECT count(*) FROM demo.buyer) AS buyers,
       (SELECT count(*) FROM demo.buyer WHERE outcome = 'held') AS "got one",
       (SELECT units FROM demo.tally WHERE phase = 'flash sale' AND call = 'release') AS "gave it back",
       (SELECT sum(qty) FROM retail.reservation WHERE order_ref = 'FLASH' AND status = 'consumed') AS sold,
       retail.available(f.sku, f.location) AS left,
       (SELECT count(*) FROM demo.buyer WHERE outcome <> 'held') AS refused
FROM demo.flash AS f
JOIN retail.sku AS k ON k.code = f.sku
JOIN retail.location AS l ON l.code = f.location;

\pset title 'Refused buyers, by the word they were given'
SELECT outcome, count(*) AS buyers
FROM demo.buyer
WHERE outcome <> 'held'
GROUP BY outcome
ORDER BY outcome;

\pset title 'Sold-out flags'
SELECT (SELECT count(*) FROM demo.seed WHERE on_hand = asked) AS "stocks seeded with the year's demand",
       (SELECT count(*) FROM retail.sold_out WHERE sellable_floor = -1) AS "stocks flagged sold out",
       (SELECT count(*) FROM retail.outbox WHERE topic = 'sold_out') AS "flips announced in the outbox",
       (SELECT string_agg(c ->> 'channel', ', ' ORDER BY c ->> 'channel')
        FROM demo.flash AS f
        JOIN retail.sku AS k ON k.code = f.sku
        JOIN retail.location AS l ON l.code = f.location
        JOIN retail.outbox AS o ON o.sku_id = k.id AND o.location_id = l.id AND o.topic = 'sold_out'
        CROSS JOIN LATERAL jsonb_array_elements(o.payload -> 'channels') AS c
        WHERE (c ->> 'sold_out')::boolean) AS "flash sale announced sold out for";

\pset title 'Too late for the flash sale: the five nearest stores that have it'
SELECT l.code, l.name, round((public.st_distance(l.geog, here.geog) / 1000)::numeric, 1) AS km,
       retail.available(f.sku, l.code, 'miniapp') AS available
FROM demo.flash AS f
JOIN retail.location AS here ON here.code = f.location
CROSS JOIN LATERAL (
    SELECT near.code, near.name, near.geog
    FROM retail.location AS near
    WHERE retail.available(f.sku, near.code, 'miniapp') > 0
    ORDER BY near.geog OPERATOR(public.<->) here.geog
    LIMIT 5
) AS l;

\pset title 'The network''s stock of it as one value'
SELECT retail.total(p) AS units, retail.locations(p) AS locations, retail.fewest(p, 500) AS "parcels for 500"
FROM demo.flash, retail.pool(sku, 'miniapp') AS p;

-- The claims.
INSERT INTO demo.checked (claim, wanted, found)
SELECT 'locations loaded = points in the file', count(*), (SELECT count(*) FROM retail.location)
FROM demo.point
UNION ALL
SELECT 'lines played + lines left out = lines in the file', count(*),
       (SELECT sum(b.n) FROM demo.basket AS b) + (SELECT count(*) FROM demo.line WHERE verdict LIKE 'left out%')
FROM demo.till_line;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'units sold and shipped in the year = units played', sum(qty),
       (SELECT -sum(m.on_hand_delta)
        FROM retail.movement AS m
        WHERE m.kind IN ('sale', 'shipment') AND m.occurred_at <= (SELECT midnight FROM demo.order_day))
FROM demo.line
WHERE verdict LIKE 'played%';

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'stocks whose units on hand are not what was seeded plus what moved', 0, count(*)
FROM (SELECT k.id AS sku_id, l.id AS location_id, d.on_hand
      FROM demo.seed AS d
      JOIN retail.sku AS k ON k.code = d.sku
      JOIN retail.location AS l ON l.code = d.location) AS d
FULL JOIN (SELECT sku_id, location_id, sum(on_hand_delta) AS moved FROM retail.movement GROUP BY sku_id, location_id) AS m
    USING (sku_id, location_id)
FULL JOIN retail.stock AS s USING (sku_id, location_id)
WHERE s.on_hand IS DISTINCT FROM coalesce(d.on_hand, 0) + coalesce(m.moved, 0);

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'tills and orders that were refused, in a year with stock enough', 0, coalesce(sum(lines), 0)
FROM demo.tally
WHERE phase = 'replay' AND outcome NOT LIKE 'sold%' AND outcome NOT LIKE 'held%' AND outcome NOT IN ('committed', 'consumed');

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'receipts sent twice that moved stock twice', 0, count(*)
FROM (SELECT
      FROM demo.basket AS b
      JOIN retail.movement AS m ON m.ref = 'T' || b.basket_id AND m.kind = 'sale'
      WHERE b.way = 'till'
      GROUP BY m.ref, m.sku_id
      HAVING count(*) > 1) AS twice;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'sold-out stocks that still took an order', 0, coalesce(sum(lines), 0)
FROM demo.tally
WHERE phase = 'asking the sold out' AND outcome <> 'insufficient';

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
