/*-------------------------------------------------------------------------
 * table.c
 *		The tables init() made, seen from C: find, read, lock, write rows.
 *
 * Rows are read through index scans of our own, with the latest snapshot and
 * without row security: a clerk's first touch must not load a wrong counter
 * for everybody.  Rows are written through the heap's and the b-trees' own
 * functions, which costs about half of what an INSERT statement does, as long
 * as the table has only what that path can serve: plain storage, immediate
 * b-tree indexes (partial and on expressions too), CHECKs and defaults.  A row
 * trigger of a user, a foreign key, a generated column, an exclusion
 * constraint or another kind of index sends the write through the executor.
 *
 * What is known of a table (column numbers, indexes, compiled predicates and
 * constraints) is kept per backend until its relcache entry is invalidated.
 * It is rebuilt only when asked for anew, and the old copy lives to the end of
 * the transaction, because a trigger may call back into this file in the
 * middle of a write.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type_d.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "errors.h"
#include "fault.h"
#include "table.h"

/* What is known of one table. */
typedef struct TableInfo
{
	MemoryContext cxt;			/* holds all below; NULL: not built */
	bool		valid;
	AttrNumber	attnum[RETAIL_MAX_COLS];

	/* the rest is for writing, built on the first write */
	bool		writable;
	bool		plain;			/* heap and b-tree functions will do */
	int			nindexes;
	Oid		   *index_oid;
	IndexInfo **index_info;
	int			nchecks;
	ExprState **check;
	char	  **check_name;
	int			ndefaults;
	AttrNumber *default_attnum;
	ExprState **default_expr;
	EState	   *estate;
} TableInfo;

typedef struct TableDef
{
	const char *name;
	int			ncols;
	const char *column_types;	/* a letter each, see type_of_letter() */
	const char *column_names[RETAIL_MAX_COLS];
} TableDef;

static const TableDef table_def[TABLE_COUNT] = {
	[TABLE_BASE_PRICE] = {"base_price", BASE_PRICE_NCOLS, "Iitnrzz",
		{"id", "sku_id", "currency", "amount", "valid", "withdrawn_at",
	"recorded_at"}},
	[TABLE_CAPACITY_RETURN] = {"capacity_return", 0, "", {NULL}},
	[TABLE_CAPACITY_USE] = {"capacity_use", CAPACITY_USE_NCOLS, "i", {"taken"}},
	[TABLE_CHANNEL] = {"channel", CHANNEL_NCOLS, "ittv",
	{"id", "code", "status", "hold_ttl"}},
	[TABLE_CHANNEL_ROUTING] = {"channel_routing", CHANNEL_ROUTING_NCOLS, "tibTnn",
		{"source", "max_parcels", "no_split", "objective", "cost_per_km",
	"load_cost"}},
	[TABLE_CHANNEL_SOURCE] = {"channel_source", CHANNEL_SOURCE_NCOLS, "i", {"location_id"}},
	[TABLE_CURRENCY] = {"currency", CURRENCY_NCOLS, "s", {"decimals"}},
	[TABLE_DELIVERY_ZONE] = {"delivery_zone", 0, "", {NULL}},
	[TABLE_FULFILMENT_LINE] = {"fulfilment_line", FULFILMENT_LINE_NCOLS, "IiiII",
	{"fulfilment_id", "line_no", "sku_id", "qty", "reservation_id"}},
	[TABLE_FULFILMENT_ORDER] = {"fulfilment_order", FULFILMENT_ORDER_NCOLS, "IIiitfzbdzz",
		{"id", "order_id", "location_id", "service_id", "state", "distance_m",
			"promise_at", "promise_kept", "capacity_date", "created_at",
	"changed_at"}},
	[TABLE_LISTING] = {"listing", LISTING_NCOLS, "t", {"status"}},
	[TABLE_LOCATION] = {"location", LOCATION_NCOLS, "ittfftttjTibbn",
		{"id", "code", "kind", "longitude", "latitude", "datum", "status",
			"time_zone", "opening_hours", "services", "daily_capacity",
	"keep_last", "accepts_returns", "handling_cost"}},
	[TABLE_LOT] = {"lot", LOT_NCOLS, "IiitdIIz",
		{"id", "sku_id", "location_id", "code", "expires_on", "on_hand",
	"unavailable", "created_at"}},
	[TABLE_MOVEMENT] = {"movement", MOVEMENT_NCOLS, "IiiItIIIIiItttttzz",
		{"id", "sku_id", "location_id", "lot_id", "kind", "on_hand_delta",
			"unavailable_delta", "on_hand_after", "unavailable_after",
			"channel_id", "reservation_id", "ref", "sale_ref", "reason", "request_key",
	"actor", "occurred_at", "recorded_at"}},
	[TABLE_ORDER_LINE] = {"order_line", ORDER_LINE_NCOLS, "IiiIIntnn",
		{"order_id", "line_no", "sku_id", "qty", "backordered_qty", "unit_price",
	"currency", "line_amount", "order_share"}},
	[TABLE_PRICE] = {"price", PRICE_NCOLS, "IIiiitttnrIzzI",
		{"id", "min_qty", "sku_id", "location_id", "channel_id", "currency", "kind",
			"tier", "amount", "valid", "grant_id", "withdrawn_at", "recorded_at",
	"campaign_id"}},
	[TABLE_PRICE_GRANT] = {"price_grant", PRICE_GRANT_NCOLS, "trzz",
	{"status", "valid", "decided_at", "revoked_at"}},
	[TABLE_PRICE_GUARD] = {"price_guard", PRICE_GUARD_NCOLS, "tI",
	{"currency", "version"}},
	[TABLE_REQUEST] = {"request", REQUEST_NCOLS, "tttIAz",
		{"request_key", "function", "actor", "request_hash", "result",
	"created_at"}},
	[TABLE_RESERVATION] = {"reservation", RESERVATION_NCOLS, "IiiiItzzzItttI",
		{"id", "sku_id", "location_id", "channel_id", "qty", "status",
			"expires_at", "created_at", "changed_at", "parent_id", "holder",
	"order_ref", "actor", "successor_id"}},
	[TABLE_RESERVATION_HISTORY] = {"reservation_history", 0, "", {NULL}},
	[TABLE_SAFETY_STOCK] = {"safety_stock", SAFETY_STOCK_NCOLS, "In",
	{"qty", "percent"}},
	[TABLE_SALES_ORDER] = {"sales_order", SALES_ORDER_NCOLS, "IititttffzzztI",
		{"id", "channel_id", "order_ref", "service_id", "status", "holder",
			"guide", "longitude", "latitude", "promise_at", "placed_at",
	"changed_at", "actor", "quote_id"}},
	[TABLE_SERVICE] = {"service", SERVICE_NCOLS, "ittfvmmbvv",
		{"id", "code", "kind", "max_km", "lead_time", "deliver_by", "cut_off",
	"allow_late", "accept_within", "collect_within"}},
	[TABLE_SERVICE_PACK] = {"service_pack", SERVICE_PACK_NCOLS, "t", {"code"}},
	[TABLE_SKU] = {"sku", SKU_NCOLS, "itibtI",
	{"id", "code", "shelf_life_days", "lot_tracked", "status", "price_per"}},
	[TABLE_SOLD_OUT] = {"sold_out", SOLD_OUT_NCOLS, "iiIz",
	{"sku_id", "location_id", "sellable_floor", "changed_at"}},
	[TABLE_STOCK] = {"stock", STOCK_NCOLS, "iiIIII",
		{"sku_id", "location_id", "on_hand", "unavailable", "in_transit",
	"last_movement_id"}},
};

/* What the engine scans; "rest" is what stands behind the columns. */
typedef struct IndexDef
{
	RetailTableId table;
	const char *name;
	bool		unique;
	const char *columns;
	const char *rest;
} IndexDef;

static const IndexDef index_def[INDEX_COUNT] = {
	[INDEX_BASE_PRICE_SEEK] = {TABLE_BASE_PRICE, "base_price_seek_idx", false,
	"sku_id, currency, lower(valid)", ""},
	[INDEX_CAPACITY_RETURN] = {TABLE_CAPACITY_RETURN, "capacity_return_day_idx", false,
	"location_id, business_date", ""},
	[INDEX_CAPACITY_USE] = {TABLE_CAPACITY_USE, "capacity_use_pkey", true,
	"location_id, business_date", ""},
	[INDEX_CHANNEL_CODE] = {TABLE_CHANNEL, "channel_code_key", true, "code", ""},
	[INDEX_CHANNEL_ID] = {TABLE_CHANNEL, "channel_pkey", true, "id", ""},
	[INDEX_CHANNEL_ROUTING] = {TABLE_CHANNEL_ROUTING, "channel_routing_pkey", true,
	"channel_id", ""},
	[INDEX_CHANNEL_SOURCE] = {TABLE_CHANNEL_SOURCE, "channel_source_pkey", true,
	"channel_id, location_id", ""},
	[INDEX_CURRENCY] = {TABLE_CURRENCY, "currency_pkey", true, "code", ""},
	[INDEX_LISTING_SCOPE] = {TABLE_LISTING, "listing_scope_key", true,
	"sku_id, location_id, channel_id", " NULLS NOT DISTINCT"},
	[INDEX_LOCATION_CODE] = {TABLE_LOCATION, "location_code_key", true, "code", ""},
	[INDEX_LOCATION_ID] = {TABLE_LOCATION, "location_pkey", true, "id", ""},
	[INDEX_LOT_CODE] = {TABLE_LOT, "lot_code_key", true,
	"sku_id, location_id, code, expires_on", " NULLS NOT DISTINCT"},
	[INDEX_LOT_FEFO] = {TABLE_LOT, "lot_fefo_idx", false,
	"sku_id, location_id, expires_on, id", " WHERE on_hand > 0"},
	[INDEX_MOVEMENT_REF] = {TABLE_MOVEMENT, "movement_ref_idx", false,
	"ref, sku_id", " WHERE ref IS NOT NULL"},
	[INDEX_MOVEMENT_SALE_REF] = {TABLE_MOVEMENT, "movement_sale_ref_idx", false,
	"sale_ref, sku_id", " WHERE sale_ref IS NOT NULL"},
	[INDEX_MOVEMENT_STOCK] = {TABLE_MOVEMENT, "movement_stock_idx", false,
	"sku_id, location_id, id", ""},
	[INDEX_ORDER_LINE] = {TABLE_ORDER_LINE, "order_line_pkey", true, "order_id, line_no", ""},
	[INDEX_PRICE_GRANT] = {TABLE_PRICE_GRANT, "price_grant_pkey", true, "id", ""},
	[INDEX_PRICE_GUARD] = {TABLE_PRICE_GUARD, "price_guard_pkey", true, "sku_id, currency", ""},
	[INDEX_PRICE_SEEK] = {TABLE_PRICE, "price_seek_idx", false,
	"sku_id, location_id, channel_id, currency, kind, tier, min_qty, lower(valid)", ""},
	[INDEX_REQUEST] = {TABLE_REQUEST, "request_pkey", true, "request_key, function, actor", ""},
	[INDEX_RESERVATION_COMMITTED] = {TABLE_RESERVATION, "reservation_committed_idx", false,
	"sku_id, location_id", " WHERE status = 'committed'"},
	[INDEX_RESERVATION_DUE] = {TABLE_RESERVATION, "reservation_due_idx", false,
	"expires_at", " WHERE status = 'held'"},
	[INDEX_RESERVATION_HELD] = {TABLE_RESERVATION, "reservation_held_idx", false,
	"sku_id, location_id, expires_at", " WHERE status = 'held'"},
	[INDEX_RESERVATION_HOLDER] = {TABLE_RESERVATION, "reservation_holder_idx", false,
	"holder, sku_id, location_id", " WHERE status = 'held' AND holder IS NOT NULL"},
	[INDEX_RESERVATION_ID] = {TABLE_RESERVATION, "reservation_pkey", true, "id", ""},
	[INDEX_SAFETY_STOCK_SCOPE] = {TABLE_SAFETY_STOCK, "safety_stock_scope_key", true,
	"sku_id, location_id, channel_id", " NULLS NOT DISTINCT"},
	[INDEX_SALES_ORDER_QUOTE] = {TABLE_SALES_ORDER, "sales_order_quote_idx", true,
	"quote_id", " WHERE quote_id IS NOT NULL"},
	[INDEX_SALES_ORDER_REF] = {TABLE_SALES_ORDER, "sales_order_ref_key", true,
	"channel_id, order_ref", ""},
	[INDEX_SERVICE_CODE] = {TABLE_SERVICE, "service_code_key", true, "code", ""},
	[INDEX_SERVICE_ID] = {TABLE_SERVICE, "service_pkey", true, "id", ""},
	[INDEX_SERVICE_PACK] = {TABLE_SERVICE_PACK, "service_pack_one_at_a_time", false,
	"channel_id, valid", ""},
	[INDEX_SKU_CODE] = {TABLE_SKU, "sku_code_key", true, "code", ""},
	[INDEX_SKU_ID] = {TABLE_SKU, "sku_pkey", true, "id", ""},
	[INDEX_SOLD_OUT] = {TABLE_SOLD_OUT, "sold_out_pkey", true, "sku_id, location_id", ""},
	[INDEX_STOCK] = {TABLE_STOCK, "stock_pkey", true, "sku_id, location_id", ""},
};

/* Rows that retail_rows_insert() buffers. */
#define ROWS_AT_ONCE 128

static TableInfo table_info[TABLE_COUNT];
static Oid	table_oid[TABLE_COUNT];
static Oid	index_oid[INDEX_COUNT];
static Oid	reservation_seq_oid;
static Oid	movement_seq_oid;
static Oid	lot_seq_oid;
static Oid	sales_order_seq_oid;
static Oid	fulfilment_order_seq_oid;
static bool oids_valid = false;

/* What was found of the guards at the last look, valid with guards_valid. */
static bool guards_valid = false;
static uint64 guards_epoch;
static const char *guards_missing;	/* NULL: all there */
static Oid	guards_missing_table;

static Oid	announced_relid = InvalidOid;
static CmdType announced_operation = CMD_UNKNOWN;

/* ----------------------------------------------------------------
 * Finding the tables
 * ----------------------------------------------------------------
 */

static void
invalidate_table(Datum arg, Oid relid)
{
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		if (relid == InvalidOid || table_oid[i] == relid)
		{
			table_info[i].valid = false;

			/* an index of ours may have been rebuilt under another oid */
			oids_valid = false;
			if (i == TABLE_STOCK || i == TABLE_RESERVATION)
				guards_valid = false;
		}
	}
}

void
retail_table_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_table, (Datum) 0);
}

/* A column of an index by name, or the expression it is. */
static const char *
index_column(Form_pg_index index, int i)
{
	AttrNumber	attnum = index->indkey.values[i];
	char	   *expression;

	if (attnum > 0)
		return get_attname(index->indrelid, attnum, false);
	expression = TextDatumGetCString(DirectFunctionCall3(pg_get_indexdef_ext,
														 ObjectIdGetDatum(index->indexrelid),
														 Int32GetDatum(i + 1), BoolGetDatum(false)));

	/* with the schema where a function of the user's comes before it */
	return strncmp(expression, "pg_catalog.", strlen("pg_catalog.")) == 0 ?
		expression + strlen("pg_catalog.") : expression;
}

/*
 * Whether the index is what scans take it for: one with other columns, or
 * without the predicate, would make them count rows that they do not mean, and
 * one that is not valid (an index build that failed) lacks rows.
 */
static bool
index_is_as_made(Oid oid, const IndexDef *def)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(oid));
	Form_pg_index index;
	StringInfoData columns;
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;			/* a table of that name */
	index = (Form_pg_index) GETSTRUCT(tuple);
	initStringInfo(&columns);
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "", index_column(index, i));
	}
	same = index->indisvalid && index->indrelid == table_oid[def->table] &&
		(index->indisunique || !def->unique) &&
		strcmp(columns.data, def->columns) == 0 &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL) ==
		(strncmp(def->rest, " WHERE", strlen(" WHERE")) != 0);
	ReleaseSysCache(tuple);
	pfree(columns.data);
	return same;
}

static Oid
look_up_index(const IndexDef *def, Oid nspid)
{
	Oid			oid = get_relname_relid(def->name, nspid);

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
				 errmsg("index \"retail.%s\" is missing", def->name),
				 errhint("CREATE %sINDEX %s ON retail.%s (%s)%s", def->unique ? "UNIQUE " : "",
						 def->name, table_def[def->table].name, def->columns, def->rest)));
	if (!index_is_as_made(oid, def))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
				 errmsg("index \"retail.%s\" is not valid, or not the one that is wanted", def->name),
				 errhint("Drop it, then CREATE %sINDEX %s ON retail.%s (%s)%s", def->unique ? "UNIQUE " : "",
						 def->name, table_def[def->table].name, def->columns, def->rest)));
	return oid;
}

static bool
look_up_oids(void)
{
	Oid			nspid = get_namespace_oid("retail", true);

	if (!OidIsValid(nspid))
		return false;
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		Oid			oid = get_relname_relid(table_def[i].name, nspid);

		if (!OidIsValid(oid))
			return false;
		if (oid != table_oid[i])
			table_info[i].valid = false;
		table_oid[i] = oid;
	}
	for (int i = 0; i < INDEX_COUNT; i++)
		index_oid[i] = look_up_index(&index_def[i], nspid);
	reservation_seq_oid = get_relname_relid("reservation_id_seq", nspid);
	movement_seq_oid = get_relname_relid("movement_id_seq", nspid);
	lot_seq_oid = get_relname_relid("lot_id_seq", nspid);
	sales_order_seq_oid = get_relname_relid("sales_order_id_seq", nspid);
	fulfilment_order_seq_oid = get_relname_relid("fulfilment_order_id_seq", nspid);
	return OidIsValid(reservation_seq_oid) && OidIsValid(movement_seq_oid) &&
		OidIsValid(lot_seq_oid) && OidIsValid(sales_order_seq_oid) &&
		OidIsValid(fulfilment_order_seq_oid);
}

bool
retail_tables_exist(void)
{
	AcceptInvalidationMessages();
	if (!oids_valid)
	{
		/* set first: an invalidation during the look-up must win */
		oids_valid = true;
		if (!look_up_oids())
		{
			oids_valid = false;
			return false;
		}
	}
	return true;
}

void
retail_tables_check(void)
{
	if (!retail_tables_exist())
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
				 errmsg("the tables of pg_retail are not there"),
				 errhint("Run SELECT * FROM retail.init() once in this database.")));
}

Oid
retail_table_oid(RetailTableId table)
{
	return table_oid[table];
}

Oid
retail_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table_oid[TABLE_RESERVATION]));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table_oid[TABLE_RESERVATION]);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* ----------------------------------------------------------------
 * Guards
 * ----------------------------------------------------------------
 */

static bool
is_function(Oid fn, const char *name, Oid nspid)
{
	char	   *fn_name = get_func_name(fn);

	return fn_name != NULL && strcmp(fn_name, name) == 0 &&
		get_func_namespace(fn) == nspid;
}

/*
 * Looks at the guard triggers of one table.  They must be statement triggers,
 * before, fire in every replication role, and cover all four operations; the
 * one for rows that replication brings is marked by TRIGGER_TYPE_ROW.
 * Their rows' xmin goes into the fingerprint, so that a guard that was off for
 * a while leaves a trace after it is back.
 */
static uint64
look_at_guards(RetailTableId table, uint64 hash, int16 *covered, bool *in_flux)
{
	Oid			nspid = get_rel_namespace(table_oid[table]);
	Relation	rel = table_open(table_oid[table], AccessShareLock);
	Relation	tgrel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	uint64		storage[2];
	bool		created;

	created = rel->rd_createSubid != InvalidSubTransactionId;
	storage[0] = RelationGetRelid(rel);
	storage[1] = RETAIL_RELFILENUMBER(rel);
	hash = hash_bytes_extended((unsigned char *) storage, sizeof(storage), hash);

	*covered = 0;
	tgrel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table_oid[table]));
	scan = systable_beginscan(tgrel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		uint64		seen[3];

		if (is_function(trigger->tgfoid, "_guard_replica", nspid))
		{
			if (trigger->tgenabled == TRIGGER_FIRES_ON_REPLICA ||
				trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
				*covered |= TRIGGER_TYPE_ROW;
		}
		else if (!is_function(trigger->tgfoid, "_guard_stock", nspid))
			continue;
		else if (trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
			TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			!TRIGGER_FOR_ROW(trigger->tgtype) &&
			trigger->tgattr.dim1 == 0 &&
			heap_attisnull(tuple, Anum_pg_trigger_tgqual, NULL))
			*covered |= trigger->tgtype;
		if (!created &&
			TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(tuple->t_data)))
			*in_flux = true;
		seen[0] = trigger->oid;
		seen[1] = HeapTupleHeaderGetRawXmin(tuple->t_data);
		seen[2] = (uint64) trigger->tgenabled;
		hash = hash_bytes_extended((unsigned char *) seen, sizeof(seen), hash);
	}
	systable_endscan(scan);
	table_close(tgrel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return hash;
}

static void
look_at_all_guards(void)
{
	static const RetailTableId guarded[] = {TABLE_STOCK, TABLE_RESERVATION};
	const int16 all = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
		TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE | TRIGGER_TYPE_ROW;
	uint64		hash = 0;
	bool		in_flux = false;

	/* set first: an invalidation during the look must win */
	guards_valid = true;
	guards_missing = NULL;
	for (int i = 0; i < lengthof(guarded); i++)
	{
		int16		covered;

		hash = look_at_guards(guarded[i], hash, &covered, &in_flux);
		if ((covered & all) != all && guards_missing == NULL)
		{
			guards_missing = "is missing or disabled";
			guards_missing_table = table_oid[guarded[i]];
		}
	}
	if (in_flux)
	{
		guards_missing = "was changed by this transaction";
		guards_missing_table = table_oid[TABLE_STOCK];
		guards_valid = false;
	}
	guards_epoch = hash;
}

void
retail_tables_check_guards(void)
{
	if (RETAIL_FAULT("guard_unchecked"))
		return;
	if (!guards_valid)
		look_at_all_guards();
	if (guards_missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a guard trigger of table \"%s\" %s",
						get_rel_name(guards_missing_table), guards_missing),
				 errdetail("Without it a write by hand would go unnoticed and stock could be sold twice."),
				 errhint("ALTER TABLE ... ENABLE ALWAYS TRIGGER retail_guard, ENABLE REPLICA TRIGGER retail_replica, or run SELECT * FROM retail.migrate(), and commit.")));
}

uint64
retail_tables_epoch(void)
{
	if (RETAIL_FAULT("guard_unchecked"))
		return retail_table_oid(TABLE_STOCK);
	if (!guards_valid)
		look_at_all_guards();
	return guards_epoch;
}

void
retail_announce(Oid relid, CmdType operation)
{
	announced_relid = relid;
	announced_operation = operation;
}

bool
retail_announced(Oid relid, CmdType operation)
{
	bool		match = announced_relid == relid &&
		announced_operation == operation;

	if (match)
		retail_announce_forget();
	return match;
}

void
retail_announce_forget(void)
{
	announced_relid = InvalidOid;
	announced_operation = CMD_UNKNOWN;
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

static Oid
type_of_letter(char letter)
{
	static const struct
	{
		char		letter;
		Oid			type;
	}			types[] = {
		{'A', INT8ARRAYOID}, {'b', BOOLOID}, {'d', DATEOID}, {'f', FLOAT8OID},
		{'i', INT4OID}, {'I', INT8OID}, {'j', JSONBOID}, {'m', TIMEOID},
		{'n', NUMERICOID}, {'r', TSTZRANGEOID}, {'s', INT2OID}, {'t', TEXTOID},
		{'T', TEXTARRAYOID}, {'v', INTERVALOID}, {'z', TIMESTAMPTZOID}
	};

	for (int i = 0; i < lengthof(types); i++)
	{
		if (types[i].letter == letter)
			return types[i].type;
	}
	elog(ERROR, "no type for letter \"%c\"", letter);
	return InvalidOid;
}

/*
 * Columns are read and written as what they were made: with another type a
 * value would be taken for a pointer, and a narrower one (timestamptz(0), a
 * domain) would get values that it does not allow.  A numeric is only read, but
 * for what an order line costs.
 */
static void
check_column_type(RetailTableId table, int col, AttrNumber attnum)
{
	Oid			wanted = type_of_letter(table_def[table].column_types[col]);
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(table_oid[table], attnum, &type, &typmod, &collation);
	if (type != wanted ||
		(typmod >= 0 && (wanted != NUMERICOID || table == TABLE_ORDER_LINE)))
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
				 errmsg("column \"%s\" of table \"retail.%s\" is of type %s instead of %s",
						table_def[table].column_names[col], table_def[table].name,
						format_type_with_typemod(type, typmod), format_type_be(wanted)),
				 errhint("Bring it back with ALTER TABLE ... ALTER COLUMN ... TYPE; columns of your own may have any type.")));
}

/* Column numbers by name, anew after each change of the table. */
static TableInfo *
table_info_get(RetailTableId table)
{
	TableInfo  *info = &table_info[table];

	if (!info->valid)
	{
		MemoryContext cxt;
		TableInfo	fresh;

		/* a caller up the stack may still use the old copy */
		if (info->cxt != NULL)
			MemoryContextSetParent(info->cxt, TopTransactionContext);
		info->cxt = NULL;
		memset(&fresh, 0, sizeof(fresh));
		for (int i = 0; i < table_def[table].ncols; i++)
		{
			fresh.attnum[i] = get_attnum(table_oid[table],
										 table_def[table].column_names[i]);
			if (fresh.attnum[i] == InvalidAttrNumber)
				ereport(ERROR,
						(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
						 errmsg("column \"%s\" of table \"retail.%s\" is missing",
								table_def[table].column_names[i],
								table_def[table].name),
						 errhint("Run SELECT * FROM retail.migrate(); the tables may be older than the library.")));
			check_column_type(table, i, fresh.attnum[i]);
		}
		cxt = AllocSetContextCreate(CacheMemoryContext, "pg_retail table",
									ALLOCSET_SMALL_SIZES);
		fresh.cxt = cxt;
		fresh.valid = true;
		*info = fresh;
	}
	return info;
}

Datum
retail_column(RetailTableId table, TupleTableSlot *slot, int col, bool *isnull)
{
	return slot_getattr(slot, table_info[table].attnum[col], isnull);
}

bool
retail_same_text(Datum a, Datum b)
{
	return DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, a, b));
}

TupleTableSlot *
retail_slot_make(Relation rel)
{
	return MakeSingleTupleTableSlot(RelationGetDescr(rel),
									&TTSOpsBufferHeapTuple);
}

/*
 * GetLatestSnapshot() refuses to serve a leader whose parallel workers are out:
 * nothing of the server's own needs it there.  available() and pool() in a
 * parallel plan do, and the query's older snapshot would put codes into the
 * session's cache that are no longer right.
 */
Snapshot
retail_latest_snapshot(void)
{
	static SnapshotData own = {.snapshot_type = SNAPSHOT_MVCC};

	return RegisterSnapshot(IsInParallelMode() ? GetSnapshotData(&own) : GetLatestSnapshot());
}

static void
scan_begin(RetailScan *scan, RetailTableId table, RetailIndexId index,
		   LOCKMODE lockmode, Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->table = table;
	scan->rel = table_open(table_oid[table], lockmode);
	scan->index = index_open(index_oid[index], lockmode);
	(void) table_info_get(table);
	scan->snapshot = snapshot;
	scan->slot = retail_slot_make(scan->rel);
	scan->all = NULL;
	scan->scan = retail_index_beginscan(scan->rel, scan->index, snapshot, nkeys);
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

void
retail_scan_begin(RetailScan *scan, RetailTableId table, RetailIndexId index,
				  LOCKMODE lockmode, Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->own_snapshot = snapshot == NULL;
	if (snapshot == NULL)
		snapshot = retail_latest_snapshot();
	scan_begin(scan, table, index, lockmode, snapshot, nkeys, keys);
}

void
retail_scan_begin_dirty(RetailScan *scan, RetailTableId table,
						RetailIndexId index, LOCKMODE lockmode,
						int nkeys, ScanKey keys)
{
	scan->own_snapshot = false;
	InitDirtySnapshot(scan->dirty);
	scan_begin(scan, table, index, lockmode, &scan->dirty, nkeys, keys);
}

void
retail_scan_begin_all(RetailScan *scan, RetailTableId table, LOCKMODE lockmode,
					  Snapshot snapshot)
{
	scan->table = table;
	scan->rel = table_open(table_oid[table], lockmode);
	scan->index = NULL;
	(void) table_info_get(table);
	scan->own_snapshot = false;
	scan->snapshot = snapshot;
	scan->slot = retail_slot_make(scan->rel);
	scan->all = table_beginscan(scan->rel, snapshot, 0, NULL);
}

void
retail_scan_again(RetailScan *scan, int nkeys, ScanKey keys)
{
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

bool
retail_scan_next(RetailScan *scan)
{
	if (scan->all != NULL)
		return table_scan_getnextslot(scan->all, ForwardScanDirection, scan->slot);
	return index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
}

bool
retail_scan_previous(RetailScan *scan)
{
	return index_getnext_slot(scan->scan, BackwardScanDirection, scan->slot);
}

void
retail_scan_end(RetailScan *scan)
{
	if (scan->all != NULL)
		table_endscan(scan->all);
	else
		index_endscan(scan->scan);
	if (scan->own_snapshot)
		UnregisterSnapshot(scan->snapshot);
	ExecDropSingleTupleTableSlot(scan->slot);
	if (scan->index != NULL)
		index_close(scan->index, NoLock);
	table_close(scan->rel, NoLock);
}

double
retail_table_rows(RetailTableId table)
{
	Relation	rel = table_open(table_oid[table], AccessShareLock);
	double		rows = Max(rel->rd_rel->reltuples, 0);

	/* never analysed, or grown since: a row takes 100 bytes and more */
	rows = Max(rows, RelationGetNumberOfBlocks(rel) * (BLCKSZ / 150.0));
	table_close(rel, NoLock);
	return rows;
}

int
retail_scan_int32s(RetailScan *scan, int col, MemoryContext context, int32 **values)
{
	int			n = 0;
	int			room = 64;

	*values = MemoryContextAlloc(context, sizeof(int32) * room);
	while (retail_scan_next(scan))
	{
		if (n == room)
		{
			room *= 2;
			*values = repalloc_huge(*values, sizeof(int32) * (Size) room);
		}
		(*values)[n++] = retail_column_int32(scan->table, scan->slot, col);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(scan);
	return n;
}

void
retail_key_int4(ScanKey key, AttrNumber attno, int32 value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value));
}

void
retail_key_stock(ScanKey keys, int32 sku_id, int32 location_id)
{
	retail_key_int4(&keys[0], 1, sku_id);
	retail_key_int4(&keys[1], 2, location_id);
}

void
retail_key_int8(ScanKey key, AttrNumber attno, int64 value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
}

void
retail_key_text(ScanKey key, AttrNumber attno, Datum value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_TEXTEQ, value);
	key->sk_collation = C_COLLATION_OID;
}

void
retail_key_null(ScanKey key, AttrNumber attno, bool null)
{
	ScanKeyEntryInitialize(key,
						   SK_ISNULL | (null ? SK_SEARCHNULL : SK_SEARCHNOTNULL),
						   attno, InvalidStrategy, InvalidOid, InvalidOid,
						   InvalidOid, (Datum) 0);
}

void
retail_key_due(ScanKey key, AttrNumber attno, TimestampTz at)
{
	ScanKeyInit(key, attno, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(at));
}

bool
retail_row_lock(RetailScan *scan, TupleTableSlot *slot, LockWaitPolicy wait,
				bool *skipped)
{
	TM_FailureData tmfd;
	TM_Result	result;
	ItemPointerData tid = scan->slot->tts_tid;

	*skipped = false;
	result = table_tuple_lock(scan->rel, &tid, scan->snapshot, slot,
							  GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							  wait,
							  wait == LockWaitBlock ? TUPLE_LOCK_FLAG_FIND_LAST_VERSION : 0,
							  &tmfd);
	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_Deleted:
		case TM_SelfModified:
		case TM_Invisible:
			return false;
		case TM_Updated:
		case TM_WouldBlock:
		case TM_BeingModified:
			*skipped = true;
			return false;
	}
	return false;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

/* Whether a row trigger other than our own would have to fire. */
static bool
has_row_triggers(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgenabled == TRIGGER_DISABLED ||
			trigger->tgenabled == TRIGGER_FIRES_ON_REPLICA)
			continue;
		if (TRIGGER_FOR_ROW(trigger->tgtype) ||
			strcmp(trigger->tgname, "retail_guard") != 0)
			return true;
	}
	return false;
}

static void
learn_indexes(TableInfo *info, Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	ListCell   *lc;

	info->index_oid = palloc(sizeof(Oid) * (list_length(oids) + 1));
	info->index_info = palloc(sizeof(IndexInfo *) * (list_length(oids) + 1));
	info->nindexes = 0;
	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		IndexInfo  *index_info = BuildIndexInfo(index);

		if (index_info->ii_ReadyForInserts)
		{
			if (index->rd_rel->relam != BTREE_AM_OID ||
				index_info->ii_ExclusionOps != NULL ||
				(index->rd_index->indisunique && !index->rd_index->indimmediate))
				info->plain = false;
			if (index_info->ii_Predicate != NIL)
				index_info->ii_PredicateState =
					ExecPrepareQual(index_info->ii_Predicate, info->estate);
			info->index_oid[info->nindexes] = lfirst_oid(lc);
			info->index_info[info->nindexes] = index_info;
			info->nindexes++;
		}
		index_close(index, AccessShareLock);
	}
}

static void
learn_checks(TableInfo *info, Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	if (constr == NULL || constr->num_check == 0)
		return;
	info->check = palloc(sizeof(ExprState *) * constr->num_check);
	info->check_name = palloc(sizeof(char *) * constr->num_check);
	for (int i = 0; i < constr->num_check; i++)
	{
		if (!RETAIL_CHECK_ENFORCED(&constr->check[i]))
			continue;
		info->check[info->nchecks] =
			ExecPrepareExpr(stringToNode(constr->check[i].ccbin), info->estate);
		info->check_name[info->nchecks] = pstrdup(constr->check[i].ccname);
		info->nchecks++;
	}
}

static bool
is_ours(TableInfo *info, RetailTableId table, AttrNumber attnum)
{
	for (int i = 0; i < table_def[table].ncols; i++)
	{
		if (info->attnum[i] == attnum)
			return true;
	}
	return false;
}

/* Columns that are not ours get their default. */
static void
learn_defaults(TableInfo *info, RetailTableId table, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	info->default_attnum = palloc(sizeof(AttrNumber) * desc->natts);
	info->default_expr = palloc(sizeof(ExprState *) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Expr	   *expr;

		if (att->attisdropped || att->attgenerated != '\0' ||
			is_ours(info, table, att->attnum))
			continue;
		expr = (Expr *) build_column_default(rel, att->attnum);
		if (expr == NULL)
			continue;
		info->default_attnum[info->ndefaults] = att->attnum;
		info->default_expr[info->ndefaults] = ExecPrepareExpr(expr, info->estate);
		info->ndefaults++;
	}
}

/*
 * Builds what writing needs, as the table's owner: expressions are compiled
 * once for all roles this session may take, as they would be for a table's
 * constraint.
 */
static TableInfo *
table_info_for_write(RetailTableId table, Relation rel)
{
	TableInfo  *info = table_info_get(table);
	MemoryContext old_cxt;
	Oid			save_userid;
	int			save_sec;

	if (info->writable)
		return info;
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is partitioned, which the stock engine cannot write",
						RelationGetRelationName(rel)),
				 errhint("Keep it a plain table; finished reservations move to reservation_history, which is partitioned.")));
	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(rel->rd_rel->relowner,
						   save_sec | SECURITY_LOCAL_USERID_CHANGE);
	old_cxt = MemoryContextSwitchTo(info->cxt);
	info->estate = CreateExecutorState();
	MemoryContextSetParent(info->estate->es_query_cxt, info->cxt);
	info->plain = !has_row_triggers(rel) &&
		!RETAIL_HAS_GENERATED(RelationGetDescr(rel)->constr);
	learn_indexes(info, rel);
	learn_checks(info, rel);
	learn_defaults(info, table, rel);
	MemoryContextSwitchTo(old_cxt);
	SetUserIdAndSecContext(save_userid, save_sec);
	info->writable = true;
	return info;
}

static void
check_row(TableInfo *info, Relation rel, TupleTableSlot *slot,
		  ExprContext *econtext)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attnotnull && slot_attisnull(slot, att->attnum))
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("null value in column \"%s\" of relation \"%s\" violates not-null constraint",
							NameStr(att->attname), RelationGetRelationName(rel)),
					 errtablecol(rel, att->attnum)));
	}
	econtext->ecxt_scantuple = slot;
	for (int i = 0; i < info->nchecks; i++)
	{
		if (!ExecCheck(info->check[i], econtext))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("new row for relation \"%s\" violates check constraint \"%s\"",
							RelationGetRelationName(rel), info->check_name[i]),
					 errtableconstraint(rel, info->check_name[i])));
	}
}

/* Whether the row belongs into an index at all: its predicate. */
static bool
is_indexed(TableInfo *info, int i, TupleTableSlot *slot, ExprContext *econtext)
{
	econtext->ecxt_scantuple = slot;
	return info->index_info[i]->ii_PredicateState == NULL ||
		ExecQual(info->index_info[i]->ii_PredicateState, econtext);
}

/*
 * Whether an update of the given columns leaves an index as it was, but for
 * the place of the row.  A predicate may have come true, and an expression
 * cannot be told.
 */
static bool
is_key_unchanged(TableInfo *info, int i, RetailTableId table, uint32 set)
{
	IndexInfo  *index_info = info->index_info[i];

	if (index_info->ii_Predicate != NIL || index_info->ii_Expressions != NIL)
		return false;
	for (int col = 0; col < table_def[table].ncols; col++)
	{
		if ((set & SET_COLUMN(col)) == 0)
			continue;
		for (int key = 0; key < index_info->ii_NumIndexAttrs; key++)
		{
			if (index_info->ii_IndexAttrNumbers[key] == info->attnum[col])
				return false;
		}
	}
	return true;
}

/*
 * The row's entry in one index.  A key that an update has left alone was
 * unique and still is, so it is not looked for again.  With
 * UNIQUE_CHECK_PARTIAL: false when a unique index found a conflict.
 */
static bool
insert_index_entry(TableInfo *info, int i, Relation index, Relation rel,
				   TupleTableSlot *slot, bool key_unchanged, IndexUniqueCheck check)
{
	IndexInfo  *index_info = info->index_info[i];
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	FormIndexDatum(index_info, slot, info->estate, values, isnull);
	if (!index->rd_index->indisunique || key_unchanged)
		check = UNIQUE_CHECK_NO;
	return index_insert(index, values, isnull, &slot->tts_tid, rel, check,
						key_unchanged, index_info) || check != UNIQUE_CHECK_PARTIAL;
}

/* A new row's entries in all indexes; false as above. */
static bool
insert_index_entries(TableInfo *info, Relation rel, TupleTableSlot *slot,
					 ExprContext *econtext, IndexUniqueCheck check)
{
	bool		unique = true;

	for (int i = 0; i < info->nindexes && unique; i++)
	{
		Relation	index;

		if (!is_indexed(info, i, slot, econtext))
			continue;
		index = index_open(info->index_oid[i], RowExclusiveLock);
		unique = insert_index_entry(info, i, index, rel, slot, false, check);
		index_close(index, NoLock);
	}
	return unique;
}

/* The entries of the new version of a row whose columns in "set" changed. */
static void
update_index_entries(TableInfo *info, RetailTableId table, Relation rel,
					 TupleTableSlot *slot, uint32 set, ExprContext *econtext)
{
	for (int i = 0; i < info->nindexes; i++)
	{
		Relation	index;

		if (!is_indexed(info, i, slot, econtext))
			continue;
		index = index_open(info->index_oid[i], RowExclusiveLock);
		(void) insert_index_entry(info, i, index, rel, slot,
								  is_key_unchanged(info, i, table, set), UNIQUE_CHECK_YES);
		index_close(index, NoLock);
	}
}

static void
fill_defaults(TableInfo *info, TupleTableSlot *slot, ExprContext *econtext)
{
	for (int i = 0; i < info->ndefaults; i++)
	{
		int			att = info->default_attnum[i] - 1;

		slot->tts_values[att] = ExecEvalExpr(info->default_expr[i], econtext,
											 &slot->tts_isnull[att]);
	}
}

/* Fills a slot with the row to be: our columns from values, the rest as given. */
static void
fill_new_row(TableInfo *info, RetailTableId table, Relation rel, TupleTableSlot *slot,
			 TupleTableSlot *old, uint32 set, Datum *values, bool *isnull,
			 ExprContext *econtext)
{
	int			natts = RelationGetDescr(rel)->natts;

	ExecClearTuple(slot);
	if (old != NULL)
	{
		slot_getallattrs(old);
		memcpy(slot->tts_values, old->tts_values, natts * sizeof(Datum));
		memcpy(slot->tts_isnull, old->tts_isnull, natts * sizeof(bool));
	}
	else
	{
		memset(slot->tts_values, 0, natts * sizeof(Datum));
		memset(slot->tts_isnull, true, natts * sizeof(bool));
		fill_defaults(info, slot, econtext);
	}
	for (int i = 0; i < table_def[table].ncols; i++)
	{
		int			att = info->attnum[i] - 1;

		if (old != NULL && (set & SET_COLUMN(i)) == 0)
			continue;
		slot->tts_values[att] = values[i];
		slot->tts_isnull[att] = isnull[i];
	}
	ExecStoreVirtualTuple(slot);
}

static TupleTableSlot *
make_new_row(TableInfo *info, RetailTableId table, Relation rel,
			 TupleTableSlot *old, uint32 set, Datum *values, bool *isnull,
			 ExprContext *econtext)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
													&TTSOpsVirtual);

	fill_new_row(info, table, rel, slot, old, set, values, isnull, econtext);
	return slot;
}

/*
 * The counters have moved by what was asked for: a row trigger that leaves the
 * row out, or writes other numbers, cannot be followed.
 */
static void
check_as_asked(Relation rel, TupleTableSlot *written, TupleTableSlot *asked)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (!ItemPointerIsValid(&written->tts_tid))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger on table \"%s\" left out a row of pg_retail",
						RelationGetRelationName(rel)),
				 errhint("Let it raise an error instead, and nothing is done.")));
	slot_getallattrs(written);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || att->attgenerated != '\0' ||
			(att->atttypid != INT4OID && att->atttypid != INT8OID))
			continue;
		if (written->tts_isnull[i] != asked->tts_isnull[i] ||
			(!written->tts_isnull[i] && written->tts_values[i] != asked->tts_values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					 errmsg("a trigger on table \"%s\" changed column \"%s\" of a row of pg_retail",
							RelationGetRelationName(rel), NameStr(att->attname)),
					 errhint("Numbers belong to the functions; a trigger may fill columns of other types.")));
	}
}

/*
 * The executor's way, with every kind of trigger: what a statement of one row
 * would do, announced to our own guard.
 */
typedef struct Statement
{
	EState	   *estate;
	ResultRelInfo *rri;
	TupleTableSlot *slot;		/* the row as triggers make it */
	TupleTableSlot *asked;		/* the row as asked for */
} Statement;

static void
statement_begin(Statement *st, Relation rel, CmdType operation, bool speculative,
				TupleTableSlot *asked)
{
	st->estate = CreateExecutorState();
	st->rri = makeNode(ResultRelInfo);
	retail_init_range_table(st->estate, rel);
	InitResultRelInfo(st->rri, rel, 1, NULL, 0);
	st->estate->es_opened_result_relations = list_make1(st->rri);
	st->estate->es_output_cid = GetCurrentCommandId(true);
	ExecOpenIndices(st->rri, speculative);
	AfterTriggerBeginQuery();
	PushActiveSnapshot(GetLatestSnapshot());
	st->asked = asked;
	st->slot = ExecInitExtraTupleSlot(st->estate, RelationGetDescr(rel), &TTSOpsVirtual);
	ExecCopySlot(st->slot, asked);
	st->slot->tts_tableOid = RelationGetRelid(rel);
	ItemPointerSetInvalid(&st->slot->tts_tid);
	retail_announce(RelationGetRelid(rel), operation);
}

static void
statement_end(Statement *st, Relation rel, bool written)
{
	retail_announce_forget();
	if (written)
		check_as_asked(rel, st->slot, st->asked);
	AfterTriggerEndQuery(st->estate);
	PopActiveSnapshot();
	ExecCloseIndices(st->rri);
	ExecResetTupleTable(st->estate->es_tupleTable, false);
	FreeExecutorState(st->estate);
}

static void
insert_by_executor(Relation rel, TupleTableSlot *new_slot)
{
	Statement	st;

	statement_begin(&st, rel, CMD_INSERT, false, new_slot);
	ExecBSInsertTriggers(st.estate, st.rri);
	ExecSimpleRelationInsert(st.rri, st.estate, st.slot);
	ExecASInsertTriggers(st.estate, st.rri, NULL);
	statement_end(&st, rel, true);
}

static void
update_by_executor(Relation rel, TupleTableSlot *old, TupleTableSlot *new_slot)
{
	Statement	st;
	EPQState	epqstate;
	TupleTableSlot *search;

	statement_begin(&st, rel, CMD_UPDATE, false, new_slot);
	search = ExecInitExtraTupleSlot(st.estate, RelationGetDescr(rel),
									table_slot_callbacks(rel));
	ExecCopySlot(search, old);
	search->tts_tid = old->tts_tid;
	search->tts_tableOid = RelationGetRelid(rel);
	retail_eval_plan_qual_init(&epqstate, st.estate);
	ExecBSUpdateTriggers(st.estate, st.rri);
	ExecSimpleRelationUpdate(st.rri, st.estate, &epqstate, search, st.slot);
	ExecASUpdateTriggers(st.estate, st.rri, NULL);
	EvalPlanQualEnd(&epqstate);
	statement_end(&st, rel, true);
}

/* As INSERT ... ON CONFLICT DO NOTHING, but without waiting for the other. */
static bool
insert_unique_by_executor(Relation rel, TupleTableSlot *new_slot)
{
	Statement	st;
	bool		conflict = false;

	statement_begin(&st, rel, CMD_INSERT, true, new_slot);
	ExecBSInsertTriggers(st.estate, st.rri);
	if (rel->trigdesc == NULL || !rel->trigdesc->trig_insert_before_row ||
		ExecBRInsertTriggers(st.estate, st.rri, st.slot))
	{
		TransactionId xid = GetCurrentTransactionId();
		TupleConstr *constr = RelationGetDescr(rel)->constr;
		List	   *recheck;
		uint32		token;

		if (constr && constr->has_generated_stored)
			ExecComputeStoredGenerated(st.rri, st.estate, st.slot, CMD_INSERT);
		if (constr)
			ExecConstraints(st.rri, st.slot, st.estate);
		token = SpeculativeInsertionLockAcquire(xid);
		table_tuple_insert_speculative(rel, st.slot, st.estate->es_output_cid, 0, NULL, token);
		recheck = retail_exec_insert_index_tuples(st.rri, st.slot, st.estate, &conflict);
		table_tuple_complete_speculative(rel, st.slot, token, !conflict);
		SpeculativeInsertionLockRelease(xid);
		if (!conflict)
			ExecARInsertTriggers(st.estate, st.rri, st.slot, recheck, NULL);
		list_free(recheck);
	}
	ExecASInsertTriggers(st.estate, st.rri, NULL);
	statement_end(&st, rel, !conflict);
	return !conflict;
}

void
retail_row_insert(RetailTableId table, Datum *values, bool *isnull)
{
	Relation	rel = table_open(table_oid[table], RowExclusiveLock);
	TableInfo  *info = table_info_for_write(table, rel);
	ExprContext *econtext = GetPerTupleExprContext(info->estate);
	TupleTableSlot *slot = make_new_row(info, table, rel, NULL, 0, values,
										isnull, econtext);

	if (!info->plain)
		insert_by_executor(rel, slot);
	else
	{
		check_row(info, rel, slot, econtext);
		table_tuple_insert(rel, slot, GetCurrentCommandId(true), 0, NULL);
		insert_index_entries(info, rel, slot, econtext, UNIQUE_CHECK_YES);
	}
	ExecDropSingleTupleTableSlot(slot);
	ResetExprContext(econtext);
	table_close(rel, NoLock);
}

/* Writes buffered rows: heap pages filled in one go, then index by index. */
static void
insert_plain_rows(TableInfo *info, Relation rel, TupleTableSlot **slots, int n,
				  ExprContext *econtext)
{
	table_multi_insert(rel, slots, n, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < info->nindexes; i++)
	{
		Relation	index = index_open(info->index_oid[i], RowExclusiveLock);

		for (int row = 0; row < n; row++)
		{
			if (is_indexed(info, i, slots[row], econtext))
				(void) insert_index_entry(info, i, index, rel, slots[row], false,
										  UNIQUE_CHECK_YES);
		}
		index_close(index, NoLock);
	}
}

void
retail_rows_insert(RetailTableId table, int n, Datum *values, bool *isnull)
{
	Relation	rel = table_open(table_oid[table], RowExclusiveLock);
	TableInfo  *info = table_info_for_write(table, rel);
	ExprContext *econtext = GetPerTupleExprContext(info->estate);
	int			ncols = table_def[table].ncols;
	TupleTableSlot *slots[ROWS_AT_ONCE];

	for (int i = 0; i < Min(n, ROWS_AT_ONCE); i++)
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	for (int done = 0; done < n;)
	{
		int			batch = Min(n - done, ROWS_AT_ONCE);

		for (int i = 0; i < batch; i++)
		{
			int			row = done + i;

			fill_new_row(info, table, rel, slots[i], NULL, 0, &values[row * ncols],
						 &isnull[row * ncols], econtext);
			if (info->plain)
				check_row(info, rel, slots[i], econtext);
			else
				insert_by_executor(rel, slots[i]);
		}
		if (info->plain)
			insert_plain_rows(info, rel, slots, batch, econtext);
		ResetExprContext(econtext);
		done += batch;
		CHECK_FOR_INTERRUPTS();
	}
	for (int i = 0; i < Min(n, ROWS_AT_ONCE); i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	table_close(rel, NoLock);
}

/* Returns false when the row was changed by, or is locked by, someone else. */
static bool
update_row(RetailTableId table, Relation rel, TupleTableSlot *old, bool wait,
		   uint32 set, Datum *values, bool *isnull)
{
	TableInfo  *info = table_info_for_write(table, rel);
	ExprContext *econtext = GetPerTupleExprContext(info->estate);
	TupleTableSlot *slot = make_new_row(info, table, rel, old, set, values,
										isnull, econtext);
	TM_Result	result = TM_Ok;

	if (!info->plain)
		update_by_executor(rel, old, slot);
	else
	{
		bool		update_indexes;

		check_row(info, rel, slot, econtext);
		result = retail_tuple_update(rel, &old->tts_tid, slot,
									 GetCurrentCommandId(true), wait,
									 &update_indexes);
		if (result == TM_Ok && update_indexes)
			update_index_entries(info, table, rel, slot, set, econtext);
	}
	ExecDropSingleTupleTableSlot(slot);
	ResetExprContext(econtext);
	return result == TM_Ok;
}

void
retail_row_update(RetailTableId table, TupleTableSlot *locked, uint32 set,
				  Datum *values, bool *isnull)
{
	Relation	rel = table_open(table_oid[table], RowExclusiveLock);

	if (!update_row(table, rel, locked, true, set, values, isnull))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("row of table \"%s\" changed while it was locked",
						RelationGetRelationName(rel)),
				 errhint("Retry the transaction.")));
	table_close(rel, NoLock);
}

bool
retail_row_try_update(RetailScan *scan, uint32 set, Datum *values, bool *isnull)
{
	TableInfo  *info = table_info_for_write(scan->table, scan->rel);
	TupleTableSlot *locked;
	bool		skipped;
	bool		done = false;

	if (info->plain &&
		update_row(scan->table, scan->rel, scan->slot, false, set, values, isnull))
		return true;

	/* locked by ourselves perhaps; and triggers cannot be asked not to wait */
	locked = retail_slot_make(scan->rel);
	if (retail_row_lock(scan, locked, LockWaitSkip, &skipped))
		done = update_row(scan->table, scan->rel, locked, true, set, values, isnull);
	ExecDropSingleTupleTableSlot(locked);
	return done;
}

/*
 * A speculative insertion, as INSERT ... ON CONFLICT does it: the row is there
 * for others to see, and to wait for, but goes again without a trace when the
 * unique index finds another.
 */
bool
retail_row_insert_unique(RetailTableId table, Datum *values, bool *isnull)
{
	Relation	rel = table_open(table_oid[table], RowExclusiveLock);
	TableInfo  *info = table_info_for_write(table, rel);
	ExprContext *econtext = GetPerTupleExprContext(info->estate);
	TupleTableSlot *slot = make_new_row(info, table, rel, NULL, 0, values,
										isnull, econtext);
	bool		unique = true;

	if (!info->plain)
		unique = insert_unique_by_executor(rel, slot);
	else
	{
		uint32		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());

		check_row(info, rel, slot, econtext);
		table_tuple_insert_speculative(rel, slot, GetCurrentCommandId(true), 0,
									   NULL, token);
		unique = insert_index_entries(info, rel, slot, econtext, UNIQUE_CHECK_PARTIAL);
		table_tuple_complete_speculative(rel, slot, token, unique);
		SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	}
	ExecDropSingleTupleTableSlot(slot);
	ResetExprContext(econtext);
	table_close(rel, NoLock);
	return unique;
}

bool
retail_scan_wait_in_flight(RetailScan *scan)
{
	TransactionId xid = TransactionIdIsValid(scan->dirty.xmin) ?
		scan->dirty.xmin : scan->dirty.xmax;

	if (!TransactionIdIsValid(xid))
		return false;
	if (TransactionIdIsValid(scan->dirty.xmin) && scan->dirty.speculativeToken != 0)
		SpeculativeInsertionWait(xid, scan->dirty.speculativeToken);
	else
		XactLockTableWait(xid, scan->rel, &scan->slot->tts_tid, XLTW_InsertIndex);
	return true;
}

int64
retail_next_reservation_id(void)
{
	return nextval_internal(reservation_seq_oid, false);
}

int64
retail_next_movement_id(void)
{
	return nextval_internal(movement_seq_oid, false);
}

int64
retail_next_lot_id(void)
{
	return nextval_internal(lot_seq_oid, false);
}

int64
retail_next_sales_order_id(void)
{
	return nextval_internal(sales_order_seq_oid, false);
}

int64
retail_next_fulfilment_order_id(void)
{
	return nextval_internal(fulfilment_order_seq_oid, false);
}
