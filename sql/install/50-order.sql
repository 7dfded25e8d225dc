-- Orders after they were placed: payment, cancellation, returns, deadlines.
--
-- Every call that changes an order locks its row in retail.sales_order first,
-- then parcels, then reservations by (SKU, location), and stock rows last.  So
-- the calls on one order go one after the other, and none of the races between
-- them needs another rule.  Places of a day and slots are given back without a
-- wait, and taken anew only where nobody takes one at that instant.

CREATE TYPE retail.order_change AS (
    outcome       text,
    order_id      bigint,
    fulfilment_id bigint,
    line_no       integer,
    sku           text,
    location      text,
    qty           bigint,
    promise_at    timestamptz,
    pickup_code   text,
    replayed      boolean
);
COMMENT ON TYPE retail.order_change IS
'Units of one line of an order, and what became of them. outcome: confirmed, rerouted (they come from another location now, or from one at last), backordered (nobody has them: they wait), cancelled, too_late (they have left, or are not there to be cancelled), or the status of the order that forbids the call (placed, expired, cancelled, completed), in one row without a line; fulfilment_id and location: the parcel; qty: base units; promise_at: when it is there, or ready; pickup_code: in clear, given once; replayed: nothing was changed by this call, because an earlier one had done it.';

CREATE TYPE retail.return_result AS (
    outcome      text,
    order_id     bigint,
    line_no      integer,
    sku          text,
    location     text,
    qty          bigint,
    returned_qty bigint,
    movement_id  bigint,
    replayed     boolean,
    refund       numeric,
    currency     text
);
COMMENT ON TYPE retail.return_result IS
'Answer of return_order(). outcome: returned, refunded (without goods), not_shipped (more than was shipped less what came back), not_sold (the ledger does not cover it), no_returns (this location takes none back) or closed; qty: base units taken back; returned_qty: of the line so far; movement_id: its row in the ledger; replayed: the answer of an earlier try with the same request_key; refund and currency: what the shopper gets back for them, NULL where the order was placed without a frozen quote.';

-- What all of them share ------------------------------------------------------

CREATE FUNCTION retail._guard_event() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'table "%" is written by the functions of pg_retail only', TG_TABLE_NAME
        USING ERRCODE = 'RT008',
            DETAIL = 'The log of the parcels is appended to, never changed.',
            HINT = 'What went wrong is put right by another step: retail.advance().';
END
$$;
COMMENT ON FUNCTION retail._guard_event() IS 'Internal: keeps the log of the parcels append-only.';

CREATE FUNCTION retail._actor() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_actor_sql';
COMMENT ON FUNCTION retail._actor() IS 'Internal: the role that called: the session''s, or the one it has SET ROLE to, also within a function that runs as its owner.';

CREATE FUNCTION retail._login() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_login_sql';
COMMENT ON FUNCTION retail._login() IS
'Internal: the role that logged in, whatever it has SET ROLE to; NULL: one that stands for several persons (a superuser, or named in pg_retail.shared_logins).';

CREATE FUNCTION retail._is_me(actor text, login text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce($1 IN (m.actor, m.login), false) OR coalesce($2 IN (m.actor, m.login), false)
    FROM (SELECT retail._actor() AS actor, retail._login() AS login) m
$$;
COMMENT ON FUNCTION retail._is_me(text, text) IS
'Internal: whether who calls may be the person who once called as that role with that login: SET ROLE makes no other person of him.';

CREATE FUNCTION retail._request_begin(request_key text, function text, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me CONSTANT text := retail._actor();
    hash CONSTANT bigint := hashtextextended(arguments::text COLLATE "C", 0);
    found_hash bigint;
    found_answer jsonb;
BEGIN
    IF request_key IS NULL THEN
        RETURN NULL;
    ELSIF request_key = '' OR length(request_key) > 200 THEN
        RAISE EXCEPTION 'request_key must have 1 to 200 characters' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    LOOP
        -- waits for a try in flight
        INSERT INTO retail.order_request (request_key, function, actor, request_hash, created_at)
        VALUES (request_key, function, me, hash, retail.now())
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        SELECT q.request_hash, q.answer INTO found_hash, found_answer
        FROM retail.order_request q
        WHERE q.request_key = _request_begin.request_key AND q.function = _request_begin.function AND q.actor = me;
        EXIT WHEN FOUND;
    END LOOP;
    IF found_hash <> hash THEN
        RAISE EXCEPTION 'request_key was used for another request to retail.%()', function
            USING ERRCODE = 'RT005',
                DETAIL = 'A request key names one request with all its arguments.',
                HINT = 'Use a fresh key for a new request, and the same arguments for a retry.';
    END IF;
    RETURN found_answer;
END
$$;
COMMENT ON FUNCTION retail._request_begin(text, text, jsonb) IS
'Internal: the answer an earlier try gave under this key; NULL: there is none, and the key is taken for this one.';

CREATE FUNCTION retail._request_end(request_key text, function text, answer jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF request_key IS NULL THEN
        RETURN;
    ELSIF answer IS NULL THEN
        -- a refusal: nothing was changed, and a retry is decided anew
        DELETE FROM retail.order_request q
        WHERE q.request_key = _request_end.request_key AND q.function = _request_end.function AND q.actor = retail._actor();
    ELSE
        UPDATE retail.order_request q SET answer = _request_end.answer
        WHERE q.request_key = _request_end.request_key AND q.function = _request_end.function AND q.actor = retail._actor();
    END IF;
END
$$;
COMMENT ON FUNCTION retail._request_end(text, text, jsonb) IS 'Internal: keeps an answer under its key; NULL: a refusal, which is not kept.';

CREATE FUNCTION retail._lock_order(channel text, order_ref text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_channel integer;
    this_order bigint;
BEGIN
    PERFORM retail._check_tables();
    IF channel IS NULL OR order_ref IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN channel IS NULL THEN 'channel' ELSE 'order_ref' END
            USING ERRCODE = '22004';
    END IF;
    SELECT c.id INTO this_channel FROM retail.channel c WHERE c.code = channel;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown channel "%"', left(channel, 200) USING ERRCODE = 'RT003';
    END IF;
    SELECT o.id INTO this_order
    FROM retail.sales_order o
    WHERE o.channel_id = this_channel AND o.order_ref = _lock_order.order_ref
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no order "%" of channel "%"', left(order_ref, 200), left(channel, 200) USING ERRCODE = 'RT013';
    END IF;
    RETURN this_order;
END
$$;
COMMENT ON FUNCTION retail._lock_order(text, text) IS 'Internal: the id of an order, whose row is locked. Errors: RT003 unknown channel, RT013 no such order.';

CREATE FUNCTION retail._announce_order(order_id bigint, event text, reason text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$
    INSERT INTO retail.outbox (topic, payload)
    SELECT 'order', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'channel', c.code, 'order_ref', o.order_ref, 'event', $2, 'status', o.status, 'reason', $3,
        'lines', (
            SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('line_no', l.line_no, 'sku', k.code, 'qty', l.qty,
                'backordered_qty', l.backordered_qty, 'cancelled_qty', l.cancelled_qty, 'shipped_qty', l.shipped_qty,
                'returned_qty', l.returned_qty) ORDER BY l.line_no)
            FROM retail.order_line l
                JOIN retail.sku k ON k.id OPERATOR(pg_catalog.=) l.sku_id
            WHERE l.order_id OPERATOR(pg_catalog.=) o.id)))
    FROM retail.sales_order o
        JOIN retail.channel c ON c.id OPERATOR(pg_catalog.=) o.channel_id
    WHERE o.id OPERATOR(pg_catalog.=) $1
$$;
COMMENT ON FUNCTION retail._announce_order(bigint, text, text) IS 'Internal: writes an event of the whole order into the outbox.';

CREATE FUNCTION retail._settle_order(order_id bigint, reason text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    open boolean;
    any_shipped boolean;
    reached text;
BEGIN
    SELECT bool_or(l.cancelled_qty + l.shipped_qty < l.qty), bool_or(l.shipped_qty > 0) INTO open, any_shipped
    FROM retail.order_line l
    WHERE l.order_id = _settle_order.order_id;
    IF open THEN
        RETURN;
    END IF;
    reached := CASE WHEN any_shipped THEN 'completed' ELSE 'cancelled' END;
    UPDATE retail.sales_order o SET status = reached, changed_at = retail.now()
    WHERE o.id = _settle_order.order_id AND o.status IN ('placed', 'confirmed');
    IF FOUND THEN
        PERFORM retail._announce_order(order_id, reached, reason);
    END IF;
END
$$;
COMMENT ON FUNCTION retail._settle_order(bigint, text) IS 'Internal: an order none of whose units is to come any more is completed, or cancelled where none was shipped.';

CREATE FUNCTION retail._give_back(reservation_id bigint, had bigint, qty bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    r retail.reservation_result;
BEGIN
    r := retail.cancel(reservation_id, qty => CASE WHEN qty < had THEN qty END);
    IF r.outcome = 'cancelled' AND NOT r.replayed THEN
        RETURN coalesce(r.remainder_id, reservation_id);
    ELSIF r.outcome <> 'held' THEN
        RETURN reservation_id;
    END IF;

    -- Unpaid.  A part cannot be released by itself: it is split off by way of
    -- a commitment that ends at once.  A hold that has lapsed stays as it is.
    IF qty = had THEN
        PERFORM retail.release(reservation_id);
        RETURN reservation_id;
    END IF;
    r := retail.confirm(reservation_id, qty => qty);
    IF r.outcome = 'committed' THEN
        PERFORM retail.cancel(reservation_id);
        RETURN r.remainder_id;
    END IF;
    RETURN reservation_id;
END
$$;
COMMENT ON FUNCTION retail._give_back(bigint, bigint, bigint) IS
'Internal: gives back part of the units a parcel''s line has, or all; returns the reservation of the rest. Other sessions may have ended it already.';

-- Payment ---------------------------------------------------------------------

CREATE FUNCTION retail._renew_promise(fulfilment_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
    p record;
    new_date date;
BEGIN
    SELECT x.location_id, x.capacity_date, w.code AS location, w.time_zone, w.daily_capacity, v.code AS service INTO f
    FROM retail.fulfilment_order x
        JOIN retail.location w ON w.id = x.location_id
        JOIN retail.service v ON v.id = x.service_id
    WHERE x.id = fulfilment_id;
    SELECT s.starts_at, s.promise_at, s.kept INTO p FROM retail.promise(f.service, f.location, retail.now()) s;
    IF p.promise_at IS NULL THEN
        RETURN true;            -- it opens no more: a person has to look into that, not a clock
    END IF;

    -- Its place is one of the day it starts on.  Somebody may be taking one of
    -- that day: nobody waits for him with an order locked.
    new_date := CASE WHEN f.capacity_date IS NOT NULL AND f.daily_capacity IS NOT NULL
        THEN (p.starts_at AT TIME ZONE f.time_zone)::date END;
    IF new_date <> f.capacity_date AND NOT retail._take_capacity(f.location_id, new_date, f.daily_capacity, false) THEN
        RETURN false;
    ELSIF new_date IS DISTINCT FROM f.capacity_date THEN
        PERFORM retail._give_capacity(f.location_id, f.capacity_date);
    END IF;
    UPDATE retail.fulfilment_order x
    SET promise_at = p.promise_at, promise_kept = p.kept, capacity_date = new_date,
        slot_id = (SELECT t.id FROM retail.slot t WHERE t.id = x.slot_id AND t.ends_at > p.starts_at)
    WHERE x.id = fulfilment_id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION retail._renew_promise(bigint) IS
'Internal: a locked, unpaid parcel is promised anew, from this instant: its promise, its place of a day, and its slot, which is left where it ends before work can start. false: the day it would start on now has no place; then nothing was changed.';

CREATE FUNCTION retail.confirm_order(channel text, order_ref text, request_key text DEFAULT NULL, paid numeric DEFAULT NULL,
    paid_currency text DEFAULT NULL)
RETURNS SETOF retail.order_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier CONSTANT jsonb := retail._request_begin(request_key, 'confirm_order',
        CASE WHEN paid IS NULL THEN jsonb_build_array(channel, order_ref)
            ELSE jsonb_build_array(channel, order_ref, paid, paid_currency) END);
    this_id CONSTANT bigint := CASE WHEN earlier IS NULL THEN retail._lock_order(channel, order_ref) END;
    o record;
    next record;
    r retail.reservation_result;
    parcels bigint[];
    full_parcels bigint[];
    lost_lines integer[] := ARRAY[]::integer[];
    lost_qtys bigint[] := ARRAY[]::bigint[];
    part integer;
    codes jsonb := jsonb '{}';
    answer retail.order_change[];
    again boolean := false;
    costs record;
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN QUERY
        SELECT a.outcome, a.order_id, a.fulfilment_id, a.line_no, a.sku, a.location, a.qty, a.promise_at, a.pickup_code, true
        FROM jsonb_populate_recordset(NULL::retail.order_change, earlier) a;
        RETURN;
    END IF;
    SELECT s.id, s.status INTO o FROM retail.sales_order s WHERE s.id = this_id;

    IF o.status NOT IN ('placed', 'confirmed') THEN
        PERFORM retail._request_end(request_key, 'confirm_order', NULL);
        RETURN NEXT (o.status, o.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, o.status = 'completed')::retail.order_change;
        RETURN;
    END IF;

    -- against what was frozen, whatever the prices are by now
    IF paid IS NOT NULL THEN
        SELECT a.currency, a.amount - a.refunded AS due INTO costs FROM retail._order_amount(o.id) a;
        IF costs.currency IS NULL THEN
            RAISE EXCEPTION 'order "%" was placed without a frozen quote', left(order_ref, 200)
                USING ERRCODE = '55000', DETAIL = 'What it costs is not known here.', HINT = 'Check the payment yourself, and leave paid out.';
        ELSIF (paid, paid_currency) IS DISTINCT FROM (costs.due, costs.currency) AND o.status = 'placed' THEN
            PERFORM retail._request_end(request_key, 'confirm_order', NULL);
            RETURN NEXT ('wrong_amount', o.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false)::retail.order_change;
            RETURN;
        END IF;
    END IF;

    SELECT coalesce(array_agg(f.id), '{}') INTO parcels FROM retail.fulfilment_order f WHERE f.order_id = o.id;
    IF o.status = 'confirmed' THEN
        again := true;
    ELSE
        PERFORM FROM retail.fulfilment_order f WHERE f.order_id = o.id ORDER BY f.id FOR NO KEY UPDATE;
        -- work starts now, not when the order was placed
        SELECT coalesce(array_agg(n.id) FILTER (WHERE NOT n.renewed), '{}') INTO full_parcels
        FROM (
            SELECT f.id, retail._renew_promise(f.id) AS renewed
            FROM retail.fulfilment_order f
            WHERE f.order_id = o.id AND f.state = 'new'
            ORDER BY f.location_id, f.id
        ) n;
        FOR next IN
            SELECT l.fulfilment_id, l.line_no, l.qty, l.reservation_id, f.id = ANY (full_parcels) AS is_full
            FROM retail.fulfilment_order f
                JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
            WHERE f.order_id = o.id AND f.state = 'new'
            ORDER BY l.sku_id, f.location_id, l.reservation_id
        LOOP
            r := NULL;
            IF next.is_full THEN
                PERFORM retail._give_back(next.reservation_id, next.qty, next.qty);
            ELSE
                r := retail.confirm(next.reservation_id, qty => next.qty, remainder => 'release', reacquire => true,
                    order_ref => confirm_order.order_ref);
            END IF;
            IF r.outcome IN ('committed', 'reacquired') THEN
                UPDATE retail.fulfilment_line l SET reservation_id = r.reservation_id
                WHERE l.fulfilment_id = next.fulfilment_id AND l.line_no = next.line_no
                    AND l.reservation_id <> r.reservation_id;
            ELSE
                DELETE FROM retail.fulfilment_line l
                WHERE l.fulfilment_id = next.fulfilment_id AND l.line_no = next.line_no;
                -- a line may have been split: both parts are looked for as one
                part := array_position(lost_lines, next.line_no);
                IF part IS NULL THEN
                    lost_lines := lost_lines || next.line_no;
                    lost_qtys := lost_qtys || next.qty;
                ELSE
                    lost_qtys[part] := lost_qtys[part] + next.qty;
                END IF;
            END IF;
        END LOOP;

        UPDATE retail.sales_order s SET status = 'confirmed', changed_at = retail.now() WHERE s.id = o.id;
        FOR next IN
            SELECT f.id, v.kind, EXISTS (SELECT FROM retail.fulfilment_line l WHERE l.fulfilment_id = f.id) AS has_lines
            FROM retail.fulfilment_order f
                JOIN retail.service v ON v.id = f.service_id
            WHERE f.order_id = o.id AND f.state = 'new'
            ORDER BY f.id
        LOOP
            IF NOT next.has_lines THEN
                PERFORM retail._step(next.id, 'cancel', CASE WHEN next.id = ANY (full_parcels) THEN 'full' ELSE 'lost' END);
                CONTINUE;
            END IF;
            PERFORM retail._step(next.id, 'confirm');
            IF next.kind = 'pickup' THEN
                codes := codes || jsonb_build_object(next.id, retail._new_pickup_code(next.id));
            END IF;
        END LOOP;

        UPDATE retail.sales_order s
        SET promise_at = (SELECT max(f.promise_at) FROM retail.fulfilment_order f WHERE f.order_id = o.id AND f.state = 'routed')
        WHERE s.id = o.id;

        -- Units whose hold had lapsed and that somebody else has bought since, and
        -- those whose location takes no more parcels on the day it would start now.
        IF lost_lines <> '{}' THEN
            PERFORM retail._backorder(o.id, lost_lines, retail._route_again(o.id, lost_lines, lost_qtys, true));
            SELECT codes || coalesce(jsonb_object_agg(f.id, retail._new_pickup_code(f.id)), '{}') INTO codes
            FROM retail.fulfilment_order f
                JOIN retail.service v ON v.id = f.service_id AND v.kind = 'pickup'
            WHERE f.order_id = o.id AND f.state = 'routed' AND f.code_hash IS NULL;
        END IF;
        PERFORM retail._announce_order(o.id, 'confirmed');
    END IF;

    SELECT array_agg((a.outcome, o.id, a.fulfilment_id, a.line_no, k.code, a.location, a.qty, a.promise_at,
        codes->>a.fulfilment_id::text, again)::retail.order_change ORDER BY a.line_no, a.fulfilment_id)
    INTO answer
    FROM (
            SELECT CASE WHEN f.id = ANY (parcels) THEN 'confirmed' ELSE 'rerouted' END AS outcome, l.fulfilment_id, l.line_no, l.sku_id,
                w.code AS location, l.qty, f.promise_at
            FROM retail.fulfilment_order f
                JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
                JOIN retail.location w ON w.id = f.location_id
            WHERE f.order_id = o.id AND f.state NOT IN ('rejected', 'cancelled', 'uncollected')
            UNION ALL
            SELECT 'backordered', NULL, l.line_no, l.sku_id, NULL, l.backordered_qty, NULL
            FROM retail.order_line l
            WHERE l.order_id = o.id AND l.backordered_qty > 0
        ) a
        JOIN retail.sku k ON k.id = a.sku_id;
    IF answer IS NULL THEN
        answer := ARRAY[(o.status, o.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, again)::retail.order_change];
    END IF;
    -- codes are in clear once: a retry whose answer was lost asks for new ones
    PERFORM retail._request_end(request_key, 'confirm_order',
        (SELECT jsonb_agg(to_jsonb(a) - 'pickup_code') FROM unnest(answer) a));
    RETURN QUERY SELECT * FROM unnest(answer);
END
$$;
COMMENT ON FUNCTION retail.confirm_order(text, text, text, numeric, text) IS
'The shopper has paid: holds become commitments, and the parcels go to their locations.
channel, order_ref: the order; request_key: makes a retry safe; paid, paid_currency: what was paid, for an order that was placed by a frozen quote: it must be what retail.order_amount() says is due, to the last digit. NULL: the caller has checked it.
Locations and units stay as they were placed. Each parcel is promised anew, as an order of this instant: promise_at, promise_kept, accept_by, the day whose capacity it takes, and a slot that is over before work can start is given back.
Returns one order_change per line and parcel: confirmed; rerouted or backordered where a hold had lapsed and its units were sold meanwhile, or where the location has no place left (or somebody is just taking one) on the day on which it would start now; or one row with the status of an order that cannot be paid any more (cancelled, expired), or with wrong_amount, and nothing is changed. Pickup parcels carry their code in clear, once: a replayed answer has none, retail.renew_pickup_code() makes another. Waits for other calls on the same order.
Errors: RT003 unknown channel, RT013 no such order, RT005 request key used for another request, 22004 a NULL argument, 55000 an amount for an order without a frozen quote.';

-- Cancellation ----------------------------------------------------------------

CREATE FUNCTION retail._cancel_units(order_id bigint, line_nos integer[], qtys bigint[], reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next record;
    rest bigint;
    in_parcels bigint[];
    whole bigint[] := ARRAY[]::bigint[];
    changed bigint[] := ARRAY[]::bigint[];
BEGIN
    -- What waits for stock goes first, then parcels, the least advanced first.
    SELECT array_agg(w.qty - least(w.qty, l.backordered_qty) ORDER BY w.n) INTO in_parcels
    FROM unnest(line_nos, qtys) WITH ORDINALITY w (line_no, qty, n)
        JOIN retail.order_line l ON l.order_id = _cancel_units.order_id AND l.line_no = w.line_no;
    UPDATE retail.order_line l
    SET backordered_qty = l.backordered_qty - least(w.qty, l.backordered_qty), cancelled_qty = l.cancelled_qty + w.qty
    FROM unnest(line_nos, qtys) w (line_no, qty)
    WHERE l.order_id = _cancel_units.order_id AND l.line_no = w.line_no;

    FOR next IN
        WITH cut AS (
            SELECT l.fulfilment_id, l.line_no, l.qty, l.reservation_id, l.sku_id, f.location_id,
                greatest(0, least(l.qty, w.qty - coalesce(sum(l.qty) OVER (
                    PARTITION BY l.line_no
                    ORDER BY array_position(ARRAY['new', 'routed', 'accepted', 'on_hold', 'picking', 'packed'], f.state), f.id DESC
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS cut
            FROM unnest(line_nos, in_parcels) w (line_no, qty)
                JOIN retail.fulfilment_order f ON f.order_id = _cancel_units.order_id
                JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id AND l.line_no = w.line_no
            WHERE retail._is_open(f.state)
        )
        SELECT c.*, NOT EXISTS (
                SELECT
                FROM retail.fulfilment_line l
                    LEFT JOIN cut x ON x.fulfilment_id = l.fulfilment_id AND x.line_no = l.line_no
                WHERE l.fulfilment_id = c.fulfilment_id AND coalesce(x.cut, 0) < l.qty) AS is_whole
        FROM cut c
        WHERE c.cut > 0
        ORDER BY c.sku_id, c.location_id, c.reservation_id
    LOOP
        rest := retail._give_back(next.reservation_id, next.qty, next.cut);
        IF next.is_whole THEN
            whole := whole || next.fulfilment_id;       -- its lines stay, as a record
            CONTINUE;
        END IF;
        changed := changed || next.fulfilment_id;
        IF next.cut = next.qty THEN
            DELETE FROM retail.fulfilment_line l
            WHERE l.fulfilment_id = next.fulfilment_id AND l.line_no = next.line_no;
        ELSE
            UPDATE retail.fulfilment_line l
            SET qty = l.qty - next.cut, reservation_id = rest,
                picked_qty = CASE WHEN l.picked_qty IS NOT NULL THEN least(l.picked_qty, l.qty - next.cut) END
            WHERE l.fulfilment_id = next.fulfilment_id AND l.line_no = next.line_no;
        END IF;
    END LOOP;
    PERFORM retail._step(p.id, 'cancel', reason) FROM (SELECT DISTINCT w.id FROM unnest(whole) w (id) ORDER BY 1) p;
    PERFORM retail._step(p.id, 'change', reason) FROM (SELECT DISTINCT w.id FROM unnest(changed) w (id) ORDER BY 1) p;
END
$$;
COMMENT ON FUNCTION retail._cancel_units(bigint, integer[], bigint[], text) IS
'Internal: cancels units of lines of a locked order that are backordered or in parcels that have not left.';

CREATE FUNCTION retail.cancel_order(channel text, order_ref text, reason text DEFAULT NULL, line_no integer DEFAULT NULL,
    qty bigint DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS SETOF retail.order_change
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier CONSTANT jsonb := retail._request_begin(request_key, 'cancel_order',
        jsonb_build_array(channel, order_ref, reason, line_no, qty));
    this_id CONSTANT bigint := CASE WHEN earlier IS NULL THEN retail._lock_order(channel, order_ref) END;
    o record;
    line record;
    line_nos integer[];
    qtys bigint[];
    answer retail.order_change[];
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN QUERY
        SELECT a.outcome, a.order_id, a.fulfilment_id, a.line_no, a.sku, a.location, a.qty, a.promise_at, a.pickup_code, true
        FROM jsonb_populate_recordset(NULL::retail.order_change, earlier) a;
        RETURN;
    END IF;
    SELECT s.id, s.status INTO o FROM retail.sales_order s WHERE s.id = this_id;

    IF line_no IS NULL AND qty IS NOT NULL THEN
        RAISE EXCEPTION 'qty needs a line_no' USING ERRCODE = '22023';
    ELSIF line_no IS NOT NULL THEN
        SELECT l.qty INTO line FROM retail.order_line l WHERE l.order_id = o.id AND l.line_no = cancel_order.line_no;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'order "%" has no line %', left(order_ref, 200), line_no USING ERRCODE = '22023';
        ELSIF qty < 1 OR qty > line.qty THEN
            RAISE EXCEPTION 'quantity % is not 1 to % of line %', qty, line.qty, line_no USING ERRCODE = '22023';
        END IF;
    END IF;

    -- What is to be cancelled; a quantity that was named goes as a whole or not at all.
    SELECT array_agg(w.line_no), array_agg(w.qty) INTO line_nos, qtys
    FROM (
        SELECT l.line_no, coalesce(cancel_order.qty, l.qty - l.cancelled_qty - l.shipped_qty) AS qty,
            l.qty - l.cancelled_qty - l.shipped_qty AS most
        FROM retail.order_line l
        WHERE l.order_id = o.id AND l.line_no = coalesce(cancel_order.line_no, l.line_no)
        ORDER BY l.line_no
    ) w
    WHERE w.qty BETWEEN 1 AND w.most;

    IF line_nos IS NULL THEN
        PERFORM retail._request_end(request_key, 'cancel_order', NULL);
        RETURN QUERY
        SELECT CASE WHEN o.status = 'expired' THEN o.status WHEN l.cancelled_qty = l.qty THEN 'cancelled' ELSE 'too_late' END,
            o.id, NULL::bigint, l.line_no, k.code, NULL::text, CASE WHEN l.cancelled_qty = l.qty THEN l.qty ELSE 0 END,
            NULL::timestamptz, NULL::text, l.cancelled_qty = l.qty
        FROM retail.order_line l
            JOIN retail.sku k ON k.id = l.sku_id
        WHERE l.order_id = o.id AND l.line_no = coalesce(cancel_order.line_no, l.line_no)
        ORDER BY l.line_no;
        RETURN;
    END IF;

    PERFORM FROM retail.fulfilment_order f WHERE f.order_id = o.id ORDER BY f.id FOR NO KEY UPDATE;
    PERFORM retail._cancel_units(o.id, line_nos, qtys, reason);
    PERFORM retail._settle_order(o.id, reason);
    IF o.status = 'confirmed' THEN
        PERFORM retail._announce_order(o.id, 'units_cancelled', reason);
    END IF;
    SELECT array_agg((CASE WHEN w.qty IS NULL THEN 'too_late' ELSE 'cancelled' END, o.id, NULL, l.line_no, k.code, NULL,
        coalesce(w.qty, 0), NULL, NULL, false)::retail.order_change ORDER BY l.line_no)
    INTO answer
    FROM retail.order_line l
        JOIN retail.sku k ON k.id = l.sku_id
        LEFT JOIN unnest(line_nos, qtys) w (line_no, qty) ON w.line_no = l.line_no
    WHERE l.order_id = o.id AND l.line_no = coalesce(cancel_order.line_no, l.line_no)
        AND (w.qty IS NOT NULL OR l.shipped_qty > 0);
    PERFORM retail._request_end(request_key, 'cancel_order', to_jsonb(answer));
    RETURN QUERY SELECT * FROM unnest(answer);
END
$$;
COMMENT ON FUNCTION retail.cancel_order(text, text, text, integer, bigint, text) IS
'Cancels what of an order has not left: all of it, one line, or some units of one line. Never touches on_hand.
channel, order_ref: the order; reason: why; line_no: only this line; qty: only so many units of it, taken from what is backordered first, then from the parcel that is least far; request_key: makes a retry safe.
Returns one order_change per line: cancelled with the units, or too_late where they have left. Named units are cancelled all or not at all. Holds of an unpaid order are released. Waits for other calls on the same order.
Errors: RT003 unknown channel, RT013 no such order, RT005 request key used for another request, 22023 no such line, or more than it has, 22004 a NULL argument.';

CREATE FUNCTION retail.expire_orders(max_rows integer DEFAULT 100, grace interval DEFAULT '1 hour') RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before timestamptz;
    candidate bigint;
    parcel record;
    done bigint := 0;
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'max_rows must be 1 or more' USING ERRCODE = '22023';
    ELSIF grace IS NULL OR grace < interval '0' THEN
        RAISE EXCEPTION 'grace must not be negative' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._check_tables();
    before := retail.now() - grace;

    FOR candidate IN
        SELECT o.id
        FROM retail.sales_order o
        WHERE o.status = 'placed' AND o.placed_at <= before
            AND NOT EXISTS (
                SELECT
                FROM retail.fulfilment_order f
                    JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
                    JOIN retail.reservation r ON r.id = l.reservation_id
                WHERE f.order_id = o.id AND f.state = 'new'
                    AND (r.status = 'committed' OR r.status = 'held' AND r.expires_at > before))
        ORDER BY o.placed_at
        LIMIT max_rows
    LOOP
        PERFORM FROM retail.sales_order o WHERE o.id = candidate AND o.status = 'placed' FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        -- extended meanwhile
        CONTINUE WHEN EXISTS (
            SELECT
            FROM retail.fulfilment_order f
                JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
                JOIN retail.reservation r ON r.id = l.reservation_id
            WHERE f.order_id = candidate AND f.state = 'new'
                AND (r.status = 'committed' OR r.status = 'held' AND r.expires_at > before));
        BEGIN
            PERFORM retail.release(h.reservation_id)
            FROM (
                SELECT l.reservation_id
                FROM retail.fulfilment_order f
                    JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
                WHERE f.order_id = candidate AND f.state = 'new'
                ORDER BY l.sku_id, f.location_id, l.reservation_id
            ) h;
            FOR parcel IN
                SELECT f.id FROM retail.fulfilment_order f WHERE f.order_id = candidate AND f.state = 'new' ORDER BY f.id FOR NO KEY UPDATE
            LOOP
                PERFORM retail._step(parcel.id, 'expire');
            END LOOP;
            UPDATE retail.order_line l SET cancelled_qty = l.qty, backordered_qty = 0 WHERE l.order_id = candidate;
            UPDATE retail.sales_order o SET status = 'expired', changed_at = retail.now() WHERE o.id = candidate;
            PERFORM retail._announce_order(candidate, 'expired');
            done := done + 1;
        EXCEPTION WHEN OTHERS THEN
            -- the others go on, and this one is tried again next time
            RAISE WARNING 'order % could not be expired: %', candidate, SQLERRM;
        END;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION retail.expire_orders(integer, interval) IS
'Ends unpaid orders all of whose holds have lapsed a while ago, oldest first, skipping those somebody is working on. No sale depends on it: a lapsed hold blocks nobody, and until its order is expired a late payment still gets the units that are there.
max_rows: at most so many, 1 or more; grace: how long after the last hold lapsed (default 1 hour).
Returns how many. Errors: 22023 bad argument, RT004 init() was not run.';

-- Returns ---------------------------------------------------------------------

CREATE FUNCTION retail.return_order(channel text, order_ref text, line_no integer, qty bigint, location text DEFAULT NULL,
    disposition text DEFAULT 'restock', request_key text DEFAULT NULL)
RETURNS retail.return_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier CONSTANT jsonb := retail._request_begin(request_key, 'return_order',
        jsonb_build_array(channel, order_ref, line_no, qty, location, disposition));
    this_id CONSTANT bigint := CASE WHEN earlier IS NULL THEN retail._lock_order(channel, order_ref) END;
    line record;
    place record;
    place_id integer;
    m retail.movement_result;
    answer retail.return_result;
BEGIN
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.return_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;
    IF qty IS NULL OR qty < 1 THEN
        RAISE EXCEPTION 'quantity must be 1 or more' USING ERRCODE = '22023';
    ELSIF disposition IS NULL OR disposition NOT IN ('restock', 'quarantine', 'refurbish', 'scrap') THEN
        RAISE EXCEPTION 'unknown disposition "%"', left(disposition, 60)
            USING ERRCODE = '22023', HINT = 'It is restock, quarantine, refurbish or scrap.';
    END IF;
    SELECT l.shipped_qty, l.returned_qty, k.code AS sku INTO line
    FROM retail.order_line l
        JOIN retail.sku k ON k.id = l.sku_id
    WHERE l.order_id = this_id AND l.line_no = return_order.line_no;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'order "%" has no line %', left(order_ref, 200), line_no USING ERRCODE = '22023';
    END IF;
    IF location IS NOT NULL THEN
        SELECT w.id, w.accepts_returns INTO place FROM retail.location w WHERE w.code = location;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'unknown location "%"', left(location, 200) USING ERRCODE = 'RT002';
        END IF;
        place_id := place.id;
    END IF;

    answer.order_id := this_id;
    answer.line_no := line_no;
    answer.sku := line.sku;
    answer.location := location;
    answer.qty := 0;
    answer.returned_qty := line.returned_qty;
    answer.replayed := false;
    IF qty > line.shipped_qty - line.returned_qty THEN
        answer.outcome := 'not_shipped';
    ELSIF location IS NULL THEN
        answer.outcome := 'refunded';
    ELSIF NOT place.accepts_returns THEN
        answer.outcome := 'no_returns';
    ELSE
        m := retail.take_back(line.sku, location, qty, sale_ref => order_ref, disposition => disposition, channel => channel);
        answer.outcome := CASE m.outcome WHEN 'taken_back' THEN 'returned' ELSE m.outcome END;
        answer.movement_id := m.movement_id;
    END IF;
    IF answer.outcome NOT IN ('returned', 'refunded') THEN
        PERFORM retail._request_end(request_key, 'return_order', NULL);
        RETURN answer;
    END IF;

    answer.qty := qty;
    answer.returned_qty := line.returned_qty + qty;
    SELECT r.refund, r.currency INTO answer.refund, answer.currency FROM retail._refund(this_id, line_no, qty) r;
    UPDATE retail.order_line l SET returned_qty = l.returned_qty + return_order.qty
    WHERE l.order_id = this_id AND l.line_no = return_order.line_no;
    INSERT INTO retail.order_return (order_id, line_no, location_id, qty, disposition, movement_id, actor, created_at, refund)
    VALUES (this_id, line_no, place_id, qty,
        CASE WHEN location IS NOT NULL THEN disposition END, answer.movement_id, retail._actor(), retail.now(), answer.refund);
    PERFORM retail._announce_order(this_id, answer.outcome);
    PERFORM retail._request_end(request_key, 'return_order', to_jsonb(answer));
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.return_order(text, text, integer, bigint, text, text, text) IS
'The shopper brings goods of an order back, to any location that takes returns, or is refunded without.
channel, order_ref, line_no: the line; qty: base units, 1 or more; location: where they come back, NULL: a refund without goods, which moves no stock; disposition: as in take_back(); request_key: makes a retry safe.
Returns return_result: returned, refunded, or a refusal: not_shipped, not_sold, no_returns, closed. Never more than was shipped less what came back or was refunded. Waits for other calls on the same order, and for a transaction that moves the same stock.
Errors: RT002 unknown location, RT003 unknown channel, RT013 no such order, RT005 request key used for another request, 22023 bad argument, 22004 a NULL argument.';

-- Does it add up? -------------------------------------------------------------

CREATE FUNCTION retail._verify_orders()
RETURNS TABLE (check_name text, sku text, location text, expected bigint, found bigint, detail text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH open_line AS (
        SELECT f.order_id, f.location_id, f.state, l.fulfilment_id, l.line_no, l.sku_id, l.qty, l.reservation_id
        FROM retail.fulfilment_order f
            JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id
        WHERE retail._is_open(f.state)
    )
    SELECT 'order_units', k.code, NULL, l.qty, (l.backordered_qty + l.cancelled_qty + l.shipped_qty + coalesce(p.qty, 0))::bigint,
        format('line %s of order %s: open parcels, backordered, cancelled and shipped units are what was ordered', l.line_no, l.order_id)
    FROM retail.order_line l
        LEFT JOIN (SELECT o.order_id, o.line_no, sum(o.qty) AS qty FROM open_line o GROUP BY 1, 2) p
            ON p.order_id = l.order_id AND p.line_no = l.line_no
        LEFT JOIN retail.sku k ON k.id = l.sku_id
    WHERE l.qty <> l.backordered_qty + l.cancelled_qty + l.shipped_qty + coalesce(p.qty, 0)
    UNION ALL
    SELECT 'order_reservation', k.code, w.code, o.qty, coalesce(r.qty, 0),
        format('line %s of parcel %s: its units are committed', o.line_no, o.fulfilment_id)
    FROM open_line o
        LEFT JOIN retail.reservation r ON r.id = o.reservation_id AND r.status = 'committed'
            AND r.sku_id = o.sku_id AND r.location_id = o.location_id
        LEFT JOIN retail.sku k ON k.id = o.sku_id
        LEFT JOIN retail.location w ON w.id = o.location_id
    WHERE o.state <> 'new' AND r.qty IS DISTINCT FROM o.qty
    UNION ALL
    SELECT 'order_open', NULL, NULL, 0::bigint, count(*), format('order %s is over, and parcels of it are open', s.id)
    FROM retail.sales_order s
        JOIN retail.fulfilment_order f ON f.order_id = s.id
    WHERE s.status IN ('completed', 'cancelled', 'expired') AND retail._is_open(f.state)
    GROUP BY s.id
    UNION ALL
    SELECT 'slot_place', NULL, w.code, t.location_id::bigint, f.location_id::bigint, format('parcel %s: its slot is one of its location', f.id)
    FROM retail.fulfilment_order f
        JOIN retail.slot t ON t.id = f.slot_id
        JOIN retail.location w ON w.id = f.location_id
    WHERE t.location_id <> f.location_id
    UNION ALL
    SELECT 'capacity_taken', NULL, w.code, coalesce(f.parcels, 0), c.taken, format('parcels of %s', c.business_date)
    FROM (
            SELECT u.location_id, u.business_date, u.taken - (
                SELECT count(*)
                FROM retail.capacity_return r
                WHERE r.location_id = u.location_id AND r.business_date = u.business_date) AS taken
            FROM retail.capacity_use u
        ) c
        JOIN retail.location w ON w.id = c.location_id
        LEFT JOIN (
            SELECT p.location_id, p.capacity_date, count(*) AS parcels
            FROM retail.fulfilment_order p
            WHERE p.capacity_date IS NOT NULL
            GROUP BY 1, 2
        ) f ON f.location_id = c.location_id AND f.capacity_date = c.business_date
    WHERE coalesce(f.parcels, 0) <> c.taken
$$;
COMMENT ON FUNCTION retail._verify_orders() IS
'Internal: what of orders, parcels, slots and capacity does not add up, for verify(). Checks: order_units, order_reservation (open, paid parcels), order_open, slot_place, capacity_taken.';
