// SPDX-License-Identifier: MIT
/*
 * config_value.c - kinds of values, read and written
 */
#include "broker/config_value.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "broker/config.h"
#include "broker/config_keys.h"
#include "protocol/vgpu_ipc.h"

#define CPUS_MAX	sizeof(((struct vgpu_broker_attach *)0)->cpus)
#define CPU_MAX		4096

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit times[] = {	/* longer suffixes first */
	{ "us", 1000 }, { "ms", VALUE_NS_MS }, { "s", VALUE_NS_S }, { "", 0 },
};

static const struct unit sizes[] = {
	{ "K", 1ull << 10 }, { "M", 1ull << 20 }, { "G", 1ull << 30 },
	{ "", 1 },
};

bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *to)
{
	return g_ascii_string_to_unsigned(text, 10, min, max, to, NULL);
}

/* @units: the last suffix is "", with factor 0 if there must be a unit */
static bool with_unit(const char *text, const struct unit *units, uint64_t max,
		      uint64_t *to)
{
	const struct unit *u;
	char *digits;
	bool ok;

	for (u = units; *u->suffix && !g_str_has_suffix(text, u->suffix); u++)
		;
	digits = g_strndup(text, strlen(text) - strlen(u->suffix));
	ok = u->factor && value_number(digits, 0, max / u->factor, to);
	g_free(digits);
	if (ok)
		*to *= u->factor;
	return ok;
}

static char *write_unit(const struct unit *units, uint64_t value)
{
	const struct unit *u, *best = units;

	for (u = units; *u->suffix; u++) {
		if (value && !(value % u->factor))
			best = u;
	}
	if (value % best->factor || !value)
		return g_strdup_printf("%" PRIu64, value);
	return g_strdup_printf("%" PRIu64 "%s", value / best->factor,
			       best->suffix);
}

static char *read_u32(uint32_t *to, const char *text, uint64_t min,
		      uint64_t max)
{
	uint64_t n;

	if (!value_number(text, min, max, &n))
		return g_strdup_printf("\"%s\" is not a number from %" PRIu64
				       " to %" PRIu64, text, min, max);
	*to = (uint32_t)n;
	return NULL;
}

static char *read_limit(uint32_t *to, const char *text, uint64_t min,
			uint64_t max)
{
	uint64_t n = 0;

	if (strcmp(text, "none") && strcmp(text, "0") &&
	    !value_number(text, min, max, &n))
		return g_strdup_printf("\"%s\" is neither a number from %" PRIu64
				       " to %" PRIu64 " nor none", text, min,
				       max);
	*to = (uint32_t)n;
	return NULL;
}

/* "40%", "12.5%", "40"; two decimals at most. */
static bool parse_share(const char *text, uint64_t *to)
{
	size_t len = strlen(text);
	char **parts, *digits;
	uint64_t whole, part = 0;
	bool ok;

	if (len && text[len - 1] == '%')
		len--;
	digits = g_strndup(text, len);
	parts = g_strsplit(digits, ".", 2);
	ok = parts[0] && value_number(parts[0], 0, 1000, &whole);
	if (ok && parts[1]) {
		size_t places = strlen(parts[1]);

		ok = places <= 2 && value_number(parts[1], 0, 99, &part);
		if (places == 1)
			part *= 10;
	}
	if (ok)
		*to = whole * 100 + part;
	g_strfreev(parts);
	g_free(digits);
	return ok;
}

static char *read_share(uint32_t *to, const char *text, uint64_t min,
			uint64_t max)
{
	uint64_t n = 0;

	if (strcmp(text, "none") &&
	    (!parse_share(text, &n) || n > max || (n && n < min)))
		return g_strdup_printf("\"%s\" is not a share from %g%% to %" PRIu64
				       "%%; write one like 25%%, or none",
				       text, (double)min / 100, max / 100);
	*to = (uint32_t)n;
	return NULL;
}

static char *read_time(uint64_t *to, const char *text, uint64_t min,
		       uint64_t max)
{
	char *low, *high, *why;
	uint64_t ns = 0;

	if (!strcmp(text, "default")) {
		*to = 0;
		return NULL;
	}
	if (with_unit(text, times, max, &ns) && ns >= min) {
		*to = ns;
		return NULL;
	}
	low = write_unit(times, min);
	high = g_strdup_printf("%" PRIu64 "s", (uint64_t)(max / VALUE_NS_S));
	why = g_strdup_printf("\"%s\" is not a time from %s to %s; write one like 10s or 500ms",
			      text, low, high);
	g_free(low);
	g_free(high);
	return why;
}

static char *read_size(uint64_t *to, const char *text, uint64_t min,
		       uint64_t max)
{
	uint64_t bytes = 0;

	if (strcmp(text, "none") && !with_unit(text, sizes, max, &bytes))
		return g_strdup_printf("\"%s\" is not a size; write bytes or a number with K, M or G, 0 for no limit",
				       text);
	if (bytes && bytes < min)
		return g_strdup_printf("%s is less than a screen needs; give at least %" PRIu64
				       "M, or 0 for no limit", text, min >> 20);
	*to = bytes;
	return NULL;
}

static char *read_bool(bool *to, const char *text)
{
	if (!strcmp(text, "true"))
		*to = true;
	else if (!strcmp(text, "false"))
		*to = false;
	else
		return g_strdup_printf("\"%s\" is neither true nor false",
				       text);
	return NULL;
}

static void replace(char **to, const char *text)
{
	char *old = *to;

	*to = g_strdup(text);
	g_free(old);
}

static char *read_path(char **to, const char *text, uint64_t max)
{
	if (*text != '/')
		return g_strdup_printf("\"%s\" is not an absolute path; begin it with /",
				       text);
	if (strlen(text) >= max)
		return g_strdup_printf("the path has %zu characters; at most %" PRIu64
				       " are possible here", strlen(text),
				       max - 1);
	replace(to, text);
	return NULL;
}

static char *read_name(char **to, const char *text)
{
	if (!strcmp(text, "none")) {
		g_clear_pointer(to, g_free);
		return NULL;
	}
	if (!config_name_ok(text))
		return g_strdup_printf("\"%s\" is no name; use up to 63 letters, digits, and - _ . after the first",
				       text);
	replace(to, text);
	return NULL;
}

/* ---- lists of CPUs ---- */

static bool parse_cpus(const char *list, uint8_t *set)
{
	char **parts = g_strsplit(list, ",", -1), **p;
	bool ok = *parts != NULL;

	for (p = parts; *p && ok; p++) {
		char **ends = g_strsplit(*p, "-", 2);
		uint64_t a = 0, b;

		ok = ends[0] && value_number(ends[0], 0, CPU_MAX - 1, &a);
		b = a;
		if (ok && ends[1])
			ok = value_number(ends[1], a, CPU_MAX - 1, &b);
		for (; ok && a <= b; a++)
			set[a] = 1;
		g_strfreev(ends);
	}
	g_strfreev(parts);
	return ok;
}

static char *read_cpus(char **to, const char *text)
{
	uint8_t set[CPU_MAX] = { 0 };

	if (!parse_cpus(text, set))
		return g_strdup_printf("\"%s\" is not a list of CPUs; write one like 0,2-3",
				       text);
	if (strlen(text) >= CPUS_MAX)
		return g_strdup_printf("the list has %zu characters, at most %zu are possible; use ranges",
				       strlen(text), CPUS_MAX - 1);
	replace(to, text);
	return NULL;
}

bool value_cpus_overlap(const char *a, const char *b)
{
	uint8_t one[CPU_MAX] = { 0 }, two[CPU_MAX] = { 0 };
	size_t i;

	if (!*a || !*b || !parse_cpus(a, one) || !parse_cpus(b, two))
		return true;
	for (i = 0; i < CPU_MAX; i++) {
		if (one[i] && two[i])
			return true;
	}
	return false;
}

unsigned int value_cpus_count(const char *list)
{
	uint8_t set[CPU_MAX] = { 0 };
	unsigned int n = 0, i;

	if (*list && parse_cpus(list, set)) {
		for (i = 0; i < CPU_MAX; i++)
			n += set[i];
	}
	return n;
}

/* ---- any ---- */

char *value_read(enum value_kind kind, void *to, const char *text, uint64_t min,
		 uint64_t max)
{
	switch (kind) {
	case VALUE_U32:
		return read_u32(to, text, min, max);
	case VALUE_LIMIT:
		return read_limit(to, text, min, max);
	case VALUE_SHARE:
		return read_share(to, text, min, max);
	case VALUE_TIME:
		return read_time(to, text, min, max);
	case VALUE_SIZE:
		return read_size(to, text, min, max);
	case VALUE_BOOL:
		return read_bool(to, text);
	case VALUE_PATH:
		return read_path(to, text, max);
	case VALUE_NAME:
		return read_name(to, text);
	case VALUE_CPUS:
		return read_cpus(to, text);
	case VALUE_OWN:
		break;
	}
	return g_strdup("it has no value");
}

static char *write_share(uint32_t share)
{
	char *text;

	if (!share)
		return g_strdup("none");
	if (share % 100)
		text = g_strdup_printf("%u.%02u%%", share / 100, share % 100);
	else
		text = g_strdup_printf("%u%%", share / 100);
	return text;
}

char *value_write(enum value_kind kind, const void *from)
{
	uint64_t wide;

	switch (kind) {
	case VALUE_U32:
		return g_strdup_printf("%u", *(const uint32_t *)from);
	case VALUE_LIMIT:
		return *(const uint32_t *)from ?
			g_strdup_printf("%u", *(const uint32_t *)from) :
			g_strdup("none");
	case VALUE_SHARE:
		return write_share(*(const uint32_t *)from);
	case VALUE_TIME:
		wide = *(const uint64_t *)from;
		return wide ? write_unit(times, wide) : g_strdup("default");
	case VALUE_SIZE:
		wide = *(const uint64_t *)from;
		return wide ? write_unit(sizes, wide) : g_strdup("none");
	case VALUE_BOOL:
		return g_strdup(*(const bool *)from ? "true" : "false");
	default:
		return g_strdup(*(char *const *)from ? *(char *const *)from :
				"none");
	}
}
