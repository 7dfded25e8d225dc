-- init(), migrate(), status() and schedule_jobs() in a database that has them all.
SET client_min_messages = warning;
SELECT plan(25);

SELECT set_eq('SELECT part, action FROM retail.init()', 'SELECT part, ''present'' FROM retail._schema_parts()', 'init() again makes nothing');
SELECT results_eq('SELECT part FROM retail.init()', 'SELECT part FROM retail._schema_parts() ORDER BY part COLLATE "C"', 'parts come in order');
SELECT set_eq('SELECT DISTINCT action FROM retail.migrate()', ARRAY['present', 'renewed'], 'migrate() renews guards and views');
SELECT results_eq('SELECT * FROM retail.migrate()', 'SELECT * FROM retail.migrate()', 'twice is as once');

-- tables are ordinary objects; functions are the extension's
SELECT is_empty($$
    SELECT d.objid::regclass FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND e.extname = 'pg_retail'
        AND (SELECT relkind FROM pg_class WHERE oid = d.objid) <> 'c'
$$, 'no table, sequence or view is a member of the extension');
SELECT throws_ok('DROP EXTENSION pg_retail', '2BP01', NULL, 'DROP EXTENSION is refused');

-- guards
SELECT is(retail._missing_guards(), NULL, 'no guard is missing');
SELECT is((SELECT value FROM retail.status() WHERE name = 'guards'), 'in place', 'and status() says so');
ALTER TABLE retail.stock DISABLE TRIGGER retail_guard;
SELECT is((SELECT value FROM retail.status() WHERE name = 'guards'), 'missing: retail_guard on retail.stock; run retail.migrate()', 'a disabled guard is named');
ALTER TABLE retail.stock ENABLE TRIGGER retail_guard;
SELECT is(retail._missing_guards(), ARRAY['retail_guard on retail.stock'], 'one that is not ENABLE ALWAYS, too');
DROP TRIGGER retail_guard ON retail.reservation;
SELECT is(cardinality(retail._missing_guards()), 2, 'and one that is gone');
DO $$ BEGIN PERFORM retail.migrate(); END $$;
SELECT is(retail._missing_guards(), NULL, 'migrate() puts them back');
ALTER TABLE retail.lot DISABLE TRIGGER retail_guard;
DROP VIEW retail._channel_stock CASCADE;
SELECT set_eq('SELECT part FROM retail.init() WHERE action = ''renewed''', ARRAY['40-guards', '50-views'], 'so does init(), and views');
SELECT throws_ok('UPDATE retail.stock SET on_hand = 0', 'RT008', NULL, 'stock is not written by hand');
SELECT throws_ok('TRUNCATE retail.reservation', 'RT008', NULL, 'nor are reservations emptied');
SELECT throws_ok('DELETE FROM retail.movement', 'RT008', NULL, 'nor is the ledger rewritten');

-- versions
UPDATE retail.meta SET value = '0' WHERE name = 'schema_version';
SELECT throws_ok('SELECT * FROM retail.verify()', 'RT004', 'the tables of pg_retail are of version 0, and version 1 is wanted', 'older tables');
UPDATE retail.meta SET value = '2' WHERE name = 'schema_version';
SELECT throws_ok('SELECT * FROM retail.migrate()', 'RT004', 'the tables of pg_retail are of version 2, and this release knows version 1', 'newer tables');
SELECT matches((SELECT value FROM retail.status() WHERE name = 'initialised'), '^no: the tables of pg_retail are of version 2', 'status() says it in words');
UPDATE retail.meta SET value = '1' WHERE name = 'schema_version';

-- what a restore brought wins
UPDATE retail.meta SET value = 'restored' WHERE name = 'part 20-stock';
DO $$ BEGIN PERFORM retail.init(); END $$;
SELECT is((SELECT value FROM retail.meta WHERE name = 'part 20-stock'), 'restored', 'init() leaves rows that are there');

-- jobs: pg_cron works elsewhere, or not at all
SELECT is((SELECT count(*)::int FROM retail.schedule_jobs()), 11, 'eleven jobs');
SELECT is((SELECT DISTINCT state FROM retail.schedule_jobs()), 'missing', 'none can be scheduled from here');
SELECT matches(detail, 'CALL retail\.sweep\(\)', 'it says what to run') FROM retail.schedule_jobs() WHERE job = 'retail_sweep';
SELECT set_eq('SELECT state FROM retail.unschedule_jobs()', ARRAY['was not scheduled'], 'nothing to take back');

-- the whole of status()
SELECT set_has('SELECT name FROM retail.status()', $$
    VALUES ('version'), ('preloaded'), ('initialised'), ('schema_version'), ('guards'), ('lapsed_holds'), ('open_shortages'),
        ('flag_repairs_waiting'), ('outbox_waiting'), ('pg_cron')
$$, 'status() tells');

SELECT * FROM finish();
