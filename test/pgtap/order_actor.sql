-- Whoever calls is named by every row his call writes, however deep in it.
\ir order.psql

SELECT plan(8);
CREATE ROLE retail_tap_shop;
CREATE ROLE retail_tap_wrapper;
DO $$ BEGIN
    PERFORM retail.grant_access('retail_tap_shop', 'clerk');
    PERFORM retail.grant_access('retail_tap_wrapper', 'clerk');
    PERFORM retail.receive_lines(ARRAY[('A', 'S1', 10), ('B', 'S1', 3), ('A', 'S2', 10)]::retail.line[]);
END $$;
-- the last ids of what there is before he comes
CREATE TEMP TABLE before AS SELECT (SELECT max(id) FROM retail.movement) AS movement, (SELECT coalesce(max(id), 0) FROM retail.reservation) AS reservation;
DO $$ DECLARE
    parcel bigint;
    code text;
BEGIN
    SET LOCAL ROLE retail_tap_shop;
    -- ships, rejects what is not there, collects, takes back
    PERFORM retail.place_order('app', n, ARRAY[('A', NULL, 2)]::retail.line[], 121.470, 31.230, 'express') FROM unnest(ARRAY['O1', 'O2']) n;
    SELECT fulfilment_id INTO parcel FROM retail.confirm_order('app', 'O1');
    PERFORM retail.advance(parcel, s) FROM unnest(ARRAY['accept', 'start_picking', 'pack', 'ship']) s;
    SELECT fulfilment_id INTO parcel FROM retail.confirm_order('app', 'O2');
    PERFORM retail.advance(parcel, 'reject', 'not_found');
    PERFORM retail.place_order('app', 'O3', ARRAY[('B', 'S1', 1)]::retail.line[], service => 'pickup', location => 'S1');
    SELECT fulfilment_id, pickup_code INTO parcel, code FROM retail.confirm_order('app', 'O3');
    PERFORM retail.advance(parcel, s) FROM unnest(ARRAY['accept', 'start_picking', 'pack', 'ready']) s;
    PERFORM retail.collect('S1', code);
    PERFORM retail.return_order('app', 'O3', 1, 1, 'S2');
    RESET ROLE;
END $$;
SELECT is((SELECT string_agg(DISTINCT kind || ' ' || actor, ', ') FROM retail.movement, before b WHERE id > b.movement),
    'block retail_tap_shop, return retail_tap_shop, sale retail_tap_shop, shipment retail_tap_shop', 'movements');
SELECT is((SELECT string_agg(DISTINCT actor, ', ') FROM retail.reservation r, before b WHERE r.id > b.reservation), 'retail_tap_shop', 'reservations, those of a parcel routed again too');
SELECT is((SELECT string_agg(DISTINCT actor, ', ') FROM retail.sales_order), 'retail_tap_shop', 'orders');
SELECT is((SELECT string_agg(DISTINCT actor, ', ') FROM retail.fulfilment_event), 'retail_tap_shop', 'steps');
SELECT is((SELECT string_agg(DISTINCT actor, ', ') FROM retail.order_return), 'retail_tap_shop', 'returns');

-- a function that runs as somebody else does not hide its caller
CREATE FUNCTION public.retail_tap_count() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT (retail.count_stock('A', 'S2', 9, 'counted')).outcome $$;
ALTER FUNCTION public.retail_tap_count() OWNER TO retail_tap_wrapper;
DO $$ BEGIN SET LOCAL ROLE retail_tap_shop; PERFORM public.retail_tap_count(); RESET ROLE; END $$;
SELECT is((SELECT kind || ' ' || actor FROM retail.movement ORDER BY id DESC LIMIT 1), 'count retail_tap_shop', 'nor does one of the user''s own');
SELECT is(retail._actor(), session_user::text, 'without a role it is the session''s');
DROP FUNCTION public.retail_tap_count();
DROP OWNED BY retail_tap_shop, retail_tap_wrapper;
DROP ROLE retail_tap_shop, retail_tap_wrapper;
SELECT is_empty('SELECT * FROM pg_temp.differences()', 'all is well');

SELECT * FROM finish();
