-- The scan: each rule finds what it is for, a second scan finds nothing new,
-- alerts go and come back, and settlements freeze.
SET client_min_messages = warning;
SET pg_retail.clock = '2031-05-01 04:00:00+00';
SET timezone = 'UTC';
CREATE ROLE retail_tap_head;
CREATE ROLE retail_tap_audit;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_head', 'pricing');
    PERFORM retail.grant_access('retail_tap_audit', 'pricing');
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('app', 'App', 'online'), ('till', 'Till', 'store'), ('old', 'Old', 'online');
UPDATE retail.channel SET status = 'closed' WHERE code = 'old';
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
SELECT 'S' || i, 'Shop', 'store', 0, 0, 'UTC' FROM generate_series(1, 6) i UNION ALL SELECT 'E', 'East', 'store', 0, 0, 'Asia/Shanghai';
INSERT INTO retail.sku (code, name) SELECT unnest(ARRAY['RICE', 'TEA', 'SALT', 'BARE', 'OIL']), 'Goods';
DO $$ BEGIN
    PERFORM retail.set_base_price(c, a, 'CNY', tstzrange('2031-05-01 04:00+00', NULL)) FROM (VALUES ('RICE', 69.00), ('TEA', 20), ('SALT', 3), ('OIL', 50)) p (c, a);
    PERFORM retail.set_price('RICE', 'till', 'S1', 70);
    PERFORM retail.set_price('TEA', 'app', NULL, 21);
END $$;
SELECT plan(92);

\ir as_role.psql
-- what a superuser does who wants to get past the guard
CREATE FUNCTION pg_temp.force(sku text, channel text, location text, amount numeric, valid tstzrange, kind text DEFAULT 'list', grant_id bigint DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    new_id bigint;
BEGIN
    ALTER TABLE retail.price DISABLE TRIGGER USER;
    INSERT INTO retail.price (sku_id, channel_id, location_id, currency, kind, amount, valid, grant_id)
    VALUES ((SELECT id FROM retail.sku WHERE code = $1), coalesce((SELECT id FROM retail.channel WHERE code = $2), 0),
        coalesce((SELECT id FROM retail.location WHERE code = $3), 0), 'CNY', $6, $4, $5, $7) RETURNING id INTO new_id;
    ALTER TABLE retail.price ENABLE TRIGGER USER;
    ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard;
    ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_insert;
    ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_update;
    RETURN new_id;
END $$;
-- and takes back, in the same way
CREATE FUNCTION pg_temp.unforce(id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE retail.price DISABLE TRIGGER USER;
    DELETE FROM retail.price p WHERE p.id = $1;
    ALTER TABLE retail.price ENABLE TRIGGER USER;
    ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard;
    ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_insert;
    ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_update;
END $$;
CREATE FUNCTION pg_temp.scan(day date, zone text DEFAULT NULL, rules text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(format('%s:%s/%s+%s~%s-%s!%s', rule, found, news, opened, reopened, resolved, frozen), ' ' ORDER BY substr(rule, 2)::int), 'nothing')
   FROM retail.scan_prices($1, $2, $3) WHERE found + news + resolved + frozen > 0 $$;
CREATE FUNCTION pg_temp.detail(of_rule text, sku text) RETURNS jsonb LANGUAGE sql AS
$$ SELECT a.detail FROM retail.price_alert a JOIN retail.sku k ON k.id = a.sku_id WHERE a.rule = $1 AND k.code = $2 ORDER BY a.id LIMIT 1 $$;

-- nothing is wrong
SELECT is(pg_temp.scan('2031-05-01'), 'nothing', 'prices that passed the guard are right');
SELECT is(pg_temp.scan('2031-04-01'), 'nothing', 'there were none the month before');

-- R1: raised privately, cut below
SELECT pg_temp.force('RICE', 'till', 'S2', 79, '[2031-05-01 05:00+00,)') AS raised \gset
SELECT pg_temp.force('RICE', 'till', 'S3', 60, '[2031-05-01 05:00+00,)') AS cut \gset
SELECT is(pg_temp.scan('2031-05-01'), 'R1:2/2+2~0-0!0', 'a price raised privately and one cut below the band are found');
SELECT is(pg_temp.scan('2031-05-01'), 'R1:2/0+0~0-0!0', 'a second scan of the same day finds nothing new');
SELECT is(pg_temp.detail('R1', 'RICE'), '{"low": 65.55, "high": 72.45, "kind": "list", "amount": 79.00, "reason": "outside the band", "against": 69.00}'::jsonb, 'the alert has the facts');
SELECT string_agg(xmin::text || id || last_seen_on, ' ' ORDER BY id) AS rows_before FROM retail.price_alert \gset
SELECT is(pg_temp.scan('2031-05-01'), 'R1:2/0+0~0-0!0', 'nor a third');
SELECT is((SELECT string_agg(xmin::text || id || last_seen_on, ' ' ORDER BY id) FROM retail.price_alert), :'rows_before', 'and nothing is written');
SELECT is(pg_temp.scan('2031-05-01', 'Asia/Shanghai'), 'nothing', 'the scan of another zone does not see them');
SELECT is(pg_temp.scan('2031-05-01', 'UTC', ARRAY['R2']), 'nothing', 'nor does that of another rule');
SELECT is(pg_temp.scan('2031-04-30'), 'nothing', 'the day before they were not there');

-- a price of the East holds on its own day: the second of May begins at 16:00 UTC
SELECT pg_temp.force('TEA', 'till', 'E', 30, '[2031-05-01 17:00+00,2031-05-01 18:00+00)') AS east \gset
SELECT is(pg_temp.scan('2031-05-01', 'Asia/Shanghai'), 'nothing', 'in Shanghai that is not the first of May');
SELECT is(pg_temp.scan('2031-05-02', 'Asia/Shanghai', ARRAY['R1']), 'R1:1/1+1~0-0!0', 'but the second');
SELECT pg_temp.unforce(:east) AS gone \gset

-- lifecycle: resolved, waived, back again
SELECT id AS raised_alert FROM retail.price_alert WHERE price_id = :raised \gset
SELECT id AS cut_alert FROM retail.price_alert WHERE price_id = :cut \gset
SELECT is(pg_temp.as_role('retail_tap_head', format('SELECT outcome FROM retail.resolve_alert(%s)', :raised_alert)), 'resolved', 'one is resolved, but the price stays');
SELECT is(pg_temp.as_role('retail_tap_head', format('SELECT outcome FROM retail.waive_alert(%s, %L, %L)', :cut_alert, '2031-05-10 00:00+00', 'expires soon')), 'waived', 'the other is waived');
SELECT is(pg_temp.scan('2031-05-01'), 'R1:2/0+0~0-0!0', 'on the same day both stay as they are');
SELECT is(pg_temp.scan('2031-05-02', 'UTC'), 'R1:2/2+0~1-0!0', 'on another day the resolved one is back, the same alert');
SELECT results_eq(format('SELECT status, opened FROM retail.price_alert WHERE id IN (%s, %s) ORDER BY id', :raised_alert, :cut_alert), $$ VALUES ('open', 2), ('waived', 1) $$, 'the waived one is waived');
SELECT pg_temp.unforce(:cut) AS gone \gset
SELECT pg_temp.force('RICE', 'till', 'S3', 61, '[2031-05-01 05:00+00,)') AS cut \gset
SELECT is(pg_temp.scan('2031-05-03', 'UTC'), 'R1:2/2+0~1-0!0', 'another price is not what was waived');
SELECT is(pg_temp.as_role('retail_tap_head', format('SELECT outcome FROM retail.waive_alert(%s, %L, %L)', :cut_alert, '2031-05-10 00:00+00', 'again')), 'waived', 'waived again');
SET pg_retail.clock = '2031-05-11 04:00:00+00';
SELECT is(pg_temp.scan('2031-05-10', 'UTC'), 'R1:2/2+0~1-0!0', 'when the waiver is over it is back');
SELECT pg_temp.unforce(:cut) AS gone \gset
SELECT is(pg_temp.scan('2031-05-11', 'UTC'), 'R1:1/1+0~0-1!0', 'what is gone is resolved by the scan');
SELECT is((SELECT reason FROM retail.price_alert WHERE id = :cut_alert), 'not found any more', 'which says so');
SELECT is((SELECT string_agg(business_date::text, ' ' ORDER BY business_date) FROM retail.price_finding WHERE alert_id = :cut_alert), '2031-05-01 2031-05-02 2031-05-03 2031-05-10', 'and it is known on which days it was there');

-- settlement: frozen by the scan, released by another person
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'R-1', 'franchisee', 'Wang', 60, 'CNY', 'S2', ARRAY[('RICE', 1, 79)]::retail.sold_line[], '2031-05-12 10:00+00') $$), 'settled', 'sold at the raised price');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'R-2', 'franchisee', 'Wang', 60, 'CNY', 'S2', ARRAY[('RICE', 1, 69)]::retail.sold_line[], '2031-05-12 11:00+00') $$), 'settled', 'sold at the right one');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'R-3', 'franchisee', 'Li', 60, 'CNY', 'S1', ARRAY[('RICE', 1, 79)]::retail.sold_line[], '2031-05-12 11:00+00') $$), 'settled', 'sold in another shop');
SET pg_retail.clock = '2031-05-13 01:00:00+00';
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT frozen FROM retail.scan_prices('2031-05-12') WHERE rule = 'R1' $$), '1', 'the scan freezes what was sold at it');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT frozen FROM retail.scan_prices('2031-05-12') WHERE rule = 'R1' $$), '0', 'once');
SELECT results_eq($$ SELECT o.order_ref COLLATE "default", s.status FROM retail.settlement s JOIN retail.settlement_order o ON o.id = s.settlement_order_id ORDER BY s.id $$,
    $$ VALUES ('R-1', 'frozen'), ('R-2', 'open'), ('R-3', 'open') $$, 'and nothing else');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('till', 'R-4', 'franchisee', 'Wang', 60, 'CNY', 'S2', ARRAY[('RICE', 2, 158)]::retail.sold_line[], '2031-05-12 12:00+00') $$), 'frozen', 'what is settled later is frozen at once');
SELECT is(pg_temp.as_role('retail_tap_head', format('SELECT outcome FROM retail.resolve_alert(%s)', :raised_alert)), 'RT027', 'who ran the scan does not release it');
SELECT pg_temp.unforce(:raised) AS gone \gset
SELECT is(pg_temp.scan('2031-05-13', 'UTC'), 'nothing', 'the price is gone, but its alert holds something, and stays');
SELECT is(pg_temp.as_role('retail_tap_audit', format('SELECT (outcome, released)::text FROM retail.resolve_alert(%s, %L)', :raised_alert, 'price put right, customers refunded')), '(resolved,2)', 'another person releases it');
SELECT is((SELECT string_agg(s.status || ' ' || s.amount, ', ' ORDER BY s.id) FROM retail.settlement s), 'released 60.00, open 60.00, open 60.00, released 60.00', 'amounts are as they were');
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

-- R2: grants
DO $$ BEGIN
    PERFORM pg_temp.as_role('retail_tap_head', $q$ SELECT retail.request_grant('retail_tap_head', '2031-05-01', '2031-06-01', 40, skus => ARRAY['OIL']) $q$);
    PERFORM pg_temp.as_role('retail_tap_audit', 'SELECT retail.approve_grant(1)');
    PERFORM pg_temp.as_role('retail_tap_head', $q$ SELECT retail.set_price('OIL', 'app', NULL, 35, '[2031-05-13 02:00+00,2031-05-20 00:00+00)', 'promo', 1) $q$);
END $$;
SELECT is((SELECT count(*)::int FROM retail.price WHERE grant_id = 1), 1, 'a price under a grant');
SELECT is(pg_temp.scan('2031-05-13', 'UTC', ARRAY['R1', 'R2', 'R3']), 'nothing', 'is right, whoever runs the scan');
SELECT pg_temp.force('OIL', 'till', NULL, 29.99, '[2031-05-13 02:00+00,2031-05-20 00:00+00)', 'promo', 1) AS deep \gset
SELECT is(pg_temp.scan('2031-05-13', 'UTC', ARRAY['R1', 'R2', 'R3']), 'R2:1/1+1~0-0!0', 'a discount larger than granted is not');
SELECT is(pg_temp.detail('R2', 'OIL')->>'low', '30.00', 'it tells what is');
SELECT pg_temp.unforce(:deep) AS gone \gset
SELECT is(pg_temp.as_role('retail_tap_audit', 'SELECT outcome FROM retail.revoke_grant(1)'), 'revoked', 'the grant is revoked');
SET pg_retail.clock = '2031-05-14 01:00:00+00';
SELECT is(pg_temp.scan('2031-05-14', 'UTC', ARRAY['R1', 'R2', 'R3']), 'R2:1/1+1~0-1!0', 'so the price under it is found');
SET pg_retail.clock = '2031-05-13 01:00:00+00';
SELECT is((SELECT detail->>'reason' FROM retail.price_alert WHERE rule = 'R2' AND status = 'open'), 'It has been revoked.', 'and why');

DO $$ BEGIN
    PERFORM pg_temp.as_role('retail_tap_head', $q$ SELECT retail.request_grant('retail_tap_head', '2031-05-13', '2031-06-01', 20, skus => ARRAY['TEA'], currency => 'CNY', cap_amount => 8) $q$);
    PERFORM pg_temp.as_role('retail_tap_audit', 'SELECT retail.approve_grant(2)');
    PERFORM pg_temp.as_role('retail_tap_head', $q$ SELECT retail.set_price('TEA', 'till', 'S6', 16, '[2031-05-13 02:00+00,2031-05-20 00:00+00)', 'promo', 2) $q$);
    PERFORM retail.settle('till', 'C-1', 'franchisee', 'Wu', 10, 'CNY', 'S6', ARRAY[('TEA', 2, 32)]::retail.sold_line[], '2031-05-13 10:00+00');
END $$;
SELECT is(pg_temp.scan('2031-05-13', 'UTC', ARRAY['R2']), 'R2:1/1+0~0-0!0', 'as much as the cap was given away');
DO $$ BEGIN PERFORM retail.settle('till', 'C-2', 'franchisee', 'Wu', 5, 'CNY', 'S6', ARRAY[('TEA', 1, 16)]::retail.sold_line[], '2031-05-13 11:00+00'); END $$;
SELECT is(pg_temp.scan('2031-05-13', 'UTC', ARRAY['R2']), 'R2:2/1+1~0-0!2', 'and more');
SELECT is((SELECT detail->>'given' FROM retail.price_alert a JOIN retail.sku k ON k.id = a.sku_id WHERE rule = 'R2' AND k.code = 'TEA'), '12.00', 'how much');
SELECT is(pg_temp.as_role('retail_tap_audit', 'SELECT outcome FROM retail.revoke_grant(2)'), 'revoked', 'so the grant is revoked');

-- R3: floors
INSERT INTO retail.price_floor (sku_id, currency, cost, margin_percent, min_advertised) SELECT id, 'CNY', 18, 12.5, NULL FROM retail.sku WHERE code = 'TEA'
    UNION ALL SELECT id, 'CNY', NULL, 0, 4 FROM retail.sku WHERE code = 'SALT';
SELECT is(pg_temp.scan('2031-05-14', 'UTC', ARRAY['R3']), 'R3:3/3+3~0-0!0', 'base prices below cost with margin and below the advertised price, and a promo');
SELECT is(pg_temp.detail('R3', 'TEA')->>'against', '20.25', 'the floor is rounded up');
DELETE FROM retail.price_floor;

-- R4: between channels
SELECT pg_temp.force('TEA', 'till', 'S4', 26, '[2031-05-14 09:00+00,2031-05-14 10:00+00)') AS hour \gset
SELECT is(pg_temp.scan('2031-05-14', 'UTC', ARRAY['R4']), 'R4:1/1+1~0-0!0', 'a gap between channels, if only for an hour');
SELECT is(pg_temp.detail('R4', 'TEA') - 'reason', '{"at": "2031-05-14T09:00:00+00:00", "kind": "list", "amount": 26.00, "against": 21.00, "other_channel": "app"}'::jsonb, 'when, and how much');
UPDATE retail.price_scan_rule SET threshold = 25 WHERE rule = 'R4';
SELECT is(pg_temp.scan('2031-05-14', 'UTC', ARRAY['R4']), 'nothing', 'within a wider threshold it is none');
UPDATE retail.price_scan_rule SET threshold = 20 WHERE rule = 'R4';
INSERT INTO retail.listing (sku_id, location_id, channel_id, status) SELECT k.id, l.id, c.id, 'delisted' FROM retail.sku k, retail.location l, retail.channel c WHERE k.code = 'TEA' AND l.code = 'S4' AND c.code = 'app';
SELECT is(pg_temp.scan('2031-05-14', 'UTC', ARRAY['R4']), 'nothing', 'nor where only one of them sells it');
DELETE FROM retail.listing;
SELECT pg_temp.unforce(:hour) AS gone \gset

-- R5: jumps
SELECT pg_temp.force('SALT', 'till', 'S5', 3, '[2031-05-10 00:00+00,2031-05-15 00:00+00)') AS was \gset
SELECT pg_temp.force('SALT', 'till', 'S5', 3.91, '[2031-05-15 00:00+00,)') AS jump \gset
SELECT is(pg_temp.scan('2031-05-15', 'UTC', ARRAY['R5']), 'R5:1/1+1~0-0!0', 'a price that jumps by more than 30 % where one day meets the next');
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R5']), 'nothing', 'on that day alone');
SELECT is((SELECT status FROM retail.price_alert WHERE rule = 'R5'), 'open', 'which is no reason to forget it');
SELECT pg_temp.unforce(:jump) AS gone \gset

-- R6: what is no price
ALTER TABLE retail.price DROP CONSTRAINT price_amount_check;
SELECT pg_temp.force('SALT', 'till', 'S6', 0, '[2031-05-15 00:00+00,)') AS zero \gset
SELECT pg_temp.force('SALT', 'app', 'S6', 3.001, '[2031-05-15 00:00+00,)') AS fine \gset
SELECT is(pg_temp.scan('2031-05-15', 'UTC', ARRAY['R1', 'R6']), 'R6:2/2+2~0-0!0', '0, and a tenth of a fen');
SELECT pg_temp.unforce(:zero) AS gone, pg_temp.unforce(:fine) AS gone_too \gset
ALTER TABLE retail.price ADD CONSTRAINT price_amount_check CHECK (amount > 0 AND amount <= 922337203685477);

-- R7: nothing to sell it at
SELECT is(pg_temp.scan('2031-05-15', 'UTC', ARRAY['R7']), 'nothing', 'a SKU without a price that nobody has');
DO $$ BEGIN PERFORM retail.receive('BARE', 'S1', 5); END $$;
SELECT is(pg_temp.scan('2031-05-15', 'UTC', ARRAY['R7']), 'R7:2/2+2~0-0!0', 'and one that can be sold, in both open channels');
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R7']), 'R7:2/2+0~0-0!0', 'the same alerts the next day');

-- R8: settled otherwise than ordered; R10: two prices for the same thing
SET pg_retail.clock = '2031-05-16 10:00:00+00';
DO $$ BEGIN
    PERFORM retail.receive('OIL', 'S1', 100);
    INSERT INTO retail.service (code, name, kind, lead_time) VALUES ('counter', 'Counter', 'pickup', '1 hour') ON CONFLICT DO NOTHING;
    PERFORM retail.place_order('app', o, ARRAY[('OIL', NULL, 2)]::retail.line[], service => 'counter', location => 'S1', holder => o)
    FROM unnest(ARRAY['O1', 'O2', 'O3', 'O4']) o;
    UPDATE retail.order_line l SET unit_price = CASE s.order_ref WHEN 'O3' THEN 48 ELSE 50 END, currency = 'CNY'
    FROM retail.sales_order s WHERE s.id = l.order_id;
END $$;
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('app', 'O1', 'guide', 'Anna', 4, 'CNY') $$), 'settled', 'settled as ordered');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('app', 'O2', 'guide', 'Anna', 4, 'CNY', lines => ARRAY[('OIL', 2, 120)]::retail.sold_line[]) $$), 'settled', 'and otherwise');
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R8']), 'R8:1/1+1~0-0!1', 'which is found, and frozen');
SELECT is((SELECT detail->>'amount' || ' ' || (detail->>'against') FROM retail.price_alert WHERE rule = 'R8'), '120.00 100.00', 'with both amounts');
SELECT is((SELECT string_agg(o.order_ref || s.status, ' ' ORDER BY s.id) FROM retail.settlement s JOIN retail.settlement_order o ON o.id = s.settlement_order_id WHERE o.order_ref ~ '^O'), 'O1open O2frozen', 'that order alone');
SELECT is(pg_temp.as_role('retail_tap_head', $$ SELECT outcome FROM retail.settle('app', 'O4', 'guide', 'Anna', 4, 'CNY', lines => ARRAY[('OIL', 2, 90)]::retail.sold_line[]) $$), 'settled', 'another one like it');
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R8']), 'R8:1/1+0~0-0!1', 'is news, and frozen too');
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R10']), 'R10:1/1+1~0-0!0', 'one customer paid 48 and the others 50, in the same minute');
SELECT is((SELECT detail->'orders' FROM retail.price_alert WHERE rule = 'R10'), '["O1", "O2", "O3", "O4"]', 'which orders');
INSERT INTO retail.price (sku_id, currency, kind, tier, amount, valid) SELECT id, 'CNY', 'member', 'gold', 48, tstzrange(retail.now(), NULL) FROM retail.sku WHERE code = 'OIL';
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R10']), 'nothing', 'a published price of members explains it');

-- R9: labels
DO $$ BEGIN
    PERFORM retail.acknowledge_label('S1', 'OIL', 'till', (SELECT max(version) FROM retail.price_event e JOIN retail.sku k ON k.id = e.sku_id AND k.code = 'OIL'));
END $$;
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R9']), 'nothing', 'a label shows the price');
DO $$ BEGIN PERFORM retail.set_price('OIL', 'till', 'S1', 51); END $$;
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R9']), 'nothing', 'another price: it has an hour');
SET pg_retail.clock = '2031-05-16 11:00:01+00';
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R9']), 'R9:1/1+1~0-0!0', 'not longer');
DO $$ BEGIN
    PERFORM retail.acknowledge_label('S1', 'OIL', 'till', (SELECT max(version) FROM retail.price_event e JOIN retail.sku k ON k.id = e.sku_id AND k.code = 'OIL'));
    PERFORM retail.set_price('RICE', 'till', 'S1', 71);
END $$;
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R9']), 'nothing', 'it shows it now');
SET pg_retail.clock = '2031-05-16 12:30:00+00';
SELECT is((SELECT string_agg(k.code, ' ') FROM retail._found_on('2031-05-16', 'UTC', ARRAY['R9']) f JOIN retail.sku k ON k.id = f.sku_id), 'RICE', 'a label that has said nothing of a price');

-- R12: far from the others
DO $$ BEGIN
    UPDATE retail.price_scan_rule SET enabled = true WHERE rule = 'R12';
    PERFORM retail.set_price('OIL', 'till', l, a) FROM (VALUES ('S1', 50), ('S2', 50.10), ('S3', 49.90), ('S4', 50), ('S5', 50.20), ('S6', 52)) p (l, a);
END $$;
SELECT is(pg_temp.scan('2031-05-16', 'UTC', ARRAY['R12']), 'R12:1/1+1~0-0!0', 'a store far from what others ask');
SELECT is(pg_temp.detail('R12', 'OIL')->>'amount', '52.00', 'that one');

-- calls
SELECT throws_ok('SELECT * FROM retail.scan_prices(NULL)', '22004', NULL, 'no date');
SELECT throws_ok($$ SELECT * FROM retail.scan_prices('infinity') $$, '22008', NULL, 'no end of days');
SELECT throws_ok($$ SELECT * FROM retail.scan_prices('2031-05-01', rules => ARRAY['R99']) $$, '22023', 'unknown rule "R99"', 'an unknown rule');
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

-- a day ahead: what is scheduled is found before it begins, and nothing of today is settled by looking there
INSERT INTO retail.sku (code, name) VALUES ('AHEAD', 'Ahead'), ('WAIVED', 'Waived');
DO $$ BEGIN PERFORM retail.set_base_price(c, 100, 'CNY', tstzrange('2031-05-01 04:00+00', NULL)) FROM unnest(ARRAY['AHEAD', 'WAIVED']) c; END $$;
SET pg_retail.clock = '2031-05-20 04:00:00+00';
SELECT pg_temp.force('AHEAD', 'till', 'S1', 79, '[2031-05-20 05:00+00,2031-05-21 05:00+00)') AS now_wrong \gset
SELECT pg_temp.force('AHEAD', 'till', 'S2', 78, '[2031-05-25,2031-05-28)') AS soon_wrong \gset
CREATE FUNCTION pg_temp.ahead() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(l.code || ' ' || a.status || a.opened, ', ' ORDER BY l.code) FROM retail.price_alert a
   JOIN retail.sku k ON k.id = a.sku_id JOIN retail.location l ON l.id = a.location_id WHERE k.code = 'AHEAD' $$;
DO $$ BEGIN PERFORM retail.scan_prices('2031-05-20', 'UTC', ARRAY['R1']); END $$;
SELECT is(pg_temp.ahead(), 'S1 open1', 'today has its alert');
DO $$ BEGIN PERFORM retail.scan_prices('2031-05-26', 'UTC', ARRAY['R1']); END $$;
SELECT is(pg_temp.ahead(), 'S1 open1, S2 open1', 'a day ahead opens alerts and resolves none');
DO $$ BEGIN PERFORM retail.scan_prices('2031-05-20', 'UTC', ARRAY['R1']); END $$;
SELECT is(pg_temp.ahead(), 'S1 open1, S2 open1', 'nor does today resolve what was found ahead');
SELECT is(pg_temp.as_role('retail_tap_audit', format('SELECT outcome FROM retail.resolve_alert(%s)', (
    SELECT a.id FROM retail.price_alert a WHERE a.rule = 'R1' AND a.price_id = :soon_wrong))), 'resolved', 'somebody says that it is put right');
SET pg_retail.clock = '2031-05-26 12:00:00+00';
DO $$ BEGIN PERFORM retail.settle('till', 'AHEAD-1', 'franchisee', 'Wang', 5, 'CNY', 'S2', ARRAY[('AHEAD', 1, 78)]::retail.sold_line[]); END $$;
SET pg_retail.clock = '2031-05-27 04:00:00+00';
SELECT is((SELECT (found, news, opened, reopened, resolved, frozen)::text FROM retail.scan_prices('2031-05-26', 'UTC', ARRAY['R1']) WHERE rule = 'R1'),
    '(1,1,0,1,1,1)',
    'when the day has come it is found anew, and what was sold is frozen');
SELECT is((SELECT news::int FROM retail.scan_prices('2031-05-26', 'UTC', ARRAY['R1'])), 0, 'once');
SELECT matches(pg_temp.ahead(), '^S1 resolved1, S2 open2$', 'and what is over is over');

-- a waiver is for one price: another that a base price leaves outside comes back at once, and the scan does not hide it
INSERT INTO retail.price_rule (sku_id, low_percent, high_percent, base_change) SELECT id, 10, 10, 'flag' FROM retail.sku WHERE code = 'WAIVED';
DO $$ BEGIN
    PERFORM retail.set_price('WAIVED', 'till', 'S1', 105);
    PERFORM retail.set_base_price('WAIVED', 120);
END $$;
CREATE FUNCTION pg_temp.waived() RETURNS text LANGUAGE sql AS
$$ SELECT a.status || a.opened || CASE WHEN p.amount IS NOT NULL THEN ' ' || p.amount ELSE '' END
   FROM retail.price_alert a JOIN retail.sku k ON k.id = a.sku_id LEFT JOIN retail.price p ON p.id = a.price_id WHERE k.code = 'WAIVED' AND a.rule = 'R1' $$;
SELECT is(pg_temp.waived(), 'open1 105.00', 'a base price flags the price that it leaves outside');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT outcome FROM retail.waive_alert(%s, '2031-07-01', 'agreed') $$, (
    SELECT a.id FROM retail.price_alert a JOIN retail.sku k ON k.id = a.sku_id WHERE k.code = 'WAIVED' AND a.rule = 'R1'))), 'waived', 'which is waived');
DO $$ BEGIN PERFORM retail.set_base_price('WAIVED', 130); END $$;
SELECT is(pg_temp.waived(), 'waived1 105.00', 'the same price under another base price stays waived');
SET pg_retail.clock = '2031-05-27 05:00:00+00';
DO $$ BEGIN
    PERFORM retail.set_price('WAIVED', 'till', 'S1', 131);
    PERFORM retail.set_base_price('WAIVED', 100);
END $$;
SELECT is(pg_temp.waived(), 'open2 131.00', 'another price is another matter');
SELECT is(pg_temp.as_role('retail_tap_audit', format($$ SELECT (outcome, status)::text FROM retail.acknowledge_alert(%s) $$, (
    SELECT a.id FROM retail.price_alert a JOIN retail.sku k ON k.id = a.sku_id WHERE k.code = 'WAIVED' AND a.rule = 'R1'))), '(acknowledged,acknowledged)', 'for somebody to look into');

SELECT * FROM finish();
DROP OWNED BY retail_tap_head, retail_tap_audit;
DROP ROLE retail_tap_head, retail_tap_audit;
