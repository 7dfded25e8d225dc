-- Making the tables, keeping them at this version, who may do what.

CREATE FUNCTION retail._schema_version() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 1 $$;
COMMENT ON FUNCTION retail._schema_version() IS 'Internal: the version of the tables this release works with.';

CREATE FUNCTION retail._check_postgis() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema text;
BEGIN
    SELECT quote_ident(n.nspname) INTO schema
    FROM pg_extension e
        JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'postgis';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'PostGIS is not installed in this database'
            USING ERRCODE = '55000',
                DETAIL = 'retail.location keeps its point as a PostGIS geography.',
                HINT = 'Run CREATE EXTENSION postgis, then SELECT retail.init() again.';
    END IF;
    RETURN schema;
END
$$;
COMMENT ON FUNCTION retail._check_postgis() IS 'Internal: the schema PostGIS is in, quoted. Errors: 55000 PostGIS is missing.';

CREATE FUNCTION retail._check_tables() RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    have integer;
BEGIN
    IF to_regclass('retail.meta') IS NOT NULL THEN
        SELECT m.value::integer INTO have FROM retail.meta m WHERE m.name = 'schema_version';
    END IF;
    IF have IS NULL THEN
        RAISE EXCEPTION 'the tables of pg_retail are not there'
            USING ERRCODE = 'RT004', HINT = 'Run SELECT retail.init() first.';
    ELSIF have < retail._schema_version() THEN
        RAISE EXCEPTION 'the tables of pg_retail are of version %, and version % is wanted', have, retail._schema_version()
            USING ERRCODE = 'RT004', HINT = 'Run SELECT retail.migrate() first.';
    ELSIF have > retail._schema_version() THEN
        RAISE EXCEPTION 'the tables of pg_retail are of version %, and this release knows version %', have, retail._schema_version()
            USING ERRCODE = 'RT004', HINT = 'Install the newer release and run ALTER EXTENSION pg_retail UPDATE.';
    END IF;
END
$$;
COMMENT ON FUNCTION retail._check_tables() IS 'Internal: raises RT004 unless the tables are there and of the version this release works with.';

CREATE FUNCTION retail._run_part(part text, sql text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    postgis text := retail._check_postgis();
BEGIN
    -- the files say "public" where PostGIS is meant; it may live elsewhere
    IF postgis <> 'public' THEN
        sql := regexp_replace(sql, '\mpublic\.(?=(?:geography|geometry|st_))', replace(postgis, '\', '\\') || '.', 'g');
    END IF;
    EXECUTE sql;
    INSERT INTO retail.meta AS m (name, value)
    VALUES ('part ' || part, retail._schema_version()::text)
    ON CONFLICT ON CONSTRAINT meta_pkey DO UPDATE SET value = EXCLUDED.value;
END
$$;
COMMENT ON FUNCTION retail._run_part(text, text) IS 'Internal: runs one file of sql/schema and notes it in retail.meta.';

CREATE FUNCTION retail.init() RETURNS TABLE (part text, action text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    have boolean;
BEGIN
    PERFORM retail._check_postgis();
    PERFORM pg_advisory_xact_lock(hashtextextended('pg_retail init', 0));
    FOR next IN SELECT p.part, p.sql FROM retail._schema_parts() p ORDER BY p.part COLLATE "C" LOOP
        have := false;
        IF to_regclass('retail.meta') IS NOT NULL THEN
            SELECT EXISTS (SELECT FROM retail.meta m WHERE m.name = 'part ' || next.part) INTO have;
        END IF;
        part := next.part;
        IF NOT have THEN
            PERFORM retail._run_part(next.part, next.sql);
            action := 'created';
        ELSIF next.part IN ('40-guards', '43-settlement-guards') AND retail._missing_guards() IS NOT NULL
            OR next.part = '50-views' AND to_regclass('retail._channel_stock') IS NULL
            OR next.part = '55-order-views' AND to_regclass('retail._parcel') IS NULL
            OR next.part = '56-price-views' AND to_regclass('retail._price') IS NULL THEN
            -- DROP EXTENSION ... CASCADE takes them and leaves the tables
            PERFORM retail._run_part(next.part, next.sql);
            action := 'renewed';
        ELSE
            action := 'present';
        END IF;
        RETURN NEXT;
    END LOOP;

    -- what a restore has brought wins
    INSERT INTO retail.meta (name, value)
    VALUES ('schema_version', retail._schema_version()::text)
    ON CONFLICT DO NOTHING;
    PERFORM retail._check_tables();
END
$$;
COMMENT ON FUNCTION retail.init() IS
'Makes the tables, triggers and views of pg_retail in the schemas retail and retail_bi, as ordinary objects that belong to the caller and that backups carry whole.
Returns each part and what became of it: created, present, or renewed where guards or views were missing. Calling it again is harmless, also after a restore. Does not need the library preloaded.
Errors: 55000 PostGIS is missing, RT004 tables of another version are there (run retail.migrate()).';

CREATE FUNCTION retail.migrate() RETURNS TABLE (part text, action text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    have integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pg_retail init', 0));
    IF to_regclass('retail.meta') IS NOT NULL THEN
        SELECT m.value::integer INTO have FROM retail.meta m WHERE m.name = 'schema_version';
    END IF;
    -- version 1 is the first: nothing older exists to be brought forward
    IF have IS DISTINCT FROM retail._schema_version() THEN
        PERFORM retail._check_tables();
    END IF;

    FOR next IN
        SELECT p.part, p.sql, m.name IS NULL AS missing
        FROM retail._schema_parts() p
            LEFT JOIN retail.meta m ON m.name = 'part ' || p.part
        ORDER BY p.part COLLATE "C"
    LOOP
        part := next.part;
        IF next.missing THEN
            PERFORM retail._run_part(next.part, next.sql);
            action := 'created';
        ELSIF next.part IN ('40-guards', '43-settlement-guards', '50-views', '55-order-views', '56-price-views') THEN
            PERFORM retail._run_part(next.part, next.sql);
            action := 'renewed';
        ELSE
            action := 'present';
        END IF;
        RETURN NEXT;
    END LOOP;
    UPDATE retail.meta m SET value = retail._schema_version()::text
    WHERE m.name = 'schema_version' AND m.value <> retail._schema_version()::text;
END
$$;
COMMENT ON FUNCTION retail.migrate() IS
'Brings tables that an earlier release made to the version of this one, and makes triggers and views anew: what to run after ALTER EXTENSION pg_retail UPDATE, or when a guard has been dropped.
Returns each part and what became of it: created, renewed or present. Calling it again is harmless. Waits for open transactions on the tables, which it locks to the end of its own.
Errors: RT004 the tables are not there, or newer than this release.';

CREATE FUNCTION retail.grant_access(role text, level text) RETURNS TABLE (object text, privilege text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    grantee name;
    master CONSTANT text[] := ARRAY['channel', 'location', 'product', 'sku', 'listing', 'safety_stock',
        'service', 'channel_routing', 'channel_source', 'delivery_zone', 'slot'];
    calls CONSTANT text[] := ARRAY['now', 'available', 'pool', 'receive', 'receive_lines', 'adjust', 'count_stock',
        'block', 'unblock', 'sell', 'sell_lines', 'take_back', 'reserve', 'reserve_lines', 'confirm', 'release',
        'extend', 'consume', 'consume_lines', 'cancel', 'to_wgs84',
        'is_open', 'next_opening', 'promise', 'opening_hours_fault'];
    order_calls CONSTANT text[] := ARRAY['route', 'explain_route', 'stock_near', 'place_order', 'confirm_order', 'cancel_order',
        'return_order', 'reroute_order', 'advance', 'collect', 'renew_pickup_code', 'book_slot', 'free_slot', 'free_slots',
        'merge_parcels', 'make_wave', 'pick_list', 'start_wave', 'finish_wave', 'freeze_quote', 'order_amount', 'refund_due'];
    order_tables CONSTANT text[] := ARRAY['sales_order', 'order_line', 'fulfilment_order', 'fulfilment_line', 'fulfilment_event',
        'fulfilment_transition', 'capacity_use', 'capacity_return', 'order_refusal', 'order_return', 'pick_wave', 'pick_line'];
    price_tables CONSTANT text[] := ARRAY['currency', 'base_price', 'price', 'price_rule', 'price_grant', 'campaign', 'price_event',
        'label_ack', 'service_pack'];
    settlement_calls CONSTANT text[] := ARRAY['request_grant', 'approve_grant', 'refuse_grant', 'revoke_grant', 'start_campaign',
        'end_campaign', 'settle', 'hold_settlement', 'release_settlement', 'reverse_settlement', 'close_settlement', 'raise_alert',
        'acknowledge_alert', 'resolve_alert', 'waive_alert', 'scan_prices'];
    settlement_tables CONSTANT text[] := ARRAY['price_scan_rule', 'price_scan_run', 'price_alert', 'price_finding',
        'settlement_order', 'settlement_line',
        'settlement', 'settlement_hold'];
    price_calls CONSTANT text[] := ARRAY['set_price', 'withdraw_price'];
    quote_calls CONSTANT text[] := ARRAY['quote', 'quote_lines', 'explain_quote', 'prior_price', 'prior_sale_price'];
    quote_tables CONSTANT text[] := ARRAY['frozen_quote', 'frozen_quote_line'];
    match_calls CONSTANT text[] := ARRAY['jaro_winkler', 'damerau_levenshtein', 'set_overlap', 'compare', 'agreement', 'normalise',
        'norm_version', 'link_table', 'link_pairs', 'link_model'];
    functions text[];
    reads text[] := ARRAY[]::text[];
    writes text[] := ARRAY[]::text[];
    views boolean := false;
    next record;
BEGIN
    -- as it is, or as regrole shows it
    SELECT r.rolname INTO grantee
    FROM pg_roles r
    WHERE r.rolname = role OR quote_ident(r.rolname) = role
    ORDER BY r.rolname = role DESC
    LIMIT 1;
    IF grantee IS NULL THEN
        RAISE EXCEPTION 'role "%" does not exist', role
            USING ERRCODE = '42704', HINT = 'Create it first: pg_retail makes no roles.';
    END IF;
    PERFORM retail._check_tables();

    CASE level
        WHEN 'app' THEN
            functions := calls || order_calls || quote_calls || match_calls || ARRAY['acknowledge_label', 'outbox_take', 'outbox_done'];
            reads := master || price_tables;
        WHEN 'clerk' THEN
            functions := calls || order_calls || quote_calls || price_calls || ARRAY['acknowledge_label', 'request_grant', 'raise_alert'];
            reads := master || order_tables || price_tables || quote_tables || ARRAY['stock', 'lot', 'reservation', 'shortage'];
        WHEN 'analyst' THEN
            functions := ARRAY['now'];
            views := true;
        WHEN 'pricing' THEN
            functions := quote_calls || price_calls || settlement_calls || ARRAY['set_base_price', 'import_prices', 'now', '_actor'];
            reads := master || price_tables || quote_tables || settlement_tables || ARRAY['price_floor', 'price_import'];
            writes := ARRAY['price_import'];
            views := true;
        WHEN 'operator' THEN
            functions := calls || order_calls || quote_calls || price_calls || settlement_calls || match_calls
                || ARRAY['set_base_price', 'import_prices', 'acknowledge_label',
                'outbox_take', 'outbox_done', 'expire_reservations', 'sweep',
                'archive_reservations', 'purge_requests', 'purge_outbox', 'repair_flags', '_repair_marked', '_drain',
                'expire_orders', 'reroute_unaccepted', 'return_uncollected', 'release_backorders', 'fold_capacity', 'scan_due_prices',
                'schedule_jobs', 'unschedule_jobs', 'bulk_write', 'reset_cells', 'verify', 'status',
                '_is_time_zone', '_is_opening_hours', '_actor', '_check_tables', '_schema_version', '_expire_batch',
                '_jobs', '_cron_database', 'wgs84_longitude', 'wgs84_latitude'];
            reads := master || order_tables || price_tables || quote_tables || settlement_tables || ARRAY['price_floor', 'price_guard', 'price_load',
                'price_import', 'meta', 'stock', 'lot', 'reservation', 'reservation_history', 'movement',
                'shortage', 'request', 'order_request', 'pickup_throttle', 'bulk_load', 'sold_out', 'flag_repair', 'outbox',
                'outbox_consumer', 'outbox_delivery'];
            writes := master || ARRAY['currency', 'price_rule', 'price_floor', 'price_import', 'service_pack', 'price_scan_rule',
                'stock', 'lot', 'reservation', 'fulfilment_transition', 'pickup_throttle'];
            views := true;
        ELSE
            RAISE EXCEPTION 'level "%" is not known', level
                USING ERRCODE = '22023', HINT = 'Levels are app, clerk, pricing, analyst and operator.';
    END CASE;

    FOR next IN
        SELECT 1 AS rank, 'SCHEMA' AS kind, s.name, 'USAGE' AS right
        FROM (VALUES ('retail', level <> 'analyst'), ('retail_bi', views)) s (name, given)
        WHERE s.given
        UNION ALL
        SELECT 2, 'ROUTINE', p.oid::regprocedure::text, 'EXECUTE'
        FROM pg_proc p
        WHERE p.pronamespace = 'retail'::regnamespace AND p.proname = ANY (functions)
        UNION ALL
        SELECT 3, 'TABLE', format('retail.%I', t.name), 'SELECT' FROM unnest(reads) t (name)
        UNION ALL
        SELECT 3, 'TABLE', format('retail.%I', t.name), r.name
        FROM unnest(writes) t (name), (VALUES ('INSERT'), ('UPDATE'), ('DELETE')) r (name)
        UNION ALL
        SELECT 3, 'TABLE', format('retail_bi.%I', c.relname), 'SELECT'
        FROM pg_class c
        WHERE views AND c.relnamespace = 'retail_bi'::regnamespace AND c.relkind = 'v'
        UNION ALL
        SELECT v.*
        FROM (VALUES (3, 'TABLE', 'retail.shortage', 'UPDATE (resolved_at)'),
                     (3, 'TABLE', 'retail.outbox_consumer', 'DELETE'),
                     -- a price is never deleted
                     (3, 'TABLE', 'retail.base_price', 'INSERT'),
                     (3, 'TABLE', 'retail.base_price', 'UPDATE'),
                     (3, 'TABLE', 'retail.price', 'INSERT'),
                     (3, 'TABLE', 'retail.price', 'UPDATE'),
                     (3, 'TABLE', 'retail.price_scan_run', 'INSERT'),
                     (3, 'TABLE', 'retail.price_scan_run', 'UPDATE'),
                     (4, 'SEQUENCE', 'retail.reservation_id_seq', 'USAGE')) v
        WHERE level = 'operator'
        ORDER BY 1, 3, 4
    LOOP
        EXECUTE format('GRANT %s ON %s %s TO %I', next.right, next.kind, next.name, grantee);
        object := lower(next.kind) || ' ' || next.name;
        privilege := next.right;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail.grant_access(text, text) IS
'Gives an existing role what it needs for its work.
role: its name; level: app (every business call, the outbox, master data to read), clerk (every business call; setting prices, asking for a grant and raising an alert; master data, prices, frozen quotes, orders, stock, reservations and shortages to read), pricing (head office: grants, campaigns, alerts, settlement, and the views), analyst (the views in retail_bi and nothing else), operator (all of that, master data to write, bulk loads, jobs, repairs).
Returns each object and the privilege given. Levels add up, calling it again is harmless; no role is made, nothing is taken away. New views of a later release need another call.
Errors: 42704 no such role, 22023 no such level, RT004 init() was not run.';
