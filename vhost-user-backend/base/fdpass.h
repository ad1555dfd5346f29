/* SPDX-License-Identifier: MIT */
/*
 * fdpass.h - datagrams and stream bytes with descriptors over a local socket
 */
#ifndef BASE_FDPASS_H
#define BASE_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX	64

/**
 * fdpass_send() - send bytes, and descriptors with the first of them
 *
 * Never blocks, never raises SIGPIPE. The descriptors stay the caller's.
 * Return: bytes sent or -errno (-EAGAIN: the peer does not read).
 */
ssize_t fdpass_send(int sock, const void *buf, size_t len, const int *fds,
		    size_t nfds);

/**
 * fdpass_recv() - receive bytes and descriptors
 * @nfds: room in @fds; set to how many came, close-on-exec, the caller's
 *
 * Never blocks. When more descriptors came than there is room for, or a
 * datagram was longer than @len, all are closed and -EMSGSIZE is returned.
 * Return: bytes received, 0 at the end of the stream, or -errno.
 */
ssize_t fdpass_recv(int sock, void *buf, size_t len, int *fds, size_t *nfds);

/** fdpass_close() - close every descriptor >= 0 of an array, set them to -1 */
void fdpass_close(int *fds, size_t nfds);

/** fdpass_listen() - listening stream socket; -errno. Unlinks a dead one. */
int fdpass_listen(const char *path);

/** fdpass_listen_packets() - the same with SOCK_SEQPACKET */
int fdpass_listen_packets(const char *path);

/** fdpass_connect() - connected socket of SOCK_STREAM or SOCK_SEQPACKET */
int fdpass_connect(const char *path, int type);

#endif
