-- The stage is set for the flash sale, on the real clock: the best-seller in the
-- busiest store, filled up to 1,000 units.

SET pg_retail.clock = '';

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
