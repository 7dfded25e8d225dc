-- The campaign, in tables a person can read.

\ir ../layout.sql
SELECT set_config('TimeZone', zone, false) FROM demo.campaign \g /dev/null

\echo
\echo '618: the mid-year sale, from the first price to the last settlement.'
\echo
\pset title 'Head office publishes, 45 days ahead: the guard looks at each price, however it comes'
SELECT f.what, f.way, f.sent, f.written, f.sent - f.written AS refused, round(f.sent / t.seconds) AS "rows per second", f.why
FROM (
    SELECT 1 AS nr, 'base prices' AS what, 'COPY' AS way, (SELECT count(*) FROM demo.base_file) AS sent, (SELECT count(*) FROM retail.base_price) AS written, 'base prices: COPY' AS phase, NULL AS why
    UNION ALL
    SELECT 2, 'prices of channels', 'COPY', (SELECT count(*) FROM demo.channel_file),
           (SELECT count(*) FROM retail.price WHERE location_id = 0), 'prices of channels: COPY', NULL
    UNION ALL
    SELECT 3, 'prices of a channel, one wrong', 'COPY', (SELECT count(*) FROM demo.bad_file),
           (SELECT count(*) FROM retail.price AS p JOIN retail.channel AS c ON c.id = p.channel_id WHERE c.code = 'tablet' AND p.kind = 'list'), NULL, (SELECT t.detail FROM demo.told AS t WHERE t.part = 'files')
    UNION ALL
    SELECT 4, 'prices of stores', 'COPY and import_prices()', (SELECT count(*) FROM demo.store_list),
           (SELECT sum(row_count)::bigint FROM demo.import_answer WHERE outcome IN ('imported', 'unchanged') AND line_no IS NULL), 'file of the stores: import', 'line by line, see below'
) AS f
LEFT JOIN demo.timing AS t USING (phase)
ORDER BY f.nr;

\pset title 'Refused lines of the stores'' file, by reason, and the first of each'
SELECT a.outcome, count(*) AS lines, (array_agg(a.line_no ORDER BY a.line_no))[1] AS line,
       (array_agg(format('%s at %s for %s%s', a.sku, a.location, a.amount,
           CASE WHEN a.low IS NOT NULL THEN format('; allowed: %s to %s', a.low, a.high) ELSE coalesce('; ' || a.detail, '') END) ORDER BY a.line_no))[1] AS "the first"
FROM demo.import_answer AS a
WHERE a.line_no IS NOT NULL
GROUP BY a.outcome
ORDER BY count(*) DESC, a.outcome;

\pset title 'Ten days ahead: the campaign, under four eyes'
SELECT to_char(at, 'DD Mon HH24:MI') AS at, who, what, answer, regexp_replace(detail, 'grant \d+', 'the grant') AS detail
FROM demo.told
WHERE part = 'campaign'
ORDER BY id;

\echo
\echo 'Every touchpoint is told.  Four sessions drain the outbox in batches; a label, till or page takes a greater version only,'
\echo 'and says so.  While the campaign goes out one store''s gateway is down, and one session falls over before it says that it is'
\echo 'done: what they had comes again when the lease is over.'
\echo
\pset title 'Told to touchpoints'
SELECT r.what AS round, sum(cardinality(b.ids)) AS "events given out", count(*) AS batches, sum(b.prices) AS "of prices",
       sum(cardinality(b.ids)) - sum(b.done) AS "not finished", sum(b.meant) AS "for labels", sum(b.applied) AS applied, sum(b.meant) - sum(b.applied) AS "older, passed over",
       sum(b.acked) AS acknowledged
FROM demo.batch AS b
JOIN demo.round AS r ON r.id = b.round
GROUP BY r.id
ORDER BY r.id;

\pset title 'On the day at noon: touchpoints x SKUs'
SELECT count(DISTINCT (location, channel)) AS touchpoints, count(DISTINCT sku) AS skus, count(*) AS labels,
       count(*) FILTER (WHERE kind = 'promo') AS "show the campaign", count(*) FILTER (WHERE acked) AS "have acknowledged", count(*) FILTER (WHERE shown = price) AS "show what is quoted"
FROM demo.at_noon
WHERE on_offer;

\pset title 'Before that, at 9:30: retail_bi.label_lag, labels of what is on offer'
SELECT stores, labels, up_to_date AS "up to date", labels - up_to_date AS behind, round(behind_seconds / 3600.0, 1) AS "hours behind"
FROM demo.lag
ORDER BY behind DESC;

\pset title 'At noon: retail_bi.band_use'
SELECT coalesce(channel, 'every channel') AS channel, kind, prices, at_base AS "at the base price", off_base AS "off it, on average, %", near_the_limit AS "over 80 % of the band",
       outside_granted AS "outside, under a grant", outside AS "outside without"
FROM demo.band_use
ORDER BY channel, kind;

\pset title 'The same article in every channel of one store: one price, another service'
SELECT q.channel, k.name AS article, q.location, q.list, q.list_scope AS "list is of", q.price, q.kind, q.prior_price AS "least of 30 days", q.service_pack, to_char(q.valid_until, 'DD Mon HH24:MI') AS until
FROM demo.in_channels AS q
JOIN retail.sku AS k ON k.code = q.sku
ORDER BY q.channel;

\pset title 'retail.explain_quote(): why it is that price in the mini-program, for a member of tier gold'
SELECT verdict, because, kind, scope, amount, tier, to_char(lower(valid), 'DD Mon HH24:MI') AS since, to_char(upper(valid), 'DD Mon HH24:MI') AS until, CASE WHEN grant_id IS NOT NULL THEN 'granted' END AS authority
FROM demo.why
ORDER BY nr;

\pset title 'One store would like to sell dearer'
SELECT to_char(at, 'DD Mon HH24:MI') AS at, who, what, answer, detail
FROM demo.told
WHERE part = 'store'
ORDER BY id;

\pset title 'What the scans found'
SELECT s.what AS scan, count(*) AS rules, sum(s.found) AS found, sum(s.news) AS new, sum(s.resolved) AS "gone by themselves", sum(s.frozen) AS "orders frozen",
       coalesce(string_agg(format('%s %s', s.rule, s.found), ', ' ORDER BY substr(s.rule, 2)::integer) FILTER (WHERE s.found > 0), 'nothing') AS "which rules", round(max(s.ms)::numeric) AS ms
FROM demo.scanned AS s
GROUP BY s.nr, s.what
ORDER BY s.nr;

\pset title 'What the franchisees get'
SELECT r.cause AS receipts, max(s.party) AS party, min(r.price) AS price, count(*) AS receipts, sum(s.amount) AS amount,
       string_agg(DISTINCT s.status, ', ') AS status, string_agg(DISTINCT a.rule, ', ') AS "was held by", string_agg(DISTINCT h.held_by, ', ') AS "frozen by", string_agg(DISTINCT h.released_by, ', ') AS "released by"
FROM demo.receipt AS r
JOIN retail_bi.settlement AS s ON s.order_ref = r.ref AND s.channel = 'shop'
LEFT JOIN retail.settlement_hold AS h USING (settlement_order_id)
LEFT JOIN retail.price_alert AS a ON a.id = h.alert_id
GROUP BY r.cause
ORDER BY min(r.ref);

\pset title 'Two baskets at midnight: a frozen quote keeps its word for 15 minutes'
SELECT to_char(at, 'DD Mon HH24:MI') AS at, CASE who WHEN 'postgres' THEN 'mini-program' ELSE who END AS who, what, answer, detail
FROM demo.told
WHERE part = 'night'
ORDER BY id;

INSERT INTO demo.tally (phase, call, outcome, calls)
SELECT 'base prices: COPY', 'COPY', 'rows', count(*) FROM demo.base_file
UNION ALL
SELECT 'prices of channels: COPY', 'COPY', 'rows', count(*) FROM demo.channel_file
UNION ALL
SELECT p.phase, 'COPY', 'rows', count(*) FROM demo.store_list, (VALUES ('file of the stores: COPY'), ('file of the stores: import')) AS p (phase) GROUP BY p.phase
UNION ALL
SELECT 'campaign', 'start_campaign', 'prices', count(*) FROM retail.price WHERE campaign_id IS NOT NULL
UNION ALL
SELECT t.phase, 'outbox_take', 'events', sum(cardinality(b.ids))
FROM demo.batch AS b
JOIN (VALUES (1, 'labels: prices of the year'), (2, 'labels: campaign'), (3, 'labels: what was left'), (4, 'labels: put right')) AS t (round, phase) USING (round)
GROUP BY t.phase;
