/*-------------------------------------------------------------------------
 * stock_row.h
 *		One stock under its row lock: movements and lots.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_STOCK_ROW_H
#define RETAIL_STOCK_ROW_H

#include "executor/tuptable.h"
#include "utils/date.h"

#include "escrow.h"

typedef struct LotRow
{
	int64		id;
	bool		has_expiry;
	DateADT		expires_on;
	int64		on_hand;
	int64		unavailable;
	int64		was_on_hand;	/* as stored */
	int64		was_unavailable;
	TupleTableSlot *slot;
} LotRow;

typedef struct StockRow
{
	Escrow		escrow;
	int32		sku_id;
	int32		location_id;
	int64		on_hand;
	int64		unavailable;
	int64		last_movement_id;
	bool		changed;
	TupleTableSlot *slot;		/* the locked row */
	bool		lots_read;
	int			nlots;			/* lots with units, first expired first */
	LotRow	   *lots;
} StockRow;

/* What the ledger records of a movement, the same for all its rows. */
typedef struct Movement
{
	const char *kind;
	int32		channel_id;		/* 0: none */
	int64		reservation_id; /* 0: none */
	Datum		ref;			/* texts; 0: none */
	Datum		sale_ref;
	Datum		reason;
	Datum		request_key;
	TimestampTz occurred_at;
} Movement;

/*
 * Touches the stock and locks its row, making an empty one where there is
 * none, and posts lots that are due to unavailable.  Waits for whoever has it.
 * retail_stock_close writes what changed.
 */
extern StockRow *retail_stock_open(int32 sku_id, int32 location_id);
extern void retail_stock_close(StockRow *stock);

/*
 * Each posts one ledger row per lot touched, moves the counter, and returns
 * the id of the last.
 */

/* Units come: into a lot (code, expiry), or into none when lot is 0. */
extern int64 retail_stock_receive(StockRow *stock, const Movement *movement,
								  int64 qty, int64 unavailable,
								  Datum lot, bool has_expiry, DateADT expires_on);

/* Units leave, first expired first, those for sale before those that are not; qty <= on_hand. */
extern int64 retail_stock_issue(StockRow *stock, const Movement *movement, int64 qty);

/* Units just returned, unavailable, into the lot of this code: thrown away. */
extern int64 retail_stock_scrap(StockRow *stock, const Movement *movement, int64 qty,
								Datum lot, bool has_expiry, DateADT expires_on);

/*
 * Units become unavailable, or available again, as far as retail_stock_can_*
 * said they can.  lot: only of lots of this code; 0: of any, those of no lot
 * first.
 */
extern bool retail_stock_can_block(StockRow *stock, int64 qty, Datum lot);
extern int64 retail_stock_block(StockRow *stock, const Movement *movement, int64 qty, Datum lot);
extern bool retail_stock_can_unblock(StockRow *stock, int64 qty, Datum lot);
extern int64 retail_stock_unblock(StockRow *stock, const Movement *movement, int64 qty, Datum lot);

/* Posts lots whose last day has come to unavailable; idempotent. */
extern void retail_stock_expire_lots(int32 sku_id, int32 location_id);

#endif							/* RETAIL_STOCK_ROW_H */
