-- :holds holds of one unit, spread over :skus x :locations, that lapse after
-- :ttl (an interval, which may be negative), in the table :table
INSERT INTO :table (id, sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT nextval(:'sequence'), 1 + i % :skus, 1 + i / :skus % :locations, 1, 1, 'held',
    now() + :'ttl'::interval + i * interval '1 microsecond', now(), now(), 'postgres'
FROM generate_series(0, :holds - 1) AS i;
