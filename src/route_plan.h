/*-------------------------------------------------------------------------
 * route_plan.h
 *		From where an order is served: candidates, and the plan over them.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_PLAN_H
#define RETAIL_ROUTE_PLAN_H

#include "arg.h"
#include "master.h"
#include "promise.h"
#include "route_score.h"

/* Locations a plan may choose from, and locations looked at to find them. */
#define ROUTE_MAX_CANDIDATES 40
#define ROUTE_MAX_SCANNED 1000

/* Units the customer holds already: they do not stand against him. */
typedef struct RouteOwnHold
{
	int32		sku_id;
	int32		location_id;
	int64		qty;
} RouteOwnHold;

/* An order, as routing sees it. */
typedef struct RouteRequest
{
	LineArg    *lines;			/* location.id 0: anywhere */
	int			nlines;
	bool		has_destination;
	double		longitude;		/* degrees, WGS-84 */
	double		latitude;
	ChannelInfo channel;		/* id 0: none, no safety stock, whole network */
	ServiceInfo *service;		/* NULL: auto, the best promise of all */
	int32		location_id;	/* the only one that may serve; 0: any */
	int32	   *excluded;
	int			nexcluded;
	RouteOwnHold *own_holds;
	int			nown_holds;
	int			max_parcels;	/* 0: no limit */
	bool		no_split;
	bool		partial;		/* place what there is of a line that is short */
	bool		settled;		/* as if all units in flight came back */
	TimestampTz placed_at;
} RouteRequest;

typedef struct RouteParcel
{
	int32		location_id;
	double		distance_m;		/* on the sphere; < 0: no destination */
	ServicePromise promise;
} RouteParcel;

/* Units of one line in one parcel. */
typedef struct RoutePiece
{
	int			line;
	int			parcel;
	int64		qty;
} RoutePiece;

typedef enum RouteVerdict
{
	VERDICT_CHOSEN,
	VERDICT_NOT_NEEDED,
	VERDICT_DOMINATED,
	VERDICT_NO_STOCK,
	VERDICT_NO_CAPACITY,
	VERDICT_LATE,
	VERDICT_OUTSIDE_ZONE,
	VERDICT_TOO_FAR,
	VERDICT_NOT_OFFERED,
	VERDICT_EXCLUDED,
	VERDICT_CLOSED,
	VERDICT_COUNT
} RouteVerdict;

extern const char *const retail_route_verdict_name[VERDICT_COUNT];

/* A location looked at: why it was not chosen, or that it was. */
typedef struct RouteLook
{
	int32		location_id;
	double		distance_m;
	RouteVerdict verdict;
	int			lines_held;		/* lines it could fill whole */
	ServicePromise promise;		/* where it got that far */
	bool		has_cost;		/* where it got farther */
	RouteCost	cost;			/* of a parcel from there */
	bool		is_candidate;	/* the rest is for these */
	bool		has_dates;		/* of lots: read, for they could decide */
	int64		expiry_days;	/* added up over what it holds of the SKUs */
	int			last_units;		/* SKUs of which the last, to be kept, would go */
} RouteLook;

typedef struct RoutePlan
{
	ServiceInfo service;
	RouteParcel *parcels;
	int			nparcels;
	RoutePiece *pieces;			/* in the order of the lines */
	int			npieces;
	int64	   *unfilled;		/* per line: units no location has for it */
	bool		filled;			/* none is */
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

/* Where one SKU is to be had. */
typedef struct RouteNear
{
	SkuInfo		sku;
	ChannelInfo channel;		/* id 0: none, no safety stock, whole network */
	double		longitude;		/* degrees, WGS-84 */
	double		latitude;
	int64		qty;
	double		max_m;			/* < 0: any distance */
	int			max_rows;		/* 1 to ROUTE_MAX_CANDIDATES */
	TimestampTz now;
} RouteNear;

typedef struct RouteFound
{
	int32		location_id;
	double		distance_m;
	int64		available;
} RouteFound;

/* The nearest locations with the units, nearest first; how many. */
extern int	retail_route_near(const RouteNear *near, RouteFound *found);

#endif							/* RETAIL_ROUTE_PLAN_H */
