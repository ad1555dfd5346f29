// SPDX-License-Identifier: MIT
/*
 * test-frontend-malformed.c - one vhost-user connection: wrong sizes,
 * descriptors, headers, ring indices and contents, requests that nobody knows
 */
#include "tests/unit/frontend_play.h"

struct row {
	uint32_t request, min, max, min_fds, max_fds;
};

static const struct row table_rows[] = {
	{ VHOST_USER_GET_FEATURES, 0, 0, 0, 0 },
	{ VHOST_USER_SET_FEATURES, 8, 8, 0, 0 },
	{ VHOST_USER_SET_OWNER, 0, 0, 0, 0 },
	{ VHOST_USER_RESET_OWNER, 0, 0, 0, 0 },
	{ VHOST_USER_SET_MEM_TABLE, 8, 264, 0, 8 },
	{ VHOST_USER_SET_VRING_NUM, 8, 8, 0, 0 },
	{ VHOST_USER_SET_VRING_ADDR, 40, 40, 0, 0 },
	{ VHOST_USER_SET_VRING_BASE, 8, 8, 0, 0 },
	{ VHOST_USER_GET_VRING_BASE, 8, 8, 0, 0 },
	{ VHOST_USER_SET_VRING_KICK, 8, 8, 1, 1 },
	{ VHOST_USER_SET_VRING_CALL, 8, 8, 1, 1 },
	{ VHOST_USER_SET_VRING_ERR, 8, 8, 1, 1 },
	{ VHOST_USER_GET_PROTOCOL_FEATURES, 0, 0, 0, 0 },
	{ VHOST_USER_SET_PROTOCOL_FEATURES, 8, 8, 0, 0 },
	{ VHOST_USER_GET_QUEUE_NUM, 0, 0, 0, 0 },
	{ VHOST_USER_SET_VRING_ENABLE, 8, 8, 0, 0 },
	{ VHOST_USER_SET_BACKEND_REQ_FD, 0, 0, 1, 1 },
	{ VHOST_USER_GET_CONFIG, 12, 268, 0, 0 },
	{ VHOST_USER_SET_CONFIG, 12, 268, 0, 0 },
	{ VHOST_USER_GPU_SET_SOCKET, 0, 8, 1, 1 },
	{ VHOST_USER_RESET_DEVICE, 0, 0, 0, 0 },
	{ VHOST_USER_GET_MAX_MEM_SLOTS, 0, 0, 0, 0 },
	{ VHOST_USER_ADD_MEM_REG, 40, 40, 1, 1 },
	{ VHOST_USER_REM_MEM_REG, 40, 40, 0, 1 },
	{ VHOST_USER_SET_STATUS, 8, 8, 0, 0 },
	{ VHOST_USER_GET_STATUS, 0, 0, 0, 0 },
};

static void closes(uint32_t request, uint32_t flags, const void *payload,
		   uint32_t size, size_t nfds)
{
	send_n(request, flags, payload, size, nfds);
	settle();
	g_assert_null(fe);
	g_assert_cmpuint(told.closed, ==, 1);
	close(sock);
	open_fe();
}

static void test_malformed_size(void)
{
	size_t i;

	setup();
	for (i = 0; i < G_N_ELEMENTS(table_rows); i++) {
		const struct row *r = &table_rows[i];

		closes(r->request, VERSION, zeros, r->max + 1, r->min_fds);
		closes(r->request, VERSION, zeros, r->max + 8, r->min_fds);
		closes(r->request, VERSION, zeros, MESSAGE_MAX_SIZE + 1,
		       r->min_fds);
		if (r->min)
			closes(r->request, VERSION, zeros, r->min - 1,
			       r->min_fds);
		if (r->min)
			closes(r->request, VERSION, NULL, 0, r->min_fds);
	}
	teardown();
}

static void test_malformed_fds(void)
{
	size_t i;

	setup();
	for (i = 0; i < G_N_ELEMENTS(table_rows); i++) {
		const struct row *r = &table_rows[i];

		if (r->min_fds)
			closes(r->request, VERSION, zeros, r->min,
			       r->min_fds - 1);
		closes(r->request, VERSION, zeros, r->min, r->max_fds + 1);
		closes(r->request, VERSION, zeros, r->min, 9);
	}
	teardown();
}

static void test_malformed_header(void)
{
	size_t i;

	setup();
	for (i = 0; i < G_N_ELEMENTS(table_rows); i++) {
		const struct row *r = &table_rows[i];

		closes(r->request, 0, zeros, r->min, r->min_fds);
		closes(r->request, 2, zeros, r->min, r->min_fds);
		closes(r->request, VERSION | VHOST_USER_REPLY_MASK, zeros,
		       r->min, r->min_fds);
	}
	teardown();
}

static void test_malformed_index(void)
{
	static const uint32_t state[] = {
		VHOST_USER_SET_VRING_NUM, VHOST_USER_SET_VRING_BASE,
		VHOST_USER_GET_VRING_BASE, VHOST_USER_SET_VRING_ENABLE,
	};
	static const uint32_t fds[] = {
		VHOST_USER_SET_VRING_KICK, VHOST_USER_SET_VRING_CALL,
		VHOST_USER_SET_VRING_ERR,
	};
	static const uint32_t indices[] = { 2, 255, 256, 0x80000000,
					    UINT32_MAX };
	struct vhost_user_vring_state s = { .num = 1 };
	struct vhost_user_vring_addr addr = { .index = 2 };
	uint64_t u;
	size_t i, j;

	setup();
	for (j = 0; j < G_N_ELEMENTS(indices); j++) {
		s.index = indices[j];
		for (i = 0; i < G_N_ELEMENTS(state); i++)
			closes(state[i], VERSION, &s, sizeof(s), 0);
		addr.index = indices[j];
		closes(VHOST_USER_SET_VRING_ADDR, VERSION, &addr, sizeof(addr),
		       0);
	}
	for (i = 0; i < G_N_ELEMENTS(fds); i++) {
		u = 2;
		closes(fds[i], VERSION, &u, 8, 1);
		u = 255;
		closes(fds[i], VERSION, &u, 8, 1);
		/* flag and descriptor disagree */
		u = VHOST_USER_VRING_NOFD_MASK;
		closes(fds[i], VERSION, &u, 8, 1);
		u = 0;
		closes(fds[i], VERSION, &u, 8, 0);
	}
	teardown();
}

/* Well-formed nonsense: refused if an answer is wanted, else the end. */
static void test_refused(void)
{
	uint64_t nofd = VHOST_USER_VRING_NOFD_MASK, status = 256;
	struct vhost_user_vring_state s = { 0, 3 };

	setup();
	negotiate();
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, 0, 0), ==, 1);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, 0, 100), ==, 1);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, 0, 65536), ==, 1);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, 0, 32768), ==, 0);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, 0, 1), ==, 0);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_BASE, 0, 65536), ==, 1);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 0, 2), ==, 1);
	g_assert_cmpuint(acked(VHOST_USER_SET_STATUS, &status, 8, 0), ==, 1);
	/* polling mode */
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_KICK, &nofd, 8, 0), ==, 1);
	closes(VHOST_USER_SET_VRING_NUM, VERSION, &s, sizeof(s), 0);
	teardown();
}

/* Requests of other devices, or of the future: told so, and no more. */
static void test_unknown(void)
{
	static const uint32_t requests[] = { 0, 6, 7, 19, 20, 22, 23, 31, 32,
					     35, 41, 42, 43, 44, 45, 1000,
					     UINT32_MAX };
	size_t i;

	setup();
	negotiate();
	for (i = 0; i < G_N_ELEMENTS(requests); i++) {
		g_assert_cmpuint(acked(requests[i], zeros, 8, 1), ==, 1);
		send_n(requests[i], VERSION, zeros, 0, 8);
	}
	g_assert_cmpuint(get_u64(VHOST_USER_GET_QUEUE_NUM), ==, 2);
	teardown();
}

/* ---- anything ---- */

static void test_random(void)
{
	int round;

	setup();
	for (round = 0; round < 5000; round++) {
		uint8_t payload[300];
		uint32_t request = (uint32_t)g_test_rand_int_range(0, 46);
		uint32_t size = (uint32_t)g_test_rand_int_range(0, 300);
		size_t i;

		for (i = 0; i < sizeof(payload); i++)
			payload[i] = g_test_rand_bit() ? 0 :
				     (uint8_t)g_test_rand_int();
		for (i = 0; i < G_N_ELEMENTS(table_rows); i++) {
			if (table_rows[i].request == request &&
			    g_test_rand_int_range(0, 4))
				size = table_rows[i].min;
		}
		told.slow_stop = !g_test_rand_int_range(0, 8);
		send_n(request, VERSION | (g_test_rand_bit() ? NEED_REPLY : 0),
		       payload, size, (size_t)g_test_rand_int_range(0, 3));
		settle();
		told.slow_stop = false;
		if (fe)
			frontend_resume(fe);
		while (fdpass_recv(sock, payload, sizeof(payload), NULL,
				   NULL) > 0)
			;
		if (!fe) {
			close(sock);
			open_fe();
			negotiate();
		}
	}
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/frontend/malformed/size", test_malformed_size, 0);
	runner_add("/frontend/malformed/descriptors", test_malformed_fds, 0);
	runner_add("/frontend/malformed/header", test_malformed_header, 0);
	runner_add("/frontend/malformed/index", test_malformed_index, 0);
	runner_add("/frontend/refused", test_refused, 0);
	runner_add("/frontend/unknown", test_unknown, 0);
	runner_add("/frontend/random", test_random, 0);
	return runner_run();
}
