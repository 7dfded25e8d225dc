-- Any table of people, resolved.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

CREATE TEMP TABLE people (id integer PRIMARY KEY, given text, surname text, born text, phone text, street text, person integer);
INSERT INTO people
SELECT row_number() OVER (ORDER BY p, v), split_part(n, ' ', 1), split_part(n, ' ', 2),
       CASE v WHEN 2 THEN to_char(d, 'YYYYMMDD') ELSE to_char(d, 'YYYY-MM-DD') END,
       CASE v WHEN 3 THEN NULL ELSE '0' || (700000000 + p * 7919317 % 99999989)::text END,
       (p / 2 * 7 + 1) || ' ' || (ARRAY['mill', 'church', 'station', 'park', 'queen'])[p / 2 % 5 + 1] || ' road', p
FROM generate_series(1, 120) AS p,
     generate_series(1, 3) AS v,
     LATERAL (SELECT date '1950-01-01' + p * 137 % 20000 AS d) AS births,
     LATERAL (SELECT (ARRAY['robert', 'anna', 'thomas', 'maria', 'henry', 'clara', 'oscar', 'nina'])[p % 8 + 1] || ' '
                     || chr(97 + p / 2 % 26) || (ARRAY['ander', 'bolt', 'carpen', 'dray', 'fost', 'hunt'])[p / 2 % 6 + 1] || chr(97 + p / 2 * 7 % 26) || 'son' AS n) AS names;
-- v 3 of every fourth person has a slip in the surname
UPDATE people SET surname = overlay(surname PLACING 'x' FROM 3 FOR 1) WHERE id % 12 = 3;

-- rows_of_one_person_are_one_cluster_and_homes_are_not
WITH linked AS (
    SELECT p.person, l.cluster
    FROM link_table('people', '{"given": "given", "surname": "surname", "born": "date", "phone": "phone", "street": "street"}') AS l
    JOIN people p ON p.id = l.record::integer)
SELECT count(*) AS records, count(DISTINCT cluster) AS clusters, count(DISTINCT person) AS people,
       count(DISTINCT (person, cluster)) AS pieces
FROM linked;

-- any_order_of_rows_gives_the_same_people_and_the_same_bits
CREATE TEMP TABLE shuffled AS SELECT * FROM people ORDER BY md5(id::text);
ALTER TABLE shuffled ADD PRIMARY KEY (id);
SELECT count(*) AS differ
FROM link_table('people', '{"given": "given", "surname": "surname", "born": "date", "phone": "phone"}') AS a
JOIN link_table('shuffled', '{"given": "given", "surname": "surname", "born": "date", "phone": "phone"}') AS b USING (record)
WHERE (a.cluster, a.cluster_size, a.score) IS DISTINCT FROM (b.cluster, b.cluster_size, b.score);
SELECT link_model('people', '{"given": "given", "surname": "surname", "born": "date"}')
     = link_model('shuffled', '{"given": "given", "surname": "surname", "born": "date"}') AS same_model;

-- a_kept_model_answers_as_the_one_trained_on_the_spot
SELECT count(*) AS differ
FROM link_table('people', '{"given": "given", "surname": "surname", "born": "date"}') AS a
JOIN link_table('people', '{"given": "given", "surname": "surname", "born": "date"}',
                jsonb_build_object('model', link_model('people', '{"given": "given", "surname": "surname", "born": "date"}'))) AS b USING (record)
WHERE (a.cluster, a.score) IS DISTINCT FROM (b.cluster, b.score);

-- pairs_tell_what_the_clusters_rest_on
SELECT count(*) > 0 AS some, bool_and(weight >= 0 OR same) AS all_count, count(*) FILTER (WHERE record_a = record_b) AS with_itself
FROM link_pairs('people', '{"given": "given", "surname": "surname", "born": "date", "phone": "phone"}');

-- no_cluster_is_larger_than_it_may_be
SELECT max(cluster_size) AS largest
FROM link_table('people', '{"given": "given", "surname": "surname", "born": "date", "phone": "phone"}', '{"max_cluster": 2}');

-- small_tables_and_empty_ones
CREATE TEMP TABLE few (name text, phone text);
SELECT * FROM link_table('few', '{"name": "name", "phone": "phone"}');
INSERT INTO few VALUES ('王小明', '13812345678');
SELECT cluster, cluster_size, score FROM link_table('few', '{"name": "name", "phone": "phone"}');
INSERT INTO few VALUES ('王小明先生', '138-1234-5678'), (NULL, NULL), ('李红', '13912345670');
SELECT cluster_size, count(*) FROM link_table('few', '{"name": "name", "phone": "phone"}') GROUP BY 1 ORDER BY 1;

-- bad_mappings_and_options_are_refused
CREATE FUNCTION pg_temp.refusal(relation text, mapping jsonb, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM retail.link_table(relation::regclass, mapping, options);
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE TEMP VIEW no_key AS SELECT * FROM few;
CREATE TEMP TABLE null_key (k text, name text);
INSERT INTO null_key VALUES (NULL, 'x');
SELECT pg_temp.refusal('people', '{}') AS nothing;
SELECT pg_temp.refusal('people', '[]') AS no_object;
SELECT pg_temp.refusal('people', '{"born": "sound"}') AS no_comparator;
SELECT pg_temp.refusal('people', '{"born": 1}') AS no_word;
SELECT pg_temp.refusal('people', '{"birth": "date"}') AS no_column;
SELECT pg_temp.refusal('people', '{"given": "given", "surname": "given"}') AS two_given;
SELECT pg_temp.refusal('no_key', '{"name": "name"}') AS no_key;
SELECT pg_temp.refusal('null_key', '{"k": "key", "name": "name"}') AS null_key;
SELECT pg_temp.refusal('people', '{"born": "date"}', '{"treshold": 1}') AS no_option;
SELECT pg_temp.refusal('people', '{"born": "date"}', '{"threshold": 99}') AS out_of_range;
SELECT pg_temp.refusal('people', '{"born": "date"}', '{"model": {"format": 1}}') AS no_model;
SELECT pg_temp.refusal('people', '{"born": "date"}',
                       jsonb_build_object('model', link_model('people', '{"given": "given", "surname": "surname"}'))) AS other_model;
SELECT pg_temp.refusal('people', '{"born": "date"}',
                       jsonb_build_object('model', jsonb_set(link_model('people', '{"born": "date"}'), '{share,0}', '0'))) AS never;
