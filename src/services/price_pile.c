/*-------------------------------------------------------------------------
 * price_pile.c
 *		Many prices in any order, handed out SKU by SKU.
 *
 * Who looks at all prices looks at them SKU by SKU: what bounds a price, and
 * what it is compared with, is of the same SKU.  A sort of everything would
 * bring them together, and do more than is asked: the order of the SKUs does
 * not matter.  So prices are dealt into heaps by a hash of the SKU, each heap
 * a temporary file, and one heap at a time is read back and sorted in memory.
 * That writes and reads each price once, and compares it only with those of
 * its heap.
 *
 * A heap is meant to fit into the processor's cache.  Memory is what the
 * largest heap takes, and a buffer for each; one SKU is never divided, so a
 * SKU with a million prices takes as much as a million records.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "price_pile.h"

/* A heap of this size is sorted in the cache; it has to be worth a file. */
#define HEAP_BYTES (8 * 1024 * 1024)

/* Each heap has a file open, with a buffer of one block. */
#define MAX_HEAPS 256

struct PricePile
{
	MemoryContext cxt;
	int			nheaps;
	BufFile   **files;			/* NULL: a single heap, in memory */
	int64	   *counts;			/* records in each */
	int			heap;			/* read now; -1: none yet */
	PriceRecord *records;		/* of that heap */
	int64		nrecords;
	int64		capacity;
	int64		next;			/* not handed out yet */
};

#define COMPARE(a, b, column) \
	do { \
		if ((a)->column != (b)->column) \
			return (a)->column < (b)->column ? -1 : 1; \
	} while (0)

static inline int
compare_records(const PriceRecord *a, const PriceRecord *b)
{
	COMPARE(a, b, sku_id);
	COMPARE(a, b, currency);
	COMPARE(a, b, location_id);
	COMPARE(a, b, channel_id);
	COMPARE(a, b, kind);
	COMPARE(a, b, tier);
	COMPARE(a, b, min_qty);
	COMPARE(a, b, from);
	COMPARE(a, b, id);
	return 0;
}

#define ST_SORT sort_records
#define ST_ELEMENT_TYPE PriceRecord
#define ST_COMPARE(a, b) compare_records(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

PricePile *
retail_price_pile_begin(MemoryContext parent, double rows)
{
	MemoryContext cxt = AllocSetContextCreate(parent, "pg_retail price pile",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	PricePile  *pile = palloc0(sizeof(PricePile));
	double		most = Min(HEAP_BYTES, maintenance_work_mem * 1024.0 / 2);
	double		heaps = rows * sizeof(PriceRecord) / most;

	pile->cxt = cxt;
	pile->heap = -1;
	pile->nheaps = heaps < 1 ? 1 : (int) Min(heaps + 1, MAX_HEAPS);
	if (pile->nheaps > 1)
	{
		pile->files = palloc(sizeof(BufFile *) * pile->nheaps);
		pile->counts = palloc0(sizeof(int64) * pile->nheaps);
		for (int i = 0; i < pile->nheaps; i++)
			pile->files[i] = BufFileCreateTemp(false);
	}
	MemoryContextSwitchTo(old);
	return pile;
}

/* Room for n records; what is there stays. */
static void
make_room(PricePile *pile, int64 n)
{
	Size		bytes;

	if (n <= pile->capacity)
		return;
	pile->capacity = Max(n, Max(1024, pile->capacity * 2));
	bytes = mul_size(sizeof(PriceRecord), pile->capacity);
	if (pile->records == NULL)
		pile->records = MemoryContextAllocHuge(pile->cxt, bytes);
	else
		pile->records = repalloc_huge(pile->records, bytes);
}

/* Neighbouring ids go to different heaps, and all prices of a SKU to one. */
static int
heap_of(const PricePile *pile, int32 sku_id)
{
	uint32		hash = (uint32) sku_id * 0x9E3779B1u;

	return (int) (((uint64) hash * pile->nheaps) >> 32);
}

void
retail_price_pile_put(PricePile *pile, const PriceRecord *record)
{
	Assert(pile->heap < 0);
	if (pile->files != NULL)
	{
		int			heap = heap_of(pile, record->sku_id);

		BufFileWrite(pile->files[heap], unconstify(PriceRecord *, record), sizeof(PriceRecord));
		pile->counts[heap]++;
	}
	else
	{
		make_room(pile, pile->nrecords + 1);
		pile->records[pile->nrecords++] = *record;
	}
}

/* The records of one heap into memory, and away with its file. */
static void
read_heap(PricePile *pile, int heap)
{
	BufFile    *file = pile->files[heap];
	int64		bytes = pile->counts[heap] * sizeof(PriceRecord);

	pile->nrecords = pile->counts[heap];
	make_room(pile, pile->nrecords);
	if (BufFileSeek(file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file of prices")));

	/* a block at a time: one call may not ask for more than an int can tell */
	for (int64 done = 0; done < bytes;)
	{
		size_t		part = Min(bytes - done, BLCKSZ);

		if (BufFileRead(file, (char *) pile->records + done, part) != part)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read a temporary file of prices")));
		done += part;
		CHECK_FOR_INTERRUPTS();
	}
	BufFileClose(file);
	pile->files[heap] = NULL;
}

/* False: there is no other heap. */
static bool
turn_to_next_heap(PricePile *pile)
{
	if (++pile->heap >= pile->nheaps)
		return false;
	if (pile->files != NULL)
		read_heap(pile, pile->heap);
	sort_records(pile->records, pile->nrecords);
	pile->next = 0;
	return true;
}

PriceRecord *
retail_price_pile_next(PricePile *pile, int64 *n)
{
	PriceRecord *first;
	int64		end;

	while (pile->heap < 0 || pile->next == pile->nrecords)
	{
		if (!turn_to_next_heap(pile))
			return NULL;
	}
	first = &pile->records[pile->next];
	end = pile->next + 1;
	while (end < pile->nrecords && pile->records[end].sku_id == first->sku_id &&
		   pile->records[end].currency == first->currency)
		end++;
	*n = end - pile->next;
	pile->next = end;
	return first;
}

void
retail_price_pile_end(PricePile *pile)
{
	for (int i = 0; pile->files != NULL && i < pile->nheaps; i++)
	{
		if (pile->files[i] != NULL)
			BufFileClose(pile->files[i]);
	}
	MemoryContextDelete(pile->cxt);
}
