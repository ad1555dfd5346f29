// SPDX-License-Identifier: MIT
/*
 * fuzz-recording.c - a recording of any bytes, and the picture of it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "ctl/recording.h"
#include "ctl/svg.h"
#include "tests/lib/fuzz.h"

static void parse_error(GMarkupParseContext *context, GError *error,
			gpointer opaque)
{
	g_error("the picture is no XML: %s", error->message);
}

static void draw(const struct recording *recording)
{
	static const GMarkupParser parser = { .error = parse_error };
	GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0,
								  NULL, NULL);
	GString *svg = svg_shares(recording);

	g_assert_cmpuint(svg->len, <, 4 << 20);
	g_markup_parse_context_parse(context, svg->str, (gssize)svg->len, NULL);
	g_markup_parse_context_end_parse(context, NULL);
	g_markup_parse_context_free(context);
	g_assert_null(strstr(svg->str, "=\"nan"));
	g_string_free(svg, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;
	struct recording *recording;
	char *why = NULL;

	if (!file)
		return 0;
	recording = recording_read_from(file, "fuzz", &why);
	/* either a recording, or the reason why it is none */
	g_assert_true(!recording == !!why);
	if (recording)
		draw(recording);
	recording_free(recording);
	g_free(why);
	fclose(file);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 5000);
}
#endif
