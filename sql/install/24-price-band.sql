-- Type price_band: a base price and the legal prices around it.
-- Source: src/types/price_band.c and src/types/price_band_gist.c, page: doc/price-band.md.

CREATE TYPE retail.price_band;

-- Input and output -----------------------------------------------------------

CREATE FUNCTION retail.price_band_in(cstring)
    RETURNS retail.price_band
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_in';

COMMENT ON FUNCTION retail.price_band_in(cstring) IS
'Internal: text input of type price_band.
Errors: 22P02 bad syntax, or not 0 < low <= base <= high, 22003 amount out of range.';

CREATE FUNCTION retail.price_band_out(retail.price_band)
    RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_out';

COMMENT ON FUNCTION retail.price_band_out(retail.price_band) IS
'Internal: text output of type price_band.';

CREATE FUNCTION retail.price_band_recv(internal)
    RETURNS retail.price_band
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_recv';

COMMENT ON FUNCTION retail.price_band_recv(internal) IS
'Internal: binary input of type price_band, as retail.price_band_send() writes it.
Errors: 22P03 malformed, or not 0 < low <= base <= high.';

CREATE FUNCTION retail.price_band_send(retail.price_band)
    RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_send';

COMMENT ON FUNCTION retail.price_band_send(retail.price_band) IS
'Internal: binary output of type price_band.
Returns one byte version (1), one byte decimals, three letters currency, then base, low and high as int64 minor units; network byte order.';

CREATE TYPE retail.price_band (
    INPUT = retail.price_band_in,
    OUTPUT = retail.price_band_out,
    RECEIVE = retail.price_band_recv,
    SEND = retail.price_band_send,
    INTERNALLENGTH = 32,
    ALIGNMENT = double
);

COMMENT ON TYPE retail.price_band IS
'A base price and the lowest and highest legal price around it, in one currency.
Text form base [low,high] currency, for example 9.99 [9.50,10.48] CNY; the digits written after the point, 0 to 4 and the same in all three, are the decimals of the currency. Always 0 < low <= base <= high, at most 922337203685477 whole units; the currency is three capital letters (ISO 4217). Takes 32 bytes.';

-- Making one -----------------------------------------------------------------

CREATE FUNCTION retail.price_band(base numeric, low_percent numeric, high_percent numeric, currency text, decimals integer)
    RETURNS retail.price_band
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_from_percent';

COMMENT ON FUNCTION retail.price_band(numeric, numeric, numeric, text, integer) IS
'Makes the band of a base price from percentages: base*(1 - low_percent/100) to base*(1 + high_percent/100), the lowest price rounded up and the highest down to the minor unit, so that neither is outside.
base: above 0; low_percent: 0 to below 100, high_percent: 0 or more, both with up to 4 decimals; currency: three capital letters; decimals: 0 to 4, of the currency.
Returns the band.
Errors: RT021 base has more decimals than the currency, 22004 an argument is NULL (a missing base makes no band), 22023 base, percentage, currency or decimals out of range, 22003 base or highest price too large.';

CREATE FUNCTION retail.price_band_from_limits(base numeric, low numeric, high numeric, currency text, decimals integer)
    RETURNS retail.price_band
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_from_limits';

COMMENT ON FUNCTION retail.price_band_from_limits(numeric, numeric, numeric, text, integer) IS
'Makes a band from its three amounts.
base, low, high: 0 < low <= base <= high; currency: three capital letters; decimals: 0 to 4, of the currency.
Returns the band.
Errors: RT021 an amount has more decimals than the currency, 22004 an argument is NULL, 22023 not 0 < low <= base <= high, bad currency or decimals, 22003 amount too large.';

-- Parts ----------------------------------------------------------------------

CREATE FUNCTION retail.base(band retail.price_band)
    RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_base';

COMMENT ON FUNCTION retail.base(retail.price_band) IS
'Tells the base price of a band, with all decimals of its currency.';

CREATE FUNCTION retail.low(band retail.price_band)
    RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_low';

COMMENT ON FUNCTION retail.low(retail.price_band) IS
'Tells the lowest legal price of a band, with all decimals of its currency.';

CREATE FUNCTION retail.high(band retail.price_band)
    RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_high';

COMMENT ON FUNCTION retail.high(retail.price_band) IS
'Tells the highest legal price of a band, with all decimals of its currency.';

CREATE FUNCTION retail.currency_code(band retail.price_band)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_currency_code';

COMMENT ON FUNCTION retail.currency_code(retail.price_band) IS
'Tells the currency of a band: three capital letters.';

CREATE FUNCTION retail.decimals(band retail.price_band)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_decimals';

COMMENT ON FUNCTION retail.decimals(retail.price_band) IS
'Tells how many decimals the currency of a band has: 0 to 4.';

-- Amounts and bands ----------------------------------------------------------

CREATE FUNCTION retail.clamp(band retail.price_band, amount numeric)
    RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_clamp';

COMMENT ON FUNCTION retail.clamp(retail.price_band, numeric) IS
'Finds the legal price nearest to an amount.
band: the band; amount: any amount in its currency, rounded half away from zero to the minor unit first.
Returns the amount if it is legal, else the limit nearest to it, with all decimals of the currency.
Errors: 22023 amount is not a number.';

CREATE FUNCTION retail.price_band_contains(retail.price_band, numeric)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_contains';

COMMENT ON FUNCTION retail.price_band_contains(retail.price_band, numeric) IS
'Tells whether an amount is a legal price; internal, use operator @>.';

CREATE FUNCTION retail.price_band_contained(numeric, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_contained';

COMMENT ON FUNCTION retail.price_band_contained(numeric, retail.price_band) IS
'Tells whether an amount is a legal price; internal, use operator <@.';

CREATE OPERATOR retail.@> (
    LEFTARG = retail.price_band,
    RIGHTARG = numeric,
    FUNCTION = retail.price_band_contains,
    COMMUTATOR = OPERATOR(retail.<@),
    RESTRICT = contsel,
    JOIN = contjoinsel
);

CREATE OPERATOR retail.<@ (
    LEFTARG = numeric,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_contained,
    COMMUTATOR = OPERATOR(retail.@>),
    RESTRICT = contsel,
    JOIN = contjoinsel
);

COMMENT ON OPERATOR retail.@> (retail.price_band, numeric) IS
'Tells whether the amount is a legal price of the band: low <= amount <= high exactly, and a whole number of minor units. The amount is taken to be in the band''s currency. A GiST index serves it.';

COMMENT ON OPERATOR retail.<@ (numeric, retail.price_band) IS
'Tells whether the amount is a legal price of the band: low <= amount <= high exactly, and a whole number of minor units. The amount is taken to be in the band''s currency. A GiST index serves it.';

CREATE FUNCTION retail.price_band_overlaps(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_overlaps';

COMMENT ON FUNCTION retail.price_band_overlaps(retail.price_band, retail.price_band) IS
'Tells whether some price is legal in both bands; internal, use operator &&.';

CREATE OPERATOR retail.&& (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_overlaps,
    COMMUTATOR = OPERATOR(retail.&&),
    RESTRICT = areasel,
    JOIN = areajoinsel
);

COMMENT ON OPERATOR retail.&& (retail.price_band, retail.price_band) IS
'Tells whether some price is legal in both bands. Bands of different currencies, or of one currency with different decimals, have none in common. A GiST index serves it.';

CREATE FUNCTION retail.price_band_intersect(retail.price_band, retail.price_band)
    RETURNS retail.price_band
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_intersect';

COMMENT ON FUNCTION retail.price_band_intersect(retail.price_band, retail.price_band) IS
'Finds the prices that are legal in both bands; internal, use operator *.
Errors: RT020 the bands differ in currency or decimals, RT022 they have no price in common.';

CREATE OPERATOR retail.* (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_intersect
);

COMMENT ON OPERATOR retail.* (retail.price_band, retail.price_band) IS
'Finds the band of the prices that are legal in both bands. Its base is that of the left band, or the limit nearest to it.
Errors: RT020 the bands differ in currency or decimals, RT022 they have no price in common (ask with operator && first).';

-- Comparison -----------------------------------------------------------------

CREATE FUNCTION retail.price_band_eq(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_eq';

CREATE FUNCTION retail.price_band_ne(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_ne';

CREATE FUNCTION retail.price_band_lt(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_lt';

CREATE FUNCTION retail.price_band_le(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_le';

CREATE FUNCTION retail.price_band_ge(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_ge';

CREATE FUNCTION retail.price_band_gt(retail.price_band, retail.price_band)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gt';

CREATE FUNCTION retail.price_band_cmp(retail.price_band, retail.price_band)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_cmp';

CREATE FUNCTION retail.price_band_hash(retail.price_band)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_hash';

CREATE FUNCTION retail.price_band_hash_extended(retail.price_band, bigint)
    RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_hash_extended';

COMMENT ON FUNCTION retail.price_band_eq(retail.price_band, retail.price_band) IS
'Tells whether two bands are the same; internal, use operator =.';
COMMENT ON FUNCTION retail.price_band_ne(retail.price_band, retail.price_band) IS
'Tells whether two bands differ; internal, use operator <>.';
COMMENT ON FUNCTION retail.price_band_lt(retail.price_band, retail.price_band) IS
'Tells whether the first band sorts before the second; internal, use operator <.';
COMMENT ON FUNCTION retail.price_band_le(retail.price_band, retail.price_band) IS
'Tells whether the first band does not sort after the second; internal, use operator <=.';
COMMENT ON FUNCTION retail.price_band_ge(retail.price_band, retail.price_band) IS
'Tells whether the first band does not sort before the second; internal, use operator >=.';
COMMENT ON FUNCTION retail.price_band_gt(retail.price_band, retail.price_band) IS
'Tells whether the first band sorts after the second; internal, use operator >.';
COMMENT ON FUNCTION retail.price_band_cmp(retail.price_band, retail.price_band) IS
'Internal: three-way comparison for b-tree indexes, by currency, decimals, base, low and high.';
COMMENT ON FUNCTION retail.price_band_hash(retail.price_band) IS
'Internal: 32-bit hash for hash indexes and joins.';
COMMENT ON FUNCTION retail.price_band_hash_extended(retail.price_band, bigint) IS
'Internal: 64-bit hash with a seed, for hash partitioning.';

CREATE OPERATOR retail.= (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_eq,
    COMMUTATOR = OPERATOR(retail.=),
    NEGATOR = OPERATOR(retail.<>),
    RESTRICT = eqsel,
    JOIN = eqjoinsel,
    HASHES,
    MERGES
);

CREATE OPERATOR retail.<> (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_ne,
    COMMUTATOR = OPERATOR(retail.<>),
    NEGATOR = OPERATOR(retail.=),
    RESTRICT = neqsel,
    JOIN = neqjoinsel
);

CREATE OPERATOR retail.< (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_lt,
    COMMUTATOR = OPERATOR(retail.>),
    NEGATOR = OPERATOR(retail.>=),
    RESTRICT = scalarltsel,
    JOIN = scalarltjoinsel
);

CREATE OPERATOR retail.<= (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_le,
    COMMUTATOR = OPERATOR(retail.>=),
    NEGATOR = OPERATOR(retail.>),
    RESTRICT = scalarlesel,
    JOIN = scalarlejoinsel
);

CREATE OPERATOR retail.>= (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_ge,
    COMMUTATOR = OPERATOR(retail.<=),
    NEGATOR = OPERATOR(retail.<),
    RESTRICT = scalargesel,
    JOIN = scalargejoinsel
);

CREATE OPERATOR retail.> (
    LEFTARG = retail.price_band,
    RIGHTARG = retail.price_band,
    FUNCTION = retail.price_band_gt,
    COMMUTATOR = OPERATOR(retail.<),
    NEGATOR = OPERATOR(retail.<=),
    RESTRICT = scalargtsel,
    JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR retail.= (retail.price_band, retail.price_band) IS
'Tells whether two bands have the same currency, decimals, base and limits.';
COMMENT ON OPERATOR retail.<> (retail.price_band, retail.price_band) IS
'Tells whether two bands differ in currency, decimals, base or a limit.';
COMMENT ON OPERATOR retail.< (retail.price_band, retail.price_band) IS
'Tells whether the left band sorts first: by currency, decimals, base, low and high. Bands of different currencies have an order, but it says nothing of their worth.';
COMMENT ON OPERATOR retail.<= (retail.price_band, retail.price_band) IS
'Tells whether the left band sorts first or is the same; order as for operator <.';
COMMENT ON OPERATOR retail.>= (retail.price_band, retail.price_band) IS
'Tells whether the left band sorts last or is the same; order as for operator <.';
COMMENT ON OPERATOR retail.> (retail.price_band, retail.price_band) IS
'Tells whether the left band sorts last; order as for operator <.';

-- equalimage: bands that are the same have the same bytes
CREATE OPERATOR CLASS retail.price_band_ops
    DEFAULT FOR TYPE retail.price_band USING btree AS
    OPERATOR 1 retail.<,
    OPERATOR 2 retail.<=,
    OPERATOR 3 retail.=,
    OPERATOR 4 retail.>=,
    OPERATOR 5 retail.>,
    FUNCTION 1 retail.price_band_cmp(retail.price_band, retail.price_band),
    FUNCTION 4 btequalimage(oid);

CREATE OPERATOR CLASS retail.price_band_ops
    DEFAULT FOR TYPE retail.price_band USING hash AS
    OPERATOR 1 retail.=,
    FUNCTION 1 retail.price_band_hash(retail.price_band),
    FUNCTION 2 retail.price_band_hash_extended(retail.price_band, bigint);

COMMENT ON OPERATOR CLASS retail.price_band_ops USING btree IS
'Sorts bands by currency, decimals, base, low and high: ORDER BY, DISTINCT, GROUP BY, merge joins.';
COMMENT ON OPERATOR CLASS retail.price_band_ops USING hash IS
'Finds equal bands: hash indexes, hash joins, hash partitioning, GROUP BY.';
COMMENT ON OPERATOR FAMILY retail.price_band_ops USING btree IS
'Sorts bands; see operator class retail.price_band_ops.';
COMMENT ON OPERATOR FAMILY retail.price_band_ops USING hash IS
'Finds equal bands; see operator class retail.price_band_ops.';

-- GiST -----------------------------------------------------------------------

CREATE TYPE retail.price_band_key;

CREATE FUNCTION retail.price_band_key_in(cstring)
    RETURNS retail.price_band_key
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_key_in';

COMMENT ON FUNCTION retail.price_band_key_in(cstring) IS
'Internal: refuses; a price_band_key exists inside indexes only.
Errors: 0A000 always.';

CREATE FUNCTION retail.price_band_key_out(retail.price_band_key)
    RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_key_out';

COMMENT ON FUNCTION retail.price_band_key_out(retail.price_band_key) IS
'Internal: shows a price_band_key, for looking into index pages.';

CREATE TYPE retail.price_band_key (
    INPUT = retail.price_band_key_in,
    OUTPUT = retail.price_band_key_out,
    INTERNALLENGTH = 24,
    ALIGNMENT = double
);

COMMENT ON TYPE retail.price_band_key IS
'Internal: what a GiST index keeps of price bands, the smallest box of amounts and currencies around them. Not for columns.';

CREATE FUNCTION retail.price_band_gist_consistent(internal, retail.price_band, smallint, oid, internal)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gist_consistent';

COMMENT ON FUNCTION retail.price_band_gist_consistent(internal, retail.price_band, smallint, oid, internal) IS
'Internal: tells whether an index entry can answer a search.';

CREATE FUNCTION retail.price_band_gist_union(internal, internal)
    RETURNS retail.price_band_key
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gist_union';

COMMENT ON FUNCTION retail.price_band_gist_union(internal, internal) IS
'Internal: makes the box around index entries.';

CREATE FUNCTION retail.price_band_gist_compress(internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gist_compress';

COMMENT ON FUNCTION retail.price_band_gist_compress(internal) IS
'Internal: makes an index key from a band.';

CREATE FUNCTION retail.price_band_gist_penalty(internal, internal, internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gist_penalty';

COMMENT ON FUNCTION retail.price_band_gist_penalty(internal, internal, internal) IS
'Internal: tells how much a box grows by an entry.';

CREATE FUNCTION retail.price_band_gist_picksplit(internal, internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gist_picksplit';

COMMENT ON FUNCTION retail.price_band_gist_picksplit(internal, internal) IS
'Internal: splits an index page where the halves overlap least.';

CREATE FUNCTION retail.price_band_gist_same(retail.price_band_key, retail.price_band_key, internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'retail_price_band_gist_same';

COMMENT ON FUNCTION retail.price_band_gist_same(retail.price_band_key, retail.price_band_key, internal) IS
'Internal: tells whether two index keys are the same.';

CREATE OPERATOR CLASS retail.price_band_ops
    DEFAULT FOR TYPE retail.price_band USING gist AS
    OPERATOR 3 retail.&&,
    OPERATOR 16 retail.@> (retail.price_band, numeric),
    FUNCTION 1 retail.price_band_gist_consistent(internal, retail.price_band, smallint, oid, internal),
    FUNCTION 2 retail.price_band_gist_union(internal, internal),
    FUNCTION 3 retail.price_band_gist_compress(internal),
    FUNCTION 5 retail.price_band_gist_penalty(internal, internal, internal),
    FUNCTION 6 retail.price_band_gist_picksplit(internal, internal),
    FUNCTION 7 retail.price_band_gist_same(retail.price_band_key, retail.price_band_key, internal),
    STORAGE retail.price_band_key;

COMMENT ON OPERATOR CLASS retail.price_band_ops USING gist IS
'Finds the bands that contain an amount (@>) or overlap a band (&&); also for exclusion constraints WITH &&.';
COMMENT ON OPERATOR FAMILY retail.price_band_ops USING gist IS
'Finds bands by amount or overlap; see operator class retail.price_band_ops.';
