// SPDX-License-Identifier: MIT
/*
 * test-lane-latency.c - arbiter and workers on one lane, in virtual time
 *
 * The arbiter and the client of a worker as they are; only the GPU is made up:
 * it draws what was submitted, in order, one draw at a time. So what a VM at 60
 * frames a second waits for beside others is exact, and the same on a busy host.
 */
#include <string.h>

#include "tests/unit/virtual_time.h"

#include "protocol/vgpu_sched.h"
#include "sched/arbiter.h"
#include "sched/client.h"
#include "tests/lib/runner.h"

#define US		1000ull
#define MS		1000000ull
#define FRAME_NS	16666667ull
#define VMS		4
#define PIECE_NS	(8 * MS)	/* as device/submit.c on a CPU renderer */
#define DEPTH_MAX	8
#define SAMPLES		4096

/* What a VM does. */
struct kind {
	uint64_t draw_ns;		/* time of one draw */
	uint32_t draws;			/* in a buffer */
	uint32_t depth;			/* buffers outstanding, always */
	uint64_t period_ns;		/* or one at every tick */
	uint64_t think_ns;		/* between an answer and the next */
};

struct buffer {
	uint64_t since_ns;
	uint32_t left;			/* draws not submitted */
};

/* In flight, in the order of the GPU. */
struct piece {
	struct player *player;
	uint64_t cost_ns;
	bool last;			/* of its buffer */
};

struct player {
	const struct kind *kind;
	struct arbiter_vm *vm;
	struct sched_client *client;
	struct event_source *tick;
	struct buffer queue[DEPTH_MAX];	/* ring; the first is submitted */
	uint32_t first, count;
	struct buffer flying[DEPTH_MAX];	/* submitted, not answered */
	uint32_t flying_first, flying_count;
	uint64_t gpu_ns;
	double ms[SAMPLES];
	uint32_t samples;
};

static struct arbiter *arbiter;
static struct event_loop *loop;
static struct player players[VMS];
static GQueue gpu = G_QUEUE_INIT;
static unsigned int gpu_longest;	/* queue */
static struct event_source *gpu_done;
static uint64_t gpu_since_ns;		/* its piece began, 0: idle */

static int cpu_clock(pid_t pid, uint64_t *ns)
{
	struct piece *now = g_queue_peek_head(&gpu);
	struct player *p = &players[pid - 1];

	*ns = p->gpu_ns;
	if (now && now->player == p)
		*ns += event_now_ns() - gpu_since_ns;
	return 0;
}

static void gpu_next(void)
{
	struct piece *piece = g_queue_peek_head(&gpu);

	gpu_since_ns = event_now_ns();
	if (piece)
		event_set_timer(gpu_done, piece->cost_ns / US);
}

static void submit_piece(struct player *p)
{
	struct buffer *b = &p->queue[p->first];
	uint32_t n = sched_client_units_allowed(p->client, b->left, PIECE_NS);
	struct piece *piece = g_new(struct piece, 1);

	n = MIN(n, b->left);
	sched_client_units(p->client, n);
	b->left -= n;
	*piece = (struct piece){ p, n * p->kind->draw_ns, !b->left };
	g_queue_push_tail(&gpu, piece);
	gpu_longest = MAX(gpu_longest, gpu.length);
	if (gpu.length == 1)
		gpu_next();
	if (b->left)
		return;
	p->flying[(p->flying_first + p->flying_count++) % DEPTH_MAX] = *b;
	p->first = (p->first + 1) % DEPTH_MAX;
	p->count--;
}

static void try_next(void *opaque)
{
	struct player *p = opaque;

	while (p->count && sched_client_acquire(p->client))
		submit_piece(p);
}

static void add_buffer(struct player *p, uint64_t since)
{
	p->queue[(p->first + p->count++) % DEPTH_MAX] =
		(struct buffer){ since, p->kind->draws };
	try_next(p);
}

static void answered(struct player *p)
{
	struct buffer *b = &p->flying[p->flying_first];

	if (p->samples < SAMPLES)
		p->ms[p->samples++] = (double)(event_now_ns() - b->since_ns) /
			(double)MS;
	p->flying_first = (p->flying_first + 1) % DEPTH_MAX;
	p->flying_count--;
	if (p->kind->think_ns)
		event_set_timer(p->tick, p->kind->think_ns / US);
	else if (!p->kind->period_ns)
		add_buffer(p, event_now_ns());
}

static void on_gpu_done(void *opaque)
{
	struct piece *piece = g_queue_pop_head(&gpu);
	struct player *p = piece->player;
	bool last = piece->last;

	p->gpu_ns += piece->cost_ns;
	g_free(piece);
	gpu_next();
	sched_client_retire(p->client);
	if (last)
		answered(p);
}

static void on_tick(void *opaque)
{
	struct player *p = opaque;

	if (p->kind->period_ns)
		event_set_timer(p->tick, p->kind->period_ns / US);
	/* who has not had its last frame yet misses this one */
	if (p->count + p->flying_count < p->kind->depth)
		add_buffer(p, event_now_ns());
}

static struct sched_fds copy(const struct arbiter_fds *fds)
{
	return (struct sched_fds){
		dup(fds->grant_page), dup(fds->report_page),
		dup(fds->grant_fd), dup(fds->want_fd),
	};
}

static struct player *add(int i, const struct kind *kind, uint32_t weight)
{
	struct player *p = &players[i];
	struct arbiter_fds fds;
	struct sched_fds mine;
	char name[8];

	memset(p, 0, sizeof(*p));
	p->kind = kind;
	g_snprintf(name, sizeof(name), "vm%d", i);
	p->vm = arbiter_vm_new(arbiter, name, weight, p);
	g_assert_cmpint(arbiter_vm_attach(p->vm, &fds), ==, 0);
	mine = copy(&fds);
	p->client = sched_client_new(loop, &mine, try_next, p);
	g_assert_nonnull(p->client);
	p->tick = event_add_timer(loop, on_tick, p);
	arbiter_vm_worker(p->vm, i + 1);
	return p;
}

static void begin(struct player *p)
{
	uint32_t i;

	if (p->kind->period_ns) {
		on_tick(p);
		return;
	}
	for (i = 0; i < p->kind->depth; i++)
		add_buffer(p, event_now_ns());
}

static void setup(void)
{
	const struct arbiter_config config = {
		.cpu_renderer = true, .cpus = 1, .cpu_clock = cpu_clock,
	};

	loop = event_loop_new();
	gpu_done = event_add_timer(loop, on_gpu_done, NULL);
	arbiter = arbiter_new(loop, &config);
	g_assert_nonnull(arbiter);
}

static void teardown(void)
{
	int i;

	for (i = 0; i < VMS; i++) {
		if (players[i].vm)
			arbiter_vm_free(players[i].vm);
		sched_client_free(players[i].client);
		memset(&players[i], 0, sizeof(players[i]));
	}
	arbiter_free(arbiter);
	g_queue_clear_full(&gpu, g_free);
	event_loop_free(loop);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* p99 of the frames in the next @ns. */
static double p99(struct player *p, uint64_t ns)
{
	p->samples = 0;
	virtual_run(ns);
	g_assert_cmpuint(p->samples, >, 0);
	qsort(p->ms, p->samples, sizeof(p->ms[0]), compare);
	return p->ms[p->samples * 99 / 100];
}

static const struct kind light = {
	.draw_ns = 1 * MS, .draws = 1, .depth = 1, .period_ns = FRAME_NS,
};
static const struct kind heavy = {
	.draw_ns = 5 * MS, .draws = 4, .depth = 3,
};
/* Long buffers of short draws, and what keeps the GPU busy by waiting for it. */
static const struct kind many_draws = {
	.draw_ns = 200 * US, .draws = 200, .depth = 3,
};
static const struct kind game = {
	.draw_ns = 500 * US, .draws = 30, .depth = 1, .think_ns = 1 * MS,
};

/* One frame, then think; and a long frame by short thinkers. */
static const struct kind thinks_half = {
	.draw_ns = 6 * MS, .draws = 1, .depth = 1, .think_ns = 500 * US,
};
static const struct kind thinks_two = {
	.draw_ns = 6 * MS, .draws = 1, .depth = 1, .think_ns = 2 * MS,
};

static double part(const struct player *p, uint64_t before, uint64_t ns)
{
	return (double)(p->gpu_ns - before) / (double)ns;
}

/*
 * A light VM beside @n that never stop: as alone, and the longest draw or piece
 * more. Its weight is worth more than the 6 % that it needs. And the others have
 * the rest, less what they think: @least.
 */
static void beside(const struct kind *other, int n, uint64_t longest,
		   double least)
{
	const uint64_t span = 20000 * MS;
	uint64_t before[VMS];
	double alone, both, parts = 0;
	struct player *a;
	int i;

	setup();
	a = add(0, &light, 100);
	for (i = 1; i <= n; i++)
		add(i, other, 100);
	begin(a);
	virtual_run(1000 * MS);
	alone = p99(a, 5000 * MS);
	for (i = 1; i <= n; i++)
		begin(&players[i]);
	virtual_run(1000 * MS);
	for (i = 1; i <= n; i++)
		before[i] = players[i].gpu_ns;
	both = p99(a, span);
	for (i = 1; i <= n; i++)
		parts += part(&players[i], before[i], span);
	g_test_message("alone %.2f ms, beside %.2f ms (longest of %u: %.2f), the rest %.1f %%",
		       alone, both, a->samples, a->ms[a->samples - 1],
		       100 * parts);
	g_assert_cmpfloat(both, <=, 1.5 * alone + (double)longest / (double)MS);
	g_assert_cmpuint(a->samples, >=, 1190);	/* no frame was missed */
	g_assert_cmpfloat(parts, >=, least);
	teardown();
}

static void test_beside_heavy(void)
{
	beside(&heavy, 1, heavy.draw_ns, 0.939);
}

static void test_beside_many_draws(void)
{
	beside(&many_draws, 1, PIECE_NS, 0.939);
}

/* It thinks a sixteenth of its time. */
static void test_beside_game(void)
{
	beside(&game, 1, PIECE_NS, 0.87);
}

static void test_beside_three(void)
{
	beside(&heavy, 3, heavy.draw_ns, 0.939);
}

/* By weight, within @error, of what both have. */
static void shares(const struct kind *kind, uint32_t first, uint32_t second,
		   double error, double least)
{
	const uint64_t span = 20000 * MS;
	uint64_t before[2];
	struct player *a, *b;
	double one, two;

	setup();
	a = add(0, kind, first);
	b = add(1, kind, second);
	begin(a);
	begin(b);
	virtual_run(2000 * MS);
	before[0] = a->gpu_ns;
	before[1] = b->gpu_ns;
	virtual_run(span);
	one = part(a, before[0], span);
	two = part(b, before[1], span);
	g_test_message("%u:%u are %.2f %% and %.2f %%", first, second,
		       100 * one, 100 * two);
	g_assert_cmpfloat_with_epsilon(one / (one + two),
				       (double)first / (first + second), error);
	g_assert_cmpfloat(one + two, >=, least);
	teardown();
}

static void test_shares(void)
{
	shares(&heavy, 100, 100, 0.002, 0.999);
	shares(&heavy, 100, 300, 0.002, 0.999);
	shares(&many_draws, 900, 100, 0.002, 0.999);
}

/* One job outstanding: only a gap that is waited out lets a weight count. */
static void test_shares_thinking(void)
{
	shares(&thinks_half, 300, 100, 0.01, 0.93);
	shares(&thinks_two, 300, 100, 0.01, 0.78);
}

/* Alone as much as there is; beside another as little as keeps the GPU busy. */
static void queues(const struct kind *kind, unsigned int beside)
{
	struct player *a, *b;

	setup();
	a = add(0, kind, 100);
	b = add(1, &light, 100);
	begin(a);
	virtual_run(1000 * MS);
	g_assert_cmpuint(gpu_longest, ==, kind->depth);
	begin(b);
	virtual_run(1000 * MS);
	gpu_longest = 0;
	virtual_run(1000 * MS);
	g_assert_cmpuint(gpu_longest, ==, beside);
	/* it comes often, so it counts when it does not wait as well */
	g_assert_true(sched_client_contended(a->client));
	event_stop_timer(b->tick);
	virtual_run(300 * MS);
	g_assert_false(sched_client_contended(a->client));
	virtual_run(100 * MS);
	g_assert_cmpuint(gpu_longest, ==, kind->depth);
	teardown();
}

static void test_queues(void)
{
	static const struct kind short_jobs = {
		.draw_ns = 1 * MS, .draws = 1, .depth = 5,
	};

	queues(&heavy, 1);
	gpu_longest = 0;
	queues(&short_jobs, VGPU_SCHED_DEPTH);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/lane/latency/heavy", test_beside_heavy, 0);
	runner_add("/lane/latency/many-draws", test_beside_many_draws, 0);
	runner_add("/lane/latency/game", test_beside_game, 0);
	runner_add("/lane/latency/three-heavy", test_beside_three, 0);
	runner_add("/lane/latency/queues", test_queues, 0);
	runner_add("/lane/shares/deep", test_shares, 0);
	runner_add("/lane/shares/thinking", test_shares_thinking, 0);
	return runner_run();
}
