-- Every SQLSTATE of class RT once, and the standard ones of the engine, with their words.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
INSERT INTO retail.channel (code, name) VALUES ('er-app', 'App'), ('er-idle', 'Idle');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('ER1', 'Shop', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) VALUES ('ER-A', 'A'), ('ER-B', 'B');
SELECT outcome FROM retail.receive('ER-A', 'ER1', 5, request_key => 'er 1');
SELECT outcome FROM retail.reserve('ER-A', 'ER1', 1, 'er-app');
\x on
-- RT001: no such SKU
SELECT * FROM pg_temp.refusal($$SELECT retail.reserve('NO-SUCH', 'ER1', 1, 'er-app')$$);
-- RT002: no such location
SELECT * FROM pg_temp.refusal($$SELECT retail.reserve('ER-A', 'NO-SUCH', 1, 'er-app')$$);
-- RT003: no such channel
SELECT * FROM pg_temp.refusal($$SELECT retail.reserve('ER-A', 'ER1', 1, 'no-such')$$);
-- RT004: a column of another type than the engine reads and writes, or a narrower one
SELECT * FROM pg_temp.refusal($$ALTER TABLE retail.reservation ALTER holder TYPE bigint USING NULL; SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app', holder => 'er')$$);
SELECT * FROM pg_temp.refusal($$ALTER TABLE retail.reservation ALTER holder TYPE varchar(150); SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app', holder => repeat('x', 151))$$);
SELECT * FROM pg_temp.refusal($$ALTER TABLE retail.channel DROP CONSTRAINT channel_hold_ttl_check, ALTER hold_ttl TYPE bigint USING 900; SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app')$$);
-- RT004: an index is gone, or another one has its name
SELECT * FROM pg_temp.refusal($$DROP INDEX retail.reservation_held_idx; SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app')$$);
SELECT * FROM pg_temp.refusal($$DROP INDEX retail.reservation_held_idx; CREATE INDEX reservation_held_idx ON retail.reservation (sku_id, location_id, expires_at); SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app')$$);
SELECT * FROM pg_temp.refusal($$DROP INDEX retail.reservation_due_idx; CREATE INDEX reservation_due_idx ON retail.reservation (changed_at) WHERE status = 'held'; SELECT retail.expire_reservations()$$);
SELECT * FROM pg_temp.refusal($$DROP INDEX retail.reservation_held_idx; CREATE INDEX reservation_held_idx ON retail.reservation (sku_id, location_id, expires_at) INCLUDE (qty) WITH (fillfactor = 80) WHERE status = 'held'; SELECT retail.available('ER-A', 'ER1')$$);
-- RT005: a request key used for another request
SELECT * FROM pg_temp.refusal($$SELECT retail.receive('ER-A', 'ER1', 6, request_key => 'er 1')$$);
-- RT006: too many stocks in one transaction
SET pg_retail.max_pins_per_transaction = 1;
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.reserve_lines(ARRAY[('ER-A', 'ER1', 1), ('ER-B', 'ER1', 1)]::retail.line[], 'er-app')$$);
RESET pg_retail.max_pins_per_transaction;
-- RT008: stock written by hand
SELECT * FROM pg_temp.refusal($$UPDATE retail.stock SET on_hand = 1$$);
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.reservation$$);
SELECT * FROM pg_temp.refusal($$TRUNCATE retail.lot$$);
SELECT * FROM pg_temp.refusal($$UPDATE retail.movement SET reason = 'other'$$);
-- RT010: no such reservation
SELECT * FROM pg_temp.refusal($$SELECT retail.confirm(-1)$$);
-- RT011: a master that is in use
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.sku WHERE code = 'ER-A'$$);
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.location WHERE code = 'ER1'$$);
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.channel WHERE code = 'er-app'$$);
SELECT * FROM pg_temp.refusal($$UPDATE retail.sku SET id = -5 WHERE code = 'ER-A'$$);
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.channel WHERE code = 'er-idle'$$);
-- RT012: no such service
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.promise('no-such', 'ER1')$$);
-- RT013: no such order, no such fulfilment order
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.cancel_order('er-app', 'no-such')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.advance(-1, 'accept')$$);
-- RT020: amounts of two currencies
SELECT * FROM pg_temp.refusal($$SELECT '9.99 [9.50,10.48] CNY'::retail.price_band OPERATOR(retail.*) '9.99 [9.50,10.48] USD'$$);
-- RT021: an amount finer than its currency
SELECT * FROM pg_temp.refusal($$SELECT retail.price_band(9.995, 5, 5, 'CNY', 2)$$);
-- RT022: no price in common
SELECT * FROM pg_temp.refusal($$SELECT '9.99 [9.50,10.48] CNY'::retail.price_band OPERATOR(retail.*) '19.90 [18.00,21.00] CNY'$$);
-- RT023: no base price, or no such price
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, amount, valid) SELECT id, 'CNY', 5, '[2031-06-01,)' FROM retail.sku WHERE code = 'ER-B'$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.withdraw_price(0)$$);
-- RT024: outside the band
SELECT outcome FROM retail.set_base_price('ER-B', 100, 'CNY', '[2031-05-01,)');
SELECT regexp_replace(detail, 'price \d+', 'price N') AS detail, code, message, hint
FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid) SELECT k.id, c.id, 'CNY', 111, '[2031-06-01,)' FROM retail.sku k, retail.channel c WHERE k.code = 'ER-B' AND c.code = 'er-app'$$);
SELECT outcome FROM retail.set_price('ER-B', 'er-app', NULL, 109);
SELECT regexp_replace(detail, 'Price \d+', 'Price N') AS detail, code, message, hint
FROM pg_temp.refusal($$INSERT INTO retail.base_price (sku_id, currency, amount, valid) SELECT id, 'CNY', 90, '[2031-06-01,)' FROM retail.sku WHERE code = 'ER-B'$$);
-- RT025: a grant that does not serve
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, kind, amount, valid, grant_id) SELECT id, 'CNY', 'promo', 80, '[2031-06-01,)', 999999999 FROM retail.sku WHERE code = 'ER-B'$$);
-- RT026: below the floor
INSERT INTO retail.price_floor (sku_id, currency, cost) SELECT id, 'CNY', 99 FROM retail.sku WHERE code = 'ER-B';
SELECT * FROM pg_temp.refusal($$INSERT INTO retail.price (sku_id, currency, kind, amount, valid) SELECT id, 'CNY', 'promo', 98, '[2031-06-01,)' FROM retail.sku WHERE code = 'ER-B'$$);
-- RT008: a price is history
SELECT * FROM pg_temp.refusal($$DELETE FROM retail.price$$);
SELECT regexp_replace(message, 'row \d+', 'row N') AS message, code, detail, hint FROM pg_temp.refusal($$UPDATE retail.price SET amount = amount + 1$$);
-- RT027: who asks does not decide
SELECT grant_id FROM retail.request_grant(current_user::text, retail.now(), retail.now() + interval '1 day', 10) \gset
SELECT code, detail, hint FROM pg_temp.refusal(format('SELECT retail.approve_grant(%s)', :grant_id));
-- RT023: no price at all; RT030: no such promise
SELECT * FROM pg_temp.refusal($$SELECT retail.quote('ER-A', 'er-app', NULL, at => '2031-05-01 00:00+00')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.place_order('er-app', 'ER-1', ARRAY[('ER-A', NULL, 1)]::retail.line[], location => 'ER1', frozen_quote => 0)$$);
-- 54000: too long a basket
SELECT * FROM pg_temp.refusal($$SELECT count(*) FROM retail.quote_lines(array_fill(('ER-A', NULL, 1)::retail.line, ARRAY[1001]), 'er-app')$$);
-- RT029: no such grant, campaign or alert
SELECT * FROM pg_temp.refusal('SELECT retail.approve_grant(0)');
-- 55000: not now
SELECT * FROM pg_temp.refusal($$SELECT retail.bulk_write(); SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app')$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.receive('ER-A', 'ER1', 1); SELECT retail.reset_cells()$$);
ALTER TABLE retail.stock DISABLE TRIGGER retail_guard;
SELECT * FROM pg_temp.refusal($$SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app')$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.receive('ER-A', 'ER1', 1)$$);
ALTER TABLE retail.stock ENABLE ALWAYS TRIGGER retail_guard;
-- 25006: read only
SET default_transaction_read_only = on;
SELECT * FROM pg_temp.refusal($$SELECT retail.reserve('ER-A', 'ER1', 1, 'er-app')$$);
SELECT retail.available('ER-A', 'ER1');
SET default_transaction_read_only = off;
\x off

-- 0A000: PREPARE TRANSACTION
BEGIN;
SELECT outcome FROM retail.reserve('ER-A', 'ER1', 1, 'er-app');
PREPARE TRANSACTION 'er';
SELECT retail.available('ER-A', 'ER1');

-- RT007: every cell pinned.  More stocks than there are cells, in one call.
SELECT current_setting('pg_retail.max_cells')::integer + 1 AS too_many \gset
INSERT INTO retail.sku (code, name) SELECT 'ER-S' || i, 'S' FROM generate_series(1, 1000) i;
INSERT INTO retail.location (code, name, kind, longitude, latitude)
SELECT 'ER-L' || i, 'L', 'store', 121, 31 FROM generate_series(1, :too_many / 1000 + 1) i;
SET pg_retail.max_pins_per_transaction = 100000000;
SELECT array_agg(ROW('ER-S' || i % 1000 + 1, 'ER-L' || i / 1000 + 1, 1)::retail.line) AS lines FROM generate_series(0, :too_many - 1) i \gset
CREATE TEMP TABLE too_many AS SELECT :'lines'::retail.line[] AS lines;
SELECT code, regexp_replace(message, '\d+', 'N', 'g') AS message, regexp_replace(detail, '\d+', 'N', 'g') AS detail, hint
FROM pg_temp.refusal($$SELECT count(*) FROM retail.reserve_lines((SELECT lines FROM too_many), 'er-app')$$) \gx
RESET pg_retail.max_pins_per_transaction;
DELETE FROM retail.sku WHERE code LIKE 'ER-S%';
DELETE FROM retail.location WHERE code LIKE 'ER-L%';
SELECT outcome, available FROM retail.reserve('ER-A', 'ER1', 1, 'er-app');

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;

-- RT004: init() was not run
SELECT current_database() AS home \gset
CREATE DATABASE regress_retail_bare;
\c regress_retail_bare
SET client_min_messages = warning;
CREATE EXTENSION pg_retail CASCADE;
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
\x on
SELECT * FROM pg_temp.refusal($$SELECT retail.reserve('A', 'B', 1, 'c')$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.available('A', 'B')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.verify()$$);
\x off
\c :home
DROP DATABASE regress_retail_bare;
