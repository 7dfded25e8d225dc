/*-------------------------------------------------------------------------
 * place_index_test.c
 *		Random test of src/pure/place_index.c against a slow and obvious twin.
 *
 *		cc -Isrc/base -Isrc/pure test/modules/place_index_test.c src/pure/place_index.c -lm
 *		./a.out [seed]
 *
 * The twin measures every place and sorts.  Its distance is another formula,
 * in long double: the angle from half the chord and half the sum of two unit
 * vectors, so that a slip in the one under test shows.  Places are spread,
 * clustered, on one spot, on a line, at the poles and about the date line;
 * walks begin at places, near them, and on the other side of the globe.
 * Prints TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "place_index.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_PLACES		3000
#define ROUNDS			1500
#define DEGREE			(3.14159265358979323846264338L / 180)
#define RADIUS_M		6371008.7714150598L

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

static int
random_below(int limit)
{
	return (int) (random_bits() % (uint64_t) limit);
}

static double
random_between(double low, double high)
{
	return low + (high - low) * ((double) (random_bits() >> 11) / 9007199254740992.0);
}

static void
ok(bool success, const char *name)
{
	tests_done++;
	if (!success)
		tests_failed++;
	printf("%sok %d - %s\n", success ? "" : "not ", tests_done, name);
}

/* A point in degrees, kept beside the place made of it. */
typedef struct Point
{
	double		longitude;
	double		latitude;
} Point;

typedef enum Spread
{
	SPREAD_GLOBE, SPREAD_TOWNS, SPREAD_ONE_SPOT, SPREAD_FEW_SPOTS, SPREAD_MERIDIAN,
	SPREAD_PARALLEL, SPREAD_POLES, SPREAD_DATE_LINE, SPREAD_GRID, SPREAD_COUNT
} Spread;

static double
wrapped(double longitude)
{
	return longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude;
}

static Point
random_point(Spread spread, int i)
{
	Point		point = {random_between(-180, 180), random_between(-90, 90)};

	switch (spread)
	{
		case SPREAD_TOWNS:
			point.longitude = 100 + i % 7 * 3 + random_between(-0.1, 0.1);
			point.latitude = 30 + i % 5 * 2 + random_between(-0.1, 0.1);
			break;
		case SPREAD_ONE_SPOT:
			point.longitude = 121.4737;
			point.latitude = 31.2304;
			break;
		case SPREAD_FEW_SPOTS:
			point.longitude = random_below(4) * 0.001;
			point.latitude = random_below(4) * 0.001;
			break;
		case SPREAD_MERIDIAN:
			point.longitude = random_below(2) ? 0 : 180;
			break;
		case SPREAD_PARALLEL:
			point.latitude = 51.5;
			break;
		case SPREAD_POLES:
			point.latitude = (random_below(2) ? 1 : -1) *
				(random_below(5) ? random_between(89.99, 90) : 90);
			break;
		case SPREAD_DATE_LINE:
			point.longitude = random_below(5) ? wrapped(180 + random_between(-0.01, 0.01)) :
				random_below(2) ? 180 : -180;
			point.latitude = random_between(-0.01, 0.01);
			break;
		case SPREAD_GRID:
			point.longitude = i % 60 * 0.01;
			point.latitude = i / 60 * 0.01;
			break;
		case SPREAD_GLOBE:
		case SPREAD_COUNT:
			break;
	}
	return point;
}

/* Where a walk begins: at a place, near one, opposite to one, or anywhere. */
static Point
random_start(const Point *points, int n)
{
	Point		start = {random_between(-180, 180), random_between(-90, 90)};

	if (n > 0)
	{
		Point		at = points[random_below(n)];

		switch (random_below(5))
		{
			case 0:
				return at;
			case 1:
				start.longitude = wrapped(at.longitude + random_between(-0.01, 0.01));
				start.latitude = fmax(-90, fmin(90, at.latitude + random_between(-0.01, 0.01)));
				break;
			case 2:
				start.longitude = wrapped(at.longitude + 180);
				start.latitude = -at.latitude;
				break;
			case 3:
				start.latitude = random_below(2) ? 90 : -90;
				break;
		}
	}
	return start;
}

static long double
slow_distance(Point a, Point b)
{
	long double d[3];
	long double s[3];
	long double difference = 0;
	long double sum = 0;
	long double va[3] = {cosl(a.latitude * DEGREE) * cosl(a.longitude * DEGREE),
	cosl(a.latitude * DEGREE) * sinl(a.longitude * DEGREE), sinl(a.latitude * DEGREE)};
	long double vb[3] = {cosl(b.latitude * DEGREE) * cosl(b.longitude * DEGREE),
	cosl(b.latitude * DEGREE) * sinl(b.longitude * DEGREE), sinl(b.latitude * DEGREE)};

	for (int i = 0; i < 3; i++)
	{
		d[i] = va[i] - vb[i];
		s[i] = va[i] + vb[i];
		difference += d[i] * d[i];
		sum += s[i] * s[i];
	}
	return 2 * RADIUS_M * atan2l(sqrtl(difference), sqrtl(sum));
}

static int
compare_near(const void *a, const void *b)
{
	const PlaceNear *x = a;
	const PlaceNear *y = b;

	if (x->distance_m != y->distance_m)
		return x->distance_m < y->distance_m ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static Point points[MAX_PLACES];
static Place given[MAX_PLACES];
static Place places[MAX_PLACES];
static PlaceNear twin[MAX_PLACES];

static void
make_places(Spread spread, int n, int32_t id_step)
{
	for (int i = 0; i < n; i++)
	{
		points[i] = random_point(spread, i);
		given[i] = retail_place((i + 1) * id_step, points[i].longitude, points[i].latitude);
	}
}

static void
measure_all(Place from, int n)
{
	for (int i = 0; i < n; i++)
	{
		twin[i].id = given[i].id;
		twin[i].distance_m = retail_place_distance(&from, &given[i]);
	}
	qsort(twin, n, sizeof(PlaceNear), compare_near);
}

/* Within a tenth of a micrometre: a few of the last bits half way round the globe. */
static void
test_distance_like_twin(void)
{
	bool		same = true;
	long double worst = 0;

	for (int i = 0; i < 200000 && same; i++)
	{
		Point		a = random_point(random_below(SPREAD_COUNT), i);
		Point		b = random_start(&a, 1);
		Place		place_a = retail_place(1, a.longitude, a.latitude);
		Place		place_b = retail_place(2, b.longitude, b.latitude);
		double		fast = retail_place_distance(&place_a, &place_b);
		long double off = fabsl(fast - slow_distance(a, b));

		worst = fmaxl(worst, off);
		same = off < 1e-7;
		if (same && fast != retail_place_distance(&place_b, &place_a))
			same = fabs(fast - retail_place_distance(&place_b, &place_a)) < 2e-8;
	}
	printf("# largest error %.3Lg m\n", worst);
	ok(same, "distances are those of another formula");
}

static void
test_special_distances(void)
{
	Place		pole = retail_place(1, 17, 90);
	Place		other_pole = retail_place(2, -99, -90);
	Place		east = retail_place(3, 180, 12);
	Place		west = retail_place(4, -180, 12);
	double		half = RADIUS_M * 180 * DEGREE;

	ok(retail_place_distance(&pole, &pole) == 0, "a place is no distance from itself");
	ok(retail_place_distance(&east, &west) == 0, "180 degrees east is 180 degrees west");
	ok(fabs(retail_place_distance(&pole, &other_pole) - half) < 1e-6, "from pole to pole it is half way round");
}

/* A walk goes to every place, in order, of equals the smaller id first. */
static bool
walk_is_like_twin(const PlaceIndex *index, Place from, int n)
{
	PlaceWalk	walk;
	int32_t		id;
	double		distance_m;
	int			i = 0;
	bool		same = true;

	measure_all(from, n);
	retail_place_walk_begin(&walk, index, from, realloc);
	while (same && retail_place_walk_next(&walk, &id, &distance_m))
	{
		same = i < n && id == twin[i].id && distance_m == twin[i].distance_m;
		i++;
	}
	free(walk.heap);
	return same && i == n;
}

static void
test_walk_like_twin(void)
{
	PlaceBox   *boxes = malloc(sizeof(PlaceBox) * retail_place_index_boxes(MAX_PLACES));
	void	   *work = malloc(retail_place_index_work_size(MAX_PLACES));
	bool		same = true;

	for (int round = 0; round < ROUNDS && same; round++)
	{
		Spread		spread = round % SPREAD_COUNT;
		int			n = round < 200 ? round / 9 : random_below(round % 50 ? 300 : MAX_PLACES) + 1;
		PlaceIndex	index;

		make_places(spread, n, random_below(2) ? 1 : -7);
		retail_place_index_build(&index, given, n, places, boxes, work);
		for (int start = 0; start < 5 && same; start++)
		{
			Point		at = random_start(points, n);

			same = walk_is_like_twin(&index, retail_place(0, at.longitude, at.latitude), n);
		}
		if (!same)
			printf("# round %d, spread %d, %d places\n", round, spread, n);
	}
	free(boxes);
	free(work);
	ok(same, "a walk goes to all places, nearest first");
}

/* What a walk costs: places measured for the nearest ten, of 3,000. */
static void
test_walk_looks_at_few(void)
{
	PlaceBox   *boxes = malloc(sizeof(PlaceBox) * retail_place_index_boxes(MAX_PLACES));
	void	   *work = malloc(retail_place_index_work_size(MAX_PLACES));
	int			most = 0;

	for (int round = 0; round < 50; round++)
	{
		PlaceIndex	index;
		PlaceWalk	walk;
		Point		at;
		int32_t		id;
		double		distance_m;

		make_places(SPREAD_GLOBE, MAX_PLACES, 1);
		retail_place_index_build(&index, given, MAX_PLACES, places, boxes, work);
		at = random_start(points, MAX_PLACES);
		retail_place_walk_begin(&walk, &index, retail_place(0, at.longitude, at.latitude), realloc);
		for (int i = 0; i < 10; i++)
			(void) retail_place_walk_next(&walk, &id, &distance_m);
		most = walk.nheap > most ? walk.nheap : most;
		free(walk.heap);
	}
	printf("# most steps kept %d\n", most);
	free(boxes);
	free(work);
	ok(most < MAX_PLACES / 5, "a walk to the nearest ten leaves most places alone");
}

static void
test_near_like_twin(void)
{
	PlaceNear	heap[64];
	bool		same = true;

	for (int round = 0; round < 2000 && same; round++)
	{
		int			n = random_below(300);
		int			room = random_below(64) + 1;
		int			kept = 0;
		Place		from = retail_place(0, random_between(-180, 180), random_between(-90, 90));

		make_places(round % SPREAD_COUNT, n, 1);
		for (int i = 0; i < n; i++)
		{
			PlaceNear	place = {retail_place_distance(&from, &given[i]), given[i].id};

			retail_place_near_add(heap, &kept, room, place);
		}
		retail_place_near_sort(heap, kept);
		measure_all(from, n);
		same = kept == (n < room ? n : room);
		for (int i = 0; i < kept && same; i++)
			same = heap[i].id == twin[i].id && heap[i].distance_m == twin[i].distance_m;
	}
	ok(same, "the nearest of places in any order");
}

int
main(int argc, char **argv)
{
	random_state = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);
	printf("# seed %" PRIu64 "\n", random_state);

	test_distance_like_twin();
	test_special_distances();
	test_walk_like_twin();
	test_walk_looks_at_few();
	test_near_like_twin();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
