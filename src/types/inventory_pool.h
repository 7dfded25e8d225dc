/*-------------------------------------------------------------------------
 * inventory_pool.h
 *		Type inventory_pool for other C modules.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_INVENTORY_POOL_H
#define RETAIL_INVENTORY_POOL_H

#include "pool_vector.h"

/*
 * Builds a pool in the current memory context.  "entries" may come in any
 * order and is changed; a location that occurs twice is refused.
 */
extern Datum retail_inventory_pool_build(PoolEntry *entries, int32_t nentries);

/*
 * Reads a pool into a palloc'd array in the current memory context and
 * returns the number of its entries.
 */
extern int32_t retail_inventory_pool_read(Datum pool, PoolEntry **entries);

#endif							/* RETAIL_INVENTORY_POOL_H */
