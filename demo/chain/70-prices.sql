-- What the chain asks for its goods.  Everything follows from the seed.

SET TimeZone = 'Asia/Shanghai';

INSERT INTO demo.campaign
SELECT (make_date(extract(year FROM d)::integer + CASE WHEN d > make_date(extract(year FROM d)::integer, 6, 18) THEN 1 ELSE 0 END, 6, 18)::timestamp)
           AT TIME ZONE 'Asia/Shanghai',
       'Asia/Shanghai', 'CNY'
FROM (SELECT (retail.now() AT TIME ZONE 'Asia/Shanghai')::date AS d) AS today;

-- One price level for each category and size; a kind of it may cost a fifth
-- less or a third more.
INSERT INTO demo.base_list
SELECT k.code,
       CASE k.code WHEN f.sku THEN 69.00 ELSE round(given.level * (0.8 + 0.5 * demo.draw('price of ' || p.code))::numeric, 1)::numeric(12, 2) END
FROM (VALUES
    ('RICE', '{9.9, 45, 85}'::numeric[]), ('NOOD', '{5.9, 12.5, 14.9}'), ('OIL', '{19.9, 36, 139}'), ('MILK', '{3.9, 12.9, 21.9}'),
    ('YOGU', '{4.5, 16.9, 19.9}'), ('BREA', '{4.9, 16.9, 12.9}'), ('TEA', '{29, 55, 128}'), ('DRIN', '{2.9, 4.2, 7.5}'),
    ('SNAC', '{4.5, 9.8, 21.9}'), ('HOME', '{6.9, 12.9, 23.9}')
) AS v (category, levels)
JOIN demo.range AS r USING (category)
CROSS JOIN LATERAL unnest(r.sizes, v.levels) AS given (size, level)
JOIN retail.product AS p ON p.category = r.category
JOIN retail.sku AS k ON k.product_id = p.id AND k.specs ->> 'size' = given.size
CROSS JOIN demo.flash AS f;

INSERT INTO demo.shown_at
SELECT code
FROM retail.location
WHERE kind = 'store' AND status = 'open';
INSERT INTO demo.offer
SELECT sku
FROM demo.asked
WHERE sku <> (SELECT f.sku FROM demo.flash AS f)
ORDER BY rank
LIMIT 40;

-- The rice of the live stream: 69 everywhere, and one store wants 79.
INSERT INTO demo.dearer
SELECT f.sku, s[1], s[2], 79.00
FROM demo.flash AS f,
     (SELECT array_agg(location ORDER BY demo.draw('dearer ' || location)) AS s FROM demo.shelf WHERE sku = (SELECT sku FROM demo.flash)) AS stores;

-- What the stores ask: most near the base price, one of seven not; and a few
-- lines of the file are wrong.
INSERT INTO demo.store_list (sku, channel, location, amount)
SELECT CASE WHEN luck < 0.001 THEN replace(s.sku, '-', '_') ELSE s.sku END,
       CASE WHEN luck BETWEEN 0.001 AND 0.002 THEN 'tills' ELSE 'shop' END,
       s.location,
       CASE
           WHEN (s.sku, s.location) = (d.sku, d.location) THEN d.amount::text
           WHEN luck BETWEEN 0.002 AND 0.003 THEN replace(asks.amount::text, '.', ',')
           WHEN luck BETWEEN 0.003 AND 0.004 THEN asks.amount || '9'
           ELSE asks.amount::text
       END
FROM demo.dearer AS d, demo.shelf AS s
JOIN (SELECT sku, amount AS base FROM demo.base_list) AS x USING (sku)
CROSS JOIN LATERAL (
    SELECT demo.draw(format('line %s %s', s.location, s.sku)) AS luck,
           round(x.base * (1 + CASE WHEN demo.pick(format('way off %s %s', s.location, s.sku), 7) = 1 THEN 0.32 ELSE 0.09 END
                             * (demo.draw(format('asks %s %s', s.location, s.sku)) - 0.5))::numeric, 2) AS amount
) AS asks
ORDER BY s.location, s.rank;

-- Two articles on offer that keep, in one store's basket.
INSERT INTO demo.basket_618
SELECT l.code, (SELECT array_agg(ROW (o.sku, NULL, 2)::retail.line ORDER BY o.sku)
                FROM (SELECT sku FROM demo.offer JOIN retail.sku AS k ON k.code = sku WHERE NOT k.lot_tracked ORDER BY demo.draw('basket ' || sku) LIMIT 2) AS o)
FROM retail.location AS l
WHERE l.kind = 'store' AND l.daily_capacity IS NULL
ORDER BY demo.draw('basket at ' || l.code)
LIMIT 1;
