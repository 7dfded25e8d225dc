/*-------------------------------------------------------------------------
 * field_text.c
 *		A prepared value as text, for people to read.
 *-------------------------------------------------------------------------
 */
#include "field_text.h"

#include <string.h>

#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "field_parts.h"

static int
append(char *out, int n, const char *separator, Part part)
{
	if (part.len == 0)
		return n;
	if (n > 0)
	{
		strcpy(out + n, separator);
		n += (int) strlen(separator);
	}
	return n + retail_text_utf8(part.units, part.len, out + n);
}

int
retail_field_text(const FieldValue *value, char *out)
{
	int			n = 0;

	out[0] = '\0';
	switch (value->kind)
	{
		case FIELD_NAME:
			n = append(out, n, "", retail_field_part(value, 1));
			return append(out, n, ", ", retail_field_part(value, 0));
		case FIELD_EMAIL:
			n = append(out, n, "", retail_field_part(value, 0));
			return append(out, n, "@", retail_field_part(value, 1));
		case FIELD_ADDRESS:
		case FIELD_SET:
			return 0;
		default:
			return append(out, n, "", retail_field_part(value, 0));
	}
}

int
retail_text_units(const char *utf8, size_t len, uint16_t *out)
{
	int32_t		at = 0;
	int			n = 0;

	while (at < (int32_t) len && n < TEXT_NORM_MAX - 1)
	{
		UChar32		c;

		U8_NEXT((const uint8_t *) utf8, at, (int32_t) len, c);
		if (c < 0)
			c = 0xFFFD;
		U16_APPEND_UNSAFE(out, n, c);
	}
	return n;
}
