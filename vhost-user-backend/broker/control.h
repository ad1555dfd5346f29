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

struct broker;
struct control;

#define CONTROL_LINE_MAX	65536
#define CONTROL_DEPTH_MAX	16
#define CONTROL_CLIENTS_MAX	64

/** control_new() - listen; NULL with a log line */
struct control *control_new(struct broker *broker, const char *path);
void control_free(struct control *control);

#endif
