/*-------------------------------------------------------------------------
 * name_lock.c
 *		Locks on a name somebody gave, to the end of the transaction.
 *
 * Advisory locks of the server; the fourth field of the tag keeps them apart
 * from those of pg_advisory_lock() and from each other.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "compat.h"
#include "name_lock.h"

static bool
lock_hash(NameLockKind kind, uint64 hash, bool wait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, kind);
	return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

static uint64
hash_ids(NameLockKind kind, const int32 *ids, int nids)
{
	return hash_bytes_extended((const unsigned char *) ids, sizeof(int32) * nids, kind);
}

void
retail_name_lock(NameLockKind kind, const int32 *ids, int nids, Datum name)
{
	text	   *t = DatumGetTextPP(name);

	(void) lock_hash(kind, hash_bytes_extended((unsigned char *) VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t),
											   hash_ids(kind, ids, nids)), true);
}

bool
retail_id_lock(NameLockKind kind, const int32 *ids, int nids, bool wait)
{
	return lock_hash(kind, hash_ids(kind, ids, nids), wait);
}
