-- Coordinates in WGS-84, GCJ-02 and BD-09, brought to WGS-84.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

-- one_point_stated_in_three_datums_is_one_point
SELECT datum, round(w.longitude::numeric, 9) AS longitude, round(w.latitude::numeric, 9) AS latitude
FROM (VALUES ('WGS-84', 116.404::float8, 39.915::float8),
             ('GCJ-02', 116.41024449916938, 39.91640428150164),
             ('BD-09', 116.41662724378733, 39.92269955221622)) AS t (datum, longitude, latitude),
     LATERAL to_wgs84(t.longitude, t.latitude, datum) AS w;

-- the_generated_column_functions_give_the_same_point
SELECT count(*) AS points,
       count(*) FILTER (WHERE w.longitude <> wgs84_longitude(x, y, d) OR w.latitude <> wgs84_latitude(x, y, d)) AS differ
FROM generate_series(-180, 180, 7) AS x, generate_series(-90, 90, 7) AS y,
     unnest(ARRAY['WGS-84', 'GCJ-02', 'BD-09']) AS d,
     LATERAL to_wgs84(x, y, d) AS w;

-- the_rest_of_the_world_is_not_moved
SELECT city, d AS datum, w.longitude = x AND w.latitude = y AS unchanged
FROM (VALUES ('New York', -74.006::float8, 40.7128::float8),
             ('Sydney', 151.2093, -33.8688),
             ('Tokyo', 139.6917, 35.6895),
             ('corner', 180, 90), ('other corner', -180, -90)) AS t (city, x, y),
     unnest(ARRAY['GCJ-02', 'BD-09']) AS d,
     LATERAL to_wgs84(x, y, d) AS w
ORDER BY city, d;

-- a_table_can_keep_what_was_stated_and_generate_wgs84
CREATE TEMP TABLE shop (
    code      text,
    longitude float8,
    latitude  float8,
    datum     text DEFAULT 'WGS-84',
    lon84     float8 GENERATED ALWAYS AS (retail.wgs84_longitude(longitude, latitude, datum)) STORED,
    lat84     float8 GENERATED ALWAYS AS (retail.wgs84_latitude(longitude, latitude, datum)) STORED
);
INSERT INTO shop (code, longitude, latitude, datum)
VALUES ('S1', 121.4737, 31.2304, 'WGS-84'), ('S2', 121.4737, 31.2304, 'GCJ-02'),
       ('S3', 121.4737, 31.2304, 'BD-09'), ('S4', NULL, 31.2304, 'BD-09');
SELECT code, round(lon84::numeric, 6) AS lon84, round(lat84::numeric, 6) AS lat84 FROM shop ORDER BY code;

-- bad_arguments_are_refused
CREATE FUNCTION pg_temp.refusal(x float8, y float8, datum text)
RETURNS TABLE (code text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM retail.to_wgs84(x, y, datum);
    code := 'none';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END;
$$;
SELECT r.*
FROM (VALUES (1, 180.0001::float8, 0::float8, 'WGS-84'), (2, -181, 0, 'WGS-84'), (3, 0, 90.5, 'GCJ-02'), (4, 31, -120, 'BD-09'),
             (5, 'NaN', 0, 'WGS-84'), (6, 0, 'NaN', 'WGS-84'), (7, 'Infinity', 0, 'GCJ-02'), (8, 0, '-Infinity', 'BD-09'),
             (9, 0, 0, 'wgs-84'), (10, 0, 0, ''), (11, 0, 0, 'GCJ-02 '), (12, 0, 0, 'EPSG:4326'),
             (13, 0, 0, $$it's "quoted" 🧭$$)) AS t (n, x, y, d),
     LATERAL pg_temp.refusal(x, y, d) AS r
ORDER BY n;
SELECT code, length(message) < 100 AS short FROM pg_temp.refusal(0, 0, repeat('図', 5000));
SELECT wgs84_longitude(200, 0, 'WGS-84');
SELECT wgs84_latitude(0, 0, 'EPSG:4326');

-- null_in_null_out
SELECT wgs84_longitude(NULL, 1, 'WGS-84') IS NULL AS longitude, wgs84_latitude(1, 1, NULL) IS NULL AS latitude;

-- every_function_has_a_comment
SELECT p.oid::regprocedure AS without_comment
FROM pg_proc AS p
WHERE pronamespace = 'retail'::regnamespace AND proname IN ('to_wgs84', 'wgs84_longitude', 'wgs84_latitude')
  AND obj_description(p.oid, 'pg_proc') IS NULL;
