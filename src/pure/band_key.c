/*-------------------------------------------------------------------------
 * band_key.c
 *		What a GiST index keeps of price bands.
 *
 * A leaf keeps the limits of a band and its unit, an inner entry the smallest
 * box around its children: from the least low to the greatest high, from the
 * first unit to the last.  A unit is a currency and its decimals as one
 * number that sorts by currency.  The base is in no key, because no question
 * asks for it; a leaf answers both questions (is this amount a legal price?
 * is some price legal in both bands?) exactly, so nothing is checked again.
 *
 * A page is cut where the two halves overlap least.  Units come first: bands
 * of one currency stay together, and a search for overlaps of a band passes
 * the other currencies by.
 *
 * Plain C without the server, no state.
 *-------------------------------------------------------------------------
 */
#include "band_key.h"

#include <stdlib.h>

#include "price_rules.h"

/* Of a page, a split leaves each side at least one part in so many. */
#define BAND_SPLIT_LEAST_PART 4

/* More than any two amounts are apart. */
#define BAND_UNIT_PENALTY 36893488147419103232.0	/* 2^65 */

static uint32_t
pack_unit(const PriceBand *band)
{
	uint32_t	unit = 0;

	for (int i = 0; i < BAND_CURRENCY_LETTERS; i++)
		unit = unit << 8 | (unsigned char) band->currency[i];
	return unit << 8 | (uint32_t) band->decimals;
}

/* Currency, terminated, and decimals of a unit. */
void
retail_band_key_unit(uint32_t unit, char *currency, int *decimals)
{
	for (int i = 0; i < BAND_CURRENCY_LETTERS; i++)
		currency[i] = (char) (unit >> (24 - 8 * i));
	currency[BAND_CURRENCY_LETTERS] = '\0';
	*decimals = (int) (unit & 0xff);
}

void
retail_band_key_make(const PriceBand *band, PriceBandKey *key)
{
	int64_t		unit = retail_price_minor_unit(band->decimals);

	key->low_e4 = band->low_minor * unit;
	key->high_e4 = band->high_minor * unit;
	key->unit_first = pack_unit(band);
	key->unit_last = key->unit_first;
}

/* Whether these bytes can be a key. */
bool
retail_band_key_check(const PriceBandKey *key)
{
	return key->low_e4 <= key->high_e4 && key->unit_first <= key->unit_last &&
		(key->unit_first & 0xff) <= PRICE_MAX_DECIMALS &&
		(key->unit_last & 0xff) <= PRICE_MAX_DECIMALS;
}

/* Makes the box large enough for another one. */
void
retail_band_key_add(PriceBandKey *key, const PriceBandKey *more)
{
	if (more->low_e4 < key->low_e4)
		key->low_e4 = more->low_e4;
	if (more->high_e4 > key->high_e4)
		key->high_e4 = more->high_e4;
	if (more->unit_first < key->unit_first)
		key->unit_first = more->unit_first;
	if (more->unit_last > key->unit_last)
		key->unit_last = more->unit_last;
}

bool
retail_band_key_same(const PriceBandKey *a, const PriceBandKey *b)
{
	return a->low_e4 == b->low_e4 && a->high_e4 == b->high_e4 &&
		a->unit_first == b->unit_first && a->unit_last == b->unit_last;
}

/*
 * Whether the amount is a legal price of the band at a leaf, or could be one
 * of a band below an inner entry.
 */
bool
retail_band_key_contains(const PriceBandKey *key, int64_t amount_e4,
						 bool is_leaf)
{
	if (amount_e4 < key->low_e4 || amount_e4 > key->high_e4)
		return false;
	return !is_leaf ||
		amount_e4 % retail_price_minor_unit((int) (key->unit_first & 0xff)) == 0;
}

/* Whether bands overlap at a leaf, or could below an inner entry. */
bool
retail_band_key_overlaps(const PriceBandKey *key, const PriceBandKey *other)
{
	return key->low_e4 <= other->high_e4 && other->low_e4 <= key->high_e4 &&
		key->unit_first <= other->unit_last &&
		other->unit_first <= key->unit_last;
}

/* How much the box has to grow.  A further unit is worse than any amount. */
float
retail_band_key_penalty(const PriceBandKey *key, const PriceBandKey *added)
{
	double		growth = 0;

	if (added->low_e4 < key->low_e4)
		growth += (double) key->low_e4 - (double) added->low_e4;
	if (added->high_e4 > key->high_e4)
		growth += (double) added->high_e4 - (double) key->high_e4;
	if (added->unit_first < key->unit_first ||
		added->unit_last > key->unit_last)
		growth += BAND_UNIT_PENALTY;
	return (float) growth;
}

/* By unit, then by the middle of the amounts, then by entry. */
static int
compare_items(const void *a, const void *b)
{
	const BandSplitItem *left = a;
	const BandSplitItem *right = b;
	__int128	left_middle;
	__int128	right_middle;

	if (left->key.unit_first != right->key.unit_first)
		return left->key.unit_first < right->key.unit_first ? -1 : 1;
	if (left->key.unit_last != right->key.unit_last)
		return left->key.unit_last < right->key.unit_last ? -1 : 1;
	left_middle = (__int128) left->key.low_e4 + left->key.high_e4;
	right_middle = (__int128) right->key.low_e4 + right->key.high_e4;
	if (left_middle != right_middle)
		return left_middle < right_middle ? -1 : 1;
	return left->entry < right->entry ? -1 : 1;
}

/* How much the two sides of a cut have in common. */
typedef struct BandOverlap
{
	bool		units;
	int64_t		amounts_e4;
} BandOverlap;

static BandOverlap
overlap_of(const PriceBandKey *a, const PriceBandKey *b)
{
	int64_t		low = a->low_e4 > b->low_e4 ? a->low_e4 : b->low_e4;
	int64_t		high = a->high_e4 < b->high_e4 ? a->high_e4 : b->high_e4;
	BandOverlap overlap;

	overlap.units = a->unit_first <= b->unit_last &&
		b->unit_first <= a->unit_last;

	/* amounts are positive, so this cannot overflow */
	overlap.amounts_e4 = high >= low ? high - low + 1 : 0;
	return overlap;
}

/* Negative when a cut with overlap a is the better one. */
static int
compare_overlaps(BandOverlap a, BandOverlap b)
{
	if (a.units != b.units)
		return a.units ? 1 : -1;
	return (a.amounts_e4 > b.amounts_e4) - (a.amounts_e4 < b.amounts_e4);
}

/*
 * Sorts the items, two or more, whose key and entry are filled in, and
 * returns how many of them go to the left page: the cut with the least
 * overlap, of equals the one nearest to the middle.
 */
int32_t
retail_band_key_split(BandSplitItem *items, int32_t nitems)
{
	int32_t		least = nitems / BAND_SPLIT_LEAST_PART;
	int32_t		best = 0;
	BandOverlap best_overlap = {true, INT64_MAX};
	PriceBandKey left;

	if (least < 1)
		least = 1;
	qsort(items, (size_t) nitems, sizeof(*items), compare_items);
	items[nitems - 1].rest = items[nitems - 1].key;
	for (int32_t i = nitems - 2; i >= 0; i--)
	{
		items[i].rest = items[i].key;
		retail_band_key_add(&items[i].rest, &items[i + 1].rest);
	}

	left = items[0].key;
	for (int32_t n = 1; n <= nitems - least; n++)
	{
		if (n >= least)
		{
			BandOverlap overlap = overlap_of(&left, &items[n].rest);
			int			order = compare_overlaps(overlap, best_overlap);

			if (best == 0 || order < 0 ||
				(order == 0 && abs(2 * n - nitems) < abs(2 * best - nitems)))
			{
				best = n;
				best_overlap = overlap;
			}
		}
		retail_band_key_add(&left, &items[n].key);
	}
	return best;
}
