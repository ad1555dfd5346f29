// SPDX-License-Identifier: MIT
/*
 * blobt.c - blobs, sharing and UUIDs, on a host that has them all
 *
 * usage: blobt UUIDT.KO             one line a failed case; exit status 0: none
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include "tests/uml/uapit.h"

/* ---- blobs ---- */

static int blob(int fd, struct drm_vgpu_resource_create_blob *b)
{
	return ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_CREATE_BLOB, b);
}

static const struct drm_vgpu_resource_create_blob good_blob = {
	.blob_mem = VGPU_BLOB_MEM_GUEST, .blob_flags = VGPU_BLOB_FLAGS,
	.size = 5000,
};

static void test_blob_errors(int fd)
{
	struct drm_vgpu_resource_create_blob b;
	uint32_t mem;

#define BAD(name, field, value, want) do { \
		b = good_blob; \
		b.field = (value); \
		check("RESOURCE_CREATE_BLOB, " name, blob(fd, &b), want); \
	} while (0)
	BAD("no memory kind", blob_mem, 0, EINVAL);
	BAD("unknown memory kind", blob_mem, 4, EINVAL);
	for (mem = 2; mem < 4; mem++)
		BAD("host memory, which there is none of", blob_mem, mem,
		    EINVAL);
	BAD("unknown flag", blob_flags, 8, EINVAL);
	BAD("size 0", size, 0, EINVAL);
	BAD("size that wraps", size, ~0ull, ENOMEM);
	BAD("more than there is", size, 1ull << 40, ENOMEM);
	BAD("id", blob_id, 1, EINVAL);
	BAD("commands", cmd_size, 4, EINVAL);
	BAD("unknown hint", blob_hints, 2, EINVAL);
#undef BAD
}

static void test_blob(void)
{
	struct drm_vgpu_resource_create_blob b = good_blob;
	struct drm_vgpu_resource_info info;
	struct drm_vgpu_3d_transfer t = { .box = { 0, 0, 0, 1, 1, 1 } };
	struct drm_vgpu_map map;
	int fd = dev_open(), other = dev_open(), fence;
	uint8_t *p, *q;

	test_blob_errors(fd);
	check("RESOURCE_CREATE_BLOB", blob(fd, &b), 0);
	info = (struct drm_vgpu_resource_info){ .bo_handle = b.bo_handle };
	check("RESOURCE_INFO", ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_INFO, &info),
	      0);
	check_true("what it says", info.blob_mem == VGPU_BLOB_MEM_GUEST &&
		   info.size == 8192 && info.res_handle == b.res_handle);
	t.bo_handle = b.bo_handle;
	check("TRANSFER_TO_HOST", ioctl(fd, DRM_IOCTL_VGPU_TRANSFER_TO_HOST, &t),
	      EINVAL);
	check("TRANSFER_FROM_HOST",
	      ioctl(fd, DRM_IOCTL_VGPU_TRANSFER_FROM_HOST, &t), EINVAL);
	fence = exec_on(fd, b.bo_handle, -1);
	check_true("EXECBUFFER with it", signalled(fence, 5000));
	close(fence);
	map = (struct drm_vgpu_map){ .handle = b.bo_handle };
	check("MAP", ioctl(fd, DRM_IOCTL_VGPU_MAP, &map), 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 map.offset);
	check_true("mmap", p != MAP_FAILED);
	/* the same pages, and the same resource, in another file */
	info.bo_handle = share(fd, b.bo_handle, other);
	info.res_handle = 0;
	check("RESOURCE_INFO of the other's",
	      ioctl(other, DRM_IOCTL_VGPU_RESOURCE_INFO, &info), 0);
	check_true("is the same", info.res_handle == b.res_handle &&
		   info.blob_mem == VGPU_BLOB_MEM_GUEST);
	map.handle = info.bo_handle;
	check("MAP of the other's", ioctl(other, DRM_IOCTL_VGPU_MAP, &map), 0);
	q = mmap(NULL, 8192, PROT_READ, MAP_SHARED, other, map.offset);
	check_true("mmap of the other's", q != MAP_FAILED);
	p[8191] = 0x5a;
	check_true("is the same memory", q[8191] == 0x5a);
	check("GEM_CLOSE", gem_close(fd, b.bo_handle), 0);
	close(fd);
	check_true("which lives on", q[8191] == 0x5a);
	munmap(p, 8192), munmap(q, 8192);
	close(other);
}

/* ---- UUIDs ---- */

static char *module;	/* file of uuidt.ko */

/* Ask as another virtio driver would. Return: 0 or -1 and errno */
static int uuid_of(int fd, uint32_t bo, char text[37])
{
	struct drm_prime_handle h = {
		.handle = bo, .flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int ko = open(module, O_RDONLY | O_CLOEXEC), ret, error, file;
	char param[32];

	if (ko < 0 || ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &h))
		return -1;
	snprintf(param, sizeof(param), "fd=%d", h.fd);
	ret = (int)syscall(SYS_finit_module, ko, param, 0);
	error = errno;
	close(ko), close(h.fd);
	if (ret) {
		errno = error;
		return -1;
	}
	memset(text, 0, 37);
	file = open("/sys/module/uuidt/parameters/uuid", O_RDONLY);
	ret = read(file, text, 36) == 36 ? 0 : -1;
	close(file);
	syscall(SYS_delete_module, "uuidt", 0);
	return ret;
}

static void test_uuid(void)
{
	struct drm_vgpu_resource_create_blob b = good_blob;
	char one[37], again[37], other[37];
	int fd = dev_open();
	uint32_t bo = texture(fd);

	check("UUID of a texture", uuid_of(fd, bo, one), 0);
	check("UUID again", uuid_of(fd, bo, again), 0);
	check_true("is the same", !strcmp(one, again));
	check_true("is one of version 4", one[14] == '4');
	check("blob for other devices", blob(fd, &b), 0);
	check("its UUID", uuid_of(fd, b.bo_handle, other), 0);
	check_true("is another", strcmp(one, other));
	b = good_blob, b.blob_flags = VGPU_BLOB_FLAG_USE_SHAREABLE;
	check("blob for none", blob(fd, &b), 0);
	check("has no UUID", uuid_of(fd, b.bo_handle, other), ENODEV);
	close(fd);
}

static void getparam(int fd, uint64_t param)
{
	int value = 0;
	struct drm_vgpu_getparam gp = {
		.param = param, .value = (uintptr_t)&value,
	};

	check("GETPARAM", ioctl(fd, DRM_IOCTL_VGPU_GETPARAM, &gp), 0);
	check_true("the host has it", value == 1);
}

static void test_identity(void)
{
	int fd = dev_open(), caps = 0;
	struct drm_vgpu_getparam gp = {
		.param = VGPU_PARAM_SUPPORTED_CAPSETS, .value = (uintptr_t)&caps,
	};
	struct drm_get_cap cap = { .capability = DRM_CAP_SYNCOBJ_TIMELINE };
	char buf[64];
	struct drm_vgpu_get_caps get = {
		.cap_set_id = 29, .addr = (uintptr_t)buf, .size = sizeof(buf),
	};

	getparam(fd, VGPU_PARAM_RESOURCE_BLOB);
	getparam(fd, VGPU_PARAM_CROSS_DEVICE);
	getparam(fd, VGPU_PARAM_CONTEXT_INIT);
	getparam(fd, VGPU_PARAM_EXPLICIT_DEBUG_NAME);
	check("capsets", ioctl(fd, DRM_IOCTL_VGPU_GETPARAM, &gp), 0);
	check_true("ours is not for programs", caps == 6);
	check("GET_CAPS of ours", ioctl(fd, DRM_IOCTL_VGPU_GET_CAPS, &get),
	      EINVAL);
	check("GET_CAP", ioctl(fd, DRM_IOCTL_GET_CAP, &cap), 0);
	check_true("timelines", cap.value == 1);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: blobt UUIDT.KO\n");
		return 2;
	}
	module = argv[1];
	test_identity();
	test_blob();
	test_uuid();
	printf("%d blob cases, %d failed\n", cases, failures);
	return failures != 0;
}
