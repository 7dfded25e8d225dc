-- Examples of README.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET timezone = 'Asia/Shanghai';
SET datestyle = 'ISO';

-- clock: a clock that stands still, so that times come out the same everywhere
SET pg_retail.clock = '2031-03-01 10:00:00';

-- master: what is sold, where, through which channels
INSERT INTO retail.channel (code, name, kind)
VALUES ('miniapp', 'Mini-program', 'online'), ('till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude)
VALUES ('S001', 'Nanjing Road', 'store', 121.4737, 31.2304);
INSERT INTO retail.sku (code, name, unit)
VALUES ('RICE-5KG', 'Rice, 5 kg', 'bag');
INSERT INTO retail.safety_stock (location_id, channel_id, qty)
SELECT l.id, c.id, 2
FROM retail.location l, retail.channel c
WHERE l.code = 'S001' AND c.code = 'miniapp';

-- receive: ten bags arrive; two of them are not for the mini-program
SELECT outcome, on_hand, available
FROM retail.receive('RICE-5KG', 'S001', 10, ref => 'delivery note 7');
SELECT retail.available('RICE-5KG', 'S001', 'miniapp') AS miniapp,
    retail.available('RICE-5KG', 'S001', 'till') AS till;

-- reserve: a shopper puts three bags in a basket
SELECT reservation_id AS basket
FROM retail.reserve('RICE-5KG', 'S001', 3, 'miniapp') \gset
SELECT qty, status, expires_at
FROM retail_bi.reservation
WHERE reservation_id = :basket;

-- refusal: another one wants six
SELECT outcome, available
FROM retail.reserve('RICE-5KG', 'S001', 6, 'miniapp');

-- pay: the first one pays, and the goods leave
SELECT outcome, qty, available
FROM retail.confirm(:basket, order_ref => 'order 1001');
SELECT outcome, qty, available
FROM retail.consume(:basket);

-- lapse: one who does not pay
SELECT outcome, qty, expires_at, available
FROM retail.reserve('RICE-5KG', 'S001', 4, 'miniapp', ttl => '10 minutes');
SELECT outcome, available
FROM retail.reserve('RICE-5KG', 'S001', 2, 'miniapp');
SET pg_retail.clock = '2031-03-01 10:10:00';
SELECT outcome, qty, available
FROM retail.reserve('RICE-5KG', 'S001', 5, 'miniapp', request_key => 'tap 4711');

-- retry: the answer was lost on the way, the phone asks again
SELECT outcome, qty, available, replayed
FROM retail.reserve('RICE-5KG', 'S001', 5, 'miniapp', request_key => 'tap 4711');

-- sold_out: nothing is left for the mini-program, two bags for the till
SELECT sku, location, channel
FROM retail_bi.sold_out
WHERE sku = 'RICE-5KG' AND channel IN ('miniapp', 'till');
SELECT outcome, on_hand, available
FROM retail.sell('RICE-5KG', 'S001', 1, 'till', ref => 'receipt 88');

-- ledger: what happened to the goods
SELECT kind, on_hand_delta, on_hand_after, ref
FROM retail_bi.movement
WHERE sku = 'RICE-5KG'
ORDER BY movement_id;

-- verify: no rows: everything adds up
SELECT * FROM retail.verify();

-- end: back to the real time
DELETE FROM retail.safety_stock a
USING retail.channel c
WHERE c.id = a.channel_id AND c.code = 'miniapp';
RESET pg_retail.clock;
