/*-------------------------------------------------------------------------
 * price_scan.c
 *		Which prices in force are wrong: the rules that look at each of them.
 *
 * One pass over the tables, in the order in which the rows lie, takes what
 * holds at some instant of the business date into a pile, and the pile hands
 * it out SKU by SKU.  What bounds a SKU's prices is then read once, and rules
 * that compare prices with each other have all of them in memory.
 *
 * A business date is a location's own: from midnight to midnight in its zone.
 * A price of every location is looked at over all the days that are scanned.
 * Everything is judged over the whole day and not at the instant of the scan,
 * so that a second scan of the same day finds the same.
 *
 * What is written with the answers is not done here: scan_prices() has that.
 * Nothing is locked, and rows that other sessions are writing are not seen.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "band_value.h"
#include "fault.h"
#include "master.h"
#include "money.h"
#include "price_bounds.h"
#include "price_pile.h"
#include "price_quote.h"
#include "price_stats.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_scan_prices);

/* Rules have numbers from 1; the others are SQL. */
#define NRULES 12
#define RULE_BAND 1
#define RULE_GRANT 2
#define RULE_FLOOR 3
#define RULE_CHANNELS 4
#define RULE_JUMP 5
#define RULE_AMOUNT 6
#define RULE_REDUCTION 11
#define RULE_OUTLIER 12

/* What 100 % is when a percentage is in ten-thousandths. */
#define PERCENT_WHOLE 1000000

/* With fewer stores than this none of them stands out. */
#define OUTLIER_MIN_STORES 5

/* The day of a location; the first is that of every location. */
typedef struct Place
{
	int32		location_id;
	TimestampTz from;
	TimestampTz until;
} Place;

typedef struct PlaceEntry
{
	int32		location_id;	/* key */
	int32		place;
	char		status;
} PlaceEntry;

#define SH_PREFIX places
#define SH_ELEMENT_TYPE PlaceEntry
#define SH_KEY_TYPE int32
#define SH_KEY location_id
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) (key))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* What a channel asks at one instant. */
typedef struct Asked
{
	int			rank;			/* how specific the list price is */
	const PriceRecord *list;	/* NULL: the base price */
	const PriceRecord *promo;	/* NULL: none */
} Asked;

typedef struct PriceScan
{
	ReturnSetInfo *answer;
	MemoryContext row_cxt;		/* reset with each row, and each SKU */
	Snapshot	snapshot;
	PriceBounds *bounds;
	PricePile  *pile;

	bool		wanted[NRULES + 1];
	int64		threshold_e4[NRULES + 1];

	int			nplaces;
	Place	   *places;
	places_hash *place_of;
	int			nchannels;
	int32	   *channels;		/* those open, by id */
	Asked	   *asked;			/* of each */

	/* the currency seen last */
	int32		currency;
	int			decimals;

	/* the SKU and currency at hand */
	PriceRecord *prices;
	int64		nprices;
	int64		nbases;			/* first of them */
	int64		nwide;			/* up to here of every location, bases included */
} PriceScan;

/* One finding; what is not set is NULL. */
typedef struct Finding
{
	int			rule;
	const PriceRecord *price;
	int32		location_id;
	int32		channel_id;
	int32		other_channel_id;	/* 0: none */
	bool		has_band;
	bool		has_other;
	int64		low_minor;
	int64		high_minor;
	int64		other_minor;
	TimestampTz at;				/* DT_NOEND: none */
	const char *reason;
} Finding;

static const char *const kind_names[] = {"base", "list", "promo", "member", "clearance"};

/* ----------------------------------------------------------------
 * What there is to know first
 * ----------------------------------------------------------------
 */

static Datum
field(int row, int col)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col, &isnull);
}

static int
run_query(const char *query, int nargs, Oid *types, Datum *args, const char *nulls)
{
	if (SPI_execute_with_args(query, nargs, types, args, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "internal query failed");
	return (int) SPI_processed;
}

static void
read_rules(PriceScan *scan)
{
	int			n = run_query("SELECT substr(rule, 2)::integer, coalesce((threshold * 10000)::bigint, 0)"
							  " FROM retail.price_scan_rule WHERE enabled AND rule ~ '^R\\d+$'",
							  0, NULL, NULL, NULL);

	for (int i = 0; i < n; i++)
	{
		int32		rule = DatumGetInt32(field(i, 1));

		if (rule < 1 || rule > NRULES)
			continue;
		scan->wanted[rule] = true;
		scan->threshold_e4[rule] = DatumGetInt64(field(i, 2));
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Days of the locations in a zone, or of all.  First the one of every
 * location: from the beginning of the earliest to the end of the latest.
 */
static void
read_places(PriceScan *scan, MemoryContext cxt, Datum business_date, Datum time_zone, bool every_zone)
{
	Oid			types[2] = {DATEOID, TEXTOID};
	Datum		args[2] = {business_date, time_zone};
	char		nulls[2] = {' ', every_zone ? 'n' : ' '};
	int			n = run_query("WITH day AS ("
							  " SELECT l.id, $1::timestamp AT TIME ZONE l.time_zone AS since,"
							  "  ($1 + 1)::timestamp AT TIME ZONE l.time_zone AS until"
							  " FROM retail.location l WHERE $2 IS NULL OR l.time_zone = $2)"
							  " SELECT id, since, until FROM day"
							  " UNION ALL"
							  " SELECT 0, coalesce(min(since), $1::timestamp AT TIME ZONE coalesce($2, current_setting('TimeZone'))),"
							  "  coalesce(max(until), ($1 + 1)::timestamp AT TIME ZONE coalesce($2, current_setting('TimeZone')))"
							  " FROM day"
							  " ORDER BY 1",
							  2, types, args, nulls);

	scan->places = MemoryContextAlloc(cxt, sizeof(Place) * n);
	scan->place_of = places_create(cxt, n * 2, NULL);
	scan->nplaces = n;
	for (int i = 0; i < n; i++)
	{
		Place	   *place = &scan->places[i];
		bool		found;

		place->location_id = DatumGetInt32(field(i, 1));
		place->from = DatumGetTimestampTz(field(i, 2));
		place->until = DatumGetTimestampTz(field(i, 3));
		places_insert(scan->place_of, place->location_id, &found)->place = i;
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
read_channels(PriceScan *scan, MemoryContext cxt)
{
	int			n = run_query("SELECT id FROM retail.channel WHERE status = 'open' ORDER BY id",
							  0, NULL, NULL, NULL);

	scan->channels = MemoryContextAlloc(cxt, sizeof(int32) * Max(n, 1));
	scan->asked = MemoryContextAlloc(cxt, sizeof(Asked) * Max(n, 1));
	scan->nchannels = n;
	for (int i = 0; i < n; i++)
		scan->channels[i] = DatumGetInt32(field(i, 1));
	SPI_freetuptable(SPI_tuptable);
}

/* ----------------------------------------------------------------
 * Taking prices into the pile
 * ----------------------------------------------------------------
 */

/* Whether it is in a currency that is known. */
static bool
read_amount(PriceScan *scan, RetailTableId table, TupleTableSlot *slot, int currency_col,
			int amount_col, PriceRecord *record)
{
	bool		isnull;
	text	   *letters = DatumGetTextPP(retail_column(table, slot, currency_col, &isnull));

	record->currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));
	if (record->currency != scan->currency)
	{
		scan->currency = record->currency;
		scan->decimals = retail_price_bounds_decimals(scan->bounds, record->currency);
	}
	if (scan->decimals < 0)
		return false;
	record->too_fine =
		retail_money_to_minor(DatumGetNumeric(retail_column(table, slot, amount_col, &isnull)),
							  scan->decimals, &record->amount_minor) != MONEY_OK;
	return true;
}

/*
 * Whether it holds on the day, or ended as the day began: what a price that
 * begins then is compared with.
 */
static bool
read_validity(const Place *place, TypeCacheEntry *range_type, Datum valid, PriceRecord *record)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(range_type, DatumGetRangeTypeP(valid), &lower, &upper, &empty);
	if (empty)
		return false;
	record->from = lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	record->until = upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
	return record->from < place->until && record->until >= place->from;
}

static bool
begins_on(const Place *place, TimestampTz at)
{
	return place->from <= at && at < place->until;
}

static PriceKind
kind_of(Datum value)
{
	text	   *name = DatumGetTextPP(value);

	switch (VARSIZE_ANY_EXHDR(name) > 0 ? *VARDATA_ANY(name) : '\0')
	{
		case 'p':
			return PRICE_PROMO;
		case 'm':
			return PRICE_MEMBER;
		case 'c':
			return PRICE_CLEARANCE;
		default:
			return PRICE_LIST;
	}
}

static bool
read_price(PriceScan *scan, TupleTableSlot *slot, TypeCacheEntry *range_type, PriceRecord *record)
{
	PlaceEntry *entry;
	text	   *tier;
	bool		isnull;

	(void) retail_column(TABLE_PRICE, slot, PRICE_WITHDRAWN_AT, &isnull);
	if (!isnull)
		return false;
	record->location_id = retail_column_int32(TABLE_PRICE, slot, PRICE_LOCATION_ID);
	entry = places_lookup(scan->place_of, record->location_id);
	if (entry == NULL ||
		!read_validity(&scan->places[entry->place], range_type,
					   retail_column(TABLE_PRICE, slot, PRICE_VALID, &isnull), record) ||
		!read_amount(scan, TABLE_PRICE, slot, PRICE_CURRENCY, PRICE_AMOUNT, record))
		return false;
	record->place = entry->place;
	record->begins = begins_on(&scan->places[entry->place], Max(record->from,
			retail_column_int64(TABLE_PRICE, slot, PRICE_RECORDED_AT)));
	record->id = retail_column_int64(TABLE_PRICE, slot, PRICE_ID);
	record->sku_id = retail_column_int32(TABLE_PRICE, slot, PRICE_SKU_ID);
	record->channel_id = retail_column_int32(TABLE_PRICE, slot, PRICE_CHANNEL_ID);
	record->min_qty = retail_column_int64(TABLE_PRICE, slot, PRICE_MIN_QTY);
	record->grant_id = retail_column_int64(TABLE_PRICE, slot, PRICE_GRANT_ID);
	record->kind = kind_of(retail_column(TABLE_PRICE, slot, PRICE_KIND, &isnull));
	tier = DatumGetTextPP(retail_column(TABLE_PRICE, slot, PRICE_TIER, &isnull));
	record->tier = VARSIZE_ANY_EXHDR(tier) == 0 ? 0 :
		hash_bytes((unsigned char *) VARDATA_ANY(tier), VARSIZE_ANY_EXHDR(tier));
	return true;
}

static bool
read_base_price(PriceScan *scan, TupleTableSlot *slot, TypeCacheEntry *range_type, PriceRecord *record)
{
	bool		isnull;

	(void) retail_column(TABLE_BASE_PRICE, slot, BASE_PRICE_WITHDRAWN_AT, &isnull);
	if (!isnull ||
		!read_validity(&scan->places[0], range_type,
					   retail_column(TABLE_BASE_PRICE, slot, BASE_PRICE_VALID, &isnull), record) ||
		!read_amount(scan, TABLE_BASE_PRICE, slot, BASE_PRICE_CURRENCY, BASE_PRICE_AMOUNT, record))
		return false;
	record->id = retail_column_int64(TABLE_BASE_PRICE, slot, BASE_PRICE_ID);
	record->sku_id = retail_column_int32(TABLE_BASE_PRICE, slot, BASE_PRICE_SKU_ID);
	record->min_qty = 1;
	record->kind = PRICE_BASE;
	return true;
}

static void
take_prices(PriceScan *scan, RetailTableId table)
{
	TypeCacheEntry *range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RetailScan	rows;
	MemoryContext old;

	retail_scan_begin_all(&rows, table, AccessShareLock, scan->snapshot);
	old = MemoryContextSwitchTo(scan->row_cxt);
	while (retail_scan_next(&rows))
	{
		PriceRecord record = {0};

		CHECK_FOR_INTERRUPTS();
		if (table == TABLE_PRICE
			? read_price(scan, rows.slot, range_type, &record)
			: read_base_price(scan, rows.slot, range_type, &record))
			retail_price_pile_put(scan->pile, &record);
		MemoryContextReset(scan->row_cxt);
	}
	MemoryContextSwitchTo(old);
	retail_scan_end(&rows);
}

/* ----------------------------------------------------------------
 * Findings
 * ----------------------------------------------------------------
 */

static Finding
finding_on(int rule, const PriceRecord *price)
{
	Finding		finding = {.rule = rule, .price = price, .at = DT_NOEND};

	finding.location_id = price->location_id;
	finding.channel_id = price->channel_id;
	return finding;
}

static void
set_amount(PriceScan *scan, Datum *values, bool *isnull, int col, int64 amount_minor)
{
	values[col] = NumericGetDatum(retail_money_from_minor(amount_minor, scan->decimals));
	isnull[col] = false;
}

/* In the order of the columns of retail._scan_prices(). */
static void
report(PriceScan *scan, const Finding *finding)
{
	const PriceRecord *price = finding->price;
	char		letters[BAND_CURRENCY_LETTERS + 1];
	Datum		values[15] = {0};
	bool		isnull[15];

	memset(isnull, true, sizeof(isnull));
	if (!scan->wanted[finding->rule])
		return;
	values[0] = CStringGetTextDatum(psprintf("R%d", finding->rule));
	values[1] = Int32GetDatum(price->sku_id);
	values[2] = Int32GetDatum(finding->location_id);
	values[3] = Int32GetDatum(finding->channel_id);
	values[4] = CStringGetTextDatum(retail_currency_unpack(price->currency, letters));
	values[5] = CStringGetTextDatum(kind_names[price->kind]);
	memset(isnull, false, 6);
	values[6] = values[7] = Int64GetDatum(price->id);
	isnull[price->kind == PRICE_BASE ? 7 : 6] = false;
	set_amount(scan, values, isnull, 8, price->amount_minor);
	if (finding->has_band)
	{
		set_amount(scan, values, isnull, 9, finding->low_minor);
		if (finding->high_minor != PG_INT64_MAX)
			set_amount(scan, values, isnull, 10, finding->high_minor);
	}
	if (finding->has_other)
		set_amount(scan, values, isnull, 11, finding->other_minor);
	if (finding->other_channel_id != 0)
	{
		values[12] = Int32GetDatum(finding->other_channel_id);
		isnull[12] = false;
	}
	if (finding->at != DT_NOEND)
	{
		values[13] = TimestampTzGetDatum(finding->at);
		isnull[13] = false;
	}
	if (finding->reason != NULL)
	{
		values[14] = CStringGetTextDatum(finding->reason);
		isnull[14] = false;
	}
	tuplestore_putvalues(scan->answer->setResult, scan->answer->setDesc, values, isnull);
}

/* ----------------------------------------------------------------
 * Rules on one price
 * ----------------------------------------------------------------
 */

static bool
holds_on_the_day(const PriceScan *scan, const PriceRecord *price)
{
	return price->until > scan->places[price->place].from;
}

static void
report_floor(PriceScan *scan, const PriceRecord *price, int64 floor_minor)
{
	Finding		finding = finding_on(RULE_FLOOR, price);

	finding.has_other = true;
	finding.other_minor = floor_minor;
	finding.reason = "below the floor";
	report(scan, &finding);
}

static void
report_bound(PriceScan *scan, int rule, const PriceRecord *price, const PriceFinding *found,
			 const char *reason)
{
	Finding		finding = finding_on(rule, price);

	finding.reason = reason;
	if (found->band_known)
	{
		finding.has_band = found->low_minor <= found->high_minor;
		finding.low_minor = found->low_minor;
		finding.high_minor = found->high_minor;
		finding.has_other = true;
		finding.other_minor = found->base_minor;
	}
	else
		finding.at = found->at;
	report(scan, &finding);
}

/*
 * R1, R2, R3: band, grant, floor, as the guard judges them, over the part of
 * the price's time that lies in the day.
 */
static void
check_bounds(PriceScan *scan, PriceRecord *price)
{
	const Place *place = &scan->places[price->place];
	PriceTerms	terms = {0};
	PriceFinding found;
	bool		outside;

	terms.location_id = price->location_id;
	terms.channel_id = price->channel_id;
	terms.advertised = price->kind == PRICE_LIST || price->kind == PRICE_PROMO;
	terms.amount_minor = price->amount_minor;
	terms.grant_id = price->grant_id;
	terms.from = Max(price->from, place->from);
	terms.until = RETAIL_FAULT("scan_instant") ? terms.from + 1 : Min(price->until, place->until);
	found = retail_price_bounds_check(scan->bounds, &terms);
	price->barred = found.bound == PRICE_NO_GRANT;
	if (found.bound == PRICE_WITHIN)
		return;

	outside = found.bound == PRICE_OUT_OF_BAND || found.bound == PRICE_NO_GRANT;
	if (found.bound == PRICE_NO_BASE)
		report_bound(scan, RULE_BAND, price, &found, "no base price");
	else if (outside && (price->amount_minor < found.low_minor || price->amount_minor > found.high_minor))
	{
		if (price->grant_id == 0)
			report_bound(scan, RULE_BAND, price, &found, "outside the band");
		else
			report_bound(scan, RULE_GRANT, price, &found,
						 found.reason != NULL ? found.reason : "It does not reach so far.");
	}
	if (found.band_known && price->amount_minor < found.floor_minor)
		report_floor(scan, price, found.floor_minor);
}

static void
check_price(PriceScan *scan, PriceRecord *price)
{
	if (price->amount_minor <= 0 || price->too_fine)
	{
		Finding		finding = finding_on(RULE_AMOUNT, price);

		finding.reason = price->too_fine ? "not an amount of its currency" : "0 or less";
		price->barred = true;
		report(scan, &finding);
	}
	else if (price->kind != PRICE_BASE)
		check_bounds(scan, price);
	else if (price->amount_minor < retail_price_bounds_floor(scan->bounds, true))
		report_floor(scan, price, retail_price_bounds_floor(scan->bounds, true));
}

/* Whether amounts lie further apart than a percentage of the second. */
static bool
is_far(int64 amount_minor, int64 from_minor, int64 threshold_e4)
{
	int128		distance = (int128) amount_minor - from_minor;

	return (distance < 0 ? -distance : distance) * PERCENT_WHOLE > (int128) from_minor * threshold_e4;
}

/* R5: a list or base price that begins on the day, against the one before it. */
static void
check_jump(PriceScan *scan, const PriceRecord *price, const PriceRecord *before)
{
	Finding		finding;

	if ((price->kind != PRICE_BASE && price->kind != PRICE_LIST) ||
		price->from < scan->places[price->place].from || price->kind != before->kind ||
		price->location_id != before->location_id || price->channel_id != before->channel_id ||
		price->min_qty != before->min_qty || before->until > price->from || before->amount_minor <= 0 ||
		!is_far(price->amount_minor, before->amount_minor, scan->threshold_e4[RULE_JUMP]))
		return;
	finding = finding_on(RULE_JUMP, price);
	finding.has_other = true;
	finding.other_minor = before->amount_minor;
	finding.at = price->from;
	finding.reason = "changed at once by more than the threshold";
	report(scan, &finding);
}

/* ----------------------------------------------------------------
 * R11: reductions that are none
 * ----------------------------------------------------------------
 */

/* The row among offers that are no base prices; NULL: it never counts. */
static const PriceOffer *
find_offer(const PriceOffers *offers, int64 id)
{
	for (int i = 0; i < offers->n; i++)
	{
		if (offers->offers[i].id == id && offers->offers[i].scope != OFFER_BASE)
			return &offers->offers[i];
	}
	return NULL;
}

/*
 * When the price is quoted to everybody as a reduction, on the day, from the
 * first instant on that it counts; DT_NOEND: it is not.
 */
static TimestampTz
reduction_start(PriceScan *scan, const PriceScope *scope, const PriceRecord *price)
{
	const Place *place = &scan->places[price->place];
	PriceOffers offers;
	const PriceOffer *offer;
	PriceChoice choice;
	TimestampTz start;

	retail_price_read_past(scope, price->from, Min(price->until, place->until), scan->snapshot, &offers);
	offer = find_offer(&offers, price->id);
	if (offer == NULL)
		return DT_NOEND;
	start = retail_offer_from(offer);
	choice = retail_price_choose(offers.offers, offers.n, start, 1);
	if (!begins_on(place, start) || choice.price < 0 || &offers.offers[choice.price] != offer)
		return DT_NOEND;
	return start;
}

/*
 * A reduced price that begins on the day, against the least price of the days
 * before it, both in the scope that the price is for.
 */
static void
check_reduction(PriceScan *scan, const PriceRecord *price)
{
	char		letters[BAND_CURRENCY_LETTERS + 1];
	PriceScope	scope = {.sku_id = price->sku_id, .location_id = price->location_id,
	.channel_id = price->channel_id, .decimals = scan->decimals, .skips_bad = true};
	TimestampTz start;
	PriorPrice	prior;
	Finding		finding;

	if (!scan->wanted[RULE_REDUCTION] || !price->begins || price->barred || price->min_qty != 1 ||
		(price->kind != PRICE_PROMO && price->kind != PRICE_CLEARANCE))
		return;
	retail_currency_unpack(price->currency, letters);
	scope.currency = CStringGetTextDatum(letters);
	start = reduction_start(scan, &scope, price);
	if (start == DT_NOEND)
		return;
	prior = retail_price_prior(&scope, start, PRIOR_PRICE_DAYS, scan->snapshot);
	if (!prior.found || price->amount_minor < prior.amount)
		return;
	finding = finding_on(RULE_REDUCTION, price);
	finding.has_other = true;
	finding.other_minor = prior.amount;
	finding.at = prior.found_at;
	finding.reason = "no lower than it was in the days before";
	report(scan, &finding);
}

/* ----------------------------------------------------------------
 * R4: what channels ask at one instant
 * ----------------------------------------------------------------
 */

static bool
is_asked_at(const PriceRecord *price, TimestampTz at)
{
	return price->from <= at && at < price->until && price->min_qty == 1 && !price->barred;
}

/* How specific a list price is; the base price is 0. */
static int
rank_of(const PriceRecord *price)
{
	return 1 + (price->channel_id != 0) + 2 * (price->location_id != 0);
}

static void
ask_one(Asked *asked, const PriceRecord *price)
{
	if (price->kind == PRICE_LIST)
	{
		if (rank_of(price) > asked->rank)
		{
			asked->rank = rank_of(price);
			asked->list = price;
		}
	}
	else if (asked->promo == NULL || price->amount_minor < asked->promo->amount_minor)
		asked->promo = price;
}

/* What everybody may have: list and promo prices, each in its channels. */
static void
ask(PriceScan *scan, const PriceRecord *prices, int64 n, TimestampTz at)
{
	for (int64 i = 0; i < n; i++)
	{
		const PriceRecord *price = &prices[i];

		if ((price->kind != PRICE_LIST && price->kind != PRICE_PROMO) || !is_asked_at(price, at))
			continue;
		for (int c = 0; c < scan->nchannels; c++)
		{
			if (price->channel_id == 0 || price->channel_id == scan->channels[c])
				ask_one(&scan->asked[c], price);
		}
	}
}

static const PriceRecord *
base_at(const PriceScan *scan, TimestampTz at)
{
	for (int64 i = 0; i < scan->nbases; i++)
	{
		if (is_asked_at(&scan->prices[i], at))
			return &scan->prices[i];
	}
	return NULL;
}

/* The price that counts; NULL: there is none. */
static const PriceRecord *
lesser(const Asked *asked, const PriceRecord *base)
{
	const PriceRecord *list = asked->list != NULL ? asked->list : base;

	if (list != NULL && asked->promo != NULL && asked->promo->amount_minor < list->amount_minor)
		return asked->promo;
	return list;
}

/*
 * The least and the most that channels ask; whether they lie too far apart.
 * listed_only: of the channels that sell the SKU there, which is looked up
 * only where it matters.
 */
static bool
find_gap(PriceScan *scan, const PriceRecord *base, int32 location_id, bool listed_only,
		 Finding *finding)
{
	const PriceRecord *least = NULL;
	const PriceRecord *most = NULL;

	for (int c = 0; c < scan->nchannels; c++)
	{
		const PriceRecord *price = lesser(&scan->asked[c], base);

		if (price == NULL || price->amount_minor <= 0 ||
			(listed_only &&
			 !retail_sale_rule(scan->prices[0].sku_id, location_id, scan->channels[c]).on_sale))
			continue;
		if (least == NULL || price->amount_minor < least->amount_minor)
		{
			least = price;
			finding->other_channel_id = scan->channels[c];
		}
		if (most == NULL || price->amount_minor > most->amount_minor)
		{
			most = price;
			finding->channel_id = scan->channels[c];
		}
	}
	if (least == NULL || !is_far(most->amount_minor, least->amount_minor, scan->threshold_e4[RULE_CHANNELS]))
		return false;
	finding->price = most;
	finding->has_other = true;
	finding->other_minor = least->amount_minor;
	return true;
}

static bool
compare_at(PriceScan *scan, const PriceRecord *own, int64 nown, int32 location_id, TimestampTz at)
{
	const PriceRecord *base = base_at(scan, at);
	Finding		finding = {.rule = RULE_CHANNELS, .location_id = location_id};

	memset(scan->asked, 0, sizeof(Asked) * scan->nchannels);
	ask(scan, scan->prices + scan->nbases, scan->nwide - scan->nbases, at);
	ask(scan, own, nown, at);
	if (!find_gap(scan, base, location_id, false, &finding) ||
		!find_gap(scan, base, location_id, true, &finding))
		return false;

	/* the alert is the location's: which two channels it is may change by the hour */
	finding.at = at;
	finding.reason = psprintf("channel %d asks more than channel %d", finding.channel_id, finding.other_channel_id);
	finding.channel_id = 0;
	report(scan, &finding);
	return true;
}

static int
compare_instants(const void *a, const void *b)
{
	TimestampTz x = *(const TimestampTz *) a;
	TimestampTz y = *(const TimestampTz *) b;

	return (x > y) - (x < y);
}

static int
add_instants(const Place *place, const PriceRecord *prices, int64 n, TimestampTz *instants, int ninstants)
{
	for (int64 i = 0; i < n; i++)
	{
		if (prices[i].from > place->from && prices[i].from < place->until)
			instants[ninstants++] = prices[i].from;
		if (prices[i].until > place->from && prices[i].until < place->until)
			instants[ninstants++] = prices[i].until;
	}
	return ninstants;
}

/* At the beginning of the day, and wherever a price begins or ends in it. */
static void
compare_channels(PriceScan *scan, const PriceRecord *own, int64 nown, int32 place_no)
{
	const Place *place = &scan->places[place_no];
	TimestampTz *instants = palloc(sizeof(TimestampTz) * (1 + 2 * (scan->nwide + nown)));
	int			n = 0;

	instants[n++] = place->from;
	n = add_instants(place, scan->prices, scan->nwide, instants, n);
	n = add_instants(place, own, nown, instants, n);
	qsort(instants, n, sizeof(TimestampTz), compare_instants);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && instants[i] == instants[i - 1])
			continue;
		if (compare_at(scan, own, nown, place->location_id, instants[i]))
			break;
	}
	pfree(instants);
}

static void
compare_everywhere(PriceScan *scan)
{
	int64		end;

	if (!scan->wanted[RULE_CHANNELS] || scan->nchannels < 2)
		return;
	compare_channels(scan, NULL, 0, 0);
	for (int64 first = scan->nwide; first < scan->nprices; first = end)
	{
		end = first + 1;
		while (end < scan->nprices && scan->prices[end].location_id == scan->prices[first].location_id)
			end++;
		compare_channels(scan, &scan->prices[first], end - first, scan->prices[first].place);
	}
}

/* ----------------------------------------------------------------
 * R12: what other stores ask
 * ----------------------------------------------------------------
 */

static int
compare_by_channel(const void *a, const void *b)
{
	const PriceRecord *x = *(const PriceRecord *const *) a;
	const PriceRecord *y = *(const PriceRecord *const *) b;

	if (x->channel_id != y->channel_id)
		return x->channel_id < y->channel_id ? -1 : 1;
	return (x > y) - (x < y);
}

static void
find_outliers(PriceScan *scan, const PriceRecord **prices, int n)
{
	int64	   *amounts = palloc(sizeof(int64) * n);
	PriceSpread spread;

	for (int i = 0; i < n; i++)
		amounts[i] = prices[i]->amount_minor;
	retail_price_spread(amounts, n, &spread);
	for (int i = 0; i < n; i++)
	{
		Finding		finding = finding_on(RULE_OUTLIER, prices[i]);

		if (!retail_price_is_outlier(&spread, prices[i]->amount_minor, scan->threshold_e4[RULE_OUTLIER]))
			continue;
		finding.has_other = true;
		finding.other_minor = retail_price_median_floor(&spread);
		finding.reason = psprintf("far from the median of %d stores", n);
		report(scan, &finding);
	}
	pfree(amounts);
}

/* List prices of single stores as they stand when the day ends. */
static void
compare_stores(PriceScan *scan)
{
	const PriceRecord **prices;
	int			n = 0;
	int			end;

	if (!scan->wanted[RULE_OUTLIER])
		return;
	prices = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PriceRecord *) * scan->nprices);
	for (int64 i = scan->nwide; i < scan->nprices; i++)
	{
		const PriceRecord *price = &scan->prices[i];

		if (price->kind == PRICE_LIST && price->amount_minor > 0 &&
			is_asked_at(price, scan->places[price->place].until - 1))
			prices[n++] = price;
	}
	qsort(prices, n, sizeof(PriceRecord *), compare_by_channel);
	for (int first = 0; first < n; first = end)
	{
		end = first + 1;
		while (end < n && prices[end]->channel_id == prices[first]->channel_id)
			end++;
		if (end - first >= OUTLIER_MIN_STORES)
			find_outliers(scan, prices + first, end - first);
	}
	pfree(prices);
}

/* ----------------------------------------------------------------
 * The scan
 * ----------------------------------------------------------------
 */

/* All prices of one SKU in one currency. */
static void
check_sku(PriceScan *scan)
{
	PriceRecord *prices = scan->prices;
	SkuInfo		sku;

	/* prices of a SKU that is not there are verify()'s */
	if (!retail_master_sku_by_id(prices[0].sku_id, &sku))
		return;
	scan->currency = prices[0].currency;
	scan->decimals = retail_price_bounds_decimals(scan->bounds, scan->currency);
	retail_price_bounds_choose(scan->bounds, prices[0].sku_id, prices[0].currency, scan->places[0].from);

	scan->nbases = 0;
	scan->nwide = 0;
	for (int64 i = 0; i < scan->nprices; i++)
	{
		scan->nbases += prices[i].kind == PRICE_BASE;
		scan->nwide += prices[i].location_id == 0;
		if (!holds_on_the_day(scan, &prices[i]))
			continue;
		check_price(scan, &prices[i]);
		if (i > 0)
			check_jump(scan, &prices[i], &prices[i - 1]);
		check_reduction(scan, &prices[i]);
		CHECK_FOR_INTERRUPTS();
	}
	compare_everywhere(scan);
	compare_stores(scan);
}

static void
check_pile(PriceScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->row_cxt);

	while ((scan->prices = retail_price_pile_next(scan->pile, &scan->nprices)) != NULL)
	{
		check_sku(scan);
		MemoryContextReset(scan->row_cxt);
	}
	MemoryContextSwitchTo(old);
}

/* retail._scan_prices(business_date, time_zone) */
Datum
retail_scan_prices(PG_FUNCTION_ARGS)
{
	Datum		business_date = PG_GETARG_DATUM(0);
	bool		every_zone = PG_ARGISNULL(1);
	Datum		time_zone = every_zone ? (Datum) 0 : PG_GETARG_DATUM(1);
	MemoryContext cxt;
	SpiOwner	owner;
	PriceScan	scan = {0};

	InitMaterializedSRF(fcinfo, 0);
	retail_tables_check();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail price scan", ALLOCSET_DEFAULT_SIZES);
	scan.answer = (ReturnSetInfo *) fcinfo->resultinfo;
	scan.row_cxt = AllocSetContextCreate(cxt, "pg_retail price", ALLOCSET_DEFAULT_SIZES);
	scan.snapshot = GetActiveSnapshot();

	owner = retail_spi_begin();
	scan.bounds = retail_price_bounds_begin(cxt);
	retail_price_bounds_for_anyone(scan.bounds);
	read_rules(&scan);
	read_places(&scan, cxt, business_date, time_zone, every_zone);
	read_channels(&scan, cxt);
	scan.pile = retail_price_pile_begin(cxt, retail_table_rows(TABLE_PRICE) +
										retail_table_rows(TABLE_BASE_PRICE));
	take_prices(&scan, TABLE_BASE_PRICE);
	take_prices(&scan, TABLE_PRICE);
	check_pile(&scan);
	retail_price_pile_end(scan.pile);
	retail_spi_end(&owner);
	MemoryContextDelete(cxt);
	return (Datum) 0;
}
