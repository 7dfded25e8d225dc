-- A price file on its way in: COPY into retail.price_import, then one call.
--
-- The file is worked off in portions of whole SKUs, each of them set-wise:
-- read, base prices first, then prices with their verdict.

CREATE TYPE retail.price_import_result AS (
    outcome   text,
    line_no   bigint,
    sku       text,
    channel   text,
    location  text,
    kind      text,
    amount    text,
    low       numeric,
    high      numeric,
    detail    text,
    row_count bigint
);
COMMENT ON TYPE retail.price_import_result IS
'A refused row of a price file, and why; then three rows without line_no that count what was imported, unchanged and refused. outcome: unknown_sku, unknown_channel, unknown_location, unknown_currency, bad_kind, bad_tier, bad_min_qty, bad_amount, too_many_decimals, bad_time, bad_grant, overlap (with an earlier beginning in the same file), out_of_band, no_base, no_grant, below_floor; low and high: what is allowed; detail: a sentence.';

CREATE TYPE retail._import_row AS (
    id        bigint,
    line_no   bigint,
    sku       text,
    channel   text,
    location  text,
    kind      text,
    amount    text,
    price     retail._new_price,
    outcome   text,
    low       numeric,
    high      numeric,
    detail    text
);
COMMENT ON TYPE retail._import_row IS 'Internal: a row of a price file, read. outcome: NULL where nothing speaks against it so far.';

CREATE FUNCTION retail._guard_price_import() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me CONSTANT text := retail._actor();
    other text;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        SELECT n.actor INTO other FROM new_rows n WHERE n.actor <> me LIMIT 1;
    END IF;
    IF TG_OP <> 'INSERT' AND other IS NULL THEN
        SELECT o.actor INTO other FROM old_rows o WHERE o.actor <> me LIMIT 1;
    END IF;
    IF other IS NOT NULL AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = me) THEN
        RAISE EXCEPTION 'rows of the price file of role "%" are not those of "%"', other, me
            USING ERRCODE = '42501', DETAIL = 'Who imports a row answers for it.', HINT = 'Leave actor out: it fills itself.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._guard_price_import() IS 'Internal: nobody brings, changes or takes rows of a price file for another role.';

CREATE FUNCTION retail._import_time(value text, otherwise timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value IS NULL OR value = '' THEN
        RETURN otherwise;
    END IF;
    RETURN value::timestamptz;
EXCEPTION WHEN data_exception THEN
    -- no validity begins or ends there
    RETURN '-infinity'::timestamptz;
END
$$;
COMMENT ON FUNCTION retail._import_time(text, timestamptz) IS 'Internal: a time of a price file; -infinity: it is none.';

CREATE FUNCTION retail._read_import(batch text, actor text, first_sku text, last_sku text) RETURNS retail._import_row[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at CONSTANT timestamptz := retail.now();
BEGIN
    RETURN ARRAY(
        WITH mine AS (
            -- where a row names no currency: of prices that are there, and base prices of the file
            SELECT i.*,
                min(i.currency COLLATE "C") FILTER (WHERE i.kind = 'base' AND i.currency <> '') OVER same_sku AS first_currency,
                max(i.currency COLLATE "C") FILTER (WHERE i.kind = 'base' AND i.currency <> '') OVER same_sku AS last_currency
            FROM retail.price_import i
            WHERE i.actor = _read_import.actor AND i.batch = _read_import.batch
                AND coalesce(i.sku, '') >= first_sku AND coalesce(i.sku, '') <= last_sku
            WINDOW same_sku AS (PARTITION BY i.sku)
        ), word AS (
            SELECT i.id, coalesce(i.line_no, i.id) AS line_no, i.sku, i.channel, i.location,
                coalesce(nullif(i.kind, ''), 'list') AS kind, coalesce(i.tier, '') AS tier, i.amount,
                coalesce(nullif(i.min_qty, ''), '1') AS min_qty, nullif(i.grant_id, '') AS grant_id,
                k.id AS sku_id,
                CASE WHEN coalesce(i.channel, '') = '' THEN 0 ELSE c.id END AS channel_id,
                CASE WHEN coalesce(i.location, '') = '' THEN 0 ELSE l.id END AS location_id,
                u.code AS currency, u.decimals,
                CASE WHEN i.amount ~ '^[0-9]{1,15}([.][0-9]{1,20})?$' THEN i.amount::numeric END AS number,
                retail._import_time(i.valid_from, at) AS from_at,
                retail._import_time(i.valid_until, 'infinity') AS until_at
            FROM mine i
                LEFT JOIN retail.sku k ON k.code = i.sku
                LEFT JOIN retail.channel c ON c.code = i.channel
                LEFT JOIN retail.location l ON l.code = i.location
                CROSS JOIN LATERAL (
                    SELECT least(min(g.currency), i.first_currency) AS first, greatest(max(g.currency), i.last_currency) AS last
                    FROM retail.price_guard g
                    WHERE g.sku_id = k.id) o
                LEFT JOIN retail.currency u ON u.code = coalesce(nullif(i.currency, ''), CASE WHEN o.first = o.last THEN o.first END)
        ), judged AS (
            SELECT w.*,
                CASE
                    WHEN w.sku_id IS NULL THEN 'unknown_sku'
                    WHEN w.channel_id IS NULL THEN 'unknown_channel'
                    WHEN w.location_id IS NULL THEN 'unknown_location'
                    WHEN w.currency IS NULL THEN 'unknown_currency'
                    WHEN w.kind NOT IN ('base', 'list', 'promo', 'member', 'clearance') THEN 'bad_kind'
                    WHEN w.kind = 'base' AND (w.channel_id <> 0 OR w.location_id <> 0) THEN 'bad_kind'
                    WHEN (w.kind = 'member') <> (w.tier <> '') OR length(w.tier) > 200 THEN 'bad_tier'
                    WHEN w.min_qty !~ '^0*[1-9][0-9]{0,17}$' OR (w.kind = 'base' AND w.min_qty <> '1') THEN 'bad_min_qty'
                    WHEN w.number IS NULL OR NOT (w.number > 0 AND w.number <= 922337203685477) THEN 'bad_amount'
                    WHEN scale(trim_scale(w.number)) > w.decimals THEN 'too_many_decimals'
                    WHEN NOT isfinite(w.from_at) OR w.until_at <= w.from_at THEN 'bad_time'
                    WHEN w.grant_id !~ '^[0-9]{1,18}$' OR (w.kind = 'base' AND w.grant_id IS NOT NULL) THEN 'bad_grant'
                END AS outcome
            FROM word w
        ), typed AS (
            SELECT j.*,
                CASE WHEN j.outcome IS NULL THEN
                    ROW(j.sku_id, j.location_id, j.channel_id, j.currency, j.kind, j.tier, j.min_qty::bigint,
                        round(j.number, j.decimals), tstzrange(j.from_at, nullif(j.until_at, 'infinity')),
                        j.grant_id::bigint, NULL)::retail._new_price
                END AS price,
                CASE WHEN j.outcome IS NULL THEN j.min_qty::bigint END AS qty
            FROM judged j
        ), ordered AS (
            SELECT t.*, max(t.until_at) OVER before > t.from_at AS overlaps
            FROM typed t
            WINDOW before AS (
                PARTITION BY t.sku_id, t.location_id, t.channel_id, t.currency, t.kind, t.tier, t.qty, t.outcome IS NULL
                ORDER BY t.from_at, t.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
        SELECT ROW(o.id, o.line_no, o.sku, o.channel, o.location, o.kind, o.amount, o.price,
            coalesce(o.outcome, CASE WHEN o.overlaps THEN 'overlap' END), NULL, NULL, NULL)::retail._import_row
        FROM ordered o
        ORDER BY o.sku_id, o.currency, o.from_at, o.id);
END
$$;
COMMENT ON FUNCTION retail._read_import(text, text, text, text) IS 'Internal: the rows of a price file for some SKUs, with what is wrong with each by itself.';

CREATE FUNCTION retail._import_bases(portion retail._import_row[]) RETURNS retail._import_row[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    message text;
    state text;
BEGIN
    -- what is so already
    portion := ARRAY(
        SELECT ROW(r.id, r.line_no, r.sku, r.channel, r.location, r.kind, r.amount, r.price,
            CASE WHEN r.outcome IS NULL AND r.kind = 'base' AND EXISTS (
                SELECT
                FROM retail.base_price b
                WHERE b.sku_id = (r.price).sku_id AND b.currency = (r.price).currency AND b.withdrawn_at IS NULL
                    AND b.valid @> (r.price).valid AND b.amount = (r.price).amount) THEN 'unchanged' ELSE r.outcome END,
            NULL, NULL, NULL)::retail._import_row
        FROM unnest(portion) WITH ORDINALITY r
        ORDER BY r.ordinality);
    BEGIN
        PERFORM retail._apply_base_prices(ARRAY(SELECT r.price FROM unnest(portion) r WHERE r.kind = 'base' AND r.outcome IS NULL));
        RETURN portion;
    EXCEPTION WHEN SQLSTATE 'RT024' OR SQLSTATE 'RT026' THEN
        NULL;
    END;

    -- one of them is refused: one after the other, to find which
    FOR i IN 1 .. cardinality(portion) LOOP
        CONTINUE WHEN portion[i].kind <> 'base' OR portion[i].outcome IS NOT NULL;
        BEGIN
            PERFORM retail._apply_base_prices(ARRAY[portion[i].price]);
        EXCEPTION WHEN SQLSTATE 'RT024' OR SQLSTATE 'RT026' THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = PG_EXCEPTION_DETAIL;
            portion[i].outcome := CASE state WHEN 'RT024' THEN 'out_of_band' ELSE 'below_floor' END;
            portion[i].detail := message;
        END;
    END LOOP;
    RETURN portion;
END
$$;
COMMENT ON FUNCTION retail._import_bases(retail._import_row[]) IS 'Internal: writes the base prices of a portion, and notes which are refused.';

CREATE FUNCTION retail._import_verdicts(portion retail._import_row[]) RETURNS retail._import_row[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN ARRAY(
        SELECT ROW(r.id, r.line_no, r.sku, r.channel, r.location, r.kind, r.amount, r.price,
            CASE
                WHEN v.outcome <> 'within' THEN v.outcome
                WHEN EXISTS (
                    SELECT
                    FROM retail.price p
                    WHERE p.sku_id = (r.price).sku_id AND p.location_id = (r.price).location_id
                        AND p.channel_id = (r.price).channel_id AND p.currency = (r.price).currency
                        AND p.kind = (r.price).kind AND p.tier = (r.price).tier AND p.min_qty = (r.price).min_qty
                        AND p.withdrawn_at IS NULL AND range_contains(p.valid, (r.price).valid) AND p.amount = (r.price).amount
                        AND p.grant_id IS NOT DISTINCT FROM (r.price).grant_id) THEN 'unchanged'
            END, v.low, v.high, v.detail)::retail._import_row
        FROM (SELECT u.* FROM unnest(portion) WITH ORDINALITY u WHERE u.kind <> 'base' AND u.outcome IS NULL ORDER BY u.ordinality) r
            CROSS JOIN LATERAL retail._price_verdict((r.price).sku_id, (r.price).location_id, (r.price).channel_id,
                (r.price).currency, (r.price).kind, (r.price).amount, (r.price).valid, (r.price).grant_id) v
        UNION ALL
        SELECT ROW(u.id, u.line_no, u.sku, u.channel, u.location, u.kind, u.amount, u.price, coalesce(u.outcome, 'imported'),
            u.low, u.high, u.detail)::retail._import_row
        FROM unnest(portion) u
        WHERE u.kind = 'base' OR u.outcome IS NOT NULL);
END
$$;
COMMENT ON FUNCTION retail._import_verdicts(retail._import_row[]) IS 'Internal: the rows of a portion, each with what becomes of it; NULL: it is to be written.';

CREATE FUNCTION retail.import_prices(batch text DEFAULT '', mode text DEFAULT 'all') RETURNS SETOF retail.price_import_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at_once CONSTANT integer := 10000;      -- rows of a portion, and those of its last SKU
    this_batch CONSTANT text := batch;
    me CONSTANT text := retail._actor();
    first_sku text;
    last_sku text;
    portion retail._import_row[];
    imported bigint := 0;
    unchanged bigint := 0;
    refused bigint := 0;
    undo boolean := false;
BEGIN
    PERFORM retail._check_tables();
    IF batch IS NULL THEN
        RAISE EXCEPTION 'batch must not be null' USING ERRCODE = '22004';
    ELSIF mode IS NULL OR mode NOT IN ('all', 'best_effort') THEN
        RAISE EXCEPTION 'mode "%" is not known', left(mode, 200)
            USING ERRCODE = '22023', HINT = 'Modes are all and best_effort.';
    END IF;

    BEGIN
        -- one import at a time, while others COPY; and all guard rows in the order in which everybody takes them
        LOCK TABLE retail.price_import IN SHARE UPDATE EXCLUSIVE MODE;
        PERFORM
        FROM (
            SELECT
            FROM retail.price_guard g
            WHERE g.sku_id IN (
                SELECT k.id
                FROM retail.price_import i JOIN retail.sku k ON k.code = i.sku
                WHERE i.actor = me AND i.batch = this_batch)
            ORDER BY g.sku_id, g.currency
            FOR NO KEY UPDATE) g;
        LOOP
            SELECT min(n.sku), max(n.sku) INTO first_sku, last_sku
            FROM (
                SELECT coalesce(i.sku, '') AS sku
                FROM retail.price_import i
                WHERE i.actor = me AND i.batch = this_batch AND (last_sku IS NULL OR coalesce(i.sku, '') > last_sku)
                ORDER BY coalesce(i.sku, '')
                LIMIT at_once) n;
            EXIT WHEN first_sku IS NULL;
            portion := retail._import_verdicts(retail._import_bases(retail._read_import(this_batch, me, first_sku, last_sku)));
            PERFORM retail._apply_prices(ARRAY(SELECT r.price FROM unnest(portion) r WHERE r.outcome IS NULL));
            RETURN QUERY
            SELECT r.outcome, r.line_no, r.sku, r.channel, r.location, r.kind, r.amount, r.low, r.high, r.detail, NULL::bigint
            FROM unnest(portion) r
            WHERE r.outcome NOT IN ('imported', 'unchanged')
            ORDER BY r.line_no;
            SELECT imported + count(*) FILTER (WHERE coalesce(r.outcome, 'imported') = 'imported'),
                unchanged + count(*) FILTER (WHERE r.outcome = 'unchanged'),
                refused + count(*) FILTER (WHERE r.outcome NOT IN ('imported', 'unchanged'))
            INTO imported, unchanged, refused
            FROM unnest(portion) r;
            DELETE FROM retail.price_import i
            WHERE i.id IN (SELECT r.id FROM unnest(portion) r WHERE coalesce(r.outcome, 'imported') IN ('imported', 'unchanged'));
        END LOOP;
        undo := mode = 'all' AND refused > 0;
        IF undo THEN
            -- what was answered stays, what was written does not
            RAISE EXCEPTION 'the import is undone' USING ERRCODE = 'P0001';
        END IF;
    EXCEPTION WHEN raise_exception THEN
        IF NOT undo THEN
            RAISE;
        END IF;
        imported := 0;
        unchanged := 0;
    END;
    RETURN QUERY
    SELECT c.outcome, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::numeric, NULL::numeric,
        CASE WHEN undo AND c.outcome = 'imported' THEN 'Nothing was imported, because rows were refused.' END, c.row_count
    FROM (VALUES ('imported', imported), ('unchanged', unchanged), ('refused', refused)) c (outcome, row_count);
END
$$;
COMMENT ON FUNCTION retail.import_prices(text, text) IS
'Sets the prices of a file that was brought into retail.price_import, base prices first.
batch: name of the file, as in the table; mode: all (default: every row, or none where one is refused), best_effort (each row that can be). What was set for the same time before is split, as by set_price(). Rows that were taken, or say what is so already, leave the table; refused ones stay.
Returns a row for each refused one, then how many were imported, unchanged and refused. A second call finds nothing more to do. Waits for another import, and for sessions that change prices of its SKUs.
Errors: 22004 or 22023 bad argument, 40001 please retry.';
