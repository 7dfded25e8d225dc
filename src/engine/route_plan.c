/*-------------------------------------------------------------------------
 * route_plan.c
 *		From where an order is served: the plan over the candidates.
 *
 * A walk (route_walk.c) collects candidates, the solver (route_solver.c) chooses
 * among them; where its plan has several parcels, better ones may come from
 * farther off (route_farther.c), and it chooses again.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "errors.h"
#include "route_farther.h"
#include "route_plan.h"
#include "route_solver.h"
#include "route_walk.h"

/* Search nodes the solver may visit: a few milliseconds at worst. */
#define NODE_BUDGET 3000

const char *const retail_route_verdict_name[VERDICT_COUNT] = {
	[VERDICT_CHOSEN] = "chosen",
	[VERDICT_NOT_NEEDED] = "not_needed",
	[VERDICT_DOMINATED] = "dominated",
	[VERDICT_NO_STOCK] = "no_stock",
	[VERDICT_NO_CAPACITY] = "no_capacity",
	[VERDICT_LATE] = "late",
	[VERDICT_OUTSIDE_ZONE] = "outside_zone",
	[VERDICT_TOO_FAR] = "too_far",
	[VERDICT_NOT_OFFERED] = "not_offered",
	[VERDICT_EXCLUDED] = "excluded",
	[VERDICT_CLOSED] = "closed",
};

/* ----------------------------------------------------------------
 * Planning
 * ----------------------------------------------------------------
 */

/* Units of one need from one candidate. */
typedef struct Share
{
	int			need;
	int			candidate;
	int64		qty;
} Share;

typedef struct Shares
{
	Share	   *shares;
	int			n;
	int			nparcels;
	int			nlate;			/* needs that miss the promise */
} Shares;

/*
 * Whether the dates of lots can decide.  Where cost comes first, only between
 * plans of equal cost: without a cost per km, or from two candidates alike.
 */
static bool
do_dates_matter(const Walk *walk)
{
	if (walk->stock_first || walk->request->channel.cost_per_km <= 0)
		return true;
	for (int i = 0; i < walk->ncandidates; i++)
	{
		for (int j = 0; j < i; j++)
		{
			if (walk->candidates[i].cost == walk->candidates[j].cost)
				return true;
		}
	}
	return false;
}

/* The solver's problem: needs by candidates, nearest first. */
static void
state_problem(Walk *walk, RouteProblem *problem)
{
	int			n = walk->ncandidates;
	int64	   *qty = palloc(sizeof(int64) * walk->nneeds);
	int64	   *avail = palloc(sizeof(int64) * walk->nneeds * Max(n, 1));
	int32	   *penalty = palloc0(sizeof(int32) * walk->nneeds * Max(n, 1));
	double	   *cost = palloc(sizeof(double) * Max(n, 1));
	bool	   *late = palloc(sizeof(bool) * Max(n, 1));
	bool		dates_matter = do_dates_matter(walk);

	for (int i = 0; i < walk->nneeds; i++)
	{
		qty[i] = walk->needs[i].qty;
		for (int c = 0; c < n; c++)
		{
			Candidate  *candidate = &walk->candidates[c];

			avail[i * n + c] = candidate->avail[i];
			penalty[i * n + c] = dates_matter ? retail_route_weigh_units(walk, candidate, i) :
				retail_route_penalty(0, candidate->last[i]);
		}
	}
	for (int c = 0; c < n; c++)
	{
		/* the solver goes to thousandths: a millionth, a millimetre at 1 per km */
		cost[c] = walk->candidates[c].cost * 1000;
		late[c] = walk->candidates[c].late;
	}
	problem->ncands = n;
	problem->nlines = walk->nneeds;
	problem->qty = qty;
	problem->avail = avail;
	problem->cost = cost;
	problem->late = late;
	problem->penalty = penalty;
	problem->objective = walk->request->channel.objective;
}

/* A parcel that is sent costs; one that is fetched costs the shopper a way. */
static int
max_parcels(const Walk *walk)
{
	return walk->service->pickup ? walk->request->max_pickups : walk->request->max_parcels;
}

static Shares
solve(Walk *walk)
{
	RouteProblem problem;
	RouteLimits limits = {max_parcels(walk), walk->request->no_split,
	walk->request->partial, NODE_BUDGET};
	RouteSolution solution;
	Shares		all = {0};
	RouteShares *of_need = palloc(sizeof(RouteShares));

	state_problem(walk, &problem);
	if (!retail_route_solver_solve(&problem, &limits,
								   palloc(retail_route_solver_work_size(problem.ncands, problem.nlines)),
								   &solution))
		elog(ERROR, "the routing problem is malformed");
	all.nparcels = solution.nused;
	all.nlate = solution.nlate;
	all.shares = palloc(sizeof(Share) * walk->nneeds * Max(solution.nused, 1));
	for (int need = 0; need < walk->nneeds; need++)
	{
		retail_route_solver_share(&problem, &limits, &solution, need, of_need);
		for (int i = 0; i < of_need->nshares; i++)
		{
			all.shares[all.n].need = need;
			all.shares[all.n].candidate = of_need->shares[i].cand;
			all.shares[all.n].qty = of_need->shares[i].qty;
			all.n++;
		}
	}
	return all;
}

/* ----------------------------------------------------------------
 * Telling
 * ----------------------------------------------------------------
 */

/* Tells explain_route() what the solver weighed. */
static void
note_stock(Walk *walk, Candidate *candidate)
{
	RouteLook  *look = &walk->looks[candidate->look];

	look->is_candidate = true;
	look->has_dates = true;
	for (int n = 0; n < walk->nneeds; n++)
	{
		look->last_units += candidate->last[n];
		if (candidate->avail[n] == 0)
			continue;
		look->has_dates = look->has_dates && candidate->expiry_days[n] >= 0;
		look->expiry_days += Max(candidate->expiry_days[n], 0);
	}
}

static void
mark_looks(Walk *walk, const RoutePlan *plan)
{
	for (int c = 0; c < walk->ncandidates; c++)
		note_stock(walk, &walk->candidates[c]);
	for (int i = 0; i < walk->nlooks; i++)
	{
		for (int p = 0; p < plan->nparcels; p++)
		{
			if (plan->parcels[p].location_id == walk->looks[i].location_id)
				walk->looks[i].verdict = VERDICT_CHOSEN;
		}
	}
}

/* The parcels of a solution; parcel_of tells each candidate's, or -1. */
static void
make_parcels(Walk *walk, const Shares *solution, RoutePlan *plan, int *parcel_of)
{
	for (int c = 0; c < walk->ncandidates; c++)
		parcel_of[c] = -1;
	for (int i = 0; i < solution->n; i++)
		parcel_of[solution->shares[i].candidate] = 0;
	plan->parcels = palloc(sizeof(RouteParcel) * Max(walk->ncandidates, 1));
	for (int c = 0; c < walk->ncandidates; c++)
	{
		const RouteParcel *parcel = &walk->candidates[c].parcel;

		if (parcel_of[c] < 0)
			continue;
		parcel_of[c] = plan->nparcels;
		plan->parcels[plan->nparcels++] = *parcel;
		plan->promise_at = Max(plan->promise_at, parcel->promise.promise_at);
	}
}

static int
compare_pieces(const void *a, const void *b)
{
	const RoutePiece *x = a;
	const RoutePiece *y = b;

	return x->line != y->line ? x->line - y->line : x->parcel - y->parcel;
}

/* Hands the units of each need on to its lines, in their order. */
static void
make_pieces(Walk *walk, Shares *solution, RoutePlan *plan, const int *parcel_of)
{
	const RouteRequest *request = walk->request;

	plan->pieces = palloc(sizeof(RoutePiece) * (request->nlines + solution->n));
	plan->unfilled = palloc(sizeof(int64) * request->nlines);
	plan->filled = true;
	for (int i = 0; i < request->nlines; i++)
	{
		plan->unfilled[i] = request->lines[i].qty;
		for (int s = 0; s < solution->n && plan->unfilled[i] > 0; s++)
		{
			Share	   *share = &solution->shares[s];
			int64		qty = Min(share->qty, plan->unfilled[i]);

			if (share->need != walk->need_of_line[i] || qty == 0)
				continue;
			plan->pieces[plan->npieces].line = i;
			plan->pieces[plan->npieces].parcel = parcel_of[share->candidate];
			plan->pieces[plan->npieces].qty = qty;
			plan->npieces++;
			share->qty -= qty;
			plan->unfilled[i] -= qty;
		}
		plan->filled = plan->filled && plan->unfilled[i] == 0;
	}
	qsort(plan->pieces, plan->npieces, sizeof(RoutePiece), compare_pieces);
}

static bool
may_any_serve(const Walk *walk)
{
	for (int i = 0; i < walk->nlooks; i++)
	{
		if (walk->looks[i].verdict <= VERDICT_NO_STOCK)
			return true;
	}
	return false;
}

/* Whether the candidates could fill every need, but for the limit of parcels. */
static bool
is_cut_short(const Walk *walk, const bool *filled)
{
	bool		any = false;

	for (int n = 0; n < walk->nneeds; n++)
	{
		if (!filled[n] && retail_route_is_short(walk, n))
			return false;
		any = any || !filled[n];
	}
	return any && max_parcels(walk) > 0;
}

/* What a solution does, for who looks farther. */
static RoutePlanned
sum_up(const Walk *walk, const Shares *solution)
{
	RoutePlanned planned = {.nparcels = solution->nparcels, .any_late = solution->nlate > 0,
	.max_parcels = max_parcels(walk)};
	int64	   *left = palloc(sizeof(int64) * walk->nneeds);
	bool	   *filled = palloc(sizeof(bool) * walk->nneeds);
	bool	   *used = palloc0(sizeof(bool) * Max(walk->ncandidates, 1));

	for (int n = 0; n < walk->nneeds; n++)
		left[n] = walk->needs[n].qty;
	for (int i = 0; i < solution->n; i++)
	{
		const Share *share = &solution->shares[i];

		left[share->need] -= share->qty;
		if (!used[share->candidate])
			planned.cost += walk->candidates[share->candidate].cost;
		used[share->candidate] = true;
	}
	for (int n = 0; n < walk->nneeds; n++)
		filled[n] = left[n] == 0;
	planned.filled = filled;
	planned.is_cut_short = is_cut_short(walk, filled);
	return planned;
}

/* Chooses among the candidates, and again if there are better ones farther off. */
static Shares
choose(Walk *walk)
{
	Shares		solution = solve(walk);
	RoutePlanned planned = sum_up(walk, &solution);

	return retail_route_look_farther(walk, &planned) ? solve(walk) : solution;
}

static RoutePlan *
plan_service(const RouteRequest *request, ServiceInfo *service)
{
	Walk	   *walk = retail_route_walk_begin(request, service);
	RoutePlan  *plan = palloc0(sizeof(RoutePlan));
	Shares		solution;
	int			parcel_of[ROUTE_MAX_CANDIDATES + ROUTE_SPARE_CANDIDATES];

	retail_route_collect(walk);
	solution = choose(walk);
	retail_route_walk_end(walk);

	plan->service = *service;
	plan->max_parcels = max_parcels(walk);
	make_parcels(walk, &solution, plan, parcel_of);
	make_pieces(walk, &solution, plan, parcel_of);
	mark_looks(walk, plan);
	plan->may_serve = may_any_serve(walk);
	plan->looks = walk->looks;
	plan->nlooks = walk->nlooks;
	return plan;
}

static int
count_unfilled(const RouteRequest *request, const RoutePlan *plan)
{
	int			n = 0;

	for (int i = 0; i < request->nlines; i++)
		n += plan->unfilled[i] > 0;
	return n;
}

/* For auto: most lines filled, then the soonest promise, then fewest parcels. */
static bool
is_better(const RouteRequest *request, const RoutePlan *a, const RoutePlan *b)
{
	int			a_unfilled = count_unfilled(request, a);
	int			b_unfilled = count_unfilled(request, b);

	if (a_unfilled != b_unfilled)
		return a_unfilled < b_unfilled;
	if (a->nparcels == 0 || b->nparcels == 0)
		return a->nparcels > b->nparcels;
	if (a->promise_at != b->promise_at)
		return a->promise_at < b->promise_at;
	return a->nparcels < b->nparcels;
}

static RoutePlan *
plan_auto(const RouteRequest *request)
{
	RoutePlan  *best = NULL;
	int32	   *ids;
	int			n = retail_master_services(&ids);

	for (int i = 0; i < n; i++)
	{
		ServiceInfo service;
		RoutePlan  *plan;

		if (!retail_master_service_by_id(ids[i], &service))
			continue;
		plan = plan_service(request, &service);
		if (best == NULL || is_better(request, plan, best))
			best = plan;
	}
	if (best == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_SERVICE),
				 errmsg("there is no service to choose from"),
				 errhint("Services are rows of retail.service.")));
	return best;
}

RoutePlan *
retail_route_plan(const RouteRequest *request)
{
	if (!request->has_destination && request->location_id == 0)
	{
		for (int i = 0; i < request->nlines; i++)
		{
			if (request->lines[i].location.id == 0)
				ereport(ERROR,
						(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						 errmsg("neither a destination nor a location is given"),
						 errhint("Pass longitude and latitude, or the location that is to serve.")));
		}
	}
	return request->service != NULL ? plan_service(request, request->service) :
		plan_auto(request);
}
