/*-------------------------------------------------------------------------
 * link_json.h
 *		A linkage model as jsonb, and back, bit for bit.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_LINK_JSON_H
#define RETAIL_LINK_JSON_H

#include "postgres.h"

#include "link_model.h"

/* names: of the fields, for readers. */
extern Datum retail_link_model_to_jsonb(const LinkModel *model, const char *const *names);

/*
 * Raises 22023 unless the value is a model of these fields and of this
 * normaliser's version.
 */
extern void retail_link_model_from_jsonb(Datum value, int n_fields, const FieldKind *fields,
										 LinkModel *model);

#endif							/* RETAIL_LINK_JSON_H */
