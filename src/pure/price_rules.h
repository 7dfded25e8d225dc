/*-------------------------------------------------------------------------
 * price_rules.h
 *		Exact arithmetic on prices in minor units.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_RULES_H
#define RETAIL_PRICE_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* What 100 % is when a percentage is in basis points. */
#define PRICE_BP_WHOLE 10000

/* Most decimals a currency may have; ISO 4217 has none with more. */
#define PRICE_MAX_DECIMALS 4

typedef enum PriceStatus
{
	PRICE_OK,
	PRICE_BAD_ARGUMENT,			/* an argument outside what the function takes */
	PRICE_OVERFLOW				/* the exact answer is beyond int64 */
} PriceStatus;

typedef enum PriceRounding
{
	PRICE_HALF_AWAY,			/* to the nearest, halves away from zero */
	PRICE_UP,					/* to the next greater */
	PRICE_DOWN					/* to the next smaller */
} PriceRounding;

/* One line's place in the queue for left-over units; see allocate. */
typedef struct PriceRemainder
{
	uint64_t	high;			/* of 128 bits, which palloc() may not align */
	uint64_t	low;
	int32_t		line;
} PriceRemainder;

extern bool retail_price_in_range(int64_t price_minor, int decimals);
extern int64_t retail_price_minor_unit(int decimals);
extern PriceStatus retail_price_scale(int64_t amount, int64_t factor,
									  int64_t divisor, PriceRounding rounding,
									  int64_t *result);
extern PriceStatus retail_price_reduce(int64_t price_minor, int64_t off,
									   int64_t whole, int64_t *reduced_minor);
extern PriceStatus retail_price_limits(int64_t base_minor, int64_t below,
									   int64_t above, int64_t whole,
									   int64_t *low_minor,
									   int64_t *high_minor);
extern PriceStatus retail_price_line(int64_t price_minor, int64_t qty,
									 int64_t per_qty, int64_t *amount_minor);
extern PriceStatus retail_price_allocate(int64_t amount_minor,
										 const int64_t *weights,
										 int32_t nlines,
										 PriceRemainder *scratch,
										 int64_t *shares_minor);

#endif							/* RETAIL_PRICE_RULES_H */
