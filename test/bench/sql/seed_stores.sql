-- :stores stores round :towns towns, large towns and small ones, the same at
-- every run; or, where bench.point has rows, one at each of these points.
-- Codes are the ids.
BEGIN;
SELECT setseed(0.5);
CREATE TEMPORARY TABLE town ON COMMIT DROP AS
SELECT i AS id, -120 + 45 * random() AS longitude, 28 + 20 * random() AS latitude
FROM generate_series(1, :towns) AS i;
INSERT INTO bench.point (longitude, latitude)
SELECT town.longitude + (random() + random() + random() - 1.5) * 0.2,
       town.latitude + (random() + random() + random() - 1.5) * 0.2
FROM (SELECT 1 + floor(:towns * random() ^ 2)::integer AS town_id FROM generate_series(1, :stores)) AS store
JOIN town ON town.id = store.town_id
WHERE NOT EXISTS (SELECT FROM bench.point);
INSERT INTO retail.location (id, code, name, kind, longitude, latitude, time_zone)
SELECT n, n, 'Store ' || n, 'store', longitude, latitude, 'UTC'
FROM (SELECT row_number() OVER (ORDER BY id) AS n, longitude, latitude FROM bench.point) AS store;
COMMIT;
