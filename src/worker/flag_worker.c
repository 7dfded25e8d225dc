/*-------------------------------------------------------------------------
 * flag_worker.c
 *		Background workers that put sold-out flags right.
 *
 * A race, an abort, a lapsing hold or a change of safety stock can leave a
 * flag wrong; whoever does so marks the cell, or the database.  One launcher
 * for the whole server, connected to no database, looks at the marks a few
 * times a second and starts a worker in each database that has some.  The
 * worker writes the committed truth, one stock per transaction, and leaves
 * when it has been idle for a few seconds, so that it never stands in the way
 * of DROP DATABASE for long.
 *
 * A stock that fails is logged, marked again and left for a later round; the
 * rest carry on.  Work per round is bounded by WORKER_BATCH.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "cell.h"
#include "clock.h"
#include "flag_repair.h"
#include "flag_worker.h"
#include "guc.h"

#define LAUNCHER_NAP_MS 200
#define WORKER_NAP_MS 200
#define WORKER_BATCH 256
#define WORKER_IDLE_MS 3000

/* A database whose worker died young is left alone for this long. */
#define RETRY_MS 10000
#define MAX_WORKERS 16

extern PGDLLEXPORT void retail_flag_launcher_main(Datum arg);
extern PGDLLEXPORT void retail_flag_worker_main(Datum arg);

/* ----------------------------------------------------------------
 * The launcher
 * ----------------------------------------------------------------
 */

typedef struct RunningWorker
{
	Oid			dbid;
	BackgroundWorkerHandle *handle;
	TimestampTz started_at;
	bool		failed;			/* no other before RETRY_MS */
} RunningWorker;

static RunningWorker running[MAX_WORKERS];
static int	nrunning = 0;

static void
launcher_exit(int code, Datum arg)
{
	retail_cell_set_launcher(NULL);
}

/*
 * Forgets workers that have left.  One that left sooner than it ever would by
 * itself could not connect, most likely because its database is gone: the
 * database's unpinned cells go with their marks (they load again if it is
 * there after all, and the sweep looks at its flags), and no other is started
 * for a while.
 */
static void
reap_workers(void)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = nrunning - 1; i >= 0; i--)
	{
		RunningWorker *worker = &running[i];
		pid_t		pid;

		if (worker->handle != NULL &&
			GetBackgroundWorkerPid(worker->handle, &pid) == BGWH_STOPPED)
		{
			pfree(worker->handle);
			worker->handle = NULL;
			worker->failed = !TimestampDifferenceExceeds(worker->started_at, now, WORKER_IDLE_MS);
			if (worker->failed)
			{
				(void) retail_cell_take_wanted(worker->dbid);
				(void) retail_cell_drop_database(worker->dbid);
			}
		}
		if (worker->handle == NULL &&
			(!worker->failed || TimestampDifferenceExceeds(worker->started_at, now, RETRY_MS)))
			*worker = running[--nrunning];
	}
}

/* One worker a database; false when no more may run. */
static bool
start_worker(Oid dbid)
{
	BackgroundWorker worker;
	RunningWorker *slot;

	for (int i = 0; i < nrunning; i++)
	{
		if (running[i].dbid == dbid)
			return true;
	}
	if (nrunning == MAX_WORKERS)
		return false;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_retail", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "retail_flag_worker_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_retail flag worker for database %u", dbid);
	strlcpy(worker.bgw_type, "pg_retail flag worker", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(dbid);
	worker.bgw_notify_pid = MyProcPid;

	/* the slot stays taken for a while when no process could be had */
	slot = &running[nrunning++];
	slot->dbid = dbid;
	slot->started_at = GetCurrentTimestamp();
	slot->handle = NULL;
	slot->failed = !RegisterDynamicBackgroundWorker(&worker, &slot->handle);
	return true;
}

static bool
start_worker_for(const CellKey *key, void *arg)
{
	return start_worker(key->dbid);
}

void
retail_flag_launcher_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(launcher_exit, (Datum) 0);
	retail_cell_set_launcher(MyLatch);

	while (!ShutdownRequestPending)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LAUNCHER_NAP_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		reap_workers();
		if (retail_flag_worker)
		{
			Oid			wanted[RETAIL_MAX_WANTED];
			int			nwanted = retail_cell_wanted(wanted);

			for (int i = 0; i < nwanted; i++)
				(void) start_worker(wanted[i]);
			retail_cell_visit_due(InvalidOid, false, retail_clock_now_in, start_worker_for, NULL);
		}
	}
	proc_exit(0);
}

/* ----------------------------------------------------------------
 * The worker of one database
 * ----------------------------------------------------------------
 */

static void
repair_patterns(const CellKey *key)
{
	retail_flag_repair_patterns();
}

/* One transaction; an error is logged and does not end the worker. */
static bool
in_transaction(void (*work) (const CellKey *key), const CellKey *key)
{
	MemoryContext cxt = CurrentMemoryContext;
	volatile bool done = true;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	PG_TRY();
	{
		work(key);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(cxt);
	return done;
}

/* Whether there was anything to do; due is room for WORKER_BATCH keys. */
static bool
run_round(CellKey *due)
{
	int			ndue;
	bool		wanted = retail_cell_take_wanted(MyDatabaseId);

	if (wanted)
	{
		pgstat_report_activity(STATE_RUNNING, "repairing sold-out flags");
		if (!in_transaction(repair_patterns, NULL))
			retail_cell_want(MyDatabaseId);
	}
	ndue = retail_flag_take_due(due, WORKER_BATCH);
	for (int i = 0; i < ndue && !ShutdownRequestPending; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pgstat_report_activity(STATE_RUNNING, "repairing a sold-out flag");
		if (!in_transaction(retail_flag_repair_stock, &due[i]))
		{
			retail_cell_mark_again(&due[i]);
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							 1000, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
		}
	}
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return wanted || ndue > 0;
}

void
retail_flag_worker_main(Datum arg)
{
	CellKey    *due;
	TimestampTz last_work;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	due = MemoryContextAlloc(TopMemoryContext, sizeof(CellKey) * WORKER_BATCH);
	last_work = GetCurrentTimestamp();

	/* a change of rules may have been left over from before a restart */
	retail_cell_want(MyDatabaseId);
	while (retail_flag_worker &&
		   !TimestampDifferenceExceeds(last_work, GetCurrentTimestamp(), WORKER_IDLE_MS))
	{
		if (run_round(due))
			last_work = GetCurrentTimestamp();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 WORKER_NAP_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	proc_exit(0);
}

void
retail_flag_worker_init(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "pg_retail", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "retail_flag_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pg_retail flag launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_retail flag launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
