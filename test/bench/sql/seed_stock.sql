-- both sides' stock of SKUs :from_sku to :to_sku in all locations
BEGIN;
SELECT retail.bulk_write();
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT s, l, :on_hand FROM generate_series(:from_sku, :to_sku) AS s, generate_series(1, :locations) AS l;
COMMIT;
INSERT INTO bench.stock (sku_id, location_id, on_hand, available)
SELECT s, l, :on_hand, :on_hand FROM generate_series(:from_sku, :to_sku) AS s, generate_series(1, :locations) AS l;
