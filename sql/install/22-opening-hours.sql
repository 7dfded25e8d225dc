-- Opening hours of a location, and what a service promises from there.
-- Source: src/pure/opening_hours.c, src/types/opening_hours_json.c and src/services/promise.c.

CREATE FUNCTION retail._is_opening_hours(hours jsonb) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'retail_is_opening_hours';
COMMENT ON FUNCTION retail._is_opening_hours(jsonb) IS 'Internal: whether a value is well-formed opening hours.';

CREATE FUNCTION retail.opening_hours_fault(hours jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'retail_opening_hours_fault';
COMMENT ON FUNCTION retail.opening_hours_fault(jsonb) IS
'Tells what is wrong with opening hours that retail.location refuses.
hours: the value for retail.location.opening_hours.
Returns a sentence that names the key or span, or NULL when nothing is wrong. Errors: none.';

CREATE FUNCTION retail.is_open(location text, at timestamptz DEFAULT NULL) RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_is_open';
COMMENT ON FUNCTION retail.is_open(text, timestamptz) IS
'Whether the opening hours of a location say open.
location: code; at: the instant (default retail.now()). Its status, open or closed, is another matter.
Each span begins and ends when AT TIME ZONE says that the local time is; the end is no longer open.
Returns boolean. Errors: RT002 unknown location, 22008 at is infinite.';

CREATE FUNCTION retail.next_opening(location text, at timestamptz DEFAULT NULL) RETURNS timestamptz
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_next_opening';
COMMENT ON FUNCTION retail.next_opening(text, timestamptz) IS
'The first instant from one on at which the opening hours of a location say open.
location: code; at: from when (default retail.now()).
Returns at itself when it is open then, NULL when it does not open within 400 days. Errors: RT002 unknown location, 22008 at is infinite.';

CREATE FUNCTION retail.promise(service text, location text, at timestamptz DEFAULT NULL,
    OUT starts_at timestamptz, OUT promise_at timestamptz, OUT kept boolean)
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_sql_promise';
COMMENT ON FUNCTION retail.promise(text, text, timestamptz) IS
'What a service promises of an order served from a location, by its hours and the clock alone: stock, distance and capacity are left out.
service, location: codes; at: when the order is placed (default retail.now()).
Returns starts_at: at, where the location is open then and the service''s cut-off has not passed, else when it next opens, past the cut-off on a later local date; promise_at: starts_at plus lead_time, or the next deliver_by of the local day it starts on (of the day after where that is over); kept: whether that is no later than the service''s own word, at plus lead_time, or the first deliver_by from at on, past the cut-off that of the next day. The first two are NULL where the location does not open within 400 days.
Errors: RT012 unknown service, RT002 unknown location, 22008 at is infinite or out of range.';
