/*-------------------------------------------------------------------------
 * route_plan.c
 *		From where an order is served: candidates, and the plan over them.
 *
 * Candidates come nearest first (route_source.c), and each is asked once what
 * it could sell of every line: from its counter where there is one, else from
 * the tables, without a lock.  The walk ends as soon as one location can do it
 * all, keep the promise, and the way alone costs more from everything behind:
 * nothing there can be better, unless the objective of the channel weighs stock
 * before cost.  A location that a cheaper one matches in everything it holds
 * whole is left out.  Lines still short at the end of the walk are looked up by
 * their stock instead: a rare SKU in a far warehouse is found however many
 * stores lie between.  Then the solver (route_solver.c) chooses.
 *
 * Where the room for candidates ended the walk, and its plan has several
 * parcels, the nearest of the locations behind may hold a better one, to which
 * each candidate near by adds little.  Residual greedy (route_greedy.c) goes
 * over them all, asking only what can matter; what it picks there are
 * candidates too, and the solver chooses again.  So no plan is worse than
 * residual greedy over the ROUTE_MAX_SCANNED nearest.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "claim.h"
#include "clock.h"
#include "errors.h"
#include "promise.h"
#include "route_greedy.h"
#include "route_plan.h"
#include "route_score.h"
#include "route_solver.h"
#include "route_source.h"
#include "spi_util.h"
#include "table.h"

/* Search nodes the solver may visit: a few milliseconds at worst. */
#define NODE_BUDGET 3000

/* Candidates kept free for warehouses and holders of rare SKUs. */
#define ROUTE_FAR_CANDIDATES 8

/* Candidates more, from behind the walk; and questions asked to find them. */
#define ROUTE_SPARE_CANDIDATES 8
#define ROUTE_FAR_ASKS 10000

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

/* Is the destination in a zone of the location, for the service?  %1$s: where PostGIS is. */
static const char zone_query[] =
"SELECT bool_or(%1$s.st_covers(area, %1$s.geography(%1$s.st_setsrid(%1$s.st_makepoint($1, $2), 4326))))"
" FROM retail.delivery_zone WHERE location_id = $3 AND (service_id IS NULL OR service_id = $4)";

static SPIPlanPtr zone_plan = NULL;
static NameData zone_schema;	/* the one it was made for */

/* Lines of one SKU that may come from the same places, as one. */
typedef struct Need
{
	SkuInfo		sku;
	int32		location_id;	/* the only one; 0: anywhere */
	int64		qty;
} Need;

typedef struct Candidate
{
	RouteParcel parcel;
	int64	   *avail;			/* per need */
	int32	   *expiry_days;	/* per need; -1: not read */
	bool	   *last;			/* per need: its last unit, to be kept, would go */
	double		cost;
	bool		late;
	int			look;
} Candidate;

typedef struct Walk
{
	const RouteRequest *request;
	ServiceInfo *service;
	StockReader reader;			/* its instant tells which holds have lapsed */
	Place		to;				/* the destination, where there is one */
	Need	   *needs;
	int32	   *need_skus;		/* of each its SKU */
	int			nneeds;
	int		   *need_of_line;
	bool		has_zones;
	bool		asks_sql;		/* SPI is connected */
	SpiOwner	saved;
	Candidate	candidates[ROUTE_MAX_CANDIDATES + ROUTE_SPARE_CANDIDATES];
	int			ncandidates;
	int			limit;			/* candidates the present source may fill up to */
	RouteLook  *looks;			/* every location looked at */
	int			nlooks;
	int			looks_room;
	bool		done;			/* nothing that was not looked at can be better */
	double		done_beyond_m;	/* and nothing farther than this */
	bool		stock_first;	/* the objective weighs stock before cost */
	bool		all_seen;		/* everything within the radius was looked at */
	PlaceNear  *behind;			/* what the walk did not come to, nearest first */
	int			nbehind;
} Walk;

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
static int64
ask_stock(Walk *walk, int32 location_id, int n)
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

/* Places of that day that are given back and not yet off capacity_use.taken. */
static int64
places_given_back(int32 location_id, DateADT day)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	int64		n = 0;

	retail_key_int4(&keys[0], 1, location_id);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(day));
	retail_scan_begin(&scan, TABLE_CAPACITY_RETURN, INDEX_CAPACITY_RETURN, AccessShareLock, NULL, 2, keys);
	while (retail_scan_next(&scan))
		n++;
	retail_scan_end(&scan);
	return n;
}

static int64
places_taken(int32 location_id, DateADT day)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	int64		taken = 0;

	retail_key_int4(&keys[0], 1, location_id);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(day));
	retail_scan_begin(&scan, TABLE_CAPACITY_USE, INDEX_CAPACITY_USE, AccessShareLock, NULL, 2, keys);
	if (retail_scan_next(&scan))
		taken = retail_column_int32(TABLE_CAPACITY_USE, scan.slot, CAPACITY_USE_TAKEN);
	retail_scan_end(&scan);
	return taken;
}

/*
 * Whether it may take one more fulfilment order on the day it would start.
 * *load: the share of that day that is taken.
 */
static bool
has_capacity(int32 location_id, const LocationInfo *location, TimestampTz starts_at,
			 double *load)
{
	DateADT		day;
	int64		taken;

	*load = 0;
	if (location->daily_capacity < 0)
		return true;
	day = retail_master_date_at(location_id, starts_at);

	/* what is given back first: one taken off meanwhile counts twice, and the take decides */
	taken = places_given_back(location_id, day);
	taken = Max(places_taken(location_id, day) - taken, 0);
	if (location->daily_capacity > 0)
		*load = Min((double) taken / location->daily_capacity, 1.0);
	return taken < location->daily_capacity;
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

/* The solver's penalty of what a candidate would give of a need. */
static int32
weigh_units(const Walk *walk, Candidate *candidate, int n)
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
			weigh_units(walk, other, n) > weigh_units(walk, candidate, n))
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

/*
 * The schema that PostGIS is in: the one of the type that our own column has,
 * whatever it was called when init() made it.
 */
static char *
get_postgis_schema(void)
{
	Oid			relid = retail_table_oid(TABLE_DELIVERY_ZONE);
	Oid			type = get_atttype(relid, get_attnum(relid, "area"));
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	char	   *name = NULL;

	if (HeapTupleIsValid(tuple))
	{
		name = get_namespace_name(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
		ReleaseSysCache(tuple);
	}
	if (name == NULL)
		elog(ERROR, "could not look up the schema of PostGIS");
	return name;
}

static SPIPlanPtr
get_zone_plan(void)
{
	Oid			types[4] = {FLOAT8OID, FLOAT8OID, INT4OID, INT4OID};
	char	   *schema = get_postgis_schema();
	SPIPlanPtr	plan;

	if (zone_plan != NULL && strcmp(NameStr(zone_schema), schema) == 0)
		return zone_plan;
	plan = SPI_prepare(psprintf(zone_query, quote_identifier(schema)), lengthof(types), types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare the look-up of delivery zones");
	if (zone_plan != NULL)
		SPI_freeplan(zone_plan);
	zone_plan = plan;
	namestrcpy(&zone_schema, schema);
	return zone_plan;
}

/* SPI is connected at the first question, and stays so to the walk's end. */
static bool
is_in_any_zone(Walk *walk, int32 location_id)
{
	const RouteRequest *request = walk->request;
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[4] = {Float8GetDatum(request->longitude), Float8GetDatum(request->latitude),
	Int32GetDatum(location_id), Int32GetDatum(walk->service->id)};
	bool		isnull;
	bool		inside;

	if (!walk->asks_sql)
		walk->saved = retail_spi_begin();
	walk->asks_sql = true;
	if (SPI_execute_plan(get_zone_plan(), args, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not look up delivery zones");
	inside = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	MemoryContextSwitchTo(caller);
	return isnull || inside;
}

/* A location with zones for the service delivers only inside them. */
static bool
is_inside_zone(Walk *walk, int32 location_id)
{
	return !walk->has_zones || walk->service->pickup || !walk->request->has_destination ||
		is_in_any_zone(walk, location_id);
}

/* What speaks against a location before its stock is asked for. */
static RouteVerdict
judge_place(Walk *walk, RouteLook *look, const LocationInfo *location)
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
	if (!has_capacity(look->location_id, location, look->promise.starts_at, &load))
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
		candidate->avail[n] = ask_stock(walk, look->location_id, n);
		candidate->expiry_days[n] = -1;
		candidate->last[n] = location->keep_last && takes_last(walk, candidate, n);
		any = any || candidate->avail[n] > 0;
		look->lines_held += candidate->avail[n] >= walk->needs[n].qty;
	}
	if (!any)
		return VERDICT_NO_STOCK;
	if (!is_inside_zone(walk, look->location_id))
		return VERDICT_OUTSIDE_ZONE;
	if (is_dominated(walk, candidate))
		return VERDICT_DOMINATED;
	walk->ncandidates++;
	if (look->lines_held == walk->nneeds && !candidate->late)
		limit_walk(walk, candidate);
	return VERDICT_NOT_NEEDED;
}

static void
look_at(Walk *walk, int32 location_id, double distance_m)
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
		look->verdict = judge_place(walk, look, &location);
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
		walk->nlooks >= ROUTE_MAX_SCANNED;
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
	walk->behind = palloc(sizeof(PlaceNear) * ROUTE_MAX_SCANNED);
	while (walk->nlooks + walk->nbehind < ROUTE_MAX_SCANNED &&
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
		look_at(walk, location_id, distance_m);
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

/* Units of a need that the candidates together do not have. */
static bool
is_short(const Walk *walk, int n)
{
	int64		left = walk->needs[n].qty;

	for (int i = 0; i < walk->ncandidates && left > 0; i++)
		left -= Min(left, walk->candidates[i].avail[n]);
	return left > 0;
}

/* Fills the candidates, nearest first. */
static void
collect(Walk *walk)
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
				if (walk->needs[n].location_id == 0 && is_short(walk, n))
					walk_source(walk, SOURCE_HOLDERS, walk->needs[n].sku.id, NULL, 0);
			}
		}
	}
	qsort(walk->candidates, walk->ncandidates, sizeof(Candidate), compare_candidates);
}

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
			penalty[i * n + c] = dates_matter ? weigh_units(walk, candidate, i) :
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

static Shares
solve(Walk *walk)
{
	RouteProblem problem;
	RouteLimits limits = {walk->request->max_parcels, walk->request->no_split,
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
 * Looking farther
 * ----------------------------------------------------------------
 */

/* The candidates and the locations behind, as one row of places. */
typedef struct Farther
{
	Walk	   *walk;
	RouteGreedy greedy;
	PlaceNear  *places;			/* nearest first */
	bool	   *is_behind;		/* per place: no candidate */
	int8	   *fits;			/* per place behind: 1, 0, or -1: not judged */
	bool	   *wanted;			/* per need: the plan fills it */
	bool		take_late;		/* the plan misses the promise, too */
	double		cost;			/* of the plan */
} Farther;

static bool
ask_behind(void *arg, int place, int need)
{
	Farther    *farther = arg;

	CHECK_FOR_INTERRUPTS();
	return ask_stock(farther->walk, farther->places[place].id, need) >=
		farther->walk->needs[need].qty;
}

static bool
judge_behind(Farther *farther, const PlaceNear *place)
{
	LocationInfo location;
	RouteLook	look = {.location_id = place->id, .distance_m = place->distance_m};

	return retail_master_location_by_id(place->id, &location) &&
		judge_place(farther->walk, &look, &location) == VERDICT_NOT_NEEDED &&
		(look.promise.kept || farther->take_late) &&
		is_inside_zone(farther->walk, place->id);
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

/* What the plan does: the needs it fills, and its cost. */
static void
read_plan(Farther *farther, const Shares *plan)
{
	const Walk *walk = farther->walk;
	int64	   *left = palloc(sizeof(int64) * walk->nneeds);
	bool	   *used = palloc0(sizeof(bool) * walk->ncandidates);

	for (int n = 0; n < walk->nneeds; n++)
		left[n] = walk->needs[n].qty;
	for (int i = 0; i < plan->n; i++)
	{
		const Share *share = &plan->shares[i];

		left[share->need] -= share->qty;
		if (!used[share->candidate])
			farther->cost += walk->candidates[share->candidate].cost;
		used[share->candidate] = true;
	}
	for (int n = 0; n < walk->nneeds; n++)
		farther->wanted[n] = left[n] == 0;
	farther->take_late = plan->nlate > 0;
}

/* Places whose way alone does not cost as much as the whole plan. */
static int
count_cheaper(const Farther *farther)
{
	double		per_km = farther->walk->request->channel.cost_per_km;
	int			n = farther->greedy.nplaces;

	while (n > 0 && per_km * farther->places[n - 1].distance_m / 1000 >= farther->cost)
		n--;
	return n;
}

/*
 * The picks of residual greedy, if they are fewer than the plan's parcels, or
 * as many and may cost less; how many.
 */
static int
play_greedy(Farther *farther, const Shares *plan, int *picks)
{
	RouteGreedy *greedy = &farther->greedy;
	int		   *work = palloc(sizeof(int) * retail_route_greedy_work(greedy->nplaces, greedy->nlines));
	int			n = retail_route_greedy_play(greedy, farther->wanted, plan->nparcels - 1, picks, work);

	if (n > 0)
		return n;
	greedy->nplaces = count_cheaper(farther);
	return retail_route_greedy_play(greedy, farther->wanted, plan->nparcels, picks, work);
}

/*
 * Makes candidates of what residual greedy finds behind the walk, where that
 * may be better than the plan; whether there are any.
 */
static bool
look_farther(Walk *walk, const Shares *plan)
{
	int			room = walk->ncandidates + walk->nbehind;
	int			before = walk->ncandidates;
	int		   *picks = palloc(sizeof(int) * (plan->nparcels + 1));
	Farther		farther = {.walk = walk};
	int			npicks;

	if (walk->nbehind == 0 || plan->nparcels < 2)
		return false;
	farther.places = palloc(sizeof(PlaceNear) * room);
	farther.is_behind = palloc(sizeof(bool) * room);
	farther.fits = palloc(sizeof(int8) * room);
	farther.wanted = palloc(sizeof(bool) * walk->nneeds);
	farther.greedy.nlines = walk->nneeds;
	farther.greedy.holds = palloc(sizeof(int8) * room * walk->nneeds);
	farther.greedy.max_asks = ROUTE_FAR_ASKS;
	farther.greedy.ask = ask_behind;
	farther.greedy.accept = accept_place;
	farther.greedy.arg = &farther;
	line_up_places(&farther);
	read_plan(&farther, plan);
	npicks = play_greedy(&farther, plan, picks);
	for (int i = 0; i < npicks && walk->ncandidates - before < ROUTE_SPARE_CANDIDATES; i++)
	{
		if (farther.is_behind[picks[i]])
			look_at(walk, farther.places[picks[i]].id, farther.places[picks[i]].distance_m);
	}
	qsort(walk->candidates, walk->ncandidates, sizeof(Candidate), compare_candidates);
	return walk->ncandidates > before;
}

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

/* Collects candidates and chooses, twice if need be; closes what that opened. */
static Shares
look_and_choose(Walk *walk)
{
	const RouteRequest *request = walk->request;
	Shares		chosen;

	retail_stock_reader_begin(&walk->reader, AccessShareLock, retail_clock_now());
	walk->has_zones = retail_table_rows(TABLE_DELIVERY_ZONE) > 0;
	if (request->has_destination)
		walk->to = retail_place(0, request->longitude, request->latitude);
	collect(walk);
	chosen = solve(walk);
	if (look_farther(walk, &chosen))
		chosen = solve(walk);
	if (walk->asks_sql)
		retail_spi_end(&walk->saved);
	retail_stock_reader_end(&walk->reader);
	return chosen;
}

static RoutePlan *
plan_service(const RouteRequest *request, ServiceInfo *service)
{
	Walk	   *walk = palloc0(sizeof(Walk));
	RoutePlan  *plan = palloc0(sizeof(RoutePlan));
	Shares		solution;
	int			parcel_of[ROUTE_MAX_CANDIDATES + ROUTE_SPARE_CANDIDATES];

	walk->request = request;
	walk->service = service;
	walk->done_beyond_m = INFINITY;
	walk->stock_first = retail_route_rank(&request->channel, ROUTE_STOCK) <
		retail_route_rank(&request->channel, ROUTE_COST);
	walk->looks_room = 64;
	walk->looks = palloc(sizeof(RouteLook) * walk->looks_room);
	sum_needs(walk);

	plan->service = *service;
	solution = look_and_choose(walk);
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

/* ----------------------------------------------------------------
 * Where one SKU is to be had
 * ----------------------------------------------------------------
 */

/* Adds a location if it has the units. */
static void
add_found(const RouteNear *near, StockReader *reader, int32 location_id, double distance_m,
		  RouteFound *found, int *n)
{
	LocationInfo location;
	SaleRule	rule;
	int64		available;

	if (!retail_master_location_by_id(location_id, &location) || !location.open)
		return;
	rule = retail_sale_rule_now(near->sku.id, location_id, near->channel.id);
	available = retail_takeable_read(reader, near->sku.id, location_id, &rule);
	if (available < near->qty)
		return;
	found[*n].location_id = location_id;
	found[*n].distance_m = distance_m;
	found[*n].available = available;
	(*n)++;
}

int
retail_route_near(const RouteNear *near, RouteFound *found)
{
	Place		from = retail_place(0, near->longitude, near->latitude);
	StockReader reader;
	RouteSource source;
	int32		location_id;
	double		distance_m;
	int			n = 0;

	retail_stock_reader_begin(&reader, AccessShareLock, near->now);
	retail_route_source_begin(&source, near->channel.source == ROUTING_LISTED ? SOURCE_LISTED : SOURCE_NETWORK,
							  &from, near->channel.id, NULL, 0);
	while (n < near->max_rows && retail_route_source_next(&source, &location_id, &distance_m))
	{
		CHECK_FOR_INTERRUPTS();
		if (near->max_m >= 0 && distance_m > near->max_m)
			break;
		add_found(near, &reader, location_id, distance_m, found, &n);
	}
	retail_route_source_end(&source);
	retail_stock_reader_end(&reader);
	return n;
}
