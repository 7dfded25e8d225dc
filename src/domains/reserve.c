/*-------------------------------------------------------------------------
 * reserve.c
 *		retail.reserve() and retail.reserve_lines().
 *
 * A basket is decided, its answer stored under the request key, then written;
 * a second call with the key finds the answer instead.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "answer.h"
#include "arg.h"
#include "basket.h"
#include "claim.h"
#include "clock.h"
#include "fault.h"
#include "request.h"

PG_FUNCTION_INFO_V1(retail_reserve);
PG_FUNCTION_INFO_V1(retail_reserve_lines);

/* ----------------------------------------------------------------
 * Answering
 * ----------------------------------------------------------------
 */

/* What is stored and answered, in the order the lines were given. */
static void
fill_lines(Basket *basket, StoredLine *stored)
{
	for (int i = 0; i < basket->nlines; i++)
	{
		const LineArg *line = &basket->lines[i];
		const LinePlan *plan = &basket->plans[i];
		StoredLine *out = &stored[line->line_no];

		memset(out, 0, sizeof(*out));
		out->outcome = plan->outcome;
		out->id = plan->reservation_id;
		out->sku_id = line->sku.id;
		out->location_id = line->location.id;
		out->qty = plan->qty;
		out->expires_at = plan->outcome == OUTCOME_HELD ? basket->expires_at : 0;
	}
}

static void
fill_available(Basket *basket, Answer *answers)
{
	for (int s = 0; s < basket->nstocks; s++)
	{
		StockPlan  *stock = &basket->stocks[s];
		const LineArg *line = &basket->lines[stock->first];
		int64		available = retail_basket_available(basket, stock);

		for (int i = stock->first; i <= stock->last; i++)
		{
			answers[line[i - stock->first].line_no].available = available;
			answers[line[i - stock->first].line_no].available_known = true;
		}
	}
}

static Answer *
replay(Basket *basket, const StoredLine *stored)
{
	Answer	   *answers = palloc0(sizeof(Answer) * basket->nlines);

	for (int i = 0; i < basket->nlines; i++)
	{
		SaleRule	rule = retail_sale_rule_now(stored[i].sku_id, stored[i].location_id,
												basket->channel.id);

		answers[i].line = stored[i];
		answers[i].replayed = true;
		answers[i].available = retail_takeable_at(stored[i].sku_id, stored[i].location_id,
												  &rule, basket->now);
		answers[i].available_known = true;
	}
	return answers;
}

/* Decides, stores the answer under the key, writes; or replays. */
static Answer *
run_basket(Basket *basket, Request *request)
{
	StoredLine *stored = palloc(sizeof(StoredLine) * basket->nlines);
	Answer	   *answers;

	for (;;)
	{
		StoredLine *earlier = retail_request_find(request, basket->nlines);

		if (earlier != NULL)
			return replay(basket, earlier);
		RETAIL_FAULT_PAUSE();
		retail_basket_decide(basket);
		if (!basket->any_held)
		{
			/* the caller's own first try may have got the last unit meanwhile */
			if (!RETAIL_FAULT("no_reprobe") &&
				(earlier = retail_request_find(request, basket->nlines)) != NULL)
				return replay(basket, earlier);
			fill_lines(basket, stored);
			break;
		}
		fill_lines(basket, stored);
		if (retail_request_store(request, stored, basket->nlines))
		{
			retail_basket_write(basket);
			break;
		}
		retail_basket_undo(basket);
		CHECK_FOR_INTERRUPTS();
	}
	answers = palloc0(sizeof(Answer) * basket->nlines);
	for (int i = 0; i < basket->nlines; i++)
		answers[i].line = stored[i];
	fill_available(basket, answers);
	return answers;
}

static void
hash_basket(Request *request, const Basket *basket, int64 ttl_us)
{
	for (int i = 0; i < basket->nlines; i++)
	{
		retail_request_hash_int(request, basket->lines[i].sku.id);
		retail_request_hash_int(request, basket->lines[i].location.id);
		retail_request_hash_int(request, basket->lines[i].qty);
	}
	retail_request_hash_int(request, basket->channel.id);
	retail_request_hash_int(request, ttl_us);
	retail_request_hash_int(request, basket->mode);
	retail_request_hash_text(request, basket->holder, basket->holder == (Datum) 0);
}

/* retail.reserve(sku, location, qty, channel, ttl, holder, request_key) */
Datum
retail_reserve(PG_FUNCTION_ARGS)
{
	Basket		basket;
	LineArg		line;
	Request		request;
	int64		ttl_us;

	retail_engine_begin("retail.reserve()");
	memset(&basket, 0, sizeof(basket));
	memset(&line, 0, sizeof(line));
	line.sku = retail_arg_sku(fcinfo, 0);
	line.location = retail_arg_location(fcinfo, 1);
	line.qty = retail_arg_qty(fcinfo, 2);
	basket.lines = &line;
	basket.nlines = 1;
	basket.channel = retail_master_channel(retail_arg_text(fcinfo, 3, "channel"));
	ttl_us = retail_arg_ttl(fcinfo, 4, basket.channel.hold_ttl_us);
	basket.holder = retail_arg_holder(fcinfo, 5);
	basket.now = retail_clock_now();
	basket.expires_at = basket.now + ttl_us;
	request = retail_arg_request(fcinfo, 6, "reserve");
	hash_basket(&request, &basket, ttl_us);
	return retail_answer_reservation(fcinfo, run_basket(&basket, &request));
}

static ReserveMode
mode_arg(FunctionCallInfo fcinfo, int i)
{
	char	   *mode = TextDatumGetCString(retail_arg_text(fcinfo, i, "mode"));

	if (strcmp(mode, "all") == 0)
		return MODE_ALL;
	if (strcmp(mode, "best_effort") == 0)
		return MODE_BEST_EFFORT;
	if (strcmp(mode, "partial") == 0)
		return MODE_PARTIAL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown mode \"%.60s\"", mode),
			 errhint("The modes are all, best_effort and partial.")));
	return MODE_ALL;
}

/* retail.reserve_lines(lines, channel, ttl, holder, request_key, mode) */
Datum
retail_reserve_lines(PG_FUNCTION_ARGS)
{
	Basket		basket;
	Request		request;
	int64		ttl_us;

	retail_engine_begin("retail.reserve_lines()");
	memset(&basket, 0, sizeof(basket));
	basket.lines = retail_arg_lines(fcinfo, 0, &basket.nlines);
	basket.channel = retail_master_channel(retail_arg_text(fcinfo, 1, "channel"));
	ttl_us = retail_arg_ttl(fcinfo, 2, basket.channel.hold_ttl_us);
	basket.holder = retail_arg_holder(fcinfo, 3);
	basket.mode = mode_arg(fcinfo, 5);
	basket.now = retail_clock_now();
	basket.expires_at = basket.now + ttl_us;
	request = retail_arg_request(fcinfo, 4, "reserve_lines");
	hash_basket(&request, &basket, ttl_us);
	qsort(basket.lines, basket.nlines, sizeof(LineArg), retail_line_compare);
	return retail_answer_reservations(fcinfo, run_basket(&basket, &request), basket.nlines);
}
