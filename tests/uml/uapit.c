// SPDX-License-Identifier: MIT
/*
 * uapit.c - contexts with rings, syncobjs and in-fences, on a host that has
 * them all
 *
 * usage: uapit                      one line a failed case; exit status 0: none
 */
#include <time.h>
#include "tests/uml/sw_sync.h"
#include "tests/uml/uapit.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- contexts ---- */

static int init(int fd, const struct drm_vgpu_context_set_param *params,
		uint32_t n)
{
	struct drm_vgpu_context_init i = {
		.num_params = n, .ctx_set_params = (uintptr_t)params,
	};

	return ioctl(fd, DRM_IOCTL_VGPU_CONTEXT_INIT, &i);
}

static int init1(int fd, uint64_t param, uint64_t value)
{
	const struct drm_vgpu_context_set_param p = { param, value };

	return init(fd, &p, 1);
}

static void test_params(void)
{
	const struct drm_vgpu_context_set_param twice[] = {
		{ VGPU_CONTEXT_PARAM_NUM_RINGS, 1 },
		{ VGPU_CONTEXT_PARAM_NUM_RINGS, 1 },
	}, poll_too_far[] = {
		{ VGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
		{ VGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 4 },
	}, five[5] = { { 1, 2 }, { 2, 2 }, { 3, 1 } };
	const struct drm_vgpu_context_set_param all[] = {
		{ VGPU_CONTEXT_PARAM_DEBUG_NAME, (uintptr_t)"a debug name" },
		{ VGPU_CONTEXT_PARAM_POLL_RINGS_MASK, ~0ull },
		{ VGPU_CONTEXT_PARAM_NUM_RINGS, 64 },
		{ VGPU_CONTEXT_PARAM_CAPSET_ID, 2 },
	};
	static const uint64_t capsets[] = { 0, 3, 29, 63, 64, 1ull << 32 | 2 };
	int fd = dev_open();
	unsigned int i;

	check("CONTEXT_INIT, 5 params", init(fd, five, 5), EINVAL);
	check("CONTEXT_INIT, very many params", init(fd, five, ~0u), EINVAL);
	check("CONTEXT_INIT, bad address", init(fd, (void *)8, 1), EFAULT);
	check("CONTEXT_INIT, param 0", init1(fd, 0, 1), EINVAL);
	check("CONTEXT_INIT, param 5", init1(fd, 5, 1), EINVAL);
	check("CONTEXT_INIT, param 2^32", init1(fd, 1ull << 32, 1), EINVAL);
	check("CONTEXT_INIT, param 2^63", init1(fd, 1ull << 63, 1), EINVAL);
	check("CONTEXT_INIT, param twice", init(fd, twice, 2), EINVAL);
	check("CONTEXT_INIT, ring beyond the last", init(fd, poll_too_far, 2),
	      EINVAL);
	check("CONTEXT_INIT, poll ring without rings",
	      init1(fd, VGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 1), EINVAL);
	check("CONTEXT_INIT, 65 rings",
	      init1(fd, VGPU_CONTEXT_PARAM_NUM_RINGS, 65), EINVAL);
	check("CONTEXT_INIT, name at a bad address",
	      init1(fd, VGPU_CONTEXT_PARAM_DEBUG_NAME, 8), EFAULT);
	for (i = 0; i < sizeof(capsets) / sizeof(capsets[0]); i++)
		check("CONTEXT_INIT, no such capset",
		      init1(fd, VGPU_CONTEXT_PARAM_CAPSET_ID, capsets[i]),
		      EINVAL);
	/* of what failed nothing is left */
	check("CONTEXT_INIT, everything", init(fd, all, 4), 0);
	check("CONTEXT_INIT again", init(fd, all, 4), EEXIST);
	check("CONTEXT_INIT again, without params", init(fd, NULL, 0), EEXIST);
	close(fd);

	fd = dev_open();
	check("CONTEXT_INIT without params", init(fd, NULL, 0), 0);
	close(fd);
	fd = dev_open();
	check("EXECBUFFER", exec(fd, &(struct drm_vgpu_execbuffer){
		.command = (uintptr_t)nop, .size = 4, .fence_fd = -1 }), 0);
	check("CONTEXT_INIT after use", init(fd, all, 4), EEXIST);
	close(fd);
}

static int on_ring(int fd, uint32_t ring, uint32_t flags, uint32_t size)
{
	struct drm_vgpu_execbuffer e = good;

	e.flags = VGPU_EXECBUF_RING_IDX | flags;
	e.ring_idx = ring;
	e.size = size;
	return exec(fd, &e) ? -1 :
		flags & VGPU_EXECBUF_FENCE_FD_OUT ? e.fence_fd : 0;
}

static void test_rings(void)
{
	const struct drm_vgpu_context_set_param params[] = {
		{ VGPU_CONTEXT_PARAM_CAPSET_ID, 2 },
		{ VGPU_CONTEXT_PARAM_NUM_RINGS, 3 },
		{ VGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 2 },
	};
	struct drm_event ev[2];
	int fd = dev_open(), fence;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint32_t i;

	check("ring before CONTEXT_INIT", on_ring(fd, 0, 0, 4), EINVAL);
	check("CONTEXT_INIT", init(fd, params, 3), 0);
	for (i = 0; i < 3; i++) {
		fence = on_ring(fd, i, VGPU_EXECBUF_FENCE_FD_OUT, 0);
		check("size 0, out-fence, ring", fence, 0);
		check_true("its fence signals", signalled(fence, 5000));
		close(fence);
	}
	check("ring 3 of 3", on_ring(fd, 3, 0, 4), EINVAL);
	check("ring 64", on_ring(fd, 64, 0, 4), EINVAL);
	check("ring 2^31", on_ring(fd, 1u << 31, 0, 4), EINVAL);
	/* the event of the poll ring above, and of this one */
	check("ring without events", on_ring(fd, 2, 0, 4), 0);
	check("ring with events", on_ring(fd, 1, 0, 4), 0);
	for (i = 0; i < 2; i++) {
		check_true("event", poll(&p, 1, 5000) == 1);
		check_true("read", read(fd, ev, sizeof(ev[0])) == 8);
		check_true("its type", ev[0].type == VGPU_EVENT_FENCE_SIGNALED);
		check_true("its length", ev[0].length == 8);
	}
	check_true("no more of them", poll(&p, 1, 50) == 0);
	/* what nobody reads is bounded, and nothing of it is lost */
	for (i = 0; i < 2000 && !on_ring(fd, 1, 0, 4); i++)
		;
	check_true("events that nobody reads", i >= 16 && i < 2000);
	check_true("no memory for more", errno == ENOMEM);
	while (i--)
		if (poll(&p, 1, 5000) != 1 || read(fd, ev, 8) != 8)
			break;
	check_true("all of them come", i == ~0u);
	check("and then others", on_ring(fd, 1, 0, 4), 0);
	/* with one under way */
	close(fd);
}

/* ---- syncobjs ---- */

static uint32_t syncobj(int fd)
{
	struct drm_syncobj_create c = { 0 };

	check("SYNCOBJ_CREATE", ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &c), 0);
	return c.handle;
}

static int wait_point(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_wait w = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point,
		.timeout_nsec = (int64_t)((now() + 5) * 1e9),
		.count_handles = 1,
	};

	return ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &w);
}

static int exec_sync(int fd, const struct drm_vgpu_execbuffer_syncobj *in,
		     const struct drm_vgpu_execbuffer_syncobj *out)
{
	struct drm_vgpu_execbuffer e = good;

	e.syncobj_stride = sizeof(*in);
	e.in_syncobjs = (uintptr_t)in;
	e.num_in_syncobjs = !!in;
	e.out_syncobjs = (uintptr_t)out;
	e.num_out_syncobjs = !!out;
	return exec(fd, &e);
}

static void test_syncobjs(void)
{
	struct drm_vgpu_execbuffer_syncobj a = { 0 }, b = { 0 }, c;
	struct drm_vgpu_execbuffer e;
	int fd = dev_open();

	a.handle = syncobj(fd);
	b.handle = syncobj(fd);
	check("in-syncobj without a fence", exec_sync(fd, &a, NULL), EINVAL);
	check("out-syncobj", exec_sync(fd, NULL, &a), 0);
	check("it signals", wait_point(fd, a.handle, 0), 0);
	b.point = 5;
	check("from one to a point", exec_sync(fd, &a, &b), 0);
	check("the point signals", wait_point(fd, b.handle, 5), 0);
	check("wait for the point", exec_sync(fd, &b, NULL), 0);
	b.point = 4;
	check("wait for one before", exec_sync(fd, &b, NULL), 0);
	b.point = 6;
	check("wait for one that is not there", exec_sync(fd, &b, NULL),
	      EINVAL);
	check("set it", exec_sync(fd, NULL, &b), 0);
	check("and wait", exec_sync(fd, &b, NULL), 0);
	a.flags = VGPU_EXECBUF_SYNCOBJ_RESET;
	check("wait and reset", exec_sync(fd, &a, NULL), 0);
	check("it holds nothing now", exec_sync(fd, &a, NULL), EINVAL);
	check("reset of an out-syncobj", exec_sync(fd, NULL, &a), EINVAL);
	a.flags = 2;
	check("unknown flag", exec_sync(fd, &a, NULL), EINVAL);
	c = (struct drm_vgpu_execbuffer_syncobj){ .handle = 0x7777 };
	check("no such in-syncobj", exec_sync(fd, &c, NULL), ENOENT);
	check("no such out-syncobj", exec_sync(fd, NULL, &c), EINVAL);
	check("in-syncobjs at a bad address", exec_sync(fd, (void *)8, NULL),
	      EFAULT);
	check("out-syncobjs at a bad address", exec_sync(fd, NULL, (void *)8),
	      EFAULT);
	/* half of the struct: flags and point are 0 */
	e = good, e.syncobj_stride = 4, e.num_out_syncobjs = 1;
	a.flags = ~0u;
	e.out_syncobjs = (uintptr_t)&a;
	check("a shorter struct", exec(fd, &e), 0);
	check("signals", wait_point(fd, a.handle, 0), 0);
	e.num_out_syncobjs = (64u << 10) + 1;
	check("too many syncobjs", exec(fd, &e), EINVAL);
	e.num_out_syncobjs = ~0u;
	check("very many syncobjs", exec(fd, &e), EINVAL);
	close(fd);
}

/* ---- in-fences ---- */

static int is_busy(int fd, uint32_t bo)
{
	struct drm_vgpu_3d_wait w = { bo, VGPU_WAIT_NOWAIT };

	return ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w) && errno == EBUSY;
}

static int sw_fence(int sw, uint32_t value)
{
	struct sw_sync_fence f = { .value = value, .name = "test" };

	return ioctl(sw, SW_SYNC_CREATE, &f) ? -1 : f.fence;
}

static void test_in_fence(void)
{
	struct drm_vgpu_3d_transfer t = { .box = { 0, 0, 0, SIDE, SIDE, 1 } };
	int fd = dev_open(), other = dev_open(), sw = open(SW_SYNC, O_RDWR);
	uint32_t bo = texture(fd), free_bo = texture(other), shared;
	int in = sw_fence(sw, 1), a, b, c, d, e;
	const uint32_t one = 1;
	double begin = now();

	check_true("sw_sync", sw >= 0 && in >= 0);
	shared = share(fd, bo, other);
	a = exec_on(fd, bo, in);
	check("EXECBUFFER with an in-fence", a, 0);
	check_true("does not wait for it", now() - begin < 1);
	b = exec_on(fd, 0, -1);			/* same context: behind it */
	c = exec_on(other, shared, -1);		/* same object: behind it */
	d = exec_on(other, 0, -1);		/* behind c, of its context */
	check_true("fences", b >= 0 && c >= 0 && d >= 0);
	t.bo_handle = bo;
	check("TRANSFER_FROM_HOST behind it",
	      ioctl(fd, DRM_IOCTL_VGPU_TRANSFER_FROM_HOST, &t), 0);
	check("close of its object", gem_close(fd, bo), 0);
	check_true("nothing of it signals", !signalled(a, 100) &&
		   !signalled(b, 0) && !signalled(c, 0) && !signalled(d, 0));
	check_true("its object is busy", is_busy(other, shared));
	close(other);
	other = dev_open();
	free_bo = texture(other);
	e = exec_on(other, free_bo, -1);
	check_true("others pass", signalled(e, 5000));
	check("signal the in-fence", ioctl(sw, SW_SYNC_INC, &one), 0);
	check_true("everything signals", signalled(a, 5000) &&
		   signalled(b, 5000) && signalled(c, 5000) &&
		   signalled(d, 5000));
	close(a), close(b), close(c), close(d), close(e), close(in);

	/* both ends closed with commands that wait */
	in = sw_fence(sw, 5);
	a = exec_on(other, free_bo, in);
	close(in);
	close(other);
	close(fd);
	check_true("closed files wait as well", !signalled(a, 50));
	close(sw);		/* signals all its fences, with an error */
	check_true("and get their turn", signalled(a, 5000));
	close(a);
}

static void test_many_waiting(void)
{
	int fd = dev_open(), sw = open(SW_SYNC, O_RDWR), in = sw_fence(sw, 1);
	struct drm_vgpu_execbuffer e = good;
	const uint32_t one = 1;
	int last = -1, i;

	e.flags = VGPU_EXECBUF_FENCE_FD_IN;
	e.fence_fd = in;
	for (i = 0; i < 63; i++)
		if (exec(fd, &e))
			break;
	check_true("63 commands wait", i == 63);
	last = exec_on(fd, 0, in);
	check_true("the last of them", last >= 0 && !signalled(last, 50));
	check("signal", ioctl(sw, SW_SYNC_INC, &one), 0);
	check_true("all are done", signalled(last, 5000));
	close(last), close(in), close(sw), close(fd);
}

int main(void)
{
	test_params();
	test_rings();
	test_syncobjs();
	test_in_fence();
	test_many_waiting();
	printf("%d uapi cases, %d failed\n", cases, failures);
	return failures != 0;
}
