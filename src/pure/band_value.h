/*-------------------------------------------------------------------------
 * band_value.h
 *		Price bands as values: check, text, order, containment.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_BAND_VALUE_H
#define RETAIL_BAND_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Letters of a currency code (ISO 4217). */
#define BAND_CURRENCY_LETTERS 3

/* Room for the longest text form and its terminator. */
#define BAND_TEXT_BYTES 96

/*
 * A band is also what the SQL type stores, so the struct has no padding: two
 * bands are the same exactly when their bytes are.
 */
typedef struct PriceBand
{
	int64_t		base_minor;
	int64_t		low_minor;
	int64_t		high_minor;
	char		currency[BAND_CURRENCY_LETTERS + 1];
	int32_t		decimals;
} PriceBand;

typedef enum BandStatus
{
	BAND_OK,
	BAND_BAD_SYNTAX,			/* text does not follow the grammar */
	BAND_BAD_CURRENCY,			/* not three capital letters */
	BAND_BAD_DECIMALS,			/* not in 0 .. PRICE_MAX_DECIMALS */
	BAND_MIXED_DECIMALS,		/* amounts of one text with different decimals */
	BAND_OUT_OF_RANGE,			/* an amount is larger than can be stored */
	BAND_NOT_POSITIVE,			/* base or low is 0 or less */
	BAND_NOT_ORDERED			/* not low <= base <= high */
} BandStatus;

extern BandStatus retail_band_check(const PriceBand *band);
extern BandStatus retail_band_parse(const char *text, size_t len,
									PriceBand *band, size_t *offset);
extern void retail_band_format(const PriceBand *band, char *text);
extern char *retail_band_format_amount(int64_t amount_minor, int decimals,
									   char *text);
extern bool retail_band_same_unit(const PriceBand *a, const PriceBand *b);
extern int	retail_band_compare(const PriceBand *a, const PriceBand *b);
extern bool retail_band_contains(const PriceBand *band, int64_t amount_e4);
extern bool retail_band_overlaps(const PriceBand *a, const PriceBand *b);
extern bool retail_band_intersect(const PriceBand *a, const PriceBand *b,
								  PriceBand *common);
extern int64_t retail_band_clamp(const PriceBand *band, int64_t amount_minor);

#endif							/* RETAIL_BAND_VALUE_H */
