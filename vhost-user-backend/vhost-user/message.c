// SPDX-License-Identifier: MIT
/*
 * message.c - vhost-user messages on their stream socket
 */
#include "vhost-user/message.h"

#include <errno.h>
#include <string.h>

#include "base/fdpass.h"

int message_take_fd(struct message *msg)
{
	int fd;

	if (msg->nfds != 1)
		return -1;
	fd = msg->fds[0];
	msg->fds[0] = -1;
	return fd;
}

void message_close(struct message *msg)
{
	fdpass_close(msg->fds, msg->nfds);
	msg->nfds = 0;
}

void message_done(struct message_reader *reader)
{
	message_close(&reader->msg);
	reader->got = 0;
}

static int malformed(struct message_reader *reader, const char *why)
{
	message_done(reader);
	reader->why = why;
	return -EPROTO;
}

/* One recvmsg into the part that is still missing. */
static int read_some(int sock, struct message_reader *reader, void *to,
		     size_t len)
{
	struct message *msg = &reader->msg;
	int fds[MESSAGE_MAX_FDS];
	size_t nfds = MESSAGE_MAX_FDS;
	ssize_t n;

	n = fdpass_recv(sock, to, len, fds, &nfds);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n == -EMSGSIZE)
		return malformed(reader, "more descriptors than any message has");
	if (n < 0) {
		message_done(reader);
		return n == -ECONNRESET ? 0 : (int)n;
	}
	if (n == 0) {
		if (reader->got)
			return malformed(reader, "end of file inside a message");
		return 0;
	}
	if (nfds && reader->got) {
		fdpass_close(fds, nfds);
		return malformed(reader, "descriptors inside a message");
	}
	if (nfds) {
		memcpy(msg->fds, fds, nfds * sizeof(*fds));
		msg->nfds = nfds;
	}
	reader->got += (size_t)n;
	return 1;
}

int message_read(int sock, struct message_reader *reader)
{
	const size_t head = sizeof(struct vhost_user_header);
	struct message *msg = &reader->msg;
	int ret;

	while (reader->got < head) {
		ret = read_some(sock, reader,
				(uint8_t *)&msg->header + reader->got,
				head - reader->got);
		if (ret != 1)
			return ret;
	}
	if ((msg->header.flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return malformed(reader, "unknown protocol version");
	if (msg->header.flags & VHOST_USER_REPLY_MASK)
		return malformed(reader, "a reply that nobody asked for");
	if (msg->header.size > sizeof(msg->data))
		return malformed(reader, "payload too large");
	if (reader->got == head)
		memset(msg->data, 0, sizeof(msg->data));
	while (reader->got < head + msg->header.size) {
		size_t done = reader->got - head;

		ret = read_some(sock, reader, msg->data + done,
				msg->header.size - done);
		if (ret != 1)
			return ret;
	}
	return 1;
}

bool message_writing(const struct message_writer *writer)
{
	return writer->sent < writer->len;
}

int message_flush(int sock, struct message_writer *writer)
{
	while (message_writing(writer)) {
		ssize_t n = fdpass_send(sock, writer->buf + writer->sent,
					writer->len - writer->sent, NULL, 0);

		if (n < 0)
			return (int)n;
		writer->sent += (size_t)n;
	}
	return 0;
}

int message_reply(int sock, struct message_writer *writer, uint32_t request,
		  const void *payload, size_t size)
{
	struct vhost_user_header header = {
		.request = request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY_MASK,
		.size = (uint32_t)size,
	};

	if (size > MESSAGE_MAX_SIZE || message_writing(writer))
		return -EINVAL;
	memcpy(writer->buf, &header, sizeof(header));
	if (size)
		memcpy(writer->buf + sizeof(header), payload, size);
	writer->len = sizeof(header) + size;
	writer->sent = 0;
	return message_flush(sock, writer);
}
