/*-------------------------------------------------------------------------
 * table.h
 *		The tables init() made, seen from C: find, read, lock, write rows.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_TABLE_H
#define RETAIL_TABLE_H

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef enum RetailTableId
{
	TABLE_BASE_PRICE,
	TABLE_CAPACITY_RETURN,
	TABLE_CAPACITY_USE,
	TABLE_CHANNEL,
	TABLE_CHANNEL_ROUTING,
	TABLE_CHANNEL_SOURCE,
	TABLE_CURRENCY,
	TABLE_DELIVERY_ZONE,
	TABLE_FULFILMENT_LINE,
	TABLE_FULFILMENT_ORDER,
	TABLE_LISTING,
	TABLE_LOCATION,
	TABLE_LOT,
	TABLE_MOVEMENT,
	TABLE_ORDER_LINE,
	TABLE_PRICE,
	TABLE_PRICE_GRANT,
	TABLE_PRICE_GUARD,
	TABLE_REQUEST,
	TABLE_RESERVATION,
	TABLE_RESERVATION_HISTORY,
	TABLE_SAFETY_STOCK,
	TABLE_SALES_ORDER,
	TABLE_SERVICE,
	TABLE_SERVICE_PACK,
	TABLE_SKU,
	TABLE_SOLD_OUT,
	TABLE_STOCK,
	TABLE_COUNT
} RetailTableId;

typedef enum RetailIndexId
{
	INDEX_BASE_PRICE_SEEK,
	INDEX_CAPACITY_RETURN,
	INDEX_CAPACITY_USE,
	INDEX_CHANNEL_CODE,
	INDEX_CHANNEL_ID,
	INDEX_CHANNEL_ROUTING,
	INDEX_CHANNEL_SOURCE,
	INDEX_CURRENCY,
	INDEX_LISTING_SCOPE,
	INDEX_LOCATION_CODE,
	INDEX_LOCATION_ID,
	INDEX_LOT_CODE,
	INDEX_LOT_FEFO,
	INDEX_MOVEMENT_REF,
	INDEX_MOVEMENT_SALE_REF,
	INDEX_MOVEMENT_STOCK,
	INDEX_ORDER_LINE,
	INDEX_PRICE_GRANT,
	INDEX_PRICE_GUARD,
	INDEX_PRICE_SEEK,
	INDEX_REQUEST,
	INDEX_RESERVATION_COMMITTED,
	INDEX_RESERVATION_DUE,
	INDEX_RESERVATION_HELD,
	INDEX_RESERVATION_HOLDER,
	INDEX_RESERVATION_ID,
	INDEX_SAFETY_STOCK_SCOPE,
	INDEX_SALES_ORDER_QUOTE,
	INDEX_SALES_ORDER_REF,
	INDEX_SERVICE_CODE,
	INDEX_SERVICE_ID,
	INDEX_SERVICE_PACK,
	INDEX_SKU_CODE,
	INDEX_SKU_ID,
	INDEX_SOLD_OUT,
	INDEX_STOCK,
	INDEX_COUNT
} RetailIndexId;

/* Columns the C code touches, per table, in the order of column_names[]. */
enum
{
	BASE_PRICE_ID, BASE_PRICE_SKU_ID, BASE_PRICE_CURRENCY, BASE_PRICE_AMOUNT,
	BASE_PRICE_VALID, BASE_PRICE_WITHDRAWN_AT, BASE_PRICE_RECORDED_AT,
	BASE_PRICE_NCOLS
};
enum
{
	CAPACITY_USE_TAKEN, CAPACITY_USE_NCOLS
};
enum
{
	CHANNEL_ID, CHANNEL_CODE, CHANNEL_STATUS, CHANNEL_HOLD_TTL, CHANNEL_NCOLS
};
enum
{
	CHANNEL_ROUTING_SOURCE, CHANNEL_ROUTING_MAX_PARCELS, CHANNEL_ROUTING_NO_SPLIT,
	CHANNEL_ROUTING_OBJECTIVE, CHANNEL_ROUTING_COST_PER_KM,
	CHANNEL_ROUTING_LOAD_COST, CHANNEL_ROUTING_NCOLS
};
enum
{
	CHANNEL_SOURCE_LOCATION_ID, CHANNEL_SOURCE_NCOLS
};
enum
{
	CURRENCY_DECIMALS, CURRENCY_NCOLS
};
enum
{
	FULFILMENT_LINE_FULFILMENT_ID, FULFILMENT_LINE_LINE_NO, FULFILMENT_LINE_SKU_ID,
	FULFILMENT_LINE_QTY, FULFILMENT_LINE_RESERVATION_ID, FULFILMENT_LINE_NCOLS
};
enum
{
	FULFILMENT_ORDER_ID, FULFILMENT_ORDER_ORDER_ID, FULFILMENT_ORDER_LOCATION_ID,
	FULFILMENT_ORDER_SERVICE_ID, FULFILMENT_ORDER_STATE, FULFILMENT_ORDER_DISTANCE_M,
	FULFILMENT_ORDER_PROMISE_AT, FULFILMENT_ORDER_PROMISE_KEPT,
	FULFILMENT_ORDER_CAPACITY_DATE, FULFILMENT_ORDER_CREATED_AT,
	FULFILMENT_ORDER_CHANGED_AT, FULFILMENT_ORDER_NCOLS
};
enum
{
	LISTING_STATUS, LISTING_NCOLS
};
enum
{
	LOCATION_ID, LOCATION_CODE, LOCATION_KIND, LOCATION_LONGITUDE,
	LOCATION_LATITUDE, LOCATION_DATUM, LOCATION_STATUS, LOCATION_TIME_ZONE,
	LOCATION_OPENING_HOURS, LOCATION_SERVICES, LOCATION_DAILY_CAPACITY,
	LOCATION_KEEP_LAST, LOCATION_ACCEPTS_RETURNS, LOCATION_HANDLING_COST,
	LOCATION_NCOLS
};
enum
{
	LOT_ID, LOT_SKU_ID, LOT_LOCATION_ID, LOT_CODE, LOT_EXPIRES_ON, LOT_ON_HAND,
	LOT_UNAVAILABLE, LOT_CREATED_AT, LOT_NCOLS
};
enum
{
	MOVEMENT_ID, MOVEMENT_SKU_ID, MOVEMENT_LOCATION_ID, MOVEMENT_LOT_ID,
	MOVEMENT_KIND, MOVEMENT_ON_HAND_DELTA, MOVEMENT_UNAVAILABLE_DELTA,
	MOVEMENT_ON_HAND_AFTER, MOVEMENT_UNAVAILABLE_AFTER, MOVEMENT_CHANNEL_ID,
	MOVEMENT_RESERVATION_ID, MOVEMENT_REF, MOVEMENT_SALE_REF, MOVEMENT_REASON,
	MOVEMENT_REQUEST_KEY, MOVEMENT_ACTOR, MOVEMENT_OCCURRED_AT,
	MOVEMENT_RECORDED_AT, MOVEMENT_NCOLS
};
enum
{
	ORDER_LINE_ORDER_ID, ORDER_LINE_LINE_NO, ORDER_LINE_SKU_ID, ORDER_LINE_QTY,
	ORDER_LINE_BACKORDERED_QTY, ORDER_LINE_UNIT_PRICE, ORDER_LINE_CURRENCY,
	ORDER_LINE_LINE_AMOUNT, ORDER_LINE_ORDER_SHARE, ORDER_LINE_NCOLS
};
enum
{
	PRICE_ID, PRICE_MIN_QTY, PRICE_SKU_ID, PRICE_LOCATION_ID, PRICE_CHANNEL_ID,
	PRICE_CURRENCY, PRICE_KIND, PRICE_TIER, PRICE_AMOUNT, PRICE_VALID,
	PRICE_GRANT_ID, PRICE_WITHDRAWN_AT, PRICE_RECORDED_AT,
	PRICE_CAMPAIGN_ID, PRICE_NCOLS
};
enum
{
	PRICE_GRANT_STATUS, PRICE_GRANT_VALID, PRICE_GRANT_DECIDED_AT,
	PRICE_GRANT_REVOKED_AT, PRICE_GRANT_NCOLS
};
enum
{
	PRICE_GUARD_CURRENCY, PRICE_GUARD_VERSION, PRICE_GUARD_NCOLS
};
enum
{
	REQUEST_REQUEST_KEY, REQUEST_FUNCTION, REQUEST_ACTOR, REQUEST_REQUEST_HASH,
	REQUEST_RESULT, REQUEST_CREATED_AT, REQUEST_NCOLS
};
enum
{
	RESERVATION_ID, RESERVATION_SKU_ID, RESERVATION_LOCATION_ID,
	RESERVATION_CHANNEL_ID, RESERVATION_QTY, RESERVATION_STATUS,
	RESERVATION_EXPIRES_AT, RESERVATION_CREATED_AT, RESERVATION_CHANGED_AT,
	RESERVATION_PARENT_ID, RESERVATION_HOLDER, RESERVATION_ORDER_REF,
	RESERVATION_ACTOR, RESERVATION_SUCCESSOR_ID, RESERVATION_NCOLS
};
enum
{
	SAFETY_STOCK_QTY, SAFETY_STOCK_PERCENT, SAFETY_STOCK_NCOLS
};
enum
{
	SALES_ORDER_ID, SALES_ORDER_CHANNEL_ID, SALES_ORDER_ORDER_REF,
	SALES_ORDER_SERVICE_ID, SALES_ORDER_STATUS, SALES_ORDER_HOLDER,
	SALES_ORDER_GUIDE, SALES_ORDER_LONGITUDE, SALES_ORDER_LATITUDE,
	SALES_ORDER_PROMISE_AT, SALES_ORDER_PLACED_AT, SALES_ORDER_CHANGED_AT,
	SALES_ORDER_ACTOR, SALES_ORDER_QUOTE_ID, SALES_ORDER_NCOLS
};
enum
{
	SERVICE_ID, SERVICE_CODE, SERVICE_KIND, SERVICE_MAX_KM, SERVICE_LEAD_TIME,
	SERVICE_DELIVER_BY, SERVICE_CUT_OFF, SERVICE_ALLOW_LATE,
	SERVICE_ACCEPT_WITHIN, SERVICE_COLLECT_WITHIN, SERVICE_NCOLS
};
enum
{
	SERVICE_PACK_CODE, SERVICE_PACK_NCOLS
};
enum
{
	SKU_ID, SKU_CODE, SKU_SHELF_LIFE_DAYS, SKU_LOT_TRACKED, SKU_STATUS,
	SKU_PRICE_PER, SKU_NCOLS
};
enum
{
	SOLD_OUT_SKU_ID, SOLD_OUT_LOCATION_ID, SOLD_OUT_SELLABLE_FLOOR,
	SOLD_OUT_CHANGED_AT, SOLD_OUT_NCOLS
};
enum
{
	STOCK_SKU_ID, STOCK_LOCATION_ID, STOCK_ON_HAND, STOCK_UNAVAILABLE,
	STOCK_IN_TRANSIT, STOCK_LAST_MOVEMENT_ID, STOCK_NCOLS
};

#define RETAIL_MAX_COLS MOVEMENT_NCOLS

/*
 * Makes sure the tables are there and what is known of them is fresh.
 * Raises ERRCODE_RETAIL_NOT_INITIALISED otherwise.  First call of every
 * public function.
 */
extern void retail_tables_check(void);

/* As above without the error; false when init() was not run. */
extern bool retail_tables_exist(void);

extern Oid	retail_table_oid(RetailTableId table);

/* Owner of the tables: whom internal queries run as. */
extern Oid	retail_owner(void);

/*
 * Fingerprint of what guards stock and reservation: changes when a guard
 * trigger, or the storage, of either changes.  See guard.c and cell.h.
 */
extern uint64 retail_tables_epoch(void);

/* Raises 55000 when a guard of stock or reservation is missing or disabled. */
extern void retail_tables_check_guards(void);

/* An index scan that sees all rows, whatever the row policies say. */
typedef struct RetailScan
{
	RetailTableId table;
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;
	TableScanDesc all;			/* of every row, without an index; NULL: not so */
	TupleTableSlot *slot;
	Snapshot	snapshot;
	bool		own_snapshot;	/* to unregister at the end */
	SnapshotData dirty;
} RetailScan;

#define RETAIL_SCAN_MAX_KEYS 8

/*
 * Everything committed by now and our own, in parallel mode as well.  The
 * caller unregisters it.
 */
extern Snapshot retail_latest_snapshot(void);

/*
 * With the given registered snapshot, or NULL: the latest, that is everything
 * committed by now and our own.
 */
extern void retail_scan_begin(RetailScan *scan, RetailTableId table,
							  RetailIndexId index, LOCKMODE lockmode,
							  Snapshot snapshot, int nkeys, ScanKey keys);

/* With a dirty snapshot: rows in flight too; scan->dirty tells whose. */
extern void retail_scan_begin_dirty(RetailScan *scan, RetailTableId table,
									RetailIndexId index, LOCKMODE lockmode,
									int nkeys, ScanKey keys);

/* Every row, in whatever order. */
extern void retail_scan_begin_all(RetailScan *scan, RetailTableId table,
								  LOCKMODE lockmode, Snapshot snapshot);

/* Once more by the same index and snapshot, with as many keys. */
extern void retail_scan_again(RetailScan *scan, int nkeys, ScanKey keys);
extern bool retail_scan_next(RetailScan *scan);
extern bool retail_scan_previous(RetailScan *scan);	/* from the last row back */
extern void retail_scan_end(RetailScan *scan);

/* One int column of every row to come, in an array of context; ends the scan. */
extern int	retail_scan_int32s(RetailScan *scan, int col, MemoryContext context,
							   int32 **values);

/* The first two columns of every index on (sku_id, location_id, ...). */
extern void retail_key_stock(ScanKey keys, int32 sku_id, int32 location_id);
extern void retail_key_int4(ScanKey key, AttrNumber attno, int32 value);
extern void retail_key_int8(ScanKey key, AttrNumber attno, int64 value);
extern void retail_key_text(ScanKey key, AttrNumber attno, Datum value);
extern void retail_key_null(ScanKey key, AttrNumber attno, bool null);
extern void retail_key_due(ScanKey key, AttrNumber attno, TimestampTz at);

/* About how many rows there are; 0 when nobody knows. */
extern double retail_table_rows(RetailTableId table);

/* One column of the row in a slot of the table. */
extern Datum retail_column(RetailTableId table, TupleTableSlot *slot, int col,
						   bool *isnull);

/* Equality of two texts in the "C" collation that all codes and keys have. */
extern bool retail_same_text(Datum a, Datum b);

static inline int64
retail_column_int64(RetailTableId table, TupleTableSlot *slot, int col)
{
	bool		isnull;
	Datum		value = retail_column(table, slot, col, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static inline int32
retail_column_int32(RetailTableId table, TupleTableSlot *slot, int col)
{
	bool		isnull;
	Datum		value = retail_column(table, slot, col, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

/*
 * Locks the newest version of the row the scan stands on, into slot (one of
 * the table, made by the caller with retail_slot_make).  wait: LockWaitSkip
 * or LockWaitBlock.  Returns false when the row is gone, or locked and
 * skipped; *skipped tells which.
 */
extern bool retail_row_lock(RetailScan *scan, TupleTableSlot *slot,
							LockWaitPolicy wait, bool *skipped);
extern TupleTableSlot *retail_slot_make(Relation rel);

/*
 * Row writers.  values and isnull run over the table's columns above; the
 * table's own CHECKs, indexes, defaults of further columns, generated columns
 * and row triggers are honoured.  Update writes the row in "locked", taking
 * over every column not in the bitmap "set".
 */
extern void retail_row_insert(RetailTableId table, Datum *values, bool *isnull);
/* n rows at once: values[row * ncols + col]. */
extern void retail_rows_insert(RetailTableId table, int n, Datum *values, bool *isnull);

extern void retail_row_update(RetailTableId table, TupleTableSlot *locked,
							  uint32 set, Datum *values, bool *isnull);

/*
 * As update, of the row the scan stands on, which is not locked: false when
 * somebody else works on it or has changed it.
 */
extern bool retail_row_try_update(RetailScan *scan, uint32 set, Datum *values,
								  bool *isnull);

/*
 * As insert, into a table with one unique index: false when a row with that
 * key is there, or is being inserted; nothing is left behind then.
 */
extern bool retail_row_insert_unique(RetailTableId table, Datum *values,
									 bool *isnull);

/*
 * Waits for the transaction that makes or removes the row a dirty scan stands
 * on; false at once when there is none, and the row is simply there.
 */
extern bool retail_scan_wait_in_flight(RetailScan *scan);

#define SET_COLUMN(col) ((uint32) 1 << (col))

/* Next value of a sequence beside the tables. */
extern int64 retail_next_reservation_id(void);
extern int64 retail_next_movement_id(void);
extern int64 retail_next_lot_id(void);
extern int64 retail_next_sales_order_id(void);
extern int64 retail_next_fulfilment_order_id(void);

/*
 * The statement-level guard lets one announced statement through: used up by
 * the first that matches.
 */
extern void retail_announce(Oid relid, CmdType operation);
extern bool retail_announced(Oid relid, CmdType operation);
extern void retail_announce_forget(void);

extern void retail_table_init(void);

#endif							/* RETAIL_TABLE_H */
