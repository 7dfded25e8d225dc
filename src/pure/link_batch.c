/*-------------------------------------------------------------------------
 * link_batch.c
 *		A whole table of records, resolved into people.
 *
 * Everything happens in the order of the records' content, so no sum, no tie
 * and no sample depends on the order in which they were read.
 *-------------------------------------------------------------------------
 */
#include "link_batch.h"

#include <stdlib.h>
#include <string.h>

#include "link_block.h"

/* Pairs drawn at random; of a small table, all of them. */
#define RANDOM_PAIRS 200000

/* Patterns that occur: far fewer than pairs. */
typedef struct PatternTable
{
	const LinkHost *host;
	PatternCount *items;		/* pattern + 1; 0: free */
	uint64_t	size;			/* a power of two */
	uint64_t	n;
} PatternTable;

static void
grow_table(PatternTable *table)
{
	PatternTable larger = {table->host, NULL, table->size == 0 ? 4096 : 2 * table->size, 0};

	larger.items = table->host->alloc(larger.size * sizeof(PatternCount));
	memset(larger.items, 0, larger.size * sizeof(PatternCount));
	for (uint64_t i = 0; i < table->size; i++)
		if (table->items[i].pattern != 0)
		{
			uint64_t	at = retail_hash_mix(table->items[i].pattern, 0) & (larger.size - 1);

			while (larger.items[at].pattern != 0)
				at = (at + 1) & (larger.size - 1);
			larger.items[at] = table->items[i];
			larger.n++;
		}
	if (table->items != NULL)
		table->host->release(table->items);
	*table = larger;
}

static void
count_pattern(PatternTable *table, LinkPattern pattern)
{
	uint64_t	at;

	if (2 * table->n >= table->size)
		grow_table(table);
	at = retail_hash_mix(pattern + 1, 0) & (table->size - 1);
	while (table->items[at].pattern != 0 && table->items[at].pattern != pattern + 1)
		at = (at + 1) & (table->size - 1);
	table->n += table->items[at].pattern == 0;
	table->items[at].pattern = pattern + 1;
	table->items[at].count++;
}

static int
compare_patterns(const void *a, const void *b)
{
	LinkPattern x = ((const PatternCount *) a)->pattern;
	LinkPattern y = ((const PatternCount *) b)->pattern;

	return (x > y) - (x < y);
}

/* The patterns in order; how many. */
static int
sort_patterns(PatternTable *table)
{
	uint64_t	n = 0;

	for (uint64_t i = 0; i < table->size; i++)
		if (table->items[i].pattern != 0)
		{
			table->items[n] = table->items[i];
			table->items[n++].pattern--;
		}
	if (n > 0)
		qsort(table->items, n, sizeof(PatternCount), compare_patterns);
	return (int) n;
}

static int
compare_records(const void *a, const void *b)
{
	const LinkRecord *x = a;
	const LinkRecord *y = b;

	if (x->content != y->content)
		return x->content < y->content ? -1 : 1;
	return (x->tie > y->tie) - (x->tie < y->tie);
}

static void
order_by_content(LinkRecord *records, uint32_t n, int n_fields)
{
	for (uint32_t i = 0; i < n; i++)
	{
		uint64_t	hash = 0;

		for (int f = 0; f < n_fields; f++)
		{
			const FieldValue *value = records[i].values[f];

			hash = value == NULL ? retail_hash_mix(hash, 1) :
				retail_text_hash((const uint16_t *) value, value->size / 2, hash);
		}
		records[i].content = hash;
	}
	qsort(records, n, sizeof(LinkRecord), compare_records);
}

typedef struct KeySource
{
	const LinkRecord *records;
	int			n_fields;
	uint32_t	unblocked;
} KeySource;

static void
read_keys(const void *data, uint32_t i, RecordKeys *keys)
{
	const KeySource *source = data;

	keys->n = 0;
	for (int f = 0; f < source->n_fields; f++)
	{
		const FieldValue *value = source->records[i].values[f];
		uint64_t	of_field[FIELD_KEYS_MAX];
		int			n = value == NULL || (source->unblocked >> f & 1) ? 0 :
			retail_field_keys(value, of_field);

		for (int k = 0; k < n && keys->n < LINK_KEYS_MAX; k++)
		{
			/* names meet in whichever field they stand; others in their own */
			keys->keys[keys->n] = retail_hash_mix(of_field[k], value->kind == FIELD_NAME ? 0 : f + 1);
			keys->fields[keys->n++] = (uint8_t) f;
		}
	}
}

/* How often a record's values occur, a slot a column; 0: it says nothing. */
typedef struct Frequencies
{
	uint32_t   *count;			/* n_records x n_slots */
	double		with_value[LINK_SLOTS_MAX];	/* records that have one */
} Frequencies;

typedef struct Term
{
	uint64_t	term;
	uint32_t	record;
} Term;

static int
compare_terms(const void *a, const void *b)
{
	uint64_t	x = ((const Term *) a)->term;
	uint64_t	y = ((const Term *) b)->term;

	return (x > y) - (x < y);
}

static void
count_terms(const LinkHost *host, const LinkModel *model, const LinkRecord *records,
			uint32_t n_records, Frequencies *frequencies)
{
	Term	   *terms = host->alloc((n_records + 1) * sizeof(Term));

	frequencies->count = host->alloc(((size_t) n_records * model->n_slots + 1) * sizeof(uint32_t));
	memset(frequencies->count, 0, (size_t) n_records * model->n_slots * sizeof(uint32_t));
	for (int s = 0; s < model->n_slots; s++)
	{
		uint32_t	n = 0;

		host->poll();
		for (uint32_t i = 0; i < n_records; i++)
		{
			const FieldValue *value = records[i].values[model->slots[s].field];

			if (value != NULL && value->term[model->slots[s].part] != 0)
				terms[n++] = (Term) {value->term[model->slots[s].part], i};
		}
		qsort(terms, n, sizeof(Term), compare_terms);
		for (uint32_t first = 0; first < n;)
		{
			uint32_t	last = first;

			while (last < n && terms[last].term == terms[first].term)
				last++;
			for (uint32_t i = first; i < last; i++)
				frequencies->count[(size_t) terms[i].record * model->n_slots + s] = last - first;
			first = last;
		}
		frequencies->with_value[s] = n;
	}
	host->release(terms);
}

/* How much oftener than the average some people are written down. */
#define OFTEN 3

/*
 * By how much a value's count exceeds what one person accounts for: the more
 * it does, the more strangers have it.
 */
static double
excess(const LinkModel *model, const Frequencies *frequencies, uint32_t record, int slot)
{
	double		over = frequencies->count[(size_t) record * model->n_slots + slot] -
		OFTEN * model->records_per_person;

	return over > 0 ? over : 0;
}

/* The mean excess of a slot's values. */
static void
mean_excess(const LinkModel *model, const Frequencies *frequencies, uint32_t n_records,
			double *mean)
{
	for (int s = 0; s < model->n_slots; s++)
	{
		mean[s] = 0;
		for (uint32_t i = 0; i < n_records; i++)
			mean[s] += excess(model, frequencies, i, s);
		if (frequencies->with_value[s] > 0)
			mean[s] /= frequencies->with_value[s];
	}
}

/*
 * How likely a stranger has the value of a record.  On average that is what
 * the model says of equal values; one part of it is even, for chance has no
 * favourites, the other in proportion to the excess.
 */
static double
rarity(const LinkModel *model, const Frequencies *frequencies, const double *mean,
	   uint32_t record, int slot)
{
	double		on_average = model->slots[slot].p[LINK_STRANGER][model->slots[slot].levels - 1];
	double		of_excess;

	if (frequencies->count[(size_t) record * model->n_slots + slot] == 0)
		return -1;
	of_excess = mean[slot] / frequencies->with_value[slot];
	if (of_excess > 0.9 * on_average)
		of_excess = 0.9 * on_average;
	if (of_excess <= 0)
		return on_average;
	return on_average - of_excess +
		of_excess * excess(model, frequencies, record, slot) / mean[slot];
}

/* How many pairs have equal values. */
static void
count_equal(const LinkModel *model, const Frequencies *frequencies, uint32_t n_records,
			LinkChance *chance)
{
	for (int s = 0; s < model->n_slots; s++)
	{
		double		n = frequencies->with_value[s];

		chance->all[s] = n * (n - 1) / 2;
		chance->equal[s] = 0;
		for (uint32_t i = 0; i < n_records; i++)
		{
			double		count = frequencies->count[(size_t) i * model->n_slots + s];

			if (count > 0)
				chance->equal[s] += (count - 1) / 2;
		}
	}
}

static void
draw_random(const LinkModel *model, const LinkRecord *records, uint32_t n, PatternTable *table)
{
	uint64_t	all = (uint64_t) n * (n - 1) / 2;
	uint64_t	drawn = 0;

	for (uint32_t stride = 1; drawn < RANDOM_PAIRS && stride <= n / 2; stride++)
	{
		/* in a small table every distance; in a large one, scattered ones */
		uint32_t	distance = all <= RANDOM_PAIRS ? stride : (uint32_t) (1 + retail_hash_mix(stride, n) % (n - 1));

		table->host->poll();
		for (uint32_t i = 0; i < n && drawn < RANDOM_PAIRS; i++, drawn++)
			count_pattern(table, retail_link_pattern(model, records[i].values,
													 records[(i + distance) % n].values));
	}
}

static int32_t
weigh(const LinkModel *model, const Frequencies *frequencies, const double *mean,
	  LinkPattern pattern, uint32_t a, uint32_t b)
{
	double		of_slot[LINK_SLOTS_MAX];

	for (int s = 0; s < model->n_slots; s++)
	{
		double		x;
		double		y;

		of_slot[s] = -1;
		if (retail_link_level(pattern, s) != model->slots[s].levels - 1)
			continue;
		x = rarity(model, frequencies, mean, a, s);
		y = rarity(model, frequencies, mean, b, s);
		of_slot[s] = x > y ? x : y;
	}
	return retail_link_weight(model, pattern, of_slot);
}

static void
train(const LinkHost *host, LinkModel *model, const LinkRecord *records, uint32_t n_records,
	  const Frequencies *frequencies, const LinkPattern *patterns, uint64_t n_pairs, int iterations)
{
	PatternTable candidates = {.host = host};
	PatternTable random = {.host = host};
	LinkChance	chance;
	int			n_candidates;
	int			n_random;

	draw_random(model, records, n_records, &random);
	for (uint64_t i = 0; i < n_pairs; i++)
		count_pattern(&candidates, patterns[i]);
	n_candidates = sort_patterns(&candidates);
	n_random = sort_patterns(&random);
	count_equal(model, frequencies, n_records, &chance);
	host->poll();
	retail_link_train(model, candidates.items, n_candidates, random.items, n_random,
					  &chance, n_records, iterations);
	host->release(candidates.items);
	host->release(random.items);
}

void
retail_link_batch(const LinkHost *host, LinkModel *model, LinkRecord *records,
				  uint32_t n_records, const LinkOptions *options, LinkResult *result)
{
	KeySource	source = {records, model->n_fields, options->unblocked};
	Frequencies frequencies;
	BlockPair  *candidates;
	LinkPattern *patterns;
	double		mean[LINK_SLOTS_MAX];

	memset(result, 0, sizeof(*result));
	order_by_content(records, n_records, model->n_fields);
	candidates = retail_link_candidates(host, read_keys, &source, n_records,
										options->block_cap, &result->n_pairs, &result->n_hot);
	result->n_compared = result->n_pairs;
	patterns = host->alloc((result->n_pairs + 1) * sizeof(LinkPattern));
	for (uint64_t i = 0; i < result->n_pairs; i++)
	{
		if (i % 4096 == 0)
			host->poll();
		patterns[i] = retail_link_pattern(model, records[BLOCK_PAIR_A(candidates[i])].values,
										  records[BLOCK_PAIR_B(candidates[i])].values);
	}
	count_terms(host, model, records, n_records, &frequencies);
	if (options->iterations > 0 && n_records > 1 && result->n_pairs > 0)
		train(host, model, records, n_records, &frequencies, patterns, result->n_pairs,
			  options->iterations);

	mean_excess(model, &frequencies, n_records, mean);
	result->pairs = host->alloc((result->n_pairs + 1) * sizeof(LinkPair));
	for (uint64_t i = 0; i < result->n_pairs; i++)
	{
		uint32_t	a = BLOCK_PAIR_A(candidates[i]);
		uint32_t	b = BLOCK_PAIR_B(candidates[i]);

		if (i % 4096 == 0)
			host->poll();
		result->pairs[i] = (LinkPair) {a, b, weigh(model, &frequencies, mean, patterns[i], a, b)};
	}
	if (candidates != NULL)
		host->release(candidates);
	host->release(patterns);
	host->release(frequencies.count);

	result->cluster = host->alloc((n_records + 1) * sizeof(uint32_t));
	retail_link_cluster(host, n_records, result->pairs, result->n_pairs,
						options->threshold, options->cluster_cap, result->cluster);
}
