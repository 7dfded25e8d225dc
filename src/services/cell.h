/*-------------------------------------------------------------------------
 * cell.h
 *		Cells: shared-memory counters of what may still be promised.
 *
 * One cell per (database, sku, location).  avail never promises more than
 * the tables could keep at that instant; doc/engine.md has the proof.  This
 * module owns the hash table, loading state and eviction; what moves a cell
 * and when is escrow.c's business.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_CELL_H
#define RETAIL_CELL_H

#include "datatype/timestamp.h"
#include "port/atomics.h"

/*
 * The epoch is the fingerprint of the guards (table.h): when a guard was off
 * for a while, or the storage was replaced, cells of the old epoch are never
 * found again and age out.
 */
typedef struct Cell
{
	uint64		epoch;
	Oid			dbid;
	int32		sku_id;
	int32		location_id;
	int32		next;			/* hash chain or free list; -1: end */

	pg_atomic_uint64 avail;		/* int64: units that may be promised */
	pg_atomic_uint64 open;		/* int64: units of takes and gives unsettled */
	pg_atomic_uint64 expiry;	/* lower bound of the earliest deadline, see below */
	pg_atomic_uint64 physical;	/* int64: on_hand - unavailable, committed */
	pg_atomic_uint64 flag_floor;	/* int64: a take that leaves this or less crosses */
	pg_atomic_uint64 lot_due;	/* TimestampTz: when a lot stops being sellable */
	pg_atomic_uint32 changes;	/* grows with every take, give and settling */
	pg_atomic_uint32 pins;		/* transactions that touched it */
	uint8		state;			/* CELL_*, under the partition lock */
	uint8		usage;			/* clock sweep, races are harmless */
	uint16		unused;
	uint32		rules;			/* generation of the rules behind flag_floor */
} Cell;

#define CELL_FREE 0
#define CELL_LOADING 1
#define CELL_READY 2

/*
 * sold_out.sellable_floor when no channel is sold out, and when all are.  A
 * cell's flag_floor is the same, except that instead of the first it holds the
 * largest floor of all, and the watch bit is off.
 */
#define FLOOR_NONE_SOLD_OUT PG_INT64_MAX
#define FLOOR_ALL_SOLD_OUT ((int64) -1)

/* What a loader found in the tables. */
typedef struct CellTruth
{
	int64		on_hand;
	int64		unavailable;
	int64		active;			/* held + committed, by status */
	int64		lapsed;			/* of these, held and past their deadline */
	TimestampTz next_expiry;	/* earliest deadline of a held row; DT_NOEND */
	TimestampTz lot_due;		/* DT_NOEND: no lot will expire */
	int64		lot_expired;	/* sellable units of lots that are due already */
	int64		flag_floor;		/* as the cell wants it */
	bool		any_sold_out;
} CellTruth;

extern Size retail_cell_shmem_size(void);
extern void retail_cell_shmem_request(void);
extern void retail_cell_shmem_init(void);

/* Whether the library was preloaded, so that cells exist. */
extern bool retail_cell_enabled(void);

/*
 * The cell of this stock, pinned.  *load is set when the caller made the
 * entry and must publish or discard it.  Waits for another loader.
 */
extern Cell *retail_cell_pin(uint64 epoch, int32 sku_id, int32 location_id,
							 bool *load);
extern void retail_cell_unpin(Cell *cell);
extern void retail_cell_publish(Cell *cell, const CellTruth *truth);
extern void retail_cell_discard(Cell *cell);

/* This process's transaction holds pins, from its first to its end. */
extern void retail_cell_pins_begin(void);
extern void retail_cell_pins_end(void);

/* A glance without a pin: false when there is none that is READY. */
typedef struct CellView
{
	int64		avail;
	int64		open;
	int64		physical;
	uint64		expiry;
	TimestampTz lot_due;
	int64		flag_floor;
	uint32		changes;
	uint32		pins;
} CellView;

extern bool retail_cell_peek(uint64 epoch, int32 sku_id, int32 location_id,
							 CellView *view);

/*
 * Has the processor fetch what glances at these stocks of one location will
 * look at: a million cells are in no cache, and the waits are had at once.
 */
extern void retail_cell_expect(uint64 epoch, const int32 *sku_ids, int n, int32 location_id);

/* Drops the cells of a database that nobody has pinned; returns how many. */
extern int64 retail_cell_drop_database(Oid dbid);

/* Numbers for status(). */
extern void retail_cell_counts(Oid dbid, int64 *total, int64 *used, int64 *mine);
extern Size retail_cell_bytes(void);

/* ----------------------------------------------------------------
 * Atomics on signed counters
 * ----------------------------------------------------------------
 */
static inline int64
cell_read(pg_atomic_uint64 *counter)
{
	return (int64) pg_atomic_read_u64(counter);
}

static inline void
cell_add(pg_atomic_uint64 *counter, int64 delta)
{
	pg_atomic_fetch_add_u64(counter, delta);
}

/* ----------------------------------------------------------------
 * The deadline bound
 *
 * Milliseconds since 2000 in the upper 42 bits (till the year 2139), a count
 * of insertions in the lower 22.  Whoever inserts a held row lowers the bound
 * and moves the count, after the row is in its index; whoever raises the bound
 * does it by compare-and-swap from a value read before his scan, which fails
 * if a row came in between.  A scan that sees rows in flight (dirty snapshot)
 * misses only rows whose inserter has yet to lower the bound himself.
 * ----------------------------------------------------------------
 */
#define EXPIRY_SHIFT 22
#define EXPIRY_COUNT_MASK ((UINT64CONST(1) << EXPIRY_SHIFT) - 1)
#define EXPIRY_NEVER_MS ((UINT64CONST(1) << (64 - EXPIRY_SHIFT)) - 1)

extern bool retail_expiry_due(uint64 expiry, TimestampTz now);
extern void retail_expiry_lower(Cell *cell, TimestampTz deadline);
extern void retail_expiry_raise(Cell *cell, uint64 seen, TimestampTz deadline);

/* ----------------------------------------------------------------
 * Cells whose sold-out flag wants a look
 *
 * Two bits per cell: "repair" asks for one look soon; "watch" says some
 * channel is sold out there, so that a lapsing hold matters.
 * ----------------------------------------------------------------
 */
extern void retail_cell_mark_repair(Cell *cell);
extern void retail_cell_set_watch(Cell *cell, bool watch);
extern bool retail_cell_watched(Cell *cell);

/*
 * Safety stock or channels changed somewhere: every cell's flag_floor is to be
 * worked out anew at its next take.  Called at the commit of the change, and
 * again by the repair that follows, when its invalidations have surely gone
 * out.
 */
extern void retail_cell_rules_changed(void);
extern bool retail_cell_rules_current(Cell *cell);
extern void retail_cell_stamp_rules(Cell *cell);

/*
 * Calls visit for each cell that wants a look now: marked (the mark is taken
 * off first), or watched and past its deadline bound by the clock of its
 * database.  visit returns false to stop.
 */
typedef struct CellKey
{
	uint64		epoch;
	Oid			dbid;
	int32		sku_id;
	int32		location_id;
} CellKey;
typedef bool (*CellVisitor) (const CellKey *key, void *arg);
extern void retail_cell_visit_due(Oid dbid, bool take_marks,
								  TimestampTz (*clock) (Oid dbid),
								  CellVisitor visit, void *arg);

/* Marks a cell again whose repair failed; nothing if it is gone. */
extern void retail_cell_mark_again(const CellKey *key);

/*
 * Databases that want a worker although no cell says so: their rules changed.
 * A full list loses a wish; the sweep looks too.
 */
#define RETAIL_MAX_WANTED 64
extern void retail_cell_want(Oid dbid);
extern bool retail_cell_take_wanted(Oid dbid);
extern int	retail_cell_wanted(Oid *dbids);

/* The launcher's latch, set by retail_cell_mark_repair. */
struct Latch;
extern void retail_cell_set_launcher(struct Latch *latch);

#endif							/* RETAIL_CELL_H */
