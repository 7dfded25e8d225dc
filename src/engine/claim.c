/*-------------------------------------------------------------------------
 * claim.c
 *		Taking units for a shopper, out of lapsed holds where need be.
 *
 * A hold blocks no sale from the instant it lapses, whether or not a job has
 * set its status: the take that needs its units sets it to expired itself, in
 * its own transaction, and spends what that gives.  Until then the counter
 * goes by status and still counts the hold, so that everybody agrees.
 *
 * A refusal looks for lapsed holds only when the cell's deadline bound has
 * passed.  A look that finds none moves the bound on, by the rule in cell.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arg.h"
#include "claim.h"
#include "clock.h"
#include "fault.h"
#include "sold_out.h"
#include "stock_row.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_expire_batch);
PG_FUNCTION_INFO_V1(retail_expire_reservations);

static void
held_keys(ScanKey keys, Escrow escrow)
{
	int32		sku_id;
	int32		location_id;

	retail_escrow_key(escrow, &sku_id, &location_id);
	retail_key_stock(keys, sku_id, location_id);
}

/* Sets the row a scan stands on to expired; false when someone else has it. */
static bool
expire_row(RetailScan *scan, TimestampTz now)
{
	Datum		values[RESERVATION_NCOLS];
	bool		isnull[RESERVATION_NCOLS] = {false};

	retail_escrow_set_held_changed();
	values[RESERVATION_STATUS] = CStringGetTextDatum(retail_outcome_name[OUTCOME_EXPIRED]);
	values[RESERVATION_CHANGED_AT] = TimestampTzGetDatum(now);
	return retail_row_try_update(scan,
								 SET_COLUMN(RESERVATION_STATUS) |
								 SET_COLUMN(RESERVATION_CHANGED_AT),
								 values, isnull);
}

/*
 * Moves the cell's deadline bound to the earliest deadline of a held row, seen
 * by a dirty scan, if none is due.  Not when this transaction has changed held
 * rows itself: its abort would bring back what this scan cannot see.
 */
static void
raise_bound(Escrow escrow, uint64 seen, TimestampTz now)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	TimestampTz earliest = DT_NOEND;

	if (retail_escrow_held_changed())
		return;
	held_keys(keys, escrow);
	retail_scan_begin_dirty(&scan, TABLE_RESERVATION, INDEX_RESERVATION_HELD, RowExclusiveLock, 2, keys);
	if (retail_scan_next(&scan))
	{
		bool		isnull;

		earliest = DatumGetTimestampTz(retail_column(TABLE_RESERVATION, scan.slot,
													 RESERVATION_EXPIRES_AT, &isnull));
	}
	retail_scan_end(&scan);
	if (earliest > now)
		retail_expiry_raise(retail_escrow_cell(escrow), seen, earliest);
}

int64
retail_claim_lapsed(Escrow escrow, int64 missing, TimestampTz now, bool *skipped)
{
	Cell	   *cell = retail_escrow_cell(escrow);
	uint64		bound = pg_atomic_read_u64(&cell->expiry);
	int32		sku_id;
	int32		location_id;
	int64		lapsed;
	int64		claimed = 0;
	ScanKeyData keys[3];
	RetailScan	scan;

	*skipped = false;
	if (!retail_expiry_due(bound, now) || RETAIL_FAULT("claim_off"))
		return 0;
	retail_escrow_key(escrow, &sku_id, &location_id);
	lapsed = retail_stock_lapsed(sku_id, location_id, RowExclusiveLock, now);
	if (lapsed == 0)
		raise_bound(escrow, bound, now);
	if (lapsed == 0 || (lapsed < missing && missing != PG_INT64_MAX))
		return 0;

	held_keys(keys, escrow);
	retail_key_due(&keys[2], 3, now);
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_HELD, RowExclusiveLock, NULL, 3, keys);
	while (claimed < missing && retail_scan_next(&scan))
	{
		int64		qty = retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY);

		if (expire_row(&scan, now))
		{
			retail_escrow_give(escrow, qty);
			claimed += qty;
		}
		else
			*skipped = true;
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
	if (claimed > 0)
		CommandCounterIncrement();
	return claimed;
}

bool
retail_take(Escrow escrow, int64 qty, const SaleRule *rule, TimestampTz now,
			EscrowTake *take, Outcome *refusal)
{
	Cell	   *cell = retail_escrow_cell(escrow);
	int64		floor;
	int64		avail;
	int64		missing;
	int64		open;
	bool		skipped;

	if ((TimestampTz) pg_atomic_read_u64(&cell->lot_due) <= now)
	{
		int32		sku_id;
		int32		location_id;

		retail_escrow_key(escrow, &sku_id, &location_id);
		retail_stock_expire_lots(sku_id, location_id);
	}
	for (;;)
	{
		floor = retail_sale_floor(rule, retail_escrow_physical_now(escrow));
		if (retail_escrow_take(escrow, qty, floor, take))
			return true;

		/* how many units are missing, without overflow */
		avail = retail_escrow_avail(escrow);
		if (pg_sub_s64_overflow(avail, floor, &missing) ||
			pg_sub_s64_overflow(qty, missing, &missing))
			missing = PG_INT64_MAX - 1;
		if (missing > 0 && retail_claim_lapsed(escrow, missing, now, &skipped) < missing)
			break;

		/* either claimed enough, or somebody gave in between: try again */
		CHECK_FOR_INTERRUPTS();
	}

	/* never the refusal itself, only its label, hangs on what is in flight */
	open = retail_escrow_others_open(escrow);
	*refusal = skipped || open >= missing ? OUTCOME_BUSY : OUTCOME_INSUFFICIENT;
	return false;
}

static int64
after_floor(int64 avail, int64 floor)
{
	int64		left;

	if (pg_sub_s64_overflow(avail, floor, &left))
		return 0;
	return Max(left, 0);
}

int64
retail_takeable(Escrow escrow, const SaleRule *rule, TimestampTz now)
{
	Cell	   *cell = retail_escrow_cell(escrow);
	int64		avail = retail_escrow_avail(escrow);
	int32		sku_id;
	int32		location_id;

	if (!rule->on_sale)
		return 0;
	if (retail_expiry_due(pg_atomic_read_u64(&cell->expiry), now))
	{
		retail_escrow_key(escrow, &sku_id, &location_id);
		avail += retail_stock_lapsed(sku_id, location_id, RowExclusiveLock, now);
	}
	return after_floor(avail, retail_sale_floor(rule, retail_escrow_physical_now(escrow)));
}

/* From the counter; false: there is none, or lots are due that it still counts. */
static bool
takeable_by_cell(int32 sku_id, int32 location_id, const SaleRule *rule, TimestampTz now,
				 int64 *qty)
{
	CellView	view;
	Escrow		escrow;

	if (!retail_cell_enabled() || RecoveryInProgress())
		return false;
	escrow = retail_escrow_find(sku_id, location_id);
	if (escrow >= 0)
	{
		if ((TimestampTz) pg_atomic_read_u64(&retail_escrow_cell(escrow)->lot_due) <= now)
			return false;
		*qty = retail_takeable(escrow, rule, now);
		return true;
	}
	if (!retail_escrow_peek(sku_id, location_id, &view) || view.lot_due <= now)
		return false;
	*qty = view.avail;
	if (retail_expiry_due(view.expiry, now))
		*qty += retail_stock_lapsed(sku_id, location_id, AccessShareLock, now);
	*qty = after_floor(*qty, retail_sale_floor(rule, view.physical));
	return true;
}

int64
retail_takeable_read(StockReader *reader, int32 sku_id, int32 location_id, const SaleRule *rule)
{
	int64		qty;
	int64		physical;

	if (!rule->on_sale)
		return 0;
	if (takeable_by_cell(sku_id, location_id, rule, reader->now, &qty))
		return qty;
	qty = retail_stock_reader_sellable(reader, sku_id, location_id, &physical);
	return after_floor(qty, retail_sale_floor(rule, physical));
}

int64
retail_takeable_at(int32 sku_id, int32 location_id, const SaleRule *rule, TimestampTz now)
{
	StockReader reader;
	int64		qty;

	retail_stock_reader_begin(&reader, AccessShareLock, now);
	qty = retail_takeable_read(&reader, sku_id, location_id, rule);
	retail_stock_reader_end(&reader);
	return qty;
}

int64
retail_takeable_settled(int32 sku_id, int32 location_id, const SaleRule *rule, TimestampTz now)
{
	int64		takeable = retail_takeable_at(sku_id, location_id, rule, now);
	int64		open = 0;
	int64		left = 0;		/* of the counter, after the floor; below 0: missing */
	CellView	view;
	Escrow		escrow;

	if (!rule->on_sale || !retail_cell_enabled() || RecoveryInProgress())
		return takeable;
	escrow = retail_escrow_find(sku_id, location_id);
	if (escrow >= 0)
	{
		open = retail_escrow_others_open(escrow);
		left = retail_escrow_avail(escrow) -
			retail_sale_floor(rule, retail_escrow_physical_now(escrow));
	}
	else if (retail_escrow_peek(sku_id, location_id, &view))
	{
		open = view.open;
		left = view.avail - retail_sale_floor(rule, view.physical);
	}

	/* lapsed holds are in takeable already; where it is 0, some may be missing */
	if (pg_add_s64_overflow(takeable > 0 ? takeable : Min(left, 0), Max(open, 0), &left))
		left = PG_INT64_MAX;
	return Max(left, takeable);
}

/* ----------------------------------------------------------------
 * The sweep
 * ----------------------------------------------------------------
 */

typedef struct Sweep
{
	TimestampTz now;
	int64		max_rows;
	int64		expired;
	bool		more;			/* stopped by max_rows or the limit of pins */
	TimestampTz reached;		/* deadline of the last row looked at */
	Escrow	   *given;			/* stocks that got units back, with repeats */
	int			ngiven;
	int			room;
} Sweep;

static void
remember_given(Sweep *sweep, Escrow escrow)
{
	if (sweep->ngiven > 0 && sweep->given[sweep->ngiven - 1] == escrow)
		return;
	if (sweep->ngiven == sweep->room)
	{
		sweep->room *= 2;
		sweep->given = repalloc_huge(sweep->given, sizeof(Escrow) * (Size) sweep->room);
	}
	sweep->given[sweep->ngiven++] = escrow;
}

/*
 * Expires holds with deadlines from "from" on, oldest first.  A row is written
 * only after its stock's cell is pinned, like every write.
 */
static void
sweep_from(Sweep *sweep, TimestampTz from)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	MemoryContext per_row = AllocSetContextCreate(CurrentMemoryContext, "pg_retail sweep",
												  ALLOCSET_SMALL_SIZES);

	retail_key_due(&keys[0], 1, sweep->now);
	ScanKeyInit(&keys[1], 1, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
				TimestampTzGetDatum(from));
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_DUE, RowExclusiveLock, NULL, 2, keys);
	sweep->more = false;
	while (retail_scan_next(&scan))
	{
		int64		qty = retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY);
		MemoryContext caller;
		Escrow		escrow;

		if (sweep->expired >= sweep->max_rows || !retail_escrow_batch_has_room())
		{
			sweep->more = true;
			break;
		}
		sweep->reached = retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_EXPIRES_AT);
		escrow = retail_escrow_touch(retail_column_int32(TABLE_RESERVATION, scan.slot, RESERVATION_SKU_ID),
									 retail_column_int32(TABLE_RESERVATION, scan.slot, RESERVATION_LOCATION_ID));
		caller = MemoryContextSwitchTo(per_row);
		if (expire_row(&scan, sweep->now))
		{
			retail_escrow_give(escrow, qty);
			sweep->expired++;
			MemoryContextSwitchTo(caller);
			remember_given(sweep, escrow);
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(per_row);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
	MemoryContextDelete(per_row);
}

static void
run_sweep(Sweep *sweep, int32 max_rows, TimestampTz from)
{
	if (max_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows must be 1 or more")));
	retail_engine_begin("retail.expire_reservations()");
	memset(sweep, 0, sizeof(*sweep));
	sweep->now = retail_clock_now();
	sweep->max_rows = max_rows;
	sweep->room = 64;
	sweep->given = palloc(sizeof(Escrow) * sweep->room);
	sweep_from(sweep, from);
	if (sweep->expired > 0)
		CommandCounterIncrement();
	for (int i = 0; i < sweep->ngiven; i++)
		retail_flag_after_give(sweep->given[i]);
}

/* retail.expire_reservations(max_rows) */
Datum
retail_expire_reservations(PG_FUNCTION_ARGS)
{
	Sweep		sweep;

	run_sweep(&sweep, PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0), DT_NOBEGIN);
	PG_RETURN_INT64(sweep.expired);
}

/*
 * retail._expire_batch(max_rows, since): from the deadline where the batch
 * before ended, so that a sweep does not walk again over the index entries it
 * has just emptied.  Returns where to go on, or NULL at the end.
 */
Datum
retail_expire_batch(PG_FUNCTION_ARGS)
{
	Sweep		sweep;

	run_sweep(&sweep, PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0),
			  PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1));
	if (!sweep.more)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(sweep.reached);
}
