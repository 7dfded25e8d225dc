-- Type inventory_pool: what one SKU has to sell at each location of the
-- network.  Source: src/types/inventory_pool.c, page: doc/inventory-pool.md.

CREATE TYPE retail.inventory_pool;

-- Input and output -----------------------------------------------------------

CREATE FUNCTION retail.inventory_pool_in(cstring)
    RETURNS retail.inventory_pool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_in';

COMMENT ON FUNCTION retail.inventory_pool_in(cstring) IS
'Internal: text input of type inventory_pool.
Errors: 22P02 bad syntax or a location twice, 22003 location id, quantity or total out of range, 54000 more than 1000000 locations.';

CREATE FUNCTION retail.inventory_pool_out(retail.inventory_pool)
    RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_out';

COMMENT ON FUNCTION retail.inventory_pool_out(retail.inventory_pool) IS
'Internal: text output of type inventory_pool.';

CREATE FUNCTION retail.inventory_pool_recv(internal)
    RETURNS retail.inventory_pool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_recv';

COMMENT ON FUNCTION retail.inventory_pool_recv(internal) IS
'Internal: binary input of type inventory_pool, as retail.inventory_pool_send() writes it.
Errors: 22P03 malformed, not sorted, or a quantity that is not positive, 22003 total out of range, 54000 more than 1000000 locations.';

CREATE FUNCTION retail.inventory_pool_send(retail.inventory_pool)
    RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_send';

COMMENT ON FUNCTION retail.inventory_pool_send(retail.inventory_pool) IS
'Internal: binary output of type inventory_pool.
Returns one byte version (1), int32 number of entries, then for each entry, by rising location id, int32 location id and int64 units; network byte order.';

CREATE TYPE retail.inventory_pool (
    INPUT = retail.inventory_pool_in,
    OUTPUT = retail.inventory_pool_out,
    RECEIVE = retail.inventory_pool_recv,
    SEND = retail.inventory_pool_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);

COMMENT ON TYPE retail.inventory_pool IS
'Sellable units of one SKU at each location of the network.
Text form {location id:units, ...}, for example {1:30,7:12}; shown by rising location id. Location ids are 1 to 2147483647, units 0 to 9223372036854775807 with the total in the same range; a location with 0 units is not kept, and an absent location has 0 units. At most 1000000 locations.';

-- Making one -----------------------------------------------------------------

CREATE FUNCTION retail.inventory_pool(location_ids integer[], qtys bigint[])
    RETURNS retail.inventory_pool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_construct';

COMMENT ON FUNCTION retail.inventory_pool(integer[], bigint[]) IS
'Makes a pool from two arrays of the same length.
location_ids: in any order, each once, 1 or more; qtys: units at the location in the same position, 0 or more.
Returns the pool, or NULL when an array is NULL.
Errors: 2202E arrays of different length or not one-dimensional, 22004 a NULL element, 22023 a location twice, 22003 location id or quantity out of range or total beyond bigint, 54000 more than 1000000 locations.';

-- Questions ------------------------------------------------------------------

CREATE FUNCTION retail.total(pool retail.inventory_pool)
    RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_total';

COMMENT ON FUNCTION retail.total(retail.inventory_pool) IS
'Counts the units of the whole network.
pool: the pool; only its first bytes are read, however large it is.
Returns units, 0 for an empty pool.';

CREATE FUNCTION retail.locations(pool retail.inventory_pool)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_locations';

COMMENT ON FUNCTION retail.locations(retail.inventory_pool) IS
'Counts the locations that have something to sell.
pool: the pool; only its first bytes are read, however large it is.
Returns the number of locations with 1 unit or more.';

CREATE FUNCTION retail.at(pool retail.inventory_pool, location_id integer)
    RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_at';

COMMENT ON FUNCTION retail.at(retail.inventory_pool, integer) IS
'Tells the units at one location.
pool: the pool; location_id: any integer.
Returns units, 0 for a location that is not in the pool. Reads the pool up to that location.';

CREATE FUNCTION retail.entries(pool retail.inventory_pool)
    RETURNS TABLE (location_id integer, qty bigint)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 1000
    AS 'MODULE_PATHNAME', 'retail_pool_entries';

COMMENT ON FUNCTION retail.entries(retail.inventory_pool) IS
'Lists the pool as rows.
pool: the pool.
Returns location_id and qty (1 unit or more) by rising location id; no row for an empty pool.';

CREATE FUNCTION retail.fewest(pool retail.inventory_pool, qty bigint)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'retail_pool_fewest';

COMMENT ON FUNCTION retail.fewest(retail.inventory_pool, bigint) IS
'Tells how few locations can fill a quantity together: the least number of parcels if it is one SKU.
pool: the pool; qty: units wanted, 0 or more.
Returns the number of locations, 0 for qty 0, NULL when the whole network does not have that many.
Errors: 22023 qty is negative.';

-- Arithmetic -----------------------------------------------------------------

CREATE FUNCTION retail.inventory_pool_add(retail.inventory_pool, retail.inventory_pool)
    RETURNS retail.inventory_pool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_add';

COMMENT ON FUNCTION retail.inventory_pool_add(retail.inventory_pool, retail.inventory_pool) IS
'Adds two pools location by location; internal, use operator +.
Errors: 22003 total beyond bigint, 54000 more than 1000000 locations.';

CREATE OPERATOR retail.+ (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_add,
    COMMUTATOR = OPERATOR(retail.+)
);

COMMENT ON OPERATOR retail.+ (retail.inventory_pool, retail.inventory_pool) IS
'Adds two pools location by location.
Errors: 22003 total beyond bigint, 54000 more than 1000000 locations.';

CREATE FUNCTION retail.inventory_pool_subtract(retail.inventory_pool, retail.inventory_pool)
    RETURNS retail.inventory_pool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_subtract';

COMMENT ON FUNCTION retail.inventory_pool_subtract(retail.inventory_pool, retail.inventory_pool) IS
'Takes the second pool off the first, at each location no further than 0; internal, use operator -.';

CREATE OPERATOR retail.- (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_subtract
);

COMMENT ON OPERATOR retail.- (retail.inventory_pool, retail.inventory_pool) IS
'Takes the right pool off the left one, at each location no further than 0: stock - safety is what a channel may sell.
A location that runs out leaves the pool; nothing is carried over to other locations, so (a - b) + b is a only when a @> b.';

-- Questions as operators -----------------------------------------------------

CREATE OPERATOR retail.-> (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = integer,
    FUNCTION = retail.at
);

COMMENT ON OPERATOR retail.-> (retail.inventory_pool, integer) IS
'Tells the units at one location, 0 for a location that is not in the pool; same as retail.at().';

CREATE FUNCTION retail.inventory_pool_fills(retail.inventory_pool, bigint)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_fills';

COMMENT ON FUNCTION retail.inventory_pool_fills(retail.inventory_pool, bigint) IS
'Tells whether the whole network has that many units; internal, use operator @>.';

CREATE FUNCTION retail.inventory_pool_filled_by(bigint, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_filled_by';

COMMENT ON FUNCTION retail.inventory_pool_filled_by(bigint, retail.inventory_pool) IS
'Tells whether the whole network has that many units; internal, use operator <@.';

CREATE OPERATOR retail.@> (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = bigint,
    FUNCTION = retail.inventory_pool_fills,
    COMMUTATOR = OPERATOR(retail.<@),
    RESTRICT = contsel,
    JOIN = contjoinsel
);

CREATE OPERATOR retail.<@ (
    LEFTARG = bigint,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_filled_by,
    COMMUTATOR = OPERATOR(retail.@>),
    RESTRICT = contsel,
    JOIN = contjoinsel
);

COMMENT ON OPERATOR retail.@> (retail.inventory_pool, bigint) IS
'Tells whether the whole network has that many units: total(pool) >= quantity.';

COMMENT ON OPERATOR retail.<@ (bigint, retail.inventory_pool) IS
'Tells whether the whole network has that many units: quantity <= total(pool).';

CREATE FUNCTION retail.inventory_pool_contains(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_contains';

COMMENT ON FUNCTION retail.inventory_pool_contains(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the first pool has at least as much at every location; internal, use operator @>.';

CREATE FUNCTION retail.inventory_pool_contained(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'retail_pool_contained';

COMMENT ON FUNCTION retail.inventory_pool_contained(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the second pool has at least as much at every location; internal, use operator <@.';

CREATE OPERATOR retail.@> (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_contains,
    COMMUTATOR = OPERATOR(retail.<@),
    RESTRICT = contsel,
    JOIN = contjoinsel
);

CREATE OPERATOR retail.<@ (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_contained,
    COMMUTATOR = OPERATOR(retail.@>),
    RESTRICT = contsel,
    JOIN = contjoinsel
);

COMMENT ON OPERATOR retail.@> (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the left pool has at least as much as the right one at every location.';

COMMENT ON OPERATOR retail.<@ (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the right pool has at least as much as the left one at every location.';

-- Comparison -----------------------------------------------------------------

CREATE FUNCTION retail.inventory_pool_eq(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_eq';

CREATE FUNCTION retail.inventory_pool_ne(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_ne';

CREATE FUNCTION retail.inventory_pool_lt(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_lt';

CREATE FUNCTION retail.inventory_pool_le(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_le';

CREATE FUNCTION retail.inventory_pool_ge(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_ge';

CREATE FUNCTION retail.inventory_pool_gt(retail.inventory_pool, retail.inventory_pool)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_gt';

CREATE FUNCTION retail.inventory_pool_cmp(retail.inventory_pool, retail.inventory_pool)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_cmp';

CREATE FUNCTION retail.inventory_pool_hash(retail.inventory_pool)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_hash';

CREATE FUNCTION retail.inventory_pool_hash_extended(retail.inventory_pool, bigint)
    RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_hash_extended';

COMMENT ON FUNCTION retail.inventory_pool_eq(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether two pools are the same; internal, use operator =.';
COMMENT ON FUNCTION retail.inventory_pool_ne(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether two pools differ; internal, use operator <>.';
COMMENT ON FUNCTION retail.inventory_pool_lt(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the first pool sorts before the second; internal, use operator <.';
COMMENT ON FUNCTION retail.inventory_pool_le(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the first pool does not sort after the second; internal, use operator <=.';
COMMENT ON FUNCTION retail.inventory_pool_ge(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the first pool does not sort before the second; internal, use operator >=.';
COMMENT ON FUNCTION retail.inventory_pool_gt(retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the first pool sorts after the second; internal, use operator >.';
COMMENT ON FUNCTION retail.inventory_pool_cmp(retail.inventory_pool, retail.inventory_pool) IS
'Internal: three-way comparison for b-tree indexes, lexicographic by location id and then units.';
COMMENT ON FUNCTION retail.inventory_pool_hash(retail.inventory_pool) IS
'Internal: 32-bit hash for hash indexes and joins.';
COMMENT ON FUNCTION retail.inventory_pool_hash_extended(retail.inventory_pool, bigint) IS
'Internal: 64-bit hash with a seed, for hash partitioning.';

CREATE OPERATOR retail.= (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_eq,
    COMMUTATOR = OPERATOR(retail.=),
    NEGATOR = OPERATOR(retail.<>),
    RESTRICT = eqsel,
    JOIN = eqjoinsel,
    HASHES,
    MERGES
);

CREATE OPERATOR retail.<> (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_ne,
    COMMUTATOR = OPERATOR(retail.<>),
    NEGATOR = OPERATOR(retail.=),
    RESTRICT = neqsel,
    JOIN = neqjoinsel
);

CREATE OPERATOR retail.< (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_lt,
    COMMUTATOR = OPERATOR(retail.>),
    NEGATOR = OPERATOR(retail.>=),
    RESTRICT = scalarltsel,
    JOIN = scalarltjoinsel
);

CREATE OPERATOR retail.<= (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_le,
    COMMUTATOR = OPERATOR(retail.>=),
    NEGATOR = OPERATOR(retail.>),
    RESTRICT = scalarlesel,
    JOIN = scalarlejoinsel
);

CREATE OPERATOR retail.>= (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_ge,
    COMMUTATOR = OPERATOR(retail.<=),
    NEGATOR = OPERATOR(retail.<),
    RESTRICT = scalargesel,
    JOIN = scalargejoinsel
);

CREATE OPERATOR retail.> (
    LEFTARG = retail.inventory_pool,
    RIGHTARG = retail.inventory_pool,
    FUNCTION = retail.inventory_pool_gt,
    COMMUTATOR = OPERATOR(retail.<),
    NEGATOR = OPERATOR(retail.<=),
    RESTRICT = scalargtsel,
    JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR retail.= (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether two pools have the same units at the same locations.';
COMMENT ON OPERATOR retail.<> (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether two pools differ at any location.';
COMMENT ON OPERATOR retail.< (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the left pool sorts first: the first entry that differs decides, by location id and then units; a pool that only lacks the other''s last entries sorts before it. An order for sorting and grouping, not a measure of stock.';
COMMENT ON OPERATOR retail.<= (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the left pool sorts first or is the same; order as for operator <.';
COMMENT ON OPERATOR retail.>= (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the left pool sorts last or is the same; order as for operator <.';
COMMENT ON OPERATOR retail.> (retail.inventory_pool, retail.inventory_pool) IS
'Tells whether the left pool sorts last; order as for operator <.';

-- equalimage: a pool has one packed form, so a b-tree may deduplicate
CREATE OPERATOR CLASS retail.inventory_pool_ops
    DEFAULT FOR TYPE retail.inventory_pool USING btree AS
    OPERATOR 1 retail.<,
    OPERATOR 2 retail.<=,
    OPERATOR 3 retail.=,
    OPERATOR 4 retail.>=,
    OPERATOR 5 retail.>,
    FUNCTION 1 retail.inventory_pool_cmp(retail.inventory_pool, retail.inventory_pool),
    FUNCTION 4 btequalimage(oid);

CREATE OPERATOR CLASS retail.inventory_pool_ops
    DEFAULT FOR TYPE retail.inventory_pool USING hash AS
    OPERATOR 1 retail.=,
    FUNCTION 1 retail.inventory_pool_hash(retail.inventory_pool),
    FUNCTION 2 retail.inventory_pool_hash_extended(retail.inventory_pool, bigint);

COMMENT ON OPERATOR CLASS retail.inventory_pool_ops USING btree IS
'Sorts pools lexicographically by location id and then units: ORDER BY, DISTINCT, GROUP BY, merge joins.
A b-tree index entry is limited to about 2700 bytes, which is about a thousand neighbouring locations with shelf quantities; use a hash index beyond.';
COMMENT ON OPERATOR CLASS retail.inventory_pool_ops USING hash IS
'Finds equal pools: hash indexes, hash joins, hash partitioning, GROUP BY.';
COMMENT ON OPERATOR FAMILY retail.inventory_pool_ops USING btree IS
'Sorts pools; see operator class retail.inventory_pool_ops.';
COMMENT ON OPERATOR FAMILY retail.inventory_pool_ops USING hash IS
'Finds equal pools; see operator class retail.inventory_pool_ops.';

-- Aggregates -----------------------------------------------------------------

CREATE FUNCTION retail.inventory_pool_agg_row(internal, integer, bigint)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_pool_agg_row';

CREATE FUNCTION retail.inventory_pool_agg_pool(internal, retail.inventory_pool)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_agg_pool';

CREATE FUNCTION retail.inventory_pool_agg_combine(internal, internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_agg_combine';

CREATE FUNCTION retail.inventory_pool_agg_serialize(internal)
    RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_agg_serialize';

CREATE FUNCTION retail.inventory_pool_agg_deserialize(bytea, internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_agg_deserialize';

CREATE FUNCTION retail.inventory_pool_agg_final(internal)
    RETURNS retail.inventory_pool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME', 'retail_pool_agg_final';

COMMENT ON FUNCTION retail.inventory_pool_agg_row(internal, integer, bigint) IS
'Internal: adds a row to the state of retail.inventory_pool_agg().';
COMMENT ON FUNCTION retail.inventory_pool_agg_pool(internal, retail.inventory_pool) IS
'Internal: adds a pool to the state of retail.sum(inventory_pool).';
COMMENT ON FUNCTION retail.inventory_pool_agg_combine(internal, internal) IS
'Internal: adds up the states of two workers.';
COMMENT ON FUNCTION retail.inventory_pool_agg_serialize(internal) IS
'Internal: packs an aggregate state for another process.';
COMMENT ON FUNCTION retail.inventory_pool_agg_deserialize(bytea, internal) IS
'Internal: unpacks an aggregate state of another process.';
COMMENT ON FUNCTION retail.inventory_pool_agg_final(internal) IS
'Internal: makes the resulting pool from an aggregate state.';

CREATE AGGREGATE retail.inventory_pool_agg(location_id integer, qty bigint) (
    SFUNC = retail.inventory_pool_agg_row,
    STYPE = internal,
    FINALFUNC = retail.inventory_pool_agg_final,
    COMBINEFUNC = retail.inventory_pool_agg_combine,
    SERIALFUNC = retail.inventory_pool_agg_serialize,
    DESERIALFUNC = retail.inventory_pool_agg_deserialize,
    PARALLEL = SAFE
);

COMMENT ON AGGREGATE retail.inventory_pool_agg(integer, bigint) IS
'Makes a pool from rows of stock; rows of one location are added up.
location_id: 1 or more; qty: sellable units of the row, 0 or more.
Returns the pool; rows where either is NULL do not count, and NULL when no row counts. Memory follows the number of distinct locations, not of rows.
Errors: 22003 location id or quantity out of range or total beyond bigint, 54000 more than 1000000 locations.';

CREATE AGGREGATE retail.sum(pool retail.inventory_pool) (
    SFUNC = retail.inventory_pool_agg_pool,
    STYPE = internal,
    FINALFUNC = retail.inventory_pool_agg_final,
    COMBINEFUNC = retail.inventory_pool_agg_combine,
    SERIALFUNC = retail.inventory_pool_agg_serialize,
    DESERIALFUNC = retail.inventory_pool_agg_deserialize,
    PARALLEL = SAFE
);

COMMENT ON AGGREGATE retail.sum(retail.inventory_pool) IS
'Adds pools location by location, for example over the SKUs of a product.
pool: a pool; NULL does not count.
Returns the pool, NULL when there is none to add.
Errors: 22003 total beyond bigint, 54000 more than 1000000 locations.';
