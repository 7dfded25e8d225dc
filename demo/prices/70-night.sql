-- Midnight: the campaign ends by itself.  Two shoppers froze a basket ten
-- minutes before; one orders in time, the other does not.  Then the nightly
-- scans.

CREATE TABLE demo.frozen AS
SELECT NULL::text AS shopper, f.* FROM demo.basket_618 AS b CROSS JOIN LATERAL retail.freeze_quote(b.lines, 'miniapp', b.location) AS f LIMIT 0;
CREATE TABLE demo.answered AS
SELECT NULL::text AS shopper, o.* FROM demo.basket_618 AS b CROSS JOIN LATERAL retail.place_order('miniapp', '-', b.lines) AS o LIMIT 0;

CREATE FUNCTION demo.freeze(shopper text) RETURNS TABLE (answer text, detail text)
LANGUAGE sql
BEGIN ATOMIC
    WITH frozen AS (
        INSERT INTO demo.frozen
        SELECT shopper, f.*
        FROM demo.basket_618 AS b
        CROSS JOIN LATERAL retail.freeze_quote(b.lines, 'miniapp', b.location) AS f
        RETURNING *
    )
    SELECT 'promised', format('%s until %s', string_agg(format('%s x %s', f.qty, f.price), ' + ' ORDER BY f.line_no), to_char(min(f.expires_at), 'HH24:MI'))
    FROM frozen AS f;
END;
CREATE FUNCTION demo.order_by(shopper text, order_ref text) RETURNS TABLE (answer text, detail text)
LANGUAGE sql
BEGIN ATOMIC
    WITH answers AS (
        INSERT INTO demo.answered
        SELECT shopper, o.*
        FROM demo.basket_618 AS b
        CROSS JOIN LATERAL retail.place_order('miniapp', order_ref, b.lines, service => 'pickup', location => b.location, holder => shopper,
            frozen_quote => (SELECT max(f.quote_id) FROM demo.frozen AS f WHERE f.shopper = order_by.shopper)) AS o
        RETURNING *
    )
    SELECT min(a.outcome), string_agg(a.unit_price || coalesce(', now ' || a.live_price, ''), ' + ' ORDER BY a.line_no) FROM answers AS a;
END;
SELECT set_config('TimeZone', zone, false) FROM demo.campaign \g /dev/null

CALL demo.act('night', interval '23 hours 50 minutes', 'postgres', 'Ann''s page shows the sum, and she thinks it over', 'promised', $$ SELECT * FROM demo.freeze('Ann') $$);
CALL demo.act('night', interval '23 hours 50 minutes', 'postgres', 'Bob''s does, too', 'promised', $$ SELECT * FROM demo.freeze('Bob') $$);
CALL demo.act('night', interval '24 hours 3 minutes', 'postgres', 'Ann orders', 'placed', $$ SELECT * FROM demo.order_by('Ann', '618-ANN') $$);
CALL demo.act('night', interval '24 hours 4 minutes', 'postgres', 'and pays what she was promised', 'confirmed', $$
    SELECT min(c.outcome), format('%s %s', (SELECT m.due FROM retail.order_amount('miniapp', '618-ANN') AS m), (SELECT currency FROM demo.campaign))
    FROM demo.campaign AS d, (SELECT sum(f.line_amount + f.order_share) AS amount FROM demo.frozen AS f WHERE f.shopper = 'Ann') AS p
    CROSS JOIN LATERAL retail.confirm_order('miniapp', '618-ANN', 'pay ANN', p.amount, d.currency) AS c $$);
CALL demo.act('night', interval '24 hours 20 minutes', 'postgres', 'Bob orders', 'price_changed', $$ SELECT * FROM demo.order_by('Bob', '618-BOB') $$);
CALL demo.act('night', interval '24 hours 21 minutes', 'postgres', 'is asked, and agrees', 'promised', $$ SELECT * FROM demo.freeze('Bob') $$);
CALL demo.act('night', interval '24 hours 22 minutes', 'postgres', 'Bob orders', 'placed', $$ SELECT * FROM demo.order_by('Bob', '618-BOB') $$);
CALL demo.act('night', interval '24 hours 23 minutes', 'accounts', 'the guide gets 2 % of Ann''s order', 'settled', $$
    SELECT s.outcome, s.amount::text
    FROM demo.campaign AS c, retail.order_amount('miniapp', '618-ANN') AS m
    CROSS JOIN LATERAL retail.settle('miniapp', '618-ANN', 'guide', 'G-7', round(m.due * 0.02, 2), c.currency) AS s $$);

CALL demo.act('night', interval '26 hours', 'controller', 'scans the day before', 'nothing new', $$ SELECT * FROM demo.scan(2, '18 June, in the night after', 0) $$);
CALL demo.act('night', interval '50 hours', 'controller', 'scans the day after', 'nothing new', $$ SELECT * FROM demo.scan(3, '19 June, in the night after', 1) $$);
