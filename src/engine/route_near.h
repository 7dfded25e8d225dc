/*-------------------------------------------------------------------------
 * route_near.h
 *		Where one SKU is to be had, nearest first.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_NEAR_H
#define RETAIL_ROUTE_NEAR_H

#include "master.h"

#define ROUTE_MAX_NEAR 40

typedef struct RouteNear
{
	SkuInfo		sku;
	ChannelInfo channel;		/* id 0: none, no safety stock, whole network */
	double		longitude;		/* degrees, WGS-84 */
	double		latitude;
	int64		qty;
	double		max_m;			/* < 0: any distance */
	int			max_rows;		/* 1 to ROUTE_MAX_NEAR */
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

#endif							/* RETAIL_ROUTE_NEAR_H */
