-- Ten days before: the campaign, under four eyes.  25 % off, in every channel
-- of every store that has labels, from midnight to midnight.

CREATE FUNCTION demo.campaign_lines(percent numeric) RETURNS retail.campaign_line[]
LANGUAGE sql STABLE
RETURN (SELECT array_agg(ROW (sku, NULL, percent)::retail.campaign_line ORDER BY sku) FROM demo.offer);

CREATE FUNCTION demo.try_campaign(percent numeric, under bigint, dry boolean) RETURNS SETOF retail.campaign_price
LANGUAGE sql
BEGIN ATOMIC
    SELECT p.*
    FROM demo.campaign AS c
    CROSS JOIN LATERAL retail.start_campaign('618', 'Mid-year sale', tstzrange(c.midnight, c.midnight + interval '1 day'), demo.campaign_lines(percent),
        locations => ARRAY(SELECT location FROM demo.shown_at ORDER BY location), currency => c.currency, grant_id => under, dry_run => dry,
        request_key => CASE WHEN NOT dry THEN '618' END) AS p;
END;

CALL demo.act('campaign', interval '-10 days 10 hours', 'campaign_manager', 'tries it: 25 % off', 'out_of_band', $$
    SELECT p.outcome, format('%s prices of %s; in a shop 5 %% are allowed, online 10 %%', count(*) FILTER (WHERE p.outcome = 'out_of_band'), count(*))
    FROM demo.try_campaign(25, NULL, true) AS p GROUP BY p.outcome $$);
CALL demo.act('campaign', interval '-10 days 10 hours 5 minutes', 'campaign_manager', 'asks for a grant of up to 30 %', 'requested', $$
    SELECT g.outcome, format('for %s SKUs, on that day only', (SELECT count(*) FROM demo.offer))
    FROM demo.campaign AS c
    CROSS JOIN LATERAL retail.request_grant('campaign_manager', c.midnight, c.midnight + interval '1 day', 30,
        skus => ARRAY(SELECT sku FROM demo.offer ORDER BY sku), reason => '618') AS g $$);
CALL demo.act('campaign', interval '-10 days 10 hours 6 minutes', 'campaign_manager', 'approves it herself', 'RT027', $$
    SELECT g.outcome, NULL FROM retail.approve_grant((SELECT max(id) FROM retail.price_grant)) AS g $$);
CALL demo.act('campaign', interval '-10 days 11 hours', 'pricing_director', 'approves it', 'approved', $$
    SELECT g.outcome, format('asked by %s, decided by %s', g.requested_by, g.decided_by)
    FROM retail.approve_grant((SELECT max(id) FROM retail.price_grant)) AS g $$);
CALL demo.act('campaign', interval '-10 days 11 hours 10 minutes', 'campaign_manager', 'tries 28 %, which the grant allows', 'below_floor', $$
    SELECT p.outcome, min(p.detail) || ' Cost and margin hold under a grant, too.'
    FROM demo.try_campaign(28, (SELECT max(id) FROM retail.price_grant), true) AS p WHERE p.outcome <> 'within' GROUP BY p.outcome $$);
CALL demo.act('campaign', interval '-10 days 11 hours 15 minutes', 'campaign_manager', 'starts it with 25 %', 'set', $$
    SELECT min(p.outcome), format('%s prices in one transaction: %s SKUs at %s touchpoints', count(*), count(DISTINCT p.sku), count(DISTINCT (p.location, p.channel)))
    FROM demo.try_campaign(25, (SELECT max(id) FROM retail.price_grant), false) AS p $$);
CALL demo.act('campaign', interval '-10 days 11 hours 16 minutes', 'campaign_manager', 'her line was cut: sends it again', 'set', $$
    SELECT min(p.outcome), format('%s prices, a repeat', count(*) FILTER (WHERE p.replayed))
    FROM demo.try_campaign(25, (SELECT max(id) FROM retail.price_grant), false) AS p $$);
ANALYZE retail.price, retail.price_event, retail.outbox;

-- One store's gateway is down.
INSERT INTO demo.offline
SELECT location
FROM demo.shown_at
WHERE location NOT IN (SELECT location FROM demo.dearer) AND location NOT IN (SELECT other FROM demo.dearer)
ORDER BY demo.draw('gateway ' || location)
LIMIT 1;
