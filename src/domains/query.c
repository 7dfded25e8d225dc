/*-------------------------------------------------------------------------
 * query.c
 *		Reading the engine: available(), pool(), status().
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/lmgr.h"
#include "utils/array.h"
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
PG_FUNCTION_INFO_V1(retail_sellable_anywhere);
PG_FUNCTION_INFO_V1(retail_engine_status);
PG_FUNCTION_INFO_V1(retail_is_time_zone);

/* retail.available(sku, location, channel) */
Datum
retail_available(PG_FUNCTION_ARGS)
{
	SkuInfo		sku;
	LocationInfo location;
	SaleRule	rule;

	retail_engine_begin_read();
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

	retail_engine_begin_read();
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

static bool
is_among(const Datum *ids, int nids, int32 id)
{
	for (int i = 0; i < nids; i++)
	{
		if (DatumGetInt32(ids[i]) == id)
			return true;
	}
	return false;
}

/*
 * retail._sellable_anywhere(sku_id, channel_id, but): the first location that
 * could give a unit answers; those without units are not asked.
 */
Datum
retail_sellable_anywhere(PG_FUNCTION_ARGS)
{
	int32		sku_id = PG_GETARG_INT32(0);
	int32		channel_id = PG_GETARG_INT32(1);
	Datum	   *but;
	int			nbut;
	StockReader reader;
	RetailScan	scan;
	ScanKeyData key;
	bool		found = false;

	retail_engine_begin_read();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT4OID, sizeof(int32), true, TYPALIGN_INT, &but, NULL, &nbut);
	retail_stock_reader_begin(&reader, AccessShareLock, retail_clock_now());
	retail_key_int4(&key, 1, sku_id);
	retail_scan_begin(&scan, TABLE_STOCK, INDEX_STOCK, AccessShareLock, NULL, 1, &key);
	while (!found && retail_scan_next(&scan))
	{
		int32		location_id = retail_column_int32(TABLE_STOCK, scan.slot, STOCK_LOCATION_ID);
		int64		physical = retail_column_int64(TABLE_STOCK, scan.slot, STOCK_ON_HAND) -
			retail_column_int64(TABLE_STOCK, scan.slot, STOCK_UNAVAILABLE);
		SaleRule	rule;

		CHECK_FOR_INTERRUPTS();
		if (physical <= 0 || is_among(but, nbut, location_id))
			continue;
		rule = retail_sale_rule_now(sku_id, location_id, channel_id);

		/* what is kept back is kept back, whatever is promised of the rest */
		found = rule.on_sale && physical > retail_sale_floor(&rule, physical) &&
			retail_takeable_read(&reader, sku_id, location_id, &rule) > 0;
	}
	retail_scan_end(&scan);
	retail_stock_reader_end(&reader);
	PG_RETURN_BOOL(found);
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
