// SPDX-License-Identifier: MIT
/*
 * json.c - JSON written as text, front to back
 */
#include "broker/json.h"

#include <math.h>
#include <string.h>

#include <glib.h>

#define DEPTH_MAX	8

struct json {
	GString *text;
	char close[DEPTH_MAX];		/* of what is open */
	unsigned int depth;
	bool first;			/* nothing in it yet */
};

struct json *json_new(void)
{
	struct json *json = g_new0(struct json, 1);

	json->text = g_string_sized_new(1024);
	json->first = true;
	json_open(json, NULL, '{');
	return json;
}

char *json_end(struct json *json)
{
	GString *text = json->text;

	while (json->depth)
		json_close(json);
	g_free(json);
	return g_string_free(text, FALSE);
}

static void put_quoted(GString *text, const char *value)
{
	const char *c, *run = value;

	g_string_append_c(text, '"');
	for (c = value; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte >= ' ' && byte != '"' && byte != '\\')
			continue;
		g_string_append_len(text, run, c - run);
		run = c + 1;
		if (byte < ' ')
			g_string_append_printf(text, "\\u%04x", byte);
		else
			g_string_append_printf(text, "\\%c", *c);
	}
	g_string_append_len(text, run, c - run);
	g_string_append_c(text, '"');
}

static void begin(struct json *json, const char *name)
{
	if (!json->first)
		g_string_append_c(json->text, ',');
	json->first = false;
	if (!name)
		return;
	put_quoted(json->text, name);
	g_string_append_c(json->text, ':');
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	g_string_append(json->text, value ? "true" : "false");
}

void json_int(struct json *json, const char *name, uint64_t value)
{
	begin(json, name);
	g_string_append_printf(json->text, "%" G_GINT64_FORMAT,
			       (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

/* With a point, so that it is read as what it is; whatever the locale. */
void json_double(struct json *json, const char *name, double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	begin(json, name);
	g_ascii_formatd(number, sizeof(number), "%.15g",
			isfinite(value) ? value : 0);
	g_string_append(json->text, number);
	if (!strpbrk(number, ".e"))
		g_string_append(json->text, ".0");
}

void json_string(struct json *json, const char *name, const char *value)
{
	begin(json, name);
	if (g_utf8_validate(value, -1, NULL)) {
		put_quoted(json->text, value);
	} else {
		/* GL strings and the like may be anything */
		char *valid = g_utf8_make_valid(value, -1);

		put_quoted(json->text, valid);
		g_free(valid);
	}
}

void json_open(struct json *json, const char *name, char bracket)
{
	g_assert(json->depth < DEPTH_MAX);
	begin(json, name);
	g_string_append_c(json->text, bracket);
	json->close[json->depth++] = bracket == '{' ? '}' : ']';
	json->first = true;
}

void json_close(struct json *json)
{
	g_assert(json->depth);
	g_string_append_c(json->text, json->close[--json->depth]);
	json->first = false;
}
