/*-------------------------------------------------------------------------
 * opening_hours_test.c
 *		Random test of src/pure/opening_hours.c.
 *
 *		cc -Isrc/base -Isrc/pure test/modules/opening_hours_test.c src/pure/opening_hours.c
 *		./a.out [seed]
 *
 * The slow and obvious version paints minutes.  With a clock that never
 * changes, a minute is open when a span of its date, or of the date before,
 * covers it.  With one that is put forward and back, the minutes of each date
 * are painted first, and each run of them is carried over to the instants
 * between those of its two ends.  Then every minute of some weeks is asked
 * for, and what comes next is read off the painted row.  An instant is a
 * minute here.  Prints TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "opening_hours.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS			150
#define DAY				OPENING_MINUTES_PER_DAY
#define PAINTED_DAYS	28		/* of which the middle ones are asked for */
#define MARGIN_DAYS		7
#define MAX_DATES		6
#define MAX_CHANGES		3

typedef struct Written
{
	int			nspans;
	OpeningSpan spans[OPENING_MAX_SPANS];
} Written;

/* Hours as written: the module brings its own copy in order. */
typedef struct WrittenHours
{
	Written		week[7];
	int			ndates;
	int32_t		date[MAX_DATES];
	Written		on_date[MAX_DATES];
} WrittenHours;

/* A time zone: from change[i] on, the clock is ahead by offset[i + 1]. */
typedef struct Zone
{
	int			nchanges;
	int64_t		change[MAX_CHANGES];
	int			offset[MAX_CHANGES + 1];
} Zone;

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

static int32_t first_day;
static bool painted[PAINTED_DAYS * DAY];

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* From 0 to below - 1. */
static int
random_below(int below)
{
	return (int) (random_bits() % (uint64_t) below);
}

static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	if (failures > 0)
		tests_failed++;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

/* ----------------------------------------------------------------
 * Random hours
 * ----------------------------------------------------------------
 */

/* Times on the hour or half hour are likely, so that spans touch. */
static int
random_minute(void)
{
	return random_below(3) > 0 ? random_below(48) * 30 : random_below(DAY);
}

static void
random_written(Written *day)
{
	day->nspans = random_below(3) == 0 ? random_below(OPENING_MAX_SPANS + 1) : random_below(3);
	for (int i = 0; i < day->nspans; i++)
	{
		int			from = random_minute();
		int			to = random_minute();

		if (random_below(8) == 0)
			to = from + 1 + random_below(90);
		if (random_below(12) == 0)
			to = DAY;
		if (to > DAY)
			to -= DAY;
		day->spans[i].from = from;
		day->spans[i].to = to > from ? to : to + DAY;
	}
}

static void
random_hours(WrittenHours *written)
{
	memset(written, 0, sizeof(*written));
	for (int i = 0; i < 7; i++)
	{
		if (random_below(5) > 0)
			random_written(&written->week[i]);
	}
	written->ndates = random_below(MAX_DATES + 1);
	for (int i = 0; i < written->ndates; i++)
	{
		/* distinct, in no order */
		written->date[i] = first_day + (i * 11 + 5) % PAINTED_DAYS;
		random_written(&written->on_date[i]);
	}
}

static void
copy_day(OpeningDay *day, const Written *written, int32_t date)
{
	day->date = date;
	day->nspans = written->nspans;
	day->spans = malloc(sizeof(OpeningSpan) * OPENING_MAX_SPANS);
	memcpy(day->spans, written->spans, sizeof(written->spans));
}

static OpeningHours *
make_hours(const WrittenHours *written)
{
	OpeningHours *hours = calloc(1, sizeof(OpeningHours));

	for (int i = 0; i < 7; i++)
		copy_day(&hours->week[i], &written->week[i], 0);
	hours->ndates = written->ndates;
	hours->dates = calloc(MAX_DATES, sizeof(OpeningDay));
	for (int i = 0; i < written->ndates; i++)
		copy_day(&hours->dates[i], &written->on_date[i], written->date[i]);
	retail_opening_hours_finish(hours);
	return hours;
}

static void
free_hours(OpeningHours *hours)
{
	for (int i = 0; i < 7; i++)
		free(hours->week[i].spans);
	for (int i = 0; i < hours->ndates; i++)
		free(hours->dates[i].spans);
	free(hours->dates);
	free(hours);
}

/* By counting days from a known Saturday. */
static int
weekday_of(int32_t date)
{
	int			weekday = 5;

	for (; date > 0; date--)
		weekday = weekday == 6 ? 0 : weekday + 1;
	for (; date < 0; date++)
		weekday = weekday == 0 ? 6 : weekday - 1;
	return weekday;
}

static const Written *
written_on(const WrittenHours *written, int32_t date)
{
	for (int i = 0; i < written->ndates; i++)
	{
		if (written->date[i] == date)
			return &written->on_date[i];
	}
	return &written->week[weekday_of(date)];
}

static bool
covers(const Written *day, int minute)
{
	for (int i = 0; i < day->nspans; i++)
	{
		if (day->spans[i].from <= minute && minute < day->spans[i].to)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------
 * Clocks
 * ----------------------------------------------------------------
 */

static int64_t
steady_clock(void *zone, int32_t day, int minute)
{
	return (int64_t) day * DAY + minute;
}

/* How many changes there have been: two times may have one offset. */
static int
changes_before(const Zone *zone, int64_t at)
{
	int			i = 0;

	while (i < zone->nchanges && at >= zone->change[i])
		i++;
	return i;
}

/* Of two instants that show a time the later; where none does, as before. */
static int64_t
changing_clock(void *arg, int32_t day, int minute)
{
	const Zone *zone = arg;
	int64_t		local = (int64_t) day * DAY + minute;

	for (int i = zone->nchanges; i >= 0; i--)
	{
		int64_t		at = local - zone->offset[i];

		if (changes_before(zone, at) == i)
			return at;
	}
	for (int i = 0; i < zone->nchanges; i++)
	{
		if (local >= zone->change[i] + zone->offset[i] &&
			local < zone->change[i] + zone->offset[i + 1])
			return local - zone->offset[i];
	}
	abort();
}

static int32_t
local_day(const Zone *zone, int64_t at)
{
	int64_t		local = at + zone->offset[changes_before(zone, at)];

	return (int32_t) (local >= 0 ? local / DAY : -((-local + DAY - 1) / DAY));
}

/* Changes at least five days apart, each of another offset. */
static void
random_zone(Zone *zone)
{
	static const int shifts[] = {60, -60, 60, -60, 30, -30, 120, -180, 1440, -1440};

	zone->nchanges = 1 + random_below(MAX_CHANGES);
	zone->offset[0] = random_below(27) * 60 - 720;
	for (int i = 0; i < zone->nchanges; i++)
	{
		int			minute = random_below(2) ? random_below(5) * 60 : random_below(DAY);

		zone->change[i] = (int64_t) (first_day + MARGIN_DAYS + 1 + i * 5) * DAY + minute - zone->offset[i];
		zone->offset[i + 1] = zone->offset[i] + shifts[random_below(10)];
	}
}

/* ----------------------------------------------------------------
 * Painting
 * ----------------------------------------------------------------
 */

static void
paint_steady(const WrittenHours *written)
{
	for (int day = 0; day < PAINTED_DAYS; day++)
	{
		const Written *today = written_on(written, first_day + day);
		const Written *before = written_on(written, first_day + day - 1);

		for (int minute = 0; minute < DAY; minute++)
			painted[day * DAY + minute] = covers(today, minute) || covers(before, minute + DAY);
	}
}

static void
paint_run(Zone *zone, int32_t date, int from, int to)
{
	int64_t		begin = (int64_t) first_day * DAY;
	int64_t		first = changing_clock(zone, date, from) - begin;
	int64_t		end = changing_clock(zone, date, to) - begin;

	for (int64_t at = first < 0 ? 0 : first; at < end && at < PAINTED_DAYS * DAY; at++)
		painted[at] = true;
}

static void
paint_changing(const WrittenHours *written, Zone *zone)
{
	memset(painted, 0, sizeof(painted));
	for (int day = -4; day < PAINTED_DAYS + 4; day++)
	{
		const Written *today = written_on(written, first_day + day);
		int			from = -1;

		for (int minute = 0; minute <= 2 * DAY; minute++)
		{
			bool		open = covers(today, minute);

			if (open && from < 0)
				from = minute;
			if (!open && from >= 0)
			{
				paint_run(zone, first_day + day, from, minute);
				from = -1;
			}
		}
	}
}

/* Asks for every minute of the middle days. */
static int
compare_painted(const OpeningHours *hours, OpeningClock clock, Zone *zone)
{
	int64_t		begin = (int64_t) first_day * DAY;
	int64_t		next = OPENING_NEVER;
	int			failures = 0;

	for (int i = PAINTED_DAYS * DAY - 1; i >= MARGIN_DAYS * DAY; i--)
	{
		int64_t		at = begin + i;
		int32_t		day = local_day(zone, at);

		if (painted[i])
			next = at;
		if (i >= (PAINTED_DAYS - MARGIN_DAYS) * DAY)
			continue;
		if (retail_opening_hours_is_open(hours, at, day, clock, zone) != painted[i])
			failures++;

		/* where nothing more is painted, the answer lies beyond */
		if (next != OPENING_NEVER &&
			retail_opening_hours_next(hours, at, day, clock, zone) != next)
			failures++;
	}
	return failures;
}

static void
test_random(const char *rule, bool changing)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		WrittenHours written;
		OpeningHours *hours;
		Zone		zone = {0};

		first_day = random_below(20000) - 10000;
		random_hours(&written);
		hours = make_hours(&written);
		if (changing)
		{
			random_zone(&zone);
			paint_changing(&written, &zone);
			failures += compare_painted(hours, changing_clock, &zone);
		}
		else
		{
			paint_steady(&written);
			failures += compare_painted(hours, steady_clock, &zone);
		}
		free_hours(hours);
	}
	report_rule(rule, failures);
}

/* ----------------------------------------------------------------
 * The end of the search
 * ----------------------------------------------------------------
 */

static void
test_bound(void)
{
	int			failures = 0;

	for (int32_t today = -4; today <= 4; today++)
	{
		WrittenHours written = {0};
		OpeningHours *hours;
		int64_t		at = (int64_t) today * DAY + 700;
		int64_t		opening = (int64_t) (today + OPENING_DAYS_AHEAD) * DAY + 600;

		written.ndates = 1;
		written.date[0] = today + OPENING_DAYS_AHEAD;
		written.on_date[0].nspans = 1;
		written.on_date[0].spans[0].from = 600;
		written.on_date[0].spans[0].to = 660;
		hours = make_hours(&written);
		if (retail_opening_hours_next(hours, at, today, steady_clock, NULL) != opening)
			failures++;
		if (retail_opening_hours_next(hours, at - DAY, today - 1, steady_clock, NULL) != OPENING_NEVER)
			failures++;
		if (retail_opening_hours_next(hours, opening + 60, today + OPENING_DAYS_AHEAD,
									  steady_clock, NULL) != OPENING_NEVER)
			failures++;
		free_hours(hours);
	}
	report_rule("the search ends after 400 days", failures);
}

int
main(int argc, char **argv)
{
	uint64_t	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t) time(NULL);

	random_state = seed;
	printf("# seed %" PRIu64 "\n", seed);
	test_random("a week is what its minutes are", false);
	test_random("a week whose clock is put forward and back is what its spans are", true);
	test_bound();
	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
