/* SPDX-License-Identifier: MIT */
/*
 * live.h - what clients have set, beside what the configuration says
 *
 * Values are text, as vgpud.conf(5) has it. Each remembers what the
 * configuration said then: when that changes, who changed it means it, and
 * what was set before is dropped.
 */
#ifndef BROKER_LIVE_H
#define BROKER_LIVE_H

#include <glib.h>

struct config;
struct config_vm;
struct live;

/** struct live_vm - what is kept of one VM */
struct live_vm {
	GHashTable *set;		/* key to value */
	GHashTable *was;		/* key to what the configuration said */
	GHashTable *added;		/* NULL, or the keys it was added with */
	char *gpu;			/* where it is, or was last */
	char *suspended;		/* why, NULL: it is not */
};

struct live *live_new(void);
void live_free(struct live *live);

/** live_vm() - what is kept of a VM; made when @make, else NULL */
struct live_vm *live_vm(struct live *live, const char *name, gboolean make);

/** live_forget() - all of it */
void live_forget(struct live *live, const char *name);

/** live_names() - of all VMs of which anything is kept; g_list_free() it */
GList *live_names(const struct live *live);

/** live_set() - @was: what the configuration says */
void live_set(struct live *live, const char *vm, const char *key,
	      const char *value, const char *was);

/**
 * live_apply() - a copy of what the configuration says, with what was set
 *
 * What was set over another configured value is dropped.
 */
struct config_vm *live_apply(struct live *live, const struct config_vm *file);

/**
 * live_make() - a VM that was added by a client
 *
 * Return: NULL with @why set: a value that is not one (g_free it).
 */
struct config_vm *live_make(const struct config *config, const char *name,
			    GHashTable *keys, char **why);

/** live_keys_new() - an empty table of key and value, both owned */
GHashTable *live_keys_new(void);

#endif
