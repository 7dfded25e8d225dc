-- Examples of doc/stock.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET timezone = 'Asia/Shanghai';
SET datestyle = 'ISO';

-- setup
SET pg_retail.clock = '2031-03-02 10:00:00';
INSERT INTO retail.channel (code, name, kind, hold_ttl)
VALUES ('counter', 'Counter', 'store', NULL),
       ('wechat', 'Mini-program', 'online', NULL),
       ('live', 'Live stream', 'online', '5 minutes');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
VALUES ('HZ01', 'West Lake shop', 'store', 120.1551, 30.2741, 'Asia/Shanghai'),
       ('HZW', 'Hangzhou warehouse', 'warehouse', 120.30, 30.35, 'Asia/Shanghai');
INSERT INTO retail.sku (code, name, unit, lot_tracked)
VALUES ('TEA-250G', 'Longjing tea, 250 g', 'tin', false),
       ('MUG', 'Tea mug', 'piece', false),
       ('CUP', 'Tea cup', 'piece', false),
       ('MILK-1L', 'Milk, 1 l', 'carton', true);

-- receive
SELECT outcome, on_hand, available
FROM retail.receive('TEA-250G', 'HZ01', 20, ref => 'DN-1001');
SELECT outcome, on_hand, available
FROM retail.receive_lines(ARRAY[('TEA-250G', 'HZW', 100), ('MUG', 'HZW', 40), ('MUG', 'HZ01', 6)]::retail.line[], ref => 'DN-1002');

-- safety
INSERT INTO retail.safety_stock (channel_id, percent)
SELECT id, 10 FROM retail.channel WHERE code = 'wechat';
INSERT INTO retail.safety_stock (sku_id, location_id, channel_id, qty)
SELECT k.id, l.id, c.id, 5
FROM retail.sku k, retail.location l, retail.channel c
WHERE k.code = 'TEA-250G' AND l.code = 'HZ01' AND c.code = 'wechat';
SELECT l.code AS location,
    retail.available('TEA-250G', l.code) AS available,
    retail.available('TEA-250G', l.code, 'counter') AS counter,
    retail.available('TEA-250G', l.code, 'wechat') AS wechat
FROM retail.location l
WHERE l.code IN ('HZ01', 'HZW')
ORDER BY l.code;

-- listing
INSERT INTO retail.listing (sku_id, channel_id, status)
SELECT k.id, c.id, 'delisted'
FROM retail.sku k, retail.channel c
WHERE k.code = 'MUG' AND c.code = 'live';
SELECT outcome, available
FROM retail.reserve('MUG', 'HZ01', 1, 'live');
SELECT outcome, available
FROM retail.reserve('MUG', 'HZ01', 1, 'wechat', ttl => '1 minute');

-- reserve
SELECT outcome, sku, location, qty, expires_at, available, replayed
FROM retail.reserve('TEA-250G', 'HZ01', 2, 'wechat');
SELECT outcome, qty, expires_at, available
FROM retail.reserve('TEA-250G', 'HZ01', 2, 'live');
SELECT outcome, reservation_id, available
FROM retail.reserve('TEA-250G', 'HZ01', 12, 'wechat');

-- life
SELECT reservation_id AS hold
FROM retail.reserve('TEA-250G', 'HZW', 3, 'wechat') \gset
SELECT outcome, qty, available, replayed
FROM retail.confirm(:hold, order_ref => 'O-1');
SELECT outcome, qty, available, replayed
FROM retail.confirm(:hold, order_ref => 'O-1');
SELECT outcome, qty, available
FROM retail.release(:hold);
SELECT outcome, qty, available
FROM retail.consume(:hold);

-- split
SELECT reservation_id AS hold
FROM retail.reserve('TEA-250G', 'HZW', 5, 'wechat') \gset
SELECT remainder_id AS rest
FROM retail.confirm(:hold, qty => 3, order_ref => 'O-2') \gset
SELECT outcome, qty
FROM retail.cancel(:hold, qty => 1);
SELECT outcome, qty, replayed
FROM retail.release(:rest);
SELECT outcome, qty, replayed
FROM retail.release(:rest);
WITH RECURSIVE family AS (
    SELECT r.reservation_id, r.parent_id, r.qty, r.status
    FROM retail_bi.reservation r
    WHERE r.reservation_id = :hold
    UNION ALL
    SELECT r.reservation_id, r.parent_id, r.qty, r.status
    FROM retail_bi.reservation r
        JOIN family f ON r.parent_id = f.reservation_id
)
SELECT status, sum(qty) AS qty
FROM family
GROUP BY status
ORDER BY status;

-- wave
SELECT array_agg(reservation_id) AS wave
FROM retail.reserve_lines(ARRAY[('TEA-250G', 'HZW', 4), ('MUG', 'HZW', 2)]::retail.line[], 'counter') \gset
SELECT c.outcome, c.sku, c.qty
FROM unnest(:'wave'::bigint[]) WITH ORDINALITY w (id, n), retail.confirm(w.id, order_ref => 'O-3') c
ORDER BY w.n;
SELECT outcome, sku, qty
FROM retail.consume_lines(:'wave');

-- basket
SELECT outcome, sku, qty, available
FROM retail.reserve_lines(ARRAY[('TEA-250G', 'HZ01', 2), ('MUG', 'HZ01', 50)]::retail.line[], 'counter');
SELECT outcome, sku, qty, available
FROM retail.reserve_lines(ARRAY[('TEA-250G', 'HZ01', 2), ('MUG', 'HZ01', 50)]::retail.line[], 'counter', ttl => '1 minute', mode => 'best_effort');
SELECT outcome, sku, qty, available
FROM retail.reserve_lines(ARRAY[('TEA-250G', 'HZ01', 2), ('MUG', 'HZW', 50)]::retail.line[], 'counter', ttl => '1 minute', mode => 'partial');

-- lapse
SELECT reservation_id AS hold
FROM retail.reserve('TEA-250G', 'HZW', 2, 'live') \gset
SELECT outcome, expires_at
FROM retail.extend(:hold, '10 minutes');
SET pg_retail.clock = '2031-03-02 10:20:00';
SELECT outcome, available
FROM retail.confirm(:hold);
SELECT reservation_id <> :hold AS another_id, outcome, qty, available
FROM retail.confirm(:hold, reacquire => true, order_ref => 'O-4');

-- holder
SELECT outcome, qty, available
FROM retail.reserve('TEA-250G', 'HZ01', 6, 'wechat', holder => 'basket 7');
SELECT reservation_id AS hold
FROM retail.reserve('TEA-250G', 'HZ01', 10, 'wechat', holder => 'basket 7') \gset
SELECT qty, status
FROM retail_bi.reservation
WHERE sku = 'TEA-250G' AND location = 'HZ01' AND created_at = '2031-03-02 10:20:00'
ORDER BY reservation_id;
SELECT outcome
FROM retail.confirm(:hold, holder => 'basket 8');
SELECT outcome, qty, available
FROM retail.release(:hold, holder => 'basket 7');

-- request_key
SELECT outcome, qty, expires_at, available, replayed
FROM retail.reserve('TEA-250G', 'HZW', 1, 'wechat', request_key => 'tap 1');
SET pg_retail.clock = '2031-03-02 10:21:00';
SELECT outcome, qty, expires_at, available, replayed
FROM retail.reserve('TEA-250G', 'HZW', 1, 'wechat', request_key => 'tap 1');
SELECT outcome
FROM retail.reserve('TEA-250G', 'HZW', 2, 'wechat', request_key => 'tap 1');

-- sell
SELECT outcome, on_hand, available
FROM retail.sell('TEA-250G', 'HZ01', 1, 'counter', ref => 'R-1');
SELECT outcome, on_hand, available
FROM retail.sell_lines(ARRAY[('TEA-250G', 'HZ01', 1), ('MUG', 'HZ01', 1)]::retail.line[], 'counter', ref => 'R-2');

-- oversell
SELECT outcome, qty, available
FROM retail.reserve('MUG', 'HZ01', 4, 'counter');
SELECT outcome, on_hand, available, shortage_qty, unrecorded_qty
FROM retail.sell('MUG', 'HZ01', 6, 'counter', ref => 'R-3');
SELECT sku, location, qty, reservations, kind, open
FROM retail_bi.shortage
WHERE sku = 'MUG';
UPDATE retail.shortage s SET resolved_at = retail.now()
FROM retail.sku k
WHERE k.id = s.sku_id AND k.code = 'MUG';

-- refuse
SET pg_retail.till_oversell = 'refuse';
SELECT outcome, on_hand, available
FROM retail.sell('TEA-250G', 'HZ01', 30, 'counter', ref => 'R-4');
RESET pg_retail.till_oversell;

-- take_back
SELECT outcome, on_hand, available
FROM retail.take_back('TEA-250G', 'HZW', 1, sale_ref => 'R-1');
SELECT outcome
FROM retail.take_back('TEA-250G', 'HZ01', 1, sale_ref => 'R-1');
SELECT outcome, on_hand, available
FROM retail.take_back('TEA-250G', 'HZ01', 1, sale_ref => 'R-2', disposition => 'quarantine');

-- block
SELECT outcome, on_hand, available
FROM retail.block('TEA-250G', 'HZW', 4, 'dented tins');
SELECT outcome, on_hand, available
FROM retail.unblock('TEA-250G', 'HZW', 3, 'not so bad');
SELECT outcome, on_hand, available
FROM retail.adjust('TEA-250G', 'HZW', -1, 'thrown away');

-- count
SET pg_retail.clock = '2031-03-02 12:00:00';
SELECT on_hand
FROM retail_bi.stock
WHERE sku = 'TEA-250G' AND location = 'HZ01';
SELECT outcome, on_hand
FROM retail.sell('TEA-250G', 'HZ01', 1, 'counter', ref => 'R-5');
SELECT outcome, on_hand, available
FROM retail.count_stock('TEA-250G', 'HZ01', 18, occurred_at => '2031-03-02 11:30:00');
SELECT on_hand_delta, on_hand_after, occurred_at, recorded_at
FROM retail_bi.movement
WHERE sku = 'TEA-250G' AND kind = 'count';

-- lots
SELECT outcome, on_hand, available
FROM retail.receive('MILK-1L', 'HZ01', 10, lot => 'B-17', expires_on => '2031-03-03');
SELECT outcome, on_hand, available
FROM retail.receive('MILK-1L', 'HZ01', 10, lot => 'B-18', expires_on => '2031-03-09');
SELECT outcome, on_hand, available
FROM retail.sell('MILK-1L', 'HZ01', 3, 'counter');
SET pg_retail.clock = '2031-03-03 08:00:00';
SELECT retail.available('MILK-1L', 'HZ01', 'counter');
SELECT outcome, qty, available
FROM retail.reserve('MILK-1L', 'HZ01', 1, 'counter');
SELECT lot, kind, on_hand_delta, unavailable_delta, reason
FROM retail_bi.movement
WHERE sku = 'MILK-1L'
ORDER BY movement_id;

-- as_of
SELECT sku, location, on_hand, unavailable
FROM retail_bi.stock_as_of
WHERE sku = 'TEA-250G'
    AND valid_from <= '2031-03-02 11:00:00' AND '2031-03-02 11:00:00' < valid_to
ORDER BY location;

-- network
SELECT retail.total(retail.pool('TEA-250G', 'wechat')) AS units,
    retail.locations(retail.pool('TEA-250G', 'wechat')) AS locations;

-- refused
UPDATE retail.stock SET on_hand = 1000;

-- bulk
BEGIN;
SELECT retail.bulk_write();
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT k.id, l.id, 60
FROM retail.sku k, retail.location l
WHERE k.code = 'CUP' AND l.code IN ('HZ01', 'HZW');
COMMIT;
SELECT retail.available('CUP', 'HZ01') AS here, retail.available('CUP', 'HZ01', 'wechat') AS wechat;

-- verify
SELECT * FROM retail.verify();

-- end
DELETE FROM retail.safety_stock a
USING retail.channel c
WHERE c.id = a.channel_id AND c.code = 'wechat';
RESET pg_retail.clock;
