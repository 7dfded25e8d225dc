-- Examples of doc/price-band.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

-- head office's price list, and how far each channel may go from it
CREATE TEMP TABLE price_list (sku text PRIMARY KEY, base numeric, currency text, decimals int);
INSERT INTO price_list VALUES
    ('RICE-5KG', 59.00, 'CNY', 2), ('SOAP', 9.99, 'CNY', 2), ('TEA', 128.00, 'CNY', 2), ('ONIGIRI', 199, 'JPY', 0);
CREATE TEMP TABLE allowance (channel text PRIMARY KEY, low_percent numeric, high_percent numeric);
INSERT INTO allowance VALUES ('online', 10, 10), ('store', 5, 5);
CREATE TEMP TABLE band AS
SELECT sku, channel, price_band(base, low_percent, high_percent, currency, decimals) AS band
FROM price_list, allowance;
SELECT * FROM band ORDER BY sku, channel;

-- what the shops charge today: who is out of band, by how much, and what would be right?
CREATE TEMP TABLE shop_price (shop text, sku text, channel text, price numeric);
INSERT INTO shop_price VALUES
    ('S001', 'RICE-5KG', 'store', 59.00), ('S002', 'RICE-5KG', 'store', 79.00), ('S003', 'RICE-5KG', 'store', 56.05),
    ('S001', 'SOAP', 'store', 9.49), ('S002', 'SOAP', 'store', 9.50), ('app', 'SOAP', 'online', 8.90),
    ('app', 'TEA', 'online', 139.90), ('T001', 'ONIGIRI', 'store', 189.5);
SELECT shop, sku, price, band, clamp(band, price) AS nearest_legal, price - clamp(band, price) AS off_by
FROM shop_price
JOIN band USING (sku, channel)
WHERE NOT band @> price
ORDER BY shop, sku;

-- a price point for the campaign: which SKUs may go to 9.50 in every channel?
SELECT sku, count(*) AS channels
FROM band
WHERE band @> 9.50
GROUP BY sku
HAVING count(*) = (SELECT count(*) FROM allowance)
ORDER BY sku;

-- one price for online and shop: what both allow
SELECT o.sku, o.band AS online, s.band AS store, o.band * s.band AS both
FROM band AS o
JOIN band AS s ON s.sku = o.sku AND s.channel = 'store'
WHERE o.channel = 'online' AND o.band && s.band
ORDER BY o.sku;

-- a promotion that starts from another base
SELECT promo, promo && '9.99 [9.50,10.48] CNY' AS possible
FROM (VALUES (price_band(8.99, 5, 5, 'CNY', 2)), (price_band(9.20, 5, 5, 'CNY', 2))) AS t (promo);
SELECT price_band(9.20, 5, 5, 'CNY', 2) * '9.99 [9.50,10.48] CNY' AS promo_within_list;
SELECT price_band(8.99, 5, 5, 'CNY', 2) * '9.99 [9.50,10.48] CNY' AS promo_within_list;
SELECT price_band(8.99, 5, 5, 'USD', 2) * '9.99 [9.50,10.48] CNY' AS promo_within_list;

-- a table that refuses what the band does not allow
CREATE TEMP TABLE label (shop text, sku text, band price_band NOT NULL, price numeric NOT NULL, CHECK (band @> price));
INSERT INTO label SELECT 'S001', sku, band, 59.90 FROM band WHERE sku = 'RICE-5KG' AND channel = 'store';
INSERT INTO label SELECT 'S002', sku, band, 79.00 FROM band WHERE sku = 'RICE-5KG' AND channel = 'store';
INSERT INTO label SELECT 'S003', sku, band, 59.905 FROM band WHERE sku = 'RICE-5KG' AND channel = 'store';

-- a good-better-best ladder: bands of a category must not run into each other
CREATE TEMP TABLE ladder (
    category text,
    step text,
    band price_band,
    EXCLUDE USING gist (category WITH =, band WITH &&)
);
INSERT INTO ladder VALUES ('rice', 'good', price_band(39.90, 5, 5, 'CNY', 2)), ('rice', 'better', price_band(59.00, 5, 5, 'CNY', 2));
INSERT INTO ladder VALUES ('rice', 'best', price_band(62.00, 5, 5, 'CNY', 2));

-- the index
CREATE INDEX band_idx ON band USING gist (band);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT sku FROM band WHERE band @> 9.50;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- taking one apart, and the other way to make one
SELECT base(band), low(band), high(band), currency_code(band), decimals(band)
FROM band
WHERE sku = 'SOAP' AND channel = 'store';
SELECT price_band_from_limits(9.99, 9.50, 10.48, 'CNY', 2) AS same, '1.235 [1.112,1.358] KWD'::price_band AS typed;

-- refused
SELECT price_band(9.995, 5, 5, 'CNY', 2);
SELECT price_band(NULL, 5, 5, 'CNY', 2);
SELECT '9.99 [10.00,10.48] CNY'::price_band;
