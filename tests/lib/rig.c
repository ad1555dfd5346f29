// SPDX-License-Identifier: MIT
/*
 * rig.c - a renderer over virglrenderer for unit tests, checked at every step
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SANITIZE_ADDRESS__)
#include <dlfcn.h>
#include <link.h>
#endif

#include <glib.h>

#include "tests/lib/rig.h"

#if defined(__SANITIZE_ADDRESS__)
/* Mesa leaks a little with each display; that is not for us to mend. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:_dri.so\nleak:libgallium\n";
}

static int keep_one(struct dl_phdr_info *info, size_t size, void *opaque)
{
	if (strstr(info->dlpi_name, "_dri.so"))
		dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD |
		       RTLD_NODELETE);
	return 0;
}

/* A leak is known by its library only while that is loaded. */
void rig_keep_drivers(void)
{
	dl_iterate_phdr(keep_one, NULL);
}
#else
void rig_keep_drivers(void)
{
}
#endif

struct rig rig;

static void fences_retired(void *opaque, uint64_t fence)
{
	g_assert_true(opaque == &rig.retired);
	/* numbers only grow, and none retires that was not emitted */
	g_assert_cmpuint(fence, >, rig.retired);
	g_assert_cmpuint(fence, <=, rig.emitted);
	rig.retired = fence;
	rig.callbacks++;
}

struct renderer *rig_setup(void)
{
	struct renderer_config config = {
		.render_node = getenv("RENDER_NODE"),
		.fences_retired = fences_retired,
		.opaque = &rig.retired,
	};

	rig.emitted = rig.retired = 0;
	rig.callbacks = 0;
	rig.r = renderer_virgl_new(&config);
	g_assert_nonnull(rig.r);
	rig_keep_drivers();
	return rig.r;
}

void rig_teardown(void)
{
	rig.r->ops->free(rig.r);
	rig.r = NULL;
}

int rig_new_fence(uint32_t ctx)
{
	int ret = rig.r->ops->fence(rig.r, ctx, ++rig.emitted);

	g_assert_cmpint(ret, >=, 0);
	if (ret == 1) {
		/* only when none before it is on its way */
		g_assert_cmpuint(rig.retired, ==, rig.emitted - 1);
		rig.retired = rig.emitted;
	}
	return ret;
}

void rig_wait_fences(uint64_t until)
{
	struct pollfd p = { .fd = rig.r->ops->poll_fd(rig.r), .events = POLLIN };

	while (rig.retired < until) {
		g_assert_cmpint(poll(&p, 1, 30000), ==, 1);
		rig.r->ops->poll(rig.r);
	}
}

void rig_texture(uint32_t id, uint32_t flags)
{
	struct renderer_resource res = {
		.id = id, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_B8G8R8A8_UNORM,
		.bind = VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SAMPLER_VIEW,
		.width = RIG_W, .height = RIG_H, .depth = 1, .array_size = 1,
		.flags = flags,
	};

	g_assert_cmpint(rig.r->ops->resource_create(rig.r, &res), ==, 0);
}

int rig_submit(uint32_t ctx, const struct virgl_stream *s)
{
	return rig.r->ops->submit(rig.r, ctx, s->word, s->n);
}

/* A context that draws into a texture of its own. */
void rig_context(uint32_t ctx, uint32_t res)
{
	struct virgl_stream s = { 0 };

	g_assert_cmpint(rig.r->ops->context_create(rig.r, ctx, 0, "test"),
			==, 0);
	g_assert_cmpint(rig.r->ops->context_attach(rig.r, ctx, res), ==, 0);
	virgl_surface(&s, 1, res, VIRGL_FORMAT_B8G8R8A8_UNORM);
	virgl_framebuffer(&s, 1);
	g_assert_cmpint(rig_submit(ctx, &s), ==, 0);
}

int rig_clear(uint32_t ctx, float red, float green, float blue)
{
	const float rgba[4] = { red, green, blue, 1 };
	struct virgl_stream s = { 0 };

	virgl_clear(&s, rgba);
	return rig_submit(ctx, &s);
}

uint32_t rig_pixel_of(uint32_t res, uint32_t x, uint32_t y)
{
	uint32_t pixel = 0x12345678;

	g_assert_cmpint(rig.r->ops->read_pixels(rig.r, res, x, y, 1, 1, &pixel,
						4), ==, 0);
	return pixel;
}
