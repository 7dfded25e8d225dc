/*-------------------------------------------------------------------------
 * field_parts.h
 *		Building and reading prepared values: for the files of their kinds.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_FIELD_PARTS_H
#define RETAIL_FIELD_PARTS_H

#include "field_value.h"

/* A run of units: of a prepared value, or in a local array. */
typedef struct Part
{
	const uint16_t *units;
	int			len;
} Part;

/* Keys being collected. */
typedef struct KeyList
{
	uint64_t   *keys;
	int			n;
} KeyList;

extern void retail_field_begin(FieldValue *value, FieldKind kind);
extern void retail_field_set(FieldValue *value, int part, const uint16_t *units, int len);
extern int	retail_field_end(FieldValue *value);
extern Part retail_field_part(const FieldValue *value, int part);

extern bool retail_part_equal(Part a, Part b);
extern bool retail_part_one_edit(Part a, Part b);
extern double retail_part_similarity(Part a, Part b);
extern uint64_t retail_part_hash(Part part, uint64_t seed);

/* The letters of a text as a set: equal sets may still differ. */
extern uint32_t retail_part_letters(Part part);

/*
 * What the two sets of letters allow: no fewer edits, and no more similarity
 * by Jaro and Winkler, than this.  Most pairs are told apart here.
 */
extern int	retail_letters_edits(uint32_t a, uint32_t b);
extern double retail_letters_similarity(uint32_t a, int alen, uint32_t b, int blen);

extern void retail_key_add(KeyList *list, uint64_t key);

/*
 * What a Latin word sounds like, roughly: its first letter and its consonants,
 * those that are confused made one.  How many units.
 */
extern int	retail_sound(Part word, uint16_t *out);

/* name_value.c */
extern int	retail_name_prepare(const char *utf8, size_t len, FieldValue *value);
extern int	retail_name_prepare_parts(const char *given, size_t given_len,
									  const char *surname, size_t surname_len,
									  FieldValue *value);
extern void retail_name_compare(const FieldValue *a, const FieldValue *b, int levels[2]);
extern void retail_name_keys(const FieldValue *value, KeyList *list);

/* contact_value.c */
extern int	retail_phone_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_phone_compare(const FieldValue *a, const FieldValue *b);
extern void retail_phone_keys(const FieldValue *value, KeyList *list);
extern int	retail_email_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_email_compare(const FieldValue *a, const FieldValue *b);
extern void retail_email_keys(const FieldValue *value, KeyList *list);
extern int	retail_code_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_code_compare(const FieldValue *a, const FieldValue *b);
extern void retail_code_keys(const FieldValue *value, KeyList *list);

/* date_value.c */
extern int	retail_date_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_date_compare(const FieldValue *a, const FieldValue *b);
extern void retail_date_keys(const FieldValue *value, KeyList *list);

/* place_value.c */
extern int	retail_address_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_address_compare(const FieldValue *a, const FieldValue *b);
extern void retail_address_keys(const FieldValue *value, KeyList *list);
extern int	retail_words_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_words_compare(const FieldValue *a, const FieldValue *b);
extern void retail_words_keys(const FieldValue *value, KeyList *list);
extern int	retail_set_prepare(const uint16_t *text, int len, FieldValue *value);
extern int	retail_set_compare(const FieldValue *a, const FieldValue *b);
extern void retail_set_keys(const FieldValue *value, KeyList *list);

#endif							/* RETAIL_FIELD_PARTS_H */
