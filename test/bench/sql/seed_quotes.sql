-- Prices to quote: the SKUs in every store and channel, of the channel too,
-- a tenth of them with nine past versions and a promotion.  Past the guard and
-- without the constraint that only writers use.
INSERT INTO retail.channel (id, code, name, kind)
SELECT i, 'C' || i, 'Channel ' || i, CASE WHEN i % 2 = 0 THEN 'store' ELSE 'online' END FROM generate_series(2, 12) AS i;
ALTER TABLE retail.price DROP CONSTRAINT price_one_at_a_time;
DROP INDEX retail.price_seek_idx;
ALTER TABLE retail.base_price DISABLE TRIGGER USER;
ALTER TABLE retail.price DISABLE TRIGGER USER;
INSERT INTO retail.base_price (recorded_at, sku_id, currency, amount, valid, actor)
SELECT '2025-01-01', k.id, 'CNY', 100 + k.id % 50, '[2025-01-01,)', 'bench' FROM retail.sku AS k;
INSERT INTO retail.price (recorded_at, sku_id, channel_id, currency, amount, valid, actor)
SELECT '2025-01-01', k.id, c.id, 'CNY', 99 + k.id % 50, '[2025-01-01,)', 'bench' FROM retail.channel AS c, retail.sku AS k;
-- version v of ten begins a month after the one before; the last is in force
INSERT INTO retail.price (recorded_at, sku_id, location_id, channel_id, currency, amount, valid, actor)
SELECT begins, k.id, l.id, c.id, 'CNY', 100 + k.id % 50 + (l.id * 7 + c.id * 3 + k.id + v) % 9 - 4,
    tstzrange(begins, CASE WHEN v < 10 THEN begins + interval '30 days' END), 'bench'
FROM retail.sku AS k
    CROSS JOIN generate_series(CASE WHEN k.id % 10 = 0 THEN 1 ELSE 10 END, 10) AS v
    CROSS JOIN LATERAL (SELECT timestamptz '2025-01-01 00:00+00' + v * interval '30 days' AS begins) AS x
    CROSS JOIN retail.location AS l
    CROSS JOIN retail.channel AS c;
INSERT INTO retail.price (recorded_at, sku_id, channel_id, currency, kind, amount, valid, actor)
SELECT '2026-01-01', k.id, c.id, 'CNY', 'promo', 91 + k.id % 50, '[2026-01-01,)', 'bench'
FROM retail.channel AS c, retail.sku AS k WHERE k.id % 10 = 0;
INSERT INTO retail.price_guard (sku_id, currency, version, kinds, scopes)
SELECT k.id, 'CNY', nextval('retail.price_version_seq'), 3, 10 FROM retail.sku AS k;
CREATE INDEX price_seek_idx ON retail.price (sku_id, location_id, channel_id, currency, kind, tier, min_qty, lower(valid));
ALTER TABLE retail.base_price ENABLE TRIGGER USER;
ALTER TABLE retail.price ENABLE TRIGGER USER;
ALTER TABLE retail.base_price ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.base_price ENABLE ALWAYS TRIGGER retail_guard_insert;
ALTER TABLE retail.base_price ENABLE ALWAYS TRIGGER retail_guard_update;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_insert;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_update;

-- The same rules in SQL, as good as it gets: for each scope and kind a seek to
-- the row in force, by the same index; the ids are known, nothing is explained.
-- As in quote(), members' tiers and quantities are honoured.
CREATE FUNCTION bench.best_quote(sku text, channel text, location text, wanted bigint, at timestamptz, wanted_tier text,
    OUT currency text, OUT list numeric, OUT price numeric, OUT kind text, OUT list_id bigint, OUT price_id bigint, OUT amount numeric,
    OUT service_pack text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT g.currency, l.amount, coalesce(r.amount, l.amount), coalesce(r.kind, 'list'), l.id, coalesce(r.id, l.id),
        round(coalesce(r.amount, l.amount) * wanted / k.price_per, u.decimals),
        (SELECT s.code FROM retail.service_pack AS s WHERE s.channel_id = c.id AND s.valid @> at)
    INTO currency, list, price, kind, list_id, price_id, amount, service_pack
    FROM retail.sku AS k
        JOIN retail.price_guard AS g ON g.sku_id = k.id
        JOIN retail.currency AS u ON u.code = g.currency
        CROSS JOIN retail.channel AS c
        CROSS JOIN retail.location AS s
        CROSS JOIN LATERAL (
            SELECT x.id, x.amount
            FROM (
                SELECT v.rank, p.id, p.amount
                FROM (VALUES (1, s.id, c.id), (2, s.id, 0), (3, 0, c.id), (4, 0, 0)) AS v (rank, location_id, channel_id)
                    CROSS JOIN LATERAL (
                        SELECT q.id, q.amount, q.valid
                        FROM retail.price AS q
                        WHERE q.sku_id = k.id AND q.location_id = v.location_id AND q.channel_id = v.channel_id
                            AND q.currency = g.currency AND q.kind = 'list' AND q.tier = '' AND q.min_qty <= wanted
                            AND lower(q.valid) <= at AND q.valid @> at AND q.recorded_at <= at
                            AND (q.withdrawn_at IS NULL OR q.withdrawn_at > at)
                        ORDER BY q.min_qty DESC, lower(q.valid) DESC
                        LIMIT 1) AS p
                UNION ALL
                SELECT 5, b.id, b.amount
                FROM (
                    SELECT q.id, q.amount
                    FROM retail.base_price AS q
                    WHERE q.sku_id = k.id AND q.currency = g.currency AND lower(q.valid) <= at AND q.valid @> at
                        AND q.recorded_at <= at AND (q.withdrawn_at IS NULL OR q.withdrawn_at > at)
                    ORDER BY lower(q.valid) DESC
                    LIMIT 1) AS b
                ) AS x
            ORDER BY x.rank
            LIMIT 1) AS l
        LEFT JOIN LATERAL (
            SELECT p.id, p.amount, p.kind
            FROM (VALUES (s.id, c.id), (s.id, 0), (0, c.id), (0, 0)) AS v (location_id, channel_id)
                CROSS JOIN (VALUES ('promo', '', 1), ('clearance', '', 3), ('member', wanted_tier, 2)) AS m (kind, tier, rank)
                JOIN retail.price AS p ON p.sku_id = k.id AND p.location_id = v.location_id AND p.channel_id = v.channel_id
                    AND p.currency = g.currency AND p.kind = m.kind AND p.tier = m.tier AND p.min_qty <= wanted
            WHERE lower(p.valid) <= at AND p.valid @> at AND p.recorded_at <= at AND (p.withdrawn_at IS NULL OR p.withdrawn_at > at)
                AND p.amount < l.amount
                AND (p.grant_id IS NULL OR EXISTS (
                    SELECT FROM retail.price_grant AS a
                    WHERE a.id = p.grant_id AND a.status IN ('approved', 'revoked') AND a.decided_at <= at
                        AND (a.revoked_at IS NULL OR a.revoked_at > at) AND a.valid @> at))
            ORDER BY p.amount, m.rank, p.id
            LIMIT 1) AS r ON true
    WHERE k.code = sku AND c.code = channel AND s.code = location;
END
$$;

-- The other way: all rows of the four scopes at once, by one scan for each.
CREATE FUNCTION bench.wide_quote(sku text, channel text, location text, wanted bigint, at timestamptz, wanted_tier text,
    OUT currency text, OUT list numeric, OUT price numeric, OUT kind text, OUT list_id bigint, OUT price_id bigint, OUT amount numeric,
    OUT service_pack text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    WITH asked AS MATERIALIZED (
        SELECT k.id AS sku_id, k.price_per, s.id AS location_id, c.id AS channel_id, g.currency, u.decimals
        FROM retail.sku AS k
            JOIN retail.price_guard AS g ON g.sku_id = k.id
            JOIN retail.currency AS u ON u.code = g.currency
            CROSS JOIN retail.channel AS c
            CROSS JOIN retail.location AS s
        WHERE k.code = sku AND c.code = channel AND s.code = location
    ), candidate AS MATERIALIZED (
        SELECT v.rank, p.id, p.kind, p.amount, p.min_qty
        FROM asked AS a
            CROSS JOIN LATERAL (VALUES (1, a.location_id, a.channel_id), (2, a.location_id, 0), (3, 0, a.channel_id), (4, 0, 0))
                AS v (rank, location_id, channel_id)
            JOIN retail.price AS p ON p.sku_id = a.sku_id AND p.location_id = v.location_id AND p.channel_id = v.channel_id
                AND p.currency = a.currency
        WHERE lower(p.valid) <= at AND p.valid @> at AND p.recorded_at <= at AND (p.withdrawn_at IS NULL OR p.withdrawn_at > at)
            AND p.min_qty <= wanted AND (p.tier = '' OR p.tier = wanted_tier)
            AND (p.grant_id IS NULL OR EXISTS (
                SELECT FROM retail.price_grant AS x
                WHERE x.id = p.grant_id AND x.status IN ('approved', 'revoked') AND x.decided_at <= at
                    AND (x.revoked_at IS NULL OR x.revoked_at > at) AND x.valid @> at))
        UNION ALL
        SELECT 5, b.id, 'list', b.amount, 1
        FROM asked AS a
            JOIN retail.base_price AS b ON b.sku_id = a.sku_id AND b.currency = a.currency
        WHERE lower(b.valid) <= at AND b.valid @> at AND b.recorded_at <= at AND (b.withdrawn_at IS NULL OR b.withdrawn_at > at)
    ), l AS MATERIALIZED (
        SELECT x.id, x.amount FROM candidate AS x WHERE x.kind = 'list' ORDER BY x.rank, x.min_qty DESC, x.id LIMIT 1
    )
    SELECT a.currency, l.amount, coalesce(r.amount, l.amount), coalesce(r.kind, 'list'), l.id, coalesce(r.id, l.id),
        round(coalesce(r.amount, l.amount) * wanted / a.price_per, a.decimals),
        (SELECT s.code FROM retail.service_pack AS s WHERE s.channel_id = a.channel_id AND s.valid @> at)
    INTO currency, list, price, kind, list_id, price_id, amount, service_pack
    FROM asked AS a
        CROSS JOIN l
        LEFT JOIN LATERAL (
            SELECT x.id, x.amount, x.kind
            FROM candidate AS x
            WHERE x.kind <> 'list' AND x.amount < l.amount
            ORDER BY x.amount, CASE x.kind WHEN 'promo' THEN 1 WHEN 'member' THEN 2 ELSE 3 END, x.id
            LIMIT 1) AS r ON true;
END
$$;

-- Keys to ask for, any of all there are, and the same at every run; a tenth of
-- the SKUs have a promotion and a history.
CREATE TABLE bench.quote_key AS
SELECT n, k.code AS sku, c.code AS channel, l.code AS location
FROM generate_series(1, 25000) AS n
    CROSS JOIN LATERAL (SELECT n * 7919::bigint * 104729 AS x) AS r
    JOIN retail.sku AS k ON k.id = 1 + (r.x / 3) % (SELECT max(id) FROM retail.sku)
    JOIN retail.channel AS c ON c.id = 1 + (r.x / 11) % 12
    JOIN retail.location AS l ON l.id = 1 + (r.x / 131) % 600;
ALTER TABLE bench.quote_key ADD PRIMARY KEY (n);

-- Microseconds of a call, over keys one after the other.
CREATE FUNCTION bench.quote_us(how text, first integer, last integer, repeats integer) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
    skus CONSTANT text[] := (SELECT array_agg(k.sku ORDER BY k.n) FROM bench.quote_key AS k WHERE k.n BETWEEN first AND last);
    channels CONSTANT text[] := (SELECT array_agg(k.channel ORDER BY k.n) FROM bench.quote_key AS k WHERE k.n BETWEEN first AND last);
    locations CONSTANT text[] := (SELECT array_agg(k.location ORDER BY k.n) FROM bench.quote_key AS k WHERE k.n BETWEEN first AND last);
    at CONSTANT timestamptz := '2026-06-01 00:00+00';
    began timestamptz;
    nothing_us numeric;
    p numeric;
BEGIN
    began := clock_timestamp();
    FOR r IN 1..repeats LOOP
        FOR i IN 1..cardinality(skus) LOOP
            p := length(skus[i]) + length(channels[i]) + length(locations[i]);
        END LOOP;
    END LOOP;
    nothing_us := extract(epoch FROM clock_timestamp() - began) * 1e6;
    began := clock_timestamp();
    FOR r IN 1..repeats LOOP
        FOR i IN 1..cardinality(skus) LOOP
            CASE how
                WHEN 'quote' THEN p := (retail.quote(skus[i], channels[i], locations[i], 1, at)).price;
                WHEN 'best' THEN p := (bench.best_quote(skus[i], channels[i], locations[i], 1, at, NULL)).price;
                WHEN 'wide' THEN p := (bench.wide_quote(skus[i], channels[i], locations[i], 1, at, NULL)).price;
            END CASE;
        END LOOP;
    END LOOP;
    RETURN (extract(epoch FROM clock_timestamp() - began) * 1e6 - nothing_us) / repeats / cardinality(skus);
END
$$;

-- Microseconds of quote_lines() of 30 of the keys of one store and channel.
CREATE FUNCTION bench.quote_lines_us(repeats integer) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
    lines CONSTANT retail.line[] := (SELECT array_agg((k.sku, NULL, 1)::retail.line ORDER BY k.n) FROM bench.quote_key AS k WHERE k.n <= 30);
    began CONSTANT timestamptz := clock_timestamp();
BEGIN
    FOR r IN 1..repeats LOOP
        PERFORM sum(q.amount) FROM retail.quote_lines(lines, 'C2', '1', '2026-06-01 00:00+00') AS q;
    END LOOP;
    RETURN extract(epoch FROM clock_timestamp() - began) * 1e6 / repeats;
END
$$;

-- Keys that quote() and both ways in SQL do not agree about.
CREATE FUNCTION bench.quote_differences() RETURNS bigint
LANGUAGE sql AS $$
    SELECT count(*)
    FROM bench.quote_key AS k
        CROSS JOIN (VALUES (timestamptz '2026-06-01 00:00+00'), ('2025-05-05 12:00+00')) AS t (at)
        CROSS JOIN LATERAL retail.quote(k.sku, k.channel, k.location, 3, t.at) AS q
        CROSS JOIN bench.best_quote(k.sku, k.channel, k.location, 3, t.at, NULL) AS b
        CROSS JOIN bench.wide_quote(k.sku, k.channel, k.location, 3, t.at, NULL) AS w
    WHERE k.n <= 2000
        AND ((q.currency, q.list, q.price, q.kind, q.list_id, q.price_id, q.amount) IS DISTINCT FROM
                (b.currency, b.list, b.price, b.kind, b.list_id, b.price_id, b.amount)
            OR (q.currency, q.list, q.price, q.kind, q.list_id, q.price_id, q.amount) IS DISTINCT FROM
                (w.currency, w.list, w.price, w.kind, w.list_id, w.price_id, w.amount))
$$;
