-- Triggers of what is settled and what comes with a price.  migrate() runs
-- this file again, so each statement may be repeated.

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE ON retail.settlement
    FOR EACH ROW EXECUTE FUNCTION retail._guard_settlement();
ALTER TABLE retail.settlement ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.settlement IS 'Keeps amounts as they are, and statuses on their way.';
CREATE OR REPLACE TRIGGER retail_guard_all
    BEFORE TRUNCATE ON retail.settlement
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_truncate();
ALTER TABLE retail.settlement ENABLE ALWAYS TRIGGER retail_guard_all;
COMMENT ON TRIGGER retail_guard_all ON retail.settlement IS 'Refuses TRUNCATE.';

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE OR TRUNCATE ON retail.settlement_line
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_settlement_line();
ALTER TABLE retail.settlement_line ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.settlement_line IS 'Keeps what was settled as it is.';

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE ON retail.settlement_hold
    FOR EACH ROW EXECUTE FUNCTION retail._guard_settlement_hold();
ALTER TABLE retail.settlement_hold ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.settlement_hold IS 'A hold is released once, and stays as it is.';
CREATE OR REPLACE TRIGGER retail_guard_all
    BEFORE TRUNCATE ON retail.settlement_hold
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_truncate();
ALTER TABLE retail.settlement_hold ENABLE ALWAYS TRIGGER retail_guard_all;
COMMENT ON TRIGGER retail_guard_all ON retail.settlement_hold IS 'Refuses TRUNCATE.';

CREATE OR REPLACE TRIGGER retail_guard
    BEFORE UPDATE OR DELETE ON retail.price_grant
    FOR EACH ROW EXECUTE FUNCTION retail._guard_grant();
ALTER TABLE retail.price_grant ENABLE ALWAYS TRIGGER retail_guard;
COMMENT ON TRIGGER retail_guard ON retail.price_grant IS 'Keeps what was asked for as it is, and statuses on their way.';
CREATE OR REPLACE TRIGGER retail_guard_all
    BEFORE TRUNCATE ON retail.price_grant
    FOR EACH STATEMENT EXECUTE FUNCTION retail._guard_truncate();
ALTER TABLE retail.price_grant ENABLE ALWAYS TRIGGER retail_guard_all;
COMMENT ON TRIGGER retail_guard_all ON retail.price_grant IS 'Refuses TRUNCATE.';

-- By origin only: a restore and a subscriber bring what was there.
CREATE OR REPLACE TRIGGER retail_keep
    BEFORE INSERT OR UPDATE OR DELETE ON retail.service_pack
    FOR EACH ROW EXECUTE FUNCTION retail._keep_service_pack();
COMMENT ON TRIGGER retail_keep ON retail.service_pack IS 'Keeps what was offered: a pack begins now or later, and one that has begun can only be ended from now on.';
