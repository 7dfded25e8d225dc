/*-------------------------------------------------------------------------
 * price_cache.h
 *		Prices that this session has read, as long as they are what they were.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_CACHE_H
#define RETAIL_PRICE_CACHE_H

#include "price_read.h"

/* The least price before a reduction, once it has been asked for. */
typedef struct PriorPrice
{
	bool		known;
	bool		found;
	bool		young;			/* the SKU has no price from before the window */
	int64		amount;
	TimestampTz found_at;		/* since when it was the price, within the window */
	TimestampTz reduced_from;	/* where the run of reductions began */
	TimestampTz since;			/* where the window begins */
} PriorPrice;

/*
 * Everything a quote is made from.  Good until the next call of
 * retail_price_cache_offers(); grants are read anew each time.
 */
typedef struct PriceSheet
{
	PriceOffers offers;
	int			decimals;
	int64		prior_of;		/* id of the reduction that "prior" is about */
	PriorPrice	prior;
} PriceSheet;

/*
 * The offers around an instant, with the version that the snapshot sees;
 * scope->decimals is filled.
 */
extern PriceSheet *retail_price_cache_offers(PriceScope *scope, const PriceVersion *version,
											 TimestampTz at, Snapshot snapshot);

/* What is kept: sheets, and bytes of memory. */
extern void retail_price_cache_counts(int64 *nsheets, int64 *nbytes);

extern void retail_price_cache_init(void);

#endif							/* RETAIL_PRICE_CACHE_H */
