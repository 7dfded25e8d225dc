-- Examples of doc/quote.md.  What is set up here is as in the page, which leaves it out.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'Asia/Shanghai';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 09:00:00+08';
INSERT INTO retail.channel (code, name, kind) VALUES ('dq-app', 'App', 'online'), ('dq-till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('DQ-S1', 'Store 1', 'store', 121.47, 31.23, 'Asia/Shanghai');
INSERT INTO retail.sku (code, name) VALUES ('DQ-TEA', 'Tea'), ('DQ-CUP', 'Cup');
INSERT INTO retail.price_rule (low_percent, high_percent) VALUES (40, 40);
DO $$
BEGIN
    PERFORM retail.receive(s, 'DQ-S1', 100) FROM unnest(ARRAY['DQ-TEA', 'DQ-CUP']) s;
    PERFORM retail.set_base_price('DQ-TEA', 100, 'CNY', '[2031-05-01 09:00+08,)'), retail.set_base_price('DQ-CUP', 20, 'CNY', '[2031-05-01 09:00+08,)');
    PERFORM retail.set_price('DQ-TEA', 'dq-app', NULL, 96.00);
    PERFORM retail.set_price('DQ-TEA', NULL, 'DQ-S1', 104.00);
    PERFORM retail.set_price('DQ-TEA', 'dq-app', NULL, 89.90, '[2031-06-16,2031-06-20)', kind => 'promo');
    PERFORM retail.set_price('DQ-TEA', 'dq-app', NULL, 85.00, '[2031-06-16,2031-06-20)', kind => 'member', tier => 'gold');
    PERFORM retail.set_price('DQ-TEA', 'dq-app', NULL, 80.00, '[2031-06-16,2031-06-20)', kind => 'promo', min_qty => 3);
END $$;
INSERT INTO retail.service_pack (channel_id, code, name, valid)
SELECT id, 'dq-free-returns', 'Free returns', '[2031-05-01 09:00+08,)' FROM retail.channel WHERE code = 'dq-app';
SET pg_retail.clock = '2031-06-18 10:00:00+08';

-- what it costs
SELECT list, price, kind, amount, prior_price, service_pack, valid_until FROM retail.quote('DQ-TEA', 'dq-app', NULL, 2);
SELECT list, price, kind, list_scope FROM retail.quote('DQ-TEA', 'dq-till', 'DQ-S1');
SELECT list, price, kind FROM retail.quote('DQ-TEA', 'dq-app', NULL, member_tier => 'gold');

-- why
SELECT verdict, kind, scope, amount, because FROM retail.explain_quote('DQ-TEA', 'dq-app', NULL, 2);

-- at another instant
SELECT list, price, kind FROM retail.quote('DQ-TEA', 'dq-app', NULL, at => '2031-06-21');

-- a basket
SELECT sku, price, amount FROM retail.quote_lines(ARRAY[('DQ-TEA', NULL, 1), ('DQ-CUP', NULL, 6)]::retail.line[], 'dq-app');

-- the prior price
SELECT prior_price, reduced_from, since, prior_short FROM retail.prior_price('DQ-TEA', 'dq-app', NULL);

-- a checkout
SELECT line_no, sku, price, line_amount, order_share, expires_at
FROM retail.freeze_quote(ARRAY[('DQ-TEA', NULL, 1), ('DQ-CUP', NULL, 6)]::retail.line[], 'dq-app', order_amount => -10.00);
SELECT max(id) AS quote_id FROM retail.frozen_quote \gset
SELECT outcome FROM retail.set_price('DQ-TEA', 'dq-app', NULL, 95.00, '[,2031-06-20)', kind => 'promo');
SET pg_retail.clock = '2031-06-18 10:10:00+08';
SELECT line_no, outcome, location, unit_price, live_price
FROM retail.place_order('dq-app', 'A-1', ARRAY[('DQ-TEA', NULL, 1), ('DQ-CUP', NULL, 6)]::retail.line[], location => 'DQ-S1', frozen_quote => :quote_id);
SELECT outcome FROM retail.confirm_order('dq-app', 'A-1', paid => 205.00, paid_currency => 'CNY');
SELECT line_no, outcome FROM retail.confirm_order('dq-app', 'A-1', paid => 199.90, paid_currency => 'CNY');
SELECT currency, amount, refunded, due FROM retail.order_amount('dq-app', 'A-1');
SELECT refund, currency FROM retail.refund_due('dq-app', 'A-1', 2, 1);

-- what was really paid
SELECT prior_price, in_window, sales FROM retail.prior_sale_price('DQ-TEA', 'dq-app', 'DQ-S1', '2031-06-20');

-- too late
SELECT min(quote_id) AS quote_id FROM retail.freeze_quote(ARRAY[('DQ-TEA', NULL, 1)]::retail.line[], 'dq-app') \gset
SELECT outcome FROM retail.set_price('DQ-TEA', 'dq-app', NULL, 95.90, '[,2031-06-20)', kind => 'promo');
SET pg_retail.clock = '2031-06-18 10:30:00+08';
SELECT outcome, unit_price, live_price
FROM retail.place_order('dq-app', 'A-2', ARRAY[('DQ-TEA', NULL, 1)]::retail.line[], location => 'DQ-S1', frozen_quote => :quote_id);
DELETE FROM retail.price_rule;
RESET pg_retail.clock;
