/*-------------------------------------------------------------------------
 * promise.h
 *		When an order served from a location will be there.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_PROMISE_H
#define RETAIL_PROMISE_H

#include "datatype/timestamp.h"

#include "master.h"

typedef struct ServicePromise
{
	TimestampTz starts_at;		/* when the location can begin; DT_NOEND: never */
	TimestampTz promise_at;		/* when it is there; DT_NOEND: never */
	TimestampTz target_at;		/* what the service promises of an open place */
	bool		kept;			/* promise_at is not after target_at */
} ServicePromise;

/* What a location can promise of a service for an order placed at an instant. */
extern ServicePromise retail_promise(const ServiceInfo *service, int32 location_id,
									 TimestampTz placed_at);

#endif							/* RETAIL_PROMISE_H */
