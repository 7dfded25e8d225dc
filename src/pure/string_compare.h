/*-------------------------------------------------------------------------
 * string_compare.h
 *		Jaro-Winkler similarity and Damerau-Levenshtein distance.
 *
 * Strings are arrays of 16-bit units, so that one Han character counts as one.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_STRING_COMPARE_H
#define RETAIL_STRING_COMPARE_H

#include <stdint.h>

/* The longest string compared; callers cut or refuse longer ones. */
#define STRING_COMPARE_MAX 255

/*
 * From 0, nothing in common, to 1, equal; two empty strings are equal.  Jaro
 * (1989) with Winkler's bonus (1990) of 0.1 per character of a common prefix,
 * of at most four, given only to pairs above 0.7.
 */
extern double retail_jaro_winkler(const uint16_t *a, int alen,
								  const uint16_t *b, int blen);

/*
 * The fewest insertions, deletions, substitutions and exchanges of neighbours
 * that turn a into b, where a changed part may be changed again (Lowrance and
 * Wagner, 1975).
 */
extern int	retail_damerau_levenshtein(const uint16_t *a, int alen,
									   const uint16_t *b, int blen);

/* Whether one edit of that sort at most separates them: in one pass. */
extern int	retail_one_edit(const uint16_t *a, int alen,
							const uint16_t *b, int blen);

#endif							/* RETAIL_STRING_COMPARE_H */
