/*-------------------------------------------------------------------------
 * geo_datum.h
 *		Conversion between the datums used by map services in China.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_GEO_DATUM_H
#define RETAIL_GEO_DATUM_H

#include <stdbool.h>

typedef enum GeoDatum
{
	GEO_WGS_84,					/* GPS, PostGIS SRID 4326 */
	GEO_GCJ_02,					/* Amap, Tencent, WeChat */
	GEO_BD_09					/* Baidu */
} GeoDatum;

/* Degrees. */
typedef struct GeoPoint
{
	double		longitude;
	double		latitude;
} GeoPoint;

extern bool retail_geo_datum_by_name(const char *name, int len,
									 GeoDatum *datum);
extern bool retail_geo_datum_is_shifted(GeoPoint point);

extern GeoPoint retail_geo_datum_wgs84_to_gcj02(GeoPoint point);
extern GeoPoint retail_geo_datum_gcj02_to_wgs84(GeoPoint point);
extern GeoPoint retail_geo_datum_gcj02_to_bd09(GeoPoint point);
extern GeoPoint retail_geo_datum_bd09_to_gcj02(GeoPoint point);
extern GeoPoint retail_geo_datum_to_wgs84(GeoPoint point, GeoDatum datum);

#endif							/* RETAIL_GEO_DATUM_H */
