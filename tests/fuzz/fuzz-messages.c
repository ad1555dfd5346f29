// SPDX-License-Identifier: MIT
/*
 * fuzz-messages.c - a whole vhost-user connection fed with any bytes
 *
 * Input: records of {u8 descriptors and options, u8 length, bytes}, sent piece
 * by piece. Descriptors are small memfds and eventfds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/cursor.h"
#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "tests/lib/fuzz.h"
#include "vhost-user/frontend.h"

struct owner {
	struct frontend *fe;
	unsigned int running;		/* rings, by bit */
	unsigned int busy;		/* next operations that must wait */
	bool closed;
};

static int later(struct owner *o)
{
	if (!o->busy)
		return 0;
	o->busy--;
	return -EINPROGRESS;
}

static int ring_start(void *opaque, unsigned int index)
{
	struct owner *o = opaque;
	const struct frontend_ring *ring = frontend_ring(o->fe, index);

	if (later(o))
		return -EINPROGRESS;
	g_assert_cmpuint(index, <, FRONTEND_NUM_RINGS);
	g_assert_false(o->running & 1u << index);
	g_assert_true(ring->started && ring->has_addr);
	g_assert_cmpuint(ring->num, >, 0);
	g_assert_cmpuint(ring->num, <=, 32768);
	o->running |= 1u << index;
	return 0;
}

static int ring_stop(void *opaque, unsigned int index, uint16_t *base)
{
	struct owner *o = opaque;

	if (later(o))
		return -EINPROGRESS;
	o->running &= ~(1u << index);
	*base = 7;
	return 0;
}

static void ring_call(void *opaque, unsigned int index)
{
	g_assert_cmpuint(index, <, FRONTEND_NUM_RINGS);
}

static int reset(void *opaque)
{
	struct owner *o = opaque;

	if (later(o))
		return -EINPROGRESS;
	o->running = 0;
	return 0;
}

static void features_changed(void *opaque, uint64_t features)
{
}

static void mem_changed(void *opaque)
{
}

static int get_config(void *opaque, uint32_t offset, void *buf, uint32_t size)
{
	if (offset > 16 || size > 16 - offset)
		return -EINVAL;
	memset(buf, 0, size);
	return 0;
}

static int set_config(void *opaque, uint32_t offset, const void *buf,
		      uint32_t size)
{
	return offset > 16 || size > 16 - offset ? -EINVAL : 0;
}

static void set_socket(void *opaque, int fd)
{
	g_assert_cmpint(fd, >=, 0);
	close(fd);
}

static void closed(void *opaque)
{
	struct owner *o = opaque;

	o->closed = true;
}

static const struct frontend_ops ops = {
	.ring_start = ring_start, .ring_stop = ring_stop,
	.ring_call = ring_call, .reset = reset,
	.features_changed = features_changed, .mem_changed = mem_changed,
	.get_config = get_config, .set_config = set_config,
	.set_socket = set_socket, .closed = closed,
};

static int make_fd(unsigned int kind)
{
	int fd;

	if (kind & 1)
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 1 << 16))
		abort();
	return fd;
}

static void run_loop(struct event_loop *loop, struct owner *o, int sock)
{
	char buf[4096];
	int i;

	for (i = 0; i < 8 && !o->closed; i++) {
		event_loop_iterate(loop, 0);
		if (o->busy == 0)
			frontend_resume(o->fe);
		while (recv(sock, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_init(data, size);
	struct event_loop *loop = event_loop_new();
	struct owner o = { 0 };
	uint8_t head[2];
	int pair[2];

	log_set_level(LOG_LEVEL_ERROR);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair))
		abort();
	o.fe = frontend_new(loop, pair[0], 7, &ops, &o);
	while (!o.closed && cursor_get(&in, head, 2)) {
		size_t len = head[1] < in.left ? head[1] : in.left, i;
		size_t nfds = head[0] & 7;
		int fds[8];

		for (i = 0; i < nfds; i++)
			fds[i] = make_fd(head[0] >> 3);
		o.busy = head[0] >> 6;
		if (len)
			fdpass_send(pair[1], cursor_take(&in, len), len, fds,
				    nfds);
		fdpass_close(fds, nfds);
		run_loop(loop, &o, pair[1]);
		o.busy = 0;
		run_loop(loop, &o, pair[1]);
	}
	frontend_free(o.fe);
	close(pair[1]);
	event_loop_free(loop);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 20000);
}
#endif
