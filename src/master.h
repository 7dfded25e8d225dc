/*-------------------------------------------------------------------------
 * master.h
 *		Master data as the hot paths see it: codes, ids, and who may sell.
 *
 * Kept per backend, forgotten when the tables change.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_MASTER_H
#define RETAIL_MASTER_H

#include "datatype/timestamp.h"
#include "utils/date.h"

typedef struct SkuInfo
{
	int32		id;
	bool		active;
	bool		lot_tracked;
	int32		shelf_life_days;	/* 0: does not expire */
} SkuInfo;

typedef struct LocationInfo
{
	int32		id;
	bool		open;
} LocationInfo;

typedef struct ChannelInfo
{
	int32		id;
	bool		open;
	int64		hold_ttl_us;	/* 0: pg_retail.default_ttl */
} ChannelInfo;

/* By code; each raises its own error when there is none. */
extern SkuInfo retail_master_sku(Datum code);
extern LocationInfo retail_master_location(Datum code);
extern ChannelInfo retail_master_channel(Datum code);

/* By id; false when the row is gone. */
extern bool retail_master_sku_by_id(int32 id, SkuInfo *info);
extern bool retail_master_location_by_id(int32 id, LocationInfo *info);
extern bool retail_master_channel_by_id(int32 id, ChannelInfo *info);

/* The code as a text datum in the current context; NULL when it is gone. */
extern Datum retail_master_sku_code(int32 id, bool *isnull);
extern Datum retail_master_location_code(int32 id, bool *isnull);

/* The instant a day begins at a location; its date there at an instant. */
extern TimestampTz retail_master_day_begins(int32 location_id, DateADT day);
extern DateADT retail_master_date_at(int32 location_id, TimestampTz at);

/*
 * What a channel may sell of a SKU at a location: channel_id 0 stands for "no
 * channel", on sale without safety stock.
 */
typedef struct SaleRule
{
	bool		on_sale;
	int64		floor_qty;		/* units to leave, unless a percent says it */
	int32		floor_bp;		/* of on_hand - unavailable, 1/100 %; -1: none */
} SaleRule;

extern SaleRule retail_sale_rule(int32 sku_id, int32 location_id, int32 channel_id);

/* The same, with nothing on sale where SKU, location or channel is closed. */
extern SaleRule retail_sale_rule_now(int32 sku_id, int32 location_id, int32 channel_id);

/* The floor in units; a percent is rounded up to whole units. */
extern int64 retail_sale_floor(const SaleRule *rule, int64 physical);

/* The largest floor any channel has there: 0 without safety stock. */
extern int64 retail_largest_floor(int32 sku_id, int32 location_id, int64 physical);

/*
 * The largest floor that avail units still leave something above, or -1; *all
 * tells that it is the largest floor there is.
 */
extern int64 retail_sellable_floor(int32 sku_id, int32 location_id, int64 physical,
								   int64 avail, bool *all);

extern void retail_master_init(void);

#endif							/* RETAIL_MASTER_H */
