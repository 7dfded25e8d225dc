/*-------------------------------------------------------------------------
 * stock_read.c
 *		What the tables say of one stock.
 *
 * Used to load a cell, to repair a flag, to verify, and wherever there is no
 * cell to ask: for stocks that nobody has reserved lately, on a standby, on a
 * server that did not preload the library.  One snapshot for all of it, so
 * that a reservation that is being consumed is seen either in the stock or in
 * the reservations, never in both or neither.
 *
 * A reader is for who asks for many stocks in a row, as routing does: its
 * scans stay open, and the next stock costs a descent of each index.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/date.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "fault.h"
#include "master.h"
#include "stock_read.h"
#include "table.h"

/*
 * The scan of one of the reader's kinds for a stock: begun at its first, and
 * then only set to the next.
 */
static RetailScan *
scan_stock(StockReader *reader, StockReaderScan kind, int32 sku_id, int32 location_id)
{
	static const struct
	{
		RetailTableId table;
		RetailIndexId index;
	}			of_kind[STOCK_READER_SCANS] = {
		[STOCK_READER_STOCK] = {TABLE_STOCK, INDEX_STOCK},
		[STOCK_READER_HELD] = {TABLE_RESERVATION, INDEX_RESERVATION_HELD},
		[STOCK_READER_COMMITTED] = {TABLE_RESERVATION, INDEX_RESERVATION_COMMITTED},
		[STOCK_READER_LOTS] = {TABLE_LOT, INDEX_LOT_FEFO},
	};
	RetailScan *scan = &reader->scans[kind];
	ScanKeyData keys[2];

	retail_key_stock(keys, sku_id, location_id);
	if (reader->snapshot == NULL)
		reader->snapshot = RETAIL_FAULT("load_old_snapshot") ?
			RegisterSnapshot(GetActiveSnapshot()) : retail_latest_snapshot();
	if (reader->begun[kind])
		retail_scan_again(scan, 2, keys);
	else
		retail_scan_begin(scan, of_kind[kind].table, of_kind[kind].index, reader->lockmode,
						  reader->snapshot, 2, keys);
	reader->begun[kind] = true;
	return scan;
}

static void
read_stock(StockReader *reader, int32 sku_id, int32 location_id, CellTruth *truth)
{
	RetailScan *scan = scan_stock(reader, STOCK_READER_STOCK, sku_id, location_id);

	if (retail_scan_next(scan))
	{
		truth->on_hand = retail_column_int64(TABLE_STOCK, scan->slot, STOCK_ON_HAND);
		truth->unavailable = retail_column_int64(TABLE_STOCK, scan->slot, STOCK_UNAVAILABLE);
	}
}

/* A sum beyond bigint, which only rows loaded in bulk can make, stays at the end of it. */
static void
add_qty(int64 *sum, int64 qty)
{
	if (pg_add_s64_overflow(*sum, qty, sum))
		*sum = PG_INT64_MAX;
}

static void
read_active(StockReader *reader, int32 sku_id, int32 location_id, CellTruth *truth)
{
	RetailScan *scan = scan_stock(reader, STOCK_READER_HELD, sku_id, location_id);

	while (retail_scan_next(scan))
	{
		bool		isnull;
		int64		qty = retail_column_int64(TABLE_RESERVATION, scan->slot, RESERVATION_QTY);
		TimestampTz deadline =
			DatumGetTimestampTz(retail_column(TABLE_RESERVATION, scan->slot,
											  RESERVATION_EXPIRES_AT, &isnull));

		add_qty(&truth->active, qty);
		if (deadline <= reader->now)
			add_qty(&truth->lapsed, qty);
		if (deadline < truth->next_expiry)
			truth->next_expiry = deadline;
		CHECK_FOR_INTERRUPTS();
	}

	scan = scan_stock(reader, STOCK_READER_COMMITTED, sku_id, location_id);
	while (retail_scan_next(scan))
	{
		add_qty(&truth->active, retail_column_int64(TABLE_RESERVATION, scan->slot, RESERVATION_QTY));
		CHECK_FOR_INTERRUPTS();
	}
}

/* The next instant at which a lot with something to sell stops being sellable. */
static void
read_lots(StockReader *reader, int32 sku_id, int32 location_id, CellTruth *truth)
{
	RetailScan *scan = scan_stock(reader, STOCK_READER_LOTS, sku_id, location_id);

	while (retail_scan_next(scan))
	{
		bool		isnull;
		Datum		day = retail_column(TABLE_LOT, scan->slot, LOT_EXPIRES_ON, &isnull);
		int64		sellable =
			retail_column_int64(TABLE_LOT, scan->slot, LOT_ON_HAND) -
			retail_column_int64(TABLE_LOT, scan->slot, LOT_UNAVAILABLE);
		TimestampTz due;

		if (isnull)
			break;
		if (sellable == 0)
			continue;
		due = retail_master_day_begins(location_id, DatumGetDateADT(day));
		if (due < truth->lot_due)
			truth->lot_due = due;
		if (due > reader->now)
			break;
		truth->lot_expired += sellable;
	}
}

static void
read_flag(StockReader *reader, int32 sku_id, int32 location_id, CellTruth *truth)
{
	RetailScan	scan;
	ScanKeyData keys[2];
	int64		floor = FLOOR_NONE_SOLD_OUT;

	retail_key_stock(keys, sku_id, location_id);
	retail_scan_begin(&scan, TABLE_SOLD_OUT, INDEX_SOLD_OUT, reader->lockmode, reader->snapshot,
					  2, keys);
	if (retail_scan_next(&scan))
		floor = retail_column_int64(TABLE_SOLD_OUT, scan.slot,
									SOLD_OUT_SELLABLE_FLOOR);
	retail_scan_end(&scan);

	truth->any_sold_out = floor != FLOOR_NONE_SOLD_OUT;
	truth->flag_floor = truth->any_sold_out ? floor :
		retail_largest_floor(sku_id, location_id, truth->on_hand - truth->unavailable);
}

void
retail_stock_reader_begin(StockReader *reader, LOCKMODE lockmode, TimestampTz now)
{
	reader->lockmode = lockmode;
	reader->now = now;
	reader->snapshot = NULL;
	memset(reader->begun, 0, sizeof(reader->begun));
}

void
retail_stock_reader_end(StockReader *reader)
{
	for (int kind = 0; kind < STOCK_READER_SCANS; kind++)
	{
		if (reader->begun[kind])
			retail_scan_end(&reader->scans[kind]);
	}
	if (reader->snapshot != NULL)
		UnregisterSnapshot(reader->snapshot);
}

static void
read_goods(StockReader *reader, int32 sku_id, int32 location_id, CellTruth *truth)
{
	memset(truth, 0, sizeof(*truth));
	truth->next_expiry = DT_NOEND;
	truth->lot_due = DT_NOEND;
	read_stock(reader, sku_id, location_id, truth);
}

void
retail_stock_read(int32 sku_id, int32 location_id, LOCKMODE lockmode,
				  TimestampTz now, CellTruth *truth)
{
	StockReader reader;

	retail_stock_reader_begin(&reader, lockmode, now);
	read_goods(&reader, sku_id, location_id, truth);
	read_active(&reader, sku_id, location_id, truth);
	read_lots(&reader, sku_id, location_id, truth);
	read_flag(&reader, sku_id, location_id, truth);
	retail_stock_reader_end(&reader);
	if (RETAIL_FAULT("load_by_clock"))
		truth->active -= truth->lapsed;
	if (RETAIL_FAULT("load_row_security") &&
		check_enable_rls(retail_table_oid(TABLE_RESERVATION), InvalidOid, true) == RLS_ENABLED)
		truth->active = 0;
}

int64
retail_stock_reader_sellable(StockReader *reader, int32 sku_id, int32 location_id,
							 int64 *physical)
{
	CellTruth	truth;

	read_goods(reader, sku_id, location_id, &truth);
	*physical = truth.on_hand - truth.unavailable;

	/* nothing there is nothing to promise, whatever else there is to read */
	if (*physical <= 0)
		return 0;
	read_lots(reader, sku_id, location_id, &truth);
	read_active(reader, sku_id, location_id, &truth);
	*physical -= truth.lot_expired;
	return *physical - truth.active + truth.lapsed;
}

int64
retail_stock_lapsed(int32 sku_id, int32 location_id, LOCKMODE lockmode,
					TimestampTz now)
{
	RetailScan	scan;
	ScanKeyData keys[3];
	int64		lapsed = 0;

	retail_key_stock(keys, sku_id, location_id);
	retail_key_due(&keys[2], 3, now);
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_HELD, lockmode, NULL, 3, keys);
	while (retail_scan_next(&scan))
	{
		lapsed += retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
	return lapsed;
}
