-- Composite types of the calls: what goes in line by line, and typed answers.

CREATE TYPE retail.line AS (
    sku      text,
    location text,
    qty      bigint
);
COMMENT ON TYPE retail.line IS 'One line of a basket, receipt or order: SKU code, location code, quantity in base units (1 or more).';

CREATE TYPE retail.receipt_line AS (
    sku        text,
    location   text,
    qty        bigint,
    lot        text,
    expires_on date
);
COMMENT ON TYPE retail.receipt_line IS 'One line of a delivery: as retail.line, with the lot code and its expiry date (NULL: none).';

CREATE TYPE retail.movement_result AS (
    outcome        text,
    movement_id    bigint,
    on_hand        bigint,
    available      bigint,
    replayed       boolean,
    unrecorded_qty bigint,
    shortage_qty   bigint
);
COMMENT ON TYPE retail.movement_result IS
'Answer of a call that moves stock. outcome: received, adjusted, counted, blocked, unblocked, sold, taken_back, or a refusal (insufficient, not_sold, no_returns, closed); movement_id: its row in the ledger, NULL when nothing moved; on_hand and available: base units there now, before safety stock; replayed: true when the answer of an earlier try with the same request_key; unrecorded_qty: units sold beyond the books; shortage_qty: promised units no longer there.';

CREATE TYPE retail.reservation_result AS (
    outcome        text,
    reservation_id bigint,
    remainder_id   bigint,
    sku            text,
    location       text,
    qty            bigint,
    expires_at     timestamptz,
    available      bigint,
    replayed       boolean
);
COMMENT ON TYPE retail.reservation_result IS
'Answer of a call that makes or changes a reservation. outcome: the status reached (held, committed, consumed, released, cancelled, extended, reacquired) or the refusal (insufficient, busy, not_sellable, closed, skipped, expired, lost, not_yours, or the status that forbids it); remainder_id: the row split off; qty: base units acted on; available: what the same channel could reserve there now; replayed: nothing was changed by this call, because an earlier one had done it.';
