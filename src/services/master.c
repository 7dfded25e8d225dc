/*-------------------------------------------------------------------------
 * master.c
 *		Master data as the hot paths see it: codes, ids, and who may sell.
 *
 * Four tables of a few thousand rows (SKUs, locations, channels with their
 * routing, services) and two of rules (listing, safety_stock) are read through
 * index scans with the latest snapshot and kept per backend.  A statement
 * trigger on each table sends a relcache invalidation, which empties the cache
 * here: at commit for the other sessions, at once for the one that wrote, and
 * again when that one aborts, so that an entry made from uncommitted rows dies
 * with them.  An entry is kept only if no invalidation arrived while it was
 * read.
 *
 * Look-ups return copies: a trigger may call back in the middle of a write
 * and find the caches emptied.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "master.h"
#include "opening_hours_json.h"
#include "table.h"

/* More entries than this in one cache and it starts afresh. */
#define CACHE_LIMIT 200000

typedef enum EntityKind
{
	KIND_SKU,
	KIND_LOCATION,
	KIND_CHANNEL,
	KIND_SERVICE,
	KIND_COUNT
} EntityKind;

typedef struct Entity
{
	int32		id;
	int			code_len;
	char	   *code;
	union
	{
		SkuInfo		sku;
		LocationInfo location;
		ChannelInfo channel;
		ServiceInfo service;
	}			info;

	/* of a location */
	pg_tz	   *tz;
	OpeningHours *hours;		/* NULL: always open */
	int			nservices;		/* 0: offers every one */
	text	  **services;
} Entity;

/* Two codes with one hash share a bucket of the by-code table. */
typedef struct CodeEntry
{
	uint64		hash;			/* key */
	Entity	   *entity;
} CodeEntry;

typedef struct IdEntry
{
	int32		id;				/* key */
	Entity	   *entity;
} IdEntry;

typedef struct EntityCache
{
	MemoryContext cxt;			/* NULL: empty */
	HTAB	   *by_code;
	HTAB	   *by_id;
	uint64		generation;		/* moved by each invalidation */
	uint64		built;			/* generation the content belongs to */
} EntityCache;

typedef struct RuleKey
{
	int32		sku_id;
	int32		location_id;
	int32		channel_id;
} RuleKey;

typedef struct RuleEntry
{
	RuleKey		key;
	SaleRule	rule;
} RuleEntry;

static const RetailTableId kind_table[KIND_COUNT] = {
	TABLE_SKU, TABLE_LOCATION, TABLE_CHANNEL, TABLE_SERVICE
};
static const RetailIndexId kind_code_index[KIND_COUNT] = {
	INDEX_SKU_CODE, INDEX_LOCATION_CODE, INDEX_CHANNEL_CODE, INDEX_SERVICE_CODE
};
static const RetailIndexId kind_id_index[KIND_COUNT] = {
	INDEX_SKU_ID, INDEX_LOCATION_ID, INDEX_CHANNEL_ID, INDEX_SERVICE_ID
};

static EntityCache entity_cache[KIND_COUNT];

static int32 *channel_ids = NULL;
static int	nchannels = 0;
static uint64 channels_built;

static HTAB *rules = NULL;
static uint64 rules_generation = 1;
static uint64 rules_built = 0;
static bool listing_empty;
static bool safety_empty;
static bool safety_general;		/* some rule is for every SKU */
static bool safety_by_sku;		/* some rule names a SKU */

static void
invalidate_master(Datum arg, Oid relid)
{
	bool		all = relid == InvalidOid;

	for (int kind = 0; kind < KIND_COUNT; kind++)
	{
		if (all || relid == retail_table_oid(kind_table[kind]))
			entity_cache[kind].generation++;
	}
	if (relid == retail_table_oid(TABLE_CHANNEL_ROUTING))
		entity_cache[KIND_CHANNEL].generation++;
	if (all || relid == retail_table_oid(TABLE_LISTING) ||
		relid == retail_table_oid(TABLE_SAFETY_STOCK))
		rules_generation++;
}

void
retail_master_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_master, (Datum) 0);
}

/* ----------------------------------------------------------------
 * SKUs, locations, channels, services
 * ----------------------------------------------------------------
 */

static void
fresh_cache(EntityCache *cache)
{
	HASHCTL		ctl;

	if (cache->cxt != NULL && cache->built == cache->generation &&
		hash_get_num_entries(cache->by_id) < CACHE_LIMIT)
		return;
	if (cache->cxt != NULL)
		MemoryContextDelete(cache->cxt);
	cache->cxt = NULL;
	cache->built = cache->generation - 1;
	cache->cxt = AllocSetContextCreate(CacheMemoryContext,
									   "pg_retail master data",
									   ALLOCSET_DEFAULT_SIZES);
	memset(&ctl, 0, sizeof(ctl));
	ctl.hcxt = cache->cxt;
	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(CodeEntry);
	cache->by_code = hash_create("pg_retail codes", 256, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.keysize = sizeof(int32);
	ctl.entrysize = sizeof(IdEntry);
	cache->by_id = hash_create("pg_retail ids", 256, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cache->built = cache->generation;
}

static int64
interval_us(Interval *span)
{
	return span->time + ((int64) span->month * DAYS_PER_MONTH + span->day) * USECS_PER_DAY;
}

/* An interval column in microseconds, 0 for NULL. */
static int64
column_us(RetailTableId table, RetailScan *scan, int col)
{
	bool		isnull;
	Datum		span = retail_column(table, scan->slot, col, &isnull);

	return isnull ? 0 : interval_us(DatumGetIntervalP(span));
}

static bool
column_is(RetailTableId table, RetailScan *scan, int col, const char *word)
{
	bool		isnull;

	return strcmp(TextDatumGetCString(retail_column(table, scan->slot, col, &isnull)), word) == 0;
}

static void
read_sku(RetailScan *scan, SkuInfo *sku)
{
	bool		isnull;

	sku->shelf_life_days = retail_column_int32(TABLE_SKU, scan->slot, SKU_SHELF_LIFE_DAYS);
	sku->price_per = retail_column_int64(TABLE_SKU, scan->slot, SKU_PRICE_PER);
	sku->lot_tracked = DatumGetBool(retail_column(TABLE_SKU, scan->slot, SKU_LOT_TRACKED, &isnull));
	sku->active = column_is(TABLE_SKU, scan, SKU_STATUS, "active");
}

static pg_tz *
read_zone(RetailScan *scan)
{
	bool		isnull;
	char	   *zone = TextDatumGetCString(retail_column(TABLE_LOCATION, scan->slot,
														 LOCATION_TIME_ZONE, &isnull));
	pg_tz	   *tz = pg_tzset(zone);

	if (tz == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" of a location is not known to this server", zone)));
	return tz;
}

static OpeningHours *
read_hours(RetailScan *scan)
{
	bool		isnull;
	Datum		json = retail_column(TABLE_LOCATION, scan->slot, LOCATION_OPENING_HOURS, &isnull);
	OpeningHours *hours;
	char	   *fault;

	if (isnull)
		return NULL;
	hours = retail_opening_hours_parse(DatumGetJsonbP(json), CurrentMemoryContext, &fault);
	if (hours == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("opening hours of a location are not valid"),
				 errdetail("%s.", fault)));
	return hours;
}

static void
read_services(RetailScan *scan, Entity *entity)
{
	bool		isnull;
	Datum		array = retail_column(TABLE_LOCATION, scan->slot, LOCATION_SERVICES, &isnull);
	Datum	   *codes;
	bool	   *nulls;

	/* not pass-by-value, so the elements point into a copy of our own */
	deconstruct_array(DatumGetArrayTypePCopy(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &codes, &nulls, &entity->nservices);
	entity->services = (text **) codes;
	for (int i = 0; i < entity->nservices; i++)
	{
		if (nulls[i])
			entity->services[i] = NULL;
	}
}

static float8
column_number(RetailTableId table, RetailScan *scan, int col)
{
	bool		isnull;
	Datum		value = retail_column(table, scan->slot, col, &isnull);

	return isnull ? 0 : DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));
}

static void
read_location(RetailScan *scan, Entity *entity)
{
	LocationInfo *location = &entity->info.location;
	bool		isnull;
	Datum		capacity = retail_column(TABLE_LOCATION, scan->slot,
										 LOCATION_DAILY_CAPACITY, &isnull);

	location->daily_capacity = isnull ? -1 : DatumGetInt32(capacity);
	location->keep_last = DatumGetBool(retail_column(TABLE_LOCATION, scan->slot,
													 LOCATION_KEEP_LAST, &isnull));
	location->accepts_returns = DatumGetBool(retail_column(TABLE_LOCATION, scan->slot,
														   LOCATION_ACCEPTS_RETURNS, &isnull));
	location->handling_cost = column_number(TABLE_LOCATION, scan, LOCATION_HANDLING_COST);
	location->open = column_is(TABLE_LOCATION, scan, LOCATION_STATUS, "open");
	entity->tz = read_zone(scan);
	entity->hours = read_hours(scan);
	read_services(scan, entity);
}

static RoutingSource
read_source(RetailScan *scan)
{
	if (column_is(TABLE_CHANNEL_ROUTING, scan, CHANNEL_ROUTING_SOURCE, "listed"))
		return ROUTING_LISTED;
	if (column_is(TABLE_CHANNEL_ROUTING, scan, CHANNEL_ROUTING_SOURCE, "own"))
		return ROUTING_OWN;
	return ROUTING_NETWORK;
}

static const char *const criterion_name[ROUTE_CRITERIA] = {
	[ROUTE_LINES] = "lines",
	[ROUTE_PROMISE] = "promise",
	[ROUTE_PARCELS] = "parcels",
	[ROUTE_COST] = "cost",
	[ROUTE_STOCK] = "stock",
};

static RouteCriterion
criterion_by_name(const text *name)
{
	for (int i = 0; i < ROUTE_CRITERIA; i++)
	{
		if (VARSIZE_ANY_EXHDR(name) == strlen(criterion_name[i]) &&
			memcmp(VARDATA_ANY(name), criterion_name[i], strlen(criterion_name[i])) == 0)
			return (RouteCriterion) i;
	}
	elog(ERROR, "an objective names something else than a criterion");
}

/* A permutation of the names: the table checks it. */
static void
read_objective(RetailScan *scan, ChannelInfo *channel)
{
	bool		isnull;
	Datum		array = retail_column(TABLE_CHANNEL_ROUTING, scan->slot,
									  CHANNEL_ROUTING_OBJECTIVE, &isnull);
	Datum	   *names;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &n);
	for (int i = 0; i < Min(n, ROUTE_CRITERIA); i++)
		channel->objective[i] = criterion_by_name(DatumGetTextPP(names[i]));
}

void
retail_master_default_routing(ChannelInfo *channel)
{
	channel->source = ROUTING_NETWORK;
	channel->max_parcels = 0;
	channel->no_split = false;
	for (int i = 0; i < ROUTE_CRITERIA; i++)
		channel->objective[i] = (RouteCriterion) i;
	channel->cost_per_km = 1;
	channel->load_cost = 0;
}

/* The routing of a channel is a row beside it; without one it has defaults. */
static void
read_routing(ChannelInfo *channel)
{
	RetailScan	scan;
	ScanKeyData key;
	bool		isnull;

	retail_master_default_routing(channel);
	retail_key_int4(&key, 1, channel->id);
	retail_scan_begin(&scan, TABLE_CHANNEL_ROUTING, INDEX_CHANNEL_ROUTING,
					  AccessShareLock, NULL, 1, &key);
	if (retail_scan_next(&scan))
	{
		channel->source = read_source(&scan);
		channel->max_parcels = retail_column_int32(TABLE_CHANNEL_ROUTING, scan.slot,
												   CHANNEL_ROUTING_MAX_PARCELS);
		channel->no_split = DatumGetBool(retail_column(TABLE_CHANNEL_ROUTING, scan.slot,
													   CHANNEL_ROUTING_NO_SPLIT, &isnull));
		read_objective(&scan, channel);
		channel->cost_per_km = column_number(TABLE_CHANNEL_ROUTING, &scan, CHANNEL_ROUTING_COST_PER_KM);
		channel->load_cost = column_number(TABLE_CHANNEL_ROUTING, &scan, CHANNEL_ROUTING_LOAD_COST);
	}
	retail_scan_end(&scan);
}

static void
read_channel(RetailScan *scan, ChannelInfo *channel)
{
	channel->hold_ttl_us = column_us(TABLE_CHANNEL, scan, CHANNEL_HOLD_TTL);
	channel->open = column_is(TABLE_CHANNEL, scan, CHANNEL_STATUS, "open");
}

static bool
column_time(RetailScan *scan, int col, int64 *time_us)
{
	bool		isnull;
	Datum		value = retail_column(TABLE_SERVICE, scan->slot, col, &isnull);

	*time_us = isnull ? 0 : DatumGetTimeADT(value);
	return !isnull;
}

static void
read_service(RetailScan *scan, ServiceInfo *service)
{
	bool		isnull;
	Datum		max_km = retail_column(TABLE_SERVICE, scan->slot, SERVICE_MAX_KM, &isnull);

	service->max_m = isnull ? -1 : DatumGetFloat8(max_km) * 1000;
	service->pickup = column_is(TABLE_SERVICE, scan, SERVICE_KIND, "pickup");
	service->allow_late = DatumGetBool(retail_column(TABLE_SERVICE, scan->slot,
													 SERVICE_ALLOW_LATE, &isnull));
	service->has_deliver_by = column_time(scan, SERVICE_DELIVER_BY, &service->deliver_by_us);
	service->has_cut_off = column_time(scan, SERVICE_CUT_OFF, &service->cut_off_us);
	service->lead_us = column_us(TABLE_SERVICE, scan, SERVICE_LEAD_TIME);
	service->accept_us = column_us(TABLE_SERVICE, scan, SERVICE_ACCEPT_WITHIN);
	service->collect_us = column_us(TABLE_SERVICE, scan, SERVICE_COLLECT_WITHIN);
}

/* Fills an entity from the row in the scan; memory in the current context. */
static Entity *
read_entity(EntityKind kind, RetailScan *scan)
{
	RetailTableId table = kind_table[kind];
	Entity	   *entity = palloc0(sizeof(Entity));
	bool		isnull;
	text	   *code;

	/* id and code stand first in each of the four column lists */
	StaticAssertStmt((int) SKU_ID == (int) LOCATION_ID &&
					 (int) SKU_ID == (int) CHANNEL_ID &&
					 (int) SKU_ID == (int) SERVICE_ID &&
					 (int) SKU_CODE == (int) LOCATION_CODE &&
					 (int) SKU_CODE == (int) CHANNEL_CODE &&
					 (int) SKU_CODE == (int) SERVICE_CODE,
					 "id and code columns differ");
	entity->id = retail_column_int32(table, scan->slot, SKU_ID);
	code = DatumGetTextPP(retail_column(table, scan->slot, SKU_CODE, &isnull));
	entity->code_len = VARSIZE_ANY_EXHDR(code);
	entity->code = palloc(entity->code_len);
	memcpy(entity->code, VARDATA_ANY(code), entity->code_len);

	/* the id stands first in each of the infos */
	entity->info.sku.id = entity->id;
	switch (kind)
	{
		case KIND_SKU:
			read_sku(scan, &entity->info.sku);
			break;
		case KIND_LOCATION:
			read_location(scan, entity);
			break;
		case KIND_CHANNEL:
			read_channel(scan, &entity->info.channel);
			break;
		case KIND_SERVICE:
			read_service(scan, &entity->info.service);
			break;
		case KIND_COUNT:
			break;
	}
	return entity;
}

/*
 * Reads by one index.  A row found while no invalidation came in is kept, and
 * the pointer is good until the cache is next asked for anything.
 */
static Entity *
load_entity(EntityKind kind, RetailIndexId index, ScanKey key)
{
	EntityCache *cache = &entity_cache[kind];
	uint64		generation = cache->generation;
	MemoryContext old_cxt;
	RetailScan	scan;
	Entity	   *entity = NULL;

	retail_scan_begin(&scan, kind_table[kind], index, AccessShareLock, NULL, 1, key);
	if (retail_scan_next(&scan))
	{
		old_cxt = MemoryContextSwitchTo(cache->cxt);
		entity = read_entity(kind, &scan);
		MemoryContextSwitchTo(old_cxt);
	}
	retail_scan_end(&scan);
	if (entity != NULL && kind == KIND_CHANNEL)
		read_routing(&entity->info.channel);
	if (entity != NULL && generation == cache->generation)
	{
		uint64		hash = hash_bytes_extended((unsigned char *) entity->code,
											   entity->code_len, 0);
		CodeEntry  *by_code = hash_search(cache->by_code, &hash, HASH_ENTER, NULL);
		IdEntry    *by_id;

		by_code->entity = entity;
		by_id = hash_search(cache->by_id, &entity->id, HASH_ENTER, NULL);
		by_id->entity = entity;
	}
	return entity;
}

static Entity *
find_by_code(EntityKind kind, text *code)
{
	EntityCache *cache = &entity_cache[kind];
	int			len = VARSIZE_ANY_EXHDR(code);
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(code), len, 0);
	CodeEntry  *entry;
	ScanKeyData key;

	fresh_cache(cache);
	entry = hash_search(cache->by_code, &hash, HASH_FIND, NULL);
	if (entry != NULL && entry->entity->code_len == len &&
		memcmp(entry->entity->code, VARDATA_ANY(code), len) == 0)
		return entry->entity;
	retail_key_text(&key, 1, PointerGetDatum(code));
	return load_entity(kind, kind_code_index[kind], &key);
}

static Entity *
find_by_id(EntityKind kind, int32 id)
{
	EntityCache *cache = &entity_cache[kind];
	IdEntry    *entry;
	ScanKeyData key;

	fresh_cache(cache);
	entry = hash_search(cache->by_id, &id, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->entity;
	retail_key_int4(&key, 1, id);
	return load_entity(kind, kind_id_index[kind], &key);
}

/* A code as a message shows it: whole characters, not ten kilobytes of them. */
static char *
code_for_message(Datum code)
{
	char	   *s = TextDatumGetCString(code);
	int			len = strlen(s);

	return len <= 60 ? s : psprintf("%s...", pnstrdup(s, pg_mbcliplen(s, len, 60)));
}

SkuInfo
retail_master_sku(Datum code)
{
	Entity	   *entity = find_by_code(KIND_SKU, DatumGetTextPP(code));

	if (entity == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_SKU),
				 errmsg("unknown SKU \"%s\"", code_for_message(code)),
				 errhint("SKUs are rows of retail.sku; their code is what is asked for here.")));
	return entity->info.sku;
}

LocationInfo
retail_master_location(Datum code)
{
	Entity	   *entity = find_by_code(KIND_LOCATION, DatumGetTextPP(code));

	if (entity == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_LOCATION),
				 errmsg("unknown location \"%s\"", code_for_message(code)),
				 errhint("Locations are rows of retail.location; their code is what is asked for here.")));
	return entity->info.location;
}

ChannelInfo
retail_master_channel(Datum code)
{
	Entity	   *entity = find_by_code(KIND_CHANNEL, DatumGetTextPP(code));

	if (entity == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_CHANNEL),
				 errmsg("unknown channel \"%s\"", code_for_message(code)),
				 errhint("Channels are rows of retail.channel; their code is what is asked for here.")));
	return entity->info.channel;
}

/* A copy of what is known of a service, with its code in our context. */
static ServiceInfo
copy_service(Entity *entity)
{
	ServiceInfo service = entity->info.service;

	service.code = PointerGetDatum(cstring_to_text_with_len(entity->code, entity->code_len));
	return service;
}

ServiceInfo
retail_master_service(Datum code)
{
	Entity	   *entity = find_by_code(KIND_SERVICE, DatumGetTextPP(code));

	if (entity == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_SERVICE),
				 errmsg("unknown service \"%s\"", code_for_message(code)),
				 errhint("Services are rows of retail.service; their code is what is asked for here.")));
	return copy_service(entity);
}

bool
retail_master_sku_by_id(int32 id, SkuInfo *info)
{
	Entity	   *entity = find_by_id(KIND_SKU, id);

	if (entity == NULL)
		return false;
	*info = entity->info.sku;
	return true;
}

bool
retail_master_location_by_id(int32 id, LocationInfo *info)
{
	Entity	   *entity = find_by_id(KIND_LOCATION, id);

	if (entity == NULL)
		return false;
	*info = entity->info.location;
	return true;
}

bool
retail_master_channel_by_id(int32 id, ChannelInfo *info)
{
	Entity	   *entity = find_by_id(KIND_CHANNEL, id);

	if (entity == NULL)
		return false;
	*info = entity->info.channel;
	return true;
}

bool
retail_master_service_by_id(int32 id, ServiceInfo *info)
{
	Entity	   *entity = find_by_id(KIND_SERVICE, id);

	if (entity == NULL)
		return false;
	*info = copy_service(entity);
	return true;
}

static Datum
code_of(EntityKind kind, int32 id, bool *isnull)
{
	Entity	   *entity = find_by_id(kind, id);

	*isnull = entity == NULL;
	if (entity == NULL)
		return (Datum) 0;
	return PointerGetDatum(cstring_to_text_with_len(entity->code, entity->code_len));
}

Datum
retail_master_sku_code(int32 id, bool *isnull)
{
	return code_of(KIND_SKU, id, isnull);
}

Datum
retail_master_location_code(int32 id, bool *isnull)
{
	return code_of(KIND_LOCATION, id, isnull);
}

Datum
retail_master_channel_code(int32 id, bool *isnull)
{
	return code_of(KIND_CHANNEL, id, isnull);
}

int
retail_master_services(int32 **ids)
{
	RetailScan	scan;
	ScanKeyData key;

	retail_key_null(&key, 1, false);
	retail_scan_begin(&scan, TABLE_SERVICE, INDEX_SERVICE_ID, AccessShareLock, NULL, 1, &key);
	return retail_scan_int32s(&scan, SERVICE_ID, CurrentMemoryContext, ids);
}

Datum
retail_master_service_code(int32 id, bool *isnull)
{
	return code_of(KIND_SERVICE, id, isnull);
}

bool
retail_master_offers(int32 location_id, Datum service_code)
{
	Entity	   *entity = find_by_id(KIND_LOCATION, location_id);
	text	   *code = DatumGetTextPP(service_code);
	Size		len = VARSIZE_ANY_EXHDR(code);

	if (entity == NULL)
		return false;
	for (int i = 0; i < entity->nservices; i++)
	{
		text	   *offered = entity->services[i];

		if (offered != NULL && VARSIZE_ANY_EXHDR(offered) == len &&
			memcmp(VARDATA_ANY(offered), VARDATA_ANY(code), len) == 0)
			return true;
	}
	return entity->nservices == 0;
}

/* ----------------------------------------------------------------
 * Local time and opening hours
 * ----------------------------------------------------------------
 */

static pg_tz *
zone_of(int32 location_id)
{
	Entity	   *entity = find_by_id(KIND_LOCATION, location_id);

	return entity != NULL ? entity->tz : session_timezone;
}

/*
 * The instant of a local time, as AT TIME ZONE has it: one that the clock
 * jumps over is as if it had not been put forward yet, of two alike the later.
 */
static TimestampTz
instant_of(pg_tz *tz, DateADT day, int64 time_us)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;

	if (time_us >= USECS_PER_DAY)
	{
		day += time_us / USECS_PER_DAY;
		time_us %= USECS_PER_DAY;
	}
	memset(&tm, 0, sizeof(tm));
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	dt2time(time_us, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &fsec);
	offset = DetermineTimeZoneOffset(&tm, tz);
	return (Timestamp) day * USECS_PER_DAY + time_us + (int64) offset * USECS_PER_SEC;
}

TimestampTz
retail_master_instant(int32 location_id, DateADT day, int64 time_us)
{
	if (DATE_NOT_FINITE(day))
		return DATE_IS_NOBEGIN(day) ? DT_NOBEGIN : DT_NOEND;
	return instant_of(zone_of(location_id), day, time_us);
}

TimestampTz
retail_master_day_begins(int32 location_id, DateADT day)
{
	return retail_master_instant(location_id, day, 0);
}

static DateADT
local_date(pg_tz *tz, TimestampTz at, int64 *time_us)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;

	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, &offset, &tm, &fsec, NULL, tz) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	if (time_us != NULL)
		*time_us = ((tm.tm_hour * MINS_PER_HOUR + tm.tm_min) * SECS_PER_MINUTE +
					tm.tm_sec) * USECS_PER_SEC + fsec;
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

DateADT
retail_master_date_at(int32 location_id, TimestampTz at)
{
	return local_date(zone_of(location_id), at, NULL);
}

DateADT
retail_master_date_and_time_at(int32 location_id, TimestampTz at, int64 *time_us)
{
	return local_date(zone_of(location_id), at, time_us);
}

/* The clock that the pure part of opening hours asks: see opening_hours.h. */
static int64
hours_clock(void *zone, int32 day, int minute)
{
	TimestampTz at;

	/* at the end of time, where a week more is no longer a timestamp */
	if (day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE - 2)
		return OPENING_NEVER;
	at = instant_of((pg_tz *) zone, day, minute * USECS_PER_MINUTE);
	return IS_VALID_TIMESTAMP(at) ? at : OPENING_NEVER;
}

bool
retail_master_open_at(int32 location_id, TimestampTz at)
{
	Entity	   *entity = find_by_id(KIND_LOCATION, location_id);

	if (entity == NULL)
		return false;
	if (entity->hours == NULL)
		return true;
	return retail_opening_hours_is_open(entity->hours, at, local_date(entity->tz, at, NULL),
										hours_clock, entity->tz);
}

TimestampTz
retail_master_next_opening(int32 location_id, TimestampTz at)
{
	Entity	   *entity = find_by_id(KIND_LOCATION, location_id);

	StaticAssertStmt(OPENING_NEVER == DT_NOEND, "never is not the end of time");
	if (entity == NULL)
		return DT_NOEND;
	if (entity->hours == NULL)
		return at;
	return retail_opening_hours_next(entity->hours, at, local_date(entity->tz, at, NULL),
									 hours_clock, entity->tz);
}

/* ----------------------------------------------------------------
 * Listings and safety stock
 *
 * Resolved most specific first: a SKU named weighs more than a location, a
 * location more than a channel.
 * ----------------------------------------------------------------
 */

static bool
any_row(RetailTableId table, RetailIndexId index, bool sku_is_null)
{
	RetailScan	scan;
	ScanKeyData key;
	bool		found;

	retail_key_null(&key, 1, sku_is_null);
	retail_scan_begin(&scan, table, index, AccessShareLock, NULL, 1, &key);
	found = retail_scan_next(&scan);
	retail_scan_end(&scan);
	return found;
}

/* Most chains have few rules: learn what kinds there are before probing. */
static void
fresh_rules(void)
{
	HASHCTL		ctl;

	if (rules != NULL && rules_built == rules_generation &&
		hash_get_num_entries(rules) < CACHE_LIMIT)
		return;
	if (rules != NULL)
		hash_destroy(rules);
	rules = NULL;
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(RuleKey);
	ctl.entrysize = sizeof(RuleEntry);
	rules = hash_create("pg_retail sale rules", 256, &ctl, HASH_ELEM | HASH_BLOBS);
	rules_built = rules_generation;
	listing_empty = !any_row(TABLE_LISTING, INDEX_LISTING_SCOPE, false);
	safety_general = any_row(TABLE_SAFETY_STOCK, INDEX_SAFETY_STOCK_SCOPE, true);
	safety_by_sku = any_row(TABLE_SAFETY_STOCK, INDEX_SAFETY_STOCK_SCOPE, false);
	safety_empty = !safety_general && !safety_by_sku;
}

static void
scope_key(ScanKey key, AttrNumber attno, bool named, int32 id)
{
	if (named)
		retail_key_int4(key, attno, id);
	else
		retail_key_null(key, attno, true);
}

/* Opens the scan for one scope and returns whether it has a row. */
static bool
find_scope(RetailScan *scan, RetailTableId table, RetailIndexId index,
		   const RuleKey *key, int scope)
{
	ScanKeyData keys[3];

	scope_key(&keys[0], 1, (scope & 4) != 0, key->sku_id);
	scope_key(&keys[1], 2, (scope & 2) != 0, key->location_id);
	scope_key(&keys[2], 3, (scope & 1) != 0, key->channel_id);
	retail_scan_begin(scan, table, index, AccessShareLock, NULL, 3, keys);
	if (retail_scan_next(scan))
		return true;
	retail_scan_end(scan);
	return false;
}

static void
read_listing(const RuleKey *key, SaleRule *rule)
{
	RetailScan	scan;

	for (int scope = 7; scope >= 4; scope--)
	{
		bool		isnull;
		Datum		status;

		if (!find_scope(&scan, TABLE_LISTING, INDEX_LISTING_SCOPE, key, scope))
			continue;
		status = retail_column(TABLE_LISTING, scan.slot, LISTING_STATUS, &isnull);
		rule->on_sale = strcmp(TextDatumGetCString(status), "on_sale") == 0;
		retail_scan_end(&scan);
		return;
	}
}

static int32
percent_bp(Datum percent)
{
	Datum		bp = DirectFunctionCall2(numeric_mul, percent,
										 DirectFunctionCall1(int4_numeric, Int32GetDatum(100)));

	return DatumGetInt32(DirectFunctionCall1(numeric_int4, bp));
}

static void
read_safety(const RuleKey *key, SaleRule *rule)
{
	RetailScan	scan;

	for (int scope = 7; scope >= 0; scope--)
	{
		bool		isnull;
		Datum		percent;

		if (!((scope & 4) != 0 ? safety_by_sku : safety_general))
			continue;
		if (!find_scope(&scan, TABLE_SAFETY_STOCK, INDEX_SAFETY_STOCK_SCOPE, key, scope))
			continue;
		percent = retail_column(TABLE_SAFETY_STOCK, scan.slot, SAFETY_STOCK_PERCENT, &isnull);
		if (isnull)
			rule->floor_qty = retail_column_int64(TABLE_SAFETY_STOCK, scan.slot, SAFETY_STOCK_QTY);
		else
			rule->floor_bp = percent_bp(percent);
		retail_scan_end(&scan);
		return;
	}
}

SaleRule
retail_sale_rule(int32 sku_id, int32 location_id, int32 channel_id)
{
	SaleRule	rule = {true, 0, -1};
	RuleKey		key = {sku_id, location_id, channel_id};
	RuleEntry  *entry;
	uint64		generation;

	if (channel_id == 0)
		return rule;
	fresh_rules();
	if (listing_empty && safety_empty)
		return rule;
	entry = hash_search(rules, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->rule;

	generation = rules_generation;
	if (!listing_empty)
		read_listing(&key, &rule);
	if (!safety_empty)
		read_safety(&key, &rule);
	if (generation == rules_generation && rules_built == generation)
	{
		entry = hash_search(rules, &key, HASH_ENTER, NULL);
		entry->rule = rule;
	}
	return rule;
}

SaleRule
retail_sale_rule_now(int32 sku_id, int32 location_id, int32 channel_id)
{
	SaleRule	rule = retail_sale_rule(sku_id, location_id, channel_id);
	SkuInfo		sku;
	LocationInfo location;
	ChannelInfo channel;

	if (channel_id != 0 &&
		!(retail_master_sku_by_id(sku_id, &sku) && sku.active &&
		  retail_master_location_by_id(location_id, &location) && location.open &&
		  retail_master_channel_by_id(channel_id, &channel) && channel.open))
		rule.on_sale = false;
	return rule;
}

int64
retail_sale_floor(const SaleRule *rule, int64 physical)
{
	if (rule->floor_bp < 0)
		return rule->floor_qty;
	if (physical <= 0)
		return 0;

	/* ceil(physical * bp / 10000) without overflow: split off whole 10,000s */
	return physical / 10000 * rule->floor_bp +
		((physical % 10000) * rule->floor_bp + 9999) / 10000;
}

/*
 * Channel ids, kept with the rules: whoever adds a channel invalidates them.
 */
static int
read_channels(int32 **ids)
{
	RetailScan	scan;
	ScanKeyData key;

	retail_key_null(&key, 1, false);
	retail_scan_begin(&scan, TABLE_CHANNEL, INDEX_CHANNEL_ID, AccessShareLock, NULL, 1, &key);
	return retail_scan_int32s(&scan, CHANNEL_ID, CacheMemoryContext, ids);
}

static void
fresh_channels(void)
{
	uint64		generation = entity_cache[KIND_CHANNEL].generation;
	int32	   *ids;
	int			n;

	if (channel_ids != NULL && channels_built == generation)
		return;
	n = read_channels(&ids);
	if (channel_ids != NULL)
		pfree(channel_ids);
	channel_ids = ids;
	nchannels = n;
	channels_built = generation;
}

int64
retail_sellable_floor(int32 sku_id, int32 location_id, int64 physical,
					  int64 avail, bool *all)
{
	int64		largest = 0;
	int64		sellable = -1;

	fresh_rules();
	fresh_channels();
	if (safety_empty || nchannels == 0)
	{
		*all = avail > 0;
		return avail > 0 ? 0 : -1;
	}
	for (int i = 0; i < nchannels; i++)
	{
		SaleRule	rule = retail_sale_rule(sku_id, location_id, channel_ids[i]);
		int64		floor = retail_sale_floor(&rule, physical);

		largest = Max(largest, floor);
		if (floor < avail)
			sellable = Max(sellable, floor);
	}
	*all = sellable == largest;
	return sellable;
}

int64
retail_largest_floor(int32 sku_id, int32 location_id, int64 physical)
{
	bool		all;

	return retail_sellable_floor(sku_id, location_id, physical, PG_INT64_MAX, &all);
}
