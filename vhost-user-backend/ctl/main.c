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
	{ "list", "", "the VMs, one a line", "", cmd_list },
	{ "show", "VM", "everything about one VM", "", cmd_show },
	{ "set", "VM KEY=VALUE...", "change settings while it runs", "",
	  cmd_set },
	{ "add", "VM [KEY=VALUE...]", "another VM, without a section of its own",
	  "", cmd_add },
	{ "remove", "VM [--force]", "serve it no more", "F", cmd_remove },
	{ "suspend", "VM [REASON]", "keep it from the GPU", "", cmd_suspend },
	{ "resume", "VM", "let it go on", "", cmd_resume },
	{ "top", "[-d S] [-n N] [-b] [-S COLUMN]", "follow who uses the GPU",
	  "dnbS", cmd_top },
	{ "events", "[-f]", "what has happened, and what happens", "f",
	  cmd_events },
	{ "trace", "FILE [-t S]", "who had the GPU when, for Perfetto", "t",
	  cmd_trace },
	{ "record", "FILE [-t S] [-d S]", "shares over time, for plot", "td",
	  cmd_record },
	{ "plot", "RECORDING FILE.svg", "draw them", "", cmd_plot },
};

static char *describe_commands(void)
{
	GString *text = g_string_new("Commands:\n");
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		char *call = g_strdup_printf("%s %s", commands[i].name,
					     commands[i].arguments);

		g_string_append_printf(text, "  %-36s %s\n", call,
				       commands[i].summary);
		g_free(call);
	}
	g_string_append(text, "\nExit status: 0 done, 1 vgpud is not there or says no, 2 wrong usage.");
	return g_string_free(text, FALSE);
}

/* "list, show, ... and plot" */
static char *name_commands(void)
{
	GString *text = g_string_new(NULL);
	size_t i, n = G_N_ELEMENTS(commands);

	for (i = 0; i < n; i++)
		g_string_append_printf(text, "%s%s", commands[i].name,
				       i + 2 < n ? ", " : i + 1 < n ? " and " : "");
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

/* Options that this command does not take. */
static char odd_option(const struct ctl *ctl, const struct ctl_command *command)
{
	const struct {
		char letter;
		bool given;
	} given[] = {
		{ 'd', ctl->delay != 0 },
		{ 'n', ctl->rounds != -1 },
		{ 't', ctl->seconds != 0 },
		{ 'b', ctl->batch },
		{ 'f', ctl->follow },
		{ 'F', ctl->force },
		{ 'S', ctl->sort != NULL },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(given); i++) {
		if (given[i].given &&
		    !strchr(command->options, given[i].letter))
			return given[i].letter;
	}
	return 0;
}

static bool time_ok(double seconds)
{
	return isfinite(seconds) && seconds >= 0 && seconds <= 86400;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_command *command;
	g_autofree char *names = name_commands();
	char odd;

	if (argc < 2)
		return ctl_usage("no command; there are %s", names);
	command = find_command(argv[1]);
	if (!command)
		return ctl_usage("there is no command \"%s\"; there are %s",
				 argv[1], names);
	odd = odd_option(ctl, command);
	if (odd)
		return ctl_usage("%s does not take %s%c%s", command->name,
				 odd == 'F' ? "--" : "-",
				 odd == 'F' ? 'f' : odd,
				 odd == 'F' ? "orce" : "");
	if (!time_ok(ctl->delay) || !time_ok(ctl->seconds) || ctl->rounds < -1)
		return ctl_usage("-d and -t take seconds from 0 to 86400, -n a number of rounds");
	return command->run(ctl, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .fd = -1, .rounds = -1 };
	gboolean json = FALSE, batch = FALSE, follow = FALSE, force = FALSE;
	char *path = NULL, *sort = NULL, *description;
	const GOptionEntry entries[] = {
		{ "socket", 's', 0, G_OPTION_ARG_FILENAME, &path,
		  "control socket of vgpud (default " DEFAULT_SOCKET ")", "PATH" },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json,
		  "print JSON, one document a line", NULL },
		{ "delay", 'd', 0, G_OPTION_ARG_DOUBLE, &ctl.delay,
		  "top: seconds between rounds (2); record: between samples (0.25)",
		  "SECONDS" },
		{ "rounds", 'n', 0, G_OPTION_ARG_INT, &ctl.rounds,
		  "top: end after that many (no end)", "ROUNDS" },
		{ "batch", 'b', 0, G_OPTION_ARG_NONE, &batch,
		  "top: plain text, as when the output is no terminal", NULL },
		{ "sort", 'S', 0, G_OPTION_ARG_STRING, &sort,
		  "top: by name, state, weight, share, target, busy, wait, frames or memory",
		  "COLUMN" },
		{ "follow", 'f', 0, G_OPTION_ARG_NONE, &follow,
		  "events: go on as they happen", NULL },
		{ "force", 0, 0, G_OPTION_ARG_NONE, &force,
		  "remove: disconnect it now", NULL },
		{ "seconds", 't', 0, G_OPTION_ARG_DOUBLE, &ctl.seconds,
		  "trace: of the time from now on; record: end after that (until interrupted)",
		  "SECONDS" },
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
		ctl.batch = batch;
		ctl.follow = follow;
		ctl.force = force;
		ctl.sort = sort;
		ctl.in = g_byte_array_new();
		ret = run(&ctl, argc, argv);
		g_byte_array_free(ctl.in, TRUE);
	}
	if (ctl.fd >= 0)
		close(ctl.fd);
	g_free(description);
	g_free(path);
	g_free(sort);
	g_option_context_free(context);
	return ret;
}
