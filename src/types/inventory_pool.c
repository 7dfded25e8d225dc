/*-------------------------------------------------------------------------
 * inventory_pool.c
 *		SQL type inventory_pool: what one SKU has to sell over the network.
 *
 * A pool lists, for each location that has something to sell, how many units
 * that is.  The logic and the packed form live in pool_vector.c; this file
 * carries values between SQL and those functions, and turns their status
 * codes into errors.
 *
 * A datum is a varlena whose payload is the packed form.  That is a string of
 * bytes, so every function works on short-header values without a copy.
 * Only build_packed() makes such values, always from normal form; readers
 * check them all the same and report XX001 for bytes that break the rules.
 *
 * Both aggregates share one state (PoolAggState): a sorted run, then an
 * unsorted tail, merged when the buffer is full.  Memory follows the number
 * of distinct locations, not of rows, and adding a whole pool to a state of
 * similar size is one linear merge.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "inventory_pool.h"

/* Version byte of the send/receive form, and bytes of one entry in it. */
#define POOL_WIRE_VERSION		1
#define POOL_WIRE_HEADER_BYTES	5
#define POOL_WIRE_ENTRY_BYTES	12

/* How much of a bad literal is shown. */
#define POOL_SHOWN_BYTES		64

/* First allocation of an aggregate state, in entries. */
#define POOL_AGG_MIN_CAPACITY	64

/*
 * State of both aggregates.  entries[0 .. nsorted) is in normal form; the
 * tail entries[nsorted .. nentries) holds positive quantities in any order.
 * Because "total" is checked on the way in, no later sum can overflow.
 * "scratch" is as large as "entries": merges write there and swap.
 */
typedef struct PoolAggState
{
	MemoryContext context;
	PoolEntry  *entries;
	PoolEntry  *scratch;
	int32_t		capacity;
	int32_t		nentries;
	int32_t		nsorted;
	int64_t		total;
} PoolAggState;

/* State of entries(): the reader walks this private copy of the pool. */
typedef struct PoolEntriesState
{
	struct varlena *pool;
	PoolReader	reader;
} PoolEntriesState;

PG_FUNCTION_INFO_V1(retail_pool_in);
PG_FUNCTION_INFO_V1(retail_pool_out);
PG_FUNCTION_INFO_V1(retail_pool_recv);
PG_FUNCTION_INFO_V1(retail_pool_send);
PG_FUNCTION_INFO_V1(retail_pool_construct);
PG_FUNCTION_INFO_V1(retail_pool_total);
PG_FUNCTION_INFO_V1(retail_pool_locations);
PG_FUNCTION_INFO_V1(retail_pool_at);
PG_FUNCTION_INFO_V1(retail_pool_entries);
PG_FUNCTION_INFO_V1(retail_pool_fewest);
PG_FUNCTION_INFO_V1(retail_pool_add);
PG_FUNCTION_INFO_V1(retail_pool_subtract);
PG_FUNCTION_INFO_V1(retail_pool_fills);
PG_FUNCTION_INFO_V1(retail_pool_filled_by);
PG_FUNCTION_INFO_V1(retail_pool_contains);
PG_FUNCTION_INFO_V1(retail_pool_contained);
PG_FUNCTION_INFO_V1(retail_pool_eq);
PG_FUNCTION_INFO_V1(retail_pool_ne);
PG_FUNCTION_INFO_V1(retail_pool_lt);
PG_FUNCTION_INFO_V1(retail_pool_le);
PG_FUNCTION_INFO_V1(retail_pool_ge);
PG_FUNCTION_INFO_V1(retail_pool_gt);
PG_FUNCTION_INFO_V1(retail_pool_cmp);
PG_FUNCTION_INFO_V1(retail_pool_hash);
PG_FUNCTION_INFO_V1(retail_pool_hash_extended);
PG_FUNCTION_INFO_V1(retail_pool_agg_row);
PG_FUNCTION_INFO_V1(retail_pool_agg_pool);
PG_FUNCTION_INFO_V1(retail_pool_agg_combine);
PG_FUNCTION_INFO_V1(retail_pool_agg_serialize);
PG_FUNCTION_INFO_V1(retail_pool_agg_deserialize);
PG_FUNCTION_INFO_V1(retail_pool_agg_final);

/*-------------------------------------------------------------------------
 * Errors
 *-------------------------------------------------------------------------
 */

/* Fails for a value that cannot be part of a pool; never returns. */
static void
report_bad_value(PoolStatus status, const PoolFault *fault)
{
	switch (status)
	{
		case POOL_BAD_LOCATION:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("location id %d is out of range for type inventory_pool",
							fault->location_id),
					 errdetail("A location id is 1 to %d.", PG_INT32_MAX)));
			break;
		case POOL_BAD_QTY:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("quantity %lld at location id %d is negative",
							(long long) fault->qty, fault->location_id),
					 errdetail("An inventory_pool holds what can be sold, 0 units or more."),
					 errhint("Use greatest(qty, 0) where stock may be short.")));
			break;
		case POOL_DUPLICATE:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("location id %d occurs more than once",
							fault->location_id),
					 errhint("Use retail.inventory_pool_agg() to add up rows of one location.")));
			break;
		case POOL_TOTAL_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("total of inventory_pool is out of range for type bigint")));
			break;
		case POOL_TOO_MANY:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("inventory_pool exceeds the maximum of %d locations",
							POOL_MAX_LOCATIONS)));
			break;
		case POOL_CORRUPT:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("stored inventory_pool value is corrupted")));
			break;
		default:
			elog(ERROR, "unexpected inventory_pool status %d", (int) status);
	}
}

static inline void
check_stored(PoolStatus status)
{
	if (status != POOL_OK)
	{
		PoolFault	fault = {0, 0, 0};

		report_bad_value(status, &fault);
	}
}

static void
check_location_count(int64 nlocations)
{
	if (nlocations > POOL_MAX_LOCATIONS)
	{
		PoolFault	fault = {0, 0, 0};

		report_bad_value(POOL_TOO_MANY, &fault);
	}
}

/*
 * Reports what is wrong with a literal: softly where the caller asked for
 * that (PostgreSQL 16 and later), else by an error.
 */
static void
report_bad_literal(PoolStatus status, const PoolFault *fault,
				   const char *text, Node *escontext)
{
	int			shown = pg_mbcliplen(text, (int) strlen(text),
									 POOL_SHOWN_BYTES);
	const char *more = text[shown] != '\0' ? "..." : "";

	switch (status)
	{
		case POOL_BAD_SYNTAX:
			ereturn(escontext,,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type inventory_pool: \"%.*s%s\"",
							shown, text, more),
					 text[fault->offset] == '\0' ?
					 errdetail("The text ends too early.") :
					 errdetail("Unexpected character at position %zu.",
							   fault->offset + 1),
					 errhint("Write {location id:units, ...}, for example {1:30,7:12}.")));
			break;
		case POOL_DUPLICATE:
			ereturn(escontext,,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type inventory_pool: \"%.*s%s\"",
							shown, text, more),
					 errdetail("Location id %d occurs more than once.",
							   fault->location_id)));
			break;
		case POOL_BAD_LOCATION:
			ereturn(escontext,,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("location id is out of range for type inventory_pool: \"%.*s%s\"",
							shown, text, more),
					 errdetail("A location id is 1 to %d.", PG_INT32_MAX)));
			break;
		case POOL_BAD_QTY:
			ereturn(escontext,,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("quantity is out of range for type bigint: \"%.*s%s\"",
							shown, text, more),
					 errdetail("The quantity starts at position %zu.",
							   fault->offset + 1)));
			break;
		case POOL_TOTAL_OVERFLOW:
			ereturn(escontext,,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("total of inventory_pool is out of range for type bigint: \"%.*s%s\"",
							shown, text, more)));
			break;
		default:
			report_bad_value(status, fault);
	}
}

/*-------------------------------------------------------------------------
 * Values in and out of datums
 *-------------------------------------------------------------------------
 */

/* The packed bytes of a pool that is not toasted any more. */
static inline const uint8_t *
pool_bytes(struct varlena *pool)
{
	return (const uint8_t *) VARDATA_ANY(pool);
}

static inline size_t
pool_length(struct varlena *pool)
{
	return VARSIZE_ANY_EXHDR(pool);
}

#define PG_GETARG_POOL(n)	PG_GETARG_VARLENA_PP(n)

/* Makes a value from entries in normal form. */
static struct varlena *
build_packed(const PoolEntry *entries, int32_t nentries, int64_t total)
{
	size_t		size;
	struct varlena *pool;

	check_location_count(nentries);
	size = VARHDRSZ +
		retail_pool_vector_packed_size(entries, nentries, total);
	pool = (struct varlena *) palloc(size);
	SET_VARSIZE(pool, size);
	retail_pool_vector_pack(entries, nentries, total,
							(uint8_t *) VARDATA(pool));
	return pool;
}

/* Count and total, from the first bytes of a possibly toasted argument. */
static void
read_header(Datum pool, int32_t * count, int64_t * total)
{
	struct varlena *slice;

	slice = PG_DETOAST_DATUM_SLICE(pool, 0, POOL_HEADER_MAX_BYTES);
	check_stored(retail_pool_vector_header(pool_bytes(slice),
										   pool_length(slice), count, total));
}

/*
 * Reads an untoasted pool into a new array with room for "extra" more entries.
 */
static PoolEntry *
unpack_entries(struct varlena *pool, int32_t extra, int32_t * nentries)
{
	PoolReader	reader;
	PoolEntry  *entries;

	check_stored(retail_pool_vector_open(&reader, pool_bytes(pool),
										 pool_length(pool)));
	entries = palloc(sizeof(PoolEntry) * ((Size) reader.count + extra + 1));
	check_stored(retail_pool_vector_unpack(pool_bytes(pool),
										   pool_length(pool), entries,
										   reader.count, nentries));
	return entries;
}

Datum
retail_inventory_pool_build(PoolEntry *entries, int32_t nentries)
{
	int64_t		total;
	PoolFault	fault;
	PoolStatus	status;

	status = retail_pool_vector_normalise(entries, &nentries,
										  POOL_REFUSE_DUPLICATES, &total,
										  &fault);
	if (status != POOL_OK)
		report_bad_value(status, &fault);
	return PointerGetDatum(build_packed(entries, nentries, total));
}

int32_t
retail_inventory_pool_read(Datum pool, PoolEntry **entries)
{
	int32_t		nentries;

	*entries = unpack_entries(PG_DETOAST_DATUM_PACKED(pool), 0, &nentries);
	return nentries;
}

/*-------------------------------------------------------------------------
 * Input and output
 *-------------------------------------------------------------------------
 */

Datum
retail_pool_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	size_t		len = strlen(text);
	int32_t		capacity = retail_pool_vector_text_capacity(text, len);
	int32_t		nentries;
	int64_t		total;
	PoolEntry  *entries;
	PoolFault	fault;
	PoolStatus	status;

	entries = palloc(sizeof(PoolEntry) * (Size) capacity);
	status = retail_pool_vector_parse(text, len, entries, capacity,
									  &nentries, &fault);
	if (status == POOL_OK)
		status = retail_pool_vector_normalise(entries, &nentries,
											  POOL_REFUSE_DUPLICATES,
											  &total, &fault);
	if (status != POOL_OK)
	{
		report_bad_literal(status, &fault, text, fcinfo->context);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(build_packed(entries, nentries, total));
}

Datum
retail_pool_out(PG_FUNCTION_ARGS)
{
	int32_t		nentries;
	PoolEntry  *entries = unpack_entries(PG_GETARG_POOL(0), 0, &nentries);
	char	   *text = palloc(retail_pool_vector_text_bound(nentries));

	retail_pool_vector_format(entries, nentries, text);
	pfree(entries);
	PG_RETURN_CSTRING(text);
}

static void
report_bad_message(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type inventory_pool"),
			 errdetail_internal("%s", detail)));
}

/*
 * Checks version and announced count against the bytes that are there, before
 * anything is allocated, and returns the count.
 */
static int32_t
receive_header(StringInfo message)
{
	int			bytes = message->len - message->cursor;
	uint32		count;

	if (bytes < POOL_WIRE_HEADER_BYTES)
		report_bad_message("The message ends too early.");
	if (pq_getmsgbyte(message) != POOL_WIRE_VERSION)
		report_bad_message("The version byte is unknown.");
	count = (uint32) pq_getmsgint(message, 4);
	bytes -= POOL_WIRE_HEADER_BYTES;
	if (bytes % POOL_WIRE_ENTRY_BYTES != 0 ||
		count != (uint32) (bytes / POOL_WIRE_ENTRY_BYTES))
		report_bad_message("The number of entries does not match the length.");
	check_location_count(count);
	return (int32_t) count;
}

Datum
retail_pool_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int32_t		count = receive_header(message);
	int32_t		last_location_id = 0;
	int64		total = 0;
	PoolEntry  *entries = palloc(sizeof(PoolEntry) * ((Size) count + 1));

	for (int32_t i = 0; i < count; i++)
	{
		entries[i].location_id = (int32_t) pq_getmsgint(message, 4);
		entries[i].qty = pq_getmsgint64(message);
		if (entries[i].location_id <= last_location_id)
			report_bad_message("Location ids do not rise from 1.");
		if (entries[i].qty <= 0)
			report_bad_message("A quantity is not positive.");
		if (pg_add_s64_overflow(total, entries[i].qty, &total))
			check_stored(POOL_TOTAL_OVERFLOW);
		last_location_id = entries[i].location_id;
	}
	PG_RETURN_POINTER(build_packed(entries, count, total));
}

Datum
retail_pool_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;
	int32_t		nentries;
	PoolEntry  *entries = unpack_entries(PG_GETARG_POOL(0), 0, &nentries);

	pq_begintypsend(&message);
	pq_sendint8(&message, POOL_WIRE_VERSION);
	pq_sendint32(&message, nentries);
	for (int32_t i = 0; i < nentries; i++)
	{
		pq_sendint32(&message, entries[i].location_id);
		pq_sendint64(&message, entries[i].qty);
	}
	pfree(entries);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* One dimension, or none, and no NULL in it. */
static void
check_array(ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array %s has %d dimensions, not one", name,
						ARR_NDIM(array))));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array %s contains a null", name)));
}

/* inventory_pool(location_ids int[], qtys bigint[]) */
Datum
retail_pool_construct(PG_FUNCTION_ARGS)
{
	ArrayType  *location_ids = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *qtys = PG_GETARG_ARRAYTYPE_P(1);
	int			nlocations;
	int			nqtys;
	PoolEntry  *entries;

	check_array(location_ids, "location_ids");
	check_array(qtys, "qtys");
	nlocations = ArrayGetNItems(ARR_NDIM(location_ids), ARR_DIMS(location_ids));
	nqtys = ArrayGetNItems(ARR_NDIM(qtys), ARR_DIMS(qtys));
	if (nlocations != nqtys)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays location_ids and qtys differ in length"),
				 errdetail("There are %d location ids and %d quantities.",
						   nlocations, nqtys)));
	check_location_count(nlocations);

	entries = palloc(sizeof(PoolEntry) * ((Size) nlocations + 1));
	for (int i = 0; i < nlocations; i++)
	{
		entries[i].location_id = ((int32 *) ARR_DATA_PTR(location_ids))[i];
		entries[i].qty = ((int64 *) ARR_DATA_PTR(qtys))[i];
	}
	return retail_inventory_pool_build(entries, nlocations);
}

/*-------------------------------------------------------------------------
 * Questions about one pool
 *-------------------------------------------------------------------------
 */

Datum
retail_pool_total(PG_FUNCTION_ARGS)
{
	int32_t		count;
	int64_t		total;

	read_header(PG_GETARG_DATUM(0), &count, &total);
	PG_RETURN_INT64(total);
}

Datum
retail_pool_locations(PG_FUNCTION_ARGS)
{
	int32_t		count;
	int64_t		total;

	read_header(PG_GETARG_DATUM(0), &count, &total);
	PG_RETURN_INT32(count);
}

Datum
retail_pool_at(PG_FUNCTION_ARGS)
{
	struct varlena *pool = PG_GETARG_POOL(0);
	int64_t		qty;

	check_stored(retail_pool_vector_at(pool_bytes(pool), pool_length(pool),
									   PG_GETARG_INT32(1), &qty));
	PG_RETURN_INT64(qty);
}

/* Prepares the walk in the context that lives as long as the set. */
static void
begin_entries(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	MemoryContext oldcontext;
	PoolEntriesState *state;
	TupleDesc	tupdesc;

	oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	funcctx->tuple_desc = BlessTupleDesc(tupdesc);
	state = palloc(sizeof(PoolEntriesState));
	state->pool = PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
	check_stored(retail_pool_vector_open(&state->reader,
										 pool_bytes(state->pool),
										 pool_length(state->pool)));
	funcctx->user_fctx = state;
	MemoryContextSwitchTo(oldcontext);
}

Datum
retail_pool_entries(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	PoolEntriesState *state;
	PoolEntry	entry;
	PoolStatus	status;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (SRF_IS_FIRSTCALL())
	{
		funcctx = SRF_FIRSTCALL_INIT();
		begin_entries(fcinfo, funcctx);
	}
	funcctx = SRF_PERCALL_SETUP();
	state = (PoolEntriesState *) funcctx->user_fctx;

	status = retail_pool_vector_next(&state->reader, &entry);
	if (status == POOL_END)
		SRF_RETURN_DONE(funcctx);
	check_stored(status);
	values[0] = Int32GetDatum(entry.location_id);
	values[1] = Int64GetDatum(entry.qty);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}

Datum
retail_pool_fewest(PG_FUNCTION_ARGS)
{
	struct varlena *pool = PG_GETARG_POOL(0);
	int64		wanted = PG_GETARG_INT64(1);
	int64_t    *qtys;
	int32_t		n = 0;
	PoolReader	reader;
	PoolEntry	entry;
	PoolStatus	status;

	if (wanted < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity %lld is negative", (long long) wanted)));
	check_stored(retail_pool_vector_open(&reader, pool_bytes(pool),
										 pool_length(pool)));
	if (reader.total < wanted)
		PG_RETURN_NULL();

	qtys = palloc(sizeof(int64_t) * ((Size) reader.count + 1));
	while ((status = retail_pool_vector_next(&reader, &entry)) == POOL_OK)
		qtys[n++] = entry.qty;
	if (status != POOL_END)
		check_stored(status);
	n = retail_pool_vector_fewest(qtys, n, wanted);
	pfree(qtys);
	PG_RETURN_INT32(n);
}

/*-------------------------------------------------------------------------
 * Operators
 *-------------------------------------------------------------------------
 */

Datum
retail_pool_add(PG_FUNCTION_ARGS)
{
	int32_t		na;
	int32_t		nb;
	int32_t		nout;
	int64_t		total;
	PoolEntry  *a = unpack_entries(PG_GETARG_POOL(0), 0, &na);
	PoolEntry  *b = unpack_entries(PG_GETARG_POOL(1), 0, &nb);
	PoolEntry  *out = palloc(sizeof(PoolEntry) * ((Size) na + nb + 1));
	struct varlena *result;

	check_stored(retail_pool_vector_add(a, na, b, nb, out, &nout, &total));
	result = build_packed(out, nout, total);
	pfree(a);
	pfree(b);
	pfree(out);
	PG_RETURN_POINTER(result);
}

Datum
retail_pool_subtract(PG_FUNCTION_ARGS)
{
	int32_t		na;
	int32_t		nb;
	int64_t		total;
	PoolEntry  *a = unpack_entries(PG_GETARG_POOL(0), 0, &na);
	PoolEntry  *b = unpack_entries(PG_GETARG_POOL(1), 0, &nb);
	struct varlena *result;

	retail_pool_vector_subtract(a, na, b, nb, a, &na, &total);
	result = build_packed(a, na, total);
	pfree(a);
	pfree(b);
	PG_RETURN_POINTER(result);
}

/* pool @> bigint */
Datum
retail_pool_fills(PG_FUNCTION_ARGS)
{
	int32_t		count;
	int64_t		total;

	read_header(PG_GETARG_DATUM(0), &count, &total);
	PG_RETURN_BOOL(total >= PG_GETARG_INT64(1));
}

/* bigint <@ pool */
Datum
retail_pool_filled_by(PG_FUNCTION_ARGS)
{
	int32_t		count;
	int64_t		total;

	read_header(PG_GETARG_DATUM(1), &count, &total);
	PG_RETURN_BOOL(total >= PG_GETARG_INT64(0));
}

static bool
covers_pool(struct varlena *a, struct varlena *b)
{
	bool		covers;

	check_stored(retail_pool_vector_covers(pool_bytes(a), pool_length(a),
										   pool_bytes(b), pool_length(b),
										   &covers));
	return covers;
}

Datum
retail_pool_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(covers_pool(PG_GETARG_POOL(0), PG_GETARG_POOL(1)));
}

Datum
retail_pool_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(covers_pool(PG_GETARG_POOL(1), PG_GETARG_POOL(0)));
}

/*
 * Support functions of index classes must not leave detoasted copies behind:
 * a sort or an index build calls them millions of times in one context.
 */

static bool
equal_args(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_POOL(0);
	struct varlena *b = PG_GETARG_POOL(1);
	bool		equal;

	equal = pool_length(a) == pool_length(b) &&
		memcmp(pool_bytes(a), pool_bytes(b), pool_length(a)) == 0;
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return equal;
}

static int
compare_args(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_POOL(0);
	struct varlena *b = PG_GETARG_POOL(1);
	int			order;

	check_stored(retail_pool_vector_compare(pool_bytes(a), pool_length(a),
											pool_bytes(b), pool_length(b),
											&order));
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

Datum
retail_pool_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(equal_args(fcinfo));
}

Datum
retail_pool_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!equal_args(fcinfo));
}

Datum
retail_pool_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum
retail_pool_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum
retail_pool_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum
retail_pool_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum
retail_pool_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

Datum
retail_pool_hash(PG_FUNCTION_ARGS)
{
	struct varlena *pool = PG_GETARG_POOL(0);
	Datum		hash = hash_any(pool_bytes(pool), pool_length(pool));

	PG_FREE_IF_COPY(pool, 0);
	return hash;
}

Datum
retail_pool_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *pool = PG_GETARG_POOL(0);
	Datum		hash = hash_any_extended(pool_bytes(pool), pool_length(pool),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(pool, 0);
	return hash;
}

/*-------------------------------------------------------------------------
 * Aggregates
 *-------------------------------------------------------------------------
 */

/* The context of the aggregate; these functions make no sense elsewhere. */
static MemoryContext
check_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function is for use inside an aggregate only")));
	return context;
}

static PoolAggState *
new_agg_state(MemoryContext context)
{
	PoolAggState *state = MemoryContextAllocZero(context,
												 sizeof(PoolAggState));

	state->context = context;
	state->capacity = POOL_AGG_MIN_CAPACITY;
	state->entries = MemoryContextAlloc(context, sizeof(PoolEntry) *
										POOL_AGG_MIN_CAPACITY);
	state->scratch = MemoryContextAlloc(context, sizeof(PoolEntry) *
										POOL_AGG_MIN_CAPACITY);
	return state;
}

/* Makes both buffers at least "needed" entries large, by doubling. */
static void
reserve_capacity(PoolAggState *state, int64 needed)
{
	int64		capacity = state->capacity;

	if (needed <= capacity)
		return;
	while (capacity < needed)
		capacity *= 2;
	state->entries = repalloc(state->entries, sizeof(PoolEntry) * capacity);
	pfree(state->scratch);
	state->scratch = MemoryContextAlloc(state->context,
										sizeof(PoolEntry) * capacity);
	state->capacity = (int32_t) capacity;
}

/*
 * Replaces the content by the sum of two vectors, the first of which may be
 * the sorted run of the state itself.
 */
static void
merge_into_state(PoolAggState *state, const PoolEntry *more, int32_t nmore)
{
	PoolEntry  *merged = state->scratch;
	int64_t		total;

	check_stored(retail_pool_vector_add(state->entries, state->nsorted,
										more, nmore, merged,
										&state->nentries, &total));
	check_location_count(state->nentries);
	state->nsorted = state->nentries;
	state->scratch = state->entries;
	state->entries = merged;
}

/* Brings the whole state into normal form. */
static void
compact_state(PoolAggState *state)
{
	PoolEntry  *tail = state->entries + state->nsorted;
	int32_t		ntail = state->nentries - state->nsorted;
	int64_t		total;
	PoolFault	fault;
	PoolStatus	status;

	if (ntail == 0)
		return;
	status = retail_pool_vector_normalise(tail, &ntail, POOL_SUM_DUPLICATES,
										  &total, &fault);
	if (status != POOL_OK)
		report_bad_value(status, &fault);
	merge_into_state(state, tail, ntail);
}

/* Room for "more" entries at the end of the tail. */
static void
make_room(PoolAggState *state, int32_t more)
{
	if (state->nentries + more <= state->capacity)
		return;
	compact_state(state);

	/* leave half of the buffer free, so that the next merge is far away */
	reserve_capacity(state, 2 * ((int64) state->nentries + more));
}

static void
add_to_total(PoolAggState *state, int64_t qty)
{
	int64		total;

	if (pg_add_s64_overflow(state->total, qty, &total))
		check_stored(POOL_TOTAL_OVERFLOW);
	state->total = total;
}

/* Appends an entry with a positive quantity; the caller made room. */
static inline void
append_entry(PoolAggState *state, int32_t location_id, int64_t qty)
{
	bool		sorted = state->nsorted == state->nentries;

	if (sorted && state->nentries > 0)
	{
		PoolEntry  *last = &state->entries[state->nentries - 1];

		if (last->location_id == location_id)
		{
			last->qty += qty;
			return;
		}
		sorted = last->location_id < location_id;
	}
	state->entries[state->nentries].location_id = location_id;
	state->entries[state->nentries].qty = qty;
	state->nentries++;
	if (sorted)
		state->nsorted = state->nentries;
}

/*
 * Adds a vector in normal form.  One that is small beside the state goes to
 * the tail, else it is merged at once.
 */
static void
add_vector(PoolAggState *state, const PoolEntry *entries, int32_t nentries,
		   int64_t total)
{
	add_to_total(state, total);
	if (nentries < state->nentries / 4)
	{
		make_room(state, nentries);
		for (int32_t i = 0; i < nentries; i++)
			append_entry(state, entries[i].location_id, entries[i].qty);
		return;
	}
	compact_state(state);
	reserve_capacity(state, (int64) state->nentries + nentries);
	merge_into_state(state, entries, nentries);
}

static void
add_packed(PoolAggState *state, struct varlena *pool)
{
	int32_t		count;
	int64_t		total;
	PoolEntry  *entries = unpack_entries(pool, 0, &count);

	check_stored(retail_pool_vector_header(pool_bytes(pool),
										   pool_length(pool), &count,
										   &total));
	add_vector(state, entries, count, total);
	pfree(entries);
}

/*
 * Transition of inventory_pool_agg(location_id, qty).  Rows where either is
 * NULL do not count, so a group of nothing else aggregates to NULL.
 */
Datum
retail_pool_agg_row(PG_FUNCTION_ARGS)
{
	MemoryContext context = check_aggregate(fcinfo);
	PoolAggState *state;
	PoolFault	fault = {0, 0, 0};

	state = PG_ARGISNULL(0) ? NULL : (PoolAggState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}

	fault.location_id = PG_GETARG_INT32(1);
	fault.qty = PG_GETARG_INT64(2);
	if (fault.location_id < 1)
		report_bad_value(POOL_BAD_LOCATION, &fault);
	if (fault.qty < 0)
		report_bad_value(POOL_BAD_QTY, &fault);
	if (state == NULL)
		state = new_agg_state(context);
	if (fault.qty > 0)
	{
		add_to_total(state, fault.qty);
		make_room(state, 1);
		append_entry(state, fault.location_id, fault.qty);
	}
	PG_RETURN_POINTER(state);
}

/* Transition of sum(inventory_pool); NULL pools do not count. */
Datum
retail_pool_agg_pool(PG_FUNCTION_ARGS)
{
	MemoryContext context = check_aggregate(fcinfo);
	PoolAggState *state;

	state = PG_ARGISNULL(0) ? NULL : (PoolAggState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_agg_state(context);
	add_packed(state, PG_GETARG_POOL(1));
	PG_RETURN_POINTER(state);
}

/* Adds the second state to the first and leaves the second as it was. */
Datum
retail_pool_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = check_aggregate(fcinfo);
	PoolAggState *state;
	PoolAggState *other;

	state = PG_ARGISNULL(0) ? NULL : (PoolAggState *) PG_GETARG_POINTER(0);
	other = PG_ARGISNULL(1) ? NULL : (PoolAggState *) PG_GETARG_POINTER(1);
	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_agg_state(context);
	compact_state(other);
	add_vector(state, other->entries, other->nentries, other->total);
	PG_RETURN_POINTER(state);
}

Datum
retail_pool_agg_serialize(PG_FUNCTION_ARGS)
{
	PoolAggState *state;

	check_aggregate(fcinfo);
	state = (PoolAggState *) PG_GETARG_POINTER(0);
	compact_state(state);
	PG_RETURN_POINTER(build_packed(state->entries, state->nentries,
								   state->total));
}

/* Runs in the context where the combine function will look for the state. */
Datum
retail_pool_agg_deserialize(PG_FUNCTION_ARGS)
{
	PoolAggState *state;

	check_aggregate(fcinfo);
	state = new_agg_state(CurrentMemoryContext);
	add_packed(state, PG_GETARG_POOL(0));
	PG_RETURN_POINTER(state);
}

Datum
retail_pool_agg_final(PG_FUNCTION_ARGS)
{
	PoolAggState *state;

	check_aggregate(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (PoolAggState *) PG_GETARG_POINTER(0);
	compact_state(state);
	PG_RETURN_POINTER(build_packed(state->entries, state->nentries,
								   state->total));
}
