/*-------------------------------------------------------------------------
 * model.c
 *		The plain model: what each call should answer, and what it changes.
 *
 * Everything is computed from the rows each time it is asked for.  A
 * transaction of session A keeps the old bytes of what it changes, and a
 * rollback puts them back; that is all there is to transactions here, because
 * the two sessions take turns.
 *
 * Where the server may choose (which of several lapsed holds it claims), the
 * model does not guess: the driver reads the choice, checks that it is
 * allowed, and tells the model with model_claimed().
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

const char *const status_name[] = {
	"none", "held", "committed", "consumed", "released", "expired", "cancelled"
};

const char *const function_name[FN_COUNT_OF] = {
	"receive", "receive_lines", "receive_lines", "adjust", "count_stock",
	"block", "unblock", "sell", "sell_lines", "take_back",
	"reserve", "reserve_lines", "confirm", "release", "extend",
	"consume", "consume_lines", "cancel"
};

int64_t		now;
Reservation *reservations;
int			nreservations;
int		   *live;
int			nlive;
Stock		stock[N_SKUS][N_LOCATIONS];
Lot			lots[MAX_LOTS];
int			nlots;
bool		location_closed[N_LOCATIONS];
bool		channel_closed[N_CHANNELS];
bool		sku_discontinued[N_SKUS];
Rule		safety[N_SKUS + 1][N_LOCATIONS + 1][N_CHANNELS + 1];
int			listing[N_SKUS + 1][N_LOCATIONS + 1][N_CHANNELS + 1];
bool		in_transaction;

/* Sold minus returned, per document and SKU. */
static int64_t returnable[N_REFS][N_SKUS];

typedef struct Request
{
	Call		call;
	int			nrows;
	Row			rows[MAX_LINES];
	bool		alive;
} Request;

static Request *requests;
static int	nrequests;

/* ----------------------------------------------------------------
 * Transactions of session A: old bytes
 * ----------------------------------------------------------------
 */
typedef struct Old
{
	void	   *where;
	size_t		size;
	char		bytes[16];
} Old;

static Old *old;
static int	nold;
static int	old_room;

static void
remember(void *where, size_t size)
{
	if (!in_transaction)
		return;
	if (nold == old_room)
	{
		old_room = old_room ? old_room * 2 : 1024;
		old = realloc(old, old_room * sizeof(Old));
	}
	if (size > sizeof(old->bytes))
		abort();
	old[nold].where = where;
	old[nold].size = size;
	memcpy(old[nold++].bytes, where, size);
}

#define SET(what, value) (remember(&(what), sizeof(what)), (what) = (value))

void
model_begin(void)
{
	in_transaction = true;
	nold = 0;
}

int
model_savepoint(void)
{
	return nold;
}

void
model_rollback_to(int mark)
{
	while (nold > mark)
	{
		nold--;
		memcpy(old[nold].where, old[nold].bytes, old[nold].size);
	}
}

static void
transaction_over(void)
{
	in_transaction = false;
	nold = 0;
	for (int s = 0; s < N_SKUS; s++)
	{
		for (int l = 0; l < N_LOCATIONS; l++)
		{
			stock[s][l].own_gives = 0;
			stock[s][l].written = false;
			stock[s][l].unsure = false;
		}
	}
	for (int i = 0; i < nlive; i++)
		reservations[live[i]].touched = false;
}

void
model_commit(void)
{
	transaction_over();
}

void
model_rollback(void)
{
	model_rollback_to(0);
	transaction_over();
}

static bool
is_active(const Reservation *r)
{
	return r->status == ST_HELD || r->status == ST_COMMITTED;
}

/* Those before the time that a count may speak of. */
static void
forget_moves(Stock *s)
{
	int			kept = 0;

	for (int i = 0; i < s->nmoves; i++)
	{
		if (s->moves[i].occurred_at >= now - COUNTS_BACK)
			s->moves[kept++] = s->moves[i];
	}
	s->nmoves = kept;
}

void
model_compact(void)
{
	int			kept = 0;

	for (int i = 0; i < nlive; i++)
	{
		if (is_active(&reservations[live[i]]))
			live[kept++] = live[i];
	}
	nlive = kept;
	for (int i = 0; i < N_SKUS * N_LOCATIONS; i++)
		forget_moves(&stock[i / N_LOCATIONS][i % N_LOCATIONS]);
}

/* ----------------------------------------------------------------
 * Quantities
 * ----------------------------------------------------------------
 */
bool
is_lapsed(const Reservation *r)
{
	return r->status == ST_HELD && now >= r->expires_at;
}

bool
lot_expired(const Lot *lot)
{
	return lot->expires_on != NONE &&
		now >= lot->expires_on * DAY - zone_offset[lot->location];
}

int64_t
lot_unavailable(const Lot *lot)
{
	return lot_expired(lot) ? lot->on_hand : lot->unavailable;
}

int64_t
units_unavailable(int sku, int location)
{
	int64_t		sum = 0;

	if (sku < N_PLAIN)
		return stock[sku][location].unavailable;
	for (int i = 0; i < nlots; i++)
	{
		if (lots[i].sku == sku && lots[i].location == location)
			sum += lot_unavailable(&lots[i]);
	}
	return sum;
}

static int64_t
units_promised(int sku, int location, bool with_lapsed)
{
	int64_t		sum = 0;

	for (int i = 0; i < nlive; i++)
	{
		Reservation *r = &reservations[live[i]];

		if (r->sku == sku && r->location == location && is_active(r) &&
			(with_lapsed || !is_lapsed(r)))
			sum += r->qty;
	}
	return sum;
}

/* As session A sees it; lapsed holds do not count. */
int64_t
units_free(int sku, int location)
{
	return stock[sku][location].on_hand - units_unavailable(sku, location) -
		units_promised(sku, location, false);
}

/* Lapsed holds count as long as nobody has written that they are over. */
int64_t
units_booked_free(int sku, int location)
{
	return stock[sku][location].on_hand - units_unavailable(sku, location) -
		units_promised(sku, location, true);
}

static const Rule *
safety_rule(int sku, int location, int channel)
{
	int			s = sku + 1,
				l = location + 1,
				c = channel + 1;
	const Rule *order[] = {
		&safety[s][l][c], &safety[s][l][0], &safety[s][0][c], &safety[s][0][0],
		&safety[0][l][c], &safety[0][l][0], &safety[0][0][c], &safety[0][0][0]
	};

	for (int i = 0; i < 8; i++)
	{
		if (order[i]->used)
			return order[i];
	}
	return NULL;
}

bool
floor_is_percent(int sku, int location, int channel)
{
	const Rule *rule = safety_rule(sku, location, channel);

	return rule && rule->qty == NONE;
}

int64_t
floor_of(int sku, int location, int channel)
{
	const Rule *rule = safety_rule(sku, location, channel);
	int64_t		base;

	if (rule == NULL)
		return 0;
	if (rule->qty != NONE)
		return rule->qty;
	base = stock[sku][location].on_hand - units_unavailable(sku, location);
	return (base * rule->percent + 99) / 100;
}

bool
sellable(int sku, int location, int channel)
{
	int			s = sku + 1,
				l = location + 1,
				c = channel + 1;
	int			order[] = {listing[s][l][c], listing[s][l][0], listing[s][0][c], listing[s][0][0]};

	if (sku_discontinued[sku])
		return false;
	for (int i = 0; i < 4; i++)
	{
		if (order[i])
			return order[i] == 1;
	}
	return true;
}

static int64_t
at_least_0(int64_t value)
{
	return value > 0 ? value : 0;
}

int64_t
available_to(int sku, int location, int channel)
{
	if (channel < 0)
		return at_least_0(units_free(sku, location));
	if (location_closed[location] || channel_closed[channel] ||
		!sellable(sku, location, channel))
		return 0;
	return at_least_0(units_free(sku, location) - floor_of(sku, location, channel));
}

/* ----------------------------------------------------------------
 * Changes
 * ----------------------------------------------------------------
 */

/*
 * Session A's own gives, which it may take again before it commits and which
 * session B may not have.
 */
static void
give(int sku, int location, int64_t qty)
{
	Stock	   *s = &stock[sku][location];

	if (in_transaction && qty > 0)
		SET(s->own_gives, s->own_gives + qty);
}

static void
take(int sku, int location, int64_t qty)
{
	Stock	   *s = &stock[sku][location];

	if (!in_transaction || qty <= 0)
		return;
	s->drawn += at_least_0(qty - s->own_gives);
	SET(s->own_gives, at_least_0(s->own_gives - qty));
}

int64_t
model_shared(int sku, int location)
{
	return units_booked_free(sku, location) - stock[sku][location].own_gives;
}

void
model_claimed(int reservation, bool by_b)
{
	Reservation *r = &reservations[reservation];

	/* what B does is not undone by A */
	if (by_b)
		r->status = ST_EXPIRED;
	else
	{
		SET(r->touched, in_transaction);
		SET(r->status, ST_EXPIRED);
	}
}

static int
new_reservation(void)
{
	static int	room = 0;

	if (nreservations == room)
	{
		Reservation *before = reservations;

		room = room ? room * 2 : 1 << 20;
		if (before != NULL)
			abort();			/* old bytes point into it: make room for all at once */
		reservations = calloc(room, sizeof(Reservation));
		live = calloc(room, sizeof(int));
	}
	reservations[nreservations].status = ST_NONE;
	live[nlive++] = nreservations;
	return nreservations++;
}

static int
hold(int sku, int location, int channel, int64_t qty, int64_t expires_at, int holder)
{
	int			i = new_reservation();
	Reservation *r = &reservations[i];

	r->id = 0;
	r->sku = sku;
	r->location = location;
	r->channel = channel;
	r->qty = qty;
	r->expires_at = expires_at;
	r->parent = -1;
	r->holder = holder;
	r->order_ref = -1;
	r->successor = -1;
	r->touched = in_transaction;
	SET(r->status, ST_HELD);
	return i;
}

/* The part acted on keeps the row, the rest becomes a new one. */
static int
split(int reservation, int64_t qty, Status rest_status)
{
	Reservation *r = &reservations[reservation];
	int			i = hold(r->sku, r->location, r->channel, r->qty - qty, r->expires_at, r->holder);

	r = &reservations[reservation];
	reservations[i].parent = reservation;
	reservations[i].order_ref = rest_status == ST_COMMITTED ? r->order_ref : -1;
	SET(reservations[i].status, rest_status);
	SET(r->qty, qty);
	return i;
}

/* Remembers when on_hand changed, for counts of an earlier moment. */
static void
note_move(int sku, int location, int64_t delta, int64_t occurred_at)
{
	Stock	   *s = &stock[sku][location];

	if (s->nmoves == MAX_MOVES)
		abort();				/* model_compact() forgets them in time */
	SET(s->moves[s->nmoves].occurred_at, occurred_at);
	SET(s->moves[s->nmoves].delta, delta);
	SET(s->nmoves, s->nmoves + 1);
}

static int64_t last_lot_id = 0;

/* The lot, made where it is not; one whose making was undone is made again. */
static Lot *
slot_of_lot(int sku, int location, int code, int64_t expires_on)
{
	for (int i = 0; i < nlots; i++)
	{
		Lot		   *lot = &lots[i];

		if (lot->sku == sku && lot->location == location &&
			lot->code == code && lot->expires_on == expires_on)
			return lot;
	}
	if (nlots == MAX_LOTS)
	{
		fprintf(stderr, "more than %d lots\n", MAX_LOTS);
		abort();
	}
	lots[nlots].sku = sku;
	lots[nlots].location = location;
	lots[nlots].code = code;
	lots[nlots].expires_on = expires_on;
	lots[nlots].on_hand = 0;
	lots[nlots].unavailable = 0;
	lots[nlots].id = 0;
	return &lots[nlots++];
}

static Lot *
find_lot(int sku, int location, int code, int64_t expires_on)
{
	Lot		   *lot = slot_of_lot(sku, location, code, expires_on);

	if (lot->id == 0)
		SET(lot->id, ++last_lot_id);
	return lot;
}

/* First expired first out: earlier date first, none last, then first come. */
static bool
issues_before(const Lot *a, const Lot *b)
{
	if (a->expires_on != b->expires_on)
	{
		if (a->expires_on == NONE || b->expires_on == NONE)
			return b->expires_on == NONE;
		return a->expires_on < b->expires_on;
	}
	return a->id < b->id;
}

typedef int64_t (*LotUnits) (const Lot *lot);

static int64_t
lot_sellable(const Lot *lot)
{
	return lot->on_hand - lot_unavailable(lot);
}

/* Blocked by hand, of lots that are still good. */
static int64_t
lot_blocked(const Lot *lot)
{
	return lot_expired(lot) ? 0 : lot->unavailable;
}

/* The lot that goes first (or last) among those with units of the wanted kind. */
static Lot *
next_lot(int sku, int location, int code, LotUnits units, bool last)
{
	Lot		   *best = NULL;

	for (int i = 0; i < nlots; i++)
	{
		Lot		   *lot = &lots[i];

		if (lot->sku != sku || lot->location != location || units(lot) <= 0 ||
			(code >= 0 && lot->code != code))
			continue;
		if (best == NULL || issues_before(lot, best) != last)
			best = lot;
	}
	return best;
}

static int64_t
units_of(int sku, int location, int code, LotUnits units)
{
	int64_t		sum = 0;

	for (int i = 0; i < nlots; i++)
	{
		if (lots[i].sku == sku && lots[i].location == location &&
			(code < 0 || lots[i].code == code))
			sum += units(&lots[i]);
	}
	return sum;
}

/*
 * Units leave: what is for sale first, first expired first out; then what is
 * not, from the lot that keeps longest.
 */
static void
issue(int sku, int location, int64_t qty, int64_t occurred_at)
{
	Stock	   *s = &stock[sku][location];

	SET(s->on_hand, s->on_hand - qty);
	SET(s->written, true);
	note_move(sku, location, -qty, occurred_at);
	if (sku < N_PLAIN)
	{
		if (s->unavailable > s->on_hand)
			SET(s->unavailable, s->on_hand);
		return;
	}
	while (qty > 0)
	{
		Lot		   *lot = next_lot(sku, location, -1, lot_sellable, false);
		int64_t		part;

		if (lot != NULL)
		{
			part = lot_sellable(lot) < qty ? lot_sellable(lot) : qty;
			SET(lot->on_hand, lot->on_hand - part);
		}
		else
		{
			lot = next_lot(sku, location, -1, lot_unavailable, true);
			part = lot->on_hand < qty ? lot->on_hand : qty;
			SET(lot->on_hand, lot->on_hand - part);
			if (lot->unavailable > lot->on_hand)
				SET(lot->unavailable, lot->on_hand);
		}
		qty -= part;
	}
}

static void
arrive(int sku, int location, int64_t qty, int code, int64_t expires_on,
	   bool blocked, int64_t occurred_at)
{
	Stock	   *s = &stock[sku][location];

	SET(s->exists, true);
	SET(s->on_hand, s->on_hand + qty);
	SET(s->written, true);
	note_move(sku, location, qty, occurred_at);
	if (sku < N_PLAIN)
	{
		if (blocked)
			SET(s->unavailable, s->unavailable + qty);
	}
	else
	{
		Lot		   *lot = find_lot(sku, location, code, expires_on);

		SET(lot->on_hand, lot->on_hand + qty);
		if (blocked)
			SET(lot->unavailable, lot->unavailable + qty);
	}
}

/* ----------------------------------------------------------------
 * Answers
 * ----------------------------------------------------------------
 */
static Row *
add_row(Answer *answer)
{
	Row		   *row = &answer->rows[answer->nrows++];

	memset(row, 0, sizeof(Row));
	row->reservation = row->remainder = -1;
	row->sku = row->location = row->channel = -1;
	row->qty = row->expires_at = row->available = row->on_hand = NONE;
	return row;
}

static void
movement_row(Row *row, int sku, int location, const char *outcome, bool moved)
{
	row->outcome = outcome;
	row->sku = sku;
	row->location = location;
	row->moved = moved;
	row->changed = moved;
	row->on_hand = stock[sku][location].on_hand;
}

static int64_t
missing(int64_t free_units)
{
	return free_units < 0 ? -free_units : 0;
}

static int64_t
occurred(const Call *call)
{
	return call->occurred_at == NONE ? now : call->occurred_at;
}

/* ----------------------------------------------------------------
 * Movements
 * ----------------------------------------------------------------
 */

/* Units without a date are dated by the SKU's shelf life, where lots are kept. */
static int64_t
dated(int sku, int location, int64_t expires_on, int64_t occurred_at)
{
	if (sku < N_PLAIN || expires_on != NONE || shelf_life_days[sku] == 0)
		return expires_on;
	return (occurred_at + zone_offset[location]) / DAY + shelf_life_days[sku];
}

/* Units that come back, are found, or were never written down. */
static void
turn_up(const Call *call, int sku, int location, int64_t qty, bool blocked)
{
	int64_t		before = units_free(sku, location);

	arrive(sku, location, qty, -1, dated(sku, location, NONE, occurred(call)), blocked, occurred(call));
	give(sku, location, units_free(sku, location) - before);
}
static void
do_receive(const Call *call, const Line *line, Answer *answer)
{
	Row		   *row = add_row(answer);
	int64_t		expires_on = dated(line->sku, line->location, line->expires_on, occurred(call));
	int64_t		free_before = units_free(line->sku, line->location);
	int			code = line->lot;

	arrive(line->sku, line->location, line->qty, code, expires_on, false, occurred(call));
	give(line->sku, line->location, units_free(line->sku, line->location) - free_before);
	movement_row(row, line->sku, line->location, "received", true);
}

static void
do_adjust(const Call *call, Answer *answer)
{
	const Line *line = &call->lines[0];
	Row		   *row = add_row(answer);
	Stock	   *s = &stock[line->sku][line->location];
	int64_t		before = units_free(line->sku, line->location);

	if (line->qty < 0 && -line->qty > s->on_hand)
	{
		movement_row(row, line->sku, line->location, "insufficient", false);
		return;
	}
	if (line->qty > 0)
		turn_up(call, line->sku, line->location, line->qty, false);
	else
	{
		issue(line->sku, line->location, -line->qty, occurred(call));

		int64_t		after = units_free(line->sku, line->location);

		take(line->sku, line->location, before - after);
		row->shortage = missing(after) - missing(before);
	}
	movement_row(row, line->sku, line->location, "adjusted", true);
}

static void
do_count(const Call *call, Answer *answer)
{
	const Line *line = &call->lines[0];
	Row		   *row = add_row(answer);
	Stock	   *s = &stock[line->sku][line->location];
	int64_t		before = units_free(line->sku, line->location);
	int64_t		at = s->on_hand;
	int64_t		variance;

	for (int i = 0; i < s->nmoves; i++)
	{
		if (s->moves[i].occurred_at > occurred(call))
			at -= s->moves[i].delta;
	}
	variance = line->qty - at;
	if (s->on_hand + variance < 0)
		variance = -s->on_hand;
	if (variance > 0)
		turn_up(call, line->sku, line->location, variance, false);
	else if (variance == 0)
		SET(s->exists, true);
	else
	{
		issue(line->sku, line->location, -variance, occurred(call));

		int64_t		after = units_free(line->sku, line->location);

		take(line->sku, line->location, before - after);
		row->shortage = missing(after) - missing(before);
	}
	movement_row(row, line->sku, line->location, "counted", true);
}

static void
do_block(const Call *call, Answer *answer)
{
	const Line *line = &call->lines[0];
	Row		   *row = add_row(answer);
	Stock	   *s = &stock[line->sku][line->location];
	int64_t		before = units_free(line->sku, line->location);
	int64_t		have = line->sku < N_PLAIN ? s->on_hand - s->unavailable :
		units_of(line->sku, line->location, line->lot, lot_sellable);
	int64_t		after;

	if (line->qty > have)
	{
		movement_row(row, line->sku, line->location, "insufficient", false);
		return;
	}
	SET(s->written, true);
	if (line->sku < N_PLAIN)
		SET(s->unavailable, s->unavailable + line->qty);
	else
	{
		int64_t		qty = line->qty;

		while (qty > 0)
		{
			Lot		   *lot = next_lot(line->sku, line->location, line->lot, lot_sellable, false);
			int64_t		part = lot_sellable(lot) < qty ? lot_sellable(lot) : qty;

			SET(lot->unavailable, lot->unavailable + part);
			qty -= part;
		}
	}
	after = units_free(line->sku, line->location);
	take(line->sku, line->location, before - after);
	row->shortage = missing(after) - missing(before);
	movement_row(row, line->sku, line->location, "blocked", true);
}

static void
do_unblock(const Call *call, Answer *answer)
{
	const Line *line = &call->lines[0];
	Row		   *row = add_row(answer);
	Stock	   *s = &stock[line->sku][line->location];
	int64_t		have = line->sku < N_PLAIN ? s->unavailable :
		units_of(line->sku, line->location, line->lot, lot_blocked);

	if (line->qty > have)
	{
		movement_row(row, line->sku, line->location, "insufficient", false);
		return;
	}
	SET(s->written, true);
	if (line->sku < N_PLAIN)
		SET(s->unavailable, s->unavailable - line->qty);
	else
	{
		int64_t		qty = line->qty;

		while (qty > 0)
		{
			Lot		   *lot = next_lot(line->sku, line->location, line->lot, lot_blocked, false);
			int64_t		part = lot->unavailable < qty ? lot->unavailable : qty;

			SET(lot->unavailable, lot->unavailable - part);
			qty -= part;
		}
	}
	give(line->sku, line->location, line->qty);
	movement_row(row, line->sku, line->location, "unblocked", true);
}

static void
do_sell(const Call *call, const Line *line, Answer *answer)
{
	Row		   *row = add_row(answer);
	Stock	   *s = &stock[line->sku][line->location];
	int64_t		before = units_free(line->sku, line->location);
	int64_t		after;

	row->unrecorded = at_least_0(line->qty - s->on_hand);
	if (row->unrecorded > 0)
	{
		turn_up(call, line->sku, line->location, row->unrecorded, false);
	}
	issue(line->sku, line->location, line->qty, occurred(call));
	after = units_free(line->sku, line->location);
	take(line->sku, line->location, before + row->unrecorded - after);
	row->shortage = missing(after) - missing(before);
	if (call->ref >= 0)
		SET(returnable[call->ref][line->sku], returnable[call->ref][line->sku] + line->qty);
	movement_row(row, line->sku, line->location, "sold", true);
}

/* With till_oversell = refuse: all lines, or none. */
static void
do_sell_lines(const Call *call, Answer *answer)
{
	bool		short_line[MAX_LINES] = {false};
	bool		any_short = false;

	for (int i = 0; call->refuse && i < call->nlines; i++)
	{
		int64_t		sum = 0;

		for (int j = 0; j < call->nlines; j++)
		{
			if (call->lines[j].sku == call->lines[i].sku &&
				call->lines[j].location == call->lines[i].location)
				sum += call->lines[j].qty;
		}
		short_line[i] = sum > units_free(call->lines[i].sku, call->lines[i].location);
		any_short |= short_line[i];
	}
	for (int i = 0; i < call->nlines; i++)
	{
		if (any_short)
		{
			Row		   *row = add_row(answer);

			/* of two lines on one stock, one alone might have fitted */
			movement_row(row, call->lines[i].sku, call->lines[i].location,
						 short_line[i] ? "insufficient" : "skipped", false);
			if (short_line[i] &&
				call->lines[i].qty <= units_free(call->lines[i].sku, call->lines[i].location))
				row->other_outcome = "skipped";
		}
		else
			do_sell(call, &call->lines[i], answer);
	}
}

static void
do_take_back(const Call *call, Answer *answer)
{
	const Line *line = &call->lines[0];
	Row		   *row = add_row(answer);

	if (location_closed[line->location])
	{
		movement_row(row, line->sku, line->location, "closed", false);
		return;
	}
	if (call->sale_ref >= 0)
	{
		int64_t    *left = &returnable[call->sale_ref][line->sku];

		if (line->qty > *left)
		{
			movement_row(row, line->sku, line->location, "not_sold", false);
			return;
		}
		SET(*left, *left - line->qty);
	}
	if (call->disposition != 3)
		turn_up(call, line->sku, line->location, line->qty, call->disposition != 0);
	else if (line->sku >= N_PLAIN)
		(void) find_lot(line->sku, line->location, -1,
						dated(line->sku, line->location, NONE, occurred(call)));
	movement_row(row, line->sku, line->location, "taken_back", true);
}

/* ----------------------------------------------------------------
 * Reservations
 * ----------------------------------------------------------------
 */
static bool
is_replaced(const Reservation *r, int sku, int location, int holder, int before)
{
	return holder >= 0 && r->holder == holder && r->status == ST_HELD && !is_lapsed(r) &&
		r->sku == sku && r->location == location && r - reservations < before;
}

/* The holder's own units there, which do not count against him. */
static int64_t
own_units(int sku, int location, int holder, int before)
{
	int64_t		sum = 0;

	for (int i = 0; i < nlive; i++)
	{
		Reservation *r = &reservations[live[i]];

		if (is_replaced(r, sku, location, holder, before))
			sum += r->qty;
	}
	return sum;
}

static void
replace_holds(int sku, int location, int holder, int before)
{
	for (int i = 0; i < nlive; i++)
	{
		Reservation *r = &reservations[live[i]];

		if (is_replaced(r, sku, location, holder, before))
		{
			give(sku, location, r->qty);
			SET(r->touched, in_transaction);
			SET(r->status, ST_RELEASED);
		}
	}
}

static int64_t
deadline(const Call *call)
{
	int64_t		ttl = call->ttl;

	if (ttl == NONE)
		ttl = channel_ttl[call->channel];
	if (ttl == NONE)
		ttl = 900 * SECOND;
	return now + ttl;
}

static void
do_reserve_lines(const Call *call, Answer *answer)
{
	int64_t		room[N_SKUS][N_LOCATIONS];
	int64_t		wanted[N_SKUS][N_LOCATIONS] = {{0}};
	int64_t		got[MAX_LINES];
	bool		replaced[N_SKUS][N_LOCATIONS] = {{false}};
	bool		any_refused = false;
	int			before = nreservations;
	Row		   *row;

	for (int i = 0; i < call->nlines; i++)
	{
		int			s = call->lines[i].sku,
					l = call->lines[i].location;

		wanted[s][l] += call->lines[i].qty;
		room[s][l] = units_free(s, l) + own_units(s, l, call->holder, before) -
			floor_of(s, l, call->channel);
	}
	for (int i = 0; i < call->nlines; i++)
	{
		const Line *line = &call->lines[i];
		int64_t    *left = &room[line->sku][line->location];

		row = add_row(answer);
		row->sku = line->sku;
		row->location = line->location;
		row->channel = call->channel;
		if (location_closed[line->location] || channel_closed[call->channel])
			row->outcome = "closed";
		else if (!sellable(line->sku, line->location, call->channel))
			row->outcome = "not_sellable";
		if (row->outcome != NULL)
		{
			row->other_outcome = row->outcome[0] == 'c' && !sellable(line->sku, line->location, call->channel) ?
				"not_sellable" : NULL;
			any_refused = true;
			got[i] = 0;
			continue;
		}
		if (call->mode == MODE_ALL)
			got[i] = wanted[line->sku][line->location] <= *left ? line->qty : 0;
		else if (call->mode == MODE_BEST_EFFORT)
			got[i] = line->qty <= *left ? line->qty : 0;
		else
			got[i] = at_least_0(line->qty <= *left ? line->qty : *left);
		if (call->mode != MODE_ALL)
			*left -= got[i];
		if (got[i] > 0)
			row->outcome = "held";
		else
		{
			row->outcome = "insufficient";
			any_refused = true;
		}
	}
	if (call->mode == MODE_ALL && any_refused)
	{
		for (int i = 0; i < call->nlines; i++)
		{
			if (got[i] > 0)
				answer->rows[i].outcome = "skipped";
			got[i] = 0;
		}
	}
	for (int i = 0; i < call->nlines; i++)
	{
		const Line *line = &call->lines[i];

		answer->rows[i].qty = got[i];
		if (got[i] == 0)
			continue;
		if (!replaced[line->sku][line->location])
			replace_holds(line->sku, line->location, call->holder, before);
		replaced[line->sku][line->location] = true;
		row = &answer->rows[i];
		row->reservation = hold(line->sku, line->location, call->channel, got[i],
								deadline(call), call->holder);
		row->changed = true;
		row->expires_at = deadline(call);
		take(line->sku, line->location, got[i]);
	}
}

static void
reservation_row(Row *row, const Reservation *r, const char *outcome)
{
	row->outcome = outcome;
	row->reservation = r - reservations;
	row->sku = r->sku;
	row->location = r->location;
	row->channel = r->channel;
	row->qty = r->qty;
	row->expires_at = r->expires_at;
}

static Reservation *
touch(const Call *call, Answer *answer, int n)
{
	Reservation *r;

	if (call->reservations[n] < 0)
	{
		answer->error = "RT010";
		return NULL;
	}
	r = &reservations[call->reservations[n]];
	if (in_transaction)
		SET(r->touched, true);
	return r;
}

static bool
is_somebody_elses(const Reservation *r, int holder)
{
	return holder >= 0 && r->holder >= 0 && r->holder != holder;
}

/* A lapsed hold, paid late: its units afresh, if they are still there. */
static void
reacquire(const Call *call, Reservation *r, Row *row)
{
	int64_t		qty = call->lines[0].qty == NONE ? r->qty : call->lines[0].qty;
	int			i;

	if (r->successor >= 0)
	{
		Reservation *successor = &reservations[r->successor];
		bool		stands = successor->status == ST_COMMITTED;

		/* paid twice is still bought once, and what became of it is said */
		reservation_row(row, successor, stands ? "reacquired" : status_name[successor->status]);
		row->replayed = stands;
		return;
	}
	row->qty = r->qty;
	if (r->status == ST_HELD)
	{
		give(r->sku, r->location, r->qty);
		SET(r->status, ST_EXPIRED);
	}
	if (units_free(r->sku, r->location) - qty < floor_of(r->sku, r->location, r->channel))
	{
		row->outcome = "lost";
		return;
	}
	i = hold(r->sku, r->location, r->channel, qty, r->expires_at, r->holder);
	SET(reservations[i].status, ST_COMMITTED);
	reservations[i].order_ref = call->order_ref;
	SET(r->successor, i);
	take(r->sku, r->location, qty);
	row->outcome = "reacquired";
	row->changed = true;
	row->reservation = i;
	row->qty = qty;
}

static void
do_confirm(const Call *call, Answer *answer)
{
	Reservation *r = touch(call, answer, 0);
	int64_t		qty = call->lines[0].qty;
	Row		   *row;

	if (r == NULL)
		return;
	row = add_row(answer);
	if (is_somebody_elses(r, call->holder))
	{
		reservation_row(row, r, "not_yours");
		return;
	}
	if (r->status == ST_EXPIRED || is_lapsed(r))
	{
		if (call->reacquire && qty != NONE && qty > r->qty)
		{
			answer->nrows = 0;
			answer->error = "22023";
			return;
		}
		reservation_row(row, r, "expired");
		if (call->reacquire)
			reacquire(call, r, row);
		return;
	}
	if (r->status != ST_HELD)
	{
		reservation_row(row, r, status_name[r->status]);
		row->replayed = r->status == ST_COMMITTED;
		return;
	}
	if (qty != NONE && qty > r->qty)
	{
		answer->nrows = 0;
		answer->error = "22023";
		return;
	}
	if (qty != NONE && qty < r->qty)
	{
		int			rest = split(call->reservations[0], qty,
								 call->release_remainder ? ST_RELEASED : ST_HELD);

		if (call->release_remainder)
			give(r->sku, r->location, reservations[rest].qty);
		row->remainder = rest;
	}
	SET(r->status, ST_COMMITTED);
	if (call->order_ref >= 0)
		SET(r->order_ref, call->order_ref);
	reservation_row(row, r, "committed");
	row->changed = true;
}

static void
do_release(const Call *call, Answer *answer)
{
	Reservation *r = touch(call, answer, 0);
	Row		   *row;

	if (r == NULL)
		return;
	row = add_row(answer);
	if (is_somebody_elses(r, call->holder))
		reservation_row(row, r, "not_yours");
	else if (r->status != ST_HELD)
	{
		reservation_row(row, r, status_name[r->status]);
		row->replayed = r->status == ST_RELEASED;
	}
	else
	{
		SET(r->status, is_lapsed(r) ? ST_EXPIRED : ST_RELEASED);
		row->changed = true;
		give(r->sku, r->location, r->qty);
		reservation_row(row, r, status_name[r->status]);
	}
}

static void
do_extend(const Call *call, Answer *answer)
{
	Reservation *r = touch(call, answer, 0);
	Row		   *row;

	if (r == NULL)
		return;
	row = add_row(answer);
	if (is_somebody_elses(r, call->holder))
		reservation_row(row, r, "not_yours");
	else if (is_lapsed(r))
		reservation_row(row, r, "expired");
	else if (r->status != ST_HELD)
		reservation_row(row, r, status_name[r->status]);
	else
	{
		Call		of_it = *call;

		of_it.channel = r->channel;
		SET(r->expires_at, deadline(&of_it));
		reservation_row(row, r, "extended");
	}
}

static void
consume_one(const Call *call, Answer *answer, int n)
{
	Reservation *r = touch(call, answer, n);
	int64_t		qty = call->lines[n].qty;
	int64_t		before;
	Row		   *row;

	if (r == NULL)
		return;
	row = add_row(answer);
	if (r->status != ST_COMMITTED)
	{
		reservation_row(row, r, status_name[r->status]);
		row->replayed = r->status == ST_CONSUMED;
		return;
	}
	if (qty == NONE)
		qty = r->qty;
	if (qty > r->qty)
	{
		answer->nrows = 0;
		answer->error = "22023";
		return;
	}
	if (qty > stock[r->sku][r->location].on_hand)
	{
		reservation_row(row, r, "insufficient");
		return;
	}
	before = units_free(r->sku, r->location);
	if (qty < r->qty)
		row->remainder = split(call->reservations[n], qty, ST_COMMITTED);
	SET(r->status, ST_CONSUMED);
	issue(r->sku, r->location, qty, now);
	give(r->sku, r->location, qty);
	take(r->sku, r->location, before + qty - units_free(r->sku, r->location));
	if (r->order_ref >= 0)
		SET(returnable[r->order_ref][r->sku], returnable[r->order_ref][r->sku] + qty);
	reservation_row(row, r, "consumed");
	row->changed = true;
}

/* Whether a reservation has its turn after another one: by stock, then by age. */
static bool
is_later(int reservation, int other)
{
	const Reservation *r = &reservations[reservation];
	const Reservation *o = &reservations[other];

	if (r->sku != o->sku)
		return r->sku > o->sku;
	if (r->location != o->location)
		return r->location > o->location;
	return reservation > other;
}

/*
 * A wave: where the goods do not suffice for all, the oldest reservations get
 * them.  The answer is in the order of the call.
 */
static void
do_consume_lines(const Call *call, Answer *answer)
{
	int			turn[MAX_LINES];
	Row			rows[MAX_LINES];

	for (int i = 0; i < call->nlines; i++)
	{
		int			at = i;

		for (; at > 0 && is_later(call->reservations[turn[at - 1]], call->reservations[i]); at--)
			turn[at] = turn[at - 1];
		turn[at] = i;
	}
	for (int i = 0; i < call->nlines; i++)
	{
		consume_one(call, answer, turn[i]);
		if (answer->error != NULL)
			return;
		rows[turn[i]] = answer->rows[i];
	}
	memcpy(answer->rows, rows, sizeof(Row) * call->nlines);
}

static void
do_cancel(const Call *call, Answer *answer)
{
	Reservation *r = touch(call, answer, 0);
	int64_t		qty = call->lines[0].qty;
	Row		   *row;

	if (r == NULL)
		return;
	row = add_row(answer);
	if (r->status != ST_COMMITTED)
	{
		reservation_row(row, r, status_name[r->status]);
		row->replayed = r->status == ST_CANCELLED;
		return;
	}
	if (qty != NONE && qty > r->qty)
	{
		answer->nrows = 0;
		answer->error = "22023";
		return;
	}
	if (qty != NONE && qty < r->qty)
		row->remainder = split(call->reservations[0], qty, ST_COMMITTED);
	SET(r->status, ST_CANCELLED);
	give(r->sku, r->location, r->qty);
	reservation_row(row, r, "cancelled");
	row->changed = true;
}

/* ----------------------------------------------------------------
 * Calls
 * ----------------------------------------------------------------
 */
static void
dispatch(const Call *call, Answer *answer)
{
	switch (call->function)
	{
		case FN_RECEIVE:
		case FN_RECEIVE_LINES:
		case FN_RECEIPT_LINES:
			for (int i = 0; i < call->nlines; i++)
				do_receive(call, &call->lines[i], answer);
			break;
		case FN_ADJUST:
			do_adjust(call, answer);
			break;
		case FN_COUNT:
			do_count(call, answer);
			break;
		case FN_BLOCK:
			do_block(call, answer);
			break;
		case FN_UNBLOCK:
			do_unblock(call, answer);
			break;
		case FN_SELL:
		case FN_SELL_LINES:
			do_sell_lines(call, answer);
			break;
		case FN_TAKE_BACK:
			do_take_back(call, answer);
			break;
		case FN_RESERVE:
		case FN_RESERVE_LINES:
			do_reserve_lines(call, answer);
			break;
		case FN_CONFIRM:
			do_confirm(call, answer);
			break;
		case FN_RELEASE:
			do_release(call, answer);
			break;
		case FN_EXTEND:
			do_extend(call, answer);
			break;
		case FN_CONSUME:
			consume_one(call, answer, 0);
			break;
		case FN_CONSUME_LINES:
			do_consume_lines(call, answer);
			break;
		case FN_CANCEL:
			do_cancel(call, answer);
			break;
		case FN_COUNT_OF:
			abort();
	}
}

/* What is free after the call is what every row of its answer tells. */
static void
fill_available(Answer *answer)
{
	for (int i = 0; i < answer->nrows; i++)
	{
		Row		   *row = &answer->rows[i];

		row->available = available_to(row->sku, row->location,
									  answer->movement ? -1 : row->channel);
	}
}

static bool
same_request(const Call *a, const Call *b)
{
	return memcmp(a, b, sizeof(Call)) == 0;
}

/* Whether the call changed something, so that its answer is kept. */
static bool
changed_something(const Answer *answer)
{
	for (int i = 0; i < answer->nrows; i++)
	{
		if (answer->rows[i].changed)
			return true;
	}
	return false;
}

void
model_call(const Call *call, Answer *answer)
{
	Request    *request = NULL;
	int			mark;
	bool		was_in_transaction = in_transaction;

	for (int i = 0; i < N_SKUS * N_LOCATIONS; i++)
		stock[i / N_LOCATIONS][i % N_LOCATIONS].drawn = 0;
	memset(answer, 0, sizeof(Answer));
	answer->movement = call->function <= FN_TAKE_BACK;
	if (call->unknown_sku || call->unknown_location)
	{
		answer->error = call->unknown_sku ? "RT001" : "RT002";
		return;
	}
	if (call->key >= 0)
	{
		if (requests == NULL)
			requests = calloc(1 << 18, sizeof(Request));
		request = &requests[call->key];
		if (call->key >= nrequests)
			nrequests = call->key + 1;
		if (request->alive && !same_request(call, &request->call))
		{
			answer->error = "RT005";
			return;
		}
		if (request->alive)
		{
			answer->nrows = request->nrows;
			memcpy(answer->rows, request->rows, sizeof(answer->rows));
			for (int i = 0; i < answer->nrows; i++)
				answer->rows[i].replayed = true;
			fill_available(answer);
			return;
		}
	}

	/* an error in the middle undoes the whole call */
	if (!was_in_transaction)
		model_begin();
	mark = model_savepoint();
	dispatch(call, answer);
	if (answer->error != NULL)
		model_rollback_to(mark);
	else
	{
		fill_available(answer);
		if (request != NULL && changed_something(answer))
		{
			request->call = *call;
			request->nrows = answer->nrows;
			memcpy(request->rows, answer->rows, sizeof(answer->rows));
			SET(request->alive, true);
		}
	}
	if (!was_in_transaction)
		model_commit();
}

/*
 * Session B reserves: it may have what is shared.  Returns the new hold.
 * B's changes are not undone by A, so they leave no old bytes.
 */
int
model_reserve_b(int sku, int location, int channel, int64_t qty)
{
	bool		was_in_transaction = in_transaction;
	int			i;

	in_transaction = false;
	i = hold(sku, location, channel, qty,
			 now + (channel_ttl[channel] == NONE ? 900 * SECOND : channel_ttl[channel]), -1);
	in_transaction = was_in_transaction;
	return i;
}

void
model_learned(const Call *call, const Answer *answer)
{
	Request    *request = call->key >= 0 ? &requests[call->key] : NULL;

	if (request == NULL || !request->alive)
		return;
	for (int i = 0; i < answer->nrows; i++)
		request->rows[i].movement_id = answer->rows[i].movement_id;
}

void
model_gave_claimed(int sku, int location, int64_t claimed, bool before_take)
{
	Stock	   *s = &stock[sku][location];

	if (in_transaction)
		SET(s->own_gives, s->own_gives + (before_take ? at_least_0(claimed - s->drawn) : claimed));
}
