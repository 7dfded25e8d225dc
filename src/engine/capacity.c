/*-------------------------------------------------------------------------
 * capacity.c
 *		How much of a location's day is taken.
 *
 * Read without a lock: a hint, which placing an order decides again.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/date.h"
#include "utils/fmgroids.h"

#include "capacity.h"
#include "table.h"

/* Places of that day that are given back and not yet off capacity_use.taken. */
static int64
places_given_back(int32 location_id, DateADT day)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	int64		n = 0;

	retail_key_int4(&keys[0], 1, location_id);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(day));
	retail_scan_begin(&scan, TABLE_CAPACITY_RETURN, INDEX_CAPACITY_RETURN, AccessShareLock, NULL, 2, keys);
	while (retail_scan_next(&scan))
		n++;
	retail_scan_end(&scan);
	return n;
}

static int64
places_taken(int32 location_id, DateADT day)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	int64		taken = 0;

	retail_key_int4(&keys[0], 1, location_id);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(day));
	retail_scan_begin(&scan, TABLE_CAPACITY_USE, INDEX_CAPACITY_USE, AccessShareLock, NULL, 2, keys);
	if (retail_scan_next(&scan))
		taken = retail_column_int32(TABLE_CAPACITY_USE, scan.slot, CAPACITY_USE_TAKEN);
	retail_scan_end(&scan);
	return taken;
}

bool
retail_capacity_is_left(int32 location_id, const LocationInfo *location, TimestampTz starts_at,
						double *load)
{
	DateADT		day;
	int64		taken;

	*load = 0;
	if (location->daily_capacity < 0)
		return true;
	day = retail_master_date_at(location_id, starts_at);

	/* what is given back first: one taken off meanwhile counts twice, and the take decides */
	taken = places_given_back(location_id, day);
	taken = Max(places_taken(location_id, day) - taken, 0);
	if (location->daily_capacity > 0)
		*load = Min((double) taken / location->daily_capacity, 1.0);
	return taken < location->daily_capacity;
}
