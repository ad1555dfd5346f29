// SPDX-License-Identifier: MIT
/*
 * blank-png.c - writes a black picture
 *
 * usage: blank-png WIDTH HEIGHT FILE
 */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	png_image png = { .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB };
	void *rgb;

	if (argc != 4) {
		fprintf(stderr, "usage: blank-png WIDTH HEIGHT FILE\n");
		return 2;
	}
	png.width = atoi(argv[1]);
	png.height = atoi(argv[2]);
	rgb = calloc((size_t)png.width * png.height, 3);
	if (!rgb || !png_image_write_to_file(&png, argv[3], 0, rgb, 0, NULL)) {
		fprintf(stderr, "blank-png: %s: %s\n", argv[3], png.message);
		return 1;
	}
	free(rgb);
	return 0;
}
