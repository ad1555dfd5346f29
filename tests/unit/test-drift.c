// SPDX-License-Identifier: MIT
/*
 * test-drift.c - a worker that lies about its GPU time; the kernel's figure is
 * faked, for it takes a GPU
 */
#include <fcntl.h>
#include <stdatomic.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "protocol/vgpu_sched.h"
#include "sched/arbiter.h"
#include "sched/client.h"
#include "tests/lib/runner.h"

#define MS	1000000ull

static struct event_loop *loop;
static struct arbiter *arbiter;
static struct arbiter_vm *vm;
static struct sched_client *client;
static uint64_t kernel_ns;
static int kernel_error;

static int gpu_clock(pid_t pid, uint64_t *ns)
{
	g_assert_cmpint(pid, ==, 1);
	*ns = kernel_ns;
	return kernel_error;
}

static void on_lease(void *opaque)
{
}

static int copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void setup(void)
{
	const struct arbiter_config config = {
		.gpu_clock = gpu_clock,
	};
	struct arbiter_fds fds;
	struct sched_fds mine;

	log_set_level(LOG_LEVEL_ERROR);
	kernel_ns = 5000 * MS;	/* of an earlier life */
	kernel_error = 0;
	loop = event_loop_new();
	arbiter = arbiter_new(loop, &config);
	vm = arbiter_vm_new(arbiter, "a", 100, NULL);
	g_assert_cmpint(arbiter_vm_attach(vm, &fds), ==, 0);
	mine = (struct sched_fds){
		copy(fds.grant_page), copy(fds.report_page),
		copy(fds.grant_fd), copy(fds.want_fd),
	};
	client = sched_client_new(loop, &mine, on_lease, NULL);
	arbiter_vm_worker(vm, 1);
}

static void teardown(void)
{
	sched_client_free(client);
	arbiter_vm_free(vm);
	arbiter_free(arbiter);
	event_loop_free(loop);
}

/* Two looks, of which the first only remembers. Return: what was corrected */
static uint64_t run(unsigned int ms)
{
	uint64_t end = event_now_ns() + ms * MS;
	struct arbiter_stats stats;

	do {
		event_loop_iterate(loop, 10);
	} while (event_now_ns() < end);
	arbiter_vm_stats(vm, &stats);
	return stats.drift_ns;
}

static void claim(uint64_t ns)
{
	struct vgpu_sched_report *r = sched_client_report(client);

	atomic_store(&r->gpu_ns, atomic_load(&r->gpu_ns) + ns);
}

static void test_honest(void)
{
	setup();
	g_assert_cmpuint(run(1700), ==, 0);
	kernel_ns += 500 * MS;
	claim(490 * MS);	/* clocks differ a little */
	/* a job in flight that the kernel has counted already */
	sched_client_report(client)->oldest_job_ns = event_now_ns() - 100 * MS;
	kernel_ns += 100 * MS;
	g_assert_cmpuint(run(1300), ==, 0);
	teardown();
}

static void test_liar(void)
{
	struct arbiter_stats stats;

	setup();
	g_assert_cmpuint(run(1700), ==, 0);
	kernel_ns += 800 * MS;
	claim(80 * MS);		/* a tenth of it */
	g_assert_cmpuint(run(1300), >=, 600 * MS);
	arbiter_vm_stats(vm, &stats);
	g_assert_cmpuint(stats.drift_ns, <=, 720 * MS);
	g_assert_cmpuint(stats.gpu_ns, >=, 680 * MS);
	g_assert_cmpuint(stats.charged_ns, >=, stats.drift_ns);
	/* what was charged is not charged again */
	g_assert_cmpuint(run(1300), ==, stats.drift_ns);
	teardown();
}

/* A driver that does not tell, and a figure that falls. */
static void test_unknown(void)
{
	setup();
	kernel_error = -61;
	kernel_ns += 800 * MS;
	g_assert_cmpuint(run(1700), ==, 0);
	kernel_error = 0;
	kernel_ns += 800 * MS;
	g_assert_cmpuint(run(1300), ==, 0);	/* the first look */
	kernel_ns = 0;
	g_assert_cmpuint(run(1300), ==, 0);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	runner_add("/sched/drift/honest", test_honest, 0);
	runner_add("/sched/drift/liar", test_liar, 0);
	runner_add("/sched/drift/unknown", test_unknown, 0);
	return runner_run();
}
