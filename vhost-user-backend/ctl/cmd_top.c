// SPDX-License-Identifier: MIT
/*
 * cmd_top.c - vgpuctl top: who uses the GPU, again and again
 *
 * On a terminal with keys, else (or with --batch) as text. The first round has
 * none to compare with and shows vgpud's own last second.
 */
#include <stdio.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/rates.h"
#include "ctl/screen.h"

struct top {
	struct ctl *ctl;
	struct screen_view view;
	JsonObject *last, *before;	/* replies */
	int left;			/* rounds, -1: no end */
};

/* Return: false: there is no reply, which was said. */
static bool next_round(struct top *top)
{
	JsonObject *reply = ctl_request(top->ctl, ctl_begin("stats"));

	if (!reply)
		return false;
	g_clear_pointer(&top->before, json_object_unref);
	top->before = top->last;
	top->last = reply;
	if (top->left > 0)
		top->left--;
	return true;
}

static void print_text(struct top *top)
{
	struct rates *rates = rates_new(top->last, top->before);
	char line[2 * RATES_LINE];
	guint i;

	rates_sort(rates, top->view.column, top->view.reverse);
	rates_head_line(rates, line, sizeof(line));
	puts(line);
	rates_title_line(line, sizeof(line));
	puts(line);
	for (i = 0; i < rates->rows->len; i++) {
		rates_row_line(&g_array_index(rates->rows, struct rates_row, i),
			       line, sizeof(line));
		puts(line);
	}
	putchar('\n');
	fflush(stdout);
	rates_free(rates);
}

static int run_text(struct top *top)
{
	while (top->left) {
		if (top->last)
			g_usleep((gulong)(top->view.delay * 1e6));
		if (!next_round(top))
			return CTL_FAILED;
		if (top->ctl->json)
			ctl_print_object(top->last);
		else
			print_text(top);
	}
	return CTL_OK;
}

static int run_screen(struct top *top)
{
	int key = ' ', ret = CTL_OK;
	gint64 next = 0;

	ctl_before_error = screen_end;
	while (key != 'q') {
		struct rates *rates;

		if (!key || key == ' ') {
			if (!top->left)
				break;
			if (!next_round(top)) {
				ret = CTL_FAILED;
				break;
			}
			next = g_get_monotonic_time() +
				(gint64)(top->view.delay * 1e6);
		}
		rates = rates_new(top->last, top->before);
		screen_draw(rates, &top->view);
		rates_free(rates);
		key = screen_wait(&top->view, next);
	}
	screen_end();
	return ret;
}

int cmd_top(struct ctl *ctl, int argc, char **argv)
{
	struct top top = {
		.ctl = ctl,
		.left = ctl->rounds,
		.view = {
			.column = RATES_SHARE,
			.delay = ctl->delay > 0 ? ctl->delay : 2,
		},
	};
	bool text = ctl->json || ctl->batch || !isatty(STDOUT_FILENO) ||
		!isatty(STDIN_FILENO);
	int ret;

	if (argc)
		return ctl_usage("top takes no arguments but -d, -n, -b and -S");
	if (ctl->sort) {
		top.view.column = rates_column(ctl->sort);
		if (top.view.column == RATES_COLUMNS)
			return ctl_usage("there is no column \"%s\" to sort by; there are name, state, weight, share, target, busy, wait, frames and memory",
					 ctl->sort);
	}
	/* a terminal that can not be drawn on is one for text */
	if (text || !screen_begin())
		ret = run_text(&top);
	else
		ret = run_screen(&top);
	g_clear_pointer(&top.last, json_object_unref);
	g_clear_pointer(&top.before, json_object_unref);
	return ret;
}
