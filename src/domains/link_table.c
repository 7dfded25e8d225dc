/*-------------------------------------------------------------------------
 * link_table.c
 *		Any table of people, resolved: link_table(), link_pairs(), link_model().
 *
 * The table is read with the caller's own rights, once, row by row through a
 * cursor; each value is prepared and the text forgotten.  Everything lives in
 * one memory context that goes with the call.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "compat.h"
#include "link_batch.h"
#include "link_json.h"
#include "matching.h"

PG_FUNCTION_INFO_V1(retail_link_table);
PG_FUNCTION_INFO_V1(retail_link_pairs);
PG_FUNCTION_INFO_V1(retail_sql_link_model);

#define FETCH_ROWS 1000
#define KEY_COMPARATOR "key"
#define GIVEN_COMPARATOR "given"
#define SURNAME_COMPARATOR "surname"
#define NO_COLUMN (-1)

/* The mapping: which columns are read, and as which fields. */
typedef struct Mapping
{
	char	   *key;			/* an expression */
	int			n_columns;
	char	   *columns[LINK_FIELDS_MAX + 2];
	int			n_fields;
	FieldKind	fields[LINK_FIELDS_MAX];
	const char *names[LINK_FIELDS_MAX];
	int			column_of[LINK_FIELDS_MAX]; /* of a name in two: the given name's */
	int			surname_of[LINK_FIELDS_MAX];	/* or NO_COLUMN */
	uint32_t	unblocked;
} Mapping;

typedef struct Linking
{
	Mapping		mapping;
	LinkOptions options;
	LinkModel	model;
	bool		model_given;
	MemoryContext values_cxt;
	LinkRecord *records;
	char	  **keys;			/* by row */
	uint32_t	n_records;
	uint32_t	size;
	LinkResult	result;
} Linking;

static void *
alloc(size_t size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, size > 0 ? size : 1);
}

static void
poll(void)
{
	CHECK_FOR_INTERRUPTS();
}

static const LinkHost host = {alloc, pfree, poll};

static void
refuse_mapping(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

static int
add_column(Mapping *mapping, Oid relation, char *column)
{
	if (get_attnum(relation, column) == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", column, get_rel_name(relation))));
	mapping->columns[mapping->n_columns] = column;
	return mapping->n_columns++;
}

static void
add_field(Mapping *mapping, FieldKind kind, const char *name, int column, int surname)
{
	if (mapping->n_fields >= LINK_FIELDS_MAX)
		refuse_mapping(psprintf("more than %d columns are mapped", LINK_FIELDS_MAX),
					   "Leave out what says least.");
	mapping->fields[mapping->n_fields] = kind;
	mapping->names[mapping->n_fields] = name;
	mapping->column_of[mapping->n_fields] = column;
	mapping->surname_of[mapping->n_fields++] = surname;
}

/* The primary key, if it is of one column; else where the row lies. */
static char *
default_key(Oid relation)
{
	char		kind = get_rel_relkind(relation);
	Relation	rel = relation_open(relation, AccessShareLock);
	Oid			index = retail_primary_key_index(rel);
	char	   *key = NULL;

	if (OidIsValid(index))
	{
		Relation	pkey = relation_open(index, AccessShareLock);

		if (pkey->rd_index->indnkeyatts == 1)
			key = get_attname(relation, pkey->rd_index->indkey.values[0], false);
		relation_close(pkey, AccessShareLock);
	}
	relation_close(rel, AccessShareLock);
	if (key != NULL)
		return pstrdup(quote_identifier(key));
	if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW)
		refuse_mapping("the mapping names no key",
					   "Map the column that identifies a row to \"key\".");
	return pstrdup("ctid");
}

/*
 * {"column": "comparator"} or {"column": {"comparator": ..., "block": false}}.
 * Columns are taken in order of name, so that equal mappings make equal models.
 */
static void
read_mapping(Mapping *mapping, Oid relation, Datum value)
{
	Oid			types[1] = {JSONBOID};
	Datum		args[1] = {value};
	char	   *given = NULL;
	char	   *surname = NULL;
	bool		names_unblocked = false;

	if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(value)))
		refuse_mapping("the mapping is no JSON object", "It maps columns to comparators: {\"dob\": \"date\"}.");
	SPI_execute_with_args("SELECT e.key,"
						  " CASE pg_catalog.jsonb_typeof(e.value)"
						  " WHEN 'string' THEN e.value OPERATOR(pg_catalog.#>>) '{}'"
						  " WHEN 'object' THEN e.value OPERATOR(pg_catalog.->>) 'comparator' END,"
						  " CASE pg_catalog.jsonb_typeof(e.value) WHEN 'object' THEN"
						  " e.value OPERATOR(pg_catalog.->>) 'block' END"
						  " FROM pg_catalog.jsonb_each($1) e ORDER BY e.key COLLATE pg_catalog.\"C\"",
						  1, types, args, NULL, true, 0);
	if (SPI_processed > LINK_FIELDS_MAX + 2)
		refuse_mapping(psprintf("more than %d columns are mapped", LINK_FIELDS_MAX), "Leave out what says least.");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *column = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		char	   *comparator = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		char	   *block = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);
		bool		unblocked = block != NULL && strcmp(block, "false") == 0;

		if (comparator == NULL)
			refuse_mapping(psprintf("column \"%s\" is mapped to no comparator", column),
						   "Map it to a word, \"date\", or to {\"comparator\": \"date\", \"block\": false}.");
		if (strcmp(comparator, KEY_COMPARATOR) == 0)
		{
			if (get_attnum(relation, column) == InvalidAttrNumber)
				(void) add_column(mapping, relation, column);
			mapping->key = pstrdup(quote_identifier(column));
		}
		else if (strcmp(comparator, GIVEN_COMPARATOR) == 0 && given == NULL)
		{
			given = column;
			names_unblocked |= unblocked;
		}
		else if (strcmp(comparator, SURNAME_COMPARATOR) == 0 && surname == NULL)
		{
			surname = column;
			names_unblocked |= unblocked;
		}
		else if (strcmp(comparator, GIVEN_COMPARATOR) == 0 || strcmp(comparator, SURNAME_COMPARATOR) == 0)
			refuse_mapping(psprintf("two columns are mapped to \"%s\"", comparator),
						   "A person has one name; map another one to \"name\".");
		else
		{
			if (unblocked)
				mapping->unblocked |= (uint32_t) 1 << mapping->n_fields;
			add_field(mapping, retail_matching_kind(cstring_to_text(comparator)), column,
					  add_column(mapping, relation, column), NO_COLUMN);
		}
	}
	if (given != NULL || surname != NULL)
	{
		int			given_at = given == NULL ? NO_COLUMN : add_column(mapping, relation, given);
		int			surname_at = surname == NULL ? NO_COLUMN : add_column(mapping, relation, surname);

		if (names_unblocked)
			mapping->unblocked |= (uint32_t) 1 << mapping->n_fields;
		add_field(mapping, FIELD_NAME, given != NULL ? given : surname, given_at, surname_at);
	}
	if (mapping->n_fields == 0)
		refuse_mapping("the mapping maps no column", "It maps columns to comparators: {\"dob\": \"date\"}.");
	if (mapping->key == NULL)
		mapping->key = default_key(relation);
}

static double
option_number(JsonbContainer *options, const char *name, double otherwise, double low, double high)
{
	JsonbValue	key;
	JsonbValue *value;
	double		number;

	key.type = jbvString;
	key.val.string.val = (char *) name;
	key.val.string.len = (int) strlen(name);
	value = findJsonbValueFromContainer(options, JB_FOBJECT, &key);
	if (value == NULL)
		return otherwise;
	number = value->type != jbvNumeric ? high + 1 :
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!(number >= low && number <= high))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be a number from %g to %g", name, low, high)));
	return number;
}

static void
check_options_known(Jsonb *options)
{
	static const char *const known[] = {"block_cap", "max_cluster", "model", "threshold"};
	JsonbIterator *it = JsonbIteratorInit(&options->root);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		found = token != WJB_KEY;

		for (int i = 0; i < lengthof(known) && !found; i++)
			found = value.val.string.len == (int) strlen(known[i]) &&
				memcmp(value.val.string.val, known[i], value.val.string.len) == 0;
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown option \"%s\"", pnstrdup(value.val.string.val, value.val.string.len)),
					 errhint("Options are block_cap, max_cluster, model and threshold.")));
	}
}

static void
read_options(Linking *linking, Datum value)
{
	Jsonb	   *options = DatumGetJsonbP(value);
	JsonbValue	key;
	JsonbValue *model;

	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the options are no JSON object")));
	check_options_known(options);
	linking->options.block_cap = (int) option_number(&options->root, "block_cap", LINK_BLOCK_CAP, 2, 10000);
	linking->options.cluster_cap = (int) option_number(&options->root, "max_cluster", LINK_CLUSTER_CAP, 2, 1000);
	linking->options.threshold = (int32_t) (LINK_BIT * option_number(&options->root, "threshold", 0, -20, 20));
	linking->options.unblocked = linking->mapping.unblocked;
	linking->options.iterations = LINK_ITERATIONS;

	key.type = jbvString;
	key.val.string.val = "model";
	key.val.string.len = 5;
	model = findJsonbValueFromContainer(&options->root, JB_FOBJECT, &key);
	if (model == NULL || model->type == jbvNull)
		return;
	retail_link_model_from_jsonb(JsonbPGetDatum(JsonbValueToJsonb(model)), linking->mapping.n_fields,
								 linking->mapping.fields, &linking->model);
	linking->model_given = true;
	linking->options.iterations = 0;
}

static const FieldValue *
keep_value(Linking *linking, const FieldValue *value)
{
	FieldValue *kept;

	if (value == NULL)
		return NULL;
	kept = MemoryContextAlloc(linking->values_cxt, value->size);
	memcpy(kept, value, value->size);
	return kept;
}

static text *
column_text(HeapTuple row, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value;

	if (column == NO_COLUMN)
		return NULL;
	value = SPI_getbinval(row, desc, column + 2, &isnull);
	return isnull ? NULL : DatumGetTextPP(value);
}

static void
read_row(Linking *linking, HeapTuple row, TupleDesc desc)
{
	LinkRecord *record;
	char	   *key = SPI_getvalue(row, desc, 1);

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key of a record is null"),
				 errhint("Map a column without nulls to \"key\".")));
	if (linking->n_records == linking->size)
	{
		if (linking->size >= PG_INT32_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many records")));
		linking->size *= 2;
		linking->records = repalloc_huge(linking->records, linking->size * sizeof(LinkRecord));
		linking->keys = repalloc_huge(linking->keys, linking->size * sizeof(char *));
	}
	record = &linking->records[linking->n_records];
	memset(record, 0, sizeof(*record));
	record->row = linking->n_records;
	record->tie = hash_bytes_extended((unsigned char *) key, (int) strlen(key), 0);
	linking->keys[linking->n_records++] = MemoryContextStrdup(linking->values_cxt, key);

	for (int f = 0; f < linking->mapping.n_fields; f++)
	{
		text	   *value = column_text(row, desc, linking->mapping.column_of[f]);
		text	   *surname = column_text(row, desc, linking->mapping.surname_of[f]);
		FieldValue *prepared = NULL;

		if (linking->mapping.surname_of[f] != NO_COLUMN || linking->mapping.column_of[f] == NO_COLUMN)
			prepared = retail_matching_prepare_names(value, surname);
		else if (value != NULL)
			prepared = retail_matching_prepare(linking->mapping.fields[f], value);
		record->values[f] = keep_value(linking, prepared);
	}
}

static char *
row_query(const Mapping *mapping, Oid relation)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT (%s)::pg_catalog.text", mapping->key);
	for (int i = 0; i < mapping->n_columns; i++)
		appendStringInfo(&query, ", (%s)::pg_catalog.text", quote_identifier(mapping->columns[i]));
	appendStringInfo(&query, " FROM %s",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
												get_rel_name(relation)));
	return query.data;
}

static void
read_rows(Linking *linking, Oid relation)
{
	Portal		portal = SPI_cursor_open_with_args(NULL, row_query(&linking->mapping, relation),
												   0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	MemoryContext row_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail link row",
												  ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_cxt);

			read_row(linking, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_cxt);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

/* Everything up to the people; the arguments are the same for all functions. */
static Linking *
link_relation(FunctionCallInfo fcinfo)
{
	Oid			relation = PG_GETARG_OID(0);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail linkage",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	Linking    *linking = palloc0(sizeof(Linking));

	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
	linking->values_cxt = cxt;
	linking->size = 1024;
	linking->records = palloc(linking->size * sizeof(LinkRecord));
	linking->keys = palloc(linking->size * sizeof(char *));

	SPI_connect();
	read_mapping(&linking->mapping, relation, PG_GETARG_DATUM(1));
	read_options(linking, PG_GETARG_DATUM(2));
	read_rows(linking, relation);
	for (int f = 0; f < linking->mapping.n_fields; f++)
		linking->mapping.names[f] = MemoryContextStrdup(cxt, linking->mapping.names[f]);
	SPI_finish();

	MemoryContextSwitchTo(cxt);
	if (!linking->model_given)
		retail_link_model_init(&linking->model, linking->mapping.n_fields, linking->mapping.fields,
							   linking->n_records);
	retail_link_batch(&host, &linking->model, linking->records, linking->n_records,
					  &linking->options, &linking->result);
	MemoryContextSwitchTo(old);
	return linking;
}

static const char *
key_of(const Linking *linking, uint32_t record)
{
	return linking->keys[linking->records[record].row];
}

/* link_table(relation, mapping, options) */
Datum
retail_link_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *answer;
	Linking    *linking;
	uint32_t   *cluster;
	int32	   *size;
	double	   *sum;

	InitMaterializedSRF(fcinfo, 0);
	answer = (ReturnSetInfo *) fcinfo->resultinfo;
	linking = link_relation(fcinfo);
	cluster = linking->result.cluster;
	size = MemoryContextAllocHuge(linking->values_cxt, (linking->n_records + 1) * sizeof(int32));
	sum = MemoryContextAllocHuge(linking->values_cxt, (linking->n_records + 1) * sizeof(double));
	memset(size, 0, linking->n_records * sizeof(int32));
	memset(sum, 0, linking->n_records * sizeof(double));
	for (uint32_t i = 0; i < linking->n_records; i++)
		size[cluster[i]]++;
	/* what was never compared counts LINK_UNSEEN: begin with that for all */
	for (uint32_t i = 0; i < linking->n_records; i++)
		sum[i] = (double) LINK_UNSEEN * (size[cluster[i]] - 1);
	for (uint64_t p = 0; p < linking->result.n_pairs; p++)
	{
		const LinkPair *pair = &linking->result.pairs[p];

		if (cluster[pair->a] == cluster[pair->b])
		{
			sum[pair->a] += pair->weight - LINK_UNSEEN;
			sum[pair->b] += pair->weight - LINK_UNSEEN;
		}
	}
	for (uint32_t i = 0; i < linking->n_records; i++)
	{
		int32		others = size[cluster[i]] - 1;
		Datum		values[4] = {
			CStringGetTextDatum(key_of(linking, i)),
			Int64GetDatum((int64) cluster[i] + 1),
			Int32GetDatum(others + 1),
			Float8GetDatum(others > 0 ? sum[i] / others / LINK_BIT : 0)
		};
		bool		nulls[4] = {false, false, false, others == 0};

		tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
	}
	MemoryContextDelete(linking->values_cxt);
	return (Datum) 0;
}

/* link_pairs(relation, mapping, options) */
Datum
retail_link_pairs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *answer;
	Linking    *linking;

	InitMaterializedSRF(fcinfo, 0);
	answer = (ReturnSetInfo *) fcinfo->resultinfo;
	linking = link_relation(fcinfo);
	for (uint64_t p = 0; p < linking->result.n_pairs; p++)
	{
		const LinkPair *pair = &linking->result.pairs[p];
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		if (pair->weight < linking->options.threshold &&
			linking->result.cluster[pair->a] != linking->result.cluster[pair->b])
			continue;
		values[0] = CStringGetTextDatum(key_of(linking, pair->a));
		values[1] = CStringGetTextDatum(key_of(linking, pair->b));
		values[2] = Float8GetDatum((double) pair->weight / LINK_BIT);
		values[3] = BoolGetDatum(linking->result.cluster[pair->a] == linking->result.cluster[pair->b]);
		tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
		pfree(DatumGetPointer(values[1]));
	}
	MemoryContextDelete(linking->values_cxt);
	return (Datum) 0;
}

/* link_model(relation, mapping, options) */
Datum
retail_sql_link_model(PG_FUNCTION_ARGS)
{
	Linking    *linking = link_relation(fcinfo);
	Datum		model = retail_link_model_to_jsonb(&linking->model, linking->mapping.names);

	MemoryContextDelete(linking->values_cxt);
	PG_RETURN_DATUM(model);
}
