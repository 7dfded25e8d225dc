/*-------------------------------------------------------------------------
 * matching.c
 *		Similarities, comparators and normal forms as plain SQL functions.
 *
 * What two texts are to matching: the same code that weighs a million pairs,
 * for one pair at a time.  Texts are cut at TEXT_NORM_MAX characters, as they
 * are everywhere in matching.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "field_text.h"
#include "field_value.h"
#include "matching.h"
#include "string_compare.h"

PG_FUNCTION_INFO_V1(retail_sql_jaro_winkler);
PG_FUNCTION_INFO_V1(retail_sql_damerau_levenshtein);
PG_FUNCTION_INFO_V1(retail_sql_set_overlap);
PG_FUNCTION_INFO_V1(retail_sql_compare);
PG_FUNCTION_INFO_V1(retail_sql_agreement);
PG_FUNCTION_INFO_V1(retail_sql_normalise);
PG_FUNCTION_INFO_V1(retail_sql_norm_version);

static void
check_icu(int result)
{
	if (result < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("the rules of ICU could not be opened"),
				 errhint("Install ICU's data beside its libraries.")));
}

/* The server's text as UTF-8; the same pointer where it is that already. */
static const char *
as_utf8(text *value, size_t *len)
{
	char	   *raw = VARDATA_ANY(value);
	int			raw_len = (int) VARSIZE_ANY_EXHDR(value);
	unsigned char *utf8;

	utf8 = pg_do_encoding_conversion((unsigned char *) raw, raw_len, GetDatabaseEncoding(), PG_UTF8);
	*len = (char *) utf8 == raw ? (size_t) raw_len : strlen((char *) utf8);
	return (const char *) utf8;
}

FieldKind
retail_matching_kind(text *name)
{
	char	   *word = text_to_cstring(name);
	FieldKind	kind = retail_field_kind(word);

	if (kind == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown comparator \"%s\"", word),
				 errhint("Comparators are name, phone, date, email, address, street, number, place, postcode, code, category, text and set.")));
	return kind;
}

FieldValue *
retail_matching_prepare(FieldKind kind, text *value)
{
	size_t		len;
	const char *utf8 = as_utf8(value, &len);
	FieldValue *prepared = palloc(FIELD_VALUE_MAX);
	int			size = retail_field_prepare(kind, utf8, len, prepared);

	check_icu(size);
	return size == 0 ? NULL : prepared;
}

FieldValue *
retail_matching_prepare_names(text *given, text *surname)
{
	size_t		given_len = 0;
	size_t		surname_len = 0;
	const char *given_utf8 = given == NULL ? "" : as_utf8(given, &given_len);
	const char *surname_utf8 = surname == NULL ? "" : as_utf8(surname, &surname_len);
	FieldValue *prepared = palloc(FIELD_VALUE_MAX);
	int			size = retail_field_prepare_names(given_utf8, given_len, surname_utf8, surname_len,
												  prepared);

	check_icu(size);
	return size == 0 ? NULL : prepared;
}

/* Not folded: what the caller gives is what is compared. */
static int
units_of(text *value, uint16_t *units)
{
	size_t		len;
	const char *utf8 = as_utf8(value, &len);

	return retail_text_units(utf8, len, units);
}

Datum
retail_sql_jaro_winkler(PG_FUNCTION_ARGS)
{
	uint16_t	a[TEXT_NORM_MAX];
	uint16_t	b[TEXT_NORM_MAX];
	int			alen = units_of(PG_GETARG_TEXT_PP(0), a);
	int			blen = units_of(PG_GETARG_TEXT_PP(1), b);

	PG_RETURN_FLOAT8(retail_jaro_winkler(a, alen, b, blen));
}

Datum
retail_sql_damerau_levenshtein(PG_FUNCTION_ARGS)
{
	uint16_t	a[TEXT_NORM_MAX];
	uint16_t	b[TEXT_NORM_MAX];
	int			alen = units_of(PG_GETARG_TEXT_PP(0), a);
	int			blen = units_of(PG_GETARG_TEXT_PP(1), b);

	PG_RETURN_INT32(retail_damerau_levenshtein(a, alen, b, blen));
}

static int
compare_datums(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The distinct elements of a text array, sorted; NULLs are left out. */
static int
read_set(ArrayType *array, char ***elements)
{
	Datum	   *datums;
	bool	   *nulls;
	int			n;
	int			kept = 0;
	int			distinct = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &n);
	*elements = palloc((n + 1) * sizeof(char *));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			(*elements)[kept++] = TextDatumGetCString(datums[i]);
	if (kept > 1)
		qsort(*elements, kept, sizeof(char *), compare_datums);
	for (int i = 0; i < kept; i++)
		if (distinct == 0 || strcmp((*elements)[i], (*elements)[distinct - 1]) != 0)
			(*elements)[distinct++] = (*elements)[i];
	return distinct;
}

/* Jaccard's index. */
Datum
retail_sql_set_overlap(PG_FUNCTION_ARGS)
{
	char	  **a;
	char	  **b;
	int			na = read_set(PG_GETARG_ARRAYTYPE_P(0), &a);
	int			nb = read_set(PG_GETARG_ARRAYTYPE_P(1), &b);
	int			common = 0;

	for (int i = 0, j = 0; i < na && j < nb;)
	{
		int			order = strcmp(a[i], b[j]);

		common += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	if (na + nb == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) common / (na + nb - common));
}

/* Levels of two texts, and whether there is one at all. */
static bool
compare_texts(FunctionCallInfo fcinfo, FieldKind kind, int levels[2])
{
	FieldValue *a = retail_matching_prepare(kind, PG_GETARG_TEXT_PP(1));
	FieldValue *b = retail_matching_prepare(kind, PG_GETARG_TEXT_PP(2));

	retail_field_compare(kind, a, b, levels);
	return levels[0] >= 0 || levels[1] >= 0;
}

/* retail.compare(comparator, a, b) */
Datum
retail_sql_compare(PG_FUNCTION_ARGS)
{
	FieldKind	kind = retail_matching_kind(PG_GETARG_TEXT_PP(0));
	int			levels[2];
	int			sum = 0;
	int			parts = 0;

	if (!compare_texts(fcinfo, kind, levels))
		PG_RETURN_NULL();
	for (int i = 0; i < 2; i++)
		if (levels[i] >= 0)
		{
			sum += levels[i];
			parts++;
		}
	PG_RETURN_FLOAT8((double) sum / (parts * (retail_field_levels(kind) - 1)));
}

/* retail.agreement(comparator, a, b): in words */
Datum
retail_sql_agreement(PG_FUNCTION_ARGS)
{
	FieldKind	kind = retail_matching_kind(PG_GETARG_TEXT_PP(0));
	int			levels[2];

	if (!compare_texts(fcinfo, kind, levels))
		PG_RETURN_NULL();
	if (kind != FIELD_NAME)
		PG_RETURN_TEXT_P(cstring_to_text(retail_field_level_name(kind, 0, levels[0])));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("given name %s, surname %s",
											  retail_field_level_name(kind, 0, levels[0]),
											  retail_field_level_name(kind, 1, levels[1]))));
}

/* retail.normalise(comparator, value) */
Datum
retail_sql_normalise(PG_FUNCTION_ARGS)
{
	FieldKind	kind = retail_matching_kind(PG_GETARG_TEXT_PP(0));
	text	   *value = PG_GETARG_TEXT_PP(1);
	char		utf8[FIELD_TEXT_MAX];
	int			n;

	if (kind == FIELD_ADDRESS || kind == FIELD_SET)
	{
		uint16_t	folded[TEXT_NORM_MAX];
		size_t		len;
		const char *raw = as_utf8(value, &len);

		n = retail_text_fold(raw, len, folded);
		check_icu(n);
		n = retail_text_utf8(folded, n, utf8);
	}
	else
	{
		FieldValue *prepared = retail_matching_prepare(kind, value);

		if (prepared == NULL)
			PG_RETURN_NULL();
		n = retail_field_text(prepared, utf8);
	}
	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(pg_any_to_server(utf8, n, PG_UTF8)));
}

Datum
retail_sql_norm_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(RETAIL_NORM_VERSION);
}
