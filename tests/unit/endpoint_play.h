/* SPDX-License-Identifier: MIT */
/*
 * endpoint_play.h - an endpoint under test between a front end and a worker,
 * both played by the test
 *
 * The worker that the endpoint starts is the test program again. It hands its
 * socket to the test, so that the test speaks as the worker, and sleeps.
 */
#ifndef TESTS_UNIT_ENDPOINT_PLAY_H
#define TESTS_UNIT_ENDPOINT_PLAY_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/shm.h"
#include "endpoint/caps.h"
#include "endpoint/endpoint.h"
#include "ipc/ipc.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ledger.h"
#include "protocol/vhost_user.h"
#include "tests/lib/runner.h"

#define VERSION		VHOST_USER_VERSION
#define NEED_REPLY	VHOST_USER_NEED_REPLY_MASK
#define BIT(n)		(UINT64_C(1) << (n))

/* ---- the program as worker ---- */

static inline int abstract(struct sockaddr_un *addr, const char *name)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "%s", name);
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static inline int play_worker(void)
{
	const char *name = getenv("VGPU_TEST_NAME");
	struct sockaddr_un addr;
	pid_t pid = getpid();
	int fd = 3, s = abstract(&addr, name);

	if (connect(s, (struct sockaddr *)&addr, sizeof(addr)) ||
	    fdpass_send(s, &pid, sizeof(pid), &fd, 1) < 0)
		return 9;
	close(s);
	close(fd);
	for (;;)
		pause();
}

/* ---- the test ---- */

static struct event_loop *loop;
static struct endpoint *ep;
static struct endpoint_config config;
static int listener, vu, memory_fd, kick_fd, call_fd;
static unsigned int disconnects;
static struct ipc_msg msg;

/* The present worker. */
static int wsock = -1;
static pid_t wpid;

static inline void on_disconnected(void *opaque)
{
	disconnects++;
}

static inline void open_vu(void)
{
	int socks[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   socks), ==, 0);
	vu = socks[0];
	g_assert_cmpint(endpoint_serve(ep, socks[1]), ==, 0);
}

static inline void setup_without_vu(void)
{
	char name[64];
	struct sockaddr_un addr;

	snprintf(name, sizeof(name), "vgpu-test-%d", getpid());
	setenv("VGPU_TEST_NAME", name, 1);
	listener = abstract(&addr, name);
	g_assert_cmpint(bind(listener, (struct sockaddr *)&addr, sizeof(addr)),
			==, 0);
	g_assert_cmpint(listen(listener, 8), ==, 0);
	memory_fd = memfd_create("guest", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(memory_fd, 1 << 20), ==, 0);
	kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	log_set_level(getenv("VGPU_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	loop = event_loop_new();
	if (!config.worker)
		config = (struct endpoint_config){
			.name = "vm1", .worker = "/proc/self/exe",
			.width = 800, .height = 600, .broker_fd = -1,
		};
	if (!config.caps_fd)
		config.caps_fd = caps_none();
	ep = endpoint_open(loop, &config, on_disconnected, NULL);
	g_assert_nonnull(ep);
}

static inline void setup(void)
{
	setup_without_vu();
	open_vu();
}

static inline void teardown(void)
{
	endpoint_close(ep);
	fdpass_close(&wsock, 1);
	close(listener);
	if (vu >= 0)
		close(vu);
	close(memory_fd);
	close(kick_fd);
	close(call_fd);
	event_loop_free(loop);
}

static inline void settle(void)
{
	int i;

	for (i = 0; i < 6; i++)
		event_loop_iterate(loop, 0);
}

/* ---- as front end ---- */

static inline void vu_send(uint32_t request, const void *payload, uint32_t size,
		    const int *fds, size_t nfds)
{
	struct vhost_user_header header = { request, VERSION | NEED_REPLY,
					    size };
	uint8_t buf[512];

	memcpy(buf, &header, sizeof(header));
	if (size)
		memcpy(buf + sizeof(header), payload, size);
	g_assert_cmpint(fdpass_send(vu, buf, sizeof(header) + size, fds, nfds),
			==, sizeof(header) + size);
}

/* Return: payload size, -1: none within the time. */
static inline int vu_reply(uint32_t request, void *payload, int ms)
{
	uint64_t end = event_now_ns() + (uint64_t)ms * 1000000;
	struct vhost_user_header header;

	for (;;) {
		ssize_t n = fdpass_recv(vu, &header, sizeof(header), NULL,
					NULL);

		if (n == sizeof(header))
			break;
		g_assert_cmpint(n, ==, -EAGAIN);
		if (event_now_ns() >= end)
			return -1;
		event_loop_iterate(loop, ms ? 5 : 0);
	}
	g_assert_cmpuint(header.request, ==, request);
	if (header.size)
		g_assert_cmpint(fdpass_recv(vu, payload, header.size, NULL,
					    NULL), ==, header.size);
	return (int)header.size;
}

static inline void vu_ack(uint32_t request, const void *payload, uint32_t size,
		   const int *fds, size_t nfds)
{
	uint64_t ack = 99;

	vu_send(request, payload, size, fds, nfds);
	g_assert_cmpint(vu_reply(request, &ack, 1000), ==, 8);
	g_assert_cmpuint(ack, ==, 0);
}

static inline void vu_vring(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state state = { index, num };

	vu_ack(request, &state, sizeof(state), NULL, 0);
}

static inline uint64_t vu_features(void)
{
	uint64_t features = 0;

	vu_send(VHOST_USER_GET_FEATURES, NULL, 0, NULL, 0);
	g_assert_cmpint(vu_reply(VHOST_USER_GET_FEATURES, &features, 1000), ==,
			8);
	return features;
}

static inline void vu_negotiate(void)
{
	struct vhost_user_header header = {
		VHOST_USER_SET_PROTOCOL_FEATURES, VERSION, 8
	};
	uint64_t features = BIT(30) | BIT(32) | BIT(29), protocol = 0x12629;
	struct vhost_user_mem_table table = {
		.nregions = 1,
		.regions[0] = { .size = 1 << 20, .uaddr = 0x7f0000000000 },
	};

	g_assert_cmpint(fdpass_send(vu, &header, sizeof(header), NULL, 0), >,
			0);
	g_assert_cmpint(fdpass_send(vu, &protocol, 8, NULL, 0), ==, 8);
	vu_ack(VHOST_USER_SET_FEATURES, &features, 8, NULL, 0);
	vu_ack(VHOST_USER_SET_MEM_TABLE, &table, 40, &memory_fd, 1);
}

static inline void vu_start(uint32_t i, uint32_t base)
{
	struct vhost_user_vring_addr addr = {
		.index = i, .desc_uaddr = 0x7f0000001000,
		.avail_uaddr = 0x7f0000002000, .used_uaddr = 0x7f0000003000,
	};
	uint64_t index = i;

	vu_vring(VHOST_USER_SET_VRING_NUM, i, 64);
	vu_vring(VHOST_USER_SET_VRING_BASE, i, base);
	vu_ack(VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
	vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, &call_fd, 1);
	vu_ack(VHOST_USER_SET_VRING_KICK, &index, 8, &kick_fd, 1);
	vu_vring(VHOST_USER_SET_VRING_ENABLE, i, 1);
}

static inline void vu_ask_base(uint32_t i)
{
	struct vhost_user_vring_state state = { .index = i };

	vu_send(VHOST_USER_GET_VRING_BASE, &state, sizeof(state), NULL, 0);
}

static inline uint32_t vu_base(int ms)
{
	struct vhost_user_vring_state state;

	g_assert_cmpint(vu_reply(VHOST_USER_GET_VRING_BASE, &state, ms), ==,
			sizeof(state));
	return state.num;
}

/* ---- as worker ---- */

static inline bool worker_comes(int ms)
{
	uint64_t end = event_now_ns() + (uint64_t)ms * 1000000;
	struct timeval slice = { .tv_usec = 5000 };
	size_t nfds = 1;
	ssize_t n;
	int s;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	while ((s = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		if (event_now_ns() >= end)
			return false;
		event_loop_iterate(loop, 5);
	}
	fdpass_close(&wsock, 1);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice));
	end = event_now_ns() + 3000000000ull;
	while ((n = fdpass_recv(s, &wpid, sizeof(wpid), &wsock, &nfds)) ==
	       -EAGAIN) {
		g_assert_cmpuint(event_now_ns(), <, end);
		nfds = 1;
	}
	close(s);
	return n > 0;	/* else it was killed before it could speak */
}

static inline bool told_anything(void)
{
	int ret;

	settle();
	ret = ipc_recv(wsock, IPC_FROM_ENDPOINT, &msg);
	if (ret == 1)
		ipc_msg_close(&msg);
	return ret == 1;
}

/* The next thing that the worker is told; descriptors stay in msg. */
static inline void told(uint32_t type)
{
	int ret;

	settle();
	ret = ipc_recv(wsock, IPC_FROM_ENDPOINT, &msg);
	g_assert_cmpint(ret, ==, 1);
	g_assert_cmpstr(ipc_type_name(msg.type), ==, ipc_type_name(type));
}

static inline void say(uint32_t type, const void *payload, size_t size)
{
	g_assert_cmpint(ipc_send(wsock, type, payload, size, NULL, 0), ==, 0);
	settle();
}

static inline void say_stopped(uint32_t i, uint32_t base)
{
	struct vgpu_ipc_vring_stopped stopped = { i, base };

	say(VGPU_IPC_VRING_STOPPED, &stopped, sizeof(stopped));
}

/* A worker that starts; flags of SETUP, of the rings that follow. */
static inline int expect_worker(uint32_t setup_flags, int rings, uint32_t ring_flags)
{
	int i, ledger;

	g_assert_true(worker_comes(3000));
	told(VGPU_IPC_SETUP);
	g_assert_cmpuint(msg.setup.version, ==, VGPU_IPC_VERSION);
	g_assert_cmpstr(msg.setup.vm, ==, "vm1");
	g_assert_cmphex(msg.setup.flags, ==, setup_flags);
	ledger = msg.fds[0];
	msg.fds[0] = -1;
	ipc_msg_close(&msg);
	told(VGPU_IPC_FEATURES);
	g_assert_cmphex(msg.features.features, ==, BIT(30) | BIT(32) | BIT(29));
	told(VGPU_IPC_MEM_TABLE);
	g_assert_cmpuint(msg.mem_table.nregions, ==, 1);
	g_assert_cmpuint(msg.mem_table.regions[0].size, ==, 1 << 20);
	ipc_msg_close(&msg);
	for (i = 0; i < rings; i++) {
		told(VGPU_IPC_VRING_START);
		g_assert_cmpuint(msg.vring.num, ==, 64);
		g_assert_cmphex(msg.vring.flags, ==, ring_flags);
		g_assert_cmphex(msg.vring.desc_uaddr, ==, 0x7f0000001000);
		ipc_msg_close(&msg);
	}
	return ledger;
}

/* What a worker leaves in the ledger when it has served ring i up to base. */
static inline void serve_to(int ledger_fd, unsigned int i, uint32_t base)
{
	struct ledger *ledger = ledger_open(ledger_fd);

	g_assert_nonnull(ledger);
	ledger_ring(ledger, i)->valid = 1;
	ledger_ring(ledger, i)->last_avail = base;
	ledger_close(ledger);
}

static inline void kill_worker(void)
{
	kill(wpid, SIGKILL);
}

static inline bool worker_dead(int ms)
{
	uint64_t end = event_now_ns() + (uint64_t)ms * 1000000;

	while (!kill(wpid, 0)) {
		if (event_now_ns() >= end)
			return false;
		event_loop_iterate(loop, 5);
	}
	return true;
}

/** play_init() - call first in main(): plays the worker if this is one */
static inline void play_init(int *argc, char ***argv)
{
	if (*argc > 1 && g_str_has_prefix((*argv)[1], "--ipc-fd="))
		exit(play_worker());
	runner_init(argc, argv);
	g_main_context_default();	/* its descriptor is no leak */
}

#endif
