/*-------------------------------------------------------------------------
 * price_rules_test.c
 *		Random test of src/pure/price_rules.c against slow and obvious twins.
 *
 *		tools/run_module_test test/modules/price_rules_test.c [seed]
 *
 * Rounded quotients and limits are held to their definitions, which need no
 * division: the result times the divisor lies on the right side of the
 * product, and its neighbour does not.  Shares are compared with a loop that
 * hands out one unit after the other to whoever is farthest behind.  Numbers
 * are small, near powers of two, and at the edges of int64.  Prints TAP; the
 * seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "price_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS		200000
#define ALLOCATIONS 100000
#define MAX_LINES	40

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

/* 0 or more: shelf prices, any length, or near the largest. */
static int64_t
random_amount(void)
{
	switch (random_below(6))
	{
		case 0:
			return random_below(4);
		case 1:
			return (int64_t) (random_bits() >> (1 + random_below(63)));
		case 2:
			return INT64_MAX - random_below(4);
		case 3:
			return (INT64_C(1) << random_below(63)) - random_below(2);
		default:
			return random_below(200000);
	}
}

static int64_t
random_signed(void)
{
	int64_t		amount = random_amount();

	if (random_below(64) == 0)
		return INT64_MIN;
	return random_below(2) ? amount : -amount;
}

static int64_t
random_positive(void)
{
	int64_t		amount = random_amount();

	return amount > 0 ? amount : 1;
}

/* Mostly the wholes that percentages come with. */
static int64_t
random_whole(void)
{
	switch (random_below(4))
	{
		case 0:
			return random_positive();
		case 1:
			return 1000000;
		default:
			return PRICE_BP_WHOLE;
	}
}

/* Prints one TAP line for a rule that held "failures" times not. */
static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	if (failures > 0)
		tests_failed++;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

/*-------------------------------------------------------------------------
 * Known answers
 *-------------------------------------------------------------------------
 */

static int
wrong_limits(int64_t base, int64_t bp, int64_t expected_low,
			 int64_t expected_high)
{
	int64_t		low = -1;
	int64_t		high = -1;

	return retail_price_limits(base, bp, bp, PRICE_BP_WHOLE, &low, &high) != PRICE_OK ||
		low != expected_low || high != expected_high;
}

static void
test_known_limits(void)
{
	int			failures = 0;
	int64_t		low;
	int64_t		high;

	failures += wrong_limits(999, 500, 950, 1048);	/* 9.99 CNY */
	failures += wrong_limits(199, 1000, 180, 218);	/* 199 JPY */
	failures += wrong_limits(1235, 1000, 1112, 1358);	/* 1.235 KWD */
	failures += wrong_limits(1000, 1000, 900, 1100);
	failures += wrong_limits(1000, 0, 1000, 1000);
	failures += wrong_limits(1, 9999, 1, 1);
	failures += wrong_limits(1, 5000, 1, 1);
	failures += wrong_limits(2, 5000, 1, 3);
	failures += wrong_limits(19999, 1, 19998, 20000);
	report_rule("the limits of the specification", failures);

	failures = 0;
	failures += retail_price_limits(0, 500, 500, PRICE_BP_WHOLE, &low, &high) != PRICE_BAD_ARGUMENT;
	failures += retail_price_limits(-5, 500, 500, PRICE_BP_WHOLE, &low, &high) != PRICE_BAD_ARGUMENT;
	failures += retail_price_limits(999, -1, 500, PRICE_BP_WHOLE, &low, &high) != PRICE_BAD_ARGUMENT;
	failures += retail_price_limits(999, 500, -1, PRICE_BP_WHOLE, &low, &high) != PRICE_BAD_ARGUMENT;
	failures += retail_price_limits(999, PRICE_BP_WHOLE, 0, PRICE_BP_WHOLE, &low, &high) != PRICE_BAD_ARGUMENT;
	failures += retail_price_limits(999, 0, 0, 0, &low, &high) != PRICE_BAD_ARGUMENT;
	failures += retail_price_limits(INT64_MAX, 0, 1, PRICE_BP_WHOLE, &low, &high) != PRICE_OVERFLOW;
	failures += retail_price_limits(INT64_MAX, INT64_MAX - 1, INT64_MAX, INT64_MAX, &low, &high) != PRICE_OVERFLOW;
	failures += retail_price_limits(INT64_MAX / 2, 1, INT64_MAX, INT64_MAX, &low, &high) != PRICE_OK ||
		low != INT64_MAX / 2 || high != INT64_MAX - 1;
	failures += retail_price_limits(INT64_MAX, 1, 0, 1000000, &low, &high) != PRICE_OK ||
		low != INT64_C(9223362813482738953) || high != INT64_MAX;
	report_rule("a base of 0, bad percentages and answers beyond int64 are refused", failures);
}

static int
wrong_reduced(int64_t price, int64_t off, int64_t expected)
{
	int64_t		reduced = -1;

	return retail_price_reduce(price, off, PRICE_BP_WHOLE, &reduced) != PRICE_OK ||
		reduced != expected;
}

static int
wrong_line(int64_t price, int64_t qty, int64_t per_qty, int64_t expected)
{
	int64_t		amount = -1;

	return retail_price_line(price, qty, per_qty, &amount) != PRICE_OK ||
		amount != expected;
}

static void
test_known_amounts(void)
{
	int			failures = 0;
	int64_t		result;

	failures += wrong_reduced(999, 1000, 899);	/* 899.1 */
	failures += wrong_reduced(995, 1000, 896);	/* 895.5 */
	failures += wrong_reduced(-995, 1000, -896);
	failures += wrong_reduced(999, 0, 999);
	failures += wrong_reduced(999, PRICE_BP_WHOLE, 0);
	failures += wrong_reduced(INT64_MAX, 5000, INT64_C(4611686018427387904));
	failures += wrong_reduced(INT64_MIN, 0, INT64_MIN);
	failures += retail_price_reduce(999, -1, PRICE_BP_WHOLE, &result) != PRICE_BAD_ARGUMENT;
	failures += retail_price_reduce(999, 10001, PRICE_BP_WHOLE, &result) != PRICE_BAD_ARGUMENT;
	failures += retail_price_reduce(999, 0, 0, &result) != PRICE_BAD_ARGUMENT;
	report_rule("a reduction multiplies first and rounds once, halves away from zero", failures);

	failures = 0;
	failures += wrong_line(1298, 735, 500, 1908);	/* 1908.06 */
	failures += wrong_line(1, 1, 2, 1); /* half a fen */
	failures += wrong_line(1, -1, 2, -1);
	failures += wrong_line(1, 1, 3, 0);
	failures += wrong_line(INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX);
	failures += wrong_line(INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN);
	failures += retail_price_line(INT64_MAX, 2, 1, &result) != PRICE_OVERFLOW;
	failures += retail_price_line(INT64_MIN, INT64_MIN, 1, &result) != PRICE_OVERFLOW;
	failures += retail_price_line(INT64_MIN, -1, 1, &result) != PRICE_OVERFLOW;
	failures += retail_price_line(1298, 735, 0, &result) != PRICE_BAD_ARGUMENT;
	failures += retail_price_line(1298, 735, -500, &result) != PRICE_BAD_ARGUMENT;
	report_rule("a weighed line rounds once; what does not fit is reported", failures);

	failures = 0;
	for (int decimals = 0; decimals <= PRICE_MAX_DECIMALS; decimals++)
	{
		int64_t		unit = retail_price_minor_unit(decimals);
		int64_t		limit = INT64_MAX / unit;

		failures += !retail_price_in_range(limit, decimals);
		failures += !retail_price_in_range(-limit, decimals);
		failures += decimals < PRICE_MAX_DECIMALS &&
			(retail_price_in_range(limit + 1, decimals) ||
			 retail_price_in_range(-limit - 1, decimals));
	}
	failures += retail_price_minor_unit(0) != 10000 || retail_price_minor_unit(4) != 1;
	failures += retail_price_in_range(INT64_MIN, 4) || retail_price_in_range(INT64_MIN, 0);
	report_rule("the range of amounts is the same in every currency", failures);
}

typedef struct KnownShares
{
	int64_t		amount;
	int32_t		nlines;
	int64_t		weights[4];
	int64_t		shares[4];
} KnownShares;

static int
wrong_shares(const KnownShares *known, int nknown)
{
	int			failures = 0;

	for (int i = 0; i < nknown; i++)
	{
		int64_t		shares[4];
		PriceRemainder scratch[4];

		failures += retail_price_allocate(known[i].amount, known[i].weights, known[i].nlines, scratch, shares) != PRICE_OK ||
			memcmp(shares, known[i].shares, sizeof(*shares) * known[i].nlines) != 0;
	}
	return failures;
}

static void
test_known_shares(void)
{
	static const KnownShares shelf[] = {
		{100, 3, {1, 1, 1}, {34, 33, 33}},
		{-100, 3, {1, 1, 1}, {-34, -33, -33}},
		{2, 3, {1, 1, 1}, {1, 1, 0}},
		{1000, 3, {999, 0, 2500}, {286, 0, 714}},
		{10, 3, {5, 3, 7}, {3, 2, 5}},
		{0, 2, {5, 3}, {0, 0}},
	};
	static const KnownShares weightless[] = {
		{600, 4, {0, 0, 0, 0}, {150, 150, 150, 150}},
		{5, 3, {0, 0, 0}, {2, 2, 1}},
		{-5, 3, {0, 0, 0}, {-2, -2, -1}},
		{7, 3, {0, 3, 0}, {0, 7, 0}},
	};
	static const KnownShares edges[] = {
		{INT64_MAX, 3, {INT64_MAX, INT64_MAX, INT64_MAX},
		{INT64_MAX / 3 + 1, INT64_MAX / 3, INT64_MAX / 3}},
		{INT64_MIN, 1, {INT64_MAX}, {INT64_MIN}},
		{INT64_MIN, 2, {1, 1}, {INT64_MIN / 2, INT64_MIN / 2}},
		{INT64_MIN, 2, {0, 0}, {INT64_MIN / 2, INT64_MIN / 2}},
		{INT64_MAX, 2, {INT64_MAX, 1}, {INT64_MAX - 1, 1}},
	};
	static const int64_t negative[1] = {-1};
	int			failures = 0;
	int64_t		shares[1];
	PriceRemainder scratch[1];

	report_rule("largest remainder, ties by line number, negative as the mirror",
				wrong_shares(shelf, sizeof(shelf) / sizeof(*shelf)));
	report_rule("weight 0 gets nothing, unless all are 0",
				wrong_shares(weightless, sizeof(weightless) / sizeof(*weightless)));
	report_rule("shares at the edges of int64",
				wrong_shares(edges, sizeof(edges) / sizeof(*edges)));

	failures += retail_price_allocate(0, NULL, 0, scratch, shares) != PRICE_OK;
	failures += retail_price_allocate(1, NULL, 0, scratch, shares) != PRICE_BAD_ARGUMENT;
	failures += retail_price_allocate(1, NULL, -1, scratch, shares) != PRICE_BAD_ARGUMENT;
	failures += retail_price_allocate(1, negative, 1, scratch, shares) != PRICE_BAD_ARGUMENT;
	report_rule("no lines and negative weights are refused", failures);
}

/*-------------------------------------------------------------------------
 * Random numbers against definitions
 *-------------------------------------------------------------------------
 */

/*
 * What the rounded quotient has to be, found from below by definition: the
 * floor, by search over the bits, then one step up or not.
 */
static bool
twin_scale(__int128 product, __int128 divisor, PriceRounding rounding,
		   int64_t *result)
{
	__int128	size = product < 0 ? -product : product;
	__int128	quotient = 0;
	__int128	rest = size;
	bool		negative = product < 0;
	bool		more;

	/* school division of the size, bit by bit */
	for (int bit = 126; bit >= 0; bit--)
	{
		if ((rest >> bit) >= divisor)
		{
			quotient += (__int128) 1 << bit;
			rest -= divisor << bit;
		}
	}
	if (rounding == PRICE_HALF_AWAY)
		more = rest * 2 >= divisor;
	else if (rounding == PRICE_UP)
		more = rest > 0 && !negative;
	else
		more = rest > 0 && negative;
	quotient += more;
	if (negative)
		quotient = -quotient;
	*result = (int64_t) quotient;
	return quotient >= INT64_MIN && quotient <= INT64_MAX;
}

static void
test_random_scale(void)
{
	int			failures = 0;
	int			overflows = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		int64_t		amount = random_signed();
		int64_t		factor = random_signed();
		int64_t		divisor = random_positive();
		PriceRounding rounding = (PriceRounding) random_below(3);
		int64_t		result = 0;
		int64_t		expected;
		PriceStatus status = retail_price_scale(amount, factor, divisor, rounding, &result);
		bool		fits = twin_scale((__int128) amount * factor, divisor, rounding, &expected);

		failures += status != (fits ? PRICE_OK : PRICE_OVERFLOW) ||
			(fits && result != expected);
		overflows += !fits;
	}
	report_rule("random quotients are those of school division", failures);
	report_rule("some of them overflow, most do not",
				overflows < ROUNDS / 100 || overflows > ROUNDS / 2);
}

static void
test_random_limits(void)
{
	int			failures = 0;
	int			fitting = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		int64_t		base = random_positive();
		int64_t		whole = random_whole();
		int64_t		below = random_below(whole);
		int64_t		above = random_below(8) ? random_below(whole) : random_amount();
		int64_t		low = 0;
		int64_t		high = 0;
		__int128	most = base * ((__int128) whole + above);
		__int128	least = base * ((__int128) whole - below);
		PriceStatus status = retail_price_limits(base, below, above, whole, &low, &high);

		if (((__int128) INT64_MAX + 1) * whole <= most)
		{
			failures += status != PRICE_OVERFLOW;
			continue;
		}
		fitting++;
		failures += status != PRICE_OK;
		failures += !(1 <= low && low <= base && base <= high);

		/* inside, and the neighbour is outside */
		failures += !(low * (__int128) whole >= least && (low - 1) * (__int128) whole < least);
		failures += !(high * (__int128) whole <= most && (high + (__int128) 1) * whole > most);
	}
	report_rule("random limits are inside, their neighbours outside", failures);
	report_rule("most random limits fit", fitting < ROUNDS / 2);
}

/* Small prices, where every price can be tried. */
static void
test_every_small_price(void)
{
	int			failures = 0;

	for (int64_t base = 1; base <= 60; base++)
	{
		for (int64_t bp = 0; bp < PRICE_BP_WHOLE; bp += 37)
		{
			int64_t		low;
			int64_t		high;

			failures += retail_price_limits(base, bp, bp, PRICE_BP_WHOLE, &low, &high) != PRICE_OK;
			for (int64_t price = -1; price <= 130; price++)
			{
				bool		allowed = base * (PRICE_BP_WHOLE - bp) <= price * PRICE_BP_WHOLE &&
					price * PRICE_BP_WHOLE <= base * (PRICE_BP_WHOLE + bp);

				failures += allowed != (low <= price && price <= high);
			}
		}
	}
	report_rule("every small price is inside exactly when the percentages say so", failures);
}

/*-------------------------------------------------------------------------
 * Random shares
 *-------------------------------------------------------------------------
 */

/*
 * Everybody starts with what surely is theirs; then one unit at a time goes
 * to whoever is owed most, the first of equals, and nobody gets two.
 */
static void
twin_shares(int64_t amount, const int64_t *weights, int nlines,
			int64_t *shares)
{
	__int128	size = amount < 0 ? -(__int128) amount : amount;
	__int128	total = 0;
	__int128	given = 0;
	__int128	share[MAX_LINES];
	__int128	weight[MAX_LINES];

	for (int i = 0; i < nlines; i++)
		total += weights[i];
	for (int i = 0; i < nlines; i++)
		weight[i] = total == 0 ? 1 : weights[i];
	if (total == 0)
		total = nlines;
	for (int i = 0; i < nlines; i++)
	{
		share[i] = size * weight[i] / total;
		given += share[i];
	}
	while (given < size)
	{
		int			best = -1;
		__int128	most = 0;

		for (int i = 0; i < nlines; i++)
		{
			__int128	owed = size * weight[i] - share[i] * total;

			if (owed > most)
			{
				most = owed;
				best = i;
			}
		}
		share[best]++;
		given++;
	}
	for (int i = 0; i < nlines; i++)
		shares[i] = (int64_t) (amount < 0 ? -share[i] : share[i]);
}

static void
test_random_shares(void)
{
	int			failures = 0;
	int			inexact = 0;
	int			mirrored = 0;
	int			too_large = 0;

	for (int round = 0; round < ALLOCATIONS; round++)
	{
		int			nlines = 1 + (int) random_below(MAX_LINES);
		bool		small = random_below(3) > 0;
		int64_t		amount = small ? random_below(20000) - 10000 : random_signed();

		/* blocks of exactly the size needed, so that a sanitizer sees a stray */
		int64_t    *weights = malloc(sizeof(int64_t) * nlines);
		int64_t    *shares = malloc(sizeof(int64_t) * nlines);
		int64_t    *mirror = malloc(sizeof(int64_t) * nlines);
		PriceRemainder *scratch = malloc(sizeof(PriceRemainder) * nlines);
		int64_t		expected[MAX_LINES];
		int64_t		kinds = 1 + random_below(5);
		__int128	sum = 0;
		__int128	total = 0;

		for (int i = 0; i < nlines; i++)
		{
			weights[i] = small ? random_below(kinds) * 333 : random_amount();
			total += weights[i];
		}
		failures += retail_price_allocate(amount, weights, nlines, scratch, shares) != PRICE_OK;
		twin_shares(amount, weights, nlines, expected);
		failures += memcmp(shares, expected, sizeof(int64_t) * nlines) != 0;
		for (int i = 0; i < nlines; i++)
		{
			sum += shares[i];
			if (total > 0 && amount <= total && -(__int128) amount <= total)
				too_large += shares[i] > weights[i] || -(__int128) shares[i] > weights[i];
		}
		inexact += sum != amount;
		if (amount != INT64_MIN)
		{
			failures += retail_price_allocate(-amount, weights, nlines, scratch, mirror) != PRICE_OK;
			for (int i = 0; i < nlines; i++)
				mirrored += mirror[i] != -shares[i];
		}
		free(weights);
		free(shares);
		free(mirror);
		free(scratch);
	}
	report_rule("random shares are those of handing out one by one", failures);
	report_rule("they add up exactly", inexact);
	report_rule("a refund mirrors the charge", mirrored);
	report_rule("no discount makes a line negative", too_large);
}

int
main(int argc, char **argv)
{
	const char *seed = argc > 1 ? argv[1] : getenv("SEED");

	random_state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t) time(NULL);
	printf("# seed %" PRIu64 "\n", random_state);

	test_known_limits();
	test_known_amounts();
	test_known_shares();
	test_random_scale();
	test_random_limits();
	test_every_small_price();
	test_random_shares();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
