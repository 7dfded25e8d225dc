/*-------------------------------------------------------------------------
 * route_solver.h
 *		Which locations serve an order, and who gives how much of a line.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ROUTE_SOLVER_H
#define RETAIL_ROUTE_SOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_SOLVER_MAX_CANDS	64
#define ROUTE_SOLVER_MAX_LINES	256

/* What makes one plan better than another. */
typedef enum RouteCriterion
{
	ROUTE_LINES,				/* most lines filled */
	ROUTE_PROMISE,				/* fewest of these late */
	ROUTE_PARCELS,				/* fewest candidates */
	ROUTE_COST,					/* least sum of their costs */
	ROUTE_STOCK,				/* least sum of penalties over the shares of filled lines */
	ROUTE_CRITERIA
} RouteCriterion;

/*
 * Candidates are in order of preference, which is the last tie-break.  Costs
 * are compared in thousandths, rounded half up and capped at 7e13, so that
 * the order of a sum cannot matter.  The objective is lexicographic, and lines
 * come first in it: of everything else, least is had by serving nobody.
 */
typedef struct RouteProblem
{
	int			ncands;
	int			nlines;
	const int64_t *qty;			/* per line: units wanted, at least 1 */
	const int64_t *avail;		/* [line * ncands + cand], at least 0 */
	const double *cost;			/* per candidate: at least 0, finite */
	const bool *late;			/* per candidate: cannot keep the promise */
	const int32_t *penalty;		/* like avail, at least 0; NULL: all 0 */
	const RouteCriterion *objective;	/* each once; NULL: as declared above */
} RouteProblem;

typedef struct RouteLimits
{
	int			max_parcels;	/* 0: no limit */
	bool		no_split;		/* a line comes from one location or not */
	bool		partial;		/* place what there is of an unfilled line */
	int			node_budget;	/* search nodes before good enough is enough */
} RouteLimits;

typedef struct RouteSolution
{
	int			nused;
	int			used[ROUTE_SOLVER_MAX_CANDS];	/* candidates, rising */
	int			nfilled;		/* lines that get all their units */
	int			nlate;			/* of these, lines that miss the promise */
	bool		exact;			/* proven best; false: budget ran out */
	int			nodes;			/* search nodes visited */
} RouteSolution;

typedef struct RouteShare
{
	int			cand;
	int64_t		qty;
} RouteShare;

/* One line of a solution. */
typedef struct RouteShares
{
	bool		filled;
	bool		late;			/* filled, and misses the promise */
	int64_t		qty;			/* units placed: the sum of the shares */
	int			nshares;
	RouteShare	shares[ROUTE_SOLVER_MAX_CANDS];
} RouteShares;

extern size_t retail_route_solver_work_size(int ncands, int nlines);
extern bool retail_route_solver_solve(const RouteProblem *problem,
									  const RouteLimits *limits, void *work,
									  RouteSolution *solution);
extern void retail_route_solver_share(const RouteProblem *problem,
									  const RouteLimits *limits,
									  const RouteSolution *solution, int line,
									  RouteShares *shares);

#endif							/* RETAIL_ROUTE_SOLVER_H */
