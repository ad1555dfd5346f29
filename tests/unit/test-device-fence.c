// SPDX-License-Identifier: MIT
/*
 * test-device-fence.c - the order of answers, whatever retires when
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include "base/event.h"
#include "base/log.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/devtest.h"

#define IN_FLIGHT	64

/* A world of commands in flight, checked against what was promised. */
struct world {
	struct devtest *t;
	struct devtest_cmd *fenced[IN_FLIGHT];	/* in the order of sending */
	unsigned int n;
	uint64_t next_id;
};

static struct renderer_null_state state_of(struct devtest *t)
{
	struct renderer_null_state state = { 0 };

	if (t->renderer)
		renderer_null_state(t->renderer, &state);
	return state;
}

static void add(struct world *w, struct devtest_cmd *cmd)
{
	w->fenced[w->n++] = cmd;
}

/* Ids jump by anything: only echoed, never compared. */
static uint64_t next_id(struct world *w)
{
	w->next_id += (uint64_t)g_test_rand_int_range(1, 1 << 30) <<
		g_test_rand_int_range(0, 30);
	return w->next_id | 1;
}

static void send_info(struct world *w)
{
	struct virtio_gpu_ctrl_hdr req = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
		.flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = next_id(w),
	};

	add(w, devtest_send(w->t, 0, &req, sizeof(req), 408));
}

static void send_transfer(struct world *w)
{
	struct virtio_gpu_transfer_to_host_2d req = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.hdr.flags = VIRTIO_GPU_FLAG_FENCE, .hdr.fence_id = next_id(w),
		.r = { 0, 0, 8, 8 },
		.resource_id = (uint32_t)g_test_rand_int_range(1, 4),
	};

	add(w, devtest_send(w->t, 0, &req, sizeof(req), 24));
}

static void send_bad(struct world *w)
{
	struct virtio_gpu_ctrl_hdr req = {
		.type = (uint32_t)g_test_rand_int_range(0x10c, 0x120),
		.flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = next_id(w),
	};

	add(w, devtest_send(w->t, (unsigned int)g_test_rand_int_range(0, 2),
			    &req, sizeof(req), 24));
}

static void send_any(struct world *w)
{
	struct devtest_cmd *cmd;

	switch (g_test_rand_int_range(0, 8)) {
	case 0:
		send_info(w);
		break;
	case 1:
		add(w, devtest_nop(w->t, next_id(w)));
		break;
	case 2:
		send_bad(w);
		break;
	case 3:
		send_transfer(w);
		break;
	case 4:	/* unfenced: answered at once, unless there is no lease */
		cmd = devtest_submit(w->t, 1, 0);
		g_assert_true(cmd->done);
		devtest_done(w->t, cmd, DEVTEST_OK);
		break;
	default:
		add(w, devtest_submit(w->t, (uint32_t)
				      g_test_rand_int_range(1, 4), next_id(w)));
	}
}

static void answer_one(struct world *w)
{
	struct virtio_gpu_display_one modes[VIRTIO_GPU_MAX_SCANOUTS] = { 0 };
	GArray *asked = w->t->asked;
	guint i;

	if (!asked->len)
		return;
	i = (guint)g_test_rand_int_range(0, (gint32)asked->len);
	device_display_info(w->t->dev, g_array_index(asked, uint32_t, i), modes);
	/* a second answer meets nobody */
	device_display_info(w->t->dev, g_array_index(asked, uint32_t, i), modes);
	g_array_remove_index(asked, i);
}

static void retire_some(struct world *w)
{
	struct renderer_null_state s = state_of(w->t);

	if (s.emitted > s.retired)
		renderer_null_retire(w->t->renderer, s.retired + 1 +
			(uint64_t)g_test_rand_int_range(0,
				(gint32)(s.emitted - s.retired)));
	if (g_test_rand_bit())
		devtest_poll(w->t);
}

/* A prefix is done, in order. */
static void check(struct world *w)
{
	unsigned int last = 0, i = 0;

	for (; i < w->n && w->fenced[i]->done; i++) {
		g_assert_cmpuint(w->fenced[i]->order, >, last);
		last = w->fenced[i]->order;
	}
	for (; i < w->n; i++)
		g_assert_false(w->fenced[i]->done);
}

/* Any answer is fine, or none at all. */
static void finish_one(struct world *w, struct devtest_cmd *cmd)
{
	struct virtio_gpu_ctrl_hdr resp = { 0 };

	g_assert_true(cmd->done);
	if (cmd->len)
		memcpy(&resp, cmd->in, sizeof(resp));
	else
		cmd->elem.in_len = 0;
	devtest_done(w->t, cmd, resp.type);
}

static void finish(struct world *w)
{
	struct renderer_null_state s = state_of(w->t);

	while (w->t->asked->len)
		answer_one(w);
	if (s.emitted > s.retired)
		renderer_null_retire(w->t->renderer, s.emitted);
	devtest_poll(w->t);
	check(w);
	for (unsigned int i = 0; i < w->n; i++) {
		g_assert_cmpuint(w->fenced[i]->len, >, 0);
		finish_one(w, w->fenced[i]);
	}
	g_assert_cmpuint(sched_client_report(w->t->sched)->inflight, ==, 0);
	w->n = 0;
}

static int sometimes(void *opaque, const char *op, uint32_t id)
{
	if (strcmp(op, "fence") && strcmp(op, "submit"))
		return 0;
	if (op[0] == 's' && id == 1)
		return 0;
	return g_test_rand_int_range(0, 6) ? 0 : -EINVAL;
}

static void prepare(struct world *w)
{
	w->t = devtest_new(NULL);
	w->t->answer_display = false;
	for (uint32_t id = 1; id < 3; id++) {
		devtest_create_2d(w->t, id, 1, 8, 8, DEVTEST_OK);
		devtest_attach(w->t, id, 0, 4096, DEVTEST_OK);
		devtest_ctx_create(w->t, id, DEVTEST_OK);
	}
	devtest_create_3d(w->t, 3, 8, 8, DEVTEST_OK);
	devtest_attach(w->t, 3, 0, 4096, DEVTEST_OK);
}

static void test_order(gconstpointer data)
{
	struct renderer_null_hooks hooks =
		*(const struct renderer_null_hooks *)data;
	struct world w = { 0 };

	renderer_null_set_hooks(&hooks);
	prepare(&w);
	for (int round = 0; round < 200; round++) {
		while (w.n < IN_FLIGHT - 1) {
			int what = g_test_rand_int_range(0, 5);

			if (what < 3)
				send_any(&w);
			else if (what == 3)
				retire_some(&w);
			else
				answer_one(&w);
			check(&w);
		}
		finish(&w);
	}
	devtest_free(w.t);
	renderer_null_set_hooks(NULL);
}

/* The same with leases that come and go. */
static void test_leases(void)
{
	struct devtest_config config = { .leases = true };
	struct renderer_null_hooks hooks = { .hold_fences = true };
	struct world w = { 0 };

	renderer_null_set_hooks(&hooks);
	w.t = devtest_new(&config);
	devtest_grant(w.t, true);
	devtest_ctx_create(w.t, 1, DEVTEST_OK);
	for (int round = 0; round < 100; round++) {
		while (w.n < IN_FLIGHT - 1) {
			switch (g_test_rand_int_range(0, 5)) {
			case 0:
				devtest_grant(w.t, g_test_rand_bit());
				break;
			case 1:
				retire_some(&w);
				break;
			case 2:
				add(&w, devtest_nop(w.t, next_id(&w)));
				break;
			default:
				add(&w, devtest_submit(w.t, 1, next_id(&w)));
			}
			check(&w);
		}
		devtest_grant(w.t, true);
		finish(&w);
	}
	devtest_free(w.t);
	renderer_null_set_hooks(NULL);
}

/* An error with a fence must not overtake the fences before it. */
static void test_error_waits(void)
{
	struct renderer_null_hooks hooks = { .hold_fences = true };
	struct devtest_cmd *a, *b, *c;
	struct virtio_gpu_ctrl_hdr bad = {
		.type = 0xbad, .flags = VIRTIO_GPU_FLAG_FENCE,
		.fence_id = UINT64_MAX,
	};
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = devtest_new(NULL);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	a = devtest_submit(t, 1, 1ull << 32);
	b = devtest_send(t, 0, &bad, sizeof(bad), 24);
	c = devtest_send(t, 1, &bad, sizeof(bad), 24);
	g_assert_false(a->done || b->done || c->done);
	renderer_null_retire(t->renderer, 1);
	devtest_poll(t);
	g_assert_cmpuint(a->order, <, b->order);
	g_assert_cmpuint(b->order, <, c->order);
	devtest_done(t, a, DEVTEST_OK);
	devtest_done(t, b, VIRTIO_GPU_RESP_ERR_UNSPEC);
	devtest_done(t, c, VIRTIO_GPU_RESP_ERR_UNSPEC);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* Fences that never come from the GPU: a failed one still answers. */
static int no_fence(void *opaque, const char *op, uint32_t id)
{
	return strcmp(op, "fence") ? 0 : -ENOMEM;
}

static void test_failed_fence(void)
{
	struct renderer_null_hooks hooks = { .fail = no_fence };
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = devtest_new(NULL);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	for (uint64_t id = 1; id < 10; id++)
		devtest_done(t, devtest_submit(t, 1, id << 40), DEVTEST_OK);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0, DEVTEST_OK);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* Reset with everything in flight, an answer that comes too late. */
static void test_reset(void)
{
	struct renderer_null_hooks hooks = { .hold_fences = true };
	struct world w = { 0 };

	renderer_null_set_hooks(&hooks);
	for (int round = 0; round < 20; round++) {
		prepare(&w);
		while (w.n < IN_FLIGHT - 1)
			send_any(&w);
		check(&w);
		device_reset(w.t->dev);
		answer_one(&w);
		for (unsigned int i = 0; i < w.n; i++) {
			g_assert_true(w.fenced[i]->done);
			finish_one(&w, w.fenced[i]);
		}
		w.n = 0;
		g_assert_cmpuint(sched_client_report(w.t->sched)->inflight, ==,
				 0);
		devtest_free(w.t);
	}
	renderer_null_set_hooks(NULL);
}

static uint64_t stamps[4];

static uint64_t stamp_of(void *opaque, uint64_t fence)
{
	return fence < 4 ? stamps[fence] : 0;
}

/* The kernel's time stamp of a fence counts, where there is one. */
static void test_stamps(void)
{
	struct renderer_null_hooks hooks = {
		.hold_fences = true, .time = stamp_of,
	};
	const struct vgpu_sched_report *r;
	struct devtest *t;
	uint64_t before;

	renderer_null_set_hooks(&hooks);
	t = devtest_new(NULL);
	r = sched_client_report(t->sched);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_done(t, devtest_submit(t, 1, 0), DEVTEST_OK);
	stamps[1] = event_now_ns();
	g_usleep(20000);	/* nobody looks */
	renderer_null_retire(t->renderer, 1);
	devtest_poll(t);
	g_assert_cmpuint(r->clock, ==, VGPU_CLOCK_SYNC_FILE);
	g_assert_cmpuint(r->gpu_ns, <, 20000000);
	before = r->gpu_ns;
	devtest_done(t, devtest_submit(t, 1, 0), DEVTEST_OK);
	g_usleep(20000);
	renderer_null_retire(t->renderer, 2);
	devtest_poll(t);
	g_assert_cmpuint(r->clock, ==, VGPU_CLOCK_FENCE);
	g_assert_cmpuint(r->gpu_ns - before, >=, 20000000);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

int main(int argc, char **argv)
{
	static const struct renderer_null_hooks by_itself = { 0 };
	static const struct renderer_null_hooks held = { .hold_fences = true };
	static const struct renderer_null_hooks sync = { .sync_fences = true };
	static const struct renderer_null_hooks faulty = {
		.hold_fences = true, .fail = sometimes,
	};

	g_test_init(&argc, &argv, NULL);
	log_init("test-device-fence", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_data_func("/device/fence/order", &by_itself, test_order);
	g_test_add_data_func("/device/fence/order-held", &held, test_order);
	g_test_add_data_func("/device/fence/order-sync", &sync, test_order);
	g_test_add_data_func("/device/fence/order-faulty", &faulty, test_order);
	g_test_add_func("/device/fence/leases", test_leases);
	g_test_add_func("/device/fence/error-waits", test_error_waits);
	g_test_add_func("/device/fence/failed", test_failed_fence);
	g_test_add_func("/device/fence/reset", test_reset);
	g_test_add_func("/device/fence/stamps", test_stamps);
	return g_test_run();
}
