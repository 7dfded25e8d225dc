/*-------------------------------------------------------------------------
 * capacity.h
 *		How much of a location's day is taken.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_CAPACITY_H
#define RETAIL_CAPACITY_H

#include "master.h"

/*
 * Whether a location may take one more fulfilment order on the day it would
 * start.  *load: the share of that day that is taken, 0 to 1.
 */
extern bool retail_capacity_is_left(int32 location_id, const LocationInfo *location,
									TimestampTz starts_at, double *load);

#endif							/* RETAIL_CAPACITY_H */
