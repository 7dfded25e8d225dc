/*-------------------------------------------------------------------------
 * flag_repair.c
 *		Putting sold-out flags right that a race left wrong.
 *
 * Done by the background worker within a second, and by retail.sweep() where
 * no worker can run.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "claim.h"
#include "clock.h"
#include "escrow.h"
#include "flag_repair.h"
#include "sold_out.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_repair_flag);
PG_FUNCTION_INFO_V1(retail_repair_marked);

void
retail_flag_repair_stock(const CellKey *key)
{
	Escrow		escrow;
	bool		skipped;

	if (!retail_tables_exist())
		return;
	retail_engine_begin("repairing a sold-out flag");
	if (key->epoch != retail_tables_epoch())
		return;
	escrow = retail_escrow_touch(key->sku_id, key->location_id);
	(void) retail_claim_lapsed(escrow, PG_INT64_MAX, retail_clock_now(), &skipped);
	(void) retail_flag_repair(key->sku_id, key->location_id);
}

void
retail_flag_repair_patterns(void)
{
	SpiOwner	saved;
	bool		isnull;
	int64		done;

	if (!retail_tables_exist())
		return;
	saved = retail_spi_begin();
	if (SPI_execute("SELECT retail.repair_flags(1000)", false, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not repair flags");
	done = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	retail_spi_end(&saved);
	retail_cell_rules_changed();

	/* there may be more: come back for it in a transaction of its own */
	if (done > 0)
		retail_escrow_want_worker_at_commit();
}

typedef struct DueStocks
{
	CellKey    *keys;
	int			n;
	int			max;
} DueStocks;

static bool
collect(const CellKey *key, void *arg)
{
	DueStocks  *due = arg;

	due->keys[due->n++] = *key;
	return due->n < due->max;
}

int
retail_flag_take_due(CellKey *keys, int max)
{
	DueStocks	due = {keys, 0, max};

	retail_cell_visit_due(MyDatabaseId, true, retail_clock_now_in, collect, &due);
	return due.n;
}

/* retail._repair_flag(sku_id, location_id) */
Datum
retail_repair_flag(PG_FUNCTION_ARGS)
{
	retail_tables_check();
	if (retail_cell_enabled())
		retail_engine_begin("retail.repair_flags()");
	PG_RETURN_BOOL(retail_flag_repair(PG_GETARG_INT32(0), PG_GETARG_INT32(1)));
}

/* retail._repair_marked(max_rows) */
Datum
retail_repair_marked(PG_FUNCTION_ARGS)
{
	int			max = Min(Max(PG_GETARG_INT32(0), 1), retail_escrow_batch_limit());
	CellKey    *due;
	int			ndue;

	if (!retail_cell_enabled())
		PG_RETURN_INT64(0);
	due = palloc(sizeof(CellKey) * max);
	ndue = retail_flag_take_due(due, max);
	for (int i = 0; i < ndue; i++)
	{
		CHECK_FOR_INTERRUPTS();
		retail_flag_repair_stock(&due[i]);
	}
	PG_RETURN_INT64(ndue);
}
