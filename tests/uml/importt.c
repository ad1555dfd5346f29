// SPDX-License-Identifier: MIT
/*
 * importt.c - buffers of another device on a virtio GPU
 *
 * usage: importt yes|no             one line a failed case; exit status 0: none
 *
 * yes, no: whether the host takes them. The other device is vgem, card1.
 */
#include <sys/mman.h>
#include <drm_mode.h>
#include "tests/uml/uapit.h"

static int vgem, fd;

/* Return: a dma-buf of 64 x 64 pixels, with its first word in @map */
static int other_buffer(uint32_t **map)
{
	struct drm_mode_create_dumb d = {
		.width = SIDE, .height = SIDE, .bpp = 32,
	};
	struct drm_prime_handle h = { .flags = DRM_CLOEXEC | DRM_RDWR };

	check("CREATE_DUMB of vgem", ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &d),
	      0);
	h.handle = d.handle;
	check("HANDLE_TO_FD of vgem",
	      ioctl(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &h), 0);
	*map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, h.fd, 0);
	check_true("mmap of vgem", *map != MAP_FAILED);
	return h.fd;
}

static void test_import(bool taken)
{
	struct drm_prime_handle in = { 0 }, again = { 0 };
	struct drm_vgpu_resource_info info = { 0 };
	struct drm_vgpu_3d_transfer t = { .box = { 0, 0, 0, 1, 1, 1 } };
	struct drm_vgpu_3d_wait w = { 0 };
	struct drm_vgpu_map m = { 0 };
	uint32_t *map;

	in.fd = again.fd = other_buffer(&map);
	check("FD_TO_HANDLE", ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &in),
	      taken ? 0 : ENODEV);
	if (!taken)
		goto out;
	check("FD_TO_HANDLE again",
	      ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &again), 0);
	check_true("is the same", again.handle == in.handle);
	info.bo_handle = m.handle = t.bo_handle = w.handle = in.handle;
	check("RESOURCE_INFO", ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_INFO, &info),
	      0);
	check_true("what it says", info.blob_mem == VGPU_BLOB_MEM_GUEST &&
		   info.size == SIDE * SIDE * 4 && info.res_handle);
	check("MAP", ioctl(fd, DRM_IOCTL_VGPU_MAP, &m), EINVAL);
	check("TRANSFER_TO_HOST", ioctl(fd, DRM_IOCTL_VGPU_TRANSFER_TO_HOST, &t),
	      EINVAL);
	check("WAIT", ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w), 0);
	check("GEM_CLOSE", gem_close(fd, in.handle), 0);
	check("FD_TO_HANDLE anew", ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &in),
	      0);
	info.bo_handle = in.handle;
	m.handle = info.res_handle;
	check("RESOURCE_INFO", ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_INFO, &info),
	      0);
	check_true("is another resource", info.res_handle != m.handle);
out:
	/* the buffer outlives its file, whoever has it */
	close(again.fd);
	map[0] = 0x5a5a5a5a;
	check_true("memory", map[0] == 0x5a5a5a5a);
	munmap(map, 4096);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: importt yes|no\n");
		return 2;
	}
	vgem = open("/dev/dri/card1", O_RDWR | O_CLOEXEC);
	if (vgem < 0) {
		perror("/dev/dri/card1");
		return 1;
	}
	fd = dev_open();
	test_import(!strcmp(argv[1], "yes"));
	close(vgem);
	close(fd);
	printf("%d import cases, %d failed\n", cases, failures);
	return failures != 0;
}
