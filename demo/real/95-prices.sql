-- What the chain asks for its goods, from the till lines: the shelf price is
-- what was paid, before the loyalty card's discount and what the chain adds to a
-- coupon, for one piece; of petrol, for a gallon.

SET TimeZone = 'America/New_York';

INSERT INTO demo.campaign
SELECT (make_date(extract(year FROM d)::integer + CASE WHEN d > make_date(extract(year FROM d)::integer, 6, 18) THEN 1 ELSE 0 END, 6, 18)::timestamp)
           AT TIME ZONE 'America/New_York',
       'America/New_York', 'USD'
FROM (SELECT (retail.now() AT TIME ZONE 'America/New_York')::date AS d) AS today;

UPDATE retail.sku SET price_per = 1000 WHERE unit = '0.001 gal';

CREATE TABLE demo.shelf_price AS
SELECT t.product_id AS sku, s.location, t.transaction_timestamp AS at,
       (t.sales_value + t.retail_disc + t.coupon_match_disc) * k.price_per / t.quantity AS amount
FROM demo.till_line AS t
JOIN demo.store AS s USING (store_id)
JOIN retail.sku AS k ON k.code = t.product_id
WHERE t.quantity BETWEEN 1 AND 100 AND k.price_per = 1 OR t.quantity > 100 AND k.price_per = 1000;
ANALYZE demo.shelf_price;

-- The base price is the median of the year, over all stores.  What is on hand
-- and was only ever given away gets one by the seed.
INSERT INTO demo.base_list
SELECT k.code, coalesce(p.amount, round((1 + 9 * demo.draw('price of ' || k.code))::numeric, 2))
FROM retail.sku AS k
LEFT JOIN (
    SELECT sku, percentile_disc(0.5) WITHIN GROUP (ORDER BY round(amount, 2)) AS amount
    FROM demo.shelf_price
    WHERE round(amount, 2) > 0
    GROUP BY sku
) AS p ON p.sku = k.code
WHERE p.amount IS NOT NULL OR EXISTS (SELECT FROM retail.stock AS s WHERE s.sku_id = k.id);

INSERT INTO demo.shown_at
SELECT location
FROM demo.store;

-- The best-sellers that cost a dollar or more.
INSERT INTO demo.offer
SELECT l.sku
FROM demo.line AS l
JOIN demo.base_list AS b USING (sku)
WHERE NOT l.petrol AND l.verdict LIKE 'played%' AND b.amount >= 1
GROUP BY l.sku
ORDER BY count(*) DESC, l.sku
LIMIT 30;

-- What each store asked last: the file.
INSERT INTO demo.store_list (sku, channel, location, amount)
SELECT sku, 'shop', location, CASE WHEN amount = round(amount, 2) THEN round(amount, 2) ELSE round(amount, 4) END
FROM (SELECT DISTINCT ON (sku, location) * FROM demo.shelf_price ORDER BY sku, location, at DESC, amount) AS last
ORDER BY location, sku;

-- A store that asked a tenth too much, of the article that it sold most; and
-- another one.
INSERT INTO demo.dearer
SELECT b.sku, f.location, o.location, f.amount::numeric
FROM demo.store_list AS f
JOIN demo.base_list AS b USING (sku)
JOIN LATERAL (
    SELECT x.location
    FROM demo.shown_at AS x
    WHERE x.location <> f.location
    ORDER BY demo.draw('other ' || x.location)
    LIMIT 1
) AS o ON true
WHERE b.amount >= 3 AND f.amount::numeric BETWEEN b.amount * 1.08 AND b.amount * 1.15 AND scale(trim_scale(f.amount::numeric)) <= 2
    AND b.sku NOT IN (SELECT sku FROM demo.offer)
ORDER BY (SELECT count(*) FROM demo.line AS l WHERE l.sku = b.sku) DESC, f.line_no
LIMIT 1;

INSERT INTO demo.basket_618
SELECT l.code, (SELECT array_agg(ROW (o.sku, NULL, 2)::retail.line ORDER BY o.sku)
                FROM (SELECT sku FROM demo.offer ORDER BY demo.draw('basket ' || sku) LIMIT 2) AS o)
FROM retail.location AS l
JOIN demo.shown_at AS x ON x.location = l.code
WHERE l.daily_capacity IS NULL
ORDER BY demo.draw('basket at ' || l.code)
LIMIT 1;
