/*-------------------------------------------------------------------------
 * price_guard.c
 *		Triggers that let no price past the rules, whoever writes it.
 *
 * Statement triggers with transition tables on base_price and price: INSERT,
 * COPY and UPDATE pass the same check as the functions do, in one sorted pass,
 * and a load of a million rows pays for sorting them.  Row triggers would
 * queue a million events.
 *
 * A statement goes through four steps:
 *
 *	1. Each row by itself (price_row, price_history): ids, decimals, recorded
 *	   time, what may change of a row.  What is left to look at is sorted.
 *	2. The guard rows of all SKUs and currencies it touches are locked, in one
 *	   order for everybody, and get a new version (price_change).
 *	3. A new snapshot is taken, under which who waited sees what the other one
 *	   did.  Under REPEATABLE READ there is no new snapshot, and step 2 has
 *	   raised 40001.
 *	4. Prices are compared with base prices, bands, floors and grants
 *	   (price_bounds); a change of a base price with the prices that hold
 *	   (price_base_change).
 *
 * A session that replays a replica is believed, as the other guards do; only
 * versions move, so that nobody goes on with what he remembers.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "clock.h"
#include "errors.h"
#include "fault.h"
#include "master.h"
#include "price_base_change.h"
#include "price_bounds.h"
#include "price_change.h"
#include "price_history.h"
#include "price_refusal.h"
#include "price_row.h"
#include "request.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_guard_price);

typedef struct Guard
{
	PriceTable	table;
	bool		trusted;		/* a replica's row is taken as it comes */
	TimestampTz now;
	Datum		actor;			/* text */
	PriceBounds *bounds;
	PriceChanges *changes;
	MemoryContext row_cxt;		/* reset with each row */
	int64		nbackdated;
	bool		any_rest;
} Guard;

/* ----------------------------------------------------------------
 * Each row by itself
 * ----------------------------------------------------------------
 */

static void
check_ids(const PriceRow *row)
{
	SkuInfo		sku;
	LocationInfo location;
	ChannelInfo channel;

	if (!retail_master_sku_by_id(row->sku_id, &sku))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_SKU),
				 errmsg("no SKU has the id %d", row->sku_id)));
	if (row->location_id != 0 && !retail_master_location_by_id(row->location_id, &location))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_LOCATION),
				 errmsg("no location has the id %d", row->location_id)));
	if (row->channel_id != 0 && !retail_master_channel_by_id(row->channel_id, &channel))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_CHANNEL),
				 errmsg("no channel has the id %d", row->channel_id)));
}

static void
take_insert(Guard *guard, TupleTableSlot *slot)
{
	PriceRow	row = retail_price_row_read(&guard->table, slot);
	PriceOrigin origin;

	check_ids(&row);
	origin = retail_price_history_insert(&guard->table, slot, &row, guard->now, guard->actor);
	guard->nbackdated += row.recorded_at < guard->now;
	guard->any_rest |= row.is_rest;
	retail_price_changes_put(guard->changes, &row, origin == PRICE_ORIGIN_SET ? PRICE_ADDED : PRICE_KNOWN,
							 row.from, row.until);
}

static void
take_update(Guard *guard, TupleTableSlot *old_slot, TupleTableSlot *new_slot)
{
	PriceChanges *changes = guard->changes;
	PriceRow	was;
	PriceRow	is;

	switch (retail_price_history_update(&guard->table, old_slot, new_slot, &was, &is, guard->now))
	{
		case PRICE_EDIT_NONE:
			break;
		case PRICE_EDIT_WITHDRAWN:
			retail_price_changes_put(changes, &was, PRICE_GONE, was.from, was.until);
			break;
		case PRICE_EDIT_MOVED:
			if (is.from != was.from)
			{
				retail_price_changes_put(changes, &was, PRICE_GONE, was.from, was.until);
				retail_price_changes_put(changes, &is, PRICE_ADDED, is.from, is.until);
			}
			else if (is.until > was.until)
				retail_price_changes_put(changes, &is, PRICE_ADDED, was.until, is.until);
			else
				retail_price_changes_put(changes, &was, PRICE_GONE, is.until, was.until);
			break;
	}
}

/* Takes part in locking, and is believed. */
static void
take_trusted(Guard *guard, TupleTableSlot *slot)
{
	PriceRow	row = retail_price_row_read_scope(&guard->table, slot);

	if (row.currency != 0)
		retail_price_changes_put(guard->changes, &row, PRICE_KNOWN, 0, 0);
}

/* Reads a transition table from its beginning. */
static void
rewind_store(Tuplestorestate *store)
{
	int			pointer = tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND);

	tuplestore_select_read_pointer(store, pointer);
	tuplestore_rescan(store);
}

static void
read_rows(Guard *guard, TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(guard->table.rel);
	TupleTableSlot *new_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TupleTableSlot *old_slot = NULL;
	MemoryContext old;

	rewind_store(trigger->tg_newtable);
	if (trigger->tg_oldtable != NULL)
	{
		old_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		rewind_store(trigger->tg_oldtable);
	}
	old = MemoryContextSwitchTo(guard->row_cxt);
	while (tuplestore_gettupleslot(trigger->tg_newtable, true, false, new_slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (guard->trusted)
			take_trusted(guard, new_slot);
		else if (old_slot == NULL)
			take_insert(guard, new_slot);

		/* old and new rows of an UPDATE come in one order */
		else if (tuplestore_gettupleslot(trigger->tg_oldtable, true, false, old_slot))
			take_update(guard, old_slot, new_slot);
		else
			elog(ERROR, "transition tables differ in length");
		ExecClearTuple(new_slot);
		MemoryContextReset(guard->row_cxt);
	}
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(new_slot);
	if (old_slot != NULL)
		ExecDropSingleTupleTableSlot(old_slot);
}

/* ----------------------------------------------------------------
 * The statement
 * ----------------------------------------------------------------
 */

static void
check_prices(Guard *guard)
{
	PriceChange change;

	while (retail_price_changes_next(guard->changes, &change))
	{
		PriceTerms	terms = retail_price_change_terms(&change);
		PriceFinding finding;

		CHECK_FOR_INTERRUPTS();
		if (change.what != PRICE_ADDED)
			continue;
		retail_price_bounds_choose(guard->bounds, change.sku_id, change.currency, change.from);
		finding = retail_price_bounds_check(guard->bounds, &terms);
		if (finding.bound != PRICE_WITHIN)
			retail_price_refuse(&change, &finding,
								retail_price_bounds_decimals(guard->bounds, change.currency));
	}
}

static Guard *
begin_guard(TriggerData *trigger)
{
	Guard	   *guard = palloc0(sizeof(Guard));

	guard->trusted = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
	guard->now = retail_clock_statement();
	guard->actor = retail_actor();
	guard->bounds = retail_price_bounds_begin(CurrentMemoryContext);
	guard->changes = retail_price_changes_begin();
	guard->row_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail price guard",
										   ALLOCSET_DEFAULT_SIZES);
	retail_price_table_open(&guard->table, trigger->tg_relation, guard->bounds);
	return guard;
}

static void
guard_statement(TriggerData *trigger)
{
	SpiOwner	saved = retail_spi_begin();
	Guard	   *guard = begin_guard(trigger);
	bool		any;

	PushActiveSnapshot(GetTransactionSnapshot());
	read_rows(guard, trigger);
	PopActiveSnapshot();
	any = retail_price_changes_any(guard->changes);
	if (any)
		retail_price_changes_lock(guard->changes);
	if (any && !guard->trusted)
	{
		/* sees what whoever held the locks before has done */
		CommandCounterIncrement();
		PushActiveSnapshot(RETAIL_FAULT("price_old_snapshot") ? GetActiveSnapshot() : GetTransactionSnapshot());
		if (guard->table.is_base)
			retail_price_check_base_changes(guard->changes, guard->bounds, guard->now);
		else
			check_prices(guard);
		PopActiveSnapshot();
		if (guard->any_rest)
			retail_price_history_check_rests(&guard->table, trigger);
	}
	if (guard->nbackdated > 0)
		retail_price_history_note_load(&guard->table, guard->nbackdated, guard->actor);
	retail_price_changes_end(guard->changes);
	retail_spi_end(&saved);
}

/* BEFORE DELETE OR TRUNCATE, AFTER INSERT, AFTER UPDATE: FOR EACH STATEMENT. */
Datum
retail_guard_price(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" can only be called as a trigger",
						get_func_name(fcinfo->flinfo->fn_oid))));
	retail_tables_check();
	if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
	{
		if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA && !RETAIL_FAULT("price_deleted"))
			retail_price_history_delete(trigger->tg_relation);
	}
	else if (trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" does not name its transition tables",
						trigger->tg_trigger->tgname),
				 errhint("Run retail.migrate().")));
	else
		guard_statement(trigger);
	return PointerGetDatum(NULL);
}
