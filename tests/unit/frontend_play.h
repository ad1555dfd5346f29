/* SPDX-License-Identifier: MIT */
/*
 * frontend_play.h - a connection under test: the front end's messages, and an
 * owner that remembers what it was told
 */
#ifndef TESTS_UNIT_FRONTEND_PLAY_H
#define TESTS_UNIT_FRONTEND_PLAY_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "tests/lib/runner.h"
#include "vhost-user/frontend.h"
#include "vhost-user/message.h"

#define VERSION		VHOST_USER_VERSION
#define NEED_REPLY	VHOST_USER_NEED_REPLY_MASK
#define BIT(n)		(UINT64_C(1) << (n))

static const uint8_t zeros[1024];

/* What the owner was told. */
static struct {
	unsigned int starts[2], stops[2], calls[2], resets, mems, features;
	unsigned int sockets, closed;
	bool slow_stop, slow_reset, slow_start;	/* -EINPROGRESS */
	uint16_t base;
} told;

static struct event_loop *loop;
static struct frontend *fe;
static int sock, peer_fd;

static inline int ring_start(void *opaque, unsigned int i)
{
	if (told.slow_start)
		return -EINPROGRESS;
	told.starts[i]++;
	return 0;
}

static inline int ring_stop(void *opaque, unsigned int i, uint16_t *base)
{
	if (told.slow_stop)
		return -EINPROGRESS;
	told.stops[i]++;
	*base = told.base;
	return 0;
}

static inline void ring_call(void *opaque, unsigned int i)
{
	told.calls[i]++;
}

static inline int reset(void *opaque)
{
	if (told.slow_reset)
		return -EINPROGRESS;
	told.resets++;
	return 0;
}

static inline void features_changed(void *opaque, uint64_t features)
{
	told.features++;
}

static inline void mem_changed(void *opaque)
{
	told.mems++;
}

static inline int get_config(void *opaque, uint32_t offset, void *buf, uint32_t size)
{
	if (offset > 16 || size > 16 - offset)
		return -EINVAL;
	memset(buf, 0x42, size);
	return 0;
}

static inline int set_config(void *opaque, uint32_t offset, const void *buf,
		      uint32_t size)
{
	return offset > 16 || size > 16 - offset ? -EINVAL : 0;
}

static inline void set_socket(void *opaque, int fd)
{
	told.sockets++;
	close(fd);
}

static inline void closed(void *opaque)
{
	told.closed++;
	frontend_free(fe);
	fe = NULL;
}

static const struct frontend_ops ops = {
	.ring_start = ring_start,
	.ring_stop = ring_stop,
	.ring_call = ring_call,
	.reset = reset,
	.features_changed = features_changed,
	.mem_changed = mem_changed,
	.get_config = get_config,
	.set_config = set_config,
	.set_socket = set_socket,
	.closed = closed,
};

static inline void open_fe(void)
{
	int socks[2];

	memset(&told, 0, sizeof(told));
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   socks), ==, 0);
	sock = socks[0];
	fe = frontend_new(loop, socks[1], BIT(0) | BIT(1), &ops, NULL);
}

static inline void close_fe(void)
{
	frontend_free(fe);
	fe = NULL;
	close(sock);
}

static inline void setup(void)
{
	loop = event_loop_new();
	peer_fd = memfd_create("test", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(peer_fd, 1 << 20), ==, 0);
	log_set_level(LOG_LEVEL_ERROR);
	open_fe();
}

static inline void teardown(void)
{
	close_fe();
	close(peer_fd);
	event_loop_free(loop);
}

static inline void settle(void)
{
	int i;

	for (i = 0; i < 8 && fe; i++)
		event_loop_iterate(loop, 0);
}

static inline void send_n(uint32_t request, uint32_t flags, const void *payload,
		   uint32_t size, size_t nfds)
{
	uint8_t buf[2048];
	struct vhost_user_header header = { request, flags, size };
	int fds[16] = { 0 };
	size_t i;

	for (i = 0; i < nfds; i++)
		fds[i] = peer_fd;
	memcpy(buf, &header, sizeof(header));
	if (size)
		memcpy(buf + sizeof(header), payload, size);
	g_assert_cmpint(fdpass_send(sock, buf, sizeof(header) + size, fds,
				    nfds), ==, sizeof(header) + size);
}

/* Return: payload size, -1: no reply. */
static inline int reply(uint32_t request, void *payload, size_t room)
{
	struct vhost_user_header header;
	ssize_t n;

	settle();
	n = fdpass_recv(sock, &header, sizeof(header), NULL, NULL);
	if (n != sizeof(header))
		return -1;
	g_assert_cmpuint(header.request, ==, request);
	g_assert_cmpuint(header.flags, ==, VERSION | VHOST_USER_REPLY_MASK);
	g_assert_cmpuint(header.size, <=, room);
	if (header.size)
		g_assert_cmpint(fdpass_recv(sock, payload, header.size, NULL,
					    NULL), ==, header.size);
	return (int)header.size;
}

static inline uint64_t get_u64(uint32_t request)
{
	uint64_t value = 0;

	send_n(request, VERSION, NULL, 0, 0);
	g_assert_cmpint(reply(request, &value, 8), ==, 8);
	return value;
}

/* Carried out: 0; refused, but the connection lives: 1. */
static inline uint64_t acked(uint32_t request, const void *payload, uint32_t size,
		      size_t nfds)
{
	uint64_t ack = 99;

	send_n(request, VERSION | NEED_REPLY, payload, size, nfds);
	g_assert_cmpint(reply(request, &ack, 8), ==, 8);
	return ack;
}

static inline void set_u64(uint32_t request, uint64_t value)
{
	send_n(request, VERSION, &value, 8, 0);
	settle();
}

static inline uint64_t vring(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state state = { index, num };

	return acked(request, &state, sizeof(state), 0);
}

static inline void negotiate(void)
{
	set_u64(VHOST_USER_SET_PROTOCOL_FEATURES,
		get_u64(VHOST_USER_GET_PROTOCOL_FEATURES));
	set_u64(VHOST_USER_SET_FEATURES, BIT(30) | BIT(32));
}

static inline void start_ring(uint32_t i, uint32_t base)
{
	struct vhost_user_vring_addr addr = { .index = i, .desc_uaddr = 4096 };
	uint64_t kick = i;

	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, i, 256), ==, 0);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_BASE, i, base), ==, 0);
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr),
			       0), ==, 0);
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_KICK, &kick, 8, 1), ==, 0);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, i, 1), ==, 0);
}

static inline uint32_t get_base(uint32_t i)
{
	struct vhost_user_vring_state state = { .index = i };

	send_n(VHOST_USER_GET_VRING_BASE, VERSION, &state, sizeof(state), 0);
	g_assert_cmpint(reply(VHOST_USER_GET_VRING_BASE, &state,
			      sizeof(state)), ==, sizeof(state));
	g_assert_cmpuint(state.index, ==, i);
	return state.num;
}

static inline struct vhost_user_mem_table table(size_t n)
{
	struct vhost_user_mem_table t = { .nregions = (uint32_t)n };
	size_t i;

	for (i = 0; i < n; i++)
		t.regions[i] = (struct vhost_user_mem_region){
			.gpa = i << 20, .size = 65536,
			.uaddr = (i << 20) + 0x7f0000000000, .mmap_offset = 0,
		};
	return t;
}

#endif
