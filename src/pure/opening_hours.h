/*-------------------------------------------------------------------------
 * opening_hours.h
 *		The week of a location: open or not, and when it opens next.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_OPENING_HOURS_H
#define RETAIL_OPENING_HOURS_H

#include <stdbool.h>
#include <stdint.h>

#define OPENING_MAX_SPANS		14	/* of a day, as written */
#define OPENING_MAX_DATES		1000
#define OPENING_DAYS_AHEAD		400
#define OPENING_MINUTES_PER_DAY 1440
#define OPENING_NEVER			INT64_MAX

/* Minutes of the day; to is beyond 1440 when it is on the next day. */
typedef struct OpeningSpan
{
	int16_t		from;
	int16_t		to;
} OpeningSpan;

typedef struct OpeningDay
{
	int32_t		date;			/* days since 2000-01-01; 0 for a weekday */
	int			nspans;
	OpeningSpan *spans;
} OpeningDay;

typedef struct OpeningHours
{
	OpeningDay	week[7];		/* Monday first */
	int			ndates;
	OpeningDay *dates;			/* these days are as they say, by date */
} OpeningHours;

/*
 * The instant at which the local clock shows so many minutes of a day.  The
 * pure part knows no time zone: this is its only way from one to the other.
 */
typedef int64_t (*OpeningClock) (void *zone, int32_t day, int minute);

extern void retail_opening_hours_finish(OpeningHours *hours);

extern bool retail_opening_hours_is_open(const OpeningHours *hours, int64_t at,
										 int32_t day, OpeningClock clock,
										 void *zone);
extern int64_t retail_opening_hours_next(const OpeningHours *hours, int64_t at,
										 int32_t day, OpeningClock clock,
										 void *zone);

#endif							/* RETAIL_OPENING_HOURS_H */
