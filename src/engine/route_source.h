/*-------------------------------------------------------------------------
 * route_source.h
 *		Which locations to look at for an order, in which order.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_SOURCE_H
#define RETAIL_ROUTE_SOURCE_H

#include "place_index.h"

typedef enum RouteSourceKind
{
	SOURCE_NETWORK,				/* all, nearest first */
	SOURCE_LISTED,				/* of channel_source, nearest first */
	SOURCE_WAREHOUSES,			/* the nearest warehouses */
	SOURCE_HOLDERS,				/* with stock of one SKU, nearest first */
	SOURCE_IDS					/* of a list, by id */
} RouteSourceKind;

typedef struct RouteSource
{
	RouteSourceKind kind;
	bool		has_from;
	Place		from;			/* where the order goes; else distances are -1 */
	bool		by_walk;		/* by the walk, or else by the list */
	PlaceWalk	walk;
	PlaceNear  *list;
	int			nlist;
	int			given;			/* so many have been answered */
	int			limit;
} RouteSource;

/*
 * Opens one for a destination: NULL when there is none, and then no source but
 * SOURCE_IDS has anything.  of: the channel or the SKU, 0 for the others.
 * ids, nids: for SOURCE_IDS.  Memory is the current context's.
 */
extern void retail_route_source_begin(RouteSource *source, RouteSourceKind kind,
									  const Place *from, int32 of,
									  const int32 *ids, int nids);

/* The next location, and its distance; false: that was all. */
extern bool retail_route_source_next(RouteSource *source, int32 *location_id,
									 double *distance_m);
extern void retail_route_source_end(RouteSource *source);

#endif							/* RETAIL_ROUTE_SOURCE_H */
