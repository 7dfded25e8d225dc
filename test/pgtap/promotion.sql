-- Grants need two people; campaigns are published, refused and ended as a whole.
SET client_min_messages = warning;
SET pg_retail.clock = '2031-06-01 04:00:00+00';
SET timezone = 'UTC';
CREATE ROLE retail_tap_region;
CREATE ROLE retail_tap_head;
CREATE ROLE retail_tap_second;
CREATE ROLE retail_tap_clerk;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_region', 'pricing');
    PERFORM retail.grant_access('retail_tap_head', 'pricing');
    PERFORM retail.grant_access('retail_tap_second', 'pricing');
    PERFORM retail.grant_access('retail_tap_clerk', 'clerk');
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('app', 'App', 'online'), ('till', 'Till', 'store'), ('live', 'Live', 'online');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('S1', 'Shop 1', 'store', 0, 0, 'UTC'), ('S2', 'Shop 2', 'store', 0, 0, 'UTC');
INSERT INTO retail.product (code, name, category) VALUES ('P', 'Rice', 'food');
INSERT INTO retail.sku (code, name, product_id) SELECT 'RICE', 'Rice', id FROM retail.product;
INSERT INTO retail.sku (code, name) VALUES ('TEA', 'Tea'), ('BARE', 'Without a price');
DO $$ BEGIN
    PERFORM retail.set_base_price('RICE', 69, 'CNY');
    PERFORM retail.set_base_price('TEA', 19.99, 'CNY');
END $$;
INSERT INTO retail.price_floor (sku_id, currency, cost, margin_percent) SELECT id, 'CNY', 10, 10 FROM retail.sku WHERE code = 'TEA';
SELECT plan(64);

\ir as_role.psql
CREATE FUNCTION pg_temp.ask(role text, options text) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_role($1, format($q$ SELECT (outcome, grant_id)::text FROM retail.request_grant('retail_tap_region', '2031-06-01', '2031-07-01', 30%s) $q$, $2)) $$;

-- asking
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['RICE'], channels => ARRAY['app', 'till', 'live'], reason => '618', request_key => 'g1' $$), '(requested,1)', 'a grant is asked for');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['RICE'], channels => ARRAY['app', 'till', 'live'], reason => '618', request_key => 'g1' $$), '(requested,1)', 'once per request key');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['TEA'], request_key => 'g1' $$), 'RT005', 'which is for that request alone');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['NONE'] $$), 'RT001', 'an unknown SKU');
SELECT is(pg_temp.ask('retail_tap_region', $$, channels => ARRAY['NONE'] $$), 'RT003', 'an unknown channel');
SELECT is(pg_temp.ask('retail_tap_region', $$, locations => ARRAY['NONE'] $$), 'RT002', 'an unknown location');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => '{}' $$), '22023', 'an empty list is not every one');
SELECT is(pg_temp.ask('retail_tap_region', $$, floor_amount => 5 $$), '22004', 'an amount needs a currency');
SELECT is(pg_temp.ask('retail_tap_region', $$, floor_amount => 5.001, currency => 'CNY' $$), 'RT021', 'no half fen');
SELECT is(pg_temp.as_role('retail_tap_region', $$ SELECT outcome FROM retail.request_grant('retail_tap_region', '2031-06-01', '2031-07-01', 100) $$), '22023', 'nothing is given away');
SELECT is(pg_temp.as_role('retail_tap_region', $$ SELECT outcome FROM retail.request_grant('retail_tap_region', '2031-05-01', '2031-05-02', 10) $$), '22023', 'nor in the past');
SELECT is(pg_temp.as_role('retail_tap_region', $$ SELECT outcome FROM retail.request_grant('nobody at all', '2031-06-01', '2031-07-01', 10) $$), '42704', 'a role that is not there');

-- deciding
SELECT is(pg_temp.as_role('retail_tap_region', 'SELECT outcome FROM retail.approve_grant(1)'), 'RT027', 'who asks does not approve');
SELECT is(pg_temp.as_role('retail_tap_region', 'SELECT outcome FROM retail.refuse_grant(1)'), 'RT027', 'nor refuse');
SELECT is(pg_temp.as_role('retail_tap_clerk', 'SELECT outcome FROM retail.approve_grant(1)'), '42501', 'a clerk decides nothing');
SELECT throws_ok($$ UPDATE retail.price_grant SET status = 'approved', decided_by = requested_by, decided_at = retail.now() WHERE id = 1 $$, '23514', NULL, 'not even by hand');
SELECT throws_ok($$ UPDATE retail.price_grant SET max_discount_percent = 90 WHERE id = 1 $$, 'RT008', NULL, 'what was asked for stays');
SELECT is(pg_temp.as_role('retail_tap_head', 'SELECT (outcome, decided_by, replayed)::text FROM retail.approve_grant(1)'), '(approved,retail_tap_head,f)', 'another approves');
SELECT is(pg_temp.as_role('retail_tap_second', 'SELECT (outcome, decided_by, replayed)::text FROM retail.approve_grant(1)'), '(approved,retail_tap_head,t)', 'once');
SELECT is(pg_temp.as_role('retail_tap_head', 'SELECT outcome FROM retail.refuse_grant(1)'), 'approved', 'what is approved is not refused');
SELECT is(pg_temp.as_role('retail_tap_head', 'SELECT outcome FROM retail.approve_grant(0)'), 'RT029', 'no such grant');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['TEA'] $$) ~ '^\(requested', true, 'a second one');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.price_grant g, retail.refuse_grant(g.id) WHERE g.status = 'requested' $$), 'refused', 'is refused');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.price_grant g, retail.approve_grant(g.id) WHERE g.status = 'refused' $$), 'refused', 'for good');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['TEA'], overrides_floor => true $$) ~ '^\(requested', true, 'one below the floor');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.price_grant g, retail.approve_grant(g.id) WHERE g.overrides_floor $$), '42501', 'is not approved like any other');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.price_grant g, retail.approve_floor_override(g.id) WHERE g.overrides_floor $$), '42501', 'nor by who has not that right');
GRANT EXECUTE ON FUNCTION retail.approve_floor_override(bigint) TO retail_tap_second;
SELECT is(pg_temp.as_role('retail_tap_second', $$ SELECT outcome FROM retail.price_grant g, retail.approve_floor_override(g.id) WHERE g.overrides_floor $$), 'approved', 'but by who has');
SELECT is(pg_temp.ask('retail_tap_region', $$, skus => ARRAY['RICE'], reason => 'late' $$) ~ '^\(requested', true, 'one nobody decides on');
SET pg_retail.clock = '2031-07-02 00:00:00+00';
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.price_grant g, retail.approve_grant(g.id) WHERE g.reason = 'late' $$), 'expired', 'is too late to be approved');
SET pg_retail.clock = '2031-06-01 04:00:00+00';

-- a campaign
CREATE FUNCTION pg_temp.start(role text, code text, lines text, options text) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_role($1, format($q$ SELECT count(*) || ' ' || string_agg(DISTINCT outcome, ' ' ORDER BY outcome)
    FROM retail.start_campaign(%L, 'Campaign', '[2031-06-18 00:00+00,2031-06-19 00:00+00)', ARRAY[%s]::retail.campaign_line[]%s) $q$, $2, $3, $4)) $$;
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', 51.75, NULL)$$, ', dry_run => true'), '3 out_of_band', 'a dry run without a grant: refused in every channel');
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', 51.75, NULL)$$, ', dry_run => true, grant_id => 1'), '3 within', 'with it: it would be set');
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', 51.75, NULL), ('TEA', 9, NULL)$$, ', dry_run => true, grant_id => 1'), '6 no_grant within', 'a dry run tells of each price');
SELECT is((SELECT count(*)::int FROM retail.price), 0, 'and writes none');
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', 51.75, NULL), ('TEA', 9, NULL)$$, ', grant_id => 1, request_key => ''c1'''), '3 no_grant', 'one that is refused refuses all');
SELECT is((SELECT count(*)::int FROM retail.price) + (SELECT count(*)::int FROM retail.campaign), 0, 'nothing is written');
SELECT is(pg_temp.start('retail_tap_head', '618', $$('RICE', 51.75, NULL)$$, ', grant_id => 1'), '3 no_grant', 'nobody uses the grant of another role');
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', NULL, 25)$$, ', grant_id => 1, request_key => ''c1'''), '3 set', 'a price in every open channel');
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', NULL, 25)$$, ', grant_id => 1, request_key => ''c1'''), '3 set', 'once per request key');
SELECT is(pg_temp.start('retail_tap_region', '618', $$('RICE', 51, NULL)$$, ', grant_id => 1'), '1 exists', 'and code');
SELECT results_eq($$ SELECT amount, kind COLLATE "default", count(*)::int FROM retail.price WHERE campaign_id IS NOT NULL GROUP BY 1, 2 $$, $$ VALUES (51.75::numeric, 'promo', 3) $$, 'a quarter off, to the fen');
SELECT results_eq($$ SELECT payload->>'channel', payload->>'effective_at' FROM retail.outbox WHERE topic = 'price' AND payload->>'kind' = 'promo' ORDER BY 1 $$,
    $$ VALUES ('app', '2031-06-18T00:00:00+00:00'), ('live', '2031-06-18T00:00:00+00:00'), ('till', '2031-06-18T00:00:00+00:00') $$, 'every touchpoint is told ahead');
SELECT is(pg_temp.start('retail_tap_head', 'each', $$('TEA', 19, NULL)$$, ', each_location => true, channels => ARRAY[''till'']'), '2 set', 'a price for each store');
SELECT is(pg_temp.start('retail_tap_head', 'bare', $$('BARE', NULL, 5)$$, ', currency => ''CNY'''), '3 no_base', 'no base price, no campaign');
SELECT is(pg_temp.start('retail_tap_head', 'low', $$('TEA', 10.5, NULL)$$, ', dry_run => true, grant_id => 1'), '3 no_grant', 'a grant for something else');
SELECT is(pg_temp.start('retail_tap_head', 'x', $$('TEA', 19, NULL), ('TEA', 19, NULL)$$, ''), '22023', 'two lines of one SKU');
SELECT is(pg_temp.start('retail_tap_head', 'x', $$('TEA', 19, 5)$$, ''), '22023', 'an amount and a discount');
SELECT is(pg_temp.start('retail_tap_head', 'x', $$('TEA', NULL, 100)$$, ''), '22023', 'everything off');
SELECT is(pg_temp.start('retail_tap_head', 'x', $$('NONE', 19, NULL)$$, ''), 'RT001', 'a SKU that is not there');
SELECT is(pg_temp.start('retail_tap_head', 'x', $$('TEA', 19, NULL)$$, ', kind => ''member'''), '22023', 'member prices are no campaign');
SELECT is(pg_temp.start('retail_tap_clerk', 'x', $$('TEA', 19, NULL)$$, ''), '42501', 'a clerk starts none');

-- revoked in the midst of it
SET pg_retail.clock = '2031-06-18 12:00:00+00';
SELECT version AS version_before FROM retail.price_guard g JOIN retail.sku k ON k.id = g.sku_id WHERE k.code = 'RICE' \gset
SELECT is(pg_temp.as_role('retail_tap_second', 'SELECT (outcome, revoked_by, prices, replayed)::text FROM retail.revoke_grant(1)'), '(revoked,retail_tap_second,3,f)', 'a grant is revoked');
SELECT is(pg_temp.as_role('retail_tap_second', 'SELECT (outcome, replayed)::text FROM retail.revoke_grant(1)'), '(revoked,t)', 'once');
SELECT is(pg_temp.as_role('retail_tap_second', $$ SELECT outcome FROM retail.price_grant g, retail.revoke_grant(g.id) WHERE g.status = 'refused' LIMIT 1 $$), 'refused', 'only where it was approved');
SELECT is((SELECT count(*)::int FROM retail.outbox WHERE payload->>'change' = 'withdrawn'), 3, 'every touchpoint is told');
SELECT cmp_ok((SELECT version FROM retail.price_guard g JOIN retail.sku k ON k.id = g.sku_id WHERE k.code = 'RICE'), '>', :version_before::bigint, 'and whoever remembers the price looks again');
SELECT is((SELECT count(*)::int FROM retail.price WHERE campaign_id IS NOT NULL AND valid @> retail.now() AND withdrawn_at IS NULL), 5, 'the rows stay');
SELECT is(pg_temp.start('retail_tap_region', 'more', $$('RICE', 51.75, NULL)$$, ', dry_run => true, grant_id => 1'), '3 no_grant', 'nothing new is set under it');
SELECT results_eq($$ SELECT rule, found, opened FROM retail.scan_prices('2031-06-18') WHERE found > 0 ORDER BY 1 $$, $$ VALUES ('R2', 3::bigint, 3::bigint) $$, 'the scan finds what is still there');

-- ended early
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, ended, withdrawn, replayed)::text FROM retail.end_campaign('each', '2031-06-18 18:00+00') $$), '(ended,2,0,f)', 'a campaign is ended early');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT (outcome, ended, replayed)::text FROM retail.end_campaign('each', '2031-06-18 20:00+00') $$), '(ended,0,t)', 'once');
SELECT is((SELECT max(upper(p.valid)) FROM retail.price p JOIN retail.campaign c ON c.id = p.campaign_id WHERE c.code = 'each'), '2031-06-18 18:00+00'::timestamptz, 'then');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.end_campaign('none') $$), 'RT029', 'no such campaign');
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

SELECT * FROM finish();
DROP OWNED BY retail_tap_region, retail_tap_head, retail_tap_second, retail_tap_clerk;
DROP ROLE retail_tap_region, retail_tap_head, retail_tap_second, retail_tap_clerk;
