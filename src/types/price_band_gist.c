/*-------------------------------------------------------------------------
 * price_band_gist.c
 *		GiST operator class of type price_band.
 *
 * An index keeps keys of type price_band_key, made from the bands; band_key.c
 * says what is in them and holds all decisions.  Two questions are indexed:
 * which bands contain an amount, and which overlap a band.  A key lacks the
 * base price, so there are no index-only scans.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/gist.h"
#include "access/stratnum.h"
#include "fmgr.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "band_key.h"
#include "money.h"
#include "price_band.h"
#include "price_rules.h"

StaticAssertDecl(sizeof(PriceBandKey) == 24,
				 "CREATE TYPE retail.price_band_key has INTERNALLENGTH = 24");

PG_FUNCTION_INFO_V1(retail_price_band_key_in);
PG_FUNCTION_INFO_V1(retail_price_band_key_out);
PG_FUNCTION_INFO_V1(retail_price_band_gist_compress);
PG_FUNCTION_INFO_V1(retail_price_band_gist_consistent);
PG_FUNCTION_INFO_V1(retail_price_band_gist_union);
PG_FUNCTION_INFO_V1(retail_price_band_gist_penalty);
PG_FUNCTION_INFO_V1(retail_price_band_gist_picksplit);
PG_FUNCTION_INFO_V1(retail_price_band_gist_same);

#define KEY_OF(datum) ((PriceBandKey *) DatumGetPointer(datum))

Datum
retail_price_band_key_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type price_band_key"),
			 errdetail("It exists inside indexes only.")));
	PG_RETURN_VOID();
}

/* For looking into index pages. */
Datum
retail_price_band_key_out(PG_FUNCTION_ARGS)
{
	PriceBandKey *key = (PriceBandKey *) PG_GETARG_POINTER(0);
	char		low[BAND_TEXT_BYTES];
	char		high[BAND_TEXT_BYTES];
	char		first[BAND_CURRENCY_LETTERS + 1];
	char		last[BAND_CURRENCY_LETTERS + 1];
	int			first_decimals;
	int			last_decimals;

	retail_band_format_amount(key->low_e4, PRICE_MAX_DECIMALS, low);
	retail_band_format_amount(key->high_e4, PRICE_MAX_DECIMALS, high);
	retail_band_key_unit(key->unit_first, first, &first_decimals);
	retail_band_key_unit(key->unit_last, last, &last_decimals);
	PG_RETURN_CSTRING(psprintf("[%s,%s] %s/%d %s/%d", low, high,
							   first, first_decimals, last, last_decimals));
}

static PriceBandKey *
copy_key(const PriceBandKey *key)
{
	PriceBandKey *copy = palloc(sizeof(PriceBandKey));

	*copy = *key;
	return copy;
}

/* A band becomes a key when it enters a leaf; keys stay what they are. */
Datum
retail_price_band_gist_compress(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *compressed;
	PriceBandKey key;

	if (!entry->leafkey)
		PG_RETURN_POINTER(entry);
	retail_band_key_make(retail_price_band_read(entry->key), &key);
	compressed = palloc(sizeof(GISTENTRY));
	gistentryinit(*compressed, PointerGetDatum(copy_key(&key)),
				  entry->rel, entry->page, entry->offset, false);
	PG_RETURN_POINTER(compressed);
}

/* The key of an index entry; damaged pages must not index past a table. */
static const PriceBandKey *
read_key(const GISTENTRY *entry)
{
	const PriceBandKey *key = KEY_OF(entry->key);

	if (!retail_band_key_check(key))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a corrupted price_band_key",
						RelationGetRelationName(entry->rel)),
				 errhint("Rebuild it with REINDEX.")));
	return key;
}

static bool
consistent_with_amount(const PriceBandKey *key, Numeric amount, bool is_leaf)
{
	int64		amount_e4;

	return retail_money_read(amount, &amount_e4) == MONEY_OK &&
		retail_band_key_contains(key, amount_e4, is_leaf);
}

static bool
consistent_with_band(const PriceBandKey *key, const PriceBand *band)
{
	PriceBandKey other;

	retail_band_key_make(band, &other);
	return retail_band_key_overlaps(key, &other);
}

Datum
retail_price_band_gist_consistent(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	StrategyNumber strategy = (StrategyNumber) PG_GETARG_UINT16(2);
	bool	   *recheck = (bool *) PG_GETARG_POINTER(4);
	const PriceBandKey *key = read_key(entry);

	*recheck = false;
	switch (strategy)
	{
		case RTContainsElemStrategyNumber:
			PG_RETURN_BOOL(consistent_with_amount(key, PG_GETARG_NUMERIC(1),
												  GIST_LEAF(entry)));
		case RTOverlapStrategyNumber:
			PG_RETURN_BOOL(consistent_with_band(key,
												retail_price_band_read(PG_GETARG_DATUM(1))));
		default:
			elog(ERROR, "unexpected strategy number %d", (int) strategy);
	}
	PG_RETURN_BOOL(false);
}

/* The smallest box around the entries first .. last of a vector. */
static PriceBandKey *
box_around(const GistEntryVector *entries, int first, int last)
{
	PriceBandKey *box = copy_key(KEY_OF(entries->vector[first].key));

	for (int i = first + 1; i <= last; i++)
		retail_band_key_add(box, KEY_OF(entries->vector[i].key));
	return box;
}

Datum
retail_price_band_gist_union(PG_FUNCTION_ARGS)
{
	GistEntryVector *entries = (GistEntryVector *) PG_GETARG_POINTER(0);
	int		   *size = (int *) PG_GETARG_POINTER(1);

	*size = sizeof(PriceBandKey);
	PG_RETURN_POINTER(box_around(entries, 0, entries->n - 1));
}

Datum
retail_price_band_gist_penalty(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *added = (GISTENTRY *) PG_GETARG_POINTER(1);
	float	   *penalty = (float *) PG_GETARG_POINTER(2);

	*penalty = retail_band_key_penalty(KEY_OF(entry->key), KEY_OF(added->key));
	PG_RETURN_POINTER(penalty);
}

/* One side of a split: offset numbers of its entries, and the box of them. */
static OffsetNumber *
split_side(const BandSplitItem *items, int nitems, Datum *box)
{
	OffsetNumber *offsets = palloc(sizeof(OffsetNumber) * nitems);
	PriceBandKey *around = copy_key(&items[0].key);

	for (int i = 0; i < nitems; i++)
	{
		offsets[i] = (OffsetNumber) items[i].entry;
		retail_band_key_add(around, &items[i].key);
	}
	*box = PointerGetDatum(around);
	return offsets;
}

Datum
retail_price_band_gist_picksplit(PG_FUNCTION_ARGS)
{
	GistEntryVector *entries = (GistEntryVector *) PG_GETARG_POINTER(0);
	GIST_SPLITVEC *split = (GIST_SPLITVEC *) PG_GETARG_POINTER(1);
	int			nitems = entries->n - FirstOffsetNumber;
	BandSplitItem *items = palloc(sizeof(BandSplitItem) * nitems);

	for (int i = 0; i < nitems; i++)
	{
		items[i].entry = i + FirstOffsetNumber;
		items[i].key = *KEY_OF(entries->vector[items[i].entry].key);
	}
	split->spl_nleft = retail_band_key_split(items, nitems);
	split->spl_nright = nitems - split->spl_nleft;
	split->spl_left = split_side(items, split->spl_nleft,
								 &split->spl_ldatum);
	split->spl_right = split_side(items + split->spl_nleft, split->spl_nright,
								  &split->spl_rdatum);
	pfree(items);
	PG_RETURN_POINTER(split);
}

Datum
retail_price_band_gist_same(PG_FUNCTION_ARGS)
{
	bool	   *same = (bool *) PG_GETARG_POINTER(2);

	*same = retail_band_key_same(KEY_OF(PG_GETARG_DATUM(0)),
								 KEY_OF(PG_GETARG_DATUM(1)));
	PG_RETURN_POINTER(same);
}
