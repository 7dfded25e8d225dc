/*-------------------------------------------------------------------------
 * route.c
 *		retail.route(), explain_route() and stock_near().
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arg.h"
#include "clock.h"
#include "escrow.h"
#include "route_args.h"
#include "route_near.h"
#include "route_plan.h"

PG_FUNCTION_INFO_V1(retail_route);
PG_FUNCTION_INFO_V1(retail_explain_route);
PG_FUNCTION_INFO_V1(retail_stock_near);

static const RouteArgs route_args = {.lines = 0, .longitude = 1, .latitude = 2, .channel = 3,
.service = 4, .location = -1, .options = 5, .for_order = false};

static void
put_row(FunctionCallInfo fcinfo, Datum *values, bool *isnull)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
}

static void
put_piece(FunctionCallInfo fcinfo, const RouteRequest *request, const RoutePlan *plan,
		  const RoutePiece *piece)
{
	const RouteParcel *parcel = &plan->parcels[piece->parcel];
	Datum		values[10];
	bool		isnull[10] = {false};

	values[0] = Int32GetDatum(piece->line + 1);
	values[1] = retail_master_sku_code(request->lines[piece->line].sku.id, &isnull[1]);
	values[2] = retail_master_location_code(parcel->location_id, &isnull[2]);
	values[3] = Int64GetDatum(piece->qty);
	values[4] = Int32GetDatum(piece->parcel + 1);
	values[5] = retail_master_service_code(plan->service.id, &isnull[5]);
	values[6] = Float8GetDatum(parcel->distance_m);
	isnull[6] = parcel->distance_m < 0;
	values[7] = TimestampTzGetDatum(parcel->promise.promise_at);
	values[8] = BoolGetDatum(parcel->promise.kept);
	values[9] = Int64GetDatum(0);
	put_row(fcinfo, values, isnull);
}

static void
put_unfilled(FunctionCallInfo fcinfo, const RouteRequest *request, int line, int64 unfilled)
{
	Datum		values[10] = {0};
	bool		isnull[10] = {false, false, true, false, true, true, true, true, true, false};

	values[0] = Int32GetDatum(line + 1);
	values[1] = retail_master_sku_code(request->lines[line].sku.id, &isnull[1]);
	values[3] = Int64GetDatum(0);
	values[9] = Int64GetDatum(unfilled);
	put_row(fcinfo, values, isnull);
}

/* retail.route(lines, longitude, latitude, channel, service, options) */
Datum
retail_route(PG_FUNCTION_ARGS)
{
	RouteRequest request;
	RouteOptions options;
	RoutePlan  *plan;

	InitMaterializedSRF(fcinfo, 0);
	retail_engine_begin_read();
	retail_route_args(fcinfo, &route_args, &request, &options);
	plan = retail_route_plan(&request);
	for (int i = 0; i < plan->npieces; i++)
		put_piece(fcinfo, &request, plan, &plan->pieces[i]);
	for (int i = 0; i < request.nlines; i++)
	{
		if (plan->unfilled[i] > 0)
			put_unfilled(fcinfo, &request, i, plan->unfilled[i]);
	}
	return (Datum) 0;
}

/* Six columns of explain_route(). */
static void
put_scores(const RouteLook *look, Datum *values, bool *isnull)
{
	values[0] = Float8GetDatum(look->cost.distance);
	values[1] = Float8GetDatum(look->cost.handling);
	values[2] = Float8GetDatum(look->cost.load);
	values[3] = Float8GetDatum(look->cost.total);
	isnull[0] = isnull[1] = isnull[2] = isnull[3] = !look->has_cost;
	values[4] = Int64GetDatum(look->expiry_days);
	isnull[4] = !look->is_candidate || !look->has_dates;
	values[5] = Int32GetDatum(look->last_units);
	isnull[5] = !look->is_candidate;
}

/* retail.explain_route(lines, longitude, latitude, channel, service, options) */
Datum
retail_explain_route(PG_FUNCTION_ARGS)
{
	RouteRequest request;
	RouteOptions options;
	RoutePlan  *plan;

	InitMaterializedSRF(fcinfo, 0);
	retail_engine_begin_read();
	retail_route_args(fcinfo, &route_args, &request, &options);
	plan = retail_route_plan(&request);
	for (int i = 0; i < plan->nlooks; i++)
	{
		const RouteLook *look = &plan->looks[i];
		bool		no_promise = look->promise.promise_at == 0 ||
			TIMESTAMP_NOT_FINITE(look->promise.promise_at);
		Datum		values[13];
		bool		isnull[13] = {false};

		values[0] = Int32GetDatum(i + 1);
		values[1] = retail_master_location_code(look->location_id, &isnull[1]);
		values[2] = Float8GetDatum(look->distance_m);
		isnull[2] = look->distance_m < 0;
		values[3] = CStringGetTextDatum(retail_route_verdict_name[look->verdict]);
		values[4] = Int32GetDatum(look->lines_held);
		values[5] = TimestampTzGetDatum(look->promise.promise_at);
		values[6] = BoolGetDatum(look->promise.kept);
		isnull[5] = isnull[6] = no_promise;
		put_scores(look, &values[7], &isnull[7]);
		put_row(fcinfo, values, isnull);
	}
	return (Datum) 0;
}

static int
max_rows_arg(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i) || PG_GETARG_INT32(i) < 1 || PG_GETARG_INT32(i) > ROUTE_MAX_NEAR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows must be 1 to %d", ROUTE_MAX_NEAR)));
	return PG_GETARG_INT32(i);
}

static double
max_km_arg(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		return -1;
	if (!(PG_GETARG_FLOAT8(i) > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_km must be above 0")));
	return PG_GETARG_FLOAT8(i) * 1000;
}

/* retail.stock_near(sku, channel, longitude, latitude, qty, max_km, max_rows) */
Datum
retail_stock_near(PG_FUNCTION_ARGS)
{
	RouteNear	near = {0};
	RouteFound	found[ROUTE_MAX_NEAR];
	RouteRequest place = {0};
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	retail_engine_begin_read();
	near.sku = retail_arg_sku(fcinfo, 0);
	if (PG_ARGISNULL(1))
		retail_master_default_routing(&near.channel);
	else
		near.channel = retail_master_channel(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("longitude and latitude must not be NULL")));
	retail_route_destination(&place, PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3), GEO_WGS_84);
	near.longitude = place.longitude;
	near.latitude = place.latitude;
	near.qty = retail_arg_qty(fcinfo, 4);
	near.max_m = max_km_arg(fcinfo, 5);
	near.max_rows = max_rows_arg(fcinfo, 6);
	near.now = retail_clock_now();
	n = retail_route_near(&near, found);
	for (int i = 0; i < n; i++)
	{
		Datum		values[3];
		bool		isnull[3] = {false};

		values[0] = retail_master_location_code(found[i].location_id, &isnull[0]);
		values[1] = Float8GetDatum(found[i].distance_m);
		values[2] = Int64GetDatum(found[i].available);
		put_row(fcinfo, values, isnull);
	}
	return (Datum) 0;
}
