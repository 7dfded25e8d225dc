-- Safety stock: what a channel must leave where it is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('sf-app', 'App'), ('sf-shop', 'Shop');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('SF1', 'Shop 1', 'store', 121.47, 31.23), ('SF2', 'Shop 2', 'store', 121.48, 31.24);
INSERT INTO retail.sku (code, name) VALUES ('SF-A', 'A'), ('SF-B', 'B'), ('SF-C', 'C');
SELECT outcome FROM retail.receive_lines(ARRAY[('SF-A', 'SF1', 100), ('SF-A', 'SF2', 100), ('SF-B', 'SF1', 100), ('SF-C', 'SF1', 7)]::retail.line[]);
CREATE VIEW pg_temp.may AS SELECT s.code AS sku, l.code AS location, c.code AS channel, retail.available(s.code, l.code, c.code) AS available
FROM (VALUES ('SF-A', 'SF1'), ('SF-A', 'SF2'), ('SF-B', 'SF1')) v (s, l) JOIN retail.sku s ON s.code = v.s JOIN retail.location l ON l.code = v.l,
    retail.channel c WHERE c.code LIKE 'sf-%' ORDER BY 1, 2, 3;
CREATE FUNCTION pg_temp.rule(s text, l text, c text, q bigint, p numeric DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO retail.safety_stock (sku_id, location_id, channel_id, qty, percent) VALUES (
        (SELECT id FROM retail.sku WHERE code = s), (SELECT id FROM retail.location WHERE code = l),
        (SELECT id FROM retail.channel WHERE code = c), q, p)
$$;

-- the_most_specific_rule_wins, from_the_global_one_up
SELECT pg_temp.rule(NULL, NULL, NULL, 1);
SELECT available, count(*) FROM pg_temp.may GROUP BY 1;
SELECT pg_temp.rule(NULL, NULL, 'sf-app', 2);
SELECT pg_temp.rule(NULL, 'SF1', NULL, 3);
SELECT * FROM pg_temp.may;
SELECT pg_temp.rule(NULL, 'SF1', 'sf-app', 4);
SELECT pg_temp.rule('SF-A', NULL, NULL, 5);
SELECT * FROM pg_temp.may;
SELECT pg_temp.rule('SF-A', NULL, 'sf-app', 6);
SELECT pg_temp.rule('SF-A', 'SF1', NULL, 7);
SELECT * FROM pg_temp.may;
SELECT pg_temp.rule('SF-A', 'SF1', 'sf-app', 8);
SELECT * FROM pg_temp.may;

-- a_channel_cannot_take_what_it_must_leave_another_can
SELECT outcome, available FROM retail.reserve('SF-A', 'SF1', 93, 'sf-app');
SELECT outcome, available FROM retail.reserve('SF-A', 'SF1', 92, 'sf-app');
SELECT outcome, available FROM retail.reserve('SF-A', 'SF1', 1, 'sf-app');
SELECT outcome, available FROM retail.reserve('SF-A', 'SF1', 1, 'sf-shop');
SELECT outcome, available FROM retail.reserve('SF-A', 'SF1', 1, 'sf-shop');
SELECT retail.available('SF-A', 'SF1') AS here;
-- a_till_sale_is_not_bound_by_it
SELECT outcome, on_hand, available FROM retail.sell('SF-A', 'SF1', 5, 'sf-app');
-- a_rule_above_what_is_there_is_zero_not_less
SELECT retail.available('SF-A', 'SF1', 'sf-app');

-- a_changed_or_deleted_rule_binds_the_next_take
UPDATE retail.safety_stock SET qty = 0 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = 'SF-A')
AND location_id = (SELECT id FROM retail.location WHERE code = 'SF1');
SELECT outcome, available FROM retail.reserve('SF-A', 'SF1', 2, 'sf-app');
DELETE FROM retail.safety_stock WHERE sku_id IS NOT NULL AND location_id IS NULL;
SELECT * FROM pg_temp.may WHERE location = 'SF2';
DELETE FROM retail.safety_stock;
SELECT * FROM pg_temp.may;

-- a_percent_is_of_on_hand_minus_unavailable_rounded_up
SELECT pg_temp.rule('SF-C', NULL, NULL, NULL, 30);
SELECT retail.available('SF-C', 'SF1', 'sf-app');
SELECT outcome, available FROM retail.reserve('SF-C', 'SF1', 5, 'sf-app');
SELECT outcome, available FROM retail.reserve('SF-C', 'SF1', 4, 'sf-app');
-- ... holds_do_not_change_it_stock_does
SELECT outcome FROM retail.receive('SF-C', 'SF1', 3);
SELECT retail.available('SF-C', 'SF1') AS here, retail.available('SF-C', 'SF1', 'sf-app') AS app;
SELECT outcome FROM retail.block('SF-C', 'SF1', 4, 'display');
SELECT retail.available('SF-C', 'SF1') AS here, retail.available('SF-C', 'SF1', 'sf-app') AS app;
UPDATE retail.safety_stock SET percent = 100;
SELECT retail.available('SF-C', 'SF1', 'sf-app') AS app;
UPDATE retail.safety_stock SET percent = 0.01;
SELECT retail.available('SF-C', 'SF1', 'sf-app') AS app;
UPDATE retail.safety_stock SET percent = 0;
SELECT retail.available('SF-C', 'SF1', 'sf-app') AS app;

-- bad_rules_are_refused
\set VERBOSITY sqlstate
INSERT INTO retail.safety_stock (qty) VALUES (-1);
INSERT INTO retail.safety_stock (percent) VALUES (100.01);
INSERT INTO retail.safety_stock (qty, percent) VALUES (1, 1);
INSERT INTO retail.safety_stock DEFAULT VALUES;
INSERT INTO retail.safety_stock (sku_id, qty) VALUES (-1, 1);
INSERT INTO retail.safety_stock (sku_id, qty) SELECT id, 1 FROM retail.sku WHERE code = 'SF-C';
\set VERBOSITY default
DELETE FROM retail.safety_stock;

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;

-- the_pool_is_available_at_every_location_closed_ones_included
CREATE FUNCTION pg_temp.pool_beside_available() RETURNS TABLE (pool bigint[], available bigint[]) LANGUAGE sql AS $$
    SELECT array_agg(retail.at(retail.pool('SF-A', 'sf-app'), l.id) ORDER BY l.code),
        array_agg(greatest(retail.available('SF-A', l.code, 'sf-app'), 0) ORDER BY l.code)
    FROM retail.location l WHERE l.code LIKE 'SF_' $$;
SELECT * FROM pg_temp.pool_beside_available();
UPDATE retail.location SET status = 'closed' WHERE code = 'SF2';
SELECT * FROM pg_temp.pool_beside_available();
UPDATE retail.location SET status = 'open' WHERE code = 'SF2';
UPDATE retail.channel SET status = 'closed' WHERE code = 'sf-app';
SELECT * FROM pg_temp.pool_beside_available();
UPDATE retail.channel SET status = 'open' WHERE code = 'sf-app';
UPDATE retail.sku SET status = 'discontinued' WHERE code = 'SF-A';
SELECT * FROM pg_temp.pool_beside_available();
