-- Work that a scheduler does: each a plain function, and procedures that commit per batch.

CREATE FUNCTION retail._archive_partition(month timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name CONSTANT text := 'reservation_history_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass(format('retail.%I', name)) IS NOT NULL THEN
        RETURN;
    END IF;
    -- attaching, unlike CREATE TABLE ... PARTITION OF, lets readers go on
    EXECUTE format('CREATE TABLE retail.%I (LIKE retail.reservation_history INCLUDING ALL EXCLUDING INDEXES)', name);
    EXECUTE format('ALTER TABLE retail.reservation_history ATTACH PARTITION retail.%I FOR VALUES FROM (%L) TO (%L)',
        name, month, (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
END
$$;
COMMENT ON FUNCTION retail._archive_partition(timestamptz) IS 'Internal: makes the partition of reservation_history for the month that begins then, in UTC.';

CREATE FUNCTION retail.archive_reservations(max_rows integer DEFAULT 50000) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    before timestamptz;
    columns text;
    missing text;
    due record;
    moved bigint;
    total bigint := 0;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    -- one at a time; finished rows are nobody else's business
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pg_retail archive', 0)) THEN
        RETURN 0;
    END IF;
    before := retail.now() - current_setting('pg_retail.archive_after')::interval;

    SELECT string_agg(quote_ident(r.attname), ', '),
        string_agg(quote_ident(r.attname), ', ') FILTER (WHERE h.attname IS NULL)
    INTO columns, missing
    FROM pg_attribute r
        LEFT JOIN pg_attribute h ON h.attrelid = 'retail.reservation_history'::regclass
            AND h.attname = r.attname AND NOT h.attisdropped
    WHERE r.attrelid = 'retail.reservation'::regclass AND r.attnum > 0
        AND NOT r.attisdropped AND r.attgenerated = '';
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'retail.reservation_history lacks columns of retail.reservation: %', missing
            USING ERRCODE = '55000',
                DETAIL = 'What they say would be lost.',
                HINT = 'Add them with ALTER TABLE retail.reservation_history ADD COLUMN.';
    END IF;

    FOR due IN
        SELECT date_trunc('month', d.changed_at) AS month, array_agg(d.id) AS ids
        FROM (
            SELECT r.id, r.changed_at
            FROM retail.reservation r
            WHERE r.status IN ('consumed', 'released', 'expired', 'cancelled') AND r.changed_at < before
            LIMIT max_rows
        ) d
        GROUP BY 1
        ORDER BY 1
    LOOP
        PERFORM retail._archive_partition(due.month);
        PERFORM retail._announce('reservation', 'DELETE');
        EXECUTE format(
            'WITH gone AS (DELETE FROM retail.reservation r WHERE r.id = ANY ($1) RETURNING %1$s)
             INSERT INTO retail.reservation_history (%1$s) SELECT %1$s FROM gone', columns)
        USING due.ids;
        GET DIAGNOSTICS moved = ROW_COUNT;
        total := total + moved;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION retail.archive_reservations(integer) IS
'Moves finished reservations from retail.reservation to retail.reservation_history once they are older than pg_retail.archive_after, making monthly partitions as needed: it keeps the live table small.
max_rows: at most so many, 1 or more (default 50000).
Returns how many; 0 when none is left, or another session is at it. Waits for nobody but whoever changes the definition of these tables.
Errors: 22023 bad argument, 55000 the history lacks a column that was added to retail.reservation, RT004 init() was not run.';

CREATE FUNCTION retail.purge_requests(max_rows integer DEFAULT 50000) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before timestamptz;
    gone bigint;
    gone_too bigint := 0;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    before := retail.now() - current_setting('pg_retail.key_retention')::interval;
    DELETE FROM retail.request q
    WHERE q.ctid = ANY (ARRAY(
        SELECT r.ctid FROM retail.request r WHERE r.created_at < before LIMIT max_rows FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone < max_rows THEN
        DELETE FROM retail.order_request q
        WHERE q.ctid = ANY (ARRAY(
            SELECT r.ctid FROM retail.order_request r WHERE r.created_at < before LIMIT max_rows - gone FOR UPDATE SKIP LOCKED));
        GET DIAGNOSTICS gone_too = ROW_COUNT;
        gone := gone + gone_too;
    END IF;
    IF gone < max_rows THEN
        DELETE FROM retail.frozen_quote q
        WHERE q.id = ANY (ARRAY(
            SELECT f.id FROM retail.frozen_quote f
            WHERE f.expires_at < before AND NOT EXISTS (SELECT FROM retail.sales_order o WHERE o.quote_id = f.id)
            ORDER BY f.expires_at LIMIT max_rows - gone FOR UPDATE SKIP LOCKED));
        GET DIAGNOSTICS gone_too = ROW_COUNT;
        gone := gone + gone_too;
    END IF;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION retail.purge_requests(integer) IS
'Forgets request keys older than pg_retail.key_retention: a call that uses one again is then a new call; and frozen quotes that expired as long ago and that no order was placed by.
max_rows: at most so many, 1 or more (default 50000).
Returns how many; 0 when none is left. Errors: 22023 bad argument, RT004 init() was not run.';

-- Procedures cannot both commit and carry a SET clause, so these two set the
-- search path themselves, at the beginning of each transaction.

CREATE PROCEDURE retail.sweep(batch integer DEFAULT 5000)
LANGUAGE plpgsql
AS $$
DECLARE
    reached timestamptz;    -- where the batch before ended
BEGIN
    SET LOCAL search_path = pg_catalog, pg_temp;
    PERFORM retail._check_tables();
    LOOP
        -- a crash may take back what has lapsed anyway; whoever relies on it flushes it with its own commit
        SET LOCAL synchronous_commit = off;
        reached := retail._expire_batch(batch, reached);
        COMMIT;
        SET LOCAL search_path = pg_catalog, pg_temp;
        EXIT WHEN reached IS NULL;
    END LOOP;
    WHILE retail.repair_flags(batch) > 0 LOOP
        COMMIT;
        SET LOCAL search_path = pg_catalog, pg_temp;
    END LOOP;
    -- what transactions marked, where no worker has looked yet
    WHILE retail._repair_marked(batch) > 0 LOOP
        COMMIT;
        SET LOCAL search_path = pg_catalog, pg_temp;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE retail.sweep(integer) IS
'Sets lapsed holds to expired and puts sold-out flags right, in batches that commit: for a scheduler, every minute. No sale depends on it: a lapsed hold blocks nobody.
batch: holds per transaction, 1 or more (default 5000).
CALL it outside a transaction block. Errors: 22023 bad argument, 2D000 inside a transaction block, RT004 init() was not run.';

CREATE PROCEDURE retail._drain(job text, batch integer DEFAULT 50000)
LANGUAGE plpgsql
AS $$
DECLARE
    done bigint;
BEGIN
    LOOP
        SET LOCAL search_path = pg_catalog, pg_temp;
        CASE job
            WHEN 'archive_reservations' THEN done := retail.archive_reservations(batch);
            WHEN 'purge_requests' THEN done := retail.purge_requests(batch);
            WHEN 'purge_outbox' THEN done := retail.purge_outbox(batch);
            WHEN 'expire_orders' THEN done := retail.expire_orders(batch);
            WHEN 'reroute_unaccepted' THEN done := retail.reroute_unaccepted(batch);
            WHEN 'return_uncollected' THEN done := retail.return_uncollected(batch);
            WHEN 'release_backorders' THEN done := retail.release_backorders(NULL, batch);
            WHEN 'fold_capacity' THEN done := retail.fold_capacity(batch);
            ELSE
                RAISE EXCEPTION 'job "%" is not known', job USING ERRCODE = '22023';
        END CASE;
        COMMIT;
        EXIT WHEN done < batch;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE retail._drain(text, integer) IS 'Internal: calls a job''s function until nothing is left, each call a transaction of its own.';

CREATE FUNCTION retail._jobs() RETURNS TABLE (job text, schedule text, command text, in_cron_database boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
AS $$
    VALUES
        ('retail_sweep', '* * * * *', 'CALL retail.sweep()', false),
        ('retail_archive', '*/10 * * * *', 'CALL retail._drain(''archive_reservations'')', false),
        ('retail_purge_requests', '7 * * * *', 'CALL retail._drain(''purge_requests'')', false),
        ('retail_purge_outbox', '17 * * * *', 'CALL retail._drain(''purge_outbox'')', false),
        ('retail_expire_orders', '*/5 * * * *', 'CALL retail._drain(''expire_orders'', 50)', false),
        ('retail_reroute_unaccepted', '* * * * *', 'CALL retail._drain(''reroute_unaccepted'', 10)', false),
        ('retail_return_uncollected', '*/5 * * * *', 'CALL retail._drain(''return_uncollected'', 50)', false),
        ('retail_release_backorders', '* * * * *', 'CALL retail._drain(''release_backorders'', 10)', false),
        ('retail_fold_capacity', '37 * * * *', 'CALL retail._drain(''fold_capacity'', 1000)', false),
        ('retail_scan_prices', '11 * * * *', 'CALL retail.scan_due_prices()', false),
        ('retail_purge_cron_log', '27 3 * * *',
            'DELETE FROM cron.job_run_details WHERE end_time < pg_catalog.now() - interval ''7 days''', true)
$$;
COMMENT ON FUNCTION retail._jobs() IS 'Internal: what schedule_jobs() schedules.';

CREATE FUNCTION retail._cron_database() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT current_setting('cron.database_name', true) $$;
COMMENT ON FUNCTION retail._cron_database() IS
'Internal: the database pg_cron works in, a setting only superusers may read; NULL: it is not loaded.';

CREATE FUNCTION retail.schedule_jobs() RETURNS TABLE (job text, schedule text, state text, detail text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    cron_database CONSTANT text := retail._cron_database();
    here CONSTANT text := current_database();
    missing text;
    next record;
    old record;
    job_id bigint;
BEGIN
    PERFORM retail._check_tables();
    IF cron_database IS NULL THEN
        missing := 'pg_cron is not loaded: add it to shared_preload_libraries, restart, and CREATE EXTENSION pg_cron in the database that cron.database_name names; or have another scheduler run this';
    ELSIF cron_database <> here THEN
        missing := format('pg_cron works in database %I', cron_database);
    ELSIF to_regprocedure('cron.schedule_in_database(text,text,text,text,text,boolean)') IS NULL THEN
        missing := 'pg_cron 1.4 or later is not installed in this database: run CREATE EXTENSION pg_cron, then SELECT retail.schedule_jobs() again';
    ELSIF NOT has_schema_privilege('cron', 'USAGE')
        OR NOT has_function_privilege('cron.schedule_in_database(text,text,text,text,text,boolean)', 'EXECUTE') THEN
        missing := format('role %I may not schedule: have a superuser run SELECT retail.schedule_jobs(), or grant USAGE on schema cron and EXECUTE on cron.schedule_in_database', current_user);
    END IF;

    FOR next IN SELECT * FROM retail._jobs() LOOP
        job := next.job;
        schedule := next.schedule;
        IF missing IS NOT NULL THEN
            state := 'missing';
            detail := missing;
            IF cron_database IS NULL THEN
                detail := format('%s: %s', missing, next.command);
            ELSIF cron_database <> here THEN
                -- there, the name has to say which database the job is for
                detail := format('%s; run there: SELECT cron.schedule_in_database(%L, %L, %L, %L)', missing,
                    next.job || CASE WHEN next.in_cron_database THEN '' ELSE '_' || here END, next.schedule, next.command,
                    CASE WHEN next.in_cron_database THEN cron_database ELSE here END);
            END IF;
        ELSE
            EXECUTE 'SELECT j.jobid AS id, j.schedule = $2 AND j.command = $3 AND j.database = current_database() AND j.active AS same
                     FROM cron.job j WHERE j.jobname = $1 AND j.username = current_user'
            INTO old USING next.job, next.schedule, next.command;
            job_id := old.id;
            IF old.same THEN
                state := 'unchanged';
            ELSE
                state := CASE WHEN job_id IS NULL THEN 'scheduled' ELSE 'changed' END;
                EXECUTE 'SELECT cron.schedule_in_database($1, $2, $3, $4, NULL, true)'
                INTO job_id USING next.job, next.schedule, next.command, here;
            END IF;
            detail := format('job %s: %s', job_id, next.command);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail.schedule_jobs() IS
'Has pg_cron run the jobs of this database as the calling role: expiry sweep and flag repair every minute, archive, purge of request keys, of the outbox, and of pg_cron''s own log (7 days); unpaid orders, parcels not accepted or not collected in time, backorders, and places of a day given back; every hour the scan of prices in the time zones whose day is over.
Returns each job with its schedule and state (scheduled, changed, unchanged, or missing) and, in detail, the job''s number or exactly what is missing and what to run where. Calling it again is harmless.
Errors: RT004 init() was not run.';

CREATE FUNCTION retail.unschedule_jobs() RETURNS TABLE (job text, state text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    job_id bigint;
BEGIN
    FOR next IN SELECT * FROM retail._jobs() LOOP
        job := next.job;
        state := 'was not scheduled';
        IF to_regclass('cron.job') IS NOT NULL THEN
            EXECUTE 'SELECT j.jobid FROM cron.job j
                     WHERE j.jobname = $1 AND j.username = current_user AND j.database = current_database()'
            INTO job_id USING next.job;
            IF job_id IS NOT NULL THEN
                EXECUTE 'SELECT cron.unschedule($1)' USING job_id;
                state := 'unscheduled';
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail.unschedule_jobs() IS
'Takes back what schedule_jobs() scheduled for the calling role in this database.
Returns each job and its state: unscheduled, or was not scheduled.';
