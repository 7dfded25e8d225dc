/*-------------------------------------------------------------------------
 * price_band.h
 *		Type price_band for other C modules.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PRICE_BAND_H
#define RETAIL_PRICE_BAND_H

#include "band_value.h"

/* The stored band, checked: XX001 for bytes that are none. */
extern const PriceBand *retail_price_band_read(Datum band);

/* A datum in the current memory context; the band is valid. */
extern Datum retail_price_band_build(const PriceBand *band);

#endif							/* RETAIL_PRICE_BAND_H */
