/*-------------------------------------------------------------------------
 * band_value.c
 *		Price bands as values: check, text, order, containment.
 *
 * A band is a base price with the least and the greatest legal price around
 * it, all in minor units of one currency.  Always 0 < low <= base <= high.
 *
 * The unit of a band is its currency together with the number of decimals.
 * Bands of different units have nothing in common, not even where the numbers
 * agree; nothing is ever converted.  Amounts that come without a currency are
 * given in ten-thousandths (the suffix _e4), which every amount that can be
 * stored has as an int64.
 *
 * Text form: 9.99 [9.50,10.48] CNY.  The number of decimals is the number of
 * digits that are written, and the same in all three amounts.
 *
 * Plain C without the server, no state.
 *-------------------------------------------------------------------------
 */
#include "band_value.h"

#include <string.h>

#include "price_rules.h"

/* Whether these are the letters of a currency; no look at a list of them. */
static bool
is_currency(const char *letters)
{
	for (int i = 0; i < BAND_CURRENCY_LETTERS; i++)
		if (letters[i] < 'A' || letters[i] > 'Z')
			return false;
	return true;
}

BandStatus
retail_band_check(const PriceBand *band)
{
	if (!is_currency(band->currency) ||
		band->currency[BAND_CURRENCY_LETTERS] != '\0')
		return BAND_BAD_CURRENCY;
	if (band->decimals < 0 || band->decimals > PRICE_MAX_DECIMALS)
		return BAND_BAD_DECIMALS;
	if (band->base_minor <= 0 || band->low_minor <= 0)
		return BAND_NOT_POSITIVE;
	if (band->low_minor > band->base_minor ||
		band->base_minor > band->high_minor)
		return BAND_NOT_ORDERED;
	if (!retail_price_in_range(band->high_minor, band->decimals))
		return BAND_OUT_OF_RANGE;
	return BAND_OK;
}

/*-------------------------------------------------------------------------
 * Text
 *-------------------------------------------------------------------------
 */

/* A place in a text that need not be terminated. */
typedef struct BandText
{
	const char *start;
	const char *cursor;
	const char *end;
} BandText;

static void
skip_blanks(BandText *text)
{
	while (text->cursor < text->end &&
		   (*text->cursor == ' ' || (*text->cursor >= '\t' && *text->cursor <= '\r')))
		text->cursor++;
}

static bool
at_digit(const BandText *text)
{
	return text->cursor < text->end &&
		*text->cursor >= '0' && *text->cursor <= '9';
}

/* The character and the blanks after it; the cursor stays when it differs. */
static bool
accept_char(BandText *text, char wanted)
{
	if (text->cursor >= text->end || *text->cursor != wanted)
		return false;
	text->cursor++;
	skip_blanks(text);
	return true;
}

/* Appends the digits at the cursor; counts them. */
static BandStatus
parse_digits(BandText *text, int64_t *value, int *ndigits)
{
	*ndigits = 0;
	while (at_digit(text))
	{
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, *text->cursor - '0', value))
			return BAND_OUT_OF_RANGE;
		text->cursor++;
		(*ndigits)++;
	}
	return *ndigits > 0 ? BAND_OK : BAND_BAD_SYNTAX;
}

/* digits [. digits] and the blanks after it */
static BandStatus
parse_amount(BandText *text, int64_t *amount_minor, int32_t *decimals)
{
	int			ndigits;
	BandStatus	status;

	*amount_minor = 0;
	*decimals = 0;
	status = parse_digits(text, amount_minor, &ndigits);
	if (status == BAND_OK && text->cursor < text->end && *text->cursor == '.')
	{
		const char *point = text->cursor++;

		status = parse_digits(text, amount_minor, &ndigits);
		*decimals = ndigits;
		if (ndigits > PRICE_MAX_DECIMALS)
		{
			text->cursor = point;
			return BAND_BAD_DECIMALS;
		}
	}
	skip_blanks(text);
	return status;
}

/* base [ low , high ] currency */
static BandStatus
parse_band(BandText *text, PriceBand *band)
{
	int32_t		low_decimals;
	int32_t		high_decimals;
	BandStatus	status;

	skip_blanks(text);
	status = parse_amount(text, &band->base_minor, &band->decimals);
	if (status != BAND_OK)
		return status;
	if (!accept_char(text, '['))
		return BAND_BAD_SYNTAX;
	status = parse_amount(text, &band->low_minor, &low_decimals);
	if (status != BAND_OK)
		return status;
	if (!accept_char(text, ','))
		return BAND_BAD_SYNTAX;
	status = parse_amount(text, &band->high_minor, &high_decimals);
	if (status != BAND_OK)
		return status;
	if (!accept_char(text, ']'))
		return BAND_BAD_SYNTAX;
	if (text->end - text->cursor < BAND_CURRENCY_LETTERS ||
		!is_currency(text->cursor))
		return BAND_BAD_CURRENCY;
	memcpy(band->currency, text->cursor, BAND_CURRENCY_LETTERS);
	text->cursor += BAND_CURRENCY_LETTERS;
	skip_blanks(text);
	if (text->cursor < text->end)
		return BAND_BAD_SYNTAX;
	if (low_decimals != band->decimals || high_decimals != band->decimals)
		return BAND_MIXED_DECIMALS;
	return retail_band_check(band);
}

/* "offset" is where the text stopped making sense, when it did. */
BandStatus
retail_band_parse(const char *text, size_t len, PriceBand *band,
				  size_t *offset)
{
	BandText	reader = {text, text, text + len};
	BandStatus	status;

	memset(band, 0, sizeof(*band));
	status = parse_band(&reader, band);
	*offset = (size_t) (reader.cursor - reader.start);
	return status;
}

/* Writes an amount of 0 or more; returns the end, which is terminated. */
char *
retail_band_format_amount(int64_t amount_minor, int decimals, char *text)
{
	char		digits[24];
	int			ndigits = 0;

	/* from the right; at least one digit before the point */
	while (amount_minor > 0 || ndigits <= decimals)
	{
		digits[ndigits++] = (char) ('0' + amount_minor % 10);
		amount_minor /= 10;
	}
	while (ndigits > 0)
	{
		*text++ = digits[--ndigits];
		if (ndigits == decimals && decimals > 0)
			*text++ = '.';
	}
	*text = '\0';
	return text;
}

/* Writes a valid band into BAND_TEXT_BYTES. */
void
retail_band_format(const PriceBand *band, char *text)
{
	text = retail_band_format_amount(band->base_minor, band->decimals, text);
	*text++ = ' ';
	*text++ = '[';
	text = retail_band_format_amount(band->low_minor, band->decimals, text);
	*text++ = ',';
	text = retail_band_format_amount(band->high_minor, band->decimals, text);
	*text++ = ']';
	*text++ = ' ';
	memcpy(text, band->currency, BAND_CURRENCY_LETTERS + 1);
}

/*-------------------------------------------------------------------------
 * Comparison
 *-------------------------------------------------------------------------
 */

bool
retail_band_same_unit(const PriceBand *a, const PriceBand *b)
{
	return memcmp(a->currency, b->currency, sizeof(a->currency)) == 0 &&
		a->decimals == b->decimals;
}

static int
compare_int64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* By currency, decimals, base, low, high: 0 only for the same band. */
int
retail_band_compare(const PriceBand *a, const PriceBand *b)
{
	int			order = memcmp(a->currency, b->currency, sizeof(a->currency));

	if (order == 0)
		order = compare_int64(a->decimals, b->decimals);
	if (order == 0)
		order = compare_int64(a->base_minor, b->base_minor);
	if (order == 0)
		order = compare_int64(a->low_minor, b->low_minor);
	if (order == 0)
		order = compare_int64(a->high_minor, b->high_minor);
	return order;
}

/*
 * Whether an amount is a legal price: within the limits, and a whole number
 * of minor units.
 */
bool
retail_band_contains(const PriceBand *band, int64_t amount_e4)
{
	int64_t		unit = retail_price_minor_unit(band->decimals);

	return amount_e4 % unit == 0 && amount_e4 / unit >= band->low_minor &&
		amount_e4 / unit <= band->high_minor;
}

/* Whether some price is legal in both. */
bool
retail_band_overlaps(const PriceBand *a, const PriceBand *b)
{
	return retail_band_same_unit(a, b) &&
		a->low_minor <= b->high_minor && b->low_minor <= a->high_minor;
}

/*
 * The prices that are legal in both bands, which are of the same unit; false
 * when there is none.  The base stays that of the first band, or becomes the
 * limit nearest to it.
 */
bool
retail_band_intersect(const PriceBand *a, const PriceBand *b,
					  PriceBand *common)
{
	if (!retail_band_overlaps(a, b))
		return false;
	*common = *a;
	if (b->low_minor > common->low_minor)
		common->low_minor = b->low_minor;
	if (b->high_minor < common->high_minor)
		common->high_minor = b->high_minor;
	common->base_minor = retail_band_clamp(common, a->base_minor);
	return true;
}

/* The legal price nearest to an amount. */
int64_t
retail_band_clamp(const PriceBand *band, int64_t amount_minor)
{
	if (amount_minor < band->low_minor)
		return band->low_minor;
	if (amount_minor > band->high_minor)
		return band->high_minor;
	return amount_minor;
}
