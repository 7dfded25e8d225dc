-- A day of orders: who wants what, where and how is in demo.wanted, filled by
-- the demo that runs this; what the stores and the shoppers then do is decided
-- here, by the seed.  A list of things to do is worked off in order of time,
-- and grows as the calls answer: a parcel that a store gets is accepted or
-- not, what was packed is shipped, who was told to come comes.
--
-- Before each order that is to be routed, two plans are made over the same
-- stock: retail.route(), and nearest-first, which open-source shops do.

CREATE TABLE demo.order_day (
    midnight timestamptz NOT NULL,      -- when it begins
    zone     text NOT NULL              -- at head office
);

CREATE TABLE demo.wanted (
    ref       text PRIMARY KEY,
    at        timestamptz NOT NULL,
    channel   text NOT NULL,
    service   text NOT NULL,
    lines     retail.line[] NOT NULL,
    longitude float8 NOT NULL,
    latitude  float8 NOT NULL,
    store     text,             -- the only one that may serve
    member    text NOT NULL,
    routing   jsonb NOT NULL,   -- options of route()
    extras    jsonb NOT NULL,   -- options of place_order() besides
    fate      text NOT NULL     -- what the shopper will do: demo.fate()
);

-- Most pay in time, and get what they paid for; some think better of it.
CREATE FUNCTION demo.fate(ref text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
RETURN CASE
    WHEN demo.draw(ref || ' fate') < 0.82 THEN 'pays'
    WHEN demo.draw(ref || ' fate') < 0.87 THEN 'pays late'
    WHEN demo.draw(ref || ' fate') < 0.91 THEN 'never pays'
    WHEN demo.draw(ref || ' fate') < 0.93 THEN 'cancels unpaid'
    WHEN demo.draw(ref || ' fate') < 0.97 THEN 'cancels'
    ELSE 'cancels a line'
END;

-- The channel, the service and the hour at which an order comes: around noon
-- and in the evening most, and some by night.
CREATE FUNCTION demo.order_channel(ref text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
RETURN CASE
    WHEN demo.draw(ref || ' channel') < 0.65 THEN 'miniapp'
    WHEN demo.draw(ref || ' channel') < 0.85 THEN 'live'
    ELSE 'tablet'
END;
CREATE FUNCTION demo.order_service(ref text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
RETURN CASE demo.order_channel(ref)
    WHEN 'miniapp' THEN (ARRAY['instant', 'instant', 'instant', 'same_day', 'same_day', 'pickup', 'pickup', 'auto', 'auto'])[demo.pick(ref || ' service', 9)]
    WHEN 'live' THEN (ARRAY['express', 'express', 'same_day'])[demo.pick(ref || ' service', 3)]
    ELSE (ARRAY['express', 'same_day', 'pickup'])[demo.pick(ref || ' service', 3)]
END;
CREATE FUNCTION demo.order_hour(ref text) RETURNS interval
LANGUAGE sql IMMUTABLE STRICT
RETURN CASE
    WHEN demo.order_channel(ref) = 'tablet' THEN interval '9 hours' + demo.draw(ref || ' hour') * interval '12 hours'
    WHEN demo.order_channel(ref) = 'live' THEN interval '19 hours 30 minutes' + demo.draw(ref || ' hour') * interval '2 hours'
    WHEN demo.draw(ref || ' peak') < 0.3 THEN interval '11 hours' + demo.draw(ref || ' hour') * interval '2 hours'
    WHEN demo.draw(ref || ' peak') < 0.6 THEN interval '16 hours 30 minutes' + demo.draw(ref || ' hour') * interval '3 hours'
    ELSE interval '5 hours 30 minutes' + demo.draw(ref || ' hour') * interval '18 hours'
END;

CREATE TABLE demo.todo (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    what   text NOT NULL,
    ref    text,
    parcel bigint,
    place  text,
    wave   bigint
);
CREATE INDEX todo_at_idx ON demo.todo (at, id);
CREATE UNIQUE INDEX todo_wave_idx ON demo.todo (place, at) WHERE what = 'wave';

-- Every call and its answer.
CREATE TABLE demo.call (
    at      timestamptz NOT NULL,
    call    text NOT NULL,
    outcome text NOT NULL,
    ref     text,
    parcel  bigint,
    lines   bigint NOT NULL,
    units   bigint
);

-- Parcels the stores know of, as their screens show them.
CREATE TABLE demo.parcel (
    id       bigint PRIMARY KEY,
    ref      text NOT NULL,
    channel  text NOT NULL,
    location text NOT NULL,
    service  text NOT NULL,
    luck     text NOT NULL      -- names the draws
);
CREATE INDEX parcel_ref_idx ON demo.parcel (ref);

-- Pickup codes, as the shoppers have them in their phones.
CREATE TABLE demo.code (
    parcel bigint PRIMARY KEY,
    code   text NOT NULL
);

-- The two plans of an order.  filled: lines whole; kept: of these, in parcels
-- whose promise is the service's own word.
CREATE TABLE demo.plan (
    ref       text NOT NULL,
    planner   text NOT NULL,
    service   text NOT NULL,
    lines     integer NOT NULL,
    filled    integer NOT NULL,
    kept      integer NOT NULL,
    parcels   integer NOT NULL,
    near      integer NOT NULL,     -- parcels from within 3 km
    metres    float8 NOT NULL,      -- of all parcels
    splits    boolean NOT NULL,     -- a line comes from two locations
    ms        float8 NOT NULL,
    CONSTRAINT plan_pkey PRIMARY KEY (ref, planner)
);

-- The order that is explained in the report: the one whose parcels
-- nearest-first would multiply most.
CREATE TABLE demo.explained (
    ref     text NOT NULL,
    gain    integer NOT NULL,   -- parcels saved
    lines   integer NOT NULL,
    at      timestamptz NOT NULL,
    service text NOT NULL,
    nearest jsonb NOT NULL,
    planned jsonb NOT NULL,
    reasons jsonb NOT NULL
);

-- Whether place_order() did what route() had said a moment before.
CREATE TABLE demo.kept_word (
    ref  text PRIMARY KEY,
    kept boolean NOT NULL
);

-- What there was before the day.
CREATE TABLE demo.before (
    on_hand       numeric NOT NULL,
    unavailable   numeric NOT NULL,
    last_movement bigint NOT NULL,
    shortages     bigint NOT NULL
);

CREATE PROCEDURE demo.later(after interval, what text, ref text, parcel bigint DEFAULT NULL, place text DEFAULT NULL, wave bigint DEFAULT NULL)
LANGUAGE sql AS $$
    INSERT INTO demo.todo (at, what, ref, parcel, place, wave)
    VALUES (retail.now() + after, what, ref, parcel, place, wave)
    ON CONFLICT DO NOTHING;     -- a wave for which that time is taken
$$;

CREATE PROCEDURE demo.note(call text, outcome text, ref text, parcel bigint DEFAULT NULL, lines bigint DEFAULT 1, units bigint DEFAULT NULL)
LANGUAGE sql AS $$
    INSERT INTO demo.call VALUES (retail.now(), call, outcome, ref, parcel, lines, units);
$$;

-- Nearest-first: for each line the locations by distance, and of each what it
-- has, until the line is full.  Plain SQL over the tables, with all that
-- route() must observe, too: the channel's sources and safety stock, the
-- service's radius, delivery zones, capacity, opening hours where the service
-- allows nothing late.  Distances are on the sphere, as route()'s are.
CREATE FUNCTION demo.nearest_first(lines retail.line[], longitude float8, latitude float8, channel text, service text)
RETURNS TABLE (line_no integer, location text, qty bigint, distance_m float8, kept boolean)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    here CONSTANT public.geography := public.st_setsrid(public.st_makepoint(longitude, latitude), 4326)::public.geography;
    way retail.service;
    through integer := (SELECT c.id FROM retail.channel AS c WHERE c.code = channel);
BEGIN
    SELECT v.* INTO way FROM retail.service AS v WHERE v.code = service;
    RETURN QUERY
    WITH around AS MATERIALIZED (
        SELECT l.id, l.code, l.daily_capacity, l.time_zone, public.st_distance(l.geog, here, false) AS distance_m
        FROM retail.location AS l
        WHERE l.status = 'open'
            AND (way.max_km IS NULL OR public.st_dwithin(l.geog, here, way.max_km * 1000, false))
            AND (l.services = '{}' OR way.code = ANY (l.services))
            AND (NOT EXISTS (SELECT FROM retail.channel_routing AS r WHERE r.channel_id = through AND r.source = 'listed')
                 OR EXISTS (SELECT FROM retail.channel_source AS s WHERE s.channel_id = through AND s.location_id = l.id))
            AND (NOT EXISTS (SELECT FROM retail.delivery_zone AS z
                             WHERE z.location_id = l.id AND coalesce(z.service_id, way.id) = way.id)
                 OR EXISTS (SELECT FROM retail.delivery_zone AS z
                            WHERE z.location_id = l.id AND coalesce(z.service_id, way.id) = way.id
                                AND public.st_intersects(z.area, here)))
    )
    SELECT w.line_no::integer, t.code, least(t.available, w.qty - t.before)::bigint, t.distance_m, p.kept
    FROM (
        -- a SKU that is there twice is one line
        SELECT min(u.n) AS line_no, u.sku, sum(u.qty)::bigint AS qty
        FROM unnest(lines) WITH ORDINALITY AS u (sku, location, qty, n)
        GROUP BY u.sku
    ) AS w
    JOIN retail.sku AS k ON k.code = w.sku
    CROSS JOIN LATERAL (
        SELECT n.*, sum(n.available) OVER (ORDER BY n.distance_m, n.id) - n.available AS before
        FROM (
            -- each location gives one unit or more, so that no more than qty of them are needed
            SELECT c.id, c.code, c.distance_m, a.available
            FROM (
                SELECT x.*, s.on_hand - s.unavailable AS there
                FROM around AS x
                JOIN retail.stock AS s ON s.sku_id = k.id AND s.location_id = x.id
                WHERE s.on_hand > s.unavailable
                ORDER BY x.distance_m, x.id
                OFFSET 0
            ) AS c
            CROSS JOIN LATERAL (
                SELECT (c.there
                    - coalesce((SELECT sum(r.qty)
                                FROM retail.reservation AS r
                                WHERE r.sku_id = k.id AND r.location_id = c.id
                                    AND (r.status = 'committed' OR r.status = 'held' AND r.expires_at > retail.now())), 0)
                    - coalesce((SELECT f.qty
                                FROM retail.safety_stock AS f
                                WHERE coalesce(f.sku_id, k.id) = k.id AND coalesce(f.location_id, c.id) = c.id
                                    AND coalesce(f.channel_id, through) = through
                                ORDER BY f.sku_id, f.location_id, f.channel_id      -- the most specific rule; NULL comes last
                                LIMIT 1), 0))::bigint AS available
            ) AS a
            WHERE a.available > 0
                AND (way.allow_late OR (SELECT p.kept FROM retail.promise(way.code, c.code) AS p))
                AND (c.daily_capacity IS NULL
                     OR c.daily_capacity > coalesce((
                         SELECT u.taken
                         FROM retail.promise(way.code, c.code) AS p
                         JOIN retail.capacity_use AS u
                             ON u.location_id = c.id AND u.business_date = (p.starts_at AT TIME ZONE c.time_zone)::date), 0))
            LIMIT w.qty
        ) AS n
    ) AS t
    CROSS JOIN LATERAL retail.promise(way.code, t.code) AS p
    WHERE t.before < w.qty;
END
$$;

-- What the plan of a planner comes to.
CREATE FUNCTION demo.sum_up(ref text, planner text, service text, lines retail.line[], plan jsonb, ms float8) RETURNS demo.plan
LANGUAGE sql IMMUTABLE
RETURN (
    WITH part AS (
        SELECT p.*
        FROM jsonb_to_recordset(plan) AS p (line_no integer, location text, qty bigint, distance_m float8, kept boolean)
    ), line AS (
        SELECT w.line_no, w.qty, sum(p.qty) AS found, bool_and(p.kept) AS kept, count(*) AS locations
        FROM (
            SELECT min(u.n) AS line_no, sum(u.qty) AS qty
            FROM unnest(lines) WITH ORDINALITY AS u (sku, location, qty, n)
            GROUP BY u.sku
        ) AS w
        LEFT JOIN part AS p USING (line_no)
        GROUP BY w.line_no, w.qty
    ), parcel AS (
        SELECT location, min(distance_m) AS metres
        FROM part
        GROUP BY location
    )
    SELECT ROW (ref, planner, service,
        (SELECT count(*) FROM line),
        (SELECT count(*) FROM line WHERE found = qty),
        (SELECT count(*) FROM line WHERE found = qty AND kept),
        (SELECT count(*) FROM parcel),
        (SELECT count(*) FROM parcel WHERE metres <= 3000),
        (SELECT coalesce(sum(metres), 0) FROM parcel),
        (SELECT bool_or(locations > 1) FROM line),
        ms)::demo.plan);

-- Both plans of an order, at the same instant over the same stock.  Returns
-- what route() would do, to be held against what place_order() does.
CREATE FUNCTION demo.make_plans(w demo.wanted) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    east  float8 := retail.wgs84_longitude(w.longitude, w.latitude, coalesce(w.routing ->> 'datum', 'WGS-84'));
    north float8 := retail.wgs84_latitude(w.longitude, w.latitude, coalesce(w.routing ->> 'datum', 'WGS-84'));
    began timestamptz := clock_timestamp();
    way   text;
    ours  jsonb;
    theirs jsonb;
    our_plan demo.plan;
    their_plan demo.plan;
BEGIN
    SELECT min(r.service),
           coalesce(jsonb_agg(jsonb_build_object('line_no', r.line_no, 'location', r.location, 'qty', r.qty, 'distance_m', r.distance_m,
               'kept', r.promise_kept)), '[]')
    INTO way, ours
    FROM retail.route(w.lines, w.longitude, w.latitude, w.channel, w.service, w.routing || '{"partial": true}') AS r
    WHERE r.location IS NOT NULL;
    way := coalesce(way, nullif(w.service, 'auto'), 'express');
    our_plan := demo.sum_up(w.ref, 'route()', way, w.lines, ours, extract(epoch FROM clock_timestamp() - began) * 1000);

    began := clock_timestamp();
    SELECT coalesce(jsonb_agg(n), '[]') INTO theirs FROM demo.nearest_first(w.lines, east, north, w.channel, way) AS n;
    their_plan := demo.sum_up(w.ref, 'nearest-first', way, w.lines, theirs, extract(epoch FROM clock_timestamp() - began) * 1000);
    INSERT INTO demo.plan SELECT our_plan.* UNION ALL SELECT their_plan.*;

    -- the best story so far is explained, while the stock is as it is; of two
    -- as good ones the one with more lines
    IF our_plan.filled = our_plan.lines AND our_plan.lines > 2 AND w.service <> 'auto'
        AND (their_plan.parcels - our_plan.parcels, our_plan.lines)
            > (SELECT coalesce(max(e.gain), 0), coalesce(max(e.lines), 0) FROM demo.explained AS e) THEN
        DELETE FROM demo.explained;
        INSERT INTO demo.explained
        SELECT w.ref, their_plan.parcels - our_plan.parcels, our_plan.lines, retail.now(), way, theirs, ours, jsonb_agg(e)
        FROM retail.explain_route(w.lines, w.longitude, w.latitude, w.channel, w.service, w.routing) AS e;
    END IF;
    RETURN ours;
END
$$;

-- What the stores' screens show that they did not show before: of one order,
-- or, after a job, of all.
CREATE PROCEDURE demo.stores_look(order_channel text DEFAULT NULL, ref text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    p demo.parcel;
BEGIN
    FOR p IN
        INSERT INTO demo.parcel
        SELECT f.fulfilment_id, f.order_ref, f.channel, f.location, f.service, f.order_ref || ' at ' || f.location
        FROM retail_bi.fulfilment_order AS f
        WHERE f.state = 'routed' AND (stores_look.ref IS NULL OR f.channel = order_channel AND f.order_ref = stores_look.ref)
            AND f.order_ref IN (SELECT w.ref FROM demo.wanted AS w)
        ORDER BY f.fulfilment_id
        ON CONFLICT DO NOTHING
        RETURNING *
    LOOP
        CALL demo.later(demo.pick(p.luck, CASE p.service WHEN 'instant' THEN 90 ELSE 900 END) * interval '1 second', 'answer', p.ref, p.id);
    END LOOP;
END
$$;

CREATE PROCEDURE demo.place(w demo.wanted)
LANGUAGE plpgsql AS $$
DECLARE
    planned jsonb;
    answers retail.order_result[];
    lapses  timestamptz;
    luck    float8 := demo.draw(w.ref || ' pays');
BEGIN
    IF w.service <> 'pickup' THEN
        planned := demo.make_plans(w);
    END IF;
    SELECT array_agg(r)
    INTO answers
    FROM retail.place_order(w.channel, w.ref, w.lines, w.longitude, w.latitude, w.service, w.store, w.member, format('place %s %s', w.ref, w.store),
        w.routing || w.extras) AS r;
    INSERT INTO demo.call
    SELECT retail.now(), 'place_order', a.outcome, w.ref, NULL, count(*), sum(coalesce(a.qty, 0))
    FROM unnest(answers) AS a
    GROUP BY a.outcome;

    -- who cannot have all of it in the store next door takes any store
    IF w.service = 'pickup' AND w.store IS NOT NULL AND answers[1].outcome NOT IN ('placed', 'backordered') THEN
        w.store := NULL;
        w.routing := w.routing || '{"max_parcels": 1}';
        CALL demo.place(w);
        RETURN;
    END IF;

    IF planned IS NOT NULL AND EXISTS (SELECT FROM unnest(answers) AS a WHERE a.outcome = 'placed') THEN
        INSERT INTO demo.kept_word
        SELECT w.ref, NOT EXISTS (
            (SELECT p.line_no, p.location, p.qty FROM jsonb_to_recordset(planned) AS p (line_no integer, location text, qty bigint)
             EXCEPT ALL SELECT a.line_no, a.location, a.qty FROM unnest(answers) AS a WHERE a.outcome = 'placed')
            UNION ALL
            (SELECT a.line_no, a.location, a.qty FROM unnest(answers) AS a WHERE a.outcome = 'placed'
             EXCEPT ALL SELECT p.line_no, p.location, p.qty FROM jsonb_to_recordset(planned) AS p (line_no integer, location text, qty bigint)));
    END IF;

    -- an order all of which waits for stock holds nothing that could lapse
    SELECT coalesce(max(a.expires_at), retail.now() + interval '15 minutes')
    INTO lapses
    FROM unnest(answers) AS a
    WHERE a.outcome IN ('placed', 'backordered')
    HAVING count(*) > 0;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    CASE w.fate
        WHEN 'never pays' THEN
            NULL;
        WHEN 'cancels unpaid' THEN
            CALL demo.later(luck * interval '4 minutes', 'cancel', w.ref);
        WHEN 'pays late' THEN
            CALL demo.later(lapses - retail.now() + luck * interval '25 minutes', 'pay', w.ref);
        ELSE
            -- most pay at once, nobody in the last seconds
            CALL demo.later(interval '10 seconds' + luck ^ 3 * (lapses - retail.now() - interval '20 seconds'), 'pay', w.ref);
    END CASE;
END
$$;

CREATE PROCEDURE demo.settle(w demo.wanted)
LANGUAGE plpgsql AS $$
DECLARE
    answers retail.order_change[];
BEGIN
    -- one payment of fifty is reported twice
    FOR try IN 1 .. CASE WHEN demo.pick(w.ref || ' twice', 50) = 1 THEN 2 ELSE 1 END LOOP
        SELECT array_agg(c)
        INTO answers
        FROM retail.confirm_order(w.channel, w.ref, 'pay ' || w.ref) AS c;
        INSERT INTO demo.call
        SELECT retail.now(), 'confirm_order', a.outcome || CASE WHEN a.replayed THEN ', a repeat' ELSE '' END, w.ref, NULL, count(*), sum(a.qty)
        FROM unnest(answers) AS a
        GROUP BY a.outcome, a.replayed;
        INSERT INTO demo.code
        SELECT DISTINCT a.fulfilment_id, a.pickup_code FROM unnest(answers) AS a WHERE a.pickup_code IS NOT NULL;
    END LOOP;
    CALL demo.stores_look(w.channel, w.ref);
    IF w.fate LIKE 'cancels%' THEN
        CALL demo.later(demo.draw(w.ref || ' cancels') ^ 2 * interval '2 hours', 'cancel', w.ref);
    END IF;
END
$$;

CREATE PROCEDURE demo.call_off(w demo.wanted)
LANGUAGE sql AS $$
    INSERT INTO demo.call
    SELECT retail.now(), 'cancel_order', c.outcome, w.ref, NULL, count(*), sum(c.qty)
    FROM retail.cancel_order(w.channel, w.ref, 'changed their mind', CASE w.fate WHEN 'cancels a line' THEN 1 END,
        request_key => 'cancel ' || w.ref) AS c
    GROUP BY c.outcome;
$$;

-- A step of a parcel; answers the state reached.
CREATE FUNCTION demo.step(p demo.parcel, step text, reason text DEFAULT NULL, picked bigint[] DEFAULT NULL, on_short text DEFAULT 'reroute')
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    answer retail.fulfilment_result;
BEGIN
    answer := retail.advance(p.id, step, reason, picked, format('%s %s', step, p.id), on_short);
    CALL demo.note('advance ' || step, answer.outcome, p.ref, p.id, 1, nullif(answer.missing_qty, 0));
    RETURN answer.outcome;
END
$$;

-- The store accepts a parcel, hands it back, or does not look.  By night its
-- system accepts for it.
CREATE PROCEDURE demo.answer(p demo.parcel)
LANGUAGE plpgsql AS $$
DECLARE
    luck  float8 := demo.draw(p.luck || ' answers');
    first timestamptz;
BEGIN
    IF luck < 0.01 THEN
        RETURN;     -- the job will take it away
    ELSIF luck < 0.04 THEN
        IF demo.step(p, 'reject', CASE WHEN luck < 0.03 THEN 'not_found' ELSE 'too_busy' END) = 'rejected' THEN
            CALL demo.stores_look(p.channel, p.ref);
        END IF;
        RETURN;
    ELSIF demo.step(p, 'accept') <> 'accepted' THEN
        RETURN;
    ELSIF p.service = 'instant' THEN
        CALL demo.later(interval '1 minute', 'pick', p.ref, p.id);
        RETURN;
    END IF;
    -- a wave every quarter of an hour, while the store is open
    first := retail.next_opening(p.location, retail.now() + interval '5 minutes');
    first := to_timestamp(ceil(extract(epoch FROM first) / 900) * 900);
    CALL demo.later(first - retail.now(), 'wave', p.ref, place => p.location);
END
$$;

-- Units of each line that the picker finds: one parcel of 25 misses one.
CREATE FUNCTION demo.found(p demo.parcel) RETURNS bigint[]
LANGUAGE sql STABLE
RETURN (
    SELECT array_agg(l.qty - CASE WHEN l.n = 1 AND demo.pick(p.luck || ' missing', 25) = 1 THEN 1 ELSE 0 END ORDER BY l.n)
    FROM (
        SELECT qty, row_number() OVER (ORDER BY line_no) AS n
        FROM retail.fulfilment_line
        WHERE fulfilment_id = p.id
    ) AS l);

CREATE FUNCTION demo.when_short(p demo.parcel) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (ARRAY['reroute', 'reroute', 'backorder', 'cancel'])[demo.pick(p.luck || ' short', 4)];

-- What is packed goes on its way, or waits for its shopper.
CREATE PROCEDURE demo.packed(p demo.parcel)
LANGUAGE plpgsql AS $$
BEGIN
    CALL demo.later(
        CASE p.service
            WHEN 'pickup' THEN interval '1 minute'
            WHEN 'instant' THEN interval '1 minute' + demo.draw(p.luck || ' ships') * interval '3 minutes'
            WHEN 'same_day' THEN demo.draw(p.luck || ' ships') * interval '75 minutes'
            ELSE demo.draw(p.luck || ' ships') * interval '5 hours'
        END,
        CASE p.service WHEN 'pickup' THEN 'ready' ELSE 'ship' END, p.ref, p.id);
END
$$;

CREATE PROCEDURE demo.pick(p demo.parcel, picked boolean)
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT picked THEN
        IF demo.step(p, 'start_picking') = 'picking' THEN
            CALL demo.later((90 + 30 * demo.pick(p.luck || ' picks', 5)) * interval '1 second', 'pack', p.ref, p.id);
        END IF;
    ELSE
        IF demo.step(p, 'pack', picked => demo.found(p), on_short => demo.when_short(p)) = 'packed' THEN
            CALL demo.packed(p);
        END IF;
        CALL demo.stores_look(p.channel, p.ref);
    END IF;
END
$$;

CREATE PROCEDURE demo.begin_wave(place text)
LANGUAGE plpgsql AS $$
DECLARE
    wave retail.wave_result;
BEGIN
    wave := retail.make_wave(place);
    CALL demo.note('make_wave', wave.outcome, NULL, NULL, coalesce(wave.parcels, 0), wave.units);
    IF wave.outcome = 'planned' THEN
        wave := retail.start_wave(wave.wave_id);
        CALL demo.note('start_wave', wave.outcome, NULL, NULL, wave.parcels, wave.units);
        CALL demo.later(interval '4 minutes' + least(wave.units, 40) * interval '15 seconds', 'wave done', NULL, place => place, wave => wave.wave_id);
    END IF;
END
$$;

CREATE PROCEDURE demo.end_wave(wave bigint)
LANGUAGE plpgsql AS $$
DECLARE
    found  jsonb;
    short  text;
    answer retail.fulfilment_result;
    p      demo.parcel;
BEGIN
    SELECT coalesce(jsonb_object_agg(q.id, to_jsonb(demo.found(q))), '{}'), coalesce(min(demo.when_short(q)), 'reroute')
    INTO found, short
    FROM demo.parcel AS q
    WHERE q.id IN (SELECT l.fulfilment_id FROM retail.pick_list(wave) AS l) AND demo.pick(q.luck || ' missing', 25) = 1;
    FOR answer IN
        SELECT *
        FROM retail.finish_wave(wave, found, short)
    LOOP
        CALL demo.note('finish_wave', answer.outcome, answer.order_ref, answer.fulfilment_id, 1, nullif(answer.missing_qty, 0));
        SELECT q.* INTO p FROM demo.parcel AS q WHERE q.id = answer.fulfilment_id;
        IF answer.outcome = 'packed' THEN
            CALL demo.packed(p);
        END IF;
        IF answer.missing_qty > 0 THEN
            CALL demo.stores_look(p.channel, p.ref);
        END IF;
    END LOOP;
END
$$;

-- The courier goes at 15 km an hour, as the crow flies; one parcel of
-- twenty has bad luck.
CREATE PROCEDURE demo.ship(p demo.parcel)
LANGUAGE plpgsql AS $$
DECLARE
    way interval;
BEGIN
    IF demo.step(p, 'ship') <> 'shipped' THEN
        RETURN;
    END IF;
    way := CASE p.service
        WHEN 'express' THEN interval '14 hours' + demo.draw(p.luck || ' on the way') * interval '20 hours'
        ELSE interval '2 minutes' + interval '1 hour' * coalesce((
            SELECT f.distance_m FROM retail_bi.fulfilment_order AS f WHERE f.fulfilment_id = p.id), 1000) / 15000.0
    END;
    IF demo.pick(p.luck || ' bad luck', 20) = 1 THEN
        way := way + CASE p.service WHEN 'express' THEN interval '1 day' WHEN 'same_day' THEN interval '6 hours' ELSE interval '20 minutes' END;
    END IF;
    CALL demo.later(way, 'deliver', p.ref, p.id);
END
$$;

-- One shopper of thirty is not content, and takes a unit to the next store.
CREATE PROCEDURE demo.content(p demo.parcel)
LANGUAGE plpgsql AS $$
DECLARE
    place text;
BEGIN
    IF demo.pick(p.luck || ' content', 30) > 1 THEN
        RETURN;
    END IF;
    SELECT l.code
    INTO place
    FROM retail.location AS here
    CROSS JOIN LATERAL (
        SELECT near.code, near.geog
        FROM retail.location AS near
        WHERE near.id <> here.id AND near.kind = 'store' AND near.accepts_returns
        ORDER BY near.geog OPERATOR(public.<->) here.geog
        LIMIT 1
    ) AS l
    WHERE here.code = p.location;
    CALL demo.later(
        retail.next_opening(place, retail.now() + interval '1 hour' + demo.draw(p.luck || ' returns') * interval '20 hours') - retail.now(),
        'return', p.ref, p.id, place);
END
$$;

CREATE PROCEDURE demo.give_back(p demo.parcel, place text)
LANGUAGE plpgsql AS $$
DECLARE
    answer retail.return_result;
    line   integer := (SELECT min(l.line_no) FROM retail.fulfilment_line AS l WHERE l.fulfilment_id = p.id);
BEGIN
    -- some ask for more than they bought first; one of four taps twice
    IF demo.pick(p.luck || ' greedy', 10) = 1 THEN
        answer := retail.return_order(p.channel, p.ref, line, 1000, place);
        CALL demo.note('return_order', answer.outcome, p.ref, p.id, 1, answer.qty);
    END IF;
    FOR try IN 1 .. CASE WHEN demo.pick(p.luck || ' taps', 4) = 1 THEN 2 ELSE 1 END LOOP
        answer := retail.return_order(p.channel, p.ref, line, 1, place,
            (ARRAY['restock', 'restock', 'restock', 'quarantine', 'refurbish', 'scrap'])[demo.pick(p.luck || ' state', 6)],
            format('return %s', p.id));
        CALL demo.note('return_order', answer.outcome || CASE WHEN answer.replayed THEN ', a repeat' ELSE '' END, p.ref, p.id, 1, answer.qty);
    END LOOP;
END
$$;

-- The shopper comes when the store is open, within a day; one of 25 never.
CREATE PROCEDURE demo.ready(p demo.parcel)
LANGUAGE plpgsql AS $$
BEGIN
    IF demo.step(p, 'ready') = 'ready_for_pickup' AND demo.pick(p.luck || ' comes', 25) > 1 THEN
        CALL demo.later(
            retail.next_opening(p.location, retail.now() + interval '15 minutes' + demo.draw(p.luck || ' collects') ^ 2 * interval '20 hours')
                - retail.now(),
            'collect', p.ref, p.id);
    END IF;
END
$$;

CREATE PROCEDURE demo.collect(p demo.parcel)
LANGUAGE plpgsql AS $$
DECLARE
    code   text := (SELECT c.code FROM demo.code AS c WHERE c.parcel = p.id);
    answer retail.fulfilment_result;
BEGIN
    IF code IS NULL THEN
        -- it comes from another store now, for which the shopper has no code yet
        SELECT r.pickup_code INTO code FROM retail.renew_pickup_code(p.id) AS r;
        CALL demo.note('renew_pickup_code', CASE WHEN code IS NULL THEN 'wrong_state' ELSE 'renewed' END, p.ref, p.id);
    END IF;
    IF code IS NULL THEN
        RETURN;
    END IF;
    IF demo.pick(p.luck || ' mistypes', 15) = 1 THEN
        answer := retail.collect(p.location, overlay(code PLACING translate(left(code, 1), '23456789ABCDEFGH', 'HGFEDCBA98765432') FROM 1 FOR 1) || 'X');
        CALL demo.note('collect', answer.outcome, p.ref, p.id);
    END IF;
    answer := retail.collect(p.location, code, format('collect %s', p.id));
    CALL demo.note('collect', answer.outcome, p.ref, p.id);
    CALL demo.content(p);
END
$$;

-- What a scheduler would run; what waits for stock is looked for once an hour.
CREATE PROCEDURE demo.run_jobs()
LANGUAGE plpgsql AS $$
DECLARE
    job  text;
    done bigint;
    news boolean := false;
BEGIN
    FOREACH job IN ARRAY '{expire_reservations,expire_orders,reroute_unaccepted,return_uncollected,release_backorders}'::text[] LOOP
        done := CASE job
            WHEN 'expire_reservations' THEN retail.expire_reservations(10000)
            WHEN 'expire_orders' THEN retail.expire_orders()
            WHEN 'reroute_unaccepted' THEN retail.reroute_unaccepted()
            WHEN 'return_uncollected' THEN retail.return_uncollected()
            WHEN 'release_backorders' THEN CASE WHEN extract(minute FROM retail.now()) = 0 THEN retail.release_backorders() ELSE 0 END
        END;
        IF done > 0 THEN
            CALL demo.note(job, 'done', NULL, NULL, done);
            news := news OR job IN ('reroute_unaccepted', 'release_backorders');
        END IF;
    END LOOP;
    IF news THEN
        CALL demo.stores_look();
    END IF;
END
$$;

-- What people wait for is delivered to the store that is next to them.
CREATE PROCEDURE demo.fill_up()
LANGUAGE sql AS $$
    INSERT INTO demo.call
    SELECT retail.now(), 'receive', r.outcome, NULL, NULL, 1, b.qty + 2
    FROM (
        SELECT l.sku, here.code AS location, sum(l.backordered_qty)::bigint AS qty
        FROM retail_bi.order_line AS l
        JOIN demo.wanted AS w ON w.ref = l.order_ref AND w.channel = l.channel
        CROSS JOIN LATERAL (
            SELECT near.code
            FROM retail.location AS near
            WHERE near.kind = 'store'
            ORDER BY near.geog OPERATOR(public.<->) public.st_setsrid(public.st_makepoint(w.longitude, w.latitude), 4326)::public.geography
            LIMIT 1
        ) AS here
        WHERE l.backordered_qty > 0
        GROUP BY l.sku, here.code
    ) AS b
    CROSS JOIN LATERAL retail.receive(b.sku, b.location, b.qty + 2, ref => 'FILL-UP') AS r;
$$;

-- Works the list off, each thing at its own time of the test clock.
CREATE PROCEDURE demo.play_orders()
LANGUAGE plpgsql AS $$
DECLARE
    t    demo.todo;
    w    demo.wanted;
    p    demo.parcel;
    seen record;
    done integer := 0;
BEGIN
    SELECT '-infinity'::timestamptz AS at, 0::bigint AS id INTO seen;
    LOOP
        SELECT d.* INTO t
        FROM demo.todo AS d
        WHERE (d.at, d.id) > (seen.at, seen.id)
        ORDER BY d.at, d.id
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        seen.at := t.at;
        seen.id := t.id;
        PERFORM set_config('pg_retail.clock', t.at::text, false);
        SELECT x.* INTO w FROM demo.wanted AS x WHERE x.ref = t.ref;
        SELECT x.* INTO p FROM demo.parcel AS x WHERE x.id = t.parcel;
        CASE t.what
            WHEN 'place' THEN CALL demo.place(w);
            WHEN 'pay' THEN CALL demo.settle(w);
            WHEN 'cancel' THEN CALL demo.call_off(w);
            WHEN 'answer' THEN CALL demo.answer(p);
            WHEN 'pick' THEN CALL demo.pick(p, false);
            WHEN 'pack' THEN CALL demo.pick(p, true);
            WHEN 'wave' THEN CALL demo.begin_wave(t.place);
            WHEN 'wave done' THEN CALL demo.end_wave(t.wave);
            WHEN 'ship' THEN CALL demo.ship(p);
            WHEN 'deliver' THEN
                IF demo.step(p, 'deliver') = 'delivered' THEN
                    CALL demo.content(p);
                END IF;
            WHEN 'ready' THEN CALL demo.ready(p);
            WHEN 'collect' THEN CALL demo.collect(p);
            WHEN 'return' THEN CALL demo.give_back(p, t.place);
            WHEN 'jobs' THEN CALL demo.run_jobs();
            WHEN 'fill up' THEN CALL demo.fill_up();
            WHEN 'pickup' THEN CALL demo.pickup_step(t.place);
        END CASE;
        done := done + 1;
        IF done % 20 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$;

-- The list begins with the orders, a delivery in the afternoon, and the jobs:
-- every five minutes of the day and the night after it, then every hour until
-- the last parcel that nobody came for is back on its shelf.
CREATE PROCEDURE demo.open_list()
LANGUAGE sql AS $$
    INSERT INTO demo.todo (at, what, ref)
    SELECT at, 'place', ref
    FROM demo.wanted
    ORDER BY at, ref;
    INSERT INTO demo.todo (at, what)
    SELECT midnight + interval '15 hours 30 minutes', 'fill up'
    FROM demo.order_day
    UNION ALL
    SELECT midnight + interval '1 day 8 hours', 'fill up'
    FROM demo.order_day
    UNION ALL
    SELECT midnight + k * interval '5 minutes', 'jobs'
    FROM demo.order_day, generate_series(1, 30 * 12) AS k
    UNION ALL
    SELECT midnight + k * interval '1 hour', 'jobs'
    FROM demo.order_day, generate_series(31, 5 * 24) AS k;

    INSERT INTO demo.before
    SELECT sum(on_hand), sum(unavailable), (SELECT max(id) FROM retail.movement), (SELECT count(*) FROM retail.shortage)
    FROM retail.stock;
$$;
