// SPDX-License-Identifier: MIT
/*
 * check-gears.c - looks for the three gears of glxgears in screenshots
 *
 * usage: check-gears [--renderer STRING] [--jobs BEFORE AFTER] PNG [PNG]
 *
 * Counts gears of each colour in each picture: one red, one green below and
 * right of it or level with it, and one blue above it. Two pictures must
 * differ within the gears. Gears look the same whoever draws them, so the
 * evidence that they went through the host's renderer is checked with them:
 * the GL renderer string of the very program, and the worker's count of jobs,
 * which must have risen.
 *
 * Prints one line of JSON; exit status 0: all holds, 1: not, 2: wrong usage.
 */
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RED, GREEN, BLUE, COLOURS };

struct picture {
	png_image png;
	png_bytep rgb;
	unsigned char *colour;	/* a pixel's colour + 1, or 0 */
};

/* A connected patch of one colour. */
struct blob {
	int left, top, right, bottom;
	long pixels;
	int first;		/* index of one of its pixels */
};

struct gears {
	int count[COLOURS];
	struct blob largest[COLOURS];
};

/* A gear of the default window is at least this large. */
enum { MIN_SIDE = 30, MIN_PIXELS = 600, MAX_SIDE = 1000 };

static const char *const colour_names[COLOURS] = { "red", "green", "blue" };

static int classify(const unsigned char *p)
{
	for (int c = 0; c < COLOURS; c++) {
		int a = p[(c + 1) % 3], b = p[(c + 2) % 3], most = a > b ? a : b;

		if (p[c] >= 50 && p[c] * 2 > most * 3)
			return c + 1;
	}
	return 0;
}

static int picture_load(struct picture *p, const char *path)
{
	long n;

	p->png.version = PNG_IMAGE_VERSION;
	if (!png_image_begin_read_from_file(&p->png, path)) {
		fprintf(stderr, "check-gears: %s: %s\n", path, p->png.message);
		return -1;
	}
	p->png.format = PNG_FORMAT_RGB;
	n = (long)p->png.width * p->png.height;
	p->rgb = calloc(n, 3);
	p->colour = calloc(n, 1);
	if (!p->rgb || !p->colour ||
	    !png_image_finish_read(&p->png, NULL, p->rgb, 0, NULL)) {
		fprintf(stderr, "check-gears: %s: %s\n", path, p->png.message);
		return -1;
	}
	for (long i = 0; i < n; i++)
		p->colour[i] = classify(p->rgb + i * 3);
	return 0;
}

static void blob_grow(struct blob *b, int x, int y)
{
	b->left = x < b->left ? x : b->left;
	b->right = x > b->right ? x : b->right;
	b->top = y < b->top ? y : b->top;
	b->bottom = y > b->bottom ? y : b->bottom;
	b->pixels++;
}

/*
 * Takes the pixels of value @value connected with @first, within a frame of
 * @w by @h, and marks them 0. @stack has room for every pixel.
 */
static struct blob flood(unsigned char *map, int w, int h, int first, int *stack)
{
	struct blob b = { w, h, -1, -1, 0, first };
	unsigned char value = map[first];
	long top = 0;

	stack[top++] = first;
	map[first] = 0;
	while (top) {
		int i = stack[--top], x = i % w, y = i / w;
		const int next[4] = { x > 0 ? i - 1 : -1, x < w - 1 ? i + 1 : -1,
				      y > 0 ? i - w : -1, y < h - 1 ? i + w : -1 };

		blob_grow(&b, x, y);
		for (int k = 0; k < 4; k++) {
			if (next[k] >= 0 && map[next[k]] == value) {
				map[next[k]] = 0;
				stack[top++] = next[k];
			}
		}
	}
	return b;
}

/* Pixels inside the blob's frame that its colour encloses. */
static long hole_pixels(const struct picture *p, const struct blob *b, int colour)
{
	int w = b->right - b->left + 3, h = b->bottom - b->top + 3;
	unsigned char *map = malloc((size_t)w * h);
	int *stack = malloc(sizeof(*stack) * w * h);
	long outside, inside = 0;

	if (!map || !stack)
		abort();
	memset(map, 1, (size_t)w * h);	/* 1: not the gear */
	for (int y = b->top; y <= b->bottom; y++)
		for (int x = b->left; x <= b->right; x++)
			if (p->colour[y * (int)p->png.width + x] == colour + 1)
				map[(y - b->top + 1) * w + x - b->left + 1] = 2;
	outside = flood(map, w, h, 0, stack).pixels;
	for (long i = 0; i < (long)w * h; i++)
		inside += map[i] == 1;
	free(map);
	free(stack);
	return outside > 0 ? inside : 0;
}

/*
 * A gear is a patch about as high as wide, of which at least a third is
 * filled; the red and the blue one show the hole for their axle (the green
 * one is thicker than its hole is wide).
 */
static bool is_gear(const struct picture *p, const struct blob *b, int colour)
{
	int w = b->right - b->left + 1, h = b->bottom - b->top + 1;

	if (b->pixels < MIN_PIXELS || w < MIN_SIDE || h < MIN_SIDE ||
	    w > MAX_SIDE || h > MAX_SIDE)
		return false;
	if (w * 2 < h || h * 2 < w || b->pixels * 3 < (long)w * h)
		return false;
	return colour == GREEN || hole_pixels(p, b, colour) * 100 > b->pixels;
}

static void find_gears(const struct picture *p, struct gears *g)
{
	int w = p->png.width, h = p->png.height;
	unsigned char *map = malloc((size_t)w * h);
	int *stack = malloc(sizeof(*stack) * w * h);

	if (!map || !stack)
		abort();
	memcpy(map, p->colour, (size_t)w * h);
	for (int i = 0; i < w * h; i++) {
		int c = map[i] - 1;
		struct blob b;

		if (c < 0)
			continue;
		b = flood(map, w, h, i, stack);
		if (!is_gear(p, &b, c))
			continue;
		g->count[c]++;
		if (b.pixels > g->largest[c].pixels)
			g->largest[c] = b;
	}
	free(map);
	free(stack);
}

static double middle(int a, int b)
{
	return (a + b) / 2.0;
}

/* Red is the largest, green to its right, blue above it. */
static bool well_placed(const struct gears *g)
{
	const struct blob *r = &g->largest[RED], *gr = &g->largest[GREEN], *b = &g->largest[BLUE];

	for (int c = 0; c < COLOURS; c++)
		if (g->count[c] != 1)
			return false;
	return middle(gr->left, gr->right) > middle(r->left, r->right) &&
	       middle(b->top, b->bottom) < middle(r->top, r->bottom) &&
	       r->pixels > gr->pixels && r->pixels > b->pixels;
}

/* In how many pixels of the first picture's gears the second differs. */
static long difference(const struct picture *a, const struct gears *g, const struct picture *b)
{
	long n = 0;

	if (a->png.width != b->png.width || a->png.height != b->png.height)
		return -1;
	for (int c = 0; c < COLOURS; c++) {
		const struct blob *f = &g->largest[c];

		for (int y = f->top; y <= f->bottom; y++)
			for (int x = f->left; x <= f->right; x++) {
				long i = (long)y * a->png.width + x;

				n += !!memcmp(a->rgb + i * 3, b->rgb + i * 3, 3);
			}
	}
	return n;
}

static int usage(void)
{
	fprintf(stderr, "usage: check-gears [--renderer STRING] [--jobs BEFORE AFTER] PNG [PNG]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *renderer = NULL, *why = "";
	struct picture pictures[2] = { 0 };
	struct gears gears[2] = { 0 };
	long long before = 0, after = 1;
	long differ = -1;
	int i = 1, n;

	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--renderer") && i + 1 < argc) {
			renderer = argv[++i];
		} else if (!strcmp(argv[i], "--jobs") && i + 2 < argc) {
			before = atoll(argv[++i]);
			after = atoll(argv[++i]);
		} else {
			return usage();
		}
	}
	n = argc - i;
	if (n < 1 || n > 2)
		return usage();
	for (int k = 0; k < n; k++) {
		if (picture_load(&pictures[k], argv[i + k]))
			return 1;
		find_gears(&pictures[k], &gears[k]);
	}

	if (n == 2 && well_placed(&gears[0]))
		differ = difference(&pictures[0], &gears[0], &pictures[1]);
	for (int k = 0; k < n; k++)
		if (!well_placed(&gears[k]))
			why = "not one red, one green and one blue gear in their places";
	if (!*why && n == 2 && differ < 100)
		why = "the gears do not turn";
	/* "virgl (LLVMPIPE ...)" is the host's; "llvmpipe ..." the guest's. */
	if (!*why && renderer && strncmp(renderer, "virgl", 5))
		why = "the guest did not render through the host";
	if (!*why && after <= before)
		why = "the worker did no job meanwhile";

	printf("{\"pictures\":[");
	for (int k = 0; k < n; k++) {
		printf("%s{", k ? "," : "");
		for (int c = 0; c < COLOURS; c++)
			printf("%s\"%s\":%d", c ? "," : "", colour_names[c], gears[k].count[c]);
		printf("}");
	}
	printf("],\"differing_pixels\":%ld,\"ok\":%s,\"why\":\"%s\"}\n", differ,
	       *why ? "false" : "true", why);
	return *why ? 1 : 0;
}
