/*-------------------------------------------------------------------------
 * route_walk.h
 *		The walk over locations that may serve an order.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_WALK_H
#define RETAIL_ROUTE_WALK_H

#include "delivery_zone.h"
#include "place_index.h"
#include "route_request.h"
#include "stock_read.h"

/* Locations a walk makes candidates of; how many it looks at for that is route_request.h's reach. */
#define ROUTE_MAX_CANDIDATES 40

/* Candidates more, from behind the walk (route_farther.h). */
#define ROUTE_SPARE_CANDIDATES 8

/* Lines of one SKU that may come from the same places, as one. */
typedef struct Need
{
	SkuInfo		sku;
	int32		location_id;	/* the only one; 0: anywhere */
	int64		qty;
} Need;

typedef struct Candidate
{
	RouteParcel parcel;
	int64	   *avail;			/* per need */
	int32	   *expiry_days;	/* per need; -1: not read */
	bool	   *last;			/* per need: its last unit, to be kept, would go */
	double		cost;
	bool		late;
	int			look;
} Candidate;

typedef struct Walk
{
	const RouteRequest *request;
	ServiceInfo *service;
	StockReader reader;			/* its instant tells which holds have lapsed */
	Place		to;				/* the destination, where there is one */
	Need	   *needs;
	int32	   *need_skus;		/* of each its SKU */
	int			nneeds;
	int		   *need_of_line;
	ZoneReader	zones;
	Candidate	candidates[ROUTE_MAX_CANDIDATES + ROUTE_SPARE_CANDIDATES];
	int			ncandidates;
	int			limit;			/* candidates the present source may fill up to */
	RouteLook  *looks;			/* every location looked at */
	int			nlooks;
	int			looks_room;
	bool		done;			/* nothing that was not looked at can be better */
	double		done_beyond_m;	/* and nothing farther than this */
	bool		stock_first;	/* the objective weighs stock before cost */
	bool		all_seen;		/* everything within the radius was looked at */
	PlaceNear  *behind;			/* what the walk did not come to, nearest first */
	int			nbehind;
} Walk;

/* Opens what a walk reads with; memory is the current context's. */
extern Walk *retail_route_walk_begin(const RouteRequest *request, ServiceInfo *service);
extern void retail_route_walk_end(Walk *walk);

/* Fills the candidates, and sorts them: nearest first, of equals the smaller id. */
extern void retail_route_collect(Walk *walk);
extern void retail_route_sort_candidates(Walk *walk);

/* Whether the candidates together do not have all units of a need. */
extern bool retail_route_is_short(const Walk *walk, int need);

/* Looks at one location more: notes what it is like, and makes it a candidate if it fits. */
extern void retail_route_look_at(Walk *walk, int32 location_id, double distance_m);

/*
 * What an open location could give of a need.  Units that other lines want
 * from just there are theirs.
 */
extern int64 retail_route_ask(Walk *walk, int32 location_id, int need);

/* What speaks against a location before its stock is asked for; VERDICT_NOT_NEEDED: nothing. */
extern RouteVerdict retail_route_judge_place(Walk *walk, RouteLook *look,
											 const LocationInfo *location);

/* A location with zones for the service delivers only inside them. */
extern bool retail_route_is_inside_zone(Walk *walk, int32 location_id);

/* The solver's penalty of what a candidate would give of a need. */
extern int32 retail_route_weigh_units(const Walk *walk, Candidate *candidate, int need);

#endif							/* RETAIL_ROUTE_WALK_H */
