-- Master data from the files: every point a location, every article a SKU.

SET TimeZone = 'America/New_York';
ANALYZE demo.point, demo.article, demo.till_line;

INSERT INTO retail.channel (code, name, kind, hold_ttl) VALUES
    ('shop', 'Shops and tills', 'store', NULL),
    ('miniapp', 'Mini-program, collect in a store', 'online', interval '15 minutes'),
    ('live', 'Live stream', 'online', interval '5 minutes');

-- The file has no time zones: the continent's four, told apart by longitude.
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, services)
SELECT 'L' || id,
       format('%s, %s %s', initcap(street), city, state),
       'store',
       longitude,
       latitude,
       CASE
           WHEN longitude > -86 THEN 'America/New_York'
           WHEN longitude > -101 THEN 'America/Chicago'
           WHEN longitude > -114 THEN 'America/Denver'
           ELSE 'America/Los_Angeles'
       END,
       '{pickup}'
FROM demo.point
ORDER BY id;

-- The chain's stores have numbers and no addresses.  Both lists in order of
-- their numbers, the stores are laid evenly over the points.
CREATE TABLE demo.store AS
WITH place AS (
    SELECT id, row_number() OVER (ORDER BY id) AS k, count(*) OVER () AS points
    FROM demo.point
), store AS (
    SELECT store_id, row_number() OVER (ORDER BY store_id) AS k, count(*) OVER () AS stores
    FROM (SELECT DISTINCT store_id FROM demo.till_line) AS s
)
SELECT store_id, 'L' || id AS location
FROM store
JOIN place ON place.k = 1 + (store.k - 1) * points / stores;
ALTER TABLE demo.store ADD PRIMARY KEY (store_id);

-- One product for what differs only in size; an article is a SKU.
CREATE TABLE demo.sku AS
SELECT product_id AS code,
       CASE WHEN product_type IS NOT NULL THEN manufacturer_id || '/' || department || '/' || brand || '/' || product_type END AS product,
       initcap(coalesce(product_type, product_category, department)) || coalesce(', ' || lower(package_size), '') AS name,
       brand,
       coalesce(product_category, department) AS category,
       package_size,
       coalesce(product_type, '') LIKE 'GASOLINE%' AS petrol
FROM demo.article
UNION ALL
SELECT DISTINCT product_id, NULL, format('Article %s, not in the list', product_id), NULL, NULL, NULL, false
FROM demo.till_line
WHERE product_id NOT IN (SELECT product_id FROM demo.article);
ALTER TABLE demo.sku ADD PRIMARY KEY (code);

INSERT INTO retail.product (code, name, brand, category)
SELECT product, min(split_part(name, ',', 1)), min(brand), min(category)
FROM demo.sku
WHERE product IS NOT NULL
GROUP BY product;

INSERT INTO retail.sku (code, name, product_id, unit, specs)
SELECT s.code, s.name, p.id,
       CASE WHEN s.petrol THEN '0.001 gal' ELSE 'piece' END,
       jsonb_strip_nulls(jsonb_build_object('size', s.package_size))
FROM demo.sku AS s
LEFT JOIN retail.product AS p ON p.code = s.product;

-- What is done with each line of the till, dirt included.
CREATE TABLE demo.line AS
SELECT t.basket_id::bigint,   -- R writes the round ones as 4.0128e+10
       t.product_id AS sku,
       s.location,
       t.quantity::bigint AS qty,
       t.transaction_timestamp AT TIME ZONE 'America/New_York' AS at,
       k.petrol,
       CASE
           WHEN t.quantity <= 0 THEN 'left out: quantity 0, no goods changed hands (coupons, corrections)'
           WHEN k.petrol AND t.quantity > 100 THEN 'played: petrol over 100, measured in 0.001 gallon'
           WHEN k.petrol THEN 'left out: petrol up to 100, paid in money, no measure'
           WHEN t.quantity > 100 THEN 'left out: over 100 of a shelf article, not believable'
           ELSE 'played: 1 to 100 pieces'
       END AS verdict
FROM demo.till_line AS t
JOIN demo.store AS s USING (store_id)
JOIN demo.sku AS k ON k.code = t.product_id;

-- A basket goes over the till, or, one of five, is ordered ahead and
-- collected; petrol is not collected.  One till receipt of a hundred is sent
-- twice.
CREATE TABLE demo.basket AS
SELECT *,
       CASE WHEN NOT petrol AND demo.pick('way of ' || basket_id, 5) = 1 THEN 'pickup' ELSE 'till' END AS way,
       demo.pick('twice ' || basket_id, 100) = 1 AS twice,
       demo.pick('other ' || basket_id, 10) = 1 AS left_behind
FROM (
    SELECT basket_id,
           min(at) AS at,
           (min(at) AT TIME ZONE 'America/New_York')::date AS day,
           count(*)::integer AS n,
           bool_or(petrol) AS petrol,
           array_agg(ROW (sku, location, qty)::retail.line ORDER BY sku) AS lines
    FROM demo.line
    WHERE verdict LIKE 'played%'
    GROUP BY basket_id
) AS b;
ALTER TABLE demo.basket ADD PRIMARY KEY (basket_id);
CREATE INDEX basket_day_idx ON demo.basket (day, at, basket_id);
ANALYZE demo.line, demo.basket;
