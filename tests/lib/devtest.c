// SPDX-License-Identifier: MIT
/*
 * devtest.c - a virtio-gpu device with everything around it faked
 */
#include "tests/lib/devtest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/event.h"
#include "base/shm.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_sched.h"
#include "renderer/renderer.h"
#include "ring/guest_mem.h"
#include "sched/client.h"
#include "tests/lib/rig.h"

/* ---- what the worker would do ---- */

static void op_complete(void *opaque, struct vring_elem *elem, uint32_t len)
{
	struct devtest *t = opaque;
	struct devtest_cmd *cmd = (struct devtest_cmd *)elem;

	g_assert_false(cmd->done);
	g_assert_cmpuint(len, <=, elem->in_len);
	cmd->done = true;
	cmd->len = len;
	cmd->order = ++t->completed;
}

static uint8_t *op_pixels(void *opaque, uint32_t scanout, uint32_t w,
			  uint32_t h)
{
	struct devtest *t = opaque;
	struct devtest_screen *s = &t->screens[scanout];

	s->modes++;
	if (s->w == w && s->h == h && s->pixels)
		return (uint8_t *)s->pixels;
	g_free(s->pixels);
	s->pixels = w ? g_malloc0((gsize)w * h * 4) : NULL;
	s->w = w;
	s->h = h;
	return (uint8_t *)s->pixels;
}

static void op_update(void *opaque, uint32_t scanout, uint32_t x, uint32_t y,
		      uint32_t w, uint32_t h)
{
	struct devtest *t = opaque;
	struct devtest_screen *s = &t->screens[scanout];

	g_assert_nonnull(s->pixels);
	g_assert_cmpuint(x + w, <=, s->w);
	g_assert_cmpuint(y + h, <=, s->h);
	s->updates++;
	s->damage.x = x;
	s->damage.y = y;
	s->damage.w = w;
	s->damage.h = h;
}

static bool op_dmabuf_scanout(void *opaque, uint32_t scanout, uint32_t x,
			      uint32_t y, uint32_t w, uint32_t h,
			      const struct renderer_dmabuf *buf)
{
	struct devtest *t = opaque;

	g_assert_cmpint(close(buf->fd), ==, 0);
	if (t->config.no_dmabuf)
		return false;
	t->screens[scanout].dmabufs++;
	return true;
}

static void op_dmabuf_update(void *opaque, uint32_t scanout, uint32_t x,
			     uint32_t y, uint32_t w, uint32_t h)
{
	struct devtest *t = opaque;
	struct devtest_screen *s = &t->screens[scanout];

	g_assert_cmpuint(s->dmabufs, >, 0);
	s->dmabuf_updates++;
	s->damage.x = x;
	s->damage.y = y;
	s->damage.w = w;
	s->damage.h = h;
}

static void op_cursor_update(void *opaque, uint32_t scanout, uint32_t x,
			     uint32_t y, uint32_t hot_x, uint32_t hot_y,
			     const uint32_t *pixels)
{
	struct devtest *t = opaque;
	struct devtest_cursor *c = &t->cursors[scanout];

	c->updates++;
	c->visible = true;
	c->x = x;
	c->y = y;
	c->hot_x = hot_x;
	c->hot_y = hot_y;
	memcpy(c->image, pixels, sizeof(c->image));
}

static void op_cursor_move(void *opaque, uint32_t scanout, uint32_t x,
			   uint32_t y, bool visible)
{
	struct devtest *t = opaque;
	struct devtest_cursor *c = &t->cursors[scanout];

	c->moves++;
	c->visible = visible;
	c->x = x;
	c->y = y;
}

static void op_get_display_info(void *opaque, uint32_t cookie)
{
	struct virtio_gpu_display_one modes[VIRTIO_GPU_MAX_SCANOUTS];
	struct devtest *t = opaque;

	g_array_append_val(t->asked, cookie);
	memset(modes, 0, sizeof(modes));
	modes[0].enabled = 1;
	modes[0].r.width = 800;
	modes[0].r.height = 600;
	if (t->answer_display)
		device_display_info(t->dev, cookie, modes);
}

static void op_get_edid(void *opaque, uint32_t cookie, uint32_t scanout)
{
	struct devtest *t = opaque;

	g_array_append_val(t->asked, cookie);
	if (t->answer_display)
		device_edid(t->dev, cookie, NULL, 0);
}

static struct renderer *op_make_renderer(void *opaque,
					 const struct renderer_config *config)
{
	struct devtest *t = opaque;

	if (t->config.no_renderer)
		return NULL;
	t->renderers++;
	if (t->config.virgl) {
		t->renderer = renderer_virgl_new(config);
		rig_keep_drivers();
	} else {
		t->renderer = renderer_null_new(config);
	}
	return t->renderer;
}

static void op_lost(void *opaque)
{
	((struct devtest *)opaque)->lost++;
}

static const struct device_ops ops = {
	.complete = op_complete,
	.pixels = op_pixels,
	.update = op_update,
	.dmabuf_scanout = op_dmabuf_scanout,
	.dmabuf_update = op_dmabuf_update,
	.cursor_update = op_cursor_update,
	.cursor_move = op_cursor_move,
	.get_display_info = op_get_display_info,
	.get_edid = op_get_edid,
	.make_renderer = op_make_renderer,
	.lost = op_lost,
};

/* ---- set-up ---- */

static void granted(void *opaque)
{
	device_run(((struct devtest *)opaque)->dev);
}

static void make_sched(struct devtest *t)
{
	struct sched_fds fds;

	if (!t->config.leases) {
		t->sched = sched_client_new(t->loop, NULL, granted, t);
		return;
	}
	fds.grant_page = shm_create("grant", VGPU_SCHED_PAGE_SIZE);
	fds.report_page = shm_create("report", VGPU_SCHED_PAGE_SIZE);
	t->grant = shm_map(fds.grant_page, VGPU_SCHED_PAGE_SIZE, true);
	g_assert_nonnull(t->grant);
	t->grant->magic = VGPU_SCHED_MAGIC;
	fds.grant_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds.want_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->grant_fd = dup(fds.grant_fd);
	t->want_fd = dup(fds.want_fd);
	t->sched = sched_client_new(t->loop, &fds, granted, t);
	g_assert_nonnull(t->sched);
}

static void drop_sched(struct devtest *t)
{
	sched_client_free(t->sched);
	if (!t->grant)
		return;
	shm_unmap(t->grant, VGPU_SCHED_PAGE_SIZE);
	t->grant = NULL;
	close(t->grant_fd);
	close(t->want_fd);
}

void devtest_map(struct devtest *t, uint64_t gpa, size_t size)
{
	struct vgpu_ipc_mem_region region = {
		.gpa = gpa, .size = size, .uaddr = 0x7f0000000000ull,
	};
	int fd = dup(t->ram_fd);
	struct guest_mem *mem = guest_mem_new(&region, &fd, 1);

	g_assert_nonnull(mem);
	device_set_mem(t->dev, mem);
	guest_mem_put(mem);
}

static void make_device(struct devtest *t)
{
	struct device_config config = {
		.caps = &t->caps, .num_scanouts = 4,
		.width = 1280, .height = 800,
		.memory_max = t->config.memory_max ? t->config.memory_max :
			64 << 20,
		.max_resources = t->config.max_resources,
		.max_contexts = t->config.max_contexts,
		.split_always = t->config.split,
		.ops = &ops, .opaque = t,
	};

	make_sched(t);
	if (t->config.ledger_fd) {
		t->ledger = ledger_open(t->config.ledger_fd);
		g_assert_nonnull(t->ledger);
	}
	config.ledger = t->ledger;
	config.sched = t->sched;
	t->dev = device_new(&config);
	g_assert_nonnull(t->dev);
	device_set_features(t->dev, t->config.no_3d ? 0 :
			    1 << VIRTIO_GPU_F_VIRGL | 1 << VIRTIO_GPU_F_EDID |
			    1 << VIRTIO_GPU_F_RESOURCE_UUID);
	devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
}

struct devtest *devtest_new(const struct devtest_config *config)
{
	static const struct devtest_config none;
	struct devtest *t = g_new0(struct devtest, 1);

	t->config = config ? *config : none;
	renderer_null_probe(&t->caps);
	if (t->config.no_3d)
		t->caps.count = 0;
	t->loop = event_loop_new();
	t->answer_display = true;
	t->asked = g_array_new(false, false, sizeof(uint32_t));
	t->ram_fd = shm_create("ram", DEVTEST_RAM);
	t->ram = mmap(NULL, DEVTEST_RAM, PROT_READ | PROT_WRITE, MAP_SHARED,
		      t->ram_fd, 0);
	g_assert_true(t->ram != MAP_FAILED);
	make_device(t);
	return t;
}

static void drop_device(struct devtest *t)
{
	device_free(t->dev);
	drop_sched(t);
	ledger_close(t->ledger);
	t->ledger = NULL;
	g_assert_cmpuint(t->completed, ==, t->popped);
}

void devtest_restart(struct devtest *t, struct devtest_cmd **cmds, size_t n)
{
	bool *waits = g_new0(bool, n + 1);

	for (size_t i = 0; i < n; i++)
		waits[i] = !cmds[i]->done;
	drop_device(t);
	make_device(t);
	g_assert_cmpint(device_restore(t->dev), ==, 0);
	for (size_t i = 0; i < n; i++) {
		if (!waits[i])
			continue;
		/* a dying worker answers nothing: not one byte was written */
		g_assert_cmpuint(cmds[i]->len, ==, 0);
		cmds[i]->done = false;
		cmds[i]->elem.replayed = true;
		t->popped++;
		device_process(t->dev, 0, &cmds[i]->elem);
	}
	g_free(waits);
}

void devtest_free(struct devtest *t)
{
	drop_device(t);
	for (int i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		g_free(t->screens[i].pixels);
	g_array_free(t->asked, true);
	event_loop_free(t->loop);
	munmap(t->ram, DEVTEST_RAM);
	close(t->ram_fd);
	g_free(t);
}

/* ---- commands ---- */

/* Cut at random places, so that nothing may depend on where buffers end. */
static unsigned int cut(struct iovec *iov, uint8_t *buf, size_t size)
{
	unsigned int n = 0;

	while (size) {
		size_t part = n < 3 ? (size_t)g_random_int_range(1,
				(gint32)MIN(size, 1 << 20) + 1) : size;

		iov[n++] = (struct iovec){ buf, part };
		buf += part;
		size -= part;
	}
	return n;
}

struct devtest_cmd *devtest_send(struct devtest *t, unsigned int queue,
				 const void *out, size_t size, size_t room)
{
	struct devtest_cmd *cmd = g_new0(struct devtest_cmd, 1);
	struct vring_elem *elem = &cmd->elem;

	cmd->out = malloc(size ? size : 1);
	if (size)
		memcpy(cmd->out, out, size);
	cmd->in = malloc(room ? room : 1);
	memset(cmd->in, DEVTEST_POISON, room);
	elem->iov = g_new0(struct iovec, 8);
	elem->iov_max = 8;
	elem->n_out = cut(elem->iov, cmd->out, size);
	elem->n_in = cut(elem->iov + elem->n_out, cmd->in, room);
	elem->out_len = size;
	elem->in_len = room;
	elem->seq = ++t->popped;
	device_process(t->dev, queue, elem);
	return cmd;
}

void devtest_done(struct devtest *t, struct devtest_cmd *cmd, uint32_t type)
{
	struct virtio_gpu_ctrl_hdr req = { 0 }, resp = { 0 };
	bool fenced;

	g_assert_true(cmd->done);
	memcpy(&req, cmd->out, MIN(sizeof(req), cmd->elem.out_len));
	memcpy(&resp, cmd->in, MIN(sizeof(resp), cmd->elem.in_len));
	fenced = cmd->elem.out_len >= sizeof(req) &&
		req.flags & VIRTIO_GPU_FLAG_FENCE;
	if (cmd->elem.in_len >= sizeof(resp)) {
		g_assert_cmphex(resp.type, ==, type);
		g_assert_cmpuint(resp.flags & VIRTIO_GPU_FLAG_FENCE, ==,
				 fenced ? VIRTIO_GPU_FLAG_FENCE : 0);
		g_assert_cmpuint(resp.fence_id, ==, fenced ? req.fence_id : 0);
		for (int i = 0; i < 3; i++)
			g_assert_cmpuint(resp.padding[i], ==, 0);
		g_assert_cmpuint(cmd->len, >=, sizeof(resp));
	}
	for (size_t i = cmd->len; i < cmd->elem.in_len; i++)
		g_assert_cmphex(cmd->in[i], ==, DEVTEST_POISON);
	free(cmd->out);
	free(cmd->in);
	g_free(cmd->elem.iov);
	g_free(cmd);
}

void devtest_poll(struct devtest *t)
{
	device_poll(t->dev);
}

void devtest_grant(struct devtest *t, bool lease)
{
	const uint64_t one = 1;

	atomic_store(&t->grant->lease, lease);
	if (!lease)
		return;
	g_assert_cmpint(write(t->grant_fd, &one, sizeof(one)), ==, sizeof(one));
	event_loop_iterate(t->loop, 0);
}
