/*-------------------------------------------------------------------------
 * stock_read.h
 *		What the tables say of one stock.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_STOCK_READ_H
#define RETAIL_STOCK_READ_H

#include "storage/lockdefs.h"

#include "cell.h"

/*
 * Reads the truth of one stock with the latest snapshot, blind to row
 * security.  lockmode: AccessShareLock to look, RowExclusiveLock to load.
 * now: decides which holds count as lapsed and which lots as due.
 */
extern void retail_stock_read(int32 sku_id, int32 location_id,
							  LOCKMODE lockmode, TimestampTz now,
							  CellTruth *truth);

/* Units of holds of this stock whose deadline is at or before now. */
extern int64 retail_stock_lapsed(int32 sku_id, int32 location_id,
								 LOCKMODE lockmode, TimestampTz now);

/* What a cell would promise: sellable now by status, lapsed holds counting. */
static inline int64
retail_truth_avail(const CellTruth *truth)
{
	return truth->on_hand - truth->unavailable - truth->active;
}

#endif							/* RETAIL_STOCK_READ_H */
