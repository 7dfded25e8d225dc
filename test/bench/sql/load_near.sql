-- Loads the cells of every order's SKUs in the 40 stores nearest to it: a
-- reserve that cannot fit reads the counter and writes nothing.
SELECT format($$
SELECT count(*)
FROM retail.reserve_lines(
    (SELECT array_agg(ROW(sku, l.code, 1000000000000000)::retail.line)
     FROM bench.basket AS b, unnest(b.skus) AS sku,
          LATERAL (SELECT code FROM retail.location
                   ORDER BY geog OPERATOR(public.<->)
                       public.st_setsrid(public.st_makepoint(b.longitude, b.latitude), 4326)::public.geography
                   LIMIT 40) AS l
     WHERE b.id = %s),
    'app', mode => 'best_effort')
WHERE outcome <> 'insufficient'$$, id)
FROM bench.basket
\gexec
