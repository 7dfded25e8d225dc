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

#include "route_solver.h"

typedef struct SkuInfo
{
	int32		id;
	bool		active;
	bool		lot_tracked;
	int32		shelf_life_days;	/* 0: does not expire */
	int64		price_per;		/* base units that a price is for */
} SkuInfo;

typedef struct LocationInfo
{
	int32		id;
	bool		open;			/* its status, not its hours */
	bool		keep_last;
	bool		accepts_returns;
	int32		daily_capacity; /* fulfilment orders per business day; -1: any */
	float8		handling_cost;	/* of a parcel */
} LocationInfo;

/* Which locations may serve a channel. */
typedef enum RoutingSource
{
	ROUTING_NETWORK,			/* every one */
	ROUTING_LISTED,				/* those in channel_source */
	ROUTING_OWN					/* the one the order names */
} RoutingSource;

typedef struct ChannelInfo
{
	int32		id;
	bool		open;
	int64		hold_ttl_us;	/* 0: pg_retail.default_ttl */
	RoutingSource source;
	int32		max_parcels;	/* 0: no limit */
	bool		no_split;
	RouteCriterion objective[ROUTE_CRITERIA];
	float8		cost_per_km;
	float8		load_cost;		/* of a parcel where the whole day is taken */
} ChannelInfo;

/* What a service promises: a lead time, or a time of day to deliver by. */
typedef struct ServiceInfo
{
	int32		id;
	Datum		code;			/* text, in the context of the look-up */
	bool		pickup;			/* its kind: the shopper comes */
	bool		allow_late;
	bool		has_deliver_by;
	bool		has_cut_off;
	float8		max_m;			/* -1: any distance */
	int64		lead_us;		/* 0 with deliver_by */
	int64		deliver_by_us;	/* of the day, to 24:00 */
	int64		cut_off_us;		/* of the day, to 24:00 */
	int64		accept_us;		/* 0: no limit */
	int64		collect_us;		/* 0: no limit */
} ServiceInfo;

/* How orders are routed that no channel says anything about. */
extern void retail_master_default_routing(ChannelInfo *channel);

/* By code; each raises its own error when there is none. */
extern SkuInfo retail_master_sku(Datum code);
extern LocationInfo retail_master_location(Datum code);
extern ChannelInfo retail_master_channel(Datum code);
extern ServiceInfo retail_master_service(Datum code);

/* By id; false when the row is gone. */
extern bool retail_master_sku_by_id(int32 id, SkuInfo *info);
extern bool retail_master_location_by_id(int32 id, LocationInfo *info);
extern bool retail_master_channel_by_id(int32 id, ChannelInfo *info);
extern bool retail_master_service_by_id(int32 id, ServiceInfo *info);

/* The code as a text datum in the current context; NULL when it is gone. */
extern Datum retail_master_sku_code(int32 id, bool *isnull);
extern Datum retail_master_location_code(int32 id, bool *isnull);
extern Datum retail_master_channel_code(int32 id, bool *isnull);
extern Datum retail_master_service_code(int32 id, bool *isnull);

/* Every service's id, in the current context; how many. */
extern int	retail_master_services(int32 **ids);

/* The instant a day begins at a location; its date there at an instant. */
extern TimestampTz retail_master_day_begins(int32 location_id, DateADT day);
extern DateADT retail_master_date_at(int32 location_id, TimestampTz at);

/* The same with a time of day, in microseconds, 24:00 included. */
extern TimestampTz retail_master_instant(int32 location_id, DateADT day, int64 time_us);
extern DateADT retail_master_date_and_time_at(int32 location_id, TimestampTz at,
											  int64 *time_us);

/*
 * Opening hours.  Whether it is open, and the instant from which it is: at
 * itself when open, DT_NOEND when not within 400 days.
 */
extern bool retail_master_open_at(int32 location_id, TimestampTz at);
extern TimestampTz retail_master_next_opening(int32 location_id, TimestampTz at);

/* Whether a location offers a service: a text, its code. */
extern bool retail_master_offers(int32 location_id, Datum service_code);

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
