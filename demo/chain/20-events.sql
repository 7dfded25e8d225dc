-- The script of the day: who comes when, wants what, and does what with it.
-- Nothing here knows the stock; how each wish fares shows when the day runs.

SET TimeZone = 'Asia/Shanghai';

CREATE TABLE demo.event (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    kind     text NOT NULL,
    location text,
    channel  text,
    ref      text,
    lines    retail.line[],
    detail   text
);

-- A moment of the opening hours; half of the shoppers come around noon or
-- after work.
CREATE FUNCTION demo.moment(what text) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN (SELECT midnight + CASE
            WHEN demo.draw(what || ' peak') < 0.5 THEN interval '7 hours' + demo.draw(what) * interval '15 hours'
            WHEN demo.draw(what || ' peak') < 0.75 THEN interval '11 hours 30 minutes' + demo.draw(what) * interval '2 hours'
            ELSE interval '17 hours 30 minutes' + demo.draw(what) * interval '2 hours'
        END
        FROM demo.calendar);

-- Wishes: distinct SKUs of one location's shelf, the popular ones more often.
CREATE FUNCTION demo.wishes(what text, place text, most integer) RETURNS retail.line[]
LANGUAGE sql STABLE
RETURN (
    SELECT array_agg(ROW (sku, place, qty)::retail.line ORDER BY sku)
    FROM (
        SELECT s.sku, min(CASE WHEN demo.draw(format('%s qty %s', what, k)) < 0.8 THEN 1 ELSE 2 END)::bigint AS qty
        FROM generate_series(1, 1 + floor(most * demo.draw(what || ' lines') ^ 2)::integer) AS k
        JOIN demo.shelf AS s
            ON s.location = place
            AND s.rank = 1 + floor((SELECT count(*) FROM demo.shelf WHERE location = place)
                                   * demo.draw(format('%s wish %s', what, k)) ^ 1.7)::integer
        GROUP BY s.sku
    ) AS wish);

-- Till receipts.
INSERT INTO demo.event (at, kind, location, channel, ref, lines)
SELECT demo.moment(ref), 'receipt', l.code, 'shop', ref, demo.wishes(ref, l.code, 6)
FROM retail.location AS l
CROSS JOIN LATERAL generate_series(1, 50 + demo.pick('size of ' || l.code, 90)) AS k
CROSS JOIN LATERAL format('R-%s-%s', l.code, lpad(k::text, 3, '0')) AS ref
WHERE l.kind = 'store';

-- Now and then the shelf holds a unit of something the books know nothing of,
-- and the till rings it all the same.
INSERT INTO demo.event (at, kind, location, channel, ref, lines)
SELECT demo.moment(ref), 'unknown unit', l.code, 'shop', ref, ARRAY[ROW (s.code, l.code, 1)::retail.line]
FROM generate_series(1, 8) AS k
CROSS JOIN LATERAL format('R-FOUND-%s', k) AS ref
JOIN retail.location AS l ON l.code = format('S%s', lpad(demo.pick(ref || ' store', 60)::text, 3, '0'))
CROSS JOIN LATERAL (
    SELECT code
    FROM retail.sku
    WHERE code NOT IN (SELECT sku FROM demo.shelf WHERE location = l.code)
    ORDER BY demo.draw(ref || code)
    LIMIT 1
) AS s;

-- Click-and-collect through the mini-program, and what becomes of each order:
-- most are paid in time and collected; some are given back, left to lapse,
-- paid late, or cancelled after payment.
CREATE TABLE demo.wish (
    ref      text PRIMARY KEY,
    location text NOT NULL,
    member   text NOT NULL,
    at       timestamptz NOT NULL,
    mode     text NOT NULL,
    fate     text NOT NULL
);
INSERT INTO demo.wish
SELECT ref,
       format('S%s', lpad(demo.pick(ref || ' store', 60)::text, 3, '0')),
       format('M%s', lpad(demo.pick(ref || ' member', 20000)::text, 5, '0')),
       midnight + interval '7 hours' + demo.draw(ref) * interval '12 hours',
       (ARRAY['all', 'all', 'best_effort', 'partial'])[demo.pick(ref || ' mode', 4)],
       CASE
           WHEN demo.draw(ref || ' fate') < 0.74 THEN 'collected'
           WHEN demo.draw(ref || ' fate') < 0.80 THEN 'cancelled'
           WHEN demo.draw(ref || ' fate') < 0.86 THEN 'given back'
           WHEN demo.draw(ref || ' fate') < 0.92 THEN 'paid late'
           ELSE 'left'
       END
FROM demo.calendar, generate_series(1, 1500) AS k
CROSS JOIN LATERAL format('O-%s', lpad(k::text, 4, '0')) AS ref;

INSERT INTO demo.event (at, kind, location, channel, ref, lines, detail)
SELECT at, 'order', location, 'miniapp', ref, demo.wishes(ref, location, 4), mode
FROM demo.wish;
INSERT INTO demo.event (at, kind, ref)
SELECT at + demo.pick(ref || ' pays', 600) * interval '1 second', 'pay', ref
FROM demo.wish
WHERE fate IN ('collected', 'cancelled')
UNION ALL
SELECT at + interval '16 minutes' + demo.pick(ref || ' pays', 600) * interval '1 second', 'pay late', ref
FROM demo.wish
WHERE fate = 'paid late'
UNION ALL
SELECT at + demo.pick(ref || ' gives back', 600) * interval '1 second', 'give back', ref
FROM demo.wish
WHERE fate = 'given back'
UNION ALL
SELECT at + interval '30 minutes' + demo.pick(ref || ' collects', 9000) * interval '1 second', 'collect', ref
FROM demo.wish
WHERE fate IN ('collected', 'paid late')
UNION ALL
SELECT at + interval '20 minutes' + demo.pick(ref || ' cancels', 3600) * interval '1 second', 'cancel', ref
FROM demo.wish
WHERE fate = 'cancelled';

-- Live stream orders, sent from the e-commerce warehouse; the flash sale
-- itself is not in the script, it is fought out by real sessions.
INSERT INTO demo.event (at, kind, location, channel, ref, lines, detail)
SELECT midnight + interval '19 hours 30 minutes' + demo.draw(ref) * interval '90 minutes',
       'live order', f.location, 'live', ref,
       (SELECT array_agg(ROW (code, f.location, qty)::retail.line)
        FROM (SELECT code, demo.pick(format('%s qty %s', ref, code), 3)::bigint AS qty
              FROM retail.sku
              WHERE code <> f.sku
              ORDER BY demo.draw(format('%s sku %s', ref, code))
              LIMIT demo.pick(ref || ' lines', 3)) AS wish),
       'best_effort'
FROM demo.calendar, demo.flash AS f, generate_series(1, 400) AS k
CROSS JOIN LATERAL format('L-%s', lpad(k::text, 3, '0')) AS ref;
INSERT INTO demo.event (at, kind, location)
SELECT midnight + interval '22 hours', 'wave', location
FROM demo.calendar, demo.flash;

-- Returns: anywhere, with the receipt; a few try the same receipt twice.
WITH came AS (
    SELECT e.*, demo.draw(e.ref || ' return') AS luck
    FROM demo.event AS e, demo.calendar
    WHERE e.kind = 'receipt' AND e.at < midnight + interval '18 hours'
), back AS (
    SELECT at + interval '1 hour' + demo.pick(ref || ' returns', 7200) * interval '1 second' AS at,
           CASE
               WHEN demo.draw(ref || ' returns at') < 0.7 THEN location
               ELSE format('S%s', lpad(demo.pick(ref || ' returns at', 60)::text, 3, '0'))
           END AS place,
           ref, lines, luck,
           (ARRAY['restock', 'restock', 'restock', 'quarantine', 'refurbish', 'scrap'])[demo.pick(ref || ' state', 6)] AS disposition
    FROM came
    WHERE luck < 0.02
)
INSERT INTO demo.event (at, kind, location, ref, lines, detail)
SELECT at, 'return', place, ref, ARRAY[ROW (lines[1].sku, place, lines[1].qty)::retail.line], disposition
FROM back
UNION ALL
SELECT at + interval '20 minutes', 'return', place, ref, ARRAY[ROW (lines[1].sku, place, lines[1].qty)::retail.line], disposition
FROM back
WHERE luck < 0.003;

-- What head office and the stores' staff do.
INSERT INTO demo.event (at, kind, location, detail)
SELECT midnight + given.hour, given.kind, given.location, given.detail
FROM demo.calendar, (VALUES
    (interval '10 hours', 'delist', NULL, NULL),
    (interval '12 hours', 'relist', NULL, NULL),
    (interval '13 hours', 'close', 'S007', NULL),
    (interval '15 hours', 'reopen', 'S007', NULL),
    (interval '16 hours', 'restock', NULL, NULL),
    (interval '19 hours', 'surprise count', NULL, NULL)
) AS given (hour, kind, location, detail);
INSERT INTO demo.event (at, kind, location, lines, detail)
SELECT midnight + interval '9 hours' + k * interval '25 minutes', 'damaged', s.location,
       ARRAY[ROW (s.sku, s.location, 1)::retail.line], (ARRAY['leaking', 'torn', 'dropped'])[1 + k % 3]
FROM demo.calendar, generate_series(1, 20) AS k
JOIN demo.shelf AS s
    ON s.location = format('S%s', lpad(demo.pick(format('damage %s', k), 60)::text, 3, '0'))
    AND s.rank = demo.pick(format('damage rank %s', k), 150);
INSERT INTO demo.event (at, kind, location, lines, detail)
SELECT midnight + interval '22 hours 40 minutes' + k * interval '20 seconds', 'count', s.location,
       ARRAY[ROW (s.sku, s.location, (ARRAY[-1, -1, 0, 0, 0, 1])[demo.pick(format('variance %s', k), 6)])::retail.line], 'cycle count'
FROM demo.calendar, generate_series(1, 40) AS k
JOIN demo.shelf AS s
    ON s.location = format('S%s', lpad(demo.pick(format('count %s', k), 60)::text, 3, '0'))
    AND s.rank = demo.pick(format('count rank %s', k), 150);
INSERT INTO demo.event (at, kind)
SELECT midnight + k * interval '1 hour', 'sweep'
FROM demo.calendar, generate_series(8, 23) AS k
WHERE k <> 20;   -- at 20:00 the flash sale shows that nobody needs it

CREATE INDEX event_at_idx ON demo.event (at, id);
ANALYZE demo.event;
