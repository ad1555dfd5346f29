// SPDX-License-Identifier: MIT
/*
 * fuzz-device.c - any commands, and anything that may happen around them
 *
 * An input is a list of steps; ids are small, so that commands meet each other's
 * objects. What must hold: no crash, no byte beyond a chain, every chain back
 * once.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <glib.h>
#include "base/cursor.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_sched.h"
#include "protocol/virgl.h"
#include "tests/lib/devtest.h"
#include "tests/lib/fuzz.h"

#define IN_FLIGHT	256

struct fuzz {
	struct devtest *t;
	struct cursor in;
	struct devtest_cmd *cmds[IN_FLIGHT];
	size_t n;
	unsigned int renderers;		/* t->renderers when it was made */
};

static uint8_t byte(struct fuzz *f)
{
	uint8_t b = 0;

	cursor_get(&f->in, &b, 1);
	return b;
}

static void reap(struct fuzz *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct devtest_cmd *cmd = f->cmds[i];
		struct virtio_gpu_ctrl_hdr resp = { 0 };

		if (!cmd->done) {
			f->cmds[kept++] = cmd;
			continue;
		}
		memcpy(&resp, cmd->in, MIN(sizeof(resp), cmd->elem.in_len));
		if (!cmd->len)
			cmd->elem.in_len = 0;
		devtest_done(f->t, cmd, resp.type);
	}
	f->n = kept;
}

/* A word that a guest could have meant. */
static uint32_t word(struct fuzz *f)
{
	uint8_t b = byte(f);
	uint32_t w;

	switch (b >> 6) {
	case 0:
		return b & 0x3f;
	case 1:
		return 1u << (b & 31);
	case 2:
		return (b & 0x3f) * 64u;
	}
	w = b;
	cursor_get(&f->in, &w, 4);
	return w;
}

static const uint16_t types[] = {
	0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107, 0x108, 0x109,
	0x10a, 0x10b, 0x10c, 0x10d, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205,
	0x206, 0x207, 0x208, 0x300, 0x301, 0x101, 0x106, 0x103, 0x104, 0x105,
	0x202, 0x204, 0x205, 0x207,
};

static uint32_t id(struct fuzz *f)
{
	return byte(f) % 5;
}

/* Small: sides of pictures, corners of rectangles. */
static uint32_t side(struct fuzz *f)
{
	return 1 + byte(f) % 64;
}

union any {
	uint32_t words[128];
	struct virtio_gpu_ctrl_hdr hdr;
	struct virtio_gpu_resource_create_2d create_2d;
	struct virtio_gpu_resource_create_3d create_3d;
	struct virtio_gpu_set_scanout scanout;
	struct virtio_gpu_resource_flush flush;
	struct virtio_gpu_transfer_to_host_2d transfer_2d;
	struct virtio_gpu_transfer_host_3d transfer_3d;
	struct virtio_gpu_resource_attach_backing attach;
	struct virtio_gpu_resource_unref with_id;
	struct virtio_gpu_get_capset capset;
	struct virtio_gpu_cmd_submit submit;
	struct virtio_gpu_update_cursor cursor;
	struct virtio_gpu_ctx_create ctx;
};

static struct virtio_gpu_rect rect(struct fuzz *f)
{
	return (struct virtio_gpu_rect){
		byte(f) % 16, byte(f) % 16, side(f), side(f),
	};
}

static void make_create_3d(struct fuzz *f, union any *c)
{
	uint8_t b = byte(f);

	c->create_3d.target = b & 1 ? 2 : b % 9;
	c->create_3d.format = 1 + byte(f) % 4;
	c->create_3d.width = side(f);
	c->create_3d.height = b % 9 ? side(f) : 1;
	c->create_3d.depth = b % 9 == 3 ? side(f) : 1;
	c->create_3d.array_size = 1;
	c->create_3d.last_level = b & 0x80 ? byte(f) % 8 : 0;
}

static void make_backing(struct fuzz *f, union any *c)
{
	struct virtio_gpu_mem_entry *e = (void *)(&c->attach + 1);

	c->attach.nr_entries = 1 + byte(f) % 8;
	for (uint32_t i = 0; i < c->attach.nr_entries; i++) {
		e[i].addr = DEVTEST_GPA + word(f) % DEVTEST_RAM;
		e[i].length = 1 + word(f) % 8192;
	}
}

/* Commands of the stream; ids and handles are small there too. */
static void make_submit(struct fuzz *f, union any *c)
{
	uint32_t *words = (uint32_t *)(&c->submit + 1);
	uint32_t n = byte(f) % 64, len;

	c->submit.size = 4 * n;
	for (uint32_t at = 0; at < n; at += 1 + len) {
		uint8_t cmd = byte(f), b = byte(f);

		len = b % 16;
		words[at] = VIRGL_HEADER(cmd % 64, b >> 4, len);
		for (uint32_t i = 1; i <= len && at + i < n; i++)
			words[at + i] = cmd & 0x80 ? word(f) : id(f);
	}
}

static void make_body(struct fuzz *f, union any *c)
{
	c->with_id.resource_id = id(f);
	switch (c->hdr.type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		c->create_2d.format = 1 + byte(f) % 4;
		c->create_2d.width = side(f);
		c->create_2d.height = side(f);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		make_create_3d(f, c);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		make_backing(f, c);
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT:
		c->scanout.r = rect(f);
		c->scanout.scanout_id = id(f);
		c->scanout.resource_id = id(f);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		c->flush.r = rect(f);
		c->flush.resource_id = id(f);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		c->transfer_2d.r = rect(f);
		c->transfer_2d.offset = word(f);
		c->transfer_2d.resource_id = id(f);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		c->transfer_3d.box = (struct virtio_gpu_box){
			byte(f) % 8, byte(f) % 8, 0, side(f), side(f), 1,
		};
		c->transfer_3d.offset = word(f);
		c->transfer_3d.resource_id = id(f);
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		make_submit(f, c);
		break;
	case VIRTIO_GPU_CMD_UPDATE_CURSOR:
	case VIRTIO_GPU_CMD_MOVE_CURSOR:
		c->cursor.pos.scanout_id = id(f);
		c->cursor.resource_id = id(f);
		break;
	case VIRTIO_GPU_CMD_CTX_CREATE:
		c->ctx.nlen = byte(f) % 66;
		break;
	}
}

/* A command of a known type; one in eight has a word that is wrong. */
static size_t make_command(struct fuzz *f, union any *c)
{
	size_t size = sizeof(*c);
	uint8_t b;

	memset(c, 0, sizeof(*c));
	c->hdr.type = types[byte(f) % G_N_ELEMENTS(types)];
	b = byte(f);
	c->hdr.flags = b & 1;
	c->hdr.fence_id = b;
	c->hdr.ctx_id = byte(f) % 4;
	make_body(f, c);
	if (b >> 5 == 7)
		c->words[byte(f) % 40] = word(f);
	if (b >> 5 == 6)
		size = byte(f);
	return size;
}

static void send(struct fuzz *f, bool raw)
{
	union any c;
	uint8_t q = byte(f);
	size_t room = 24, size;

	if (f->n == IN_FLIGHT)
		return;
	if (raw) {
		size = MIN(byte(f), f->in.left);
		c.hdr.type = 0;
		cursor_get(&f->in, &c, size);
	} else {
		size = make_command(f, &c);
	}
	if (q > 128)
		room = q < 192 ? q - 128 : 2000;
	f->cmds[f->n++] = devtest_send(f->t, q == 255 || c.hdr.type >> 8 == 3,
				       &c, size, room);
}

static void retire(struct fuzz *f)
{
	struct renderer_null_state s;

	if (f->renderers == f->t->renderers)
		return;
	renderer_null_state(f->t->renderer, &s);
	if (s.emitted > s.retired)
		renderer_null_retire(f->t->renderer, s.retired + 1 +
				     byte(f) % (s.emitted - s.retired));
}

static void answer_display(struct fuzz *f)
{
	struct virtio_gpu_display_one modes[VIRTIO_GPU_MAX_SCANOUTS];
	uint32_t cookie;

	if (!f->t->asked->len)
		return;
	cookie = g_array_index(f->t->asked, uint32_t,
			       byte(f) % f->t->asked->len);
	memset(modes, byte(f), sizeof(modes));
	if (byte(f) & 1)
		device_display_info(f->t->dev, cookie, modes);
	else
		device_edid(f->t->dev, cookie, (uint8_t *)modes, byte(f));
}

static void remap(struct fuzz *f)
{
	uint8_t b = byte(f);

	if (b < 32)
		device_set_mem(f->t->dev, NULL);
	else
		devtest_map(f->t, DEVTEST_GPA + (b & 1) * 4096,
			    b & 2 ? DEVTEST_RAM : 65536);
}

static void restart(struct fuzz *f)
{
	f->renderers = f->t->renderers;
	devtest_restart(f->t, f->cmds, f->n);
}

static void reset(struct fuzz *f)
{
	device_reset(f->t->dev);
	f->renderers = f->t->renderers;
	devtest_map(f->t, DEVTEST_GPA, DEVTEST_RAM);
	device_set_features(f->t->dev, byte(f) ? 7 : 0);
}

static void step(struct fuzz *f)
{
	switch (byte(f)) {
	case 0 ... 9:
		send(f, true);
		break;
	case 10 ... 15:
		devtest_grant(f->t, byte(f) & 1);
		break;
	case 16 ... 25:
		retire(f);
		break;
	case 26 ... 35:
		devtest_poll(f->t);
		break;
	case 36 ... 38:
		remap(f);
		break;
	case 39:
		reset(f);
		break;
	case 40:
		restart(f);
		break;
	case 41 ... 50:
		answer_display(f);
		break;
	default:
		send(f, false);
	}
	reap(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* so little that much is refused; and buffers go in pieces */
	struct devtest_config config = {
		.leases = true, .split = true,
	};
	struct renderer_null_hooks hooks = { .hold_fences = true };
	struct fuzz *f = g_new0(struct fuzz, 1);

	f->in = cursor_init(data, size);
	g_random_set_seed(1);
	log_set_level(LOG_LEVEL_ERROR);
	config.ledger_fd = ledger_create();
	hooks.hold_fences = byte(f) & 1;
	renderer_null_set_hooks(&hooks);
	f->t = devtest_new(&config);
	f->t->grant->memory_max = 32 << 10;
	f->t->grant->max_contexts = 2;
	f->t->answer_display = byte(f) & 1;
	devtest_grant(f->t, byte(f) & 3);
	while (f->in.left)
		step(f);
	device_reset(f->t->dev);
	reap(f);
	g_assert_cmpuint(f->n, ==, 0);
	devtest_free(f->t);
	close(config.ledger_fd);
	g_free(f);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 3000);
}
#endif
