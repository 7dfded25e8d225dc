/*-------------------------------------------------------------------------
 * reservation.c
 *		The life of a reservation after reserve(): confirm, extend, release,
 *		consume, cancel.
 *
 * Each call locks the row, reads the clock only then (waiting for the lock
 * takes time, and a hold that lapsed meanwhile must not be confirmed), decides
 * by the row's status, stores the answer under the request key, and writes.
 *
 * A call that finds the reservation where it wanted to bring it answers that
 * status, marked replayed; one that finds it elsewhere answers where it is.
 *
 * Acting on a part splits the row: the id keeps the part acted on, the rest
 * becomes a new row with parent_id, so that over a family no unit is lost.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "answer.h"
#include "arg.h"
#include "claim.h"
#include "clock.h"
#include "errors.h"
#include "fault.h"
#include "request.h"
#include "sold_out.h"
#include "spi_util.h"
#include "stock_row.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_confirm);
PG_FUNCTION_INFO_V1(retail_release);
PG_FUNCTION_INFO_V1(retail_extend);
PG_FUNCTION_INFO_V1(retail_consume);
PG_FUNCTION_INFO_V1(retail_consume_lines);
PG_FUNCTION_INFO_V1(retail_hand_over);
PG_FUNCTION_INFO_V1(retail_cancel);

/* A reservation row, locked. */
typedef struct Reservation
{
	int64		id;
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
	int64		qty;
	Outcome		status;
	TimestampTz expires_at;
	Datum		holder;			/* 0: none */
	Datum		order_ref;		/* 0: none */
	int64		successor_id;	/* 0: none */
	TupleTableSlot *slot;		/* NULL: found in the history, final */
	TimestampTz now;			/* the clock, read after the lock was held */
} Reservation;

/* ----------------------------------------------------------------
 * Finding and locking
 * ----------------------------------------------------------------
 */

static Datum
copy_text_column(TupleTableSlot *slot, int col)
{
	bool		isnull;
	Datum		value = retail_column(TABLE_RESERVATION, slot, col, &isnull);

	return isnull ? (Datum) 0 : PointerGetDatum(DatumGetTextPCopy(value));
}

static void
read_reservation(Reservation *r, TupleTableSlot *slot)
{
	bool		isnull;
	text	   *status = DatumGetTextPP(retail_column(TABLE_RESERVATION, slot,
													  RESERVATION_STATUS, &isnull));

	r->id = retail_column_int64(TABLE_RESERVATION, slot, RESERVATION_ID);
	r->sku_id = retail_column_int32(TABLE_RESERVATION, slot, RESERVATION_SKU_ID);
	r->location_id = retail_column_int32(TABLE_RESERVATION, slot, RESERVATION_LOCATION_ID);
	r->channel_id = retail_column_int32(TABLE_RESERVATION, slot, RESERVATION_CHANNEL_ID);
	r->qty = retail_column_int64(TABLE_RESERVATION, slot, RESERVATION_QTY);
	r->status = retail_outcome_of_status(VARDATA_ANY(status), VARSIZE_ANY_EXHDR(status));
	r->expires_at = retail_column_int64(TABLE_RESERVATION, slot, RESERVATION_EXPIRES_AT);
	r->holder = copy_text_column(slot, RESERVATION_HOLDER);
	r->order_ref = copy_text_column(slot, RESERVATION_ORDER_REF);
	r->successor_id = retail_column_int64(TABLE_RESERVATION, slot, RESERVATION_SUCCESSOR_ID);
}

/* What SPI found, copied to where it outlives SPI; 0: none. */
static Datum
spi_text(HeapTuple tuple, TupleDesc desc, int col)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, col, &isnull);

	return isnull ? (Datum) 0 : SPI_datumTransfer(value, false, -1);
}

#define HISTORY_ROW \
	"SELECT sku_id, location_id, channel_id, qty, status, expires_at, successor_id, holder " \
	"FROM retail.reservation_history WHERE id = $1"

/*
 * A finished reservation that has moved on: read as the table's owner, with
 * the latest snapshot, because it may have moved since our own was taken.
 */
static bool
find_in_history(int64 id, Reservation *r)
{
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {Int64GetDatum(id)};
	Snapshot	snapshot = retail_latest_snapshot();
	SpiOwner	saved = retail_spi_begin();
	bool		found;

	PushActiveSnapshot(snapshot);
	if (SPI_execute_with_args(HISTORY_ROW, 1, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read reservation_history");
	PopActiveSnapshot();
	found = SPI_processed == 1;
	if (found)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		text	   *status = DatumGetTextPP(SPI_getbinval(tuple, desc, 5, &isnull));

		r->id = id;
		r->sku_id = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
		r->location_id = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &isnull));
		r->channel_id = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull));
		r->qty = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
		r->status = retail_outcome_of_status(VARDATA_ANY(status), VARSIZE_ANY_EXHDR(status));
		r->expires_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 6, &isnull));
		r->successor_id = DatumGetInt64(SPI_getbinval(tuple, desc, 7, &isnull));
		r->holder = spi_text(tuple, desc, 8);
	}
	retail_spi_end(&saved);
	UnregisterSnapshot(snapshot);
	return found;
}

/* Lets go of the row's page; the lock stays with the transaction. */
static void
let_go(Reservation *r)
{
	if (r->slot != NULL)
		ExecDropSingleTupleTableSlot(r->slot);
	r->slot = NULL;
}

static void
refuse_unknown(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_UNKNOWN_RESERVATION),
			 errmsg("no reservation %lld", (long long) id)));
}

/* Locks the row, waiting for whoever has it, and reads the clock then. */
static Reservation
lock_reservation(int64 id)
{
	Reservation r;
	ScanKeyData key;
	RetailScan	scan;
	bool		skipped;

	memset(&r, 0, sizeof(r));
	retail_key_int8(&key, 1, id);
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_ID, RowExclusiveLock, NULL, 1, &key);
	if (retail_scan_next(&scan))
	{
		r.slot = retail_slot_make(scan.rel);
		if (retail_row_lock(&scan, r.slot, LockWaitBlock, &skipped))
			read_reservation(&r, r.slot);
		else
			let_go(&r);			/* moved to the history meanwhile */
	}
	retail_scan_end(&scan);
	if (r.slot == NULL && !find_in_history(id, &r))
		refuse_unknown(id);
	r.now = retail_clock_now();
	return r;
}

/* The same without a lock. */
static Reservation
look_up_reservation(int64 id)
{
	Reservation r;
	ScanKeyData key;
	RetailScan	scan;
	bool		found;

	memset(&r, 0, sizeof(r));
	retail_key_int8(&key, 1, id);
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_ID, RowExclusiveLock, NULL, 1, &key);
	found = retail_scan_next(&scan);
	if (found)
		read_reservation(&r, scan.slot);
	retail_scan_end(&scan);
	if (!found && !find_in_history(id, &r))
		refuse_unknown(id);
	return r;
}

static bool
is_lapsed(const Reservation *r)
{
	return r->status == OUTCOME_HELD && r->expires_at <= r->now &&
		!RETAIL_FAULT("deadline_ignored");
}

static bool
is_someone_elses(const Reservation *r, Datum holder)
{
	return holder != (Datum) 0 && r->holder != (Datum) 0 &&
		!retail_same_text(holder, r->holder);
}

/* What can be said of a part before the reservation is known. */
static void
check_part_arg(FunctionCallInfo fcinfo, int i)
{
	if (!PG_ARGISNULL(i))
		retail_check_qty(PG_GETARG_INT64(i));
}

/* The part to act on: all of it unless the caller names fewer. */
static int64
part_arg(FunctionCallInfo fcinfo, int i, const Reservation *r)
{
	int64		qty;

	if (PG_ARGISNULL(i))
		return r->qty;
	qty = PG_GETARG_INT64(i);
	if (qty > r->qty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity %lld is more than reservation %lld has",
						(long long) qty, (long long) r->id),
				 errdetail("It has %lld.", (long long) r->qty)));
	return qty;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

/* Brings "qty" of the row to a status; order_ref 0: as it is. */
static void
write_status(const Reservation *r, Outcome status, int64 qty, Datum order_ref)
{
	Datum		values[RESERVATION_NCOLS];
	bool		isnull[RESERVATION_NCOLS] = {false};
	uint32		set = SET_COLUMN(RESERVATION_STATUS) | SET_COLUMN(RESERVATION_CHANGED_AT) |
		SET_COLUMN(RESERVATION_QTY);

	if (r->status == OUTCOME_HELD)
		retail_escrow_set_held_changed();
	values[RESERVATION_STATUS] = CStringGetTextDatum(retail_outcome_name[status]);
	values[RESERVATION_CHANGED_AT] = TimestampTzGetDatum(r->now);
	values[RESERVATION_QTY] = Int64GetDatum(qty);
	if (order_ref != (Datum) 0)
	{
		set |= SET_COLUMN(RESERVATION_ORDER_REF);
		values[RESERVATION_ORDER_REF] = order_ref;
	}
	retail_row_update(TABLE_RESERVATION, r->slot, set, values, isnull);
}

/*
 * A new row for the same stock, channel and holder.  parent_id: the row it is
 * split from; 0: its units are fresh ones, and the start of a family.
 */
static void
insert_relative(const Reservation *r, int64 id, int64 parent_id, Outcome status, int64 qty,
				TimestampTz expires_at, Datum order_ref)
{
	Datum		values[RESERVATION_NCOLS];
	bool		isnull[RESERVATION_NCOLS] = {false};

	values[RESERVATION_ID] = Int64GetDatum(id);
	values[RESERVATION_SKU_ID] = Int32GetDatum(r->sku_id);
	values[RESERVATION_LOCATION_ID] = Int32GetDatum(r->location_id);
	values[RESERVATION_CHANNEL_ID] = Int32GetDatum(r->channel_id);
	values[RESERVATION_QTY] = Int64GetDatum(qty);
	values[RESERVATION_STATUS] = CStringGetTextDatum(retail_outcome_name[status]);
	values[RESERVATION_EXPIRES_AT] = TimestampTzGetDatum(expires_at);
	values[RESERVATION_CREATED_AT] = TimestampTzGetDatum(r->now);
	values[RESERVATION_CHANGED_AT] = TimestampTzGetDatum(r->now);
	values[RESERVATION_PARENT_ID] = Int64GetDatum(parent_id);
	isnull[RESERVATION_PARENT_ID] = parent_id == 0;
	values[RESERVATION_HOLDER] = r->holder;
	isnull[RESERVATION_HOLDER] = r->holder == (Datum) 0;
	values[RESERVATION_ORDER_REF] = order_ref;
	isnull[RESERVATION_ORDER_REF] = order_ref == (Datum) 0;
	values[RESERVATION_ACTOR] = retail_actor();
	isnull[RESERVATION_SUCCESSOR_ID] = true;
	retail_row_insert(TABLE_RESERVATION, values, isnull);
}

/* ----------------------------------------------------------------
 * Answering
 * ----------------------------------------------------------------
 */

static StoredLine
line_of(const Reservation *r, Outcome outcome, int64 qty)
{
	StoredLine	line;

	memset(&line, 0, sizeof(line));
	line.outcome = outcome;
	line.id = r->id;
	line.sku_id = r->sku_id;
	line.location_id = r->location_id;
	line.qty = qty;
	line.expires_at = r->expires_at;
	return line;
}

static Answer
answer_of(const StoredLine *line, int32 channel_id, bool replayed)
{
	SaleRule	rule = retail_sale_rule_now((int32) line->sku_id, (int32) line->location_id, channel_id);
	Answer		answer;

	answer.line = *line;
	answer.replayed = replayed;
	answer.available = retail_takeable_at((int32) line->sku_id, (int32) line->location_id,
										  &rule, retail_clock_now());
	answer.available_known = true;
	return answer;
}

/* The end of every call on one reservation. */
static Datum
answer_one(FunctionCallInfo fcinfo, Reservation *r, const StoredLine *line, bool replayed)
{
	Answer		answer = answer_of(line, r->channel_id, replayed);

	let_go(r);
	return retail_answer_reservation(fcinfo, &answer);
}

/* A refusal, or a status reached before: nothing was written. */
static Datum
answer_unchanged(FunctionCallInfo fcinfo, Reservation *r, Outcome outcome, bool replayed)
{
	StoredLine	line = line_of(r, outcome, r->qty);

	return answer_one(fcinfo, r, &line, replayed);
}

/* An earlier answer under the key; false: there is none. */
static bool
find_earlier(Request *request, StoredLine *line)
{
	StoredLine *earlier = retail_request_find(request, 1);

	if (earlier == NULL)
		return false;
	*line = *earlier;
	return true;
}

/*
 * The channel of an earlier answer is the reservation's: looked up only to
 * say what is available.
 */
static Datum
answer_earlier(FunctionCallInfo fcinfo, const StoredLine *line, int64 reservation_id)
{
	Reservation r = lock_reservation(reservation_id);

	return answer_one(fcinfo, &r, line, true);
}

static Request
begin(FunctionCallInfo fcinfo, const char *name, const char *shown, int key_arg, int64 *id)
{
	Request		request;

	retail_engine_begin(shown);
	*id = retail_arg_int64(fcinfo, 0, "reservation_id");
	request = key_arg < 0 ? retail_request_begin(name, (Datum) 0, true) :
		retail_arg_request(fcinfo, key_arg, name);
	retail_request_hash_int(&request, *id);
	return request;
}

static void
hash_int_arg(Request *request, FunctionCallInfo fcinfo, int i)
{
	retail_request_hash_int(request, PG_ARGISNULL(i));
	retail_request_hash_int(request, PG_ARGISNULL(i) ? 0 : PG_GETARG_INT64(i));
}

/* ----------------------------------------------------------------
 * confirm
 * ----------------------------------------------------------------
 */

/* Names, in the expired row of a reacquired hold, the one in its place. */
static void
write_successor(const Reservation *r, int64 successor_id)
{
	Datum		values[RESERVATION_NCOLS];
	bool		isnull[RESERVATION_NCOLS] = {false};

	if (r->slot == NULL)
	{
		Oid			types[2] = {INT8OID, INT8OID};
		Datum		args[2] = {Int64GetDatum(r->id), Int64GetDatum(successor_id)};

		retail_spi_as_owner("UPDATE retail.reservation_history SET successor_id = $2 WHERE id = $1",
							2, types, args);
		return;
	}
	values[RESERVATION_SUCCESSOR_ID] = Int64GetDatum(successor_id);
	retail_row_update(TABLE_RESERVATION, r->slot, SET_COLUMN(RESERVATION_SUCCESSOR_ID),
					  values, isnull);
}

/*
 * A row of the history has no lock yet: of two late payments at once the
 * second waits here, and then finds the successor of the first.
 */
static void
lock_in_history(Reservation *r)
{
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {Int64GetDatum(r->id)};
	SpiOwner	saved = retail_spi_begin();
	bool		isnull;

	if (SPI_execute_with_args(HISTORY_ROW " FOR UPDATE", 1, types, args, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not lock a row of reservation_history");
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the reservation has moved to the history since this transaction began"),
				 errdetail("It is reservation %lld.", (long long) r->id),
				 errhint("Retry the transaction.")));
	r->successor_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 7, &isnull));
	retail_spi_end(&saved);
}

/*
 * Reacquired before: the new reservation as it is now, under its own status
 * where it is no longer the commitment that it was made as.
 */
static Datum
answer_successor(FunctionCallInfo fcinfo, Reservation *r)
{
	Reservation successor = look_up_reservation(r->successor_id);
	bool		stands = successor.status == OUTCOME_COMMITTED;

	let_go(r);
	return answer_unchanged(fcinfo, &successor, stands ? OUTCOME_REACQUIRED : successor.status, stands);
}

/*
 * A lapsed hold, perhaps expired already by whoever needed its units: takes
 * the units afresh, into a new row that is committed at once.  Once only: the
 * old row names its successor.
 */
static Datum
reacquire(FunctionCallInfo fcinfo, Reservation *r, int64 qty, Datum order_ref, Request *request)
{
	SaleRule	rule = retail_sale_rule(r->sku_id, r->location_id, r->channel_id);
	Escrow		escrow = retail_escrow_touch(r->sku_id, r->location_id);
	bool		was_held = r->status == OUTCOME_HELD;
	EscrowTake	take;
	Outcome		refusal;
	StoredLine	line = line_of(r, OUTCOME_REACQUIRED, qty);

	if (r->slot == NULL)
		lock_in_history(r);
	if (r->successor_id != 0)
		return answer_successor(fcinfo, r);
	if (was_held)
	{
		/* the giving row first, so that no claim can give it a second time */
		write_status(r, OUTCOME_EXPIRED, r->qty, (Datum) 0);
		retail_escrow_give(escrow, r->qty);
		CommandCounterIncrement();
		let_go(r);
		*r = lock_reservation(r->id);
	}
	if (!retail_take(escrow, qty, &rule, r->now, &take, &refusal))
	{
		retail_flag_after_give(escrow);
		return answer_unchanged(fcinfo, r, OUTCOME_LOST, false);
	}
	line.id = retail_next_reservation_id();
	if (!retail_request_store(request, &line, 1))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("another call with this request_key came first"),
				 errhint("Retry the transaction.")));
	write_successor(r, line.id);
	insert_relative(r, line.id, 0, OUTCOME_COMMITTED, qty, r->expires_at, order_ref);
	CommandCounterIncrement();
	retail_flag_after_take(escrow);
	retail_flag_after_give(escrow);
	return answer_one(fcinfo, r, &line, false);
}

/* retail.confirm(reservation_id, qty, remainder, reacquire, order_ref, holder, request_key) */
Datum
retail_confirm(PG_FUNCTION_ARGS)
{
	int64		id;
	Request		request = begin(fcinfo, "confirm", "retail.confirm()", 6, &id);
	char	   *remainder = TextDatumGetCString(retail_arg_text(fcinfo, 2, "remainder"));
	bool		keep = strcmp(remainder, "keep") == 0;
	bool		fresh = retail_arg_bool(fcinfo, 3, "reacquire");
	Datum		order_ref = retail_arg_ref(fcinfo, 4, "order_ref");
	Datum		holder = retail_arg_ref(fcinfo, 5, "holder");
	Reservation r;
	StoredLine	line;
	int64		qty;
	Escrow		escrow;

	if (!keep && strcmp(remainder, "release") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown remainder \"%.60s\"", remainder),
				 errhint("It is keep or release.")));
	check_part_arg(fcinfo, 1);
	hash_int_arg(&request, fcinfo, 1);
	retail_request_hash_int(&request, keep);
	retail_request_hash_int(&request, fresh);
	retail_request_hash_text(&request, order_ref, order_ref == (Datum) 0);
	retail_request_hash_text(&request, holder, holder == (Datum) 0);
	for (;;)
	{
		if (find_earlier(&request, &line))
			return answer_earlier(fcinfo, &line, id);
		r = lock_reservation(id);
		if (find_earlier(&request, &line))
			return answer_one(fcinfo, &r, &line, true);
		if (is_someone_elses(&r, holder))
			return answer_unchanged(fcinfo, &r, OUTCOME_NOT_YOURS, false);
		if ((is_lapsed(&r) || r.status == OUTCOME_EXPIRED) && fresh)
			return reacquire(fcinfo, &r, part_arg(fcinfo, 1, &r), order_ref, &request);
		if (is_lapsed(&r))
			return answer_unchanged(fcinfo, &r, OUTCOME_EXPIRED, false);
		if (r.status != OUTCOME_HELD)
			return answer_unchanged(fcinfo, &r, r.status, r.status == OUTCOME_COMMITTED);
		qty = part_arg(fcinfo, 1, &r);
		line = line_of(&r, OUTCOME_COMMITTED, qty);
		if (qty < r.qty)
			line.remainder_id = retail_next_reservation_id();
		if (retail_request_store(&request, &line, 1))
			break;
		let_go(&r);
	}
	escrow = qty < r.qty ? retail_escrow_touch(r.sku_id, r.location_id) : -1;
	write_status(&r, OUTCOME_COMMITTED, qty, order_ref);
	if (qty < r.qty)
		insert_relative(&r, line.remainder_id, r.id, keep ? OUTCOME_HELD : OUTCOME_RELEASED,
						r.qty - qty, r.expires_at, (Datum) 0);
	CommandCounterIncrement();
	if (qty < r.qty && keep)
		retail_expiry_lower(retail_escrow_cell(escrow), r.expires_at);
	else if (qty < r.qty)
	{
		retail_escrow_give(escrow, r.qty - qty);
		retail_flag_after_give(escrow);
	}
	return answer_one(fcinfo, &r, &line, false);
}

/* ----------------------------------------------------------------
 * release, extend, cancel
 * ----------------------------------------------------------------
 */

/* retail.release(reservation_id, holder, request_key) */
Datum
retail_release(PG_FUNCTION_ARGS)
{
	int64		id;
	Request		request = begin(fcinfo, "release", "retail.release()", 2, &id);
	Datum		holder = retail_arg_ref(fcinfo, 1, "holder");
	Reservation r;
	StoredLine	line;
	Outcome		end;
	Escrow		escrow;

	retail_request_hash_text(&request, holder, holder == (Datum) 0);
	for (;;)
	{
		if (find_earlier(&request, &line))
			return answer_earlier(fcinfo, &line, id);
		r = lock_reservation(id);
		if (find_earlier(&request, &line))
			return answer_one(fcinfo, &r, &line, true);
		if (is_someone_elses(&r, holder))
			return answer_unchanged(fcinfo, &r, OUTCOME_NOT_YOURS, false);
		if (r.status != OUTCOME_HELD)
			return answer_unchanged(fcinfo, &r, r.status, r.status == OUTCOME_RELEASED);
		end = is_lapsed(&r) ? OUTCOME_EXPIRED : OUTCOME_RELEASED;
		line = line_of(&r, end, r.qty);
		if (retail_request_store(&request, &line, 1))
			break;
		let_go(&r);
	}
	escrow = retail_escrow_touch(r.sku_id, r.location_id);
	write_status(&r, end, r.qty, (Datum) 0);
	retail_escrow_give(escrow, r.qty);
	CommandCounterIncrement();
	retail_flag_after_give(escrow);
	return answer_one(fcinfo, &r, &line, false);
}

/* retail.extend(reservation_id, ttl, holder) */
Datum
retail_extend(PG_FUNCTION_ARGS)
{
	int64		id;
	Datum		holder = retail_arg_ref(fcinfo, 2, "holder");
	int64		ttl_us = 0;
	ChannelInfo channel;
	Reservation r;
	StoredLine	line;
	Datum		values[RESERVATION_NCOLS];
	bool		isnull[RESERVATION_NCOLS] = {false};

	(void) begin(fcinfo, "extend", "retail.extend()", -1, &id);
	if (!PG_ARGISNULL(1))
		ttl_us = retail_arg_ttl(fcinfo, 1, 0);
	r = lock_reservation(id);
	if (!retail_master_channel_by_id(r.channel_id, &channel))
		channel.hold_ttl_us = 0;
	if (is_someone_elses(&r, holder))
		return answer_unchanged(fcinfo, &r, OUTCOME_NOT_YOURS, false);
	if (is_lapsed(&r))
		return answer_unchanged(fcinfo, &r, OUTCOME_EXPIRED, false);
	if (r.status != OUTCOME_HELD)
		return answer_unchanged(fcinfo, &r, r.status, false);

	retail_escrow_set_held_changed();
	if (ttl_us == 0)
		ttl_us = retail_arg_ttl(fcinfo, 1, channel.hold_ttl_us);
	r.expires_at = r.now + ttl_us;
	values[RESERVATION_EXPIRES_AT] = TimestampTzGetDatum(r.expires_at);
	values[RESERVATION_CHANGED_AT] = TimestampTzGetDatum(r.now);
	retail_row_update(TABLE_RESERVATION, r.slot,
					  SET_COLUMN(RESERVATION_EXPIRES_AT) | SET_COLUMN(RESERVATION_CHANGED_AT),
					  values, isnull);

	/* extend may also shorten: the cell's bound must not be later than the row */
	retail_expiry_lower(retail_escrow_cell(retail_escrow_touch(r.sku_id, r.location_id)), r.expires_at);
	CommandCounterIncrement();
	line = line_of(&r, OUTCOME_EXTENDED, r.qty);
	return answer_one(fcinfo, &r, &line, false);
}

/* retail.cancel(reservation_id, request_key, qty) */
Datum
retail_cancel(PG_FUNCTION_ARGS)
{
	int64		id;
	Request		request = begin(fcinfo, "cancel", "retail.cancel()", 1, &id);
	Reservation r;
	StoredLine	line;
	int64		qty;
	Escrow		escrow;

	check_part_arg(fcinfo, 2);
	hash_int_arg(&request, fcinfo, 2);
	for (;;)
	{
		if (find_earlier(&request, &line))
			return answer_earlier(fcinfo, &line, id);
		r = lock_reservation(id);
		if (find_earlier(&request, &line))
			return answer_one(fcinfo, &r, &line, true);
		if (r.status != OUTCOME_COMMITTED)
			return answer_unchanged(fcinfo, &r, r.status, r.status == OUTCOME_CANCELLED);
		qty = part_arg(fcinfo, 2, &r);
		line = line_of(&r, OUTCOME_CANCELLED, qty);
		if (qty < r.qty)
			line.remainder_id = retail_next_reservation_id();
		if (retail_request_store(&request, &line, 1))
			break;
		let_go(&r);
	}
	escrow = retail_escrow_touch(r.sku_id, r.location_id);
	write_status(&r, OUTCOME_CANCELLED, qty, (Datum) 0);
	if (qty < r.qty)
		insert_relative(&r, line.remainder_id, r.id, OUTCOME_COMMITTED, r.qty - qty,
						r.expires_at, r.order_ref);
	retail_escrow_give(escrow, qty);
	CommandCounterIncrement();
	retail_flag_after_give(escrow);
	return answer_one(fcinfo, &r, &line, false);
}

/* ----------------------------------------------------------------
 * consume
 * ----------------------------------------------------------------
 */

/* One reservation of a wave. */
typedef struct Pick
{
	const char *kind;			/* of its movement */
	int			line_no;
	int64		id;
	int64		wanted;			/* 0: all of it */
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
	Reservation r;
	int64		qty;
	StoredLine	line;
	bool		acts;
	bool		replayed;
} Pick;

static int
pick_compare(const void *a, const void *b)
{
	const Pick *x = a;
	const Pick *y = b;

	if (x->sku_id != y->sku_id)
		return x->sku_id < y->sku_id ? -1 : 1;
	if (x->location_id != y->location_id)
		return x->location_id < y->location_id ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->line_no < y->line_no ? -1 : x->line_no > y->line_no;
}

/* Stock and channel of a reservation, which never change: read without a lock. */
static void
look_up_stock(Pick *pick)
{
	Reservation r = look_up_reservation(pick->id);

	pick->sku_id = r.sku_id;
	pick->location_id = r.location_id;
	pick->channel_id = r.channel_id;
}

/* Decides one pick; *left is what is on hand after the picks before it. */
static void
decide_pick(Pick *pick, int64 *left)
{
	pick->acts = false;
	pick->replayed = false;
	pick->qty = pick->wanted > 0 ? pick->wanted : pick->r.qty;
	pick->line = line_of(&pick->r, pick->r.status, pick->r.qty);
	if (pick->r.status != OUTCOME_COMMITTED)
	{
		pick->replayed = pick->r.status == OUTCOME_CONSUMED;
		return;
	}
	if (pick->qty > pick->r.qty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity %lld is more than reservation %lld has",
						(long long) pick->qty, (long long) pick->id),
				 errdetail("It has %lld.", (long long) pick->r.qty)));
	if (pick->qty > *left)
	{
		pick->line.outcome = OUTCOME_INSUFFICIENT;
		return;
	}
	*left -= pick->qty;
	pick->acts = true;
	pick->line = line_of(&pick->r, OUTCOME_CONSUMED, pick->qty);
	if (pick->qty < pick->r.qty)
		pick->line.remainder_id = retail_next_reservation_id();
}

/* The reservation row gives its units first, then the goods leave: net zero. */
static void
write_pick(Pick *pick, StockRow *stock, const Request *request)
{
	Movement	movement = {
		.kind = pick->kind, .channel_id = pick->r.channel_id, .reservation_id = pick->id,
		.ref = pick->r.order_ref, .request_key = request->key, .occurred_at = pick->r.now
	};

	write_status(&pick->r, OUTCOME_CONSUMED, pick->qty, (Datum) 0);
	if (pick->qty < pick->r.qty)
		insert_relative(&pick->r, pick->line.remainder_id, pick->id, OUTCOME_COMMITTED,
						pick->r.qty - pick->qty, pick->r.expires_at, pick->r.order_ref);
	retail_escrow_give(stock->escrow, pick->qty);
	(void) retail_stock_issue(stock, &movement, pick->qty);
}

/*
 * Works through a wave stock by stock: locks each stock's reservations in id
 * order, then its stock row.  False: another call with the key came first, and
 * nothing was written.
 */
static bool
consume_picks(Pick *picks, int n, Request *request)
{
	StockRow  **stocks = palloc0(sizeof(StockRow *) * n);
	StoredLine *stored = palloc(sizeof(StoredLine) * n);
	bool		any = false;

	for (int i = 0; i < n; i++)
	{
		int			last = i;
		bool		any_committed = false;
		int64		left;

		while (last + 1 < n && picks[last + 1].sku_id == picks[i].sku_id &&
			   picks[last + 1].location_id == picks[i].location_id)
			last++;
		for (int j = i; j <= last; j++)
		{
			if (j > i && picks[j].id == picks[j - 1].id)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("reservation %lld is named twice", (long long) picks[j].id)));
			picks[j].r = lock_reservation(picks[j].id);
			any_committed |= picks[j].r.status == OUTCOME_COMMITTED;
			CHECK_FOR_INTERRUPTS();
		}
		if (any_committed)
			stocks[i] = retail_stock_open(picks[i].sku_id, picks[i].location_id);
		left = stocks[i] ? stocks[i]->on_hand : 0;
		for (int j = i; j <= last; j++)
		{
			decide_pick(&picks[j], &left);
			any |= picks[j].acts;
		}
		i = last;
	}
	for (int i = 0; i < n; i++)
		stored[picks[i].line_no] = picks[i].line;
	if (any ? !retail_request_store(request, stored, n) :
		retail_request_find(request, n) != NULL)
	{
		for (int i = 0; i < n; i++)
		{
			let_go(&picks[i].r);
			if (stocks[i] != NULL)
				retail_stock_close(stocks[i]);
		}
		return false;
	}

	for (int i = 0; i < n; i++)
	{
		StockRow   *stock = stocks[i];
		Escrow		escrow;
		int			j = i;

		if (stock == NULL)
			continue;
		escrow = stock->escrow;
		do
		{
			if (picks[j].acts)
				write_pick(&picks[j], stock, request);
			j++;
		} while (j < n && stocks[j] == NULL &&
				 picks[j].sku_id == picks[i].sku_id &&
				 picks[j].location_id == picks[i].location_id);
		retail_stock_close(stock);
		retail_flag_after_movement(escrow);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* Answers in the order the picks were given. */
static Answer *
run_picks(Pick *picks, int n, Request *request)
{
	Answer	   *answers = palloc(sizeof(Answer) * n);

	for (int i = 0; i < n; i++)
		look_up_stock(&picks[i]);
	qsort(picks, n, sizeof(Pick), pick_compare);
	for (;;)
	{
		StoredLine *earlier = retail_request_find(request, n);

		if (earlier != NULL)
		{
			for (int i = 0; i < n; i++)
				answers[picks[i].line_no] = answer_of(&earlier[picks[i].line_no], picks[i].channel_id, true);
			return answers;
		}
		if (consume_picks(picks, n, request))
			break;
	}
	for (int i = 0; i < n; i++)
	{
		let_go(&picks[i].r);
		answers[picks[i].line_no] = answer_of(&picks[i].line, picks[i].channel_id, picks[i].replayed);
	}
	return answers;
}

/* retail.consume(reservation_id, qty, request_key) */
Datum
retail_consume(PG_FUNCTION_ARGS)
{
	Pick		pick;
	Request		request;

	memset(&pick, 0, sizeof(pick));
	pick.kind = "shipment";
	request = begin(fcinfo, "consume", "retail.consume()", 2, &pick.id);
	hash_int_arg(&request, fcinfo, 1);
	if (!PG_ARGISNULL(1))
	{
		pick.wanted = PG_GETARG_INT64(1);
		retail_check_qty(pick.wanted);
	}
	return retail_answer_reservation(fcinfo, run_picks(&pick, 1, &request));
}

static Datum
consume_lines(FunctionCallInfo fcinfo, const char *kind)
{
	Datum	   *ids;
	bool	   *ids_null;
	int			n;
	Datum	   *qtys = NULL;
	bool	   *qtys_null = NULL;
	int			nqtys;
	Pick	   *picks;
	Request		request;

	retail_engine_begin("retail.consume_lines()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("reservation_ids must not be null")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &ids, &ids_null, &n);
	if (!PG_ARGISNULL(1))
	{
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
						  TYPALIGN_DOUBLE, &qtys, &qtys_null, &nqtys);
		if (nqtys != n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("reservation_ids has %d elements and qtys %d", n, nqtys)));
	}
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reservation_ids must not be empty")));
	request = retail_arg_request(fcinfo, 2, "consume_lines");
	picks = palloc0(sizeof(Pick) * n);
	for (int i = 0; i < n; i++)
	{
		if (ids_null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a reservation id must not be null")));
		picks[i].kind = kind;
		picks[i].line_no = i;
		picks[i].id = DatumGetInt64(ids[i]);
		if (qtys != NULL && !qtys_null[i])
		{
			picks[i].wanted = DatumGetInt64(qtys[i]);
			retail_check_qty(picks[i].wanted);
		}
		retail_request_hash_int(&request, picks[i].id);
		retail_request_hash_int(&request, picks[i].wanted);
	}
	return retail_answer_reservations(fcinfo, run_picks(picks, n, &request), n);
}

/* retail.consume_lines(reservation_ids, qtys, request_key) */
Datum
retail_consume_lines(PG_FUNCTION_ARGS)
{
	return consume_lines(fcinfo, "shipment");
}

/* retail._hand_over(reservation_ids, qtys, request_key): the same at the till. */
Datum
retail_hand_over(PG_FUNCTION_ARGS)
{
	return consume_lines(fcinfo, "sale");
}
