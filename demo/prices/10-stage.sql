-- Prices: what the demo writes down of them, and who is who.  Either demo then
-- says what is sold at which price (chain/70-prices.sql, real/95-prices.sql),
-- and the rest of this directory plays the same story with it.

-- The day of the campaign: the 18 June that comes next.
CREATE TABLE demo.campaign (
    midnight timestamptz NOT NULL,      -- when it begins, at head office
    zone     text NOT NULL,
    currency text NOT NULL
);

-- Base prices, as head office has them.
CREATE TABLE demo.base_list (
    sku    text PRIMARY KEY,
    amount numeric NOT NULL
);

-- What the stores ask for, as it comes in a file: all text, dirt included.
CREATE TABLE demo.store_list (
    line_no  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku      text,
    channel  text,
    location text,
    amount   text
);

-- The stores whose tills, pages and shelf labels are followed, and what is on
-- offer.
CREATE TABLE demo.shown_at (location text PRIMARY KEY);
CREATE TABLE demo.offer (sku text PRIMARY KEY);

-- The SKU that one store would like to sell dearer, and what it would ask.
CREATE TABLE demo.dearer (
    sku      text NOT NULL,
    location text NOT NULL,
    other    text NOT NULL,     -- a store that keeps to the price
    amount   numeric NOT NULL
);

-- The baskets at the end of the campaign.
CREATE TABLE demo.basket_618 (
    location text NOT NULL,
    lines    retail.line[] NOT NULL
);

-- The answer to the stores' file.
CREATE TABLE demo.import_answer AS
SELECT * FROM retail.import_prices('nothing') LIMIT 0;

-- Every step of the story: who called what, how it had to be answered, and how
-- it was.
CREATE TABLE demo.told (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part   text NOT NULL,
    at     timestamptz NOT NULL,
    who    text NOT NULL,
    what   text NOT NULL,
    wanted text NOT NULL,
    answer text,
    detail text
);

-- Sets the clock, and lets a role run a statement, which answers in two
-- columns: a word, and what else there is to say.  An error is an answer, too.
CREATE PROCEDURE demo.act(part text, after interval, who text, what text, wanted text, statement text)
LANGUAGE plpgsql AS $$
DECLARE
    now_at CONSTANT timestamptz := (SELECT c.midnight + after FROM demo.campaign AS c);
    answer text;
    detail text;
BEGIN
    PERFORM set_config('pg_retail.clock', now_at::text, false);
    PERFORM set_config('role', who, true);
    BEGIN
        EXECUTE statement INTO answer, detail;
    EXCEPTION WHEN OTHERS THEN
        answer := SQLSTATE;
        detail := SQLERRM;
    END;
    PERFORM set_config('role', 'none', true);
    INSERT INTO demo.told (part, at, who, what, wanted, answer, detail) VALUES (part, now_at, who, what, wanted, answer, detail);
END
$$;

-- A label, or what a till or page has stored: the newest version it was told,
-- the price then, and since when it holds.
CREATE TABLE demo.label (
    location     text NOT NULL,
    channel      text NOT NULL,
    sku          text NOT NULL,
    version      bigint NOT NULL DEFAULT 0,
    price        numeric,
    effective_at timestamptz,
    PRIMARY KEY (sku, location, channel)
) WITH (fillfactor = 50);

CREATE TABLE demo.offline (location text PRIMARY KEY);

-- What each session that tells the labels has done.
CREATE TABLE demo.round (
    id   integer PRIMARY KEY,
    what text NOT NULL
);
CREATE TABLE demo.batch (
    round   integer NOT NULL,
    session integer NOT NULL,
    ids     bigint[] NOT NULL,
    prices  bigint NOT NULL,
    meant   bigint NOT NULL,    -- labels that its events were for
    applied bigint NOT NULL,    -- of these, labels that had an older version
    acked   bigint NOT NULL,
    done    bigint NOT NULL     -- events it said it was done with
);

-- One of several sessions that drain the outbox and tell the labels.  A label
-- takes a greater version only, and what it then shows is what is quoted for
-- the time from which that version holds.  Taking, telling and finishing is
-- one transaction.  Every third batch of a session that falls over is told,
-- and lost before anybody says so: it comes again.
CREATE PROCEDURE demo.tell_labels(round integer, session integer, falls_over boolean)
LANGUAGE plpgsql AS $$
DECLARE
    ids     bigint[];
    news    jsonb[];
    kept    bigint[];
    pairs   bigint;
    changed demo.label[];
    acks    bigint;
    batches integer := 0;
    idle    integer := 0;
BEGIN
    WHILE idle < 5 LOOP
        SELECT array_agg(t.id ORDER BY t.id), array_agg(t.payload ORDER BY t.id) FILTER (WHERE t.topic = 'price'),
               array_agg(t.id) FILTER (WHERE t.topic = 'price' AND t.location IN (SELECT o.location FROM demo.offline AS o))
        INTO ids, news, kept
        FROM retail.outbox_take('labels', 500, interval '1 minute') AS t;
        IF ids IS NULL THEN
            -- others may hold what is left, and fail
            COMMIT;
            PERFORM pg_sleep(0.02);
            idle := idle + 1;
            CONTINUE;
        END IF;
        idle := 0;
        batches := batches + 1;

        -- the labels a batch is for, in one order for all sessions
        SELECT count(*) INTO pairs
        FROM unnest(news) AS e
        JOIN demo.label AS l
            ON l.sku = e ->> 'sku' AND l.location = coalesce(e ->> 'location', l.location) AND l.channel = coalesce(e ->> 'channel', l.channel)
        WHERE l.location NOT IN (SELECT o.location FROM demo.offline AS o);
        WITH newest AS MATERIALIZED (
            SELECT l.sku, l.location, l.channel, e.version, e.effective_at
            FROM (
                SELECT DISTINCT ON (l.sku, l.location, l.channel) l.sku, l.location, l.channel,
                       (e ->> 'version')::bigint AS version, (e ->> 'effective_at')::timestamptz AS effective_at
                FROM unnest(news) AS e
                JOIN demo.label AS l
                    ON l.sku = e ->> 'sku' AND l.location = coalesce(e ->> 'location', l.location)
                    AND l.channel = coalesce(e ->> 'channel', l.channel)
                WHERE l.location NOT IN (SELECT o.location FROM demo.offline AS o)
                ORDER BY l.sku, l.location, l.channel, (e ->> 'version')::bigint DESC
            ) AS e
            JOIN demo.label AS l USING (sku, location, channel)
            ORDER BY l.sku, l.location, l.channel
            FOR NO KEY UPDATE OF l
        ), told AS (
            UPDATE demo.label AS l
            SET version = n.version, effective_at = n.effective_at, price = (q.quote).price
            FROM newest AS n
            CROSS JOIN LATERAL (SELECT retail.quote(n.sku, n.channel, n.location, at => n.effective_at)) AS q
            WHERE (l.sku, l.location, l.channel) = (n.sku, n.location, n.channel) AND l.version < n.version
            RETURNING l
        )
        SELECT array_agg(t.l) INTO changed FROM told AS t;
        SELECT count(*) FILTER (WHERE a.answer = 'acknowledged') INTO acks
        FROM (
            SELECT retail.acknowledge_label(c.location, c.sku, c.channel, c.version) AS answer
            FROM unnest(changed) AS c
            ORDER BY c.sku, c.location, c.channel
            OFFSET 0
        ) AS a;

        IF falls_over AND batches % 3 = 0 THEN
            INSERT INTO demo.batch VALUES (round, session, ids, coalesce(cardinality(news), 0), pairs, coalesce(cardinality(changed), 0), acks, 0);
        ELSE
            INSERT INTO demo.batch
            SELECT round, session, ids, coalesce(cardinality(news), 0), pairs, coalesce(cardinality(changed), 0), acks,
                   retail.outbox_done('labels', ARRAY(SELECT i FROM unnest(ids) AS i WHERE i <> ALL (coalesce(kept, '{}'))));
        END IF;
        COMMIT;
    END LOOP;
END
$$;

-- Who is who.  Roles are database roles: the calls know who asks.
CREATE ROLE head_office;
CREATE ROLE campaign_manager;
CREATE ROLE pricing_director;
CREATE ROLE store_manager;
CREATE ROLE controller;
CREATE ROLE accounts;
CREATE ROLE auditor;
CREATE ROLE gateway;
SELECT count(*)
FROM (VALUES ('head_office', 'operator'), ('head_office', 'pricing'), ('campaign_manager', 'pricing'), ('pricing_director', 'pricing'),
             ('store_manager', 'clerk'), ('controller', 'pricing'), ('accounts', 'clerk'), ('accounts', 'pricing'), ('auditor', 'pricing'), ('gateway', 'app')) AS r (who, level)
CROSS JOIN LATERAL retail.grant_access(r.who, r.level) \g /dev/null
GRANT EXECUTE ON FUNCTION retail.quote(text, text, text, bigint, timestamptz, text, text) TO gateway, accounts;
GRANT USAGE ON SCHEMA demo TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA demo TO PUBLIC;
GRANT INSERT ON demo.import_answer, demo.batch TO PUBLIC;
GRANT UPDATE ON demo.label TO gateway;
