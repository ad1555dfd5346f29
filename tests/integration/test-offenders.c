// SPDX-License-Identifier: MIT
/*
 * test-offenders.c - VMs that mean no good, and what their neighbours notice
 *
 * Three VMs on one vgpud: `bad`, `good`, which has work all the time, and
 * `light`, which draws a small frame 60 times a second. Whatever bad does, good
 * has its share, light its frames, and it is bad that is named.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "protocol/vgpu_sched.h"
#include "tests/lib/fe.h"
#include "tests/lib/load.h"
#include "tests/lib/runner.h"
#include "tests/lib/share.h"
#include "tests/lib/vgpud.h"
#include "tests/lib/virgl_draw.h"

#define VMS		"[vm bad]\nmemory=64M\ntimeout=1s\n[vm good]\n[vm light]\n"
#define OK		VIRTIO_GPU_RESP_OK_NODATA
#define FORMAT		VIRGL_FORMAT_B8G8R8A8_UNORM
#define SIDE		1024
#define TICK_US		16667
#define WAIT_S		60
#define OTHERS_MAX	0.1
#define HANG_S		1.6	/* the time-out, and the watchdog's tick */

enum { BAD, GOOD, LIGHT };

static struct vgpud vgpud;
static struct load_run good, light;
/* Shared with the offender's process: it is ready, it may begin. */
static _Atomic int *ready;

/* ---- the neighbours ---- */

static void neighbours(void)
{
	static const struct load busy = {
		.name = "good", .depth = 2, .blits = 2,
	};
	static const struct load frames = {
		.name = "light", .blits = 1, .side = 256, .period_us = TICK_US,
	};

	vgpud_start(&vgpud, SHARE_KEYS, VMS);
	load_start(&good, &busy, vgpud_connect(&vgpud, "good"));
	load_start(&light, &frames, vgpud_connect(&vgpud, "light"));
	g_assert_true(load_wait(&good, 20, WAIT_S));
	g_assert_true(load_wait(&light, 20, WAIT_S));
}

static void end(void)
{
	/* all their commands were answered, and well */
	g_assert_true(load_stop(&good));
	g_assert_true(load_stop(&light));
	vgpud_stop(&vgpud);
}

/* A moment, with what had been used of the workers' CPU until then. */
struct moment {
	struct vgpud_vm vm[3];
	uint64_t ns, busy;
};

static void now(struct moment *m)
{
	vgpud_stats(&vgpud, m->vm, 3);
	m->ns = fe_now_ns();
	m->busy = share_busy_ns();
}

/* The part of that CPU that went to others on this host. */
static double others(const struct moment *a, const struct moment *b)
{
	double busy = (double)(b->busy - a->busy);
	int i;

	for (i = 0; i < 3; i++)
		busy -= (double)(b->vm[i].cpu - a->vm[i].cpu);
	return busy / (double)(b->ns - a->ns);
}

/* What good may have on the GPU when somebody else's turn comes, in ms. */
static double in_flight(const struct vgpud_vm *a, const struct vgpud_vm *b)
{
	g_assert_cmpint(b[GOOD].jobs, >, a[GOOD].jobs);
	return 2 * (double)(b[GOOD].cpu - a[GOOD].cpu) / 1e6 /
		(double)(b[GOOD].jobs - a[GOOD].jobs);
}

/* Frame time below which @part of the frames were, in ms. */
static double frame_time(double part)
{
	size_t n;
	g_autofree double *us = load_times(&light, &n);

	g_assert_cmpuint(n, >, 0);
	return us[MIN(n - 1, (size_t)((double)n * part))] / 1000;
}

/* ---- the offender, a process ---- */

static struct fe *bad_up(int sock)
{
	static const struct fe_options opts = {
		.no_poison = true, .timeout_ms = 60000,
		.ram_size = 64u << 20, .queue_size = { 64, 16 },
	};
	struct fe *fe = fe_new_on(&opts, sock);

	g_assert_cmpint(fe_up(fe), ==, 0);
	return fe;
}

/* What starting OpenGL costs is no offence. */
static void warm_up(struct fe *fe)
{
	uint32_t nop[4];

	g_assert_cmpint(fe_ctx_create(fe, 9999, "warm"), ==, OK);
	g_assert_cmpint(fe_submit(fe, 9999, nop,
				  (uint32_t)fe_virgl_nop(nop) * 4, 1), ==, OK);
	g_assert_cmpint(fe_ctx_destroy(fe, 9999), ==, OK);
	atomic_store(ready, 1);
	while (atomic_load(ready) != 2)
		usleep(1000);
}

/* Return: when it is about to begin. */
static pid_t start_bad(void (*run)(struct fe *fe))
{
	int sock = vgpud_connect(&vgpud, "bad"), status;
	pid_t pid;

	ready = mmap(NULL, sizeof(*ready), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g_assert_true(ready != MAP_FAILED);
	pid = fork();
	if (!pid) {
		struct fe *fe;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fe = bad_up(sock);
		warm_up(fe);
		run(fe);
		_exit(0);
	}
	close(sock);
	while (!atomic_load(ready)) {
		g_assert_cmpint(waitpid(pid, &status, WNOHANG), ==, 0);
		usleep(1000);
	}
	return pid;
}

static void let_go(void)
{
	load_forget(&light);
	atomic_store(ready, 2);
}

static bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && !status;
}

static void end_bad(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- memory ---- */

static int submit_clear(struct fe *fe, uint32_t ctx, uint32_t res, float green)
{
	const float colour[4] = { 0, green, 0, 1 };
	uint32_t words[64];
	size_t n = fe_virgl_clear(words, 5, res, FORMAT, colour);

	return fe_submit(fe, ctx, words, (uint32_t)n * 4, 1);
}

/* A program that has nothing to do with it: it draws, and reads back. */
static void bystander(struct fe *fe, float green)
{
	uint64_t page = fe_alloc(fe, 64 * 64 * 4);
	uint32_t *pixel = fe_at(fe, page);

	g_assert_cmpint(fe_ctx_create(fe, 7, "bystander"), ==, OK);
	g_assert_cmpint(fe_texture(fe, 70, FORMAT, 64, 64), ==, OK);
	g_assert_cmpint(fe_attach(fe, 70, page, 64 * 64 * 4), ==, OK);
	g_assert_cmpint(fe_ctx_attach(fe, 7, 70), ==, OK);
	g_assert_cmpint(submit_clear(fe, 7, 70, green), ==, OK);
	g_assert_cmpint(fe_transfer_3d(fe, false, 7, 70, 64, 64, 0), ==, OK);
	g_assert_cmphex(pixel[64 * 20 + 20], ==,
			green > 0 ? 0xff00ff00 : 0xff000000);
}

static void bystander_again(struct fe *fe)
{
	const float colour[4] = { 0, 0, 1, 1 };
	uint32_t words[64];
	size_t n = fe_virgl_clear(words, 5, 0, FORMAT, colour);

	g_assert_cmpint(fe_submit(fe, 7, words, (uint32_t)n * 4, 2), ==, OK);
	g_assert_cmpint(fe_transfer_3d(fe, false, 7, 70, 64, 64, 0), ==, OK);
}

/* Four MiB each, until there is no more; return how many there were. */
static unsigned int allocate(struct fe *fe)
{
	unsigned int i, n = 0, refused = 0;

	for (i = 0; i < 200 && refused < 20; i++) {
		int ret = fe_texture(fe, 1000 + i, FORMAT, SIDE, SIDE);

		if (ret == OK)
			n++;
		else
			refused++;
	}
	g_assert_cmpuint(refused, ==, 20);
	for (i = 0; i < 200; i++)
		fe_unref(fe, 1000 + i);
	return n;
}

static void bombs(struct fe *fe)
{
	uint64_t until = fe_now_ns() + 1500000000ull;
	unsigned int i, n, refused = 0;

	bystander(fe, 1);
	do {
		n = allocate(fe);
		/* 64 MiB, and none is lost on the way */
		g_assert_cmpuint(n, >=, 8);
		g_assert_cmpuint(n, <=, 16);
		bystander_again(fe);
	} while (fe_now_ns() < until);
	for (i = 0; i < 6000 && refused < 20; i++)
		refused += fe_ctx_create(fe, 10000 + i, "bomb") != OK;
	g_assert_cmpuint(refused, ==, 20);
	bystander_again(fe);
	for (i = 0; i < 6000; i++)
		fe_ctx_destroy(fe, 10000 + i);
	bystander_again(fe);
	_exit(fe_free(fe) ? 1 : 0);
}

/* Light's frames while @run has its way, beside those before that. */
static void watch_frames(void (*run)(struct fe *fe))
{
	struct moment first, before, after;
	double alone, beside, limit, busy;
	bool well;
	pid_t bad;

	neighbours();
	bad = start_bad(run);
	load_forget(&light);
	now(&first);
	sleep(2);
	alone = frame_time(0.9);
	now(&before);
	let_go();
	well = ended_well(bad);
	beside = frame_time(0.9);
	now(&after);
	limit = 1.5 * alone + in_flight(first.vm, before.vm);
	busy = MAX(others(&first, &before), others(&before, &after));
	g_test_message("light's frames: 90 %% within %.1f ms, then %.1f; at most %.1f; %.0f %% of the CPU taken by others",
		       alone, beside, limit, 100 * busy);
	g_assert_true(well);
	g_assert_cmpint(after.vm[GOOD].worker, ==, first.vm[GOOD].worker);
	g_assert_cmpint(after.vm[LIGHT].worker, ==, first.vm[LIGHT].worker);
	g_assert_cmpint(after.vm[GOOD].jobs, >, before.vm[GOOD].jobs);
	if (busy <= OTHERS_MAX)
		g_assert_cmpfloat(beside, <, limit);
	else
		g_test_message("the CPU is not quiet: frame times say nothing of the scheduler");
	end();
}

static void test_bombs(void)
{
	watch_frames(bombs);
}

/* ---- time ---- */

static void hang(struct fe *fe, enum virgl_hang kind)
{
	struct virgl_stream *s = g_new0(struct virgl_stream, 1);
	uint32_t ctx = 1;

	virgl_surface(s, 1, 1, FORMAT);
	virgl_pipeline(s, kind, 1, SIDE, SIDE);
	virgl_draw(s, kind == VIRGL_HANG_VERTICES ? 100000000 : 1);
	g_assert_cmpint(fe_texture(fe, 1, FORMAT, SIDE, SIDE), ==, OK);
	for (;; ctx++) {
		/* whatever comes of it, once more */
		fe_ctx_create(fe, ctx, "endless");
		fe_ctx_attach(fe, ctx, 1);
		fe_submit(fe, ctx, s->word, (uint32_t)s->n * 4, ctx);
		usleep(10000);
	}
}

static void hang_fragments(struct fe *fe)
{
	hang(fe, VIRGL_HANG_FRAGMENTS);
}

static void hang_vertices(struct fe *fe)
{
	hang(fe, VIRGL_HANG_VERTICES);
}

/*
 * It costs its neighbours a time-out; then what it took is its debt. Over all
 * good has what bad has, but for the debt of the last time-out, and light.
 */
static void endless(void (*run)(struct fe *fe))
{
	struct vgpud_vm before[3], after[3];
	uint64_t began, cpu, theirs;
	double mine, share;
	pid_t bad;

	neighbours();
	bad = start_bad(run);
	vgpud_stats(&vgpud, before, 3);
	began = fe_now_ns();
	cpu = share_cpu_ns(before[GOOD].worker);
	let_go();
	vgpud_wait_log(&vgpud, "its worker is killed", 20);
	g_test_message("killed after %.1f s",
		       (double)(fe_now_ns() - began) / 1e9);
	/* by VM, context and the guest's program */
	g_assert_true(vgpud_log_has(&vgpud, "VM bad: "));
	g_assert_true(vgpud_log_has(&vgpud, ", endless)"));
	while (fe_now_ns() - began < 4000000000ull)
		usleep(20000);
	mine = (double)(share_cpu_ns(before[GOOD].worker) - cpu) / 1e9;
	vgpud_stats(&vgpud, after, 3);
	theirs = (uint64_t)(after[BAD].cpu - before[BAD].cpu);
	share = mine / (mine + (double)theirs / 1e9);
	g_test_message("good had %.2f s, bad %.2f s in %d workers: %.0f %%",
		       mine, (double)theirs / 1e9,
		       (int)(after[BAD].restarts - before[BAD].restarts) + 1,
		       100 * share);
	g_assert_false(vgpud_log_has(&vgpud, "VM good: a"));
	g_assert_false(vgpud_log_has(&vgpud, "VM light: a"));
	g_assert_cmpint(after[GOOD].worker, ==, before[GOOD].worker);
	g_assert_cmpint(after[LIGHT].worker, ==, before[LIGHT].worker);
	g_assert_cmpfloat(mine + HANG_S, >=, (double)theirs / 1e9);
	end_bad(bad);
	end();
}

static void test_fragments(void)
{
	endless(hang_fragments);
}

static void test_vertices(void)
{
	endless(hang_vertices);
}

/* ---- a worker in the hands of its guest ---- */

/* The page that it reports in, as it can write it itself. */
static struct vgpu_sched_report *report_of(pid_t worker)
{
	int i;

	for (i = 3; i < 128; i++) {
		g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d",
							(int)worker, i);
		g_autofree char *to = g_file_read_link(path, NULL);
		struct vgpu_sched_report *r;
		int fd;

		if (!to || !strstr(to, "vgpu-report"))
			continue;
		fd = open(path, O_RDWR | O_CLOEXEC);
		g_assert_cmpint(fd, >=, 0);
		r = mmap(NULL, VGPU_SCHED_PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
		close(fd);
		g_assert_true(r != MAP_FAILED);
		return r;
	}
	g_error("the worker has no report page");
	return NULL;
}

/* Half of the work, it says, or none. Its share is that of the kernel's clock. */
static void test_liar(void)
{
	static const struct load busy = {
		.name = "bad", .depth = 2, .blits = 2,
	};
	const struct load loads[2] = { busy, busy };
	const double half[2] = { 0.5, 0.5 };
	struct vgpu_sched_report *r;
	struct load_run bad;
	struct vgpud_vm vm[2];
	struct share s;
	int tries = 0;
	pid_t liar;

	vgpud_start(&vgpud, SHARE_KEYS, "[vm bad]\n[vm good]\n");
	load_start(&bad, &busy, vgpud_connect(&vgpud, "bad"));
	load_start(&good, &busy, vgpud_connect(&vgpud, "good"));
	g_assert_true(load_wait(&bad, 20, WAIT_S));
	g_assert_true(load_wait(&good, 20, WAIT_S));
	vgpud_stats(&vgpud, vm, 2);
	r = report_of(vm[BAD].worker);
	liar = fork();
	if (!liar) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; usleep(200)) {
			atomic_store(&r->gpu_ns, 0);
			atomic_store(&r->wait_ns, 0);
		}
	}
	do {
		share_measure(&vgpud, loads, 2, 3, 60, &s);
		g_test_message("the liar has %.1f %%, %.0f %% of the CPU taken by others",
			       100 * s.share[BAD], 100 * s.others);
	} while (share_error(&s, half) > 2 && ++tries < 3 && s.others > 0.2);
	g_assert_cmpfloat(share_error(&s, half), <=, 2);
	vgpud_wait_log(&vgpud, "VM bad: its worker claims ", 20);
	g_assert_false(vgpud_log_has(&vgpud, "VM good: its worker claims "));
	kill(liar, SIGKILL);
	waitpid(liar, NULL, 0);
	munmap(r, VGPU_SCHED_PAGE_SIZE);
	g_assert_true(load_stop(&bad));
	g_assert_true(load_stop(&good));
	vgpud_stop(&vgpud);
}

/* ---- fences ---- */

static void one_fence(struct fe *fe, uint64_t id)
{
	struct virtio_gpu_ctrl_hdr answer;
	struct {
		struct virtio_gpu_cmd_submit cmd;
		uint32_t words[2];
	} req = {
		.cmd = {
			.hdr = {
				.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1,
				.flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = id,
			},
			.size = sizeof(req.words),
		},
	};

	fe_virgl_nop(&req.words[0]);
	fe_virgl_nop(&req.words[1]);
	g_assert_cmpint(fe_call(fe, &req, sizeof(req), &answer,
				sizeof(answer)), ==, OK);
	g_assert_cmpuint(answer.fence_id, ==, id);
}

/* Past the end of 64 bits and back, out of order, the same one twice. */
static void fences(struct fe *fe)
{
	static const uint64_t ids[] = {
		UINT64_MAX - 1, UINT64_MAX, 0, 1, 1, UINT64_MAX, 1ull << 63,
		(1ull << 63) - 1, UINT32_MAX, 1ull << 32, 0, 2,
	};
	unsigned int i, k;

	g_assert_cmpint(fe_ctx_create(fe, 1, "fences"), ==, OK);
	for (k = 0; k < 10; k++)
		for (i = 0; i < G_N_ELEMENTS(ids); i++)
			one_fence(fe, ids[i]);
	_exit(fe_free(fe) ? 1 : 0);
}

static void test_fences(void)
{
	watch_frames(fences);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	share_confine();
	runner_add("/offenders/bombs", test_bombs, 120);
	runner_add("/offenders/endless-fragments", test_fragments, 120);
	runner_add("/offenders/endless-vertices", test_vertices, 120);
	runner_add("/offenders/liar", test_liar, 300);
	runner_add("/offenders/fences", test_fences, 120);
	return runner_run();
}
