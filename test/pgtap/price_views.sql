-- What analysts see of prices, alerts, campaigns, labels and settlement.
SET client_min_messages = warning;
SET pg_retail.clock = '2031-05-01 20:00:00+00';     -- 2 May, four in the morning in Shanghai
SET timezone = 'UTC';
CREATE ROLE retail_tap_head;
CREATE ROLE retail_tap_audit;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_head', 'pricing');
    PERFORM retail.grant_access('retail_tap_audit', 'pricing');
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('app', 'App', 'online'), ('till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('S1', 'Shop 1', 'store', 0, 0, 'Asia/Shanghai');
INSERT INTO retail.product (code, name, category) VALUES ('P', 'Rice', 'food');
INSERT INTO retail.sku (code, name, product_id) SELECT 'RICE', 'Rice', id FROM retail.product;
INSERT INTO retail.sku (code, name) VALUES ('TEA', 'Tea');
INSERT INTO retail.price_rule (category, low_percent, high_percent) VALUES ('food', 20, 2);
SELECT plan(19);
CREATE FUNCTION pg_temp.same(query text, expected text, name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    got text;
    want text;
BEGIN
    EXECUTE format('SELECT string_agg(q::text, E''\n'') FROM (%s) q', query) INTO got;
    EXECUTE format('SELECT string_agg(q::text, E''\n'') FROM (%s) q', expected) INTO want;
    RETURN is(got, want, name);
END $$;
DO $$ BEGIN
    PERFORM retail.set_base_price('RICE', 100, 'CNY');
    PERFORM retail.set_base_price('TEA', 20, 'CNY');
    PERFORM retail.set_price('RICE', 'till', 'S1', 90);
    PERFORM retail.set_price('RICE', 'app', NULL, 102);
    PERFORM retail.set_price('TEA', 'app', NULL, 21, '[2031-06-01,)');
    SET LOCAL ROLE retail_tap_head;
    PERFORM retail.request_grant('retail_tap_head', '2031-05-01', '2031-06-01', 40, skus => ARRAY['TEA'], reason => 'tea week');
    SET LOCAL ROLE retail_tap_audit;
    PERFORM retail.approve_grant(1);
    SET LOCAL ROLE retail_tap_head;
    PERFORM retail.start_campaign('tea', 'Tea week', '[2031-05-01 20:00+00,2031-05-08 20:00+00)', ARRAY[('TEA', NULL, 25)]::retail.campaign_line[], grant_id => 1);
    RESET ROLE;
END $$;

SELECT pg_temp.same($$ SELECT sku, location, channel, kind, amount, valid_from_on, grant_id, grant_revoked FROM retail_bi.price_in_force ORDER BY sku, kind, channel, amount $$,
    $$ VALUES ('RICE', NULL, NULL, 'base', 100.00, '2031-05-01'::date, NULL::bigint, false), ('RICE', NULL, 'app', 'list', 102.00, '2031-05-01', NULL, false),
              ('RICE', 'S1', 'till', 'list', 90.00, '2031-05-02', NULL, false), ('TEA', NULL, NULL, 'base', 20.00, '2031-05-01', NULL, false),
              ('TEA', NULL, 'app', 'promo', 15.00, '2031-05-01', 1, false), ('TEA', NULL, 'till', 'promo', 15.00, '2031-05-01', 1, false) $$, 'price_in_force');
SELECT pg_temp.same($$ SELECT sku, channel, amount, base_amount, off_base_percent, low_percent, high_percent, band_share FROM retail_bi.band_use ORDER BY sku, channel $$,
    $$ VALUES ('RICE', 'app', 102.00, 100.00, 2.00, 20, 2, 1.0000), ('RICE', 'till', 90.00, 100.00, -10.00, 20, 2, 0.5000),
              ('TEA', 'app', 15.00, 20.00, -25.00, 10, 10, 2.5000), ('TEA', 'till', 15.00, 20.00, -25.00, 5, 5, 5.0000) $$, 'band_use: the rule of the category, and those of the channels');
SELECT is((SELECT count(*)::int FROM retail_bi.price_history), 7, 'price_history has the future, too');
SELECT pg_temp.same($$ SELECT campaign, status, prices, skus, channels, everywhere, least_amount, prices_without_grant, valid_from_on FROM retail_bi.campaign $$,
    $$ VALUES ('tea', 'running', 2, 1, 2, true, 15.00, 0, '2031-05-01'::date) $$, 'campaign');
SELECT pg_temp.same($$ SELECT grantee, status, alive, skus, prices, prices_in_force, decided_by FROM retail_bi.price_grant $$,
    $$ VALUES ('retail_tap_head', 'approved', true, 1, 2, 2, 'retail_tap_audit') $$, 'price_grant');

DO $$ BEGIN
    PERFORM retail.acknowledge_label('S1', 'TEA', 'till', (SELECT min(version) FROM retail.price_event e JOIN retail.sku k ON k.id = e.sku_id WHERE k.code = 'TEA' AND e.is_base));
    SET LOCAL ROLE retail_tap_audit;
    PERFORM retail.revoke_grant(1);
    RESET ROLE;
END $$;
SELECT pg_temp.same($$ SELECT DISTINCT grant_revoked FROM retail_bi.price_in_force WHERE kind = 'promo' $$, 'VALUES (true)', 'the grant was revoked');
SELECT pg_temp.same($$ SELECT prices_without_grant FROM retail_bi.campaign $$, 'VALUES (2)', 'which takes the campaign''s ground away');
SELECT pg_temp.same($$ SELECT alive, status FROM retail_bi.price_grant $$, $$ VALUES (false, 'revoked') $$, 'and it is not alive');
SET pg_retail.clock = '2031-05-01 20:01:30+00';
SELECT pg_temp.same($$ SELECT sku, location, channel, up_to_date, behind_seconds, acked_on, acknowledged_after_seconds FROM retail_bi.label_lag $$,
    $$ VALUES ('TEA', 'S1', 'till', false, 90, '2031-05-02'::date, 0) $$, 'label_lag');
DO $$ BEGIN PERFORM retail.acknowledge_label('S1', 'TEA', 'till', (SELECT max(version) FROM retail.price_event)); END $$;
SELECT pg_temp.same($$ SELECT up_to_date, behind_seconds FROM retail_bi.label_lag $$, $$ VALUES (true, NULL::bigint) $$, 'it has caught up');

-- alerts
SET pg_retail.clock = '2031-05-04 20:00:00+00';
DO $$ BEGIN
    PERFORM retail.scan_prices('2031-05-02');
    PERFORM retail.scan_prices('2031-05-03');
    PERFORM retail.settle('till', 'T-1', 'franchisee', 'Wang', 8, 'CNY', 'S1', ARRAY[('TEA', 1, 15)]::retail.sold_line[], '2031-05-03 08:00+00');
END $$;
SELECT pg_temp.same($$ SELECT rule, severity, status, open, sku, channel, facts, amount, days, held_orders, first_seen_on, last_seen_on FROM retail_bi.price_alert WHERE rule = 'R2' ORDER BY channel $$,
    $$ VALUES ('R2', 'freeze', 'open', true, 'TEA', 'app', 'It has been revoked.', 15.00, 2, 0, '2031-05-02'::date, '2031-05-03'::date),
              ('R2', 'freeze', 'open', true, 'TEA', 'till', 'It has been revoked.', 15.00, 2, 1, '2031-05-02', '2031-05-03') $$, 'price_alert');
SELECT pg_temp.same($$ SELECT business_date, rule, scopes, skus, open_alerts, first_found FROM retail_bi.price_compliance WHERE rule = 'R2' ORDER BY 1 $$,
    $$ VALUES ('2031-05-02'::date, 'R2', 2, 1, 2, 2), ('2031-05-03', 'R2', 2, 1, 2, 0) $$, 'price_compliance');
SELECT pg_temp.same($$ SELECT order_ref, party, amount, status, sold_on, holds, held_rules FROM retail_bi.settlement $$,
    $$ VALUES ('T-1', 'Wang', 8.00, 'frozen', '2031-05-03'::date, 1, 'R2') $$, 'settlement');
SELECT is_empty($$
    SELECT 'price_in_force', price_key FROM retail_bi.price_in_force GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'price_history', price_key FROM retail_bi.price_history GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'band_use', price_key FROM retail_bi.band_use GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'price_compliance', compliance_key FROM retail_bi.price_compliance GROUP BY 2 HAVING count(*) > 1
    UNION ALL SELECT 'label_lag', label_key FROM retail_bi.label_lag GROUP BY 2 HAVING count(*) > 1
$$, 'keys are unique');
SELECT is_empty($$ SELECT c.relname, a.attname, t.typname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'retail_bi'::regnamespace AND a.attnum > 0 AND (t.typcategory IN ('A', 'C', 'R') OR t.typname IN ('json', 'jsonb') OR t.typtype = 'd') $$,
    'built-in types only');

-- service packs: what was offered stays
INSERT INTO retail.service_pack (channel_id, code, name, returns_days, delivery) SELECT id, 'P1', 'Pack', 7, 'free' FROM retail.channel WHERE code = 'app';
SELECT throws_ok($$ UPDATE retail.service_pack SET returns_days = 30 $$, '55000', NULL, 'a pack that has begun is not changed');
SELECT lives_ok($$ UPDATE retail.service_pack SET valid = tstzrange(lower(valid), retail.now() + interval '1 day') $$, 'it is ended');
SELECT throws_ok($$ INSERT INTO retail.service_pack (channel_id, code, name, valid) SELECT id, 'P0', 'Pack', '[2031-01-01,2031-02-01)' FROM retail.channel WHERE code = 'app' $$, '22023', NULL, 'none begins in the past');
SELECT throws_ok($$ INSERT INTO retail.service_pack (channel_id, code, name) SELECT id, 'P2', 'Pack' FROM retail.channel WHERE code = 'app'; SET CONSTRAINTS ALL IMMEDIATE $$, '23P01', NULL, 'one at a time');

SELECT * FROM finish();
DROP OWNED BY retail_tap_head, retail_tap_audit;
DROP ROLE retail_tap_head, retail_tap_audit;
