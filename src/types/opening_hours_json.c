/*-------------------------------------------------------------------------
 * opening_hours_json.c
 *		Opening hours as they are written: retail.location.opening_hours.
 *
 * An object.  Its keys are weekdays (mon ... sun) and dates (YYYY-MM-DD), its
 * values lists of spans ["HH:MM", "HH:MM"].  A date says what that one day is
 * like, an empty list that it is closed; a weekday that is absent is closed.
 * A span that does not end after it begins ends on the next day.
 *
 * What is wrong is told rather than raised: a CHECK constraint wants a yes or
 * no, opening_hours_fault() the reason.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

#include "opening_hours_json.h"

/* How much of a wrong key is shown. */
#define SHOWN_BYTES 60

PG_FUNCTION_INFO_V1(retail_is_opening_hours);
PG_FUNCTION_INFO_V1(retail_opening_hours_fault);

static const char *const weekday_key[7] = {
	"mon", "tue", "wed", "thu", "fri", "sat", "sun"
};

static char *
shown_key(const JsonbValue *key)
{
	int			len = key->val.string.len;
	int			shown = pg_mbcliplen(key->val.string.val, len, SHOWN_BYTES);

	return psprintf("\"%.*s%s\"", shown, key->val.string.val, shown < len ? "..." : "");
}

/* Two digits, or -1. */
static int
two_digits(const char *s)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	return (s[0] - '0') * 10 + (s[1] - '0');
}

/* Minutes of the day of "HH:MM", up to 24:00, or -1. */
static int
parse_minute(JsonbContainer *span, int i)
{
	JsonbValue *value = getIthJsonbValueFromContainer(span, i);
	const char *s;
	int			hour;
	int			minute;

	if (value == NULL || value->type != jbvString || value->val.string.len != 5)
		return -1;
	s = value->val.string.val;
	hour = two_digits(s);
	minute = two_digits(s + 3);
	if (hour < 0 || minute < 0 || minute > 59 || s[2] != ':' ||
		hour * MINS_PER_HOUR + minute > OPENING_MINUTES_PER_DAY)
		return -1;
	return hour * MINS_PER_HOUR + minute;
}

static bool
parse_span(JsonbValue *value, OpeningSpan *span)
{
	JsonbContainer *pair = value->val.binary.data;
	int			from;
	int			to;

	if (value->type != jbvBinary || !JsonContainerIsArray(pair) ||
		JsonContainerSize(pair) != 2)
		return false;
	from = parse_minute(pair, 0);
	to = parse_minute(pair, 1);
	if (from < 0 || from == OPENING_MINUTES_PER_DAY || to < 0)
		return false;
	span->from = from;
	span->to = to <= from ? to + OPENING_MINUTES_PER_DAY : to;
	return true;
}

/* Returns what is wrong, or NULL. */
static char *
parse_day(const JsonbValue *key, JsonbValue *value, OpeningDay *day)
{
	JsonbContainer *list = value->val.binary.data;

	if (value->type != jbvBinary || !JsonContainerIsArray(list))
		return psprintf("%s is not a list of spans", shown_key(key));
	day->nspans = JsonContainerSize(list);
	if (day->nspans > OPENING_MAX_SPANS)
		return psprintf("%s has more than %d spans", shown_key(key), OPENING_MAX_SPANS);
	day->spans = palloc(sizeof(OpeningSpan) * Max(day->nspans, 1));
	for (int i = 0; i < day->nspans; i++)
	{
		if (!parse_span(getIthJsonbValueFromContainer(list, i), &day->spans[i]))
			return psprintf("Span %d of %s is not [\"HH:MM\", \"HH:MM\"], from 00:00 to 24:00",
							i + 1, shown_key(key));
	}
	return NULL;
}

static int
find_weekday(const JsonbValue *key)
{
	for (int i = 0; i < 7; i++)
	{
		if (key->val.string.len == 3 &&
			memcmp(key->val.string.val, weekday_key[i], 3) == 0)
			return i;
	}
	return -1;
}

/* "YYYY-MM-DD", a day that the calendar has. */
static bool
parse_date(const JsonbValue *key, int32 *date)
{
	const char *s = key->val.string.val;
	int			century;
	int			year;
	int			month;
	int			day;

	if (key->val.string.len != 10 || s[4] != '-' || s[7] != '-')
		return false;
	century = two_digits(s);
	year = two_digits(s + 2);
	month = two_digits(s + 5);
	day = two_digits(s + 8);
	if (century < 0 || year < 0 || month < 1 || month > MONTHS_PER_YEAR)
		return false;
	year += century * 100;
	if (year == 0 || day < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Reads all keys into hours; returns what is wrong, or NULL. */
static char *
parse_object(Jsonb *json, OpeningHours *hours)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(json))
		return pstrdup("Opening hours are not an object");
	hours->dates = palloc(sizeof(OpeningDay) * OPENING_MAX_DATES);
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		OpeningDay	day = {0};
		int			weekday;
		char	   *fault;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		weekday = find_weekday(&key);
		if (weekday < 0 && !parse_date(&key, &day.date))
			return psprintf("%s is neither a weekday (mon, tue, wed, thu, fri, sat, sun) nor a date (YYYY-MM-DD)",
							shown_key(&key));
		fault = parse_day(&key, &value, &day);
		if (fault != NULL)
			return fault;
		if (weekday >= 0)
			hours->week[weekday] = day;
		else if (hours->ndates == OPENING_MAX_DATES)
			return psprintf("Opening hours have more than %d dates", OPENING_MAX_DATES);
		else
			hours->dates[hours->ndates++] = day;
	}
	return NULL;
}

static OpeningSpan *
copy_spans(OpeningDay *copy, const OpeningDay *day, OpeningSpan *room)
{
	*copy = *day;
	copy->spans = room;
	if (day->nspans > 0)
		memcpy(room, day->spans, sizeof(OpeningSpan) * day->nspans);
	return room + day->nspans;
}

/* Copies hours into one chunk: what is kept has no slack. */
static OpeningHours *
pack_hours(const OpeningHours *hours, MemoryContext context)
{
	int			nspans = 0;
	Size		head = MAXALIGN(sizeof(OpeningHours));
	Size		dates = MAXALIGN(sizeof(OpeningDay) * hours->ndates);
	OpeningHours *packed;
	OpeningSpan *room;
	char	   *chunk;

	for (int i = 0; i < 7; i++)
		nspans += hours->week[i].nspans;
	for (int i = 0; i < hours->ndates; i++)
		nspans += hours->dates[i].nspans;
	chunk = MemoryContextAlloc(context, head + dates + sizeof(OpeningSpan) * nspans);
	packed = (OpeningHours *) chunk;
	packed->ndates = hours->ndates;
	packed->dates = (OpeningDay *) (chunk + head);
	room = (OpeningSpan *) (chunk + head + dates);
	for (int i = 0; i < 7; i++)
		room = copy_spans(&packed->week[i], &hours->week[i], room);
	for (int i = 0; i < hours->ndates; i++)
		room = copy_spans(&packed->dates[i], &hours->dates[i], room);
	return packed;
}

OpeningHours *
retail_opening_hours_parse(Jsonb *json, MemoryContext context, char **fault)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "pg_retail opening hours",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_cxt = MemoryContextSwitchTo(work);
	OpeningHours hours = {0};
	OpeningHours *packed = NULL;
	char	   *found = parse_object(json, &hours);

	MemoryContextSwitchTo(old_cxt);
	*fault = NULL;
	if (found != NULL)
		*fault = pstrdup(found);
	else
	{
		retail_opening_hours_finish(&hours);
		packed = pack_hours(&hours, context);
	}
	MemoryContextDelete(work);
	return packed;
}

/* retail._is_opening_hours(hours) */
Datum
retail_is_opening_hours(PG_FUNCTION_ARGS)
{
	char	   *fault;

	PG_RETURN_BOOL(retail_opening_hours_parse(PG_GETARG_JSONB_P(0),
											  CurrentMemoryContext, &fault) != NULL);
}

/* retail.opening_hours_fault(hours) */
Datum
retail_opening_hours_fault(PG_FUNCTION_ARGS)
{
	char	   *fault;

	if (retail_opening_hours_parse(PG_GETARG_JSONB_P(0), CurrentMemoryContext, &fault) != NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s.", fault)));
}
