/*-------------------------------------------------------------------------
 * promise.c
 *		When an order served from a location will be there.
 *
 * A location starts on an order when it is placed, if it is open then and the
 * service's cut-off of that local day has not passed; else when it next opens,
 * past the cut-off not before the next local date.  From the start the service
 * takes its lead time, or has until its time of day to deliver by.
 *
 * What the service promises at large, the target, does not know of opening
 * hours: a lead time counts from the order, a time of day is that of the day
 * of the order, or of the next where it comes too late for the first.  The two
 * differ where a place is closed, or where its day is over: the promise is
 * kept when it is not after the target.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "arg.h"
#include "clock.h"
#include "promise.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_is_open);
PG_FUNCTION_INFO_V1(retail_next_opening);
PG_FUNCTION_INFO_V1(retail_sql_promise);

static TimestampTz
check_at(TimestampTz at)
{
	if (!IS_VALID_TIMESTAMP(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return at;
}

static TimestampTz
add_us(TimestampTz at, int64 us)
{
	TimestampTz sum;

	return check_at(pg_add_s64_overflow(at, us, &sum) ? DT_NOEND : sum);
}

/* The time of day to deliver by of a date, of the next where that is over. */
static TimestampTz
deliver_by(const ServiceInfo *service, int32 location_id, DateADT day,
		   TimestampTz not_before)
{
	TimestampTz at = retail_master_instant(location_id, day, service->deliver_by_us);

	if (at < not_before)
		at = retail_master_instant(location_id, day + 1, service->deliver_by_us);
	return at;
}

static TimestampTz
promise_from(const ServiceInfo *service, int32 location_id, TimestampTz starts_at)
{
	if (!service->has_deliver_by)
		return add_us(starts_at, service->lead_us);
	return deliver_by(service, location_id, retail_master_date_at(location_id, starts_at),
					  starts_at);
}

ServicePromise
retail_promise(const ServiceInfo *service, int32 location_id, TimestampTz placed_at)
{
	ServicePromise promise;
	int64		time_us;
	DateADT		day = retail_master_date_and_time_at(location_id, placed_at, &time_us);
	bool		past_cut_off = service->has_cut_off && time_us >= service->cut_off_us;

	promise.starts_at = retail_master_next_opening(location_id, !past_cut_off ? placed_at :
												   retail_master_day_begins(location_id, day + 1));
	promise.promise_at = promise.starts_at == DT_NOEND ? DT_NOEND :
		promise_from(service, location_id, promise.starts_at);
	if (!service->has_deliver_by)
		promise.target_at = add_us(placed_at, service->lead_us);
	else
		promise.target_at = deliver_by(service, location_id, past_cut_off ? day + 1 : day,
									   placed_at);
	promise.kept = promise.promise_at <= promise.target_at;
	return promise;
}

/* ----------------------------------------------------------------
 * SQL functions
 * ----------------------------------------------------------------
 */

/* When it is asked for: the argument, or now. */
static TimestampTz
arg_at(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? retail_clock_now() : check_at(PG_GETARG_TIMESTAMPTZ(i));
}

/* retail.is_open(location, at) */
Datum
retail_is_open(PG_FUNCTION_ARGS)
{
	retail_tables_check();
	PG_RETURN_BOOL(retail_master_open_at(retail_arg_location(fcinfo, 0).id,
										 arg_at(fcinfo, 1)));
}

/* retail.next_opening(location, at) */
Datum
retail_next_opening(PG_FUNCTION_ARGS)
{
	TimestampTz opening;

	retail_tables_check();
	opening = retail_master_next_opening(retail_arg_location(fcinfo, 0).id,
										 arg_at(fcinfo, 1));
	if (opening == DT_NOEND)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(opening);
}

/* retail.promise(service, location, at, OUT starts_at, OUT promise_at, OUT kept) */
Datum
retail_sql_promise(PG_FUNCTION_ARGS)
{
	ServiceInfo service;
	LocationInfo location;
	ServicePromise promise;
	TupleDesc	tupdesc;
	Datum		values[3];
	bool		isnull[3];

	retail_tables_check();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	service = retail_master_service(retail_arg_text(fcinfo, 0, "service"));
	location = retail_arg_location(fcinfo, 1);
	promise = retail_promise(&service, location.id, arg_at(fcinfo, 2));
	values[0] = TimestampTzGetDatum(promise.starts_at);
	isnull[0] = promise.starts_at == DT_NOEND;
	values[1] = TimestampTzGetDatum(promise.promise_at);
	isnull[1] = promise.promise_at == DT_NOEND;
	values[2] = BoolGetDatum(promise.kept);
	isnull[2] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, isnull)));
}
