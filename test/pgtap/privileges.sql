-- Who may do what: nothing for PUBLIC, lists per level, each tried by a role that has no more.
SET client_min_messages = warning;
CREATE ROLE retail_tap_app;
CREATE ROLE retail_tap_clerk;
CREATE ROLE retail_tap_analyst;
CREATE ROLE "Retail tap Operator";
CREATE ROLE retail_tap_nobody;
SELECT plan(90);

-- PUBLIC
SELECT is_empty($$
    SELECT p.oid::regprocedure
    FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    WHERE p.pronamespace = 'retail'::regnamespace AND a.grantee = 0
        AND NOT (p.provolatile = 'i' AND ARRAY['retail.inventory_pool', 'retail.price_band', 'retail.price_band_key']::regtype[]::oid[]
            && (p.prorettype || p.proargtypes::oid[]))
$$, 'PUBLIC may call nothing but what computes with a type');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
    WHERE c.relnamespace IN ('retail'::regnamespace, 'retail_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'S') AND a.grantee = 0
$$, 'PUBLIC may read nothing');
SELECT ok(NOT has_schema_privilege('retail_tap_nobody', 'retail', 'USAGE'), 'nobody sees the schema');

-- arguments
SELECT throws_ok($$ SELECT retail.grant_access('retail tap missing', 'app') $$, '42704', 'role "retail tap missing" does not exist', 'a role that is not there');
SELECT throws_ok($$ SELECT retail.grant_access('retail_tap_app', 'boss') $$, '22023', 'level "boss" is not known', 'a level that is not there');
SELECT throws_ok($$ SELECT retail.grant_access(NULL, 'app') $$, '42704', NULL, 'no role');
SELECT throws_ok($$ SELECT retail.grant_access('retail_tap_app', NULL) $$, '22023', NULL, 'no level');

-- grants say what they gave, and may be given again
SELECT set_has($$ SELECT * FROM retail.grant_access('retail_tap_app', 'app') $$,
    $$ VALUES ('schema retail', 'USAGE'), ('table retail.sku', 'SELECT'), ('routine retail.outbox_done(text,bigint[])', 'EXECUTE') $$, 'app');
SELECT results_eq($$ SELECT * FROM retail.grant_access('retail_tap_app', 'app') $$, $$ SELECT * FROM retail.grant_access('retail_tap_app', 'app') $$, 'twice is as once');
SELECT isnt_empty($$ SELECT * FROM retail.grant_access('retail_tap_clerk', 'clerk') $$, 'clerk');
SELECT isnt_empty($$ SELECT * FROM retail.grant_access('retail_tap_analyst', 'analyst') $$, 'analyst');
SELECT isnt_empty($$ SELECT * FROM retail.grant_access('Retail tap Operator', 'operator') $$, 'operator, a role whose name wants quotes');
SELECT isnt_empty($$ SELECT * FROM retail.grant_access('"Retail tap Operator"', 'operator') $$, 'with quotes, too');

-- every public function is in somebody's list, or for the owner alone
SELECT set_eq($$
    SELECT p.proname::text FROM pg_proc p
    WHERE p.pronamespace = 'retail'::regnamespace AND NOT starts_with(p.proname, '_') AND p.prorettype <> 'trigger'::regtype
        AND p.proargtypes::text !~ ('\m' || 'internal'::regtype::oid || '\M') AND NOT has_function_privilege('Retail tap Operator', p.oid, 'EXECUTE')
$$, $$ VALUES ('init'), ('migrate'), ('grant_access'), ('approve_floor_override') $$, 'what even the operator may not call');
SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = 'retail'::regnamespace AND p.provolatile <> 'i' AND p.proname <> 'now'
        AND has_function_privilege('retail_tap_analyst', p.oid, 'EXECUTE')
$$, 'an analyst calls nothing but the clock');

DO $$ BEGIN
    INSERT INTO retail.channel (code, name) VALUES ('app', 'App');
    INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('S1', 'Shop 1', 'store', 121.47, 31.23);
    INSERT INTO retail.sku (code, name) VALUES ('A', 'Apple');
    PERFORM retail.receive('A', 'S1', 10);
    PERFORM retail.set_base_price('A', 10, 'CNY');
END $$;

-- pgTAP's functions and its temporary tables are the superuser's: roles are taken on per statement, and plans that the
-- superuser made, with functions inlined that the role may not call, are not taken over
CREATE FUNCTION pg_temp.outcome(role text, sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text := 'allowed';
BEGIN
    DISCARD PLANS;
    EXECUTE format('SET LOCAL ROLE %I', role);
    BEGIN
        EXECUTE sql;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
    END;
    RESET ROLE;
    RETURN state;
END $$;

-- app
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.reserve('A', 'S1', 1, 'app') $$), 'allowed', 'an app reserves');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.receive('A', 'S1', 1) $$), 'allowed', 'receives');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT * FROM retail.sku $$), 'allowed', 'reads SKUs');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.outbox_done('tap', ARRAY(SELECT id FROM retail.outbox_take('tap'))) $$), 'allowed', 'drains the outbox');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.pool('A', 'app') $$), 'allowed', 'asks for the pool');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT * FROM retail.stock $$), '42501', 'does not read stock');
SELECT is(pg_temp.outcome('retail_tap_app', $$ UPDATE retail.stock SET on_hand = 1 $$), '42501', 'does not write it');
SELECT is(pg_temp.outcome('retail_tap_app', $$ INSERT INTO retail.sku (code, name) VALUES ('B', 'B') $$), '42501', 'makes no SKU');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.bulk_write() $$), '42501', 'loads nothing');
SELECT is(pg_temp.outcome('retail_tap_app', $$ DELETE FROM retail.outbox $$), '42501', 'does not touch the outbox by hand');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT * FROM retail.price, retail.base_price $$), 'allowed', 'reads prices');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.set_price('A', 'app', NULL, 10) $$), '42501', 'sets none');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT * FROM retail.price_floor $$), '42501', 'does not see what things cost');
SELECT is(pg_temp.outcome('retail_tap_app', $$ SELECT retail.acknowledge_label('S1', 'A', 'app', 1, 'CNY') $$), 'allowed', 'acknowledges labels');

-- clerk
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT retail.count_stock('A', 'S1', 11) $$), 'allowed', 'a clerk counts');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT * FROM retail.reservation $$), 'allowed', 'reads reservations');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ UPDATE retail.reservation SET qty = 1 $$), '42501', 'does not write them');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT * FROM retail.outbox_take('tap') $$), '42501', 'does not drain the outbox');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT retail.reset_cells() $$), '42501', 'repairs nothing');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT retail.set_price('A', 'app', 'S1', 10.5) $$), 'allowed', 'sets a price');
SELECT is((SELECT actor FROM retail.price ORDER BY id DESC LIMIT 1), 'retail_tap_clerk', 'in his own name');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT retail.withdraw_price(max(id)) FROM retail.price $$), 'allowed', 'and ends it');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT retail.set_base_price('A', 11) $$), '42501', 'sets no base price');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (1, 'CNY', 10, '[2031-01-01,)') $$), '42501', 'writes no price by hand');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ INSERT INTO retail.price_rule (low_percent, high_percent) VALUES (50, 50) $$), '42501', 'nor a rule');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ INSERT INTO retail.price_grant (grantee, max_discount_percent, valid) VALUES ('retail_tap_clerk', 90, '[2020-01-01,)') $$), '42501', 'nor a grant');
SELECT is(pg_temp.outcome('retail_tap_clerk', $$ SELECT retail.import_prices() $$), '42501', 'imports nothing');

-- analyst
SELECT is(pg_temp.outcome('retail_tap_analyst', format('SELECT count(*) FROM retail_bi.%I', c.relname)), 'allowed', 'an analyst reads ' || c.relname)
FROM pg_class c WHERE c.relnamespace = 'retail_bi'::regnamespace AND c.relkind = 'v' ORDER BY c.relname;
SELECT is(pg_temp.outcome('retail_tap_analyst', $$ SELECT * FROM retail.sku $$), '42501', 'and no table');

-- operator
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.sku (code, name) VALUES ('B', 'B') $$), 'allowed', 'an operator makes a SKU');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('S2', 'Shop 2', 'store', 1, 1) $$), 'allowed', 'a location');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.safety_stock (qty) VALUES (1) $$), 'allowed', 'safety stock');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ UPDATE retail.stock SET on_hand = 1 $$), 'RT008', 'writes no stock by hand');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SELECT * FROM retail.verify(), retail.status() $$), 'allowed', 'verifies and looks');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SELECT retail.archive_reservations(), retail.purge_requests(), retail.purge_outbox(), retail.repair_flags() $$), 'allowed', 'does the jobs by hand');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SELECT * FROM retail.schedule_jobs() $$), 'allowed', 'or asks for them to be scheduled');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ CALL retail.sweep() $$), '2D000', 'but the sweep is, outside a transaction block');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ DELETE FROM retail.movement $$), '42501', 'cannot rewrite the ledger');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SELECT retail.grant_access('retail_tap_nobody', 'operator') $$), '42501', 'nor give rights');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SELECT retail.bulk_write(); INSERT INTO retail.stock (sku_id, location_id, on_hand) SELECT max(id), 1, 5 FROM retail.sku $$), 'allowed', 'loads stock');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SELECT retail.set_base_price('A', 10.2) $$), 'allowed', 'sets a base price');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.price (sku_id, currency, kind, amount, valid) SELECT id, 'CNY', 'promo', 10, '[2131-01-01,)' FROM retail.sku WHERE code = 'A' $$), 'allowed', 'writes a price by hand');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.price (sku_id, currency, kind, amount, valid) SELECT id, 'CNY', 'promo', 1, '[2131-01-01,)' FROM retail.sku WHERE code = 'A' $$), 'RT024', 'past no guard');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.price (sku_id, currency, amount, valid, actor) SELECT id, 'CNY', 10, '[2131-01-01,)', 'postgres' FROM retail.sku WHERE code = 'A' $$), '22023', 'nor in another name');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ DELETE FROM retail.price $$), '42501', 'deletes none');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ SET session_replication_role = replica $$), '42501', 'does not switch the guard off');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ ALTER TABLE retail.price DISABLE TRIGGER retail_guard_insert $$), '42501', 'in neither way');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.price_import (sku, channel, amount) VALUES ('A', 'app', '10.1'); SELECT retail.import_prices() $$), 'allowed', 'imports a file');
SELECT is((SELECT actor FROM retail.price ORDER BY id DESC LIMIT 1), 'Retail tap Operator', 'in its own name, too');
SELECT is(pg_temp.outcome('Retail tap Operator', $$ INSERT INTO retail.price_grant (grantee, max_discount_percent, valid) VALUES ('retail_tap_clerk', 90, '[2020-01-01,)') $$), '42501', 'gives no grant by hand');

SELECT * FROM finish();
DROP OWNED BY retail_tap_app, retail_tap_clerk, retail_tap_analyst, "Retail tap Operator";
DROP ROLE retail_tap_app, retail_tap_clerk, retail_tap_analyst, retail_tap_nobody, "Retail tap Operator";
