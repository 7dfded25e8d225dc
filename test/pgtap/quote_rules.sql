-- quote(): each rule once.  test/pgtap/quote_random.sql has them at random.
\ir quote.psql
SELECT plan(91);

-- "base 100" or "promo channel 90 of 100", and until when
CREATE FUNCTION pg_temp.q(sku text, channel text, location text, qty bigint DEFAULT 1, at timestamptz DEFAULT NULL, tier text DEFAULT NULL,
    currency text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', q.kind, q.price_scope, q.price, CASE WHEN q.kind <> 'list' THEN 'of ' || q.list || ' ' || q.list_scope END)
    FROM retail.quote($1, $2, $3, $4, $5, $6, $7) q
$$;
CREATE FUNCTION pg_temp.until(sku text, channel text, location text, qty bigint DEFAULT 1, at timestamptz DEFAULT NULL, tier text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$ SELECT to_char(q.valid_until, 'MM-DD HH24:MI') FROM retail.quote($1, $2, $3, $4, $5, $6) q $$;
CREATE FUNCTION pg_temp.why(sku text, channel text, location text, qty bigint DEFAULT 1, at timestamptz DEFAULT NULL, tier text DEFAULT NULL,
    currency text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s %s', e.verdict, e.kind, e.scope, e.amount), ', ')
    FROM retail.explain_quote($1, $2, $3, $4, $5, $6, $7) e
$$;
CREATE FUNCTION pg_temp.put(VARIADIC calls text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c text;
    answer text;
    answers text[];
BEGIN
    FOREACH c IN ARRAY calls LOOP
        EXECUTE format('SELECT outcome FROM retail.%s', c) INTO answer;
        answers := answers || answer;
    END LOOP;
    RETURN array_to_string(answers, ' ');
END $$;
CREATE FUNCTION pg_temp.clock(at text) RETURNS void LANGUAGE sql AS $$ SELECT set_config('pg_retail.clock', $1, false) $$;

-- no price is an error, never 0 or NULL
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'S1') $$, 'RT023', 'no price for SKU "RICE"', 'no price');
SELECT throws_ok($$ SELECT retail.explain_quote('RICE', 'app', 'S1') $$, 'RT023', NULL, 'nothing to explain');
SELECT throws_ok($$ SELECT * FROM retail.quote_lines(ARRAY[('RICE', NULL, 1)]::retail.line[], 'app', 'S1') $$, 'RT023', NULL, 'nor for a line');

-- the list price is the most specific
SELECT is(pg_temp.put($$set_base_price('RICE', 100, 'CNY')$$), 'set', 'a base price');
SELECT is(pg_temp.q('RICE', 'app', 'S1'), 'list base 100.00', 'holds everywhere');
SELECT is(pg_temp.q('RICE', NULL, NULL), 'list base 100.00', 'also where no channel is asked for');
SELECT is(pg_temp.put($$set_price('RICE', NULL, NULL, 101)$$), 'set', 'a price of every channel');
SELECT is(pg_temp.q('RICE', 'app', 'S1'), 'list everywhere 101.00', 'goes before the base price');
SELECT is(pg_temp.put($$set_price('RICE', 'app', NULL, 102)$$), 'set', 'one of the channel');
SELECT is(pg_temp.q('RICE', 'app', 'S1'), 'list channel 102.00', 'before that');
SELECT is(pg_temp.q('RICE', 'till', 'S1'), 'list everywhere 101.00', 'and not in another');
SELECT is(pg_temp.put($$set_price('RICE', NULL, 'S1', 103)$$), 'set', 'one of the store');
SELECT is(pg_temp.q('RICE', 'app', 'S1'), 'list location 103.00', 'before the channel''s');
SELECT is(pg_temp.q('RICE', 'app', 'S2'), 'list channel 102.00', 'and not in another');
SELECT is(pg_temp.q('RICE', 'app', NULL), 'list channel 102.00', 'nor where no store is asked for');
SELECT is(pg_temp.put($$set_price('RICE', 'app', 'S1', 104)$$), 'set', 'one of both');
SELECT is(pg_temp.q('RICE', 'app', 'S1'), 'list location_channel 104.00', 'before all');
SELECT is(pg_temp.why('RICE', 'app', 'S1'), 'price list location_channel 104.00, less_specific list base 100.00, '
    'less_specific list everywhere 101.00, less_specific list channel 102.00, less_specific list location 103.00', 'the others lost by their scope');

-- reductions: the least below the list price, whatever its scope
SELECT is(pg_temp.put($$set_price('RICE', NULL, NULL, 95, kind => 'promo')$$, $$set_price('RICE', 'app', 'S1', 96, kind => 'clearance')$$,
    $$set_price('RICE', 'app', NULL, 94, kind => 'member', tier => 'gold')$$), 'set set set', 'reduced prices');
SELECT is(pg_temp.q('RICE', 'app', 'S1'), 'promo everywhere 95.00 of 104.00 location_channel', 'the least of them, for everybody');
SELECT is(pg_temp.q('RICE', 'app', 'S1', tier => 'gold'), 'member channel 94.00 of 104.00 location_channel', 'a member of the tier has his');
SELECT is(pg_temp.q('RICE', 'app', 'S1', tier => 'black'), 'promo everywhere 95.00 of 104.00 location_channel', 'of another tier not');
SELECT is(pg_temp.why('RICE', 'app', 'S1'), 'price promo everywhere 95.00, list list location_channel 104.00, dearer clearance location_channel 96.00, '
    'less_specific list base 100.00, less_specific list everywhere 101.00, less_specific list channel 102.00, less_specific list location 103.00, '
    'other_tier member channel 94.00', 'why each of them lost');
SELECT is(pg_temp.put($$set_price('RICE', 'till', 'S2', 93, kind => 'list')$$), 'set', 'a list price below the promotion');
SELECT is(pg_temp.q('RICE', 'till', 'S2'), 'list location_channel 93.00', 'is the price');
SELECT matches(pg_temp.why('RICE', 'till', 'S2'), 'not_below_list promo everywhere 95.00', 'a reduction counts below the list price only');

-- ties: by kind, then id
SELECT is(pg_temp.put($$set_base_price('TEA', 50, 'CNY')$$, $$set_price('TEA', 'app', NULL, 40, kind => 'clearance')$$,
    $$set_price('TEA', 'app', NULL, 40, kind => 'member', tier => 'gold')$$, $$set_price('TEA', 'app', 'S1', 40, kind => 'promo')$$,
    $$set_price('TEA', NULL, NULL, 40, kind => 'promo')$$), 'set set set set set', 'all at one price');
SELECT is(pg_temp.q('TEA', 'app', 'S1', tier => 'gold'), 'promo location_channel 40.00 of 50.00 base', 'promo first; of two the one set first');
SELECT is(pg_temp.q('TEA', 'app', 'S2', tier => 'gold'), 'promo everywhere 40.00 of 50.00 base', 'where that does not hold, the other');
SELECT is((SELECT count(*) FROM retail.explain_quote('TEA', 'app', 'S1', member_tier => 'gold') e WHERE e.verdict = 'tied'), 3::bigint, 'three are tied');
SELECT is(pg_temp.put($$set_price('TEA', NULL, NULL, 50, kind => 'clearance')$$), 'set', 'a reduction to the list price');
SELECT matches(pg_temp.why('TEA', 'till', NULL), 'not_below_list clearance everywhere 50.00', 'is none');

-- quantities
SELECT is(pg_temp.put($$set_base_price('OIL', 60, 'CNY')$$, $$set_price('OIL', 'app', NULL, 58, min_qty => 6)$$,
    $$set_price('OIL', 'app', NULL, 55, min_qty => 12)$$, $$set_price('OIL', 'app', NULL, 50, kind => 'promo', min_qty => 24)$$), 'set set set set', 'for larger quantities');
SELECT is(pg_temp.q('OIL', 'app', 'S1', 5), 'list base 60.00', 'too few');
SELECT is(pg_temp.q('OIL', 'app', 'S1', 6), 'list channel 58.00', 'six');
SELECT is(pg_temp.q('OIL', 'app', 'S1', 23), 'list channel 55.00', 'the largest quantity reached');
SELECT is(pg_temp.q('OIL', 'app', 'S1', 24), 'promo channel 50.00 of 55.00 channel', 'a reduction for many');
SELECT is(pg_temp.why('OIL', 'app', NULL, 12), 'price list channel 55.00, fewer_units list channel 58.00, less_specific list base 60.00, too_few promo channel 50.00',
    'why the others lost');
SELECT is((retail.quote('OIL', 'app', 'S1', 7)).amount, 406.00, 'the amount of the line');

-- weighed goods, currencies of 0, 2 and 3 decimals
SELECT is(pg_temp.put($$set_base_price('NUTS', 19.90, 'CNY')$$, $$set_base_price('NUTS', 399, 'JPY')$$, $$set_base_price('NUTS', 1.235, 'KWD')$$), 'set set set', 'three currencies');
SELECT throws_ok($$ SELECT retail.quote('NUTS', 'app', 'S1') $$, '22004', 'currency must not be null', 'which of them has to be said');
SELECT is((SELECT (price, amount, price_per, currency)::text FROM retail.quote('NUTS', 'app', 'S1', 123, currency => 'CNY')), '(19.90,2.45,1000,CNY)', '123 grams in yuan: 2.4477');
SELECT is((SELECT (price, amount)::text FROM retail.quote('NUTS', 'app', 'S1', 124, currency => 'JPY')), '(399,49)', 'in yen: 49.476');
SELECT is((SELECT (price, amount)::text FROM retail.quote('NUTS', 'app', 'S1', 123, currency => 'KWD')), '(1.235,0.152)', 'in dinar: 0.151905');
SELECT is((SELECT amount FROM retail.quote('NUTS', 'app', 'S1', 50, currency => 'CNY')), 1.00, 'halves go away from zero: 0.995');
SELECT throws_ok($$ SELECT retail.quote('NUTS', 'app', 'S1', currency => 'USD') $$, 'RT023', NULL, 'nothing is converted');
SELECT throws_ok($$ SELECT retail.quote('NUTS', 'app', 'S1', currency => 'EURO') $$, '22023', NULL, 'a currency has three letters');
SELECT matches(pg_temp.why('NUTS', 'app', 'S1', currency => 'JPY'), '^price list base 399, other_currency', 'explained in one of them');
SELECT throws_ok($$ SELECT retail.quote('NUTS', 'app', 'S1', 9223372036854775807, currency => 'CNY') $$, '22003', NULL, 'an amount beyond range');

-- arguments
SELECT throws_ok($$ SELECT retail.quote(NULL, 'app', 'S1') $$, '22004', NULL, 'no SKU');
SELECT throws_ok($$ SELECT retail.quote('NONE', 'app', 'S1') $$, 'RT001', NULL, 'unknown SKU');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'none', 'S1') $$, 'RT003', NULL, 'unknown channel');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'none') $$, 'RT002', NULL, 'unknown location');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'S1', 0) $$, '22023', NULL, 'no unit');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'S1', NULL) $$, '22004', NULL, 'NULL units');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'S1', at => 'infinity') $$, '22008', NULL, 'at infinity');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'S1', at => '-infinity') $$, '22008', NULL, 'at minus infinity');
SELECT throws_ok($$ SELECT retail.quote('RICE', 'app', 'S1', at => '2026-05-31 23:59:59.999999+00') $$, 'RT023', NULL, 'before there was a price');
SELECT throws_ok($$ SELECT * FROM retail.quote_lines('{}', 'app', 'S1') $$, '22023', NULL, 'no lines');
SELECT throws_ok($$ SELECT * FROM retail.quote_lines(NULL, 'app', 'S1') $$, '22004', NULL, 'NULL lines');
SELECT throws_ok($$ SELECT count(*) FROM retail.quote_lines(array_fill(ROW('RICE', NULL, 1)::retail.line, ARRAY[1001]), 'app', 'S1') $$, '54000', NULL, 'too many lines');
SELECT is((SELECT string_agg(format('%s %s %s', sku, coalesce(location, 'none'), amount), ', ') FROM retail.quote_lines(
    ARRAY[('TEA', NULL, 2), ('RICE', 'S2', 1), ('OIL', NULL, 12)]::retail.line[], 'app', 'S1')), 'TEA S1 80.00, RICE S2 95.00, OIL S1 660.00', 'lines in their order, each where it says');

-- when it changes
SELECT is(pg_temp.until('OIL', 'app', 'S1'), NULL, 'no change is known');
SELECT is(pg_temp.put($$set_price('OIL', 'app', NULL, 57, '[2026-06-18,2026-06-19)', kind => 'promo')$$,
    $$set_price('OIL', 'app', NULL, 59, '[2026-06-10,2026-06-18)')$$), 'set set', 'two that are to come');
SELECT is(pg_temp.until('OIL', 'app', 'S1'), '06-10 00:00', 'the next instant at which it changes');
SELECT is(pg_temp.until('OIL', 'app', 'S1', 12), NULL, 'for twelve it does not');
SELECT is(pg_temp.until('OIL', 'till', 'S1'), NULL, 'nor in another channel');
SELECT is((SELECT string_agg(concat_ws(' ', pg_temp.q('OIL', 'app', 'S1', at => a), pg_temp.until('OIL', 'app', 'S1', at => a)), ' | ' ORDER BY a)
    FROM unnest(ARRAY['2026-06-10 00:00+00', '2026-06-17 23:59:59.999999+00', '2026-06-18 00:00+00', '2026-06-19 00:00+00']::timestamptz[]) a),
    'list channel 59.00 06-18 00:00 | list channel 59.00 06-18 00:00 | promo channel 57.00 of 60.00 base 06-19 00:00 | list base 60.00',
    'bounds: from is included, until is not');

-- what was said stays said
SELECT pg_temp.clock('2026-06-12 00:00+00') AS now \gset
CREATE TABLE pg_temp.said AS SELECT a, pg_temp.q('OIL', 'app', 'S1', at => a) AS q FROM generate_series(timestamptz '2026-06-01', '2026-06-12', '6 hours') a;
SELECT is(pg_temp.put($$set_price('OIL', 'app', NULL, 58.50, '[2026-06-05,2026-06-20)')$$), 'set', 'a correction of the past');
SELECT is_empty($$ SELECT * FROM pg_temp.said WHERE pg_temp.q('OIL', 'app', 'S1', at => a) <> q AND a < '2026-06-12' $$, 'is no answer for what was asked then');
SELECT is(pg_temp.q('OIL', 'app', 'S1', at => '2026-06-12'), 'list channel 58.50', 'and one from now on');
SELECT matches(pg_temp.why('OIL', 'app', 'S1', at => '2026-06-11'), 'not_recorded list channel 58.50', 'it was not recorded');
SELECT is(pg_temp.put(format('withdraw_price(%s)', (SELECT price_id FROM retail.quote('OIL', 'app', 'S1')))), 'ended', 'it is ended');
SELECT pg_temp.clock('2026-06-13 00:00+00') AS now \gset
SELECT is(pg_temp.q('OIL', 'app', 'S1'), 'list base 60.00', 'and does not hold any more');

-- a grant that is revoked in mid-campaign ends quotes at that instant
INSERT INTO retail.price_grant (grantee, max_discount_percent, valid, status, requested_by, decided_by, decided_at)
SELECT current_user, 90, '[2026-06-13,2026-07-01)', 'approved', 'asker', 'boss', '2026-06-13' RETURNING id AS grant_id \gset
SELECT is(pg_temp.put(format($$set_price('TEA', 'till', NULL, 30, '[2026-06-14,2026-06-20)', kind => 'promo', grant_id => %s)$$, :grant_id)), 'set', 'a price under a grant');
SELECT is(pg_temp.q('TEA', 'till', NULL, at => '2026-06-15'), 'promo channel 30.00 of 50.00 base', 'will hold');
SELECT is((retail.quote('TEA', 'till', NULL, at => '2026-06-15')).grant_id, :grant_id::bigint, 'under that grant');
SELECT pg_temp.clock('2026-06-16 12:00+00') AS now \gset
UPDATE retail.price_grant SET status = 'revoked', revoked_by = 'audit', revoked_at = retail.now() WHERE id = :grant_id;
SELECT is(pg_temp.q('TEA', 'till', NULL, at => '2026-06-16 11:59:59+00'), 'promo channel 30.00 of 50.00 base', 'before it was revoked it held');
SELECT is(pg_temp.until('TEA', 'till', NULL, at => '2026-06-16 11:59:59+00'), '06-16 12:00', 'until then');
SELECT is(pg_temp.q('TEA', 'till', NULL), 'promo everywhere 40.00 of 50.00 base', 'from then on it does not');
SELECT matches(pg_temp.why('TEA', 'till', NULL), 'no_authority promo channel 30.00', 'for want of authority');

-- service packs
INSERT INTO retail.service_pack (channel_id, code, name, valid) SELECT id, 'basic', 'Basic', tstzrange '[2026-06-17,2026-06-18)' FROM retail.channel WHERE code = 'app'
    UNION ALL SELECT id, 'plus', 'Plus', '[2026-06-18,)' FROM retail.channel WHERE code = 'app';
SELECT is((SELECT string_agg(coalesce((retail.quote('TEA', c, 'S1', at => a)).service_pack, 'none'), ' ' ORDER BY c, a)
    FROM unnest(ARRAY['app', 'till']) c, unnest(ARRAY['2026-06-16 13:00+00', '2026-06-17', '2026-06-18']::timestamptz[]) a), 'none basic plus none none none', 'what comes with it, in the channel, at the instant');

-- days that have 23 and 25 hours: Paris, 25 October 2026 and 28 March 2027
SELECT is(pg_temp.put(format($$set_price('TEA', 'till', 'S2', 45, %L)$$, tstzrange(timestamp '2026-10-25' AT TIME ZONE 'Europe/Paris', timestamp '2026-10-26' AT TIME ZONE 'Europe/Paris')),
    format($$set_price('TEA', 'till', 'S2', 44, %L)$$, tstzrange(timestamp '2027-03-28' AT TIME ZONE 'Europe/Paris', timestamp '2027-03-29' AT TIME ZONE 'Europe/Paris')),
    $$withdraw_price((SELECT max(id) FROM retail.price WHERE kind = 'promo' AND amount = 40))$$), 'set set ended', 'a price for a day');
SELECT is((SELECT count(*) FROM generate_series(timestamptz '2026-10-24 12:00+00', '2026-10-26 12:00+00', '15 minutes') a WHERE (retail.quote('TEA', 'till', 'S2', at => a)).price = 45)
    || ' ' || (SELECT count(*) FROM generate_series(timestamptz '2027-03-27 12:00+00', '2027-03-29 12:00+00', '15 minutes') a WHERE (retail.quote('TEA', 'till', 'S2', at => a)).price = 44),
    '100 92', 'quarters of an hour at which it holds');

-- the session's memory: what is rolled back is not remembered, what others changed is seen
SELECT is(pg_temp.q('RICE', 'till', NULL), 'promo everywhere 95.00 of 101.00 everywhere', 'remembered');
BEGIN;
SELECT pg_temp.put($$set_price('RICE', 'till', NULL, 90, kind => 'promo')$$) AS put \gset
SELECT is(pg_temp.q('RICE', 'till', NULL), 'promo channel 90.00 of 101.00 everywhere', 'one''s own change is seen');
ROLLBACK;
SELECT is(pg_temp.q('RICE', 'till', NULL), 'promo everywhere 95.00 of 101.00 everywhere', 'until it is rolled back');
ALTER TABLE retail.price DISABLE TRIGGER USER;
INSERT INTO retail.price (sku_id, channel_id, currency, kind, amount, valid) SELECT k.id, c.id, 'CNY', 'promo', 89, '[2026-06-01,)' FROM retail.sku k, retail.channel c WHERE k.code = 'RICE' AND c.code = 'till';
SELECT is(pg_temp.q('RICE', 'till', NULL), 'promo channel 89.00 of 101.00 everywhere', 'what is forced in past the guard is seen at once');
SELECT is((SELECT sheets FROM retail._quote_cache()), 0::bigint, 'nothing is remembered while a guard is off');
ALTER TABLE retail.price ENABLE TRIGGER USER;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_insert;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_update;
SELECT is(pg_temp.q('RICE', 'till', NULL), 'promo channel 89.00 of 101.00 everywhere', 'nor forgotten when it is on again');
SELECT cmp_ok((SELECT sheets FROM retail._quote_cache()), '>', 0::bigint, 'from then on it is remembered');
SELECT * FROM finish();
