-- The evening before: every location receives its stock, in one delivery each.

SET TimeZone = 'Asia/Shanghai';
SELECT set_config('pg_retail.clock', (midnight - interval '4 hours')::text, false)
FROM demo.calendar \g /dev/null

-- Fresh goods come in lots.  In one store of five something of the last
-- delivery is still there, and may not be sold from midnight on.
CREATE TABLE demo.delivery AS
WITH stocked AS (
    SELECT location, sku, 3 + demo.pick(format('opening %s %s', location, sku), 7)
               + CASE WHEN rank <= 20 THEN demo.pick(format('extra %s %s', location, sku), 10) ELSE 0 END AS qty
    FROM demo.shelf
    UNION ALL
    SELECT l.code, s.code,
           CASE WHEN (l.code, s.code) = (f.location, f.sku) THEN f.stock ELSE 200 END
    FROM demo.flash AS f, retail.location AS l, retail.sku AS s
    WHERE l.code = 'W02' OR l.code = 'W01' AND NOT s.lot_tracked OR l.code = 'W03' AND s.lot_tracked
)
SELECT t.location, t.sku, t.qty::bigint AS qty,
       CASE WHEN s.lot_tracked THEN 'L' || to_char(midnight - interval '1 day', 'MMDD') END AS lot,
       CASE WHEN s.lot_tracked THEN midnight::date + s.shelf_life_days END AS expires_on
FROM demo.calendar, stocked AS t
JOIN retail.sku AS s ON s.code = t.sku
UNION ALL
SELECT t.location, t.sku, demo.pick(format('old %s %s', t.location, t.sku), 2),
       'L' || to_char(midnight - s.shelf_life_days * interval '1 day', 'MMDD'), midnight::date
FROM demo.calendar, stocked AS t
JOIN retail.sku AS s ON s.code = t.sku
WHERE s.lot_tracked AND demo.draw(format('leftover %s %s', t.location, t.sku)) < 0.2 AND t.location LIKE 'S%';

-- A delivery is one call and one transaction.
CREATE PROCEDURE demo.deliver()
LANGUAGE plpgsql AS $$
DECLARE
    place    text;
    delivery retail.receipt_line[];
BEGIN
    FOR place, delivery IN
        SELECT location, array_agg(ROW (sku, location, qty, lot, expires_on)::retail.receipt_line ORDER BY sku, lot)
        FROM demo.delivery
        GROUP BY location
        ORDER BY location
    LOOP
        INSERT INTO demo.tally (phase, call, outcome, lines, units)
        SELECT 'opening stock', 'receive_lines', r.outcome, count(*), sum(delivery[r.nr].qty)
        FROM retail.receive_lines(delivery, ref => 'DN-' || place)
            WITH ORDINALITY AS r (outcome, movement_id, on_hand, available, replayed, unrecorded_qty, shortage_qty, nr)
        GROUP BY r.outcome;
        COMMIT;
    END LOOP;
END
$$;
CALL demo.deliver();
ANALYZE retail.stock, retail.lot, retail.movement;
