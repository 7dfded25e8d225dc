-- Trigger functions of the tables in sql/schema/40-guards.sql.

CREATE FUNCTION retail._keep_master() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT text := CASE TG_TABLE_NAME WHEN 'sku' THEN 'SKU' ELSE TG_TABLE_NAME END;
    used text;
    reason text;
    hint text := CASE TG_TABLE_NAME
        WHEN 'sku' THEN 'Set its status to discontinued instead.'
        ELSE 'Set its status to closed instead.' END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'id of % "%" cannot be changed', kind, left(OLD.code, 200)
            USING ERRCODE = 'RT011',
                DETAIL = 'Stock, reservations and movements refer to it.',
                HINT = 'Change its code instead.';
    ELSIF TG_OP = 'TRUNCATE' THEN
        IF EXISTS (SELECT FROM retail.movement) OR EXISTS (SELECT FROM retail.reservation)
            OR EXISTS (SELECT FROM retail.reservation_history)
            OR EXISTS (SELECT FROM retail.price_guard)
            OR (TG_TABLE_NAME <> 'channel' AND EXISTS (SELECT FROM retail.stock)) THEN
            RAISE EXCEPTION 'table "%" cannot be emptied', TG_TABLE_NAME
                USING ERRCODE = 'RT011', DETAIL = 'There are stock, reservations, movements or prices that refer to it.';
        END IF;
        RETURN NULL;
    END IF;

    -- Set-wise, cheapest first; the history is read through only for a row nothing else refers to.
    IF TG_TABLE_NAME = 'sku' THEN
        SELECT o.code, 'stock' INTO used, reason
        FROM old_rows o WHERE EXISTS (SELECT FROM retail.stock s WHERE s.sku_id = o.id) LIMIT 1;
        IF NOT FOUND THEN
            SELECT o.code, 'movements' INTO used, reason
            FROM old_rows o WHERE EXISTS (SELECT FROM retail.movement m WHERE m.sku_id = o.id) LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'reservations' INTO used, reason
            FROM retail.reservation r JOIN old_rows o ON o.id = r.sku_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'reservations' INTO used, reason
            FROM retail.reservation_history r JOIN old_rows o ON o.id = r.sku_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'prices' INTO used, reason
            FROM old_rows o WHERE EXISTS (SELECT FROM retail.price_guard g WHERE g.sku_id = o.id) LIMIT 1;
        END IF;
    ELSIF TG_TABLE_NAME = 'location' THEN
        SELECT o.code, 'stock' INTO used, reason
        FROM retail.stock s JOIN old_rows o ON o.id = s.location_id LIMIT 1;
        IF NOT FOUND THEN
            SELECT o.code, 'reservations' INTO used, reason
            FROM retail.reservation r JOIN old_rows o ON o.id = r.location_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'movements' INTO used, reason
            FROM retail.movement m JOIN old_rows o ON o.id = m.location_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'reservations' INTO used, reason
            FROM retail.reservation_history r JOIN old_rows o ON o.id = r.location_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'prices' INTO used, reason
            FROM retail.price p JOIN old_rows o ON o.id = p.location_id LIMIT 1;
        END IF;
    ELSE
        SELECT o.code, 'reservations' INTO used, reason
        FROM retail.reservation r JOIN old_rows o ON o.id = r.channel_id LIMIT 1;
        IF NOT FOUND THEN
            SELECT o.code, 'movements' INTO used, reason
            FROM retail.movement m JOIN old_rows o ON o.id = m.channel_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'reservations' INTO used, reason
            FROM retail.reservation_history r JOIN old_rows o ON o.id = r.channel_id LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT o.code, 'prices' INTO used, reason
            FROM retail.price p JOIN old_rows o ON o.id = p.channel_id LIMIT 1;
        END IF;
    END IF;
    IF used IS NOT NULL THEN
        RAISE EXCEPTION '% "%" is in use', kind, left(used, 200)
            USING ERRCODE = 'RT011', DETAIL = format('It has %s.', reason), HINT = hint;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._keep_master() IS 'Internal: refuses to delete a SKU, location or channel that is in use, or to change its id.';

CREATE FUNCTION retail._zone_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A counter knows the instant at which a lot's day begins: it is another one
    -- now.  Most updates change no zone, and do not look at the lots.
    IF EXISTS (SELECT FROM old_rows o JOIN new_rows n USING (id) WHERE n.time_zone <> o.time_zone)
        AND EXISTS (
            SELECT
            FROM old_rows o
                JOIN new_rows n USING (id)
                JOIN retail.lot l ON l.location_id = n.id
            WHERE n.time_zone <> o.time_zone AND l.on_hand > 0 AND l.expires_on IS NOT NULL) THEN
        PERFORM retail.reset_cells();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._zone_changed() IS
'Internal: has the counters loaded anew, once a statement, when the time zone of a location with perishable lots changes.';

CREATE FUNCTION retail._lots_begin() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    loose record;
BEGIN
    SELECT o.code AS location, s.on_hand, coalesce(l.on_hand, 0) AS in_lots INTO loose
    FROM retail.stock s
        JOIN retail.location o ON o.id = s.location_id
        CROSS JOIN LATERAL (SELECT sum(l.on_hand) AS on_hand FROM retail.lot l
            WHERE l.sku_id = s.sku_id AND l.location_id = s.location_id) l
    WHERE s.sku_id = NEW.id AND s.on_hand <> coalesce(l.on_hand, 0)
    ORDER BY o.code
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'SKU "%" has units that are in no lot', left(NEW.code, 200)
            USING ERRCODE = '23514',
                DETAIL = format('At location "%s" %s are on hand, %s of them in lots; of a lot-tracked SKU every unit is in one.',
                    left(loose.location, 200), loose.on_hand, loose.in_lots),
                HINT = 'Count the stock to 0 with retail.count_stock(), set lot_tracked, and receive the units with their lots; or load lots under retail.bulk_write() first.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION retail._lots_begin() IS 'Internal: refuses to make a SKU lot-tracked while it has units that are in no lot.';

CREATE FUNCTION retail._rules_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 1000;      -- patterns one statement may leave behind
    skus integer[];
    locations integer[];
BEGIN
    -- the scopes that were, and those that are
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(k.sku_id), array_agg(k.location_id) INTO skus, locations
        FROM (SELECT DISTINCT n.sku_id, n.location_id FROM new_rows n) k;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(k.sku_id), array_agg(k.location_id) INTO skus, locations
        FROM (SELECT DISTINCT o.sku_id, o.location_id FROM old_rows o) k;
    ELSE
        SELECT array_agg(k.sku_id), array_agg(k.location_id) INTO skus, locations
        FROM (SELECT n.sku_id, n.location_id FROM new_rows n
              UNION
              SELECT o.sku_id, o.location_id FROM old_rows o) k;
    END IF;

    -- a large load leaves fewer and wider patterns
    IF cardinality(skus) > most THEN
        INSERT INTO retail.flag_repair (sku_id, location_id)
        WITH c AS (
            SELECT count(DISTINCT coalesce(k.sku_id, 0)) <= most AS few_skus,
                count(DISTINCT coalesce(k.location_id, 0)) <= most AS few_locations
            FROM unnest(skus, locations) k (sku_id, location_id)
        )
        SELECT DISTINCT CASE WHEN c.few_skus THEN k.sku_id END,
            CASE WHEN c.few_locations AND NOT c.few_skus THEN k.location_id END
        FROM unnest(skus, locations) k (sku_id, location_id), c;
    ELSE
        INSERT INTO retail.flag_repair (sku_id, location_id)
        SELECT k.sku_id, k.location_id FROM unnest(skus, locations) k (sku_id, location_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._rules_changed() IS 'Internal: notes which sold-out flags a change of safety stock may flip.';

CREATE FUNCTION retail._flags_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO retail.flag_repair (sku_id, location_id) VALUES (NULL, NULL);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._flags_changed() IS 'Internal: notes that every sold-out flag may flip.';

CREATE FUNCTION retail._sold_out_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was bigint := 9223372036854775807;  -- no row yet: nothing was sold out
    flips jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        was := OLD.sellable_floor;
    END IF;

    -- Without any safety stock every floor is 0, and all channels flip together.
    IF NOT EXISTS (SELECT FROM retail.safety_stock) THEN
        IF (was < 0) <> (NEW.sellable_floor < 0) THEN
            INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
            SELECT 'sold_out', NEW.sku_id, NEW.location_id,
                jsonb_build_object(
                    'sku', (SELECT k.code FROM retail.sku k WHERE k.id = NEW.sku_id),
                    'location', (SELECT l.code FROM retail.location l WHERE l.id = NEW.location_id),
                    'channels', jsonb_agg(
                        jsonb_build_object('channel', c.code, 'sold_out', NEW.sellable_floor < 0) ORDER BY c.code))
            FROM retail.channel c
            HAVING count(*) > 0;
        END IF;
        RETURN NULL;
    END IF;

    /*
     * Which channels' floors lie between the old mark and the new one.  Rules
     * are fetched once, by four probes of the scope index; false sorts before
     * true, so the order by what is NULL is from specific to general.
     */
    WITH rule AS MATERIALIZED (
        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent
        FROM retail.safety_stock a
        WHERE a.sku_id = NEW.sku_id AND a.location_id = NEW.location_id
        UNION ALL
        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent
        FROM retail.safety_stock a
        WHERE a.sku_id = NEW.sku_id AND a.location_id IS NULL
        UNION ALL
        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent
        FROM retail.safety_stock a
        WHERE a.sku_id IS NULL AND a.location_id = NEW.location_id
        UNION ALL
        SELECT a.sku_id, a.location_id, a.channel_id, a.qty, a.percent
        FROM retail.safety_stock a
        WHERE a.sku_id IS NULL AND a.location_id IS NULL
    ), flip AS (
        SELECT c.code,
            coalesce((
                SELECT coalesce(r.qty, ceil((
                    SELECT s.on_hand - s.unavailable
                    FROM retail.stock s
                    WHERE s.sku_id = NEW.sku_id AND s.location_id = NEW.location_id) * r.percent / 100)::bigint)
                FROM rule r
                WHERE r.channel_id = c.id OR r.channel_id IS NULL
                ORDER BY r.sku_id IS NULL, r.location_id IS NULL, r.channel_id IS NULL
                LIMIT 1), 0) AS floor
        FROM retail.channel c
    )
    SELECT jsonb_agg(jsonb_build_object('channel', f.code, 'sold_out', f.floor > NEW.sellable_floor) ORDER BY f.code)
    INTO flips
    FROM flip f
    WHERE (f.floor > was) <> (f.floor > NEW.sellable_floor);

    IF flips IS NOT NULL THEN
        INSERT INTO retail.outbox (topic, sku_id, location_id, payload)
        SELECT 'sold_out', NEW.sku_id, NEW.location_id,
            jsonb_build_object(
                'sku', (SELECT k.code FROM retail.sku k WHERE k.id = NEW.sku_id),
                'location', (SELECT l.code FROM retail.location l WHERE l.id = NEW.location_id),
                'channels', flips);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION retail._sold_out_changed() IS 'Internal: writes one event naming the channels whose sold-out flag flipped.';
