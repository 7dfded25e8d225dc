/*-------------------------------------------------------------------------
 * basket.h
 *		Holding the lines of a basket: decided as a whole, then written.
 *
 * Decide, then write or undo.  Between decide and write the units are
 * taken from the counters but nothing is written: the caller may store its
 * answer, write rows of its own, or put everything back.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_BASKET_H
#define RETAIL_BASKET_H

#include "arg.h"
#include "escrow.h"
#include "outcome.h"

typedef enum ReserveMode
{
	MODE_ALL,
	MODE_BEST_EFFORT,
	MODE_PARTIAL
} ReserveMode;

/* What becomes of one line. */
typedef struct LinePlan
{
	Outcome		outcome;
	int64		qty;			/* units taken */
	int64		reservation_id;
	EscrowTake	take;
} LinePlan;

/* The lines of one stock, lines[first] to lines[last]. */
typedef struct StockPlan
{
	int			first;
	int			last;
	SaleRule	rule;
	Escrow		escrow;			/* -1: refused at a glance, not touched */
	int64		given;			/* units of the holder's old holds, put back */
	int64		available;		/* at a glance */
} StockPlan;

typedef struct Basket
{
	/* the caller's */
	LineArg    *lines;			/* in the fixed order: retail_line_compare */
	int			nlines;
	ChannelInfo channel;
	Datum		holder;			/* whose live holds there are replaced; 0: nobody's */
	bool		anonymous;		/* written without the holder: nothing replaces it */
	ReserveMode mode;
	TimestampTz now;
	TimestampTz expires_at;

	/* filled here */
	LinePlan   *plans;			/* beside the lines */
	StockPlan  *stocks;
	int			nstocks;
	bool		any_refused;
	bool		any_held;
} Basket;

/*
 * Takes the units line by line as the mode says; any_held and any_refused tell
 * what came of it, plans[] of each line.  Held lines have their reservation
 * ids.
 */
extern void retail_basket_decide(Basket *basket);

/* Puts back what decide took. */
extern void retail_basket_undo(Basket *basket);

/* The one durable write: the rows of the held lines. */
extern void retail_basket_write(Basket *basket);

/* What the channel could still take there, after decide; per stock. */
extern int64 retail_basket_available(Basket *basket, const StockPlan *stock);

#endif							/* RETAIL_BASKET_H */
