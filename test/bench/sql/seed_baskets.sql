-- :baskets orders of 10 lines of 1 to 3 units, each for somewhere within some
-- 3 km of a store.  SKU 1 is in none: sessions learn codes with it.
BEGIN;
SELECT setseed(0.75);
INSERT INTO bench.basket (id, longitude, latitude, start, step)
SELECT b.id, p.longitude + (random() - 0.5) * 0.06, p.latitude + (random() - 0.5) * 0.06, b.start, b.step
FROM (SELECT id, 1 + floor(random() * (SELECT count(*) FROM bench.point))::bigint AS n,
             floor(random() * (:skus - 1))::integer AS start,
             1 + floor(random() * ((:skus - 1) / 10))::integer AS step
      FROM generate_series(1, :baskets) AS id) AS b
JOIN (SELECT row_number() OVER (ORDER BY id) AS n, longitude, latitude FROM bench.point) AS p USING (n);
UPDATE bench.basket AS b
SET skus = line.skus, qtys = line.qtys, lines = line.lines
FROM (SELECT id, array_agg(sku ORDER BY i) AS skus, array_agg(qty ORDER BY i) AS qtys,
             array_agg(ROW (sku::text, NULL, qty)::retail.line ORDER BY i) AS lines
      FROM (SELECT id, i, 2 + (start + i * step) % (:skus - 1) AS sku, 1 + floor(3 * random())::bigint AS qty
            FROM bench.basket, generate_series(0, 9) AS i) AS line
      GROUP BY id) AS line
WHERE line.id = b.id;
COMMIT;
