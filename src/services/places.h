/*-------------------------------------------------------------------------
 * places.h
 *		Where all locations are, in memory.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PLACES_H
#define RETAIL_PLACES_H

#include "place_index.h"

typedef struct Places
{
	PlaceIndex	all;
	PlaceIndex	warehouses;
	int32	   *by_id;			/* positions in "all", by id of the place */
} Places;

/*
 * Of the latest locations, read where something has changed.  Good until it
 * is next asked for.
 */
extern const Places *retail_places(void);

/* Of those in channel_source for a channel; likewise. */
extern const PlaceIndex *retail_places_listed(int32 channel_id);

/* The place of a location; NULL when there is none. */
extern const Place *retail_places_find(const Places *places, int32 location_id);

extern void retail_places_init(void);

#endif							/* RETAIL_PLACES_H */
