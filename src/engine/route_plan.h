/*-------------------------------------------------------------------------
 * route_plan.h
 *		From where an order is served: the plan over the candidates.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_PLAN_H
#define RETAIL_ROUTE_PLAN_H

#include "route_request.h"

extern const char *const retail_route_verdict_name[VERDICT_COUNT];

/* Units of one line in one parcel. */
typedef struct RoutePiece
{
	int			line;
	int			parcel;
	int64		qty;
} RoutePiece;

typedef struct RoutePlan
{
	ServiceInfo service;
	RouteParcel *parcels;
	int			nparcels;
	RoutePiece *pieces;			/* in the order of the lines */
	int			npieces;
	int64	   *unfilled;		/* per line: units no location has for it */
	bool		filled;			/* none is */
	int			max_parcels;	/* it was made for; 0: no limit */
	bool		may_serve;		/* some location could be asked for stock at all */
	TimestampTz promise_at;		/* of its last parcel; 0: no parcel */
	RouteLook  *looks;
	int			nlooks;
} RoutePlan;

/*
 * Plans without side effects, in the caller's memory context.  The engine is
 * open for reading (retail_engine_begin or _begin_read).  Raises 22004 when
 * neither a destination nor a location is there.
 */
extern RoutePlan *retail_route_plan(const RouteRequest *request);

#endif							/* RETAIL_ROUTE_PLAN_H */
