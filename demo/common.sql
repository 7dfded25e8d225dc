-- The demo's own bookkeeping, in a schema of its own: what was called, how it
-- was answered, how long it took, what was checked.
--
-- psql variables: seed

CREATE SCHEMA demo;

-- One number in [0, 1) for each name: the same seed tells the same story,
-- whatever order the rows are made in.
CREATE FUNCTION demo.draw(what text) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (hashtextextended(what, :seed) & 9007199254740991)::float8 / 9007199254740992;

-- A whole number from 1 to n.
CREATE FUNCTION demo.pick(what text, n bigint) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 1 + floor(demo.draw(what) * n)::integer;

-- One row per call site and outcome, summed up by the reports.
CREATE TABLE demo.tally (
    phase   text NOT NULL,
    call    text NOT NULL,
    outcome text NOT NULL,
    calls   bigint NOT NULL DEFAULT 1,
    lines   bigint NOT NULL DEFAULT 1,
    units   bigint NOT NULL DEFAULT 0
);

CREATE TABLE demo.timing (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phase   text NOT NULL,
    seconds numeric NOT NULL
);

CREATE TABLE demo.checked (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim  text NOT NULL,
    wanted text,
    found  text,
    holds  boolean NOT NULL GENERATED ALWAYS AS (wanted IS NOT DISTINCT FROM found) STORED
);

-- The flash sale: one SKU at one location, and the units there at its start.
CREATE TABLE demo.flash (
    sku      text NOT NULL,
    location text NOT NULL,
    stock    bigint NOT NULL
);

-- The buyers of a flash sale write down how they fared.  Unlogged: the note
-- must not slow down what it watches.
CREATE UNLOGGED TABLE demo.buyer (
    wave           integer NOT NULL,
    outcome        text NOT NULL,
    reservation_id bigint
);

-- The last word of a demo: an error, and so a failing exit status, when one
-- claim does not hold.
CREATE PROCEDURE demo.conclude()
LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    SELECT string_agg(format('%s: wanted %s, found %s', c.claim, c.wanted, c.found), E'\n' ORDER BY c.id)
    INTO broken
    FROM demo.checked AS c
    WHERE NOT c.holds;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'the demo does not add up' USING DETAIL = broken;
    END IF;
END
$$;

-- The background worker puts flags right that a race left wrong, within a
-- second: give it some, and say so when it needs more.
CREATE PROCEDURE demo.await_flags()
LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 100 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM retail.flag_repair)
            AND (SELECT count(*) FROM demo.wrong_flag) = 0;
        COMMIT;
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$$;

-- Sold-out flags that contradict the stock: sold out for every channel, and
-- units to sell; or none to sell, and not flagged.
CREATE VIEW demo.wrong_flag AS
SELECT s.sku_id, s.location_id, s.on_hand - s.unavailable - coalesce(r.active, 0) AS available, f.sellable_floor
FROM retail.stock AS s
LEFT JOIN (
    SELECT sku_id, location_id, sum(qty) AS active
    FROM retail.reservation
    WHERE status = 'committed' OR (status = 'held' AND expires_at > retail.now())
    GROUP BY sku_id, location_id
) AS r USING (sku_id, location_id)
LEFT JOIN retail.sold_out AS f USING (sku_id, location_id)
WHERE (s.on_hand - s.unavailable - coalesce(r.active, 0) <= 0) <> (coalesce(f.sellable_floor, 0) = -1);
