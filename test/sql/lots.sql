-- Lots: first expired first out, and lots that stop being sellable by themselves.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('lt-app', 'App');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
VALUES ('LT1', 'Shanghai', 'store', 121.47, 31.23, 'Asia/Shanghai'), ('LT2', 'London', 'store', -0.1, 51.5, 'Europe/London');
INSERT INTO retail.sku (code, name, lot_tracked, shelf_life_days)
VALUES ('LT-A', 'Milk', true, NULL), ('LT-B', 'Yoghurt', true, 10), ('LT-C', 'Cheese', true, NULL);
CREATE VIEW pg_temp.lots AS SELECT sku.code AS sku, l.code AS location, lot.code AS lot, lot.expires_on, lot.on_hand, lot.unavailable
FROM retail.lot JOIN retail.sku ON sku.id = sku_id JOIN retail.location l ON l.id = location_id
WHERE sku.code LIKE 'LT-%' ORDER BY 1, 2, lot.expires_on, lot.id;
CREATE VIEW pg_temp.sums AS SELECT sku.code AS sku, l.code AS location, s.on_hand, s.unavailable, retail.available(sku.code, l.code) AS available,
    (SELECT sum(x.on_hand) FROM retail.lot x WHERE x.sku_id = s.sku_id AND x.location_id = s.location_id) = s.on_hand AS lots_add_up
FROM retail.stock s JOIN retail.sku ON sku.id = sku_id JOIN retail.location l ON l.id = location_id
WHERE sku.code LIKE 'LT-%' ORDER BY 1, 2;

-- first_expired_first_out
SELECT outcome, on_hand, available FROM retail.receive('LT-A', 'LT1', 5, 'late', '2031-05-20');
SELECT outcome, on_hand, available FROM retail.receive('LT-A', 'LT1', 4, 'early', '2031-05-10');
SELECT outcome, on_hand, available FROM retail.receive('LT-A', 'LT1', 3, 'never');
SELECT outcome, on_hand, available FROM retail.receive('LT-A', 'LT1', 1, 'early', '2031-05-10');
SELECT outcome, on_hand FROM retail.sell('LT-A', 'LT1', 7);
SELECT * FROM pg_temp.lots;
SELECT kind, on_hand_delta, on_hand_after, lot.code AS lot FROM retail.movement m JOIN retail.lot ON lot.id = lot_id
JOIN retail.sku ON sku.id = m.sku_id WHERE sku.code = 'LT-A' AND kind = 'sale' ORDER BY m.id;

-- a_receipt_without_a_date_is_dated_by_the_shelf_life
SELECT outcome FROM retail.receive('LT-B', 'LT1', 2, 'b1');
SELECT outcome FROM retail.receive('LT-B', 'LT1', 2, 'b2', '2031-05-03');
SELECT outcome FROM retail.receive_lines(ARRAY[('LT-B', 'LT2', 3, 'b3', '2031-05-04'), ('LT-B', 'LT2', 4, NULL, NULL)]::retail.receipt_line[]);
SELECT outcome FROM retail.receive_lines(ARRAY[('LT-B', 'LT2', 1)]::retail.line[]);
SELECT * FROM pg_temp.lots WHERE sku = 'LT-B';

-- a_block_may_name_its_lot
SELECT outcome, on_hand, available FROM retail.block('LT-A', 'LT1', 2, 'recall', 'never');
SELECT outcome, on_hand, available FROM retail.block('LT-A', 'LT1', 2, 'recall', 'never');
SELECT outcome, on_hand, available FROM retail.unblock('LT-A', 'LT1', 1, 'recall', 'late');
SELECT * FROM pg_temp.lots WHERE sku = 'LT-A';
SELECT * FROM pg_temp.sums;

-- a_lot_stops_being_sellable_at_midnight_of_its_own_location_without_a_write
-- midnight of 20 May in Shanghai is 16:00 UTC of the day before
SET pg_retail.clock = '2031-05-19 15:59:59+00';
SELECT retail.available('LT-A', 'LT1');
SET pg_retail.clock = '2031-05-19 16:00:00+00';
SELECT retail.available('LT-A', 'LT1');
SELECT outcome, available FROM retail.reserve('LT-A', 'LT1', 2, 'lt-app');
SELECT * FROM pg_temp.lots WHERE sku = 'LT-A';
SELECT outcome, available FROM retail.reserve('LT-A', 'LT1', 1, 'lt-app');
SELECT * FROM pg_temp.sums WHERE sku = 'LT-A';
-- ... and_stays_blocked
SELECT outcome FROM retail.unblock('LT-A', 'LT1', 1, 'no', 'late');
-- ... a_loss_takes_what_is_for_sale_first
SELECT outcome, on_hand, available FROM retail.adjust('LT-A', 'LT1', -1, 'broken');
SELECT * FROM pg_temp.lots WHERE sku = 'LT-A';

-- what_arrives_expired_is_not_for_sale
SELECT outcome, on_hand, available FROM retail.receive('LT-C', 'LT2', 4, 'old', '2031-05-19');
SELECT outcome, on_hand, available FROM retail.receive('LT-C', 'LT2', 4, 'good', '2031-05-21');
SELECT outcome, available FROM retail.reserve('LT-C', 'LT2', 5, 'lt-app');
SELECT outcome, available FROM retail.reserve('LT-C', 'LT2', 4, 'lt-app', '10 days');
-- units_promised_from_a_lot_that_expires_are_missing_then
SET pg_retail.clock = '2031-05-22 00:00:00+00';
SELECT retail.available('LT-C', 'LT2');
SELECT outcome, on_hand, available FROM retail.receive('LT-C', 'LT2', 3, 'new', '2031-06-20');
SELECT outcome, available FROM retail.reserve('LT-C', 'LT2', 1, 'lt-app');
SELECT * FROM pg_temp.lots WHERE sku = 'LT-C';

-- a_count_and_a_return_of_lots_add_up
SELECT outcome, on_hand FROM retail.count_stock('LT-C', 'LT2', 12);
SELECT outcome, on_hand FROM retail.count_stock('LT-C', 'LT2', 9);
SELECT outcome, on_hand FROM retail.take_back('LT-C', 'LT2', 2);
SELECT sku, location, on_hand, lots_add_up FROM pg_temp.sums;

-- a_location_whose_time_zone_changes_gets_its_days_at_other_instants: 20:00 in London is the next day in Shanghai
UPDATE retail.location SET time_zone = 'Europe/London' WHERE code = 'LT2';
INSERT INTO retail.sku (code, name, lot_tracked) VALUES ('LT-TZ', 'Cream', true);
SELECT retail.now()::date + 1 AS tomorrow \gset
SELECT (retail.now()::date + time '20:00') AT TIME ZONE 'Europe/London' AS tonight \gset
SET pg_retail.clock = :'tonight';
SELECT outcome, available FROM retail.receive('LT-TZ', 'LT2', 5, 'tz', :'tomorrow');
SELECT outcome, available FROM retail.reserve('LT-TZ', 'LT2', 1, 'lt-app');
UPDATE retail.location SET time_zone = 'Asia/Shanghai' WHERE code = 'LT2';
SELECT retail.available('LT-TZ', 'LT2');
SELECT outcome, available FROM retail.reserve('LT-TZ', 'LT2', 1, 'lt-app');
-- ... and_not_behind_the_back_of_a_transaction_that_moved_stock
BEGIN;
SELECT outcome FROM retail.receive('LT-TZ', 'LT2', 1, 'tz 2', :'tomorrow'::date + 30);
UPDATE retail.location SET time_zone = 'UTC' WHERE code = 'LT2';
ROLLBACK;

-- a_shelf_life_beyond_the_calendar_is_an_error, not_a_day_long_past
INSERT INTO retail.sku (code, name, lot_tracked, shelf_life_days) VALUES ('LT-Z', 'Honey', true, 2147483647);
SELECT outcome FROM retail.receive('LT-Z', 'LT2', 1);
SELECT outcome, available FROM retail.receive('LT-Z', 'LT2', 1, expires_on => '5874897-12-31');

-- a_sku_becomes_lot_tracked_only_while_every_unit_is_in_a_lot
INSERT INTO retail.sku (code, name) VALUES ('LT-Y', 'Salt');
SELECT outcome FROM retail.receive('LT-Y', 'LT2', 3);
UPDATE retail.sku SET lot_tracked = true WHERE code = 'LT-Y';
SELECT outcome FROM retail.count_stock('LT-Y', 'LT2', 0);
UPDATE retail.sku SET lot_tracked = true WHERE code = 'LT-Y';
SELECT outcome, on_hand FROM retail.receive('LT-Y', 'LT2', 3, 'y1');
SELECT sku, location, on_hand, lots_add_up FROM pg_temp.sums WHERE sku = 'LT-Y';

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
