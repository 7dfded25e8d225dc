-- Frozen quotes: what is promised at checkout, what an order by it costs, how
-- it is paid, and what goes back.
\ir order.psql
SET client_min_messages = warning;
INSERT INTO retail.sku (code, name, unit, price_per) VALUES ('N', 'Nuts', 'gram', 1000);
INSERT INTO retail.price_rule (low_percent, high_percent) VALUES (90, 900);
DO $$ BEGIN
    PERFORM retail.receive(s, w, 100000) FROM unnest(ARRAY['A', 'B', 'C', 'N']) s, unnest(ARRAY['S1', 'S2']) w;
    PERFORM retail.set_base_price(s, a, 'CNY') FROM (VALUES ('A', 10.00), ('B', 20.00), ('C', 3.33), ('N', 19.90)) p (s, a);
    PERFORM retail.set_base_price('C', 100, 'JPY');
END $$;
SELECT plan(104);

CREATE FUNCTION pg_temp.clock(at text) RETURNS void LANGUAGE sql AS $$ SELECT set_config('pg_retail.clock', $1, false) $$;
CREATE FUNCTION pg_temp.price(sku text, amount numeric, kind text DEFAULT 'list', channel text DEFAULT 'app') RETURNS text LANGUAGE sql AS
$$ SELECT outcome FROM retail.set_price($1, $4, NULL, $2, kind => $3, currency => 'CNY') $$;
-- lines as "A 2, B 1"
CREATE FUNCTION pg_temp.basket(words text) RETURNS retail.line[] LANGUAGE sql AS $$
    SELECT array_agg((split_part(w, ' ', 1), NULL, split_part(w, ' ', 2)::bigint)::retail.line ORDER BY n)
    FROM unnest(string_to_array($1, ', ')) WITH ORDINALITY x (w, n)
$$;
CREATE FUNCTION pg_temp.freeze(words text, order_amount numeric DEFAULT 0, ttl interval DEFAULT NULL, key text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS
$$ SELECT min(quote_id) FROM retail.freeze_quote(pg_temp.basket($1), 'app', currency => 'CNY', order_amount => $2, ttl => $3, request_key => $4) $$;
CREATE FUNCTION pg_temp.frozen(quote_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s x %s = %s%s', l.qty, l.unit_price, l.line_amount, CASE WHEN l.order_share <> 0 THEN to_char(l.order_share, 'FMS9990.00') END), ', ' ORDER BY line_no)
    FROM retail.frozen_quote_line l WHERE l.quote_id = $1
$$;
CREATE FUNCTION pg_temp.place(ref text, words text, quote bigint, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', p.outcome, p.unit_price, 'live ' || p.live_price, CASE WHEN p.replayed THEN 'replayed' END), ', ' ORDER BY p.line_no)
    FROM retail.place_order('app', $1, pg_temp.basket($2), location => 'S1', request_key => $4, frozen_quote => $3) p
$$;
CREATE FUNCTION pg_temp.costs(ref text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s x %s = %s%s', l.qty, l.unit_price, l.line_amount, CASE WHEN l.order_share <> 0 THEN to_char(l.order_share, 'FMS9990.00') END), ', ' ORDER BY line_no)
    FROM retail.order_line l JOIN retail.sales_order o ON o.id = l.order_id WHERE o.order_ref = $1
$$;
CREATE FUNCTION pg_temp.money(ref text) RETURNS text LANGUAGE sql AS $$ SELECT format('%s - %s = %s %s', amount, refunded, due, currency) FROM retail.order_amount('app', $1) $$;

-- freezing
SELECT is((SELECT string_agg(format('%s %s %s %s %s %s', line_no, sku, price, line_amount, order_share, expires_at - retail.now()), ', ' ORDER BY line_no)
    FROM retail.freeze_quote(pg_temp.basket('A 2, B 1, N 123'), 'app')),
    '1 A 10.00 20.00 0.00 00:15:00, 2 B 20.00 20.00 0.00 00:15:00, 3 N 19.90 2.45 0.00 00:15:00', 'frozen for as long as a hold');
UPDATE retail.channel SET hold_ttl = '5 minutes' WHERE code = 'till';
SELECT is((SELECT max(expires_at) - retail.now() FROM retail.freeze_quote(pg_temp.basket('A 1'), 'till')), interval '5 minutes', 'the channel''s own');
SELECT is((SELECT max(expires_at) - retail.now() FROM retail.freeze_quote(pg_temp.basket('A 1'), 'till', ttl => '1 hour')), interval '1 hour', 'or what is asked for');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', ttl => '0.5 seconds') $$, '22023', NULL, 'too short');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', ttl => '31 days') $$, '22023', NULL, 'too long');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', ttl => '-1 day') $$, '22023', NULL, 'backwards');
SELECT throws_ok($$ SELECT * FROM retail.freeze_quote('{}', 'app') $$, '22023', NULL, 'nothing');
SELECT throws_ok($$ SELECT * FROM retail.freeze_quote(NULL, 'app') $$, '22004', NULL, 'NULL');
SELECT throws_ok($$ SELECT * FROM retail.freeze_quote(pg_temp.basket('A 1'), NULL) $$, '22004', 'channel must not be null', 'no channel');
SELECT throws_ok($$ SELECT * FROM retail.freeze_quote(pg_temp.basket('C 1'), 'app') $$, '22004', NULL, 'a SKU with prices in two currencies');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', NULL) $$, '22004', 'order_amount must not be null', 'NULL postage');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', 0.005) $$, 'RT021', NULL, 'half a fen');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', 'NaN') $$, '22003', NULL, 'no number');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', 'Infinity') $$, '22003', NULL, 'without end');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1', -10.01) $$, '22023', NULL, 'more off than it costs');
SELECT throws_ok($$ SELECT * FROM retail.freeze_quote(ARRAY[('A', NULL, 1), ('C', NULL, 1)]::retail.line[], 'app', currency => 'JPY') $$, 'RT023', NULL, 'a line that has no price in the currency');
INSERT INTO retail.sku (code, name) VALUES ('Y', 'Yen only');
DO $$ BEGIN PERFORM retail.set_base_price('Y', 100, 'JPY'); END $$;
SELECT throws_ok($$ SELECT * FROM retail.freeze_quote(ARRAY[('A', NULL, 1), ('Y', NULL, 1)]::retail.line[], 'app') $$, 'RT020', 'lines are priced in CNY and JPY', 'two currencies');
SELECT is(pg_temp.frozen(pg_temp.freeze('A 1, B 1, C 1', -1.00)), '1 x 10.00 = 10.00-0.30, 1 x 20.00 = 20.00-0.60, 1 x 3.33 = 3.33-0.10', 'a discount is shared');
SELECT is(pg_temp.frozen(pg_temp.freeze('A 1, A 1, A 1', 10.00)), '1 x 10.00 = 10.00+3.34, 1 x 10.00 = 10.00+3.33, 1 x 10.00 = 10.00+3.33', 'so is postage, to the last fen');
SELECT is((SELECT (sum(price), sum(order_share))::text FROM retail.freeze_quote(ARRAY[('C', NULL, 1), ('C', NULL, 2)]::retail.line[], 'app', currency => 'JPY', order_amount => -50)), '(200,-50)', 'yen have no decimals');
SELECT is(pg_temp.frozen(pg_temp.freeze('A 1', -10.00)), '1 x 10.00 = 10.00-10.00', 'all of it taken off');

-- replays
SELECT is(pg_temp.freeze('A 1', key => 'k1'), pg_temp.freeze('A 1', key => 'k1'), 'one key, one quote');
SELECT is((SELECT bool_and(replayed) FROM retail.freeze_quote(pg_temp.basket('A 1'), 'app', currency => 'CNY', request_key => 'k1')), true, 'and it says so');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 2', key => 'k1') $$, 'RT005', NULL, 'the key is for that request');

-- immutable
SELECT throws_ok($$ UPDATE retail.frozen_quote SET expires_at = expires_at + interval '1 day' $$, 'RT008', NULL, 'a promise is not changed');
SELECT throws_ok($$ UPDATE retail.frozen_quote_line SET unit_price = 1 $$, 'RT008', NULL, 'nor a line');
SELECT throws_ok($$ DELETE FROM retail.frozen_quote_line $$, 'RT008', NULL, 'nor deleted');
SELECT throws_ok($$ DELETE FROM retail.frozen_quote $$, 'RT008', NULL, 'while it lives');
SELECT throws_ok($$ UPDATE retail.sku SET price_per = 10 WHERE code = 'N' $$, 'RT011', NULL, 'what prices are for stays');

-- in time: what was frozen, or less
SELECT pg_temp.freeze('A 2, B 1') AS q1 \gset
SELECT pg_temp.freeze('A 2, B 1', -3) AS q2 \gset
SELECT is(pg_temp.price('A', 12), 'set', 'one has risen');
SELECT is(pg_temp.price('B', 15, 'promo'), 'set', 'the other is reduced');
SELECT is(pg_temp.place('o1', 'A 2, B 1', :q1), 'placed 10.00 live 12.00, placed 15.00 live 15.00', 'the promise holds; what is lower is passed on');
SELECT is(pg_temp.costs('o1'), '2 x 10.00 = 20.00, 1 x 15.00 = 15.00', 'the order keeps it');
SELECT is(pg_temp.place('o2', 'A 2, B 1', :q2), 'placed 10.00 live 12.00, placed 15.00 live 15.00', 'with a discount on the order');
SELECT is(pg_temp.costs('o2'), '2 x 10.00 = 20.00-1.71, 1 x 15.00 = 15.00-1.29', 'which is shared anew');
SELECT is((SELECT (unit_price, quote_id = :q2)::text FROM retail.order_line l JOIN retail.sales_order o ON o.id = l.order_id WHERE o.order_ref = 'o2' AND line_no = 1), '(10.00,t)', 'and names its quote');

-- one quote, one order
SELECT is((SELECT format('%s %s %s', outcome, order_id = (SELECT id FROM retail.sales_order WHERE order_ref = 'o1'), unit_price) FROM retail.place_order('app', 'o1b', pg_temp.basket('A 2, B 1'), location => 'S1', frozen_quote => :q1)),
    'quote_used t ', 'the answer tells which order used it');
SELECT is(pg_temp.place('o1', 'A 2, B 1', :q1), 'duplicate', 'the order of that name is there');
SELECT pg_temp.freeze('A 1') AS q3 \gset
SELECT is(pg_temp.place('o3', 'A 1', :q3, 'key 3'), 'placed 12.00', 'placed with a key');
SELECT is(pg_temp.place('o3', 'A 1', :q3, 'key 3'), 'placed 12.00 replayed', 'its answer is replayed, with the price');
SELECT throws_ok(format($$ SELECT pg_temp.place('o3', 'A 1', %s, 'key 3') $$, :q2), 'RT005', NULL, 'with another quote it is another request');
SELECT throws_ok($$ SELECT pg_temp.place('o3', 'A 1', NULL, 'key 3') $$, 'RT005', NULL, 'without one, too');

-- what a quote is for
SELECT pg_temp.freeze('A 2, B 1') AS q4 \gset
SELECT throws_ok(format($$ SELECT pg_temp.place('o4', 'A 2', %s) $$, :q4), '22023', format('frozen quote %s is for another channel or for other lines', :q4), 'a line less');
SELECT throws_ok(format($$ SELECT pg_temp.place('o4', 'A 2, B 1, C 1', %s) $$, :q4), '22023', NULL, 'a line more');
SELECT throws_ok(format($$ SELECT pg_temp.place('o4', 'B 1, A 2', %s) $$, :q4), '22023', NULL, 'in another order');
SELECT throws_ok(format($$ SELECT pg_temp.place('o4', 'A 3, B 1', %s) $$, :q4), '22023', NULL, 'more units');
SELECT throws_ok(format($$ SELECT * FROM retail.place_order('till', 'o4', pg_temp.basket('A 2, B 1'), location => 'S1', frozen_quote => %s) $$, :q4), '22023', NULL, 'in another channel');
SELECT throws_ok($$ SELECT pg_temp.place('o4', 'A 1', -1) $$, 'RT030', 'no frozen quote -1', 'no such quote');
SELECT is((SELECT count(*) FROM retail.sales_order WHERE order_ref = 'o4'), 0::bigint, 'nothing was placed');

-- no stock: the quote is not used up
SELECT pg_temp.freeze('A 999999') AS q5 \gset
SELECT is(pg_temp.place('o5', 'A 999999', :q5), 'insufficient 12.00', 'nobody has so many');
SELECT pg_temp.freeze('B 2') AS q6 \gset
SELECT is(pg_temp.place('o6', 'B 2', NULL), 'placed', 'an order without a quote');
SELECT is(pg_temp.costs('o6'), '2 x  = ', 'has no prices');
SELECT is((SELECT format('%s %s', amount, currency) FROM retail.order_amount('app', 'o6')), ' ', 'and no amount');

-- expired: what it costs now, unless that is more
SELECT pg_temp.freeze('A 1, B 1') AS q7 \gset
SELECT pg_temp.freeze('A 1, B 1') AS q8 \gset
SELECT pg_temp.freeze('A 1, B 1', -1) AS q9 \gset
SELECT pg_temp.clock('2031-03-03 10:15:00+00') AS now \gset
SELECT is(pg_temp.price('A', 11), 'set', 'a minute before, one falls');
SELECT is(pg_temp.place('o7', 'A 1, B 1', :q7), 'placed 11.00 live 11.00, placed 15.00', 'the moment it expires: at the price of now');
SELECT is(pg_temp.price('B', 16, 'promo'), 'set', 'the other rises');
SELECT is(pg_temp.place('o8', 'A 1, B 1', :q8), 'skipped 12.00 live 11.00, price_changed 15.00 live 16.00', 'a rise is told, with both prices');
SELECT is((SELECT count(*) FROM retail.sales_order WHERE order_ref = 'o8'), 0::bigint, 'and nothing placed');
SELECT is(pg_temp.price('B', 14, 'promo'), 'set', 'it falls');
SELECT is(pg_temp.place('o8', 'A 1, B 1', :q8), 'placed 11.00 live 11.00, placed 14.00 live 14.00', 'then it is placed');
SELECT is(pg_temp.place('o9', 'A 1, B 1', :q9), 'placed 11.00 live 11.00, placed 14.00 live 14.00', 'the discount of the order stays');
SELECT is(pg_temp.costs('o9'), '1 x 11.00 = 11.00-0.44, 1 x 14.00 = 14.00-0.56', 'and is shared by what it costs now');

-- a price that is gone: promised in time, refused after
SELECT is((retail.set_price('A', 'till', 'S1', 9, '[2031-03-03 10:15:00+00,2031-03-03 10:20:00+00)')).outcome, 'set', 'for five minutes');
INSERT INTO retail.sku (code, name) VALUES ('G', 'Gone');
SELECT is((retail.set_base_price('G', 5, 'CNY', '[2031-03-03 10:15:00+00,2031-03-03 10:20:00+00)')).outcome, 'set', 'a base price for five minutes');
DO $$ BEGIN PERFORM retail.receive('G', 'S1', 10); END $$;
SELECT pg_temp.freeze('G 1', ttl => '10 minutes') AS q10 \gset
SELECT pg_temp.freeze('G 1', ttl => '10 minutes') AS q11 \gset
SELECT pg_temp.clock('2031-03-03 10:24:00+00') AS now \gset
SELECT is(pg_temp.place('o10', 'G 1', :q10), 'placed 5.00', 'the promise holds though there is no price');
SELECT pg_temp.clock('2031-03-03 10:25:00+00') AS now \gset
SELECT throws_ok(format($$ SELECT pg_temp.place('o11', 'G 1', %s) $$, :q11), 'RT023', format('no price for line 1 of frozen quote %s', :q11), 'and then not');

-- floors hold with a discount on the order, too
INSERT INTO retail.price_floor (sku_id, currency, cost, margin_percent) SELECT id, 'CNY', 8, 10 FROM retail.sku WHERE code = 'B';
SELECT is(pg_temp.price('B', 20, 'promo'), 'set', 'no reduction any more');
SELECT throws_ok($$ SELECT pg_temp.freeze('A 1, B 1', -20) $$, 'RT026', 'line 2 would be sold below the floor of SKU "B"', 'too much off');
SELECT is(pg_temp.frozen(pg_temp.freeze('A 1, B 1', -15)), '1 x 11.00 = 11.00-5.32, 1 x 20.00 = 20.00-9.68', 'not too much');
SELECT pg_temp.freeze('A 1, B 1', -15) AS q12 \gset
SELECT pg_temp.freeze('A 1, B 1', -15, ttl => '1 minute') AS q13 \gset
SELECT is(pg_temp.price('B', 18, 'promo'), 'set', 'reduced meanwhile');
SELECT is(pg_temp.place('o12', 'A 1, B 1', :q12), 'placed 11.00, placed 20.00 live 18.00', 'both would be too much: what was promised');
SELECT is(pg_temp.costs('o12'), '1 x 11.00 = 11.00-5.32, 1 x 20.00 = 20.00-9.68', 'to the fen');
SELECT pg_temp.clock('2031-03-03 10:27:00+00') AS now \gset
SELECT throws_ok(format($$ SELECT pg_temp.place('o13', 'A 1, B 1', %s) $$, :q13), 'RT026', NULL, 'expired, nothing is promised');
DELETE FROM retail.price_floor;

-- payment is checked against what was frozen
SELECT pg_temp.freeze('A 3, B 1', 6.00) AS q14 \gset
SELECT is(pg_temp.place('o14', 'A 3, B 1', :q14), 'placed 11.00, placed 18.00', 'an order');
SELECT is(pg_temp.price('A', 13), 'set', 'its price rises');
SELECT is(pg_temp.money('o14'), '57.00 - 0.00 = 57.00 CNY', 'what it costs');
SELECT is((SELECT string_agg(outcome, ' ') FROM retail.confirm_order('app', 'o14', 'pay 1', 63, 'CNY')), 'wrong_amount', 'paid by today''s price');
SELECT is((SELECT string_agg(outcome, ' ') FROM retail.confirm_order('app', 'o14', 'pay 2', 57, 'USD')), 'wrong_amount', 'in another currency');
SELECT is((SELECT string_agg(outcome, ' ') FROM retail.confirm_order('app', 'o14', NULL, 57)), 'wrong_amount', 'in none');
SELECT is(pg_temp.status('o14'), 'placed', 'nothing was changed');
SELECT is((SELECT string_agg(outcome, ' ') FROM retail.confirm_order('app', 'o14', 'pay 3', 57.0, 'CNY')), 'confirmed confirmed', 'paid');
SELECT is((SELECT string_agg(outcome, ' ') FROM retail.confirm_order('app', 'o14', 'pay 3', 57.0, 'CNY')), 'confirmed confirmed', 'the answer is replayed');
SELECT throws_ok($$ SELECT retail.confirm_order('app', 'o6', NULL, 10, 'CNY') $$, '55000', NULL, 'what an order without a quote costs is not known');
SELECT throws_ok($$ SELECT retail.order_amount('app', 'none') $$, 'RT013', NULL, 'no such order');

-- what goes back mirrors what was paid, whatever the parts
SELECT is((SELECT string_agg(r.refund || ' ' || r.currency, ', ' ORDER BY n) FROM generate_series(1, 3) n, retail.refund_due('app', 'o14', 1, n) r), '12.29 CNY, 24.59 CNY, 36.88 CNY', 'one, two or three of three with postage');
SELECT throws_ok($$ SELECT retail.refund_due('app', 'o14', 1, 4) $$, '22023', NULL, 'there are three');
SELECT throws_ok($$ SELECT retail.refund_due('app', 'o14', 3, 1) $$, 'RT013', NULL, 'there is no third line');
SELECT is((SELECT refund FROM retail.refund_due('app', 'o6', 1, 1)), NULL, 'without a quote nobody knows');
SELECT id AS parcel FROM retail.fulfilment_order WHERE order_id = (SELECT id FROM retail.sales_order WHERE order_ref = 'o14') \gset
SELECT is(pg_temp.go(:parcel, 'accept', 'start_picking', 'pack', 'ship', 'deliver'), 'delivered', 'it is delivered');
SELECT is((SELECT string_agg(r.refund || ' ' || r.currency, ', ' ORDER BY n) FROM generate_series(1, 3) n, retail.return_order('app', 'o14', 1, 1, 'S1', request_key => 'back ' || n) r),
    '12.29 CNY, 12.30 CNY, 12.29 CNY', 'returned one by one');
SELECT is(pg_temp.money('o14'), '57.00 - 36.88 = 20.12 CNY', 'together what was paid for the line');
SELECT is((SELECT sum(refund) FROM retail.order_return), 36.88, 'as noted');

-- what nobody used is forgotten
SELECT is((SELECT string_agg(status, ' ' ORDER BY order_ref) FROM retail.sales_order WHERE order_ref IN ('o1', 'o14')), 'placed completed', 'two that were used');
SELECT pg_temp.clock('2031-03-20 10:00:00+00') AS now \gset
SELECT count(*) AS unused FROM retail.frozen_quote q WHERE NOT EXISTS (SELECT FROM retail.sales_order o WHERE o.quote_id = q.id) \gset
SELECT count(*) AS used FROM retail.frozen_quote q WHERE EXISTS (SELECT FROM retail.sales_order o WHERE o.quote_id = q.id) \gset
SELECT pg_temp.freeze('A 1') AS fresh \gset
SELECT throws_ok(format('DELETE FROM retail.frozen_quote WHERE id = %s', :q1), 'RT008', NULL, 'one that was used does not go, even when it has expired');
DO $$ BEGIN WHILE retail.purge_requests(7) > 0 LOOP NULL; END LOOP; END $$;
SELECT is((SELECT count(*) FROM retail.frozen_quote), :used + 1::bigint, 'unused ones are forgotten, a few at a time');
SELECT is((SELECT count(DISTINCT quote_id) FROM retail.frozen_quote_line), :used + 1::bigint, 'with their lines');
SELECT throws_ok(format($$ SELECT pg_temp.place('late', 'A 1', %s) $$, :q5), 'RT030', NULL, 'and cannot be ordered by');
SELECT is((SELECT string_agg(concat_ws(' ', unit_price, line_amount, order_share, amount), ', ' ORDER BY line_no) FROM retail_bi.order_line WHERE order_ref = 'o14'),
    '11.00 33.00 3.88 36.88, 18.00 18.00 2.12 20.12', 'an analyst sees what was paid');
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

-- what does not add up is found
CREATE FUNCTION pg_temp.smuggle(sql text) RETURNS text LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    EXECUTE sql;
    RETURN (SELECT string_agg(format('%s %s of %s', v.check_name, v.found, v.expected), ', ' ORDER BY v.check_name) FROM retail.verify() v);
END $$;
SELECT is(pg_temp.smuggle(format('UPDATE retail.frozen_quote_line SET line_amount = line_amount + 0.01 WHERE quote_id = %s AND line_no = 1', :fresh)), 'frozen_quote 0 of 1', 'a line that costs a fen more');
SELECT is(pg_temp.smuggle(format('DELETE FROM retail.frozen_quote_line WHERE quote_id = %s', :fresh)), 'frozen_quote 0 of 0', 'a quote without lines');
SELECT is(pg_temp.smuggle(format('DELETE FROM retail.frozen_quote WHERE id = %s', :fresh)), NULL, 'gone');
SELECT is(pg_temp.smuggle($$ UPDATE retail.order_line SET order_share = order_share + 0.01 WHERE line_no = 1 AND order_id = (SELECT id FROM retail.sales_order WHERE order_ref = 'o14') $$),
    'order_amount 2 of 2', 'shares that do not add up');
SELECT is(pg_temp.smuggle($$ UPDATE retail.order_line SET line_amount = NULL, order_share = NULL WHERE line_no = 1 AND order_id = (SELECT id FROM retail.sales_order WHERE order_ref = 'o14') $$),
    'order_amount 1 of 2', 'a line without an amount');
SELECT * FROM finish();
