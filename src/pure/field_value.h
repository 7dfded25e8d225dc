/*-------------------------------------------------------------------------
 * field_value.h
 *		One field of a person, prepared once and compared many times.
 *
 * A prepared value is flat: it can be copied, stored in a bytea and written
 * to a file.  It is of this machine's byte order and of RETAIL_NORM_VERSION.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_FIELD_VALUE_H
#define RETAIL_FIELD_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text_norm.h"

/* How a column is compared.  The numbers are stored: add at the end. */
typedef enum FieldKind
{
	FIELD_NAME = 1,				/* given name and surname: two levels */
	FIELD_PHONE = 2,
	FIELD_DATE = 3,
	FIELD_EMAIL = 4,
	FIELD_ADDRESS = 5,			/* a whole address in one text */
	FIELD_STREET = 6,
	FIELD_NUMBER = 7,			/* of a house or a flat */
	FIELD_PLACE = 8,			/* suburb, city, state */
	FIELD_POSTCODE = 9,
	FIELD_CODE = 10,			/* an identifier of one person */
	FIELD_CATEGORY = 11,		/* one of few: gender */
	FIELD_TEXT = 12,
	FIELD_SET = 13,				/* words or ids, separated by , ; or | */
	N_FIELD_KINDS
} FieldKind;

/* A comparison's answer when a side says nothing. */
#define FIELD_SILENT (-1)

/* Levels are 0, different, to FIELD_LEVELS_MAX - 1 at most, equal. */
#define FIELD_LEVELS_MAX 5

/* The two levels of a name. */
#define NAME_LEVELS 5
#define NAME_DIFFERENT 0
#define NAME_WEAK 1				/* an initial, a mask, half of it */
#define NAME_CLOSE 2			/* a slip of the pen */
#define NAME_VARIANT 3			/* diminutive, other script, sounds the same */
#define NAME_EQUAL 4

typedef enum FieldFlag
{
	FIELD_MASKED = 1,			/* characters are starred out */
	FIELD_NICKNAME = 2,			/* says nothing of who it is */
	FIELD_SURNAME_ONLY = 4,		/* Mr Wang */
	FIELD_HAN = 8
} FieldFlag;

/* Parts of a value, by kind; a part may be empty. */
#define FIELD_PARTS_MAX 4

typedef struct FieldValue
{
	uint16_t	size;			/* in bytes, a multiple of 8 */
	uint8_t		kind;
	uint8_t		flags;
	uint16_t	part_len[FIELD_PARTS_MAX];
	uint32_t	letters[2];		/* which occur, as a set: of a text, or of a
								 * given name and a surname */
	uint32_t	spare;
	uint64_t	term[2];		/* equal in both sides: equal values; the
								 * second is a name's surname; 0: none */
	uint64_t	root;			/* of a given name: what its short forms share */
	uint16_t	units[];
} FieldValue;

#define FIELD_VALUE_MAX (sizeof(FieldValue) + 4 * TEXT_NORM_MAX * 2 + 8)

/* Keys under which records of like values meet. */
#define FIELD_KEYS_MAX 12

/*
 * The longest input that is read; the rest of a longer one is ignored.
 *
 * Prepares a text into out, of FIELD_VALUE_MAX bytes: its size, 0 when the
 * text says nothing (empty, a placeholder, a nickname), -1 when ICU's data is
 * not there.
 */
extern int	retail_field_prepare(FieldKind kind, const char *utf8, size_t len,
								 void *out);

/* The same for a name given in two columns; either may be empty. */
extern int	retail_field_prepare_names(const char *given, size_t given_len,
									   const char *surname, size_t surname_len,
									   void *out);

/*
 * The level of two values of one kind, or FIELD_SILENT for NULL.  A name has
 * two levels, the given name's and the surname's; others one.
 */
extern void retail_field_compare(FieldKind kind, const FieldValue *a,
								 const FieldValue *b, int levels[2]);

/* How many levels the kind's comparison has: 0 to this minus one. */
extern int	retail_field_levels(FieldKind kind);

/* What level is called, in English: for explanations. */
extern const char *retail_field_level_name(FieldKind kind, int part, int level);

/* Block keys, without duplicates: how many. */
extern int	retail_field_keys(const FieldValue *value, uint64_t keys[FIELD_KEYS_MAX]);

/* "phone" and so on; 0 for a name that is no kind.  Includes given, surname. */
extern FieldKind retail_field_kind(const char *name);
extern const char *retail_field_kind_name(FieldKind kind);

/* Whether people of one household share such values. */
extern bool retail_field_is_shared(FieldKind kind);

#endif							/* RETAIL_FIELD_VALUE_H */
