/*-------------------------------------------------------------------------
 * route_options.h
 *		The options argument of route(), place_order() and their kin.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_OPTIONS_H
#define RETAIL_ROUTE_OPTIONS_H

#include "postgres.h"

#include "fmgr.h"

#include "geo_datum.h"

typedef struct RouteOptions
{
	GeoDatum	datum;
	bool		has_at;
	TimestampTz at;
	int32		location_id;	/* 0: any */
	int32	   *excluded;
	int			nexcluded;
	int			reach;			/* 0: not given */
	int			max_parcels;	/* 0: not given */
	bool		no_split;
	bool		partial;

	/* of place_order() */
	int64		ttl_us;			/* 0: not given */
	Datum		guide;			/* 0: none */
	bool		backorder;
} RouteOptions;

/*
 * Reads argument i; for_order: those of place_order() are allowed too.  Raises
 * 22023 for an unknown option or a value of the wrong kind.
 */
extern void retail_route_options(FunctionCallInfo fcinfo, int i, bool for_order,
								 RouteOptions *options);

#endif							/* RETAIL_ROUTE_OPTIONS_H */
