/*-------------------------------------------------------------------------
 * place_index.h
 *		Points on the globe, found nearest first.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PLACE_INDEX_H
#define RETAIL_PLACE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place and its point, in radians. */
typedef struct Place
{
	double		longitude;
	double		latitude;
	int32_t		id;
} Place;

/* The box around some places, as points of the unit sphere in space. */
typedef struct PlaceBox
{
	float		low[3];
	float		high[3];
} PlaceBox;

/*
 * A k-d tree without pointers: node i has the children 2 i and 2 i + 1, the
 * root is 1, and each node's places are a run of the array, of which its
 * children get the halves.
 */
typedef struct PlaceIndex
{
	Place	   *places;
	int			nplaces;
	PlaceBox   *boxes;			/* per node, from 1 on */
	int			first_leaf;		/* nodes from here on are not divided */
} PlaceIndex;

/* A place from longitude and latitude in degrees. */
extern Place retail_place(int32_t id, double longitude, double latitude);

/* Metres on the sphere, as PostGIS measures a geography with <->. */
extern double retail_place_distance(const Place *a, const Place *b);

/* Boxes that an index of so many places needs, and bytes to work in. */
extern int	retail_place_index_boxes(int nplaces);
extern size_t retail_place_index_work_size(int nplaces);

/*
 * Makes an index: of "given", in whatever order, into the room at "places" and
 * "boxes", which stay its.
 */
extern void retail_place_index_build(PlaceIndex *index, const Place *given, int nplaces,
									 Place *places, PlaceBox *boxes, void *work);

/* A walk over an index, nearest first, of equals the smaller id. */
typedef struct PlaceStep
{
	double		distance_m;		/* of a node: at most that of its places */
	int32_t		node;			/* 0: a place */
	int32_t		id;				/* of the place; of a node: where its run begins */
	int32_t		run;			/* length of a node's run */
} PlaceStep;

typedef struct PlaceWalk
{
	const PlaceIndex *index;
	Place		from;
	double		at[3];			/* the same in space */
	PlaceStep  *heap;			/* what has not been gone to yet */
	int			nheap;
	int			room;
	void	   *(*grow) (void *memory, size_t size);
} PlaceWalk;

/*
 * "grow" is realloc() or the like, which does not fail, or not by returning.
 * It is asked for memory by what the walk has looked at; walk->heap is to be
 * freed at the end, if it is not NULL.  The index must stay as long.
 */
extern void retail_place_walk_begin(PlaceWalk *walk, const PlaceIndex *index, Place from,
									void *(*grow) (void *memory, size_t size));
extern bool retail_place_walk_next(PlaceWalk *walk, int32_t *id, double *distance_m);

/* The nearest of places that come in any order. */
typedef struct PlaceNear
{
	double		distance_m;
	int32_t		id;
} PlaceNear;

/* Adds one to a heap of the room nearest so far. */
extern void retail_place_near_add(PlaceNear *heap, int *n, int room, PlaceNear place);

/* Makes the heap a list, nearest first, of equals the smaller id. */
extern void retail_place_near_sort(PlaceNear *heap, int n);

#endif							/* RETAIL_PLACE_INDEX_H */
