/*-------------------------------------------------------------------------
 * price_row.c
 *		Rows of base_price and price, as triggers see them.
 *
 * The two tables have most columns in common, and one reader: what a base
 * price has not got is 0.  Columns are found by name, since a user may have
 * added some of his own.  What the CHECKs of the tables promise is not looked
 * at again; that an amount fits its currency no CHECK can say.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#include "band_value.h"
#include "errors.h"
#include "fault.h"
#include "money.h"
#include "price_row.h"

static const char *const column_name[PRICE_COLS] = {
	"id", "recorded_at", "sku_id", "currency", "amount", "split_from", "actor",
	"valid", "withdrawn_at", "min_qty", "location_id", "channel_id", "kind",
	"tier", "grant_id", "campaign_id"
};

void
retail_price_table_open(PriceTable *table, Relation rel, PriceBounds *bounds)
{
	memset(table, 0, sizeof(PriceTable));
	table->rel = rel;
	table->is_base = strcmp(RelationGetRelationName(rel), "base_price") == 0;
	table->ncols = table->is_base ? PRICE_COLS_OF_BASE : PRICE_COLS;
	table->range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	table->bounds = bounds;
	for (PriceColumn col = 0; col < table->ncols; col++)
	{
		int			attno = SPI_fnumber(RelationGetDescr(rel), column_name[col]);

		if (attno <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_NOT_INITIALISED),
					 errmsg("column \"%s\" of table \"%s\" is missing", column_name[col],
							RelationGetRelationName(rel))));
		table->attno[col] = (AttrNumber) attno;
	}
}

const char *
retail_price_column_name(PriceColumn col)
{
	return column_name[col];
}

Datum
retail_price_column(PriceTable *table, TupleTableSlot *slot, PriceColumn col, bool *isnull)
{
	return slot_getattr(slot, table->attno[col], isnull);
}

static int64
column_int64(PriceTable *table, TupleTableSlot *slot, PriceColumn col)
{
	bool		isnull;
	Datum		value = retail_price_column(table, slot, col, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static int32
column_int32(PriceTable *table, TupleTableSlot *slot, PriceColumn col)
{
	bool		isnull;
	Datum		value = retail_price_column(table, slot, col, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

int32
retail_price_kind_bit(Datum kind)
{
	switch (*VARDATA_ANY(DatumGetTextPP(kind)))
	{
		case 'p':
			return PRICE_KIND_PROMO;
		case 'm':
			return PRICE_KIND_MEMBER;
		case 'c':
			return PRICE_KIND_CLEARANCE;
		default:
			return PRICE_KIND_LIST;
	}
}

bool
retail_price_is_advertised(int32 kind)
{
	return kind == 0 || kind == PRICE_KIND_LIST || kind == PRICE_KIND_PROMO;
}

int64
retail_price_named_grant(int64 id)
{
	return id > 0 ? id : -1;
}

void
retail_price_read_range(TypeCacheEntry *type, Datum range, TimestampTz *from, TimestampTz *until)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(type, DatumGetRangeTypeP(range), &lower, &upper, &empty);
	*from = DatumGetTimestampTz(lower.val);
	*until = upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

static int32
read_currency(PriceTable *table, Datum code, int64 id)
{
	text	   *letters = DatumGetTextPP(code);
	int32		currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));

	if (currency == table->currency && currency != 0)
		return currency;
	table->decimals = retail_price_bounds_decimals(table->bounds, currency);
	if (table->decimals < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", text_to_cstring(letters)),
				 errdetail("Row %lld of table \"%s\".", (long long) id,
						   RelationGetRelationName(table->rel)),
				 errhint("Make it in retail.currency.")));
	table->currency = currency;
	return currency;
}

static int64
read_amount(PriceTable *table, Datum amount, int64 id)
{
	int64		amount_minor;
	MoneyStatus status = retail_money_to_minor(DatumGetNumeric(amount), table->decimals, &amount_minor);
	char		letters[BAND_CURRENCY_LETTERS + 1];

	if (status == MONEY_TOO_FINE && RETAIL_FAULT("price_too_fine"))
		return amount_minor;
	if (status == MONEY_TOO_FINE)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_TOO_MANY_DECIMALS),
				 errmsg("amount %s has more decimals than %s",
						DatumGetCString(DirectFunctionCall1(numeric_out, amount)),
						retail_currency_unpack(table->currency, letters)),
				 errdetail("Row %lld of table \"%s\"; the currency has %d.", (long long) id,
						   RelationGetRelationName(table->rel), table->decimals)));

	/* CHECKs bound it */
	if (status != MONEY_OK)
		elog(ERROR, "amount out of range");
	return amount_minor;
}

static PriceRow
read_ids(PriceTable *table, TupleTableSlot *slot)
{
	PriceRow	row = {0};
	bool		isnull;

	row.sku_id = column_int32(table, slot, PRICE_COL_SKU_ID);
	if (!table->is_base)
	{
		row.location_id = column_int32(table, slot, PRICE_COL_LOCATION_ID);
		row.channel_id = column_int32(table, slot, PRICE_COL_CHANNEL_ID);
		row.kind = retail_price_kind_bit(retail_price_column(table, slot, PRICE_COL_KIND, &isnull));
	}
	return row;
}

PriceRow
retail_price_row_read(PriceTable *table, TupleTableSlot *slot)
{
	PriceRow	row = read_ids(table, slot);
	bool		isnull;
	Datum		value;

	row.id = column_int64(table, slot, PRICE_COL_ID);
	if (!table->is_base)
	{
		value = retail_price_column(table, slot, PRICE_COL_GRANT_ID, &isnull);
		row.grant_id = isnull ? 0 : retail_price_named_grant(DatumGetInt64(value));
	}
	row.recorded_at = column_int64(table, slot, PRICE_COL_RECORDED_AT);
	value = retail_price_column(table, slot, PRICE_COL_WITHDRAWN_AT, &isnull);
	row.withdrawn = !isnull;
	row.withdrawn_at = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	(void) retail_price_column(table, slot, PRICE_COL_SPLIT_FROM, &isnull);
	row.is_rest = !isnull;
	row.currency = read_currency(table, retail_price_column(table, slot, PRICE_COL_CURRENCY, &isnull),
								 row.id);
	row.amount_minor = read_amount(table, retail_price_column(table, slot, PRICE_COL_AMOUNT, &isnull),
								   row.id);
	retail_price_read_range(table->range_type,
							retail_price_column(table, slot, PRICE_COL_VALID, &isnull),
							&row.from, &row.until);
	return row;
}

PriceRow
retail_price_row_read_scope(PriceTable *table, TupleTableSlot *slot)
{
	PriceRow	row = read_ids(table, slot);
	bool		isnull;
	text	   *letters = DatumGetTextPP(retail_price_column(table, slot, PRICE_COL_CURRENCY, &isnull));

	row.currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));
	return row;
}
