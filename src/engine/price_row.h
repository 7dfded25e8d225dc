/*-------------------------------------------------------------------------
 * price_row.h
 *		Rows of base_price and price, as triggers see them.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_ROW_H
#define RETAIL_PRICE_ROW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "price_bounds.h"

/* Kinds, as bits of price_guard.kinds; a base price has none. */
#define PRICE_KIND_LIST 1
#define PRICE_KIND_PROMO 2
#define PRICE_KIND_MEMBER 4
#define PRICE_KIND_CLEARANCE 8

/* The columns that the guard knows; a user may have added more. */
typedef enum PriceColumn
{
	PRICE_COL_ID,
	PRICE_COL_RECORDED_AT,
	PRICE_COL_SKU_ID,
	PRICE_COL_CURRENCY,
	PRICE_COL_AMOUNT,
	PRICE_COL_SPLIT_FROM,
	PRICE_COL_ACTOR,
	PRICE_COL_VALID,			/* these two may change */
	PRICE_COL_WITHDRAWN_AT,
	PRICE_COLS_OF_BASE,
	PRICE_COL_MIN_QTY = PRICE_COLS_OF_BASE,	/* of price only */
	PRICE_COL_LOCATION_ID,
	PRICE_COL_CHANNEL_ID,
	PRICE_COL_KIND,
	PRICE_COL_TIER,
	PRICE_COL_GRANT_ID,
	PRICE_COL_CAMPAIGN_ID,
	PRICE_COLS
} PriceColumn;

/* One of the two tables, and how its rows are read. */
typedef struct PriceTable
{
	Relation	rel;
	bool		is_base;
	int			ncols;			/* of PriceColumn, those it has */
	AttrNumber	attno[PRICE_COLS];
	TypeCacheEntry *range_type;
	PriceBounds *bounds;
	int32		currency;		/* seen last; 0: none yet */
	int			decimals;		/* of that one */
} PriceTable;

typedef struct PriceRow
{
	int64		id;
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
	int32		currency;
	int32		kind;			/* 0: a base price */
	int64		amount_minor;
	int64		grant_id;		/* 0: none */
	TimestampTz from;
	TimestampTz until;			/* DT_NOEND: until further notice */
	TimestampTz recorded_at;
	bool		withdrawn;
	TimestampTz withdrawn_at;
	bool		is_rest;
} PriceRow;

/* Raises RT004 where a column is missing. */
extern void retail_price_table_open(PriceTable *table, Relation rel, PriceBounds *bounds);

extern const char *retail_price_column_name(PriceColumn col);
extern Datum retail_price_column(PriceTable *table, TupleTableSlot *slot, PriceColumn col,
								 bool *isnull);

/* Raises 22023 for an unknown currency, RT021 for an amount that is too fine. */
extern PriceRow retail_price_row_read(PriceTable *table, TupleTableSlot *slot);

/* Only what tells which prices it meets; currency 0: not a currency. */
extern PriceRow retail_price_row_read_scope(PriceTable *table, TupleTableSlot *slot);

extern int32 retail_price_kind_bit(Datum kind);

/* Whether the minimum advertised price holds for a kind. */
extern bool retail_price_is_advertised(int32 kind);

/* A row names no grant by NULL; 0 or less is one that is not there. */
extern int64 retail_price_named_grant(int64 id);

/* Of a validity that is neither empty nor unbounded below. */
extern void retail_price_read_range(TypeCacheEntry *type, Datum range, TimestampTz *from,
									TimestampTz *until);

#endif							/* RETAIL_PRICE_ROW_H */
