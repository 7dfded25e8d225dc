/*-------------------------------------------------------------------------
 * price_change.c
 *		What a statement changes of prices, in the order in which all take it.
 *
 * Changes are put in any order, sorted once, and read twice: first the guard
 * rows of all SKUs and currencies are locked, then the changes are handed out.
 * The sort is the lock order, the same for everybody, so two loads that name
 * their SKUs in opposite orders do not deadlock; and what bounds the prices of
 * one SKU is then read once.
 *
 * A base price and the prices around it meet on the guard row: of two sessions,
 * one that changes the base and one that sets a price, the later waits for the
 * earlier to end.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "band_value.h"
#include "fault.h"
#include "price_change.h"
#include "spi_util.h"

/* Bits of price_guard.scopes. */
#define SCOPE_ALL 1
#define SCOPE_CHANNEL 2
#define SCOPE_LOCATION 4
#define SCOPE_BOTH 8

/* What is sorted, in this order of fields, all as int8. */
typedef enum ChangeField
{
	FIELD_SKU_ID, FIELD_CURRENCY, FIELD_FROM, FIELD_UNTIL, FIELD_WHAT,
	FIELD_ID, FIELD_AMOUNT, FIELD_LOCATION_ID, FIELD_CHANNEL_ID,
	FIELD_KIND, FIELD_GRANT_ID, NFIELDS
} ChangeField;

#define NKEYS 3

struct PriceChanges
{
	MemoryContext lock_cxt;		/* reset with each SKU */
	Tuplesortstate *sort;
	TupleTableSlot *put_slot;
	TupleTableSlot *sort_slot;
	int64		n;
};

PriceChanges *
retail_price_changes_begin(void)
{
	PriceChanges *changes = palloc0(sizeof(PriceChanges));
	TupleDesc	desc = CreateTemplateTupleDesc(NFIELDS);
	AttrNumber	keys[NKEYS];
	Oid			operators[NKEYS];
	Oid			collations[NKEYS] = {0};
	bool		nulls_first[NKEYS] = {0};

	for (AttrNumber i = 1; i <= NFIELDS; i++)
		TupleDescInitEntry(desc, i, "field", INT8OID, -1, 0);
	for (int i = 0; i < NKEYS; i++)
	{
		keys[i] = (AttrNumber) (i + 1);
		operators[i] = Int8LessOperator;
	}
	changes->sort = tuplesort_begin_heap(desc, NKEYS, keys, operators, collations, nulls_first,
										 work_mem, NULL, TUPLESORT_RANDOMACCESS);
	changes->put_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	changes->sort_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	changes->lock_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail price locks",
											  ALLOCSET_SMALL_SIZES);
	return changes;
}

void
retail_price_changes_put(PriceChanges *changes, const PriceRow *row, PriceChangeKind what,
						 TimestampTz from, TimestampTz until)
{
	TupleTableSlot *slot = changes->put_slot;

	ExecClearTuple(slot);
	slot->tts_values[FIELD_SKU_ID] = Int64GetDatum(row->sku_id);
	slot->tts_values[FIELD_CURRENCY] = Int64GetDatum(row->currency);
	slot->tts_values[FIELD_FROM] = Int64GetDatum(from);
	slot->tts_values[FIELD_UNTIL] = Int64GetDatum(until);
	slot->tts_values[FIELD_WHAT] = Int64GetDatum(what);
	slot->tts_values[FIELD_ID] = Int64GetDatum(row->id);
	slot->tts_values[FIELD_AMOUNT] = Int64GetDatum(row->amount_minor);
	slot->tts_values[FIELD_LOCATION_ID] = Int64GetDatum(row->location_id);
	slot->tts_values[FIELD_CHANNEL_ID] = Int64GetDatum(row->channel_id);
	slot->tts_values[FIELD_KIND] = Int64GetDatum(row->kind);
	slot->tts_values[FIELD_GRANT_ID] = Int64GetDatum(row->grant_id);
	memset(slot->tts_isnull, 0, sizeof(bool) * NFIELDS);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(changes->sort, slot);
	changes->n++;
}

bool
retail_price_changes_any(const PriceChanges *changes)
{
	return changes->n > 0;
}

bool
retail_price_changes_next(PriceChanges *changes, PriceChange *change)
{
	Datum	   *values;

	if (!tuplesort_gettupleslot(changes->sort, true, false, changes->sort_slot, NULL))
		return false;
	slot_getallattrs(changes->sort_slot);
	values = changes->sort_slot->tts_values;
	change->sku_id = (int32) DatumGetInt64(values[FIELD_SKU_ID]);
	change->currency = (int32) DatumGetInt64(values[FIELD_CURRENCY]);
	change->from = DatumGetInt64(values[FIELD_FROM]);
	change->until = DatumGetInt64(values[FIELD_UNTIL]);
	change->what = (PriceChangeKind) DatumGetInt64(values[FIELD_WHAT]);
	change->id = DatumGetInt64(values[FIELD_ID]);
	change->amount_minor = DatumGetInt64(values[FIELD_AMOUNT]);
	change->location_id = (int32) DatumGetInt64(values[FIELD_LOCATION_ID]);
	change->channel_id = (int32) DatumGetInt64(values[FIELD_CHANNEL_ID]);
	change->kind = (int32) DatumGetInt64(values[FIELD_KIND]);
	change->grant_id = DatumGetInt64(values[FIELD_GRANT_ID]);
	return true;
}

void
retail_price_changes_end(PriceChanges *changes)
{
	tuplesort_end(changes->sort);
	MemoryContextDelete(changes->lock_cxt);
}

PriceTerms
retail_price_change_terms(const PriceChange *change)
{
	PriceTerms	terms = {0};

	terms.location_id = change->location_id;
	terms.channel_id = change->channel_id;
	terms.advertised = retail_price_is_advertised(change->kind);
	terms.amount_minor = change->amount_minor;
	terms.grant_id = change->grant_id;
	terms.from = change->from;
	terms.until = change->until;
	return terms;
}

/* ----------------------------------------------------------------
 * Guard rows
 * ----------------------------------------------------------------
 */

static void
lock_sku(int32 sku_id, int32 currency, int32 kinds, int32 scopes)
{
	static SPIPlanPtr plan = NULL;
	char		letters[BAND_CURRENCY_LETTERS + 1];

	if (RETAIL_FAULT("price_unlocked"))
		return;

	/* the version is drawn with the row locked, so the later change has the greater one */
	retail_spi_kept(&plan,
					"INSERT INTO retail.price_guard AS g (sku_id, currency, version, kinds, scopes)"
					" VALUES ($1, $2, nextval('retail.price_version_seq'), $3, $4)"
					" ON CONFLICT (sku_id, currency) DO UPDATE SET"
					" version = nextval('retail.price_version_seq'),"
					" kinds = g.kinds | excluded.kinds, scopes = g.scopes | excluded.scopes",
					4, (Oid[]) {INT4OID, TEXTOID, INT4OID, INT4OID},
					(Datum[]) {Int32GetDatum(sku_id),
							   CStringGetTextDatum(retail_currency_unpack(currency, letters)),
							   Int32GetDatum(kinds), Int32GetDatum(scopes)},
					false);
}

static int32
scope_bit(const PriceChange *change)
{
	if (change->kind == 0)
		return 0;
	if (change->location_id == 0)
		return change->channel_id == 0 ? SCOPE_ALL : SCOPE_CHANNEL;
	return change->channel_id == 0 ? SCOPE_LOCATION : SCOPE_BOTH;
}

void
retail_price_changes_lock(PriceChanges *changes)
{
	MemoryContext old = MemoryContextSwitchTo(changes->lock_cxt);
	PriceChange change;
	int32		sku_id = 0;
	int32		currency = 0;
	int32		kinds = 0;
	int32		scopes = 0;

	tuplesort_performsort(changes->sort);
	while (retail_price_changes_next(changes, &change))
	{
		CHECK_FOR_INTERRUPTS();
		if (currency != 0 && (change.sku_id != sku_id || change.currency != currency))
		{
			lock_sku(sku_id, currency, kinds, scopes);
			MemoryContextReset(changes->lock_cxt);
			kinds = scopes = 0;
		}
		sku_id = change.sku_id;
		currency = change.currency;
		kinds |= change.kind;
		scopes |= scope_bit(&change);
	}
	lock_sku(sku_id, currency, kinds, scopes);
	MemoryContextSwitchTo(old);
	tuplesort_rescan(changes->sort);
}
