/* SPDX-License-Identifier: MIT */
/*
 * config_keys.h - the keys of every kind of section
 */
#ifndef BROKER_CONFIG_KEYS_H
#define BROKER_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/config_value.h"

enum config_key_flags {
	CONFIG_LIVE = 1,		/* of a VM: can be set while it runs */
	CONFIG_PROFILE = 2,		/* of a VM: can stand in a profile */
};

/** struct config_key - one key of the struct that the section fills */
struct config_key {
	const char *name;
	enum value_kind kind;
	size_t offset;
	uint64_t min, max;
	unsigned int flags;
	char *(*set)(void *to, const char *value);	/* VALUE_OWN */
};

extern const struct config_key config_daemon_keys[];	/* name NULL ends */
extern const struct config_key config_gpu_keys[];
extern const struct config_key config_vm_keys[];

/** config_key_find() - by name, of those with all of @flags; or NULL */
const struct config_key *config_key_find(const struct config_key *keys,
					 const char *name, unsigned int flags);

/** config_key_list() - "a, b and c", of those with all of @flags */
char *config_key_list(const struct config_key *keys, unsigned int flags);

/**
 * config_key_set() - read a value into the struct at @to
 *
 * Return: NULL, or what is wrong with it and what would be right (g_free it).
 */
char *config_key_set(const struct config_key *key, void *to, const char *value);

/** config_key_get() - the value, as it could be set; not of VALUE_OWN */
char *config_key_get(const struct config_key *key, const void *from);

/** config_name_ok() - may a VM, GPU, profile or group have this name? */
bool config_name_ok(const char *name);

#endif
