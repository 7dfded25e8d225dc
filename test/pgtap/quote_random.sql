-- Prices set, moved, corrected, withdrawn and rolled back at random, grants
-- revoked: quote() answers what plain SQL over all rows does, at any instant,
-- and what it said of the past it says for ever.
\ir quote.psql

SELECT plan(7);

CREATE FUNCTION public.random_of(VARIADIC words text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT words[1 + floor(random() * cardinality(words))::integer]
$$;

CREATE TABLE public.asked (n serial, sku text, channel text, location text, qty bigint, at timestamptz, asked_at timestamptz,
    tier text, answer text);
CREATE TABLE public.wrong (what text, step integer, asked text, fast text, slow text);

CREATE FUNCTION public.ask(step integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    sku CONSTANT text := public.random_of('RICE', 'TEA');
    channel CONSTANT text := public.random_of('app', 'till', NULL);
    location CONSTANT text := public.random_of('S1', 'S2', NULL);
    qty CONSTANT bigint := 1 + floor(random() * 4);
    tier CONSTANT text := public.random_of('gold', 'black', NULL);
    at CONSTANT timestamptz := retail.now() + (CASE WHEN random() < 0.4 THEN 0 ELSE floor(random() * 40) - 25 END) * interval '7 hours';
    fast record;
    slow record;
    then_slow record;
BEGIN
    SELECT * INTO fast FROM public.fast_quote(sku, channel, location, qty, at, tier);
    SELECT * INTO slow FROM public.slow_quote(sku, channel, location, qty, at, tier);
    IF (fast.list, fast.price, fast.kind, fast.list_is_base, fast.list_id, fast.price_is_base, fast.price_id, fast.grant_id)
        IS DISTINCT FROM (slow.list, slow.price, slow.kind, slow.list_is_base, slow.list_id, slow.price_is_base, slow.price_id,
            slow.grant_id) THEN
        INSERT INTO public.wrong
        VALUES ('answer', step, format('%s %s %s %s %s %s', sku, channel, location, qty, at, tier), fast::text, slow::text);
    END IF;
    IF fast.valid_until IS NOT NULL THEN
        -- the answer holds until just before, and is another then
        SELECT * INTO then_slow FROM public.slow_quote(sku, channel, location, qty, fast.valid_until - interval '1 microsecond', tier);
        IF then_slow IS DISTINCT FROM slow OR fast.valid_until <= at THEN
            INSERT INTO public.wrong VALUES ('ends too late', step, format('%s %s', sku, at), fast::text, then_slow::text);
        END IF;
        SELECT * INTO then_slow FROM public.slow_quote(sku, channel, location, qty, fast.valid_until, tier);
        IF (then_slow.list_is_base, then_slow.list_id, then_slow.price_is_base, then_slow.price_id)
            IS NOT DISTINCT FROM (slow.list_is_base, slow.list_id, slow.price_is_base, slow.price_id) THEN
            INSERT INTO public.wrong VALUES ('ends too early', step, format('%s %s', sku, at), fast::text, then_slow::text);
        END IF;
    ELSIF slow.price_id IS NOT NULL THEN
        SELECT * INTO then_slow FROM public.slow_quote(sku, channel, location, qty, at + interval '400 days', tier);
        IF then_slow IS DISTINCT FROM slow THEN
            INSERT INTO public.wrong VALUES ('never ends', step, format('%s %s', sku, at), fast::text, then_slow::text);
        END IF;
    END IF;
    IF at <= retail.now() THEN
        fast.valid_until := NULL;
        INSERT INTO public.asked (sku, channel, location, qty, at, asked_at, tier, answer)
        VALUES (sku, channel, location, qty, at, retail.now(), tier, fast::text);
    END IF;
END
$$;

CREATE FUNCTION public.change(step integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    sku CONSTANT text := public.random_of('RICE', 'TEA');
    kind CONSTANT text := public.random_of('list', 'list', 'promo', 'member', 'clearance');
    from_at CONSTANT timestamptz := retail.now() + floor(random() * 12) * interval '7 hours' * (random() < 0.5)::integer;
    valid_at CONSTANT tstzrange := tstzrange(from_at, CASE WHEN random() < 0.6 THEN from_at + ceil(random() * 12) * interval '7 hours' END);
    picked bigint;
BEGIN
    CASE floor(random() * 10)::integer
        WHEN 0 THEN
            PERFORM retail.set_base_price(sku, (80 + floor(random() * 40))::numeric, 'CNY', valid_at);
        WHEN 1 THEN
            SELECT p.id INTO picked FROM retail.price p WHERE p.withdrawn_at IS NULL ORDER BY random() LIMIT 1;
            IF FOUND THEN
                PERFORM retail.withdraw_price(picked, CASE WHEN random() < 0.5 THEN from_at END);
            END IF;
        WHEN 2 THEN
            -- a correction: withdrawn, and another from then on, whose validity reaches back
            UPDATE retail.price p SET withdrawn_at = retail.now()
            WHERE p.id = (SELECT x.id FROM retail.price x WHERE x.withdrawn_at IS NULL AND x.valid @> retail.now() ORDER BY random() LIMIT 1)
            RETURNING p.id INTO picked;
            INSERT INTO retail.price (sku_id, location_id, channel_id, currency, kind, tier, min_qty, amount, valid)
            SELECT p.sku_id, p.location_id, p.channel_id, p.currency, p.kind, p.tier, p.min_qty, p.amount + 1, p.valid
            FROM retail.price p WHERE p.id = picked;
        WHEN 3 THEN
            UPDATE retail.price_grant g SET status = 'revoked', revoked_by = 'boss', revoked_at = retail.now()
            WHERE g.id = (SELECT x.id FROM retail.price_grant x WHERE x.status = 'approved' AND random() < 0.3 ORDER BY random() LIMIT 1);
        ELSE
            SELECT g.id INTO picked FROM retail.price_grant g
            WHERE g.status = 'approved' AND g.valid @> valid_at AND random() < 0.7 AND kind <> 'list' ORDER BY random() LIMIT 1;
            PERFORM retail.set_price(sku, public.random_of('app', 'till', NULL), public.random_of('S1', 'S2', NULL),
                (70 + floor(random() * 50))::numeric, valid_at, kind, picked, currency => 'CNY',
                min_qty => CASE WHEN random() < 0.7 THEN 1 ELSE 2 + floor(random() * 2)::bigint END,
                tier => CASE WHEN kind = 'member' THEN public.random_of('gold', 'black') END);
    END CASE;
END
$$;

DO $$
DECLARE
    seed CONSTANT double precision := coalesce(nullif(current_setting('retail.seed', true), '')::double precision, random());
BEGIN
    RAISE WARNING 'seed %', seed;
    PERFORM setseed(seed);
END
$$;
DO $$
BEGIN
    PERFORM retail.set_base_price(s, 100, 'CNY') FROM unnest(ARRAY['RICE', 'TEA']) s;
    INSERT INTO retail.price_grant (grantee, max_discount_percent, valid, status, requested_by, decided_by, decided_at)
    SELECT current_user, 90, tstzrange(retail.now(), retail.now() + interval '3 years'), 'approved', 'asker', 'boss', retail.now()
    FROM generate_series(1, 40);
END
$$;

-- each step a transaction of its own, so that the session's memory is used
CREATE PROCEDURE public.walk(steps integer) LANGUAGE plpgsql AS $$
DECLARE
    first_clock CONSTANT timestamptz := '2026-06-01 00:00+00';
BEGIN
    FOR step IN 1..steps LOOP
        PERFORM set_config('pg_retail.clock', (retail.now() + floor(random() * 3) * interval '7 hours')::text, false);
        BEGIN
            PERFORM public.change(step);
            -- within the transaction that changes them, and one that is rolled back
            PERFORM public.ask(step) FROM generate_series(1, 2);
            IF random() < 0.25 THEN
                RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ001';
            END IF;
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
            WHEN SQLSTATE 'RT023' OR SQLSTATE 'RT024' OR SQLSTATE 'RT025' OR SQLSTATE 'RT026' OR SQLSTATE '23P01' OR SQLSTATE 'RT008' THEN
                IF random() < 0.01 THEN RAISE WARNING '%', SQLERRM; END IF;
        END;
        PERFORM public.ask(step) FROM generate_series(1, 2);
        COMMIT;
        PERFORM public.ask(step) FROM generate_series(1, 4);
        COMMIT;
    END LOOP;
END
$$;
CALL public.walk(400);

SELECT cmp_ok((SELECT count(*) FROM retail.price WHERE withdrawn_at IS NOT NULL), '>', 30::bigint, 'there are withdrawn prices');
SELECT cmp_ok((SELECT count(*) FROM retail.price_grant WHERE status = 'revoked'), '>', 2::bigint, 'and revoked grants');
SELECT cmp_ok((SELECT count(*) FROM public.asked WHERE answer !~ '^\(,'), '>', 800::bigint, 'and prices that were quoted');
SELECT is((SELECT string_agg(w::text, E'\n') FROM (SELECT * FROM public.wrong WHERE what = 'answer' LIMIT 5) w), NULL,
    'quote() answers what plain SQL does');
SELECT is((SELECT string_agg(w::text, E'\n') FROM (SELECT * FROM public.wrong WHERE what <> 'answer' LIMIT 5) w), NULL,
    'valid_until is the first instant with another answer');

-- What was asked within a statement that was rolled back went with it.  An
-- instant at which a price was set may have been asked before that.
SELECT is((SELECT string_agg(format('%s: %s, then %s', a.n, a.answer, y.again), E'\n')
    FROM (SELECT * FROM public.asked a WHERE NOT EXISTS (
            SELECT FROM retail.price p WHERE a.at IN (p.recorded_at, p.withdrawn_at)
            UNION ALL SELECT FROM retail.base_price b WHERE a.at IN (b.recorded_at, b.withdrawn_at)
            UNION ALL SELECT FROM retail.price_grant g WHERE a.at = g.revoked_at)
        ORDER BY n) a
        CROSS JOIN LATERAL public.fast_quote(a.sku, a.channel, a.location, a.qty, a.at, a.tier) f
        CROSS JOIN LATERAL (SELECT (f.list, f.price, f.kind, f.list_is_base, f.list_id, f.price_is_base, f.price_id, f.grant_id,
            NULL::timestamptz)::text AS again) y
    WHERE y.again <> a.answer), NULL, 'what was said of an instant is said for ever');

-- memory is bounded
SET pg_retail.quote_cache = 10;
DO $$ BEGIN PERFORM public.ask(0) FROM generate_series(1, 300); END $$;
SELECT cmp_ok((SELECT sheets FROM retail._quote_cache()), '<=', 10::bigint, 'the session keeps no more than it may');
SELECT * FROM finish();
