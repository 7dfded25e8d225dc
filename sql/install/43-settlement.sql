-- Settlement: what franchisees, suppliers and guides get for what was sold,
-- and what freezes it until another person has looked.
--
-- Locks: first the gate between settling and the scan (a lock on the table of
-- its rules: whoever settles shares it, the scan has it alone while it writes), then
-- alerts by id, then rows of settlement_order by id.  Whoever settles takes no
-- alert.

CREATE TYPE retail.sold_line AS (
    sku    text,
    qty    bigint,
    amount numeric
);
COMMENT ON TYPE retail.sold_line IS 'A line that was sold: SKU code, base units, and what the customer paid for all of them.';

CREATE TYPE retail.settlement_result AS (
    outcome       text,
    settlement_id bigint,
    channel       text,
    order_ref     text,
    party_kind    text,
    party         text,
    amount        numeric,
    currency      text,
    status        text,
    holds         integer,
    replayed      boolean
);
COMMENT ON TYPE retail.settlement_result IS
'A settlement after a call. outcome: settled, already_settled (with another amount, which is shown), frozen (something holds it), released, not_held, reversed, taken_back (it was paid: a settlement of the opposite amount was made, which is shown), closed, or another status that forbids the call; settlement_id and party: NULL where nothing is settled for the order yet; holds: how many hold the order now; replayed: nothing was changed by this call.';

CREATE TYPE retail.alert_result AS (
    outcome      text,
    alert_id     bigint,
    rule         text,
    status       text,
    waived_until timestamptz,
    released     integer,
    replayed     boolean
);
COMMENT ON TYPE retail.alert_result IS
'An alert after a call. outcome: the status reached (open, acknowledged, resolved, waived), or the one that forbids the call; released: holds on settlements that went with it; replayed: nothing was changed by this call.';

-- Guards ----------------------------------------------------------------------

CREATE FUNCTION retail._guard_settlement() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN coalesce(NEW, OLD);
    ELSIF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'settlement % cannot be deleted', OLD.id
            USING ERRCODE = 'RT008', HINT = 'Reverse it with retail.reverse_settlement().';
    ELSIF (NEW.id, NEW.settlement_order_id, NEW.party_kind, NEW.party, NEW.currency, NEW.amount, NEW.reverses_id)
        IS DISTINCT FROM (OLD.id, OLD.settlement_order_id, OLD.party_kind, OLD.party, OLD.currency, OLD.amount, OLD.reverses_id) THEN
        RAISE EXCEPTION 'settlement % cannot be changed', OLD.id
            USING ERRCODE = 'RT008', DETAIL = 'Who gets how much for which order stays as it was settled.',
                HINT = 'Reverse it with retail.reverse_settlement(), and settle anew.';
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('open', 'frozen'), ('open', 'reversed'), ('open', 'closed'),
        ('frozen', 'released'), ('frozen', 'reversed'),
        ('released', 'frozen'), ('released', 'reversed'), ('released', 'closed'),
        ('reversed', 'closed')) THEN
        RAISE EXCEPTION 'settlement % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'RT008', HINT = 'Use retail.hold_settlement(), retail.release_settlement() and their like.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION retail._guard_settlement() IS 'Internal: amounts never change, and a status goes only where it may.';

CREATE FUNCTION retail._guard_truncate() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'rows of table "%" are never deleted', TG_TABLE_NAME
        USING ERRCODE = 'RT008', DETAIL = 'Who decided what stays on record.',
            HINT = 'Revoke grants with retail.revoke_grant(), and reverse settlements with retail.reverse_settlement().';
END
$$;
COMMENT ON FUNCTION retail._guard_truncate() IS 'Internal: what a row trigger keeps, TRUNCATE does not take away.';

CREATE FUNCTION retail._guard_settlement_line() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'table "%" is written by the functions of pg_retail only', TG_TABLE_NAME
        USING ERRCODE = 'RT008', DETAIL = 'What was settled is appended, never changed.',
            HINT = 'Reverse the settlement with retail.reverse_settlement(), and settle anew.';
END
$$;
COMMENT ON FUNCTION retail._guard_settlement_line() IS 'Internal: keeps settled lines append-only.';

CREATE FUNCTION retail._guard_settlement_hold() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN coalesce(NEW, OLD);
    ELSIF TG_OP = 'UPDATE' AND OLD.released_at IS NULL AND NEW.released_at IS NOT NULL
        AND (NEW.id, NEW.settlement_order_id, NEW.alert_id, NEW.reason, NEW.held_by, NEW.held_login, NEW.held_at)
            IS NOT DISTINCT FROM (OLD.id, OLD.settlement_order_id, OLD.alert_id, OLD.reason, OLD.held_by, OLD.held_login, OLD.held_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'hold % on a settlement cannot be changed', OLD.id
        USING ERRCODE = 'RT008', HINT = 'Release it with retail.release_settlement().';
END
$$;
COMMENT ON FUNCTION retail._guard_settlement_hold() IS 'Internal: a hold is released once, and nothing else of it changes.';

CREATE FUNCTION retail._keep_service_pack() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF lower(NEW.valid) < retail.now() THEN
            RAISE EXCEPTION 'service pack "%" begins in the past', left(NEW.code, 200)
                USING ERRCODE = '22023', DETAIL = 'What was offered then stays what it was.', HINT = 'Let it begin now or later.';
        END IF;
        RETURN NEW;
    ELSIF lower(OLD.valid) > retail.now() THEN
        -- it has not begun: anything but the past
        IF TG_OP = 'UPDATE' AND lower(NEW.valid) < retail.now() THEN
            RAISE EXCEPTION 'service pack "%" begins in the past', left(NEW.code, 200)
                USING ERRCODE = '22023', DETAIL = 'What was offered then stays what it was.', HINT = 'Let it begin now or later.';
        END IF;
        RETURN coalesce(NEW, OLD);
    ELSIF TG_OP = 'UPDATE'
        AND (NEW.id, NEW.channel_id, NEW.code, NEW.name, NEW.returns_days, NEW.delivery, NEW.gift, NEW.warranty_months, NEW.extras,
            lower(NEW.valid))
        IS NOT DISTINCT FROM (OLD.id, OLD.channel_id, OLD.code, OLD.name, OLD.returns_days, OLD.delivery, OLD.gift, OLD.warranty_months,
            OLD.extras, lower(OLD.valid))
        AND (NEW.valid = OLD.valid OR coalesce(upper(OLD.valid), 'infinity') >= retail.now()
            AND coalesce(upper(NEW.valid), 'infinity') >= retail.now()) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'service pack "%" has begun', left(OLD.code, 200)
        USING ERRCODE = '55000', DETAIL = 'What was offered stays what it was; only its end may be moved, to now or later.',
            HINT = 'Set the upper bound of valid to retail.now(), and insert another pack that begins then.';
END
$$;
COMMENT ON FUNCTION retail._keep_service_pack() IS 'Internal: a quote of the past shows the service that came with it, for ever.';

-- What all of them share ------------------------------------------------------

CREATE FUNCTION retail._check_money(amount numeric, currency text) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fine smallint;
BEGIN
    IF amount IS NULL OR currency IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN amount IS NULL THEN 'amount' ELSE 'currency' END USING ERRCODE = '22004';
    END IF;
    SELECT c.decimals INTO fine FROM retail.currency c WHERE c.code = _check_money.currency;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown currency "%"', left(currency, 60)
            USING ERRCODE = '22023', HINT = 'Currencies are rows of retail.currency.';
    ELSIF amount IN ('NaN', 'Infinity', '-Infinity') OR abs(amount) > 922337203685477 THEN
        RAISE EXCEPTION 'amount % is out of range', left(amount::text, 60) USING ERRCODE = '22003';
    ELSIF amount <> round(amount, fine) THEN
        RAISE EXCEPTION 'amount % has more decimals than %', left(amount::text, 60), currency
            USING ERRCODE = 'RT021', DETAIL = format('%s has %s.', currency, fine), HINT = 'Round it yourself, so that it is known who rounded.';
    END IF;
    RETURN round(amount, fine);
END
$$;
COMMENT ON FUNCTION retail._check_money(numeric, text) IS
'Internal: the amount with all decimals of its currency. Errors: RT021 more decimals than that, 22003 out of range, 22023 no such currency.';

CREATE FUNCTION retail._settlement_gate(alone boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- a table's lock, since anybody may take an advisory one and keep it
    IF alone THEN
        LOCK TABLE retail.price_scan_rule IN EXCLUSIVE MODE;
    ELSE
        LOCK TABLE retail.price_scan_rule IN ROW SHARE MODE;
    END IF;
END
$$;
COMMENT ON FUNCTION retail._settlement_gate(boolean) IS
'Internal: the lock that settling shares and the scan has alone while it writes, so that neither an order nor an alert is overlooked.';

CREATE FUNCTION retail._settlement_order(channel text, order_ref text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_channel integer;
    this_id bigint;
BEGIN
    PERFORM retail._check_tables();
    IF channel IS NULL OR order_ref IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN channel IS NULL THEN 'channel' ELSE 'order_ref' END
            USING ERRCODE = '22004';
    ELSIF order_ref = '' OR length(order_ref) > 200 THEN
        RAISE EXCEPTION 'order_ref must have 1 to 200 characters' USING ERRCODE = '22023';
    END IF;
    this_channel := retail._price_channel(channel);
    LOOP
        SELECT s.id INTO this_id
        FROM retail.settlement_order s
        WHERE s.channel_id = this_channel AND s.order_ref = _settlement_order.order_ref
        FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO retail.settlement_order (channel_id, order_ref, order_id)
        VALUES (this_channel, order_ref, (
            SELECT o.id FROM retail.sales_order o WHERE o.channel_id = this_channel AND o.order_ref = _settlement_order.order_ref))
        ON CONFLICT ON CONSTRAINT settlement_order_ref_key DO NOTHING;
    END LOOP;
    RETURN this_id;
END
$$;
COMMENT ON FUNCTION retail._settlement_order(text, text) IS
'Internal: the id of an order''s row in retail.settlement_order, made where it is new, and locked. Errors: RT003 unknown channel.';

CREATE FUNCTION retail._settlements(settlement_order_id bigint, outcome text, replayed boolean, only_id bigint DEFAULT NULL)
RETURNS SETOF retail.settlement_result
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    -- an outcome given is that of the call; without one each settlement's own status is
    SELECT coalesce($2, s.status), s.id, c.code, o.order_ref, s.party_kind, s.party, s.amount, s.currency, s.status, h.holds, $3
    FROM retail.settlement_order o
        JOIN retail.channel c ON c.id = o.channel_id
        LEFT JOIN retail.settlement s ON s.settlement_order_id = o.id AND ($4 IS NULL OR s.id = $4)
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS holds
            FROM retail.settlement_hold x
            WHERE x.settlement_order_id = o.id AND x.released_at IS NULL
        ) h
    WHERE o.id = $1
    ORDER BY s.id
$$;
COMMENT ON FUNCTION retail._settlements(bigint, text, boolean, bigint) IS 'Internal: the settlements of an order as answers, or that one alone.';

CREATE FUNCTION retail._follow_holds(settlement_order_ids bigint[]) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE retail.settlement s
    SET status = CASE WHEN w.held THEN 'frozen' ELSE 'released' END, changed_by = retail._actor(), changed_at = retail.now()
    FROM (
        SELECT o.id, EXISTS (
            SELECT FROM retail.settlement_hold h WHERE h.settlement_order_id = o.id AND h.released_at IS NULL) AS held
        FROM unnest($1) o (id)
    ) w
    WHERE s.settlement_order_id = w.id
        AND (w.held AND s.status IN ('open', 'released') OR NOT w.held AND s.status = 'frozen')
$$;
COMMENT ON FUNCTION retail._follow_holds(bigint[]) IS
'Internal: a settlement is frozen exactly while something holds its order: the one place where that is brought about. The orders are locked.';

CREATE FUNCTION retail._release_holds(hold_ids bigint[], reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me CONSTANT text := retail._actor();
    own record;
BEGIN
    SELECT h.id, c.code AS channel, o.order_ref INTO own
    FROM retail.settlement_hold h
        JOIN retail.settlement_order o ON o.id = h.settlement_order_id
        JOIN retail.channel c ON c.id = o.channel_id
    WHERE h.id = ANY (hold_ids) AND retail._is_me(h.held_by, h.held_login)
    ORDER BY h.id
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'role "%" froze the settlement of order "%" and cannot release it', me, left(own.order_ref, 200)
            USING ERRCODE = 'RT027',
                DETAIL = 'Who releases is another person than who froze, by role and by login.',
                HINT = 'Have somebody else look at it.';
    END IF;
    UPDATE retail.settlement_hold h SET released_by = me, released_at = retail.now(), release_reason = _release_holds.reason
    WHERE h.id = ANY (hold_ids);
    PERFORM retail._follow_holds(ARRAY(
        SELECT DISTINCT h.settlement_order_id FROM retail.settlement_hold h WHERE h.id = ANY (hold_ids)));
END
$$;
COMMENT ON FUNCTION retail._release_holds(bigint[], text) IS
'Internal: releases live holds, whose orders are locked. Errors: RT027 the caller froze one of them.';

CREATE FUNCTION retail._lock_alert(alert_id bigint) RETURNS retail.alert_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer retail.alert_result;
BEGIN
    PERFORM retail._check_tables();
    SELECT a.status, a.id, a.rule, a.status, a.waived_until, 0, false INTO answer
    FROM retail.price_alert a
    WHERE a.id = _lock_alert.alert_id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no alert %', alert_id USING ERRCODE = 'RT029';
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail._lock_alert(bigint) IS 'Internal: an alert as an answer, locked. Errors: RT029 no such alert.';

CREATE FUNCTION retail._end_alert(alert_id bigint, status text, reason text, until timestamptz) RETURNS retail.alert_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer retail.alert_result := retail._lock_alert(alert_id);
    live bigint[];
BEGIN
    IF answer.status = status AND (status = 'resolved' OR answer.waived_until = until) THEN
        answer.replayed := true;
        RETURN answer;
    ELSIF answer.status NOT IN ('open', 'acknowledged', 'waived') THEN
        RETURN answer;
    END IF;

    -- hold and alert change together
    PERFORM FROM retail.settlement_order o
    WHERE o.id IN (
        SELECT h.settlement_order_id
        FROM retail.settlement_hold h
        WHERE h.alert_id = _end_alert.alert_id AND h.released_at IS NULL)
    ORDER BY o.id
    FOR NO KEY UPDATE;
    SELECT coalesce(array_agg(h.id), '{}') INTO live
    FROM retail.settlement_hold h
    WHERE h.alert_id = _end_alert.alert_id AND h.released_at IS NULL;
    PERFORM retail._release_holds(live, reason);

    UPDATE retail.price_alert a
    SET status = _end_alert.status, decided_by = retail._actor(), decided_at = retail.now(), reason = _end_alert.reason,
        waived_until = CASE WHEN _end_alert.status = 'waived' THEN until ELSE a.waived_until END
    WHERE a.id = _end_alert.alert_id
    RETURNING a.status, a.status, a.waived_until INTO answer.outcome, answer.status, answer.waived_until;
    answer.released := cardinality(live);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail._end_alert(bigint, text, text, timestamptz) IS
'Internal: resolves or waives an alert, with every hold of it. Errors: RT027 the caller froze one of them.';

CREATE FUNCTION retail._freeze_order(settlement_order_id bigint, alert_id bigint, reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO retail.settlement_hold (settlement_order_id, alert_id, reason)
    VALUES (settlement_order_id, alert_id, reason)
    ON CONFLICT ON CONSTRAINT settlement_hold_alert_key DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM retail._follow_holds(ARRAY[settlement_order_id]);
    RETURN true;
END
$$;
COMMENT ON FUNCTION retail._freeze_order(bigint, bigint, text) IS 'Internal: holds an order, which is locked; false: this alert has held it already.';

CREATE FUNCTION retail._describe_sale(settlement_order_id bigint, currency text, location text, lines retail.sold_line[],
    sold_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o record;
    place integer;
    line record;
    sku integer;
BEGIN
    SELECT s.id, s.order_id, s.location_id, s.currency, s.sold_at INTO o
    FROM retail.settlement_order s WHERE s.id = settlement_order_id;
    place := nullif(retail._price_location(location), 0);

    IF o.currency IS NOT NULL THEN
        IF o.currency <> _describe_sale.currency THEN
            RAISE EXCEPTION 'the order is settled in % and not in %', o.currency, _describe_sale.currency
                USING ERRCODE = 'RT020', HINT = 'Nothing is converted: bring the amount to that currency first.';
        ELSIF place <> o.location_id OR _describe_sale.sold_at <> o.sold_at OR lines IS NOT NULL AND EXISTS (
            SELECT
            FROM (
                SELECT w.n, k.id, w.qty, w.amount
                FROM unnest(lines) WITH ORDINALITY w (sku, qty, amount, n)
                    LEFT JOIN retail.sku k ON k.code = w.sku
            ) given
                FULL JOIN (
                    SELECT l.line_no, l.sku_id, l.qty, l.amount
                    FROM retail.settlement_line l WHERE l.settlement_order_id = o.id
                ) have ON have.line_no = given.n
            WHERE (given.id, given.qty, given.amount) IS DISTINCT FROM (have.sku_id, have.qty, have.amount)) THEN
            RAISE EXCEPTION 'location, lines or sold_at differ from those the order was settled with before'
                USING ERRCODE = '22023', HINT = 'Leave them out: they are said with the first settlement of an order.';
        END IF;
        RETURN;
    END IF;

    IF place IS NULL THEN
        SELECT min(f.location_id) INTO place
        FROM retail.fulfilment_order f
        WHERE f.order_id = o.order_id AND f.state NOT IN ('rejected', 'cancelled')
        HAVING count(DISTINCT f.location_id) = 1;
    END IF;
    UPDATE retail.settlement_order s
    SET currency = _describe_sale.currency, location_id = place,
        sold_at = coalesce(_describe_sale.sold_at,
            (SELECT d.placed_at FROM retail.sales_order d WHERE d.id = o.order_id), retail.now())
    WHERE s.id = o.id;

    IF lines IS NULL THEN
        IF o.order_id IS NULL THEN
            RAISE EXCEPTION 'lines must be given for a sale that is no order' USING ERRCODE = '22023';
        END IF;
        SELECT l.currency INTO line
        FROM retail.order_line l WHERE l.order_id = o.order_id AND l.currency <> _describe_sale.currency LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the order is in % and not in %', line.currency, _describe_sale.currency
                USING ERRCODE = 'RT020', HINT = 'Nothing is converted: bring the amount to that currency first.';
        END IF;
        INSERT INTO retail.settlement_line (settlement_order_id, line_no, sku_id, qty, amount)
        SELECT o.id, l.line_no, l.sku_id, l.qty, coalesce(l.line_amount, round(l.unit_price * l.qty / k.price_per, c.decimals))
        FROM retail.order_line l
            JOIN retail.sku k ON k.id = l.sku_id
            JOIN retail.currency c ON c.code = l.currency
        WHERE l.order_id = o.order_id;
        RETURN;
    END IF;

    FOR line IN SELECT w.sku, w.qty, w.amount, w.n FROM unnest(lines) WITH ORDINALITY w (sku, qty, amount, n) ORDER BY w.n LOOP
        sku := retail._price_sku(line.sku);
        IF line.qty IS NULL OR line.qty < 1 OR line.amount < 0 THEN
            RAISE EXCEPTION 'line % needs a quantity of 1 or more and an amount of 0 or more', line.n USING ERRCODE = '22023';
        END IF;
        INSERT INTO retail.settlement_line (settlement_order_id, line_no, sku_id, qty, amount)
        VALUES (o.id, line.n, sku, line.qty, retail._check_money(line.amount, _describe_sale.currency));
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail._describe_sale(bigint, text, text, retail.sold_line[], timestamptz) IS
'Internal: notes what was sold with the first settlement of an order, and compares with that later. The order is locked.';

-- Calls -----------------------------------------------------------------------

CREATE FUNCTION retail.settle(channel text, order_ref text, party_kind text, party text, amount numeric, currency text,
    location text DEFAULT NULL, lines retail.sold_line[] DEFAULT NULL, sold_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.settlement_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier jsonb;
    answer retail.settlement_result;
    this_id bigint;
    mine record;
    new_id bigint;
    alert bigint;
BEGIN
    IF party_kind IS NULL OR party_kind NOT IN ('franchisee', 'supplier', 'guide') THEN
        RAISE EXCEPTION 'unknown party_kind "%"', left(party_kind, 60)
            USING ERRCODE = '22023', HINT = 'It is franchisee, supplier or guide.';
    ELSIF party IS NULL OR party = '' OR length(party) > 200 THEN
        RAISE EXCEPTION 'party must have 1 to 200 characters' USING ERRCODE = '22023';
    END IF;
    earlier := retail._request_begin(request_key, 'settle', jsonb_build_array(channel, order_ref, party_kind, party, amount, currency,
        location, to_jsonb(lines), sold_at));
    IF earlier IS NOT NULL THEN
        answer := jsonb_populate_record(NULL::retail.settlement_result, earlier);
        answer.replayed := true;
        RETURN answer;
    END IF;
    amount := retail._check_money(amount, currency);
    IF amount < 0 THEN
        RAISE EXCEPTION 'amount % is below 0', amount
            USING ERRCODE = '22023', HINT = 'What was paid is taken back with retail.reverse_settlement().';
    END IF;

    PERFORM retail._settlement_gate(false);
    this_id := retail._settlement_order(channel, order_ref);
    PERFORM retail._describe_sale(this_id, currency, location, lines, sold_at);

    SELECT s.id, s.amount, s.currency INTO mine
    FROM retail.settlement s
    WHERE s.settlement_order_id = this_id AND s.party_kind = settle.party_kind AND s.party = settle.party
        AND s.reason IS NULL AND s.reverses_id IS NULL;
    IF FOUND THEN
        PERFORM retail._request_end(request_key, 'settle', NULL);
        SELECT * INTO answer
        FROM retail._settlements(this_id, CASE WHEN (mine.amount, mine.currency) = (amount, currency) THEN 'settled' ELSE 'already_settled' END,
            true, mine.id);
        RETURN answer;
    END IF;

    INSERT INTO retail.settlement (settlement_order_id, party_kind, party, currency, amount)
    VALUES (this_id, party_kind, party, currency, amount)
    RETURNING id INTO new_id;
    FOR alert IN SELECT z.alert_id FROM retail._freezing z WHERE z.settlement_order_id = this_id ORDER BY 1 LOOP
        PERFORM retail._freeze_order(this_id, alert, 'settled while the alert is open');
    END LOOP;
    -- it may have been held before anything was settled
    PERFORM retail._follow_holds(ARRAY[this_id]);
    SELECT * INTO answer FROM retail._settlements(this_id, NULL, false, new_id);
    IF answer.status = 'open' THEN
        answer.outcome := 'settled';
    END IF;
    PERFORM retail._request_end(request_key, 'settle', to_jsonb(answer));
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.settle(text, text, text, text, numeric, text, text, retail.sold_line[], timestamptz, text) IS
'Notes what a party gets for an order, or for a receipt of a till.
channel, order_ref: the order''s number, or the ref of the till sale; party_kind: franchisee, supplier or guide; party: who, 1 to 200 characters; amount: 0 or more, with at most the decimals of currency; location: code of who sold it (default: of the only parcel of the order); lines: what was sold and for how much (default: the lines of the order and their prices), said with the first settlement of the order; sold_at: when (default: when the order was placed, else now); request_key: makes a retry safe.
Returns settlement_result: settled; frozen, where something holds the order, or an open alert of a rule that freezes is about what was sold; already_settled with the amount noted before. Waits for a call on the same order, and for a scan that is writing.
Errors: RT003 unknown channel, RT002 unknown location, RT001 unknown SKU, RT005 request key used for another request, RT020 the order is in another currency, RT021 too many decimals, 22023 bad argument, or lines that differ from those said before, 22004 a NULL argument.';

CREATE FUNCTION retail.hold_settlement(channel text, order_ref text, alert_id bigint, reason text)
RETURNS SETOF retail.settlement_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    alert retail.alert_result;
    this_id bigint;
    fresh boolean;
BEGIN
    IF reason IS NULL OR reason = '' THEN
        RAISE EXCEPTION 'reason must be given' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._settlement_gate(false);
    alert := retail._lock_alert(alert_id);
    this_id := retail._settlement_order(channel, order_ref);
    fresh := retail._freeze_order(this_id, alert_id, reason);
    IF fresh AND alert.status IN ('resolved', 'waived') THEN
        PERFORM retail._reopen_alert(alert_id);
    END IF;
    RETURN QUERY
    SELECT s.*
    FROM retail._settlements(this_id, NULL, NOT fresh) s;
END
$$;
COMMENT ON FUNCTION retail.hold_settlement(text, text, bigint, text) IS
'Freezes what is settled for an order, now and later, because of an alert.
channel, order_ref: the order, settled or not yet; alert_id: the alert, of the scan or of raise_alert(); opened again where it was resolved or waived; reason: why, in words.
Returns a settlement_result for each settlement of the order, frozen, or closed where it was paid already; one without a settlement where there is none yet: it will be frozen when it comes. Once per order and alert, for ever: again, or after its release, it changes nothing and says replayed. Waits for a call on the same order or alert.
Errors: RT003 unknown channel, RT029 no such alert, 22023 no reason, 22004 a NULL argument.';

CREATE FUNCTION retail.release_settlement(channel text, order_ref text, alert_id bigint DEFAULT NULL, reason text DEFAULT NULL)
RETURNS SETOF retail.settlement_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_id bigint;
    holds bigint[];
    alerts bigint[];
    free bigint;
BEGIN
    PERFORM retail._check_tables();
    -- alerts before orders, as everybody does
    PERFORM FROM retail.price_alert a
    WHERE a.id IN (
        SELECT h.alert_id
        FROM retail.settlement_hold h
            JOIN retail.settlement_order o ON o.id = h.settlement_order_id
            JOIN retail.channel c ON c.id = o.channel_id
        WHERE c.code = channel AND o.order_ref = release_settlement.order_ref AND h.released_at IS NULL
            AND (release_settlement.alert_id IS NULL OR h.alert_id = release_settlement.alert_id))
    ORDER BY a.id
    FOR NO KEY UPDATE;
    this_id := retail._settlement_order(channel, order_ref);
    SELECT coalesce(array_agg(h.id), '{}'), array_agg(h.alert_id) INTO holds, alerts
    FROM retail.settlement_hold h
    WHERE h.settlement_order_id = this_id AND h.released_at IS NULL
        AND (release_settlement.alert_id IS NULL OR h.alert_id = release_settlement.alert_id);
    IF holds = '{}' THEN
        RETURN QUERY SELECT s.* FROM retail._settlements(this_id, 'not_held', true) s;
        RETURN;
    END IF;
    PERFORM retail._release_holds(holds, reason);

    -- an alert that holds nothing any more has been dealt with
    FOR free IN
        SELECT a.id
        FROM unnest(alerts) a (id)
        WHERE NOT EXISTS (SELECT FROM retail.settlement_hold h WHERE h.alert_id = a.id AND h.released_at IS NULL)
    LOOP
        UPDATE retail.price_alert a
        SET status = 'resolved', decided_by = retail._actor(), decided_at = retail.now(), reason = release_settlement.reason
        WHERE a.id = free AND a.status IN ('open', 'acknowledged');
    END LOOP;
    RETURN QUERY SELECT s.* FROM retail._settlements(this_id, NULL, false) s;
END
$$;
COMMENT ON FUNCTION retail.release_settlement(text, text, bigint, text) IS
'Releases what holds an order: by another role than the one that froze it.
channel, order_ref: the order; alert_id: the hold of that alert alone (default: all of them); reason: in words.
Returns a settlement_result for each settlement of the order: released where nothing holds it any more, frozen where something does; not_held where nothing did. An alert whose last hold this was is resolved with it. Amounts stay as they are. Waits for a call on the same order or alert.
Errors: RT027 the caller froze it, RT003 unknown channel, 22004 a NULL argument.';

CREATE FUNCTION retail.reverse_settlement(channel text, order_ref text, reason text, party_kind text DEFAULT NULL, party text DEFAULT NULL)
RETURNS SETOF retail.settlement_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me CONSTANT text := retail._actor();
    this_id bigint;
    s record;
    new_id bigint;
BEGIN
    IF reason IS NULL OR reason = '' THEN
        RAISE EXCEPTION 'reason must be given' USING ERRCODE = '22023';
    END IF;
    PERFORM retail._settlement_gate(false);
    this_id := retail._settlement_order(channel, order_ref);
    FOR s IN
        SELECT t.id, t.status, t.party_kind, t.party, t.currency, t.amount, t.reason,
            (SELECT b.id FROM retail.settlement b WHERE b.reverses_id = t.id) AS back
        FROM retail.settlement t
        WHERE t.settlement_order_id = this_id AND t.reverses_id IS NULL
            AND (reverse_settlement.party_kind IS NULL OR t.party_kind = reverse_settlement.party_kind)
            AND (reverse_settlement.party IS NULL OR t.party = reverse_settlement.party)
        ORDER BY t.id
    LOOP
        IF s.back IS NOT NULL THEN
            RETURN QUERY SELECT a.* FROM retail._settlements(this_id, 'taken_back', true, s.back) a;
        ELSIF s.reason IS NOT NULL THEN
            -- closed since or not: nothing was paid
            RETURN QUERY SELECT a.* FROM retail._settlements(this_id, 'reversed', true, s.id) a;
        ELSIF s.status = 'closed' THEN
            UPDATE retail.settlement t SET reason = reverse_settlement.reason WHERE t.id = s.id;
            INSERT INTO retail.settlement (settlement_order_id, party_kind, party, currency, amount, reverses_id, reason)
            VALUES (this_id, s.party_kind, s.party, s.currency, -s.amount, s.id, reverse_settlement.reason)
            RETURNING id INTO new_id;
            PERFORM retail._follow_holds(ARRAY[this_id]);
            RETURN QUERY SELECT a.* FROM retail._settlements(this_id, 'taken_back', false, new_id) a;
        ELSE
            IF s.status = 'frozen' AND EXISTS (
                SELECT FROM retail.settlement_hold h
                WHERE h.settlement_order_id = this_id AND h.released_at IS NULL AND retail._is_me(h.held_by, h.held_login)) THEN
                RAISE EXCEPTION 'role "%" froze the settlement of order "%" and cannot reverse it', me, left(order_ref, 200)
                    USING ERRCODE = 'RT027',
                        DETAIL = 'Who decides on a frozen settlement is another person than who froze it.',
                        HINT = 'Have somebody else look at it.';
            END IF;
            UPDATE retail.settlement t
            SET status = 'reversed', reason = reverse_settlement.reason, changed_by = me, changed_at = retail.now()
            WHERE t.id = s.id;
            RETURN QUERY SELECT a.* FROM retail._settlements(this_id, 'reversed', false, s.id) a;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail.reverse_settlement(text, text, text, text, text) IS
'Takes settlements of an order back.
channel, order_ref: the order; reason: why, in words; party_kind, party: that party alone (default: every one).
Returns a settlement_result for each: reversed, and it will not be paid; taken_back where it was paid, and a settlement of the opposite amount was made, which is shown; no row where nothing is settled. What was reversed or taken back may be settled anew. One that is frozen is reversed by another role than the one that froze it; its holds stay until they are released. Waits for a call on the same order.
Errors: RT027 the caller froze it, RT003 unknown channel, 22023 no reason, 22004 a NULL argument.';

CREATE FUNCTION retail.close_settlement(channel text, order_ref text, party_kind text DEFAULT NULL, party text DEFAULT NULL)
RETURNS SETOF retail.settlement_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_id bigint;
    s record;
BEGIN
    PERFORM retail._settlement_gate(false);
    this_id := retail._settlement_order(channel, order_ref);
    FOR s IN
        SELECT t.id, t.status
        FROM retail.settlement t
        WHERE t.settlement_order_id = this_id
            AND (close_settlement.party_kind IS NULL OR t.party_kind = close_settlement.party_kind)
            AND (close_settlement.party IS NULL OR t.party = close_settlement.party)
        ORDER BY t.id
    LOOP
        IF s.status IN ('open', 'released', 'reversed') THEN
            UPDATE retail.settlement t SET status = 'closed', changed_by = retail._actor(), changed_at = retail.now() WHERE t.id = s.id;
        END IF;
        RETURN QUERY SELECT a.* FROM retail._settlements(this_id, NULL, s.status = 'closed', s.id) a;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retail.close_settlement(text, text, text, text) IS
'Ends settlements of an order: they are paid, or, reversed, booked as not to be paid.
channel, order_ref: the order; party_kind, party: that party alone (default: every one).
Returns a settlement_result for each: closed, or frozen where something holds it, which nothing was paid for; no row where nothing is settled. Waits for a call on the same order.
Errors: RT003 unknown channel, 22004 a NULL argument.';

-- Alerts ----------------------------------------------------------------------

CREATE FUNCTION retail._reopen_alert(alert_id bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE retail.price_alert a
    SET status = 'open', opened = a.opened + 1, opened_at = retail.now(), acknowledged_by = NULL, acknowledged_at = NULL,
        decided_by = NULL, decided_at = NULL, reason = NULL, waived_until = NULL
    WHERE a.id = $1 AND a.status IN ('resolved', 'waived')
$$;
COMMENT ON FUNCTION retail._reopen_alert(bigint) IS 'Internal: what was resolved or waived has come back.';

CREATE FUNCTION retail.raise_alert(sku text, channel text, location text, currency text, reason text) RETURNS retail.alert_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    this_sku integer;
    this_channel integer;
    this_location integer;
    this_id bigint;
    today date;
    answer retail.alert_result;
BEGIN
    PERFORM retail._check_tables();
    IF reason IS NULL OR reason = '' THEN
        RAISE EXCEPTION 'reason must be given' USING ERRCODE = '22023';
    END IF;
    this_sku := retail._price_sku(sku);
    this_channel := retail._price_channel(channel);
    this_location := retail._price_location(location);
    today := (retail.now() AT TIME ZONE coalesce((SELECT l.time_zone FROM retail.location l WHERE l.id = this_location),
        current_setting('TimeZone')))::date;
    PERFORM retail._check_money(0, currency);

    LOOP
        INSERT INTO retail.price_alert (rule, sku_id, location_id, channel_id, currency, detail, first_seen_on, last_seen_on)
        VALUES ('reported', this_sku, this_location, this_channel, raise_alert.currency,
            jsonb_build_object('reason', reason, 'by', retail._actor()), today, today)
        ON CONFLICT ON CONSTRAINT price_alert_scope_key DO NOTHING
        RETURNING id INTO this_id;
        IF FOUND THEN
            answer := retail._lock_alert(this_id);
            RETURN answer;
        END IF;
        SELECT a.id INTO this_id
        FROM retail.price_alert a
        WHERE a.rule = 'reported' AND a.sku_id = this_sku AND a.location_id = this_location AND a.channel_id = this_channel
            AND a.currency = raise_alert.currency;
        EXIT WHEN FOUND;
    END LOOP;
    answer := retail._lock_alert(this_id);
    IF answer.status IN ('open', 'acknowledged') THEN
        answer.replayed := true;
        RETURN answer;
    END IF;
    PERFORM retail._reopen_alert(this_id);
    UPDATE retail.price_alert a
    SET detail = jsonb_build_object('reason', raise_alert.reason, 'by', retail._actor()), last_seen_on = greatest(a.last_seen_on, today)
    WHERE a.id = this_id;
    RETURN retail._lock_alert(this_id);
END
$$;
COMMENT ON FUNCTION retail.raise_alert(text, text, text, text, text) IS
'Raises an alert by hand: a customer complains, an auditor has seen something. Rule reported; hold_settlement() can freeze orders because of it.
sku, channel, location, currency: what it is about; channel, location: NULL for every one; reason: what was seen, in words.
Returns alert_result: open; one about the same that is open already, replayed; one that was resolved or waived is opened again.
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, 22023 no reason or no such currency, 22004 a NULL argument.';

CREATE FUNCTION retail.acknowledge_alert(alert_id bigint, reason text DEFAULT NULL) RETURNS retail.alert_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer retail.alert_result := retail._lock_alert(alert_id);
BEGIN
    IF answer.status = 'acknowledged' THEN
        answer.replayed := true;
    ELSIF answer.status = 'open' THEN
        UPDATE retail.price_alert a
        SET status = 'acknowledged', acknowledged_by = retail._actor(), acknowledged_at = retail.now(), reason = acknowledge_alert.reason
        WHERE a.id = acknowledge_alert.alert_id;
        answer.outcome := 'acknowledged';
        answer.status := 'acknowledged';
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.acknowledge_alert(bigint, text) IS
'Says that somebody looks into an alert. What it holds stays frozen.
Returns alert_result: acknowledged, or resolved or waived where it is that already. Waits for a call on the same alert.
Errors: RT029 no such alert.';

CREATE FUNCTION retail.resolve_alert(alert_id bigint, reason text DEFAULT NULL) RETURNS retail.alert_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN retail._end_alert(alert_id, 'resolved', reason, NULL);
END
$$;
COMMENT ON FUNCTION retail.resolve_alert(bigint, text) IS
'Says that an alert has been dealt with, and releases every settlement it holds: by another role than the one that froze it.
Returns alert_result: resolved, with how many holds went with it. If the scan finds the same again it opens the same alert again. Waits for a call on the same alert or on an order it holds.
Errors: RT027 the caller froze a settlement because of it, RT029 no such alert.';

CREATE FUNCTION retail.waive_alert(alert_id bigint, until timestamptz, reason text) RETURNS retail.alert_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF until IS NULL THEN
        RAISE EXCEPTION 'until must not be null' USING ERRCODE = '22004';
    ELSIF until <= retail.now() OR NOT isfinite(until) THEN
        RAISE EXCEPTION 'until must lie ahead' USING ERRCODE = '22023';
    ELSIF reason IS NULL OR reason = '' THEN
        RAISE EXCEPTION 'reason must be given' USING ERRCODE = '22023';
    END IF;
    RETURN retail._end_alert(alert_id, 'waived', reason, until);
END
$$;
COMMENT ON FUNCTION retail.waive_alert(bigint, timestamptz, text) IS
'Lets what an alert is about pass for a while, and releases every settlement it holds: by another role than the one that froze it.
until: when the scan may open it again, ahead; a finding about another price opens it before; reason: why, in words.
Returns alert_result: waived, with how many holds went with it; resolved where it is that already. Waits for a call on the same alert or on an order it holds.
Errors: RT027 the caller froze a settlement because of it, RT029 no such alert, 22023 bad argument, 22004 a NULL argument.';

-- Does it add up? -------------------------------------------------------------

CREATE FUNCTION retail._verify_settlements()
RETURNS TABLE (check_name text, sku text, location text, expected bigint, found bigint, detail text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'settlement_frozen', NULL, l.code, h.live, CASE s.status WHEN 'frozen' THEN 1::bigint ELSE 0 END,
        format('settlement %s of order "%s" is %s, and %s hold it', s.id, o.order_ref, s.status, h.live)
    FROM retail.settlement s
        JOIN retail.settlement_order o ON o.id = s.settlement_order_id
        LEFT JOIN retail.location l ON l.id = o.location_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS live
            FROM retail.settlement_hold x WHERE x.settlement_order_id = o.id AND x.released_at IS NULL
        ) h
    WHERE h.live > 0 AND s.status IN ('open', 'released') OR h.live = 0 AND s.status = 'frozen'
    UNION ALL
    SELECT 'settlement_alert', k.code, l.code, 0, count(*),
        format('alert %s is %s and holds orders', a.id, a.status)
    FROM retail.price_alert a
        JOIN retail.settlement_hold h ON h.alert_id = a.id AND h.released_at IS NULL
        LEFT JOIN retail.sku k ON k.id = a.sku_id
        LEFT JOIN retail.location l ON l.id = a.location_id
    WHERE a.status IN ('resolved', 'waived')
    GROUP BY a.id, k.code, l.code
$$;
COMMENT ON FUNCTION retail._verify_settlements() IS 'Internal: what verify() says of settlements, their holds and alerts.';
