-- :rows finished reservations, over the last hundred days, in a partition
CREATE TABLE retail.reservation_history_bench PARTITION OF retail.reservation_history
    FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
INSERT INTO retail.reservation_history_bench
    (id, sku_id, location_id, channel_id, qty, status, expires_at, created_at, changed_at, actor)
SELECT -i, 1 + i % 1000, 1 + i / 1000 % 100, 1, 1, 'consumed', t, t, t, 'postgres'
FROM (SELECT i, now() - (:rows - i) * interval '100 days' / :rows AS t FROM generate_series(1, :rows) AS i) AS finished;
