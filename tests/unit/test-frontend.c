// SPDX-License-Identifier: MIT
/*
 * test-frontend.c - one vhost-user connection: every request, in pieces, and
 * while rings take their time to stop
 */
#include "tests/unit/frontend_play.h"

static void test_features(void)
{
	uint64_t features, protocol;

	setup();
	features = get_u64(VHOST_USER_GET_FEATURES);
	g_assert_true((features & 3) == 3);
	g_assert_true(features & BIT(VIRTIO_F_VERSION_1_BIT));
	g_assert_true(features & BIT(VHOST_USER_F_PROTOCOL_FEATURES_BIT));
	g_assert_true(features & BIT(VIRTIO_RING_F_EVENT_IDX_BIT));
	g_assert_true(features & BIT(VIRTIO_RING_F_INDIRECT_DESC_BIT));
	protocol = get_u64(VHOST_USER_GET_PROTOCOL_FEATURES);
	g_assert_cmphex(protocol, ==, 0x12629);
	g_assert_cmpuint(get_u64(VHOST_USER_GET_QUEUE_NUM), ==, 2);
	g_assert_cmpuint(get_u64(VHOST_USER_GET_MAX_MEM_SLOTS), ==,
			 MEMORY_MAX_REGIONS);
	/* bits that were never offered */
	set_u64(VHOST_USER_SET_FEATURES, UINT64_MAX);
	g_assert_cmphex(frontend_features(fe), ==, UINT64_MAX);
	g_assert_cmpuint(told.features, ==, 1);
	/* not asked for, not sent */
	set_u64(VHOST_USER_SET_PROTOCOL_FEATURES, 0);
	send_n(VHOST_USER_SET_OWNER, VERSION | NEED_REPLY, NULL, 0, 0);
	g_assert_cmpint(reply(VHOST_USER_SET_OWNER, NULL, 0), ==, -1);
	set_u64(VHOST_USER_SET_PROTOCOL_FEATURES, protocol);
	g_assert_cmpuint(acked(VHOST_USER_SET_OWNER, NULL, 0, 0), ==, 0);
	g_assert_cmpuint(acked(VHOST_USER_RESET_OWNER, NULL, 0, 0), ==, 0);
	g_assert_cmpuint(acked(VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, 1), ==,
			 0);
	g_assert_cmpuint(acked(VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, 1), ==,
			 0);
	teardown();
}

static void test_ring(void)
{
	setup();
	negotiate();
	start_ring(0, 7);
	g_assert_cmpuint(told.starts[0], ==, 1);
	g_assert_cmpuint(frontend_ring(fe, 0)->base, ==, 7);
	/* already active */
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 0, 1), ==, 0);
	g_assert_cmpuint(told.starts[0], ==, 1);
	told.base = 9;
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 0, 0), ==, 0);
	g_assert_cmpuint(told.stops[0], ==, 1);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 0, 1), ==, 0);
	g_assert_cmpuint(told.starts[0], ==, 2);
	told.base = 11;
	g_assert_cmpuint(get_base(0), ==, 11);
	g_assert_cmpuint(told.stops[0], ==, 2);
	/* stopped: says it again, and enabling does not start it */
	g_assert_cmpuint(get_base(0), ==, 11);
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 0, 1), ==, 0);
	g_assert_cmpuint(told.starts[0], ==, 2);
	g_assert_cmpint(frontend_ring(fe, 0)->kick_fd, ==, -1);
	/* QEMU enables a cursor queue that the guest never set up */
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 1, 1), ==, 0);
	g_assert_cmpuint(told.starts[1], ==, 0);
	g_assert_cmpuint(get_base(1), ==, 0);
	teardown();
}

/* Changing an active ring stops it and starts it again. */
static void test_ring_change(void)
{
	uint64_t index = 1;

	setup();
	negotiate();
	start_ring(1, 0);
	told.base = 5;
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_NUM, 1, 512), ==, 0);
	g_assert_cmpuint(told.stops[1], ==, 1);
	g_assert_cmpuint(told.starts[1], ==, 2);
	g_assert_cmpuint(frontend_ring(fe, 1)->base, ==, 5);
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_KICK, &index, 8, 1), ==, 0);
	g_assert_cmpuint(told.starts[1], ==, 3);
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_CALL, &index, 8, 1), ==, 0);
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_ERR, &index, 8, 1), ==, 0);
	g_assert_cmpuint(told.calls[1], ==, 1);
	index |= VHOST_USER_VRING_NOFD_MASK;
	g_assert_cmpuint(acked(VHOST_USER_SET_VRING_CALL, &index, 8, 0), ==, 0);
	g_assert_cmpint(frontend_ring(fe, 1)->call_fd, ==, -1);
	g_assert_cmpuint(told.calls[1], ==, 2);
	teardown();
}

/* Without PROTOCOL_FEATURES a kick descriptor is all that a ring needs. */
static void test_ring_old(void)
{
	struct vhost_user_vring_state num = { 0, 256 };
	struct vhost_user_vring_addr addr = { .index = 0 };
	uint64_t kick = 0;

	setup();
	set_u64(VHOST_USER_SET_FEATURES, BIT(32));
	send_n(VHOST_USER_SET_VRING_NUM, VERSION, &num, sizeof(num), 0);
	send_n(VHOST_USER_SET_VRING_ADDR, VERSION, &addr, sizeof(addr), 0);
	send_n(VHOST_USER_SET_VRING_KICK, VERSION, &kick, 8, 1);
	settle();
	g_assert_cmpuint(told.starts[0], ==, 1);
	teardown();
}

static void test_reset(void)
{
	uint64_t zero = 0, ok = 8;

	setup();
	negotiate();
	start_ring(0, 3);
	start_ring(1, 3);
	g_assert_cmpuint(acked(VHOST_USER_RESET_DEVICE, NULL, 0, 0), ==, 0);
	g_assert_cmpuint(told.resets, ==, 1);
	g_assert_cmpuint(get_base(0), ==, 0);
	g_assert_cmpuint(told.stops[0], ==, 0);
	start_ring(0, 0);
	g_assert_cmpuint(told.starts[0], ==, 2);
	g_assert_cmpuint(acked(VHOST_USER_SET_STATUS, &ok, 8, 0), ==, 0);
	g_assert_cmpuint(get_u64(VHOST_USER_GET_STATUS), ==, 8);
	g_assert_cmpuint(told.resets, ==, 1);
	g_assert_cmpuint(acked(VHOST_USER_SET_STATUS, &zero, 8, 0), ==, 0);
	g_assert_cmpuint(told.resets, ==, 2);
	g_assert_cmpuint(get_u64(VHOST_USER_GET_STATUS), ==, 0);
	teardown();
}

static int config(uint32_t request, uint32_t offset, uint32_t size,
		  uint32_t payload, struct vhost_user_config *got)
{
	struct vhost_user_config msg = { .offset = offset, .size = size };

	memset(got, 0, sizeof(*got));
	send_n(request, VERSION, &msg, payload, 0);
	return reply(request, got, sizeof(*got));
}

static void test_config(void)
{
	struct vhost_user_config got;
	uint32_t i;

	setup();
	for (i = 0; i <= 16; i++) {
		g_assert_cmpint(config(VHOST_USER_GET_CONFIG, 0, i, 12 + i,
				       &got), ==, (int)(12 + i));
		g_assert_cmpint(config(VHOST_USER_GET_CONFIG, i, 16 - i,
				       28 - i, &got), ==, (int)(28 - i));
		g_assert_cmpuint(got.offset, ==, i);
		g_assert_cmpuint(got.data[0], ==, i < 16 ? 0x42 : 0);
	}
	/* outside: an empty reply, and the connection lives */
	g_assert_cmpint(config(VHOST_USER_GET_CONFIG, 0, 17, 29, &got), ==, 0);
	g_assert_cmpint(config(VHOST_USER_GET_CONFIG, 17, 0, 12, &got), ==, 0);
	g_assert_cmpint(config(VHOST_USER_GET_CONFIG, UINT32_MAX, 16, 28,
			       &got), ==, 0);
	g_assert_cmpint(config(VHOST_USER_GET_CONFIG, 0, 256, 268, &got), ==,
			0);
	g_assert_nonnull(fe);
	/* size and payload disagree */
	g_assert_cmpint(config(VHOST_USER_GET_CONFIG, 0, 16, 27, &got), ==, -1);
	g_assert_null(fe);
	close(sock);
	open_fe();
	g_assert_cmpint(config(VHOST_USER_GET_CONFIG, 0, UINT32_MAX, 28, &got),
			==, -1);
	g_assert_null(fe);
	close(sock);
	open_fe();
	negotiate();
	got = (struct vhost_user_config){ .offset = 4, .size = 4 };
	g_assert_cmpuint(acked(VHOST_USER_SET_CONFIG, &got, 16, 0), ==, 0);
	got.offset = 14;
	g_assert_cmpuint(acked(VHOST_USER_SET_CONFIG, &got, 16, 0), ==, 1);
	got.size = 257;
	g_assert_cmpuint(acked(VHOST_USER_SET_CONFIG, &got, 16, 0), ==, 1);
	teardown();
}

static uint64_t set_table(const struct vhost_user_mem_table *t, size_t n,
			  size_t nfds)
{
	return acked(VHOST_USER_SET_MEM_TABLE, t, (uint32_t)(8 + n * 32),
		     nfds);
}

static void test_memory(void)
{
	struct vhost_user_mem_table t;
	struct vhost_user_mem_reg reg = { .padding = 0 };
	size_t n;

	setup();
	negotiate();
	for (n = 0; n <= 8; n++) {
		t = table(n);
		g_assert_cmpuint(set_table(&t, n, n), ==, 0);
		g_assert_cmpuint(frontend_memory(fe)->n, ==, n);
	}
	g_assert_cmpuint(told.mems, ==, 9);
	/* unused entries may be sent */
	t = table(2);
	g_assert_cmpuint(set_table(&t, 8, 2), ==, 0);
	/* one by one, as far as there is room */
	for (n = 2; n < MEMORY_MAX_REGIONS; n++) {
		reg.region.gpa = n << 20;
		reg.region.uaddr = n << 20;
		reg.region.size = 4096;
		g_assert_cmpuint(acked(VHOST_USER_ADD_MEM_REG, &reg,
				       sizeof(reg), 1), ==, 0);
	}
	reg.region.gpa = n << 20;
	reg.region.uaddr = n << 20;
	g_assert_cmpuint(acked(VHOST_USER_ADD_MEM_REG, &reg, sizeof(reg), 1),
			 ==, 1);
	g_assert_cmpuint(acked(VHOST_USER_REM_MEM_REG, &reg, sizeof(reg), 0),
			 ==, 1);
	for (n = 2; n < MEMORY_MAX_REGIONS; n++) {
		reg.region.gpa = n << 20;
		reg.region.uaddr = n << 20;
		g_assert_cmpuint(acked(VHOST_USER_REM_MEM_REG, &reg,
				       sizeof(reg), n & 1), ==, 0);
	}
	g_assert_cmpuint(frontend_memory(fe)->n, ==, 2);
	teardown();
}

static void bad_region(uint64_t gpa, uint64_t size, uint64_t uaddr,
		       uint64_t offset)
{
	struct vhost_user_mem_table t = table(3);

	t.regions[1] = (struct vhost_user_mem_region){
		.gpa = gpa, .size = size, .uaddr = uaddr,
		.mmap_offset = offset,
	};
	g_assert_cmpuint(set_table(&t, 3, 3), ==, 1);
}

/* Refused, and the old table stays. */
static void test_memory_bad(void)
{
	struct vhost_user_mem_table t = table(2);

	setup();
	negotiate();
	g_assert_cmpuint(set_table(&t, 2, 2), ==, 0);
	bad_region(1 << 20, 0, 1 << 20, 0);
	bad_region(UINT64_MAX - 4095, 8192, 1 << 20, 0);
	bad_region(1 << 20, 8192, UINT64_MAX - 4095, 0);
	bad_region(1 << 20, 8192, 1 << 20, UINT64_MAX - 4095);
	bad_region(1 << 20, 8192, 1 << 20, INT64_MAX);
	bad_region(1 << 20, UINT64_MAX, 1 << 20, 0);
	/* beyond the file's 1 MiB */
	bad_region(1 << 20, (1 << 20) + 1, 1 << 20, 0);
	bad_region(1 << 20, 4096, 1 << 20, 1 << 20);
	/* over its neighbours */
	bad_region(65535, 4096, 1 << 20, 0);
	bad_region((2 << 20) - 1, 4096, 1 << 20, 0);
	bad_region(1 << 20, 4096, 0x7f0000000000 + 65535, 0);
	g_assert_cmpuint(set_table(&t, 2, 1), ==, 1);
	g_assert_cmpuint(set_table(&t, 2, 3), ==, 1);
	g_assert_cmpuint(set_table(&t, 1, 2), ==, 1);
	t.nregions = 9;
	g_assert_cmpuint(set_table(&t, 8, 8), ==, 1);
	t.nregions = UINT32_MAX;
	g_assert_cmpuint(set_table(&t, 2, 2), ==, 1);
	g_assert_cmpuint(frontend_memory(fe)->n, ==, 2);
	g_assert_cmpuint(told.mems, ==, 1);
	teardown();
}

static void test_gpu_socket(void)
{
	int i;

	setup();
	negotiate();
	for (i = 1; i <= 10; i++) {
		g_assert_cmpuint(acked(VHOST_USER_GPU_SET_SOCKET, NULL, 0, 1),
				 ==, 0);
		g_assert_cmpuint(told.sockets, ==, i);
	}
	teardown();
}

/* ---- pieces ---- */

static void test_pieces(void)
{
	struct vhost_user_mem_table t = table(8);
	struct vhost_user_header header = {
		VHOST_USER_SET_MEM_TABLE, VERSION | NEED_REPLY, sizeof(t)
	};
	uint8_t buf[sizeof(header) + sizeof(t)];
	uint64_t ack = 9;
	int fds[8];
	size_t i;

	setup();
	negotiate();
	memcpy(buf, &header, sizeof(header));
	memcpy(buf + sizeof(header), &t, sizeof(t));
	for (i = 0; i < 8; i++)
		fds[i] = peer_fd;
	for (i = 0; i < sizeof(buf); i++) {
		g_assert_cmpint(fdpass_send(sock, buf + i, 1, fds, i ? 0 : 8),
				==, 1);
		event_loop_iterate(loop, 0);
	}
	g_assert_cmpint(reply(VHOST_USER_SET_MEM_TABLE, &ack, 8), ==, 8);
	g_assert_cmpuint(ack, ==, 0);
	g_assert_cmpuint(frontend_memory(fe)->n, ==, 8);
	/* many at once */
	for (i = 0; i < 100; i++)
		send_n(VHOST_USER_GET_QUEUE_NUM, VERSION, NULL, 0, 0);
	for (i = 0; i < 100; i++)
		g_assert_cmpint(reply(VHOST_USER_GET_QUEUE_NUM, &ack, 8), ==,
				8);
	teardown();
}

static void test_pieces_bad(void)
{
	struct vhost_user_header header = {
		VHOST_USER_SET_FEATURES, VERSION, 8
	};
	size_t cut;

	/* cut off anywhere */
	setup();
	for (cut = 1; cut < sizeof(header) + 8; cut++) {
		uint8_t buf[20] = { 0 };

		memcpy(buf, &header, sizeof(header));
		g_assert_cmpint(fdpass_send(sock, buf, cut, &peer_fd, 1), ==,
				cut);
		settle();
		g_assert_nonnull(fe);
		shutdown(sock, SHUT_WR);
		settle();
		g_assert_null(fe);
		close(sock);
		open_fe();
	}
	/* a descriptor in the middle */
	g_assert_cmpint(fdpass_send(sock, &header, sizeof(header), NULL, 0),
			==, sizeof(header));
	settle();
	g_assert_cmpint(fdpass_send(sock, zeros, 8, &peer_fd, 1), ==, 8);
	settle();
	g_assert_null(fe);
	close(sock);
	open_fe();
	teardown();
}

/* A front end that asks and never reads must not stop anything. */
static void test_no_reader(void)
{
	struct vhost_user_header get = { VHOST_USER_GET_CONFIG, VERSION, 268 };
	uint8_t buf[sizeof(get) + 268] = { 0 };
	struct vhost_user_config config = { .size = 256 };
	uint64_t got[64];
	unsigned int sent = 0;
	int small = 1, i;

	setup();
	setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	memcpy(buf, &get, sizeof(get));
	memcpy(buf + sizeof(get), &config, 12);
	for (i = 0; i < 100000; i++) {
		if (fdpass_send(sock, buf, sizeof(buf), NULL, 0) !=
		    sizeof(buf))
			break;
		sent++;
		event_loop_iterate(loop, 0);
	}
	g_assert_cmpint(i, <, 100000);
	/* now it reads: not a byte is missing, of empty replies */
	for (i = 0; i < 2000 && fe; i++) {
		fdpass_recv(sock, got, sizeof(got), NULL, NULL);
		event_loop_iterate(loop, 0);
	}
	g_assert_nonnull(fe);
	g_assert_cmpuint(sent, >, 100);
	teardown();
}

/* ---- requests that wait ---- */

static void test_wait_stop(void)
{
	struct vhost_user_vring_state state = { .index = 0 };

	setup();
	negotiate();
	start_ring(0, 0);
	told.slow_stop = true;
	send_n(VHOST_USER_GET_VRING_BASE, VERSION, &state, sizeof(state), 0);
	send_n(VHOST_USER_GET_QUEUE_NUM, VERSION, NULL, 0, 0);
	g_assert_cmpint(reply(0, NULL, 0), ==, -1);
	frontend_resume(fe);	/* something else happened */
	g_assert_cmpint(reply(0, NULL, 0), ==, -1);
	told.slow_stop = false;
	told.base = 77;
	frontend_resume(fe);
	g_assert_cmpint(reply(VHOST_USER_GET_VRING_BASE, &state, 8), ==, 8);
	g_assert_cmpuint(state.num, ==, 77);
	g_assert_cmpint(reply(VHOST_USER_GET_QUEUE_NUM, &state, 8), ==, 8);
	/* nothing waits: nothing happens */
	frontend_resume(fe);
	g_assert_cmpint(reply(0, NULL, 0), ==, -1);
	teardown();
}

static void test_wait_start(void)
{
	struct vhost_user_vring_state enable = { 0, 1 };
	uint64_t ack = 9;

	setup();
	negotiate();
	start_ring(0, 0);
	told.base = 4;
	g_assert_cmpuint(vring(VHOST_USER_SET_VRING_ENABLE, 0, 0), ==, 0);
	told.slow_start = true;
	send_n(VHOST_USER_SET_VRING_ENABLE, VERSION | NEED_REPLY, &enable,
	       sizeof(enable), 0);
	g_assert_cmpint(reply(0, NULL, 0), ==, -1);
	told.slow_start = false;
	frontend_resume(fe);
	g_assert_cmpint(reply(VHOST_USER_SET_VRING_ENABLE, &ack, 8), ==, 8);
	g_assert_cmpuint(ack, ==, 0);
	g_assert_cmpuint(told.starts[0], ==, 2);
	told.slow_reset = true;
	send_n(VHOST_USER_RESET_DEVICE, VERSION | NEED_REPLY, NULL, 0, 0);
	g_assert_cmpint(reply(0, NULL, 0), ==, -1);
	told.slow_reset = false;
	frontend_resume(fe);
	g_assert_cmpint(reply(VHOST_USER_RESET_DEVICE, &ack, 8), ==, 8);
	teardown();
}

static void test_wait_hangup(void)
{
	struct vhost_user_vring_state state = { .index = 0 };

	setup();
	negotiate();
	start_ring(0, 0);
	told.slow_stop = true;
	send_n(VHOST_USER_GET_VRING_BASE, VERSION, &state, sizeof(state), 0);
	settle();
	close(sock);
	settle();
	g_assert_null(fe);
	g_assert_cmpuint(told.closed, ==, 1);
	open_fe();
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/frontend/features", test_features, 0);
	runner_add("/frontend/ring/life", test_ring, 0);
	runner_add("/frontend/ring/change", test_ring_change, 0);
	runner_add("/frontend/ring/old", test_ring_old, 0);
	runner_add("/frontend/reset", test_reset, 0);
	runner_add("/frontend/config", test_config, 0);
	runner_add("/frontend/memory/good", test_memory, 0);
	runner_add("/frontend/memory/bad", test_memory_bad, 0);
	runner_add("/frontend/gpu-socket", test_gpu_socket, 0);
	runner_add("/frontend/pieces/good", test_pieces, 0);
	runner_add("/frontend/pieces/bad", test_pieces_bad, 0);
	runner_add("/frontend/no-reader", test_no_reader, 0);
	runner_add("/frontend/wait/stop", test_wait_stop, 0);
	runner_add("/frontend/wait/start", test_wait_start, 0);
	runner_add("/frontend/wait/hangup", test_wait_hangup, 0);
	return runner_run();
}
