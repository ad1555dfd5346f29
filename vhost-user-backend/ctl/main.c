// SPDX-License-Identifier: MIT
/*
 * main.c - vgpuctl: options, and the table of commands
 */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

#define DEFAULT_SOCKET	"/run/vgpu/control.sock"

static const struct ctl_command commands[] = {
	{ "list", "", "the VMs, one a line", cmd_list },
	{ "show", "VM", "everything about one VM", cmd_show },
	{ "set", "VM weight=N", "change its weight while it runs", cmd_set },
	{ "top", "[-d SECONDS] [-n ROUNDS]", "follow who uses the GPU", cmd_top },
};

static char *describe_commands(void)
{
	GString *text = g_string_new("Commands:\n");
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		char *call = g_strdup_printf("%s %s", commands[i].name,
					     commands[i].arguments);

		g_string_append_printf(text, "  %-30s %s\n", call,
				       commands[i].summary);
		g_free(call);
	}
	g_string_append(text, "\nExit status: 0 done, 1 vgpud is not there or says no, 2 wrong usage.");
	return g_string_free(text, FALSE);
}

static const struct ctl_command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	return NULL;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_command *command;

	if (argc < 2)
		return ctl_usage("no command; there are list, show, set and top");
	command = find_command(argv[1]);
	if (!command)
		return ctl_usage("there is no command \"%s\"; there are list, show, set and top",
				 argv[1]);
	if (command->run != cmd_top && (ctl->delay != 0 || ctl->rounds != -1))
		return ctl_usage("-d and -n belong to top");
	if (!isfinite(ctl->delay) || ctl->delay < 0 || ctl->delay > 86400 ||
	    ctl->rounds < -1)
		return ctl_usage("-d takes seconds from 0 to 86400, -n a number of rounds");
	return command->run(ctl, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .fd = -1, .rounds = -1 };
	gboolean json = FALSE;
	char *path = NULL, *description;
	const GOptionEntry entries[] = {
		{ "socket", 's', 0, G_OPTION_ARG_FILENAME, &path,
		  "control socket of vgpud (default " DEFAULT_SOCKET ")", "PATH" },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json,
		  "print JSON, one document a line", NULL },
		{ "delay", 'd', 0, G_OPTION_ARG_DOUBLE, &ctl.delay,
		  "top: seconds between rounds (2)", "SECONDS" },
		{ "rounds", 'n', 0, G_OPTION_ARG_INT, &ctl.rounds,
		  "top: end after that many (no end)", "ROUNDS" },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	GOptionContext *context = g_option_context_new("COMMAND");
	GError *error = NULL;
	int ret;

	signal(SIGPIPE, SIG_DFL);
	description = describe_commands();
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		ret = ctl_usage("%s", error->message);
		g_error_free(error);
	} else {
		ctl.socket = path ? path : DEFAULT_SOCKET;
		ctl.json = json;
		ctl.in = g_byte_array_new();
		ret = run(&ctl, argc, argv);
		g_byte_array_free(ctl.in, TRUE);
	}
	if (ctl.fd >= 0)
		close(ctl.fd);
	g_free(description);
	g_free(path);
	g_option_context_free(context);
	return ret;
}
