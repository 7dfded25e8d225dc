/*-------------------------------------------------------------------------
 * delivery_zone.h
 *		Where a location delivers.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_DELIVERY_ZONE_H
#define RETAIL_DELIVERY_ZONE_H

#include "spi_util.h"

typedef struct ZoneReader
{
	bool		any;			/* there are zones at all */
	bool		connected;		/* SPI is */
	SpiOwner	saved;
} ZoneReader;

extern void retail_zone_reader_begin(ZoneReader *reader);

/*
 * Whether a location delivers to a point (degrees, WGS-84): in one of its zones
 * for the service, or it has none.
 */
extern bool retail_zone_covers(ZoneReader *reader, int32 location_id, int32 service_id,
							   double longitude, double latitude);
extern void retail_zone_reader_end(ZoneReader *reader);

#endif							/* RETAIL_DELIVERY_ZONE_H */
