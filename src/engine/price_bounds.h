/*-------------------------------------------------------------------------
 * price_bounds.h
 *		What bounds a price: base prices, bands, floors, grants.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_BOUNDS_H
#define RETAIL_PRICE_BOUNDS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What is known so far, of one statement; see retail_price_bounds_begin. */
typedef struct PriceBounds PriceBounds;

/* A price that is to be looked at; of the SKU and currency last chosen. */
typedef struct PriceTerms
{
	int32		location_id;	/* 0: every location */
	int32		channel_id;		/* 0: every channel */
	bool		advertised;		/* the minimum advertised price holds for it */
	int64		amount_minor;
	int64		grant_id;		/* 0: none */
	TimestampTz from;
	TimestampTz until;			/* DT_NOEND: until further notice */
} PriceTerms;

typedef enum PriceBound
{
	PRICE_WITHIN,
	PRICE_NO_BASE,				/* no base price at some instant */
	PRICE_NO_GRANT,				/* the grant it names does not serve */
	PRICE_OUT_OF_BAND,
	PRICE_BELOW_FLOOR
} PriceBound;

typedef struct PriceFinding
{
	PriceBound	bound;
	int64		low_minor;		/* what is allowed over all its validity, */
	int64		high_minor;		/* floors and grant included; see band_known */
	bool		band_known;		/* false where a base price is missing */
	int64		base_id;		/* the base price that refuses it, else the first */
	int64		base_minor;
	TimestampTz at;				/* since when it is without a base price */
	int64		floor_minor;	/* of PRICE_BELOW_FLOOR */
	const char *reason;			/* of PRICE_NO_GRANT: a sentence */
} PriceFinding;

/* What becomes of prices that a change of the base price leaves outside. */
typedef enum BaseChange
{
	BASE_CHANGE_REJECT,			/* the strictest first */
	BASE_CHANGE_FLAG,
	BASE_CHANGE_CLOSE
} BaseChange;

/*
 * Everything below runs with SPI connected as the tables' owner, and reads
 * with the active snapshot.
 */

/* Nothing is read yet.  Goes with the context. */
extern PriceBounds *retail_price_bounds_begin(MemoryContext parent);

/* Whoever a grant was given to, it serves: who asks sets no price. */
extern void retail_price_bounds_for_anyone(PriceBounds *bounds);

/*
 * Three letters as a number that sorts as they do; 0 for anything else.  And
 * back, into four bytes.
 */
extern int32 retail_currency_pack(const char *letters, int len);
extern char *retail_currency_unpack(int32 currency, char *letters);

/* Decimals of a currency; -1: there is none of this code. */
extern int	retail_price_bounds_decimals(PriceBounds *bounds, int32 currency);

/*
 * Turns to a SKU and currency, and to its base prices that hold at "since" or
 * later.  Raises RT001 when there is no such SKU.  Cheap when it is the one
 * turned to last: come in the order of SKU, currency, since.
 */
extern void retail_price_bounds_choose(PriceBounds *bounds, int32 sku_id,
									   int32 currency, TimestampTz since);

extern PriceFinding retail_price_bounds_check(PriceBounds *bounds, const PriceTerms *terms);

/*
 * The prices that one base amount allows to terms, grant included; whether
 * there is any.
 */
extern bool retail_price_bounds_band(PriceBounds *bounds, const PriceTerms *terms,
									 int64 base_minor, int64 *low_minor, int64 *high_minor);

/* Whether there is an instant without a base price; *at: the first. */
extern bool retail_price_bounds_gap(PriceBounds *bounds, TimestampTz from,
									TimestampTz until, TimestampTz *at);

/* The least base price, list or promo price, and the least price at all. */
extern int64 retail_price_bounds_floor(PriceBounds *bounds, bool advertised);

/* For every channel (0) the strictest that any of them has. */
extern BaseChange retail_price_bounds_base_change(PriceBounds *bounds, int32 channel_id);

#endif							/* RETAIL_PRICE_BOUNDS_H */
