/*-------------------------------------------------------------------------
 * sold_out.c
 *		Sold-out flags: flipped in the transaction that crosses.
 *
 * One row per stock that ever was sold out says which floors (safety stocks)
 * still leave something to sell; a channel is sold out when its own is larger.
 * Only a call that crosses a floor writes the row: the cell keeps the bound,
 * so every other call pays one comparison.  A trigger on the row announces the
 * flip in the outbox.
 *
 * Nobody queues for a flag.  A row that is being written by someone else is
 * left to him and looked at again after this transaction, by the background
 * worker; so is one whose writer aborts.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "master.h"
#include "sold_out.h"
#include "stock_read.h"
#include "table.h"

static void
flag_values(int32 sku_id, int32 location_id, int64 floor, Datum *values)
{
	values[SOLD_OUT_SKU_ID] = Int32GetDatum(sku_id);
	values[SOLD_OUT_LOCATION_ID] = Int32GetDatum(location_id);
	values[SOLD_OUT_SELLABLE_FLOOR] = Int64GetDatum(floor);
	values[SOLD_OUT_CHANGED_AT] = TimestampTzGetDatum(retail_clock_now());
}

/*
 * Writes the row, or finds it so already.  False when someone else is at it:
 * whoever repairs or crosses may hold other rows, so nobody waits here.
 */
static bool
write_flag(int32 sku_id, int32 location_id, int64 floor, bool *changed)
{
	Datum		values[SOLD_OUT_NCOLS];
	bool		isnull[SOLD_OUT_NCOLS] = {false};
	ScanKeyData keys[2];
	RetailScan	scan;
	bool		found;
	bool		done = false;

	flag_values(sku_id, location_id, floor, values);
	retail_key_stock(keys, sku_id, location_id);
	*changed = false;
	retail_scan_begin_dirty(&scan, TABLE_SOLD_OUT, INDEX_SOLD_OUT, RowExclusiveLock, 2, keys);
	found = retail_scan_next(&scan);
	if (found &&
		!TransactionIdIsValid(scan.dirty.xmin) && !TransactionIdIsValid(scan.dirty.xmax))
	{
		done = retail_column_int64(TABLE_SOLD_OUT, scan.slot, SOLD_OUT_SELLABLE_FLOOR) == floor;
		if (!done)
			*changed = done =
				retail_row_try_update(&scan,
									  SET_COLUMN(SOLD_OUT_SELLABLE_FLOOR) |
									  SET_COLUMN(SOLD_OUT_CHANGED_AT),
									  values, isnull);
	}
	retail_scan_end(&scan);
	if (!found)
	{
		/* a stock that never was sold out needs no row to say so */
		if (floor == FLOOR_NONE_SOLD_OUT)
			return true;
		*changed = done = retail_row_insert_unique(TABLE_SOLD_OUT, values, isnull);
	}
	if (*changed)
		CommandCounterIncrement();
	return done;
}

static void
check_flag(Escrow escrow)
{
	Cell	   *cell = retail_escrow_cell(escrow);
	TimestampTz now = retail_clock_now();
	int64		avail = retail_escrow_avail(escrow);
	int64		physical = retail_escrow_physical_now(escrow);
	int32		sku_id;
	int32		location_id;
	bool		was_sold_out;
	int64		was = retail_escrow_flag_floor(escrow, &was_sold_out);
	bool		all;
	int64		sellable;
	bool		changed;

	/* stamped before the rules are read: a later change is seen as one */
	retail_cell_stamp_rules(cell);
	retail_escrow_key(escrow, &sku_id, &location_id);
	if (retail_expiry_due(pg_atomic_read_u64(&cell->expiry), now))
		avail += retail_stock_lapsed(sku_id, location_id, RowExclusiveLock, now);
	sellable = retail_sellable_floor(sku_id, location_id, physical, avail, &all);

	if (!all == was_sold_out && (all || sellable == was))
	{
		/* the row is right; the floors may have moved with physical stock */
		if (sellable != was)
			retail_escrow_flag_written(escrow, sellable, !all);
		return;
	}
	if (!write_flag(sku_id, location_id, all ? FLOOR_NONE_SOLD_OUT : sellable, &changed))
	{
		retail_escrow_repair_later(escrow);
		return;
	}
	retail_escrow_flag_written(escrow, sellable, !all);

	/*
	 * On the way down the cell knows at once, so that the next hundred calls
	 * do not come here too; on the way up it follows at commit, with the
	 * units.
	 */
	if (!all && (!was_sold_out || sellable < was))
	{
		pg_atomic_write_u64(&cell->flag_floor, (uint64) sellable);
		retail_cell_set_watch(cell, true);
	}
}

void
retail_flag_after_take(Escrow escrow)
{
	bool		any_sold_out;

	if (retail_escrow_avail(escrow) <= retail_escrow_flag_floor(escrow, &any_sold_out) ||
		!retail_cell_rules_current(retail_escrow_cell(escrow)))
		check_flag(escrow);
}

void
retail_flag_after_give(Escrow escrow)
{
	bool		any_sold_out;

	(void) retail_escrow_flag_floor(escrow, &any_sold_out);
	if (any_sold_out)
		check_flag(escrow);
}

void
retail_flag_after_movement(Escrow escrow)
{
	check_flag(escrow);
}

bool
retail_flag_repair(int32 sku_id, int32 location_id)
{
	TimestampTz now = retail_clock_now();
	CellTruth	truth;
	bool		all;
	bool		changed;
	bool		written;
	int64		sellable;
	Escrow		escrow = retail_cell_enabled() ?
		retail_escrow_touch(sku_id, location_id) : -1;
	uint32		changes = 0;

	if (escrow >= 0)
		changes = pg_atomic_read_u32(&retail_escrow_cell(escrow)->changes);
	retail_stock_read(sku_id, location_id, RowExclusiveLock, now, &truth);
	sellable = retail_sellable_floor(sku_id, location_id,
									 truth.on_hand - truth.unavailable,
									 retail_truth_avail(&truth) + truth.lapsed - truth.lot_expired,
									 &all);
	written = write_flag(sku_id, location_id, all ? FLOOR_NONE_SOLD_OUT : sellable, &changed);
	if (escrow < 0)
		return changed;
	if (written)
		retail_escrow_flag_written(escrow, sellable, !all);

	/* somebody is at it, or moved the stock since it was read: look again */
	if (!written ||
		(changes != pg_atomic_read_u32(&retail_escrow_cell(escrow)->changes) &&
		 retail_escrow_avail(escrow) + truth.lapsed <= sellable))
		retail_escrow_repair_later(escrow);
	return changed;
}
