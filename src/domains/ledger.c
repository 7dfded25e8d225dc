/*-------------------------------------------------------------------------
 * ledger.c
 *		Goods that come and go: receive, adjust, count, block, sell, take back.
 *
 * Every call works through its lines in the fixed order of stocks, each under
 * its row lock: decide all, store the answer under the request key, write.
 * What the books say never refuses what has happened in the shop: a till sale
 * or a count goes through, and what it takes from promised units is reported
 * as a shortage that names the reservations it falls on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "common/int.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "answer.h"
#include "arg.h"
#include "claim.h"
#include "clock.h"
#include "errors.h"
#include "guc.h"
#include "request.h"
#include "sold_out.h"
#include "spi_util.h"
#include "stock_read.h"
#include "stock_row.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_receive);
PG_FUNCTION_INFO_V1(retail_receive_lines);
PG_FUNCTION_INFO_V1(retail_adjust);
PG_FUNCTION_INFO_V1(retail_count_stock);
PG_FUNCTION_INFO_V1(retail_block);
PG_FUNCTION_INFO_V1(retail_unblock);
PG_FUNCTION_INFO_V1(retail_sell);
PG_FUNCTION_INFO_V1(retail_sell_lines);
PG_FUNCTION_INFO_V1(retail_take_back);

typedef enum LedgerAction
{
	ACTION_RECEIVE,
	ACTION_ADJUST,
	ACTION_COUNT,
	ACTION_BLOCK,
	ACTION_UNBLOCK,
	ACTION_SELL,
	ACTION_TAKE_BACK
} LedgerAction;

typedef enum Disposition
{
	DISPOSITION_RESTOCK,
	DISPOSITION_QUARANTINE,
	DISPOSITION_REFURBISH,
	DISPOSITION_SCRAP
} Disposition;

/* One ledger call; line.qty is the delta of adjust, the count of count_stock. */
typedef struct LedgerCall
{
	LedgerAction action;
	LineArg    *lines;
	int			nlines;
	int32		channel_id;
	Datum		ref;
	Datum		reason;
	Datum		sale_ref;
	Disposition disposition;
	TimestampTz occurred_at;
	TimestampTz now;
	Request		request;
} LedgerCall;

/* ----------------------------------------------------------------
 * Shortages
 * ----------------------------------------------------------------
 */

/*
 * Writes the shortage and its event: holds before committed reservations,
 * newest first, as many as cover it.
 */
static void
raise_shortage(StockRow *stock, int64 movement_id, int64 qty, TimestampTz now)
{
	static const char *const query =
		"WITH covered AS ("
		"  SELECT id, sum(qty) OVER (ORDER BY status DESC, created_at DESC, id DESC) - qty AS before,"
		"         status, created_at"
		"  FROM retail.reservation"
		"  WHERE sku_id = $1 AND location_id = $2 AND status IN ('held', 'committed')"
		"    AND (status = 'committed' OR expires_at > $5)),"
		" short AS ("
		"  INSERT INTO retail.shortage (sku_id, location_id, movement_id, qty, reservations, created_at)"
		"  SELECT $1, $2, $3, $4, coalesce(array_agg(id ORDER BY status DESC, created_at DESC, id DESC), '{}'), $5"
		"  FROM covered WHERE before < $4"
		"  RETURNING id, qty, reservations)"
		" INSERT INTO retail.outbox (topic, sku_id, location_id, payload)"
		" SELECT 'shortage', $1, $2, jsonb_build_object('shortage_id', short.id, 'sku', sku.code,"
		"        'location', location.code, 'qty', short.qty, 'reservations', to_jsonb(short.reservations))"
		" FROM short, retail.sku, retail.location WHERE sku.id = $1 AND location.id = $2";
	Oid			types[5] = {INT4OID, INT4OID, INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum		args[5] = {
		Int32GetDatum(stock->sku_id), Int32GetDatum(stock->location_id),
		Int64GetDatum(movement_id), Int64GetDatum(qty), TimestampTzGetDatum(now)
	};

	retail_spi_as_owner(query, 5, types, args);
}

/*
 * After units left by force: what is promised and no longer there, after
 * lapsed holds have made way.  At most as far as this call brought it down
 * from "before".
 */
static int64
shortage_after(StockRow *stock, int64 movement_id, int64 before, TimestampTz now)
{
	int64		avail = retail_escrow_avail(stock->escrow);
	int64		fall = before - avail;
	bool		skipped;
	int64		short_by;

	if (avail >= 0)
		return 0;
	(void) retail_claim_lapsed(stock->escrow, -avail, now, &skipped);
	avail = retail_escrow_avail(stock->escrow);
	if (avail < 0)
		(void) retail_claim_lapsed(stock->escrow, PG_INT64_MAX, now, &skipped);
	avail = retail_escrow_avail(stock->escrow);
	if (avail >= 0 || fall <= 0)
		return 0;

	/* a lapsed hold somebody else is just expiring is promised to nobody */
	short_by = -avail - retail_stock_lapsed(stock->sku_id, stock->location_id, RowExclusiveLock, now);
	if (short_by <= 0)
		return 0;
	short_by = Min(short_by, fall);
	raise_shortage(stock, movement_id, short_by, now);
	return short_by;
}

/* ----------------------------------------------------------------
 * Each action on one stock row
 * ----------------------------------------------------------------
 */

static Movement
movement_of(const LedgerCall *call, const char *kind)
{
	Movement	movement = {
		.kind = kind, .channel_id = call->channel_id, .ref = call->ref,
		.reason = call->reason, .request_key = call->request.key,
		.occurred_at = call->occurred_at
	};

	return movement;
}

/* A lot without a date is dated by the SKU's shelf life. */
static bool
expiry_of(const LedgerCall *call, const LineArg *line, DateADT *day)
{
	*day = line->expires_on;
	if (line->has_expiry)
		return true;
	if (line->sku.shelf_life_days == 0 ||
		(line->lot == (Datum) 0 && !line->sku.lot_tracked))
		return false;
	if (pg_add_s32_overflow(retail_master_date_at(line->location.id, call->occurred_at),
							line->sku.shelf_life_days, day) ||
		!IS_VALID_DATE(*day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("expiry date is out of range"),
				 errdetail("The SKU has a shelf life of %d days.", line->sku.shelf_life_days)));
	return true;
}

/* The lot of units that come without one: none, or the unnamed lot where lots are kept. */
static Datum
default_lot(const LineArg *line)
{
	if (line->lot != (Datum) 0)
		return line->lot;
	return line->sku.lot_tracked ? CStringGetTextDatum("") : (Datum) 0;
}

/*
 * Units that come in, by whatever way: into the lot named, or where lots are
 * kept into the unnamed one of this day, so that perishable goods always have
 * a date.
 */
static int64
receive_into_lot(const LedgerCall *call, const LineArg *line, StockRow *stock,
				 const Movement *movement, int64 qty, int64 unavailable)
{
	DateADT		day;
	bool		has_expiry = expiry_of(call, line, &day);

	return retail_stock_receive(stock, movement, qty, unavailable, default_lot(line), has_expiry, day);
}

static int64
scrap_from_lot(const LedgerCall *call, const LineArg *line, StockRow *stock, const Movement *movement)
{
	DateADT		day;
	bool		has_expiry = expiry_of(call, line, &day);

	return retail_stock_scrap(stock, movement, line->qty, default_lot(line), has_expiry, day);
}

static void
act_receive(const LedgerCall *call, const LineArg *line, StockRow *stock, StoredLine *out)
{
	Movement	movement = movement_of(call, "receipt");

	out->id = receive_into_lot(call, line, stock, &movement, line->qty, 0);
}

static void
act_adjust(const LedgerCall *call, const LineArg *line, StockRow *stock, StoredLine *out, const char *kind)
{
	Movement	movement = movement_of(call, kind);

	if (line->qty > 0)
		out->id = receive_into_lot(call, line, stock, &movement, line->qty, 0);
	else if (line->qty < 0)
	{
		int64		before = retail_escrow_avail(stock->escrow);

		out->id = retail_stock_issue(stock, &movement, -line->qty);
		out->shortage_qty = shortage_after(stock, out->id, before, call->now);
	}
}

/*
 * What the books said when the counting was done: on_hand now, less what has
 * moved since by the movements' own times.  Reads the stock's whole ledger: a
 * clock that was set back leaves no order of times to stop by.
 */
static int64
on_hand_at(StockRow *stock, TimestampTz at)
{
	int64		on_hand = stock->on_hand;
	ScanKeyData keys[2];
	RetailScan	scan;

	retail_key_stock(keys, stock->sku_id, stock->location_id);
	retail_scan_begin(&scan, TABLE_MOVEMENT, INDEX_MOVEMENT_STOCK, RowExclusiveLock, NULL, 2, keys);
	while (retail_scan_previous(&scan))
	{
		TimestampTz occurred_at = retail_column_int64(TABLE_MOVEMENT, scan.slot, MOVEMENT_OCCURRED_AT);

		if (occurred_at > at)
			on_hand -= retail_column_int64(TABLE_MOVEMENT, scan.slot, MOVEMENT_ON_HAND_DELTA);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
	return on_hand;
}

static void
act_count(const LedgerCall *call, const LineArg *line, StockRow *stock, StoredLine *out)
{
	int64		variance = line->qty - on_hand_at(stock, call->occurred_at);
	LineArg		difference = *line;
	Movement	movement = movement_of(call, "count");

	/* sold since by more than was there: the books cannot go below zero */
	if (variance < -stock->on_hand)
		variance = -stock->on_hand;
	difference.qty = variance;
	if (variance == 0)
		out->id = retail_stock_receive(stock, &movement, 0, 0, (Datum) 0, false, 0);
	else
		act_adjust(call, &difference, stock, out, "count");
}

static void
act_sell(const LedgerCall *call, const LineArg *line, StockRow *stock, StoredLine *out)
{
	Movement	movement = movement_of(call, "sale");
	int64		before = retail_escrow_avail(stock->escrow);

	if (line->qty > stock->on_hand)
	{
		Movement	unrecorded = movement_of(call, "unrecorded_receipt");

		out->unrecorded_qty = line->qty - stock->on_hand;
		(void) receive_into_lot(call, line, stock, &unrecorded, out->unrecorded_qty, 0);
	}
	out->id = retail_stock_issue(stock, &movement, line->qty);
	out->shortage_qty = shortage_after(stock, out->id, before, call->now);
}

static void
act_take_back(const LedgerCall *call, const LineArg *line, StockRow *stock, StoredLine *out)
{
	Movement	movement = movement_of(call, "return");
	bool		sellable = call->disposition == DISPOSITION_RESTOCK;

	movement.sale_ref = call->sale_ref;
	out->id = receive_into_lot(call, line, stock, &movement, line->qty, sellable ? 0 : line->qty);
	if (call->disposition == DISPOSITION_SCRAP)
	{
		Movement	waste = movement_of(call, "waste");

		out->id = scrap_from_lot(call, line, stock, &waste);
	}
}

/* ----------------------------------------------------------------
 * Deciding
 * ----------------------------------------------------------------
 */

/* Units under a ref: of the channel asked for (of every one where none was), and of all. */
typedef struct RefUnits
{
	int64		of_channel;
	int64		of_all;
} RefUnits;

static void
add_units(RefUnits *units, const LedgerCall *call, TupleTableSlot *slot, int sign)
{
	bool		isnull;
	Datum		channel_id = retail_column(TABLE_MOVEMENT, slot, MOVEMENT_CHANNEL_ID, &isnull);
	int64		qty = sign * retail_column_int64(TABLE_MOVEMENT, slot, MOVEMENT_ON_HAND_DELTA);

	units->of_all += qty;
	if (call->channel_id == 0 || (!isnull && DatumGetInt32(channel_id) == call->channel_id))
		units->of_channel += qty;
}

/* Adds sales and shipments under the ref; locks their ledger rows. */
static void
add_sold(RefUnits *units, const LedgerCall *call, int32 sku_id)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	TupleTableSlot *slot;

	retail_key_text(&keys[0], 1, call->sale_ref);
	retail_key_int4(&keys[1], 2, sku_id);
	retail_scan_begin(&scan, TABLE_MOVEMENT, INDEX_MOVEMENT_REF, RowExclusiveLock, NULL, 2, keys);
	slot = retail_slot_make(scan.rel);
	while (retail_scan_next(&scan))
	{
		bool		isnull;
		bool		skipped;
		char	   *kind = TextDatumGetCString(retail_column(TABLE_MOVEMENT, scan.slot,
															 MOVEMENT_KIND, &isnull));

		if (strcmp(kind, "sale") != 0 && strcmp(kind, "shipment") != 0)
			continue;
		(void) retail_row_lock(&scan, slot, LockWaitBlock, &skipped);
		add_units(units, call, scan.slot, -1);
		CHECK_FOR_INTERRUPTS();
	}
	ExecDropSingleTupleTableSlot(slot);
	retail_scan_end(&scan);
}

static void
subtract_returned(RefUnits *units, const LedgerCall *call, int32 sku_id)
{
	ScanKeyData keys[2];
	RetailScan	scan;

	retail_key_text(&keys[0], 1, call->sale_ref);
	retail_key_int4(&keys[1], 2, sku_id);
	retail_scan_begin(&scan, TABLE_MOVEMENT, INDEX_MOVEMENT_SALE_REF, RowExclusiveLock, NULL, 2, keys);
	while (retail_scan_next(&scan))
	{
		add_units(units, call, scan.slot, -1);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
}

/*
 * What was sold or shipped under a ref, of a SKU, less what came back: through
 * the channel that is named, where two have documents of one name, and never
 * more than of all, since a return that names no channel may have been of
 * either.  The sales' rows are locked first, so that two returns against one
 * sale go one by one, and the second sees the first.
 */
static int64
returnable(const LedgerCall *call, int32 sku_id)
{
	RefUnits	units = {0, 0};

	add_sold(&units, call, sku_id);
	subtract_returned(&units, call, sku_id);
	return Min(units.of_channel, units.of_all);
}

/* The outcome of one line before anything is written. */
static Outcome
decide_line(const LedgerCall *call, const LineArg *line, StockRow *stock, int64 left_here)
{
	switch (call->action)
	{
		case ACTION_RECEIVE:
			return OUTCOME_RECEIVED;
		case ACTION_ADJUST:
			return line->qty < 0 && -line->qty > stock->on_hand ?
				OUTCOME_INSUFFICIENT : OUTCOME_ADJUSTED;
		case ACTION_COUNT:
			return OUTCOME_COUNTED;
		case ACTION_BLOCK:
			return retail_stock_can_block(stock, line->qty, line->lot) ?
				OUTCOME_BLOCKED : OUTCOME_INSUFFICIENT;
		case ACTION_UNBLOCK:
			return retail_stock_can_unblock(stock, line->qty, line->lot) ?
				OUTCOME_UNBLOCKED : OUTCOME_INSUFFICIENT;
		case ACTION_SELL:
			return retail_till_oversell == TILL_OVERSELL_REFUSE && line->qty > left_here ?
				OUTCOME_INSUFFICIENT : OUTCOME_SOLD;
		case ACTION_TAKE_BACK:
			if (!line->location.open)
				return OUTCOME_CLOSED;
			if (!line->location.accepts_returns)
				return OUTCOME_NO_RETURNS;
			if (call->sale_ref != (Datum) 0 && line->qty > returnable(call, line->sku.id))
				return OUTCOME_NOT_SOLD;
			return OUTCOME_TAKEN_BACK;
	}
	return OUTCOME_NOT_SOLD;
}

static bool
is_refusal(Outcome outcome)
{
	return outcome == OUTCOME_INSUFFICIENT || outcome == OUTCOME_CLOSED ||
		outcome == OUTCOME_NO_RETURNS || outcome == OUTCOME_NOT_SOLD ||
		outcome == OUTCOME_SKIPPED;
}

/* ----------------------------------------------------------------
 * The call as a whole
 * ----------------------------------------------------------------
 */

static void
act_line(const LedgerCall *call, const LineArg *line, StockRow *stock, StoredLine *out)
{
	switch (call->action)
	{
		case ACTION_RECEIVE:
			act_receive(call, line, stock, out);
			break;
		case ACTION_ADJUST:
			act_adjust(call, line, stock, out, "adjustment");
			break;
		case ACTION_COUNT:
			act_count(call, line, stock, out);
			break;
		case ACTION_BLOCK:
			{
				Movement	movement = movement_of(call, "block");
				int64		before = retail_escrow_avail(stock->escrow);

				out->id = retail_stock_block(stock, &movement, line->qty, line->lot);
				out->shortage_qty = shortage_after(stock, out->id, before, call->now);
				break;
			}
		case ACTION_UNBLOCK:
			{
				Movement	movement = movement_of(call, "unblock");

				out->id = retail_stock_unblock(stock, &movement, line->qty, line->lot);
				break;
			}
		case ACTION_SELL:
			act_sell(call, line, stock, out);
			break;
		case ACTION_TAKE_BACK:
			act_take_back(call, line, stock, out);
			break;
	}
	out->on_hand = stock->on_hand;
}

static bool
same_stock(const LineArg *a, const LineArg *b)
{
	return a->sku.id == b->sku.id && a->location.id == b->location.id;
}

/*
 * What may be sold of a stock without taking promised or unrecorded units,
 * lapsed holds making way where the lines from this one on need it.
 */
static int64
left_to_sell(const LedgerCall *call, int first, StockRow *stock)
{
	double		wanted = 0;
	bool		skipped;
	int64		avail = retail_escrow_avail(stock->escrow);

	for (int i = first; i < call->nlines && same_stock(&call->lines[i], &call->lines[first]); i++)
		wanted += call->lines[i].qty;
	if (avail < wanted)
	{
		(void) retail_claim_lapsed(stock->escrow, PG_INT64_MAX, call->now, &skipped);
		avail = retail_escrow_avail(stock->escrow);
	}
	return Min(avail, stock->on_hand);
}

/* Decides all lines with their rows locked; whether any is refused. */
static bool
decide(const LedgerCall *call, StockRow **stocks, StoredLine *out)
{
	bool		refused = false;
	int64		left = 0;

	for (int i = 0; i < call->nlines; i++)
	{
		const LineArg *line = &call->lines[i];
		StockRow   *stock;

		if (i > 0 && same_stock(line, line - 1))
			stocks[i] = stocks[i - 1];
		else
		{
			stocks[i] = retail_stock_open(line->sku.id, line->location.id);
			if (call->action == ACTION_SELL && retail_till_oversell == TILL_OVERSELL_REFUSE)
				left = left_to_sell(call, i, stocks[i]);
		}
		stock = stocks[i];
		memset(&out[i], 0, sizeof(StoredLine));
		out[i].sku_id = line->sku.id;
		out[i].location_id = line->location.id;
		out[i].qty = line->qty;
		out[i].on_hand = stock->on_hand;
		out[i].outcome = decide_line(call, line, stock, left);
		refused |= is_refusal(out[i].outcome);
		left -= line->qty;
		CHECK_FOR_INTERRUPTS();
	}
	return refused;
}

static void
close_stocks(const LedgerCall *call, StockRow **stocks)
{
	for (int i = 0; i < call->nlines; i++)
	{
		Escrow		escrow = stocks[i]->escrow;

		if (i + 1 < call->nlines && stocks[i + 1] == stocks[i])
			continue;
		retail_stock_close(stocks[i]);
		retail_flag_after_movement(escrow);
	}
}

static Answer *
answers_of(const LedgerCall *call, const StoredLine *lines, bool in_order, bool replayed)
{
	Answer	   *answers = palloc0(sizeof(Answer) * call->nlines);
	SaleRule	rule = retail_sale_rule(0, 0, 0);

	for (int i = 0; i < call->nlines; i++)
	{
		Answer	   *answer = &answers[in_order ? i : call->lines[i].line_no];

		answer->line = lines[i];
		answer->replayed = replayed;
		answer->available = retail_takeable_at((int32) lines[i].sku_id,
											   (int32) lines[i].location_id,
											   &rule, call->now);
		answer->available_known = true;
	}
	return answers;
}

static void
write_lines(LedgerCall *call, StockRow **stocks, StoredLine *out)
{
	for (int i = 0; i < call->nlines; i++)
	{
		act_line(call, &call->lines[i], stocks[i], &out[i]);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * The answer names the movement and what it did, so it is known only once
 * written.  The rows locked by decide() keep a second call with the same key
 * away until this one ends; a key that is taken meanwhile, for other stock, is
 * refused there as another request.
 */
static Answer *
run(LedgerCall *call)
{
	StockRow  **stocks = palloc(sizeof(StockRow *) * call->nlines);
	StoredLine *out = palloc(sizeof(StoredLine) * call->nlines);
	StoredLine *ordered = palloc(sizeof(StoredLine) * call->nlines);
	StoredLine *earlier;
	bool		refused;

	qsort(call->lines, call->nlines, sizeof(LineArg), retail_line_compare);
	if ((earlier = retail_request_find(&call->request, call->nlines)) == NULL)
	{
		refused = decide(call, stocks, out);
		earlier = retail_request_find(&call->request, call->nlines);
		if (earlier != NULL)
			close_stocks(call, stocks);
	}
	if (earlier != NULL)
		return answers_of(call, earlier, true, true);
	if (refused)
	{
		for (int i = 0; i < call->nlines; i++)
		{
			if (!is_refusal(out[i].outcome))
				out[i].outcome = OUTCOME_SKIPPED;
		}
		close_stocks(call, stocks);
		return answers_of(call, out, false, false);
	}
	write_lines(call, stocks, out);
	close_stocks(call, stocks);
	CommandCounterIncrement();
	for (int i = 0; i < call->nlines; i++)
		ordered[call->lines[i].line_no] = out[i];
	if (!retail_request_store(&call->request, ordered, call->nlines))
	{
		/* another request under the same key says so itself */
		(void) retail_request_find(&call->request, call->nlines);
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("another call with this request_key came first"),
				 errhint("Retry the transaction: it will answer what the other did.")));
	}
	return answers_of(call, ordered, true, false);
}

/* ----------------------------------------------------------------
 * Public functions
 * ----------------------------------------------------------------
 */

static void
begin(LedgerCall *call, LedgerAction action, const char *shown)
{
	retail_engine_begin(shown);
	memset(call, 0, sizeof(*call));
	call->action = action;
	call->now = retail_clock_now();
}

/* The arguments every call ends with, and the hash over all of them. */
static void
finish_args(LedgerCall *call, FunctionCallInfo fcinfo, const char *function,
			int ref, int occurred_at, int request_key)
{
	Request    *request = &call->request;

	call->ref = retail_arg_ref(fcinfo, ref, "ref");
	call->occurred_at = retail_arg_occurred_at(fcinfo, occurred_at, call->now);
	*request = retail_arg_request(fcinfo, request_key, function);
	for (int i = 0; i < call->nlines; i++)
	{
		const LineArg *line = &call->lines[i];

		retail_request_hash_int(request, line->sku.id);
		retail_request_hash_int(request, line->location.id);
		retail_request_hash_int(request, line->qty);
		retail_request_hash_text(request, line->lot, line->lot == (Datum) 0);
		retail_request_hash_int(request, line->has_expiry ? line->expires_on : PG_INT32_MIN);
	}
	retail_request_hash_int(request, call->channel_id);
	retail_request_hash_int(request, call->disposition);
	retail_request_hash_text(request, call->ref, call->ref == (Datum) 0);
	retail_request_hash_text(request, call->reason, call->reason == (Datum) 0);
	retail_request_hash_text(request, call->sale_ref, call->sale_ref == (Datum) 0);
	if (!PG_ARGISNULL(occurred_at))
		retail_request_hash_int(request, call->occurred_at);
}

static LineArg *
one_line(LedgerCall *call, FunctionCallInfo fcinfo)
{
	LineArg    *line = palloc0(sizeof(LineArg));

	line->sku = retail_arg_sku(fcinfo, 0);
	line->location = retail_arg_location(fcinfo, 1);
	call->lines = line;
	call->nlines = 1;
	return line;
}

static void
reason_arg(LedgerCall *call, FunctionCallInfo fcinfo, int i, bool required)
{
	if (required)
		(void) retail_arg_text(fcinfo, i, "reason");
	call->reason = retail_arg_ref(fcinfo, i, "reason");
	if (required && VARSIZE_ANY_EXHDR(DatumGetPointer(call->reason)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reason must not be empty")));
}

/* retail.receive(sku, location, qty, lot, expires_on, ref, occurred_at, request_key) */
Datum
retail_receive(PG_FUNCTION_ARGS)
{
	LedgerCall	call;
	LineArg    *line;

	begin(&call, ACTION_RECEIVE, "retail.receive()");
	line = one_line(&call, fcinfo);
	line->qty = retail_arg_qty(fcinfo, 2);
	line->lot = retail_arg_ref(fcinfo, 3, "lot");
	line->has_expiry = !PG_ARGISNULL(4);
	line->expires_on = PG_ARGISNULL(4) ? 0 : PG_GETARG_DATEADT(4);
	finish_args(&call, fcinfo, "receive", 5, 6, 7);
	return retail_answer_movement(fcinfo, run(&call));
}

/* retail.receive_lines(lines, ref, occurred_at, request_key) */
Datum
retail_receive_lines(PG_FUNCTION_ARGS)
{
	LedgerCall	call;

	begin(&call, ACTION_RECEIVE, "retail.receive_lines()");
	call.lines = retail_arg_lines(fcinfo, 0, &call.nlines);
	finish_args(&call, fcinfo, "receive_lines", 1, 2, 3);
	return retail_answer_movements(fcinfo, run(&call), call.nlines);
}

/* retail.adjust(sku, location, delta, reason, ref, occurred_at, request_key) */
Datum
retail_adjust(PG_FUNCTION_ARGS)
{
	LedgerCall	call;
	LineArg    *line;

	begin(&call, ACTION_ADJUST, "retail.adjust()");
	line = one_line(&call, fcinfo);
	line->qty = retail_arg_int64(fcinfo, 2, "delta");
	if (line->qty == 0 || line->qty == PG_INT64_MIN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("delta %lld is out of range", (long long) line->qty),
				 errdetail("It is the number of base units that came (+) or went (-), not 0.")));
	reason_arg(&call, fcinfo, 3, true);
	finish_args(&call, fcinfo, "adjust", 4, 5, 6);
	return retail_answer_movement(fcinfo, run(&call));
}

/* retail.count_stock(sku, location, counted, reason, ref, occurred_at, request_key) */
Datum
retail_count_stock(PG_FUNCTION_ARGS)
{
	LedgerCall	call;
	LineArg    *line;

	begin(&call, ACTION_COUNT, "retail.count_stock()");
	line = one_line(&call, fcinfo);
	line->qty = retail_arg_int64(fcinfo, 2, "counted");
	if (line->qty < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("counted quantity %lld is negative", (long long) line->qty)));
	reason_arg(&call, fcinfo, 3, false);
	finish_args(&call, fcinfo, "count_stock", 4, 5, 6);
	return retail_answer_movement(fcinfo, run(&call));
}

static Datum
block_or_unblock(FunctionCallInfo fcinfo, LedgerAction action, const char *name, const char *shown)
{
	LedgerCall	call;
	LineArg    *line;

	begin(&call, action, shown);
	line = one_line(&call, fcinfo);
	line->qty = retail_arg_qty(fcinfo, 2);
	reason_arg(&call, fcinfo, 3, true);
	line->lot = retail_arg_ref(fcinfo, 4, "lot");
	finish_args(&call, fcinfo, name, 5, 6, 7);
	return retail_answer_movement(fcinfo, run(&call));
}

/* retail.block(sku, location, qty, reason, lot, ref, occurred_at, request_key) */
Datum
retail_block(PG_FUNCTION_ARGS)
{
	return block_or_unblock(fcinfo, ACTION_BLOCK, "block", "retail.block()");
}

/* retail.unblock(sku, location, qty, reason, lot, ref, occurred_at, request_key) */
Datum
retail_unblock(PG_FUNCTION_ARGS)
{
	return block_or_unblock(fcinfo, ACTION_UNBLOCK, "unblock", "retail.unblock()");
}

/* retail.sell(sku, location, qty, channel, ref, occurred_at, request_key) */
Datum
retail_sell(PG_FUNCTION_ARGS)
{
	LedgerCall	call;
	LineArg    *line;

	begin(&call, ACTION_SELL, "retail.sell()");
	line = one_line(&call, fcinfo);
	line->qty = retail_arg_qty(fcinfo, 2);
	call.channel_id = retail_arg_channel_id(fcinfo, 3);
	finish_args(&call, fcinfo, "sell", 4, 5, 6);
	return retail_answer_movement(fcinfo, run(&call));
}

/* retail.sell_lines(lines, channel, ref, occurred_at, request_key) */
Datum
retail_sell_lines(PG_FUNCTION_ARGS)
{
	LedgerCall	call;

	begin(&call, ACTION_SELL, "retail.sell_lines()");
	call.lines = retail_arg_lines(fcinfo, 0, &call.nlines);
	call.channel_id = retail_arg_channel_id(fcinfo, 1);
	finish_args(&call, fcinfo, "sell_lines", 2, 3, 4);
	return retail_answer_movements(fcinfo, run(&call), call.nlines);
}

static Disposition
disposition_arg(FunctionCallInfo fcinfo, int i)
{
	static const char *const names[] = {"restock", "quarantine", "refurbish", "scrap"};
	char	   *name = TextDatumGetCString(retail_arg_text(fcinfo, i, "disposition"));

	for (int d = 0; d < lengthof(names); d++)
	{
		if (strcmp(name, names[d]) == 0)
			return (Disposition) d;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown disposition \"%.60s\"", name),
			 errhint("The dispositions are restock, quarantine, refurbish and scrap.")));
	return DISPOSITION_RESTOCK;
}

/* retail.take_back(sku, location, qty, sale_ref, disposition, ref, occurred_at, request_key, channel) */
Datum
retail_take_back(PG_FUNCTION_ARGS)
{
	LedgerCall	call;
	LineArg    *line;

	begin(&call, ACTION_TAKE_BACK, "retail.take_back()");
	line = one_line(&call, fcinfo);
	line->qty = retail_arg_qty(fcinfo, 2);
	call.sale_ref = retail_arg_ref(fcinfo, 3, "sale_ref");
	call.disposition = disposition_arg(fcinfo, 4);
	call.reason = retail_arg_text(fcinfo, 4, "disposition");
	call.channel_id = retail_arg_channel_id(fcinfo, 8);
	finish_args(&call, fcinfo, "take_back", 5, 6, 7);
	return retail_answer_movement(fcinfo, run(&call));
}
