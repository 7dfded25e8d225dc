/*-------------------------------------------------------------------------
 * price_refusal.c
 *		Why a price is refused, in words.
 *
 * Each message is written once, for whoever writes a price: a call, a load, a
 * change of the base price.  Functions that answer rows say the same facts in
 * their columns, with the same texts for amounts and instants.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "band_value.h"
#include "errors.h"
#include "master.h"
#include "price_refusal.h"

char *
retail_price_show_amount(int64 amount_minor, int decimals)
{
	char	   *text = palloc(BAND_TEXT_BYTES);

	retail_band_format_amount(amount_minor, decimals, text);
	return text;
}

const char *
retail_price_show_instant(TimestampTz at)
{
	if (at == DT_NOEND)
		return "further notice";
	return pstrdup(timestamptz_to_str(at));
}

static char *
show_sku(int32 id)
{
	bool		isnull;
	Datum		code = retail_master_sku_code(id, &isnull);

	return isnull ? psprintf("%d", id) : TextDatumGetCString(code);
}

/* " in channel ... at location ...", as far as a price names them. */
static char *
show_scope(int32 location_id, int32 channel_id)
{
	StringInfoData buf;
	bool		isnull;
	Datum		code;

	initStringInfo(&buf);
	if (channel_id != 0)
	{
		code = retail_master_channel_code(channel_id, &isnull);
		appendStringInfo(&buf, " in channel \"%s\"", isnull ? "?" : TextDatumGetCString(code));
	}
	if (location_id != 0)
	{
		code = retail_master_location_code(location_id, &isnull);
		appendStringInfo(&buf, " at location \"%s\"", isnull ? "?" : TextDatumGetCString(code));
	}
	return buf.data;
}

void
retail_price_refuse(const PriceChange *change, const PriceFinding *finding, int decimals)
{
	char	   *amount = retail_price_show_amount(change->amount_minor, decimals);
	char	   *sku = show_sku(change->sku_id);
	char	   *scope = show_scope(change->location_id, change->channel_id);

	switch (finding->bound)
	{
		case PRICE_WITHIN:
			break;
		case PRICE_NO_BASE:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_NO_PRICE),
					 errmsg("SKU \"%s\" has no base price for a price%s", sku, scope),
					 errdetail("Price %s from %s to %s; there is none at %s.", amount,
							   retail_price_show_instant(change->from), retail_price_show_instant(change->until),
							   retail_price_show_instant(finding->at)),
					 errhint("Set one with retail.set_base_price() first, or a shorter time.")));
			break;
		case PRICE_NO_GRANT:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_NO_GRANT),
					 errmsg("grant %lld does not serve a price for SKU \"%s\"%s",
							(long long) change->grant_id, sku, scope),
					 errdetail("%s", finding->reason),
					 errhint("Ask for one that does, or leave it out where the price is within the band.")));
			break;
		case PRICE_OUT_OF_BAND:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_OUT_OF_BAND),
					 errmsg("price %s for SKU \"%s\"%s is outside the band", amount, sku, scope),
					 finding->low_minor <= finding->high_minor ?
					 errdetail("Allowed: %s to %s; base price %lld is %s.",
							   retail_price_show_amount(finding->low_minor, decimals),
							   retail_price_show_amount(finding->high_minor, decimals),
							   (long long) finding->base_id,
							   retail_price_show_amount(finding->base_minor, decimals)) :
					 errdetail("No price is allowed over the whole time; base price %lld is %s.",
							   (long long) finding->base_id,
							   retail_price_show_amount(finding->base_minor, decimals)),
					 errhint("Ask for a grant, or change the band in retail.price_rule.")));
			break;
		case PRICE_BELOW_FLOOR:
			ereport(ERROR,
					(errcode(ERRCODE_RETAIL_BELOW_FLOOR),
					 errmsg("price %s for SKU \"%s\"%s is below its floor", amount, sku, scope),
					 errdetail("The floor is %s.", retail_price_show_amount(finding->floor_minor, decimals)),
					 errhint("Only a grant that overrides floors lets it be lower (retail.price_floor).")));
			break;
	}
}

void
retail_price_refuse_base(const PriceChange *base, const PriceChange *price, int64 low, int64 high,
						 int decimals)
{
	char	   *sku = show_sku(base->sku_id);
	char	   *amount = retail_price_show_amount(price->amount_minor, decimals);
	char	   *scope = show_scope(price->location_id, price->channel_id);

	if (base->what == PRICE_GONE)
		ereport(ERROR,
				(errcode(ERRCODE_RETAIL_NO_PRICE),
				 errmsg("SKU \"%s\" would have prices without a base price", sku),
				 errdetail("Price %lld, %s%s, would be without one at %s.", (long long) price->id,
						   amount, scope, retail_price_show_instant(price->from)),
				 errhint("End such prices first, set another base price with retail.set_base_price(), or let a price rule flag or close them.")));
	ereport(ERROR,
			(errcode(ERRCODE_RETAIL_OUT_OF_BAND),
			 errmsg("base price %s of SKU \"%s\" would leave prices outside their band",
					retail_price_show_amount(base->amount_minor, decimals), sku),
			 errdetail("Price %lld, %s%s, would be outside %s to %s at %s.", (long long) price->id,
					   amount, scope, retail_price_show_amount(low, decimals),
					   retail_price_show_amount(high, decimals), retail_price_show_instant(price->from)),
			 errhint("End such prices first, or let a price rule flag or close them (retail.price_rule.base_change).")));
}
