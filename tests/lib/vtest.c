// SPDX-License-Identifier: MIT
/*
 * vtest.c - the vtest protocol's messages
 */
#include "tests/lib/vtest.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/fdpass.h"

struct message {
	uint32_t size, cmd;	/* as they come: size in dwords, or in bytes */
	uint8_t *buf;
	size_t bytes;
};

static int read_all(int sock, void *buf, size_t size)
{
	uint8_t *p = buf;

	while (size) {
		ssize_t n = read(sock, p, size);

		if (n == 0)
			return -EPIPE;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_all(int sock, const void *buf, size_t size)
{
	const uint8_t *p = buf;

	while (size) {
		ssize_t n = send(sock, p, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int answer(int sock, uint32_t cmd, const uint32_t *values, uint32_t n)
{
	uint32_t buf[4] = { n, cmd };

	memcpy(buf + 2, values, n * 4);
	return write_all(sock, buf, (2 + n) * 4);
}

static int send_caps(int sock, struct vtest_gpu *gpu, uint32_t cmd)
{
	uint8_t *buf = malloc(8192);
	uint32_t head[2];
	int n, ret;

	n = vtest_gpu_caps(gpu, cmd == VTEST_GET_CAPS2 ? 2 : 1, buf, 8192);
	if (n < 0) {
		free(buf);
		return n;
	}
	head[0] = (uint32_t)n + 1;	/* bytes here, and one more */
	head[1] = cmd == VTEST_GET_CAPS2 ? 2 : 1;
	ret = write_all(sock, head, sizeof(head));
	if (!ret)
		ret = write_all(sock, buf, (size_t)n);
	free(buf);
	return ret;
}

static int on_create(int sock, struct vtest_gpu *gpu, struct cursor *c)
{
	struct vtest_create create;
	ssize_t n;
	int fd;

	if (!cursor_get(c, &create, sizeof(create)))
		return -EBADMSG;
	fd = vtest_gpu_create(gpu, &create);
	if (fd == -ENODATA)
		return 0;
	if (fd < 0)
		return fd;
	/* one byte carries the descriptor */
	do {
		n = fdpass_send(sock, "", 1, &fd, 1);
		if (n == -EAGAIN)
			usleep(100);
	} while (n == -EAGAIN);
	close(fd);
	return n < 0 ? (int)n : 0;
}

static int on_busy(int sock, struct vtest_gpu *gpu, struct cursor *c)
{
	uint32_t args[2], busy;
	int ret;

	if (!cursor_get(c, args, sizeof(args)))
		return -EBADMSG;
	ret = vtest_gpu_busy(gpu, args[0], args[1] & 1);
	if (ret < 0)
		return ret;
	busy = (uint32_t)ret;
	return answer(sock, VTEST_BUSY_WAIT, &busy, 1);
}

static int on_transfer(struct vtest_gpu *gpu, uint32_t cmd, struct cursor *c)
{
	struct vtest_transfer t;

	if (!cursor_get(c, &t, sizeof(t)))
		return -EBADMSG;
	return cmd == VTEST_TRANSFER_PUT2 ? vtest_gpu_put(gpu, &t) :
					    vtest_gpu_get(gpu, &t);
}

static int on_version(int sock, struct cursor *c)
{
	uint32_t version;

	if (!cursor_get(c, &version, sizeof(version)))
		return -EBADMSG;
	if (version > VTEST_VERSION)
		version = VTEST_VERSION;
	if (version == 1)	/* never worked */
		version = 0;
	return answer(sock, VTEST_PROTOCOL_VERSION, &version, 1);
}

static int dispatch(int sock, struct vtest_gpu *gpu, const struct message *m)
{
	struct cursor c = cursor_init(m->buf, m->bytes);
	uint32_t handle;

	switch (m->cmd) {
	case VTEST_GET_CAPS:
	case VTEST_GET_CAPS2:
		return send_caps(sock, gpu, m->cmd);
	case VTEST_CREATE_RENDERER:
		return vtest_gpu_context(gpu, (const char *)m->buf);
	case VTEST_PING:
		return answer(sock, VTEST_PING, NULL, 0);
	case VTEST_PROTOCOL_VERSION:
		return on_version(sock, &c);
	case VTEST_RESOURCE_CREATE2:
		return on_create(sock, gpu, &c);
	case VTEST_RESOURCE_UNREF:
		if (!cursor_get(&c, &handle, sizeof(handle)))
			return -EBADMSG;
		return vtest_gpu_unref(gpu, handle);
	case VTEST_TRANSFER_GET2:
	case VTEST_TRANSFER_PUT2:
		return on_transfer(gpu, m->cmd, &c);
	case VTEST_SUBMIT_CMD:
		return vtest_gpu_submit(gpu, m->buf, (uint32_t)m->bytes);
	case VTEST_BUSY_WAIT:
		return on_busy(sock, gpu, &c);
	}
	return -EOPNOTSUPP;
}

static int receive(int sock, struct message *m)
{
	uint32_t head[2];
	int ret = read_all(sock, head, sizeof(head));
	uint64_t bytes;

	if (ret)
		return ret;
	m->cmd = head[1];
	bytes = m->cmd == VTEST_CREATE_RENDERER ? head[0] :
						  (uint64_t)head[0] * 4;
	if (bytes > VTEST_MAX_BYTES)
		return -EMSGSIZE;
	m->bytes = bytes;
	m->buf = realloc(m->buf, m->bytes + 1);
	if (!m->buf)
		return -ENOMEM;
	m->buf[m->bytes] = 0;
	return read_all(sock, m->buf, m->bytes);
}

int vtest_serve(int sock, struct vtest_gpu *gpu)
{
	struct message m = { 0 };
	int ret;

	do {
		ret = receive(sock, &m);
		if (!ret)
			ret = dispatch(sock, gpu, &m);
	} while (!ret);
	free(m.buf);
	return ret == -EPIPE || ret == -ECONNRESET ? 0 : ret;
}
