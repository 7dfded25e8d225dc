/*-------------------------------------------------------------------------
 * opening_hours_json.h
 *		Opening hours as they are written: retail.location.opening_hours.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_OPENING_HOURS_JSON_H
#define RETAIL_OPENING_HOURS_JSON_H

#include "utils/jsonb.h"

#include "opening_hours.h"

/*
 * The hours in one chunk of memory of context, or NULL with *fault telling
 * what is wrong: a sentence, without its full stop.
 */
extern OpeningHours *retail_opening_hours_parse(Jsonb *json, MemoryContext context,
												char **fault);

#endif							/* RETAIL_OPENING_HOURS_JSON_H */
