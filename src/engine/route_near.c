/*-------------------------------------------------------------------------
 * route_near.c
 *		Where one SKU is to be had, nearest first.
 *
 * The locations of a channel come from the source that its orders are served
 * from, and each is asked as route() would ask it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "claim.h"
#include "route_near.h"
#include "route_source.h"

/* Locations looked at, at most. */
#define NEAR_REACH 1000

/* Adds a location if it has the units. */
static void
add_found(const RouteNear *near, StockReader *reader, int32 location_id, double distance_m,
		  RouteFound *found, int *n)
{
	LocationInfo location;
	SaleRule	rule;
	int64		available;

	if (!retail_master_location_by_id(location_id, &location) || !location.open)
		return;
	rule = retail_sale_rule_now(near->sku.id, location_id, near->channel.id);
	available = retail_takeable_read(reader, near->sku.id, location_id, &rule);
	if (available < near->qty)
		return;
	found[*n].location_id = location_id;
	found[*n].distance_m = distance_m;
	found[*n].available = available;
	(*n)++;
}

int
retail_route_near(const RouteNear *near, RouteFound *found)
{
	Place		from = retail_place(0, near->longitude, near->latitude);
	StockReader reader;
	RouteSource source;
	int32		location_id;
	double		distance_m;
	int			n = 0;

	retail_stock_reader_begin(&reader, AccessShareLock, near->now);
	retail_route_source_begin(&source, near->channel.source == ROUTING_LISTED ? SOURCE_LISTED : SOURCE_NETWORK,
							  &from, near->channel.id, NULL, 0);
	for (int i = 0; i < NEAR_REACH && n < near->max_rows &&
		 retail_route_source_next(&source, &location_id, &distance_m); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (near->max_m >= 0 && distance_m > near->max_m)
			break;
		add_found(near, &reader, location_id, distance_m, found, &n);
	}
	retail_route_source_end(&source);
	retail_stock_reader_end(&reader);
	return n;
}
