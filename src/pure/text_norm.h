/*-------------------------------------------------------------------------
 * text_norm.h
 *		What people write, as matching reads it: folded, simplified, spelt out.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_TEXT_NORM_H
#define RETAIL_TEXT_NORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The version of every rule by which values are normalised, stored beside
 * them: a value of another version is prepared again before it is compared.
 */
#define RETAIL_NORM_VERSION 1

/* Longer text is cut here, in 16-bit units. */
#define TEXT_NORM_MAX 255

/*
 * Text of any language: NFKC with case folding, Traditional to Simplified
 * Han, no control or format characters, white space as single blanks inside
 * and none outside.  out holds TEXT_NORM_MAX units; returns how many.  -1:
 * ICU's data is not there.  Equal under every lc_ctype: only ICU is asked.
 */
extern int	retail_text_fold(const char *utf8, size_t len, uint16_t *out);

/*
 * Folded text in ASCII letters a to z, digits and blanks: accents dropped,
 * other scripts romanised.  As fold; what has no Latin form is left out.
 */
extern int	retail_text_latin(const uint16_t *text, int len, uint16_t *out);

/*
 * The reading of Han characters in pinyin without tones, as ASCII; a surname
 * is read as a surname (ICU Han-Latin/Names).  out holds TEXT_NORM_MAX units.
 */
extern int	retail_text_pinyin(const uint16_t *text, int len, bool surname,
							   uint16_t *out);

extern bool retail_is_han(uint16_t unit);

/* Back to UTF-8: out holds 3 * len + 1 bytes, and is terminated. */
extern int	retail_text_utf8(const uint16_t *text, int len, char *out);

/* A hash of the units, the same on every machine and in every version. */
extern uint64_t retail_text_hash(const uint16_t *text, int len, uint64_t seed);
extern uint64_t retail_hash_mix(uint64_t a, uint64_t b);

#endif							/* RETAIL_TEXT_NORM_H */
