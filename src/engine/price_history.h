/*-------------------------------------------------------------------------
 * price_history.h
 *		What may become of a row of base_price or price.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_HISTORY_H
#define RETAIL_PRICE_HISTORY_H

#include "postgres.h"

#include "commands/trigger.h"

#include "price_row.h"

/* What an UPDATE does to a row. */
typedef enum PriceEdit
{
	PRICE_EDIT_NONE,
	PRICE_EDIT_MOVED,			/* another validity */
	PRICE_EDIT_WITHDRAWN
} PriceEdit;

/* How a new row comes about. */
typedef enum PriceOrigin
{
	PRICE_ORIGIN_SET,			/* a price like any other */
	PRICE_ORIGIN_HISTORY,		/* once in force, believed before it was here */
	PRICE_ORIGIN_REST			/* what is left of a row that goes just now */
} PriceOrigin;

/*
 * All raise RT008 where history would be rewritten, and 22023 where a row says
 * of itself what is not so.  "now" is the beginning of the statement.
 */
extern PriceOrigin retail_price_history_insert(PriceTable *table, TupleTableSlot *slot,
											   const PriceRow *row, TimestampTz now, Datum actor);
extern PriceEdit retail_price_history_update(PriceTable *table, TupleTableSlot *old_slot,
											 TupleTableSlot *new_slot, PriceRow *was, PriceRow *is,
											 TimestampTz now);
extern void retail_price_history_delete(Relation rel) pg_attribute_noreturn();

/* Rows of the statement that say they are rests.  With SPI connected. */
extern void retail_price_history_check_rests(PriceTable *table, TriggerData *trigger);

/* Keeps that so many rows came as believed before.  With SPI connected. */
extern void retail_price_history_note_load(PriceTable *table, int64 nrows, Datum actor);

#endif							/* RETAIL_PRICE_HISTORY_H */
