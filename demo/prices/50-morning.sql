-- The morning of the day: labels that lag are seen.

SELECT set_config('TimeZone', zone, false) FROM demo.campaign \g /dev/null
SELECT set_config('pg_retail.clock', (midnight + interval '9 hours 30 minutes')::text, false) FROM demo.campaign \g /dev/null
CREATE TABLE demo.lag AS
SELECT CASE WHEN b.location IS NULL THEN 'the other ' || count(DISTINCT l.location) ELSE max(l.location) END AS stores,
       count(*) AS labels, count(*) FILTER (WHERE l.up_to_date) AS up_to_date,
       max(l.behind_seconds) AS behind_seconds, max(l.acknowledged_after_seconds) AS longest_seconds
FROM retail_bi.label_lag AS l
JOIN demo.offer AS o USING (sku)
LEFT JOIN demo.offline AS b USING (location)
GROUP BY b.location;

-- The gateway is back; what was leased is free again.
DELETE FROM demo.offline;
SELECT set_config('pg_retail.clock', (midnight + interval '9 hours 40 minutes')::text, false) FROM demo.campaign \g /dev/null
