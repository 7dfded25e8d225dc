/*-------------------------------------------------------------------------
 * geo.c
 *		SQL functions that bring coordinates to WGS-84.
 *
 * The formulas are in geo_datum.c; here arguments are checked and refused.
 * wgs84_longitude() and wgs84_latitude() exist because a generated column
 * takes one scalar: they do the same work twice, at microseconds per written
 * location.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "geo.h"

#define GEO_MAX_LONGITUDE	180.0
#define GEO_MAX_LATITUDE	90.0

/* How much of an unknown datum name is shown. */
#define GEO_SHOWN_BYTES		64

PG_FUNCTION_INFO_V1(retail_geo_wgs84);
PG_FUNCTION_INFO_V1(retail_geo_wgs84_longitude);
PG_FUNCTION_INFO_V1(retail_geo_wgs84_latitude);

/* Fails unless value is a number from -limit to limit. */
static void
check_degrees(const char *name, float8 value, float8 limit)
{
	if (isnan(value) || fabs(value) > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s is out of range", name,
						float8out_internal(value)),
				 errdetail("Allowed: %g to %g degrees.", -limit, limit),
				 errhint("Longitude comes first, then latitude.")));
}

static GeoDatum
check_datum(text *name)
{
	const char *bytes = VARDATA_ANY(name);
	int			len = VARSIZE_ANY_EXHDR(name);
	GeoDatum	datum;

	if (!retail_geo_datum_by_name(bytes, len, &datum))
	{
		int			shown = pg_mbcliplen(bytes, len, GEO_SHOWN_BYTES);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("datum \"%.*s%s\" is unknown", shown, bytes,
						shown < len ? "..." : ""),
				 errhint("Use 'WGS-84' (GPS), 'GCJ-02' (Amap, Tencent, WeChat) or 'BD-09' (Baidu).")));
	}
	return datum;
}

GeoPoint
retail_geo_to_wgs84(float8 longitude, float8 latitude, text *datum_name)
{
	GeoPoint	point = {longitude, latitude};

	check_degrees("longitude", longitude, GEO_MAX_LONGITUDE);
	check_degrees("latitude", latitude, GEO_MAX_LATITUDE);
	return retail_geo_datum_to_wgs84(point, check_datum(datum_name));
}

static GeoPoint
convert_args(FunctionCallInfo fcinfo)
{
	return retail_geo_to_wgs84(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1),
							   PG_GETARG_TEXT_PP(2));
}

/* to_wgs84(longitude, latitude, datum, OUT longitude, OUT latitude) */
Datum
retail_geo_wgs84(PG_FUNCTION_ARGS)
{
	GeoPoint	point = convert_args(fcinfo);
	TupleDesc	tupdesc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Float8GetDatum(point.longitude);
	values[1] = Float8GetDatum(point.latitude);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}

Datum
retail_geo_wgs84_longitude(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(convert_args(fcinfo).longitude);
}

Datum
retail_geo_wgs84_latitude(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(convert_args(fcinfo).latitude);
}
