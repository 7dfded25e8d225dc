-- Placing an order: route, hold and write in one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-06-02 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('po-app', 'App'), ('po-other', 'Other');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) SELECT 'PO' || i, 'Store ' || i, 'store', 20 + i * 0.01, 50, 'UTC' FROM generate_series(1, 3) i;
INSERT INTO retail.sku (code, name) SELECT 'PO-' || c, c FROM unnest('{A,B,C}'::text[]) c;
SELECT count(*) AS received FROM retail.receive_lines(ARRAY[('PO-A', 'PO1', 5), ('PO-A', 'PO2', 5), ('PO-B', 'PO2', 5)]::retail.line[]);
CREATE FUNCTION pg_temp.place(ref text, lines retail.line[], options jsonb DEFAULT '{}', request_key text DEFAULT NULL, holder text DEFAULT NULL,
    channel text DEFAULT 'po-app', location text DEFAULT NULL)
RETURNS TABLE (outcome text, parcel bigint, line integer, sku text, at text, qty bigint, expires timestamptz, replayed boolean) LANGUAGE sql AS $$
    SELECT o.outcome, dense_rank() OVER (ORDER BY o.fulfilment_id), o.line_no, o.sku, o.location, o.qty, o.expires_at, o.replayed
    FROM retail.place_order(channel, ref, lines, 20, 50, 'express', location, holder, request_key, options) o $$;

-- an_order_is_written_with_its_parcels_and_holds
SELECT * FROM pg_temp.place('o1', ARRAY[('PO-A', NULL, 2), ('PO-B', NULL, 1)]::retail.line[]);
SELECT o.order_ref, s.code AS service, o.status, o.promise_at, o.placed_at FROM retail.sales_order o JOIN retail.service s ON s.id = o.service_id JOIN retail.channel c ON c.id = o.channel_id WHERE c.code = 'po-app';
SELECT l.line_no, k.code, l.qty, l.backordered_qty, l.shipped_qty FROM retail.order_line l JOIN retail.sku k ON k.id = l.sku_id WHERE k.code LIKE 'PO-_' ORDER BY 1;
SELECT p.code, f.state, round(f.distance_m / 100) AS hm, f.promise_kept, l.line_no, l.qty FROM retail.fulfilment_order f JOIN retail.location p ON p.id = f.location_id JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id WHERE p.code LIKE 'PO_' ORDER BY 5;
SELECT r.status, r.qty, r.order_ref, r.holder FROM retail.fulfilment_line l JOIN retail.reservation r ON r.id = l.reservation_id JOIN retail.sku k ON k.id = l.sku_id WHERE k.code LIKE 'PO-_' ORDER BY l.line_no;
-- a_second_order_of_that_name_is_told_so
SELECT outcome, qty FROM pg_temp.place('o1', ARRAY[('PO-A', NULL, 1)]::retail.line[]);
-- another_channel_may_use_the_name
SELECT outcome, at FROM pg_temp.place('o1', ARRAY[('PO-A', NULL, 1)]::retail.line[], channel => 'po-other');
-- a_retry_gets_the_first_answer
SELECT outcome, at, replayed FROM pg_temp.place('o2', ARRAY[('PO-A', NULL, 1), ('PO-B', NULL, 1)]::retail.line[], request_key => 'k2');
SELECT outcome, at, replayed FROM pg_temp.place('o2', ARRAY[('PO-A', NULL, 1), ('PO-B', NULL, 1)]::retail.line[], request_key => 'k2');
\set VERBOSITY sqlstate
SELECT outcome FROM pg_temp.place('o2', ARRAY[('PO-A', NULL, 2)]::retail.line[], request_key => 'k2');
\set VERBOSITY default
-- all_or_nothing
SELECT outcome, line, sku, qty FROM pg_temp.place('o3', ARRAY[('PO-A', NULL, 1), ('PO-C', NULL, 1)]::retail.line[]);
SELECT count(*) FROM retail.sales_order WHERE order_ref = 'o3';
-- unless_the_rest_may_wait
SELECT outcome, line, sku, at, qty FROM pg_temp.place('o3', ARRAY[('PO-A', NULL, 1), ('PO-C', NULL, 1)]::retail.line[], '{"backorder": true}');
SELECT line_no, qty, backordered_qty FROM retail.order_line l JOIN retail.sales_order o ON o.id = l.order_id WHERE o.order_ref = 'o3' ORDER BY 1;
-- a_fixed_location, a_ttl, a_guide
SELECT outcome, at, expires FROM pg_temp.place('o4', ARRAY[('PO-A', NULL, 1)]::retail.line[], '{"ttl": "2 minutes", "guide": "Anna"}', location => 'PO2');
SELECT guide FROM retail.sales_order WHERE order_ref = 'o4';
-- the_customers_own_hold_becomes_the_orders
SELECT retail.available('PO-B', 'PO2') AS before;
SELECT outcome FROM retail.reserve('PO-B', 'PO2', 3, 'po-app', holder => 'member 7');
SELECT outcome, at FROM pg_temp.place('o5', ARRAY[('PO-B', NULL, 3)]::retail.line[], holder => 'member 7');
SELECT status, qty, holder FROM retail.reservation WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'PO-B') AND qty = 3 ORDER BY id;
-- a_second_order_of_his_does_not_touch_the_first
SELECT outcome FROM pg_temp.place('o6', ARRAY[('PO-B', NULL, 1)]::retail.line[], holder => 'member 7');
SELECT count(*) AS still_held FROM retail.reservation r JOIN retail.sku k ON k.id = r.sku_id WHERE k.code = 'PO-B' AND r.status = 'held' AND r.qty = 3;
-- capacity_is_taken
UPDATE retail.location SET daily_capacity = 1 WHERE code LIKE 'PO_';
SELECT outcome, at FROM pg_temp.place('o7', ARRAY[('PO-A', NULL, 1)]::retail.line[]);
SELECT l.code, u.business_date, u.taken FROM retail.capacity_use u JOIN retail.location l ON l.id = u.location_id WHERE l.code LIKE 'PO_';
SELECT outcome, at FROM pg_temp.place('o8', ARRAY[('PO-A', NULL, 1)]::retail.line[]);
SELECT outcome, at FROM pg_temp.place('o9', ARRAY[('PO-A', NULL, 1)]::retail.line[]);
-- refusals
UPDATE retail.channel SET status = 'closed' WHERE code = 'po-other';
SELECT outcome FROM pg_temp.place('o10', ARRAY[('PO-A', NULL, 1)]::retail.line[], channel => 'po-other');
UPDATE retail.sku SET status = 'discontinued' WHERE code = 'PO-A';
SELECT outcome FROM pg_temp.place('o11', ARRAY[('PO-A', NULL, 1)]::retail.line[]);
-- nothing_is_left_of_an_order_rolled_back
BEGIN;
UPDATE retail.location SET daily_capacity = NULL WHERE code LIKE 'PO_';
SELECT outcome FROM pg_temp.place('o12', ARRAY[('PO-B', NULL, 1)]::retail.line[]);
ROLLBACK;
SELECT count(*) FROM retail.sales_order WHERE order_ref = 'o12';
SELECT check_name, sku, location, expected, found FROM retail.verify();
