/*-------------------------------------------------------------------------
 * claim.h
 *		Taking units for a shopper, out of lapsed holds where need be.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_CLAIM_H
#define RETAIL_CLAIM_H

#include "escrow.h"
#include "master.h"
#include "outcome.h"
#include "stock_read.h"

/*
 * Takes qty units, leaving the rule's floor.  Posts lots that are due first,
 * and sets lapsed holds to expired where their units are needed.  False:
 * nothing was taken, and *refusal says insufficient or busy.
 */
extern bool retail_take(Escrow escrow, int64 qty, const SaleRule *rule,
						TimestampTz now, EscrowTake *take, Outcome *refusal);

/*
 * Sets lapsed holds of this stock to expired until "missing" units have come;
 * none if they cannot suffice.  PG_INT64_MAX: all of them.  Returns the units;
 * *skipped: some were locked.
 */
extern int64 retail_claim_lapsed(Escrow escrow, int64 missing, TimestampTz now,
								 bool *skipped);

/* What the channel may take now: after its floor, lapsed holds added; >= 0. */
extern int64 retail_takeable(Escrow escrow, const SaleRule *rule, TimestampTz now);

/* The same without touching: from the counter if there is one, else tables. */
extern int64 retail_takeable_at(int32 sku_id, int32 location_id,
								const SaleRule *rule, TimestampTz now);

/* The same of one stock after another, at the reader's instant. */
extern int64 retail_takeable_read(StockReader *reader, int32 sku_id, int32 location_id,
								  const SaleRule *rule);

/*
 * Units the channel could take if all that other transactions have in flight
 * came back: what makes a refusal busy.  A race may be off by what it moves.
 */
extern int64 retail_takeable_settled(int32 sku_id, int32 location_id,
									 const SaleRule *rule, TimestampTz now);

#endif							/* RETAIL_CLAIM_H */
