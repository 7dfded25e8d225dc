/*-------------------------------------------------------------------------
 * price_bounds.c
 *		What bounds a price: base prices, bands, floors, grants.
 *
 * The guard, the functions that set prices and the import ask the same
 * question, and this is where it is answered: may this price hold from here
 * to there?  It may when a base price holds at every instant of it, the price
 * is in the band of each of them, and not below a floor.  A live grant that
 * covers the price widens the band downwards; an override lifts the floor.
 *
 * A price for every channel is one that every channel would show, so it must
 * be in the band of each.
 *
 * What is read is kept for one statement: channels and their rules, grants
 * and currencies as they come, and the base prices of one SKU and currency at
 * a time.  A million prices in order of SKU then cost two queries a SKU.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "band_value.h"
#include "errors.h"
#include "fault.h"
#include "money.h"
#include "price_bounds.h"
#include "price_rules.h"
#include "spi_util.h"

/* What 100 % is when a percentage has four decimals. */
#define PERCENT_WHOLE 1000000

/* Where no rule says anything. */
#define ONLINE_PERCENT (PERCENT_WHOLE / 10)
#define STORE_PERCENT (PERCENT_WHOLE / 20)

typedef struct Rule
{
	int64		low;			/* of PERCENT_WHOLE */
	int64		high;
	BaseChange	base_change;
} Rule;

typedef struct ChannelRule
{
	int32		channel_id;
	Rule		rule;
} ChannelRule;

typedef struct BaseRow
{
	int64		id;
	int64		amount_minor;
	TimestampTz from;
	TimestampTz until;

	/* what every channel allows, once it was asked for */
	bool		common_known;
	bool		common_any;
	int64		common_low;
	int64		common_high;
} BaseRow;

typedef struct Grant
{
	int64		id;				/* key */
	const char *fault;			/* a sentence; NULL: it is live */
	int32		currency;		/* 0: every one */
	ArrayType  *skus;			/* NULL: see categories */
	ArrayType  *categories;
	ArrayType  *channels;		/* NULL: every one */
	ArrayType  *locations;
	int64		max_discount;	/* of PERCENT_WHOLE */
	Numeric		floor_amount;	/* NULL: none */
	bool		overrides_floor;
	TimestampTz from;
	TimestampTz until;
} Grant;

typedef struct Currency
{
	int32		code;			/* key */
	int			decimals;		/* -1: there is none */
} Currency;

struct PriceBounds
{
	MemoryContext cxt;
	MemoryContext chosen_cxt;	/* reset with each SKU */
	bool		for_anyone;
	HTAB	   *currencies;
	HTAB	   *grants;
	int			nchannels;
	ChannelRule *channels;		/* by id; NULL: not read */

	/* the SKU and currency turned to */
	bool		chosen;
	int32		sku_id;
	int32		currency;
	int			decimals;
	TimestampTz since;
	text	   *category;		/* NULL: none */
	bool		has_rule;		/* of the SKU, or its category */
	Rule		rule;
	int64		cost_floor;		/* 0: none */
	int64		advertised_floor;
	int			nbases;
	BaseRow    *bases;			/* by from */
	bool		grant_covers;	/* of the grant asked for last, these */
	int64		grant_asked;	/* 0: none yet */
};

PriceBounds *
retail_price_bounds_begin(MemoryContext parent)
{
	MemoryContext cxt = AllocSetContextCreate(parent, "pg_retail price bounds",
											  ALLOCSET_SMALL_SIZES);
	PriceBounds *bounds = MemoryContextAllocZero(cxt, sizeof(PriceBounds));
	HASHCTL		ctl;

	bounds->cxt = cxt;
	bounds->chosen_cxt = AllocSetContextCreate(cxt, "pg_retail base prices",
											   ALLOCSET_DEFAULT_SIZES);
	memset(&ctl, 0, sizeof(ctl));
	ctl.hcxt = cxt;
	ctl.keysize = sizeof(int32);
	ctl.entrysize = sizeof(Currency);
	bounds->currencies = hash_create("pg_retail currencies", 16, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(Grant);
	bounds->grants = hash_create("pg_retail grants", 16, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return bounds;
}

void
retail_price_bounds_for_anyone(PriceBounds *bounds)
{
	bounds->for_anyone = true;
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

static Datum
field(int row, int col, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col, isnull);
}

static int64
field_int64(int row, int col, int64 otherwise)
{
	bool		isnull;
	Datum		value = field(row, col, &isnull);

	return isnull ? otherwise : DatumGetInt64(value);
}

static bool
field_bool(int row, int col)
{
	bool		isnull;
	Datum		value = field(row, col, &isnull);

	return !isnull && DatumGetBool(value);
}

/* A copy in the current context, NULL for NULL. */
static struct varlena *
field_varlena(int row, int col)
{
	bool		isnull;
	Datum		value = field(row, col, &isnull);

	return isnull ? NULL : PG_DETOAST_DATUM_COPY(value);
}

static int
run(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *args)
{
	return retail_spi_kept(plan, query, nargs, types, args, true);
}

int32
retail_currency_pack(const char *letters, int len)
{
	int32		currency = 0;

	if (len != BAND_CURRENCY_LETTERS)
		return 0;
	for (int i = 0; i < len; i++)
	{
		if (letters[i] < 'A' || letters[i] > 'Z')
			return 0;
		currency = currency << 8 | letters[i];
	}
	return currency;
}

char *
retail_currency_unpack(int32 currency, char *letters)
{
	for (int i = BAND_CURRENCY_LETTERS - 1; i >= 0; i--)
	{
		letters[i] = (char) (currency & 0xFF);
		currency >>= 8;
	}
	letters[BAND_CURRENCY_LETTERS] = '\0';
	return letters;
}

static Datum
currency_datum(int32 currency)
{
	char		letters[BAND_CURRENCY_LETTERS + 1];

	return CStringGetTextDatum(retail_currency_unpack(currency, letters));
}

int
retail_price_bounds_decimals(PriceBounds *bounds, int32 currency)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {TEXTOID};
	Datum		args[1];
	Currency   *entry;
	int			decimals = -1;

	entry = hash_search(bounds->currencies, &currency, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->decimals;
	if (currency == 0)
		return -1;
	args[0] = currency_datum(currency);
	if (run(&plan, "SELECT decimals::bigint FROM retail.currency WHERE code = $1", 1, types, args) > 0)
		decimals = (int) field_int64(0, 1, 0);
	SPI_freetuptable(SPI_tuptable);
	entry = hash_search(bounds->currencies, &currency, HASH_ENTER, NULL);
	entry->decimals = decimals;
	return decimals;
}

static BaseChange
field_base_change(int row, int col)
{
	char	   *word = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col);

	if (strcmp(word, "close") == 0)
		return BASE_CHANGE_CLOSE;
	return strcmp(word, "flag") == 0 ? BASE_CHANGE_FLAG : BASE_CHANGE_REJECT;
}

/* Three columns from col on: low, high, what a base change does. */
static Rule
field_rule(int row, int col)
{
	Rule		rule;

	rule.low = field_int64(row, col, 0);
	rule.high = field_int64(row, col + 1, 0);
	rule.base_change = field_base_change(row, col + 2);
	return rule;
}

/*
 * Channels with the rule each goes by.  Entry 0 is the rule of a channel that
 * does not exist yet: what a price for every channel goes by besides.
 */
static void
read_channels(PriceBounds *bounds)
{
	static SPIPlanPtr plan = NULL;
	int			n = run(&plan,
						"SELECT c.id::bigint, r.low, r.high, r.base_change"
						" FROM (SELECT id, kind FROM retail.channel UNION ALL SELECT 0, 'store') c"
						" CROSS JOIN LATERAL ("
						"  SELECT (p.low_percent * 10000)::bigint AS low, (p.high_percent * 10000)::bigint AS high,"
						"   p.base_change, p.channel_id IS NULL AS general, false AS built_in"
						"  FROM retail.price_rule p"
						"  WHERE p.sku_id IS NULL AND p.category IS NULL AND (p.channel_id = c.id OR p.channel_id IS NULL)"
						"  UNION ALL"
						"  SELECT b.percent, b.percent, 'reject', true, true"
						"  FROM (SELECT CASE c.kind WHEN 'store' THEN $1 ELSE $2 END) b (percent)"
						"  ORDER BY built_in, general LIMIT 1) r"
						" ORDER BY c.id",
						2, (Oid[]) {INT8OID, INT8OID},
						(Datum[]) {Int64GetDatum(STORE_PERCENT), Int64GetDatum(ONLINE_PERCENT)});

	bounds->channels = MemoryContextAlloc(bounds->cxt, sizeof(ChannelRule) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		bounds->channels[i].channel_id = (int32) field_int64(i, 1, 0);
		bounds->channels[i].rule = field_rule(i, 2);
	}
	bounds->nchannels = n;
	SPI_freetuptable(SPI_tuptable);
}

static const Rule *
channel_rule(PriceBounds *bounds, int32 channel_id)
{
	int			low = 0;
	int			high = bounds->nchannels - 1;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (bounds->channels[middle].channel_id < channel_id)
			low = middle + 1;
		else
			high = middle;
	}

	/* one that has gone meanwhile goes by the general rule */
	if (bounds->channels[low].channel_id != channel_id)
		low = 0;
	return &bounds->channels[low].rule;
}

static void
read_sku(PriceBounds *bounds)
{
	static SPIPlanPtr plan = NULL;
	int64		whole = 10000 / retail_price_minor_unit(bounds->decimals);
	int			n = run(&plan,
						"SELECT p.category, r.low, r.high, r.base_change,"
						" ceil(f.cost * (100 + f.margin_percent) * 0.01 * $3)::bigint,"
						" ceil(f.min_advertised * $3)::bigint"
						" FROM retail.sku k"
						" LEFT JOIN retail.product p ON p.id = k.product_id"
						" LEFT JOIN LATERAL ("
						"  SELECT (r.low_percent * 10000)::bigint AS low, (r.high_percent * 10000)::bigint AS high, r.base_change"
						"  FROM retail.price_rule r WHERE r.sku_id = k.id OR r.category = p.category"
						"  ORDER BY r.sku_id IS NULL LIMIT 1) r ON true"
						" LEFT JOIN retail.price_floor f ON f.sku_id = k.id AND f.currency = $2"
						" WHERE k.id = $1",
						3, (Oid[]) {INT4OID, TEXTOID, INT8OID},
						(Datum[]) {Int32GetDatum(bounds->sku_id), currency_datum(bounds->currency),
								   Int64GetDatum(whole)});
	bool		isnull;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_UNKNOWN_SKU),
				 errmsg("no SKU has the id %d", bounds->sku_id)));
	bounds->category = (text *) field_varlena(0, 1);
	(void) field(0, 2, &isnull);
	bounds->has_rule = !isnull;
	if (bounds->has_rule)
		bounds->rule = field_rule(0, 2);
	bounds->cost_floor = field_int64(0, 5, 0);
	bounds->advertised_floor = Max(bounds->cost_floor, field_int64(0, 6, 0));
	SPI_freetuptable(SPI_tuptable);
}

static void
read_bases(PriceBounds *bounds)
{
	static SPIPlanPtr plan = NULL;
	int			n = run(&plan,
						"SELECT id, amount, lower(valid), upper(valid) FROM retail.base_price"
						" WHERE sku_id = $1 AND currency = $2 AND withdrawn_at IS NULL"
						" AND (upper(valid) > $3 OR upper(valid) IS NULL)"
						" ORDER BY lower(valid), id",
						3, (Oid[]) {INT4OID, TEXTOID, TIMESTAMPTZOID},
						(Datum[]) {Int32GetDatum(bounds->sku_id), currency_datum(bounds->currency),
								   TimestampTzGetDatum(bounds->since)});

	bounds->bases = palloc0(sizeof(BaseRow) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		BaseRow    *base = &bounds->bases[i];
		bool		isnull;

		base->id = field_int64(i, 1, 0);

		/* what a superuser has forced in may be finer: it is cut off */
		(void) retail_money_to_minor(DatumGetNumeric(field(i, 2, &isnull)),
									 bounds->decimals, &base->amount_minor);
		base->from = field_int64(i, 3, DT_NOBEGIN);
		base->until = field_int64(i, 4, DT_NOEND);
	}
	bounds->nbases = n;
	SPI_freetuptable(SPI_tuptable);
}

void
retail_price_bounds_choose(PriceBounds *bounds, int32 sku_id, int32 currency, TimestampTz since)
{
	MemoryContext old;

	if (bounds->chosen && bounds->sku_id == sku_id && bounds->currency == currency &&
		bounds->since <= since)
		return;
	bounds->chosen = false;
	if (bounds->channels == NULL)
		read_channels(bounds);
	bounds->decimals = retail_price_bounds_decimals(bounds, currency);
	if (bounds->decimals < 0)
		elog(ERROR, "prices are looked at in a currency that is not known");
	bounds->sku_id = sku_id;
	bounds->currency = currency;
	bounds->since = since;
	bounds->grant_asked = 0;
	MemoryContextReset(bounds->chosen_cxt);
	old = MemoryContextSwitchTo(bounds->chosen_cxt);
	read_sku(bounds);
	read_bases(bounds);
	MemoryContextSwitchTo(old);
	bounds->chosen = true;
}

/* ----------------------------------------------------------------
 * Grants
 * ----------------------------------------------------------------
 */

static const char *
grant_fault(const char *status, const char *grantee, bool for_anyone)
{
	Oid			role;

	if (strcmp(status, "approved") != 0 && !RETAIL_FAULT("price_grant_dead"))
		return strcmp(status, "revoked") == 0 ? "It has been revoked." : "It is not approved.";
	if (for_anyone || RETAIL_FAULT("price_grant_anybody"))
		return NULL;
	role = get_role_oid(grantee, true);

	/* who called, and not the owner as whom this runs */
	if (!OidIsValid(role) || !has_privs_of_role(GetOuterUserId(), role))
		return "It was given to another role.";
	return NULL;
}

static void
read_grant(PriceBounds *bounds, Grant *grant)
{
	static SPIPlanPtr plan = NULL;
	int			n = run(&plan,
						"SELECT (max_discount_percent * 10000)::bigint, lower(valid), upper(valid), overrides_floor,"
						" sku_ids, categories, channel_ids, location_ids, floor_amount, currency, status, grantee"
						" FROM retail.price_grant WHERE id = $1",
						1, (Oid[]) {INT8OID}, (Datum[]) {Int64GetDatum(grant->id)});
	MemoryContext old;
	text	   *currency;

	if (n == 0)
	{
		grant->fault = "There is none of this id.";
		SPI_freetuptable(SPI_tuptable);
		return;
	}
	old = MemoryContextSwitchTo(bounds->cxt);
	grant->max_discount = field_int64(0, 1, 0);
	grant->from = field_int64(0, 2, DT_NOBEGIN);
	grant->until = field_int64(0, 3, DT_NOEND);
	grant->overrides_floor = field_bool(0, 4);
	grant->skus = (ArrayType *) field_varlena(0, 5);
	grant->categories = (ArrayType *) field_varlena(0, 6);
	grant->channels = (ArrayType *) field_varlena(0, 7);
	grant->locations = (ArrayType *) field_varlena(0, 8);
	grant->floor_amount = (Numeric) field_varlena(0, 9);
	currency = (text *) field_varlena(0, 10);
	if (currency != NULL)
		grant->currency = retail_currency_pack(VARDATA_ANY(currency), VARSIZE_ANY_EXHDR(currency));
	grant->fault = grant_fault(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 11),
							   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 12),
							   bounds->for_anyone);
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
}

static Grant *
find_grant(PriceBounds *bounds, int64 id)
{
	bool		found;
	Grant	   *grant = hash_search(bounds->grants, &id, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) grant + sizeof(grant->id), 0, sizeof(Grant) - sizeof(grant->id));
		grant->fault = "It could not be read.";
		read_grant(bounds, grant);
	}
	return grant;
}

/* No array: every one.  NULLs in it are nobody. */
static bool
array_has_int(ArrayType *array, int32 value)
{
	int			n;
	int32	   *values;

	if (array == NULL)
		return true;
	if (ARR_HASNULL(array))
	{
		Datum	   *datums;
		bool	   *nulls;

		deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &datums, &nulls, &n);
		for (int i = 0; i < n; i++)
		{
			if (!nulls[i] && DatumGetInt32(datums[i]) == value)
				return true;
		}
		return false;
	}
	n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	values = (int32 *) ARR_DATA_PTR(array);
	for (int i = 0; i < n; i++)
	{
		if (values[i] == value)
			return true;
	}
	return false;
}

static bool
array_has_text(ArrayType *array, text *value)
{
	Datum	   *datums;
	bool	   *nulls;
	int			n;

	if (array == NULL || value == NULL)
		return false;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		text	   *one = nulls[i] ? NULL : DatumGetTextPP(datums[i]);

		if (one != NULL && VARSIZE_ANY_EXHDR(one) == VARSIZE_ANY_EXHDR(value) &&
			memcmp(VARDATA_ANY(one), VARDATA_ANY(value), VARSIZE_ANY_EXHDR(one)) == 0)
			return true;
	}
	return false;
}

/* Looked up once for all the prices of a SKU: the list may be long. */
static bool
grant_covers_sku(PriceBounds *bounds, Grant *grant)
{
	if (bounds->grant_asked != grant->id)
	{
		bounds->grant_covers = (grant->skus == NULL && grant->categories == NULL) ||
			(grant->skus != NULL && array_has_int(grant->skus, bounds->sku_id)) ||
			array_has_text(grant->categories, bounds->category);
		bounds->grant_asked = grant->id;
	}
	return bounds->grant_covers;
}

/* Why a grant does not serve a price, as a sentence; NULL: it does. */
static const char *
grant_refusal(PriceBounds *bounds, Grant *grant, const PriceTerms *terms)
{
	if (grant->fault != NULL)
		return grant->fault;
	if ((terms->from < grant->from || terms->until > grant->until) &&
		!RETAIL_FAULT("price_grant_any_time"))
		return "It is not valid over the whole time.";
	if (RETAIL_FAULT("price_grant_anything"))
		return NULL;
	if (!grant_covers_sku(bounds, grant))
		return "It does not cover the SKU.";
	if (!array_has_int(grant->channels, terms->channel_id))
		return "It does not cover the channel.";
	if (!array_has_int(grant->locations, terms->location_id))
		return "It does not cover the location.";
	if (grant->currency != 0 && grant->currency != bounds->currency)
		return "It is in another currency.";
	return NULL;
}

/* The least price a grant allows from a base price. */
static int64
grant_low(PriceBounds *bounds, Grant *grant, int64 base_minor)
{
	int64		low;
	int64		least;
	int64		highest;

	if (RETAIL_FAULT("price_grant_any_depth"))
		return 0;
	if (retail_price_limits(base_minor, grant->max_discount, 0, PERCENT_WHOLE,
							&low, &highest) != PRICE_OK)
		return base_minor;
	if (grant->floor_amount != NULL)
	{
		MoneyStatus status = retail_money_to_minor(grant->floor_amount, bounds->decimals, &least);

		/* a price must not be below it, so what was cut off counts as one more */
		if (status == MONEY_TOO_FINE)
			least++;
		low = Max(low, least);
	}
	return low;
}

/* ----------------------------------------------------------------
 * Bands
 * ----------------------------------------------------------------
 */

/* False: no price is allowed, as from a base price of 0. */
static bool
limits_by(const Rule *rule, int64 base_minor, int64 *low, int64 *high)
{
	PriceStatus status = retail_price_limits(base_minor, rule->low, rule->high, PERCENT_WHOLE,
											 low, high);

	if (status == PRICE_OVERFLOW)
	{
		/* the highest is beyond what an amount can be, and bounds nothing */
		*high = PG_INT64_MAX;
		return true;
	}
	return status == PRICE_OK;
}

/* What every channel allows. */
static bool
common_limits(PriceBounds *bounds, int64 base_minor, int64 *low, int64 *high)
{
	*low = 0;
	*high = PG_INT64_MAX;
	for (int i = 0; i < bounds->nchannels; i++)
	{
		int64		one_low;
		int64		one_high;

		/* entry 0 is for channels to come, where there are none yet */
		if (i == 0 && bounds->nchannels > 1)
			continue;
		if (!limits_by(&bounds->channels[i].rule, base_minor, &one_low, &one_high))
			return false;
		*low = Max(*low, one_low);
		*high = Min(*high, one_high);
	}
	return *low <= *high;
}

static bool
rule_limits(PriceBounds *bounds, int32 channel_id, int64 base_minor, int64 *low, int64 *high)
{
	if (bounds->has_rule)
		return limits_by(&bounds->rule, base_minor, low, high);
	if (channel_id != 0)
		return limits_by(channel_rule(bounds, channel_id), base_minor, low, high);
	return common_limits(bounds, base_minor, low, high);
}

/* As rule_limits, remembered for a price of every channel. */
static bool
base_limits(PriceBounds *bounds, int32 channel_id, BaseRow *base, int64 *low, int64 *high)
{
	if (channel_id != 0 || bounds->has_rule)
		return rule_limits(bounds, channel_id, base->amount_minor, low, high);
	if (!base->common_known)
	{
		base->common_any = common_limits(bounds, base->amount_minor,
										 &base->common_low, &base->common_high);
		base->common_known = true;
	}
	*low = base->common_low;
	*high = base->common_high;
	return base->common_any;
}

bool
retail_price_bounds_band(PriceBounds *bounds, const PriceTerms *terms, int64 base_minor,
						 int64 *low_minor, int64 *high_minor)
{
	Grant	   *grant = terms->grant_id == 0 ? NULL : find_grant(bounds, terms->grant_id);

	if (!rule_limits(bounds, terms->channel_id, base_minor, low_minor, high_minor))
		return false;
	if (grant != NULL)
		*low_minor = Min(*low_minor, grant_low(bounds, grant, base_minor));
	return true;
}

int64
retail_price_bounds_floor(PriceBounds *bounds, bool advertised)
{
	return advertised ? bounds->advertised_floor : bounds->cost_floor;
}

BaseChange
retail_price_bounds_base_change(PriceBounds *bounds, int32 channel_id)
{
	BaseChange	strictest = BASE_CHANGE_CLOSE;

	if (bounds->has_rule)
		return bounds->rule.base_change;
	if (channel_id != 0)
		return channel_rule(bounds, channel_id)->base_change;
	for (int i = bounds->nchannels > 1 ? 1 : 0; i < bounds->nchannels; i++)
		strictest = Min(strictest, bounds->channels[i].rule.base_change);
	return strictest;
}

bool
retail_price_bounds_gap(PriceBounds *bounds, TimestampTz from, TimestampTz until,
						TimestampTz *at)
{
	*at = from;
	for (int i = 0; i < bounds->nbases && *at < until; i++)
	{
		const BaseRow *base = &bounds->bases[i];

		if (base->from > *at)
			break;
		*at = Max(*at, base->until);
	}
	return *at < until;
}

/* ----------------------------------------------------------------
 * The question
 * ----------------------------------------------------------------
 */

static bool
is_outside(int64 amount_minor, int64 low, int64 high)
{
	return (amount_minor < low && !RETAIL_FAULT("price_below_band")) ||
		(amount_minor > high && !RETAIL_FAULT("price_above_band"));
}

/*
 * Narrows the finding by each base price the terms meet.  The one that refuses
 * the amount is remembered, the first of them.
 */
static void
meet_bases(PriceBounds *bounds, const PriceTerms *terms, Grant *grant, PriceFinding *finding)
{
	finding->low_minor = 0;
	finding->high_minor = PG_INT64_MAX;
	for (int i = 0; i < bounds->nbases; i++)
	{
		BaseRow    *base = &bounds->bases[i];
		int64		low;
		int64		high;
		bool		any;

		if (base->until <= terms->from)
			continue;
		if (base->from >= terms->until)
			break;
		any = base_limits(bounds, terms->channel_id, base, &low, &high);
		if (any && grant != NULL)
			low = Min(low, grant_low(bounds, grant, base->amount_minor));
		if (!any)
		{
			low = PG_INT64_MAX;
			high = 0;
		}
		finding->low_minor = Max(finding->low_minor, low);
		finding->high_minor = Min(finding->high_minor, high);
		if (finding->base_id == 0 ||
			(finding->bound == PRICE_WITHIN && is_outside(terms->amount_minor, low, high)))
		{
			finding->base_id = base->id;
			finding->base_minor = base->amount_minor;
		}
		if (is_outside(terms->amount_minor, low, high))
			finding->bound = PRICE_OUT_OF_BAND;
		if (RETAIL_FAULT("price_first_base"))
			break;
	}
}

PriceFinding
retail_price_bounds_check(PriceBounds *bounds, const PriceTerms *terms)
{
	PriceFinding finding = {0};
	Grant	   *grant = NULL;

	Assert(bounds->chosen && bounds->since <= terms->from);
	if (terms->grant_id != 0)
	{
		grant = find_grant(bounds, terms->grant_id);
		finding.reason = grant_refusal(bounds, grant, terms);
		if (finding.reason != NULL)
			grant = NULL;
	}
	if (retail_price_bounds_gap(bounds, terms->from, terms->until, &finding.at) &&
		!RETAIL_FAULT("price_without_base"))
	{
		finding.bound = PRICE_NO_BASE;
		return finding;
	}
	meet_bases(bounds, terms, grant, &finding);
	finding.band_known = true;
	if ((grant == NULL || !(grant->overrides_floor || RETAIL_FAULT("price_floor_yields"))) &&
		!RETAIL_FAULT("price_floor"))
		finding.floor_minor = retail_price_bounds_floor(bounds, terms->advertised);
	finding.low_minor = Max(finding.low_minor, finding.floor_minor);

	/* a grant that is named and does not serve is a mistake even within the band */
	if (finding.reason != NULL)
		finding.bound = PRICE_NO_GRANT;
	else if (finding.bound == PRICE_WITHIN && terms->amount_minor < finding.floor_minor)
		finding.bound = PRICE_BELOW_FLOOR;
	return finding;
}
