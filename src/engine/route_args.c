/*-------------------------------------------------------------------------
 * route_args.c
 *		The arguments of the routing functions as a RouteRequest.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "arg.h"
#include "clock.h"
#include "route_args.h"
#include "table.h"

/* Lines of one order: what the solver and a person can still look through. */
#define MAX_LINES 256

/* Locations looked at, where the order does not say. */
#define ROUTE_REACH 1000

void
retail_route_destination(RouteRequest *route, double longitude, double latitude, GeoDatum datum)
{
	GeoPoint	point = {longitude, latitude};

	/* written so that NaN is refused */
	if (!(longitude >= -180 && longitude <= 180))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("longitude is out of range"),
				 errdetail("It is in degrees, -180 to 180.")));
	if (!(latitude >= -90 && latitude <= 90))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("latitude is out of range"),
				 errdetail("It is in degrees, -90 to 90.")));
	point = retail_geo_datum_to_wgs84(point, datum);
	route->has_destination = true;
	route->longitude = point.longitude;
	route->latitude = point.latitude;
}

static void
read_destination(FunctionCallInfo fcinfo, const RouteArgs *args, RouteRequest *route,
				 GeoDatum datum)
{
	bool		no_longitude = PG_ARGISNULL(args->longitude);

	if (no_longitude != PG_ARGISNULL(args->latitude))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("longitude and latitude go together")));
	if (!no_longitude)
		retail_route_destination(route, PG_GETARG_FLOAT8(args->longitude),
								 PG_GETARG_FLOAT8(args->latitude), datum);
}

static void
read_service(FunctionCallInfo fcinfo, const RouteArgs *args, RouteRequest *route)
{
	Datum		code = retail_arg_text(fcinfo, args->service, "service");

	if (retail_same_text(code, CStringGetTextDatum("auto")))
		return;
	route->service = palloc(sizeof(ServiceInfo));
	*route->service = retail_master_service(code);
}

static int
stricter(int a, int b)
{
	return a == 0 ? b : b == 0 ? a : Min(a, b);
}

/*
 * The stores that the lines name: a shopper who names several goes to several.
 * One who names none goes to one, and that is 1 here.
 */
static int
count_named(const RouteRequest *route)
{
	int			n = 0;

	for (int i = 0; i < route->nlines; i++)
	{
		int32		id = route->lines[i].location.id;
		int			earlier = 0;

		while (earlier < i && route->lines[earlier].location.id != id)
			earlier++;
		n += id != 0 && earlier == i;
	}
	return Max(n, 1);
}

void
retail_route_args(FunctionCallInfo fcinfo, const RouteArgs *args, RouteRequest *route,
				  RouteOptions *options)
{
	memset(route, 0, sizeof(*route));
	route->lines = retail_arg_order_lines(fcinfo, args->lines, &route->nlines);
	if (route->nlines > MAX_LINES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an order has at most %d lines", MAX_LINES)));
	if (args->for_order || !PG_ARGISNULL(args->channel))
		route->channel = retail_master_channel(retail_arg_text(fcinfo, args->channel, "channel"));
	else
	{
		retail_master_default_routing(&route->channel);
		route->channel.open = true;
	}
	retail_route_options(fcinfo, args->options, args->for_order, options);
	read_destination(fcinfo, args, route, options->datum);
	read_service(fcinfo, args, route);
	route->location_id = options->location_id;
	if (args->location >= 0 && !PG_ARGISNULL(args->location))
		route->location_id = retail_arg_location(fcinfo, args->location).id;
	route->excluded = options->excluded;
	route->nexcluded = options->nexcluded;
	route->reach = options->reach > 0 ? options->reach : ROUTE_REACH;
	route->max_parcels = stricter(options->max_parcels, route->channel.max_parcels);
	route->max_pickups = options->max_parcels > 0 ? route->max_parcels : count_named(route);
	route->no_split = options->no_split || route->channel.no_split;
	route->partial = options->partial || options->backorder;
	route->placed_at = options->has_at ? options->at : retail_clock_now();
}

void
retail_route_hash(Request *request, FunctionCallInfo fcinfo, const RouteArgs *args,
				  const RouteRequest *route)
{
	Jsonb	   *options = PG_ARGISNULL(args->options) ? NULL : PG_GETARG_JSONB_P(args->options);

	for (int i = 0; i < route->nlines; i++)
	{
		retail_request_hash_int(request, route->lines[i].sku.id);
		retail_request_hash_int(request, route->lines[i].location.id);
		retail_request_hash_int(request, route->lines[i].qty);
	}
	retail_request_hash_int(request, route->channel.id);
	retail_request_hash_int(request, (int64) rint(route->longitude * 1e9));
	retail_request_hash_int(request, (int64) rint(route->latitude * 1e9));
	retail_request_hash_int(request, route->service ? route->service->id : 0);
	retail_request_hash_int(request, route->location_id);
	retail_request_hash_text(request, options == NULL ? (Datum) 0 :
							 CStringGetTextDatum(JsonbToCString(NULL, &options->root, VARSIZE(options))),
							 options == NULL);
}
