-- What init() and migrate() know of these tables.

CREATE TABLE retail.meta (
    name  text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT meta_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE retail.meta IS 'What retail.init() has made, and of which version. Read with retail.status().';
COMMENT ON COLUMN retail.meta.name IS 'schema_version, or "part" and the name of a part that is in place.';
COMMENT ON COLUMN retail.meta.value IS 'The version of the tables; for a part, the version it was last made in.';
