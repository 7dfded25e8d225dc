-- Who may set prices outside the band: grants, asked for by one person and
-- approved by another.

CREATE TYPE retail.grant_result AS (
    outcome      text,
    grant_id     bigint,
    status       text,
    grantee      text,
    requested_by text,
    decided_by   text,
    revoked_by   text,
    revoked_at   timestamptz,
    prices       bigint,
    replayed     boolean
);
COMMENT ON TYPE retail.grant_result IS
'A grant after a call. outcome: the status reached (requested, approved, refused, revoked), expired (its time is over, and it cannot be approved any more), or the status that forbids the call; prices: rows under it that it no longer bears, of revoke_grant(); replayed: nothing was changed by this call.';

CREATE FUNCTION retail._guard_grant() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN coalesce(NEW, OLD);
    ELSIF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'grant % cannot be deleted', OLD.id
            USING ERRCODE = 'RT008', HINT = 'Revoke it with retail.revoke_grant().';
    ELSIF (NEW.id, NEW.grantee, NEW.sku_ids, NEW.categories, NEW.channel_ids, NEW.location_ids, NEW.max_discount_percent, NEW.currency,
            NEW.floor_amount, NEW.cap_amount, NEW.overrides_floor, NEW.valid, NEW.requested_by, NEW.requested_login, NEW.requested_at)
        IS DISTINCT FROM (OLD.id, OLD.grantee, OLD.sku_ids, OLD.categories, OLD.channel_ids, OLD.location_ids, OLD.max_discount_percent,
            OLD.currency, OLD.floor_amount, OLD.cap_amount, OLD.overrides_floor, OLD.valid, OLD.requested_by, OLD.requested_login, OLD.requested_at) THEN
        RAISE EXCEPTION 'grant % cannot be changed', OLD.id
            USING ERRCODE = 'RT008', DETAIL = 'What one person asked for is what another decides on.',
                HINT = 'Ask for another with retail.request_grant().';
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('requested', 'approved'), ('requested', 'refused'), ('approved', 'revoked')) THEN
        RAISE EXCEPTION 'grant % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'RT008', HINT = 'Use retail.approve_grant(), retail.refuse_grant() and retail.revoke_grant().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION retail._guard_grant() IS 'Internal: a grant stays what was asked for, and its status goes only where it may.';

CREATE FUNCTION retail._code_ids(kind text, codes text[]) RETURNS integer[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids integer[];
    missing text;
BEGIN
    IF codes IS NULL THEN
        RETURN NULL;
    ELSIF cardinality(codes) = 0 THEN
        RAISE EXCEPTION 'a list of codes is empty'
            USING ERRCODE = '22023', HINT = 'Leave it out where every one is meant.';
    END IF;
    SELECT array_agg(DISTINCT f.id ORDER BY f.id) FILTER (WHERE f.id IS NOT NULL),
        min(coalesce(w.code, '')) FILTER (WHERE f.id IS NULL)
    INTO ids, missing
    FROM unnest(codes) w (code)
        LEFT JOIN LATERAL (
            SELECT k.id FROM retail.sku k WHERE _code_ids.kind = 'SKU' AND k.code = w.code
            UNION ALL
            SELECT c.id FROM retail.channel c WHERE _code_ids.kind = 'channel' AND c.code = w.code
            UNION ALL
            SELECT l.id FROM retail.location l WHERE _code_ids.kind = 'location' AND l.code = w.code
        ) f ON true;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'unknown % "%"', kind, left(missing, 200)
            USING ERRCODE = CASE kind WHEN 'SKU' THEN 'RT001' WHEN 'location' THEN 'RT002' ELSE 'RT003' END;
    END IF;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION retail._code_ids(text, text[]) IS
'Internal: ids of codes of one kind (SKU, channel, location), each once, in order; NULL of NULL. Errors: RT001, RT002, RT003 unknown code, 22023 no codes.';

CREATE FUNCTION retail._grant_answer(grant_id bigint, outcome text, replayed boolean, prices bigint DEFAULT NULL)
RETURNS retail.grant_result
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce($2, g.status), g.id, g.status, g.grantee, g.requested_by, g.decided_by, g.revoked_by, g.revoked_at, $4, $3
    FROM retail.price_grant g
    WHERE g.id = $1
$$;
COMMENT ON FUNCTION retail._grant_answer(bigint, text, boolean, bigint) IS 'Internal: a grant as an answer; without an outcome its status is.';

CREATE FUNCTION retail.request_grant(grantee text, valid_from timestamptz, valid_until timestamptz, max_discount_percent numeric,
    skus text[] DEFAULT NULL, categories text[] DEFAULT NULL, channels text[] DEFAULT NULL, locations text[] DEFAULT NULL,
    currency text DEFAULT NULL, floor_amount numeric DEFAULT NULL, cap_amount numeric DEFAULT NULL,
    overrides_floor boolean DEFAULT false, reason text DEFAULT '', request_key text DEFAULT NULL)
RETURNS retail.grant_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier jsonb;
    answer retail.grant_result;
    role name;
    new_id bigint;
BEGIN
    PERFORM retail._check_tables();
    earlier := retail._request_begin(request_key, 'request_grant', jsonb_build_array(grantee, valid_from, valid_until, max_discount_percent,
        to_jsonb(skus), to_jsonb(categories), to_jsonb(channels), to_jsonb(locations), currency, floor_amount, cap_amount,
        overrides_floor, reason));
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.grant_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;

    SELECT r.rolname INTO role FROM pg_roles r WHERE r.rolname = grantee;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'role "%" does not exist', left(grantee, 200)
            USING ERRCODE = '42704', HINT = 'A grant is given to a database role: that of a store, a region, a team.';
    ELSIF valid_from IS NULL OR valid_until IS NULL THEN
        RAISE EXCEPTION 'valid_from and valid_until must be given' USING ERRCODE = '22004';
    ELSIF valid_until <= valid_from OR NOT isfinite(valid_from) OR NOT isfinite(valid_until) THEN
        RAISE EXCEPTION 'valid_until must lie after valid_from' USING ERRCODE = '22023';
    ELSIF valid_until <= retail.now() THEN
        RAISE EXCEPTION 'the grant would be over before it is decided on' USING ERRCODE = '22023';
    ELSIF max_discount_percent IS NULL OR max_discount_percent < 0 OR max_discount_percent >= 100
        OR max_discount_percent <> round(max_discount_percent, 4) THEN
        RAISE EXCEPTION 'max_discount_percent must be 0 to below 100, with up to 4 decimals' USING ERRCODE = '22023';
    ELSIF categories IS NOT NULL AND cardinality(categories) = 0 OR array_position(categories, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'categories must not be empty, nor one of them null'
            USING ERRCODE = '22023', HINT = 'Leave it out where every one is meant.';
    ELSIF overrides_floor IS NULL OR reason IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN reason IS NULL THEN 'reason' ELSE 'overrides_floor' END USING ERRCODE = '22004';
    ELSIF currency IS NULL AND num_nonnulls(floor_amount, cap_amount) > 0 THEN
        RAISE EXCEPTION 'currency must be given with floor_amount or cap_amount' USING ERRCODE = '22004';
    END IF;
    IF currency IS NOT NULL THEN
        PERFORM retail._check_money(coalesce(floor_amount, 0), currency), retail._check_money(coalesce(cap_amount, 0), currency);
        IF floor_amount <= 0 OR cap_amount <= 0 THEN
            RAISE EXCEPTION 'floor_amount and cap_amount must be above 0' USING ERRCODE = '22023';
        END IF;
    END IF;

    INSERT INTO retail.price_grant (grantee, reason, sku_ids, categories, channel_ids, location_ids, max_discount_percent, currency,
        floor_amount, cap_amount, overrides_floor, valid)
    VALUES (role, reason, retail._code_ids('SKU', skus), categories, retail._code_ids('channel', channels),
        retail._code_ids('location', locations), round(max_discount_percent, 4), currency, floor_amount, cap_amount, overrides_floor,
        tstzrange(valid_from, valid_until))
    RETURNING id INTO new_id;
    answer := retail._grant_answer(new_id, NULL, false);
    PERFORM retail._request_end(request_key, 'request_grant', to_jsonb(answer));
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.request_grant(text, timestamptz, timestamptz, numeric, text[], text[], text[], text[], text, numeric, numeric, boolean, text, text) IS
'Asks for a grant: authority to set prices outside the band. Another role decides on it.
grantee: the role that is to have it, and its members; valid_from, valid_until: prices under it hold within that time; max_discount_percent: off the base price, 0 to below 100, up to 4 decimals; skus, categories: what it is for (both left out: everything; both given: either); channels, locations: where (left out: every one, and prices for all of them); currency: the only one it is for, required with an amount; floor_amount: least price; cap_amount: most that may be given away in all, which the scan watches over what is settled (rule R2); overrides_floor: whether prices under it may lie below retail.price_floor, which is approved with approve_floor_override(); reason: in words; request_key: makes a retry safe.
Returns grant_result: requested.
Errors: 42704 no such role, RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, RT005 request key used for another request, RT021 too many decimals, 22023 bad argument, 22004 a NULL argument.';

CREATE FUNCTION retail._decide_grant(grant_id bigint, decision text, may_override boolean) RETURNS retail.grant_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me CONSTANT text := retail._actor();
    g record;
BEGIN
    PERFORM retail._check_tables();
    SELECT p.status, p.requested_by, p.requested_login, p.overrides_floor, p.valid INTO g
    FROM retail.price_grant p
    WHERE p.id = grant_id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no grant %', grant_id USING ERRCODE = 'RT029';
    ELSIF g.status <> 'requested' THEN
        RETURN retail._grant_answer(grant_id, NULL, g.status = decision);
    ELSIF retail._is_me(g.requested_by, g.requested_login) THEN
        RAISE EXCEPTION 'role "%" asked for grant % and cannot decide on it', me, grant_id
            USING ERRCODE = 'RT027',
                DETAIL = 'Who approves is another person than who asks, by role and by login.',
                HINT = 'Have somebody else decide on it.';
    ELSIF decision = 'approved' AND upper(g.valid) <= retail.now() THEN
        RETURN retail._grant_answer(grant_id, 'expired', false);
    ELSIF decision = 'approved' AND g.overrides_floor AND NOT may_override THEN
        RAISE EXCEPTION 'grant % overrides floors', grant_id
            USING ERRCODE = '42501',
                DETAIL = 'Prices below the floor are a right of their own.',
                HINT = 'Have it approved with retail.approve_floor_override(), by a role that may.';
    END IF;
    UPDATE retail.price_grant p SET status = decision, decided_by = me, decided_at = retail.now() WHERE p.id = grant_id;
    RETURN retail._grant_answer(grant_id, NULL, false);
END
$$;
COMMENT ON FUNCTION retail._decide_grant(bigint, text, boolean) IS 'Internal: approves or refuses a grant, as another role than the one that asked.';

CREATE FUNCTION retail.approve_grant(grant_id bigint) RETURNS retail.grant_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN retail._decide_grant(grant_id, 'approved', false);
END
$$;
COMMENT ON FUNCTION retail.approve_grant(bigint) IS
'Approves a grant: as another role than the one that asked for it.
Returns grant_result: approved; expired where its time is over; refused or revoked where it is that. Again it changes nothing. Waits for a call on the same grant.
Errors: RT027 the caller asked for it, RT029 no such grant, 42501 it overrides floors.';

CREATE FUNCTION retail.approve_floor_override(grant_id bigint) RETURNS retail.grant_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN retail._decide_grant(grant_id, 'approved', true);
END
$$;
COMMENT ON FUNCTION retail.approve_floor_override(bigint) IS
'Approves a grant that lets prices lie below their floor, or any other: as another role than the one that asked for it. A right of its own: no level of grant_access() gives it.
Returns and errors as approve_grant(), but for 42501.';

CREATE FUNCTION retail.refuse_grant(grant_id bigint) RETURNS retail.grant_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN retail._decide_grant(grant_id, 'refused', false);
END
$$;
COMMENT ON FUNCTION retail.refuse_grant(bigint) IS
'Refuses a grant that was asked for: as another role than the one that asked.
Returns grant_result: refused; approved or revoked where it is that. Again it changes nothing. Waits for a call on the same grant.
Errors: RT027 the caller asked for it, RT029 no such grant.';

CREATE FUNCTION retail.revoke_grant(grant_id bigint) RETURNS retail.grant_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    at CONSTANT timestamptz := retail.now();
    was text;
    scope record;
    prices bigint := 0;
BEGIN
    PERFORM retail._check_tables();
    -- prices before grants, as whoever sets a price under one does
    FOR scope IN
        SELECT DISTINCT p.sku_id, p.currency FROM retail.price p WHERE p.grant_id = grant_id ORDER BY p.sku_id, p.currency
    LOOP
        PERFORM retail._lock_price(scope.sku_id, scope.currency, false);
    END LOOP;
    SELECT g.status INTO was FROM retail.price_grant g WHERE g.id = grant_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no grant %', grant_id USING ERRCODE = 'RT029';
    ELSIF was <> 'approved' THEN
        RETURN retail._grant_answer(grant_id, NULL, was = 'revoked');
    END IF;
    UPDATE retail.price_grant g SET status = 'revoked', revoked_by = retail._actor(), revoked_at = at WHERE g.id = grant_id;

    -- whoever remembers prices of these SKUs looks again
    UPDATE retail.price_guard g SET version = nextval('retail.price_version_seq')
    WHERE (g.sku_id, g.currency) IN (SELECT p.sku_id, p.currency FROM retail.price p WHERE p.grant_id = grant_id);

    -- the rows stay as they are: until now they were right
    WITH news AS MATERIALIZED (
        SELECT nextval('retail.price_version_seq') AS version, q.*
        FROM (
            SELECT p.id, p.sku_id, p.location_id, p.channel_id, p.currency, p.kind, p.tier, p.min_qty, p.amount, p.valid,
                greatest(lower(p.valid), at) AS effective_at
            FROM retail.price p
            WHERE p.grant_id = grant_id AND p.withdrawn_at IS NULL AND (upper(p.valid) > at OR upper(p.valid) IS NULL)
            ORDER BY p.sku_id, p.currency, lower(p.valid), p.id
        ) q
    ), event AS (
        INSERT INTO retail.price_event (version, price_id, effective_at, created_at, sku_id, location_id, channel_id, is_base,
            currency, change)
        SELECT n.version, n.id, n.effective_at, at, n.sku_id, n.location_id, n.channel_id, false, n.currency, 'withdrawn'
        FROM news n
    )
    INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
    SELECT 'price', n.sku_id, nullif(n.location_id, 0),
        retail._price_payload(k.code, l.code, c.code, n.version, 'withdrawn', n.effective_at, upper(n.valid), n.kind, n.tier, n.min_qty,
            n.amount, n.currency, n.id)
    FROM news n
        JOIN retail.sku k ON k.id = n.sku_id
        LEFT JOIN retail.location l ON l.id = n.location_id
        LEFT JOIN retail.channel c ON c.id = n.channel_id
    ORDER BY n.version;
    GET DIAGNOSTICS prices = ROW_COUNT;
    RETURN retail._grant_answer(grant_id, NULL, false, prices);
END
$$;
COMMENT ON FUNCTION retail.revoke_grant(bigint) IS
'Revokes a grant: from this instant no price under it is quoted any more; what was quoted and frozen before stays. Each such price is announced to its touchpoints as withdrawn; its row stays, so that quotes of the past stay what they were, and the scan (R2) tells where it is still there, also of one that was being set at that very moment.
Returns grant_result: revoked, with how many prices it bore; requested or refused where it was never approved. Again it changes nothing. Waits for sessions that change prices of the same SKUs.
Errors: RT029 no such grant, 40001 please retry.';

-- Campaigns -------------------------------------------------------------------

CREATE TYPE retail.campaign_line AS (
    sku              text,
    amount           numeric,
    discount_percent numeric
);
COMMENT ON TYPE retail.campaign_line IS
'What a campaign asks for a SKU: an amount, or so many percent off the base price that holds when the campaign begins, rounded to the currency, halves away from zero.';

CREATE TYPE retail.campaign_price AS (
    outcome  text,
    campaign text,
    sku      text,
    channel  text,
    location text,
    kind     text,
    currency text,
    amount   numeric,
    base     numeric,
    low      numeric,
    high     numeric,
    price_id bigint,
    detail   text,
    replayed boolean
);
COMMENT ON TYPE retail.campaign_price IS
'A price of a campaign. outcome: set; within (of a dry run: it would be set); out_of_band, no_base, no_grant, below_floor (it is refused, and with it the campaign); exists (a campaign has this code, one row without a SKU); location: NULL: every one; base, low, high: the base price and what is allowed around it over all the time; price_id: its row; replayed: the answer of an earlier try with the same request_key.';

CREATE TYPE retail.campaign_change AS (
    outcome   text,
    campaign  text,
    status    text,
    ended_at  timestamptz,
    ended     bigint,
    withdrawn bigint,
    replayed  boolean
);
COMMENT ON TYPE retail.campaign_change IS
'A campaign after end_campaign(). outcome: ended, or over (its time was over before that); ended: prices that end early; withdrawn: prices that had not begun; replayed: nothing was changed by this call.';

CREATE FUNCTION retail._campaign_prices(lines retail.campaign_line[], channel_ids integer[], location_ids integer[], currency text,
    kind text, valid tstzrange, grant_id bigint) RETURNS SETOF retail._new_price
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    line record;
    this_sku integer;
    amount numeric;
    seen integer[] := ARRAY[]::integer[];
    fine CONSTANT smallint := (SELECT c.decimals FROM retail.currency c WHERE c.code = currency);
BEGIN
    FOR line IN SELECT w.sku, w.amount, w.discount_percent FROM unnest(lines) w LOOP
        this_sku := retail._price_sku(line.sku);
        IF this_sku = ANY (seen) THEN
            RAISE EXCEPTION 'SKU "%" is on two lines', left(line.sku, 200) USING ERRCODE = '22023';
        ELSIF num_nonnulls(line.amount, line.discount_percent) <> 1 THEN
            RAISE EXCEPTION 'the line of SKU "%" needs an amount or a discount_percent, and not both', left(line.sku, 200)
                USING ERRCODE = '22023';
        ELSIF line.discount_percent <= 0 OR line.discount_percent >= 100 THEN
            RAISE EXCEPTION 'discount_percent % is not above 0 and below 100', line.discount_percent USING ERRCODE = '22023';
        END IF;
        seen := seen || this_sku;
        amount := line.amount;
        IF amount IS NULL THEN
            -- without a base price there is no reduced one; the verdict says so
            SELECT greatest(round(b.amount * (100 - line.discount_percent) / 100, fine), power(10::numeric, -fine)) INTO amount
            FROM retail.base_price b
            WHERE b.sku_id = this_sku AND b.currency = currency AND b.withdrawn_at IS NULL AND b.valid @> lower(valid);
            amount := coalesce(amount, 1);
        END IF;
        amount := retail._price_amount(amount, currency);
        RETURN QUERY
        SELECT this_sku, l.id, c.id, currency, kind, '', 1::bigint, amount, valid, grant_id, NULL::bigint
        FROM unnest(channel_ids) c (id)
            CROSS JOIN unnest(location_ids) l (id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail._campaign_prices(retail.campaign_line[], integer[], integer[], text, text, tstzrange, bigint) IS
'Internal: the prices of a campaign, each line in each channel at each location.';

CREATE FUNCTION retail.start_campaign(code text, name text, valid tstzrange, lines retail.campaign_line[], channels text[] DEFAULT NULL,
    locations text[] DEFAULT NULL, currency text DEFAULT NULL, grant_id bigint DEFAULT NULL, kind text DEFAULT 'promo',
    each_location boolean DEFAULT false, dry_run boolean DEFAULT false, request_key text DEFAULT NULL)
RETURNS SETOF retail.campaign_price
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    earlier jsonb;
    span tstzrange;
    channel_ids integer[];
    location_ids integer[];
    money text;
    prices retail._new_price[];
    scope integer;
    refused boolean;
    new_id bigint;
    answer retail.campaign_price[];
BEGIN
    PERFORM retail._check_tables();
    IF code IS NULL OR code = '' OR length(code) > 200 OR name IS NULL OR name = '' THEN
        RAISE EXCEPTION 'code must have 1 to 200 characters, and name must be given' USING ERRCODE = '22023';
    ELSIF coalesce(cardinality(lines), 0) = 0 THEN
        RAISE EXCEPTION 'a campaign needs a line' USING ERRCODE = '22023';
    ELSIF valid IS NULL OR upper(valid) IS NULL THEN
        RAISE EXCEPTION 'a campaign needs an end' USING ERRCODE = '22023', HINT = 'Write tstzrange(from, until).';
    ELSIF each_location IS NULL OR dry_run IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN dry_run IS NULL THEN 'dry_run' ELSE 'each_location' END USING ERRCODE = '22004';
    ELSIF kind IS NULL OR kind NOT IN ('promo', 'clearance', 'list') THEN
        RAISE EXCEPTION 'kind "%" is not one of a campaign', left(kind, 60)
            USING ERRCODE = '22023', HINT = 'It is promo, clearance or list.';
    END IF;
    earlier := retail._request_begin(CASE WHEN NOT dry_run THEN request_key END, 'start_campaign', jsonb_build_array(code, name, valid,
        to_jsonb(lines), to_jsonb(channels), to_jsonb(locations), currency, grant_id, kind, each_location));
    IF earlier IS NOT NULL THEN
        RETURN QUERY
        SELECT a.outcome, a.campaign, a.sku, a.channel, a.location, a.kind, a.currency, a.amount, a.base, a.low, a.high, a.price_id,
            a.detail, true
        FROM jsonb_populate_recordset(NULL::retail.campaign_price, earlier) a;
        RETURN;
    END IF;

    span := retail._price_validity(valid);
    IF upper(span) <= retail.now() THEN
        RAISE EXCEPTION 'the campaign would be over before it begins' USING ERRCODE = '22023';
    END IF;
    channel_ids := coalesce(retail._code_ids('channel', channels),
        ARRAY(SELECT c.id FROM retail.channel c WHERE c.status = 'open' ORDER BY c.id));
    IF locations IS NOT NULL THEN
        location_ids := retail._code_ids('location', locations);
    ELSIF each_location THEN
        location_ids := ARRAY(SELECT l.id FROM retail.location l WHERE l.status = 'open' AND l.kind = 'store' ORDER BY l.id);
    ELSE
        location_ids := ARRAY[0];
    END IF;
    money := retail._price_currency(retail._price_sku(lines[1].sku), currency);
    IF cardinality(channel_ids) = 0 OR cardinality(location_ids) = 0 THEN
        RAISE EXCEPTION 'there is no open %', CASE WHEN cardinality(channel_ids) = 0 THEN 'channel' ELSE 'store' END USING ERRCODE = '55000';
    END IF;
    SELECT array_agg(p::retail._new_price ORDER BY p.sku_id, p.location_id, p.channel_id) INTO prices
    FROM retail._campaign_prices(lines, channel_ids, location_ids, money, kind, span, grant_id) p;
    IF NOT dry_run THEN
        FOR scope IN SELECT DISTINCT p.sku_id FROM unnest(prices) p ORDER BY p.sku_id LOOP
            PERFORM retail._lock_price(scope, money, false);
        END LOOP;
        IF EXISTS (SELECT FROM retail.campaign c WHERE c.code = code) THEN
            PERFORM retail._request_end(request_key, 'start_campaign', NULL);
            RETURN NEXT ('exists', code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false)::retail.campaign_price;
            RETURN;
        END IF;
    END IF;

    SELECT array_agg((v.outcome, code, k.code, c.code, l.code, p.kind, p.currency, p.amount, v.base, v.low, v.high, NULL, v.detail,
            false)::retail.campaign_price ORDER BY p.sku_id, p.location_id, p.channel_id),
        bool_or(v.outcome <> 'within')
    INTO answer, refused
    FROM unnest(prices) p
        CROSS JOIN LATERAL retail._price_verdict(p.sku_id, p.location_id, p.channel_id, p.currency, p.kind, p.amount, p.valid,
            p.grant_id) v
        JOIN retail.sku k ON k.id = p.sku_id
        JOIN retail.channel c ON c.id = p.channel_id
        LEFT JOIN retail.location l ON l.id = p.location_id;
    IF dry_run OR refused THEN
        IF NOT dry_run THEN
            PERFORM retail._request_end(request_key, 'start_campaign', NULL);
        END IF;
        RETURN QUERY SELECT a.* FROM unnest(answer) a WHERE dry_run OR a.outcome <> 'within';
        RETURN;
    END IF;

    INSERT INTO retail.campaign (code, name, currency, valid) VALUES (code, name, money, span) RETURNING id INTO new_id;
    PERFORM FROM retail._apply_prices(ARRAY(
        SELECT (p.sku_id, p.location_id, p.channel_id, p.currency, p.kind, p.tier, p.min_qty, p.amount, p.valid, p.grant_id,
            new_id)::retail._new_price
        FROM unnest(prices) p));
    -- named before they are joined: of a new campaign the planner expects one price
    WITH written AS MATERIALIZED (
        SELECT p.id, k.code AS sku, c.code AS channel, coalesce(l.code, '') AS location
        FROM retail.price p
            JOIN retail.sku k ON k.id = p.sku_id
            JOIN retail.channel c ON c.id = p.channel_id
            LEFT JOIN retail.location l ON l.id = p.location_id
        WHERE p.campaign_id = new_id
    )
    SELECT array_agg(('set', code, a.sku, a.channel, a.location, a.kind, a.currency, a.amount, a.base, a.low, a.high, w.id, NULL,
        false)::retail.campaign_price ORDER BY w.id)
    INTO answer
    FROM written w
        JOIN unnest(answer) a ON a.sku = w.sku AND a.channel = w.channel AND coalesce(a.location, '') = w.location;
    PERFORM retail._request_end(request_key, 'start_campaign', to_jsonb(answer));
    RETURN QUERY SELECT a.* FROM unnest(answer) a;
END
$$;
COMMENT ON FUNCTION retail.start_campaign(text, text, tstzrange, retail.campaign_line[], text[], text[], text, bigint, text, boolean, boolean, text) IS
'Publishes a campaign: all its prices in one transaction, each announced to its touchpoints. Every price passes the guard; one that is refused refuses the campaign.
code: unique, 1 to 200 characters; name: shown to people; valid: from when until when, in the future too; lines: one per SKU, an amount or a discount; channels: codes (default: every open one, a price each); locations: codes (default: one price for every location); currency: default: the one the first SKU has prices in; grant_id: the grant that lets prices be outside the band, given to a role the caller is a member of; kind: promo (default), clearance or list; each_location: without locations, a price for each open store; dry_run: only tells what would become of each price; request_key: makes a retry safe. Prices of the same kind, scope and time are split, as by set_price().
Returns a campaign_price for each price set; or, with nothing done, each that is refused; exists where a campaign has that code; of a dry run, each price. Waits for sessions that change prices of the same SKUs.
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, RT005 request key used for another request, RT021 too many decimals, 22023 bad argument, 22004 a NULL argument, 55000 nothing open, 40001 please retry.';

CREATE FUNCTION retail.end_campaign(code text, ends_at timestamptz DEFAULT NULL) RETURNS retail.campaign_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    at CONSTANT timestamptz := retail.now();
    instant CONSTANT timestamptz := greatest(coalesce(ends_at, at), at);
    this_campaign record;
    scope record;
    answer retail.campaign_change;
BEGIN
    PERFORM retail._check_tables();
    IF NOT isfinite(instant) THEN
        RAISE EXCEPTION 'ends_at must be finite' USING ERRCODE = '22023';
    END IF;
    SELECT c.id INTO this_campaign FROM retail.campaign c WHERE c.code = code;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no campaign "%"', left(code, 200) USING ERRCODE = 'RT029';
    END IF;
    FOR scope IN
        SELECT DISTINCT p.sku_id, p.currency FROM retail.price p WHERE p.campaign_id = this_campaign.id ORDER BY p.sku_id, p.currency
    LOOP
        PERFORM retail._lock_price(scope.sku_id, scope.currency, false);
    END LOOP;
    SELECT c.id, c.status, c.ended_at, c.valid INTO this_campaign FROM retail.campaign c WHERE c.code = code FOR NO KEY UPDATE;
    answer.campaign := code;
    answer.status := this_campaign.status;
    answer.ended_at := this_campaign.ended_at;
    answer.ended := 0;
    answer.withdrawn := 0;
    answer.replayed := true;
    IF this_campaign.status = 'ended' AND this_campaign.ended_at <= instant THEN
        answer.outcome := 'ended';
        RETURN answer;
    ELSIF upper(this_campaign.valid) <= instant THEN
        answer.outcome := 'over';
        RETURN answer;
    END IF;

    WITH cut AS (
        UPDATE retail.price p
        SET valid = CASE WHEN lower(p.valid) < instant THEN tstzrange(lower(p.valid), instant) ELSE p.valid END,
            withdrawn_at = CASE WHEN lower(p.valid) >= instant THEN greatest(at, p.recorded_at) END
        WHERE p.campaign_id = this_campaign.id AND p.withdrawn_at IS NULL AND upper(p.valid) > instant
        RETURNING p.withdrawn_at
    )
    SELECT count(*) FILTER (WHERE c.withdrawn_at IS NULL), count(*) FILTER (WHERE c.withdrawn_at IS NOT NULL)
    INTO answer.ended, answer.withdrawn
    FROM cut c;
    UPDATE retail.campaign c SET status = 'ended', ended_at = instant WHERE c.id = this_campaign.id;
    answer.outcome := 'ended';
    answer.status := 'ended';
    answer.ended_at := instant;
    answer.replayed := false;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.end_campaign(text, timestamptz) IS
'Ends a campaign before its time: prices that run end then, those that would not have begun are withdrawn, and touchpoints are told. What a price of the campaign took the place of does not come back.
code: the campaign; ends_at: when (default, or in the past: now).
Returns campaign_change: ended, with how many prices; over where its time was over by then. Again it changes nothing, unless it is to end still earlier. Waits for sessions that change prices of the same SKUs.
Errors: RT029 no such campaign, 22023 bad argument, 40001 please retry.';
