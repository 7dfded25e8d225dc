/*-------------------------------------------------------------------------
 * guard.c
 *		Triggers that keep stock, lot, reservation and the ledger to the
 *		functions; bulk mode; forgetting what was cached of master data.
 *
 * The functions write rows below the level of statements, so a statement on a
 * guarded table is somebody's own: it is refused unless the transaction is in
 * bulk mode, the session replays a replica, or the statement was announced by
 * one of our own jobs.  Statement triggers cost a load of ten million rows
 * nothing.
 *
 * bulk_write() locks stock and reservation against every other writer, so its
 * transaction is alone on them; its commit drops the database's cells before
 * the locks go.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "cell.h"
#include "clock.h"
#include "errors.h"
#include "escrow.h"
#include "fault.h"
#include "request.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_guard_stock);
PG_FUNCTION_INFO_V1(retail_guard_ledger);
PG_FUNCTION_INFO_V1(retail_guard_replica);
PG_FUNCTION_INFO_V1(retail_master_changed);
PG_FUNCTION_INFO_V1(retail_sql_announce);
PG_FUNCTION_INFO_V1(retail_bulk_write);
PG_FUNCTION_INFO_V1(retail_reset_cells);

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" can only be called as a trigger",
						get_func_name(fcinfo->flinfo->fn_oid))));
	return (TriggerData *) fcinfo->context;
}

static CmdType
operation_of(TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return CMD_INSERT;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return CMD_UPDATE;
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return CMD_DELETE;
	return CMD_UTILITY;			/* TRUNCATE */
}

static void
refuse_statement(Relation rel, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_DIRECT_WRITE),
			 errmsg("table \"%s\" is written by the functions of pg_retail only",
					RelationGetRelationName(rel)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

Datum
retail_guard_stock(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);
	Relation	rel = trigger->tg_relation;

	if (retail_escrow_bulk_mode() || RETAIL_FAULT("guard_off") ||
		retail_announced(RelationGetRelid(rel), operation_of(trigger)))
		return PointerGetDatum(NULL);
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
	{
		if (retail_cell_enabled())
			retail_escrow_drop_at_end();
		return PointerGetDatum(NULL);
	}
	refuse_statement(rel,
					 "The stock counters must see every change.",
					 "Use retail.receive(), adjust(), count_stock(), reserve() and the like; for a load, SELECT retail.bulk_write() first in the same transaction.");
	return PointerGetDatum(NULL);
}

Datum
retail_guard_ledger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo);

	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA &&
		!retail_announced(RelationGetRelid(trigger->tg_relation), operation_of(trigger)))
		refuse_statement(trigger->tg_relation,
						 "The ledger is appended to, never changed.",
						 "Correct it with another movement: retail.adjust() or retail.count_stock().");
	return PointerGetDatum(NULL);
}

/* Rows that a replica's apply writes come one by one, past statement triggers. */
Datum
retail_guard_replica(PG_FUNCTION_ARGS)
{
	(void) trigger_data(fcinfo);
	if (retail_cell_enabled())
		retail_escrow_drop_at_end();
	return PointerGetDatum(NULL);
}

Datum
retail_master_changed(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcache(trigger_data(fcinfo)->tg_relation);
	if (retail_cell_enabled())
		retail_escrow_want_worker_at_commit();
	return PointerGetDatum(NULL);
}

/*
 * retail._announce(table, operation): lets the next statement of that kind on
 * that table through.  For our own jobs; not executable by others.
 */
Datum
retail_sql_announce(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *operation = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			relid = get_relname_relid(name, get_namespace_oid("retail", false));

	if (!OidIsValid(relid))
		elog(ERROR, "no table \"%s\"", name);
	retail_announce(relid,
					strcmp(operation, "INSERT") == 0 ? CMD_INSERT :
					strcmp(operation, "UPDATE") == 0 ? CMD_UPDATE : CMD_DELETE);
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------
 * Bulk mode
 * ----------------------------------------------------------------
 */

static void
check_may_load(RetailTableId table)
{
	AclResult	acl = pg_class_aclcheck(retail_table_oid(table), GetUserId(),
										ACL_INSERT | ACL_UPDATE | ACL_DELETE);

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, get_rel_name(retail_table_oid(table)));
}

/* Shuts every other writer out of stock and reservation, in the usual order. */
static void
lock_out_writers(void)
{
	LockRelationOid(retail_table_oid(TABLE_STOCK), ShareRowExclusiveLock);
	LockRelationOid(retail_table_oid(TABLE_RESERVATION), ShareRowExclusiveLock);
}

static void
check_untouched(const char *function)
{
	if (retail_escrow_any_touched())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot run in a transaction that has already moved stock", function),
				 errhint("Call it first in a transaction of its own.")));
}

Datum
retail_bulk_write(PG_FUNCTION_ARGS)
{
	Datum		args[2];
	Oid			types[2] = {TEXTOID, TIMESTAMPTZOID};

	retail_tables_check();
	PreventCommandIfReadOnly("retail.bulk_write()");
	PreventCommandDuringRecovery("retail.bulk_write()");
	check_may_load(TABLE_STOCK);
	check_may_load(TABLE_LOT);
	check_may_load(TABLE_RESERVATION);
	check_untouched("retail.bulk_write()");
	if (retail_escrow_bulk_mode())
		PG_RETURN_VOID();
	lock_out_writers();

	args[0] = retail_actor();
	args[1] = TimestampTzGetDatum(retail_clock_now());
	retail_spi_as_owner("WITH load AS (INSERT INTO retail.bulk_load (actor, created_at, movement_id)"
						" SELECT $1, $2, coalesce(max(id), 0) FROM retail.movement)"
						" INSERT INTO retail.flag_repair (sku_id, location_id) VALUES (NULL, NULL)",
						2, types, args);
	retail_escrow_set_bulk_mode();
	if (retail_cell_enabled())
	{
		if (!RETAIL_FAULT("bulk_keeps_cells"))
			retail_escrow_drop_at_end();
		retail_escrow_want_worker_at_commit();
	}
	PG_RETURN_VOID();
}

Datum
retail_reset_cells(PG_FUNCTION_ARGS)
{
	int64		total;
	int64		used;
	int64		mine = 0;

	retail_tables_check();
	PreventCommandDuringRecovery("retail.reset_cells()");
	check_untouched("retail.reset_cells()");
	lock_out_writers();
	if (retail_cell_enabled())
	{
		retail_cell_counts(MyDatabaseId, &total, &used, &mine);
		retail_escrow_drop_at_end();
	}
	PG_RETURN_INT64(mine);
}
