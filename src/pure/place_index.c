/*-------------------------------------------------------------------------
 * place_index.c
 *		Points on the globe, found nearest first.
 *
 * A k-d tree over the points of the unit sphere in space, where there is no
 * date line and no pole to mind.  Its nodes have boxes; a walk keeps a heap of
 * nodes and places, takes the nearest, divides it if it is a node, and answers
 * it if it is a place.  So a walk costs what it looks at, and may end anywhere.
 *
 * Distances are those of the geography operator <-> of PostGIS: along a great
 * circle on a sphere of the mean radius of WGS-84, and none where two points
 * are within 1e-12 radians in both directions.  The two agree to a tenth of a
 * micrometre, which only orders places that are as far off as each other; here
 * the smaller id goes first.  test/pgtap/nearest.sql compares them.
 *
 * Boxes are kept as floats, rounded outwards, and the distance to a box is
 * made a metre less than it is worked out to be, which is far more than
 * rounding can do to it: near the antipode it is good to 20 cm only.
 */
#include "place_index.h"

#include <math.h>

#define PLACE_PI		3.14159265358979323846

/* Of WGS-84, in metres: (2 a + b) / 3. */
#define EQUATOR_M		6378137.0
#define POLE_M			(EQUATOR_M - EQUATOR_M / 298.257223563)
#define MEAN_RADIUS_M	((2.0 * EQUATOR_M + POLE_M) / 3.0)

/* Nearer than this in longitude and in latitude is one point. */
#define SAME_POINT		1e-12

#define BOX_SLACK_M		1.0
#define LEAF_PLACES		8

#define WALK_ROOM		64

Place
retail_place(int32_t id, double longitude, double latitude)
{
	Place		place = {PLACE_PI * longitude / 180.0, PLACE_PI * latitude / 180.0, id};

	/* one meridian has two names */
	if (longitude == -180)
		place.longitude = PLACE_PI;
	return place;
}

static bool
is_same(double a, double b)
{
	return fabs(a - b) <= SAME_POINT;
}

/*
 * The angle between two points, by the formula of Vincenty that is good at
 * every angle: the tangent from the lengths of cross and dot product.
 */
double
retail_place_distance(const Place *a, const Place *b)
{
	double		turn = b->longitude - a->longitude;
	double		sin_a = sin(a->latitude);
	double		cos_a = cos(a->latitude);
	double		sin_b = sin(b->latitude);
	double		cos_b = cos(b->latitude);
	double		east;
	double		north;
	double		along;

	if (is_same(a->latitude, b->latitude) && is_same(a->longitude, b->longitude))
		return 0;
	east = cos_b * sin(turn);
	north = cos_a * sin_b - sin_a * cos_b * cos(turn);
	along = sin_a * sin_b + cos_a * cos_b * cos(turn);
	return MEAN_RADIUS_M * atan2(sqrt(east * east + north * north), along);
}

static void
in_space(const Place *place, double *at)
{
	at[0] = cos(place->latitude) * cos(place->longitude);
	at[1] = cos(place->latitude) * sin(place->longitude);
	at[2] = sin(place->latitude);
}

/* ----------------------------------------------------------------
 * Building
 * ----------------------------------------------------------------
 */

/* Nodes that are divided: as many levels as leave leaves of few places. */
static int
divided_nodes(int nplaces)
{
	int			leaves = 1;

	while ((nplaces - 1) / leaves >= LEAF_PLACES)
		leaves *= 2;
	return leaves - 1;
}

int
retail_place_index_boxes(int nplaces)
{
	return 2 * (divided_nodes(nplaces) + 1);
}

/* While an index is made: a point in space, and whose it is. */
typedef struct Spot
{
	float		at[3];
	int32_t		given;
} Spot;

size_t
retail_place_index_work_size(int nplaces)
{
	return sizeof(Spot) * (size_t) nplaces;
}

/* Floats are rounded to the nearest, so the next one outwards is outside. */
static PlaceBox
box_around(const Spot *spots, int n)
{
	PlaceBox	box = {{2, 2, 2}, {-2, -2, -2}};

	for (int i = 0; i < n; i++)
	{
		for (int axis = 0; axis < 3; axis++)
		{
			if (spots[i].at[axis] < box.low[axis])
				box.low[axis] = spots[i].at[axis];
			if (spots[i].at[axis] > box.high[axis])
				box.high[axis] = spots[i].at[axis];
		}
	}
	for (int axis = 0; axis < 3; axis++)
	{
		box.low[axis] = nextafterf(box.low[axis], -3);
		box.high[axis] = nextafterf(box.high[axis], 3);
	}
	return box;
}

static int
longest_axis(const PlaceBox *box)
{
	int			longest = 0;

	for (int axis = 1; axis < 3; axis++)
	{
		if (box->high[axis] - box->low[axis] > box->high[longest] - box->low[longest])
			longest = axis;
	}
	return longest;
}

static void
swap_spots(Spot *a, Spot *b)
{
	Spot		kept = *a;

	*a = *b;
	*b = kept;
}

/*
 * Puts spots in order along an axis as far as to have the lower ones in the
 * first half: Hoare's selection.  The pivot is the middle one, so that spots
 * which are in order already are no worst case.
 */
static void
halve(Spot *spots, int n, int half, int axis)
{
	int			first = 0;
	int			last = n - 1;

	while (first < last)
	{
		float		pivot = spots[first + (last - first) / 2].at[axis];
		int			i = first;
		int			j = last;

		while (i <= j)
		{
			while (spots[i].at[axis] < pivot)
				i++;
			while (spots[j].at[axis] > pivot)
				j--;
			if (i <= j)
				swap_spots(&spots[i++], &spots[j--]);
		}
		if (half <= j)
			last = j;
		else if (half >= i)
			first = i;
		else
			break;
	}
}

/* The recursion is as deep as the tree: 30 levels at the very most. */
static void
build_node(PlaceIndex *index, int node, Spot *spots, int n)
{
	int			half = n / 2;

	index->boxes[node] = box_around(spots, n);
	if (node >= index->first_leaf)
		return;
	halve(spots, n, half, longest_axis(&index->boxes[node]));
	build_node(index, 2 * node, spots, half);
	build_node(index, 2 * node + 1, spots + half, n - half);
}

void
retail_place_index_build(PlaceIndex *index, const Place *given, int nplaces,
						 Place *places, PlaceBox *boxes, void *work)
{
	Spot	   *spots = work;

	for (int i = 0; i < nplaces; i++)
	{
		double		at[3];

		in_space(&given[i], at);
		for (int axis = 0; axis < 3; axis++)
			spots[i].at[axis] = (float) at[axis];
		spots[i].given = i;
	}
	index->places = places;
	index->nplaces = nplaces;
	index->boxes = boxes;
	index->first_leaf = divided_nodes(nplaces) + 1;
	build_node(index, 1, spots, nplaces);
	for (int i = 0; i < nplaces; i++)
		places[i] = given[spots[i].given];
}

/* ----------------------------------------------------------------
 * Walking
 * ----------------------------------------------------------------
 */

/* A node goes before the places that are as far off, which it may have, too. */
static bool
comes_before(const PlaceStep *a, const PlaceStep *b)
{
	if (a->distance_m != b->distance_m)
		return a->distance_m < b->distance_m;
	if ((a->node == 0) != (b->node == 0))
		return a->node != 0;
	return a->id < b->id;
}

static void
push_step(PlaceWalk *walk, PlaceStep step)
{
	int			at = walk->nheap++;

	if (at == walk->room)
	{
		walk->room = walk->room > 0 ? 2 * walk->room : WALK_ROOM;
		walk->heap = walk->grow(walk->heap, sizeof(PlaceStep) * (size_t) walk->room);
	}
	while (at > 0 && comes_before(&step, &walk->heap[(at - 1) / 2]))
	{
		walk->heap[at] = walk->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	walk->heap[at] = step;
}

static PlaceStep
pop_step(PlaceWalk *walk)
{
	PlaceStep	top = walk->heap[0];
	PlaceStep	step = walk->heap[--walk->nheap];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child + 1 < walk->nheap &&
			comes_before(&walk->heap[child + 1], &walk->heap[child]))
			child++;
		if (child >= walk->nheap || !comes_before(&walk->heap[child], &step))
			break;
		walk->heap[at] = walk->heap[child];
		at = child;
	}
	walk->heap[at] = step;
	return top;
}

/* At most the distance of anything in the box. */
static double
distance_to_box(const PlaceWalk *walk, const PlaceBox *box)
{
	double		chord = 0;
	double		distance_m;

	for (int axis = 0; axis < 3; axis++)
	{
		double		away = 0;

		if (walk->at[axis] < box->low[axis])
			away = box->low[axis] - walk->at[axis];
		else if (walk->at[axis] > box->high[axis])
			away = walk->at[axis] - box->high[axis];
		chord += away * away;
	}
	distance_m = 2 * MEAN_RADIUS_M * asin(fmin(sqrt(chord) / 2, 1)) - BOX_SLACK_M;
	return fmax(distance_m, 0);
}

static void
push_node(PlaceWalk *walk, int node, int first, int n)
{
	PlaceStep	step = {0, node, first, n};

	if (n == 0)
		return;
	step.distance_m = distance_to_box(walk, &walk->index->boxes[node]);
	push_step(walk, step);
}

static void
push_places(PlaceWalk *walk, int first, int n)
{
	for (int i = first; i < first + n; i++)
	{
		const Place *place = &walk->index->places[i];
		PlaceStep	step = {0, 0, place->id, 0};

		step.distance_m = retail_place_distance(&walk->from, place);
		push_step(walk, step);
	}
}

void
retail_place_walk_begin(PlaceWalk *walk, const PlaceIndex *index, Place from,
						void *(*grow) (void *memory, size_t size))
{
	walk->index = index;
	walk->from = from;
	in_space(&from, walk->at);
	walk->heap = NULL;
	walk->nheap = 0;
	walk->room = 0;
	walk->grow = grow;
	push_node(walk, 1, 0, index->nplaces);
}

bool
retail_place_walk_next(PlaceWalk *walk, int32_t *id, double *distance_m)
{
	while (walk->nheap > 0)
	{
		PlaceStep	step = pop_step(walk);
		int			half = step.run / 2;

		if (step.node == 0)
		{
			*id = step.id;
			*distance_m = step.distance_m;
			return true;
		}
		if (step.node >= walk->index->first_leaf)
			push_places(walk, step.id, step.run);
		else
		{
			push_node(walk, 2 * step.node, step.id, half);
			push_node(walk, 2 * step.node + 1, step.id + half, step.run - half);
		}
	}
	return false;
}

/* ----------------------------------------------------------------
 * The nearest of some
 * ----------------------------------------------------------------
 */

static bool
is_nearer(const PlaceNear *a, const PlaceNear *b)
{
	return a->distance_m != b->distance_m ? a->distance_m < b->distance_m : a->id < b->id;
}

/* Puts a place in at the top of a heap with the farthest there, and sifts it down. */
static void
sift_down(PlaceNear *heap, int n, PlaceNear place)
{
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child + 1 < n && is_nearer(&heap[child], &heap[child + 1]))
			child++;
		if (child >= n || !is_nearer(&place, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = place;
}

void
retail_place_near_add(PlaceNear *heap, int *n, int room, PlaceNear place)
{
	int			at;

	if (*n == room)
	{
		if (is_nearer(&place, &heap[0]))
			sift_down(heap, room, place);
		return;
	}
	for (at = (*n)++; at > 0 && is_nearer(&heap[(at - 1) / 2], &place); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = place;
}

void
retail_place_near_sort(PlaceNear *heap, int n)
{
	while (n > 1)
	{
		PlaceNear	farthest = heap[0];

		n--;
		sift_down(heap, n, heap[n]);
		heap[n] = farthest;
	}
}
