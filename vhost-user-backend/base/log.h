/* SPDX-License-Identifier: MIT */
/*
 * log.h - messages to standard error, in the style of syslog priorities
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/**
 * log_init() - name the program and, where there is one, the VM
 * @program: shown first on every line
 * @vm: NULL, or the VM that this process serves; copied
 *
 * The level comes from $VGPU_LOG (error, warning, info, debug), default info.
 * Under systemd (JOURNAL_STREAM set) lines start with <priority>.
 */
void log_init(const char *program, const char *vm);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_write(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)	log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) do { \
	if (log_enabled(LOG_LEVEL_DEBUG)) \
		log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
} while (0)

/**
 * struct log_limit - how often one kind of message may be written
 *
 * A peer must not be able to flood the log: at most 5 lines in 10 s, then one
 * line that says how many were left out. Zero-initialise.
 */
struct log_limit {
	uint64_t window_ns;
	unsigned int count;
	unsigned int dropped;
};

/** log_allowed() - whether a message of this kind may be written now */
bool log_allowed(struct log_limit *limit);

/* A warning about what a peer sent. */
#define log_peer(limit, ...) do { \
	if (log_allowed(limit)) \
		log_warning(__VA_ARGS__); \
} while (0)

#endif
