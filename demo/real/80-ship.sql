-- Everything the flash sale sold leaves in one picking wave.

INSERT INTO demo.tally (phase, call, outcome, calls, lines, units)
SELECT 'picking wave', 'consume_lines', r.outcome, 1, count(*), sum(r.qty)
FROM (
    SELECT array_agg(id ORDER BY id) AS ids
    FROM retail.reservation
    WHERE order_ref = 'FLASH' AND status = 'committed'
) AS paid
CROSS JOIN LATERAL retail.consume_lines(paid.ids) AS r
GROUP BY r.outcome;
