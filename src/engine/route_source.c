/*-------------------------------------------------------------------------
 * route_source.c
 *		Which locations to look at for an order, in which order.
 *
 * The network, its warehouses and the locations of a channel are walked over
 * indexes in memory, so a search costs what it looks at.  Those that hold a rare
 * SKU are read from their table, and the nearest sorted out.
 *
 * Rows are read with the latest snapshot, like all that routing looks at.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "places.h"
#include "route_source.h"
#include "table.h"

/* Locations that one source answers at most; a walk goes as far as its caller. */
#define MAX_WAREHOUSES 8
#define MAX_HOLDERS 64

static void *
grow(void *memory, size_t size)
{
	return memory == NULL ? palloc(size) : repalloc_huge(memory, size);
}

static void
begin_walk(RouteSource *source, const PlaceIndex *index)
{
	source->by_walk = true;
	retail_place_walk_begin(&source->walk, index, source->from, grow);
}

static void
add_location(RouteSource *source, const Places *places, int32 location_id)
{
	const Place *place = retail_places_find(places, location_id);
	PlaceNear	near = {-1, location_id};

	if (place == NULL)
		return;
	if (source->has_from)
		near.distance_m = retail_place_distance(&source->from, place);
	retail_place_near_add(source->list, &source->nlist, source->limit, near);
}

/* Who has any for sale, if nobody holds them. */
static void
list_holders(RouteSource *source, const Places *places, int32 sku_id)
{
	RetailScan	scan;
	ScanKeyData key;

	retail_key_int4(&key, 1, sku_id);
	retail_scan_begin(&scan, TABLE_STOCK, INDEX_STOCK, AccessShareLock, NULL, 1, &key);
	while (retail_scan_next(&scan))
	{
		if (retail_column_int64(TABLE_STOCK, scan.slot, STOCK_ON_HAND) >
			retail_column_int64(TABLE_STOCK, scan.slot, STOCK_UNAVAILABLE))
			add_location(source, places, retail_column_int32(TABLE_STOCK, scan.slot,
															 STOCK_LOCATION_ID));
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
}

static int
compare_int32(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* Each once, by id. */
static void
list_ids(RouteSource *source, const Places *places, const int32 *ids, int nids)
{
	int32	   *sorted = palloc(sizeof(int32) * nids);

	memcpy(sorted, ids, sizeof(int32) * nids);
	qsort(sorted, nids, sizeof(int32), compare_int32);
	for (int i = 0; i < nids; i++)
	{
		const Place *place = retail_places_find(places, sorted[i]);

		if (place == NULL || (i > 0 && sorted[i] == sorted[i - 1]))
			continue;
		source->list[source->nlist].id = sorted[i];
		source->list[source->nlist++].distance_m = source->has_from ?
			retail_place_distance(&source->from, place) : -1;
	}
	pfree(sorted);
}

void
retail_route_source_begin(RouteSource *source, RouteSourceKind kind, const Place *from, int32 of,
						  const int32 *ids, int nids)
{
	const Places *places = retail_places();

	memset(source, 0, sizeof(*source));
	source->kind = kind;
	source->has_from = from != NULL;
	if (from != NULL)
		source->from = *from;
	else if (kind != SOURCE_IDS)
		return;
	source->limit = kind == SOURCE_IDS ? nids : kind == SOURCE_WAREHOUSES ? MAX_WAREHOUSES :
		kind == SOURCE_HOLDERS ? MAX_HOLDERS : INT_MAX;
	if (kind == SOURCE_NETWORK || kind == SOURCE_WAREHOUSES || kind == SOURCE_LISTED)
	{
		begin_walk(source, kind == SOURCE_NETWORK ? &places->all :
				   kind == SOURCE_WAREHOUSES ? &places->warehouses : retail_places_listed(of));
		return;
	}
	source->list = palloc(sizeof(PlaceNear) * Max(source->limit, 1));
	if (kind == SOURCE_HOLDERS)
		list_holders(source, places, of);
	else
		list_ids(source, places, ids, nids);
	if (kind != SOURCE_IDS)
		retail_place_near_sort(source->list, source->nlist);
}

bool
retail_route_source_next(RouteSource *source, int32 *location_id, double *distance_m)
{
	if (source->given >= source->limit)
		return false;
	if (source->by_walk)
	{
		source->given++;
		return retail_place_walk_next(&source->walk, location_id, distance_m);
	}
	if (source->given >= source->nlist)
		return false;
	*location_id = source->list[source->given].id;
	*distance_m = source->list[source->given++].distance_m;
	return true;
}

void
retail_route_source_end(RouteSource *source)
{
	if (source->by_walk && source->walk.heap != NULL)
		pfree(source->walk.heap);
	if (source->list != NULL)
		pfree(source->list);
}
