-- The steps of a parcel, and where its units go when it cannot be filled.

CREATE TYPE retail.fulfilment_result AS (
    outcome       text,
    fulfilment_id bigint,
    channel       text,
    order_ref     text,
    location      text,
    state         text,
    accept_by     timestamptz,
    collect_by    timestamptz,
    missing_qty   bigint,
    replayed      boolean
);
COMMENT ON TYPE retail.fulfilment_result IS
'Answer of a call on a parcel. outcome: the state reached; wrong_state (the step is not allowed from the state it is in); insufficient (fewer are on hand than are to leave); booked, freed, full, no_slot or over of a slot; refused of a pickup code, whatever is wrong with it; state: the state it is in now; accept_by: when it is routed elsewhere unless accepted; collect_by: when it goes back to stock unless collected; missing_qty: base units the picker did not find; replayed: nothing was changed by this call, because an earlier one had done it.';

CREATE FUNCTION retail._is_open(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT $1 OPERATOR(pg_catalog.<>) ALL (ARRAY['shipped', 'delivered', 'collected', 'rejected', 'cancelled', 'uncollected'])
$$;
COMMENT ON FUNCTION retail._is_open(text) IS 'Internal: whether a parcel in this state still has its units in the store.';

CREATE FUNCTION retail._lock_parcel(fulfilment_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    order_id bigint;
BEGIN
    PERFORM retail._check_tables();
    IF fulfilment_id IS NULL THEN
        RAISE EXCEPTION 'fulfilment_id must not be null' USING ERRCODE = '22004';
    END IF;
    SELECT f.order_id INTO order_id FROM retail.fulfilment_order f WHERE f.id = fulfilment_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no fulfilment order %', fulfilment_id USING ERRCODE = 'RT013';
    END IF;
    PERFORM FROM retail.sales_order o WHERE o.id = order_id FOR NO KEY UPDATE;
    PERFORM FROM retail.fulfilment_order f WHERE f.id = fulfilment_id FOR NO KEY UPDATE;
    RETURN order_id;
END
$$;
COMMENT ON FUNCTION retail._lock_parcel(bigint) IS 'Internal: locks a parcel''s order, then the parcel; returns the order. Errors: RT013 no such parcel.';

CREATE FUNCTION retail._parcel_answer(fulfilment_id bigint, outcome text, replayed boolean DEFAULT false, missing_qty bigint DEFAULT 0)
RETURNS retail.fulfilment_result
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT (coalesce($2, f.state), f.id, c.code, o.order_ref, w.code, f.state, f.accept_by, f.collect_by, $4, $3)::retail.fulfilment_result
    FROM retail.fulfilment_order f
        JOIN retail.sales_order o ON o.id OPERATOR(pg_catalog.=) f.order_id
        JOIN retail.channel c ON c.id OPERATOR(pg_catalog.=) o.channel_id
        JOIN retail.location w ON w.id OPERATOR(pg_catalog.=) f.location_id
    WHERE f.id OPERATOR(pg_catalog.=) $1
$$;
COMMENT ON FUNCTION retail._parcel_answer(bigint, text, boolean, bigint) IS 'Internal: the answer of a call on a parcel; outcome NULL: the state it is in.';

CREATE FUNCTION retail._announce_parcel(fulfilment_id bigint, event text, reason text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- with the location, so that a location's events come in order
    INSERT INTO retail.outbox (topic, location_id, payload)
    SELECT 'fulfilment', f.location_id, jsonb_strip_nulls(jsonb_build_object(
        'fulfilment_id', f.id, 'channel', c.code, 'order_ref', o.order_ref, 'location', w.code, 'service', v.code,
        'step', $2, 'state', f.state, 'reason', $3, 'promise_at', f.promise_at,
        'accept_by', CASE f.state WHEN 'routed' THEN f.accept_by END,
        'collect_by', CASE f.state WHEN 'ready_for_pickup' THEN f.collect_by END,
        'slot', (
            SELECT jsonb_build_object('resource', s.resource, 'starts_at', s.starts_at, 'ends_at', s.ends_at)
            FROM retail.slot s
            WHERE s.id = f.slot_id),
        'lines', (
            SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', k.code, 'qty', l.qty) ORDER BY l.line_no)
            FROM retail.fulfilment_line l
                JOIN retail.sku k ON k.id = l.sku_id
            WHERE l.fulfilment_id = f.id)))
    FROM retail.fulfilment_order f
        JOIN retail.sales_order o ON o.id = f.order_id
        JOIN retail.channel c ON c.id = o.channel_id
        JOIN retail.location w ON w.id = f.location_id
        JOIN retail.service v ON v.id = f.service_id
    WHERE f.id = $1
$$;
COMMENT ON FUNCTION retail._announce_parcel(bigint, text, text) IS 'Internal: writes an event of a parcel, as it is now, into the outbox.';

CREATE FUNCTION retail._log_step(fulfilment_id bigint, step text, from_state text, to_state text, reason text, announced boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO retail.fulfilment_event (fulfilment_id, order_id, step, from_state, to_state, reason, actor, created_at)
    SELECT f.id, f.order_id, _log_step.step, _log_step.from_state, _log_step.to_state, _log_step.reason, retail._actor(), retail.now()
    FROM retail.fulfilment_order f
    WHERE f.id = _log_step.fulfilment_id;
    IF announced THEN
        PERFORM retail._announce_parcel(fulfilment_id, step, reason);
    END IF;
END
$$;
COMMENT ON FUNCTION retail._log_step(bigint, text, text, text, text, boolean) IS 'Internal: writes a step into the log, and into the outbox where others want to know.';

CREATE FUNCTION retail._accept_by(service text, location text, at timestamptz, accept_within interval) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT coalesce(p.starts_at, $3) OPERATOR(pg_catalog.+) $4
    FROM retail.promise($1, $2, $3) p
$$;
COMMENT ON FUNCTION retail._accept_by(text, text, timestamptz, interval) IS
'Internal: until when a location has to accept a parcel it is given at an instant: accept_within from when it can start on it, for nobody accepts anything in a shop that is closed. NULL: for ever.';

CREATE FUNCTION retail._step(fulfilment_id bigint, step text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at CONSTANT timestamptz := retail.now();
    f record;
    t record;
    reached text;
BEGIN
    SELECT p.state, p.resume_state, p.location_id, p.capacity_date, w.code AS location, v.code AS service, v.kind, v.accept_within,
        v.collect_within INTO f
    FROM retail.fulfilment_order p
        JOIN retail.service v ON v.id = p.service_id
        JOIN retail.location w ON w.id = p.location_id
    WHERE p.id = fulfilment_id;
    SELECT x.to_state, x.announced INTO t
    FROM retail.fulfilment_transition x
    WHERE x.from_state = f.state AND x.step = _step.step AND (x.kind IS NULL OR x.kind = f.kind)
    ORDER BY x.kind NULLS LAST
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    reached := coalesce(t.to_state, f.resume_state);

    -- Timers begin where the state begins, and anew after a hold.
    UPDATE retail.fulfilment_order p
    SET state = reached,
        resume_state = CASE WHEN reached <> 'on_hold' THEN NULL WHEN f.state = 'on_hold' THEN p.resume_state ELSE f.state END,
        accept_by = CASE WHEN reached = 'routed' AND f.state <> 'routed'
            THEN retail._accept_by(f.service, f.location, at, f.accept_within) ELSE p.accept_by END,
        collect_by = CASE WHEN reached = 'ready_for_pickup' AND f.state <> 'ready_for_pickup'
            THEN greatest(at + f.collect_within, (SELECT s.ends_at FROM retail.slot s WHERE s.id = p.slot_id AND f.collect_within IS NOT NULL))
            ELSE p.collect_by END,
        code_hash = CASE WHEN retail._is_open(reached) THEN p.code_hash END,
        slot_id = CASE WHEN reached NOT IN ('cancelled', 'rejected', 'uncollected') THEN p.slot_id END,
        capacity_date = CASE WHEN reached NOT IN ('cancelled', 'rejected') THEN p.capacity_date END,
        changed_at = CASE WHEN reached <> f.state THEN at ELSE p.changed_at END
    WHERE p.id = fulfilment_id;

    IF reached IN ('cancelled', 'rejected') AND f.capacity_date IS NOT NULL THEN
        PERFORM retail._give_capacity(f.location_id, f.capacity_date);
    END IF;
    PERFORM retail._log_step(fulfilment_id, step, f.state, reached, reason, t.announced);
    RETURN reached;
END
$$;
COMMENT ON FUNCTION retail._step(bigint, text, text) IS
'Internal: takes a step of a locked parcel, if fulfilment_transition allows it: state, timers, capacity, slot, log, outbox. Returns the state reached, NULL where the step is not allowed. Moves no stock.';

-- Places of a day -------------------------------------------------------------

CREATE FUNCTION retail._lock_day(location_id integer, business_date date, wait boolean) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_lock_day';
COMMENT ON FUNCTION retail._lock_day(integer, date, boolean) IS
'Internal: the lock of whoever takes places of that day, to the end of the transaction; false: somebody else has it, and wait was false.';

CREATE FUNCTION retail._fold_capacity(location_id integer, business_date date) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given_back bigint;
BEGIN
    DELETE FROM retail.capacity_return r
    WHERE r.location_id = _fold_capacity.location_id AND r.business_date = _fold_capacity.business_date;
    GET DIAGNOSTICS given_back = ROW_COUNT;
    IF given_back > 0 THEN
        UPDATE retail.capacity_use u SET taken = u.taken - given_back
        WHERE u.location_id = _fold_capacity.location_id AND u.business_date = _fold_capacity.business_date;
    END IF;
    RETURN given_back;
END
$$;
COMMENT ON FUNCTION retail._fold_capacity(integer, date) IS 'Internal: takes places given back off those of a day whose lock the caller has; returns how many.';

CREATE FUNCTION retail._take_capacity(location_id integer, business_date date, daily_capacity integer, wait boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT retail._lock_day(location_id, business_date, wait) THEN
        RETURN false;
    END IF;
    PERFORM retail._fold_capacity(location_id, business_date);
    INSERT INTO retail.capacity_use AS u (location_id, business_date, taken)
    SELECT $1, $2, 1 WHERE $3 > 0
    ON CONFLICT ON CONSTRAINT capacity_use_pkey DO UPDATE SET taken = u.taken + 1 WHERE u.taken < $3;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION retail._take_capacity(integer, date, integer, boolean) IS
'Internal: one more parcel of that day, if the location takes one more. wait: for whoever takes places of that day at this instant; only place_order() may, before anything else it waits for.';

CREATE FUNCTION retail._give_capacity(location_id integer, business_date date) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$
    INSERT INTO retail.capacity_return (location_id, business_date) VALUES ($1, $2)
$$;
COMMENT ON FUNCTION retail._give_capacity(integer, date) IS 'Internal: gives a place of a day back. Waits for nobody.';

CREATE FUNCTION retail.fold_capacity(max_rows integer DEFAULT 1000) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    done bigint := 0;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    FOR next IN
        SELECT r.location_id, r.business_date
        FROM retail.capacity_return r
        GROUP BY 1, 2
        ORDER BY 1, 2
    LOOP
        EXIT WHEN done >= max_rows;
        -- whoever has the lock does it himself
        CONTINUE WHEN NOT retail._lock_day(next.location_id, next.business_date, false);
        done := done + retail._fold_capacity(next.location_id, next.business_date);
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION retail.fold_capacity(integer) IS
'Takes places of a day that were given back off the count of that day, where no order has come to do it. No order depends on it. Skips days of which somebody takes a place.
max_rows: places, 1 or more (default 1000); the last day is done whole.
Returns how many. Errors: 22023 bad argument, RT004 init() was not run.';

-- Routing again ---------------------------------------------------------------

CREATE FUNCTION retail._may_route_again(order_id bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.count(*) OPERATOR(pg_catalog.<) 8
    FROM retail.fulfilment_event e
    WHERE e.order_id OPERATOR(pg_catalog.=) $1 AND e.step OPERATOR(pg_catalog.=) 'reject'
$$;
COMMENT ON FUNCTION retail._may_route_again(bigint) IS
'Internal: whether an order has been rejected less than eight times; after that it waits for somebody to cancel it or to look into it.';

CREATE FUNCTION retail._route_again(order_id bigint, line_nos integer[], qtys bigint[], again boolean, forced boolean DEFAULT false)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    max_tries CONSTANT integer := 4;        -- when others are faster
    at CONSTANT timestamptz := retail.now();
    o record;
    excluded text[];
    store text;
    options jsonb;
    plan retail.route_row[];
    parcel record;
    next record;
    full_location text;
    held retail.reservation_result[];
    new_id bigint;
    ids jsonb := jsonb '{}';
    business_date date;
    dates jsonb := jsonb '{}';
    left_over bigint[] := qtys;
BEGIN
    SELECT s.id, s.order_ref, s.longitude, s.latitude, c.code AS channel, v.code AS service, v.accept_within INTO o
    FROM retail.sales_order s
        JOIN retail.channel c ON c.id = s.channel_id
        JOIN retail.service v ON v.id = s.service_id
    WHERE s.id = order_id;
    IF NOT forced AND NOT retail._may_route_again(order_id) THEN
        RETURN qtys;
    END IF;
    SELECT coalesce(array_agg(w.code), '{}') INTO excluded
    FROM retail.order_refusal r
        JOIN retail.location w ON w.id = r.location_id
    WHERE r.order_id = o.id;
    IF o.longitude IS NULL THEN
        -- the shopper has chosen a store and nothing else: no other will do
        SELECT w.code INTO store
        FROM retail.fulfilment_order f
            JOIN retail.location w ON w.id = f.location_id
        WHERE f.order_id = o.id
        ORDER BY f.id DESC
        LIMIT 1;
        IF store IS NULL OR store = ANY (excluded) AND NOT again THEN
            RETURN qtys;
        END IF;
        excluded := ARRAY[]::text[];
    END IF;

    FOR try IN 1 .. max_tries LOOP
        options := jsonb_strip_nulls(jsonb_build_object('partial', true, 'exclude', to_jsonb(excluded), 'location', store));
        SELECT array_agg(r) INTO plan
        FROM retail.route(ARRAY(
                SELECT (k.code, NULL, w.qty)::retail.line
                FROM unnest(line_nos, qtys) WITH ORDINALITY w (line_no, qty, n)
                    JOIN retail.order_line l ON l.order_id = o.id AND l.line_no = w.line_no
                    JOIN retail.sku k ON k.id = l.sku_id
                ORDER BY w.n),
            o.longitude, o.latitude, o.channel, o.service, options) r
        WHERE r.location IS NOT NULL AND r.qty > 0;
        IF plan IS NULL THEN
            RETURN qtys;
        END IF;

        -- A place of the day at each location that counts them.  Somebody may be
        -- taking one there: to wait for him with an order locked could close a
        -- circle, and so another location has to do.
        full_location := NULL;
        dates := jsonb '{}';
        FOR parcel IN
            SELECT DISTINCT w.id, w.code, w.time_zone, w.daily_capacity
            FROM unnest(plan) p
                JOIN retail.location w ON w.code = p.location
            WHERE w.daily_capacity IS NOT NULL
            ORDER BY w.id
        LOOP
            SELECT (coalesce(s.starts_at, at) AT TIME ZONE parcel.time_zone)::date INTO business_date
            FROM retail.promise(o.service, parcel.code, at) s;
            IF NOT retail._take_capacity(parcel.id, business_date, parcel.daily_capacity, false) THEN
                full_location := parcel.code;
                EXIT;
            END IF;
            dates := dates || jsonb_build_object(parcel.code, business_date);
        END LOOP;
        IF full_location IS NULL THEN
            SELECT array_agg(h) INTO held
            FROM retail.reserve_lines(ARRAY(
                SELECT (p.sku, p.location, p.qty)::retail.line FROM unnest(plan) WITH ORDINALITY
                    p (line_no, sku, location, qty, parcel_no, service, distance_m, promise_at, promise_kept, unfilled_qty, n)
                ORDER BY p.n), o.channel) h;
            EXIT WHEN NOT EXISTS (SELECT FROM unnest(held) h WHERE h.outcome <> 'held');
        ELSE
            excluded := excluded || full_location;
        END IF;
        held := NULL;
        PERFORM retail._give_capacity(w.id, d.value::date)
        FROM jsonb_each_text(dates) d
            JOIN retail.location w ON w.code = d.key;
        IF full_location = store THEN
            RETURN qtys;
        END IF;
    END LOOP;
    IF held IS NULL THEN
        RETURN qtys;
    END IF;

    -- The plan holds: parcels, their lines, and commitments at once.
    FOR next IN
        SELECT p.*, w.id AS location_id, h.reservation_id, v.id AS service_id, v.accept_within, k.id AS sku_id
        FROM unnest(plan) WITH ORDINALITY
                p (line_no, sku, location, qty, parcel_no, service, distance_m, promise_at, promise_kept, unfilled_qty, n)
            JOIN unnest(held) WITH ORDINALITY
                h (outcome, reservation_id, remainder_id, sku, location, qty, expires_at, available, replayed, n) ON h.n = p.n
            JOIN retail.location w ON w.code = p.location
            JOIN retail.service v ON v.code = p.service
            JOIN retail.sku k ON k.code = p.sku
        ORDER BY k.id, w.id, h.reservation_id
    LOOP
        PERFORM retail.confirm(next.reservation_id, order_ref => o.order_ref);
        new_id := (ids->>next.parcel_no::text)::bigint;
        IF new_id IS NULL THEN
            INSERT INTO retail.fulfilment_order (order_id, location_id, service_id, state, distance_m, promise_at, promise_kept,
                accept_by, capacity_date, created_at, changed_at)
            VALUES (o.id, next.location_id, next.service_id, 'routed', next.distance_m, next.promise_at, next.promise_kept,
                retail._accept_by(next.service, next.location, at, next.accept_within), (dates->>next.location)::date, at, at)
            RETURNING id INTO new_id;
            ids := ids || jsonb_build_object(next.parcel_no::text, new_id);
        END IF;
        INSERT INTO retail.fulfilment_line (fulfilment_id, line_no, sku_id, qty, reservation_id)
        VALUES (new_id, line_nos[next.line_no], next.sku_id, next.qty, next.reservation_id);
        left_over[next.line_no] := left_over[next.line_no] - next.qty;
    END LOOP;
    UPDATE retail.sales_order s SET promise_at = greatest(s.promise_at, (SELECT max(p.promise_at) FROM unnest(plan) p))
    WHERE s.id = o.id;
    PERFORM retail._log_step(i.value::bigint, 'route', NULL, 'routed', NULL, true)
    FROM jsonb_each_text(ids) i
    ORDER BY i.value::bigint;
    RETURN left_over;
END
$$;
COMMENT ON FUNCTION retail._route_again(bigint, integer[], bigint[], boolean, boolean) IS
'Internal: finds other locations for units of a locked, paid order, less those that refused it, takes the units and makes parcels. again: an order without a destination may go to its one store although that refused; forced: a person wants it, however often it was rejected. Returns, per line given, the units nobody has. Writes nothing in order_line.';

CREATE FUNCTION retail._backorder(order_id bigint, line_nos integer[], qtys bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE retail.order_line l SET backordered_qty = l.backordered_qty + w.qty
    FROM (SELECT u.line_no, sum(u.qty) AS qty FROM unnest(line_nos, qtys) u (line_no, qty) GROUP BY u.line_no) w
    WHERE l.order_id = _backorder.order_id AND l.line_no = w.line_no AND w.qty > 0;
    IF FOUND THEN
        PERFORM retail._announce_order(order_id, 'backordered');
    END IF;
END
$$;
COMMENT ON FUNCTION retail._backorder(bigint, integer[], bigint[]) IS 'Internal: units of lines of a locked order wait.';

CREATE FUNCTION retail._block_missing(location_id integer, sku_id integer, qty bigint, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sku text;
    location text;
    most bigint;
BEGIN
    SELECT k.code, w.code, s.on_hand - s.unavailable INTO sku, location, most
    FROM retail.stock s
        JOIN retail.sku k ON k.id = s.sku_id
        JOIN retail.location w ON w.id = s.location_id
    WHERE s.sku_id = $2 AND s.location_id = $1;
    IF FOUND AND least(qty, most) > 0 THEN
        PERFORM retail.block(sku, location, least(qty, most), reason);
    END IF;
END
$$;
COMMENT ON FUNCTION retail._block_missing(integer, integer, bigint, text) IS
'Internal: units a picker did not find are not for sale until somebody counts.';

CREATE FUNCTION retail._reject(fulfilment_id bigint, reason text, picked bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
    next record;
    line_nos integer[];
    qtys bigint[];
    missing bigint := 0;
BEGIN
    SELECT p.order_id, p.location_id INTO f FROM retail.fulfilment_order p WHERE p.id = fulfilment_id;
    FOR next IN
        SELECT l.reservation_id, l.qty
        FROM retail.fulfilment_line l
        WHERE l.fulfilment_id = _reject.fulfilment_id
        ORDER BY l.sku_id, l.reservation_id
    LOOP
        PERFORM retail._give_back(next.reservation_id, next.qty, next.qty);
    END LOOP;
    IF retail._step(fulfilment_id, 'reject', reason) IS NULL THEN
        RAISE EXCEPTION 'parcel % cannot be rejected', fulfilment_id USING ERRCODE = '55000';
    END IF;
    INSERT INTO retail.order_refusal (order_id, location_id, reason)
    VALUES (f.order_id, f.location_id, coalesce(reason, 'rejected'))
    ON CONFLICT DO NOTHING;

    FOR next IN
        SELECT l.sku_id, sum(l.qty - l.found)::bigint AS qty
        FROM (
            SELECT x.sku_id, x.qty, coalesce(_reject.picked[row_number() OVER (ORDER BY x.line_no)], x.qty) AS found
            FROM retail.fulfilment_line x
            WHERE x.fulfilment_id = _reject.fulfilment_id
        ) l
        WHERE l.found < l.qty
        GROUP BY l.sku_id
        ORDER BY l.sku_id
    LOOP
        PERFORM retail._block_missing(f.location_id, next.sku_id, next.qty, coalesce(reason, 'not_found'));
        missing := missing + next.qty;
    END LOOP;

    SELECT array_agg(l.line_no ORDER BY l.line_no), array_agg(l.qty ORDER BY l.line_no) INTO line_nos, qtys
    FROM retail.fulfilment_line l
    WHERE l.fulfilment_id = _reject.fulfilment_id;
    PERFORM retail._backorder(f.order_id, line_nos, retail._route_again(f.order_id, line_nos, qtys, false));
    RETURN missing;
END
$$;
COMMENT ON FUNCTION retail._reject(bigint, text, bigint[]) IS
'Internal: a locked parcel is not filled here: units back, missing ones blocked, the order routed without this location, the rest backordered. Returns the missing units.';

CREATE FUNCTION retail._pack_short(fulfilment_id bigint, reason text, picked bigint[], on_short text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
    next record;
    rest bigint;
    line_nos integer[] := ARRAY[]::integer[];
    qtys bigint[] := ARRAY[]::bigint[];
    missing bigint := 0;
BEGIN
    SELECT p.order_id, p.location_id INTO f FROM retail.fulfilment_order p WHERE p.id = fulfilment_id;
    FOR next IN
        SELECT l.line_no, l.sku_id, l.qty, l.reservation_id, l.found
        FROM (
            SELECT x.*, _pack_short.picked[row_number() OVER (ORDER BY x.line_no)] AS found
            FROM retail.fulfilment_line x
            WHERE x.fulfilment_id = _pack_short.fulfilment_id
        ) l
        WHERE l.found < l.qty
        ORDER BY l.sku_id, l.reservation_id
    LOOP
        rest := retail._give_back(next.reservation_id, next.qty, next.qty - next.found);
        IF next.found = 0 THEN
            DELETE FROM retail.fulfilment_line l
            WHERE l.fulfilment_id = _pack_short.fulfilment_id AND l.line_no = next.line_no;
        ELSE
            UPDATE retail.fulfilment_line l SET qty = next.found, reservation_id = rest
            WHERE l.fulfilment_id = _pack_short.fulfilment_id AND l.line_no = next.line_no;
        END IF;
        PERFORM retail._block_missing(f.location_id, next.sku_id, next.qty - next.found, coalesce(reason, 'not_found'));
        line_nos := line_nos || next.line_no;
        qtys := qtys || (next.qty - next.found);
        missing := missing + next.qty - next.found;
    END LOOP;
    UPDATE retail.fulfilment_line l SET picked_qty = l.qty WHERE l.fulfilment_id = _pack_short.fulfilment_id;
    PERFORM retail._step(fulfilment_id, 'find_short', reason);
    INSERT INTO retail.order_refusal (order_id, location_id, reason)
    VALUES (f.order_id, f.location_id, coalesce(reason, 'not_found'))
    ON CONFLICT DO NOTHING;

    IF on_short = 'cancel' THEN
        UPDATE retail.order_line l SET cancelled_qty = l.cancelled_qty + w.qty
        FROM unnest(line_nos, qtys) w (line_no, qty)
        WHERE l.order_id = f.order_id AND l.line_no = w.line_no;
        PERFORM retail._announce_order(f.order_id, 'units_cancelled', coalesce(reason, 'not_found'));
    ELSIF on_short = 'backorder' THEN
        PERFORM retail._backorder(f.order_id, line_nos, qtys);
    ELSE
        PERFORM retail._backorder(f.order_id, line_nos, retail._route_again(f.order_id, line_nos, qtys, false));
    END IF;
    PERFORM retail._step(fulfilment_id, 'pack', reason);
    RETURN missing;
END
$$;
COMMENT ON FUNCTION retail._pack_short(bigint, text, bigint[], text) IS
'Internal: packs what was found of a locked parcel; the rest is blocked here and routed elsewhere, backordered or cancelled. Returns the missing units.';

CREATE FUNCTION retail._leave(fulfilment_id bigint, step text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reservations bigint[];
    gone boolean;
    this_order bigint;
BEGIN
    SELECT array_agg(l.reservation_id ORDER BY l.line_no) INTO reservations
    FROM retail.fulfilment_line l
    WHERE l.fulfilment_id = _leave.fulfilment_id;
    BEGIN
        IF step = 'collect' THEN
            SELECT bool_and(c.outcome = 'consumed' AND NOT c.replayed) INTO gone FROM retail._hand_over(reservations) c;
        ELSE
            SELECT bool_and(c.outcome = 'consumed' AND NOT c.replayed) INTO gone FROM retail.consume_lines(reservations) c;
        END IF;
        IF gone IS NOT TRUE THEN
            -- all lines of a parcel leave or none
            RAISE EXCEPTION USING ERRCODE = 'ZZRT0', MESSAGE = 'parcel does not leave';
        END IF;
    EXCEPTION WHEN SQLSTATE 'ZZRT0' THEN
        RETURN 'insufficient';
    END;
    SELECT f.order_id INTO this_order FROM retail.fulfilment_order f WHERE f.id = fulfilment_id;
    UPDATE retail.order_line l SET shipped_qty = l.shipped_qty + p.qty
    FROM retail.fulfilment_line p
    WHERE p.fulfilment_id = _leave.fulfilment_id AND l.order_id = this_order AND l.line_no = p.line_no;
    PERFORM retail._step(fulfilment_id, step);
    PERFORM retail._settle_order(this_order);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._leave(bigint, text) IS
'Internal: the units of a locked parcel leave: on_hand and committed fall together. Returns NULL, or insufficient, and then nothing was changed.';

-- Steps -----------------------------------------------------------------------

CREATE FUNCTION retail._check_picked(fulfilment_id bigint, picked bigint[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lines bigint;
    wrong record;
BEGIN
    IF picked IS NULL THEN
        RETURN;
    END IF;
    SELECT count(*) INTO lines FROM retail.fulfilment_line l WHERE l.fulfilment_id = _check_picked.fulfilment_id;
    IF cardinality(picked) <> lines OR array_ndims(picked) <> 1 OR array_lower(picked, 1) <> 1 THEN
        RAISE EXCEPTION 'picked has % elements and parcel % has % lines', cardinality(picked), fulfilment_id, lines
            USING ERRCODE = '22023', HINT = 'It has the units found of each line, by line_no.';
    END IF;
    SELECT l.line_no, l.qty, l.found INTO wrong
    FROM (
        SELECT x.line_no, x.qty, picked[row_number() OVER (ORDER BY x.line_no)] AS found
        FROM retail.fulfilment_line x
        WHERE x.fulfilment_id = _check_picked.fulfilment_id
    ) l
    WHERE l.found IS NULL OR l.found NOT BETWEEN 0 AND l.qty
    ORDER BY l.line_no
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'picked quantity % is not 0 to % of line %', coalesce(wrong.found::text, 'null'), wrong.qty, wrong.line_no
            USING ERRCODE = '22023';
    END IF;
END
$$;
COMMENT ON FUNCTION retail._check_picked(bigint, bigint[]) IS 'Internal: raises 22023 unless there is one picked quantity per line, none above what the line has.';

CREATE FUNCTION retail._advance(fulfilment_id bigint, step text, reason text, picked bigint[], on_short text)
RETURNS retail.fulfilment_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_order CONSTANT bigint := retail._lock_parcel(fulfilment_id);
    f record;
    allowed boolean;
    missing bigint := 0;
    refusal text;
BEGIN
    SELECT p.state, v.kind INTO f
    FROM retail.fulfilment_order p
        JOIN retail.service v ON v.id = p.service_id
    WHERE p.id = fulfilment_id;
    SELECT EXISTS (
        SELECT
        FROM retail.fulfilment_transition t
        WHERE t.from_state = f.state AND t.step = _advance.step AND t.taken_by = 'advance' AND (t.kind IS NULL OR t.kind = f.kind))
    INTO allowed;
    IF NOT allowed THEN
        -- there already, or nowhere near
        IF EXISTS (
            SELECT
            FROM retail.fulfilment_transition t
            WHERE t.to_state = f.state AND t.step = _advance.step AND (t.kind IS NULL OR t.kind = f.kind)) THEN
            RETURN retail._parcel_answer(fulfilment_id, NULL, true);
        END IF;
        RETURN retail._parcel_answer(fulfilment_id, 'wrong_state');
    END IF;

    IF step = 'reject' THEN
        IF picked IS NULL AND reason IN ('not_found', 'damaged') THEN
            SELECT array_agg(0::bigint) INTO picked FROM retail.fulfilment_line l WHERE l.fulfilment_id = _advance.fulfilment_id;
        END IF;
        PERFORM retail._check_picked(fulfilment_id, picked);
        missing := retail._reject(fulfilment_id, reason, picked);
    ELSIF step = 'pack' THEN
        PERFORM retail._check_picked(fulfilment_id, picked);
        IF (SELECT sum(p.n) FROM unnest(picked) p (n)) = 0 THEN
            missing := retail._reject(fulfilment_id, coalesce(reason, 'not_found'), picked);
        ELSIF (SELECT sum(p.n) FROM unnest(picked) p (n))
            < (SELECT sum(l.qty) FROM retail.fulfilment_line l WHERE l.fulfilment_id = _advance.fulfilment_id) THEN
            missing := retail._pack_short(fulfilment_id, reason, picked, on_short);
        ELSE
            UPDATE retail.fulfilment_line l SET picked_qty = l.qty WHERE l.fulfilment_id = _advance.fulfilment_id;
            PERFORM retail._step(fulfilment_id, step, reason);
        END IF;
    ELSIF step = 'ship' THEN
        refusal := retail._leave(fulfilment_id, step);
    ELSIF step = 'cancel' THEN
        PERFORM retail._give_back(l.reservation_id, l.qty, l.qty)
        FROM (
            SELECT x.reservation_id, x.qty
            FROM retail.fulfilment_line x
            WHERE x.fulfilment_id = _advance.fulfilment_id
            ORDER BY x.sku_id, x.reservation_id
        ) l;
        UPDATE retail.order_line l SET cancelled_qty = l.cancelled_qty + p.qty
        FROM retail.fulfilment_line p
        WHERE p.fulfilment_id = _advance.fulfilment_id AND l.order_id = this_order AND l.line_no = p.line_no;
        PERFORM retail._step(fulfilment_id, step, reason);
        PERFORM retail._settle_order(this_order, reason);
    ELSE
        PERFORM retail._step(fulfilment_id, step, reason);
    END IF;
    RETURN retail._parcel_answer(fulfilment_id, refusal, false, missing);
END
$$;
COMMENT ON FUNCTION retail._advance(bigint, text, text, bigint[], text) IS 'Internal: advance() without request key.';

CREATE FUNCTION retail.advance(fulfilment_id bigint, step text, reason text DEFAULT NULL, picked bigint[] DEFAULT NULL,
    request_key text DEFAULT NULL, on_short text DEFAULT 'reroute')
RETURNS retail.fulfilment_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier jsonb;
    taken_by text[];
    answer retail.fulfilment_result;
BEGIN
    PERFORM retail._check_tables();
    SELECT array_agg(DISTINCT t.taken_by) INTO taken_by FROM retail.fulfilment_transition t WHERE t.step = advance.step;
    IF taken_by IS NULL THEN
        RAISE EXCEPTION 'unknown step "%"', left(step, 60)
            USING ERRCODE = '22023', HINT = 'Steps are rows of retail.fulfilment_transition.';
    ELSIF 'advance' <> ALL (taken_by) THEN
        RAISE EXCEPTION 'step "%" is not taken by advance()', step
            USING ERRCODE = '22023', HINT = format('It is taken by %s.', array_to_string(taken_by, ', '));
    ELSIF on_short IS NULL OR on_short NOT IN ('reroute', 'backorder', 'cancel') THEN
        RAISE EXCEPTION 'unknown on_short "%"', left(on_short, 60)
            USING ERRCODE = '22023', HINT = 'It is reroute, backorder or cancel.';
    ELSIF picked IS NOT NULL AND step NOT IN ('pack', 'reject') THEN
        RAISE EXCEPTION 'picked is for the steps pack and reject' USING ERRCODE = '22023';
    END IF;
    earlier := retail._request_begin(request_key, 'advance', jsonb_build_array(fulfilment_id, step, reason, to_jsonb(picked), on_short));
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.fulfilment_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;
    answer := retail._advance(fulfilment_id, step, reason, picked, on_short);
    PERFORM retail._request_end(request_key, 'advance',
        CASE WHEN answer.outcome = answer.state AND NOT answer.replayed THEN to_jsonb(answer) END);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.advance(bigint, text, text, bigint[], text, text) IS
'Takes a parcel one step on: the one function that guards them all.
fulfilment_id: the parcel; step: accept, reject, start_picking, pack, ship, deliver, ready, cancel, hold, resume, or another that retail.fulfilment_transition has; reason: why; picked: for pack and reject, the units found of each line, by line_no (default: all; of a reject with reason not_found or damaged: none); request_key: makes a retry safe; on_short: what becomes of units not found when packing: reroute (else backorder), backorder or cancel.
pack with nothing found rejects. A rejected parcel gives its units back; missing ones are blocked with the reason; the order is routed without this location, and what nobody has is backordered. ship moves the goods out of stock; cancel cancels the units of the order.
Returns fulfilment_result: the state reached; wrong_state with the state it is in; insufficient when fewer are on hand than are to leave. A step taken before answers the same, replayed. Waits for other calls on the same order, and ship, reject and pack for a transaction that moves the same stock.
Errors: RT013 no such parcel, RT005 request key used for another request, 22023 unknown step or bad argument, 22004 a NULL argument.';

-- Backorders, timers ----------------------------------------------------------

CREATE FUNCTION retail._reroute_order(order_id bigint, line_no integer DEFAULT NULL, forced boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    line_nos integer[];
    qtys bigint[];
    left_over bigint[];
BEGIN
    SELECT array_agg(l.line_no ORDER BY l.line_no), array_agg(l.backordered_qty ORDER BY l.line_no) INTO line_nos, qtys
    FROM retail.order_line l
        JOIN retail.sales_order o ON o.id = l.order_id
    WHERE l.order_id = _reroute_order.order_id AND l.backordered_qty > 0 AND o.status = 'confirmed'
        AND l.line_no = coalesce(_reroute_order.line_no, l.line_no);
    IF line_nos IS NULL THEN
        RETURN 0;
    END IF;
    left_over := retail._route_again(order_id, line_nos, qtys, true, forced);
    UPDATE retail.order_line l SET backordered_qty = w.qty
    FROM unnest(line_nos, left_over) w (line_no, qty)
    WHERE l.order_id = _reroute_order.order_id AND l.line_no = w.line_no AND l.backordered_qty <> w.qty;
    RETURN (SELECT sum(w.had - w.has) FROM unnest(qtys, left_over) w (had, has));
END
$$;
COMMENT ON FUNCTION retail._reroute_order(bigint, integer, boolean) IS
'Internal: routes what is backordered of a locked order, or of one line; forced: however often it was rejected. Returns how many units found a location.';

CREATE FUNCTION retail.reroute_order(channel text, order_ref text, reconsider boolean DEFAULT false) RETURNS SETOF retail.order_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_id CONSTANT bigint := retail._lock_order(channel, order_ref);
    last_id CONSTANT bigint := (SELECT coalesce(max(e.id), 0) FROM retail.fulfilment_event e WHERE e.order_id = this_id);
BEGIN
    IF reconsider IS NULL THEN
        RAISE EXCEPTION 'reconsider must not be null' USING ERRCODE = '22004';
    ELSIF reconsider THEN
        -- the log of the parcels keeps who refused, and why
        DELETE FROM retail.order_refusal r WHERE r.order_id = this_id;
    END IF;
    PERFORM retail._reroute_order(this_id, forced => reconsider);
    RETURN QUERY
    SELECT 'rerouted', this_id, f.id, l.line_no, k.code, w.code, l.qty, f.promise_at, NULL::text, false
    FROM retail.fulfilment_event e
        JOIN retail.fulfilment_order f ON f.id = e.fulfilment_id
        JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
        JOIN retail.sku k ON k.id = l.sku_id
        JOIN retail.location w ON w.id = f.location_id
    WHERE e.order_id = this_id AND e.id > last_id AND e.step = 'route'
    ORDER BY l.line_no, f.id;
    RETURN QUERY
    SELECT 'backordered', this_id, NULL::bigint, l.line_no, k.code, NULL::text, l.backordered_qty, NULL::timestamptz, NULL::text, false
    FROM retail.order_line l
        JOIN retail.sku k ON k.id = l.sku_id
    WHERE l.order_id = this_id AND l.backordered_qty > 0
    ORDER BY l.line_no;
END
$$;
COMMENT ON FUNCTION retail.reroute_order(text, text, boolean) IS
'Routes what is backordered of a paid order now, rather than when the job comes by.
channel, order_ref: the order; reconsider: true forgets which locations have refused the order, or not answered, so that they may be asked again, now and by the job, and routes it however often it was rejected (default false). Units that were not found stay blocked where they were missing.
Returns one order_change per line: rerouted with its new parcel, backordered with what still waits. Doing it twice is harmless. Waits for other calls on the same order.
Errors: RT003 unknown channel, RT013 no such order, 22004 a NULL argument.';

CREATE FUNCTION retail.release_backorders(sku text DEFAULT NULL, max_rows integer DEFAULT 100) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    tries bigint := 0;
    done bigint := 0;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    IF sku IS NOT NULL AND NOT EXISTS (SELECT FROM retail.sku k WHERE k.code = release_backorders.sku) THEN
        RAISE EXCEPTION 'unknown SKU "%"', left(sku, 200) USING ERRCODE = 'RT001';
    END IF;

    -- Whether any can be had at all is asked once per SKU and channel, and again
    -- only for an order that some location has refused.  Who ordered first comes first.
    FOR next IN
        WITH waiting AS MATERIALIZED (
            SELECT l.order_id, l.line_no, l.sku_id, o.channel_id, o.placed_at, o.longitude IS NULL AS one_store
            FROM retail.order_line l
                JOIN retail.sales_order o ON o.id = l.order_id
                JOIN retail.sku k ON k.id = l.sku_id
            WHERE l.backordered_qty > 0 AND o.status = 'confirmed' AND (release_backorders.sku IS NULL OR k.code = release_backorders.sku)
        ), sellable AS MATERIALIZED (
            SELECT d.sku_id, d.channel_id
            FROM (SELECT DISTINCT w.sku_id, w.channel_id FROM waiting w) d
            WHERE retail._sellable_anywhere(d.sku_id, d.channel_id)
        )
        SELECT w.order_id, w.line_no
        FROM waiting w
            JOIN sellable s ON s.sku_id = w.sku_id AND s.channel_id = w.channel_id
            CROSS JOIN LATERAL (SELECT array_agg(r.location_id) AS refused FROM retail.order_refusal r WHERE r.order_id = w.order_id) r
        WHERE (w.one_store OR r.refused IS NULL OR retail._sellable_anywhere(w.sku_id, w.channel_id, r.refused))
            AND retail._may_route_again(w.order_id)
        ORDER BY w.placed_at, w.order_id, w.line_no
    LOOP
        EXIT WHEN done >= max_rows OR tries >= 10 * max_rows::bigint;
        tries := tries + 1;
        PERFORM FROM retail.sales_order o WHERE o.id = next.order_id FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        BEGIN
            IF retail._reroute_order(next.order_id, next.line_no) > 0 THEN
                done := done + 1;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'order % could not be routed: %', next.order_id, SQLERRM;
        END;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION retail.release_backorders(text, integer) IS
'Routes backordered units of paid orders to locations that have them by now, first ordered first, skipping orders somebody is working on.
sku: only this one (default: all); max_rows: at most so many order lines, 1 or more.
Returns how many lines got units. Errors: RT001 unknown SKU, 22023 bad argument, RT004 init() was not run.';

CREATE FUNCTION retail.reroute_unaccepted(max_rows integer DEFAULT 100) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz;
    next record;
    done bigint := 0;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    at := retail.now();
    FOR next IN
        SELECT f.id, f.order_id
        FROM retail.fulfilment_order f
        WHERE f.state = 'routed' AND f.accept_by <= at
        ORDER BY f.accept_by
        LIMIT max_rows
    LOOP
        PERFORM FROM retail.sales_order o WHERE o.id = next.order_id FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM FROM retail.fulfilment_order f WHERE f.id = next.id AND f.state = 'routed' AND f.accept_by <= at FOR NO KEY UPDATE;
        CONTINUE WHEN NOT FOUND;
        BEGIN
            PERFORM retail._reject(next.id, 'not_accepted', NULL);
            done := done + 1;
        EXCEPTION WHEN OTHERS THEN
            -- the others go on, and this one is tried again next time
            RAISE WARNING 'parcel % could not be routed elsewhere: %', next.id, SQLERRM;
        END;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION retail.reroute_unaccepted(integer) IS
'Takes parcels that their location did not accept in time away from it and routes them elsewhere; what nobody else has is backordered. Skips those somebody is working on.
max_rows: at most so many, 1 or more.
Returns how many. Errors: 22023 bad argument, RT004 init() was not run.';
