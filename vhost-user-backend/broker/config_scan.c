// SPDX-License-Identifier: MIT
/*
 * config_scan.c - which line of a key file says what
 */
#include "broker/config_scan.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

struct config_scan {
	GHashTable *lines;		/* "group" or "group\nkey" to line */
};

void config_error(GPtrArray *errors, const char *path, unsigned int line,
		  const char *fmt, ...)
{
	va_list ap;
	char *what;

	va_start(ap, fmt);
	what = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	if (line)
		g_ptr_array_add(errors, g_strdup_printf("%s:%u: %s", path, line,
							what));
	else
		g_ptr_array_add(errors, g_strdup_printf("%s: %s", path, what));
	g_free(what);
}

static char *make_id(const char *group, const char *key)
{
	return key ? g_strconcat(group, "\n", key, NULL) : g_strdup(group);
}

unsigned int config_scan_line(const struct config_scan *scan, const char *group,
			      const char *key)
{
	char *id = make_id(group, key);
	unsigned int line = GPOINTER_TO_UINT(g_hash_table_lookup(scan->lines,
								 id));

	g_free(id);
	return line;
}

/* Return: the line that said it before, or 0. */
static unsigned int note(struct config_scan *scan, const char *group,
			 const char *key, unsigned int line)
{
	unsigned int before = config_scan_line(scan, group, key);

	if (!before)
		g_hash_table_insert(scan->lines, make_id(group, key),
				    GUINT_TO_POINTER(line));
	return before;
}

/* What GKeyFile would refuse without saying where. */
static bool plain(const char *text, const char *not_in)
{
	for (; *text; text++) {
		if (g_ascii_iscntrl(*text) || strchr(not_in, *text))
			return false;
	}
	return true;
}

static char *scan_group(struct config_scan *scan, const char *path, char *text,
			unsigned int line, GPtrArray *errors)
{
	size_t len = strlen(text);
	unsigned int before;

	if (len >= 3 && text[len - 1] == ']')
		text[len - 1] = '\0';
	else
		len = 0;
	if (!len || !plain(text + 1, "[]") || !g_utf8_validate(text, -1, NULL)) {
		config_error(errors, path, line,
			     "\"%s%s\" is not a section; write [vgpud] or [vm NAME]",
			     text, len ? "]" : "");
		return NULL;
	}
	before = note(scan, text + 1, NULL, line);
	if (before)
		config_error(errors, path, line,
			     "section [%s] is there already at line %u; keep one of them",
			     text + 1, before);
	return g_strdup(text + 1);
}

static void scan_key(struct config_scan *scan, const char *path,
		     const char *group, char *text, unsigned int line,
		     GPtrArray *errors)
{
	char *equals = strchr(text, '=');
	unsigned int before;

	if (equals) {
		*equals = '\0';
		g_strchomp(text);
	}
	if (!equals || !*text || !plain(text, "[]") ||
	    !g_utf8_validate(text, -1, NULL)) {
		config_error(errors, path, line,
			     "\"%s%s\" is not a setting; write KEY = VALUE, or # before a comment",
			     text, equals ? " =" : "");
		return;
	}
	if (!group) {
		config_error(errors, path, line,
			     "%s stands before any section; write [vgpud] or [vm NAME] above it",
			     text);
		return;
	}
	before = note(scan, group, text, line);
	if (before)
		config_error(errors, path, line,
			     "%s is set already at line %u; keep one of them",
			     text, before);
}

struct config_scan *config_scan(const char *path, const char *text,
				GPtrArray *errors)
{
	struct config_scan *scan = g_new0(struct config_scan, 1);
	char **lines = g_strsplit(text, "\n", -1);
	char *group = NULL;
	unsigned int i;

	scan->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					    NULL);
	for (i = 0; lines[i]; i++) {
		char *line = g_strstrip(lines[i]);

		if (!*line || *line == '#')
			continue;
		if (*line == '[') {
			char *name = scan_group(scan, path, line, i + 1, errors);

			/* keys of a broken section still belong to one */
			g_free(group);
			group = name ? name : g_strdup("?");
		} else {
			scan_key(scan, path, group, line, i + 1, errors);
		}
	}
	g_free(group);
	g_strfreev(lines);
	return scan;
}

void config_scan_free(struct config_scan *scan)
{
	g_hash_table_unref(scan->lines);
	g_free(scan);
}
