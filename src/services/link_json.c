/*-------------------------------------------------------------------------
 * link_json.c
 *		A linkage model as jsonb, and back, bit for bit.
 *
 * Likelihoods are written with 17 digits, which is every bit of a double.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "link_json.h"

#define MODEL_FORMAT 1

static const char *const class_names[N_LINK_CLASSES] = {
	"same", "household", "neighbour", "stranger"
};

static void
append_list(StringInfo json, const double *values, int n)
{
	appendStringInfoChar(json, '[');
	for (int i = 0; i < n; i++)
		appendStringInfo(json, "%s%.17g", i == 0 ? "" : ", ", values[i]);
	appendStringInfoChar(json, ']');
}

Datum
retail_link_model_to_jsonb(const LinkModel *model, const char *const *names)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"format\": %d, \"norm_version\": %d, \"records_per_person\": %.17g, \"share\": ",
					 MODEL_FORMAT, RETAIL_NORM_VERSION, model->records_per_person);
	append_list(&json, model->share, N_LINK_CLASSES);
	appendStringInfoString(&json, ", \"slots\": [");
	for (int s = 0; s < model->n_slots; s++)
	{
		const LinkSlot *slot = &model->slots[s];

		appendStringInfo(&json, "%s{\"field\": ", s == 0 ? "" : ", ");
		escape_json(&json, names[slot->field]);
		appendStringInfo(&json, ", \"comparator\": \"%s\", \"part\": %d",
						 retail_field_kind_name((FieldKind) slot->kind), slot->part);
		for (int class = 0; class < N_LINK_CLASSES; class++)
		{
			appendStringInfo(&json, ", \"%s\": ", class_names[class]);
			append_list(&json, slot->p[class], slot->levels);
		}
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoString(&json, "]}");
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

static void
refuse_model(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the value is no linkage model for these fields"),
			 errdetail("%s", detail),
			 errhint("Train one with the same mapping: retail.link_model() or retail.train_model().")));
}

static JsonbValue *
member(JsonbContainer *object, const char *name, enum jbvType type)
{
	JsonbValue	key;
	JsonbValue *value;

	key.type = jbvString;
	key.val.string.val = (char *) name;
	key.val.string.len = (int) strlen(name);
	value = findJsonbValueFromContainer(object, JB_FOBJECT, &key);
	if (value == NULL || value->type != type)
		refuse_model(psprintf("Key \"%s\" is missing or of another type.", name));
	return value;
}

static double
number_of(const JsonbValue *value, const char *name)
{
	double		number;

	if (value == NULL || value->type != jbvNumeric)
		refuse_model(psprintf("Key \"%s\" holds something that is no number.", name));
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!isfinite(number) || number < 0)
		refuse_model(psprintf("Key \"%s\" holds a number out of range.", name));
	return number;
}

/* n likelihoods that are above zero and at most one. */
static void
read_list(JsonbContainer *object, const char *name, double *values, int n)
{
	JsonbValue *list = member(object, name, jbvBinary);

	if (!JsonContainerIsArray(list->val.binary.data) ||
		JsonContainerSize(list->val.binary.data) != n)
		refuse_model(psprintf("Key \"%s\" is no list of %d numbers.", name, n));
	for (int i = 0; i < n; i++)
	{
		values[i] = number_of(getIthJsonbValueFromContainer(list->val.binary.data, i), name);
		if (values[i] <= 0 || values[i] > 1)
			refuse_model(psprintf("Key \"%s\" holds a likelihood that is not above 0 and at most 1.", name));
	}
}

void
retail_link_model_from_jsonb(Datum value, int n_fields, const FieldKind *fields, LinkModel *model)
{
	Jsonb	   *json = DatumGetJsonbP(value);
	JsonbValue *slots;

	if (!JB_ROOT_IS_OBJECT(json))
		refuse_model("It is no JSON object.");
	retail_link_model_init(model, n_fields, fields, 1);
	if (number_of(member(&json->root, "format", jbvNumeric), "format") != MODEL_FORMAT ||
		number_of(member(&json->root, "norm_version", jbvNumeric), "norm_version") != RETAIL_NORM_VERSION)
		refuse_model("It was trained by another version.");
	model->records_per_person = number_of(member(&json->root, "records_per_person", jbvNumeric),
										  "records_per_person");
	if (model->records_per_person < 1)
		refuse_model("Key \"records_per_person\" is below 1.");
	read_list(&json->root, "share", model->share, N_LINK_CLASSES);
	slots = member(&json->root, "slots", jbvBinary);
	if (!JsonContainerIsArray(slots->val.binary.data) ||
		JsonContainerSize(slots->val.binary.data) != model->n_slots)
		refuse_model("Its fields are others.");
	for (int s = 0; s < model->n_slots; s++)
	{
		LinkSlot   *slot = &model->slots[s];
		JsonbValue *item = getIthJsonbValueFromContainer(slots->val.binary.data, s);
		JsonbValue *comparator;
		const char *kind = retail_field_kind_name((FieldKind) slot->kind);

		if (item->type != jbvBinary || !JsonContainerIsObject(item->val.binary.data))
			refuse_model("Its fields are others.");
		comparator = member(item->val.binary.data, "comparator", jbvString);
		if (comparator->val.string.len != (int) strlen(kind) ||
			memcmp(comparator->val.string.val, kind, strlen(kind)) != 0)
			refuse_model("Its fields are others.");
		for (int class = 0; class < N_LINK_CLASSES; class++)
			read_list(item->val.binary.data, class_names[class], slot->p[class], slot->levels);
	}
}
