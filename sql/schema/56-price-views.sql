-- Views of prices, alerts and settlement, for analysts.  The rules are those of
-- 50-views.sql; migrate() runs this file again.

CREATE OR REPLACE VIEW retail._freezing AS
SELECT o.id AS settlement_order_id, a.id AS alert_id, a.rule, f.business_date
FROM retail.price_finding f
    JOIN retail.price_alert a ON a.id = f.alert_id AND a.status IN ('open', 'acknowledged')
    JOIN retail.price_scan_rule r ON r.rule = a.rule AND r.severity = 'freeze'
    JOIN retail.settlement_line l ON l.sku_id = a.sku_id
    JOIN retail.settlement_order o ON o.id = l.settlement_order_id
        AND a.channel_id IN (0, o.channel_id)
        AND (a.location_id = 0 OR o.location_id IS NULL OR a.location_id = o.location_id)
        AND a.currency IN ('', o.currency)
    LEFT JOIN retail.location w ON w.id = o.location_id
    LEFT JOIN retail.price p ON p.id = f.price_id
    LEFT JOIN retail.sku k ON k.id = l.sku_id
    LEFT JOIN retail.currency c ON c.code = o.currency
WHERE f.business_date = (o.sold_at AT TIME ZONE coalesce(w.time_zone, current_setting('TimeZone')))::date
    -- sold at that price, where it is one
    AND (p.id IS NULL OR p.valid @> o.sold_at AND round(p.amount * l.qty / k.price_per, c.decimals) = l.amount)
    -- where the finding names the orders it is about, those
    AND (f.detail->'orders' IS NULL OR f.detail->'orders' ? o.order_ref);
COMMENT ON VIEW retail._freezing IS 'Internal: which open alerts, of rules that freeze, are about what was sold in which order on the day they were found.';
COMMENT ON COLUMN retail._freezing.settlement_order_id IS 'The order.';
COMMENT ON COLUMN retail._freezing.alert_id IS 'The alert.';
COMMENT ON COLUMN retail._freezing.rule IS 'Its rule.';
COMMENT ON COLUMN retail._freezing.business_date IS 'The day.';

CREATE OR REPLACE VIEW retail._price AS
SELECT (p.id << 1) AS price_key, p.id AS price_id, NULL::bigint AS base_price_id, p.sku_id, k.code AS sku, k.name AS sku_name,
    g.category, l.id AS location_id, l.code AS location, l.name AS location_name,
    coalesce(l.time_zone, current_setting('TimeZone')) AS time_zone, c.id AS channel_id, c.code AS channel, c.name AS channel_name,
    c.kind AS channel_kind, p.kind, nullif(p.tier, '') AS tier, p.min_qty, p.currency, p.amount, p.valid, p.recorded_at, p.withdrawn_at,
    p.grant_id, p.campaign_id, p.actor
FROM retail.price p
    LEFT JOIN retail.sku k ON k.id = p.sku_id
    LEFT JOIN retail.product g ON g.id = k.product_id
    LEFT JOIN retail.location l ON l.id = p.location_id
    LEFT JOIN retail.channel c ON c.id = p.channel_id
UNION ALL
SELECT (b.id << 1) | 1, NULL, b.id, b.sku_id, k.code, k.name, g.category, NULL, NULL, NULL, current_setting('TimeZone'), NULL, NULL, NULL,
    NULL, 'base', NULL, 1, b.currency, b.amount, b.valid, b.recorded_at, b.withdrawn_at, NULL, NULL, b.actor
FROM retail.base_price b
    LEFT JOIN retail.sku k ON k.id = b.sku_id
    LEFT JOIN retail.product g ON g.id = k.product_id;
COMMENT ON VIEW retail._price IS 'Internal: base prices and prices with the names of their scopes.';
COMMENT ON COLUMN retail._price.price_key IS 'One number per row of either table.';
COMMENT ON COLUMN retail._price.price_id IS 'The row of retail.price.';
COMMENT ON COLUMN retail._price.base_price_id IS 'The row of retail.base_price.';
COMMENT ON COLUMN retail._price.sku_id IS 'The SKU.';
COMMENT ON COLUMN retail._price.sku IS 'Its code.';
COMMENT ON COLUMN retail._price.sku_name IS 'Its name.';
COMMENT ON COLUMN retail._price.category IS 'Its category.';
COMMENT ON COLUMN retail._price.location_id IS 'The location; NULL: every one.';
COMMENT ON COLUMN retail._price.location IS 'Its code.';
COMMENT ON COLUMN retail._price.location_name IS 'Its name.';
COMMENT ON COLUMN retail._price.time_zone IS 'Its zone; of every location: the session''s.';
COMMENT ON COLUMN retail._price.channel_id IS 'The channel; NULL: every one.';
COMMENT ON COLUMN retail._price.channel IS 'Its code.';
COMMENT ON COLUMN retail._price.channel_name IS 'Its name.';
COMMENT ON COLUMN retail._price.channel_kind IS 'store or online.';
COMMENT ON COLUMN retail._price.kind IS 'base, list, promo, member or clearance.';
COMMENT ON COLUMN retail._price.tier IS 'Tier of a member price.';
COMMENT ON COLUMN retail._price.min_qty IS 'From how many base units on.';
COMMENT ON COLUMN retail._price.currency IS 'Its currency.';
COMMENT ON COLUMN retail._price.amount IS 'The price.';
COMMENT ON COLUMN retail._price.valid IS 'When it holds.';
COMMENT ON COLUMN retail._price.recorded_at IS 'Since when it is believed.';
COMMENT ON COLUMN retail._price.withdrawn_at IS 'Since when it is not.';
COMMENT ON COLUMN retail._price.grant_id IS 'Its grant.';
COMMENT ON COLUMN retail._price.campaign_id IS 'Its campaign.';
COMMENT ON COLUMN retail._price.actor IS 'Who set it.';

CREATE OR REPLACE VIEW retail_bi.price_in_force AS
SELECT p.price_key, p.price_id, p.base_price_id, p.sku_id, p.sku, p.sku_name, p.location_id, p.location, p.location_name,
    p.channel_id, p.channel, p.channel_name, p.kind, p.tier, p.min_qty, p.currency, p.amount,
    lower(p.valid) AS valid_from, (lower(p.valid) AT TIME ZONE p.time_zone)::date AS valid_from_on, upper(p.valid) AS valid_until,
    (upper(p.valid) AT TIME ZONE p.time_zone)::date AS valid_until_on, p.grant_id, p.campaign_id, coalesce(g.status = 'revoked', false) AS grant_revoked, p.actor
FROM retail._price p
    LEFT JOIN retail.price_grant g ON g.id = p.grant_id
WHERE p.withdrawn_at IS NULL AND p.valid @> retail.now();
COMMENT ON VIEW retail_bi.price_in_force IS
'Prices that hold at this moment, of every scope. What a shopper is quoted is the most specific list price, or the least reduced one.
One row per price.';
COMMENT ON COLUMN retail_bi.price_in_force.price_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.price_in_force.price_id IS 'Row of retail.price; NULL: a base price.';
COMMENT ON COLUMN retail_bi.price_in_force.base_price_id IS 'Row of retail.base_price; NULL: none.';
COMMENT ON COLUMN retail_bi.price_in_force.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.price_in_force.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.price_in_force.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.price_in_force.location_id IS 'Internal key of the location; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_in_force.location IS 'Location code; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_in_force.location_name IS 'Location name; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_in_force.channel_id IS 'Internal key of the channel; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_in_force.channel IS 'Channel code; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_in_force.channel_name IS 'Channel name; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_in_force.kind IS 'base (the list price where a channel has none), list, promo, member or clearance.';
COMMENT ON COLUMN retail_bi.price_in_force.tier IS 'Published tier of members it is for; NULL: of a member price only.';
COMMENT ON COLUMN retail_bi.price_in_force.min_qty IS 'From how many base units on.';
COMMENT ON COLUMN retail_bi.price_in_force.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN retail_bi.price_in_force.amount IS 'Price of one base unit.';
COMMENT ON COLUMN retail_bi.price_in_force.valid_from IS 'Since when it holds.';
COMMENT ON COLUMN retail_bi.price_in_force.valid_from_on IS 'The same as a date there (of every location: in the session''s zone).';
COMMENT ON COLUMN retail_bi.price_in_force.valid_until IS 'When it ends; NULL: until further notice.';
COMMENT ON COLUMN retail_bi.price_in_force.valid_until_on IS 'The same as a date there; NULL: until further notice.';
COMMENT ON COLUMN retail_bi.price_in_force.grant_id IS 'The grant it is under; NULL: it needs none.';
COMMENT ON COLUMN retail_bi.price_in_force.campaign_id IS 'The campaign it is part of; NULL: none.';
COMMENT ON COLUMN retail_bi.price_in_force.grant_revoked IS 'Whether that grant was revoked: then it is quoted no more.';
COMMENT ON COLUMN retail_bi.price_in_force.actor IS 'Role that set it.';

CREATE OR REPLACE VIEW retail_bi.price_history AS
SELECT p.price_key, p.price_id, p.base_price_id, p.sku_id, p.sku, p.sku_name, p.location_id, p.location, p.location_name,
    p.channel_id, p.channel, p.channel_name, p.kind, p.tier, p.min_qty, p.currency, p.amount,
    lower(p.valid) AS valid_from, (lower(p.valid) AT TIME ZONE p.time_zone)::date AS valid_from_on, upper(p.valid) AS valid_until,
    (upper(p.valid) AT TIME ZONE p.time_zone)::date AS valid_until_on, p.recorded_at,
    (p.recorded_at AT TIME ZONE p.time_zone)::date AS recorded_on, p.withdrawn_at,
    (p.withdrawn_at AT TIME ZONE p.time_zone)::date AS withdrawn_on, p.grant_id, p.campaign_id, p.actor
FROM retail._price p;
COMMENT ON VIEW retail_bi.price_history IS
'Every price there ever was, with when it held and when it was believed.
One row per price.';
COMMENT ON COLUMN retail_bi.price_history.price_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.price_history.price_id IS 'Row of retail.price; NULL: a base price.';
COMMENT ON COLUMN retail_bi.price_history.base_price_id IS 'Row of retail.base_price; NULL: none.';
COMMENT ON COLUMN retail_bi.price_history.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.price_history.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.price_history.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.price_history.location_id IS 'Internal key of the location; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_history.location IS 'Location code; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_history.location_name IS 'Location name; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_history.channel_id IS 'Internal key of the channel; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_history.channel IS 'Channel code; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_history.channel_name IS 'Channel name; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_history.kind IS 'base (the list price where a channel has none), list, promo, member or clearance.';
COMMENT ON COLUMN retail_bi.price_history.tier IS 'Published tier of members it is for; NULL: of a member price only.';
COMMENT ON COLUMN retail_bi.price_history.min_qty IS 'From how many base units on.';
COMMENT ON COLUMN retail_bi.price_history.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN retail_bi.price_history.amount IS 'Price of one base unit.';
COMMENT ON COLUMN retail_bi.price_history.valid_from IS 'Since when it holds, or held.';
COMMENT ON COLUMN retail_bi.price_history.valid_from_on IS 'The same as a date there (of every location: in the session''s zone).';
COMMENT ON COLUMN retail_bi.price_history.valid_until IS 'When it ends, or ended; NULL: until further notice.';
COMMENT ON COLUMN retail_bi.price_history.valid_until_on IS 'The same as a date there; NULL: until further notice.';
COMMENT ON COLUMN retail_bi.price_history.recorded_at IS 'Since when the row is believed.';
COMMENT ON COLUMN retail_bi.price_history.recorded_on IS 'The same as a date there.';
COMMENT ON COLUMN retail_bi.price_history.withdrawn_at IS 'Since when it is not; NULL: it is.';
COMMENT ON COLUMN retail_bi.price_history.withdrawn_on IS 'The same as a date there; NULL: it is believed.';
COMMENT ON COLUMN retail_bi.price_history.grant_id IS 'The grant it is under; NULL: it needs none.';
COMMENT ON COLUMN retail_bi.price_history.campaign_id IS 'The campaign it is part of; NULL: none.';
COMMENT ON COLUMN retail_bi.price_history.actor IS 'Role that set it.';

CREATE OR REPLACE VIEW retail_bi.band_use AS
SELECT p.price_key, p.price_id, p.sku_id, p.sku, p.sku_name, p.location_id, p.location, p.location_name,
    p.channel_id, p.channel, p.channel_name, p.kind, p.currency, p.amount, b.amount AS base_amount,
    round((p.amount / b.amount - 1) * 100, 2) AS off_base_percent, r.low_percent, r.high_percent,
    round(CASE WHEN p.amount = b.amount THEN 0
        WHEN p.amount < b.amount THEN (1 - p.amount / b.amount) * 100 / nullif(r.low_percent, 0)
        ELSE (p.amount / b.amount - 1) * 100 / nullif(r.high_percent, 0) END, 4) AS band_share,
    p.grant_id
FROM retail._price p
    JOIN retail.base_price b ON b.sku_id = p.sku_id AND b.currency = p.currency AND b.withdrawn_at IS NULL
        AND b.valid @> retail.now() AND b.amount > 0
    CROSS JOIN LATERAL (
        SELECT x.low_percent, x.high_percent
        FROM (
            SELECT q.low_percent, q.high_percent,
                CASE WHEN q.sku_id IS NOT NULL THEN 1 WHEN q.category IS NOT NULL THEN 2 WHEN q.channel_id IS NOT NULL THEN 3 ELSE 4 END AS rank
            FROM retail.price_rule q
            WHERE coalesce(q.sku_id, p.sku_id) = p.sku_id AND coalesce(q.category, p.category) IS NOT DISTINCT FROM p.category
                AND (q.channel_id IS NULL OR q.channel_id = p.channel_id)
            UNION ALL
            SELECT d.percent, d.percent, 5
            FROM (SELECT CASE p.channel_kind WHEN 'online' THEN 10 ELSE 5 END AS percent) d
        ) x
        ORDER BY x.rank
        LIMIT 1
    ) r
WHERE p.price_id IS NOT NULL AND p.withdrawn_at IS NULL AND p.valid @> retail.now();
COMMENT ON VIEW retail_bi.band_use IS
'How far prices in force lie from the base price, and how much of what their band allows that is.
One row per price in force that is no base price and has one.';
COMMENT ON COLUMN retail_bi.band_use.price_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.band_use.price_id IS 'Row of retail.price.';
COMMENT ON COLUMN retail_bi.band_use.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.band_use.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.band_use.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.band_use.location_id IS 'Internal key of the location; NULL: every location.';
COMMENT ON COLUMN retail_bi.band_use.location IS 'Location code; NULL: every location.';
COMMENT ON COLUMN retail_bi.band_use.location_name IS 'Location name; NULL: every location.';
COMMENT ON COLUMN retail_bi.band_use.channel_id IS 'Internal key of the channel; NULL: every channel.';
COMMENT ON COLUMN retail_bi.band_use.channel IS 'Channel code; NULL: every channel.';
COMMENT ON COLUMN retail_bi.band_use.channel_name IS 'Channel name; NULL: every channel.';
COMMENT ON COLUMN retail_bi.band_use.kind IS 'list, promo, member or clearance.';
COMMENT ON COLUMN retail_bi.band_use.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN retail_bi.band_use.amount IS 'Price of one base unit.';
COMMENT ON COLUMN retail_bi.band_use.base_amount IS 'The base price.';
COMMENT ON COLUMN retail_bi.band_use.off_base_percent IS 'Percent above the base price; below 0: below it.';
COMMENT ON COLUMN retail_bi.band_use.low_percent IS 'Percent below the base price that are allowed.';
COMMENT ON COLUMN retail_bi.band_use.high_percent IS 'Percent above the base price that are allowed.';
COMMENT ON COLUMN retail_bi.band_use.band_share IS 'Share of what is allowed on that side: 0 at the base price, 1 at the limit, more outside; NULL: nothing is allowed there.';
COMMENT ON COLUMN retail_bi.band_use.grant_id IS 'The grant it is under; NULL: none.';

CREATE OR REPLACE VIEW retail_bi.price_alert AS
SELECT a.id AS alert_id, a.rule, r.description AS rule_description, r.severity, a.status, a.status IN ('open', 'acknowledged') AS open,
    k.id AS sku_id, k.code AS sku, k.name AS sku_name, l.id AS location_id, l.code AS location, l.name AS location_name,
    c.id AS channel_id, c.code AS channel, c.name AS channel_name, nullif(a.currency, '') AS currency, a.price_id,
    a.detail->>'reason' AS facts, (a.detail->>'amount')::numeric AS amount, (a.detail->>'low')::numeric AS low_amount,
    (a.detail->>'high')::numeric AS high_amount, (a.detail->>'against')::numeric AS against_amount,
    a.first_seen_on, a.last_seen_on, d.days, a.opened AS times_opened, a.opened_at,
    (a.opened_at AT TIME ZONE z.time_zone)::date AS opened_on, a.acknowledged_by, a.acknowledged_at,
    (a.acknowledged_at AT TIME ZONE z.time_zone)::date AS acknowledged_on, a.decided_by, a.decided_at,
    (a.decided_at AT TIME ZONE z.time_zone)::date AS decided_on, a.waived_until,
    (a.waived_until AT TIME ZONE z.time_zone)::date AS waived_until_on, a.reason, h.held_orders
FROM retail.price_alert a
    LEFT JOIN retail.price_scan_rule r ON r.rule = a.rule
    LEFT JOIN retail.sku k ON k.id = a.sku_id
    LEFT JOIN retail.location l ON l.id = a.location_id
    LEFT JOIN retail.channel c ON c.id = a.channel_id
    CROSS JOIN LATERAL (SELECT coalesce(l.time_zone, current_setting('TimeZone')) AS time_zone) z
    CROSS JOIN LATERAL (SELECT count(*) AS days FROM retail.price_finding f WHERE f.alert_id = a.id) d
    CROSS JOIN LATERAL (
        SELECT count(*) AS held_orders FROM retail.settlement_hold s WHERE s.alert_id = a.id AND s.released_at IS NULL) h;
COMMENT ON VIEW retail_bi.price_alert IS
'What is or was wrong with prices.
One row per rule and scope.';
COMMENT ON COLUMN retail_bi.price_alert.alert_id IS 'Key.';
COMMENT ON COLUMN retail_bi.price_alert.rule IS 'R1 to R12, or reported.';
COMMENT ON COLUMN retail_bi.price_alert.rule_description IS 'What the rule finds.';
COMMENT ON COLUMN retail_bi.price_alert.severity IS 'notice, warning or freeze.';
COMMENT ON COLUMN retail_bi.price_alert.status IS 'open, acknowledged, resolved or waived.';
COMMENT ON COLUMN retail_bi.price_alert.open IS 'Whether it is open or acknowledged.';
COMMENT ON COLUMN retail_bi.price_alert.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.price_alert.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.price_alert.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.price_alert.location_id IS 'Internal key of the location; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_alert.location IS 'Location code; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_alert.location_name IS 'Location name; NULL: every location.';
COMMENT ON COLUMN retail_bi.price_alert.channel_id IS 'Internal key of the channel; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_alert.channel IS 'Channel code; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_alert.channel_name IS 'Channel name; NULL: every channel.';
COMMENT ON COLUMN retail_bi.price_alert.currency IS 'ISO 4217 code; NULL: no price is concerned.';
COMMENT ON COLUMN retail_bi.price_alert.price_id IS 'The price at fault, of retail.price; NULL: no single one.';
COMMENT ON COLUMN retail_bi.price_alert.facts IS 'What was found, in words.';
COMMENT ON COLUMN retail_bi.price_alert.amount IS 'The price found; NULL: none.';
COMMENT ON COLUMN retail_bi.price_alert.low_amount IS 'Least price allowed; NULL: does not apply.';
COMMENT ON COLUMN retail_bi.price_alert.high_amount IS 'Largest price allowed; NULL: does not apply.';
COMMENT ON COLUMN retail_bi.price_alert.against_amount IS 'What it was compared with: the base price, the floor, the price before it, another channel''s, the median; NULL: nothing.';
COMMENT ON COLUMN retail_bi.price_alert.first_seen_on IS 'Business date it was first found on.';
COMMENT ON COLUMN retail_bi.price_alert.last_seen_on IS 'Business date it was last found on.';
COMMENT ON COLUMN retail_bi.price_alert.days IS 'On how many business dates it was found.';
COMMENT ON COLUMN retail_bi.price_alert.times_opened IS 'How often it was opened: above 1, it came back.';
COMMENT ON COLUMN retail_bi.price_alert.opened_at IS 'When it was last opened.';
COMMENT ON COLUMN retail_bi.price_alert.opened_on IS 'The business date of that there (of every location: in the session''s zone).';
COMMENT ON COLUMN retail_bi.price_alert.acknowledged_by IS 'Role that said it looks into it; NULL: nobody yet.';
COMMENT ON COLUMN retail_bi.price_alert.acknowledged_at IS 'When; NULL: not yet.';
COMMENT ON COLUMN retail_bi.price_alert.acknowledged_on IS 'The same as a date there; NULL: not yet.';
COMMENT ON COLUMN retail_bi.price_alert.decided_by IS 'Role that resolved or waived it; NULL: nobody yet.';
COMMENT ON COLUMN retail_bi.price_alert.decided_at IS 'When; NULL: not yet.';
COMMENT ON COLUMN retail_bi.price_alert.decided_on IS 'The same as a date there; NULL: not yet.';
COMMENT ON COLUMN retail_bi.price_alert.waived_until IS 'Until when it is waived; NULL: never waived.';
COMMENT ON COLUMN retail_bi.price_alert.waived_until_on IS 'The same as a date there; NULL: never waived.';
COMMENT ON COLUMN retail_bi.price_alert.reason IS 'What was said with the last step; NULL: nothing.';
COMMENT ON COLUMN retail_bi.price_alert.held_orders IS 'Orders whose settlement it holds.';

CREATE OR REPLACE VIEW retail_bi.price_compliance AS
SELECT (f.business_date - date '2000-01-01')::bigint * 100 + CASE WHEN a.rule ~ '^R[0-9]+$' THEN substr(a.rule, 2)::integer ELSE 0 END AS compliance_key,
    f.business_date, a.rule, max(r.description) AS rule_description, max(r.severity) AS severity, count(*) AS scopes,
    count(DISTINCT a.sku_id) AS skus, count(DISTINCT a.location_id) FILTER (WHERE a.location_id <> 0) AS locations,
    count(*) FILTER (WHERE a.status IN ('open', 'acknowledged')) AS open_alerts, count(*) FILTER (WHERE a.status = 'waived') AS waived_alerts,
    count(*) FILTER (WHERE f.business_date = a.first_seen_on) AS first_found
FROM retail.price_finding f
    JOIN retail.price_alert a ON a.id = f.alert_id
    LEFT JOIN retail.price_scan_rule r ON r.rule = a.rule
GROUP BY f.business_date, a.rule;
COMMENT ON VIEW retail_bi.price_compliance IS
'How many scopes were found at fault on each business date, rule by rule, and what became of it.
One row per business date and rule.';
COMMENT ON COLUMN retail_bi.price_compliance.compliance_key IS 'Key: one row, one number.';
COMMENT ON COLUMN retail_bi.price_compliance.business_date IS 'The business date.';
COMMENT ON COLUMN retail_bi.price_compliance.rule IS 'R1 to R12.';
COMMENT ON COLUMN retail_bi.price_compliance.rule_description IS 'What the rule finds.';
COMMENT ON COLUMN retail_bi.price_compliance.severity IS 'notice, warning or freeze.';
COMMENT ON COLUMN retail_bi.price_compliance.scopes IS 'Scopes at fault: SKU, location, channel and currency.';
COMMENT ON COLUMN retail_bi.price_compliance.skus IS 'Different SKUs among them.';
COMMENT ON COLUMN retail_bi.price_compliance.locations IS 'Single locations among them.';
COMMENT ON COLUMN retail_bi.price_compliance.open_alerts IS 'Of these alerts, open or acknowledged now.';
COMMENT ON COLUMN retail_bi.price_compliance.waived_alerts IS 'Of these alerts, waived now.';
COMMENT ON COLUMN retail_bi.price_compliance.first_found IS 'Found on that date for the first time.';

CREATE OR REPLACE VIEW retail_bi.campaign AS
SELECT m.id AS campaign_id, m.code AS campaign, m.name AS campaign_name, m.currency,
    CASE WHEN m.status = 'ended' AND m.ended_at <= retail.now() THEN 'ended' WHEN upper(m.valid) <= retail.now() THEN 'over'
        WHEN lower(m.valid) > retail.now() THEN 'scheduled' ELSE 'running' END AS status,
    lower(m.valid) AS valid_from, (lower(m.valid) AT TIME ZONE current_setting('TimeZone'))::date AS valid_from_on,
    upper(m.valid) AS valid_until, (upper(m.valid) AT TIME ZONE current_setting('TimeZone'))::date AS valid_until_on, m.ended_at,
    (m.ended_at AT TIME ZONE current_setting('TimeZone'))::date AS ended_on, p.prices, p.skus, p.channels, p.locations, p.everywhere, p.least_amount, p.prices_without_grant,
    m.actor, m.created_at, (m.created_at AT TIME ZONE current_setting('TimeZone'))::date AS created_on
FROM retail.campaign m
    CROSS JOIN LATERAL (
        SELECT count(*) AS prices, count(DISTINCT x.sku_id) AS skus, count(DISTINCT x.channel_id) FILTER (WHERE x.channel_id <> 0) AS channels,
            count(DISTINCT x.location_id) FILTER (WHERE x.location_id <> 0) AS locations, coalesce(bool_or(x.location_id = 0), false) AS everywhere,
            min(x.amount) AS least_amount, count(*) FILTER (WHERE g.status IS DISTINCT FROM 'approved' AND x.grant_id IS NOT NULL) AS prices_without_grant
        FROM retail.price x
            LEFT JOIN retail.price_grant g ON g.id = x.grant_id
        WHERE x.campaign_id = m.id AND x.split_from IS NULL
    ) p;
COMMENT ON VIEW retail_bi.campaign IS
'Campaigns of head office, and how far they have reached.
One row per campaign.';
COMMENT ON COLUMN retail_bi.campaign.campaign_id IS 'Key.';
COMMENT ON COLUMN retail_bi.campaign.campaign IS 'Campaign code.';
COMMENT ON COLUMN retail_bi.campaign.campaign_name IS 'Campaign name.';
COMMENT ON COLUMN retail_bi.campaign.currency IS 'ISO 4217 code of its prices.';
COMMENT ON COLUMN retail_bi.campaign.status IS 'scheduled, running, over, or ended before its time.';
COMMENT ON COLUMN retail_bi.campaign.valid_from IS 'When it begins.';
COMMENT ON COLUMN retail_bi.campaign.valid_from_on IS 'The same as a date in the session''s zone.';
COMMENT ON COLUMN retail_bi.campaign.valid_until IS 'When it is meant to end.';
COMMENT ON COLUMN retail_bi.campaign.valid_until_on IS 'The same as a date in the session''s zone.';
COMMENT ON COLUMN retail_bi.campaign.ended_at IS 'When it was, or will be, ended before that; NULL: it was not.';
COMMENT ON COLUMN retail_bi.campaign.ended_on IS 'The same as a date in the session''s zone; NULL: it was not.';
COMMENT ON COLUMN retail_bi.campaign.prices IS 'Prices it set.';
COMMENT ON COLUMN retail_bi.campaign.skus IS 'Different SKUs among them.';
COMMENT ON COLUMN retail_bi.campaign.channels IS 'Single channels among them.';
COMMENT ON COLUMN retail_bi.campaign.locations IS 'Single locations among them.';
COMMENT ON COLUMN retail_bi.campaign.everywhere IS 'Whether some hold at every location.';
COMMENT ON COLUMN retail_bi.campaign.least_amount IS 'The least of its prices.';
COMMENT ON COLUMN retail_bi.campaign.prices_without_grant IS 'Prices whose grant was revoked since.';
COMMENT ON COLUMN retail_bi.campaign.actor IS 'Role that started it.';
COMMENT ON COLUMN retail_bi.campaign.created_at IS 'When it was started.';
COMMENT ON COLUMN retail_bi.campaign.created_on IS 'The same as a date in the session''s zone.';

CREATE OR REPLACE VIEW retail_bi.label_lag AS
SELECT row_number() OVER (ORDER BY t.location_id, t.sku_id, t.channel_id, t.currency) AS label_key,
    t.sku_id, k.code AS sku, k.name AS sku_name, t.location_id, l.code AS location, l.name AS location_name,
    t.channel_id, c.code AS channel, c.name AS channel_name, t.currency, t.version AS acknowledged_version, t.acked_at,
    (t.acked_at AT TIME ZONE l.time_zone)::date AS acked_on, e.version AS wanted_version, e.effective_at AS wanted_since,
    (e.effective_at AT TIME ZONE l.time_zone)::date AS wanted_since_on,
    e.version IS NULL AS up_to_date, round(extract(epoch FROM retail.now() - e.effective_at))::bigint AS behind_seconds,
    round(extract(epoch FROM t.acked_at - s.created_at))::bigint AS acknowledged_after_seconds
FROM retail.label_ack t
    LEFT JOIN retail.sku k ON k.id = t.sku_id
    LEFT JOIN retail.location l ON l.id = t.location_id
    LEFT JOIN retail.channel c ON c.id = t.channel_id
    LEFT JOIN retail.price_event s ON s.version = t.version
    LEFT JOIN LATERAL (
        SELECT n.version, n.effective_at
        FROM unnest(ARRAY[0, t.location_id]) w (location_id)
            CROSS JOIN unnest(ARRAY[0, t.channel_id]) x (channel_id)
            JOIN retail.price_event n ON n.sku_id = t.sku_id AND n.location_id = w.location_id AND n.channel_id = x.channel_id
                AND n.currency = t.currency AND n.version > t.version
        WHERE n.effective_at <= retail.now()
        ORDER BY n.version DESC
        LIMIT 1
    ) e ON true;
COMMENT ON VIEW retail_bi.label_lag IS
'Touchpoints, and whether they show the newest price: electronic shelf labels, tills, pages.
One row per touchpoint and SKU that has ever acknowledged a version.';
COMMENT ON COLUMN retail_bi.label_lag.label_key IS 'Key within one query: one row, one number.';
COMMENT ON COLUMN retail_bi.label_lag.sku_id IS 'Internal key of the SKU.';
COMMENT ON COLUMN retail_bi.label_lag.sku IS 'SKU code.';
COMMENT ON COLUMN retail_bi.label_lag.sku_name IS 'SKU name.';
COMMENT ON COLUMN retail_bi.label_lag.location_id IS 'Internal key of the location.';
COMMENT ON COLUMN retail_bi.label_lag.location IS 'Location code.';
COMMENT ON COLUMN retail_bi.label_lag.location_name IS 'Location name.';
COMMENT ON COLUMN retail_bi.label_lag.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.label_lag.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.label_lag.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.label_lag.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN retail_bi.label_lag.acknowledged_version IS 'Version it says it shows.';
COMMENT ON COLUMN retail_bi.label_lag.acked_at IS 'When it said so.';
COMMENT ON COLUMN retail_bi.label_lag.acked_on IS 'The business date of that there.';
COMMENT ON COLUMN retail_bi.label_lag.wanted_version IS 'Newest version in force that it has not acknowledged; NULL: there is none.';
COMMENT ON COLUMN retail_bi.label_lag.wanted_since IS 'Since when that is in force; NULL: there is none.';
COMMENT ON COLUMN retail_bi.label_lag.wanted_since_on IS 'The same as a date there; NULL: there is none.';
COMMENT ON COLUMN retail_bi.label_lag.up_to_date IS 'Whether it shows the newest version in force.';
COMMENT ON COLUMN retail_bi.label_lag.behind_seconds IS 'For how long it has shown an older one, in seconds; NULL: it does not.';
COMMENT ON COLUMN retail_bi.label_lag.acknowledged_after_seconds IS 'How long it took to acknowledge the version it shows, in seconds from the change; NULL: the event was purged.';

CREATE OR REPLACE VIEW retail_bi.settlement AS
SELECT s.id AS settlement_id, o.id AS settlement_order_id, o.order_ref, o.channel_id, c.code AS channel, c.name AS channel_name,
    o.location_id, l.code AS location, l.name AS location_name, s.party_kind, s.party, s.currency, s.amount, s.status, s.reverses_id,
    o.sold_at, (o.sold_at AT TIME ZONE z.time_zone)::date AS sold_on, h.holds, h.first_held_at,
    (h.first_held_at AT TIME ZONE z.time_zone)::date AS first_held_on, h.held_rules, s.changed_by, s.changed_at,
    (s.changed_at AT TIME ZONE z.time_zone)::date AS changed_on
FROM retail.settlement s
    JOIN retail.settlement_order o ON o.id = s.settlement_order_id
    LEFT JOIN retail.channel c ON c.id = o.channel_id
    LEFT JOIN retail.location l ON l.id = o.location_id
    CROSS JOIN LATERAL (SELECT coalesce(l.time_zone, current_setting('TimeZone')) AS time_zone) z
    CROSS JOIN LATERAL (
        SELECT count(*) AS holds, min(x.held_at) AS first_held_at, string_agg(DISTINCT a.rule, ', ' ORDER BY a.rule) AS held_rules
        FROM retail.settlement_hold x
            JOIN retail.price_alert a ON a.id = x.alert_id
        WHERE x.settlement_order_id = o.id AND x.released_at IS NULL
    ) h;
COMMENT ON VIEW retail_bi.settlement IS
'What franchisees, suppliers and guides are paid for what was sold, and what holds it.
One row per settlement.';
COMMENT ON COLUMN retail_bi.settlement.settlement_id IS 'Key.';
COMMENT ON COLUMN retail_bi.settlement.settlement_order_id IS 'The order, or receipt, as it is settled.';
COMMENT ON COLUMN retail_bi.settlement.order_ref IS 'Its number, unique per channel.';
COMMENT ON COLUMN retail_bi.settlement.channel_id IS 'Internal key of the channel.';
COMMENT ON COLUMN retail_bi.settlement.channel IS 'Channel code.';
COMMENT ON COLUMN retail_bi.settlement.channel_name IS 'Channel name.';
COMMENT ON COLUMN retail_bi.settlement.location_id IS 'Internal key of the location that sold it; NULL: several, or not known.';
COMMENT ON COLUMN retail_bi.settlement.location IS 'Location code; NULL: several, or not known.';
COMMENT ON COLUMN retail_bi.settlement.location_name IS 'Location name; NULL: several, or not known.';
COMMENT ON COLUMN retail_bi.settlement.party_kind IS 'franchisee, supplier or guide.';
COMMENT ON COLUMN retail_bi.settlement.party IS 'Who.';
COMMENT ON COLUMN retail_bi.settlement.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN retail_bi.settlement.amount IS 'What is paid; below 0: taken back.';
COMMENT ON COLUMN retail_bi.settlement.status IS 'open, frozen, released, reversed or closed.';
COMMENT ON COLUMN retail_bi.settlement.reverses_id IS 'The settlement it takes back; NULL: none.';
COMMENT ON COLUMN retail_bi.settlement.sold_at IS 'When it was sold.';
COMMENT ON COLUMN retail_bi.settlement.sold_on IS 'The business date of that there.';
COMMENT ON COLUMN retail_bi.settlement.holds IS 'Alerts that hold it now.';
COMMENT ON COLUMN retail_bi.settlement.first_held_at IS 'Since when; NULL: nothing holds it.';
COMMENT ON COLUMN retail_bi.settlement.first_held_on IS 'The same as a date there; NULL: nothing holds it.';
COMMENT ON COLUMN retail_bi.settlement.held_rules IS 'Their rules; NULL: nothing holds it.';
COMMENT ON COLUMN retail_bi.settlement.changed_by IS 'Role that last changed its status.';
COMMENT ON COLUMN retail_bi.settlement.changed_at IS 'When.';
COMMENT ON COLUMN retail_bi.settlement.changed_on IS 'The same as a date there.';

CREATE OR REPLACE VIEW retail_bi.price_grant AS
SELECT g.id AS grant_id, g.grantee, g.reason, g.status, g.status = 'approved' AND g.valid @> retail.now() AS alive,
    lower(g.valid) AS valid_from, (lower(g.valid) AT TIME ZONE current_setting('TimeZone'))::date AS valid_from_on, upper(g.valid) AS valid_until,
    (upper(g.valid) AT TIME ZONE current_setting('TimeZone'))::date AS valid_until_on, g.max_discount_percent, g.currency, g.floor_amount, g.cap_amount, g.overrides_floor, cardinality(g.sku_ids) AS skus,
    array_to_string(g.categories, ', ') AS categories, cardinality(g.channel_ids) AS channels, cardinality(g.location_ids) AS locations,
    g.requested_by, g.requested_at, (g.requested_at AT TIME ZONE current_setting('TimeZone'))::date AS requested_on, g.decided_by, g.decided_at,
    (g.decided_at AT TIME ZONE current_setting('TimeZone'))::date AS decided_on, g.revoked_by, g.revoked_at,
    (g.revoked_at AT TIME ZONE current_setting('TimeZone'))::date AS revoked_on, p.prices, p.prices_in_force
FROM retail.price_grant g
    CROSS JOIN LATERAL (
        SELECT count(*) AS prices, count(*) FILTER (WHERE x.valid @> retail.now()) AS prices_in_force
        FROM retail.price x
        WHERE x.grant_id = g.id AND x.withdrawn_at IS NULL
    ) p;
COMMENT ON VIEW retail_bi.price_grant IS
'Authority to set prices outside the band: who has it, who gave it, how it is used.
One row per grant.';
COMMENT ON COLUMN retail_bi.price_grant.grant_id IS 'Key.';
COMMENT ON COLUMN retail_bi.price_grant.grantee IS 'Role that has it.';
COMMENT ON COLUMN retail_bi.price_grant.reason IS 'What it is for.';
COMMENT ON COLUMN retail_bi.price_grant.status IS 'requested, approved, refused or revoked.';
COMMENT ON COLUMN retail_bi.price_grant.alive IS 'Whether prices may be set and quoted under it now.';
COMMENT ON COLUMN retail_bi.price_grant.valid_from IS 'Since when prices under it may hold.';
COMMENT ON COLUMN retail_bi.price_grant.valid_from_on IS 'The same as a date in the session''s zone.';
COMMENT ON COLUMN retail_bi.price_grant.valid_until IS 'Until when.';
COMMENT ON COLUMN retail_bi.price_grant.valid_until_on IS 'The same as a date in the session''s zone.';
COMMENT ON COLUMN retail_bi.price_grant.max_discount_percent IS 'Largest discount off the base price.';
COMMENT ON COLUMN retail_bi.price_grant.currency IS 'ISO 4217 code it is for; NULL: every currency.';
COMMENT ON COLUMN retail_bi.price_grant.floor_amount IS 'Least price; NULL: none.';
COMMENT ON COLUMN retail_bi.price_grant.cap_amount IS 'Most that may be given away; NULL: no limit.';
COMMENT ON COLUMN retail_bi.price_grant.overrides_floor IS 'Whether prices may lie below their floor.';
COMMENT ON COLUMN retail_bi.price_grant.skus IS 'Single SKUs it is for; NULL: by category, or every one.';
COMMENT ON COLUMN retail_bi.price_grant.categories IS 'Categories it is for; NULL: by SKU, or every one.';
COMMENT ON COLUMN retail_bi.price_grant.channels IS 'Channels it is for; NULL: every one.';
COMMENT ON COLUMN retail_bi.price_grant.locations IS 'Locations it is for; NULL: every one.';
COMMENT ON COLUMN retail_bi.price_grant.requested_by IS 'Role that asked for it.';
COMMENT ON COLUMN retail_bi.price_grant.requested_at IS 'When.';
COMMENT ON COLUMN retail_bi.price_grant.requested_on IS 'The same as a date in the session''s zone.';
COMMENT ON COLUMN retail_bi.price_grant.decided_by IS 'Role that approved or refused it; NULL: nobody yet.';
COMMENT ON COLUMN retail_bi.price_grant.decided_at IS 'When; NULL: not yet.';
COMMENT ON COLUMN retail_bi.price_grant.decided_on IS 'The same as a date; NULL: not yet.';
COMMENT ON COLUMN retail_bi.price_grant.revoked_by IS 'Role that revoked it; NULL: nobody.';
COMMENT ON COLUMN retail_bi.price_grant.revoked_at IS 'When; NULL: it was not.';
COMMENT ON COLUMN retail_bi.price_grant.revoked_on IS 'The same as a date; NULL: it was not.';
COMMENT ON COLUMN retail_bi.price_grant.prices IS 'Prices under it.';
COMMENT ON COLUMN retail_bi.price_grant.prices_in_force IS 'Of these, holding now.';
