/* SPDX-License-Identifier: MIT */
/*
 * control.h - the control socket: one JSON object a line, one reply each
 *
 * Clients are hostile: lines and nesting have limits, a client that does not
 * read its replies is not read from either and dropped in the end, and nothing
 * waits for any of them.
 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include <stdint.h>

struct broker;
struct control;

#define CONTROL_LINE_MAX	65536
#define CONTROL_DEPTH_MAX	16
#define CONTROL_CLIENTS_MAX	64

/** control_new() - listen; NULL with a log line */
struct control *control_new(struct broker *broker, const char *path);
void control_free(struct control *control);

/**
 * control_follow() - the client that is being answered follows events
 * @next: number of the first that it has not been told
 */
void control_follow(struct control *control, uint64_t next);

/** control_posted() - there is a new event for those who follow */
void control_posted(struct control *control);

#endif
