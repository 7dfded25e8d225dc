-- What a SKU costs, and why.

CREATE TYPE retail.price_quote AS (
    sku           text,
    channel       text,
    location      text,
    qty           bigint,
    at            timestamptz,
    currency      text,
    list          numeric,
    price         numeric,
    kind          text,
    amount        numeric,
    list_scope    text,
    list_id       bigint,
    price_scope   text,
    price_id      bigint,
    grant_id      bigint,
    campaign_id   bigint,
    prior_price   numeric,
    prior_short   boolean,
    service_pack  text,
    valid_until   timestamptz,
    price_per     bigint
);
COMMENT ON TYPE retail.price_quote IS
'A price, and where it comes from. list: the price of everybody, unreduced; price: what is to be paid for price_per base units (retail.sku.price_per, 1 as a rule); kind: list, promo, member or clearance; amount: what qty base units cost together, rounded once; list_scope and price_scope: base, everywhere, channel, location or location_channel; list_id and price_id: the rows, of retail.base_price where the scope is base, else of retail.price; grant_id and campaign_id: of the price; prior_price: where everybody''s price is reduced (promo, clearance), the least of the 30 days before the reduction, NULL where there was none; prior_short: whether the SKU had been on sale for less than that, NULL without such a reduction; service_pack: what comes with it in the channel; valid_until: the next instant at which another row decides, as far as is known when asked, NULL: none is known.';

CREATE FUNCTION retail.quote(sku text, channel text, location text, qty bigint DEFAULT 1, at timestamptz DEFAULT NULL,
    member_tier text DEFAULT NULL, currency text DEFAULT NULL)
RETURNS retail.price_quote
LANGUAGE c STABLE PARALLEL RESTRICTED COST 50 AS 'MODULE_PATHNAME', 'retail_quote';
COMMENT ON FUNCTION retail.quote(text, text, text, bigint, timestamptz, text, text) IS
'What a SKU costs at an instant, to anybody of a published tier: no person is asked about.
sku: code; channel, location: codes, NULL: prices of a channel, or location, do not count; qty: base units of the line, 1 or more; at: NULL: now; member_tier: NULL: no member price; currency: NULL: the one the SKU has prices in.
The list price is the most specific: of the channel at the location, of the location, of the channel, of everywhere, the base price; among those of one scope that for the most units reached. The price is the least promo, member or clearance price below it, whatever its scope.
Returns price_quote. The same instant has the same price for ever; valid_until and the answers for instants to come are what is known when asked. Waits for nobody.
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, RT023 no price, 22004 currency missing where the SKU has several, 22008 infinite at, 22023 bad argument.';

CREATE FUNCTION retail.quote_lines(lines retail.line[], channel text, location text DEFAULT NULL, at timestamptz DEFAULT NULL,
    member_tier text DEFAULT NULL, currency text DEFAULT NULL)
RETURNS SETOF retail.price_quote
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 COST 500 AS 'MODULE_PATHNAME', 'retail_quote_lines';
COMMENT ON FUNCTION retail.quote_lines(retail.line[], text, text, timestamptz, text, text) IS
'What the lines of a basket cost, all at one instant.
lines: SKU, location (NULL: the one of the call) and quantity, at most 1,000; the rest as in quote().
Returns one price_quote per line, in the order of the lines. Errors: as quote(), 54000 too many lines.';

CREATE FUNCTION retail._explain_quote(sku text, channel text, location text, qty bigint, at timestamptz, member_tier text,
    currency text, OUT is_base boolean, OUT id bigint, OUT scope text, OUT verdict text, OUT rank integer)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 COST 500 AS 'MODULE_PATHNAME', 'retail_explain_quote';
COMMENT ON FUNCTION retail._explain_quote(text, text, text, bigint, timestamptz, text, text) IS
'Internal: the candidates of a quote, and what became of each.';

CREATE FUNCTION retail.explain_quote(sku text, channel text, location text, qty bigint DEFAULT 1, at timestamptz DEFAULT NULL,
    member_tier text DEFAULT NULL, currency text DEFAULT NULL)
RETURNS TABLE (verdict text, because text, kind text, scope text, id bigint, amount numeric, price_currency text, min_qty bigint,
    tier text, valid tstzrange, grant_id bigint, campaign_id bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.verdict,
        CASE e.verdict
            WHEN 'price' THEN CASE c.kind WHEN 'list' THEN 'the most specific list price, and nothing is below it'
                ELSE 'the least of the reduced prices' END
            WHEN 'list' THEN 'the most specific list price; a reduced price is below it'
            WHEN 'tied' THEN 'the same amount as the price, which comes first by kind and id'
            WHEN 'dearer' THEN 'another reduced price is lower'
            WHEN 'not_below_list' THEN 'a reduced price counts below the list price only'
            WHEN 'fewer_units' THEN 'a list price of the same scope is for more units'
            WHEN 'less_specific' THEN 'a list price of a narrower scope is there'
            WHEN 'other_tier' THEN 'a member price of tier "' || c.tier || '"'
            WHEN 'too_few' THEN 'from ' || c.min_qty || ' units on'
            WHEN 'no_authority' THEN 'its grant does not live at this instant'
            WHEN 'withdrawn' THEN 'withdrawn before this instant'
            WHEN 'not_recorded' THEN 'recorded after this instant'
            WHEN 'other_currency' THEN 'a price in ' || c.currency
            ELSE e.verdict
        END,
        c.kind, e.scope, e.id, c.amount, c.currency, c.min_qty, nullif(c.tier, ''), c.valid, c.grant_id, c.campaign_id
    FROM retail._explain_quote(sku, channel, location, qty, at, member_tier, currency) e
        CROSS JOIN LATERAL (
            SELECT p.kind, p.tier, p.amount, p.currency, p.min_qty, p.valid, p.grant_id, p.campaign_id
            FROM retail.price p
            WHERE NOT e.is_base AND p.id = e.id
            UNION ALL
            SELECT 'list', '', b.amount, b.currency, 1, b.valid, NULL, NULL
            FROM retail.base_price b
            WHERE e.is_base AND b.id = e.id) c
    ORDER BY e.rank, c.amount, e.id
$$;
COMMENT ON FUNCTION retail.explain_quote(text, text, text, bigint, timestamptz, text, text) IS
'Why quote() answers what it does: every price of the SKU whose validity has the instant in it and whose scope has the channel and the location, the winner first.
Arguments as in quote(). verdict: price, list, or why it lost: tied, dearer, not_below_list, fewer_units, less_specific, other_tier, too_few, no_authority, withdrawn, not_recorded, other_currency; because: the same in words.
Errors: as quote(), but where no candidate wins they are shown.';

CREATE TYPE retail.prior_price_result AS (
    prior_price  numeric,
    currency     text,
    reduced_from timestamptz,
    since        timestamptz,
    prior_short  boolean,
    found_at     timestamptz
);
COMMENT ON TYPE retail.prior_price_result IS
'What a reduction is measured by. prior_price: NULL: there was no price before it; reduced_from: where the reduction began, or the first of a run of them; since: where the days before it begin; prior_short: whether the SKU had been on sale for less; found_at: when it was first that low within these days.';

CREATE FUNCTION retail.prior_price(sku text, channel text, location text, reduction_start timestamptz DEFAULT NULL,
    days integer DEFAULT 30, currency text DEFAULT NULL)
RETURNS retail.prior_price_result
LANGUAGE c STABLE PARALLEL RESTRICTED COST 500 AS 'MODULE_PATHNAME', 'retail_prior_price';
COMMENT ON FUNCTION retail.prior_price(text, text, text, timestamptz, integer, text) IS
'The prior price of a reduction as the EU Price Indication Directive (art. 6a) has it: the least price that was publicly applied in the days before it, the one in force at their beginning included; member prices and prices for several units left out.
sku, channel, location, currency: as in quote(); reduction_start: NULL: now; days: 1 to 3,650, days of the location''s own calendar. Reductions that follow each other without a pause, none dearer than the one before, count as one that began with the first.
Returns prior_price_result. Errors: as quote(), 22023 days out of range.';

CREATE FUNCTION retail._quote_cache(OUT sheets bigint, OUT bytes bigint) RETURNS record
LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_quote_cache_sql';
COMMENT ON FUNCTION retail._quote_cache() IS 'Internal: what this session keeps for quotes.';

-- What was really paid ---------------------------------------------------------

CREATE TYPE retail.prior_sale_result AS (
    prior_price numeric,
    currency    text,
    since       timestamptz,
    in_window   boolean,
    sold_at     timestamptz,
    sales       bigint
);
COMMENT ON TYPE retail.prior_sale_result IS
'What a reduction is measured by where sales count and not price tags. prior_price: NULL: there was no sale before it; since: where the days before it begin; in_window: whether it is the least price paid in these days; false: nothing was sold in them, and it is the price of the last sale before, NULL: there was none; sold_at: when that sale was; sales: how many lines were sold in these days.';

CREATE FUNCTION retail._sales_before(sku_id integer, channel_id integer, location_id integer, currency text, before timestamptz)
RETURNS TABLE (sold_at timestamptz, unit_price numeric)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
    -- paid orders; a discount on the order counts, postage does not
    SELECT s.placed_at, CASE WHEN l.line_amount IS NULL THEN l.unit_price
        ELSE round((l.line_amount + least(l.order_share, 0)) * k.price_per / l.qty, c.decimals) END
    FROM retail.order_line l
        JOIN retail.sales_order s ON s.id = l.order_id AND s.status IN ('confirmed', 'completed') AND s.placed_at < $5
        JOIN retail.sku k ON k.id = l.sku_id
        JOIN retail.currency c ON c.code = l.currency
    WHERE l.sku_id = $1 AND l.unit_price IS NOT NULL AND l.currency = $4 AND l.cancelled_qty < l.qty
        AND ($2 IS NULL OR s.channel_id = $2)
        AND ($3 IS NULL OR EXISTS (
            SELECT
            FROM retail.fulfilment_order f
                JOIN retail.fulfilment_line x ON x.fulfilment_id = f.id AND x.line_no = l.line_no
            WHERE f.order_id = s.id AND f.location_id = $3 AND f.state NOT IN ('rejected', 'cancelled')))
    UNION ALL
    -- receipts of tills, which are known by their settlement
    SELECT o.sold_at, round(l.amount * k.price_per / l.qty, c.decimals)
    FROM retail.settlement_line l
        JOIN retail.settlement_order o ON o.id = l.settlement_order_id AND o.order_id IS NULL AND o.sold_at < $5
        JOIN retail.sku k ON k.id = l.sku_id
        JOIN retail.currency c ON c.code = o.currency
    WHERE l.sku_id = $1 AND o.currency = $4 AND ($2 IS NULL OR o.channel_id = $2) AND ($3 IS NULL OR o.location_id = $3)
$$;
COMMENT ON FUNCTION retail._sales_before(integer, integer, integer, text, timestamptz) IS
'Internal: what was paid for a SKU before an instant, per line of an order or receipt; NULL channel or location: any.';

CREATE FUNCTION retail.prior_sale_price(sku text, channel text, location text, reduction_start timestamptz DEFAULT NULL,
    days integer DEFAULT 7, currency text DEFAULT NULL)
RETURNS retail.prior_sale_result
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    starts CONSTANT timestamptz := coalesce(reduction_start, retail.now());
    this_sku integer;
    this_channel integer;
    this_location integer;
    zone text;
    answer retail.prior_sale_result;
BEGIN
    PERFORM retail._check_tables();
    IF sku IS NULL THEN
        RAISE EXCEPTION 'sku must not be null' USING ERRCODE = '22004';
    ELSIF channel IS NULL AND location IS NULL THEN
        RAISE EXCEPTION 'channel or location must be given'
            USING ERRCODE = '22004', HINT = 'It is the least price paid in one store, be it a shop or a page.';
    ELSIF NOT isfinite(starts) THEN
        RAISE EXCEPTION 'a reduction begins at a moment, not at infinity' USING ERRCODE = '22008';
    ELSIF days IS NULL OR days NOT BETWEEN 1 AND 3650 THEN
        RAISE EXCEPTION 'days must be 1 to 3650' USING ERRCODE = '22023';
    END IF;
    SELECT k.id INTO this_sku FROM retail.sku k WHERE k.code = sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown SKU "%"', left(sku, 200) USING ERRCODE = 'RT001';
    END IF;
    IF channel IS NOT NULL THEN
        SELECT c.id INTO this_channel FROM retail.channel c WHERE c.code = channel;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'unknown channel "%"', left(channel, 200) USING ERRCODE = 'RT003';
        END IF;
    END IF;
    IF location IS NOT NULL THEN
        SELECT l.id, l.time_zone INTO this_location, zone FROM retail.location l WHERE l.code = location;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'unknown location "%"', left(location, 200) USING ERRCODE = 'RT002';
        END IF;
    END IF;
    SELECT CASE WHEN prior_sale_price.currency IS NOT NULL OR count(*) = 1 THEN coalesce(prior_sale_price.currency, min(g.currency)) END
    INTO answer.currency
    FROM retail.price_guard g
    WHERE g.sku_id = this_sku;
    IF answer.currency IS NULL THEN
        RAISE EXCEPTION 'currency must not be null'
            USING ERRCODE = '22004', DETAIL = 'The SKU has prices in none, or in several.';
    END IF;

    -- days of the store's own calendar
    zone := coalesce(zone, 'UTC');
    answer.since := (starts AT TIME ZONE zone - make_interval(days => days)) AT TIME ZONE zone;
    SELECT count(*), min(b.unit_price) INTO answer.sales, answer.prior_price
    FROM retail._sales_before(this_sku, this_channel, this_location, answer.currency, starts) b
    WHERE b.sold_at >= answer.since;
    IF answer.sales > 0 THEN
        answer.in_window := true;
        SELECT min(b.sold_at) INTO answer.sold_at
        FROM retail._sales_before(this_sku, this_channel, this_location, answer.currency, starts) b
        WHERE b.sold_at >= answer.since AND b.unit_price = answer.prior_price;
    ELSE
        SELECT b.unit_price, b.sold_at, false INTO answer.prior_price, answer.sold_at, answer.in_window
        FROM retail._sales_before(this_sku, this_channel, this_location, answer.currency, answer.since) b
        ORDER BY b.sold_at DESC, b.unit_price
        LIMIT 1;
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION retail.prior_sale_price(text, text, text, timestamptz, integer, text) IS
'The prior price of a reduction as Chinese law has it (Provisions on clearly marked prices and the prohibition of price fraud, 2022): the least price that was really paid in the same store in the seven days before; where nothing was sold, the price of the last sale.
sku; channel, location: the store: a channel, a location, or a channel at a location; NULL for one of them: any; reduction_start: NULL: now; days: 1 to 3,650 of the location''s own calendar (default 7); currency: NULL: the one the SKU has prices in.
Sales are lines of paid orders that were placed by a frozen quote, at the time they were placed and the location of a parcel, and lines of till receipts as they were settled; members'' and quantity prices count, they were paid. Of a discount on the whole order a line''s share counts, of postage not.
Returns prior_sale_result. Waits for nobody. Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, 22004 a NULL argument, 22008 infinite reduction_start, 22023 days out of range.';
