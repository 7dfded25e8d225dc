/*-------------------------------------------------------------------------
 * money.h
 *		Amounts as numeric and as minor units.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_MONEY_H
#define RETAIL_MONEY_H

#include "utils/numeric.h"

typedef enum MoneyStatus
{
	MONEY_OK,
	MONEY_TOO_FINE,				/* more decimals than the unit has */
	MONEY_TOO_LARGE,			/* beyond what can be stored, or infinite */
	MONEY_NOT_A_NUMBER
} MoneyStatus;

/*
 * The amount in ten-thousandths, the finest any currency has.  Too fine: the
 * rest is cut off; too large: the nearest int64 of its sign.
 */
extern MoneyStatus retail_money_read(Numeric amount, int64 *amount_e4);

/* The amount in minor units of a currency with 0 to 4 decimals. */
extern MoneyStatus retail_money_to_minor(Numeric amount, int decimals,
										 int64 *amount_minor);

/* The numeric, with all its decimals; the amount is in range. */
extern Numeric retail_money_from_minor(int64 amount_minor, int decimals);

#endif							/* RETAIL_MONEY_H */
