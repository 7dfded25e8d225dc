/*-------------------------------------------------------------------------
 * price_history.c
 *		What may become of a row of base_price or price.
 *
 * History is not rewritten.  Rows are not deleted; of a row only the end of its
 * validity moves, to now or later, while it has not passed; one that has not
 * begun may move as a whole, to now or later; and a row may be withdrawn, which
 * keeps what was quoted before.
 *
 * A new row is recorded now, by who calls.  One that says it was recorded
 * before is a load of history: what is past is taken as it was, and how many
 * rows came so is kept in price_load.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "fault.h"
#include "price_history.h"
#include "spi_util.h"
#include "table.h"

static void
refuse_rewrite(PriceTable *table, int64 id, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_DIRECT_WRITE),
			 errmsg("row %lld of table \"%s\" cannot be changed so", (long long) id,
					RelationGetRelationName(table->rel)),
			 errdetail("%s", detail),
			 errhint("Of a price only the end may move, to now or later; withdraw it and set another: retail.withdraw_price(), retail.set_price().")));
}

void
retail_price_history_delete(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_DIRECT_WRITE),
			 errmsg("rows of table \"%s\" are never deleted", RelationGetRelationName(rel)),
			 errdetail("What was quoted once must be found again."),
			 errhint("Withdraw a price with retail.withdraw_price(), or end it.")));
}

PriceOrigin
retail_price_history_insert(PriceTable *table, TupleTableSlot *slot, const PriceRow *row,
							TimestampTz now, Datum actor)
{
	bool		isnull;

	if (row->recorded_at > now || (row->withdrawn && row->withdrawn_at > now))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %lld of table \"%s\" is recorded, or withdrawn, in the future",
						(long long) row->id, RelationGetRelationName(table->rel)),
				 errhint("A price that is to hold later has a validity that begins later.")));
	if (row->is_rest && RETAIL_FAULT("price_old_rest"))
		return PRICE_ORIGIN_REST;
	if (row->recorded_at < now)
		return row->withdrawn || row->until <= now ? PRICE_ORIGIN_HISTORY : PRICE_ORIGIN_SET;
	if (row->withdrawn)
		refuse_rewrite(table, row->id, "A row begins as one that is believed.");
	if (!retail_same_text(retail_price_column(table, slot, PRICE_COL_ACTOR, &isnull), actor))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("actor of row %lld of table \"%s\" is not who sets it",
						(long long) row->id, RelationGetRelationName(table->rel)),
				 errhint("Leave the column out: it fills itself.")));
	return row->is_rest ? PRICE_ORIGIN_REST : PRICE_ORIGIN_SET;
}

/* Everything but the validity and the withdrawal is as it was. */
static void
check_same(PriceTable *table, TupleTableSlot *old_slot, TupleTableSlot *new_slot, int64 id)
{
	TupleDesc	desc = RelationGetDescr(table->rel);

	for (PriceColumn col = 0; col < table->ncols; col++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, table->attno[col] - 1);
		bool		old_null;
		bool		new_null;
		Datum		old_value;
		Datum		new_value;

		if (col == PRICE_COL_VALID || col == PRICE_COL_WITHDRAWN_AT || RETAIL_FAULT("price_rewritten"))
			continue;
		old_value = retail_price_column(table, old_slot, col, &old_null);
		new_value = retail_price_column(table, new_slot, col, &new_null);
		if (old_null != new_null ||
			(!old_null && !datum_image_eq(old_value, new_value, att->attbyval, att->attlen)))
			refuse_rewrite(table, id, psprintf("Column \"%s\" would change.",
											   retail_price_column_name(col)));
	}
}

/* What may become of the validity of a row that is believed. */
static void
check_move(PriceTable *table, const PriceRow *was, const PriceRow *is, TimestampTz now)
{
	if (RETAIL_FAULT("price_moved_back"))
		return;
	if (was->until <= now)
		refuse_rewrite(table, was->id, "It has ended.");
	if (was->from <= now)
	{
		if (is->from != was->from)
			refuse_rewrite(table, was->id, "It has begun, so its beginning stays.");
		if (is->until < now)
			refuse_rewrite(table, was->id, "It was in force until now, so it ends now or later.");
	}
	else if (is->from < now)
		refuse_rewrite(table, was->id, "It has not begun, so it begins now or later.");
}

PriceEdit
retail_price_history_update(PriceTable *table, TupleTableSlot *old_slot, TupleTableSlot *new_slot,
							PriceRow *was, PriceRow *is, TimestampTz now)
{
	bool		isnull;
	int64		id = DatumGetInt64(retail_price_column(table, old_slot, PRICE_COL_ID, &isnull));
	bool		moved;

	check_same(table, old_slot, new_slot, id);
	*was = retail_price_row_read(table, old_slot);
	*is = retail_price_row_read(table, new_slot);
	moved = was->from != is->from || was->until != is->until;
	if (!moved && was->withdrawn == is->withdrawn && was->withdrawn_at == is->withdrawn_at)
		return PRICE_EDIT_NONE;
	if (was->withdrawn)
		refuse_rewrite(table, id, "It has been withdrawn.");
	if (!is->withdrawn)
	{
		check_move(table, was, is, now);
		return PRICE_EDIT_MOVED;
	}
	if (moved)
		refuse_rewrite(table, id, "A row that is withdrawn keeps its validity.");

	/* a statement that waited may find a row that was recorded after it began */
	if (is->withdrawn_at != Max(now, was->recorded_at) && !RETAIL_FAULT("price_withdrawn_before"))
		refuse_rewrite(table, id, "A row is withdrawn now (retail.now()), and not at another time.");
	return PRICE_EDIT_WITHDRAWN;
}

/*
 * A rest is what was left of a row that this statement, or an earlier one of
 * the same call, has withdrawn: the same price within the time of that row.
 * It was let in before, and is not looked at again.
 */
void
retail_price_history_check_rests(PriceTable *table, TriggerData *trigger)
{
	StringInfoData query;
	bool		isnull;

	if (RETAIL_FAULT("price_any_rest"))
		return;
	if (SPI_register_trigger_data(trigger) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	initStringInfo(&query);
	appendStringInfo(&query,
					 "SELECT n.id FROM %s n WHERE n.split_from IS NOT NULL AND NOT EXISTS ("
					 "SELECT FROM retail.%s o WHERE o.id = n.split_from"
					 " AND o.withdrawn_at = greatest(n.recorded_at, o.recorded_at)"
					 " AND o.valid @> n.valid AND o.sku_id = n.sku_id AND o.currency = n.currency AND o.amount = n.amount",
					 trigger->tg_trigger->tgnewtable, RelationGetRelationName(table->rel));
	if (!table->is_base)
		appendStringInfoString(&query,
							   " AND o.location_id = n.location_id AND o.channel_id = n.channel_id AND o.kind = n.kind"
							   " AND o.tier = n.tier AND o.min_qty = n.min_qty AND o.grant_id IS NOT DISTINCT FROM n.grant_id"
							   " AND o.campaign_id IS NOT DISTINCT FROM n.campaign_id");
	appendStringInfoString(&query, ") LIMIT 1");
	if (SPI_execute(query.data, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "internal statement failed");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %lld of table \"%s\" is not a rest of the row it names",
						(long long) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)),
						RelationGetRelationName(table->rel)),
				 errhint("Leave split_from out: retail.set_price() splits what was there.")));
	SPI_freetuptable(SPI_tuptable);
}

void
retail_price_history_note_load(PriceTable *table, int64 nrows, Datum actor)
{
	static SPIPlanPtr plan = NULL;

	retail_spi_kept(&plan, "INSERT INTO retail.price_load (table_name, row_count, actor) VALUES ($1, $2, $3)",
					3, (Oid[]) {TEXTOID, INT8OID, TEXTOID},
					(Datum[]) {CStringGetTextDatum(RelationGetRelationName(table->rel)),
							   Int64GetDatum(nrows), actor},
					false);
}
