// SPDX-License-Identifier: MIT
/*
 * kmst.c - mode setting of a virtio GPU: outputs, frames, cursor, refusals
 *
 * usage: kmst [DEVICE]      one line a failed case; exit status 0: none
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

enum { FLIPS = 30, MOVES = 500, DIRTY = 200 };

/** struct frame - a dumb buffer as frame buffer */
struct frame {
	uint32_t handle, id, pitch;
	uint32_t *pixels;
	uint64_t size;
};

static int fd, failures, cases, flips;
static drmModeConnector *connector;
static uint32_t crtc_id;

static bool check(const char *name, bool ok)
{
	cases++;
	if (ok)
		return true;
	failures++;
	printf("kms case failed: %s (%s)\n", name, strerror(errno));
	errno = 0;
	return false;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static bool make_frame(struct frame *f, uint32_t w, uint32_t h,
		       uint32_t format)
{
	uint32_t handles[4] = { 0 }, pitches[4] = { 0 }, offsets[4] = { 0 };
	uint64_t offset;

	if (drmModeCreateDumbBuffer(fd, w, h, 32, 0, &f->handle, &f->pitch,
				    &f->size) ||
	    drmModeMapDumbBuffer(fd, f->handle, &offset))
		return false;
	f->pixels = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 offset);
	if (f->pixels == MAP_FAILED)
		return false;
	handles[0] = f->handle;
	pitches[0] = f->pitch;
	return !drmModeAddFB2(fd, w, h, format, handles, pitches, offsets,
			      &f->id, 0);
}

static void free_frame(struct frame *f)
{
	drmModeRmFB(fd, f->id);
	munmap(f->pixels, f->size);
	drmModeDestroyDumbBuffer(fd, f->handle);
}

static drmModePropertyBlobRes *read_edid(void)
{
	drmModePropertyBlobRes *blob = NULL;
	drmModePropertyRes *prop;
	int i;

	for (i = 0; i < connector->count_props && !blob; i++) {
		prop = drmModeGetProperty(fd, connector->props[i]);
		if (prop && !strcmp(prop->name, "EDID"))
			blob = drmModeGetPropertyBlob(fd,
						connector->prop_values[i]);
		drmModeFreeProperty(prop);
	}
	return blob;
}

static bool find_output(void)
{
	static const unsigned char magic[8] = {
		0, 255, 255, 255, 255, 255, 255, 0
	};
	drmModeRes *res = drmModeGetResources(fd);
	drmModePropertyBlobRes *edid;

	if (!check("resources", res && res->count_connectors &&
		   res->count_crtcs == res->count_connectors))
		return false;
	connector = drmModeGetConnector(fd, res->connectors[0]);
	crtc_id = res->crtcs[0];
	if (!check("connector 0 is connected", connector &&
		   connector->connection == DRM_MODE_CONNECTED))
		return false;
	if (!check("it has modes", connector->count_modes > 0))
		return false;
	check("the first is preferred", connector->modes[0].type &
	      DRM_MODE_TYPE_PREFERRED);
	edid = read_edid();
	check("EDID", edid && edid->length >= 128 &&
	      !memcmp(edid->data, magic, sizeof(magic)));
	drmModeFreePropertyBlob(edid);
	printf("kms: %d outputs, preferred mode %s\n", res->count_connectors,
	       connector->modes[0].name);
	drmModeFreeResources(res);
	return true;
}

static void on_flip(int unused, unsigned int sequence, unsigned int sec,
		    unsigned int usec, void *data)
{
	flips++;
}

static bool wait_flip(void)
{
	drmEventContext ctx = {
		.version = 2, .page_flip_handler = on_flip,
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int before = flips;

	while (flips == before)
		if (poll(&p, 1, 2000) != 1 || drmHandleEvent(fd, &ctx))
			return false;
	return true;
}

static void test_flips(const struct frame *a, const struct frame *b)
{
	double start, each;
	bool ok = true;
	int i;

	drmModePageFlip(fd, crtc_id, b->id, DRM_MODE_PAGE_FLIP_EVENT, NULL);
	wait_flip();
	start = seconds();
	for (i = 0; i < FLIPS && ok; i++)
		ok = !drmModePageFlip(fd, crtc_id, i & 1 ? a->id : b->id,
				      DRM_MODE_PAGE_FLIP_EVENT, NULL) &&
		     wait_flip();
	check("page flips with events", ok);
	each = (seconds() - start) / FLIPS;
	printf("kms: %.1f ms a flip\n", each * 1e3);
	check("flips keep the pace of 60 to 75 Hz, or of a loaded machine",
	      each > 0.012 && each < 0.1);
}

static void test_vblank(void)
{
	drmVBlank v = { .request = { .type = DRM_VBLANK_RELATIVE } };
	unsigned int first;

	check("vblank query", !drmWaitVBlank(fd, &v));
	first = v.reply.sequence;
	v.request.type = DRM_VBLANK_RELATIVE;
	v.request.sequence = 3;
	check("vblank wait", !drmWaitVBlank(fd, &v) &&
	      v.reply.sequence - first >= 3 && v.reply.sequence - first < 60);
}

static void test_dirty(struct frame *f)
{
	drmModeClip clip = { 10, 10, 20, 20 };
	double start = seconds();
	bool ok = true;
	int i;

	for (i = 0; i < DIRTY && ok; i++) {
		f->pixels[f->pitch / 4 * 15 + 15] = i;
		ok = !drmModeDirtyFB(fd, f->id, &clip, 1);
	}
	check("DIRTYFB", ok);
	printf("kms: %.0f us a dirty rectangle\n",
	       (seconds() - start) / DIRTY * 1e6);
	clip.x2 = 60000;
	check("DIRTYFB beyond the frame", !drmModeDirtyFB(fd, f->id, &clip, 1));
}

static void test_cursor(void)
{
	struct frame c, small;
	bool ok = true;
	int i;

	if (!check("cursor frame", make_frame(&c, 64, 64, DRM_FORMAT_ARGB8888)))
		return;
	memset(c.pixels, 0x80, c.size);
	check("set cursor", !drmModeSetCursor2(fd, crtc_id, c.handle, 64, 64,
					       3, 4));
	for (i = 0; i < MOVES && ok; i++)
		ok = !drmModeMoveCursor(fd, crtc_id, i % 700 - 20, i % 500);
	check("move cursor", ok);
	check("hide cursor", !drmModeSetCursor(fd, crtc_id, 0, 0, 0));
	if (make_frame(&small, 32, 32, DRM_FORMAT_ARGB8888)) {
		check("cursor of another size is refused",
		      drmModeSetCursor(fd, crtc_id, small.handle, 32, 32) &&
		      errno == EINVAL);
		free_frame(&small);
	}
	free_frame(&c);
}

static int add_fb(const struct frame *f, uint32_t w, uint32_t h,
		  uint32_t format, uint32_t pitch, uint32_t offset)
{
	uint32_t handles[4] = { f->handle }, pitches[4] = { pitch };
	uint32_t offsets[4] = { offset }, id = 0;
	int ret = drmModeAddFB2(fd, w, h, format, handles, pitches, offsets,
				&id, 0);

	if (!ret)
		drmModeRmFB(fd, id);
	return ret;
}

static void test_refusals(const struct frame *f, uint32_t w, uint32_t h)
{
	check("frame higher than its memory",
	      add_fb(f, w, h * 4, DRM_FORMAT_XRGB8888, f->pitch, 0));
	check("frame with an offset",
	      add_fb(f, w, h / 2, DRM_FORMAT_XRGB8888, f->pitch, 4096));
	check("frame with a pitch too small",
	      add_fb(f, w, h, DRM_FORMAT_XRGB8888, f->pitch / 2, 0));
	check("frame of 16 bit",
	      add_fb(f, w, h, DRM_FORMAT_RGB565, f->pitch, 0));
	check("frame larger than any",
	      add_fb(f, 10000, h, DRM_FORMAT_XRGB8888, 40000, 0));
	errno = 0;
}

static int add_fb_modifier(const struct frame *f, uint32_t w, uint32_t h,
			   uint32_t format, uint64_t modifier)
{
	uint32_t handles[4] = { f->handle }, pitches[4] = { f->pitch };
	uint32_t offsets[4] = { 0 }, id = 0;
	uint64_t modifiers[4] = { modifier };
	int ret = drmModeAddFB2WithModifiers(fd, w, h, format, handles,
					     pitches, offsets, modifiers, &id,
					     DRM_MODE_FB_MODIFIERS);

	if (!ret)
		drmModeRmFB(fd, id);
	return ret;
}

/* Every order of bytes on the primary plane, one buffer after the other. */
static void test_formats(uint32_t w, uint32_t h, const struct frame *last)
{
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888,
		DRM_FORMAT_XRGB8888,
	};
	struct frame f;
	unsigned int i;

	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (!check("frame of any order",
			   make_frame(&f, w, h, formats[i])))
			return;
		memset(f.pixels, 0x20 * i, f.size);
		check("mode set of any order",
		      !drmModeSetCrtc(fd, crtc_id, f.id, 0, 0,
				      &connector->connector_id, 1,
				      &connector->modes[0]));
		/* the same pixels, read the other way round */
		check("second frame of the same buffer",
		      !add_fb(&f, w, h, formats[i] == DRM_FORMAT_XBGR8888 ?
			      DRM_FORMAT_XRGB8888 : DRM_FORMAT_XBGR8888,
			      f.pitch, 0));
		check("mode set of the last frame",
		      !drmModeSetCrtc(fd, crtc_id, last->id, 0, 0,
				      &connector->connector_id, 1,
				      &connector->modes[0]));
		free_frame(&f);
	}
	check("LINEAR modifier", !add_fb_modifier(last, w, h,
			DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR));
	check("another modifier", add_fb_modifier(last, w, h,
			DRM_FORMAT_XRGB8888, I915_FORMAT_MOD_X_TILED));
	errno = 0;
}

/* A mode that would make the vblank timer run wild. */
static void test_wild_modes(const struct frame *f)
{
	static const uint32_t wild[] = { 2147483647, 4000000000u, 1, 0 };
	unsigned int i;

	for (i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		drmModeModeInfo m = connector->modes[0];

		m.clock = wild[i];
		check("wild mode is refused",
		      drmModeSetCrtc(fd, crtc_id, f->id, 0, 0,
				     &connector->connector_id, 1, &m));
	}
	errno = 0;
}

static void on_vblank(int unused, unsigned int sequence, unsigned int sec,
		      unsigned int usec, void *data)
{
	double *t = data;

	*t = sec + usec * 1e-6;
	flips++;
}

/* Events come one frame apart, by their own time, and not in the future. */
static void test_vblank_events(void)
{
	drmEventContext ctx = { .version = 2, .vblank_handler = on_vblank };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	double t[20], frame, worst = 0;
	drmModeModeInfo *m = &connector->modes[0];
	bool ok = true;
	int i;

	frame = (double)m->htotal * m->vtotal / m->clock / 1000;
	for (i = 0; i < 20 && ok; i++) {
		drmVBlank v = { .request = {
			.type = DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT,
			.sequence = 1, .signal = (unsigned long)&t[i],
		} };

		ok = !drmWaitVBlank(fd, &v) && poll(&p, 1, 2000) == 1 &&
		     !drmHandleEvent(fd, &ctx) && t[i] <= seconds();
		if (ok && i > 0) {
			double n = (t[i] - t[i - 1]) / frame;
			double off = n - (int)(n + 0.5);

			if (off < 0)
				off = -off;
			if (off > worst)
				worst = off;
			ok = n > 0.5;
		}
	}
	check("vblank events", ok);
	printf("kms: vblanks are whole frames apart but for %.3f of one\n",
	       worst);
	check("their times are whole frames apart", worst < 0.02);
}

static void test_modes(const struct frame *f, uint32_t w, uint32_t h)
{
	int i, tried = 0;
	bool ok = true;

	/* any mode that fits the frame, from its middle too */
	for (i = 0; i < connector->count_modes && ok && tried < 4; i++) {
		drmModeModeInfo *m = &connector->modes[i];

		if (m->hdisplay >= w || m->vdisplay >= h)
			continue;
		tried++;
		ok = !drmModeSetCrtc(fd, crtc_id, f->id, 8, 8,
				     &connector->connector_id, 1, m);
		if (!ok)
			ok = errno == ENOSPC;	/* 8 pixels too many */
	}
	check("smaller modes", ok);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/dri/card0";
	struct frame a, b;
	uint32_t w, h;

	setlinebuf(stdout);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || drmSetMaster(fd)) {
		perror(path);
		return 1;
	}
	if (!find_output())
		return 1;
	w = connector->modes[0].hdisplay;
	h = connector->modes[0].vdisplay;
	if (!check("frames", make_frame(&a, w, h, DRM_FORMAT_XRGB8888) &&
		   make_frame(&b, w, h, DRM_FORMAT_XRGB8888)))
		return 1;
	memset(a.pixels, 0x40, a.size);
	memset(b.pixels, 0xc0, b.size);
	check("mode set", !drmModeSetCrtc(fd, crtc_id, a.id, 0, 0,
					  &connector->connector_id, 1,
					  &connector->modes[0]));
	test_flips(&a, &b);
	test_vblank();
	test_vblank_events();
	check("mode set", !drmModeSetCrtc(fd, crtc_id, a.id, 0, 0,
					  &connector->connector_id, 1,
					  &connector->modes[0]));
	test_dirty(&a);
	test_cursor();
	test_refusals(&a, w, h);
	test_formats(w, h, &a);
	test_wild_modes(&a);
	test_modes(&a, w, h);
	check("off", !drmModeSetCrtc(fd, crtc_id, 0, 0, 0, NULL, 0, NULL));
	check("on again", !drmModeSetCrtc(fd, crtc_id, b.id, 0, 0,
					  &connector->connector_id, 1,
					  &connector->modes[0]));
	free_frame(&a);
	free_frame(&b);
	printf("%d kms cases, %d failed\n", cases, failures);
	return failures != 0;
}
