/*-------------------------------------------------------------------------
 * arg.c
 *		Arguments of the public functions: each check written once.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "arg.h"
#include "guc.h"

#define MAX_REF_LENGTH 200

/* Tills' clocks may run ahead of ours by this much. */
#define MAX_CLOCK_SKEW_US (USECS_PER_HOUR)

static void
refuse_null(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", name)));
}

Datum
retail_arg_text(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (PG_ARGISNULL(i))
		refuse_null(name);
	return PointerGetDatum(PG_GETARG_TEXT_PP(i));
}

int64
retail_arg_int64(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (PG_ARGISNULL(i))
		refuse_null(name);
	return PG_GETARG_INT64(i);
}

bool
retail_arg_bool(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (PG_ARGISNULL(i))
		refuse_null(name);
	return PG_GETARG_BOOL(i);
}

SkuInfo
retail_arg_sku(FunctionCallInfo fcinfo, int i)
{
	return retail_master_sku(retail_arg_text(fcinfo, i, "sku"));
}

LocationInfo
retail_arg_location(FunctionCallInfo fcinfo, int i)
{
	return retail_master_location(retail_arg_text(fcinfo, i, "location"));
}

void
retail_check_qty(int64 qty)
{
	if (qty <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity %lld is not positive", (long long) qty),
				 errhint("Quantities are whole base units of the SKU, 1 or more.")));
}

int64
retail_arg_qty(FunctionCallInfo fcinfo, int i)
{
	int64		qty = retail_arg_int64(fcinfo, i, "qty");

	retail_check_qty(qty);
	return qty;
}

static void
check_length(text *t, const char *name)
{
	if (pg_mbstrlen_with_len(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)) > MAX_REF_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is longer than %d characters", name, MAX_REF_LENGTH)));
}

Datum
retail_check_ref(Datum value, const char *name)
{
	text	   *t = DatumGetTextPP(value);

	check_length(t, name);
	return PointerGetDatum(t);
}

Datum
retail_arg_ref(FunctionCallInfo fcinfo, int i, const char *name)
{
	return PG_ARGISNULL(i) ? (Datum) 0 : retail_check_ref(PG_GETARG_DATUM(i), name);
}

Datum
retail_arg_holder(FunctionCallInfo fcinfo, int i)
{
	Datum		holder = retail_arg_ref(fcinfo, i, "holder");

	if (holder != (Datum) 0 && VARSIZE_ANY_EXHDR(DatumGetPointer(holder)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("holder must not be empty"),
				 errhint("Pass NULL where nobody is to be named.")));
	return holder;
}

int32
retail_arg_channel_id(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? 0 : retail_master_channel(PG_GETARG_DATUM(i)).id;
}

Request
retail_arg_request(FunctionCallInfo fcinfo, int i, const char *function)
{
	bool		isnull = PG_ARGISNULL(i);

	return retail_request_begin(function, isnull ? (Datum) 0 : PG_GETARG_DATUM(i), isnull);
}

static int64
check_ttl(int64 ttl_us)
{
	if (ttl_us < USECS_PER_SEC || ttl_us > (int64) retail_max_ttl_s * USECS_PER_SEC)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ttl is out of range"),
				 errdetail("A hold lasts from 1 second to %d seconds.", retail_max_ttl_s),
				 errhint("The upper bound is the setting pg_retail.max_ttl.")));
	return ttl_us;
}

int64
retail_ttl_us(Interval *span)
{
	int64		days = (int64) span->month * DAYS_PER_MONTH + span->day;
	int64		ttl_us;

	if (pg_mul_s64_overflow(days, USECS_PER_DAY, &ttl_us) ||
		pg_add_s64_overflow(ttl_us, span->time, &ttl_us))
		ttl_us = PG_INT64_MAX;
	return check_ttl(ttl_us);
}

int64
retail_channel_ttl_us(int64 channel_ttl_us)
{
	return check_ttl(channel_ttl_us > 0 ? channel_ttl_us :
					 (int64) retail_default_ttl_s * USECS_PER_SEC);
}

int64
retail_arg_ttl(FunctionCallInfo fcinfo, int i, int64 channel_ttl_us)
{
	return PG_ARGISNULL(i) ? retail_channel_ttl_us(channel_ttl_us) :
		retail_ttl_us(PG_GETARG_INTERVAL_P(i));
}

TimestampTz
retail_arg_occurred_at(FunctionCallInfo fcinfo, int i, TimestampTz now)
{
	TimestampTz at;

	if (PG_ARGISNULL(i))
		return now;
	at = PG_GETARG_TIMESTAMPTZ(i);
	if (TIMESTAMP_NOT_FINITE(at) || at > now + MAX_CLOCK_SKEW_US)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("occurred_at is not a moment of the past"),
				 errdetail("Clocks may differ by an hour.")));
	return at;
}

static LineArg
read_line(HeapTupleHeader row, int line_no, bool anywhere)
{
	HeapTupleData tuple;
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
											  HeapTupleHeaderGetTypMod(row));
	Datum		values[5] = {0};
	bool		isnull[5] = {true, true, true, true, true};
	LineArg		line;

	memset(&line, 0, sizeof(line));
	if (desc->natts != 3 && desc->natts != 5)
		elog(ERROR, "line type has %d columns", desc->natts);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, desc, values, isnull);
	ReleaseTupleDesc(desc);

	if (isnull[0])
		refuse_null("sku of a line");
	if (isnull[1] && !anywhere)
		refuse_null("location of a line");
	if (isnull[2])
		refuse_null("qty of a line");
	line.sku = retail_master_sku(values[0]);
	if (!isnull[1])
		line.location = retail_master_location(values[1]);
	line.qty = DatumGetInt64(values[2]);
	retail_check_qty(line.qty);
	if (!isnull[3])
	{
		line.lot = PointerGetDatum(DatumGetTextPP(values[3]));
		check_length(DatumGetTextPP(line.lot), "lot");
	}
	line.has_expiry = !isnull[4];
	line.expires_on = isnull[4] ? 0 : DatumGetDateADT(values[4]);
	line.line_no = line_no;
	return line;
}

static LineArg *
read_lines(FunctionCallInfo fcinfo, int i, bool anywhere, int *nlines)
{
	ArrayType  *array;
	Datum	   *rows;
	bool	   *isnull;
	LineArg    *lines;
	int16		typlen;
	bool		typbyval;
	char		typalign;

	if (PG_ARGISNULL(i))
		refuse_null("lines");
	array = PG_GETARG_ARRAYTYPE_P(i);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign,
					  &rows, &isnull, nlines);
	if (*nlines == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lines must not be empty")));
	lines = palloc(sizeof(LineArg) * *nlines);
	for (int n = 0; n < *nlines; n++)
	{
		if (isnull[n])
			refuse_null("a line");
		lines[n] = read_line(DatumGetHeapTupleHeader(rows[n]), n, anywhere);
		CHECK_FOR_INTERRUPTS();
	}
	return lines;
}

LineArg *
retail_arg_lines(FunctionCallInfo fcinfo, int i, int *nlines)
{
	return read_lines(fcinfo, i, false, nlines);
}

LineArg *
retail_arg_order_lines(FunctionCallInfo fcinfo, int i, int *nlines)
{
	return read_lines(fcinfo, i, true, nlines);
}

int
retail_line_compare(const void *a, const void *b)
{
	const LineArg *x = a;
	const LineArg *y = b;

	if (x->sku.id != y->sku.id)
		return x->sku.id < y->sku.id ? -1 : 1;
	if (x->location.id != y->location.id)
		return x->location.id < y->location.id ? -1 : 1;
	return x->line_no < y->line_no ? -1 : x->line_no > y->line_no;
}
