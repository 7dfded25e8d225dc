/*-------------------------------------------------------------------------
 * drive.c
 *		Random calls through the whole life of orders, each answer checked
 *		against what the state before it and the rules allow.
 *
 * Between calls the laws of laws.sql must hold: units are somewhere once, what
 * is reserved belongs to a live line, capacity and slots are what parcels
 * took, states changed by steps only.  What is on hand is kept here as well:
 * receipts, corrections and till sales as answered, less the parcels that
 * left, plus what came back.  A refusal, a replay and a rollback must leave
 * everything as it was.
 *
 * The last statements are printed when something is wrong, with the seed,
 * which makes the same run again.
 *
 * usage: drive DATABASE      connection by PGHOST and the like
 * environment: SEED (default: the time), OPS (calls, default 8000), LAWS (ask
 * them after every so many calls, default 10), MODEL_LOG (a file for all
 * statements)
 *-------------------------------------------------------------------------
 */
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEPT_STATEMENTS 60
#define CHECK_EVERYTHING_EVERY 200
#define CHECK_STOCK_EVERY 20
#define VERIFY_EVERY 100

#define N_SKUS 6
#define N_LOCATIONS 5
#define N_KEYED 12
#define MAX_CODES 100000
#define MAX_REFUSED 1000

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const char *const sku_code[N_SKUS] = {"A", "B", "C", "D", "E", "LOT"};
static const char *const location_code[N_LOCATIONS] = {"S1", "S2", "S3", "S4", "W5"};

/* laws.sql compares with what the table says; this is what it should say. */
typedef struct Transition
{
	const char *from;
	const char *step;
	const char *kind;			/* NULL: any */
	const char *to;				/* NULL: the state before the hold */
	int			weight;			/* how often the driver wants it */
} Transition;

static const Transition transitions[] = {
	{"routed", "accept", NULL, "accepted", 10},
	{"routed", "reject", NULL, "rejected", 2},
	{"routed", "hold", NULL, "on_hold", 1},
	{"routed", "cancel", NULL, "cancelled", 1},
	{"new", "cancel", NULL, "cancelled", 1},
	{"accepted", "start_picking", NULL, "picking", 10},
	{"accepted", "reject", NULL, "rejected", 1},
	{"accepted", "hold", NULL, "on_hold", 1},
	{"accepted", "cancel", NULL, "cancelled", 1},
	{"picking", "pack", NULL, "packed", 14},
	{"picking", "reject", NULL, "rejected", 1},
	{"picking", "hold", NULL, "on_hold", 1},
	{"picking", "cancel", NULL, "cancelled", 1},
	{"packed", "ship", "delivery", "shipped", 12},
	{"packed", "ready", "pickup", "ready_for_pickup", 12},
	{"packed", "hold", NULL, "on_hold", 1},
	{"packed", "cancel", NULL, "cancelled", 1},
	{"shipped", "deliver", "delivery", "delivered", 10},
	{"ready_for_pickup", "hold", "pickup", "on_hold", 1},
	{"ready_for_pickup", "cancel", "pickup", "cancelled", 1},
	{"on_hold", "resume", NULL, NULL, 8},
	{"on_hold", "cancel", NULL, "cancelled", 1},
};
#define N_TRANSITIONS ((int) (sizeof(transitions) / sizeof(transitions[0])))

static const char *const steps[] = {
	"accept", "reject", "start_picking", "pack", "ship", "deliver", "ready", "cancel", "hold", "resume",
};
#define N_STEPS ((int) (sizeof(steps) / sizeof(steps[0])))

typedef enum Op
{
	OP_PLACE, OP_CONFIRM, OP_STEP, OP_COLLECT, OP_GUESS, OP_CANCEL, OP_RETURN,
	OP_SLOT, OP_WAVE, OP_JOB, OP_RECEIVE, OP_ADJUST, OP_SELL, OP_HOLD,
	OP_REROUTE, OP_MERGE, OP_RENEW, OP_REPLAY, OP_WRONG_KEY, OP_MASTER, OP_COUNT_OF
} Op;

static const char *const op_name[OP_COUNT_OF] = {
	"place", "confirm", "step", "collect", "guess", "cancel", "return",
	"slot", "wave", "job", "receive", "adjust", "sell", "hold",
	"reroute", "merge", "renew", "replay", "wrong key", "master",
};
static const int op_weight[OP_COUNT_OF] = {
	15, 15, 76, 12, 1, 6, 6, 4, 7, 4, 6, 2, 3, 2, 2, 2, 2, 4, 3, 1,
};

/* A call with a request key, and what it answered. */
typedef struct Keyed
{
	char		sql[2048];
	char		answer[8192];
} Keyed;

typedef struct Code
{
	int64_t		parcel;
	char		code[16];
} Code;

/* What a rollback takes back. */
typedef struct Model
{
	int64_t		given[N_SKUS][N_LOCATIONS];
	int			ncodes;
	int			nkeyed;
	int			nrefused[N_LOCATIONS];
	int64_t		refused_at[N_LOCATIONS][MAX_REFUSED];
} Model;

static const int max_refused[N_LOCATIONS] = {20, 4, 20, 20, 20};

static PGconn *session;
static Model model;
static Model at_begin;
static Model at_savepoint;
static Code codes[MAX_CODES];
static Keyed keyed[N_KEYED];
static int	nkeys;
static int	nrefs;
static int64_t now;
static uint64_t seed;
static uint64_t random_state;
static long op_no;
static bool in_transaction;
static bool has_savepoint;
static char begin_digest[40];
static char savepoint_digest[40];
static int	txn_calls_left;
static bool closed_location;
static long laws_every;

static long ncalls[OP_COUNT_OF];
static long nlaws;
static long nrollbacks;
static long ncommits;
static long nunchanged;

typedef struct Tally
{
	char		name[64];
	long		n;
} Tally;

static Tally tally[300];
static int	ntally;

static FILE *log_file;
static char *kept[KEPT_STATEMENTS];
static long nkept;
static PGresult *answer_at_hand;

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
static void
print_rows(const char *title, PGresult *res)
{
	for (int i = 0; res != NULL && i < PQntuples(res); i++)
	{
		printf("# %s:", title);
		for (int j = 0; j < PQnfields(res); j++)
			printf(" %s", PQgetisnull(res, i, j) ? "-" : PQgetvalue(res, i, j));
		printf("\n");
	}
}

static void
fail(const char *format,...)
{
	va_list		args;

	printf("# not right at call %ld, SEED=%llu\n# ", op_no, (unsigned long long) seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	print_rows("answer", answer_at_hand);
	printf("# the last statements:\n");
	for (long i = nkept > KEPT_STATEMENTS ? nkept - KEPT_STATEMENTS : 0; i < nkept; i++)
		printf("#   %s;\n", kept[i % KEPT_STATEMENTS]);
	if (in_transaction)
		PQclear(PQexec(session, "COMMIT"));
	printf("0 passed, 1 failed\n");
	fflush(stdout);
	exit(1);
}

/* Jobs that cannot do a piece of their work only warn. */
static void
notice(void *arg, const PGresult *res)
{
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY);

	if (severity && strcmp(severity, "WARNING") == 0)
		fail("%s", PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
}

static void
count(const char *format,...)
{
	char		name[64];
	va_list		args;
	int			i;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	for (i = 0; i < ntally && strcmp(tally[i].name, name) != 0; i++)
		;
	if (i == ntally)
	{
		if (ntally == (int) (sizeof(tally) / sizeof(tally[0])))
			return;
		strcpy(tally[ntally++].name, name);
	}
	tally[i].n++;
}

static bool
happened(const char *name)
{
	for (int i = 0; i < ntally; i++)
	{
		if (strcmp(tally[i].name, name) == 0)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------
 * Statements
 * ----------------------------------------------------------------
 */
static void
keep(const char *sql)
{
	char	  **slot = &kept[nkept++ % KEPT_STATEMENTS];

	free(*slot);
	*slot = strdup(sql);
	if (log_file != NULL)
	{
		fprintf(log_file, "%s;\n", sql);
		fflush(log_file);
	}
}

static void
check_status(PGresult *res, const char *sql)
{
	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
		fail("\"%s\" failed: %s %s", sql, PQresultErrorField(res, PG_DIAG_SQLSTATE), PQresultErrorMessage(res));
}

/* Must work, and is kept. */
static PGresult *
call(const char *format,...)
{
	char		sql[16384];
	va_list		args;
	PGresult   *res;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	keep(sql);
	res = PQexec(session, sql);
	check_status(res, sql);
	PQclear(answer_at_hand);
	answer_at_hand = res;
	return res;
}

/* Must work; a question of the driver, of no interest to a reader. */
static PGresult *
ask(const char *format,...)
{
	char		sql[16384];
	va_list		args;
	PGresult   *res;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	res = PQexec(session, sql);
	check_status(res, sql);
	return res;
}

static int
column(PGresult *res, const char *name)
{
	int			n = PQfnumber(res, name);

	if (n < 0)
		fail("no column %s in an answer", name);
	return n;
}

static const char *
text_of(PGresult *res, int row, const char *name)
{
	return PQgetvalue(res, row, column(res, name));
}

static bool
null_of(PGresult *res, int row, const char *name)
{
	return PQgetisnull(res, row, column(res, name));
}

static int64_t
int_of(PGresult *res, int row, const char *name)
{
	return strtoll(text_of(res, row, name), NULL, 10);
}

static bool
bool_of(PGresult *res, int row, const char *name)
{
	return *text_of(res, row, name) == 't';
}

static bool
is(PGresult *res, int row, const char *name, const char *value)
{
	return strcmp(text_of(res, row, name), value) == 0;
}

static int64_t
ask_int(const char *format,...)
{
	char		sql[8192];
	va_list		args;
	PGresult   *res;
	int64_t		value;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	res = ask("%s", sql);
	value = PQntuples(res) ? strtoll(PQgetvalue(res, 0, 0), NULL, 10) : 0;
	PQclear(res);
	return value;
}

static void
take_digest(char *digest)
{
	PGresult   *res = ask("SELECT digest FROM law.digest");

	snprintf(digest, 40, "%s", PQgetvalue(res, 0, 0));
	PQclear(res);
}

/* It reads whole tables: some calls are watched, the others are not. */
static void
maybe_digest(char *digest)
{
	digest[0] = '\0';
	if (chance(25))
		take_digest(digest);
}

static void
must_be_unchanged(const char *digest, const char *what)
{
	char		after[40];

	if (digest[0] == '\0')
		return;
	take_digest(after);
	nunchanged++;
	if (strcmp(digest, after) != 0)
		fail("%s has changed something", what);
}

static void
set_clock(int64_t at)
{
	time_t		seconds = at / SECOND;
	struct tm	tm;
	char		text[64];

	now = at;
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	PQclear(call("SET pg_retail.clock = '%s.%06d+00'", text, (int) (at % SECOND)));
	answer_at_hand = NULL;
}

/* ----------------------------------------------------------------
 * Laws
 * ----------------------------------------------------------------
 */
static void
must_be_empty(const char *sql)
{
	PGresult   *res = ask("%s", sql);

	if (PQntuples(res) > 0)
	{
		print_rows("broken", res);
		fail("a law is broken: %s", PQgetvalue(res, 0, 0));
	}
	PQclear(res);
}

static int
index_of(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	fail("\"%s\" is not known", name);
	return -1;
}

static void
check_on_hand(void)
{
	PGresult   *res = ask("SELECT * FROM law.on_hand");

	for (int i = 0; i < PQntuples(res); i++)
	{
		int			s = index_of(sku_code, N_SKUS, text_of(res, i, "sku"));
		int			w = index_of(location_code, N_LOCATIONS, text_of(res, i, "location"));
		int64_t		expected = model.given[s][w] - int_of(res, i, "gone") + int_of(res, i, "back");

		if (int_of(res, i, "on_hand") != expected)
			fail("%s at %s: on hand %s, expected %lld = %lld given - %s gone + %s back", sku_code[s], location_code[w],
				 text_of(res, i, "on_hand"), (long long) expected, (long long) model.given[s][w],
				 text_of(res, i, "gone"), text_of(res, i, "back"));
	}
	PQclear(res);
}

static void
check_laws(void)
{
	bool		everything = op_no % CHECK_EVERYTHING_EVERY == 0;

	if (op_no % laws_every != 0)
		return;
	must_be_empty(everything ? "SELECT * FROM law.broken(true)" : "EXECUTE broken");
	if (op_no % CHECK_STOCK_EVERY == 0)
		check_on_hand();
	if (op_no % VERIFY_EVERY == 0)
		must_be_empty("SELECT * FROM retail.verify()");
	nlaws++;
}

/* ----------------------------------------------------------------
 * Request keys
 * ----------------------------------------------------------------
 */

/* ", request_key => 'K17'", or nothing. */
static const char *
maybe_key(void)
{
	static char text[64];

	if (!chance(30))
		return "";
	snprintf(text, sizeof(text), ", request_key => 'K%d'", ++nkeys);
	return text;
}

/* All but what a replay tells otherwise. */
static void
describe(PGresult *res, char *out, int size)
{
	int			len = 0;

	out[0] = '\0';
	for (int i = 0; i < PQntuples(res); i++)
	{
		for (int j = 0; j < PQnfields(res); j++)
		{
			if (strcmp(PQfname(res, j), "replayed") == 0 || strcmp(PQfname(res, j), "pickup_code") == 0)
				continue;
			len += snprintf(out + len, size - len, "%s,", PQgetisnull(res, i, j) ? "-" : PQgetvalue(res, i, j));
			if (len >= size)
				return;
		}
	}
}

/* The answer at hand is one that its key keeps. */
static void
remember(const char *key)
{
	Keyed	   *k = &keyed[model.nkeyed % N_KEYED];

	if (*key == '\0')
		return;
	snprintf(k->sql, sizeof(k->sql), "%s", kept[(nkept - 1) % KEPT_STATEMENTS]);
	describe(answer_at_hand, k->answer, sizeof(k->answer));
	model.nkeyed++;
}

static void
op_replay(void)
{
	char		digest[40];
	char		answer[8192];
	Keyed	   *k;
	PGresult   *res;
	int			n = model.nkeyed < N_KEYED ? model.nkeyed : N_KEYED;

	if (n == 0)
		return;
	k = &keyed[pick(0, n - 1)];
	maybe_digest(digest);
	res = call("%s", k->sql);
	describe(res, answer, sizeof(answer));
	if (strcmp(answer, k->answer) != 0)
		fail("a replay answers %s and not %s", answer, k->answer);
	for (int i = 0; i < PQntuples(res); i++)
	{
		if (!bool_of(res, i, "replayed"))
			fail("a replay does not say so");
		if (PQfnumber(res, "pickup_code") >= 0 && !null_of(res, i, "pickup_code"))
			fail("a replay tells a pickup code");
	}
	must_be_unchanged(digest, "a replay");
	count("replay");
}

/* The key of one call for another one. */
static void
op_wrong_key(void)
{
	char		digest[40];
	char		sql[2048];
	char	   *at;
	PGresult   *res;
	int			n = model.nkeyed < N_KEYED ? model.nkeyed : N_KEYED;

	if (n == 0 || in_transaction)
		return;
	snprintf(sql, sizeof(sql), "%s", keyed[pick(0, n - 1)].sql);
	if ((at = strstr(sql, "on_short => 'reroute'")) == NULL)
		return;
	/* of another request */
	memcpy(at, "on_short => 'cancel' ", 21);
	take_digest(digest);
	keep(sql);
	res = PQexec(session, sql);
	if (strcmp(PQresultErrorField(res, PG_DIAG_SQLSTATE) ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : "none", "RT005") != 0)
		fail("a key used for another request: %s", PQresultErrorMessage(res));
	PQclear(res);
	must_be_unchanged(digest, "a key of another request");
	count("wrong key");
}

/* ----------------------------------------------------------------
 * Things to act on
 * ----------------------------------------------------------------
 */

/*
 * A row of the question, at random; answer has it in row 0, or none.  The
 * question is ordered, so that a seed finds the same row.
 */
static PGresult *
random_row(int *row, const char *format,...)
{
	char		sql[8192];
	va_list		args;
	PGresult   *res;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	res = ask("%s", sql);
	if (PQntuples(res) == 0)
	{
		PQclear(res);
		return NULL;
	}
	*row = (int) pick(0, PQntuples(res) - 1);
	return res;
}

#define ORDERS \
	"SELECT o.id, o.order_ref, c.code AS channel, o.status FROM retail.sales_order o JOIN retail.channel c ON c.id = o.channel_id "
#define PARCELS \
	"SELECT f.id, f.order_id, f.state, f.resume_state, v.kind, w.code AS location, o.order_ref, c.code AS channel, f.slot_id," \
	" f.collect_by > retail.now() IS NOT FALSE AS in_time, f.code_hash IS NOT NULL AS has_code " \
	"FROM retail.fulfilment_order f JOIN retail.service v ON v.id = f.service_id JOIN retail.location w ON w.id = f.location_id " \
	"JOIN retail.sales_order o ON o.id = f.order_id JOIN retail.channel c ON c.id = o.channel_id "

/* An order, mostly one of this status. */
static PGresult *
random_order(int *row, const char *status)
{
	if (chance(5))
		return random_row(row, ORDERS "ORDER BY o.id");
	return random_row(row, ORDERS "WHERE o.status = '%s' ORDER BY o.id", status);
}

static const char *
latest_code(int64_t parcel)
{
	for (int i = model.ncodes - 1; i >= 0; i--)
	{
		if (codes[i].parcel == parcel)
			return codes[i].code;
	}
	return NULL;
}

static void
learn_code(int64_t parcel, const char *code)
{
	if (strlen(code) != 8)
		fail("\"%s\" is no code", code);
	if (model.ncodes == MAX_CODES)
		fail("too many codes");
	codes[model.ncodes].parcel = parcel;
	snprintf(codes[model.ncodes].code, sizeof(codes[0].code), "%s", code);
	model.ncodes++;
}

/* ----------------------------------------------------------------
 * Calls on orders
 * ----------------------------------------------------------------
 */
typedef struct Totals
{
	int64_t		backordered;
	int64_t		cancelled;
	int64_t		shipped;
	int64_t		returned;
} Totals;

static Totals
totals_of(int64_t order)
{
	Totals		t;
	PGresult   *res = ask("SELECT sum(backordered_qty) AS b, sum(cancelled_qty) AS c, sum(shipped_qty) AS s, sum(returned_qty) AS r "
						  "FROM retail.order_line WHERE order_id = %lld", (long long) order);

	t.backordered = int_of(res, 0, "b");
	t.cancelled = int_of(res, 0, "c");
	t.shipped = int_of(res, 0, "s");
	t.returned = int_of(res, 0, "r");
	PQclear(res);
	return t;
}

/*
 * What the express service can find for a SKU: at least what open locations
 * without a limit of a day have, at most what all have.
 */
static int64_t
units_near(int sku, const char *channel, bool at_most)
{
	return ask_int("SELECT coalesce(sum(greatest(0, retail.available('%s', w.code, '%s'))), 0) FROM retail.location w "
				   "WHERE w.status = 'open' AND (%s OR w.daily_capacity IS NULL)",
				   sku_code[sku], channel, at_most ? "true" : "false");
}

static void
op_place(void)
{
	char		sql[4096];
	int			len;
	int			nlines = (int) pick(1, 4);
	int			sku[4];
	int64_t		qty[4];
	int64_t		wanted[N_SKUS] = {0};
	const char *channel = chance(75) ? "app" : "web";
	const char *service = chance(45) ? "pickup" : chance(80) ? "express" : chance(50) ? "same_day" : "auto";
	const char *key = maybe_key();
	bool		fixed = strcmp(service, "pickup") == 0 && chance(75);
	bool		destination = !fixed || chance(30);
	bool		backorder = chance(35);
	bool		limited = chance(15);
	bool		same_ref = chance(8) && nrefs > 0;
	int			holder = chance(20) ? (int) pick(1, 3) : 0;
	int			ref = same_ref ? (int) pick(1, nrefs) : ++nrefs;
	bool		enough = true;
	bool		too_much = false;
	bool		oracle;
	bool		watched = chance(15);
	char		digest[40];
	int64_t		order;
	bool		known;
	PGresult   *res;

	len = snprintf(sql, sizeof(sql), "SELECT * FROM retail.place_order('%s', 'R%d', ARRAY[", channel, ref);
	for (int i = 0; i < nlines; i++)
	{
		sku[i] = (int) pick(0, N_SKUS - 1);
		qty[i] = pick(1, 4) * (chance(5) ? 15 : 1);
		wanted[sku[i]] += qty[i];
		len += snprintf(sql + len, sizeof(sql) - len, "%s('%s', NULL, %lld)", i ? ", " : "", sku_code[sku[i]], (long long) qty[i]);
	}
	len += snprintf(sql + len, sizeof(sql) - len, "]::retail.line[], service => '%s'", service);
	if (destination)
		len += snprintf(sql + len, sizeof(sql) - len, ", longitude => %.3f, latitude => 31.23", 121.47 + pick(0, 40) / 1000.0);
	if (fixed)
		len += snprintf(sql + len, sizeof(sql) - len, ", location => '%s'", location_code[pick(0, N_LOCATIONS - 2)]);
	if (holder)
		len += snprintf(sql + len, sizeof(sql) - len, ", holder => 'member %d'", holder);
	len += snprintf(sql + len, sizeof(sql) - len, "%s, options => '{%s%s%s}')", key, backorder ? "\"backorder\": true" : "",
					backorder && limited ? ", " : "", limited ? (chance(50) ? "\"max_parcels\": 1" : "\"no_split\": true") : "");

	known = ask_int("SELECT count(*) FROM retail.sales_order o JOIN retail.channel c ON c.id = o.channel_id "
					"WHERE c.code = '%s' AND o.order_ref = 'R%d'", channel, ref) > 0;
	oracle = strcmp(service, "express") == 0 && !limited && !holder && !known;
	for (int i = 0; oracle && i < N_SKUS; i++)
	{
		if (wanted[i] > 0 && units_near(i, channel, true) < wanted[i])
			too_much = true;
		if (wanted[i] > 0 && units_near(i, channel, false) < wanted[i])
			enough = false;
	}
	if (watched)
		take_digest(digest);
	res = call("%s", sql);
	count("place %s", text_of(res, 0, "outcome"));

	if (known)
	{
		if (!is(res, 0, "outcome", "duplicate"))
			fail("an order_ref used twice");
	}
	else if (is(res, 0, "outcome", "placed") || is(res, 0, "outcome", "backordered"))
	{
		for (int i = 0; i < PQntuples(res); i++)
		{
			int			line = (int) int_of(res, i, "line_no") - 1;
			bool		placed = is(res, i, "outcome", "placed");

			if (!placed && !(backorder && is(res, i, "outcome", "backordered")))
				fail("part of an order was not placed");
			if (line < 0 || line >= nlines || !is(res, i, "sku", sku_code[sku[line]]))
				fail("a line that was not ordered");
			if (placed == null_of(res, i, "fulfilment_id") || placed == null_of(res, i, "reservation_id"))
				fail("a placed line has a parcel and a hold, a backordered one has none");
			qty[line] -= int_of(res, i, "qty");
		}
		for (int i = 0; i < nlines; i++)
		{
			if (qty[i] != 0)
				fail("the answer is %lld units off line %d", (long long) qty[i], i + 1);
		}
		order = ask_int("SELECT o.id FROM retail.sales_order o JOIN retail.channel c ON c.id = o.channel_id "
						"WHERE c.code = '%s' AND o.order_ref = 'R%d' AND o.status = 'placed'", channel, ref);
		if (order == 0 || order != int_of(res, 0, "order_id"))
			fail("the order is not there");
		if (ask_int("SELECT count(*) FROM retail.fulfilment_order f JOIN retail.service v ON v.id = f.service_id "
					"WHERE f.order_id = %lld AND v.kind = 'pickup'", (long long) order) > 1)
			fail("a shopper is sent to several stores");
		if (oracle && too_much && !backorder)
			fail("more was placed than there is");
		if (oracle && enough && totals_of(order).backordered > 0)
			fail("backordered although there is enough");
		remember(key);
		return;
	}
	else if (oracle && (enough || backorder) && !is(res, 0, "outcome", "skipped"))
	{
		for (int i = 0; enough && i < PQntuples(res); i++)
			fail("refused although there is enough");
	}
	if (watched)
		must_be_unchanged(digest, "a refused order");
}

static void
op_confirm(void)
{
	int			row;
	PGresult   *o = random_order(&row, "placed");
	PGresult   *res;
	const char *key = maybe_key();
	bool		placed;
	bool		confirmed;
	int64_t		order;
	int64_t		lapsed;
	int64_t		units = 0;
	Totals		before;
	Totals		after;

	if (o == NULL)
		return;
	order = int_of(o, row, "id");
	placed = is(o, row, "status", "placed");
	confirmed = is(o, row, "status", "confirmed");
	lapsed = ask_int("SELECT count(*) FROM retail.fulfilment_order f JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id "
					 "JOIN retail.reservation r ON r.id = l.reservation_id "
					 "WHERE f.order_id = %lld AND f.state = 'new' AND (r.status <> 'held' OR r.expires_at <= retail.now())",
					 (long long) order);
	before = totals_of(order);
	res = call("SELECT * FROM retail.confirm_order('%s', '%s'%s)", text_of(o, row, "channel"), text_of(o, row, "order_ref"), key);
	after = totals_of(order);
	count("confirm %s%s", placed ? "" : "again ", text_of(res, 0, "outcome"));
	if (!placed && !confirmed && !is(res, 0, "outcome", text_of(o, row, "status")))
		fail("payment of an order that is %s", text_of(o, row, "status"));
	for (int i = 0; i < PQntuples(res); i++)
	{
		if (placed && lapsed == 0 && !is(res, i, "outcome", "confirmed") && !is(res, i, "outcome", "backordered"))
			fail("a live hold was not confirmed");
		if (is(res, i, "outcome", "rerouted") && placed)
			count("confirm rerouted");
		if (bool_of(res, i, "replayed") != (confirmed || is(o, row, "status", "completed")))
			fail("replayed of a payment");
		if (!null_of(res, i, "pickup_code"))
		{
			if (!placed)
				fail("a code told twice");
			if (i == 0 || int_of(res, i, "fulfilment_id") != int_of(res, i - 1, "fulfilment_id"))
				learn_code(int_of(res, i, "fulfilment_id"), text_of(res, i, "pickup_code"));
		}
		if (!null_of(res, i, "qty"))
			units += int_of(res, i, "qty");
	}
	if (placed)
	{
		if (lapsed == 0 && before.backordered != after.backordered)
			fail("units of live holds were backordered");
		if (after.backordered > before.backordered)
			count("confirm lost");
		if (units != ask_int("SELECT sum(qty - cancelled_qty - shipped_qty) FROM retail.order_line WHERE order_id = %lld", (long long) order))
			fail("the answer does not have the units of the order");
		if (ask_int("SELECT count(*) FROM retail.sales_order WHERE id = %lld AND status = 'confirmed'", (long long) order) != 1)
			fail("a paid order is not confirmed");
		remember(key);
	}
	if (after.cancelled != before.cancelled || after.shipped != before.shipped)
		fail("payment has cancelled or shipped units");
	PQclear(o);
}

static bool
is_live(const char *state)
{
	static const char *const over[] = {"shipped", "delivered", "collected", "rejected", "cancelled", "uncollected"};

	for (int i = 0; i < 6; i++)
	{
		if (strcmp(over[i], state) == 0)
			return false;
	}
	return true;
}

static const Transition *
find_transition(const char *state, const char *step, const char *kind)
{
	for (int i = 0; i < N_TRANSITIONS; i++)
	{
		const Transition *t = &transitions[i];

		if (strcmp(t->from, state) == 0 && strcmp(t->step, step) == 0 && (t->kind == NULL || strcmp(t->kind, kind) == 0))
			return t;
	}
	return NULL;
}

static bool
leads_to(const char *step, const char *state, const char *kind)
{
	for (int i = 0; i < N_TRANSITIONS; i++)
	{
		const Transition *t = &transitions[i];

		if (t->to && strcmp(t->to, state) == 0 && strcmp(t->step, step) == 0 && (t->kind == NULL || strcmp(t->kind, kind) == 0))
			return true;
	}
	return false;
}

static const char *
random_step(const char *state, const char *kind)
{
	int			total = 0;
	int			n;

	for (int i = 0; i < N_TRANSITIONS; i++)
	{
		if (find_transition(state, transitions[i].step, kind) == &transitions[i])
			total += transitions[i].weight;
	}
	if (total == 0 || chance(7))
		return steps[pick(0, N_STEPS - 1)];
	n = (int) pick(1, total);
	for (int i = 0; i < N_TRANSITIONS; i++)
	{
		if (find_transition(state, transitions[i].step, kind) == &transitions[i] && (n -= transitions[i].weight) <= 0)
			return transitions[i].step;
	}
	return NULL;
}

/* Units of SKUs in a parcel beyond what is on hand there. */
static int64_t
units_short(int64_t parcel)
{
	return ask_int("SELECT count(*) FROM (SELECT l.sku_id, f.location_id, sum(l.qty) AS qty FROM retail.fulfilment_line l "
				   "JOIN retail.fulfilment_order f ON f.id = l.fulfilment_id WHERE f.id = %lld GROUP BY 1, 2) x "
				   "JOIN retail.stock s USING (sku_id, location_id) WHERE s.on_hand < x.qty", (long long) parcel);
}

static void
op_step(void)
{
	int			row;
	PGresult   *p = random_row(&row, PARCELS "WHERE law.is_live(f.state) AND (f.state <> 'new' OR f.id %% 16 = 0) OR f.state = 'shipped' "
							   "OR f.id %% 32 = %d ORDER BY f.id", (int) pick(0, 31));
	const char *state;
	const char *step;
	const char *expected;
	const char *reason = chance(40) ? "not_found" : NULL;
	const char *on_short = chance(50) ? "reroute" : chance(50) ? "backorder" : "cancel";
	const char *key = maybe_key();
	const Transition *t;
	char		picked[512] = "";
	char		digest[40];
	bool		takes_picked;
	bool		refused;
	bool		short_of;
	int64_t		parcel;
	int64_t		units = 0;
	int64_t		found = 0;
	Totals		before;
	Totals		after;
	PGresult   *lines;
	PGresult   *res;

	if (p == NULL)
		return;
	state = text_of(p, row, "state");
	parcel = int_of(p, row, "id");
	step = random_step(state, text_of(p, row, "kind"));
	t = find_transition(state, step, text_of(p, row, "kind"));

	lines = ask("SELECT qty FROM retail.fulfilment_line WHERE fulfilment_id = %lld ORDER BY line_no", (long long) parcel);
	takes_picked = strcmp(step, "pack") == 0 || strcmp(step, "reject") == 0;
	if (takes_picked && PQntuples(lines) > 0 && chance(30))
	{
		int			len = snprintf(picked, sizeof(picked), ", picked => ARRAY[");

		for (int i = 0; i < PQntuples(lines); i++)
		{
			int64_t		qty = int_of(lines, i, "qty");
			int64_t		n = chance(60) ? qty : pick(0, qty);

			units += qty;
			found += n;
			len += snprintf(picked + len, sizeof(picked) - len, "%s%lld", i ? ", " : "", (long long) n);
		}
		snprintf(picked + len, sizeof(picked) - len, "]::bigint[]");
	}
	else
	{
		for (int i = 0; i < PQntuples(lines); i++)
			units += int_of(lines, i, "qty");
		found = strcmp(step, "reject") == 0 && reason ? 0 : units;
	}
	PQclear(lines);

	/* what it should answer */
	if (t == NULL)
		expected = leads_to(step, state, text_of(p, row, "kind")) ? state : "wrong_state";
	else if (strcmp(step, "pack") == 0 && found == 0)
		expected = "rejected";
	else
		expected = t->to ? t->to : text_of(p, row, "resume_state");

	before = totals_of(int_of(p, row, "order_id"));
	short_of = units_short(parcel) > 0;
	if (t == NULL)
		maybe_digest(digest);
	res = call("SELECT * FROM retail.advance(%lld, '%s'%s%s%s%s, on_short => '%s'%s)", (long long) parcel, step,
			   reason ? ", reason => '" : "", reason ? reason : "", reason ? "'" : "", picked, on_short, key);
	after = totals_of(int_of(p, row, "order_id"));
	refused = is(res, 0, "outcome", "insufficient");
	count("%s %s%s", step, text_of(res, 0, "outcome"), bool_of(res, 0, "replayed") ? " replayed" : "");

	if (refused)
	{
		if (strcmp(step, "ship") != 0)
			fail("%s answers insufficient", step);
		if (!short_of && ask_int("SELECT count(*) FROM retail.fulfilment_line l JOIN retail.sku k ON k.id = l.sku_id AND k.lot_tracked "
								 "WHERE l.fulfilment_id = %lld", (long long) parcel) == 0)
			fail("there is enough to ship");
		expected = "insufficient";
	}
	if (!is(res, 0, "outcome", expected))
		fail("%s of a parcel that is %s: expected %s", step, state, expected);
	if (bool_of(res, 0, "replayed") != (t == NULL && strcmp(expected, "wrong_state") != 0))
		fail("replayed of a step");
	if (ask_int("SELECT count(*) FROM retail.fulfilment_order WHERE id = %lld AND state = '%s'", (long long) parcel,
				t == NULL || refused ? state : expected) != 1)
		fail("the parcel is not in the state it should be");
	if (t == NULL)
		must_be_unchanged(digest, "a step that is not allowed");
	else if (!refused)
	{
		bool		left = strcmp(expected, "shipped") == 0;
		bool		cancelled = strcmp(expected, "cancelled") == 0;
		bool		rejected = strcmp(expected, "rejected") == 0;
		bool		packed_short = strcmp(expected, "packed") == 0 && found < units;

		if (after.shipped - before.shipped != (left ? units : 0))
			fail("shipped units");
		if (after.cancelled - before.cancelled != (cancelled ? units :
												   packed_short && strcmp(on_short, "cancel") == 0 ? units - found : 0))
			fail("cancelled units");
		if (packed_short && strcmp(on_short, "backorder") == 0 && after.backordered - before.backordered != units - found)
			fail("backordered units");
		if (!rejected && !packed_short && after.backordered != before.backordered)
			fail("units were backordered");
		if (after.backordered > before.backordered + (rejected ? units : units - found))
			fail("more was backordered than was missing");
		if (int_of(res, 0, "missing_qty") != (takes_picked ? units - found : 0))
			fail("missing units, expected %lld", (long long) (takes_picked ? units - found : 0));
		if (packed_short)
			count("pack short %s", on_short);
		remember(key);
	}
	PQclear(p);
}

/* Tries of the window, as the throttle counts them. */
static bool
throttled(int w)
{
	int			n = 0;

	for (int i = 0; i < model.nrefused[w]; i++)
	{
		if (model.refused_at[w][i] > now - 10 * MINUTE)
			model.refused_at[w][n++] = model.refused_at[w][i];
	}
	model.nrefused[w] = n;
	return n >= max_refused[w];
}

static void
collect(int w, const char *code, const char *expected, const char *key)
{
	bool		shut = throttled(w);
	PGresult   *res;

	if (shut)
	{
		expected = "refused";
		count("collect throttled");
	}
	res = call("SELECT * FROM retail.collect('%s', '%s'%s)", location_code[w], code, key);
	count("collect %s", text_of(res, 0, "outcome"));
	if (!is(res, 0, "outcome", expected) && !(strcmp(expected, "collected") == 0 && is(res, 0, "outcome", "insufficient")))
		fail("expected %s of a pickup code", expected);
	if (is(res, 0, "outcome", "refused"))
	{
		if (!shut)
			model.refused_at[w][model.nrefused[w]++] = now;
		for (int j = 0; j < PQnfields(res); j++)
		{
			const char *name = PQfname(res, j);

			if (!PQgetisnull(res, 0, j) && strcmp(name, "outcome") && strcmp(name, "location") && strcmp(name, "replayed"))
				fail("a refusal tells %s", name);
		}
	}
	if (!is(res, 0, "outcome", "insufficient"))
		remember(key);
}

static void
op_collect(void)
{
	int			row;
	PGresult   *p = random_row(&row, PARCELS "WHERE v.kind = 'pickup' AND (f.state = 'ready_for_pickup' OR f.id %% 64 = %d) ORDER BY f.id",
							   chance(80) ? -1 : (int) pick(0, 63));
	const char *code;
	const char *expected = "refused";
	char		typed[32];
	int			w;
	bool		right;
	int64_t		parcel;
	bool		short_of;

	if (p == NULL)
		return;
	parcel = int_of(p, row, "id");
	w = index_of(location_code, N_LOCATIONS, text_of(p, row, "location"));
	code = latest_code(parcel);
	right = code != NULL && is(p, row, "state", "ready_for_pickup") && bool_of(p, row, "in_time");
	if (code == NULL)
		code = "23456789";
	snprintf(typed, sizeof(typed), "%s", code);
	if (chance(20))				/* as people write */
		snprintf(typed, sizeof(typed), " %.4s-%s", code, code + 4);
	if (chance(5))
	{
		w = (w + 1) % N_LOCATIONS;
		right = false;
	}
	else if (chance(5))
	{
		/* one character is another */
		typed[strlen(typed) - 1] = typed[strlen(typed) - 1] == 'A' ? 'B' : 'A';
		right = false;
	}
	if (right)
		expected = "collected";
	short_of = units_short(parcel) > 0;
	collect(w, typed, expected, maybe_key());
	if (is(answer_at_hand, 0, "outcome", "insufficient") && !short_of &&
		ask_int("SELECT count(*) FROM retail.fulfilment_line l JOIN retail.sku k ON k.id = l.sku_id AND k.lot_tracked "
				"WHERE l.fulfilment_id = %lld", (long long) parcel) == 0)
		fail("there is enough to hand over");
	PQclear(p);
}

static void
op_guess(void)
{
	int			w = (int) pick(0, N_LOCATIONS - 1);
	int			n = (int) pick(1, 8);

	for (int i = 0; i < n; i++)
	{
		char		code[16] = "";

		for (int j = 0; j < 8; j++)
			code[j] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"[pick(0, 31)];
		collect(w, code, "refused", "");
	}
}

static void
op_cancel(void)
{
	int			row;
	PGresult   *o = random_order(&row, chance(50) ? "placed" : "confirmed");
	PGresult   *l;
	PGresult   *res;
	const char *key = maybe_key();
	int64_t		order;
	int64_t		line_no = 0;
	int64_t		qty = 0;
	int64_t		open_units;
	int64_t		expected;
	int64_t		cancelled = 0;
	Totals		before;
	Totals		after;
	char		args[128] = "";
	char		digest[40];

	if (o == NULL)
		return;
	order = int_of(o, row, "id");
	l = ask("SELECT line_no, qty, cancelled_qty, shipped_qty FROM retail.order_line WHERE order_id = %lld ORDER BY 1", (long long) order);
	open_units = ask_int("SELECT sum(qty - cancelled_qty - shipped_qty) FROM retail.order_line WHERE order_id = %lld", (long long) order);
	expected = open_units;
	if (chance(70))
	{
		int			i = (int) pick(0, PQntuples(l) - 1);

		line_no = int_of(l, i, "line_no");
		expected = open_units = int_of(l, i, "qty") - int_of(l, i, "cancelled_qty") - int_of(l, i, "shipped_qty");
		snprintf(args, sizeof(args), ", line_no => %lld", (long long) line_no);
		if (chance(60))
		{
			qty = pick(1, int_of(l, i, "qty"));
			expected = qty <= open_units ? qty : 0;
			snprintf(args, sizeof(args), ", line_no => %lld, qty => %lld", (long long) line_no, (long long) qty);
		}
	}
	PQclear(l);
	before = totals_of(order);
	if (expected == 0)
		maybe_digest(digest);
	res = call("SELECT * FROM retail.cancel_order('%s', '%s'%s%s)", text_of(o, row, "channel"), text_of(o, row, "order_ref"), args, key);
	after = totals_of(order);
	count("cancel %s%s", text_of(res, 0, "outcome"), qty ? " units" : line_no ? " line" : "");
	for (int i = 0; i < PQntuples(res); i++)
	{
		if (is(res, i, "outcome", "cancelled") && !bool_of(res, i, "replayed"))
			cancelled += int_of(res, i, "qty");
	}
	if (cancelled != expected || after.cancelled - before.cancelled != expected)
		fail("%lld units were to be cancelled, %lld are, the answer says %lld", (long long) expected,
			 (long long) (after.cancelled - before.cancelled), (long long) cancelled);
	if (after.shipped != before.shipped || after.backordered > before.backordered)
		fail("cancellation has shipped or backordered units");
	if (expected == 0)
		must_be_unchanged(digest, "a cancellation that comes too late");
	else
		remember(key);
	PQclear(o);
}

static void
op_return(void)
{
	static const char *const disposition[] = {"restock", "quarantine", "refurbish", "scrap"};
	int			row;
	PGresult   *l = random_row(&row, "SELECT c.code AS channel, o.order_ref, o.id, l.line_no, l.shipped_qty - l.returned_qty AS most "
							   "FROM retail.order_line l JOIN retail.sales_order o ON o.id = l.order_id JOIN retail.channel c ON c.id = o.channel_id "
							   "WHERE l.shipped_qty > %s ORDER BY o.id, l.line_no", chance(85) ? "l.returned_qty" : "0");
	const char *key = maybe_key();
	const char *expected;
	int			w = chance(80) ? (int) pick(0, N_LOCATIONS - 1) : -1;
	int64_t		qty;
	char		place[64] = "";
	char		digest[40];
	bool		open = true;
	bool		accepts = true;
	Totals		before;
	Totals		after;
	PGresult   *res;

	if (l == NULL)
		return;
	qty = pick(1, int_of(l, row, "most") + 1);
	if (w >= 0)
	{
		snprintf(place, sizeof(place), ", location => '%s', disposition => '%s'", location_code[w], disposition[pick(0, 3)]);
		open = ask_int("SELECT count(*) FROM retail.location WHERE code = '%s' AND status = 'open'", location_code[w]) == 1;
		accepts = ask_int("SELECT count(*) FROM retail.location WHERE code = '%s' AND accepts_returns", location_code[w]) == 1;
	}
	if (qty > int_of(l, row, "most"))
		expected = "not_shipped";
	else if (w < 0)
		expected = "refunded";
	else
		expected = !accepts ? "no_returns" : !open ? "closed" : "returned";
	before = totals_of(int_of(l, row, "id"));
	maybe_digest(digest);
	res = call("SELECT * FROM retail.return_order('%s', '%s', %s, %lld%s%s)", text_of(l, row, "channel"),
			   text_of(l, row, "order_ref"), text_of(l, row, "line_no"), (long long) qty, place, key);
	after = totals_of(int_of(l, row, "id"));
	count("return %s", text_of(res, 0, "outcome"));
	if (!is(res, 0, "outcome", expected))
		fail("expected %s of a return", expected);
	if (is(res, 0, "outcome", "returned") || is(res, 0, "outcome", "refunded"))
	{
		if (after.returned - before.returned != qty)
			fail("returned units");
		remember(key);
	}
	else
		must_be_unchanged(digest, "a refused return");
	PQclear(l);
}

/* ----------------------------------------------------------------
 * Slots, waves, jobs
 * ----------------------------------------------------------------
 */
static void
op_slot(void)
{
	int			row;
	int			srow;
	PGresult   *p = random_row(&row, PARCELS "WHERE law.is_live(f.state) OR f.id %% 32 = %d ORDER BY f.id", (int) pick(0, 31));
	PGresult   *s;
	PGresult   *res;
	const char *expected;
	const char *key = maybe_key();
	char		digest[40];

	if (p == NULL)
		return;
	if (chance(15))
	{
		bool		live = is_live(text_of(p, row, "state"));
		bool		has = !null_of(p, row, "slot_id");

		res = call("SELECT * FROM retail.free_slot(%s)", text_of(p, row, "id"));
		count("free slot %s", text_of(res, 0, "outcome"));
		if (!is(res, 0, "outcome", has && !live ? "wrong_state" : "freed") || bool_of(res, 0, "replayed") == has)
			fail("freeing a slot");
		PQclear(p);
		return;
	}
	s = random_row(&srow, "SELECT t.id, w.code AS location, t.ends_at > retail.now() AS coming, (SELECT count(*) FROM retail.fulfilment_order f WHERE f.slot_id = t.id) < t.capacity AS free "
				   "FROM retail.slot t JOIN retail.location w ON w.id = t.location_id "
				   "WHERE (w.code = '%s' OR t.id %% 40 = 0) AND t.starts_at BETWEEN retail.now() - interval '3 hours' AND retail.now() + interval '6 hours' %s"
				   "ORDER BY t.id", text_of(p, row, "location"),
				   chance(40) ? "AND EXISTS (SELECT FROM retail.fulfilment_order f WHERE f.slot_id = t.id) " : "");
	if (s == NULL)
	{
		PQclear(p);
		return;
	}
	if (!null_of(p, row, "slot_id") && is(p, row, "slot_id", text_of(s, srow, "id")))
		expected = "booked";
	else if (!is_live(text_of(p, row, "state")))
		expected = "wrong_state";
	else if (!is(s, srow, "location", text_of(p, row, "location")))
		expected = "no_slot";
	else if (!bool_of(s, srow, "coming"))
		expected = "over";
	else
		expected = bool_of(s, srow, "free") ? "booked" : "full";
	maybe_digest(digest);
	res = call("SELECT * FROM retail.book_slot(%s, %s%s)", text_of(p, row, "id"), text_of(s, srow, "id"), key);
	count("slot %s", text_of(res, 0, "outcome"));
	if (!is(res, 0, "outcome", expected))
		fail("expected %s of a slot", expected);
	if (strcmp(expected, "booked") != 0 || bool_of(res, 0, "replayed"))
		must_be_unchanged(digest, "a slot that was not booked");
	else
		remember(key);
	PQclear(p);
	PQclear(s);
}

static void
op_wave(void)
{
	int			row;
	PGresult   *w;
	PGresult   *res;
	const char *key = maybe_key();

	if (chance(40))
	{
		int			n = (int) pick(1, 4);

		res = call("SELECT * FROM retail.make_wave('%s', %d%s)", location_code[pick(0, N_LOCATIONS - 1)], n, key);
		count("wave %s", text_of(res, 0, "outcome"));
		if (is(res, 0, "outcome", "planned"))
		{
			if (int_of(res, 0, "parcels") > n)
				fail("too many parcels in a wave");
			if (int_of(res, 0, "units") != ask_int("SELECT sum(qty) FROM retail.pick_list(%s)", text_of(res, 0, "wave_id")) ||
				int_of(res, 0, "units") != ask_int("SELECT sum(l.qty) FROM retail.fulfilment_line l JOIN retail.fulfilment_order f ON f.id = l.fulfilment_id "
												   "WHERE f.wave_id = %s", text_of(res, 0, "wave_id")))
				fail("a pick list does not have the units of its wave");
			remember(key);
		}
		return;
	}
	w = random_row(&row, "SELECT id, state FROM retail.pick_wave WHERE state <> 'done' OR id %% 16 = %d ORDER BY id", (int) pick(0, 15));
	if (w == NULL)
		return;
	if (is(w, row, "state", "planned") || chance(10))
	{
		res = call("SELECT * FROM retail.start_wave(%s)", text_of(w, row, "id"));
		count("start wave %s", text_of(res, 0, "outcome"));
		if (!is(res, 0, "outcome", is(w, row, "state", "done") ? "wrong_state" : "started"))
			fail("starting a wave");
	}
	else
	{
		char		picked[1024] = "{";
		int			len = 1;
		PGresult   *lines = ask("SELECT f.id, array_agg(l.qty ORDER BY l.line_no) AS all, array_agg(l.qty - (l.line_no %% 2) ORDER BY l.line_no) AS most "
								"FROM retail.fulfilment_order f JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id "
								"WHERE f.wave_id = %s AND f.state = 'picking' GROUP BY 1 ORDER BY 1", text_of(w, row, "id"));

		for (int i = 0; i < PQntuples(lines); i++)
		{
			const char *array = text_of(lines, i, chance(50) ? "all" : "most");

			if (chance(60) || len > 800)
				continue;
			len += snprintf(picked + len, sizeof(picked) - len, "%s\"%s\": [%.*s]", len > 1 ? ", " : "", text_of(lines, i, "id"),
							(int) strlen(array) - 2, array + 1);
		}
		snprintf(picked + len, sizeof(picked) - len, "}");
		PQclear(lines);
		res = call("SELECT * FROM retail.finish_wave(%s, '%s', '%s')", text_of(w, row, "id"), picked,
				   chance(50) ? "reroute" : chance(50) ? "backorder" : "cancel");
		count("finish wave");
		for (int i = 0; i < PQntuples(res); i++)
		{
			if (is(w, row, "state", "started") && !is(res, i, "outcome", "packed") && !is(res, i, "outcome", "rejected"))
				fail("a parcel of a finished wave is %s", text_of(res, i, "outcome"));
		}
		if (ask_int("SELECT count(*) FROM retail.fulfilment_order WHERE wave_id = %s AND state IN ('accepted', 'picking')", text_of(w, row, "id")) > 0)
			fail("a finished wave has parcels to pick");
	}
	PQclear(w);
}

static void
op_job(void)
{
	switch (pick(0, 5))
	{
		case 0:
			count("expire %s", PQgetvalue(call("SELECT retail.expire_orders(1000, '10 minutes') > 0"), 0, 0));
			if (ask_int("SELECT count(*) FROM retail.sales_order o WHERE o.status = 'placed' AND o.placed_at <= retail.now() - interval '10 minutes' "
						"AND NOT EXISTS (SELECT FROM retail.fulfilment_order f JOIN retail.fulfilment_line l ON l.fulfilment_id = f.id "
						"JOIN retail.reservation r ON r.id = l.reservation_id WHERE f.order_id = o.id AND f.state = 'new' "
						"AND r.status = 'held' AND r.expires_at > retail.now() - interval '10 minutes')") > 0)
				fail("an unpaid order is not expired");
			break;
		case 1:
			count("unaccepted %s", PQgetvalue(call("SELECT retail.reroute_unaccepted(1000) > 0"), 0, 0));
			if (ask_int("SELECT count(*) FROM retail.fulfilment_order WHERE state = 'routed' AND accept_by <= retail.now()") > 0)
				fail("a parcel that was not accepted is still there");
			break;
		case 2:
			count("uncollected %s", PQgetvalue(call("SELECT retail.return_uncollected(1000) > 0"), 0, 0));
			if (ask_int("SELECT count(*) FROM retail.fulfilment_order WHERE state = 'ready_for_pickup' AND collect_by <= retail.now()") > 0)
				fail("a parcel that was not collected is still there");
			break;
		case 3:
			count("backorders %s", PQgetvalue(call("SELECT retail.release_backorders(NULL, 20) > 0"), 0, 0));
			break;
		case 4:
			count("fold %s", PQgetvalue(call("SELECT retail.fold_capacity() > 0"), 0, 0));
			if (ask_int("SELECT count(*) FROM retail.capacity_return") > 0)
				fail("places given back were not folded");
			break;
		default:
			count("lapsed %s", PQgetvalue(call("SELECT retail.expire_reservations(1000) > 0"), 0, 0));
	}
}

/* ----------------------------------------------------------------
 * Stock beside the orders
 * ----------------------------------------------------------------
 */
static void
op_receive(int s, int w, int64_t qty)
{
	PGresult   *res;
	char		lot[96] = "";

	if (s == N_SKUS - 1)
	{
		time_t		expires = now / SECOND + pick(2, 20) * 86400;
		struct tm	tm;

		gmtime_r(&expires, &tm);
		snprintf(lot, sizeof(lot), ", lot => 'L%04d%02d%02d', expires_on => '%04d-%02d-%02d'", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
				 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	}
	res = call("SELECT * FROM retail.receive('%s', '%s', %lld%s)", sku_code[s], location_code[w], (long long) qty, lot);
	count("receive %s", text_of(res, 0, "outcome"));
	if (is(res, 0, "outcome", "received"))
		model.given[s][w] += qty;
}

static void
op_adjust(int s, int w)
{
	int64_t		delta = chance(70) ? -pick(1, 3) : pick(1, 3);
	PGresult   *res;

	if (s == N_SKUS - 1)
		return;
	if (chance(40))
	{
		int64_t		blocked = ask_int("SELECT unavailable FROM retail.stock s JOIN retail.sku k ON k.id = s.sku_id JOIN retail.location w ON w.id = s.location_id "
									  "WHERE k.code = '%s' AND w.code = '%s'", sku_code[s], location_code[w]);

		/* what pickers did not find is found again */
		if (blocked > 0)
			count("unblock %s", text_of(call("SELECT * FROM retail.unblock('%s', '%s', %lld, 'found')", sku_code[s], location_code[w],
											 (long long) blocked), 0, "outcome"));
		return;
	}
	res = call("SELECT * FROM retail.adjust('%s', '%s', %lld, 'found otherwise')", sku_code[s], location_code[w], (long long) delta);
	count("adjust %s", text_of(res, 0, "outcome"));
	if (is(res, 0, "outcome", "adjusted"))
		model.given[s][w] += delta;
}

static void
op_sell(int s, int w)
{
	int64_t		qty = pick(1, 3);
	PGresult   *res = call("SELECT * FROM retail.sell('%s', '%s', %lld, 'till', ref => 'T%ld')", sku_code[s], location_code[w],
						   (long long) qty, op_no);

	count("sell %s", text_of(res, 0, "outcome"));
	if (is(res, 0, "outcome", "sold"))
		model.given[s][w] -= qty - int_of(res, 0, "unrecorded_qty");
}

/* Other people's holds; some are those of members who order later. */
static void
op_hold(int s, int w)
{
	PGresult   *res = call("SELECT * FROM retail.reserve('%s', '%s', %lld, 'app', interval '%d minutes', 'member %d')", sku_code[s],
						   location_code[w], (long long) pick(1, 3), (int) pick(1, 30), (int) pick(1, 3));

	count("hold %s", text_of(res, 0, "outcome"));
	if (is(res, 0, "outcome", "held") && chance(30))
		count("release %s", text_of(call("SELECT * FROM retail.release(%s)", text_of(res, 0, "reservation_id")), 0, "outcome"));
}

static void
op_on_order(Op op)
{
	int			row;
	PGresult   *o = random_order(&row, "confirmed");
	Totals		before;
	Totals		after;

	if (o == NULL)
		return;
	before = totals_of(int_of(o, row, "id"));
	if (op == OP_REROUTE)
		call("SELECT * FROM retail.reroute_order('%s', '%s')", text_of(o, row, "channel"), text_of(o, row, "order_ref"));
	else
		count("merge %s", PQgetvalue(call("SELECT retail.merge_parcels('%s', '%s')", text_of(o, row, "channel"), text_of(o, row, "order_ref")), 0, 0));
	after = totals_of(int_of(o, row, "id"));
	if (after.cancelled != before.cancelled || after.shipped != before.shipped || after.backordered > before.backordered)
		fail("units of the order");
	if (op == OP_REROUTE)
		count("reroute %s", after.backordered < before.backordered ? "some" : "none");
	PQclear(o);
}

static void
op_renew(void)
{
	int			row;
	PGresult   *p = random_row(&row, PARCELS "WHERE law.is_live(f.state) AND f.code_hash IS NULL OR f.id %% 32 = %d ORDER BY f.code_hash IS NULL, f.id",
							   (int) pick(0, 31));
	bool		right;
	PGresult   *res;

	if (p == NULL)
		return;
	right = is(p, row, "kind", "pickup") && is_live(text_of(p, row, "state")) && !is(p, row, "state", "new");
	res = call("SELECT * FROM retail.renew_pickup_code(%s)", text_of(p, row, "id"));
	count("renew %s", text_of(res, 0, "outcome"));
	if (!is(res, 0, "outcome", right ? "renewed" : "wrong_state") || null_of(res, 0, "pickup_code") == right)
		fail("a new code");
	if (right)
		learn_code(int_of(p, row, "id"), text_of(res, 0, "pickup_code"));
	PQclear(p);
}

/* A store closes or opens; another stops taking returns. */
static void
op_master(void)
{
	if (in_transaction)
		return;
	if (chance(50))
		call("UPDATE retail.location SET accepts_returns = NOT accepts_returns WHERE code = 'S2'");
	else
	{
		closed_location = !closed_location;
		call("UPDATE retail.location SET status = '%s' WHERE code = 'S4'", closed_location ? "closed" : "open");
	}
}

/* ----------------------------------------------------------------
 * Transactions, clock, the run
 * ----------------------------------------------------------------
 */
static void
forget_keys(const Model *then)
{
	/* kept answers are overwritten in turn; after a rollback none is sure */
	if (model.nkeyed != then->nkeyed)
		model.nkeyed = 0;
}

static void
end_transaction(void)
{
	if (has_savepoint && chance(60))
	{
		call("ROLLBACK TO s");
		forget_keys(&at_savepoint);
		at_savepoint.nkeyed = model.nkeyed;
		model = at_savepoint;
		must_be_unchanged(savepoint_digest, "what was rolled back to a savepoint");
		nrollbacks++;
	}
	has_savepoint = false;
	if (chance(50))
	{
		call("ROLLBACK");
		forget_keys(&at_begin);
		at_begin.nkeyed = model.nkeyed;
		model = at_begin;
		in_transaction = false;
		must_be_unchanged(begin_digest, "what was rolled back");
		nrollbacks++;
	}
	else
	{
		call("COMMIT");
		in_transaction = false;
		ncommits++;
	}
	must_be_empty("SELECT * FROM retail.verify()");
}

static void
maybe_transaction(void)
{
	if (in_transaction)
	{
		if (!has_savepoint && chance(20))
		{
			call("SAVEPOINT s");
			at_savepoint = model;
			take_digest(savepoint_digest);
			has_savepoint = true;
		}
		if (--txn_calls_left <= 0)
			end_transaction();
	}
	else if (chance(3))
	{
		take_digest(begin_digest);
		call("BEGIN");
		at_begin = model;
		in_transaction = true;
		txn_calls_left = (int) pick(1, 8);
	}
}

/* Every place hands over by the hour, today and tomorrow. */
static void
make_slots(void)
{
	call("INSERT INTO retail.slot (location_id, starts_at, ends_at, capacity) "
		 "SELECT w.id, h, h + interval '1 hour', 1 + (extract(hour FROM h)::int %% 2) FROM retail.location w, "
		 "generate_series(date_trunc('hour', retail.now()) - interval '3 hours', retail.now() + interval '20 hours', '1 hour') h "
		 "ON CONFLICT DO NOTHING");
}

static void
one_op(void)
{
	int			total = 0;
	int			n;
	int			op = 0;
	int			s = (int) pick(0, N_SKUS - 1);
	int			w = (int) pick(0, N_LOCATIONS - 1);

	maybe_transaction();
	if (!in_transaction)
	{
		int64_t		ahead = pick(0, 100 * SECOND);

		if (chance(1) && chance(60))
			ahead = pick(0, 9 * HOUR);
		set_clock(now + 1 + ahead);
	}
	for (int i = 0; i < OP_COUNT_OF; i++)
		total += op_weight[i];
	n = (int) pick(1, total);
	while ((n -= op_weight[op]) > 0)
		op++;
	ncalls[op]++;
	switch ((Op) op)
	{
		case OP_PLACE:
			op_place();
			break;
		case OP_CONFIRM:
			op_confirm();
			break;
		case OP_STEP:
			op_step();
			break;
		case OP_COLLECT:
			op_collect();
			break;
		case OP_GUESS:
			op_guess();
			break;
		case OP_CANCEL:
			op_cancel();
			break;
		case OP_RETURN:
			op_return();
			break;
		case OP_SLOT:
			op_slot();
			break;
		case OP_WAVE:
			op_wave();
			break;
		case OP_JOB:
			op_job();
			break;
		case OP_RECEIVE:
			op_receive(s, w, pick(3, 12));
			break;
		case OP_ADJUST:
			op_adjust(s, w);
			break;
		case OP_SELL:
			op_sell(s, w);
			break;
		case OP_HOLD:
			op_hold(s, w);
			break;
		case OP_REROUTE:
		case OP_MERGE:
			op_on_order((Op) op);
			break;
		case OP_RENEW:
			op_renew();
			break;
		case OP_REPLAY:
			op_replay();
			break;
		case OP_WRONG_KEY:
			op_wrong_key();
			break;
		case OP_MASTER:
			op_master();
			break;
		case OP_COUNT_OF:
			break;
	}
	check_laws();
	if (op_no % 100 == 0 && !in_transaction)
		make_slots();
}

static void
set_up(void)
{
	set_clock(INT64_C(1930212000) * SECOND);	/* 2031-03-02 10:00 UTC, or so */
	call("SET client_min_messages = warning");
	call("SET TimeZone = 'UTC'");
	call("SET plan_cache_mode = force_generic_plan");
	call("SET jit = off");
	call("INSERT INTO retail.channel (code, name, kind) VALUES ('app', 'App', 'online'), ('web', 'Web', 'online'), ('till', 'Till', 'store')");
	call("INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, daily_capacity) VALUES "
		 "('S1', 'Shop 1', 'store', 121.470, 31.230, 'UTC', 25), ('S2', 'Shop 2', 'store', 121.490, 31.230, 'Asia/Shanghai', NULL), "
		 "('S3', 'Shop 3', 'store', 121.510, 31.230, 'Etc/GMT+5', 12), ('S4', 'Shop 4', 'store', 121.480, 31.240, 'UTC', NULL), "
		 "('W5', 'Warehouse', 'warehouse', 121.600, 31.300, 'UTC', NULL)");
	call("INSERT INTO retail.sku (code, name, lot_tracked) SELECT c, c, c = 'LOT' FROM unnest(ARRAY['A', 'B', 'C', 'D', 'E', 'LOT']) c");
	call("UPDATE retail.service SET collect_within = interval '2 hours' WHERE code = 'pickup'");
	call("INSERT INTO retail.pickup_throttle (location_id, max_refused) SELECT id, 4 FROM retail.location WHERE code = 'S2'");
	make_slots();
	for (int s = 0; s < N_SKUS; s++)
	{
		for (int w = 0; w < N_LOCATIONS; w++)
			op_receive(s, w, 12);
	}
	PQclear(ask("PREPARE broken AS SELECT * FROM law.broken(false)"));
}

/* A run that hardly did anything proves nothing. */
static void
check_variety(void)
{
	static const char *const must_happen[] = {
		"place placed", "place backordered", "place insufficient", "place duplicate", "confirm confirmed", "confirm rerouted",
		"accept accepted", "pack packed", "pack short reroute", "pack short backorder", "pack short cancel", "pack rejected",
		"reject rejected", "ship shipped", "deliver delivered", "ready ready_for_pickup", "cancel cancelled",
		"hold on_hold", "collect collected", "collect refused", "collect throttled", "cancel cancelled units", "cancel cancelled line",
		"cancel too_late units", "return returned", "return refunded", "return not_shipped", "return no_returns", "slot booked",
		"slot full", "slot over", "wave planned", "finish wave", "expire t", "unaccepted t", "uncollected t", "backorders t", "fold t",
		"reroute some", "replay", "wrong key",
	};

	for (int i = 0; i < (int) (sizeof(must_happen) / sizeof(must_happen[0])); i++)
	{
		if (!happened(must_happen[i]))
			fail("\"%s\" never happened", must_happen[i]);
	}
	if (nrollbacks < 20 || nunchanged < 50)
		fail("too few rollbacks, or answers that change nothing");
}

int
main(int argc, char **argv)
{
	long		ops = getenv("OPS") ? atol(getenv("OPS")) : 8000;
	time_t		start = time(NULL);
	char		conninfo[256];

	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t) start;
	random_state = seed;
	laws_every = getenv("LAWS") ? atol(getenv("LAWS")) : 10;
	if (getenv("MODEL_LOG"))
		log_file = fopen(getenv("MODEL_LOG"), "w");
	printf("# order model: SEED=%llu OPS=%ld\n", (unsigned long long) seed, ops);
	snprintf(conninfo, sizeof(conninfo), "dbname=%s", argv[1]);
	session = PQconnectdb(conninfo);
	if (PQstatus(session) != CONNECTION_OK)
		fail("%s", PQerrorMessage(session));
	PQsetNoticeProcessor(session, NULL, NULL);
	PQsetNoticeReceiver(session, notice, NULL);
	set_up();
	for (op_no = 1; op_no <= ops; op_no++)
		one_op();
	if (in_transaction)
		end_transaction();
	must_be_empty("SELECT * FROM law.broken(true)");
	must_be_empty("SELECT * FROM retail.verify()");
	check_on_hand();

	printf("# %ld calls in %ld s: %ld commits of several, %ld rollbacks, %ld answers that had to change nothing, laws asked %ld times\n# ",
		   ops, (long) (time(NULL) - start), ncommits, nrollbacks, nunchanged, nlaws);
	for (int i = 0; i < OP_COUNT_OF; i++)
		printf("%s%s %ld", i ? ", " : "", op_name[i], ncalls[i]);
	printf("\n#");
	for (int i = 0; i < ntally; i++)
		printf("%s %s: %ld", i ? "," : "", tally[i].name, tally[i].n);
	printf("\n");
	if (ops >= 8000)
		check_variety();
	PQfinish(session);
	printf("3 passed, 0 failed\n");
	return 0;
}
