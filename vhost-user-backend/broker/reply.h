/* SPDX-License-Identifier: MIT */
/*
 * reply.h - pieces of the JSON that control clients get
 */
#ifndef BROKER_REPLY_H
#define BROKER_REPLY_H

#include <stdbool.h>

#include <glib.h>

#include "broker/json.h"

struct broker;
struct gpu;
struct vm;

/** reply_begin() - an open object with "ok"; json_end() makes text of it */
struct json *reply_begin(bool ok);

/** reply_fail() - a whole reply that says what is wrong */
char *reply_fail(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/** reply_vm(), reply_gpu() - an object of vgpu-control(7); NULL @name: in an array */
void reply_vm(struct json *b, const char *name, struct vm *vm);
void reply_gpu(struct json *b, const struct gpu *gpu);

#endif
