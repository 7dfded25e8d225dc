-- Frozen quotes: what a checkout was promised, as it was promised.  Written by
-- retail.freeze_quote(), never changed, forgotten when nobody ordered by one.

CREATE TABLE retail.frozen_quote (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id   integer NOT NULL,
    location_id  integer,
    member_tier  text COLLATE "C",
    currency     text COLLATE "C" NOT NULL,
    lines_amount numeric NOT NULL,
    order_amount numeric NOT NULL,
    frozen_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    actor        text COLLATE "C" NOT NULL,
    CONSTRAINT frozen_quote_amount_check CHECK (lines_amount >= 0 AND lines_amount + order_amount >= 0),
    CONSTRAINT frozen_quote_expires_at_check CHECK (expires_at > frozen_at)
);
CREATE INDEX frozen_quote_expires_at_idx ON retail.frozen_quote (expires_at);
COMMENT ON TABLE retail.frozen_quote IS
'Prices that were promised to a checkout for a while. Written by retail.freeze_quote(), never changed; retail.purge_requests() forgets those that no order was placed by.';
COMMENT ON COLUMN retail.frozen_quote.id IS 'Key.';
COMMENT ON COLUMN retail.frozen_quote.channel_id IS 'The channel.';
COMMENT ON COLUMN retail.frozen_quote.location_id IS 'The location of lines that name none. NULL: prices of a location did not count there.';
COMMENT ON COLUMN retail.frozen_quote.member_tier IS 'Published tier it was quoted for. NULL: none.';
COMMENT ON COLUMN retail.frozen_quote.currency IS 'Currency of all its amounts.';
COMMENT ON COLUMN retail.frozen_quote.lines_amount IS 'Sum of the amounts of its lines.';
COMMENT ON COLUMN retail.frozen_quote.order_amount IS 'What belongs to the order as a whole and is shared by the lines: postage above 0, a discount below.';
COMMENT ON COLUMN retail.frozen_quote.frozen_at IS 'When it was promised.';
COMMENT ON COLUMN retail.frozen_quote.expires_at IS 'Until when an order gets these prices, even if they have risen.';
COMMENT ON COLUMN retail.frozen_quote.actor IS 'The database role that froze it.';

CREATE TABLE retail.frozen_quote_line (
    quote_id    bigint NOT NULL REFERENCES retail.frozen_quote ON DELETE CASCADE,
    line_no     integer NOT NULL,
    sku_id      integer NOT NULL,
    location_id integer,
    qty         bigint NOT NULL,
    price_per   bigint NOT NULL,
    list_price  numeric NOT NULL,
    unit_price  numeric NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    list_scope  text COLLATE "C" NOT NULL,
    list_id     bigint NOT NULL,
    price_scope text COLLATE "C" NOT NULL,
    price_id    bigint NOT NULL,
    grant_id    bigint,
    campaign_id bigint,
    prior_price numeric,
    line_amount numeric NOT NULL,
    order_share numeric NOT NULL,
    CONSTRAINT frozen_quote_line_pkey PRIMARY KEY (quote_id, line_no),
    CONSTRAINT frozen_quote_line_qty_check CHECK (qty > 0)
);
CREATE INDEX frozen_quote_line_grant_idx ON retail.frozen_quote_line (grant_id) WHERE grant_id IS NOT NULL;
COMMENT ON TABLE retail.frozen_quote_line IS 'The lines of a frozen quote, as retail.quote() answered them. Written with it, never changed.';
COMMENT ON COLUMN retail.frozen_quote_line.quote_id IS 'The frozen quote.';
COMMENT ON COLUMN retail.frozen_quote_line.line_no IS 'From 1, as given.';
COMMENT ON COLUMN retail.frozen_quote_line.sku_id IS 'The SKU.';
COMMENT ON COLUMN retail.frozen_quote_line.location_id IS 'The location whose prices counted. NULL: none.';
COMMENT ON COLUMN retail.frozen_quote_line.qty IS 'Base units, 1 or more.';
COMMENT ON COLUMN retail.frozen_quote_line.price_per IS 'Base units that a price is for.';
COMMENT ON COLUMN retail.frozen_quote_line.list_price IS 'The unreduced price.';
COMMENT ON COLUMN retail.frozen_quote_line.unit_price IS 'The price.';
COMMENT ON COLUMN retail.frozen_quote_line.kind IS 'Its kind: list, promo, member or clearance.';
COMMENT ON COLUMN retail.frozen_quote_line.list_scope IS 'Scope of the list price; base: a row of retail.base_price, else of retail.price.';
COMMENT ON COLUMN retail.frozen_quote_line.list_id IS 'The row of the list price.';
COMMENT ON COLUMN retail.frozen_quote_line.price_scope IS 'Scope of the price.';
COMMENT ON COLUMN retail.frozen_quote_line.price_id IS 'The row of the price.';
COMMENT ON COLUMN retail.frozen_quote_line.grant_id IS 'The grant of the price. NULL: none.';
COMMENT ON COLUMN retail.frozen_quote_line.campaign_id IS 'The campaign of the price. NULL: none.';
COMMENT ON COLUMN retail.frozen_quote_line.prior_price IS 'The prior price that was shown with a reduction. NULL: none.';
COMMENT ON COLUMN retail.frozen_quote_line.line_amount IS 'What the units cost together, rounded once.';
COMMENT ON COLUMN retail.frozen_quote_line.order_share IS 'The line''s share of order_amount; the shares add up to it exactly.';
