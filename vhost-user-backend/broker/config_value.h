/* SPDX-License-Identifier: MIT */
/*
 * config_value.h - kinds of values, read and written
 */
#ifndef BROKER_CONFIG_VALUE_H
#define BROKER_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#define VALUE_NS_MS	1000000ull
#define VALUE_NS_S	1000000000ull

enum value_kind {
	VALUE_U32,		/* uint32_t */
	VALUE_LIMIT,		/* uint32_t, "none" is 0 */
	VALUE_SHARE,		/* uint32_t, of CONFIG_SHARE_FULL; "none" is 0 */
	VALUE_TIME,		/* uint64_t nanoseconds; "default" is 0 */
	VALUE_SIZE,		/* uint64_t bytes, 0: no limit */
	VALUE_BOOL,		/* bool */
	VALUE_PATH,		/* char *, @max: size with the NUL */
	VALUE_NAME,		/* char *, as VMs are named */
	VALUE_CPUS,		/* char *, a list of CPUs */
	VALUE_OWN,		/* the key has its own function */
};

bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *to);

/**
 * value_read() - store a value of one kind at @to
 *
 * Return: NULL, or what is wrong with it and what would be right (g_free it).
 */
char *value_read(enum value_kind kind, void *to, const char *text, uint64_t min,
		 uint64_t max);

/** value_write() - as value_read() would read it; g_free it */
char *value_write(enum value_kind kind, const void *from);

/** value_cpus_overlap() - do two lists, "" is all, have a CPU in common? */
bool value_cpus_overlap(const char *a, const char *b);

/** value_cpus_count() - CPUs of a list, 0 for "" */
unsigned int value_cpus_count(const char *list);

#endif
