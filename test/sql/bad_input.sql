-- Bad input: a typed error or a refusal row, nothing half done, and the server stays up.
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
INSERT INTO retail.channel (code, name) VALUES ('bi-app', 'App');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI1', 'Shop', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) VALUES ('BI-A', 'A'), ('BI-B', 'B');
SELECT outcome FROM retail.receive('BI-A', 'BI1', 10);
SELECT reservation_id AS mine FROM retail.reserve('BI-A', 'BI1', 1, 'bi-app', '1 hour', 'me') \gset
SELECT reservation_id AS lapsed FROM retail.reserve('BI-A', 'BI1', 1, 'bi-app', '1 minute') \gset
SELECT reservation_id AS finished FROM retail.reserve('BI-A', 'BI1', 1, 'bi-app') \gset
SELECT outcome FROM retail.release(:finished);
SET pg_retail.clock = '2031-05-01 10:10:00+00';
CREATE TEMP TABLE before AS
SELECT (SELECT string_agg(s::text, ' ' ORDER BY s::text) FROM retail.stock s) AS stock,
    (SELECT string_agg(r::text, ' ' ORDER BY r::text) FROM retail.reservation r) AS reservation,
    (SELECT count(*) FROM retail.movement) AS movements, (SELECT count(*) FROM retail.request) AS requests;

-- quantities
SELECT replace(q, :'mine', 'ID') AS call, code, message FROM unnest(ARRAY[
    $$retail.reserve('BI-A', 'BI1', 0, 'bi-app')$$,
    $$retail.reserve('BI-A', 'BI1', -1, 'bi-app')$$,
    $$retail.reserve('BI-A', 'BI1', -9223372036854775808, 'bi-app')$$,
    $$retail.reserve('BI-A', 'BI1', 9223372036854775808, 'bi-app')$$,
    $$retail.receive('BI-A', 'BI1', 0)$$,
    $$retail.receive('BI-A', 'BI1', -5)$$,
    $$retail.receive('BI-A', 'BI1', 9223372036854775807)$$,
    $$retail.adjust('BI-A', 'BI1', 0, 'why')$$,
    $$retail.adjust('BI-A', 'BI1', 9223372036854775807, 'why')$$,
    $$retail.count_stock('BI-A', 'BI1', -1)$$,
    $$retail.block('BI-A', 'BI1', 0, 'why')$$,
    $$retail.unblock('BI-A', 'BI1', -3, 'why')$$,
    $$retail.sell('BI-A', 'BI1', 0)$$,
    $$retail.sell('BI-A', 'BI1', -2)$$,
    $$retail.take_back('BI-A', 'BI1', 0)$$,
    $$retail.take_back('BI-A', 'BI1', 9223372036854775807)$$,
    $$retail.reserve_lines(ARRAY[('BI-A', 'BI1', 1), ('BI-A', 'BI1', 0)]::retail.line[], 'bi-app')$$,
    $$retail.reserve_lines(ARRAY[('BI-A', 'BI1', 9223372036854775807), ('BI-A', 'BI1', 1)]::retail.line[], 'bi-app')$$,
    $$retail.sell_lines(ARRAY[('BI-A', 'BI1', 1), ('BI-A', 'BI1', -1)]::retail.line[])$$,
    $$retail.receive_lines(ARRAY[('BI-A', 'BI1', 9223372036854775807), ('BI-A', 'BI1', 1)]::retail.line[])$$,
    $$retail.confirm($$ || :mine || $$, 0)$$,
    $$retail.confirm($$ || :mine || $$, -1)$$,
    $$retail.consume($$ || :mine || $$, 0)$$,
    $$retail.cancel($$ || :mine || $$, qty => 0)$$,
    $$retail.expire_reservations(0)$$,
    $$retail.expire_reservations(-1)$$]) q, LATERAL pg_temp.refusal('SELECT * FROM ' || q);
SELECT outcome, available FROM retail.reserve('BI-A', 'BI1', 9223372036854775807, 'bi-app');
SELECT outcome, on_hand FROM retail.adjust('BI-A', 'BI1', -9223372036854775808, 'why');

-- NULLs where something is needed
SELECT replace(q, :'mine', 'ID') AS call, code, message FROM unnest(ARRAY[
    $$retail.reserve(NULL, 'BI1', 1, 'bi-app')$$,
    $$retail.reserve('BI-A', NULL, 1, 'bi-app')$$,
    $$retail.reserve('BI-A', 'BI1', NULL, 'bi-app')$$,
    $$retail.reserve('BI-A', 'BI1', 1, NULL)$$,
    $$retail.receive(NULL, 'BI1', 1)$$,
    $$retail.receive('BI-A', 'BI1', NULL)$$,
    $$retail.adjust('BI-A', 'BI1', 1, NULL)$$,
    $$retail.adjust('BI-A', 'BI1', NULL, 'why')$$,
    $$retail.count_stock('BI-A', 'BI1', NULL)$$,
    $$retail.block('BI-A', 'BI1', 1, NULL)$$,
    $$retail.unblock('BI-A', 'BI1', 1, NULL)$$,
    $$retail.sell('BI-A', NULL, 1)$$,
    $$retail.take_back('BI-A', 'BI1', 1, disposition => NULL)$$,
    $$retail.reserve_lines(NULL, 'bi-app')$$,
    $$retail.reserve_lines(ARRAY[NULL]::retail.line[], 'bi-app')$$,
    $$retail.reserve_lines(ARRAY[('BI-A', 'BI1', NULL)]::retail.line[], 'bi-app')$$,
    $$retail.reserve_lines(ARRAY[(NULL, 'BI1', 1)]::retail.line[], 'bi-app')$$,
    $$retail.reserve_lines(ARRAY[('BI-A', 'BI1', 1)]::retail.line[], 'bi-app', mode => NULL)$$,
    $$retail.sell_lines(NULL)$$,
    $$retail.receive_lines(NULL::retail.line[])$$,
    $$retail.confirm(NULL)$$,
    $$retail.confirm($$ || :mine || $$, remainder => NULL)$$,
    $$retail.confirm($$ || :mine || $$, reacquire => NULL)$$,
    $$retail.release(NULL)$$,
    $$retail.extend(NULL)$$,
    $$retail.consume(NULL)$$,
    $$retail.consume_lines(NULL)$$,
    $$retail.consume_lines(ARRAY[NULL]::bigint[])$$,
    $$retail.cancel(NULL)$$,
    $$retail.expire_reservations(NULL)$$,
    $$retail.available(NULL, 'BI1')$$,
    $$retail.available('BI-A', NULL)$$,
    $$retail.pool(NULL)$$]) q, LATERAL pg_temp.refusal('SELECT * FROM ' || q);

-- words and times that are none
SELECT replace(q, :'mine', 'ID') AS call, code, message FROM unnest(ARRAY[
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', '0')$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', '-1 second')$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', '999 milliseconds')$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', '31 days')$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', '178000000 years')$$,
    $$retail.extend($$ || :mine || $$, '31 days')$$,
    $$retail.extend($$ || :mine || $$, '-1 hour')$$,
    $$retail.confirm($$ || :mine || $$, remainder => 'lose')$$,
    $$retail.take_back('BI-A', 'BI1', 1, disposition => 'eaten')$$,
    $$retail.reserve_lines(ARRAY[('BI-A', 'BI1', 1)]::retail.line[], 'bi-app', mode => 'most')$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', request_key => '')$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', request_key => repeat('k', 201))$$,
    $$retail.reserve('BI-A', 'BI1', 1, 'bi-app', holder => '')$$,
    $$retail.sell('BI-A', 'BI1', 1, occurred_at => 'infinity')$$,
    $$retail.receive('BI-A', 'BI1', 1, occurred_at => '-infinity')$$,
    $$retail.consume_lines(ARRAY[$$ || :mine || $$], ARRAY[1, 2])$$,
    $$retail.reserve_lines(ARRAY[[('BI-A', 'BI1', 1)], [('BI-B', 'BI1', 1)]]::retail.line[][], 'no-such')$$]) q,
    LATERAL pg_temp.refusal('SELECT * FROM ' || q);

-- codes of all kinds
SELECT left(q, 60) AS call, code, left(message, 100) AS message FROM unnest(ARRAY[
    $$retail.reserve('', 'BI1', 1, 'bi-app')$$,
    $$retail.reserve('BI-A''; DROP TABLE retail.stock; --', 'BI1', 1, 'bi-app')$$,
    $$retail.reserve('BI-A', '"BI1"', 1, 'bi-app')$$,
    $$retail.reserve('BI-A', 'BI1', 1, '🍎')$$,
    $$retail.reserve('bi-a', 'BI1', 1, 'bi-app')$$,
    $$retail.reserve('BI-A ', 'BI1', 1, 'bi-app')$$,
    $$retail.reserve('%s%n\', 'BI1', 1, 'bi-app')$$,
    $$retail.reserve(repeat('x', 10240), 'BI1', 1, 'bi-app')$$,
    $$retail.reserve('BI-A', repeat('🍎', 2560), 1, 'bi-app')$$,
    $$retail.confirm(9223372036854775807)$$,
    $$retail.confirm(0)$$]) q, LATERAL pg_temp.refusal('SELECT * FROM ' || q);

-- reservations that are not to be had
SELECT outcome FROM retail.confirm(:lapsed);
SELECT outcome FROM retail.extend(:lapsed);
SELECT outcome FROM retail.confirm(:finished);
SELECT outcome FROM retail.extend(:finished);
SELECT outcome FROM retail.confirm(:mine, holder => 'somebody else');
SELECT outcome FROM retail.release(:mine, holder => 'somebody else');
SELECT outcome FROM retail.consume(:mine);
SELECT outcome FROM retail.cancel(:mine);

-- other ways to write
SELECT left(q, 70) AS statement, code FROM unnest(ARRAY[
    'UPDATE retail.stock SET on_hand = on_hand + 1',
    'INSERT INTO retail.stock (sku_id, location_id, on_hand) SELECT id, 1, 5 FROM retail.sku',
    'DELETE FROM retail.stock',
    'TRUNCATE retail.stock',
    'TRUNCATE retail.reservation CASCADE',
    'MERGE INTO retail.stock s USING retail.sku k ON k.id = s.sku_id WHEN MATCHED THEN UPDATE SET on_hand = 1',
    'UPDATE retail.reservation SET qty = 1000',
    'UPDATE retail.lot SET on_hand = 3',
    'UPDATE retail.movement SET on_hand_delta = 3',
    'DELETE FROM retail.movement']) q, LATERAL pg_temp.refusal(q);
\set VERBOSITY sqlstate
COPY retail.stock (sku_id, location_id, on_hand) FROM stdin (DELIMITER ',');
1,1,100
\.
COPY retail.reservation FROM stdin;
\.
\set VERBOSITY default

-- nothing of all this has changed anything
SELECT b.stock = (SELECT string_agg(s::text, ' ' ORDER BY s::text) FROM retail.stock s) AS stock,
    b.reservation = (SELECT string_agg(r::text, ' ' ORDER BY r::text) FROM retail.reservation r) AS reservation,
    b.movements = (SELECT count(*) FROM retail.movement) AS movements, b.requests = (SELECT count(*) FROM retail.request) AS requests
FROM before b;

-- codes with everything in them are codes like others
INSERT INTO retail.sku (code, name) VALUES ('O''Brien "5%" \n', 'quotes'), ('🍎🍏', 'emoji'), (repeat('长', 200), 'long');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('''; --', 'Bobby', 'store', 0, 0);
SELECT left(code, 20) AS code, r.outcome, r.on_hand, v.outcome, v.sku = code AS same, v.location, retail.available(code, '''; --')
FROM retail.sku, LATERAL retail.receive(code, '''; --', 5) r, LATERAL retail.reserve(code, '''; --', 2, 'bi-app') v
WHERE name IN ('quotes', 'emoji', 'long') ORDER BY name;
SELECT left(q, 60) AS statement, code FROM unnest(ARRAY[
    $$INSERT INTO retail.sku (code, name) VALUES ('', 'empty')$$,
    $$INSERT INTO retail.sku (code, name) VALUES (repeat('x', 10240), '10 kB')$$,
    $$INSERT INTO retail.sku (code, name) VALUES (NULL, 'none')$$,
    $$INSERT INTO retail.sku (code, name) VALUES ('BI-A', 'twice')$$,
    $$INSERT INTO retail.sku (code) VALUES ('BI-X')$$]) q, LATERAL pg_temp.refusal(q);
-- long texts where they are only kept
SELECT outcome FROM retail.receive('BI-B', 'BI1', 1, ref => repeat('r', 10240));
SELECT outcome FROM retail.adjust('BI-B', 'BI1', -1, repeat('🍎', 2560));

-- places that are none
SELECT left(q, 110) AS statement, code, message FROM unnest(ARRAY[
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI2', 'x', 'store', 181, 0)$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI2', 'x', 'store', 0, -90.1)$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI2', 'x', 'store', 'NaN', 0)$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI2', 'x', 'store', 0, 'Infinity')$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI2', 'x', 'store', 0, NULL)$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude, datum) VALUES ('BI2', 'x', 'store', 0, 0, 'Mars')$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('BI2', 'x', 'store', 0, 0, 'Mars/Olympus')$$,
    $$INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('BI2', 'x', 'kiosk', 0, 0)$$,
    $$UPDATE retail.location SET longitude = 500 WHERE code = 'BI1'$$]) q, LATERAL pg_temp.refusal(q);

-- a clock that is none, and one set back
SELECT q AS statement, code FROM unnest(ARRAY['SET pg_retail.clock = ''noon or so''', 'SET pg_retail.clock = ''infinity''']) q, LATERAL pg_temp.refusal(q);
SELECT retail.now();
SELECT outcome FROM retail.reserve('BI-A', 'BI1', 1, 'bi-app', '1 hour', 'set back');
SET pg_retail.clock = '2001-01-01 00:00:00+00';
SELECT outcome, expires_at FROM retail.reserve('BI-A', 'BI1', 1, 'bi-app', '1 hour', 'long ago');
SELECT outcome FROM retail.confirm((SELECT id FROM retail.reservation WHERE holder = 'set back'));
SET pg_retail.clock = '2031-05-01 10:10:00+00';
SELECT retail.available('BI-A', 'BI1');

-- a basket of 100,000 lines: of unknown codes, of one stock, of too many stocks
SELECT code, message FROM pg_temp.refusal($$SELECT retail.reserve_lines(ARRAY(SELECT ('NO-SUCH' || i, 'BI1', 1)::retail.line FROM generate_series(1, 100000) i), 'bi-app')$$);
SELECT outcome, count(*), min(available) AS available FROM retail.reserve_lines(ARRAY(SELECT ('BI-A', 'BI1', 1)::retail.line FROM generate_series(1, 100000) i), 'bi-app') GROUP BY 1;
INSERT INTO retail.sku (code, name) SELECT 'BI-S' || i, 'S' FROM generate_series(1, 10001) i;
SELECT code, message FROM pg_temp.refusal($$SELECT retail.reserve_lines(ARRAY(SELECT ('BI-S' || i % 10001 + 1, 'BI1', 1)::retail.line FROM generate_series(1, 100000) i), 'bi-app')$$);
SELECT outcome FROM retail.receive('BI-B', 'BI1', 100000);
SELECT outcome, count(*), sum(qty) FROM retail.reserve_lines(ARRAY(SELECT ('BI-B', 'BI1', 1)::retail.line FROM generate_series(1, 100000) i), 'bi-app') GROUP BY 1;
SELECT retail.available('BI-B', 'BI1');

-- a wave of nothing
SELECT * FROM pg_temp.refusal($$SELECT retail.consume_lines('{}')$$);

-- reservations loaded in bulk that add up to more than a bigint: nothing is left, nothing wraps
BEGIN;
SELECT retail.bulk_write();
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT s.id, l.id, 5 FROM retail.sku s, retail.location l WHERE s.code = 'BI-S1' AND l.code = 'BI1';
INSERT INTO retail.reservation (id, sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT nextval('retail.reservation_id_seq'), s.id, l.id, c.id, 9223372036854775807, 'committed', retail.now(), retail.now(), retail.now(), 'loader'
FROM retail.sku s, retail.location l, retail.channel c, generate_series(1, 3)
WHERE s.code = 'BI-S1' AND l.code = 'BI1' AND c.code = 'bi-app';
COMMIT;
SELECT retail.available('BI-S1', 'BI1');
SELECT outcome, available FROM retail.reserve('BI-S1', 'BI1', 1, 'bi-app');
SELECT retail.repair_flags() >= 0 AS repaired;
BEGIN;
SELECT retail.bulk_write();
DELETE FROM retail.reservation WHERE actor = 'loader';
COMMIT;
SELECT retail.available('BI-S1', 'BI1');

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
