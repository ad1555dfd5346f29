// SPDX-License-Identifier: MIT
/*
 * bench-renderer.c - what a command buffer and its fence cost
 *
 * Our renderer beside virglrenderer used as QEMU's back end uses it: its own
 * EGL, its fence thread, context 0 forced before each command. Each in a
 * process of its own. "round trip" has one buffer at a time, "pipelined" eight.
 *
 * usage: bench-renderer [SECONDS]    a row takes ten times that
 */
#define VIRGL_RENDERER_UNSTABLE_APIS
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <glib.h>
#include <virglrenderer.h>
#include "base/log.h"
#include "renderer/renderer.h"
#include "tests/lib/virgl_encode.h"

struct side {
	const char *name;
	void (*init)(void);
	void (*context)(uint32_t ctx);
	void (*texture)(uint32_t id, uint32_t w, uint32_t h);
	void (*attach)(uint32_t ctx, uint32_t res);
	void (*submit)(uint32_t ctx, struct virgl_stream *s);
	void (*fence)(uint32_t ctx);
	void (*poll)(void);
	int (*fd)(void);
};

static uint64_t emitted, retired;
static struct renderer *r;

static void our_retired(void *opaque, uint64_t fence)
{
	retired = fence;
}

static void our_init(void)
{
	struct renderer_config config = {
		.render_node = getenv("RENDER_NODE"),
		.fences_retired = our_retired,
	};

	r = renderer_virgl_new(&config);
	g_assert_nonnull(r);
}

static void our_context(uint32_t ctx)
{
	g_assert_cmpint(r->ops->context_create(r, ctx, 0, "bench"), ==, 0);
}

static void our_texture(uint32_t id, uint32_t w, uint32_t h)
{
	struct renderer_resource res = {
		.id = id, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_B8G8R8A8_UNORM,
		.bind = VIRGL_BIND_RENDER_TARGET,
		.width = w, .height = h, .depth = 1, .array_size = 1,
	};

	g_assert_cmpint(r->ops->resource_create(r, &res), ==, 0);
}

static void our_attach(uint32_t ctx, uint32_t res)
{
	r->ops->context_attach(r, ctx, res);
}

static void our_submit(uint32_t ctx, struct virgl_stream *s)
{
	g_assert_cmpint(r->ops->submit(r, ctx, s->word, s->n), ==, 0);
}

static void our_fence(uint32_t ctx)
{
	if (r->ops->fence(r, ctx, ++emitted) == 1)
		retired = emitted;
}

static void our_poll(void)
{
	r->ops->poll(r);
}

static int our_fd(void)
{
	return r->ops->poll_fd(r);
}

static void their_write_fence(void *cookie, uint32_t fence)
{
	retired = fence;
}

static void their_init(void)
{
	static struct virgl_renderer_callbacks callbacks = {
		.version = 1, .write_fence = their_write_fence,
	};

	g_assert_cmpint(virgl_renderer_init(&callbacks, VIRGL_RENDERER_USE_EGL |
					    VIRGL_RENDERER_USE_SURFACELESS |
					    VIRGL_RENDERER_THREAD_SYNC,
					    &callbacks), ==, 0);
}

static void their_context(uint32_t ctx)
{
	virgl_renderer_force_ctx_0();
	g_assert_cmpint(virgl_renderer_context_create(ctx, 5, "bench"), ==, 0);
}

static void their_texture(uint32_t id, uint32_t w, uint32_t h)
{
	struct virgl_renderer_resource_create_args args = {
		.handle = id, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_B8G8R8A8_UNORM,
		.bind = VIRGL_BIND_RENDER_TARGET,
		.width = w, .height = h, .depth = 1, .array_size = 1,
	};

	virgl_renderer_force_ctx_0();
	g_assert_cmpint(virgl_renderer_resource_create(&args, NULL, 0), ==, 0);
}

static void their_attach(uint32_t ctx, uint32_t res)
{
	virgl_renderer_ctx_attach_resource((int)ctx, (int)res);
}

static void their_submit(uint32_t ctx, struct virgl_stream *s)
{
	virgl_renderer_force_ctx_0();
	g_assert_cmpint(virgl_renderer_submit_cmd(s->word, (int)ctx,
						  (int)s->n), ==, 0);
}

static void their_fence(uint32_t ctx)
{
	virgl_renderer_create_fence((int)++emitted, ctx);
}

static void their_poll(void)
{
	virgl_renderer_poll();
}

static int their_fd(void)
{
	return virgl_renderer_get_poll_fd();
}

static const struct side sides[] = {
	{ "ours", our_init, our_context, our_texture, our_attach, our_submit,
	  our_fence, our_poll, our_fd },
	{ "virglrenderer's", their_init, their_context, their_texture,
	  their_attach, their_submit, their_fence, their_poll, their_fd },
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As a main loop would: sleep until the descriptor is readable. */
static void wait_until(const struct side *side, uint64_t fence)
{
	struct pollfd p = { .fd = side->fd(), .events = POLLIN };

	while (retired < fence) {
		if (poll(&p, 1, 10000) != 1)
			g_error("%s: fence %" G_GUINT64_FORMAT
				" does not retire", side->name, fence);
		side->poll();
	}
}

struct job {
	const char *name;
	uint32_t ctx, second;	/* second: every other buffer goes there */
	bool clear;
	unsigned int depth;
};

static const struct job jobs[] = {
	{ "NOP, round trip", 1, 0, false, 1 },
	{ "clear 64x64, round trip", 1, 0, true, 1 },
	{ "two contexts, round trip", 1, 3, true, 1 },
	{ "clear 1024x768, round trip", 2, 0, true, 1 },
	{ "NOP, pipelined", 1, 0, false, 8 },
	{ "clear 64x64, pipelined", 1, 0, true, 8 },
	{ "two contexts, pipelined", 1, 3, true, 8 },
	{ "clear 1024x768, pipelined", 2, 0, true, 8 },
};

struct result {
	double wall, cpu;	/* us a buffer */
};

static void target(const struct side *side, uint32_t ctx, uint32_t id,
		   uint32_t w, uint32_t h)
{
	struct virgl_stream s = { 0 };

	side->texture(id, w, h);
	side->context(ctx);
	side->attach(ctx, id);
	virgl_surface(&s, 1, id, VIRGL_FORMAT_B8G8R8A8_UNORM);
	virgl_framebuffer(&s, 1);
	side->submit(ctx, &s);
}

static struct result measure(const struct side *side, const struct job *job,
			     struct virgl_stream *s, double seconds)
{
	double begin, cpu, wall;
	uint64_t first = emitted;

	begin = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	do {
		uint32_t ctx = emitted & 1 && job->second ? job->second :
							    job->ctx;

		side->submit(ctx, s);
		side->fence(ctx);
		if (emitted >= job->depth)
			wait_until(side, emitted - job->depth + 1);
		wall = now(CLOCK_MONOTONIC) - begin;
	} while (wall < seconds);
	wait_until(side, emitted);
	wall = now(CLOCK_MONOTONIC) - begin;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	return (struct result){ wall * 1e6 / (double)(emitted - first),
				cpu * 1e6 / (double)(emitted - first) };
}

/* In a process of its own; the answer goes down the pipe. */
static void child(const struct side *side, const struct job *job,
		  double seconds, int fd)
{
	static const float rgba[4] = { 1, 0.5f, 0, 1 };
	struct virgl_stream s = { 0 };
	struct result result;

	side->init();
	target(side, 1, 1, 64, 64);
	target(side, 2, 2, 1024, 768);
	target(side, 3, 3, 64, 64);
	if (job->clear)
		virgl_clear(&s, rgba);
	else
		virgl_nop(&s);
	measure(side, job, &s, 0.05);
	result = measure(side, job, &s, seconds);
	_exit(write(fd, &result, sizeof(result)) != sizeof(result));
}

static bool run(const struct side *side, const struct job *job, double seconds,
		struct result *best)
{
	struct result result;
	int fds[2], status;
	pid_t pid;
	bool ok;

	if (pipe(fds))
		return false;
	pid = fork();
	if (!pid)
		child(side, job, seconds, fds[1]);
	close(fds[1]);
	ok = pid > 0 && read(fds[0], &result, sizeof(result)) ==
	     sizeof(result);
	close(fds[0]);
	ok = waitpid(pid, &status, 0) == pid && !status && ok;
	if (ok && result.wall < best->wall)
		best->wall = result.wall;
	if (ok && result.cpu < best->cpu)
		best->cpu = result.cpu;
	return ok;
}

#define ROUNDS	5

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.3;
	size_t i, k, round;

	if (seconds <= 0) {
		fprintf(stderr, "usage: bench-renderer [SECONDS]\n");
		return 2;
	}
	log_init("bench-renderer", NULL);
	printf("%-28s %21s %21s\n%-28s %10s %10s %10s %10s\n",
	       "us a buffer, best of 5", "wall", "CPU", "", "ours", "theirs",
	       "ours", "theirs");
	for (i = 0; i < G_N_ELEMENTS(jobs); i++) {
		struct result best[2] = { { 1e9, 1e9 }, { 1e9, 1e9 } };

		/* in turns: both sides see the same load of the machine */
		for (round = 0; round < ROUNDS; round++)
			for (k = 0; k < G_N_ELEMENTS(sides); k++)
				if (!run(&sides[k], &jobs[i], seconds,
					 &best[k]))
					return 1;
		printf("%-28s %10.2f %10.2f %10.2f %10.2f\n", jobs[i].name,
		       best[0].wall, best[1].wall, best[0].cpu, best[1].cpu);
		fflush(stdout);
	}
	return 0;
}
