/*-------------------------------------------------------------------------
 * route_greedy.h
 *		Residual greedy over places that are asked only when it matters.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_GREEDY_H
#define RETAIL_ROUTE_GREEDY_H

#include <stdbool.h>
#include <stdint.h>

/* Places are in order of preference, which decides between equals. */
typedef struct RouteGreedy
{
	int			nplaces;
	int			nlines;
	int8_t	   *holds;			/* [place * nlines + line]: 1 all of it, 0 not, -1 not asked */
	int			max_asks;		/* questions; what is not asked then is not there */
	bool		(*ask) (void *arg, int place, int line);
	bool		(*accept) (void *arg, int place);	/* NULL: every place will do */
	void	   *arg;
	int			nasks;			/* questions so far; begins at 0 */
} RouteGreedy;

/*
 * Again and again the place that holds most of the lines that are left, until
 * none is left.  wanted: per line, whether it counts.  picks: room for
 * max_parcels places; work: room for retail_route_greedy_work() ints.  Returns
 * how many it took, or 0 if it takes more than max_parcels.
 */
extern int	retail_route_greedy_play(RouteGreedy *greedy, const bool *wanted,
									 int max_parcels, int *picks, int *work);
extern int	retail_route_greedy_work(int nplaces, int nlines);

#endif							/* RETAIL_ROUTE_GREEDY_H */
