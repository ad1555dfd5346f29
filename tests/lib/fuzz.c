// SPDX-License-Identifier: MIT
/*
 * fuzz.c - replays a corpus and mutates it
 */
#include "tests/lib/fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define INPUT_MAX	8192

static GPtrArray *corpus;	/* of GBytes */

static int load(const char *path)
{
	GError *error = NULL;
	const char *name;
	GSList *names = NULL, *n;
	gsize size;
	char *data;
	GDir *dir = g_dir_open(path, 0, NULL);
	int ret = 0;

	while (dir && (name = g_dir_read_name(dir)))
		names = g_slist_insert_sorted(names, g_strdup(name),
					      (GCompareFunc)strcmp);
	if (dir) {
		g_dir_close(dir);
		for (n = names; n; n = n->next) {
			g_autofree char *file =
				g_build_filename(path, n->data, NULL);

			ret |= load(file);
		}
		g_slist_free_full(names, g_free);
		return ret;
	}
	if (!g_file_get_contents(path, &data, &size, &error)) {
		fprintf(stderr, "%s\n", error->message);
		g_error_free(error);
		return -1;
	}
	g_ptr_array_add(corpus, g_bytes_new_take(data, size));
	return 0;
}

static size_t pick(GRand *r, uint8_t *to)
{
	size_t size;

	if (!corpus->len || !g_rand_int_range(r, 0, 8)) {
		size = (size_t)g_rand_int_range(r, 0, 512);
		for (size_t i = 0; i < size; i++)
			to[i] = (uint8_t)g_rand_int(r);
		return size;
	}
	GBytes *b = g_ptr_array_index(corpus, (guint)
			g_rand_int_range(r, 0, (gint32)corpus->len));
	const void *data = g_bytes_get_data(b, &size);

	size = MIN(size, INPUT_MAX / 2);
	if (size)
		memcpy(to, data, size);
	return size;
}

/* A few changes, of the kinds that find bugs in parsers. */
static size_t mutate(GRand *r, uint8_t *d, size_t size)
{
	static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, 0x10, 0x40 };
	int n = g_rand_int_range(r, 1, 8);
	size_t i, len;

	while (n-- && size) {
		i = (size_t)g_rand_int_range(r, 0, (gint32)size);
		switch (g_rand_int_range(r, 0, 6)) {
		case 0:
			d[i] ^= (uint8_t)(1 << g_rand_int_range(r, 0, 8));
			break;
		case 1:
			d[i] = (uint8_t)g_rand_int(r);
			break;
		case 2:
			d[i] = edges[g_rand_int_range(r, 0, 7)];
			break;
		case 3:		/* cut */
			size = i;
			break;
		case 4:		/* remove from the middle */
			len = (size_t)g_rand_int_range(r, 1, 17);
			len = MIN(size - i, len);
			memmove(d + i, d + i + len, size - i - len);
			size -= len;
			break;
		case 5:		/* repeat */
			len = (size_t)g_rand_int_range(r, 1, 65);
			len = MIN(size - i, len);
			if (size + len > INPUT_MAX)
				break;
			memmove(d + i + len, d + i, size - i);
			size += len;
			break;
		}
	}
	return size;
}

int fuzz_main(int argc, char **argv, fuzz_fn fn, unsigned int random)
{
	GRand *r = g_rand_new_with_seed(20261120);
	uint8_t *data = g_malloc(INPUT_MAX);
	int i, ret = 0;
	guint c;

	signal(SIGPIPE, SIG_IGN);
	corpus = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (i = 1; i < argc; i++)
		ret |= load(argv[i]);
	for (c = 0; c < corpus->len; c++) {
		gsize size;
		const void *p = g_bytes_get_data(corpus->pdata[c], &size);

		fn(p, size);
	}
	while (random--) {
		/* its own allocation, so that a sanitizer sees its end */
		size_t size = mutate(r, data, pick(r, data));
		uint8_t *copy = malloc(size);	/* not NULL for 0 */

		memcpy(copy, data, size);
		fn(copy, size);
		free(copy);
	}
	printf("%u inputs of a corpus, and mutations: no fault\n", corpus->len);
	g_ptr_array_free(corpus, TRUE);
	g_free(data);
	g_rand_free(r);
	return ret ? 1 : 0;
}
