// SPDX-License-Identifier: MIT
/*
 * picture.c - makes and measures pictures
 *
 * usage: picture blank WIDTH HEIGHT FILE   writes a black picture
 *        picture lit FILE                  prints "WIDTH HEIGHT LIT COLOURS":
 *                                          pixels that are not black, and how
 *                                          many colours there are (256 at most)
 *        picture diff FILE FILE            prints in how many pixels they differ;
 *                                          1 if they are not of one size
 */
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct picture {
	png_image png;
	unsigned char *rgb;
};

static void load(struct picture *p, const char *path)
{
	memset(p, 0, sizeof(*p));
	p->png.version = PNG_IMAGE_VERSION;
	if (png_image_begin_read_from_file(&p->png, path)) {
		p->png.format = PNG_FORMAT_RGB;
		p->rgb = calloc((size_t)p->png.width * p->png.height, 3);
		if (p->rgb && png_image_finish_read(&p->png, NULL, p->rgb, 0, NULL))
			return;
	}
	fprintf(stderr, "picture: %s: %s\n", path, p->png.message);
	exit(1);
}

static int blank(char **argv)
{
	png_image png = { .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB };
	void *rgb;

	png.width = atoi(argv[2]);
	png.height = atoi(argv[3]);
	rgb = calloc((size_t)png.width * png.height, 3);
	if (rgb && png_image_write_to_file(&png, argv[4], 0, rgb, 0, NULL)) {
		free(rgb);
		return 0;
	}
	fprintf(stderr, "picture: %s: %s\n", argv[4], png.message);
	free(rgb);
	return 1;
}

static int lit(const char *path)
{
	uint32_t colours[256];
	long n, lit = 0;
	int count = 0;
	struct picture p;

	load(&p, path);
	n = (long)p.png.width * p.png.height;
	for (long i = 0; i < n; i++) {
		const unsigned char *c = p.rgb + i * 3;
		uint32_t value = c[0] << 16 | c[1] << 8 | c[2];
		int k;

		lit += value != 0;
		for (k = 0; k < count && colours[k] != value; k++)
			;
		if (k == count && count < 256)
			colours[count++] = value;
	}
	printf("%u %u %ld %d\n", p.png.width, p.png.height, lit, count);
	free(p.rgb);
	return 0;
}

static int diff(const char *one, const char *other)
{
	struct picture a, b;
	long n, differ = 0;

	load(&a, one);
	load(&b, other);
	if (a.png.width != b.png.width || a.png.height != b.png.height) {
		printf("%ux%u and %ux%u\n", a.png.width, a.png.height, b.png.width, b.png.height);
		return 1;
	}
	n = (long)a.png.width * a.png.height;
	for (long i = 0; i < n; i++)
		differ += !!memcmp(a.rgb + i * 3, b.rgb + i * 3, 3);
	printf("%ld\n", differ);
	free(a.rgb);
	free(b.rgb);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "blank"))
		return blank(argv);
	if (argc == 3 && !strcmp(argv[1], "lit"))
		return lit(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "diff"))
		return diff(argv[2], argv[3]);
	fprintf(stderr, "usage: picture blank WIDTH HEIGHT FILE | lit FILE | diff FILE FILE\n");
	return 2;
}
