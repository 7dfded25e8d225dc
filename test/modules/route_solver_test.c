/*-------------------------------------------------------------------------
 * route_solver_test.c
 *		Random test of src/pure/route_solver.c against all subsets.
 *
 *		cc -Isrc/base -Isrc/pure test/modules/route_solver_test.c src/pure/route_solver.c
 *		./a.out [seed]			the test; SEED does the same
 *		./a.out cases N [seed]	prints N geographic cases
 *		./a.out solve [nodes [objective]]	reads cases, prints what the solver finds
 *		./a.out time [seed]		microseconds per call of typical sizes
 *
 * The twin values a set of candidates by the words of the rules, with plain
 * arrays, and tries every subset of up to twelve candidates.  Larger cases are
 * compared with two rules of thumb.  Prints TAP; the seed repeats a run.
 * test/bench/route_optimum reads "cases" and "solve".
 *-------------------------------------------------------------------------
 */
#include "route_solver.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS			10000
#define TWIN_CANDS		12
#define TWIN_LINES		8
#define LARGE_CANDS		40
#define LARGE_LINES		30
#define LARGE_ROUNDS	400
#define NO_END			100000000	/* node budget */

/* A problem with its arrays. */
typedef struct Case
{
	RouteProblem problem;
	RouteLimits limits;
	int64_t		qty[ROUTE_SOLVER_MAX_LINES];
	int64_t		avail[ROUTE_SOLVER_MAX_LINES * ROUTE_SOLVER_MAX_CANDS];
	double		cost[ROUTE_SOLVER_MAX_CANDS];
	bool		late[ROUTE_SOLVER_MAX_CANDS];
	int32_t		penalty[ROUTE_SOLVER_MAX_LINES * ROUTE_SOLVER_MAX_CANDS];
	RouteCriterion objective[ROUTE_CRITERIA];
} Case;

/* The objective, and the set it belongs to. */
typedef struct Value
{
	int			filled;
	int			late;
	int			parcels;
	double		cost;
	int64_t		penalty;
	bool		used[ROUTE_SOLVER_MAX_CANDS];
} Value;

/* Units that each candidate gives to each line. */
typedef struct Grid
{
	int64_t		units[ROUTE_SOLVER_MAX_LINES][ROUTE_SOLVER_MAX_CANDS];
	bool		filled[ROUTE_SOLVER_MAX_LINES];
	bool		late[ROUTE_SOLVER_MAX_LINES];
} Grid;

/* wide enough for any sum of quantities */
typedef __int128 wide;

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int64_t
random_below(int64_t limit)
{
	return (int64_t) (random_bits() % (uint64_t) limit);
}

static double
random_fraction(void)
{
	return (double) (random_bits() >> 11) / 9007199254740992.0;
}

/* Prints one TAP line for a rule that held "failures" times not. */
static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	if (failures > 0)
		tests_failed++;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

static Case *
new_case(int ncands, int nlines)
{
	Case	   *c = calloc(1, sizeof(Case));

	c->problem.ncands = ncands;
	c->problem.nlines = nlines;
	c->problem.qty = c->qty;
	c->problem.avail = c->avail;
	c->problem.cost = c->cost;
	c->problem.late = c->late;
	c->problem.penalty = c->penalty;
	for (int i = 0; i < ROUTE_CRITERIA; i++)
		c->objective[i] = (RouteCriterion) i;
	c->problem.objective = c->objective;
	c->limits.node_budget = NO_END;
	return c;
}

/* Blocks of exactly the size asked for, so that a sanitizer sees a stray. */
static bool
solve_case(const Case *c, RouteSolution *solution)
{
	void	   *work = malloc(retail_route_solver_work_size(c->problem.ncands,
														   c->problem.nlines));
	bool		solved;

	memset(solution, 0xa5, sizeof(*solution));
	solved = retail_route_solver_solve(&c->problem, &c->limits, work, solution);
	free(work);
	return solved;
}

/*-------------------------------------------------------------------------
 * The twin
 *-------------------------------------------------------------------------
 */

static int64_t
avail_at(const Case *c, int line, int cand)
{
	return c->avail[line * c->problem.ncands + cand];
}

static int64_t
penalty_at(const Case *c, int line, int cand)
{
	return c->problem.penalty == NULL ? 0 :
		c->penalty[line * c->problem.ncands + cand];
}

/* Fills usable[]; says whether the line is whole, split, or 0: beyond hope. */
static char
twin_kind(const Case *c, int line, bool *usable)
{
	int			n = c->problem.ncands;
	bool		any = false;
	wide		sum = 0;

	for (int i = 0; i < n; i++)
	{
		usable[i] = avail_at(c, line, i) >= c->qty[line];
		any = any || usable[i];
	}
	if (any)
		return 'w';
	for (int i = 0; i < n; i++)
	{
		usable[i] = avail_at(c, line, i) > 0;
		sum += avail_at(c, line, i);
	}
	return sum >= c->qty[line] && !c->limits.no_split ? 's' : 0;
}

static int
twin_rank(const Case *c, RouteCriterion criterion)
{
	int			rank = 0;

	while (c->objective[rank] != criterion)
		rank++;
	return rank;
}

/* Whether a gives to a line before b. */
static bool
twin_gives_first(const Case *c, char kind, int line, int a, int b)
{
	int64_t		more = penalty_at(c, line, a) - penalty_at(c, line, b);

	if (kind != 'w')
		return avail_at(c, line, a) > avail_at(c, line, b);
	if (twin_rank(c, ROUTE_STOCK) < twin_rank(c, ROUTE_PROMISE) && more != 0)
		return more < 0;
	return c->late[a] != c->late[b] ? c->late[b] : more < 0;
}

/* Gives a line its units from the used candidates. */
static void
twin_give(const Case *c, const bool *used, int line, Grid *grid)
{
	int			n = c->problem.ncands;
	bool		usable[ROUTE_SOLVER_MAX_CANDS];
	char		kind = twin_kind(c, line, usable);
	int64_t    *units = grid->units[line];
	int64_t		given = 0;
	int			taken = 0;
	wide		on_time = 0;

	memset(units, 0, sizeof(int64_t) * n);
	for (int i = 0; i < n; i++)
	{
		usable[i] = usable[i] && used[i];
		on_time += usable[i] && !c->late[i] ? avail_at(c, line, i) : 0;
	}
	for (int i = 0; i < n && kind == 's' && on_time >= c->qty[line]; i++)
		usable[i] = usable[i] && !c->late[i];
	grid->late[line] = false;
	while (given < c->qty[line] && !(taken == 1 && c->limits.no_split))
	{
		int			best = -1;

		for (int i = 0; i < n; i++)
		{
			if (!usable[i] || units[i] > 0)
				continue;
			if (best < 0 || twin_gives_first(c, kind, line, i, best))
				best = i;
		}
		if (best < 0)
			break;
		units[best] = avail_at(c, line, best);
		if (units[best] > c->qty[line] - given)
			units[best] = c->qty[line] - given;
		given += units[best];
		taken++;
		grid->late[line] = grid->late[line] || c->late[best];
	}
	grid->filled[line] = given == c->qty[line];
	grid->late[line] = grid->late[line] && grid->filled[line];
	if (!grid->filled[line] && !c->limits.partial)
		memset(units, 0, sizeof(int64_t) * ROUTE_SOLVER_MAX_CANDS);
}

static void
twin_evaluate(const Case *c, const bool *used, Value *value)
{
	static Grid grid;
	int			n = c->problem.ncands;

	memset(value, 0, sizeof(*value));
	for (int i = 0; i < n; i++)
	{
		value->used[i] = used[i];
		value->parcels += used[i];
		value->cost += used[i] ? c->cost[i] : 0;
	}
	for (int line = 0; line < c->problem.nlines; line++)
	{
		twin_give(c, used, line, &grid);
		value->filled += grid.filled[line];
		value->late += grid.late[line];
		for (int i = 0; i < n && grid.filled[line]; i++)
			value->penalty += grid.units[line][i] > 0 ? penalty_at(c, line, i) : 0;
	}
}

static double
twin_part(const Value *value, RouteCriterion criterion)
{
	switch (criterion)
	{
		case ROUTE_LINES:
			return -value->filled;
		case ROUTE_PROMISE:
			return value->late;
		case ROUTE_PARCELS:
			return value->parcels;
		case ROUTE_COST:
			return value->cost;
		default:
			return (double) value->penalty;
	}
}

/* Below 0: a is better.  ncands 0: whatever the sets are. */
static int
twin_compare(const Case *c, const Value *a, const Value *b, int ncands)
{
	for (int i = 0; i < ROUTE_CRITERIA; i++)
	{
		double		x = twin_part(a, c->objective[i]);
		double		y = twin_part(b, c->objective[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}

	/* of two sorted lists, the first difference is where one lacks a number */
	for (int i = 0; i < ncands; i++)
	{
		if (a->used[i] != b->used[i])
			return a->used[i] ? -1 : 1;
	}
	return 0;
}

static int
parcel_limit(const Case *c)
{
	return c->limits.max_parcels > 0 ? c->limits.max_parcels :
		c->problem.ncands;
}

/* What partial does when no line at all is filled. */
static void
twin_leftovers(const Case *c, Value *best)
{
	static Grid grid;
	int			n = c->problem.ncands;
	int			left = parcel_limit(c);
	bool		used[ROUTE_SOLVER_MAX_CANDS] = {false};

	for (int i = 0; i < n; i++)
	{
		bool		holds = false;

		for (int line = 0; line < c->problem.nlines; line++)
		{
			bool		usable[ROUTE_SOLVER_MAX_CANDS];

			twin_kind(c, line, usable);
			holds = holds || usable[i];
		}
		used[i] = holds && left > 0;
		left -= holds;
	}
	for (int line = 0; line < c->problem.nlines; line++)
		twin_give(c, used, line, &grid);
	for (int i = 0; i < n; i++)
	{
		bool		gives = false;

		for (int line = 0; line < c->problem.nlines; line++)
			gives = gives || grid.units[line][i] > 0;
		used[i] = gives;
	}
	twin_evaluate(c, used, best);
}

/* The best of all subsets. */
static void
twin_solve(const Case *c, Value *best)
{
	int			n = c->problem.ncands;

	memset(best, 0, sizeof(*best));
	best->filled = -1;
	for (unsigned subset = 0; subset < 1u << n; subset++)
	{
		bool		used[ROUTE_SOLVER_MAX_CANDS] = {false};
		int			parcels = 0;
		Value		value;

		for (int i = 0; i < n; i++)
		{
			used[i] = subset >> i & 1;
			parcels += used[i];
		}
		if (parcels > parcel_limit(c))
			continue;
		twin_evaluate(c, used, &value);
		if (twin_compare(c, &value, best, n) < 0)
			*best = value;
	}
	if (best->filled == 0 && c->limits.partial)
		twin_leftovers(c, best);
}

static void
value_solution(const Case *c, const RouteSolution *solution, Value *value)
{
	bool		used[ROUTE_SOLVER_MAX_CANDS] = {false};

	for (int i = 0; i < solution->nused; i++)
		used[solution->used[i]] = true;
	twin_evaluate(c, used, value);
}

/*-------------------------------------------------------------------------
 * Cases
 *-------------------------------------------------------------------------
 */

/* One of the 24 orders in which lines come first. */
static void
shuffle_objective(Case *c)
{
	for (int i = ROUTE_CRITERIA - 1; i > 1; i--)
	{
		int			j = 1 + (int) random_below(i);
		RouteCriterion criterion = c->objective[i];

		c->objective[i] = c->objective[j];
		c->objective[j] = criterion;
	}
}

/* Any mixture of options, scarce and plentiful stock, ties and none. */
static Case *
random_case(void)
{
	int			ncands = (int) random_below(TWIN_CANDS + 1);
	int			nlines = (int) random_below(TWIN_LINES + 1);
	Case	   *c = new_case(ncands, nlines);
	int64_t		density = 1 + random_below(10);
	int64_t		most_units = 1 + random_below(8);
	int64_t		ncosts = random_below(3) ? 100000 : 1 + random_below(3);
	int64_t		npenalties = random_below(2) ? 1 : 1 + random_below(4);
	int64_t		unit = random_below(8) ? 1 : INT64_MAX / 8;

	for (int i = 0; i < ncands; i++)
	{
		c->cost[i] = (double) random_below(ncosts) / 8;
		c->late[i] = random_below(4) == 0;
	}
	for (int line = 0; line < nlines; line++)
	{
		c->qty[line] = unit * (1 + random_below(random_below(2) ? 3 : 8)) -
			(unit > 1 ? random_below(3) : 0);
		for (int i = 0; i < ncands; i++)
		{
			if (random_below(10) < density)
				c->avail[line * ncands + i] = unit * random_below(most_units + 1);
			c->penalty[line * ncands + i] = (int32_t) random_below(npenalties);
		}
	}
	if (npenalties == 1 && random_below(2))
		c->problem.penalty = NULL;
	c->limits.max_parcels = random_below(2) ? 0 : 1 + (int) random_below(4);
	c->limits.no_split = random_below(4) == 0;
	c->limits.partial = random_below(2);
	if (random_below(4) != 0)
		shuffle_objective(c);
	return c;
}

/*
 * Stores and some warehouses around a customer in a town of 20 km, nearest
 * first.  Popular goods lie in many of them, odd ones in few.
 */
static Case *
geographic_case(int ncands, int nlines)
{
	Case	   *c = new_case(ncands, nlines);
	double		stocked[ROUTE_SOLVER_MAX_CANDS];
	double		x = 20000 * random_fraction();
	double		y = 20000 * random_fraction();
	double		level = 0.10 + 0.35 * random_fraction();

	for (int i = 0; i < ncands; i++)
	{
		double		distance_m = hypot(20000 * random_fraction() - x,
									   20000 * random_fraction() - y);
		int			j = i;

		for (; j > 0 && c->cost[j - 1] > distance_m; j--)
			c->cost[j] = c->cost[j - 1];
		c->cost[j] = round(distance_m);
	}
	for (int i = 0; i < ncands; i++)
		stocked[i] = random_below(20) == 0 ? 2.0 : 0.5 + random_fraction();
	for (int line = 0; line < nlines; line++)
	{
		double		popular = level * (0.3 + 1.4 * random_fraction());
		bool		any = false;

		c->qty[line] = 1 + random_below(3) * random_below(2);
		for (int i = 0; i < ncands; i++)
		{
			if (random_fraction() < popular * stocked[i])
				c->avail[line * ncands + i] = 1 + random_below(6);
			any = any || c->avail[line * ncands + i] >= c->qty[line];
		}
		if (!any)
			c->avail[line * ncands + random_below(ncands)] = c->qty[line];
	}
	return c;
}

/* Shows a case and both answers, the first time only. */
static void
show_case(const Case *c, const Value *theirs, const Value *ours)
{
	static bool shown = false;

	if (shown)
		return;
	shown = true;
	printf("# max_parcels %d, no_split %d, partial %d, objective %d %d %d %d %d\n", c->limits.max_parcels,
		   c->limits.no_split, c->limits.partial, c->objective[0], c->objective[1],
		   c->objective[2], c->objective[3], c->objective[4]);
	for (int i = 0; i < c->problem.ncands; i++)
	{
		printf("# candidate %d: cost %g%s%s%s, of each line:", i, c->cost[i],
			   c->late[i] ? ", late" : "", theirs->used[i] ? ", solver" : "",
			   ours->used[i] ? ", twin" : "");
		for (int line = 0; line < c->problem.nlines; line++)
			printf(" %" PRId64 "/%" PRId64 "!%" PRId64, avail_at(c, line, i),
				   c->qty[line], penalty_at(c, line, i));
		printf("\n");
	}
	printf("# solver: %d filled, %d late, %d parcels, cost %g, penalty %" PRId64 "\n",
		   theirs->filled, theirs->late, theirs->parcels, theirs->cost, theirs->penalty);
	printf("# twin:   %d filled, %d late, %d parcels, cost %g, penalty %" PRId64 "\n",
		   ours->filled, ours->late, ours->parcels, ours->cost, ours->penalty);
}

/*-------------------------------------------------------------------------
 * Rules
 *-------------------------------------------------------------------------
 */

/* Whether the shares are those of the twin, and the numbers fit them. */
static bool
shares_are_right(const Case *c, const RouteSolution *solution)
{
	static Grid grid;
	bool		used[ROUTE_SOLVER_MAX_CANDS] = {false};
	bool		gives[ROUTE_SOLVER_MAX_CANDS] = {false};
	int			nfilled = 0;
	int			nlate = 0;
	bool		right = true;

	for (int i = 0; i < solution->nused; i++)
	{
		right = right && (i == 0 || solution->used[i] > solution->used[i - 1]);
		used[solution->used[i]] = true;
	}
	for (int line = 0; line < c->problem.nlines; line++)
	{
		RouteShares shares;
		int64_t		sum = 0;

		twin_give(c, used, line, &grid);
		retail_route_solver_share(&c->problem, &c->limits, solution, line, &shares);
		for (int i = 0; i < shares.nshares; i++)
		{
			const RouteShare *share = &shares.shares[i];

			right = right && used[share->cand] && share->qty > 0 &&
				share->qty <= avail_at(c, line, share->cand) &&
				share->qty == grid.units[line][share->cand];
			gives[share->cand] = true;
			sum += share->qty;
			grid.units[line][share->cand] = 0;
		}
		for (int i = 0; i < c->problem.ncands; i++)
			right = right && grid.units[line][i] == 0;
		right = right && sum == shares.qty && sum <= c->qty[line] &&
			shares.filled == (sum == c->qty[line]) &&
			shares.filled == grid.filled[line] &&
			shares.late == grid.late[line] &&
			!(c->limits.no_split && shares.nshares > 1);
		nfilled += shares.filled;
		nlate += shares.late;
	}
	return right && solution->nfilled == nfilled && solution->nlate == nlate &&
		solution->nused <= parcel_limit(c) &&
		memcmp(used, gives, sizeof(used)) == 0;
}

static void
test_best_of_all_subsets(void)
{
	int			worse = 0;
	int			other = 0;
	int			shares = 0;
	int			inexact = 0;
	int			split = 0;
	int			limited = 0;
	int			norders = 0;
	bool		seen[ROUTE_CRITERIA * ROUTE_CRITERIA * ROUTE_CRITERIA] = {false};

	for (int round = 0; round < ROUNDS; round++)
	{
		Case	   *c = random_case();
		RouteSolution solution;
		Value		theirs;
		Value		ours;

		seen[(c->objective[1] * ROUTE_CRITERIA + c->objective[2]) * ROUTE_CRITERIA + c->objective[3]] = true;
		inexact += !solve_case(c, &solution) || !solution.exact;
		value_solution(c, &solution, &theirs);
		twin_solve(c, &ours);
		if (twin_compare(c, &theirs, &ours, 0) != 0)
		{
			worse++;
			show_case(c, &theirs, &ours);
		}
		else if (twin_compare(c, &theirs, &ours, c->problem.ncands) != 0)
		{
			other++;
			show_case(c, &theirs, &ours);
		}
		shares += !shares_are_right(c, &solution);
		for (int line = 0; line < c->problem.nlines; line++)
		{
			RouteShares line_shares;

			retail_route_solver_share(&c->problem, &c->limits, &solution, line, &line_shares);
			split += line_shares.filled && line_shares.nshares > 1;
		}
		limited += ours.parcels == c->limits.max_parcels && ours.filled < c->problem.nlines;
		free(c);
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		norders += seen[i];
	report_rule("no subset is better in any part of the objective", worse);
	report_rule("and that in each of the 24 orders of it", norders != 24);
	report_rule("of equal sets, it is the one with the first candidates", other);
	report_rule("shares are within stock, add up, and nobody is idle", shares);
	report_rule("with nodes enough, every answer is proven", inexact);
	report_rule("the cases split lines and meet the limit of parcels",
				split < ROUNDS / 10 || limited < ROUNDS / 20);
}

/* With few nodes an answer may be less than best, but is not wrong. */
static void
test_without_nodes(void)
{
	int			wrong = 0;
	int			lies = 0;
	int			better = 0;

	for (int round = 0; round < ROUNDS / 4; round++)
	{
		Case	   *c = random_case();
		RouteSolution solution;
		Value		theirs;
		Value		ours;

		c->limits.node_budget = (int) random_below(6);
		wrong += !solve_case(c, &solution) || !shares_are_right(c, &solution);
		value_solution(c, &solution, &theirs);
		twin_solve(c, &ours);
		better += twin_compare(c, &theirs, &ours, c->problem.ncands) < 0;
		lies += solution.exact &&
			twin_compare(c, &theirs, &ours, c->problem.ncands) != 0;
		lies += solution.nodes > c->limits.node_budget;
		free(c);
	}
	report_rule("an answer from few nodes keeps all rules of a plan", wrong);
	report_rule("an answer said to be exact is exact", lies);
	report_rule("the twin is never beaten", better);
}

/*
 * Nearest first: whoever holds units that are missing, in the order given.
 * Residual greedy: whoever fills most of what is missing, then the cheapest.
 */
static void
thumb_value(const Case *c, bool greedy, Value *value)
{
	bool		used[ROUTE_SOLVER_MAX_CANDS] = {false};
	static double need[ROUTE_SOLVER_MAX_LINES];

	for (int line = 0; line < c->problem.nlines; line++)
		need[line] = (double) c->qty[line];
	for (int parcel = 0; parcel < parcel_limit(c); parcel++)
	{
		double		most = 0;
		int			best = -1;

		for (int i = 0; i < c->problem.ncands && !(best >= 0 && !greedy); i++)
		{
			double		gain = 0;

			for (int line = 0; line < c->problem.nlines && !used[i]; line++)
			{
				bool		usable[ROUTE_SOLVER_MAX_CANDS];

				if (need[line] > 0 && twin_kind(c, line, usable) && usable[i])
					gain += fmin((double) avail_at(c, line, i) / need[line], 1.0);
			}
			if (gain > most || (gain == most && best >= 0 && c->cost[i] < c->cost[best]))
			{
				most = gain;
				best = i;
			}
		}
		if (best < 0)
			break;
		used[best] = true;
		for (int line = 0; line < c->problem.nlines; line++)
		{
			bool		usable[ROUTE_SOLVER_MAX_CANDS];

			if (twin_kind(c, line, usable) && usable[best])
				need[line] -= fmin((double) avail_at(c, line, best), need[line]);
		}
	}
	twin_evaluate(c, used, value);
}

static void
test_not_worse_than_thumbs(void)
{
	int			wrong = 0;
	int			nearest = 0;
	int			greedy = 0;
	int			parcels[3] = {0, 0, 0};
	int			exact = 0;

	for (int round = 0; round < LARGE_ROUNDS; round++)
	{
		Case	   *c = geographic_case(LARGE_CANDS, LARGE_LINES);
		RouteSolution solution;
		Value		value;
		Value		thumb;

		c->limits.node_budget = round % 4 == 0 ? 0 : 3000;
		if (round % 3 == 0)
			c->limits.max_parcels = 1 + (int) random_below(6);
		if (round % 5 == 0)
			for (int i = 0; i < LARGE_CANDS; i++)
				c->late[i] = random_below(3) == 0;
		if (round % 7 == 0)
			for (int line = 0; line < LARGE_LINES; line++)
				c->qty[line] += random_below(8);
		c->limits.partial = round % 2 == 0;
		if (round % 2 == 1)
		{
			shuffle_objective(c);
			for (int i = 0; i < LARGE_LINES * LARGE_CANDS; i++)
				c->penalty[i] = (int32_t) random_below(5);
		}
		wrong += !solve_case(c, &solution) || !shares_are_right(c, &solution);
		exact += solution.exact;
		value_solution(c, &solution, &value);
		thumb_value(c, false, &thumb);
		nearest += twin_compare(c, &value, &thumb, LARGE_CANDS) > 0;
		parcels[0] += c->limits.max_parcels || round % 2 ? 0 : value.parcels;
		parcels[1] += c->limits.max_parcels || round % 2 ? 0 : thumb.parcels;
		thumb_value(c, true, &thumb);
		greedy += twin_compare(c, &value, &thumb, LARGE_CANDS) > 0;
		parcels[2] += c->limits.max_parcels || round % 2 ? 0 : thumb.parcels;
		free(c);
	}
	printf("# %d of %d exact; parcels: %d, nearest first %d, greedy %d\n",
		   exact, LARGE_ROUNDS, parcels[0], parcels[1], parcels[2]);
	report_rule("large plans keep all rules of a plan", wrong);
	report_rule("never worse than nearest first", nearest);
	report_rule("never worse than residual greedy", greedy);
}

static bool
same_used(const RouteSolution *a, const RouteSolution *b)
{
	return a->nused == b->nused &&
		memcmp(a->used, b->used, sizeof(int) * a->nused) == 0;
}

static void
swap_lines(Case *c, int a, int b)
{
	int64_t		qty = c->qty[a];

	c->qty[a] = c->qty[b];
	c->qty[b] = qty;
	for (int i = 0; i < c->problem.ncands; i++)
	{
		int64_t    *x = &c->avail[a * c->problem.ncands + i];
		int64_t    *y = &c->avail[b * c->problem.ncands + i];
		int64_t		avail = *x;

		*x = *y;
		*y = avail;
	}
}

static void
test_order_of_lines(void)
{
	int			twice = 0;
	int			shuffled = 0;

	for (int round = 0; round < LARGE_ROUNDS; round++)
	{
		Case	   *c = geographic_case(LARGE_CANDS, 10);
		RouteSolution first;
		RouteSolution second;

		if (round % 4 == 0)
			c->limits.max_parcels = 2;
		solve_case(c, &first);
		solve_case(c, &second);
		twice += memcmp(&first, &second, sizeof(first)) != 0;
		for (int line = 9; line > 0; line--)
			swap_lines(c, line, (int) random_below(line + 1));
		solve_case(c, &second);
		shuffled += !same_used(&first, &second);
		free(c);
	}
	report_rule("the same problem has the same answer", twice);
	report_rule("the order of the lines does not matter", shuffled);
}

/* Every word of a set of lines is in use. */
static void
test_many_lines(void)
{
	int			failures = 0;

	for (int round = 0; round < 20; round++)
	{
		int			nlines = 60 + (int) random_below(197);
		Case	   *c = geographic_case(10, nlines);
		RouteSolution solution;
		Value		theirs;
		Value		ours;

		for (int line = 0; line < nlines; line += 3)
			c->qty[line] = 1 + random_below(12);
		c->limits.max_parcels = (int) random_below(5);
		solve_case(c, &solution);
		value_solution(c, &solution, &theirs);
		twin_solve(c, &ours);
		failures += !solution.exact || !shares_are_right(c, &solution) ||
			twin_compare(c, &theirs, &ours, c->problem.ncands) != 0;
		free(c);
	}
	report_rule("hundreds of lines have the best of all subsets", failures);
}

static void
test_sizes(void)
{
	static const int sizes[][2] = {{0, 0}, {0, 5}, {5, 0}, {1, 1},
	{ROUTE_SOLVER_MAX_CANDS, 1}, {1, ROUTE_SOLVER_MAX_LINES},
	{ROUTE_SOLVER_MAX_CANDS, ROUTE_SOLVER_MAX_LINES}};
	int			failures = 0;
	RouteSolution solution;
	Case	   *c;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		for (int options = 0; options < 8; options++)
		{
			c = sizes[i][0] == 0 ? new_case(0, sizes[i][1]) :
				geographic_case(sizes[i][0], sizes[i][1]);
			for (int line = 0; line < sizes[i][1]; line++)
				c->qty[line] = 1 + random_below(9);
			c->limits.max_parcels = options & 1 ? 3 : 0;
			c->limits.no_split = options & 2;
			c->limits.partial = options & 4;
			c->limits.node_budget = 1000;
			failures += !solve_case(c, &solution) || !shares_are_right(c, &solution);
			failures += sizes[i][0] == 0 && (solution.nused != 0 || !solution.exact);
			free(c);
		}
	}
	report_rule("the smallest and the largest problems are solved", failures);

	c = new_case(ROUTE_SOLVER_MAX_CANDS + 1, 1);
	failures = solve_case(c, &solution) || solution.nused != 0;
	c->problem.ncands = 1;
	c->problem.nlines = ROUTE_SOLVER_MAX_LINES + 1;
	failures += solve_case(c, &solution) || solution.nused != 0;
	free(c);
	report_rule("a problem that is too large is refused", failures);

	c = new_case(1, 1);
	c->objective[0] = ROUTE_COST;
	c->objective[3] = ROUTE_LINES;
	failures = solve_case(c, &solution);
	c->objective[0] = ROUTE_LINES;
	failures += solve_case(c, &solution);
	c->objective[3] = ROUTE_CRITERIA;
	failures += solve_case(c, &solution);
	c->objective[3] = ROUTE_COST;
	failures += !solve_case(c, &solution);
	free(c);
	report_rule("an objective has each criterion once, and lines first", failures);
}

/* Sums beyond int64, costs beyond any sum, and whole lines of the largest. */
static void
test_huge_numbers(void)
{
	Case	   *c = new_case(ROUTE_SOLVER_MAX_CANDS, 3);
	RouteSolution solution;
	RouteShares shares;
	int			failures = 0;

	for (int i = 0; i < ROUTE_SOLVER_MAX_CANDS; i++)
	{
		c->cost[i] = i % 2 ? 1.7e308 : 1e13;
		c->penalty[i] = INT32_MAX;
		c->avail[i] = INT64_MAX - 1;
		c->avail[64 + i] = INT64_MAX;
		c->avail[128 + i] = INT64_MAX / 64 + 1;
	}
	for (int line = 0; line < 3; line++)
		c->qty[line] = INT64_MAX;
	failures += !solve_case(c, &solution) || solution.nfilled != 3 ||
		solution.nused != ROUTE_SOLVER_MAX_CANDS ||
		!shares_are_right(c, &solution);
	retail_route_solver_share(&c->problem, &c->limits, &solution, 0, &shares);
	failures += shares.nshares != 2 || shares.shares[1].qty != 1;
	retail_route_solver_share(&c->problem, &c->limits, &solution, 1, &shares);
	failures += shares.nshares != 1 || shares.qty != INT64_MAX;

	/* one unit less everywhere, and the last line is beyond hope */
	for (int i = 0; i < ROUTE_SOLVER_MAX_CANDS; i++)
		c->avail[128 + i] = INT64_MAX / 64 - 1;
	c->limits.partial = true;
	failures += !solve_case(c, &solution) || solution.nfilled != 2 ||
		solution.nused != 2 || solution.used[1] != 2 ||
		!shares_are_right(c, &solution);
	free(c);
	report_rule("quantities and costs near the limits do not overflow", failures);
}

/* The examples that say what the rules mean. */
static void
test_examples(void)
{
	Case	   *c = new_case(3, 2);
	RouteSolution solution;
	RouteShares shares;
	int			failures = 0;

	/* one far store with everything beats two near ones */
	c->qty[0] = c->qty[1] = 2;
	memcpy(c->avail, (int64_t[]) {2, 0, 2, 0, 2, 2}, sizeof(int64_t) * 6);
	memcpy(c->cost, (double[]) {1, 2, 50000}, sizeof(double) * 3);
	solve_case(c, &solution);
	failures += solution.nused != 1 || solution.used[0] != 2;
	report_rule("fewest parcels come before the shortest way", failures);

	/* but not when it is late and the others are not */
	c->late[2] = true;
	solve_case(c, &solution);
	report_rule("the promise comes before fewest parcels",
				solution.nused != 2 || solution.nlate != 0 || !solution.exact);

	/* a line that one store holds whole is not pieced together from two */
	memset(c->late, 0, sizeof(c->late));
	c->problem.nlines = 1;
	memcpy(c->avail, (int64_t[]) {1, 1, 2}, sizeof(int64_t) * 3);
	solve_case(c, &solution);
	report_rule("a line that somebody holds whole is not split",
				solution.nused != 1 || solution.used[0] != 2);

	c->avail[2] = 0;
	solve_case(c, &solution);
	failures = solution.nused != 2 || solution.nfilled != 1;
	c->limits.no_split = true;
	solve_case(c, &solution);
	failures += solution.nused != 0 || solution.nfilled != 0;
	report_rule("a line that nobody holds whole is split, if it may be", failures);

	/* two units wanted, one there */
	c->limits.no_split = false;
	c->avail[0] = 0;
	solve_case(c, &solution);
	failures = solution.nused != 0;
	c->limits.partial = true;
	solve_case(c, &solution);
	retail_route_solver_share(&c->problem, &c->limits, &solution, 0, &shares);
	failures += solution.nused != 1 || solution.nfilled != 0 || shares.filled ||
		shares.qty != 1;

	/* it rides along with a line that is filled, not in a parcel of its own */
	c->problem.nlines = 2;
	memcpy(c->avail, (int64_t[]) {0, 1, 0, 5, 0, 0}, sizeof(int64_t) * 6);
	solve_case(c, &solution);
	failures += solution.nused != 1 || solution.used[0] != 0;
	c->avail[0] = 1;
	solve_case(c, &solution);
	retail_route_solver_share(&c->problem, &c->limits, &solution, 0, &shares);
	failures += solution.nused != 2 || !shares.filled;
	c->avail[1] = 0;
	solve_case(c, &solution);
	retail_route_solver_share(&c->problem, &c->limits, &solution, 0, &shares);
	failures += solution.nused != 1 || shares.filled || shares.qty != 1;
	report_rule("a line that is short gets what rides along", failures);
	free(c);
}

/* One order, asked with each of the objectives that a retailer may want. */
static void
test_objectives(void)
{
	static const struct
	{
		RouteCriterion objective[ROUTE_CRITERIA];
		int			nused;
		int			used[2];
	}			answers[] = {
		{{ROUTE_LINES, ROUTE_PROMISE, ROUTE_PARCELS, ROUTE_COST, ROUTE_STOCK}, 1, {2}},
		{{ROUTE_LINES, ROUTE_PARCELS, ROUTE_COST, ROUTE_PROMISE, ROUTE_STOCK}, 1, {3}},
		{{ROUTE_LINES, ROUTE_PROMISE, ROUTE_COST, ROUTE_PARCELS, ROUTE_STOCK}, 2, {0, 1}},
		{{ROUTE_LINES, ROUTE_PROMISE, ROUTE_STOCK, ROUTE_PARCELS, ROUTE_COST}, 2, {1, 4}},
		{{ROUTE_LINES, ROUTE_STOCK, ROUTE_PROMISE, ROUTE_COST, ROUTE_PARCELS}, 2, {1, 4}},
		{{ROUTE_LINES, ROUTE_COST, ROUTE_STOCK, ROUTE_PARCELS, ROUTE_PROMISE}, 2, {0, 1}},
	};
	Case	   *c = new_case(5, 2);
	int			failures = 0;

	/* near ones with a line each; all of it far away, or late; the first line from an old lot */
	c->qty[0] = c->qty[1] = 2;
	memcpy(c->avail, (int64_t[]) {2, 0, 2, 2, 2, 0, 2, 2, 2, 0}, sizeof(int64_t) * 10);
	memcpy(c->penalty, (int32_t[]) {9, 0, 9, 9, 1, 0, 3, 9, 9, 0}, sizeof(int32_t) * 10);
	memcpy(c->cost, (double[]) {1, 2, 50, 40, 60}, sizeof(double) * 5);
	c->late[3] = true;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
	{
		RouteSolution solution;

		memcpy(c->objective, answers[i].objective, sizeof(c->objective));
		failures += !solve_case(c, &solution) || solution.nused != answers[i].nused ||
			memcmp(solution.used, answers[i].used, sizeof(int) * solution.nused) != 0;
	}
	report_rule("the order of the objective decides", failures);

	/* lines come before the promise even where parcels are short */
	memcpy(c->objective, answers[0].objective, sizeof(c->objective));
	memcpy(c->avail, (int64_t[]) {2, 0, 0, 2, 0, 0, 0, 0, 2, 0}, sizeof(int64_t) * 10);
	c->limits.max_parcels = 1;
	{
		RouteSolution solution;

		solve_case(c, &solution);
		report_rule("a late line is filled rather than none",
					solution.nused != 1 || solution.used[0] != 3 || solution.nlate != 2);
	}
	free(c);
}

/*-------------------------------------------------------------------------
 * For the benches
 *-------------------------------------------------------------------------
 */

static double
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static const char *const criterion_name[ROUTE_CRITERIA] = {"lines", "promise", "parcels", "cost", "stock"};

/* Names with commas between them; false: none of the orders. */
static bool
read_objective(const char *names, Case *c)
{
	char		copy[100];
	int			n = 0;

	snprintf(copy, sizeof(copy), "%s", names);
	for (char *name = strtok(copy, ","); name != NULL && n < ROUTE_CRITERIA; name = strtok(NULL, ","))
	{
		for (int i = 0; i < ROUTE_CRITERIA; i++)
		{
			if (strcmp(name, criterion_name[i]) == 0)
				c->objective[n] = (RouteCriterion) i;
		}
		n++;
	}
	return n == ROUTE_CRITERIA;
}

static void
print_times(int nlines, int ncands, int max_parcels, int node_budget, const char *objective)
{
	enum
	{
		NCASES = 1000
	};
	double		us[NCASES];
	double		sum = 0;
	int			exact = 0;
	int			most_nodes = 0;

	for (int i = 0; i < NCASES; i++)
	{
		Case	   *c = geographic_case(ncands, nlines);
		void	   *work = malloc(retail_route_solver_work_size(ncands, nlines));
		RouteSolution solution;
		double		start = now_us();

		c->limits.max_parcels = max_parcels;
		c->limits.node_budget = node_budget;
		if (objective != NULL)
		{
			read_objective(objective, c);
			for (int k = 0; k < ncands; k++)
				c->late[k] = random_below(4) == 0;
			for (int k = 0; k < nlines * ncands; k++)
				c->penalty[k] = (int32_t) random_below(5);
		}
		retail_route_solver_solve(&c->problem, &c->limits, work, &solution);
		us[i] = now_us() - start;
		sum += us[i];
		exact += solution.exact;
		if (solution.nodes > most_nodes)
			most_nodes = solution.nodes;
		free(work);
		free(c);
	}
	qsort(us, NCASES, sizeof(double), compare_doubles);
	printf("%4d x %-4d %8d %8d %8.1f %8.1f %8.1f %8.1f %8d %7.1f  %s\n",
		   nlines, ncands, max_parcels, node_budget, sum / NCASES,
		   us[NCASES / 2], us[NCASES * 99 / 100], us[NCASES - 1], most_nodes,
		   100.0 * exact / NCASES, objective != NULL ? objective : "");
}

static void
print_all_times(void)
{
	printf("lines x cands  parcels   budget  mean us   median      99%%      max    nodes exact %%  objective, with late ones and penalties\n");
	print_times(1, 40, 0, 3000, NULL);
	print_times(3, 40, 0, 3000, NULL);
	print_times(10, 40, 0, 3000, NULL);
	print_times(10, 40, 2, 3000, NULL);
	print_times(30, 40, 0, 3000, NULL);
	print_times(30, 40, 0, 10000, NULL);
	print_times(30, 40, 3, 3000, NULL);
	print_times(30, 64, 0, 3000, NULL);
	print_times(100, 40, 0, 3000, NULL);
	print_times(256, 64, 0, 3000, NULL);
	print_times(10, 40, 0, 3000, "lines,parcels,promise,cost,stock");
	print_times(10, 40, 0, 3000, "lines,promise,cost,parcels,stock");
	print_times(10, 40, 0, 3000, "lines,promise,stock,parcels,cost");
	print_times(10, 40, 0, 3000, "lines,cost,stock,promise,parcels");
	print_times(30, 40, 0, 3000, "lines,parcels,promise,cost,stock");
	print_times(30, 40, 0, 3000, "lines,promise,cost,parcels,stock");
	print_times(30, 40, 0, 3000, "lines,promise,stock,parcels,cost");
	print_times(30, 40, 0, 3000, "lines,cost,stock,promise,parcels");
	print_times(30, 40, 3, 3000, "lines,promise,parcels,cost,stock");
}

/* NUMBER LINES CANDS; costs; then for each line its units and the stock */
static void
print_cases(int n)
{
	for (int number = 1; number <= n; number++)
	{
		Case	   *c = geographic_case(LARGE_CANDS, LARGE_LINES);

		printf("%d %d %d\n", number, LARGE_LINES, LARGE_CANDS);
		for (int i = 0; i < LARGE_CANDS; i++)
			printf("%.0f%c", c->cost[i], i + 1 < LARGE_CANDS ? ' ' : '\n');
		for (int line = 0; line < LARGE_LINES; line++)
		{
			/* some lines are to be split */
			if (line % 10 == 0)
			{
				int64_t		sum = 0;

				for (int i = 0; i < LARGE_CANDS; i++)
					sum += avail_at(c, line, i);
				c->qty[line] = sum < 8 ? sum : 8;
			}
			printf("%" PRId64, c->qty[line]);
			for (int i = 0; i < LARGE_CANDS; i++)
				printf(" %" PRId64, avail_at(c, line, i));
			printf("\n");
		}
		free(c);
	}
}

/* NUMBER PARCELS COST EXACT MICROSECONDS for each case read */
static int
solve_cases(int node_budget, const char *objective)
{
	int			number;
	int			nlines;
	int			ncands;

	while (scanf("%d %d %d", &number, &nlines, &ncands) == 3)
	{
		Case	   *c;
		RouteSolution solution;
		Value		value;
		bool		good = nlines <= ROUTE_SOLVER_MAX_LINES &&
			ncands <= ROUTE_SOLVER_MAX_CANDS;
		double		start;

		if (!good)
			return 1;
		c = new_case(ncands, nlines);
		for (int i = 0; i < ncands; i++)
			good = good && scanf("%lf", &c->cost[i]) == 1;
		for (int line = 0; line < nlines; line++)
		{
			good = good && scanf("%" SCNd64, &c->qty[line]) == 1;
			for (int i = 0; i < ncands; i++)
				good = good && scanf("%" SCNd64, &c->avail[line * ncands + i]) == 1;
		}
		c->limits.node_budget = node_budget;
		if (!read_objective(objective, c))
			return 1;
		start = now_us();
		if (!good || !solve_case(c, &solution) || solution.nfilled != nlines)
			return 1;
		start = now_us() - start;
		value_solution(c, &solution, &value);
		printf("%d %d %.0f %d %.1f\n", number, value.parcels, value.cost,
			   solution.exact, start);
		free(c);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	const char *seed = getenv("SEED");

	if (strcmp(command, "solve") == 0)
		return solve_cases(argc > 2 ? atoi(argv[2]) : 3000,
						   argc > 3 ? argv[3] : "lines,promise,parcels,cost,stock");
	if (strcmp(command, "cases") == 0)
		seed = argc > 3 ? argv[3] : seed;
	else if (strcmp(command, "time") == 0)
		seed = argc > 2 ? argv[2] : seed;
	else if (argc > 1)
		seed = argv[1];
	random_state = seed != NULL ? strtoull(seed, NULL, 10) :
		(uint64_t) time(NULL);
	if (strcmp(command, "cases") == 0)
	{
		print_cases(argc > 2 ? atoi(argv[2]) : 100);
		return 0;
	}
	if (strcmp(command, "time") == 0)
	{
		print_all_times();
		return 0;
	}
	printf("# seed %" PRIu64 "\n", random_state);

	test_examples();
	test_objectives();
	test_best_of_all_subsets();
	test_without_nodes();
	test_not_worse_than_thumbs();
	test_order_of_lines();
	test_many_lines();
	test_sizes();
	test_huge_numbers();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
