-- Draining the outbox.
--
-- A consumer's state is settled_id and open_xids.  Every event with an id
-- below settled_id is done, or leased in outbox_delivery, unless it is of a
-- transaction in open_xids.  So what there is to deliver has an id from
-- settled_id on, or a transaction in open_xids: two index ranges, however long
-- some transaction stays open and however much lies behind.
--
-- Why nothing is skipped: settled_id only moves to ids below which every
-- visible event is accounted for, and a row that is not visible in that same
-- snapshot belongs to a transaction that was running in it, because a
-- transaction has its number before its row has an id.  All running ones are
-- put into open_xids.
--
-- Why nobody gets an event twice: who takes an event holds the lock of its
-- lane (a hash of the key) to the end of the transaction, and decides with a
-- snapshot taken after he has it.

CREATE FUNCTION retail._outbox_key(sku_id integer, location_id integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN $1 IS NULL AND $2 IS NULL THEN NULL
        ELSE (coalesce($1, -1)::bigint << 32) | (coalesce($2, -1)::bigint & 4294967295) END
$$;
COMMENT ON FUNCTION retail._outbox_key(integer, integer) IS 'Internal: what events are kept in order by; NULL: by nothing.';

CREATE FUNCTION retail._outbox_lane(sku_id integer, location_id integer, id bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN $1 IS NULL AND $2 IS NULL THEN $3
        ELSE coalesce($1, -1)::bigint * 31 + coalesce($2, -1) END & 1023
$$;
COMMENT ON FUNCTION retail._outbox_lane(integer, integer, bigint) IS 'Internal: which of 1,024 locks a taker of this event holds.';

CREATE FUNCTION retail._outbox_consumer(consumer text) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here CONSTANT bigint := (SELECT s.system_identifier FROM pg_control_system() s);
    last CONSTANT bigint := (SELECT q.last_value FROM retail.outbox_id_seq q);
    c record;
BEGIN
    LOOP
        SELECT o.id, o.system_identifier = here AND o.settled_id <= last + 1 AS fits INTO c
        FROM retail.outbox_consumer o WHERE o.name = consumer;
        IF FOUND THEN
            EXIT;
        END IF;
        INSERT INTO retail.outbox_consumer (name, system_identifier)
        VALUES (consumer, here)
        ON CONFLICT DO NOTHING;
    END LOOP;

    -- Restored into another cluster, or the ids began anew: what it counted in is gone.
    IF NOT c.fits THEN
        UPDATE retail.outbox_consumer o
        SET settled_id = 0, open_xids = '{}', system_identifier = here
        WHERE o.id = c.id AND NOT (o.system_identifier = here AND o.settled_id <= last + 1);
        IF FOUND THEN
            DELETE FROM retail.outbox_delivery d WHERE d.consumer_id = c.id;
        END IF;
    END IF;
    RETURN c.id;
END
$$;
COMMENT ON FUNCTION retail._outbox_consumer(text) IS 'Internal: the id of a consumer, made when it is new, and starting anew when it comes from another cluster.';

CREATE FUNCTION retail._outbox_ready(consumer_id integer, at timestamptz, most bigint, lanes bigint[], upto bigint)
RETURNS TABLE (id bigint, lane bigint, key bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
AS $$
    WITH state AS MATERIALIZED (
        SELECT c.settled_id, c.open_xids FROM retail.outbox_consumer c WHERE c.id = $1
    ), busy AS MATERIALIZED (
        SELECT retail._outbox_key(b.sku_id, b.location_id) AS key
        FROM retail.outbox_delivery d
            JOIN retail.outbox b ON b.id = d.outbox_id
        WHERE d.consumer_id = $1 AND d.leased_until > $2
            AND (b.sku_id IS NOT NULL OR b.location_id IS NOT NULL)
    )
    -- each arm reads by index no more than it has to, however much there is
    SELECT r.id, retail._outbox_lane(r.sku_id, r.location_id, r.id), retail._outbox_key(r.sku_id, r.location_id)
    FROM (
        (SELECT e.id, e.sku_id, e.location_id
         FROM retail.outbox e
         WHERE e.id >= (SELECT s.settled_id FROM state s)
             AND e.id <= coalesce($5, 9223372036854775807)
             AND e.id NOT IN (SELECT d.outbox_id FROM retail.outbox_delivery d WHERE d.consumer_id = $1)
             AND ($4 IS NULL OR retail._outbox_lane(e.sku_id, e.location_id, e.id) = ANY ($4))
             AND (e.sku_id IS NULL AND e.location_id IS NULL
                 OR retail._outbox_key(e.sku_id, e.location_id) NOT IN (SELECT b.key FROM busy b))
         ORDER BY e.id
         LIMIT $3)
        UNION ALL
        (SELECT e.id, e.sku_id, e.location_id
         FROM state s
             CROSS JOIN unnest(s.open_xids) x (xid)
             CROSS JOIN LATERAL (
                 SELECT o.id, o.sku_id, o.location_id
                 FROM retail.outbox o
                 WHERE o.xid = x.xid AND o.id < s.settled_id
                 OFFSET 0
             ) e
         WHERE e.id NOT IN (SELECT d.outbox_id FROM retail.outbox_delivery d WHERE d.consumer_id = $1)
             AND ($4 IS NULL OR retail._outbox_lane(e.sku_id, e.location_id, e.id) = ANY ($4))
             AND (e.sku_id IS NULL AND e.location_id IS NULL
                 OR retail._outbox_key(e.sku_id, e.location_id) NOT IN (SELECT b.key FROM busy b))
         ORDER BY e.id
         LIMIT $3)
        UNION ALL
        (SELECT e.id, e.sku_id, e.location_id
         FROM retail.outbox_delivery d
             JOIN retail.outbox e ON e.id = d.outbox_id
         WHERE d.consumer_id = $1 AND d.leased_until <= $2
             AND ($4 IS NULL OR retail._outbox_lane(e.sku_id, e.location_id, e.id) = ANY ($4))
             AND (e.sku_id IS NULL AND e.location_id IS NULL
                 OR retail._outbox_key(e.sku_id, e.location_id) NOT IN (SELECT b.key FROM busy b))
         ORDER BY e.id
         LIMIT $3)
    ) r
    ORDER BY r.id
    LIMIT $3
$$;
COMMENT ON FUNCTION retail._outbox_ready(integer, timestamptz, bigint, bigint[], bigint) IS
'Internal: the first events a consumer has not had, or had and did not finish in time, less those whose key he is working on; in these lanes (NULL: any), new ones up to this id (NULL: any).';

CREATE FUNCTION retail.outbox_take(consumer text, max_rows integer DEFAULT 100, lease interval DEFAULT '1 minute')
RETURNS TABLE (id bigint, topic text, version integer, sku text, location text, payload jsonb, created_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    me integer;
    lanes bigint[];
    span bigint := max_rows;
    seen bigint;
    mine bigint;
    upto bigint;
    at CONSTANT timestamptz := retail.now();
    lock_base CONSTANT bigint := hashtextextended('pg_retail outbox', 0);
BEGIN
    IF consumer IS NULL OR consumer = '' OR length(consumer) > 200 THEN
        RAISE EXCEPTION 'consumer must have 1 to 200 characters' USING ERRCODE = '22023';
    ELSIF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'max_rows must be 1 to 100000' USING ERRCODE = '22023';
    ELSIF lease IS NULL OR lease < interval '1 second' OR lease > interval '30 days' THEN
        RAISE EXCEPTION 'lease must be 1 second to 30 days' USING ERRCODE = '22023';
    ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'the outbox is drained in READ COMMITTED only'
            USING ERRCODE = '0A000',
                DETAIL = 'The snapshot of this transaction does not show what other takers have done since it began.',
                HINT = 'Run SET TRANSACTION ISOLATION LEVEL READ COMMITTED first.';
    END IF;
    PERFORM retail._check_tables();
    me := retail._outbox_consumer(consumer);

    -- First which lanes: those of the next events, unless another taker holds
    -- them; then we look further.
    LOOP
        SELECT count(*), count(*) FILTER (WHERE w.mine), array_agg(DISTINCT w.lane) FILTER (WHERE w.mine), max(w.id)
        INTO seen, mine, lanes, upto
        FROM (
            SELECT r.id, r.lane, pg_try_advisory_xact_lock(lock_base # ((me::bigint << 10) | r.lane)) AS mine
            FROM retail._outbox_ready(me, at, span, NULL, NULL) r
        ) w;
        EXIT WHEN mine >= max_rows OR seen < span;
        span := span * 4;
    END LOOP;
    IF lanes IS NULL THEN
        RETURN;
    END IF;

    -- Then which events, in these lanes, by a snapshot in which they are ours alone.
    RETURN QUERY
    WITH mine AS MATERIALIZED (
        SELECT d.outbox_id
        FROM retail.outbox_delivery d
        WHERE d.consumer_id = me AND d.leased_until <= at
            AND EXISTS (
                SELECT FROM retail.outbox b
                WHERE b.id = d.outbox_id AND retail._outbox_lane(b.sku_id, b.location_id, b.id) = ANY (lanes))
        FOR UPDATE SKIP LOCKED
    ), late AS MATERIALIZED (
        -- locked by outbox_done() at this moment: its key waits
        SELECT d.outbox_id, retail._outbox_key(b.sku_id, b.location_id) AS key
        FROM retail.outbox_delivery d
            JOIN retail.outbox b ON b.id = d.outbox_id
        WHERE d.consumer_id = me AND d.leased_until <= at
            AND d.outbox_id NOT IN (SELECT m.outbox_id FROM mine m)
    ), taken AS (
        INSERT INTO retail.outbox_delivery (consumer_id, outbox_id, leased_until)
        SELECT me, r.id, at + lease
        FROM retail._outbox_ready(me, at, span, lanes, upto) r
        WHERE r.id NOT IN (SELECT l.outbox_id FROM late l)
            AND (r.key IS NULL OR r.key NOT IN (SELECT l.key FROM late l WHERE l.key IS NOT NULL))
        ORDER BY r.id
        LIMIT max_rows
        ON CONFLICT (consumer_id, outbox_id) DO UPDATE SET leased_until = EXCLUDED.leased_until
        RETURNING outbox_id
    )
    SELECT e.id, e.topic, e.version, s.code, l.code, e.payload, e.created_at
    FROM taken t
        JOIN retail.outbox e ON e.id = t.outbox_id
        LEFT JOIN retail.sku s ON s.id = e.sku_id
        LEFT JOIN retail.location l ON l.id = e.location_id
    ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION retail.outbox_take(text, integer, interval) IS
'Takes the next events for a consumer, who says outbox_done() when he has dealt with them.
consumer: his name, 1 to 200 characters, known from the first call on; max_rows: 1 to 100000 (default 100); lease: 1 second to 30 days (default 1 minute), after which an event not done is given out again.
Returns events in order of id; within one (sku, location) always in order, and none while an earlier batch of it is not done. Each committed event comes at least once, however late it commits; sessions that share a name never get the same event. Waits for nobody but a session that makes the same new consumer.
Errors: 22023 bad argument, 0A000 not in READ COMMITTED, RT004 init() was not run.';

CREATE FUNCTION retail.outbox_done(consumer text, ids bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me integer;
    done bigint;
    state record;
    settled bigint;
    running xid8[];
BEGIN
    PERFORM retail._check_tables();
    SELECT c.id INTO me FROM retail.outbox_consumer c WHERE c.name = consumer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'outbox consumer "%" does not exist', consumer
            USING ERRCODE = '42704', HINT = 'The first retail.outbox_take() makes it.';
    END IF;

    -- Locked in one order, so that two calls do not deadlock, and then updated
    -- where they lie: by index and by place, whatever the statistics say.
    UPDATE retail.outbox_delivery d SET leased_until = NULL
    WHERE d.ctid = ANY (ARRAY(
        SELECT h.ctid
        FROM (SELECT DISTINCT i.id FROM unnest(ids) i (id) ORDER BY i.id) w
            CROSS JOIN LATERAL (
                SELECT l.ctid
                FROM retail.outbox_delivery l
                WHERE l.consumer_id = me AND l.outbox_id = w.id AND l.leased_until IS NOT NULL
                FOR UPDATE
            ) h));
    GET DIAGNOSTICS done = ROW_COUNT;

    -- Settle.  Another call that is at it leaves the rest to the next one.
    SELECT c.settled_id, c.open_xids INTO state
    FROM retail.outbox_consumer c WHERE c.id = me
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN done;
    END IF;

    -- one statement, one snapshot: what it shows, and who was running in it
    WITH seen AS MATERIALIZED (
        SELECT greatest(state.settled_id, coalesce(
            (SELECT e.id
             FROM retail.outbox e
             WHERE e.id >= state.settled_id
                 AND e.id NOT IN (SELECT d.outbox_id FROM retail.outbox_delivery d WHERE d.consumer_id = me)
             ORDER BY e.id LIMIT 1),
            (SELECT max(e.id) + 1 FROM retail.outbox e))) AS settled
    )
    SELECT s.settled, ARRAY(
        SELECT x.xid FROM pg_snapshot_xip(pg_current_snapshot()) x (xid)
        UNION
        SELECT x.xid
        FROM unnest(state.open_xids) x (xid)
        WHERE EXISTS (
            SELECT
            FROM retail.outbox e
            WHERE e.xid = x.xid AND e.id < s.settled
                AND NOT EXISTS (SELECT FROM retail.outbox_delivery d WHERE d.consumer_id = me AND d.outbox_id = e.id)))
    INTO settled, running
    FROM seen s;

    IF settled <> state.settled_id OR NOT (running <@ state.open_xids AND running @> state.open_xids) THEN
        UPDATE retail.outbox_consumer c SET settled_id = settled, open_xids = running WHERE c.id = me;
    END IF;
    DELETE FROM retail.outbox_delivery d
    WHERE d.consumer_id = me AND d.leased_until IS NULL AND d.outbox_id < settled
        AND NOT EXISTS (SELECT FROM retail.outbox e WHERE e.id = d.outbox_id AND e.xid = ANY (running));
    RETURN done;
END
$$;
COMMENT ON FUNCTION retail.outbox_done(text, bigint[]) IS
'Finishes events that outbox_take() gave: they do not come again for this consumer.
ids: their ids; those he has not taken, or has finished before, are left out.
Returns how many were finished. Waits for a session that is finishing the same events.
Errors: 42704 no such consumer, RT004 init() was not run.';

CREATE FUNCTION retail.purge_outbox(max_rows integer DEFAULT 10000, keep interval DEFAULT '7 days') RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone bigint;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    ELSIF keep IS NULL OR keep < interval '0' THEN
        RAISE EXCEPTION 'keep must not be negative' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    DELETE FROM retail.outbox o
    WHERE o.id = ANY (ARRAY(
        SELECT e.id
        FROM retail.outbox e
        WHERE e.created_at < retail.now() - keep
            AND e.id < coalesce((SELECT min(c.settled_id) FROM retail.outbox_consumer c), 9223372036854775807)
            AND NOT EXISTS (SELECT FROM retail.outbox_consumer c WHERE e.xid = ANY (c.open_xids))
            AND NOT EXISTS (SELECT FROM retail.outbox_delivery d WHERE d.outbox_id = e.id)
        ORDER BY e.id
        LIMIT max_rows));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION retail.purge_outbox(integer, interval) IS
'Deletes events that every consumer has finished (without a consumer: all) and that are older than keep.
max_rows: at most so many, 1 or more (default 10000); keep: default 7 days.
Returns how many. A consumer that has gone for good holds the rest back: delete it from retail.outbox_consumer.
Errors: 22023 bad argument, RT004 init() was not run.';
