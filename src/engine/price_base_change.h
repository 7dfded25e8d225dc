/*-------------------------------------------------------------------------
 * price_base_change.h
 *		What a change of base prices does to the prices around them.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_BASE_CHANGE_H
#define RETAIL_PRICE_BASE_CHANGE_H

#include "postgres.h"

#include "price_bounds.h"
#include "price_change.h"

/*
 * Looks at base prices that were added, moved or withdrawn: their floor, and
 * the prices that hold, each of which is left alone, or dealt with as its
 * policy says.  Raises RT023, RT024 or RT026.  The guard rows are locked, SPI
 * is connected, and the active snapshot sees what was written.
 */
extern void retail_price_check_base_changes(PriceChanges *changes, PriceBounds *bounds,
											TimestampTz now);

#endif							/* RETAIL_PRICE_BASE_CHANGE_H */
