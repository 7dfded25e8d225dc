/*-------------------------------------------------------------------------
 * price_refusal.h
 *		Why a price is refused, in words.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_REFUSAL_H
#define RETAIL_PRICE_REFUSAL_H

#include "postgres.h"

#include "price_change.h"

/* Texts in the current context. */
extern char *retail_price_show_amount(int64 amount_minor, int decimals);
extern const char *retail_price_show_instant(TimestampTz at);

/* Raises what the finding says; returns when the price is within its bounds. */
extern void retail_price_refuse(const PriceChange *change, const PriceFinding *finding,
								int decimals);

/*
 * A price that a change of the base price would leave outside low to high, or
 * without a base price, from price->from on.
 */
extern void retail_price_refuse_base(const PriceChange *base, const PriceChange *price, int64 low,
									 int64 high, int decimals) pg_attribute_noreturn();

#endif							/* RETAIL_PRICE_REFUSAL_H */
