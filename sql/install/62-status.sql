-- What an administrator asks first.

CREATE FUNCTION retail._preloaded() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.current_setting('shared_preload_libraries')
        OPERATOR(pg_catalog.~) '(^|[,/"[:space:]])pg_retail(\.so)?($|[,"[:space:]])'
$$;
COMMENT ON FUNCTION retail._preloaded() IS 'Internal: whether shared_preload_libraries names the library.';

CREATE FUNCTION retail._missing_guards() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.array_agg(pg_catalog.concat(g.name, ' on retail.', g.tab) ORDER BY g.tab, g.name)
    FROM (VALUES ('stock', 'retail_guard', 'A'), ('lot', 'retail_guard', 'A'), ('reservation', 'retail_guard', 'A'),
                 ('movement', 'retail_guard', 'A'), ('bulk_load', 'retail_guard', 'A'), ('fulfilment_event', 'retail_guard', 'A'),
                 ('frozen_quote', 'retail_guard', 'A'), ('frozen_quote_line', 'retail_guard', 'A'),
                 ('base_price', 'retail_guard', 'A'), ('base_price', 'retail_guard_insert', 'A'), ('base_price', 'retail_guard_update', 'A'),
                 ('price', 'retail_guard', 'A'), ('price', 'retail_guard_insert', 'A'), ('price', 'retail_guard_update', 'A'),
                 ('price_import', 'retail_guard_insert', 'O'), ('price_import', 'retail_guard_update', 'O'),
                 ('price_import', 'retail_guard_delete', 'O'),
                 ('settlement', 'retail_guard', 'A'), ('settlement_line', 'retail_guard', 'A'), ('settlement_hold', 'retail_guard', 'A'),
                 ('settlement', 'retail_guard_all', 'A'), ('settlement_hold', 'retail_guard_all', 'A'), ('price_grant', 'retail_guard_all', 'A'),
                 ('price_grant', 'retail_guard', 'A'), ('service_pack', 'retail_keep', 'O'),
                 ('stock', 'retail_replica', 'R'), ('reservation', 'retail_replica', 'R')) g (tab, name, state)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.concat('retail.', g.tab))
            AND t.tgname OPERATOR(pg_catalog.=) g.name::pg_catalog.name
            AND t.tgenabled::pg_catalog.text OPERATOR(pg_catalog.=) g.state)
$$;
COMMENT ON FUNCTION retail._missing_guards() IS 'Internal: guard triggers that are missing or not enabled as they should be; NULL when all is well.';

CREATE FUNCTION retail.status() RETURNS TABLE (name text, value text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 30
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    many CONSTANT integer := 10000;     -- where counting stops
    problem text;
    remedy text;
    job record;
    jobs text;
    cron_database CONSTANT text := retail._cron_database();
BEGIN
    RETURN QUERY
    SELECT 'version', e.extversion FROM pg_extension e WHERE e.extname = 'pg_retail';
    RETURN QUERY
    SELECT 'preloaded', CASE WHEN retail._preloaded() THEN 'yes'
        ELSE 'no: add pg_retail to shared_preload_libraries and restart; until then stock can be read, not moved' END;

    -- what shared memory knows
    BEGIN
        RETURN QUERY SELECT s.name, s.value FROM retail._engine_status() s;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
        RETURN QUERY SELECT 'engine', problem;
    END;

    BEGIN
        PERFORM retail._check_tables();
    EXCEPTION WHEN SQLSTATE 'RT004' THEN
        GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, remedy = PG_EXCEPTION_HINT;
        RETURN QUERY SELECT 'initialised', format('no: %s; %s', problem, lower(left(remedy, 1)) || rtrim(substr(remedy, 2), '.'));
        RETURN;
    END;
    RETURN QUERY SELECT 'initialised', 'yes';
    RETURN QUERY SELECT m.name, m.value FROM retail.meta m WHERE m.name = 'schema_version';
    RETURN QUERY
    SELECT 'guards', coalesce('missing: ' || array_to_string(retail._missing_guards(), ', ') || '; run retail.migrate()', 'in place');

    -- estimates of the planner, which cost nothing
    RETURN QUERY
    SELECT t.name || '_rows', CASE WHEN c.reltuples < 0 THEN 'not counted yet' ELSE 'about ' || c.reltuples::bigint END
    FROM (VALUES ('stock'), ('reservation'), ('movement')) t (name)
        JOIN pg_class c ON c.oid = to_regclass('retail.' || t.name);
    RETURN QUERY
    SELECT 'lapsed_holds', CASE WHEN count(*) > many THEN 'more than ' || many ELSE count(*)::text END
    FROM (SELECT FROM retail.reservation r
          WHERE r.status = 'held' AND r.expires_at <= retail.now() LIMIT many + 1) l;
    RETURN QUERY
    SELECT 'open_shortages', CASE WHEN count(*) > many THEN 'more than ' || many ELSE count(*)::text END
    FROM (SELECT FROM retail.shortage s WHERE s.resolved_at IS NULL LIMIT many + 1) o;
    RETURN QUERY
    SELECT 'flag_repairs_waiting', CASE WHEN count(*) > many THEN 'more than ' || many ELSE count(*)::text END
    FROM (SELECT FROM retail.flag_repair LIMIT many + 1) f;
    RETURN QUERY
    SELECT 'outbox_waiting ' || c.name,
        CASE WHEN b.events > many THEN 'more than ' || many ELSE b.events::text END
    FROM retail.outbox_consumer c
        CROSS JOIN LATERAL (
            SELECT count(*) AS events
            FROM (SELECT
                  FROM retail.outbox e
                  WHERE (e.id >= c.settled_id OR e.xid = ANY (c.open_xids))
                      AND NOT EXISTS (
                          SELECT
                          FROM retail.outbox_delivery d
                          WHERE d.consumer_id = c.id AND d.outbox_id = e.id AND d.leased_until IS NULL)
                  LIMIT many + 1) w) b
    ORDER BY c.name;
    IF NOT EXISTS (SELECT FROM retail.outbox_consumer) THEN
        RETURN QUERY SELECT 'outbox_waiting', 'nobody drains the outbox';
    END IF;

    -- jobs
    IF cron_database IS NULL THEN
        RETURN QUERY SELECT 'pg_cron', 'not loaded: run retail.sweep() every minute by other means';
    ELSIF to_regclass('cron.job') IS NULL THEN
        RETURN QUERY SELECT 'pg_cron', CASE WHEN cron_database = current_database() THEN 'loaded, but not installed here: run CREATE EXTENSION pg_cron, then retail.schedule_jobs()'
            ELSE format('works in database %I: retail.schedule_jobs() says what to run there', cron_database) END;
    ELSE
        RETURN QUERY SELECT 'pg_cron', 'here';
        FOR job IN EXECUTE 'SELECT j.jobname, j.active FROM cron.job j WHERE j.database = current_database() AND j.jobname = ANY ($1) ORDER BY j.jobname'
            USING ARRAY(SELECT j.job FROM retail._jobs() j)
        LOOP
            jobs := concat_ws(', ', jobs, job.jobname || CASE WHEN job.active THEN '' ELSE ' (not active)' END);
        END LOOP;
        RETURN QUERY SELECT 'jobs', coalesce(jobs, 'none: run retail.schedule_jobs()');
    END IF;
END
$$;
COMMENT ON FUNCTION retail.status() IS
'Tells how pg_retail stands in this database: version, whether the library is preloaded, whether init() was run, the engine''s counters, guards, backlogs, jobs.
Returns name and value, in words where something is missing. Cheap: reads no large table, stops counting at 10,000. Works, and says so, when the library is not preloaded or init() was not run.';
