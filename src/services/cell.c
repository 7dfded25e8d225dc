/*-------------------------------------------------------------------------
 * cell.c
 *		Cells: shared-memory counters of what may still be promised.
 *
 * A hash table with chains over an array of cells, 128 partitions, one LWLock
 * each.  A partition lock guards the chains of its buckets, the state of the
 * cells on them, and the step from "found" to "pinned"; the counters
 * themselves are atomics and move without it.
 *
 * A pinned cell is never evicted, and a transaction keeps its pins to its very
 * end.  So a stock without a cell has no uncommitted change anywhere, which is
 * what makes loading it from the tables exact.
 *
 * Eviction is a clock sweep over the array.  The sweeper looks at a cell
 * unlocked, then takes that cell's partition lock and looks again; it holds no
 * other lock meanwhile.  A free list would do for the first filling; the array
 * is simply handed out in order until it has been used up once.
 *
 * Lock order: one partition lock at a time, and nothing else under it except
 * the free list's spinlock.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "cell.h"
#include "compat.h"
#include "errors.h"
#include "fault.h"
#include "guc.h"

#define CELL_PARTITIONS 128
#define MAX_USAGE 3

/* As many memory accesses as a processor has on the way, about. */
#define EXPECTED_AT_ONCE 16

typedef struct CellShared
{
	int32		ncells;
	uint32		nbuckets;		/* a power of two */
	slock_t		free_mutex;		/* guards the next two */
	int32		free_head;
	int32		fresh;			/* cells from here on were never used */
	pg_atomic_uint32 hand;
	struct Latch *launcher;
	pg_atomic_uint32 rules;		/* generation of safety stock and channels */
	pg_atomic_uint32 wanted[RETAIL_MAX_WANTED]; /* database oids; 0: none */
	ConditionVariable loaded[CELL_PARTITIONS];
} CellShared;

/* Since when a process holds pins, so that the oldest can be named. */
typedef struct PinOwner
{
	int			pid;			/* 0: it holds none */
	TimestampTz since;
} PinOwner;

static CellShared *shared = NULL;
static PinOwner *pin_owners = NULL;
static Cell *cells = NULL;
static int32 *buckets = NULL;
static pg_atomic_uint32 *repair_bits = NULL;
static pg_atomic_uint32 *watch_bits = NULL;
static pg_atomic_uint32 *hold_bits = NULL;
static LWLockPadded *locks = NULL;

static uint32
bucket_count(void)
{
	return pg_nextpower2_32((uint32) retail_max_cells);
}

static Size
bitmap_bytes(void)
{
	return mul_size(sizeof(pg_atomic_uint32), ((Size) retail_max_cells + 31) / 32);
}

Size
retail_cell_shmem_size(void)
{
	Size		size = MAXALIGN(sizeof(CellShared));

	size = add_size(size, mul_size(sizeof(Cell), retail_max_cells));
	size = add_size(size, MAXALIGN(mul_size(sizeof(int32), bucket_count())));
	size = add_size(size, mul_size(3, MAXALIGN(bitmap_bytes())));
	size = add_size(size, mul_size(sizeof(PinOwner), RETAIL_MAX_PROCS()));
	return size;
}

Size
retail_cell_bytes(void)
{
	return retail_cell_shmem_size() / retail_max_cells;
}

void
retail_cell_shmem_request(void)
{
	RequestNamedLWLockTranche("pg_retail_cell", CELL_PARTITIONS);
}

void
retail_cell_shmem_init(void)
{
	bool		found;
	char	   *at = ShmemInitStruct("pg_retail cells", retail_cell_shmem_size(), &found);

	shared = (CellShared *) at;
	at += MAXALIGN(sizeof(CellShared));
	cells = (Cell *) at;
	at += mul_size(sizeof(Cell), retail_max_cells);
	buckets = (int32 *) at;
	at += MAXALIGN(mul_size(sizeof(int32), bucket_count()));
	repair_bits = (pg_atomic_uint32 *) at;
	at += MAXALIGN(bitmap_bytes());
	watch_bits = (pg_atomic_uint32 *) at;
	at += MAXALIGN(bitmap_bytes());
	hold_bits = (pg_atomic_uint32 *) at;
	at += MAXALIGN(bitmap_bytes());
	pin_owners = (PinOwner *) at;
	locks = GetNamedLWLockTranche("pg_retail_cell");
	if (found)
		return;

	memset(pin_owners, 0, sizeof(PinOwner) * RETAIL_MAX_PROCS());
	shared->ncells = retail_max_cells;
	shared->nbuckets = bucket_count();
	SpinLockInit(&shared->free_mutex);
	shared->free_head = -1;
	shared->fresh = 0;
	pg_atomic_init_u32(&shared->hand, 0);
	shared->launcher = NULL;
	pg_atomic_init_u32(&shared->rules, 0);
	for (int i = 0; i < RETAIL_MAX_WANTED; i++)
		pg_atomic_init_u32(&shared->wanted[i], InvalidOid);
	for (int i = 0; i < CELL_PARTITIONS; i++)
		ConditionVariableInit(&shared->loaded[i]);
	for (uint32 i = 0; i < shared->nbuckets; i++)
		buckets[i] = -1;
	for (Size i = 0; i < bitmap_bytes() / sizeof(pg_atomic_uint32); i++)
	{
		pg_atomic_init_u32(&repair_bits[i], 0);
		pg_atomic_init_u32(&watch_bits[i], 0);
		pg_atomic_init_u32(&hold_bits[i], 0);
	}
	for (int i = 0; i < shared->ncells; i++)
	{
		Cell	   *cell = &cells[i];

		memset(cell, 0, sizeof(Cell));
		cell->state = CELL_FREE;
		pg_atomic_init_u64(&cell->avail, 0);
		pg_atomic_init_u64(&cell->open, 0);
		pg_atomic_init_u64(&cell->expiry, 0);
		pg_atomic_init_u64(&cell->physical, 0);
		pg_atomic_init_u64(&cell->flag_floor, 0);
		pg_atomic_init_u64(&cell->lot_due, 0);
		pg_atomic_init_u32(&cell->changes, 0);
		pg_atomic_init_u32(&cell->pins, 0);
	}
}

bool
retail_cell_enabled(void)
{
	return shared != NULL;
}

/* ----------------------------------------------------------------
 * Finding
 * ----------------------------------------------------------------
 */

static inline uint64
mix(uint64 hash)
{
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return hash ^ (hash >> 33);
}

/* The finalizer of MurmurHash3 (public domain), twice. */
static uint32
hash_key(uint64 epoch, Oid dbid, int32 sku_id, int32 location_id)
{
	uint64		hash = mix(epoch ^ dbid);

	hash = mix(hash ^ (((uint64) (uint32) sku_id << 32) | (uint32) location_id));
	return (uint32) hash;
}

/* The low bits choose the bucket, and bucket's low bits the partition. */
static inline int
partition_of(uint32 hash)
{
	return hash % CELL_PARTITIONS;
}

static inline LWLock *
lock_of(uint32 hash)
{
	return &locks[partition_of(hash)].lock;
}

static inline int32 *
bucket_of(uint32 hash)
{
	return &buckets[hash & (shared->nbuckets - 1)];
}

/* The caller holds the partition lock. */
static Cell *
find_cell(uint32 hash, uint64 epoch, Oid dbid, int32 sku_id, int32 location_id)
{
	for (int32 i = *bucket_of(hash); i >= 0; i = cells[i].next)
	{
		Cell	   *cell = &cells[i];

		if (cell->sku_id == sku_id && cell->location_id == location_id &&
			cell->dbid == dbid && cell->epoch == epoch)
			return cell;
	}
	return NULL;
}

/* The caller holds the partition lock exclusively. */
static void
unlink_cell(uint32 hash, Cell *cell)
{
	int32	   *link = bucket_of(hash);

	while (&cells[*link] != cell)
		link = &cells[*link].next;
	*link = cell->next;
	cell->next = -1;
	cell->state = CELL_FREE;
}

static void
set_bit(pg_atomic_uint32 *bits, Cell *cell, bool on)
{
	uint32		i = cell - cells;
	uint32		bit = (uint32) 1 << (i % 32);

	if (on)
		pg_atomic_fetch_or_u32(&bits[i / 32], bit);
	else
		pg_atomic_fetch_and_u32(&bits[i / 32], ~bit);
}

static bool
get_bit(pg_atomic_uint32 *bits, Cell *cell)
{
	uint32		i = cell - cells;

	return (pg_atomic_read_u32(&bits[i / 32]) & ((uint32) 1 << (i % 32))) != 0;
}

static void
clear_bits(Cell *cell)
{
	set_bit(repair_bits, cell, false);
	set_bit(watch_bits, cell, false);
	set_bit(hold_bits, cell, false);
}

static void
free_cell(Cell *cell)
{
	clear_bits(cell);
	SpinLockAcquire(&shared->free_mutex);
	cell->next = shared->free_head;
	shared->free_head = cell - cells;
	SpinLockRelease(&shared->free_mutex);
}

static Cell *
pop_free_cell(void)
{
	Cell	   *cell = NULL;

	SpinLockAcquire(&shared->free_mutex);
	if (shared->free_head >= 0)
	{
		cell = &cells[shared->free_head];
		shared->free_head = cell->next;
	}
	else if (shared->fresh < shared->ncells)
		cell = &cells[shared->fresh++];
	SpinLockRelease(&shared->free_mutex);
	return cell;
}

/*
 * Takes a cell out of the table, unless a transaction has it pinned or it is
 * another database's; InvalidOid: of any.
 */
static bool
detach_idle(Cell *cell, Oid dbid)
{
	bool		detached = false;
	uint32		hash;

	/* read unlocked: may be stale, so all is looked at again under the lock */
	hash = hash_key(cell->epoch, cell->dbid, cell->sku_id, cell->location_id);
	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	if (cell->state == CELL_READY && (!OidIsValid(dbid) || cell->dbid == dbid) &&
		(pg_atomic_read_u32(&cell->pins) == 0 || RETAIL_FAULT("evict_pinned")) &&
		find_cell(hash, cell->epoch, cell->dbid, cell->sku_id,
				  cell->location_id) == cell)
	{
		unlink_cell(hash, cell);
		detached = true;
	}
	LWLockRelease(lock_of(hash));
	return detached;
}

/*
 * Takes a cell away from a stock nobody is working on.  The first rounds
 * spare cells in recent use and those whose flag waits for repair; the last
 * takes any unpinned one.  NULL: all are pinned.
 */
static Cell *
evict_cell(void)
{
	int64		tries = (int64) shared->ncells * (MAX_USAGE + 2);

	for (int64 n = 0; n < tries; n++)
	{
		Cell	   *cell = &cells[pg_atomic_fetch_add_u32(&shared->hand, 1) % shared->ncells];
		bool		last_round = n >= tries - shared->ncells;

		if (cell->state != CELL_READY ||
			(pg_atomic_read_u32(&cell->pins) != 0 && !RETAIL_FAULT("evict_pinned")))
			continue;
		if (!last_round)
		{
			if (cell->usage > 0)
			{
				cell->usage--;
				continue;
			}
			if (get_bit(repair_bits, cell))
				continue;
		}

		if (detach_idle(cell, InvalidOid))
		{
			clear_bits(cell);
			return cell;
		}
		if (n % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return NULL;
}

void
retail_cell_pins_begin(void)
{
	PinOwner   *mine = &pin_owners[RETAIL_PROC_NUMBER()];

	mine->since = GetCurrentTransactionStartTimestamp();
	mine->pid = MyProcPid;
}

void
retail_cell_pins_end(void)
{
	pin_owners[RETAIL_PROC_NUMBER()].pid = 0;
}

/* Whose transaction has held pins longest; 0: nobody's.  Read unlocked: a word for people. */
static int
oldest_pinner(void)
{
	int			pid = 0;
	TimestampTz since = DT_NOEND;

	for (int i = 0; i < RETAIL_MAX_PROCS(); i++)
	{
		PinOwner	owner = pin_owners[i];

		if (owner.pid != 0 && owner.since < since)
		{
			pid = owner.pid;
			since = owner.since;
		}
	}
	return pid;
}

static void
report_table_full(void)
{
	int			pid = oldest_pinner();

	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_CELL_TABLE_FULL),
			 errmsg("all %d stock counters are in use by open transactions",
					shared->ncells),
			 errdetail("The oldest of them is that of process %d%s.", pid,
					   pid == MyProcPid ? ", this session" : ""),
			 errhint("Retry; if it stays, raise pg_retail.max_cells or end the transactions that keep theirs open.")));
}

/* Waits until a loader in this partition is done; interruptible. */
static void
wait_for_loader(int partition, uint32 hash, uint64 epoch, int32 sku_id,
				int32 location_id)
{
	ConditionVariable *cv = &shared->loaded[partition];

	ConditionVariablePrepareToSleep(cv);
	for (;;)
	{
		Cell	   *cell;
		bool		loading;

		LWLockAcquire(lock_of(hash), LW_SHARED);
		cell = find_cell(hash, epoch, MyDatabaseId, sku_id, location_id);
		loading = cell != NULL && cell->state == CELL_LOADING;
		LWLockRelease(lock_of(hash));
		if (!loading)
			break;
		ConditionVariableSleep(cv, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

Cell *
retail_cell_pin(uint64 epoch, int32 sku_id, int32 location_id, bool *load)
{
	uint32		hash = hash_key(epoch, MyDatabaseId, sku_id, location_id);
	LWLock	   *lock = lock_of(hash);
	Cell	   *spare = NULL;

	*load = false;
	for (;;)
	{
		Cell	   *cell;

		LWLockAcquire(lock, spare ? LW_EXCLUSIVE : LW_SHARED);
		cell = find_cell(hash, epoch, MyDatabaseId, sku_id, location_id);
		if (cell != NULL && cell->state == CELL_READY)
		{
			pg_atomic_fetch_add_u32(&cell->pins, 1);
			if (cell->usage < MAX_USAGE)
				cell->usage++;
			LWLockRelease(lock);
			if (spare)
				free_cell(spare);
			return cell;
		}
		if (cell != NULL)
		{
			LWLockRelease(lock);
			if (spare)
			{
				free_cell(spare);
				spare = NULL;
			}
			wait_for_loader(partition_of(hash), hash, epoch, sku_id, location_id);
			continue;
		}
		if (spare)
		{
			spare->epoch = epoch;
			spare->dbid = MyDatabaseId;
			spare->sku_id = sku_id;
			spare->location_id = location_id;
			spare->state = CELL_LOADING;
			spare->usage = 1;
			pg_atomic_write_u32(&spare->pins, 1);
			spare->next = *bucket_of(hash);
			*bucket_of(hash) = spare - cells;
			LWLockRelease(lock);
			*load = true;
			return spare;
		}
		LWLockRelease(lock);
		spare = pop_free_cell();
		if (spare == NULL)
			spare = evict_cell();
		if (spare == NULL)
			report_table_full();
	}
}

void
retail_cell_unpin(Cell *cell)
{
	pg_atomic_fetch_sub_u32(&cell->pins, 1);
}

static uint64
expiry_word(TimestampTz deadline, uint64 count)
{
	uint64		ms;

	if (deadline == DT_NOEND)
		ms = EXPIRY_NEVER_MS;
	else if (deadline <= 0)
		ms = 0;
	else
		ms = Min((uint64) deadline / 1000, EXPIRY_NEVER_MS);
	return (ms << EXPIRY_SHIFT) | (count & EXPIRY_COUNT_MASK);
}

static bool
has_deadline(Cell *cell)
{
	return pg_atomic_read_u64(&cell->expiry) >> EXPIRY_SHIFT != EXPIRY_NEVER_MS;
}

void
retail_cell_publish(Cell *cell, const CellTruth *truth)
{
	uint32		hash = hash_key(cell->epoch, cell->dbid, cell->sku_id, cell->location_id);
	int64		physical = truth->on_hand - truth->unavailable;

	pg_atomic_write_u64(&cell->avail, (uint64) (physical - truth->active));
	pg_atomic_write_u64(&cell->open, 0);
	pg_atomic_write_u64(&cell->physical, (uint64) physical);
	pg_atomic_write_u64(&cell->expiry, expiry_word(truth->next_expiry, 0));
	pg_atomic_write_u64(&cell->lot_due, (uint64) truth->lot_due);
	pg_atomic_write_u64(&cell->flag_floor, (uint64) truth->flag_floor);
	pg_atomic_fetch_add_u32(&cell->changes, 1);
	retail_cell_stamp_rules(cell);
	set_bit(watch_bits, cell, truth->any_sold_out);
	set_bit(hold_bits, cell, has_deadline(cell));
	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	cell->state = CELL_READY;
	LWLockRelease(lock_of(hash));
	ConditionVariableBroadcast(&shared->loaded[partition_of(hash)]);
}

/* Takes back an entry that could not be loaded.  Runs in abort callbacks. */
void
retail_cell_discard(Cell *cell)
{
	uint32		hash = hash_key(cell->epoch, cell->dbid, cell->sku_id, cell->location_id);

	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	unlink_cell(hash, cell);
	pg_atomic_write_u32(&cell->pins, 0);
	LWLockRelease(lock_of(hash));
	free_cell(cell);
	ConditionVariableBroadcast(&shared->loaded[partition_of(hash)]);
}

bool
retail_cell_peek(uint64 epoch, int32 sku_id, int32 location_id, CellView *view)
{
	uint32		hash = hash_key(epoch, MyDatabaseId, sku_id, location_id);
	Cell	   *cell;
	bool		ready;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	cell = find_cell(hash, epoch, MyDatabaseId, sku_id, location_id);
	ready = cell != NULL && cell->state == CELL_READY;
	if (ready)
	{
		view->changes = pg_atomic_read_u32(&cell->changes);
		view->pins = pg_atomic_read_u32(&cell->pins);
		view->expiry = pg_atomic_read_u64(&cell->expiry);
		view->lot_due = (TimestampTz) pg_atomic_read_u64(&cell->lot_due);
		view->flag_floor = cell_read(&cell->flag_floor);
		view->physical = cell_read(&cell->physical);
		view->open = cell_read(&cell->open);
		view->avail = cell_read(&cell->avail);
		if (cell->usage < MAX_USAGE)
			cell->usage++;
	}
	LWLockRelease(lock_of(hash));
	return ready;
}

/*
 * The buckets, then the cells they begin with.  Read unlocked: whatever is
 * there is only a hint.
 */
void
retail_cell_expect(uint64 epoch, const int32 *sku_ids, int n, int32 location_id)
{
	for (int from = 0; from < n; from += EXPECTED_AT_ONCE)
	{
		volatile int32 *bucket[EXPECTED_AT_ONCE];
		int			some = Min(n - from, EXPECTED_AT_ONCE);

		for (int i = 0; i < some; i++)
		{
			bucket[i] = bucket_of(hash_key(epoch, MyDatabaseId, sku_ids[from + i], location_id));
			RETAIL_PREFETCH((void *) bucket[i]);
		}
		for (int i = 0; i < some; i++)
		{
			int32		first = *bucket[i];

			if (first < 0)
				continue;
			RETAIL_PREFETCH(&cells[first]);
			RETAIL_PREFETCH((char *) (&cells[first] + 1) - 1);
		}
	}
}

/* ----------------------------------------------------------------
 * Whole databases
 * ----------------------------------------------------------------
 */

/*
 * Runs in a commit callback, under table locks that keep writers of this
 * database out.  A cell that is pinned all the same (a replica writing beside
 * open sessions) is left alone.
 */
int64
retail_cell_drop_database(Oid dbid)
{
	int64		dropped = 0;
	int32		fresh = shared->fresh;

	for (int32 i = 0; i < fresh; i++)
	{
		Cell	   *cell = &cells[i];

		if (cell->dbid == dbid && cell->state == CELL_READY && detach_idle(cell, dbid))
		{
			free_cell(cell);
			dropped++;
		}
	}
	return dropped;
}

void
retail_cell_counts(Oid dbid, int64 *total, int64 *used, int64 *mine)
{
	int32		fresh = shared->fresh;

	*total = shared->ncells;
	*used = 0;
	*mine = 0;
	for (int32 i = 0; i < fresh; i++)
	{
		if (cells[i].state == CELL_FREE)
			continue;
		(*used)++;
		if (cells[i].dbid == dbid)
			(*mine)++;
	}
}

/* ----------------------------------------------------------------
 * The deadline bound
 *
 * The hold bit of a cell is set while its bound is a moment: a sold-out stock
 * without holds, of which there may be millions, costs the launcher a look at
 * the bit and not at the cell.
 * ----------------------------------------------------------------
 */

bool
retail_expiry_due(uint64 expiry, TimestampTz now)
{
	uint64		ms = expiry >> EXPIRY_SHIFT;

	return ms != EXPIRY_NEVER_MS && (int64) ms * 1000 <= now;
}

void
retail_expiry_lower(Cell *cell, TimestampTz deadline)
{
	uint64		old = pg_atomic_read_u64(&cell->expiry);
	uint64		lowered;

	do
	{
		uint64		mine = expiry_word(deadline, old + 1);

		lowered = Min(old >> EXPIRY_SHIFT, mine >> EXPIRY_SHIFT) << EXPIRY_SHIFT |
			(mine & EXPIRY_COUNT_MASK);
	} while (!pg_atomic_compare_exchange_u64(&cell->expiry, &old, lowered));
	if (!get_bit(hold_bits, cell))
		set_bit(hold_bits, cell, true);
}

/*
 * Takes the bit off a cell without a deadline.  Off first, then looked at
 * again: whoever lowers the bound in between finds it off and sets it, or is
 * found by the second look.
 */
static void
clear_hold_bit(Cell *cell)
{
	set_bit(hold_bits, cell, false);
	if (has_deadline(cell))
		set_bit(hold_bits, cell, true);
}

void
retail_expiry_raise(Cell *cell, uint64 seen, TimestampTz deadline)
{
	pg_atomic_compare_exchange_u64(&cell->expiry, &seen,
								   expiry_word(deadline, seen + 1));
}

/* ----------------------------------------------------------------
 * Flags that want a look
 * ----------------------------------------------------------------
 */

static void
wake_launcher(void)
{
	struct Latch *launcher = shared->launcher;

	if (launcher != NULL)
		SetLatch(launcher);
}

void
retail_cell_mark_repair(Cell *cell)
{
	if (RETAIL_FAULT("flag_unrepaired"))
		return;
	set_bit(repair_bits, cell, true);
	wake_launcher();
}

void
retail_cell_mark_again(const CellKey *key)
{
	uint32		hash = hash_key(key->epoch, key->dbid, key->sku_id, key->location_id);
	Cell	   *cell;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	cell = find_cell(hash, key->epoch, key->dbid, key->sku_id, key->location_id);
	if (cell != NULL)
		set_bit(repair_bits, cell, true);
	LWLockRelease(lock_of(hash));
}

void
retail_cell_want(Oid dbid)
{
	for (int i = 0; i < RETAIL_MAX_WANTED; i++)
	{
		uint32		none = InvalidOid;

		if (pg_atomic_read_u32(&shared->wanted[i]) == dbid ||
			pg_atomic_compare_exchange_u32(&shared->wanted[i], &none, dbid))
			break;
	}
	wake_launcher();
}

bool
retail_cell_take_wanted(Oid dbid)
{
	bool		taken = false;

	for (int i = 0; i < RETAIL_MAX_WANTED; i++)
	{
		uint32		mine = dbid;

		if (pg_atomic_compare_exchange_u32(&shared->wanted[i], &mine, InvalidOid))
			taken = true;
	}
	return taken;
}

int
retail_cell_wanted(Oid *dbids)
{
	int			n = 0;

	for (int i = 0; i < RETAIL_MAX_WANTED; i++)
	{
		Oid			dbid = pg_atomic_read_u32(&shared->wanted[i]);

		if (OidIsValid(dbid))
			dbids[n++] = dbid;
	}
	return n;
}

void
retail_cell_set_watch(Cell *cell, bool watch)
{
	set_bit(watch_bits, cell, watch);
}

bool
retail_cell_watched(Cell *cell)
{
	return get_bit(watch_bits, cell);
}

void
retail_cell_rules_changed(void)
{
	if (shared != NULL)
		pg_atomic_fetch_add_u32(&shared->rules, 1);
}

bool
retail_cell_rules_current(Cell *cell)
{
	return cell->rules == pg_atomic_read_u32(&shared->rules);
}

void
retail_cell_stamp_rules(Cell *cell)
{
	cell->rules = pg_atomic_read_u32(&shared->rules);
}

void
retail_cell_set_launcher(struct Latch *latch)
{
	shared->launcher = latch;
}

void
retail_cell_visit_due(Oid dbid, bool take_marks, TimestampTz (*clock) (Oid dbid),
					  CellVisitor visit, void *arg)
{
	int32		nwords = (shared->fresh + 31) / 32;
	Oid			clock_dbid = InvalidOid;
	TimestampTz now = 0;

	for (int32 w = 0; w < nwords; w++)
	{
		uint32		marked = pg_atomic_read_u32(&repair_bits[w]);
		uint32		word = marked | (pg_atomic_read_u32(&watch_bits[w]) &
									 pg_atomic_read_u32(&hold_bits[w]));

		while (word != 0)
		{
			int			bit = pg_rightmost_one_pos32(word);
			Cell	   *cell = &cells[w * 32 + bit];
			bool		is_marked = (marked >> bit) & 1;
			CellKey		key = {cell->epoch, cell->dbid, cell->sku_id, cell->location_id};

			word &= word - 1;
			if (cell->state != CELL_READY ||
				(OidIsValid(dbid) && key.dbid != dbid))
				continue;
			if (!is_marked)
			{
				if (key.dbid != clock_dbid)
				{
					clock_dbid = key.dbid;
					now = clock(clock_dbid);
				}
				if (!has_deadline(cell))
					clear_hold_bit(cell);
				if (!retail_expiry_due(pg_atomic_read_u64(&cell->expiry), now))
					continue;
			}
			if (is_marked && take_marks)
				set_bit(repair_bits, cell, false);
			if (!visit(&key, arg))
				return;
		}
	}
}
