/*-------------------------------------------------------------------------
 * price_stats_test.c
 *		Random test of src/pure/price_stats.c against a slow and obvious twin.
 *
 *		tools/run_module_test test/modules/price_stats_test.c [seed]
 *
 * The twin finds medians by counting: a number is one when at most half of
 * the others lie on either side of it.  It works in quarters throughout, in
 * 128 bits, and sorts nothing.  Amounts are few and small, where ties are
 * frequent, or spread up to the edge of int64.  Prints TAP; the seed repeats a
 * run.
 *-------------------------------------------------------------------------
 */
#include "price_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS		20000
#define MAX_AMOUNTS 40

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
report_rule(const char *name, int failures)
{
	tests_done++;
	if (failures)
	{
		tests_failed++;
		printf("# %d failures\n", failures);
	}
	printf("%sok %d - %s\n", failures ? "not " : "", tests_done, name);
}

/* The value of this rank, from 0, by counting how many are smaller. */
static __int128
ranked(const __int128 *values, int n, int rank)
{
	for (int i = 0; i < n; i++)
	{
		int			smaller = 0;
		int			same = 0;

		for (int j = 0; j < n; j++)
		{
			smaller += values[j] < values[i];
			same += values[j] == values[i];
		}
		if (smaller <= rank && rank < smaller + same)
			return values[i];
	}
	abort();
}

/* Half the sum of the two in the middle; the sum is even where it is asked. */
static __int128
twin_median(const __int128 *values, int n)
{
	return (ranked(values, n, (n - 1) / 2) + ranked(values, n, n / 2)) / 2;
}

static bool
twin_is_outlier(const int64_t *amounts, int n, int which, int64_t threshold_e4)
{
	__int128	quarters[MAX_AMOUNTS];
	__int128	distances[MAX_AMOUNTS];
	__int128	median;

	for (int i = 0; i < n; i++)
		quarters[i] = (__int128) amounts[i] * 4;
	median = twin_median(quarters, n);
	for (int i = 0; i < n; i++)
		distances[i] = quarters[i] > median ? quarters[i] - median : median - quarters[i];
	return distances[which] * PRICE_STATS_WHOLE > twin_median(distances, n) * threshold_e4;
}

static void
fill(int64_t *amounts, int n)
{
	int			shape = (int) random_below(4);

	for (int i = 0; i < n; i++)
	{
		switch (shape)
		{
			case 0:				/* many ties */
				amounts[i] = 1 + random_below(4);
				break;
			case 1:				/* a shelf price and its neighbours */
				amounts[i] = 5900 + random_below(61) - 30;
				break;
			case 2:				/* the same, with strays */
				amounts[i] = random_below(8) ? 5900 + random_below(7) : 1 + random_below(20000);
				break;
			default:			/* up to the edge */
				amounts[i] = INT64_MAX - (int64_t) (random_bits() >> (1 + random_below(62)));
				break;
		}
	}
}

static void
test_random_outliers(void)
{
	static const int64_t thresholds[] = {1, 10000, 35000, 35001, 10000000000};
	int			failures = 0;
	int			found = 0;
	int			looked = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		int64_t		amounts[MAX_AMOUNTS];
		int64_t		sorted[MAX_AMOUNTS];
		int			n = 1 + (int) random_below(MAX_AMOUNTS);
		int64_t		threshold = thresholds[random_below(5)];
		PriceSpread spread;

		fill(amounts, n);
		memcpy(sorted, amounts, sizeof(amounts));
		retail_price_spread(sorted, n, &spread);
		for (int i = 1; i < n; i++)
			failures += sorted[i - 1] > sorted[i];
		for (int i = 0; i < n; i++)
		{
			bool		outlier = retail_price_is_outlier(&spread, amounts[i], threshold);

			failures += outlier != twin_is_outlier(amounts, n, i, threshold);
			found += outlier;
			looked++;
		}
	}
	report_rule("random outliers are those found by counting", failures);
	report_rule("some amounts are outliers, and some are not", found < looked / 20 || found > looked * 19 / 20);
}

static void
test_known(void)
{
	int64_t		odd[] = {103, 100, 101, 200, 99};	/* median 101, distances 0 1 2 2 99 */
	int64_t		even[] = {4, 1, 2, 3};	/* median 2.5, distances 0.5 0.5 1.5 1.5 */
	int64_t		same[] = {7, 7, 7, 8};
	int64_t		edge[] = {1, INT64_MAX};
	int64_t		one[] = {5};
	PriceSpread spread;
	int			failures = 0;

	retail_price_spread(odd, 5, &spread);
	failures += spread.median_x2 != 202 || spread.deviation_x4_half != 4 || spread.deviation_odd;
	failures += retail_price_is_outlier(&spread, 108, 35000);
	failures += !retail_price_is_outlier(&spread, 109, 35000);
	failures += !retail_price_is_outlier(&spread, 93, 35000);
	failures += retail_price_median_floor(&spread) != 101;
	report_rule("median 101 and deviation 2: 94 to 108 are no outliers", failures);

	failures = 0;
	retail_price_spread(even, 4, &spread);
	failures += spread.median_x2 != 5 || spread.deviation_x4_half != 2 || spread.deviation_odd;
	failures += retail_price_is_outlier(&spread, 6, 35000);
	failures += !retail_price_is_outlier(&spread, 7, 35000);
	failures += retail_price_median_floor(&spread) != 2;
	report_rule("median 2.5 and deviation 1: 6 is just inside", failures);

	failures = 0;
	retail_price_spread(same, 4, &spread);
	failures += retail_price_is_outlier(&spread, 7, 35000) || !retail_price_is_outlier(&spread, 8, 35000);
	retail_price_spread(one, 1, &spread);
	failures += retail_price_is_outlier(&spread, 5, 35000);
	report_rule("without any deviation every other amount is an outlier", failures);

	failures = 0;
	retail_price_spread(edge, 2, &spread);
	failures += retail_price_is_outlier(&spread, 1, 10000) || retail_price_is_outlier(&spread, INT64_MAX, 10000);
	failures += !retail_price_is_outlier(&spread, INT64_MAX, 9999);
	report_rule("the edges of int64", failures);
}

int
main(int argc, char **argv)
{
	uint64_t	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);

	random_state = seed;
	printf("# seed %" PRIu64 "\n", seed);
	test_known();
	test_random_outliers();
	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
