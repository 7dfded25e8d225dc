/*-------------------------------------------------------------------------
 * route_solver.c
 *		Which locations serve an order, and who gives how much of a line.
 *
 * Pure logic: no server header, no allocation (the caller brings the work
 * memory), no clock.  The same problem has the same answer everywhere.
 *
 * Each line has its usable candidates, whatever else is chosen:
 *
 *	- someone holds it whole: those who hold it whole.  It is never split;
 *	- nobody does, and together they have enough: all who hold some of it.  It
 *	  is split, unless no_split;
 *	- otherwise it cannot be filled, and for "partial" all who hold some of it
 *	  are usable.
 *
 * So a plan is nothing but the set of used candidates.  Units go from the set
 * to the lines by retail_route_solver_share(): a whole line to the used one
 * that keeps the promise and has the least penalty (the one that the objective
 * names first counts first), a split line to the fullest first, and to those
 * on time alone where they have enough.  The best set is the least by the
 * criteria of the objective in their order, and of equals the one with the
 * lexically smallest list of candidates.  In a best set everyone gives units:
 * without him the shares are the same, and the parcels fewer.
 *
 * With "partial" an unfilled line takes what the used ones of its usable
 * candidates have (with no_split, the fullest of them).  It adds no parcels
 * of its own, with one exception: when no line at all is filled, the used
 * candidates are the first max_parcels that hold anything usable.
 *
 * The search takes these steps.
 *
 *	Narrowing: where promise or stock come before parcels and cost, a line wants
 *	the best of its candidates in that respect only, and they are settled.
 *	Reductions: a candidate that another one can stand in for goes, one that a
 *	line cannot do without is in.
 *	Covers of all lines: depth first on the line with the fewest choices, cut by
 *	bounds on each criterion.  Where parcels come next in the objective, for 1,
 *	2, 3 ... of them, until a number is enough; otherwise once.  Where promise
 *	or stock come later than cost and before parcels, a cover may get better by
 *	one more candidate: then it is extended.
 *	Should max_parcels come first: covers without the narrowing, and a search
 *	for the most lines.
 *
 * A bound is a number per criterion that no set below a node is less than, so
 * the bounds of a node, compared as scores are, cut in every order of the
 * objective.  Sets of candidates and of lines are bit masks.  When the node
 * budget runs out, the best set so far, at worst that of greedy or of
 * nearest-first, is improved by exchanges.  The greedy alone was chosen
 * against: on 30 lines over 40 locations it takes 7 to 9 % more parcels (see
 * test/modules).
 *
 * In a mask, candidate 0 is the highest bit: of two sets of one size, the one
 * with the smaller list is then the greater number.
 *-------------------------------------------------------------------------
 */
#include "route_solver.h"

#include <string.h>

#define ROW_WORDS	(ROUTE_SOLVER_MAX_LINES / 64)

/* Caps a cost so that the sum of all candidates stays in int64. */
#define MAX_COST	(INT64_C(1) << 56)

/* Rows that the exchanges may look at: about a millisecond. */
#define EXCHANGE_WORK	400000

#define CAND_BIT(cand)	(UINT64_C(1) << (63 - (cand)))

typedef struct RowSet
{
	uint64_t	word[ROW_WORDS];
} RowSet;

/* What a line asks of the set of used candidates. */
typedef struct RouteRow
{
	uint64_t	all;			/* usable at all */
	uint64_t	usable;			/* what narrowing has left of them */
	int			line;
	int			split;			/* number among the split rows, or -1 */
	bool		fillable;
	bool		late;			/* nobody can keep its promise */
} RouteRow;

/* Least is best; lines count those that are not filled. */
typedef struct RouteScore
{
	int64_t		value[ROUTE_CRITERIA];
	uint64_t	used;
	bool		covers;			/* every row, as narrowed */
} RouteScore;

/* What sets of "used" and at least one of "open" cannot be better than. */
typedef struct RouteBound
{
	uint64_t	used;
	uint64_t	open;
	const RowSet *todo;			/* rows that may stay unfilled; NULL: none */
	int64_t		unfilled;
	int			nlate;			/* where it is not free */
	int			nparcels;
	int64_t		cost;
} RouteBound;

/* A set under construction; open: what may still be added. */
typedef struct RouteNode
{
	uint64_t	used;
	uint64_t	open;
	int64_t		cost;
	int			left;			/* parcels that may still be added */
	RowSet		todo;			/* rows that are not filled yet */
	int64_t    *need;			/* units missing, by split row */
} RouteNode;

/* Candidates to try at a node, best first. */
typedef struct RouteChoice
{
	int			row;			/* which one of them must fill; or -1 */
	int			n;
	uint8_t		cands[ROUTE_SOLVER_MAX_CANDS];
	uint16_t	gain[ROUTE_SOLVER_MAX_CANDS];	/* by candidate: rows */
} RouteChoice;

typedef struct RouteSolver
{
	const RouteProblem *problem;
	const RouteCriterion *objective;
	int			rank[ROUTE_CRITERIA];	/* where the objective has it */
	int			ncands;
	int			max_parcels;	/* at most ncands */
	uint64_t	on_time;		/* candidates that keep the promise */
	int64_t		cost[ROUTE_SOLVER_MAX_CANDS];	/* thousandths */
	uint8_t		by_cost[ROUTE_SOLVER_MAX_CANDS];

	/* the lines that can be filled, those with fewest choices first */
	RouteRow	rows[ROUTE_SOLVER_MAX_LINES];
	int			nrows;
	int			nwords;			/* of a RowSet in use */
	int			nsplits;
	RowSet		split_rows;
	RowSet		late_rows;
	RowSet		cover[ROUTE_SOLVER_MAX_CANDS];	/* rows he is usable for */

	/* in the work memory behind this struct */
	int64_t    *needs;			/* [level][split row] */
	uint8_t    *fullest;		/* [split row][ncands]: by units, falling */

	bool		has_penalty;
	bool		late_varies;	/* how many lines are late hangs on the set */

	/* of the rows as narrowed */
	bool		late_free;		/* covers differ in what is late */
	bool		stock_free;		/* covers differ in penalties */
	bool		extends;		/* more than a cover may be better */
	bool		by_parcels;		/* parcels decide before all that is free */
	int			nlate;			/* of every cover, unless it is free */
	int64_t		penalty_floor;	/* no cover has less */

	int			nodes;
	int			node_budget;
	bool		exhausted;
	int			goal;			/* parcels of the covers looked for */
	RouteScore	best;
} RouteSolver;

/*-------------------------------------------------------------------------
 * Masks
 *-------------------------------------------------------------------------
 */

static inline int
count_bits(uint64_t bits)
{
	bits -= (bits >> 1) & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) +
		((bits >> 2) & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (int) ((bits * UINT64_C(0x0101010101010101)) >> 56);
}

/* Removes the first candidate from a mask that is not empty. */
static inline int
take_first(uint64_t *cands)
{
	int			cand = __builtin_clzll(*cands);

	*cands &= ~CAND_BIT(cand);
	return cand;
}

static inline void
add_row(RowSet *set, int row)
{
	set->word[row / 64] |= UINT64_C(1) << (row % 64);
}

static inline void
drop_row(RowSet *set, int row)
{
	set->word[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* The first row of a set from "row" on, or -1. */
static inline int
next_row(const RowSet *set, int nwords, int row)
{
	int			w = row / 64;
	uint64_t	bits;

	if (w >= nwords)
		return -1;
	bits = set->word[w] & (~UINT64_C(0) << (row % 64));
	while (bits == 0)
	{
		if (++w >= nwords)
			return -1;
		bits = set->word[w];
	}
	return w * 64 + __builtin_ctzll(bits);
}

#define FOR_EACH_ROW(row, set, nwords) \
	for (int row = next_row(set, nwords, 0); row >= 0; row = next_row(set, nwords, row + 1))

static inline int
count_rows(const RowSet *set, int nwords)
{
	int			n = 0;

	for (int w = 0; w < nwords; w++)
		n += count_bits(set->word[w]);
	return n;
}

static inline int
count_common(const RowSet *a, const RowSet *b, int nwords)
{
	int			n = 0;

	for (int w = 0; w < nwords; w++)
		n += count_bits(a->word[w] & b->word[w]);
	return n;
}

static inline bool
is_empty(const RowSet *set, int nwords)
{
	uint64_t	bits = 0;

	for (int w = 0; w < nwords; w++)
		bits |= set->word[w];
	return bits == 0;
}

/*-------------------------------------------------------------------------
 * Lines
 *-------------------------------------------------------------------------
 */

static inline int64_t
avail_of(const RouteProblem *problem, int line, int cand)
{
	return problem->avail[(size_t) line * problem->ncands + cand];
}

static inline int64_t
penalty_of(const RouteProblem *problem, int line, int cand)
{
	return problem->penalty == NULL ? 0 :
		problem->penalty[(size_t) line * problem->ncands + cand];
}

/* What is left of a need after some units; neither side can overflow. */
static inline int64_t
need_after(int64_t need, int64_t units)
{
	return units >= need ? 0 : need - units;
}

static const RouteCriterion *
objective_of(const RouteProblem *problem)
{
	static const RouteCriterion usual[ROUTE_CRITERIA] = {ROUTE_LINES, ROUTE_PROMISE,
	ROUTE_PARCELS, ROUTE_COST, ROUTE_STOCK};

	return problem->objective != NULL ? problem->objective : usual;
}

static uint64_t
find_on_time(const RouteProblem *problem)
{
	uint64_t	on_time = 0;

	for (int cand = 0; cand < problem->ncands; cand++)
	{
		if (!problem->late[cand])
			on_time |= CAND_BIT(cand);
	}
	return on_time;
}

/* Decides who is usable for a line; see the top of the file. */
static void
classify_line(const RouteProblem *problem, const RouteLimits *limits,
			  int line, RouteRow *row)
{
	uint64_t	holders = 0;
	uint64_t	whole = 0;
	bool		any_on_time = false;
	int64_t		need_on_time = problem->qty[line];
	int64_t		need_all = problem->qty[line];

	for (int cand = 0; cand < problem->ncands; cand++)
	{
		int64_t		units = avail_of(problem, line, cand);

		if (units <= 0)
			continue;
		holders |= CAND_BIT(cand);
		if (units >= problem->qty[line])
		{
			whole |= CAND_BIT(cand);
			any_on_time = any_on_time || !problem->late[cand];
		}
		need_all = need_after(need_all, units);
		if (!problem->late[cand])
			need_on_time = need_after(need_on_time, units);
	}
	row->line = line;
	row->all = whole != 0 ? whole : holders;
	row->usable = row->all;
	row->split = whole == 0 && need_all == 0 && !limits->no_split ? 0 : -1;
	row->fillable = whole != 0 || row->split >= 0;
	row->late = whole != 0 ? !any_on_time : need_on_time > 0;
}

/* The candidate with most units of a line, the first of equals. */
static int
find_fullest(const RouteProblem *problem, int line, uint64_t cands)
{
	int			fullest = take_first(&cands);

	while (cands != 0)
	{
		int			cand = take_first(&cands);

		if (avail_of(problem, line, cand) > avail_of(problem, line, fullest))
			fullest = cand;
	}
	return fullest;
}

/* Whether the objective weighs the stock before the promise. */
static bool
is_stock_first(const RouteCriterion *objective)
{
	for (int i = 0; i < ROUTE_CRITERIA; i++)
	{
		if (objective[i] == ROUTE_PROMISE)
			return false;
		if (objective[i] == ROUTE_STOCK)
			return true;
	}
	return false;
}

/* Whether a is to give a whole line rather than b. */
static bool
is_better_giver(const RouteProblem *problem, int line, int a, int b)
{
	int64_t		more = penalty_of(problem, line, a) - penalty_of(problem, line, b);
	bool		same_promise = problem->late[a] == problem->late[b];

	if (more != 0 && (same_promise || is_stock_first(objective_of(problem))))
		return more < 0;
	return same_promise ? a < b : !problem->late[a];
}

static int
find_giver(const RouteProblem *problem, int line, uint64_t cands)
{
	int			best = take_first(&cands);

	while (cands != 0)
	{
		int			cand = take_first(&cands);

		if (is_better_giver(problem, line, cand, best))
			best = cand;
	}
	return best;
}

static int64_t
find_least_penalty(const RouteProblem *problem, int line, uint64_t cands)
{
	int64_t		least = INT64_MAX;

	while (cands != 0)
	{
		int64_t		penalty = penalty_of(problem, line, take_first(&cands));

		if (penalty < least)
			least = penalty;
	}
	return least;
}

static bool
have_enough(const RouteProblem *problem, int line, uint64_t cands)
{
	int64_t		need = problem->qty[line];

	while (cands != 0 && need > 0)
		need = need_after(need, avail_of(problem, line, take_first(&cands)));
	return need == 0;
}

/* Who of some candidates gives to a split line: those on time if they can. */
static uint64_t
find_givers(const RouteProblem *problem, int line, uint64_t cands, uint64_t on_time)
{
	return have_enough(problem, line, cands & on_time) ? cands & on_time : cands;
}

static void
take_units(const RouteProblem *problem, int line, int cand,
		   RouteShares *shares)
{
	int64_t		units = avail_of(problem, line, cand);
	int64_t		missing = problem->qty[line] - shares->qty;

	if (units > missing)
		units = missing;
	shares->shares[shares->nshares].cand = cand;
	shares->shares[shares->nshares].qty = units;
	shares->nshares++;
	shares->qty += units;
}

/*
 * Tells what a solution gives to one line.  The problem and the limits are
 * those it was solved with.
 */
void
retail_route_solver_share(const RouteProblem *problem,
						  const RouteLimits *limits,
						  const RouteSolution *solution, int line,
						  RouteShares *shares)
{
	RouteRow	row;
	uint64_t	on_time = find_on_time(problem);
	uint64_t	givers = 0;

	classify_line(problem, limits, line, &row);
	for (int i = 0; i < solution->nused; i++)
		givers |= CAND_BIT(solution->used[i]);
	givers &= row.all;

	shares->nshares = 0;
	shares->qty = 0;
	shares->late = false;
	if (row.fillable && row.split < 0 && givers != 0)
	{
		int			giver = find_giver(problem, line, givers);

		take_units(problem, line, giver, shares);
		shares->late = problem->late[giver];
	}
	else
	{
		if (row.split >= 0)
			givers = find_givers(problem, line, givers, on_time);
		shares->late = row.split >= 0 && (givers & ~on_time) != 0;
		while (givers != 0 && shares->qty < problem->qty[line])
		{
			int			cand = find_fullest(problem, line, givers);

			take_units(problem, line, cand, shares);
			givers &= ~CAND_BIT(cand);
			if (limits->no_split)
				break;
		}
	}
	shares->filled = shares->qty == problem->qty[line];
	shares->late = shares->late && shares->filled;
	if (!shares->filled && !limits->partial)
	{
		shares->nshares = 0;
		shares->qty = 0;
	}
}

/*-------------------------------------------------------------------------
 * Preparing
 *-------------------------------------------------------------------------
 */

static int64_t
round_cost(double cost)
{
	if (!(cost > 0))
		return 0;
	if (cost >= (double) MAX_COST / 1000)
		return MAX_COST;
	return (int64_t) (cost * 1000 + 0.5);
}

static void
prepare_costs(RouteSolver *solver)
{
	for (int cand = 0; cand < solver->ncands; cand++)
	{
		int			i = cand;

		solver->cost[cand] = round_cost(solver->problem->cost[cand]);
		for (; i > 0 && solver->cost[solver->by_cost[i - 1]] > solver->cost[cand]; i--)
			solver->by_cost[i] = solver->by_cost[i - 1];
		solver->by_cost[i] = (uint8_t) cand;
	}
}

/* Orders the candidates of a split row by their units. */
static void
prepare_split(RouteSolver *solver, RouteRow *row)
{
	const RouteProblem *problem = solver->problem;
	uint8_t    *order = solver->fullest + (size_t) solver->nsplits * solver->ncands;

	for (int cand = 0; cand < solver->ncands; cand++)
	{
		int64_t		units = avail_of(problem, row->line, cand);
		int			i = cand;

		for (; i > 0 && avail_of(problem, row->line, order[i - 1]) < units; i--)
			order[i] = order[i - 1];
		order[i] = (uint8_t) cand;
	}
	solver->needs[solver->nsplits] = problem->qty[row->line];
	row->split = solver->nsplits++;
}

/* Keeps the rows that can be filled, sorted by their number of choices. */
static void
prepare_rows(RouteSolver *solver, const RouteLimits *limits)
{
	uint8_t		nchoices[ROUTE_SOLVER_MAX_LINES];

	solver->nrows = 0;
	solver->late_varies = false;
	for (int line = 0; line < solver->problem->nlines; line++)
	{
		RouteRow	row;
		int			n;
		int			i = solver->nrows;

		classify_line(solver->problem, limits, line, &row);
		if (!row.fillable)
			continue;
		solver->late_varies = solver->late_varies ||
			(!row.late && (row.all & ~solver->on_time) != 0);
		n = count_bits(row.all);
		for (; i > 0 && nchoices[i - 1] > n; i--)
		{
			solver->rows[i] = solver->rows[i - 1];
			nchoices[i] = nchoices[i - 1];
		}
		solver->rows[i] = row;
		nchoices[i] = (uint8_t) n;
		solver->nrows++;
	}
	solver->nwords = (solver->nrows + 63) / 64;
}

static void
prepare_splits(RouteSolver *solver)
{
	solver->nsplits = 0;
	memset(&solver->split_rows, 0, sizeof(RowSet));
	for (int i = 0; i < solver->nrows; i++)
	{
		if (solver->rows[i].split < 0)
			continue;
		add_row(&solver->split_rows, i);
		prepare_split(solver, &solver->rows[i]);
	}
}

static bool
has_penalty(const RouteProblem *problem)
{
	size_t		n = (size_t) problem->nlines * problem->ncands;

	for (size_t i = 0; problem->penalty != NULL && i < n; i++)
	{
		if (problem->penalty[i] != 0)
			return true;
	}
	return false;
}

/*-------------------------------------------------------------------------
 * Narrowing
 *-------------------------------------------------------------------------
 */

/* Of a split row every one on time, or nobody: late ones cannot help then. */
static void
narrow_to_on_time(RouteSolver *solver)
{
	for (int i = 0; i < solver->nrows; i++)
	{
		RouteRow   *row = &solver->rows[i];
		uint64_t	on_time = row->usable & solver->on_time;

		if (row->split < 0 ? on_time != 0 : !row->late)
			row->usable = on_time;
	}
}

/* False, and nothing is done, where a split row has penalties: these add up. */
static bool
narrow_to_least_penalty(RouteSolver *solver)
{
	const RouteProblem *problem = solver->problem;

	for (int i = 0; i < solver->nrows; i++)
	{
		for (uint64_t left = solver->rows[i].split < 0 ? 0 : solver->rows[i].usable; left != 0;)
		{
			if (penalty_of(problem, solver->rows[i].line, take_first(&left)) != 0)
				return false;
		}
	}
	for (int i = 0; i < solver->nrows; i++)
	{
		RouteRow   *row = &solver->rows[i];
		int64_t		least = find_least_penalty(problem, row->line, row->usable);

		for (uint64_t left = row->usable; left != 0;)
		{
			int			cand = take_first(&left);

			if (penalty_of(problem, row->line, cand) > least)
				row->usable &= ~CAND_BIT(cand);
		}
	}
	return true;
}

/*
 * Leaves of each row what settles the criteria between lines and the first of
 * parcels and cost: every cover of that has the best there is of them.  False
 * where all is left.
 */
static bool
narrow_rows(RouteSolver *solver)
{
	bool		narrowed = false;

	for (int i = 1; i < ROUTE_CRITERIA; i++)
	{
		if (solver->objective[i] == ROUTE_PROMISE)
			narrow_to_on_time(solver);
		else if (solver->objective[i] != ROUTE_STOCK)
			break;
		else if (solver->has_penalty && !narrow_to_least_penalty(solver))
			break;
	}
	for (int i = 0; i < solver->nrows; i++)
		narrowed = narrowed || solver->rows[i].usable != solver->rows[i].all;
	return narrowed;
}

static void
widen_rows(RouteSolver *solver)
{
	for (int i = 0; i < solver->nrows; i++)
		solver->rows[i].usable = solver->rows[i].all;
}

/* What is free in a row: see RouteSolver. */
static void
weigh_row(RouteSolver *solver, int i)
{
	const RouteProblem *problem = solver->problem;
	const RouteRow *row = &solver->rows[i];
	int64_t		least = 0;
	bool		late = (row->usable & solver->on_time) == 0;

	if (row->split >= 0)
		late = row->late;
	if (late)
	{
		add_row(&solver->late_rows, i);
		solver->nlate++;
	}
	else if ((row->usable & ~solver->on_time) != 0)
		solver->late_free = true;
	if (!solver->has_penalty)
		return;
	least = find_least_penalty(problem, row->line, row->usable);
	solver->penalty_floor += least;
	for (uint64_t left = row->usable; left != 0;)
	{
		if (penalty_of(problem, row->line, take_first(&left)) != (row->split < 0 ? least : 0))
			solver->stock_free = true;
	}
}

/* Makes the rows ready for a search, as they are narrowed now. */
static void
prepare_search(RouteSolver *solver)
{
	const int  *rank = solver->rank;

	solver->penalty_floor = 0;
	solver->nlate = 0;
	solver->late_free = false;
	solver->stock_free = false;
	memset(&solver->late_rows, 0, sizeof(RowSet));
	memset(solver->cover, 0, sizeof(RowSet) * solver->ncands);
	for (int i = 0; i < solver->nrows; i++)
	{
		uint64_t	usable = solver->rows[i].usable;

		weigh_row(solver, i);
		while (usable != 0)
			add_row(&solver->cover[take_first(&usable)], i);
	}
	solver->extends = (solver->late_free && rank[ROUTE_PROMISE] < rank[ROUTE_PARCELS]) ||
		(solver->stock_free && rank[ROUTE_STOCK] < rank[ROUTE_PARCELS]);
	solver->by_parcels = !solver->extends && rank[ROUTE_PARCELS] < rank[ROUTE_COST];
}

/* Begins a set with nothing in it. */
static void
start_node(RouteSolver *solver, RouteNode *node)
{
	memset(node, 0, sizeof(*node));
	if (solver->ncands > 0)
		node->open = ~UINT64_C(0) << (64 - solver->ncands);
	node->left = solver->max_parcels;
	for (int i = 0; i < solver->nrows; i++)
		add_row(&node->todo, i);
	node->need = solver->needs;
}

/*-------------------------------------------------------------------------
 * Sets
 *-------------------------------------------------------------------------
 */

static inline int64_t
avail_for(const RouteSolver *solver, const RouteRow *row, int cand)
{
	return avail_of(solver->problem, row->line, cand);
}

/* How many candidates a split row takes, fullest first; ncands + 1: too few. */
static int
fewest_givers(const RouteSolver *solver, const RouteRow *row, uint64_t cands,
			  int64_t need)
{
	const uint8_t *order = solver->fullest + (size_t) row->split * solver->ncands;
	int			n = 0;

	cands &= row->usable;
	for (int i = 0; i < solver->ncands && need > 0; i++)
	{
		if ((cands & CAND_BIT(order[i])) == 0)
			continue;
		need = need_after(need, avail_for(solver, row, order[i]));
		n++;
	}
	return need > 0 ? solver->ncands + 1 : n;
}

static bool
is_filled_by(const RouteSolver *solver, const RouteRow *row, uint64_t used)
{
	if (row->split < 0)
		return (row->all & used) != 0;
	return have_enough(solver->problem, row->line, row->all & used);
}

/* Adds what a row that a set fills is late by, and the penalties of its givers. */
static void
measure_row(const RouteSolver *solver, const RouteRow *row, uint64_t used,
			RouteScore *score)
{
	const RouteProblem *problem = solver->problem;
	int64_t		need = problem->qty[row->line];
	uint64_t	givers = row->all & used;

	if (row->split < 0)
	{
		int			giver = find_giver(problem, row->line, givers);

		score->value[ROUTE_PROMISE] += problem->late[giver];
		score->value[ROUTE_STOCK] += penalty_of(problem, row->line, giver);
		return;
	}
	givers = find_givers(problem, row->line, givers, solver->on_time);
	score->value[ROUTE_PROMISE] += (givers & ~solver->on_time) != 0;
	while (need > 0 && solver->has_penalty)
	{
		int			cand = find_fullest(problem, row->line, givers);

		score->value[ROUTE_STOCK] += penalty_of(problem, row->line, cand);
		need = need_after(need, avail_for(solver, row, cand));
		givers &= ~CAND_BIT(cand);
	}
}

static void
measure_set(const RouteSolver *solver, RouteScore *score)
{
	score->value[ROUTE_PROMISE] = 0;
	score->value[ROUTE_STOCK] = 0;
	for (int i = 0; i < solver->nrows; i++)
	{
		if (is_filled_by(solver, &solver->rows[i], score->used))
			measure_row(solver, &solver->rows[i], score->used, score);
	}
}

/* Whether a set fills every row from those that narrowing has left. */
static bool
fills_all(const RouteSolver *solver, uint64_t used)
{
	for (int i = 0; i < solver->nrows; i++)
	{
		const RouteRow *row = &solver->rows[i];

		if (row->split < 0 ? (row->usable & used) == 0 :
			!have_enough(solver->problem, row->line, row->usable & used))
			return false;
	}
	return true;
}

/*
 * Keeps a set if it is the best so far; says whether it is.  nlate -1: it is
 * to be counted, if it matters.
 */
static bool
offer_set(RouteSolver *solver, uint64_t used, int nfilled, int nlate,
		  int64_t cost)
{
	RouteScore *best = &solver->best;
	RouteScore	score = {{0}, used, false};
	bool		measured = nlate >= 0 && !solver->has_penalty;
	bool		better = false;

	score.value[ROUTE_LINES] = solver->nrows - nfilled;
	score.value[ROUTE_PROMISE] = nlate;
	score.value[ROUTE_PARCELS] = count_bits(used);
	score.value[ROUTE_COST] = cost;
	for (int i = 0; i < ROUTE_CRITERIA; i++)
	{
		RouteCriterion criterion = solver->objective[i];

		if (!measured && (criterion == ROUTE_STOCK || (criterion == ROUTE_PROMISE && nlate < 0)))
		{
			measure_set(solver, &score);
			measured = true;
		}
		if (!better && score.value[criterion] > best->value[criterion])
			return false;
		if (score.value[criterion] < best->value[criterion])
			better = true;
	}
	if (!better && used <= best->used)
		return false;
	score.covers = nfilled == solver->nrows && fills_all(solver, used);
	*best = score;
	return true;
}

/* Values a set from scratch and offers it. */
static bool
try_set(RouteSolver *solver, uint64_t used)
{
	int			spare = (int) solver->best.value[ROUTE_LINES];
	int			nfilled = 0;
	int			nlate = 0;
	int64_t		cost = 0;
	uint64_t	cands = used;

	for (int i = 0; i < solver->nrows; i++)
	{
		if (is_filled_by(solver, &solver->rows[i], used))
		{
			nfilled++;
			nlate += solver->rows[i].late;
		}
		else if (--spare < 0)
			return false;
	}
	while (cands != 0)
		cost += solver->cost[take_first(&cands)];
	return offer_set(solver, used, nfilled, solver->late_varies ? -1 : nlate, cost);
}

/* Makes "child" the node with one candidate more, one level further down. */
static void
add_cand(const RouteSolver *solver, const RouteNode *node, int cand,
		 RouteNode *child)
{
	RowSet		splits;

	child->used = node->used | CAND_BIT(cand);
	child->open = node->open & ~CAND_BIT(cand);
	child->cost = node->cost + solver->cost[cand];
	child->left = node->left - 1;
	child->need = node->need + solver->nsplits;
	memcpy(child->need, node->need, sizeof(int64_t) * solver->nsplits);
	for (int w = 0; w < solver->nwords; w++)
	{
		uint64_t	covered = node->todo.word[w] & solver->cover[cand].word[w];

		splits.word[w] = covered & solver->split_rows.word[w];
		child->todo.word[w] = node->todo.word[w] & ~(covered & ~splits.word[w]);
	}
	FOR_EACH_ROW(i, &splits, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];
		int64_t    *need = &child->need[row->split];

		*need = need_after(*need, avail_for(solver, row, cand));
		if (*need == 0)
			drop_row(&child->todo, i);
	}
}

/*-------------------------------------------------------------------------
 * First sets
 *-------------------------------------------------------------------------
 */

/* Rows that a candidate fills, a share of a split row as that part of it. */
static double
measure_gain(const RouteSolver *solver, const RouteNode *node, int cand)
{
	double		gain = count_common(&node->todo, &solver->cover[cand],
									solver->nwords);

	if (solver->nsplits == 0)
		return gain;
	FOR_EACH_ROW(i, &node->todo, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];
		int64_t		units;

		if (row->split < 0 || (row->usable & CAND_BIT(cand)) == 0)
			continue;
		units = avail_for(solver, row, cand);
		if (units < node->need[row->split])
			gain -= 1.0 - (double) units / (double) node->need[row->split];
	}
	return gain;
}

/* The open candidate that fills most, then the cheapest; -1: none fills any. */
static int
find_greediest(const RouteSolver *solver, const RouteNode *node)
{
	double		most = 0;
	int			found = -1;

	for (int i = 0; i < solver->ncands; i++)
	{
		int			cand = solver->by_cost[i];
		double		gain;

		if ((node->open & CAND_BIT(cand)) == 0)
			continue;
		gain = measure_gain(solver, node, cand);
		if (gain > most)
		{
			most = gain;
			found = cand;
		}
	}
	return found;
}

/* The open candidate that fills most for its cost; -1: none fills any. */
static int
find_cheapest(const RouteSolver *solver, const RouteNode *node)
{
	double		most = 0;
	int			found = -1;

	for (uint64_t cands = node->open; cands != 0;)
	{
		int			cand = take_first(&cands);
		double		gain = measure_gain(solver, node, cand) / ((double) solver->cost[cand] + 1);

		if (gain > most)
		{
			most = gain;
			found = cand;
		}
	}
	return found;
}

/* The first open candidate with units for a row; -1: there is none. */
static int
find_nearest(const RouteSolver *solver, const RouteNode *node)
{
	uint64_t	cands = node->open;

	while (cands != 0)
	{
		int			cand = take_first(&cands);

		if (count_common(&node->todo, &solver->cover[cand], solver->nwords) > 0)
			return cand;
	}
	return -1;
}

/* Offers what a rule of thumb builds, as it is and without the redundant. */
static void
try_thumb(RouteSolver *solver,
		  int (*find) (const RouteSolver *solver, const RouteNode *node))
{
	RouteNode	nodes[2];
	int			at = 0;
	uint64_t	used;

	start_node(solver, &nodes[0]);
	while (nodes[at].left > 0)
	{
		int			cand = find(solver, &nodes[at]);

		if (cand < 0)
			break;
		add_cand(solver, &nodes[at], cand, &nodes[1 - at]);
		at = 1 - at;
	}
	used = nodes[at].used;
	try_set(solver, used);
	for (int i = solver->ncands - 1; i >= 0; i--)
	{
		uint64_t	bit = CAND_BIT(solver->by_cost[i]);

		if ((used & bit) != 0 && try_set(solver, used & ~bit))
			used &= ~bit;
	}
}

/*-------------------------------------------------------------------------
 * Reductions
 *-------------------------------------------------------------------------
 */

/*
 * Whether no line gets later, or dearer in penalties, from b instead of a.  A
 * split line may get dearer from b alone, which gives before others do.
 */
static bool
serves_as_well(const RouteSolver *solver, int a, int b)
{
	const RouteProblem *problem = solver->problem;

	if ((problem->late[b] && !problem->late[a]) ||
		(solver->stock_free &&
		 count_common(&solver->cover[b], &solver->split_rows, solver->nwords) > 0))
		return false;
	FOR_EACH_ROW(i, &solver->cover[a], solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];

		if (row->split >= 0 || (row->usable & CAND_BIT(b)) == 0 ||
			penalty_of(problem, row->line, b) > penalty_of(problem, row->line, a))
			return false;
	}
	return true;
}

/* Whether promise or stock, as far as they are free, may speak for dearer ones. */
static bool
is_free_before_cost(const RouteSolver *solver)
{
	const int  *rank = solver->rank;

	return (solver->late_free && rank[ROUTE_PROMISE] < rank[ROUTE_COST]) ||
		(solver->stock_free && rank[ROUTE_STOCK] < rank[ROUTE_COST]);
}

/*
 * Whether b can stand in for a in every set, and makes it better.  The set may
 * hold b already, so of a split row b must have all that is missing.
 */
static bool
is_dominated(const RouteSolver *solver, const RouteNode *node, int a, int b)
{
	bool		same_cost = solver->cost[b] == solver->cost[a];
	RowSet		splits;

	if (solver->cost[b] > solver->cost[a] || (same_cost && b > a))
		return false;
	for (int w = 0; w < solver->nwords; w++)
	{
		uint64_t	covered = solver->cover[a].word[w] & node->todo.word[w];

		if ((covered & ~solver->cover[b].word[w]) != 0)
			return false;
		splits.word[w] = covered & solver->split_rows.word[w];
	}
	FOR_EACH_ROW(i, &splits, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];

		if (avail_for(solver, row, b) < node->need[row->split])
			return false;
	}
	if (same_cost ? solver->late_free || solver->stock_free : is_free_before_cost(solver))
		return serves_as_well(solver, a, b);
	return true;
}

/* Closes candidates that no best set holds; says whether there were any. */
static bool
close_dominated(const RouteSolver *solver, RouteNode *node)
{
	uint64_t	cands = node->open;
	uint64_t	closed = 0;

	while (cands != 0)
	{
		int			a = take_first(&cands);
		uint64_t	others = node->open & ~CAND_BIT(a);
		bool		dominated = !solver->extends &&
			count_common(&solver->cover[a], &node->todo, solver->nwords) == 0;

		while (others != 0 && !dominated)
			dominated = is_dominated(solver, node, a, take_first(&others));
		if (dominated)
			closed |= CAND_BIT(a);
	}
	node->open &= ~closed;
	return closed != 0;
}

/* Drops rows that are filled whenever another one is. */
static void
drop_implied(const RouteSolver *solver, RouteNode *node)
{
	FOR_EACH_ROW(q, &node->todo, solver->nwords)
	{
		uint64_t	choices = solver->rows[q].usable & node->open;

		if (solver->rows[q].split >= 0)
			continue;
		FOR_EACH_ROW(p, &node->todo, solver->nwords)
		{
			uint64_t	others = solver->rows[p].usable & node->open;

			if (p == q || (others & ~choices) != 0)
				continue;

			/* q is gone from here on, so of equals one stays */
			drop_row(&node->todo, q);
			break;
		}
	}
}

/* The candidates without which a row cannot be filled any more. */
static uint64_t
find_forced(const RouteSolver *solver, const RouteNode *node)
{
	uint64_t	forced = 0;

	FOR_EACH_ROW(i, &node->todo, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];
		uint64_t	choices = row->usable & node->open;

		if (row->split < 0)
		{
			if ((choices & (choices - 1)) == 0)
				forced |= choices;
			continue;
		}
		for (uint64_t left = choices; left != 0;)
		{
			uint64_t	bit = CAND_BIT(take_first(&left));

			if (fewest_givers(solver, row, choices & ~bit,
							  node->need[row->split]) > solver->ncands)
				forced |= bit;
		}
	}
	return forced;
}

/* Reduces the search for a cover of all rows to its core. */
static void
reduce_cover(const RouteSolver *solver, RouteNode *node)
{
	bool		closed = true;

	while (closed)
	{
		uint64_t	forced;

		drop_implied(solver, node);
		forced = find_forced(solver, node);
		while (forced != 0)
		{
			RouteNode	next;

			add_cand(solver, node, take_first(&forced), &next);
			*node = next;
		}
		closed = close_dominated(solver, node);
	}
}

/*-------------------------------------------------------------------------
 * Covers: every row, with a given number of parcels
 *-------------------------------------------------------------------------
 */

static bool
spend_node(RouteSolver *solver)
{
	if (solver->nodes >= solver->node_budget)
	{
		solver->exhausted = true;
		return false;
	}
	solver->nodes++;
	return true;
}

/* The least that some open candidates can cost together. */
static int64_t
sum_cheapest(const RouteSolver *solver, uint64_t open, int n)
{
	int64_t		sum = 0;

	for (int i = 0; i < solver->ncands && n > 0; i++)
	{
		int			cand = solver->by_cost[i];

		if ((open & CAND_BIT(cand)) != 0)
		{
			sum += solver->cost[cand];
			n--;
		}
	}
	return sum;
}

static bool
has_cover(const RouteSolver *solver)
{
	return solver->best.covers &&
		(!solver->by_parcels || solver->best.value[ROUTE_PARCELS] == solver->goal);
}

/* Rows that are late, or penalties of the rows, whatever of "cands" is used. */
static int64_t
bound_rows(const RouteSolver *solver, const RouteBound *bound, RouteCriterion criterion)
{
	uint64_t	cands = bound->used | bound->open;
	int64_t		sum = 0;

	for (int i = 0; i < solver->nrows; i++)
	{
		const RouteRow *row = &solver->rows[i];
		uint64_t	usable = row->usable & cands;

		if (bound->todo != NULL && (bound->todo->word[i / 64] >> (i % 64) & 1) != 0)
			continue;
		if (criterion == ROUTE_STOCK)
			sum += usable == 0 ? 0 : find_least_penalty(solver->problem, row->line, usable);
		else if (row->split < 0)
			sum += (usable & solver->on_time) == 0;
		else
			sum += row->late ||
				!have_enough(solver->problem, row->line, usable & solver->on_time);
	}
	return sum;
}

static int64_t
bound_criterion(const RouteSolver *solver, const RouteBound *bound, RouteCriterion criterion)
{
	switch (criterion)
	{
		case ROUTE_LINES:
			return bound->unfilled;
		case ROUTE_PROMISE:
			return solver->late_free ? bound_rows(solver, bound, criterion) : bound->nlate;
		case ROUTE_PARCELS:
			return bound->nparcels;
		case ROUTE_COST:
			return bound->cost;
		default:
			break;
	}
	if (bound->todo == NULL && (!solver->stock_free ||
								solver->best.value[ROUTE_STOCK] <= solver->penalty_floor))
		return solver->penalty_floor;
	return solver->has_penalty ? bound_rows(solver, bound, criterion) : 0;
}

/* Whether no set within a bound beats the best one. */
static bool
is_beaten(const RouteSolver *solver, const RouteBound *bound)
{
	const RouteScore *best = &solver->best;
	uint64_t	used = bound->used;
	uint64_t	open = bound->open;

	for (int i = 0; i < ROUTE_CRITERIA; i++)
	{
		int64_t		least = bound_criterion(solver, bound, solver->objective[i]);

		if (least != best->value[solver->objective[i]])
			return least > best->value[solver->objective[i]];
	}

	/* an equal set has as many parcels, and at best the first of the open */
	for (int left = (int) best->value[ROUTE_PARCELS] - count_bits(used); left > 0 && open != 0; left--)
		used |= CAND_BIT(take_first(&open));
	return used <= best->used;
}

/* Bounds covers of a node with so many parcels in all, and such a cost. */
static bool
is_cover_beaten(const RouteSolver *solver, const RouteNode *node, int nparcels,
				int64_t cost)
{
	RouteBound	bound = {node->used, node->open, NULL, 0, solver->nlate, nparcels, cost};

	return is_beaten(solver, &bound);
}

/* Every row is filled by what is in it. */
static void
offer_cover(RouteSolver *solver, uint64_t used, int64_t cost)
{
	offer_set(solver, used, solver->nrows, solver->late_free ? -1 : solver->nlate, cost);
}

/* The last parcel has to have all that is missing. */
static void
finish_cover(RouteSolver *solver, const RouteNode *node)
{
	uint64_t	fit = node->open;

	FOR_EACH_ROW(i, &node->todo, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];

		fit &= row->usable;
		for (uint64_t left = row->split < 0 ? 0 : fit; left != 0;)
		{
			int			cand = take_first(&left);

			if (avail_for(solver, row, cand) < node->need[row->split])
				fit &= ~CAND_BIT(cand);
		}
		if (fit == 0)
			return;
	}
	while (fit != 0)
	{
		int			cand = take_first(&fit);

		offer_cover(solver, node->used | CAND_BIT(cand), node->cost + solver->cost[cand]);
	}
}

/*
 * How many of the fullest candidates of a split row one of its parcels must
 * be among: without them the others do not reach the need.
 */
static int
count_split_choices(const RouteSolver *solver, const RouteRow *row,
					uint64_t choices, int64_t need)
{
	const uint8_t *order = solver->fullest + (size_t) row->split * solver->ncands;
	int			n = count_bits(choices);

	for (int i = solver->ncands - 1; i >= 0; i--)
	{
		if ((choices & CAND_BIT(order[i])) == 0)
			continue;
		need = need_after(need, avail_for(solver, row, order[i]));
		if (need == 0)
			return n;
		n--;
	}
	return 0;
}

/*
 * Picks the row with the fewest choices.  False when a row has none, or when
 * rows without a common candidate need more parcels, or cost more, than may
 * be.
 */
static bool
choose_row(const RouteSolver *solver, const RouteNode *node,
		   RouteChoice *choice)
{
	bool		by_cost = has_cover(solver);
	int			fewest = ROUTE_SOLVER_MAX_CANDS + 1;
	int			nparcels = 0;
	int64_t		cost = 0;
	uint64_t	seen = 0;

	choice->row = -1;
	FOR_EACH_ROW(i, &node->todo, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];
		uint64_t	choices = row->usable & node->open;
		int			givers = 1;
		int			n;

		if (row->split < 0)
			n = count_bits(choices);
		else
		{
			givers = fewest_givers(solver, row, choices, node->need[row->split]);
			n = count_split_choices(solver, row, choices, node->need[row->split]);
		}
		if (n == 0 || givers > node->left)
			return false;
		if (n < fewest)
		{
			fewest = n;
			choice->row = i;
		}
		if ((choices & seen) == 0)
		{
			seen |= choices;
			nparcels += givers;
			if (nparcels > node->left)
				return false;
			if (by_cost)
				cost += sum_cheapest(solver, choices, givers);
		}
	}
	if (!by_cost)
		return true;
	if (solver->by_parcels)
	{
		/* a cover has all the parcels left: fewer did not do */
		cost += (node->left - nparcels) * sum_cheapest(solver, node->open, 1);
		nparcels = node->left;
	}
	if (cost < sum_cheapest(solver, node->open, nparcels))
		cost = sum_cheapest(solver, node->open, nparcels);
	return !is_cover_beaten(solver, node, count_bits(node->used) + nparcels, node->cost + cost);
}

/*
 * Counts for each open candidate the rows it is usable for, and says whether
 * the best ones can reach "wanted" rows in the parcels left.
 */
static bool
count_gains(const RouteSolver *solver, const RouteNode *node,
			const RowSet *todo, int wanted, uint16_t *gain)
{
	int			having[ROUTE_SOLVER_MAX_LINES + 1];
	int			most = 0;
	int			left = node->left;
	uint64_t	cands = node->open;

	memset(having, 0, sizeof(int) * (count_rows(todo, solver->nwords) + 1));
	while (cands != 0)
	{
		int			cand = take_first(&cands);
		int			n = count_common(todo, &solver->cover[cand], solver->nwords);

		gain[cand] = (uint16_t) n;
		having[n]++;
		if (n > most)
			most = n;
	}
	for (; most > 0 && left > 0 && wanted > 0; most--)
	{
		int			n = having[most] < left ? having[most] : left;

		wanted -= n * most;
		left -= n;
	}
	return wanted <= 0;
}

/* Adds a candidate to a list sorted by gain, then by cost. */
static void
insert_choice(const RouteSolver *solver, RouteChoice *choice, int cand)
{
	int			i = choice->n++;

	for (; i > 0; i--)
	{
		int			other = choice->cands[i - 1];

		if (choice->gain[other] > choice->gain[cand] ||
			(choice->gain[other] == choice->gain[cand] &&
			 solver->cost[other] <= solver->cost[cand]))
			break;
		choice->cands[i] = (uint8_t) other;
	}
	choice->cands[i] = (uint8_t) cand;
}

/* Lists the candidates one of which the chosen row needs. */
static void
list_choices(const RouteSolver *solver, const RouteNode *node,
			 RouteChoice *choice)
{
	const RouteRow *row = &solver->rows[choice->row];
	uint64_t	choices = row->usable & node->open;
	const uint8_t *order;
	int			n;

	choice->n = 0;
	if (row->split < 0)
	{
		while (choices != 0)
			insert_choice(solver, choice, take_first(&choices));
		return;
	}
	order = solver->fullest + (size_t) row->split * solver->ncands;
	n = count_split_choices(solver, row, choices, node->need[row->split]);
	for (int i = 0; choice->n < n; i++)
	{
		if ((choices & CAND_BIT(order[i])) != 0)
			choice->cands[choice->n++] = order[i];
	}
}

/* Whether a candidate more could make a line earlier or less of a penalty. */
static bool
may_improve(const RouteSolver *solver, uint64_t used, int cand)
{
	FOR_EACH_ROW(i, &solver->cover[cand], solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];
		uint64_t	givers = row->usable & used;

		if (row->split >= 0 || givers == 0 ||
			is_better_giver(solver->problem, row->line, cand,
							find_giver(solver->problem, row->line, givers)))
			return true;
	}
	return false;
}

static void search_cover(RouteSolver *solver, RouteNode *node);

/* Tries what more candidates do for a cover. */
static void
extend_cover(RouteSolver *solver, RouteNode *node)
{
	RouteNode	child;

	for (int i = 0; i < solver->ncands && node->left > 0 && !solver->exhausted; i++)
	{
		int			cand = solver->by_cost[i];

		if ((node->open & CAND_BIT(cand)) == 0)
			continue;
		if (is_cover_beaten(solver, node, count_bits(node->used) + 1,
							node->cost + solver->cost[cand]))
			return;
		if (may_improve(solver, node->used, cand))
		{
			add_cand(solver, node, cand, &child);
			search_cover(solver, &child);
		}
		node->open &= ~CAND_BIT(cand);
	}
}

/* As deep as there are parcels left. */
static void
search_cover(RouteSolver *solver, RouteNode *node)
{
	RouteChoice choice;
	RouteNode	child;

	if (!spend_node(solver))
		return;
	if (is_empty(&node->todo, solver->nwords))
	{
		offer_cover(solver, node->used, node->cost);
		if (solver->extends)
			extend_cover(solver, node);
		return;
	}
	if (node->left <= 1)
	{
		if (node->left == 1)
			finish_cover(solver, node);
		return;
	}
	if (!choose_row(solver, node, &choice) ||
		!count_gains(solver, node, &node->todo,
					 count_rows(&node->todo, solver->nwords), choice.gain))
		return;
	list_choices(solver, node, &choice);
	for (int i = 0; i < choice.n && !solver->exhausted; i++)
	{
		add_cand(solver, node, choice.cands[i], &child);
		search_cover(solver, &child);

		/* sets with it are done: the others do without */
		node->open &= ~CAND_BIT(choice.cands[i]);
	}
}

/* Finds the best set that fills every row, if max_parcels can do that. */
static void
find_cover(RouteSolver *solver)
{
	RouteNode	root;
	int			most = solver->max_parcels;
	int			nforced;

	start_node(solver, &root);
	reduce_cover(solver, &root);
	nforced = count_bits(root.used);
	if (solver->by_parcels && solver->best.covers)
		most = (int) solver->best.value[ROUTE_PARCELS];
	solver->goal = solver->by_parcels ? nforced + !is_empty(&root.todo, solver->nwords) : most;
	for (; nforced <= most && solver->goal <= most && !solver->exhausted; solver->goal++)
	{
		RouteNode	node = root;

		node.left = solver->goal - nforced;
		search_cover(solver, &node);
		if (has_cover(solver))
			break;
	}
}

/*-------------------------------------------------------------------------
 * Most rows: max_parcels cannot fill every one
 *-------------------------------------------------------------------------
 */

/* Takes out the split rows that the parcels left cannot fill. */
static void
drop_hopeless(const RouteSolver *solver, const RouteNode *node, RowSet *todo)
{
	*todo = node->todo;
	FOR_EACH_ROW(i, &node->todo, solver->nwords)
	{
		const RouteRow *row = &solver->rows[i];

		if (row->split >= 0 &&
			fewest_givers(solver, row, node->open,
						  node->need[row->split]) > node->left)
			drop_row(todo, i);
	}
}

/*
 * Whether sets of the node and of choices from "first" on may beat the best.
 * Each further choice gains at most what it gains alone.
 */
static bool
may_fill_more(const RouteSolver *solver, const RouteNode *node,
			  const RouteChoice *choice, int first, int nfilled, int nlate)
{
	RouteBound	bound = {node->used, 0, &node->todo, solver->nrows - nfilled, nlate, 0, 0};
	int			wanted = solver->nrows - (int) solver->best.value[ROUTE_LINES] - nfilled;
	int			gained = 0;
	int			needed = 0;

	for (int i = first; i < choice->n && i < first + node->left; i++)
	{
		if (gained < wanted || needed == 0)
			needed++;
		gained += choice->gain[choice->cands[i]];
	}
	for (int i = first; i < choice->n; i++)
		bound.open |= CAND_BIT(choice->cands[i]);
	bound.unfilled -= gained;
	bound.nparcels = count_bits(node->used) + needed;
	bound.cost = node->cost + sum_cheapest(solver, bound.open, needed);
	return !is_beaten(solver, &bound);
}

/* As deep as there are parcels left. */
static void
search_most(RouteSolver *solver, RouteNode *node)
{
	int			nfilled = solver->nrows - count_rows(&node->todo, solver->nwords);
	int			nlate = count_rows(&solver->late_rows, solver->nwords) -
		count_common(&node->todo, &solver->late_rows, solver->nwords);
	RouteChoice choice;
	RouteNode	child;
	RowSet		todo;
	uint64_t	cands = node->open;

	if (!spend_node(solver))
		return;
	offer_set(solver, node->used, nfilled, solver->late_free ? -1 : nlate, node->cost);
	if (node->left == 0)
		return;
	drop_hopeless(solver, node, &todo);
	if (!count_gains(solver, node, &todo,
					 solver->nrows - (int) solver->best.value[ROUTE_LINES] - nfilled, choice.gain))
		return;
	choice.n = 0;
	while (cands != 0)
	{
		int			cand = take_first(&cands);

		if (choice.gain[cand] > 0 || solver->extends)
			insert_choice(solver, &choice, cand);
	}
	for (int i = 0; i < choice.n && !solver->exhausted; i++)
	{
		if (!may_fill_more(solver, node, &choice, i, nfilled, nlate))
			return;
		add_cand(solver, node, choice.cands[i], &child);
		search_most(solver, &child);
		node->open &= ~CAND_BIT(choice.cands[i]);
	}
}

/*-------------------------------------------------------------------------
 * Exchanges, when the search was cut short
 *-------------------------------------------------------------------------
 */

/* Adds each one, or each two, of "others" to a set until it is the best. */
static bool
try_adding(RouteSolver *solver, uint64_t used, uint64_t others, bool two,
		   int *steps)
{
	while (others != 0 && *steps > 0)
	{
		uint64_t	one = used | CAND_BIT(take_first(&others));
		uint64_t	seconds = others;

		if (!two)
		{
			(*steps)--;
			if (try_set(solver, one))
				return true;
			continue;
		}
		while (seconds != 0 && (*steps)-- > 0)
		{
			if (try_set(solver, one | CAND_BIT(take_first(&seconds))))
				return true;
		}
	}
	return false;
}

/* One less, or one for one; with room, one more. */
static bool
exchange_one(RouteSolver *solver, uint64_t others, int *steps)
{
	uint64_t	used = solver->best.used;

	for (uint64_t left = used; left != 0;)
	{
		uint64_t	rest = used & ~CAND_BIT(take_first(&left));

		(*steps)--;
		if (try_set(solver, rest) ||
			try_adding(solver, rest, others, false, steps))
			return true;
	}
	return solver->best.value[ROUTE_PARCELS] < solver->max_parcels &&
		try_adding(solver, used, others, false, steps);
}

/* One for two, or two for two. */
static bool
exchange_two(RouteSolver *solver, uint64_t others, bool two, int *steps)
{
	uint64_t	used = solver->best.used;

	for (uint64_t left = used; left != 0;)
	{
		uint64_t	rest = used & ~CAND_BIT(take_first(&left));

		for (uint64_t seconds = left; seconds != 0;)
		{
			uint64_t	bit = CAND_BIT(take_first(&seconds));

			if (try_adding(solver, rest & ~bit, others, two, steps))
				return true;
		}
	}
	return false;
}

static void
improve_best(RouteSolver *solver)
{
	int			steps = EXCHANGE_WORK / (solver->nrows + 1);
	uint64_t	cands = 0;
	bool		better = true;

	for (int i = 0; i < solver->nrows; i++)
		cands |= solver->rows[i].all;
	while (better && steps > 0)
	{
		uint64_t	others = cands & ~solver->best.used;

		better = exchange_one(solver, others, &steps) ||
			exchange_two(solver, others, false, &steps) ||
			exchange_two(solver, others, true, &steps);
	}
}

/*-------------------------------------------------------------------------
 * The whole
 *-------------------------------------------------------------------------
 */

static void
try_thumbs(RouteSolver *solver)
{
	solver->best.covers = solver->best.value[ROUTE_LINES] == 0 && fills_all(solver, solver->best.used);
	try_thumb(solver, find_greediest);
	try_thumb(solver, find_nearest);
	if (solver->rank[ROUTE_COST] < solver->rank[ROUTE_PARCELS])
		try_thumb(solver, find_cheapest);
}

static void
find_best(RouteSolver *solver)
{
	bool		narrowed = narrow_rows(solver);
	RouteNode	root;

	prepare_search(solver);
	try_thumbs(solver);
	find_cover(solver);
	if (narrowed && (!solver->best.covers || solver->exhausted))
	{
		/* max_parcels do not go as far as the best of each line */
		widen_rows(solver);
		prepare_search(solver);
		try_thumbs(solver);
		if (!solver->exhausted)
			find_cover(solver);
	}
	if (!solver->best.covers && !solver->exhausted)
	{
		start_node(solver, &root);
		close_dominated(solver, &root);
		search_most(solver, &root);
	}
	if (solver->exhausted)
		improve_best(solver);
}

/* No line can be filled: the first ones that hold anything will do. */
static uint64_t
find_holders(const RouteSolver *solver, const RouteLimits *limits)
{
	uint64_t	holders = 0;
	uint64_t	used = 0;

	for (int line = 0; line < solver->problem->nlines; line++)
	{
		RouteRow	row;

		classify_line(solver->problem, limits, line, &row);
		holders |= row.all;
	}
	for (int i = 0; i < solver->max_parcels && holders != 0; i++)
		used |= CAND_BIT(take_first(&holders));
	return used;
}

static void
list_used(uint64_t used, RouteSolution *solution)
{
	solution->nused = 0;
	while (used != 0)
		solution->used[solution->nused++] = take_first(&used);
}

/* Takes out who gives nothing. */
static void
drop_idle(const RouteProblem *problem, const RouteLimits *limits,
		  RouteSolution *solution)
{
	uint64_t	givers = 0;

	for (int line = 0; line < problem->nlines; line++)
	{
		RouteShares shares;

		retail_route_solver_share(problem, limits, solution, line, &shares);
		for (int i = 0; i < shares.nshares; i++)
			givers |= CAND_BIT(shares.shares[i].cand);
	}
	list_used(givers, solution);
}

/* Each criterion once, and lines first. */
static bool
is_objective(const RouteCriterion *objective)
{
	unsigned	seen = 0;

	for (int i = 0; i < ROUTE_CRITERIA; i++)
	{
		if ((unsigned) objective[i] >= ROUTE_CRITERIA)
			return false;
		seen |= 1u << objective[i];
	}
	return objective[0] == ROUTE_LINES && seen == (1u << ROUTE_CRITERIA) - 1;
}

static inline size_t
align_size(size_t size)
{
	return (size + 7) & ~(size_t) 7;
}

/* Bytes of work memory for a problem of that size: at most 170 kB. */
size_t
retail_route_solver_work_size(int ncands, int nlines)
{
	return align_size(sizeof(RouteSolver)) +
		sizeof(int64_t) * (size_t) (ncands + 1) * nlines +
		(size_t) nlines * ncands;
}

/*
 * Solves a problem in "work", which has retail_route_solver_work_size() bytes
 * and is aligned for int64.  False when the problem is too large, more than
 * ROUTE_SOLVER_MAX_CANDS or ROUTE_SOLVER_MAX_LINES, or its objective is none.
 */
bool
retail_route_solver_solve(const RouteProblem *problem,
						  const RouteLimits *limits, void *work,
						  RouteSolution *solution)
{
	RouteSolver *solver = work;
	char	   *behind = (char *) work + align_size(sizeof(RouteSolver));

	memset(solution, 0, sizeof(*solution));
	if (problem->ncands < 0 || problem->ncands > ROUTE_SOLVER_MAX_CANDS ||
		problem->nlines < 0 || problem->nlines > ROUTE_SOLVER_MAX_LINES ||
		!is_objective(objective_of(problem)))
		return false;

	solver->problem = problem;
	solver->objective = objective_of(problem);
	for (int i = 0; i < ROUTE_CRITERIA; i++)
		solver->rank[solver->objective[i]] = i;
	solver->on_time = find_on_time(problem);
	solver->ncands = problem->ncands;
	solver->max_parcels = problem->ncands;
	if (limits->max_parcels > 0 && limits->max_parcels < problem->ncands)
		solver->max_parcels = limits->max_parcels;
	solver->needs = (int64_t *) behind;
	solver->fullest = (uint8_t *) (solver->needs +
								   (size_t) (problem->ncands + 1) * problem->nlines);
	solver->has_penalty = has_penalty(problem);
	solver->nodes = 0;
	solver->node_budget = limits->node_budget;
	solver->exhausted = false;
	solver->goal = 0;
	memset(&solver->best, 0, sizeof(solver->best));
	prepare_costs(solver);
	prepare_rows(solver, limits);
	prepare_splits(solver);

	solver->best.value[ROUTE_LINES] = solver->nrows;
	if (solver->nrows > 0)
		find_best(solver);
	if (solver->best.value[ROUTE_LINES] == solver->nrows && limits->partial)
	{
		uint64_t	holders = find_holders(solver, limits);

		/* a search cut short may have missed what these can do */
		if (!try_set(solver, holders))
			solver->best.used = holders;
	}
	solution->nfilled = solver->nrows - (int) solver->best.value[ROUTE_LINES];
	solution->nlate = (int) solver->best.value[ROUTE_PROMISE];
	solution->exact = !solver->exhausted;
	solution->nodes = solver->nodes;
	list_used(solver->best.used, solution);
	if (solver->exhausted || solution->nfilled == 0)
		drop_idle(problem, limits, solution);
	return true;
}
