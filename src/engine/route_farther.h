/*-------------------------------------------------------------------------
 * route_farther.h
 *		Candidates from behind the walk.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_FARTHER_H
#define RETAIL_ROUTE_FARTHER_H

#include "route_walk.h"

/* What the plan over the candidates of the walk does. */
typedef struct RoutePlanned
{
	int			nparcels;
	const bool *filled;			/* per need: it gets all its units */
	bool		any_late;		/* some of them miss the promise */
	double		cost;			/* of its parcels */
	int			max_parcels;	/* it may have; 0: any number */
	bool		is_cut_short;	/* the candidates have it all, but are too many */
} RoutePlanned;

/*
 * Makes candidates of what residual greedy finds behind the walk, where that
 * may be better than the plan: as much in fewer parcels, or for less, or all of it
 * in as many as it may have; whether there are any.
 */
extern bool retail_route_look_farther(Walk *walk, const RoutePlanned *plan);

#endif							/* RETAIL_ROUTE_FARTHER_H */
