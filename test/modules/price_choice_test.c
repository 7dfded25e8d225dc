/*-------------------------------------------------------------------------
 * price_choice_test.c
 *		Random test of src/pure/price_choice.c against slow and obvious twins.
 *
 *		tools/run_module_test test/modules/price_choice_test.c [seed]
 *
 * Time has a few dozen instants, so the twins look at every one of them: the
 * choice is the offer that no other beats, pair by pair; the next change is
 * found by walking on until the answer is another; the least price of the past
 * is the least of a list with one price per instant.  Prints TAP; the seed
 * repeats a run.
 *-------------------------------------------------------------------------
 */
#include "price_choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 200000
#define INSTANTS 32
#define MAX_OFFERS 12

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int64_t
random_below(int64_t limit)
{
	return (int64_t) (random_bits() % (uint64_t) limit);
}

static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	tests_failed += failures > 0;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

/* ----------------------------------------------------------------
 * Twins
 * ----------------------------------------------------------------
 */

static bool
counts(const PriceOffer *offer, int64_t at, int64_t qty)
{
	return offer->valid_from <= at && at < offer->valid_until &&
		offer->recorded_at <= at && at < offer->withdrawn_at &&
		offer->grant_from <= at && at < offer->grant_until &&
		offer->min_qty <= qty && !offer->other_currency && !offer->other_tier;
}

static bool
beats_as_list(const PriceOffer *a, const PriceOffer *b)
{
	return a->scope > b->scope ||
		(a->scope == b->scope && a->min_qty > b->min_qty) ||
		(a->scope == b->scope && a->min_qty == b->min_qty && a->id < b->id);
}

static bool
beats_as_price(const PriceOffer *a, const PriceOffer *b)
{
	return a->amount < b->amount ||
		(a->amount == b->amount && a->kind < b->kind) ||
		(a->amount == b->amount && a->kind == b->kind && a->id < b->id);
}

static PriceChoice
slow_choice(const PriceOffer *offers, int n, int64_t at, int64_t qty)
{
	PriceChoice choice = {-1, -1};

	for (int i = 0; i < n; i++)
	{
		bool		beaten = !counts(&offers[i], at, qty) || offers[i].kind != OFFER_LIST;

		for (int j = 0; j < n && !beaten; j++)
			beaten = j != i && counts(&offers[j], at, qty) && offers[j].kind == OFFER_LIST &&
				beats_as_list(&offers[j], &offers[i]);
		if (!beaten)
			choice.list = i;
	}
	choice.price = choice.list;
	for (int i = 0; i < n && choice.list >= 0; i++)
	{
		bool		beaten = !counts(&offers[i], at, qty) || offers[i].kind == OFFER_LIST ||
			offers[i].amount >= offers[choice.list].amount;

		for (int j = 0; j < n && !beaten; j++)
			beaten = j != i && counts(&offers[j], at, qty) && offers[j].kind != OFFER_LIST &&
				beats_as_price(&offers[j], &offers[i]);
		if (!beaten)
			choice.price = i;
	}
	return choice;
}

static bool
same_choice(PriceChoice a, PriceChoice b)
{
	return a.list == b.list && a.price == b.price;
}

/* Everything is over at instant INSTANTS, unless it never ends. */
static int64_t
slow_next_change(const PriceOffer *offers, int n, int64_t at, int64_t qty)
{
	PriceChoice now = slow_choice(offers, n, at, qty);

	for (int64_t then = at + 1; then <= INSTANTS; then++)
	{
		if (!same_choice(slow_choice(offers, n, then, qty), now))
			return then;
	}
	return OFFER_NEVER;
}

static bool
is_reduced(const PriceOffer *offers, int n, int64_t at)
{
	PriceChoice choice = slow_choice(offers, n, at, 1);

	return choice.price != choice.list;
}

static int64_t
amount_at(const PriceOffer *offers, int n, int64_t at)
{
	PriceChoice choice = slow_choice(offers, n, at, 1);

	return choice.price < 0 ? -1 : offers[choice.price].amount;
}

static int64_t
slow_run_start(const PriceOffer *offers, int n, int64_t from)
{
	if (!is_reduced(offers, n, from))
		return from;
	while (from > -1 && is_reduced(offers, n, from - 1) &&
		   amount_at(offers, n, from - 1) >= amount_at(offers, n, from))
		from--;
	return from;
}

/* ----------------------------------------------------------------
 * Random offers
 * ----------------------------------------------------------------
 */

static void
random_span(int64_t *from, int64_t *until)
{
	*from = random_below(INSTANTS);
	*until = random_below(4) == 0 ? OFFER_NEVER : *from + random_below(INSTANTS - *from + 1);
}

static int
random_offers(PriceOffer *offers)
{
	int			n = (int) random_below(MAX_OFFERS + 1);

	for (int i = 0; i < n; i++)
	{
		PriceOffer *offer = &offers[i];

		memset(offer, 0, sizeof(*offer));
		offer->id = i * 7 % 13 + 1;
		offer->amount = 1 + random_below(6);
		offer->min_qty = 1 + random_below(3) * random_below(2);
		random_span(&offer->valid_from, &offer->valid_until);
		offer->recorded_at = random_below(3) ? OFFER_NOT_BEFORE : random_below(INSTANTS);
		offer->withdrawn_at = random_below(3) ? OFFER_NEVER : random_below(INSTANTS);
		offer->grant_from = OFFER_NOT_BEFORE;
		offer->grant_until = OFFER_NEVER;
		if (random_below(4) == 0)
			random_span(&offer->grant_from, &offer->grant_until);
		offer->kind = (OfferKind) (random_below(2) ? OFFER_LIST : random_below(OFFER_KINDS));
		offer->scope = (OfferScope) (offer->kind == OFFER_LIST ? random_below(OFFER_SCOPES) :
									 1 + random_below(OFFER_SCOPES - 1));
		offer->other_currency = random_below(16) == 0;
		offer->other_tier = offer->kind == OFFER_MEMBER && random_below(2);
	}
	return n;
}

/* ----------------------------------------------------------------
 * Tests
 * ----------------------------------------------------------------
 */

static PriceOffer
offer_of(int64_t id, OfferKind kind, OfferScope scope, int64_t amount, int64_t from, int64_t until)
{
	PriceOffer	offer = {0};

	offer.id = id;
	offer.kind = kind;
	offer.scope = scope;
	offer.amount = amount;
	offer.min_qty = 1;
	offer.valid_from = from;
	offer.valid_until = until;
	offer.recorded_at = OFFER_NOT_BEFORE;
	offer.withdrawn_at = OFFER_NEVER;
	offer.grant_from = OFFER_NOT_BEFORE;
	offer.grant_until = OFFER_NEVER;
	return offer;
}

static int64_t
prior_of(const PriceOffer *offers, int n, int64_t reduced_from, int64_t window)
{
	int64_t		start = retail_price_run_start(offers, n, reduced_from);
	PriceLowest lowest = retail_price_lowest(offers, n, start - window, start);

	return lowest.found ? lowest.amount : -1;
}

static void
test_known_priors(void)
{
	PriceOffer	up_and_down[] = {
		offer_of(1, OFFER_LIST, OFFER_BASE, 80, 0, 20),
		offer_of(2, OFFER_LIST, OFFER_BASE, 100, 20, OFFER_NEVER),
		offer_of(3, OFFER_PROMO, OFFER_ALL, 90, 40, OFFER_NEVER)
	};
	PriceOffer	progressive[] = {
		offer_of(1, OFFER_LIST, OFFER_BASE, 100, 0, OFFER_NEVER),
		offer_of(2, OFFER_PROMO, OFFER_ALL, 90, 40, 50),
		offer_of(3, OFFER_PROMO, OFFER_ALL, 80, 50, 60),
		offer_of(4, OFFER_PROMO, OFFER_ALL, 70, 60, OFFER_NEVER)
	};
	PriceOffer	gap[] = {
		offer_of(1, OFFER_LIST, OFFER_BASE, 70, 0, 5),
		offer_of(2, OFFER_LIST, OFFER_BASE, 100, 30, OFFER_NEVER),
		offer_of(3, OFFER_PROMO, OFFER_ALL, 90, 40, OFFER_NEVER)
	};

	report_rule("80, 100, then 90: the prior price is 80", prior_of(up_and_down, 3, 40, 30) != 80);
	report_rule("a window that begins after the 80: 100", prior_of(up_and_down, 3, 40, 15) != 100);
	report_rule("the price in force at the window's start counts", prior_of(up_and_down, 3, 40, 21) != 80);
	report_rule("10, 20, 30 % off: the price before the first step", prior_of(progressive, 4, 60, 15) != 100);
	report_rule("a pause in between is passed over", prior_of(gap, 3, 40, 38) != 70 ||
				prior_of(gap, 3, 40, 30) != 100);
	report_rule("no price before: none", prior_of(progressive, 1, 0, 30) != -1);
}

static void
test_random_choices(void)
{
	int			choices = 0;
	int			changes = 0;
	int			verdicts = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		PriceOffer	offers[MAX_OFFERS];
		OfferVerdict verdict[MAX_OFFERS];
		int			n = random_offers(offers);
		int64_t		at = random_below(INSTANTS);
		int64_t		qty = 1 + random_below(3);
		PriceChoice choice = retail_price_choose(offers, n, at, qty);

		choices += !same_choice(choice, slow_choice(offers, n, at, qty));
		changes += retail_price_next_change(offers, n, at, qty) != slow_next_change(offers, n, at, qty);
		retail_price_explain(offers, n, at, qty, verdict);
		for (int i = 0; i < n; i++)
		{
			verdicts += (verdict[i] >= OFFER_LESS_SPECIFIC) != counts(&offers[i], at, qty);
			verdicts += (verdict[i] == OFFER_IS_PRICE) != (i == choice.price);
			verdicts += (verdict[i] == OFFER_IS_LIST) != (i == choice.list && i != choice.price);
			verdicts += verdict[i] == OFFER_TIED && offers[i].kind != OFFER_LIST &&
				offers[i].amount != offers[choice.price].amount;
			verdicts += verdict[i] == OFFER_DEARER &&
				(offers[i].amount <= offers[choice.price].amount ||
				 offers[i].amount >= offers[choice.list].amount);
			verdicts += verdict[i] == OFFER_LESS_SPECIFIC &&
				offers[i].scope >= offers[choice.list].scope;
		}
	}
	report_rule("the choice is what no other offer beats", choices);
	report_rule("the next change is the first instant with another answer", changes);
	report_rule("a verdict for each offer: what counts, what won, and why the others did not", verdicts);
}

static void
test_random_pasts(void)
{
	int			starts = 0;
	int			lows = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		PriceOffer	offers[MAX_OFFERS];
		int			n = random_offers(offers);
		int64_t		until = random_below(INSTANTS);
		int64_t		from = random_below(until + 1);
		PriceLowest lowest = retail_price_lowest(offers, n, from, until);
		int64_t		least = -1;
		int64_t		least_at = 0;

		starts += retail_price_run_start(offers, n, until) != slow_run_start(offers, n, until);
		for (int64_t at = from; at < until; at++)
		{
			int64_t		amount = amount_at(offers, n, at);

			if (amount >= 0 && (least < 0 || amount < least))
			{
				least = amount;
				least_at = at;
			}
		}
		lows += lowest.found != (least >= 0) ||
			(lowest.found && (lowest.amount != least || lowest.at != least_at));
	}
	report_rule("a run of reductions begins where the first of them did", starts);
	report_rule("the least price of a span, gaps and its beginning included", lows);
}

int
main(int argc, char **argv)
{
	const char *seed = argc > 1 ? argv[1] : getenv("SEED");

	random_state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t) time(NULL);
	printf("# seed %" PRIu64 "\n", random_state);

	test_known_priors();
	test_random_choices();
	test_random_pasts();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
