/*-------------------------------------------------------------------------
 * geo_datum.c
 *		Conversion between the datums used by map services in China.
 *
 * GCJ-02 is WGS-84 with a smooth offset of up to 750 metres, BD-09 is GCJ-02
 * with a second one of about a kilometre.  The forward formulas below are the
 * ones the map libraries share; the services do not publish theirs, so what
 * can be promised is the inverse of these formulas and not of the services.
 *
 * Neither offset has an inverse in closed form.  Both change so slowly that
 * each round of "subtract the offset found at the current guess" leaves less
 * than 3 % of the error, measured over two million random points.  A single
 * round, which many libraries make do with, is up to 5 (GCJ-02) and 16 metres
 * (BD-09) off; this code goes on until nothing moves.  Against the forward
 * formulas the result is then right to 1e-9 degrees, a tenth of a millimetre,
 * where the inverse is unique; test/modules/geo_datum_test.c holds it to that
 * and prints the largest error it met (near 6e-14 degrees).
 *
 * The services shift inside a rectangle around China and leave the rest of the
 * world alone; each function decides by the point it is given.  A point less
 * than the offset from the rectangle's edge (in the sea or in another country)
 * may therefore be kept or shifted differently on the way there and back.
 * The rectangle also covers neighbouring countries: a location there should
 * state WGS-84.
 *
 * Plain C without the server, no state, no failure: the caller has checked
 * that longitude and latitude are finite and in range.
 *-------------------------------------------------------------------------
 */
#include "geo_datum.h"

#include <math.h>
#include <string.h>

#define GEO_PI				3.14159265358979323846

/* Ellipsoid of Krasovsky (1940): semi-major axis in metres, eccentricity². */
#define KRASOVSKY_AXIS_M	6378245.0
#define KRASOVSKY_E2		0.00669342162296594323

/* The point around which the offset polynomial is written, in degrees. */
#define OFFSET_LONGITUDE	105.0
#define OFFSET_LATITUDE		35.0

/* The rectangle in which the services shift, in degrees. */
#define CHINA_WEST			72.004
#define CHINA_EAST			137.8347
#define CHINA_SOUTH			0.8293
#define CHINA_NORTH			55.8271

/* BD-09: constant shift in degrees, and a ripple of this many periods. */
#define BD09_LONGITUDE		0.0065
#define BD09_LATITUDE		0.006
#define BD09_RIPPLE			(GEO_PI * 3000.0 / 180.0)

/* Stop when a round moves less than this (0.1 µm), or after so many. */
#define INVERSE_STEP_DEG	1e-12
#define INVERSE_ROUNDS		16

bool
retail_geo_datum_by_name(const char *name, int len, GeoDatum *datum)
{
	static const struct
	{
		const char *name;
		GeoDatum	datum;
	}			names[] =
	{
		{"WGS-84", GEO_WGS_84},
		{"GCJ-02", GEO_GCJ_02},
		{"BD-09", GEO_BD_09},
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if ((size_t) len == strlen(names[i].name) &&
			memcmp(name, names[i].name, (size_t) len) == 0)
		{
			*datum = names[i].datum;
			return true;
		}
	}
	return false;
}

/* Whether the services shift this point; also true on the edge. */
bool
retail_geo_datum_is_shifted(GeoPoint point)
{
	return point.longitude >= CHINA_WEST && point.longitude <= CHINA_EAST &&
		point.latitude >= CHINA_SOUTH && point.latitude <= CHINA_NORTH;
}

/* Ripple common to both components, metres, x in degrees from the origin. */
static double
ripple_common(double x)
{
	return (20.0 * sin(6.0 * x * GEO_PI) + 20.0 * sin(2.0 * x * GEO_PI)) *
		2.0 / 3.0;
}

/* Offset to the north in metres. */
static double
offset_north(double x, double y)
{
	double		offset;

	offset = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y +
		0.2 * sqrt(fabs(x));
	offset += ripple_common(x);
	offset += (20.0 * sin(y * GEO_PI) + 40.0 * sin(y / 3.0 * GEO_PI)) *
		2.0 / 3.0;
	offset += (160.0 * sin(y / 12.0 * GEO_PI) +
			   320.0 * sin(y * GEO_PI / 30.0)) * 2.0 / 3.0;
	return offset;
}

/* Offset to the east in metres. */
static double
offset_east(double x, double y)
{
	double		offset;

	offset = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y +
		0.1 * sqrt(fabs(x));
	offset += ripple_common(x);
	offset += (20.0 * sin(x * GEO_PI) + 40.0 * sin(x / 3.0 * GEO_PI)) *
		2.0 / 3.0;
	offset += (150.0 * sin(x / 12.0 * GEO_PI) +
			   300.0 * sin(x / 30.0 * GEO_PI)) * 2.0 / 3.0;
	return offset;
}

/* WGS-84 to GCJ-02, wherever the point is. */
static GeoPoint
shift_gcj02(GeoPoint point)
{
	double		x = point.longitude - OFFSET_LONGITUDE;
	double		y = point.latitude - OFFSET_LATITUDE;
	double		phi = point.latitude * GEO_PI / 180.0;
	double		w2 = 1.0 - KRASOVSKY_E2 * sin(phi) * sin(phi);
	double		meridian_m = KRASOVSKY_AXIS_M * (1.0 - KRASOVSKY_E2) /
		(w2 * sqrt(w2));
	double		parallel_m = KRASOVSKY_AXIS_M / sqrt(w2) * cos(phi);

	point.longitude += offset_east(x, y) * 180.0 / (parallel_m * GEO_PI);
	point.latitude += offset_north(x, y) * 180.0 / (meridian_m * GEO_PI);
	return point;
}

/* GCJ-02 to BD-09, wherever the point is. */
static GeoPoint
shift_bd09(GeoPoint point)
{
	double		x = point.longitude;
	double		y = point.latitude;
	double		radius = sqrt(x * x + y * y) + 0.00002 * sin(y * BD09_RIPPLE);
	double		angle = atan2(y, x) + 0.000003 * cos(x * BD09_RIPPLE);

	point.longitude = radius * cos(angle) + BD09_LONGITUDE;
	point.latitude = radius * sin(angle) + BD09_LATITUDE;
	return point;
}

/* The point that "shift" moves to "target". */
static GeoPoint
invert_shift(GeoPoint (*shift) (GeoPoint), GeoPoint target)
{
	GeoPoint	guess = target;

	for (int round = 0; round < INVERSE_ROUNDS; round++)
	{
		GeoPoint	reached = shift(guess);
		double		east = target.longitude - reached.longitude;
		double		north = target.latitude - reached.latitude;

		guess.longitude += east;
		guess.latitude += north;
		if (fabs(east) < INVERSE_STEP_DEG && fabs(north) < INVERSE_STEP_DEG)
			break;
	}
	return guess;
}

GeoPoint
retail_geo_datum_wgs84_to_gcj02(GeoPoint point)
{
	return retail_geo_datum_is_shifted(point) ? shift_gcj02(point) : point;
}

GeoPoint
retail_geo_datum_gcj02_to_wgs84(GeoPoint point)
{
	return retail_geo_datum_is_shifted(point) ?
		invert_shift(shift_gcj02, point) : point;
}

GeoPoint
retail_geo_datum_gcj02_to_bd09(GeoPoint point)
{
	return retail_geo_datum_is_shifted(point) ? shift_bd09(point) : point;
}

GeoPoint
retail_geo_datum_bd09_to_gcj02(GeoPoint point)
{
	return retail_geo_datum_is_shifted(point) ?
		invert_shift(shift_bd09, point) : point;
}

/* A point stated in any of the datums, in WGS-84. */
GeoPoint
retail_geo_datum_to_wgs84(GeoPoint point, GeoDatum datum)
{
	switch (datum)
	{
		case GEO_WGS_84:
			break;
		case GEO_BD_09:
			point = retail_geo_datum_bd09_to_gcj02(point);
			/* FALLTHROUGH */
		case GEO_GCJ_02:
			point = retail_geo_datum_gcj02_to_wgs84(point);
			break;
	}
	return point;
}
