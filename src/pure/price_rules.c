/*-------------------------------------------------------------------------
 * price_rules.c
 *		Exact arithmetic on prices in minor units.
 *
 * A price is an int64 number of minor units (fen, yen, fils).  Every product
 * is formed in 128 bits and divided once, so there is one rounding and no
 * error before it; an answer beyond int64 is reported and never wrapped.
 * Nothing here knows a currency.
 *
 * A percentage is a part of a whole, both integers: 5 % is 500 of
 * PRICE_BP_WHOLE in basis points, and 3.3333 % is 33333 of 1000000.  The
 * caller picks the whole, so a percentage is as fine as it was written and
 * not rounded before it is used.
 *
 * Where nothing else is said, rounding is half away from zero: a refund is
 * then the exact mirror of the charge.
 *
 * Plain C without the server, no state.
 *-------------------------------------------------------------------------
 */
#include "price_rules.h"

#include <stdlib.h>

/*
 * The quotient as int64.  |product| < 2^127; divisor in 1 .. 2^63 - 1.
 */
static PriceStatus
divide(__int128 product, int64_t divisor, PriceRounding rounding,
	   int64_t *result)
{
	__int128	quotient = product / divisor;
	int64_t		rest = (int64_t) (product % divisor);
	int64_t		distance = rest < 0 ? -rest : rest;

	switch (rounding)
	{
		case PRICE_HALF_AWAY:
			if (distance >= divisor - distance)
				quotient += product < 0 ? -1 : 1;
			break;
		case PRICE_UP:
			quotient += rest > 0;
			break;
		case PRICE_DOWN:
			quotient -= rest < 0;
			break;
	}
	if (quotient < INT64_MIN || quotient > INT64_MAX)
		return PRICE_OVERFLOW;
	*result = (int64_t) quotient;
	return PRICE_OK;
}

/* Ten-thousandths of the currency in one of its minor units. */
int64_t
retail_price_minor_unit(int decimals)
{
	static const int64_t unit[PRICE_MAX_DECIMALS + 1] = {10000, 1000, 100, 10, 1};

	return unit[decimals];
}

/*
 * Whether an amount can be stored: its ten-thousandths must fit int64, which
 * is 922 trillion in any currency.  Amounts of currencies with different
 * decimals can then be put into one order without a special case.
 */
bool
retail_price_in_range(int64_t price_minor, int decimals)
{
	int64_t		limit = INT64_MAX / retail_price_minor_unit(decimals);

	return price_minor >= -limit && price_minor <= limit;
}

/* amount * factor / divisor, rounded once.  The divisor is at least 1. */
PriceStatus
retail_price_scale(int64_t amount, int64_t factor, int64_t divisor,
				   PriceRounding rounding, int64_t *result)
{
	if (divisor < 1)
		return PRICE_BAD_ARGUMENT;
	return divide((__int128) amount * factor, divisor, rounding, result);
}

/*
 * The unit price after a percentage off.  0 <= off <= whole, whole > 0; all
 * off is 0, and whether anything may be given away is not decided here.
 */
PriceStatus
retail_price_reduce(int64_t price_minor, int64_t off, int64_t whole,
					int64_t *reduced_minor)
{
	if (off < 0 || off > whole)
		return PRICE_BAD_ARGUMENT;
	return retail_price_scale(price_minor, whole - off, whole,
							  PRICE_HALF_AWAY, reduced_minor);
}

/*
 * The least and the greatest price within base*(1 - below) and
 * base*(1 + above), bounds included: the least is rounded up and the
 * greatest down, so that neither is outside.  base > 0, 0 <= below < whole,
 * above >= 0; the least is then positive, and low <= base <= high.
 */
PriceStatus
retail_price_limits(int64_t base_minor, int64_t below, int64_t above,
					int64_t whole, int64_t *low_minor, int64_t *high_minor)
{
	PriceStatus status;

	if (base_minor < 1 || below < 0 || below >= whole || above < 0)
		return PRICE_BAD_ARGUMENT;
	status = divide((__int128) base_minor * (whole - below), whole,
					PRICE_UP, low_minor);
	if (status != PRICE_OK)
		return status;

	/* whole + above may take 64 bits; the product stays below 2^127 */
	return divide(base_minor * ((__int128) whole + above), whole,
				  PRICE_DOWN, high_minor);
}

/*
 * The amount of a line: a price is for per_qty units (100 g, say), and qty of
 * the same units are sold.  per_qty > 0; a negative qty is a return.
 */
PriceStatus
retail_price_line(int64_t price_minor, int64_t qty, int64_t per_qty,
				  int64_t *amount_minor)
{
	return retail_price_scale(price_minor, qty, per_qty, PRICE_HALF_AWAY,
							  amount_minor);
}

/* Greatest remainder first; ties by line number. */
static int
compare_remainders(const void *a, const void *b)
{
	const PriceRemainder *left = a;
	const PriceRemainder *right = b;

	if (left->high != right->high)
		return left->high > right->high ? -1 : 1;
	if (left->low != right->low)
		return left->low > right->low ? -1 : 1;
	return left->line < right->line ? -1 : 1;
}

/*
 * Divides an amount that belongs to the whole order over its lines, in
 * proportion to their weights (their amounts, as a rule), so that the shares
 * add up to it exactly.  Each line gets its part rounded towards zero; the
 * units left over go one each to the lines with the largest remainders, ties
 * by line number.
 *
 * Weights are at least 0, and a line of weight 0 gets nothing.  When all are
 * 0 the lines count alike, because the amount (postage on an order of free
 * samples) has to go somewhere.  A negative amount is the mirror of the
 * positive one.  Without lines only 0 can be divided.
 *
 * No share is farther than one unit from its exact part, and one of an
 * amount no larger than the sum of the weights is no larger than its weight:
 * a discount makes no line negative.
 *
 * "scratch" and "shares_minor" have room for nlines each.
 */
PriceStatus
retail_price_allocate(int64_t amount_minor, const int64_t *weights,
					  int32_t nlines, PriceRemainder *scratch,
					  int64_t *shares_minor)
{
	uint64_t	amount = amount_minor < 0 ? 0 - (uint64_t) amount_minor : (uint64_t) amount_minor;
	uint64_t	left = amount;
	unsigned __int128 total = 0;
	bool		even;

	for (int32_t i = 0; i < nlines; i++)
	{
		if (weights[i] < 0)
			return PRICE_BAD_ARGUMENT;
		total += (uint64_t) weights[i];
	}
	if (nlines < 0 || (nlines == 0 && amount != 0))
		return PRICE_BAD_ARGUMENT;
	even = total == 0;
	if (even)
		total = (unsigned __int128) nlines;

	for (int32_t i = 0; i < nlines; i++)
	{
		unsigned __int128 product = (unsigned __int128) amount *
			(even ? 1 : (uint64_t) weights[i]);
		unsigned __int128 remainder = product % total;
		uint64_t	share = (uint64_t) (product / total);

		shares_minor[i] = (int64_t) share;
		left -= share;
		scratch[i].high = (uint64_t) (remainder >> 64);
		scratch[i].low = (uint64_t) remainder;
		scratch[i].line = i;
	}

	/* fewer units are left than lines have a remainder */
	if (left > 0)
		qsort(scratch, (size_t) nlines, sizeof(*scratch), compare_remainders);
	for (uint64_t i = 0; i < left; i++)
		shares_minor[scratch[i].line] =
			(int64_t) ((uint64_t) shares_minor[scratch[i].line] + 1);

	if (amount_minor < 0)
		for (int32_t i = 0; i < nlines; i++)
			shares_minor[i] = (int64_t) (0 - (uint64_t) shares_minor[i]);
	return PRICE_OK;
}
