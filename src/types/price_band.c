/*-------------------------------------------------------------------------
 * price_band.c
 *		SQL type price_band: a base price and the legal prices around it.
 *
 * The logic lives in band_value.c and price_rules.c; this file carries values
 * between SQL and those functions, and turns their status codes into errors.
 * A datum is a struct PriceBand, 32 bytes, passed by reference.  Only checked
 * bands are stored; readers check them all the same and report XX001, so that
 * damaged storage cannot index past a table.
 *
 * Percentages are numeric with up to four decimals, which is a hundredth of a
 * basis point; as ten-thousandths of a percent they are whole numbers of
 * PERCENT_WHOLE, and nothing is rounded before the price is.
 *
 * A missing base is refused, not answered with NULL: a CHECK on a band that
 * is NULL would let every price pass.  For the same reason two bands without
 * a common price have no intersection, which is an error.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "errors.h"
#include "money.h"
#include "price_band.h"
#include "price_rules.h"

/* Version byte of the send/receive form, and its bytes in all. */
#define BAND_WIRE_VERSION 1
#define BAND_WIRE_BYTES	  29

/* 100 % in ten-thousandths of a percent. */
#define PERCENT_WHOLE 1000000

/* How much of a bad literal or number is shown. */
#define BAND_SHOWN_BYTES 64

StaticAssertDecl(sizeof(PriceBand) == 32,
				 "CREATE TYPE retail.price_band has INTERNALLENGTH = 32");

PG_FUNCTION_INFO_V1(retail_price_band_in);
PG_FUNCTION_INFO_V1(retail_price_band_out);
PG_FUNCTION_INFO_V1(retail_price_band_recv);
PG_FUNCTION_INFO_V1(retail_price_band_send);
PG_FUNCTION_INFO_V1(retail_price_band_from_percent);
PG_FUNCTION_INFO_V1(retail_price_band_from_limits);
PG_FUNCTION_INFO_V1(retail_price_band_base);
PG_FUNCTION_INFO_V1(retail_price_band_low);
PG_FUNCTION_INFO_V1(retail_price_band_high);
PG_FUNCTION_INFO_V1(retail_price_band_currency_code);
PG_FUNCTION_INFO_V1(retail_price_band_decimals);
PG_FUNCTION_INFO_V1(retail_price_band_clamp);
PG_FUNCTION_INFO_V1(retail_price_band_contains);
PG_FUNCTION_INFO_V1(retail_price_band_contained);
PG_FUNCTION_INFO_V1(retail_price_band_overlaps);
PG_FUNCTION_INFO_V1(retail_price_band_intersect);
PG_FUNCTION_INFO_V1(retail_price_band_eq);
PG_FUNCTION_INFO_V1(retail_price_band_ne);
PG_FUNCTION_INFO_V1(retail_price_band_lt);
PG_FUNCTION_INFO_V1(retail_price_band_le);
PG_FUNCTION_INFO_V1(retail_price_band_ge);
PG_FUNCTION_INFO_V1(retail_price_band_gt);
PG_FUNCTION_INFO_V1(retail_price_band_cmp);
PG_FUNCTION_INFO_V1(retail_price_band_hash);
PG_FUNCTION_INFO_V1(retail_price_band_hash_extended);

/*-------------------------------------------------------------------------
 * Values in and out of datums
 *-------------------------------------------------------------------------
 */

const PriceBand *
retail_price_band_read(Datum datum)
{
	const PriceBand *band = (const PriceBand *) DatumGetPointer(datum);

	if (retail_band_check(band) != BAND_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored price_band value is corrupted")));
	return band;
}

Datum
retail_price_band_build(const PriceBand *band)
{
	PriceBand  *copy = palloc(sizeof(PriceBand));

	memcpy(copy, band, sizeof(PriceBand));
	return PointerGetDatum(copy);
}

#define PG_GETARG_BAND(n) retail_price_band_read(PG_GETARG_DATUM(n))

/*-------------------------------------------------------------------------
 * Errors
 *-------------------------------------------------------------------------
 */

/* A number for a message, not longer than a person reads. */
static char *
show_numeric(Numeric number)
{
	char	   *shown = DatumGetCString(DirectFunctionCall1(numeric_out,
															NumericGetDatum(number)));

	if (strlen(shown) > BAND_SHOWN_BYTES)
		strcpy(shown + BAND_SHOWN_BYTES - 3, "...");
	return shown;
}

/* An amount for a message; unlike the text form it may be 0 or less. */
static char *
show_minor(int64 amount_minor, int decimals)
{
	return show_numeric(retail_money_from_minor(amount_minor, decimals));
}

static char *
show_largest(int decimals)
{
	return show_minor(PG_INT64_MAX / retail_price_minor_unit(decimals),
					  decimals);
}

static void
report_out_of_range(const char *name, const char *amount, int decimals)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s %s is out of range for type price_band", name, amount),
			 errdetail("Amounts go up to %s.", show_largest(decimals))));
}

/* Fails for amounts that are no band.  Unit and range were checked before. */
static void
check_amounts(const PriceBand *band)
{
	switch (retail_band_check(band))
	{
		case BAND_OK:
			break;
		case BAND_NOT_POSITIVE:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("price %s is not positive",
							show_minor(Min(band->base_minor, band->low_minor),
									   band->decimals)),
					 errdetail("A price band has a base price and a lowest price above 0.")));
			break;
		case BAND_NOT_ORDERED:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("base price %s is not between %s and %s",
							show_minor(band->base_minor, band->decimals),
							show_minor(band->low_minor, band->decimals),
							show_minor(band->high_minor, band->decimals))));
			break;
		default:
			elog(ERROR, "price band with a bad unit or range");
	}
}

static void
report_unit_mismatch(const PriceBand *a, const PriceBand *b)
{
	bool		same_currency = strcmp(a->currency, b->currency) == 0;

	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_CURRENCY_MISMATCH),
			 same_currency ? errmsg("price bands in %s have different decimals", a->currency) : errmsg("price bands have different currencies, %s and %s", a->currency, b->currency),
			 same_currency ? errdetail("One has %d decimals, the other %d.",
									   a->decimals, b->decimals)
			 : errdetail("Amounts are never converted.")));
}

/*-------------------------------------------------------------------------
 * Input and output
 *-------------------------------------------------------------------------
 */

/* What is wrong with a literal, as the detail of the error. */
static int
detail_of_literal(BandStatus status, const char *text, size_t offset)
{
	switch (status)
	{
		case BAND_BAD_CURRENCY:
			return errdetail("A currency of three capital letters is expected at position %zu.",
							 offset + 1);
		case BAND_BAD_DECIMALS:
			return errdetail("A currency has at most %d decimals.",
							 PRICE_MAX_DECIMALS);
		case BAND_MIXED_DECIMALS:
			return errdetail("The three amounts have to be written with the same number of decimals.");
		case BAND_NOT_POSITIVE:
			return errdetail("A price band has a base price and a lowest price above 0.");
		case BAND_NOT_ORDERED:
			return errdetail("The base price has to be between the limits.");
		default:
			return text[offset] == '\0' ? errdetail("The text ends too early.") : errdetail("Unexpected character at position %zu.", offset + 1);
	}
}

/* Softly where the caller asked for that, else by an error. */
static void
report_bad_literal(BandStatus status, const char *text, size_t offset,
				   Node *escontext)
{
	int			shown = pg_mbcliplen(text, (int) strlen(text),
									 BAND_SHOWN_BYTES);
	const char *more = text[shown] != '\0' ? "..." : "";

	if (status == BAND_OUT_OF_RANGE)
		ereturn(escontext,,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount is out of range for type price_band: \"%.*s%s\"",
						shown, text, more)));
	ereturn(escontext,,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type price_band: \"%.*s%s\"",
					shown, text, more),
			 detail_of_literal(status, text, offset),
			 errhint("Write base [low,high] currency, for example 9.99 [9.50,10.48] CNY.")));
}

Datum
retail_price_band_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	size_t		offset;
	PriceBand	band;
	BandStatus	status = retail_band_parse(text, strlen(text), &band, &offset);

	if (status != BAND_OK)
	{
		report_bad_literal(status, text, offset, fcinfo->context);
		PG_RETURN_NULL();
	}
	return retail_price_band_build(&band);
}

Datum
retail_price_band_out(PG_FUNCTION_ARGS)
{
	const PriceBand *band = PG_GETARG_BAND(0);
	char	   *text = palloc(BAND_TEXT_BYTES);

	retail_band_format(band, text);
	PG_RETURN_CSTRING(text);
}

static void
report_bad_message(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type price_band"),
			 errdetail_internal("%s", detail)));
}

Datum
retail_price_band_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	PriceBand	band;

	if (message->len - message->cursor != BAND_WIRE_BYTES)
		report_bad_message("The message has another length than a price_band.");
	if (pq_getmsgbyte(message) != BAND_WIRE_VERSION)
		report_bad_message("The version byte is unknown.");
	memset(&band, 0, sizeof(band));
	band.decimals = pq_getmsgbyte(message);
	pq_copymsgbytes(message, band.currency, BAND_CURRENCY_LETTERS);
	band.base_minor = pq_getmsgint64(message);
	band.low_minor = pq_getmsgint64(message);
	band.high_minor = pq_getmsgint64(message);
	if (retail_band_check(&band) != BAND_OK)
		report_bad_message("Its currency, decimals or amounts break the rules of a price_band.");
	return retail_price_band_build(&band);
}

Datum
retail_price_band_send(PG_FUNCTION_ARGS)
{
	const PriceBand *band = PG_GETARG_BAND(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, BAND_WIRE_VERSION);
	pq_sendbyte(&message, (uint8) band->decimals);
	pq_sendbytes(&message, band->currency, BAND_CURRENCY_LETTERS);
	pq_sendint64(&message, band->base_minor);
	pq_sendint64(&message, band->low_minor);
	pq_sendint64(&message, band->high_minor);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/*-------------------------------------------------------------------------
 * Making one
 *-------------------------------------------------------------------------
 */

/* Fails for a null; "names" are those of the arguments, in order. */
static void
check_no_null(FunctionCallInfo fcinfo, const char *const *names)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s is null", names[i])));
}

/* An empty band of the unit. */
static void
start_band(PriceBand *band, const text *currency, int32 decimals)
{
	memset(band, 0, sizeof(*band));
	if (VARSIZE_ANY_EXHDR(currency) == BAND_CURRENCY_LETTERS)
		memcpy(band->currency, VARDATA_ANY(currency), BAND_CURRENCY_LETTERS);
	band->decimals = decimals;
	switch (retail_band_check(band))
	{
		case BAND_BAD_CURRENCY:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("currency is not three capital letters"),
					 errhint("Use the code of ISO 4217, for example CNY.")));
			break;
		case BAND_BAD_DECIMALS:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("decimals %d is not in 0 to %d", decimals,
							PRICE_MAX_DECIMALS)));
			break;
		default:
			/* there are no amounts yet */
			break;
	}
}

static void
check_is_number(MoneyStatus status, const char *name)
{
	if (status == MONEY_NOT_A_NUMBER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not a number", name)));
}

/* An amount that is to be stored, so nothing is rounded away. */
static int64
read_amount(Numeric amount, const char *name, const PriceBand *band)
{
	int64		amount_minor;
	MoneyStatus status = retail_money_to_minor(amount, band->decimals,
											   &amount_minor);

	check_is_number(status, name);
	if (status == MONEY_TOO_FINE)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_TOO_MANY_DECIMALS),
				 errmsg("%s %s has more decimals than %s", name,
						show_numeric(amount), band->currency),
				 errdetail("Amounts in %s have %d decimals.", band->currency,
						   band->decimals)));
	if (status == MONEY_TOO_LARGE)
		report_out_of_range(name, show_numeric(amount), band->decimals);
	return amount_minor;
}

/* A percentage in ten-thousandths of a percent, 0 or more. */
static int64
read_percent(Numeric percent, const char *name)
{
	int64		percent_e4;
	MoneyStatus status = retail_money_read(percent, &percent_e4);

	check_is_number(status, name);
	if (status == MONEY_TOO_FINE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s has more than 4 decimals", name,
						show_numeric(percent))));
	if (percent_e4 < 0 || status == MONEY_TOO_LARGE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s is out of range", name, show_numeric(percent)),
				 errdetail("A percentage of a price band is 0 or more.")));
	return percent_e4;
}

/*
 * price_band(base numeric, low_percent numeric, high_percent numeric,
 * currency text, decimals int)
 */
Datum
retail_price_band_from_percent(PG_FUNCTION_ARGS)
{
	static const char *const names[] =
	{"base", "low_percent", "high_percent", "currency", "decimals"};
	PriceBand	band;
	int64		below_e4;
	int64		above_e4;

	check_no_null(fcinfo, names);
	start_band(&band, PG_GETARG_TEXT_PP(3), PG_GETARG_INT32(4));
	band.base_minor = read_amount(PG_GETARG_NUMERIC(0), names[0], &band);
	below_e4 = read_percent(PG_GETARG_NUMERIC(1), names[1]);
	above_e4 = read_percent(PG_GETARG_NUMERIC(2), names[2]);
	if (below_e4 >= PERCENT_WHOLE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("low_percent %s is not below 100",
						show_numeric(PG_GETARG_NUMERIC(1))),
				 errdetail("The lowest price of a band is above 0.")));

	/* the limits of a base that is no price are left at 0, and refused below */
	if (band.base_minor > 0 &&
		(retail_price_limits(band.base_minor, below_e4, above_e4,
							 PERCENT_WHOLE, &band.low_minor,
							 &band.high_minor) != PRICE_OK ||
		 !retail_price_in_range(band.high_minor, band.decimals)))
		report_out_of_range("highest price of base",
							show_minor(band.base_minor, band.decimals),
							band.decimals);
	check_amounts(&band);
	return retail_price_band_build(&band);
}

/*
 * price_band_from_limits(base numeric, low numeric, high numeric,
 * currency text, decimals int)
 */
Datum
retail_price_band_from_limits(PG_FUNCTION_ARGS)
{
	static const char *const names[] =
	{"base", "low", "high", "currency", "decimals"};
	PriceBand	band;

	check_no_null(fcinfo, names);
	start_band(&band, PG_GETARG_TEXT_PP(3), PG_GETARG_INT32(4));
	band.base_minor = read_amount(PG_GETARG_NUMERIC(0), names[0], &band);
	band.low_minor = read_amount(PG_GETARG_NUMERIC(1), names[1], &band);
	band.high_minor = read_amount(PG_GETARG_NUMERIC(2), names[2], &band);
	check_amounts(&band);
	return retail_price_band_build(&band);
}

/*-------------------------------------------------------------------------
 * Parts
 *-------------------------------------------------------------------------
 */

Datum
retail_price_band_base(PG_FUNCTION_ARGS)
{
	const PriceBand *band = PG_GETARG_BAND(0);

	PG_RETURN_NUMERIC(retail_money_from_minor(band->base_minor,
											  band->decimals));
}

Datum
retail_price_band_low(PG_FUNCTION_ARGS)
{
	const PriceBand *band = PG_GETARG_BAND(0);

	PG_RETURN_NUMERIC(retail_money_from_minor(band->low_minor,
											  band->decimals));
}

Datum
retail_price_band_high(PG_FUNCTION_ARGS)
{
	const PriceBand *band = PG_GETARG_BAND(0);

	PG_RETURN_NUMERIC(retail_money_from_minor(band->high_minor,
											  band->decimals));
}

Datum
retail_price_band_currency_code(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(PG_GETARG_BAND(0)->currency));
}

Datum
retail_price_band_decimals(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_BAND(0)->decimals);
}

/*-------------------------------------------------------------------------
 * Amounts and bands
 *-------------------------------------------------------------------------
 */

/* The legal price nearest to an amount, which is rounded half away first. */
Datum
retail_price_band_clamp(PG_FUNCTION_ARGS)
{
	const PriceBand *band = PG_GETARG_BAND(0);
	Numeric		amount = PG_GETARG_NUMERIC(1);
	int64		amount_minor;
	MoneyStatus status;

	status = retail_money_to_minor(amount, band->decimals, &amount_minor);
	if (status == MONEY_TOO_FINE)
	{
		amount = DatumGetNumeric(DirectFunctionCall2(numeric_round,
													 NumericGetDatum(amount),
													 Int32GetDatum(band->decimals)));
		status = retail_money_to_minor(amount, band->decimals, &amount_minor);
	}
	check_is_number(status, "amount");
	PG_RETURN_NUMERIC(retail_money_from_minor(retail_band_clamp(band, amount_minor),
											  band->decimals));
}

/* No error for an amount that no band can contain: it is just not in there. */
static bool
contains_amount(const PriceBand *band, Numeric amount)
{
	int64		amount_e4;

	return retail_money_read(amount, &amount_e4) == MONEY_OK &&
		retail_band_contains(band, amount_e4);
}

Datum
retail_price_band_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains_amount(PG_GETARG_BAND(0), PG_GETARG_NUMERIC(1)));
}

Datum
retail_price_band_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains_amount(PG_GETARG_BAND(1), PG_GETARG_NUMERIC(0)));
}

Datum
retail_price_band_overlaps(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(retail_band_overlaps(PG_GETARG_BAND(0),
										PG_GETARG_BAND(1)));
}

Datum
retail_price_band_intersect(PG_FUNCTION_ARGS)
{
	const PriceBand *a = PG_GETARG_BAND(0);
	const PriceBand *b = PG_GETARG_BAND(1);
	PriceBand	common;

	if (!retail_band_same_unit(a, b))
		report_unit_mismatch(a, b);
	if (!retail_band_intersect(a, b, &common))
	{
		char		a_text[BAND_TEXT_BYTES];
		char		b_text[BAND_TEXT_BYTES];

		retail_band_format(a, a_text);
		retail_band_format(b, b_text);
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NO_COMMON_PRICE),
				 errmsg("price bands have no price in common"),
				 errdetail("The bands are %s and %s.", a_text, b_text),
				 errhint("Ask with operator && first.")));
	}
	return retail_price_band_build(&common);
}

/*-------------------------------------------------------------------------
 * Comparison
 *-------------------------------------------------------------------------
 */

static int
compare_args(FunctionCallInfo fcinfo)
{
	return retail_band_compare(PG_GETARG_BAND(0), PG_GETARG_BAND(1));
}

Datum
retail_price_band_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) == 0);
}

Datum
retail_price_band_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) != 0);
}

Datum
retail_price_band_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum
retail_price_band_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum
retail_price_band_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum
retail_price_band_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum
retail_price_band_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

/* Bands that are the same have the same bytes. */
Datum
retail_price_band_hash(PG_FUNCTION_ARGS)
{
	return hash_any((const unsigned char *) PG_GETARG_BAND(0),
					sizeof(PriceBand));
}

Datum
retail_price_band_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((const unsigned char *) PG_GETARG_BAND(0),
							 sizeof(PriceBand), PG_GETARG_INT64(1));
}
