/*-------------------------------------------------------------------------
 * answer.h
 *		Result rows of the calls: reservation_result and movement_result.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ANSWER_H
#define RETAIL_ANSWER_H

#include "fmgr.h"

#include "request.h"

/* available: what the answer tells; everything else is in the line. */
typedef struct Answer
{
	StoredLine	line;
	int64		available;
	bool		available_known;
	bool		replayed;
} Answer;

/* As the function's one composite value, or its rows in order. */
extern Datum retail_answer_reservation(FunctionCallInfo fcinfo, const Answer *answer);
extern Datum retail_answer_movement(FunctionCallInfo fcinfo, const Answer *answer);
extern Datum retail_answer_reservations(FunctionCallInfo fcinfo, const Answer *answers, int n);
extern Datum retail_answer_movements(FunctionCallInfo fcinfo, const Answer *answers, int n);

#endif							/* RETAIL_ANSWER_H */
