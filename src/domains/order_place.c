/*-------------------------------------------------------------------------
 * order_place.c
 *		retail.place_order(): route, hold, write, in one transaction.
 *
 * The plan is made without locks, then its units are taken in the fixed order.
 * Where another order was quicker, everything taken goes back and the plan is
 * made anew, a few times: an order is never half held.
 *
 * Waits, in this order: for another call of the same order_ref (an advisory
 * lock), for one by the same frozen quote (its row), for other orders that take
 * a place of the same day at a location with a daily capacity (an advisory
 * lock; by location id), for what a basket waits for.
 * Nothing else waits for a place of a day, so no circle of waits leads through
 * one.  A try that takes places is a subtransaction, so that one that fails
 * lets go of all it has locked before the next begins with its lowest location.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "arg.h"
#include "basket.h"
#include "clock.h"
#include "errors.h"
#include "fault.h"
#include "escrow.h"
#include "name_lock.h"
#include "request.h"
#include "route_args.h"
#include "route_plan.h"
#include "spi_util.h"
#include "table.h"

PG_FUNCTION_INFO_V1(retail_lock_day);
PG_FUNCTION_INFO_V1(retail_place_order);

/* Plans made for one order before it answers busy. */
#define MAX_TRIES 5

#define RESULT_COLUMNS 13

/* What a line costs, by the frozen quote; the amounts are numeric. */
typedef struct LinePrice
{
	Datum		unit_price;
	Datum		line_amount;
	Datum		order_share;
	Datum		live_price;		/* where it is not the one that was frozen */
	bool		has_live_price;
	bool		has_risen;
} LinePrice;

/* An answer line of an order, in the numbers a request key stores. */
typedef struct OrderAnswer
{
	int64		outcome;
	int64		reservation_id;
	int64		fulfilment_id;
	int64		sku_id;
	int64		location_id;
	int64		qty;
	int64		expires_at;
	int64		order_id;
	int64		line_no;
	int64		promise_at;
} OrderAnswer;

StaticAssertDecl(sizeof(OrderAnswer) == sizeof(StoredLine), "an order's answer is stored as a line is");

typedef struct Order
{
	RouteRequest route;
	RouteOptions options;
	Datum		order_ref;
	Datum		holder;			/* 0: none */
	Request		request;
	TimestampTz now;
	TimestampTz expires_at;
	int64		quote_id;		/* the frozen quote; 0: none, and no prices */
	LinePrice  *prices;			/* per line; NULL: not looked up yet, or none */
	Datum		currency;

	/* of the current try */
	RoutePlan  *plan;
	Basket		basket;			/* one line per piece of the plan */
	int64		order_id;
	int64	   *fulfilment_ids; /* per parcel */
	DateADT    *capacity_dates; /* per parcel; DATEVAL_NOBEGIN: no limit there */

	bool		keeps_locks;	/* of an earlier try */
} Order;

typedef struct OrderAnswers
{
	OrderAnswer *lines;
	int			n;
	bool		replayed;
} OrderAnswers;

/* ----------------------------------------------------------------
 * Names: the caller's order_ref
 * ----------------------------------------------------------------
 */

/* Two calls of one order go one after the other, to the end of the first. */
static void
lock_order_ref(const Order *order)
{
	retail_name_lock(NAME_LOCK_ORDER, &order->route.channel.id, 1, order->order_ref);
}

/* The id of the channel's order of this name; 0: there is none. */
static int64
find_order(const Order *order)
{
	ScanKeyData keys[2];
	RetailScan	scan;
	int64		id = 0;

	retail_key_int4(&keys[0], 1, order->route.channel.id);
	retail_key_text(&keys[1], 2, order->order_ref);
	retail_scan_begin(&scan, TABLE_SALES_ORDER, INDEX_SALES_ORDER_REF, RowExclusiveLock, NULL, 2, keys);
	if (retail_scan_next(&scan))
		id = retail_column_int64(TABLE_SALES_ORDER, scan.slot, SALES_ORDER_ID);
	retail_scan_end(&scan);
	return id;
}

/* The customer's live holds: the order replaces those of its stocks. */
static void
find_own_holds(Order *order)
{
	RouteRequest *route = &order->route;
	ScanKeyData key;
	RetailScan	scan;
	int			room = 8;

	if (order->holder == (Datum) 0)
		return;
	route->own_holds = palloc(sizeof(RouteOwnHold) * room);
	route->nown_holds = 0;
	retail_key_text(&key, 1, order->holder);
	retail_scan_begin(&scan, TABLE_RESERVATION, INDEX_RESERVATION_HOLDER, RowExclusiveLock, NULL, 1, &key);
	while (retail_scan_next(&scan))
	{
		RouteOwnHold *own;

		CHECK_FOR_INTERRUPTS();
		if (retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_EXPIRES_AT) <= order->now)
			continue;
		if (route->nown_holds == room)
		{
			room *= 2;
			route->own_holds = repalloc_huge(route->own_holds, sizeof(RouteOwnHold) * (Size) room);
		}
		own = &route->own_holds[route->nown_holds++];
		own->sku_id = retail_column_int32(TABLE_RESERVATION, scan.slot, RESERVATION_SKU_ID);
		own->location_id = retail_column_int32(TABLE_RESERVATION, scan.slot, RESERVATION_LOCATION_ID);
		own->qty = retail_column_int64(TABLE_RESERVATION, scan.slot, RESERVATION_QTY);
	}
	retail_scan_end(&scan);
}

/* ----------------------------------------------------------------
 * Prices
 * ----------------------------------------------------------------
 */

static Datum
int_array(const Order *order, Oid type, int64 (*get) (const LineArg *line))
{
	const RouteRequest *route = &order->route;
	Datum	   *values = palloc(sizeof(Datum) * route->nlines);
	bool		is_int8 = type == INT8OID;

	for (int i = 0; i < route->nlines; i++)
	{
		int64		value = get(&route->lines[i]);

		values[i] = is_int8 ? Int64GetDatum(value) : Int32GetDatum((int32) value);
	}
	return PointerGetDatum(construct_array(values, route->nlines, type, is_int8 ? 8 : 4,
										   is_int8 ? FLOAT8PASSBYVAL : true,
										   is_int8 ? TYPALIGN_DOUBLE : TYPALIGN_INT));
}

static int64
sku_of(const LineArg *line)
{
	return line->sku.id;
}

static int64
location_of(const LineArg *line)
{
	return line->location.id;
}

static int64
qty_of(const LineArg *line)
{
	return line->qty;
}

/* A column of the result that SPI has, copied into a context that stays. */
static Datum
kept_column(uint64 row, int column, MemoryContext cxt, bool *isnull)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], desc, column, isnull);
	Form_pg_attribute att = TupleDescAttr(desc, column - 1);
	MemoryContext old;

	if (*isnull)
		return (Datum) 0;
	old = MemoryContextSwitchTo(cxt);
	value = datumCopy(value, att->attbyval, att->attlen);
	MemoryContextSwitchTo(old);
	return value;
}

static void
keep_price(Order *order, int line, MemoryContext cxt)
{
	LinePrice  *price = &order->prices[line];
	bool		isnull;

	price->unit_price = kept_column(line, 1, cxt, &isnull);
	price->live_price = kept_column(line, 2, cxt, &isnull);
	price->has_live_price = !isnull;
	price->line_amount = kept_column(line, 3, cxt, &isnull);
	price->order_share = kept_column(line, 4, cxt, &isnull);
	order->currency = kept_column(line, 5, cxt, &isnull);
	price->has_risen = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[line], SPI_tuptable->tupdesc,
												  6, &isnull));
}

/* The order that was placed by the frozen quote; 0: none was. */
static int64
find_order_of_quote(const Order *order)
{
	ScanKeyData key;
	RetailScan	scan;
	int64		id = 0;

	retail_key_int8(&key, 1, order->quote_id);
	retail_scan_begin(&scan, TABLE_SALES_ORDER, INDEX_SALES_ORDER_QUOTE, RowExclusiveLock, NULL, 1, &key);
	if (retail_scan_next(&scan))
		id = retail_column_int64(TABLE_SALES_ORDER, scan.slot, SALES_ORDER_ID);
	retail_scan_end(&scan);
	return id;
}

static void
refuse_quote(int64 quote_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_UNKNOWN_QUOTE),
			 errmsg("no frozen quote %lld", (long long) quote_id),
			 errhint("Those that expired long ago are forgotten; freeze another with retail.freeze_quote().")));
}

/* Two orders by one quote go one after the other. */
static void
lock_quote(const Order *order)
{
	Oid			type = INT8OID;
	Datum		id = Int64GetDatum(order->quote_id);

	if (SPI_execute_with_args("SELECT FROM retail.frozen_quote WHERE id = $1 FOR NO KEY UPDATE",
							  1, &type, &id, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not lock a frozen quote");
	if (SPI_processed == 0)
		refuse_quote(order->quote_id);
}

/* Lines in the order of the quote; see retail._price_order(). */
static Outcome
price_lines(Order *order, MemoryContext cxt)
{
	Oid			types[6] = {INT8OID, INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID};
	Datum		args[6] = {Int64GetDatum(order->quote_id), Int32GetDatum(order->route.channel.id),
		int_array(order, INT4OID, sku_of), int_array(order, INT4OID, location_of),
	int_array(order, INT8OID, qty_of), TimestampTzGetDatum(order->now)};
	Outcome		outcome = OUTCOME_PLACED;

	if (SPI_execute_with_args("SELECT unit_price, live_price, line_amount, order_share, currency, risen "
							  "FROM retail._price_order($1, $2, $3, $4, $5, $6)",
							  6, types, args, NULL, false, 0) != SPI_OK_SELECT ||
		SPI_processed != order->route.nlines)
		elog(ERROR, "could not look up a frozen quote");
	order->prices = MemoryContextAllocZero(cxt, sizeof(LinePrice) * order->route.nlines);
	for (int i = 0; i < order->route.nlines; i++)
	{
		keep_price(order, i, cxt);
		if (order->prices[i].has_risen)
			outcome = OUTCOME_PRICE_CHANGED;
	}
	return outcome;
}

/*
 * What the order costs by its frozen quote.  PLACED: it may be;
 * PRICE_CHANGED: some line has risen; QUOTE_USED: *order_id was placed by this
 * quote.
 */
static Outcome
look_up_prices(Order *order, int64 *order_id)
{
	MemoryContext cxt = CurrentMemoryContext;
	SpiOwner	saved = retail_spi_begin();
	Outcome		outcome = OUTCOME_QUOTE_USED;

	lock_quote(order);
	*order_id = RETAIL_FAULT("quote_used_twice") ? 0 : find_order_of_quote(order);
	if (*order_id == 0)
		outcome = price_lines(order, cxt);
	retail_spi_end(&saved);
	return outcome;
}

/* ----------------------------------------------------------------
 * Capacity
 * ----------------------------------------------------------------
 */

/*
 * retail._lock_day(location_id, business_date, wait): whoever takes a place of
 * that day has this lock, to the end of his transaction.
 */
Datum
retail_lock_day(PG_FUNCTION_ARGS)
{
	int32		day[2] = {PG_GETARG_INT32(0), PG_GETARG_DATEADT(1)};

	PG_RETURN_BOOL(retail_id_lock(NAME_LOCK_DAY, day, 2, PG_GETARG_BOOL(2)));
}

static bool
take_place(int32 location_id, DateADT day, int32 daily_capacity, bool wait)
{
	Oid			types[4] = {INT4OID, DATEOID, INT4OID, BOOLOID};
	Datum		args[4] = {Int32GetDatum(location_id), DateADTGetDatum(day),
	Int32GetDatum(daily_capacity), BoolGetDatum(wait)};
	SpiOwner	saved = retail_spi_begin();
	bool		taken;
	bool		isnull;

	if (SPI_execute_with_args("SELECT retail._take_capacity($1, $2, $3, $4)",
							  4, types, args, NULL, false, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not take a place of a location's day");
	taken = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	retail_spi_end(&saved);
	return taken;
}

static void
give_capacity(Order *order)
{
	Oid			types[2] = {INT4OID, DATEOID};

	for (int i = 0; i < order->plan->nparcels; i++)
	{
		Datum		args[2] = {Int32GetDatum(order->plan->parcels[i].location_id),
		DateADTGetDatum(order->capacity_dates[i])};

		if (order->capacity_dates[i] != DATEVAL_NOBEGIN)
			retail_spi_as_owner("SELECT retail._give_capacity($1, $2)", 2, types, args);
	}
}

/* Parcels by location id: the order in which their days are locked. */
static int *
parcels_by_location(const RoutePlan *plan)
{
	int		   *order = palloc(sizeof(int) * Max(plan->nparcels, 1));

	for (int i = 0; i < plan->nparcels; i++)
	{
		int			at = i;

		for (; at > 0 && plan->parcels[order[at - 1]].location_id > plan->parcels[i].location_id; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return order;
}

/* Most parcels the parcel's location takes in a day; -1: any number. */
static int32
capacity_of(const RouteParcel *parcel)
{
	LocationInfo location;

	if (!retail_master_location_by_id(parcel->location_id, &location))
		return -1;
	return location.daily_capacity;
}

static bool
needs_places(const RoutePlan *plan)
{
	for (int i = 0; i < plan->nparcels; i++)
	{
		if (capacity_of(&plan->parcels[i]) >= 0)
			return true;
	}
	return false;
}

/*
 * Takes a place of the day at each location that counts them.  false: one was
 * full, or somebody had it and we may not wait; the caller puts back the rest.
 */
static bool
take_places(Order *order)
{
	RoutePlan  *plan = order->plan;
	int		   *by_location = parcels_by_location(plan);

	for (int i = 0; i < plan->nparcels; i++)
	{
		RouteParcel *parcel = &plan->parcels[by_location[i]];
		int32		daily_capacity = capacity_of(parcel);
		DateADT		day = retail_master_date_at(parcel->location_id, parcel->promise.starts_at);

		if (daily_capacity < 0)
			continue;
		if (!take_place(parcel->location_id, day, daily_capacity, !order->keeps_locks))
			return false;
		order->capacity_dates[by_location[i]] = day;
	}
	return true;
}

/* ----------------------------------------------------------------
 * Holding
 * ----------------------------------------------------------------
 */

static void
fill_basket(Order *order)
{
	RoutePlan  *plan = order->plan;
	Basket	   *basket = &order->basket;

	memset(basket, 0, sizeof(*basket));
	basket->nlines = plan->npieces;
	basket->lines = palloc0(sizeof(LineArg) * Max(plan->npieces, 1));
	for (int i = 0; i < plan->npieces; i++)
	{
		LineArg    *line = &basket->lines[i];

		line->sku = order->route.lines[plan->pieces[i].line].sku;
		(void) retail_master_location_by_id(plan->parcels[plan->pieces[i].parcel].location_id,
											&line->location);
		line->qty = plan->pieces[i].qty;
		line->line_no = i;
	}
	qsort(basket->lines, basket->nlines, sizeof(LineArg), retail_line_compare);
	basket->channel = order->route.channel;
	basket->holder = order->holder;
	basket->anonymous = true;
	basket->mode = MODE_ALL;
	basket->now = order->now;
	basket->expires_at = order->expires_at;
}

/* Takes the units the plan asks for, or none. */
static bool
take_units(Order *order)
{
	fill_basket(order);
	if (order->basket.nlines > 0)
		retail_basket_decide(&order->basket);
	return !order->basket.any_refused;
}

/* Places and units, or nothing, and then no lock is kept. */
static bool
take_places_and_units(Order *order)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		taken = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		taken = take_places(order) && take_units(order);
		if (taken)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(cxt);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(cxt);
		CurrentResourceOwner = owner;
		ReThrowError(error);
	}
	PG_END_TRY();
	return taken;
}

/* Takes everything the plan asks for, or nothing. */
static bool
take_plan(Order *order)
{
	RoutePlan  *plan = order->plan;

	order->capacity_dates = palloc(sizeof(DateADT) * Max(plan->nparcels, 1));
	for (int i = 0; i < plan->nparcels; i++)
		order->capacity_dates[i] = DATEVAL_NOBEGIN;
	if (needs_places(plan))
		return take_places_and_units(order);
	order->keeps_locks = true;
	return take_units(order);
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

static void
write_order(const Order *order)
{
	const RouteRequest *route = &order->route;
	Datum		values[SALES_ORDER_NCOLS];
	bool		isnull[SALES_ORDER_NCOLS] = {false};

	values[SALES_ORDER_ID] = Int64GetDatum(order->order_id);
	values[SALES_ORDER_CHANNEL_ID] = Int32GetDatum(route->channel.id);
	values[SALES_ORDER_ORDER_REF] = order->order_ref;
	values[SALES_ORDER_SERVICE_ID] = Int32GetDatum(order->plan->service.id);
	values[SALES_ORDER_STATUS] = CStringGetTextDatum("placed");
	values[SALES_ORDER_HOLDER] = order->holder;
	isnull[SALES_ORDER_HOLDER] = order->holder == (Datum) 0;
	values[SALES_ORDER_GUIDE] = order->options.guide;
	isnull[SALES_ORDER_GUIDE] = order->options.guide == (Datum) 0;
	values[SALES_ORDER_LONGITUDE] = Float8GetDatum(route->longitude);
	isnull[SALES_ORDER_LONGITUDE] = !route->has_destination;
	values[SALES_ORDER_LATITUDE] = Float8GetDatum(route->latitude);
	isnull[SALES_ORDER_LATITUDE] = !route->has_destination;
	values[SALES_ORDER_PROMISE_AT] = TimestampTzGetDatum(order->plan->promise_at);
	isnull[SALES_ORDER_PROMISE_AT] = order->plan->nparcels == 0;
	values[SALES_ORDER_PLACED_AT] = TimestampTzGetDatum(order->now);
	values[SALES_ORDER_CHANGED_AT] = TimestampTzGetDatum(order->now);
	values[SALES_ORDER_ACTOR] = retail_actor();
	values[SALES_ORDER_QUOTE_ID] = Int64GetDatum(order->quote_id);
	isnull[SALES_ORDER_QUOTE_ID] = order->quote_id == 0;
	retail_row_insert(TABLE_SALES_ORDER, values, isnull);
}

static void
fill_price(const Order *order, int line, Datum *row, bool *null)
{
	bool		free = order->prices == NULL;

	null[ORDER_LINE_UNIT_PRICE] = null[ORDER_LINE_CURRENCY] = free;
	null[ORDER_LINE_LINE_AMOUNT] = null[ORDER_LINE_ORDER_SHARE] = free;
	if (free)
		return;
	row[ORDER_LINE_UNIT_PRICE] = order->prices[line].unit_price;
	row[ORDER_LINE_CURRENCY] = order->currency;
	row[ORDER_LINE_LINE_AMOUNT] = order->prices[line].line_amount;
	row[ORDER_LINE_ORDER_SHARE] = order->prices[line].order_share;
}

static void
write_lines(const Order *order)
{
	const RouteRequest *route = &order->route;
	Datum	   *values = palloc(sizeof(Datum) * ORDER_LINE_NCOLS * route->nlines);
	bool	   *isnull = palloc0(sizeof(bool) * ORDER_LINE_NCOLS * route->nlines);

	for (int i = 0; i < route->nlines; i++)
	{
		Datum	   *row = &values[i * ORDER_LINE_NCOLS];

		row[ORDER_LINE_ORDER_ID] = Int64GetDatum(order->order_id);
		row[ORDER_LINE_LINE_NO] = Int32GetDatum(i + 1);
		row[ORDER_LINE_SKU_ID] = Int32GetDatum(route->lines[i].sku.id);
		row[ORDER_LINE_QTY] = Int64GetDatum(route->lines[i].qty);
		row[ORDER_LINE_BACKORDERED_QTY] = Int64GetDatum(order->plan->unfilled[i]);
		fill_price(order, i, row, &isnull[i * ORDER_LINE_NCOLS]);
	}
	retail_rows_insert(TABLE_ORDER_LINE, route->nlines, values, isnull);
}

static void
write_parcels(const Order *order)
{
	const RoutePlan *plan = order->plan;
	Datum	   *values = palloc(sizeof(Datum) * FULFILMENT_ORDER_NCOLS * plan->nparcels);
	bool	   *isnull = palloc0(sizeof(bool) * FULFILMENT_ORDER_NCOLS * plan->nparcels);

	for (int i = 0; i < plan->nparcels; i++)
	{
		const RouteParcel *parcel = &plan->parcels[i];
		Datum	   *row = &values[i * FULFILMENT_ORDER_NCOLS];
		bool	   *null = &isnull[i * FULFILMENT_ORDER_NCOLS];

		row[FULFILMENT_ORDER_ID] = Int64GetDatum(order->fulfilment_ids[i]);
		row[FULFILMENT_ORDER_ORDER_ID] = Int64GetDatum(order->order_id);
		row[FULFILMENT_ORDER_LOCATION_ID] = Int32GetDatum(parcel->location_id);
		row[FULFILMENT_ORDER_SERVICE_ID] = Int32GetDatum(plan->service.id);
		row[FULFILMENT_ORDER_STATE] = CStringGetTextDatum("new");
		row[FULFILMENT_ORDER_DISTANCE_M] = Float8GetDatum(parcel->distance_m);
		null[FULFILMENT_ORDER_DISTANCE_M] = parcel->distance_m < 0;
		row[FULFILMENT_ORDER_PROMISE_AT] = TimestampTzGetDatum(parcel->promise.promise_at);
		row[FULFILMENT_ORDER_PROMISE_KEPT] = BoolGetDatum(parcel->promise.kept);
		row[FULFILMENT_ORDER_CAPACITY_DATE] = DateADTGetDatum(order->capacity_dates[i]);
		null[FULFILMENT_ORDER_CAPACITY_DATE] = order->capacity_dates[i] == DATEVAL_NOBEGIN;
		row[FULFILMENT_ORDER_CREATED_AT] = TimestampTzGetDatum(order->now);
		row[FULFILMENT_ORDER_CHANGED_AT] = TimestampTzGetDatum(order->now);
	}
	retail_rows_insert(TABLE_FULFILMENT_ORDER, plan->nparcels, values, isnull);
}

/* The reservation of a piece of the plan. */
static int64
reservation_of(const Order *order, int piece)
{
	for (int i = 0; i < order->basket.nlines; i++)
	{
		if (order->basket.lines[i].line_no == piece)
			return order->basket.plans[i].reservation_id;
	}
	elog(ERROR, "a piece of the plan is not in the basket");
}

static void
write_parcel_lines(const Order *order)
{
	const RoutePlan *plan = order->plan;
	Datum	   *values = palloc(sizeof(Datum) * FULFILMENT_LINE_NCOLS * plan->npieces);
	bool	   *isnull = palloc0(sizeof(bool) * FULFILMENT_LINE_NCOLS * plan->npieces);

	for (int i = 0; i < plan->npieces; i++)
	{
		const RoutePiece *piece = &plan->pieces[i];
		Datum	   *row = &values[i * FULFILMENT_LINE_NCOLS];

		row[FULFILMENT_LINE_FULFILMENT_ID] = Int64GetDatum(order->fulfilment_ids[piece->parcel]);
		row[FULFILMENT_LINE_LINE_NO] = Int32GetDatum(piece->line + 1);
		row[FULFILMENT_LINE_SKU_ID] = Int32GetDatum(order->route.lines[piece->line].sku.id);
		row[FULFILMENT_LINE_QTY] = Int64GetDatum(piece->qty);
		row[FULFILMENT_LINE_RESERVATION_ID] = Int64GetDatum(reservation_of(order, i));
	}
	retail_rows_insert(TABLE_FULFILMENT_LINE, plan->npieces, values, isnull);
}

static void
write_all(Order *order)
{
	write_order(order);
	write_lines(order);
	if (order->plan->nparcels > 0)
	{
		write_parcels(order);
		write_parcel_lines(order);
		retail_basket_write(&order->basket);
	}
	else
		CommandCounterIncrement();
}

/* ----------------------------------------------------------------
 * Answering
 * ----------------------------------------------------------------
 */

static OrderAnswer *
add_answer(OrderAnswers *answers, const Order *order, int line, Outcome outcome, int64 qty)
{
	OrderAnswer *answer = &answers->lines[answers->n++];

	memset(answer, 0, sizeof(*answer));
	answer->outcome = outcome;
	answer->line_no = line + 1;
	answer->sku_id = order->route.lines[line].sku.id;
	answer->qty = qty;
	return answer;
}

static OrderAnswers
answers_for(const Order *order)
{
	OrderAnswers answers = {NULL, 0, false};

	answers.lines = palloc(sizeof(OrderAnswer) * (order->plan->npieces + order->route.nlines));
	return answers;
}

static OrderAnswers
answer_placed(const Order *order)
{
	const RoutePlan *plan = order->plan;
	OrderAnswers answers = answers_for(order);

	for (int i = 0; i < plan->npieces; i++)
	{
		const RoutePiece *piece = &plan->pieces[i];
		OrderAnswer *answer = add_answer(&answers, order, piece->line, OUTCOME_PLACED, piece->qty);

		answer->order_id = order->order_id;
		answer->reservation_id = reservation_of(order, i);
		answer->fulfilment_id = order->fulfilment_ids[piece->parcel];
		answer->location_id = plan->parcels[piece->parcel].location_id;
		answer->expires_at = order->expires_at;
		answer->promise_at = plan->parcels[piece->parcel].promise.promise_at;
	}
	for (int i = 0; i < order->route.nlines; i++)
	{
		if (plan->unfilled[i] > 0)
			add_answer(&answers, order, i, OUTCOME_BACKORDERED, plan->unfilled[i])->order_id = order->order_id;
	}
	return answers;
}

/*
 * The plan that would be made if all that other transactions have in flight
 * came back; NULL where nothing is missing, or no location may serve anyway.
 */
static const RoutePlan *
plan_settled(const Order *order)
{
	RouteRequest route = order->route;

	if (order->plan->filled || !order->plan->may_serve)
		return NULL;
	route.settled = true;
	return retail_route_plan(&route);
}

/* The plan in as many parcels as it takes; NULL where none was ruled out for its parcels. */
static const RoutePlan *
plan_unlimited(const Order *order)
{
	RouteRequest route = order->route;
	ServiceInfo service = order->plan->service;

	if (order->plan->filled || !order->plan->may_serve || order->plan->max_parcels == 0)
		return NULL;
	route.service = &service;
	route.max_parcels = route.max_pickups = 0;
	return retail_route_plan(&route);
}

/* The location a line would have come from; 0: none. */
static int32
planned_location(const RoutePlan *plan, int line)
{
	for (int i = 0; i < plan->npieces; i++)
	{
		if (plan->pieces[i].line == line)
			return plan->parcels[plan->pieces[i].parcel].location_id;
	}
	return 0;
}

/* Why nothing was placed, line by line. */
static OrderAnswers
answer_refused(const Order *order, bool is_race)
{
	const RoutePlan *plan = order->plan;
	const RoutePlan *settled = plan_settled(order);
	const RoutePlan *unlimited = plan_unlimited(order);
	OrderAnswers answers = answers_for(order);

	for (int i = 0; i < order->route.nlines; i++)
	{
		Outcome		outcome = OUTCOME_SKIPPED;
		OrderAnswer *answer;

		if (!order->route.channel.open)
			outcome = OUTCOME_CLOSED;
		else if (!order->route.lines[i].sku.active)
			outcome = OUTCOME_NOT_SELLABLE;
		else if (is_race)
			outcome = OUTCOME_BUSY;
		else if (plan->unfilled[i] > 0 && settled != NULL && settled->unfilled[i] == 0)
			outcome = OUTCOME_BUSY;
		else if (plan->unfilled[i] > 0 && unlimited != NULL && unlimited->unfilled[i] == 0)
			outcome = OUTCOME_TOO_MANY_PARCELS;
		else if (plan->unfilled[i] > 0)
			outcome = plan->may_serve ? OUTCOME_INSUFFICIENT : OUTCOME_NO_LOCATION;
		answer = add_answer(&answers, order, i, outcome, 0);
		if (outcome == OUTCOME_SKIPPED)
			answer->location_id = planned_location(plan, i);
	}
	return answers;
}

/* It was placed already: the order of this name, or by this frozen quote. */
static OrderAnswers
answer_earlier(Outcome outcome, int64 order_id)
{
	OrderAnswers answers = {NULL, 0, false};

	answers.lines = palloc0(sizeof(OrderAnswer));
	answers.n = 1;
	answers.lines[0].outcome = outcome;
	answers.lines[0].order_id = order_id;
	return answers;
}

/* Lines that cost more than was promised, and those that do not. */
static OrderAnswers
answer_price_changed(const Order *order)
{
	OrderAnswers answers = {NULL, 0, false};

	answers.lines = palloc(sizeof(OrderAnswer) * order->route.nlines);
	for (int i = 0; i < order->route.nlines; i++)
		add_answer(&answers, order, i, order->prices[i].has_risen ?
				   OUTCOME_PRICE_CHANGED : OUTCOME_SKIPPED, 0);
	return answers;
}

/* The price an answer tells: of a replayed one that of the order it placed. */
static Datum
price_of_answer(const Order *order, const OrderAnswer *answer, bool *isnull)
{
	RetailScan	scan;
	ScanKeyData keys[2];
	Datum		price = (Datum) 0;

	*isnull = order->quote_id == 0 || answer->line_no == 0;
	if (*isnull)
		return price;
	if (order->prices != NULL)
		return order->prices[answer->line_no - 1].unit_price;
	*isnull = true;
	retail_key_int8(&keys[0], 1, answer->order_id);
	retail_key_int4(&keys[1], 2, (int32) answer->line_no);
	retail_scan_begin(&scan, TABLE_ORDER_LINE, INDEX_ORDER_LINE, AccessShareLock, NULL, 2, keys);
	if (retail_scan_next(&scan))
		price = retail_column(TABLE_ORDER_LINE, scan.slot, ORDER_LINE_UNIT_PRICE, isnull);
	if (!*isnull)
		price = datumCopy(price, false, -1);
	retail_scan_end(&scan);
	return price;
}

static void
put_answer(ReturnSetInfo *rsinfo, const Order *order, const OrderAnswer *answer, bool replayed)
{
	Datum		values[RESULT_COLUMNS];
	bool		isnull[RESULT_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(retail_outcome_name[answer->outcome]);
	values[1] = Int64GetDatum(answer->order_id);
	isnull[1] = answer->order_id == 0;
	values[2] = Int64GetDatum(answer->fulfilment_id);
	isnull[2] = answer->fulfilment_id == 0;
	values[3] = Int32GetDatum((int32) answer->line_no);
	isnull[3] = answer->line_no == 0;
	values[4] = retail_master_sku_code((int32) answer->sku_id, &isnull[4]);
	values[5] = retail_master_location_code((int32) answer->location_id, &isnull[5]);
	values[6] = Int64GetDatum(answer->qty);
	values[7] = Int64GetDatum(answer->reservation_id);
	isnull[7] = answer->reservation_id == 0;
	values[8] = TimestampTzGetDatum(answer->expires_at);
	isnull[8] = answer->expires_at == 0;
	values[9] = TimestampTzGetDatum(answer->promise_at);
	isnull[9] = answer->promise_at == 0;
	values[10] = BoolGetDatum(replayed);
	values[11] = price_of_answer(order, answer, &isnull[11]);
	isnull[12] = order->prices == NULL || answer->line_no == 0 ||
		!order->prices[answer->line_no - 1].has_live_price;
	values[12] = isnull[12] ? (Datum) 0 : order->prices[answer->line_no - 1].live_price;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
}

/* ----------------------------------------------------------------
 * Placing
 * ----------------------------------------------------------------
 */

static void
number_parcels(Order *order)
{
	order->order_id = retail_next_sales_order_id();
	order->fulfilment_ids = palloc(sizeof(int64) * Max(order->plan->nparcels, 1));
	for (int i = 0; i < order->plan->nparcels; i++)
		order->fulfilment_ids[i] = retail_next_fulfilment_order_id();
}

static bool
can_be_placed(const Order *order)
{
	for (int i = 0; i < order->route.nlines; i++)
	{
		if (!order->route.lines[i].sku.active)
			return false;
	}
	return order->route.channel.open && (order->plan->filled || order->options.backorder);
}

/* Stores the answer under the request key, then writes; false: another came first. */
static bool
write_placed(Order *order, OrderAnswers *answers)
{
	number_parcels(order);
	*answers = answer_placed(order);
	if (!retail_request_store(&order->request, (StoredLine *) answers->lines, answers->n))
		return false;
	write_all(order);
	return true;
}

static OrderAnswers
place(Order *order)
{
	OrderAnswers answers;
	int64		earlier_id;

	lock_order_ref(order);
	for (int tries = 1;; tries++)
	{
		answers.n = 0;
		answers.lines = (OrderAnswer *) retail_request_find_any(&order->request, &answers.n);
		answers.replayed = answers.lines != NULL;
		if (answers.replayed)
			return answers;
		earlier_id = find_order(order);
		if (earlier_id != 0)
			return answer_earlier(OUTCOME_DUPLICATE, earlier_id);
		if (order->quote_id != 0 && order->prices == NULL)
		{
			Outcome		outcome = look_up_prices(order, &earlier_id);

			if (outcome == OUTCOME_QUOTE_USED)
				return answer_earlier(outcome, earlier_id);
			if (outcome == OUTCOME_PRICE_CHANGED)
				return answer_price_changed(order);
		}
		find_own_holds(order);
		order->plan = retail_route_plan(&order->route);
		if (!can_be_placed(order))
			return answer_refused(order, false);
		if (take_plan(order))
		{
			if (write_placed(order, &answers))
				return answers;
			retail_basket_undo(&order->basket);
			give_capacity(order);
		}
		else if (tries >= MAX_TRIES)
			return answer_refused(order, true);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
hash_order(Order *order, FunctionCallInfo fcinfo, const RouteArgs *args)
{
	Request    *request = &order->request;

	retail_request_hash_int(request, order->route.channel.id);
	retail_request_hash_text(request, order->order_ref, false);
	retail_request_hash_text(request, order->holder, order->holder == (Datum) 0);
	if (order->quote_id != 0)
		retail_request_hash_int(request, order->quote_id);
	retail_route_hash(request, fcinfo, args, &order->route);
}

/*
 * retail.place_order(channel, order_ref, lines, longitude, latitude, service,
 * location, holder, request_key, options, frozen_quote)
 */
Datum
retail_place_order(PG_FUNCTION_ARGS)
{
	static const RouteArgs args = {.channel = 0, .lines = 2, .longitude = 3, .latitude = 4,
	.service = 5, .location = 6, .options = 9, .for_order = true};
	Order		order;
	OrderAnswers answers;

	InitMaterializedSRF(fcinfo, 0);
	retail_engine_begin("retail.place_order()");
	memset(&order, 0, sizeof(order));
	retail_route_args(fcinfo, &args, &order.route, &order.options);
	order.order_ref = retail_check_ref(retail_arg_text(fcinfo, 1, "order_ref"), "order_ref");
	order.holder = retail_arg_holder(fcinfo, 7);
	order.now = retail_clock_now();
	order.expires_at = order.now + (order.options.ttl_us > 0 ? order.options.ttl_us :
									retail_channel_ttl_us(order.route.channel.hold_ttl_us));
	if (!PG_ARGISNULL(10))
	{
		order.quote_id = PG_GETARG_INT64(10);
		if (order.quote_id == 0)
			refuse_quote(0);	/* which means none here, and no quote has it */
	}
	order.request = retail_arg_request(fcinfo, 8, "place_order");
	hash_order(&order, fcinfo, &args);
	answers = place(&order);
	for (int i = 0; i < answers.n; i++)
		put_answer((ReturnSetInfo *) fcinfo->resultinfo, &order, &answers.lines[i], answers.replayed);
	return (Datum) 0;
}
