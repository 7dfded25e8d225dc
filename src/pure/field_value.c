/*-------------------------------------------------------------------------
 * field_value.c
 *		One field of a person, prepared once and compared many times.
 *
 * The table of kinds, and what dispatches to their files.
 *-------------------------------------------------------------------------
 */
#include "field_value.h"

#include <string.h>

#include "field_parts.h"

typedef struct FieldClass
{
	const char *name;
	int			levels;
	bool		shared;			/* by the people of one household */
	int			(*prepare) (const uint16_t *text, int len, FieldValue *value);
	int			(*compare) (const FieldValue *a, const FieldValue *b);
	void		(*keys) (const FieldValue *value, KeyList *list);
	const char *level_names[FIELD_LEVELS_MAX];
} FieldClass;

static int	category_compare(const FieldValue *a, const FieldValue *b);
static void category_keys(const FieldValue *value, KeyList *list);

static const FieldClass classes[N_FIELD_KINDS] = {
	[FIELD_NAME] = {"name", NAME_LEVELS, false, NULL, NULL, retail_name_keys,
		{"different", "alike in part", "a slip apart", "a variant", "equal"}},
	[FIELD_PHONE] = {"phone", 4, true, retail_phone_prepare, retail_phone_compare, retail_phone_keys,
		{"different", "fits in part", "a slip apart", "equal"}},
	[FIELD_DATE] = {"date", 4, false, retail_date_prepare, retail_date_compare, retail_date_keys,
		{"different", "equal in two of three parts", "a slip apart", "equal"}},
	[FIELD_EMAIL] = {"email", 4, false, retail_email_prepare, retail_email_compare, retail_email_keys,
		{"different", "alike", "a slip apart", "equal"}},
	[FIELD_ADDRESS] = {"address", 5, true, retail_address_prepare, retail_address_compare, retail_address_keys,
		{"different", "alike, other numbers", "the same street or building", "fits", "the same door"}},
	[FIELD_STREET] = {"street", 4, true, retail_words_prepare, retail_words_compare, retail_words_keys,
		{"different", "alike", "a slip apart", "equal"}},
	[FIELD_NUMBER] = {"number", 3, true, retail_code_prepare, retail_code_compare, retail_code_keys,
		{"different", "a slip apart", "equal"}},
	[FIELD_PLACE] = {"place", 4, true, retail_words_prepare, retail_words_compare, retail_words_keys,
		{"different", "alike", "a slip apart", "equal"}},
	[FIELD_POSTCODE] = {"postcode", 3, true, retail_code_prepare, retail_code_compare, retail_code_keys,
		{"different", "a slip apart", "equal"}},
	[FIELD_CODE] = {"code", 3, false, retail_code_prepare, retail_code_compare, retail_code_keys,
		{"different", "a slip apart", "equal"}},
	[FIELD_CATEGORY] = {"category", 2, false, retail_code_prepare, category_compare, category_keys,
		{"different", "equal"}},
	[FIELD_TEXT] = {"text", 4, false, retail_words_prepare, retail_words_compare, retail_words_keys,
		{"different", "alike", "a slip apart", "equal"}},
	[FIELD_SET] = {"set", 4, false, retail_set_prepare, retail_set_compare, retail_set_keys,
		{"nothing in common", "some in common", "half in common", "equal"}},
};

static int
category_compare(const FieldValue *a, const FieldValue *b)
{
	return a->term[0] == b->term[0];
}

static void
category_keys(const FieldValue *value, KeyList *list)
{
	retail_key_add(list, retail_hash_mix(value->term[0], value->kind));
}

int
retail_field_prepare(FieldKind kind, const char *utf8, size_t len, void *out)
{
	uint16_t	text[TEXT_NORM_MAX];
	int			n;
	int			size;

	if (kind == FIELD_NAME)
		return retail_name_prepare(utf8, len, out);
	n = retail_text_fold(utf8, len, text);
	if (n <= 0)
		return n;
	size = classes[kind].prepare(text, n, out);
	((FieldValue *) out)->kind = (uint8_t) kind;
	return size;
}

int
retail_field_prepare_names(const char *given, size_t given_len,
						   const char *surname, size_t surname_len, void *out)
{
	return retail_name_prepare_parts(given, given_len, surname, surname_len, out);
}

void
retail_field_compare(FieldKind kind, const FieldValue *a, const FieldValue *b,
					 int levels[2])
{
	levels[0] = levels[1] = FIELD_SILENT;
	if (a == NULL || b == NULL)
		return;
	if (kind == FIELD_NAME)
		retail_name_compare(a, b, levels);
	else
		levels[0] = classes[kind].compare(a, b);
}

int
retail_field_levels(FieldKind kind)
{
	return classes[kind].levels;
}

const char *
retail_field_level_name(FieldKind kind, int part, int level)
{
	return level < 0 ? "unknown" : classes[kind].level_names[level];
}

int
retail_field_keys(const FieldValue *value, uint64_t keys[FIELD_KEYS_MAX])
{
	KeyList		list = {keys, 0};

	classes[value->kind].keys(value, &list);
	return list.n;
}

FieldKind
retail_field_kind(const char *name)
{
	for (int kind = 1; kind < N_FIELD_KINDS; kind++)
		if (strcmp(classes[kind].name, name) == 0)
			return (FieldKind) kind;
	return (FieldKind) 0;
}

const char *
retail_field_kind_name(FieldKind kind)
{
	return classes[kind].name;
}

bool
retail_field_is_shared(FieldKind kind)
{
	return classes[kind].shared;
}
