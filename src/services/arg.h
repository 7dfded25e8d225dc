/*-------------------------------------------------------------------------
 * arg.h
 *		Arguments of the public functions: each check written once.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ARG_H
#define RETAIL_ARG_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "master.h"
#include "request.h"

/* A line of a basket, receipt or delivery, with its codes looked up. */
typedef struct LineArg
{
	SkuInfo		sku;
	LocationInfo location;
	int64		qty;
	Datum		lot;			/* text; 0: none given */
	bool		has_expiry;
	DateADT		expires_on;
	int			line_no;		/* from 0, in the order given */
} LineArg;

/* Raise 22004 for NULL, 22023 or an unknown code's own error otherwise. */
extern Datum retail_arg_text(FunctionCallInfo fcinfo, int i, const char *name);
extern int64 retail_arg_int64(FunctionCallInfo fcinfo, int i, const char *name);
extern bool retail_arg_bool(FunctionCallInfo fcinfo, int i, const char *name);
extern SkuInfo retail_arg_sku(FunctionCallInfo fcinfo, int i);
extern LocationInfo retail_arg_location(FunctionCallInfo fcinfo, int i);
extern int64 retail_arg_qty(FunctionCallInfo fcinfo, int i);
extern void retail_check_qty(int64 qty);

/* A text within 200 characters, or 0 for NULL. */
extern Datum retail_arg_ref(FunctionCallInfo fcinfo, int i, const char *name);

/* Who holds units, or 0 for NULL; raises 22023 when empty. */
extern Datum retail_arg_holder(FunctionCallInfo fcinfo, int i);

/* A ref from elsewhere than an argument. */
extern Datum retail_check_ref(Datum value, const char *name);

/* A channel's id, or 0 for NULL. */
extern int32 retail_arg_channel_id(FunctionCallInfo fcinfo, int i);

/* Begins the request of a call whose argument i is its request key. */
extern Request retail_arg_request(FunctionCallInfo fcinfo, int i, const char *function);

/*
 * A ttl in microseconds: the argument, else the channel's, else the setting;
 * within 1 second and pg_retail.max_ttl.
 */
extern int64 retail_arg_ttl(FunctionCallInfo fcinfo, int i, int64 channel_ttl_us);
extern int64 retail_ttl_us(Interval *span);
extern int64 retail_channel_ttl_us(int64 channel_ttl_us);

/* When it happened: the argument, or now; not far in the future. */
extern TimestampTz retail_arg_occurred_at(FunctionCallInfo fcinfo, int i, TimestampTz now);

/* line[] or receipt_line[]; raises for NULL, none, or a bad line. */
extern LineArg *retail_arg_lines(FunctionCallInfo fcinfo, int i, int *nlines);

/* The same, with location.id 0 where a line's location is NULL: anywhere. */
extern LineArg *retail_arg_order_lines(FunctionCallInfo fcinfo, int i, int *nlines);

/* Orders by (sku, location, line): the fixed order in which stocks are taken. */
extern int	retail_line_compare(const void *a, const void *b);

#endif							/* RETAIL_ARG_H */
