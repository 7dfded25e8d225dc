/*-------------------------------------------------------------------------
 * price_read.c
 *		Prices as the tables have them, read by seeks.
 *
 * The index has the rows of one price (SKU, location, channel, currency, kind,
 * tier, min_qty) one after the other by the beginning of their validity.  What
 * holds at an instant is found by seeking to it and walking back, so that the
 * cost does not grow with the history behind.  Which kinds and quantities
 * there are is found by seeking as well: to the last row of a scope, then to
 * the last one before its group.
 *
 * The walk back ends at the first row that was believed at the instant.  Rows
 * behind it begin earlier, and two rows that are believed at once do not
 * overlap: the constraint and the guard see to it.  So they have ended before
 * this one began.  That holds for as long as this row is believed, which is
 * what good_from and good_until say.
 *
 * Row policies are not asked, nor are table privileges: whoever may quote gets
 * the price that there is.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation_d.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "errors.h"
#include "money.h"
#include "price_read.h"
#include "table.h"

/* Rows of one price that begin later and are read at once. */
#define MAX_AHEAD 8

/* Columns of the two indexes. */
#define SEEK_KEYS 8
#define BASE_KEYS 3

#define SCOPE_COLUMNS 3
#define CURRENCY_COLUMN 4
#define KIND_COLUMN 5
#define TIER_COLUMN 6
#define MIN_QTY_COLUMN 7
#define LOWER_COLUMN 8

#define BASE_CURRENCY_COLUMN 2
#define BASE_LOWER_COLUMN 3

typedef struct Reader
{
	const PriceScope *scope;
	PriceOffers *offers;
	RetailScan	scan;
	ScanKeyData keys[SEEK_KEYS];
	OfferScope	level;			/* the scope that is read */
	bool		is_base;
	TimestampTz at;
} Reader;

/* ----------------------------------------------------------------
 * Rows
 * ----------------------------------------------------------------
 */

static void
read_range(Datum range, TimestampTz *from, TimestampTz *until)
{
	static TypeCacheEntry *type = NULL;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	if (type == NULL)
		type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	range_deserialize(type, DatumGetRangeTypeP(range), &lower, &upper, &empty);
	*from = lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	*until = empty ? *from : upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

/*
 * The guard lets no amount in that is not one of its currency.  False: the row
 * is to be left out.
 */
static bool
read_amount(const Reader *reader, Datum amount, PriceOffer *offer)
{
	MoneyStatus status = retail_money_to_minor(DatumGetNumeric(amount), reader->scope->decimals,
											   &offer->amount);

	if (status == MONEY_OK)
		return offer->amount > 0 || !reader->scope->skips_bad;
	if (!reader->scope->skips_bad)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_TOO_MANY_DECIMALS),
				 errmsg("amount of row %lld of table \"%s\" is not one of currency %s",
						(long long) offer->id, reader->is_base ? "base_price" : "price",
						TextDatumGetCString(reader->scope->currency)),
				 errhint("Somebody wrote it past the guard. Withdraw it, and set another.")));
	return false;
}

static OfferKind
kind_of(Datum kind)
{
	switch (*VARDATA_ANY(DatumGetTextPP(kind)))
	{
		case 'p':
			return OFFER_PROMO;
		case 'm':
			return OFFER_MEMBER;
		case 'c':
			return OFFER_CLEARANCE;
		default:
			return OFFER_LIST;
	}
}

static TimestampTz
instant_or(RetailTableId table, RetailScan *scan, int col, TimestampTz otherwise)
{
	bool		isnull;
	Datum		value = retail_column(table, scan->slot, col, &isnull);

	return isnull ? otherwise : DatumGetTimestampTz(value);
}

static PriceOffer
read_base(Reader *reader)
{
	RetailScan *scan = &reader->scan;
	PriceOffer	offer = {0};
	bool		isnull;

	offer.id = retail_column_int64(TABLE_BASE_PRICE, scan->slot, BASE_PRICE_ID);
	offer.recorded_at = retail_column_int64(TABLE_BASE_PRICE, scan->slot, BASE_PRICE_RECORDED_AT);
	offer.withdrawn_at = instant_or(TABLE_BASE_PRICE, scan, BASE_PRICE_WITHDRAWN_AT, DT_NOEND);
	offer.kind = OFFER_LIST;
	offer.min_qty = 1;
	read_range(retail_column(TABLE_BASE_PRICE, scan->slot, BASE_PRICE_VALID, &isnull),
			   &offer.valid_from, &offer.valid_until);
	return offer;
}

static PriceOffer
read_price(Reader *reader)
{
	RetailScan *scan = &reader->scan;
	PriceOffer	offer = {0};
	bool		isnull;

	offer.id = retail_column_int64(TABLE_PRICE, scan->slot, PRICE_ID);
	offer.recorded_at = retail_column_int64(TABLE_PRICE, scan->slot, PRICE_RECORDED_AT);
	offer.withdrawn_at = instant_or(TABLE_PRICE, scan, PRICE_WITHDRAWN_AT, DT_NOEND);
	offer.kind = kind_of(retail_column(TABLE_PRICE, scan->slot, PRICE_KIND, &isnull));
	offer.min_qty = retail_column_int64(TABLE_PRICE, scan->slot, PRICE_MIN_QTY);
	offer.grant_id = retail_column_int64(TABLE_PRICE, scan->slot, PRICE_GRANT_ID);
	offer.campaign_id = retail_column_int64(TABLE_PRICE, scan->slot, PRICE_CAMPAIGN_ID);
	read_range(retail_column(TABLE_PRICE, scan->slot, PRICE_VALID, &isnull),
			   &offer.valid_from, &offer.valid_until);
	return offer;
}

/* The row the scan stands on, without its amount. */
static PriceOffer
read_row(Reader *reader)
{
	PriceOffer	offer = reader->is_base ? read_base(reader) : read_price(reader);

	offer.scope = reader->level;
	offer.grant_from = OFFER_NOT_BEFORE;
	offer.grant_until = OFFER_NEVER;
	return offer;
}

/* Takes the offer, with the amount of the row the scan stands on. */
static void
add_offer(Reader *reader, PriceOffer *offer)
{
	PriceOffers *offers = reader->offers;
	bool		isnull;
	Datum		amount = reader->is_base ?
		retail_column(TABLE_BASE_PRICE, reader->scan.slot, BASE_PRICE_AMOUNT, &isnull) :
		retail_column(TABLE_PRICE, reader->scan.slot, PRICE_AMOUNT, &isnull);

	if (!offer->other_currency && !read_amount(reader, amount, offer))
		return;
	if (offers->n == offers->room)
	{
		offers->room = offers->room == 0 ? 16 : offers->room * 2;
		offers->offers = offers->offers == NULL ?
			palloc(sizeof(PriceOffer) * offers->room) :
			repalloc_huge(offers->offers, sizeof(PriceOffer) * (Size) offers->room);
	}
	offers->offers[offers->n++] = *offer;
}

/* ----------------------------------------------------------------
 * Seeks
 *
 * A scan keeps the number of its keys, so a seek that is free in a column has
 * a key there that every row fulfils.
 * ----------------------------------------------------------------
 */

static void
key_text(ScanKey key, AttrNumber attno, StrategyNumber strategy, RegProcedure procedure, Datum value)
{
	ScanKeyInit(key, attno, strategy, procedure, value);
	key->sk_collation = C_COLLATION_OID;
}

/* Two texts that seeks need: before all others, and after all kinds. */
static Datum
first_text(void)
{
	static text *first = NULL;

	if (first == NULL)
	{
		first = MemoryContextAllocZero(TopMemoryContext, VARHDRSZ);
		SET_VARSIZE(first, VARHDRSZ);
	}
	return PointerGetDatum(first);
}

static Datum
after_all_kinds(void)
{
	static text *after = NULL;

	if (after == NULL)
	{
		after = MemoryContextAllocZero(TopMemoryContext, VARHDRSZ + 1);
		*VARDATA(after) = '~';
		SET_VARSIZE(after, VARHDRSZ + 1);
	}
	return PointerGetDatum(after);
}

static void
key_any_text(ScanKey key, AttrNumber attno)
{
	key_text(key, attno, BTGreaterEqualStrategyNumber, F_TEXT_GE, first_text());
}

static void
key_up_to(ScanKey key, AttrNumber attno, int64 qty)
{
	ScanKeyInit(key, attno, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(qty));
}

static void
key_after(ScanKey key, AttrNumber attno, TimestampTz at)
{
	ScanKeyInit(key, attno, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT, TimestampTzGetDatum(at));
}

static void
seek(Reader *reader)
{
	retail_scan_again(&reader->scan, reader->is_base ? BASE_KEYS : SEEK_KEYS, reader->keys);
}

/* The last row of the scope whose kind comes before a word. */
static bool
seek_kind_before(Reader *reader, Datum kind)
{
	key_text(&reader->keys[KIND_COLUMN - 1], KIND_COLUMN, BTLessStrategyNumber, F_TEXT_LT, kind);
	key_any_text(&reader->keys[TIER_COLUMN - 1], TIER_COLUMN);
	key_up_to(&reader->keys[MIN_QTY_COLUMN - 1], MIN_QTY_COLUMN, PG_INT64_MAX);
	retail_key_due(&reader->keys[LOWER_COLUMN - 1], LOWER_COLUMN, DT_NOEND);
	seek(reader);
	return retail_scan_previous(&reader->scan);
}

/* The last row of a kind and tier with at most so many as min_qty. */
static bool
seek_min_qty(Reader *reader, Datum kind, Datum tier, int64 min_qty)
{
	retail_key_text(&reader->keys[KIND_COLUMN - 1], KIND_COLUMN, kind);
	retail_key_text(&reader->keys[TIER_COLUMN - 1], TIER_COLUMN, tier);
	key_up_to(&reader->keys[MIN_QTY_COLUMN - 1], MIN_QTY_COLUMN, min_qty);
	retail_key_due(&reader->keys[LOWER_COLUMN - 1], LOWER_COLUMN, DT_NOEND);
	seek(reader);
	return retail_scan_previous(&reader->scan);
}

/* From now on rows of one price only. */
static void
set_price_keys(Reader *reader, Datum kind, Datum tier, int64 min_qty)
{
	if (reader->is_base)
		return;
	retail_key_text(&reader->keys[KIND_COLUMN - 1], KIND_COLUMN, kind);
	retail_key_text(&reader->keys[TIER_COLUMN - 1], TIER_COLUMN, tier);
	retail_key_int8(&reader->keys[MIN_QTY_COLUMN - 1], MIN_QTY_COLUMN, min_qty);
}

/* Of the price the keys are set to: the last row that begins at an instant or before. */
static bool
seek_back(Reader *reader, TimestampTz at)
{
	int			column = reader->is_base ? BASE_LOWER_COLUMN : LOWER_COLUMN;

	retail_key_due(&reader->keys[column - 1], column, at);
	seek(reader);
	return retail_scan_previous(&reader->scan);
}

/* The first that begins later. */
static bool
seek_ahead(Reader *reader, TimestampTz at)
{
	int			column = reader->is_base ? BASE_LOWER_COLUMN : LOWER_COLUMN;

	key_after(&reader->keys[column - 1], column, at);
	seek(reader);
	return retail_scan_next(&reader->scan);
}

/* A copy of the kind of the row the scan stands on, which moves on. */
static Datum
kind_here(Reader *reader)
{
	bool		isnull;
	Datum		kind = retail_column(TABLE_PRICE, reader->scan.slot, PRICE_KIND, &isnull);

	return PointerGetDatum(DatumGetTextPCopy(kind));
}

static bool
is_of_price(Reader *reader, Datum kind, Datum tier, int64 min_qty)
{
	bool		isnull;

	return reader->is_base ||
		(retail_column_int64(TABLE_PRICE, reader->scan.slot, PRICE_MIN_QTY) == min_qty &&
		 retail_same_text(retail_column(TABLE_PRICE, reader->scan.slot, PRICE_KIND, &isnull), kind) &&
		 retail_same_text(retail_column(TABLE_PRICE, reader->scan.slot, PRICE_TIER, &isnull), tier));
}

/* ----------------------------------------------------------------
 * Around an instant
 * ----------------------------------------------------------------
 */

/* Takes a row that may count at the instant or later. */
static void
take_row(Reader *reader, PriceOffer *offer)
{
	PriceOffers *offers = reader->offers;
	TimestampTz from = retail_offer_from(offer);
	TimestampTz until = retail_offer_until(offer);

	if (from >= until)
		return;
	if (until <= reader->at)
		offers->good_from = Max(offers->good_from, until);
	else
	{
		add_offer(reader, offer);
		if (from <= reader->at)
			offers->good_from = Max(offers->good_from, from);
	}
}

/* Whether rows behind this one need not be looked at; see the head. */
static bool
ends_walk(Reader *reader, const PriceOffer *offer)
{
	PriceOffers *offers = reader->offers;

	if (offer->valid_from > reader->at || offer->recorded_at > reader->at ||
		offer->withdrawn_at <= reader->at)
		return false;
	offers->good_from = Max(offers->good_from, Max(offer->valid_from, offer->recorded_at));
	offers->good_until = Min(offers->good_until, offer->withdrawn_at);
	return true;
}

/* From the row the scan stands on, all of which begin at the instant or before. */
static void
walk_back(Reader *reader)
{
	do
	{
		PriceOffer	offer = read_row(reader);

		CHECK_FOR_INTERRUPTS();
		take_row(reader, &offer);
		if (ends_walk(reader, &offer))
			return;
	} while (retail_scan_previous(&reader->scan));
}

/* The next rows that begin later, as far as they are read. */
static void
walk_ahead(Reader *reader)
{
	int			nread = 0;
	bool		more = seek_ahead(reader, reader->at);

	for (; more; more = retail_scan_next(&reader->scan))
	{
		PriceOffer	offer = read_row(reader);

		CHECK_FOR_INTERRUPTS();
		if (nread++ == MAX_AHEAD)
		{
			reader->offers->good_until = Min(reader->offers->good_until, offer.valid_from);
			return;
		}
		take_row(reader, &offer);
	}
}

/*
 * The rows of one price, of which the scan stands on the last.  As a rule
 * that is the one in force, or a few are still to come; where it is many, the
 * instant lies in the past and is sought.
 */
static void
read_one_price(Reader *reader, Datum kind, Datum tier, int64 min_qty)
{
	int			nbefore = reader->offers->n;
	int			nread = 0;

	do
	{
		PriceOffer	offer = read_row(reader);

		if (!is_of_price(reader, kind, tier, min_qty))
			return;
		if (offer.valid_from > reader->at && nread++ == MAX_AHEAD)
		{
			reader->offers->n = nbefore;
			set_price_keys(reader, kind, tier, min_qty);
			if (seek_back(reader, reader->at))
				walk_back(reader);
			walk_ahead(reader);
			return;
		}
		take_row(reader, &offer);
		if (ends_walk(reader, &offer))
			return;
	} while (retail_scan_previous(&reader->scan));
}

/* All quantities of a kind and tier; the scan stands on the last row. */
static void
read_quantities(Reader *reader, Datum kind, Datum tier)
{
	for (;;)
	{
		int64		min_qty = retail_column_int64(TABLE_PRICE, reader->scan.slot, PRICE_MIN_QTY);

		CHECK_FOR_INTERRUPTS();
		read_one_price(reader, kind, tier, min_qty);
		if (min_qty <= 1 || !seek_min_qty(reader, kind, tier, min_qty - 1))
			return;
	}
}

/* All kinds of a scope. */
static void
read_level(Reader *reader)
{
	Datum		kind = after_all_kinds();

	while (seek_kind_before(reader, kind))
	{
		kind = kind_here(reader);
		if (kind_of(kind) != OFFER_MEMBER)
			read_quantities(reader, kind, first_text());
		else if (reader->scope->tier != (Datum) 0 &&
				 seek_min_qty(reader, kind, reader->scope->tier, PG_INT64_MAX))
			read_quantities(reader, kind, reader->scope->tier);
	}
}

/* ----------------------------------------------------------------
 * The past
 * ----------------------------------------------------------------
 */

/*
 * Rows of one price that counted at reader->at or later, from the last one
 * back.  Only a row that is believed until the end hides what is behind it.
 */
static void
read_back_to(Reader *reader, TimestampTz until)
{
	bool		more = seek_back(reader, until - 1);

	for (; more; more = retail_scan_previous(&reader->scan))
	{
		PriceOffer	offer = read_row(reader);

		CHECK_FOR_INTERRUPTS();
		if (retail_offer_from(&offer) < retail_offer_until(&offer))
			add_offer(reader, &offer);
		if (offer.valid_from <= reader->at && offer.recorded_at <= reader->at &&
			offer.withdrawn_at >= until)
			return;
	}
}

static void
read_level_past(Reader *reader, TimestampTz until)
{
	Datum		kind = after_all_kinds();

	while (seek_kind_before(reader, kind))
	{
		kind = kind_here(reader);
		if (kind_of(kind) == OFFER_MEMBER)
			continue;
		set_price_keys(reader, kind, first_text(), 1);
		read_back_to(reader, until);
	}
}

/* ----------------------------------------------------------------
 * Everything
 * ----------------------------------------------------------------
 */

/* Tells what an offer lacks before its amount is looked at. */
static void
mark_foreign(Reader *reader, PriceOffer *offer)
{
	bool		isnull;
	Datum		currency = reader->is_base ?
		retail_column(TABLE_BASE_PRICE, reader->scan.slot, BASE_PRICE_CURRENCY, &isnull) :
		retail_column(TABLE_PRICE, reader->scan.slot, PRICE_CURRENCY, &isnull);

	offer->other_currency = !retail_same_text(currency, reader->scope->currency);
	if (offer->kind == OFFER_MEMBER)
		offer->other_tier = reader->scope->tier == (Datum) 0 ||
			!retail_same_text(retail_column(TABLE_PRICE, reader->scan.slot, PRICE_TIER, &isnull),
							  reader->scope->tier);
}

static void
read_level_all(Reader *reader)
{
	int			base = reader->is_base ? BASE_CURRENCY_COLUMN : CURRENCY_COLUMN;

	key_any_text(&reader->keys[base - 1], base);
	if (reader->is_base)
		retail_key_due(&reader->keys[BASE_LOWER_COLUMN - 1], BASE_LOWER_COLUMN, reader->at);
	else
	{
		key_any_text(&reader->keys[KIND_COLUMN - 1], KIND_COLUMN);
		key_any_text(&reader->keys[TIER_COLUMN - 1], TIER_COLUMN);
		key_up_to(&reader->keys[MIN_QTY_COLUMN - 1], MIN_QTY_COLUMN, PG_INT64_MAX);
		retail_key_due(&reader->keys[LOWER_COLUMN - 1], LOWER_COLUMN, reader->at);
	}
	seek(reader);
	while (retail_scan_next(&reader->scan))
	{
		PriceOffer	offer = read_row(reader);

		CHECK_FOR_INTERRUPTS();
		if (reader->at >= offer.valid_until)
			continue;
		mark_foreign(reader, &offer);
		add_offer(reader, &offer);
	}
}

/* ----------------------------------------------------------------
 * Scopes
 * ----------------------------------------------------------------
 */

/* Points the keys at one scope; false: the question has none of that kind. */
static bool
enter_level(Reader *reader, OfferScope level)
{
	bool		at_location = level == OFFER_LOCATION || level == OFFER_BOTH;
	bool		in_channel = level == OFFER_CHANNEL || level == OFFER_BOTH;

	if ((at_location && reader->scope->location_id == 0) ||
		(in_channel && reader->scope->channel_id == 0))
		return false;
	reader->level = level;
	retail_key_int4(&reader->keys[0], 1, reader->scope->sku_id);
	if (reader->is_base)
	{
		retail_key_text(&reader->keys[BASE_CURRENCY_COLUMN - 1], BASE_CURRENCY_COLUMN,
						reader->scope->currency);
		retail_key_due(&reader->keys[BASE_LOWER_COLUMN - 1], BASE_LOWER_COLUMN, DT_NOEND);
		return true;
	}
	retail_key_int4(&reader->keys[1], 2, at_location ? reader->scope->location_id : 0);
	retail_key_int4(&reader->keys[2], 3, in_channel ? reader->scope->channel_id : 0);
	retail_key_text(&reader->keys[CURRENCY_COLUMN - 1], CURRENCY_COLUMN, reader->scope->currency);
	return true;
}

static void
begin(Reader *reader, const PriceScope *scope, TimestampTz at, PriceOffers *offers)
{
	reader->scope = scope;
	reader->offers = offers;
	reader->at = at;
	offers->offers = NULL;
	offers->n = 0;
	offers->room = 0;
	offers->good_from = DT_NOBEGIN;
	offers->good_until = DT_NOEND;
}

/* Keys that every row fulfils, for the first of the seeks to replace. */
static void
open_prices(Reader *reader, Snapshot snapshot)
{
	reader->is_base = false;
	(void) enter_level(reader, OFFER_ALL);
	key_any_text(&reader->keys[KIND_COLUMN - 1], KIND_COLUMN);
	key_any_text(&reader->keys[TIER_COLUMN - 1], TIER_COLUMN);
	key_up_to(&reader->keys[MIN_QTY_COLUMN - 1], MIN_QTY_COLUMN, PG_INT64_MAX);
	retail_key_due(&reader->keys[LOWER_COLUMN - 1], LOWER_COLUMN, DT_NOEND);
	retail_scan_begin(&reader->scan, TABLE_PRICE, INDEX_PRICE_SEEK, AccessShareLock, snapshot,
					  SEEK_KEYS, reader->keys);
}

static void
open_bases(Reader *reader, Snapshot snapshot)
{
	reader->is_base = true;
	(void) enter_level(reader, OFFER_BASE);
	retail_scan_begin(&reader->scan, TABLE_BASE_PRICE, INDEX_BASE_PRICE_SEEK, AccessShareLock,
					  snapshot, BASE_KEYS, reader->keys);
}

void
retail_price_read_around(const PriceScope *scope, TimestampTz at, Snapshot snapshot,
						 PriceOffers *offers)
{
	Reader		reader;

	begin(&reader, scope, at, offers);
	open_bases(&reader, snapshot);
	if (seek_back(&reader, DT_NOEND))
		read_one_price(&reader, (Datum) 0, (Datum) 0, 1);
	retail_scan_end(&reader.scan);

	open_prices(&reader, snapshot);
	for (OfferScope level = OFFER_ALL; level <= OFFER_BOTH; level++)
	{
		if (enter_level(&reader, level))
			read_level(&reader);
	}
	retail_scan_end(&reader.scan);
}

void
retail_price_read_past(const PriceScope *scope, TimestampTz from, TimestampTz until,
					   Snapshot snapshot, PriceOffers *offers)
{
	Reader		reader;

	begin(&reader, scope, from, offers);
	open_bases(&reader, snapshot);
	read_back_to(&reader, until);
	retail_scan_end(&reader.scan);

	open_prices(&reader, snapshot);
	for (OfferScope level = OFFER_ALL; level <= OFFER_BOTH; level++)
	{
		if (enter_level(&reader, level))
			read_level_past(&reader, until);
	}
	retail_scan_end(&reader.scan);
	retail_price_read_grants(offers->offers, offers->n, snapshot);
}

void
retail_price_read_all(const PriceScope *scope, TimestampTz at, Snapshot snapshot,
					  PriceOffers *offers)
{
	Reader		reader;

	begin(&reader, scope, at, offers);
	open_bases(&reader, snapshot);
	read_level_all(&reader);
	retail_scan_end(&reader.scan);

	open_prices(&reader, snapshot);
	for (OfferScope level = OFFER_ALL; level <= OFFER_BOTH; level++)
	{
		if (enter_level(&reader, level))
			read_level_all(&reader);
	}
	retail_scan_end(&reader.scan);
	retail_price_read_grants(offers->offers, offers->n, snapshot);
}

/* ----------------------------------------------------------------
 * Versions, currencies, grants
 * ----------------------------------------------------------------
 */

int
retail_price_version(int32 sku_id, Datum currency, Snapshot snapshot, PriceVersion *version)
{
	RetailScan	scan;
	ScanKeyData key;
	int			n = 0;

	retail_key_int4(&key, 1, sku_id);
	retail_scan_begin(&scan, TABLE_PRICE_GUARD, INDEX_PRICE_GUARD, AccessShareLock, snapshot, 1, &key);
	while (retail_scan_next(&scan))
	{
		bool		isnull;
		Datum		code = retail_column(TABLE_PRICE_GUARD, scan.slot, PRICE_GUARD_CURRENCY, &isnull);

		if (currency != (Datum) 0 && !retail_same_text(code, currency))
			continue;
		text_to_cstring_buffer(DatumGetTextPP(code), version->currency, sizeof(version->currency));
		version->version = retail_column_int64(TABLE_PRICE_GUARD, scan.slot, PRICE_GUARD_VERSION);
		n++;
	}
	retail_scan_end(&scan);
	return n;
}

int
retail_price_decimals(Datum currency, Snapshot snapshot)
{
	RetailScan	scan;
	ScanKeyData key;
	int			decimals = -1;

	retail_key_text(&key, 1, currency);
	retail_scan_begin(&scan, TABLE_CURRENCY, INDEX_CURRENCY, AccessShareLock, snapshot, 1, &key);
	if (retail_scan_next(&scan))
	{
		bool		isnull;

		decimals = DatumGetInt16(retail_column(TABLE_CURRENCY, scan.slot, CURRENCY_DECIMALS, &isnull));
	}
	retail_scan_end(&scan);
	if (decimals < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%.60s\" is not known", TextDatumGetCString(currency)),
				 errhint("Make it in retail.currency.")));
	return decimals;
}

/*
 * From the decision to the revocation, within its validity.  What was refused,
 * or never decided, has no life.
 */
static void
read_grant(RetailScan *scan, PriceOffer *offer)
{
	bool		isnull;
	char	   *status = TextDatumGetCString(retail_column(TABLE_PRICE_GRANT, scan->slot,
														   PRICE_GRANT_STATUS, &isnull));
	TimestampTz decided_at = instant_or(TABLE_PRICE_GRANT, scan, PRICE_GRANT_DECIDED_AT, DT_NOEND);
	TimestampTz revoked_at = instant_or(TABLE_PRICE_GRANT, scan, PRICE_GRANT_REVOKED_AT, DT_NOEND);

	read_range(retail_column(TABLE_PRICE_GRANT, scan->slot, PRICE_GRANT_VALID, &isnull),
			   &offer->grant_from, &offer->grant_until);
	if (strcmp(status, "refused") == 0)
		decided_at = DT_NOEND;
	offer->grant_from = Max(offer->grant_from, decided_at);
	offer->grant_until = Min(offer->grant_until, revoked_at);
}

/* The offer before this one with the same grant, which has been read. */
static const PriceOffer *
find_same_grant(const PriceOffer *offers, int before)
{
	for (int i = 0; i < before; i++)
	{
		if (offers[i].grant_id == offers[before].grant_id)
			return &offers[i];
	}
	return NULL;
}

void
retail_price_read_grants(PriceOffer *offers, int noffers, Snapshot snapshot)
{
	for (int i = 0; i < noffers; i++)
	{
		PriceOffer *offer = &offers[i];
		const PriceOffer *same;
		RetailScan	scan;
		ScanKeyData key;

		if (offer->grant_id == 0)
			continue;
		same = find_same_grant(offers, i);
		if (same != NULL)
		{
			offer->grant_from = same->grant_from;
			offer->grant_until = same->grant_until;
			continue;
		}

		/* without a row it has no authority at any time */
		offer->grant_from = OFFER_NEVER;
		offer->grant_until = OFFER_NOT_BEFORE;
		retail_key_int8(&key, 1, offer->grant_id);
		retail_scan_begin(&scan, TABLE_PRICE_GRANT, INDEX_PRICE_GRANT, AccessShareLock, snapshot, 1, &key);
		if (retail_scan_next(&scan))
			read_grant(&scan, offer);
		retail_scan_end(&scan);
	}
}
