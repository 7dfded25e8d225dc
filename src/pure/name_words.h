/*-------------------------------------------------------------------------
 * name_words.h
 *		Words in names that are not the name, and names that are one.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_NAME_WORDS_H
#define RETAIL_NAME_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* mr, dr, herr, jr: said of a person, in ASCII */
extern bool retail_is_title(const uint16_t *word, int len);

/*
 * A short form's full one: 64 bits that "bob" and "robert" share, and 0 for a
 * name that has neither short forms nor is one.
 */
extern uint64_t retail_diminutive_root(const uint16_t *word, int len);

/* How many units of Han text, at its end, are a title: 先生, 女士; 0 if none. */
extern int	retail_han_title_len(const uint16_t *text, int len);

/* How many units of Han text, at its start, are a surname; 0 if none. */
extern int	retail_han_surname_len(const uint16_t *text, int len);

/* A name that many carry who are not called so: 微信用户, unknown, test. */
extern bool retail_is_nobody(const uint16_t *text, int len);

#endif							/* RETAIL_NAME_WORDS_H */
