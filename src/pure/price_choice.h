/*-------------------------------------------------------------------------
 * price_choice.h
 *		Which of the prices that there are is the one to sell at.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_CHOICE_H
#define RETAIL_PRICE_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

/* In the order in which equal amounts are decided. */
typedef enum OfferKind
{
	OFFER_LIST,
	OFFER_PROMO,
	OFFER_MEMBER,
	OFFER_CLEARANCE
} OfferKind;

#define OFFER_KINDS 4

/* What a price is for, the most specific last. */
typedef enum OfferScope
{
	OFFER_BASE,					/* a base price */
	OFFER_ALL,					/* every channel, every location */
	OFFER_CHANNEL,
	OFFER_LOCATION,
	OFFER_BOTH					/* a channel at a location */
} OfferScope;

#define OFFER_SCOPES 5

/* Instants are microseconds; these two are before and after all of them. */
#define OFFER_NOT_BEFORE INT64_MIN
#define OFFER_NEVER INT64_MAX

/*
 * A price that may be the one.  It is in force at an instant when the instant
 * lies in each of its three spans: from <= instant < until.
 */
typedef struct PriceOffer
{
	int64_t		id;
	int64_t		amount;
	int64_t		min_qty;
	int64_t		valid_from;
	int64_t		valid_until;
	int64_t		recorded_at;	/* believed from here */
	int64_t		withdrawn_at;	/* until here */
	int64_t		grant_from;		/* its authority; without a grant all of time */
	int64_t		grant_until;
	int64_t		grant_id;		/* 0: none */
	int64_t		campaign_id;	/* 0: none */
	OfferKind	kind;
	OfferScope	scope;
	bool		other_currency;
	bool		other_tier;		/* a member price of a tier that was not named */
} PriceOffer;

/* What became of an offer: why it lost, in the order the rules are applied. */
typedef enum OfferVerdict
{
	OFFER_OTHER_CURRENCY,
	OFFER_NOT_BEGUN,
	OFFER_ENDED,
	OFFER_NOT_RECORDED,			/* nobody knew of it then */
	OFFER_WITHDRAWN,
	OFFER_NO_AUTHORITY,			/* its grant does not live then */
	OFFER_TOO_FEW,				/* qty is below its min_qty */
	OFFER_OTHER_TIER,
	OFFER_LESS_SPECIFIC,		/* a list price of a narrower scope is there */
	OFFER_FEWER_UNITS,			/* a list price of its scope is for more units */
	OFFER_NOT_BELOW_LIST,
	OFFER_DEARER,				/* than another reduction */
	OFFER_TIED,					/* as cheap as another, which comes first */
	OFFER_IS_LIST,				/* it won as the list price, and is reduced */
	OFFER_IS_PRICE				/* it is the price */
} OfferVerdict;

#define OFFER_VERDICTS 15

/* Places in the array of offers; -1: none. */
typedef struct PriceChoice
{
	int			list;
	int			price;
} PriceChoice;

extern int64_t retail_offer_from(const PriceOffer *offer);
extern int64_t retail_offer_until(const PriceOffer *offer);

extern PriceChoice retail_price_choose(const PriceOffer *offers, int noffers,
									   int64_t at, int64_t qty);
extern void retail_price_explain(const PriceOffer *offers, int noffers,
								 int64_t at, int64_t qty,
								 OfferVerdict *verdicts);
extern int64_t retail_price_next_change(const PriceOffer *offers, int noffers,
										int64_t at, int64_t qty);

extern int64_t retail_price_run_start(const PriceOffer *offers, int noffers,
									  int64_t reduced_from);

/* The least price that was applied within a span. */
typedef struct PriceLowest
{
	bool		found;
	int64_t		amount;
	int64_t		at;				/* the first instant of it within the span */
} PriceLowest;

extern PriceLowest retail_price_lowest(const PriceOffer *offers, int noffers,
									   int64_t from, int64_t until);

#endif							/* RETAIL_PRICE_CHOICE_H */
