/*-------------------------------------------------------------------------
 * route_args.h
 *		The arguments of the routing functions as a RouteRequest.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_ARGS_H
#define RETAIL_ROUTE_ARGS_H

#include "fmgr.h"

#include "request.h"
#include "route_options.h"
#include "route_request.h"

/* Where each argument stands; -1: the function has none. */
typedef struct RouteArgs
{
	int			lines;
	int			longitude;
	int			latitude;
	int			channel;
	int			service;
	int			location;
	int			options;
	bool		for_order;		/* the channel is a must; options of place_order() */
} RouteArgs;

/* Raises 22023, 22004 or the unknown code's own error. */
extern void retail_route_args(FunctionCallInfo fcinfo, const RouteArgs *args,
							  RouteRequest *route, RouteOptions *options);

/* Degrees in a datum to WGS-84; raises 22023 when out of range. */
extern void retail_route_destination(RouteRequest *route, double longitude, double latitude,
									 GeoDatum datum);

/* Mixes what was asked for into a request key's hash. */
extern void retail_route_hash(Request *request, FunctionCallInfo fcinfo, const RouteArgs *args,
							  const RouteRequest *route);

#endif							/* RETAIL_ROUTE_ARGS_H */
