/*-------------------------------------------------------------------------
 * init.c
 *		Loading the library: settings, shared memory, callbacks, workers.
 *
 * Preloaded (shared_preload_libraries) it has shared memory and a launcher.
 * Loaded by a session it has neither, and whatever would move stock says what
 * to set; everything that only reads works.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "cell.h"
#include "clock.h"
#include "escrow.h"
#include "flag_worker.h"
#include "guc.h"
#include "master.h"
#include "places.h"
#include "price_cache.h"
#include "table.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_shmem(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(add_size(retail_cell_shmem_size(), retail_clock_shmem_size()));
	retail_cell_shmem_request();
}

static void
startup_shmem(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	retail_cell_shmem_init();
	retail_clock_shmem_init();
	LWLockRelease(AddinShmemInitLock);
}

void
_PG_init(void)
{
	retail_guc_init();
	retail_table_init();
	retail_master_init();
	retail_places_init();
	retail_price_cache_init();
	retail_escrow_init();
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
	retail_flag_worker_init();
}
