/*-------------------------------------------------------------------------
 * link_model.h
 *		What agreement is worth: the Fellegi-Sunter model and its training.
 *
 * Fellegi and Sunter (1969): a pair of records is weighed by how likely its
 * pattern of agreement is between records of one person against how likely
 * it is between others.  Others are of three classes here: people of one
 * household, neighbours, and strangers.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_LINK_MODEL_H
#define RETAIL_LINK_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "field_value.h"

#define LINK_FIELDS_MAX 16

/* Slots are what is compared: a name has two, other fields one. */
#define LINK_SLOTS_MAX 20
#define LINK_SLOT_BITS 3

/* Weights are thousandths of a bit. */
#define LINK_BIT 1000

typedef enum LinkClass
{
	LINK_SAME,					/* one person */
	LINK_HOUSEHOLD,				/* two who share a home, a telephone, a surname */
	LINK_NEIGHBOUR,				/* two of one place */
	LINK_STRANGER,				/* all others */
	N_LINK_CLASSES
} LinkClass;

typedef struct LinkSlot
{
	uint8_t		field;
	uint8_t		part;			/* of a name: 0 given name, 1 surname */
	uint8_t		kind;			/* FieldKind */
	uint8_t		levels;
	/* how likely a level is in a class, silence set aside */
	double		p[N_LINK_CLASSES][FIELD_LEVELS_MAX];
} LinkSlot;

typedef struct LinkModel
{
	int			n_fields;
	FieldKind	fields[LINK_FIELDS_MAX];
	int			n_slots;
	LinkSlot	slots[LINK_SLOTS_MAX];
	double		share[N_LINK_CLASSES];	/* of all pairs; they sum up to 1 */
	double		records_per_person;
} LinkModel;

/* A pattern: for each slot its level plus one, or 0 when a side is silent. */
typedef uint64_t LinkPattern;

typedef struct PatternCount
{
	LinkPattern pattern;
	double		count;
} PatternCount;

/* A model of these fields with shipped weights, for n_records records. */
extern void retail_link_model_init(LinkModel *model, int n_fields,
								   const FieldKind *fields, double n_records);

extern LinkPattern retail_link_pattern(const LinkModel *model,
									   const FieldValue *const *a,
									   const FieldValue *const *b);

/* The level of a slot in a pattern, or FIELD_SILENT. */
extern int	retail_link_level(LinkPattern pattern, int slot);

/* How often two records hold equal values, in pairs; by slot. */
typedef struct LinkChance
{
	double		equal[LINK_SLOTS_MAX];
	double		all[LINK_SLOTS_MAX];	/* in which both sides say something */
} LinkChance;

/*
 * Trains the model by expectation maximisation.  candidates: the patterns of
 * all pairs that were compared, in order of pattern; random: those of pairs
 * drawn at random; both sorted, which makes every bit of the result
 * independent of the order in which the pairs came.
 */
extern void retail_link_train(LinkModel *model,
							  const PatternCount *candidates, int n_candidates,
							  const PatternCount *random, int n_random,
							  const LinkChance *chance,
							  double n_records, int iterations);

/*
 * The weight of a pattern in thousandths of a bit, prior included: above 0
 * the pair is more likely one person than not.  rarity: for each slot at its
 * top level, how likely a stranger has this very value, or below 0: not known.
 */
extern int32_t retail_link_weight(const LinkModel *model, LinkPattern pattern,
								  const double *rarity);

/* log2 of how many times likelier a level is in a class than with strangers. */
extern double retail_link_level_bits(const LinkModel *model, int slot, int level,
									 LinkClass class);

/* The class that explains a pattern best. */
extern LinkClass retail_link_class(const LinkModel *model, LinkPattern pattern);

#endif							/* RETAIL_LINK_MODEL_H */
