/*-------------------------------------------------------------------------
 * escrow.c
 *		Takes and gives: how a transaction moves the shared counters.
 *
 * The escrow method of P. O'Neil (ACM TODS 11:4, 1986), reduced to one
 * sentence: whatever lowers a counter acts at once, whatever raises it waits
 * for the commit (or abort) of the transaction that causes it.  So at every
 * instant a counter promises at most what the tables would say whichever way
 * the open transactions end.
 *
 * Each backend keeps a list of the stocks its transaction has touched, and per
 * stock and subtransaction one record of what was drawn from the counter and
 * what was given.  Subtransactions nest, so the records of an aborted one are
 * a suffix of the list.  Room in the lists is made before shared memory
 * changes; the callbacks at the end only walk them and allocate nothing.
 *
 * The callbacks run after the outcome is durable and visible but before the
 * transaction's table locks go: others may see and lock our rows before our
 * gives arrive, which promises too little for a moment, never too much.
 *
 * Lock order (doc/architecture.md): table locks of stock, then reservation,
 * before a cell is consulted or published.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "common/int.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "errors.h"
#include "escrow.h"
#include "fault.h"
#include "guc.h"
#include "stock_read.h"
#include "table.h"

typedef struct Touched
{
	Cell	   *cell;
	int32		sku_id;
	int32		location_id;
	int			top;			/* its latest record; -1: none */
	bool		repair;			/* look at the flag after the end */
	bool		flag_written;
	bool		any_sold_out;	/* both as the flag row says if we commit */
	int64		flag_floor;
	bool		lots_posted;
} Touched;

typedef struct Record
{
	int			touched;
	int			prev;			/* earlier record of the same stock; -1: none */
	SubTransactionId subid;
	int64		drawn;			/* taken from the counter; back on abort */
	int64		given;			/* added to it on commit; own takes lower it */
	int64		physical;		/* added to physical on commit */
} Record;

typedef struct TouchedEntry
{
	uint64		key;
	int			index;			/* -1: being pinned */
	char		status;
} TouchedEntry;

#define SH_PREFIX touched
#define SH_ELEMENT_TYPE TouchedEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) ((uint32) ((key) ^ ((key) >> 29)) * 0x9E3779B1U)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* Lists longer than this are given back at the end of the transaction. */
#define KEEP_ROOM 1024

static Touched *touched = NULL;
static int	ntouched = 0;
static int	touched_room = 0;
static Record *records = NULL;
static int	nrecords = 0;
static int	records_room = 0;
static touched_hash *touched_index = NULL;

static Cell *loading = NULL;	/* an entry of ours that is not READY yet */
static SubTransactionId bulk_subid = InvalidSubTransactionId;	/* bulk mode, and whose */
static bool drop_at_end = false;
static bool want_worker = false;
static bool held_changed = false;

/* ----------------------------------------------------------------
 * Beginning
 * ----------------------------------------------------------------
 */

void
retail_engine_begin(const char *function)
{
	retail_tables_check();
	if (!retail_cell_enabled())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs the pg_retail library to be preloaded", function),
				 errdetail("The stock counters live in shared memory, which is laid out when the server starts."),
				 errhint("Set shared_preload_libraries = 'pg_retail' in postgresql.conf and restart the server.")));
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	PreventCommandIfParallelMode(function);
	if (retail_escrow_bulk_mode())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot run in a transaction that called retail.bulk_write()", function),
				 errhint("Commit the load first.")));
	if (!RETAIL_FAULT("no_table_lock"))
	{
		LockRelationOid(retail_table_oid(TABLE_STOCK), RowExclusiveLock);
		LockRelationOid(retail_table_oid(TABLE_RESERVATION), RowExclusiveLock);
	}
	retail_tables_check();
	retail_tables_check_guards();
}

void
retail_engine_begin_read(void)
{
	retail_tables_check();
	if (retail_cell_enabled() && !RecoveryInProgress())
	{
		LockRelationOid(retail_table_oid(TABLE_STOCK), AccessShareLock);
		LockRelationOid(retail_table_oid(TABLE_RESERVATION), AccessShareLock);
		retail_tables_check();
	}
}

/* ----------------------------------------------------------------
 * Touching
 * ----------------------------------------------------------------
 */

static inline uint64
touched_key(int32 sku_id, int32 location_id)
{
	return ((uint64) (uint32) sku_id << 32) | (uint32) location_id;
}

static void
make_room(void)
{
	if (touched == NULL)
	{
		touched_room = 16;
		touched = MemoryContextAlloc(TopMemoryContext, touched_room * sizeof(Touched));
	}
	if (records == NULL)
	{
		records_room = 16;
		records = MemoryContextAlloc(TopMemoryContext, records_room * sizeof(Record));
	}
	if (touched_index == NULL)
		touched_index = touched_create(TopMemoryContext, 32, NULL);
	if (ntouched == touched_room)
	{
		touched = repalloc_huge(touched, 2 * (Size) touched_room * sizeof(Touched));
		touched_room *= 2;
	}
	if (nrecords == records_room)
	{
		records = repalloc_huge(records, 2 * (Size) records_room * sizeof(Record));
		records_room *= 2;
	}
}

/*
 * Reads the tables into an entry of ours.  On an error, or when the session
 * is cancelled, the abort callback takes the entry back.
 *
 * What this transaction did to held rows counts as done in what it reads, and
 * confirming a whole hold touches no cell: so an abort may bring back a
 * deadline earlier than any that is seen here.  The bound then starts due.
 */
static void
load_cell(Cell *cell, int32 sku_id, int32 location_id)
{
	CellTruth	truth;

	loading = cell;
	retail_stock_read(sku_id, location_id, RowExclusiveLock,
					  retail_clock_now(), &truth);
	if (held_changed && !RETAIL_FAULT("bound_by_own_change"))
		truth.next_expiry = DT_NOBEGIN;
	loading = NULL;
	retail_cell_publish(cell, &truth);
}

Escrow
retail_escrow_find(int32 sku_id, int32 location_id)
{
	TouchedEntry *entry;

	if (ntouched == 0)
		return -1;
	entry = touched_lookup(touched_index, touched_key(sku_id, location_id));
	return entry != NULL ? entry->index : -1;
}

static bool
has_room(void)
{
	return ntouched < retail_max_pins;
}

/* Job batches share: eight of them, or seven and the shoppers, fit beside each other. */
int
retail_escrow_batch_limit(void)
{
	return Min(retail_max_pins, retail_max_cells / 8);
}

bool
retail_escrow_batch_has_room(void)
{
	return ntouched < retail_escrow_batch_limit();
}

Escrow
retail_escrow_touch(int32 sku_id, int32 location_id)
{
	Escrow		found = retail_escrow_find(sku_id, location_id);
	TouchedEntry *entry;
	Touched    *new_touched;
	Cell	   *cell;
	bool		must_load;
	bool		exists;

	if (found >= 0)
		return found;
	if (!has_room())
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_TOO_MANY_CELLS),
				 errmsg("transaction touches more than %d stocks", retail_max_pins),
				 errdetail("A stock is one SKU at one location; each keeps its counter pinned to the end of the transaction."),
				 errhint("Use smaller transactions, or raise pg_retail.max_pins_per_transaction.")));
	make_room();
	if (ntouched == 0)
		retail_cell_pins_begin();
	entry = touched_insert(touched_index, touched_key(sku_id, location_id), &exists);
	entry->index = -1;

	cell = retail_cell_pin(retail_tables_epoch(), sku_id, location_id, &must_load);
	if (must_load)
		load_cell(cell, sku_id, location_id);

	/* nothing below can fail */
	new_touched = &touched[ntouched];
	memset(new_touched, 0, sizeof(Touched));
	new_touched->cell = cell;
	new_touched->sku_id = sku_id;
	new_touched->location_id = location_id;
	new_touched->top = -1;
	entry = touched_lookup(touched_index, touched_key(sku_id, location_id));
	entry->index = ntouched;
	return ntouched++;
}

bool
retail_escrow_peek(int32 sku_id, int32 location_id, CellView *view)
{
	return retail_cell_peek(retail_tables_epoch(), sku_id, location_id, view);
}

void
retail_escrow_expect(const int32 *sku_ids, int n, int32 location_id)
{
	if (retail_cell_enabled() && !RecoveryInProgress())
		retail_cell_expect(retail_tables_epoch(), sku_ids, n, location_id);
}

Cell *
retail_escrow_cell(Escrow escrow)
{
	return touched[escrow].cell;
}

void
retail_escrow_key(Escrow escrow, int32 *sku_id, int32 *location_id)
{
	*sku_id = touched[escrow].sku_id;
	*location_id = touched[escrow].location_id;
}

bool
retail_escrow_any_touched(void)
{
	return ntouched > 0;
}

/* ----------------------------------------------------------------
 * Moving
 * ----------------------------------------------------------------
 */

/* The record of this stock in this subtransaction; room is made first. */
static Record *
current_record(Escrow escrow)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Record	   *record;

	if (touched[escrow].top >= 0 && records[touched[escrow].top].subid == subid)
		return &records[touched[escrow].top];
	make_room();
	record = &records[nrecords];
	record->touched = escrow;
	record->prev = touched[escrow].top;
	record->subid = subid;
	record->drawn = 0;
	record->given = 0;
	record->physical = 0;
	touched[escrow].top = nrecords++;
	return record;
}

/* Notes in both ledgers, ours and the cell's, what the caller moves. */
static void
note(Record *record, Cell *cell, int64 drawn, int64 given)
{
	record->drawn += drawn;
	record->given += given;
	cell_add(&cell->open, drawn + given);
	pg_atomic_fetch_add_u32(&cell->changes, 1);
}

/* Units given by this transaction and not yet taken by it. */
static int64
own_gives(Escrow escrow)
{
	int64		given = 0;

	if (RETAIL_FAULT("own_give_unspendable"))
		return 0;
	for (int i = touched[escrow].top; i >= 0; i = records[i].prev)
		given += records[i].given;
	return given;
}

static int64
own_open(Escrow escrow)
{
	int64		open = 0;

	for (int i = touched[escrow].top; i >= 0; i = records[i].prev)
		open += records[i].drawn + records[i].given;
	return open;
}

int64
retail_escrow_avail(Escrow escrow)
{
	return cell_read(&touched[escrow].cell->avail) + own_gives(escrow);
}

int64
retail_escrow_others_open(Escrow escrow)
{
	return cell_read(&touched[escrow].cell->open) - own_open(escrow);
}

int64
retail_escrow_physical_now(Escrow escrow)
{
	int64		physical = cell_read(&touched[escrow].cell->physical);

	for (int i = touched[escrow].top; i >= 0; i = records[i].prev)
		physical += records[i].physical;
	return physical;
}

bool
retail_escrow_take(Escrow escrow, int64 qty, int64 floor, EscrowTake *take)
{
	Record	   *record = current_record(escrow);
	Cell	   *cell = touched[escrow].cell;
	int64		own = own_gives(escrow);
	uint64		old = pg_atomic_read_u64(&cell->avail);

	take->own = Min(qty, Max(own, 0));
	if (RETAIL_FAULT("take_at_commit"))
		take->own = qty;
	take->shared = qty - take->own;
	do
	{
		int64		room;

		/* avail + own - qty >= floor, written so that nothing overflows */
		if (pg_sub_s64_overflow((int64) old + own, floor, &room) || room < qty)
			return false;
	} while (!pg_atomic_compare_exchange_u64(&cell->avail, &old,
											 (uint64) ((int64) old - take->shared)));
	note(record, cell, take->shared, -take->own);
	return true;
}

void
retail_escrow_force(Escrow escrow, int64 qty)
{
	Record	   *record = current_record(escrow);
	Cell	   *cell = touched[escrow].cell;
	int64		own = Min(qty, Max(own_gives(escrow), 0));

	cell_add(&cell->avail, -(qty - own));
	note(record, cell, qty - own, -own);
}

void
retail_escrow_give(Escrow escrow, int64 qty)
{
	Record	   *record = current_record(escrow);
	Cell	   *cell = touched[escrow].cell;

	if (RETAIL_FAULT("give_at_once"))
	{
		cell_add(&cell->avail, qty);
		record->drawn -= qty;
		return;
	}
	note(record, cell, 0, qty);
}

void
retail_escrow_undo_take(Escrow escrow, const EscrowTake *take)
{
	Record	   *record = current_record(escrow);
	Cell	   *cell = touched[escrow].cell;

	cell_add(&cell->avail, take->shared);
	note(record, cell, -take->shared, take->own);
}

void
retail_escrow_undo_give(Escrow escrow, int64 qty)
{
	note(current_record(escrow), touched[escrow].cell, 0, -qty);
}

void
retail_escrow_physical(Escrow escrow, int64 delta)
{
	current_record(escrow)->physical += delta;
}

void
retail_escrow_set_held_changed(void)
{
	held_changed = true;
}

bool
retail_escrow_held_changed(void)
{
	return held_changed;
}

void
retail_escrow_repair_later(Escrow escrow)
{
	touched[escrow].repair = true;
}

void
retail_escrow_flag_written(Escrow escrow, int64 flag_floor, bool any_sold_out)
{
	touched[escrow].flag_written = true;
	touched[escrow].flag_floor = flag_floor;
	touched[escrow].any_sold_out = any_sold_out;
}

int64
retail_escrow_flag_floor(Escrow escrow, bool *any_sold_out)
{
	Touched    *of = &touched[escrow];

	if (of->flag_written)
	{
		*any_sold_out = of->any_sold_out;
		return of->flag_floor;
	}
	*any_sold_out = retail_cell_watched(of->cell);
	return cell_read(&of->cell->flag_floor);
}

void
retail_escrow_set_lots_posted(Escrow escrow)
{
	touched[escrow].lots_posted = true;
}

bool
retail_escrow_lots_posted(Escrow escrow)
{
	return touched[escrow].lots_posted;
}

void
retail_escrow_drop_at_end(void)
{
	drop_at_end = true;
}

void
retail_escrow_want_worker_at_commit(void)
{
	want_worker = true;
}

bool
retail_escrow_bulk_mode(void)
{
	return bulk_subid != InvalidSubTransactionId;
}

void
retail_escrow_set_bulk_mode(void)
{
	bulk_subid = GetCurrentSubTransactionId();
}

/* ----------------------------------------------------------------
 * Ending
 * ----------------------------------------------------------------
 */

static void
forget_all(void)
{
	if (touched_index != NULL && touched_index->members > 0)
		retail_cell_pins_end();
	ntouched = 0;
	nrecords = 0;
	bulk_subid = InvalidSubTransactionId;
	drop_at_end = false;
	want_worker = false;
	held_changed = false;
	if (touched_index != NULL && touched_index->size > KEEP_ROOM)
	{
		touched_destroy(touched_index);
		touched_index = NULL;
	}
	else if (touched_index != NULL && touched_index->members > 0)
		touched_reset(touched_index);
	if (touched_room > KEEP_ROOM)
	{
		pfree(touched);
		touched = NULL;
		touched_room = 0;
	}
	if (records_room > KEEP_ROOM)
	{
		pfree(records);
		records = NULL;
		records_room = 0;
	}
}

static void
discard_loading(void)
{
	if (loading != NULL)
		retail_cell_discard(loading);
	loading = NULL;
}

static void
settle_commit(void)
{
	for (int i = 0; i < nrecords; i++)
	{
		Record	   *record = &records[i];
		Cell	   *cell = touched[record->touched].cell;

		if (record->given != 0)
			cell_add(&cell->avail, record->given);
		if (record->drawn + record->given != 0)
			cell_add(&cell->open, -(record->drawn + record->given));
		if (record->physical != 0)
			cell_add(&cell->physical, record->physical);
		pg_atomic_fetch_add_u32(&cell->changes, 1);
	}
	for (int i = 0; i < ntouched; i++)
	{
		Cell	   *cell = touched[i].cell;

		if (touched[i].flag_written)
		{
			pg_atomic_write_u64(&cell->flag_floor, (uint64) touched[i].flag_floor);
			retail_cell_set_watch(cell, touched[i].any_sold_out);
		}
		if (touched[i].repair)
			retail_cell_mark_repair(cell);
		retail_cell_unpin(cell);
	}
	if (drop_at_end)
		retail_cell_drop_database(MyDatabaseId);
	if (want_worker)
	{
		retail_cell_rules_changed();
		retail_cell_want(MyDatabaseId);
	}
	forget_all();
}

/* Gives back what records from "first" on drew, and forgets what they gave. */
static void
undo_records(int first)
{
	for (int i = nrecords - 1; i >= first; i--)
	{
		Record	   *record = &records[i];
		Touched    *of = &touched[record->touched];

		if (!RETAIL_FAULT("abort_keeps_take"))
			cell_add(&of->cell->avail, record->drawn);
		cell_add(&of->cell->open, -(record->drawn + record->given));
		pg_atomic_fetch_add_u32(&of->cell->changes, 1);
		of->top = record->prev;

		/* units came back, or a flag row went back, without a word to the flag */
		if (of->flag_written || (record->drawn > 0 && retail_cell_watched(of->cell)))
			of->repair = true;
	}
	nrecords = first;
}

/* The mistake of settling before the outcome is known; see fault.h. */
static void
settle_early(void)
{
	for (int i = 0; i < nrecords; i++)
	{
		Record	   *record = &records[i];

		cell_add(&touched[record->touched].cell->avail, record->given);
		cell_add(&touched[record->touched].cell->open, -(record->drawn + record->given));
		record->drawn = 0;
		record->given = 0;
	}
}

static void
settle_abort(void)
{
	discard_loading();
	undo_records(0);
	for (int i = 0; i < ntouched; i++)
	{
		if (touched[i].repair)
			retail_cell_mark_repair(touched[i].cell);
		retail_cell_unpin(touched[i].cell);
	}

	/* cells loaded, or bounds worked out, by rules that are not to be */
	if (drop_at_end)
		retail_cell_drop_database(MyDatabaseId);
	if (want_worker)
		retail_cell_rules_changed();
	forget_all();
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			settle_commit();
			retail_announce_forget();
			break;
		case XACT_EVENT_ABORT:
			settle_abort();
			retail_announce_forget();
			break;
		case XACT_EVENT_PRE_COMMIT:
			if (RETAIL_FAULT("settle_at_precommit"))
				settle_early();
			break;
		case XACT_EVENT_PREPARE:
			if (RETAIL_FAULT("prepare_allowed"))
				settle_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			if ((ntouched > 0 || retail_escrow_bulk_mode() || drop_at_end) &&
				!RETAIL_FAULT("prepare_allowed"))
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that moved stock"),
						 errdetail("The stock counters follow a transaction only while its session lives."),
						 errhint("Commit it, and prepare the rest.")));
			break;
		default:
			break;
	}
}

/* The first record of a subtransaction, or of a child it has taken over. */
static int
first_record_of(SubTransactionId subid)
{
	int			first = nrecords;

	while (first > 0 && records[first - 1].subid >= subid)
		first--;
	return first;
}

/* Its records become the parent's, merged where the parent has one. */
static void
adopt_records(SubTransactionId subid, SubTransactionId parent)
{
	int			first = first_record_of(subid);
	int			kept = first;

	for (int i = first; i < nrecords; i++)
	{
		Record		record = records[i];
		Record	   *outer = record.prev >= 0 ? &records[record.prev] : NULL;

		if (outer != NULL && outer->subid == parent)
		{
			outer->drawn += record.drawn;
			outer->given += record.given;
			outer->physical += record.physical;
			touched[record.touched].top = record.prev;
			continue;
		}
		record.subid = parent;
		touched[record.touched].top = kept;
		records[kept++] = record;
	}
	nrecords = kept;
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	switch (event)
	{
		case SUBXACT_EVENT_ABORT_SUB:
			discard_loading();
			if (!RETAIL_FAULT("subabort_ignored"))
				undo_records(first_record_of(subid));
			retail_announce_forget();
			if (want_worker)
				retail_cell_rules_changed();

			/* the table locks of bulk mode went with the savepoint */
			if (bulk_subid >= subid)
				bulk_subid = InvalidSubTransactionId;
			break;
		case SUBXACT_EVENT_COMMIT_SUB:
			if (bulk_subid == subid)
				bulk_subid = parent;
			adopt_records(subid, RETAIL_FAULT("subcommit_not_retagged") ?
						  TopSubTransactionId : parent);
			break;
		default:
			break;
	}
}

void
retail_escrow_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}
