// SPDX-License-Identifier: MIT
/*
 * change.c - what a control client may change
 */
#include "broker/change.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_keys.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/live.h"
#include "broker/reply.h"
#include "broker/state.h"
#include "broker/vm.h"

#define VMS_MAX		4096
#define REASON_MAX	256

static char *reply_of(struct vm *vm)
{
	struct json *b = reply_begin(true);

	reply_vm(b, "vm", vm);
	return json_end(b);
}

static char *refuse(struct broker *broker, const char *vm, char *why)
{
	char *reply = reply_fail("%s", why);

	events_post(broker->events, EVENT_REFUSED, vm, "%s", why);
	g_free(why);
	return reply;
}

/* ---- values ---- */

static char *wrong_type(const struct config_key *key)
{
	switch (key->kind) {
	case VALUE_U32:
		return g_strdup_printf("\"%s\" is not a whole number from %" PRIu64
				       " to %" PRIu64, key->name, key->min,
				       key->max);
	case VALUE_LIMIT:
		return g_strdup_printf("\"%s\" is neither a whole number from %" PRIu64
				       " to %" PRIu64 " nor \"none\"", key->name,
				       key->min, key->max);
	case VALUE_SHARE:
		return g_strdup_printf("\"%s\" is not a percentage; write a number, \"25%%\" or \"none\"",
				       key->name);
	case VALUE_TIME:
		return g_strdup_printf("\"%s\" is not a time; write one like \"10s\" or \"500ms\"",
				       key->name);
	case VALUE_SIZE:
		return g_strdup_printf("\"%s\" is not a size; write bytes, or text like \"512M\"",
				       key->name);
	case VALUE_BOOL:
		return g_strdup_printf("\"%s\" is neither true nor false",
				       key->name);
	default:
		return g_strdup_printf("\"%s\" is not text", key->name);
	}
}

/* A JSON value as the text of vgpud.conf(5); NULL: not of the key's type. */
static char *value_text(const struct config_key *key, JsonNode *node)
{
	GType type = JSON_NODE_HOLDS_VALUE(node) ?
		json_node_get_value_type(node) : G_TYPE_INVALID;
	bool number = key->kind == VALUE_U32 || key->kind == VALUE_LIMIT ||
		key->kind == VALUE_SHARE || key->kind == VALUE_SIZE;

	if (type == G_TYPE_BOOLEAN && key->kind == VALUE_BOOL)
		return g_strdup(json_node_get_boolean(node) ? "true" : "false");
	if (type == G_TYPE_INT64 && number)
		return g_strdup_printf("%" PRId64, json_node_get_int(node));
	if (type == G_TYPE_DOUBLE && key->kind == VALUE_SHARE) {
		char text[G_ASCII_DTOSTR_BUF_SIZE];

		return g_strdup(g_ascii_formatd(text, sizeof(text), "%.2f",
						json_node_get_double(node)));
	}
	if (type == G_TYPE_STRING && key->kind != VALUE_U32 &&
	    key->kind != VALUE_BOOL)
		return g_strdup(json_node_get_string(node));
	return NULL;
}

/*
 * The members of a request that are settings.
 * Return: NULL with @why set (g_free it) if one is none, or is not of its type.
 */
static GHashTable *get_keys(JsonObject *request, unsigned int flags, char **why)
{
	GHashTable *keys = live_keys_new();
	GList *names = json_object_get_members(request), *n;

	*why = NULL;
	for (n = names; n && !*why; n = n->next) {
		const struct config_key *key;
		char *text;

		if (!strcmp(n->data, "cmd") || !strcmp(n->data, "vm"))
			continue;
		key = config_key_find(config_vm_keys, n->data, flags);
		if (!key) {
			char *list = config_key_list(config_vm_keys, flags);

			*why = g_strdup_printf("there is no setting \"%.64s\" here; there are %s",
					       (char *)n->data, list);
			g_free(list);
			break;
		}
		text = value_text(key, json_object_get_member(request, n->data));
		if (text)
			g_hash_table_insert(keys, g_strdup(n->data), text);
		else
			*why = wrong_type(key);
	}
	g_list_free(names);
	if (!*why)
		return keys;
	g_hash_table_unref(keys);
	return NULL;
}

static char *keys_text(GHashTable *keys)
{
	GList *names = g_list_sort(g_hash_table_get_keys(keys),
				   (GCompareFunc)strcmp), *n;
	GString *text = g_string_new(NULL);

	for (n = names; n; n = n->next)
		g_string_append_printf(text, "%s%s=%s", text->len ? " " : "",
				       (char *)n->data,
				       (char *)g_hash_table_lookup(keys, n->data));
	g_list_free(names);
	return g_string_free(text, FALSE);
}

static void tell(struct broker *broker, enum event_type type, const char *vm,
		 const char *what, const struct ucred *peer)
{
	log_info("VM %s: %s by pid %d, uid %u", vm, what, (int)peer->pid,
		 (unsigned int)peer->uid);
	events_post(broker->events, type, vm, "%s by pid %d, uid %u", what,
		    (int)peer->pid, (unsigned int)peer->uid);
}

/* ---- requests ---- */

char *change_set(struct vm *vm, JsonObject *request, const struct ucred *peer)
{
	GHashTable *keys;
	char *why, *what;

	keys = get_keys(request, CONFIG_LIVE, &why);
	if (!keys)
		return refuse(vm->broker, vm->config->name, why);
	if (!g_hash_table_size(keys)) {
		char *list = config_key_list(config_vm_keys, CONFIG_LIVE);
		char *reply = reply_fail("nothing to set; %s can be", list);

		g_free(list);
		g_hash_table_unref(keys);
		return reply;
	}
	why = vm_set(vm, keys);
	if (!why) {
		what = keys_text(keys);
		tell(vm->broker, EVENT_SET, vm->config->name, what, peer);
		g_free(what);
	}
	g_hash_table_unref(keys);
	return why ? refuse(vm->broker, vm->config->name, why) : reply_of(vm);
}

static bool privileged(const struct ucred *peer)
{
	return !peer->uid || peer->uid == geteuid();
}

/* Who may only talk to vgpud must not have it write anywhere. */
static char *check_rights(GHashTable *keys, const struct ucred *peer)
{
	static const char *const own[] = { "socket", "owner", "group", "mode" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(own) && !privileged(peer); i++) {
		if (g_hash_table_contains(keys, own[i]))
			return g_strdup_printf("\"%s\" can be given by root and by vgpud's own user only; leave it out",
					       own[i]);
	}
	return NULL;
}

static char *check_socket(const struct broker *broker,
			  const struct config_vm *config)
{
	guint i;

	if (!strcmp(config->socket, broker->config->control_socket))
		return g_strdup_printf("socket %s is the control socket; choose another",
				       config->socket);
	for (i = 0; i < broker->vms->len; i++) {
		const struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (!strcmp(vm->config->socket, config->socket))
			return g_strdup_printf("socket %s is VM %s's already; choose another",
					       config->socket,
					       vm->config->name);
	}
	return NULL;
}

/* Return: the VM, or NULL with @why set. */
static struct vm *add(struct broker *broker, const char *name, GHashTable *keys,
		      char **why)
{
	struct config_vm *config = live_make(broker->config, name, keys, why);
	struct vm *vm = NULL;

	if (!config)
		return NULL;
	*why = check_socket(broker, config);
	if (!*why)
		vm = vm_new(broker, config, why);
	if (vm)
		vm->added = true;
	config_vm_free(config);
	return vm;
}

static char *check_name(const struct broker *broker, const char *name)
{
	if (!name)
		return g_strdup("\"vm\" is missing; name the VM to add");
	if (!config_name_ok(name))
		return g_strdup_printf("\"%.64s\" is no name for a VM; use up to 63 letters, digits, and - _ . after the first",
				       name);
	if (vm_find(broker, name))
		return g_strdup_printf("there is a VM %s already; choose another name",
				       name);
	if (broker->vms->len >= VMS_MAX)
		return g_strdup_printf("there are %u VMs; one vgpud serves no more",
				       VMS_MAX);
	return NULL;
}

char *change_add(struct broker *broker, JsonObject *request,
		 const struct ucred *peer)
{
	JsonNode *node = json_object_get_member(request, "vm");
	const char *name = node && JSON_NODE_HOLDS_VALUE(node) &&
		json_node_get_value_type(node) == G_TYPE_STRING ?
		json_node_get_string(node) : NULL;
	char *why = check_name(broker, name);
	GHashTable *keys = NULL;
	struct vm *vm = NULL;

	if (!why)
		keys = get_keys(request, 0, &why);
	if (keys)
		why = check_rights(keys, peer);
	if (keys && !why)
		vm = add(broker, name, keys, &why);
	if (!vm) {
		g_clear_pointer(&keys, g_hash_table_unref);
		return refuse(broker, NULL, why);
	}
	live_vm(broker->live, name, TRUE)->added = keys;
	state_save(broker);
	tell(broker, EVENT_ADDED, name, "added", peer);
	return reply_of(vm);
}

void change_restore(struct broker *broker)
{
	GList *names = live_names(broker->live), *n;

	for (n = names; n; n = n->next) {
		const struct live_vm *kept = live_vm(broker->live, n->data,
						     FALSE);
		char *why = NULL;

		if (vm_find(broker, n->data)) {
			continue;
		} else if (!kept->added) {
			live_forget(broker->live, n->data);
		} else if (!add(broker, n->data, kept->added, &why)) {
			log_warning("VM %s, that a client had added, can not be again: %s",
				    (char *)n->data, why);
			live_forget(broker->live, n->data);
		}
		g_free(why);
	}
	g_list_free(names);
}

char *change_remove(struct vm *vm, JsonObject *request,
		    const struct ucred *peer)
{
	JsonNode *node = json_object_get_member(request, "force");
	struct broker *broker = vm->broker;
	char *name = g_strdup(vm->config->name);
	bool runs = vm->endpoint != NULL, force = false;
	bool in_file = config_find_vm(broker->config, name) != NULL;
	struct json *b;

	if (node && (!JSON_NODE_HOLDS_VALUE(node) ||
		     json_node_get_value_type(node) != G_TYPE_BOOLEAN)) {
		g_free(name);
		return reply_fail("\"force\" is neither true nor false");
	}
	if (node)
		force = json_node_get_boolean(node);
	tell(broker, EVENT_REMOVED, name, "removed", peer);
	if (runs && force)
		endpoint_stop(vm->endpoint, false);
	vm_remove(vm);
	state_save(broker);
	b = reply_begin(true);
	json_string(b, "name", name);
	json_bool(b, "gone", !runs);
	if (runs)
		json_string(b, "note", force ?
			     "its front end is disconnected now" :
			     "it runs until its front end disconnects; \"force\" ends it");
	else if (in_file)
		json_string(b, "note", "it is in the configuration file, and will be back with a reload or restart");
	g_free(name);
	return json_end(b);
}

char *change_suspend(struct vm *vm, JsonObject *request,
		     const struct ucred *peer)
{
	JsonNode *node = json_object_get_member(request, "reason");
	const char *reason = NULL;
	char *text;

	if (node) {
		if (!JSON_NODE_HOLDS_VALUE(node) ||
		    json_node_get_value_type(node) != G_TYPE_STRING)
			return reply_fail("\"reason\" is not text");
		reason = json_node_get_string(node);
		if (strlen(reason) > REASON_MAX)
			return reply_fail("\"reason\" has %zu bytes; at most %u are kept",
					  strlen(reason), REASON_MAX);
	}
	text = g_strdup_printf("%s%sby pid %d, uid %u", reason ? reason : "",
			       reason ? ", " : "", (int)peer->pid,
			       (unsigned int)peer->uid);
	vm_suspend(vm, text);
	g_free(text);
	return reply_of(vm);
}

char *change_resume(struct vm *vm, JsonObject *request,
		    const struct ucred *peer)
{
	if (!vm->suspended)
		return reply_fail("VM %s is not suspended", vm->config->name);
	log_info("VM %s: resumed by pid %d, uid %u", vm->config->name,
		 (int)peer->pid, (unsigned int)peer->uid);
	vm_resume(vm);
	return reply_of(vm);
}
