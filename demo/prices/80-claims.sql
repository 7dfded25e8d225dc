-- What must be true of the prices, whatever the seed.

ANALYZE retail.price, retail.base_price, retail.price_event, retail.outbox, retail.label_ack,
    demo.at_noon, demo.batch, demo.label, demo.store_list, demo.import_answer;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'prices: base prices and prices of channels sent = written', (SELECT count(*) FROM demo.base_file) + (SELECT count(*) FROM demo.channel_file),
       (SELECT count(*) FROM retail.base_price) + (SELECT count(*) FROM retail.price WHERE location_id = 0)
UNION ALL
SELECT 'prices: of a file with one price outside the band, rows written', 0, count(*)
FROM retail.price AS p
JOIN retail.channel AS c ON c.id = p.channel_id
WHERE c.code = 'tablet' AND p.kind = 'list';

-- The band once more, in plain SQL: a till's price is within 5 % of the base price.
INSERT INTO demo.checked (claim, wanted, found)
SELECT 'prices: lines of the stores'' file that are in order and in the band = written',
       count(*) FILTER (WHERE CASE WHEN f.amount ~ '^\d+(\.\d\d?0*)?$' THEN f.amount::numeric > 0 AND f.amount::numeric BETWEEN b.amount * 0.95 AND b.amount * 1.05 END
           AND f.channel = 'shop'),
       (SELECT sum(i.row_count) FROM demo.import_answer AS i WHERE i.outcome IN ('imported', 'unchanged') AND i.line_no IS NULL)
FROM demo.store_list AS f
LEFT JOIN demo.base_list AS b USING (sku)
UNION ALL
SELECT 'prices: lines of the stores'' file = written + refused, each with its reason', count(*),
       (SELECT sum(i.row_count) FROM demo.import_answer AS i WHERE i.outcome IN ('imported', 'unchanged') AND i.line_no IS NULL)
           + (SELECT count(*) FROM demo.import_answer AS i WHERE i.line_no IS NOT NULL)
FROM demo.store_list;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'campaign: touchpoints x SKUs = prices set', (SELECT count(*) FROM demo.shown_at) * (SELECT count(*) FROM retail.channel) * (SELECT count(*) FROM demo.offer), count(*)
FROM retail.price
WHERE campaign_id IS NOT NULL
UNION ALL
SELECT 'campaign: prices set = events in the outbox, one for each', count(*),
       (SELECT count(DISTINCT o.payload ->> 'price_id')
        FROM retail.outbox AS o
        JOIN retail.price AS p ON p.id = (o.payload ->> 'price_id')::bigint AND p.campaign_id IS NOT NULL
        WHERE o.topic = 'price' AND o.payload ->> 'kind' = 'promo' AND o.payload ->> 'change' = 'set')
FROM retail.price
WHERE campaign_id IS NOT NULL
UNION ALL
SELECT 'campaign: labels that show it and have said so, at noon', count(*), count(*) FILTER (WHERE n.acked AND n.kind = 'promo' AND n.version = e.version)
FROM demo.at_noon AS n
LEFT JOIN (
    SELECT k.code AS sku, l.code AS location, c.code AS channel, max(e.version) AS version
    FROM retail.price AS p
    JOIN retail.price_event AS e ON e.price_id = p.id AND NOT e.is_base
    JOIN retail.sku AS k ON k.id = p.sku_id
    JOIN retail.location AS l ON l.id = p.location_id
    JOIN retail.channel AS c ON c.id = p.channel_id
    WHERE p.campaign_id IS NOT NULL
    GROUP BY k.code, l.code, c.code
) AS e USING (sku, location, channel)
WHERE n.on_offer
UNION ALL
SELECT 'campaign: labels that show other than what is quoted there, at noon', 0, count(*)
FROM demo.at_noon
WHERE shown IS DISTINCT FROM price
UNION ALL
SELECT 'touchpoints: events of that time = different ones given out', (SELECT count(*) FROM retail.outbox WHERE id <= max(i)), count(DISTINCT i)
FROM demo.batch AS b
CROSS JOIN LATERAL unnest(b.ids) AS i;

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'prices: every step answered as it must be', count(*), count(*) FILTER (WHERE answer = wanted)
FROM demo.told
UNION ALL
SELECT 'forced price: settlements at it = frozen, and later released', count(*),
       count(*) FILTER (WHERE s.status = 'released' AND h.held_by IN ('controller', 'accounts') AND h.released_by = 'auditor')
FROM demo.receipt AS r
LEFT JOIN retail_bi.settlement AS s ON s.order_ref = r.ref AND s.channel = 'shop'
LEFT JOIN retail.settlement_hold AS h USING (settlement_order_id)
WHERE r.cause = 'dearer'
UNION ALL
SELECT 'forced price: settlements at other prices that were ever frozen', 0, count(*)
FROM demo.receipt AS r
JOIN retail_bi.settlement AS s ON s.order_ref = r.ref AND s.channel = 'shop'
JOIN retail.settlement_hold AS h USING (settlement_order_id)
WHERE r.cause <> 'dearer'
UNION ALL
SELECT 'scan: what the second one of the same day found anew', 0, sum(news)
FROM demo.scanned
WHERE nr = 2
UNION ALL
SELECT 'frozen quote: what was promised = what the order costs', (SELECT sum(line_amount + order_share) FROM demo.frozen WHERE shopper = 'Ann'), amount
FROM retail.order_amount('miniapp', '618-ANN')
UNION ALL
SELECT 'frozen quote: too late, and dearer now = told so', count(*), count(*) FILTER (WHERE live_price > unit_price)
FROM demo.answered
WHERE shopper = 'Bob' AND outcome = 'price_changed';
