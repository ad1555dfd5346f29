// SPDX-License-Identifier: MIT
/*
 * cmd_set.c - vgpuctl set, add, remove, suspend, resume: what changes a VM
 *
 * Keys and values are vgpud's to judge: it says what is wrong with one.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

/* Whole numbers and truth values travel as such, everything else as text. */
static void add_value(JsonBuilder *b, const char *key, const char *value)
{
	/* a name may look like a number */
	static const char *const texts[] = {
		"socket", "owner", "group", "mode", "profile", "gpu",
		"affinity", "anti-affinity", NULL
	};
	gint64 number;

	if (g_strv_contains(texts, key))
		json_builder_add_string_value(b, value);
	else if (!strcmp(value, "true") || !strcmp(value, "false"))
		json_builder_add_boolean_value(b, *value == 't');
	else if (g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number,
				     NULL))
		json_builder_add_int_value(b, number);
	else
		json_builder_add_string_value(b, value);
}

/* Return: whether all of them are KEY=VALUE, none twice. */
static bool add_settings(JsonBuilder *b, int argc, char **argv)
{
	GHashTable *keys = g_hash_table_new_full(g_str_hash, g_str_equal,
						 g_free, NULL);
	bool ok = true;
	int i;

	for (i = 0; ok && i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		char *key = equals ? g_strndup(argv[i], (gsize)(equals - argv[i])) :
			NULL;

		ok = key && *key && g_utf8_validate(argv[i], -1, NULL) &&
			strcmp(key, "cmd") && strcmp(key, "vm");
		if (!ok) {
			ctl_usage("\"%s\" is not KEY=VALUE; an example: weight=200",
				  argv[i]);
		} else if (g_hash_table_contains(keys, key)) {
			ctl_usage("%s is there twice", key);
			ok = false;
		} else {
			json_builder_set_member_name(b, key);
			add_value(b, key, equals + 1);
			g_hash_table_add(keys, g_strdup(key));
		}
		g_free(key);
	}
	g_hash_table_unref(keys);
	return ok;
}

/* A VM that is not there any more has a note at most. */
static void print_note(JsonObject *reply, const char *done)
{
	const char *note = ctl_string(reply, "note");

	printf("%s: %s%s%s\n", ctl_string(reply, "name"), done,
	       *note ? "; " : "", note);
}

/* Sends it, and says of the VM in the reply what has become of it. */
static int change(struct ctl *ctl, JsonBuilder *request, const char *done)
{
	JsonObject *reply = ctl_request(ctl, request), *vm;

	if (!reply)
		return CTL_FAILED;
	vm = ctl_object(reply, "vm");
	if (ctl->json)
		ctl_print_object(vm ? vm : reply);
	else if (*ctl_string(reply, "name"))
		print_note(reply, done);
	else if (vm)
		printf("%s: %s, weight %" G_GINT64_FORMAT ", target share %.1f %%\n",
		       ctl_string(vm, "name"), done ? done :
		       ctl_string(vm, "state"), ctl_int(vm, "weight"),
		       100 * ctl_double(vm, "target_share"));
	json_object_unref(reply);
	return CTL_OK;
}

int cmd_set(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;

	if (argc < 2)
		return ctl_usage("set takes the name of a VM and KEY=VALUE, like weight=200");
	request = ctl_begin_vm("set", argv[0]);
	if (!add_settings(request, argc - 1, argv + 1)) {
		g_object_unref(request);
		return CTL_USAGE;
	}
	return change(ctl, request, NULL);
}

int cmd_add(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;

	if (argc < 1)
		return ctl_usage("add takes the name of a VM, and KEY=VALUE as in vgpud.conf");
	request = ctl_begin_vm("add", argv[0]);
	if (!add_settings(request, argc - 1, argv + 1)) {
		g_object_unref(request);
		return CTL_USAGE;
	}
	return change(ctl, request, "added");
}

int cmd_remove(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;

	if (argc != 1)
		return ctl_usage("remove takes the name of one VM");
	request = ctl_begin_vm("remove", argv[0]);
	if (ctl->force) {
		json_builder_set_member_name(request, "force");
		json_builder_add_boolean_value(request, TRUE);
	}
	return change(ctl, request, "removed");
}

int cmd_suspend(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;
	char *reason;

	if (argc < 1)
		return ctl_usage("suspend takes the name of a VM, and why");
	request = ctl_begin_vm("suspend", argv[0]);
	reason = argc > 1 ? g_strjoinv(" ", argv + 1) : NULL;
	if (reason) {
		char *valid = g_utf8_make_valid(reason, -1);

		json_builder_set_member_name(request, "reason");
		json_builder_add_string_value(request, valid);
		g_free(valid);
	}
	g_free(reason);
	return change(ctl, request, "suspended");
}

int cmd_resume(struct ctl *ctl, int argc, char **argv)
{
	if (argc != 1)
		return ctl_usage("resume takes the name of one VM");
	return change(ctl, ctl_begin_vm("resume", argv[0]), NULL);
}
