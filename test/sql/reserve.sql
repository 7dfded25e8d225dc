-- Reservations: the life of a hold, lapses, splits, baskets, refusals.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SELECT count(*) > 0 AS ready FROM retail.init();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET pg_retail.clock = '2031-05-01 10:00:00+00';
INSERT INTO retail.channel (code, name, hold_ttl) VALUES ('rv-app', 'App', NULL), ('rv-live', 'Live stream', '5 minutes');
INSERT INTO retail.location (code, name, kind, longitude, latitude)
VALUES ('RV1', 'Shop 1', 'store', 121.47, 31.23), ('RV2', 'Shop 2', 'store', 121.48, 31.24);
INSERT INTO retail.sku (code, name) SELECT 'RV-' || c, c FROM unnest(ARRAY['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'S']) c;
CREATE FUNCTION pg_temp.family(root bigint) RETURNS TABLE (status text, qty bigint) LANGUAGE sql AS $$
    WITH RECURSIVE f AS (
        SELECT r.id, r.status, r.qty FROM retail.reservation r WHERE r.id = root
        UNION ALL
        SELECT r.id, r.status, r.qty FROM retail.reservation r JOIN f ON r.parent_id = f.id)
    SELECT f.status, sum(f.qty)::bigint FROM f GROUP BY f.status ORDER BY f.status
$$;

-- a_hold_lowers_what_is_available
SELECT outcome, on_hand, available FROM retail.receive('RV-A', 'RV1', 10);
SELECT outcome, sku, location, qty, expires_at, available, replayed, remainder_id FROM retail.reserve('RV-A', 'RV1', 4, 'rv-app');
SELECT retail.available('RV-A', 'RV1') AS here, retail.available('RV-A', 'RV1', 'rv-app') AS app, retail.available('RV-A', 'RV2') AS there;

-- a_refusal_is_a_row_and_says_what_is_left
SELECT outcome, available, reservation_id, expires_at, replayed FROM retail.reserve('RV-A', 'RV1', 7, 'rv-app');
SELECT outcome, available FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app');
SELECT count(*), sum(qty) FROM retail.reservation JOIN retail.sku ON sku.id = sku_id WHERE code = 'RV-A';

-- the_channel_says_how_long_a_hold_lasts_unless_the_call_does
SELECT expires_at FROM retail.reserve('RV-A', 'RV1', 1, 'rv-live');
SELECT expires_at FROM retail.reserve('RV-A', 'RV1', 1, 'rv-live', '90 seconds');
SET pg_retail.default_ttl = '1 h';
SELECT expires_at FROM retail.reserve('RV-A', 'RV1', 1, 'rv-app');
RESET pg_retail.default_ttl;

-- confirm_consume: the_goods_leave_once
SELECT reservation_id AS id FROM retail.reserve('RV-B', 'RV1', 1, 'rv-app') \gset
SELECT outcome FROM retail.receive('RV-B', 'RV1', 10);
SELECT reservation_id AS id FROM retail.reserve('RV-B', 'RV1', 3, 'rv-app') \gset
SELECT outcome, qty, available, replayed FROM retail.confirm(:id, order_ref => 'order 1');
SELECT outcome, qty, replayed FROM retail.confirm(:id, order_ref => 'order 1');
SELECT outcome, qty FROM retail.release(:id);
SELECT outcome FROM retail.extend(:id, '1 hour');
SELECT outcome, qty, available, replayed FROM retail.consume(:id);
SELECT outcome, qty, available, replayed FROM retail.consume(:id);
SELECT outcome FROM retail.confirm(:id);
SELECT outcome FROM retail.cancel(:id);
SELECT outcome FROM retail.release(:id);
SELECT on_hand, retail.available('RV-B', 'RV1') FROM retail.stock JOIN retail.sku ON sku.id = sku_id WHERE code = 'RV-B';
SELECT kind, on_hand_delta, on_hand_after, ref, reservation_id = :id AS of_it FROM retail.movement JOIN retail.sku ON sku.id = sku_id
WHERE code = 'RV-B' ORDER BY movement.id;

-- a_held_reservation_can_be_neither_consumed_nor_cancelled
SELECT reservation_id AS id FROM retail.reserve('RV-B', 'RV1', 2, 'rv-app') \gset
SELECT outcome FROM retail.consume(:id);
SELECT outcome FROM retail.cancel(:id);

-- release_is_idempotent
SELECT outcome, qty, available, replayed FROM retail.release(:id);
SELECT outcome, qty, available, replayed FROM retail.release(:id);
SELECT outcome FROM retail.confirm(:id);
SELECT outcome FROM retail.confirm(:id, reacquire => true);

-- cancel_gives_committed_units_back
SELECT reservation_id AS id FROM retail.reserve('RV-B', 'RV1', 5, 'rv-app') \gset
SELECT outcome FROM retail.confirm(:id);
SELECT outcome, qty, remainder_id IS NOT NULL AS rest, available, replayed FROM retail.cancel(:id, qty => 2);
SELECT * FROM pg_temp.family(:id);
SELECT outcome, qty, replayed FROM retail.cancel(:id);
SELECT retail.available('RV-B', 'RV1');

-- a_hold_that_lapsed_cannot_be_confirmed_and_blocks_no_sale (one unit stays
-- free: it is not sold out, and no background worker comes to look for lapsed
-- holds)
SELECT outcome FROM retail.receive('RV-C', 'RV1', 6);
SELECT reservation_id AS id FROM retail.reserve('RV-C', 'RV1', 5, 'rv-app', '1 minute') \gset
SET pg_retail.clock = '2031-05-01 10:00:59.999999+00';
SELECT retail.available('RV-C', 'RV1');
SELECT outcome, available FROM retail.reserve('RV-C', 'RV1', 2, 'rv-app');
SET pg_retail.clock = '2031-05-01 10:01:00+00';
SELECT retail.available('RV-C', 'RV1');
SELECT outcome FROM retail.confirm(:id);
SELECT outcome FROM retail.extend(:id, '1 hour');
SELECT outcome, available FROM retail.reserve('RV-C', 'RV1', 3, 'rv-app');
SELECT status FROM retail.reservation WHERE id = :id;
SELECT outcome FROM retail.release(:id);
SELECT outcome, available FROM retail.reserve('RV-C', 'RV1', 4, 'rv-app');

-- a_claim_that_cannot_suffice_claims_none
SELECT outcome FROM retail.receive('RV-D', 'RV1', 7);
SELECT reservation_id AS one FROM retail.reserve('RV-D', 'RV1', 2, 'rv-app', '1 minute') \gset
SELECT reservation_id AS two FROM retail.reserve('RV-D', 'RV1', 2, 'rv-app', '2 minutes') \gset
SELECT reservation_id AS three FROM retail.reserve('RV-D', 'RV1', 2, 'rv-app', '1 hour') \gset
SET pg_retail.clock = '2031-05-01 10:30:00+00';
SELECT outcome, available FROM retail.reserve('RV-D', 'RV1', 6, 'rv-app');
SELECT count(*) FILTER (WHERE status = 'held') AS held FROM retail.reservation WHERE id IN (:one, :two, :three);
-- ... and_one_that_can_claims_no_more_than_is_missing
SELECT outcome, available FROM retail.reserve('RV-D', 'RV1', 2, 'rv-app', '1 hour');
SELECT status, count(*) FROM retail.reservation WHERE id IN (:one, :two, :three) GROUP BY status ORDER BY status;
-- a_clock_set_back_revives_only_what_nobody_claimed
SET pg_retail.clock = '2031-05-01 10:00:30+00';
SELECT outcome FROM retail.confirm(:two);
SELECT outcome FROM retail.confirm(:one);
SELECT retail.available('RV-D', 'RV1');

-- reacquire: payments_do_arrive_late
SELECT outcome FROM retail.receive('RV-E', 'RV1', 4);
SELECT reservation_id AS id FROM retail.reserve('RV-E', 'RV1', 2, 'rv-app', '1 minute') \gset
SET pg_retail.clock = '2031-05-01 10:45:00+00';
SELECT outcome, qty, available FROM retail.confirm(:id, reacquire => true, order_ref => 'late');
SELECT r.status, qty, order_ref FROM retail.reservation r JOIN retail.sku ON sku.id = sku_id WHERE code = 'RV-E' ORDER BY r.id;
-- ... and_a_payment_that_arrives_twice_buys_once
SELECT outcome, qty, available, replayed FROM retail.confirm(:id, reacquire => true, order_ref => 'late');
-- ... fresh_units_begin_a_family_of_their_own, and_the_expired_hold_names_it
SELECT n.parent_id IS NULL AS own_family, n.status, o.status AS old, o.qty AS old_qty
FROM retail_bi.reservation o JOIN retail_bi.reservation n ON n.reservation_id = o.successor_id WHERE o.reservation_id = :id;
SELECT reservation_id AS id FROM retail.reserve('RV-E', 'RV1', 1, 'rv-app', '1 minute') \gset
SET pg_retail.clock = '2031-05-01 10:50:00+00';
SELECT outcome FROM retail.reserve('RV-E', 'RV1', 2, 'rv-app', '1 hour');
SELECT outcome, available FROM retail.confirm(:id, reacquire => true);
SELECT outcome FROM retail.confirm(:id);
SELECT retail.available('RV-E', 'RV1');

-- extend_moves_the_deadline_of_a_live_hold_from_now
SELECT outcome FROM retail.receive('RV-F', 'RV1', 9);
SELECT reservation_id AS id FROM retail.reserve('RV-F', 'RV1', 9, 'rv-live') \gset
SET pg_retail.clock = '2031-05-01 10:51:00+00';
SELECT outcome, qty, expires_at FROM retail.extend(:id);
SELECT outcome, qty, expires_at FROM retail.extend(:id, '10 minutes');
SET pg_retail.clock = '2031-05-01 10:52:00+00';
SELECT outcome, expires_at FROM retail.extend(:id, '10 seconds');

-- parts: the_id_keeps_the_part_acted_on
SELECT outcome, qty, remainder_id AS rest, expires_at FROM retail.confirm(:id, 4) \gset part_
SELECT :'part_outcome' AS outcome, :part_qty AS qty;
SELECT r.id = :id AS same, r.qty, r.status, r.parent_id = :id AS child, r.expires_at FROM retail.reservation r
WHERE r.id IN (:id, :part_rest) ORDER BY r.id = :id DESC;
SELECT outcome, qty, remainder_id IS NOT NULL AS rest FROM retail.confirm(:part_rest, 1, 'release');
SELECT outcome, qty, remainder_id IS NOT NULL AS rest FROM retail.consume(:id, 3);
SELECT * FROM pg_temp.family(:id);
SELECT retail.available('RV-F', 'RV1');
-- more_than_there_is_cannot_be_confirmed
SELECT reservation_id AS id FROM retail.reserve('RV-F', 'RV1', 2, 'rv-app') \gset
\set VERBOSITY sqlstate
SELECT outcome, qty FROM retail.confirm(:id, 3);
\set VERBOSITY default
SELECT status, qty FROM retail.reservation WHERE id = :id;
SELECT outcome, qty, remainder_id FROM retail.confirm(:id, 2);

-- what_a_transaction_gives_it_may_take_itself
BEGIN;
SELECT outcome, available FROM retail.cancel(:id);
SELECT outcome, available FROM retail.reserve('RV-F', 'RV1', 5, 'rv-app');
SAVEPOINT s;
SELECT outcome, available FROM retail.reserve('RV-F', 'RV1', 1, 'rv-app');
ROLLBACK TO s;
SELECT retail.available('RV-F', 'RV1');
ROLLBACK;
SELECT retail.available('RV-F', 'RV1');

-- baskets: all_or_nothing
SELECT outcome FROM retail.receive_lines(ARRAY[('RV-G', 'RV1', 5), ('RV-H', 'RV1', 2), ('RV-G', 'RV2', 1)]::retail.line[]);
SELECT outcome, sku, location, qty, available FROM retail.reserve_lines(
    ARRAY[('RV-H', 'RV1', 3), ('RV-G', 'RV1', 2), ('RV-G', 'RV2', 1)]::retail.line[], 'rv-app');
SELECT count(*) FROM retail.reservation JOIN retail.sku ON sku.id = sku_id WHERE code IN ('RV-G', 'RV-H');
SELECT outcome, sku, location, qty, available FROM retail.reserve_lines(
    ARRAY[('RV-H', 'RV1', 1), ('RV-G', 'RV1', 2), ('RV-G', 'RV2', 1)]::retail.line[], 'rv-app');
-- best_effort: each_line_that_fits_whole
SELECT outcome, sku, location, qty FROM retail.reserve_lines(
    ARRAY[('RV-H', 'RV1', 2), ('RV-G', 'RV1', 1), ('RV-G', 'RV2', 1)]::retail.line[], 'rv-app', mode => 'best_effort');
-- partial: each_line_as_far_as_it_goes
SELECT outcome, sku, location, qty FROM retail.reserve_lines(
    ARRAY[('RV-H', 'RV1', 4), ('RV-G', 'RV1', 9), ('RV-G', 'RV2', 1)]::retail.line[], 'rv-app', mode => 'partial');
SELECT retail.available('RV-G', 'RV1') AS g1, retail.available('RV-H', 'RV1') AS h1, retail.available('RV-G', 'RV2') AS g2;
-- two_lines_on_one_stock_are_one_sum
SELECT outcome FROM retail.receive('RV-H', 'RV2', 5);
SELECT outcome, qty FROM retail.reserve_lines(ARRAY[('RV-H', 'RV2', 3), ('RV-H', 'RV2', 3)]::retail.line[], 'rv-app');
SELECT outcome, qty, available FROM retail.reserve_lines(ARRAY[('RV-H', 'RV2', 3), ('RV-H', 'RV2', 2)]::retail.line[], 'rv-app');
-- an_empty_basket_is_misuse
SELECT outcome FROM retail.reserve_lines('{}'::retail.line[], 'rv-app');

-- consume_lines: a_wave
SELECT array_agg(id ORDER BY id DESC) AS ids FROM retail.reservation WHERE status = 'held'
AND sku_id = (SELECT id FROM retail.sku WHERE code = 'RV-H') AND location_id = (SELECT id FROM retail.location WHERE code = 'RV2') \gset
SELECT outcome FROM retail.consume_lines(:'ids');
SELECT count(*) FROM unnest(:'ids'::bigint[]) id, retail.confirm(id) c WHERE c.outcome = 'committed';
SELECT outcome, qty, remainder_id IS NOT NULL AS rest FROM retail.consume_lines(:'ids', ARRAY[1, NULL]::bigint[]);
SELECT on_hand FROM retail.stock JOIN retail.sku ON sku.id = sku_id JOIN retail.location l ON l.id = location_id
WHERE sku.code = 'RV-H' AND l.code = 'RV2';

-- a_wave_that_falls_short_serves_the_oldest
SELECT outcome FROM retail.receive('RV-H', 'RV2', 5);
SELECT r.reservation_id AS old FROM retail.reserve('RV-H', 'RV2', 3, 'rv-app') r, retail.confirm(r.reservation_id) c \gset
SELECT r.reservation_id AS new FROM retail.reserve('RV-H', 'RV2', 2, 'rv-app') r, retail.confirm(r.reservation_id) c \gset
SELECT outcome, on_hand FROM retail.count_stock('RV-H', 'RV2', 4);
SELECT outcome, qty FROM retail.consume_lines(ARRAY[:new, :old]);
SELECT outcome FROM retail.cancel(:new);

-- closed_and_not_sellable_are_refusals_that_leave_live_holds_alone
SELECT outcome FROM retail.receive('RV-A', 'RV2', 9);
SELECT reservation_id AS id FROM retail.reserve('RV-A', 'RV2', 2, 'rv-app', '1 hour') \gset
UPDATE retail.location SET status = 'closed' WHERE code = 'RV2';
SELECT outcome, available FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app');
SELECT retail.available('RV-A', 'RV2', 'rv-app');
SELECT outcome FROM retail.extend(:id, '2 hours');
SELECT outcome FROM retail.confirm(:id);
SELECT outcome FROM retail.consume(:id);
UPDATE retail.location SET status = 'open' WHERE code = 'RV2';
UPDATE retail.channel SET status = 'closed' WHERE code = 'rv-live';
SELECT outcome FROM retail.reserve('RV-A', 'RV2', 1, 'rv-live');
SELECT outcome FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app');
UPDATE retail.channel SET status = 'open' WHERE code = 'rv-live';
UPDATE retail.sku SET status = 'discontinued' WHERE code = 'RV-A';
SELECT outcome, available FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app');
UPDATE retail.sku SET status = 'active' WHERE code = 'RV-A';
SELECT outcome FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app');
-- the_most_specific_listing_wins
INSERT INTO retail.listing (sku_id, status) SELECT id, 'delisted' FROM retail.sku WHERE code = 'RV-A';
INSERT INTO retail.listing (sku_id, location_id, status) SELECT s.id, l.id, 'on_sale' FROM retail.sku s, retail.location l WHERE s.code = 'RV-A' AND l.code = 'RV2';
INSERT INTO retail.listing (sku_id, location_id, channel_id, status) SELECT s.id, l.id, c.id, 'delisted'
FROM retail.sku s, retail.location l, retail.channel c WHERE s.code = 'RV-A' AND l.code = 'RV2' AND c.code = 'rv-live';
SELECT l.code AS location, c.code AS channel, r.outcome, retail.available('RV-A', l.code, c.code) AS available
FROM retail.location l, retail.channel c, LATERAL retail.reserve('RV-A', l.code, 1, c.code) r
WHERE l.code LIKE 'RV%' AND c.code LIKE 'rv-%' ORDER BY 1, 2;

-- a_code_may_change_under_live_reservations
SELECT reservation_id AS id FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app', '1 hour') \gset
UPDATE retail.sku SET code = 'RV-AA' WHERE code = 'RV-A';
SELECT outcome, sku, location FROM retail.confirm(:id);
SELECT outcome FROM retail.reserve('RV-A', 'RV2', 1, 'rv-app');
SELECT outcome, sku FROM retail.reserve('RV-AA', 'RV2', 1, 'rv-app');

-- the_sweep_sets_lapsed_holds_to_expired, oldest_first (of a stock that is not
-- sold out, which no background worker looks at)
SELECT retail.expire_reservations(1000000) >= 0 AS the_rest_is_swept;
SELECT outcome FROM retail.receive('RV-S', 'RV1', 100);
SELECT count(*) FROM generate_series(1, 10) i, LATERAL retail.reserve('RV-S', 'RV1', i, 'rv-app', i * interval '1 second') r WHERE r.outcome = 'held';
SET pg_retail.clock = '2031-05-02 10:00:00+00';
SELECT retail.expire_reservations(3);
SELECT r.status, array_agg(qty ORDER BY qty) FROM retail.reservation r JOIN retail.sku ON sku.id = sku_id WHERE code = 'RV-S' GROUP BY r.status ORDER BY 1;
SELECT retail.available('RV-S', 'RV1');
SELECT retail.expire_reservations() >= 7 AS more;
SELECT r.status, count(*) FROM retail.reservation r JOIN retail.sku ON sku.id = sku_id WHERE code = 'RV-S' GROUP BY r.status ORDER BY 1;
SELECT retail.available('RV-S', 'RV1');

-- a_retry_of_a_late_payment_answers_the_new_reservation_as_it_is_now
SELECT outcome FROM retail.receive('RV-E', 'RV2', 9);
SELECT reservation_id AS id FROM retail.reserve('RV-E', 'RV2', 3, 'rv-app', '1 minute', 'late payer') \gset
SELECT reservation_id AS other FROM retail.reserve('RV-E', 'RV2', 4, 'rv-app', '1 minute', 'later payer') \gset
SELECT reservation_id AS lost FROM retail.reserve('RV-E', 'RV2', 2, 'rv-app', '1 minute') \gset
SET pg_retail.clock = '2031-05-02 10:02:00+00';
SELECT outcome, qty, reservation_id AS new FROM retail.confirm(:id, 2, reacquire => true) \gset late_
SELECT :'late_outcome' AS outcome, :late_qty AS qty;
SELECT outcome, qty, reservation_id = :late_new AS same, replayed FROM retail.confirm(:id, 3, reacquire => true);
SELECT outcome FROM retail.cancel(:late_new);
SELECT outcome, qty, reservation_id = :late_new AS same, replayed FROM retail.confirm(:id, reacquire => true);

-- a_payment_later_than_the_archive_finds_its_hold_in_the_history, once
SELECT retail.expire_reservations(1000000) > 0 AS swept;
SET pg_retail.clock = '2031-05-03 10:00:00+00';
SELECT retail.archive_reservations(1000000) > 0 AS archived;
SELECT count(*) FROM retail.reservation WHERE id IN (:id, :other, :lost);
SELECT outcome, replayed FROM retail.confirm(:id, reacquire => true);
SELECT outcome FROM retail.confirm(:other);
SELECT outcome FROM retail.confirm(:other, reacquire => true, holder => 'somebody else');
SELECT outcome FROM retail.release(:other, holder => 'somebody else');
SELECT outcome, qty, available, reservation_id AS new FROM retail.confirm(:other, reacquire => true, order_ref => 'O-9', holder => 'later payer') \gset late_
SELECT :'late_outcome' AS outcome, :late_qty AS qty, :late_available AS available;
SELECT r.status, r.qty, r.holder, r.order_ref FROM retail.reservation r WHERE r.id = :late_new;
SELECT outcome, qty, reservation_id = :late_new AS same, replayed FROM retail.confirm(:other, reacquire => true);
SELECT outcome FROM retail.sell('RV-E', 'RV2', 5);
SELECT outcome FROM retail.confirm(:lost, reacquire => true);

-- available_and_pool_answer_in_a_parallel_plan, with_a_counter_and_without_one
-- (the setting that forces such a plan has two names)
SELECT outcome FROM retail.receive('RV-G', 'RV2', 7);
SELECT outcome FROM retail.receive('RV-H', 'RV2', 7);
SELECT retail.reset_cells() > 0 AS counters_are_dropped;
SELECT outcome, available FROM retail.reserve('RV-G', 'RV2', 2, 'rv-app');
SELECT set_config(s.name, 'on', false) FROM pg_settings s WHERE s.name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT retail.available('RV-G', 'RV2'), retail.available('RV-G', 'RV2', 'rv-app') AS app;
SELECT retail.available('RV-H', 'RV2'), retail.available('RV-H', 'RV2', 'rv-app') AS app;
SELECT retail.total(retail.pool('RV-H'));
SELECT set_config(s.name, 'off', false) FROM pg_settings s WHERE s.name IN ('force_parallel_mode', 'debug_parallel_query');

SELECT check_name, sku, location, expected, found FROM retail.verify();
RESET pg_retail.clock;
