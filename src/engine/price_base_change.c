/*-------------------------------------------------------------------------
 * price_base_change.c
 *		What a change of base prices does to the prices around them.
 *
 * Prices that hold, now or later, are read through a cursor, one SKU and
 * currency after the other, and each is held against all that the statement
 * changed of its base price.  One that would be left outside its band, or
 * without a base, is dealt with from the first such instant on, by the policy
 * of its rule: the change is refused, or the price is flagged, or closed.
 *
 * Grants are not judged here: one that was revoked widens the band as before,
 * since the price under it is not quoted anyway.  Prices of the past are
 * history.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "band_value.h"
#include "fault.h"
#include "money.h"
#include "price_base_change.h"
#include "price_refusal.h"
#include "spi_util.h"

/* Prices that are read at once; of them, as many may be left outside. */
#define PRICES_AT_ONCE 1000

/* Prices that are left outside, and since when. */
typedef struct Violators
{
	int			n;
	Datum		ids[PRICES_AT_ONCE];
	Datum		instants[PRICES_AT_ONCE];
} Violators;

/* Base prices of one SKU and currency that a statement changed. */
typedef struct BaseChanges
{
	PriceBounds *bounds;
	int32		sku_id;
	int32		currency;
	int			decimals;
	int			n;
	int			room;
	PriceChange *changes;		/* as far as they are not past */
	Violators	to_close;
	Violators	to_flag;
} BaseChanges;

/* ----------------------------------------------------------------
 * Policies
 * ----------------------------------------------------------------
 */

static void
write_violators(Violators *violators, SPIPlanPtr *plan, const char *query)
{
	if (violators->n == 0)
		return;
	retail_spi_kept(plan, query, 2, (Oid[]) {INT8ARRAYOID, TIMESTAMPTZARRAYOID},
					(Datum[]) {PointerGetDatum(construct_array(violators->ids, violators->n, INT8OID, sizeof(int64),
															   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
							   PointerGetDatum(construct_array(violators->instants, violators->n, TIMESTAMPTZOID,
															   sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))},
					false);
	violators->n = 0;
}

static void
close_violators(BaseChanges *base)
{
	static SPIPlanPtr plan = NULL;

	if (RETAIL_FAULT("price_not_closed"))
		base->to_close.n = 0;
	write_violators(&base->to_close, &plan,
					"UPDATE retail.price p"
					" SET valid = CASE WHEN lower(p.valid) < c.at THEN tstzrange(lower(p.valid), c.at) ELSE p.valid END,"
					" withdrawn_at = CASE WHEN lower(p.valid) < c.at THEN NULL ELSE greatest(retail.now(), p.recorded_at) END"
					" FROM unnest($1, $2) c (id, at)"
					" WHERE p.id = c.id AND p.withdrawn_at IS NULL AND (upper(p.valid) > c.at OR upper(p.valid) IS NULL)");
}

static void
flag_violators(BaseChanges *base)
{
	static SPIPlanPtr plan = NULL;

	if (RETAIL_FAULT("price_not_flagged"))
		base->to_flag.n = 0;
	write_violators(&base->to_flag, &plan, "SELECT retail._flag_prices($1, $2)");
}

static void
put_violator(Violators *violators, const PriceChange *price)
{
	violators->ids[violators->n] = Int64GetDatum(price->id);
	violators->instants[violators->n] = TimestampTzGetDatum(price->from);
	violators->n++;
}

/* ----------------------------------------------------------------
 * One price
 * ----------------------------------------------------------------
 */

/*
 * One price that holds, against one change.  False: it is left outside, from
 * price->from on; low and high tell what would be inside.
 */
static bool
price_stands(BaseChanges *base, PriceChange *price, const PriceChange *change, int64 *low, int64 *high)
{
	PriceTerms	terms;
	TimestampTz at;

	price->from = Max(price->from, change->from);
	price->until = Min(price->until, change->until);
	if (price->from >= price->until)
		return true;
	if (change->what == PRICE_GONE)
	{
		if (!retail_price_bounds_gap(base->bounds, price->from, price->until, &at) ||
			RETAIL_FAULT("price_base_withdrawn"))
			return true;
		price->from = at;
		return false;
	}
	terms = retail_price_change_terms(price);
	*low = *high = 0;
	return retail_price_bounds_band(base->bounds, &terms, change->amount_minor, low, high) &&
		price->amount_minor >= *low && price->amount_minor <= *high;
}

/* The earliest instant at which any of the changes leaves the price outside. */
static void
meet_changes(BaseChanges *base, const PriceChange *price)
{
	BaseChange	policy;
	PriceChange		worst = {0};
	const PriceChange *worst_change = NULL;
	int64		worst_low = 0;
	int64		worst_high = 0;

	for (int i = 0; i < base->n; i++)
	{
		PriceChange		part = *price;
		int64		low = 0;
		int64		high = 0;

		if (!price_stands(base, &part, &base->changes[i], &low, &high) &&
			(worst_change == NULL || part.from < worst.from))
		{
			worst = part;
			worst_change = &base->changes[i];
			worst_low = low;
			worst_high = high;
		}
	}
	if (worst_change == NULL)
		return;
	policy = retail_price_bounds_base_change(base->bounds, price->channel_id);
	if (policy == BASE_CHANGE_REJECT && !RETAIL_FAULT("price_base_obeyed"))
		retail_price_refuse_base(worst_change, &worst, worst_low, worst_high, base->decimals);
	put_violator(policy == BASE_CHANGE_FLAG ? &base->to_flag : &base->to_close, &worst);
}

/* ----------------------------------------------------------------
 * The prices of a SKU
 * ----------------------------------------------------------------
 */

static PriceChange
price_from_spi(const BaseChanges *base, int row)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	PriceChange		price = {0};
	bool		isnull;
	Datum		value;

	price.sku_id = base->sku_id;
	price.currency = base->currency;
	price.id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
	price.location_id = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &isnull));
	price.channel_id = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull));
	price.kind = retail_price_kind_bit(SPI_getbinval(tuple, desc, 4, &isnull));

	/* what a superuser has forced in may be finer: the scan is for that */
	(void) retail_money_to_minor(DatumGetNumeric(SPI_getbinval(tuple, desc, 5, &isnull)),
								 base->decimals, &price.amount_minor);
	value = SPI_getbinval(tuple, desc, 6, &isnull);
	price.grant_id = isnull ? 0 : DatumGetInt64(value);
	price.from = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 7, &isnull));
	value = SPI_getbinval(tuple, desc, 8, &isnull);
	price.until = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	return price;
}

static Portal
open_prices(const BaseChanges *base)
{
	static SPIPlanPtr plan = NULL;
	TimestampTz from = base->changes[0].from;
	TimestampTz until = base->changes[0].until;
	char		letters[BAND_CURRENCY_LETTERS + 1];
	Datum		args[4];
	char		nulls[5] = "    ";

	for (int i = 1; i < base->n; i++)
	{
		from = Min(from, base->changes[i].from);
		until = Max(until, base->changes[i].until);
	}
	args[0] = Int32GetDatum(base->sku_id);
	args[1] = CStringGetTextDatum(retail_currency_unpack(base->currency, letters));
	args[2] = TimestampTzGetDatum(from);
	args[3] = TimestampTzGetDatum(until);
	if (until == DT_NOEND)
		nulls[3] = 'n';
	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare("SELECT id, location_id, channel_id, kind, amount, grant_id, lower(valid), upper(valid)"
									   " FROM retail.price"
									   " WHERE sku_id = $1 AND currency = $2 AND withdrawn_at IS NULL"
									   " AND valid && tstzrange($3, $4)",
									   4, (Oid[]) {INT4OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID});

		if (made == NULL)
			elog(ERROR, "internal statement not prepared: %s", SPI_result_code_string(SPI_result));
		if (SPI_keepplan(made) != 0)
			elog(ERROR, "SPI_keepplan failed");
		plan = made;
	}
	return SPI_cursor_open(NULL, plan, args, nulls, true);
}

/*
 * The prices of one SKU and currency against what changed of its base price.
 * What policies do is done in between; a cursor does not see it.
 */
static void
check_prices(BaseChanges *base)
{
	MemoryContext caller = CurrentMemoryContext;	/* SPI leaves its own behind */
	Portal		portal;

	portal = open_prices(base);
	for (;;)
	{
		SPITupleTable *batch;
		uint64		n;

		SPI_cursor_fetch(portal, true, PRICES_AT_ONCE);
		batch = SPI_tuptable;
		n = SPI_processed;
		MemoryContextSwitchTo(caller);
		for (uint64 i = 0; i < n; i++)
		{
			PriceChange		price = price_from_spi(base, (int) i);

			CHECK_FOR_INTERRUPTS();
			meet_changes(base, &price);
			SPI_tuptable = batch;
		}
		SPI_freetuptable(batch);
		close_violators(base);
		flag_violators(base);
		if (n == 0)
			break;
	}
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(caller);
}

/* ----------------------------------------------------------------
 * The statement
 * ----------------------------------------------------------------
 */

/* A base price is advertised itself, where there is nothing more specific. */
static void
check_floor(const BaseChanges *base, const PriceChange *change)
{
	PriceFinding finding = {0};

	finding.bound = PRICE_BELOW_FLOOR;
	finding.floor_minor = retail_price_bounds_floor(base->bounds, true);
	if (change->amount_minor < finding.floor_minor && !RETAIL_FAULT("price_base_floor"))
		retail_price_refuse(change, &finding, base->decimals);
}

static void
add_change(BaseChanges *base, const PriceChange *change)
{
	if (base->n == base->room)
	{
		base->room = Max(base->room * 2, 16);
		base->changes = base->n == 0 ? palloc(sizeof(PriceChange) * base->room) :
			repalloc(base->changes, sizeof(PriceChange) * base->room);
	}
	base->changes[base->n++] = *change;
}

void
retail_price_check_base_changes(PriceChanges *changes, PriceBounds *bounds, TimestampTz now)
{
	BaseChanges *base = palloc0(sizeof(BaseChanges));
	MemoryContext sku_cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_retail base change",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(sku_cxt);
	PriceChange change;
	bool		more = retail_price_changes_next(changes, &change);

	base->bounds = bounds;
	while (more)
	{
		base->sku_id = change.sku_id;
		base->currency = change.currency;
		base->decimals = retail_price_bounds_decimals(bounds, change.currency);
		base->n = base->room = 0;
		do
		{
			CHECK_FOR_INTERRUPTS();
			if (change.what == PRICE_ADDED)
			{
				retail_price_bounds_choose(bounds, change.sku_id, change.currency, now);
				check_floor(base, &change);
			}

			/* prices of the past are history */
			if (change.what != PRICE_KNOWN && change.until > now)
			{
				change.from = Max(change.from, now);
				add_change(base, &change);
			}
			more = retail_price_changes_next(changes, &change);
		} while (more && change.sku_id == base->sku_id && change.currency == base->currency);
		if (base->n > 0 && !RETAIL_FAULT("price_base_alone"))
		{
			retail_price_bounds_choose(bounds, base->sku_id, base->currency, now);
			check_prices(base);
		}
		MemoryContextReset(sku_cxt);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(sku_cxt);
	pfree(base);
}
