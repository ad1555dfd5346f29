// SPDX-License-Identifier: MIT
/*
 * test-many.c - several idle VMs on one vgpud: what each of them costs
 *
 * A worker is there as soon as a guest's rings run, but starts no OpenGL before
 * the first 3D context: what the GPU can do was found out once, by another
 * process. The same with 256 VMs is in tests/bench/bench-many.c.
 */
#include <stdlib.h>

#include <glib.h>

#include "protocol/virgl.h"
#include "tests/lib/fe.h"
#include "tests/lib/proc.h"
#include "tests/lib/runner.h"
#include "tests/lib/share.h"
#include "tests/lib/vgpud.h"

#define VMS		8
#define PSS_MAX_KIB	8192	/* a VM: endpoint and worker */
#define CALLS		50
#define ANSWER_MAX_US	10000

static struct vgpud vgpud;
static struct fe *fe[VMS];

static void up(void)
{
	static const struct fe_options opts = {
		.timeout_ms = 30000, .queue_size = { 64, 16 },
	};
	g_autoptr(GString) vms = g_string_new(NULL);
	int i;

	for (i = 0; i < VMS; i++)
		g_string_append_printf(vms, "[vm v%d]\n", i);
	vgpud_start(&vgpud, SHARE_KEYS, vms->str);
	for (i = 0; i < VMS; i++) {
		g_autofree char *name = g_strdup_printf("v%d", i);

		fe[i] = fe_new_on(&opts, vgpud_connect(&vgpud, name));
		g_assert_cmpint(fe_up(fe[i]), ==, 0);
	}
}

static void down(void)
{
	int i;

	for (i = 0; i < VMS; i++)
		g_assert_cmpuint(fe_free(fe[i]), ==, 0);
	vgpud_stop(&vgpud);
}

/* What a guest's driver asks for when it is loaded. */
static void load_driver(struct fe *f)
{
	struct virtio_gpu_resp_display_info info;
	struct virtio_gpu_resp_capset_info set;
	uint8_t caps[4096];
	size_t len;

	g_assert_cmpint(fe_display_info(f, &info), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	g_assert_cmpint(fe_capset_info(f, 1, &set), ==,
			VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	g_assert_cmpuint(set.capset_id, ==, VIRTIO_GPU_CAPSET_VIRGL2);
	g_assert_cmpint(fe_capset(f, set.capset_id, set.capset_max_version,
				  caps, sizeof(caps), &len), ==,
			VIRTIO_GPU_RESP_OK_CAPSET);
	g_assert_cmpuint(len, >, 0);
}

static long pss_of(const struct vgpud_vm *vm)
{
	long worker = proc_pss_kib(vm->worker);
	long endpoint = proc_pss_kib(vm->endpoint);

	g_assert_cmpint(worker, >, 0);
	g_assert_cmpint(endpoint, >, 0);
	return worker + endpoint;
}

static void test_idle_memory(void)
{
	struct vgpud_vm vm[VMS];
	uint32_t nop[4];
	int i;

	up();
	for (i = 0; i < VMS; i++)
		load_driver(fe[i]);
	vgpud_stats(&vgpud, vm, VMS);
	for (i = 0; i < VMS; i++) {
		long kib = pss_of(&vm[i]);

		g_test_message("v%d: %ld KiB, of which the worker %ld", i, kib,
			       proc_pss_kib(vm[i].worker));
#ifndef __SANITIZE_ADDRESS__	/* it has shadows of its own */
		g_assert_cmpint(kib, <=, PSS_MAX_KIB);
#endif
		g_assert_false(proc_maps(vm[i].worker, "libgallium"));
		g_assert_false(proc_maps(vm[i].worker, "swrast_dri"));
		g_assert_false(proc_maps(vm[i].worker, "libLLVM"));
	}
	/* the first 3D context, of one: OpenGL there, and only there */
	g_assert_cmpint(fe_ctx_create(fe[0], 1, "first"), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmpint(fe_texture(fe[0], 1, VIRGL_FORMAT_B8G8R8X8_UNORM, 64,
				   64), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmpint(fe_ctx_attach(fe[0], 1, 1), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmpint(fe_submit(fe[0], 1, nop,
				  (uint32_t)fe_virgl_nop(nop) * 4, 1), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_true(proc_maps(vm[0].worker, "libgallium") ||
		      proc_maps(vm[0].worker, "swrast_dri"));
	g_assert_false(proc_maps(vm[1].worker, "libgallium") ||
		       proc_maps(vm[1].worker, "swrast_dri"));
	down();
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Nine of ten: this host may stand still for longer than any of them takes. */
static void test_control_answers(void)
{
	static const char *const lines[] = {
		"{\"cmd\":\"list\"}\n", "{\"cmd\":\"stats\"}\n",
		"{\"cmd\":\"show\",\"vm\":\"v3\"}\n",
		"{\"cmd\":\"set\",\"vm\":\"v3\",\"weight\":50}\n",
	};
	uint64_t us[CALLS], t;
	size_t i, k;

	up();
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		for (k = 0; k < CALLS; k++) {
			t = fe_now_ns();
			vgpud_ok(&vgpud, "%s", lines[i]);
			us[k] = (fe_now_ns() - t) / 1000;
		}
		qsort(us, CALLS, sizeof(*us), compare);
		g_test_message("%.30s: median %d us, longest %d us", lines[i],
			       (int)us[CALLS / 2], (int)us[CALLS - 1]);
		g_assert_cmpuint(us[CALLS * 9 / 10], <, ANSWER_MAX_US);
	}
	down();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	share_confine();
	runner_add("/many/idle-memory", test_idle_memory, 120);
	runner_add("/many/control-answers", test_control_answers, 120);
	return runner_run();
}
