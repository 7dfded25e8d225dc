-- Opening hours and promises: around midnight, holidays, clocks put forward and back, cut-offs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    RETURN NEXT;
END $$;

-- A place in a zone with hours of its own, and what a wall clock there says.
CREATE FUNCTION pg_temp.place(code text, zone text, hours jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, opening_hours)
    VALUES (code, code, 'store', 0, 0, zone, hours)
$$;
CREATE FUNCTION pg_temp.opens(place text, wall timestamp) RETURNS TABLE (at timestamp, open boolean, next timestamp) LANGUAGE sql AS $$
    SELECT wall, retail.is_open(place, wall AT TIME ZONE l.time_zone),
        retail.next_opening(place, wall AT TIME ZONE l.time_zone) AT TIME ZONE l.time_zone
    FROM retail.location l WHERE l.code = place
$$;
CREATE FUNCTION pg_temp.every_day(spans jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(day, spans) FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) day
$$;
-- The same by brute force: each minute of some days, and the first open one from it on.
CREATE FUNCTION pg_temp.contradictions(place text, from_at timestamptz, to_at timestamptz) RETURNS bigint LANGUAGE sql AS $$
    WITH minute AS (
        SELECT at, retail.is_open(place, at) AS open, retail.next_opening(place, at) AS next
        FROM generate_series(from_at, to_at, interval '1 minute') at
    ), told AS (
        SELECT *, min(at) FILTER (WHERE open) OVER (ORDER BY at DESC) AS first_open
        FROM minute
    )
    SELECT count(*) FROM told WHERE first_open IS DISTINCT FROM next AND (first_open IS NOT NULL OR next <= to_at)
$$;

-- without hours it is always open; with none it never is
SELECT pg_temp.place('oh-always', 'Asia/Shanghai', NULL), pg_temp.place('oh-never', 'Asia/Shanghai', '{}');
SELECT place, o.* FROM unnest('{oh-always,oh-never}'::text[]) place, pg_temp.opens(place, '2031-05-05 03:00') o;

-- an ordinary week; 2031-05-05 is a Monday.  The end of a span is no longer open.
SELECT pg_temp.place('oh-week', 'Asia/Shanghai',
    '{"mon": [["13:00", "18:00"], ["09:00", "12:00"]], "tue": [["09:00", "18:00"]], "fri": [["00:00", "24:00"]], "sun": []}');
SELECT o.* FROM unnest('{2031-05-05 08:59:59.999999,2031-05-05 09:00,2031-05-05 11:59:59.999999,2031-05-05 12:00,2031-05-05 17:59,
    2031-05-05 18:00,2031-05-06 18:00,2031-05-08 23:59:59.999999,2031-05-09 00:00,2031-05-09 23:59:59.999999,2031-05-10 00:00,2031-05-11 12:00}'::timestamp[]) wall,
    pg_temp.opens('oh-week', wall) o;

-- overlapping and touching spans are one; past midnight belongs to the day before, 24:00 and 00:00 end at midnight
SELECT pg_temp.place('oh-night', 'Asia/Shanghai',
    '{"mon": [["10:00", "14:00"], ["12:00", "16:00"], ["16:00", "17:00"]], "fri": [["18:00", "02:00"]], "sat": [["20:00", "24:00"]], "sun": [["22:00", "00:00"]], "wed": [["09:00", "09:00"]]}');
SELECT o.* FROM unnest('{2031-05-05 09:00,2031-05-05 13:00,2031-05-05 16:00,2031-05-05 17:00,2031-05-07 08:59,2031-05-07 23:00,2031-05-08 08:59,2031-05-08 09:00,
    2031-05-09 01:00,2031-05-09 18:00,2031-05-10 00:00,2031-05-10 01:59,2031-05-10 02:00,2031-05-10 23:59,2031-05-11 00:00,2031-05-11 23:59,2031-05-12 00:00}'::timestamp[]) wall,
    pg_temp.opens('oh-night', wall) o;

-- a date goes before its weekday, and leaves the night before it alone
SELECT pg_temp.place('oh-holiday', 'Asia/Shanghai',
    pg_temp.every_day('[["18:00", "02:00"]]') || '{"2031-05-06": [], "2031-05-08": [["10:00", "11:00"]], "2031-05-09": [["00:00", "00:30"]]}');
SELECT o.* FROM unnest('{2031-05-06 01:00,2031-05-06 02:00,2031-05-06 19:00,2031-05-07 01:00,2031-05-08 01:00,2031-05-08 10:30,2031-05-08 19:00,2031-05-09 00:00,2031-05-09 01:00,2031-05-10 19:00}'::timestamp[]) wall,
    pg_temp.opens('oh-holiday', wall) o;

-- the clock is put forward: 02:30 does not exist and is 03:30, as AT TIME ZONE has it
SELECT pg_temp.place('oh-berlin', 'Europe/Berlin', pg_temp.every_day('[["02:30", "05:00"]]')),
    pg_temp.place('oh-jump', 'Europe/Berlin', '{"2031-03-30": [["02:15", "02:45"], ["03:00", "03:10"], ["06:00", "07:00"]]}'),
    pg_temp.place('oh-york', 'America/New_York', pg_temp.every_day('[["22:00", "02:30"]]'));
SELECT at, retail.is_open('oh-berlin', at) AS open, retail.next_opening('oh-berlin', at) AT TIME ZONE 'Europe/Berlin' AS next
FROM unnest('{2031-03-30 00:59+00,2031-03-30 01:00+00,2031-03-30 01:29+00,2031-03-30 01:30+00,2031-03-30 02:59+00,2031-03-30 03:00+00}'::timestamptz[]) at;
-- what the clock jumps over is moved, and may come after what follows it: 03:15 to 03:45, and 03:00 to 03:10
SELECT at, retail.is_open('oh-jump', at) AS open, retail.next_opening('oh-jump', at) AT TIME ZONE 'Europe/Berlin' AS next
FROM unnest('{2031-03-30 00:00+00,2031-03-30 01:05+00,2031-03-30 01:10+00,2031-03-30 01:15+00,2031-03-30 01:45+00}'::timestamptz[]) at;
-- it is put back: of two 02:30 the later counts, so the night is an hour longer
SELECT at, retail.is_open('oh-berlin', at) AS open, retail.next_opening('oh-berlin', at) AT TIME ZONE 'Europe/Berlin' AS next
FROM unnest('{2031-10-26 00:29+00,2031-10-26 00:30+00,2031-10-26 01:29+00,2031-10-26 01:30+00,2031-10-26 03:59+00,2031-10-26 04:00+00}'::timestamptz[]) at;
-- New York, one night forward and one back: closes at 02:30 EST = 03:30 EDT, and at 02:30 EST
SELECT at, retail.is_open('oh-york', at) AS open
FROM unnest('{2031-03-09 06:59+00,2031-03-09 07:29+00,2031-03-09 07:30+00,2031-11-02 05:30+00,2031-11-02 06:30+00,2031-11-02 07:29+00,2031-11-02 07:30+00}'::timestamptz[]) at;
-- is_open() and next_opening() agree at every minute around the changes, and where there are none
SELECT place, from_at, pg_temp.contradictions(place, from_at, from_at + interval '3 days')
FROM (VALUES ('oh-berlin', timestamptz '2031-03-29 00:00+00'), ('oh-berlin', '2031-10-25 00:00+00'), ('oh-jump', '2031-03-29 00:00+00'),
    ('oh-york', '2031-03-08 00:00+00'), ('oh-york', '2031-11-01 00:00+00'), ('oh-night', '2031-05-09 00:00+00'), ('oh-holiday', '2031-05-05 00:00+00')) v (place, from_at);

-- closed for long: 400 days ahead are looked at
SELECT pg_temp.place('oh-far', 'Asia/Shanghai', jsonb_build_object(date '2031-05-05' + 400, '[["10:00", "11:00"]]'::jsonb));
SELECT o.* FROM unnest('{2031-05-04 23:59,2031-05-05 00:00,2032-06-08 10:30,2032-06-08 11:00}'::timestamp[]) wall, pg_temp.opens('oh-far', wall) o;

-- a change is seen at once, also within its transaction, and again when that is undone
BEGIN;
UPDATE retail.location SET opening_hours = '{"mon": [["01:00", "02:00"]]}' WHERE code = 'oh-always';
SELECT o.* FROM pg_temp.opens('oh-always', '2031-05-05 03:00') o;
ROLLBACK;
SELECT o.* FROM pg_temp.opens('oh-always', '2031-05-05 03:00') o;

-- by default it is now
SET pg_retail.clock = '2031-05-05 01:30:00+00';
SELECT retail.is_open('oh-week'), retail.next_opening('oh-week'), retail.next_opening('oh-night'), retail.next_opening('oh-never');
RESET pg_retail.clock;

-- the most there may be: 14 spans a day, 1,000 dates
SELECT retail.opening_hours_fault(jsonb_build_object('mon', jsonb_agg(jsonb_build_array(to_char(interval '1 hour' * n, 'HH24:MI'), to_char(interval '1 hour' * n + interval '30 minutes', 'HH24:MI'))))) AS fault
FROM generate_series(1, 14) n;
SELECT retail.opening_hours_fault(jsonb_object_agg(date '2031-01-01' + n, '[]'::jsonb)) AS fault FROM generate_series(1, 1000) n;

-- each wrong form is told apart, and refused by the table
CREATE TEMP TABLE wrong (n serial, hours jsonb);
INSERT INTO wrong (hours) VALUES ('[]'), ('"mon"'), ('7'), ('null'), ('true'),
    ('{"monday": []}'), ('{"Mon": []}'), ('{"": []}'), ('{"2031-02-29": []}'), ('{"2031-13-01": []}'), ('{"2031-1-01": []}'), ('{"0000-01-01": []}'), ('{"2031-05-05 ": []}'),
    (jsonb_build_object(repeat('店', 100), '[]'::jsonb)),
    ('{"mon": null}'), ('{"mon": "09:00-18:00"}'), ('{"mon": {}}'), ('{"mon": ["09:00", "18:00"]}'),
    ('{"mon": [["09:00"]]}'), ('{"mon": [["09:00", "12:00", "13:00"]]}'), ('{"mon": [[]]}'), ('{"mon": [{"from": "09:00"}]}'),
    ('{"mon": [["09:00", "12:00"], ["9:00", "18:00"]]}'), ('{"mon": [["09:00", "18:60"]]}'), ('{"mon": [["09:00", "24:01"]]}'), ('{"mon": [["24:00", "02:00"]]}'),
    ('{"mon": [["09:00", "25:00"]]}'), ('{"mon": [["09.00", "18.00"]]}'), ('{"mon": [[9, 18]]}'), ('{"mon": [["09:00", null]]}'), ('{"2031-05-05": [["09:00", "18:00:00"]]}'), ('{"mon": [["-9:00", "18:00"]]}');
INSERT INTO wrong (hours) SELECT jsonb_build_object('mon', jsonb_agg('["09:00", "18:00"]'::jsonb)) FROM generate_series(1, 15);
INSERT INTO wrong (hours) SELECT jsonb_object_agg(date '2031-01-01' + n, '[]'::jsonb) FROM generate_series(1, 1001) n;
SELECT n, retail.opening_hours_fault(hours) AS fault FROM wrong ORDER BY n;
SELECT r.code, r.message, count(*) FROM wrong, pg_temp.refusal(format($$SELECT pg_temp.place('oh-wrong', 'UTC', %L)$$, hours)) r GROUP BY 1, 2;

-- arguments
SELECT * FROM pg_temp.refusal($$SELECT retail.is_open('no-such')$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.is_open(NULL)$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.is_open('oh-always', 'infinity')$$);
SELECT * FROM pg_temp.refusal($$SELECT retail.next_opening('oh-week', '-infinity')$$);
SELECT retail.next_opening('oh-week', '294276-12-31 23:00+00') IS NULL AS never, retail.is_open('oh-week', '4714-11-24 00:00+00 BC') AS open;

-- Promises.
INSERT INTO retail.service (code, name, kind, lead_time, deliver_by, cut_off) VALUES
    ('oh-hour', 'Within the hour', 'delivery', '1 hour', NULL, NULL),
    ('oh-two-days', 'Two days, cut-off', 'delivery', '2 days', NULL, '16:00'),
    ('oh-today', 'By ten tonight, cut-off', 'delivery', NULL, '22:00', '18:00'),
    ('oh-by-noon', 'By noon', 'delivery', NULL, '12:00', NULL),
    ('oh-midnight', 'By midnight', 'delivery', NULL, '24:00', NULL),
    ('oh-late-cut', 'Cut-off after the time to deliver', 'delivery', NULL, '20:00', '21:00'),
    ('oh-gap', 'In the hour that is jumped over', 'delivery', NULL, '02:30', NULL);
SELECT pg_temp.place('oh-shop', 'Asia/Shanghai', pg_temp.every_day('[["09:00", "21:00"]]') || '{"2031-05-07": [], "2031-05-08": []}');
CREATE FUNCTION pg_temp.promised(service text, place text, wall timestamp) RETURNS TABLE (at timestamp, starts timestamp, promise timestamp, kept boolean) LANGUAGE sql AS $$
    SELECT wall, p.starts_at AT TIME ZONE l.time_zone, p.promise_at AT TIME ZONE l.time_zone, p.kept
    FROM retail.location l, retail.promise(service, place, wall AT TIME ZONE l.time_zone) p WHERE l.code = place
$$;
-- lead time: counted from the opening where it is closed
SELECT p.* FROM unnest('{2031-05-05 08:30,2031-05-05 09:00,2031-05-05 20:59,2031-05-05 21:00,2031-05-06 21:00}'::timestamp[]) wall, pg_temp.promised('oh-hour', 'oh-shop', wall) p;
-- with a cut-off: at it or after it the next day's opening, at a place that never closes midnight
SELECT place, p.* FROM unnest('{oh-shop,oh-always}'::text[]) place, unnest('{2031-05-05 08:00,2031-05-05 15:59:59.999999,2031-05-05 16:00,2031-05-05 23:00}'::timestamp[]) wall,
    pg_temp.promised('oh-two-days', place, wall) p;
-- a time of day: today's before the cut-off, else tomorrow's; kept as long as the place opens by then
SELECT p.* FROM unnest('{2031-05-05 08:00,2031-05-05 17:59,2031-05-05 18:00,2031-05-05 23:00,2031-05-06 00:00,2031-05-06 17:59,2031-05-06 18:00,2031-05-07 10:00}'::timestamp[]) wall,
    pg_temp.promised('oh-today', 'oh-shop', wall) p;
-- without a cut-off: before that time, or at it, today
SELECT p.* FROM unnest('{2031-05-05 11:00,2031-05-05 12:00,2031-05-05 12:00:01,2031-05-05 22:00,2031-05-06 12:30}'::timestamp[]) wall, pg_temp.promised('oh-by-noon', 'oh-shop', wall) p;
SELECT p.* FROM unnest('{2031-05-05 00:00,2031-05-05 23:59}'::timestamp[]) wall, pg_temp.promised('oh-midnight', 'oh-always', wall) p;
-- a place open past midnight works for the date that has begun
SELECT p.* FROM unnest('{2031-05-10 01:00,2031-05-10 01:59,2031-05-10 02:00}'::timestamp[]) wall, pg_temp.promised('oh-by-noon', 'oh-night', wall) p;
-- past the cut-off on Friday it is open into Saturday: it starts at midnight
SELECT p.* FROM pg_temp.promised('oh-today', 'oh-night', '2031-05-09 19:00') p;
-- between the time to deliver and a later cut-off nothing better than tomorrow is promised
SELECT p.* FROM unnest('{2031-05-05 20:00,2031-05-05 20:30,2031-05-05 21:00}'::timestamp[]) wall, pg_temp.promised('oh-late-cut', 'oh-always', wall) p;
-- a place that never opens promises nothing
SELECT p.* FROM pg_temp.promised('oh-today', 'oh-never', '2031-05-05 10:00') p;
SELECT p.* FROM pg_temp.promised('oh-hour', 'oh-never', '2031-05-05 10:00') p;
-- a time of day that the clock jumps over, and one that it shows twice
SELECT pg_temp.place('oh-berlin-always', 'Europe/Berlin', NULL);
SELECT at, p.starts_at, p.promise_at, p.kept
FROM unnest('{2031-03-29 23:30+00,2031-03-30 01:20+00,2031-03-30 01:31+00,2031-10-25 23:30+00,2031-10-26 00:45+00,2031-10-26 01:31+00}'::timestamptz[]) at, retail.promise('oh-gap', 'oh-berlin-always', at) p;
-- a lead time is hours that pass: by a clock put forward it seems an hour longer, by one put back an hour less
SELECT at, p.promise_at AT TIME ZONE 'Europe/Berlin' AS promise
FROM unnest('{2031-03-29 12:00+00,2031-10-25 12:00+00}'::timestamptz[]) at, retail.promise('oh-two-days', 'oh-berlin-always', at) p;

-- the services of init()
SET pg_retail.clock = '2031-05-05 02:00:00+00';
SELECT s.code, p.* FROM retail.service s, retail.promise(s.code, 'oh-shop') p WHERE s.code !~ '^oh-' ORDER BY s.code;
-- a service that changes is seen at once, and again when that is undone
BEGIN;
UPDATE retail.service SET lead_time = interval '2 hours' WHERE code = 'oh-hour';
SELECT p.* FROM retail.promise('oh-hour', 'oh-shop') p;
ROLLBACK;
SELECT p.* FROM retail.promise('oh-hour', 'oh-shop') p;
RESET pg_retail.clock;

SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.promise('no-such', 'oh-shop')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.promise('oh-hour', 'no-such')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.promise(NULL, 'oh-shop')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.promise('oh-hour', 'oh-shop', 'infinity')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM retail.promise('oh-two-days', 'oh-always', '294276-12-31 12:00+00')$$);

-- later tests find what they expect
DELETE FROM retail.location WHERE code LIKE 'oh-%';
DELETE FROM retail.service WHERE code LIKE 'oh-%';
