/*-------------------------------------------------------------------------
 * basket.c
 *		Holding the lines of a basket: decided as a whole, then written.
 *
 * A basket is decided stock by stock in one fixed order, (sku, location), so
 * crossed baskets never wait for each other in a circle.  The only wait is for
 * a second call of the same holder (an advisory lock per holder and stock).
 * Nothing is written until every line is decided; until then all can be put
 * back.  The one durable write per line is the appended reservation row.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "basket.h"
#include "claim.h"
#include "errors.h"
#include "name_lock.h"
#include "request.h"
#include "sold_out.h"
#include "table.h"

/* ----------------------------------------------------------------
 * Deciding
 * ----------------------------------------------------------------
 */

static void
group_by_stock(Basket *basket)
{
	basket->stocks = palloc(sizeof(StockPlan) * basket->nlines);
	basket->nstocks = 0;
	for (int i = 0; i < basket->nlines; i++)
	{
		StockPlan  *stock;

		if (i == 0 ||
			basket->lines[i].sku.id != basket->lines[i - 1].sku.id ||
			basket->lines[i].location.id != basket->lines[i - 1].location.id)
		{
			stock = &basket->stocks[basket->nstocks++];
			memset(stock, 0, sizeof(*stock));
			stock->first = i;
			stock->escrow = -1;
		}
		basket->stocks[basket->nstocks - 1].last = i;
	}
}

/*
 * Two calls of one holder on one stock go one after the other, so that they
 * leave one hold.  Released with the transaction.
 */
static void
lock_holder(Basket *basket, const LineArg *line)
{
	int32		stock[2] = {line->sku.id, line->location.id};

	retail_name_lock(NAME_LOCK_HOLDER, stock, 2, basket->holder);
}

static void
open_holder_scan(Basket *basket, const StockPlan *stock, RetailScan *scan)
{
	ScanKeyData keys[3];

	retail_key_text(&keys[0], 1, basket->holder);
	retail_key_int4(&keys[1], 2, basket->lines[stock->first].sku.id);
	retail_key_int4(&keys[2], 3, basket->lines[stock->first].location.id);
	retail_scan_begin(scan, TABLE_RESERVATION, INDEX_RESERVATION_HOLDER, RowExclusiveLock, NULL, 3, keys);
}

static bool
has_lapsed(const Basket *basket, TupleTableSlot *slot)
{
	bool		isnull;

	return DatumGetTimestampTz(retail_column(TABLE_RESERVATION, slot,
											 RESERVATION_EXPIRES_AT, &isnull)) <= basket->now;
}

/*
 * Locks the holder's live holds and counts their units as given: they do not
 * stand against the new one.  Their rows are written only if it succeeds.
 * Lapsed ones are left to whoever needs their units.
 */
static void
give_old_holds(Basket *basket, StockPlan *stock)
{
	RetailScan	scan;
	TupleTableSlot *locked;

	open_holder_scan(basket, stock, &scan);
	locked = retail_slot_make(scan.rel);
	while (retail_scan_next(&scan))
	{
		bool		skipped;
		bool		isnull;
		text	   *status;

		if (!retail_row_lock(&scan, locked, LockWaitBlock, &skipped) ||
			has_lapsed(basket, locked))
			continue;
		status = DatumGetTextPP(retail_column(TABLE_RESERVATION, locked, RESERVATION_STATUS, &isnull));
		if (retail_outcome_of_status(VARDATA_ANY(status), VARSIZE_ANY_EXHDR(status)) == OUTCOME_HELD)
			stock->given += retail_column_int64(TABLE_RESERVATION, locked, RESERVATION_QTY);
	}
	ExecDropSingleTupleTableSlot(locked);
	retail_scan_end(&scan);
	if (stock->given > 0)
		retail_escrow_give(stock->escrow, stock->given);
}

/* Nothing left, nothing lapsed, nobody's own units: refused without a pin. */
static bool
refused_at_a_glance(Basket *basket, StockPlan *stock, int64 wanted)
{
	const LineArg *line = &basket->lines[stock->first];
	CellView	view;
	int64		left;

	if (basket->holder != (Datum) 0 || basket->mode == MODE_PARTIAL ||
		retail_escrow_find(line->sku.id, line->location.id) >= 0 ||
		!retail_escrow_peek(line->sku.id, line->location.id, &view) ||
		view.lot_due <= basket->now ||
		retail_expiry_due(view.expiry, basket->now))
		return false;
	if (pg_sub_s64_overflow(view.avail, retail_sale_floor(&stock->rule, view.physical), &left))
		left = -1;
	if (left >= wanted || (basket->mode == MODE_BEST_EFFORT && left > 0))
		return false;
	stock->available = Max(left, 0);
	for (int i = stock->first; i <= stock->last; i++)
		basket->plans[i].outcome = view.open >= wanted - left ?
			OUTCOME_BUSY : OUTCOME_INSUFFICIENT;
	return true;
}

/* One line by itself: whole, or in partial mode as far as it goes. */
static void
take_line(Basket *basket, StockPlan *stock, int i)
{
	LinePlan   *plan = &basket->plans[i];
	int64		qty = basket->lines[i].qty;

	for (;;)
	{
		int64		left;

		if (retail_take(stock->escrow, qty, &stock->rule, basket->now,
						&plan->take, &plan->outcome))
		{
			plan->outcome = OUTCOME_HELD;
			plan->qty = qty;
			return;
		}
		if (basket->mode != MODE_PARTIAL)
			return;
		left = retail_takeable(stock->escrow, &stock->rule, basket->now);
		if (left <= 0 || left >= qty)
			return;
		qty = left;
	}
}

/* All lines of one stock as one sum; false: refused. */
static bool
take_sum(Basket *basket, StockPlan *stock, int64 wanted)
{
	EscrowTake	take;
	Outcome		refusal;

	if (!retail_take(stock->escrow, wanted, &stock->rule, basket->now, &take, &refusal))
	{
		for (int i = stock->first; i <= stock->last; i++)
			basket->plans[i].outcome = refusal;
		return false;
	}
	for (int i = stock->first; i <= stock->last; i++)
	{
		basket->plans[i].outcome = OUTCOME_HELD;
		basket->plans[i].qty = basket->lines[i].qty;
		basket->plans[i].take.shared = 0;
		basket->plans[i].take.own = 0;
	}
	basket->plans[stock->first].take = take;
	return true;
}

static void
decide_stock(Basket *basket, StockPlan *stock)
{
	const LineArg *line = &basket->lines[stock->first];
	Outcome		refusal = OUTCOME_HELD;
	int64		wanted = 0;

	stock->rule = retail_sale_rule(line->sku.id, line->location.id, basket->channel.id);
	if (!basket->channel.open || !line->location.open)
		refusal = OUTCOME_CLOSED;
	else if (!line->sku.active || !stock->rule.on_sale)
		refusal = OUTCOME_NOT_SELLABLE;
	for (int i = stock->first; i <= stock->last; i++)
	{
		if (pg_add_s64_overflow(wanted, basket->lines[i].qty, &wanted))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the lines of one stock add up to more than a bigint can count")));
		basket->plans[i].outcome = refusal;
	}
	if (refusal != OUTCOME_HELD || refused_at_a_glance(basket, stock, wanted))
		return;

	if (basket->holder != (Datum) 0)
		lock_holder(basket, line);
	stock->escrow = retail_escrow_touch(line->sku.id, line->location.id);
	if (basket->holder != (Datum) 0)
		give_old_holds(basket, stock);
	if (take_sum(basket, stock, wanted) || basket->mode == MODE_ALL)
		return;
	for (int i = stock->first; i <= stock->last; i++)
		take_line(basket, stock, i);
}

/* Puts back what decide() took.  Lapsed holds it expired stay expired. */
static void
undo_stock(Basket *basket, StockPlan *stock)
{
	for (int i = stock->first; i <= stock->last; i++)
	{
		if (basket->plans[i].outcome == OUTCOME_HELD && stock->escrow >= 0)
			retail_escrow_undo_take(stock->escrow, &basket->plans[i].take);
	}
	if (stock->given > 0)
		retail_escrow_undo_give(stock->escrow, stock->given);
	stock->given = 0;
}

static bool
stock_holds_any(const Basket *basket, const StockPlan *stock)
{
	for (int i = stock->first; i <= stock->last; i++)
	{
		if (basket->plans[i].outcome == OUTCOME_HELD)
			return true;
	}
	return false;
}

/* All or nothing where asked for; and a refused holder keeps the hold he has. */
static void
put_back_refused(Basket *basket)
{
	for (int s = 0; s < basket->nstocks; s++)
	{
		StockPlan  *stock = &basket->stocks[s];

		if (stock->escrow < 0 ||
			!((basket->mode == MODE_ALL && basket->any_refused) ||
			  !stock_holds_any(basket, stock)))
			continue;
		undo_stock(basket, stock);
		for (int i = stock->first; i <= stock->last; i++)
		{
			if (basket->plans[i].outcome == OUTCOME_HELD)
				basket->plans[i].outcome = OUTCOME_SKIPPED;
			basket->plans[i].qty = 0;
		}
	}
	if (basket->mode == MODE_ALL && basket->any_refused)
		basket->any_held = false;
}

void
retail_basket_decide(Basket *basket)
{
	if (basket->plans == NULL)
	{
		basket->plans = palloc0(sizeof(LinePlan) * basket->nlines);
		group_by_stock(basket);
	}
	basket->any_refused = false;
	basket->any_held = false;
	for (int s = 0; s < basket->nstocks; s++)
	{
		decide_stock(basket, &basket->stocks[s]);
		CHECK_FOR_INTERRUPTS();
	}
	for (int i = 0; i < basket->nlines; i++)
	{
		if (basket->plans[i].outcome == OUTCOME_HELD)
			basket->any_held = true;
		else
			basket->any_refused = true;
	}

	put_back_refused(basket);
	for (int i = 0; i < basket->nlines; i++)
	{
		LinePlan   *plan = &basket->plans[i];

		plan->reservation_id = basket->any_held && plan->outcome == OUTCOME_HELD ?
			retail_next_reservation_id() : 0;
	}
}

void
retail_basket_undo(Basket *basket)
{
	for (int s = 0; s < basket->nstocks; s++)
	{
		StockPlan  *stock = &basket->stocks[s];

		if (stock->escrow >= 0 && stock_holds_any(basket, stock))
			undo_stock(basket, stock);
		stock->escrow = -1;
		stock->given = 0;
	}
	memset(basket->plans, 0, sizeof(LinePlan) * basket->nlines);
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

/* The holder's old holds, locked since they were given: released. */
static void
write_old_holds(Basket *basket, const StockPlan *stock)
{
	RetailScan	scan;
	Datum		values[RESERVATION_NCOLS];
	bool		isnull[RESERVATION_NCOLS] = {false};

	retail_escrow_set_held_changed();
	values[RESERVATION_STATUS] = CStringGetTextDatum(retail_outcome_name[OUTCOME_RELEASED]);
	values[RESERVATION_CHANGED_AT] = TimestampTzGetDatum(basket->now);
	open_holder_scan(basket, stock, &scan);
	while (retail_scan_next(&scan))
	{
		if (!has_lapsed(basket, scan.slot))
			retail_row_update(TABLE_RESERVATION, scan.slot,
							  SET_COLUMN(RESERVATION_STATUS) | SET_COLUMN(RESERVATION_CHANGED_AT),
							  values, isnull);
	}
	retail_scan_end(&scan);
}

static void
fill_hold(Basket *basket, int i, Datum actor, Datum *values, bool *isnull)
{
	const LineArg *line = &basket->lines[i];

	memset(isnull, 0, RESERVATION_NCOLS * sizeof(bool));
	values[RESERVATION_ID] = Int64GetDatum(basket->plans[i].reservation_id);
	values[RESERVATION_SKU_ID] = Int32GetDatum(line->sku.id);
	values[RESERVATION_LOCATION_ID] = Int32GetDatum(line->location.id);
	values[RESERVATION_CHANNEL_ID] = Int32GetDatum(basket->channel.id);
	values[RESERVATION_QTY] = Int64GetDatum(basket->plans[i].qty);
	values[RESERVATION_STATUS] = CStringGetTextDatum(retail_outcome_name[OUTCOME_HELD]);
	values[RESERVATION_EXPIRES_AT] = TimestampTzGetDatum(basket->expires_at);
	values[RESERVATION_CREATED_AT] = TimestampTzGetDatum(basket->now);
	values[RESERVATION_CHANGED_AT] = TimestampTzGetDatum(basket->now);
	isnull[RESERVATION_PARENT_ID] = true;
	values[RESERVATION_HOLDER] = basket->holder;
	isnull[RESERVATION_HOLDER] = basket->anonymous || basket->holder == (Datum) 0;
	isnull[RESERVATION_ORDER_REF] = true;
	values[RESERVATION_ACTOR] = actor;
	isnull[RESERVATION_SUCCESSOR_ID] = true;
}

static void
insert_holds(Basket *basket)
{
	Datum		actor = retail_actor();
	Datum	   *values = palloc(sizeof(Datum) * RESERVATION_NCOLS * basket->nlines);
	bool	   *isnull = palloc(sizeof(bool) * RESERVATION_NCOLS * basket->nlines);
	int			n = 0;

	for (int i = 0; i < basket->nlines; i++)
	{
		if (basket->plans[i].outcome != OUTCOME_HELD)
			continue;
		fill_hold(basket, i, actor, &values[n * RESERVATION_NCOLS], &isnull[n * RESERVATION_NCOLS]);
		n++;
	}
	if (n == 1)
		retail_row_insert(TABLE_RESERVATION, values, isnull);
	else
		retail_rows_insert(TABLE_RESERVATION, n, values, isnull);
}

void
retail_basket_write(Basket *basket)
{
	for (int s = 0; s < basket->nstocks; s++)
	{
		if (basket->stocks[s].given > 0)
			write_old_holds(basket, &basket->stocks[s]);
	}
	insert_holds(basket);
	for (int s = 0; s < basket->nstocks; s++)
	{
		StockPlan  *stock = &basket->stocks[s];

		if (stock->escrow < 0 || !stock_holds_any(basket, stock))
			continue;
		retail_expiry_lower(retail_escrow_cell(stock->escrow), basket->expires_at);
		retail_flag_after_take(stock->escrow);
		CHECK_FOR_INTERRUPTS();
	}
	CommandCounterIncrement();
}

int64
retail_basket_available(Basket *basket, const StockPlan *stock)
{
	Outcome		first = basket->plans[stock->first].outcome;

	if (stock->escrow >= 0)
		return retail_takeable(stock->escrow, &stock->rule, basket->now);
	if (first == OUTCOME_CLOSED || first == OUTCOME_NOT_SELLABLE)
		return 0;
	return stock->available;
}
