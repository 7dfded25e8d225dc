-- Stock by a rule, since the files have none: of each article, each of the
-- chain's stores gets what the year asks for and a fifth more, rounded up; one
-- pair in ten gets exactly what the year asks for, so that it must be sold out
-- in the end.  The hundred best-sellers also stand in every other location,
-- twelve each.

CREATE TABLE demo.seed AS
WITH asked AS (
    SELECT sku, location, sum(qty)::bigint AS asked
    FROM demo.line
    WHERE verdict LIKE 'played%'
    GROUP BY sku, location
), best AS (
    SELECT sku
    FROM demo.line
    WHERE verdict LIKE 'played: 1%'
    GROUP BY sku
    ORDER BY sum(qty) DESC, sku
    LIMIT 100
)
SELECT sku, location, asked,
       CASE
           WHEN demo.pick(format('stock %s %s', sku, location), 10) = 1 THEN asked
           ELSE asked + (asked + 4) / 5
       END AS on_hand
FROM asked
UNION ALL
SELECT b.sku, l.code, 0, 12
FROM best AS b
CROSS JOIN retail.location AS l
WHERE NOT EXISTS (SELECT FROM asked AS a WHERE a.sku = b.sku AND a.location = l.code);

BEGIN;
SELECT retail.bulk_write() \g /dev/null
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT k.id, l.id, s.on_hand
FROM demo.seed AS s
JOIN retail.sku AS k ON k.code = s.sku
JOIN retail.location AS l ON l.code = s.location
ORDER BY k.id, l.id;
COMMIT;
ANALYZE retail.stock, demo.seed;
