/*-------------------------------------------------------------------------
 * route_request.h
 *		An order as routing sees it, and what it finds out about a location.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_REQUEST_H
#define RETAIL_ROUTE_REQUEST_H

#include "arg.h"
#include "master.h"
#include "promise.h"
#include "route_score.h"

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
	int			reach;			/* locations looked at, at most */
	int			max_parcels;	/* 0: no limit */
	int			max_pickups;	/* of a pickup: one, unless more are asked for; 0: no limit */
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

#endif							/* RETAIL_ROUTE_REQUEST_H */
