// SPDX-License-Identifier: MIT
/*
 * test-guest-uapi.c - the guest driver's ioctls are those that Mesa knows
 *
 * Compared with the header of libdrm, whose structs may be shorter than ours,
 * but not different; what it may lack is given as numbers.
 */
#include <stddef.h>
#include <glib.h>
#include <virtgpu_drm.h>
#include "guest-driver/vgpu_drm.h"

/* number, direction and type are equal; ours may be larger */
static void check_ioctl(unsigned long ours, unsigned long theirs)
{
	const unsigned long size = (unsigned long)_IOC_SIZEMASK <<
				   _IOC_SIZESHIFT;

	g_assert_cmphex(ours & ~size, ==, theirs & ~size);
	g_assert_cmpuint(_IOC_SIZE(ours), >=, _IOC_SIZE(theirs));
}

static void test_numbers(void)
{
#define CHECK(name) check_ioctl(DRM_IOCTL_VGPU_##name, \
				DRM_IOCTL_VIRTGPU_##name)
	CHECK(MAP);
	CHECK(EXECBUFFER);
	CHECK(GETPARAM);
	CHECK(RESOURCE_CREATE);
	CHECK(RESOURCE_INFO);
	CHECK(TRANSFER_FROM_HOST);
	CHECK(TRANSFER_TO_HOST);
	CHECK(WAIT);
	CHECK(GET_CAPS);
#undef CHECK
	/* what older headers lack, and the largest forms there are */
	g_assert_cmphex(DRM_IOCTL_VGPU_CONTEXT_INIT, ==, 0xc010644b);
	g_assert_cmphex(DRM_IOCTL_VGPU_EXECBUFFER, ==, 0xc0406442);
	g_assert_cmphex(DRM_IOCTL_VGPU_RESOURCE_CREATE_BLOB, ==, 0xc038644a);
}

static void test_fields(void)
{
#define CHECK(ours, theirs, field) \
	g_assert_cmpuint(offsetof(struct ours, field), ==, \
			 offsetof(struct theirs, field))
	CHECK(drm_vgpu_map, drm_virtgpu_map, handle);
	CHECK(drm_vgpu_execbuffer, drm_virtgpu_execbuffer, command);
	CHECK(drm_vgpu_execbuffer, drm_virtgpu_execbuffer, bo_handles);
	CHECK(drm_vgpu_execbuffer, drm_virtgpu_execbuffer, fence_fd);
	CHECK(drm_vgpu_getparam, drm_virtgpu_getparam, value);
	CHECK(drm_vgpu_resource_create, drm_virtgpu_resource_create, flags);
	CHECK(drm_vgpu_resource_create, drm_virtgpu_resource_create, res_handle);
	CHECK(drm_vgpu_resource_create, drm_virtgpu_resource_create, stride);
	CHECK(drm_vgpu_resource_info, drm_virtgpu_resource_info, size);
	CHECK(drm_vgpu_3d_transfer, drm_virtgpu_3d_transfer_to_host, level);
	CHECK(drm_vgpu_3d_transfer, drm_virtgpu_3d_transfer_to_host, offset);
	CHECK(drm_vgpu_3d_wait, drm_virtgpu_3d_wait, flags);
	CHECK(drm_vgpu_get_caps, drm_virtgpu_get_caps, addr);
	CHECK(drm_vgpu_get_caps, drm_virtgpu_get_caps, size);
	g_assert_cmpuint(offsetof(struct drm_vgpu_execbuffer, ring_idx), ==,
			 32);
	g_assert_cmpuint(offsetof(struct drm_vgpu_3d_transfer, stride), ==, 36);
	g_assert_cmpuint(offsetof(struct drm_vgpu_resource_create_blob,
				  blob_id), ==, 40);
#undef CHECK
}

static void test_values(void)
{
	g_assert_cmphex(VGPU_EXECBUF_FENCE_FD_IN, ==,
			VIRTGPU_EXECBUF_FENCE_FD_IN);
	g_assert_cmphex(VGPU_EXECBUF_FENCE_FD_OUT, ==,
			VIRTGPU_EXECBUF_FENCE_FD_OUT);
	g_assert_cmphex(VGPU_EXECBUF_RING_IDX, ==, 4);
	g_assert_cmpint(VGPU_PARAM_3D_FEATURES, ==, VIRTGPU_PARAM_3D_FEATURES);
	g_assert_cmpint(VGPU_PARAM_CAPSET_QUERY_FIX, ==,
			VIRTGPU_PARAM_CAPSET_QUERY_FIX);
	g_assert_cmpint(VGPU_PARAM_SUPPORTED_CAPSETS, ==, 7);
	g_assert_cmpint(VGPU_WAIT_NOWAIT, ==, VIRTGPU_WAIT_NOWAIT);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest-uapi/numbers", test_numbers);
	g_test_add_func("/guest-uapi/fields", test_fields);
	g_test_add_func("/guest-uapi/values", test_values);
	return g_test_run();
}
