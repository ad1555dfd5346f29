// SPDX-License-Identifier: MIT
/*
 * load.c - a VM that has work: a front end in a process of its own
 */
#include "tests/lib/load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/virgl_encode.h"

#define FORMAT		VIRGL_FORMAT_B8G8R8X8_UNORM
#define BLIT_SIZE	21
#define STOP_MS		20000

/* Between the process with the work and the test. */
struct load_shared {
	_Atomic uint32_t run, resting, quit;
	_Atomic int32_t worker;
	_Atomic uint64_t jobs, errors;
	_Atomic uint32_t samples;	/* only grows */
	uint32_t from;			/* the test's: those before are old */
	float us[LOAD_SAMPLES];
};

struct work {
	const struct load *load;
	struct load_shared *shared;
	struct fe *fe;
	struct virgl_stream stream;
	struct {
		struct fe_req *req;
		uint64_t since;
	} slot[LOAD_DEPTH_MAX];
	unsigned int depth;
	uint64_t fence;
};

/* ---- in the process with the work ---- */

static void add_blit(struct virgl_stream *s, uint32_t to, uint32_t from,
		     uint32_t side)
{
	int i;

	virgl_command(s, VIRGL_CCMD_BLIT, 0, BLIT_SIZE);
	virgl_word(s, 0xf | 1 << 8);	/* RGBA, linear */
	virgl_word(s, 0);		/* no scissor */
	virgl_word(s, 0);
	for (i = 0; i < 2; i++) {
		virgl_word(s, i ? from : to);
		virgl_word(s, 0);	/* level */
		virgl_word(s, FORMAT);
		virgl_word(s, 0);
		virgl_word(s, 0);
		virgl_word(s, 0);
		virgl_word(s, i ? side / 2 : side);
		virgl_word(s, i ? side / 2 : side);
		virgl_word(s, 1);
	}
}

static void prepare(struct work *w)
{
	const struct load *load = w->load;
	uint32_t side = load->side ? load->side : 1024, i;

	g_assert_cmpint(fe_up(w->fe), ==, 0);
	g_assert_cmpint(fe_ctx_create(w->fe, 1, load->name), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	for (i = 1; i <= 2 && load->blits; i++) {
		g_assert_cmpint(fe_texture(w->fe, i, FORMAT, side, side), ==,
				VIRTIO_GPU_RESP_OK_NODATA);
		g_assert_cmpint(fe_ctx_attach(w->fe, 1, i), ==,
				VIRTIO_GPU_RESP_OK_NODATA);
	}
	for (i = 0; i < load->blits; i++)
		add_blit(&w->stream, 1 + i % 2, 2 - i % 2, side);
	if (!load->blits)
		virgl_nop(&w->stream);
}

static void finish(struct work *w, unsigned int i)
{
	struct load_shared *s = w->shared;
	struct fe_req *req = w->slot[i].req;
	uint32_t at;

	if (!req)
		return;
	w->slot[i].req = NULL;
	g_assert_cmpint(fe_wait(req), ==, 0);
	if (fe_resp_type(req) != VIRTIO_GPU_RESP_OK_NODATA) {
		g_assert_true(w->load->errors);
		atomic_fetch_add(&s->errors, 1);
	} else if ((at = atomic_load(&s->samples)) < LOAD_SAMPLES) {
		s->us[at] = (float)(fe_now_ns() - w->slot[i].since) / 1000;
		atomic_store(&s->samples, at + 1);
	}
	fe_req_free(req);
	atomic_fetch_add(&s->jobs, 1);
}

static void submit(struct work *w, unsigned int i, uint64_t since)
{
	w->slot[i].since = since;
	w->slot[i].req = fe_submit_send(w->fe, 1, w->stream.word,
					(uint32_t)(w->stream.n * 4),
					++w->fence);
	fe_kick(w->fe, VIRTIO_GPU_QUEUE_CONTROL);
}

static void rest(struct work *w, unsigned int next)
{
	unsigned int i;

	for (i = 0; i < w->depth; i++)
		finish(w, (next + i) % w->depth);
	atomic_store(&w->shared->resting, 1);
	while (!atomic_load(&w->shared->run) && !atomic_load(&w->shared->quit))
		fe_poll(w->fe, 1);
	atomic_store(&w->shared->resting, 0);
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) ==
	       EINTR)
		;
}

/* Now, or the next tick of a clock that does not wait for us. */
static uint64_t next_start(const struct load *load, uint64_t tick)
{
	uint64_t period = load->period_us * 1000ull, now = fe_now_ns();

	if (!period)
		return now;
	tick += period;
	if (tick < now)		/* late: the ticks meanwhile are missed */
		tick += (now - tick + period - 1) / period * period;
	sleep_until(tick);
	return tick;
}

static void work(struct work *w)
{
	uint64_t at = fe_now_ns();
	unsigned int i = 0;

	while (!atomic_load(&w->shared->quit)) {
		if (!atomic_load(&w->shared->run)) {
			rest(w, i);
			at = fe_now_ns();
			continue;
		}
		if (w->slot[i].req) {
			finish(w, i);
			if (w->load->think_us)
				sleep_until(fe_now_ns() +
					    w->load->think_us * 1000ull);
		}
		at = next_start(w->load, at);
		submit(w, i, at);
		if (w->load->period_us)
			finish(w, i);
		i = (i + 1) % w->depth;
	}
	rest(w, i);
}

static void run_work(const struct load *load, struct load_shared *shared,
		     const char *command, int sock)
{
	struct fe_options opts = {
		.no_poison = true, .timeout_ms = 120000, .command = command,
		.queue_size = { 64, 16 }, .ram_size = 16u << 20,
	};
	struct work *w = g_new0(struct work, 1);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	signal(SIGPIPE, SIG_IGN);
	w->load = load;
	w->shared = shared;
	w->depth = load->depth ? load->depth : 1;
	w->fe = command ? fe_new(&opts) : fe_new_on(&opts, sock);
	g_assert_nonnull(w->fe);
	prepare(w);
	atomic_store(&shared->worker, (int32_t)fe_worker(w->fe));
	work(w);
	_exit(fe_free(w->fe) ? 1 : 0);
}

/* ---- in the test ---- */

static void start(struct load_run *run, const struct load *load,
		  const char *command, int sock)
{
	g_assert_cmpuint(load->depth, <=, LOAD_DEPTH_MAX);
	run->shared = mmap(NULL, sizeof(*run->shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g_assert_true(run->shared != MAP_FAILED);
	atomic_store(&run->shared->run, !load->rests);
	run->pid = fork();
	g_assert_cmpint(run->pid, >=, 0);
	if (!run->pid)
		run_work(load, run->shared, command, sock);
}

void load_start(struct load_run *run, const struct load *load, int sock)
{
	g_assert_cmpint(sock, >=, 0);
	start(run, load, NULL, sock);
	close(sock);
}

void load_start_alone(struct load_run *run, const struct load *load,
		      const char *command)
{
	start(run, load, command, -1);
}

static bool ended(struct load_run *run)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)run->pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

bool load_wait(struct load_run *run, uint64_t jobs, unsigned int seconds)
{
	uint64_t end = fe_now_ns() + seconds * 1000000000ull;

	while (load_jobs(run) < jobs) {
		if (ended(run) || fe_now_ns() > end)
			return false;
		usleep(2000);
	}
	return true;
}

void load_pause(struct load_run *run)
{
	atomic_store(&run->shared->run, 0);
	while (!atomic_load(&run->shared->resting)) {
		g_assert_false(ended(run));
		usleep(500);
	}
}

void load_resume(struct load_run *run)
{
	atomic_store(&run->shared->run, 1);
	while (atomic_load(&run->shared->resting)) {
		g_assert_false(ended(run));
		usleep(200);
	}
}

static int reap(struct load_run *run)
{
	int status = -1;

	waitpid(run->pid, &status, 0);
	munmap(run->shared, sizeof(*run->shared));
	*run = (struct load_run){ 0 };
	return status;
}

bool load_stop(struct load_run *run)
{
	uint64_t end = fe_now_ns() + STOP_MS * 1000000ull;

	atomic_store(&run->shared->quit, 1);
	while (!ended(run) && fe_now_ns() < end)
		usleep(1000);
	if (!ended(run))
		kill(run->pid, SIGKILL);
	return reap(run) == 0;
}

void load_kill(struct load_run *run)
{
	kill(run->pid, SIGKILL);
	reap(run);
}

uint64_t load_jobs(const struct load_run *run)
{
	return atomic_load(&run->shared->jobs);
}

uint64_t load_errors(const struct load_run *run)
{
	return atomic_load(&run->shared->errors);
}

pid_t load_worker(const struct load_run *run)
{
	return atomic_load(&run->shared->worker);
}

void load_forget(struct load_run *run)
{
	/* the other process may be about to add one: it is not set back */
	run->shared->from = atomic_load(&run->shared->samples);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double *load_times(const struct load_run *run, size_t *n)
{
	double *us;
	size_t i;

	*n = atomic_load(&run->shared->samples) - run->shared->from;
	us = g_new(double, *n + 1);
	for (i = 0; i < *n; i++)
		us[i] = run->shared->us[run->shared->from + i];
	qsort(us, *n, sizeof(*us), compare);
	return us;
}
