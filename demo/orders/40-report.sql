-- The day of orders, in tables a person can read.

\ir ../layout.sql
SELECT set_config('TimeZone', zone, false) FROM demo.order_day \g /dev/null

\pset title 'A day of orders: who wanted what'
SELECT w.channel, w.service, count(*) AS orders,
       round(avg(cardinality(w.lines)), 1) AS "lines each",
       count(*) FILTER (WHERE c.placed) AS placed,
       count(*) FILTER (WHERE NOT c.placed AND c.word = 'insufficient') AS "nobody has it",
       count(*) FILTER (WHERE NOT c.placed AND c.word = 'no_location') AS "nobody serves it now"
FROM demo.wanted AS w
JOIN (SELECT ref, bool_or(outcome IN ('placed', 'backordered')) AS placed, min(outcome) AS word
      FROM demo.call
      WHERE call = 'place_order'
      GROUP BY ref) AS c USING (ref)
GROUP BY w.channel, w.service
ORDER BY w.channel, w.service;

-- Both planners, for orders both can fill whole.
CREATE VIEW demo.both AS
SELECT o.ref, o.service, o.lines, o.parcels, n.parcels AS n_parcels, o.kept, n.kept AS n_kept, o.metres, n.metres AS n_metres,
       o.near = o.parcels AS near, n.near = n.parcels AS n_near
FROM demo.plan AS o
JOIN demo.plan AS n USING (ref)
WHERE o.planner = 'route()' AND n.planner = 'nearest-first' AND o.filled = o.lines AND n.filled = n.lines;

\echo
\echo 'Parcels per order: route() beside nearest-first.'
\echo 'Just before each order was placed, both planned the same basket over the same stock at the same instant, for the same'
\echo 'service, channel and destination.  Nearest-first is one SQL statement over the tables: for each line the locations by'
\echo 'distance, and of each what it has, until the line is full.  Compared are the orders both could fill; those for pickup are'
\echo 'not, since the shopper has chosen the store.'
\echo
\pset title 'By service ("near": all its parcels from within 3 km; "in time": lines with the service''s own promise)'
SELECT coalesce(service, 'all') AS service, count(*) AS orders,
       round(avg(parcels), 2) AS "parcels", round(avg(n_parcels), 2) AS "nearest-first",
       round(100.0 * count(*) FILTER (WHERE parcels > 1) / count(*)) AS "split %", round(100.0 * count(*) FILTER (WHERE n_parcels > 1) / count(*)) AS "nf split %",
       round(100.0 * count(*) FILTER (WHERE near) / count(*)) AS "near %", round(100.0 * count(*) FILTER (WHERE n_near) / count(*)) AS "nf near %",
       round(100.0 * sum(kept) / sum(lines)) AS "in time %", round(100.0 * sum(n_kept) / sum(lines)) AS "nf in time %",
       round((avg(metres) / 1000)::numeric, 1) AS "km per order", round((avg(n_metres) / 1000)::numeric, 1) AS "nf km"
FROM demo.both
GROUP BY ROLLUP (service)
ORDER BY demo.both.service NULLS LAST;

\pset title 'By lines of the order'
SELECT CASE WHEN lines > 5 THEN '6 and more' ELSE lines::text END AS lines, count(*) AS orders,
       round(avg(parcels), 2) AS parcels, round(avg(n_parcels), 2) AS "nearest-first",
       count(*) FILTER (WHERE parcels < n_parcels) AS fewer, count(*) FILTER (WHERE parcels = n_parcels) AS same, count(*) FILTER (WHERE parcels > n_parcels) AS more
FROM demo.both
GROUP BY 1
ORDER BY 1;

\pset title 'Where it took more parcels than nearest-first, and why'
SELECT CASE WHEN kept > n_kept THEN 'more lines in time' ELSE 'no line is split that one location has whole' END AS why,
       count(*) AS orders, sum(parcels) AS parcels, sum(n_parcels) AS "nearest-first"
FROM demo.both
WHERE parcels > n_parcels
GROUP BY 1
ORDER BY 1;

\pset title 'How long a plan took, in milliseconds (the first one reads much that the second finds warm)'
SELECT planner, count(*) AS plans,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS median,
       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS "99 %"
FROM demo.plan
GROUP BY planner
ORDER BY planner DESC;

\pset title 'How it turned out: retail_bi.split_rate'
SELECT s.business_date, s.channel, s.orders, s.parcels, round(s.parcels_per_order, 2) AS "parcels per order", round(100 * s.split_share) AS "split %",
       round(100 * s.within_3_km_share) AS "parcels within 3 km %", round(100 * s.promise_kept_share) AS "promise kept %"
FROM retail_bi.split_rate AS s
ORDER BY s.business_date, s.channel;

\pset title 'Promises kept, by service, and why not'
SELECT f.service, count(*) AS parcels,
       count(*) FILTER (WHERE f.promised_in_time) AS "the service's own promise",
       count(*) FILTER (WHERE f.promise_kept) AS kept,
       round(100.0 * count(*) FILTER (WHERE f.promise_kept) / count(*), 1) AS "kept %",
       count(*) FILTER (WHERE NOT f.promise_kept AND w.fate = 'pays late') AS "late: paid late",
       count(*) FILTER (WHERE NOT f.promise_kept AND w.fate <> 'pays late' AND r.ref IS NOT NULL) AS "late: routed again",
       count(*) FILTER (WHERE NOT f.promise_kept AND w.fate <> 'pays late' AND r.ref IS NULL) AS "late: store or courier"
FROM retail_bi.fulfilment_order AS f
JOIN demo.wanted AS w ON w.ref = f.order_ref AND w.channel = f.channel
LEFT JOIN (SELECT DISTINCT order_ref AS ref FROM retail_bi.fulfilment_order WHERE state = 'rejected') AS r ON r.ref = w.ref
WHERE f.state IN ('delivered', 'collected', 'uncollected')
GROUP BY f.service
ORDER BY f.service;

\pset title 'Same-day orders, by the hour at the store: the cut-off is at 18:00, delivery by 22:00'
SELECT CASE WHEN h < 6 THEN 'before 6' WHEN h < 12 THEN '6 to 12' WHEN h < 18 THEN '12 to 18' ELSE 'after 18' END AS ordered, count(*) AS parcels,
       count(*) FILTER (WHERE (f.promise_at AT TIME ZONE l.time_zone)::date = (o.placed_at AT TIME ZONE l.time_zone)::date) AS "promised for today",
       count(*) FILTER (WHERE (f.promise_at AT TIME ZONE l.time_zone)::date > (o.placed_at AT TIME ZONE l.time_zone)::date) AS "for tomorrow"
FROM retail_bi.fulfilment_order AS f
JOIN retail_bi.sales_order AS o USING (order_id)
JOIN retail.location AS l ON l.id = f.location_id
CROSS JOIN LATERAL extract(hour FROM o.placed_at AT TIME ZONE l.time_zone) AS h
WHERE f.service = 'same_day' AND f.created_at = o.placed_at
GROUP BY 1
ORDER BY min(h);

\pset title 'What the shoppers did, and what became of their orders'
SELECT w.fate AS shopper, count(*) AS orders,
       count(*) FILTER (WHERE o.status = 'completed') AS completed,
       count(*) FILTER (WHERE o.status = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE o.status = 'expired') AS expired,
       count(*) FILTER (WHERE o.status IN ('placed', 'confirmed')) AS open,
       sum(o.units) AS units, sum(o.shipped_units) AS left, sum(o.cancelled_units) AS "cancelled units", sum(o.backordered_units) AS wait,
       sum(o.returned_units) AS "came back"
FROM demo.wanted AS w
JOIN retail_bi.sales_order AS o ON o.order_ref = w.ref AND o.channel = w.channel
GROUP BY w.fate
ORDER BY count(*) DESC, w.fate;

\pset title 'What the stores could not do, and what became of it'
SELECT r.reason, count(DISTINCT r.order_id) AS orders,
       count(DISTINCT r.order_id) FILTER (WHERE o.status = 'completed' AND o.cancelled_units = 0) AS "all of it came from elsewhere",
       count(DISTINCT r.order_id) FILTER (WHERE o.status = 'completed' AND o.cancelled_units > 0) AS "some of it",
       count(DISTINCT r.order_id) FILTER (WHERE o.status <> 'completed') AS "nothing, or it waits"
FROM retail.order_refusal AS r
JOIN retail_bi.sales_order AS o USING (order_id)
GROUP BY r.reason
ORDER BY 2 DESC, 1;

\pset title 'Every kind of call of the day, and how it was answered (a call with lines answers each line)'
SELECT call, outcome, count(*) AS calls, sum(lines) AS "lines or parcels", sum(units) AS units
FROM demo.call
WHERE call <> 'receive_lines'
GROUP BY call, outcome
ORDER BY call, count(*) DESC, outcome;

\pset title 'The busiest stores of the day: retail_bi.store_load'
SELECT s.location, s.location_name, s.business_date, s.finished_parcels AS parcels, s.units, s.capacity_taken, s.capacity_limit
FROM retail_bi.store_load AS s
WHERE s.location_id IN (SELECT id FROM retail.location WHERE kind = 'store')
ORDER BY s.finished_parcels DESC, s.location, s.business_date
LIMIT 5;

-- One order explained.
\echo
\echo 'One order explained: the one that nearest-first would have torn most.'
\echo
\pset title 'The basket'
SELECT e.ref AS order, to_char(e.at AT TIME ZONE l.time_zone, 'HH24:MI') AS "placed at", e.service, w.channel, u.n AS line, u.sku, k.name, u.qty
FROM demo.explained AS e
JOIN demo.wanted AS w USING (ref)
CROSS JOIN LATERAL unnest(w.lines) WITH ORDINALITY AS u (sku, location, qty, n)
JOIN retail.sku AS k ON k.code = u.sku
JOIN retail.location AS l ON l.code = e.planned -> 0 ->> 'location'
ORDER BY u.n;

\pset title 'Two plans of it'
SELECT p.planner, t.location, l.name, round((min(t.distance_m) / 1000)::numeric, 2) AS km,
       string_agg(format('%s x %s', t.qty, t.line_no), ', ' ORDER BY t.line_no) AS "units x line"
FROM demo.explained AS e
CROSS JOIN LATERAL (VALUES (1, 'route()', e.planned), (2, 'nearest-first', e.nearest)) AS p (nr, planner, plan)
CROSS JOIN LATERAL jsonb_to_recordset(p.plan) AS t (line_no integer, location text, qty bigint, distance_m float8)
JOIN retail.location AS l ON l.code = t.location
GROUP BY p.nr, p.planner, t.location, l.name
ORDER BY p.nr, min(t.distance_m), t.location;

\pset title 'retail.explain_route(): each location it looked at'
SELECT x.rank, x.location, l.name, round((x.distance_m / 1000)::numeric, 2) AS km, x.verdict, x.lines_held AS "lines held",
       to_char(x.promise_at AT TIME ZONE l.time_zone, 'DD Mon HH24:MI') AS "could be there", x.promise_kept AS "in time"
FROM demo.explained AS e
CROSS JOIN LATERAL jsonb_to_recordset(e.reasons)
    AS x (rank integer, location text, distance_m float8, verdict text, lines_held integer, promise_at timestamptz, promise_kept boolean)
JOIN retail.location AS l ON l.code = x.location
WHERE x.rank <= 15 OR x.verdict = 'chosen'
ORDER BY x.rank;

\pset title 'The same in one line per verdict'
SELECT x.verdict, count(*) AS locations, round((min(x.distance_m) / 1000)::numeric, 1) AS "from km", round((max(x.distance_m) / 1000)::numeric, 1) AS "to km"
FROM demo.explained AS e
CROSS JOIN LATERAL jsonb_to_recordset(e.reasons) AS x (location text, distance_m float8, verdict text)
GROUP BY x.verdict
ORDER BY count(*) DESC, x.verdict;

\echo
\echo 'One pickup, from order to check-off.'
\echo
\pset title 'What, where, who'
SELECT p.qty, k.name, l.code AS store, l.name AS "at", o.name AS "the other store"
FROM demo.pickup AS p
JOIN retail.sku AS k ON k.code = p.sku
JOIN retail.location AS l ON l.code = p.store
JOIN retail.location AS o ON o.code = p.other_store;

\pset title 'Step by step, and the stock of that article in that store after each step'
SELECT to_char(t.at AT TIME ZONE l.time_zone, 'HH24:MI') AS at, s.who, s.what, s.call, t.outcome AS answer, t.detail, t.on_hand AS "on hand", t.held, t.committed, t.available
FROM demo.pickup_told AS t
JOIN demo.pickup_script AS s USING (step)
CROSS JOIN demo.pickup AS p
JOIN retail.location AS l ON l.code = p.store
ORDER BY t.at;

INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
SELECT 'a day of orders', call, outcome, count(*), sum(lines), sum(coalesce(units, 0))
FROM demo.call
WHERE call <> 'receive_lines'
GROUP BY call, outcome;
