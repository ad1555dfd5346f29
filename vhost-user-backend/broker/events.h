/* SPDX-License-Identifier: MIT */
/*
 * events.h - what has happened to VMs, kept for who asks or follows
 *
 * The last EVENTS_MAX are kept, and numbered from 1. A client that falls behind
 * loses events, is told how many, and costs no memory.
 */
#ifndef BROKER_EVENTS_H
#define BROKER_EVENTS_H

#include <stdint.h>

#include <glib.h>
#include <json-glib/json-glib.h>

#define EVENTS_MAX	1024

struct events;

enum event_type {
	EVENT_CONNECTED,	/* a front end, to the VM's socket */
	EVENT_DISCONNECTED,
	EVENT_DRIVER,		/* a guest's driver has started */
	EVENT_WORKER_STARTED,
	EVENT_WORKER_EXITED,
	EVENT_SLOW,		/* past the soft limit of the watchdog */
	EVENT_HUNG,		/* past the hard one: its worker is killed */
	EVENT_SUSPENDED,
	EVENT_RESUMED,
	EVENT_SET,
	EVENT_ADDED,
	EVENT_REMOVED,
	EVENT_RELOADED,
	EVENT_REFUSED,		/* a request that can not be kept */
	EVENT_TYPES
};

/** events_new() - @posted: told after each, may be NULL */
struct events *events_new(void (*posted)(void *opaque), void *opaque);
void events_free(struct events *events);

/**
 * events_post() - it has happened now
 * @events: NULL: nobody keeps them, nothing is done
 * @vm: name, or NULL: no VM's
 */
void events_post(struct events *events, enum event_type type, const char *vm,
		 const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/** events_count() - how many of one type there were; all VMs */
uint64_t events_count(const struct events *events, enum event_type type);
const char *events_type_name(enum event_type type);

/** events_next() - the number that the next one will have */
uint64_t events_next(const struct events *events);

/**
 * events_put() - append events as JSON objects to an open array
 * @since: the first number wanted
 * @lost: how many of them are gone
 *
 * Return: the number to ask for next, at most @max later.
 */
uint64_t events_put(const struct events *events, JsonBuilder *b, uint64_t since,
		    unsigned int max, uint64_t *lost);

#endif
