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

-- What place_order() writes: tables as retail's own, and no guards ...
CREATE TABLE bench.sales_order (LIKE retail.sales_order INCLUDING ALL);
CREATE SEQUENCE bench.sales_order_id_seq AS bigint CACHE 64 OWNED BY bench.sales_order.id;
ALTER TABLE bench.sales_order ALTER COLUMN id SET DEFAULT nextval('bench.sales_order_id_seq');
CREATE TABLE bench.order_line (LIKE retail.order_line INCLUDING ALL) WITH (fillfactor = 90);
CREATE TABLE bench.fulfilment_order (LIKE retail.fulfilment_order INCLUDING ALL) WITH (fillfactor = 80);
CREATE SEQUENCE bench.fulfilment_order_id_seq AS bigint CACHE 64 OWNED BY bench.fulfilment_order.id;
ALTER TABLE bench.fulfilment_order ALTER COLUMN id SET DEFAULT nextval('bench.fulfilment_order_id_seq');
CREATE TABLE bench.fulfilment_line (LIKE retail.fulfilment_line INCLUDING ALL) WITH (fillfactor = 90);

-- ... and the same without CHECKs.
CREATE TABLE bench.unchecked_sales_order (LIKE bench.sales_order INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bench.unchecked_order_line (LIKE bench.order_line INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor = 90);
CREATE TABLE bench.unchecked_fulfilment_order (LIKE bench.fulfilment_order INCLUDING DEFAULTS INCLUDING INDEXES)
    WITH (fillfactor = 80);
CREATE TABLE bench.unchecked_fulfilment_line (LIKE bench.fulfilment_line INCLUDING DEFAULTS INCLUDING INDEXES)
    WITH (fillfactor = 90);

-- "Nearest first" over retail's own tables: the stores by KNN, of each what it
-- has of what is left of the lines, until nothing is.  What is left of a stock
-- is on_hand less what is live of its reservations.  A loop, because most orders
-- are full after one or two stores: one statement over a fixed number of stores
-- would read the stocks of all of them.
CREATE FUNCTION bench.nearest_first(skus integer[], qtys bigint[], longitude float8, latitude float8)
RETURNS TABLE (sku_id integer, location_id integer, qty bigint, distance_m float8)
LANGUAGE plpgsql STABLE ROWS 10 AS $$
#variable_conflict use_column
DECLARE
    here constant public.geography := public.st_setsrid(public.st_makepoint(longitude, latitude), 4326)::public.geography;
    still bigint[] := qtys;
    units_left bigint := (SELECT sum(q) FROM unnest(qtys) AS q);
    line integer;
    store integer;
BEGIN
    FOR store, distance_m IN
        SELECT l.id, l.geog OPERATOR(public.<->) here
        FROM retail.location AS l
        WHERE l.status = 'open'
        ORDER BY l.geog OPERATOR(public.<->) here
        LIMIT 1000
    LOOP
        FOR line, sku_id, qty IN
            SELECT w.line, w.sku, least(w.qty, a.available)
            FROM unnest(skus, still) WITH ORDINALITY AS w (sku, qty, line)
            JOIN retail.stock AS s ON s.sku_id = w.sku AND s.location_id = store,
            LATERAL (
                SELECT s.on_hand - s.unavailable
                    - (SELECT coalesce(sum(h.qty), 0) FROM retail.reservation AS h
                       WHERE h.sku_id = s.sku_id AND h.location_id = s.location_id
                         AND h.status = 'held' AND h.expires_at > now())
                    - (SELECT coalesce(sum(c.qty), 0) FROM retail.reservation AS c
                       WHERE c.sku_id = s.sku_id AND c.location_id = s.location_id
                         AND c.status = 'committed') AS available) AS a
            WHERE w.qty > 0 AND a.available > 0
        LOOP
            location_id := store;
            RETURN NEXT;
            still[line] := still[line] - qty;
            units_left := units_left - qty;
        END LOOP;
        EXIT WHEN units_left = 0;
    END LOOP;
END
$$;

-- The same where every stock has a counter of what is left, kept by every
-- reservation: "best SQL"'s table.
CREATE FUNCTION bench.nearest_first_counter(skus integer[], qtys bigint[], longitude float8, latitude float8)
RETURNS TABLE (sku_id integer, location_id integer, qty bigint, distance_m float8)
LANGUAGE plpgsql STABLE ROWS 10 AS $$
#variable_conflict use_column
DECLARE
    here constant public.geography := public.st_setsrid(public.st_makepoint(longitude, latitude), 4326)::public.geography;
    still bigint[] := qtys;
    units_left bigint := (SELECT sum(q) FROM unnest(qtys) AS q);
    line integer;
    store integer;
BEGIN
    FOR store, distance_m IN
        SELECT l.id, l.geog OPERATOR(public.<->) here
        FROM retail.location AS l
        WHERE l.status = 'open'
        ORDER BY l.geog OPERATOR(public.<->) here
        LIMIT 1000
    LOOP
        FOR line, sku_id, qty IN
            SELECT w.line, w.sku, least(w.qty, s.available)
            FROM unnest(skus, still) WITH ORDINALITY AS w (sku, qty, line)
            JOIN bench.stock AS s ON s.sku_id = w.sku AND s.location_id = store
            WHERE w.qty > 0 AND s.available > 0
        LOOP
            location_id := store;
            RETURN NEXT;
            still[line] := still[line] - qty;
            units_left := units_left - qty;
        END LOOP;
        EXIT WHEN units_left = 0;
    END LOOP;
END
$$;

-- The three nearest stores that have so many units of a SKU.
CREATE FUNCTION bench.near(code text, wanted bigint, longitude float8, latitude float8)
RETURNS TABLE (location text, distance_m float8, available bigint)
LANGUAGE plpgsql STABLE ROWS 3 AS $$
#variable_conflict use_column
DECLARE
    here constant public.geography := public.st_setsrid(public.st_makepoint(longitude, latitude), 4326)::public.geography;
BEGIN
    RETURN QUERY
    SELECT l.code, l.geog OPERATOR(public.<->) here, a.available::bigint
    FROM retail.location AS l
    JOIN retail.stock AS s ON s.location_id = l.id AND s.sku_id = (SELECT k.id FROM retail.sku AS k WHERE k.code = near.code),
    LATERAL (
        SELECT s.on_hand - s.unavailable
            - (SELECT coalesce(sum(h.qty), 0) FROM retail.reservation AS h
               WHERE h.sku_id = s.sku_id AND h.location_id = s.location_id
                 AND h.status = 'held' AND h.expires_at > now())
            - (SELECT coalesce(sum(c.qty), 0) FROM retail.reservation AS c
               WHERE c.sku_id = s.sku_id AND c.location_id = s.location_id
                 AND c.status = 'committed') AS available) AS a
    WHERE l.status = 'open' AND a.available >= wanted
    ORDER BY l.geog OPERATOR(public.<->) here
    LIMIT 3;
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

-- Plain INSERT of an order of 5 lines, one parcel, 5 reservations: all its rows
-- in one statement, which is one round trip and one transaction; ids as
-- RETURNING gives them.  run fills in the arrays.
---- section: plain_order
\set ref random(1, 1000000000000000)
WITH made_order AS (
    INSERT INTO bench.sales_order
        (channel_id, order_ref, service_id, status, longitude, latitude, promise_at, placed_at, changed_at, actor)
    VALUES (1, :ref::text, 4, 'placed', 100.01, 20, now() + interval '2 days', now(), now(), 'postgres')
    RETURNING id),
line AS (
    SELECT line_no, sku, qty FROM unnest('@skus@'::integer[], '@qtys@'::bigint[]) WITH ORDINALITY AS l (sku, qty, line_no)),
made_lines AS (
    INSERT INTO bench.order_line (order_id, line_no, sku_id, qty)
    SELECT id, line_no, sku, qty FROM made_order, line),
made_parcel AS (
    INSERT INTO bench.fulfilment_order
        (order_id, location_id, service_id, state, distance_m, promise_at, promise_kept, created_at, changed_at)
    SELECT id, 1, 4, 'new', 0, now() + interval '2 days', true, now(), now() FROM made_order
    RETURNING id),
made_holds AS (
    INSERT INTO bench.plain (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
    SELECT sku, 1, 1, qty, 'held', now() + interval '15 minutes', now(), now(), 'postgres' FROM line
    RETURNING id, sku_id, qty)
INSERT INTO bench.fulfilment_line (fulfilment_id, line_no, sku_id, qty, reservation_id)
SELECT p.id, l.line_no, h.sku_id, h.qty, h.id
FROM made_parcel AS p, made_holds AS h JOIN line AS l ON l.sku = h.sku_id;

-- The same into the tables without CHECKs.
---- section: plain_order_unchecked
\set ref random(1, 1000000000000000)
WITH made_order AS (
    INSERT INTO bench.unchecked_sales_order
        (channel_id, order_ref, service_id, status, longitude, latitude, promise_at, placed_at, changed_at, actor)
    VALUES (1, :ref::text, 4, 'placed', 100.01, 20, now() + interval '2 days', now(), now(), 'postgres')
    RETURNING id),
line AS (
    SELECT line_no, sku, qty FROM unnest('@skus@'::integer[], '@qtys@'::bigint[]) WITH ORDINALITY AS l (sku, qty, line_no)),
made_lines AS (
    INSERT INTO bench.unchecked_order_line (order_id, line_no, sku_id, qty)
    SELECT id, line_no, sku, qty FROM made_order, line),
made_parcel AS (
    INSERT INTO bench.unchecked_fulfilment_order
        (order_id, location_id, service_id, state, distance_m, promise_at, promise_kept, created_at, changed_at)
    SELECT id, 1, 4, 'new', 0, now() + interval '2 days', true, now(), now() FROM made_order
    RETURNING id),
made_holds AS (
    INSERT INTO bench.unchecked (sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
    SELECT sku, 1, 1, qty, 'held', now() + interval '15 minutes', now(), now(), 'postgres' FROM line
    RETURNING id, sku_id, qty)
INSERT INTO bench.unchecked_fulfilment_line (fulfilment_id, line_no, sku_id, qty, reservation_id)
SELECT p.id, l.line_no, h.sku_id, h.qty, h.id
FROM made_parcel AS p, made_holds AS h JOIN line AS l ON l.sku = h.sku_id;

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
