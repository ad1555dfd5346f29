// SPDX-License-Identifier: MIT
/*
 * test-recovery.c - the worker dies, and neither VMM nor guest is to notice
 *
 * SIGKILL at random instants. Afterwards every request has been answered
 * exactly once, the picture is right, and the VMM never waited a second.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/proc.h"
#include "tests/lib/runner.h"

#define XRGB	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
#define ROUNDS	10

static struct fe *begin(void)
{
	struct fe *fe = begin_case(NULL);

	assert_ok(fe_create_2d(fe, 900, XRGB, 4, 4));
	assert_ok(fe_unref(fe, 900));
	if (fe_worker(fe))
		return fe;
	end_case(fe);
	runner_skip("the back end has no worker of its own");
}

static void end(struct fe *fe)
{
	g_assert_cmpuint(fe->max_reply_us, <, 1000000);
	end_case(fe);
}

/* A process of ours that kills the worker after a while. */
static pid_t killer(struct fe *fe, unsigned int delay_us)
{
	pid_t worker = fe_worker(fe), pid;

	g_assert_cmpint(worker, >, 0);
	pid = fork();
	if (!pid) {
		usleep(delay_us);
		kill(worker, SIGKILL);
		_exit(0);
	}
	return pid;
}

static void join(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static unsigned int random_us(int max)
{
	return (unsigned int)g_test_rand_int_range(0, max);
}

static void check_alive(struct fe *fe, struct picture *p)
{
	picture_push(p);
	g_assert_true(picture_same(p));
	g_assert_true(fe_vu_alive(fe));
	g_assert_cmpint(fe_get_config(fe), ==, 0);
}

/* Nothing in flight: the next command finds a new worker. */
static void idle(void)
{
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 80, 60);
	int i;

	picture_show(p, 0, 0, 0, 80, 60);
	picture_push(p);
	for (i = 0; i < ROUNDS; i++) {
		pid_t old = fe_worker(fe);

		join(killer(fe, 0));
		check_alive(fe, p);
		g_assert_cmpint(fe_worker(fe), !=, old);
	}
	picture_free(p, true);
	end(fe);
}

/* What was transferred before the death is shown after it. */
static void contents(void)
{
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 80, 60);
	int i;

	picture_show(p, 0, 5, 5, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	for (i = 0; i < ROUNDS; i++) {
		join(killer(fe, 0));
		/* no new transfer: backing is all that the successor has */
		picture_flush(p, 0, 0, 80, 60);
		g_assert_true(picture_same(p));
	}
	picture_free(p, true);
	end(fe);
}

/* Killed in the middle of transfers and flushes of a big picture. */
static void during_flush(void)
{
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 1024, 768);
	int i, j;

	picture_show(p, 0, 0, 0, 1024, 768);
	picture_push(p);
	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = killer(fe, random_us(20000));

		for (j = 0; j < 8; j++)
			picture_push(p);
		join(pid);
		check_alive(fe, p);
	}
	picture_free(p, true);
	end(fe);
}

/* A full pipeline of commands: each is answered, once, in the end. */
static void pipeline(void)
{
	struct virtio_gpu_resource_flush flush = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 0, 0, 320, 240 }, .resource_id = 1,
	};
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 320, 240);
	struct fe_req *reqs[200];
	int i, j;

	picture_show(p, 0, 0, 0, 320, 240);
	picture_push(p);
	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = killer(fe, random_us(30000));

		for (j = 0; j < 200; j++) {
			flush.hdr.flags = j & 1 ? VIRTIO_GPU_FLAG_FENCE : 0;
			flush.hdr.fence_id = (uint64_t)j;
			reqs[j] = fe_send_cmd(fe, 0, &flush, sizeof(flush), 24);
			if (j % 16 == 0)
				fe_kick(fe, 0);
		}
		/* a second answer to any of them would be a fault */
		for (j = 0; j < 200; j++) {
			g_assert_cmpint(fe_wait(reqs[j]), ==, 0);
			g_assert_cmphex((unsigned int)fe_resp_type(reqs[j]),
					==, VIRTIO_GPU_RESP_OK_NODATA);
			fe_req_free(reqs[j]);
		}
		join(pid);
		check_alive(fe, p);
	}
	picture_free(p, true);
	end(fe);
}

/* Objects made and freed while workers die: none lost, none twice. */
static void objects(void)
{
	struct fe *fe = begin();
	uint32_t id;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = killer(fe, random_us(10000));

		for (id = 1; id <= 60; id++)
			assert_ok(fe_create_2d(fe, id, XRGB, 16, 16));
		for (id = 1; id <= 60; id++)
			assert_ok(fe_unref(fe, id));
		join(pid);
		for (id = 1; id <= 60; id++)
			g_assert_cmphex(fe_unref(fe, id), ==,
				VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	}
	end(fe);
}

/* GET_VRING_BASE and the rest of a stop, with a worker that just died. */
static void during_stop(void)
{
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 320, 240);
	int i, j;

	picture_show(p, 0, 0, 0, 320, 240);
	picture_push(p);
	for (i = 0; i < ROUNDS; i++) {
		struct virtio_gpu_ctrl_hdr cmd = {
			.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
		};
		struct fe_req *reqs[20];
		pid_t pid;

		for (j = 0; j < 20; j++)
			reqs[j] = fe_send_cmd(fe, 0, &cmd, sizeof(cmd), 408);
		pid = killer(fe, random_us(3000));
		fe_kick(fe, 0);
		g_assert_cmpint(fe_stop(fe), ==, 0);
		g_assert_cmpint(fe_start(fe), ==, 0);
		for (j = 0; j < 20; j++) {
			g_assert_cmpint(fe_wait(reqs[j]), ==, 0);
			fe_req_free(reqs[j]);
		}
		join(pid);
		check_alive(fe, p);
	}
	picture_free(p, true);
	end(fe);
}

/* Stopped (as if hung) rather than dead: it must not hold up the VMM. */
static void hung_at_stop(void)
{
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
	int i;

	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	for (i = 0; i < 3; i++) {
		kill(fe_worker(fe), SIGSTOP);
		g_assert_cmpint(fe_get_config(fe), ==, 0);
		g_assert_cmpint(fe_stop(fe), ==, 0);
		g_assert_cmpint(fe_start(fe), ==, 0);
		check_alive(fe, p);
	}
	picture_free(p, true);
	end(fe);
}

static void during_reboot(void)
{
	struct fe *fe = begin();
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
		pid_t pid;

		picture_show(p, 0, 0, 0, 64, 48);
		picture_push(p);
		g_assert_true(picture_same(p));
		picture_free(p, false);
		pid = killer(fe, random_us(2000));
		g_assert_cmpint(fe_reboot(fe), ==, 0);
		join(pid);
		assert_error(fe_unref(fe, 1));
	}
	end(fe);
}

/* Fences in flight on the GPU: answered, with an error if need be. */
static void during_fences(void)
{
	static const float grey[4] = { 0.5, 0.5, 0.5, 1 };
	struct fe *fe = begin();
	struct fe_req *reqs[100];
	uint32_t buf[64], ctx;
	size_t n;
	int i, j;

	if (!(fe->acked & 1ull << VIRTIO_GPU_F_VIRGL)) {
		end_case(fe);
		runner_skip("the back end offers no 3D");
	}
	for (i = 0; i < 5; i++) {
		pid_t pid;

		ctx = 1 + (uint32_t)i;
		assert_ok(fe_ctx_create(fe, ctx, "fences"));
		assert_ok(fe_texture(fe, ctx, XRGB, 512, 512));
		assert_ok(fe_ctx_attach(fe, ctx, ctx));
		n = fe_virgl_clear(buf, 5, ctx, XRGB, grey);
		assert_ok(fe_submit(fe, ctx, buf, (uint32_t)n * 4, 1));
		n = fe_virgl_clear(buf, 5, 0, XRGB, grey);
		pid = killer(fe, random_us(20000));
		for (j = 0; j < 100; j++)
			reqs[j] = fe_submit_send(fe, ctx, buf,
						 (uint32_t)n * 4,
						 (uint64_t)j + 2);
		for (j = 0; j < 100; j++) {
			g_assert_cmpint(fe_wait(reqs[j]), ==, 0);
			g_assert_cmpint(fe_resp_type(reqs[j]), >, 0);
			fe_req_free(reqs[j]);
		}
		join(pid);
		/* the context was lost, which is told; its id can be reused */
		assert_error(fe_submit(fe, ctx, buf, (uint32_t)n * 4, 500));
		assert_ok(fe_ctx_destroy(fe, ctx));
		assert_ok(fe_ctx_create(fe, ctx, "again"));
		fe_virgl_nop(buf);
		assert_ok(fe_submit(fe, ctx, buf, 4, 501));
		assert_ok(fe_ctx_destroy(fe, ctx));
		fe_unref(fe, ctx);
	}
	end(fe);
}

static void no_growth(void)
{
	struct fe *fe = begin();
	struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
	int i, fds = 0;
	long kib = 0;

	picture_show(p, 0, 0, 0, 64, 48);
	for (i = 0; i < 25; i++) {
		if (i == 10) {
			fds = proc_count_fds(fe->pid);
			kib = proc_private_kib(fe->pid);
		}
		join(killer(fe, random_us(2000)));
		check_alive(fe, p);
	}
	g_assert_cmpint(proc_count_fds(fe->pid), ==, fds);
	g_assert_cmpint(proc_private_kib(fe->pid) - kib, <,
			1000 + PROC_KIB_SLACK);
	picture_free(p, true);
	end(fe);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/recovery/idle", idle, 0);
	runner_add("/recovery/contents", contents, 0);
	runner_add("/recovery/during-flush", during_flush, 0);
	runner_add("/recovery/pipeline", pipeline, 0);
	runner_add("/recovery/objects", objects, 0);
	runner_add("/recovery/during-stop", during_stop, 0);
	runner_add("/recovery/hung-at-stop", hung_at_stop, 0);
	runner_add("/recovery/during-reboot", during_reboot, 0);
	runner_add_3d("/recovery/during-fences", during_fences, 0);
	runner_add("/recovery/no-growth", no_growth, 120);
	return runner_run();
}
