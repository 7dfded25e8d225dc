-- verify() finds each planted difference, and nothing else.
SET client_min_messages = warning;
SELECT plan(17);

INSERT INTO retail.channel (code, name) VALUES ('app', 'App');
INSERT INTO retail.location (code, name, kind, longitude, latitude) VALUES ('S1', 'Shop 1', 'store', 121.47, 31.23), ('S2', 'Shop 2', 'store', 121.48, 31.24);
INSERT INTO retail.sku (code, name, lot_tracked) VALUES ('A', 'Apple', false), ('B', 'Banana', false), ('M', 'Milk', true);
CREATE FUNCTION pg_temp.id(code text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM retail.sku k WHERE k.code = $1 $$;
DO $$ BEGIN
    PERFORM retail.receive('A', 'S1', 10);
    PERFORM retail.receive('A', 'S1', 5);
    PERFORM retail.sell('A', 'S1', 3, 'app');
    PERFORM retail.block('A', 'S1', 2, 'display');
    PERFORM retail.receive('B', 'S1', 7, 'L0');
    PERFORM retail.receive('M', 'S1', 8, 'L1', '2999-01-01');
    PERFORM retail.receive('M', 'S1', 4, 'L2', '2999-02-01');
    PERFORM retail.confirm((retail.reserve('A', 'S1', 2, 'app')).reservation_id);
    PERFORM retail.reserve('A', 'S1', 1, 'app');
END $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well');

-- a shortage is no difference
DO $$ BEGIN PERFORM retail.count_stock('A', 'S1', 2); END $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'promised beyond what is there is for retail.shortage');

-- Rows that no function wrote, and no load: as replication writes.
CREATE FUNCTION pg_temp.found() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s %s', check_name, sku, location, expected, found) FROM retail.verify() ORDER BY 1
$$;
CREATE FUNCTION pg_temp.smuggle(sql text) RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    EXECUTE sql;
END $$;

DO $$ BEGIN PERFORM pg_temp.smuggle($s$ UPDATE retail.stock SET on_hand = on_hand + 1 WHERE sku_id = pg_temp.id('B') $s$); END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['ledger_on_hand B S1 7 8'], 'stock that the ledger does not know');
DO $$ BEGIN PERFORM pg_temp.smuggle($s$ UPDATE retail.stock SET on_hand = on_hand - 1, unavailable = 1 WHERE sku_id = pg_temp.id('B') $s$); END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['ledger_unavailable B S1 0 1'], 'blocked units that the ledger does not know');
DO $$ BEGIN PERFORM pg_temp.smuggle($s$ UPDATE retail.stock SET unavailable = 0, last_movement_id = last_movement_id + 1000 WHERE sku_id = pg_temp.id('B') $s$); END $$;
SELECT is((SELECT string_agg(check_name, ' ') FROM retail.verify()), 'ledger_last', 'a last movement that is not the last');
DO $$ BEGIN PERFORM pg_temp.smuggle($s$ UPDATE retail.stock SET last_movement_id = last_movement_id - 1000 WHERE sku_id = pg_temp.id('B') $s$); END $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'put right');

DO $$ BEGIN PERFORM pg_temp.smuggle($s$
    INSERT INTO retail.movement (sku_id, location_id, kind, on_hand_delta, on_hand_after, unavailable_after, actor, occurred_at, recorded_at)
    SELECT sku_id, location_id, 'adjustment', 3, on_hand, unavailable, 'x', now(), now() FROM retail.stock WHERE sku_id = pg_temp.id('B');
    UPDATE retail.stock SET last_movement_id = (SELECT max(id) FROM retail.movement) WHERE sku_id = pg_temp.id('B') $s$); END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['ledger_sum B S1 7 10'], 'a line that does not follow from the one before');

-- A load: the ledger starts anew, the rest must still add up.
DO $$ BEGIN PERFORM retail.bulk_write(); UPDATE retail.stock SET on_hand = 70 WHERE sku_id = pg_temp.id('B'); END $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'a load is the new beginning');
DO $$ BEGIN PERFORM retail.receive('B', 'S1', 5); END $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'and what follows follows from it');

DO $$ BEGIN PERFORM retail.bulk_write(); UPDATE retail.stock SET on_hand = 13 WHERE sku_id = pg_temp.id('M'); END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['lot_on_hand M S1 13 12'], 'lots that do not add up to on_hand');
DO $$ BEGIN PERFORM retail.bulk_write(); UPDATE retail.stock SET on_hand = 12 WHERE sku_id = pg_temp.id('M');
    UPDATE retail.lot SET unavailable = 2 WHERE code = 'L1'; END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['lot_unavailable M S1 0 2'], 'blocked units of lots beyond those of the stock');
DO $$ BEGIN PERFORM retail.bulk_write(); UPDATE retail.lot SET unavailable = 0 WHERE code = 'L1';
    INSERT INTO retail.stock (sku_id, location_id, on_hand) SELECT pg_temp.id('M'), id, 5 FROM retail.location WHERE code = 'S2'; END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['lot_on_hand M S2 5 0'], 'lot-tracked stock without any lot');
DO $$ BEGIN PERFORM retail.bulk_write(); DELETE FROM retail.stock WHERE sku_id = pg_temp.id('M') AND on_hand = 5;
    UPDATE retail.lot SET on_hand = 1000 WHERE code = 'L0'; END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['lot_on_hand B S1 75 1000'], 'lots of a SKU without lot tracking hold more than there is');
DO $$ BEGIN PERFORM retail.bulk_write(); UPDATE retail.lot SET on_hand = 1 WHERE code = 'L0';
    INSERT INTO retail.stock (sku_id, location_id, on_hand) VALUES (100001, 1, 9);
    INSERT INTO retail.reservation (id, sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
    SELECT 77, k.id, l.id, 100003, 1, 'released', now(), now(), now(), 'x' FROM retail.sku k, retail.location l WHERE k.code = 'A' AND l.code = 'S1'; END $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['unknown_id #100001 S1 0 9', 'unknown_id A S1 0 1'], 'rows of nobody');
DO $$ BEGIN PERFORM retail.bulk_write(); DELETE FROM retail.stock WHERE sku_id = 100001; DELETE FROM retail.reservation WHERE id = 77; END $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'all is well again');

-- Counters: what the pass over the tables suspects counts only if a second look finds it.
DO $$ BEGIN PERFORM retail.reserve('A', 'S1', 1, 'app'); END $$;
CREATE OR REPLACE FUNCTION retail._suspect_cells(OUT sku_id integer, OUT location_id integer)
RETURNS SETOF record LANGUAGE sql VOLATILE AS $$ SELECT s.sku_id, s.location_id FROM retail.stock s $$;
SELECT is_empty('SELECT * FROM retail.verify()', 'a suspicion that the second look does not confirm');
CREATE OR REPLACE FUNCTION retail._verify_cell(sku_id integer, location_id integer, OUT expected bigint, OUT found bigint)
RETURNS record LANGUAGE sql VOLATILE STRICT AS $$ SELECT 5::bigint, 1000::bigint WHERE $1 = (SELECT id FROM retail.sku WHERE code = 'B') $$;
SELECT results_eq('SELECT * FROM pg_temp.found()', ARRAY['cell B S1 5 1000'], 'one that it does');

SELECT * FROM finish();
