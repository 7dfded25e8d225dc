/*-------------------------------------------------------------------------
 * pool_vector_test.c
 *		Random test of src/pure/pool_vector.c against a slow and obvious twin.
 *
 *		cc -Isrc/base -Isrc/pure test/modules/pool_vector_test.c src/pure/pool_vector.c
 *		./a.out [seed]
 *
 * The twin keeps a pool as a plain array indexed by location, so that every
 * operation on it is a loop over all locations.  Each rule runs many rounds
 * with small location ids, where pools meet often, and a mapping to large
 * ones, so that long varints occur too.  Prints TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "pool_vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS			64		/* locations of the twin */
#define MAX_RAW			96		/* raw entries before normalising */
#define ROUNDS			20000
#define MUTATIONS		100000

typedef struct Twin
{
	int64_t		qty[SLOTS];
} Twin;

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* Distance between the location ids of neighbouring slots. */
static int32_t slot_step = 1;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int64_t
random_below(int64_t limit)
{
	return (int64_t) (random_bits() % (uint64_t) limit);
}

/* Mostly shelf quantities, sometimes 0, sometimes of any length. */
static int64_t
random_qty(void)
{
	switch (random_below(8))
	{
		case 0:
			return 0;
		case 1:
			return (int64_t) (random_bits() >> (8 + random_below(56)));
		default:
			return random_below(500);
	}
}

static int32_t
slot_location(int slot)
{
	return 1 + slot * slot_step;
}

/* Prints one TAP line for a rule that held "failures" times not. */
static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	if (failures > 0)
		tests_failed++;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

static int64_t
twin_total(const Twin *twin)
{
	int64_t		total = 0;

	for (int slot = 0; slot < SLOTS; slot++)
		total += twin->qty[slot];
	return total;
}

static int32_t
twin_entries(const Twin *twin, PoolEntry *entries)
{
	int32_t		n = 0;

	for (int slot = 0; slot < SLOTS; slot++)
	{
		if (twin->qty[slot] > 0)
		{
			entries[n].location_id = slot_location(slot);
			entries[n].qty = twin->qty[slot];
			n++;
		}
	}
	return n;
}

static void
random_twin(Twin *twin)
{
	int64_t		density = 1 + random_below(10);

	memset(twin, 0, sizeof(*twin));
	for (int slot = 0; slot < SLOTS; slot++)
		if (random_below(10) < density)
			twin->qty[slot] = random_qty();
}

/* A new pair of pools; every other round under a new spread of locations. */
static void
random_pair(Twin *a, Twin *b)
{
	slot_step = random_below(2) ? 1 :
		1 + (int32_t) random_below(INT32_MAX / SLOTS);
	random_twin(a);
	random_twin(b);

	/* pools that agree in many places are the interesting pairs */
	if (random_below(2))
		for (int slot = 0; slot < SLOTS; slot++)
			if (random_below(8))
				b->qty[slot] = a->qty[slot];
}

static bool
same_entries(const PoolEntry *a, int32_t na, const PoolEntry *b, int32_t nb)
{
	if (na != nb)
		return false;
	for (int32_t i = 0; i < na; i++)
		if (a[i].location_id != b[i].location_id || a[i].qty != b[i].qty)
			return false;
	return true;
}

/*
 * Packs into an exactly sized heap block, so that a sanitizer sees any read
 * past its end.
 */
static uint8_t *
pack_twin(const Twin *twin, size_t *len)
{
	PoolEntry	entries[SLOTS];
	int32_t		n = twin_entries(twin, entries);
	int64_t		total = twin_total(twin);
	uint8_t    *bytes;

	*len = retail_pool_vector_packed_size(entries, n, total);
	bytes = malloc(*len);
	if (retail_pool_vector_pack(entries, n, total, bytes) != *len)
	{
		printf("Bail out! packed size is wrong\n");
		exit(1);
	}
	return bytes;
}

static void
test_normalise_sums_like_twin(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		twin;
		PoolEntry	raw[MAX_RAW];
		PoolEntry	expected[SLOTS];
		int32_t		n = (int32_t) random_below(MAX_RAW + 1);
		int32_t		nexpected;
		int64_t		total;
		bool		repeated = false;
		bool		seen[SLOTS] = {false};
		PoolFault	fault;
		PoolEntry	copy[MAX_RAW];
		int32_t		ncopy = n;
		PoolStatus	status;

		memset(&twin, 0, sizeof(twin));
		slot_step = 1 + (int32_t) random_below(INT32_MAX / SLOTS);
		for (int32_t i = 0; i < n; i++)
		{
			int			slot = (int) random_below(SLOTS);

			raw[i].location_id = slot_location(slot);
			raw[i].qty = random_qty() / 2;
			twin.qty[slot] += raw[i].qty;
			repeated |= seen[slot];
			seen[slot] = true;
		}
		memcpy(copy, raw, sizeof(copy));

		status = retail_pool_vector_normalise(raw, &n, POOL_SUM_DUPLICATES,
											  &total, &fault);
		nexpected = twin_entries(&twin, expected);
		failures += status != POOL_OK || total != twin_total(&twin) ||
			!same_entries(raw, n, expected, nexpected);

		status = retail_pool_vector_normalise(copy, &ncopy,
											  POOL_REFUSE_DUPLICATES, &total,
											  &fault);
		failures += status != (repeated ? POOL_DUPLICATE : POOL_OK);
	}
	report_rule("normalise sorts, sums or refuses duplicates, drops zeros",
				failures);
}

static PoolStatus
normalise_two(PoolEntry a, PoolEntry b, PoolFault *fault)
{
	PoolEntry	entries[2] = {a, b};
	int32_t		n = 2;
	int64_t		total;

	return retail_pool_vector_normalise(entries, &n, POOL_SUM_DUPLICATES,
										&total, fault);
}

static void
test_normalise_refuses_bad_values(void)
{
	PoolEntry	good = {5, 3};
	PoolFault	fault;
	int			failures = 0;

	failures += normalise_two(good, (PoolEntry) {0, 3}, &fault) !=
		POOL_BAD_LOCATION || fault.location_id != 0;
	failures += normalise_two((PoolEntry) {-7, 3}, good, &fault) !=
		POOL_BAD_LOCATION || fault.location_id != -7;
	failures += normalise_two(good, (PoolEntry) {9, -1}, &fault) !=
		POOL_BAD_QTY || fault.location_id != 9 || fault.qty != -1;
	failures += normalise_two(good, (PoolEntry) {6, INT64_MAX - 3}, &fault) !=
		POOL_OK;
	failures += normalise_two(good, (PoolEntry) {6, INT64_MAX - 2}, &fault) !=
		POOL_TOTAL_OVERFLOW;
	failures += normalise_two(good, (PoolEntry) {5, INT64_MAX - 2}, &fault) !=
		POOL_TOTAL_OVERFLOW;
	report_rule("normalise refuses bad locations, quantities and totals",
				failures);
}

static void
test_limit_of_locations(void)
{
	int32_t		n = POOL_MAX_LOCATIONS + 1;
	PoolEntry  *entries = malloc(sizeof(PoolEntry) * (size_t) n);
	int64_t		total;
	PoolFault	fault;
	int			failures = 0;

	for (int32_t i = 0; i < n; i++)
		entries[i] = (PoolEntry) {i + 1, 1};
	failures += retail_pool_vector_normalise(entries, &n,
											 POOL_REFUSE_DUPLICATES, &total,
											 &fault) != POOL_TOO_MANY;
	entries[0].qty = 0;
	failures += retail_pool_vector_normalise(entries, &n,
											 POOL_REFUSE_DUPLICATES, &total,
											 &fault) != POOL_OK ||
		n != POOL_MAX_LOCATIONS;
	free(entries);
	report_rule("a pool has POOL_MAX_LOCATIONS locations and not one more",
				failures);
}

static void
test_add_and_subtract_like_twin(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		a;
		Twin		b;
		Twin		sum;
		Twin		rest;
		PoolEntry	ea[SLOTS];
		PoolEntry	eb[SLOTS];
		PoolEntry	expected[SLOTS];
		PoolEntry	out[2 * SLOTS];
		int32_t		na;
		int32_t		nb;
		int32_t		nout;
		int64_t		total;

		random_pair(&a, &b);
		for (int slot = 0; slot < SLOTS; slot++)
		{
			sum.qty[slot] = a.qty[slot] + b.qty[slot];
			rest.qty[slot] = a.qty[slot] > b.qty[slot] ?
				a.qty[slot] - b.qty[slot] : 0;
		}
		na = twin_entries(&a, ea);
		nb = twin_entries(&b, eb);

		failures += retail_pool_vector_add(ea, na, eb, nb, out, &nout,
										   &total) != POOL_OK ||
			total != twin_total(&sum) ||
			!same_entries(out, nout, expected, twin_entries(&sum, expected));

		/* in place, as the server calls it */
		retail_pool_vector_subtract(ea, na, eb, nb, ea, &na, &total);
		failures += total != twin_total(&rest) ||
			!same_entries(ea, na, expected, twin_entries(&rest, expected));
	}
	report_rule("add and subtract agree with the twin", failures);
}

static void
test_add_refuses_overflow(void)
{
	PoolEntry	half = {1, INT64_MAX / 2 + 1};
	PoolEntry	other = {2, INT64_MAX / 2 + 1};
	PoolEntry	fits = {2, INT64_MAX / 2};
	PoolEntry	out[2];
	int32_t		nout;
	int64_t		total;
	int			failures = 0;

	failures += retail_pool_vector_add(&half, 1, &half, 1, out, &nout,
									   &total) != POOL_TOTAL_OVERFLOW;
	failures += retail_pool_vector_add(&half, 1, &other, 1, out, &nout,
									   &total) != POOL_TOTAL_OVERFLOW;
	failures += retail_pool_vector_add(&half, 1, &fits, 1, out, &nout,
									   &total) != POOL_OK ||
		total != INT64_MAX;
	report_rule("add refuses a total beyond int64", failures);
}

static void
test_packed_form_round_trips(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		a;
		Twin		b;
		PoolEntry	expected[SLOTS];
		PoolEntry	entries[SLOTS];
		int32_t		n;
		int32_t		nexpected;
		int64_t		total;
		size_t		len;
		uint8_t    *bytes;

		random_pair(&a, &b);
		nexpected = twin_entries(&a, expected);
		bytes = pack_twin(&a, &len);
		failures += retail_pool_vector_unpack(bytes, len, entries, SLOTS,
											  &n) != POOL_OK ||
			!same_entries(entries, n, expected, nexpected);
		failures += retail_pool_vector_header(bytes,
											  len < POOL_HEADER_MAX_BYTES ?
											  len : POOL_HEADER_MAX_BYTES,
											  &n, &total) != POOL_OK ||
			n != nexpected || total != twin_total(&a);
		free(bytes);
	}
	report_rule("the packed form and its header read back what was packed",
				failures);
}

static void
test_at_like_twin(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		a;
		Twin		b;
		size_t		len;
		uint8_t    *bytes;
		int64_t		qty;

		random_pair(&a, &b);
		bytes = pack_twin(&a, &len);
		for (int slot = 0; slot < SLOTS; slot++)
			failures += retail_pool_vector_at(bytes, len, slot_location(slot),
											  &qty) != POOL_OK ||
				qty != a.qty[slot];
		failures += retail_pool_vector_at(bytes, len, -5, &qty) != POOL_OK ||
			qty != 0;
		failures += retail_pool_vector_at(bytes, len, INT32_MAX, &qty) !=
			POOL_OK || qty != 0;
		free(bytes);
	}
	report_rule("at() agrees with the twin for every location", failures);
}

static int
twin_compare(const Twin *a, const Twin *b)
{
	PoolEntry	ea[SLOTS];
	PoolEntry	eb[SLOTS];
	int32_t		na = twin_entries(a, ea);
	int32_t		nb = twin_entries(b, eb);

	for (int32_t i = 0; i < na && i < nb; i++)
	{
		if (ea[i].location_id != eb[i].location_id)
			return ea[i].location_id < eb[i].location_id ? -1 : 1;
		if (ea[i].qty != eb[i].qty)
			return ea[i].qty < eb[i].qty ? -1 : 1;
	}
	return na == nb ? 0 : na < nb ? -1 : 1;
}

static void
test_compare_and_covers_like_twin(void)
{
	int			failures = 0;
	int			equal_seen = 0;
	int			covers_seen = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		a;
		Twin		b;
		size_t		alen;
		size_t		blen;
		uint8_t    *abytes;
		uint8_t    *bbytes;
		int			order;
		bool		covers;
		bool		expected = true;

		random_pair(&a, &b);
		if (random_below(4) == 0)
			b = a;
		if (random_below(4) == 0)
			for (int slot = 0; slot < SLOTS; slot++)
				b.qty[slot] = a.qty[slot] / 2;
		for (int slot = 0; slot < SLOTS; slot++)
			expected &= a.qty[slot] >= b.qty[slot];
		abytes = pack_twin(&a, &alen);
		bbytes = pack_twin(&b, &blen);

		failures += retail_pool_vector_compare(abytes, alen, bbytes, blen,
											   &order) != POOL_OK ||
			order != twin_compare(&a, &b);
		failures += (order == 0) !=
			(alen == blen && memcmp(abytes, bbytes, alen) == 0);
		failures += retail_pool_vector_covers(abytes, alen, bbytes, blen,
											  &covers) != POOL_OK ||
			covers != expected;
		equal_seen += order == 0;
		covers_seen += covers;
		free(abytes);
		free(bbytes);
	}
	report_rule("compare and covers agree with the twin, equal means same bytes",
				failures);
	report_rule("random pairs were equal, covering and neither often enough",
				equal_seen < ROUNDS / 50 || covers_seen < ROUNDS / 50 ||
				covers_seen > ROUNDS * 9 / 10);
}

/* Takes the largest that is left, again and again. */
static int32_t
twin_fewest(Twin twin, int64_t wanted)
{
	int32_t		taken = 0;

	while (wanted > 0)
	{
		int			largest = 0;

		for (int slot = 1; slot < SLOTS; slot++)
			if (twin.qty[slot] > twin.qty[largest])
				largest = slot;
		if (twin.qty[largest] == 0)
			return -1;
		wanted -= twin.qty[largest];
		twin.qty[largest] = 0;
		taken++;
	}
	return taken;
}

static void
test_fewest_like_twin(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		a;
		Twin		b;
		int64_t		qtys[SLOTS];
		int64_t		total;
		int64_t		wanted;

		random_pair(&a, &b);
		total = twin_total(&a);
		wanted = random_below(8) == 0 ? total + random_below(2) :
			random_below(total + 2);
		memcpy(qtys, a.qty, sizeof(qtys));
		failures += retail_pool_vector_fewest(qtys, SLOTS, wanted) !=
			twin_fewest(a, wanted);
	}
	report_rule("fewest agrees with taking the largest again and again",
				failures);
}

/* Writes entries as a person might: shuffled, spaced, with leading zeros. */
static void
scribble(const PoolEntry *entries, int32_t n, char *text)
{
	static const char *const spaces[] = {"", "", "", " ", "\t", "\n "};
	int32_t		start = n > 0 ? (int32_t) random_below(n) : 0;

#define SPACE	spaces[random_below(6)]
	text += sprintf(text, "%s{%s", SPACE, SPACE);
	for (int32_t i = 0; i < n; i++)
	{
		const PoolEntry *entry = &entries[(start + i) % n];

		text += sprintf(text, "%s%s%" PRId32 "%s:%s%s%" PRId64 "%s",
						i > 0 ? "," : "", SPACE, entry->location_id, SPACE,
						SPACE, random_below(9) ? "" : "00", entry->qty, SPACE);
	}
	sprintf(text, "}%s", SPACE);
#undef SPACE
}

static void
test_text_round_trips(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		Twin		a;
		Twin		b;
		PoolEntry	expected[SLOTS];
		PoolEntry	entries[SLOTS + 1];
		int32_t		nexpected;
		int32_t		n;
		int64_t		total;
		PoolFault	fault;
		char		text[SLOTS * 64];
		char		again[SLOTS * 64];
		size_t		len;

		random_pair(&a, &b);
		nexpected = twin_entries(&a, expected);
		scribble(expected, nexpected, text);
		len = strlen(text);
		failures += retail_pool_vector_parse(text, len, entries,
											 retail_pool_vector_text_capacity(text, len),
											 &n, &fault) != POOL_OK ||
			retail_pool_vector_normalise(entries, &n, POOL_REFUSE_DUPLICATES,
										 &total, &fault) != POOL_OK ||
			!same_entries(entries, n, expected, nexpected);

		len = retail_pool_vector_format(entries, n, again);
		failures += len != strlen(again) ||
			len + 1 > retail_pool_vector_text_bound(n);
		failures += retail_pool_vector_parse(again, len, entries,
											 retail_pool_vector_text_capacity(again, len),
											 &n, &fault) != POOL_OK ||
			!same_entries(entries, n, expected, nexpected);
	}
	report_rule("text is read back whatever its order and spacing", failures);
}

static void
test_bad_text_is_refused_where_it_goes_wrong(void)
{
	static const struct
	{
		const char *text;
		PoolStatus	status;
		size_t		offset;
	}			cases[] =
	{
		{"", POOL_BAD_SYNTAX, 0},
		{"1:2", POOL_BAD_SYNTAX, 0},
		{"{", POOL_BAD_SYNTAX, 1},
		{"{1", POOL_BAD_SYNTAX, 2},
		{"{1:", POOL_BAD_SYNTAX, 3},
		{"{1:2", POOL_BAD_SYNTAX, 4},
		{"{1:2,", POOL_BAD_SYNTAX, 5},
		{"{1:2,}", POOL_BAD_SYNTAX, 5},
		{"{,}", POOL_BAD_SYNTAX, 1},
		{"{1:2}}", POOL_BAD_SYNTAX, 5},
		{"{1:2} x", POOL_BAD_SYNTAX, 6},
		{"{1:-2}", POOL_BAD_SYNTAX, 3},
		{"{+1:2}", POOL_BAD_SYNTAX, 1},
		{"{1:2.0}", POOL_BAD_SYNTAX, 4},
		{"{1 2:3}", POOL_BAD_SYNTAX, 3},
		{"{1:2 3:4}", POOL_BAD_SYNTAX, 5},
		{"{1:2;3:4}", POOL_BAD_SYNTAX, 4},
		{"{1:0x10}", POOL_BAD_SYNTAX, 4},
		{"{2147483648:1}", POOL_BAD_LOCATION, 1},
		{"{1:9223372036854775808}", POOL_BAD_QTY, 3},
		{"{1:99999999999999999999999999}", POOL_BAD_QTY, 3},
		{"{2147483647:9223372036854775807}", POOL_OK, 32},
		{"{}", POOL_OK, 2},
	};
	int			failures = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		PoolEntry	entries[8];
		int32_t		n;
		PoolFault	fault;
		size_t		len = strlen(cases[i].text);
		PoolStatus	status;

		status = retail_pool_vector_parse(cases[i].text, len, entries,
										  retail_pool_vector_text_capacity(cases[i].text, len),
										  &n, &fault);
		if (status != cases[i].status || fault.offset != cases[i].offset)
		{
			printf("# \"%s\": status %d at %zu\n", cases[i].text,
				   (int) status, fault.offset);
			failures++;
		}
	}
	report_rule("bad text is refused where it goes wrong", failures);
}

static bool
is_normal_form(const PoolEntry *entries, int32_t n, int64_t total)
{
	int32_t		last_location_id = 0;

	for (int32_t i = 0; i < n; i++)
	{
		if (entries[i].location_id <= last_location_id ||
			entries[i].qty < 1 || entries[i].qty > total)
			return false;
		last_location_id = entries[i].location_id;
		total -= entries[i].qty;
	}
	return total == 0;
}

/*
 * Whatever bytes a reader accepts must be the one packed form of the entries
 * it returned, and those in normal form; nothing may be read outside the
 * block (which a sanitizer sees).
 */
static bool
accepted_only_if_canonical(const uint8_t *bytes, size_t len, bool *accepted)
{
	size_t		capacity = len / 2 + 1;
	PoolEntry  *entries = malloc(sizeof(PoolEntry) * capacity);
	uint8_t    *again;
	int32_t		n;
	int32_t		count;
	int64_t		total;
	PoolStatus	status;
	bool		good;

	status = retail_pool_vector_unpack(bytes, len, entries,
									   (int32_t) capacity, &n);
	*accepted = status == POOL_OK;
	if (status != POOL_OK)
	{
		free(entries);
		return status == POOL_CORRUPT;
	}
	good = retail_pool_vector_header(bytes, len, &count, &total) == POOL_OK &&
		count == n && is_normal_form(entries, n, total) &&
		retail_pool_vector_packed_size(entries, n, total) == len;
	if (good)
	{
		again = malloc(len);
		retail_pool_vector_pack(entries, n, total, again);
		good = memcmp(bytes, again, len) == 0;
		free(again);
	}
	free(entries);
	return good;
}

/* Damages a block in one of five ways; the length may change. */
static uint8_t *
damage(uint8_t *bytes, size_t *len)
{
	size_t		place = (size_t) random_below((int64_t) *len);

	switch (random_below(5))
	{
		case 0:
			bytes[place] ^= (uint8_t) (1u << random_below(8));
			break;
		case 1:
			bytes[place] = (uint8_t) random_bits();
			break;
		case 2:
			*len = place;
			break;
		case 3:
			bytes = realloc(bytes, *len + 1);
			memmove(bytes + place + 1, bytes + place, *len - place);
			bytes[place] = (uint8_t) random_bits();
			(*len)++;
			break;
		default:
			memmove(bytes + place, bytes + place + 1, *len - place - 1);
			(*len)--;
			break;
	}
	return realloc(bytes, *len > 0 ? *len : 1);
}

static void
test_damaged_bytes(void)
{
	int			failures = 0;
	int			refused = 0;

	for (int round = 0; round < MUTATIONS; round++)
	{
		Twin		a;
		Twin		b;
		size_t		len;
		size_t		blen;
		uint8_t    *bytes;
		uint8_t    *whole;
		bool		accepted;
		int64_t		qty;
		int			order;
		bool		covers;

		random_pair(&a, &b);
		bytes = pack_twin(&a, &len);
		whole = pack_twin(&b, &blen);
		for (int64_t i = random_below(3); i >= 0 && len > 0; i--)
			bytes = damage(bytes, &len);
		failures += !accepted_only_if_canonical(bytes, len, &accepted);
		refused += !accepted;

		/* the other readers may stop early, and must not stray */
		retail_pool_vector_at(bytes, len, INT32_MAX, &qty);
		retail_pool_vector_compare(bytes, len, whole, blen, &order);
		retail_pool_vector_covers(whole, blen, bytes, len, &covers);
		retail_pool_vector_covers(bytes, len, whole, blen, &covers);
		free(bytes);
		free(whole);
	}
	report_rule("damaged bytes are refused, or are a valid pool themselves",
				failures);
	report_rule("most damage was refused", refused < MUTATIONS / 2);
}

/* What a reader must refuse at once, before anybody allocates for it. */
static void
test_lying_headers(void)
{
	static const uint8_t more_entries_than_bytes[] = {1, 3, 9, 1, 1, 1, 1};
	static const uint8_t fewer_units_than_entries[] = {1, 2, 1};
	static const uint8_t count_above_limit[] = {1, 0xc1, 0x84, 0x3d, 0xff, 0xff, 0xff, 0x7f};
	static const uint8_t other_format[] = {2, 0, 0};
	static const uint8_t empty[] = {1, 0, 0};
	PoolReader	reader;
	int32_t		count;
	int64_t		total;
	int			failures = 0;

	failures += retail_pool_vector_open(&reader, more_entries_than_bytes, 7) !=
		POOL_CORRUPT;
	failures += retail_pool_vector_header(fewer_units_than_entries, 3, &count,
										  &total) != POOL_CORRUPT;
	failures += retail_pool_vector_header(count_above_limit, 8, &count,
										  &total) != POOL_CORRUPT;
	failures += retail_pool_vector_header(other_format, 3, &count, &total) !=
		POOL_CORRUPT;
	failures += retail_pool_vector_header(empty, 0, &count, &total) !=
		POOL_CORRUPT;
	failures += retail_pool_vector_open(&reader, empty, 3) != POOL_OK;
	report_rule("a header that cannot be true is refused by itself", failures);
}

static void
test_random_bytes(void)
{
	int			failures = 0;

	for (int round = 0; round < MUTATIONS; round++)
	{
		size_t		len = (size_t) random_below(40);
		uint8_t    *bytes = malloc(len > 0 ? len : 1);
		bool		accepted;

		for (size_t i = 0; i < len; i++)
			bytes[i] = random_below(3) ? (uint8_t) random_below(4) :
				(uint8_t) random_bits();
		if (len > 0)
			bytes[0] = 1;
		failures += !accepted_only_if_canonical(bytes, len, &accepted);
		free(bytes);
	}
	report_rule("random bytes are refused, or are a valid pool", failures);
}

int
main(int argc, char **argv)
{
	random_state = argc > 1 ? strtoull(argv[1], NULL, 10) :
		(uint64_t) time(NULL);
	printf("# seed %" PRIu64 "\n", random_state);

	test_normalise_sums_like_twin();
	test_normalise_refuses_bad_values();
	test_limit_of_locations();
	test_add_and_subtract_like_twin();
	test_add_refuses_overflow();
	test_packed_form_round_trips();
	test_at_like_twin();
	test_compare_and_covers_like_twin();
	test_fewest_like_twin();
	test_text_round_trips();
	test_bad_text_is_refused_where_it_goes_wrong();
	test_damaged_bytes();
	test_lying_headers();
	test_random_bytes();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
