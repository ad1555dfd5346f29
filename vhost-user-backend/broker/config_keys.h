/* SPDX-License-Identifier: MIT */
/*
 * config_keys.h - the keys of both kinds of section
 */
#ifndef BROKER_CONFIG_KEYS_H
#define BROKER_CONFIG_KEYS_H

#include <stdbool.h>
#include <glib.h>

/**
 * struct config_key - one key
 *
 * set() stores a value into the struct config or struct config_vm at @to.
 * Return: NULL, or what is wrong with it and what would be right (g_free it).
 */
struct config_key {
	const char *name;
	char *(*set)(void *to, const char *value);
};

extern const struct config_key config_daemon_keys[];	/* name NULL ends */
extern const struct config_key config_vm_keys[];

/** config_name_ok() - may a VM have this name? */
bool config_name_ok(const char *name);

#endif
