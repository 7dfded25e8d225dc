-- Each store carries :carried of 100 SKUs: 8 of 100 shelves empty, the others
-- with 1 to 20 units; one unit of every fiftieth shelf that has two is held for
-- a day.  The same in bench.stock, whose counter leaves the held units out.
BEGIN;
SELECT setseed(0.25);
SELECT retail.bulk_write();
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT s.id, l.id, CASE WHEN random() < 0.08 THEN 0 ELSE 1 + floor(20 * random()) END
FROM retail.sku AS s, retail.location AS l
WHERE random() < :carried / 100.0
ORDER BY s.id, l.id;
INSERT INTO retail.reservation
    (id, sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT nextval('retail.reservation_id_seq'), sku_id, location_id, 1, 1, 'held', now() + interval '1 day', now(), now(), 'postgres'
FROM retail.stock
WHERE on_hand > 1 AND random() < 0.02;
COMMIT;
INSERT INTO bench.stock (sku_id, location_id, on_hand, available)
SELECT s.sku_id, s.location_id, s.on_hand, s.on_hand - count(r.id)
FROM retail.stock AS s
LEFT JOIN retail.reservation AS r USING (sku_id, location_id)
GROUP BY s.sku_id, s.location_id, s.on_hand;
