/*-------------------------------------------------------------------------
 * price_verdict.c
 *		Whether a price may hold, for functions: what the guard would say of it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "money.h"
#include "price_bounds.h"
#include "price_refusal.h"
#include "price_row.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_price_verdict);

/* The last one may be NULL. */
enum
{
	ARG_SKU_ID, ARG_LOCATION_ID, ARG_CHANNEL_ID, ARG_CURRENCY, ARG_KIND, ARG_AMOUNT, ARG_VALID,
	ARG_GRANT_ID
};

enum
{
	VERDICT_OUTCOME, VERDICT_LOW, VERDICT_HIGH, VERDICT_BASE_ID, VERDICT_BASE, VERDICT_DETAIL,
	VERDICT_NCOLS
};

static const char *const bound_outcome[] = {
	[PRICE_WITHIN] = "within",
	[PRICE_NO_BASE] = "no_base",
	[PRICE_NO_GRANT] = "no_grant",
	[PRICE_OUT_OF_BAND] = "out_of_band",
	[PRICE_BELOW_FLOOR] = "below_floor",
};

static Datum
verdict_row(FunctionCallInfo fcinfo, const PriceFinding *finding, int decimals)
{
	Datum		values[VERDICT_NCOLS] = {0};
	bool		isnull[VERDICT_NCOLS];
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(isnull, true, sizeof(isnull));
	values[VERDICT_OUTCOME] = CStringGetTextDatum(bound_outcome[finding->bound]);
	isnull[VERDICT_OUTCOME] = false;
	if (finding->band_known && finding->low_minor <= finding->high_minor)
	{
		values[VERDICT_LOW] = NumericGetDatum(retail_money_from_minor(finding->low_minor, decimals));
		values[VERDICT_HIGH] = NumericGetDatum(retail_money_from_minor(finding->high_minor, decimals));
		isnull[VERDICT_LOW] = isnull[VERDICT_HIGH] = false;
	}
	if (finding->base_id != 0)
	{
		values[VERDICT_BASE_ID] = Int64GetDatum(finding->base_id);
		values[VERDICT_BASE] = NumericGetDatum(retail_money_from_minor(finding->base_minor, decimals));
		isnull[VERDICT_BASE_ID] = isnull[VERDICT_BASE] = false;
	}
	if (finding->bound == PRICE_NO_BASE)
		values[VERDICT_DETAIL] = CStringGetTextDatum(psprintf("There is no base price at %s.",
															  retail_price_show_instant(finding->at)));
	else if (finding->bound == PRICE_NO_GRANT)
		values[VERDICT_DETAIL] = CStringGetTextDatum(finding->reason);
	else if (finding->bound == PRICE_BELOW_FLOOR)
		values[VERDICT_DETAIL] = CStringGetTextDatum(psprintf("The floor is %s.",
															  retail_price_show_amount(finding->floor_minor, decimals)));
	else if (finding->bound == PRICE_OUT_OF_BAND && finding->low_minor > finding->high_minor)
		values[VERDICT_DETAIL] = CStringGetTextDatum("No price is allowed over the whole time.");
	isnull[VERDICT_DETAIL] = values[VERDICT_DETAIL] == (Datum) 0;
	return HeapTupleGetDatum(heap_form_tuple(desc, values, isnull));
}

/*
 * retail._price_verdict(sku_id, location_id, channel_id, currency, kind, amount,
 * valid, grant_id): in FROM only, where the executor calls it many times in a
 * row with one fn_extra, and a snapshot that stays.
 */
Datum
retail_price_verdict(PG_FUNCTION_ARGS)
{
	PriceBounds *bounds = fcinfo->flinfo->fn_extra;
	PriceTerms	terms = {0};
	PriceFinding finding;
	SpiOwner	saved;
	text	   *letters;
	int32		currency;
	int			decimals;

	retail_tables_check();
	for (int i = 0; i < ARG_GRANT_ID; i++)
	{
		if (PG_ARGISNULL(i))
			elog(ERROR, "argument %d of an internal function is null", i + 1);
	}
	if (bounds == NULL)
		bounds = fcinfo->flinfo->fn_extra = retail_price_bounds_begin(fcinfo->flinfo->fn_mcxt);
	letters = PG_GETARG_TEXT_PP(ARG_CURRENCY);
	currency = retail_currency_pack(VARDATA_ANY(letters), VARSIZE_ANY_EXHDR(letters));
	terms.location_id = PG_GETARG_INT32(ARG_LOCATION_ID);
	terms.channel_id = PG_GETARG_INT32(ARG_CHANNEL_ID);
	terms.advertised = retail_price_is_advertised(retail_price_kind_bit(PG_GETARG_DATUM(ARG_KIND)));
	terms.grant_id = PG_ARGISNULL(ARG_GRANT_ID) ? 0 :
		retail_price_named_grant(PG_GETARG_INT64(ARG_GRANT_ID));
	retail_price_read_range(lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO),
							PG_GETARG_DATUM(ARG_VALID), &terms.from, &terms.until);

	saved = retail_spi_begin();
	decimals = retail_price_bounds_decimals(bounds, currency);
	if (decimals < 0 ||
		retail_money_to_minor(PG_GETARG_NUMERIC(ARG_AMOUNT), decimals, &terms.amount_minor) != MONEY_OK)
		elog(ERROR, "amount or currency was not checked");
	retail_price_bounds_choose(bounds, PG_GETARG_INT32(ARG_SKU_ID), currency, terms.from);
	finding = retail_price_bounds_check(bounds, &terms);
	retail_spi_end(&saved);
	return verdict_row(fcinfo, &finding, decimals);
}
