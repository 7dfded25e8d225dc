/*-------------------------------------------------------------------------
 * delivery_zone.c
 *		Where a location delivers.
 *
 * PostGIS is reached through SQL.  A reader connects SPI at its first question,
 * and stays connected to its end: who asks for one location after another pays
 * for that once.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "delivery_zone.h"
#include "table.h"

/* Is the destination in a zone of the location, for the service?  %1$s: where PostGIS is. */
static const char zone_query[] =
"SELECT bool_or(%1$s.st_covers(area, %1$s.geography(%1$s.st_setsrid(%1$s.st_makepoint($1, $2), 4326))))"
" FROM retail.delivery_zone WHERE location_id = $3 AND (service_id IS NULL OR service_id = $4)";

static SPIPlanPtr zone_plan = NULL;
static NameData zone_schema;	/* the one it was made for */

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

void
retail_zone_reader_begin(ZoneReader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->any = retail_table_rows(TABLE_DELIVERY_ZONE) > 0;
}

bool
retail_zone_covers(ZoneReader *reader, int32 location_id, int32 service_id,
				   double longitude, double latitude)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[4] = {Float8GetDatum(longitude), Float8GetDatum(latitude),
	Int32GetDatum(location_id), Int32GetDatum(service_id)};
	bool		isnull;
	bool		inside;

	if (!reader->any)
		return true;
	if (!reader->connected)
		reader->saved = retail_spi_begin();
	reader->connected = true;
	if (SPI_execute_plan(get_zone_plan(), args, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not look up delivery zones");
	inside = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	MemoryContextSwitchTo(caller);
	return isnull || inside;
}

void
retail_zone_reader_end(ZoneReader *reader)
{
	if (reader->connected)
		retail_spi_end(&reader->saved);
}
