/*-------------------------------------------------------------------------
 * price_read.h
 *		Prices as the tables have them, read by seeks.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_READ_H
#define RETAIL_PRICE_READ_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/snapshot.h"

#include "price_choice.h"

#define PRICE_CURRENCY_LETTERS 3

/* What the guard says of a SKU and currency; see retail.price_guard. */
typedef struct PriceVersion
{
	char		currency[PRICE_CURRENCY_LETTERS + 1];
	int64		version;
} PriceVersion;

/* What prices are asked for.  A location or channel of 0 is none. */
typedef struct PriceScope
{
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
	Datum		currency;		/* text */
	int			decimals;		/* of the currency */
	Datum		tier;			/* text; 0: no member prices */
	bool		skips_bad;		/* rows whose amount nobody can pay; else 0 or less
								 * is taken as it is, and one too fine is RT021 */
} PriceScope;

/*
 * Offers, and the instants for which they are all that matter:
 * good_from <= instant < good_until.
 */
typedef struct PriceOffers
{
	PriceOffer *offers;
	int			n;
	int			room;
	TimestampTz good_from;
	TimestampTz good_until;
} PriceOffers;

/*
 * The version of a SKU's prices; currency 0: of the one currency it has prices
 * in.  How many currencies that would be: 0 is no price.
 */
extern int	retail_price_version(int32 sku_id, Datum currency, Snapshot snapshot,
								 PriceVersion *version);

/* Decimals of a currency; raises 22023 when it is not known. */
extern int	retail_price_decimals(Datum currency, Snapshot snapshot);

/* What matters at an instant, and what is known to come. */
extern void retail_price_read_around(const PriceScope *scope, TimestampTz at,
									 Snapshot snapshot, PriceOffers *offers);

/* What everybody could buy one unit at, at from <= instant < until. */
extern void retail_price_read_past(const PriceScope *scope, TimestampTz from,
								   TimestampTz until, Snapshot snapshot,
								   PriceOffers *offers);

/* Every row whose validity has the instant in it, whatever else it lacks. */
extern void retail_price_read_all(const PriceScope *scope, TimestampTz at,
								  Snapshot snapshot, PriceOffers *offers);

/* The life of the grants that offers name. */
extern void retail_price_read_grants(PriceOffer *offers, int noffers, Snapshot snapshot);

#endif							/* RETAIL_PRICE_READ_H */
