/*-------------------------------------------------------------------------
 * verify.c
 *		Do the counters in shared memory say what the tables say?
 *
 * One pass over the tables finds suspects, then each is read again while
 * nobody moves it.  The pass adds up what is promised in a hash table and
 * compares stock by stock; where the promises of a whole network would not fit
 * into maintenance_work_mem, it takes a share of the SKUs at a time.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "clock.h"
#include "escrow.h"
#include "outcome.h"
#include "stock_read.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_cell_sql);
PG_FUNCTION_INFO_V1(retail_suspect_cells);
PG_FUNCTION_INFO_V1(retail_verify_cell);

/* Tries to see one stock twice without a change in between. */
#define VERIFY_TRIES 100

static Datum
form_record(FunctionCallInfo fcinfo, Datum *values, bool *isnull)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull));
}

static bool
look(int32 sku_id, int32 location_id, CellView *view)
{
	return retail_cell_enabled() && !RecoveryInProgress() &&
		retail_cell_peek(retail_tables_epoch(), sku_id, location_id, view);
}

/* retail._cell(sku_id, location_id) */
Datum
retail_cell_sql(PG_FUNCTION_ARGS)
{
	CellView	view;
	Datum		values[4] = {0};
	bool		isnull[4] = {true, true, true, true};

	retail_engine_begin_read();
	if (look(PG_GETARG_INT32(0), PG_GETARG_INT32(1), &view))
	{
		values[0] = Int64GetDatum(view.avail);
		values[1] = Int64GetDatum(view.open);
		values[2] = Int32GetDatum((int32) view.pins);
		values[3] = Int64GetDatum(view.changes);
		memset(isnull, 0, sizeof(isnull));
	}
	return form_record(fcinfo, values, isnull);
}

/* ----------------------------------------------------------------
 * Suspects
 * ----------------------------------------------------------------
 */

/* Units promised of one stock, by status whatever the clock says. */
typedef struct Promise
{
	uint64		key;			/* SKU and location; 0 is nobody's */
	int64		qty;
	char		status;
} Promise;

#define SH_PREFIX promise
#define SH_ELEMENT_TYPE Promise
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) ((uint32) (((key) * UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct Comparison
{
	Snapshot	snapshot;
	int			share;			/* SKUs of this remainder, from 0 */
	int			nshares;
	promise_hash *promises;
	ReturnSetInfo *suspects;
} Comparison;

static uint64
stock_key(RetailTableId table, TupleTableSlot *slot, int sku_col, int location_col)
{
	return (uint64) (uint32) retail_column_int32(table, slot, sku_col) << 32 |
		(uint32) retail_column_int32(table, slot, location_col);
}

static bool
is_in_share(const Comparison *cmp, uint64 key)
{
	return (int) ((key >> 32) % cmp->nshares) == cmp->share;
}

static bool
is_active(TupleTableSlot *slot)
{
	bool		isnull;
	text	   *status = DatumGetTextPP(retail_column(TABLE_RESERVATION, slot,
													  RESERVATION_STATUS, &isnull));
	Outcome		outcome = retail_outcome_of_status(VARDATA_ANY(status), VARSIZE_ANY_EXHDR(status));

	return outcome == OUTCOME_HELD || outcome == OUTCOME_COMMITTED;
}

static void
add_promises(Comparison *cmp)
{
	RetailScan	scan;

	retail_scan_begin_all(&scan, TABLE_RESERVATION, AccessShareLock, cmp->snapshot);
	while (retail_scan_next(&scan))
	{
		uint64		key = stock_key(TABLE_RESERVATION, scan.slot, RESERVATION_SKU_ID,
									RESERVATION_LOCATION_ID);
		Promise    *promise;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (!is_in_share(cmp, key) || !is_active(scan.slot))
			continue;
		promise = promise_insert(cmp->promises, key, &found);
		if (!found)
			promise->qty = 0;
		if (pg_add_s64_overflow(promise->qty, retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY),
								&promise->qty))
			promise->qty = PG_INT64_MAX;	/* as a counter is loaded */
	}
	retail_scan_end(&scan);
}

static void
compare_cell(Comparison *cmp, uint64 key, int64 available)
{
	CellView	view;
	Datum		values[2] = {Int32GetDatum((int32) (key >> 32)), Int32GetDatum((int32) key)};
	bool		isnull[2] = {false, false};

	if (retail_escrow_peek((int32) (key >> 32), (int32) key, &view) && view.avail != available)
		tuplestore_putvalues(cmp->suspects->setResult, cmp->suspects->setDesc, values, isnull);
}

static void
compare_stocks(Comparison *cmp)
{
	RetailScan	scan;

	retail_scan_begin_all(&scan, TABLE_STOCK, AccessShareLock, cmp->snapshot);
	while (retail_scan_next(&scan))
	{
		uint64		key = stock_key(TABLE_STOCK, scan.slot, STOCK_SKU_ID, STOCK_LOCATION_ID);
		Promise    *promise;
		int64		available;

		CHECK_FOR_INTERRUPTS();
		if (!is_in_share(cmp, key))
			continue;
		available = retail_column_int64(TABLE_STOCK, scan.slot, STOCK_ON_HAND) -
			retail_column_int64(TABLE_STOCK, scan.slot, STOCK_UNAVAILABLE);
		promise = promise_lookup(cmp->promises, key);
		if (promise != NULL)
		{
			available -= promise->qty;
			promise->qty = 0;
		}
		compare_cell(cmp, key, available);
	}
	retail_scan_end(&scan);
}

/* Promises of a stock that has no row. */
static void
compare_the_rest(Comparison *cmp)
{
	promise_iterator it;
	Promise    *promise;

	promise_start_iterate(cmp->promises, &it);
	while ((promise = promise_iterate(cmp->promises, &it)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (promise->qty != 0)
			compare_cell(cmp, promise->key, -promise->qty);
	}
}

/* How many shares keep the hash table within maintenance_work_mem, about. */
static int
count_shares(void)
{
	double		rows = retail_table_rows(TABLE_RESERVATION);
	double		fit = maintenance_work_mem * 1024.0 / (2 * sizeof(Promise));

	return (int) Min(rows / fit, 1000) + 1;
}

/* retail._suspect_cells() */
Datum
retail_suspect_cells(PG_FUNCTION_ARGS)
{
	Comparison	cmp;

	InitMaterializedSRF(fcinfo, 0);
	retail_engine_begin_read();
	if (!retail_cell_enabled() || RecoveryInProgress())
		return (Datum) 0;
	cmp.suspects = (ReturnSetInfo *) fcinfo->resultinfo;
	cmp.snapshot = RegisterSnapshot(GetLatestSnapshot());
	cmp.nshares = count_shares();
	for (cmp.share = 0; cmp.share < cmp.nshares; cmp.share++)
	{
		cmp.promises = promise_create(CurrentMemoryContext, 1024, NULL);
		add_promises(&cmp);
		compare_stocks(&cmp);
		compare_the_rest(&cmp);
		promise_destroy(cmp.promises);
	}
	UnregisterSnapshot(cmp.snapshot);
	return (Datum) 0;
}

/* ----------------------------------------------------------------
 * The second look
 * ----------------------------------------------------------------
 */

/*
 * retail._verify_cell(sku_id, location_id): a difference is one only if the
 * counter did not move while the tables were read, and either nobody is at
 * work on it or it promises more than there is.
 */
Datum
retail_verify_cell(PG_FUNCTION_ARGS)
{
	int32		sku_id = PG_GETARG_INT32(0);
	int32		location_id = PG_GETARG_INT32(1);
	Datum		values[2] = {0};
	bool		isnull[2] = {true, true};

	retail_engine_begin_read();
	for (int i = 0; i < VERIFY_TRIES; i++)
	{
		CellView	before;
		CellView	after;
		CellTruth	truth;
		int64		expected;

		CHECK_FOR_INTERRUPTS();
		if (!look(sku_id, location_id, &before))
			break;
		retail_stock_read(sku_id, location_id, AccessShareLock, retail_clock_now(), &truth);
		if (!look(sku_id, location_id, &after))
			break;
		expected = retail_truth_avail(&truth);
		if (before.changes == after.changes)
		{
			if (after.avail == expected)
				break;
			if (after.pins == 0 || after.avail > expected)
			{
				values[0] = Int64GetDatum(expected);
				values[1] = Int64GetDatum(after.avail);
				memset(isnull, 0, sizeof(isnull));
				break;
			}
		}
		pg_usleep(1000L);
	}
	return form_record(fcinfo, values, isnull);
}
