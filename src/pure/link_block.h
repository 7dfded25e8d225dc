/*-------------------------------------------------------------------------
 * link_block.h
 *		Which pairs of records are worth a comparison.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_LINK_BLOCK_H
#define RETAIL_LINK_BLOCK_H

#include <stdint.h>

#include "field_value.h"
#include "link_host.h"

#define LINK_KEYS_MAX 64

/* The keys of one record: of each the field it is of. */
typedef struct RecordKeys
{
	int			n;
	uint64_t	keys[LINK_KEYS_MAX];
	uint8_t		fields[LINK_KEYS_MAX];
} RecordKeys;

/* Reads the keys of record i; the callback's own data first. */
typedef void (*ReadKeys) (const void *data, uint32_t i, RecordKeys *keys);

/* A pair as one number: the lesser record, then the greater. */
typedef uint64_t BlockPair;

#define BLOCK_PAIR_A(pair) ((uint32_t) ((pair) >> 32))
#define BLOCK_PAIR_B(pair) ((uint32_t) (pair))

/*
 * All pairs of records with a key in common that cap records have at most.
 * A key that more have is refined by each other such key of the record, and a
 * combination that is still too frequent by a third; *n_hot counts what is
 * too frequent even then.  Ascending, without duplicates; the caller releases
 * them.
 */
extern BlockPair *retail_link_candidates(const LinkHost *host, ReadKeys read_keys,
										 const void *data, uint32_t n_records, int cap,
										 uint64_t *n_pairs, uint64_t *n_hot);

#endif							/* RETAIL_LINK_BLOCK_H */
