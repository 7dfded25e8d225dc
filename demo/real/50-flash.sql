-- After the year: every stock that was seeded with exactly what the year asked
-- for is asked for one unit more; then the stage is set for the flash sale, on
-- the real clock.

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

SET pg_retail.clock = '';

-- The best-seller in the busiest store, filled up to 1,000 units.
INSERT INTO demo.flash
SELECT sku, location, 1000
FROM (SELECT sku FROM demo.line WHERE verdict LIKE 'played: 1%' GROUP BY sku ORDER BY sum(qty) DESC, sku LIMIT 1) AS best,
     (SELECT location FROM demo.line WHERE verdict LIKE 'played%' GROUP BY location ORDER BY count(*) DESC, location LIMIT 1) AS busiest;

WITH missing AS MATERIALIZED (
    SELECT sku, location, stock - retail.available(sku, location) AS qty
    FROM demo.flash
)
INSERT INTO demo.tally (phase, call, outcome, units)
SELECT 'flash sale', 'receive', r.outcome, m.qty
FROM missing AS m
CROSS JOIN LATERAL retail.receive(m.sku, m.location, m.qty, ref => 'FLASH') AS r;
