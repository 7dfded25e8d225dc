/*-------------------------------------------------------------------------
 * request.h
 *		Request keys: a retried call answers what the first try answered.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_REQUEST_H
#define RETAIL_REQUEST_H

#include "postgres.h"

/*
 * What a call answers, as numbers, one per line of the call.  Kept in
 * retail.request in this order: append, never reorder.
 */
typedef struct StoredLine
{
	int64		outcome;
	int64		id;				/* reservation or movement; 0: none */
	int64		remainder_id;	/* 0: none */
	int64		sku_id;
	int64		location_id;
	int64		qty;
	int64		expires_at;
	int64		on_hand;
	int64		unrecorded_qty;
	int64		shortage_qty;
} StoredLine;

#define STORED_LINE_WIDTH ((int) (sizeof(StoredLine) / sizeof(int64)))

typedef struct Request
{
	Datum		key;			/* text; 0: the caller gave none */
	const char *function;
	uint64		hash;			/* of the arguments */
} Request;

/* Begins a request; key is NULL-able.  Raises 22023 for a bad key. */
extern Request retail_request_begin(const char *function, Datum key, bool key_isnull);

/* Mixes arguments into the hash. */
extern void retail_request_hash_int(Request *request, int64 value);
extern void retail_request_hash_text(Request *request, Datum value, bool isnull);

/*
 * Looks the key up, waiting for a transaction that is inserting it.  The
 * stored answer, which must have nlines lines, or NULL.  Raises RT005 when it
 * belongs to another request.
 */
extern StoredLine *retail_request_find(Request *request, int nlines);

/* The same, of as many lines as it has; *nlines tells. */
extern StoredLine *retail_request_find_any(Request *request, int *nlines);

/*
 * Stores the answer before anything is written: false when another call with
 * this key came first, and its answer is to be found instead.
 */
extern bool retail_request_store(Request *request, const StoredLine *lines, int nlines);

/*
 * The name of the role that called, as ledger rows record it: the session's, or
 * the one it has SET ROLE to.
 */
extern Datum retail_actor(void);

#endif							/* RETAIL_REQUEST_H */
