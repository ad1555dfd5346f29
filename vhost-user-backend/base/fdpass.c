// SPDX-License-Identifier: MIT
/*
 * fdpass.c - bytes with descriptors over a local socket
 */
#include "base/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

ssize_t fdpass_send(int sock, const void *buf, size_t len, const int *fds,
		    size_t nfds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > FDPASS_MAX)
		return -EINVAL;
	if (nfds) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t fdpass_recv(int sock, void *buf, size_t len, int *fds, size_t *nfds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t room = nfds ? *nfds : 0, got = 0;
	struct cmsghdr *cmsg;
	int all[FDPASS_MAX];
	ssize_t n;

	if (nfds)
		*nfds = 0;
	do {
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(all + got, CMSG_DATA(cmsg), count * sizeof(int));
		got += count;
	}
	if (got > room || (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
		fdpass_close(all, got);
		return -EMSGSIZE;
	}
	if (got)
		memcpy(fds, all, got * sizeof(int));
	if (nfds)
		*nfds = got;
	return n;
}

void fdpass_close(int *fds, size_t nfds)
{
	size_t i;

	for (i = 0; i < nfds; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int make_address(const char *path, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	return 0;
}

int fdpass_connect(const char *path, int type)
{
	struct sockaddr_un addr;
	int ret = make_address(path, &addr);
	int sock;

	if (ret)
		return ret;
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		ret = -errno;
		close(sock);
		return ret;
	}
	return sock;
}

static int listen_at(const char *path, int type)
{
	struct sockaddr_un addr;
	int ret = make_address(path, &addr);
	int sock;

	if (ret)
		return ret;
	sock = fdpass_connect(path, type);
	if (sock >= 0) {
		close(sock);
		return -EADDRINUSE;
	}
	if (sock == -ECONNREFUSED)
		unlink(path);
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(sock, 16)) {
		ret = -errno;
		close(sock);
		return ret;
	}
	return sock;
}

int fdpass_listen(const char *path)
{
	return listen_at(path, SOCK_STREAM);
}

int fdpass_listen_packets(const char *path)
{
	return listen_at(path, SOCK_SEQPACKET);
}
