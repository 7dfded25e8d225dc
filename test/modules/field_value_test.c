/*-------------------------------------------------------------------------
 * field_value_test.c
 *		Random test of the comparators against slow and obvious twins, and a
 *		fuzz of the normaliser.
 *
 *		tools/run_module_test test/modules/field_value_test.c [seed]
 *
 * Distances are found again by search over edited strings, which sees nothing
 * of matrices.  Texts of random characters, of pieces that matter to some
 * rule, and of random bytes go through every kind: none may be read or written
 * out of bounds, and whatever comes out must compare as equal with itself and
 * the same both ways.  Prints TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "field_parts.h"
#include "field_text.h"
#include "field_value.h"
#include "string_compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 20000

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

static int
random_word(uint16_t *out, int max, int letters)
{
	int			n = random_below(max + 1);

	for (int i = 0; i < n; i++)
		out[i] = (uint16_t) ('a' + random_below(letters));
	return n;
}

/*
 * The unrestricted distance by recursion over the last letters: a letter may
 * also match one further left, with all between deleted or inserted.
 */
static int
twin_distance(const uint16_t *a, int alen, const uint16_t *b, int blen)
{
	int			best;

	if (alen == 0 || blen == 0)
		return alen + blen;
	best = twin_distance(a, alen - 1, b, blen - 1) + (a[alen - 1] != b[blen - 1]);
	for (int i = 0; i < 2; i++)
	{
		int			other = twin_distance(a, alen - (i == 0), b, blen - (i == 1)) + 1;

		best = other < best ? other : best;
	}
	for (int i = alen - 1; i > 0; i--)
		for (int j = blen - 1; j > 0; j--)
			if (a[i - 1] == b[blen - 1] && b[j - 1] == a[alen - 1])
			{
				int			other = twin_distance(a, i - 1, b, j - 1) +
					(alen - i - 1) + 1 + (blen - j - 1);

				best = other < best ? other : best;
			}
	return best;
}

static void
test_distance(void)
{
	int			wrong = 0;
	int			wrong_edit = 0;
	int			wrong_bound = 0;

	for (int round = 0; round < ROUNDS / 4; round++)
	{
		uint16_t	a[6];
		uint16_t	b[6];
		int			alen = random_word(a, 6, 4);
		int			blen = random_word(b, 6, 4);
		int			distance = retail_damerau_levenshtein(a, alen, b, blen);
		uint32_t	a_letters = retail_part_letters((Part) {a, alen});
		uint32_t	b_letters = retail_part_letters((Part) {b, blen});

		wrong += distance != twin_distance(a, alen, b, blen);
		wrong_edit += (retail_one_edit(a, alen, b, blen) != 0) != (distance <= 1);
		wrong_bound += retail_letters_edits(a_letters, b_letters) > distance;
		if (alen > 0 && blen > 0)
			wrong_bound += retail_letters_similarity(a_letters, alen, b_letters, blen) <
				retail_jaro_winkler(a, alen, b, blen) - 1e-12;
	}
	report_rule("the distance is the least number of edits", wrong);
	report_rule("one edit is a distance of one at most", wrong_edit);
	report_rule("what the letters allow is never exceeded", wrong_bound);
}

/* Jaro's definition, with the matched letters written out. */
static double
twin_jaro_winkler(const uint16_t *a, int alen, const uint16_t *b, int blen)
{
	uint16_t	of_a[16];
	uint16_t	of_b[16];
	int			used[16] = {0};
	int			longer = alen > blen ? alen : blen;
	int			n = 0;
	int			k = 0;
	int			prefix = 0;
	int			apart = 0;
	double		jaro;

	if (alen == 0 && blen == 0)
		return 1;
	for (int i = 0; i < alen; i++)
		for (int j = 0; j < blen; j++)
			if (!used[j] && a[i] == b[j] && abs(i - j) <= (longer / 2 - 1 > 0 ? longer / 2 - 1 : 0))
			{
				used[j] = 1;
				of_a[n++] = a[i];
				break;
			}
	for (int j = 0; j < blen; j++)
		if (used[j])
			of_b[k++] = b[j];
	if (n == 0)
		return 0;
	for (int i = 0; i < n; i++)
		apart += of_a[i] != of_b[i];
	jaro = (n / (double) alen + n / (double) blen + (n - apart / 2) / (double) n) / 3;
	while (prefix < 4 && prefix < alen && prefix < blen && a[prefix] == b[prefix])
		prefix++;
	return jaro > 0.7 ? jaro + 0.1 * prefix * (1 - jaro) : jaro;
}

static void
test_similarity(void)
{
	int			wrong = 0;
	int			one_sided = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		uint16_t	a[12];
		uint16_t	b[12];
		int			alen = random_word(a, 12, 5);
		int			blen = random_word(b, 12, 5);
		double		similarity = retail_jaro_winkler(a, alen, b, blen);

		wrong += similarity - twin_jaro_winkler(a, alen, b, blen) > 1e-12 ||
			twin_jaro_winkler(a, alen, b, blen) - similarity > 1e-12;
		one_sided += retail_jaro_winkler(a, alen, a, alen) != 1 || similarity < 0 || similarity > 1;
	}
	report_rule("the similarity is Jaro's, with Winkler's bonus", wrong);
	report_rule("it is 1 for equal texts and never beyond 0 to 1", one_sided);
}

/* Pieces that some rule looks for. */
static const char *const pieces[] = {
	"138", "1234", "5678", "+86", "0086", "****", "*", "ext", "x", "@", "mail.example", "+", ".", ",", " ", "-", "/", "19", "80",
	"2000", "jan", "T", "王", "小明", "先生", "女士", "欧阳", "單", "号", "栋", "单元", "室", "北京", "路", "A", "von", "de la", "Mr", "O'",
	"é", "ß", "ﬁ", "１", "𠮷", "\xF0\x9F\x98\x80", "Иван", "न", "م", "\t", "\xE2\x80\x8B", "unknown", "street", "st", "|", ";", "{", "}"
};

static int
random_text(char *out, int max)
{
	int			n = 0;
	int			parts = random_below(12);
	int			kind = random_below(10);

	if (kind == 0)				/* bytes that are no UTF-8 at all */
	{
		n = random_below(max);
		for (int i = 0; i < n; i++)
			out[i] = (char) random_below(256);
		return n;
	}
	if (kind == 1)
		parts *= 60;
	for (int i = 0; i < parts; i++)
	{
		const char *piece = pieces[random_below((int) (sizeof(pieces) / sizeof(pieces[0])))];
		int			len = (int) strlen(piece);

		if (n + len > max)
			break;
		memcpy(out + n, piece, len);
		n += len;
	}
	return n;
}

/* In memory of its exact size, where the sanitizer sees each byte too many. */
static FieldValue *
prepare(FieldKind kind, const char *text, int len, const char *surname, int surname_len)
{
	char	   *exact = malloc(len + 1);
	char	   *exact_surname = malloc(surname_len + 1);
	FieldValue *value = malloc(FIELD_VALUE_MAX);
	int			size;

	memcpy(exact, text, len);
	memcpy(exact_surname, surname, surname_len);
	size = surname_len > 0 ?
		retail_field_prepare_names(exact, len, exact_surname, surname_len, value) :
		retail_field_prepare(kind, exact, len, value);
	free(exact);
	free(exact_surname);
	if (size < 0)
		abort();
	if (size == 0)
	{
		free(value);
		return NULL;
	}
	if (size != value->size || size > (int) FIELD_VALUE_MAX || size % 8 != 0)
		abort();
	value = realloc(value, size);
	return value;
}

static void
test_fuzz(void)
{
	int			not_equal = 0;
	int			not_symmetric = 0;
	int			out_of_range = 0;
	int			unstable = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		FieldKind	kind = (FieldKind) (1 + random_below(N_FIELD_KINDS - 1));
		char		text[2000];
		char		other[2000];
		int			len = random_text(text, sizeof(text));
		int			other_len = random_text(other, sizeof(other));
		int			in_two = kind == FIELD_NAME && random_below(2) && other_len > 0;
		FieldValue *a = prepare(kind, text, len, in_two ? other : "", in_two ? other_len : 0);
		FieldValue *again = prepare(kind, text, len, in_two ? other : "", in_two ? other_len : 0);
		FieldValue *b = prepare(kind, other, other_len, "", 0);
		int			ab[2];
		int			ba[2];
		int			aa[2];
		uint64_t	keys[FIELD_KEYS_MAX];
		char		shown[FIELD_TEXT_MAX];

		if ((a == NULL) != (again == NULL) || (a != NULL && (a->size != again->size || memcmp(a, again, a->size) != 0)))
			unstable++;
		retail_field_compare(kind, a, b, ab);
		retail_field_compare(kind, b, a, ba);
		retail_field_compare(kind, a, again, aa);
		not_symmetric += ab[0] != ba[0] || ab[1] != ba[1];
		for (int i = 0; i < 2; i++)
		{
			out_of_range += ab[i] < FIELD_SILENT || ab[i] >= retail_field_levels(kind);
			if (a != NULL && !(a->flags & FIELD_MASKED))
				not_equal += aa[i] != FIELD_SILENT && aa[i] != retail_field_levels(kind) - 1;
		}
		if (a != NULL)
		{
			int			n = retail_field_keys(a, keys);

			out_of_range += n < 0 || n > FIELD_KEYS_MAX;
			out_of_range += retail_field_text(a, shown) >= (int) sizeof(shown);
		}
		free(a);
		free(again);
		free(b);
	}
	report_rule("a value prepared twice is the same bytes", unstable);
	report_rule("a value is equal with itself", not_equal);
	report_rule("comparisons are the same both ways", not_symmetric);
	report_rule("levels, keys and texts stay within their bounds", out_of_range);
}

int
main(int argc, char **argv)
{
	uint64_t	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);

	random_state = seed;
	printf("# seed %" PRIu64 "\n", seed);
	test_distance();
	test_similarity();
	test_fuzz();
	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
