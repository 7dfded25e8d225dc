-- Pickup: codes, collecting, slots, parcels nobody came for.
--
-- A code has 8 characters of an alphabet without 0, 1, I and O: 7 drawn from
-- the server's strong random source (gen_random_uuid(), which is core, and
-- 35 bits of it), and a check character by Luhn's rule over 32 characters,
-- which catches a mistyped one and two swapped ones before anything is looked
-- up.  Stored is a hash over the pepper of this database, the location and the
-- code; in clear it is in one answer and nowhere else.

CREATE FUNCTION retail._code_check(code text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    alphabet CONSTANT text := '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
    factor integer := 2;
    weighted integer;
    total integer := 0;
BEGIN
    FOR i IN REVERSE length(code) .. 1 LOOP
        weighted := factor * (strpos(alphabet, substr(code, i, 1)) - 1);
        total := total + weighted / 32 + weighted % 32;
        factor := 3 - factor;
    END LOOP;
    RETURN substr(alphabet, (32 - total % 32) % 32 + 1, 1);
END
$$;
COMMENT ON FUNCTION retail._code_check(text) IS 'Internal: the check character of a code, Luhn mod 32.';

CREATE FUNCTION retail._code_hash(location_id integer, code text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.sha256(s.pepper OPERATOR(pg_catalog.||) pg_catalog.int4send($1)
        OPERATOR(pg_catalog.||) pg_catalog.convert_to($2, 'UTF8'))
    FROM retail.pickup_secret s
$$;
COMMENT ON FUNCTION retail._code_hash(integer, text) IS 'Internal: what is stored of a code at a location.';

CREATE FUNCTION retail._normal_code(code text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plain CONSTANT text := upper(regexp_replace(left(code, 100) COLLATE "C", '[^0-9A-Za-z]', '', 'g') COLLATE "C");
BEGIN
    IF plain !~ '^[2-9A-HJ-NP-Z]{8}$' OR retail._code_check(left(plain, 7)) <> right(plain, 1) THEN
        RETURN NULL;
    END IF;
    RETURN plain;
END
$$;
COMMENT ON FUNCTION retail._normal_code(text) IS 'Internal: a code as it was given out, whatever its case and separators; NULL: it is none.';

CREATE FUNCTION retail._new_pickup_code(fulfilment_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    alphabet CONSTANT text := '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
    random bytea;
    code text;
    hash bytea;
    unique_here boolean := false;
BEGIN
    WHILE NOT unique_here LOOP
        -- the last 7 bytes of a version 4 UUID are random as a whole
        random := uuid_send(gen_random_uuid());
        code := '';
        FOR i IN 9 .. 15 LOOP
            code := code || substr(alphabet, (get_byte(random, i) & 31) + 1, 1);
        END LOOP;
        code := code || retail._code_check(code);
        SELECT retail._code_hash(f.location_id, code) INTO hash FROM retail.fulfilment_order f WHERE f.id = fulfilment_id;
        BEGIN
            UPDATE retail.fulfilment_order f SET code_hash = hash WHERE f.id = fulfilment_id;
            unique_here := true;
        EXCEPTION WHEN unique_violation THEN
            NULL;       -- another open parcel there has it
        END;
    END LOOP;
    RETURN code;
END
$$;
COMMENT ON FUNCTION retail._new_pickup_code(bigint) IS
'Internal: gives a locked parcel a code that no other open parcel of its location has, in place of the one it had; returns it in clear.';

CREATE FUNCTION retail.renew_pickup_code(fulfilment_id bigint, OUT outcome text, OUT state text, OUT pickup_code text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
BEGIN
    PERFORM retail._lock_parcel(fulfilment_id);
    SELECT p.state, v.kind INTO f
    FROM retail.fulfilment_order p
        JOIN retail.service v ON v.id = p.service_id
    WHERE p.id = fulfilment_id;
    state := f.state;
    IF f.kind <> 'pickup' OR f.state = 'new' OR NOT retail._is_open(f.state) THEN
        outcome := 'wrong_state';
        RETURN;
    END IF;
    outcome := 'renewed';
    pickup_code := retail._new_pickup_code(fulfilment_id);
END
$$;
COMMENT ON FUNCTION retail.renew_pickup_code(bigint) IS
'Makes a new pickup code; the old one is good for nothing from now on. For a shopper who has lost it, or whose parcel comes from another store now.
fulfilment_id: a paid pickup parcel that has not been collected.
Returns outcome (renewed, or wrong_state with the state it is in) and the code in clear, this once. Waits for other calls on the same order.
Errors: RT013 no such parcel, 22004 fulfilment_id is NULL.';

CREATE FUNCTION retail.collect(location text, pickup_code text, request_key text DEFAULT NULL) RETURNS retail.fulfilment_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    code CONSTANT text := retail._normal_code(pickup_code);
    place record;
    throttle record;
    hash bytea;
    earlier jsonb;
    parcel bigint;
    refusal text;
    answer retail.fulfilment_result;
BEGIN
    PERFORM retail._check_tables();
    IF location IS NULL OR pickup_code IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN location IS NULL THEN 'location' ELSE 'pickup_code' END
            USING ERRCODE = '22004';
    END IF;
    SELECT w.id, w.code INTO place FROM retail.location w WHERE w.code = location;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown location "%"', left(location, 200) USING ERRCODE = 'RT002';
    END IF;
    hash := retail._code_hash(place.id, coalesce(code, left(pickup_code, 100)));
    earlier := retail._request_begin(request_key, 'collect', jsonb_build_array(location, encode(hash, 'hex')));
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.fulfilment_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;

    -- Tries at one location go one after the other: guessing in parallel gets
    -- no further than guessing.
    INSERT INTO retail.pickup_throttle (location_id) VALUES (place.id) ON CONFLICT DO NOTHING;
    SELECT t.max_refused, t.within INTO throttle
    FROM retail.pickup_throttle t
    WHERE t.location_id = place.id
    FOR NO KEY UPDATE;
    UPDATE retail.pickup_throttle t
    SET refused_at = ARRAY(SELECT r.at FROM unnest(t.refused_at) r (at) WHERE r.at > retail.now() - throttle.within AND r.at <= retail.now())
    WHERE t.location_id = place.id AND t.refused_at <> '{}';

    IF code IS NOT NULL
        AND (SELECT cardinality(t.refused_at) < throttle.max_refused FROM retail.pickup_throttle t WHERE t.location_id = place.id) THEN
        SELECT f.id INTO parcel
        FROM retail.fulfilment_order f
        WHERE f.location_id = place.id AND f.code_hash = hash;
        IF FOUND THEN
            PERFORM retail._lock_parcel(parcel);
            -- by the clock, whatever a job has done; and as it is now that it is locked
            PERFORM
            FROM retail.fulfilment_order f
            WHERE f.id = parcel AND f.code_hash = hash AND f.state = 'ready_for_pickup'
                AND (f.collect_by IS NULL OR f.collect_by > retail.now());
            IF FOUND THEN
                refusal := retail._leave(parcel, 'collect');
                answer := retail._parcel_answer(parcel, refusal);
                PERFORM retail._request_end(request_key, 'collect', CASE WHEN refusal IS NULL THEN to_jsonb(answer) END);
                RETURN answer;
            END IF;
        END IF;
    END IF;

    -- A row and no exception, so that the count is committed with it.
    UPDATE retail.pickup_throttle t SET refused_at = t.refused_at || retail.now()
    WHERE t.location_id = place.id AND cardinality(t.refused_at) < throttle.max_refused;
    answer.outcome := 'refused';
    answer.location := place.code;
    answer.replayed := false;
    PERFORM retail._request_end(request_key, 'collect', to_jsonb(answer));
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.collect(text, text, text) IS
'The shopper is there with a pickup code: the parcel is his, and the ledger has its goods as a sale.
location: where he stands; pickup_code: case and separators do not matter; request_key: makes a retry safe.
Returns fulfilment_result: collected, or refused, and no more: for a code that is wrong, used, too late (collect_by has passed), of another location, of a parcel that is not ready, or when too many were refused here lately (retail.pickup_throttle); insufficient when fewer units are on hand than the parcel has. Refused tries count when the caller commits: do not roll them back. Waits for another collect() at the location, and for other calls on the same order.
Errors: RT002 unknown location, RT005 request key used for another request, 22004 a NULL argument.';

CREATE FUNCTION retail.return_uncollected(max_rows integer DEFAULT 100) RETURNS bigint
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
        WHERE f.state = 'ready_for_pickup' AND f.collect_by <= at
        ORDER BY f.collect_by
        LIMIT max_rows
    LOOP
        PERFORM FROM retail.sales_order o WHERE o.id = next.order_id FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM
        FROM retail.fulfilment_order f
        WHERE f.id = next.id AND f.state = 'ready_for_pickup' AND f.collect_by <= at
        FOR NO KEY UPDATE;
        CONTINUE WHEN NOT FOUND;
        BEGIN
            PERFORM retail._give_back(l.reservation_id, l.qty, l.qty)
            FROM (
                SELECT x.reservation_id, x.qty
                FROM retail.fulfilment_line x
                WHERE x.fulfilment_id = next.id
                ORDER BY x.sku_id, x.reservation_id
            ) l;
            UPDATE retail.order_line l SET cancelled_qty = l.cancelled_qty + p.qty
            FROM retail.fulfilment_line p
            WHERE p.fulfilment_id = next.id AND l.order_id = next.order_id AND l.line_no = p.line_no;
            PERFORM retail._step(next.id, 'time_out', 'not_collected');
            PERFORM retail._settle_order(next.order_id, 'not_collected');
            done := done + 1;
        EXCEPTION WHEN OTHERS THEN
            -- the others go on, and this one is tried again next time
            RAISE WARNING 'parcel % could not be returned: %', next.id, SQLERRM;
        END;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION retail.return_uncollected(integer) IS
'Puts parcels whose shopper did not come in time back to stock, and cancels their units: the outbox has the notice. Skips those somebody is working on. Their codes are refused from collect_by on, whether or not this has run.
max_rows: at most so many, 1 or more.
Returns how many. Errors: 22023 bad argument, RT004 init() was not run.';

-- Slots -----------------------------------------------------------------------

CREATE FUNCTION retail.book_slot(fulfilment_id bigint, slot_id bigint, request_key text DEFAULT NULL) RETURNS retail.fulfilment_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier CONSTANT jsonb := retail._request_begin(request_key, 'book_slot', jsonb_build_array(fulfilment_id, slot_id));
    f record;
    s record;
    answer retail.fulfilment_result;
    outcome text;
BEGIN
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.fulfilment_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;
    PERFORM retail._lock_parcel(fulfilment_id);
    SELECT p.state, p.location_id, p.slot_id INTO f FROM retail.fulfilment_order p WHERE p.id = book_slot.fulfilment_id;
    IF book_slot.slot_id IS NOT NULL AND f.slot_id = book_slot.slot_id THEN
        PERFORM retail._request_end(request_key, 'book_slot', NULL);
        RETURN retail._parcel_answer(fulfilment_id, 'booked', true);
    END IF;

    -- The parcels of a slot are its count: leaving one is nobody's wait, and of
    -- two who come to one the second counts the first.
    PERFORM FROM retail.slot t WHERE t.id = book_slot.slot_id FOR NO KEY UPDATE;
    SELECT t.location_id, t.ends_at, t.capacity, (SELECT count(*) FROM retail.fulfilment_order p WHERE p.slot_id = t.id) AS taken INTO s
    FROM retail.slot t
    WHERE t.id = book_slot.slot_id;
    outcome := CASE
        WHEN NOT retail._is_open(f.state) THEN 'wrong_state'
        WHEN s.location_id IS DISTINCT FROM f.location_id THEN 'no_slot'
        WHEN s.ends_at <= retail.now() THEN 'over'
        WHEN s.taken >= s.capacity THEN 'full'
        ELSE 'booked' END;
    IF outcome <> 'booked' THEN
        PERFORM retail._request_end(request_key, 'book_slot', NULL);
        RETURN retail._parcel_answer(fulfilment_id, outcome);
    END IF;
    -- written, so that at REPEATABLE READ the second, who cannot count the first, fails
    UPDATE retail.slot t SET booked_at = retail.now() WHERE t.id = book_slot.slot_id;
    UPDATE retail.fulfilment_order p
    SET slot_id = book_slot.slot_id,
        collect_by = CASE WHEN p.state = 'ready_for_pickup' AND p.collect_by < s.ends_at THEN s.ends_at ELSE p.collect_by END
    WHERE p.id = book_slot.fulfilment_id;
    PERFORM retail._announce_parcel(fulfilment_id, 'book_slot');
    answer := retail._parcel_answer(fulfilment_id, outcome);
    PERFORM retail._request_end(request_key, 'book_slot', to_jsonb(answer));
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.book_slot(bigint, bigint, text) IS
'Books a time at which a parcel is handed over, in place of the one it had.
fulfilment_id: an open parcel; slot_id: a row of retail.slot at its location; request_key: makes a retry safe.
Returns fulfilment_result: booked, or a refusal that leaves the old booking: full, over (the slot has passed), no_slot (none of this location), wrong_state. Of two who want the last place one waits and answers full. A parcel that is cancelled, rejected or not collected frees its place. The outbox tells the location.
Errors: RT013 no such parcel, RT005 request key used for another request, 22004 fulfilment_id is NULL.';

CREATE FUNCTION retail.free_slot(fulfilment_id bigint) RETURNS retail.fulfilment_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
BEGIN
    PERFORM retail._lock_parcel(fulfilment_id);
    SELECT p.state, p.slot_id INTO f FROM retail.fulfilment_order p WHERE p.id = free_slot.fulfilment_id;
    IF f.slot_id IS NULL OR NOT retail._is_open(f.state) THEN
        RETURN retail._parcel_answer(fulfilment_id, CASE WHEN f.slot_id IS NULL THEN 'freed' ELSE 'wrong_state' END, f.slot_id IS NULL);
    END IF;
    UPDATE retail.fulfilment_order p SET slot_id = NULL WHERE p.id = free_slot.fulfilment_id;
    PERFORM retail._announce_parcel(fulfilment_id, 'free_slot');
    RETURN retail._parcel_answer(fulfilment_id, 'freed');
END
$$;
COMMENT ON FUNCTION retail.free_slot(bigint) IS
'Gives the slot of an open parcel back. Doing it twice is harmless.
Returns fulfilment_result: freed, or wrong_state. Waits for other calls on the same order.
Errors: RT013 no such parcel, 22004 fulfilment_id is NULL.';

CREATE FUNCTION retail.free_slots(location text, resource text DEFAULT NULL)
RETURNS TABLE (slot_id bigint, slot_resource text, starts_at timestamptz, ends_at timestamptz, capacity integer, places bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place integer;
BEGIN
    PERFORM retail._check_tables();
    SELECT w.id INTO place FROM retail.location w WHERE w.code = location;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown location "%"', left(location, 200) USING ERRCODE = 'RT002';
    END IF;
    RETURN QUERY
    SELECT t.id, t.resource, t.starts_at, t.ends_at, t.capacity, t.capacity - b.booked
    FROM retail.slot t
        CROSS JOIN LATERAL (SELECT count(*) AS booked FROM retail.fulfilment_order f WHERE f.slot_id = t.id) b
    WHERE t.location_id = place AND t.ends_at > retail.now() AND (free_slots.resource IS NULL OR t.resource = free_slots.resource)
        AND b.booked < t.capacity
    ORDER BY t.starts_at, t.resource, t.id;
END
$$;
COMMENT ON FUNCTION retail.free_slots(text, text) IS
'Times at which a location can still hand a parcel over, first to last: what a shopper chooses from before book_slot().
location: code; resource: only this one, desk, parking_bay, locker (default: all).
Returns slots that are not over and not full, with how many places each has left. Waits for nobody, and promises nothing: somebody may be quicker.
Errors: RT002 unknown location, RT004 init() was not run.';
