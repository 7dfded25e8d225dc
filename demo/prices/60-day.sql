-- The day itself: a store would like to sell dearer, and somebody who may do
-- anything helps it.

-- Before anybody does anything wrong, at noon: what every label shows, and what is
-- quoted there.
SELECT set_config('TimeZone', zone, false) FROM demo.campaign \g /dev/null
SELECT set_config('pg_retail.clock', (midnight + interval '12 hours')::text, false) FROM demo.campaign \g /dev/null
CREATE TABLE demo.at_noon AS
SELECT l.location, l.channel, l.sku, l.version, l.price AS shown, (q.quote).price, (q.quote).kind, o.sku IS NOT NULL AS on_offer,
       a.version IS NOT DISTINCT FROM l.version AS acked
FROM demo.label AS l
LEFT JOIN demo.offer AS o USING (sku)
CROSS JOIN LATERAL (SELECT retail.quote(l.sku, l.channel, l.location)) AS q
JOIN retail.sku AS k ON k.code = l.sku
JOIN retail.location AS w ON w.code = l.location
JOIN retail.channel AS c ON c.code = l.channel
LEFT JOIN retail.label_ack AS a ON (a.sku_id, a.location_id, a.channel_id) = (k.id, w.id, c.id);

CREATE TABLE demo.band_use AS
SELECT b.channel, b.kind, count(*) AS prices,
       count(*) FILTER (WHERE b.off_base_percent = 0) AS at_base, round(avg(b.off_base_percent), 1) AS off_base,
       count(*) FILTER (WHERE b.band_share > 0.8 AND b.band_share <= 1) AS near_the_limit,
       count(*) FILTER (WHERE b.band_share > 1 AND b.grant_id IS NOT NULL) AS outside_granted,
       count(*) FILTER (WHERE b.band_share > 1 AND b.grant_id IS NULL) AS outside
FROM retail_bi.band_use AS b
GROUP BY b.channel, b.kind;

CREATE TABLE demo.in_channels AS
SELECT q.*
FROM demo.basket_618 AS b
CROSS JOIN retail.channel AS c
CROSS JOIN LATERAL retail.quote((b.lines[1]).sku, c.code, b.location) AS q;
CREATE TABLE demo.why AS
SELECT e.*, row_number() OVER () AS nr
FROM demo.basket_618 AS b
CROSS JOIN LATERAL retail.explain_quote((b.lines[1]).sku, 'miniapp', b.location, member_tier => 'gold') AS e;

-- A receipt of the till, and what the franchisee gets of it: four fifths.
CREATE TABLE demo.receipt (
    ref      text PRIMARY KEY,
    location text NOT NULL,
    price    numeric NOT NULL,
    cause    text NOT NULL
);
CREATE FUNCTION demo.sell_and_settle(first integer, last integer, at_store text, price numeric, cause text) RETURNS TABLE (outcome text, receipts bigint)
LANGUAGE sql
BEGIN ATOMIC
    WITH sold AS MATERIALIZED (
        SELECT format('618-%s', lpad(k::text, 2, '0')) AS ref
        FROM generate_series(first, last) AS k
    ), left_stock AS MATERIALIZED (
        SELECT s.ref, m.outcome
        FROM sold AS s, demo.dearer AS d
        CROSS JOIN LATERAL retail.sell(d.sku, at_store, 1, 'shop', s.ref) AS m
    ), noted AS MATERIALIZED (
        INSERT INTO demo.receipt SELECT ref, at_store, price, cause FROM sold RETURNING ref
    ), settled AS MATERIALIZED (
        SELECT n.ref, t.outcome
        FROM noted AS n, demo.dearer AS d, demo.campaign AS c
        CROSS JOIN LATERAL retail.settle('shop', n.ref, 'franchisee', 'Franchisee of ' || at_store, round(price * 0.8, 2), c.currency, at_store,
            ARRAY[ROW (d.sku, 1, price)::retail.sold_line]) AS t
    )
    SELECT t.outcome, count(*) FROM settled AS t JOIN left_stock AS s USING (ref) GROUP BY t.outcome;
END;
GRANT SELECT ON demo.receipt TO PUBLIC;
GRANT INSERT ON demo.receipt TO accounts;

CALL demo.act('store', interval '12 hours 30 minutes', 'accounts', 'settles three receipts of the store', 'settled', $$
    SELECT s.outcome, format('%s receipts at %s', s.receipts, d.price)
    FROM (SELECT x.location, (retail.quote(x.sku, 'shop', x.location)).price FROM demo.dearer AS x) AS d
    CROSS JOIN LATERAL demo.sell_and_settle(1, 3, d.location, d.price, 'before') AS s $$);
CALL demo.act('store', interval '12 hours 31 minutes', 'accounts', 'and three of another store', 'settled', $$
    SELECT s.outcome, format('%s receipts at %s', s.receipts, d.price)
    FROM (SELECT x.other, (retail.quote(x.sku, 'shop', x.other)).price FROM demo.dearer AS x) AS d
    CROSS JOIN LATERAL demo.sell_and_settle(4, 6, d.other, d.price, 'elsewhere') AS s $$);
CALL demo.act('store', interval '13 hours', 'store_manager', 'asks more than the others', 'out_of_band', $$
    SELECT p.outcome, format('%s asked; %s to %s around %s', d.amount, p.low, p.high, p.base)
    FROM demo.dearer AS d CROSS JOIN LATERAL retail.set_price(d.sku, 'shop', d.location, d.amount) AS p $$);
CALL demo.act('store', interval '13 hours 2 minutes', 'store_manager', 'writes into the table', '42501', $$
    INSERT INTO retail.price (sku_id, currency, amount, valid) VALUES (1, 'CNY', 1, '[now,)') RETURNING 'written', id::text $$);
CALL demo.act('store', interval '13 hours 10 minutes', 'head_office', 'does it for the store: INSERT', 'RT024', $$
    INSERT INTO retail.price (sku_id, location_id, channel_id, currency, amount, valid)
    SELECT k.id, l.id, c.id, m.currency, d.amount, tstzrange(retail.now(), NULL)
    FROM demo.campaign AS m, demo.dearer AS d
    JOIN retail.sku AS k ON k.code = d.sku JOIN retail.location AS l ON l.code = d.location JOIN retail.channel AS c ON c.code = 'shop'
    RETURNING 'written', id::text $$);
SET session_replication_role = replica;
CALL demo.act('store', interval '13 hours 20 minutes', 'postgres', 'forces it in: session_replication_role = replica', 'written', $$
    INSERT INTO retail.price (sku_id, location_id, channel_id, currency, amount, valid)
    SELECT k.id, l.id, c.id, m.currency, d.amount, tstzrange(retail.now(), NULL)
    FROM demo.campaign AS m, demo.dearer AS d
    JOIN retail.sku AS k ON k.code = d.sku JOIN retail.location AS l ON l.code = d.location JOIN retail.channel AS c ON c.code = 'shop'
    RETURNING 'written', 'no trigger looked at it, no label was told' $$);
RESET session_replication_role;
CALL demo.act('store', interval '15 hours', 'accounts', 'settles five receipts at that price', 'settled', $$
    SELECT s.outcome, format('%s receipts at %s', s.receipts, d.price)
    FROM (SELECT x.location, (retail.quote(x.sku, 'shop', x.location)).price FROM demo.dearer AS x) AS d
    CROSS JOIN LATERAL demo.sell_and_settle(7, 11, d.location, d.price, 'dearer') AS s $$);

-- The scan, on demand.
CREATE TABLE demo.scanned (
    nr       integer NOT NULL,
    what     text NOT NULL,
    rule     text NOT NULL,
    found    bigint NOT NULL,
    news     bigint NOT NULL,
    opened   bigint NOT NULL,
    reopened bigint NOT NULL,
    resolved bigint NOT NULL,
    frozen   bigint NOT NULL,
    ms       float8 NOT NULL
);
GRANT INSERT, SELECT ON demo.scanned TO controller;
CREATE FUNCTION demo.scan(nr integer, what text, day integer) RETURNS TABLE (answer text, detail text)
LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    INSERT INTO demo.scanned
    SELECT nr, what, s.*, extract(epoch FROM clock_timestamp() - began) * 1000
    FROM demo.campaign AS c
    CROSS JOIN LATERAL retail.scan_prices((c.midnight AT TIME ZONE c.zone)::date + day) AS s;
    RETURN QUERY
    SELECT CASE WHEN sum(s.news) > 0 THEN 'found' ELSE 'nothing new' END,
           coalesce(string_agg(format('%s: %s', s.rule, s.news), ', ' ORDER BY substr(s.rule, 2)::integer) FILTER (WHERE s.news > 0),
               format('%s found, none of them new', sum(s.found))) || format('; orders frozen: %s', sum(s.frozen))
    FROM demo.scanned AS s
    WHERE s.nr = scan.nr;
END
$$;
CALL demo.act('store', interval '18 hours', 'controller', 'scans the day', 'found', $$ SELECT * FROM demo.scan(1, '18 June, at 18:00', 0) $$);
CALL demo.act('store', interval '18 hours 5 minutes', 'accounts', 'settles one more receipt', 'frozen', $$
    SELECT s.outcome, format('%s receipt at %s: the alert is open', s.receipts, d.price)
    FROM (SELECT x.location, (retail.quote(x.sku, 'shop', x.location)).price FROM demo.dearer AS x) AS d
    CROSS JOIN LATERAL demo.sell_and_settle(12, 12, d.location, d.price, 'dearer') AS s $$);
CALL demo.act('store', interval '18 hours 10 minutes', 'head_office', 'puts the price right', 'ended', $$
    SELECT p.outcome, format('%s until %s', p.amount, to_char(upper(p.valid), 'HH24:MI'))
    FROM retail.withdraw_price((
        SELECT p.id FROM retail.price AS p, demo.dearer AS d
        JOIN retail.sku AS k ON k.code = d.sku JOIN retail.location AS l ON l.code = d.location
        WHERE p.sku_id = k.id AND p.location_id = l.id AND p.amount = d.amount AND p.withdrawn_at IS NULL AND upper(p.valid) IS NULL)) AS p $$);
CALL demo.act('store', interval '18 hours 20 minutes', 'controller', 'who froze them would release them', 'RT027', $$
    SELECT s.outcome, NULL FROM retail.release_settlement('shop', '618-07', reason => 'never mind') AS s $$);
CALL demo.act('store', interval '18 hours 30 minutes', 'auditor', 'has talked to the customers, and releases them', 'released', $$
    SELECT min(s.outcome), format('%s receipts of %s, %s in all', count(DISTINCT s.order_ref), min(s.party), sum(s.amount))
    FROM demo.receipt AS r CROSS JOIN LATERAL retail.release_settlement('shop', r.ref, reason => 'customers refunded, price put right') AS s
    WHERE r.cause = 'dearer' $$);
