-- Every object has a comment; every function says what it promises.
SET client_min_messages = warning;
SELECT plan(9);

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = 'retail'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
$$, 'every function has a comment');

SELECT is_empty($$
    SELECT t.oid::regtype FROM pg_type t
        LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = 'retail'::regnamespace AND t.typelem = 0 AND (t.typrelid = 0 OR c.relkind = 'c')
        AND obj_description(t.oid, 'pg_type') IS NULL
$$, 'every type has a comment');

SELECT is_empty($$
    SELECT o.oid::regoperator FROM pg_operator o
    WHERE o.oprnamespace = 'retail'::regnamespace AND obj_description(o.oid, 'pg_operator') IS NULL
$$, 'every operator has a comment');

SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace IN ('retail'::regnamespace, 'retail_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm')
        AND NOT c.relispartition AND obj_description(c.oid, 'pg_class') IS NULL
$$, 'every table and view has a comment');

SELECT is_empty($$
    SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace IN ('retail'::regnamespace, 'retail_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm')
        AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
$$, 'every column of them has a comment');

SELECT is_empty($$
    SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'retail'::regnamespace AND NOT t.tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL
$$, 'every trigger has a comment');

SELECT is_empty($$
    SELECT n.nspname FROM pg_namespace n
    WHERE n.nspname IN ('retail_bi') AND obj_description(n.oid, 'pg_namespace') IS NULL
$$, 'the schema of the views has a comment');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'retail'::regnamespace AND p.prokind <> 'p' AND (l.lanname = 'plpgsql' OR p.prosecdef)
        AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
$$, 'every PL/pgSQL and SECURITY DEFINER function pins its search path');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'retail'::regnamespace AND p.provolatile = 'v' AND p.proparallel = 's'
        AND p.proname <> '_cell'     -- it looks into shared memory, which workers share
$$, 'no volatile function calls itself parallel safe');

SELECT * FROM finish();
