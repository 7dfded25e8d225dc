/*-------------------------------------------------------------------------
 * clock.h
 *		The one clock of pg_retail.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_CLOCK_H
#define RETAIL_CLOCK_H

#include "datatype/timestamp.h"
#include "utils/guc.h"

/* The time now: the wall clock, or the database's test clock. */
extern TimestampTz retail_clock_now(void);

/* What retail.now() says: the same over a whole statement. */
extern TimestampTz retail_clock_statement(void);

/* The same for another database; the launcher asks for each in turn. */
extern TimestampTz retail_clock_now_in(Oid dbid);

extern Size retail_clock_shmem_size(void);
extern void retail_clock_shmem_init(void);

/* Hooks of the setting pg_retail.clock. */
extern char *retail_clock_setting;
extern bool retail_clock_check(char **newval, void **extra, GucSource source);
extern void retail_clock_assign(const char *newval, void *extra);

#endif							/* RETAIL_CLOCK_H */
