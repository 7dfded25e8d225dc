/*-------------------------------------------------------------------------
 * answer.c
 *		Result rows of the calls: reservation_result and movement_result.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "answer.h"
#include "master.h"
#include "outcome.h"

#define MAX_RESULT_COLUMNS 9

typedef void (*AnswerFiller) (const Answer *answer, Datum *values, bool *isnull);

static void
fill_reservation(const Answer *answer, Datum *values, bool *isnull)
{
	const StoredLine *line = &answer->line;

	memset(isnull, 0, MAX_RESULT_COLUMNS * sizeof(bool));
	values[0] = CStringGetTextDatum(retail_outcome_name[line->outcome]);
	values[1] = Int64GetDatum(line->id);
	isnull[1] = line->id == 0;
	values[2] = Int64GetDatum(line->remainder_id);
	isnull[2] = line->remainder_id == 0;
	values[3] = retail_master_sku_code((int32) line->sku_id, &isnull[3]);
	values[4] = retail_master_location_code((int32) line->location_id, &isnull[4]);
	values[5] = Int64GetDatum(line->qty);
	values[6] = TimestampTzGetDatum((TimestampTz) line->expires_at);
	isnull[6] = line->expires_at == 0;
	values[7] = Int64GetDatum(answer->available);
	isnull[7] = !answer->available_known;
	values[8] = BoolGetDatum(answer->replayed);
}

static void
fill_movement(const Answer *answer, Datum *values, bool *isnull)
{
	const StoredLine *line = &answer->line;

	memset(isnull, 0, MAX_RESULT_COLUMNS * sizeof(bool));
	values[0] = CStringGetTextDatum(retail_outcome_name[line->outcome]);
	values[1] = Int64GetDatum(line->id);
	isnull[1] = line->id == 0;
	values[2] = Int64GetDatum(line->on_hand);
	values[3] = Int64GetDatum(answer->available);
	isnull[3] = !answer->available_known;
	values[4] = BoolGetDatum(answer->replayed);
	values[5] = Int64GetDatum(line->unrecorded_qty);
	values[6] = Int64GetDatum(line->shortage_qty);
}

static Datum
one_row(FunctionCallInfo fcinfo, const Answer *answer, AnswerFiller fill)
{
	Oid			type = fcinfo->flinfo->fn_expr ?
		exprType(fcinfo->flinfo->fn_expr) :
		get_func_rettype(fcinfo->flinfo->fn_oid);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum		values[MAX_RESULT_COLUMNS];
	bool		isnull[MAX_RESULT_COLUMNS];
	HeapTuple	tuple;

	if (desc->natts > MAX_RESULT_COLUMNS)
		elog(ERROR, "result type has %d columns", desc->natts);
	fill(answer, values, isnull);
	tuple = heap_form_tuple(desc, values, isnull);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(tuple);
}

static Datum
many_rows(FunctionCallInfo fcinfo, const Answer *answers, int n, AnswerFiller fill)
{
	ReturnSetInfo *rsinfo;

	InitMaterializedSRF(fcinfo, 0);
	rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	if (rsinfo->setDesc->natts > MAX_RESULT_COLUMNS)
		elog(ERROR, "result type has %d columns", rsinfo->setDesc->natts);
	for (int i = 0; i < n; i++)
	{
		Datum		values[MAX_RESULT_COLUMNS];
		bool		isnull[MAX_RESULT_COLUMNS];

		fill(&answers[i], values, isnull);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
	}
	return (Datum) 0;
}

Datum
retail_answer_reservation(FunctionCallInfo fcinfo, const Answer *answer)
{
	return one_row(fcinfo, answer, fill_reservation);
}

Datum
retail_answer_movement(FunctionCallInfo fcinfo, const Answer *answer)
{
	return one_row(fcinfo, answer, fill_movement);
}

Datum
retail_answer_reservations(FunctionCallInfo fcinfo, const Answer *answers, int n)
{
	return many_rows(fcinfo, answers, n, fill_reservation);
}

Datum
retail_answer_movements(FunctionCallInfo fcinfo, const Answer *answers, int n)
{
	return many_rows(fcinfo, answers, n, fill_movement);
}
