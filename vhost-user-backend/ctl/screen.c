// SPDX-License-Identifier: MIT
/*
 * screen.c - vgpuctl top on a terminal, with ncurses
 */
#include "ctl/screen.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include <curses.h>

static SCREEN *screen;

bool screen_begin(void)
{
	setlocale(LC_CTYPE, "");
	/* unlike initscr() it does not end the program */
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	return true;
}

void screen_end(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

static void put_line(int y, const char *text, attr_t attributes)
{
	if (y >= LINES)
		return;
	move(y, 0);
	attrset(attributes);
	addnstr(text, COLS);
	attrset(A_NORMAL);
	clrtoeol();
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"",
		"  n s w h t b l f m   sort by name, state, weight, share, target, busy,",
		"                      wait (p99), frames, memory; again: the other way",
		"  up down page home   move through the VMs",
		"  + -                 longer, shorter rounds",
		"  space               next round now",
		"  q                   end",
		"",
		"  * has the GPU now. Waits are for the GPU, of the last 5 to 10 seconds.",
		"  SHARE is of what all have used, TARGET what it is due among those that",
		"  have work, BUSY the part of the time in which it had work.",
		"",
		"  any key goes back",
	};
	size_t i;

	erase();
	for (i = 0; i < G_N_ELEMENTS(lines); i++)
		put_line((int)i, lines[i], A_NORMAL);
	refresh();
}

void screen_draw(struct rates *rates, struct screen_view *view)
{
	guint room = LINES > 3 ? (guint)LINES - 3 : 1, i;
	char line[2 * RATES_LINE];

	if (view->help) {
		draw_help();
		return;
	}
	rates_sort(rates, view->column, view->reverse);
	view->first = MIN(view->first, rates->rows->len > room ?
			  rates->rows->len - room : 0);
	erase();
	rates_head_line(rates, line, sizeof(line));
	put_line(0, line, A_BOLD);
	rates_title_line(line, sizeof(line));
	put_line(1, line, A_REVERSE);
	for (i = 0; i < room && view->first + i < rates->rows->len; i++) {
		const struct rates_row *row = &g_array_index(rates->rows,
			struct rates_row, view->first + i);

		rates_row_line(row, line, sizeof(line));
		put_line((int)i + 2, line, row->holds ? A_BOLD : A_NORMAL);
	}
	g_snprintf(line, sizeof(line), "by %s%s, every %.4g s   q end, ? help%s",
		   rates_column_name(view->column),
		   view->reverse ? " reversed" : "", view->delay,
		   rates->rows->len > room ? ", arrows for more" : "");
	put_line(LINES - 1, line, A_DIM);
	refresh();
}

static void sort_by(struct screen_view *view, enum rates_column column)
{
	view->reverse = view->column == column ? !view->reverse : false;
	view->column = column;
}

static void move_by(struct screen_view *view, int rows)
{
	if (rows < 0 && view->first < (guint)-rows)
		view->first = 0;
	else
		view->first += (guint)rows;	/* draw limits it */
}

static void sort_key(struct screen_view *view, int key)
{
	static const char keys[RATES_COLUMNS + 1] = "nswhtblfm";
	const char *at = key > 0 && key < 128 ? strchr(keys, key) : NULL;

	if (at && *at)
		sort_by(view, (enum rates_column)(at - keys));
}

static void handle_key(struct screen_view *view, int key)
{
	int page = MAX(LINES - 4, 1);

	switch (key) {
	case KEY_UP:
		move_by(view, -1);
		break;
	case KEY_DOWN:
		move_by(view, 1);
		break;
	case KEY_PPAGE:
		move_by(view, -page);
		break;
	case KEY_NPAGE:
		move_by(view, page);
		break;
	case KEY_HOME:
		view->first = 0;
		break;
	case KEY_END:
		view->first = G_MAXINT / 2;
		break;
	case '+':
		view->delay = MIN(view->delay * 2, 60);
		break;
	case '-':
		view->delay = MAX(view->delay / 2, 0.125);
		break;
	case '?':
		view->help = true;
		break;
	default:
		sort_key(view, key);
	}
}

int screen_wait(struct screen_view *view, gint64 until_us)
{
	gint64 began = g_get_monotonic_time(), now;
	int ms = (int)CLAMP((until_us - began + 999) / 1000, 0, 60000), key;

	timeout(ms);
	key = getch();
	if (key == ERR) {
		now = g_get_monotonic_time();
		/* it did not wait: the terminal has gone */
		if (now - began + 2000 < ms * G_GINT64_CONSTANT(1000))
			return 'q';
		return now >= until_us ? 0 : 'r';
	}
	if (view->help) {
		view->help = false;
		return 'r';
	}
	if (key == 'q' || key == 3 || key == 27)
		return 'q';
	if (key == ' ')
		return ' ';
	handle_key(view, key);
	return 'r';
}
