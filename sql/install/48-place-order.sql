-- Placing an order.

CREATE TYPE retail.order_result AS (
    outcome        text,
    order_id       bigint,
    fulfilment_id  bigint,
    line_no        integer,
    sku            text,
    location       text,
    qty            bigint,
    reservation_id bigint,
    expires_at     timestamptz,
    promise_at     timestamptz,
    replayed       boolean,
    unit_price     numeric,
    live_price     numeric
);
COMMENT ON TYPE retail.order_result IS
'Units of one line of an order in one parcel. outcome: placed; backordered (nobody has these units: they wait); or why nothing was placed: insufficient, too_many_parcels (there are enough, but in more parcels than the order may have: more stores than one for a pickup), busy (units that transactions under way have taken would do: try again), not_sellable, closed, no_location (no location may serve this order), duplicate (the channel has an order of this order_ref: order_id says which), skipped (this line would have gone, from the location named), price_changed (the frozen quote has expired and this line costs more now: unit_price and live_price say what; freeze a new one), quote_used (an order was placed by this frozen quote: order_id says which). fulfilment_id: the parcel; reservation_id and expires_at: the hold of its units; promise_at: when it is there, or ready; replayed: the answer of an earlier try with the same request_key; unit_price: what the order''s line costs, by the frozen quote; live_price: what it costs now, where that is not what was frozen.';

CREATE FUNCTION retail.place_order(channel text, order_ref text, lines retail.line[], longitude double precision DEFAULT NULL,
    latitude double precision DEFAULT NULL, service text DEFAULT 'auto', location text DEFAULT NULL, holder text DEFAULT NULL,
    request_key text DEFAULT NULL, options jsonb DEFAULT '{}', frozen_quote bigint DEFAULT NULL)
RETURNS SETOF retail.order_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 COST 1000 AS 'MODULE_PATHNAME', 'retail_place_order';
COMMENT ON FUNCTION retail.place_order(text, text, retail.line[], double precision, double precision, text, text, text, text, jsonb, bigint) IS
'Routes an order, holds its units and writes it with its parcels, all in one: the shopper pays next (confirm_order) or the holds lapse.
channel, order_ref: the order''s name, unique per channel; lines, longitude, latitude, service: as in route(); location: the only one that may serve, the store of a pickup; holder: the customer, whose holds of these stocks become the order''s; request_key: makes a retry safe.
options: as in route(), and ttl (interval: how long units are held; default as in reserve()), guide (the clerk who ordered for the customer), backorder (true: what nobody has, or what would take too many parcels, waits instead of refusing the order).
frozen_quote: of freeze_quote(), for the same channel and lines: before it expires a line costs what was frozen, or less where it costs less now; later what it costs now, or the answer is price_changed. It serves one order. NULL: the caller keeps prices.
Returns one order_result per line and parcel. All lines are placed or none, but for backorder. A race for the last units is planned again, a few times. Waits for a second call of the same request key, order_ref or frozen quote, and where a location has a daily_capacity for other orders of that location.
Errors: as route() and reserve(); RT005 request key used for another request, RT023 a price that was frozen is there no more, RT030 no such frozen quote, 22023 it is for another channel or for other lines.';
