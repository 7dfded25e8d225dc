/*-------------------------------------------------------------------------
 * field_text.h
 *		A prepared value as text, for people to read.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_FIELD_TEXT_H
#define RETAIL_FIELD_TEXT_H

#include "field_value.h"

#define FIELD_TEXT_MAX (TEXT_NORM_MAX * 3 * 4 + 8)

/*
 * Writes UTF-8 of FIELD_TEXT_MAX bytes at most, terminated; how many bytes.
 * Nothing for addresses and sets, which keep no text.
 */
extern int	retail_field_text(const FieldValue *value, char *out);

/* Text as units, not folded, as many as TEXT_NORM_MAX. */
extern int	retail_text_units(const char *utf8, size_t len, uint16_t *out);

#endif							/* RETAIL_FIELD_TEXT_H */
