-- The outbox, one session at a time; races are isolation specs.
SET client_min_messages = warning;
SET pg_retail.clock = '2031-06-01 12:00:00+00';
SELECT plan(33);

-- flips are announced, by channel, and only flips
INSERT INTO retail.channel (code, name) VALUES ('app', 'App'), ('till', 'Till'), ('live', 'Live');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('S1', 'Shop 1', 'store', 121.47, 31.23, 'UTC');
INSERT INTO retail.sku (code, name) VALUES ('A', 'Apple'), ('B', 'Banana');
INSERT INTO retail.safety_stock (sku_id, location_id, channel_id, qty, percent)
SELECT k.id, NULL, c.id, 3, NULL FROM retail.sku k, retail.channel c WHERE k.code = 'A' AND c.code = 'app'
UNION ALL SELECT NULL, l.id, NULL, NULL, 10 FROM retail.location l;
CREATE FUNCTION pg_temp.mark(sku text, mark bigint) RETURNS text LANGUAGE sql AS $$
    INSERT INTO retail.sold_out (sku_id, location_id, sellable_floor, changed_at)
    SELECT k.id, l.id, $2, retail.now() FROM retail.sku k, retail.location l WHERE k.code = $1
    ON CONFLICT ON CONSTRAINT sold_out_pkey DO UPDATE SET sellable_floor = EXCLUDED.sellable_floor;
    SELECT string_agg(f->>'channel' || '=' || (f->>'sold_out'), ' ' ORDER BY n)
    FROM (SELECT payload FROM retail.outbox o WHERE o.topic = 'sold_out' AND o.payload->>'sku' = $1 ORDER BY id DESC LIMIT 1) o,
        jsonb_array_elements(o.payload->'channels') WITH ORDINALITY x (f, n)
$$;
CREATE FUNCTION pg_temp.events() RETURNS int LANGUAGE sql AS $$ SELECT count(*)::int FROM retail.outbox $$;
-- floors of A: app 3, the others 10 percent of 15, rounded up: 2
DO $$ BEGIN PERFORM retail.bulk_write(); INSERT INTO retail.stock (sku_id, location_id, on_hand) SELECT k.id, l.id, 15 FROM retail.sku k, retail.location l WHERE k.code = 'A'; END $$;
SELECT is(pg_temp.mark('A', 2), 'app=true', 'a mark of 2: the floor of 3 cannot be kept');
SELECT is(pg_temp.mark('A', -1), 'live=true till=true', 'a mark of -1: nobody''s can');
SELECT is(pg_temp.mark('A', 1) || pg_temp.events(), 'live=true till=true2', 'between floors nothing flips and nothing is written');
SELECT is(pg_temp.mark('A', 9223372036854775807), 'app=false live=false till=false', 'restocked');
SELECT is(pg_temp.mark('A', 9223372036854775807) || pg_temp.events(), 'app=false live=false till=false3', 'the same again is no event');
SELECT is((SELECT payload - 'channels' FROM retail.outbox ORDER BY id LIMIT 1), '{"sku": "A", "location": "S1"}', 'with codes a stranger understands');
SELECT is((SELECT payload FROM retail.outbox ORDER BY id LIMIT 1)->'channels'->0, '{"channel": "app", "sold_out": true}', 'and a row per channel');

-- rules: the more specific wins
DELETE FROM retail.safety_stock;
INSERT INTO retail.safety_stock (sku_id, location_id, channel_id, qty)
SELECT s, l, c, q FROM (
    SELECT k.id, l.id, c.id FROM retail.sku k, retail.location l, retail.channel c WHERE k.code = 'A' AND c.code = 'app') t (ks, ll, cc)
    CROSS JOIN LATERAL (VALUES (ks, ll, cc, 8), (ks, ll, NULL, 7), (ks, NULL, cc, 6), (ks, NULL, NULL, 5),
        (NULL, ll, cc, 4), (NULL, ll, NULL, 3), (NULL, NULL, cc, 2), (NULL::int, NULL::int, NULL::int, 1)) v (s, l, c, q);
CREATE FUNCTION pg_temp.floor_of_app() RETURNS bigint LANGUAGE sql AS $$
    SELECT safety_stock FROM retail_bi.availability WHERE sku = 'A' AND location = 'S1' AND channel = 'app'
$$;
-- the view, the trigger and available() agree at each step down the list
CREATE FUNCTION pg_temp.agree(q bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    by_view bigint;
    flips int;
BEGIN
    SELECT safety_stock INTO by_view FROM retail_bi.availability WHERE sku = 'A' AND location = 'S1' AND channel = 'app';
    PERFORM pg_temp.mark('A', 9223372036854775807);
    PERFORM pg_temp.mark('A', q);           -- sold out iff the floor is above the mark: not yet
    flips := coalesce((SELECT count(*) FROM retail.outbox o, jsonb_array_elements(o.payload->'channels') f
        WHERE o.id > (SELECT coalesce(max(id), 0) FROM retail.outbox p WHERE p.payload->'channels' @> '[{"sold_out": false}]')
            AND f->>'channel' = 'app'), 0);
    RETURN by_view = q AND flips = 0 AND retail.available('A', 'S1', 'app') = retail.available('A', 'S1') - q;
END $$;
SELECT ok(pg_temp.agree(8), 'sku+location+channel');
DELETE FROM retail.safety_stock WHERE qty = 8;
SELECT ok(pg_temp.agree(7), 'sku+location');
DELETE FROM retail.safety_stock WHERE qty = 7;
SELECT ok(pg_temp.agree(6), 'sku+channel');
DELETE FROM retail.safety_stock WHERE qty = 6;
SELECT ok(pg_temp.agree(5), 'sku');
DELETE FROM retail.safety_stock WHERE qty = 5;
SELECT ok(pg_temp.agree(4), 'location+channel');
DELETE FROM retail.safety_stock WHERE qty = 4;
SELECT ok(pg_temp.agree(3), 'location');
DELETE FROM retail.safety_stock WHERE qty = 3;
SELECT ok(pg_temp.agree(2), 'channel');
DELETE FROM retail.safety_stock WHERE qty = 2;
SELECT ok(pg_temp.agree(1), 'global');

-- without any rule all channels flip together
DELETE FROM retail.safety_stock;
DO $$ BEGIN PERFORM pg_temp.mark('A', 9223372036854775807); END $$;
SELECT is(pg_temp.mark('A', -1), 'app=true live=true till=true', 'sold out');
SELECT is(pg_temp.mark('A', 0), 'app=false live=false till=false', 'on sale');

-- bad arguments
SELECT throws_ok($$ SELECT retail.outbox_take(NULL) $$, '22023', NULL, 'a consumer has a name');
SELECT throws_ok($$ SELECT retail.outbox_take('x', 0) $$, '22023', NULL, 'and takes something');
SELECT throws_ok($$ SELECT retail.outbox_take('x', 1, '0') $$, '22023', NULL, 'for a while');
SELECT throws_ok($$ SELECT retail.outbox_done('nobody', ARRAY[1]) $$, '42704', 'outbox consumer "nobody" does not exist', 'who never took has nothing to finish');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT throws_ok($$ SELECT retail.outbox_take('x') $$, '0A000', NULL, 'an old snapshot cannot drain');
COMMIT;

-- a backlog in batches: every event once, in order
DELETE FROM retail.outbox;
INSERT INTO retail.outbox (topic, sku_id, location_id, payload) SELECT 't', 1 + n % 7, 1, to_jsonb(n) FROM generate_series(1, 500) n;
CREATE TEMP TABLE got (batch int, id bigint, key int, n int);
DO $$
DECLARE
    b int := 0;
BEGIN
    LOOP
        b := b + 1;
        INSERT INTO got SELECT b, t.id, t.payload::int % 7, t.payload::int FROM retail.outbox_take('batches', 60) t;
        EXIT WHEN NOT FOUND;
        PERFORM retail.outbox_done('batches', ARRAY(SELECT g.id FROM got g WHERE g.batch = b));
    END LOOP;
END $$;
SELECT is((SELECT count(*)::int FROM got), 500, 'all');
SELECT is((SELECT count(DISTINCT id)::int FROM got), 500, 'each once');
SELECT is_empty($$ SELECT FROM (SELECT n < lag(n) OVER (PARTITION BY key ORDER BY batch, id) AS back FROM got) g WHERE back $$, 'in order');
SELECT is((SELECT max(batch) FROM got), 9, 'in as many batches as it takes');
SELECT is_empty($$ SELECT FROM retail.outbox_delivery d JOIN retail.outbox_consumer c ON c.id = d.consumer_id WHERE c.name = 'batches' $$, 'nothing is kept of what is done');

-- purge
SELECT is(retail.purge_outbox(), 0::bigint, 'young events stay');
SET pg_retail.clock = '2031-07-01 12:00:00+00';
SELECT is(retail.purge_outbox(100), 100::bigint, 'old ones go, as many as asked');
DO $$ BEGIN PERFORM retail.outbox_take('other', 1); END $$;
SELECT is(retail.purge_outbox(), 0::bigint, 'a consumer that has not had them keeps them');
DELETE FROM retail.outbox_consumer WHERE name = 'other';
SELECT is(retail.purge_outbox(), 400::bigint, 'until it is deleted');

-- a restore into another cluster starts anew
INSERT INTO retail.outbox (topic, payload) VALUES ('t', '1');
DO $$ BEGIN PERFORM retail.outbox_done('batches', ARRAY(SELECT id FROM retail.outbox_take('batches'))); END $$;
SELECT is_empty($$ SELECT * FROM retail.outbox_take('batches') $$, 'all is done here');
UPDATE retail.outbox_consumer SET system_identifier = 1;
SELECT is((SELECT count(*)::int FROM retail.outbox_take('batches')), 1, 'there it comes again: at least once');

SELECT * FROM finish();
