-- :skus SKUs in :locations locations, :on_hand units of each in each.  Codes
-- are the ids, so that one pgbench variable serves both sides.
INSERT INTO retail.channel (id, code, name) VALUES (1, 'app', 'App');
INSERT INTO retail.location (id, code, name, kind, longitude, latitude, time_zone)
SELECT i, i, 'Store ' || i, 'store', 100 + i % 1000 * 0.01, 20 + i / 1000 * 0.01, 'UTC'
FROM generate_series(1, :locations) AS i;
INSERT INTO retail.sku (id, code, name)
SELECT i, i, 'SKU ' || i
FROM generate_series(1, :skus) AS i;
