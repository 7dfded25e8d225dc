/*-------------------------------------------------------------------------
 * price_quote.c
 *		What a SKU costs: one question, one answer.
 *
 * The sheet of the SKU in its channel and location is found in this session's
 * cache or read, and the rules choose.  Nothing is locked, nothing is waited
 * for.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "errors.h"
#include "price_quote.h"
#include "price_rules.h"
#include "table.h"

static char *
code_or_none(Datum code, bool isnull)
{
	return isnull ? "none" : psprintf("\"%s\"", TextDatumGetCString(code));
}

void
retail_price_none(const PriceQuestion *question)
{
	bool		isnull;
	Datum		sku = retail_master_sku_code(question->sku.id, &isnull);
	char	   *sku_code = code_or_none(sku, isnull);
	Datum		location = retail_master_location_code(question->location_id, &isnull);
	char	   *location_code = code_or_none(location, isnull);
	Datum		channel = retail_master_channel_code(question->channel_id, &isnull);

	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_NO_PRICE),
			 errmsg("no price for SKU %s", sku_code),
			 errdetail("Channel %s, location %s, quantity %lld, currency %s, at %s.",
					   code_or_none(channel, isnull), location_code, (long long) question->qty,
					   question->currency == (Datum) 0 ? "any" : TextDatumGetCString(question->currency),
					   timestamptz_to_str(question->at)),
			 errhint("Set one with retail.set_base_price() or retail.set_price(); retail.explain_quote() shows what there is.")));
}

bool
retail_price_scope(const PriceQuestion *question, Snapshot snapshot, PriceScope *scope,
				   PriceVersion *version)
{
	int			n = retail_price_version(question->sku.id, question->currency, snapshot, version);

	if (n == 0)
		return false;
	if (n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("currency must not be null"),
				 errdetail("The SKU has prices in %d currencies.", n)));
	scope->sku_id = question->sku.id;
	scope->location_id = question->location_id;
	scope->channel_id = question->channel_id;
	scope->tier = question->tier;
	scope->skips_bad = false;
	scope->currency = question->currency != (Datum) 0 ? question->currency :
		CStringGetTextDatum(version->currency);
	return true;
}

int64
retail_price_of_line(int64 price_minor, int64 qty, int64 price_per, int decimals)
{
	int64		amount;

	if (retail_price_line(price_minor, qty, price_per, &amount) != PRICE_OK ||
		!retail_price_in_range(amount, decimals))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount of %lld units is out of range", (long long) qty)));
	return amount;
}

/* ----------------------------------------------------------------
 * Prior price
 * ----------------------------------------------------------------
 */

/* As many days before, at the same time of day where the location is. */
static TimestampTz
days_before(const PriceScope *scope, TimestampTz at, int days)
{
	int64		time_us;
	DateADT		day;

	if (scope->location_id == 0)
		return at - days * USECS_PER_DAY;
	day = retail_master_date_and_time_at(scope->location_id, at, &time_us);
	return retail_master_instant(scope->location_id, day - days, time_us);
}

/*
 * Reductions that go on from one to the next may lead far back: what is read
 * reaches as far as the run has been followed, and the window before it.
 */
PriorPrice
retail_price_prior(const PriceScope *scope, TimestampTz reduced_from, int days, Snapshot snapshot)
{
	PriorPrice	prior = {.known = true};
	TimestampTz read_from = days_before(scope, reduced_from, days);
	PriceOffers past;
	PriceLowest lowest;

	for (;;)
	{
		retail_price_read_past(scope, read_from, reduced_from + 1, snapshot, &past);
		prior.reduced_from = retail_price_run_start(past.offers, past.n, reduced_from);
		prior.since = days_before(scope, prior.reduced_from, days);
		if (prior.since >= read_from)
			break;
		read_from = prior.since;
	}
	lowest = retail_price_lowest(past.offers, past.n, prior.since, prior.reduced_from);
	prior.found = lowest.found;
	prior.amount = lowest.amount;
	prior.found_at = lowest.at;
	prior.young = true;
	for (int i = 0; i < past.n; i++)
	{
		if (retail_offer_from(&past.offers[i]) <= prior.since &&
			retail_offer_from(&past.offers[i]) < retail_offer_until(&past.offers[i]))
			prior.young = false;
	}
	return prior;
}

/*
 * Of the reduction that is the price.  What lies before it is over and stays as
 * it was, unless it is only to come.
 */
static PriorPrice
prior_of_sheet(const PriceScope *scope, PriceSheet *sheet, const PriceOffer *price, Snapshot snapshot)
{
	TimestampTz from = retail_offer_from(price);
	PriorPrice	prior;

	if (sheet->prior_of == price->id)
		return sheet->prior;
	prior = retail_price_prior(scope, from, PRIOR_PRICE_DAYS, snapshot);
	if (from <= retail_clock_statement())
	{
		sheet->prior = prior;
		sheet->prior_of = price->id;
	}
	return prior;
}

/* ----------------------------------------------------------------
 * Quoting
 * ----------------------------------------------------------------
 */

/* Everybody's reduced price is one that is announced. */
static bool
is_announced(const PriceOffer *price)
{
	return price->kind == OFFER_PROMO || price->kind == OFFER_CLEARANCE;
}

static bool
is_same_row(const PriceOffer *a, const PriceOffer *b)
{
	return a->id == b->id && (a->scope == OFFER_BASE) == (b->scope == OFFER_BASE);
}

/*
 * The next instant at which another row decides.  A sheet may tell of less
 * time than that: then others are read, each from where the one before ends.
 */
static TimestampTz
find_valid_until(const PriceQuestion *question, const PriceScope *scope, const PriceOffers *sheet,
				 const PriceAnswer *answer, Snapshot snapshot)
{
	PriceOffers offers = *sheet;
	TimestampTz at = question->at;

	for (;;)
	{
		TimestampTz next = retail_price_next_change(offers.offers, offers.n, at, question->qty);
		PriceChoice choice;

		if (next < offers.good_until || offers.good_until == DT_NOEND)
			return next;
		CHECK_FOR_INTERRUPTS();
		at = offers.good_until;
		retail_price_read_around(scope, at, snapshot, &offers);
		retail_price_read_grants(offers.offers, offers.n, snapshot);
		choice = retail_price_choose(offers.offers, offers.n, at, question->qty);
		if (choice.price < 0 || !is_same_row(&offers.offers[choice.price], &answer->price) ||
			!is_same_row(&offers.offers[choice.list], &answer->list))
			return at;
	}
}

bool
retail_price_find(const PriceQuestion *question, Snapshot snapshot, PriceAnswer *answer)
{
	PriceScope	scope;
	PriceVersion version;
	PriceSheet *sheet;
	PriceOffer *offers;
	PriceChoice choice;

	if (!retail_price_scope(question, snapshot, &scope, &version))
		return false;
	sheet = retail_price_cache_offers(&scope, &version, question->at, snapshot);
	offers = sheet->offers.offers;
	choice = retail_price_choose(offers, sheet->offers.n, question->at, question->qty);
	if (choice.price < 0)
		return false;
	memcpy(answer->currency, version.currency, sizeof(answer->currency));
	answer->decimals = sheet->decimals;
	answer->list = offers[choice.list];
	answer->price = offers[choice.price];
	answer->amount = retail_price_of_line(answer->price.amount, question->qty,
										  question->sku.price_per, sheet->decimals);
	answer->valid_until = find_valid_until(question, &scope, &sheet->offers, answer, snapshot);
	answer->prior.known = false;
	if (is_announced(&answer->price))
		answer->prior = prior_of_sheet(&scope, sheet, &answer->price, snapshot);
	return true;
}

void
retail_price_quote(const PriceQuestion *question, Snapshot snapshot, PriceAnswer *answer)
{
	if (!retail_price_find(question, snapshot, answer))
		retail_price_none(question);
}
