/* SPDX-License-Identifier: MIT */
/*
 * config_scan.h - which line of a key file says what
 *
 * GKeyFile merges repeated groups and keys and forgets line numbers; people who
 * edit the file need both.
 */
#ifndef BROKER_CONFIG_SCAN_H
#define BROKER_CONFIG_SCAN_H

#include <glib.h>

struct config_scan;

/** config_scan() - index the lines; complains of what is no key file */
struct config_scan *config_scan(const char *path, const char *text,
				GPtrArray *errors);
void config_scan_free(struct config_scan *scan);

/** config_scan_line() - of a key, or (key NULL) of a group; 0: not there */
unsigned int config_scan_line(const struct config_scan *scan, const char *group,
			      const char *key);

/** config_error() - add "path:line: message" */
void config_error(GPtrArray *errors, const char *path, unsigned int line,
		  const char *fmt, ...) G_GNUC_PRINTF(4, 5);

#endif
