-- Ways past the price guard that were tried: by another statement, another time, another name, another role.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    message := regexp_replace(message, '(row|grant|hold|settlement|id) \d+', '\1 N', 'g');
    RETURN NEXT;
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('sl-app', 'App', 'online'), ('sl-till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('SL1', 'Shop 1', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) SELECT 'SL-' || x, x FROM unnest(ARRAY['A', 'REST', 'CON', 'TMP', 'SAVE', 'IMP']) x;
CREATE FUNCTION pg_temp.sku(code text) RETURNS integer LANGUAGE sql AS $$ SELECT id FROM retail.sku k WHERE k.code = $1 $$;
CREATE FUNCTION pg_temp.channel(code text) RETURNS integer LANGUAGE sql AS $$ SELECT id FROM retail.channel c WHERE c.code = $1 $$;
CREATE ROLE retail_sl_alice LOGIN;
CREATE ROLE retail_sl_bob LOGIN;
CREATE ROLE retail_sl_team;
GRANT retail_sl_team TO retail_sl_alice, retail_sl_bob;
DO $$ BEGIN
    PERFORM retail.grant_access(r, 'pricing') FROM unnest(ARRAY['retail_sl_alice', 'retail_sl_bob', 'retail_sl_team']) r;
END $$;
SELECT outcome FROM retail.set_base_price('SL-A', 100, 'CNY');

-- a_rest_is_one_only_now: what was left of a price when it went is let in without a look just then, and not later
SELECT outcome FROM retail.set_base_price('SL-REST', 50, 'CNY');
SELECT outcome, price_id FROM retail.set_price('SL-REST', 'sl-app', NULL, 50, '[2031-06-01,)') \gset
SELECT outcome FROM retail.withdraw_price(:price_id);
SET pg_retail.clock = '2031-05-02 10:00:00+00';
SELECT outcome FROM retail.set_base_price('SL-REST', 100);
SELECT format('INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid, recorded_at, split_from) SELECT sku_id, channel_id, currency, amount, ''[2031-06-02,)'', withdrawn_at, id FROM retail.price WHERE id = %s', :price_id) AS query \gset
SELECT * FROM pg_temp.refusal(:'query');
SELECT format('INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid, split_from) SELECT sku_id, channel_id, currency, amount, ''[2031-06-02,)'', id FROM retail.price WHERE id = %s', :price_id) AS query \gset
SELECT * FROM pg_temp.refusal(:'query');

-- every_statement_is_guarded: ON CONFLICT, MERGE, and those that touch no row
SELECT outcome FROM retail.set_base_price('SL-CON', 100, 'CNY');
SELECT price_id FROM retail.set_price('SL-CON', 'sl-app', NULL, 100) \gset
SELECT r.* FROM unnest(ARRAY[
    $$INSERT INTO retail.price (id, sku_id, channel_id, currency, amount, valid) VALUES (%1$s, %2$s, %3$s, 'CNY', 100, '[2031-06-01,)') ON CONFLICT (id) DO UPDATE SET amount = 1$$,
    $$INSERT INTO retail.price AS p (id, sku_id, channel_id, currency, amount, valid) VALUES (%1$s, %2$s, %3$s, 'CNY', 100, '[2031-06-01,)') ON CONFLICT (id) DO UPDATE SET valid = tstzrange(lower(p.valid) - interval '1 day', NULL)$$,
    $$INSERT INTO retail.price (sku_id, channel_id, currency, kind, amount, valid) VALUES (%2$s, %3$s, 'CNY', 'promo', 1, '[2031-06-01,)') ON CONFLICT DO NOTHING$$,
    $$MERGE INTO retail.price p USING (SELECT %1$s AS id) s ON p.id = s.id WHEN MATCHED THEN UPDATE SET amount = 2$$,
    $$MERGE INTO retail.price p USING (SELECT -1 AS id) s ON p.id = s.id WHEN NOT MATCHED THEN INSERT (sku_id, channel_id, currency, kind, amount, valid) VALUES (%2$s, %3$s, 'CNY', 'promo', 2, '[2031-06-01,)')$$,
    $$MERGE INTO retail.price p USING (SELECT %1$s AS id) s ON p.id = s.id WHEN MATCHED THEN DELETE$$,
    $$WITH w AS (UPDATE retail.price SET withdrawn_at = retail.now() WHERE id = %1$s RETURNING *) INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid, split_from) SELECT sku_id, channel_id, currency, 1, valid, id FROM w$$,
    $$UPDATE retail.price SET valid = valid WHERE false$$,
    $$INSERT INTO retail.price SELECT * FROM retail.price WHERE false$$,
    $$DELETE FROM retail.price WHERE false$$]) WITH ORDINALITY q (query, n)
    CROSS JOIN LATERAL pg_temp.refusal(format(q.query, :price_id, pg_temp.sku('SL-CON'), pg_temp.channel('sl-app'))) r
ORDER BY q.n;
SELECT amount, valid, withdrawn_at FROM retail.price WHERE sku_id = pg_temp.sku('SL-CON');

-- what_is_rolled_back_counts_for_nobody: neither a base price, nor a rule, nor a currency
SELECT outcome FROM retail.set_base_price('SL-SAVE', 100, 'CNY');
BEGIN;
SAVEPOINT a;
SELECT outcome FROM retail.set_base_price('SL-SAVE', 200);
SELECT outcome FROM retail.set_price('SL-SAVE', 'sl-app', NULL, 200);
ROLLBACK TO a;
SELECT outcome, low, high FROM retail.set_price('SL-SAVE', 'sl-app', NULL, 200);
SAVEPOINT b;
INSERT INTO retail.price_rule (sku_id, low_percent, high_percent) VALUES (pg_temp.sku('SL-SAVE'), 90, 100);
INSERT INTO retail.currency (code, name, decimals) VALUES ('XSL', 'Slip', 4);
INSERT INTO retail.base_price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('SL-SAVE'), 'XSL', 1.2345, '[2031-06-01,)');
ROLLBACK TO b;
SELECT outcome, low, high FROM retail.set_price('SL-SAVE', 'sl-app', NULL, 200);
INSERT INTO retail.currency (code, name, decimals) VALUES ('XSL', 'Slip', 0);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.base_price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('SL-SAVE'), 'XSL', 1.2345, '[2031-06-01,)')$$);
ROLLBACK;

-- names_of_his_own help nobody: tables, types and operators before those of the system
CREATE TEMP TABLE price (a integer);
CREATE TEMP TABLE base_price (a integer);
CREATE TEMP TABLE currency (code text, decimals integer);
CREATE SCHEMA sl_evil;
CREATE FUNCTION sl_evil.le(numeric, numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR sl_evil.<= (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = sl_evil.le);
CREATE FUNCTION sl_evil.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT timestamptz '2001-01-01' $$;
CREATE TYPE sl_evil.tstzrange AS (a integer);
SELECT outcome FROM retail.set_base_price('SL-TMP', 100, 'CNY');
SET search_path = pg_temp, sl_evil, pg_catalog;
SELECT outcome, low, high FROM retail.set_price('SL-TMP', 'sl-app', NULL, 111);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid) VALUES (pg_temp.sku('SL-TMP'), pg_temp.channel('sl-app'), 'CNY', 111, '[2031-06-01,)')$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid) VALUES (pg_temp.sku('SL-TMP'), pg_temp.channel('sl-app'), 'CNY', 'NaN', '[2031-06-01,)')$$);
RESET search_path;
DROP TABLE pg_temp.price, pg_temp.base_price, pg_temp.currency;
DROP SCHEMA sl_evil CASCADE;

-- the_functions_inside want all their arguments, and fall over none that is missing
SELECT r.* FROM unnest(ARRAY[
    $$SELECT * FROM retail._price_verdict(NULL, 0, 0, 'CNY', 'list', 1, '[2031-06-01,)', NULL)$$,
    $$SELECT * FROM retail._price_verdict(1, 0, 0, NULL, 'list', 1, '[2031-06-01,)', NULL)$$,
    $$SELECT * FROM retail._price_verdict(1, 0, 0, 'CNY', NULL, 1, '[2031-06-01,)', NULL)$$,
    $$SELECT * FROM retail._price_verdict(1, 0, 0, 'CNY', 'list', NULL, '[2031-06-01,)', NULL)$$,
    $$SELECT * FROM retail._price_verdict(1, 0, 0, 'CNY', 'list', 1, NULL, NULL)$$,
    $$SELECT * FROM retail._scan_prices(NULL, NULL) WHERE false$$]) q
    CROSS JOIN LATERAL pg_temp.refusal(q) r;

-- a_child_has_no_guard, and verify() says so
BEGIN;
CREATE TABLE retail.price_child () INHERITS (retail.price);
INSERT INTO retail.price_child (id, sku_id, channel_id, currency, amount, valid) VALUES (0, pg_temp.sku('SL-A'), pg_temp.channel('sl-app'), 'CNY', 1, '[2031-06-01,)');
SELECT check_name, detail FROM retail.verify() WHERE detail LIKE '%inherits%';
ROLLBACK;

-- a_price_file_is_of_who_brings_it
SET SESSION AUTHORIZATION retail_sl_bob;
INSERT INTO retail.price_import (sku, channel, amount) VALUES ('SL-A', 'sl-app', '101');
SELECT * FROM retail.price_import WHERE false;
\set VERBOSITY terse
INSERT INTO retail.price_import (sku, channel, amount, actor) VALUES ('SL-A', 'sl-app', '102', 'retail_sl_alice');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION retail_sl_alice;
UPDATE retail.price_import SET amount = '109';
UPDATE retail.price_import SET actor = 'retail_sl_alice';
DELETE FROM retail.price_import;
SELECT outcome, row_count FROM retail.import_prices();
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION retail_sl_bob;
UPDATE retail.price_import SET actor = 'retail_sl_alice';
UPDATE retail.price_import SET amount = '102';
SELECT outcome, row_count FROM retail.import_prices();
RESET SESSION AUTHORIZATION;
\set VERBOSITY default

-- four_eyes_are_two_people: SET ROLE makes no other person of who has logged in
SET SESSION AUTHORIZATION retail_sl_alice;
SELECT grant_id AS own FROM retail.request_grant('retail_sl_alice', '2031-06-01', '2031-07-01', 50) \gset
SET ROLE retail_sl_team;
SELECT grant_id AS teams FROM retail.request_grant('retail_sl_alice', '2031-06-01', '2031-07-01', 50) \gset
SELECT * FROM pg_temp.refusal(format('SELECT retail.approve_grant(%s)', :own));
RESET ROLE;
SELECT * FROM pg_temp.refusal(format('SELECT retail.approve_grant(%s)', :teams));
SELECT outcome, alert_id FROM retail.raise_alert('SL-A', 'sl-app', NULL, 'CNY', 'complaint') \gset
SELECT outcome FROM retail.settle('sl-app', 'SL-1', 'guide', 'Anna', 5, 'CNY', 'SL1', ARRAY[('SL-A', 1, 100)]::retail.sold_line[]);
SELECT outcome FROM retail.hold_settlement('sl-app', 'SL-1', :alert_id, 'complaint');
SET ROLE retail_sl_team;
SELECT r.code FROM unnest(ARRAY['SELECT retail.release_settlement(''sl-app'', ''SL-1'')', 'SELECT retail.reverse_settlement(''sl-app'', ''SL-1'', ''x'')',
    'SELECT retail.resolve_alert(%s)', 'SELECT retail.waive_alert(%s, ''2031-07-01'', ''x'')']) q
    CROSS JOIN LATERAL pg_temp.refusal(format(q, :alert_id)) r;
RESET ROLE;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION retail_sl_bob;
SET ROLE retail_sl_team;
SELECT * FROM pg_temp.refusal(format('SELECT retail.approve_grant(%s)', :teams));
SELECT outcome, requested_by, decided_by FROM retail.approve_grant(:own);
RESET ROLE;
SELECT outcome, requested_by, decided_by FROM retail.approve_grant(:teams);
SELECT outcome, status FROM retail.release_settlement('sl-app', 'SL-1');
RESET SESSION AUTHORIZATION;
-- but where many share a login, it says nothing
CREATE ROLE retail_sl_pool LOGIN;
GRANT retail_sl_alice, retail_sl_bob TO retail_sl_pool;
SET SESSION AUTHORIZATION retail_sl_pool;
SET pg_retail.shared_logins = 'retail_sl_pool';
SET ROLE retail_sl_alice;
SELECT grant_id AS pools FROM retail.request_grant('retail_sl_alice', '2031-06-01', '2031-07-01', 50) \gset
SET ROLE retail_sl_bob;
SELECT * FROM pg_temp.refusal(format('SELECT retail.approve_grant(%s)', :pools));
RESET SESSION AUTHORIZATION;
SET pg_retail.shared_logins = 'a b';
SET pg_retail.shared_logins = 'other, Retail_SL_Pool';
SET SESSION AUTHORIZATION retail_sl_pool;
SET ROLE retail_sl_alice;
SELECT grant_id AS pools FROM retail.request_grant('retail_sl_alice', '2031-06-01', '2031-07-01', 50) \gset
SELECT * FROM pg_temp.refusal(format('SELECT retail.approve_grant(%s)', :pools));
SET ROLE retail_sl_bob;
SELECT outcome, requested_by, decided_by FROM retail.approve_grant(:pools);
RESET SESSION AUTHORIZATION;
RESET pg_retail.shared_logins;

-- what_was_decided_stays on record
SELECT r.* FROM unnest(ARRAY['TRUNCATE retail.price_grant', 'TRUNCATE retail.settlement_hold', 'TRUNCATE retail.settlement CASCADE', 'TRUNCATE retail.price_alert CASCADE',
    'UPDATE retail.price_grant SET requested_login = NULL', 'UPDATE retail.settlement_hold SET held_login = NULL', 'DELETE FROM retail.settlement_hold']) q
    CROSS JOIN LATERAL pg_temp.refusal(q) r;

SELECT check_name, detail FROM retail.verify() WHERE check_name LIKE 'price%' OR check_name LIKE 'settlement%';
DROP OWNED BY retail_sl_alice, retail_sl_bob, retail_sl_team, retail_sl_pool;
DROP ROLE retail_sl_alice, retail_sl_bob, retail_sl_team, retail_sl_pool;
RESET pg_retail.clock;
