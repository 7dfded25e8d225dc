/*-------------------------------------------------------------------------
 * link_cluster.h
 *		From weighed pairs to people, without the closure that joins all.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_LINK_CLUSTER_H
#define RETAIL_LINK_CLUSTER_H

#include <stdint.h>

#include "link_host.h"

typedef struct LinkPair
{
	uint32_t	a;				/* record numbers, a < b */
	uint32_t	b;
	int32_t		weight;			/* in thousandths of a bit */
} LinkPair;

/* The weight of two records that were never compared, the worst and best. */
#define LINK_UNSEEN (-500)
#define LINK_WORST (-20000)
#define LINK_BEST 20000

/*
 * Joins the pair of clusters with the heaviest average link first, as long as
 * that average is threshold at least and the result has cap records at most.
 * Pairs, sorted by a then b, are all that were compared; a pair that was not
 * counts LINK_UNSEEN.  cluster[i] becomes the least record of i's cluster.
 */
extern void retail_link_cluster(const LinkHost *host, uint32_t n_records,
								const LinkPair *pairs, uint64_t n_pairs,
								int32_t threshold, int cap, uint32_t *cluster);

#endif							/* RETAIL_LINK_CLUSTER_H */
