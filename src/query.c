/*-------------------------------------------------------------------------
 * query.c
 *		Reading the engine: available(), pool(), verify()'s cells, status().
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arg.h"
#include "claim.h"
#include "clock.h"
#include "escrow.h"
#include "fault.h"
#include "guc.h"
#include "inventory_pool.h"
#include "stock_read.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_available);
PG_FUNCTION_INFO_V1(retail_pool);
PG_FUNCTION_INFO_V1(retail_cell_sql);
PG_FUNCTION_INFO_V1(retail_cell_differs);
PG_FUNCTION_INFO_V1(retail_verify_cell);
PG_FUNCTION_INFO_V1(retail_engine_status);
PG_FUNCTION_INFO_V1(retail_is_time_zone);

/* Tries of verify() to see one stock twice without a change in between. */
#define VERIFY_TRIES 100

/*
 * Opens the engine for reading: with shared memory, stock is locked so that
 * the cells of this moment are the right ones.
 */
static void
begin_read(void)
{
	retail_tables_check();
	if (retail_cell_enabled() && !RecoveryInProgress())
	{
		LockRelationOid(retail_table_oid(TABLE_STOCK), AccessShareLock);
		LockRelationOid(retail_table_oid(TABLE_RESERVATION), AccessShareLock);
		retail_tables_check();
	}
}

/* retail.available(sku, location, channel) */
Datum
retail_available(PG_FUNCTION_ARGS)
{
	SkuInfo		sku;
	LocationInfo location;
	SaleRule	rule;

	begin_read();
	sku = retail_arg_sku(fcinfo, 0);
	location = retail_arg_location(fcinfo, 1);
	rule = retail_sale_rule_now(sku.id, location.id, retail_arg_channel_id(fcinfo, 2));
	PG_RETURN_INT64(retail_takeable_at(sku.id, location.id, &rule, retail_clock_now()));
}

/* Every location that has a stock row of the SKU. */
static int
read_locations(int32 sku_id, int32 **locations)
{
	ScanKeyData key;
	RetailScan	scan;

	retail_key_int4(&key, 1, sku_id);
	retail_scan_begin(&scan, TABLE_STOCK, INDEX_STOCK, AccessShareLock, NULL, 1, &key);
	return retail_scan_int32s(&scan, STOCK_LOCATION_ID, CurrentMemoryContext, locations);
}

/* retail.pool(sku, channel) */
Datum
retail_pool(PG_FUNCTION_ARGS)
{
	SkuInfo		sku;
	int32		channel_id;
	TimestampTz now = retail_clock_now();
	int32	   *locations;
	PoolEntry  *entries;
	int			n;
	int			kept = 0;

	begin_read();
	sku = retail_arg_sku(fcinfo, 0);
	channel_id = retail_arg_channel_id(fcinfo, 1);
	n = read_locations(sku.id, &locations);
	entries = palloc_extended(sizeof(PoolEntry) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		SaleRule	rule;
		int64		qty;

		CHECK_FOR_INTERRUPTS();
		rule = retail_sale_rule_now(sku.id, locations[i], channel_id);
		qty = retail_takeable_at(sku.id, locations[i], &rule, now);
		if (qty == 0)
			continue;
		entries[kept].location_id = locations[i];
		entries[kept].qty = qty;
		kept++;
	}
	return retail_inventory_pool_build(entries, kept);
}

static Datum
form_record(FunctionCallInfo fcinfo, Datum *values, bool *isnull)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull));
}

static bool
look(int32 sku_id, int32 location_id, CellView *view)
{
	return retail_cell_enabled() && !RecoveryInProgress() &&
		retail_cell_peek(retail_tables_epoch(), sku_id, location_id, view);
}

/* retail._cell(sku_id, location_id) */
Datum
retail_cell_sql(PG_FUNCTION_ARGS)
{
	CellView	view;
	Datum		values[4] = {0};
	bool		isnull[4] = {true, true, true, true};

	begin_read();
	if (look(PG_GETARG_INT32(0), PG_GETARG_INT32(1), &view))
	{
		values[0] = Int64GetDatum(view.avail);
		values[1] = Int64GetDatum(view.open);
		values[2] = Int32GetDatum((int32) view.pins);
		values[3] = Int64GetDatum(view.changes);
		memset(isnull, 0, sizeof(isnull));
	}
	return form_record(fcinfo, values, isnull);
}

/* retail._cell_differs(sku_id, location_id, available) */
Datum
retail_cell_differs(PG_FUNCTION_ARGS)
{
	CellView	view;

	/* the tables are looked up, and locked, once per query */
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		begin_read();
		fcinfo->flinfo->fn_extra = fcinfo->flinfo;
	}
	PG_RETURN_BOOL(look(PG_GETARG_INT32(0), PG_GETARG_INT32(1), &view) &&
				   view.avail != PG_GETARG_INT64(2));
}

/*
 * retail._verify_cell(sku_id, location_id): a difference is one only if the
 * counter did not move while the tables were read, and either nobody is at
 * work on it or it promises more than there is.
 */
Datum
retail_verify_cell(PG_FUNCTION_ARGS)
{
	int32		sku_id = PG_GETARG_INT32(0);
	int32		location_id = PG_GETARG_INT32(1);
	Datum		values[2] = {0};
	bool		isnull[2] = {true, true};

	begin_read();
	for (int i = 0; i < VERIFY_TRIES; i++)
	{
		CellView	before;
		CellView	after;
		CellTruth	truth;
		int64		expected;

		CHECK_FOR_INTERRUPTS();
		if (!look(sku_id, location_id, &before))
			break;
		retail_stock_read(sku_id, location_id, AccessShareLock, retail_clock_now(), &truth);
		if (!look(sku_id, location_id, &after))
			break;
		expected = retail_truth_avail(&truth);
		if (before.changes == after.changes)
		{
			if (after.avail == expected)
				break;
			if (after.pins == 0 || after.avail > expected)
			{
				values[0] = Int64GetDatum(expected);
				values[1] = Int64GetDatum(after.avail);
				memset(isnull, 0, sizeof(isnull));
				break;
			}
		}
		pg_usleep(1000L);
	}
	return form_record(fcinfo, values, isnull);
}

static void
put_status(ReturnSetInfo *rsinfo, const char *name, const char *value)
{
	Datum		values[2];
	bool		isnull[2] = {false, false};

	values[0] = CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(value);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
}

/* retail._engine_status() */
Datum
retail_engine_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo;
	int64		total;
	int64		used;
	int64		mine;

	InitMaterializedSRF(fcinfo, 0);
	rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	if (!retail_cell_enabled())
		return (Datum) 0;
	retail_cell_counts(MyDatabaseId, &total, &used, &mine);
	put_status(rsinfo, "cells", psprintf("%lld", (long long) total));
	put_status(rsinfo, "cells_used", psprintf("%lld", (long long) used));
	put_status(rsinfo, "cells_of_this_database", psprintf("%lld", (long long) mine));
	put_status(rsinfo, "bytes_per_cell", psprintf("%zu", retail_cell_bytes()));
#ifdef RETAIL_FAULTS
	put_status(rsinfo, "fault", retail_fault_setting ? retail_fault_setting : "");
#endif
	return (Datum) 0;
}

/* retail._is_time_zone(name) */
Datum
retail_is_time_zone(PG_FUNCTION_ARGS)
{
	char		name[TZ_STRLEN_MAX + 1];
	text	   *t = PG_GETARG_TEXT_PP(0);

	if (VARSIZE_ANY_EXHDR(t) == 0 || VARSIZE_ANY_EXHDR(t) > TZ_STRLEN_MAX)
		PG_RETURN_BOOL(false);
	text_to_cstring_buffer(t, name, sizeof(name));
	PG_RETURN_BOOL(pg_tzset(name) != NULL);
}
