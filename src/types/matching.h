/*-------------------------------------------------------------------------
 * matching.h
 *		Texts of the server as prepared values.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_MATCHING_H
#define RETAIL_MATCHING_H

#include "postgres.h"

#include "field_value.h"

/* The kind of this name; raises 22023 for another word. */
extern FieldKind retail_matching_kind(text *name);

/*
 * A prepared value in the current context, of FIELD_VALUE_MAX bytes; NULL
 * when the text says nothing.  Raises F0000 when ICU's rules are not there.
 */
extern FieldValue *retail_matching_prepare(FieldKind kind, text *value);

/* Of a name in two columns; NULL: the column says nothing. */
extern FieldValue *retail_matching_prepare_names(text *given, text *surname);

#endif							/* RETAIL_MATCHING_H */
