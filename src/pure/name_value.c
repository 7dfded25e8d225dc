/*-------------------------------------------------------------------------
 * name_value.c
 *		Names of people: split, compared as given name and surname, keyed.
 *
 * Han names keep their characters and carry a pinyin reading of each part;
 * all others become ASCII letters at once.  Which word is the surname is a
 * guess in a full name, and people swap the two in forms, so a comparison
 * tries the names crosswise when they disagree straight.
 *-------------------------------------------------------------------------
 */
#include "field_parts.h"

#include <string.h>

#include "name_words.h"
#include "string_compare.h"

/* Parts: the names, and their readings when Han. */
#define GIVEN 0
#define SURNAME 1
#define READING 2				/* plus GIVEN or SURNAME */

#define TOKENS_MAX 8

/* Below: another name; above: a slip, or a likeness. */
#define SIMILARITY_CLOSE 0.92
#define SIMILARITY_WEAK 0.82

/* Names that sound the same look alike by this much. */
#define SIMILARITY_SOUND 0.7

#define SEED_NAME 11
#define SEED_SOUND 12
#define SEED_INITIAL 13

static bool
is_star(uint16_t unit)
{
	return unit == '*' || unit == 0x25CB || unit == 0x25CF || unit == 0x00D7 ||
		unit == 0x3007;
}

static bool
is_letter(uint16_t unit)
{
	return (unit >= 'a' && unit <= 'z') || unit >= 0xC0;
}

static bool
has_digit(const uint16_t *text, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] >= '0' && text[i] <= '9')
			return true;
	return false;
}

static bool
is_apostrophe(uint16_t unit)
{
	return unit == '\'' || unit == 0x2019 || unit == 0x2018 || unit == '`';
}

static bool
has_han(const uint16_t *text, int len)
{
	for (int i = 0; i < len; i++)
		if (retail_is_han(text[i]) && !is_star(text[i]))
			return true;
	return false;
}

/* The part as it is read aloud: what two scripts have in common. */
static Part
reading_of(const FieldValue *value, int part)
{
	return retail_field_part(value, (value->flags & FIELD_HAN ? READING : 0) + part);
}

static Part
next_word(Part text, int *at)
{
	Part		word;

	word.units = text.units + *at;
	word.len = 0;
	while (*at + word.len < text.len && word.units[word.len] != ' ')
		word.len++;
	*at += word.len + 1;
	return word;
}

static uint64_t
root_of(Part name)
{
	int			at = 0;
	Part		word = next_word(name, &at);
	uint64_t	root = retail_diminutive_root(word.units, word.len);

	return root != 0 ? root : retail_part_hash(word, SEED_NAME);
}

/* Writes the two names and, for Han, how they are read. */
static int
finish_name(FieldValue *value, Part given, Part surname)
{
	uint16_t	reading[2][TEXT_NORM_MAX];
	int			reading_len[2] = {0, 0};

	if (given.len == 0 && surname.len == 0)
		return 0;
	if (has_han(given.units, given.len) || has_han(surname.units, surname.len))
	{
		value->flags |= FIELD_HAN;
		reading_len[GIVEN] = retail_text_pinyin(given.units, given.len, false, reading[GIVEN]);
		reading_len[SURNAME] = retail_text_pinyin(surname.units, surname.len, true, reading[SURNAME]);
		if (reading_len[GIVEN] < 0 || reading_len[SURNAME] < 0)
			return -1;
	}
	if (given.len == 0)
		value->flags |= FIELD_SURNAME_ONLY;
	retail_field_set(value, GIVEN, given.units, given.len);
	retail_field_set(value, SURNAME, surname.units, surname.len);
	retail_field_set(value, READING + GIVEN, reading[GIVEN], reading_len[GIVEN]);
	retail_field_set(value, READING + SURNAME, reading[SURNAME], reading_len[SURNAME]);
	value->letters[GIVEN] = retail_part_letters(reading_of(value, GIVEN));
	value->letters[SURNAME] = retail_part_letters(reading_of(value, SURNAME));
	if (given.len > 0)
		value->root = root_of(reading_of(value, GIVEN));
	if (given.len > 0 && !(value->flags & FIELD_MASKED))
		value->term[GIVEN] = retail_part_hash(given, SEED_NAME);
	if (surname.len > 0)
		value->term[SURNAME] = retail_part_hash(surname, SEED_NAME);
	return retail_field_end(value);
}

/*
 * 王小明, 王先生, 王**, 欧阳女士.  A text that cannot be a name, because it does
 * not begin with a surname, is too long for one or holds a digit, is a
 * nickname, and says nothing.
 */
static int
prepare_han(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	name[TEXT_NORM_MAX];
	int			n = 0;
	int			stars = 0;
	int			title;
	int			surname_len;

	for (int i = 0; i < len; i++)
	{
		if (text[i] >= '0' && text[i] <= '9')
			return 0;
		if (is_star(text[i]))
		{
			name[n++] = '*';
			stars++;
		}
		else if (retail_is_han(text[i]))
			name[n++] = text[i];
	}
	if (retail_is_nobody(name, n))
		return 0;

	title = retail_han_title_len(name, n);
	if (title == 1 && retail_han_surname_len(name, n - 1) < n - 1)
		title = 0;
	n -= title;
	if (stars > 0)
	{
		value->flags |= FIELD_MASKED;
		surname_len = name[0] == '*' ? 0 : 1;
		if (n > 4)
			return 0;
		/* **鑫: the masked surname says nothing */
		if (surname_len == 0)
			return finish_name(value, (Part) {name + 1, n - 1}, (Part) {name, 0});
	}
	else
	{
		surname_len = retail_han_surname_len(name, n);
		if (surname_len == 2 && n == 2 && title == 0)
			surname_len = 1;
		if (surname_len == 0 || n - surname_len > 2)
			return 0;
		/* one character alone is a surname only beside a title */
		if (n == surname_len && title == 0)
			return 0;
	}
	/* 王**: what is wholly masked says nothing */
	if (stars > 0 && stars == n - surname_len)
		return finish_name(value, (Part) {name, 0}, (Part) {name, surname_len});
	return finish_name(value, (Part) {name + surname_len, n - surname_len},
					   (Part) {name, surname_len});
}

/*
 * The words of a name in other scripts, as ASCII, without titles.  What comes
 * before a comma is the surname: *comma is how many words that is.
 */
static int
split_words(const uint16_t *text, int len, uint16_t *letters, Part *words, int *comma)
{
	uint16_t	spaced[TEXT_NORM_MAX];
	int			letters_len = 0;
	int			n = 0;

	*comma = 0;
	for (int start = 0; start < len && n < TOKENS_MAX;)
	{
		int			spaced_len = 0;
		bool		starred = false;
		int			end = start;
		int			word_len;

		while (end < len && (is_letter(text[end]) || is_apostrophe(text[end]) || is_star(text[end])))
		{
			starred |= is_star(text[end]);
			if (!starred && is_letter(text[end]))
				spaced[spaced_len++] = text[end];
			end++;
		}
		word_len = retail_text_latin(spaced, spaced_len, letters + letters_len);
		if (word_len < 0)
			return -1;
		if (word_len > 0 && letters_len + word_len < TEXT_NORM_MAX / 2 &&
			!retail_is_title(letters + letters_len, word_len))
		{
			words[n++] = (Part) {letters + letters_len, word_len};
			letters_len += word_len;
		}
		if (end < len && text[end] == ',' && *comma == 0)
			*comma = n;
		start = end + 1;
	}
	return n;
}

/* The words from first to before last, with blanks between. */
static Part
join_words(const Part *words, int first, int last, uint16_t *out)
{
	int			n = 0;

	for (int i = first; i < last; i++)
	{
		if (i > first)
			out[n++] = ' ';
		memcpy(out + n, words[i].units, words[i].len * sizeof(uint16_t));
		n += words[i].len;
	}
	return (Part) {out, n};
}

/* van, de, della: the surname begins here */
static bool
is_particle(Part word)
{
	static const char *const particles[] = {
		"van", "von", "der", "den", "de", "da", "do", "dos", "di", "del", "della", "la", "le",
		"el", "al", "bin", "ibn", "ben", "zu", "ter", "st"
	};

	for (int i = 0; i < (int) (sizeof(particles) / sizeof(particles[0])); i++)
	{
		int			k = 0;

		while (k < word.len && particles[i][k] != '\0' && word.units[k] == (uint16_t) particles[i][k])
			k++;
		if (k == word.len && particles[i][k] == '\0')
			return true;
	}
	return false;
}

static int
prepare_words(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	letters[TEXT_NORM_MAX];
	uint16_t	given[TEXT_NORM_MAX];
	uint16_t	surname[TEXT_NORM_MAX];
	Part		words[TOKENS_MAX];
	int			comma;
	int			n = split_words(text, len, letters, words, &comma);
	int			first = n - 1;

	if (n <= 0)
		return n;
	/* A, Lucky63 */
	if (n == 1 && (words[0].len == 1 || has_digit(text, len)))
		return 0;
	if (retail_is_nobody(text, len) || retail_is_nobody(words[0].units, words[0].len))
		return 0;
	if (n == 1)
		return finish_name(value, words[0], (Part) {surname, 0});
	if (comma > 0 && comma < n)
		return finish_name(value, join_words(words, comma, n, given),
						   join_words(words, 0, comma, surname));
	for (int i = n - 2; i > 0; i--)
		if (is_particle(words[i]))
			first = i;
	return finish_name(value, join_words(words, 0, first, given),
					   join_words(words, first, n, surname));
}

int
retail_name_prepare(const char *utf8, size_t len, FieldValue *value)
{
	uint16_t	text[TEXT_NORM_MAX];
	int			n = retail_text_fold(utf8, len, text);

	if (n <= 0)
		return n;
	retail_field_begin(value, FIELD_NAME);
	return has_han(text, n) ? prepare_han(text, n, value) : prepare_words(text, n, value);
}

/* One of two columns: Han as it is, others as words. */
static int
prepare_part(const char *utf8, size_t len, uint16_t *out, bool *masked)
{
	uint16_t	text[TEXT_NORM_MAX];
	uint16_t	letters[TEXT_NORM_MAX];
	Part		words[TOKENS_MAX];
	int			comma;
	int			n = retail_text_fold(utf8, len, text);
	int			kept = 0;

	if (n <= 0 || retail_is_nobody(text, n))
		return n < 0 ? n : 0;
	if (!has_han(text, n))
	{
		n = split_words(text, n, letters, words, &comma);
		return n <= 0 ? n : join_words(words, 0, n, out).len;
	}
	for (int i = 0; i < n; i++)
	{
		*masked |= is_star(text[i]);
		if (is_star(text[i]) || retail_is_han(text[i]))
			out[kept++] = is_star(text[i]) ? '*' : text[i];
	}
	return kept;
}

int
retail_name_prepare_parts(const char *given, size_t given_len,
						  const char *surname, size_t surname_len,
						  FieldValue *value)
{
	uint16_t	given_text[TEXT_NORM_MAX];
	uint16_t	surname_text[TEXT_NORM_MAX];
	bool		masked = false;
	int			g = prepare_part(given, given_len, given_text, &masked);
	int			s = prepare_part(surname, surname_len, surname_text, &masked);

	if (g < 0 || s < 0)
		return -1;
	retail_field_begin(value, FIELD_NAME);
	if (masked)
		value->flags |= FIELD_MASKED;
	return finish_name(value, (Part) {given_text, g}, (Part) {surname_text, s});
}

static int
compare_masked(Part a, Part b)
{
	if (a.len != b.len)
		return NAME_DIFFERENT;
	for (int i = 0; i < a.len; i++)
		if (a.units[i] != b.units[i] && a.units[i] != '*' && b.units[i] != '*')
			return NAME_DIFFERENT;
	return NAME_WEAK;
}

static int
compare_han(Part a, Part b, Part a_reading, Part b_reading)
{
	if (retail_part_equal(a_reading, b_reading))
		return NAME_VARIANT;
	if (retail_part_one_edit(a_reading, b_reading) &&
		a_reading.len >= 4 && b_reading.len >= 4)
		return NAME_CLOSE;
	if (a.len == 2 && b.len == 2 && a.units[0] == b.units[1] && a.units[1] == b.units[0])
		return NAME_CLOSE;
	for (int i = 0; i < a.len; i++)
		for (int j = 0; j < b.len; j++)
			if (a.units[i] == b.units[j])
				return NAME_WEAK;
	return NAME_DIFFERENT;
}

static bool
have_word_in_common(Part a, Part b)
{
	for (int i = 0; i < a.len;)
	{
		Part		word = next_word(a, &i);

		for (int j = 0; j < b.len;)
		{
			Part		other = next_word(b, &j);

			if (word.len >= 3 && (retail_part_equal(word, other) ||
								  (word.len >= 5 && retail_part_one_edit(word, other))))
				return true;
		}
	}
	return false;
}

static Part
without_blanks(Part text, uint16_t *out)
{
	int			n = 0;

	for (int i = 0; i < text.len; i++)
		if (text.units[i] != ' ')
			out[n++] = text.units[i];
	return (Part) {out, n};
}

static bool
has_blank(Part text)
{
	for (int i = 0; i < text.len; i++)
		if (text.units[i] == ' ')
			return true;
	return false;
}

static bool
begins_with(Part text, Part start)
{
	return text.len >= start.len &&
		memcmp(text.units, start.units, start.len * sizeof(uint16_t)) == 0;
}

static bool
sound_the_same(Part a, Part b)
{
	uint16_t	a_sound[TEXT_NORM_MAX];
	uint16_t	b_sound[TEXT_NORM_MAX];
	int			n = retail_sound(a, a_sound);

	return n >= 3 && retail_sound(b, b_sound) == n &&
		memcmp(a_sound, b_sound, n * sizeof(uint16_t)) == 0;
}

static int
compare_letters(const FieldValue *a_value, int a_part, const FieldValue *b_value, int b_part)
{
	uint16_t	a_joined[TEXT_NORM_MAX];
	uint16_t	b_joined[TEXT_NORM_MAX];
	Part		a_whole = reading_of(a_value, a_part);
	Part		b_whole = reading_of(b_value, b_part);
	Part		a = a_whole;
	Part		b = b_whole;
	uint32_t	a_letters = a_value->letters[a_part];
	uint32_t	b_letters = b_value->letters[b_part];
	bool		words = has_blank(a) || has_blank(b);
	double		similarity;

	if (a_part == GIVEN && b_part == GIVEN && a_value->root == b_value->root)
		return NAME_VARIANT;
	if (!words && a.len > 1 && b.len > 1 && (a_letters & ~b_letters) != 0 && (b_letters & ~a_letters) != 0 &&
		retail_letters_similarity(a_letters, a.len, b_letters, b.len) < SIMILARITY_WEAK)
		return NAME_DIFFERENT;
	if (words)
	{
		a = without_blanks(a, a_joined);
		b = without_blanks(b, b_joined);
	}
	if (retail_part_equal(a, b))
		return NAME_VARIANT;
	if (a.len == 1 || b.len == 1)
		return a.units[0] == b.units[0] ? NAME_WEAK : NAME_DIFFERENT;
	if (a.len + b.len >= 7 && retail_letters_edits(a_letters, b_letters) <= 1 && retail_part_one_edit(a, b))
		return NAME_CLOSE;
	similarity = retail_part_similarity(a, b);
	if (similarity >= SIMILARITY_CLOSE || (similarity >= SIMILARITY_SOUND && sound_the_same(a, b)) ||
		(words && have_word_in_common(a_whole, b_whole)))
		return NAME_CLOSE;
	if (similarity >= SIMILARITY_WEAK ||
		(a.len >= 3 && begins_with(b, a)) || (b.len >= 3 && begins_with(a, b)))
		return NAME_WEAK;
	return NAME_DIFFERENT;
}

static int
compare_part(const FieldValue *a, int a_part, const FieldValue *b, int b_part)
{
	Part		a_name = retail_field_part(a, a_part);
	Part		b_name = retail_field_part(b, b_part);
	bool		both_han = a->flags & b->flags & FIELD_HAN;

	if (a_name.len == 0 || b_name.len == 0)
		return FIELD_SILENT;
	if (a->term[a_part] == b->term[b_part] && a->term[a_part] != 0)
		return NAME_EQUAL;
	if ((a->flags | b->flags) & FIELD_MASKED)
		return both_han ? compare_masked(a_name, b_name) : FIELD_SILENT;
	if (both_han)
		return compare_han(a_name, b_name, reading_of(a, a_part), reading_of(b, b_part));
	return compare_letters(a, a_part, b, b_part);
}

/* Both parts in one, the given name first or last. */
static Part
join_parts(const FieldValue *value, bool surname_first, uint16_t *out)
{
	Part		first = reading_of(value, surname_first ? SURNAME : GIVEN);
	Part		second = reading_of(value, surname_first ? GIVEN : SURNAME);
	int			n = without_blanks(first, out).len;

	return (Part) {out, n + without_blanks(second, out + n).len};
}

/*
 * wang guo ze, WangGuoze and 王国泽: one name, cut apart in different places.
 */
static bool
is_cut_differently(const FieldValue *a, const FieldValue *b)
{
	uint16_t	x[TEXT_NORM_MAX * 2];
	uint16_t	y[TEXT_NORM_MAX * 2];
	Part		whole;

	if ((a->letters[GIVEN] | a->letters[SURNAME]) != (b->letters[GIVEN] | b->letters[SURNAME]))
		return false;
	whole = join_parts(a, true, x);
	return retail_part_equal(whole, join_parts(b, true, y)) ||
		retail_part_equal(whole, join_parts(b, false, y)) ||
		retail_part_equal(join_parts(a, false, x), join_parts(b, true, y));
}

/* A lone name may be either of the other's. */
static void
compare_lone(const FieldValue *a, int a_part, const FieldValue *b, int levels[2])
{
	int			crosswise = compare_part(a, a_part, b, a_part == GIVEN ? SURNAME : GIVEN);

	if (crosswise >= NAME_CLOSE)
	{
		levels[GIVEN] = FIELD_SILENT;
		levels[SURNAME] = crosswise;
	}
}

/* One word in letters, that is in no way the other's Han name: a nickname. */
static bool
is_nickname_beside(const FieldValue *a, const FieldValue *b)
{
	return !(a->flags & FIELD_HAN) && (b->flags & FIELD_HAN) &&
		a->part_len[SURNAME] == 0 && !has_blank(retail_field_part(a, GIVEN));
}

static void
compare_crosswise(const FieldValue *a, const FieldValue *b, int levels[2])
{
	int			given_as_surname = compare_part(a, GIVEN, b, SURNAME);
	int			surname_as_given = compare_part(a, SURNAME, b, GIVEN);

	if (given_as_surname >= NAME_CLOSE && surname_as_given >= NAME_CLOSE)
	{
		levels[GIVEN] = given_as_surname < NAME_VARIANT ? given_as_surname : NAME_VARIANT;
		levels[SURNAME] = surname_as_given < NAME_VARIANT ? surname_as_given : NAME_VARIANT;
	}
}

void
retail_name_compare(const FieldValue *a, const FieldValue *b, int levels[2])
{
	levels[GIVEN] = compare_part(a, GIVEN, b, GIVEN);
	levels[SURNAME] = compare_part(a, SURNAME, b, SURNAME);
	if ((a->flags & b->flags & FIELD_HAN) || levels[GIVEN] > NAME_WEAK || levels[SURNAME] > NAME_WEAK)
		return;

	if (is_cut_differently(a, b))
		levels[GIVEN] = levels[SURNAME] = NAME_VARIANT;
	else if (a->part_len[GIVEN] > 0 && a->part_len[SURNAME] > 0 &&
			 b->part_len[GIVEN] > 0 && b->part_len[SURNAME] > 0)
		compare_crosswise(a, b, levels);
	else if (is_nickname_beside(a, b) || is_nickname_beside(b, a))
		levels[GIVEN] = levels[SURNAME] = FIELD_SILENT;
	else if (a->part_len[GIVEN] == 0 || a->part_len[SURNAME] == 0)
		compare_lone(a, a->part_len[GIVEN] == 0 ? SURNAME : GIVEN, b, levels);
	else
		compare_lone(b, b->part_len[GIVEN] == 0 ? SURNAME : GIVEN, a, levels);
}

static uint64_t
sound_key(Part name)
{
	uint16_t	sound[TEXT_NORM_MAX];
	int			n = retail_sound(name, sound);

	return n == 0 ? 0 : retail_text_hash(sound, n, SEED_SOUND);
}

/*
 * Each name as it is read and as it sounds, and both together in no order.
 */
void
retail_name_keys(const FieldValue *value, KeyList *list)
{
	bool		masked = value->flags & FIELD_MASKED;
	Part		given = masked ? (Part) {NULL, 0} : reading_of(value, GIVEN);
	Part		surname = reading_of(value, SURNAME);
	uint64_t	given_key = given.len > 0 ? root_of(given) : 0;
	uint64_t	surname_key = surname.len > 0 ? retail_part_hash(surname, SEED_NAME) : 0;

	if (given.len > 0 && surname.len > 0)
	{
		retail_key_add(list, given_key + surname_key);
		retail_key_add(list, sound_key(given) + sound_key(surname));
		retail_key_add(list, retail_hash_mix(surname_key + given.units[0], SEED_INITIAL));
		retail_key_add(list, retail_hash_mix(given_key + surname.units[0], SEED_INITIAL));
	}
	if (surname.len > 0)
	{
		retail_key_add(list, surname_key);
		if (!(value->flags & FIELD_HAN))
			retail_key_add(list, sound_key(surname));
	}
	if (given.len > 0)
	{
		retail_key_add(list, given_key);
		if (!(value->flags & FIELD_HAN))
			retail_key_add(list, sound_key(given));
	}
}
