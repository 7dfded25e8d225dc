-- A base price for each SKU, ten channels, and a table with every column,
-- CHECK, index and constraint of retail.price, and no trigger.
INSERT INTO retail.channel (id, code, name, kind)
SELECT i, 'c' || i, 'Channel ' || i, CASE WHEN i % 2 = 0 THEN 'store' ELSE 'online' END
FROM generate_series(2, 10) AS i;
INSERT INTO retail.base_price (sku_id, currency, amount, valid)
SELECT k.id, 'CNY', 100, '[2026-01-01,)'
FROM retail.sku AS k;
CREATE TABLE bench.price (LIKE retail.price INCLUDING ALL);
