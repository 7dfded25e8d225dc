-- The files of head office, and the labels that will be told.

-- What the story sells is there.
INSERT INTO demo.tally (phase, call, outcome, lines, units)
SELECT 'stock for the campaign', 'receive_lines', r.outcome, count(*), 12 * count(*)
FROM retail.receive_lines(ARRAY(
    SELECT ROW (d.sku, x.location, 12, NULL, NULL)::retail.receipt_line FROM demo.dearer AS d CROSS JOIN LATERAL (VALUES (d.location), (d.other)) AS x (location)
    UNION ALL
    SELECT ROW (w.sku, b.location, 12, NULL, NULL)::retail.receipt_line FROM demo.basket_618 AS b CROSS JOIN LATERAL unnest(b.lines) AS w), ref => '618') AS r
GROUP BY r.outcome;

SELECT set_config('pg_retail.clock', (midnight - interval '45 days' + interval '10 hours')::text, false) FROM demo.campaign \g /dev/null

CREATE VIEW demo.base_file AS
SELECT k.id AS sku_id, c.currency, b.amount, tstzrange(c.midnight - interval '45 days' + interval '12 hours', NULL) AS valid
FROM demo.campaign AS c, demo.base_list AS b
JOIN retail.sku AS k ON k.code = b.sku
ORDER BY k.id;

-- The mini-program is 3 % below the base price, the live stream 5 %.  Of what
-- will be on offer six cost 7 % less each in the mini-program, and members of
-- tier gold pay 6 % less.
CREATE VIEW demo.channel_file AS
SELECT f.sku_id, l.id AS channel_id, f.currency, given.kind, given.tier, given.min_qty, greatest(round(f.amount * given.share, 2), 0.01) AS amount, f.valid
FROM demo.base_file AS f
CROSS JOIN (VALUES ('miniapp', 'list', '', 1, 0.97), ('live', 'list', '', 1, 0.95), ('miniapp', 'list', '', 6, 0.93), ('miniapp', 'member', 'gold', 1, 0.94))
    AS given (channel, kind, tier, min_qty, share)
JOIN retail.channel AS l ON l.code = given.channel
WHERE given.kind = 'list' AND given.min_qty = 1 OR f.sku_id IN (SELECT k.id FROM demo.offer AS o JOIN retail.sku AS k ON k.code = o.sku)
ORDER BY f.sku_id, l.id, given.kind, given.min_qty;

-- Up to a thousand prices for the guides' tablets, of which one is a third too
-- high.
CREATE VIEW demo.bad_file AS
SELECT f.sku_id, l.id AS channel_id, f.currency, CASE WHEN f.n = 200 THEN round(f.amount * 1.35 + 0.01, 2) ELSE f.amount END AS amount, f.valid
FROM (SELECT b.*, row_number() OVER (ORDER BY b.sku_id) AS n FROM demo.base_file AS b) AS f
JOIN retail.channel AS l ON l.code = 'tablet'
WHERE f.n <= 1000
ORDER BY f.sku_id;

INSERT INTO demo.label (location, channel, sku)
SELECT x.location, l.code, o.sku
FROM demo.shown_at AS x
CROSS JOIN retail.channel AS l
CROSS JOIN (SELECT sku FROM demo.offer UNION SELECT sku FROM demo.dearer) AS o;
ANALYZE demo.label;

INSERT INTO demo.round VALUES
    (1, 'the prices of the year'),
    (2, 'the campaign, ten days ahead'),
    (3, 'on the day at 9:40'),
    (4, 'a price is put right');

-- What a SKU costs at least: 70 % of the base price, and a margin of 5 % on that.
INSERT INTO retail.price_floor (sku_id, currency, cost, margin_percent)
SELECT k.id, c.currency, round(b.amount * 0.7, 4), 5
FROM demo.campaign AS c, demo.offer AS o
JOIN demo.base_list AS b USING (sku)
JOIN retail.sku AS k ON k.code = o.sku;

-- The same price, another service.
INSERT INTO retail.service_pack (channel_id, code, name, returns_days, delivery)
SELECT l.id, given.code, given.name, given.returns_days, given.delivery
FROM (VALUES ('shop', 'counter', 'Over the counter', 7, NULL::text), ('tablet', 'guided', 'Advice, sent home', 15, 'free'),
             ('miniapp', 'collect', 'Collect today', 7, 'free to the store'), ('live', 'stream', 'Sent tomorrow', 7, 'free from 99')) AS given (channel, code, name, returns_days, delivery)
JOIN retail.channel AS l ON l.code = given.channel;
