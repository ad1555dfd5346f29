// SPDX-License-Identifier: MIT
/*
 * live.c - what clients have set, beside what the configuration says
 */
#include "broker/live.h"

#include <string.h>

#include "base/log.h"
#include "broker/config.h"
#include "broker/config_keys.h"

struct live {
	GHashTable *vms;		/* name to struct live_vm */
};

GHashTable *live_keys_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void vm_free(gpointer data)
{
	struct live_vm *v = data;

	g_hash_table_unref(v->set);
	g_hash_table_unref(v->was);
	g_clear_pointer(&v->added, g_hash_table_unref);
	g_free(v->gpu);
	g_free(v->suspended);
	g_free(v);
}

struct live *live_new(void)
{
	struct live *live = g_new0(struct live, 1);

	live->vms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					  vm_free);
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	g_hash_table_unref(live->vms);
	g_free(live);
}

struct live_vm *live_vm(struct live *live, const char *name, gboolean make)
{
	struct live_vm *v = g_hash_table_lookup(live->vms, name);

	if (v || !make)
		return v;
	v = g_new0(struct live_vm, 1);
	v->set = live_keys_new();
	v->was = live_keys_new();
	g_hash_table_insert(live->vms, g_strdup(name), v);
	return v;
}

void live_forget(struct live *live, const char *name)
{
	g_hash_table_remove(live->vms, name);
}

GList *live_names(const struct live *live)
{
	return g_list_sort(g_hash_table_get_keys(live->vms),
			   (GCompareFunc)strcmp);
}

void live_set(struct live *live, const char *vm, const char *key,
	      const char *value, const char *was)
{
	struct live_vm *v = live_vm(live, vm, TRUE);

	g_hash_table_insert(v->set, g_strdup(key), g_strdup(value));
	g_hash_table_insert(v->was, g_strdup(key), g_strdup(was));
}

/* Return: whether @value stays set. */
static gboolean apply_one(struct config_vm *to, const struct config_vm *file,
			  const char *name, const char *value, const char *was)
{
	const struct config_key *key = config_key_find(config_vm_keys, name,
						       CONFIG_LIVE);
	char *now, *why;
	gboolean same;

	if (!key)
		return FALSE;
	now = config_key_get(key, file);
	same = !g_strcmp0(now, was);
	g_free(now);
	if (!same) {
		log_info("VM %s: %s is what the configuration says now; %s was set before",
			 file->name, name, value);
		return FALSE;
	}
	why = config_key_set(key, to, value);
	if (why)
		log_warning("VM %s: %s that was set is not used: %s",
			    file->name, name, why);
	same = !why;
	g_free(why);
	return same;
}

struct config_vm *live_apply(struct live *live, const struct config_vm *file)
{
	struct config_vm *vm = config_vm_copy(file);
	struct live_vm *v = live_vm(live, file->name, FALSE);
	GHashTableIter iter;
	gpointer name, value;

	if (!v)
		return vm;
	g_hash_table_iter_init(&iter, v->set);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		if (!apply_one(vm, file, name, value,
			       g_hash_table_lookup(v->was, name)))
			g_hash_table_iter_remove(&iter);
	}
	return vm;
}

struct config_vm *live_make(const struct config *config, const char *name,
			    GHashTable *keys, char **why)
{
	const char *profile_name = g_hash_table_lookup(keys, "profile");
	const struct config_vm *profile = profile_name ?
		config_find_profile(config, profile_name) : NULL;
	struct config_vm *vm;
	GHashTableIter iter;
	gpointer key, value;

	*why = NULL;
	if (profile_name && strcmp(profile_name, "none") && !profile) {
		*why = g_strdup_printf("there is no profile \"%s\"; write a section [profile %s]",
				       profile_name, profile_name);
		return NULL;
	}
	vm = config_vm_new(config, name, profile);
	g_hash_table_iter_init(&iter, keys);
	while (!*why && g_hash_table_iter_next(&iter, &key, &value)) {
		const struct config_key *k = config_key_find(config_vm_keys,
							     key, 0);
		char *wrong = k ? config_key_set(k, vm, value) :
			g_strdup("there is no such setting");

		if (wrong)
			*why = g_strdup_printf("%s: %s", (char *)key, wrong);
		g_free(wrong);
	}
	if (*why) {
		config_vm_free(vm);
		return NULL;
	}
	config_vm_socket(config, vm);
	return vm;
}
