-- Holders: one hold per holder and stock, replaced in one step, and other people's holds.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('hd-app', 'App'), ('hd-live', 'Live');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('HD1', 'Shop', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) VALUES ('HD-A', 'A'), ('HD-B', 'B');
CREATE VIEW pg_temp.holds AS SELECT sku.code AS sku, holder, qty, r.status FROM retail.reservation r
JOIN retail.sku ON sku.id = sku_id WHERE sku.code LIKE 'HD-%' ORDER BY r.id;
SELECT outcome FROM retail.receive_lines(ARRAY[('HD-A', 'HD1', 5), ('HD-B', 'HD1', 5)]::retail.line[]);

-- a_new_hold_replaces_the_old_one_and_his_own_units_do_not_count_against_him
SELECT outcome, qty, available FROM retail.reserve('HD-A', 'HD1', 3, 'hd-app', holder => 'ann');
SELECT outcome, qty, available FROM retail.reserve('HD-A', 'HD1', 5, 'hd-app', holder => 'ann');
SELECT outcome, qty, available FROM retail.reserve('HD-A', 'HD1', 4, 'hd-live', holder => 'ann');
SELECT * FROM pg_temp.holds;

-- only_if_the_new_one_succeeds
SELECT outcome, available FROM retail.reserve('HD-A', 'HD1', 6, 'hd-app', holder => 'ann');
SELECT outcome, available FROM retail.reserve('HD-A', 'HD1', 2, 'hd-app', holder => 'bob');
SELECT * FROM pg_temp.holds WHERE status = 'held';

-- another_stock_is_another_hold
SELECT outcome FROM retail.reserve('HD-B', 'HD1', 1, 'hd-app', holder => 'ann');
SELECT * FROM pg_temp.holds WHERE status = 'held';

-- committed_rows_are_never_replaced
SELECT id AS ann FROM retail.reservation WHERE holder = 'ann' AND status = 'held' AND qty = 4 \gset
SELECT outcome FROM retail.confirm(:ann, holder => 'ann');
SELECT outcome, available FROM retail.reserve('HD-A', 'HD1', 2, 'hd-app', holder => 'ann');
SELECT outcome, available FROM retail.reserve('HD-A', 'HD1', 1, 'hd-app', holder => 'ann');
SELECT * FROM pg_temp.holds WHERE sku = 'HD-A';

-- a_basket_replaces_line_by_line
SELECT outcome, sku, qty FROM retail.reserve_lines(ARRAY[('HD-B', 'HD1', 4), ('HD-A', 'HD1', 1)]::retail.line[], 'hd-app', holder => 'ann');
SELECT * FROM pg_temp.holds WHERE status = 'held';
-- ... or_not_at_all
SELECT outcome, sku, qty FROM retail.reserve_lines(ARRAY[('HD-B', 'HD1', 2), ('HD-A', 'HD1', 2)]::retail.line[], 'hd-app', holder => 'ann');
SELECT * FROM pg_temp.holds WHERE status = 'held';
-- ... two_lines_on_one_stock_stay_both_and_are_both_replaced
SELECT outcome, sku, qty FROM retail.reserve_lines(ARRAY[('HD-B', 'HD1', 2), ('HD-B', 'HD1', 3)]::retail.line[], 'hd-app', holder => 'ann');
SELECT outcome, qty, available FROM retail.reserve('HD-B', 'HD1', 5, 'hd-app', holder => 'ann');
SELECT * FROM pg_temp.holds WHERE status = 'held';

-- with_a_different_holder_it_is_not_yours
SELECT id AS hers FROM retail.reservation WHERE holder = 'ann' AND status = 'held' AND qty = 5 \gset
SELECT outcome FROM retail.confirm(:hers, holder => 'bob');
SELECT outcome FROM retail.release(:hers, holder => 'bob');
SELECT outcome FROM retail.extend(:hers, '1 hour', holder => 'bob');
SELECT outcome, qty FROM retail.extend(:hers, '1 hour', holder => 'ann');
SELECT outcome, qty FROM retail.extend(:hers, '1 hour');
SELECT status FROM retail.reservation WHERE id = :hers;
-- a_hold_of_nobody_is_anybodys
SELECT outcome FROM retail.release(:hers, holder => 'ann');
SELECT reservation_id AS nobodys FROM retail.reserve('HD-B', 'HD1', 1, 'hd-app') \gset
SELECT outcome FROM retail.confirm(:nobodys, holder => 'bob');
-- an_undone_replacement_leaves_the_old_hold
SELECT outcome FROM retail.reserve('HD-B', 'HD1', 2, 'hd-app', holder => 'cat');
BEGIN;
SELECT outcome FROM retail.reserve('HD-B', 'HD1', 4, 'hd-app', holder => 'cat');
ROLLBACK;
SELECT * FROM pg_temp.holds WHERE holder = 'cat';
SELECT retail.available('HD-B', 'HD1');
-- a_lapsed_hold_is_not_in_its_holders_way
SET pg_retail.clock = '2031-05-01 11:00:00+00';
SELECT outcome, available FROM retail.reserve('HD-B', 'HD1', 4, 'hd-app', holder => 'cat');
SELECT count(*) FILTER (WHERE status = 'held') AS held, sum(qty) FILTER (WHERE status = 'held') AS qty FROM pg_temp.holds WHERE holder = 'cat';

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
