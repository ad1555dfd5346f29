// SPDX-License-Identifier: MIT
/*
 * test-ipc.c - the gate between endpoint, worker and vgpud: every type, good
 * and malformed, and the queue for a peer that does not read
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "ipc/ipc.h"
#include "ipc/queue.h"
#include "tests/lib/runner.h"

/* A valid message of each type. */
struct example {
	uint32_t type;
	enum ipc_sender from;
	size_t size;
	size_t nfds;
	void (*fill)(struct ipc_msg *msg);
};

static void fill_setup(struct ipc_msg *msg)
{
	msg->setup.version = VGPU_IPC_VERSION;
	msg->setup.num_scanouts = 1;
	strcpy(msg->setup.vm, "vm1");
}

static void fill_setup_sched(struct ipc_msg *msg)
{
	fill_setup(msg);
	msg->setup.flags = VGPU_SETUP_SCHED;
}

static void fill_mem(struct ipc_msg *msg)
{
	msg->mem_table.nregions = 3;
}

static void fill_vring(struct ipc_msg *msg)
{
	msg->vring.index = 1;
	msg->vring.num = 256;
	msg->vring.base = 65535;
}

static void fill_index(struct ipc_msg *msg)
{
	msg->vring_index.index = 1;
}

static void fill_scanout(struct ipc_msg *msg)
{
	msg->scanout.scanout_id = 15;
	msg->scanout.width = 640;
	msg->scanout.height = 480;
}

static void fill_dmabuf(struct ipc_msg *msg)
{
	msg->dmabuf_scanout.base.width = 640;
}

static void fill_edid(struct ipc_msg *msg)
{
	msg->edid.size = VIRTIO_GPU_EDID_MAX;
}

static void fill_attach(struct ipc_msg *msg)
{
	msg->attach.setup.num_scanouts = 16;
}

#define W IPC_FROM_ENDPOINT
#define E IPC_FROM_WORKER
#define B IPC_FROM_ENDPOINT_TO_BROKER
#define D IPC_FROM_BROKER

static const struct example examples[] = {
	{ VGPU_IPC_SETUP, W, sizeof(struct vgpu_ipc_setup), 2, fill_setup },
	{ VGPU_IPC_SETUP, W, sizeof(struct vgpu_ipc_setup), 6,
	  fill_setup_sched },
	{ VGPU_IPC_FEATURES, W, 8, 0, NULL },
	{ VGPU_IPC_MEM_TABLE, W, sizeof(struct vgpu_ipc_mem_table), 0, NULL },
	{ VGPU_IPC_MEM_TABLE, W, sizeof(struct vgpu_ipc_mem_table), 3,
	  fill_mem },
	{ VGPU_IPC_VRING_START, W, sizeof(struct vgpu_ipc_vring), 2,
	  fill_vring },
	{ VGPU_IPC_VRING_CALL, W, 4, 1, fill_index },
	{ VGPU_IPC_VRING_STOP, W, 4, 0, fill_index },
	{ VGPU_IPC_DISPLAY_INFO, W, sizeof(struct vgpu_ipc_display_info), 0,
	  NULL },
	{ VGPU_IPC_EDID, W, sizeof(struct vgpu_ipc_edid), 0, fill_edid },
	{ VGPU_IPC_DMABUF_PRESENTED, W, 4, 0, NULL },
	{ VGPU_IPC_SCHED_DETACH, W, 0, 0, NULL },
	{ VGPU_IPC_SCHED_ATTACH, W, 0, 4, NULL },
	{ VGPU_IPC_READY, E, 0, 0, NULL },
	{ VGPU_IPC_VRING_STOPPED, E, 8, 0, fill_index },
	{ VGPU_IPC_SCANOUT, E, 12, 1, fill_scanout },
	{ VGPU_IPC_SCANOUT, E, 12, 0, NULL },
	{ VGPU_IPC_UPDATE, E, 20, 0, NULL },
	{ VGPU_IPC_DMABUF_SCANOUT, E, 48, 1, fill_dmabuf },
	{ VGPU_IPC_DMABUF_SCANOUT, E, 48, 0, NULL },
	{ VGPU_IPC_DMABUF_UPDATE, E, 20, 0, NULL },
	{ VGPU_IPC_CURSOR_UPDATE, E, 16404, 0, NULL },
	{ VGPU_IPC_CURSOR_MOVE, E, 16, 0, NULL },
	{ VGPU_IPC_GET_DISPLAY_INFO, E, 4, 0, NULL },
	{ VGPU_IPC_GET_EDID, E, 8, 0, NULL },
	{ VGPU_IPC_VRING_BROKEN, E, 4, 0, fill_index },
	{ VGPU_BROKER_HELLO, B, sizeof(struct vgpu_broker_hello), 0, NULL },
	{ VGPU_BROKER_WORKER_STARTED, B, 16, 1, NULL },
	{ VGPU_BROKER_WORKER_EXITED, B, 16, 0, NULL },
	{ VGPU_BROKER_STATE, B, 8, 0, NULL },
	{ VGPU_BROKER_ATTACH, D, sizeof(struct vgpu_broker_attach), 5,
	  fill_attach },
	{ VGPU_BROKER_KILL_WORKER, D, sizeof(struct vgpu_broker_kill), 0,
	  NULL },
};

static struct ipc_msg in, out;
static int socks[2];
static int fds[VGPU_IPC_MAX_FDS];

static void open_all(void)
{
	size_t i;

	g_assert_cmpint(ipc_pair(socks), ==, 0);
	for (i = 0; i < VGPU_IPC_MAX_FDS; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void close_all(void)
{
	fdpass_close(socks, 2);
	fdpass_close(fds, VGPU_IPC_MAX_FDS);
}

static void prepare(const struct example *e)
{
	memset(&out, 0, sizeof(out));
	if (e->fill)
		e->fill(&out);
}

static int recv_as(enum ipc_sender from)
{
	memset(&in, 0xa5, sizeof(in));
	return ipc_recv(socks[1], from, &in);
}

/* Past ipc_send(), which would refuse it. */
static void send_raw(uint32_t type, size_t claimed, size_t size, size_t nfds)
{
	uint8_t buf[sizeof(struct vgpu_ipc_header) + VGPU_IPC_MAX_SIZE];
	struct vgpu_ipc_header header = { type, (uint32_t)claimed };

	memcpy(buf, &header, sizeof(header));
	memcpy(buf + sizeof(header), out.data, size);
	g_assert_cmpint(fdpass_send(socks[0], buf, sizeof(header) + size, fds,
				    nfds), ==, sizeof(header) + size);
}

static void refused(enum ipc_sender from)
{
	g_assert_cmpint(recv_as(from), ==, -EPROTO);
	g_assert_cmpuint(in.nfds, ==, 0);
}

static void test_good(void)
{
	size_t i, j;

	open_all();
	for (i = 0; i < G_N_ELEMENTS(examples); i++) {
		const struct example *e = &examples[i];

		prepare(e);
		g_assert_cmpint(ipc_send(socks[0], e->type, out.data, e->size,
					 fds, e->nfds), ==, 0);
		g_assert_cmpint(recv_as(e->from), ==, 1);
		g_assert_cmpuint(in.type, ==, e->type);
		g_assert_cmpmem(in.data, in.size, out.data, e->size);
		g_assert_cmpuint(in.nfds, ==, e->nfds);
		for (j = 0; j < in.nfds; j++)
			g_assert_cmpint(fcntl(in.fds[j], F_GETFD), ==,
					FD_CLOEXEC);
		ipc_msg_close(&in);
	}
	g_assert_cmpint(recv_as(W), ==, -EAGAIN);
	close_all();
}

static void test_wrong_sender(void)
{
	size_t i;
	int from;

	open_all();
	for (i = 0; i < G_N_ELEMENTS(examples); i++) {
		const struct example *e = &examples[i];

		for (from = W; from <= D; from++) {
			if (from == (int)e->from)
				continue;
			prepare(e);
			send_raw(e->type, e->size, e->size, e->nfds);
			refused((enum ipc_sender)from);
		}
	}
	close_all();
}

static void test_wrong_size(void)
{
	size_t i;

	open_all();
	for (i = 0; i < G_N_ELEMENTS(examples); i++) {
		const struct example *e = &examples[i];

		prepare(e);
		send_raw(e->type, e->size + 1, e->size + 1, e->nfds);
		refused(e->from);
		/* header and datagram disagree */
		send_raw(e->type, e->size + 1, e->size, e->nfds);
		refused(e->from);
		send_raw(e->type, e->size, e->size + 1, e->nfds);
		refused(e->from);
		send_raw(e->type, UINT32_MAX, e->size, e->nfds);
		refused(e->from);
		g_assert_cmpint(ipc_send(socks[0], e->type, out.data,
					 e->size + 1, fds, e->nfds), ==,
				-EINVAL);
		if (!e->size)
			continue;
		send_raw(e->type, e->size - 1, e->size - 1, e->nfds);
		refused(e->from);
		send_raw(e->type, 0, 0, e->nfds);
		refused(e->from);
	}
	close_all();
}

static void test_wrong_fds(void)
{
	size_t i, n;

	open_all();
	for (i = 0; i < G_N_ELEMENTS(examples); i++) {
		const struct example *e = &examples[i];

		prepare(e);
		for (n = 0; n <= 8; n++) {
			if (n == e->nfds)
				continue;
			send_raw(e->type, e->size, e->size, n);
			refused(e->from);
		}
		send_raw(e->type, e->size, e->size, VGPU_IPC_MAX_FDS);
		refused(e->from);
	}
	close_all();
}

static void test_unknown(void)
{
	static const uint32_t types[] = { 0, 12, 63, 75, 127, 132, 191, 194,
					  1000, UINT32_MAX };
	size_t i;
	int from;

	open_all();
	memset(&out, 0, sizeof(out));
	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		for (from = W; from <= D; from++) {
			send_raw(types[i], 4, 4, 1);
			refused((enum ipc_sender)from);
		}
		g_assert_cmpint(ipc_send(socks[0], types[i], NULL, 0, NULL, 0),
				==, -EINVAL);
		g_assert_cmpstr(ipc_type_name(types[i]), ==, "unknown");
	}
	/* shorter than a header, and longer than anything */
	g_assert_cmpint(fdpass_send(socks[0], "abc", 3, fds, 3), ==, 3);
	refused(W);
	send_raw(VGPU_IPC_FEATURES, VGPU_IPC_MAX_SIZE, VGPU_IPC_MAX_SIZE, 2);
	refused(W);
	close_all();
}

static void content(const struct example *e, void (*spoil)(void), size_t nfds)
{
	prepare(e);
	spoil();
	send_raw(e->type, e->size, e->size, nfds);
	refused(e->from);
}

static const struct example *of(uint32_t type)
{
	size_t i;

	for (i = 0; examples[i].type != type; i++)
		;
	return &examples[i];
}

static void long_vm(void) { memset(out.setup.vm, 'x', VGPU_NAME_MAX); }
static void long_node(void)
{
	memset(out.setup.render_node, 'x', VGPU_PATH_MAX);
}
static void no_scanouts(void) { out.setup.num_scanouts = 0; }
static void many_scanouts(void) { out.setup.num_scanouts = 17; }
static void says_sched(void) { out.setup.flags = VGPU_SETUP_SCHED; }
static void more_regions(void) { out.mem_table.nregions = 4; }
static void fewer_regions(void) { out.mem_table.nregions = 2; }
static void huge_regions(void) { out.mem_table.nregions = UINT32_MAX; }
static void index_2(void) { out.vring.index = 2; }
static void index_max(void) { out.vring.index = UINT32_MAX; }
static void num_0(void) { out.vring.num = 0; }
static void num_100(void) { out.vring.num = 100; }
static void num_64k(void) { out.vring.num = 65536; }
static void base_64k(void) { out.vring.base = 65536; }
static void stopped_64k(void) { out.vring_stopped.base = 65536; }
static void scanout_16(void) { out.scanout.scanout_id = 16; }
static void scanout_off(void) { out.scanout.width = 0; }
static void dmabuf_off(void) { out.dmabuf_scanout.base.width = 0; }
static void edid_long(void) { out.edid.size = VIRTIO_GPU_EDID_MAX + 1; }
static void edid_of_16(void) { out.get_edid.scanout_id = 16; }
static void long_hello(void) { memset(out.hello.vm, 'x', VGPU_NAME_MAX); }
static void long_cpus(void)
{
	memset(out.attach.cpus, '1', sizeof(out.attach.cpus));
}
static void attach_17(void) { out.attach.setup.num_scanouts = 17; }
static void long_reason(void)
{
	memset(out.kill.reason, 'x', sizeof(out.kill.reason));
}

static void test_content(void)
{
	static const struct {
		uint32_t type;
		void (*spoil)(void);
	} bad[] = {
		{ VGPU_IPC_SETUP, long_vm }, { VGPU_IPC_SETUP, long_node },
		{ VGPU_IPC_SETUP, no_scanouts },
		{ VGPU_IPC_SETUP, many_scanouts },
		{ VGPU_IPC_SETUP, says_sched },
		{ VGPU_IPC_VRING_START, index_2 },
		{ VGPU_IPC_VRING_START, index_max },
		{ VGPU_IPC_VRING_START, num_0 },
		{ VGPU_IPC_VRING_START, num_100 },
		{ VGPU_IPC_VRING_START, num_64k },
		{ VGPU_IPC_VRING_START, base_64k },
		{ VGPU_IPC_VRING_CALL, index_2 },
		{ VGPU_IPC_VRING_STOP, index_2 },
		{ VGPU_IPC_VRING_STOPPED, index_2 },
		{ VGPU_IPC_VRING_STOPPED, stopped_64k },
		{ VGPU_IPC_VRING_BROKEN, index_max },
		{ VGPU_IPC_EDID, edid_long },
		{ VGPU_IPC_DMABUF_PRESENTED, scanout_16 },
		{ VGPU_IPC_SCANOUT, scanout_16 },
		{ VGPU_IPC_SCANOUT, scanout_off },
		{ VGPU_IPC_UPDATE, scanout_16 },
		{ VGPU_IPC_DMABUF_SCANOUT, scanout_16 },
		{ VGPU_IPC_DMABUF_SCANOUT, dmabuf_off },
		{ VGPU_IPC_DMABUF_UPDATE, scanout_16 },
		{ VGPU_IPC_CURSOR_UPDATE, scanout_16 },
		{ VGPU_IPC_CURSOR_MOVE, scanout_16 },
		{ VGPU_IPC_GET_EDID, edid_of_16 },
		{ VGPU_BROKER_HELLO, long_hello },
		{ VGPU_BROKER_ATTACH, long_cpus },
		{ VGPU_BROKER_ATTACH, attach_17 },
		{ VGPU_BROKER_KILL_WORKER, long_reason },
	};
	size_t i;

	open_all();
	for (i = 0; i < G_N_ELEMENTS(bad); i++)
		content(of(bad[i].type), bad[i].spoil, of(bad[i].type)->nfds);
	content(&examples[4], more_regions, 3);
	content(&examples[4], fewer_regions, 3);
	content(&examples[4], huge_regions, 3);
	close_all();
}

static void test_end(void)
{
	open_all();
	fdpass_close(&socks[0], 1);
	g_assert_cmpint(recv_as(W), ==, 0);
	g_assert_cmpint(ipc_send(socks[1], VGPU_IPC_READY, NULL, 0, NULL, 0),
			==, -EPIPE);
	close_all();
}

/* Any bytes: refused or well-formed, never a descriptor left. */
static void test_random(void)
{
	int round;

	open_all();
	for (round = 0; round < 20000; round++) {
		const struct example *e = &examples[g_test_rand_int_range(0,
						G_N_ELEMENTS(examples))];
		int changes = g_test_rand_int_range(0, 4), ret;

		prepare(e);
		while (e->size && changes--) {
			int at = g_test_rand_int_range(0, (int)MIN(e->size, 64));

			out.data[at] = (uint8_t)g_test_rand_int();
		}
		send_raw(e->type, e->size, e->size,
			 (size_t)g_test_rand_int_range(0, 8));
		ret = recv_as(e->from);
		g_assert_true(ret == 1 || ret == -EPROTO);
		if (ret == 1)
			ipc_msg_close(&in);
		g_assert_cmpuint(in.nfds, ==, 0);
	}
	close_all();
}

/* ---- the queue ---- */

static void test_queue(void)
{
	struct event_loop *loop = event_loop_new();
	struct ipc_queue *queue;
	unsigned int sent = 0, got = 0;
	int ret;

	open_all();
	queue = ipc_queue_new(loop, socks[0]);
	/* the socket fills, then the queue does */
	for (;;) {
		struct vgpu_ipc_vring_stopped msg = { 0, sent & 0xffff };
		struct vgpu_ipc_vring_index call = { sent & 1 };

		ret = sent % 3 ? ipc_queue_send(queue, VGPU_IPC_VRING_CALL,
						&call, sizeof(call), fds, 1) :
				 ipc_queue_send(queue, VGPU_IPC_VRING_STOPPED,
						&msg, sizeof(msg), NULL, 0);
		if (ret)
			break;
		sent++;
	}
	g_assert_cmpint(ret, ==, -ENOBUFS);
	g_assert_cmpuint(ipc_queue_pending(queue), ==, IPC_QUEUE_MAX);
	/* all of them come, in order, with their descriptors */
	while (got < sent) {
		ret = recv_as(got % 3 ? W : E);
		if (ret == -EAGAIN) {
			event_loop_iterate(loop, 1000);
			continue;
		}
		g_assert_cmpint(ret, ==, 1);
		g_assert_cmpuint(in.nfds, ==, got % 3 ? 1 : 0);
		if (got % 3 == 0)
			g_assert_cmpuint(in.vring_stopped.base, ==,
					 got & 0xffff);
		ipc_msg_close(&in);
		got++;
	}
	g_assert_cmpuint(ipc_queue_pending(queue), ==, 0);
	ipc_queue_free(queue);
	close_all();
	event_loop_free(loop);
}

static void test_queue_free(void)
{
	struct event_loop *loop = event_loop_new();
	struct vgpu_ipc_vring_index call = { 0 };
	struct ipc_queue *queue;

	open_all();
	queue = ipc_queue_new(loop, socks[0]);
	while (!ipc_queue_send(queue, VGPU_IPC_VRING_CALL, &call, sizeof(call),
			       fds, 1))
		;
	/* the peer dies: what waits is dropped by the loop */
	fdpass_close(&socks[1], 1);
	event_loop_iterate(loop, 1000);
	g_assert_cmpuint(ipc_queue_pending(queue), ==, 0);
	g_assert_cmpint(ipc_queue_send(queue, VGPU_IPC_SCHED_DETACH, NULL, 0,
				       NULL, 0), ==, -EPIPE);
	ipc_queue_free(queue);

	fdpass_close(socks, 2);
	g_assert_cmpint(ipc_pair(socks), ==, 0);
	queue = ipc_queue_new(loop, socks[0]);
	while (!ipc_queue_send(queue, VGPU_IPC_VRING_CALL, &call, sizeof(call),
			       fds, 1))
		;
	ipc_queue_free(queue);
	close_all();
	event_loop_free(loop);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/ipc/good", test_good, 0);
	runner_add("/ipc/wrong-sender", test_wrong_sender, 0);
	runner_add("/ipc/wrong-size", test_wrong_size, 0);
	runner_add("/ipc/wrong-descriptors", test_wrong_fds, 0);
	runner_add("/ipc/unknown", test_unknown, 0);
	runner_add("/ipc/content", test_content, 0);
	runner_add("/ipc/end", test_end, 0);
	runner_add("/ipc/random", test_random, 0);
	runner_add("/ipc/queue", test_queue, 0);
	runner_add("/ipc/queue-free", test_queue_free, 0);
	return runner_run();
}
