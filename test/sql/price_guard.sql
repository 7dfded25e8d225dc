-- The price guard: bands, floors, grants and history, against functions, INSERT and COPY alike.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text, detail text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    message := regexp_replace(message, '(row|grant|id) \d+', '\1 N', 'g');
    detail := regexp_replace(detail, '([Rr]ow|price|Price) \d+(?=,| of| is)', '\1 N', 'g');
    detail := regexp_replace(detail, '\)=\(\d+, \d+,', ')=(N, N,', 'g');
    RETURN NEXT;
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('pg-app', 'App', 'online'), ('pg-till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude)
VALUES ('PG1', 'Shop 1', 'store', 121.47, 31.23), ('PG2', 'Shop 2', 'store', 121.48, 31.24);
INSERT INTO retail.product (code, name, category) VALUES ('PG-P', 'Tea', 'pg-tea');
INSERT INTO retail.sku (code, name, product_id)
SELECT 'PG-' || x.code, x.code, CASE WHEN x.code = 'TEA' THEN (SELECT id FROM retail.product WHERE code = 'PG-P') END
FROM unnest(ARRAY['CNY', 'JPY', 'KWD', 'TWO', 'TEA', 'DST', 'FLR', 'GRT', 'POL', 'HIS', 'ADJ', 'OUT', 'NONE']) x (code);
CREATE FUNCTION pg_temp.sku(code text) RETURNS integer LANGUAGE sql AS $$ SELECT id FROM retail.sku k WHERE k.code = $1 $$;
CREATE FUNCTION pg_temp.channel(code text) RETURNS integer LANGUAGE sql AS $$ SELECT id FROM retail.channel c WHERE c.code = $1 $$;
CREATE FUNCTION pg_temp.prices(sku text) RETURNS TABLE (channel text, location text, kind text, amount numeric, valid tstzrange, withdrawn timestamptz, rest boolean)
LANGUAGE sql AS $$
    SELECT c.code, l.code, p.kind, p.amount, p.valid, p.withdrawn_at, p.split_from IS NOT NULL
    FROM retail.price p LEFT JOIN retail.channel c ON c.id = p.channel_id LEFT JOIN retail.location l ON l.id = p.location_id
    WHERE p.sku_id = pg_temp.sku($1) ORDER BY p.id $$;

-- the_vectors_of_the_band: bounds included, the smallest rounded up and the largest down
SELECT outcome, amount FROM retail.set_base_price('PG-CNY', 9.99, 'CNY');
SELECT outcome, amount FROM retail.set_base_price('PG-JPY', 199, 'JPY');
SELECT outcome, amount FROM retail.set_base_price('PG-KWD', 1.235, 'KWD');
SELECT v.sku, v.channel, p.amount, p.outcome, p.base, p.low, p.high
FROM (VALUES ('PG-CNY', 'pg-till', 9.49), ('PG-CNY', 'pg-till', 9.50), ('PG-CNY', 'pg-till', 10.48), ('PG-CNY', 'pg-till', 10.49),
             ('PG-CNY', 'pg-app', 8.99), ('PG-CNY', 'pg-app', 9.00), ('PG-CNY', 'pg-app', 10.98), ('PG-CNY', 'pg-app', 10.99),
             ('PG-JPY', 'pg-app', 179), ('PG-JPY', 'pg-app', 180), ('PG-JPY', 'pg-app', 218), ('PG-JPY', 'pg-app', 219),
             ('PG-KWD', 'pg-app', 1.111), ('PG-KWD', 'pg-app', 1.112), ('PG-KWD', 'pg-app', 1.358), ('PG-KWD', 'pg-app', 1.359)) v (sku, channel, amount)
    CROSS JOIN LATERAL retail.set_price(v.sku, v.channel, NULL, v.amount) p;
-- a price for every channel must be in the band of each
SELECT outcome, low, high FROM retail.set_price('PG-CNY', NULL, 'PG1', 10.49);
SELECT outcome, low, high FROM retail.set_price('PG-CNY', NULL, 'PG1', 10.48);
-- base 0 or missing is refused
SELECT * FROM pg_temp.refusal($$SELECT retail.set_base_price('PG-NONE', 0, 'CNY')$$);
SELECT outcome, low, high, detail FROM retail.set_price('PG-NONE', 'pg-app', NULL, 5, currency => 'CNY');
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('PG-NONE'), 'CNY', 5, '[2031-06-01,)')$$);
SELECT outcome, detail FROM retail.set_price('PG-CNY', 'pg-app', NULL, 9.50, '[2031-04-01,2031-06-01)');

-- decimals_fit_the_currency
SELECT * FROM pg_temp.refusal($$SELECT retail.set_price('PG-JPY', 'pg-app', NULL, 199.5)$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 9.991)$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('PG-KWD'), 'KWD', 1.2351, '[2031-06-01,)')$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.base_price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('PG-JPY'), 'JPY', 1.5, '[2031-06-01,)')$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.base_price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('PG-JPY'), 'XXQ', 1, '[2031-06-01,)')$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 5, currency => 'XXQ')$$);
SELECT * FROM pg_temp.refusal($$UPDATE retail.currency SET decimals = 3 WHERE code = 'JPY'$$);
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.currency WHERE code = 'JPY'$$);
UPDATE retail.currency SET name = 'Japanese yen' WHERE code = 'JPY';
-- a SKU in two currencies: nothing is converted, and the currency must be said
SELECT outcome FROM retail.set_base_price('PG-TWO', 100, 'CNY');
SELECT outcome FROM retail.set_base_price('PG-TWO', 2000, 'JPY');
SELECT * FROM pg_temp.refusal($$SELECT retail.set_price('PG-TWO', 'pg-app', NULL, 101)$$);
SELECT outcome, currency, low, high FROM retail.set_price('PG-TWO', 'pg-app', NULL, 101, currency => 'JPY');
SELECT outcome, currency, low, high FROM retail.set_price('PG-TWO', 'pg-app', NULL, 101, currency => 'CNY');

-- the_most_specific_rule_wins: SKU, category, channel, the general one
SELECT outcome FROM retail.set_base_price('PG-TEA', 100, 'CNY');
BEGIN;
INSERT INTO retail.price_rule (low_percent, high_percent) VALUES (1, 2);
SELECT low, high FROM retail.set_price('PG-TEA', 'pg-app', NULL, 500);
INSERT INTO retail.price_rule (channel_id, low_percent, high_percent) VALUES (pg_temp.channel('pg-app'), 3, 4);
SELECT low, high FROM retail.set_price('PG-TEA', 'pg-app', NULL, 500);
SELECT low, high FROM retail.set_price('PG-TEA', 'pg-till', NULL, 500);
INSERT INTO retail.price_rule (category, low_percent, high_percent) VALUES ('pg-tea', 5, 6);
SELECT low, high FROM retail.set_price('PG-TEA', 'pg-app', NULL, 500);
INSERT INTO retail.price_rule (sku_id, low_percent, high_percent) VALUES (pg_temp.sku('PG-TEA'), 33.3333, 0);
SELECT low, high FROM retail.set_price('PG-TEA', 'pg-app', NULL, 500);
SELECT low, high FROM retail.set_price('PG-CNY', 'pg-app', NULL, 500);
ROLLBACK;

-- every_base_price_it_overlaps counts, not only today's
SELECT outcome, replaced_ids IS NOT NULL AS ends_the_first FROM retail.set_base_price('PG-TEA', 110, NULL, '[2031-06-01,2031-07-01)');
SELECT amount, valid, withdrawn_at IS NOT NULL AS withdrawn FROM retail.base_price WHERE sku_id = pg_temp.sku('PG-TEA') ORDER BY id;
SELECT outcome, base, low, high FROM retail.set_price('PG-TEA', 'pg-app', NULL, 95);
SELECT outcome, base, low, high FROM retail.set_price('PG-TEA', 'pg-app', NULL, 105);
SELECT outcome, base, low, high FROM retail.set_price('PG-TEA', 'pg-till', NULL, 105);
SELECT outcome, base, low, high FROM retail.set_price('PG-TEA', 'pg-till', NULL, 111);
SELECT outcome, base, low, high FROM retail.set_price('PG-TEA', 'pg-till', 'PG1', 111, '[2031-06-10,2031-06-20)');

-- copy_cannot_slip_past, and all of a statement falls with one row
COPY retail.price (sku_id, currency, amount, valid) FROM stdin WITH (FORMAT csv);
999999999,CNY,5,"[2031-05-01 10:00:00+00,)"
\.
SELECT format('%s,%s,CNY,list,9.99,"[2031-06-01,2031-07-01)"', pg_temp.sku('PG-CNY'), pg_temp.channel('pg-till')) AS good,
    format('%s,%s,CNY,promo,9.49,"[2031-06-01,2031-07-01)"', pg_temp.sku('PG-CNY'), pg_temp.channel('pg-till')) AS bad \gset
CREATE TEMP TABLE pg_file (line text);
INSERT INTO pg_file VALUES (:'good'), (:'bad');
\copy (SELECT line FROM pg_file) TO 'results/price_guard.csv'
\set VERBOSITY terse
\copy retail.price (sku_id, channel_id, currency, kind, amount, valid) FROM 'results/price_guard.csv' WITH (FORMAT csv)
\set VERBOSITY default
SELECT count(*) FROM retail.price WHERE sku_id = pg_temp.sku('PG-CNY') AND valid = '[2031-06-01,2031-07-01)';
-- 20,000 rows, the last of them outside
SELECT code, message FROM pg_temp.refusal($$
    INSERT INTO retail.price (sku_id, channel_id, currency, kind, amount, valid)
    SELECT pg_temp.sku('PG-CNY'), pg_temp.channel('pg-till'), 'CNY', 'promo', CASE WHEN i = 20000 THEN 9.49 ELSE 9.50 END,
        tstzrange(timestamptz '2032-01-01' + i * interval '1 hour', timestamptz '2032-01-01' + (i + 1) * interval '1 hour')
    FROM generate_series(1, 20000) i$$);

-- null_empty_and_infinite_ranges
SELECT r.code, r.message FROM unnest(ARRAY['NULL', '''empty''', '''(,)''', '''(,2031-06-01)''', '''(2031-06-01,2031-07-01)''', '''[2031-06-01,2031-07-01]''',
    '''[-infinity,2031-07-01)''', '''[2031-06-01,infinity)''']) v
    CROSS JOIN LATERAL pg_temp.refusal(format('INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (pg_temp.sku(''PG-CNY''), ''CNY'', 9.99, %s)', v)) r;
SELECT r.code, r.message FROM unnest(ARRAY['''empty''', '''(2031-06-01,2031-07-01)''', '''[2031-06-01,2031-07-01]''', '''[-infinity,2031-07-01)''',
    '''[infinity,)''']) v
    CROSS JOIN LATERAL pg_temp.refusal(format('SELECT retail.set_price(''PG-CNY'', ''pg-app'', NULL, 9.99, %s)', v)) r;
SELECT valid FROM retail.set_price('PG-CNY', 'pg-app', 'PG2', 9.99, NULL);
SELECT valid FROM retail.set_price('PG-CNY', 'pg-app', 'PG2', 9.98, '(,2031-07-01)');
SELECT valid FROM retail.set_price('PG-CNY', 'pg-app', 'PG2', 9.97, '[2031-06-15,infinity)');

-- the_days_clocks_change: an hour less, an hour more, and no gap
SET TimeZone = 'Europe/Berlin';
SELECT outcome, valid FROM retail.set_base_price('PG-DST', 50, 'EUR', '[2031-10-26 00:00,2031-10-27 00:00)');
SELECT outcome, upper(valid) - lower(valid) AS length FROM retail.set_price('PG-DST', 'pg-app', NULL, 51, '[2031-10-26 00:00,2031-10-27 00:00)');
SELECT outcome, detail FROM retail.set_price('PG-DST', 'pg-till', NULL, 51, tstzrange('2031-10-26 00:00', '2031-10-26 22:00Z'::timestamptz + interval '2 hours'));
SELECT outcome FROM retail.set_base_price('PG-DST', 60, 'EUR', '[2031-10-26 02:00+02,2031-10-26 02:00+01)');
SELECT amount, valid FROM retail.base_price WHERE sku_id = pg_temp.sku('PG-DST') AND withdrawn_at IS NULL ORDER BY lower(valid);
SET TimeZone = 'UTC';

-- floors_hold: cost with its margin for every kind, the advertised minimum for list and promo
SELECT outcome FROM retail.set_base_price('PG-FLR', 100, 'CNY');
INSERT INTO retail.price_floor (sku_id, currency, cost, margin_percent, min_advertised) VALUES (pg_temp.sku('PG-FLR'), 'CNY', 83.335, 10, 95);
SELECT p.kind, p.amount, p.outcome, p.low, p.detail
FROM (VALUES ('list', 94.99), ('list', 95), ('promo', 94.99), ('clearance', 91.66), ('clearance', 91.67)) v (kind, amount)
    CROSS JOIN LATERAL retail.set_price('PG-FLR', 'pg-app', NULL, v.amount, NULL, v.kind) p;
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, channel_id, currency, kind, amount, valid) VALUES (pg_temp.sku('PG-FLR'), pg_temp.channel('pg-app'), 'CNY', 'promo', 94, '[2031-06-01,)')$$);
SELECT outcome, detail FROM retail.set_base_price('PG-FLR', 94, 'CNY');

-- outside_the_band_only_under_a_grant
SELECT outcome FROM retail.set_base_price('PG-GRT', 100, 'CNY');
INSERT INTO retail.price_grant (grantee, sku_ids, channel_ids, max_discount_percent, currency, floor_amount, valid, status, requested_by, decided_by, decided_at)
VALUES (current_user, ARRAY[pg_temp.sku('PG-GRT')], ARRAY[pg_temp.channel('pg-app')], 30, 'CNY', 72, '[2031-06-01,2031-07-01)', 'approved', 'a', 'b', retail.now())
RETURNING id AS grant_id \gset
SELECT x.outcome, x.low, x.high, x.detail
FROM (VALUES (1, 'pg-app', 72.00, tstzrange('2031-06-01', '2031-07-01')), (2, 'pg-app', 71.99, '[2031-06-01,2031-07-01)'),
             (3, 'pg-app', 72.00, '[2031-06-01,2031-07-02)'), (4, 'pg-till', 72.00, '[2031-06-01,2031-07-01)'),
             (5, 'pg-app', 111.00, '[2031-06-01,2031-07-01)')) v (n, channel, amount, valid)
    CROSS JOIN LATERAL retail.set_price('PG-GRT', v.channel, NULL, v.amount, v.valid, 'promo', :grant_id) x
ORDER BY v.n;
SELECT outcome, detail FROM retail.set_price('PG-TEA', 'pg-app', NULL, 105, '[2031-06-01,2031-06-02)', 'promo', :grant_id);
SELECT outcome, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 80, '[2031-06-01,2031-06-02)', 'promo');
SELECT outcome, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 80, '[2031-06-01,2031-06-02)', 'promo', 999999999);
SELECT outcome, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 80, '[2031-06-01,2031-06-02)', 'promo', 0);
SELECT format('INSERT INTO retail.price (sku_id, channel_id, currency, kind, amount, valid, grant_id) VALUES (pg_temp.sku(''PG-GRT''), pg_temp.channel(''pg-till''), ''CNY'', ''promo'', 80, ''[2031-06-01,2031-06-02)'', %s)', :grant_id) AS query \gset
SELECT * FROM pg_temp.refusal(:'query');
-- a floor holds under a grant, unless that overrides it
INSERT INTO retail.price_floor (sku_id, currency, cost) VALUES (pg_temp.sku('PG-GRT'), 'CNY', 75);
SELECT outcome, low, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 74, '[2031-06-01,2031-06-02)', 'clearance', :grant_id);
SET session_replication_role = replica;     -- past the guard of grants
UPDATE retail.price_grant SET overrides_floor = true WHERE id = :grant_id;
RESET session_replication_role;
SELECT outcome, low, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 74, '[2031-06-01,2031-06-02)', 'clearance', :grant_id);
UPDATE retail.price_grant SET status = 'revoked', revoked_by = 'c', revoked_at = retail.now() WHERE id = :grant_id;
SELECT outcome, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 80, '[2031-06-05,2031-06-06)', 'clearance', :grant_id);
SET session_replication_role = replica;     -- past the guard of grants
UPDATE retail.price_grant SET status = 'approved', revoked_by = NULL, revoked_at = NULL, grantee = 'pg_monitor', sku_ids = NULL, categories = '{pg-tea}' WHERE id = :grant_id;
RESET session_replication_role;
SELECT outcome, detail FROM retail.set_price('PG-GRT', 'pg-app', NULL, 80, '[2031-06-05,2031-06-06)', 'clearance', :grant_id);

-- history_stays_whole
SELECT outcome FROM retail.set_base_price('PG-HIS', 100, 'CNY', '[2031-01-01,)');
SELECT outcome FROM retail.set_price('PG-HIS', 'pg-app', NULL, 101, '[2031-01-01,2031-02-01)');
SELECT outcome FROM retail.set_price('PG-HIS', 'pg-app', NULL, 102, '[2031-02-01,2031-06-01)');
SELECT outcome FROM retail.set_price('PG-HIS', 'pg-app', NULL, 103, '[2031-06-01,)');
SELECT r.code, r.message, r.detail FROM (VALUES
    (1, 'DELETE FROM retail.price'), (2, 'TRUNCATE retail.price'), (3, 'DELETE FROM retail.base_price'),
    (4, 'UPDATE retail.price SET amount = 104 WHERE %s'),
    (5, 'UPDATE retail.price SET kind = ''promo'' WHERE %s'),
    (6, 'UPDATE retail.price SET id = id + 1000000 WHERE %s'),
    (7, 'UPDATE retail.price SET recorded_at = recorded_at - interval ''1 day'' WHERE %s'),
    (8, 'UPDATE retail.price SET actor = ''somebody'' WHERE %s'),
    (9, 'UPDATE retail.price SET valid = ''[2031-01-01,2031-01-15)'' WHERE amount = 101 AND %s'),
    (10, 'UPDATE retail.price SET valid = ''[2031-02-02,2031-06-01)'' WHERE amount = 102 AND %s'),
    (11, 'UPDATE retail.price SET valid = ''[2031-02-01,2031-05-01 09:59:59)'' WHERE amount = 102 AND %s'),
    (12, 'UPDATE retail.price SET valid = ''[2031-04-01,)'' WHERE amount = 103 AND %s'),
    (13, 'UPDATE retail.price SET withdrawn_at = recorded_at + interval ''1 day'' WHERE amount = 103 AND %s'),
    (14, 'UPDATE retail.price SET withdrawn_at = retail.now(), valid = ''[2031-06-01,2031-06-02)'' WHERE amount = 103 AND %s')) v (n, query)
    CROSS JOIN LATERAL pg_temp.refusal(format(v.query, 'sku_id = pg_temp.sku(''PG-HIS'')')) r
ORDER BY v.n;
-- what may change: the end of what is running, all of what has not begun, and a withdrawal
UPDATE retail.price SET valid = '[2031-02-01,2031-05-20)' WHERE amount = 102 AND sku_id = pg_temp.sku('PG-HIS');
UPDATE retail.price SET valid = '[2031-05-20,2031-08-01)' WHERE amount = 103 AND sku_id = pg_temp.sku('PG-HIS');
SELECT amount, valid FROM pg_temp.prices('PG-HIS') WHERE amount > 101;
UPDATE retail.price SET withdrawn_at = retail.now() WHERE amount = 101 AND sku_id = pg_temp.sku('PG-HIS');
SELECT * FROM pg_temp.refusal($$UPDATE retail.price SET withdrawn_at = NULL WHERE amount = 101 AND sku_id = pg_temp.sku('PG-HIS')$$);
-- an update that changes nothing is nothing
UPDATE retail.price SET amount = amount, valid = valid WHERE sku_id = pg_temp.sku('PG-HIS');
SELECT * FROM pg_temp.prices('PG-HIS');
-- recorded time is now; a load of history may say otherwise, and is kept
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid, recorded_at) VALUES (pg_temp.sku('PG-HIS'), 'CNY', 100, '[2031-06-01,)', '2031-05-02')$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid, actor) VALUES (pg_temp.sku('PG-HIS'), 'CNY', 100, '[2031-06-01,)', 'somebody')$$);
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid, withdrawn_at) VALUES (pg_temp.sku('PG-HIS'), 'CNY', 100, '[2031-06-01,)', retail.now())$$);
INSERT INTO retail.price (sku_id, currency, amount, valid, recorded_at, actor)
VALUES (pg_temp.sku('PG-HIS'), 'CNY', 250, '[2030-01-01,2030-02-01)', '2029-12-24', 'the old system');
SELECT table_name, row_count, created_at FROM retail.price_load ORDER BY id DESC LIMIT 1;
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid, recorded_at, actor) VALUES (pg_temp.sku('PG-HIS'), 'CNY', 250, '[2030-03-01,)', '2029-12-24', 'the old system')$$);
-- nobody passes a rest off as one
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid, split_from) SELECT sku_id, 'CNY', 250, '[2031-06-01,)', id FROM retail.price WHERE amount = 102 AND sku_id = pg_temp.sku('PG-HIS')$$);

-- from_until: what was there is split, and quotes of the past keep their row
SELECT outcome, cardinality(replaced_ids) AS replaced, cardinality(rest_ids) AS rests FROM retail.set_price('PG-HIS', 'pg-app', NULL, 105, '[2031-05-10,2031-06-10)');
SELECT * FROM pg_temp.prices('PG-HIS') WHERE amount > 101 AND amount < 200;
-- a correction of the past: what was believed stays beside what is
SELECT outcome, cardinality(replaced_ids) AS replaced, cardinality(rest_ids) AS rests FROM retail.set_price('PG-HIS', 'pg-app', NULL, 104, '[2031-03-01,2031-04-01)');
SELECT amount, valid, withdrawn FROM pg_temp.prices('PG-HIS') WHERE amount IN (102, 104);
SELECT outcome, cardinality(replaced_ids) AS replaced FROM retail.set_price('PG-HIS', 'pg-app', NULL, 104, '[2031-03-10,2031-03-20)');

-- idempotent_by_request_key
SELECT outcome, replayed FROM retail.set_price('PG-HIS', 'pg-till', NULL, 104, request_key => 'pg 1');
SELECT outcome, replayed FROM retail.set_price('PG-HIS', 'pg-till', NULL, 103);
SELECT outcome, amount, replayed FROM retail.set_price('PG-HIS', 'pg-till', NULL, 104, request_key => 'pg 1');
SELECT * FROM pg_temp.refusal($$SELECT retail.set_price('PG-HIS', 'pg-till', NULL, 105, request_key => 'pg 1')$$);
SELECT outcome, replayed FROM retail.set_price('PG-HIS', 'pg-till', NULL, 500, request_key => 'pg 2');
SELECT outcome, replayed FROM retail.set_price('PG-HIS', 'pg-till', NULL, 500, request_key => 'pg 2');
SELECT outcome, replayed FROM retail.set_base_price('PG-HIS', 100.5, request_key => 'pg 3');
SELECT outcome, amount, replayed FROM retail.set_base_price('PG-HIS', 100.5, request_key => 'pg 3');

-- withdraw_price
SELECT w.outcome, w.valid FROM retail.price p CROSS JOIN LATERAL retail.withdraw_price(p.id, '2031-05-05') w WHERE p.amount = 103 AND p.channel_id = pg_temp.channel('pg-till') AND p.sku_id = pg_temp.sku('PG-HIS') AND p.withdrawn_at IS NULL;
SELECT w.outcome, w.valid FROM retail.price p CROSS JOIN LATERAL retail.withdraw_price(p.id) w WHERE p.amount = 103 AND p.channel_id = pg_temp.channel('pg-app') AND p.sku_id = pg_temp.sku('PG-HIS') AND p.withdrawn_at IS NULL;
SELECT w.outcome FROM retail.price p CROSS JOIN LATERAL retail.withdraw_price(p.id) w WHERE p.amount = 250 AND p.sku_id = pg_temp.sku('PG-HIS');
SELECT * FROM pg_temp.refusal($$SELECT retail.withdraw_price(999999999)$$);

-- adjoining_periods_shift_in_one_transaction
SELECT outcome FROM retail.set_base_price('PG-ADJ', 100, 'CNY', '[2031-06-01,2031-07-01)');
SELECT outcome FROM retail.set_base_price('PG-ADJ', 104, 'CNY', '[2031-07-01,2031-08-01)');
SELECT outcome FROM retail.set_price('PG-ADJ', 'pg-app', NULL, 101, '[2031-06-01,2031-07-01)');
SELECT outcome FROM retail.set_price('PG-ADJ', 'pg-app', NULL, 102, '[2031-07-01,2031-08-01)');
BEGIN;
UPDATE retail.base_price SET valid = '[2031-06-20,2031-08-01)' WHERE amount = 104 AND sku_id = pg_temp.sku('PG-ADJ');
UPDATE retail.base_price SET valid = '[2031-06-01,2031-06-20)' WHERE amount = 100 AND sku_id = pg_temp.sku('PG-ADJ');
UPDATE retail.price SET valid = '[2031-06-01,2031-07-10)' WHERE amount = 101 AND sku_id = pg_temp.sku('PG-ADJ');
UPDATE retail.price SET valid = '[2031-07-10,2031-08-01)' WHERE amount = 102 AND sku_id = pg_temp.sku('PG-ADJ');
COMMIT;
SELECT amount, valid FROM retail.base_price WHERE sku_id = pg_temp.sku('PG-ADJ') ORDER BY lower(valid);
SELECT amount, valid FROM pg_temp.prices('PG-ADJ') ORDER BY lower(valid);
-- the other way round there is a moment without a base price, and in one statement there is none
SELECT code, message, detail FROM pg_temp.refusal($$UPDATE retail.base_price SET valid = '[2031-06-01,2031-06-10)' WHERE amount = 100 AND sku_id = pg_temp.sku('PG-ADJ')$$);
UPDATE retail.base_price SET valid = CASE amount WHEN 100 THEN tstzrange('2031-06-01', '2031-06-10') ELSE tstzrange('2031-06-10', '2031-08-01') END
WHERE sku_id = pg_temp.sku('PG-ADJ');
-- what overlaps at the end of the transaction is refused there
BEGIN;
UPDATE retail.price SET valid = '[2031-06-01,2031-07-11)' WHERE amount = 101 AND sku_id = pg_temp.sku('PG-ADJ');
\set VERBOSITY sqlstate
COMMIT;
\set VERBOSITY default
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid) VALUES (pg_temp.sku('PG-ADJ'), pg_temp.channel('pg-app'), 'CNY', 101, '[2031-06-15,2031-06-16)'); SET CONSTRAINTS ALL IMMEDIATE$$);

-- a_base_change_under_live_prices: reject
SELECT outcome FROM retail.set_base_price('PG-POL', 100, 'CNY');
SELECT outcome FROM retail.set_price('PG-POL', 'pg-app', NULL, 105);
SELECT outcome FROM retail.set_price('PG-POL', 'pg-till', NULL, 97, '[2031-05-20,)');
SELECT outcome, regexp_replace(detail, 'Price \d+', 'Price N') AS detail FROM retail.set_base_price('PG-POL', 120);
SELECT outcome, regexp_replace(detail, 'Price \d+', 'Price N') AS detail FROM retail.set_base_price('PG-POL', 103);
SELECT * FROM pg_temp.refusal($$UPDATE retail.base_price SET withdrawn_at = retail.now() WHERE sku_id = pg_temp.sku('PG-POL')$$);
SELECT * FROM pg_temp.refusal($$UPDATE retail.base_price SET valid = tstzrange(lower(valid), '2031-05-15') WHERE sku_id = pg_temp.sku('PG-POL')$$);
SELECT outcome FROM retail.set_base_price('PG-POL', 102, NULL, '[2031-05-05,2031-05-19)');
SELECT amount, valid, withdrawn_at IS NOT NULL AS withdrawn, split_from IS NOT NULL AS rest FROM retail.base_price WHERE sku_id = pg_temp.sku('PG-POL') ORDER BY id;
-- flag: it stays, with an alert
INSERT INTO retail.price_rule (channel_id, low_percent, high_percent, base_change)
VALUES (pg_temp.channel('pg-app'), 10, 10, 'flag'), (pg_temp.channel('pg-till'), 5, 5, 'close');
SELECT outcome, touched_ids FROM retail.set_base_price('PG-POL', 94, NULL, '[2031-05-05,2031-05-19)');
SELECT c.code AS channel, a.rule, a.status, a.detail, a.first_seen_on FROM retail.price_alert a JOIN retail.channel c ON c.id = a.channel_id WHERE a.sku_id = pg_temp.sku('PG-POL');
-- close: it ends there; one that would begin later is withdrawn
SELECT outcome FROM retail.set_price('PG-POL', 'pg-till', NULL, 98, '[2031-05-01,2031-05-04)');
SELECT outcome, cardinality(touched_ids) AS touched FROM retail.set_base_price('PG-POL', 110, NULL, '[2031-05-02,)');
SELECT channel, amount, valid, withdrawn FROM pg_temp.prices('PG-POL');
SELECT c.code AS channel, a.status, a.detail FROM retail.price_alert a JOIN retail.channel c ON c.id = a.channel_id WHERE a.sku_id = pg_temp.sku('PG-POL');
DELETE FROM retail.price_rule WHERE channel_id IN (pg_temp.channel('pg-app'), pg_temp.channel('pg-till'));

-- a touchpoint is told of each change once, with a version that grows, and future prices ahead
SELECT outcome FROM retail.set_base_price('PG-OUT', 100, 'CNY');
SELECT outcome FROM retail.set_price('PG-OUT', 'pg-app', 'PG1', 101);
SELECT outcome FROM retail.set_price('PG-OUT', 'pg-app', 'PG1', 95, '[2031-05-10,2031-05-11)', 'promo');
SELECT outcome FROM retail.set_price('PG-OUT', 'pg-app', 'PG1', 102, '[2031-05-20,)');
SELECT outcome FROM retail.set_price('PG-OUT', 'pg-app', 'PG1', 102, '[2031-05-20,)');
SELECT w.outcome FROM retail.price p CROSS JOIN LATERAL retail.withdraw_price(p.id) w WHERE p.amount = 95 AND p.sku_id = pg_temp.sku('PG-OUT');
SELECT w.outcome FROM retail.price p CROSS JOIN LATERAL retail.withdraw_price(p.id, '2031-06-01') w WHERE p.amount = 102 AND p.sku_id = pg_temp.sku('PG-OUT');
SELECT o.payload - '{version,price_id,sku,currency,tier,min_qty}'::text[] AS payload,
    (o.payload ->> 'version')::bigint > coalesce(lag((o.payload ->> 'version')::bigint) OVER (ORDER BY o.id), 0) AS grows,
    (o.payload ->> 'version')::bigint = e.version AND (o.payload ->> 'price_id')::bigint = e.price_id AS same_event
FROM retail.outbox o JOIN retail.price_event e ON e.version = (o.payload ->> 'version')::bigint
WHERE o.topic = 'price' AND o.sku_id = pg_temp.sku('PG-OUT') ORDER BY o.id;
-- nothing of a refused call is left
SELECT outcome FROM retail.set_price('PG-OUT', 'pg-app', 'PG1', 500);
SELECT count(*) FROM retail.price_event WHERE sku_id = pg_temp.sku('PG-OUT');
-- labels apply only a greater version
SELECT array_agg(version ORDER BY version) AS v FROM retail.price_event WHERE sku_id = pg_temp.sku('PG-OUT') \gset
SELECT retail.acknowledge_label('PG1', 'PG-OUT', 'pg-app', (:'v'::bigint[])[2]) AS first,
    retail.acknowledge_label('PG1', 'PG-OUT', 'pg-app', (:'v'::bigint[])[2]) AS again,
    retail.acknowledge_label('PG1', 'PG-OUT', 'pg-app', (:'v'::bigint[])[1]) AS older,
    retail.acknowledge_label('PG1', 'PG-OUT', 'pg-app', (:'v'::bigint[])[3]) AS newer,
    retail.acknowledge_label('PG2', 'PG-OUT', 'pg-app', (:'v'::bigint[])[3]) AS elsewhere,
    retail.acknowledge_label('PG2', 'PG-OUT', 'pg-till', (:'v'::bigint[])[1]) AS of_every_place,
    retail.acknowledge_label('PG1', 'PG-OUT', 'pg-app', 999999999) AS no_such_version;
SELECT l.code AS location, c.code AS channel, array_position(:'v'::bigint[], a.version) AS version, a.acked_at
FROM retail.label_ack a JOIN retail.location l ON l.id = a.location_id JOIN retail.channel c ON c.id = a.channel_id
WHERE a.sku_id = pg_temp.sku('PG-OUT') ORDER BY 1;
SELECT * FROM pg_temp.refusal($$SELECT retail.acknowledge_label(NULL, 'PG-OUT', 'pg-app', 1)$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.acknowledge_label('PG1', 'PG-OUT', 'pg-app', NULL)$$);

-- bad_calls
SELECT r.code, r.message FROM unnest(ARRAY[
    $$SELECT retail.set_price('NO-SUCH', 'pg-app', NULL, 1)$$, $$SELECT retail.set_price('PG-CNY', 'no-such', NULL, 1)$$,
    $$SELECT retail.set_price('PG-CNY', 'pg-app', 'NO-SUCH', 1)$$, $$SELECT retail.set_price(NULL, 'pg-app', NULL, 1)$$,
    $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, NULL)$$, $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, -1)$$,
    $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 'NaN')$$, $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 'Infinity')$$,
    $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 1, NULL, 'gift')$$, $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 1, NULL, 'member')$$,
    $$SELECT retail.set_price('PG-CNY', 'pg-app', NULL, 1, min_qty => 0)$$, $$SELECT retail.set_base_price('PG-NONE', 5)$$,
    $$SELECT retail.set_base_price('PG-NONE', 5, 'ABC')$$,
    $$INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (pg_temp.sku('PG-CNY'), 'CNY', 'NaN', '[2031-06-01,)')$$,
    $$INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid) VALUES (pg_temp.sku('PG-CNY'), 999999, 'CNY', 9.99, '[2031-06-01,)')$$,
    $$INSERT INTO retail.price (sku_id, location_id, currency, amount, valid) VALUES (pg_temp.sku('PG-CNY'), 999999, 'CNY', 9.99, '[2031-06-01,)')$$,
    $$INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (999999, 'CNY', 9.99, '[2031-06-01,)')$$]) q
    CROSS JOIN LATERAL pg_temp.refusal(q) r;
-- what has prices stays
SELECT r.code, r.message, r.detail FROM unnest(ARRAY[
    $$DELETE FROM retail.sku WHERE code = 'PG-CNY'$$, $$DELETE FROM retail.channel WHERE code = 'pg-app'$$,
    $$DELETE FROM retail.location WHERE code = 'PG1'$$]) q CROSS JOIN LATERAL pg_temp.refusal(q) r;
DELETE FROM retail.sku WHERE code = 'PG-NONE';

-- a superuser may force a price in; it stays findable, and what comes after it is guarded again
SET session_replication_role = replica;
INSERT INTO retail.price (sku_id, channel_id, currency, kind, amount, valid) VALUES (pg_temp.sku('PG-TEA'), pg_temp.channel('pg-till'), 'CNY', 'promo', 1, '[2031-05-02,2031-06-01)');
RESET session_replication_role;
SELECT p.amount, v.outcome FROM retail.price p
    CROSS JOIN LATERAL retail._price_verdict(p.sku_id, p.location_id, p.channel_id, p.currency, p.kind, p.amount, p.valid, p.grant_id) v
WHERE p.sku_id = pg_temp.sku('PG-TEA') ORDER BY p.amount;
SELECT * FROM pg_temp.refusal($$SELECT retail._guard_price()$$);
-- and what the tables themselves could not keep, verify() finds
SELECT check_name, sku, location FROM retail.verify() WHERE check_name LIKE 'price%' OR detail LIKE '%price%';
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE retail.price DROP CONSTRAINT price_one_at_a_time;
INSERT INTO retail.price (sku_id, location_id, channel_id, currency, kind, amount, valid)
SELECT sku_id, location_id, channel_id, currency, kind, 2, '[2031-05-20,2031-05-21)' FROM retail.price WHERE amount = 1 AND kind = 'promo' AND sku_id = pg_temp.sku('PG-TEA');
INSERT INTO retail.price (sku_id, location_id, currency, kind, amount, valid) VALUES (pg_temp.sku('PG-TEA'), 999999, 'CNY', 'promo', 2, '[2031-05-20,2031-05-21)');
DELETE FROM retail.price_guard WHERE sku_id = pg_temp.sku('PG-DST');
SELECT check_name, sku, location, regexp_replace(detail, '\d+', 'N', 'g') AS detail FROM retail.verify() WHERE check_name LIKE 'price%' OR detail LIKE '%price%' ORDER BY 1, 2;
ROLLBACK;
RESET pg_retail.clock;
