/*-------------------------------------------------------------------------
 * geo.h
 *		SQL functions that bring coordinates to WGS-84.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_GEO_H
#define RETAIL_GEO_H

#include "geo_datum.h"

/*
 * Checks coordinates and datum name and returns the point in WGS-84; raises
 * 22023 for a longitude, latitude or datum that is out of range.
 */
extern GeoPoint retail_geo_to_wgs84(float8 longitude, float8 latitude,
									text *datum_name);

#endif							/* RETAIL_GEO_H */
