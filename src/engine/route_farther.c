/*-------------------------------------------------------------------------
 * route_farther.c
 *		Candidates from behind the walk.
 *
 * Where the room for candidates ended the walk, and its plan has several
 * parcels, the nearest of the locations behind may hold a better one, to which
 * each candidate near by adds little.  Residual greedy (route_greedy.c) goes
 * over them all, asking only what can matter; what it picks there are
 * candidates too, and the solver chooses again.  So no plan is worse than
 * residual greedy over the nearest that the request reaches.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "route_farther.h"
#include "route_greedy.h"

/* Questions asked at most, for each location within reach. */
#define ROUTE_FAR_ASKS 10

/* The candidates and the locations behind, as one row of places. */
typedef struct Farther
{
	Walk	   *walk;
	RouteGreedy greedy;
	PlaceNear  *places;			/* nearest first */
	bool	   *is_behind;		/* per place: no candidate */
	int8	   *fits;			/* per place behind: 1, 0, or -1: not judged */
	const RoutePlanned *plan;
} Farther;

static bool
ask_behind(void *arg, int place, int need)
{
	Farther    *farther = arg;

	CHECK_FOR_INTERRUPTS();
	return retail_route_ask(farther->walk, farther->places[place].id, need) >=
		farther->walk->needs[need].qty;
}

static bool
judge_behind(Farther *farther, const PlaceNear *place)
{
	LocationInfo location;
	RouteLook	look = {.location_id = place->id, .distance_m = place->distance_m};

	return retail_master_location_by_id(place->id, &location) &&
		retail_route_judge_place(farther->walk, &look, &location) == VERDICT_NOT_NEEDED &&
		(look.promise.kept || farther->plan->any_late) &&
		retail_route_is_inside_zone(farther->walk, place->id);
}

static bool
accept_place(void *arg, int place)
{
	Farther    *farther = arg;

	if (!farther->is_behind[place])
		return true;
	if (farther->fits[place] < 0)
		farther->fits[place] = judge_behind(farther, &farther->places[place]);
	return farther->fits[place] == 1;
}

static void
add_place(Farther *farther, PlaceNear place, const Candidate *candidate)
{
	Walk	   *walk = farther->walk;
	int			at = farther->greedy.nplaces++;

	farther->places[at] = place;
	farther->is_behind[at] = candidate == NULL;
	farther->fits[at] = -1;
	for (int n = 0; n < walk->nneeds; n++)
		farther->greedy.holds[at * walk->nneeds + n] = candidate == NULL ? -1 :
			candidate->avail[n] >= walk->needs[n].qty;
}

/* Warehouses and holders of rare SKUs were looked at after the walk. */
static bool
is_candidate(const Walk *walk, int32 location_id)
{
	for (int c = 0; c < walk->ncandidates; c++)
	{
		if (walk->candidates[c].parcel.location_id == location_id)
			return true;
	}
	return false;
}

/* Both lists are nearest first. */
static void
line_up_places(Farther *farther)
{
	Walk	   *walk = farther->walk;
	int			c = 0;

	for (int b = 0; b <= walk->nbehind; b++)
	{
		while (c < walk->ncandidates &&
			   (b == walk->nbehind || walk->candidates[c].parcel.distance_m < walk->behind[b].distance_m))
		{
			const RouteParcel *parcel = &walk->candidates[c].parcel;
			PlaceNear	place = {parcel->distance_m, parcel->location_id};

			add_place(farther, place, &walk->candidates[c++]);
		}
		if (b < walk->nbehind && !is_candidate(walk, walk->behind[b].id))
			add_place(farther, walk->behind[b], NULL);
	}
}

/* Places whose way alone does not cost as much as the whole plan. */
static int
count_cheaper(const Farther *farther)
{
	double		per_km = farther->walk->request->channel.cost_per_km;
	int			n = farther->greedy.nplaces;

	while (n > 0 && per_km * farther->places[n - 1].distance_m / 1000 >= farther->plan->cost)
		n--;
	return n;
}

/*
 * The picks of residual greedy, if they are fewer than the plan's parcels, or
 * as many and may cost less; how many.
 */
static int
play_for_less(Farther *farther, int *picks, int *work)
{
	const RoutePlanned *plan = farther->plan;
	RouteGreedy *greedy = &farther->greedy;
	int			n = retail_route_greedy_play(greedy, plan->filled, plan->nparcels - 1, picks, work);

	if (n > 0)
		return n;
	greedy->nplaces = count_cheaper(farther);
	return retail_route_greedy_play(greedy, plan->filled, plan->nparcels, picks, work);
}

/* Its picks if they fill every need in as many parcels as there may be; how many. */
static int
play_for_all(Farther *farther, int *picks, int *work)
{
	RouteGreedy *greedy = &farther->greedy;
	bool	   *everything = palloc(sizeof(bool) * greedy->nlines);

	memset(everything, true, sizeof(bool) * greedy->nlines);
	return retail_route_greedy_play(greedy, everything, farther->plan->max_parcels, picks, work);
}

static int
play_greedy(Farther *farther, int *picks)
{
	const RoutePlanned *plan = farther->plan;
	int		   *work = palloc(sizeof(int) * retail_route_greedy_work(farther->greedy.nplaces,
																	  farther->greedy.nlines));
	int			n = plan->is_cut_short ? play_for_all(farther, picks, work) : 0;

	return n == 0 && plan->nparcels > 1 ? play_for_less(farther, picks, work) : n;
}

bool
retail_route_look_farther(Walk *walk, const RoutePlanned *plan)
{
	int			room = walk->ncandidates + walk->nbehind;
	int			before = walk->ncandidates;
	int		   *picks = palloc(sizeof(int) * walk->nneeds);	/* each pick fills one at least */
	Farther		farther = {.walk = walk, .plan = plan};
	int			npicks;

	if (walk->nbehind == 0 || (plan->nparcels < 2 && !plan->is_cut_short))
		return false;
	farther.places = palloc(sizeof(PlaceNear) * room);
	farther.is_behind = palloc(sizeof(bool) * room);
	farther.fits = palloc(sizeof(int8) * room);
	farther.greedy.nlines = walk->nneeds;
	farther.greedy.holds = palloc(sizeof(int8) * room * walk->nneeds);
	farther.greedy.max_asks = ROUTE_FAR_ASKS * walk->request->reach;
	farther.greedy.ask = ask_behind;
	farther.greedy.accept = accept_place;
	farther.greedy.arg = &farther;
	line_up_places(&farther);
	npicks = play_greedy(&farther, picks);
	for (int i = 0; i < npicks && walk->ncandidates - before < ROUTE_SPARE_CANDIDATES; i++)
	{
		if (farther.is_behind[picks[i]])
			retail_route_look_at(walk, farther.places[picks[i]].id, farther.places[picks[i]].distance_m);
	}
	retail_route_sort_candidates(walk);
	return walk->ncandidates > before;
}
