-- Routing: from where an order is served.

CREATE TYPE retail.route_row AS (
    line_no      integer,
    sku          text,
    location     text,
    qty          bigint,
    parcel_no    integer,
    service      text,
    distance_m   double precision,
    promise_at   timestamptz,
    promise_kept boolean,
    unfilled_qty bigint
);
COMMENT ON TYPE retail.route_row IS
'Units of one line of an order in one parcel. line_no: from 1, as given; parcel_no: from 1, nearest first; service: how it reaches the shopper; distance_m: metres along the earth, on a sphere, NULL without a destination; promise_at: when it is there, or ready; promise_kept: whether that is what the service promises an order of that instant; unfilled_qty: units of the line no location has, in a row of its own without location.';

CREATE FUNCTION retail.route(lines retail.line[], longitude double precision DEFAULT NULL, latitude double precision DEFAULT NULL,
    channel text DEFAULT NULL, service text DEFAULT 'auto', options jsonb DEFAULT '{}')
RETURNS SETOF retail.route_row
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10 COST 1000 AS 'MODULE_PATHNAME', 'retail_route';
COMMENT ON FUNCTION retail.route(retail.line[], double precision, double precision, text, text, jsonb) IS
'Plans from where an order is served: most lines filled, then the promise kept, then fewest parcels, then the least cost (the shortest way, unless the business has set more), or in the order of the channel''s objective (retail.channel_routing). Holds nothing and writes nothing.
lines: SKU, location (NULL: anywhere), quantity; longitude, latitude: the destination, degrees; channel: whose safety stock and sources count (NULL: none); service: a code of retail.service, or auto: whichever can promise the whole order soonest.
options: datum (WGS-84, GCJ-02 or BD-09: what the destination is stated in), at (timestamptz: when the order is placed), location (code: the only one that may serve), exclude (list of location codes), max_parcels (1 to 40; default any number, of a pickup as many as stores are named, or 1: a shopper goes to one store), no_split (true: no line from two locations), partial (true: what there is of a line that is short, in parcels that go anyway), reach (how many of the nearest locations a plan chooses from, 1 to 10,000; default 1,000).
Returns one route_row per line and parcel, and one per line for units nobody has. Distances and the radius of a service (service.max_km) are measured on a sphere, as by ST_DWithin(..., use_spheroid => false): at the edge the spheroid, its default, differs by up to 0.6 %. A line is split over locations only where none holds all of it. The 40 best candidates among the nearest locations within reach, the nearest warehouses and those that hold a short SKU are considered.
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, RT012 unknown service, 22004 neither a destination nor a location, 22023 bad argument or option.';

CREATE FUNCTION retail.explain_route(lines retail.line[], longitude double precision DEFAULT NULL, latitude double precision DEFAULT NULL,
    channel text DEFAULT NULL, service text DEFAULT 'auto', options jsonb DEFAULT '{}')
RETURNS TABLE (rank integer, location text, distance_m double precision, verdict text, lines_held integer, promise_at timestamptz,
    promise_kept boolean, distance_cost double precision, handling_cost double precision, load_cost double precision,
    cost double precision, expiry_days bigint, last_units integer)
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 40 COST 1000 AS 'MODULE_PATHNAME', 'retail_explain_route';
COMMENT ON FUNCTION retail.explain_route(retail.line[], double precision, double precision, text, text, jsonb) IS
'Tells of each location route() looked at why it was chosen or not. Arguments and errors as route().
Returns, in the order they were looked at: rank from 1; distance_m: metres, NULL without a destination; verdict: chosen, not_needed (a candidate, but others do better), dominated (a cheaper one holds all it holds), no_stock, no_capacity, late, outside_zone, too_far, not_offered, excluded, closed; lines_held: SKUs it could fill whole; promise_at and promise_kept: what it could promise, NULL where it did not come to that; distance_cost, handling_cost, load_cost and cost, their sum: of one parcel from there, in the units of channel_routing.cost_per_km, NULL where it did not come to that; expiry_days: days to the first expiry of a lot, added up over the SKUs it holds (lot-tracked ones; 3,650 at most for each), NULL where no dates were read, for no plan hung on them; last_units: SKUs of which it would give a display store''s last unit; both NULL but for candidates. Behind the last rank nothing was looked at, because nothing there could do better.';

CREATE FUNCTION retail.stock_near(sku text, channel text DEFAULT NULL, longitude double precision DEFAULT NULL,
    latitude double precision DEFAULT NULL, qty bigint DEFAULT 1, max_km double precision DEFAULT NULL, max_rows integer DEFAULT 3,
    OUT location text, OUT distance_m double precision, OUT available bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 3 COST 500 AS 'MODULE_PATHNAME', 'retail_stock_near';
COMMENT ON FUNCTION retail.stock_near(text, text, double precision, double precision, bigint, double precision, integer) IS
'Where can I get it: the nearest open locations that this channel may be served from (channel_routing.source: all, or those listed; all where an order names its own) and that can sell it qty units now.
longitude, latitude: degrees, WGS-84; qty: 1 or more; max_km: above 0, on a sphere, as ST_DWithin(..., use_spheroid => false) measures (NULL: any distance); max_rows: 1 to 40.
Returns location: its code, distance_m in metres along the earth, available: units the channel may reserve there, as route() counts them. Nearest first; of the 1,000 nearest of these locations. Errors: RT001 unknown SKU, RT003 unknown channel, 22004 a NULL coordinate, 22023 bad argument.';
