-- A price file: COPY into retail.price_import, then one call that tells every refused row and why.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name, kind) VALUES ('pi-app', 'App', 'online'), ('pi-till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('PI1', 'Shop 1', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) SELECT 'PI-' || i, 'I' FROM generate_series(1, 5) i;
CREATE VIEW pg_temp.all_prices AS
SELECT k.code AS sku, c.code AS channel, l.code AS location, p.kind, p.tier, p.min_qty, p.amount, p.valid, p.withdrawn_at IS NOT NULL AS withdrawn
FROM retail.price p JOIN retail.sku k ON k.id = p.sku_id LEFT JOIN retail.channel c ON c.id = p.channel_id LEFT JOIN retail.location l ON l.id = p.location_id
WHERE k.code LIKE 'PI-%' ORDER BY k.code, p.kind, c.code, l.code, lower(p.valid), p.id;

-- every_refused_row_is_told, and in mode all nothing is written
COPY retail.price_import (line_no, sku, channel, location, currency, kind, tier, min_qty, amount, valid_from, valid_until, grant_id) FROM stdin WITH (FORMAT csv);
1,PI-1,,,CNY,base,,,10.00,,,
2,PI-1,pi-app,,,list,,,10.50,,,
3,PI-1,pi-till,,CNY,,,,11.50,,,
4,PI-2,pi-till,,CNY,,,,11.50,,,
5,PI-X,pi-till,,CNY,,,,11.50,,,
6,PI-1,pi-tll,,CNY,,,,10,,,
7,PI-1,pi-till,PI9,CNY,,,,10,,,
8,PI-1,pi-till,,XXQ,,,,10,,,
9,PI-1,pi-till,,CNY,gift,,,10,,,
10,PI-1,pi-till,,CNY,member,,,10,,,
11,PI-1,pi-till,,CNY,list,gold,,10,,,
12,PI-1,pi-till,,CNY,,,0,10,,,
13,PI-1,pi-till,,CNY,,,two,10,,,
14,PI-1,pi-till,,CNY,,,,"10,50",,,
15,PI-1,pi-till,,CNY,,,,0,,,
16,PI-1,pi-till,,CNY,,,,-1,,,
17,PI-1,pi-till,,CNY,,,,10.001,,,
18,PI-1,pi-till,,CNY,,,,10,2031-02-30,,
19,PI-1,pi-till,,CNY,,,,10,2031-07-01,2031-06-01,
20,PI-1,pi-till,,CNY,,,,10,-infinity,,
21,PI-1,pi-till,,CNY,promo,,,8,2031-06-01,2031-07-01,999999999
22,PI-1,pi-till,,CNY,promo,,,8,2031-06-01,2031-07-01,G1
23,PI-1,pi-app,PI1,CNY,promo,,,9.50,2031-06-01,2031-06-20,
24,PI-1,pi-app,PI1,CNY,promo,,,9.40,2031-06-10,2031-06-30,
25,PI-1,pi-app,,,member,gold,6,9.20,,,
26,PI-3,,,JPY,base,,,100,,,
27,PI-3,,,JPY,base,,,100.5,2032-01-01,,
28,PI-3,pi-app,,JPY,base,,,100,,,
29,PI-3,pi-app,,,,,,110,,,
30,,pi-app,,,,,,110,,,
\.
SELECT outcome, line_no, sku, channel, location, kind, amount, low, high, detail, row_count FROM retail.import_prices();
SELECT count(*) FROM pg_temp.all_prices;
SELECT count(*) FROM retail.price_import;

-- best_effort takes what it can; what was refused stays in the table.  A second call meets one row fewer in conflict
SELECT outcome, row_count FROM retail.import_prices(mode => 'best_effort') WHERE line_no IS NULL;
SELECT * FROM pg_temp.all_prices;
SELECT k.code, b.currency, b.amount, b.valid FROM retail.base_price b JOIN retail.sku k ON k.id = b.sku_id WHERE k.code LIKE 'PI-%' ORDER BY 1;
SELECT outcome, row_count FROM retail.import_prices(mode => 'best_effort') WHERE line_no IS NULL;
DELETE FROM retail.price_import;

-- what_was_there_is_split, what is so already is left, and files have names
COPY retail.price_import (batch, sku, channel, amount, valid_from, valid_until) FROM stdin WITH (FORMAT csv);
june,PI-1,pi-app,10.20,2031-06-01,2031-06-10
june,PI-1,pi-app,10.30,2031-06-20,2031-07-01
june,PI-1,pi-app,10.50,2031-06-12,2031-06-14
other,PI-1,pi-app,99,,
\.
SELECT outcome, row_count FROM retail.import_prices('june');
SELECT channel, amount, valid, withdrawn FROM pg_temp.all_prices WHERE sku = 'PI-1' AND kind = 'list';
SELECT batch, count(*) FROM retail.price_import GROUP BY batch;
DELETE FROM retail.price_import;
SELECT outcome, row_count FROM retail.import_prices('june');

-- a base price that live prices forbid is refused by itself
COPY retail.price_import (sku, kind, amount) FROM stdin WITH (FORMAT csv);
PI-1,base,20
PI-3,base,101
\.
SELECT outcome, sku, regexp_replace(detail, 'Price \d+', 'Price N') AS detail, row_count FROM retail.import_prices(mode => 'best_effort');
DELETE FROM retail.price_import;
-- base and prices of one file go together
COPY retail.price_import (sku, channel, kind, currency, amount) FROM stdin WITH (FORMAT csv);
PI-4,pi-app,list,,55
PI-4,,base,CNY,50
\.
SELECT outcome, row_count FROM retail.import_prices();
SELECT channel, kind, amount FROM pg_temp.all_prices WHERE sku = 'PI-4';

-- more_rows_than_one_portion, each told once
INSERT INTO retail.price_import (line_no, sku, channel, kind, amount, valid_from, valid_until)
SELECT i, CASE WHEN i % 2 = 0 THEN 'PI-1' ELSE 'PI-4' END, 'pi-till', 'promo', CASE WHEN i % 1000 = 0 THEN 999 WHEN i % 2 = 0 THEN 9.9 ELSE 49.9 END,
    timestamptz '2033-01-01' + i * interval '1 hour', timestamptz '2033-01-01' + (i + 1) * interval '1 hour'
FROM generate_series(1, 25000) i;
SELECT outcome, count(*), sum(row_count) FROM retail.import_prices(mode => 'best_effort') GROUP BY outcome ORDER BY outcome;
SELECT count(*), count(DISTINCT valid) FROM pg_temp.all_prices WHERE kind = 'promo' AND channel = 'pi-till';
SELECT count(*) FROM retail.price_import;
DELETE FROM retail.price_import;
\set VERBOSITY terse
SELECT retail.import_prices(NULL);
SELECT retail.import_prices(mode => 'most');
RESET pg_retail.clock;
