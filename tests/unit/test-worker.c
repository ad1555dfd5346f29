// SPDX-License-Identifier: MIT
/*
 * test-worker.c - a worker seen from its endpoint, with a real ring and the
 * null renderer
 */
#include "tests/unit/worker_fixture.h"

static void test_display_info(void)
{
	struct virtio_gpu_resp_display_info resp;
	struct fixture f;
	uint16_t head;

	start(&f);
	head = ask_display_info(&f);
	answer_display_info(&f);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	memcpy(&resp, guest_ptr(&f.g, REPLY), sizeof(resp));
	g_assert_cmpuint(resp.pmodes[0].r.width, ==, 1234);
	g_assert_cmpuint(resp.pmodes[0].enabled, ==, 1);
	g_assert_cmpuint(resp.pmodes[1].enabled, ==, 0);
	end(&f);
}

static void test_picture(void)
{
	struct fixture f;
	uint32_t *shown;

	start(&f);
	create_2d(&f, 1);
	show(&f, 1);
	shown = take_scanout(&f);
	paint(&f, 1);
	transfer(&f, 1);
	flush(&f, 1);
	for (int i = 0; shown[5] != *(uint32_t *)guest_ptr(&f.g, PIXELS + 20);
	     i++) {
		g_assert_cmpint(i, <, 3);
		take_full_update(&f);
	}
	check_pixels(shown, 1);
	shm_unmap(shown, WIDTH * HEIGHT * 4);
	end(&f);
}

static void test_kill_and_take_over(void)
{
	struct fixture f;
	uint32_t *shown;
	uint16_t head;

	start(&f);
	create_2d(&f, 7);
	show(&f, 7);
	paint(&f, 2);
	transfer(&f, 7);
	flush(&f, 7);
	head = ask_display_info(&f);
	while (expect(&f, f.msg.type == VGPU_IPC_SCANOUT ? VGPU_IPC_UPDATE
							 : VGPU_IPC_SCANOUT)
	       ->type != VGPU_IPC_UPDATE)
		;
	for (int round = 0; round < 5; round++) {
		kill_worker(&f);
		/* one more, that nobody has seen, and a kick for nobody */
		take_over(&f);
		send_start(&f, VGPU_VRING_RESUME, 0);
		shown = take_scanout(&f);
		take_full_update(&f);
		check_pixels(shown, 2);
		shm_unmap(shown, WIDTH * HEIGHT * 4);
	}
	/* asked again by the last, answered once */
	answer_display_info(&f);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* the resource is known, another is not */
	flush(&f, 7);
	CMD(&f, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
	    struct virtio_gpu_resource_flush cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 0, 0, WIDTH, HEIGHT }, .resource_id = 8 });
	g_assert_cmpuint(f.g.last_used, ==, f.g.avail_idx);
	end(&f);
}

/* Stop is answered with the position; what was out comes after the start. */
static void test_stop(void)
{
	struct vgpu_ipc_vring_index stop = { .index = 0 };
	struct vgpu_ipc_display_info info = { .cookie = 0 };
	struct fixture f;
	uint16_t head;
	uint32_t len;

	start(&f);
	head = ask_display_info(&f);
	info.cookie = expect(&f, VGPU_IPC_GET_DISPLAY_INFO)->cookie.cookie;
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	g_assert_cmpuint(expect(&f, VGPU_IPC_VRING_STOPPED)->vring_stopped.base,
			 ==, 1);
	g_assert_cmpint(ledger_ring_base(f.ledger, 0), ==, 1);
	must_send(&f, VGPU_IPC_DISPLAY_INFO, &info, sizeof(info), NULL, 0);
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	expect(&f, VGPU_IPC_VRING_STOPPED);
	g_assert_false(guest_take(&f.g, &head, &len));
	send_start(&f, 0, 1);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* the other queue never ran */
	stop.index = 1;
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	expect(&f, VGPU_IPC_VRING_STOPPED);
	g_assert_cmpuint(f.msg.vring_stopped.index, ==, 1);
	g_assert_cmpuint(f.msg.vring_stopped.base, ==, 0);
	end(&f);
}

/* A driver that starts anew finds an empty device. */
static void test_new_driver(void)
{
	struct vgpu_ipc_vring_index stop = { .index = 0 };
	struct fixture f;

	start(&f);
	create_2d(&f, 3);
	ask_display_info(&f);
	expect(&f, VGPU_IPC_GET_DISPLAY_INFO);
	must_send(&f, VGPU_IPC_VRING_STOP, &stop, sizeof(stop), NULL, 0);
	expect(&f, VGPU_IPC_VRING_STOPPED);
	memset(f.g.avail, 0, 4);
	memset(f.g.used, 0, 4);
	f.g.avail_idx = f.g.last_used = 0;
	f.next_head = 0;
	send_start(&f, 0, 0);
	/* would be a duplicate id, were it not gone */
	create_2d(&f, 3);
	kill_worker(&f);
	take_over(&f);
	send_start(&f, VGPU_VRING_RESUME, 0);
	transfer(&f, 3);
	g_assert_cmpuint(f.g.used[1], ==, f.g.avail_idx);
	end(&f);
}

static void test_broken_ring(void)
{
	struct fixture f;

	start(&f);
	create_2d(&f, 1);
	guest_offer(&f.g, NUM);
	guest_kick(&f.g);
	g_assert_cmpuint(expect(&f, VGPU_IPC_VRING_BROKEN)->vring_index.index,
			 ==, 0);
	memset(f.g.avail, 0, 4);
	memset(f.g.used, 0, 4);
	f.g.avail_idx = f.g.last_used = 0;
	f.next_head = 0;
	send_start(&f, 0, 0);
	create_2d(&f, 1);
	end(&f);
}

/* The endpoint does not read for a while: commands are served all the same. */
static void test_slow_display(void)
{
	unsigned int updates = 0;
	struct fixture f;
	uint32_t *shown;

	start(&f);
	create_2d(&f, 1);
	show(&f, 1);
	for (uint32_t i = 0; i < 3000; i++) {
		paint(&f, i);
		transfer(&f, 1);
		flush(&f, 1);
	}
	shown = take_scanout(&f);
	while (shown && memcmp(shown, guest_ptr(&f.g, PIXELS),
			       WIDTH * HEIGHT * 4) == 0) {
		struct pollfd p = { .fd = f.sock, .events = POLLIN };

		if (!poll(&p, 1, 300))
			break;
		take_full_update(&f);
		updates++;
	}
	check_pixels(shown, 2999);
	g_assert_cmpuint(updates, >, 0);
	g_assert_cmpuint(updates, <, 1500);
	g_test_message("3000 flushes, %u updates", updates);
	shm_unmap(shown, WIDTH * HEIGHT * 4);
	end(&f);
}

static void test_many_commands(void)
{
	struct fixture f;
	uint16_t heads[NUM / 2];

	start(&f);
	create_2d(&f, 1);
	/* a whole ring at a time, across the wrap of its index */
	for (unsigned int round = 0; round < 70000 / (NUM / 2); round++) {
		struct virtio_gpu_transfer_to_host_2d cmd = {
			.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
			.r = { 0, 0, 1, 1 }, .resource_id = 1,
		};

		guest_set_used_event(&f.g, f.g.last_used);
		for (unsigned int i = 0; i < NUM / 2; i++)
			heads[i] = post(&f, &cmd, sizeof(cmd));
		for (unsigned int i = 0; i < NUM / 2; i++)
			g_assert_cmphex(wait_answer(&f, heads[i]), ==,
					VIRTIO_GPU_RESP_OK_NODATA);
	}
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(120);	/* a worker that should have left */
	g_test_add_func("/worker/display-info", test_display_info);
	g_test_add_func("/worker/picture", test_picture);
	g_test_add_func("/worker/kill-and-take-over", test_kill_and_take_over);
	g_test_add_func("/worker/stop", test_stop);
	g_test_add_func("/worker/new-driver", test_new_driver);
	g_test_add_func("/worker/broken-ring", test_broken_ring);
	g_test_add_func("/worker/slow-display", test_slow_display);
	g_test_add_func("/worker/many-commands", test_many_commands);
	return g_test_run();
}
