-- Examples of doc/promotion.md and doc/settlement.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
DO $$ BEGIN PERFORM count(*) FROM retail.init(); END $$;
SET timezone = 'Asia/Macau';
SET pg_retail.clock = '2031-06-10 09:00';
CREATE ROLE retail_doc_region;
CREATE ROLE retail_doc_head;
CREATE ROLE retail_doc_audit;
DO $$ BEGIN
    PERFORM retail.grant_access(r, 'pricing') FROM unnest(ARRAY['retail_doc_region', 'retail_doc_head', 'retail_doc_audit']) r;
END $$;
INSERT INTO retail.channel (code, name, kind) VALUES ('doc-app', 'Mini-program', 'online'), ('doc-till', 'Till', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
VALUES ('doc-S1', 'Harbour shop', 'store', 113.55, 22.19, 'Asia/Macau'), ('doc-S2', 'Hill shop', 'store', 113.54, 22.20, 'Asia/Macau');
INSERT INTO retail.sku (code, name) VALUES ('doc-RICE', 'Rice, 5 kg');
SELECT outcome, amount FROM retail.set_base_price('doc-RICE', 69, 'CNY');

-- a grant: one asks, another approves
SET ROLE retail_doc_region;
SELECT outcome, grantee FROM retail.request_grant('retail_doc_region', '2031-06-18', '2031-06-20', 30, skus => ARRAY['doc-RICE'],
    reason => '618', request_key => 'doc 618');
SELECT max(id) AS grant_id FROM retail.price_grant WHERE grantee = 'retail_doc_region' \gset
DO $$ BEGIN
    PERFORM retail.approve_grant(max(id)) FROM retail.price_grant WHERE grantee = 'retail_doc_region';
EXCEPTION WHEN SQLSTATE 'RT027' THEN
    RAISE WARNING '%', regexp_replace(SQLERRM, '\d+', 'N');
END $$;
SET ROLE retail_doc_head;
SELECT outcome, requested_by, decided_by FROM retail.approve_grant(:grant_id);

-- a campaign: looked at first, then published as a whole
SET ROLE retail_doc_region;
SELECT outcome, channel, amount, base, low, high
FROM retail.start_campaign('doc-618', '618', '[2031-06-18,2031-06-19)', ARRAY[('doc-RICE', NULL, 25)]::retail.campaign_line[],
    channels => ARRAY['doc-app', 'doc-till'], dry_run => true);
SELECT outcome, channel, location, amount
FROM retail.start_campaign('doc-618', '618', '[2031-06-18,2031-06-19)', ARRAY[('doc-RICE', NULL, 25)]::retail.campaign_line[],
    channels => ARRAY['doc-app', 'doc-till'], grant_id => :grant_id);
RESET ROLE;
SELECT payload->>'channel' AS channel, payload->>'kind' AS kind, payload->>'price' AS price, payload->>'effective_at' AS effective_at
FROM retail.outbox WHERE topic = 'price' AND payload->>'sku' = 'doc-RICE' ORDER BY id;

-- the same price, another service
INSERT INTO retail.service_pack (channel_id, code, name, returns_days, delivery, extras)
SELECT id, 'doc-online', 'Online service', 7, 'free from 99', ARRAY['e-invoice'] FROM retail.channel WHERE code = 'doc-app';

-- a shop raises its price
SET pg_retail.clock = '2031-06-12 10:00';
SELECT outcome, amount, low, high FROM retail.set_price('doc-RICE', 'doc-till', 'doc-S1', 79);

-- and somebody who may do anything forces it in
SET session_replication_role = replica;
INSERT INTO retail.price (sku_id, channel_id, location_id, currency, amount, valid)
SELECT k.id, c.id, l.id, 'CNY', 79, tstzrange(retail.now(), NULL)
FROM retail.sku k, retail.channel c, retail.location l WHERE k.code = 'doc-RICE' AND c.code = 'doc-till' AND l.code = 'doc-S1';
RESET session_replication_role;

-- two receipts of that day are settled
SET ROLE retail_doc_head;
SELECT outcome, party, amount, status FROM retail.settle('doc-till', 'R-1', 'franchisee', 'Wang', 55.30, 'CNY', 'doc-S1',
    ARRAY[('doc-RICE', 1, 79)]::retail.sold_line[]);
SELECT outcome, party, amount, status FROM retail.settle('doc-till', 'R-2', 'franchisee', 'Li', 48.30, 'CNY', 'doc-S2',
    ARRAY[('doc-RICE', 1, 69)]::retail.sold_line[]);

-- the scan of the next morning
RESET ROLE;
SET pg_retail.clock = '2031-06-13 02:00';
SET ROLE retail_doc_head;
SELECT rule, found, news, opened, frozen FROM retail.scan_prices('2031-06-12', 'Asia/Macau', ARRAY['R1', 'R2']);
SELECT rule, found, news, opened, frozen FROM retail.scan_prices('2031-06-12', 'Asia/Macau', ARRAY['R1', 'R2']);
SELECT rule, location, channel, facts, amount, low_amount, high_amount, held_orders
FROM retail_bi.price_alert WHERE sku = 'doc-RICE';
SELECT order_ref, party, amount, status, held_rules FROM retail_bi.settlement WHERE channel = 'doc-till' ORDER BY order_ref;

-- who froze does not release
DO $$ BEGIN
    PERFORM retail.release_settlement('doc-till', 'R-1');
EXCEPTION WHEN SQLSTATE 'RT027' THEN
    RAISE WARNING '%', SQLERRM;
END $$;
SET ROLE retail_doc_audit;
SELECT outcome, party, amount, status FROM retail.release_settlement('doc-till', 'R-1', reason => 'customer refunded, price put right');
SELECT rule, status, decided_by FROM retail_bi.price_alert WHERE sku = 'doc-RICE';

-- head office changes its mind
RESET ROLE;
SET pg_retail.clock = '2031-06-18 12:00';
SET ROLE retail_doc_audit;
SELECT outcome, revoked_by, prices FROM retail.revoke_grant(:grant_id);
SELECT outcome, ended, withdrawn FROM retail.end_campaign('doc-618');
RESET ROLE;
SELECT check_name FROM retail.verify();
DROP OWNED BY retail_doc_region, retail_doc_head, retail_doc_audit;
DROP ROLE retail_doc_region, retail_doc_head, retail_doc_audit;
