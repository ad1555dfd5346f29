/* SPDX-License-Identifier: MIT */
/*
 * change.h - what a control client may change (vgpu-control(7))
 *
 * Each gives a whole reply, and leaves a line in the log and an event that name
 * who did it. A request that is refused changes nothing.
 */
#ifndef BROKER_CHANGE_H
#define BROKER_CHANGE_H

#include <json-glib/json-glib.h>

struct broker;
struct ucred;
struct vm;

char *change_set(struct vm *vm, JsonObject *request, const struct ucred *peer);
char *change_add(struct broker *broker, JsonObject *request,
		 const struct ucred *peer);
char *change_remove(struct vm *vm, JsonObject *request,
		    const struct ucred *peer);
char *change_suspend(struct vm *vm, JsonObject *request,
		     const struct ucred *peer);
char *change_resume(struct vm *vm, JsonObject *request,
		    const struct ucred *peer);

/** change_restore() - VMs that clients of an earlier vgpud had added */
void change_restore(struct broker *broker);

#endif
