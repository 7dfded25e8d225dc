/*-------------------------------------------------------------------------
 * price_quote.h
 *		What a SKU costs: one question, one answer.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_QUOTE_H
#define RETAIL_PRICE_QUOTE_H

#include "master.h"
#include "price_cache.h"

/* Days before a reduction that its prior price is the least of. */
#define PRIOR_PRICE_DAYS 30

typedef struct PriceQuestion
{
	SkuInfo		sku;
	int32		channel_id;		/* 0: none */
	int32		location_id;	/* 0: none */
	int64		qty;
	TimestampTz at;
	Datum		tier;			/* text; 0: none */
	Datum		currency;		/* text; 0: the one that the SKU has prices in */
} PriceQuestion;

typedef struct PriceAnswer
{
	char		currency[PRICE_CURRENCY_LETTERS + 1];
	int			decimals;
	PriceOffer	list;
	PriceOffer	price;
	int64		amount;			/* of the whole quantity */
	TimestampTz valid_until;	/* DT_NOEND: no change is known */
	PriorPrice	prior;			/* known where everybody's price is reduced */
} PriceAnswer;

/* The prices of a question, as the snapshot sees them; false: there is none. */
extern bool retail_price_find(const PriceQuestion *question, Snapshot snapshot,
							  PriceAnswer *answer);

/* The same; raises RT023 when there is none. */
extern void retail_price_quote(const PriceQuestion *question, Snapshot snapshot,
							   PriceAnswer *answer);

/* Raises RT023. */
extern void retail_price_none(const PriceQuestion *question) pg_attribute_noreturn();

/*
 * The currency a question is about, into "currency"; raises 22004 when the SKU
 * has prices in several.  False: it has none.
 */
extern bool retail_price_scope(const PriceQuestion *question, Snapshot snapshot,
							   PriceScope *scope, PriceVersion *version);

/* The least public price of the days before a reduction; see price_choice.h. */
extern PriorPrice retail_price_prior(const PriceScope *scope, TimestampTz reduced_from,
									 int days, Snapshot snapshot);

/* qty base units at a price for price_per of them; raises 22003 beyond numeric range. */
extern int64 retail_price_of_line(int64 price_minor, int64 qty, int64 price_per, int decimals);

#endif							/* RETAIL_PRICE_QUOTE_H */
