/*-------------------------------------------------------------------------
 * route_solver.c
 *		Which locations serve an order, and who gives how much of a line.
 *
 * Pure logic: no server header, no allocation (the caller brings the work
 * memory), no clock.  The same problem has the same answer everywhere.
 *
 * Each line has its usable candidates, whatever else is chosen:
 *
 *	- someone holds it whole: those who hold it whole on time, or if nobody
 *	  does, those who hold it whole late.  It is never split;
 *	- nobody holds it whole: the on-time holders if together they have
 *	  enough, else all holders if these have.  It is split, unless no_split;
 *	- otherwise it cannot be filled, and its usable candidates, for "partial",
 *	  are all who hold some of it.
 *
 * So a plan is nothing but the set of used candidates, and whether a line is
 * late does not depend on it.  The best set has, in this order: most lines
 * filled, fewest late ones among them, fewest candidates, least sum of costs,
 * least sum of penalties over the shares of filled lines, and the lexically
 * smallest list of candidates.  Units go from the set to the lines by
 * retail_route_solver_share(): a whole line to its used candidate of least
 * penalty, a split line to the fullest first.  In a best set everyone gives
 * units, or the set without him would be better.
 *
 * With "partial" an unfilled line takes what the used ones of its usable
 * candidates have (with no_split, the fullest of them).  It adds no parcels
 * of its own, with one exception: when no line at all is filled, the used
 * candidates are the first max_parcels that hold anything usable.
 *
 * The search takes three steps.  Reductions: a candidate that another one
 * covers at less cost goes, one that a line cannot do without is in.  Covers:
 * for 1, 2, 3 ... parcels, depth first on the line with the fewest choices,
 * cut by bounds on parcels and cost, until a number of parcels fills every
 * line.  Should max_parcels come first, a search for the most lines.  Sets of
 * candidates and of lines are bit masks.  When the node budget runs out, the
 * best set so far, at worst that of greedy or of nearest-first, is improved by
 * exchanges.  The greedy alone was chosen against: on 30 lines over 40
 * locations it takes 7 to 9 % more parcels (see test/modules).
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
	uint64_t	usable;
	int			line;
	int			split;			/* number among the split rows, or -1 */
	bool		fillable;
	bool		late;
} RouteRow;

typedef struct RouteScore
{
	int			nfilled;
	int			nlate;
	int			nparcels;
	int64_t		cost;
	int64_t		penalty;
	uint64_t	used;
} RouteScore;

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
	int			ncands;
	int			max_parcels;	/* at most ncands */
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
	int64_t		penalty_floor;	/* no set that fills every row has less */
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

/* Decides who is usable for a line; see the top of the file. */
static void
classify_line(const RouteProblem *problem, const RouteLimits *limits,
			  int line, RouteRow *row)
{
	uint64_t	holders[2] = {0, 0};	/* on time, late */
	uint64_t	whole[2] = {0, 0};
	int64_t		need_on_time = problem->qty[line];
	int64_t		need_all = problem->qty[line];
	bool		split = false;

	for (int cand = 0; cand < problem->ncands; cand++)
	{
		int64_t		units = avail_of(problem, line, cand);
		bool		late = problem->late[cand];

		if (units <= 0)
			continue;
		holders[late] |= CAND_BIT(cand);
		if (units >= problem->qty[line])
			whole[late] |= CAND_BIT(cand);
		need_all = need_after(need_all, units);
		if (!late)
			need_on_time = need_after(need_on_time, units);
	}
	row->line = line;
	row->fillable = true;
	row->late = false;
	if (whole[0] != 0)
		row->usable = whole[0];
	else if (whole[1] != 0)
	{
		row->usable = whole[1];
		row->late = true;
	}
	else
	{
		split = !limits->no_split && need_all == 0;
		row->fillable = split;
		row->late = split && need_on_time > 0;
		row->usable = holders[0];
		if (!split || row->late)
			row->usable |= holders[1];
	}
	row->split = split ? 0 : -1;
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

static int
find_least_penalty(const RouteProblem *problem, int line, uint64_t cands)
{
	int			least = take_first(&cands);

	while (cands != 0)
	{
		int			cand = take_first(&cands);

		if (penalty_of(problem, line, cand) < penalty_of(problem, line, least))
			least = cand;
	}
	return least;
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
	uint64_t	givers = 0;

	classify_line(problem, limits, line, &row);
	for (int i = 0; i < solution->nused; i++)
		givers |= CAND_BIT(solution->used[i]);
	givers &= row.usable;

	shares->nshares = 0;
	shares->qty = 0;
	if (row.fillable && row.split < 0 && givers != 0)
		take_units(problem, line, find_least_penalty(problem, line, givers),
				   shares);
	else
	{
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
	shares->late = shares->filled && row.late;
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
	for (int line = 0; line < solver->problem->nlines; line++)
	{
		RouteRow	row;
		int			n;
		int			i = solver->nrows;

		classify_line(solver->problem, limits, line, &row);
		if (!row.fillable)
			continue;
		n = count_bits(row.usable);
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
prepare_cover(RouteSolver *solver)
{
	solver->nsplits = 0;
	solver->penalty_floor = 0;
	memset(&solver->split_rows, 0, sizeof(RowSet));
	memset(&solver->late_rows, 0, sizeof(RowSet));
	memset(solver->cover, 0, sizeof(RowSet) * solver->ncands);
	for (int i = 0; i < solver->nrows; i++)
	{
		RouteRow   *row = &solver->rows[i];
		uint64_t	usable = row->usable;

		if (row->split >= 0)
		{
			add_row(&solver->split_rows, i);
			prepare_split(solver, row);
		}
		if (row->late)
			add_row(&solver->late_rows, i);
		if (solver->has_penalty)
			solver->penalty_floor += penalty_of(solver->problem, row->line,
												find_least_penalty(solver->problem, row->line, usable));
		while (usable != 0)
			add_row(&solver->cover[take_first(&usable)], i);
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
		return (row->usable & used) != 0;
	return fewest_givers(solver, row, used,
						 solver->problem->qty[row->line]) <= solver->ncands;
}

/* Penalties of what a set gives to the lines it fills. */
static int64_t
sum_penalties(const RouteSolver *solver, uint64_t used)
{
	const RouteProblem *problem = solver->problem;
	int64_t		sum = 0;

	for (int i = 0; i < solver->nrows && solver->has_penalty; i++)
	{
		const RouteRow *row = &solver->rows[i];
		uint64_t	givers = row->usable & used;
		int64_t		need = problem->qty[row->line];

		if (!is_filled_by(solver, row, used))
			continue;
		if (row->split < 0)
		{
			sum += penalty_of(problem, row->line,
							  find_least_penalty(problem, row->line, givers));
			continue;
		}
		while (need > 0)
		{
			int			cand = find_fullest(problem, row->line, givers);

			sum += penalty_of(problem, row->line, cand);
			need = need_after(need, avail_for(solver, row, cand));
			givers &= ~CAND_BIT(cand);
		}
	}
	return sum;
}

/* Keeps a set if it is the best so far; says whether it is. */
static bool
offer_set(RouteSolver *solver, uint64_t used, int nfilled, int nlate,
		  int64_t cost)
{
	RouteScore *best = &solver->best;
	int			nparcels = count_bits(used);
	int64_t		penalty;

	if (nfilled != best->nfilled ? nfilled < best->nfilled :
		nlate != best->nlate ? nlate > best->nlate :
		nparcels != best->nparcels ? nparcels > best->nparcels :
		cost > best->cost)
		return false;
	penalty = sum_penalties(solver, used);
	if (nfilled == best->nfilled && nlate == best->nlate &&
		nparcels == best->nparcels && cost == best->cost &&
		(penalty != best->penalty ? penalty > best->penalty :
		 used <= best->used))
		return false;
	best->nfilled = nfilled;
	best->nlate = nlate;
	best->nparcels = nparcels;
	best->cost = cost;
	best->penalty = penalty;
	best->used = used;
	return true;
}

/* Values a set from scratch and offers it. */
static bool
try_set(RouteSolver *solver, uint64_t used)
{
	int			spare = solver->nrows - solver->best.nfilled;
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
	return offer_set(solver, used, nfilled, nlate, cost);
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
 * Whether b can stand in for a in every set, and makes it better.  The set may
 * hold b already, so of a split row b must have all that is missing.
 */
static bool
is_dominated(const RouteSolver *solver, const RouteNode *node, int a, int b)
{
	RowSet		splits;

	/* a penalty between equal costs may speak for either */
	if (solver->cost[b] > solver->cost[a] ||
		(solver->cost[b] == solver->cost[a] && (solver->has_penalty || b > a)))
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
		bool		dominated = count_common(&solver->cover[a], &node->todo,
											 solver->nwords) == 0;

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
	return solver->best.nfilled == solver->nrows &&
		solver->best.nparcels == solver->goal;
}

/* Whether no cover below a node, of at least that cost, beats the best one. */
static bool
is_beaten(const RouteSolver *solver, const RouteNode *node, int64_t cost)
{
	uint64_t	used = node->used;
	uint64_t	open = node->open;

	if (cost != solver->best.cost)
		return cost > solver->best.cost;
	if (solver->best.penalty > solver->penalty_floor)
		return false;
	for (int i = 0; i < node->left && open != 0; i++)
		used |= CAND_BIT(take_first(&open));
	return used <= solver->best.used;
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

		offer_set(solver, node->used | CAND_BIT(cand), solver->nrows,
				  count_rows(&solver->late_rows, solver->nwords),
				  node->cost + solver->cost[cand]);
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
	cost += (node->left - nparcels) * sum_cheapest(solver, node->open, 1);
	if (cost < sum_cheapest(solver, node->open, node->left))
		cost = sum_cheapest(solver, node->open, node->left);
	return !is_beaten(solver, node, node->cost + cost);
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
		offer_set(solver, node->used, solver->nrows,
				  count_rows(&solver->late_rows, solver->nwords), node->cost);
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
	if (solver->best.nfilled == solver->nrows)
		most = solver->best.nparcels;
	solver->goal = nforced + !is_empty(&root.todo, solver->nwords);
	for (; solver->goal <= most && !solver->exhausted; solver->goal++)
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
	const RouteScore *best = &solver->best;
	int			wanted = best->nfilled - nfilled;
	int			gained = 0;
	int			needed = 0;
	uint64_t	open = 0;
	int			nparcels = count_bits(node->used);

	for (int i = first; i < choice->n && i < first + node->left; i++)
	{
		if (gained < wanted)
			needed++;
		gained += choice->gain[choice->cands[i]];
	}
	if (gained != wanted)
		return gained > wanted;
	if (nlate != best->nlate)
		return nlate < best->nlate;
	if (nparcels + needed != best->nparcels)
		return nparcels + needed < best->nparcels;
	for (int i = first; i < choice->n; i++)
		open |= CAND_BIT(choice->cands[i]);
	return node->cost + sum_cheapest(solver, open, needed) <= best->cost;
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
	offer_set(solver, node->used, nfilled, nlate, node->cost);
	if (node->left == 0)
		return;
	drop_hopeless(solver, node, &todo);
	if (!count_gains(solver, node, &todo, solver->best.nfilled - nfilled,
					 choice.gain))
		return;
	choice.n = 0;
	while (cands != 0)
	{
		int			cand = take_first(&cands);

		if (choice.gain[cand] > 0)
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
	return solver->best.nparcels < solver->max_parcels &&
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

	for (int cand = 0; cand < solver->ncands; cand++)
	{
		if (!is_empty(&solver->cover[cand], solver->nwords))
			cands |= CAND_BIT(cand);
	}
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
find_best(RouteSolver *solver)
{
	RouteNode	root;

	try_thumb(solver, find_greediest);
	try_thumb(solver, find_nearest);
	find_cover(solver);
	if (solver->best.nfilled < solver->nrows && !solver->exhausted)
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
		holders |= row.usable;
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
 * and is aligned for int64.  False when the problem is too large: more than
 * ROUTE_SOLVER_MAX_CANDS or ROUTE_SOLVER_MAX_LINES.
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
		problem->nlines < 0 || problem->nlines > ROUTE_SOLVER_MAX_LINES)
		return false;

	solver->problem = problem;
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
	prepare_cover(solver);

	if (solver->nrows > 0)
		find_best(solver);
	if (solver->best.nfilled == 0 && limits->partial)
	{
		uint64_t	holders = find_holders(solver, limits);

		/* a search cut short may have missed what these can do */
		if (!try_set(solver, holders))
			solver->best.used = holders;
	}
	solution->nfilled = solver->best.nfilled;
	solution->nlate = solver->best.nlate;
	solution->exact = !solver->exhausted;
	solution->nodes = solver->nodes;
	list_used(solver->best.used, solution);
	if (solver->exhausted || solver->best.nfilled == 0)
		drop_idle(problem, limits, solution);
	return true;
}
