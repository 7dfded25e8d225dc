/*-------------------------------------------------------------------------
 * text_norm.c
 *		What people write, as matching reads it: folded, simplified, spelt out.
 *
 * ICU does the work, and its transliterators are slow: 8 µs a string for
 * Traditional to Simplified, 48 µs for pinyin.  Both rules work character by
 * character, so a table per process remembers what each character became, and
 * ASCII, which is most of Western data, never meets ICU at all.  The handles
 * are opened once and kept.  Nothing here is thread safe; a backend has one
 * thread.
 *-------------------------------------------------------------------------
 */
#include "text_norm.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

#define N_UNITS 65536

/* The longest reading of one character is six letters, zhuang. */
#define READING_MAX 7

typedef struct Reading
{
	char		letters[READING_MAX];
	uint8_t		len_plus_1;		/* 0: not asked for yet */
} Reading;

static const UNormalizer2 *casefold;
static UTransliterator *to_simplified;
static UTransliterator *to_pinyin;
static UTransliterator *to_surname_pinyin;
static UTransliterator *to_latin;
static uint16_t *simplified;	/* 0: not asked for yet */
static Reading *readings;
static Reading *surname_readings;

static UTransliterator *
open_rules(const char *id)
{
	UErrorCode	status = U_ZERO_ERROR;
	UChar		name[80];
	UTransliterator *rules;

	u_uastrcpy(name, id);
	rules = utrans_openU(name, -1, UTRANS_FORWARD, NULL, 0, NULL, &status);
	return U_SUCCESS(status) ? rules : NULL;
}

static bool
open_all(void)
{
	UErrorCode	status = U_ZERO_ERROR;

	if (casefold != NULL)
		return true;
	if (simplified == NULL)
		simplified = calloc(N_UNITS, sizeof(uint16_t));
	if (readings == NULL)
		readings = calloc(N_UNITS, sizeof(Reading));
	if (surname_readings == NULL)
		surname_readings = calloc(N_UNITS, sizeof(Reading));
	if (to_simplified == NULL)
		to_simplified = open_rules("Traditional-Simplified");
	if (to_pinyin == NULL)
		to_pinyin = open_rules("Han-Latin; Latin-ASCII; Lower");
	if (to_surname_pinyin == NULL)
		to_surname_pinyin = open_rules("Han-Latin/Names; Latin-ASCII; Lower");
	if (to_latin == NULL)
		to_latin = open_rules("Any-Latin; Latin-ASCII; Lower");
	if (!simplified || !readings || !surname_readings ||
		!to_simplified || !to_pinyin || !to_surname_pinyin || !to_latin)
		return false;
	casefold = unorm2_getNFKCCasefoldInstance(&status);
	if (U_FAILURE(status))
		casefold = NULL;
	return casefold != NULL;
}

/* Applies the rules in place; the length after, or 0 on failure. */
static int
transliterate(UTransliterator *rules, UChar *text, int len, int capacity)
{
	UErrorCode	status = U_ZERO_ERROR;
	int32_t		limit = len;
	int32_t		text_len = len;

	utrans_transUChars(rules, text, &text_len, capacity, 0, &limit, &status);
	return U_SUCCESS(status) ? text_len : 0;
}

bool
retail_is_han(uint16_t unit)
{
	return (unit >= 0x4E00 && unit <= 0x9FFF) ||
		(unit >= 0x3400 && unit <= 0x4DBF) ||
		(unit >= 0xF900 && unit <= 0xFAFF) || unit == 0x3007;
}

static uint16_t
simplify(uint16_t unit)
{
	if (!retail_is_han(unit))
		return unit;
	if (simplified[unit] == 0)
	{
		UChar		text[8] = {unit};
		int			len = transliterate(to_simplified, text, 1, 8);

		simplified[unit] = len == 1 ? text[0] : unit;
	}
	return simplified[unit];
}

static bool
is_blank(UChar32 c)
{
	return c == ' ' || (c >= 9 && c <= 13) || u_isUWhiteSpace(c);
}

static bool
is_dropped(UChar32 c)
{
	int8_t		type = u_charType(c);

	return type == U_CONTROL_CHAR || type == U_FORMAT_CHAR ||
		type == U_UNASSIGNED || type == U_PRIVATE_USE_CHAR;
}

static int
fold_ascii(const char *utf8, size_t len, uint16_t *out)
{
	int			n = 0;

	for (size_t i = 0; i < len && n < TEXT_NORM_MAX; i++)
	{
		unsigned char c = (unsigned char) utf8[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c == ' ' || (c >= 9 && c <= 13))
		{
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
		}
		else if (c >= ' ' && c < 127)
			out[n++] = c;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	return n;
}

/* As many units of the text as fit, whole characters only. */
static int
decode(const char *utf8, size_t len, UChar *out, int max)
{
	int32_t		at = 0;
	int			n = 0;

	while (at < (int32_t) len && n < max - 1)
	{
		UChar32		c;

		U8_NEXT((const uint8_t *) utf8, at, (int32_t) len, c);
		if (c < 0)
			c = ' ';
		U16_APPEND_UNSAFE(out, n, c);
	}
	return n;
}

int
retail_text_fold(const char *utf8, size_t len, uint16_t *out)
{
	UChar		raw[TEXT_NORM_MAX + 1];
	UChar		folded[TEXT_NORM_MAX * 20];
	UErrorCode	status = U_ZERO_ERROR;
	bool		ascii = true;
	int			raw_len;
	int			folded_len;
	int			n = 0;

	/* cut first: four bytes a unit, and blanks may go */
	if (len > TEXT_NORM_MAX * 8)
		len = TEXT_NORM_MAX * 8;
	for (size_t i = 0; i < len && ascii; i++)
		ascii = (unsigned char) utf8[i] < 128;
	if (ascii)
		return fold_ascii(utf8, len, out);

	if (!open_all())
		return -1;
	raw_len = decode(utf8, len, raw, TEXT_NORM_MAX + 1);
	folded_len = unorm2_normalize(casefold, raw, raw_len, folded,
								  TEXT_NORM_MAX * 20, &status);
	if (U_FAILURE(status))
		return -1;

	for (int i = 0; i < folded_len && n < TEXT_NORM_MAX;)
	{
		UChar32		c;
		int			start = i;

		U16_NEXT(folded, i, folded_len, c);
		if (is_blank(c))
		{
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
		}
		else if (is_dropped(c) || n + (i - start) > TEXT_NORM_MAX)
			continue;
		else if (i - start == 2)
		{
			out[n++] = folded[start];
			out[n++] = folded[start + 1];
		}
		else
			out[n++] = simplify((uint16_t) c);
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	return n;
}

int
retail_text_latin(const uint16_t *text, int len, uint16_t *out)
{
	UChar		spelt[TEXT_NORM_MAX * 8];
	int			n = 0;
	bool		ascii = true;

	for (int i = 0; i < len && ascii; i++)
		ascii = text[i] < 128;
	memcpy(spelt, text, sizeof(UChar) * len);
	if (!ascii)
	{
		if (!open_all())
			return -1;
		len = transliterate(to_latin, spelt, len, TEXT_NORM_MAX * 8);
	}
	for (int i = 0; i < len && n < TEXT_NORM_MAX; i++)
	{
		UChar		c = spelt[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = c;
		else if (c == ' ' && n > 0 && out[n - 1] != ' ')
			out[n++] = c;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	return n;
}

static const Reading *
read_unit(uint16_t unit, bool surname)
{
	Reading    *reading = (surname ? surname_readings : readings) + unit;

	if (reading->len_plus_1 == 0)
	{
		UChar		text[64] = {unit};
		int			len = transliterate(surname ? to_surname_pinyin : to_pinyin,
										text, 1, 64);
		int			n = 0;

		for (int i = 0; i < len && n < READING_MAX; i++)
			if (text[i] >= 'a' && text[i] <= 'z')
				reading->letters[n++] = (char) text[i];
		reading->len_plus_1 = (uint8_t) (n + 1);
	}
	return reading;
}

int
retail_text_pinyin(const uint16_t *text, int len, bool surname, uint16_t *out)
{
	int			n = 0;

	if (!open_all())
		return -1;
	for (int i = 0; i < len; i++)
	{
		const Reading *reading = read_unit(text[i], surname);

		for (int k = 0; k < reading->len_plus_1 - 1 && n < TEXT_NORM_MAX; k++)
			out[n++] = (uint16_t) reading->letters[k];
	}
	return n;
}

int
retail_text_utf8(const uint16_t *text, int len, char *out)
{
	int			n = 0;

	for (int i = 0; i < len;)
	{
		UChar32		c;

		U16_NEXT(text, i, len, c);
		if (U_IS_SURROGATE(c))
			c = 0xFFFD;
		U8_APPEND_UNSAFE(out, n, c);
	}
	out[n] = '\0';
	return n;
}

/* the finaliser of splitmix64 */
uint64_t
retail_hash_mix(uint64_t a, uint64_t b)
{
	uint64_t	z = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t
retail_text_hash(const uint16_t *text, int len, uint64_t seed)
{
	uint64_t	hash = retail_hash_mix(seed, (uint64_t) len);

	for (int i = 0; i < len; i++)
		hash = retail_hash_mix(hash, text[i]);
	return hash;
}
