-- Nobody may call anything until retail.grant_access() says so: functions that
-- write do it without looking at table privileges.  What only computes with a
-- type of this schema stays open, as the type itself is.

DO $$
DECLARE
    next record;
BEGIN
    FOR next IN
        SELECT p.oid::pg_catalog.regprocedure AS routine
        FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'retail'::pg_catalog.regnamespace
            AND NOT (p.provolatile = 'i' AND EXISTS (
                SELECT
                FROM pg_catalog.pg_type t
                WHERE t.typnamespace = p.pronamespace AND t.typtype = 'b' AND t.typelem = 0
                    AND (t.oid = p.prorettype OR t.oid = ANY (p.proargtypes::pg_catalog.oid[]))))
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', next.routine);
    END LOOP;
END
$$;
