-- Type inventory_pool: input and output, operators, classes, aggregates.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

-- text_is_sorted_and_zeros_are_dropped
SELECT '{7:12,1:30}'::inventory_pool AS sorted,
       '{1:0,2:5}'::inventory_pool AS zero_dropped,
       '{}'::inventory_pool AS empty,
       E' { 001 : 30 ,\n7:012 } '::inventory_pool AS spaced,
       '{2147483647:9223372036854775807}'::inventory_pool AS largest;

-- bad_text_is_refused
CREATE FUNCTION pg_temp.refusal(query text) RETURNS TABLE (code text, message text, detail text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN NEXT;
END;
$$;

SELECT t.literal, r.*
FROM unnest(ARRAY[
         '', '1:2', '{', '{1', '{1:', '{1:2', '{1:2,}', '{1:2}x', '{1:-2}', '{-1:2}',
         '{1:2.5}', '{1 2:3}', '{1:2,1:3}', '{1:2,1:0}', '{0:1}', '{2147483648:1}',
         '{1:9223372036854775808}', '{1:9223372036854775807,2:1}', '{库:1}',
         '{"1":2}', '{1=>2}', 'null'
     ]) WITH ORDINALITY AS t (literal, n),
     LATERAL pg_temp.refusal(format('SELECT %L::retail.inventory_pool', t.literal)) AS r
ORDER BY t.n;

-- a_long_literal_is_cut_in_the_message
SELECT code, length(message) < 200 AS short
FROM pg_temp.refusal(format('SELECT %L::retail.inventory_pool', repeat('库', 4000)));

-- a_message_says_what_to_write
SELECT '{1:30;7:12}'::inventory_pool;

-- constructor_takes_arrays_in_any_order
SELECT inventory_pool(ARRAY[7, 1, 4], ARRAY[12, 30, 0]) AS pool,
       inventory_pool('{}', '{}') AS empty,
       inventory_pool('[5:6]={3,9}'::int[], ARRAY[1, 2]) AS other_lower_bound,
       inventory_pool(NULL, '{1}') IS NULL AS null_in_null_out;

SELECT t.args, r.*
FROM unnest(ARRAY[
         $$'{1,2}', '{1}'$$, $$'{1,NULL}', '{1,2}'$$, $$'{1,2}', '{1,NULL}'$$,
         $$'{{1},{2}}', '{1,2}'$$, $$'{1,1}', '{1,2}'$$, $$'{0}', '{1}'$$, $$'{-3}', '{1}'$$,
         $$'{1}', '{-1}'$$, $$'{1,2}', '{9223372036854775807,1}'$$
     ]) WITH ORDINALITY AS t (args, n),
     LATERAL pg_temp.refusal(format('SELECT retail.inventory_pool(%s)', t.args)) AS r
ORDER BY t.n;

-- the_limit_of_locations_is_a_million
SELECT locations(inventory_pool(array_agg(i), array_agg(1::bigint))) FROM generate_series(1, 1000000) AS i;
SELECT inventory_pool(array_agg(i), array_agg(1::bigint)) FROM generate_series(1, 1000001) AS i;
SELECT inventory_pool_agg(i, 1) FROM generate_series(1, 1000001) AS i;
SELECT locations(inventory_pool_agg(i, 1) + '{1:5}')
FROM generate_series(1, 1000000) AS i;
SELECT inventory_pool_agg(i, 1) + '{1000001:5}' FROM generate_series(1, 1000000) AS i;

-- questions_about_one_pool
SELECT total(p), locations(p), at(p, 7) AS at_7, at(p, 8) AS at_8, p -> 1 AS arrow, p -> -1 AS nowhere
FROM (VALUES ('{1:30,7:12,9:8}'::inventory_pool), ('{}')) AS t (p);
SELECT * FROM entries('{9:8,1:30,7:12}');
SELECT count(*) FROM entries('{}');
SELECT q AS qty, fewest('{1:30,7:12,9:8}', q)
FROM unnest(ARRAY[0, 1, 30, 31, 42, 43, 50, 51]) AS q;
SELECT fewest('{1:30}', -1);

-- operators
SELECT '{1:30,7:12}'::inventory_pool + '{2:5,7:1}' AS plus,
       '{1:30,7:12}'::inventory_pool - '{1:5,2:9,7:13}' AS minus,
       '{}'::inventory_pool + '{}' AS nothing,
       '{1:1}'::inventory_pool - '{1:1}' AS used_up;
SELECT '{1:9223372036854775807}'::inventory_pool + '{2:1}';
SELECT '{1:9223372036854775807}'::inventory_pool + '{1:1}';
SELECT p @> 42 AS fills_42, p @> 43::bigint AS fills_43, 42 <@ p AS filled_by,
       p @> -1 AS below_zero,
       p @> '{7:12}'::inventory_pool AS contains, p @> '{7:13}'::inventory_pool AS too_much,
       p @> '{8:1}'::inventory_pool AS elsewhere, '{}'::inventory_pool <@ p AS empty_fits,
       '{1:31}'::inventory_pool <@ p AS not_contained
FROM (SELECT '{1:30,7:12}'::inventory_pool) AS t (p);

-- order_is_lexicographic
SELECT p
FROM unnest(ARRAY['{2:1}', '{1:30,7:12}', '{}', '{1:30}', '{1:5,2:9}', '{1:30,7:2}']::inventory_pool[]) AS p
ORDER BY p;
SELECT '{1:2}' = p AS eq, '{1:2}' <> p AS ne, '{1:1}' < p AS lt, '{1:2}' <= p AS le, '{1:2}' >= p AS ge, '{2:1}' > p AS gt
FROM (SELECT '{1:2}'::inventory_pool) AS t (p);

-- random_pools_obey_the_laws_of_their_operators
SELECT setseed(0.42);
CREATE TEMP TABLE sample AS
SELECT s AS id, inventory_pool_agg(1 + (random() * 20)::int, (random() * 6)::bigint) AS p
FROM generate_series(1, 300) AS s, generate_series(1, 1 + s % 5)
GROUP BY s;
SELECT count(*) > 80000 AS many_pairs,
       bool_and(a.p + b.p = b.p + a.p) AS plus_commutes,
       bool_and(total(a.p + b.p) = total(a.p) + total(b.p)) AS totals_add,
       bool_and(a.p + b.p - b.p = a.p) AS minus_undoes_plus,
       bool_and((a.p + b.p) @> a.p) AS sum_contains,
       bool_and((a.p @> b.p) = (a.p - b.p + b.p = a.p)) AS contains_means_no_clamp,
       bool_and((a.p @> b.p AND b.p @> a.p) = (a.p = b.p)) AS antisymmetric,
       bool_and((a.p = b.p) = (a.p::text = b.p::text)) AS equal_is_same_text,
       bool_and((a.p < b.p) = (b.p > a.p) AND (a.p < b.p) <> (a.p >= b.p) AND (a.p <= b.p) <> (a.p > b.p)) AS order_is_total,
       bool_and(a.p <> b.p OR inventory_pool_hash(a.p) = inventory_pool_hash(b.p)) AS equal_hashes_equal,
       bool_and(a.p = inventory_pool(ARRAY(SELECT location_id FROM entries(a.p)), ARRAY(SELECT qty FROM entries(a.p)))) AS entries_rebuild
FROM sample AS a, sample AS b;

-- classes_agree_with_each_other_and_with_text
CREATE TEMP TABLE tree AS SELECT p FROM sample;
CREATE INDEX tree_index ON tree USING btree (p);
CREATE TEMP TABLE hashed AS SELECT p FROM sample;
CREATE INDEX hashed_index ON hashed USING hash (p);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT FROM tree WHERE p = '{1:2}';
EXPLAIN (COSTS OFF) SELECT FROM hashed WHERE p = '{1:2}';
SELECT count(*) = 0 AS same_counts
FROM (SELECT p, count(*) AS n FROM sample GROUP BY p) AS s
WHERE n <> (SELECT count(*) FROM tree WHERE tree.p = s.p)
   OR n <> (SELECT count(*) FROM hashed WHERE hashed.p = s.p)
   OR n <> (SELECT count(*) FROM sample AS t WHERE t.p::text = s.p::text);
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_mergejoin = off;
SET enable_nestloop = off;
CREATE TEMP TABLE joined AS SELECT count(*) AS by_hash FROM sample AS a JOIN sample AS b USING (p);
SET enable_hashjoin = off;
RESET enable_mergejoin;
SELECT count(*) = (SELECT by_hash FROM joined) AS merge_join_equals_hash_join
FROM sample AS a JOIN sample AS b USING (p);
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'inventory_pool_ops' ORDER BY opcmethod;
CREATE TABLE pg_temp.part (p inventory_pool) PARTITION BY HASH (p);
CREATE TABLE pg_temp.part_0 PARTITION OF pg_temp.part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE pg_temp.part_1 PARTITION OF pg_temp.part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO pg_temp.part SELECT p FROM sample;
SELECT count(*) FILTER (WHERE tableoid = 'pg_temp.part_0'::regclass) > 50 AS some_here,
       count(*) FILTER (WHERE tableoid = 'pg_temp.part_1'::regclass) > 50 AS some_there
FROM pg_temp.part;

-- a_large_pool_survives_toast
CREATE TEMP TABLE large (id int, p inventory_pool);
INSERT INTO large SELECT 1, inventory_pool_agg(i, 1 + i % 97) FROM generate_series(1, 10000) AS i;
INSERT INTO large SELECT 2, inventory_pool_agg(i * 7919, 1 + (i::bigint * 7919 * 7919) % 1000003) FROM generate_series(1, 10000) AS i;
SELECT id, total(p), locations(p), p -> 7919 AS at_7919, p -> 10001 AS at_10001, p @> 488502 AS fills,
       pg_column_size(p) < 12 * locations(p) AS smaller_than_an_array,
       p = p::text::inventory_pool AS text_round_trip,
       p = (SELECT inventory_pool_agg(location_id, qty) FROM entries(p)) AS entries_round_trip
FROM large ORDER BY id;

-- aggregate_sums_duplicates_and_skips_nulls
SELECT inventory_pool_agg(location_id, qty)
FROM (VALUES (7, 5::bigint), (1, 30), (7, 7), (3, 0), (NULL, 4), (2, NULL)) AS t (location_id, qty);
SELECT inventory_pool_agg(1, 1) AS no_row FROM generate_series(1, 0);
SELECT inventory_pool_agg(NULL, NULL) AS nulls_only, inventory_pool_agg(1, 0) AS zero_only FROM generate_series(1, 3);
SELECT inventory_pool_agg(1, -1);
SELECT inventory_pool_agg(0, 1);
SELECT inventory_pool_agg(i, 4611686018427387904) FROM generate_series(1, 2) AS i;
SELECT inventory_pool_agg(1, 4611686018427387904) FROM generate_series(1, 2) AS i;
SELECT sum(p) FROM unnest(ARRAY['{1:30}', NULL, '{7:12,1:1}', '{}']::inventory_pool[]) AS p;
SELECT sum(p) AS no_row FROM large WHERE false;
SELECT sum(p) FROM unnest(ARRAY['{1:9223372036854775807}', '{2:1}']::inventory_pool[]) AS p;

-- aggregates_agree_with_group_by
CREATE TEMP TABLE movement AS
SELECT 1 + (random() * 999)::int AS location_id, (random() * 50)::bigint AS qty, i % 7 AS sku
FROM generate_series(1, 60000) AS i;
SELECT count(*) AS skus, bool_and(by_aggregate = by_group) AS same
FROM (SELECT sku, inventory_pool_agg(location_id, qty) AS by_aggregate FROM movement GROUP BY sku) AS a
JOIN (SELECT sku, inventory_pool(array_agg(location_id), array_agg(qty)) AS by_group
      FROM (SELECT sku, location_id, sum(qty)::bigint AS qty FROM movement GROUP BY sku, location_id) AS g
      GROUP BY sku) AS b USING (sku);
SELECT sum(p) = (SELECT inventory_pool_agg(location_id, qty) FROM movement) AS sum_of_pools
FROM (SELECT inventory_pool_agg(location_id, qty) AS p FROM movement GROUP BY sku) AS t;
SELECT sum(inventory_pool(ARRAY[location_id], ARRAY[qty])) = inventory_pool_agg(location_id, qty) AS sum_of_single_rows
FROM movement;
SELECT count(*) AS wrong_running_totals
FROM (SELECT n, total(inventory_pool_agg(location_id, qty) OVER (ORDER BY n)) AS pool_total, sum(qty) OVER (ORDER BY n) AS plain_total
      FROM (SELECT row_number() OVER () AS n, location_id, qty FROM movement LIMIT 500) AS numbered) AS t
WHERE pool_total <> plain_total;

-- aggregates_run_in_parallel
CREATE TABLE public.parallel_stock AS SELECT location_id, qty, inventory_pool(ARRAY[location_id], ARRAY[qty]) AS p FROM movement;
ANALYZE parallel_stock;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT inventory_pool_agg(location_id, qty), sum(p) FROM parallel_stock;
SELECT inventory_pool_agg(location_id, qty) = (SELECT inventory_pool_agg(location_id, qty) FROM movement) AS rows_agree,
       sum(p) = (SELECT inventory_pool_agg(location_id, qty) FROM movement) AS pools_agree
FROM parallel_stock;
SELECT sum(p) IS NULL AS nothing_in_any_worker FROM parallel_stock WHERE qty < 0;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
DROP TABLE parallel_stock;

-- binary_form_is_documented
SELECT inventory_pool_send('{7:12,1:30}');

-- copy_binary_round_trips
CREATE TEMP TABLE binary_source AS SELECT p FROM sample UNION ALL SELECT p FROM large UNION ALL SELECT '{}';
CREATE TEMP TABLE binary_copy (p inventory_pool);
COPY binary_source TO PROGRAM 'cat > pg_retail_inventory_pool_test.bin' (FORMAT binary);
COPY binary_copy FROM PROGRAM 'cat pg_retail_inventory_pool_test.bin; rm -f pg_retail_inventory_pool_test.bin' (FORMAT binary);
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
    (1, 'good', '\x01000000020000000100000000000000020000000900000000000000ff'),
    (2, 'empty pool', '\x0100000000'),
    (3, 'no byte at all', '\x'),
    (4, 'half a header', '\x010000'),
    (5, 'unknown version', '\x0200000000'),
    (6, 'count too large', '\x01000000020000000100000000000000020000'),
    (7, 'count lies', '\x0100000001'),
    (8, 'count negative', '\x01ffffffff'),
    (9, 'count of zero, with an entry', '\x0100000000000000010000000000000002'),
    (10, 'bytes left over', '\x010000000100000001000000000000000200'),
    (11, 'not sorted', '\x01000000020000000900000000000000020000000100000000000000ff'),
    (12, 'location twice', '\x01000000020000000100000000000000020000000100000000000000ff'),
    (13, 'location 0', '\x0100000001000000000000000000000002'),
    (14, 'location negative', '\x0100000001ffffffff0000000000000002'),
    (15, 'no units', '\x0100000001000000010000000000000000'),
    (16, 'units negative', '\x010000000100000001ffffffffffffffff'),
    (17, 'total beyond bigint', '\x0100000002000000017fffffffffffffff000000020000000000000001')
) AS t (n, what, field)
ORDER BY t.n;

-- random_and_damaged_binary_is_refused_or_a_valid_pool
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
    CASE floor(random() * 4)
        WHEN 0 THEN RETURN set_byte(field, place, byte);
        WHEN 1 THEN RETURN set_bit(field, place * 8 + floor(random() * 8)::int, (random() * 1)::int);
        WHEN 2 THEN RETURN substr(field, 1, place);
        ELSE RETURN substr(field, 1, place) || set_byte('\x00'::bytea, 0, byte) || substr(field, place + 1);
    END CASE;
END;
$$;
CREATE TEMP TABLE fuzz AS
SELECT pg_temp.receive(f) AS outcome
FROM (SELECT pg_temp.damaged(inventory_pool_send(p)) AS f FROM sample
      UNION ALL
      SELECT pg_temp.damaged(pg_temp.damaged(inventory_pool_send(p))) FROM sample WHERE length(inventory_pool_send(p)) > 20
      UNION ALL
      SELECT (SELECT coalesce(string_agg(set_byte('\x00'::bytea, 0, floor(random() * 256 + 0 * i)::int), ''), '')
              FROM generate_series(1, floor(random() * 60 + 0 * s)::int) AS i)
      FROM generate_series(1, 150) AS s
      UNION ALL
      SELECT '\x01'::bytea || int4send(s % 3)
             || (SELECT coalesce(string_agg(int4send(floor(random() * 4)::int) || int8send(floor(random() * 5 - 1)::bigint), ''), '')
                 FROM generate_series(1, s % 3))
      FROM generate_series(1, 150) AS s) AS fields;
SELECT count(*) > 700 AS many,
       count(*) FILTER (WHERE outcome = 'accepted') > 20 AS some_accepted,
       count(*) FILTER (WHERE outcome = '22P03') > 200 AS most_refused,
       count(*) FILTER (WHERE outcome NOT IN ('accepted', '22P03', '22003', '54000')) AS unexpected
FROM fuzz;
SELECT count(*) AS accepted_but_not_valid
FROM binary_copy
WHERE p <> p::text::inventory_pool
   OR p <> coalesce((SELECT inventory_pool_agg(location_id, qty) FROM entries(p)), '{}')
   OR total(p) <> coalesce((SELECT sum(qty) FROM entries(p)), 0)
   OR locations(p) <> (SELECT count(*) FROM entries(p) WHERE qty > 0 AND location_id > 0);
SELECT count(*) = (SELECT count(*) FROM fuzz WHERE outcome = 'accepted') AS nothing_stored_for_a_refusal
FROM binary_copy;

-- damaged_storage_is_reported_and_never_read_past_its_end
BEGIN;
CREATE CAST (bytea AS retail.inventory_pool) WITHOUT FUNCTION;
CREATE CAST (retail.inventory_pool AS bytea) WITHOUT FUNCTION;
SELECT '{1:30,7:12}'::inventory_pool::bytea AS stored, '\x01022a011e060c'::bytea::inventory_pool AS read_back;
SELECT t.what, r.code, r.message
FROM (VALUES
    (1, 'nothing', '\x'),
    (2, 'unknown format', '\x02022a011e060c'),
    (3, 'cut short', '\x01022a011e06'),
    (4, 'left over', '\x01022a011e060c00'),
    (5, 'location 0', '\x01012a002a'),
    (6, 'no units', '\x01022a012a0600'),
    (7, 'total too small', '\x010229011e060c'),
    (8, 'total too large', '\x01022b011e060c'),
    (9, 'overlong varint', '\x01022a01 9e00 060c'),
    (10, 'endless varint', '\x0102ffffffffffffffffffff'),
    (11, 'huge count', '\x01ffffff7f2a011e060c'),
    (12, 'location beyond int', '\x01022a ffffffff07 1e 01 0c')
) AS t (n, what, bytes),
     LATERAL pg_temp.refusal(format('SELECT %L::bytea::retail.inventory_pool::text', t.bytes)) AS r
ORDER BY t.n;
CREATE FUNCTION pg_temp.read_damaged(damaged retail.inventory_pool, good retail.inventory_pool) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    question text;
    seen text := 'not noticed';
BEGIN
    FOREACH question IN ARRAY ARRAY[
        'SELECT $1::text', 'SELECT retail.inventory_pool_send($1)::text', 'SELECT retail.total($1)::text', 'SELECT retail.locations($1)::text',
        'SELECT retail.at($1, 2147483647)::text', 'SELECT count(*)::text FROM retail.entries($1)', 'SELECT retail.fewest($1, 3)::text',
        'SELECT ($1 OPERATOR(retail.+) $2)::text', 'SELECT ($2 OPERATOR(retail.-) $1)::text',
        'SELECT ($1 OPERATOR(retail.@>) $2)::text', 'SELECT ($2 OPERATOR(retail.@>) $1)::text',
        'SELECT retail.inventory_pool_cmp($1, $2)::text', 'SELECT retail.inventory_pool_hash($1)::text', 'SELECT retail.sum($1)::text']
    LOOP
        BEGIN
            EXECUTE question USING damaged, good;
        EXCEPTION WHEN data_corrupted THEN
            seen := 'reported';
        WHEN OTHERS THEN
            RETURN question || ': ' || sqlerrm;
        END;
    END LOOP;
    RETURN seen;
END;
$$;
SELECT outcome, count(*) > 50 AS many
FROM (SELECT pg_temp.read_damaged(pg_temp.damaged(p::bytea)::inventory_pool, p) AS outcome
      FROM (SELECT p FROM sample UNION ALL SELECT p FROM sample WHERE locations(p) > 1) AS s) AS t
GROUP BY outcome
ORDER BY outcome;
ROLLBACK;

-- every_object_of_the_type_has_a_comment
SELECT 'function' AS kind, oid::regprocedure::text AS object
FROM pg_proc
WHERE pronamespace = 'retail'::regnamespace
  AND (proname LIKE 'inventory\_pool%' OR 'inventory_pool'::regtype = ANY (proargtypes::oid[]) OR prorettype = 'inventory_pool'::regtype)
  AND obj_description(oid, 'pg_proc') IS NULL
UNION ALL
SELECT 'operator', oid::regoperator::text
FROM pg_operator
WHERE 'inventory_pool'::regtype IN (oprleft, oprright) AND obj_description(oid, 'pg_operator') IS NULL
UNION ALL
SELECT 'type', oid::regtype::text
FROM pg_type
WHERE oid = 'inventory_pool'::regtype AND obj_description(oid, 'pg_type') IS NULL;
