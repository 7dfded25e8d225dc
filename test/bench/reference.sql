-- What the figures are compared with.  A reference may be replaced by a
-- faster one, never by a slower one.
--
-- test/bench/run reads this file by its section lines: "tables" goes through
-- psql once per database, every other section is the body of a pgbench script
-- of that name, run with -M prepared, so that :sku and :location arrive as
-- parameters of a prepared statement.

---- section: tables

CREATE SCHEMA bench;

-- The reference tables have the columns, defaults, constraints and all the
-- indexes, partial ones too, of the project's own, taken from the catalogue so
-- that they cannot drift apart; a sequence with the same cache; the same
-- fillfactor; and no guards.

-- The rows of "plain INSERT" go here ...
CREATE TABLE bench.plain (LIKE retail.reservation INCLUDING ALL) WITH (fillfactor = 90);
CREATE SEQUENCE bench.plain_id_seq AS bigint CACHE 64 OWNED BY bench.plain.id;
ALTER TABLE bench.plain ALTER COLUMN id SET DEFAULT nextval('bench.plain_id_seq');

-- ... or here: columns, NOT NULL and indexes, but no CHECK.  The executor reads
-- every CHECK of a table from its text anew for each INSERT statement, which
-- is some 20 us; so this reference is the faster one.
CREATE TABLE bench.unchecked (LIKE retail.reservation INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor = 90);
CREATE SEQUENCE bench.unchecked_id_seq AS bigint CACHE 64 OWNED BY bench.unchecked.id;
ALTER TABLE bench.unchecked ALTER COLUMN id SET DEFAULT nextval('bench.unchecked_id_seq');

-- The rows of "best SQL" go here.
CREATE TABLE bench.reservation (LIKE retail.reservation INCLUDING ALL) WITH (fillfactor = 90);
CREATE SEQUENCE bench.reservation_id_seq AS bigint CACHE 64 OWNED BY bench.reservation.id;
ALTER TABLE bench.reservation ALTER COLUMN id SET DEFAULT nextval('bench.reservation_id_seq');

CREATE TABLE bench.movement (LIKE retail.movement INCLUDING ALL);

-- The stock row of "best SQL": the counter that every sale updates, with room
-- on its page for heap-only updates.  No CHECK: the WHERE clauses keep it
-- above zero, and a CHECK would make the reference slower.
CREATE TABLE bench.stock (
    sku_id      integer NOT NULL,
    location_id integer NOT NULL,
    on_hand     bigint NOT NULL,
    unavailable bigint NOT NULL DEFAULT 0,
    available   bigint NOT NULL,
    PRIMARY KEY (sku_id, location_id)
) WITH (fillfactor = 70);

-- Bulk load is compared with COPY into this one.
CREATE TABLE bench.stock_copy (LIKE retail.stock INCLUDING ALL) WITH (fillfactor = 70);

-- The fastest UPDATE-then-INSERT known when everybody wants the same row.  The
-- advisory lock makes the clients queue in front of the row rather than on it:
-- a waiter of the row itself follows the chain of versions that were made
-- meanwhile.  PL/pgSQL, because the UPDATE needs a snapshot taken after the
-- lock.
CREATE FUNCTION bench.queued_reserve(sku integer, location integer, qty bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(sku, location);
    UPDATE bench.stock AS s SET available = s.available - qty
    WHERE s.sku_id = sku AND s.location_id = location AND s.available >= qty;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO bench.reservation AS r
        (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
    VALUES (sku, location, 1, qty, 'held', now() + interval '15 minutes', now(), now(), 'postgres')
    RETURNING r.id INTO made;
    RETURN made;
END
$$;

-- "Plain INSERT": one prepared INSERT of the row that reserve() writes, into a
-- table with the same columns and indexes.  It checks nothing and answers
-- nothing.
---- section: plain_insert
INSERT INTO bench.plain (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
VALUES (:sku, :location, 1, 1, 'held', now() + interval '15 minutes', now(), now(), 'postgres');

---- section: plain_insert_unchecked
INSERT INTO bench.unchecked (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
VALUES (:sku, :location, 1, 1, 'held', now() + interval '15 minutes', now(), now(), 'postgres');

-- "Best SQL" for a reservation: UPDATE, then INSERT, in one statement.  One
-- round trip, one parse, one snapshot; a PL/pgSQL function that does the two
-- one after the other is slower, and so are client statements, SELECT FOR
-- UPDATE, and stripes with SKIP LOCKED.
---- section: best_reserve
WITH taken AS (
    UPDATE bench.stock SET available = available - 1
    WHERE sku_id = :sku AND location_id = :location AND available >= 1
    RETURNING sku_id, location_id)
INSERT INTO bench.reservation (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT sku_id, location_id, 1, 1, 'held', now() + interval '15 minutes', now(), now(), 'postgres'
FROM taken;

-- The same behind an advisory lock: slower where keys are spread, faster on
-- one hot row, so the hot benches show it as well.
---- section: queued_reserve
SELECT bench.queued_reserve(:sku, :location, 1);

-- Best SQL for reserve + confirm: two transactions, as the shopper pays later
-- than he puts the goods into his basket.
---- section: best_reserve_confirm
WITH taken AS (
    UPDATE bench.stock SET available = available - 1
    WHERE sku_id = :sku AND location_id = :location AND available >= 1
    RETURNING sku_id, location_id)
INSERT INTO bench.reservation (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT sku_id, location_id, 1, 1, 'held', now() + interval '15 minutes', now(), now(), 'postgres'
FROM taken
RETURNING id AS reservation_id \gset
UPDATE bench.reservation SET status = 'committed', changed_at = now()
WHERE id = :reservation_id AND status = 'held' AND expires_at > now();

-- Best SQL for the whole life: the goods leave in a third transaction.
---- section: best_life
WITH taken AS (
    UPDATE bench.stock SET available = available - 1
    WHERE sku_id = :sku AND location_id = :location AND available >= 1
    RETURNING sku_id, location_id)
INSERT INTO bench.reservation (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT sku_id, location_id, 1, 1, 'held', now() + interval '15 minutes', now(), now(), 'postgres'
FROM taken
RETURNING id AS reservation_id \gset
UPDATE bench.reservation SET status = 'committed', changed_at = now()
WHERE id = :reservation_id AND status = 'held' AND expires_at > now();
WITH gone AS (
    UPDATE bench.reservation SET status = 'consumed', changed_at = now()
    WHERE id = :reservation_id AND status = 'committed'
    RETURNING id, sku_id, location_id, channel_id, qty),
shipped AS (
    UPDATE bench.stock AS s SET on_hand = s.on_hand - gone.qty
    FROM gone
    WHERE s.sku_id = gone.sku_id AND s.location_id = gone.location_id AND s.on_hand >= gone.qty
    RETURNING gone.*, s.on_hand, s.unavailable)
INSERT INTO bench.movement (sku_id, location_id, kind, on_hand_delta, on_hand_after, unavailable_after,
    channel_id, reservation_id, actor, occurred_at, recorded_at)
SELECT sku_id, location_id, 'shipment', -qty, on_hand, unavailable, channel_id, id, 'postgres', now(), now()
FROM shipped;

-- Best SQL for a till sale.
---- section: best_sell
WITH sold AS (
    UPDATE bench.stock SET on_hand = on_hand - 1, available = available - 1
    WHERE sku_id = :sku AND location_id = :location AND on_hand >= 1
    RETURNING sku_id, location_id, on_hand, unavailable)
INSERT INTO bench.movement (sku_id, location_id, kind, on_hand_delta, on_hand_after, unavailable_after,
    channel_id, actor, occurred_at, recorded_at)
SELECT sku_id, location_id, 'sale', -1, on_hand, unavailable, 1, 'postgres', now(), now()
FROM sold;

-- Plain INSERT of many rows: one statement over arrays, which is faster than
-- a long VALUES list.  run fills in the arrays.
---- section: plain_insert_lines
INSERT INTO bench.plain (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT sku, location, 1, qty, 'held', now() + interval '15 minutes', now(), now(), 'postgres'
FROM unnest('@skus@'::integer[], '@locations@'::integer[], '@qtys@'::bigint[]) AS line (sku, location, qty);

-- The sweep is compared with one statement over all lapsed holds.
---- section: set_based_expiry
UPDATE bench.reservation SET status = 'expired', changed_at = now()
WHERE status = 'held' AND expires_at <= now();

-- The ceiling: a WAL record of the row's size (:payload bytes) and a commit.
---- section: wal_record
SELECT pg_logical_emit_message(true, 'row', repeat('x', :payload));

-- A call of a C function that does nothing worth mentioning.
---- section: nothing
SELECT retail.now();
