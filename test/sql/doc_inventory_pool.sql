-- Examples of doc/inventory-pool.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

-- stock: what each location could sell of each SKU this morning
CREATE TEMP TABLE shelf (sku text, location_id int, sellable bigint);
INSERT INTO shelf VALUES
    ('RICE-5KG', 1, 30), ('RICE-5KG', 7, 12), ('RICE-5KG', 9, 200), ('RICE-5KG', 12, 0),
    ('RICE-10KG', 1, 8), ('RICE-10KG', 9, 40),
    ('SOAP', 7, 3);

-- one row per SKU: the whole network in one value
CREATE TEMP TABLE network AS
SELECT sku, inventory_pool_agg(location_id, sellable) AS pool
FROM shelf
GROUP BY sku;

SELECT sku, pool, total(pool), locations(pool)
FROM network
ORDER BY sku;

-- the product page: is it there at all, and is it at my shop?
SELECT sku, pool @> 50 AS fills_50, pool -> 7 AS at_my_shop
FROM network
ORDER BY sku;

-- routing: a bulk order of 220 bags, how many parcels at best?
SELECT sku, fewest(pool, 220) AS parcels_220, fewest(pool, 230) AS parcels_230, fewest(pool, 1000) AS parcels_1000
FROM network
WHERE sku = 'RICE-5KG';

-- routing: the locations to ask, the fullest first
SELECT location_id, qty
FROM network, entries(pool)
WHERE sku = 'RICE-5KG'
ORDER BY qty DESC, location_id;

-- channel rules: shops keep some for walk-ins, the rest may be sold online
SELECT sku, pool - '{1:5,7:5,9:20}' AS online
FROM network
ORDER BY sku;

-- a plan holds only if every shop still has its share
SELECT plan, pool @> plan AS still_possible
FROM network, unnest(ARRAY['{1:10,9:200}', '{7:13,9:200}']::inventory_pool[]) AS plan
WHERE sku = 'RICE-5KG';

-- a product is the sum of its pack sizes
SELECT sum(pool) AS rice
FROM network
WHERE sku LIKE 'RICE-%';

-- daily snapshots: which SKUs changed, and where did stock go down?
CREATE TEMP TABLE snapshot (taken_on date, sku text, pool inventory_pool);
INSERT INTO snapshot SELECT DATE '2025-06-01', sku, pool FROM network;
INSERT INTO snapshot VALUES
    (DATE '2025-06-02', 'RICE-5KG', '{1:30,7:2,9:150,12:40}'),
    (DATE '2025-06-02', 'RICE-10KG', '{1:8,9:40}'),
    (DATE '2025-06-02', 'SOAP', '{}');

SELECT b.sku, a.pool - b.pool AS went_down, b.pool - a.pool AS went_up
FROM snapshot AS a
JOIN snapshot AS b USING (sku)
WHERE a.taken_on = '2025-06-01' AND b.taken_on = '2025-06-02' AND a.pool <> b.pool
ORDER BY b.sku;

-- a feed from elsewhere arrives as two arrays
SELECT inventory_pool(ARRAY[9, 1, 7], ARRAY[200, 30, 12]) AS pool;

-- size: 5,000 shops with 0 to 199 units each
SELECT locations(pool), pg_column_size(pool) AS bytes_as_pool, 5000 * 12 AS bytes_as_plain_pairs
FROM (SELECT inventory_pool_agg(i, (i * 37) % 200) AS pool FROM generate_series(1, 5000) AS i) AS t;

-- what does not belong in a pool
SELECT inventory_pool_agg(location_id, sellable)
FROM (VALUES (1, 30::bigint), (7, -2)) AS t (location_id, sellable);
