/*-------------------------------------------------------------------------
 * price_guard.c
 *		Triggers that let no price past the rules, whoever writes it.
 *
 * Statement triggers with transition tables on base_price and price: INSERT,
 * COPY and UPDATE pass the same check as the functions do, in one sorted pass,
 * and a load of a million rows pays for sorting them.  Row triggers would
 * queue a million events.
 *
 * A statement goes through four steps:
 *
 *	1. Each row by itself: what may change of a row, ids, decimals, recorded
 *	   time.  What is left to look at goes into a sort.
 *	2. The guard rows of all SKUs and currencies it touches are locked, in one
 *	   order for everybody, and get a new version.  A base price and the prices
 *	   around it meet there: of two sessions, one that changes the base and one
 *	   that sets a price, the later waits for the earlier to end.
 *	3. A new snapshot is taken, under which the later one sees what the earlier
 *	   one did.  Under REPEATABLE READ there is no new snapshot, and step 2 has
 *	   raised 40001.
 *	4. Prices are compared with base prices, bands, floors and grants; a change
 *	   of a base price with the prices that hold.
 *
 * History is not rewritten.  Rows are not deleted; of a row only the end of its
 * validity moves, to now or later, while it has not passed; one that has not
 * begun may move as a whole, to now or later; and a row may be withdrawn, which
 * keeps what was quoted before.
 *
 * A session that replays a replica is believed, as the other guards do; only
 * versions move, so that nobody goes on with what he remembers.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "band_value.h"
#include "clock.h"
#include "errors.h"
#include "master.h"
#include "money.h"
#include "price_bounds.h"
#include "request.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_guard_price);
PG_FUNCTION_INFO_V1(retail_price_verdict);

/* Prices that are read at once; of them, as many may be left outside. */
#define PRICES_AT_ONCE 1000

/* Bits of price_guard.kinds and scopes. */
#define KIND_LIST 1
#define KIND_PROMO 2
#define KIND_MEMBER 4
#define KIND_CLEARANCE 8
#define SCOPE_ALL 1
#define SCOPE_CHANNEL 2
#define SCOPE_LOCATION 4
#define SCOPE_BOTH 8

/* Where the columns are that the guard knows; a user may have added more. */
typedef enum Column
{
	COL_ID,
	COL_RECORDED_AT,
	COL_SKU_ID,
	COL_CURRENCY,
	COL_AMOUNT,
	COL_SPLIT_FROM,
	COL_ACTOR,
	COL_VALID,					/* these two may change */
	COL_WITHDRAWN_AT,
	NBASE_COLUMNS,
	COL_MIN_QTY = NBASE_COLUMNS,	/* of price only */
	COL_LOCATION_ID,
	COL_CHANNEL_ID,
	COL_KIND,
	COL_TIER,
	COL_GRANT_ID,
	COL_CAMPAIGN_ID,
	NCOLUMNS
} Column;

static const char *const column_name[NCOLUMNS] = {
	"id", "recorded_at", "sku_id", "currency", "amount", "split_from", "actor",
	"valid", "withdrawn_at", "min_qty", "location_id", "channel_id", "kind",
	"tier", "grant_id", "campaign_id"
};

typedef enum ChangeKind
{
	CHANGE_KNOWN,				/* takes part in locking only */
	CHANGE_ADDED,				/* holds from .. until now, and is looked at */
	CHANGE_GONE					/* does no longer */
} ChangeKind;

/* What is sorted, in this order of fields, all as int8. */
typedef enum ChangeField
{
	CHANGE_SKU_ID, CHANGE_CURRENCY, CHANGE_FROM, CHANGE_UNTIL, CHANGE_WHAT,
	CHANGE_ID, CHANGE_AMOUNT, CHANGE_LOCATION_ID, CHANGE_CHANNEL_ID,
	CHANGE_KIND, CHANGE_GRANT_ID, CHANGE_NFIELDS
} ChangeField;

#define CHANGE_NKEYS 3

typedef struct Change
{
	int32		sku_id;
	int32		currency;
	ChangeKind	what;
	int64		id;
	TimestampTz from;
	TimestampTz until;
	int64		amount_minor;
	int32		location_id;
	int32		channel_id;
	int32		kind;			/* bit; 0: a base price */
	int64		grant_id;
} Change;

/* A price that a change of the base price leaves outside, and since when. */
typedef struct Violators
{
	int			n;
	Datum		ids[PRICES_AT_ONCE];
	Datum		instants[PRICES_AT_ONCE];
} Violators;

typedef struct Guard
{
	Relation	rel;
	bool		is_base;
	bool		trusted;		/* a replica's row is taken as it comes */
	TimestampTz now;
	Datum		actor;			/* text */
	TypeCacheEntry *range_type;
	AttrNumber	attno[NCOLUMNS];
	PriceBounds *bounds;
	MemoryContext row_cxt;		/* reset with each row, or SKU */
	Tuplesortstate *sort;
	TupleTableSlot *put_slot;
	TupleTableSlot *sort_slot;
	int64		nchanges;
	int64		nbackdated;
	bool		any_rest;
	int			decimals;		/* of the currency seen last */
	int32		currency;
	Violators	to_close;
	Violators	to_flag;
} Guard;

/* One row, of which columns are read as they are needed. */
typedef struct PriceRow
{
	int64		id;
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
	int32		currency;
	int32		kind;
	int64		amount_minor;
	int64		grant_id;
	TimestampTz from;
	TimestampTz until;
	TimestampTz recorded_at;
	bool		withdrawn;
	TimestampTz withdrawn_at;
	bool		is_rest;
} PriceRow;

/* ----------------------------------------------------------------
 * Messages
 * ----------------------------------------------------------------
 */

static char *
show_amount(int64 amount_minor, int decimals)
{
	char	   *text = palloc(BAND_TEXT_BYTES);

	retail_band_format_amount(amount_minor, decimals, text);
	return text;
}

static const char *
show_instant(TimestampTz at)
{
	if (at == DT_NOEND)
		return "further notice";
	return pstrdup(timestamptz_to_str(at));
}

static char *
show_sku(int32 id)
{
	bool		isnull;
	Datum		code = retail_master_sku_code(id, &isnull);

	return isnull ? psprintf("%d", id) : TextDatumGetCString(code);
}

/* " in channel ... at location ...", as far as a price names them. */
static char *
show_scope(int32 location_id, int32 channel_id)
{
	StringInfoData buf;
	bool		isnull;
	Datum		code;

	initStringInfo(&buf);
	if (channel_id != 0)
	{
		code = retail_master_channel_code(channel_id, &isnull);
		appendStringInfo(&buf, " in channel \"%s\"", isnull ? "?" : TextDatumGetCString(code));
	}
	if (location_id != 0)
	{
		code = retail_master_location_code(location_id, &isnull);
		appendStringInfo(&buf, " at location \"%s\"", isnull ? "?" : TextDatumGetCString(code));
	}
	return buf.data;
}

static void
refuse_rewrite(Guard *guard, int64 id, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_DIRECT_WRITE),
			 errmsg("row %lld of table \"%s\" cannot be changed so", (long long) id,
					RelationGetRelationName(guard->rel)),
			 errdetail("%s", detail),
			 errhint("Of a price only the end may move, to now or later; withdraw it and set another: retail.withdraw_price(), retail.set_price().")));
}

static void
refuse_delete(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_DIRECT_WRITE),
			 errmsg("rows of table \"%s\" are never deleted", RelationGetRelationName(rel)),
			 errdetail("What was quoted once must be found again."),
			 errhint("Withdraw a price with retail.withdraw_price(), or end it.")));
}

/* Raises what the finding says; returns when the price is within its bounds. */
static void
refuse_price(Guard *guard, const Change *change, const PriceFinding *finding)
{
	char	   *amount = show_amount(change->amount_minor, guard->decimals);
	char	   *sku = show_sku(change->sku_id);
	char	   *scope = show_scope(change->location_id, change->channel_id);

	switch (finding->bound)
	{
		case PRICE_WITHIN:
			break;
		case PRICE_NO_BASE:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_NO_PRICE),
					 errmsg("SKU \"%s\" has no base price for a price%s", sku, scope),
					 errdetail("Price %s from %s to %s; there is none at %s.", amount,
							   show_instant(change->from), show_instant(change->until),
							   show_instant(finding->at)),
					 errhint("Set one with retail.set_base_price() first, or a shorter time.")));
			break;
		case PRICE_NO_GRANT:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_NO_GRANT),
					 errmsg("grant %lld does not serve a price for SKU \"%s\"%s",
							(long long) change->grant_id, sku, scope),
					 errdetail("%s", finding->reason),
					 errhint("Ask for one that does, or leave it out where the price is within the band.")));
			break;
		case PRICE_OUT_OF_BAND:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_OUT_OF_BAND),
					 errmsg("price %s for SKU \"%s\"%s is outside the band", amount, sku, scope),
					 finding->low_minor <= finding->high_minor ?
					 errdetail("Allowed: %s to %s; base price %lld is %s.",
							   show_amount(finding->low_minor, guard->decimals),
							   show_amount(finding->high_minor, guard->decimals),
							   (long long) finding->base_id,
							   show_amount(finding->base_minor, guard->decimals)) :
					 errdetail("No price is allowed over the whole time; base price %lld is %s.",
							   (long long) finding->base_id,
							   show_amount(finding->base_minor, guard->decimals)),
					 errhint("Ask for a grant, or change the band in retail.price_rule.")));
			break;
		case PRICE_BELOW_FLOOR:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_BELOW_FLOOR),
					 errmsg("price %s for SKU \"%s\"%s is below its floor", amount, sku, scope),
					 errdetail("The floor is %s.", show_amount(finding->floor_minor, guard->decimals)),
					 errhint("Only a grant that overrides floors lets it be lower (retail.price_floor).")));
			break;
	}
}

/* ----------------------------------------------------------------
 * Rows
 * ----------------------------------------------------------------
 */

static Datum
column(Guard *guard, TupleTableSlot *slot, Column col, bool *isnull)
{
	return slot_getattr(slot, guard->attno[col], isnull);
}

static int64
column_int64(Guard *guard, TupleTableSlot *slot, Column col)
{
	bool		isnull;
	Datum		value = column(guard, slot, col, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static int32
column_int32(Guard *guard, TupleTableSlot *slot, Column col)
{
	bool		isnull;
	Datum		value = column(guard, slot, col, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

static int32
kind_bit(Datum kind)
{
	switch (*VARDATA_ANY(DatumGetTextPP(kind)))
	{
		case 'p':
			return KIND_PROMO;
		case 'm':
			return KIND_MEMBER;
		case 'c':
			return KIND_CLEARANCE;
		default:
			return KIND_LIST;
	}
}

static bool
is_advertised(int32 kind)
{
	return kind == 0 || kind == KIND_LIST || kind == KIND_PROMO;
}

/* CHECKs have seen to it that it is neither empty nor unbounded below. */
static void
read_range(TypeCacheEntry *type, Datum range, TimestampTz *from, TimestampTz *until)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(type, DatumGetRangeTypeP(range), &lower, &upper, &empty);
	*from = DatumGetTimestampTz(lower.val);
	*until = upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

static int32
read_currency(Guard *guard, Datum code, int64 id)
{
	text	   *letters = DatumGetTextPP(code);
	int32		currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));

	if (currency == guard->currency && currency != 0)
		return currency;
	guard->decimals = retail_price_bounds_decimals(guard->bounds, currency);
	if (guard->decimals < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", text_to_cstring(letters)),
				 errdetail("Row %lld of table \"%s\".", (long long) id,
						   RelationGetRelationName(guard->rel)),
				 errhint("Make it in retail.currency.")));
	guard->currency = currency;
	return currency;
}

static int64
read_amount(Guard *guard, Datum amount, int64 id)
{
	int64		amount_minor;
	MoneyStatus status = retail_money_to_minor(DatumGetNumeric(amount), guard->decimals, &amount_minor);
	char		letters[BAND_CURRENCY_LETTERS + 1];

	if (status == MONEY_TOO_FINE)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_TOO_MANY_DECIMALS),
				 errmsg("amount %s has more decimals than %s",
						DatumGetCString(DirectFunctionCall1(numeric_out, amount)),
						retail_currency_unpack(guard->currency, letters)),
				 errdetail("Row %lld of table \"%s\"; the currency has %d.", (long long) id,
						   RelationGetRelationName(guard->rel), guard->decimals)));

	/* CHECKs bound it */
	if (status != MONEY_OK)
		elog(ERROR, "amount out of range");
	return amount_minor;
}

/* 0 stands for no grant, so a row that says 0 or less names one that is not there. */
static int64
named_grant(int64 id)
{
	return id > 0 ? id : -1;
}

static PriceRow
read_row(Guard *guard, TupleTableSlot *slot)
{
	PriceRow	row = {0};
	bool		isnull;
	Datum		value;

	row.id = column_int64(guard, slot, COL_ID);
	row.sku_id = column_int32(guard, slot, COL_SKU_ID);
	if (!guard->is_base)
	{
		row.location_id = column_int32(guard, slot, COL_LOCATION_ID);
		row.channel_id = column_int32(guard, slot, COL_CHANNEL_ID);
		row.kind = kind_bit(column(guard, slot, COL_KIND, &isnull));
		value = column(guard, slot, COL_GRANT_ID, &isnull);
		row.grant_id = isnull ? 0 : named_grant(DatumGetInt64(value));
	}
	row.recorded_at = column_int64(guard, slot, COL_RECORDED_AT);
	value = column(guard, slot, COL_WITHDRAWN_AT, &isnull);
	row.withdrawn = !isnull;
	row.withdrawn_at = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	(void) column(guard, slot, COL_SPLIT_FROM, &isnull);
	row.is_rest = !isnull;
	row.currency = read_currency(guard, column(guard, slot, COL_CURRENCY, &isnull), row.id);
	row.amount_minor = read_amount(guard, column(guard, slot, COL_AMOUNT, &isnull), row.id);
	read_range(guard->range_type, column(guard, slot, COL_VALID, &isnull), &row.from, &row.until);
	return row;
}

static void
put_change(Guard *guard, const PriceRow *row, ChangeKind what, TimestampTz from, TimestampTz until)
{
	TupleTableSlot *slot = guard->put_slot;

	ExecClearTuple(slot);
	slot->tts_values[CHANGE_SKU_ID] = Int64GetDatum(row->sku_id);
	slot->tts_values[CHANGE_CURRENCY] = Int64GetDatum(row->currency);
	slot->tts_values[CHANGE_FROM] = Int64GetDatum(from);
	slot->tts_values[CHANGE_UNTIL] = Int64GetDatum(until);
	slot->tts_values[CHANGE_WHAT] = Int64GetDatum(what);
	slot->tts_values[CHANGE_ID] = Int64GetDatum(row->id);
	slot->tts_values[CHANGE_AMOUNT] = Int64GetDatum(row->amount_minor);
	slot->tts_values[CHANGE_LOCATION_ID] = Int64GetDatum(row->location_id);
	slot->tts_values[CHANGE_CHANNEL_ID] = Int64GetDatum(row->channel_id);
	slot->tts_values[CHANGE_KIND] = Int64GetDatum(row->kind);
	slot->tts_values[CHANGE_GRANT_ID] = Int64GetDatum(row->grant_id);
	memset(slot->tts_isnull, 0, sizeof(bool) * CHANGE_NFIELDS);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(guard->sort, slot);
	guard->nchanges++;
}

static bool
next_change(Guard *guard, Change *change)
{
	Datum	   *values;

	if (!tuplesort_gettupleslot(guard->sort, true, false, guard->sort_slot, NULL))
		return false;
	slot_getallattrs(guard->sort_slot);
	values = guard->sort_slot->tts_values;
	change->sku_id = (int32) DatumGetInt64(values[CHANGE_SKU_ID]);
	change->currency = (int32) DatumGetInt64(values[CHANGE_CURRENCY]);
	change->from = DatumGetInt64(values[CHANGE_FROM]);
	change->until = DatumGetInt64(values[CHANGE_UNTIL]);
	change->what = (ChangeKind) DatumGetInt64(values[CHANGE_WHAT]);
	change->id = DatumGetInt64(values[CHANGE_ID]);
	change->amount_minor = DatumGetInt64(values[CHANGE_AMOUNT]);
	change->location_id = (int32) DatumGetInt64(values[CHANGE_LOCATION_ID]);
	change->channel_id = (int32) DatumGetInt64(values[CHANGE_CHANNEL_ID]);
	change->kind = (int32) DatumGetInt64(values[CHANGE_KIND]);
	change->grant_id = DatumGetInt64(values[CHANGE_GRANT_ID]);
	return true;
}

/* ----------------------------------------------------------------
 * Each row by itself
 * ----------------------------------------------------------------
 */

static void
check_ids(const PriceRow *row)
{
	SkuInfo		sku;
	LocationInfo location;
	ChannelInfo channel;

	if (!retail_master_sku_by_id(row->sku_id, &sku))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_SKU),
				 errmsg("no SKU has the id %d", row->sku_id)));
	if (row->location_id != 0 && !retail_master_location_by_id(row->location_id, &location))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_LOCATION),
				 errmsg("no location has the id %d", row->location_id)));
	if (row->channel_id != 0 && !retail_master_channel_by_id(row->channel_id, &channel))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_CHANNEL),
				 errmsg("no channel has the id %d", row->channel_id)));
}

/*
 * Recorded time is now, and who records is who calls.  A load of history says
 * both itself; how many rows did is kept in price_load.
 */
static void
check_record(Guard *guard, TupleTableSlot *slot, const PriceRow *row)
{
	bool		isnull;

	if (row->recorded_at > guard->now || (row->withdrawn && row->withdrawn_at > guard->now))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %lld of table \"%s\" is recorded, or withdrawn, in the future",
						(long long) row->id, RelationGetRelationName(guard->rel)),
				 errhint("A price that is to hold later has a validity that begins later.")));
	if (row->recorded_at < guard->now)
		guard->nbackdated++;
	else if (row->withdrawn)
		refuse_rewrite(guard, row->id, "A row begins as one that is believed.");
	else if (!retail_same_text(column(guard, slot, COL_ACTOR, &isnull), guard->actor))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("actor of row %lld of table \"%s\" is not who sets it",
						(long long) row->id, RelationGetRelationName(guard->rel)),
				 errhint("Leave the column out: it fills itself.")));
}

static void
take_insert(Guard *guard, TupleTableSlot *slot)
{
	PriceRow	row = read_row(guard, slot);
	bool		is_history;
	bool		is_rest;

	check_ids(&row);
	check_record(guard, slot, &row);
	guard->any_rest |= row.is_rest;

	/* what was once in force is taken as it was, and a rest where its row goes just now */
	is_history = row.recorded_at < guard->now && (row.withdrawn || row.until <= guard->now);
	is_rest = row.is_rest && row.recorded_at == guard->now;
	put_change(guard, &row, is_rest || is_history ? CHANGE_KNOWN : CHANGE_ADDED,
			   row.from, row.until);
}

/* Everything but the validity and the withdrawal is as it was. */
static void
check_same(Guard *guard, TupleTableSlot *old_slot, TupleTableSlot *new_slot, int64 id)
{
	TupleDesc	desc = RelationGetDescr(guard->rel);

	for (Column col = 0; col < (guard->is_base ? NBASE_COLUMNS : NCOLUMNS); col++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, guard->attno[col] - 1);
		bool		old_null;
		bool		new_null;
		Datum		old_value;
		Datum		new_value;

		if (col == COL_VALID || col == COL_WITHDRAWN_AT)
			continue;
		old_value = column(guard, old_slot, col, &old_null);
		new_value = column(guard, new_slot, col, &new_null);
		if (old_null != new_null ||
			(!old_null && !datum_image_eq(old_value, new_value, att->attbyval, att->attlen)))
			refuse_rewrite(guard, id, psprintf("Column \"%s\" would change.", column_name[col]));
	}
}

/* What may become of the validity of a row that is believed. */
static void
check_move(Guard *guard, const PriceRow *was, const PriceRow *is)
{
	if (was->until <= guard->now)
		refuse_rewrite(guard, was->id, "It has ended.");
	if (was->from <= guard->now)
	{
		if (is->from != was->from)
			refuse_rewrite(guard, was->id, "It has begun, so its beginning stays.");
		if (is->until < guard->now)
			refuse_rewrite(guard, was->id, "It was in force until now, so it ends now or later.");
	}
	else if (is->from < guard->now)
		refuse_rewrite(guard, was->id, "It has not begun, so it begins now or later.");
}

static void
take_update(Guard *guard, TupleTableSlot *old_slot, TupleTableSlot *new_slot)
{
	int64		id = column_int64(guard, old_slot, COL_ID);
	PriceRow	was;
	PriceRow	is;
	bool		moved;

	check_same(guard, old_slot, new_slot, id);
	was = read_row(guard, old_slot);
	is = read_row(guard, new_slot);
	moved = was.from != is.from || was.until != is.until;
	if (!moved && was.withdrawn == is.withdrawn && was.withdrawn_at == is.withdrawn_at)
		return;
	if (was.withdrawn)
		refuse_rewrite(guard, id, "It has been withdrawn.");
	if (is.withdrawn && moved)
		refuse_rewrite(guard, id, "A row that is withdrawn keeps its validity.");

	/* a statement that waited may find a row that was recorded after it began */
	if (is.withdrawn && is.withdrawn_at != Max(guard->now, was.recorded_at))
		refuse_rewrite(guard, id, "A row is withdrawn now (retail.now()), and not at another time.");
	if (is.withdrawn)
	{
		put_change(guard, &was, CHANGE_GONE, was.from, was.until);
		return;
	}

	check_move(guard, &was, &is);
	if (is.from != was.from)
	{
		put_change(guard, &was, CHANGE_GONE, was.from, was.until);
		put_change(guard, &is, CHANGE_ADDED, is.from, is.until);
	}
	else if (is.until > was.until)
		put_change(guard, &is, CHANGE_ADDED, was.until, is.until);
	else
		put_change(guard, &was, CHANGE_GONE, is.until, was.until);
}

/* Takes part in locking, and is believed. */
static void
take_trusted(Guard *guard, TupleTableSlot *slot)
{
	PriceRow	row = {0};
	bool		isnull;
	text	   *letters = DatumGetTextPP(column(guard, slot, COL_CURRENCY, &isnull));

	row.sku_id = column_int32(guard, slot, COL_SKU_ID);
	row.currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));
	if (!guard->is_base)
	{
		row.location_id = column_int32(guard, slot, COL_LOCATION_ID);
		row.channel_id = column_int32(guard, slot, COL_CHANNEL_ID);
		row.kind = kind_bit(column(guard, slot, COL_KIND, &isnull));
	}
	if (row.currency != 0)
		put_change(guard, &row, CHANGE_KNOWN, 0, 0);
}

/* Reads a transition table from its beginning. */
static void
rewind_store(Tuplestorestate *store)
{
	int			pointer = tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND);

	tuplestore_select_read_pointer(store, pointer);
	tuplestore_rescan(store);
}

static void
read_rows(Guard *guard, TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(guard->rel);
	TupleTableSlot *new_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TupleTableSlot *old_slot = NULL;
	MemoryContext old;

	rewind_store(trigger->tg_newtable);
	if (trigger->tg_oldtable != NULL)
	{
		old_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		rewind_store(trigger->tg_oldtable);
	}
	old = MemoryContextSwitchTo(guard->row_cxt);
	while (tuplestore_gettupleslot(trigger->tg_newtable, true, false, new_slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (guard->trusted)
			take_trusted(guard, new_slot);
		else if (old_slot == NULL)
			take_insert(guard, new_slot);

		/* old and new rows of an UPDATE come in one order */
		else if (tuplestore_gettupleslot(trigger->tg_oldtable, true, false, old_slot))
			take_update(guard, old_slot, new_slot);
		else
			elog(ERROR, "transition tables differ in length");
		ExecClearTuple(new_slot);
		MemoryContextReset(guard->row_cxt);
	}
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(new_slot);
	if (old_slot != NULL)
		ExecDropSingleTupleTableSlot(old_slot);
}

/* ----------------------------------------------------------------
 * Locking
 * ----------------------------------------------------------------
 */

static void
lock_sku(int32 sku_id, int32 currency, int32 kinds, int32 scopes)
{
	static SPIPlanPtr plan = NULL;
	char		letters[BAND_CURRENCY_LETTERS + 1];

	/* the version is drawn with the row locked, so the later change has the greater one */
	retail_spi_kept(&plan,
					"INSERT INTO retail.price_guard AS g (sku_id, currency, version, kinds, scopes)"
					" VALUES ($1, $2, nextval('retail.price_version_seq'), $3, $4)"
					" ON CONFLICT (sku_id, currency) DO UPDATE SET"
					" version = nextval('retail.price_version_seq'),"
					" kinds = g.kinds | excluded.kinds, scopes = g.scopes | excluded.scopes",
					4, (Oid[]) {INT4OID, TEXTOID, INT4OID, INT4OID},
					(Datum[]) {Int32GetDatum(sku_id),
							   CStringGetTextDatum(retail_currency_unpack(currency, letters)),
							   Int32GetDatum(kinds), Int32GetDatum(scopes)},
					false);
}

static int32
scope_bit(const Change *change)
{
	if (change->kind == 0)
		return 0;
	if (change->location_id == 0)
		return change->channel_id == 0 ? SCOPE_ALL : SCOPE_CHANNEL;
	return change->channel_id == 0 ? SCOPE_LOCATION : SCOPE_BOTH;
}

/* In the order of the sort, which is the same for everybody. */
static void
lock_skus(Guard *guard)
{
	MemoryContext old = MemoryContextSwitchTo(guard->row_cxt);
	Change		change;
	int32		sku_id = 0;
	int32		currency = 0;
	int32		kinds = 0;
	int32		scopes = 0;

	while (next_change(guard, &change))
	{
		CHECK_FOR_INTERRUPTS();
		if (currency != 0 && (change.sku_id != sku_id || change.currency != currency))
		{
			lock_sku(sku_id, currency, kinds, scopes);
			MemoryContextReset(guard->row_cxt);
			kinds = scopes = 0;
		}
		sku_id = change.sku_id;
		currency = change.currency;
		kinds |= change.kind;
		scopes |= scope_bit(&change);
	}
	lock_sku(sku_id, currency, kinds, scopes);
	MemoryContextSwitchTo(old);
	tuplesort_rescan(guard->sort);
}

/* ----------------------------------------------------------------
 * Prices against base prices
 * ----------------------------------------------------------------
 */

static PriceTerms
terms_of(const Change *change)
{
	PriceTerms	terms = {0};

	terms.location_id = change->location_id;
	terms.channel_id = change->channel_id;
	terms.advertised = is_advertised(change->kind);
	terms.amount_minor = change->amount_minor;
	terms.grant_id = change->grant_id;
	terms.from = change->from;
	terms.until = change->until;
	return terms;
}

static void
check_prices(Guard *guard)
{
	Change		change;

	while (next_change(guard, &change))
	{
		PriceTerms	terms = terms_of(&change);
		PriceFinding finding;

		CHECK_FOR_INTERRUPTS();
		if (change.what != CHANGE_ADDED)
			continue;
		retail_price_bounds_choose(guard->bounds, change.sku_id, change.currency, change.from);
		finding = retail_price_bounds_check(guard->bounds, &terms);
		if (finding.bound != PRICE_WITHIN)
		{
			guard->decimals = retail_price_bounds_decimals(guard->bounds, change.currency);
			refuse_price(guard, &change, &finding);
		}
	}
}

/* ----------------------------------------------------------------
 * Base prices against prices
 * ----------------------------------------------------------------
 */

/* Base prices of one SKU and currency that a statement changed. */
typedef struct BaseChanges
{
	int32		sku_id;
	int32		currency;
	int			n;
	int			room;
	Change	   *changes;		/* as far as they are not past */
} BaseChanges;

static void
write_violators(Violators *violators, SPIPlanPtr *plan, const char *query)
{
	if (violators->n == 0)
		return;
	retail_spi_kept(plan, query, 2, (Oid[]) {INT8ARRAYOID, TIMESTAMPTZARRAYOID},
					(Datum[]) {PointerGetDatum(construct_array(violators->ids, violators->n, INT8OID, sizeof(int64),
															   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
							   PointerGetDatum(construct_array(violators->instants, violators->n, TIMESTAMPTZOID,
															   sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))},
					false);
	violators->n = 0;
}

static void
close_violators(Guard *guard)
{
	static SPIPlanPtr plan = NULL;

	write_violators(&guard->to_close, &plan,
					"UPDATE retail.price p"
					" SET valid = CASE WHEN lower(p.valid) < c.at THEN tstzrange(lower(p.valid), c.at) ELSE p.valid END,"
					" withdrawn_at = CASE WHEN lower(p.valid) < c.at THEN NULL ELSE greatest(retail.now(), p.recorded_at) END"
					" FROM unnest($1, $2) c (id, at)"
					" WHERE p.id = c.id AND p.withdrawn_at IS NULL AND (upper(p.valid) > c.at OR upper(p.valid) IS NULL)");
}

static void
flag_violators(Guard *guard)
{
	static SPIPlanPtr plan = NULL;

	write_violators(&guard->to_flag, &plan, "SELECT retail._flag_prices($1, $2)");
}

static void
refuse_base(Guard *guard, const BaseChanges *base, const Change *price, const Change *change,
			int64 low, int64 high)
{
	char	   *sku = show_sku(base->sku_id);
	char	   *amount = show_amount(price->amount_minor, guard->decimals);
	char	   *scope = show_scope(price->location_id, price->channel_id);

	if (change->what == CHANGE_GONE)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NO_PRICE),
				 errmsg("SKU \"%s\" would have prices without a base price", sku),
				 errdetail("Price %lld, %s%s, would be without one at %s.", (long long) price->id,
						   amount, scope, show_instant(price->from)),
				 errhint("End such prices first, set another base price with retail.set_base_price(), or let a price rule flag or close them.")));
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_OUT_OF_BAND),
			 errmsg("base price %s of SKU \"%s\" would leave prices outside their band",
					show_amount(change->amount_minor, guard->decimals), sku),
			 errdetail("Price %lld, %s%s, would be outside %s to %s at %s.", (long long) price->id,
					   amount, scope, show_amount(low, guard->decimals),
					   show_amount(high, guard->decimals), show_instant(price->from)),
			 errhint("End such prices first, or let a price rule flag or close them (retail.price_rule.base_change).")));
}

/*
 * One price that holds, against one change.  False: it is left outside, from
 * price->from on; low and high tell what would be inside.
 */
static bool
price_stands(Guard *guard, Change *price, const Change *change, int64 *low, int64 *high)
{
	PriceTerms	terms;
	TimestampTz at;

	price->from = Max(price->from, change->from);
	price->until = Min(price->until, change->until);
	if (price->from >= price->until)
		return true;
	if (change->what == CHANGE_GONE)
	{
		if (!retail_price_bounds_gap(guard->bounds, price->from, price->until, &at))
			return true;
		price->from = at;
		return false;
	}
	terms = terms_of(price);
	*low = *high = 0;
	return retail_price_bounds_band(guard->bounds, &terms, change->amount_minor, low, high) &&
		price->amount_minor >= *low && price->amount_minor <= *high;
}

static void
put_violator(Violators *violators, const Change *price)
{
	violators->ids[violators->n] = Int64GetDatum(price->id);
	violators->instants[violators->n] = TimestampTzGetDatum(price->from);
	violators->n++;
}

/* The earliest instant at which any of the changes leaves the price outside. */
static void
meet_changes(Guard *guard, const BaseChanges *base, const Change *price)
{
	BaseChange	policy;
	Change		worst = {0};
	const Change *worst_change = NULL;
	int64		worst_low = 0;
	int64		worst_high = 0;

	for (int i = 0; i < base->n; i++)
	{
		Change		part = *price;
		int64		low = 0;
		int64		high = 0;

		if (!price_stands(guard, &part, &base->changes[i], &low, &high) &&
			(worst_change == NULL || part.from < worst.from))
		{
			worst = part;
			worst_change = &base->changes[i];
			worst_low = low;
			worst_high = high;
		}
	}
	if (worst_change == NULL)
		return;
	policy = retail_price_bounds_base_change(guard->bounds, price->channel_id);
	if (policy == BASE_CHANGE_REJECT)
		refuse_base(guard, base, &worst, worst_change, worst_low, worst_high);
	put_violator(policy == BASE_CHANGE_FLAG ? &guard->to_flag : &guard->to_close, &worst);
}

static Change
price_from_spi(Guard *guard, const BaseChanges *base, int row)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	Change		price = {0};
	bool		isnull;
	Datum		value;

	price.sku_id = base->sku_id;
	price.currency = base->currency;
	price.id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
	price.location_id = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &isnull));
	price.channel_id = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull));
	price.kind = kind_bit(SPI_getbinval(tuple, desc, 4, &isnull));

	/* what a superuser has forced in may be finer: the scan is for that */
	(void) retail_money_to_minor(DatumGetNumeric(SPI_getbinval(tuple, desc, 5, &isnull)),
								 guard->decimals, &price.amount_minor);
	value = SPI_getbinval(tuple, desc, 6, &isnull);
	price.grant_id = isnull ? 0 : DatumGetInt64(value);
	price.from = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 7, &isnull));
	value = SPI_getbinval(tuple, desc, 8, &isnull);
	price.until = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	return price;
}

static Portal
open_prices(const BaseChanges *base)
{
	static SPIPlanPtr plan = NULL;
	TimestampTz from = base->changes[0].from;
	TimestampTz until = base->changes[0].until;
	char		letters[BAND_CURRENCY_LETTERS + 1];
	Datum		args[4];
	char		nulls[5] = "    ";

	for (int i = 1; i < base->n; i++)
	{
		from = Min(from, base->changes[i].from);
		until = Max(until, base->changes[i].until);
	}
	args[0] = Int32GetDatum(base->sku_id);
	args[1] = CStringGetTextDatum(retail_currency_unpack(base->currency, letters));
	args[2] = TimestampTzGetDatum(from);
	args[3] = TimestampTzGetDatum(until);
	if (until == DT_NOEND)
		nulls[3] = 'n';
	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare("SELECT id, location_id, channel_id, kind, amount, grant_id, lower(valid), upper(valid)"
									   " FROM retail.price"
									   " WHERE sku_id = $1 AND currency = $2 AND withdrawn_at IS NULL"
									   " AND valid && tstzrange($3, $4)",
									   4, (Oid[]) {INT4OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID});

		if (made == NULL)
			elog(ERROR, "internal statement not prepared: %s", SPI_result_code_string(SPI_result));
		if (SPI_keepplan(made) != 0)
			elog(ERROR, "SPI_keepplan failed");
		plan = made;
	}
	return SPI_cursor_open(NULL, plan, args, nulls, true);
}

/*
 * The prices of one SKU and currency against what changed of its base price.
 * What policies do is done in between; a cursor does not see it.
 */
static void
check_base_group(Guard *guard, const BaseChanges *base)
{
	MemoryContext caller = CurrentMemoryContext;	/* SPI leaves its own behind */
	Portal		portal;

	guard->decimals = retail_price_bounds_decimals(guard->bounds, base->currency);
	portal = open_prices(base);
	for (;;)
	{
		SPITupleTable *batch;
		uint64		n;

		SPI_cursor_fetch(portal, true, PRICES_AT_ONCE);
		batch = SPI_tuptable;
		n = SPI_processed;
		MemoryContextSwitchTo(caller);
		for (uint64 i = 0; i < n; i++)
		{
			Change		price = price_from_spi(guard, base, (int) i);

			CHECK_FOR_INTERRUPTS();
			meet_changes(guard, base, &price);
			SPI_tuptable = batch;
		}
		SPI_freetuptable(batch);
		close_violators(guard);
		flag_violators(guard);
		if (n == 0)
			break;
	}
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(caller);
}

/* A base price is advertised itself, where there is nothing more specific. */
static void
check_base_floor(Guard *guard, const Change *change)
{
	PriceFinding finding = {0};

	finding.bound = PRICE_BELOW_FLOOR;
	finding.floor_minor = retail_price_bounds_floor(guard->bounds, true);
	if (change->amount_minor < finding.floor_minor)
	{
		guard->decimals = retail_price_bounds_decimals(guard->bounds, change->currency);
		refuse_price(guard, change, &finding);
	}
}

static void
add_base_change(BaseChanges *base, const Change *change)
{
	if (base->n == base->room)
	{
		base->room = Max(base->room * 2, 16);
		base->changes = base->n == 0 ? palloc(sizeof(Change) * base->room) :
			repalloc(base->changes, sizeof(Change) * base->room);
	}
	base->changes[base->n++] = *change;
}

static void
check_bases(Guard *guard)
{
	BaseChanges base = {0};
	Change		change;
	bool		more = next_change(guard, &change);
	MemoryContext old = MemoryContextSwitchTo(guard->row_cxt);

	while (more)
	{
		base.sku_id = change.sku_id;
		base.currency = change.currency;
		base.n = base.room = 0;
		do
		{
			CHECK_FOR_INTERRUPTS();
			if (change.what == CHANGE_ADDED)
			{
				retail_price_bounds_choose(guard->bounds, change.sku_id, change.currency, guard->now);
				check_base_floor(guard, &change);
			}

			/* prices of the past are history */
			if (change.what != CHANGE_KNOWN && change.until > guard->now)
			{
				change.from = Max(change.from, guard->now);
				add_base_change(&base, &change);
			}
			more = next_change(guard, &change);
		} while (more && change.sku_id == base.sku_id && change.currency == base.currency);
		if (base.n > 0)
		{
			retail_price_bounds_choose(guard->bounds, base.sku_id, base.currency, guard->now);
			check_base_group(guard, &base);
		}
		MemoryContextReset(guard->row_cxt);
	}
	MemoryContextSwitchTo(old);
}

/* ----------------------------------------------------------------
 * The statement
 * ----------------------------------------------------------------
 */

/*
 * A rest is what was left of a row that this statement, or an earlier one of
 * the same call, has withdrawn: the same price within the time of that row.
 * It was let in before, and is not looked at again.
 */
static void
check_rests(Guard *guard, TriggerData *trigger)
{
	StringInfoData query;
	bool		isnull;

	if (SPI_register_trigger_data(trigger) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	initStringInfo(&query);
	appendStringInfo(&query,
					 "SELECT n.id FROM %s n WHERE n.split_from IS NOT NULL AND NOT EXISTS ("
					 "SELECT FROM retail.%s o WHERE o.id = n.split_from"
					 " AND o.withdrawn_at = greatest(n.recorded_at, o.recorded_at)"
					 " AND o.valid @> n.valid AND o.sku_id = n.sku_id AND o.currency = n.currency AND o.amount = n.amount",
					 trigger->tg_trigger->tgnewtable, RelationGetRelationName(guard->rel));
	if (!guard->is_base)
		appendStringInfoString(&query,
							   " AND o.location_id = n.location_id AND o.channel_id = n.channel_id AND o.kind = n.kind"
							   " AND o.tier = n.tier AND o.min_qty = n.min_qty AND o.grant_id IS NOT DISTINCT FROM n.grant_id"
							   " AND o.campaign_id IS NOT DISTINCT FROM n.campaign_id");
	appendStringInfoString(&query, ") LIMIT 1");
	if (SPI_execute(query.data, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "internal statement failed");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %lld of table \"%s\" is not a rest of the row it names",
						(long long) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)),
						RelationGetRelationName(guard->rel)),
				 errhint("Leave split_from out: retail.set_price() splits what was there.")));
	SPI_freetuptable(SPI_tuptable);
}

static void
note_backdated(Guard *guard)
{
	static SPIPlanPtr plan = NULL;

	retail_spi_kept(&plan, "INSERT INTO retail.price_load (table_name, row_count, actor) VALUES ($1, $2, $3)",
					3, (Oid[]) {TEXTOID, INT8OID, TEXTOID},
					(Datum[]) {CStringGetTextDatum(RelationGetRelationName(guard->rel)),
							   Int64GetDatum(guard->nbackdated), guard->actor},
					false);
}

static void
begin_sort(Guard *guard)
{
	TupleDesc	desc = CreateTemplateTupleDesc(CHANGE_NFIELDS);
	AttrNumber	keys[CHANGE_NKEYS];
	Oid			operators[CHANGE_NKEYS];
	Oid			collations[CHANGE_NKEYS] = {0};
	bool		nulls_first[CHANGE_NKEYS] = {0};

	for (AttrNumber i = 1; i <= CHANGE_NFIELDS; i++)
		TupleDescInitEntry(desc, i, "field", INT8OID, -1, 0);
	for (int i = 0; i < CHANGE_NKEYS; i++)
	{
		keys[i] = (AttrNumber) (i + 1);
		operators[i] = Int8LessOperator;
	}
	guard->sort = tuplesort_begin_heap(desc, CHANGE_NKEYS, keys, operators, collations, nulls_first,
									   work_mem, NULL, TUPLESORT_RANDOMACCESS);
	guard->put_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	guard->sort_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

static void
find_columns(Guard *guard)
{
	for (Column col = 0; col < (guard->is_base ? NBASE_COLUMNS : NCOLUMNS); col++)
	{
		int			attno = SPI_fnumber(RelationGetDescr(guard->rel), column_name[col]);

		if (attno <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
					 errmsg("column \"%s\" of table \"%s\" is missing", column_name[col],
							RelationGetRelationName(guard->rel))));
		guard->attno[col] = (AttrNumber) attno;
	}
}

static Guard *
begin_guard(TriggerData *trigger)
{
	Guard	   *guard = palloc0(sizeof(Guard));

	guard->rel = trigger->tg_relation;
	guard->is_base = strcmp(RelationGetRelationName(guard->rel), "base_price") == 0;
	guard->trusted = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
	guard->now = retail_clock_statement();
	guard->actor = retail_actor();
	guard->range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	find_columns(guard);
	guard->bounds = retail_price_bounds_begin(CurrentMemoryContext);
	guard->row_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail price guard",
										   ALLOCSET_DEFAULT_SIZES);
	begin_sort(guard);
	return guard;
}

static void
guard_statement(TriggerData *trigger)
{
	SpiOwner	saved = retail_spi_begin();
	Guard	   *guard = begin_guard(trigger);

	PushActiveSnapshot(GetTransactionSnapshot());
	read_rows(guard, trigger);
	PopActiveSnapshot();
	if (guard->nchanges > 0)
	{
		tuplesort_performsort(guard->sort);
		lock_skus(guard);
	}
	if (guard->nchanges > 0 && !guard->trusted)
	{
		/* sees what whoever held the locks before has done */
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (guard->is_base)
			check_bases(guard);
		else
			check_prices(guard);
		PopActiveSnapshot();
		if (guard->any_rest)
			check_rests(guard, trigger);
	}
	if (guard->nbackdated > 0)
		note_backdated(guard);
	tuplesort_end(guard->sort);
	retail_spi_end(&saved);
}

/* BEFORE DELETE OR TRUNCATE, AFTER INSERT, AFTER UPDATE: FOR EACH STATEMENT. */
Datum
retail_guard_price(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" can only be called as a trigger",
						get_func_name(fcinfo->flinfo->fn_oid))));
	retail_tables_check();
	if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
	{
		if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
			refuse_delete(trigger->tg_relation);
	}
	else if (trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" does not name its transition tables",
						trigger->tg_trigger->tgname),
				 errhint("Run retail.migrate().")));
	else
		guard_statement(trigger);
	return PointerGetDatum(NULL);
}

/* ----------------------------------------------------------------
 * The same question for functions
 * ----------------------------------------------------------------
 */

enum
{
	VERDICT_OUTCOME, VERDICT_LOW, VERDICT_HIGH, VERDICT_BASE_ID, VERDICT_BASE, VERDICT_DETAIL,
	VERDICT_NCOLS
};

static const char *const bound_outcome[] = {
	[PRICE_WITHIN] = "within",
	[PRICE_NO_BASE] = "no_base",
	[PRICE_NO_GRANT] = "no_grant",
	[PRICE_OUT_OF_BAND] = "out_of_band",
	[PRICE_BELOW_FLOOR] = "below_floor",
};

static Datum
verdict_row(FunctionCallInfo fcinfo, const PriceFinding *finding, int decimals)
{
	Datum		values[VERDICT_NCOLS] = {0};
	bool		isnull[VERDICT_NCOLS];
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(isnull, true, sizeof(isnull));
	values[VERDICT_OUTCOME] = CStringGetTextDatum(bound_outcome[finding->bound]);
	isnull[VERDICT_OUTCOME] = false;
	if (finding->band_known && finding->low_minor <= finding->high_minor)
	{
		values[VERDICT_LOW] = NumericGetDatum(retail_money_from_minor(finding->low_minor, decimals));
		values[VERDICT_HIGH] = NumericGetDatum(retail_money_from_minor(finding->high_minor, decimals));
		isnull[VERDICT_LOW] = isnull[VERDICT_HIGH] = false;
	}
	if (finding->base_id != 0)
	{
		values[VERDICT_BASE_ID] = Int64GetDatum(finding->base_id);
		values[VERDICT_BASE] = NumericGetDatum(retail_money_from_minor(finding->base_minor, decimals));
		isnull[VERDICT_BASE_ID] = isnull[VERDICT_BASE] = false;
	}
	if (finding->bound == PRICE_NO_BASE)
		values[VERDICT_DETAIL] = CStringGetTextDatum(psprintf("There is no base price at %s.",
															  show_instant(finding->at)));
	else if (finding->bound == PRICE_NO_GRANT)
		values[VERDICT_DETAIL] = CStringGetTextDatum(finding->reason);
	else if (finding->bound == PRICE_BELOW_FLOOR)
		values[VERDICT_DETAIL] = CStringGetTextDatum(psprintf("The floor is %s.",
															  show_amount(finding->floor_minor, decimals)));
	else if (finding->bound == PRICE_OUT_OF_BAND && finding->low_minor > finding->high_minor)
		values[VERDICT_DETAIL] = CStringGetTextDatum("No price is allowed over the whole time.");
	isnull[VERDICT_DETAIL] = values[VERDICT_DETAIL] == (Datum) 0;
	return HeapTupleGetDatum(heap_form_tuple(desc, values, isnull));
}

/*
 * retail._price_verdict(sku_id, location_id, channel_id, currency, kind, amount,
 * valid, grant_id): in FROM only, where the executor calls it many times in a
 * row with one fn_extra, and a snapshot that stays.
 */
Datum
retail_price_verdict(PG_FUNCTION_ARGS)
{
	PriceBounds *bounds = fcinfo->flinfo->fn_extra;
	text	   *letters;
	int32		currency;
	PriceTerms	terms = {0};
	PriceFinding finding;
	SpiOwner	saved;
	int			decimals;

	retail_tables_check();
	for (int i = 0; i < 7; i++)
	{
		if (PG_ARGISNULL(i))
			elog(ERROR, "argument %d of an internal function is null", i + 1);
	}
	if (bounds == NULL)
		bounds = fcinfo->flinfo->fn_extra = retail_price_bounds_begin(fcinfo->flinfo->fn_mcxt);
	letters = PG_GETARG_TEXT_PP(3);
	currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));
	terms.location_id = PG_GETARG_INT32(1);
	terms.channel_id = PG_GETARG_INT32(2);
	terms.advertised = is_advertised(kind_bit(PG_GETARG_DATUM(4)));
	terms.grant_id = PG_ARGISNULL(7) ? 0 : named_grant(PG_GETARG_INT64(7));
	read_range(lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO), PG_GETARG_DATUM(6),
			   &terms.from, &terms.until);

	saved = retail_spi_begin();
	decimals = retail_price_bounds_decimals(bounds, currency);
	if (decimals < 0 ||
		retail_money_to_minor(PG_GETARG_NUMERIC(5), decimals, &terms.amount_minor) != MONEY_OK)
		elog(ERROR, "amount or currency was not checked");
	retail_price_bounds_choose(bounds, PG_GETARG_INT32(0), currency, terms.from);
	finding = retail_price_bounds_check(bounds, &terms);
	retail_spi_end(&saved);
	return verdict_row(fcinfo, &finding, decimals);
}
