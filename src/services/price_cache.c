/*-------------------------------------------------------------------------
 * price_cache.c
 *		Prices that this session has read, as long as they are what they were.
 *
 * A sheet holds what a quote of one SKU in one channel, location, currency and
 * tier is made from.  It is tagged with the version of the SKU's prices
 * (retail.price_guard) that its snapshot saw, and serves only who sees the same
 * version: every statement that changes a price gives its SKU a new one, in
 * the same transaction, from a sequence.  So a session under REPEATABLE READ
 * goes on reading what it could read at its beginning, and no message has to
 * reach anybody in time.
 *
 * Between the rows of a statement and the version that the guard gives them, a
 * transaction could see its own rows under the old version: a user's trigger
 * may quote there, and all of it be rolled back later.  Therefore a
 * transaction that has written prices itself (it holds their table's lock)
 * neither uses sheets nor keeps any.
 *
 * Without its triggers in place a table's versions say nothing.  Whoever
 * disables or drops one sends an invalidation of the table, and so does
 * whoever enables it again: all sheets are dropped then, and none are made
 * while a trigger is missing.
 *
 * Bounded by pg_retail.quote_cache: the sheet that was not used for longest
 * goes.  One with very many offers is not kept, so the memory is bounded too.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "fault.h"
#include "guc.h"
#include "price_cache.h"
#include "table.h"

/* More offers than this and a sheet is not kept. */
#define MAX_KEPT_OFFERS 64

/* No padding: the bytes are the key. */
typedef struct SheetKey
{
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
	char		currency[PRICE_CURRENCY_LETTERS + 1];
	uint64		tier_hash;		/* 0: no tier */
} SheetKey;

typedef struct SheetEntry
{
	SheetKey	key;
	int64		version;
	text	   *tier;			/* NULL: none; else what tier_hash is of */
	PriceSheet	sheet;
	dlist_node	use;			/* in order of last use, the latest first */
} SheetEntry;

static MemoryContext cache_cxt = NULL;
static HTAB *sheets = NULL;
static dlist_head uses = DLIST_STATIC_INIT(uses);

/* Moved by each invalidation; sheets are of the generation they were made in. */
static uint64 generation = 1;
static uint64 built = 0;
static bool guarded;			/* the triggers are there, in this generation */

/* The answer of a call that keeps nothing. */
static PriceSheet loose;

/* ----------------------------------------------------------------
 * Whether versions can be relied on
 * ----------------------------------------------------------------
 */

static void
invalidate_prices(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == retail_table_oid(TABLE_PRICE) ||
		relid == retail_table_oid(TABLE_BASE_PRICE) ||
		relid == retail_table_oid(TABLE_PRICE_GUARD) ||
		relid == retail_table_oid(TABLE_CURRENCY))
		generation++;
}

void
retail_price_cache_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_prices, (Datum) 0);
}

static bool
has_trigger(Relation rel, const char *name, int16 event)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (strcmp(trigger->tgname, name) == 0)
			return trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
				(trigger->tgtype & event) != 0 && !TRIGGER_FOR_ROW(trigger->tgtype) &&
				trigger->tgnattr == 0 && trigger->tgqual == NULL;
	}
	return false;
}

static bool
is_guarded(RetailTableId table)
{
	Relation	rel = table_open(retail_table_oid(table), AccessShareLock);
	bool		guarded = has_trigger(rel, "retail_guard_insert", TRIGGER_TYPE_INSERT) &&
		has_trigger(rel, "retail_guard_update", TRIGGER_TYPE_UPDATE) &&
		has_trigger(rel, "retail_guard", TRIGGER_TYPE_DELETE) &&
		has_trigger(rel, "retail_guard", TRIGGER_TYPE_TRUNCATE);

	table_close(rel, NoLock);
	return guarded;
}

static bool
is_written_here(RetailTableId table)
{
	Relation	rel = table_open(retail_table_oid(table), AccessShareLock);
	bool		written = CheckRelationLockedByMe(rel, RowExclusiveLock, true);

	table_close(rel, NoLock);
	return written;
}

/* Whether this transaction may see prices under a version that is not theirs. */
static bool
writes_prices(void)
{
	return TransactionIdIsValid(GetTopTransactionIdIfAny()) &&
		(is_written_here(TABLE_PRICE) || is_written_here(TABLE_BASE_PRICE));
}

/* Empties the cache where something has been invalidated. */
static void
freshen(void)
{
	HASHCTL		ctl;

	if (sheets != NULL && built == generation)
		return;
	if (cache_cxt != NULL)
		MemoryContextDelete(cache_cxt);
	cache_cxt = NULL;
	sheets = NULL;
	dlist_init(&uses);
	built = generation;
	guarded = is_guarded(TABLE_PRICE) && is_guarded(TABLE_BASE_PRICE);
	cache_cxt = AllocSetContextCreate(CacheMemoryContext, "pg_retail prices",
									  ALLOCSET_DEFAULT_SIZES);
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(SheetKey);
	ctl.entrysize = sizeof(SheetEntry);
	ctl.hcxt = cache_cxt;
	sheets = hash_create("pg_retail prices", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* ----------------------------------------------------------------
 * Sheets
 * ----------------------------------------------------------------
 */

static SheetKey
key_of(const PriceScope *scope, const PriceVersion *version)
{
	SheetKey	key;

	memset(&key, 0, sizeof(key));
	key.sku_id = scope->sku_id;
	key.location_id = scope->location_id;
	key.channel_id = scope->channel_id;
	memcpy(key.currency, version->currency, sizeof(key.currency));
	if (scope->tier != (Datum) 0)
	{
		text	   *tier = DatumGetTextPP(scope->tier);

		key.tier_hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(tier),
											VARSIZE_ANY_EXHDR(tier), 1) | 1;
	}
	return key;
}

static bool
is_of_tier(const SheetEntry *entry, Datum tier)
{
	if (entry->tier == NULL || tier == (Datum) 0)
		return entry->tier == NULL && tier == (Datum) 0;
	return retail_same_text(PointerGetDatum(entry->tier), tier);
}

/* Takes an entry out, with what it has allocated. */
static void
drop_entry(SheetEntry *entry)
{
	SheetKey	key = entry->key;

	dlist_delete(&entry->use);
	if (entry->tier != NULL)
		pfree(entry->tier);
	if (entry->sheet.offers.offers != NULL)
		pfree(entry->sheet.offers.offers);
	hash_search(sheets, &key, HASH_REMOVE, NULL);
}

static void
make_room(void)
{
	while (hash_get_num_entries(sheets) > 0 &&
		   hash_get_num_entries(sheets) >= retail_quote_cache)
		drop_entry(dlist_tail_element(SheetEntry, use, &uses));
}

/* Keeps a sheet in the cache's own memory. */
static PriceSheet *
keep_sheet(const SheetKey *key, const PriceScope *scope, const PriceVersion *version,
		   const PriceSheet *sheet)
{
	Size		size = sizeof(PriceOffer) * Max(sheet->offers.n, 1);
	PriceOffer *offers;
	text	   *tier = NULL;
	SheetEntry *entry = hash_search(sheets, key, HASH_FIND, NULL);

	if (entry != NULL)
		drop_entry(entry);
	make_room();

	/* what can fail comes before the entry */
	offers = MemoryContextAlloc(cache_cxt, size);
	if (scope->tier != (Datum) 0)
	{
		MemoryContext old = MemoryContextSwitchTo(cache_cxt);

		tier = DatumGetTextPCopy(scope->tier);
		MemoryContextSwitchTo(old);
	}
	entry = hash_search(sheets, key, HASH_ENTER, NULL);
	entry->version = version->version;
	entry->tier = tier;
	entry->sheet = *sheet;
	if (sheet->offers.n > 0)
		memcpy(offers, sheet->offers.offers, sizeof(PriceOffer) * sheet->offers.n);
	entry->sheet.offers.offers = offers;
	entry->sheet.offers.room = sheet->offers.n;
	dlist_push_head(&uses, &entry->use);
	return &entry->sheet;
}

static PriceSheet *
find_sheet(const SheetKey *key, const PriceScope *scope, const PriceVersion *version,
		   TimestampTz at)
{
	SheetEntry *entry = hash_search(sheets, key, HASH_FIND, NULL);

	if (entry == NULL || !is_of_tier(entry, scope->tier) ||
		(entry->version != version->version && !RETAIL_FAULT("quote_old_version")) ||
		at < entry->sheet.offers.good_from || at >= entry->sheet.offers.good_until)
		return NULL;
	dlist_move_head(&uses, &entry->use);
	return &entry->sheet;
}

static void
read_sheet(PriceScope *scope, TimestampTz at, Snapshot snapshot, PriceSheet *sheet)
{
	memset(sheet, 0, sizeof(*sheet));
	sheet->decimals = scope->decimals = retail_price_decimals(scope->currency, snapshot);
	retail_price_read_around(scope, at, snapshot, &sheet->offers);
}

PriceSheet *
retail_price_cache_offers(PriceScope *scope, const PriceVersion *version, TimestampTz at,
						  Snapshot snapshot)
{
	SheetKey	key = key_of(scope, version);
	bool		keeps;
	PriceSheet *sheet;

	freshen();
	keeps = guarded && retail_quote_cache > 0 && !writes_prices();
	sheet = keeps ? find_sheet(&key, scope, version, at) : NULL;
	if (sheet == NULL)
	{
		read_sheet(scope, at, snapshot, &loose);
		sheet = &loose;
		if (keeps && built == generation && loose.offers.n <= MAX_KEPT_OFFERS)
			sheet = keep_sheet(&key, scope, version, &loose);
	}
	scope->decimals = sheet->decimals;
	if (!RETAIL_FAULT("quote_without_grants"))
		retail_price_read_grants(sheet->offers.offers, sheet->offers.n, snapshot);
	return sheet;
}

void
retail_price_cache_counts(int64 *nsheets, int64 *nbytes)
{
	*nsheets = sheets == NULL ? 0 : hash_get_num_entries(sheets);
	*nbytes = cache_cxt == NULL ? 0 : MemoryContextMemAllocated(cache_cxt, true);
}
