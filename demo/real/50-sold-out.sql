-- After the year: every stock that was seeded with exactly what the year asked
-- for is asked for one unit more.

SET TimeZone = 'America/New_York';

INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
SELECT 'asking the sold out', 'reserve', r.outcome, count(*), count(*), count(*)
FROM (
    SELECT sku, location
    FROM demo.seed
    WHERE on_hand = asked
    ORDER BY sku, location
    LIMIT 5000
) AS s
CROSS JOIN LATERAL retail.reserve(s.sku, s.location, 1, 'shop') AS r
GROUP BY r.outcome;
