// SPDX-License-Identifier: MIT
/*
 * fuzz-config.c - a configuration file of any bytes
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "base/log.h"
#include "broker/config.h"
#include "tests/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GPtrArray *errors = g_ptr_array_new_with_free_func(g_free);
	char *text = g_strndup((const char *)data, size);
	struct config *config = config_parse("fuzz.conf", text, errors);
	guint i;

	/* either a configuration, or at least one reason why there is none */
	g_assert_true(!config == !!errors->len);
	for (i = 0; i < errors->len; i++)
		g_assert_true(g_str_has_prefix(errors->pdata[i], "fuzz.conf"));
	if (config)
		config_free(config);
	g_ptr_array_free(errors, TRUE);
	g_free(text);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	log_set_level(LOG_LEVEL_ERROR);
	return fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 20000);
}
#endif
