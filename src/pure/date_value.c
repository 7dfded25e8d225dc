/*-------------------------------------------------------------------------
 * date_value.c
 *		Dates of birth: eight digits, year, month, day.
 *
 * Digits that make no date, a 31st of February, are kept as written: they are
 * a slip in a date and differ from it by an edit.
 *-------------------------------------------------------------------------
 */
#include "field_parts.h"

#define SEED_DATE 31
#define SEED_DATE_PARTS 32

#define RUNS_MAX 3

typedef struct Runs
{
	int			value[RUNS_MAX];
	int			digits[RUNS_MAX];
	int			n;
	bool		slashes;
} Runs;

/* jan to dec: 1 to 12; 0 for other words */
static int
month_of_word(const uint16_t *word, int len)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int m = 0; m < 12 && len >= 3; m++)
		if (word[0] == (uint16_t) months[3 * m] && word[1] == (uint16_t) months[3 * m + 1] &&
			word[2] == (uint16_t) months[3 * m + 2])
			return m + 1;
	return 0;
}

/* Runs of digits, and the names of months in their place. */
static void
read_runs(const uint16_t *text, int len, Runs *runs, int *named)
{
	runs->n = 0;
	runs->slashes = false;
	*named = -1;
	for (int i = 0; i < len && runs->n < RUNS_MAX;)
	{
		int			start = i;
		int			value = 0;

		while (i < len && text[i] >= '0' && text[i] <= '9' && i - start < 8)
			value = value * 10 + (text[i++] - '0');
		if (i > start)
		{
			runs->value[runs->n] = value;
			runs->digits[runs->n++] = i - start;
			continue;
		}
		while (i < len && text[i] >= 'a' && text[i] <= 'z')
			i++;
		value = month_of_word(text + start, i - start);
		if (value > 0)
		{
			*named = runs->n;
			runs->value[runs->n] = value;
			runs->digits[runs->n++] = 2;
		}
		else if (i > start && text[start] == 't' && runs->n == 3)
			return;				/* the time of day */
		if (i == start)
			runs->slashes |= text[i++] == '/';
	}
}

/* Two digits of a year: nobody is born after 2029 yet. */
static int
full_year(int value, int digits)
{
	if (digits > 2)
		return value;
	return value < 30 ? 2000 + value : 1900 + value;
}

static bool
read_date(const uint16_t *text, int len, int *year, int *month, int *day)
{
	Runs		runs;
	int			named;

	read_runs(text, len, &runs, &named);
	if (runs.n >= 1 && runs.digits[0] == 8)
	{
		*year = runs.value[0] / 10000;
		*month = runs.value[0] / 100 % 100;
		*day = runs.value[0] % 100;
		if ((*year < 1800 || *year > 2100) && runs.value[0] % 10000 >= 1800 &&
			runs.value[0] % 10000 <= 2100)
		{
			*year = runs.value[0] % 10000;
			*day = runs.value[0] / 1000000;
			*month = runs.value[0] / 10000 % 100;
		}
		return true;
	}
	if (runs.n < 3)
		return false;
	if (runs.digits[0] >= 3 && runs.digits[0] <= 4)
	{
		*year = runs.value[0];
		*month = runs.value[1];
		*day = runs.value[2];
	}
	else
	{
		/* the day first, except with slashes, as in North America */
		int			month_at = named >= 0 ? named : runs.slashes ? 0 : 1;

		if (month_at > 1 || (named < 0 && runs.value[month_at] > 12))
			month_at = month_at == 0;
		*month = runs.value[month_at];
		*day = runs.value[1 - month_at];
		*year = full_year(runs.value[2], runs.digits[2]);
	}
	return *year <= 9999 && *month <= 99 && *day <= 99;
}

int
retail_date_prepare(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	digits[8];
	int			year;
	int			month;
	int			day;
	int			number;

	if (!read_date(text, len, &year, &month, &day))
		return 0;
	/* what forms hold when nobody filled them in */
	if (year < 1850 || (year == 1900 && month <= 1 && day <= 1) || (month == 0 && day == 0))
		return 0;
	number = year * 10000 + month * 100 + day;
	retail_field_begin(value, FIELD_DATE);
	value->term[0] = retail_hash_mix((uint64_t) number, SEED_DATE);
	for (int i = 7; i >= 0; i--, number /= 10)
		digits[i] = (uint16_t) ('0' + number % 10);
	retail_field_set(value, 0, digits, 8);
	return retail_field_end(value);
}

static bool
same_units(Part a, int a_at, Part b, int b_at, int n)
{
	for (int i = 0; i < n; i++)
		if (a.units[a_at + i] != b.units[b_at + i])
			return false;
	return true;
}

/* 3 equal; 2 one slip, or day and month exchanged; 1 two of three parts. */
int
retail_date_compare(const FieldValue *a, const FieldValue *b)
{
	Part		x = retail_field_part(a, 0);
	Part		y = retail_field_part(b, 0);
	bool		year;
	bool		month;
	bool		day;

	if (a->term[0] == b->term[0])
		return 3;
	year = same_units(x, 0, y, 0, 4);
	if (retail_part_one_edit(x, y) ||
		(year && same_units(x, 4, y, 6, 2) && same_units(x, 6, y, 4, 2)))
		return 2;
	month = same_units(x, 4, y, 4, 2);
	day = same_units(x, 6, y, 6, 2);
	return year + month + day >= 2 ? 1 : 0;
}

void
retail_date_keys(const FieldValue *value, KeyList *list)
{
	Part		date = retail_field_part(value, 0);
	uint64_t	year = retail_text_hash(date.units, 4, SEED_DATE_PARTS);
	uint64_t	month = retail_text_hash(date.units + 4, 2, SEED_DATE_PARTS + 1);
	uint64_t	day = retail_text_hash(date.units + 6, 2, SEED_DATE_PARTS + 2);

	retail_key_add(list, value->term[0]);
	retail_key_add(list, year + month);
	retail_key_add(list, year + day);
	retail_key_add(list, month + day);
}
