// SPDX-License-Identifier: MIT
/*
 * test-worker-bad.c - a worker whose endpoint, ledger or predecessors are bad
 */
#include <time.h>

#include "tests/unit/worker_fixture.h"

static int exit_code(struct fixture *f)
{
	struct pollfd p = { .fd = f->sock, .events = 0 };
	int status;

	g_assert_cmpint(poll(&p, 1, TIMEOUT_MS), ==, 1);
	status = reap(f);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_wrong_endpoint(void)
{
	struct vgpu_ipc_features features = { 0 };
	struct vgpu_ipc_mem_table table = { .nregions = 1 };
	struct fixture f;

	/* out of order */
	setup(&f);
	must_send(&f, VGPU_IPC_FEATURES, &features, sizeof(features), NULL, 0);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* twice */
	setup(&f);
	send_setup(&f);
	send_setup(&f);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* malformed */
	setup(&f);
	g_assert_cmpint(send(f.sock, "junk", 4, 0), ==, 4);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* no ledger, no caps */
	setup(&f);
	close(f.caps);
	f.caps = dup(f.ledger);
	send_setup(&f);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
	/* a memory table that can not be */
	start(&f);
	must_send(&f, VGPU_IPC_MEM_TABLE, &table, sizeof(table), &f.g.memfd, 1);
	g_assert_cmpint(exit_code(&f), ==, 1);
	end(&f);
}

/* A ring where there is no memory: said, survived. */
static void test_bad_vring(void)
{
	struct vgpu_ipc_vring vring = { .index = 1, .num = NUM };
	struct fixture f;
	int fds[2];

	start(&f);
	fds[0] = f.g.kick;
	fds[1] = f.g.call;
	must_send(&f, VGPU_IPC_VRING_START, &vring, sizeof(vring), fds, 2);
	g_assert_cmpuint(expect(&f, VGPU_IPC_VRING_BROKEN)->vring_index.index,
			 ==, 1);
	create_2d(&f, 1);
	end(&f);
}

/* A kick descriptor at its end: no busy loop, and a new one works. */
static void test_bad_kick(void)
{
	struct fixture f;
	struct timespec before, after;
	clockid_t clock;
	int kick, fds[2];

	start(&f);
	create_2d(&f, 1);
	g_assert_cmpint(pipe(fds), ==, 0);
	close(fds[1]);
	kick = f.g.kick;
	f.g.kick = fds[0];
	send_start(&f, 0, f.g.avail_idx);
	g_usleep(100000);
	g_assert_cmpint(clock_getcpuclockid(f.pid, &clock), ==, 0);
	clock_gettime(clock, &before);
	g_usleep(200000);
	clock_gettime(clock, &after);
	g_assert_cmpint((after.tv_sec - before.tv_sec) * 1000 +
			(after.tv_nsec - before.tv_nsec) / 1000000, <, 50);
	close(fds[0]);
	f.g.kick = kick;
	send_start(&f, 0, f.g.avail_idx);
	transfer(&f, 1);
	end(&f);
}

/* A ledger that is not one: contents are lost, the device is not. */
static void test_bad_ledger(void)
{
	uint32_t magic = 0;
	struct fixture f;

	start(&f);
	create_2d(&f, 1);
	kill_worker(&f);
	g_assert_cmpint(pwrite(f.ledger, &magic, 4, 0), ==, 4);
	take_over(&f);
	send_start(&f, VGPU_VRING_RESUME, 0);
	create_2d(&f, 1);
	end(&f);
}

/* A command that kills: answered with an error after some deaths. */
static void test_crashes(void)
{
	struct fixture f;
	uint16_t head;

	start(&f);
	create_2d(&f, 1);
	head = ask_display_info(&f);
	for (int i = 0; i < 3; i++) {
		expect(&f, VGPU_IPC_GET_DISPLAY_INFO);
		ipc_msg_close(&f.msg);
		kill(f.pid, SIGABRT);
		g_assert_true(WIFSIGNALED(reap(&f)));
		take_over(&f);
		send_start(&f, VGPU_VRING_RESUME, 0);
	}
	g_assert_cmphex(wait_answer(&f, head), ==, VIRTIO_GPU_RESP_ERR_UNSPEC);
	/* all else is as it was */
	transfer(&f, 1);
	head = ask_display_info(&f);
	answer_display_info(&f);
	g_assert_cmphex(wait_answer(&f, head), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* still: then it is the state that kills */
	for (int i = 0; i < 3; i++) {
		kill(f.pid, SIGABRT);
		g_assert_true(WIFSIGNALED(reap(&f)));
		take_over(&f);
		send_start(&f, VGPU_VRING_RESUME, 0);
	}
	create_2d(&f, 1);
	g_assert_cmpuint(f.g.last_used, ==, f.g.avail_idx);
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(120);	/* a worker that should have left */
	g_test_add_func("/worker/wrong-endpoint", test_wrong_endpoint);
	g_test_add_func("/worker/bad-vring", test_bad_vring);
	g_test_add_func("/worker/bad-kick", test_bad_kick);
	g_test_add_func("/worker/bad-ledger", test_bad_ledger);
	g_test_add_func("/worker/crashes", test_crashes);
	return g_test_run();
}
