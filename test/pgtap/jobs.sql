-- What the scheduler does.
SET client_min_messages = warning;
SET TimeZone = 'America/New_York';
SET pg_retail.clock = '2031-01-31 23:30:00+00';
SELECT plan(25);

INSERT INTO retail.channel (code, name) VALUES ('app', 'App');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('S1', 'Shop 1', 'store', 121.47, 31.23);
INSERT INTO retail.sku (code, name) VALUES ('A', 'Apple');
DO $$ BEGIN
    PERFORM retail.receive('A', 'S1', 100);
    FOR i IN 1..20 LOOP
        PERFORM retail.reserve('A', 'S1', 1, 'app', '10 minutes', request_key => 'key ' || i);
    END LOOP;
    PERFORM retail.release((retail.reserve('A', 'S1', 1, 'app')).reservation_id);
END $$;

-- sweep
SET pg_retail.clock = '2031-02-01 00:30:00+00';
CALL retail.sweep(7);
SELECT is((SELECT count(*)::int FROM retail.reservation WHERE status = 'expired'), 20, 'sweep() expires, whatever the batch');
-- (the background worker may have taken some, and not committed yet)
DO $$ BEGIN
    FOR i IN 1..300 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM retail.flag_repair);
        PERFORM pg_sleep(0.1);
    END LOOP;
END $$;
SELECT is_empty('SELECT FROM retail.flag_repair', 'and leaves no flag to look at');
SELECT throws_ok($$ DO 'BEGIN CALL retail.sweep(0); END' $$, '22023', NULL, 'a batch has a row at least');

-- archive
SELECT is(retail.archive_reservations(), 0::bigint, 'what has just finished stays');
SET pg_retail.clock = '2031-02-01 00:45:00+00';
SELECT is(retail.archive_reservations(), 1::bigint, 'what finished more than an hour ago goes');
SET pg_retail.clock = '2031-02-02 00:00:00+00';
SELECT is(retail.archive_reservations(15), 15::bigint, 'as many as asked');
CALL retail._drain('archive_reservations', 2);
SELECT is((SELECT count(*)::int FROM retail.reservation), 0, 'until none is left');
SELECT is((SELECT count(*)::int FROM retail.reservation_history), 21, 'all arrived');
SELECT results_eq($$ SELECT tableoid::regclass::text, count(*) FROM retail.reservation_history GROUP BY 1 ORDER BY 1 $$,
    $$ VALUES ('retail.reservation_history_2031_01', 1::bigint), ('retail.reservation_history_2031_02', 20) $$,
    'in a partition per month of UTC');
SELECT throws_ok('DELETE FROM retail.reservation', 'RT008', NULL, 'the guard lets nothing else through');
SELECT throws_ok($$ DO $d$ BEGIN PERFORM retail.archive_reservations(); DELETE FROM retail.reservation; END $d$ $$, 'RT008', NULL, 'not even after the archive');

-- a column somebody added is not lost
ALTER TABLE retail.reservation ADD COLUMN note text DEFAULT 'gift';
DO $$ BEGIN PERFORM retail.release((retail.reserve('A', 'S1', 1, 'app')).reservation_id); END $$;
SET pg_retail.clock = '2031-03-02 00:00:00+00';
SELECT throws_ok('SELECT retail.archive_reservations()', '55000', 'retail.reservation_history lacks columns of retail.reservation: note', 'the archive waits for the column');
ALTER TABLE retail.reservation_history ADD COLUMN note text;
SELECT is(retail.archive_reservations(), 1::bigint, 'once it is there');
SELECT is((SELECT note FROM retail.reservation_history WHERE note IS NOT NULL), 'gift', 'it goes along');

-- request keys
SELECT is((SELECT count(*)::int FROM retail.request), 20, 'keys are kept');
SELECT is(retail.purge_requests(5), 5::bigint, 'old ones are forgotten, as many as asked');
CALL retail._drain('purge_requests');
SELECT is((SELECT count(*)::int FROM retail.request), 0, 'until none is left');

SELECT throws_ok($$ DO 'BEGIN CALL retail._drain(''tidy''); END' $$, '22023', 'job "tidy" is not known', 'a job that is not there');
-- the daily scan: the zones' yesterdays, once each
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('S2', 'Shop 2', 'store', 0, 0, 'Asia/Shanghai');
UPDATE retail.location SET time_zone = 'Europe/Paris' WHERE code = 'S1';
SET pg_retail.clock = '2031-03-02 17:59:00+00';     -- a minute to two in Shanghai, on the third
CALL retail.scan_due_prices();
SELECT results_eq($$ SELECT time_zone COLLATE "default", business_date FROM retail.price_scan_run ORDER BY 1, 2 $$,
    $$ VALUES ('Asia/Shanghai', '2031-03-01'::date), ('Europe/Paris', '2031-03-01') $$, 'the day that is over, in each zone');
SET pg_retail.clock = '2031-03-02 18:00:00+00';
CALL retail.scan_due_prices();
CALL retail.scan_due_prices();
SELECT results_eq($$ SELECT time_zone COLLATE "default", business_date FROM retail.price_scan_run ORDER BY 1, 2 $$,
    $$ VALUES ('Asia/Shanghai', '2031-03-01'::date), ('Asia/Shanghai', '2031-03-02'), ('Europe/Paris', '2031-03-01') $$, 'the next one where it is over, once');
SET pg_retail.clock = '2031-03-05 12:00:00+00';
CALL retail.scan_due_prices();
SELECT is((SELECT count(*)::int FROM retail.price_scan_run), 8, 'days without a run are made up for');
SET pg_retail.clock = '2031-04-05 12:00:00+00';
CALL retail.scan_due_prices();
SELECT is((SELECT count(*)::int FROM retail.price_scan_run), 22, 'a week of them');
SELECT is_empty('SELECT FROM retail.price_scan_run WHERE finished_at IS NULL', 'all of them ran');
SELECT throws_ok($$ DO 'BEGIN CALL retail.scan_due_prices(24); END' $$, '22023', NULL, 'there is no such hour');
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

SELECT * FROM finish();
