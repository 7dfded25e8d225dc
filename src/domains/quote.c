/*-------------------------------------------------------------------------
 * quote.c
 *		retail.quote() and its kin: what a SKU costs, and why.
 *
 * All of them read with the snapshot of the statement that calls them, so that
 * what one statement, or one transaction under REPEATABLE READ, is told about
 * an instant is told once and for all.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "arg.h"
#include "clock.h"
#include "money.h"
#include "price_quote.h"
#include "price_rules.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_quote);
PG_FUNCTION_INFO_V1(retail_quote_lines);
PG_FUNCTION_INFO_V1(retail_explain_quote);
PG_FUNCTION_INFO_V1(retail_prior_price);
PG_FUNCTION_INFO_V1(retail_quote_cache_sql);
PG_FUNCTION_INFO_V1(retail_live_price);
PG_FUNCTION_INFO_V1(retail_shares);
PG_FUNCTION_INFO_V1(retail_part);

#define QUOTE_COLUMNS 21

/* Lines of one basket. */
#define MAX_LINES 1000

/* What prior_price() may be asked for. */
#define MAX_PRIOR_DAYS 3650

static const char *const kind_name[OFFER_KINDS] = {
	[OFFER_LIST] = "list",
	[OFFER_PROMO] = "promo",
	[OFFER_MEMBER] = "member",
	[OFFER_CLEARANCE] = "clearance",
};

static const char *const scope_name[OFFER_SCOPES] = {
	[OFFER_BASE] = "base",
	[OFFER_ALL] = "everywhere",
	[OFFER_CHANNEL] = "channel",
	[OFFER_LOCATION] = "location",
	[OFFER_BOTH] = "location_channel",
};

static const char *const verdict_name[OFFER_VERDICTS] = {
	[OFFER_OTHER_CURRENCY] = "other_currency",
	[OFFER_NOT_BEGUN] = "not_begun",
	[OFFER_ENDED] = "ended",
	[OFFER_NOT_RECORDED] = "not_recorded",
	[OFFER_WITHDRAWN] = "withdrawn",
	[OFFER_NO_AUTHORITY] = "no_authority",
	[OFFER_TOO_FEW] = "too_few",
	[OFFER_OTHER_TIER] = "other_tier",
	[OFFER_LESS_SPECIFIC] = "less_specific",
	[OFFER_FEWER_UNITS] = "fewer_units",
	[OFFER_NOT_BELOW_LIST] = "not_below_list",
	[OFFER_DEARER] = "dearer",
	[OFFER_TIED] = "tied",
	[OFFER_IS_LIST] = "list",
	[OFFER_IS_PRICE] = "price",
};

/* ----------------------------------------------------------------
 * Arguments
 * ----------------------------------------------------------------
 */

static TimestampTz
arg_at(FunctionCallInfo fcinfo, int i)
{
	TimestampTz at;

	if (PG_ARGISNULL(i))
		return retail_clock_statement();
	at = PG_GETARG_TIMESTAMPTZ(i);
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("a quote is for a moment, not for infinity")));
	return at;
}

static Datum
arg_currency(FunctionCallInfo fcinfo, int i)
{
	text	   *currency;

	if (PG_ARGISNULL(i))
		return (Datum) 0;
	currency = PG_GETARG_TEXT_PP(i);
	if (VARSIZE_ANY_EXHDR(currency) != PRICE_CURRENCY_LETTERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency must have three letters"),
				 errhint("Currencies are rows of retail.currency.")));
	return PointerGetDatum(currency);
}

static int32
arg_location_id(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? 0 : retail_arg_location(fcinfo, i).id;
}

/* ----------------------------------------------------------------
 * Answers
 * ----------------------------------------------------------------
 */

static Datum
money(int64 amount_minor, int decimals)
{
	return NumericGetDatum(retail_money_from_minor(amount_minor, decimals));
}

/* The code of what comes with a price in the channel; true: nothing is set. */
static Datum
service_pack(int32 channel_id, TimestampTz at, Snapshot snapshot, bool *isnull)
{
	RetailScan	scan;
	ScanKeyData keys[2];
	Datum		code = (Datum) 0;

	*isnull = true;
	if (channel_id == 0)
		return code;
	retail_key_int4(&keys[0], 1, channel_id);
	ScanKeyEntryInitialize(&keys[1], 0, 2, RANGESTRAT_CONTAINS_ELEM, TIMESTAMPTZOID, InvalidOid,
						   F_RANGE_CONTAINS_ELEM, TimestampTzGetDatum(at));
	retail_scan_begin(&scan, TABLE_SERVICE_PACK, INDEX_SERVICE_PACK, AccessShareLock, snapshot, 2, keys);
	if (retail_scan_next(&scan))
	{
		code = retail_column(TABLE_SERVICE_PACK, scan.slot, SERVICE_PACK_CODE, isnull);
		code = PointerGetDatum(DatumGetTextPCopy(code));
	}
	retail_scan_end(&scan);
	return code;
}

static void
set_id(Datum *value, bool *isnull, int64 id)
{
	*value = Int64GetDatum(id);
	*isnull = id == 0;
}

/* One retail.price_quote. */
static void
fill_quote(const PriceQuestion *question, const PriceAnswer *answer, Snapshot snapshot,
		   Datum *values, bool *isnull)
{
	int			decimals = answer->decimals;

	memset(isnull, 0, sizeof(bool) * QUOTE_COLUMNS);
	values[0] = retail_master_sku_code(question->sku.id, &isnull[0]);
	values[1] = retail_master_channel_code(question->channel_id, &isnull[1]);
	values[2] = retail_master_location_code(question->location_id, &isnull[2]);
	values[3] = Int64GetDatum(question->qty);
	values[4] = TimestampTzGetDatum(question->at);
	values[5] = CStringGetTextDatum(answer->currency);
	values[6] = money(answer->list.amount, decimals);
	values[7] = money(answer->price.amount, decimals);
	values[8] = CStringGetTextDatum(kind_name[answer->price.kind]);
	values[9] = money(answer->amount, decimals);
	values[10] = CStringGetTextDatum(scope_name[answer->list.scope]);
	values[11] = Int64GetDatum(answer->list.id);
	values[12] = CStringGetTextDatum(scope_name[answer->price.scope]);
	values[13] = Int64GetDatum(answer->price.id);
	set_id(&values[14], &isnull[14], answer->price.grant_id);
	set_id(&values[15], &isnull[15], answer->price.campaign_id);
	isnull[16] = !answer->prior.known || !answer->prior.found;
	values[16] = isnull[16] ? (Datum) 0 : money(answer->prior.amount, decimals);
	isnull[17] = !answer->prior.known;
	values[17] = BoolGetDatum(answer->prior.young);
	values[18] = service_pack(question->channel_id, question->at, snapshot, &isnull[18]);
	values[19] = TimestampTzGetDatum(answer->valid_until);
	isnull[19] = answer->valid_until == DT_NOEND;
	values[20] = Int64GetDatum(question->sku.price_per);
}

static TupleDesc
row_type(FunctionCallInfo fcinfo, int ncolumns)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != ncolumns)
		elog(ERROR, "result type is not a row of %d columns", ncolumns);
	return desc;
}

/* The result's row type, found once for all calls of an expression. */
static TupleDesc
kept_row_type(FunctionCallInfo fcinfo, int ncolumns)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		fcinfo->flinfo->fn_extra = BlessTupleDesc(CreateTupleDescCopy(row_type(fcinfo, ncolumns)));
		MemoryContextSwitchTo(old);
	}
	return (TupleDesc) fcinfo->flinfo->fn_extra;
}

/* ----------------------------------------------------------------
 * Functions
 * ----------------------------------------------------------------
 */

/* sku, channel, location, qty, at, member_tier, currency */
static PriceQuestion
arg_question(FunctionCallInfo fcinfo)
{
	PriceQuestion question;

	retail_tables_check();
	question.sku = retail_arg_sku(fcinfo, 0);
	question.channel_id = retail_arg_channel_id(fcinfo, 1);
	question.location_id = arg_location_id(fcinfo, 2);
	question.qty = retail_arg_qty(fcinfo, 3);
	question.at = arg_at(fcinfo, 4);
	question.tier = retail_arg_ref(fcinfo, 5, "member_tier");
	question.currency = arg_currency(fcinfo, 6);
	return question;
}

Datum
retail_quote(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = kept_row_type(fcinfo, QUOTE_COLUMNS);
	PriceQuestion question = arg_question(fcinfo);
	Snapshot	snapshot = GetActiveSnapshot();
	PriceAnswer answer;
	Datum		values[QUOTE_COLUMNS];
	bool		isnull[QUOTE_COLUMNS];

	retail_price_quote(&question, snapshot, &answer);
	fill_quote(&question, &answer, snapshot, values, isnull);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, isnull));
}

/* retail.quote_lines(lines, channel, location, at, member_tier, currency) */
Datum
retail_quote_lines(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo;
	Snapshot	snapshot = GetActiveSnapshot();
	PriceQuestion question;
	LineArg    *lines;
	int			nlines;
	int32		location_id;

	InitMaterializedSRF(fcinfo, 0);
	rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	if (rsinfo->setDesc->natts != QUOTE_COLUMNS)
		elog(ERROR, "result type is not a row of %d columns", QUOTE_COLUMNS);
	retail_tables_check();
	lines = retail_arg_order_lines(fcinfo, 0, &nlines);
	if (nlines > MAX_LINES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a basket has at most %d lines", MAX_LINES)));
	question.channel_id = retail_arg_channel_id(fcinfo, 1);
	location_id = arg_location_id(fcinfo, 2);
	question.at = arg_at(fcinfo, 3);
	question.tier = retail_arg_ref(fcinfo, 4, "member_tier");
	question.currency = arg_currency(fcinfo, 5);
	for (int i = 0; i < nlines; i++)
	{
		PriceAnswer answer;
		Datum		values[QUOTE_COLUMNS];
		bool		isnull[QUOTE_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		question.sku = lines[i].sku;
		question.location_id = lines[i].location.id != 0 ? lines[i].location.id : location_id;
		question.qty = lines[i].qty;
		retail_price_quote(&question, snapshot, &answer);
		fill_quote(&question, &answer, snapshot, values, isnull);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
	}
	return (Datum) 0;
}

/* Raises RT023 where there is no price in the currency at all. */
static void
explain_scope(const PriceQuestion *question, Snapshot snapshot, PriceScope *scope)
{
	PriceVersion version;

	if (!retail_price_scope(question, snapshot, scope, &version))
		retail_price_none(question);
	scope->decimals = retail_price_decimals(scope->currency, snapshot);
}

/* retail._explain_quote(...): is_base, id, scope, verdict */
Datum
retail_explain_quote(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo;
	Snapshot	snapshot = GetActiveSnapshot();
	PriceQuestion question;
	PriceScope	scope;
	PriceOffers all;
	OfferVerdict *verdicts;

	InitMaterializedSRF(fcinfo, 0);
	rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	question = arg_question(fcinfo);
	explain_scope(&question, snapshot, &scope);
	retail_price_read_all(&scope, question.at, snapshot, &all);
	verdicts = palloc_extended(sizeof(OfferVerdict) * (Size) Max(all.n, 1), MCXT_ALLOC_HUGE);
	retail_price_explain(all.offers, all.n, question.at, question.qty, verdicts);
	for (int i = 0; i < all.n; i++)
	{
		Datum		values[5];
		bool		isnull[5] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = BoolGetDatum(all.offers[i].scope == OFFER_BASE);
		values[1] = Int64GetDatum(all.offers[i].id);
		values[2] = CStringGetTextDatum(scope_name[all.offers[i].scope]);
		values[3] = CStringGetTextDatum(verdict_name[verdicts[i]]);
		values[4] = Int32GetDatum(OFFER_VERDICTS - verdicts[i]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
	}
	return (Datum) 0;
}

/* retail.prior_price(sku, channel, location, reduction_start, days, currency) */
Datum
retail_prior_price(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = row_type(fcinfo, 6);
	Snapshot	snapshot = GetActiveSnapshot();
	PriceQuestion question;
	PriceScope	scope;
	PriceVersion version;
	PriorPrice	prior;
	int32		days;
	Datum		values[6];
	bool		isnull[6] = {false};

	retail_tables_check();
	question.sku = retail_arg_sku(fcinfo, 0);
	question.channel_id = retail_arg_channel_id(fcinfo, 1);
	question.location_id = arg_location_id(fcinfo, 2);
	question.qty = 1;
	question.at = arg_at(fcinfo, 3);
	question.tier = (Datum) 0;
	question.currency = arg_currency(fcinfo, 5);
	days = PG_ARGISNULL(4) ? PRIOR_PRICE_DAYS : PG_GETARG_INT32(4);
	if (days < 1 || days > MAX_PRIOR_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("days must be 1 to %d", MAX_PRIOR_DAYS)));
	if (!retail_price_scope(&question, snapshot, &scope, &version))
		retail_price_none(&question);
	scope.decimals = retail_price_decimals(scope.currency, snapshot);
	prior = retail_price_prior(&scope, question.at, days, snapshot);

	isnull[0] = !prior.found;
	values[0] = prior.found ? money(prior.amount, scope.decimals) : (Datum) 0;
	values[1] = scope.currency;
	values[2] = TimestampTzGetDatum(prior.reduced_from);
	values[3] = TimestampTzGetDatum(prior.since);
	values[4] = BoolGetDatum(prior.young);
	values[5] = TimestampTzGetDatum(prior.found ? prior.found_at : 0);
	isnull[5] = !prior.found;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

/* retail._quote_cache(): what this session keeps */
Datum
retail_quote_cache_sql(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = row_type(fcinfo, 2);
	int64		nsheets;
	int64		nbytes;
	Datum		values[2];
	bool		isnull[2] = {false};

	retail_price_cache_counts(&nsheets, &nbytes);
	values[0] = Int64GetDatum(nsheets);
	values[1] = Int64GetDatum(nbytes);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

/* ----------------------------------------------------------------
 * What freezing and refunding need
 * ----------------------------------------------------------------
 */

/*
 * retail._live_price(sku_id, location_id, channel_id, qty, at, tier,
 * currency): price, amount and grant_id, or NULLs; with the newest snapshot.
 */
Datum
retail_live_price(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = row_type(fcinfo, 3);
	PriceQuestion question;
	PriceAnswer answer;
	Snapshot	snapshot;
	Datum		values[3] = {0};
	bool		isnull[3] = {true, true, true};

	retail_tables_check();
	question.location_id = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	question.channel_id = PG_GETARG_INT32(2);
	question.qty = PG_GETARG_INT64(3);
	question.at = PG_GETARG_TIMESTAMPTZ(4);
	question.tier = PG_ARGISNULL(5) ? (Datum) 0 : PG_GETARG_DATUM(5);
	question.currency = PG_GETARG_DATUM(6);
	snapshot = retail_latest_snapshot();
	if (retail_master_sku_by_id(PG_GETARG_INT32(0), &question.sku) &&
		retail_price_find(&question, snapshot, &answer))
	{
		isnull[0] = isnull[1] = false;
		values[0] = money(answer.price.amount, answer.decimals);
		values[1] = money(answer.amount, answer.decimals);
		set_id(&values[2], &isnull[2], answer.price.grant_id);
	}
	UnregisterSnapshot(snapshot);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

static int64
arg_minor(Datum amount, int decimals)
{
	int64		amount_minor;

	if (retail_money_to_minor(DatumGetNumeric(amount), decimals, &amount_minor) != MONEY_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount %s is not one of a currency with %d decimals",
						DatumGetCString(DirectFunctionCall1(numeric_out, amount)), decimals)));
	return amount_minor;
}

static int
arg_decimals(FunctionCallInfo fcinfo, int i)
{
	int			decimals = PG_GETARG_INT32(i);

	if (decimals < 0 || decimals > PRICE_MAX_DECIMALS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("decimals must be 0 to %d", PRICE_MAX_DECIMALS)));
	return decimals;
}

/* retail._shares(amount, weights, decimals): by largest remainder */
Datum
retail_shares(PG_FUNCTION_ARGS)
{
	int			decimals = arg_decimals(fcinfo, 2);
	int64		amount = arg_minor(PG_GETARG_DATUM(0), decimals);
	Datum	   *weights;
	bool	   *nulls;
	int			n;
	int64	   *weights_minor;
	int64	   *shares;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), NUMERICOID, -1, false, TYPALIGN_INT, &weights, &nulls, &n);
	weights_minor = palloc(sizeof(int64) * Max(n, 1));
	shares = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a weight must not be null")));
		weights_minor[i] = arg_minor(weights[i], decimals);
	}
	if (retail_price_allocate(amount, weights_minor, n, palloc(sizeof(PriceRemainder) * Max(n, 1)),
							  shares) != PRICE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an amount cannot be shared by no line, or by negative weights")));
	for (int i = 0; i < n; i++)
		weights[i] = money(shares[i], decimals);
	PG_RETURN_ARRAYTYPE_P(construct_array(weights, n, NUMERICOID, -1, false, TYPALIGN_INT));
}

/* retail._part(amount, units, whole, decimals): rounded once, halves away from zero */
Datum
retail_part(PG_FUNCTION_ARGS)
{
	int			decimals = arg_decimals(fcinfo, 3);
	int64		part;

	if (retail_price_scale(arg_minor(PG_GETARG_DATUM(0), decimals), PG_GETARG_INT64(1),
						   PG_GETARG_INT64(2), PRICE_HALF_AWAY, &part) != PRICE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a part of the amount is out of range")));
	PG_RETURN_DATUM(money(part, decimals));
}
