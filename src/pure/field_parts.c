/*-------------------------------------------------------------------------
 * field_parts.c
 *		Building and reading prepared values: for the files of their kinds.
 *-------------------------------------------------------------------------
 */
#include "field_parts.h"

#include <string.h>

#include "string_compare.h"

void
retail_field_begin(FieldValue *value, FieldKind kind)
{
	memset(value, 0, sizeof(FieldValue));
	value->kind = (uint8_t) kind;
	value->size = sizeof(FieldValue);
}

/* Parts are set in order, each once. */
void
retail_field_set(FieldValue *value, int part, const uint16_t *units, int len)
{
	if (len > 0)
		memcpy((char *) value + value->size, units, len * sizeof(uint16_t));
	value->part_len[part] = (uint16_t) len;
	value->size += (uint16_t) (len * sizeof(uint16_t));
}

/* The size, rounded up over zeroes so that equal values are equal bytes. */
int
retail_field_end(FieldValue *value)
{
	while (value->size % 8 != 0)
		((char *) value)[value->size++] = 0;
	return value->size;
}

Part
retail_field_part(const FieldValue *value, int part)
{
	Part		result = {value->units, value->part_len[part]};

	for (int i = 0; i < part; i++)
		result.units += value->part_len[i];
	return result;
}

bool
retail_part_equal(Part a, Part b)
{
	return a.len == b.len &&
		memcmp(a.units, b.units, a.len * sizeof(uint16_t)) == 0;
}

bool
retail_part_one_edit(Part a, Part b)
{
	return retail_one_edit(a.units, a.len, b.units, b.len);
}

double
retail_part_similarity(Part a, Part b)
{
	return retail_jaro_winkler(a.units, a.len, b.units, b.len);
}

uint64_t
retail_part_hash(Part part, uint64_t seed)
{
	return retail_text_hash(part.units, part.len, seed);
}

uint32_t
retail_part_letters(Part part)
{
	uint32_t	letters = 0;

	for (int i = 0; i < part.len; i++)
		if (part.units[i] != ' ')
			letters |= (uint32_t) 1 << (part.units[i] % 32);
	return letters;
}

int
retail_letters_edits(uint32_t a, uint32_t b)
{
	int			only_a = __builtin_popcount(a & ~b);
	int			only_b = __builtin_popcount(b & ~a);

	return only_a > only_b ? only_a : only_b;
}

double
retail_letters_similarity(uint32_t a, int alen, uint32_t b, int blen)
{
	int			of_a = alen - __builtin_popcount(a & ~b);
	int			of_b = blen - __builtin_popcount(b & ~a);
	int			common = of_a < of_b ? of_a : of_b;
	double		jaro;

	if (common <= 0)
		return 0;
	jaro = ((double) common / alen + (double) common / blen + 1) / 3;
	return jaro + 0.4 * (1 - jaro);
}

void
retail_key_add(KeyList *list, uint64_t key)
{
	if (list->n >= FIELD_KEYS_MAX || key == 0)
		return;
	for (int i = 0; i < list->n; i++)
		if (list->keys[i] == key)
			return;
	list->keys[list->n++] = key;
}

/* Letters that are heard, or written, for one another. */
static uint16_t
heard_as(uint16_t letter, uint16_t next)
{
	switch (letter)
	{
		case 'c':
			return next == 'e' || next == 'i' || next == 'y' ? 's' : 'k';
		case 'p':
			return next == 'h' ? 'f' : 'p';
		case 'q':
			return 'k';
		case 'z':
		case 'x':
			return 's';
		case 'w':
			return 'v';
		case 'd':
			return 't';
		case 'b':
			return 'p';
		case 'm':
			return 'n';
		case 'j':
			return 'g';
		default:
			return letter;
	}
}

static bool
is_mute(uint16_t letter)
{
	return letter == 'a' || letter == 'e' || letter == 'i' || letter == 'o' ||
		letter == 'u' || letter == 'y' || letter == 'h' || letter == ' ';
}

int
retail_sound(Part word, uint16_t *out)
{
	int			n = 0;

	for (int i = 0; i < word.len; i++)
	{
		uint16_t	next = i + 1 < word.len ? word.units[i + 1] : 0;
		uint16_t	sound = heard_as(word.units[i], next);

		if (i == 0)
			out[n++] = is_mute(sound) ? 'a' : sound;
		else if (!is_mute(sound) && out[n - 1] != sound)
			out[n++] = sound;
	}
	return n;
}
