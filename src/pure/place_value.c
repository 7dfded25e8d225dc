/*-------------------------------------------------------------------------
 * place_value.c
 *		Addresses, streets, places and sets of words: read, compared, keyed.
 *
 * An address in one text has no order one could rely on, and half of its parts
 * may be left out.  It is compared as two sets: its numbers, which tell one
 * door from the next, and the pairs of neighbouring letters of its words,
 * which forgive slips and need no word boundaries, so Han text is served as
 * well.  Elements of sets are hashes of 16 bits, sorted.
 *-------------------------------------------------------------------------
 */
#include "field_parts.h"

#include <stdlib.h>
#include <string.h>

/* Parts of an address and of a set; the third holds block keys of 4 units. */
#define PAIRS 0
#define NUMBERS 1
#define KEYS 2

#define PAIRS_MAX 120
#define NUMBERS_MAX 8
#define WORDS_MAX 16
#define ADDRESS_KEYS_MAX 6

#define SEED_PAIR 41
#define SEED_NUMBER 42
#define SEED_ADDRESS_KEY 43
#define SEED_WORDS 44
#define SEED_WORD 45
#define SEED_SET 46

/* Words of addresses that have a short form: the short one, the long one. */
static const char *const short_forms[] = {
	"st", "street", "str", "strasse", "rd", "road", "ave", "avenue", "av", "avenue", "blvd", "boulevard",
	"blv", "boulevard", "dr", "drive", "ln", "lane", "ct", "court", "pl", "place", "cres", "crescent",
	"cct", "circuit", "tce", "terrace", "ter", "terrace", "pde", "parade", "hwy", "highway", "sq", "square",
	"apt", "apartment", "fl", "floor", "n", "north", "s", "south", "e", "east", "w", "west", "mt", "mount",
	"pkwy", "parkway", "cl", "close", "gr", "grove", "ul", "ulica", "c", "calle", "col", "colonia",
	"nagar", "ngr", "aven", "avenue", "saint", "st"
};

static int
compare_units(const void *a, const void *b)
{
	return (int) *(const uint16_t *) a - (int) *(const uint16_t *) b;
}

static int
sort_distinct(uint16_t *units, int n)
{
	int			kept = 0;

	qsort(units, n, sizeof(uint16_t), compare_units);
	for (int i = 0; i < n; i++)
		if (i == 0 || units[i] != units[i - 1])
			units[kept++] = units[i];
	return kept;
}

static int
count_common(Part a, Part b)
{
	int			common = 0;

	for (int i = 0, j = 0; i < a.len && j < b.len;)
	{
		if (a.units[i] == b.units[j])
		{
			common++;
			i++;
			j++;
		}
		else if (a.units[i] < b.units[j])
			i++;
		else
			j++;
	}
	return common;
}

static bool
is_digit(uint16_t unit)
{
	return unit >= '0' && unit <= '9';
}

static bool
is_word_unit(uint16_t unit)
{
	return (unit >= 'a' && unit <= 'z') || (unit >= 0xC0 && unit < 0x2000) ||
		(unit >= 0x3040 && unit < 0xFF00);
}

/* The word's long form, if it is a short one. */
static int
write_long_form(Part word, uint16_t *out)
{
	for (int i = 0; i < (int) (sizeof(short_forms) / sizeof(short_forms[0])); i += 2)
	{
		const char *brief = short_forms[i];
		int			k = 0;

		while (k < word.len && brief[k] != '\0' && word.units[k] == (uint16_t) brief[k])
			k++;
		if (k == word.len && brief[k] == '\0')
		{
			const char *full = short_forms[i + 1];
			int			n = 0;

			for (; full[n] != '\0'; n++)
				out[n] = (uint16_t) full[n];
			return n;
		}
	}
	memcpy(out, word.units, word.len * sizeof(uint16_t));
	return word.len;
}

typedef struct Address
{
	uint16_t	pairs[PAIRS_MAX];
	int			n_pairs;
	uint16_t	numbers[NUMBERS_MAX];
	int			n_numbers;
	uint64_t	keys[ADDRESS_KEYS_MAX];
	int			n_keys;
	uint64_t	last_number;
	uint64_t	last_word;
} Address;

static void
add_pair(Address *address, uint16_t first, uint16_t second)
{
	if (address->n_pairs < PAIRS_MAX)
		address->pairs[address->n_pairs++] =
			(uint16_t) retail_hash_mix(((uint64_t) first << 16) | second, SEED_PAIR);
}

static void
add_address_key(Address *address, uint64_t a, uint64_t b)
{
	if (address->n_keys < ADDRESS_KEYS_MAX)
		address->keys[address->n_keys++] = retail_hash_mix(a + b, SEED_ADDRESS_KEY);
}

/*
 * A number meets the word beside it, a house its street, and the number before
 * it, a room its building.
 */
static void
add_number(Address *address, Part digits)
{
	uint64_t	hash = retail_part_hash(digits, SEED_NUMBER);

	if (address->n_numbers >= NUMBERS_MAX)
		return;
	if (address->last_word != 0)
		add_address_key(address, address->last_word, hash);
	if (address->last_number != 0)
		add_address_key(address, address->last_number, hash);
	address->numbers[address->n_numbers++] = (uint16_t) hash;
	address->last_number = hash;
}

/* Han words run together: the last two characters stand for the word. */
static void
add_word(Address *address, Part word)
{
	uint16_t	full[TEXT_NORM_MAX];
	int			n = write_long_form(word, full);
	bool		han = retail_is_han(full[0]);
	int			tail = han && n > 2 ? 2 : n;

	if (!han)
		add_pair(address, ' ', full[0]);
	for (int i = 0; i + 1 < n; i++)
		add_pair(address, full[i], full[i + 1]);
	if (n == 1)
	{
		if (han)
			return;				/* 号, 栋: the number's own unit */
	}
	if (address->n_numbers == 1 && address->last_word == 0 && !han)
		add_address_key(address, address->last_number,
						retail_text_hash(full, n, SEED_WORD));
	address->last_word = retail_text_hash(full + n - tail, tail, SEED_WORD);
}

int
retail_address_prepare(const uint16_t *text, int len, FieldValue *value)
{
	Address		address = {.n_pairs = 0};
	uint16_t	latin[TEXT_NORM_MAX];
	bool		han = false;

	for (int i = 0; i < len && !han; i++)
		han = retail_is_han(text[i]);
	if (!han)
	{
		uint16_t	spaced[TEXT_NORM_MAX];

		for (int i = 0; i < len; i++)
			spaced[i] = is_digit(text[i]) || is_word_unit(text[i]) ? text[i] : ' ';
		len = retail_text_latin(spaced, len, latin);
		if (len < 0)
			return -1;
		text = latin;
	}
	for (int i = 0; i < len;)
	{
		int			start = i;

		while (i < len && is_digit(text[i]))
			i++;
		if (i > start)
		{
			while (start < i - 1 && text[start] == '0')
				start++;
			add_number(&address, (Part) {text + start, i - start});
			continue;
		}
		while (i < len && is_word_unit(text[i]))
			i++;
		if (i > start)
			add_word(&address, (Part) {text + start, i - start});
		else
			i++;
	}
	address.n_pairs = sort_distinct(address.pairs, address.n_pairs);
	address.n_numbers = sort_distinct(address.numbers, address.n_numbers);
	if (address.n_pairs < 3)
		return 0;
	retail_field_begin(value, FIELD_ADDRESS);
	value->term[0] = retail_text_hash(address.numbers, address.n_numbers,
									  retail_text_hash(address.pairs, address.n_pairs, SEED_PAIR));
	retail_field_set(value, PAIRS, address.pairs, address.n_pairs);
	retail_field_set(value, NUMBERS, address.numbers, address.n_numbers);
	retail_field_set(value, KEYS, (const uint16_t *) address.keys, 4 * address.n_keys);
	return retail_field_end(value);
}

/*
 * 4 the same door; 3 it fits, with parts left out or misspelt; 2 the same
 * street or building, as far as is said; 1 alike in words, with other numbers.
 */
int
retail_address_compare(const FieldValue *a, const FieldValue *b)
{
	Part		a_pairs = retail_field_part(a, PAIRS);
	Part		b_pairs = retail_field_part(b, PAIRS);
	Part		a_numbers = retail_field_part(a, NUMBERS);
	Part		b_numbers = retail_field_part(b, NUMBERS);
	int			common;
	int			fewer = a_numbers.len < b_numbers.len ? a_numbers.len : b_numbers.len;
	int			more = a_numbers.len + b_numbers.len - fewer;
	int			shorter = a_pairs.len < b_pairs.len ? a_pairs.len : b_pairs.len;
	int			same_numbers;
	double		overlap;
	double		similarity;

	if (a->term[0] == b->term[0])
		return 4;
	same_numbers = count_common(a_numbers, b_numbers);
	common = count_common(a_pairs, b_pairs);
	overlap = (double) common / shorter;
	similarity = 0.6 * overlap + 0.4 * 2 * common / (a_pairs.len + b_pairs.len);

	if (fewer > 0 && same_numbers == more && similarity >= 0.7)
		return 4;
	if (fewer > 0 && same_numbers == fewer && (fewer >= 2 || more == 1) && similarity >= 0.45)
		return 3;
	if (similarity >= 0.6 && (same_numbers > 0 || fewer == 0))
		return 2;
	return similarity >= 0.6 ? 1 : 0;
}

void
retail_address_keys(const FieldValue *value, KeyList *list)
{
	Part		keys = retail_field_part(value, KEYS);

	retail_key_add(list, value->term[0]);
	for (int i = 0; i + 4 <= keys.len; i += 4)
	{
		uint64_t	key;

		memcpy(&key, keys.units + i, sizeof(key));
		retail_key_add(list, key);
	}
}

/* Words without blanks, accents and short forms: streets, places, any text. */
int
retail_words_prepare(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	spaced[TEXT_NORM_MAX];
	uint16_t	letters[TEXT_NORM_MAX];
	uint16_t	joined[TEXT_NORM_MAX];
	uint16_t	starts[WORDS_MAX];
	int			n_starts = 0;
	int			n = 0;
	bool		han = false;

	for (int i = 0; i < len; i++)
	{
		han |= retail_is_han(text[i]);
		spaced[i] = is_digit(text[i]) || is_word_unit(text[i]) ? text[i] : ' ';
	}
	if (han)
		memcpy(letters, spaced, len * sizeof(uint16_t));
	else
		len = retail_text_latin(spaced, len, letters);
	if (len < 0)
		return -1;
	for (int i = 0; i < len;)
	{
		int			start = i;
		uint16_t	full[TEXT_NORM_MAX];
		int			full_len;

		while (i < len && letters[i] != ' ')
			i++;
		full_len = i > start ? write_long_form((Part) {letters + start, i - start}, full) : 0;
		if (full_len > 0 && n + full_len <= TEXT_NORM_MAX && n_starts < WORDS_MAX)
		{
			starts[n_starts++] = (uint16_t) n;
			memcpy(joined + n, full, full_len * sizeof(uint16_t));
			n += full_len;
		}
		i++;
	}
	if (n == 0)
		return 0;
	retail_field_begin(value, FIELD_TEXT);
	value->term[0] = retail_text_hash(joined, n, SEED_WORDS);
	value->letters[0] = retail_part_letters((Part) {joined, n});
	retail_field_set(value, 0, joined, n);
	retail_field_set(value, 1, starts, n_starts);
	return retail_field_end(value);
}

/* Word i of the joined text. */
static Part
word_at(const FieldValue *value, int i)
{
	Part		joined = retail_field_part(value, 0);
	Part		starts = retail_field_part(value, 1);
	int			end = i + 1 < starts.len ? starts.units[i + 1] : joined.len;

	return (Part) {joined.units + starts.units[i], end - starts.units[i]};
}

/* Words of four letters or more that the two have in common, or nearly. */
static bool
share_long_word(const FieldValue *a, const FieldValue *b)
{
	if (a->part_len[1] * b->part_len[1] <= 1)
		return false;
	for (int i = 0; i < a->part_len[1]; i++)
		for (int j = 0; j < b->part_len[1]; j++)
		{
			Part		x = word_at(a, i);
			Part		y = word_at(b, j);

			if (x.len >= 4 && y.len >= 4 && retail_part_one_edit(x, y))
				return true;
		}
	return false;
}

/* 3 equal, 2 slips, 1 alike or in part the same. */
int
retail_words_compare(const FieldValue *a, const FieldValue *b)
{
	Part		x = retail_field_part(a, 0);
	Part		y = retail_field_part(b, 0);
	double		similarity;

	if (a->term[0] == b->term[0])
		return 3;
	if (x.len >= 3 && y.len >= 3 && retail_letters_edits(a->letters[0], b->letters[0]) <= 1 &&
		retail_part_one_edit(x, y))
		return 2;
	similarity = retail_letters_similarity(a->letters[0], x.len, b->letters[0], y.len);
	if (similarity >= 0.85)
		similarity = retail_part_similarity(x, y);
	if (similarity >= 0.94)
		return 2;
	return similarity >= 0.85 || share_long_word(a, b) ? 1 : 0;
}

void
retail_words_keys(const FieldValue *value, KeyList *list)
{
	retail_key_add(list, retail_hash_mix(value->term[0], value->kind));
	for (int i = 0; i < value->part_len[1] && i < 4; i++)
	{
		Part		word = word_at(value, i);

		if (word.len >= 4)
			retail_key_add(list, retail_part_hash(word, SEED_WORD));
	}
}

int
retail_set_prepare(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	elements[TEXT_NORM_MAX];
	int			n = 0;

	for (int i = 0; i < len;)
	{
		int			start = i;
		int			end;

		while (i < len && text[i] != ',' && text[i] != ';' && text[i] != '|')
			i++;
		end = i++;
		while (start < end && (text[start] == ' ' || text[start] == '{'))
			start++;
		while (end > start && (text[end - 1] == ' ' || text[end - 1] == '}'))
			end--;
		if (end > start)
			elements[n++] = (uint16_t) retail_text_hash(text + start, end - start, SEED_SET);
	}
	n = sort_distinct(elements, n);
	if (n == 0)
		return 0;
	retail_field_begin(value, FIELD_SET);
	value->term[0] = retail_text_hash(elements, n, SEED_SET);
	retail_field_set(value, 0, elements, n);
	return retail_field_end(value);
}

/* 3 equal, 2 half in common, 1 some. */
int
retail_set_compare(const FieldValue *a, const FieldValue *b)
{
	Part		x = retail_field_part(a, 0);
	Part		y = retail_field_part(b, 0);
	int			common = count_common(x, y);
	int			all = x.len + y.len - common;

	if (common == all)
		return 3;
	return common * 2 >= all ? 2 : common > 0;
}

void
retail_set_keys(const FieldValue *value, KeyList *list)
{
	Part		elements = retail_field_part(value, 0);

	for (int i = 0; i < elements.len; i++)
		retail_key_add(list, retail_hash_mix(elements.units[i], SEED_SET));
}
