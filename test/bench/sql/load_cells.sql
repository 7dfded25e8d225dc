-- Loads the cells of SKUs :from_sku to :to_sku in all locations, 10,000 per
-- transaction: a reserve that cannot fit reads the counter and writes nothing.
SELECT format($$
SELECT count(*)
FROM retail.reserve_lines(
    (SELECT array_agg(ROW(s, l, 1000000000000000)::retail.line)
     FROM generate_series(%s, %s) AS s, generate_series(1, %s) AS l),
    'app', mode => 'best_effort')
WHERE outcome <> 'insufficient'$$, s, least(s + 10000 / :locations - 1, :to_sku), :locations)
FROM generate_series(:from_sku, :to_sku, greatest(10000 / :locations, 1)) AS s
\gexec
