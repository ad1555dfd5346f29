// SPDX-License-Identifier: MIT
/*
 * test-messages.c - vhost-user messages that no VMM would send
 *
 * Each is answered, ignored, or ends the connection with a line in the log that
 * names the VM. The program never crashes and never hangs, and a fresh front
 * end works afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/fdpass.h"
#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/proc.h"
#include "tests/lib/runner.h"

#define XRGB	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

enum state { CONNECTED, REALIZED, RUNNING };

static struct fe *begin(enum state state)
{
	struct fe_options opts = { .timeout_ms = 3000 };
	struct fe *fe = fe_new(&opts);

	g_assert_nonnull(fe);
	if (state >= REALIZED)
		g_assert_cmpint(fe_realize(fe), ==, 0);
	if (state == RUNNING)
		g_assert_cmpint(fe_start(fe), ==, 0);
	return fe;
}

/* Replies to whatever came before are in the way of the next one. */
static bool answers(struct fe *fe)
{
	struct vhost_user_header hdr = {
		.request = VHOST_USER_GET_QUEUE_NUM,
		.flags = VHOST_USER_VERSION,
	};
	uint64_t end = fe_now_ns() + 3000000000ull;
	uint8_t buf[8192];
	size_t have = 0;

	if (fe_vu_raw(fe, &hdr, sizeof(hdr), NULL, 0))
		return false;
	while (fe_now_ns() < end) {
		ssize_t n = recv(fe->sock, buf + have, sizeof(buf) - have,
				 MSG_DONTWAIT);
		size_t at = 0;

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n < 0) {
			g_usleep(500);
			continue;
		}
		have += (size_t)n;
		while (have - at >= sizeof(hdr)) {
			memcpy(&hdr, buf + at, sizeof(hdr));
			if (have - at < sizeof(hdr) + hdr.size)
				break;
			at += sizeof(hdr) + hdr.size;
			if (hdr.request == VHOST_USER_GET_QUEUE_NUM)
				return true;
		}
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	g_printerr("neither an answer nor the end of the connection\n");
	abort();
}

/*
 * After a bad message. Return: @fe if it goes on, else NULL, freed, after
 * checking that it ended well and said why.
 */
static struct fe *judge(struct fe *fe, bool must_close)
{
	int status;

	if (answers(fe)) {
		if (must_close) {
			g_printerr("the connection was not closed\n");
			abort();
		}
		return fe;
	}
	status = fe_hangup(fe);
	g_assert_true(WIFEXITED(status));
	g_assert_true(fe_log_has(fe, "[vm]"));
	g_assert_true(fe_log_has(fe, "warning") || fe_log_has(fe, "error"));
	g_assert_cmpuint(fe_free(fe), ==, 0);
	return NULL;
}

static void fresh_works(void)
{
	struct fe *fe = begin(RUNNING);
	struct picture *p = picture_new(fe, 1, XRGB, 16, 16);

	picture_show(p, 0, 0, 0, 16, 16);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

static void send_junk(struct fe *fe, uint32_t request, uint32_t size,
		      unsigned int nfds)
{
	uint8_t payload[4096];
	int fds[16];
	unsigned int i;

	for (i = 0; i < size; i++)
		payload[i] = g_test_rand_bit() ? 0xff :
			     (uint8_t)g_test_rand_int_range(0, 256);
	for (i = 0; i < nfds; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	fe_vu_send(fe, request, g_test_rand_bit() ?
		   VHOST_USER_NEED_REPLY_MASK : 0, payload, size, fds, nfds);
	for (i = 0; i < nfds; i++)
		close(fds[i]);
}

/* Every request, with payloads too short and too long, and wrong fds. */
static void matrix(enum state state)
{
	static const uint32_t sizes[] = { 0, 1, 7, 9, 40, 300, 4096 };
	static const unsigned int nfds[] = { 0, 1, 2, 9 };
	uint32_t request;
	struct fe *fe = NULL;
	size_t i, kept = 0, closed = 0;

	for (request = 0; request < VHOST_USER_REQUEST_MAX + 4; request++) {
		for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
			if (!fe)
				fe = begin(state);
			send_junk(fe, request, sizes[i],
				  nfds[(i + request) % 4]);
			fe = judge(fe, false);
			if (fe)
				kept++;
			else
				closed++;
		}
	}
	if (fe)
		g_assert_cmpuint(fe_free(fe), ==, 0);
	g_test_message("%zu kept, %zu closed", kept, closed);
	fresh_works();
}

static void matrix_connected(void) { matrix(CONNECTED); }
static void matrix_running(void) { matrix(RUNNING); }

struct bad {
	uint32_t request, size;
	uint64_t words[4];
	unsigned int nfds;
};

static void u64_messages(void)
{
	static const struct bad list[] = {
		{ VHOST_USER_SET_VRING_NUM, 8, { 2 | 64ull << 32 }, 0 },
		{ VHOST_USER_SET_VRING_NUM, 8, { 0xffffffff }, 0 },
		{ VHOST_USER_SET_VRING_NUM, 8, { 0 }, 0 },
		{ VHOST_USER_SET_VRING_NUM, 8, { 3ull << 32 }, 0 },
		{ VHOST_USER_SET_VRING_NUM, 8, { 65536ull << 32 }, 0 },
		{ VHOST_USER_SET_VRING_NUM, 8, { ~0xffffffffull }, 0 },
		{ VHOST_USER_SET_VRING_BASE, 8, { 7 }, 0 },
		{ VHOST_USER_SET_VRING_BASE, 8, { 0x10000ull << 32 }, 0 },
		{ VHOST_USER_GET_VRING_BASE, 8, { 2 }, 0 },
		{ VHOST_USER_GET_VRING_BASE, 8, { 0x80000000 }, 0 },
		{ VHOST_USER_SET_VRING_ENABLE, 8, { 2 | 1ull << 32 }, 0 },
		{ VHOST_USER_SET_VRING_ENABLE, 8, { 7ull << 32 }, 0 },
		{ VHOST_USER_SET_VRING_KICK, 8, { 2 }, 1 },
		{ VHOST_USER_SET_VRING_KICK, 8, { 0 }, 0 },
		{ VHOST_USER_SET_VRING_KICK, 8, { 0x100 }, 1 },
		{ VHOST_USER_SET_VRING_CALL, 8, { 255 }, 1 },
		{ VHOST_USER_SET_VRING_CALL, 8, { 0 }, 2 },
		{ VHOST_USER_SET_VRING_ERR, 8, { 0xff00000000ull }, 1 },
		{ VHOST_USER_SET_PROTOCOL_FEATURES, 8, { ~0ull }, 0 },
		{ VHOST_USER_SET_FEATURES, 8, { ~0ull }, 0 },
		{ VHOST_USER_SET_FEATURES, 8, { 0 }, 0 },
		{ VHOST_USER_SET_STATUS, 8, { ~0ull }, 0 },
		{ VHOST_USER_GPU_SET_SOCKET, 0, { 0 }, 0 },
		{ VHOST_USER_GPU_SET_SOCKET, 0, { 0 }, 1 },
		{ VHOST_USER_GPU_SET_SOCKET, 0, { 0 }, 3 },
		{ VHOST_USER_SET_BACKEND_REQ_FD, 0, { 0 }, 0 },
		{ VHOST_USER_GET_CONFIG, 12, { 0, 0 }, 0 },
		{ VHOST_USER_GET_CONFIG, 28, { 0x10000000000ull, 0 }, 0 },
		{ VHOST_USER_GET_CONFIG, 12, { 0xffffffff00000000, 0 }, 0 },
		{ VHOST_USER_SET_CONFIG, 12, { 0xffffffff00000000, 0 }, 0 },
		{ VHOST_USER_SET_INFLIGHT_FD, 20, { 1, 1, 1 }, 1 },
		{ VHOST_USER_GET_INFLIGHT_FD, 20, { ~0ull, ~0ull, 1 }, 0 },
		{ VHOST_USER_SET_LOG_BASE, 16, { 1 << 20, 0 }, 1 },
		{ VHOST_USER_SET_LOG_FD, 0, { 0 }, 1 },
		{ VHOST_USER_RESET_OWNER, 0, { 0 }, 0 },
		{ VHOST_USER_REM_MEM_REG, 32, { 0, 1, 2, 3 }, 0 },
		{ VHOST_USER_VRING_KICK, 8, { 0 }, 0 },
		{ VHOST_USER_IOTLB_MSG, 32, { 1, 2, 3, 4 }, 0 },
	};
	enum state state;
	size_t i;

	for (state = CONNECTED; state <= RUNNING; state++) {
		struct fe *fe = NULL;

		for (i = 0; i < G_N_ELEMENTS(list); i++) {
			const struct bad *b = &list[i];
			int fds[4] = {
				eventfd(0, EFD_CLOEXEC),
				eventfd(0, EFD_CLOEXEC),
				eventfd(0, EFD_CLOEXEC), -1,
			};

			if (!fe)
				fe = begin(state);
			fe_vu_send(fe, b->request, 0, b->words, b->size, fds,
				   b->nfds);
			close(fds[0]);
			close(fds[1]);
			close(fds[2]);
			fe = judge(fe, false);
		}
		if (fe)
			g_assert_cmpuint(fe_free(fe), ==, 0);
	}
	fresh_works();
}

static void headers(void)
{
	static const struct vhost_user_header list[] = {
		{ VHOST_USER_GET_FEATURES, 1, 0xffffffff },
		{ VHOST_USER_GET_FEATURES, 1, 0x80000000 },
		{ VHOST_USER_SET_MEM_TABLE, 1, 0x10000 },
		{ VHOST_USER_GET_FEATURES, 0, 0 },
		{ VHOST_USER_GET_FEATURES, 2, 0 },
		{ VHOST_USER_GET_FEATURES, 3, 0 },
		{ VHOST_USER_GET_FEATURES, 1 | VHOST_USER_REPLY_MASK, 0 },
		{ 0xffffffff, 1, 0 },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		struct fe *fe = begin(CONNECTED);

		fe_vu_raw(fe, &list[i], sizeof(list[i]), NULL, 0);
		fe = judge(fe, list[i].size > 4096);
		if (fe)
			g_assert_cmpuint(fe_free(fe), ==, 0);
	}
	fresh_works();
}

/* A message may come in pieces; half of one may never be finished. */
static void pieces(void)
{
	struct vhost_user_header hdr = {
		VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0,
	};
	struct fe *fe = begin(CONNECTED);
	uint64_t features = 0;
	size_t i;

	for (i = 0; i < sizeof(hdr); i++) {
		g_assert_cmpint(fe_vu_raw(fe, (uint8_t *)&hdr + i, 1, NULL, 0),
				==, 0);
		g_usleep(2000);
	}
	g_assert_cmpint(fe_vu_reply(fe, VHOST_USER_GET_FEATURES, &features, 8),
			==, 8);
	g_assert_cmpint(fe_vu_raw(fe, &hdr, 7, NULL, 0), ==, 0);
	g_usleep(20000);
	g_assert_true(WIFEXITED(fe_hangup(fe)));
	end_case(fe);
	fresh_works();
}

static void send_table(struct fe *fe, uint32_t nregions, uint64_t gpa,
		       uint64_t size, uint64_t uaddr, uint64_t offset, int fd,
		       unsigned int nfds)
{
	struct vhost_user_mem_table table = { .nregions = nregions };
	int fds[VHOST_USER_MEM_REGIONS_MAX];
	uint32_t i;

	for (i = 0; i < VHOST_USER_MEM_REGIONS_MAX; i++) {
		table.regions[i] = (struct vhost_user_mem_region){
			gpa, size, uaddr, offset,
		};
		fds[i] = fd;
	}
	fe_vu_send(fe, VHOST_USER_SET_MEM_TABLE, VHOST_USER_NEED_REPLY_MASK,
		   &table, (uint32_t)(8 + 32 * MIN(nregions, 8u)), fds, nfds);
}

static void memory_tables(void)
{
	static const struct {
		uint32_t n;
		uint64_t gpa, size, uaddr, offset;
		unsigned int nfds;
	} list[] = {
		{ 0, 0, 0, 0, 0, 0 },
		{ 9, 0, 4096, 4096, 0, 8 },
		{ 0xffffffff, 0, 4096, 4096, 0, 8 },
		{ 1, 0, 4096, 4096, 0, 0 },
		{ 1, 0, 4096, 4096, 0, 2 },
		{ 2, 0, 4096, 4096, 0, 2 },		/* overlap */
		{ 1, 0, 0, 4096, 0, 1 },
		{ 1, 0xfffffffffffff000, 0x2000, 4096, 0, 1 },
		{ 1, 0, 0x2000, 0xfffffffffffff000, 0, 1 },
		{ 1, 0, 4096, 4096, 0x7fffffff000, 1 },
		{ 1, 0, 4096, 4096, 0xfffffffffffff000, 1 },
		{ 1, 0, 4096, 4096, 123, 1 },
		{ 1, 0, 0xffffffffffffffff, 0, 0, 1 },
		{ 1, 0, 1ull << 40, 0, 0, 1 },
	};
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		int fds[3] = {
			-1, eventfd(0, EFD_CLOEXEC), open("/dev/null", O_RDWR),
		};

		for (j = 0; j < 3; j++) {
			struct fe *fe = begin(j ? REALIZED : RUNNING);

			send_table(fe, list[i].n, list[i].gpa, list[i].size,
				   list[i].uaddr, list[i].offset,
				   j ? fds[j] : fe->ram.fd, list[i].nfds);
			fe = judge(fe, false);
			if (fe)
				g_assert_cmpuint(fe_free(fe), ==, 0);
		}
		close(fds[1]);
		close(fds[2]);
	}
	fresh_works();
}

static void set_addr(struct fe *fe, unsigned int ring, uint64_t desc,
		     uint64_t avail, uint64_t used)
{
	struct vhost_user_vring_addr addr = {
		.index = ring, .desc_uaddr = desc, .avail_uaddr = avail,
		.used_uaddr = used,
	};

	fe_vu_send(fe, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL,
		   0);
}

static void ring_addresses(void)
{
	size_t i;

	for (i = 0; i < 12; i++) {
		struct fe *fe = begin(RUNNING);
		uint64_t d = fe_uaddr(fe, fe->ring[0].desc_gpa);
		uint64_t a = fe_uaddr(fe, fe->ring[0].avail_gpa);
		uint64_t u = fe_uaddr(fe, fe->ring[0].used_gpa);
		const uint64_t list[12][3] = {
			{ 0, 0, 0 }, { 0, a, u }, { d, 0, u }, { d, a, 0 },
			{ d + 1, a, u }, { d, a + 1, u }, { d, a, u + 2 },
			{ ~0ull, ~0ull, ~0ull }, { -16ull, a, u },
			{ fe_uaddr(fe, FE_LOW_END) - 16, a, u },
			{ d, fe_uaddr(fe, fe->ram.size) - 8, u },
			{ d, a, fe_uaddr(fe, fe->ram.size) - 8 },
		};
		struct vhost_user_vring_state state = { 0, 0 };

		fe_vu_send(fe, VHOST_USER_GET_VRING_BASE, 0, &state,
			   sizeof(state), NULL, 0);
		g_assert_cmpint(fe_vu_reply(fe, VHOST_USER_GET_VRING_BASE,
					    &state, sizeof(state)), >, 0);
		set_addr(fe, 0, list[i][0], list[i][1], list[i][2]);
		fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_KICK, 0,
			       fe->ring[0].kick_fd);
		fe_publish(&fe->ring[0], 0);
		fe_ring_kick_now(&fe->ring[0]);
		fe = judge(fe, false);
		if (!fe)
			continue;
		g_usleep(50000);
		g_assert_true(fe_vu_alive(fe));
		/* and a reset makes all well */
		g_assert_cmpint(fe_reboot(fe), ==, 0);
		assert_ok(fe_create_2d(fe, 1, XRGB, 8, 8));
		end_case(fe);
	}
}

/* Messages in an order that no VMM has. */
static void wrong_order(void)
{
	struct fe *fe = begin(CONNECTED);
	unsigned int i;

	fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_KICK, 0, fe->ring[0].kick_fd);
	fe_vu_vring(fe, VHOST_USER_SET_VRING_ENABLE, 0, 1);
	fe = judge(fe, false);
	if (fe) {
		for (i = 0; i < 20; i++)
			fe_vu_send(fe, VHOST_USER_RESET_DEVICE, 0, NULL, 0,
				   NULL, 0);
		fe = judge(fe, false);
	}
	if (fe)
		g_assert_cmpuint(fe_free(fe), ==, 0);
	/* twice the same start, and twice the same stop */
	fe = begin(RUNNING);
	g_assert_cmpint(fe_start(fe), ==, 0);
	assert_ok(fe_create_2d(fe, 1, XRGB, 8, 8));
	g_assert_cmpint(fe_stop(fe), ==, 0);
	g_assert_cmpint(fe_stop(fe), ==, 0);
	g_assert_cmpint(fe_start(fe), ==, 0);
	assert_ok(fe_unref(fe, 1));
	end_case(fe);
}

/* A front end that sends without reading replies must not block it. */
static void never_reads(void)
{
	struct fe *fe = begin(CONNECTED);
	int i, ret = 0;

	fe->timeout_ms = 300;
	for (i = 0; i < 100000 && !ret; i++)
		ret = fe_vu_send(fe, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL,
				 0);
	g_assert_true(WIFEXITED(fe_hangup(fe)));
	end_case(fe);
	fresh_works();
}

static int connect_again(struct fe *host)
{
	uint64_t end = fe_now_ns() + 5000000000ull;
	char path[80];
	int sock;

	g_snprintf(path, sizeof(path), "%s/s", host->dir);
	do {
		sock = fdpass_connect(path, SOCK_STREAM);
		if (sock >= 0)
			return sock;
		g_usleep(5000);
	} while (fe_now_ns() < end);
	g_assert_cmpint(sock, >=, 0);
	return sock;
}

/* One program, many front ends, every third of them hostile. */
static void many_front_ends(void)
{
	struct fe_options opts = { .no_fd = true };
	struct fe *host = fe_new(&opts), *fe;
	int i, fds = 0, maps = 0;
	long kib = 0;

	g_assert_nonnull(host);
	close(host->sock);
	host->sock = -1;
	for (i = 0; i < 120; i++) {
		if (i == 20) {
			fds = proc_count_fds(host->pid);
			maps = proc_count_maps(host->pid);
			kib = proc_private_kib(host->pid);
		}
		fe = fe_new_on(&opts, connect_again(host));
		g_assert_cmpint(fe_up(fe), ==, 0);
		assert_ok(fe_create_2d(fe, 1, XRGB, 64, 64));
		assert_ok(fe_scanout(fe, 0, 1, 0, 0, 64, 64));
		assert_ok(fe_flush(fe, 1, 0, 0, 64, 64));
		if (i % 3 == 0)
			send_junk(fe, (uint32_t)i % 45, 4096, 3);
		g_assert_cmpuint(fe_free(fe), ==, 0);
	}
	/* the last one's worker may be on its way out */
	fe = fe_new_on(&opts, connect_again(host));
	g_assert_cmpint(fe_realize(fe), ==, 0);
	g_assert_cmpuint(fe_free(fe), ==, 0);
	g_usleep(100000);
	g_assert_cmpint(proc_count_fds(host->pid), <=, fds);
	g_assert_cmpint(proc_count_maps(host->pid) - maps, <=, 3);
	g_assert_cmpint(proc_private_kib(host->pid) - kib, <,
			500 + PROC_KIB_SLACK);
	end_case(host);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/messages/matrix-connected", matrix_connected, 200);
	runner_add("/messages/matrix-running", matrix_running, 300);
	runner_add("/messages/values", u64_messages, 120);
	runner_add("/messages/headers", headers, 0);
	runner_add("/messages/pieces", pieces, 0);
	runner_add("/messages/memory-tables", memory_tables, 120);
	runner_add("/messages/ring-addresses", ring_addresses, 0);
	runner_add("/messages/wrong-order", wrong_order, 0);
	runner_add("/messages/never-reads", never_reads, 0);
	runner_add("/messages/many-front-ends", many_front_ends, 120);
	return runner_run();
}
