// SPDX-License-Identifier: MIT
/*
 * test-endpoint.c - the endpoint between a front end and a worker, both played
 * here: what a worker is told, and what its death, at any point, does not do
 *
 * The worker that the endpoint starts is this program again. It hands its socket
 * to the test, so that the test speaks as the worker, and sleeps.
 */
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

static int abstract(struct sockaddr_un *addr, const char *name)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "%s", name);
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int play_worker(void)
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

static int play_probe(char **argv)
{
	struct vgpu_caps caps = { .magic = VGPU_CAPS_MAGIC, .count = 2 };
	const char *how = getenv("VGPU_TEST_PROBE");

	caps.sets[0].size = 308;
	caps.sets[1].size = VGPU_CAPSET_MAX_SIZE;
	if (how && !strcmp(how, "crash"))
		abort();
	if (how && !strcmp(how, "fail"))
		return 1;
	if (how && !strcmp(how, "none"))
		caps.count = 0;
	if (how && !strcmp(how, "many"))
		caps.count = VGPU_CAPS_MAX + 1;
	if (how && !strcmp(how, "long"))
		caps.sets[1].size++;
	if (how && !strcmp(how, "magic"))
		caps.magic++;
	if (how && !strcmp(how, "name"))
		memset(caps.renderer, 'x', sizeof(caps.renderer));
	return pwrite(atoi(argv[2]), &caps, sizeof(caps), 0) != sizeof(caps);
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

static void on_disconnected(void *opaque)
{
	disconnects++;
}

static void open_vu(void)
{
	int socks[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   socks), ==, 0);
	vu = socks[0];
	g_assert_cmpint(endpoint_serve(ep, socks[1]), ==, 0);
}

static void setup_without_vu(void)
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

static void setup(void)
{
	setup_without_vu();
	open_vu();
}

static void teardown(void)
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

static void settle(void)
{
	int i;

	for (i = 0; i < 6; i++)
		event_loop_iterate(loop, 0);
}

/* ---- as front end ---- */

static void vu_send(uint32_t request, const void *payload, uint32_t size,
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
static int vu_reply(uint32_t request, void *payload, int ms)
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

static void vu_ack(uint32_t request, const void *payload, uint32_t size,
		   const int *fds, size_t nfds)
{
	uint64_t ack = 99;

	vu_send(request, payload, size, fds, nfds);
	g_assert_cmpint(vu_reply(request, &ack, 1000), ==, 8);
	g_assert_cmpuint(ack, ==, 0);
}

static void vu_vring(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state state = { index, num };

	vu_ack(request, &state, sizeof(state), NULL, 0);
}

static uint64_t vu_features(void)
{
	uint64_t features = 0;

	vu_send(VHOST_USER_GET_FEATURES, NULL, 0, NULL, 0);
	g_assert_cmpint(vu_reply(VHOST_USER_GET_FEATURES, &features, 1000), ==,
			8);
	return features;
}

static void vu_negotiate(void)
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

static void vu_start(uint32_t i, uint32_t base)
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

static void vu_ask_base(uint32_t i)
{
	struct vhost_user_vring_state state = { .index = i };

	vu_send(VHOST_USER_GET_VRING_BASE, &state, sizeof(state), NULL, 0);
}

static uint32_t vu_base(int ms)
{
	struct vhost_user_vring_state state;

	g_assert_cmpint(vu_reply(VHOST_USER_GET_VRING_BASE, &state, ms), ==,
			sizeof(state));
	return state.num;
}

/* ---- as worker ---- */

static bool worker_comes(int ms)
{
	uint64_t end = event_now_ns() + (uint64_t)ms * 1000000;
	struct timeval slice = { .tv_usec = 5000 };
	size_t nfds = 1;
	int s;

	fdpass_close(&wsock, 1);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	while ((s = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		if (event_now_ns() >= end)
			return false;
		event_loop_iterate(loop, 5);
	}
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice));
	while (fdpass_recv(s, &wpid, sizeof(wpid), &wsock, &nfds) ==
	       -EAGAIN) {
		g_assert_cmpuint(event_now_ns(), <, end);
		nfds = 1;
	}
	g_assert_cmpuint(nfds, ==, 1);
	close(s);
	return true;
}

static bool told_anything(void)
{
	int ret;

	settle();
	ret = ipc_recv(wsock, IPC_FROM_ENDPOINT, &msg);
	if (ret == 1)
		ipc_msg_close(&msg);
	return ret == 1;
}

/* The next thing that the worker is told; descriptors stay in msg. */
static void told(uint32_t type)
{
	int ret;

	settle();
	ret = ipc_recv(wsock, IPC_FROM_ENDPOINT, &msg);
	g_assert_cmpint(ret, ==, 1);
	g_assert_cmpstr(ipc_type_name(msg.type), ==, ipc_type_name(type));
}

static void say(uint32_t type, const void *payload, size_t size)
{
	g_assert_cmpint(ipc_send(wsock, type, payload, size, NULL, 0), ==, 0);
	settle();
}

static void say_stopped(uint32_t i, uint32_t base)
{
	struct vgpu_ipc_vring_stopped stopped = { i, base };

	say(VGPU_IPC_VRING_STOPPED, &stopped, sizeof(stopped));
}

/* A worker that starts; flags of SETUP, of the rings that follow. */
static int expect_worker(uint32_t setup_flags, int rings, uint32_t ring_flags)
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
static void serve_to(int ledger_fd, unsigned int i, uint32_t base)
{
	struct ledger *ledger = ledger_open(ledger_fd);

	g_assert_nonnull(ledger);
	ledger_ring(ledger, i)->valid = 1;
	ledger_ring(ledger, i)->last_avail = base;
	ledger_close(ledger);
}

static void kill_worker(void)
{
	kill(wpid, SIGKILL);
}

static bool worker_dead(int ms)
{
	uint64_t end = event_now_ns() + (uint64_t)ms * 1000000;

	while (!kill(wpid, 0)) {
		if (event_now_ns() >= end)
			return false;
		event_loop_iterate(loop, 5);
	}
	return true;
}

/* ---- starting ---- */

static void test_start(void)
{
	struct vgpu_ipc_cookie cookie = { 77 };
	struct vgpu_ipc_get_edid get_edid = { 78, 0 };
	uint64_t index = 0;
	int ledger;

	setup();
	g_assert_cmphex(vu_features() & 0x1f, ==, 6);	/* EDID, UUID */
	vu_negotiate();
	g_assert_false(worker_comes(50));	/* costs nothing before */
	/* the cursor ring alone does not need one */
	vu_start(1, 0);
	g_assert_false(worker_comes(50));
	vu_start(0, 5);
	ledger = expect_worker(0, 2, 0);
	say(VGPU_IPC_READY, NULL, 0);
	/* without a display socket there are answers all the same */
	say(VGPU_IPC_GET_DISPLAY_INFO, &cookie, sizeof(cookie));
	told(VGPU_IPC_DISPLAY_INFO);
	g_assert_cmpuint(msg.display_info.cookie, ==, 77);
	g_assert_cmpuint(msg.display_info.pmodes[0].r.width, ==, 800);
	say(VGPU_IPC_GET_EDID, &get_edid, sizeof(get_edid));
	told(VGPU_IPC_EDID);
	g_assert_cmpuint(msg.edid.cookie, ==, 78);
	vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, &call_fd, 1);
	told(VGPU_IPC_VRING_CALL);
	g_assert_cmpuint(msg.vring_index.index, ==, 0);
	ipc_msg_close(&msg);
	/* QEMU takes it away: the worker still gets one to write to */
	index |= VHOST_USER_VRING_NOFD_MASK;
	vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, NULL, 0);
	told(VGPU_IPC_VRING_CALL);
	ipc_msg_close(&msg);
	g_assert_false(told_anything());
	close(ledger);
	teardown();
	g_assert_cmpint(kill(wpid, 0), ==, -1);
}

static unsigned int count_fds(pid_t pid)
{
	char path[64];
	unsigned int n = 0;
	GDir *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = g_dir_open(path, 0, NULL);
	g_assert_nonnull(dir);
	while (g_dir_read_name(dir))
		n++;
	g_dir_close(dir);
	return n;
}

static void test_confined(void)
{
	char path[64], *text = NULL;
	gsize len;

	setenv("SECRET_TOKEN", "x", 1);
	setenv("LP_NUM_THREADS", "9", 1);
	config = (struct endpoint_config){
		.name = "vm1", .worker = "/proc/self/exe", .broker_fd = -1,
		.cpus = "0", .cpu_threads = 1, .outputs = 2,
		.memory_max = 12345,
	};
	setup();
	vu_negotiate();
	vu_start(0, 0);
	g_assert_true(worker_comes(3000));
	told(VGPU_IPC_SETUP);
	g_assert_cmpuint(msg.setup.num_scanouts, ==, 2);
	g_assert_cmpuint(msg.setup.memory_max, ==, 12345);
	ipc_msg_close(&msg);
	snprintf(path, sizeof(path), "/proc/%d/environ", wpid);
	g_assert_true(g_file_get_contents(path, &text, &len, NULL));
	g_assert_null(memmem(text, len, "SECRET", 6));
	g_assert_nonnull(memmem(text, len, "LP_NUM_THREADS=1", 17));
	g_free(text);
	snprintf(path, sizeof(path), "/proc/%d/status", wpid);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "Cpus_allowed_list:\t0\n"));
	g_free(text);
	g_assert_cmpuint(count_fds(wpid), <=, 3);
	teardown();
}

/* ---- stopping ---- */

static void test_stop_cont(void)
{
	int ledger, round;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	for (round = 1; round <= 10; round++) {
		vu_ask_base(0);
		settle();
		told(VGPU_IPC_VRING_STOP);
		g_assert_cmpint(vu_reply(0, NULL, 0), ==, -1);
		serve_to(ledger, 0, (uint32_t)round * 3);
		say_stopped(0, (uint32_t)round * 3);
		g_assert_cmpuint(vu_base(1000), ==, round * 3);
		/* the same worker goes on */
		vu_start(0, (uint32_t)round * 3);
		told(VGPU_IPC_VRING_START);
		g_assert_cmphex(msg.vring.flags, ==, 0);
		g_assert_cmpuint(msg.vring.base, ==, round * 3);
		ipc_msg_close(&msg);
		while (told_anything())
			;
	}
	close(ledger);
	teardown();
}

/* A worker that hangs is killed in time, and the ledger knows the base. */
static void test_stop_hung(void)
{
	uint64_t before;
	int ledger;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	vu_start(1, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 321);
	serve_to(ledger, 1, 12);
	before = event_now_ns();
	vu_ask_base(0);
	g_assert_cmpuint(vu_base(950), ==, 321);
	g_assert_cmpuint(event_now_ns() - before, >, 600000000);
	g_assert_true(worker_dead(0));
	vu_ask_base(1);
	g_assert_cmpuint(vu_base(100), ==, 12);
	g_assert_false(worker_comes(100));
	close(ledger);
	/* cont: a new one takes over */
	vu_start(0, 321);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, VGPU_VRING_RESUME));
	teardown();
}

static void test_stop_death(void)
{
	int ledger;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 55);
	/* in the middle of a stop */
	vu_ask_base(0);
	settle();
	kill_worker();
	g_assert_cmpuint(vu_base(300), ==, 55);
	vu_start(0, 55);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, VGPU_VRING_RESUME));
	/* while stopped: nobody needs another one until cont */
	vu_ask_base(0);
	settle();
	say_stopped(0, 55);
	g_assert_cmpuint(vu_base(300), ==, 55);
	kill_worker();
	g_assert_true(worker_dead(1000));
	g_assert_false(worker_comes(100));
	vu_start(0, 55);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, VGPU_VRING_RESUME));
	close(ledger);
	teardown();
}

/* ---- dying ---- */

static void test_death(void)
{
	int ledger, i;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	/* before it has touched anything: no position to resume from */
	kill_worker();
	close(ledger);
	ledger = expect_worker(VGPU_SETUP_TAKEOVER, 1, 0);
	serve_to(ledger, 0, 9);
	for (i = 0; i < 3; i++) {
		kill_worker();
		close(ledger);
		ledger = expect_worker(VGPU_SETUP_TAKEOVER, 1,
				       VGPU_VRING_RESUME);
		g_assert_cmpuint(vu_features(), !=, 0);
	}
	close(ledger);
	teardown();
}

/* It closes its socket, or speaks nonsense: replaced. */
static void test_nonsense(void)
{
	struct vgpu_ipc_header header = { VGPU_IPC_SETUP, 0 };

	setup();
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	g_assert_cmpint(fdpass_send(wsock, &header, sizeof(header), NULL, 0),
			==, sizeof(header));
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, 0));
	fdpass_close(&wsock, 1);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, 0));
	teardown();
}

/* Five quick deaths, then one a second; the front end is always answered. */
static void test_back_off(void)
{
	unsigned int starts = 0;
	uint64_t end;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	end = event_now_ns() + 1500000000ull;
	while (event_now_ns() < end) {
		if (!worker_comes(20))
			continue;
		starts++;
		kill_worker();
		g_assert_cmpuint(vu_features(), !=, 0);
	}
	g_assert_cmpuint(starts, >=, 6);
	g_assert_cmpuint(starts, <=, 8);
	teardown();
}

static void test_no_program(void)
{
	config = (struct endpoint_config){
		.name = "vm1", .worker = "/nonexistent/vgpu-worker",
		.broker_fd = -1,
	};
	setup();
	vu_negotiate();
	vu_start(0, 0);
	g_assert_false(worker_comes(300));
	vu_ask_base(0);
	g_assert_cmpuint(vu_base(900), ==, 0);
	vu_ack(VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
	g_assert_cmpuint(vu_features(), !=, 0);
	teardown();
}

/* It never reads: killed when no more fits, and replaced. */
static void test_deaf(void)
{
	uint64_t index = 0;
	pid_t first;
	int i;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	first = wpid;
	for (i = 0; i < 3000 && !kill(first, 0); i++)
		vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, &call_fd, 1);
	g_assert_cmpint(i, >, IPC_NUM_VRINGS);
	g_assert_cmpint(i, <, 3000);
	g_assert_true(worker_comes(2000));
	g_assert_cmpint(wpid, !=, first);
	teardown();
}

/* ---- starting anew ---- */

static void test_reset(void)
{
	int ledger;
	pid_t first;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 40);
	first = wpid;
	vu_ack(VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
	g_assert_cmpint(kill(first, 0), ==, -1);
	g_assert_cmpint(ledger_ring_base(ledger, 0), ==, -ENOENT);
	g_assert_false(worker_comes(50));
	close(ledger);
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 41);
	/* 7.2 and User Mode Linux do not say it: the base does */
	vu_ask_base(0);
	settle();
	say_stopped(0, 41);
	g_assert_cmpuint(vu_base(300), ==, 41);
	first = wpid;
	vu_start(0, 0);
	close(ledger);
	ledger = expect_worker(0, 1, 0);
	g_assert_cmpint(kill(first, 0), ==, -1);
	g_assert_cmpint(ledger_ring_base(ledger, 0), ==, -ENOENT);
	close(ledger);
	teardown();
}

static void test_disconnect(void)
{
	int round;

	setup();
	for (round = 0; round < 5; round++) {
		vu_negotiate();
		if (round)
			vu_start(0, 0);
		if (round)
			close(expect_worker(0, 1, 0));
		if (round == 3) {
			vu_ask_base(0);
			settle();
		}
		if (round == 4)
			kill_worker();
		close(vu);
		settle();
		g_assert_cmpuint(disconnects, ==, round + 1);
		g_assert_true(!wpid || worker_dead(1000));
		open_vu();
	}
	teardown();
}

/* ---- the display, through to the front end ---- */

static void test_display(void)
{
	struct vgpu_ipc_scanout scanout = { 0, 16, 16 };
	struct vhost_user_gpu_header head;
	uint64_t features = 0;
	int gpu[2], pixels = shm_create("pixels", 1024);

	setup();
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   gpu), ==, 0);
	vu_ack(VHOST_USER_GPU_SET_SOCKET, NULL, 0, &gpu[1], 1);
	close(gpu[1]);
	settle();
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, sizeof(head));
	g_assert_cmpuint(head.request, ==,
			 VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	head.flags = 4;
	head.size = 8;
	fdpass_send(gpu[0], &head, sizeof(head), NULL, 0);
	fdpass_send(gpu[0], &features, 8, NULL, 0);
	g_assert_cmpint(ipc_send(wsock, VGPU_IPC_SCANOUT, &scanout,
				 sizeof(scanout), &pixels, 1), ==, 0);
	settle();
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, sizeof(head));
	g_assert_cmpuint(head.request, ==, VHOST_USER_GPU_SCANOUT);
	g_assert_cmpint(fdpass_recv(gpu[0], &scanout, sizeof(scanout), NULL,
				    NULL), ==, sizeof(scanout));
	/* the worker's death does not turn it off, a reset does */
	kill_worker();
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, 0));
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, -EAGAIN);
	vu_ack(VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
	settle();
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, sizeof(head));
	g_assert_cmpuint(head.request, ==, VHOST_USER_GPU_SCANOUT);
	close(gpu[0]);
	close(pixels);
	teardown();
}

/* A ring that the guest broke: the front end's error descriptor says so. */
static void test_broken(void)
{
	struct vgpu_ipc_vring_index broken = { 0 };
	int err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), i;
	uint64_t index = 0, count = 0;

	setup();
	vu_negotiate();
	vu_ack(VHOST_USER_SET_VRING_ERR, &index, 8, &err, 1);
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	say(VGPU_IPC_VRING_BROKEN, &broken, sizeof(broken));
	g_assert_cmpint(read(err, &count, 8), ==, 8);
	g_assert_cmpuint(count, ==, 1);
	/* full: nobody waits for it */
	count = UINT64_MAX - 1;
	g_assert_cmpint(write(err, &count, 8), ==, 8);
	for (i = 0; i < 3; i++)
		say(VGPU_IPC_VRING_BROKEN, &broken, sizeof(broken));
	g_assert_cmpuint(vu_features(), !=, 0);
	close(err);
	teardown();
}

/* ---- vgpud ---- */

static int broker;

static void broker_told(uint32_t type)
{
	int i, ret = -EAGAIN;

	for (i = 0; i < 200 && ret == -EAGAIN; i++) {
		event_loop_iterate(loop, 5);
		ret = ipc_recv(broker, IPC_FROM_ENDPOINT_TO_BROKER, &msg);
	}
	g_assert_cmpint(ret, ==, 1);
	g_assert_cmpstr(ipc_type_name(msg.type), ==, ipc_type_name(type));
	ipc_msg_close(&msg);
}

static void setup_broker(void)
{
	int socks[2];

	g_assert_cmpint(ipc_pair(socks), ==, 0);
	broker = socks[0];
	config = (struct endpoint_config){
		.name = "vm1", .worker = "/proc/self/exe",
		.broker_fd = socks[1],
	};
	setup();
	broker_told(VGPU_BROKER_HELLO);
	g_assert_cmpuint(msg.hello.version, ==, VGPU_IPC_VERSION);
	g_assert_cmpuint(msg.hello.pid, ==, getpid());
	g_assert_cmpstr(msg.hello.vm, ==, "vm1");
}

static void broker_attach(void)
{
	static struct vgpu_broker_attach attach = {
		.setup = { .version = VGPU_IPC_VERSION, .vm = "vm1",
			   .flags = VGPU_SETUP_VIRGL | VGPU_SETUP_TAKEOVER,
			   .num_scanouts = 4, .width = 640, .height = 480,
			   .memory_max = 99 },
		.cpus = "0", .cpu_threads = 1,
	};
	static struct vgpu_caps caps = { .magic = VGPU_CAPS_MAGIC, .count = 3 };
	int fds[5], i;

	fds[0] = shm_create("caps", sizeof(caps));
	g_assert_cmpint(pwrite(fds[0], &caps, sizeof(caps), 0), ==,
			sizeof(caps));
	for (i = 1; i < 5; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	g_assert_cmpint(ipc_send(broker, VGPU_BROKER_ATTACH, &attach,
				 sizeof(attach), fds, 5), ==, 0);
	fdpass_close(fds, 5);
	settle();
}

static void test_broker(void)
{
	struct vhost_user_config cfg = { .size = 16 };
	struct virtio_gpu_config gpu;
	struct vgpu_broker_kill reason = { "too slow" };

	setup_broker();
	/* the front end waits for vgpud's answer */
	vu_send(VHOST_USER_GET_FEATURES, NULL, 0, NULL, 0);
	g_assert_cmpint(vu_reply(0, NULL, 0), ==, -1);
	broker_attach();
	g_assert_cmpint(vu_reply(VHOST_USER_GET_FEATURES, &cfg, 1000), ==, 8);
	g_assert_true(vu_features() & BIT(VIRTIO_GPU_F_VIRGL));
	cfg = (struct vhost_user_config){ .size = 16 };
	vu_send(VHOST_USER_GET_CONFIG, &cfg, 28, NULL, 0);
	g_assert_cmpint(vu_reply(VHOST_USER_GET_CONFIG, &cfg, 1000), ==, 28);
	memcpy(&gpu, cfg.data, sizeof(gpu));
	g_assert_cmpuint(gpu.num_capsets, ==, 3);
	g_assert_cmpuint(gpu.num_scanouts, ==, 4);
	broker_told(VGPU_BROKER_STATE);
	g_assert_cmpuint(msg.state.connected, ==, 1);
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(VGPU_SETUP_VIRGL | VGPU_SETUP_SCHED, 1, 0));
	broker_told(VGPU_BROKER_WORKER_STARTED);
	g_assert_cmpuint(msg.worker.pid, ==, wpid);
	broker_told(VGPU_BROKER_STATE);
	g_assert_cmpuint(msg.state.driver_ok, ==, 1);
	/* a second ATTACH has no place */
	broker_attach();

	g_assert_cmpint(ipc_send(broker, VGPU_BROKER_KILL_WORKER, &reason,
				 sizeof(reason), NULL, 0), ==, 0);
	close(expect_worker(VGPU_SETUP_VIRGL | VGPU_SETUP_SCHED |
			    VGPU_SETUP_TAKEOVER, 1, 0));
	broker_told(VGPU_BROKER_WORKER_EXITED);
	g_assert_cmpint(WTERMSIG(msg.worker.status), ==, SIGKILL);
	broker_told(VGPU_BROKER_WORKER_STARTED);
	g_assert_cmpuint(msg.worker.restarts, ==, 1);

	/* vgpud goes: this worker runs on, freely, and so does the next */
	close(broker);
	told(VGPU_IPC_SCHED_DETACH);
	kill_worker();
	close(expect_worker(VGPU_SETUP_VIRGL | VGPU_SETUP_TAKEOVER, 1, 0));
	teardown();
}

/* vgpud dies, or speaks nonsense, before it has answered: 2D, unscheduled. */
static void test_broker_gone(void)
{
	struct vgpu_ipc_header header = { VGPU_BROKER_HELLO, 0 };

	setup_broker();
	vu_send(VHOST_USER_GET_FEATURES, NULL, 0, NULL, 0);
	fdpass_send(broker, &header, sizeof(header), NULL, 0);
	g_assert_cmpint(vu_reply(VHOST_USER_GET_FEATURES, &header, 1000), ==,
			8);
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	close(broker);
	teardown();
}

/* ---- caps ---- */

static void test_caps(void)
{
	static const char *const bad[] = { "crash", "fail", "none", "many",
					   "long", "magic", "name" };
	struct vgpu_caps *caps = g_new(struct vgpu_caps, 1);
	size_t i;
	int fd;

	log_set_level(getenv("VGPU_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	fd = caps_probe("/proc/self/exe", "/dev/dri/renderD128", "virgl");
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(caps_read(fd, caps), ==, 0);
	g_assert_cmpuint(caps->count, ==, 2);
	/* frozen */
	g_assert_cmpint(pwrite(fd, caps, 1, 0), ==, -1);
	g_assert_true(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) ==
		      MAP_FAILED);
	close(fd);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		setenv("VGPU_TEST_PROBE", bad[i], 1);
		g_assert_cmpint(caps_probe("/proc/self/exe", NULL, "virgl"), <,
				0);
	}
	g_assert_cmpint(caps_probe("/nonexistent", NULL, "virgl"), ==,
			-ENOEXEC);
	fd = caps_none();
	g_assert_cmpint(caps_read(fd, caps), ==, 0);
	g_assert_cmpuint(caps->count, ==, 0);
	close(fd);
	fd = memfd_create("short", MFD_CLOEXEC);
	g_assert_cmpint(caps_read(fd, caps), ==, -EBADMSG);
	close(fd);
	g_free(caps);
}

int main(int argc, char **argv)
{
	if (argc > 1 && g_str_has_prefix(argv[1], "--ipc-fd="))
		return play_worker();
	if (argc > 2 && !strcmp(argv[1], "--probe"))
		return play_probe(argv);
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/endpoint/start/told", test_start, 0);
	runner_add("/endpoint/start/confined", test_confined, 0);
	runner_add("/endpoint/stop/cont", test_stop_cont, 0);
	runner_add("/endpoint/stop/hung", test_stop_hung, 0);
	runner_add("/endpoint/stop/death", test_stop_death, 0);
	runner_add("/endpoint/death/replaced", test_death, 0);
	runner_add("/endpoint/death/nonsense", test_nonsense, 0);
	runner_add("/endpoint/death/back-off", test_back_off, 0);
	runner_add("/endpoint/death/no-program", test_no_program, 0);
	runner_add("/endpoint/death/deaf", test_deaf, 0);
	runner_add("/endpoint/reset", test_reset, 0);
	runner_add("/endpoint/disconnect", test_disconnect, 0);
	runner_add("/endpoint/display", test_display, 0);
	runner_add("/endpoint/broken", test_broken, 0);
	runner_add("/endpoint/broker/scheduled", test_broker, 0);
	runner_add("/endpoint/broker/gone", test_broker_gone, 0);
	runner_add("/endpoint/caps", test_caps, 0);
	return runner_run();
}
