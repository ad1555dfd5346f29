/* SPDX-License-Identifier: MIT */
/*
 * watch.h - the requests of those who watch: events and traces
 */
#ifndef BROKER_WATCH_H
#define BROKER_WATCH_H

#include <stdint.h>

#include <json-glib/json-glib.h>

struct broker;

#define WATCH_EVENTS_MAX	256	/* in one reply */

/** watch_events() - {"cmd":"events","since":N,"follow":true}; a reply */
char *watch_events(struct broker *broker, JsonObject *request);

/** watch_trace() - {"cmd":"trace","since":N}; a reply */
char *watch_trace(struct broker *broker, JsonObject *request);

/**
 * watch_follow() - what a client that follows events has not been told yet
 * @next: number of the first; moved on
 *
 * Return: a line for each of a few of them, or NULL: none.
 */
char *watch_follow(struct broker *broker, uint64_t *next);

#endif
