/*-------------------------------------------------------------------------
 * flag_repair.h
 *		Putting sold-out flags right that a race left wrong.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_FLAG_REPAIR_H
#define RETAIL_FLAG_REPAIR_H

#include "cell.h"

/*
 * Looks at one stock again: expires its lapsed holds and writes its flag from
 * the tables.  For the background worker, one transaction each.
 */
extern void retail_flag_repair_stock(const CellKey *key);

/*
 * Takes the marks of up to max of this database's stocks whose flag wants a
 * look; how many keys it wrote.
 */
extern int	retail_flag_take_due(CellKey *keys, int max);

/* Drains retail.flag_repair: what changes of rules and loads left. */
extern void retail_flag_repair_patterns(void);

#endif							/* RETAIL_FLAG_REPAIR_H */
