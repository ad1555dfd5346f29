// SPDX-License-Identifier: MIT
/*
 * test-shares.c - two VMs under vgpud, their shares by the kernel's CPU time
 *
 * "The GPU" is one CPU with one llvmpipe thread; vgpud, endpoints and front
 * ends are on another. Each front end keeps some number of command buffers
 * outstanding: a GL program that waits for each frame has one.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-glib/json-glib.h>

#include "base/fdpass.h"
#include "tests/lib/fe.h"
#include "tests/lib/runner.h"
#include "tests/lib/virgl_encode.h"

#define SECONDS		6		/* of CPU, a measurement */
#define SIZE		1024		/* of the textures */
#define B8G8R8X8	2
#define MAX_DEPTH	4

struct load {
	const char *vm;
	unsigned int depth;		/* buffers outstanding */
	unsigned int blits;		/* a buffer */
	unsigned int think_us;		/* between an answer and the next */
};

struct totals {
	gint64 cpu, busy, jobs, idle, worker, charged, outside;
};

static char *dir;
static pid_t vgpud;

/* ---- one VM ---- */

static void blit(struct virgl_stream *s, uint32_t to, uint32_t from)
{
	int i;

	virgl_command(s, VIRGL_CCMD_BLIT, 0, 21);
	virgl_word(s, 0xf | 1 << 8);	/* RGBA, linear */
	virgl_word(s, 0);		/* no scissor */
	virgl_word(s, 0);
	for (i = 0; i < 2; i++) {
		virgl_word(s, i ? from : to);
		virgl_word(s, 0);	/* level */
		virgl_word(s, B8G8R8X8);
		virgl_word(s, 0);
		virgl_word(s, 0);
		virgl_word(s, 0);
		virgl_word(s, i ? SIZE / 2 : SIZE);
		virgl_word(s, i ? SIZE / 2 : SIZE);
		virgl_word(s, 1);
	}
}

static void run_load(const struct load *load)
{
	struct fe_options opts = { .no_poison = true, .timeout_ms = 60000 };
	g_autofree char *path = g_strdup_printf("%s/%s.sock", dir, load->vm);
	struct fe_req *req[MAX_DEPTH] = { NULL };
	struct virgl_stream s = { 0 };
	unsigned int i;
	struct fe *fe;
	uint64_t n;

	fe = fe_new_on(&opts, fdpass_connect(path, SOCK_STREAM));
	g_assert_cmpint(fe_up(fe), ==, 0);
	g_assert_cmpint(fe_ctx_create(fe, 1, load->vm), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	for (i = 1; i <= 2; i++) {
		g_assert_cmpint(fe_texture(fe, i, B8G8R8X8, SIZE, SIZE), ==,
				VIRTIO_GPU_RESP_OK_NODATA);
		g_assert_cmpint(fe_ctx_attach(fe, 1, i), ==,
				VIRTIO_GPU_RESP_OK_NODATA);
	}
	for (i = 0; i < load->blits; i++)
		blit(&s, 1 + i % 2, 2 - i % 2);
	for (n = 0;; n++) {
		struct fe_req **r = &req[n % load->depth];

		if (*r) {
			g_assert_cmpint(fe_wait(*r), ==, 0);
			g_assert_cmpint(fe_resp_type(*r), ==,
					VIRTIO_GPU_RESP_OK_NODATA);
			fe_req_free(*r);
			if (load->think_us)
				usleep(load->think_us);
		}
		*r = fe_submit_send(fe, 1, s.word, (uint32_t)(s.n * 4), n + 1);
		fe_kick(fe, VIRTIO_GPU_QUEUE_CONTROL);
	}
}

static pid_t start_load(const struct load *load)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_load(load);
		_exit(1);
	}
	return pid;
}

/* ---- vgpud ---- */

static void start_vgpud(const int *weights, const char *more)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *program = g_strdup_printf("%s/vgpud", b);
	g_autofree char *config = g_strdup_printf("%s/vgpud.conf", dir);
	g_autofree char *control = g_strdup_printf("%s/control.sock", dir);
	g_autofree char *text = g_strdup_printf(
		"[vgpud]\ncontrol-socket=%s\nruntime-dir=%s\nrender-node=none\n"
		"worker-cpus=0\ncpu-threads=1\n%s"
		"[vm a]\nweight=%d\n[vm b]\nweight=%d\n",
		control, dir, more, weights[0], weights[1]);
	int tries, sock = -1;

	g_assert_true(g_file_set_contents(config, text, -1, NULL));
	vgpud = fork();
	if (!vgpud) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program, "vgpud", "--config", config, NULL);
		_exit(127);
	}
	for (tries = 0; tries < 600 && sock < 0; tries++) {
		g_autofree char *last = g_strdup_printf("%s/b.sock", dir);

		g_assert_cmpint(waitpid(vgpud, NULL, WNOHANG), ==, 0);
		if (!access(last, F_OK))
			sock = fdpass_connect(control, SOCK_STREAM);
		usleep(50000);
	}
	g_assert_cmpint(sock, >=, 0);
	close(sock);
}

static void stop_vgpud(void)
{
	int status;

	kill(vgpud, SIGTERM);
	g_assert_cmpint(waitpid(vgpud, &status, 0), ==, vgpud);
	g_assert_cmpint(status, ==, 0);
}

static JsonNode *ask(const char *line)
{
	g_autofree char *control = g_strdup_printf("%s/control.sock", dir);
	int sock = fdpass_connect(control, SOCK_STREAM);
	g_autoptr(GString) in = g_string_new(NULL);
	JsonNode *node;
	char buf[4096];
	ssize_t n;

	g_assert_cmpint(sock, >=, 0);
	g_assert_cmpint(send(sock, line, strlen(line), 0), ==,
			(ssize_t)strlen(line));
	do {
		n = recv(sock, buf, sizeof(buf), 0);
		g_assert_cmpint(n, >, 0);
		g_string_append_len(in, buf, n);
	} while (in->str[in->len - 1] != '\n');
	close(sock);
	node = json_from_string(in->str, NULL);
	g_assert_nonnull(node);
	return node;
}

static void read_totals(struct totals t[2])
{
	JsonNode *node = ask("{\"cmd\":\"stats\"}\n");
	JsonArray *vms = json_object_get_array_member(json_node_get_object(node),
						      "vms");
	guint i;

	for (i = 0; i < 2; i++) {
		JsonObject *vm = json_array_get_object_element(vms, i);

		t[i].cpu = json_object_get_int_member(vm, "cpu_ns");
		t[i].busy = json_object_get_int_member(vm, "busy_ns");
		t[i].jobs = json_object_get_int_member(vm, "jobs");
		t[i].charged = json_object_get_int_member(vm, "charged_ns");
		t[i].outside = json_object_get_int_member(vm, "outside_ns");
		t[i].worker = json_object_get_int_member(vm, "worker_pid");
		t[i].idle = (gint64)(1e9 * json_object_get_double_member(
			vm, "idle_seconds"));
	}
	json_node_unref(node);
}

/* The kernel's own figure, not vgpud's report of it. */
static gint64 cpu_time(gint64 pid)
{
	struct timespec t;
	clockid_t clock;

	g_assert_cmpint(clock_getcpuclockid((pid_t)pid, &clock), ==, 0);
	g_assert_cmpint(clock_gettime(clock, &t), ==, 0);
	return (gint64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void wait_for_work(void)
{
	struct totals t[2];
	int tries = 0;

	do {
		g_assert_cmpint(tries++, <, 600);
		usleep(100000);
		read_totals(t);
	} while (t[0].jobs < 20 || t[1].jobs < 5);
}

/*
 * Until both together have used SECONDS of the CPU, however much of it this
 * host can spare. Return: share of the first VM.
 */
static double measure(const char *what, double want)
{
	struct totals before[2], after[2];
	double used[2], busy[2], charged[2];
	uint64_t began, wall;
	gint64 start[2];
	int i;

	wait_for_work();
	began = fe_now_ns();
	read_totals(before);
	for (i = 0; i < 2; i++)
		start[i] = cpu_time(before[i].worker);
	do {
		usleep(100000);
		wall = fe_now_ns() - began;
		for (i = 0; i < 2; i++)
			used[i] = (double)(cpu_time(before[i].worker) -
					   start[i]) / 1e9;
		g_assert_cmpuint(wall, <, 120000000000);
	} while (used[0] + used[1] < SECONDS);
	read_totals(after);
	for (i = 0; i < 2; i++) {
		g_assert_cmpint(after[i].worker, ==, before[i].worker);
		busy[i] = (double)(after[i].busy - before[i].busy) /
			(double)wall;
		charged[i] = (double)(after[i].charged - before[i].charged) /
			(double)(after[i].cpu - before[i].cpu);
	}
	g_test_message("%s: %.2f %% (want %.2f) of %.1f s CPU in %.1f s; jobs %d and %d; busy %.0f %% and %.0f %%; charged %.3f and %.3f of CPU; kept idle %.2f s",
		       what, 100 * used[0] / (used[0] + used[1]), 100 * want,
		       used[0] + used[1], (double)wall / 1e9,
		       (int)(after[0].jobs - before[0].jobs),
		       (int)(after[1].jobs - before[1].jobs), 100 * busy[0],
		       100 * busy[1], charged[0], charged[1],
		       (double)(after[0].idle + after[1].idle -
				before[0].idle - before[1].idle) / 1e9);
	return used[0] / (used[0] + used[1]);
}

static void set_weight(const char *vm, int weight)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"set\",\"vm\":\"%s\",\"weight\":%d}\n", vm, weight);
	JsonNode *node = ask(line);

	g_assert_true(json_object_get_boolean_member(json_node_get_object(node),
						     "ok"));
	json_node_unref(node);
}

static void compete(const struct load *a, const struct load *b)
{
	int weights[2] = { 200, 100 };
	g_autofree char *command = NULL;
	pid_t loads[2];
	double share;

	dir = g_dir_make_tmp("vgpu-shares-XXXXXX", NULL);
	start_vgpud(weights, "");
	loads[0] = start_load(a);
	loads[1] = start_load(b);
	share = measure("2:1", 2.0 / 3);
	g_assert_cmpfloat_with_epsilon(share, 2.0 / 3, 0.02);
	/* live */
	set_weight("a", 100);
	usleep(500000);
	share = measure("1:1", 0.5);
	g_assert_cmpfloat_with_epsilon(share, 0.5, 0.02);
	kill(loads[0], SIGKILL);
	kill(loads[1], SIGKILL);
	waitpid(loads[0], NULL, 0);
	waitpid(loads[1], NULL, 0);
	stop_vgpud();
	command = g_strdup_printf("rm -rf %s", dir);
	g_assert_cmpint(system(command), ==, 0);
	g_free(dir);
}

static void test_queued(void)
{
	const struct load a = { "a", 3, 2, 0 }, b = { "b", 3, 2, 0 };

	compete(&a, &b);
}

/* Equal work is not equal time: one has jobs eight times as long. */
static void test_unequal(void)
{
	const struct load a = { "a", 3, 1, 0 }, b = { "b", 3, 8, 0 };

	compete(&a, &b);
}

/* Each waits for its frame and thinks: 1:1 whatever the weights, but for
 * anticipation. */
static void test_one_outstanding(void)
{
	const struct load a = { "a", 1, 2, 1000 }, b = { "b", 1, 2, 1000 };

	compete(&a, &b);
}

/* Stopped while it waits it would only lose its turn. */
static void stop_in_a_job(pid_t worker)
{
	struct totals before[2], after[2];
	int tries;

	for (tries = 0; tries < 200; tries++) {
		kill(worker, SIGSTOP);
		read_totals(before);
		usleep(300000);
		read_totals(after);
		/* the lane stands still: it is the one that holds it */
		if (after[1].jobs == before[1].jobs)
			return;
		kill(worker, SIGCONT);
		usleep(7000);
	}
	g_error("never caught in a job");
}

/*
 * A worker that does not go on with the lease and a job in flight: it is killed
 * after the timeout, and the other has the GPU again.
 */
static void test_hung(void)
{
	const struct load a = { "a", 3, 2, 0 }, b = { "b", 3, 2, 0 };
	g_autofree char *command = NULL;
	int weights[2] = { 100, 100 };
	struct totals then[2], now[2];
	uint64_t began;
	pid_t loads[2];

	dir = g_dir_make_tmp("vgpu-shares-XXXXXX", NULL);
	start_vgpud(weights, "timeout=5s\n");
	loads[0] = start_load(&a);
	loads[1] = start_load(&b);
	wait_for_work();
	read_totals(then);
	stop_in_a_job((pid_t)then[0].worker);
	began = fe_now_ns();
	/* its front end would complain of the context that is lost */
	kill(loads[0], SIGSTOP);
	do {
		g_assert_cmpuint(fe_now_ns() - began, <, 30000000000);
		usleep(100000);
		read_totals(now);
	} while (now[0].worker == then[0].worker);
	g_assert_cmpuint(fe_now_ns() - began, >, 4000000000);
	g_test_message("killed after %.1f s",
		       (double)(fe_now_ns() - began) / 1e9);
	/* the neighbour has lost no more than that time */
	then[1] = now[1];
	do {
		g_assert_cmpuint(fe_now_ns() - began, <, 60000000000);
		usleep(100000);
		read_totals(now);
	} while (now[1].jobs < then[1].jobs + 10);
	g_assert_cmpint(now[1].worker, ==, then[1].worker);
	kill(loads[0], SIGKILL);
	kill(loads[1], SIGKILL);
	waitpid(loads[0], NULL, 0);
	waitpid(loads[1], NULL, 0);
	stop_vgpud();
	command = g_strdup_printf("rm -rf %s", dir);
	g_assert_cmpint(system(command), ==, 0);
	g_free(dir);
}

int main(int argc, char **argv)
{
	cpu_set_t set;

	runner_init(&argc, &argv);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		CPU_ZERO(&set);
		CPU_SET(1, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	runner_add("/shares/queued", test_queued, 300);
	runner_add("/shares/unequal", test_unequal, 300);
	runner_add("/shares/one-outstanding", test_one_outstanding, 300);
	runner_add("/shares/hung", test_hung, 300);
	return runner_run();
}
