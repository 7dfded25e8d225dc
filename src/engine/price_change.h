/*-------------------------------------------------------------------------
 * price_change.h
 *		What a statement changes of prices, in the order in which all take it.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_CHANGE_H
#define RETAIL_PRICE_CHANGE_H

#include "postgres.h"

#include "price_bounds.h"
#include "price_row.h"

typedef enum PriceChangeKind
{
	PRICE_KNOWN,				/* takes part in locking only */
	PRICE_ADDED,				/* holds from .. until now, and is looked at */
	PRICE_GONE					/* does no longer */
} PriceChangeKind;

typedef struct PriceChange
{
	int32		sku_id;
	int32		currency;
	PriceChangeKind what;
	int64		id;
	TimestampTz from;
	TimestampTz until;
	int64		amount_minor;
	int32		location_id;
	int32		channel_id;
	int32		kind;			/* 0: a base price */
	int64		grant_id;
} PriceChange;

typedef struct PriceChanges PriceChanges;

/* In work_mem, and a temporary file where that is too little. */
extern PriceChanges *retail_price_changes_begin(void);
extern void retail_price_changes_put(PriceChanges *changes, const PriceRow *row,
									 PriceChangeKind what, TimestampTz from, TimestampTz until);
extern bool retail_price_changes_any(const PriceChanges *changes);

/*
 * After the last put: locks the guard row of each SKU and currency, in the
 * order of the sort, and gives it a new version.  With SPI connected; raises
 * 40001 where the snapshot is too old to see what another has done.
 */
extern void retail_price_changes_lock(PriceChanges *changes);

/* By SKU, currency, from; after the lock, once. */
extern bool retail_price_changes_next(PriceChanges *changes, PriceChange *change);
extern void retail_price_changes_end(PriceChanges *changes);

extern PriceTerms retail_price_change_terms(const PriceChange *change);

#endif							/* RETAIL_PRICE_CHANGE_H */
