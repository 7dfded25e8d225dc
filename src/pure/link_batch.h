/*-------------------------------------------------------------------------
 * link_batch.h
 *		A whole table of records, resolved into people.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_LINK_BATCH_H
#define RETAIL_LINK_BATCH_H

#include "link_cluster.h"
#include "link_host.h"
#include "link_model.h"

typedef struct LinkRecord
{
	uint64_t	tie;			/* of the record's key: orders equal records */
	uint32_t	row;			/* the caller's own number */
	uint64_t	content;		/* set here */
	const FieldValue *values[LINK_FIELDS_MAX];	/* NULL: silent */
} LinkRecord;

typedef struct LinkOptions
{
	int			block_cap;		/* records under one block key */
	uint32_t	unblocked;		/* fields that offer no block keys: bit i for field i */
	int			cluster_cap;	/* records of one person */
	int32_t		threshold;		/* the least average weight, in thousandths of a bit */
	int			iterations;		/* of training; 0: the model as given */
} LinkOptions;

#define LINK_BLOCK_CAP 64
#define LINK_CLUSTER_CAP 50
#define LINK_ITERATIONS 25

typedef struct LinkResult
{
	uint32_t   *cluster;		/* of each record: its least record number */
	LinkPair   *pairs;			/* that were weighed above the threshold */
	uint64_t	n_pairs;
	uint64_t	n_compared;
	uint64_t	n_hot;			/* keys given up, too frequent with any other */
} LinkResult;

/*
 * Puts the records into an order of their content, which is the order the
 * result is given in, then finds, weighs and clusters.  The same records in
 * any order give the same people, bit for bit.
 */
extern void retail_link_batch(const LinkHost *host, LinkModel *model,
							  LinkRecord *records, uint32_t n_records,
							  const LinkOptions *options, LinkResult *result);

#endif							/* RETAIL_LINK_BATCH_H */
