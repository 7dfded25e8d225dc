/*-------------------------------------------------------------------------
 * link_model.c
 *		What agreement is worth: the Fellegi-Sunter model and its training.
 *
 * With two classes, pairs of one household, who agree in surname, address and
 * telephone, are taken for one person: the fields are not independent among
 * pairs that differ.  They are nearly so within a household, among neighbours
 * and among strangers, so those are classes of their own.  What tells them
 * apart is fixed, not learnt: fields that are not shared in a class are as
 * they are between strangers.
 *
 * Shares are of all pairs of records, and pairs never compared count as
 * strangers.  That needs no correction for how candidates were found.
 *-------------------------------------------------------------------------
 */
#include "link_model.h"

#include <math.h>
#include <string.h>

/* What training begins with, in pairs per record; also the shipped prior. */
#define SAME_PER_RECORD 0.5
#define HOUSEHOLD_PER_RECORD 0.25
#define NEIGHBOUR_PER_RECORD 20.0

/* Weight of the shipped shape of a level, in pairs. */
#define SMOOTHING 20.0

/* No level of strangers is less likely than this: a sample cannot tell. */
#define LEAST_LIKELY 1e-7

/* How levels lie in pairs of one person, from different to equal. */
static const double same_shape[FIELD_LEVELS_MAX + 1][FIELD_LEVELS_MAX] = {
	[2] = {0.04, 0.96},
	[3] = {0.10, 0.10, 0.80},
	[4] = {0.08, 0.06, 0.10, 0.76},
	[5] = {0.05, 0.05, 0.08, 0.10, 0.72},
};

/* And between strangers, until a sample is drawn. */
static const double stranger_shape[FIELD_LEVELS_MAX + 1][FIELD_LEVELS_MAX] = {
	[2] = {0.5, 0.5},
	[3] = {0.9989, 0.0010, 0.0001},
	[4] = {0.9939, 0.005, 0.001, 0.0001},
	[5] = {0.96, 0.03, 0.004, 0.003, 0.003},
};

/* Whether the slot's levels are trained for the class, or are as strangers'. */
static bool
is_own(const LinkSlot *slot, LinkClass class)
{
	switch (class)
	{
		case LINK_SAME:
			return true;
		case LINK_HOUSEHOLD:
			return retail_field_is_shared((FieldKind) slot->kind) ||
				(slot->kind == FIELD_NAME && slot->part == 1);
		case LINK_NEIGHBOUR:
			return slot->kind == FIELD_PLACE || slot->kind == FIELD_POSTCODE;
		default:
			return false;
	}
}

static void
set_shares(LinkModel *model, double n_records)
{
	double		n_pairs = n_records > 1 ? n_records * (n_records - 1) / 2 : 1;
	double		per_record[N_LINK_CLASSES] = {
		SAME_PER_RECORD, HOUSEHOLD_PER_RECORD, NEIGHBOUR_PER_RECORD
	};

	model->share[LINK_STRANGER] = 1;
	for (int class = 0; class < LINK_STRANGER; class++)
	{
		double		share = per_record[class] * n_records / n_pairs;

		model->share[class] = share < 0.2 ? share : 0.2;
		model->share[LINK_STRANGER] -= model->share[class];
	}
}

static void
add_slot(LinkModel *model, int field, int part)
{
	LinkSlot   *slot = &model->slots[model->n_slots++];

	slot->field = (uint8_t) field;
	slot->part = (uint8_t) part;
	slot->kind = (uint8_t) model->fields[field];
	slot->levels = (uint8_t) retail_field_levels(model->fields[field]);
	for (int class = 0; class < N_LINK_CLASSES; class++)
		memcpy(slot->p[class],
			   is_own(slot, (LinkClass) class) ? same_shape[slot->levels] : stranger_shape[slot->levels],
			   sizeof(slot->p[class]));
}

void
retail_link_model_init(LinkModel *model, int n_fields, const FieldKind *fields,
					   double n_records)
{
	memset(model, 0, sizeof(*model));
	model->n_fields = n_fields;
	memcpy(model->fields, fields, n_fields * sizeof(FieldKind));
	model->records_per_person = 1;
	for (int i = 0; i < n_fields; i++)
	{
		add_slot(model, i, 0);
		if (fields[i] == FIELD_NAME)
			add_slot(model, i, 1);
	}
	set_shares(model, n_records);
}

LinkPattern
retail_link_pattern(const LinkModel *model, const FieldValue *const *a,
					const FieldValue *const *b)
{
	LinkPattern pattern = 0;
	int			shift = 0;

	for (int i = 0; i < model->n_fields; i++)
	{
		int			levels[2];

		retail_field_compare(model->fields[i], a[i], b[i], levels);
		pattern |= (LinkPattern) (levels[0] + 1) << shift;
		shift += LINK_SLOT_BITS;
		if (model->fields[i] == FIELD_NAME)
		{
			pattern |= (LinkPattern) (levels[1] + 1) << shift;
			shift += LINK_SLOT_BITS;
		}
	}
	return pattern;
}

int
retail_link_level(LinkPattern pattern, int slot)
{
	return (int) ((pattern >> (slot * LINK_SLOT_BITS)) & ((1 << LINK_SLOT_BITS) - 1)) - 1;
}

/* How likely a pair is of each class and has this pattern. */
static void
joint_likelihood(const LinkModel *model, LinkPattern pattern, double likelihood[N_LINK_CLASSES])
{
	for (int class = 0; class < N_LINK_CLASSES; class++)
	{
		double		product = model->share[class];

		for (int s = 0; s < model->n_slots; s++)
		{
			int			level = retail_link_level(pattern, s);

			if (level >= 0)
				product *= model->slots[s].p[class][level];
		}
		likelihood[class] = product;
	}
}

typedef struct Tally
{
	double		pairs[N_LINK_CLASSES];
	double		levels[LINK_SLOTS_MAX][N_LINK_CLASSES][FIELD_LEVELS_MAX];
} Tally;

static void
count_expected(const LinkModel *model, const PatternCount *patterns, int n, Tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	for (int i = 0; i < n; i++)
	{
		double		likelihood[N_LINK_CLASSES];
		double		sum = 0;

		joint_likelihood(model, patterns[i].pattern, likelihood);
		for (int class = 0; class < N_LINK_CLASSES; class++)
			sum += likelihood[class];
		if (sum <= 0)
			continue;
		for (int class = 0; class < N_LINK_CLASSES; class++)
		{
			double		pairs = patterns[i].count * likelihood[class] / sum;

			tally->pairs[class] += pairs;
			for (int s = 0; s < model->n_slots; s++)
			{
				int			level = retail_link_level(patterns[i].pattern, s);

				if (level >= 0)
					tally->levels[s][class][level] += pairs;
			}
		}
	}
}

static void
normalise(double *p, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += p[i];
	for (int i = 0; i < n; i++)
		p[i] /= sum;
}

/* Strangers' levels, but for the top one: as in a random sample. */
static void
set_strangers(LinkModel *model, const Tally *random)
{
	for (int s = 0; s < model->n_slots; s++)
	{
		LinkSlot   *slot = &model->slots[s];
		double	   *p = slot->p[LINK_STRANGER];
		double		sum = 0;

		for (int level = 0; level < slot->levels; level++)
			sum += random->levels[s][LINK_STRANGER][level];
		for (int level = 0; level < slot->levels; level++)
		{
			p[level] = (random->levels[s][LINK_STRANGER][level] + stranger_shape[slot->levels][level]) / (sum + 1);
			if (p[level] < LEAST_LIKELY)
				p[level] = LEAST_LIKELY;
		}
		normalise(p, slot->levels);
	}
}

/*
 * Levels that are too rare for a sample.  Every pair of equal values can be
 * counted: those that were compared, by class, and the others are strangers.
 * Of the levels between, those compared are no more than a lower bound.
 */
static void
set_strangers_rare(LinkModel *model, const Tally *candidates, const LinkChance *chance)
{
	for (int s = 0; s < model->n_slots; s++)
	{
		LinkSlot   *slot = &model->slots[s];
		double	   *p = slot->p[LINK_STRANGER];
		const double *compared = candidates->levels[s][LINK_STRANGER];
		int			top = slot->levels - 1;
		double		all = chance->all[s] + 1;
		double		equal = 0;

		if (chance->all[s] <= 0)
			continue;
		for (int class = 0; class < N_LINK_CLASSES; class++)
			equal += candidates->levels[s][class][top];
		equal = compared[top] + (chance->equal[s] > equal ? chance->equal[s] - equal : 0);
		p[top] = (equal + 1) / all;
		for (int level = 1; level < top; level++)
			if (p[level] < compared[level] / all)
				p[level] = compared[level] / all;
		normalise(p, slot->levels);
	}
}

/*
 * One person's names, birthdays and addresses agree more often than not: a
 * class for which that does not hold has found something else, the guests of
 * one town.  Codes are free: one may have many cards.
 */
static void
limit_different(LinkSlot *slot)
{
	double	   *p = slot->p[LINK_SAME];
	double		limit = slot->kind == FIELD_CODE || slot->kind == FIELD_SET ? 1 : 0.2;

	if (p[0] <= limit)
		return;
	for (int level = 1; level < slot->levels; level++)
		p[level] *= (1 - limit) / (1 - p[0]);
	p[0] = limit;
}

static void
set_class(LinkModel *model, LinkClass class, const Tally *tally)
{
	for (int s = 0; s < model->n_slots; s++)
	{
		LinkSlot   *slot = &model->slots[s];

		if (!is_own(slot, class))
		{
			memcpy(slot->p[class], slot->p[LINK_STRANGER], sizeof(slot->p[class]));
			continue;
		}
		for (int level = 0; level < slot->levels; level++)
			slot->p[class][level] = tally->levels[s][class][level] +
				SMOOTHING * same_shape[slot->levels][level];
		normalise(slot->p[class], slot->levels);
		if (class == LINK_SAME)
			limit_different(slot);
	}
}

void
retail_link_train(LinkModel *model,
				  const PatternCount *candidates, int n_candidates,
				  const PatternCount *random, int n_random,
				  const LinkChance *chance, double n_records, int iterations)
{
	double		n_pairs = n_records * (n_records - 1) / 2;
	Tally		tally;

	set_shares(model, n_records);
	for (int round = 0; round < iterations; round++)
	{
		count_expected(model, random, n_random, &tally);
		set_strangers(model, &tally);
		count_expected(model, candidates, n_candidates, &tally);
		set_strangers_rare(model, &tally, chance);
		model->share[LINK_STRANGER] = 1;
		for (int class = 0; class < LINK_STRANGER; class++)
		{
			set_class(model, (LinkClass) class, &tally);
			model->share[class] = (tally.pairs[class] + 1) / n_pairs;
			model->share[LINK_STRANGER] -= model->share[class];
		}
	}
	model->records_per_person = 1 + 2 * model->share[LINK_SAME] * n_pairs / n_records;
}

int32_t
retail_link_weight(const LinkModel *model, LinkPattern pattern, const double *rarity)
{
	double		likelihood[N_LINK_CLASSES];
	double		others = 0;

	joint_likelihood(model, pattern, likelihood);
	for (int class = LINK_HOUSEHOLD; class < N_LINK_CLASSES; class++)
	{
		for (int s = 0; s < model->n_slots && rarity != NULL; s++)
		{
			const LinkSlot *slot = &model->slots[s];

			/* a value that many have is no coincidence, a rare one is */
			if (rarity[s] > 0 && !is_own(slot, (LinkClass) class) &&
				retail_link_level(pattern, s) == slot->levels - 1)
				likelihood[class] *= rarity[s] / slot->p[LINK_STRANGER][slot->levels - 1];
		}
		others += likelihood[class];
	}
	return (int32_t) lrint(LINK_BIT * log2(likelihood[LINK_SAME] / others));
}

double
retail_link_level_bits(const LinkModel *model, int slot, int level, LinkClass class)
{
	return log2(model->slots[slot].p[class][level] / model->slots[slot].p[LINK_STRANGER][level]);
}

LinkClass
retail_link_class(const LinkModel *model, LinkPattern pattern)
{
	double		likelihood[N_LINK_CLASSES];
	int			best = 0;

	joint_likelihood(model, pattern, likelihood);
	for (int class = 1; class < N_LINK_CLASSES; class++)
		if (likelihood[class] > likelihood[best])
			best = class;
	return (LinkClass) best;
}
