/*-------------------------------------------------------------------------
 * link_block.c
 *		Which pairs of records are worth a comparison.
 *
 * Which keys are selective is the data's to say: a town is, among the people
 * of a country, and is not in a shop's own neighbourhood.  So no list of
 * blocking rules is kept.  Every value offers its keys; what is rare enough
 * makes pairs at once, and what is not is combined with other frequent keys
 * of the same record, which are the only ones worth combining: a pair that
 * has a rare key in common was found by that alone.
 *-------------------------------------------------------------------------
 */
#include "link_block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text_norm.h"

/* Frequent keys of one record that are combined, the rarest first. */
#define COMBINED_MAX 14

#define RADIX_BITS 11
#define RADIX (1 << RADIX_BITS)

#define FIELD_BITS 8
#define FIELD_MASK 0xFF
#define COUNT_MAX 0xFFFFFF

typedef struct Entry
{
	uint64_t	key;
	uint32_t	record;
	uint32_t	spare;			/* the key's field, and above it how many have it */
} Entry;

typedef struct Entries
{
	Entry	   *items;
	uint64_t	n;
	uint64_t	size;
} Entries;

typedef struct Pairs
{
	BlockPair  *items;
	uint64_t	n;
	uint64_t	size;
} Pairs;

/* Makes room for more items of this size; what it returns replaces items. */
static void *
grow(const LinkHost *host, void *items, uint64_t n, uint64_t *size, size_t item)
{
	void	   *larger;

	if (n < *size)
		return items;
	*size = *size == 0 ? 4096 : *size * 2;
	larger = host->alloc(*size * item);
	if (items != NULL)
	{
		memcpy(larger, items, n * item);
		host->release(items);
	}
	return larger;
}

static void
add_entry(const LinkHost *host, Entries *entries, uint64_t key, uint32_t record, uint32_t spare)
{
	entries->items = grow(host, entries->items, entries->n, &entries->size, sizeof(Entry));
	entries->items[entries->n++] = (Entry) {key, record, spare};
}

/* By key, keeping the order of records. */
static void
sort_entries(const LinkHost *host, Entries *entries)
{
	Entry	   *from = entries->items;
	Entry	   *to;

	if (entries->n == 0)
		return;
	to = host->alloc(entries->n * sizeof(Entry));
	for (int shift = 0; shift < 64; shift += RADIX_BITS)
	{
		uint64_t	starts[RADIX] = {0};
		uint64_t	sum = 0;
		Entry	   *swap;

		host->poll();
		for (uint64_t i = 0; i < entries->n; i++)
			starts[(from[i].key >> shift) & (RADIX - 1)]++;
		for (int i = 0; i < RADIX; i++)
		{
			uint64_t	count = starts[i];

			starts[i] = sum;
			sum += count;
		}
		for (uint64_t i = 0; i < entries->n; i++)
			to[starts[(from[i].key >> shift) & (RADIX - 1)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	entries->items = from;
	entries->size = entries->n;
	host->release(to);
}

static int
compare_pairs(const void *a, const void *b)
{
	BlockPair	x = *(const BlockPair *) a;
	BlockPair	y = *(const BlockPair *) b;

	return (x > y) - (x < y);
}

static void
add_pair(const LinkHost *host, Pairs *pairs, uint32_t a, uint32_t b)
{
	pairs->items = grow(host, pairs->items, pairs->n, &pairs->size, sizeof(BlockPair));
	pairs->items[pairs->n++] = a < b ? (uint64_t) a << 32 | b : (uint64_t) b << 32 | a;
}

/* Sorted by their first record, then within it: each is met many times. */
static void
sort_pairs(const LinkHost *host, Pairs *pairs, uint32_t n_records)
{
	uint64_t   *starts = host->alloc((n_records + 1) * sizeof(uint64_t));
	BlockPair  *sorted = host->alloc((pairs->n + 1) * sizeof(BlockPair));
	uint64_t	sum = 0;
	uint64_t	kept = 0;
	uint64_t	from = 0;

	memset(starts, 0, (n_records + 1) * sizeof(uint64_t));
	for (uint64_t i = 0; i < pairs->n; i++)
		starts[BLOCK_PAIR_A(pairs->items[i])]++;
	for (uint32_t i = 0; i <= n_records; i++)
	{
		uint64_t	count = starts[i];

		starts[i] = sum;
		sum += count;
	}
	for (uint64_t i = 0; i < pairs->n; i++)
		sorted[starts[BLOCK_PAIR_A(pairs->items[i])]++] = pairs->items[i];
	for (uint32_t a = 0; a < n_records; a++)
	{
		uint64_t	to = starts[a];

		qsort(sorted + from, to - from, sizeof(BlockPair), compare_pairs);
		for (uint64_t i = from; i < to; i++)
			if (i == from || sorted[i] != sorted[i - 1])
				pairs->items[kept++] = sorted[i];
		from = to;
	}
	pairs->n = kept;
	host->release(sorted);
	host->release(starts);
}

/* What a round leaves: the entries whose group was too large, as they were. */
static void
pair_groups(const LinkHost *host, Entries *entries, int cap, Pairs *pairs, Entries *large)
{
	for (uint64_t first = 0; first < entries->n;)
	{
		uint64_t	last = first + 1;

		while (last < entries->n && entries->items[last].key == entries->items[first].key)
			last++;
		if (last - first > (uint64_t) cap)
		{
			uint32_t	count = last - first < COUNT_MAX ? (uint32_t) (last - first) : COUNT_MAX;

			for (uint64_t i = first; i < last; i++)
			{
				const Entry *entry = &entries->items[i];

				/* the count orders a record's keys, the rarest first */
				add_entry(host, large, entry->key, entry->record,
						  (entry->spare & FIELD_MASK) | count << FIELD_BITS);
			}
		}
		else
			for (uint64_t i = first; i < last; i++)
				for (uint64_t j = first; j < i; j++)
					if (entries->items[i].record != entries->items[j].record)
						add_pair(host, pairs, entries->items[i].record, entries->items[j].record);
		host->poll();
		first = last;
	}
}

static int
compare_by_record(const void *a, const void *b)
{
	const Entry *x = a;
	const Entry *y = b;

	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	if (x->spare != y->spare)
		return x->spare < y->spare ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

/*
 * The second round: each two frequent keys of a record, of different fields.
 * The third: each three.  Only what holds a combination that was too frequent
 * in the second can be found anew in the third.
 */
static void
combine(const LinkHost *host, const Entries *frequent, const Entries *large_pairs,
		int how_many, Entries *combined)
{
	uint64_t	at_large = 0;

	for (uint64_t first = 0; first < frequent->n;)
	{
		uint32_t	record = frequent->items[first].record;
		uint64_t	last = first;
		uint64_t	end_large;
		int			n;

		while (last < frequent->n && frequent->items[last].record == record)
			last++;
		n = last - first > COMBINED_MAX ? COMBINED_MAX : (int) (last - first);
		while (at_large < large_pairs->n && large_pairs->items[at_large].record < record)
			at_large++;
		for (end_large = at_large; end_large < large_pairs->n &&
			 large_pairs->items[end_large].record == record;)
			end_large++;
		for (int i = 0; i < n; i++)
			for (int j = i + 1; j < n; j++)
			{
				const Entry *x = &frequent->items[first + i];
				const Entry *y = &frequent->items[first + j];
				uint64_t	two;
				bool		is_large = false;

				if ((x->spare & FIELD_MASK) == (y->spare & FIELD_MASK))
					continue;
				two = retail_hash_mix(x->key + y->key, x->key ^ y->key);
				if (how_many == 2)
				{
					add_entry(host, combined, two, record, 0);
					continue;
				}
				for (uint64_t k = at_large; k < end_large && !is_large; k++)
					is_large = large_pairs->items[k].key == two;
				for (int k = j + 1; k < n && is_large; k++)
				{
					const Entry *z = &frequent->items[first + k];

					if ((z->spare & FIELD_MASK) != (x->spare & FIELD_MASK) && (z->spare & FIELD_MASK) != (y->spare & FIELD_MASK))
						add_entry(host, combined, retail_hash_mix(two, z->key), record, 0);
				}
			}
		host->poll();
		first = last;
	}
}

static void
release_entries(const LinkHost *host, Entries *entries)
{
	if (entries->items != NULL)
		host->release(entries->items);
	memset(entries, 0, sizeof(*entries));
}

static uint64_t
count_groups(const Entries *entries)
{
	uint64_t	groups = 0;

	for (uint64_t i = 0; i < entries->n; i++)
		groups += i == 0 || entries->items[i].key != entries->items[i - 1].key;
	return groups;
}

BlockPair *
retail_link_candidates(const LinkHost *host, ReadKeys read_keys, const void *data,
					   uint32_t n_records, int cap, uint64_t *n_pairs, uint64_t *n_hot)
{
	Entries		entries = {.n = 0};
	Entries		frequent = {.n = 0};
	Entries		large = {.n = 0};
	Entries		hot = {.n = 0};
	Pairs		pairs = {.n = 0};

	for (uint32_t i = 0; i < n_records; i++)
	{
		RecordKeys	keys;

		read_keys(data, i, &keys);
		for (int k = 0; k < keys.n; k++)
			add_entry(host, &entries, keys.keys[k], i, keys.fields[k]);
	}
	sort_entries(host, &entries);
	pair_groups(host, &entries, cap, &pairs, &frequent);
	release_entries(host, &entries);

	if (frequent.n > 0)
		qsort(frequent.items, frequent.n, sizeof(Entry), compare_by_record);
	combine(host, &frequent, &large, 2, &entries);
	sort_entries(host, &entries);
	pair_groups(host, &entries, cap, &pairs, &large);
	release_entries(host, &entries);

	if (large.n > 0)
		qsort(large.items, large.n, sizeof(Entry), compare_by_record);
	combine(host, &frequent, &large, 3, &entries);
	sort_entries(host, &entries);
	pair_groups(host, &entries, cap, &pairs, &hot);
	*n_hot = count_groups(&hot);
	release_entries(host, &entries);
	release_entries(host, &frequent);
	release_entries(host, &large);
	release_entries(host, &hot);

	if (pairs.n > 0)
		sort_pairs(host, &pairs, n_records);
	*n_pairs = pairs.n;
	return pairs.items;
}
