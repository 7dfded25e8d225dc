-- Freezing a quote at checkout, and what an order costs by it.

CREATE FUNCTION retail._refuse_frozen(table_name text, operation text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'a row of table "%" cannot be %', table_name, CASE operation WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END
        USING ERRCODE = 'RT008',
            DETAIL = 'What was promised at checkout stays as it was.',
            HINT = 'Freeze another quote with retail.freeze_quote(); retail.purge_requests() forgets what nobody used.';
END
$$;
COMMENT ON FUNCTION retail._refuse_frozen(text, text) IS 'Internal: raises RT008.';

CREATE FUNCTION retail._guard_frozen_quote() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('session_replication_role') <> 'replica'
        AND (TG_OP <> 'DELETE' OR OLD.expires_at >= retail.now()
            OR EXISTS (SELECT FROM retail.sales_order o WHERE o.quote_id = OLD.id)) THEN
        PERFORM retail._refuse_frozen(TG_TABLE_NAME, TG_OP);
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
COMMENT ON FUNCTION retail._guard_frozen_quote() IS 'Internal: frozen quotes are never changed, and go only when they have expired unused.';

CREATE FUNCTION retail._guard_frozen_quote_line() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- a line goes with its quote
    IF current_setting('session_replication_role') <> 'replica'
        AND (TG_OP <> 'DELETE' OR EXISTS (SELECT FROM retail.frozen_quote q WHERE q.id = OLD.quote_id)) THEN
        PERFORM retail._refuse_frozen(TG_TABLE_NAME, TG_OP);
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
COMMENT ON FUNCTION retail._guard_frozen_quote_line() IS 'Internal: lines of frozen quotes are never changed, and go only with their quote.';

CREATE FUNCTION retail._keep_price_per() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM retail.price_guard g WHERE g.sku_id = OLD.id) THEN
        RAISE EXCEPTION 'price_per of SKU "%" cannot be changed', left(OLD.code, 200)
            USING ERRCODE = 'RT011', DETAIL = 'There are prices for so many units.', HINT = 'Make another SKU.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION retail._keep_price_per() IS 'Internal: what a price is for stays, or quotes of the past would change.';

CREATE FUNCTION retail._live_price(sku_id integer, location_id integer, channel_id integer, qty bigint, at timestamptz, tier text,
    currency text, OUT price numeric, OUT amount numeric, OUT grant_id bigint) RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_live_price';
COMMENT ON FUNCTION retail._live_price(integer, integer, integer, bigint, timestamptz, text, text) IS
'Internal: quote() by ids, as everybody sees prices now; NULLs where there is none.';

CREATE FUNCTION retail._shares(amount numeric, weights numeric[], decimals integer) RETURNS numeric[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'retail_shares';
COMMENT ON FUNCTION retail._shares(numeric, numeric[], integer) IS
'Internal: an amount shared in proportion to weights by largest remainder, ties by line; the shares add up to it.';

CREATE FUNCTION retail._part(amount numeric, units bigint, whole bigint, decimals integer) RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'retail_part';
COMMENT ON FUNCTION retail._part(numeric, bigint, bigint, integer) IS
'Internal: what some of the units of an amount are worth, rounded once, halves away from zero.';

-- Freezing --------------------------------------------------------------------

CREATE TYPE retail.frozen_line AS (
    quote_id    bigint,
    line_no     integer,
    sku         text,
    location    text,
    qty         bigint,
    currency    text,
    list        numeric,
    price       numeric,
    kind        text,
    prior_price numeric,
    line_amount numeric,
    order_share numeric,
    expires_at  timestamptz,
    replayed    boolean
);
COMMENT ON TYPE retail.frozen_line IS
'A line of a frozen quote. quote_id: what place_order() takes; list, price, kind, prior_price: as in price_quote; line_amount: what the units cost together; order_share: the line''s share of what belongs to the order as a whole; expires_at: until when the price is promised; replayed: the answer of an earlier try with the same request_key. What the order costs is the sum of line_amount and order_share.';

CREATE FUNCTION retail._frozen_lines(quote_id bigint, replayed boolean) RETURNS SETOF retail.frozen_line
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT q.id, l.line_no, k.code, w.code, l.qty, q.currency, l.list_price, l.unit_price, l.kind, l.prior_price, l.line_amount,
        l.order_share, q.expires_at, $2
    FROM retail.frozen_quote q
        JOIN retail.frozen_quote_line l ON l.quote_id OPERATOR(pg_catalog.=) q.id
        JOIN retail.sku k ON k.id OPERATOR(pg_catalog.=) l.sku_id
        LEFT JOIN retail.location w ON w.id OPERATOR(pg_catalog.=) l.location_id
    WHERE q.id OPERATOR(pg_catalog.=) $1
    ORDER BY l.line_no
$$;
COMMENT ON FUNCTION retail._frozen_lines(bigint, boolean) IS 'Internal: the lines of a frozen quote.';

CREATE FUNCTION retail._below_floor(sku_ids integer[], grant_ids bigint[], qtys bigint[], amounts numeric[], currency text,
    OUT line_no integer, OUT sku text, OUT amount numeric, OUT floor numeric) RETURNS record
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.line_no::integer, k.code, x.amount, f.least
    FROM unnest($1, $2, $3, $4) WITH ORDINALITY x (sku_id, grant_id, qty, amount, line_no)
        JOIN retail.sku k ON k.id = x.sku_id
        JOIN retail.currency c ON c.code = $5
        CROSS JOIN LATERAL (
            -- a fraction of the minor unit is given away
            SELECT trunc(p.cost * (100 + p.margin_percent) * x.qty / (100 * k.price_per), c.decimals) AS least
            FROM retail.price_floor p
            WHERE p.sku_id = x.sku_id AND p.currency = c.code AND p.cost IS NOT NULL) f
    WHERE x.amount < f.least
        AND NOT EXISTS (SELECT FROM retail.price_grant g WHERE g.id = x.grant_id AND g.overrides_floor)
    ORDER BY x.line_no
    LIMIT 1
$$;
COMMENT ON FUNCTION retail._below_floor(integer[], bigint[], bigint[], numeric[], text) IS
'Internal: the first line that costs less than its floor, with its share of a discount on the whole order; NULLs: there is none.';

CREATE FUNCTION retail._check_stacked(sku_ids integer[], grant_ids bigint[], qtys bigint[], amounts numeric[], currency text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    low record;
BEGIN
    SELECT * INTO low FROM retail._below_floor(sku_ids, grant_ids, qtys, amounts, currency);
    IF low.line_no IS NOT NULL THEN
        RAISE EXCEPTION 'line % would be sold below the floor of SKU "%"', low.line_no, left(low.sku, 200)
            USING ERRCODE = 'RT026',
                DETAIL = format('With its share of the discount it costs %s; the floor is %s.', low.amount, low.floor),
                HINT = 'Give a smaller discount on the order (retail.price_floor).';
    END IF;
END
$$;
COMMENT ON FUNCTION retail._check_stacked(integer[], bigint[], bigint[], numeric[], text) IS
'Internal: with a discount on the whole order, no line may cost less than its floor. Errors: RT026.';

CREATE FUNCTION retail.freeze_quote(lines retail.line[], channel text, location text DEFAULT NULL, member_tier text DEFAULT NULL,
    currency text DEFAULT NULL, order_amount numeric DEFAULT 0, ttl interval DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS SETOF retail.frozen_line
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier CONSTANT jsonb := retail._request_begin(request_key, 'freeze_quote',
        jsonb_build_array(to_jsonb(lines), channel, location, member_tier, currency, order_amount, ttl));
    at CONSTANT timestamptz := retail.now();
    seller record;
    this_location integer;
    this_quote bigint;
    quoted retail.price_quote[];
    sums record;
    decimals integer;
    shares numeric[];
    lasts interval;
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN QUERY SELECT * FROM retail._frozen_lines((earlier ->> 'quote_id')::bigint, true);
        RETURN;
    END IF;
    PERFORM retail._check_tables();
    IF channel IS NULL OR order_amount IS NULL THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN channel IS NULL THEN 'channel' ELSE 'order_amount' END USING ERRCODE = '22004';
    END IF;
    SELECT array_agg(q) INTO quoted FROM retail.quote_lines(lines, channel, location, at, member_tier, currency) q;
    SELECT c.id, c.hold_ttl INTO seller FROM retail.channel c WHERE c.code = channel;
    SELECT w.id INTO this_location FROM retail.location w WHERE w.code = location;
    lasts := coalesce(ttl, seller.hold_ttl, current_setting('pg_retail.default_ttl')::interval);
    IF lasts < interval '1 second' OR lasts > current_setting('pg_retail.max_ttl')::interval THEN
        RAISE EXCEPTION 'ttl is out of range'
            USING ERRCODE = '22023', HINT = 'It is 1 second to pg_retail.max_ttl.';
    END IF;

    SELECT sum(u.amount) AS total, min(u.currency) AS currency, max(u.currency) AS other_currency,
        array_agg(u.amount ORDER BY u.ordinality) AS amounts
    INTO sums
    FROM unnest(quoted) WITH ORDINALITY u;
    IF sums.currency <> sums.other_currency THEN
        RAISE EXCEPTION 'lines are priced in % and %', sums.currency, sums.other_currency
            USING ERRCODE = 'RT020', DETAIL = 'Nothing is ever converted.', HINT = 'Name the currency, or freeze a quote for each.';
    END IF;
    SELECT c.decimals INTO decimals FROM retail.currency c WHERE c.code = sums.currency;
    IF order_amount IN ('NaN', 'Infinity', '-Infinity') OR abs(order_amount) > 922337203685477 THEN
        RAISE EXCEPTION 'order_amount % is out of range', order_amount USING ERRCODE = '22003';
    ELSIF order_amount <> round(order_amount, decimals) THEN
        RAISE EXCEPTION 'amount % has more decimals than %', trim_scale(order_amount), sums.currency
            USING ERRCODE = 'RT021', DETAIL = format('The currency has %s.', decimals);
    ELSIF sums.total + order_amount < 0 THEN
        RAISE EXCEPTION 'order_amount % takes more off than the lines cost', order_amount
            USING ERRCODE = '22023', DETAIL = format('They cost %s.', sums.total);
    END IF;
    shares := retail._shares(round(order_amount, decimals), sums.amounts, decimals);
    IF order_amount < 0 THEN
        PERFORM retail._check_stacked(array_agg(k.id ORDER BY u.ordinality), array_agg(u.grant_id ORDER BY u.ordinality),
            array_agg(u.qty ORDER BY u.ordinality), array_agg(u.amount + shares[u.ordinality] ORDER BY u.ordinality), sums.currency)
        FROM unnest(quoted) WITH ORDINALITY u
            JOIN retail.sku k ON k.code = u.sku;
    END IF;

    INSERT INTO retail.frozen_quote AS f (channel_id, location_id, member_tier, currency, lines_amount, order_amount, frozen_at,
        expires_at, actor)
    VALUES (seller.id, this_location, member_tier, sums.currency, sums.total, round(order_amount, decimals), at, at + lasts,
        retail._actor())
    RETURNING f.id INTO this_quote;
    INSERT INTO retail.frozen_quote_line (quote_id, line_no, sku_id, location_id, qty, price_per, list_price, unit_price, kind,
        list_scope, list_id, price_scope, price_id, grant_id, campaign_id, prior_price, line_amount, order_share)
    SELECT this_quote, u.ordinality, k.id, w.id, u.qty, u.price_per, u.list, u.price, u.kind, u.list_scope, u.list_id, u.price_scope,
        u.price_id, u.grant_id, u.campaign_id, u.prior_price, u.amount, shares[u.ordinality]
    FROM unnest(quoted) WITH ORDINALITY u
        JOIN retail.sku k ON k.code = u.sku
        LEFT JOIN retail.location w ON w.code = u.location;
    PERFORM retail._request_end(request_key, 'freeze_quote', jsonb_build_object('quote_id', this_quote));
    RETURN QUERY SELECT * FROM retail._frozen_lines(this_quote, false);
END
$$;
COMMENT ON FUNCTION retail.freeze_quote(retail.line[], text, text, text, text, numeric, interval, text) IS
'Promises the prices of a basket to a checkout: what quote_lines() answers now is kept, and place_order() takes it.
lines, channel, location, member_tier, currency: as in quote_lines(), but all lines in one currency; order_amount: what belongs to the order as a whole: postage above 0, a discount below (default 0), shared by the lines in proportion to their amounts, by largest remainder; ttl: how long it is promised, 1 second to pg_retail.max_ttl (default: the time of a hold: the channel''s hold_ttl, else pg_retail.default_ttl); request_key: makes a retry safe.
Returns one frozen_line per line, in the order of the lines. With a discount on the order no line may cost less than its floor (retail.price_floor), unless its grant overrides floors. Nothing is locked, and no stock is held.
Errors: as quote_lines(), RT005 request key used for another request, RT020 lines in several currencies, RT021 too many decimals, RT026 below the floor, 22004 or 22023 bad argument.';

-- An order by a frozen quote --------------------------------------------------

CREATE FUNCTION retail._price_order(frozen_quote bigint, channel_id integer, sku_ids integer[], location_ids integer[], qtys bigint[],
    at timestamptz)
RETURNS TABLE (unit_price numeric, live_price numeric, line_amount numeric, order_share numeric, currency text, risen boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    q record;
    line record;
    in_time boolean;
    has_risen boolean := false;
    prices numeric[] := ARRAY[]::numeric[];
    lives numeric[] := ARRAY[]::numeric[];
    amounts numeric[] := ARRAY[]::numeric[];
    grants bigint[] := ARRAY[]::bigint[];
    rises boolean[] := ARRAY[]::boolean[];
    promised numeric[] := ARRAY[]::numeric[];
    shares numeric[];
BEGIN
    SELECT f.*, c.decimals INTO STRICT q
    FROM retail.frozen_quote f
        JOIN retail.currency c ON c.code = f.currency
    WHERE f.id = _price_order.frozen_quote;
    IF q.channel_id <> _price_order.channel_id OR EXISTS (
        SELECT
        FROM unnest(sku_ids, location_ids, qtys) WITH ORDINALITY x (sku_id, location_id, qty, line_no)
            FULL JOIN (SELECT * FROM retail.frozen_quote_line f WHERE f.quote_id = q.id) l ON l.line_no = x.line_no
        WHERE (l.sku_id, l.qty) IS DISTINCT FROM (x.sku_id, x.qty) OR x.location_id NOT IN (0, coalesce(l.location_id, 0))) THEN
        RAISE EXCEPTION 'frozen quote % is for another channel or for other lines', q.id
            USING ERRCODE = '22023', HINT = 'Freeze a quote for the lines that are ordered, in their order.';
    END IF;

    in_time := q.expires_at > at;
    FOR line IN
        SELECT l.*, v.price, v.amount, v.grant_id AS live_grant_id
        FROM retail.frozen_quote_line l
            CROSS JOIN LATERAL retail._live_price(l.sku_id, l.location_id, q.channel_id, l.qty, at, q.member_tier, q.currency) v
        WHERE l.quote_id = q.id
        ORDER BY l.line_no
    LOOP
        IF line.price IS NULL AND NOT in_time THEN
            RAISE EXCEPTION 'no price for line % of frozen quote %', line.line_no, q.id
                USING ERRCODE = 'RT023', DETAIL = 'It has expired, and there is no price any more.', HINT = 'Freeze another quote.';
        END IF;
        -- what is promised holds while it is, though the price be gone; what is lower now is passed on
        promised := promised || line.line_amount;
        lives := lives || line.price;
        rises := rises || (NOT in_time AND line.price > line.unit_price);
        IF in_time AND coalesce(line.price >= line.unit_price, true) THEN
            prices := prices || line.unit_price;
            amounts := amounts || line.line_amount;
            grants := grants || line.grant_id;
        ELSE
            prices := prices || line.price;
            amounts := amounts || line.amount;
            grants := grants || line.live_grant_id;
        END IF;
    END LOOP;
    has_risen := true = ANY (rises);

    IF NOT has_risen THEN
        -- what is lower now may not be as much as a discount on the order
        shares := retail._shares(greatest(q.order_amount, -(SELECT sum(a) FROM unnest(amounts) a)), amounts, q.decimals);
        IF q.order_amount < 0 AND amounts <> promised THEN
            IF NOT in_time THEN
                PERFORM retail._check_stacked(sku_ids, grants, qtys,
                    (SELECT array_agg(a + s ORDER BY n) FROM unnest(amounts, shares) WITH ORDINALITY x (a, s, n)), q.currency);
            ELSIF (retail._below_floor(sku_ids, grants, qtys,
                    (SELECT array_agg(a + s ORDER BY n) FROM unnest(amounts, shares) WITH ORDINALITY x (a, s, n)), q.currency)).line_no
                IS NOT NULL THEN
                -- both together would go below a floor: what was promised, then
                SELECT array_agg(l.unit_price ORDER BY l.line_no), array_agg(l.line_amount ORDER BY l.line_no),
                    array_agg(l.order_share ORDER BY l.line_no)
                INTO prices, amounts, shares
                FROM retail.frozen_quote_line l
                WHERE l.quote_id = q.id;
            END IF;
        END IF;
    END IF;

    RETURN QUERY
    SELECT CASE WHEN has_risen THEN l.unit_price ELSE prices[l.line_no] END,
        CASE WHEN lives[l.line_no] <> l.unit_price THEN lives[l.line_no] END,
        amounts[l.line_no], shares[l.line_no], q.currency, rises[l.line_no]
    FROM retail.frozen_quote_line l
    WHERE l.quote_id = q.id
    ORDER BY l.line_no;
END
$$;
COMMENT ON FUNCTION retail._price_order(bigint, integer, integer[], integer[], bigint[], timestamptz) IS
'Internal: what an order costs by a frozen quote that is locked, line by line. risen: the line costs more now, and the quote has expired; unit_price is then what was frozen. Errors: RT023, RT026, 22023.';

CREATE FUNCTION retail._order_amount(order_id bigint, OUT currency text, OUT amount numeric, OUT refunded numeric) RETURNS record
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT pg_catalog.min(l.currency), pg_catalog.sum(l.line_amount OPERATOR(pg_catalog.+) l.order_share),
        pg_catalog.sum(retail._part(l.line_amount OPERATOR(pg_catalog.+) l.order_share,
            l.cancelled_qty OPERATOR(pg_catalog.+) l.returned_qty, l.qty, c.decimals))
    FROM retail.order_line l
        JOIN retail.currency c ON c.code OPERATOR(pg_catalog.=) l.currency
    WHERE l.order_id OPERATOR(pg_catalog.=) $1 AND l.line_amount IS NOT NULL
$$;
COMMENT ON FUNCTION retail._order_amount(bigint) IS 'Internal: order_amount() by id.';

CREATE FUNCTION retail._refund(order_id bigint, line_no integer, units bigint, OUT refund numeric, OUT currency text) RETURNS record
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT retail._part(l.line_amount OPERATOR(pg_catalog.+) l.order_share,
            l.cancelled_qty OPERATOR(pg_catalog.+) l.returned_qty OPERATOR(pg_catalog.+) $3, l.qty, c.decimals)
        OPERATOR(pg_catalog.-) retail._part(l.line_amount OPERATOR(pg_catalog.+) l.order_share,
            l.cancelled_qty OPERATOR(pg_catalog.+) l.returned_qty, l.qty, c.decimals),
        l.currency
    FROM retail.order_line l
        JOIN retail.currency c ON c.code OPERATOR(pg_catalog.=) l.currency
    WHERE l.order_id OPERATOR(pg_catalog.=) $1 AND l.line_no OPERATOR(pg_catalog.=) $2 AND l.line_amount IS NOT NULL
$$;
COMMENT ON FUNCTION retail._refund(bigint, integer, bigint) IS
'Internal: what further units of a line are worth when they go back: what all of them are worth less what went back before, so that the refunds of a line add up to what was paid for it.';

CREATE TYPE retail.order_money AS (
    order_id bigint,
    currency text,
    amount   numeric,
    refunded numeric,
    due      numeric
);
COMMENT ON TYPE retail.order_money IS
'What an order costs. amount: as frozen; refunded: of units cancelled or returned; due: the rest, what is to be paid, or what the seller keeps. NULLs where it was placed without a frozen quote.';

CREATE FUNCTION retail.order_amount(channel text, order_ref text) RETURNS retail.order_money
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result retail.order_money;
BEGIN
    PERFORM retail._check_tables();
    SELECT o.id, a.currency, a.amount, a.refunded, a.amount - a.refunded INTO result
    FROM retail.sales_order o
        JOIN retail.channel c ON c.id = o.channel_id
        CROSS JOIN LATERAL retail._order_amount(o.id) a
    WHERE c.code = order_amount.channel AND o.order_ref = order_amount.order_ref;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no order "%" of channel "%"', left(order_ref, 200), left(channel, 200) USING ERRCODE = 'RT013';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION retail.order_amount(text, text) IS
'What an order costs by its frozen quote, and how much of that went back.
channel, order_ref: the order. Returns order_money. Errors: RT013 no such order.';

CREATE FUNCTION retail.refund_due(channel text, order_ref text, line_no integer, qty bigint, OUT refund numeric, OUT currency text)
RETURNS record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    line record;
BEGIN
    PERFORM retail._check_tables();
    SELECT l.order_id, l.qty, l.cancelled_qty, l.returned_qty INTO line
    FROM retail.sales_order o
        JOIN retail.channel c ON c.id = o.channel_id
        JOIN retail.order_line l ON l.order_id = o.id
    WHERE c.code = refund_due.channel AND o.order_ref = refund_due.order_ref AND l.line_no = refund_due.line_no;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no line % of order "%" of channel "%"', line_no, left(order_ref, 200), left(channel, 200)
            USING ERRCODE = 'RT013';
    ELSIF qty IS NULL OR qty < 1 OR qty > line.qty - line.cancelled_qty - line.returned_qty THEN
        RAISE EXCEPTION 'quantity % is not one that can go back', qty
            USING ERRCODE = '22023', DETAIL = format('There are %s.', line.qty - line.cancelled_qty - line.returned_qty);
    END IF;
    SELECT r.refund, r.currency INTO refund, currency FROM retail._refund(line.order_id, line_no, qty) r;
END
$$;
COMMENT ON FUNCTION retail.refund_due(text, text, integer, bigint) IS
'What the shopper gets back when further units of a line are cancelled or returned: to be asked before. Over a line the refunds add up to what was paid for it, whatever the parts.
channel, order_ref, line_no: the line; qty: base units. Returns NULLs where the order was placed without a frozen quote. Errors: RT013 no such line, 22023 more than there are.';

CREATE FUNCTION retail._verify_quotes()
RETURNS TABLE (check_name text, sku text, location text, expected bigint, found bigint, detail text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'frozen_quote', NULL, w.code, s.lines, 0::bigint,
        format('frozen quote %s: its lines add up to %s and %s, not %s and %s', q.id, s.line_amount, s.order_share, q.lines_amount, q.order_amount)
    FROM retail.frozen_quote q
        LEFT JOIN retail.location w ON w.id = q.location_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS lines, coalesce(sum(l.line_amount), 0) AS line_amount, coalesce(sum(l.order_share), 0) AS order_share
            FROM retail.frozen_quote_line l
            WHERE l.quote_id = q.id
        ) s
    WHERE s.lines = 0 OR s.line_amount <> q.lines_amount OR s.order_share <> q.order_amount
    UNION ALL
    -- a discount is never more than the lines cost
    SELECT 'order_amount', NULL, NULL, s.lines, s.priced,
        CASE WHEN s.priced < s.lines OR s.lines <> s.quoted
            THEN format('order "%s" was placed by frozen quote %s of %s lines, and %s of its lines have an amount', o.order_ref, q.id, s.quoted, s.priced)
            ELSE format('order "%s": shares add up to %s, not %s', o.order_ref, s.order_share, greatest(q.order_amount, -s.line_amount)) END
    FROM retail.sales_order o
        JOIN retail.frozen_quote q ON q.id = o.quote_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS lines, count(*) FILTER (WHERE l.line_amount IS NOT NULL AND l.currency = q.currency) AS priced,
                (SELECT count(*) FROM retail.frozen_quote_line f WHERE f.quote_id = q.id) AS quoted, sum(l.line_amount) AS line_amount,
                sum(l.order_share) AS order_share
            FROM retail.order_line l
            WHERE l.order_id = o.id
        ) s
    WHERE s.priced < s.lines OR s.lines <> s.quoted OR s.order_share <> greatest(q.order_amount, -s.line_amount)
$$;
COMMENT ON FUNCTION retail._verify_quotes() IS 'Internal: what verify() says of frozen quotes and the orders placed by them.';
