/*-------------------------------------------------------------------------
 * compat.h
 *		The one place that knows server versions apart (PostgreSQL 15 to 18).
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_COMPAT_H
#define RETAIL_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/twophase.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "parser/parse_relation.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"				/* was a part of postgres.h */
#endif

#if PG_VERSION_NUM < 150000
#error "pg_retail needs PostgreSQL 15 or later"
#endif

static inline IndexScanDesc
retail_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

/* update_indexes: whether the new version needs entries in the b-trees. */
static inline TM_Result
retail_tuple_update(Relation rel, ItemPointer tid, TupleTableSlot *slot,
					CommandId cid, bool wait, bool *update_indexes)
{
	TM_FailureData tmfd;
	LockTupleMode lockmode;
	TM_Result	result;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes update;

	result = table_tuple_update(rel, tid, slot, cid, SnapshotAny,
								InvalidSnapshot, wait, &tmfd, &lockmode,
								&update);
	*update_indexes = (update == TU_All);
#else
	result = table_tuple_update(rel, tid, slot, cid, SnapshotAny,
								InvalidSnapshot, wait, &tmfd, &lockmode,
								update_indexes);
#endif
	return result;
}

/*
 * Gives an executor state a range table of this one relation in which every
 * column counts as written, so that generated columns are all computed.
 */
static inline void
retail_init_range_table(EState *estate, Relation rel)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	Bitmapset  *columns = NULL;

	for (int i = 1; i <= RelationGetDescr(rel)->natts; i++)
		columns = bms_add_member(columns,
								 i - FirstLowInvalidHeapAttributeNumber);
	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
	{
		List	   *perminfos = NIL;
		RTEPermissionInfo *perminfo = addRTEPermissionInfo(&perminfos, rte);

		perminfo->insertedCols = columns;
		perminfo->updatedCols = columns;
#if PG_VERSION_NUM >= 180000
		ExecInitRangeTable(estate, list_make1(rte), perminfos,
						   bms_make_singleton(1));
#else
		ExecInitRangeTable(estate, list_make1(rte), perminfos);
#endif
	}
#else
	rte->insertedCols = columns;
	rte->updatedCols = columns;
	ExecInitRangeTable(estate, list_make1(rte));
#endif
}

static inline void
retail_eval_plan_qual_init(EPQState *epqstate, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1);
#endif
}

/* Index entries of a speculative insertion. */
static inline List *
retail_exec_insert_index_tuples(ResultRelInfo *rri, TupleTableSlot *slot,
								EState *estate, bool *conflict)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(rri, slot, estate, false, true, conflict, NIL, false);
#else
	return ExecInsertIndexTuples(rri, slot, estate, false, true, conflict, NIL);
#endif
}

/* A small number that is this process's alone while it lives. */
#if PG_VERSION_NUM >= 170000
#define RETAIL_PROC_NUMBER() ((int) MyProcNumber)
#else
#define RETAIL_PROC_NUMBER() (MyProc->pgprocno)
#endif
#define RETAIL_MAX_PROCS() (MaxBackends + NUM_AUXILIARY_PROCS + max_prepared_xacts)

/* Whether a CHECK constraint is to be enforced. */
#if PG_VERSION_NUM >= 180000
#define RETAIL_CHECK_ENFORCED(check) ((check)->ccenforced)
#else
#define RETAIL_CHECK_ENFORCED(check) true
#endif

/*
 * Whether a table has generated columns: stored ones, or those that are
 * computed when read, which constraints may name all the same.
 */
#if PG_VERSION_NUM >= 180000
#define RETAIL_HAS_GENERATED(constr) \
	((constr) && ((constr)->has_generated_stored || (constr)->has_generated_virtual))
#else
#define RETAIL_HAS_GENERATED(constr) ((constr) && (constr)->has_generated_stored)
#endif

#if PG_VERSION_NUM >= 160000
#define RETAIL_RELFILENUMBER(rel) ((rel)->rd_locator.relNumber)
#else
#define RETAIL_RELFILENUMBER(rel) ((rel)->rd_node.relNode)
#endif

/* Soft errors of input functions; before 16 every error is hard. */
#ifndef ereturn
#define ereturn(context, dummy_value, ...)	ereport(ERROR, __VA_ARGS__)
#endif

/* Memory a check hook hands to its assign hook. */
#if PG_VERSION_NUM >= 160000
#define RETAIL_GUC_MALLOC(size) guc_malloc(LOG, (size))
#else
#define RETAIL_GUC_MALLOC(size) malloc(size)
#endif

/* A hint that memory is looked at soon; any address will do. */
#if defined(__GNUC__)
#define RETAIL_PREFETCH(address) __builtin_prefetch(address)
#else
#define RETAIL_PREFETCH(address) ((void) (address))
#endif

/* The index of the primary key; InvalidOid without one, or while it is deferrable. */
static inline Oid
retail_primary_key_index(Relation rel)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(rel, false);
#else
	return RelationGetPrimaryKeyIndex(rel);
#endif
}

#endif							/* RETAIL_COMPAT_H */
