/* SPDX-License-Identifier: MIT */
/*
 * command.h - what a control client may ask for (vgpu-control(7))
 */
#ifndef BROKER_COMMAND_H
#define BROKER_COMMAND_H

#include <stddef.h>

struct broker;
struct ucred;

/**
 * command_answer() - one request line, one reply without its newline
 *
 * Never NULL; whatever the line is, the reply is a JSON object with "ok".
 */
char *command_answer(struct broker *broker, const char *line, size_t len,
		     const struct ucred *peer);

#endif
