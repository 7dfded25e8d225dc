/*-------------------------------------------------------------------------
 * escrow.h
 *		Takes and gives: how a transaction moves the shared counters.
 *
 * Whatever lowers a counter acts at once; whatever raises it waits for the
 * commit, or abort, of the transaction that causes it.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ESCROW_H
#define RETAIL_ESCROW_H

#include "cell.h"

/* A stock this transaction has touched: an index, good to its end. */
typedef int Escrow;

/*
 * Opens the engine for a writing call named in messages: library preloaded,
 * tables there, guards in place, not read-only, no bulk mode; locks stock and
 * reservation ROW EXCLUSIVE.  Every public function that moves stock starts
 * with it.
 */
extern void retail_engine_begin(const char *function);

/*
 * The same for reading: where there are cells, stock is locked so that those
 * of this moment are the right ones.
 */
extern void retail_engine_begin_read(void);

/* Pins the cell of a stock, loading it where needed. */
extern Escrow retail_escrow_touch(int32 sku_id, int32 location_id);

/* The same without a pin, for a glance; false: not loaded. */
extern bool retail_escrow_peek(int32 sku_id, int32 location_id, CellView *view);

/* Glances at these stocks of one location are to follow. */
extern void retail_escrow_expect(const int32 *sku_ids, int n, int32 location_id);

/*
 * How many stocks a transaction of a job may touch, and whether this one may
 * touch one more: a batch must leave most of the counters to the shoppers.
 */
extern int	retail_escrow_batch_limit(void);
extern bool retail_escrow_batch_has_room(void);

/* Whether this transaction has touched it; -1: no. */
extern Escrow retail_escrow_find(int32 sku_id, int32 location_id);

/* What a take came from, to undo it within the same call. */
typedef struct EscrowTake
{
	int64		shared;
	int64		own;
} EscrowTake;

/*
 * Takes qty if at least floor units stay; draws on what this transaction gave
 * first.  False: nothing was taken.
 */
extern bool retail_escrow_take(Escrow escrow, int64 qty, int64 floor, EscrowTake *take);

/* Takes whatever the counter says; it may go below zero. */
extern void retail_escrow_force(Escrow escrow, int64 qty);

extern void retail_escrow_give(Escrow escrow, int64 qty);
extern void retail_escrow_undo_take(Escrow escrow, const EscrowTake *take);
extern void retail_escrow_undo_give(Escrow escrow, int64 qty);

/* on_hand - unavailable changes by this much at commit. */
extern void retail_escrow_physical(Escrow escrow, int64 delta);

/* Units this transaction could take now, before safety stock. */
extern int64 retail_escrow_avail(Escrow escrow);

/* Units other transactions have in flight on this stock. */
extern int64 retail_escrow_others_open(Escrow escrow);

/* Units on_hand - unavailable, as committed and as changed by us. */
extern int64 retail_escrow_physical_now(Escrow escrow);

extern Cell *retail_escrow_cell(Escrow escrow);
extern void retail_escrow_key(Escrow escrow, int32 *sku_id, int32 *location_id);

/*
 * This transaction changed a held row of some stock: confirmed, released,
 * extended, expired it.  Its abort would bring back what its own scans cannot
 * see, so it must not raise a deadline bound.
 */
extern void retail_escrow_set_held_changed(void);
extern bool retail_escrow_held_changed(void);

/* The flag row of this stock is to be looked at again after the transaction. */
extern void retail_escrow_repair_later(Escrow escrow);

/* This transaction wrote the flag row; the cell follows at commit. */
extern void retail_escrow_flag_written(Escrow escrow, int64 flag_floor, bool any_sold_out);

/* What the flag row says, as this transaction sees it. */
extern int64 retail_escrow_flag_floor(Escrow escrow, bool *any_sold_out);

/* This transaction posted expired lots of this stock to unavailable. */
extern void retail_escrow_set_lots_posted(Escrow escrow);
extern bool retail_escrow_lots_posted(Escrow escrow);

/*
 * At the end, however it ends: drop this database's cells (bulk mode, resets).
 * At commit: have its flags looked at (rules changed).
 */
extern void retail_escrow_drop_at_end(void);
extern void retail_escrow_want_worker_at_commit(void);
extern bool retail_escrow_bulk_mode(void);
extern void retail_escrow_set_bulk_mode(void);
extern bool retail_escrow_any_touched(void);

extern void retail_escrow_init(void);

#endif							/* RETAIL_ESCROW_H */
