/*-------------------------------------------------------------------------
 * pool_vector.h
 *		Sorted (location, units) vectors and their packed form.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_POOL_VECTOR_H
#define RETAIL_POOL_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most locations one pool may name; bounds what one value can cost. */
#define POOL_MAX_LOCATIONS	1000000

/* Enough bytes of the packed form to read its count and total. */
#define POOL_HEADER_MAX_BYTES	(1 + 5 + 9)

typedef struct PoolEntry
{
	int32_t		location_id;
	int64_t		qty;
} PoolEntry;

typedef enum PoolStatus
{
	POOL_OK,
	POOL_END,					/* the reader has returned every entry */
	POOL_BAD_SYNTAX,			/* text does not follow the grammar */
	POOL_BAD_LOCATION,			/* location id is not in 1..INT32_MAX */
	POOL_BAD_QTY,				/* units are not in 0..INT64_MAX */
	POOL_DUPLICATE,				/* a location occurs twice */
	POOL_TOTAL_OVERFLOW,		/* the sum of all units exceeds INT64_MAX */
	POOL_TOO_MANY,				/* more than POOL_MAX_LOCATIONS */
	POOL_CORRUPT				/* the packed form breaks its own rules */
} PoolStatus;

typedef enum PoolDuplicates
{
	POOL_REFUSE_DUPLICATES,
	POOL_SUM_DUPLICATES
} PoolDuplicates;

/* What was wrong, for the message: filled in when a status is not POOL_OK. */
typedef struct PoolFault
{
	size_t		offset;			/* byte offset in text, else 0 */
	int32_t		location_id;	/* offending location, where there is one */
	int64_t		qty;			/* offending units, where there are some */
} PoolFault;

/* Walks a packed pool.  Borrows the bytes, owns nothing. */
typedef struct PoolReader
{
	const uint8_t *cursor;
	const uint8_t *end;
	int32_t		count;			/* entries in all, from the header */
	int32_t		left;			/* entries not returned yet */
	int32_t		last_location_id;
	int64_t		total;			/* units in all, from the header */
	int64_t		total_left;		/* units not returned yet */
} PoolReader;

/* plain vectors */
extern PoolStatus retail_pool_vector_normalise(PoolEntry *entries,
											   int32_t *nentries,
											   PoolDuplicates duplicates,
											   int64_t *total,
											   PoolFault *fault);
extern PoolStatus retail_pool_vector_add(const PoolEntry *a, int32_t na,
										 const PoolEntry *b, int32_t nb,
										 PoolEntry *out, int32_t *nout,
										 int64_t *total);
extern void retail_pool_vector_subtract(const PoolEntry *a, int32_t na,
										const PoolEntry *b, int32_t nb,
										PoolEntry *out, int32_t *nout,
										int64_t *total);
extern int32_t retail_pool_vector_fewest(int64_t *qtys, int32_t nqtys,
										 int64_t wanted);

/* text form */
extern int32_t retail_pool_vector_text_capacity(const char *text, size_t len);
extern PoolStatus retail_pool_vector_parse(const char *text, size_t len,
										   PoolEntry *entries,
										   int32_t capacity,
										   int32_t *nentries,
										   PoolFault *fault);
extern size_t retail_pool_vector_text_bound(int32_t nentries);
extern size_t retail_pool_vector_format(const PoolEntry *entries,
										int32_t nentries, char *out);

/* packed form */
extern size_t retail_pool_vector_packed_size(const PoolEntry *entries,
											 int32_t nentries, int64_t total);
extern size_t retail_pool_vector_pack(const PoolEntry *entries,
									  int32_t nentries, int64_t total,
									  uint8_t *out);
extern PoolStatus retail_pool_vector_header(const uint8_t *bytes, size_t len,
											int32_t *count, int64_t *total);
extern PoolStatus retail_pool_vector_open(PoolReader *reader,
										  const uint8_t *bytes, size_t len);
extern PoolStatus retail_pool_vector_next(PoolReader *reader,
										  PoolEntry *entry);
extern PoolStatus retail_pool_vector_unpack(const uint8_t *bytes, size_t len,
											PoolEntry *entries,
											int32_t capacity,
											int32_t *nentries);
extern PoolStatus retail_pool_vector_at(const uint8_t *bytes, size_t len,
										int32_t location_id, int64_t *qty);
extern PoolStatus retail_pool_vector_compare(const uint8_t *a, size_t alen,
											 const uint8_t *b, size_t blen,
											 int *order);
extern PoolStatus retail_pool_vector_covers(const uint8_t *a, size_t alen,
											const uint8_t *b, size_t blen,
											bool *covers);

#endif							/* RETAIL_POOL_VECTOR_H */
