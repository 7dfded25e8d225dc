/*-------------------------------------------------------------------------
 * clock.c
 *		The one clock of pg_retail: the wall clock, or a test clock.
 *
 * Setting pg_retail.clock publishes an instant for the whole database in
 * shared memory, so that every session and the background worker agree on
 * it, and a year of expiries runs in seconds.  It stands still until set
 * again.  Without the library preloaded it holds in the setting session.
 *
 * A slot is taken once per database and never given back before a restart;
 * reading is one atomic load.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "compat.h"

#define MAX_TEST_CLOCKS 64

/* 0 stands for "no test clock": no test needs the first instant of 2000. */
typedef struct ClockSlot
{
	Oid			dbid;
	pg_atomic_uint64 instant;
} ClockSlot;

typedef struct ClockShared
{
	slock_t		mutex;
	int			nslots;
	ClockSlot	slots[MAX_TEST_CLOCKS];
} ClockShared;

/* What the check hook hands to the assign hook. */
typedef struct ClockChoice
{
	TimestampTz instant;
	bool		by_session;		/* somebody said so, it is not the default */
} ClockChoice;

char	   *retail_clock_setting = NULL;

static ClockShared *clock_shared = NULL;
static TimestampTz local_clock = 0;
static bool clock_was_set = false;

PG_FUNCTION_INFO_V1(retail_clock_sql_now);

Size
retail_clock_shmem_size(void)
{
	return sizeof(ClockShared);
}

void
retail_clock_shmem_init(void)
{
	bool		found;

	clock_shared = ShmemInitStruct("pg_retail clock", sizeof(ClockShared), &found);
	if (!found)
	{
		SpinLockInit(&clock_shared->mutex);
		clock_shared->nslots = 0;
		for (int i = 0; i < MAX_TEST_CLOCKS; i++)
		{
			clock_shared->slots[i].dbid = InvalidOid;
			pg_atomic_init_u64(&clock_shared->slots[i].instant, 0);
		}
	}
}

/* Slots are only ever appended, and dbid is written before nslots grows. */
static ClockSlot *
find_slot(Oid dbid)
{
	int			nslots;

	if (clock_shared == NULL)
		return NULL;
	nslots = *((volatile int *) &clock_shared->nslots);
	pg_read_barrier();
	for (int i = 0; i < nslots; i++)
	{
		if (clock_shared->slots[i].dbid == dbid)
			return &clock_shared->slots[i];
	}
	return NULL;
}

/* Returns NULL when there is no shared memory, or no slot left. */
static ClockSlot *
find_or_make_slot(Oid dbid)
{
	ClockSlot  *slot;

	if (clock_shared == NULL)
		return NULL;
	SpinLockAcquire(&clock_shared->mutex);
	slot = find_slot(dbid);
	if (slot == NULL && clock_shared->nslots < MAX_TEST_CLOCKS)
	{
		slot = &clock_shared->slots[clock_shared->nslots];
		slot->dbid = dbid;
		pg_write_barrier();
		clock_shared->nslots++;
	}
	SpinLockRelease(&clock_shared->mutex);
	return slot;
}

TimestampTz
retail_clock_now_in(Oid dbid)
{
	ClockSlot  *slot = find_slot(dbid);
	TimestampTz instant = slot ? (TimestampTz) pg_atomic_read_u64(&slot->instant) : 0;

	return instant != 0 ? instant : GetCurrentTimestamp();
}

/* The test clock of this session's database, or 0. */
static TimestampTz
test_clock(void)
{
	ClockSlot  *slot;

	if (clock_shared == NULL)
		return local_clock;
	if (clock_shared->nslots == 0)
		return 0;
	slot = find_slot(MyDatabaseId);
	return slot ? (TimestampTz) pg_atomic_read_u64(&slot->instant) : 0;
}

TimestampTz
retail_clock_now(void)
{
	TimestampTz instant = test_clock();

	return instant != 0 ? instant : GetCurrentTimestamp();
}

TimestampTz
retail_clock_statement(void)
{
	TimestampTz instant = test_clock();

	return instant != 0 ? instant : GetCurrentStatementStartTimestamp();
}

/* retail.now(): STABLE, so the start of the statement when time is real. */
Datum
retail_clock_sql_now(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(retail_clock_statement());
}

bool
retail_clock_check(char **newval, void **extra, GucSource source)
{
	TimestampTz instant = 0;
	ClockChoice *choice;

	if (*newval != NULL && (*newval)[0] != '\0')
	{
		/*
		 * The input function reads the session's TimeZone and may raise; a
		 * setting that cannot be read is refused like any other, except that
		 * its own message says better why.
		 */
		instant = DatumGetTimestampTz(
			DirectFunctionCall3(timestamptz_in, CStringGetDatum(*newval),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
		if (TIMESTAMP_NOT_FINITE(instant))
		{
			GUC_check_errdetail("The test clock is a finite timestamp, or empty.");
			return false;
		}
	}
	choice = (ClockChoice *) RETAIL_GUC_MALLOC(sizeof(ClockChoice));
	if (choice == NULL)
		return false;
	choice->instant = instant;
	choice->by_session = source >= PGC_S_SESSION;
	*extra = choice;
	return true;
}

/*
 * Publishes the instant.  The default that every session starts with says
 * nothing, and a parallel worker only repeats its leader: neither may set the
 * clock of the others back.
 */
void
retail_clock_assign(const char *newval, void *extra)
{
	ClockChoice *choice = extra;
	TimestampTz instant = choice ? choice->instant : 0;
	ClockSlot  *slot;

	local_clock = instant;
	if (instant == 0 && !clock_was_set && !(choice && choice->by_session))
		return;
	if (InitializingParallelWorker || !OidIsValid(MyDatabaseId))
		return;
	clock_was_set = true;
	slot = find_or_make_slot(MyDatabaseId);
	if (slot != NULL)
		pg_atomic_write_u64(&slot->instant, (uint64) instant);
}
