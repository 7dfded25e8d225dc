/*-------------------------------------------------------------------------
 * string_compare.c
 *		Jaro-Winkler similarity and Damerau-Levenshtein distance.
 *
 * Exact to the published definitions; the tests compare them with slow twins.
 * Pairs of people are scored by the million, so nothing is allocated: strings
 * of STRING_COMPARE_MAX units at most live on the stack.
 *-------------------------------------------------------------------------
 */
#include "string_compare.h"

#include <stdbool.h>
#include <string.h>

#define WINKLER_PREFIX		4
#define WINKLER_SCALE		0.1
#define WINKLER_THRESHOLD	0.7

static int
min_int(int a, int b)
{
	return a < b ? a : b;
}

static int
max_int(int a, int b)
{
	return a > b ? a : b;
}

double
retail_jaro_winkler(const uint16_t *a, int alen, const uint16_t *b, int blen)
{
	bool		taken[STRING_COMPARE_MAX];
	uint16_t	found[STRING_COMPARE_MAX];
	int			window = max_int(max_int(alen, blen) / 2 - 1, 0);
	int			matches = 0;
	int			out_of_order = 0;
	int			prefix = 0;
	double		similarity;

	if (alen == 0 || blen == 0)
		return alen == blen ? 1 : 0;

	memset(taken, 0, sizeof(bool) * blen);
	for (int i = 0; i < alen; i++)
	{
		int			last = min_int(i + window, blen - 1);

		for (int j = max_int(i - window, 0); j <= last; j++)
			if (!taken[j] && a[i] == b[j])
			{
				taken[j] = true;
				found[matches++] = a[i];
				break;
			}
	}
	if (matches == 0)
		return 0;

	for (int j = 0, k = 0; j < blen; j++)
		if (taken[j])
			out_of_order += b[j] != found[k++];

	similarity = ((double) matches / alen + (double) matches / blen +
				  (matches - out_of_order / 2) / (double) matches) / 3;
	if (similarity <= WINKLER_THRESHOLD)
		return similarity;

	while (prefix < WINKLER_PREFIX && prefix < alen && prefix < blen &&
		   a[prefix] == b[prefix])
		prefix++;
	return similarity + prefix * WINKLER_SCALE * (1 - similarity);
}

/* Where the unit last stood in a, from 1; the table is short. */
static int
last_place(const uint16_t *units, const int *places, int n, uint16_t unit)
{
	for (int i = 0; i < n; i++)
		if (units[i] == unit)
			return places[i];
	return 0;
}

static void
set_last_place(uint16_t *units, int *places, int *n, uint16_t unit, int place)
{
	for (int i = 0; i < *n; i++)
		if (units[i] == unit)
		{
			places[i] = place;
			return;
		}
	units[*n] = unit;
	places[(*n)++] = place;
}

int
retail_damerau_levenshtein(const uint16_t *a, int alen,
						   const uint16_t *b, int blen)
{
	static _Thread_local uint16_t cost[STRING_COMPARE_MAX + 1][STRING_COMPARE_MAX + 1];
	uint16_t	seen[STRING_COMPARE_MAX];
	int			seen_at[STRING_COMPARE_MAX];
	int			n_seen = 0;

	for (int i = 0; i <= alen; i++)
		cost[i][0] = (uint16_t) i;
	for (int j = 0; j <= blen; j++)
		cost[0][j] = (uint16_t) j;

	for (int i = 1; i <= alen; i++)
	{
		int			last_match = 0; /* in b, of a unit equal to a[i - 1] */

		for (int j = 1; j <= blen; j++)
		{
			int			row = last_place(seen, seen_at, n_seen, b[j - 1]);
			int			column = last_match;
			bool		same = a[i - 1] == b[j - 1];
			int			best = cost[i - 1][j - 1] + !same;

			best = min_int(best, cost[i - 1][j] + 1);
			best = min_int(best, cost[i][j - 1] + 1);
			if (row > 0 && column > 0)
				best = min_int(best, cost[row - 1][column - 1] +
							   (i - row - 1) + 1 + (j - column - 1));
			cost[i][j] = (uint16_t) best;
			if (same)
				last_match = j;
		}
		set_last_place(seen, seen_at, &n_seen, a[i - 1], i);
	}
	return cost[alen][blen];
}

int
retail_one_edit(const uint16_t *a, int alen, const uint16_t *b, int blen)
{
	int			head = 0;
	int			tail = 0;
	int			shorter = min_int(alen, blen);
	int			left;

	if (alen - blen > 1 || blen - alen > 1)
		return false;
	while (head < shorter && a[head] == b[head])
		head++;
	while (tail < shorter - head && a[alen - 1 - tail] == b[blen - 1 - tail])
		tail++;
	left = max_int(alen, blen) - head - tail;
	if (left <= 1)
		return true;
	return left == 2 && alen == blen &&
		a[head] == b[head + 1] && a[head + 1] == b[head];
}
