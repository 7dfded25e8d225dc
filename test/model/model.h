/*-------------------------------------------------------------------------
 * model.h
 *		The plain model of stock and reservations that the server is compared
 *		with: arrays, sums over all rows, no cleverness.
 *
 * model.c predicts the answer to a call and changes the model accordingly;
 * drive.c makes up calls, sends them to a server and compares.  The model
 * knows two sessions: A, which may be inside a transaction, and B, which
 * commits each call at once and must never be let wait by A.
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define N_PLAIN 4				/* SKUs 0 .. N_PLAIN - 1 have no lots */
#define N_SKUS 6
#define N_LOCATIONS 3
#define N_CHANNELS 3
#define N_HOLDERS 3
#define N_REFS 60
#define MAX_LINES 8
#define MAX_LOTS 4096
#define MAX_MOVES 2048			/* remembered per stock, for counts in the past */
#define COUNTS_BACK (3 * 3600 * SECOND)	/* how far in the past */

#define NONE INT64_MIN			/* SQL NULL where a number stands */
#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

typedef enum Status
{
	ST_NONE, ST_HELD, ST_COMMITTED, ST_CONSUMED, ST_RELEASED, ST_EXPIRED,
	ST_CANCELLED
} Status;

extern const char *const status_name[];

typedef struct Reservation
{
	int64_t		id;				/* as the server gave it, 0 until it answered */
	int			sku;
	int			location;
	int			channel;
	int64_t		qty;
	Status		status;
	int64_t		expires_at;
	int			parent;			/* index, -1 none */
	int			holder;			/* -1 none */
	int			order_ref;		/* -1 none */
	int			successor;		/* index of what was taken afresh after it lapsed, -1 */
	bool		touched;		/* row locked by session A's open transaction */
} Reservation;

typedef struct Lot
{
	int			sku;
	int			location;
	int			code;			/* -1: none was given */
	int64_t		expires_on;		/* days since 1970-01-01, NONE */
	int64_t		on_hand;
	int64_t		unavailable;	/* blocked by hand, or posted when it expired */
	int64_t		id;				/* order of first coming; 0: not there */
} Lot;

typedef struct Stock
{
	bool		exists;			/* has a row */
	int64_t		on_hand;
	int64_t		unavailable;	/* plain SKUs; else the lots say */
	int64_t		own_gives;		/* A's unspent gives: B may not have them */
	int64_t		drawn;			/* by the call at hand, from what is shared */
	bool		unsure;			/* which of its own units A has left */
	bool		written;		/* by A's open transaction */
	int			nmoves;
	struct
	{
		int64_t		occurred_at;
		int64_t		delta;
	}			moves[MAX_MOVES];
} Stock;

typedef enum Function
{
	FN_RECEIVE, FN_RECEIVE_LINES, FN_RECEIPT_LINES, FN_ADJUST, FN_COUNT,
	FN_BLOCK, FN_UNBLOCK, FN_SELL, FN_SELL_LINES, FN_TAKE_BACK,
	FN_RESERVE, FN_RESERVE_LINES, FN_CONFIRM, FN_RELEASE, FN_EXTEND,
	FN_CONSUME, FN_CONSUME_LINES, FN_CANCEL, FN_COUNT_OF
} Function;

extern const char *const function_name[];

typedef struct Line
{
	int			sku;
	int			location;
	int64_t		qty;
	int			lot;			/* -1 none */
	int64_t		expires_on;		/* NONE */
} Line;

typedef enum Mode
{
	MODE_ALL, MODE_BEST_EFFORT, MODE_PARTIAL
} Mode;

typedef struct Call
{
	Function	function;
	int			nlines;
	Line		lines[MAX_LINES];	/* a call without lines uses the first */
	int			channel;		/* -1 none */
	int64_t		ttl;			/* NONE */
	int			holder;			/* -1 none */
	int			key;			/* request key number, -1 none */
	Mode		mode;
	int			reservations[MAX_LINES];	/* index; -1: an id nobody has */
	bool		release_remainder;
	bool		reacquire;
	int			order_ref;		/* -1 none */
	int			ref;			/* -1 none */
	int			sale_ref;		/* -1 none */
	int			disposition;
	int64_t		occurred_at;	/* NONE */
	bool		unknown_sku;	/* a code nobody has */
	bool		unknown_location;
	bool		refuse;			/* pg_retail.till_oversell = refuse */
} Call;

typedef struct Row
{
	const char *outcome;
	const char *other_outcome;	/* also right; NULL none */
	int			reservation;	/* index, -1 NULL */
	int			remainder;		/* index, -1 NULL */
	int			sku;
	int			location;
	int			channel;		/* for a fresh "available"; -1 none */
	int64_t		qty;
	int64_t		expires_at;
	int64_t		available;
	bool		replayed;
	bool		changed;		/* the call wrote something for this row */
	/* movements */
	bool		moved;			/* movement_id is not NULL */
	int64_t		movement_id;	/* learned from the server */
	int64_t		on_hand;
	int64_t		unrecorded;
	int64_t		shortage;
} Row;

typedef struct Answer
{
	const char *error;			/* SQLSTATE; NULL: rows */
	bool		movement;		/* movement_result, not reservation_result */
	int			nrows;
	Row			rows[MAX_LINES];
} Answer;

extern int64_t now;				/* the test clock, microseconds since 1970 */
extern Reservation *reservations;
extern int	nreservations;
extern int *live;				/* indexes of those not known to be final */
extern int	nlive;
extern Stock stock[N_SKUS][N_LOCATIONS];
extern Lot	lots[MAX_LOTS];
extern int	nlots;

/* Master data, changed by the driver outside transactions only. */
extern bool location_closed[N_LOCATIONS];
extern bool channel_closed[N_CHANNELS];
extern bool sku_discontinued[N_SKUS];

/* Scopes are indexes + 1; 0: all. */
typedef struct Rule
{
	bool		used;
	int64_t		qty;			/* NONE where percent says it */
	int			percent;
} Rule;
extern Rule safety[N_SKUS + 1][N_LOCATIONS + 1][N_CHANNELS + 1];
extern int	listing[N_SKUS + 1][N_LOCATIONS + 1][N_CHANNELS + 1];	/* 0 no row, 1 on
																	 * sale, 2 delisted */

extern const int64_t channel_ttl[N_CHANNELS];	/* NONE: the setting's 900 s */
extern const int64_t zone_offset[N_LOCATIONS];
extern const int64_t shelf_life_days[N_SKUS];

/* Transactions of session A. */
extern bool in_transaction;
extern void model_begin(void);
extern int	model_savepoint(void);	/* returns its mark */
extern void model_rollback_to(int mark);
extern void model_commit(void);
extern void model_rollback(void);
extern void model_compact(void);	/* outside transactions: forget final rows */

/* What the server should answer; changes the model as the call would. */
extern void model_call(const Call *call, Answer *answer);

/* After the ids of an answer are known: what is kept of it under its key. */
extern void model_learned(const Call *call, const Answer *answer);

/*
 * Claimed units became A's own: before the take of this call, which then drew
 * on them, or after it.
 */
extern void model_gave_claimed(int sku, int location, int64_t claimed, bool before_take);

/* What session B may have, and a hold of its own. */
extern int64_t model_shared(int sku, int location);
extern int	model_reserve_b(int sku, int location, int channel, int64_t qty);

/* A lapsed hold that the server has claimed. */
extern void model_claimed(int reservation, bool by_b);
extern bool is_lapsed(const Reservation *r);

/* The driver's: lots after the clock was set back. */
extern void model_reread_lots(void);

extern int64_t units_free(int sku, int location);
extern int64_t units_booked_free(int sku, int location);
extern int64_t units_unavailable(int sku, int location);
extern int64_t lot_unavailable(const Lot *lot);
extern bool lot_expired(const Lot *lot);
extern int64_t floor_of(int sku, int location, int channel);
extern bool floor_is_percent(int sku, int location, int channel);
extern bool sellable(int sku, int location, int channel);
extern int64_t available_to(int sku, int location, int channel);

#endif							/* MODEL_H */
