-- The ledger: receipts, sales, counts, blocks, returns, and what becomes of promises.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name, kind) VALUES ('lg-till', 'Till', 'store'), ('lg-app', 'App', 'online');
INSERT INTO retail.location (code, name, kind, longitude, latitude)
VALUES ('LG1', 'Shop 1', 'store', 121.47, 31.23), ('LG2', 'Shop 2', 'store', 121.48, 31.24);
INSERT INTO retail.sku (code, name) SELECT 'LG-' || c, c FROM unnest(ARRAY['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']) c;
CREATE VIEW pg_temp.ledger AS
SELECT sku.code AS sku, l.code AS location, m.kind, on_hand_delta AS on_hand, unavailable_delta AS unavailable,
    on_hand_after, unavailable_after, ref, reason
FROM retail.movement m JOIN retail.sku ON sku.id = sku_id JOIN retail.location l ON l.id = location_id
WHERE sku.code LIKE 'LG-%' ORDER BY m.id;
CREATE VIEW pg_temp.shelf AS
SELECT sku.code AS sku, l.code AS location, on_hand, unavailable, retail.available(sku.code, l.code) AS available
FROM retail.stock JOIN retail.sku ON sku.id = sku_id JOIN retail.location l ON l.id = location_id
WHERE sku.code LIKE 'LG-%' ORDER BY 1, 2;
CREATE VIEW pg_temp.short AS
SELECT sku.code AS sku, s.qty, ARRAY(SELECT r.holder FROM unnest(s.reservations) WITH ORDINALITY u (id, n)
    JOIN retail.reservation r USING (id) ORDER BY n) AS holders
FROM retail.shortage s JOIN retail.sku ON sku.id = sku_id WHERE sku.code LIKE 'LG-%' ORDER BY s.id;

-- each_event_writes_one_row_with_the_balance_after_it
SELECT outcome, on_hand, available, movement_id IS NOT NULL AS moved, replayed FROM retail.receive('LG-A', 'LG1', 10, ref => 'note 7');
SELECT outcome, on_hand, available FROM retail.adjust('LG-A', 'LG1', -2, 'broken');
SELECT outcome, on_hand, available FROM retail.adjust('LG-A', 'LG1', 1, 'found');
SELECT outcome, on_hand, available, unrecorded_qty, shortage_qty FROM retail.sell('LG-A', 'LG1', 3, 'lg-till', 'receipt 1');
SELECT outcome, on_hand, available FROM retail.block('LG-A', 'LG1', 4, 'display');
SELECT outcome, on_hand, available FROM retail.unblock('LG-A', 'LG1', 1, 'display over');
SELECT outcome, on_hand, available FROM retail.count_stock('LG-A', 'LG1', 5);
SELECT * FROM pg_temp.ledger WHERE sku = 'LG-A';
SELECT * FROM pg_temp.shelf WHERE sku = 'LG-A';

-- more_than_there_is_is_a_refusal_and_moves_nothing
SELECT outcome, movement_id, on_hand, available FROM retail.adjust('LG-A', 'LG1', -6, 'lost');
SELECT outcome, movement_id, on_hand, available FROM retail.block('LG-A', 'LG1', 3, 'quality');
SELECT outcome, movement_id, on_hand, available FROM retail.unblock('LG-A', 'LG1', 4, 'quality');
SELECT outcome, movement_id, on_hand, available FROM retail.adjust('LG-A', 'LG2', -1, 'lost');
SELECT * FROM pg_temp.shelf WHERE sku = 'LG-A';

-- a_delivery_and_a_receipt_answer_line_by_line
SELECT outcome, on_hand FROM retail.receive_lines(
    ARRAY[('LG-B', 'LG1', 5), ('LG-C', 'LG1', 6), ('LG-B', 'LG2', 7), ('LG-B', 'LG1', 1)]::retail.line[], 'note 8');
SELECT outcome, on_hand FROM retail.sell_lines(
    ARRAY[('LG-C', 'LG1', 1), ('LG-B', 'LG1', 2), ('LG-C', 'LG1', 2)]::retail.line[], 'lg-till', 'receipt 2');
SELECT * FROM pg_temp.shelf WHERE sku IN ('LG-B', 'LG-C');

-- a_till_sale_beyond_the_books_posts_what_was_not_recorded
SELECT outcome, on_hand, available, unrecorded_qty, shortage_qty FROM retail.sell('LG-C', 'LG1', 5, 'lg-till', 'receipt 3');
SELECT outcome, on_hand, unrecorded_qty FROM retail.sell('LG-D', 'LG1', 2);
SELECT kind, on_hand, on_hand_after FROM pg_temp.ledger WHERE ref = 'receipt 3' OR sku = 'LG-D';

-- a_till_sale_of_promised_units_raises_a_shortage_newest_hold_first
SELECT outcome FROM retail.receive('LG-E', 'LG1', 6);
SELECT outcome FROM retail.reserve('LG-E', 'LG1', 2, 'lg-app', '1 hour', 'first');
SELECT reservation_id AS paid FROM retail.reserve('LG-E', 'LG1', 2, 'lg-app', '1 hour', 'paid') \gset
SELECT outcome FROM retail.confirm(:paid);
SET pg_retail.clock = '2031-05-01 10:01:00+00';
SELECT outcome FROM retail.reserve('LG-E', 'LG1', 1, 'lg-app', '1 hour', 'last');
SELECT outcome, on_hand, available, shortage_qty FROM retail.sell('LG-E', 'LG1', 1);
SELECT outcome, on_hand, available, shortage_qty FROM retail.sell('LG-E', 'LG1', 2);
SELECT * FROM pg_temp.short;
SELECT outcome, available FROM retail.reserve('LG-E', 'LG1', 1, 'lg-app');
SELECT outcome, on_hand, available, shortage_qty FROM retail.receive('LG-E', 'LG1', 2);
-- ... and_is_refused_where_the_setting_says_so
SET pg_retail.till_oversell = 'refuse';
SELECT outcome, movement_id, on_hand, available FROM retail.sell('LG-E', 'LG1', 1);
SELECT outcome, on_hand FROM retail.sell_lines(ARRAY[('LG-B', 'LG1', 1), ('LG-E', 'LG1', 1)]::retail.line[]);
SELECT outcome, on_hand FROM retail.sell('LG-D', 'LG1', 1);
SELECT * FROM pg_temp.shelf WHERE sku IN ('LG-B', 'LG-E');
RESET pg_retail.till_oversell;
-- lapsed_holds_are_spent_by_the_sale_that_needs_them
SET pg_retail.clock = '2031-05-01 12:00:00+00';
SELECT outcome, on_hand, available, shortage_qty FROM retail.sell('LG-E', 'LG1', 3);
SELECT r.status, qty, holder FROM retail.reservation r JOIN retail.sku ON sku.id = sku_id WHERE code = 'LG-E' ORDER BY r.id;

-- a_count_is_never_refused_and_a_shortage_names_whom_to_call
SELECT outcome FROM retail.receive('LG-F', 'LG1', 10);
SELECT outcome FROM retail.reserve('LG-F', 'LG1', 3, 'lg-app', '1 hour', 'one');
SELECT reservation_id AS two FROM retail.reserve('LG-F', 'LG1', 3, 'lg-app', '1 hour', 'two') \gset
SELECT outcome FROM retail.confirm(:two);
SELECT outcome, on_hand, available, shortage_qty FROM retail.count_stock('LG-F', 'LG1', 2);
SELECT * FROM pg_temp.short WHERE sku = 'LG-F';
SELECT outcome, on_hand FROM retail.count_stock('LG-F', 'LG1', 2);
SELECT count(*) FROM pg_temp.short WHERE sku = 'LG-F';
SELECT outcome, qty FROM retail.consume(:two);
SELECT outcome, qty FROM retail.consume(:two, 2);
SELECT outcome FROM retail.count_stock('LG-F', 'LG2', 0);

-- a_count_of_an_earlier_moment_keeps_what_happened_since
SELECT outcome, on_hand FROM retail.receive('LG-G', 'LG1', 20, occurred_at => '2031-05-01 08:00:00+00');
SELECT outcome, on_hand FROM retail.sell('LG-G', 'LG1', 5, occurred_at => '2031-05-01 09:00:00+00');
SELECT outcome, on_hand FROM retail.sell('LG-G', 'LG1', 4, occurred_at => '2031-05-01 11:00:00+00');
SELECT outcome, on_hand FROM retail.count_stock('LG-G', 'LG1', 14, occurred_at => '2031-05-01 10:00:00+00');
SELECT outcome, on_hand FROM retail.count_stock('LG-G', 'LG1', 12);
SELECT kind, on_hand, on_hand_after FROM pg_temp.ledger WHERE sku = 'LG-G';

-- a_return_comes_back_where_its_disposition_says
SELECT outcome FROM retail.receive('LG-H', 'LG1', 10);
SELECT outcome FROM retail.sell('LG-H', 'LG1', 8, 'lg-till', 'receipt 9');
SELECT d AS disposition, r.outcome, r.on_hand, r.available
FROM unnest(ARRAY['restock', 'quarantine', 'refurbish', 'scrap']) d, LATERAL retail.take_back('LG-H', 'LG2', 1, 'receipt 9', d) r;
SELECT kind, location, on_hand, unavailable, on_hand_after, unavailable_after, reason FROM pg_temp.ledger WHERE sku = 'LG-H' AND location = 'LG2';
-- ... and_never_more_than_was_sold_minus_returned
SELECT outcome, movement_id, on_hand FROM retail.take_back('LG-H', 'LG1', 5, 'receipt 9');
SELECT outcome, on_hand FROM retail.take_back('LG-H', 'LG1', 4, 'receipt 9');
SELECT outcome FROM retail.take_back('LG-H', 'LG1', 1, 'receipt 9');
SELECT outcome FROM retail.take_back('LG-A', 'LG1', 1, 'receipt 9');
SELECT outcome FROM retail.take_back('LG-H', 'LG1', 1, 'no such receipt');
SELECT outcome, on_hand FROM retail.take_back('LG-H', 'LG1', 1);
-- ... and_only_where_the_location_takes_returns
UPDATE retail.location SET accepts_returns = false WHERE code = 'LG1';
SELECT outcome, movement_id, on_hand FROM retail.take_back('LG-H', 'LG1', 1);
UPDATE retail.location SET accepts_returns = true WHERE code = 'LG1';
SELECT outcome, on_hand FROM retail.take_back('LG-H', 'LG1', 1);
-- ... an_order_that_was_shipped_comes_back_by_its_order_ref
SELECT reservation_id AS id FROM retail.reserve('LG-H', 'LG1', 2, 'lg-app') \gset
SELECT outcome FROM retail.confirm(:id, order_ref => 'order 5');
SELECT outcome FROM retail.take_back('LG-H', 'LG1', 1, 'order 5');
SELECT outcome FROM retail.consume(:id);
SELECT outcome FROM retail.take_back('LG-H', 'LG1', 2, 'order 5');
SELECT outcome FROM retail.take_back('LG-H', 'LG1', 1, 'order 5');
-- ... not_where_a_location_is_closed
UPDATE retail.location SET status = 'closed' WHERE code = 'LG2';
SELECT outcome FROM retail.take_back('LG-H', 'LG2', 1);
SELECT outcome, on_hand FROM retail.receive('LG-H', 'LG2', 1);
UPDATE retail.location SET status = 'open' WHERE code = 'LG2';

-- blocked_units_can_be_sold_at_the_till_last
SELECT outcome FROM retail.receive('LG-D', 'LG2', 5);
SELECT outcome FROM retail.block('LG-D', 'LG2', 4, 'display');
SELECT outcome, on_hand, available, shortage_qty, unrecorded_qty FROM retail.sell('LG-D', 'LG2', 3);
SELECT * FROM pg_temp.shelf WHERE sku = 'LG-D';

-- the_ledger_adds_up
SELECT sku.code, s.on_hand - sum(m.on_hand_delta) AS on_hand, s.unavailable - sum(m.unavailable_delta) AS unavailable
FROM retail.stock s JOIN retail.movement m USING (sku_id, location_id) JOIN retail.sku ON sku.id = s.sku_id
WHERE sku.code LIKE 'LG-%'
GROUP BY sku.code, s.sku_id, s.location_id, s.on_hand, s.unavailable
HAVING s.on_hand <> sum(m.on_hand_delta) OR s.unavailable <> sum(m.unavailable_delta);

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
