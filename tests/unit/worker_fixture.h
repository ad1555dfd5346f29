/* SPDX-License-Identifier: MIT */
/*
 * worker_fixture.h - a worker in a child process, its endpoint and its guest
 */
#ifndef TESTS_UNIT_WORKER_FIXTURE_H
#define TESTS_UNIT_WORKER_FIXTURE_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"
#include "ipc/ipc.h"
#include "ledger/ledger.h"
#include "tests/unit/ring_guest.h"
#include "worker/worker.h"

#define NUM		64
#define REPLY		(GUEST_BUFFERS + 0x10000)
#define PIXELS		(GUEST_BUFFERS + 0x20000)
#define WIDTH		64
#define HEIGHT		32
#define TIMEOUT_MS	10000

struct fixture {
	struct ring_guest g;
	int ledger, caps;
	pid_t pid;
	int sock;
	uint16_t next_head;	/* pairs of descriptors, round robin */
	uint32_t setup_flags;
	struct ipc_msg msg;
};

/* ---- the endpoint's part ---- */

static inline void must_send(struct fixture *f, uint32_t type, const void *payload,
		      size_t size, const int *fds, size_t nfds)
{
	g_assert_cmpint(ipc_send(f->sock, type, payload, size, fds, nfds), ==,
			0);
}

/* The next message, which must be of this type. */
static inline struct ipc_msg *expect(struct fixture *f, uint32_t type)
{
	struct pollfd p = { .fd = f->sock, .events = POLLIN };

	ipc_msg_close(&f->msg);
	g_assert_cmpint(poll(&p, 1, TIMEOUT_MS), ==, 1);
	g_assert_cmpint(ipc_recv(f->sock, IPC_FROM_WORKER, &f->msg), ==, 1);
	g_assert_cmpstr(ipc_type_name(f->msg.type), ==, ipc_type_name(type));
	return &f->msg;
}

static inline void send_setup(struct fixture *f)
{
	struct vgpu_ipc_setup setup = {
		.version = VGPU_IPC_VERSION, .flags = f->setup_flags,
		.vm = "test", .num_scanouts = 2, .width = 800, .height = 600,
		.memory_max = 64 << 20,
	};
	int fds[2] = { f->ledger, f->caps };

	must_send(f, VGPU_IPC_SETUP, &setup, sizeof(setup), fds, 2);
}

static inline void send_state(struct fixture *f)
{
	struct vgpu_ipc_features features = {
		GUEST_EVENT_IDX | GUEST_INDIRECT | 1ull << VIRTIO_F_VERSION_1_BIT
	};
	struct vgpu_ipc_mem_table table = { .nregions = 2 };
	int fds[2] = { f->g.memfd, f->g.memfd };

	guest_regions(table.regions);
	must_send(f, VGPU_IPC_FEATURES, &features, sizeof(features), NULL, 0);
	must_send(f, VGPU_IPC_MEM_TABLE, &table, sizeof(table), fds, 2);
}

static inline void send_start(struct fixture *f, uint32_t flags, uint32_t base)
{
	struct vgpu_ipc_vring vring = {
		.index = 0, .num = NUM, .flags = flags, .base = base,
		.desc_uaddr = GUEST_UADDR + GUEST_DESC,
		.avail_uaddr = GUEST_UADDR + GUEST_AVAIL,
		.used_uaddr = GUEST_UADDR + GUEST_USED,
	};
	int fds[2] = { f->g.kick, f->g.call };

	must_send(f, VGPU_IPC_VRING_START, &vring, sizeof(vring), fds, 2);
}

static inline void spawn(struct fixture *f)
{
	int socks[2];

	g_assert_cmpint(ipc_pair(socks), ==, 0);
	f->sock = socks[0];
	f->pid = fork();
	g_assert_cmpint(f->pid, >=, 0);
	if (!f->pid) {
		close(socks[0]);
		log_init("vgpu-worker", "test");
		_exit(worker_run(socks[1]));
	}
	close(socks[1]);
}

static inline int reap(struct fixture *f)
{
	int status;

	g_assert_cmpint(waitpid(f->pid, &status, 0), ==, f->pid);
	f->pid = 0;
	close(f->sock);
	return status;
}

static inline void setup(struct fixture *f)
{
	struct vgpu_caps *caps;

	memset(f, 0, sizeof(*f));
	guest_init(&f->g, NUM);
	f->setup_flags = VGPU_SETUP_NULL;
	f->ledger = ledger_create();
	f->caps = shm_create("caps", sizeof(*caps));
	caps = shm_map(f->caps, sizeof(*caps), true);
	caps->magic = VGPU_CAPS_MAGIC;
	shm_unmap(caps, sizeof(*caps));
	spawn(f);
}

static inline void start(struct fixture *f)
{
	setup(f);
	send_setup(f);
	expect(f, VGPU_IPC_READY);
	send_state(f);
	send_start(f, 0, 0);
}

/* It leaves when its endpoint does, and leaves with 0. */
static inline void end(struct fixture *f)
{
	ipc_msg_close(&f->msg);
	if (f->pid) {
		shutdown(f->sock, SHUT_RDWR);
		g_assert_cmpint(reap(f), ==, 0);
	}
	close(f->ledger);
	close(f->caps);
	guest_fini(&f->g);
}

static inline void kill_worker(struct fixture *f)
{
	ipc_msg_close(&f->msg);
	kill(f->pid, SIGKILL);
	g_assert_true(WIFSIGNALED(reap(f)));
}

static inline void take_over(struct fixture *f)
{
	f->setup_flags |= VGPU_SETUP_TAKEOVER;
	spawn(f);
	send_setup(f);
	expect(f, VGPU_IPC_READY);
	send_state(f);
}

/* ---- the guest's part ---- */

/* Post a command; its answer goes to REPLY. Return: its head. */
static inline uint16_t post(struct fixture *f, const void *cmd, size_t size)
{
	uint16_t head = f->next_head;
	uint64_t at = GUEST_BUFFERS + 0x200 * head;

	f->next_head = (uint16_t)((head + 2) % NUM);
	memcpy(guest_ptr(&f->g, at), cmd, size);
	guest_desc(&f->g, head, at, (uint32_t)size, CHAIN_F_NEXT,
		   (uint16_t)(head + 1));
	guest_desc(&f->g, head + 1u, REPLY, 0x1000, CHAIN_F_WRITE, 0);
	guest_offer(&f->g, head);
	guest_kick(&f->g);
	return head;
}

static inline uint32_t wait_answer(struct fixture *f, uint16_t want)
{
	struct virtio_gpu_ctrl_hdr hdr;
	uint16_t head = 0xffff;
	uint32_t len = 0;

	for (int ms = 0; !guest_take(&f->g, &head, &len); ms++) {
		g_assert_cmpint(ms, <, TIMEOUT_MS);
		g_usleep(1000);
	}
	g_assert_cmpuint(head, ==, want);
	g_assert_cmpuint(len, >=, sizeof(hdr));
	memcpy(&hdr, guest_ptr(&f->g, REPLY), sizeof(hdr));
	return hdr.type;
}

#define CMD(f, want, ...) do { \
	__VA_ARGS__; \
	g_assert_cmphex(wait_answer(f, post(f, &cmd, sizeof(cmd))), ==, want); \
} while (0)
#define OK(f, ...) CMD(f, VIRTIO_GPU_RESP_OK_NODATA, __VA_ARGS__)

static inline void create_2d(struct fixture *f, uint32_t id)
{
	struct {
		struct virtio_gpu_resource_attach_backing h;
		struct virtio_gpu_mem_entry e;
	} attach = {
		.h.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.h.resource_id = id, .h.nr_entries = 1,
		.e = { .addr = PIXELS, .length = WIDTH * HEIGHT * 4 },
	};

	OK(f, struct virtio_gpu_resource_create_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = id, .format = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
		.width = WIDTH, .height = HEIGHT });
	g_assert_cmphex(wait_answer(f, post(f, &attach, sizeof(attach))), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
}

static inline void show(struct fixture *f, uint32_t id)
{
	OK(f, struct virtio_gpu_set_scanout cmd = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = id });
}

static inline void transfer(struct fixture *f, uint32_t id)
{
	OK(f, struct virtio_gpu_transfer_to_host_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = id });
}

static inline void flush(struct fixture *f, uint32_t id)
{
	OK(f, struct virtio_gpu_resource_flush cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = id });
}

static inline void paint(struct fixture *f, uint32_t seed)
{
	uint32_t *p = (uint32_t *)guest_ptr(&f->g, PIXELS);

	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		p[i] = (i * 2654435761u + seed) & 0xffffff;
}

static inline void check_pixels(const uint32_t *got, uint32_t seed)
{
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		g_assert_cmphex(got[i] & 0xffffff, ==,
				(i * 2654435761u + seed) & 0xffffff);
}

/* Take the SCANOUT that comes next. Return: its memory. */
static inline uint32_t *take_scanout(struct fixture *f)
{
	struct ipc_msg *msg = expect(f, VGPU_IPC_SCANOUT);
	uint32_t *map;

	g_assert_cmpuint(msg->scanout.width, ==, WIDTH);
	g_assert_cmpuint(msg->scanout.height, ==, HEIGHT);
	map = shm_map(msg->fds[0], WIDTH * HEIGHT * 4, false);
	g_assert_nonnull(map);
	return map;
}

/* Updates until one has come that together with those before covers all. */
static inline void take_full_update(struct fixture *f)
{
	struct ipc_msg *msg = expect(f, VGPU_IPC_UPDATE);

	g_assert_cmpuint(msg->update.width, ==, WIDTH);
	g_assert_cmpuint(msg->update.height, ==, HEIGHT);
}

static inline uint16_t ask_display_info(struct fixture *f)
{
	struct virtio_gpu_ctrl_hdr cmd = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};

	return post(f, &cmd, sizeof(cmd));
}

static inline void answer_display_info(struct fixture *f)
{
	struct ipc_msg *msg = expect(f, VGPU_IPC_GET_DISPLAY_INFO);
	struct vgpu_ipc_display_info info = {
		.cookie = msg->cookie.cookie,
		.pmodes[0] = { .r = { 0, 0, 1234, 567 }, .enabled = 1 },
	};

	must_send(f, VGPU_IPC_DISPLAY_INFO, &info, sizeof(info), NULL, 0);
}

#endif
