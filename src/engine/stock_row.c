/*-------------------------------------------------------------------------
 * stock_row.c
 *		One stock under its row lock: movements and lots.
 *
 * Goods that come or go change stock.on_hand under an ordinary row lock, which
 * also stands for the stock's lots: nobody touches those without it.  Movement
 * ids are drawn under the lock, so they grow in the order the events took
 * effect.  Several movements of one call on one stock write its row once.
 *
 * Every change of on_hand - unavailable moves the counter by as much: up by a
 * give, down by a forced take, because goods that are gone are gone.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "master.h"
#include "request.h"
#include "stock_row.h"
#include "table.h"

/* Locks the row into stock->slot; false when there is none. */
static bool
lock_stock_row(StockRow *stock)
{
	RetailScan	scan;
	ScanKeyData keys[2];
	bool		locked = false;
	bool		skipped;

	retail_key_stock(keys, stock->sku_id, stock->location_id);
	retail_scan_begin(&scan, TABLE_STOCK, INDEX_STOCK, RowExclusiveLock, NULL, 2, keys);
	if (retail_scan_next(&scan))
	{
		stock->slot = retail_slot_make(scan.rel);
		locked = retail_row_lock(&scan, stock->slot, LockWaitBlock, &skipped);
		if (!locked)
			ExecDropSingleTupleTableSlot(stock->slot);
	}
	retail_scan_end(&scan);
	return locked;
}

static void
insert_empty_row(StockRow *stock)
{
	Datum		values[STOCK_NCOLS] = {0};
	bool		isnull[STOCK_NCOLS] = {false};

	values[STOCK_SKU_ID] = Int32GetDatum(stock->sku_id);
	values[STOCK_LOCATION_ID] = Int32GetDatum(stock->location_id);
	(void) retail_row_insert_unique(TABLE_STOCK, values, isnull);
	CommandCounterIncrement();
}

/* Waits for the transaction that is making the row, if there is one. */
static void
wait_for_row_in_flight(StockRow *stock)
{
	RetailScan	scan;
	ScanKeyData keys[2];

	retail_key_stock(keys, stock->sku_id, stock->location_id);
	retail_scan_begin_dirty(&scan, TABLE_STOCK, INDEX_STOCK, RowExclusiveLock, 2, keys);
	if (retail_scan_next(&scan))
		(void) retail_scan_wait_in_flight(&scan);
	retail_scan_end(&scan);
}

static void post_due_lots(StockRow *stock, TimestampTz now);

StockRow *
retail_stock_open(int32 sku_id, int32 location_id)
{
	TimestampTz now = retail_clock_now();
	StockRow   *stock = palloc0(sizeof(StockRow));

	stock->sku_id = sku_id;
	stock->location_id = location_id;
	stock->escrow = retail_escrow_touch(sku_id, location_id);
	while (!lock_stock_row(stock))
	{
		insert_empty_row(stock);
		wait_for_row_in_flight(stock);
		CHECK_FOR_INTERRUPTS();
	}
	stock->on_hand = retail_column_int64(TABLE_STOCK, stock->slot, STOCK_ON_HAND);
	stock->unavailable = retail_column_int64(TABLE_STOCK, stock->slot, STOCK_UNAVAILABLE);
	stock->last_movement_id = retail_column_int64(TABLE_STOCK, stock->slot, STOCK_LAST_MOVEMENT_ID);
	if ((TimestampTz) pg_atomic_read_u64(&retail_escrow_cell(stock->escrow)->lot_due) <= now)
		post_due_lots(stock, now);
	return stock;
}

/* ----------------------------------------------------------------
 * Lots
 * ----------------------------------------------------------------
 */

static void
read_lot(LotRow *lot, RetailScan *scan)
{
	bool		isnull;
	Datum		day = retail_column(TABLE_LOT, scan->slot, LOT_EXPIRES_ON, &isnull);

	memset(lot, 0, sizeof(*lot));
	lot->id = retail_column_int64(TABLE_LOT, scan->slot, LOT_ID);
	lot->has_expiry = !isnull;
	lot->expires_on = isnull ? 0 : DatumGetDateADT(day);
	lot->on_hand = lot->was_on_hand = retail_column_int64(TABLE_LOT, scan->slot, LOT_ON_HAND);
	lot->unavailable = lot->was_unavailable =
		retail_column_int64(TABLE_LOT, scan->slot, LOT_UNAVAILABLE);
	lot->slot = retail_slot_make(scan->rel);
	ExecCopySlot(lot->slot, scan->slot);
}

static LotRow *
append_lot(StockRow *stock)
{
	if (stock->lots == NULL)
		stock->lots = palloc(sizeof(LotRow) * 8);
	else if (stock->nlots >= 8 && (stock->nlots & (stock->nlots - 1)) == 0)
		stock->lots = repalloc(stock->lots, sizeof(LotRow) * 2 * stock->nlots);
	return &stock->lots[stock->nlots++];
}

/* The lots with units, first expired first, as they are under our lock. */
static void
read_lots(StockRow *stock)
{
	RetailScan	scan;
	ScanKeyData keys[2];

	if (stock->lots_read)
		return;
	stock->lots_read = true;
	retail_key_stock(keys, stock->sku_id, stock->location_id);
	retail_scan_begin(&scan, TABLE_LOT, INDEX_LOT_FEFO, RowExclusiveLock, NULL, 2, keys);
	while (retail_scan_next(&scan))
		read_lot(append_lot(stock), &scan);
	retail_scan_end(&scan);
}

static void
insert_lot(StockRow *stock, Datum code, bool has_expiry, DateADT expires_on)
{
	Datum		values[LOT_NCOLS];
	bool		isnull[LOT_NCOLS] = {false};

	values[LOT_ID] = Int64GetDatum(retail_next_lot_id());
	values[LOT_SKU_ID] = Int32GetDatum(stock->sku_id);
	values[LOT_LOCATION_ID] = Int32GetDatum(stock->location_id);
	values[LOT_CODE] = code;
	values[LOT_EXPIRES_ON] = DateADTGetDatum(expires_on);
	isnull[LOT_EXPIRES_ON] = !has_expiry;
	values[LOT_ON_HAND] = Int64GetDatum(0);
	values[LOT_UNAVAILABLE] = Int64GetDatum(0);
	values[LOT_CREATED_AT] = TimestampTzGetDatum(retail_clock_now());
	retail_row_insert(TABLE_LOT, values, isnull);
	CommandCounterIncrement();
}

/* The lot of this code and expiry among those read, else from the table. */
static LotRow *
find_or_make_lot(StockRow *stock, Datum code, bool has_expiry, DateADT expires_on)
{
	RetailScan	scan;
	ScanKeyData keys[4];
	int64		id = 0;
	LotRow	   *lot = NULL;

	read_lots(stock);
	retail_key_stock(keys, stock->sku_id, stock->location_id);
	retail_key_text(&keys[2], 3, code);
	if (has_expiry)
		ScanKeyInit(&keys[3], 4, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(expires_on));
	else
		retail_key_null(&keys[3], 4, true);
	for (;;)
	{
		retail_scan_begin(&scan, TABLE_LOT, INDEX_LOT_CODE, RowExclusiveLock, NULL, 4, keys);
		if (retail_scan_next(&scan))
		{
			id = retail_column_int64(TABLE_LOT, scan.slot, LOT_ID);
			for (int i = 0; i < stock->nlots && lot == NULL; i++)
			{
				if (stock->lots[i].id == id)
					lot = &stock->lots[i];
			}
			if (lot == NULL)
			{
				lot = append_lot(stock);
				read_lot(lot, &scan);
			}
		}
		retail_scan_end(&scan);
		if (lot != NULL)
			return lot;
		insert_lot(stock, code, has_expiry, expires_on);
	}
}

static void
write_lots(StockRow *stock)
{
	for (int i = 0; i < stock->nlots; i++)
	{
		LotRow	   *lot = &stock->lots[i];
		Datum		values[LOT_NCOLS];
		bool		isnull[LOT_NCOLS] = {false};

		if (lot->on_hand != lot->was_on_hand || lot->unavailable != lot->was_unavailable)
		{
			values[LOT_ON_HAND] = Int64GetDatum(lot->on_hand);
			values[LOT_UNAVAILABLE] = Int64GetDatum(lot->unavailable);
			retail_row_update(TABLE_LOT, lot->slot,
							  SET_COLUMN(LOT_ON_HAND) | SET_COLUMN(LOT_UNAVAILABLE),
							  values, isnull);
		}
		ExecDropSingleTupleTableSlot(lot->slot);
	}
}

/* The counter learns the earliest instant at which a lot stops being for sale. */
static void
lower_lot_due(StockRow *stock, DateADT expires_on)
{
	Cell	   *cell = retail_escrow_cell(stock->escrow);
	TimestampTz due = retail_master_day_begins(stock->location_id, expires_on);
	uint64		old = pg_atomic_read_u64(&cell->lot_due);

	while (due < (TimestampTz) old &&
		   !pg_atomic_compare_exchange_u64(&cell->lot_due, &old, (uint64) due))
		;
}

/* ----------------------------------------------------------------
 * Movements
 * ----------------------------------------------------------------
 */

static void
refuse_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("stock would be more than a bigint can count")));
}

static void
insert_movement(StockRow *stock, const Movement *movement, int64 lot_id,
				int64 on_hand_delta, int64 unavailable_delta)
{
	Datum		values[MOVEMENT_NCOLS];
	bool		isnull[MOVEMENT_NCOLS] = {false};

	values[MOVEMENT_ID] = Int64GetDatum(stock->last_movement_id);
	values[MOVEMENT_SKU_ID] = Int32GetDatum(stock->sku_id);
	values[MOVEMENT_LOCATION_ID] = Int32GetDatum(stock->location_id);
	values[MOVEMENT_LOT_ID] = Int64GetDatum(lot_id);
	isnull[MOVEMENT_LOT_ID] = lot_id == 0;
	values[MOVEMENT_KIND] = CStringGetTextDatum(movement->kind);
	values[MOVEMENT_ON_HAND_DELTA] = Int64GetDatum(on_hand_delta);
	values[MOVEMENT_UNAVAILABLE_DELTA] = Int64GetDatum(unavailable_delta);
	values[MOVEMENT_ON_HAND_AFTER] = Int64GetDatum(stock->on_hand);
	values[MOVEMENT_UNAVAILABLE_AFTER] = Int64GetDatum(stock->unavailable);
	values[MOVEMENT_CHANNEL_ID] = Int32GetDatum(movement->channel_id);
	isnull[MOVEMENT_CHANNEL_ID] = movement->channel_id == 0;
	values[MOVEMENT_RESERVATION_ID] = Int64GetDatum(movement->reservation_id);
	isnull[MOVEMENT_RESERVATION_ID] = movement->reservation_id == 0;
	values[MOVEMENT_REF] = movement->ref;
	isnull[MOVEMENT_REF] = movement->ref == (Datum) 0;
	values[MOVEMENT_SALE_REF] = movement->sale_ref;
	isnull[MOVEMENT_SALE_REF] = movement->sale_ref == (Datum) 0;
	values[MOVEMENT_REASON] = movement->reason;
	isnull[MOVEMENT_REASON] = movement->reason == (Datum) 0;
	values[MOVEMENT_REQUEST_KEY] = movement->request_key;
	isnull[MOVEMENT_REQUEST_KEY] = movement->request_key == (Datum) 0;
	values[MOVEMENT_ACTOR] = retail_actor();
	values[MOVEMENT_OCCURRED_AT] = TimestampTzGetDatum(movement->occurred_at);
	values[MOVEMENT_RECORDED_AT] = TimestampTzGetDatum(retail_clock_now());
	retail_row_insert(TABLE_MOVEMENT, values, isnull);
}

/* One ledger row, and the counter with it. */
static void
post(StockRow *stock, const Movement *movement, int64 lot_id,
	 int64 on_hand_delta, int64 unavailable_delta)
{
	int64		sellable = on_hand_delta - unavailable_delta;

	if (pg_add_s64_overflow(stock->on_hand, on_hand_delta, &stock->on_hand))
		refuse_overflow();
	stock->unavailable += unavailable_delta;
	stock->last_movement_id = retail_next_movement_id();
	stock->changed = true;
	if (sellable < 0)
		retail_escrow_force(stock->escrow, -sellable);
	else if (sellable > 0)
		retail_escrow_give(stock->escrow, sellable);
	if (sellable != 0)
		retail_escrow_physical(stock->escrow, sellable);
	insert_movement(stock, movement, lot_id, on_hand_delta, unavailable_delta);
}

void
retail_stock_close(StockRow *stock)
{
	Datum		values[STOCK_NCOLS];
	bool		isnull[STOCK_NCOLS] = {false};

	write_lots(stock);
	if (stock->changed)
	{
		values[STOCK_ON_HAND] = Int64GetDatum(stock->on_hand);
		values[STOCK_UNAVAILABLE] = Int64GetDatum(stock->unavailable);
		values[STOCK_LAST_MOVEMENT_ID] = Int64GetDatum(stock->last_movement_id);
		retail_row_update(TABLE_STOCK, stock->slot,
						  SET_COLUMN(STOCK_ON_HAND) | SET_COLUMN(STOCK_UNAVAILABLE) |
						  SET_COLUMN(STOCK_LAST_MOVEMENT_ID), values, isnull);
		CommandCounterIncrement();
	}
	ExecDropSingleTupleTableSlot(stock->slot);
	pfree(stock);
}

int64
retail_stock_receive(StockRow *stock, const Movement *movement, int64 qty,
					 int64 unavailable, Datum lot, bool has_expiry, DateADT expires_on)
{
	LotRow	   *row;

	if (lot == (Datum) 0 && !has_expiry)
	{
		post(stock, movement, 0, qty, unavailable);
		return stock->last_movement_id;
	}
	row = find_or_make_lot(stock, lot != (Datum) 0 ? lot : CStringGetTextDatum(""),
						   has_expiry, expires_on);
	post(stock, movement, row->id, qty, unavailable);
	row->on_hand += qty;
	row->unavailable += unavailable;
	if (has_expiry)
		lower_lot_due(stock, expires_on);
	return stock->last_movement_id;
}

/* Units of no lot: on hand, and of these unavailable. */
static void
unlotted(StockRow *stock, int64 *on_hand, int64 *unavailable)
{
	*on_hand = stock->on_hand;
	*unavailable = stock->unavailable;
	for (int i = 0; i < stock->nlots; i++)
	{
		*on_hand -= stock->lots[i].on_hand;
		*unavailable -= stock->lots[i].unavailable;
	}
	*on_hand = Max(*on_hand, 0);
	*unavailable = Min(Max(*unavailable, 0), *on_hand);
}

/*
 * Splits qty over the lots and the units of no lot (the last place): what is
 * for sale first, then what is not.  part[i] and part_unavailable[i] receive
 * each one's share of the leaving units.
 */
static void
plan_issue(StockRow *stock, int64 qty, int64 *part, int64 *part_unavailable)
{
	int64		loose;
	int64		loose_unavailable;
	int			last = stock->nlots;

	unlotted(stock, &loose, &loose_unavailable);
	for (int i = 0; i <= last; i++)
	{
		int64		sellable = i < last ?
			stock->lots[i].on_hand - stock->lots[i].unavailable :
			loose - loose_unavailable;

		part[i] = Min(qty, sellable);
		qty -= part[i];
	}
	for (int i = last; i >= 0; i--)
	{
		int64		blocked = i < last ? stock->lots[i].unavailable : loose_unavailable;

		part_unavailable[i] = Min(qty, blocked);
		qty -= part_unavailable[i];
	}

	/* lots that do not add up (a lot-tracked SKU switched late): the rest is loose */
	part[last] += qty;
}

int64
retail_stock_issue(StockRow *stock, const Movement *movement, int64 qty)
{
	int64	   *part;
	int64	   *part_unavailable;

	Assert(qty <= stock->on_hand);
	read_lots(stock);
	part = palloc(sizeof(int64) * (stock->nlots + 1));
	part_unavailable = palloc(sizeof(int64) * (stock->nlots + 1));
	plan_issue(stock, qty, part, part_unavailable);
	for (int i = 0; i <= stock->nlots; i++)
	{
		int64		units = part[i] + part_unavailable[i];
		LotRow	   *lot = i < stock->nlots ? &stock->lots[i] : NULL;

		if (units == 0)
			continue;
		post(stock, movement, lot ? lot->id : 0, -units, -part_unavailable[i]);
		if (lot)
		{
			lot->on_hand -= units;
			lot->unavailable -= part_unavailable[i];
		}
	}
	return stock->last_movement_id;
}

static bool
lot_has_code(LotRow *lot, Datum code)
{
	bool		isnull;

	return retail_same_text(retail_column(TABLE_LOT, lot->slot, LOT_CODE, &isnull), code);
}

static bool
lot_is_due(StockRow *stock, LotRow *lot, TimestampTz now)
{
	return lot->has_expiry &&
		retail_master_day_begins(stock->location_id, lot->expires_on) <= now;
}

/*
 * Plans moving qty units between sellable and unavailable, units of no lot
 * (the last place) first.  sign: +1 blocks, -1 unblocks.  NULL: there are
 * fewer.
 */
static int64 *
plan_shift(StockRow *stock, int64 qty, Datum lot_code, int sign)
{
	TimestampTz now = retail_clock_now();
	int			last;
	int64	   *part;
	int64		loose;
	int64		loose_unavailable;
	int64		left = qty;

	read_lots(stock);
	last = stock->nlots;
	part = palloc0(sizeof(int64) * (last + 1));
	unlotted(stock, &loose, &loose_unavailable);
	if (lot_code == (Datum) 0)
		part[last] = Min(left, sign > 0 ? loose - loose_unavailable : loose_unavailable);
	left -= part[last];
	for (int i = 0; i < last && left > 0; i++)
	{
		LotRow	   *lot = &stock->lots[i];

		if (lot_code != (Datum) 0 && !lot_has_code(lot, lot_code))
			continue;
		if (sign < 0 && lot_is_due(stock, lot, now))
			continue;
		part[i] = Min(left, sign > 0 ? lot->on_hand - lot->unavailable : lot->unavailable);
		left -= part[i];
	}
	return left > 0 ? NULL : part;
}

static int64
shift(StockRow *stock, const Movement *movement, int64 qty, Datum lot_code, int sign)
{
	int64	   *part = plan_shift(stock, qty, lot_code, sign);

	if (part == NULL)
		elog(ERROR, "units to block or unblock are gone");
	for (int i = 0; i <= stock->nlots; i++)
	{
		LotRow	   *lot = i < stock->nlots ? &stock->lots[i] : NULL;

		if (part[i] == 0)
			continue;
		post(stock, movement, lot ? lot->id : 0, 0, sign * part[i]);
		if (lot)
			lot->unavailable += sign * part[i];

		/* a lot that is for sale again will stop being so one day */
		if (lot && sign < 0 && lot->has_expiry)
			lower_lot_due(stock, lot->expires_on);
	}
	return stock->last_movement_id;
}

bool
retail_stock_can_block(StockRow *stock, int64 qty, Datum lot)
{
	return plan_shift(stock, qty, lot, 1) != NULL;
}

int64
retail_stock_block(StockRow *stock, const Movement *movement, int64 qty, Datum lot)
{
	return shift(stock, movement, qty, lot, 1);
}

bool
retail_stock_can_unblock(StockRow *stock, int64 qty, Datum lot)
{
	return plan_shift(stock, qty, lot, -1) != NULL;
}

int64
retail_stock_unblock(StockRow *stock, const Movement *movement, int64 qty, Datum lot)
{
	return shift(stock, movement, qty, lot, -1);
}

int64
retail_stock_scrap(StockRow *stock, const Movement *movement, int64 qty,
				   Datum lot, bool has_expiry, DateADT expires_on)
{
	LotRow	   *row = lot == (Datum) 0 ? NULL :
		find_or_make_lot(stock, lot, has_expiry, expires_on);

	post(stock, movement, row ? row->id : 0, -qty, -qty);
	if (row)
	{
		row->on_hand -= qty;
		row->unavailable -= qty;
	}
	return stock->last_movement_id;
}

/*
 * Posts lots whose last day has come to unavailable.
 *
 * Every lot of this stock is written under the row lock we hold, so when there
 * was nothing to post the next instant is known exactly.  When there was, an
 * abort of ours puts units back on sale that are due, which the cell must not
 * forget: the next call finds nothing to post and moves it.
 */
static void
post_due_lots(StockRow *stock, TimestampTz now)
{
	TimestampTz next_due = DT_NOEND;
	Movement	movement = {
		.kind = "block", .reason = CStringGetTextDatum("expired"), .occurred_at = now
	};

	read_lots(stock);
	for (int i = 0; i < stock->nlots; i++)
	{
		LotRow	   *lot = &stock->lots[i];
		int64		sellable = lot->on_hand - lot->unavailable;

		if (sellable == 0 || !lot->has_expiry)
			continue;
		if (!lot_is_due(stock, lot, now))
		{
			next_due = Min(next_due, retail_master_day_begins(stock->location_id, lot->expires_on));
			continue;
		}
		post(stock, &movement, lot->id, 0, sellable);
		lot->unavailable += sellable;
	}
	if (stock->changed)
		retail_escrow_set_lots_posted(stock->escrow);
	else if (!retail_escrow_lots_posted(stock->escrow))
		pg_atomic_write_u64(&retail_escrow_cell(stock->escrow)->lot_due, (uint64) next_due);
}

void
retail_stock_expire_lots(int32 sku_id, int32 location_id)
{
	retail_stock_close(retail_stock_open(sku_id, location_id));
}
