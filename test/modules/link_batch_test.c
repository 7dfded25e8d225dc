/*-------------------------------------------------------------------------
 * link_batch_test.c
 *		Random test of finding pairs, clustering and training.
 *
 *		tools/run_module_test test/modules/link_batch_test.c [seed]
 *
 * Blocks are found again by looking at every pair, and clusters by looking at
 * every two clusters before each join, with all their records.  Whole runs
 * are repeated with the records shuffled: not one bit may differ.  Prints TAP;
 * the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "link_batch.h"
#include "link_block.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int
random_below(int limit)
{
	return (int) (random_bits() % (uint64_t) limit);
}

static void
report_rule(const char *name, int failures)
{
	tests_done++;
	if (failures)
	{
		tests_failed++;
		printf("# %d failures\n", failures);
	}
	printf("%sok %d - %s\n", failures ? "not " : "", tests_done, name);
}

static void *
alloc(size_t size)
{
	void	   *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL)
		abort();
	return memory;
}

static void
poll(void)
{
}

static const LinkHost host = {alloc, free, poll};

#define BLOCK_RECORDS 60
#define BLOCK_KEYS 5

typedef struct Keyed
{
	uint64_t	keys[BLOCK_RECORDS][BLOCK_KEYS];
} Keyed;

static void
read_keys(const void *data, uint32_t i, RecordKeys *keys)
{
	const Keyed *keyed = data;

	keys->n = BLOCK_KEYS;
	for (int k = 0; k < BLOCK_KEYS; k++)
	{
		keys->keys[k] = keyed->keys[i][k];
		keys->fields[k] = (uint8_t) k;
	}
}

static int
count_key(const Keyed *keyed, int k, uint64_t key)
{
	int			n = 0;

	for (int i = 0; i < BLOCK_RECORDS; i++)
		n += keyed->keys[i][k] == key;
	return n;
}

/* How many records have all of these keys, those of a that are in the mask. */
static int
count_all(const Keyed *keyed, int a, int mask)
{
	int			n = 0;

	for (int i = 0; i < BLOCK_RECORDS; i++)
	{
		int			all = 1;

		for (int k = 0; k < BLOCK_KEYS; k++)
			if (mask >> k & 1)
				all &= keyed->keys[i][k] == keyed->keys[a][k];
		n += all;
	}
	return n;
}

/* One key rare enough, else two that are together, else three. */
static int
twin_is_candidate(const Keyed *keyed, int a, int b, int cap)
{
	int			common = 0;

	for (int k = 0; k < BLOCK_KEYS; k++)
		if (keyed->keys[a][k] == keyed->keys[b][k])
		{
			common |= 1 << k;
			if (count_key(keyed, k, keyed->keys[a][k]) <= cap)
				return 1;
		}
	for (int mask = 1; mask < 1 << BLOCK_KEYS; mask++)
		if ((mask & ~common) == 0 && __builtin_popcount(mask) >= 2 && __builtin_popcount(mask) <= 3 &&
			count_all(keyed, a, mask) <= cap)
		{
			/* a third key is tried only beside two that are too frequent */
			if (__builtin_popcount(mask) == 2)
				return 1;
			for (int k = 0; k < BLOCK_KEYS; k++)
				if ((mask >> k & 1) && count_all(keyed, a, mask & ~(1 << k)) > cap)
					return 1;
		}
	return 0;
}

static void
test_blocks(void)
{
	int			wrong = 0;
	int			unordered = 0;

	for (int round = 0; round < 300; round++)
	{
		Keyed		keyed;
		int			cap = 2 + random_below(8);
		int			spread = 2 + random_below(20);
		uint64_t	n_pairs;
		uint64_t	n_hot;
		BlockPair  *pairs;
		uint64_t	at = 0;

		for (int i = 0; i < BLOCK_RECORDS; i++)
			for (int k = 0; k < BLOCK_KEYS; k++)
				keyed.keys[i][k] = retail_hash_mix((uint64_t) k, (uint64_t) random_below(1 + spread * (k + 1) / 2));
		pairs = retail_link_candidates(&host, read_keys, &keyed, BLOCK_RECORDS, cap, &n_pairs, &n_hot);
		for (uint64_t i = 1; i < n_pairs; i++)
			unordered += pairs[i] <= pairs[i - 1];
		for (int a = 0; a < BLOCK_RECORDS; a++)
			for (int b = a + 1; b < BLOCK_RECORDS; b++)
			{
				int			found = at < n_pairs && pairs[at] == ((uint64_t) a << 32 | (uint64_t) b);

				at += found;
				wrong += found != twin_is_candidate(&keyed, a, b, cap);
			}
		wrong += at != n_pairs;
		free(pairs);
	}
	report_rule("pairs meet under a rare key, or under two or three frequent ones", wrong);
	report_rule("pairs come in order, each once", unordered);
}

#define CLUSTER_RECORDS 24

static int64_t
twin_sum(int64_t weights[CLUSTER_RECORDS][CLUSTER_RECORDS], const int *cluster, int a, int b, int *pairs)
{
	int64_t		sum = 0;

	*pairs = 0;
	for (int i = 0; i < CLUSTER_RECORDS; i++)
		for (int j = 0; j < CLUSTER_RECORDS; j++)
			if (cluster[i] == a && cluster[j] == b)
			{
				sum += weights[i][j];
				(*pairs)++;
			}
	return sum;
}

static void
twin_cluster(int64_t weights[CLUSTER_RECORDS][CLUSTER_RECORDS], int64_t threshold, int cap, int *cluster)
{
	for (int i = 0; i < CLUSTER_RECORDS; i++)
		cluster[i] = i;
	for (;;)
	{
		double		best = -1e9;
		int			best_a = -1;
		int			best_b = -1;

		for (int a = 0; a < CLUSTER_RECORDS; a++)
			for (int b = a + 1; b < CLUSTER_RECORDS; b++)
			{
				int			pairs;
				int64_t		sum = twin_sum(weights, cluster, a, b, &pairs);
				int			size = 0;

				for (int i = 0; i < CLUSTER_RECORDS; i++)
					size += cluster[i] == a || cluster[i] == b;
				if (pairs > 0 && size <= cap && (double) sum / pairs >= threshold && (double) sum / pairs > best)
				{
					best = (double) sum / pairs;
					best_a = a;
					best_b = b;
				}
			}
		if (best_a < 0)
			return;
		for (int i = 0; i < CLUSTER_RECORDS; i++)
			if (cluster[i] == best_b)
				cluster[i] = best_a;
	}
}

static void
test_clusters(void)
{
	int			wrong = 0;

	for (int round = 0; round < 400; round++)
	{
		int64_t		weights[CLUSTER_RECORDS][CLUSTER_RECORDS];
		LinkPair	pairs[CLUSTER_RECORDS * CLUSTER_RECORDS];
		uint32_t	cluster[CLUSTER_RECORDS];
		int			twin[CLUSTER_RECORDS];
		int			density = 1 + random_below(10);
		int			cap = 2 + random_below(CLUSTER_RECORDS);
		int32_t		threshold = (random_below(3) - 1) * 400 + 1;
		uint64_t	n = 0;

		for (int i = 0; i < CLUSTER_RECORDS; i++)
			for (int j = i + 1; j < CLUSTER_RECORDS; j++)
			{
				weights[i][j] = weights[j][i] = LINK_UNSEEN;
				if (random_below(10) >= density)
					continue;
				/* few ties, and some beyond the limits */
				pairs[n] = (LinkPair) {(uint32_t) i, (uint32_t) j, random_below(60000) - 32000};
				weights[i][j] = weights[j][i] = pairs[n].weight > LINK_BEST ? LINK_BEST :
					pairs[n].weight < LINK_WORST ? LINK_WORST : pairs[n].weight;
				n++;
			}
		retail_link_cluster(&host, CLUSTER_RECORDS, pairs, n, threshold, cap, cluster);
		twin_cluster(weights, threshold, cap, twin);
		for (int i = 0; i < CLUSTER_RECORDS; i++)
			wrong += (int) cluster[i] != twin[i];
	}
	report_rule("clusters join by the best average link, and no others", wrong);
}

static const FieldKind kinds[] = {FIELD_NAME, FIELD_DATE, FIELD_PHONE, FIELD_PLACE};

#define N_FIELDS ((int) (sizeof(kinds) / sizeof(kinds[0])))

static const FieldValue *
prepared(FieldKind kind, const char *text)
{
	FieldValue *value = alloc(FIELD_VALUE_MAX);
	int			size = retail_field_prepare(kind, text, strlen(text), value);

	if (size > 0)
		return realloc(value, size);
	free(value);
	return NULL;
}

/* People with slips, a few records each. */
static void
make_records(LinkRecord *records, int n)
{
	static const char *const given[] = {"anna", "bert", "carla", "dirk", "emma", "fritz", "gina", "hans"};
	static const char *const surname[] = {"smith", "braun", "kowalski", "lopez", "moreau", "nielsen", "okafor", "patel", "quinn"};
	static const char *const town[] = {"leeds", "lyon", "lodz", "lima"};
	uint64_t	person = 0;

	memset(records, 0, n * sizeof(LinkRecord));
	for (int i = 0; i < n; i++)
	{
		char		text[100];

		if (i % 3 == 0)
			person = random_bits();
		snprintf(text, sizeof(text), "%s %s", given[person % 8], surname[person / 8 % 9]);
		if (random_below(5) == 0)
			text[random_below((int) strlen(text))] = 'x';
		records[i].values[0] = prepared(FIELD_NAME, text);
		snprintf(text, sizeof(text), "%d-%02d-%02d", (int) (1950 + person / 100 % 50), (int) (1 + person / 5000 % 12),
				 (int) (1 + person / 60000 % 28));
		records[i].values[1] = random_below(8) == 0 ? NULL : prepared(FIELD_DATE, text);
		snprintf(text, sizeof(text), "0%d", (int) (200000000 + person / 7 % 700000000));
		records[i].values[2] = random_below(4) == 0 ? NULL : prepared(FIELD_PHONE, text);
		records[i].values[3] = prepared(FIELD_PLACE, town[person / 11 % 4]);
		records[i].row = (uint32_t) i;
		records[i].tie = retail_hash_mix((uint64_t) i, 1);
	}
}

static void
shuffle(LinkRecord *records, int n)
{
	for (int i = n - 1; i > 0; i--)
	{
		int			j = random_below(i + 1);
		LinkRecord	swap = records[i];

		records[i] = records[j];
		records[j] = swap;
	}
}

#define BATCH_RECORDS 600

static void
test_batch(void)
{
	static LinkRecord records[BATCH_RECORDS];
	static uint32_t first_cluster[BATCH_RECORDS];
	LinkOptions options = {.block_cap = 20, .cluster_cap = LINK_CLUSTER_CAP, .iterations = LINK_ITERATIONS};
	int			other_people = 0;
	int			other_bits = 0;
	int			split = 0;
	int			joined = 0;

	for (int round = 0; round < 6; round++)
	{
		LinkModel	first_model;
		int			pieces = 0;

		make_records(records, BATCH_RECORDS);
		for (int order = 0; order < 3; order++)
		{
			LinkModel	model;
			LinkResult	result;

			retail_link_model_init(&model, N_FIELDS, kinds, BATCH_RECORDS);
			retail_link_batch(&host, &model, records, BATCH_RECORDS, &options, &result);
			if (order == 0)
				first_model = model;
			other_bits += memcmp(&model, &first_model, sizeof(model)) != 0;
			for (int i = 0; i < BATCH_RECORDS; i++)
			{
				uint32_t	first = records[result.cluster[i]].row;

				if (order == 0)
					first_cluster[records[i].row] = first;
				other_people += first_cluster[records[i].row] != first;
				joined += order == 0 && records[i].row / 3 != first / 3;
				pieces += order == 0 && result.cluster[i] == (uint32_t) i;
			}
			free(result.cluster);
			free(result.pairs);
			shuffle(records, BATCH_RECORDS);
		}
		split += pieces > BATCH_RECORDS / 3 * 5 / 4;
		for (int i = 0; i < BATCH_RECORDS; i++)
			for (int f = 0; f < N_FIELDS; f++)
				free((void *) records[i].values[f]);
	}
	report_rule("the same people in any order of records", other_people);
	report_rule("the same model, bit for bit, in any order", other_bits);
	report_rule("few people are taken for several", split);
	report_rule("and few records for another's", joined > 6 * BATCH_RECORDS / 50);
}

int
main(int argc, char **argv)
{
	uint64_t	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);

	random_state = seed;
	printf("# seed %" PRIu64 "\n", seed);
	test_blocks();
	test_clusters();
	test_batch();
	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
