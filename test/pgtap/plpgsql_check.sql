-- plpgsql_check finds nothing in our PL/pgSQL.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS plpgsql_check;

-- pg_cron, as far as the jobs look at it, so that those statements are checked too
CREATE SCHEMA IF NOT EXISTS cron;
CREATE TABLE IF NOT EXISTS cron.job (jobid bigint, schedule text, command text, database text, username text, active boolean, jobname name);
CREATE OR REPLACE FUNCTION cron.unschedule(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OR REPLACE FUNCTION cron.schedule_in_database(text, text, text, text, text DEFAULT NULL, boolean DEFAULT true)
RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';

SELECT plan(4);

SELECT cmp_ok(count(*)::int, '>=', 20, 'there are functions to check')
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'retail'::regnamespace AND l.lanname = 'plpgsql';

SELECT is_empty($$
    SELECT p.oid::regprocedure, c.lineno, c.message
    FROM pg_proc p
        JOIN pg_language l ON l.oid = p.prolang
        CROSS JOIN LATERAL plpgsql_check_function_tb(p.oid, 0) c
    WHERE p.pronamespace = 'retail'::regnamespace AND l.lanname = 'plpgsql' AND p.prorettype <> 'trigger'::regtype
        -- later versions know that FOUND hides a column of that name; verify() answers by RETURN QUERY and reads neither
        AND NOT (p.oid = 'retail.verify()'::regprocedure AND c.message = 'parameter "found" is shadowed')
$$, 'no finding in a function');

SELECT is_empty($$
    SELECT p.proname, t.tgrelid::regclass, t.tgname, c.lineno, c.message
    FROM pg_trigger t
        JOIN pg_proc p ON p.oid = t.tgfoid
        JOIN pg_language l ON l.oid = p.prolang
        CROSS JOIN LATERAL plpgsql_check_function_tb(p.oid, t.tgrelid,
            oldtable => t.tgoldtable, newtable => t.tgnewtable) c
    WHERE p.pronamespace = 'retail'::regnamespace AND l.lanname = 'plpgsql'
        -- one function serves several kinds of trigger: a branch for another kind misses its transition table
        AND NOT (c.sqlstate = '42P01' AND c.message ~ 'relation "(old|new)_rows" does not exist')
$$, 'no finding in a trigger function');

SELECT is_empty($$
    SELECT p.oid::regprocedure
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'retail'::regnamespace AND l.lanname = 'plpgsql' AND p.prorettype = 'trigger'::regtype
        AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
$$, 'every trigger function is checked on a table');

SELECT * FROM finish();
