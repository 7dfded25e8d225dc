-- Prior prices: what a reduction is measured by, in the EU and in China.
\ir order.psql
SET client_min_messages = warning;
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('P1', 'Paris', 'store', 2.35, 48.86, 'Europe/Paris');
INSERT INTO retail.sku (code, name, unit, price_per) VALUES ('N', 'Nuts', 'gram', 1000);
INSERT INTO retail.sku (code, name) SELECT unnest(ARRAY['RUN', 'GAP', 'NEW', 'EDGE', 'MEM', 'DST', 'BACK', 'WIDE', 'SALE']), 'Goods';
INSERT INTO retail.price_rule (low_percent, high_percent) VALUES (90, 900);
INSERT INTO retail.price_grant (id, grantee, max_discount_percent, valid, status, requested_by, decided_by, decided_at)
OVERRIDING SYSTEM VALUE VALUES (1, current_user, 90, '[2030-01-01,)', 'approved', 'asker', 'boss', '2030-01-01');
SELECT plan(68);

CREATE FUNCTION pg_temp.clock(at text) RETURNS void LANGUAGE sql AS $$ SELECT set_config('pg_retail.clock', $1, false) $$;
-- prices of the past are recorded when they begin
CREATE FUNCTION pg_temp.base(sku text, amount numeric, at text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.clock(at); SELECT outcome FROM retail.set_base_price($1, $2, 'CNY')
$$;
CREATE FUNCTION pg_temp.price(sku text, amount numeric, since text, until text DEFAULT NULL, kind text DEFAULT 'promo', channel text DEFAULT NULL,
    store text DEFAULT NULL, min_qty bigint DEFAULT 1, tier text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.clock(since);
    SELECT outcome FROM retail.set_price($1, channel, store, $2, tstzrange($3::timestamptz, $4::timestamptz), $5, min_qty => $8, tier => $9)
$$;
CREATE FUNCTION pg_temp.prior(sku text, at text, days integer DEFAULT 30, channel text DEFAULT 'app', store text DEFAULT 'S1') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', coalesce(prior_price::text, 'none'), to_char(reduced_from, 'MM-DD HH24:MI'), CASE WHEN prior_short THEN 'short' END)
    FROM retail.prior_price($1, channel, store, $2::timestamptz, $3)
$$;

-- 80, then 100, then 90: so 90 is no reduction
SELECT is(pg_temp.base('A', 80, '2031-01-01') || pg_temp.base('A', 100, '2031-04-10') || pg_temp.base('A', 90, '2031-04-20'), 'setsetset', 'base prices');
SELECT is(pg_temp.prior('A', '2031-04-20'), '80.00 04-20 00:00', '80, 100, 90: the prior price is 80');
SELECT is(pg_temp.prior('A', '2031-05-15'), '90.00 05-15 00:00', 'later it is 90: 80 ended before the window');
SELECT is(pg_temp.prior('A', '2031-05-15', 60), '80.00 05-15 00:00', 'but not for a window of 60 days');
SELECT is((SELECT found_at FROM retail.prior_price('A', NULL, NULL, '2031-04-20')), '2031-03-21 00:00+00', 'since when it was that low, within the window');
-- the same as a promotion, and quoted
SELECT is(pg_temp.base('B', 80, '2031-01-01') || pg_temp.base('B', 100, '2031-04-10') || pg_temp.price('B', 90, '2031-04-20', '2031-05-20'), 'setsetset', 'with a promotion');
SELECT is(pg_temp.prior('B', '2031-04-20'), '80.00 04-20 00:00', 'the prior price is 80, too');
SELECT is((SELECT (list, price, prior_price, prior_short)::text FROM retail.quote('B', 'app', 'S1', at => '2031-05-01')), '(100.00,90.00,80.00,f)', 'and a quote tells');
SELECT is((SELECT prior_price FROM retail.quote('A', 'app', 'S1', at => '2031-05-01')), NULL, 'of a list price it tells none');

-- progressive: 10, 20, 30 % off are one reduction from 100
SELECT is(pg_temp.base('RUN', 100, '2031-01-01') || pg_temp.price('RUN', 90, '2031-03-01', '2031-03-08') || pg_temp.price('RUN', 80, '2031-03-08', '2031-03-15')
    || pg_temp.price('RUN', 70, '2031-03-15', '2031-03-22'), 'setsetsetset', 'three steps');
SELECT is(pg_temp.prior('RUN', '2031-03-01'), '100.00 03-01 00:00', 'the first step');
SELECT is(pg_temp.prior('RUN', '2031-03-08'), '100.00 03-01 00:00', 'the second starts where the first does');
SELECT is(pg_temp.prior('RUN', '2031-03-15'), '100.00 03-01 00:00', 'so does the third');
SELECT is((SELECT prior_price FROM retail.quote('RUN', 'app', 'S1', at => '2031-03-20')), 100.00, 'quoted so');
SELECT is(pg_temp.price('RUN', 85, '2031-03-22', '2031-03-25'), 'set', 'up again');
SELECT is(pg_temp.prior('RUN', '2031-03-22'), '70.00 03-22 00:00', 'a dearer one is another reduction, against all before it');
SELECT is(pg_temp.price('RUN', 60, '2031-03-26', '2031-03-30'), 'set', 'after a pause of a day');
SELECT is(pg_temp.prior('RUN', '2031-03-26'), '70.00 03-26 00:00', 'as well');
-- a run longer than the window
SELECT is(pg_temp.base('BACK', 100, '2031-01-01'), 'set', 'a base price');
SELECT is(string_agg(pg_temp.price('BACK', 100 - 2 * n, (date '2031-02-01' + 7 * n)::text, (date '2031-02-01' + 7 * n + 7)::text), '' ORDER BY n), repeat('set', 12), 'twelve weeks of cuts')
FROM generate_series(1, 12) n;
SELECT is(pg_temp.prior('BACK', '2031-04-26'), '100.00 02-08 00:00', 'go back to where they began');

-- the one in force at the beginning of the window counts; one that ends there does not
SELECT is(pg_temp.base('EDGE', 100, '2031-01-01') || pg_temp.price('EDGE', 50, '2031-02-01', '2031-03-02') || pg_temp.price('EDGE', 95, '2031-04-01', '2031-04-08'), 'setsetset', 'half price until 2 March');
SELECT is(pg_temp.prior('EDGE', '2031-04-01'), '100.00 04-01 00:00', 'the window begins on 2 March');
SELECT is(pg_temp.prior('EDGE', '2031-04-01', 31), '50.00 04-01 00:00', 'a day longer');
SELECT is(pg_temp.prior('EDGE', '2031-03-31 23:59:59.999999+00'), '50.00 03-31 23:59', 'or a microsecond earlier');

-- not sold for a while, and younger than the window
SELECT pg_temp.clock('2031-01-01') AS now \gset
SELECT is((retail.set_base_price('GAP', 40, 'CNY', '[2031-01-01,2031-02-01)')).outcome, 'set', 'sold in January');
SELECT is(pg_temp.base('GAP', 60, '2031-03-10'), 'set', 'and from 10 March on');
SELECT is(pg_temp.prior('GAP', '2031-03-20'), '60.00 03-20 00:00', 'a gap is passed over');
SELECT is(pg_temp.prior('GAP', '2031-03-20', 60), '40.00 03-20 00:00', 'what was before it counts when it is in the window');
SELECT is(pg_temp.prior('GAP', '2031-03-10'), 'none 03-10 00:00', 'no price in the whole window');
SELECT is(pg_temp.base('NEW', 30, '2031-03-10'), 'set', 'a new SKU');
SELECT is(pg_temp.prior('NEW', '2031-03-20'), '30.00 03-20 00:00 short', 'its life so far, flagged');
SELECT is(pg_temp.prior('NEW', '2031-03-10'), 'none 03-10 00:00 short', 'reduced from its first instant on: none');
SELECT is(pg_temp.prior('NEW', '2031-04-09'), '30.00 04-09 00:00', 'thirty days old it is young no more');
SELECT throws_ok($$ SELECT retail.prior_price('SALE', 'app', 'S1') $$, 'RT023', NULL, 'a SKU that never had a price');

-- members', quantities', other channels' and withdrawn prices do not count
SELECT is(pg_temp.base('MEM', 100, '2031-01-01') || pg_temp.price('MEM', 50, '2031-03-01', NULL, 'member', tier => 'gold')
    || pg_temp.price('MEM', 55, '2031-03-01', NULL, 'promo', min_qty => 2) || pg_temp.price('MEM', 60, '2031-03-01', NULL, 'promo', 'till')
    || pg_temp.price('MEM', 65, '2031-03-01', NULL, 'promo', NULL, 'S2'), 'set' || repeat('set', 4), 'prices for others');
SELECT is(pg_temp.prior('MEM', '2031-03-20'), '100.00 03-20 00:00', 'do not count');
SELECT is(pg_temp.prior('MEM', '2031-03-20', channel => 'till'), '100.00 03-01 00:00', 'in that channel its promotion is the reduction');
SELECT is((SELECT (prior_price, kind)::text FROM retail.quote('MEM', 'app', 'S1', at => '2031-03-20', member_tier => 'gold')), '(,member)', 'of a member''s price none is told');
SELECT is(pg_temp.price('MEM', 70, '2031-03-21 10:00+00', NULL, 'promo', 'app'), 'set', 'a mistake');
DO $$ BEGIN
    PERFORM pg_temp.clock('2031-03-21 10:05+00');
    PERFORM retail.withdraw_price((SELECT max(id) FROM retail.price));
END $$;
SELECT is(pg_temp.prior('MEM', '2031-03-21 10:03+00'), '100.00 03-21 10:00', 'in force it is a reduction');
SELECT is(pg_temp.prior('MEM', '2031-04-10'), '70.00 04-10 00:00', 'and for five minutes everybody could have it');
-- corrections of the past do not rewrite what was applied
SELECT pg_temp.clock('2031-04-15') AS now \gset
SELECT is((retail.set_price('MEM', 'app', NULL, 40, '[2031-04-01,2031-04-02)', 'promo')).outcome, 'set', 'a correction of the past');
SELECT is(pg_temp.prior('MEM', '2031-04-15'), '70.00 04-15 00:00', 'was never applied');

-- a location's own days: the clocks go forward on 30 March 2031
SELECT is(pg_temp.base('DST', 50, '2031-03-14 22:30+00') || pg_temp.base('DST', 80, '2031-03-14 23:30+00'), 'setset', 'from 00:30 of 15 March in Paris on 80');
SELECT is((SELECT to_char(since AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM retail.prior_price('DST', 'till', 'P1', '2031-04-13 22:15+00')), '03-14 23:15', 'thirty days before 00:15 are 719 hours');
SELECT is(pg_temp.prior('DST', '2031-04-13 22:15+00', channel => 'till', store => 'P1'), '50.00 04-13 22:15', 'with 50 in it');
SELECT is(pg_temp.prior('DST', '2031-04-13 22:30+00', channel => 'till', store => 'P1'), '80.00 04-13 22:30', 'a quarter later without');
SELECT throws_ok($$ SELECT retail.prior_price('A', 'app', 'S1', days => 0) $$, '22023', NULL, 'no days');
SELECT throws_ok($$ SELECT retail.prior_price('A', 'app', 'S1', days => 3651) $$, '22023', NULL, 'too many');
SELECT throws_ok($$ SELECT retail.prior_price('A', 'app', 'S1', '-infinity') $$, '22008', NULL, 'long ago');

-- China: what was really paid in the same store
CREATE FUNCTION pg_temp.sold(sku text, at text, channel text DEFAULT NULL, store text DEFAULT 'S1', days integer DEFAULT 7) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', coalesce(prior_price::text, 'none'), CASE WHEN in_window THEN 'of ' || sales ELSE to_char(sold_at, 'MM-DD') END)
    FROM retail.prior_sale_price($1, channel, store, $2::timestamptz, $5, 'CNY')
$$;
CREATE FUNCTION pg_temp.order(ref text, at text, lines retail.line[], store text, order_amount numeric DEFAULT 0, pays boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    quote bigint;
    answer text;
BEGIN
    PERFORM pg_temp.clock(at);
    SELECT min(quote_id) INTO quote FROM retail.freeze_quote(lines, 'app', order_amount => $5);
    SELECT min(outcome) INTO answer FROM retail.place_order('app', ref, lines, location => store, frozen_quote => quote);
    IF pays THEN
        SELECT min(outcome) INTO answer FROM retail.confirm_order('app', ref);
    END IF;
    RETURN answer;
END $$;
SELECT is(pg_temp.base('SALE', 100, '2031-05-01') || pg_temp.base('N', 20, '2031-05-01'), 'setset', 'prices');
DO $$ BEGIN PERFORM retail.receive(s, w, 100000) FROM unnest(ARRAY['SALE', 'N']) s, unnest(ARRAY['S1', 'S2']) w; END $$;
SELECT is(pg_temp.sold('SALE', '2031-05-10'), 'none', 'nothing was ever sold');
SELECT is(pg_temp.order('s1', '2031-05-02', ARRAY[('SALE', NULL, 1)]::retail.line[], 'S1') || pg_temp.order('s2', '2031-05-03', ARRAY[('SALE', NULL, 2)]::retail.line[], 'S1', -20)
    || pg_temp.order('s3', '2031-05-04', ARRAY[('SALE', NULL, 1)]::retail.line[], 'S1', 12) || pg_temp.order('s4', '2031-05-05', ARRAY[('SALE', NULL, 1)]::retail.line[], 'S2', -30)
    || pg_temp.order('s5', '2031-05-06', ARRAY[('SALE', NULL, 1)]::retail.line[], 'S1', -50, false), 'confirmedconfirmedconfirmedconfirmedplaced', 'five orders');
SELECT is(pg_temp.sold('SALE', '2031-05-07'), '90.00 of 3', 'the least paid in the store: with its share of a discount, without postage; unpaid orders do not count');
SELECT is(pg_temp.sold('SALE', '2031-05-07', 'app', NULL), '70.00 of 4', 'the page as the store');
SELECT is(pg_temp.sold('SALE', '2031-05-03'), '100.00 of 1', 'before the second order');
SELECT is(pg_temp.sold('SALE', '2031-05-10'), '90.00 of 2', 'seven days: from 3 May on');
SELECT is(pg_temp.sold('SALE', '2031-05-10 00:00:01+00'), '100.00 of 1', 'a second later the order with the discount is out');
SELECT is(pg_temp.sold('SALE', '2031-06-01'), '100.00 05-04', 'none in these days: the last sale');
SELECT is(pg_temp.sold('SALE', '2031-06-01', days => 30), '90.00 of 3', 'with more days');
SELECT is((retail.settle('till', 'receipt 1', 'franchisee', 'Li', 1, 'CNY', 'S1', ARRAY[('SALE', 2, 170), ('N', 250, 4.5)]::retail.sold_line[], '2031-05-28 12:00+00')).outcome, 'settled', 'a till receipt');
SELECT is(pg_temp.sold('SALE', '2031-06-01') || ', ' || pg_temp.sold('N', '2031-06-01'), '85.00 of 1, 18.00 of 1', 'counts, by the unit that prices are for');
SELECT is(pg_temp.sold('SALE', '2031-06-01', 'app'), '100.00 05-04', 'in its own channel');
SELECT throws_ok($$ SELECT retail.prior_sale_price('SALE', NULL, NULL) $$, '22004', NULL, 'a store has to be named');
SELECT throws_ok($$ SELECT retail.prior_sale_price('SALE', 'app', 'S1', days => NULL) $$, '22023', NULL, 'days, too');
SELECT throws_ok($$ SELECT retail.prior_sale_price('NONE', 'app', 'S1') $$, 'RT001', NULL, 'an unknown SKU');
SELECT throws_ok($$ SELECT retail.prior_sale_price('SALE', 'app', 'S1', 'infinity') $$, '22008', NULL, 'at infinity');
SELECT * FROM finish();
