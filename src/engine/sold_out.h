/*-------------------------------------------------------------------------
 * sold_out.h
 *		Sold-out flags: flipped in the transaction that crosses.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_SOLD_OUT_H
#define RETAIL_SOLD_OUT_H

#include "escrow.h"

/*
 * After a take: flips the flag if the stock has come down to a floor.  Costs
 * one comparison when it has not.
 */
extern void retail_flag_after_take(Escrow escrow);

/* After a give: clears the flag where something can be sold again. */
extern void retail_flag_after_give(Escrow escrow);

/* After on_hand or unavailable changed, which moves percentage floors too. */
extern void retail_flag_after_movement(Escrow escrow);

/*
 * Writes the flag from the tables; whether it changed.  Left for a later look
 * where someone else is writing it.
 */
extern bool retail_flag_repair(int32 sku_id, int32 location_id);

#endif							/* RETAIL_SOLD_OUT_H */
