/* SPDX-License-Identifier: MIT */
/*
 * screen_play.h - a screen under test, and a front end at its display socket
 * that does what QEMU would, and checks what QEMU would not survive
 */
#ifndef TESTS_UNIT_SCREEN_PLAY_H
#define TESTS_UNIT_SCREEN_PLAY_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/shm.h"
#include "endpoint/damage.h"
#include "endpoint/screen.h"
#include "protocol/vgpu_ipc.h"
#include "tests/lib/runner.h"

static struct {
	unsigned int presented[16], infos, edids;
	uint32_t info_cookie, edid_cookie, enabled, width;
	size_t edid_size;
} told;

static struct event_loop *loop;
static struct screen *screen;
static int sock = -1;

static inline void presented(void *opaque, uint32_t id)
{
	told.presented[id]++;
}

static inline void display_info(void *opaque, uint32_t cookie,
			 const struct virtio_gpu_display_one *pmodes)
{
	told.infos++;
	told.info_cookie = cookie;
	told.enabled = pmodes[0].enabled;
	told.width = pmodes[0].r.width;
}

static inline void edid(void *opaque, uint32_t cookie, const uint8_t *data,
		 size_t size)
{
	told.edids++;
	told.edid_cookie = cookie;
	told.edid_size = size;
}

static const struct screen_ops ops = {
	.presented = presented,
	.display_info = display_info,
	.edid = edid,
};

/* What the front end got last, and what it shows. */
static struct {
	struct vhost_user_gpu_header head;
	uint8_t payload[300 << 10];
	int fd;
	uint32_t width[16], height[16], dmabuf[16];
	uint32_t *pixels[16];
	unsigned int count[16];
	uint64_t bytes;
} got;

static inline void iterate(void)
{
	int i;

	for (i = 0; i < 4; i++)
		event_loop_iterate(loop, 0);
}

static inline void open_socket(void)
{
	int socks[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   socks), ==, 0);
	fdpass_close(&sock, 1);
	sock = socks[0];
	memset(got.width, 0, sizeof(got.width));
	memset(got.dmabuf, 0, sizeof(got.dmabuf));
	screen_set_socket(screen, socks[1]);
}

static inline void setup(void)
{
	struct screen_config config = { 1024, 768 };

	loop = event_loop_new();
	log_set_level(LOG_LEVEL_ERROR);
	screen = screen_new(loop, &config, &ops, NULL);
	got.fd = -1;
}

static inline void teardown(void)
{
	int i;

	screen_free(screen);
	fdpass_close(&sock, 1);
	fdpass_close(&got.fd, 1);
	for (i = 0; i < 16; i++)
		g_free(got.pixels[i]);
	event_loop_free(loop);
}

static inline bool read_exact(void *to, size_t len, int *fd)
{
	size_t done = 0;
	int idle = 0;

	while (done < len) {
		size_t nfds = fd ? 1 : 0;
		ssize_t n = fdpass_recv(sock, (uint8_t *)to + done, len - done,
					fd, &nfds);

		if (n == -EAGAIN) {
			if (idle++ == 8)
				return false;
			event_loop_iterate(loop, 0);
			continue;
		}
		if (n <= 0)
			return false;
		idle = 0;
		if (!done && fd && !nfds)
			*fd = -1;
		fd = NULL;
		done += (size_t)n;
	}
	return true;
}

/* What QEMU would do with it, and what it would not survive. */
static inline void show(void)
{
	struct vhost_user_gpu_update u;
	struct vhost_user_gpu_scanout s;
	uint32_t y;

	switch (got.head.request) {
	case VHOST_USER_GPU_SCANOUT:
		g_assert_cmpuint(got.head.size, ==, sizeof(s));
		memcpy(&s, got.payload, sizeof(s));
		g_assert_cmpuint(s.scanout_id, <, 16);
		got.width[s.scanout_id] = s.width;
		got.height[s.scanout_id] = s.height;
		got.dmabuf[s.scanout_id] = 0;
		g_free(got.pixels[s.scanout_id]);
		got.pixels[s.scanout_id] = g_malloc0((size_t)s.width *
						     s.height * 4 + 1);
		break;
	case VHOST_USER_GPU_UPDATE:
		memcpy(&u, got.payload, sizeof(u));
		g_assert_cmpuint(u.scanout_id, <, 16);
		g_assert_cmpuint(u.width, >, 0);
		g_assert_cmpuint(u.height, >, 0);
		g_assert_cmpuint(u.x + u.width, <=, got.width[u.scanout_id]);
		g_assert_cmpuint(u.y + u.height, <=, got.height[u.scanout_id]);
		g_assert_cmpuint(got.head.size, ==,
				 sizeof(u) + (size_t)u.width * u.height * 4);
		for (y = 0; y < u.height; y++)
			memcpy(got.pixels[u.scanout_id] +
			       (size_t)(u.y + y) * got.width[u.scanout_id] +
			       u.x, got.payload + sizeof(u) +
			       (size_t)y * u.width * 4, u.width * 4);
		got.bytes += got.head.size;
		break;
	case VHOST_USER_GPU_DMABUF_SCANOUT:
	case VHOST_USER_GPU_DMABUF_SCANOUT2:
		g_assert_cmpuint(got.head.size, ==, got.head.request ==
				 VHOST_USER_GPU_DMABUF_SCANOUT ? 40 : 48);
		memcpy(&s, got.payload, sizeof(s));
		got.dmabuf[s.scanout_id] = got.fd >= 0;
		break;
	case VHOST_USER_GPU_DMABUF_UPDATE:
		memcpy(&u, got.payload, sizeof(u));
		g_assert_cmpuint(got.dmabuf[u.scanout_id], ==, 1);
		break;
	}
}

/* Return: the request, 0: nothing comes. */
static inline uint32_t next(void)
{
	iterate();
	fdpass_close(&got.fd, 1);
	if (!read_exact(&got.head, sizeof(got.head), &got.fd))
		return 0;
	g_assert_cmpuint(got.head.flags, ==, 0);
	g_assert_cmpuint(got.head.size, <=, sizeof(got.payload));
	g_assert_true(read_exact(got.payload, got.head.size, NULL));
	got.count[got.head.request]++;
	show();
	return got.head.request;
}

static inline void reply(uint32_t request, const void *payload, uint32_t size)
{
	struct vhost_user_gpu_header head = { request, 4, size };

	g_assert_cmpint(fdpass_send(sock, &head, sizeof(head), NULL, 0), ==,
			sizeof(head));
	if (size)
		g_assert_cmpint(fdpass_send(sock, payload, size, NULL, 0), ==,
				size);
	iterate();
}

static inline void reply_features(uint64_t features)
{
	reply(VHOST_USER_GPU_GET_PROTOCOL_FEATURES, &features, 8);
}

static inline void reply_info(uint32_t width)
{
	struct virtio_gpu_resp_display_info info = { 0 };

	info.hdr.type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
	info.pmodes[0].enabled = 1;
	info.pmodes[0].r.width = width;
	reply(VHOST_USER_GPU_GET_DISPLAY_INFO, &info, sizeof(info));
}

static inline void reply_edid(uint32_t size)
{
	struct virtio_gpu_resp_edid e = { 0 };

	e.hdr.type = VIRTIO_GPU_RESP_OK_EDID;
	e.size = size;
	reply(VHOST_USER_GPU_GET_EDID, &e, sizeof(e));
}

/* A new socket, negotiated. */
static inline void connect_screen(uint64_t features)
{
	open_socket();
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	g_assert_cmpuint(next(), ==, 0);
	reply_features(features);
	if (features & 3)
		g_assert_cmpuint(next(), ==,
				 VHOST_USER_GPU_SET_PROTOCOL_FEATURES);
}

static inline void drain(void)
{
	while (next())
		;
}

/* A worker's picture: every pixel tells where it is. */
static inline uint32_t *picture(uint32_t id, uint32_t w, uint32_t h)
{
	struct vgpu_ipc_scanout s = { id, w, h };
	size_t size = (size_t)w * h * 4, i;
	int fd = shm_create("test", size);
	uint32_t *pixels = shm_map(fd, size, true);

	for (i = 0; i < size / 4; i++)
		pixels[i] = (uint32_t)i * 2654435761u;
	g_assert_cmpint(screen_scanout(screen, &s, fd), ==, 0);
	close(fd);
	return pixels;
}

static inline void update(uint32_t id, uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	struct vhost_user_gpu_update u = { id, x, y, w, h };

	screen_update(screen, &u);
}

static inline void off(uint32_t id)
{
	struct vgpu_ipc_scanout s = { id, 0, 0 };

	g_assert_cmpint(screen_scanout(screen, &s, -1), ==, 0);
}

#endif
