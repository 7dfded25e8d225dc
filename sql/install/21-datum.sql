-- Coordinates stated in WGS-84, GCJ-02 or BD-09, brought to WGS-84.
-- Source: src/types/geo.c and src/pure/geo_datum.c.

CREATE FUNCTION retail.to_wgs84(
    longitude double precision,
    latitude double precision,
    datum text,
    OUT longitude double precision,
    OUT latitude double precision
)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'retail_geo_wgs84';

COMMENT ON FUNCTION retail.to_wgs84(double precision, double precision, text) IS
'Brings a point to WGS-84.
longitude: degrees, -180 to 180; latitude: degrees, -90 to 90; datum: what the two are stated in, ''WGS-84'' (GPS), ''GCJ-02'' (Amap, Tencent, WeChat) or ''BD-09'' (Baidu).
Returns longitude and latitude in WGS-84. The inverse of the published formulas to 1e-9 degrees; points outside the rectangle 72.004 to 137.8347 east, 0.8293 to 55.8271 north, where the services do not shift, come back unchanged.
Errors: 22023 longitude or latitude out of range, NaN or infinite, or an unknown datum.';

CREATE FUNCTION retail.wgs84_longitude(
    longitude double precision,
    latitude double precision,
    datum text
)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'retail_geo_wgs84_longitude';

COMMENT ON FUNCTION retail.wgs84_longitude(double precision, double precision, text) IS
'Tells the WGS-84 longitude of a point, for generated columns.
longitude: degrees, -180 to 180; latitude: degrees, -90 to 90; datum: ''WGS-84'', ''GCJ-02'' or ''BD-09''.
Returns degrees, as retail.to_wgs84().
Errors: 22023 longitude or latitude out of range, NaN or infinite, or an unknown datum.';

CREATE FUNCTION retail.wgs84_latitude(
    longitude double precision,
    latitude double precision,
    datum text
)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
    AS 'MODULE_PATHNAME', 'retail_geo_wgs84_latitude';

COMMENT ON FUNCTION retail.wgs84_latitude(double precision, double precision, text) IS
'Tells the WGS-84 latitude of a point, for generated columns.
longitude: degrees, -180 to 180; latitude: degrees, -90 to 90; datum: ''WGS-84'', ''GCJ-02'' or ''BD-09''.
Returns degrees, as retail.to_wgs84().
Errors: 22023 longitude or latitude out of range, NaN or infinite, or an unknown datum.';
