/*-------------------------------------------------------------------------
 * band_key.h
 *		What a GiST index keeps of price bands.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_BAND_KEY_H
#define RETAIL_BAND_KEY_H

#include "band_value.h"

/*
 * A box around bands: amounts in ten-thousandths, so that bands of different
 * decimals fit into one, and units (see band_key.c), bounds included.
 */
typedef struct PriceBandKey
{
	int64_t		low_e4;
	int64_t		high_e4;
	uint32_t	unit_first;
	uint32_t	unit_last;
} PriceBandKey;

/* One entry of a page that is to be split, with room to work in. */
typedef struct BandSplitItem
{
	PriceBandKey key;
	PriceBandKey rest;			/* box around this and all later items */
	int32_t		entry;			/* which one it is */
} BandSplitItem;

extern void retail_band_key_make(const PriceBand *band, PriceBandKey *key);
extern bool retail_band_key_check(const PriceBandKey *key);
extern void retail_band_key_add(PriceBandKey *key, const PriceBandKey *more);
extern bool retail_band_key_same(const PriceBandKey *a,
								 const PriceBandKey *b);
extern bool retail_band_key_contains(const PriceBandKey *key,
									 int64_t amount_e4, bool is_leaf);
extern bool retail_band_key_overlaps(const PriceBandKey *key,
									 const PriceBandKey *other);
extern float retail_band_key_penalty(const PriceBandKey *key,
									 const PriceBandKey *added);
extern int32_t retail_band_key_split(BandSplitItem *items, int32_t nitems);
extern void retail_band_key_unit(uint32_t unit, char *currency,
								 int *decimals);

#endif							/* RETAIL_BAND_KEY_H */
