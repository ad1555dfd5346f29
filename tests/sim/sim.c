// SPDX-License-Identifier: MIT
/*
 * sim.c - the scheduling policy in virtual time
 *
 * Links the very objects that vgpud runs. Workloads are files; workload.h says
 * what is in them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/report.h"

static char *out_folder, *policy;
static double seconds;
static gboolean list;

static const GOptionEntry options[] = {
	{ "out", 'o', 0, G_OPTION_ARG_FILENAME, &out_folder, "write CSV and SVG files there", "FOLDER" },
	{ "policy", 'p', 0, G_OPTION_ARG_STRING, &policy,
	  "instead of the workload's; nothing fails", "NAME" },
	{ "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds,
	  "virtual time, instead of the workload's", "S" },
	{ "figures", 'f', 0, G_OPTION_ARG_NONE, &list, "print all figures, not a table", NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void progress(const struct lane *lane)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s: %.0f %%  ", lane->load->name,
			100 * (double)lane->now / (double)lane->end);
}

static void print_figures(const struct lane *lane, const struct figure *figures)
{
	int i;

	printf("%s\n", lane->load->title);
	for (i = 0; i < FIGURES; i++)
		printf("  %-10s %12.6f  %s\n", figures[i].name,
		       figures[i].value, figures[i].text);
}

/* Return: figures that are not as expected, negative: it could not run */
static int run(const char *path)
{
	struct figure figures[FIGURES];
	GError *error = NULL;
	struct workload *load = workload_read(path, &error);
	struct lane lane;
	int failed = 0;

	if (!load) {
		fprintf(stderr, "sim: %s\n", error->message);
		g_clear_error(&error);
		return -EINVAL;
	}
	if (policy) {
		g_free(load->policy);
		load->policy = g_strdup(policy);
	}
	if (seconds > 0)
		load->seconds = seconds;
	if (!method_find(load->policy)) {
		fprintf(stderr, "sim: %s: there is no policy '%s'\n", path,
			load->policy);
		workload_free(load);
		return -EINVAL;
	}
	lane_run(&lane, load, progress);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	report_figures(&lane, figures);
	if (list)
		print_figures(&lane, figures);
	else
		report_row(stdout, &lane, figures);
	if (out_folder && (report_csv(&lane, out_folder) ||
			   report_svg(&lane, out_folder)))
		failed = -EIO;
	if (!failed && !policy)
		failed = report_expected(&lane, figures);
	fflush(stdout);
	lane_clear(&lane);
	workload_free(load);
	return failed;
}

int main(int argc, char **argv)
{
	GOptionContext *context = g_option_context_new(
		"WORKLOAD... - the scheduling policy in virtual time");
	GError *error = NULL;
	int i, failed = 0, broken = 0;

	g_option_context_set_description(context,
		"Exit status: 1 if a figure is not as a workload expects, 2 if one could not run.");
	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2 ||
	    seconds < 0 || seconds > 1e6) {
		fprintf(stderr, "sim: %s\n", error ? error->message :
			"need a workload, and seconds up to 1000000; see --help");
		return 2;
	}
	if (!list)
		report_head(stdout);
	for (i = 1; i < argc; i++) {
		int ret = run(argv[i]);

		failed += ret > 0 ? ret : 0;
		broken += ret < 0;
	}
	g_option_context_free(context);
	return broken ? 2 : failed ? 1 : 0;
}
