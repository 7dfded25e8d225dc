/*-------------------------------------------------------------------------
 * price_stats.h
 *		Median and median deviation of prices, exact.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_STATS_H
#define RETAIL_PRICE_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* What 1 is when a threshold is in ten-thousandths. */
#define PRICE_STATS_WHOLE 10000

/*
 * A median of prices may lie half way between two of them, and a median of
 * distances from it at a quarter: both are kept as whole numbers of that.
 */
typedef struct PriceSpread
{
	uint64_t	median_x2;		/* twice the median */
	uint64_t	deviation_x4_half;	/* four times the median deviation, ... */
	bool		deviation_odd;	/* ... of which this is the last bit */
} PriceSpread;

extern void retail_price_spread(int64_t *amounts, int32_t n, PriceSpread *spread);
extern bool retail_price_is_outlier(const PriceSpread *spread, int64_t amount,
									int64_t threshold_e4);
extern int64_t retail_price_median_floor(const PriceSpread *spread);

#endif							/* RETAIL_PRICE_STATS_H */
