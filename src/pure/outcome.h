/*-------------------------------------------------------------------------
 * outcome.h
 *		The outcomes calls answer, as stored numbers and as words.
 *
 * The numbers are kept in retail.request: append, never renumber.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_OUTCOME_H
#define RETAIL_OUTCOME_H

typedef enum Outcome
{
	OUTCOME_HELD,
	OUTCOME_COMMITTED,
	OUTCOME_CONSUMED,
	OUTCOME_RELEASED,
	OUTCOME_EXPIRED,
	OUTCOME_CANCELLED,
	OUTCOME_EXTENDED,
	OUTCOME_REACQUIRED,
	OUTCOME_LOST,
	OUTCOME_NOT_YOURS,
	OUTCOME_INSUFFICIENT,
	OUTCOME_BUSY,
	OUTCOME_NOT_SELLABLE,
	OUTCOME_CLOSED,
	OUTCOME_SKIPPED,
	OUTCOME_RECEIVED,
	OUTCOME_ADJUSTED,
	OUTCOME_COUNTED,
	OUTCOME_BLOCKED,
	OUTCOME_UNBLOCKED,
	OUTCOME_SOLD,
	OUTCOME_TAKEN_BACK,
	OUTCOME_NOT_SOLD,
	OUTCOME_PLACED,
	OUTCOME_BACKORDERED,
	OUTCOME_DUPLICATE,
	OUTCOME_NO_LOCATION,
	OUTCOME_NO_RETURNS,
	OUTCOME_TOO_MANY_PARCELS,
	OUTCOME_PRICE_CHANGED,
	OUTCOME_QUOTE_USED,
	OUTCOME_COUNT
} Outcome;

/* The first six are also the words of reservation.status. */
extern const char *const retail_outcome_name[OUTCOME_COUNT];

/* The outcome a status word stands for. */
extern Outcome retail_outcome_of_status(const char *status, int len);

#endif							/* RETAIL_OUTCOME_H */
