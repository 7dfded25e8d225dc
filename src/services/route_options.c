/*-------------------------------------------------------------------------
 * route_options.c
 *		The options argument of route(), place_order() and their kin.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "arg.h"
#include "master.h"
#include "route_options.h"

#define MAX_EXCLUDED 1000
#define MAX_REACH 10000

static void
refuse_option(const char *key, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" has a wrong value", key),
			 errdetail("Expected: %s.", expected)));
}

static char *
string_of(const JsonbValue *value, const char *key, const char *expected)
{
	if (value->type != jbvString)
		refuse_option(key, expected);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static Datum
text_of(const JsonbValue *value, const char *key, const char *expected)
{
	return CStringGetTextDatum(string_of(value, key, expected));
}

static bool
bool_of(const JsonbValue *value, const char *key)
{
	if (value->type != jbvBool)
		refuse_option(key, "true or false");
	return value->val.boolean;
}

static int
count_of(const JsonbValue *value, const char *key, int most)
{
	char	   *expected = psprintf("a whole number, 1 to %d", most);
	Datum		number;

	if (value->type != jbvNumeric)
		refuse_option(key, expected);
	number = NumericGetDatum(value->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number,
										  DirectFunctionCall2(numeric_round, number, Int32GetDatum(0)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_le, number,
										  DirectFunctionCall1(int4_numeric, Int32GetDatum(most)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_gt, number,
										  DirectFunctionCall1(int4_numeric, Int32GetDatum(0)))))
		refuse_option(key, expected);
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, number));
}

/* A list of location codes; the array's elements follow in the iterator. */
static void
read_excluded(JsonbIterator **it, RouteOptions *options)
{
	JsonbValue	value;
	int			room = 16;

	options->excluded = palloc(sizeof(int32) * room);
	while (JsonbIteratorNext(it, &value, true) == WJB_ELEM)
	{
		if (options->nexcluded == MAX_EXCLUDED)
			refuse_option("exclude", "at most 1,000 location codes");
		if (options->nexcluded == room)
		{
			room *= 2;
			options->excluded = repalloc(options->excluded, sizeof(int32) * room);
		}
		options->excluded[options->nexcluded++] =
			retail_master_location(text_of(&value, "exclude", "a list of location codes")).id;
	}
}

static void
read_datum(const JsonbValue *value, RouteOptions *options)
{
	const char *expected = "WGS-84, GCJ-02 or BD-09";
	char	   *name = string_of(value, "datum", expected);

	if (!retail_geo_datum_by_name(name, strlen(name), &options->datum))
		refuse_option("datum", expected);
}

static void
read_at(const JsonbValue *value, RouteOptions *options)
{
	char	   *at = string_of(value, "at", "a timestamptz");

	options->at = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(at),
														  ObjectIdGetDatum(InvalidOid),
														  Int32GetDatum(-1)));
	if (TIMESTAMP_NOT_FINITE(options->at))
		refuse_option("at", "a moment, not infinity");
	options->has_at = true;
}

static void
read_ttl(const JsonbValue *value, RouteOptions *options)
{
	char	   *ttl = string_of(value, "ttl", "an interval");

	options->ttl_us = retail_ttl_us(DatumGetIntervalP(
													  DirectFunctionCall3(interval_in, CStringGetDatum(ttl),
																		  ObjectIdGetDatum(InvalidOid),
																		  Int32GetDatum(-1))));
}

/* Whether the option is one of place_order(). */
static bool
read_order_option(const char *key, const JsonbValue *value, RouteOptions *options)
{
	if (strcmp(key, "ttl") == 0)
		read_ttl(value, options);
	else if (strcmp(key, "guide") == 0)
		options->guide = retail_check_ref(text_of(value, key, "a text"), "guide");
	else if (strcmp(key, "backorder") == 0)
		options->backorder = bool_of(value, key);
	else
		return false;
	return true;
}

static bool
read_option(const char *key, const JsonbValue *value, RouteOptions *options)
{
	if (strcmp(key, "datum") == 0)
		read_datum(value, options);
	else if (strcmp(key, "at") == 0)
		read_at(value, options);
	else if (strcmp(key, "location") == 0)
		options->location_id = retail_master_location(text_of(value, key, "a location code")).id;
	else if (strcmp(key, "max_parcels") == 0)
		options->max_parcels = count_of(value, key, 40);
	else if (strcmp(key, "reach") == 0)
		options->reach = count_of(value, key, MAX_REACH);
	else if (strcmp(key, "no_split") == 0)
		options->no_split = bool_of(value, key);
	else if (strcmp(key, "partial") == 0)
		options->partial = bool_of(value, key);
	else
		return false;
	return true;
}

void
retail_route_options(FunctionCallInfo fcinfo, int i, bool for_order, RouteOptions *options)
{
	JsonbIterator *it;
	JsonbValue	value;
	Jsonb	   *json;
	char	   *key;

	memset(options, 0, sizeof(*options));
	if (PG_ARGISNULL(i))
		return;
	json = PG_GETARG_JSONB_P(i);
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object")));
	it = JsonbIteratorInit(&json->root);
	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, false) == WJB_KEY)
	{
		JsonbIteratorToken token;

		key = pnstrdup(value.val.string.val, value.val.string.len);
		token = JsonbIteratorNext(&it, &value, false);
		if (token == WJB_BEGIN_ARRAY && strcmp(key, "exclude") == 0)
			read_excluded(&it, options);
		else if (token != WJB_VALUE || strcmp(key, "exclude") == 0)
			refuse_option(key, strcmp(key, "exclude") == 0 ?
						  "a list of location codes" : "a single value");
		else if (value.type != jbvNull && !read_option(key, &value, options) &&
				 !(for_order && read_order_option(key, &value, options)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown option \"%.60s\"", key)));
	}
}
