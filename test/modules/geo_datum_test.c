/*-------------------------------------------------------------------------
 * geo_datum_test.c
 *		Random test of src/pure/geo_datum.c.
 *
 *		cc -Isrc/base -Isrc/pure test/modules/geo_datum_test.c src/pure/geo_datum.c -lm
 *		./a.out [seed]
 *
 * The slow and obvious inverse is a search: halve a grid around the point
 * until the forward formula hits the target, without knowing anything about
 * the offset.  The forward formulas are held against values that the map
 * libraries print in their documentation.  Prints TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "geo_datum.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS				20000
#define SEARCH_ROUNDS		2000

/* What the page and the comments promise, in degrees. */
#define PROMISED_DEG		1e-9

/* The rectangle, and a margin wider than any offset inside of it. */
#define WEST				72.004
#define EAST				137.8347
#define SOUTH				0.8293
#define NORTH				55.8271
#define MARGIN_DEG			0.03

typedef GeoPoint (*Conversion) (GeoPoint);

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double
random_between(double low, double high)
{
	return low + (high - low) * (double) (random_bits() >> 11) * 0x1p-53;
}

/* Well inside the rectangle, so that the inverse is unique. */
static GeoPoint
random_inside(void)
{
	GeoPoint	point;

	point.longitude = random_between(WEST + MARGIN_DEG, EAST - MARGIN_DEG);
	point.latitude = random_between(SOUTH + MARGIN_DEG, NORTH - MARGIN_DEG);

	/* the offset has a kink at 105 degrees east: visit it */
	if (random_bits() % 16 == 0)
		point.longitude = 105.0 + random_between(-1e-6, 1e-6);
	return point;
}

static GeoPoint
random_outside(void)
{
	GeoPoint	point;

	do
	{
		point.longitude = random_between(-180.0, 180.0);
		point.latitude = random_between(-90.0, 90.0);
	} while (point.longitude >= WEST && point.longitude <= EAST &&
			 point.latitude >= SOUTH && point.latitude <= NORTH);
	return point;
}

static double
distance_deg(GeoPoint a, GeoPoint b)
{
	return fmax(fabs(a.longitude - b.longitude),
				fabs(a.latitude - b.latitude));
}

/* Metres on a sphere; good enough for "between 1 and 2000". */
static double
distance_m(GeoPoint a, GeoPoint b)
{
	double		east = (a.longitude - b.longitude) *
		cos(a.latitude * M_PI / 180.0);
	double		north = a.latitude - b.latitude;

	return sqrt(east * east + north * north) * 111195.0;
}

static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	if (failures > 0)
		tests_failed++;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

static void
check_round_trip(const char *rule, Conversion there, Conversion back)
{
	double		worst = 0.0;

	for (int round = 0; round < ROUNDS; round++)
	{
		GeoPoint	point = random_inside();

		worst = fmax(worst, distance_deg(back(there(point)), point));
	}
	printf("# largest error %g degrees\n", worst);
	report_rule(rule, worst > PROMISED_DEG);
}

static GeoPoint
wgs84_to_bd09(GeoPoint point)
{
	return retail_geo_datum_gcj02_to_bd09(retail_geo_datum_wgs84_to_gcj02(point));
}

static GeoPoint
bd09_to_wgs84(GeoPoint point)
{
	return retail_geo_datum_to_wgs84(point, GEO_BD_09);
}

/* The point around "target" that "forward" brings nearest to it. */
static GeoPoint
search_inverse(Conversion forward, GeoPoint target)
{
	GeoPoint	best = target;
	double		step = 0.02;

	while (step > 1e-12)
	{
		GeoPoint	centre = best;
		double		nearest = distance_deg(forward(best), target);

		for (int i = -1; i <= 1; i++)
		{
			for (int j = -1; j <= 1; j++)
			{
				GeoPoint	next = {centre.longitude + i * step,
				centre.latitude + j * step};
				double		distance = distance_deg(forward(next), target);

				if (distance < nearest)
				{
					nearest = distance;
					best = next;
				}
			}
		}
		if (best.longitude == centre.longitude &&
			best.latitude == centre.latitude)
			step /= 2.0;
	}
	return best;
}

static void
check_against_search(const char *rule, Conversion forward, Conversion inverse)
{
	int			failures = 0;

	for (int round = 0; round < SEARCH_ROUNDS; round++)
	{
		GeoPoint	target = forward(random_inside());

		failures += distance_deg(inverse(target),
								 search_inverse(forward, target)) >
			PROMISED_DEG;
	}
	report_rule(rule, failures);
}

static void
test_documented_values(void)
{
	GeoPoint	point = {116.404, 39.915};
	GeoPoint	gcj02 = {116.41024449916938, 39.91640428150164};
	GeoPoint	bd09 = {116.41036949371029, 39.92133699351021};

	report_rule("WGS-84 to GCJ-02 gives the documented value",
				distance_deg(retail_geo_datum_wgs84_to_gcj02(point), gcj02) >
				1e-11);
	report_rule("GCJ-02 to BD-09 gives the documented value",
				distance_deg(retail_geo_datum_gcj02_to_bd09(point), bd09) >
				1e-11);
}

static void
test_offset_is_plausible(void)
{
	double		least = INFINITY;
	double		most = 0.0;
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		GeoPoint	wgs84 = random_inside();
		GeoPoint	gcj02 = retail_geo_datum_wgs84_to_gcj02(wgs84);
		double		offset = distance_m(wgs84, gcj02);

		least = fmin(least, offset);
		most = fmax(most, offset);
		failures += offset < 1.0 || offset > 2000.0;
	}
	printf("# offsets of %.0f to %.0f metres\n", least, most);
	report_rule("every point inside the rectangle is shifted, by less than 2 km",
				failures);
}

static void
test_outside_is_unchanged(void)
{
	static const GeoDatum datums[] = {GEO_WGS_84, GEO_GCJ_02, GEO_BD_09};
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		GeoPoint	point = random_outside();

		for (int i = 0; i < 3; i++)
			failures += distance_deg(retail_geo_datum_to_wgs84(point,
															   datums[i]),
									 point) != 0.0;
		failures += distance_deg(wgs84_to_bd09(point), point) != 0.0;
		failures += retail_geo_datum_is_shifted(point);
	}
	report_rule("points outside the rectangle are unchanged in every datum",
				failures);
}

static void
test_wgs84_is_unchanged(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		GeoPoint	point = random_inside();

		failures += distance_deg(retail_geo_datum_to_wgs84(point, GEO_WGS_84),
								 point) != 0.0;
		failures += !retail_geo_datum_is_shifted(point);
	}
	report_rule("WGS-84 stays as it is inside the rectangle too", failures);
}

/* On the edge the inverse may be ambiguous; it must still be near and finite. */
static void
test_edge_is_harmless(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		GeoPoint	point = random_inside();
		GeoPoint	wgs84;

		switch (random_bits() % 4)
		{
			case 0:
				point.longitude = WEST + random_between(-0.01, 0.01);
				break;
			case 1:
				point.longitude = EAST + random_between(-0.01, 0.01);
				break;
			case 2:
				point.latitude = SOUTH + random_between(-0.01, 0.01);
				break;
			default:
				point.latitude = NORTH + random_between(-0.01, 0.01);
				break;
		}
		wgs84 = bd09_to_wgs84(point);
		failures += !(distance_m(point, wgs84) < 4000.0);
	}
	report_rule("points on the edge of the rectangle move by less than 4 km",
				failures);
}

static void
test_names(void)
{
	static const char *const wrong[] = {"", "WGS-8", "WGS-844", "wgs-84",
	"GCJ02", "BD-09 ", "EPSG:4326"};
	GeoDatum	datum;
	int			failures = 0;

	failures += !retail_geo_datum_by_name("WGS-84", 6, &datum) ||
		datum != GEO_WGS_84;
	failures += !retail_geo_datum_by_name("GCJ-02", 6, &datum) ||
		datum != GEO_GCJ_02;
	failures += !retail_geo_datum_by_name("BD-09", 5, &datum) ||
		datum != GEO_BD_09;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		failures += retail_geo_datum_by_name(wrong[i], (int) strlen(wrong[i]),
											 &datum);
	report_rule("the three names are known, and nothing like them", failures);
}

int
main(int argc, char **argv)
{
	random_state = argc > 1 ? strtoull(argv[1], NULL, 10) :
		(uint64_t) time(NULL);
	printf("# seed %" PRIu64 "\n", random_state);

	test_documented_values();
	test_offset_is_plausible();
	check_round_trip("GCJ-02 returns to WGS-84 within the promise",
					 retail_geo_datum_wgs84_to_gcj02,
					 retail_geo_datum_gcj02_to_wgs84);
	check_round_trip("BD-09 returns to GCJ-02 within the promise",
					 retail_geo_datum_gcj02_to_bd09,
					 retail_geo_datum_bd09_to_gcj02);
	check_round_trip("BD-09 returns to WGS-84 within the promise",
					 wgs84_to_bd09, bd09_to_wgs84);
	check_against_search("GCJ-02 to WGS-84 agrees with a blind search",
						 retail_geo_datum_wgs84_to_gcj02,
						 retail_geo_datum_gcj02_to_wgs84);
	check_against_search("BD-09 to GCJ-02 agrees with a blind search",
						 retail_geo_datum_gcj02_to_bd09,
						 retail_geo_datum_bd09_to_gcj02);
	test_outside_is_unchanged();
	test_wgs84_is_unchanged();
	test_edge_is_harmless();
	test_names();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
