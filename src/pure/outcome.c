/*-------------------------------------------------------------------------
 * outcome.c
 *		The outcomes calls answer, as stored numbers and as words.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "outcome.h"

const char *const retail_outcome_name[OUTCOME_COUNT] = {
	[OUTCOME_HELD] = "held",
	[OUTCOME_COMMITTED] = "committed",
	[OUTCOME_CONSUMED] = "consumed",
	[OUTCOME_RELEASED] = "released",
	[OUTCOME_EXPIRED] = "expired",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_EXTENDED] = "extended",
	[OUTCOME_REACQUIRED] = "reacquired",
	[OUTCOME_LOST] = "lost",
	[OUTCOME_NOT_YOURS] = "not_yours",
	[OUTCOME_INSUFFICIENT] = "insufficient",
	[OUTCOME_BUSY] = "busy",
	[OUTCOME_NOT_SELLABLE] = "not_sellable",
	[OUTCOME_CLOSED] = "closed",
	[OUTCOME_SKIPPED] = "skipped",
	[OUTCOME_RECEIVED] = "received",
	[OUTCOME_ADJUSTED] = "adjusted",
	[OUTCOME_COUNTED] = "counted",
	[OUTCOME_BLOCKED] = "blocked",
	[OUTCOME_UNBLOCKED] = "unblocked",
	[OUTCOME_SOLD] = "sold",
	[OUTCOME_TAKEN_BACK] = "taken_back",
	[OUTCOME_NOT_SOLD] = "not_sold",
	[OUTCOME_PLACED] = "placed",
	[OUTCOME_BACKORDERED] = "backordered",
	[OUTCOME_DUPLICATE] = "duplicate",
	[OUTCOME_NO_LOCATION] = "no_location",
	[OUTCOME_NO_RETURNS] = "no_returns",
	[OUTCOME_TOO_MANY_PARCELS] = "too_many_parcels",
	[OUTCOME_PRICE_CHANGED] = "price_changed",
	[OUTCOME_QUOTE_USED] = "quote_used",
};

Outcome
retail_outcome_of_status(const char *status, int len)
{
	for (int i = OUTCOME_HELD; i <= OUTCOME_CANCELLED; i++)
	{
		if ((int) strlen(retail_outcome_name[i]) == len &&
			memcmp(retail_outcome_name[i], status, len) == 0)
			return (Outcome) i;
	}
	return OUTCOME_COUNT;
}
