/*-------------------------------------------------------------------------
 * stock_read.h
 *		What the tables say of one stock.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_STOCK_READ_H
#define RETAIL_STOCK_READ_H

#include "storage/lockdefs.h"

#include "cell.h"
#include "table.h"

/*
 * Reads the truth of one stock with the latest snapshot, blind to row
 * security.  lockmode: AccessShareLock to look, RowExclusiveLock to load.
 * now: decides which holds count as lapsed and which lots as due.
 */
extern void retail_stock_read(int32 sku_id, int32 location_id,
							  LOCKMODE lockmode, TimestampTz now,
							  CellTruth *truth);

/* Looks at many stocks with one snapshot, taken at the first. */
typedef enum StockReaderScan
{
	STOCK_READER_STOCK,
	STOCK_READER_HELD,
	STOCK_READER_COMMITTED,
	STOCK_READER_LOTS,
	STOCK_READER_SCANS
} StockReaderScan;

typedef struct StockReader
{
	LOCKMODE	lockmode;
	TimestampTz now;			/* as above */
	Snapshot	snapshot;		/* NULL: nothing read yet */
	bool		begun[STOCK_READER_SCANS];
	RetailScan	scans[STOCK_READER_SCANS];
} StockReader;

extern void retail_stock_reader_begin(StockReader *reader, LOCKMODE lockmode, TimestampTz now);
extern void retail_stock_reader_end(StockReader *reader);

/*
 * Units without a hold on them, lapsed ones and lots that are due left out;
 * *physical: the units without regard to holds, of which a floor may be a
 * part.
 */
extern int64 retail_stock_reader_sellable(StockReader *reader, int32 sku_id, int32 location_id,
										  int64 *physical);

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
