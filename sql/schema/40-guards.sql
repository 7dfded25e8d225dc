-- Triggers.  migrate() runs this file again, so each statement may be repeated.

-- Stock, lots and reservations are written by functions, or in bulk mode.

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.stock
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_stock();
CREATE OR REPLACE TRIGGER retail_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.lot
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_stock();
CREATE OR REPLACE TRIGGER retail_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.reservation
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_stock();
ALTER TABLE retail.stock ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.lot ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.reservation ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.stock IS 'Refuses statements outside the functions and bulk mode.';
COMMENT ON TRIGGER retail_guard ON retail.lot IS 'Refuses statements outside the functions and bulk mode.';
COMMENT ON TRIGGER retail_guard ON retail.reservation IS 'Refuses statements outside the functions and bulk mode.';

-- The ledger is appended to.

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE OR TRUNCATE ON retail.movement
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_ledger();
CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE OR TRUNCATE ON retail.bulk_load
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_ledger();
ALTER TABLE retail.movement ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.bulk_load ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.movement IS 'Keeps the ledger append-only.';
COMMENT ON TRIGGER retail_guard ON retail.bulk_load IS 'Keeps the list of loads append-only.';

-- So is the log of the parcels.

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE OR TRUNCATE ON retail.fulfilment_event
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_event();
ALTER TABLE retail.fulfilment_event ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.fulfilment_event IS 'Keeps the log append-only.';

-- What was promised is not changed.

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE ON retail.frozen_quote
    FOR EACH ROW EXECUTE FUNCTION retail._guard_frozen_quote();
CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE ON retail.frozen_quote_line
    FOR EACH ROW EXECUTE FUNCTION retail._guard_frozen_quote_line();
ALTER TABLE retail.frozen_quote ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.frozen_quote_line ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.frozen_quote IS 'Keeps frozen quotes as they are; those that have expired unused may go.';
COMMENT ON TRIGGER retail_guard ON retail.frozen_quote_line IS 'Keeps the lines of frozen quotes as they are.';
CREATE OR REPLACE TRIGGER retail_keep_price_per
    BEFORE UPDATE OF price_per ON retail.sku
    FOR EACH ROW WHEN (OLD.price_per IS DISTINCT FROM NEW.price_per)
    EXECUTE FUNCTION retail._keep_price_per();
COMMENT ON TRIGGER retail_keep_price_per ON retail.sku IS 'Refuses to change what prices are for, once there are some.';

-- Rows that arrive by replication make the counters load anew.

CREATE OR REPLACE TRIGGER retail_replica
    AFTER INSERT OR UPDATE OR DELETE ON retail.stock
    FOR EACH ROW EXECUTE FUNCTION retail._guard_replica();
CREATE OR REPLACE TRIGGER retail_replica
    AFTER INSERT OR UPDATE OR DELETE ON retail.reservation
    FOR EACH ROW EXECUTE FUNCTION retail._guard_replica();
ALTER TABLE retail.stock ENABLE REPLICA TRIGGER retail_replica;
ALTER TABLE retail.reservation ENABLE REPLICA TRIGGER retail_replica;
COMMENT ON TRIGGER retail_replica ON retail.stock IS 'Rows that arrive by replication make the counters load anew.';
COMMENT ON TRIGGER retail_replica ON retail.reservation IS 'Rows that arrive by replication make the counters load anew.';

-- Every session forgets what it has cached of a master table that changes.

CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.channel
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.location
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.sku
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.listing
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.safety_stock
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.service
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.channel_routing
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
CREATE OR REPLACE TRIGGER retail_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retail.channel_source
    FOR EACH STATEMENT EXECUTE FUNCTION retail._master_changed();
ALTER TABLE retail.channel ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.location ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.sku ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.listing ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.safety_stock ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.service ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.channel_routing ENABLE ALWAYS TRIGGER retail_changed;
ALTER TABLE retail.channel_source ENABLE ALWAYS TRIGGER retail_changed;
COMMENT ON TRIGGER retail_changed ON retail.channel IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.location IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.sku IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.listing IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.safety_stock IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.service IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.channel_routing IS 'Sessions forget what they cached of this table.';
COMMENT ON TRIGGER retail_changed ON retail.channel_source IS 'Sessions forget what they cached of this table.';

-- What has stock or reservations stays, under its id.

CREATE OR REPLACE TRIGGER retail_keep
    AFTER DELETE ON retail.channel REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep
    AFTER DELETE ON retail.location REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep
    AFTER DELETE ON retail.sku REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep_all
    BEFORE TRUNCATE ON retail.channel FOR EACH STATEMENT EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep_all
    BEFORE TRUNCATE ON retail.location FOR EACH STATEMENT EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep_all
    BEFORE TRUNCATE ON retail.sku FOR EACH STATEMENT EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep_id
    BEFORE UPDATE OF id ON retail.channel
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep_id
    BEFORE UPDATE OF id ON retail.location
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION retail._keep_master();
CREATE OR REPLACE TRIGGER retail_keep_id
    BEFORE UPDATE OF id ON retail.sku
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION retail._keep_master();
-- a trigger on a column cannot see the rows of its statement
CREATE OR REPLACE TRIGGER retail_zone
    AFTER UPDATE ON retail.location REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._zone_changed();
CREATE OR REPLACE TRIGGER retail_lots
    BEFORE UPDATE OF lot_tracked ON retail.sku
    FOR EACH ROW WHEN (NEW.lot_tracked AND NOT OLD.lot_tracked) EXECUTE FUNCTION retail._lots_begin();
COMMENT ON TRIGGER retail_lots ON retail.sku IS 'Refuses to make a SKU lot-tracked while it has units that are in no lot.';
COMMENT ON TRIGGER retail_zone ON retail.location IS
'Has the counters loaded anew where lots expire at another instant now: waits for open writers, and shuts others out until the end of the transaction.';
COMMENT ON TRIGGER retail_keep ON retail.channel IS 'Refuses to delete a channel with reservations, movements or prices.';
COMMENT ON TRIGGER retail_keep ON retail.location IS 'Refuses to delete a location with stock, reservations, movements or prices.';
COMMENT ON TRIGGER retail_keep ON retail.sku IS 'Refuses to delete a SKU with stock, reservations, movements or prices.';
COMMENT ON TRIGGER retail_keep_all ON retail.channel IS 'Refuses TRUNCATE while there are reservations, movements or prices.';
COMMENT ON TRIGGER retail_keep_all ON retail.location IS 'Refuses TRUNCATE while there is stock, or there are reservations, movements or prices.';
COMMENT ON TRIGGER retail_keep_all ON retail.sku IS 'Refuses TRUNCATE while there is stock, or there are reservations, movements or prices.';
COMMENT ON TRIGGER retail_keep_id ON retail.channel IS 'Refuses to change an id: stock and history refer to it.';
COMMENT ON TRIGGER retail_keep_id ON retail.location IS 'Refuses to change an id: stock and history refer to it.';
COMMENT ON TRIGGER retail_keep_id ON retail.sku IS 'Refuses to change an id: stock and history refer to it.';

-- Safety stock that changes may flip sold-out flags: they are looked at again.
-- Listings and closed places do not: a flag is about units, for every channel.

CREATE OR REPLACE TRIGGER retail_flags_insert
    AFTER INSERT ON retail.safety_stock REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._rules_changed();
CREATE OR REPLACE TRIGGER retail_flags_update
    AFTER UPDATE ON retail.safety_stock REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._rules_changed();
CREATE OR REPLACE TRIGGER retail_flags_delete
    AFTER DELETE ON retail.safety_stock REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._rules_changed();
CREATE OR REPLACE TRIGGER retail_flags_truncate
    AFTER TRUNCATE ON retail.safety_stock
    FOR EACH STATEMENT EXECUTE FUNCTION retail._flags_changed();
CREATE OR REPLACE TRIGGER retail_flags_insert
    AFTER INSERT ON retail.channel
    FOR EACH STATEMENT EXECUTE FUNCTION retail._flags_changed();
COMMENT ON TRIGGER retail_flags_insert ON retail.safety_stock IS 'Has the sold-out flags of its scope looked at again.';
COMMENT ON TRIGGER retail_flags_update ON retail.safety_stock IS 'Has the sold-out flags of its scope looked at again.';
COMMENT ON TRIGGER retail_flags_delete ON retail.safety_stock IS 'Has the sold-out flags of its scope looked at again.';
COMMENT ON TRIGGER retail_flags_truncate ON retail.safety_stock IS 'Has every sold-out flag looked at again.';
COMMENT ON TRIGGER retail_flags_insert ON retail.channel IS 'Has every sold-out flag looked at again: which rules bind a new channel is not known here.';

-- Prices pass the guard, whoever writes them, and are announced after it.

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE DELETE OR TRUNCATE ON retail.base_price
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price();
CREATE OR REPLACE TRIGGER retail_guard_insert
    AFTER INSERT ON retail.base_price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price();
CREATE OR REPLACE TRIGGER retail_guard_update
    AFTER UPDATE ON retail.base_price REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price();
ALTER TABLE retail.base_price ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.base_price ENABLE ALWAYS TRIGGER retail_guard_insert;
ALTER TABLE retail.base_price ENABLE ALWAYS TRIGGER retail_guard_update;
CREATE OR REPLACE TRIGGER retail_publish_insert
    AFTER INSERT ON retail.base_price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._publish_base_prices();
CREATE OR REPLACE TRIGGER retail_publish_update
    AFTER UPDATE ON retail.base_price REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._publish_base_prices();
COMMENT ON TRIGGER retail_guard ON retail.base_price IS 'Prices are never deleted.';
COMMENT ON TRIGGER retail_guard_insert ON retail.base_price IS 'Lets no price past bands, floors and grants.';
COMMENT ON TRIGGER retail_guard_update ON retail.base_price IS 'Lets no price past bands, floors and grants, and keeps history as it was.';
COMMENT ON TRIGGER retail_publish_insert ON retail.base_price IS 'Writes new prices into the outbox.';
COMMENT ON TRIGGER retail_publish_update ON retail.base_price IS 'Writes what has become of prices into the outbox.';
CREATE OR REPLACE TRIGGER retail_guard
    BEFORE DELETE OR TRUNCATE ON retail.price
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price();
CREATE OR REPLACE TRIGGER retail_guard_insert
    AFTER INSERT ON retail.price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price();
CREATE OR REPLACE TRIGGER retail_guard_update
    AFTER UPDATE ON retail.price REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price();
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_insert;
ALTER TABLE retail.price ENABLE ALWAYS TRIGGER retail_guard_update;
CREATE OR REPLACE TRIGGER retail_publish_insert
    AFTER INSERT ON retail.price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._publish_prices();
CREATE OR REPLACE TRIGGER retail_publish_update
    AFTER UPDATE ON retail.price REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._publish_prices();
COMMENT ON TRIGGER retail_guard ON retail.price IS 'Prices are never deleted.';
COMMENT ON TRIGGER retail_guard_insert ON retail.price IS 'Lets no price past bands, floors and grants.';
COMMENT ON TRIGGER retail_guard_update ON retail.price IS 'Lets no price past bands, floors and grants, and keeps history as it was.';
COMMENT ON TRIGGER retail_publish_insert ON retail.price IS 'Writes new prices into the outbox.';
COMMENT ON TRIGGER retail_publish_update ON retail.price IS 'Writes what has become of prices into the outbox.';
CREATE OR REPLACE TRIGGER retail_keep
    BEFORE DELETE ON retail.currency
    FOR EACH ROW EXECUTE FUNCTION retail._keep_currency();
CREATE OR REPLACE TRIGGER retail_keep_code
    BEFORE UPDATE OF code, decimals ON retail.currency
    FOR EACH ROW WHEN (OLD.code IS DISTINCT FROM NEW.code OR OLD.decimals IS DISTINCT FROM NEW.decimals)
    EXECUTE FUNCTION retail._keep_currency();
COMMENT ON TRIGGER retail_keep ON retail.currency IS 'Refuses to delete a currency with prices.';
COMMENT ON TRIGGER retail_keep_code ON retail.currency IS 'Refuses another code, or other decimals, once there are prices.';

-- A price file belongs to who brings it.  By origin only: a restore brings everybody's.

CREATE OR REPLACE TRIGGER retail_guard_insert
    AFTER INSERT ON retail.price_import REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price_import();
CREATE OR REPLACE TRIGGER retail_guard_update
    AFTER UPDATE ON retail.price_import REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price_import();
CREATE OR REPLACE TRIGGER retail_guard_delete
    AFTER DELETE ON retail.price_import REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_price_import();
COMMENT ON TRIGGER retail_guard_insert ON retail.price_import IS 'Nobody brings a price file for another role.';
COMMENT ON TRIGGER retail_guard_update ON retail.price_import IS 'Nobody changes the price file of another role.';
COMMENT ON TRIGGER retail_guard_delete ON retail.price_import IS 'Nobody empties the price file of another role.';

-- Each flip is announced.  By origin only: a subscriber gets the event itself.

CREATE OR REPLACE TRIGGER retail_announce_insert
    AFTER INSERT ON retail.sold_out
    FOR EACH ROW EXECUTE FUNCTION retail._sold_out_changed();
CREATE OR REPLACE TRIGGER retail_announce_update
    AFTER UPDATE ON retail.sold_out
    FOR EACH ROW WHEN (OLD.sellable_floor <> NEW.sellable_floor)
    EXECUTE FUNCTION retail._sold_out_changed();
COMMENT ON TRIGGER retail_announce_insert ON retail.sold_out IS 'Writes the flip into the outbox.';
COMMENT ON TRIGGER retail_announce_update ON retail.sold_out IS 'Writes the flip into the outbox.';
