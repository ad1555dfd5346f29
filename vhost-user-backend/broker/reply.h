/* SPDX-License-Identifier: MIT */
/*
 * reply.h - pieces of the JSON that control clients get
 */
#ifndef BROKER_REPLY_H
#define BROKER_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include <json-glib/json-glib.h>

struct broker;
struct gpu;
struct vm;

/** reply_begin() - an open object with "ok" */
JsonBuilder *reply_begin(bool ok);

/** reply_end() - closes and frees it; the text is the caller's */
char *reply_end(JsonBuilder *b);

/** reply_fail() - a whole reply that says what is wrong */
char *reply_fail(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

void reply_bool(JsonBuilder *b, const char *name, bool value);
void reply_int(JsonBuilder *b, const char *name, uint64_t value);
void reply_double(JsonBuilder *b, const char *name, double value);
/* Bytes that are no UTF-8 are replaced. */
void reply_string(JsonBuilder *b, const char *name, const char *value);

/** reply_vm(), reply_gpu() - an object of vgpu-control(7) */
void reply_vm(JsonBuilder *b, struct vm *vm);
void reply_gpu(JsonBuilder *b, const struct gpu *gpu);

#endif
