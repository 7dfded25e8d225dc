/*-------------------------------------------------------------------------
 * price_choice.c
 *		Which of the prices that there are is the one to sell at.
 *
 * Three steps.  Offers that are not in force at the instant, or not for this
 * quantity, tier or currency, are out.  The list price is the one of the
 * narrowest scope, and within it of the largest quantity reached.  The price
 * is the least of the reductions that are below it, whatever their scope; of
 * equal ones the kind decides, then the id.
 *
 * An instant is looked at as it was believed at that instant.  So an offer
 * counts in one span of time, what its validity, its time on record and its
 * authority have in common, and the same instant has the same answer for ever:
 * rows that are recorded or withdrawn later do not reach back.
 *
 * Prices may change at the ends of those spans only, which is how the next
 * change, and the prices of a stretch of the past, are found: by choosing once
 * at each.
 *
 * Plain C without the server, no state.
 *-------------------------------------------------------------------------
 */
#include "price_choice.h"

#include <stddef.h>

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The span in which an offer is in force; it is empty when from >= until. */
int64_t
retail_offer_from(const PriceOffer *offer)
{
	return later(offer->valid_from, later(offer->recorded_at, offer->grant_from));
}

int64_t
retail_offer_until(const PriceOffer *offer)
{
	return earlier(offer->valid_until, earlier(offer->withdrawn_at, offer->grant_until));
}

/* Whether an offer could be chosen at some instant. */
static bool
is_eligible(const PriceOffer *offer, int64_t qty)
{
	return !offer->other_currency && !offer->other_tier && offer->min_qty <= qty;
}

static bool
is_in_force(const PriceOffer *offer, int64_t at)
{
	return retail_offer_from(offer) <= at && at < retail_offer_until(offer);
}

/*
 * Whether a list price goes before another.  Two of one scope and min_qty are
 * never in force together, unless somebody has forced one in: then the id
 * decides, so that the answer is still one.
 */
static bool
is_better_list(const PriceOffer *offer, const PriceOffer *than)
{
	if (offer->scope != than->scope)
		return offer->scope > than->scope;
	if (offer->min_qty != than->min_qty)
		return offer->min_qty > than->min_qty;
	return offer->id < than->id;
}

/*
 * Ids are one of each table's own, but no reduction is a base price.  One
 * offer is never compared with itself.
 */
static bool
is_better_reduction(const PriceOffer *offer, const PriceOffer *than)
{
	if (offer->amount != than->amount)
		return offer->amount < than->amount;
	if (offer->kind != than->kind)
		return offer->kind < than->kind;
	return offer->id < than->id;
}

/*
 * The list price and the price at an instant.  Without a list price there is
 * no price: a reduction is one of something.
 */
PriceChoice
retail_price_choose(const PriceOffer *offers, int noffers, int64_t at, int64_t qty)
{
	PriceChoice choice = {-1, -1};
	int			reduction = -1;

	for (int i = 0; i < noffers; i++)
	{
		const PriceOffer *offer = &offers[i];

		if (!is_eligible(offer, qty) || !is_in_force(offer, at))
			continue;
		if (offer->kind == OFFER_LIST)
		{
			if (choice.list < 0 || is_better_list(offer, &offers[choice.list]))
				choice.list = i;
		}
		else if (reduction < 0 || is_better_reduction(offer, &offers[reduction]))
			reduction = i;
	}
	choice.price = choice.list;
	if (choice.list >= 0 && reduction >= 0 &&
		offers[reduction].amount < offers[choice.list].amount)
		choice.price = reduction;
	return choice;
}

static OfferVerdict
explain_list(const PriceOffer *offer, const PriceOffer *list)
{
	if (offer->scope != list->scope)
		return OFFER_LESS_SPECIFIC;
	return offer->min_qty != list->min_qty ? OFFER_FEWER_UNITS : OFFER_TIED;
}

static OfferVerdict
explain_reduction(const PriceOffer *offer, const PriceOffer *list, const PriceOffer *price)
{
	if (list == NULL || offer->amount >= list->amount)
		return OFFER_NOT_BELOW_LIST;
	return offer->amount > price->amount ? OFFER_DEARER : OFFER_TIED;
}

static OfferVerdict
explain_one(const PriceOffer *offers, int i, const PriceChoice *choice,
			int64_t at, int64_t qty)
{
	const PriceOffer *offer = &offers[i];

	if (offer->other_currency)
		return OFFER_OTHER_CURRENCY;
	if (at < offer->valid_from)
		return OFFER_NOT_BEGUN;
	if (at >= offer->valid_until)
		return OFFER_ENDED;
	if (at < offer->recorded_at)
		return OFFER_NOT_RECORDED;
	if (at >= offer->withdrawn_at)
		return OFFER_WITHDRAWN;
	if (at < offer->grant_from || at >= offer->grant_until)
		return OFFER_NO_AUTHORITY;
	if (offer->min_qty > qty)
		return OFFER_TOO_FEW;
	if (offer->other_tier)
		return OFFER_OTHER_TIER;
	if (i == choice->price)
		return OFFER_IS_PRICE;
	if (i == choice->list)
		return OFFER_IS_LIST;
	if (offer->kind == OFFER_LIST)
		return explain_list(offer, &offers[choice->list]);
	return explain_reduction(offer, choice->list < 0 ? NULL : &offers[choice->list],
							 choice->price < 0 ? NULL : &offers[choice->price]);
}

/* What became of each offer; "verdicts" has room for all. */
void
retail_price_explain(const PriceOffer *offers, int noffers, int64_t at,
					 int64_t qty, OfferVerdict *verdicts)
{
	PriceChoice choice = retail_price_choose(offers, noffers, at, qty);

	for (int i = 0; i < noffers; i++)
		verdicts[i] = explain_one(offers, i, &choice, at, qty);
}

/* The first instant after "at" at which an offer begins or ends to count. */
static int64_t
next_event(const PriceOffer *offers, int noffers, int64_t at, int64_t qty)
{
	int64_t		next = OFFER_NEVER;

	for (int i = 0; i < noffers; i++)
	{
		int64_t		from = retail_offer_from(&offers[i]);
		int64_t		until = retail_offer_until(&offers[i]);

		if (from >= until || !is_eligible(&offers[i], qty))
			continue;
		if (from > at)
			next = earlier(next, from);
		else if (until > at)
			next = earlier(next, until);
	}
	return next;
}

/* The last instant before "at" at which one did. */
static int64_t
previous_event(const PriceOffer *offers, int noffers, int64_t at, int64_t qty)
{
	int64_t		previous = OFFER_NOT_BEFORE;

	for (int i = 0; i < noffers; i++)
	{
		int64_t		from = retail_offer_from(&offers[i]);
		int64_t		until = retail_offer_until(&offers[i]);

		if (from >= until || !is_eligible(&offers[i], qty))
			continue;
		if (until < at)
			previous = later(previous, until);
		else if (from < at)
			previous = later(previous, from);
	}
	return previous;
}

/*
 * The next instant at which another row is the list price or the price, or at
 * which there is none any more; OFFER_NEVER: that is not foreseen.
 */
int64_t
retail_price_next_change(const PriceOffer *offers, int noffers, int64_t at,
						 int64_t qty)
{
	PriceChoice now = retail_price_choose(offers, noffers, at, qty);
	PriceChoice then;

	do
	{
		at = next_event(offers, noffers, at, qty);
		if (at == OFFER_NEVER)
			break;
		then = retail_price_choose(offers, noffers, at, qty);
	} while (then.list == now.list && then.price == now.price);
	return at;
}

/*
 * Where the run of reductions began that goes on at "reduced_from": reductions
 * of everybody's price, one after the other without a pause, of which none is
 * dearer than the one before.  The price before the run is what all of them
 * are measured by.
 */
int64_t
retail_price_run_start(const PriceOffer *offers, int noffers, int64_t reduced_from)
{
	PriceChoice choice = retail_price_choose(offers, noffers, reduced_from, 1);
	int64_t		start = reduced_from;

	while (choice.price != choice.list && start > OFFER_NOT_BEFORE)
	{
		int64_t		amount = offers[choice.price].amount;

		/* the stretch before, which ends here */
		choice = retail_price_choose(offers, noffers, start - 1, 1);
		if (choice.price == choice.list || offers[choice.price].amount < amount)
			break;
		start = previous_event(offers, noffers, start, 1);
	}
	return start;
}

/*
 * The least price of one unit that was applied at from <= instant < until,
 * the one in force at the beginning included.
 */
PriceLowest
retail_price_lowest(const PriceOffer *offers, int noffers, int64_t from, int64_t until)
{
	PriceLowest lowest = {false, 0, 0};

	while (from < until)
	{
		PriceChoice choice = retail_price_choose(offers, noffers, from, 1);

		if (choice.price >= 0 &&
			(!lowest.found || offers[choice.price].amount < lowest.amount))
		{
			lowest.found = true;
			lowest.amount = offers[choice.price].amount;
			lowest.at = from;
		}
		from = next_event(offers, noffers, from, 1);
	}
	return lowest;
}
