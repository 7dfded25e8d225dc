/*-------------------------------------------------------------------------
 * pool_vector.c
 *		Sorted (location, units) vectors and their packed form.
 *
 * The pure logic under type inventory_pool: no server header, no allocation
 * (callers bring the buffers), errors as status codes.  That is what lets
 * test/modules/pool_vector_test.c feed it random and broken bytes.
 *
 * A vector is in normal form when its locations rise strictly, every location
 * is in 1..INT32_MAX, every quantity is in 1..INT64_MAX (a location without
 * units is not listed) and the total fits int64.  Functions that take
 * "entries" other than normalise() and parse() require normal form.
 *
 * The packed form is what is stored:
 *
 *		byte		format, always 1
 *		varint		number of entries
 *		varint		total units
 *		per entry:	varint location minus the previous location (from 0),
 *					varint units
 *
 * A varint holds seven bits per byte, low bits first, in the fewest bytes
 * that do.  A value in normal form therefore has exactly one packed form, so
 * equality is memcmp() and hashing is over the bytes.  Five thousand
 * neighbouring locations with shelf quantities take two to three bytes each
 * where a plain array takes sixteen.  Count and total stand first so that
 * they can be read from the first few bytes of a toasted value.
 *
 * Readers trust nothing: counts, lengths, order, overlong varints, the total
 * and bytes left over are all checked, and answer POOL_CORRUPT.
 *-------------------------------------------------------------------------
 */
#include "pool_vector.h"

#include <stdlib.h>
#include <string.h>

#define POOL_FORMAT		1

/* Bits carried by one byte of a varint, and the flag of "more to come". */
#define VARINT_BITS		7
#define VARINT_MASK		0x7f
#define VARINT_MORE		0x80

/* Longest texts of one entry: "2147483647:9223372036854775807,". */
#define POOL_ENTRY_MAX_TEXT		(10 + 1 + 19 + 1)

/*
 * Adds two quantities that are not negative; false when the sum is too large.
 */
static inline bool
add_qty(int64_t a, int64_t b, int64_t *sum)
{
	if (a > INT64_MAX - b)
		return false;
	*sum = a + b;
	return true;
}

static int
compare_locations(const void *a, const void *b)
{
	int32_t		la = ((const PoolEntry *) a)->location_id;
	int32_t		lb = ((const PoolEntry *) b)->location_id;

	return (la > lb) - (la < lb);
}

static int
compare_qtys_descending(const void *a, const void *b)
{
	int64_t		qa = *(const int64_t *) a;
	int64_t		qb = *(const int64_t *) b;

	return (qb > qa) - (qb < qa);
}

/*
 * Sorts by location; already sorted input, the usual case, costs one pass.
 */
static void
sort_entries(PoolEntry *entries, int32_t nentries)
{
	for (int32_t i = 1; i < nentries; i++)
	{
		if (entries[i - 1].location_id > entries[i].location_id)
		{
			qsort(entries, (size_t) nentries, sizeof(PoolEntry),
				  compare_locations);
			return;
		}
	}
}

static PoolStatus
check_entry(const PoolEntry *entry, PoolFault *fault)
{
	fault->location_id = entry->location_id;
	fault->qty = entry->qty;
	if (entry->location_id < 1)
		return POOL_BAD_LOCATION;
	if (entry->qty < 0)
		return POOL_BAD_QTY;
	return POOL_OK;
}

/*
 * Brings entries into normal form in place: checks ranges, sorts, refuses or
 * sums duplicates, drops locations without units.  A duplicate counts as one
 * even where a quantity is 0.
 */
PoolStatus
retail_pool_vector_normalise(PoolEntry *entries, int32_t *nentries,
							 PoolDuplicates duplicates, int64_t *total,
							 PoolFault *fault)
{
	int32_t		kept = 0;
	int32_t		n = *nentries;

	memset(fault, 0, sizeof(*fault));
	*total = 0;
	for (int32_t i = 0; i < n; i++)
	{
		PoolStatus	status = check_entry(&entries[i], fault);

		if (status != POOL_OK)
			return status;
	}

	sort_entries(entries, n);
	for (int32_t i = 0; i < n;)
	{
		PoolEntry	sum = entries[i];

		for (i++; i < n && entries[i].location_id == sum.location_id; i++)
		{
			fault->location_id = sum.location_id;
			if (duplicates == POOL_REFUSE_DUPLICATES)
				return POOL_DUPLICATE;
			if (!add_qty(sum.qty, entries[i].qty, &sum.qty))
				return POOL_TOTAL_OVERFLOW;
		}
		if (!add_qty(*total, sum.qty, total))
			return POOL_TOTAL_OVERFLOW;
		if (sum.qty > 0)
			entries[kept++] = sum;
	}
	if (kept > POOL_MAX_LOCATIONS)
		return POOL_TOO_MANY;
	*nentries = kept;
	return POOL_OK;
}

/*
 * Location by location sum.  "out" has room for na + nb entries and overlaps
 * neither input.  Does not enforce POOL_MAX_LOCATIONS.
 */
PoolStatus
retail_pool_vector_add(const PoolEntry *a, int32_t na,
					   const PoolEntry *b, int32_t nb,
					   PoolEntry *out, int32_t *nout, int64_t *total)
{
	int32_t		i = 0;
	int32_t		j = 0;
	int32_t		n = 0;

	*total = 0;
	while (i < na || j < nb)
	{
		PoolEntry	next;

		if (j >= nb || (i < na && a[i].location_id < b[j].location_id))
			next = a[i++];
		else if (i >= na || b[j].location_id < a[i].location_id)
			next = b[j++];
		else
		{
			next = a[i++];
			if (!add_qty(next.qty, b[j++].qty, &next.qty))
				return POOL_TOTAL_OVERFLOW;
		}
		if (!add_qty(*total, next.qty, total))
			return POOL_TOTAL_OVERFLOW;
		out[n++] = next;
	}
	*nout = n;
	return POOL_OK;
}

/*
 * Location by location difference, never below 0.  "out" has room for na
 * entries; it may be a itself.
 */
void
retail_pool_vector_subtract(const PoolEntry *a, int32_t na,
							const PoolEntry *b, int32_t nb,
							PoolEntry *out, int32_t *nout, int64_t *total)
{
	int32_t		j = 0;
	int32_t		n = 0;

	*total = 0;
	for (int32_t i = 0; i < na; i++)
	{
		PoolEntry	left = a[i];

		while (j < nb && b[j].location_id < left.location_id)
			j++;
		if (j < nb && b[j].location_id == left.location_id)
		{
			if (b[j].qty >= left.qty)
				continue;
			left.qty -= b[j].qty;
		}
		*total += left.qty;
		out[n++] = left;
	}
	*nout = n;
}

/*
 * How many of the largest quantities it takes to reach "wanted", or -1 when
 * all of them do not.  Sorts qtys in place; their sum fits int64.
 */
int32_t
retail_pool_vector_fewest(int64_t *qtys, int32_t nqtys, int64_t wanted)
{
	int64_t		reached = 0;

	if (wanted <= 0)
		return 0;
	qsort(qtys, (size_t) nqtys, sizeof(int64_t), compare_qtys_descending);
	for (int32_t i = 0; i < nqtys; i++)
	{
		reached += qtys[i];
		if (reached >= wanted)
			return i + 1;
	}
	return -1;
}

/*-------------------------------------------------------------------------
 * Text form: "{" [ location ":" units { "," location ":" units } ] "}"
 * with white space between tokens; digits only, in any order.
 *-------------------------------------------------------------------------
 */

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Steps over white space, then over "wanted" if that is what comes next. */
static bool
take_char(const char **cursor, const char *end, char wanted)
{
	while (*cursor < end && is_space(**cursor))
		(*cursor)++;
	if (*cursor >= end || **cursor != wanted)
		return false;
	(*cursor)++;
	return true;
}

/*
 * Reads digits up to the limit.  POOL_BAD_QTY stands for "above the limit"
 * here, whatever the number means.
 */
static PoolStatus
take_number(const char **cursor, const char *end, int64_t limit,
			int64_t *number)
{
	const char *start;
	int64_t		value = 0;

	while (*cursor < end && is_space(**cursor))
		(*cursor)++;
	start = *cursor;
	for (; *cursor < end && **cursor >= '0' && **cursor <= '9'; (*cursor)++)
	{
		int			digit = **cursor - '0';

		if (value > (limit - digit) / 10)
		{
			*cursor = start;
			return POOL_BAD_QTY;
		}
		value = value * 10 + digit;
	}
	if (*cursor == start)
		return POOL_BAD_SYNTAX;
	*number = value;
	return POOL_OK;
}

static PoolStatus
take_entry(const char **cursor, const char *end, PoolEntry *entry)
{
	int64_t		number;
	PoolStatus	status;

	status = take_number(cursor, end, INT32_MAX, &number);
	if (status == POOL_BAD_QTY)
		return POOL_BAD_LOCATION;
	if (status != POOL_OK)
		return status;
	entry->location_id = (int32_t) number;
	if (!take_char(cursor, end, ':'))
		return POOL_BAD_SYNTAX;
	return take_number(cursor, end, INT64_MAX, &entry->qty);
}

static PoolStatus
take_entries(const char **cursor, const char *end, PoolEntry *entries,
			 int32_t capacity, int32_t *nentries)
{
	*nentries = 0;
	if (!take_char(cursor, end, '{'))
		return POOL_BAD_SYNTAX;
	if (take_char(cursor, end, '}'))
		return POOL_OK;
	do
	{
		PoolStatus	status;

		if (*nentries >= capacity)
			return POOL_TOO_MANY;
		status = take_entry(cursor, end, &entries[*nentries]);
		if (status != POOL_OK)
			return status;
		(*nentries)++;
	} while (take_char(cursor, end, ','));
	return take_char(cursor, end, '}') ? POOL_OK : POOL_BAD_SYNTAX;
}

/*
 * The capacity to bring to parse().  Each entry has a colon, and the one more
 * lets a text that breaks off before a colon fail at that place.
 */
int32_t
retail_pool_vector_text_capacity(const char *text, size_t len)
{
	int32_t		capacity = 1;

	for (size_t i = 0; i < len && capacity < POOL_MAX_LOCATIONS; i++)
		capacity += (text[i] == ':');
	return capacity;
}

/*
 * Splits text into entries as they stand there; the caller normalises them.
 * POOL_TOO_MANY means more than "capacity" entries.  On failure
 * fault->offset points at the byte that could not be read.
 */
PoolStatus
retail_pool_vector_parse(const char *text, size_t len, PoolEntry *entries,
						 int32_t capacity, int32_t *nentries,
						 PoolFault *fault)
{
	const char *cursor = text;
	const char *end = text + len;
	PoolStatus	status;

	memset(fault, 0, sizeof(*fault));
	status = take_entries(&cursor, end, entries, capacity, nentries);
	if (status == POOL_OK)
	{
		while (cursor < end && is_space(*cursor))
			cursor++;
		if (cursor != end)
			status = POOL_BAD_SYNTAX;
	}
	fault->offset = (size_t) (cursor - text);
	return status;
}

static char *
put_number(char *out, int64_t number)
{
	char		digits[20];
	int			n = 0;

	do
	{
		digits[n++] = (char) ('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (n > 0)
		*out++ = digits[--n];
	return out;
}

/* Bytes that format() may need, the terminating zero included. */
size_t
retail_pool_vector_text_bound(int32_t nentries)
{
	return (size_t) nentries * POOL_ENTRY_MAX_TEXT + 3;
}

/* Writes zero-terminated text; returns its length without the zero. */
size_t
retail_pool_vector_format(const PoolEntry *entries, int32_t nentries,
						  char *out)
{
	char	   *cursor = out;

	*cursor++ = '{';
	for (int32_t i = 0; i < nentries; i++)
	{
		if (i > 0)
			*cursor++ = ',';
		cursor = put_number(cursor, entries[i].location_id);
		*cursor++ = ':';
		cursor = put_number(cursor, entries[i].qty);
	}
	*cursor++ = '}';
	*cursor = '\0';
	return (size_t) (cursor - out);
}

/*-------------------------------------------------------------------------
 * Packed form
 *-------------------------------------------------------------------------
 */

static inline size_t
varint_size(uint64_t value)
{
	size_t		size = 1;

	while (value > VARINT_MASK)
	{
		value >>= VARINT_BITS;
		size++;
	}
	return size;
}

static inline uint8_t *
put_varint(uint8_t *out, uint64_t value)
{
	while (value > VARINT_MASK)
	{
		*out++ = (uint8_t) (value & VARINT_MASK) | VARINT_MORE;
		value >>= VARINT_BITS;
	}
	*out++ = (uint8_t) value;
	return out;
}

/*
 * Reads a varint of at most "limit", which is at most INT64_MAX: 63 bits, so
 * nine bytes.  False when the bytes run out, the value is larger, or a shorter
 * spelling exists.
 */
static inline bool
take_varint(const uint8_t **cursor, const uint8_t *end, int64_t limit,
			int64_t *value)
{
	uint64_t	bits = 0;

	for (int shift = 0; shift < 63; shift += VARINT_BITS)
	{
		uint8_t		byte;

		if (*cursor >= end)
			return false;
		byte = *(*cursor)++;
		bits |= (uint64_t) (byte & VARINT_MASK) << shift;
		if (!(byte & VARINT_MORE))
		{
			if (byte == 0 && shift > 0)
				return false;
			*value = (int64_t) bits;
			return bits <= (uint64_t) limit;
		}
	}
	return false;
}

size_t
retail_pool_vector_packed_size(const PoolEntry *entries, int32_t nentries,
							   int64_t total)
{
	size_t		size;
	int32_t		last = 0;

	size = 1 + varint_size((uint64_t) nentries) + varint_size((uint64_t) total);
	for (int32_t i = 0; i < nentries; i++)
	{
		size += varint_size((uint64_t) (entries[i].location_id - last));
		size += varint_size((uint64_t) entries[i].qty);
		last = entries[i].location_id;
	}
	return size;
}

/* Writes packed_size() bytes and returns how many those are. */
size_t
retail_pool_vector_pack(const PoolEntry *entries, int32_t nentries,
						int64_t total, uint8_t *out)
{
	uint8_t    *cursor = out;
	int32_t		last = 0;

	*cursor++ = POOL_FORMAT;
	cursor = put_varint(cursor, (uint64_t) nentries);
	cursor = put_varint(cursor, (uint64_t) total);
	for (int32_t i = 0; i < nentries; i++)
	{
		cursor = put_varint(cursor,
							(uint64_t) (entries[i].location_id - last));
		cursor = put_varint(cursor, (uint64_t) entries[i].qty);
		last = entries[i].location_id;
	}
	return (size_t) (cursor - out);
}

static PoolStatus
take_header(const uint8_t **cursor, const uint8_t *end, int32_t *count,
			int64_t *total)
{
	int64_t		value;

	if (*cursor >= end || *(*cursor)++ != POOL_FORMAT)
		return POOL_CORRUPT;
	if (!take_varint(cursor, end, POOL_MAX_LOCATIONS, &value))
		return POOL_CORRUPT;
	*count = (int32_t) value;
	if (!take_varint(cursor, end, INT64_MAX, total))
		return POOL_CORRUPT;

	/* every entry has a unit or more */
	return *total < *count ? POOL_CORRUPT : POOL_OK;
}

/*
 * Count and total from the first bytes; "bytes" may end after
 * POOL_HEADER_MAX_BYTES.
 */
PoolStatus
retail_pool_vector_header(const uint8_t *bytes, size_t len, int32_t *count,
						  int64_t *total)
{
	return take_header(&bytes, bytes + len, count, total);
}

/* Starts a walk over a complete packed pool. */
PoolStatus
retail_pool_vector_open(PoolReader *reader, const uint8_t *bytes, size_t len)
{
	PoolStatus	status;

	reader->cursor = bytes;
	reader->end = bytes + len;
	reader->last_location_id = 0;
	status = take_header(&reader->cursor, reader->end, &reader->count,
						 &reader->total);
	if (status != POOL_OK)
		return status;
	reader->left = reader->count;
	reader->total_left = reader->total;

	/* an entry takes two bytes or more: a count beyond that is a lie */
	if (reader->count > (reader->end - reader->cursor) / 2)
		return POOL_CORRUPT;
	return POOL_OK;
}

/* The next entry, POOL_END after the last one, or POOL_CORRUPT. */
PoolStatus
retail_pool_vector_next(PoolReader *reader, PoolEntry *entry)
{
	int64_t		step;
	int64_t		qty;

	if (reader->left == 0)
		return reader->cursor == reader->end && reader->total_left == 0 ?
			POOL_END : POOL_CORRUPT;

	if (!take_varint(&reader->cursor, reader->end,
					 INT32_MAX - reader->last_location_id, &step) ||
		step == 0)
		return POOL_CORRUPT;
	if (!take_varint(&reader->cursor, reader->end, reader->total_left, &qty) ||
		qty == 0)
		return POOL_CORRUPT;
	reader->last_location_id += (int32_t) step;
	reader->total_left -= qty;
	reader->left--;
	entry->location_id = reader->last_location_id;
	entry->qty = qty;
	return POOL_OK;
}

/* All entries at once; capacity is at least the header's count. */
PoolStatus
retail_pool_vector_unpack(const uint8_t *bytes, size_t len,
						  PoolEntry *entries, int32_t capacity,
						  int32_t *nentries)
{
	PoolReader	reader;
	PoolEntry	entry;
	PoolStatus	status;
	int32_t		n = 0;

	status = retail_pool_vector_open(&reader, bytes, len);
	if (status != POOL_OK)
		return status;
	while ((status = retail_pool_vector_next(&reader, &entry)) == POOL_OK)
	{
		if (n >= capacity)
			return POOL_TOO_MANY;
		entries[n++] = entry;
	}
	if (status != POOL_END)
		return status;
	*nentries = n;
	return POOL_OK;
}

/* Units at a location, 0 when it is not listed. */
PoolStatus
retail_pool_vector_at(const uint8_t *bytes, size_t len, int32_t location_id,
					  int64_t *qty)
{
	PoolReader	reader;
	PoolEntry	entry;
	PoolStatus	status;

	*qty = 0;
	status = retail_pool_vector_open(&reader, bytes, len);
	if (status != POOL_OK)
		return status;
	while ((status = retail_pool_vector_next(&reader, &entry)) == POOL_OK)
	{
		if (entry.location_id >= location_id)
		{
			if (entry.location_id == location_id)
				*qty = entry.qty;
			return POOL_OK;
		}
	}
	return status == POOL_END ? POOL_OK : status;
}

/*
 * Lexicographic order over the entries: the first entry that differs decides,
 * by location and then by units; a pool that is a prefix of the other is the
 * smaller.  A total order for sorting and grouping, not a measure of stock.
 */
PoolStatus
retail_pool_vector_compare(const uint8_t *a, size_t alen,
						   const uint8_t *b, size_t blen, int *order)
{
	PoolReader	ra;
	PoolReader	rb;

	if (retail_pool_vector_open(&ra, a, alen) != POOL_OK ||
		retail_pool_vector_open(&rb, b, blen) != POOL_OK)
		return POOL_CORRUPT;
	for (;;)
	{
		PoolEntry	ea = {0, 0};
		PoolEntry	eb = {0, 0};
		PoolStatus	sa = retail_pool_vector_next(&ra, &ea);
		PoolStatus	sb = retail_pool_vector_next(&rb, &eb);

		if (sa == POOL_CORRUPT || sb == POOL_CORRUPT)
			return POOL_CORRUPT;

		/* a pool that has ended still holds {0, 0}, below every entry */
		*order = (ea.location_id > eb.location_id) -
			(ea.location_id < eb.location_id);
		if (*order == 0)
			*order = (ea.qty > eb.qty) - (ea.qty < eb.qty);
		if (*order != 0 || sa == POOL_END)
			return POOL_OK;
	}
}

/* Whether a holds at least as much as b at every location of b. */
PoolStatus
retail_pool_vector_covers(const uint8_t *a, size_t alen,
						  const uint8_t *b, size_t blen, bool *covers)
{
	PoolReader	ra;
	PoolReader	rb;
	PoolEntry	ea = {0, 0};
	PoolEntry	eb;
	PoolStatus	status;

	*covers = false;
	if (retail_pool_vector_open(&ra, a, alen) != POOL_OK ||
		retail_pool_vector_open(&rb, b, blen) != POOL_OK)
		return POOL_CORRUPT;
	if (ra.total < rb.total || ra.count < rb.count)
		return POOL_OK;
	while ((status = retail_pool_vector_next(&rb, &eb)) == POOL_OK)
	{
		while (ea.location_id < eb.location_id)
		{
			status = retail_pool_vector_next(&ra, &ea);
			if (status == POOL_END)
				return POOL_OK;
			if (status != POOL_OK)
				return status;
		}
		if (ea.location_id != eb.location_id || ea.qty < eb.qty)
			return POOL_OK;
	}
	if (status != POOL_END)
		return status;
	*covers = true;
	return POOL_OK;
}
