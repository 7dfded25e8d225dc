/*-------------------------------------------------------------------------
 * route_greedy_test.c
 *		Random test of src/pure/route_greedy.c against a slow and obvious twin.
 *
 *		cc -Isrc/base -Isrc/pure test/modules/route_greedy_test.c src/pure/route_greedy.c
 *		./a.out [seed]
 *
 * The twin knows every answer and plays the rule to its end, however many
 * places it takes.  Prints TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "route_greedy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_PLACES	60
#define MAX_LINES	20
#define ROUNDS		100000

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* One case: what is true, and what was asked. */
static int	nplaces;
static int	nlines;
static bool truth[MAX_PLACES][MAX_LINES];
static bool accepted[MAX_PLACES];
static bool wanted[MAX_LINES];
static bool asked[MAX_PLACES][MAX_LINES];
static bool asked_twice;
static bool asked_unwanted;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int
random_below(int limit)
{
	return (int) (random_bits() % (uint64_t) limit);
}

static void
ok(bool success, const char *name)
{
	tests_done++;
	if (!success)
		tests_failed++;
	printf("%sok %d - %s\n", success ? "" : "not ", tests_done, name);
}

static bool
tell(void *arg, int place, int line)
{
	asked_twice |= asked[place][line];
	asked_unwanted |= !wanted[line];
	asked[place][line] = true;
	return truth[place][line];
}

static bool
judge(void *arg, int place)
{
	return accepted[place];
}

static int
play_slowly(bool (*holds)[MAX_LINES], int *picks)
{
	bool		left[MAX_LINES];
	int			npicks = 0;

	memcpy(left, wanted, sizeof(left));
	for (;;)
	{
		int			best = -1;
		int			most = 0;
		int			nleft = 0;

		for (int line = 0; line < nlines; line++)
			nleft += left[line];
		if (nleft == 0)
			return npicks;
		for (int place = 0; place < nplaces; place++)
		{
			int			held = 0;

			for (int line = 0; line < nlines; line++)
				held += left[line] && holds[place][line];
			if (accepted[place] && held > most)
			{
				most = held;
				best = place;
			}
		}
		if (best < 0)
			return -1;
		for (int line = 0; line < nlines; line++)
			left[line] = left[line] && !holds[best][line];
		picks[npicks++] = best;
	}
}

static void
make_case(int8_t *holds)
{
	int			per_mille = 1 + random_below(999);
	int			known = random_below(3) == 0 ? 0 : random_below(1000);

	nplaces = random_below(MAX_PLACES + 1);
	nlines = 1 + random_below(MAX_LINES);
	memset(asked, 0, sizeof(asked));
	for (int line = 0; line < nlines; line++)
		wanted[line] = random_below(8) != 0;
	for (int place = 0; place < nplaces; place++)
	{
		accepted[place] = random_below(10) != 0;
		for (int line = 0; line < nlines; line++)
		{
			truth[place][line] = random_below(1000) < per_mille;
			holds[place * nlines + line] = random_below(1000) < known ? truth[place][line] : -1;
		}
	}
}

/* Whether the play is the twin's, where that one takes no more than it may. */
static bool
same_picks(int n, const int *picks, int twin_n, const int *twin, int max_parcels)
{
	if (twin_n <= 0 || twin_n > max_parcels)
		return n == 0;
	return n == twin_n && memcmp(picks, twin, sizeof(int) * n) == 0;
}

static void
test_random(void)
{
	static int8_t holds[MAX_PLACES * MAX_LINES];
	static int	work[MAX_PLACES + 2 * MAX_LINES];
	int			picks[MAX_LINES];
	int			twin[MAX_LINES];
	int			wrong = 0;
	int			played = 0;
	int			given_up = 0;
	double		asks = 0;
	double		all = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		RouteGreedy greedy = {0};
		int			max_parcels = 1 + random_below(MAX_LINES);
		int			n;
		int			twin_n;

		make_case(holds);
		greedy.nplaces = nplaces;
		greedy.nlines = nlines;
		greedy.holds = holds;
		greedy.max_asks = MAX_PLACES * MAX_LINES;
		greedy.ask = tell;
		greedy.accept = judge;
		n = retail_route_greedy_play(&greedy, wanted, max_parcels, picks, work);
		twin_n = play_slowly(truth, twin);
		wrong += !same_picks(n, picks, twin_n, twin, max_parcels);
		played += n > 0;
		given_up += n == 0 && twin_n > max_parcels;
		asks += greedy.nasks;
		all += (double) nplaces * nlines;
	}
	printf("# %d played to the end, %d given up for taking too many, %.0f %% asked\n",
		   played, given_up, 100 * asks / all);
	ok(wrong == 0, "the same places in the same order, or none if they were too many");
	ok(!asked_twice, "nothing is asked twice");
	ok(!asked_unwanted, "nor what nobody wants");
	ok(played > ROUNDS / 4 && given_up > ROUNDS / 50, "both ends are seen");
	ok(asks < 0.7 * all, "and a good part is never asked");
}

/* Without questions left, only what is known counts. */
static void
test_few_asks(void)
{
	static int8_t holds[MAX_PLACES * MAX_LINES];
	static int	work[MAX_PLACES + 2 * MAX_LINES];
	static bool known[MAX_PLACES][MAX_LINES];
	int			picks[MAX_LINES];
	int			twin[MAX_LINES];
	int			wrong = 0;
	int			over = 0;

	for (int round = 0; round < ROUNDS / 10; round++)
	{
		RouteGreedy greedy = {0};
		int			n;

		make_case(holds);
		greedy.nplaces = nplaces;
		greedy.nlines = nlines;
		greedy.holds = holds;
		greedy.ask = tell;
		greedy.accept = judge;
		greedy.max_asks = random_below(2) * random_below(20);
		for (int place = 0; place < nplaces; place++)
		{
			for (int line = 0; line < nlines; line++)
				known[place][line] = holds[place * nlines + line] == 1;
		}
		n = retail_route_greedy_play(&greedy, wanted, MAX_LINES, picks, work);
		if (greedy.max_asks == 0)
			wrong += !same_picks(n, picks, play_slowly(known, twin), twin, MAX_LINES);
		for (int place = 0; place < nplaces; place++)
		{
			for (int line = 0; line < nlines; line++)
				greedy.max_asks -= asked[place][line];
		}
		over += greedy.max_asks < 0;
	}
	ok(wrong == 0, "without questions, what is known decides");
	ok(over == 0, "never more questions than it may ask");
}

int
main(int argc, char **argv)
{
	uint64_t	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t) time(NULL);

	printf("# seed %" PRIu64 "\n", seed);
	random_state = seed;
	test_random();
	test_few_asks();
	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
