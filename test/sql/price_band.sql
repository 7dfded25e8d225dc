-- Type price_band: input and output, limits, operators, classes, indexes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

-- text_is_what_a_person_writes
SELECT '9.99 [9.50,10.48] CNY'::price_band AS two_decimals,
       '199 [180,218] JPY'::price_band AS none,
       E' 1.235[ 1.112 ,\n1.358 ]KWD '::price_band AS spaced,
       '0.05 [0.01,1.00] CNY'::price_band AS below_one;
SELECT '922337203685477.5807 [0.0001,922337203685477.5807] CLF'::price_band AS largest;

-- bad_text_is_refused
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text, detail text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query INTO message;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN NEXT;
END;
$$;

SELECT r.*
FROM unnest(ARRAY[
         '', '9.99', '9.99 CNY', '9.99 [9.50] CNY', '9.99 [9.50,10.48]', '9.99 [9.50,10.48] cny', '9.99 [9.50,10.48] CNYX',
         '9.99 [9.50,10.48] CN', '9.99 (9.50,10.48) CNY', '9.99 [9.50;10.48] CNY', '-9.99 [9.50,10.48] CNY', '9.99 [9.5,10.48] CNY',
         '9. [9.,10.] CNY', '9.99000 [9.50000,10.48000] CNY', '9.99 [10.00,10.48] CNY', '9.99 [9.50,9.98] CNY',
         '0.00 [0.00,1.00] CNY', '9.99 [0.00,10.48] CNY', '1e3 [1e3,1e3] JPY', '922337203685478 [1,922337203685478] JPY',
         '99999999999999999999 [1,2] JPY', '9.99 [9.50,10.48] 人民币', 'NaN [NaN,NaN] CNY'
     ]) WITH ORDINALITY AS t (literal, n),
     LATERAL pg_temp.refusal(format('SELECT %L::retail.price_band', t.literal)) AS r
ORDER BY t.n;

-- a_long_literal_is_cut_in_the_message
SELECT code, length(message) < 200 AS short
FROM pg_temp.refusal(format('SELECT %L::retail.price_band', repeat('元', 4000)));

-- a_message_says_what_to_write
SELECT '9.50-10.48 CNY'::price_band;

-- limits_are_rounded_into_the_band
SELECT price_band(9.99, 5, 5, 'CNY', 2) AS cny, price_band(199, 10, 10, 'JPY', 0) AS jpy,
       price_band(1.235, 10, 10, 'KWD', 3) AS kwd, price_band(9.99, 0, 0, 'CNY', 2) AS fixed,
       price_band(9.99, 99.9999, 250, 'CNY', 2) AS wide, price_band(0.01, 50, 50, 'CNY', 2) AS one_fen;

-- percentages_finer_than_a_basis_point_are_exact
SELECT price_band(100000, 0.0001, 0.0001, 'JPY', 0) AS a_tenth_of_a_yen,
       price_band(1000000, 0.0001, 0.0001, 'JPY', 0) AS one_yen,
       price_band(300, 33.3333, 33.3333, 'JPY', 0) AS less_than_a_third,
       price_band(300, 33.33000, 33.34000, 'JPY', 0) AS trailing_zeros;

-- the_bounds_themselves_are_legal
SELECT b, p.amount, b @> p.amount AS legal
FROM (VALUES (price_band(9.99, 5, 5, 'CNY', 2), ARRAY[9.49, 9.495, 9.4999999, 9.50, 9.5, 9.500000, 10.48, 10.485, 10.49, 0, -9.99, 'NaN', 'Infinity', '-Infinity', 1e30, 1e-30]::numeric[]),
             (price_band(199, 10, 10, 'JPY', 0), ARRAY[179, 180, 218, 219, 199.5]),
             (price_band(1.235, 10, 10, 'KWD', 3), ARRAY[1.111, 1.112, 1.358, 1.359, 1.2345])) AS t (b, amounts),
     unnest(t.amounts) WITH ORDINALITY AS p (amount, n)
ORDER BY b, p.n;
SELECT 10 <@ b AS from_the_right, NULL::numeric <@ b AS unknown, b @> 10::int AS whole
FROM (SELECT price_band(9.99, 5, 5, 'CNY', 2)) AS t (b);

-- a_missing_base_makes_no_band
SELECT t.args, r.*
FROM unnest(ARRAY[
         $$0, 5, 5, 'CNY', 2$$, $$NULL, 5, 5, 'CNY', 2$$, $$-1, 5, 5, 'CNY', 2$$, $$9.999, 5, 5, 'CNY', 2$$, $$9.990, 5, 5, 'CNY', 2$$,
         $$199.5, 5, 5, 'JPY', 0$$, $$9.99, -1, 5, 'CNY', 2$$, $$9.99, 5, -1, 'CNY', 2$$, $$9.99, 100, 5, 'CNY', 2$$, $$9.99, 5.00001, 5, 'CNY', 2$$,
         $$9.99, 5, 'NaN', 'CNY', 2$$, $$'NaN', 5, 5, 'CNY', 2$$, $$'Infinity', 5, 5, 'CNY', 2$$, $$9.99, 5, 'Infinity', 'CNY', 2$$, $$9.99, NULL, 5, 'CNY', 2$$,
         $$9.99, 5, 5, NULL, 2$$, $$9.99, 5, 5, 'cny', 2$$, $$9.99, 5, 5, 'RENMINBI', 2$$, $$9.99, 5, 5, '', 2$$, $$9.99, 5, 5, '元', 2$$,
         $$9.99, 5, 5, 'CNY', NULL$$, $$9.99, 5, 5, 'CNY', -1$$, $$9.99, 5, 5, 'CNY', 5$$, $$1e30, 5, 5, 'CNY', 2$$, $$92233720368547758.07, 5, 0, 'CNY', 2$$,
         $$922337203685477.58, 5, 0, 'CNY', 2$$, $$922337203685477.58, 5, 0.0001, 'CNY', 2$$, $$9.99, 5, 900000000000000, 'CNY', 2$$,
         $$9.99, 5, 1e20, 'CNY', 2$$, $$0.00001, 5, 5, 'CLF', 4$$, $$1e-200, 5, 5, 'CNY', 2$$
     ]) WITH ORDINALITY AS t (args, n),
     LATERAL pg_temp.refusal(format('SELECT retail.price_band(%s)', t.args)) AS r
ORDER BY t.n;

-- limits_can_be_given
SELECT t.args, r.*
FROM unnest(ARRAY[
         $$9.99, 9.50, 10.48, 'CNY', 2$$, $$9.99, 9.99, 9.99, 'CNY', 2$$, $$9.99, 10, 12, 'CNY', 2$$, $$9.99, 0, 12, 'CNY', 2$$, $$9.99, -2, 12, 'CNY', 2$$,
         $$9.99, 9.501, 12, 'CNY', 2$$, $$9.99, NULL, 12, 'CNY', 2$$, $$9.99, 9.5, 1e15, 'CNY', 2$$
     ]) WITH ORDINALITY AS t (args, n),
     LATERAL pg_temp.refusal(format('SELECT retail.price_band_from_limits(%s)', t.args)) AS r
ORDER BY t.n;

-- parts_have_the_decimals_of_the_currency
SELECT b, base(b), low(b), high(b), currency_code(b), decimals(b)
FROM unnest(ARRAY[price_band(10, 5, 5, 'CNY', 2), price_band(199, 10, 10, 'JPY', 0), price_band(0.5, 10, 10, 'KWD', 3)]) AS b;

-- clamp_finds_the_nearest_legal_price
SELECT a AS amount, clamp(price_band(9.99, 5, 5, 'CNY', 2), a) AS cny, clamp(price_band(10, 10, 10, 'JPY', 0), a) AS jpy
FROM unnest(ARRAY[1, 9.49, 9.494999, 9.495, 9.505, 9.5049, 10, 10.484999, 10.49, 1e-30, 1e30, -5, 'Infinity', '-Infinity']::numeric[]) WITH ORDINALITY AS t (a, n)
ORDER BY n;
SELECT * FROM pg_temp.refusal($$SELECT retail.clamp('9.99 [9.50,10.48] CNY', 'NaN')$$);

-- intersection_keeps_the_left_base_where_it_can
SELECT a, b, a && b AS overlap, CASE WHEN a && b THEN a * b END AS common, CASE WHEN a && b THEN b * a END AS other_way
FROM (VALUES ('9.99 [9.50,10.48] CNY'::price_band, '9.99 [9.80,10.80] CNY'::price_band),
             ('9.99 [9.50,10.48] CNY', '11.99 [10.00,12.80] CNY'),
             ('9.99 [9.50,10.48] CNY', '11.99 [10.48,12.80] CNY'),
             ('9.99 [9.50,10.48] CNY', '11.99 [10.49,12.80] CNY'),
             ('9.99 [9.50,10.48] CNY', '9.99 [9.50,10.48] USD'),
             ('9.99 [9.50,10.48] CNY', '9.990 [9.500,10.480] CNY')) AS t (a, b);
SELECT b AS other, r.*
FROM unnest(ARRAY['11.99 [10.49,12.80] CNY', '9.99 [9.50,10.48] USD', '9.990 [9.500,10.480] CNY']) AS b,
     LATERAL pg_temp.refusal(format('SELECT ''9.99 [9.50,10.48] CNY''::retail.price_band OPERATOR(retail.*) %L', b)) AS r;

-- order_is_by_currency_decimals_base_low_high
SELECT b
FROM unnest(ARRAY['9.99 [9.50,10.48] USD', '199 [180,218] JPY', '9.99 [9.50,10.49] CNY', '9.99 [9.40,10.60] CNY', '9.99 [9.50,10.48] CNY',
                  '1.235 [1.112,1.358] CNY', '10.00 [1.00,11.00] CNY', '1234 [1,2000] JPY']::price_band[]) AS b
ORDER BY b;
SELECT a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a >= b AS ge, a > b AS gt
FROM (VALUES ('9.99 [9.50,10.48] CNY'::price_band, '9.99 [9.50,10.48] CNY'::price_band),
             ('9.99 [9.50,10.48] CNY', '9.99 [9.50,10.49] CNY')) AS t (a, b);

-- random_bands_obey_the_laws_of_their_operators
SELECT setseed(0.42);
CREATE TEMP TABLE sample AS
SELECT i AS id, price_band_from_limits((low + middle) / 10::numeric ^ d, low / 10::numeric ^ d, (low + middle + more) / 10::numeric ^ d, currency, d) AS b
FROM (SELECT i, 1 + (random() * 60)::int::numeric AS low, (random() * 9)::int AS middle, (random() * 9)::int AS more,
             (ARRAY['CNY', 'CNY', 'JPY', 'KWD', 'CNY'])[u] AS currency, (ARRAY[2, 2, 0, 3, 3])[u] AS d
      FROM (SELECT i, 1 + i % 5 AS u FROM generate_series(1, 400) AS i) AS units) AS t;
SELECT count(*) > 100000 AS many_pairs,
       bool_and((a.b && c.b) = (c.b && a.b)) AS overlap_commutes,
       bool_and((a.b && c.b) = (currency_code(a.b) = currency_code(c.b) AND decimals(a.b) = decimals(c.b) AND low(a.b) <= high(c.b) AND low(c.b) <= high(a.b))) AS overlap_is_by_limits,
       bool_and((a.b @> base(c.b)) = (base(c.b) BETWEEN low(a.b) AND high(a.b) AND base(c.b) = round(base(c.b), decimals(a.b)))) AS contains_is_by_limits,
       bool_and(a.b @> clamp(a.b, base(c.b))) AS clamp_is_legal,
       bool_and((a.b @> base(c.b)) = (clamp(a.b, base(c.b)) = base(c.b))) AS clamp_leaves_legal_prices
FROM sample AS a, sample AS c;
SELECT bool_and((a.b = c.b) = (a.b::text = c.b::text)) AS equal_is_same_text,
       bool_and((a.b < c.b) = (c.b > a.b) AND (a.b < c.b) <> (a.b >= c.b) AND (a.b <= c.b) <> (a.b > c.b)) AS order_is_total,
       bool_and(a.b <> c.b OR price_band_hash(a.b) = price_band_hash(c.b) AND price_band_hash_extended(a.b, 7) = price_band_hash_extended(c.b, 7)) AS equal_hashes_equal,
       bool_and(a.b = price_band_from_limits(base(a.b), low(a.b), high(a.b), currency_code(a.b), decimals(a.b))) AS parts_rebuild
FROM sample AS a, sample AS c;
SELECT count(*) > 5000 AS many_pairs,
       bool_and(low(a.b * c.b) = greatest(low(a.b), low(c.b)) AND high(a.b * c.b) = least(high(a.b), high(c.b))) AS limits_meet,
       bool_and(base(a.b * c.b) = clamp(a.b * c.b, base(a.b))) AS base_is_the_left_one,
       bool_and(low(a.b * c.b) = low(c.b * a.b) AND high(a.b * c.b) = high(c.b * a.b)) AS limits_commute
FROM sample AS a, sample AS c
WHERE a.b && c.b;

-- random_bands_are_those_of_numeric_arithmetic
SELECT count(*) AS bands,
       count(*) FILTER (WHERE low(b) <> ceil(base * (100 - below) / 100 * 10::numeric ^ d) / 10::numeric ^ d
                           OR high(b) <> floor(base * (100 + above) / 100 * 10::numeric ^ d) / 10::numeric ^ d
                           OR base(b) <> base) AS wrong
FROM (SELECT base, below, above, d, price_band(base, below, above, 'CLF', d) AS b
      FROM (SELECT d, ((random() * 10000000)::int + 1) / 10::numeric ^ d AS base, round((random() * 99)::numeric, i % 5) AS below, round((random() * 200)::numeric, i % 4) AS above
            FROM (SELECT i, i % 5 AS d FROM generate_series(1, 20000) AS i) AS n) AS t) AS made;

-- classes_are_complete
SELECT amname, amvalidate(o.oid)
FROM pg_opclass AS o JOIN pg_am AS a ON a.oid = o.opcmethod
WHERE opcname = 'price_band_ops'
ORDER BY amname;

-- tree_and_hash_agree_with_text
CREATE TEMP TABLE tree AS SELECT b FROM sample;
CREATE INDEX tree_index ON tree USING btree (b);
CREATE TEMP TABLE hashed AS SELECT b FROM sample;
CREATE INDEX hashed_index ON hashed USING hash (b);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT FROM tree WHERE b = '199 [180,218] JPY';
EXPLAIN (COSTS OFF) SELECT FROM hashed WHERE b = '199 [180,218] JPY';
SELECT count(*) AS wrong
FROM (SELECT b, count(*) AS n FROM sample GROUP BY b) AS s
WHERE n <> (SELECT count(*) FROM tree WHERE tree.b = s.b)
   OR n <> (SELECT count(*) FROM hashed WHERE hashed.b = s.b)
   OR n <> (SELECT count(*) FROM sample AS t WHERE t.b::text = s.b::text);
RESET enable_seqscan;
RESET enable_bitmapscan;
CREATE TABLE pg_temp.part (b price_band) PARTITION BY HASH (b);
CREATE TABLE pg_temp.part_0 PARTITION OF pg_temp.part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE pg_temp.part_1 PARTITION OF pg_temp.part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO pg_temp.part SELECT b FROM sample;
SELECT count(*) FILTER (WHERE tableoid = 'pg_temp.part_0'::regclass) > 50 AS some_here,
       count(*) FILTER (WHERE tableoid = 'pg_temp.part_1'::regclass) > 50 AS some_there
FROM pg_temp.part;

-- index_scans_find_what_sequential_scans_find
-- Half of the rows come after the index, so that pages are also split by
-- inserts; some are NULL, and a third go away again.
CREATE TEMP TABLE shelf (id int, category int, b price_band);
CREATE FUNCTION pg_temp.random_shelf(first int, last int) RETURNS TABLE (id int, category int, b price_band) LANGUAGE sql AS $$
    SELECT i, i % 7,
           CASE WHEN i % 97 > 0 THEN
               price_band((trunc(exp(random() * 9)::numeric) + 1) / 10::numeric ^ d, round((random() * 30)::numeric, 2), round((random() * 30)::numeric, 2), currency, d)
           END
    FROM (SELECT i, (ARRAY['CNY', 'CNY', 'CNY', 'JPY', 'KWD', 'CNY'])[u] AS currency, (ARRAY[2, 2, 2, 0, 3, 3])[u] AS d
          FROM (SELECT i, 1 + floor(random() * 6)::int AS u FROM generate_series(first, last) AS i) AS units) AS t
$$;
INSERT INTO shelf SELECT * FROM pg_temp.random_shelf(1, 6000);
CREATE INDEX shelf_band ON shelf USING gist (b);
INSERT INTO shelf SELECT * FROM pg_temp.random_shelf(6001, 12000);
DELETE FROM shelf WHERE id % 3 = 1;
VACUUM ANALYZE shelf;
CREATE TEMP TABLE question AS
SELECT id AS question, round(base(b) + ((random() * 4)::int - 2) / 10::numeric ^ decimals(b), id % 4) AS amount, b
FROM pg_temp.random_shelf(1, 300)
WHERE b IS NOT NULL;
CREATE FUNCTION pg_temp.answers(scan text) RETURNS TABLE (question int, contain int[], within int[], overlap int[]) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('enable_seqscan', (scan = 'seq')::text, true),
        set_config('enable_indexscan', (scan = 'index')::text, true),
        set_config('enable_bitmapscan', (scan = 'bitmap')::text, true);
    RETURN QUERY EXECUTE $query$
        SELECT question,
            ARRAY(SELECT id FROM shelf AS s WHERE s.b @> q.amount ORDER BY id),
            ARRAY(SELECT id FROM shelf AS s WHERE q.amount <@ s.b ORDER BY id),
            ARRAY(SELECT id FROM shelf AS s WHERE s.b && q.b ORDER BY id)
        FROM question AS q
    $query$;
END;
$$;
CREATE TEMP TABLE by_seq AS SELECT * FROM pg_temp.answers('seq');
CREATE TEMP TABLE by_index AS SELECT * FROM pg_temp.answers('index');
CREATE TEMP TABLE by_bitmap AS SELECT * FROM pg_temp.answers('bitmap');
SELECT count(*) > 250 AS many_questions, sum(cardinality(contain)) > 10000 AS many_contain, sum(cardinality(overlap)) > 10000 AS many_overlap,
       count(*) FILTER (WHERE contain <> within) AS left_and_right_differ
FROM by_seq;
SELECT count(*) > 250 AS all_there,
       count(*) FILTER (WHERE (s.contain, s.within, s.overlap) IS DISTINCT FROM (i.contain, i.within, i.overlap)) AS index_differs,
       count(*) FILTER (WHERE (s.contain, s.within, s.overlap) IS DISTINCT FROM (m.contain, m.within, m.overlap)) AS bitmap_differs
FROM by_seq AS s JOIN by_index AS i USING (question) JOIN by_bitmap AS m USING (question);
SET enable_seqscan = off;
SET enable_indexscan = off;
EXPLAIN (COSTS OFF) SELECT FROM shelf WHERE b @> 9.90;
EXPLAIN (COSTS OFF) SELECT FROM shelf WHERE 9.90 <@ b;
EXPLAIN (COSTS OFF) SELECT FROM shelf WHERE b && '9.99 [9.50,10.48] CNY';
RESET enable_seqscan;
RESET enable_indexscan;

-- an_index_of_two_columns_and_the_amounts_at_the_bounds
DROP INDEX shelf_band;
CREATE INDEX shelf_category ON shelf USING gist (category, b);
CREATE TEMP TABLE bound AS
SELECT question % 7 AS category, e.amount
FROM question AS q, LATERAL (VALUES (low(q.b)), (high(q.b)), (high(q.b) + 0.00001), ('NaN'), ('Infinity'), (-1), (1e30)) AS e (amount);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT ARRAY(SELECT id FROM shelf AS s WHERE s.category = d.category AND s.b @> d.amount) FROM bound AS d;
CREATE TEMP TABLE by_category AS
SELECT category, amount, ARRAY(SELECT id FROM shelf AS s WHERE s.category = d.category AND s.b @> d.amount ORDER BY id) AS found
FROM bound AS d;
RESET enable_seqscan;
SET enable_indexscan = off;
SELECT count(*) > 1500 AS many, count(*) FILTER (WHERE cardinality(found) > 0) > 400 AS some_found,
       count(*) FILTER (WHERE found <> ARRAY(SELECT id FROM shelf AS s WHERE s.category = d.category AND s.b @> d.amount ORDER BY id)) AS differences
FROM by_category AS d;
RESET enable_indexscan;
RESET enable_bitmapscan;

-- an_exclusion_constraint_keeps_bands_apart
CREATE TEMP TABLE ladder (category text, b price_band, EXCLUDE USING gist (category WITH =, b WITH &&));
INSERT INTO ladder VALUES ('rice', '19.90 [15.00,24.99] CNY'), ('rice', '29.90 [25.00,34.99] CNY'), ('soap', '19.90 [15.00,24.99] CNY'), ('rice', '19.90 [15.00,24.99] USD');
SELECT * FROM pg_temp.refusal($$INSERT INTO ladder VALUES ('rice', '34.99 [34.99,39.99] CNY')$$);

-- index_keys_are_no_values
SELECT * FROM pg_temp.refusal($$SELECT '[1,2] CNY/2 CNY/2'::retail.price_band_key$$);

-- parallel_workers_may_look_into_bands
CREATE TABLE public.parallel_band AS SELECT id, b FROM shelf;
ANALYZE parallel_band;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT count(*) FROM parallel_band WHERE b @> 9.90;
SELECT count(*) = (SELECT count(*) FROM shelf WHERE b @> 9.90) AS same FROM parallel_band WHERE b @> 9.90;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
DROP TABLE parallel_band;

-- binary_form_is_documented
SELECT price_band_send('9.99 [9.50,10.48] CNY');

-- copy_binary_round_trips
CREATE TEMP TABLE binary_source AS SELECT b FROM sample UNION ALL SELECT b FROM shelf UNION ALL SELECT '922337203685477.5807 [0.0001,922337203685477.5807] CLF';
CREATE TEMP TABLE binary_copy (b price_band);
COPY binary_source TO PROGRAM 'cat > pg_retail_price_band_test.bin' (FORMAT binary);
COPY binary_copy FROM PROGRAM 'cat pg_retail_price_band_test.bin; rm -f pg_retail_price_band_test.bin' (FORMAT binary);
SELECT (SELECT count(*) FROM binary_source) = (SELECT count(*) FROM binary_copy) AS same_number,
       (SELECT count(*) FROM (TABLE binary_source EXCEPT ALL TABLE binary_copy) AS d) AS missing;

-- Hands bytes to the receive function: a COPY stream of one field, printed by
-- the shell.
CREATE FUNCTION pg_temp.receive(field bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    stream bytea := 'PGCOPY\012\377\015\012\000'::bytea || int4send(0) || int4send(0)
        || int2send(1::smallint) || int4send(length(field)) || field || int2send((-1)::smallint);
    printed text;
BEGIN
    SELECT string_agg('\' || lpad(((b >> 6) * 100 + ((b >> 3) & 7) * 10 + (b & 7))::text, 3, '0'), '' ORDER BY i)
    INTO printed
    FROM (SELECT i, get_byte(stream, i) AS b FROM generate_series(0, length(stream) - 1) AS i) AS t;
    EXECUTE format('COPY binary_copy FROM PROGRAM %L (FORMAT binary)', 'printf ''' || printed || '''');
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate;
END;
$$;

-- malformed_binary_is_refused
SELECT t.what, pg_temp.receive(t.field::bytea)
FROM (VALUES
    (1, 'good', '\x01 02 434e59 00000000000003e7 00000000000003b6 0000000000000418'),
    (2, 'no byte at all', '\x'),
    (3, 'unknown version', '\x02 02 434e59 00000000000003e7 00000000000003b6 0000000000000418'),
    (4, 'cut short', '\x01 02 434e59 00000000000003e7 00000000000003b6 00000000000004'),
    (5, 'bytes left over', '\x01 02 434e59 00000000000003e7 00000000000003b6 0000000000000418 00'),
    (6, 'five decimals', '\x01 05 434e59 00000000000003e7 00000000000003b6 0000000000000418'),
    (7, 'decimals 255', '\x01 ff 434e59 00000000000003e7 00000000000003b6 0000000000000418'),
    (8, 'small letters', '\x01 02 636e79 00000000000003e7 00000000000003b6 0000000000000418'),
    (9, 'zero byte in the currency', '\x01 02 434e00 00000000000003e7 00000000000003b6 0000000000000418'),
    (10, 'low above base', '\x01 02 434e59 00000000000003e7 00000000000003e8 0000000000000418'),
    (11, 'high below base', '\x01 02 434e59 00000000000003e7 00000000000003b6 00000000000003e6'),
    (12, 'base 0', '\x01 02 434e59 0000000000000000 0000000000000000 0000000000000418'),
    (13, 'base negative', '\x01 02 434e59 ffffffffffffffff 00000000000003b6 0000000000000418'),
    (14, 'high too large', '\x01 02 434e59 00000000000003e7 00000000000003b6 7fffffffffffffff')
) AS t (n, what, field)
ORDER BY t.n;

-- random_and_damaged_binary_is_refused_or_a_valid_band
TRUNCATE binary_copy;
CREATE FUNCTION pg_temp.damaged(field bytea) RETURNS bytea
LANGUAGE plpgsql AS $$
DECLARE
    place int := floor(random() * length(field));
    byte int := CASE WHEN random() < 0.5 THEN floor(random() * 256) ELSE floor(random() * 3) END;
BEGIN
    IF length(field) = 0 THEN
        RETURN field;
    END IF;
    CASE floor(random() * 8)
        WHEN 0 THEN RETURN substr(field, 1, place);
        WHEN 1 THEN RETURN substr(field, 1, place) || set_byte('\x00'::bytea, 0, byte) || substr(field, place + 1);
        WHEN 2, 3, 4 THEN RETURN set_byte(field, place, byte);
        ELSE RETURN set_bit(field, place * 8 + floor(random() * 8)::int, (random() * 1)::int);
    END CASE;
END;
$$;
CREATE TEMP TABLE fuzz AS
SELECT pg_temp.receive(f) AS outcome
FROM (SELECT pg_temp.damaged(price_band_send(b)) AS f FROM sample
      UNION ALL
      SELECT pg_temp.damaged(pg_temp.damaged(price_band_send(b))) FROM sample WHERE id <= 200
      UNION ALL
      SELECT '\x01'::bytea || (SELECT string_agg(set_byte('\x00'::bytea, 0, floor(random() * 256 + 0 * i)::int), '')
                               FROM generate_series(1, 28 + 0 * s) AS i)
      FROM generate_series(1, 100) AS s) AS fields;
SELECT count(*) = 700 AS many,
       count(*) FILTER (WHERE outcome = 'accepted') > 50 AS some_accepted,
       count(*) FILTER (WHERE outcome = '22P03') > 200 AS many_refused,
       count(*) FILTER (WHERE outcome NOT IN ('accepted', '22P03')) AS unexpected
FROM fuzz;
SELECT (SELECT count(*) FROM fuzz WHERE outcome = 'accepted') = count(*) AS nothing_stored_for_a_refusal,
       count(*) FILTER (WHERE b <> b::text::price_band
           OR NOT (0 < low(b) AND low(b) <= base(b) AND base(b) <= high(b))
           OR currency_code(b) !~ '^[A-Z]{3}$' OR decimals(b) NOT BETWEEN 0 AND 4) AS accepted_but_not_valid
FROM binary_copy;

-- damaged_storage_is_reported
-- any bytes become a band through a type of the same size
BEGIN;
CREATE TYPE public.bytes32;
CREATE FUNCTION public.bytes32_in(cstring) RETURNS bytes32 LANGUAGE internal IMMUTABLE STRICT AS 'namein';
CREATE FUNCTION public.bytes32_out(bytes32) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'nameout';
CREATE TYPE public.bytes32 (INPUT = bytes32_in, OUTPUT = bytes32_out, INTERNALLENGTH = 32, ALIGNMENT = double);
CREATE CAST (bytes32 AS retail.price_band) WITHOUT FUNCTION;
CREATE FUNCTION pg_temp.damaged_band() RETURNS price_band LANGUAGE sql AS $$SELECT 'junkjunkjunkjunkjunkjunkjunkju'::public.bytes32::retail.price_band$$;
SELECT t.call, r.code, r.message
FROM unnest(ARRAY['d::text', 'retail.base(d)', 'd OPERATOR(retail.@>) 5', 'd OPERATOR(retail.=) d', 'retail.price_band_hash(d)',
                  'retail.clamp(d, 1)', 'd OPERATOR(retail.*) d', 'd OPERATOR(retail.&&) d', 'retail.price_band_send(d)']) WITH ORDINALITY AS t (call, n),
     LATERAL pg_temp.refusal(format('SELECT %s FROM pg_temp.damaged_band() AS d', t.call)) AS r
ORDER BY t.n;
CREATE TEMP TABLE damaged AS SELECT pg_temp.damaged_band() AS b;
SELECT * FROM pg_temp.refusal('CREATE INDEX ON damaged USING gist (b)');
ROLLBACK;
