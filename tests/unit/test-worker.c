// SPDX-License-Identifier: MIT
/*
 * test-worker.c - a worker seen from its endpoint, with a real ring and the
 * null renderer
 */
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

static void must_send(struct fixture *f, uint32_t type, const void *payload,
		      size_t size, const int *fds, size_t nfds)
{
	g_assert_cmpint(ipc_send(f->sock, type, payload, size, fds, nfds), ==,
			0);
}

/* The next message, which must be of this type. */
static struct ipc_msg *expect(struct fixture *f, uint32_t type)
{
	struct pollfd p = { .fd = f->sock, .events = POLLIN };

	ipc_msg_close(&f->msg);
	g_assert_cmpint(poll(&p, 1, TIMEOUT_MS), ==, 1);
	g_assert_cmpint(ipc_recv(f->sock, IPC_FROM_WORKER, &f->msg), ==, 1);
	g_assert_cmpstr(ipc_type_name(f->msg.type), ==, ipc_type_name(type));
	return &f->msg;
}

static void send_setup(struct fixture *f)
{
	struct vgpu_ipc_setup setup = {
		.version = VGPU_IPC_VERSION, .flags = f->setup_flags,
		.vm = "test", .num_scanouts = 2, .width = 800, .height = 600,
		.memory_max = 64 << 20,
	};
	int fds[2] = { f->ledger, f->caps };

	must_send(f, VGPU_IPC_SETUP, &setup, sizeof(setup), fds, 2);
}

static void send_state(struct fixture *f)
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

static void send_start(struct fixture *f, uint32_t flags, uint32_t base)
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

static void spawn(struct fixture *f)
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

static int reap(struct fixture *f)
{
	int status;

	g_assert_cmpint(waitpid(f->pid, &status, 0), ==, f->pid);
	f->pid = 0;
	close(f->sock);
	return status;
}

static void setup(struct fixture *f)
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

static void start(struct fixture *f)
{
	setup(f);
	send_setup(f);
	expect(f, VGPU_IPC_READY);
	send_state(f);
	send_start(f, 0, 0);
}

/* It leaves when its endpoint does, and leaves with 0. */
static void end(struct fixture *f)
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

static void kill_worker(struct fixture *f)
{
	ipc_msg_close(&f->msg);
	kill(f->pid, SIGKILL);
	g_assert_true(WIFSIGNALED(reap(f)));
}

static void take_over(struct fixture *f)
{
	f->setup_flags |= VGPU_SETUP_TAKEOVER;
	spawn(f);
	send_setup(f);
	expect(f, VGPU_IPC_READY);
	send_state(f);
}

/* ---- the guest's part ---- */

/* Post a command; its answer goes to REPLY. Return: its head. */
static uint16_t post(struct fixture *f, const void *cmd, size_t size)
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

static uint32_t wait_answer(struct fixture *f, uint16_t want)
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

static void create_2d(struct fixture *f, uint32_t id)
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

static void show(struct fixture *f, uint32_t id)
{
	OK(f, struct virtio_gpu_set_scanout cmd = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = id });
}

static void transfer(struct fixture *f, uint32_t id)
{
	OK(f, struct virtio_gpu_transfer_to_host_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = id });
}

static void flush(struct fixture *f, uint32_t id)
{
	OK(f, struct virtio_gpu_resource_flush cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = id });
}

static void paint(struct fixture *f, uint32_t seed)
{
	uint32_t *p = (uint32_t *)guest_ptr(&f->g, PIXELS);

	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		p[i] = (i * 2654435761u + seed) & 0xffffff;
}

static void check_pixels(const uint32_t *got, uint32_t seed)
{
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		g_assert_cmphex(got[i] & 0xffffff, ==,
				(i * 2654435761u + seed) & 0xffffff);
}

/* Take the SCANOUT that comes next. Return: its memory. */
static uint32_t *take_scanout(struct fixture *f)
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
static void take_full_update(struct fixture *f)
{
	struct ipc_msg *msg = expect(f, VGPU_IPC_UPDATE);

	g_assert_cmpuint(msg->update.width, ==, WIDTH);
	g_assert_cmpuint(msg->update.height, ==, HEIGHT);
}

/* ---- tests ---- */

static uint16_t ask_display_info(struct fixture *f)
{
	struct virtio_gpu_ctrl_hdr cmd = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};

	return post(f, &cmd, sizeof(cmd));
}

static void answer_display_info(struct fixture *f)
{
	struct ipc_msg *msg = expect(f, VGPU_IPC_GET_DISPLAY_INFO);
	struct vgpu_ipc_display_info info = {
		.cookie = msg->cookie.cookie,
		.pmodes[0] = { .r = { 0, 0, 1234, 567 }, .enabled = 1 },
	};

	must_send(f, VGPU_IPC_DISPLAY_INFO, &info, sizeof(info), NULL, 0);
}

static void test_display_info(void)
{
	struct virtio_gpu_resp_display_info resp;
	struct fixture f;
	uint16_t head;

	start(&f);
	head = ask_display_info(&f);
	answer_display_info(&f);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	memcpy(&resp, guest_ptr(&f.g, REPLY), sizeof(resp));
	g_assert_cmpuint(resp.pmodes[0].r.width, ==, 1234);
	g_assert_cmpuint(resp.pmodes[0].enabled, ==, 1);
	g_assert_cmpuint(resp.pmodes[1].enabled, ==, 0);
	end(&f);
}

static void test_picture(void)
{
	struct fixture f;
	uint32_t *shown;

	start(&f);
	create_2d(&f, 1);
	show(&f, 1);
	shown = take_scanout(&f);
	paint(&f, 1);
	transfer(&f, 1);
	flush(&f, 1);
	for (int i = 0; shown[5] != *(uint32_t *)guest_ptr(&f.g, PIXELS + 20);
	     i++) {
		g_assert_cmpint(i, <, 3);
		take_full_update(&f);
	}
	check_pixels(shown, 1);
	shm_unmap(shown, WIDTH * HEIGHT * 4);
	end(&f);
}

static void test_kill_and_take_over(void)
{
	struct fixture f;
	uint32_t *shown;
	uint16_t head;

	start(&f);
	create_2d(&f, 7);
	show(&f, 7);
	paint(&f, 2);
	transfer(&f, 7);
	flush(&f, 7);
	head = ask_display_info(&f);
	while (expect(&f, f.msg.type == VGPU_IPC_SCANOUT ? VGPU_IPC_UPDATE
							 : VGPU_IPC_SCANOUT)
	       ->type != VGPU_IPC_UPDATE)
		;
	for (int round = 0; round < 5; round++) {
		kill_worker(&f);
		/* one more, that nobody has seen, and a kick for nobody */
		take_over(&f);
		send_start(&f, VGPU_VRING_RESUME, 0);
		shown = take_scanout(&f);
		take_full_update(&f);
		check_pixels(shown, 2);
		shm_unmap(shown, WIDTH * HEIGHT * 4);
	}
	/* asked again by the last, answered once */
	answer_display_info(&f);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* the resource is known, another is not */
	flush(&f, 7);
	CMD(&f, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
	    struct virtio_gpu_resource_flush cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = 8 });
	g_assert_cmpuint(f.g.last_used, ==, f.g.avail_idx);
	end(&f);
}

/* Stop is answered with the position; what was out comes after the start. */
static void test_stop(void)
{
	struct vgpu_ipc_vring_index stop = { .index = 0 };
	struct vgpu_ipc_display_info info = { .cookie = 0 };
	struct fixture f;
	uint16_t head;
	uint32_t len;

	start(&f);
	head = ask_display_info(&f);
	info.cookie = expect(&f, VGPU_IPC_GET_DISPLAY_INFO)->cookie.cookie;
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	g_assert_cmpuint(expect(&f, VGPU_IPC_VRING_STOPPED)->vring_stopped.base,
			 ==, 1);
	g_assert_cmpint(ledger_ring_base(f.ledger, 0), ==, 1);
	must_send(&f, VGPU_IPC_DISPLAY_INFO, &info, sizeof(info), NULL, 0);
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	expect(&f, VGPU_IPC_VRING_STOPPED);
	g_assert_false(guest_take(&f.g, &head, &len));
	send_start(&f, 0, 1);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* the other queue never ran */
	stop.index = 1;
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	expect(&f, VGPU_IPC_VRING_STOPPED);
	g_assert_cmpuint(f.msg.vring_stopped.index, ==, 1);
	g_assert_cmpuint(f.msg.vring_stopped.base, ==, 0);
	end(&f);
}

/* A driver that starts anew finds an empty device. */
static void test_new_driver(void)
{
	struct vgpu_ipc_vring_index stop = { .index = 0 };
	struct fixture f;

	start(&f);
	create_2d(&f, 3);
	ask_display_info(&f);
	expect(&f, VGPU_IPC_GET_DISPLAY_INFO);
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	expect(&f, VGPU_IPC_VRING_STOPPED);
	memset(f.g.avail, 0, 4);
	memset(f.g.used, 0, 4);
	f.g.avail_idx = f.g.last_used = 0;
	f.next_head = 0;
	send_start(&f, 0, 0);
	/* would be a duplicate id, were it not gone */
	create_2d(&f, 3);
	kill_worker(&f);
	take_over(&f);
	send_start(&f, VGPU_VRING_RESUME, 0);
	transfer(&f, 3);
	g_assert_cmpuint(f.g.used[1], ==, f.g.avail_idx);
	end(&f);
}

static void test_broken_ring(void)
{
	struct fixture f;

	start(&f);
	create_2d(&f, 1);
	guest_offer(&f.g, NUM);
	guest_kick(&f.g);
	g_assert_cmpuint(expect(&f, VGPU_IPC_VRING_BROKEN)->vring_index.index,
			 ==, 0);
	memset(f.g.avail, 0, 4);
	memset(f.g.used, 0, 4);
	f.g.avail_idx = f.g.last_used = 0;
	f.next_head = 0;
	send_start(&f, 0, 0);
	create_2d(&f, 1);
	end(&f);
}

/* The endpoint does not read for a while: commands are served all the same. */
static void test_slow_display(void)
{
	unsigned int updates = 0;
	struct fixture f;
	uint32_t *shown;

	start(&f);
	create_2d(&f, 1);
	show(&f, 1);
	for (uint32_t i = 0; i < 3000; i++) {
		paint(&f, i);
		transfer(&f, 1);
		flush(&f, 1);
	}
	shown = take_scanout(&f);
	while (shown && memcmp(shown, guest_ptr(&f.g, PIXELS),
			       WIDTH * HEIGHT * 4) == 0) {
		struct pollfd p = { .fd = f.sock, .events = POLLIN };

		if (!poll(&p, 1, 300))
			break;
		take_full_update(&f);
		updates++;
	}
	check_pixels(shown, 2999);
	g_assert_cmpuint(updates, >, 0);
	g_assert_cmpuint(updates, <, 1500);
	g_test_message("3000 flushes, %u updates", updates);
	shm_unmap(shown, WIDTH * HEIGHT * 4);
	end(&f);
}

static void test_many_commands(void)
{
	struct fixture f;
	uint16_t heads[NUM / 2];

	start(&f);
	create_2d(&f, 1);
	/* a whole ring at a time, across the wrap of its index */
	for (unsigned int round = 0; round < 70000 / (NUM / 2); round++) {
		struct virtio_gpu_transfer_to_host_2d cmd = {
			.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
			.r = { 0, 0, 1, 1 }, .resource_id = 1,
		};

		guest_set_used_event(&f.g, f.g.last_used);
		for (unsigned int i = 0; i < NUM / 2; i++)
			heads[i] = post(&f, &cmd, sizeof(cmd));
		for (unsigned int i = 0; i < NUM / 2; i++)
			g_assert_cmphex(wait_answer(&f, heads[i]), ==,
					VIRTIO_GPU_RESP_OK_NODATA);
	}
	end(&f);
}

/* ---- an endpoint that is wrong ---- */

static int exit_code(struct fixture *f)
{
	struct pollfd p = { .fd = f->sock, .events = 0 };
	int status;

	g_assert_cmpint(poll(&p, 1, TIMEOUT_MS), ==, 1);
	status = reap(f);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_wrong_endpoint(void)
{
	struct vgpu_ipc_features features = { 0 };
	struct vgpu_ipc_mem_table table = { .nregions = 1 };
	struct fixture f;

	/* out of order */
	setup(&f);
	must_send(&f, VGPU_IPC_FEATURES, &features, sizeof(features), NULL, 0);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* twice */
	setup(&f);
	send_setup(&f);
	send_setup(&f);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* malformed */
	setup(&f);
	g_assert_cmpint(send(f.sock, "junk", 4, 0), ==, 4);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* no ledger, no caps */
	setup(&f);
	close(f.caps);
	f.caps = dup(f.ledger);
	send_setup(&f);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* a memory table that can not be */
	start(&f);
	must_send(&f, VGPU_IPC_MEM_TABLE, &table, sizeof(table), &f.g.memfd, 1);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
}

/* A ring where there is no memory: said, survived. */
static void test_bad_vring(void)
{
	struct vgpu_ipc_vring vring = { .index = 1, .num = NUM };
	struct fixture f;
	int fds[2];

	start(&f);
	fds[0] = f.g.kick;
	fds[1] = f.g.call;
	must_send(&f, VGPU_IPC_VRING_START, &vring, sizeof(vring), fds, 2);
	g_assert_cmpuint(expect(&f, VGPU_IPC_VRING_BROKEN)->vring_index.index,
			 ==, 1);
	create_2d(&f, 1);
	end(&f);
}

/* A ledger that is not one: contents are lost, the device is not. */
static void test_bad_ledger(void)
{
	uint32_t magic = 0;
	struct fixture f;

	start(&f);
	create_2d(&f, 1);
	kill_worker(&f);
	g_assert_cmpint(pwrite(f.ledger, &magic, 4, 0), ==, 4);
	take_over(&f);
	send_start(&f, VGPU_VRING_RESUME, 0);
	create_2d(&f, 1);
	end(&f);
}

/* A command that kills: answered with an error after some deaths. */
static void test_crashes(void)
{
	struct fixture f;
	uint16_t head;

	start(&f);
	create_2d(&f, 1);
	head = ask_display_info(&f);
	for (int i = 0; i < 3; i++) {
		expect(&f, VGPU_IPC_GET_DISPLAY_INFO);
		ipc_msg_close(&f.msg);
		kill(f.pid, SIGABRT);
		g_assert_true(WIFSIGNALED(reap(&f)));
		take_over(&f);
		send_start(&f, VGPU_VRING_RESUME, 0);
	}
	g_assert_cmphex(wait_answer(&f, head), ==, VIRTIO_GPU_RESP_ERR_UNSPEC);
	/* all else is as it was */
	transfer(&f, 1);
	head = ask_display_info(&f);
	answer_display_info(&f);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* still: then it is the state that kills */
	for (int i = 0; i < 3; i++) {
		kill(f.pid, SIGABRT);
		g_assert_true(WIFSIGNALED(reap(&f)));
		take_over(&f);
		send_start(&f, VGPU_VRING_RESUME, 0);
	}
	create_2d(&f, 1);
	g_assert_cmpuint(f.g.last_used, ==, f.g.avail_idx);
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(120);	/* a worker that should have left */
	g_test_add_func("/worker/display-info", test_display_info);
	g_test_add_func("/worker/picture", test_picture);
	g_test_add_func("/worker/kill-and-take-over", test_kill_and_take_over);
	g_test_add_func("/worker/stop", test_stop);
	g_test_add_func("/worker/new-driver", test_new_driver);
	g_test_add_func("/worker/broken-ring", test_broken_ring);
	g_test_add_func("/worker/slow-display", test_slow_display);
	g_test_add_func("/worker/many-commands", test_many_commands);
	g_test_add_func("/worker/wrong-endpoint", test_wrong_endpoint);
	g_test_add_func("/worker/bad-vring", test_bad_vring);
	g_test_add_func("/worker/bad-ledger", test_bad_ledger);
	g_test_add_func("/worker/crashes", test_crashes);
	return g_test_run();
}
