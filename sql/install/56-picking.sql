-- Picking: merging parcels, waves, pick lists.

CREATE TYPE retail.wave_result AS (
    outcome  text,
    wave_id  bigint,
    location text,
    parcels  integer,
    units    bigint,
    replayed boolean
);
COMMENT ON TYPE retail.wave_result IS
'Answer of a call on a wave. outcome: planned, nothing (no parcel waits to be picked), started, done, or wrong_state; parcels and units: those in it that the call acted on; replayed: nothing was changed by this call, because an earlier one had done it.';

CREATE FUNCTION retail.merge_parcels(channel text, order_ref text) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN retail._merge_parcels(retail._lock_order(channel, order_ref));
END
$$;
COMMENT ON FUNCTION retail.merge_parcels(text, text) IS
'Makes one parcel of those of an order that the same location has accepted for the same service and has not begun to pick. Two that hold units of the same line stay two. A slot booked for either is that of both; where both had one, the earlier parcel''s.
channel, order_ref: the order.
Returns how many parcels became part of another. make_wave() does it by itself. Waits for other calls on the same order.
Errors: RT003 unknown channel, RT013 no such order, 22004 a NULL argument.';

CREATE FUNCTION retail._merge_parcels(order_id bigint) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    takes_place boolean;
    merged integer := 0;
BEGIN
    PERFORM FROM retail.fulfilment_order f WHERE f.order_id = _merge_parcels.order_id ORDER BY f.id FOR NO KEY UPDATE;
    FOR next IN
        SELECT b.id AS later_id, a.id AS earlier_id
        FROM retail.fulfilment_order a
            JOIN retail.fulfilment_order b ON b.order_id = a.order_id AND b.location_id = a.location_id
                AND b.service_id = a.service_id AND b.id > a.id
        WHERE a.order_id = _merge_parcels.order_id AND a.state = 'accepted' AND b.state = 'accepted'
            AND a.wave_id IS NULL AND b.wave_id IS NULL
            AND b.code_hash IS NULL         -- the shopper may come with that code
        ORDER BY a.id, b.id
    LOOP
        -- as they are after the merges before
        CONTINUE WHEN EXISTS (
                SELECT FROM retail.fulfilment_order f WHERE f.id IN (next.earlier_id, next.later_id) AND f.state <> 'accepted')
            OR EXISTS (
                SELECT
                FROM retail.fulfilment_line x
                    JOIN retail.fulfilment_line y ON y.line_no = x.line_no
                WHERE x.fulfilment_id = next.earlier_id AND y.fulfilment_id = next.later_id);
        -- One slot and one place of the day for both; the others are given back with the step.
        takes_place := (SELECT f.capacity_date IS NULL FROM retail.fulfilment_order f WHERE f.id = next.earlier_id);
        UPDATE retail.fulfilment_order f
        SET promise_at = least(f.promise_at, o.promise_at), promise_kept = f.promise_kept AND o.promise_kept,
            slot_id = coalesce(f.slot_id, o.slot_id), capacity_date = coalesce(f.capacity_date, o.capacity_date)
        FROM retail.fulfilment_order o
        WHERE f.id = next.earlier_id AND o.id = next.later_id;
        IF takes_place THEN
            UPDATE retail.fulfilment_order f SET capacity_date = NULL WHERE f.id = next.later_id;
        END IF;
        PERFORM retail._step(next.later_id, 'merge', format('merged into %s', next.earlier_id));
        UPDATE retail.fulfilment_line l SET fulfilment_id = next.earlier_id WHERE l.fulfilment_id = next.later_id;
        merged := merged + 1;
    END LOOP;
    RETURN merged;
END
$$;
COMMENT ON FUNCTION retail._merge_parcels(bigint) IS 'Internal: merge_parcels() of a locked order.';

CREATE FUNCTION retail._wanted(fulfilment_id bigint)
RETURNS TABLE (pick_line_id bigint, bag_no integer, line_no integer, sku_id integer, lot text, expires_on date, wanted bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.id, p.bag_no, p.line_no, p.sku_id, p.lot, p.expires_on, p.wanted
    FROM (
        -- what was taken off a line since is taken off its last lot
        SELECT x.*, least(x.qty, l.qty - (sum(x.qty) OVER (PARTITION BY x.line_no ORDER BY x.id) - x.qty))::bigint AS wanted
        FROM retail.fulfilment_order f
            JOIN retail.pick_line x ON x.wave_id = f.wave_id AND x.fulfilment_id = f.id
            JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id AND l.line_no = x.line_no
        WHERE f.id = $1
    ) p
    WHERE p.wanted > 0
$$;
COMMENT ON FUNCTION retail._wanted(bigint) IS 'Internal: what a parcel is to have of which lot, as its wave has planned it, less what was cancelled since.';

CREATE FUNCTION retail.make_wave(location text, max_parcels integer DEFAULT 20, service text DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.wave_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier CONSTANT jsonb := retail._request_begin(request_key, 'make_wave', jsonb_build_array(location, max_parcels, service));
    place record;
    next record;
    this_wave bigint;
    taken integer := 0;
    answer retail.wave_result;
BEGIN
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.wave_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;
    PERFORM retail._check_tables();
    IF max_parcels IS NULL OR max_parcels NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'max_parcels must be 1 to 1000' USING ERRCODE = '22023';
    END IF;
    SELECT w.id, w.time_zone INTO place FROM retail.location w WHERE w.code = location;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown location "%"', left(location, 200) USING ERRCODE = 'RT002';
    ELSIF service IS NOT NULL AND NOT EXISTS (SELECT FROM retail.service v WHERE v.code = make_wave.service) THEN
        RAISE EXCEPTION 'unknown service "%"', left(service, 200) USING ERRCODE = 'RT012';
    END IF;

    -- The most urgent first, with whatever else of their orders is here.
    FOR next IN
        SELECT f.order_id
        FROM retail.fulfilment_order f
            JOIN retail.service v ON v.id = f.service_id
        WHERE f.location_id = place.id AND f.state = 'accepted' AND f.wave_id IS NULL
            AND (make_wave.service IS NULL OR v.code = make_wave.service)
        GROUP BY f.order_id
        ORDER BY min(f.promise_at), f.order_id
    LOOP
        EXIT WHEN taken >= max_parcels;
        PERFORM FROM retail.sales_order o WHERE o.id = next.order_id FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM retail._merge_parcels(next.order_id);
        IF this_wave IS NULL THEN
            INSERT INTO retail.pick_wave (location_id, actor, created_at)
            VALUES (place.id, retail._actor(), retail.now())
            RETURNING id INTO this_wave;
        END IF;
        UPDATE retail.fulfilment_order f SET wave_id = this_wave
        WHERE f.id IN (
            SELECT p.id
            FROM retail.fulfilment_order p
                JOIN retail.service v ON v.id = p.service_id
            WHERE p.order_id = next.order_id AND p.location_id = place.id AND p.state = 'accepted' AND p.wave_id IS NULL
                AND (make_wave.service IS NULL OR v.code = make_wave.service)
            ORDER BY p.promise_at, p.id
            LIMIT max_parcels - taken);
        taken := taken + (SELECT count(*) FROM retail.fulfilment_order f WHERE f.wave_id = this_wave AND f.order_id = next.order_id);
    END LOOP;

    answer.location := location;
    answer.replayed := false;
    answer.parcels := taken;
    answer.units := 0;
    IF taken = 0 THEN
        DELETE FROM retail.pick_wave w WHERE w.id = this_wave;
        answer.outcome := 'nothing';
        PERFORM retail._request_end(request_key, 'make_wave', NULL);
        RETURN answer;
    END IF;

    /*
     * What to pick from which lot.  Demand and lots of a SKU are laid end to
     * end on two lines, and where the pieces overlap, that lot serves that
     * parcel; past the last lot the units are of none.  What other parcels
     * that are still here are to have of a lot is not there for these.
     */
    INSERT INTO retail.pick_line (wave_id, bag_no, fulfilment_id, line_no, sku_id, qty, lot, expires_on)
    WITH demand AS (
        SELECT dense_rank() OVER (ORDER BY coalesce(b.bag, f.id)) AS bag_no, f.id, l.line_no, l.sku_id, l.qty,
            sum(l.qty) OVER w - l.qty AS from_unit, sum(l.qty) OVER w AS to_unit
        FROM retail.fulfilment_order f
            JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
            JOIN retail.sales_order o ON o.id = f.order_id
            LEFT JOIN LATERAL (
                -- the first parcel of the same customer, going the same way
                SELECT min(p.id) AS bag
                FROM retail.fulfilment_order p
                    JOIN retail.sales_order s ON s.id = p.order_id
                WHERE p.wave_id = f.wave_id AND p.service_id = f.service_id AND s.holder = o.holder
                    AND s.longitude IS NOT DISTINCT FROM o.longitude AND s.latitude IS NOT DISTINCT FROM o.latitude
            ) b ON true
        WHERE f.wave_id = this_wave
        WINDOW w AS (PARTITION BY l.sku_id ORDER BY f.promise_at, f.id, l.line_no)
    ), pinned AS (
        SELECT p.sku_id, p.lot, sum(p.wanted) AS qty
        FROM retail.fulfilment_order f
            CROSS JOIN LATERAL retail._wanted(f.id) p
        WHERE f.location_id = place.id AND f.wave_id <> this_wave AND p.lot IS NOT NULL
            AND f.state IN ('accepted', 'picking', 'packed', 'ready_for_pickup', 'on_hold')
        GROUP BY 1, 2
    ), supply AS (
        SELECT t.sku_id, t.code, t.expires_on, sum(t.units) OVER w - t.units AS from_unit, sum(t.units) OVER w AS to_unit
        FROM (
                SELECT x.id, x.sku_id, x.code, x.expires_on, x.on_hand - x.unavailable - coalesce(n.qty, 0) AS units
                FROM retail.lot x
                    LEFT JOIN pinned n ON n.sku_id = x.sku_id AND n.lot = x.code
                WHERE x.location_id = place.id AND x.sku_id IN (SELECT d.sku_id FROM demand d)
                    AND (x.expires_on IS NULL OR x.expires_on > (retail.now() AT TIME ZONE place.time_zone)::date)
            ) t
        WHERE t.units > 0
        WINDOW w AS (PARTITION BY t.sku_id ORDER BY t.expires_on NULLS LAST, t.id)
    )
    SELECT this_wave, p.bag_no, p.id, p.line_no, p.sku_id, p.qty, p.lot, p.expires_on
    FROM (
        SELECT d.bag_no, d.id, d.line_no, d.sku_id,
            least(d.to_unit, s.to_unit) - greatest(d.from_unit, s.from_unit) AS qty, s.code AS lot, s.expires_on
        FROM demand d
            JOIN supply s ON s.sku_id = d.sku_id AND s.from_unit < d.to_unit AND s.to_unit > d.from_unit
        UNION ALL
        SELECT d.bag_no, d.id, d.line_no, d.sku_id, d.to_unit - greatest(d.from_unit, coalesce(s.units, 0)), NULL, NULL
        FROM demand d
            LEFT JOIN (SELECT x.sku_id, max(x.to_unit) AS units FROM supply x GROUP BY x.sku_id) s ON s.sku_id = d.sku_id
        WHERE d.to_unit > coalesce(s.units, 0)
    ) p
    ORDER BY p.bag_no, p.id, p.line_no, p.expires_on NULLS LAST;

    answer.outcome := 'planned';
    answer.wave_id := this_wave;
    SELECT sum(l.qty) INTO answer.units FROM retail.pick_line l WHERE l.wave_id = this_wave;
    PERFORM retail._request_end(request_key, 'make_wave', to_jsonb(answer));
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.make_wave(text, integer, text, text) IS
'Puts parcels that a location has accepted into a wave, the most urgent first, and makes its pick list. Parcels of one order for one service are merged; those of one holder to the same place by the same service share a bag.
location: code; max_parcels: at most so many, 1 to 1000 (default 20); service: only of this one (default: all); request_key: makes a retry safe.
Returns wave_result: planned, or nothing. Skips orders somebody is working on. A parcel that is cancelled or rejected falls out of the wave by itself.
Errors: RT002 unknown location, RT012 unknown service, RT005 request key used for another request, 22023 bad argument.';

CREATE FUNCTION retail.pick_list(wave_id bigint)
RETURNS TABLE (bag_no integer, fulfilment_id bigint, line_no integer, sku text, sku_name text, qty bigint, lot text, expires_on date)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.bag_no, f.id, p.line_no, k.code, k.name, p.wanted, p.lot, p.expires_on
    FROM retail.fulfilment_order f
        CROSS JOIN LATERAL retail._wanted(f.id) p
        JOIN retail.sku k ON k.id = p.sku_id
    WHERE f.wave_id = $1 AND f.state IN ('accepted', 'picking')
    ORDER BY p.bag_no, f.id, p.line_no, p.pick_line_id
$$;
COMMENT ON FUNCTION retail.pick_list(bigint) IS
'What is still to be picked of a wave.
wave_id: of make_wave().
Returns the bag to put it in, the parcel and its line, SKU code and name, base units, and the lot to take them from where there are lots, first expired first. No row for a wave that is done, or that nobody knows. Errors: none.';

CREATE FUNCTION retail._lock_wave(wave_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    state text;
BEGIN
    PERFORM retail._check_tables();
    -- orders before the wave: make_wave() has them in this order, too
    PERFORM
    FROM retail.sales_order o
    WHERE o.id IN (SELECT f.order_id FROM retail.fulfilment_order f WHERE f.wave_id = _lock_wave.wave_id)
    ORDER BY o.id
    FOR NO KEY UPDATE;
    SELECT w.state INTO state FROM retail.pick_wave w WHERE w.id = wave_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no wave %', wave_id USING ERRCODE = 'RT013';
    END IF;
    RETURN state;
END
$$;
COMMENT ON FUNCTION retail._lock_wave(bigint) IS 'Internal: locks the orders of a wave, then the wave; returns its state. Errors: RT013 no such wave.';

CREATE FUNCTION retail.start_wave(wave_id bigint) RETURNS retail.wave_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was CONSTANT text := retail._lock_wave(wave_id);
    answer retail.wave_result;
BEGIN
    SELECT CASE was WHEN 'done' THEN 'wrong_state' ELSE 'started' END, w.id, l.code, 0, 0, was <> 'planned' INTO answer
    FROM retail.pick_wave w
        JOIN retail.location l ON l.id = w.location_id
    WHERE w.id = start_wave.wave_id;
    IF was = 'planned' THEN
        PERFORM retail._advance(f.id, 'start_picking', NULL, NULL, 'reroute')
        FROM (SELECT p.id FROM retail.fulfilment_order p WHERE p.wave_id = start_wave.wave_id AND p.state = 'accepted' ORDER BY p.id) f;
        UPDATE retail.pick_wave w SET state = 'started', started_at = retail.now() WHERE w.id = start_wave.wave_id;
    END IF;
    SELECT count(DISTINCT p.fulfilment_id), coalesce(sum(p.qty), 0) INTO answer.parcels, answer.units
    FROM retail.pick_list(start_wave.wave_id) p;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.start_wave(bigint) IS
'Picking begins: every accepted parcel of the wave goes to picking.
Returns wave_result: started (replayed when it already was), or wrong_state. Waits for other calls on its orders.
Errors: RT013 no such wave.';

CREATE FUNCTION retail.finish_wave(wave_id bigint, picked jsonb DEFAULT '{}', on_short text DEFAULT 'reroute')
RETURNS SETOF retail.fulfilment_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was CONSTANT text := retail._lock_wave(wave_id);
    next record;
BEGIN
    IF picked IS NULL OR jsonb_typeof(picked) <> 'object' THEN
        RAISE EXCEPTION 'picked must be an object of parcels and the units found of each line' USING ERRCODE = '22023';
    ELSIF on_short IS NULL OR on_short NOT IN ('reroute', 'backorder', 'cancel') THEN
        RAISE EXCEPTION 'unknown on_short "%"', left(on_short, 60)
            USING ERRCODE = '22023', HINT = 'It is reroute, backorder or cancel.';
    ELSIF EXISTS (
        SELECT
        FROM jsonb_object_keys(picked) p (id)
        WHERE NOT EXISTS (SELECT FROM retail.fulfilment_order f WHERE f.wave_id = finish_wave.wave_id AND f.id::text = p.id)) THEN
        RAISE EXCEPTION 'picked names a parcel that is not in wave %', wave_id USING ERRCODE = '22023';
    END IF;
    IF was = 'done' THEN
        RETURN QUERY
        SELECT a.*
        FROM retail.fulfilment_order f
            CROSS JOIN LATERAL retail._parcel_answer(f.id, NULL, true) a
        WHERE f.wave_id = finish_wave.wave_id
        ORDER BY f.id;
        RETURN;
    END IF;
    -- What is short is blocked parcel by parcel: two waves would come to their
    -- stocks in different orders.
    PERFORM
    FROM retail.stock s
    WHERE (s.sku_id, s.location_id) IN (
        SELECT l.sku_id, f.location_id
        FROM retail.fulfilment_order f
            JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
        WHERE f.wave_id = finish_wave.wave_id AND f.state = 'picking' AND jsonb_exists(picked, f.id::text))
    ORDER BY s.sku_id
    FOR NO KEY UPDATE;
    FOR next IN
        SELECT f.id
        FROM retail.fulfilment_order f
        WHERE f.wave_id = finish_wave.wave_id AND f.state = 'picking'
        ORDER BY f.id
    LOOP
        RETURN QUERY
        SELECT a.*
        FROM retail._advance(next.id, 'pack', NULL, CASE WHEN jsonb_exists(picked, next.id::text) THEN
                ARRAY(SELECT n.value::bigint FROM jsonb_array_elements_text(picked->(next.id::text)) WITH ORDINALITY n (value, i) ORDER BY n.i) END,
            on_short) a;
    END LOOP;
    -- those that were on hold wait for another wave
    UPDATE retail.fulfilment_order f SET wave_id = NULL WHERE f.wave_id = finish_wave.wave_id AND f.state IN ('accepted', 'on_hold');
    UPDATE retail.pick_wave w SET state = 'done', done_at = retail.now() WHERE w.id = finish_wave.wave_id;
END
$$;
COMMENT ON FUNCTION retail.finish_wave(bigint, jsonb, text) IS
'Picking is over: every parcel of the wave that is being picked is packed.
picked: of parcels where something was missing, the units found of each line by line_no, as {"parcel": [2, 0]}; the others were found whole; on_short: as in advance().
Returns one fulfilment_result per parcel packed, as advance(). A wave that is done answers the states of its parcels, replayed.
Errors: RT013 no such wave, 22023 bad argument.';
