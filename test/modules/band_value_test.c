/*-------------------------------------------------------------------------
 * band_value_test.c
 *		Random test of src/pure/band_value.c and src/pure/band_key.c.
 *
 *		tools/run_module_test test/modules/band_value_test.c [seed]
 *
 * The twin of a band is the list of its legal prices, so bands here are small
 * and near each other, in three units of which two share a currency.  Index
 * keys are held to what a search needs: a box never hides a band.  Text is
 * read back, damaged, and read again from blocks of exactly its size.  Prints
 * TAP; the seed repeats a run.
 *-------------------------------------------------------------------------
 */
#include "band_key.h"
#include "price_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS	  100000
#define MAX_PRICE 40
#define MAX_ITEMS 300

static uint64_t random_state;
static int	tests_done = 0;
static int	tests_failed = 0;

/* splitmix64 */
static uint64_t
random_bits(void)
{
	uint64_t	z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int64_t
random_below(int64_t limit)
{
	return (int64_t) (random_bits() % (uint64_t) limit);
}

/* Prints one TAP line for a rule that held "failures" times not. */
static void
report_rule(const char *rule, int failures)
{
	tests_done++;
	if (failures > 0)
		tests_failed++;
	printf("%sok %d - %s\n", failures > 0 ? "not " : "", tests_done, rule);
	if (failures > 0)
		printf("# failed %d times\n", failures);
}

static PriceBand
make_band(int64_t base, int64_t low, int64_t high, const char *currency,
		  int decimals)
{
	PriceBand	band;

	memset(&band, 0, sizeof(band));
	band.base_minor = base;
	band.low_minor = low;
	band.high_minor = high;
	strcpy(band.currency, currency);
	band.decimals = decimals;
	return band;
}

/* Three prices below "limit", in order, in one of three units. */
static PriceBand
random_band(int64_t limit)
{
	static const struct
	{
		const char *currency;
		int			decimals;
	}			units[] = {{"CNY", 2}, {"JPY", 0}, {"CNY", 3}};
	int			unit = (int) random_below(3);
	int64_t		a = 1 + random_below(limit);
	int64_t		b = 1 + random_below(limit);
	int64_t		low = a < b ? a : b;
	int64_t		high = a < b ? b : a;

	return make_band(low + random_below(high - low + 1), low, high,
					 units[unit].currency, units[unit].decimals);
}

/* Whether this number of ten-thousandths is one of the band's prices. */
static bool
twin_contains(const PriceBand *band, int64_t amount_e4)
{
	for (int64_t price = band->low_minor; price <= band->high_minor; price++)
	{
		int64_t		price_e4 = price;

		for (int i = band->decimals; i < 4; i++)
			price_e4 *= 10;
		if (price_e4 == amount_e4)
			return true;
	}
	return false;
}

static bool
twin_same_unit(const PriceBand *a, const PriceBand *b)
{
	return strcmp(a->currency, b->currency) == 0 && a->decimals == b->decimals;
}

/* The prices legal in both; counts them. */
static int
twin_common(const PriceBand *a, const PriceBand *b, int64_t *least,
			int64_t *greatest)
{
	int			count = 0;

	for (int64_t price = 1; price <= MAX_PRICE; price++)
	{
		if (twin_same_unit(a, b) &&
			price >= a->low_minor && price <= a->high_minor &&
			price >= b->low_minor && price <= b->high_minor)
		{
			if (count++ == 0)
				*least = price;
			*greatest = price;
		}
	}
	return count;
}

static void
test_questions(void)
{
	int			contains = 0;
	int			overlaps = 0;
	int			intersects = 0;
	int			clamps = 0;
	int			keys = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		PriceBand	a = random_band(MAX_PRICE);
		PriceBand	b = random_band(MAX_PRICE);
		PriceBand	common;
		PriceBandKey a_key;
		PriceBandKey b_key;
		int64_t		unit = retail_price_minor_unit((int) random_below(5));
		int64_t		amount_e4 = random_below(MAX_PRICE + 3) * unit - unit;
		int64_t		amount = random_below(MAX_PRICE + 3) - 1;
		int64_t		nearest = a.low_minor;
		int64_t		least = 0;
		int64_t		greatest = 0;
		int			count = twin_common(&a, &b, &least, &greatest);

		retail_band_key_make(&a, &a_key);
		retail_band_key_make(&b, &b_key);
		contains += retail_band_contains(&a, amount_e4) != twin_contains(&a, amount_e4);
		keys += retail_band_key_contains(&a_key, amount_e4, true) != twin_contains(&a, amount_e4);
		overlaps += retail_band_overlaps(&a, &b) != (count > 0);
		keys += retail_band_key_overlaps(&a_key, &b_key) != (count > 0);

		intersects += retail_band_intersect(&a, &b, &common) != (count > 0);
		if (count > 0)
			intersects += common.low_minor != least || common.high_minor != greatest ||
				retail_band_check(&common) != BAND_OK || !twin_same_unit(&common, &a) ||
				(a.base_minor >= least && a.base_minor <= greatest &&
				 common.base_minor != a.base_minor);

		for (int64_t price = a.low_minor; price <= a.high_minor; price++)
			if (llabs(price - amount) < llabs(nearest - amount))
				nearest = price;
		clamps += retail_band_clamp(&a, amount) != nearest;
	}
	report_rule("a band contains its legal prices and nothing else", contains);
	report_rule("bands overlap when a price is legal in both", overlaps);
	report_rule("an intersection has the prices legal in both, and the first base", intersects);
	report_rule("clamp finds the nearest legal price", clamps);
	report_rule("a leaf key answers as its band does", keys);
}

static void
test_order(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		PriceBand	a = random_band(4);
		PriceBand	b = random_band(4);
		PriceBand	c = random_band(4);
		int			ab = retail_band_compare(&a, &b);
		int			bc = retail_band_compare(&b, &c);
		int			ac = retail_band_compare(&a, &c);

		failures += (ab == 0) != (memcmp(&a, &b, sizeof(a)) == 0);
		failures += (ab < 0) != (retail_band_compare(&b, &a) > 0);
		failures += ab <= 0 && bc <= 0 && ac > 0;
	}
	report_rule("the order is total, and equal means the same bytes", failures);
}

static void
test_check(void)
{
	int			failures = 0;
	int64_t		most = INT64_MAX / 100;
	PriceBand	band;

	band = make_band(999, 950, 1048, "CNY", 2);
	failures += retail_band_check(&band) != BAND_OK;
	band = make_band(most, 1, most, "CNY", 2);
	failures += retail_band_check(&band) != BAND_OK;
	band = make_band(most, 1, most + 1, "CNY", 2);
	failures += retail_band_check(&band) != BAND_OUT_OF_RANGE;
	band = make_band(INT64_MAX, INT64_MAX, INT64_MAX, "CLF", 4);
	failures += retail_band_check(&band) != BAND_OK;
	band = make_band(0, 0, 1, "CNY", 2);
	failures += retail_band_check(&band) != BAND_NOT_POSITIVE;
	band = make_band(1, 0, 1, "CNY", 2);
	failures += retail_band_check(&band) != BAND_NOT_POSITIVE;
	band = make_band(1, 2, 3, "CNY", 2);
	failures += retail_band_check(&band) != BAND_NOT_ORDERED;
	band = make_band(3, 1, 2, "CNY", 2);
	failures += retail_band_check(&band) != BAND_NOT_ORDERED;
	band = make_band(1, 1, 1, "CNY", 5);
	failures += retail_band_check(&band) != BAND_BAD_DECIMALS;
	band = make_band(1, 1, 1, "CNY", -1);
	failures += retail_band_check(&band) != BAND_BAD_DECIMALS;
	band = make_band(1, 1, 1, "CnY", 2);
	failures += retail_band_check(&band) != BAND_BAD_CURRENCY;
	band = make_band(1, 1, 1, "CNY", 2);
	band.currency[3] = 'X';
	failures += retail_band_check(&band) != BAND_BAD_CURRENCY;
	report_rule("what breaks a rule of bands is found", failures);
}

/*-------------------------------------------------------------------------
 * Text
 *-------------------------------------------------------------------------
 */

/* Reads from a block of exactly the length, so that a sanitizer sees a stray. */
static BandStatus
parse_exact(const char *text, size_t len, PriceBand *band)
{
	char	   *block = malloc(len > 0 ? len : 1);
	size_t		offset = SIZE_MAX;
	BandStatus	status;

	memcpy(block, text, len);
	status = retail_band_parse(block, len, band, &offset);
	free(block);
	return offset > len ? (BandStatus) -1 : status;
}

static int
misread(const char *text, BandStatus expected)
{
	PriceBand	band;
	BandStatus	status = parse_exact(text, strlen(text), &band);

	if (status != expected)
		printf("# \"%s\" gives %d\n", text, (int) status);
	return status != expected;
}

static void
test_known_text(void)
{
	int			failures = 0;
	char text[	BAND_TEXT_BYTES];
	PriceBand	band = make_band(5, 1, 100, "CNY", 2);

	retail_band_format(&band, text);
	failures += strcmp(text, "0.05 [0.01,1.00] CNY") != 0;
	band = make_band(199, 180, 218, "JPY", 0);
	retail_band_format(&band, text);
	failures += strcmp(text, "199 [180,218] JPY") != 0;
	band = make_band(INT64_MAX, INT64_MAX, INT64_MAX, "CLF", 4);
	retail_band_format(&band, text);
	failures += strcmp(text, "922337203685477.5807 [922337203685477.5807,922337203685477.5807] CLF") != 0;
	failures += misread(text, BAND_OK);
	failures += misread("\t9.99[ 9.50 , 10.48 ]CNY\n", BAND_OK);
	failures += misread("009.99 [9.50,10.48] CNY", BAND_OK);
	failures += misread("", BAND_BAD_SYNTAX);
	failures += misread("9.99", BAND_BAD_SYNTAX);
	failures += misread("9. [9.50,10.48] CNY", BAND_BAD_SYNTAX);
	failures += misread(".99 [.50,.99] CNY", BAND_BAD_SYNTAX);
	failures += misread("-9.99 [9.50,10.48] CNY", BAND_BAD_SYNTAX);
	failures += misread("9,99 [9,50,10,48] CNY", BAND_BAD_SYNTAX);
	failures += misread("9.99 [9.50,10.48) CNY", BAND_BAD_SYNTAX);
	failures += misread("9.99 [9.50,10.48] CNY 1", BAND_BAD_SYNTAX);
	failures += misread("9.99 [9.50,10.48] CN", BAND_BAD_CURRENCY);
	failures += misread("9.99 [9.50,10.48] cny", BAND_BAD_CURRENCY);
	failures += misread("9.99 [9.5,10.48] CNY", BAND_MIXED_DECIMALS);
	failures += misread("9.99 [9.50,10.480] CNY", BAND_MIXED_DECIMALS);
	failures += misread("9.99000 [9.50000,10.48000] CNY", BAND_BAD_DECIMALS);
	failures += misread("9.99 [10.00,10.48] CNY", BAND_NOT_ORDERED);
	failures += misread("0.00 [0.00,10.48] CNY", BAND_NOT_POSITIVE);
	failures += misread("9223372036854775808 [1,1] JPY", BAND_OUT_OF_RANGE);
	failures += misread("922337203685478 [1,922337203685478] JPY", BAND_OUT_OF_RANGE);
	failures += misread("922337203685477 [1,922337203685477] JPY", BAND_OK);
	report_rule("text is read and written as documented", failures);
}

static void
test_random_text(void)
{
	static const char alphabet[] = "0123456789.,[] \tCNYJPYx-";
	int			round_trips = 0;
	int			invalid = 0;
	int			accepted = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		char text[	BAND_TEXT_BYTES];
		PriceBand	band = random_band(INT64_C(1) << random_below(49));
		PriceBand	again;
		size_t		len;
		int			damages = 1 + (int) random_below(3);

		retail_band_format(&band, text);
		len = strlen(text);
		round_trips += parse_exact(text, len, &again) != BAND_OK ||
			memcmp(&again, &band, sizeof(band)) != 0;

		for (int i = 0; i < damages; i++)
		{
			if (random_below(4) == 0)
				len = (size_t) random_below((int64_t) len + 1);
			else if (len > 0)
				text[		random_below((int64_t) len)] = alphabet[random_below(sizeof(alphabet) - 1)];
		}
		if (parse_exact(text, len, &again) == BAND_OK)
		{
			accepted++;
			invalid += retail_band_check(&again) != BAND_OK;
		}
	}
	report_rule("random bands survive their text", round_trips);
	report_rule("damaged text gives a valid band or none", invalid);
	report_rule("and some damaged texts are bands", accepted < ROUNDS / 100);
}

/*-------------------------------------------------------------------------
 * Index keys
 *-------------------------------------------------------------------------
 */

/* Whether the box has to become larger to hold the key. */
static bool
must_grow(PriceBandKey box, const PriceBandKey *key)
{
	PriceBandKey before = box;

	retail_band_key_add(&box, key);
	return !retail_band_key_same(&box, &before);
}

static void
test_boxes(void)
{
	int			hidden = 0;
	int			penalties = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		PriceBand	bands[3];
		PriceBandKey keys[3];
		PriceBandKey box;
		PriceBand	query = random_band(MAX_PRICE);
		PriceBandKey query_key;
		int64_t		amount_e4 = random_below(MAX_PRICE * 10000);

		for (int i = 0; i < 3; i++)
		{
			bands[i] = random_band(MAX_PRICE);
			retail_band_key_make(&bands[i], &keys[i]);
		}
		box = keys[0];
		retail_band_key_add(&box, &keys[1]);
		penalties += retail_band_key_penalty(&box, &keys[1]) != 0;
		penalties += retail_band_key_penalty(&keys[0], &keys[2]) < 0;
		penalties += (retail_band_key_penalty(&box, &keys[2]) > 0) != must_grow(box, &keys[2]);
		retail_band_key_add(&box, &keys[2]);
		retail_band_key_make(&query, &query_key);
		hidden += !retail_band_key_check(&box);
		for (int i = 0; i < 3; i++)
		{
			hidden += twin_contains(&bands[i], amount_e4) && !retail_band_key_contains(&box, amount_e4, false);
			hidden += retail_band_overlaps(&bands[i], &query) && !retail_band_key_overlaps(&box, &query_key);
		}
	}
	report_rule("a box hides none of its bands", hidden);
	report_rule("a penalty is paid exactly for growth", penalties);
}

/* Nothing lost, no side small, a currency on one side where that can be. */
static void
test_splits(void)
{
	int			failures = 0;
	int			mixed = 0;

	for (int round = 0; round < ROUNDS / 100; round++)
	{
		int32_t		nitems = 2 + (int32_t) random_below(MAX_ITEMS - 1);
		BandSplitItem *items = malloc(sizeof(BandSplitItem) * nitems);
		bool		seen[MAX_ITEMS] = {false};
		int64_t		spread = INT64_C(1) << (1 + random_below(40));
		int32_t		nleft;
		int			units[2] = {0, 0};

		for (int32_t i = 0; i < nitems; i++)
		{
			/* every other page has two currencies, half of it each */
			PriceBand	band = round % 2 ? random_band(spread) : make_band(i + 1, i + 1, i + 100, i % 2 ? "CNY" : "JPY", i % 2 ? 2 : 0);

			retail_band_key_make(&band, &items[i].key);
			items[i].entry = i;
		}
		nleft = retail_band_key_split(items, nitems);
		failures += nleft < 1 || nleft >= nitems;
		failures += nitems >= 8 && (nleft < nitems / 4 || nitems - nleft < nitems / 4);
		for (int32_t i = 0; i < nitems; i++)
		{
			failures += seen[items[i].entry];
			seen[items[i].entry] = true;
			if (items[i].key.unit_first == items[0].key.unit_first)
				units[i >= nleft]++;
		}
		if (round % 2 == 0)
			mixed += units[1] != 0 || units[0] != nleft;
		free(items);
	}
	report_rule("a split keeps every entry and leaves no side small", failures);
	report_rule("a split keeps the bands of a currency together", mixed);
}

/* Pages of bands that lie apart are cut where nothing overlaps. */
static void
test_split_overlap(void)
{
	int			failures = 0;

	for (int round = 0; round < ROUNDS / 100; round++)
	{
		int32_t		nitems = 40;
		BandSplitItem items[40];
		PriceBandKey left;
		int32_t		nleft;

		for (int32_t i = 0; i < nitems; i++)
		{
			int64_t		low = 1000 * (i / 8) + 1 + random_below(400);
			int64_t		high = low + random_below(500);
			PriceBand	band = make_band(low, low, high, "CNY", 2);

			retail_band_key_make(&band, &items[i].key);
			items[i].entry = i;
		}
		nleft = retail_band_key_split(items, nitems);
		left = items[0].key;
		for (int32_t i = 1; i < nleft; i++)
			retail_band_key_add(&left, &items[i].key);
		failures += left.high_e4 >= items[nleft].rest.low_e4;
	}
	report_rule("a split falls into a gap when there is one", failures);
}

int
main(int argc, char **argv)
{
	const char *seed = argc > 1 ? argv[1] : getenv("SEED");

	random_state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t) time(NULL);
	printf("# seed %" PRIu64 "\n", random_state);

	test_questions();
	test_order();
	test_check();
	test_known_text();
	test_random_text();
	test_boxes();
	test_splits();
	test_split_overlap();

	printf("1..%d\n", tests_done);
	return tests_failed > 0;
}
