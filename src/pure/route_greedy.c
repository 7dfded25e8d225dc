/*-------------------------------------------------------------------------
 * route_greedy.c
 *		Residual greedy over places that are asked only when it matters.
 *
 * Asking a place what it holds of a line costs an index descent or a cache
 * miss, and there may be a thousand places.  So a place is asked only as long
 * as it can still be the next pick: it must beat the best so far, and hold so
 * many of the lines that are left that the parcels still allowed can do the
 * rest at that rate; for every later pick holds at most as much.  The lines
 * that fewest places are known to hold are asked for first.  Neither changes
 * what is picked.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "route_greedy.h"

#define NEVER_AGAIN (-1)

typedef struct Play
{
	RouteGreedy *greedy;
	int		   *open;			/* lines that are left, rarest first */
	int			nopen;
	int		   *bound;			/* per place: it holds at most so many of them */
} Play;

static inline int8_t *
hold_of(const Play *play, int place, int line)
{
	return &play->greedy->holds[place * play->greedy->nlines + line];
}

static int
count_holders(const Play *play, int line)
{
	int			n = 0;

	for (int place = 0; place < play->greedy->nplaces; place++)
		n += *hold_of(play, place, line) == 1;
	return n;
}

/* Puts a line where it belongs among those before it; holders: by line. */
static void
insert_open(Play *play, int line, int *holders)
{
	int			at = play->nopen++;

	holders[line] = count_holders(play, line);
	while (at > 0 && holders[play->open[at - 1]] > holders[line])
	{
		play->open[at] = play->open[at - 1];
		at--;
	}
	play->open[at] = line;
}

static bool
ask(const Play *play, int place, int line)
{
	RouteGreedy *greedy = play->greedy;
	int8_t	   *hold = hold_of(play, place, line);

	if (*hold < 0)
		*hold = greedy->nasks++ < greedy->max_asks && greedy->ask(greedy->arg, place, line);
	return *hold == 1;
}

/* How many open lines a place holds, if they are more than "best"; else less. */
static int
count_held(Play *play, int place, int best)
{
	int			most = 0;

	for (int i = 0; i < play->nopen; i++)
		most += *hold_of(play, place, play->open[i]) != 0;
	for (int i = 0; i < play->nopen && most > best; i++)
	{
		int			line = play->open[i];

		if (*hold_of(play, place, line) < 0 && !ask(play, place, line))
			most--;
	}
	play->bound[place] = most;
	return most;
}

/* The first place that holds most of the open lines, and at least "least"; -1: none. */
static int
find_best(Play *play, int least)
{
	RouteGreedy *greedy = play->greedy;
	int			best = least - 1;
	int			found = -1;

	for (int place = 0; place < greedy->nplaces && best < play->nopen; place++)
	{
		int			held;

		if (play->bound[place] <= best)
			continue;
		held = count_held(play, place, best);
		if (held <= best)
			continue;
		if (greedy->accept != NULL && !greedy->accept(greedy->arg, place))
		{
			play->bound[place] = NEVER_AGAIN;
			continue;
		}
		best = held;
		found = place;
	}
	return found;
}

static void
close_lines(Play *play, int place)
{
	int			kept = 0;

	for (int i = 0; i < play->nopen; i++)
	{
		if (*hold_of(play, place, play->open[i]) != 1)
			play->open[kept++] = play->open[i];
	}
	play->nopen = kept;
	play->bound[place] = NEVER_AGAIN;
}

int
retail_route_greedy_work(int nplaces, int nlines)
{
	return nplaces + 2 * nlines;
}

int
retail_route_greedy_play(RouteGreedy *greedy, const bool *wanted, int max_parcels,
						 int *picks, int *work)
{
	Play		play = {greedy, work, 0, work + 2 * greedy->nlines};
	int			npicks = 0;

	for (int line = 0; line < greedy->nlines; line++)
	{
		if (wanted[line])
			insert_open(&play, line, work + greedy->nlines);
	}
	for (int place = 0; place < greedy->nplaces; place++)
		play.bound[place] = play.nopen;
	while (play.nopen > 0)
	{
		int			left = max_parcels - npicks;
		int			place = left > 0 ? find_best(&play, (play.nopen + left - 1) / left) : -1;

		if (place < 0)
			return 0;
		close_lines(&play, place);
		picks[npicks++] = place;
	}
	return npicks;
}
