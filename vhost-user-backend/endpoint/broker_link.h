/* SPDX-License-Identifier: MIT */
/*
 * broker_link.h - the endpoint's line to vgpud
 */
#ifndef ENDPOINT_BROKER_LINK_H
#define ENDPOINT_BROKER_LINK_H

#include <stdbool.h>
#include <sys/types.h>

struct broker_link;
struct event_loop;
struct ipc_msg;

struct broker_link_ops {
	/* its configuration; descriptors that are not taken are closed */
	void (*attach)(void *opaque, struct ipc_msg *msg);
	void (*kill_worker)(void *opaque, const char *reason);
	/* vgpud is gone; may free the link */
	void (*gone)(void *opaque);
};

/**
 * broker_link_new() - say hello over @sock, which is taken over
 * @rejoins: the VM has been served before, by way of an earlier vgpud
 */
struct broker_link *broker_link_new(struct event_loop *loop, int sock,
				    const char *vm, bool rejoins,
				    const struct broker_link_ops *ops,
				    void *opaque);
void broker_link_free(struct broker_link *link);

void broker_link_started(struct broker_link *link, pid_t pid, int pidfd,
			 unsigned int restarts);
void broker_link_exited(struct broker_link *link, pid_t pid, int status,
			unsigned int restarts);

/** broker_link_state() - sent if it changed */
void broker_link_state(struct broker_link *link, bool connected,
		       bool driver_ok);

#endif
