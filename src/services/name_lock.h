/*-------------------------------------------------------------------------
 * name_lock.h
 *		Locks on a name somebody gave, to the end of the transaction.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_NAME_LOCK_H
#define RETAIL_NAME_LOCK_H

#include "postgres.h"

/* What the name is of; pg_advisory_lock's own locks are 1 and 2. */
typedef enum NameLockKind
{
	NAME_LOCK_HOLDER = 3,		/* a holder, at a stock */
	NAME_LOCK_ORDER = 4,		/* an order_ref, of a channel */
	NAME_LOCK_DAY = 5			/* a day, of a location with a capacity */
} NameLockKind;

/*
 * Waits for another transaction that locks the same name beside the same ids.
 * Two names may share a lock, at one in 2^64.
 */
extern void retail_name_lock(NameLockKind kind, const int32 *ids, int nids, Datum name);

/* The same of ids without a name; false: not had, and wait was false. */
extern bool retail_id_lock(NameLockKind kind, const int32 *ids, int nids, bool wait);

#endif							/* RETAIL_NAME_LOCK_H */
