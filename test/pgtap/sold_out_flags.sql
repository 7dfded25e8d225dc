-- Which sold-out flags a change of rules has looked at again, and that they come out right.
-- In one transaction: the background worker does not see it.
SET client_min_messages = warning;
SET pg_retail.clock = '2031-06-01 12:00:00+00';
INSERT INTO retail.channel (code, name) VALUES ('app', 'App'), ('till', 'Till');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
SELECT 'S' || n, 'Shop', 'store', 121, 31, 'UTC' FROM generate_series(1, 20) n;
INSERT INTO retail.sku (code, name) SELECT 'K' || n, 'Thing' FROM generate_series(1, 1500) n;
DO $$ BEGIN
    PERFORM retail.bulk_write();
    INSERT INTO retail.stock (sku_id, location_id, on_hand)
    SELECT k.id, l.id, 10 FROM retail.sku k, retail.location l WHERE l.code IN ('S1', 'S2');
    INSERT INTO retail.reservation (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
    SELECT k.id, l.id, c.id, 4, 'held', '2031-06-01 11:00:00+00', '2031-06-01 10:00:00+00', '2031-06-01 10:00:00+00', 'x'
    FROM retail.sku k, retail.location l, retail.channel c WHERE k.code = 'K1' AND l.code = 'S1' AND c.code = 'app';
END $$;
DO $$ BEGIN WHILE retail.repair_flags() > 0 LOOP END LOOP; END $$;

BEGIN;
SELECT plan(17);

CREATE FUNCTION pg_temp.patterns() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws('/', coalesce(k.code, '*'), coalesce(l.code, '*')), ' ' ORDER BY k.code, l.code), '')
    FROM retail.flag_repair f
        LEFT JOIN retail.sku k ON k.id = f.sku_id LEFT JOIN retail.location l ON l.id = f.location_id
$$;
CREATE FUNCTION pg_temp.sold_out() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws('/', sku, location, channel), ' ' ORDER BY sku, location, channel), '') FROM retail_bi.sold_out
$$;
CREATE FUNCTION pg_temp.id(what text) RETURNS int LANGUAGE sql AS $$
    SELECT id FROM retail.sku WHERE code = $1 UNION ALL SELECT id FROM retail.location WHERE code = $1
    UNION ALL SELECT id FROM retail.channel WHERE code = $1
$$;
SELECT is(pg_temp.sold_out(), '', 'nothing is sold out');

DELETE FROM retail.flag_repair;
INSERT INTO retail.safety_stock (sku_id, location_id, channel_id, qty) VALUES (pg_temp.id('K1'), pg_temp.id('S1'), pg_temp.id('app'), 10);
SELECT is(pg_temp.patterns(), 'K1/S1', 'a rule for one stock has one stock looked at');
UPDATE retail.safety_stock SET location_id = NULL;
SELECT is(pg_temp.patterns(), 'K1/S1 K1/S1 K1/*', 'a rule that moves: where it was and where it is');
SELECT is(retail.repair_flags(2), 2::bigint, 'as many entries as asked');
SELECT is(retail.repair_flags(), 1::bigint, 'then the rest');
SELECT is(retail.repair_flags(), 0::bigint, 'then none');
SELECT is(pg_temp.sold_out(), 'K1/S1/app K1/S2/app', 'and the flags are right; a lapsed hold counts as free');
UPDATE retail.safety_stock SET qty = 9;
DO $$ BEGIN PERFORM retail.repair_flags(); END $$;
SELECT is(pg_temp.sold_out(), '', 'one unit less, and it is on sale');
DELETE FROM retail.flag_repair;
DELETE FROM retail.safety_stock;
SELECT is(pg_temp.patterns(), 'K1/*', 'a rule that goes');
INSERT INTO retail.safety_stock (location_id, percent) VALUES (pg_temp.id('S2'), 99.5);
TRUNCATE retail.safety_stock;
INSERT INTO retail.channel (code, name) VALUES ('live', 'Live');
INSERT INTO retail.listing (sku_id, status) VALUES (pg_temp.id('K1'), 'delisted');
SELECT is(pg_temp.patterns(), 'K1/* */S2 */* */*', 'a location, an empty table, a new channel; a listing is no matter of units');

-- loads of rules leave few entries
DELETE FROM retail.flag_repair;
INSERT INTO retail.safety_stock (sku_id, location_id, qty) SELECT k.id, l.id, 1 FROM retail.sku k, retail.location l WHERE l.code IN ('S1', 'S2', 'S3') AND k.code < 'K5';
SELECT cmp_ok((SELECT count(*)::int FROM retail.safety_stock), '>', 1000, 'more than a thousand scopes of fewer SKUs');
SELECT ok((SELECT count(*) <= 1000 AND bool_and(sku_id IS NOT NULL AND location_id IS NULL) FROM retail.flag_repair), 'become entries per SKU');
DELETE FROM retail.flag_repair;
INSERT INTO retail.safety_stock (sku_id, location_id, qty) SELECT k.id, l.id, 1 FROM retail.sku k, retail.location l WHERE l.code IN ('S4', 'S5');
SELECT is(pg_temp.patterns(), '*/S4 */S5', 'of more SKUs, per location');
DELETE FROM retail.flag_repair;
INSERT INTO retail.safety_stock (sku_id, qty) SELECT k.id, 10 FROM retail.sku k;
SELECT is((SELECT count(*)::int FROM retail.flag_repair), 1, 'or one for everything');
-- which is split where many are wrong
SELECT is(retail.repair_flags(), 1::bigint, 'the entry is dealt with');
SELECT cmp_ok((SELECT count(*)::int FROM retail.flag_repair), '>', 1000, 'by one for each wrong flag');
DO $$ BEGIN WHILE retail.repair_flags() > 0 LOOP END LOOP; END $$;
SELECT is_empty($$
    SELECT FROM retail_bi.availability a LEFT JOIN retail_bi.sold_out o ON o.sold_out_key = a.availability_key
    WHERE (a.available <= a.safety_stock) <> (o.sold_out_key IS NOT NULL)
$$, 'in the end every flag says what the tables say');

SELECT * FROM finish();
ROLLBACK;
