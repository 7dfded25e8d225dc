/*-------------------------------------------------------------------------
 * opening_hours.c
 *		The week of a location: open or not, and when it opens next.
 *
 * A span is written in local time and belongs to the day it begins on, also
 * where it runs past midnight: a holiday does not cut short the night before.
 * It stands for the instants from that at which it begins up to, without, that
 * at which it ends, and the location is open at the instants of any span.
 * Saying it in instants rather than by what the wall clock shows makes the two
 * questions agree where the clock is put forward or back: a location opens
 * once, when the span begins, and is open from then on.  A span that the clock
 * jumps over has no instants.
 *
 * Time zones are the caller's: it passes a function from local time to
 * instants.  Of that function this file needs two things.  No clock is put
 * forward by more than a day (Samoa did just that, in 2011), so an instant is
 * never in a span that began on a local date more than two days earlier.  And
 * what comes out of order, because the clock jumped over its beginning, is out
 * by a day at most, so the search goes one date beyond the first opening found.
 *
 * Plain C without the server, no state, no failure.
 *-------------------------------------------------------------------------
 */
#include "opening_hours.h"

#include <stdlib.h>

/* A span past midnight, and a clock put forward by a day. */
#define DAYS_BACK 2

static int
compare_spans(const void *a, const void *b)
{
	return ((const OpeningSpan *) a)->from - ((const OpeningSpan *) b)->from;
}

static int
compare_dates(const void *a, const void *b)
{
	int32_t		x = ((const OpeningDay *) a)->date;
	int32_t		y = ((const OpeningDay *) b)->date;

	return (x > y) - (x < y);
}

/* Brings the spans of a day in order; what overlaps or touches becomes one. */
static void
merge_spans(OpeningDay *day)
{
	int			kept = 0;

	if (day->nspans == 0)
		return;
	qsort(day->spans, day->nspans, sizeof(OpeningSpan), compare_spans);
	for (int i = 1; i < day->nspans; i++)
	{
		if (day->spans[i].from > day->spans[kept].to)
			day->spans[++kept] = day->spans[i];
		else if (day->spans[i].to > day->spans[kept].to)
			day->spans[kept].to = day->spans[i].to;
	}
	day->nspans = kept + 1;
}

/* Makes hours whose spans and dates were filled in in any order fit for use. */
void
retail_opening_hours_finish(OpeningHours *hours)
{
	for (int i = 0; i < 7; i++)
		merge_spans(&hours->week[i]);
	for (int i = 0; i < hours->ndates; i++)
		merge_spans(&hours->dates[i]);
	if (hours->ndates > 1)
		qsort(hours->dates, hours->ndates, sizeof(OpeningDay), compare_dates);
}

static const OpeningDay *
find_day(const OpeningHours *hours, int32_t date)
{
	int			low = 0;
	int			high = hours->ndates;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (hours->dates[middle].date < date)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < hours->ndates && hours->dates[low].date == date)
		return &hours->dates[low];

	/* day 0, 2000-01-01, was a Saturday; C's remainder has the dividend's sign */
	return &hours->week[((date % 7) + 7 + 5) % 7];
}

/*
 * The first instant not before at in a span of this date; OPENING_NEVER where
 * there is none.
 */
static int64_t
opening_on(const OpeningHours *hours, int32_t date, int64_t at,
		   OpeningClock clock, void *zone)
{
	const OpeningDay *day = find_day(hours, date);
	int64_t		first = OPENING_NEVER;

	for (int i = 0; i < day->nspans; i++)
	{
		int64_t		to = clock(zone, date, day->spans[i].to);
		int64_t		from;

		if (to <= at)
			continue;
		from = clock(zone, date, day->spans[i].from);
		if (from <= at)
			return at;
		if (from < to && from < first)
			first = from;
	}
	return first;
}

/* Whether it is open at an instant, on whose local date day it falls. */
bool
retail_opening_hours_is_open(const OpeningHours *hours, int64_t at, int32_t day,
							 OpeningClock clock, void *zone)
{
	for (int back = 0; back <= DAYS_BACK; back++)
	{
		if (opening_on(hours, day - back, at, clock, zone) == at)
			return true;
	}
	return false;
}

/*
 * The first instant not before at when it is open: at itself when it is now,
 * OPENING_NEVER when not within OPENING_DAYS_AHEAD local dates after day.
 */
int64_t
retail_opening_hours_next(const OpeningHours *hours, int64_t at, int32_t day,
						  OpeningClock clock, void *zone)
{
	int64_t		first = OPENING_NEVER;

	for (int ahead = -DAYS_BACK; ahead <= OPENING_DAYS_AHEAD; ahead++)
	{
		bool		found = first != OPENING_NEVER;
		int64_t		next = opening_on(hours, day + ahead, at, clock, zone);

		if (next == at)
			return at;
		if (next < first)
			first = next;

		/* not earlier: a span of the next date may come before one of this */
		if (found && ahead > 0)
			break;
	}
	return first;
}
