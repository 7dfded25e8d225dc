/*-------------------------------------------------------------------------
 * route_score.h
 *		What a parcel from a location costs, and what it does to its stock.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_SCORE_H
#define RETAIL_ROUTE_SCORE_H

#include "datatype/timestamp.h"

#include "master.h"

/* In the units that the channel's and the location's figures are stated in. */
typedef struct RouteCost
{
	double		distance;
	double		handling;
	double		load;
	double		total;
} RouteCost;

/*
 * Of one parcel.  distance_m < 0: no destination.  load: the share of the
 * location's day that is taken, 0 to 1.
 */
extern RouteCost retail_route_cost(const ChannelInfo *channel, const LocationInfo *location,
								   double distance_m, double load);

/* Later than any lot: the units have no date, or one that is farther off. */
#define ROUTE_MAX_EXPIRY_DAYS 3650

/*
 * Days from "at" to the expiry of the first lot that a location would give of
 * a SKU, in its own time zone; 0 for a SKU without lots.
 */
extern int32 retail_route_expiry_days(const SkuInfo *sku, int32 location_id, TimestampTz at);

/*
 * The solver's penalty of units: days to their expiry, and between equal sums
 * of these, last units of display stores.
 */
extern int32 retail_route_penalty(int32 expiry_days, bool last_unit);

/* Where a criterion stands in the channel's objective: 0 is first. */
extern int	retail_route_rank(const ChannelInfo *channel, RouteCriterion criterion);

#endif							/* RETAIL_ROUTE_SCORE_H */
