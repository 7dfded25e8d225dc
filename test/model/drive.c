/*-------------------------------------------------------------------------
 * drive.c
 *		Random calls to a server, each answer compared with the model's.
 *
 * Two sessions: A does everything, in and out of transactions; B looks and
 * reserves while A's transaction is open, and must be answered at once and
 * from what is committed or promised by nobody.  At intervals the tables are
 * compared with the model row by row, and retail.verify() must find nothing.
 *
 * Every statement is kept; the last ones are printed when something differs,
 * together with the seed, which makes the same run again.
 *
 * usage: drive DATABASE      connection by PGHOST and the like
 * environment: SEED (default: the time), OPS (default 200000), MODEL_LOG (a
 * file for all statements)
 *-------------------------------------------------------------------------
 */
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"

#define KEPT_STATEMENTS 60
#define COMPARE_EVERY 1000
#define MAX_SAVEPOINTS 4

const int64_t channel_ttl[N_CHANNELS] = {NONE, 300 * SECOND, NONE};
const int64_t zone_offset[N_LOCATIONS] = {0, 8 * 3600 * SECOND, -5 * 3600 * SECOND};
const int64_t shelf_life_days[N_SKUS] = {0, 0, 0, 0, 0, 6};

static const char *const zone_name[N_LOCATIONS] = {"UTC", "Asia/Shanghai", "Etc/GMT+5"};
static const char *const sku_code[N_SKUS] = {"P0", "P1", "P2", "P'3", "LOT-4", "LOT-5"};
static const char *const location_code[N_LOCATIONS] = {"S0", "S1", "S2"};
static const char *const channel_code[N_CHANNELS] = {"app", "live", "shop"};
static const char *const disposition_name[] = {"restock", "quarantine", "refurbish", "scrap"};
static const char *const mode_name[] = {"all", "best_effort", "partial"};

static PGconn *session_a;
static PGconn *session_b;
static uint64_t seed;
static uint64_t random_state;
static long op;
static long ncalls[FN_COUNT_OF];
static long nreplays;
static long nerrors;
static long nrefusals;
static long nclaims;
static long ncommits;
static long nrollbacks;
static long nb_calls;
static long ncompared;
static FILE *log_file;
static char *kept[KEPT_STATEMENTS];
static long nkept;
static int	nkeys;
static Call last_calls[256];
static int	nlast_calls;
static int64_t last_movement_id;

static int	savepoint[MAX_SAVEPOINTS];
static int	nsavepoints;

/* ----------------------------------------------------------------
 * Chance
 * ----------------------------------------------------------------
 */
static uint64_t
next_random(void)
{
	/* splitmix64 */
	uint64_t	z = (random_state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* low .. high */
static int64_t
pick(int64_t low, int64_t high)
{
	return low + (int64_t) (next_random() % (uint64_t) (high - low + 1));
}

static bool
chance(int percent)
{
	return pick(1, 100) <= percent;
}

/* ----------------------------------------------------------------
 * Failing
 * ----------------------------------------------------------------
 */
static PGresult *answer_at_hand;

static void
print_answer(void)
{
	for (int i = 0; i < PQntuples(answer_at_hand); i++)
	{
		printf("# answer:");
		for (int j = 0; j < PQnfields(answer_at_hand); j++)
			printf(" %s", PQgetisnull(answer_at_hand, i, j) ? "-" : PQgetvalue(answer_at_hand, i, j));
		printf("\n");
	}
}

static void
fail(const char *format,...)
{
	va_list		args;

	printf("# the server and the model differ at operation %ld, SEED=%llu\n# ", op, (unsigned long long) seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	print_answer();
	printf("# the last statements (B: the other session):\n");
	for (long i = nkept > KEPT_STATEMENTS ? nkept - KEPT_STATEMENTS : 0; i < nkept; i++)
		printf("#   %s;\n", kept[i % KEPT_STATEMENTS]);
	printf("0 passed, 1 failed\n");
	fflush(stdout);
	exit(1);
}

static void
keep(PGconn *session, const char *sql)
{
	char	  **slot = &kept[nkept++ % KEPT_STATEMENTS];

	free(*slot);
	if (asprintf(slot, "%s%s", session == session_b ? "B: " : "", sql) < 0)
		abort();
	if (log_file != NULL)
	{
		fprintf(log_file, "%s;\n", *slot);
		fflush(log_file);
	}
}

/* ----------------------------------------------------------------
 * Statements
 * ----------------------------------------------------------------
 */
static PGresult *
run(PGconn *session, const char *sql)
{
	keep(session, sql);
	return PQexec(session, sql);
}

static const char *
sqlstate(PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state ? state : "no state";
}

/* Must work. */
static PGresult *
must(PGconn *session, const char *format,...)
{
	char		sql[16384];
	va_list		args;
	PGresult   *res;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	res = run(session, sql);
	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
		fail("\"%s\" failed: %s", sql, PQresultErrorMessage(res));
	return res;
}

#define DO(...) PQclear(must(session_a, __VA_ARGS__))

static int64_t
cell_int(PGresult *res, int row, int col)
{
	return PQgetisnull(res, row, col) ? NONE : strtoll(PQgetvalue(res, row, col), NULL, 10);
}

static int64_t
ask_int(PGconn *session, const char *format,...)
{
	char		sql[4096];
	va_list		args;
	PGresult   *res;
	int64_t		value;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	res = must(session, "%s", sql);
	value = cell_int(res, 0, 0);
	PQclear(res);
	return value;
}

/* A time as the server reads it. */
static const char *
time_text(int64_t at)
{
	static char text[4][64];
	static int	n;
	char	   *out = text[n++ % 4];
	time_t		seconds = at / SECOND;
	struct tm	tm;

	gmtime_r(&seconds, &tm);
	snprintf(out, 64, "%04d-%02d-%02d %02d:%02d:%02d.%06d+00", tm.tm_year + 1900, tm.tm_mon + 1,
			 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) (at % SECOND));
	return out;
}

static const char *
date_text(int64_t day)
{
	static char text[4][32];
	static int	n;
	char	   *out = text[n++ % 4];
	time_t		seconds = day * 86400;
	struct tm	tm;

	gmtime_r(&seconds, &tm);
	snprintf(out, 32, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	return out;
}

static void
set_clock(int64_t at)
{
	now = at;
	DO("SET pg_retail.clock = '%s'", time_text(at));
}

/* ----------------------------------------------------------------
 * Building a call
 * ----------------------------------------------------------------
 */
typedef struct Text
{
	char		data[12288];
	int			len;
	int			nargs;
} Text;

static void
add(Text *text, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	text->len += vsnprintf(text->data + text->len, sizeof(text->data) - text->len, format, args);
	va_end(args);
	if (text->len >= (int) sizeof(text->data))
		abort();
}

static void
add_arg(Text *text, const char *name, const char *format,...)
{
	va_list		args;

	add(text, "%s%s%s", text->nargs++ ? ", " : "", name, *name ? " => " : "");
	va_start(args, format);
	text->len += vsnprintf(text->data + text->len, sizeof(text->data) - text->len, format, args);
	va_end(args);
	if (text->len >= (int) sizeof(text->data))
		abort();
}

/* 'P''3' */
static const char *
quoted(const char *text)
{
	static char out[8][64];
	static int	n;
	char	   *p = out[n++ % 8];
	char	   *start = p;

	*p++ = '\'';
	for (; *text; text++)
	{
		if (*text == '\'')
			*p++ = '\'';
		*p++ = *text;
	}
	*p++ = '\'';
	*p = '\0';
	return start;
}

static void
add_lot(Text *text, const Line *line)
{
	if (line->lot >= 0)
		add(text, ", 'L%d'", line->lot);
	else
		add(text, ", NULL");
	if (line->expires_on != NONE)
		add(text, ", '%s'", date_text(line->expires_on));
	else
		add(text, ", NULL");
}

static void
add_lines(Text *text, const Call *call)
{
	add_arg(text, "", "ARRAY[");
	for (int i = 0; i < call->nlines; i++)
	{
		const Line *line = &call->lines[i];

		add(text, "%s(%s, %s, %lld", i ? ", " : "", quoted(sku_code[line->sku]),
			quoted(location_code[line->location]), (long long) line->qty);
		if (call->function == FN_RECEIPT_LINES)
			add_lot(text, line);
		add(text, ")");
	}
	add(text, "]::retail.%s[]", call->function == FN_RECEIPT_LINES ? "receipt_line" : "line");
}

static int64_t
reservation_id(const Call *call, int i)
{
	return call->reservations[i] < 0 ? 999999999999 : reservations[call->reservations[i]].id;
}

static void
add_common(Text *text, const Call *call)
{
	if (call->ref >= 0)
		add_arg(text, "ref", "'R%d'", call->ref);
	if (call->occurred_at != NONE)
		add_arg(text, "occurred_at", "'%s'", time_text(call->occurred_at));
	if (call->key >= 0)
		add_arg(text, "request_key", "'k%d'", call->key);
}

static void
add_arguments(Text *text, const Call *call)
{
	const Line *line = &call->lines[0];

	switch (call->function)
	{
		case FN_RECEIVE_LINES:
		case FN_RECEIPT_LINES:
		case FN_SELL_LINES:
			add_lines(text, call);
			break;
		case FN_RESERVE_LINES:
			add_lines(text, call);
			add_arg(text, "", "'%s'", channel_code[call->channel]);
			add_arg(text, "mode", "'%s'", mode_name[call->mode]);
			break;
		case FN_CONFIRM:
		case FN_RELEASE:
		case FN_EXTEND:
		case FN_CONSUME:
		case FN_CANCEL:
			add_arg(text, "", "%lld", (long long) reservation_id(call, 0));
			if (line->qty != NONE && call->function != FN_RELEASE && call->function != FN_EXTEND)
				add_arg(text, "qty", "%lld", (long long) line->qty);
			break;
		case FN_CONSUME_LINES:
			add_arg(text, "", "ARRAY[");
			for (int i = 0; i < call->nlines; i++)
				add(text, "%s%lld", i ? ", " : "", (long long) reservation_id(call, i));
			add(text, "]::bigint[], ARRAY[");
			for (int i = 0; i < call->nlines; i++)
			{
				if (call->lines[i].qty == NONE)
					add(text, "%sNULL", i ? ", " : "");
				else
					add(text, "%s%lld", i ? ", " : "", (long long) call->lines[i].qty);
			}
			add(text, "]::bigint[]");
			break;
		default:
			add_arg(text, "", "%s", call->unknown_sku ? "'nothing'" : quoted(sku_code[line->sku]));
			add_arg(text, "", "%s", call->unknown_location ? "'nowhere'" : quoted(location_code[line->location]));
			add_arg(text, "", "%lld", (long long) line->qty);
	}
	switch (call->function)
	{
		case FN_RECEIVE:
			add(text, ", lot => ");
			text->nargs++;
			if (line->lot >= 0)
				add(text, "'L%d'", line->lot);
			else
				add(text, "NULL");
			if (line->expires_on != NONE)
				add_arg(text, "expires_on", "'%s'", date_text(line->expires_on));
			break;
		case FN_ADJUST:
			add_arg(text, "", "'because'");
			break;
		case FN_BLOCK:
		case FN_UNBLOCK:
			add_arg(text, "", "'because'");
			if (line->lot >= 0)
				add_arg(text, "lot", "'L%d'", line->lot);
			break;
		case FN_SELL:
		case FN_SELL_LINES:
			if (call->channel >= 0)
				add_arg(text, "channel", "'%s'", channel_code[call->channel]);
			break;
		case FN_TAKE_BACK:
			if (call->sale_ref >= 0)
				add_arg(text, "sale_ref", "'R%d'", call->sale_ref);
			add_arg(text, "disposition", "'%s'", disposition_name[call->disposition]);
			break;
		case FN_RESERVE:
			add_arg(text, "", "'%s'", channel_code[call->channel]);
			break;
		case FN_CONFIRM:
			if (call->release_remainder)
				add_arg(text, "remainder", "'release'");
			if (call->reacquire)
				add_arg(text, "reacquire", "true");
			if (call->order_ref >= 0)
				add_arg(text, "order_ref", "'R%d'", call->order_ref);
			break;
		default:
			break;
	}
	if (call->ttl != NONE)
		add_arg(text, "ttl", "'%lld microseconds'", (long long) call->ttl);
	if (call->holder >= 0)
		add_arg(text, "holder", "'holder %d'", call->holder);
	add_common(text, call);
}

static void
call_text(Text *text, const Call *call)
{
	bool		movement = call->function <= FN_TAKE_BACK;

	text->len = text->nargs = 0;
	add(text, movement ? "SELECT * " : "SELECT r.*, (extract(epoch FROM r.expires_at) * 1000000)::bigint ");
	add(text, "FROM retail.%s(", function_name[call->function]);
	add_arguments(text, call);
	add(text, movement ? ")" : ") r");
}

/* ----------------------------------------------------------------
 * Lapsed holds: the server chooses which it claims
 * ----------------------------------------------------------------
 */

/* Lapsed holds of a stock, in ids[]; how many. */
static int
lapsed_holds(int sku, int location, int *found, int max)
{
	int			n = 0;

	for (int i = 0; i < nlive && n < max; i++)
	{
		Reservation *r = &reservations[live[i]];

		if (r->sku == sku && r->location == location && is_lapsed(r))
			found[n++] = live[i];
	}
	return n;
}

#define MAX_LAPSED 4096

/*
 * Reads which of these holds are expired now, and tells the model.  Returns
 * the units claimed, and the largest of them.
 */
static int64_t
adopt_claims(PGconn *session, const int *holds, int n, int64_t *largest)
{
	static char sql[64 * 1024];
	int			len = 0;
	int64_t		claimed = 0;
	PGresult   *res;

	*largest = 0;
	if (n == 0)
		return 0;
	len += snprintf(sql + len, sizeof(sql) - len, "SELECT id FROM retail.reservation WHERE status = 'expired' AND id IN (");
	for (int i = 0; i < n; i++)
		len += snprintf(sql + len, sizeof(sql) - len, "%s%lld", i ? ", " : "", (long long) reservations[holds[i]].id);
	snprintf(sql + len, sizeof(sql) - len, ")");
	res = run(session, sql);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		fail("reading claims: %s", PQresultErrorMessage(res));
	for (int row = 0; row < PQntuples(res); row++)
	{
		int64_t		id = cell_int(res, row, 0);

		for (int i = 0; i < n; i++)
		{
			Reservation *r = &reservations[holds[i]];

			if (r->id != id || r->status != ST_HELD)
				continue;
			model_claimed(holds[i], session == session_b);
			claimed += r->qty;
			if (r->qty > *largest)
				*largest = r->qty;
			nclaims++;
		}
	}
	PQclear(res);
	return claimed;
}

/* ----------------------------------------------------------------
 * Comparing an answer
 * ----------------------------------------------------------------
 */
static void
expect_number(const char *what, int64_t expected, int64_t found, const char *sql)
{
	if (expected == found)
		return;
	fail("%s: the model says %lld, the server %lld\n# in %s", what, (long long) expected, (long long) found, sql);
}

static void
expect_bool(const char *what, bool expected, PGresult *res, int row, int col, const char *sql)
{
	if (expected != (PQgetvalue(res, row, col)[0] == 't'))
		fail("%s: the model says %s, the server %s\n# in %s", what, expected ? "t" : "f",
			 PQgetvalue(res, row, col), sql);
}

static void
expect_outcome(const Row *row, const char *found, const char *sql)
{
	if (strcmp(row->outcome, found) == 0 ||
		(row->other_outcome && strcmp(row->other_outcome, found) == 0))
		return;

	/* while somebody else is at it, too few units may yet be enough */
	if (strcmp(row->outcome, "insufficient") == 0 && strcmp(found, "busy") == 0)
		fail("nobody else was busy, and yet: busy\n# in %s", sql);
	fail("outcome: the model says %s, the server %s\n# in %s", row->outcome, found, sql);
}

/* An id in the answer: known, or now given to a new reservation. */
static void
expect_id(const char *what, int reservation, PGresult *res, int row, int col, const char *sql)
{
	int64_t		id = cell_int(res, row, col);

	if (reservation < 0)
		expect_number(what, NONE, id, sql);
	else if (reservations[reservation].id == 0)
	{
		if (id == NONE || id <= 0)
			fail("%s: a new reservation without an id\n# in %s", what, sql);
		reservations[reservation].id = id;
	}
	else
		expect_number(what, reservations[reservation].id, id, sql);
}

static void
compare_movement(Row *row, PGresult *res, int n, const char *sql)
{
	int64_t		id = cell_int(res, n, 1);

	expect_outcome(row, PQgetvalue(res, n, 0), sql);
	if ((id != NONE) != row->moved)
		fail("movement_id: the model expects %s\n# in %s", row->moved ? "one" : "none", sql);
	if (row->moved && row->replayed)
		expect_number("movement_id of the first try", row->movement_id, id, sql);
	else if (row->moved)
	{
		if (id <= last_movement_id)
			fail("movement_id %lld after %lld\n# in %s", (long long) id, (long long) last_movement_id, sql);
		row->movement_id = id;
	}
	expect_number("on_hand", row->on_hand, cell_int(res, n, 2), sql);
	expect_number("available", row->available, cell_int(res, n, 3), sql);
	expect_bool("replayed", row->replayed, res, n, 4, sql);
	expect_number("unrecorded_qty", row->unrecorded, cell_int(res, n, 5), sql);
	expect_number("shortage_qty", row->shortage, cell_int(res, n, 6), sql);
}

static void
compare_reservation(Row *row, PGresult *res, int n, const char *sql)
{
	expect_outcome(row, PQgetvalue(res, n, 0), sql);
	expect_id("reservation_id", row->reservation, res, n, 1, sql);
	expect_id("remainder_id", row->remainder, res, n, 2, sql);
	if (strcmp(PQgetvalue(res, n, 3), sku_code[row->sku]) != 0 ||
		strcmp(PQgetvalue(res, n, 4), location_code[row->location]) != 0)
		fail("sku, location: %s %s\n# in %s", PQgetvalue(res, n, 3), PQgetvalue(res, n, 4), sql);
	expect_number("qty", row->qty, cell_int(res, n, 5), sql);
	expect_number("expires_at", row->expires_at, cell_int(res, n, 9), sql);
	expect_number("available", row->available, cell_int(res, n, 7), sql);
	expect_bool("replayed", row->replayed, res, n, 8, sql);
}

/* A claim of more, or for nothing, is one too many. */
static void
check_claims(const Call *call, const Answer *answer, int sku, int location,
			 int64_t claimed, int64_t largest, int64_t room_before, int64_t wanted, const char *sql)
{
	bool		held = false;

	if (claimed == 0 || (call->function != FN_RESERVE && call->mode != MODE_ALL) ||
		(call->function != FN_RESERVE && call->function != FN_RESERVE_LINES))
		return;
	for (int i = 0; i < answer->nrows; i++)
	{
		if (answer->rows[i].sku == sku && answer->rows[i].location == location &&
			(strcmp(answer->rows[i].outcome, "held") == 0 || strcmp(answer->rows[i].outcome, "skipped") == 0))
			held = true;
	}
	if (!held)
		fail("refused, and yet %lld lapsed units were claimed\n# in %s", (long long) claimed, sql);
	if (wanted <= room_before)
		fail("%lld fitted into %lld, and yet %lld lapsed units were claimed\n# in %s",
			 (long long) wanted, (long long) room_before, (long long) claimed, sql);
	if (claimed - largest >= wanted - room_before)
		fail("%lld units were missing, and %lld were claimed\n# in %s",
			 (long long) (wanted - room_before), (long long) claimed, sql);
}

typedef struct Touched
{
	int			sku;
	int			location;
	int64_t		wanted;
	int64_t		room;			/* by status, above the floor, own units counted */
	int			nlapsed;
	int			lapsed[256];
} Touched;

static int
touched_stocks(const Call *call, Touched *touched)
{
	int			n = 0;

	for (int i = 0; i < call->nlines; i++)
	{
		int			sku = call->lines[i].sku;
		int			location = call->lines[i].location;
		int			j;

		if (call->function >= FN_CONFIRM)
		{
			if (call->reservations[i] < 0)
				continue;
			sku = reservations[call->reservations[i]].sku;
			location = reservations[call->reservations[i]].location;
		}
		for (j = 0; j < n; j++)
		{
			if (touched[j].sku == sku && touched[j].location == location)
				break;
		}
		if (j == n)
		{
			touched[n].sku = sku;
			touched[n].location = location;
			touched[n].wanted = 0;
			touched[n].room = units_booked_free(sku, location);
			if (call->channel >= 0)
				touched[n].room -= floor_of(sku, location, call->channel);
			for (int k = 0; k < nlive && call->holder >= 0; k++)
			{
				Reservation *r = &reservations[live[k]];

				if (r->sku == sku && r->location == location && r->holder == call->holder &&
					r->status == ST_HELD && !is_lapsed(r))
					touched[n].room += r->qty;
			}
			touched[n].nlapsed = lapsed_holds(sku, location, touched[n].lapsed, 256);
			n++;
		}
		if (call->lines[i].qty != NONE)
			touched[j].wanted += call->lines[i].qty;
	}
	return n;
}

static void
perform(Call *call)
{
	static Text text;
	static Touched touched[MAX_LINES];
	Answer		answer;
	PGresult   *res;
	int			ntouched;
	bool		guarded;

	call_text(&text, call);
	ntouched = touched_stocks(call, touched);
	model_call(call, &answer);
	guarded = answer.error != NULL && in_transaction;

	if (guarded)
		DO("SAVEPOINT guard");
	if (call->refuse)
		DO("SET pg_retail.till_oversell = 'refuse'");
	res = run(session_a, text.data);
	if (answer.error != NULL)
	{
		if (PQresultStatus(res) != PGRES_FATAL_ERROR || strcmp(sqlstate(res), answer.error) != 0)
			fail("the model expects error %s, the server says %s %s\n# in %s", answer.error,
				 sqlstate(res), PQresultErrorMessage(res), text.data);
		nerrors++;
	}
	else
	{
		if (PQresultStatus(res) != PGRES_TUPLES_OK)
			fail("error %s: %s\n# in %s", sqlstate(res), PQresultErrorMessage(res), text.data);
		answer_at_hand = res;
		expect_number("rows", answer.nrows, PQntuples(res), text.data);
		for (int i = 0; i < answer.nrows; i++)
		{
			if (answer.movement)
				compare_movement(&answer.rows[i], res, i, text.data);
			else
				compare_reservation(&answer.rows[i], res, i, text.data);
			if (answer.rows[i].replayed)
				nreplays++;
			else if (!answer.rows[i].changed)
				nrefusals++;
		}
		for (int i = 0; answer.movement && i < answer.nrows; i++)
		{
			if (answer.rows[i].moved && answer.rows[i].movement_id > last_movement_id)
				last_movement_id = answer.rows[i].movement_id;
		}
		model_learned(call, &answer);
	}
	answer_at_hand = NULL;
	PQclear(res);
	if (guarded)
		DO("ROLLBACK TO SAVEPOINT guard");
	if (call->refuse)
		DO("RESET pg_retail.till_oversell");

	for (int i = 0; answer.error == NULL && i < ntouched; i++)
	{
		Touched    *t = &touched[i];
		int			still[256];
		int			nstill = 0;
		int64_t		largest;
		int64_t		claimed;

		/* those the call itself expired are none that it chose */
		for (int j = 0; j < t->nlapsed; j++)
		{
			if (reservations[t->lapsed[j]].status == ST_HELD)
				still[nstill++] = t->lapsed[j];
		}
		claimed = adopt_claims(session_a, still, nstill, &largest);
		check_claims(call, &answer, t->sku, t->location, claimed, largest, t->room, t->wanted, text.data);
		if (claimed > 0)
		{
			/* a till sale takes first, and claims where that was too much */
			model_gave_claimed(t->sku, t->location, claimed,
							   !answer.movement || call->refuse);
			if (call->nlines > 1)
				stock[t->sku][t->location].unsure = true;
		}
	}
	ncalls[call->function]++;
}

/* ----------------------------------------------------------------
 * Random calls
 * ----------------------------------------------------------------
 */
static int
pick_reservation(void)
{
	for (int tries = 0; tries < 20; tries++)
	{
		int			i;

		if (nreservations == 0)
			return -1;
		if (chance(70) && nlive > 0)
			i = live[pick(0, nlive - 1)];
		else
			i = pick(nreservations > 300 ? nreservations - 300 : 0, nreservations - 1);
		if (reservations[i].status != ST_NONE && reservations[i].id != 0)
			return i;
	}
	return -1;
}

static int
pick_sku(void)
{
	return chance(70) ? pick(0, N_PLAIN - 1) : pick(N_PLAIN, N_SKUS - 1);
}

static void
pick_line(Line *line, int64_t max_qty)
{
	line->sku = pick_sku();
	line->location = pick(0, N_LOCATIONS - 1);
	line->qty = pick(1, max_qty);
	line->lot = -1;
	line->expires_on = NONE;
}

static void
pick_lot(Line *line)
{
	if (line->sku < N_PLAIN)
		return;
	if (chance(80))
		line->lot = pick(0, 4);
	if (chance(85))
		line->expires_on = now / DAY + pick(-1, 12);
}

static void
pick_part(Line *line, int reservation)
{
	line->qty = NONE;
	if (reservation >= 0 && chance(35))
		line->qty = pick(1, reservations[reservation].qty + (chance(10) ? 1 : 0));
}

static void
random_call(Call *call)
{
	static const int weight[FN_COUNT_OF] = {
		6, 2, 2, 4, 2, 3, 3, 7, 3, 3,
		24, 8, 12, 6, 4, 8, 3, 4
	};
	int			sum = 0;
	int			at;
	int			f;

	memset(call, 0, sizeof(*call));
	for (f = 0; f < FN_COUNT_OF; f++)
		sum += weight[f];
	at = pick(0, sum - 1);
	for (f = 0; at >= weight[f]; f++)
		at -= weight[f];
	call->function = f;
	call->channel = call->holder = call->key = call->order_ref = call->ref = call->sale_ref = -1;
	call->ttl = call->occurred_at = NONE;
	call->nlines = 1;
	pick_line(&call->lines[0], 4);
	switch (f)
	{
		case FN_RECEIVE:
			call->lines[0].qty = pick(1, 12);
			pick_lot(&call->lines[0]);
			break;
		case FN_RECEIVE_LINES:
		case FN_RECEIPT_LINES:
			call->nlines = pick(1, 5);
			for (int i = 0; i < call->nlines; i++)
			{
				pick_line(&call->lines[i], 8);
				if (f == FN_RECEIPT_LINES)
					pick_lot(&call->lines[i]);
			}
			break;
		case FN_ADJUST:
			call->lines[0].qty = chance(60) ? -pick(1, 8) : pick(1, 5);
			break;
		case FN_COUNT:
			call->lines[0].qty = pick(0, stock[call->lines[0].sku][call->lines[0].location].on_hand + 3);
			if (chance(40))
				call->occurred_at = now - pick(0, 3600) * SECOND;
			break;
		case FN_BLOCK:
		case FN_UNBLOCK:
			if (call->lines[0].sku >= N_PLAIN && chance(40))
				call->lines[0].lot = pick(0, 4);
			break;
		case FN_SELL:
			call->lines[0].qty = pick(1, 8);
			call->channel = chance(60) ? (int) pick(0, N_CHANNELS - 1) : -1;
			call->refuse = chance(30);
			call->ref = chance(60) ? (int) pick(0, N_REFS - 1) : -1;
			if (chance(20))
				call->occurred_at = now - pick(0, 3600) * SECOND;
			break;
		case FN_SELL_LINES:
			call->nlines = pick(1, 5);
			for (int i = 0; i < call->nlines; i++)
				pick_line(&call->lines[i], 5);
			call->refuse = chance(40);
			call->ref = chance(60) ? (int) pick(0, N_REFS - 1) : -1;
			break;
		case FN_TAKE_BACK:
			call->sale_ref = chance(75) ? (int) pick(0, N_REFS - 1) : -1;
			call->disposition = pick(0, 3);
			break;
		case FN_RESERVE:
		case FN_RESERVE_LINES:
			call->channel = pick(0, N_CHANNELS - 1);
			call->holder = chance(35) ? (int) pick(0, N_HOLDERS - 1) : -1;
			call->ttl = chance(50) ? pick(1, 1200) * SECOND + pick(0, SECOND - 1) : NONE;
			if (f == FN_RESERVE)
			{
				call->lines[0].qty = pick(1, chance(15) ? 20 : 5);
				break;
			}
			call->nlines = pick(1, MAX_LINES);
			call->mode = pick(0, 2);
			for (int i = 0; i < call->nlines; i++)
				pick_line(&call->lines[i], chance(15) ? 15 : 4);
			break;
		case FN_CONSUME_LINES:
			call->nlines = pick(1, 5);
			for (int i = 0; i < call->nlines; i++)
			{
				call->reservations[i] = pick_reservation();
				for (int j = 0; j < i; j++)
				{
					/* naming one twice is an error of its own */
					if (call->reservations[j] == call->reservations[i])
						call->nlines = i;
				}
				if (i < call->nlines)
					pick_part(&call->lines[i], call->reservations[i]);
			}
			break;
		default:
			call->reservations[0] = chance(2) ? -1 : pick_reservation();
			pick_part(&call->lines[0], call->reservations[0]);
			call->holder = f <= FN_EXTEND && chance(30) ? (int) pick(0, N_HOLDERS - 1) : -1;
			if (f == FN_CONFIRM)
			{
				call->release_remainder = chance(40);
				call->order_ref = chance(50) ? (int) pick(0, N_REFS - 1) : -1;
				call->reacquire = chance(30);
			}
			if (f == FN_EXTEND)
				call->ttl = chance(60) ? pick(1, 1200) * SECOND : NONE;
			if (f == FN_RELEASE || f == FN_EXTEND)
				call->lines[0].qty = NONE;
	}
	if (f == FN_CONFIRM && call->reacquire && call->reservations[0] >= 0)
	{
		Reservation *r = &reservations[call->reservations[0]];

		/* what is not sold any more: a test of its own */
		call->reacquire = sellable(r->sku, r->location, r->channel) &&
			!location_closed[r->location] && !channel_closed[r->channel];
	}
	if (f <= FN_RESERVE && f != FN_RECEIVE_LINES && f != FN_RECEIPT_LINES && f != FN_SELL_LINES)
	{
		call->unknown_sku = chance(1);
		call->unknown_location = !call->unknown_sku && chance(1);
	}
	if (f != FN_EXTEND && chance(15))
		call->key = nkeys++;
}

/* The same call once more, or nearly the same under the same key. */
static bool
repeated_call(Call *call)
{
	if (nlast_calls == 0)
		return false;
	*call = last_calls[pick(0, (nlast_calls < 256 ? nlast_calls : 256) - 1)];
	if (call->function == FN_COUNT && call->occurred_at != NONE &&
		call->occurred_at < now - COUNTS_BACK + 3600 * SECOND)
		return false;
	for (int i = 0; call->function >= FN_CONFIRM && i < call->nlines; i++)
	{
		if (call->reservations[i] >= 0 && reservations[call->reservations[i]].status == ST_NONE)
			return false;
	}
	if (chance(20) && call->function != FN_RELEASE && call->lines[0].qty != NONE)
		call->lines[0].qty += call->lines[0].qty < 0 ? -1 : 1;
	return true;
}

static void
call_op(void)
{
	Call		call;

	if (chance(6) && repeated_call(&call))
	{
		perform(&call);
		return;
	}
	random_call(&call);
	perform(&call);
	if (call.key >= 0)
		last_calls[nlast_calls++ % 256] = call;
}

/* ----------------------------------------------------------------
 * Everything else that happens
 * ----------------------------------------------------------------
 */

/* B asks, and is answered at once, from what A leaves it. */
static void
look_from_b(void)
{
	int			sku = pick(0, N_PLAIN - 1);
	int			location = pick(0, N_LOCATIONS - 1);
	int			channel = pick(0, N_CHANNELS - 1);
	int			lapsed[MAX_LAPSED];
	int			nlapsed = lapsed_holds(sku, location, lapsed, MAX_LAPSED);
	int64_t		shared = model_shared(sku, location);
	int64_t		floor = floor_of(sku, location, channel);
	int64_t		free_for_b = shared - floor;
	int64_t		claimable = 0;
	bool		may_sell = sellable(sku, location, channel) && !location_closed[location] &&
		!channel_closed[channel];
	bool		sure = true;
	bool		a_at_it = false;	/* A has changed a lapsed hold: B cannot know */

	/* a percentage of what A is changing is not B's business to know */
	if (stock[sku][location].unsure ||
		(stock[sku][location].written && floor_is_percent(sku, location, channel)))
		return;
	for (int i = 0; i < nlapsed; i++)
	{
		claimable += reservations[lapsed[i]].qty;
		if (in_transaction)
			sure = false;		/* A may have locked it */
	}
	for (int i = 0; i < nlive; i++)
	{
		Reservation *r = &reservations[live[i]];

		a_at_it |= r->sku == sku && r->location == location && r->touched && now >= r->expires_at;
	}
	sure = sure && !a_at_it;
	nb_calls++;
	if (chance(30))
	{
		int64_t		expected = !may_sell || free_for_b + claimable < 0 ? 0 : free_for_b + claimable;
		int64_t		least = !may_sell || free_for_b < 0 ? 0 : free_for_b;
		int64_t		found = ask_int(session_b, "SELECT retail.available(%s, '%s', '%s')", quoted(sku_code[sku]),
									location_code[location], channel_code[channel]);

		if (sure ? found != expected : found < least || (!a_at_it && found > expected))
			fail("available() in session B: the model says %lld, the server %lld", (long long) expected, (long long) found);
	}
	else
	{
		int64_t		qty = pick(1, chance(20) ? 15 : 4);
		PGresult   *res = must(session_b, "SELECT outcome, reservation_id, available FROM retail.reserve(%s, '%s', %lld, '%s')",
							   quoted(sku_code[sku]), location_code[location], (long long) qty, channel_code[channel]);
		const char *outcome = PQgetvalue(res, 0, 0);
		bool		held = strcmp(outcome, "held") == 0;
		int64_t		largest;
		int64_t		claimed = 0;

		if (!may_sell)
		{
			if (strcmp(outcome, "not_sellable") != 0 && strcmp(outcome, "closed") != 0)
				fail("session B: the model says not_sellable or closed, the server %s", outcome);
			PQclear(res);
			return;
		}
		if (held ? free_for_b + claimable < qty : sure && free_for_b + claimable >= qty)
			fail("session B wants %lld: the model has %lld for it and %lld lapsed, the server says %s",
				 (long long) qty, (long long) free_for_b, (long long) claimable, outcome);
		if (!held && free_for_b >= qty)
			fail("session B wants %lld of %lld and is refused: %s", (long long) qty, (long long) free_for_b, outcome);
		if (!held && strcmp(outcome, "insufficient") != 0 && strcmp(outcome, "busy") != 0)
			fail("session B: outcome %s", outcome);
		if (!held && !in_transaction && strcmp(outcome, "busy") == 0)
			fail("nobody was busy, and yet session B is told so");
		claimed = adopt_claims(session_b, lapsed, nlapsed, &largest);
		if (held)
		{
			int			i = model_reserve_b(sku, location, channel, qty);

			reservations[i].id = cell_int(res, 0, 1);
		}
		else if (claimed > 0 && !in_transaction)
			fail("session B is refused, and yet %lld lapsed units were claimed", (long long) claimed);
		PQclear(res);
	}
}

/*
 * The counters themselves, seen from B: what the tables would say, were all
 * that A has given taken back.
 */
static void
check_counters(void)
{
	PGresult   *res = must(session_b, "SELECT s.code, l.code, c.avail FROM retail.sku s, retail.location l, retail._cell(s.id, l.id) c "
						   "WHERE c.avail IS NOT NULL AND NOT s.lot_tracked");

	for (int i = 0; i < PQntuples(res); i++)
	{
		for (int s = 0; s < N_PLAIN; s++)
		{
			for (int l = 0; l < N_LOCATIONS; l++)
			{
				if (strcmp(PQgetvalue(res, i, 0), sku_code[s]) == 0 &&
					strcmp(PQgetvalue(res, i, 1), location_code[l]) == 0 &&
					!stock[s][l].unsure && cell_int(res, i, 2) != model_shared(s, l))
					fail("counter of %s at %s: the model says %lld (%lld free, %lld of them given by A), the server %lld",
						 sku_code[s], location_code[l], (long long) model_shared(s, l),
						 (long long) units_booked_free(s, l), (long long) stock[s][l].own_gives, (long long) cell_int(res, i, 2));
			}
		}
	}
	PQclear(res);
}

static void
transaction_op(void)
{
	if (!in_transaction)
	{
		DO("BEGIN");
		model_begin();
		nsavepoints = 0;
		return;
	}
	if (chance(30) && nsavepoints < MAX_SAVEPOINTS)
	{
		DO("SAVEPOINT s%d", nsavepoints);
		savepoint[nsavepoints++] = model_savepoint();
	}
	else if (chance(45) && nsavepoints > 0)
	{
		int			to = pick(0, nsavepoints - 1);

		DO("ROLLBACK TO SAVEPOINT s%d", to);
		model_rollback_to(savepoint[to]);
		nsavepoints = to + 1;
	}
	else if (chance(30) && nsavepoints > 0)
	{
		int			to = pick(0, nsavepoints - 1);

		DO("RELEASE SAVEPOINT s%d", to);
		nsavepoints = to;
	}
	else if (chance(65))
	{
		DO("COMMIT");
		model_commit();
		ncommits++;
	}
	else
	{
		DO("ROLLBACK");
		model_rollback();
		nrollbacks++;
	}
	if (!in_transaction)
		model_compact();
}

static void
clock_op(void)
{
	if (chance(4) && !in_transaction)
	{
		/* set back: revives holds that nobody has claimed */
		set_clock(now - pick(1, 2000) * SECOND);
		model_reread_lots();
	}
	else if (in_transaction)
		return;
	else if (chance(60))
		set_clock(now + pick(1, 30 * SECOND));
	else if (chance(80))
		set_clock(now + pick(30, 600) * SECOND + pick(0, SECOND - 1));
	else
		set_clock(now + pick(3600, 6 * 3600) * SECOND);
}

/* Master data changes between transactions: rules bind what starts after. */
static void
rule_op(void)
{
	int			s = chance(50) ? 0 : (int) pick(1, N_SKUS);
	int			l = chance(50) ? 0 : (int) pick(1, N_LOCATIONS);
	int			c = chance(50) ? 0 : (int) pick(1, N_CHANNELS);
	char		where[512];

	if (in_transaction)
		return;
	snprintf(where, sizeof(where),
			 "sku_id IS NOT DISTINCT FROM (SELECT id FROM retail.sku WHERE code = %s) AND "
			 "location_id IS NOT DISTINCT FROM (SELECT id FROM retail.location WHERE code = '%s') AND "
			 "channel_id IS NOT DISTINCT FROM (SELECT id FROM retail.channel WHERE code = '%s')",
			 s ? quoted(sku_code[s - 1]) : "''", l ? location_code[l - 1] : "", c ? channel_code[c - 1] : "");
	if (chance(60))
	{
		Rule	   *rule = &safety[s][l][c];

		DO("DELETE FROM retail.safety_stock WHERE %s", where);
		rule->used = chance(45);
		if (!rule->used)
			return;
		rule->qty = chance(60) ? pick(0, 4) : NONE;
		rule->percent = pick(0, 40);
		DO("INSERT INTO retail.safety_stock (sku_id, location_id, channel_id, %s) VALUES ("
		   "(SELECT id FROM retail.sku WHERE code = %s), (SELECT id FROM retail.location WHERE code = '%s'), "
		   "(SELECT id FROM retail.channel WHERE code = '%s'), %lld)", rule->qty == NONE ? "percent" : "qty",
		   s ? quoted(sku_code[s - 1]) : "''", l ? location_code[l - 1] : "", c ? channel_code[c - 1] : "",
		   (long long) (rule->qty == NONE ? rule->percent : rule->qty));
		return;
	}
	if (chance(60))
	{
		if (s == 0)
			return;
		DO("DELETE FROM retail.listing WHERE %s", where);
		listing[s][l][c] = chance(60) ? 0 : chance(50) ? 1 : 2;
		if (listing[s][l][c] != 0)
			DO("INSERT INTO retail.listing (sku_id, location_id, channel_id, status) VALUES ("
			   "(SELECT id FROM retail.sku WHERE code = %s), (SELECT id FROM retail.location WHERE code = '%s'), "
			   "(SELECT id FROM retail.channel WHERE code = '%s'), '%s')", quoted(sku_code[s - 1]),
			   l ? location_code[l - 1] : "", c ? channel_code[c - 1] : "",
			   listing[s][l][c] == 1 ? "on_sale" : "delisted");
		return;
	}

	/* closed ones open again soon, or there would be nothing to see */
	for (int i = 0; i < N_LOCATIONS; i++)
	{
		bool		closed = location_closed[i] ? chance(30) : chance(4);

		if (closed != location_closed[i])
			DO("UPDATE retail.location SET status = '%s' WHERE code = '%s'", closed ? "closed" : "open", location_code[i]);
		location_closed[i] = closed;
	}
	for (int i = 0; i < N_CHANNELS; i++)
	{
		bool		closed = channel_closed[i] ? chance(30) : chance(4);

		if (closed != channel_closed[i])
			DO("UPDATE retail.channel SET status = '%s' WHERE code = '%s'", closed ? "closed" : "open", channel_code[i]);
		channel_closed[i] = closed;
	}
	for (int i = 0; i < N_SKUS; i++)
	{
		bool		gone = sku_discontinued[i] ? chance(30) : chance(4);

		if (gone != sku_discontinued[i])
			DO("UPDATE retail.sku SET status = '%s' WHERE code = %s", gone ? "discontinued" : "active", quoted(sku_code[i]));
		sku_discontinued[i] = gone;
	}
}

static void
expire_op(void)
{
	int64_t		max_rows = chance(50) ? pick(1, 5) : 100000;
	int			lapsed[MAX_LAPSED];
	int			nlapsed = 0;
	int64_t		gives[N_SKUS][N_LOCATIONS] = {{0}};
	int64_t		expected;
	int64_t		found;
	static char sql[64 * 1024];
	int			len;
	PGresult   *res;

	for (int i = 0; i < nlive && nlapsed < MAX_LAPSED; i++)
	{
		if (is_lapsed(&reservations[live[i]]))
			lapsed[nlapsed++] = live[i];
	}
	expected = nlapsed < max_rows ? nlapsed : max_rows;
	found = ask_int(session_a, "SELECT retail.expire_reservations(%lld)", (long long) max_rows);
	expect_number("expire_reservations()", expected, found, "expire_reservations()");
	if (found == 0)
		return;

	/* of equal deadlines any may be first */
	len = snprintf(sql, sizeof(sql), "SELECT id FROM retail.reservation WHERE status = 'expired' AND id IN (");
	for (int i = 0; i < nlapsed; i++)
		len += snprintf(sql + len, sizeof(sql) - len, "%s%lld", i ? ", " : "", (long long) reservations[lapsed[i]].id);
	snprintf(sql + len, sizeof(sql) - len, ")");
	res = must(session_a, "%s", sql);
	expect_number("rows expired", found, PQntuples(res), sql);
	for (int row = 0; row < PQntuples(res); row++)
	{
		for (int i = 0; i < nlapsed; i++)
		{
			Reservation *r = &reservations[lapsed[i]];

			if (r->id != cell_int(res, row, 0))
				continue;
			for (int j = 0; j < nlapsed; j++)
			{
				Reservation *earlier = &reservations[lapsed[j]];

				if (earlier->status == ST_HELD && earlier->expires_at < r->expires_at)
				{
					bool		taken = false;

					for (int k = 0; k < PQntuples(res); k++)
						taken |= cell_int(res, k, 0) == earlier->id;
					if (!taken)
						fail("expire_reservations() left an older hold and took a younger one");
				}
			}
			gives[r->sku][r->location] += r->qty;
		}
	}
	for (int row = 0; row < PQntuples(res); row++)
	{
		for (int i = 0; i < nlapsed; i++)
		{
			if (reservations[lapsed[i]].id == cell_int(res, row, 0))
				model_claimed(lapsed[i], false);
		}
	}
	PQclear(res);
	for (int s = 0; s < N_SKUS; s++)
	{
		for (int l = 0; l < N_LOCATIONS; l++)
		{
			if (gives[s][l] > 0)
				model_gave_claimed(s, l, gives[s][l], false);
		}
	}
}

/* A load: what is on hand of the plain SKUs somewhere, by plain UPDATE. */
static void
bulk_op(void)
{
	int			location = pick(0, N_LOCATIONS - 1);
	int64_t		on_hand = pick(0, 30);
	bool		commit = chance(70);

	if (in_transaction)
		return;
	DO("BEGIN");
	DO("SELECT retail.bulk_write()");
	for (int s = 0; s < N_PLAIN; s++)
	{
		int64_t		units = on_hand + units_unavailable(s, location);

		/* no less than is promised, or the shop would begin with a shortage */
		while (units - units_unavailable(s, location) + units_booked_free(s, location) <
			   stock[s][location].on_hand - units_unavailable(s, location))
			units++;
		DO("INSERT INTO retail.stock (sku_id, location_id, on_hand) SELECT s.id, l.id, %lld FROM retail.sku s, retail.location l "
		   "WHERE s.code = %s AND l.code = '%s' ON CONFLICT (sku_id, location_id) DO UPDATE SET on_hand = EXCLUDED.on_hand",
		   (long long) units, quoted(sku_code[s]), location_code[location]);
		if (commit)
		{
			stock[s][location].on_hand = units;
			stock[s][location].exists = true;
		}
	}
	DO(commit ? "COMMIT" : "ROLLBACK");
}

/* ----------------------------------------------------------------
 * Comparing everything
 * ----------------------------------------------------------------
 */
static int
by_id(const void *a, const void *b)
{
	int64_t		x = reservations[*(const int *) a].id;
	int64_t		y = reservations[*(const int *) b].id;

	return x < y ? -1 : x > y;
}

static void
compare_reservations(bool all)
{
	int		   *mine = malloc(sizeof(int) * (nreservations + 1));
	int			n = 0;
	PGresult   *res = must(session_a, "SELECT r.id, s.code, l.code, c.code, qty, r.status, "
						   "(extract(epoch FROM expires_at) * 1000000)::bigint, parent_id, holder, order_ref "
						   "FROM retail.reservation r JOIN retail.sku s ON s.id = sku_id JOIN retail.location l ON l.id = location_id "
						   "JOIN retail.channel c ON c.id = channel_id %s ORDER BY r.id",
						   all ? "" : "WHERE r.status IN ('held', 'committed')");

	for (int i = 0; i < nreservations; i++)
	{
		Status		status = reservations[i].status;

		if (status == ST_HELD || status == ST_COMMITTED || (all && status != ST_NONE))
			mine[n++] = i;
	}
	qsort(mine, n, sizeof(int), by_id);
	for (int i = 0; i < n || i < PQntuples(res); i++)
	{
		Reservation *r = i < n ? &reservations[mine[i]] : NULL;
		char		text[256];

		if (r == NULL || i >= PQntuples(res))
			fail("the model has %d reservations, the server %d; the first too many is %lld", n, PQntuples(res),
				 (long long) (r ? r->id : cell_int(res, i, 0)));
		snprintf(text, sizeof(text), "reservation %lld", (long long) r->id);
		expect_number("id", r->id, cell_int(res, i, 0), text);
		if (strcmp(PQgetvalue(res, i, 1), sku_code[r->sku]) != 0 ||
			strcmp(PQgetvalue(res, i, 2), location_code[r->location]) != 0 ||
			strcmp(PQgetvalue(res, i, 3), channel_code[r->channel]) != 0)
			fail("%s is of another stock or channel", text);
		expect_number("qty", r->qty, cell_int(res, i, 4), text);
		if (strcmp(PQgetvalue(res, i, 5), status_name[r->status]) != 0)
			fail("%s: the model says %s, the server %s", text, status_name[r->status], PQgetvalue(res, i, 5));
		expect_number("expires_at", r->expires_at, cell_int(res, i, 6), text);
		expect_number("parent_id", r->parent < 0 ? NONE : reservations[r->parent].id, cell_int(res, i, 7), text);
		expect_number("holder", r->holder < 0 ? NONE : r->holder,
					  PQgetisnull(res, i, 8) ? NONE : strtoll(PQgetvalue(res, i, 8) + strlen("holder "), NULL, 10), text);
		expect_number("order_ref", r->order_ref < 0 ? NONE : r->order_ref,
					  PQgetisnull(res, i, 9) ? NONE : strtoll(PQgetvalue(res, i, 9) + 1, NULL, 10), text);
	}
	PQclear(res);
	free(mine);
}

/* What the tables say is unavailable may lag behind lots that have expired. */
static void
compare_stock(void)
{
	for (int s = 0; s < N_SKUS; s++)
	{
		for (int l = 0; l < N_LOCATIONS; l++)
		{
			char		text[128];
			PGresult   *res = must(session_a, "SELECT on_hand, unavailable FROM retail.stock WHERE sku_id = (SELECT id FROM retail.sku WHERE code = %s) "
								   "AND location_id = (SELECT id FROM retail.location WHERE code = '%s')", quoted(sku_code[s]), location_code[l]);
			int64_t		on_hand = PQntuples(res) ? cell_int(res, 0, 0) : 0;
			int64_t		unavailable = PQntuples(res) ? cell_int(res, 0, 1) : 0;

			snprintf(text, sizeof(text), "stock of %s at %s", sku_code[s], location_code[l]);
			expect_number("on_hand", stock[s][l].on_hand, on_hand, text);
			if (s < N_PLAIN)
				expect_number("unavailable", units_unavailable(s, l), unavailable, text);
			PQclear(res);
		}
	}
}

static void
compare_lots(bool adopt)
{
	PGresult   *res = must(session_a, "SELECT s.code, l.code, lot.code, expires_on - '1970-01-01'::date, lot.on_hand, lot.unavailable, "
						   "sum(lot.on_hand) OVER w = k.on_hand, sum(lot.unavailable) OVER w = k.unavailable "
						   "FROM retail.lot JOIN retail.sku s ON s.id = sku_id JOIN retail.location l ON l.id = location_id "
						   "JOIN retail.stock k USING (sku_id, location_id) WINDOW w AS (PARTITION BY sku_id, location_id)");
	int			n = 0;

	for (int i = 0; i < PQntuples(res); i++)
	{
		Lot		   *lot = NULL;
		int64_t		unavailable = cell_int(res, i, 5);
		char		text[256];

		snprintf(text, sizeof(text), "lot \"%s\" %s of %s at %s", PQgetvalue(res, i, 2),
				 PQgetisnull(res, i, 3) ? "without date" : date_text(cell_int(res, i, 3)),
				 PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));
		for (int j = 0; j < nlots && lot == NULL; j++)
		{
			int64_t		code = PQgetvalue(res, i, 2)[0] ? strtoll(PQgetvalue(res, i, 2) + 1, NULL, 10) : -1;

			if (lots[j].id != 0 && strcmp(PQgetvalue(res, i, 0), sku_code[lots[j].sku]) == 0 &&
				strcmp(PQgetvalue(res, i, 1), location_code[lots[j].location]) == 0 &&
				code == lots[j].code && cell_int(res, i, 3) == lots[j].expires_on)
				lot = &lots[j];
		}
		if (lot == NULL)
		{
			if (cell_int(res, i, 4) != 0)
				fail("%s: the model has none, the server %s units", text, PQgetvalue(res, i, 4));
			continue;
		}
		n += lot->on_hand > 0;
		expect_number("on_hand", lot->on_hand, cell_int(res, i, 4), text);
		/* between: posted when it expired, and more has come since */
		if (unavailable < lot->unavailable || unavailable > (adopt ? lot->on_hand : lot_unavailable(lot)))
			fail("%s: unavailable: the model says %lld (%lld by now), the server %lld", text,
				 (long long) lot->unavailable, (long long) lot_unavailable(lot), (long long) unavailable);
		if (adopt)
			lot->unavailable = unavailable;
		if (PQgetvalue(res, i, 6)[0] != 't' || PQgetvalue(res, i, 7)[0] != 't')
			fail("%s: the lots do not add up to the stock", text);
	}
	for (int j = 0; j < nlots; j++)
		n -= lots[j].on_hand > 0;
	if (n != 0)
		fail("the server lacks %d lots that have units", -n);
	PQclear(res);
}

/*
 * A clock set back makes lots good again that had expired, except those that
 * the server has posted to unavailable meanwhile: only it knows which.
 */
void
model_reread_lots(void)
{
	compare_lots(true);
}

static void
compare_everything(bool all)
{
	PGresult   *res;

	ncompared++;
	compare_reservations(all);
	compare_stock();
	compare_lots(false);
	for (int s = 0; s < N_SKUS; s++)
	{
		for (int l = 0; l < N_LOCATIONS; l++)
		{
			for (int c = -1; c < N_CHANNELS; c++)
			{
				int64_t		found = c < 0 ?
					ask_int(session_a, "SELECT retail.available(%s, '%s')", quoted(sku_code[s]), location_code[l]) :
					ask_int(session_a, "SELECT retail.available(%s, '%s', '%s')", quoted(sku_code[s]), location_code[l], channel_code[c]);

				expect_number("available()", available_to(s, l, c), found, kept[(nkept - 1) % KEPT_STATEMENTS]);
			}
		}
	}
	if (in_transaction)
		return;
	res = must(session_b, "SELECT check_name, sku, location, expected, found, detail FROM retail.verify()");
	if (PQntuples(res) > 0)
		fail("verify(): %s %s %s expected %s found %s %s", PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1), PQgetvalue(res, 0, 2),
			 PQgetvalue(res, 0, 3), PQgetvalue(res, 0, 4), PQgetvalue(res, 0, 5));
	PQclear(res);
}

/* ----------------------------------------------------------------
 * The run
 * ----------------------------------------------------------------
 */
static void
set_up(void)
{
	DO("SET synchronous_commit = off");
	DO("SET TimeZone = 'UTC'");
	PQclear(must(session_b, "SET synchronous_commit = off"));

	/* B never waits for A */
	PQclear(must(session_b, "SET statement_timeout = '20s'"));
	now = INT64_C(1900000000) * SECOND;
	set_clock(now);
	for (int i = 0; i < N_CHANNELS; i++)
	{
		DO("INSERT INTO retail.channel (code, name) VALUES ('%s', '%s')", channel_code[i], channel_code[i]);
		if (channel_ttl[i] != NONE)
			DO("UPDATE retail.channel SET hold_ttl = '%lld microseconds' WHERE code = '%s'", (long long) channel_ttl[i], channel_code[i]);
	}
	for (int i = 0; i < N_LOCATIONS; i++)
		DO("INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone) VALUES ('%s', '%s', 'store', 121, 31, '%s')",
		   location_code[i], location_code[i], zone_name[i]);
	for (int i = 0; i < N_SKUS; i++)
	{
		DO("INSERT INTO retail.sku (code, name, lot_tracked) VALUES (%s, 'x', %s)", quoted(sku_code[i]), i < N_PLAIN ? "false" : "true");
		if (shelf_life_days[i] > 0)
			DO("UPDATE retail.sku SET shelf_life_days = %lld WHERE code = %s", (long long) shelf_life_days[i], quoted(sku_code[i]));
	}
}

static void
one_op(void)
{
	int			what = pick(1, 1000);

	if (what <= 700)
		call_op();
	else if (what <= 860)
		transaction_op();
	else if (what <= 920)
		clock_op();
	else if (what <= 930)
		rule_op();
	else if (what <= 938)
		expire_op();
	else if (what <= 940 && !in_transaction)
		DO("SELECT retail.reset_cells()");
	else if (what == 941)
		bulk_op();
	else
		look_from_b();
	if (!in_transaction && op % 16 == 0)
		model_compact();
}

static PGconn *
connect_to(const char *database)
{
	PGconn	   *session = PQsetdbLogin(NULL, NULL, NULL, NULL, database, NULL, NULL);

	if (PQstatus(session) != CONNECTION_OK)
	{
		printf("# %s", PQerrorMessage(session));
		printf("0 passed, 1 failed\n");
		exit(1);
	}
	return session;
}

static void
ignore_notice(void *arg, const char *message)
{
}

int
main(int argc, char **argv)
{
	long		ops = getenv("OPS") ? atol(getenv("OPS")) : 200000;
	time_t		start = time(NULL);

	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t) start;
	random_state = seed;
	if (getenv("MODEL_LOG"))
		log_file = fopen(getenv("MODEL_LOG"), "w");
	printf("# model: SEED=%llu OPS=%ld\n", (unsigned long long) seed, ops);
	session_a = connect_to(argv[1]);
	session_b = connect_to(argv[1]);
	PQsetNoticeProcessor(session_a, ignore_notice, NULL);
	PQsetNoticeProcessor(session_b, ignore_notice, NULL);
	set_up();
	for (op = 1; op <= ops; op++)
	{
		one_op();
		if (op % 20 == 0)
			check_counters();
		if (op % COMPARE_EVERY == 0)
			compare_everything(op % (COMPARE_EVERY * 20) == 0);
	}
	if (in_transaction)
	{
		DO("COMMIT");
		model_commit();
	}
	compare_everything(true);

	printf("# %ld operations in %ld s: %ld commits, %ld rollbacks, %ld errors, %ld refusals, %ld replays, "
		   "%ld holds claimed, %ld calls of the other session\n# ",
		   ops, (long) (time(NULL) - start), ncommits, nrollbacks, nerrors, nrefusals, nreplays, nclaims, nb_calls);
	for (int f = 0; f < FN_COUNT_OF; f++)
		printf("%s%s %ld", f ? ", " : "", function_name[f], ncalls[f]);
	printf("\n# %d reservations, compared row by row %ld times\n", nreservations, ncompared);

	/* a run that hardly did anything proves nothing */
	for (int f = 0; f < FN_COUNT_OF; f++)
	{
		if (ops >= 10000 && ncalls[f] < ops / 500)
			fail("%s was called %ld times only", function_name[f], ncalls[f]);
	}
	if (ops >= 10000 && (nreplays < ops / 500 || nclaims < ops / 500 || nerrors < ops / 1000 || nb_calls < ops / 50))
		fail("too few replays, claims, errors or calls of session B");
	PQfinish(session_a);
	PQfinish(session_b);
	printf("2 passed, 0 failed\n");
	return 0;
}
