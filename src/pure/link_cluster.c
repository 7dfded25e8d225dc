/*-------------------------------------------------------------------------
 * link_cluster.c
 *		From weighed pairs to people, without the closure that joins all.
 *
 * Pairs at a good precision, closed over, become one cluster of half the
 * table: a single wrong pair joins two people and all who hang on them.  Here
 * two clusters join when their records agree on average.  Sums of links
 * between clusters are kept in one hash table; a heap offers the best average,
 * and an entry whose clusters have grown since is skipped when it comes up.
 *-------------------------------------------------------------------------
 */
#include "link_cluster.h"

#include <stdbool.h>
#include <string.h>

#include "text_norm.h"

#define NOBODY UINT32_MAX

/* What is known of the links between two clusters. */
typedef struct Link
{
	uint32_t	a;
	uint32_t	b;
	int64_t		sum;			/* of weights */
	uint32_t	seen;			/* pairs of records; 0: no such link any more */
} Link;

typedef struct Candidate
{
	double		average;
	uint32_t	a;
	uint32_t	b;
	uint32_t	a_size;			/* when it was offered */
	uint32_t	b_size;
} Candidate;

/* A cluster's neighbours, as a list of nodes. */
typedef struct Neighbour
{
	uint32_t	other;
	uint32_t	next;
} Neighbour;

typedef struct Clustering
{
	const LinkHost *host;
	int32_t		threshold;
	uint32_t	cap;
	uint32_t   *size;			/* 0: joined another */
	uint32_t   *parent;
	Link	   *links;
	uint64_t	n_links;		/* a power of two */
	Neighbour  *neighbours;
	uint32_t	n_neighbours;
	uint32_t   *first;			/* of each cluster's neighbours */
	Candidate  *heap;
	uint64_t	n_heap;
	uint64_t	heap_size;
} Clustering;

static uint32_t
find_root(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i)
	{
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

static Link *
find_link(const Clustering *c, uint32_t a, uint32_t b)
{
	uint64_t	at;

	if (a > b)
	{
		uint32_t	swap = a;

		a = b;
		b = swap;
	}
	at = retail_hash_mix(a, b) & (c->n_links - 1);
	while (c->links[at].a != NOBODY && (c->links[at].a != a || c->links[at].b != b))
		at = (at + 1) & (c->n_links - 1);
	if (c->links[at].a == NOBODY)
	{
		c->links[at].a = a;
		c->links[at].b = b;
	}
	return &c->links[at];
}

/* The heaviest first; among equals the least numbers, so that order is one. */
static bool
comes_before(const Candidate *x, const Candidate *y)
{
	if (x->average != y->average)
		return x->average > y->average;
	if (x->a != y->a)
		return x->a < y->a;
	return x->b < y->b;
}

static void
push(Clustering *c, Candidate candidate)
{
	uint64_t	i = c->n_heap++;

	if (c->n_heap > c->heap_size)
	{
		Candidate  *larger = c->host->alloc(2 * c->heap_size * sizeof(Candidate));

		memcpy(larger, c->heap, i * sizeof(Candidate));
		c->host->release(c->heap);
		c->heap = larger;
		c->heap_size *= 2;
	}
	while (i > 0 && comes_before(&candidate, &c->heap[(i - 1) / 2]))
	{
		c->heap[i] = c->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	c->heap[i] = candidate;
}

static Candidate
pop(Clustering *c)
{
	Candidate	top = c->heap[0];
	Candidate	last = c->heap[--c->n_heap];
	uint64_t	i = 0;

	for (;;)
	{
		uint64_t	child = 2 * i + 1;

		if (child >= c->n_heap)
			break;
		if (child + 1 < c->n_heap && comes_before(&c->heap[child + 1], &c->heap[child]))
			child++;
		if (!comes_before(&c->heap[child], &last))
			break;
		c->heap[i] = c->heap[child];
		i = child;
	}
	c->heap[i] = last;
	return top;
}

static void
offer(Clustering *c, uint32_t a, uint32_t b)
{
	const Link *link = find_link(c, a, b);
	double		pairs = (double) c->size[a] * c->size[b];
	double		average = (link->sum + (pairs - link->seen) * LINK_UNSEEN) / pairs;

	if (average < c->threshold || c->size[a] + c->size[b] > c->cap)
		return;
	push(c, (Candidate) {average, a < b ? a : b, a < b ? b : a,
		 c->size[a < b ? a : b], c->size[a < b ? b : a]});
}

static void
add_neighbour(Clustering *c, uint32_t cluster, uint32_t other)
{
	c->neighbours[c->n_neighbours] = (Neighbour) {other, c->first[cluster]};
	c->first[cluster] = c->n_neighbours++;
}

/* The lesser number stays, so that a cluster is named by its first record. */
static void
join(Clustering *c, uint32_t a, uint32_t b)
{
	uint32_t	node = c->first[b];

	c->parent[b] = a;
	c->size[a] += c->size[b];
	c->size[b] = 0;
	while (node != NOBODY)
	{
		uint32_t	next = c->neighbours[node].next;
		uint32_t	other = c->neighbours[node].other;

		if (other != a && c->size[other] > 0)
		{
			Link	   *from = find_link(c, b, other);
			Link	   *to = find_link(c, a, other);

			if (to->seen == 0)
			{
				/* the node moves, and its twin learns the new number */
				c->neighbours[node].next = c->first[a];
				c->first[a] = node;
				for (uint32_t i = c->first[other]; i != NOBODY; i = c->neighbours[i].next)
					if (c->neighbours[i].other == b)
						c->neighbours[i].other = a;
			}
			to->sum += from->sum;
			to->seen += from->seen;
		}
		node = next;
	}
	for (node = c->first[a]; node != NOBODY; node = c->neighbours[node].next)
		if (c->neighbours[node].other != a && c->size[c->neighbours[node].other] > 0)
			offer(c, a, c->neighbours[node].other);
}

static int64_t
clamp(int32_t weight)
{
	return weight > LINK_BEST ? LINK_BEST : weight < LINK_WORST ? LINK_WORST : weight;
}

/* Only links between records that could meet at all are worth keeping. */
static uint64_t
keep_connected(Clustering *c, const LinkPair *pairs, uint64_t n_pairs)
{
	uint64_t	kept = 0;

	for (uint64_t i = 0; i < n_pairs; i++)
		if (pairs[i].weight >= c->threshold)
		{
			uint32_t	a = find_root(c->parent, pairs[i].a);
			uint32_t	b = find_root(c->parent, pairs[i].b);

			c->parent[a < b ? b : a] = a < b ? a : b;
		}
	for (uint64_t i = 0; i < n_pairs; i++)
		kept += find_root(c->parent, pairs[i].a) == find_root(c->parent, pairs[i].b);
	return kept;
}

static void
set_up(Clustering *c, uint32_t n_records, const LinkPair *pairs, uint64_t n_pairs)
{
	uint64_t	kept = keep_connected(c, pairs, n_pairs);

	/* a join makes a new link for each old one at most, and leaves that */
	c->n_links = 64;
	while (c->n_links < 4 * kept)
		c->n_links *= 2;
	c->links = c->host->alloc(c->n_links * sizeof(Link));
	for (uint64_t i = 0; i < c->n_links; i++)
		c->links[i] = (Link) {NOBODY, NOBODY, 0, 0};
	c->neighbours = c->host->alloc((2 * kept + 1) * sizeof(Neighbour));
	c->heap_size = kept + 64;
	c->heap = c->host->alloc(c->heap_size * sizeof(Candidate));
	for (uint32_t i = 0; i < n_records; i++)
	{
		c->size[i] = 1;
		c->first[i] = NOBODY;
	}
	for (uint64_t i = 0; i < n_pairs; i++)
		if (find_root(c->parent, pairs[i].a) == find_root(c->parent, pairs[i].b))
		{
			Link	   *link = find_link(c, pairs[i].a, pairs[i].b);

			link->sum = clamp(pairs[i].weight);
			link->seen = 1;
			add_neighbour(c, pairs[i].a, pairs[i].b);
			add_neighbour(c, pairs[i].b, pairs[i].a);
		}
	for (uint64_t i = 0; i < c->n_links; i++)
		if (c->links[i].a != NOBODY)
			offer(c, c->links[i].a, c->links[i].b);
}

void
retail_link_cluster(const LinkHost *host, uint32_t n_records,
					const LinkPair *pairs, uint64_t n_pairs,
					int32_t threshold, int cap, uint32_t *cluster)
{
	Clustering	c = {.host = host, .threshold = threshold, .cap = (uint32_t) cap};
	uint64_t	joins = 0;

	c.size = host->alloc((n_records + 1) * sizeof(uint32_t));
	c.parent = host->alloc((n_records + 1) * sizeof(uint32_t));
	c.first = host->alloc((n_records + 1) * sizeof(uint32_t));
	for (uint32_t i = 0; i < n_records; i++)
		c.parent[i] = i;
	set_up(&c, n_records, pairs, n_pairs);
	for (uint32_t i = 0; i < n_records; i++)
		c.parent[i] = i;

	while (c.n_heap > 0)
	{
		Candidate	best = pop(&c);

		if (c.size[best.a] == best.a_size && c.size[best.b] == best.b_size)
			join(&c, best.a, best.b);
		if (++joins % 1024 == 0)
			host->poll();
	}
	for (uint32_t i = 0; i < n_records; i++)
		cluster[i] = find_root(c.parent, i);

	host->release(c.heap);
	host->release(c.neighbours);
	host->release(c.links);
	host->release(c.first);
	host->release(c.parent);
	host->release(c.size);
}
