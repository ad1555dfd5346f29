/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON written as text, front to back
 *
 * A tree of objects for the figures of 256 VMs takes tens of milliseconds to
 * build and print, in which nobody gets the GPU; this takes one or two.
 */
#ifndef BROKER_JSON_H
#define BROKER_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json;

/** json_new() - an open object */
struct json *json_new(void);

/** json_end() - closes and frees it; the text is the caller's */
char *json_end(struct json *json);

/* ---- members of what is open; @name is NULL in an array ---- */
void json_bool(struct json *json, const char *name, bool value);
/* At most INT64_MAX, as readers have it. */
void json_int(struct json *json, const char *name, uint64_t value);
void json_double(struct json *json, const char *name, double value);
/* Bytes that are no UTF-8 are replaced. */
void json_string(struct json *json, const char *name, const char *value);

/** json_open() - an object ('{') or array ('['); ends with json_close() */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json);

#endif
