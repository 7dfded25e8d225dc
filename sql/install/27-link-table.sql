-- Any table of people, resolved by probabilistic linkage.
-- Source: src/domains/link_table.c and src/pure/link_batch.c.

CREATE FUNCTION retail.link_table(relation regclass, mapping jsonb, options jsonb DEFAULT '{}',
    OUT record text, OUT cluster bigint, OUT cluster_size integer, OUT score double precision)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000 ROWS 10000 AS 'MODULE_PATHNAME', 'retail_link_table';
COMMENT ON FUNCTION retail.link_table(regclass, jsonb, jsonb) IS
'Finds which rows of a table are of one person, in any country and with no training data.
relation: a table or view that the caller may read. mapping: {"column": "comparator"}, of 1 to 16 columns, with the comparators of retail.compare(), and given and surname for a name in two columns; a comparator "key" names the column that identifies a row (default: the primary key, else ctid). {"column": {"comparator": "date", "block": false}} keeps a column from offering block keys. options: threshold (bits, -20 to 20, default 0: the least average weight of a cluster''s links), max_cluster (2 to 1,000, default 50), block_cap (2 to 10,000, default 64: a value that more rows have is combined with others), model (of retail.link_model(); default: trained on these rows).
Returns a row for each: record, its key; cluster, from 1, the same for rows of one person; cluster_size; score, the mean weight of its links within the cluster in bits (above 0: more likely one person than not), NULL when it is alone.
Fellegi-Sunter (1969) with classes for one person, household, neighbours and strangers, trained by expectation maximisation; clusters by average linkage. The same rows give the same clusters, bit for bit, in any order. Reads the table once, with the caller''s rights, and holds about 1 kB of memory a row.
Errors: 22023 a bad mapping, option or model, 42703 no such column, 22004 a key is null, 42501 the caller may not read the table, 54000 too many records.';

CREATE FUNCTION retail.link_pairs(relation regclass, mapping jsonb, options jsonb DEFAULT '{}',
    OUT record_a text, OUT record_b text, OUT weight double precision, OUT same boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000 ROWS 10000 AS 'MODULE_PATHNAME', 'retail_link_pairs';
COMMENT ON FUNCTION retail.link_pairs(regclass, jsonb, jsonb) IS
'The pairs behind retail.link_table(): those that weigh the threshold or more, and those within a cluster.
relation, mapping, options: as in link_table().
Returns record_a, record_b: keys; weight: in bits, log2 of how many times likelier one person is than two; same: whether they are in one cluster. A pair of one cluster that no block key brought together is not listed.
Errors: as link_table().';

CREATE FUNCTION retail.link_model(relation regclass, mapping jsonb, options jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'retail_sql_link_model';
COMMENT ON FUNCTION retail.link_model(regclass, jsonb, jsonb) IS
'What retail.link_table() learns from a table: a model that can be kept and given to it, or to another table of the same fields, as the option model.
relation, mapping, options: as in link_table().
Returns a JSON object: format, norm_version, records_per_person, share (of the classes same, household, neighbour and stranger, among all pairs), slots (of each field the likelihood of its levels, from different to equal, in each class). Equal bits for equal rows.
Errors: as link_table().';
