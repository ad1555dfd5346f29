// SPDX-License-Identifier: MIT
/*
 * test-wire.c - our wire headers say what the system's do, and what the
 * vhost-user documents say
 */
#include <glib.h>

#include "protocol/vgpu_ipc.h"
#include "protocol/vgpu_ledger.h"
#include "protocol/vgpu_sched.h"
#include "protocol/vhost_user.h"
#include "protocol/vhost_user_gpu.h"
#include "protocol/virtio_gpu.h"
#include "tests/lib/wire_table.h"

static const struct wire_row ours[] = { WIRE_ROWS };

static void test_virtio_gpu(void)
{
	size_t i;

	g_assert_cmpuint(G_N_ELEMENTS(ours), ==, wire_system_rows);
	for (i = 0; i < G_N_ELEMENTS(ours); i++) {
		if (ours[i].value != wire_system[i].value)
			g_error("%s is %zu here, %zu in the system's header",
				ours[i].what, ours[i].value,
				wire_system[i].value);
	}
}

/* Sizes that QEMU checks (docs/interop/vhost-user, vhost-user-gpu). */
static void test_vhost_user(void)
{
	g_assert_cmpuint(sizeof(struct vhost_user_header), ==, 12);
	g_assert_cmpuint(sizeof(struct vhost_user_vring_addr), ==, 40);
	g_assert_cmpuint(sizeof(struct vhost_user_mem_region), ==, 32);
	g_assert_cmpuint(sizeof(struct vhost_user_mem_table), ==, 8 + 8 * 32);
	g_assert_cmpuint(sizeof(struct vhost_user_mem_reg), ==, 40);
	g_assert_cmpuint(offsetof(struct vhost_user_config, data), ==, 12);
	g_assert_cmpuint(sizeof(struct vhost_user_gpu_header), ==, 12);
	g_assert_cmpuint(sizeof(struct vhost_user_gpu_cursor_update), ==,
			 12 + 8 + 16384);
	g_assert_cmpuint(sizeof(struct vhost_user_gpu_update), ==, 20);
	g_assert_cmpuint(sizeof(struct vhost_user_gpu_dmabuf_scanout), ==, 40);
	g_assert_cmpuint(sizeof(struct vhost_user_gpu_dmabuf_scanout2), ==, 48);
}

/* Every message of ours fits the limit that receivers allocate. */
static void test_ipc(void)
{
	size_t room = VGPU_IPC_MAX_SIZE - sizeof(struct vgpu_ipc_header);

	g_assert_cmpuint(sizeof(struct vgpu_ipc_mem_table), <=, room);
	g_assert_cmpuint(sizeof(struct vgpu_broker_attach), <=, room);
	g_assert_cmpuint(sizeof(struct vgpu_ipc_edid), <=, room);
	g_assert_cmpuint(sizeof(struct vhost_user_gpu_cursor_update), <=, room);
	g_assert_cmpuint(sizeof(struct vgpu_sched_grant), <=,
			 VGPU_SCHED_PAGE_SIZE);
	g_assert_cmpuint(sizeof(struct vgpu_sched_report), <=,
			 VGPU_SCHED_PAGE_SIZE);
	g_assert_cmpuint(sizeof(struct vgpu_ledger_record) % 8, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wire/virtio-gpu", test_virtio_gpu);
	g_test_add_func("/wire/vhost-user", test_vhost_user);
	g_test_add_func("/wire/ipc", test_ipc);
	return g_test_run();
}
