/*-------------------------------------------------------------------------
 * stock_read.c
 *		What the tables say of one stock.
 *
 * Used to load a cell, to repair a flag, to verify, and wherever there is no
 * shared memory to ask: a standby, a server that did not preload the library.
 * One snapshot for all of it, so that a reservation that is being consumed is
 * seen either in the stock or in the reservations, never in both or neither.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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

static void
read_stock(int32 sku_id, int32 location_id, LOCKMODE lockmode,
		   Snapshot snapshot, CellTruth *truth)
{
	RetailScan	scan;
	ScanKeyData keys[2];

	retail_key_stock(keys, sku_id, location_id);
	retail_scan_begin(&scan, TABLE_STOCK, INDEX_STOCK, lockmode, snapshot, 2, keys);
	if (retail_scan_next(&scan))
	{
		truth->on_hand = retail_column_int64(TABLE_STOCK, scan.slot, STOCK_ON_HAND);
		truth->unavailable = retail_column_int64(TABLE_STOCK, scan.slot, STOCK_UNAVAILABLE);
	}
	retail_scan_end(&scan);
}

static void
read_active(int32 sku_id, int32 location_id, LOCKMODE lockmode,
			Snapshot snapshot, TimestampTz now, CellTruth *truth)
{
	RetailScan	scan;
	ScanKeyData keys[2];

	retail_key_stock(keys, sku_id, location_id);
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_HELD, lockmode, snapshot, 2, keys);
	while (retail_scan_next(&scan))
	{
		bool		isnull;
		int64		qty = retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY);
		TimestampTz deadline =
			DatumGetTimestampTz(retail_column(TABLE_RESERVATION, scan.slot,
											  RESERVATION_EXPIRES_AT, &isnull));

		truth->active += qty;
		if (deadline <= now)
			truth->lapsed += qty;
		if (deadline < truth->next_expiry)
			truth->next_expiry = deadline;
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);

	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_COMMITTED, lockmode, snapshot, 2, keys);
	while (retail_scan_next(&scan))
	{
		truth->active += retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
}

/* The next instant at which a lot with something to sell stops being sellable. */
static void
read_lots(int32 sku_id, int32 location_id, LOCKMODE lockmode,
		  Snapshot snapshot, TimestampTz now, CellTruth *truth)
{
	RetailScan	scan;
	ScanKeyData keys[2];

	retail_key_stock(keys, sku_id, location_id);
	retail_scan_begin(&scan, TABLE_LOT, INDEX_LOT_FEFO, lockmode, snapshot, 2, keys);
	while (retail_scan_next(&scan))
	{
		bool		isnull;
		Datum		day = retail_column(TABLE_LOT, scan.slot, LOT_EXPIRES_ON, &isnull);
		int64		sellable =
			retail_column_int64(TABLE_LOT, scan.slot, LOT_ON_HAND) -
			retail_column_int64(TABLE_LOT, scan.slot, LOT_UNAVAILABLE);
		TimestampTz due;

		if (isnull)
			break;
		if (sellable == 0)
			continue;
		due = retail_master_day_begins(location_id, DatumGetDateADT(day));
		if (due < truth->lot_due)
			truth->lot_due = due;
		if (due > now)
			break;
		truth->lot_expired += sellable;
	}
	retail_scan_end(&scan);
}

static void
read_flag(int32 sku_id, int32 location_id, LOCKMODE lockmode,
		  Snapshot snapshot, CellTruth *truth)
{
	RetailScan	scan;
	ScanKeyData keys[2];
	int64		floor = FLOOR_NONE_SOLD_OUT;

	retail_key_stock(keys, sku_id, location_id);
	retail_scan_begin(&scan, TABLE_SOLD_OUT, INDEX_SOLD_OUT, lockmode, snapshot, 2, keys);
	if (retail_scan_next(&scan))
		floor = retail_column_int64(TABLE_SOLD_OUT, scan.slot,
									SOLD_OUT_SELLABLE_FLOOR);
	retail_scan_end(&scan);

	truth->any_sold_out = floor != FLOOR_NONE_SOLD_OUT;
	truth->flag_floor = truth->any_sold_out ? floor :
		retail_largest_floor(sku_id, location_id, truth->on_hand - truth->unavailable);
}

void
retail_stock_read(int32 sku_id, int32 location_id, LOCKMODE lockmode,
				  TimestampTz now, CellTruth *truth)
{
	Snapshot	snapshot;

	memset(truth, 0, sizeof(*truth));
	truth->next_expiry = DT_NOEND;
	truth->lot_due = DT_NOEND;

	snapshot = RETAIL_FAULT("load_old_snapshot") ?
		RegisterSnapshot(GetActiveSnapshot()) : retail_latest_snapshot();
	read_stock(sku_id, location_id, lockmode, snapshot, truth);
	read_active(sku_id, location_id, lockmode, snapshot, now, truth);
	read_lots(sku_id, location_id, lockmode, snapshot, now, truth);
	read_flag(sku_id, location_id, lockmode, snapshot, truth);
	UnregisterSnapshot(snapshot);
	if (RETAIL_FAULT("load_by_clock"))
		truth->active -= truth->lapsed;
	if (RETAIL_FAULT("load_row_security") &&
		check_enable_rls(retail_table_oid(TABLE_RESERVATION), InvalidOid, true) == RLS_ENABLED)
		truth->active = 0;
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
