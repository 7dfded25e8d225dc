/*-------------------------------------------------------------------------
 * request.c
 *		Request keys: a retried call answers what the first try answered.
 *
 * Every mutating call goes through three steps: look the key up (waiting for a
 * try in flight), decide and take units from the counters, store the answer
 * under the key and only then write rows.  Storing is a speculative insertion:
 * of two calls at once one finds the other's row, puts its units back and
 * starts over, which now waits and replays.  Units taken can be put back;
 * that is why the key is stored before the first row is written.
 *
 * Before a refusal is answered the key is looked up once more: the caller's
 * own first try may have got the last unit meanwhile.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "clock.h"
#include "errors.h"
#include "guc.h"
#include "request.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_actor_sql);
PG_FUNCTION_INFO_V1(retail_login_sql);

#define MAX_KEY_LENGTH 200

Request
retail_request_begin(const char *function, Datum key, bool key_isnull)
{
	Request		request = {(Datum) 0, function, 0};

	if (key_isnull)
		return request;
	key = PointerGetDatum(PG_DETOAST_DATUM_PACKED(key));
	if (VARSIZE_ANY_EXHDR(DatumGetPointer(key)) == 0 ||
		pg_mbstrlen_with_len(VARDATA_ANY(DatumGetPointer(key)),
							 VARSIZE_ANY_EXHDR(DatumGetPointer(key))) > MAX_KEY_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request_key must have 1 to %d characters", MAX_KEY_LENGTH)));
	request.key = key;
	return request;
}

void
retail_request_hash_int(Request *request, int64 value)
{
	request->hash = hash_bytes_extended((unsigned char *) &value, sizeof(value),
										request->hash);
}

/* The length goes in too, so that neighbouring texts cannot trade letters. */
void
retail_request_hash_text(Request *request, Datum value, bool isnull)
{
	text	   *t;

	if (isnull)
	{
		retail_request_hash_int(request, -1);
		return;
	}
	t = DatumGetTextPP(value);
	retail_request_hash_int(request, VARSIZE_ANY_EXHDR(t));
	request->hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(t),
										VARSIZE_ANY_EXHDR(t), request->hash);
}

/*
 * Not the current user: within the functions that run as the tables' owner
 * that is the owner, and the ledger is to name who called them.
 */
Datum
retail_actor(void)
{
	return CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), false));
}

/* retail._actor() */
Datum
retail_actor_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(retail_actor());
}

/* Whether pg_retail.shared_logins names the role. */
static bool
is_shared_login(const char *role)
{
	char	   *list = pstrdup(retail_shared_logins);
	List	   *names;
	ListCell   *cell;
	bool		found = false;

	/* the setting was checked when it was made */
	if (!SplitIdentifierString(list, ',', &names))
		elog(ERROR, "list of logins is not one");
	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), role) == 0)
			found = true;
	}
	list_free(names);
	pfree(list);
	return found;
}

/* retail._login() */
Datum
retail_login_sql(PG_FUNCTION_ARGS)
{
	Oid			login = GetSessionUserId();
	char	   *role = GetUserNameFromId(login, false);

	if (superuser_arg(login) || is_shared_login(role))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(role));
}

/* *nlines: as many as it must have, or 0 for any number, which is filled in. */
static StoredLine *
read_answer(RetailScan *scan, int *nlines)
{
	bool		isnull;
	ArrayType  *array = DatumGetArrayTypePCopy(retail_column(TABLE_REQUEST, scan->slot,
															 REQUEST_RESULT, &isnull));
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (*nlines == 0)
		*nlines = n / STORED_LINE_WIDTH;
	if (ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT8OID || n == 0 ||
		n != *nlines * STORED_LINE_WIDTH)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored answer of a request key is damaged")));
	return (StoredLine *) ARR_DATA_PTR(array);
}

StoredLine *
retail_request_find(Request *request, int nlines)
{
	return retail_request_find_any(request, &nlines);
}

StoredLine *
retail_request_find_any(Request *request, int *nlines)
{
	Datum		actor;

	if (request->key == (Datum) 0)
		return NULL;
	actor = retail_actor();
	for (;;)
	{
		ScanKeyData keys[3];
		RetailScan	scan;
		StoredLine *answer = NULL;
		bool		wait = false;

		retail_key_text(&keys[0], 1, request->key);
		retail_key_text(&keys[1], 2, CStringGetTextDatum(request->function));
		retail_key_text(&keys[2], 3, actor);
		retail_scan_begin_dirty(&scan, TABLE_REQUEST, INDEX_REQUEST, RowExclusiveLock, 3, keys);
		if (retail_scan_next(&scan))
		{
			wait = retail_scan_wait_in_flight(&scan);
			if (!wait)
			{
				if ((uint64) retail_column_int64(TABLE_REQUEST, scan.slot, REQUEST_REQUEST_HASH) !=
					request->hash)
					ereport(ERROR,
							(errcode(ERRCODE_RETAIL_REQUEST_KEY_REUSED),
							 errmsg("request_key was used for another request to retail.%s()",
									request->function),
							 errdetail("A request key names one request with all its arguments."),
							 errhint("Use a fresh key for a new request, and the same arguments for a retry.")));
				answer = read_answer(&scan, nlines);
			}
		}
		retail_scan_end(&scan);
		if (!wait)
			return answer;
		CHECK_FOR_INTERRUPTS();
	}
}

bool
retail_request_store(Request *request, const StoredLine *lines, int nlines)
{
	Datum		values[REQUEST_NCOLS];
	bool		isnull[REQUEST_NCOLS] = {false};
	int			n = nlines * STORED_LINE_WIDTH;
	Datum	   *numbers;

	if (request->key == (Datum) 0)
		return true;
	numbers = palloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		numbers[i] = Int64GetDatum(((const int64 *) lines)[i]);
	values[REQUEST_REQUEST_KEY] = request->key;
	values[REQUEST_FUNCTION] = CStringGetTextDatum(request->function);
	values[REQUEST_ACTOR] = retail_actor();
	values[REQUEST_REQUEST_HASH] = Int64GetDatum((int64) request->hash);
	values[REQUEST_RESULT] = PointerGetDatum(
		construct_array(numbers, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[REQUEST_CREATED_AT] = TimestampTzGetDatum(retail_clock_now());
	return retail_row_insert_unique(TABLE_REQUEST, values, isnull);
}
