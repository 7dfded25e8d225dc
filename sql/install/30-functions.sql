-- Clock, settings and installation helpers in C.

CREATE FUNCTION retail.now() RETURNS timestamptz
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_clock_sql_now';
COMMENT ON FUNCTION retail.now() IS
'The time everything in retail goes by: the start of the statement, or the test clock (pg_retail.clock) where one is set.
Returns timestamptz. Errors: none.';

CREATE FUNCTION retail._is_time_zone(name text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'retail_is_time_zone';
COMMENT ON FUNCTION retail._is_time_zone(text) IS 'Internal: whether the server knows a time zone of this name.';

-- Triggers of the tables init() makes.

CREATE FUNCTION retail._guard_stock() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'retail_guard_stock';
COMMENT ON FUNCTION retail._guard_stock() IS 'Internal: refuses statements on stock, lot and reservation outside the functions and bulk mode.';

CREATE FUNCTION retail._guard_ledger() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'retail_guard_ledger';
COMMENT ON FUNCTION retail._guard_ledger() IS 'Internal: keeps the ledger append-only.';

CREATE FUNCTION retail._guard_replica() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'retail_guard_replica';
COMMENT ON FUNCTION retail._guard_replica() IS 'Internal: rows that arrive by replication make the engine load its cells anew.';

CREATE FUNCTION retail._master_changed() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'retail_master_changed';
COMMENT ON FUNCTION retail._master_changed() IS 'Internal: tells every session to forget what it cached of this table.';

CREATE FUNCTION retail._announce(table_name text, operation text) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_sql_announce';
COMMENT ON FUNCTION retail._announce(text, text) IS
'Internal: lets the next statement of that kind (INSERT, UPDATE, DELETE) on that guarded table through, once.';

-- The stock ledger.

CREATE FUNCTION retail.receive(sku text, location text, qty bigint, lot text DEFAULT NULL, expires_on date DEFAULT NULL,
    ref text DEFAULT NULL, occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_receive';
COMMENT ON FUNCTION retail.receive(text, text, bigint, text, date, text, timestamptz, text) IS
'Books goods that arrived.
sku, location: codes; qty: base units, 1 or more; lot: batch code; expires_on: first day not for sale (default: from the SKU''s shelf life); ref: the delivery note; occurred_at: when (default now); request_key: makes a retry safe.
Returns movement_result, outcome received. Waits for a transaction that moves the same stock.
Errors: RT001 unknown SKU, RT002 unknown location, RT005 request key used for another request, 22023 bad argument, 22003 out of range.';

CREATE FUNCTION retail.receive_lines(lines retail.line[], ref text DEFAULT NULL, occurred_at timestamptz DEFAULT NULL,
    request_key text DEFAULT NULL)
RETURNS SETOF retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'retail_receive_lines';
COMMENT ON FUNCTION retail.receive_lines(retail.line[], text, timestamptz, text) IS
'Books a delivery: receive() for each line, in one go.
lines: SKU, location, quantity; the rest as in receive().
Returns one movement_result per line, in the order of the lines. Errors: as receive().';

CREATE FUNCTION retail.receive_lines(lines retail.receipt_line[], ref text DEFAULT NULL, occurred_at timestamptz DEFAULT NULL,
    request_key text DEFAULT NULL)
RETURNS SETOF retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'retail_receive_lines';
COMMENT ON FUNCTION retail.receive_lines(retail.receipt_line[], text, timestamptz, text) IS
'Books a delivery with lots: receive() for each line, in one go.
lines: SKU, location, quantity, lot code, expiry date; the rest as in receive().
Returns one movement_result per line, in the order of the lines. Errors: as receive().';

CREATE FUNCTION retail.adjust(sku text, location text, delta bigint, reason text, ref text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_adjust';
COMMENT ON FUNCTION retail.adjust(text, text, bigint, text, text, timestamptz, text) IS
'Corrects stock by a difference: loss, breakage, found goods.
delta: base units, not 0; reason: why, required; the rest as in receive().
Returns movement_result, outcome adjusted, or insufficient when more would leave than is on hand; shortage_qty where promised units went.
Errors: as receive().';

CREATE FUNCTION retail.count_stock(sku text, location text, counted bigint, reason text DEFAULT NULL, ref text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_count_stock';
COMMENT ON FUNCTION retail.count_stock(text, text, bigint, text, text, timestamptz, text) IS
'Books a stock-take: the difference between what was counted and what the books said at that moment.
counted: base units found, 0 or more; occurred_at: when they were counted (default now); movements that happened after it are kept.
Returns movement_result, outcome counted; never refused for holds: where availability turns negative a shortage is raised.
Errors: as receive().';

CREATE FUNCTION retail.block(sku text, location text, qty bigint, reason text, lot text DEFAULT NULL, ref text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_block';
COMMENT ON FUNCTION retail.block(text, text, bigint, text, text, text, timestamptz, text) IS
'Takes units out of sale without moving them: damaged, quality check, display, recall.
qty: base units, 1 or more; reason: required; lot: only units of this lot code; the rest as in receive().
Returns movement_result, outcome blocked, or insufficient when fewer are on hand and not yet blocked; shortage_qty where promised units were blocked.
Errors: as receive().';

CREATE FUNCTION retail.unblock(sku text, location text, qty bigint, reason text, lot text DEFAULT NULL, ref text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_unblock';
COMMENT ON FUNCTION retail.unblock(text, text, bigint, text, text, text, timestamptz, text) IS
'Puts blocked units back on sale. Units of an expired lot stay blocked.
qty: base units, 1 or more; the rest as in block().
Returns movement_result, outcome unblocked, or insufficient when fewer are blocked. Errors: as receive().';

CREATE FUNCTION retail.sell(sku text, location text, qty bigint, channel text DEFAULT NULL, ref text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_sell';
COMMENT ON FUNCTION retail.sell(text, text, bigint, text, text, timestamptz, text) IS
'Books a till sale: the goods are already in the customer''s hand.
qty: base units, 1 or more; channel: code, NULL: none; ref: the receipt; the rest as in receive().
Returns movement_result, outcome sold; shortage_qty where the units were promised to someone else, unrecorded_qty where the books knew of fewer (pg_retail.till_oversell = refuse: insufficient instead).
Waits for a transaction that moves the same stock. Errors: as receive(), RT003 unknown channel.';

CREATE FUNCTION retail.sell_lines(lines retail.line[], channel text DEFAULT NULL, ref text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS SETOF retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'retail_sell_lines';
COMMENT ON FUNCTION retail.sell_lines(retail.line[], text, text, timestamptz, text) IS
'Books a till receipt: sell() for each line, in one go; with pg_retail.till_oversell = refuse either all lines or none.
Returns one movement_result per line, in the order of the lines. Errors: as sell().';

CREATE FUNCTION retail.take_back(sku text, location text, qty bigint, sale_ref text DEFAULT NULL,
    disposition text DEFAULT 'restock', ref text DEFAULT NULL, occurred_at timestamptz DEFAULT NULL, request_key text DEFAULT NULL,
    channel text DEFAULT NULL)
RETURNS retail.movement_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_take_back';
COMMENT ON FUNCTION retail.take_back(text, text, bigint, text, text, text, timestamptz, text, text) IS
'Books a customer return, at any open location that takes returns.
sale_ref: the ref of the sale or order; with it never more can come back than was sold minus what came back; NULL: a return without proof. channel: code of the channel it was sold through, whose sales under that ref alone count; NULL: those of every channel. disposition: restock (for sale at once), quarantine or refurbish (unavailable), scrap (waste, never on hand).
Returns movement_result, outcome taken_back, or not_sold (sale_ref does not cover the quantity), no_returns (this location takes none back) or closed. Errors: as receive(), RT003 unknown channel.';

-- Reservations.

CREATE FUNCTION retail.reserve(sku text, location text, qty bigint, channel text, ttl interval DEFAULT NULL,
    holder text DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_reserve';
COMMENT ON FUNCTION retail.reserve(text, text, bigint, text, interval, text, text) IS
'Holds units for a shopper, for a while.
sku, location, channel: codes; qty: base units, 1 or more; ttl: 1 second to pg_retail.max_ttl (default: the channel''s hold_ttl, else pg_retail.default_ttl); holder: who holds, a new hold of the same holder on the same stock replaces the old one; request_key: makes a retry safe.
Returns reservation_result: held, or a refusal: insufficient, busy (may fit in a moment), not_sellable, closed. Waits for a second call of the same holder or request key, for a session that is just loading the counter, for a mover of this stock on the day a lot expires, and for bulk_write().
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel, RT005 request key used for another request, RT006 too many cells in one transaction, RT007 cell table full, 22023 bad argument, 55000 engine not ready.';

CREATE FUNCTION retail.reserve_lines(lines retail.line[], channel text, ttl interval DEFAULT NULL, holder text DEFAULT NULL,
    request_key text DEFAULT NULL, mode text DEFAULT 'all')
RETURNS SETOF retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'retail_reserve_lines';
COMMENT ON FUNCTION retail.reserve_lines(retail.line[], text, interval, text, text, text) IS
'Holds a basket, in one go and without deadlock whatever the order of its lines.
lines: SKU, location, quantity; mode: all (every line or none; the lines that would have fit answer skipped), best_effort (each line that fits whole), partial (each line as far as it goes); the rest as in reserve().
Returns one reservation_result per line, in the order of the lines. Two lines on the same stock are checked as one sum. Errors: as reserve().';

CREATE FUNCTION retail.confirm(reservation_id bigint, qty bigint DEFAULT NULL, remainder text DEFAULT 'keep',
    reacquire boolean DEFAULT false, order_ref text DEFAULT NULL, holder text DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_confirm';
COMMENT ON FUNCTION retail.confirm(bigint, bigint, text, boolean, text, text, text) IS
'Turns a live hold into a commitment: the order is paid.
qty: base units to confirm (default all); remainder: keep (the rest stays held under remainder_id) or release; reacquire: a lapsed hold is taken afresh if the units are still there; order_ref: the order; holder: must match where the hold has one and a holder is given.
Returns reservation_result: committed, reacquired, lost, expired, not_yours, or the status that forbids it. Waits for a transaction that changes the same reservation.
Errors: RT010 no such reservation, RT005 request key used for another request, 22023 bad argument.';

CREATE FUNCTION retail.release(reservation_id bigint, holder text DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_release';
COMMENT ON FUNCTION retail.release(bigint, text, text) IS
'Gives a hold back. Doing it twice is harmless.
Returns reservation_result: released (replayed when it already was), expired, not_yours, or the status that forbids it. Errors: as confirm().';

CREATE FUNCTION retail.extend(reservation_id bigint, ttl interval DEFAULT NULL, holder text DEFAULT NULL)
RETURNS retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_extend';
COMMENT ON FUNCTION retail.extend(bigint, interval, text) IS
'Moves the deadline of a live hold.
ttl: counted from now, 1 second to pg_retail.max_ttl (default as in reserve()).
Returns reservation_result: extended with the new expires_at, expired, not_yours, or the status that forbids it. Errors: as confirm().';

CREATE FUNCTION retail.consume(reservation_id bigint, qty bigint DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_consume';
COMMENT ON FUNCTION retail.consume(bigint, bigint, text) IS
'The committed goods leave: on_hand and committed fall together, and a shipment enters the ledger.
qty: base units (default all); the rest stays committed under remainder_id.
Returns reservation_result: consumed (replayed when it already was), insufficient (fewer are on hand), or the status that forbids it. Waits for a transaction that moves the same stock. Errors: as confirm().';

CREATE FUNCTION retail.consume_lines(reservation_ids bigint[], qtys bigint[] DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS SETOF retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'retail_consume_lines';
COMMENT ON FUNCTION retail.consume_lines(bigint[], bigint[], text) IS
'The goods of a picking wave leave: consume() for each reservation, without deadlock whatever their order.
qtys: base units per reservation (NULL: all of it).
Returns one reservation_result per reservation, in the order given. Where on_hand does not suffice for all of one stock, the oldest reservations get it. Errors: as confirm().';

CREATE FUNCTION retail._hand_over(reservation_ids bigint[], qtys bigint[] DEFAULT NULL, request_key text DEFAULT NULL)
RETURNS SETOF retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'retail_hand_over';
COMMENT ON FUNCTION retail._hand_over(bigint[], bigint[], text) IS
'Internal: as consume_lines(), for goods the shopper takes at the till: their movements are sales.';

CREATE FUNCTION retail.cancel(reservation_id bigint, request_key text DEFAULT NULL, qty bigint DEFAULT NULL)
RETURNS retail.reservation_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_cancel';
COMMENT ON FUNCTION retail.cancel(bigint, text, bigint) IS
'Takes a commitment back before the goods have left.
qty: base units (default all); the rest stays committed under remainder_id.
Returns reservation_result: cancelled (replayed when it already was), or the status that forbids it. Errors: as confirm().';

CREATE FUNCTION retail.expire_reservations(max_rows integer DEFAULT 1000) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_expire_reservations';
COMMENT ON FUNCTION retail.expire_reservations(integer) IS
'Sets lapsed holds to expired, oldest first, skipping those somebody is working on. Nothing depends on it: a lapsed hold never blocks a sale.
max_rows: at most so many, 1 or more.
Returns how many. Errors: 22023 bad argument.';

CREATE FUNCTION retail._expire_batch(max_rows integer, since timestamptz) RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_expire_batch';
COMMENT ON FUNCTION retail._expire_batch(integer, timestamptz) IS
'Internal: expire_reservations() for deadlines from "since" on (NULL: all); returns where the next batch goes on, NULL at the end.';

-- Reading the engine.

CREATE FUNCTION retail.available(sku text, location text, channel text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_available';
COMMENT ON FUNCTION retail.available(text, text, text) IS
'What a reserve() of this channel would get now: base units, never below 0; without a channel, safety stock and listings are left out.
Reads the shared counters where they are there, else the tables. Waits for nobody.
Errors: RT001 unknown SKU, RT002 unknown location, RT003 unknown channel.';

CREATE FUNCTION retail.pool(sku text, channel text DEFAULT NULL) RETURNS retail.inventory_pool
LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'retail_pool';
COMMENT ON FUNCTION retail.pool(text, text) IS
'The whole network''s stock of a SKU as one value: every open location with what the channel may reserve there now.
Without a channel, safety stock and listings are left out. Errors: RT001 unknown SKU, RT003 unknown channel.';

CREATE FUNCTION retail._sellable_anywhere(sku_id integer, channel_id integer, but integer[] DEFAULT '{}') RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1000 AS 'MODULE_PATHNAME', 'retail_sellable_anywhere';
COMMENT ON FUNCTION retail._sellable_anywhere(integer, integer, integer[]) IS
'Internal: whether the channel may reserve a unit of the SKU now at any open location but those given: whether pool() would have one. Ends at the first.';

CREATE FUNCTION retail._cell(sku_id integer, location_id integer, OUT avail bigint, OUT in_flight bigint, OUT pins integer,
    OUT changes bigint) RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'retail_cell_sql';
COMMENT ON FUNCTION retail._cell(integer, integer) IS 'Internal: the engine''s counter of one stock, NULLs where none is loaded.';

CREATE FUNCTION retail._suspect_cells(OUT sku_id integer, OUT location_id integer) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'retail_suspect_cells';
COMMENT ON FUNCTION retail._suspect_cells() IS
'Internal: stocks whose counter is loaded and says something else than one pass over the tables, by status whatever the clock; millions in one go, within maintenance_work_mem.';

CREATE FUNCTION retail._verify_cell(sku_id integer, location_id integer, OUT expected bigint, OUT found bigint) RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_verify_cell';
COMMENT ON FUNCTION retail._verify_cell(integer, integer) IS 'Internal: re-reads one difference while nobody moves that stock; NULLs when there is none.';

CREATE FUNCTION retail._engine_status(OUT name text, OUT value text) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'retail_engine_status';
COMMENT ON FUNCTION retail._engine_status() IS 'Internal: what shared memory knows, for status().';

-- Administration of the engine.

CREATE FUNCTION retail.bulk_write() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_bulk_write';
COMMENT ON FUNCTION retail.bulk_write() IS
'Opens stock, lot and reservation to plain DML and COPY until the end of this transaction, which is then alone on them: the way to load.
Waits for open writers. reserve() and the like are refused inside it; at commit the counters load anew and sold-out flags are looked at again. Constraints still hold.
Errors: 42501 without INSERT, UPDATE and DELETE on these tables.';

CREATE FUNCTION retail.reset_cells() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_reset_cells';
COMMENT ON FUNCTION retail.reset_cells() IS
'Drops this database''s counters, at commit; they load anew from the tables. The repair for a difference verify() shows.
Waits for open writers. Returns how many counters were loaded. Errors: 55000 in a transaction that itself holds counters.';

CREATE FUNCTION retail._repair_marked(max_rows integer) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_repair_marked';
COMMENT ON FUNCTION retail._repair_marked(integer) IS
'Internal: looks at the flags of stocks that a race marked, where no worker does; how many, 0 without preload.';

CREATE FUNCTION retail._repair_flag(sku_id integer, location_id integer) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retail_repair_flag';
COMMENT ON FUNCTION retail._repair_flag(integer, integer) IS 'Internal: writes the sold-out flag of one stock from the tables; whether it changed.';
