/* SPDX-License-Identifier: MIT */
/*
 * message.h - vhost-user messages on their stream socket
 *
 * Never blocks: a message may come in as many pieces as the front end likes.
 */
#ifndef VHOST_USER_MESSAGE_H
#define VHOST_USER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/vhost_user.h"

#define MESSAGE_MAX_FDS	8
#define MESSAGE_MAX_SIZE 512	/* payload; the largest we know has 268 */

/** struct message - one request of the front end, private copy */
struct message {
	struct vhost_user_header header;
	union {
		uint8_t data[MESSAGE_MAX_SIZE];
		uint64_t u64;
		struct vhost_user_vring_state state;
		struct vhost_user_vring_addr addr;
		struct vhost_user_mem_table mem_table;
		struct vhost_user_mem_reg mem_reg;
		struct vhost_user_config config;
	};
	size_t nfds;
	int fds[MESSAGE_MAX_FDS];	/* take one by setting it to -1 */
};

/** struct message_reader - a message that is coming in; zero-initialise */
struct message_reader {
	struct message msg;
	size_t got;		/* bytes of header and payload */
	const char *why;	/* what was wrong, after -EPROTO */
};

/** struct message_writer - a reply that is going out; zero-initialise */
struct message_writer {
	uint8_t buf[sizeof(struct vhost_user_header) + MESSAGE_MAX_SIZE];
	size_t len, sent;
};

/** message_take_fd() - the message's only descriptor, now the caller's; or -1 */
int message_take_fd(struct message *msg);

/** message_close() - close the descriptors that were not taken */
void message_close(struct message *msg);

/**
 * message_read() - go on reading
 *
 * Return: 1: reader->msg is complete; call message_done() after use. 0: end of
 * file between two messages. -EAGAIN. -EPROTO: malformed, reader->why says how.
 * Other -errno. Descriptors of a broken message are closed.
 */
int message_read(int sock, struct message_reader *reader);

/** message_done() - close what was not taken, be ready for the next one */
void message_done(struct message_reader *reader);

/**
 * message_reply() - send a reply to a request
 *
 * Only one reply may be going out. Return: 0, or -EAGAIN: go on with
 * message_flush() when the socket is writable; -errno.
 */
int message_reply(int sock, struct message_writer *writer, uint32_t request,
		  const void *payload, size_t size);
int message_flush(int sock, struct message_writer *writer);

/** message_writing() - a reply is still going out */
bool message_writing(const struct message_writer *writer);

#endif
