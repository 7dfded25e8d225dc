/*-------------------------------------------------------------------------
 * route_walk.c
 *		The walk over locations that may serve an order.
 *
 * Candidates come nearest first (route_source.c), and each is asked once what
 * it could sell of every line: from its counter where there is one, else from
 * the tables, without a lock.  The walk ends as soon as one location can do it
 * all, keep the promise, and the way alone costs more from everything behind:
 * nothing there can be better, unless the objective of the channel weighs stock
 * before cost.  A location that a cheaper one matches in everything it holds
 * whole is left out.  Lines still short at the end of the walk are looked up by
 * their stock instead: a rare SKU in a far warehouse is found however many
 * stores lie between.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"

#include "capacity.h"
#include "claim.h"
#include "clock.h"
#include "promise.h"
#include "route_source.h"
#include "route_walk.h"

/* Candidates kept free for warehouses and holders of rare SKUs. */
#define ROUTE_FAR_CANDIDATES 8

/* ----------------------------------------------------------------
 * Needs
 * ----------------------------------------------------------------
 */

static void
sum_needs(Walk *walk)
{
	const RouteRequest *request = walk->request;

	walk->needs = palloc(sizeof(Need) * request->nlines);
	walk->need_skus = palloc(sizeof(int32) * request->nlines);
	walk->need_of_line = palloc(sizeof(int) * request->nlines);
	for (int i = 0; i < request->nlines; i++)
	{
		const LineArg *line = &request->lines[i];
		int			n = 0;

		while (n < walk->nneeds && !(walk->needs[n].sku.id == line->sku.id &&
									 walk->needs[n].location_id == line->location.id))
			n++;
		if (n == walk->nneeds)
		{
			walk->needs[n].sku = line->sku;
			walk->need_skus[n] = line->sku.id;
			walk->needs[n].location_id = line->location.id;
			walk->needs[n].qty = 0;
			walk->nneeds++;
		}
		if (pg_add_s64_overflow(walk->needs[n].qty, line->qty, &walk->needs[n].qty))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the lines of one SKU add up to more than a bigint can count")));
		walk->need_of_line[i] = n;
	}
}

/* As retail_sale_rule_now(), of a location that is open. */
static SaleRule
rule_for(const RouteRequest *request, const Need *need, int32 location_id)
{
	SaleRule	rule = retail_sale_rule(need->sku.id, location_id, request->channel.id);

	if (request->channel.id != 0 && !(need->sku.active && request->channel.open))
		rule.on_sale = false;
	return rule;
}

/*
 * What an open location could give of a need.  Units that other lines want
 * from just there are theirs.
 */
int64
retail_route_ask(Walk *walk, int32 location_id, int n)
{
	const RouteRequest *request = walk->request;
	const Need *need = &walk->needs[n];
	SaleRule	rule;
	int64		avail;

	if (need->location_id != 0 && need->location_id != location_id)
		return 0;
	rule = rule_for(request, need, location_id);
	avail = request->settled ?
		retail_takeable_settled(need->sku.id, location_id, &rule, walk->reader.now) :
		retail_takeable_read(&walk->reader, need->sku.id, location_id, &rule);
	for (int i = 0; i < request->nown_holds && rule.on_sale; i++)
	{
		const RouteOwnHold *own = &request->own_holds[i];

		if (own->sku_id == need->sku.id && own->location_id == location_id &&
			pg_add_s64_overflow(avail, own->qty, &avail))
			avail = PG_INT64_MAX;
	}
	for (int i = 0; i < walk->nneeds && need->location_id == 0; i++)
	{
		if (walk->needs[i].sku.id == need->sku.id && walk->needs[i].location_id == location_id)
			avail = Max(avail - walk->needs[i].qty, 0);
	}
	return avail;
}

/* ----------------------------------------------------------------
 * Looking at a location
 * ----------------------------------------------------------------
 */

static bool
is_excluded(const RouteRequest *request, int32 location_id)
{
	for (int i = 0; i < request->nexcluded; i++)
	{
		if (request->excluded[i] == location_id)
			return true;
	}
	return request->location_id != 0 && request->location_id != location_id;
}

static bool
was_looked_at(const Walk *walk, int32 location_id)
{
	for (int i = 0; i < walk->nlooks; i++)
	{
		if (walk->looks[i].location_id == location_id)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------
 * Weighing candidates
 * ----------------------------------------------------------------
 */

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->parcel.distance_m != y->parcel.distance_m)
		return x->parcel.distance_m < y->parcel.distance_m ? -1 : 1;
	return x->parcel.location_id < y->parcel.location_id ? -1 : 1;
}

/* Nearest first; of equals the smaller id. */
void
retail_route_sort_candidates(Walk *walk)
{
	qsort(walk->candidates, walk->ncandidates, sizeof(Candidate), compare_candidates);
}

/* The solver's penalty of what a candidate would give of a need. */
int32
retail_route_weigh_units(const Walk *walk, Candidate *candidate, int n)
{
	if (candidate->avail[n] == 0)
		return 0;
	if (candidate->expiry_days[n] < 0)
		candidate->expiry_days[n] =
			retail_route_expiry_days(&walk->needs[n].sku, candidate->parcel.location_id,
									 walk->request->placed_at);
	return retail_route_penalty(candidate->expiry_days[n], candidate->last[n]);
}

/* Whether "other" can stand in for a candidate in every plan, and is better. */
static bool
can_stand_in(const Walk *walk, Candidate *other, Candidate *candidate)
{
	bool		same_cost = other->cost == candidate->cost;

	if ((other->late && !candidate->late) || other->cost > candidate->cost ||
		(same_cost && compare_candidates(other, candidate) > 0))
		return false;
	for (int n = 0; n < walk->nneeds; n++)
	{
		if (candidate->avail[n] == 0)
			continue;
		if (other->avail[n] < walk->needs[n].qty)
			return false;
	}
	for (int n = 0; n < walk->nneeds && (same_cost || walk->stock_first); n++)
	{
		if (candidate->avail[n] != 0 &&
			retail_route_weigh_units(walk, other, n) > retail_route_weigh_units(walk, candidate, n))
			return false;
	}
	return true;
}

static bool
is_dominated(Walk *walk, Candidate *candidate)
{
	for (int i = 0; i < walk->ncandidates; i++)
	{
		if (can_stand_in(walk, &walk->candidates[i], candidate))
			return true;
	}
	return false;
}

/* Whether every full plan has a parcel from this location. */
static bool
is_needed(const Walk *walk, int32 location_id)
{
	for (int n = 0; n < walk->nneeds; n++)
	{
		if (walk->needs[n].location_id == location_id)
			return true;
	}
	return walk->request->location_id == location_id;
}

/*
 * After a candidate that can do it all and keep the promise: how far away a
 * location may be and still be part of a better plan.  It has one parcel, the
 * least, so a plan that is as good must cost less, or have a better stock.
 */
static void
limit_walk(Walk *walk, Candidate *candidate)
{
	const ChannelInfo *channel = &walk->request->channel;
	bool		best_stock = true;
	double		beyond_m;

	for (int n = 0; n < walk->nneeds && best_stock; n++)
		best_stock = !candidate->last[n] && !walk->needs[n].sku.lot_tracked;
	if (is_needed(walk, candidate->parcel.location_id) &&
		(best_stock || retail_route_rank(channel, ROUTE_PARCELS) < retail_route_rank(channel, ROUTE_STOCK)))
	{
		/* others only come on top of it */
		walk->done = true;
		return;
	}
	if (channel->cost_per_km <= 0 || (walk->stock_first && !best_stock))
		return;
	beyond_m = candidate->parcel.distance_m +
		(candidate->cost - channel->cost_per_km * candidate->parcel.distance_m / 1000) /
		channel->cost_per_km * 1000;
	walk->done_beyond_m = Min(walk->done_beyond_m, beyond_m);
}

/* A location with zones for the service delivers only inside them. */
bool
retail_route_is_inside_zone(Walk *walk, int32 location_id)
{
	const RouteRequest *request = walk->request;

	return walk->service->pickup || !request->has_destination ||
		retail_zone_covers(&walk->zones, location_id, walk->service->id,
						   request->longitude, request->latitude);
}

/* What speaks against a location before its stock is asked for. */
RouteVerdict
retail_route_judge_place(Walk *walk, RouteLook *look, const LocationInfo *location)
{
	const RouteRequest *request = walk->request;
	const ServiceInfo *service = walk->service;
	double		load;

	if (is_excluded(request, look->location_id))
		return VERDICT_EXCLUDED;
	if (!location->open)
		return VERDICT_CLOSED;
	if (!retail_master_offers(look->location_id, service->code))
		return VERDICT_NOT_OFFERED;
	if (service->max_m > 0 && look->distance_m > service->max_m)
		return VERDICT_TOO_FAR;
	look->promise = retail_promise(service, look->location_id, request->placed_at);
	if (look->promise.promise_at == DT_NOEND ||
		(!look->promise.kept && !service->allow_late))
		return VERDICT_LATE;
	if (!retail_capacity_is_left(look->location_id, location, look->promise.starts_at, &load))
		return VERDICT_NO_CAPACITY;
	look->cost = retail_route_cost(&request->channel, location, look->distance_m, load);
	look->has_cost = true;
	return VERDICT_NOT_NEEDED;
}

/* Whether an amount takes a display store's last unit: safety stock is kept anyway. */
static bool
takes_last(const Walk *walk, const Candidate *candidate, int n)
{
	SaleRule	rule = retail_sale_rule_now(walk->needs[n].sku.id, candidate->parcel.location_id,
											walk->request->channel.id);
	bool		has_floor = rule.floor_bp >= 0 ? rule.floor_bp > 0 : rule.floor_qty > 0;

	return !has_floor && candidate->avail[n] > 0 && candidate->avail[n] <= walk->needs[n].qty;
}

static RouteVerdict
judge_stock(Walk *walk, RouteLook *look, const LocationInfo *location)
{
	Candidate  *candidate = &walk->candidates[walk->ncandidates];
	bool		any = false;

	candidate->parcel.location_id = look->location_id;
	candidate->parcel.distance_m = look->distance_m;
	candidate->parcel.promise = look->promise;
	candidate->late = !look->promise.kept;
	candidate->cost = look->cost.total;
	candidate->look = walk->nlooks - 1;
	candidate->expiry_days = palloc(sizeof(int32) * walk->nneeds);
	candidate->last = palloc(sizeof(bool) * walk->nneeds);
	candidate->avail = palloc(sizeof(int64) * walk->nneeds);
	retail_escrow_expect(walk->need_skus, walk->nneeds, look->location_id);
	for (int n = 0; n < walk->nneeds; n++)
	{
		candidate->avail[n] = retail_route_ask(walk, look->location_id, n);
		candidate->expiry_days[n] = -1;
		candidate->last[n] = location->keep_last && takes_last(walk, candidate, n);
		any = any || candidate->avail[n] > 0;
		look->lines_held += candidate->avail[n] >= walk->needs[n].qty;
	}
	if (!any)
		return VERDICT_NO_STOCK;
	if (!retail_route_is_inside_zone(walk, look->location_id))
		return VERDICT_OUTSIDE_ZONE;
	if (is_dominated(walk, candidate))
		return VERDICT_DOMINATED;
	walk->ncandidates++;
	if (look->lines_held == walk->nneeds && !candidate->late)
		limit_walk(walk, candidate);
	return VERDICT_NOT_NEEDED;
}

void
retail_route_look_at(Walk *walk, int32 location_id, double distance_m)
{
	RouteLook  *look;
	LocationInfo location;

	if (walk->nlooks == walk->looks_room)
	{
		walk->looks_room *= 2;
		walk->looks = repalloc(walk->looks, sizeof(RouteLook) * walk->looks_room);
	}
	look = &walk->looks[walk->nlooks++];
	memset(look, 0, sizeof(*look));
	look->location_id = location_id;
	look->distance_m = distance_m;
	if (!retail_master_location_by_id(location_id, &location))
		look->verdict = VERDICT_CLOSED;
	else
		look->verdict = retail_route_judge_place(walk, look, &location);
	if (look->verdict == VERDICT_NOT_NEEDED)
		look->verdict = judge_stock(walk, look, &location);
}

/* ----------------------------------------------------------------
 * Walking
 * ----------------------------------------------------------------
 */

/* Whether the walk may end here: nothing behind can be better, or enough is enough. */
static bool
is_far_enough(Walk *walk, RouteSourceKind source, double distance_m)
{
	bool		is_ordered = source == SOURCE_NETWORK || source == SOURCE_LISTED;

	if (is_ordered && walk->service->max_m > 0 && distance_m > walk->service->max_m)
		walk->all_seen = true;
	return walk->done || walk->all_seen || walk->ncandidates >= walk->limit ||
		walk->nlooks >= walk->request->reach;
}

/* Whether a location is too far off to be part of a better plan; all sources but ids are nearest first. */
static bool
is_beyond(Walk *walk, RouteSourceKind kind, double distance_m)
{
	if (kind != SOURCE_IDS && distance_m > walk->done_beyond_m)
		walk->done = true;
	return walk->done;
}

/*
 * Keeps what is left of a source that ended for want of room, where looking
 * farther may make the plan better.
 */
static void
keep_behind(Walk *walk, RouteSource *source)
{
	const ChannelInfo *channel = &walk->request->channel;
	PlaceNear	near;

	if (walk->done || walk->all_seen || walk->ncandidates < walk->limit ||
		retail_route_rank(channel, ROUTE_PARCELS) > retail_route_rank(channel, ROUTE_COST))
		return;
	walk->behind = palloc(sizeof(PlaceNear) * walk->request->reach);
	while (walk->nlooks + walk->nbehind < walk->request->reach &&
		   retail_route_source_next(source, &near.id, &near.distance_m))
	{
		if (walk->service->max_m > 0 && near.distance_m > walk->service->max_m)
			break;
		walk->behind[walk->nbehind++] = near;
	}
}

/*
 * Looks at the locations of a source that were not looked at before.  of: the
 * channel or SKU it is about.
 */
static void
walk_source(Walk *walk, RouteSourceKind kind, int32 of, const int32 *ids, int nids)
{
	bool		check_seen = walk->nlooks > 0;
	RouteSource source;
	int32		location_id;
	double		distance_m;

	/* room is left for what the nearest do not have */
	walk->limit = kind == SOURCE_NETWORK ? ROUTE_MAX_CANDIDATES - ROUTE_FAR_CANDIDATES : ROUTE_MAX_CANDIDATES;
	if (walk->ncandidates >= walk->limit)
		return;
	retail_route_source_begin(&source, kind, walk->request->has_destination ? &walk->to : NULL,
							  of, ids, nids);
	while (retail_route_source_next(&source, &location_id, &distance_m))
	{
		CHECK_FOR_INTERRUPTS();
		if (check_seen && was_looked_at(walk, location_id))
			continue;
		if (is_beyond(walk, kind, distance_m))
			break;
		retail_route_look_at(walk, location_id, distance_m);
		if (is_far_enough(walk, kind, distance_m))
			break;
	}
	if (kind == SOURCE_NETWORK || kind == SOURCE_LISTED)
		keep_behind(walk, &source);
	retail_route_source_end(&source);
}

/* The places that the order or its lines name. */
static void
walk_named(Walk *walk)
{
	int32	   *ids = palloc(sizeof(int32) * (walk->nneeds + 1));
	int			n = 0;

	if (walk->request->location_id != 0)
		ids[n++] = walk->request->location_id;
	for (int i = 0; i < walk->nneeds; i++)
	{
		if (walk->needs[i].location_id != 0)
			ids[n++] = walk->needs[i].location_id;
	}
	if (n > 0)
		walk_source(walk, SOURCE_IDS, 0, ids, n);
}

bool
retail_route_is_short(const Walk *walk, int n)
{
	int64		left = walk->needs[n].qty;

	for (int i = 0; i < walk->ncandidates && left > 0; i++)
		left -= Min(left, walk->candidates[i].avail[n]);
	return left > 0;
}

/* Fills the candidates, nearest first. */
void
retail_route_collect(Walk *walk)
{
	const RouteRequest *request = walk->request;

	walk_named(walk);
	if (request->location_id == 0 && request->channel.source != ROUTING_OWN &&
		request->has_destination && !walk->done)
	{
		if (request->channel.source == ROUTING_LISTED)
			walk_source(walk, SOURCE_LISTED, request->channel.id, NULL, 0);
		else
		{
			walk_source(walk, SOURCE_NETWORK, 0, NULL, 0);
			if (!walk->done && !walk->all_seen)
				walk_source(walk, SOURCE_WAREHOUSES, 0, NULL, 0);
			for (int n = 0; n < walk->nneeds && !walk->done && !walk->all_seen; n++)
			{
				if (walk->needs[n].location_id == 0 && retail_route_is_short(walk, n))
					walk_source(walk, SOURCE_HOLDERS, walk->needs[n].sku.id, NULL, 0);
			}
		}
	}
	retail_route_sort_candidates(walk);
}

/* ----------------------------------------------------------------
 * Beginning and ending
 * ----------------------------------------------------------------
 */

Walk *
retail_route_walk_begin(const RouteRequest *request, ServiceInfo *service)
{
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->request = request;
	walk->service = service;
	walk->done_beyond_m = INFINITY;
	walk->stock_first = retail_route_rank(&request->channel, ROUTE_STOCK) <
		retail_route_rank(&request->channel, ROUTE_COST);
	walk->looks_room = 64;
	walk->looks = palloc(sizeof(RouteLook) * walk->looks_room);
	sum_needs(walk);
	if (request->has_destination)
		walk->to = retail_place(0, request->longitude, request->latitude);
	retail_stock_reader_begin(&walk->reader, AccessShareLock, retail_clock_now());
	retail_zone_reader_begin(&walk->zones);
	return walk;
}

void
retail_route_walk_end(Walk *walk)
{
	retail_zone_reader_end(&walk->zones);
	retail_stock_reader_end(&walk->reader);
}
