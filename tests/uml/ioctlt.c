// SPDX-License-Identifier: MIT
/*
 * ioctlt.c - the contract of the driver's ioctls: what is answered to what
 *
 * usage: ioctlt 2d|3d [DEVICE]      one line a failed case; exit status 0: none
 *
 * 2d, 3d: whether the host behind the device offers virgl.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm_mode.h>
#include "guest-driver/vgpu_drm.h"

#define BO_SIZE		(64 * 64 * 4)
#define BAD_HANDLE	0x7777
/* a command that virgl ignores: NOP of one word */
static const uint32_t nop[1];

static bool is_3d;
static int fd, failures, cases;
static uint32_t bo;

static void check(const char *name, int ret, int want)
{
	int got = ret < 0 ? errno : 0;

	cases++;
	if (got == want)
		return;
	failures++;
	printf("ioctl case failed: %s: got %s, want %s\n", name,
	       got ? strerror(got) : "success",
	       want ? strerror(want) : "success");
}

static void check_true(const char *name, bool ok)
{
	cases++;
	if (ok)
		return;
	failures++;
	printf("ioctl case failed: %s\n", name);
}

static void test_identity(void)
{
	char name[32] = "", desc[32] = "";
	struct drm_version v = {
		.name = name, .name_len = sizeof(name) - 1,
		.desc = desc, .desc_len = sizeof(desc) - 1,
	};

	check("VERSION", ioctl(fd, DRM_IOCTL_VERSION, &v), 0);
	check_true("name", !strcmp(name, "virtio_gpu"));
	check_true("description", !strcmp(desc, "virtio GPU"));
	check_true("version 0.1.0", v.version_major == 0 &&
		   v.version_minor == 1 && v.version_patchlevel == 0);
}

/* @want: errno, or 0 and @value. The upper half must not be written. */
static void getparam(uint64_t param, int want, int64_t value)
{
	uint64_t got = 0xdeadbeefcafecafeull;
	struct drm_vgpu_getparam gp = {
		.param = param, .value = (uintptr_t)&got,
	};
	char name[40];

	snprintf(name, sizeof(name), "GETPARAM %d", (int)param);
	check(name, ioctl(fd, DRM_IOCTL_VGPU_GETPARAM, &gp), want);
	if (!want && value >= 0)
		check_true(name, (uint32_t)got == value);
	if (!want)
		check_true("GETPARAM writes 4 bytes", got >> 32 == 0xdeadbeef);
}

static void test_getparam(void)
{
	struct drm_vgpu_getparam gp = { .param = 2, .value = 8 };

	getparam(VGPU_PARAM_3D_FEATURES, 0, is_3d);
	getparam(VGPU_PARAM_CAPSET_QUERY_FIX, 0, 1);
	/* what these are on our own host, uapit knows */
	getparam(VGPU_PARAM_RESOURCE_BLOB, 0, -1);
	getparam(VGPU_PARAM_HOST_VISIBLE, 0, 0);
	getparam(VGPU_PARAM_CROSS_DEVICE, 0, -1);
	getparam(VGPU_PARAM_CONTEXT_INIT, 0, -1);
	getparam(VGPU_PARAM_EXPLICIT_DEBUG_NAME, 0, -1);
	getparam(VGPU_PARAM_SUPPORTED_CAPSETS, 0, is_3d ? 6 : 0);
	getparam(VGPU_PARAM_BLOB_ALIGNMENT, ENOENT, 0);
	getparam(0, EINVAL, 0);
	getparam(99, EINVAL, 0);
	getparam(1ull << 32 | 1, EINVAL, 0);
	check("GETPARAM to a bad address",
	      ioctl(fd, DRM_IOCTL_VGPU_GETPARAM, &gp), EFAULT);
}

static bool has(uint64_t param)
{
	uint64_t got = 0;
	struct drm_vgpu_getparam gp = {
		.param = param, .value = (uintptr_t)&got,
	};

	return !ioctl(fd, DRM_IOCTL_VGPU_GETPARAM, &gp) && got;
}

static void get_caps(const char *name, uint32_t id, uint32_t version,
		     void *to, uint32_t size, int want)
{
	struct drm_vgpu_get_caps c = {
		.cap_set_id = id, .cap_set_ver = version,
		.addr = (uintptr_t)to, .size = size,
	};

	check(name, ioctl(fd, DRM_IOCTL_VGPU_GET_CAPS, &c), want);
}

static void test_get_caps(void)
{
	unsigned char buf[8192], again[8192];

	if (!is_3d) {
		get_caps("GET_CAPS without capsets", 1, 1, buf, 64, ENOSYS);
		return;
	}
	get_caps("GET_CAPS of size 0", 1, 1, buf, 0, EINVAL);
	get_caps("GET_CAPS of unknown id", 63, 0, buf, 64, EINVAL);
	get_caps("GET_CAPS of id 0", 0, 0, buf, 64, EINVAL);
	get_caps("GET_CAPS of too new a version", 1, 9999, buf, 64, EINVAL);
	get_caps("GET_CAPS to a bad address", 1, 1, (void *)8, 64, EFAULT);
	memset(buf, 0, sizeof(buf));
	get_caps("GET_CAPS virgl", 1, 1, buf, sizeof(buf), 0);
	check_true("virgl caps say a version", buf[0] >= 1);
	get_caps("GET_CAPS virgl2", 2, 2, buf, sizeof(buf), 0);
	memset(again, 0xee, sizeof(again));
	get_caps("GET_CAPS, part", 2, 2, again, 16, 0);
	check_true("GET_CAPS keeps to the size", again[16] == 0xee &&
		   !memcmp(again, buf, 16));
}

static int create(struct drm_vgpu_resource_create *c)
{
	return ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_CREATE, c);
}

static const struct drm_vgpu_resource_create texture = {
	.target = 2, .format = 1, .bind = 2, .width = 64, .height = 64,
	.depth = 1, .array_size = 1, .size = BO_SIZE,
};

static void test_resource(void)
{
	struct drm_vgpu_resource_create c = texture, d = texture;
	struct drm_vgpu_resource_info info = { .bo_handle = BAD_HANDLE };
	struct drm_gem_close close = { 0 };
	int want = is_3d ? 0 : EINVAL;
	uint32_t first;

	check("RESOURCE_CREATE", create(&c), 0);
	check_true("handles", c.bo_handle && c.res_handle);
	first = c.res_handle;
	bo = c.bo_handle;
	d.size = 0;
	check("RESOURCE_CREATE of size 0", create(&d), 0);
	check_true("ids are not used again", d.res_handle > first);
	info.bo_handle = d.bo_handle;
	check("RESOURCE_INFO", ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_INFO, &info),
	      0);
	check_true("size 0 is one page", info.size == 4096);
	check_true("RESOURCE_INFO's id", info.res_handle == d.res_handle &&
		   info.blob_mem == 0);
	close.handle = d.bo_handle;
	check("GEM_CLOSE", ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close), 0);
	check("GEM_CLOSE again", ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close),
	      EINVAL);
	check("RESOURCE_INFO of nothing",
	      ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_INFO, &info), ENOENT);

	d = texture, d.target = 3;
	if (!is_3d)
		check("2D: other target", create(&d), want);
	d = texture, d.depth = 2;
	if (!is_3d)
		check("2D: depth", create(&d), want);
	d = texture, d.nr_samples = 2;
	if (!is_3d)
		check("2D: samples", create(&d), want);
	d = texture, d.array_size = 2;
	if (!is_3d)
		check("2D: array", create(&d), want);
	d = texture, d.last_level = 2;
	if (!is_3d)
		check("2D: levels", create(&d), want);
}

static void test_map(void)
{
	struct drm_vgpu_map map = { .handle = bo };
	uint32_t *p;

	check("MAP", ioctl(fd, DRM_IOCTL_VGPU_MAP, &map), 0);
	p = mmap(NULL, BO_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 map.offset);
	check_true("mmap", p != MAP_FAILED);
	if (p != MAP_FAILED) {
		memset(p, 0x5a, BO_SIZE);
		check_true("memory", p[BO_SIZE / 4 - 1] == 0x5a5a5a5a);
		munmap(p, BO_SIZE);
	}
	map.handle = BAD_HANDLE;
	check("MAP of nothing", ioctl(fd, DRM_IOCTL_VGPU_MAP, &map), ENOENT);
}

static void test_transfer(void)
{
	struct drm_vgpu_3d_transfer t = {
		.bo_handle = bo, .box = { 0, 0, 0, 64, 64, 1 },
	};
	const unsigned long to = DRM_IOCTL_VGPU_TRANSFER_TO_HOST;
	const unsigned long from = DRM_IOCTL_VGPU_TRANSFER_FROM_HOST;

	check("TRANSFER_TO_HOST", ioctl(fd, to, &t), 0);
	check("TRANSFER_FROM_HOST", ioctl(fd, from, &t), is_3d ? 0 : ENOSYS);
	t.bo_handle = BAD_HANDLE;
	check("TRANSFER_TO_HOST of nothing", ioctl(fd, to, &t), ENOENT);
	check("TRANSFER_FROM_HOST of nothing", ioctl(fd, from, &t),
	      is_3d ? ENOENT : ENOSYS);
	t.bo_handle = bo;
	t.stride = 256;
	check("TRANSFER_TO_HOST with stride", ioctl(fd, to, &t),
	      is_3d ? EINVAL : 0);
	t.stride = 0, t.layer_stride = 4096;
	check("TRANSFER_FROM_HOST with layer stride", ioctl(fd, from, &t),
	      is_3d ? EINVAL : ENOSYS);
}

static void test_wait(void)
{
	struct drm_vgpu_3d_wait w = { .handle = bo };

	check("WAIT", ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w), 0);
	w.flags = VGPU_WAIT_NOWAIT;
	check("WAIT, now", ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w), 0);
	w.handle = BAD_HANDLE;
	check("WAIT for nothing", ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w), ENOENT);
}

static int exec(struct drm_vgpu_execbuffer *e)
{
	return ioctl(fd, DRM_IOCTL_VGPU_EXECBUFFER, e);
}

static bool signalled(int fence)
{
	struct pollfd p = { .fd = fence, .events = POLLIN };

	return poll(&p, 1, 5000) == 1 && p.revents == POLLIN;
}

static const struct drm_vgpu_execbuffer good = {
	.command = (uintptr_t)nop, .size = sizeof(nop), .fence_fd = -1,
};

static void test_exec_errors(void)
{
	uint32_t handles[2] = { bo, BAD_HANDLE };
	struct drm_vgpu_execbuffer e;

	e = good, e.flags = 8;
	check("EXECBUFFER with an unknown flag", exec(&e), EINVAL);
	e = good, e.flags = VGPU_EXECBUF_RING_IDX;
	check("EXECBUFFER with a ring", exec(&e), EINVAL);
	e = good, e.num_in_syncobjs = 1;
	check("EXECBUFFER with an unknown syncobj", exec(&e), ENOENT);
	e = good, e.flags = VGPU_EXECBUF_FENCE_FD_IN, e.fence_fd = 0;
	check("EXECBUFFER, in-fence is no fence", exec(&e), EINVAL);
	e = good, e.command = 8, e.size = 64;
	check("EXECBUFFER from a bad address", exec(&e), EFAULT);
	e = good, e.size = (64u << 20) + 4;
	check("EXECBUFFER, too large", exec(&e), EINVAL);
	e = good, e.num_bo_handles = 1, e.bo_handles = 8;
	check("EXECBUFFER, handles at a bad address", exec(&e), EFAULT);
	e = good, e.num_bo_handles = 2, e.bo_handles = (uintptr_t)handles;
	check("EXECBUFFER with an unknown handle", exec(&e), ENOENT);
	e = good, e.num_bo_handles = (64u << 10) + 1;
	e.bo_handles = (uintptr_t)handles;
	check("EXECBUFFER with too many handles", exec(&e), EINVAL);
	/* a failed call must not have closed descriptor 0 */
	check_true("descriptor 0 is open", fcntl(0, F_GETFD) >= 0);
}

static void test_exec(void)
{
	uint32_t twice[3] = { bo, bo, bo };
	struct drm_vgpu_execbuffer e = good;
	char *large;
	int fence;

	if (!is_3d) {
		check("EXECBUFFER without 3D", exec(&e), ENOSYS);
		return;
	}
	check("EXECBUFFER", exec(&e), 0);
	e = good, e.size = 0, e.flags = VGPU_EXECBUF_FENCE_FD_OUT;
	check("EXECBUFFER of size 0 with out-fence", exec(&e), 0);
	check_true("fence of size 0 signals", signalled(e.fence_fd));
	close(e.fence_fd);
	e = good, e.num_bo_handles = 3, e.bo_handles = (uintptr_t)twice;
	check("EXECBUFFER with a handle thrice", exec(&e), 0);

	e = good, e.flags = VGPU_EXECBUF_FENCE_FD_OUT;
	check("EXECBUFFER with out-fence", exec(&e), 0);
	fence = e.fence_fd;
	check_true("close-on-exec", fcntl(fence, F_GETFD) == FD_CLOEXEC);
	e = good, e.fence_fd = fence;
	e.flags = VGPU_EXECBUF_FENCE_FD_IN | VGPU_EXECBUF_FENCE_FD_OUT;
	check("EXECBUFFER with both fences", exec(&e), 0);
	check_true("out-fence is another", e.fence_fd != fence);
	check_true("first fence signals", signalled(fence));
	check_true("second fence signals", signalled(e.fence_fd));
	close(fence);
	close(e.fence_fd);

	/* many chunks, physically in pieces; the words are NOPs */
	large = calloc(1, 6 << 20);
	e = good, e.command = (uintptr_t)large, e.size = 6 << 20;
	e.flags = VGPU_EXECBUF_FENCE_FD_OUT;
	check("EXECBUFFER of 6 MiB", exec(&e), 0);
	check_true("its fence signals", signalled(e.fence_fd));
	close(e.fence_fd);
	free(large);
	test_exec_errors();
}

static void test_optional(void)
{
	struct drm_vgpu_context_init init = { .num_params = 0 };
	struct drm_vgpu_resource_create_blob blob = {
		.blob_mem = 1, .blob_flags = 1, .size = 4096,
	};

	/* the file has drawn already, if it can */
	check("CONTEXT_INIT", ioctl(fd, DRM_IOCTL_VGPU_CONTEXT_INIT, &init),
	      has(VGPU_PARAM_CONTEXT_INIT) ? EEXIST : EINVAL);
	check("RESOURCE_CREATE_BLOB",
	      ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_CREATE_BLOB, &blob),
	      has(VGPU_PARAM_RESOURCE_BLOB) ? 0 : EINVAL);
}

static void test_dumb(void)
{
	struct drm_mode_create_dumb d = { .width = 100, .height = 50, .bpp = 32 };
	struct drm_mode_destroy_dumb gone = { 0 };

	check("CREATE_DUMB", ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &d), 0);
	check_true("pitch and size", d.pitch == 400 && d.size == 20480);
	gone.handle = d.handle;
	check("DESTROY_DUMB", ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &gone), 0);
	d.bpp = 16;
	check("CREATE_DUMB of 16 bit", ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &d),
	      EINVAL);
	d.bpp = 32, d.width = 1 << 20, d.height = 1 << 20;
	check("CREATE_DUMB, too large", ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &d),
	      EINVAL);
}

/* The same object under two handles stays usable when one is closed. */
static void test_sharing(void)
{
	struct drm_gem_flink flink = { .handle = bo };
	struct drm_gem_open open = { 0 };
	struct drm_gem_close close_handle = { 0 };
	struct drm_prime_handle prime = {
		.handle = bo, .flags = DRM_CLOEXEC | DRM_RDWR,
	};
	struct drm_prime_handle back = { 0 };
	struct drm_vgpu_3d_transfer t = { .box = { 0, 0, 0, 64, 64, 1 } };
	struct drm_vgpu_3d_wait w = { 0 };

	check("GEM_FLINK", ioctl(fd, DRM_IOCTL_GEM_FLINK, &flink), 0);
	open.name = flink.name;
	check("GEM_OPEN", ioctl(fd, DRM_IOCTL_GEM_OPEN, &open), 0);
	close_handle.handle = open.handle;
	check("GEM_CLOSE", ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close_handle), 0);
	t.bo_handle = w.handle = bo;
	check("TRANSFER_TO_HOST after it",
	      ioctl(fd, DRM_IOCTL_VGPU_TRANSFER_TO_HOST, &t), 0);
	check("WAIT after it", ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w), 0);

	check("HANDLE_TO_FD", ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	back.fd = prime.fd;
	check("FD_TO_HANDLE", ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &back), 0);
	check_true("own object comes back as itself", back.handle == bo);
	close(prime.fd);
}

int main(int argc, char **argv)
{
	const char *path = argc > 2 ? argv[2] : "/dev/dri/card0";

	if (argc < 2) {
		fprintf(stderr, "usage: ioctlt 2d|3d [DEVICE]\n");
		return 2;
	}
	is_3d = !strcmp(argv[1], "3d");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		return 1;
	}
	test_identity();
	test_getparam();
	test_get_caps();
	test_resource();
	test_map();
	test_transfer();
	test_wait();
	test_exec();
	test_optional();
	test_dumb();
	test_sharing();
	printf("%d ioctl cases, %d failed\n", cases, failures);
	return failures != 0;
}
