/*-------------------------------------------------------------------------
 * places.c
 *		Where all locations are, in memory.
 *
 * An index over the points of retail.location, and one over its warehouses,
 * per backend: 34 to 40 bytes a location and as many a warehouse, 3.8 MB for
 * 100,000 stores.  A relcache invalidation of the table, which a statement trigger
 * sends (see master.c), empties it, and who next asks reads the table with the
 * latest snapshot and builds it: some ms for 8,500 stores, some 50 ms for 100,000.  It
 * is kept only if no invalidation arrived meanwhile.
 *
 * Beside it are indexes over the locations listed for a channel, each built
 * when first asked for.  A change of retail.channel_source empties these, one
 * of retail.location everything.
 *
 * The points are converted from their datum by the function that makes the
 * column geog, so they are what PostGIS has in its index.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "geo_datum.h"
#include "places.h"
#include "table.h"

/* What the table says, in its order. */
typedef struct Rows
{
	Place	   *places;
	int			nplaces;
	int			room;
	Place	   *warehouses;
	int			nwarehouses;
	int			warehouse_room;
} Rows;

/* The locations of a channel. */
typedef struct Listed
{
	int32		channel_id;		/* key */
	PlaceIndex	index;
} Listed;

/* More channels than this at once and they start afresh. */
#define MAX_LISTED 64

static MemoryContext places_cxt = NULL; /* NULL: not built */
static Places places;
static uint64 generation = 1;
static uint64 built = 0;

static MemoryContext listed_cxt = NULL; /* NULL: none built */
static HTAB *listed = NULL;
static uint64 listed_generation = 1;
static uint64 listed_built = 0;

static void
invalidate_places(Datum arg, Oid relid)
{
	bool		is_location = relid == InvalidOid || relid == retail_table_oid(TABLE_LOCATION);

	if (is_location)
		generation++;
	if (is_location || relid == retail_table_oid(TABLE_CHANNEL_SOURCE))
		listed_generation++;
}

void
retail_places_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_places, (Datum) 0);
}

static float8
column_float8(TupleTableSlot *slot, int col)
{
	bool		isnull;

	return DatumGetFloat8(retail_column(TABLE_LOCATION, slot, col, &isnull));
}

static Place
read_place(TupleTableSlot *slot)
{
	bool		isnull;
	text	   *name = DatumGetTextPP(retail_column(TABLE_LOCATION, slot, LOCATION_DATUM, &isnull));
	GeoPoint	point;
	GeoDatum	datum;

	point.longitude = column_float8(slot, LOCATION_LONGITUDE);
	point.latitude = column_float8(slot, LOCATION_LATITUDE);
	if (!retail_geo_datum_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &datum))
		elog(ERROR, "datum of a location is not known");
	point = retail_geo_datum_to_wgs84(point, datum);
	return retail_place(retail_column_int32(TABLE_LOCATION, slot, LOCATION_ID),
						point.longitude, point.latitude);
}

static bool
is_warehouse(TupleTableSlot *slot)
{
	static const char word[] = "warehouse";
	bool		isnull;
	text	   *kind = DatumGetTextPP(retail_column(TABLE_LOCATION, slot, LOCATION_KIND, &isnull));

	return VARSIZE_ANY_EXHDR(kind) == sizeof(word) - 1 &&
		memcmp(VARDATA_ANY(kind), word, sizeof(word) - 1) == 0;
}

static void
add_place(Place **list, int *n, int *room, Place place)
{
	if (*n == *room)
	{
		*room = Max(64, 2 * *room);
		*list = *list == NULL ? palloc(sizeof(Place) * *room) :
			repalloc_huge(*list, sizeof(Place) * (Size) *room);
	}
	(*list)[(*n)++] = place;
}

static void
read_rows(Rows *rows)
{
	Snapshot	snapshot = retail_latest_snapshot();
	RetailScan	scan;

	memset(rows, 0, sizeof(*rows));
	retail_scan_begin_all(&scan, TABLE_LOCATION, AccessShareLock, snapshot);
	while (retail_scan_next(&scan))
	{
		Place		place = read_place(scan.slot);

		add_place(&rows->places, &rows->nplaces, &rows->room, place);
		if (is_warehouse(scan.slot))
			add_place(&rows->warehouses, &rows->nwarehouses, &rows->warehouse_room, place);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
	UnregisterSnapshot(snapshot);
}

static void
build_index(MemoryContext cxt, PlaceIndex *index, const Place *given, int nplaces)
{
	Place	   *own = MemoryContextAllocHuge(cxt, sizeof(Place) * (Size) Max(nplaces, 1));
	PlaceBox   *boxes = MemoryContextAllocHuge(cxt, sizeof(PlaceBox) *
											   (Size) retail_place_index_boxes(nplaces));
	void	   *work = MemoryContextAllocHuge(CurrentMemoryContext,
											  Max(retail_place_index_work_size(nplaces), 1));

	retail_place_index_build(index, given, nplaces, own, boxes, work);
	pfree(work);
}

static int
compare_ids(const void *a, const void *b)
{
	int32		x = places.all.places[*(const int32 *) a].id;
	int32		y = places.all.places[*(const int32 *) b].id;

	return x < y ? -1 : x > y;
}

static void
build_by_id(void)
{
	int			n = places.all.nplaces;

	places.by_id = MemoryContextAllocHuge(places_cxt, sizeof(int32) * (Size) Max(n, 1));
	for (int i = 0; i < n; i++)
		places.by_id[i] = i;
	qsort(places.by_id, n, sizeof(int32), compare_ids);
}

static void
build_places(void)
{
	uint64		reading = generation;
	MemoryContext work_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail places read",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work_cxt);
	Rows		rows;

	if (places_cxt != NULL)
		MemoryContextDelete(places_cxt);
	places_cxt = NULL;
	read_rows(&rows);
	places_cxt = AllocSetContextCreate(CacheMemoryContext, "pg_retail places",
									   ALLOCSET_DEFAULT_SIZES);
	built = reading - 1;
	build_index(places_cxt, &places.all, rows.places, rows.nplaces);
	build_index(places_cxt, &places.warehouses, rows.warehouses, rows.nwarehouses);
	build_by_id();
	built = reading;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work_cxt);
}

const Places *
retail_places(void)
{
	if (places_cxt == NULL || built != generation)
		build_places();
	return &places;
}

const Place *
retail_places_find(const Places *of, int32 location_id)
{
	int			low = 0;
	int			high = of->all.nplaces;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const Place *place = &of->all.places[of->by_id[middle]];

		if (place->id == location_id)
			return place;
		if (place->id < location_id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ----------------------------------------------------------------
 * The locations of a channel
 * ----------------------------------------------------------------
 */

static void
empty_listed(void)
{
	HASHCTL		info = {.keysize = sizeof(int32), .entrysize = sizeof(Listed)};

	if (listed_cxt != NULL)
		MemoryContextDelete(listed_cxt);
	listed_cxt = NULL;
	listed_cxt = AllocSetContextCreate(CacheMemoryContext, "pg_retail places listed",
									   ALLOCSET_SMALL_SIZES);
	info.hcxt = listed_cxt;
	listed_built = listed_generation - 1;
	listed = hash_create("pg_retail places listed", MAX_LISTED, &info,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	listed_built = listed_generation;
}

static int
read_listed(const Places *of, int32 channel_id, Place **found)
{
	RetailScan	scan;
	ScanKeyData key;
	int			n = 0;
	int			room = 0;

	retail_key_int4(&key, 1, channel_id);
	retail_scan_begin(&scan, TABLE_CHANNEL_SOURCE, INDEX_CHANNEL_SOURCE, AccessShareLock, NULL, 1, &key);
	while (retail_scan_next(&scan))
	{
		const Place *place = retail_places_find(of, retail_column_int32(TABLE_CHANNEL_SOURCE, scan.slot,
																		CHANNEL_SOURCE_LOCATION_ID));

		if (place != NULL)
			add_place(found, &n, &room, *place);
		CHECK_FOR_INTERRUPTS();
	}
	retail_scan_end(&scan);
	return n;
}

static PlaceIndex
build_listed(const Places *of, int32 channel_id)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail places of a channel",
											  ALLOCSET_SMALL_SIZES);
	Place	   *found = NULL;
	int			n = read_listed(of, channel_id, &found);
	PlaceIndex	index;

	build_index(cxt, &index, found, n);
	if (found != NULL)
		pfree(found);
	/* an error up to here takes it along; from here on it lives with the others */
	MemoryContextSetParent(cxt, listed_cxt);
	return index;
}

const PlaceIndex *
retail_places_listed(int32 channel_id)
{
	const Places *of = retail_places();
	Listed	   *entry;
	PlaceIndex	index;

	if (listed_cxt == NULL || listed_built != listed_generation)
		empty_listed();
	entry = hash_search(listed, &channel_id, HASH_FIND, NULL);
	if (entry != NULL)
		return &entry->index;
	if (hash_get_num_entries(listed) >= MAX_LISTED)
		empty_listed();
	index = build_listed(of, channel_id);
	entry = hash_search(listed, &channel_id, HASH_ENTER, NULL);
	entry->index = index;
	return &entry->index;
}
