-- Generated columns that a user adds to our tables, with constraints: stored ones, and virtual ones where the server has them.
SET client_min_messages = warning;
SELECT plan(12);

SELECT CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'VIRTUAL' ELSE 'STORED' END AS kind \gset

INSERT INTO retail.channel (code, name, kind) VALUES ('web', 'Web', 'online');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('S1', 'Store', 'store', 121, 31);
INSERT INTO retail.sku (code, name, unit) VALUES ('A', 'Article', 'piece');

ALTER TABLE retail.stock ADD COLUMN doubled bigint GENERATED ALWAYS AS (on_hand * 2) :kind NOT NULL;
ALTER TABLE retail.stock ADD CONSTRAINT stock_doubled_check CHECK (doubled <= 100);
ALTER TABLE retail.reservation ADD COLUMN doubled bigint GENERATED ALWAYS AS (qty * 2) :kind NOT NULL;
ALTER TABLE retail.reservation ADD CONSTRAINT reservation_doubled_check CHECK (doubled <= 20);

SELECT is(outcome, 'received', 'a new row of stock') FROM retail.receive('A', 'S1', 20);
SELECT is(on_hand, 50::bigint, 'the same row again') FROM retail.receive('A', 'S1', 30);
SELECT is(doubled, 100::bigint, 'its column is computed') FROM retail.stock;
SELECT throws_ok($$ SELECT retail.receive('A', 'S1', 1) $$, '23514', NULL, 'its constraint holds');

SELECT is(outcome, 'held', 'a hold') FROM retail.reserve('A', 'S1', 4, 'web');
SELECT is(outcome, 'held', 'a hold under a request key') FROM retail.reserve('A', 'S1', 5, 'web', request_key => 'tap 1');
SELECT is(replayed, true, 'which finds its row again') FROM retail.reserve('A', 'S1', 5, 'web', request_key => 'tap 1');
SELECT results_eq('SELECT doubled FROM retail.reservation ORDER BY qty', ARRAY[8, 10]::bigint[], 'their columns are computed');
SELECT throws_ok($$ SELECT retail.reserve('A', 'S1', 11, 'web') $$, '23514', NULL, 'their constraint holds');
SELECT throws_ok($$ SELECT retail.reserve('A', 'S1', 11, 'web', request_key => 'tap 2') $$, '23514', NULL, 'under a request key, too');
SELECT is(retail.available('A', 'S1'), 41::bigint, 'and what is refused takes no unit');
SELECT is_empty('SELECT * FROM retail.verify()', 'everything adds up');

SELECT * FROM finish();
