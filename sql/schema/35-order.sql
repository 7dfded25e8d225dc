-- Orders of every channel, and the parcels that fulfil them.  Written by
-- functions; ids are given by sequences so that the C code can know them first.

CREATE TABLE retail.sales_order (
    id          bigint NOT NULL,
    channel_id  integer NOT NULL,
    order_ref   text COLLATE "C" NOT NULL,
    service_id  integer NOT NULL,
    status      text COLLATE "C" NOT NULL,
    holder      text COLLATE "C",
    guide       text COLLATE "C",
    longitude   float8,
    latitude    float8,
    promise_at  timestamptz,
    placed_at   timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    quote_id    bigint,
    CONSTRAINT sales_order_pkey PRIMARY KEY (id),
    CONSTRAINT sales_order_ref_key UNIQUE (channel_id, order_ref),
    CONSTRAINT sales_order_ref_check CHECK (order_ref <> ''),
    CONSTRAINT sales_order_status_check CHECK (status IN ('placed', 'confirmed', 'completed', 'cancelled', 'expired'))
);
CREATE SEQUENCE retail.sales_order_id_seq AS bigint CACHE 64 OWNED BY retail.sales_order.id;
ALTER TABLE retail.sales_order ALTER COLUMN id SET DEFAULT nextval('retail.sales_order_id_seq');
CREATE INDEX sales_order_placed_at_idx ON retail.sales_order (placed_at);
CREATE UNIQUE INDEX sales_order_quote_idx ON retail.sales_order (quote_id) WHERE quote_id IS NOT NULL;
CREATE INDEX sales_order_holder_idx ON retail.sales_order (holder) WHERE holder IS NOT NULL;
COMMENT ON TABLE retail.sales_order IS
'Orders of every channel. placed (units held, unpaid) -> confirmed (paid) -> completed; placed -> expired; either -> cancelled. Written by functions.';
COMMENT ON COLUMN retail.sales_order.id IS 'Key.';
COMMENT ON COLUMN retail.sales_order.channel_id IS 'Channel it came through.';
COMMENT ON COLUMN retail.sales_order.order_ref IS 'The caller''s number, unique per channel.';
COMMENT ON COLUMN retail.sales_order.service_id IS 'How it reaches the shopper.';
COMMENT ON COLUMN retail.sales_order.status IS 'placed, confirmed, completed, cancelled or expired; the last three are final.';
COMMENT ON COLUMN retail.sales_order.holder IS 'The customer, in the caller''s words. NULL: nobody named.';
COMMENT ON COLUMN retail.sales_order.guide IS 'The clerk who placed it for the customer, for commission. NULL: the customer did.';
COMMENT ON COLUMN retail.sales_order.longitude IS 'Destination, degrees east, WGS-84. NULL: pickup without one.';
COMMENT ON COLUMN retail.sales_order.latitude IS 'Destination, degrees north, WGS-84. NULL: pickup without one.';
COMMENT ON COLUMN retail.sales_order.promise_at IS 'When the last parcel is promised; renewed by its payment.';
COMMENT ON COLUMN retail.sales_order.placed_at IS 'When it was placed.';
COMMENT ON COLUMN retail.sales_order.changed_at IS 'When its status last changed.';
COMMENT ON COLUMN retail.sales_order.actor IS 'The database role that placed it.';
COMMENT ON COLUMN retail.sales_order.quote_id IS 'The frozen quote it was placed by, which serves one order. NULL: none.';

CREATE TABLE retail.order_line (
    order_id        bigint NOT NULL,
    line_no         integer NOT NULL,
    sku_id          integer NOT NULL,
    qty             bigint NOT NULL,
    unit_price      numeric,
    currency        text COLLATE "C",
    line_amount     numeric,
    order_share     numeric,
    backordered_qty bigint NOT NULL DEFAULT 0,
    cancelled_qty   bigint NOT NULL DEFAULT 0,
    shipped_qty     bigint NOT NULL DEFAULT 0,
    returned_qty    bigint NOT NULL DEFAULT 0,
    CONSTRAINT order_line_pkey PRIMARY KEY (order_id, line_no),
    CONSTRAINT order_line_qty_check CHECK (qty > 0),
    CONSTRAINT order_line_price_check CHECK (num_nonnulls(line_amount, order_share) IN (0, 2)
        AND (line_amount IS NULL OR num_nonnulls(unit_price, currency) = 2)),
    CONSTRAINT order_line_parts_check CHECK (backordered_qty >= 0 AND cancelled_qty >= 0 AND shipped_qty >= 0
        AND backordered_qty + cancelled_qty + shipped_qty <= qty),
    CONSTRAINT order_line_returned_check CHECK (returned_qty BETWEEN 0 AND shipped_qty)
) WITH (fillfactor = 90);
CREATE INDEX order_line_sold_idx ON retail.order_line (sku_id, order_id) WHERE unit_price IS NOT NULL;
CREATE INDEX order_line_backordered_idx ON retail.order_line (sku_id, order_id, line_no) WHERE backordered_qty > 0;
COMMENT ON TABLE retail.order_line IS
'What was ordered. qty = units in open parcels + backordered_qty + cancelled_qty + shipped_qty. Written by functions.';
COMMENT ON COLUMN retail.order_line.order_id IS 'The order.';
COMMENT ON COLUMN retail.order_line.line_no IS 'From 1, as given.';
COMMENT ON COLUMN retail.order_line.sku_id IS 'The SKU.';
COMMENT ON COLUMN retail.order_line.qty IS 'Base units ordered, 1 or more.';
COMMENT ON COLUMN retail.order_line.unit_price IS 'Price of sku.price_per base units (1 as a rule), frozen. NULL: the caller keeps prices.';
COMMENT ON COLUMN retail.order_line.currency IS 'ISO 4217 code of unit_price. NULL: no price.';
COMMENT ON COLUMN retail.order_line.line_amount IS 'What its units cost together, rounded once. NULL: it was placed without a frozen quote.';
COMMENT ON COLUMN retail.order_line.order_share IS 'Its share of what belongs to the order as a whole: postage above 0, a discount below. NULL: it was placed without a frozen quote.';
COMMENT ON COLUMN retail.order_line.backordered_qty IS 'Base units no location had: they wait.';
COMMENT ON COLUMN retail.order_line.cancelled_qty IS 'Base units cancelled before they left.';
COMMENT ON COLUMN retail.order_line.shipped_qty IS 'Base units that left: shipped or collected.';
COMMENT ON COLUMN retail.order_line.returned_qty IS 'Base units that came back.';

CREATE TABLE retail.fulfilment_order (
    id            bigint NOT NULL,
    order_id      bigint NOT NULL,
    location_id   integer NOT NULL,
    service_id    integer NOT NULL,
    state         text COLLATE "C" NOT NULL,
    distance_m    float8,
    promise_at    timestamptz NOT NULL,
    promise_kept  boolean NOT NULL,
    accept_by     timestamptz,
    collect_by    timestamptz,
    slot_id       bigint,
    wave_id       bigint,
    capacity_date date,
    code_hash     bytea,
    resume_state  text COLLATE "C",
    created_at    timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT fulfilment_order_pkey PRIMARY KEY (id),
    CONSTRAINT fulfilment_order_state_check CHECK (state IN ('new', 'routed', 'accepted', 'picking', 'packed', 'shipped', 'delivered',
        'ready_for_pickup', 'collected', 'rejected', 'short', 'cancelled', 'uncollected', 'on_hold'))
) WITH (fillfactor = 80);
CREATE SEQUENCE retail.fulfilment_order_id_seq AS bigint CACHE 64 OWNED BY retail.fulfilment_order.id;
ALTER TABLE retail.fulfilment_order ALTER COLUMN id SET DEFAULT nextval('retail.fulfilment_order_id_seq');
CREATE INDEX fulfilment_order_order_idx ON retail.fulfilment_order (order_id);
CREATE INDEX fulfilment_order_open_idx ON retail.fulfilment_order (location_id, state)
    WHERE state NOT IN ('shipped', 'delivered', 'collected', 'rejected', 'cancelled', 'uncollected');
CREATE INDEX fulfilment_order_accept_idx ON retail.fulfilment_order (accept_by) WHERE state = 'routed' AND accept_by IS NOT NULL;
CREATE INDEX fulfilment_order_collect_idx ON retail.fulfilment_order (collect_by)
    WHERE state = 'ready_for_pickup' AND collect_by IS NOT NULL;
CREATE INDEX fulfilment_order_slot_idx ON retail.fulfilment_order (slot_id) WHERE slot_id IS NOT NULL;
CREATE UNIQUE INDEX fulfilment_order_code_idx ON retail.fulfilment_order (location_id, code_hash)
    WHERE code_hash IS NOT NULL;
COMMENT ON TABLE retail.fulfilment_order IS
'Parcels: what one location does for one order. Steps between states are rows of fulfilment_transition. Written by functions.';
COMMENT ON COLUMN retail.fulfilment_order.id IS 'Key.';
COMMENT ON COLUMN retail.fulfilment_order.order_id IS 'The order.';
COMMENT ON COLUMN retail.fulfilment_order.location_id IS 'The location that fulfils it.';
COMMENT ON COLUMN retail.fulfilment_order.service_id IS 'How it reaches the shopper.';
COMMENT ON COLUMN retail.fulfilment_order.state IS
'new (unpaid), routed, accepted, picking, packed, shipped, delivered; ready_for_pickup, collected; rejected, short, cancelled, uncollected, on_hold.';
COMMENT ON COLUMN retail.fulfilment_order.distance_m IS 'Metres from the location to the destination; NULL: no destination.';
COMMENT ON COLUMN retail.fulfilment_order.promise_at IS 'When it is promised to be there, or ready: from the order, and anew from its payment.';
COMMENT ON COLUMN retail.fulfilment_order.promise_kept IS 'Whether promise_at is what the service promises an order of that instant, of placing or of payment.';
COMMENT ON COLUMN retail.fulfilment_order.accept_by IS 'When it is routed elsewhere unless accepted; NULL: never.';
COMMENT ON COLUMN retail.fulfilment_order.collect_by IS 'When it goes back to stock unless collected; NULL: never, or not ready yet.';
COMMENT ON COLUMN retail.fulfilment_order.slot_id IS 'The slot booked for handing it over; NULL: none.';
COMMENT ON COLUMN retail.fulfilment_order.wave_id IS 'The wave it is picked in; NULL: none yet.';
COMMENT ON COLUMN retail.fulfilment_order.capacity_date IS 'The location''s business day whose capacity it takes; NULL: the location has no limit.';
COMMENT ON COLUMN retail.fulfilment_order.code_hash IS 'Hash of the pickup code, while it can be collected; NULL: none.';
COMMENT ON COLUMN retail.fulfilment_order.resume_state IS 'The state it goes back to from on_hold; NULL: not on hold.';
COMMENT ON COLUMN retail.fulfilment_order.created_at IS 'When it was routed here.';
COMMENT ON COLUMN retail.fulfilment_order.changed_at IS 'When its state last changed.';

CREATE TABLE retail.fulfilment_line (
    fulfilment_id  bigint NOT NULL,
    line_no        integer NOT NULL,
    sku_id         integer NOT NULL,
    qty            bigint NOT NULL,
    reservation_id bigint NOT NULL,
    picked_qty     bigint,
    CONSTRAINT fulfilment_line_pkey PRIMARY KEY (fulfilment_id, line_no),
    CONSTRAINT fulfilment_line_qty_check CHECK (qty > 0),
    CONSTRAINT fulfilment_line_picked_check CHECK (picked_qty BETWEEN 0 AND qty)
) WITH (fillfactor = 90);
CREATE INDEX fulfilment_line_reservation_idx ON retail.fulfilment_line (reservation_id);
COMMENT ON TABLE retail.fulfilment_line IS 'What is in a parcel, and the reservation that holds it. Written by functions.';
COMMENT ON COLUMN retail.fulfilment_line.fulfilment_id IS 'The fulfilment order.';
COMMENT ON COLUMN retail.fulfilment_line.line_no IS 'Line of the order.';
COMMENT ON COLUMN retail.fulfilment_line.sku_id IS 'The SKU.';
COMMENT ON COLUMN retail.fulfilment_line.qty IS 'Base units, 1 or more.';
COMMENT ON COLUMN retail.fulfilment_line.reservation_id IS 'The reservation of these units.';
COMMENT ON COLUMN retail.fulfilment_line.picked_qty IS 'Base units the picker found; NULL: not picked yet.';

CREATE TABLE retail.capacity_use (
    location_id   integer NOT NULL REFERENCES retail.location ON DELETE CASCADE,
    business_date date NOT NULL,
    taken         integer NOT NULL,
    CONSTRAINT capacity_use_pkey PRIMARY KEY (location_id, business_date),
    CONSTRAINT capacity_use_taken_check CHECK (taken >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE retail.capacity_use IS
'Fulfilment orders of a day at a location with a daily_capacity. One row per location and day: orders placed at such a location wait for each other to commit. Written by functions.';
COMMENT ON COLUMN retail.capacity_use.location_id IS 'The location.';
COMMENT ON COLUMN retail.capacity_use.business_date IS 'The day, in the location''s zone.';
COMMENT ON COLUMN retail.capacity_use.taken IS 'Fulfilment orders routed there that day; those in retail.capacity_return are still counted.';

CREATE TABLE retail.capacity_return (
    id            bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    location_id   integer NOT NULL REFERENCES retail.location ON DELETE CASCADE,
    business_date date NOT NULL
);
CREATE INDEX capacity_return_day_idx ON retail.capacity_return (location_id, business_date);
COMMENT ON TABLE retail.capacity_return IS
'Places of a day given back: appended, so that nobody who rejects or cancels waits; whoever takes the next place of that day, or a job, takes them off capacity_use.taken. Written by functions.';
COMMENT ON COLUMN retail.capacity_return.id IS 'Key.';
COMMENT ON COLUMN retail.capacity_return.location_id IS 'The location.';
COMMENT ON COLUMN retail.capacity_return.business_date IS 'The day, in the location''s zone.';

CREATE TABLE retail.order_refusal (
    order_id    bigint NOT NULL,
    location_id integer NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT retail.now(),
    CONSTRAINT order_refusal_pkey PRIMARY KEY (order_id, location_id)
);
COMMENT ON TABLE retail.order_refusal IS 'Locations that refused an order, or did not answer: it is not routed there again, unless reroute_order() is told to reconsider them. Written by functions.';
COMMENT ON COLUMN retail.order_refusal.order_id IS 'The order.';
COMMENT ON COLUMN retail.order_refusal.location_id IS 'The location.';
COMMENT ON COLUMN retail.order_refusal.reason IS 'Why: the reason of the rejection, or not_accepted.';
COMMENT ON COLUMN retail.order_refusal.created_at IS 'When.';
