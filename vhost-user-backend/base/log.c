// SPDX-License-Identifier: MIT
/*
 * log.c - messages to standard error
 */
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_WINDOW_NS	10000000000ull
#define LIMIT_COUNT	5

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* sd-daemon(3) prefixes */
static const char *const journal_prefix[] = {
	[LOG_LEVEL_ERROR] = "<3>",
	[LOG_LEVEL_WARNING] = "<4>",
	[LOG_LEVEL_INFO] = "<6>",
	[LOG_LEVEL_DEBUG] = "<7>",
};

/* The one piece of process-wide state: who speaks, and how much. */
static char who[128] = "vgpu";
static enum log_level max_level = LOG_LEVEL_INFO;
static bool to_journal;

void log_init(const char *program, const char *vm)
{
	const char *wanted = getenv("VGPU_LOG");
	size_t i;

	if (vm && *vm)
		snprintf(who, sizeof(who), "%s[%s]", program, vm);
	else
		snprintf(who, sizeof(who), "%s", program);
	to_journal = getenv("JOURNAL_STREAM") != NULL;
	for (i = 0; wanted && i < sizeof(level_names) / sizeof(*level_names); i++) {
		if (!strcmp(wanted, level_names[i]))
			max_level = (enum log_level)i;
	}
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= max_level;
}

/*
 * Whoever reads standard error may be slow or stopped: the line is lost then,
 * nothing here waits. A pipe that is ready takes PIPE_BUF bytes.
 */
static void put(enum log_level level, const char *line)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	bool plain = level == LOG_LEVEL_INFO;
	char out[1280];
	int n;

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	n = snprintf(out, sizeof(out), "%s%s: %s%s%s\n",
		     to_journal ? journal_prefix[level] : "", who,
		     plain ? "" : level_names[level], plain ? "" : ": ", line);
	if (write(STDERR_FILENO, out, (size_t)n) < 0)
		return;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	char *p;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* what a peer names must not forge lines or drive a terminal */
	for (p = line; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	put(level, line);
}

bool log_allowed(struct log_limit *limit)
{
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	if (!limit->window_ns || now - limit->window_ns > LIMIT_WINDOW_NS) {
		if (limit->dropped)
			log_warning("%u messages like the next were left out",
				    limit->dropped);
		limit->window_ns = now;
		limit->count = 0;
		limit->dropped = 0;
	}
	if (limit->count < LIMIT_COUNT) {
		limit->count++;
		return true;
	}
	limit->dropped++;
	return false;
}
