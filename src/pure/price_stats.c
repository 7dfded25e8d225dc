/*-------------------------------------------------------------------------
 * price_stats.c
 *		Median and median deviation of prices, exact.
 *
 * The median deviation (MAD) is the median of the distances from the median.
 * Unlike mean and standard deviation neither is moved by the few prices that
 * are looked for.
 *
 * Amounts are minor units above 0.  The median of an even number of them may
 * end in a half, and the median of the distances from it in a quarter; twice
 * the one and four times the other are whole numbers, so nothing is rounded.
 *
 * Plain C without the server, no state.
 *-------------------------------------------------------------------------
 */
#include "price_stats.h"

#include <stdlib.h>

static int
compare_amounts(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* Twice the distance from the median. */
static uint64_t
distance_x2(int64_t amount, uint64_t median_x2)
{
	uint64_t	amount_x2 = (uint64_t) amount * 2;

	return amount_x2 > median_x2 ? amount_x2 - median_x2 : median_x2 - amount_x2;
}

/*
 * Of n >= 1 amounts above 0, which are put into order.  Distances need no
 * order of their own: in sorted amounts they grow from the median both ways,
 * so the smallest are found by walking outwards.
 */
void
retail_price_spread(int64_t *amounts, int32_t n, PriceSpread *spread)
{
	int32_t		below = n / 2 - 1;	/* next to the left */
	int32_t		above = n / 2;	/* and to the right */
	uint64_t	middle[2] = {0, 0}; /* the two distances in the middle */

	qsort(amounts, n, sizeof(int64_t), compare_amounts);
	spread->median_x2 = (uint64_t) amounts[(n - 1) / 2] + (uint64_t) amounts[n / 2];
	for (int32_t rank = 0; rank <= n / 2; rank++)
	{
		uint64_t	left = below < 0 ? UINT64_MAX : distance_x2(amounts[below], spread->median_x2);
		uint64_t	right = above == n ? UINT64_MAX : distance_x2(amounts[above], spread->median_x2);
		uint64_t	nearest = left < right ? left : right;

		if (left < right)
			below--;
		else
			above++;
		if (rank == (n - 1) / 2)
			middle[0] = nearest;
		if (rank == n / 2)
			middle[1] = nearest;
	}

	/* their sum may need one bit more than there is */
	spread->deviation_x4_half = middle[0] / 2 + middle[1] / 2 + (middle[0] & middle[1] & 1);
	spread->deviation_odd = (middle[0] ^ middle[1]) & 1;
}

/*
 * Whether an amount lies further from the median than threshold times the
 * median deviation.  Where more than half of the amounts are the same, the
 * deviation is 0 and every other amount does.
 */
bool
retail_price_is_outlier(const PriceSpread *spread, int64_t amount, int64_t threshold_e4)
{
	__int128	deviation_x4 = (__int128) spread->deviation_x4_half * 2 + spread->deviation_odd;

	return (__int128) distance_x2(amount, spread->median_x2) * 2 * PRICE_STATS_WHOLE >
		deviation_x4 * threshold_e4;
}

/* The median, without the half it may end in. */
int64_t
retail_price_median_floor(const PriceSpread *spread)
{
	return (int64_t) (spread->median_x2 / 2);
}
