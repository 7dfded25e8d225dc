/*-------------------------------------------------------------------------
 * contact_value.c
 *		Telephone numbers, e-mail addresses and codes: read, compared, keyed.
 *
 * A number is kept without country and trunk prefixes, extension and
 * punctuation.  Values that no one person has, 13800138000 or 111111, are
 * placeholders and say nothing.
 *-------------------------------------------------------------------------
 */
#include "field_parts.h"

#include <string.h>

#define SEED_PHONE 21
#define SEED_PHONE_ENDS 22
#define SEED_PHONE_HEAD 23
#define SEED_PHONE_TAIL 24
#define SEED_EMAIL 25
#define SEED_EMAIL_LOCAL 26
#define SEED_CODE 27
#define SEED_CODE_HEAD 28
#define SEED_CODE_TAIL 29

#define PHONE_MIN 6
#define PHONE_MAX 15			/* E.164 */

static bool
is_digit(uint16_t unit)
{
	return unit >= '0' && unit <= '9';
}

static bool
is_alnum(uint16_t unit)
{
	return is_digit(unit) || (unit >= 'a' && unit <= 'z') || unit >= 0x80;
}

/* How many digits the country's code has, by the zones of E.164. */
static int
country_code_len(const uint16_t *digits, int len)
{
	static const char two_digits[] =
		"20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 "
		"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";

	if (len < 3)
		return 0;
	if (digits[0] == '1' || digits[0] == '7')
		return 1;
	for (int i = 0; two_digits[i] != '\0'; i += 3)
		if (digits[0] == (uint16_t) two_digits[i] && digits[1] == (uint16_t) two_digits[i + 1])
			return 2;
	return 3;
}

/* A mobile number of China's plan: 1, then 3 to 9, eleven digits in all. */
static bool
is_cn_mobile(const uint16_t *digits, int len)
{
	return len == 11 && digits[0] == '1' && digits[1] >= '3';
}

/* All one digit but for the first four, or counting up or down: typed in. */
static bool
is_placeholder(const uint16_t *digits, int len)
{
	int			run = 1;
	int			steps = 0;
	int			distinct = 0;
	bool		seen[10] = {false};
	static const char famous[] = "13800138000";
	bool		is_famous = len == 11;

	for (int i = 0; i < len; i++)
	{
		distinct += !seen[digits[i] - '0'];
		seen[digits[i] - '0'] = true;
		if (is_famous && digits[i] != (uint16_t) famous[i])
			is_famous = false;
		if (i == 0)
			continue;
		run = digits[i] == digits[i - 1] ? run + 1 : 1;
		if (run >= 7 || (run >= 6 && len <= 8))
			return true;
		steps += digits[i] - digits[i - 1] == 1 || digits[i] - digits[i - 1] == -1 ||
			(digits[i] == '0' && digits[i - 1] == '9');
	}
	return is_famous || distinct <= 1 || (len >= 9 && distinct <= 2 && run >= 4) || steps >= len - 2;
}

/*
 * 138****1234 keeps its stars and is masked.  Text after an extension's mark,
 * or after # and the like, is no part of the number.
 */
int
retail_phone_prepare(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	digits[TEXT_NORM_MAX];
	uint16_t   *number = digits;
	int			n = 0;
	int			stars = 0;
	bool		international = false;
	int			skip = 0;

	for (int i = 0; i < len; i++)
	{
		if (text[i] == '+' && n == 0)
			international = true;
		else if (is_digit(text[i]))
			digits[n++] = text[i];
		else if (text[i] == '*' || (text[i] == 'x' && i + 1 < len && text[i + 1] == 'x'))
		{
			digits[n++] = '*';
			stars++;
		}
		else if (n >= PHONE_MIN && text[i] != ' ' && text[i] != '-' && text[i] != '.' &&
				 text[i] != '(' && text[i] != ')' && text[i] != '/')
			break;
	}
	if (!international && n > 10 && digits[0] == '0' && digits[1] == '0')
	{
		international = true;
		skip = 2;
	}
	if (international)
		skip += country_code_len(digits + skip, n - skip);
	else if (n == 13 && digits[0] == '8' && digits[1] == '6' && digits[2] == '1')
		skip = 2;
	while (skip < n && digits[skip] == '0')
		skip++;
	number += skip;
	n -= skip;
	if (n < PHONE_MIN || n > PHONE_MAX)
		return 0;
	if (stars == 0 && is_placeholder(number, n))
		return 0;

	/* ten digits of the North American plan, with or without its 1 */
	if (n == 11 && number[0] == '1' && !is_cn_mobile(number, n))
	{
		number++;
		n--;
	}
	retail_field_begin(value, FIELD_PHONE);
	if (stars > 0)
	{
		if (stars > n / 2)
			return 0;
		value->flags |= FIELD_MASKED;
	}
	else
		value->term[0] = retail_text_hash(number, n, SEED_PHONE);
	retail_field_set(value, 0, number, n);
	return retail_field_end(value);
}

/* The shorter ends the longer: one was written without its prefix. */
static bool
ends_with(Part text, Part end)
{
	return text.len >= end.len &&
		memcmp(text.units + text.len - end.len, end.units, end.len * sizeof(uint16_t)) == 0;
}

static bool
agree_but_for_stars(Part a, Part b)
{
	if (a.len != b.len)
		return false;
	for (int i = 0; i < a.len; i++)
		if (a.units[i] != b.units[i] && a.units[i] != '*' && b.units[i] != '*')
			return false;
	return true;
}

/* 3 equal, 2 one slip, 1 a mask that fits or the same seven last digits. */
int
retail_phone_compare(const FieldValue *a, const FieldValue *b)
{
	Part		a_number = retail_field_part(a, 0);
	Part		b_number = retail_field_part(b, 0);

	if (a->term[0] != 0 && a->term[0] == b->term[0])
		return 3;
	if ((a->flags | b->flags) & FIELD_MASKED)
		return agree_but_for_stars(a_number, b_number) ? 1 : 0;
	if (a_number.len != b_number.len && a_number.len >= 7 && b_number.len >= 7 &&
		(ends_with(a_number, b_number) || ends_with(b_number, a_number)))
		return 3;
	if (a_number.len >= 8 && retail_part_one_edit(a_number, b_number))
		return 2;
	if (a_number.len >= 9 && b_number.len >= 9 &&
		memcmp(a_number.units + a_number.len - 7, b_number.units + b_number.len - 7,
			   7 * sizeof(uint16_t)) == 0)
		return 1;
	return 0;
}

void
retail_phone_keys(const FieldValue *value, KeyList *list)
{
	Part		number = retail_field_part(value, 0);
	const uint16_t *end = number.units + number.len;
	uint64_t	ends = retail_text_hash(end - 4, 4, retail_text_hash(number.units, 2, SEED_PHONE_ENDS));

	if (!(value->flags & FIELD_MASKED))
	{
		int			half = number.len / 2 + 1;

		retail_key_add(list, value->term[0]);
		retail_key_add(list, retail_text_hash(end - half, half, SEED_PHONE_TAIL));
		retail_key_add(list, retail_text_hash(number.units, half, SEED_PHONE_HEAD));
	}
	if (end[-1] != '*' && end[-4] != '*')
		retail_key_add(list, ends);
}

static bool
is_no_address(Part local)
{
	static const char *const words[] = {
		"none", "no", "na", "noemail", "nomail", "unknown", "test", "null", "noreply", "no-reply", "a", "abc"
	};

	for (int i = 0; i < (int) (sizeof(words) / sizeof(words[0])); i++)
	{
		int			k = 0;

		while (k < local.len && words[i][k] != '\0' && local.units[k] == (uint16_t) words[i][k])
			k++;
		if (k == local.len && words[i][k] == '\0')
			return true;
	}
	return false;
}

/* Parts: before the @, after it.  What follows a + is the sender's own label. */
int
retail_email_prepare(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	local[TEXT_NORM_MAX];
	uint16_t	domain[TEXT_NORM_MAX];
	int			local_len = 0;
	int			domain_len = 0;
	int			at = -1;
	bool		label = false;

	for (int i = 0; i < len; i++)
	{
		if (text[i] == '@')
			at = i;
	}
	if (at <= 0 || at == len - 1)
		return 0;
	for (int i = 0; i < at; i++)
	{
		if (text[i] == '+' && local_len > 0)
			label = true;
		if (!label && text[i] != ' ' && text[i] != '"')
			local[local_len++] = text[i];
	}
	for (int i = at + 1; i < len; i++)
		if (text[i] != ' ')
			domain[domain_len++] = text[i];
	if (local_len == 0 || domain_len == 0 || is_no_address((Part) {local, local_len}))
		return 0;
	retail_field_begin(value, FIELD_EMAIL);
	retail_field_set(value, 0, local, local_len);
	retail_field_set(value, 1, domain, domain_len);
	value->term[0] = retail_text_hash(domain, domain_len,
									  retail_text_hash(local, local_len, SEED_EMAIL));
	return retail_field_end(value);
}

/* 3 equal; 2 one slip; 1 the same name elsewhere, or nearly the same. */
int
retail_email_compare(const FieldValue *a, const FieldValue *b)
{
	Part		a_local = retail_field_part(a, 0);
	Part		b_local = retail_field_part(b, 0);
	Part		a_domain = retail_field_part(a, 1);
	Part		b_domain = retail_field_part(b, 1);
	bool		same_domain = retail_part_equal(a_domain, b_domain);

	if (a->term[0] == b->term[0])
		return 3;
	if (same_domain)
	{
		if (retail_part_one_edit(a_local, b_local) && a_local.len + b_local.len >= 9)
			return 2;
		return retail_part_similarity(a_local, b_local) >= 0.93 ? 1 : 0;
	}
	if (retail_part_equal(a_local, b_local))
		return retail_part_one_edit(a_domain, b_domain) ? 2 : a_local.len >= 4 ? 1 : 0;
	return 0;
}

void
retail_email_keys(const FieldValue *value, KeyList *list)
{
	Part		local = retail_field_part(value, 0);
	int			half = local.len / 2 + 1;

	retail_key_add(list, value->term[0]);
	retail_key_add(list, retail_part_hash(local, SEED_EMAIL_LOCAL));
	if (half >= 3 && half < local.len)
	{
		retail_key_add(list, retail_text_hash(local.units, half, SEED_EMAIL));
		retail_key_add(list, retail_text_hash(local.units + local.len - half, half, SEED_EMAIL_LOCAL));
	}
}

/* Letters and digits only; one character repeated says nothing. */
int
retail_code_prepare(const uint16_t *text, int len, FieldValue *value)
{
	uint16_t	code[TEXT_NORM_MAX];
	int			n = 0;
	bool		varied = false;

	for (int i = 0; i < len; i++)
		if (is_alnum(text[i]) || text[i] == '*')
			code[n++] = text[i];
	for (int i = 1; i < n && !varied; i++)
		varied = code[i] != code[0];
	if (n == 0 || (n >= 4 && !varied))
		return 0;
	retail_field_begin(value, FIELD_CODE);
	retail_field_set(value, 0, code, n);
	value->term[0] = retail_text_hash(code, n, SEED_CODE);
	return retail_field_end(value);
}

/* 2 equal, 1 one slip. */
int
retail_code_compare(const FieldValue *a, const FieldValue *b)
{
	Part		a_code = retail_field_part(a, 0);
	Part		b_code = retail_field_part(b, 0);

	if (a->term[0] == b->term[0])
		return 2;
	return a_code.len >= 3 && b_code.len >= 3 && retail_part_one_edit(a_code, b_code) ? 1 : 0;
}

void
retail_code_keys(const FieldValue *value, KeyList *list)
{
	Part		code = retail_field_part(value, 0);
	int			half = code.len / 2;

	retail_key_add(list, retail_hash_mix(value->term[0], value->kind));
	if (half >= 3)
	{
		retail_key_add(list, retail_text_hash(code.units, half, SEED_CODE_HEAD));
		retail_key_add(list, retail_text_hash(code.units + half, code.len - half, SEED_CODE_TAIL));
	}
}
