/*-------------------------------------------------------------------------
 * money.c
 *		Amounts as numeric and as minor units.
 *
 * Money is numeric at the surface and int64 inside; this is the one place
 * where one becomes the other, always exactly.  An amount is read through
 * numeric's binary form, which is the part of its representation that is
 * promised to others.  That form has digits in base 10000, of which exactly
 * one is behind the point when an amount has up to four decimals.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "money.h"
#include "price_rules.h"

#define NUMERIC_BASE 10000

/* Base-10000 digits an int64 of ten-thousandths can have. */
#define MONEY_MAX_DIGITS 5

/* numeric's binary form: four int16 and the digits, in network byte order. */
#define WIRE_NDIGITS 0
#define WIRE_WEIGHT	 1
#define WIRE_SIGN	 2
#define WIRE_DIGITS	 4

#define WIRE_POSITIVE	   0x0000
#define WIRE_NEGATIVE	   0x4000
#define WIRE_NAN		   0xC000
#define WIRE_PLUS_INFINITY 0xD000

/* One int16 of the form; the payload need not be aligned. */
static uint16
wire_field(const bytea *wire, int field)
{
	uint16		value;

	memcpy(&value, VARDATA_ANY(wire) + field * sizeof(value), sizeof(value));
	return pg_ntoh16(value);
}

/* Ten-thousandths of the number without its sign. */
static MoneyStatus
read_digits(const bytea *wire, int128 *size_e4)
{
	int			ndigits = wire_field(wire, WIRE_NDIGITS);
	int			nkept = (int16) wire_field(wire, WIRE_WEIGHT) + 2;

	*size_e4 = 0;
	if (ndigits == 0)
		return MONEY_OK;
	if (nkept > MONEY_MAX_DIGITS)
		return MONEY_TOO_LARGE;
	for (int i = 0; i < nkept; i++)
		*size_e4 = *size_e4 * NUMERIC_BASE +
			(i < ndigits ? wire_field(wire, WIRE_DIGITS + i) : 0);
	if (*size_e4 > PG_INT64_MAX)
		return MONEY_TOO_LARGE;

	/* a stored number ends with a digit that is not 0 */
	return ndigits > nkept ? MONEY_TOO_FINE : MONEY_OK;
}

MoneyStatus
retail_money_read(Numeric amount, int64 *amount_e4)
{
	bytea	   *wire = DatumGetByteaPP(DirectFunctionCall1(numeric_send,
														   NumericGetDatum(amount)));
	uint16		sign = wire_field(wire, WIRE_SIGN);
	bool		negative = sign != WIRE_POSITIVE && sign != WIRE_PLUS_INFINITY;
	int128		size_e4 = 0;
	MoneyStatus status;

	if (sign == WIRE_NAN)
		status = MONEY_NOT_A_NUMBER;
	else if (sign != WIRE_POSITIVE && sign != WIRE_NEGATIVE)
		status = MONEY_TOO_LARGE;
	else
		status = read_digits(wire, &size_e4);
	pfree(wire);

	if (status == MONEY_TOO_LARGE)
		*amount_e4 = negative ? -PG_INT64_MAX : PG_INT64_MAX;
	else
		*amount_e4 = negative ? -(int64) size_e4 : (int64) size_e4;
	return status;
}

MoneyStatus
retail_money_to_minor(Numeric amount, int decimals, int64 *amount_minor)
{
	int64		unit = retail_price_minor_unit(decimals);
	int64		amount_e4;
	MoneyStatus status = retail_money_read(amount, &amount_e4);

	*amount_minor = amount_e4 / unit;
	if (status == MONEY_OK && amount_e4 % unit != 0)
		return MONEY_TOO_FINE;
	return status;
}

Numeric
retail_money_from_minor(int64 amount_minor, int decimals)
{
	return int64_div_fast_to_numeric(amount_minor, decimals);
}
