-- Sold-out flags and the events that announce them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('fl-app', 'App'), ('fl-shop', 'Shop');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('FL1', 'Shop 1', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) VALUES ('FL-A', 'A'), ('FL-B', 'B'), ('FL-C', 'C');
INSERT INTO retail.safety_stock (sku_id, channel_id, qty) SELECT s.id, c.id, 2 FROM retail.sku s, retail.channel c WHERE s.code LIKE 'FL-%' AND c.code = 'fl-app';
CREATE VIEW pg_temp.sold_out AS SELECT sku, channel FROM retail_bi.sold_out WHERE location = 'FL1' AND channel LIKE 'fl-%' ORDER BY 1, 2;
CREATE VIEW pg_temp.events AS
SELECT o.payload->>'sku' AS sku, f->>'channel' AS channel, (f->>'sold_out')::boolean AS sold_out
FROM retail.outbox o, jsonb_array_elements(o.payload->'channels') WITH ORDINALITY x (f, n)
WHERE o.topic = 'sold_out' AND o.payload->>'sku' LIKE 'FL-%' AND f->>'channel' LIKE 'fl-%' ORDER BY o.id, n;

-- the_crossing_transaction_sets_the_flag_of_the_channels_that_cross
SELECT outcome FROM retail.receive('FL-A', 'FL1', 4);
SELECT * FROM pg_temp.sold_out;
SELECT outcome, available FROM retail.reserve('FL-A', 'FL1', 1, 'fl-app', '1 hour', 'a');
SELECT * FROM pg_temp.sold_out;
SELECT outcome, available FROM retail.reserve('FL-A', 'FL1', 1, 'fl-app', '1 hour', 'b');
SELECT * FROM pg_temp.sold_out;
SELECT outcome, available FROM retail.reserve('FL-A', 'FL1', 2, 'fl-shop', '1 hour', 'c');
SELECT * FROM pg_temp.sold_out;
-- a_refusal_and_a_further_sale_flip_nothing
SELECT outcome FROM retail.reserve('FL-A', 'FL1', 1, 'fl-app');
SELECT outcome FROM retail.sell('FL-A', 'FL1', 1, 'fl-shop');
-- release_restock_return_and_unblock_clear_it
SELECT outcome FROM retail.release((SELECT id FROM retail.reservation WHERE holder = 'c'));
SELECT * FROM pg_temp.sold_out;
SELECT outcome FROM retail.receive('FL-A', 'FL1', 2);
SELECT * FROM pg_temp.sold_out;
SELECT * FROM pg_temp.events;

-- every_way_down_crosses
SELECT outcome FROM retail.receive('FL-B', 'FL1', 3);
SELECT outcome FROM retail.block('FL-B', 'FL1', 1, 'display');
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-B';
SELECT outcome FROM retail.unblock('FL-B', 'FL1', 1, 'display');
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-B';
SELECT outcome FROM retail.adjust('FL-B', 'FL1', -1, 'lost');
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-B';
SELECT outcome FROM retail.count_stock('FL-B', 'FL1', 0);
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-B';
SELECT outcome FROM retail.take_back('FL-B', 'FL1', 5);
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-B';
SELECT outcome FROM retail.sell('FL-B', 'FL1', 5);
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-B';
SELECT channel, count(*), bool_or(sold_out) AND bool_or(NOT sold_out) AS both FROM pg_temp.events WHERE sku = 'FL-B' GROUP BY 1 ORDER BY 1;

-- an_undone_crossing_leaves_neither_flag_nor_event
SELECT count(*) AS events FROM pg_temp.events \gset
BEGIN;
SELECT outcome FROM retail.reserve('FL-A', 'FL1', 3, 'fl-shop');
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-A';
ROLLBACK;
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-A';
SELECT count(*) - :events AS new_events FROM pg_temp.events;

-- a_stock_that_never_was_is_sold_out_for_nobody_until_it_sells_out
SELECT * FROM pg_temp.sold_out WHERE sku = 'FL-C';

-- consumers_drain_each_for_himself_in_order
SELECT count(*) = (SELECT count(*) FROM retail.outbox WHERE payload->>'sku' = 'FL-A') AS all_of_a
FROM retail.outbox_take('fl erp', 10000) WHERE payload->>'sku' = 'FL-A';
SELECT bool_and(sku IS NOT NULL AND location IS NOT NULL) AS with_codes FROM retail.outbox_take('fl wms', 10000) WHERE topic = 'sold_out';
SELECT retail.outbox_done('fl erp', ARRAY(SELECT id FROM retail.outbox)) > 0 AS done;
SELECT count(*) FROM retail.outbox_take('fl erp', 10000) WHERE payload->>'sku' LIKE 'FL-%';

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
