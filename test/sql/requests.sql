-- Request keys: a retry answers what the first try answered.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('rq-app', 'App');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('RQ1', 'Shop', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) VALUES ('RQ-A', 'A'), ('RQ-B', 'B'), ('RQ-C', 'C');

-- a_retry_changes_nothing_and_says_so
SELECT outcome, on_hand, available, replayed FROM retail.receive('RQ-A', 'RQ1', 3, request_key => 'rq receive');
SELECT outcome, on_hand, available, replayed FROM retail.receive('RQ-A', 'RQ1', 3, request_key => 'rq receive');
SELECT outcome, replayed FROM retail.adjust('RQ-A', 'RQ1', 2, 'found', request_key => 'rq adjust');
SELECT outcome, replayed FROM retail.adjust('RQ-A', 'RQ1', 2, 'found', request_key => 'rq adjust');
SELECT outcome, replayed FROM retail.count_stock('RQ-A', 'RQ1', 6, request_key => 'rq count');
SELECT outcome, replayed FROM retail.count_stock('RQ-A', 'RQ1', 6, request_key => 'rq count');
SELECT outcome, replayed FROM retail.block('RQ-A', 'RQ1', 2, 'display', request_key => 'rq block');
SELECT outcome, replayed FROM retail.block('RQ-A', 'RQ1', 2, 'display', request_key => 'rq block');
SELECT outcome, replayed FROM retail.unblock('RQ-A', 'RQ1', 1, 'display', request_key => 'rq unblock');
SELECT outcome, replayed FROM retail.unblock('RQ-A', 'RQ1', 1, 'display', request_key => 'rq unblock');
SELECT outcome, replayed FROM retail.sell('RQ-A', 'RQ1', 1, 'rq-app', 'rq receipt', request_key => 'rq sell');
SELECT outcome, replayed FROM retail.sell('RQ-A', 'RQ1', 1, 'rq-app', 'rq receipt', request_key => 'rq sell');
SELECT outcome, replayed FROM retail.take_back('RQ-A', 'RQ1', 1, 'rq receipt', request_key => 'rq back');
SELECT outcome, replayed FROM retail.take_back('RQ-A', 'RQ1', 1, 'rq receipt', request_key => 'rq back');
SELECT outcome, replayed FROM retail.receive_lines(ARRAY[('RQ-B', 'RQ1', 4), ('RQ-C', 'RQ1', 5)]::retail.line[], request_key => 'rq lines');
SELECT outcome, replayed FROM retail.receive_lines(ARRAY[('RQ-B', 'RQ1', 4), ('RQ-C', 'RQ1', 5)]::retail.line[], request_key => 'rq lines');
SELECT outcome, replayed FROM retail.sell_lines(ARRAY[('RQ-B', 'RQ1', 1), ('RQ-C', 'RQ1', 1)]::retail.line[], request_key => 'rq sold');
SELECT outcome, replayed FROM retail.sell_lines(ARRAY[('RQ-B', 'RQ1', 1), ('RQ-C', 'RQ1', 1)]::retail.line[], request_key => 'rq sold');
SELECT code, on_hand, unavailable FROM retail.stock JOIN retail.sku ON sku.id = sku_id WHERE code LIKE 'RQ-%' ORDER BY 1;
SELECT m1.movement_id = m2.movement_id AS same FROM retail.receive('RQ-A', 'RQ1', 3, request_key => 'rq receive') m1,
    retail.receive('RQ-A', 'RQ1', 3, request_key => 'rq receive') m2;

-- the_retry_of_the_call_that_got_the_last_unit
SELECT outcome, qty, available, replayed FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app', request_key => 'rq last');
SELECT outcome, available, replayed FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app');
SELECT outcome, qty, expires_at, available, replayed FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app', request_key => 'rq last');
SELECT count(*) FROM retail.reservation JOIN retail.sku ON sku.id = sku_id WHERE code = 'RQ-B';
-- ... also_when_much_has_happened_since: the original answer with a fresh available
SELECT reservation_id AS id FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app', request_key => 'rq last') \gset
SELECT outcome, replayed FROM retail.confirm(:id, 2, request_key => 'rq confirm');
SELECT outcome, qty, replayed, remainder_id IS NOT NULL AS rest FROM retail.confirm(:id, 2, request_key => 'rq confirm');
SELECT outcome, qty, replayed FROM retail.consume(:id, 1, 'rq consume');
SELECT outcome, qty, replayed FROM retail.consume(:id, 1, 'rq consume');
SELECT r.id AS rest FROM retail.reservation r WHERE parent_id = :id AND status = 'committed' \gset
SELECT outcome, qty, replayed FROM retail.cancel(:rest, 'rq cancel');
SELECT outcome, qty, replayed FROM retail.cancel(:rest, 'rq cancel');
SELECT r.id AS held FROM retail.reservation r WHERE parent_id = :id AND status = 'held' \gset
SELECT outcome, qty, replayed FROM retail.release(:held, request_key => 'rq release');
SELECT outcome, qty, replayed FROM retail.release(:held, request_key => 'rq release');
SET pg_retail.clock = '2031-05-01 18:00:00+00';
SELECT outcome, qty, expires_at, available, replayed, reservation_id = :id AS same FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app', request_key => 'rq last');

-- a_basket_is_replayed_line_by_line
SELECT outcome, sku, qty, replayed FROM retail.reserve_lines(ARRAY[('RQ-C', 'RQ1', 3), ('RQ-B', 'RQ1', 9)]::retail.line[], 'rq-app',
    mode => 'partial', request_key => 'rq basket');
SELECT outcome, sku, qty, replayed FROM retail.reserve_lines(ARRAY[('RQ-C', 'RQ1', 3), ('RQ-B', 'RQ1', 9)]::retail.line[], 'rq-app',
    mode => 'partial', request_key => 'rq basket');

-- only_a_call_that_changed_something_stores_its_answer
SELECT outcome, available, replayed FROM retail.reserve('RQ-C', 'RQ1', 2, 'rq-app', request_key => 'rq later');
SELECT outcome, replayed FROM retail.receive('RQ-C', 'RQ1', 1);
SELECT outcome, available, replayed FROM retail.reserve('RQ-C', 'RQ1', 2, 'rq-app', request_key => 'rq later');
SELECT outcome, available, replayed FROM retail.reserve('RQ-C', 'RQ1', 2, 'rq-app', request_key => 'rq later');
-- ... and_one_that_was_undone_stores_none
BEGIN;
SELECT outcome, replayed FROM retail.receive('RQ-C', 'RQ1', 7, request_key => 'rq undone');
SELECT outcome, replayed FROM retail.receive('RQ-C', 'RQ1', 7, request_key => 'rq undone');
ROLLBACK;
SELECT outcome, on_hand, replayed FROM retail.receive('RQ-C', 'RQ1', 7, request_key => 'rq undone');

-- the_same_key_with_another_request_is_refused_and_changes_nothing
\set VERBOSITY sqlstate
SELECT outcome FROM retail.receive('RQ-A', 'RQ1', 4, request_key => 'rq receive');
SELECT outcome FROM retail.receive('RQ-B', 'RQ1', 3, request_key => 'rq receive');
SELECT outcome FROM retail.receive('RQ-A', 'RQ1', 3, ref => 'x', request_key => 'rq receive');
SELECT outcome FROM retail.adjust('RQ-A', 'RQ1', 2, 'lost', request_key => 'rq adjust');
SELECT outcome FROM retail.reserve('RQ-B', 'RQ1', 2, 'rq-app', request_key => 'rq last');
SELECT outcome FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app', '1 minute', request_key => 'rq last');
SELECT outcome FROM retail.reserve('RQ-B', 'RQ1', 3, 'rq-app', holder => 'x', request_key => 'rq last');
SELECT outcome FROM retail.reserve_lines(ARRAY[('RQ-C', 'RQ1', 3)]::retail.line[], 'rq-app', mode => 'partial', request_key => 'rq basket');
SELECT outcome FROM retail.confirm(:id, 1, request_key => 'rq confirm');
\set VERBOSITY default
-- ... while_a_key_is_per_function_and_per_role
SELECT outcome, replayed FROM retail.sell('RQ-C', 'RQ1', 1, request_key => 'rq receive');
CREATE ROLE regress_retail_other;
SELECT count(*) > 0 AS granted FROM retail.grant_access('regress_retail_other', 'operator');
SET ROLE regress_retail_other;
SELECT outcome, replayed FROM retail.receive('RQ-A', 'RQ1', 3, request_key => 'rq receive');
RESET ROLE;
DROP OWNED BY regress_retail_other;
DROP ROLE regress_retail_other;

-- a_replay_in_the_same_statement
SELECT a.replayed, b.replayed, a.reservation_id = b.reservation_id AS same
FROM retail.reserve('RQ-A', 'RQ1', 1, 'rq-app', request_key => 'rq twice') a, retail.reserve('RQ-A', 'RQ1', 1, 'rq-app', request_key => 'rq twice') b;

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
