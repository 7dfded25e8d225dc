/*-------------------------------------------------------------------------
 * price_pile.h
 *		Many prices in any order, handed out SKU by SKU.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_PILE_H
#define RETAIL_PRICE_PILE_H

#include "datatype/timestamp.h"

/* In the order in which a SKU's prices come. */
typedef enum PriceKind
{
	PRICE_BASE,
	PRICE_LIST,
	PRICE_PROMO,
	PRICE_MEMBER,
	PRICE_CLEARANCE
} PriceKind;

/* One price, of retail.price or retail.base_price. */
typedef struct PriceRecord
{
	int64		id;
	int64		amount_minor;
	int64		grant_id;		/* 0: none */
	int64		min_qty;
	TimestampTz from;
	TimestampTz until;			/* DT_NOEND: until further notice */
	int32		sku_id;
	int32		currency;		/* retail_currency_pack() */
	int32		location_id;	/* 0: every location */
	int32		channel_id;		/* 0: every channel */
	int32		place;			/* the caller's, of the location */
	uint32		tier;			/* hash of its name */
	uint8		kind;
	bool		too_fine;		/* finer than its currency */
	bool		barred;			/* the caller's: never quoted */
	bool		begins;			/* the caller's: on the day it looks at */
} PriceRecord;

typedef struct PricePile PricePile;

/*
 * rows: about how many will come.  What does not fit into work memory goes to
 * temporary files.  Goes with the context; end it to let go of the files
 * before.
 */
extern PricePile *retail_price_pile_begin(MemoryContext parent, double rows);
extern void retail_price_pile_put(PricePile *pile, const PriceRecord *record);

/*
 * After the last put: all prices of the next SKU and currency, by location,
 * channel, kind, tier, quantity and beginning; NULL when there are no more.
 * The caller may write to them; they are there until the next call.
 */
extern PriceRecord *retail_price_pile_next(PricePile *pile, int64 *n);
extern void retail_price_pile_end(PricePile *pile);

#endif							/* RETAIL_PRICE_PILE_H */
