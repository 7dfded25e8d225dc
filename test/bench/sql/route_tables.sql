-- Points of stores, orders to route, how long each call took, and who asks and
-- takes the time.
CREATE TABLE bench.point (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    longitude float8 NOT NULL,
    latitude  float8 NOT NULL
);
CREATE TABLE bench.basket (
    id        integer PRIMARY KEY,
    longitude float8 NOT NULL,
    latitude  float8 NOT NULL,
    start     integer NOT NULL,
    step      integer NOT NULL,
    skus      integer[],
    qtys      bigint[],
    lines     retail.line[]
) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE bench.timing (
    arm   text NOT NULL,
    round integer NOT NULL,
    us    float8 NOT NULL
);
CREATE TABLE bench.parcels (
    arm      text NOT NULL,
    basket   integer NOT NULL,
    parcels  integer NOT NULL,
    metres   float8 NOT NULL,
    unfilled bigint NOT NULL
);

-- A session's first calls: it comes across every code once, and its plans are
-- made.  Neither loads a cell of a stock that an order wants.
CREATE PROCEDURE bench.learn_codes() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count(retail.available('1', code, 'app')) FROM retail.location;
    PERFORM count(retail.available(code, (SELECT min(code) FROM retail.location), 'app')) FROM retail.sku;
    FOR i IN 1..10 LOOP
        PERFORM r.* FROM bench.point AS p, retail.route('{"(1,,1)"}', p.longitude, p.latitude, 'app', 'express') AS r WHERE p.id = i;
        PERFORM n.* FROM bench.point AS p, retail.stock_near('1', 'app', p.longitude, p.latitude) AS n WHERE p.id = i;
    END LOOP;
END
$$;

-- One call of an arm, and its time: PERFORM fetches every row and keeps none.
CREATE FUNCTION bench.time_call(arm text, b bench.basket) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    sku text := b.skus[1];
    from_time timestamptz := clock_timestamp();
BEGIN
    CASE arm
        WHEN 'route' THEN
            PERFORM * FROM retail.route(b.lines, b.longitude, b.latitude, 'app', 'express');
        WHEN 'nearest' THEN
            PERFORM * FROM bench.nearest_first(b.skus, b.qtys, b.longitude, b.latitude);
        WHEN 'counter' THEN
            PERFORM * FROM bench.nearest_first_counter(b.skus, b.qtys, b.longitude, b.latitude);
        WHEN 'near' THEN
            PERFORM * FROM retail.stock_near(sku, 'app', b.longitude, b.latitude, b.qtys[1]);
        WHEN 'near_listed' THEN
            PERFORM * FROM retail.stock_near(sku, 'outlet', b.longitude, b.latitude, b.qtys[1]);
        WHEN 'near_sql' THEN
            PERFORM * FROM bench.near(sku, b.qtys[1], b.longitude, b.latitude);
    END CASE;
    RETURN extract(epoch FROM clock_timestamp() - from_time) * 1e6;
END
$$;

-- All orders, each by every arm before the next order; the first arm of an
-- order is another from order to order.
CREATE PROCEDURE bench.time_arms(arms text[], round integer) LANGUAGE plpgsql AS $$
DECLARE
    b bench.basket;
    n constant integer := cardinality(arms);
    arm text;
BEGIN
    FOR b IN SELECT * FROM bench.basket ORDER BY id LOOP
        FOR i IN 1..n LOOP
            arm := arms[1 + (b.id + i) % n];
            INSERT INTO bench.timing VALUES (arm, round, bench.time_call(arm, b));
        END LOOP;
    END LOOP;
END
$$;

-- What the plans of all orders are like.
CREATE PROCEDURE bench.weigh_plans() LANGUAGE sql AS $$
    INSERT INTO bench.parcels
    SELECT 'route', b.id, count(location), coalesce(sum(distance_m), 0), sum(unfilled)
    FROM bench.basket AS b,
         LATERAL (SELECT location, max(distance_m) AS distance_m, sum(unfilled_qty) AS unfilled
                  FROM retail.route(b.lines, b.longitude, b.latitude, 'app', 'express')
                  GROUP BY location) AS parcel
    GROUP BY b.id;
    INSERT INTO bench.parcels
    SELECT 'nearest', b.id, count(*), sum(distance_m), (SELECT sum(q) FROM unnest(b.qtys) AS q) - sum(qty)
    FROM bench.basket AS b,
         LATERAL (SELECT location_id, max(distance_m) AS distance_m, sum(qty) AS qty
                  FROM bench.nearest_first(b.skus, b.qtys, b.longitude, b.latitude)
                  GROUP BY location_id) AS parcel
    GROUP BY b.id;
$$;
