/* SPDX-License-Identifier: MIT */
/*
 * listen.h - listening sockets with an owner and a mode
 */
#ifndef BROKER_LISTEN_H
#define BROKER_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

struct event_loop;
struct listener;

/* a connection, close-on-exec, the callee's */
typedef void (*listener_fn)(void *opaque, int sock);

/**
 * listener_new() - listen, with directories made and rights set
 * @owner, @group: -1: unchanged
 *
 * Nobody can connect before the rights are right. Return: NULL with errno set;
 * see listener_error().
 */
struct listener *listener_new(struct event_loop *loop, const char *path,
			      mode_t mode, uid_t owner, gid_t group,
			      listener_fn fn, void *opaque);

/**
 * listener_new_tcp() - the same on ADDRESS:PORT or [ADDRESS]:PORT, numeric
 *
 * Everybody who can reach it may connect. errno is EINVAL if @address is none.
 */
struct listener *listener_new_tcp(struct event_loop *loop, const char *address,
				  listener_fn fn, void *opaque);

/** listener_address_ok() - whether it has that form */
bool listener_address_ok(const char *address);

/** listener_new_packets() - the same with SOCK_SEQPACKET, for us only */
struct listener *listener_new_packets(struct event_loop *loop, const char *path,
				      listener_fn fn, void *opaque);

/** listener_free() - and remove the socket; NULL is allowed */
void listener_free(struct listener *listener);

/** listener_error() - what to do about that errno; static string */
const char *listener_error(int error, const char *path);

#endif
