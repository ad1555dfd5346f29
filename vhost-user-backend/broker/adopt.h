/* SPDX-License-Identifier: MIT */
/*
 * adopt.h - endpoints that have outlived the vgpud that started them
 *
 * They hold their VMs and run unscheduled until they reach the next vgpud, at a
 * socket that they were told (VGPU_BROKER_ATTACH). It is ours alone; whoever
 * connects has our user or is root, and says in one message whose VM it has.
 */
#ifndef BROKER_ADOPT_H
#define BROKER_ADOPT_H

struct adopt;
struct broker;

/** adopt_path() - of the socket; g_free() it */
char *adopt_path(const struct broker *broker);

/** adopt_new() - listen; NULL with a log line */
struct adopt *adopt_new(struct broker *broker);
void adopt_free(struct adopt *adopt);

#endif
