/*-------------------------------------------------------------------------
 * route_score.c
 *		What a parcel from a location costs, and what it does to its stock.
 *
 * These are the numbers behind two criteria of a channel's objective: cost,
 * a sum of three that the business sets, and stock.  The others the solver
 * counts itself.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "utils/date.h"

#include "route_score.h"
#include "table.h"

/* Above the last units of all lines of an order together. */
#define EXPIRY_DAY_PENALTY 512

StaticAssertDecl(ROUTE_SOLVER_MAX_LINES < EXPIRY_DAY_PENALTY,
				 "a day weighs more than the last units of all lines");

RouteCost
retail_route_cost(const ChannelInfo *channel, const LocationInfo *location,
				  double distance_m, double load)
{
	RouteCost	cost;

	cost.distance = channel->cost_per_km * Max(distance_m, 0) / 1000;
	cost.handling = location->handling_cost;
	cost.load = channel->load_cost * load;
	cost.total = cost.distance + cost.handling + cost.load;
	return cost;
}

int32
retail_route_expiry_days(const SkuInfo *sku, int32 location_id, TimestampTz at)
{
	DateADT		today;
	int64		days = ROUTE_MAX_EXPIRY_DAYS;
	ScanKeyData keys[2];
	RetailScan	scan;

	if (!sku->lot_tracked)
		return 0;
	today = retail_master_date_at(location_id, at);
	retail_key_stock(keys, sku->id, location_id);
	retail_scan_begin(&scan, TABLE_LOT, INDEX_LOT_FEFO, AccessShareLock, NULL, 2, keys);
	while (retail_scan_next(&scan))
	{
		bool		isnull;
		DateADT		day = DatumGetDateADT(retail_column(TABLE_LOT, scan.slot, LOT_EXPIRES_ON, &isnull));

		if (isnull)
			break;

		/* a lot stops being sellable when its day begins */
		if (day <= today ||
			retail_column_int64(TABLE_LOT, scan.slot, LOT_ON_HAND) <=
			retail_column_int64(TABLE_LOT, scan.slot, LOT_UNAVAILABLE))
			continue;
		days = Min(days, (int64) day - today);
		break;
	}
	retail_scan_end(&scan);
	return (int32) days;
}

int32
retail_route_penalty(int32 expiry_days, bool last_unit)
{
	return expiry_days * EXPIRY_DAY_PENALTY + last_unit;
}

int
retail_route_rank(const ChannelInfo *channel, RouteCriterion criterion)
{
	int			rank = 0;

	while (rank < ROUTE_CRITERIA - 1 && channel->objective[rank] != criterion)
		rank++;
	return rank;
}
