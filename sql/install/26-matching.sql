-- Similarities, comparators and normal forms of what people write about themselves.
-- Source: src/types/matching.c and src/pure/field_value.c.

CREATE FUNCTION retail.jaro_winkler(a text, b text) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'retail_sql_jaro_winkler';
COMMENT ON FUNCTION retail.jaro_winkler(text, text) IS
'The similarity of two texts by Jaro (1989) with Winkler''s bonus (1990): 0.1 for each of up to four first characters in common, above a similarity of 0.7.
a, b: texts as they are; normalise first what should not matter. What is beyond 254 characters is ignored.
Returns 0, nothing in common, to 1, equal. Errors: none.';

CREATE FUNCTION retail.damerau_levenshtein(a text, b text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'retail_sql_damerau_levenshtein';
COMMENT ON FUNCTION retail.damerau_levenshtein(text, text) IS
'The fewest insertions, deletions, substitutions and exchanges of neighbours that turn one text into another (Lowrance and Wagner, 1975: a changed part may be changed again, so ca is 2 from abc).
a, b: texts as they are. What is beyond 254 characters is ignored.
Returns a number of edits. Errors: none.';

CREATE FUNCTION retail.set_overlap(a text[], b text[]) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'retail_sql_set_overlap';
COMMENT ON FUNCTION retail.set_overlap(text[], text[]) IS
'What two sets have in common, of all they have: Jaccard''s index.
a, b: elements in any order; repeated ones count once, nulls not at all.
Returns 0 to 1, or NULL when both are empty. Errors: none.';

CREATE FUNCTION retail.compare(comparator text, a text, b text) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'retail_sql_compare';
COMMENT ON FUNCTION retail.compare(text, text, text) IS
'How far two texts agree as values of one kind: the comparison that linkage counts by.
comparator: name (a person''s in any script; Han names also by their pinyin, masked or with a title instead of a given name), phone (country and trunk prefixes set aside; one slip, masks), date (any common form; slips, day and month exchanged), email, address (one text), street, number (of a house), place, postcode, code (an identifier), category, text, set (separated by commas, semicolons or bars).
a, b: as people wrote them; what is beyond 255 characters is ignored.
Returns 0, different, to 1, equal, in the comparator''s steps; a name''s is the mean of given name and surname. NULL when one of the two says nothing: empty, a placeholder such as 13800138000, a nickname.
Errors: 22023 no such comparator, F0000 the server''s ICU has no data.';

CREATE FUNCTION retail.agreement(comparator text, a text, b text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'retail_sql_agreement';
COMMENT ON FUNCTION retail.agreement(text, text, text) IS
'The same in words: equal, a slip apart, a variant, and so on.
comparator, a, b: as in retail.compare().
Returns a phrase, or NULL where compare() does. Errors: as compare().';

CREATE FUNCTION retail.normalise(comparator text, value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'retail_sql_normalise';
COMMENT ON FUNCTION retail.normalise(text, text) IS
'A text as the comparator reads it: NFKC and case folding, Traditional to Simplified Han, without titles, punctuation, prefixes and short forms; a name with its surname first.
comparator: as in retail.compare(); value: as people wrote it.
Returns text, the same under every lc_ctype, or NULL when it says nothing. Errors: as compare().';

CREATE FUNCTION retail.norm_version() RETURNS integer
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'retail_sql_norm_version';
COMMENT ON FUNCTION retail.norm_version() IS
'The version of the rules by which values are normalised; stored beside them, so that a later release knows what to normalise anew.
Returns a number from 1. Errors: none.';
