-- Settlement: frozen by one, released by another; holds stack; amounts stay.
SET client_min_messages = warning;
SET pg_retail.clock = '2031-05-01 04:00:00+00';
SET timezone = 'UTC';
CREATE ROLE retail_tap_head;
CREATE ROLE retail_tap_audit;
CREATE ROLE retail_tap_clerk;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_head', 'pricing');
    PERFORM retail.grant_access('retail_tap_audit', 'pricing');
    PERFORM retail.grant_access('retail_tap_clerk', 'clerk');
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('app', 'App', 'online'), ('till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('S1', 'Shop 1', 'store', 0, 0, 'UTC'), ('S2', 'Shop 2', 'store', 0, 0, 'UTC');
INSERT INTO retail.sku (code, name) VALUES ('RICE', 'Rice'), ('TEA', 'Tea');
SELECT plan(64);

\ir as_role.psql
CREATE FUNCTION pg_temp.alert(sku text) RETURNS bigint LANGUAGE sql AS
$$ SELECT a.id FROM retail.price_alert a JOIN retail.sku k ON k.id = a.sku_id WHERE k.code = $1 AND a.rule = 'reported' $$;

-- settling
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount, status, holds, replayed)::text FROM retail.settle('till', 'T-1', 'franchisee', 'Wang', 47.2, 'CNY', 'S1',
    ARRAY[('RICE', 2, 118)]::retail.sold_line[], request_key => 'k1') $$), '(settled,47.20,open,0,f)', 'a franchisee gets his part');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, replayed)::text FROM retail.settle('till', 'T-1', 'franchisee', 'Wang', 47.2, 'CNY', 'S1',
    ARRAY[('RICE', 2, 118)]::retail.sold_line[], request_key => 'k1') $$), '(settled,t)', 'once per request key');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, replayed)::text FROM retail.settle('till', 'T-1', 'franchisee', 'Wang', 47.2, 'CNY') $$), '(settled,t)', 'and once without one');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount)::text FROM retail.settle('till', 'T-1', 'franchisee', 'Wang', 50, 'CNY') $$), '(already_settled,47.20)', 'another amount is not taken');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount)::text FROM retail.settle('till', 'T-1', 'guide', 'Anna', 3, 'CNY') $$), '(settled,3.00)', 'a guide gets hers');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'guide', 'Bo', 3, 'EUR') $$), 'RT020', 'one order, one currency');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'guide', 'Bo', 3.001, 'CNY') $$), 'RT021', 'no half fen');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'guide', 'Bo', 3, 'CNY', 'S2') $$), '22023', 'one order, one place');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'guide', 'Bo', 3, 'CNY', lines => ARRAY[('RICE', 2, 119)]::retail.sold_line[]) $$), '22023', 'and one set of lines');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'king', 'Bo', 3, 'CNY') $$), '22023', 'a party that is not known');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-2', 'guide', 'Bo', 3, 'CNY') $$), '22023', 'a till sale without lines');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('post', 'T-2', 'guide', 'Bo', 3, 'CNY') $$), 'RT003', 'a channel that is not there');
SELECT is(pg_temp.as_role('retail_tap_clerk', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'guide', 'Bo', 3, 'CNY') $$), '42501', 'a clerk settles nothing');

-- freezing, and who may release
SELECT is(pg_temp.as_role('retail_tap_clerk', $$ SELECT (outcome, replayed)::text FROM retail.raise_alert('RICE', 'till', 'S1', 'CNY', '79 at the shelf') $$), '(open,f)', 'a clerk raises an alert');
SELECT is(pg_temp.as_role('retail_tap_clerk', $$ SELECT (outcome, replayed)::text FROM retail.raise_alert('RICE', 'till', 'S1', 'CNY', 'again') $$), '(open,t)', 'the same alert again');
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT string_agg(outcome || holds || replayed, ' ' ORDER BY settlement_id) FROM retail.hold_settlement('till', 'T-1', %s, 'price raised') $$, pg_temp.alert('RICE'))),
    'frozen1false frozen1false', 'all of the order is frozen');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT string_agg(outcome || holds || replayed, ' ') FROM retail.hold_settlement('till', 'T-1', %s, 'price raised') $$, pg_temp.alert('RICE'))),
    'frozen1true frozen1true', 'once per order and alert');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, status)::text FROM retail.settle('till', 'T-1', 'supplier', 'Mill', 20, 'CNY') $$), '(frozen,frozen)', 'what is settled now is frozen, too');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT string_agg(DISTINCT outcome, ' ') FROM retail.close_settlement('till', 'T-1') $$), 'frozen', 'nothing of it is paid');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT string_agg(DISTINCT outcome, ' ') FROM retail.release_settlement('till', 'T-1') $$), 'RT027', 'who froze it does not release it');
SELECT is(pg_temp.as_role('retail_tap_head', format('SELECT outcome FROM retail.resolve_alert(%s)', pg_temp.alert('RICE'))), 'RT027', 'nor by way of the alert');
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT outcome FROM retail.waive_alert(%s, '2031-06-01', 'tired of it') $$, pg_temp.alert('RICE'))), 'RT027', 'nor by waiving it');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT string_agg(DISTINCT outcome, ' ') FROM retail.reverse_settlement('till', 'T-1', 'no') $$), 'RT027', 'nor does he reverse it');
SELECT is(pg_temp.as_role('retail_tap_clerk', $$ SELECT string_agg(DISTINCT outcome, ' ') FROM retail.release_settlement('till', 'T-1') $$), '42501', 'a clerk releases nothing');
SELECT throws_ok($$ UPDATE retail.settlement_hold SET released_by = held_by, released_at = retail.now() $$, '23514', NULL, 'not even by hand');
SELECT is((SELECT count(*)::int FROM retail.settlement WHERE status = 'frozen'), 3, 'all of it is still frozen');

-- a second hold stacks
SELECT is(pg_temp.as_role('retail_tap_audit', $$ SELECT outcome FROM retail.raise_alert('TEA', NULL, NULL, 'CNY', 'complaint') $$), 'open', 'another alert');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT max(outcome || holds) FROM retail.hold_settlement('till', 'T-1', %s, 'complaint') $$, pg_temp.alert('TEA'))), 'frozen2', 'holds stack');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT max(outcome || holds) FROM retail.release_settlement('till', 'T-1', %s, 'looked into it') $$, pg_temp.alert('RICE'))), 'frozen1', 'released by another, it is still held by the second');
SELECT is((SELECT status FROM retail.price_alert WHERE id = pg_temp.alert('RICE')), 'resolved', 'the alert whose last hold that was is resolved with it');
SELECT is(pg_temp.as_role('retail_tap_audit', $$ SELECT max(outcome) FROM retail.release_settlement('till', 'T-1') $$), 'RT027', 'the second is not his to release');
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT (outcome, released)::text FROM retail.resolve_alert(%s, 'fine') $$, pg_temp.alert('TEA'))), '(resolved,1)', 'the alert releases what it holds');
SELECT results_eq($$ SELECT party COLLATE "default", amount, status FROM retail.settlement ORDER BY id $$,
    $$ VALUES ('Wang', 47.20::numeric, 'released'), ('Anna', 3.00, 'released'), ('Mill', 20.00, 'released') $$, 'all is released, and no amount has changed');
SELECT is(pg_temp.as_role('retail_tap_audit', $$ SELECT max(outcome || replayed) FROM retail.release_settlement('till', 'T-1') $$), 'not_heldtrue', 'nothing holds it any more');
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT max(outcome || replayed) FROM retail.hold_settlement('till', 'T-1', %s, 'again') $$, pg_temp.alert('RICE'))), 'releasedtrue', 'an alert holds an order once');
SELECT is_empty('SELECT * FROM retail.verify()', 'frozen exactly while something holds');

-- reversing and closing
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome || status FROM retail.reverse_settlement('till', 'T-1', 'refund', 'guide') $$), 'reversedreversed', 'a settlement is reversed');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT string_agg(outcome || replayed, ' ' ORDER BY settlement_id) FROM retail.close_settlement('till', 'T-1') $$), 'closedfalse closedfalse closedfalse', 'then all is closed');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount, status)::text FROM retail.reverse_settlement('till', 'T-1', 'goods came back', 'franchisee', 'Wang') $$), '(taken_back,-47.20,open)', 'what was paid is taken back by its opposite');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount, replayed)::text FROM retail.reverse_settlement('till', 'T-1', 'goods came back', 'franchisee', 'Wang') $$), '(taken_back,-47.20,t)', 'once');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'supplier', 'Mill', 2, 'CNY') $$), 'already_settled', 'a closed one is not settled again');
SELECT is((SELECT sum(amount) FROM retail.settlement WHERE party = 'Wang'), 0::numeric, 'nothing is left of it');

-- reversed and then closed is not paid: it is not taken back, and may be settled anew
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount, status, replayed)::text FROM retail.reverse_settlement('till', 'T-1', 'again', 'guide') $$), '(reversed,3.00,closed,t)', 'what was never paid is not taken back');
SELECT is((SELECT count(*)::int FROM retail.settlement WHERE party = 'Anna'), 1, 'nor is anything made to do it');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount, status, replayed)::text FROM retail.settle('till', 'T-1', 'guide', 'Anna', 2, 'CNY') $$), '(settled,2.00,open,f)', 'what was reversed is settled anew');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, amount, status, replayed)::text FROM retail.settle('till', 'T-1', 'franchisee', 'Wang', 45, 'CNY') $$), '(settled,45.00,open,f)', 'and so is what was taken back');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, replayed)::text FROM retail.settle('till', 'T-1', 'franchisee', 'Wang', 45, 'CNY') $$), '(settled,t)', 'once');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT string_agg(status, ' ' ORDER BY settlement_id) FROM retail.reverse_settlement('till', 'T-1', 'wrong', 'guide') $$), 'closed reversed', 'the new one is reversed by itself');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'T-1', 'guide', 'Anna', 1, 'CNY') $$), 'settled', 'and settled a third time');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT string_agg(DISTINCT outcome, ' ') FROM retail.close_settlement('till', 'T-1') $$), 'closed', 'reversed and new ones are closed side by side');

-- held before it is settled
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT outcome FROM retail.acknowledge_alert(%s) $$, pg_temp.alert('RICE'))), 'resolved', 'what is resolved is not acknowledged');
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT (coalesce(outcome, 'none'), holds)::text FROM retail.hold_settlement('app', 'A-1', %s, 'early') $$, pg_temp.alert('RICE'))), '(none,1)', 'an order is held before it is settled');
SELECT is((SELECT status || opened FROM retail.price_alert WHERE id = pg_temp.alert('RICE')), 'open2', 'which opens its alert again');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('app', 'A-1', 'guide', 'Anna', 2, 'CNY', lines => ARRAY[('TEA', 1, 20)]::retail.sold_line[]) $$), 'frozen', 'and frozen when it comes');
SELECT is(pg_temp.as_role('retail_tap_head', format($$ SELECT (outcome, status)::text FROM retail.acknowledge_alert(%s) $$, pg_temp.alert('RICE'))), '(acknowledged,acknowledged)', 'somebody looks into it');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT outcome FROM retail.waive_alert(%s, '2031-04-01', 'x') $$, pg_temp.alert('RICE'))), '22023', 'a waiver lies ahead');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT (outcome, released)::text FROM retail.waive_alert(%s, '2031-06-01', 'agreed') $$, pg_temp.alert('RICE'))), '(waived,1)', 'waived, with its hold');
SELECT is(pg_temp.as_role('retail_tap_audit', 'SELECT outcome FROM retail.resolve_alert(0)'), 'RT029', 'no such alert');

-- by hand
SELECT throws_ok('UPDATE retail.settlement SET amount = amount + 1', 'RT008', NULL, 'an amount is never changed');
SELECT throws_ok($$ UPDATE retail.settlement SET status = 'open' WHERE status = 'closed' $$, 'RT008', NULL, 'a status goes only where it may');
SELECT throws_ok('DELETE FROM retail.settlement', 'RT008', NULL, 'nothing is deleted');
SELECT throws_ok('UPDATE retail.settlement_line SET amount = 1', 'RT008', NULL, 'what was sold stays what was sold');
SELECT is(pg_temp.as_role('retail_tap_head', 'UPDATE retail.settlement SET status = status RETURNING id::text'), '42501', 'no role writes the table');
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

SELECT * FROM finish();
DROP OWNED BY retail_tap_head, retail_tap_audit, retail_tap_clerk;
DROP ROLE retail_tap_head, retail_tap_audit, retail_tap_clerk;
