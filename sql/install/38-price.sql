-- Base prices, prices of channels and locations, and what touchpoints are told.
--
-- Every call that sets a price locks the SKU's row in retail.price_guard
-- first, then looks, then writes in one statement; the guard triggers look at
-- what was written once more, as at anybody's.

CREATE FUNCTION retail._guard_price() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'retail_guard_price';
COMMENT ON FUNCTION retail._guard_price() IS
'Internal: lets no price past bands, floors, grants and history, whoever writes it.';

CREATE FUNCTION retail._price_verdict(sku_id integer, location_id integer, channel_id integer, currency text, kind text,
    amount numeric, valid tstzrange, grant_id bigint, OUT outcome text, OUT low numeric, OUT high numeric, OUT base_id bigint,
    OUT base numeric, OUT detail text)
RETURNS record
LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_price_verdict';
COMMENT ON FUNCTION retail._price_verdict(integer, integer, integer, text, text, numeric, tstzrange, bigint) IS
'Internal: whether a price may hold: within, no_base, no_grant, out_of_band or below_floor; what is allowed, and the base price that says so. To be called in FROM only, in order of SKU, currency and beginning where it is called often.';

CREATE TYPE retail._new_price AS (
    sku_id      integer,
    location_id integer,
    channel_id  integer,
    currency    text,
    kind        text,
    tier        text,
    min_qty     bigint,
    amount      numeric,
    valid       tstzrange,
    grant_id    bigint,
    campaign_id bigint
);
COMMENT ON TYPE retail._new_price IS 'Internal: a price to be written; for a base price location, channel, kind, tier and min_qty say nothing.';

CREATE TYPE retail.price_change AS (
    outcome       text,
    price_id      bigint,
    sku           text,
    location      text,
    channel       text,
    kind          text,
    currency      text,
    amount        numeric,
    valid         tstzrange,
    base          numeric,
    low           numeric,
    high          numeric,
    base_id       bigint,
    replaced_ids  bigint[],
    rest_ids      bigint[],
    touched_ids   bigint[],
    detail        text,
    replayed      boolean
);
COMMENT ON TYPE retail.price_change IS
'Answer of the calls that set a price. outcome: set, unchanged (it is so already), or why not: out_of_band, no_base (no base price at some instant), no_grant (the grant does not serve), below_floor; withdrawn, ended; price_id: its row; valid: when it holds; base, low and high: the base price and the prices allowed around it over all that time; base_id: the row of the base price; replaced_ids: rows that end earlier now or were withdrawn; rest_ids: what was left of those, as rows of their own; touched_ids: prices that a change of the base price ended; detail: a sentence; replayed: the answer of an earlier try with the same request_key.';

-- What all of them share ------------------------------------------------------

CREATE FUNCTION retail._lock_price(sku_id integer, currency text, make boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    there boolean;
BEGIN
    LOOP
        PERFORM
        FROM retail.price_guard g
        WHERE g.sku_id = _lock_price.sku_id AND g.currency = _lock_price.currency
        FOR NO KEY UPDATE;
        there := FOUND;
        EXIT WHEN there OR NOT make;
        INSERT INTO retail.price_guard AS g (sku_id, currency, version)
        VALUES (_lock_price.sku_id, _lock_price.currency, nextval('retail.price_version_seq'))
        ON CONFLICT ON CONSTRAINT price_guard_pkey DO NOTHING;
    END LOOP;
    RETURN there;
END
$$;
COMMENT ON FUNCTION retail._lock_price(integer, text, boolean) IS
'Internal: locks what the prices of a SKU in a currency meet on, until the end of the transaction; false: there is none, and make is false.';

CREATE FUNCTION retail._price_sku(sku text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id integer;
BEGIN
    IF sku IS NULL THEN
        RAISE EXCEPTION 'sku must not be null' USING ERRCODE = '22004';
    END IF;
    SELECT k.id INTO found_id FROM retail.sku k WHERE k.code = sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown SKU "%"', left(sku, 200) USING ERRCODE = 'RT001';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION retail._price_sku(text) IS 'Internal: the id of a SKU. Errors: 22004, RT001.';

CREATE FUNCTION retail._price_channel(channel text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id integer;
BEGIN
    IF channel IS NULL THEN
        RETURN 0;
    END IF;
    SELECT c.id INTO found_id FROM retail.channel c WHERE c.code = channel;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown channel "%"', left(channel, 200) USING ERRCODE = 'RT003';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION retail._price_channel(text) IS 'Internal: the id of a channel; 0 for NULL, every channel. Errors: RT003.';

CREATE FUNCTION retail._price_location(location text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id integer;
BEGIN
    IF location IS NULL THEN
        RETURN 0;
    END IF;
    SELECT l.id INTO found_id FROM retail.location l WHERE l.code = location;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown location "%"', left(location, 200) USING ERRCODE = 'RT002';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION retail._price_location(text) IS 'Internal: the id of a location; 0 for NULL, every location. Errors: RT002.';

CREATE FUNCTION retail._check_price_kind(kind text, min_qty bigint, tier text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF kind IS NULL OR kind NOT IN ('list', 'promo', 'member', 'clearance') THEN
        RAISE EXCEPTION 'kind "%" is not known', left(kind, 200)
            USING ERRCODE = '22023', HINT = 'Kinds are list, promo, member and clearance.';
    ELSIF min_qty IS NULL OR min_qty < 1 THEN
        RAISE EXCEPTION 'min_qty must be 1 or more' USING ERRCODE = '22023';
    ELSIF (kind = 'member') <> (tier <> '') OR length(tier) > 200 THEN
        RAISE EXCEPTION 'a tier of 1 to 200 characters belongs to a member price, and to no other' USING ERRCODE = '22023';
    END IF;
END
$$;
COMMENT ON FUNCTION retail._check_price_kind(text, bigint, text) IS 'Internal: raises 22023 where kind, min_qty and tier make no price.';

CREATE FUNCTION retail._price_currency(sku_id integer, currency text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    has text[];
BEGIN
    IF currency IS NULL THEN
        SELECT array_agg(g.currency ORDER BY g.currency) INTO has
        FROM retail.price_guard g WHERE g.sku_id = _price_currency.sku_id;
        IF cardinality(has) = 1 THEN
            RETURN has[1];
        END IF;
        RAISE EXCEPTION 'currency must not be null'
            USING ERRCODE = '22004',
                DETAIL = CASE WHEN has IS NULL THEN 'The SKU has no prices yet.'
                    ELSE format('The SKU has prices in %s.', array_to_string(has, ', ')) END;
    ELSIF NOT EXISTS (SELECT FROM retail.currency c WHERE c.code = _price_currency.currency) THEN
        RAISE EXCEPTION 'currency "%" is not known', left(currency, 200)
            USING ERRCODE = '22023', HINT = 'Make it in retail.currency.';
    END IF;
    RETURN currency;
END
$$;
COMMENT ON FUNCTION retail._price_currency(integer, text) IS
'Internal: the currency, or for NULL the one the SKU has prices in. Errors: 22004 there is none, or several; 22023 it is not known.';

CREATE FUNCTION retail._price_validity(valid tstzrange) RETURNS tstzrange
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    from_at timestamptz := coalesce(lower(valid), retail.now());
    until_at CONSTANT timestamptz := nullif(upper(valid), 'infinity');
BEGIN
    IF valid IS NULL THEN
        RETURN tstzrange(retail.now(), NULL);
    ELSIF isempty(valid) OR (NOT lower_inf(valid) AND NOT lower_inc(valid)) OR upper_inc(valid) OR NOT isfinite(from_at)
        OR until_at = '-infinity' OR until_at <= from_at THEN
        RAISE EXCEPTION 'validity % is not a time a price can hold', valid
            USING ERRCODE = '22023',
                DETAIL = 'It begins at an instant, which it includes, and ends at a later one, which it does not, or never.',
                HINT = 'Write tstzrange(from, until); NULL for from is now, NULL for until is until further notice.';
    END IF;
    -- now() of the caller is the beginning of his transaction, and he means now
    IF from_at = now() AND from_at < retail.now() AND (until_at IS NULL OR until_at > retail.now()) THEN
        from_at := retail.now();
    END IF;
    RETURN tstzrange(from_at, until_at);
END
$$;
COMMENT ON FUNCTION retail._price_validity(tstzrange) IS 'Internal: a validity as it is stored; without a beginning: from now. Errors: 22023.';

CREATE FUNCTION retail._price_amount(amount numeric, currency text) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    decimals CONSTANT integer := (SELECT c.decimals FROM retail.currency c WHERE c.code = _price_amount.currency);
BEGIN
    IF amount IS NULL THEN
        RAISE EXCEPTION 'amount must not be null' USING ERRCODE = '22004';
    ELSIF NOT (amount > 0 AND amount <= 922337203685477) THEN
        RAISE EXCEPTION 'amount % is not a price', amount
            USING ERRCODE = '22023', HINT = 'A price is above 0, and at most 922337203685477.';
    ELSIF scale(trim_scale(amount)) > decimals THEN
        RAISE EXCEPTION 'amount % has more decimals than %', trim_scale(amount), currency
            USING ERRCODE = 'RT021', DETAIL = format('The currency has %s.', decimals);
    END IF;
    RETURN round(amount, decimals);
END
$$;
COMMENT ON FUNCTION retail._price_amount(numeric, text) IS
'Internal: an amount with all decimals of its currency. Errors: 22004, 22023 not a price, RT021 too many decimals.';

CREATE FUNCTION retail._apply_base_prices(prices retail._new_price[])
RETURNS TABLE (replaced_ids bigint[], new_ids bigint[], rest_ids bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at CONSTANT timestamptz := retail.now();
BEGIN
    -- One statement, so that the guard sees it when all is done: an end moved
    -- where that is enough, else the row withdrawn and its rests written anew.
    RETURN QUERY
    WITH new_price AS MATERIALIZED (
        SELECT * FROM unnest(prices) n
    ), span AS MATERIALIZED (
        SELECT n.sku_id, n.currency, range_agg(n.valid) AS covered
        FROM new_price n
        GROUP BY n.sku_id, n.currency
    ), was AS MATERIALIZED (
        SELECT o.*, r.rest,
            upper(o.valid) IS DISTINCT FROM upper(r.rest) AND lower(r.rest) = lower(o.valid)
                AND r.rest = tstzmultirange(range_merge(r.rest)) AND upper(r.rest) >= at AS ends
        FROM span s
            JOIN retail.base_price o ON o.sku_id = s.sku_id
                AND o.currency = s.currency
                AND o.withdrawn_at IS NULL AND o.valid && range_merge(s.covered)
            CROSS JOIN LATERAL (SELECT tstzmultirange(o.valid) - s.covered AS rest) r
        WHERE o.valid && s.covered
    ), cut AS (
        UPDATE retail.base_price o
        SET valid = CASE WHEN w.ends THEN range_merge(w.rest) ELSE o.valid END,
            withdrawn_at = CASE WHEN w.ends THEN NULL ELSE greatest(at, o.recorded_at) END
        FROM was w
        WHERE o.id = w.id
        RETURNING o.id
    ), written AS (
        INSERT INTO retail.base_price (sku_id, currency, amount, valid, split_from)
        SELECT n.sku_id, n.currency, n.amount, n.valid, NULL
        FROM new_price n
        UNION ALL
        SELECT o.sku_id, o.currency, o.amount, x.valid, o.id
        FROM was o
            CROSS JOIN LATERAL unnest(o.rest) x (valid)
        WHERE NOT o.ends
        RETURNING id, split_from
    )
    SELECT (SELECT array_agg(c.id ORDER BY c.id) FROM cut c),
        array_agg(w.id ORDER BY w.id) FILTER (WHERE w.split_from IS NULL),
        array_agg(w.id ORDER BY w.id) FILTER (WHERE w.split_from IS NOT NULL)
    FROM written w;
END
$$;
COMMENT ON FUNCTION retail._apply_base_prices(retail._new_price[]) IS
'Internal: writes base prices that do not overlap each other, and splits what was there. The guard rows are locked.';

CREATE FUNCTION retail._apply_prices(prices retail._new_price[])
RETURNS TABLE (replaced_ids bigint[], new_ids bigint[], rest_ids bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at CONSTANT timestamptz := retail.now();
BEGIN
    -- One statement, so that the guard sees it when all is done: an end moved
    -- where that is enough, else the row withdrawn and its rests written anew.
    RETURN QUERY
    WITH new_price AS MATERIALIZED (
        SELECT * FROM unnest(prices) n
    ), span AS MATERIALIZED (
        SELECT n.sku_id, n.location_id, n.channel_id, n.currency, n.kind, n.tier, n.min_qty, range_agg(n.valid) AS covered
        FROM new_price n
        GROUP BY n.sku_id, n.location_id, n.channel_id, n.currency, n.kind, n.tier, n.min_qty
    ), was AS MATERIALIZED (
        SELECT o.*, r.rest,
            upper(o.valid) IS DISTINCT FROM upper(r.rest) AND lower(r.rest) = lower(o.valid)
                AND r.rest = tstzmultirange(range_merge(r.rest)) AND upper(r.rest) >= at AS ends
        FROM span s
            JOIN retail.price o ON o.sku_id = s.sku_id
                AND o.location_id = s.location_id
                AND o.channel_id = s.channel_id
                AND o.currency = s.currency
                AND o.kind = s.kind
                AND o.tier = s.tier
                AND o.min_qty = s.min_qty
                AND o.withdrawn_at IS NULL
            CROSS JOIN LATERAL (SELECT tstzmultirange(o.valid) - s.covered AS rest) r
        -- as a function, so that price_seek_idx finds the rows of this one scope, and not
        -- the index of the constraint those of the SKU
        WHERE range_overlaps_multirange(o.valid, s.covered)
    ), cut AS (
        UPDATE retail.price o
        SET valid = CASE WHEN w.ends THEN range_merge(w.rest) ELSE o.valid END,
            withdrawn_at = CASE WHEN w.ends THEN NULL ELSE greatest(at, o.recorded_at) END
        FROM was w
        WHERE o.id = w.id
        RETURNING o.id
    ), written AS (
        INSERT INTO retail.price (sku_id, location_id, channel_id, currency, kind, tier, min_qty, amount, grant_id, campaign_id, valid, split_from)
        SELECT n.sku_id, n.location_id, n.channel_id, n.currency, n.kind, n.tier, n.min_qty, n.amount, n.grant_id, n.campaign_id, n.valid, NULL
        FROM new_price n
        UNION ALL
        SELECT o.sku_id, o.location_id, o.channel_id, o.currency, o.kind, o.tier, o.min_qty, o.amount, o.grant_id, o.campaign_id, x.valid, o.id
        FROM was o
            CROSS JOIN LATERAL unnest(o.rest) x (valid)
        WHERE NOT o.ends
        RETURNING id, split_from
    )
    SELECT (SELECT array_agg(c.id ORDER BY c.id) FROM cut c),
        array_agg(w.id ORDER BY w.id) FILTER (WHERE w.split_from IS NULL),
        array_agg(w.id ORDER BY w.id) FILTER (WHERE w.split_from IS NOT NULL)
    FROM written w;
END
$$;
COMMENT ON FUNCTION retail._apply_prices(retail._new_price[]) IS
'Internal: writes prices that do not overlap each other, and splits what was there. The guard rows are locked.';

-- Setting a price -------------------------------------------------------------

CREATE FUNCTION retail.set_base_price(sku text, amount numeric, currency text DEFAULT NULL, valid tstzrange DEFAULT NULL,
    request_key text DEFAULT NULL)
RETURNS retail.price_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb := retail._request_begin(request_key, 'set_base_price', jsonb_build_array(sku, amount, currency, valid));
    this_sku integer;
    was_version bigint;
    written record;
    result retail.price_change;
    state text;
    message text;
BEGIN
    IF answer IS NOT NULL THEN
        result := jsonb_populate_record(NULL::retail.price_change, answer);
        result.replayed := true;
        RETURN result;
    END IF;
    PERFORM retail._check_tables();
    this_sku := retail._price_sku(sku);
    result.sku := sku;
    result.kind := 'base';
    result.currency := retail._price_currency(this_sku, currency);
    result.amount := retail._price_amount(amount, result.currency);
    result.valid := retail._price_validity(valid);
    result.replayed := false;

    BEGIN
        PERFORM retail._lock_price(this_sku, result.currency, true);
        was_version := nextval('retail.price_version_seq');
        SELECT b.id INTO result.price_id
        FROM retail.base_price b
        WHERE b.sku_id = this_sku AND b.currency = result.currency AND b.withdrawn_at IS NULL
            AND b.valid @> result.valid AND b.amount = result.amount;
        IF FOUND THEN
            result.outcome := 'unchanged';
        ELSE
            SELECT * INTO written
            FROM retail._apply_base_prices(ARRAY[ROW(this_sku, 0, 0, result.currency, NULL, NULL, NULL, result.amount,
                result.valid, NULL, NULL)::retail._new_price]);
            result.outcome := 'set';
            result.price_id := written.new_ids[1];
            result.replaced_ids := written.replaced_ids;
            result.rest_ids := written.rest_ids;
        END IF;
    EXCEPTION WHEN SQLSTATE 'RT024' OR SQLSTATE 'RT026' THEN
        -- a refusal, which an application branches on
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = PG_EXCEPTION_DETAIL;
        result.outcome := CASE state WHEN 'RT024' THEN 'out_of_band' ELSE 'below_floor' END;
        result.detail := message;
    END;
    IF result.outcome = 'set' THEN
        -- what the policy close has ended, of which each left an event
        SELECT array_agg(DISTINCT e.price_id ORDER BY e.price_id) INTO result.touched_ids
        FROM retail.price_event e
        WHERE e.sku_id = this_sku AND e.currency = result.currency AND e.version > was_version AND NOT e.is_base;
    END IF;
    PERFORM retail._request_end(request_key, 'set_base_price',
        CASE WHEN result.outcome IN ('set', 'unchanged') THEN to_jsonb(result) END);
    RETURN result;
END
$$;
COMMENT ON FUNCTION retail.set_base_price(text, numeric, text, tstzrange, text) IS
'Sets the base price of a SKU: what bands are measured from, and the list price where a channel has none of its own.
sku: code; amount: price of one base unit, above 0; currency: NULL: the one the SKU has prices in; valid: when it holds, NULL: from now until further notice; request_key: makes a retry safe. What was set for that time before is split. Of prices that hold and would be left outside their band the policy of retail.price_rule decides: reject, flag or close.
Returns price_change: set, unchanged, out_of_band (prices would be left outside; detail names one), below_floor. Waits for a session that changes prices of the SKU.
Errors: RT001 unknown SKU, RT005 request key used for another request, RT021 too many decimals, 22004 or 22023 bad argument, 40001 please retry.';

CREATE FUNCTION retail.set_price(sku text, channel text, location text, amount numeric, valid tstzrange DEFAULT NULL,
    kind text DEFAULT 'list', grant_id bigint DEFAULT NULL, request_key text DEFAULT NULL, currency text DEFAULT NULL,
    min_qty bigint DEFAULT 1, tier text DEFAULT NULL)
RETURNS retail.price_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb := retail._request_begin(request_key, 'set_price',
        jsonb_build_array(sku, channel, location, amount, valid, kind, grant_id, currency, min_qty, tier));
    this_sku integer;
    this_channel integer;
    this_location integer;
    this_tier CONSTANT text := coalesce(tier, '');
    verdict record;
    written record;
    result retail.price_change;
BEGIN
    IF answer IS NOT NULL THEN
        result := jsonb_populate_record(NULL::retail.price_change, answer);
        result.replayed := true;
        RETURN result;
    END IF;
    PERFORM retail._check_tables();
    PERFORM retail._check_price_kind(kind, min_qty, this_tier);
    this_sku := retail._price_sku(sku);
    this_channel := retail._price_channel(channel);
    this_location := retail._price_location(location);
    result.sku := sku;
    result.channel := channel;
    result.location := location;
    result.kind := kind;
    result.currency := retail._price_currency(this_sku, currency);
    result.amount := retail._price_amount(amount, result.currency);
    result.valid := retail._price_validity(valid);
    result.replayed := false;
    PERFORM retail._lock_price(this_sku, result.currency, false);

    SELECT v.* INTO verdict
    FROM retail._price_verdict(this_sku, this_location, this_channel, result.currency, kind, result.amount, result.valid,
        grant_id) v;
    result.base := verdict.base;
    result.low := verdict.low;
    result.high := verdict.high;
    result.base_id := verdict.base_id;
    result.detail := verdict.detail;
    IF verdict.outcome <> 'within' THEN
        result.outcome := verdict.outcome;
        PERFORM retail._request_end(request_key, 'set_price', NULL);
        RETURN result;
    END IF;

    SELECT p.id INTO result.price_id
    FROM retail.price p
    WHERE p.sku_id = this_sku AND p.location_id = this_location AND p.channel_id = this_channel
        AND p.currency = result.currency AND p.kind = set_price.kind AND p.tier = this_tier AND p.min_qty = set_price.min_qty
        AND p.withdrawn_at IS NULL AND range_contains(p.valid, result.valid) AND p.amount = result.amount
        AND p.grant_id IS NOT DISTINCT FROM set_price.grant_id;
    IF FOUND THEN
        result.outcome := 'unchanged';
    ELSE
        SELECT * INTO written
        FROM retail._apply_prices(ARRAY[ROW(this_sku, this_location, this_channel, result.currency, kind, this_tier, min_qty,
            result.amount, result.valid, grant_id, NULL)::retail._new_price]);
        result.outcome := 'set';
        result.price_id := written.new_ids[1];
        result.replaced_ids := written.replaced_ids;
        result.rest_ids := written.rest_ids;
    END IF;
    PERFORM retail._request_end(request_key, 'set_price', to_jsonb(result));
    RETURN result;
END
$$;
COMMENT ON FUNCTION retail.set_price(text, text, text, numeric, tstzrange, text, bigint, text, text, bigint, text) IS
'Sets the price of a SKU in a channel, at a location, or both.
sku: code; channel, location: codes, NULL: every one; amount: price of one base unit, above 0; valid: when it holds, NULL: from now until further notice; kind: list, promo, member or clearance; grant_id: the grant that lets it be outside the band; request_key: makes a retry safe; currency: NULL: the one the SKU has prices in; min_qty: from how many base units on, 1 or more; tier: published tier of a member price. What was set for that time before is split.
Returns price_change: set, unchanged, or nothing done: out_of_band, no_base, no_grant, below_floor, each with what is allowed. Waits for a session that changes prices of the SKU.
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, RT005 request key used for another request, RT021 too many decimals, 22004 or 22023 bad argument, 40001 please retry.';

CREATE FUNCTION retail.withdraw_price(price_id bigint, ends_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.price_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer jsonb := retail._request_begin(request_key, 'withdraw_price', jsonb_build_array(price_id, ends_at));
    instant CONSTANT timestamptz := greatest(coalesce(ends_at, retail.now()), retail.now());
    price record;
    result retail.price_change;
BEGIN
    IF answer IS NOT NULL THEN
        result := jsonb_populate_record(NULL::retail.price_change, answer);
        result.replayed := true;
        RETURN result;
    END IF;
    PERFORM retail._check_tables();
    IF price_id IS NULL THEN
        RAISE EXCEPTION 'price_id must not be null' USING ERRCODE = '22004';
    ELSIF NOT isfinite(instant) THEN
        RAISE EXCEPTION 'ends_at must be finite' USING ERRCODE = '22023';
    END IF;
    SELECT p.sku_id, p.currency INTO price FROM retail.price p WHERE p.id = withdraw_price.price_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no price has the id %', price_id USING ERRCODE = 'RT023';
    END IF;
    PERFORM retail._lock_price(price.sku_id, price.currency, false);
    SELECT k.code AS sku, l.code AS location, c.code AS channel, p.kind, p.currency, p.amount, p.valid, p.withdrawn_at INTO price
    FROM retail.price p
        JOIN retail.sku k ON k.id = p.sku_id
        LEFT JOIN retail.location l ON l.id = p.location_id
        LEFT JOIN retail.channel c ON c.id = p.channel_id
    WHERE p.id = withdraw_price.price_id;
    result.price_id := price_id;
    result.sku := price.sku;
    result.location := price.location;
    result.channel := price.channel;
    result.kind := price.kind;
    result.currency := price.currency;
    result.amount := price.amount;
    result.valid := price.valid;
    result.replayed := false;
    IF price.withdrawn_at IS NOT NULL OR upper(price.valid) <= instant THEN
        result.outcome := 'unchanged';
    ELSIF lower(price.valid) < instant THEN
        UPDATE retail.price p SET valid = tstzrange(lower(p.valid), instant)
        WHERE p.id = withdraw_price.price_id
        RETURNING p.valid INTO result.valid;
        result.outcome := 'ended';
    ELSE
        UPDATE retail.price p SET withdrawn_at = greatest(retail.now(), p.recorded_at) WHERE p.id = withdraw_price.price_id;
        result.outcome := 'withdrawn';
    END IF;
    PERFORM retail._request_end(request_key, 'withdraw_price', to_jsonb(result));
    RETURN result;
END
$$;
COMMENT ON FUNCTION retail.withdraw_price(bigint, timestamptz, text) IS
'Ends a price, so that the less specific one holds again.
price_id: its row; ends_at: when, NULL or past: now; request_key: makes a retry safe. One that would not have begun by then is withdrawn as a whole.
Returns price_change: ended, withdrawn, or unchanged (it has ended by then, or was withdrawn). Waits for a session that changes prices of the SKU.
Errors: RT023 no such price, RT005 request key used for another request, 22004 or 22023 bad argument, 40001 please retry.';

-- A base price that changes under prices that hold ----------------------------

CREATE FUNCTION retail._flag_prices(ids bigint[], instants timestamptz[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO retail.price_alert AS a (rule, sku_id, location_id, channel_id, currency, price_id, detail, first_seen_on, last_seen_on)
    SELECT DISTINCT ON (p.sku_id, p.location_id, p.channel_id, p.currency)
        'R1', p.sku_id, p.location_id, p.channel_id, p.currency, p.id,
        jsonb_build_object('amount', p.amount, 'since', f.at, 'cause', 'base price changed'), d.today, d.today
    FROM unnest(ids, instants) f (id, at)
        JOIN retail.price p ON p.id = f.id
        LEFT JOIN retail.location l ON l.id = p.location_id
        CROSS JOIN LATERAL (
            SELECT (retail.now() AT TIME ZONE coalesce(l.time_zone, current_setting('TimeZone')))::date AS today) d
    ORDER BY p.sku_id, p.location_id, p.channel_id, p.currency, f.at, p.id
    -- it comes back as it does for the scan
    ON CONFLICT ON CONSTRAINT price_alert_scope_key DO UPDATE
    SET price_id = EXCLUDED.price_id, detail = EXCLUDED.detail, last_seen_on = greatest(a.last_seen_on, EXCLUDED.last_seen_on),
        status = CASE WHEN a.status = 'resolved' OR a.status = 'waived'
            AND (a.waived_until <= retail.now() OR a.price_id IS DISTINCT FROM EXCLUDED.price_id) THEN 'open' ELSE a.status END,
        opened = a.opened + CASE WHEN a.status = 'resolved' OR a.status = 'waived'
            AND (a.waived_until <= retail.now() OR a.price_id IS DISTINCT FROM EXCLUDED.price_id) THEN 1 ELSE 0 END,
        opened_at = CASE WHEN a.status = 'resolved' OR a.status = 'waived'
            AND (a.waived_until <= retail.now() OR a.price_id IS DISTINCT FROM EXCLUDED.price_id) THEN retail.now() ELSE a.opened_at END;
END
$$;
COMMENT ON FUNCTION retail._flag_prices(bigint[], timestamptz[]) IS
'Internal: opens an alert for each price that a change of the base price leaves outside its band, under the policy flag.';

-- What touchpoints are told ---------------------------------------------------

-- Put into the statements that call it, so it says where its function is.
CREATE FUNCTION retail._price_payload(sku text, location text, channel text, version bigint, change text, effective_at timestamptz,
    until timestamptz, kind text, tier text, min_qty bigint, price numeric, currency text, price_id bigint) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.jsonb_build_object('sku', $1, 'location', $2, 'channel', $3, 'version', $4, 'change', $5, 'effective_at', $6,
        'until', $7, 'kind', $8, 'tier', $9, 'min_qty', $10, 'price', $11, 'currency', $12, 'price_id', $13)
$$;
COMMENT ON FUNCTION retail._price_payload(text, text, text, bigint, text, timestamptz, timestamptz, text, text, bigint, numeric, text, bigint) IS
'Internal: what an event of a price says to touchpoints.';

CREATE FUNCTION retail._publish_base_prices() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at CONSTANT timestamptz := retail.now();
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- history, and what was left of a row, is no news
        WITH news AS MATERIALIZED (
            SELECT nextval('retail.price_version_seq') AS version, q.*
            FROM (
                SELECT n.id, n.sku_id, 0 AS location_id, 0 AS channel_id, n.currency, 'base' AS kind, '' AS tier, 1::bigint AS min_qty, n.amount, n.valid,
                    greatest(lower(n.valid), at) AS effective_at, 'set' AS change
                FROM new_rows n
                WHERE n.split_from IS NULL AND n.recorded_at = at AND (upper(n.valid) > at OR upper(n.valid) IS NULL)
                ORDER BY n.sku_id, n.currency, lower(n.valid), n.id
            ) q
    ), event AS (
        INSERT INTO retail.price_event (version, price_id, effective_at, created_at, sku_id, location_id, channel_id, is_base,
            currency, change)
        SELECT n.version, n.id, n.effective_at, at, n.sku_id, n.location_id, n.channel_id, true, n.currency, n.change
        FROM news n
    )
    INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
    SELECT 'price', n.sku_id, nullif(n.location_id, 0),
        retail._price_payload(k.code, l.code, c.code, n.version, n.change, n.effective_at, upper(n.valid), n.kind, n.tier, n.min_qty,
            n.amount, n.currency, n.id)
    FROM news n
        JOIN retail.sku k ON k.id = n.sku_id
        LEFT JOIN retail.location l ON l.id = n.location_id
        LEFT JOIN retail.channel c ON c.id = n.channel_id
    ORDER BY n.version;
        RETURN NULL;
    END IF;

    /*
     * A row that ends elsewhere, or was withdrawn: news from the first instant
     * at which it makes a difference.  Not where a price that was set in its
     * place holds there, which is news itself, or what was left of the row.
     */
    WITH news AS MATERIALIZED (
        SELECT nextval('retail.price_version_seq') AS version, q.*
        FROM (
            SELECT n.*
            FROM (
                SELECT n.id, n.sku_id, 0 AS location_id, 0 AS channel_id, n.currency, 'base' AS kind, '' AS tier, 1::bigint AS min_qty, n.amount, n.valid,
                    CASE
                        WHEN n.withdrawn_at IS NOT NULL THEN greatest(at, lower(n.valid), (
                            SELECT upper(r.valid)
                            FROM retail.base_price r
                            WHERE r.split_from = n.id AND lower(r.valid) = lower(n.valid)))
                        WHEN lower(o.valid) <> lower(n.valid) THEN least(lower(o.valid), lower(n.valid))
                        ELSE least(upper(o.valid), upper(n.valid))
                    END AS effective_at,
                    CASE WHEN n.withdrawn_at IS NULL THEN 'moved' ELSE 'withdrawn' END AS change
                FROM new_rows n
                    JOIN old_rows o ON o.id = n.id
                WHERE o.withdrawn_at IS NULL AND (n.withdrawn_at IS NOT NULL OR o.valid <> n.valid)
                    AND (upper(o.valid) > at OR upper(o.valid) IS NULL)
            ) n
            WHERE (
                -- a probe of the index for each row, whatever the planner thinks of transition tables
                SELECT x.id
                FROM retail.base_price x
                WHERE x.sku_id = n.sku_id AND x.currency = n.currency
                    AND lower(x.valid) <= n.effective_at AND x.valid @> n.effective_at
                    AND x.withdrawn_at IS NULL AND x.recorded_at = at AND x.id <> n.id
                LIMIT 1) IS NULL
            ORDER BY n.sku_id, n.currency, n.effective_at, n.id
        ) q
    ), event AS (
        INSERT INTO retail.price_event (version, price_id, effective_at, created_at, sku_id, location_id, channel_id, is_base,
            currency, change)
        SELECT n.version, n.id, n.effective_at, at, n.sku_id, n.location_id, n.channel_id, true, n.currency, n.change
        FROM news n
    )
    INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
    SELECT 'price', n.sku_id, nullif(n.location_id, 0),
        retail._price_payload(k.code, l.code, c.code, n.version, n.change, n.effective_at, upper(n.valid), n.kind, n.tier, n.min_qty,
            n.amount, n.currency, n.id)
    FROM news n
        JOIN retail.sku k ON k.id = n.sku_id
        LEFT JOIN retail.location l ON l.id = n.location_id
        LEFT JOIN retail.channel c ON c.id = n.channel_id
    ORDER BY n.version;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._publish_base_prices() IS
'Internal: writes each change of base prices into retail.price_event and the outbox, with the next version.';

CREATE FUNCTION retail._publish_prices() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at CONSTANT timestamptz := retail.now();
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- history, and what was left of a row, is no news
        WITH news AS MATERIALIZED (
            SELECT nextval('retail.price_version_seq') AS version, q.*
            FROM (
                SELECT n.id, n.sku_id, n.location_id, n.channel_id, n.currency, n.kind, n.tier, n.min_qty, n.amount, n.valid,
                    greatest(lower(n.valid), at) AS effective_at, 'set' AS change
                FROM new_rows n
                WHERE n.split_from IS NULL AND n.recorded_at = at AND (upper(n.valid) > at OR upper(n.valid) IS NULL)
                ORDER BY n.sku_id, n.currency, lower(n.valid), n.id
            ) q
    ), event AS (
        INSERT INTO retail.price_event (version, price_id, effective_at, created_at, sku_id, location_id, channel_id, is_base,
            currency, change)
        SELECT n.version, n.id, n.effective_at, at, n.sku_id, n.location_id, n.channel_id, false, n.currency, n.change
        FROM news n
    )
    INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
    SELECT 'price', n.sku_id, nullif(n.location_id, 0),
        retail._price_payload(k.code, l.code, c.code, n.version, n.change, n.effective_at, upper(n.valid), n.kind, n.tier, n.min_qty,
            n.amount, n.currency, n.id)
    FROM news n
        JOIN retail.sku k ON k.id = n.sku_id
        LEFT JOIN retail.location l ON l.id = n.location_id
        LEFT JOIN retail.channel c ON c.id = n.channel_id
    ORDER BY n.version;
        RETURN NULL;
    END IF;

    /*
     * A row that ends elsewhere, or was withdrawn: news from the first instant
     * at which it makes a difference.  Not where a price that was set in its
     * place holds there, which is news itself, or what was left of the row.
     */
    WITH news AS MATERIALIZED (
        SELECT nextval('retail.price_version_seq') AS version, q.*
        FROM (
            SELECT n.*
            FROM (
                SELECT n.id, n.sku_id, n.location_id, n.channel_id, n.currency, n.kind, n.tier, n.min_qty, n.amount, n.valid,
                    CASE
                        WHEN n.withdrawn_at IS NOT NULL THEN greatest(at, lower(n.valid), (
                            SELECT upper(r.valid)
                            FROM retail.price r
                            WHERE r.split_from = n.id AND lower(r.valid) = lower(n.valid)))
                        WHEN lower(o.valid) <> lower(n.valid) THEN least(lower(o.valid), lower(n.valid))
                        ELSE least(upper(o.valid), upper(n.valid))
                    END AS effective_at,
                    CASE WHEN n.withdrawn_at IS NULL THEN 'moved' ELSE 'withdrawn' END AS change
                FROM new_rows n
                    JOIN old_rows o ON o.id = n.id
                WHERE o.withdrawn_at IS NULL AND (n.withdrawn_at IS NOT NULL OR o.valid <> n.valid)
                    AND (upper(o.valid) > at OR upper(o.valid) IS NULL)
            ) n
            WHERE (
                -- a probe of the index for each row, whatever the planner thinks of transition tables
                SELECT x.id
                FROM retail.price x
                WHERE x.sku_id = n.sku_id AND x.location_id = n.location_id AND x.channel_id = n.channel_id
                    AND x.currency = n.currency AND x.kind = n.kind AND x.tier = n.tier AND x.min_qty = n.min_qty
                    AND lower(x.valid) <= n.effective_at AND range_contains_elem(x.valid, n.effective_at)
                    AND x.withdrawn_at IS NULL AND x.recorded_at = at AND x.id <> n.id
                LIMIT 1) IS NULL
            ORDER BY n.sku_id, n.currency, n.effective_at, n.id
        ) q
    ), event AS (
        INSERT INTO retail.price_event (version, price_id, effective_at, created_at, sku_id, location_id, channel_id, is_base,
            currency, change)
        SELECT n.version, n.id, n.effective_at, at, n.sku_id, n.location_id, n.channel_id, false, n.currency, n.change
        FROM news n
    )
    INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
    SELECT 'price', n.sku_id, nullif(n.location_id, 0),
        retail._price_payload(k.code, l.code, c.code, n.version, n.change, n.effective_at, upper(n.valid), n.kind, n.tier, n.min_qty,
            n.amount, n.currency, n.id)
    FROM news n
        JOIN retail.sku k ON k.id = n.sku_id
        LEFT JOIN retail.location l ON l.id = n.location_id
        LEFT JOIN retail.channel c ON c.id = n.channel_id
    ORDER BY n.version;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._publish_prices() IS
'Internal: writes each change of prices into retail.price_event and the outbox, with the next version.';

CREATE FUNCTION retail.acknowledge_label(location text, sku text, channel text, version bigint, currency text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    this_location CONSTANT integer := retail._price_location(location);
    this_channel CONSTANT integer := retail._price_channel(channel);
    this_sku CONSTANT integer := retail._price_sku(sku);
    this_currency text;
BEGIN
    PERFORM retail._check_tables();
    IF this_location = 0 OR this_channel = 0 OR version IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN this_location = 0 THEN 'location' WHEN this_channel = 0 THEN 'channel' ELSE 'version' END
            USING ERRCODE = '22004';
    END IF;
    this_currency := retail._price_currency(this_sku, currency);
    IF NOT EXISTS (
        SELECT
        FROM retail.price_event e
        WHERE e.version = version AND e.sku_id = this_sku AND e.currency = this_currency
            AND e.location_id IN (0, this_location) AND e.channel_id IN (0, this_channel)) THEN
        RETURN 'unknown';
    END IF;
    INSERT INTO retail.label_ack AS a (location_id, sku_id, channel_id, currency, version, acked_at, actor)
    VALUES (this_location, this_sku, this_channel, this_currency, version, retail.now(), retail._actor())
    ON CONFLICT ON CONSTRAINT label_ack_pkey DO UPDATE
    SET version = EXCLUDED.version, acked_at = EXCLUDED.acked_at, actor = EXCLUDED.actor
    WHERE a.version < EXCLUDED.version;
    RETURN CASE WHEN FOUND THEN 'acknowledged' ELSE 'stale' END;
END
$$;
COMMENT ON FUNCTION retail.acknowledge_label(text, text, text, bigint, text) IS
'A touchpoint says that it shows, or has stored, a version of a SKU''s price.
location, sku, channel: codes, of the touchpoint; version: from the event; currency: NULL: the one the SKU has prices in.
Returns acknowledged, stale (it had a greater or the same version already: nothing is changed), or unknown (no event of that version was for this touchpoint).
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, 22004 or 22023 bad argument.';

CREATE FUNCTION retail._keep_currency() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM retail.price_guard g WHERE g.currency = OLD.code) THEN
        RAISE EXCEPTION 'currency "%" is in use', OLD.code
            USING ERRCODE = 'RT011',
                DETAIL = 'There are prices in it.',
                HINT = 'Its name may be changed; for other decimals make another currency.';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION retail._keep_currency() IS 'Internal: refuses to delete a currency that prices are in, or to change its code or decimals.';

-- Does everything still add up? -----------------------------------------------

CREATE FUNCTION retail._verify_prices()
RETURNS TABLE (check_name text, sku text, location text, expected bigint, found bigint, detail text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT 'price_overlap', coalesce(k.code, '#' || w.sku_id), CASE WHEN w.location_id <> 0 THEN coalesce(l.code, '#' || w.location_id) END,
        w.other, w.id, w.detail
    FROM (
        SELECT b.sku_id, 0 AS location_id, b.id, b.other,
            format('base prices %s and %s in %s hold at one instant', b.other, b.id, b.currency) AS detail
        FROM (
            SELECT b.*, lag(b.id) OVER same AS other, max(coalesce(upper(b.valid), 'infinity')) OVER before AS until
            FROM retail.base_price b
            WHERE b.withdrawn_at IS NULL
            WINDOW same AS (PARTITION BY b.sku_id, b.currency ORDER BY lower(b.valid), b.id),
                before AS (same ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) b
        WHERE b.until > lower(b.valid)
        UNION ALL
        SELECT p.sku_id, p.location_id, p.id, p.other,
            format('prices %s and %s of one scope hold at one instant', p.other, p.id)
        FROM (
            SELECT p.*, lag(p.id) OVER same AS other, max(coalesce(upper(p.valid), 'infinity')) OVER before AS until
            FROM retail.price p
            WHERE p.withdrawn_at IS NULL
            WINDOW same AS (PARTITION BY p.sku_id, p.location_id, p.channel_id, p.currency, p.kind, p.tier, p.min_qty
                    ORDER BY lower(p.valid), p.id),
                before AS (same ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) p
        WHERE p.until > lower(p.valid)
    ) w
        LEFT JOIN retail.sku k ON k.id = w.sku_id
        LEFT JOIN retail.location l ON l.id = w.location_id;

    RETURN QUERY
    SELECT 'unknown_id', coalesce(k.code, '#' || w.sku_id), CASE WHEN w.location_id <> 0 THEN coalesce(l.code, '#' || w.location_id) END,
        0::bigint, w.id,
        format('%s %s of a %s that is not there', w.what, w.id,
            CASE WHEN k.id IS NULL THEN 'SKU' WHEN u.code IS NULL THEN 'currency'
                WHEN w.location_id <> 0 AND l.id IS NULL THEN 'location' ELSE 'channel' END)
    FROM (
        SELECT 'price' AS what, p.id, p.sku_id, p.location_id, p.channel_id, p.currency
        FROM retail.price p
        UNION ALL
        SELECT 'base price', b.id, b.sku_id, 0, 0, b.currency
        FROM retail.base_price b
    ) w
        LEFT JOIN retail.sku k ON k.id = w.sku_id
        LEFT JOIN retail.currency u ON u.code = w.currency
        LEFT JOIN retail.location l ON l.id = w.location_id
        LEFT JOIN retail.channel c ON c.id = w.channel_id
    WHERE k.id IS NULL OR u.code IS NULL OR (w.location_id <> 0 AND l.id IS NULL) OR (w.channel_id <> 0 AND c.id IS NULL);

    -- readers go by the guard row: without one there is no price for them
    RETURN QUERY
    SELECT 'price_guard', coalesce(k.code, '#' || w.sku_id), NULL::text, 1::bigint, 0::bigint,
        format('prices in %s have no row in retail.price_guard', w.currency)
    FROM (
        SELECT b.sku_id, b.currency FROM retail.base_price b
        UNION
        SELECT p.sku_id, p.currency FROM retail.price p
        EXCEPT
        SELECT g.sku_id, g.currency FROM retail.price_guard g
    ) w
        LEFT JOIN retail.sku k ON k.id = w.sku_id;

    -- what is written to a child passes no trigger of its parent
    RETURN QUERY
    SELECT 'price_guard', NULL::text, NULL::text, 0::bigint, 1::bigint,
        format('table %s inherits from %s and has no guard', i.inhrelid::regclass, i.inhparent::regclass)
    FROM pg_inherits i
    WHERE i.inhparent IN ('retail.base_price'::regclass, 'retail.price'::regclass);
END
$$;
COMMENT ON FUNCTION retail._verify_prices() IS 'Internal: what verify() finds of prices.';
