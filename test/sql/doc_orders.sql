-- Examples of doc/orders.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET timezone = 'Asia/Shanghai';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';

-- setup
SET pg_retail.clock = '2031-04-07 10:00:00';        -- a Monday
INSERT INTO retail.channel (code, name, kind)
VALUES ('web', 'Web shop', 'online'), ('outlet', 'Outlet, from the warehouse', 'online');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, opening_hours)
SELECT code, name, 'store', longitude, 30.66, 'Asia/Shanghai',
    (SELECT jsonb_object_agg(d, '[["09:00", "21:00"]]'::jsonb)
     FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) d)
FROM (VALUES ('CD1', 'Kuanzhai Alley', 104.06), ('CD2', 'Chunxi Road', 104.08), ('CD3', 'Jianshe Road', 104.11)) s (code, name, longitude);
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
VALUES ('CDW', 'Warehouse Shuangliu', 'warehouse', 103.83, 30.46, 'Asia/Shanghai');
INSERT INTO retail.sku (code, name, unit)
VALUES ('KETTLE', 'Kettle', 'piece'), ('POT', 'Tea pot', 'piece'), ('TRAY', 'Tray', 'piece');
SELECT count(*) AS received
FROM retail.receive_lines(ARRAY[('KETTLE', 'CD1', 9), ('POT', 'CD2', 6), ('KETTLE', 'CD3', 8), ('POT', 'CD3', 8),
    ('KETTLE', 'CDW', 50), ('POT', 'CDW', 50)]::retail.line[]);

-- services
SELECT code, kind, max_km, lead_time, deliver_by, cut_off, allow_late, accept_within, collect_within
FROM retail.service
ORDER BY id;

-- hours
UPDATE retail.location
SET opening_hours = opening_hours || '{"fri": [["09:00", "13:00"], ["15:00", "02:00"]], "2031-04-08": []}'
WHERE code = 'CD1';
SELECT retail.is_open('CD1', '2031-04-12 01:30') AS friday_night,
    retail.is_open('CD1', '2031-04-08 12:00') AS holiday,
    retail.next_opening('CD1', '2031-04-07 21:00') AS opens;
SELECT retail.opening_hours_fault('{"mon": [["9", "21:00"]]}');
SELECT * FROM retail.promise('pickup', 'CD1', '2031-04-07 20:30');
SELECT * FROM retail.promise('pickup', 'CD1', '2031-04-07 22:00');
SELECT * FROM retail.promise('same_day', 'CD1', '2031-04-07 18:00');

-- sources
INSERT INTO retail.channel_routing (channel_id, source)
SELECT id, 'listed' FROM retail.channel WHERE code = 'outlet';
INSERT INTO retail.channel_source (channel_id, location_id)
SELECT c.id, l.id FROM retail.channel c, retail.location l WHERE c.code = 'outlet' AND l.code = 'CDW';
SELECT location, qty, parcel_no
FROM retail.route(ARRAY[('KETTLE', NULL, 1)]::retail.line[], 104.055, 30.66, 'outlet', 'express');

-- near
SELECT location, round(distance_m) AS metres, available
FROM retail.stock_near('KETTLE', 'web', 104.055, 30.66);
SELECT location, round(distance_m) AS metres, available
FROM retail.stock_near('KETTLE', 'outlet', 104.055, 30.66);

-- route
SELECT line_no, sku, location, qty, parcel_no, round(distance_m) AS metres, promise_at, promise_kept AS kept
FROM retail.route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'web', 'same_day');
SELECT sku, location, qty, parcel_no, unfilled_qty
FROM retail.route(ARRAY[('KETTLE', NULL, 1), ('TRAY', NULL, 1)]::retail.line[], 104.055, 30.66, 'web', 'same_day');
SELECT DISTINCT service, location, promise_at
FROM retail.route(ARRAY[('KETTLE', NULL, 1)]::retail.line[], 104.055, 30.66, 'web');
SELECT sku, location, qty, unfilled_qty
FROM retail.route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 1)]::retail.line[], 104.055, 30.66, 'web', 'pickup', '{"exclude": ["CD3", "CDW"]}');
SELECT sku, location, qty, unfilled_qty
FROM retail.route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 1)]::retail.line[], 104.055, 30.66, 'web', 'pickup',
    '{"exclude": ["CD3", "CDW"], "max_parcels": 2}');
SELECT location, round(distance_m) AS metres
FROM retail.route(ARRAY[('KETTLE', NULL, 1)]::retail.line[], 104.055, 30.66, 'web', 'same_day', '{"datum": "GCJ-02"}');

-- weighing
INSERT INTO retail.channel_routing (channel_id, objective)
SELECT id, '{lines,promise,cost,parcels,stock}' FROM retail.channel WHERE code = 'web';
SELECT sku, location, parcel_no, round(distance_m) AS metres
FROM retail.route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'web', 'same_day');
UPDATE retail.location SET handling_cost = 2.5;
SELECT location, verdict, round(distance_cost::numeric, 1) AS way, round(handling_cost::numeric, 1) AS handling,
    round(cost::numeric, 1) AS cost
FROM retail.explain_route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'web', 'same_day');
UPDATE retail.location SET handling_cost = 0;
DELETE FROM retail.channel_routing WHERE channel_id = (SELECT id FROM retail.channel WHERE code = 'web');

-- explain
SELECT rank, location, round(distance_m) AS metres, verdict, lines_held
FROM retail.explain_route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'web', 'same_day');

-- zones
INSERT INTO retail.delivery_zone (location_id, service_id, name, area)
SELECT l.id, s.id, 'East', 'SRID=4326;MULTIPOLYGON(((104.10 30.63, 104.16 30.63, 104.16 30.69, 104.10 30.69, 104.10 30.63)))'
FROM retail.location l, retail.service s
WHERE l.code = 'CD3' AND s.code = 'same_day';
SELECT location, verdict
FROM retail.explain_route(ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'web', 'same_day')
WHERE location = 'CD3';
DELETE FROM retail.delivery_zone WHERE name = 'East';

-- place
SELECT outcome, line_no, sku, location, qty, expires_at, promise_at
FROM retail.place_order('web', 'W-1', ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'same_day',
    holder => 'member 7', request_key => 'tap 1');
SELECT outcome, line_no, location, replayed
FROM retail.place_order('web', 'W-1', ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 2)]::retail.line[], 104.055, 30.66, 'same_day',
    holder => 'member 7', request_key => 'tap 1');
SELECT outcome, line_no, sku, location
FROM retail.place_order('web', 'W-2', ARRAY[('KETTLE', NULL, 1), ('TRAY', NULL, 1)]::retail.line[], 104.055, 30.66, 'express');
SELECT outcome, line_no, sku, location
FROM retail.place_order('web', 'W-2', ARRAY[('KETTLE', NULL, 1), ('POT', NULL, 1)]::retail.line[], 104.055, 30.66, 'pickup',
    options => '{"exclude": ["CD3", "CDW"]}');
SELECT outcome, line_no, sku, location, qty
FROM retail.place_order('web', 'W-2', ARRAY[('KETTLE', NULL, 1), ('TRAY', NULL, 1)]::retail.line[], 104.055, 30.66, 'express',
    options => '{"backorder": true, "guide": "clerk 12"}');

-- confirm
SELECT outcome, line_no, sku, location, qty
FROM retail.confirm_order('web', 'W-1', request_key => 'pay 1');
SELECT outcome, line_no, sku, location, qty
FROM retail.confirm_order('web', 'W-2');

-- steps
SELECT from_state, step, kind, to_state
FROM retail.fulfilment_transition
WHERE taken_by = 'advance' AND step NOT IN ('hold', 'resume', 'cancel', 'reject')
ORDER BY id;
SELECT min(fulfilment_id) AS parcel
FROM retail_bi.fulfilment_order
WHERE order_ref = 'W-1' AND channel = 'web' \gset
SELECT outcome, location, accept_by FROM retail.advance(:parcel, 'accept');
SELECT outcome, state FROM retail.advance(:parcel, 'ship');
SELECT outcome, replayed FROM retail.advance(:parcel, 'accept');

-- reject
SELECT outcome, missing_qty
FROM retail.advance(:parcel, 'reject', 'not_found', picked => ARRAY[1, 0]);
SELECT location, state, units
FROM retail_bi.fulfilment_order
WHERE order_ref = 'W-1' AND channel = 'web'
ORDER BY created_at, fulfilment_id;
SELECT on_hand, unavailable, available FROM retail_bi.stock WHERE sku = 'POT' AND location = 'CD3';

-- ship
SELECT max(fulfilment_id) AS parcel
FROM retail_bi.fulfilment_order
WHERE order_ref = 'W-1' AND channel = 'web' AND open \gset
SELECT s.step, (retail.advance(:parcel, s.step)).outcome
FROM unnest('{accept,start_picking,pack,ship}'::text[]) WITH ORDINALITY s (step, n)
ORDER BY s.n;
SET pg_retail.clock = '2031-04-07 15:00:00';
SELECT outcome FROM retail.advance(:parcel, 'deliver');
SELECT location, state, promise_at, done_at, promise_kept
FROM retail_bi.fulfilment_order
WHERE fulfilment_id = :parcel;

-- backorder
SELECT outcome, available FROM retail.receive('TRAY', 'CD2', 5);
SELECT outcome, sku, location, qty FROM retail.reroute_order('web', 'W-2');

-- pickup
SELECT outcome, sku, location, qty, promise_at
FROM retail.place_order('web', 'W-3', ARRAY[('POT', NULL, 1)]::retail.line[], service => 'pickup', location => 'CD2');
SELECT fulfilment_id AS parcel, pickup_code AS code
FROM retail.confirm_order('web', 'W-3') \gset
SELECT :'code' ~ '^[2-9A-HJ-NP-Z]{8}$' AS eight_characters;
SELECT s.step, (retail.advance(:parcel, s.step)).outcome
FROM unnest('{accept,start_picking,pack}'::text[]) WITH ORDINALITY s (step, n)
ORDER BY s.n;
SELECT outcome, collect_by FROM retail.advance(:parcel, 'ready');
SELECT location, units, ready_at, collect_by, overdue FROM retail_bi.pickup WHERE order_ref = 'W-3' AND channel = 'web';
SELECT outcome, order_ref FROM retail.collect('CD1', :'code');

-- slots
INSERT INTO retail.slot (location_id, resource, starts_at, ends_at, capacity)
SELECT id, 'parking_bay', '2031-04-07 17:00', '2031-04-07 17:15', 1 FROM retail.location WHERE code = 'CD2';
SELECT slot_resource, starts_at, places FROM retail.free_slots('CD2');
SELECT slot_id AS slot FROM retail.free_slots('CD2') \gset
SELECT outcome, state, collect_by FROM retail.book_slot(:parcel, :slot);

-- collect
SELECT outcome, order_ref, location FROM retail.collect('CD2', lower(:'code'));
SELECT outcome, order_ref FROM retail.collect('CD2', :'code');

-- cancel
SELECT outcome, line_no, sku, qty FROM retail.cancel_order('web', 'W-2', 'changed her mind', line_no => 2);
SELECT outcome, line_no, sku, qty FROM retail.cancel_order('web', 'W-1', 'changed his mind');

-- return
SELECT outcome, sku, location, qty, returned_qty
FROM retail.return_order('web', 'W-1', 2, 1, 'CD1', 'quarantine');
SELECT outcome, qty, returned_qty FROM retail.return_order('web', 'W-1', 2, 2, 'CD1');
SELECT outcome, location, qty, returned_qty FROM retail.return_order('web', 'W-1', 2, 1);

-- wave
SELECT count(*) AS placed
FROM generate_series(1, 3) i
    CROSS JOIN LATERAL retail.place_order('web', 'V-' || i, ARRAY[('KETTLE', 'CD1', i)]::retail.line[], 104.055, 30.66, 'same_day',
        holder => 'member ' || i / 3) o
WHERE o.outcome = 'placed';
SELECT count(*) AS paid FROM generate_series(1, 3) i CROSS JOIN LATERAL retail.confirm_order('web', 'V-' || i) c;
SELECT count((retail.advance(f.fulfilment_id, 'accept')).outcome) AS accepted
FROM retail_bi.fulfilment_order f
WHERE f.location = 'CD1' AND f.state = 'routed';
SELECT outcome, parcels, units, wave_id AS wave FROM retail.make_wave('CD1') \gset
SELECT :'outcome' AS outcome, :parcels AS parcels, :units AS units;
SELECT outcome, parcels, units FROM retail.start_wave(:wave);
SELECT bag_no, sku, qty FROM retail.pick_list(:wave);
SELECT outcome, order_ref, missing_qty FROM retail.finish_wave(:wave);

-- capacity
UPDATE retail.location SET daily_capacity = 1 WHERE code = 'CD2';
SELECT outcome, location
FROM retail.place_order('web', 'C-1', ARRAY[('POT', NULL, 1)]::retail.line[], 104.08, 30.66, 'same_day');
SELECT outcome, location
FROM retail.place_order('web', 'C-2', ARRAY[('POT', NULL, 1)]::retail.line[], 104.08, 30.66, 'same_day');

-- views
SELECT order_ref, status, parcels, split, longest_distance_m, promise_kept
FROM retail_bi.order_parcels
WHERE channel = 'web'
ORDER BY order_id;
SELECT business_date, channel, orders, parcels, parcels_per_order, split_share, within_3_km_share, promise_kept_share
FROM retail_bi.split_rate
WHERE channel = 'web';
SELECT business_date, location, open_parcels, finished_parcels, units, capacity_taken, capacity_limit
FROM retail_bi.store_load
WHERE location LIKE 'CD_'
ORDER BY location;
SELECT location, open_parcels, ready_parcels
FROM retail_bi.store_map
WHERE location LIKE 'CD_'
ORDER BY location;
SELECT location, source, parcels, round(public.st_area(geom::public.geography) / 1000000) AS square_km
FROM retail_bi.catchment
WHERE location LIKE 'CD_';
SELECT check_name FROM retail.verify();
RESET pg_retail.clock;
