// SPDX-License-Identifier: MIT
/*
 * test-display.c - what a worker tells its endpoint of the screen: differences,
 * in few messages, and never waiting for it
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/event.h"
#include "base/shm.h"
#include "ipc/ipc.h"
#include "ipc/queue.h"
#include "protocol/vgpu_ipc.h"
#include "renderer/renderer.h"
#include "worker/display.h"
#include "worker/worker.h"

struct fixture {
	struct worker w;
	struct vgpu_caps caps;
	struct display *d;
	int peer;
	struct ipc_msg msg;
	unsigned int fds_before;
};

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void setup(struct fixture *f)
{
	int socks[2];

	memset(f, 0, sizeof(*f));
	f->fds_before = open_fds();
	g_assert_cmpint(ipc_pair(socks), ==, 0);
	f->w.sock = socks[0];
	f->peer = socks[1];
	f->w.caps = &f->caps;
	f->w.loop = event_loop_new();
	f->w.queue = ipc_queue_new(f->w.loop, f->w.sock);
	f->d = display_new(&f->w);
}

static void end(struct fixture *f)
{
	ipc_msg_close(&f->msg);
	display_free(f->d);
	ipc_queue_free(f->w.queue);
	event_loop_free(f->w.loop);
	close(f->w.sock);
	close(f->peer);
	g_assert_cmpuint(open_fds(), ==, f->fds_before);
}

/* The next message, or NULL if there is none. */
static struct ipc_msg *next(struct fixture *f)
{
	int ret;

	ipc_msg_close(&f->msg);
	ret = ipc_recv(f->peer, IPC_FROM_WORKER, &f->msg);
	if (ret == -EAGAIN)
		return NULL;
	g_assert_cmpint(ret, ==, 1);
	return &f->msg;
}

static struct ipc_msg *expect(struct fixture *f, uint32_t type)
{
	struct ipc_msg *msg = next(f);

	g_assert_nonnull(msg);
	g_assert_cmpstr(ipc_type_name(msg->type), ==, ipc_type_name(type));
	return msg;
}

static void expect_update(struct fixture *f, uint32_t type, uint32_t x,
			  uint32_t y, uint32_t w, uint32_t h)
{
	struct ipc_msg *msg = expect(f, type);

	g_assert_cmpuint(msg->update.x, ==, x);
	g_assert_cmpuint(msg->update.y, ==, y);
	g_assert_cmpuint(msg->update.width, ==, w);
	g_assert_cmpuint(msg->update.height, ==, h);
}

static void test_pixels(void)
{
	struct fixture f;
	uint8_t *p, *seen;

	setup(&f);
	p = display_pixels(f.d, 3, 100, 50);
	g_assert_nonnull(p);
	g_assert_null(next(&f));
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	g_assert_cmpuint(f.msg.scanout.scanout_id, ==, 3);
	g_assert_cmpuint(f.msg.scanout.width, ==, 100);
	seen = shm_map(f.msg.fds[0], 100 * 50 * 4, false);
	g_assert_nonnull(seen);
	/* nobody can cut it under the reader */
	g_assert_cmpint(ftruncate(f.msg.fds[0], 4096), <, 0);
	p[19999] = 0x5a;
	g_assert_cmpuint(seen[19999], ==, 0x5a);

	/* a page flip of the same size is no news */
	g_assert_true(display_pixels(f.d, 3, 100, 50) == p);
	display_flush(f.d);
	g_assert_null(next(&f));
	/* another size is another memory */
	g_assert_nonnull(display_pixels(f.d, 3, 10, 10));
	display_update(f.d, 3, 0, 0, 10, 10);
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	expect_update(&f, VGPU_IPC_UPDATE, 0, 0, 10, 10);
	/* off, and once only */
	g_assert_null(display_pixels(f.d, 3, 0, 0));
	g_assert_null(display_pixels(f.d, 3, 0, 0));
	display_update(f.d, 3, 0, 0, 10, 10);
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	g_assert_cmpuint(f.msg.scanout.width, ==, 0);
	g_assert_null(next(&f));
	shm_unmap(seen, 100 * 50 * 4);
	end(&f);
}

static void test_bad_sizes(void)
{
	struct fixture f;

	setup(&f);
	g_assert_null(display_pixels(f.d, 0, 16385, 1));
	g_assert_null(display_pixels(f.d, 0, 1, UINT32_MAX));
	g_assert_null(display_pixels(f.d, 0, 0x10000, 0x10000));
	g_assert_null(display_pixels(f.d, VIRTIO_GPU_MAX_SCANOUTS, 1, 1));
	display_update(f.d, 0, 0, 0, 1, 1);
	display_update(f.d, VIRTIO_GPU_MAX_SCANOUTS, 0, 0, 1, 1);
	display_cursor_move(f.d, VIRTIO_GPU_MAX_SCANOUTS, 0, 0, true);
	display_flush(f.d);
	g_assert_null(next(&f));
	end(&f);
}

static void test_damage(void)
{
	struct fixture f;
	unsigned int n;

	setup(&f);
	g_assert_nonnull(display_pixels(f.d, 0, 1000, 1000));
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	/* clipped, or left out */
	display_update(f.d, 0, 990, 995, UINT32_MAX, 100);
	display_flush(f.d);
	expect_update(&f, VGPU_IPC_UPDATE, 990, 995, 10, 5);
	display_update(f.d, 0, 1000, 0, 1, 1);
	display_update(f.d, 0, 0, 0, 0, 5);
	display_flush(f.d);
	g_assert_null(next(&f));
	/* the same, and a neighbour, in one */
	for (int i = 0; i < 100; i++)
		display_update(f.d, 0, 0, 0, 64, 64);
	display_update(f.d, 0, 64, 0, 64, 64);
	display_flush(f.d);
	expect_update(&f, VGPU_IPC_UPDATE, 0, 0, 128, 64);
	g_assert_null(next(&f));
	/* far apart: not what lies between */
	display_update(f.d, 0, 0, 0, 10, 10);
	display_update(f.d, 0, 900, 900, 10, 10);
	display_flush(f.d);
	expect_update(&f, VGPU_IPC_UPDATE, 900, 900, 10, 10);
	expect_update(&f, VGPU_IPC_UPDATE, 0, 0, 10, 10);
	/* many far apart: a bounded number, and all of it */
	for (uint32_t i = 0; i < 1000; i += 50)
		display_update(f.d, 0, i, i * 7 % 1000, 2, 2);
	display_flush(f.d);
	for (n = 0; next(&f); n++)
		g_assert_cmpuint(n, <, 9);
	g_assert_cmpuint(n, >, 0);
	end(&f);
}

/* Random damage is covered by what is sent. */
static void test_damage_covers(void)
{
	enum { SIDE = 64 };
	static bool want[SIDE][SIDE];
	struct fixture f;

	setup(&f);
	g_assert_nonnull(display_pixels(f.d, 0, SIDE, SIDE));
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	for (int round = 0; round < 300; round++) {
		int n = g_random_int_range(1, 30);

		memset(want, 0, sizeof(want));
		while (n--) {
			uint32_t x = (uint32_t)g_random_int_range(0, SIDE);
			uint32_t y = (uint32_t)g_random_int_range(0, SIDE);
			uint32_t w = (uint32_t)g_random_int_range(1, 9);
			uint32_t h = (uint32_t)g_random_int_range(1, 9);

			display_update(f.d, 0, x, y, w, h);
			for (uint32_t r = y; r < y + h && r < SIDE; r++)
				for (uint32_t c = x; c < x + w && c < SIDE; c++)
					want[r][c] = true;
		}
		display_flush(f.d);
		while (next(&f)) {
			const struct vhost_user_gpu_update *u = &f.msg.update;

			g_assert_cmpuint(u->x + u->width, <=, SIDE);
			g_assert_cmpuint(u->y + u->height, <=, SIDE);
			for (uint32_t r = 0; r < u->height; r++)
				memset(&want[u->y + r][u->x], 0, u->width);
		}
		g_assert_null(memchr(want, 1, sizeof(want)));
	}
	end(&f);
}

/* The endpoint does not read; the last state is what it finds. */
static void test_blocked(void)
{
	uint32_t pixels[64 * 64] = { 0 };
	unsigned int n = 0, updates = 0;
	struct fixture f;
	uint32_t last = 0;

	setup(&f);
	g_assert_nonnull(display_pixels(f.d, 0, 640, 480));
	for (uint32_t i = 0; i < 5000; i++) {
		pixels[0] = i;
		display_cursor_update(f.d, 0, i, i, 1, 2, pixels);
		display_cursor_move(f.d, 0, i, 2 * i, i & 1);
		display_update(f.d, 0, i % 640, 0, 1, 1);
		display_flush(f.d);
	}
	while (n++ < 10000) {
		event_loop_iterate(f.w.loop, 0);
		if (!next(&f))
			break;
		if (f.msg.type == VGPU_IPC_CURSOR_UPDATE)
			last = f.msg.cursor_update.data[0];
		updates += f.msg.type == VGPU_IPC_UPDATE;
	}
	g_assert_cmpuint(n, <, 2000);
	g_assert_cmpuint(last, ==, 4999);
	g_assert_cmpuint(updates, >, 0);
	g_assert_cmpuint(f.msg.type, ==, VGPU_IPC_CURSOR_MOVE);
	g_assert_cmpuint(f.msg.cursor_move.pos.x, ==, 4999);
	g_assert_cmpuint(f.msg.cursor_move.pos.y, ==, 9998);
	end(&f);
}

/* What must not be lost waits in the queue; the display waits behind it. */
static void test_behind_queue(void)
{
	struct vgpu_ipc_cookie cookie = { 1 };
	struct fixture f;
	unsigned int n;

	setup(&f);
	for (n = 0; !ipc_queue_pending(f.w.queue); n++)
		g_assert_cmpint(ipc_queue_send(f.w.queue,
					       VGPU_IPC_GET_DISPLAY_INFO,
					       &cookie, sizeof(cookie), NULL,
					       0), ==, 0);
	g_assert_nonnull(display_pixels(f.d, 0, 64, 64));
	display_flush(f.d);
	while (n) {
		event_loop_iterate(f.w.loop, 0);
		expect(&f, VGPU_IPC_GET_DISPLAY_INFO);
		n--;
	}
	for (int i = 0; i < 10; i++)
		event_loop_iterate(f.w.loop, 0);
	expect(&f, VGPU_IPC_SCANOUT);
	end(&f);
}

static struct renderer_dmabuf fake_dmabuf(void)
{
	return (struct renderer_dmabuf){
		.fd = shm_create("dmabuf", 4096), .width = 64, .height = 32,
		.stride = 256, .fourcc = 0x34325258, .modifier = 5,
		.y_0_top = true,
	};
}

static void test_dmabuf(void)
{
	struct renderer_dmabuf buf;
	struct fixture f;

	setup(&f);
	f.caps.flags = VGPU_CAPS_DMABUF;
	buf = fake_dmabuf();
	g_assert_true(display_dmabuf(f.d, 1, 0, 0, 64, 32, &buf));
	display_update(f.d, 1, 0, 0, 64, 32);
	display_flush(f.d);
	expect(&f, VGPU_IPC_DMABUF_SCANOUT);
	g_assert_cmpuint(f.msg.nfds, ==, 1);
	g_assert_cmpuint(f.msg.dmabuf_scanout.base.fd_stride, ==, 256);
	g_assert_cmpuint(f.msg.dmabuf_scanout.base.fd_flags, ==, 1);
	g_assert_cmpuint(f.msg.dmabuf_scanout.modifier, ==, 5);
	expect_update(&f, VGPU_IPC_DMABUF_UPDATE, 0, 0, 64, 32);
	/* one at a time: the next when this one was shown */
	for (uint32_t i = 0; i < 10; i++)
		display_update(f.d, 1, i, 0, 1, 1);
	display_flush(f.d);
	g_assert_null(next(&f));
	display_presented(f.d, 1);
	expect_update(&f, VGPU_IPC_DMABUF_UPDATE, 0, 0, 10, 1);
	display_presented(f.d, 1);
	g_assert_null(next(&f));
	/* to another buffer, with an update unanswered, to pixels, off */
	display_update(f.d, 1, 0, 0, 1, 1);
	display_flush(f.d);
	expect(&f, VGPU_IPC_DMABUF_UPDATE);
	buf = fake_dmabuf();
	g_assert_true(display_dmabuf(f.d, 1, 0, 0, 64, 32, &buf));
	display_update(f.d, 1, 0, 0, 64, 32);
	display_flush(f.d);
	expect(&f, VGPU_IPC_DMABUF_SCANOUT);
	expect(&f, VGPU_IPC_DMABUF_UPDATE);
	g_assert_nonnull(display_pixels(f.d, 1, 64, 32));
	display_update(f.d, 1, 0, 0, 64, 32);
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	expect_update(&f, VGPU_IPC_UPDATE, 0, 0, 64, 32);
	buf = fake_dmabuf();
	g_assert_true(display_dmabuf(f.d, 1, 0, 0, 64, 32, &buf));
	g_assert_null(display_pixels(f.d, 1, 0, 0));
	display_flush(f.d);
	expect(&f, VGPU_IPC_SCANOUT);
	g_assert_cmpuint(f.msg.scanout.width, ==, 0);
	end(&f);
}

/* Refused, and the descriptor is not lost. */
static void test_no_dmabuf(void)
{
	struct renderer_dmabuf buf;
	struct fixture f;

	setup(&f);
	buf = fake_dmabuf();
	g_assert_false(display_dmabuf(f.d, 0, 0, 0, 64, 32, &buf));
	f.caps.flags = VGPU_CAPS_DMABUF;
	buf = fake_dmabuf();
	g_assert_false(display_dmabuf(f.d, VIRTIO_GPU_MAX_SCANOUTS, 0, 0, 64,
				      32, &buf));
	buf = fake_dmabuf();
	g_assert_false(display_dmabuf(f.d, 0, 0, 0, 0, 32, &buf));
	display_flush(f.d);
	g_assert_null(next(&f));
	end(&f);
}

/* The endpoint is gone: nothing to do, no signal, no spinning. */
static void test_gone(void)
{
	struct fixture f;

	setup(&f);
	g_assert_nonnull(display_pixels(f.d, 0, 64, 64));
	close(f.peer);
	display_flush(f.d);
	display_update(f.d, 0, 0, 0, 1, 1);
	display_flush(f.d);
	f.peer = dup(0);
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	alarm(120);
	/* GLib's default context keeps a descriptor from here on. */
	event_loop_free(event_loop_new());
	g_test_add_func("/display/pixels", test_pixels);
	g_test_add_func("/display/bad-sizes", test_bad_sizes);
	g_test_add_func("/display/damage", test_damage);
	g_test_add_func("/display/damage-covers", test_damage_covers);
	g_test_add_func("/display/blocked", test_blocked);
	g_test_add_func("/display/behind-queue", test_behind_queue);
	g_test_add_func("/display/dmabuf", test_dmabuf);
	g_test_add_func("/display/no-dmabuf", test_no_dmabuf);
	g_test_add_func("/display/gone", test_gone);
	return g_test_run();
}
