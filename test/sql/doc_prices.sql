-- Examples of doc/price.md.  What is set up here is as in the page, which leaves it out.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'Asia/Shanghai';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-06-01 09:00:00+08';
INSERT INTO retail.channel (code, name, kind) VALUES ('dp-miniapp', 'Mini-program', 'online'), ('dp-till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('DP-S1', 'Store 1', 'store', 121.47, 31.23);
INSERT INTO retail.product (code, name, category) VALUES ('DP-RICE', 'Rice', 'dp-rice');
INSERT INTO retail.sku (code, name, product_id) SELECT 'DP-RICE-5KG', 'Rice 5 kg', id FROM retail.product WHERE code = 'DP-RICE';
INSERT INTO retail.sku (code, name) VALUES ('DP-SOAP', 'Soap');

-- a base price, and prices around it
SELECT outcome, amount, valid FROM retail.set_base_price('DP-RICE-5KG', 69.00, 'CNY');
SELECT outcome, low, high FROM retail.set_price('DP-RICE-5KG', 'dp-miniapp', NULL, 66.00);
SELECT outcome, low, high FROM retail.set_price('DP-RICE-5KG', 'dp-till', 'DP-S1', 79.00);
SELECT outcome, price_id > 0 AS has_row FROM retail.set_price('DP-RICE-5KG', 'dp-till', 'DP-S1', 69.90);

-- from until: what was there is split
SELECT outcome, cardinality(replaced_ids) AS replaced, cardinality(rest_ids) AS rests
FROM retail.set_price('DP-RICE-5KG', 'dp-miniapp', NULL, 64.90, '[2031-06-18,2031-06-19)');
SELECT p.amount, p.valid, p.withdrawn_at IS NOT NULL AS withdrawn
FROM retail.price p JOIN retail.sku k ON k.id = p.sku_id JOIN retail.channel c ON c.id = p.channel_id
WHERE k.code = 'DP-RICE-5KG' AND c.code = 'dp-miniapp' ORDER BY p.withdrawn_at, lower(p.valid);

-- how far prices may go
INSERT INTO retail.price_rule (category, low_percent, high_percent, base_change) VALUES ('dp-rice', 8, 3, 'reject');
SELECT outcome, low, high FROM retail.set_price('DP-RICE-5KG', 'dp-miniapp', NULL, 75.00);

-- the base price changes under prices that hold
SELECT outcome FROM retail.set_base_price('DP-RICE-5KG', 75.00);
UPDATE retail.price_rule SET base_change = 'close' WHERE category = 'dp-rice';
SELECT outcome, cardinality(touched_ids) AS ended FROM retail.set_base_price('DP-RICE-5KG', 75.00, valid => '[2031-07-01,)');
SELECT c.code AS channel, p.amount, p.valid
FROM retail.price p JOIN retail.sku k ON k.id = p.sku_id JOIN retail.channel c ON c.id = p.channel_id
WHERE k.code = 'DP-RICE-5KG' AND p.withdrawn_at IS NULL ORDER BY 1, lower(p.valid);

-- a floor
SELECT outcome FROM retail.set_base_price('DP-SOAP', 9.99, 'CNY');
INSERT INTO retail.price_floor (sku_id, currency, cost, margin_percent) SELECT id, 'CNY', 8.50, 10 FROM retail.sku WHERE code = 'DP-SOAP';
SELECT outcome, low, detail FROM retail.set_price('DP-SOAP', 'dp-miniapp', NULL, 9.20, kind => 'promo');

-- the guard looks at everybody
\set VERBOSITY terse
INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid)
SELECT k.id, c.id, 'CNY', 10.49, '[2031-06-18,2031-06-21)' FROM retail.sku k, retail.channel c WHERE k.code = 'DP-SOAP' AND c.code = 'dp-till';

-- a file
COPY retail.price_import (line_no, sku, channel, kind, amount, valid_from, valid_until) FROM stdin WITH (FORMAT csv);
2,DP-SOAP,dp-till,promo,9.60,2031-06-18,2031-06-21
3,DP-SOAP,dp-till,list,10.49,,
4,DP-SOAP,dp-tall,list,9.99,,
\.
SELECT line_no, outcome, low, high, row_count FROM retail.import_prices(mode => 'best_effort');

-- what touchpoints get
SELECT payload ->> 'location' AS location, payload ->> 'channel' AS channel, payload ->> 'kind' AS kind, payload ->> 'price' AS price,
    payload ->> 'effective_at' AS effective_at, payload ->> 'change' AS change
FROM retail.outbox o JOIN retail.sku k ON k.id = o.sku_id
WHERE o.topic = 'price' AND k.code = 'DP-SOAP' ORDER BY o.id;
SELECT retail.acknowledge_label('DP-S1', 'DP-SOAP', 'dp-till', max(e.version))
FROM retail.price_event e JOIN retail.sku k ON k.id = e.sku_id WHERE k.code = 'DP-SOAP';
DELETE FROM retail.price_import;
DELETE FROM retail.price_rule WHERE category = 'dp-rice';
RESET pg_retail.clock;
