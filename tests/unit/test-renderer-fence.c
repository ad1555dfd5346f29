// SPDX-License-Identifier: MIT
/*
 * test-renderer-fence.c - the renderer over virglrenderer: contexts and fences
 *
 * With RENDER_NODE=/dev/dri/renderD128 in the environment, on that GPU.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "tests/lib/rig.h"

static struct renderer *r;

static void setup(void)
{
	r = rig_setup();
}

/* Whoever is made last is current in GL, whatever virglrenderer believes. */
static void test_current_context(void)
{
	setup();
	rig_texture(1, 0);
	rig_texture(2, 0);
	rig_context(1, 1);
	g_assert_cmpint(rig_clear(1, 1, 0, 0), ==, 0);
	g_assert_cmpint(r->ops->context_create(r, 2, 0, "second"), ==, 0);
	g_assert_cmpint(rig_clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff00ff00);
	r->ops->context_destroy(r, 2);
	g_assert_cmpint(rig_clear(1, 0, 0, 1), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff0000ff);
	rig_teardown();
}

/*
 * 1000 fences on three contexts, while others come and go. virglrenderer
 * itself loses some here.
 */
static void test_fences(void)
{
	uint64_t i;

	setup();
	for (i = 1; i <= 3; i++) {
		rig_texture((uint32_t)i, 0);
		rig_context((uint32_t)i, (uint32_t)i);
	}
	for (i = 0; i < 1000; i++) {
		uint32_t ctx = 1 + (uint32_t)(i % 3);

		g_assert_cmpint(rig_clear(ctx, 0, (float)(i % 256) / 255, 0),
				==, 0);
		rig_new_fence(ctx);
		if (i % 10 == 5) {
			r->ops->context_destroy(r, ctx);
			rig_context(ctx, ctx);
		}
		if (i % 7 == 0)
			r->ops->poll(r);
	}
	rig_wait_fences(rig.emitted);
	g_assert_cmpuint(rig.retired, ==, 1000);
	/* and none is told twice */
	r->ops->poll(r);
	g_assert_cmpuint(rig.retired, ==, 1000);
	g_test_message("%u callbacks", rig.callbacks);
	rig_teardown();
}

/* Fences are left when it all ends. */
static void test_free_with_fences(void)
{
	int i;

	setup();
	rig_texture(1, 0);
	rig_context(1, 1);
	for (i = 0; i < 50; i++) {
		g_assert_cmpint(rig_clear(1, 1, 1, 1), ==, 0);
		rig_new_fence(1);
	}
	rig_teardown();
}

/* A fence covers what was drawn in every sub-context of a buffer. */
static void test_sub_contexts(void)
{
	const float red[4] = { 1, 0, 0, 1 }, green[4] = { 0, 1, 0, 1 };
	struct virgl_stream s = { 0 };

	setup();
	rig_texture(1, 0);
	rig_texture(2, 0);
	rig_context(1, 1);
	r->ops->context_attach(r, 1, 2);
	virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, 1);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 1);
	virgl_surface(&s, 1, 2, VIRGL_FORMAT_B8G8R8A8_UNORM);
	virgl_framebuffer(&s, 1);
	virgl_clear(&s, green);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 0);
	virgl_clear(&s, red);
	virgl_sub_context(&s, VIRGL_CCMD_DESTROY_SUB_CTX, 1);
	g_assert_cmpint(rig_submit(1, &s), ==, 0);
	rig_new_fence(1);
	rig_wait_fences(rig.emitted);
	g_assert_cmphex(rig_pixel_of(1, 1, 1), ==, 0xffff0000);
	g_assert_cmphex(rig_pixel_of(2, 1, 1), ==, 0xff00ff00);
	rig_teardown();
}

/* A query's answer is in memory when the fence behind it retires. */
static void test_query(void)
{
	struct virgl_query_memory {
		uint32_t state, size;
		uint64_t result;
	} mem;
	struct iovec iov = { &mem, sizeof(mem) };
	struct renderer_resource res = {
		.id = 2, .target = VIRGL_TARGET_BUFFER,
		.format = VIRGL_FORMAT_R8_UNORM, .bind = VIRGL_BIND_CUSTOM,
		.width = sizeof(mem), .height = 1, .depth = 1, .array_size = 1,
	};
	struct virgl_stream s = { 0 };
	int i;

	setup();
	rig_texture(1, 0);
	rig_context(1, 1);
	g_assert_cmpint(r->ops->resource_create(r, &res), ==, 0);
	g_assert_cmpint(r->ops->attach_iov(r, 2, &iov, 1), ==, 0);
	r->ops->context_attach(r, 1, 2);
	virgl_query_create(&s, 9, 0, 2);
	g_assert_cmpint(rig_submit(1, &s), ==, 0);
	for (i = 0; i < 100; i++) {
		const float rgba[4] = { 0, 0, (float)i / 100, 1 };

		memset(&mem, 0, sizeof(mem));
		mem.state = 2;		/* the guest waits */
		mem.result = 12345;
		s.n = 0;
		virgl_query(&s, VIRGL_CCMD_BEGIN_QUERY, 9);
		virgl_clear(&s, rgba);
		virgl_query(&s, VIRGL_CCMD_END_QUERY, 9);
		virgl_query(&s, VIRGL_CCMD_GET_QUERY_RESULT, 9);
		g_assert_cmpint(rig_submit(1, &s), ==, 0);
		rig_new_fence(1);
		rig_wait_fences(rig.emitted);
		g_assert_cmpuint(mem.state, ==, 1);	/* done */
		g_assert_cmpuint(mem.result, ==, 0);	/* clears do not count */
	}
	r->ops->detach_iov(r, 2);
	rig_teardown();
}

/* No memory for one: the others go on. 4 GiB that llvmpipe does not give. */
static void test_out_of_memory(void)
{
	struct renderer_resource res = {
		.id = 3, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_R32G32B32A32_FLOAT,
		.bind = VIRGL_BIND_RENDER_TARGET,
		.width = 16384, .height = 16384, .depth = 1, .array_size = 1,
	};
	int ret;

	setup();
	rig_texture(1, 0);
	rig_context(1, 1);
	rig_texture(2, 0);
	rig_context(2, 2);
	g_assert_cmpint(rig_clear(1, 1, 0, 0), ==, 0);
	ret = r->ops->resource_create(r, &res);
	if (!ret)	/* a GPU that has it */
		r->ops->resource_unref(r, 3);
	else
		g_assert_cmpint(ret, ==, -ENOMEM);
	g_test_message("16384 x 16384 x 16 bytes: %d", ret);
	g_assert_cmpint(rig_clear(1, 0, 1, 0), ==, 0);
	g_assert_cmpint(rig_clear(2, 0, 0, 1), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff00ff00);
	g_assert_cmphex(rig_pixel_of(2, 0, 0), ==, 0xff0000ff);
	/* the id is free again */
	rig_texture(3, 0);
	rig_teardown();
}

/* One context in error: the others draw, its fences retire. */
static void test_context_error(void)
{
	struct virgl_stream s = { 0 };
	int ret, i;

	setup();
	rig_texture(1, 0);
	rig_context(1, 1);
	rig_texture(2, 0);
	rig_context(2, 2);
	virgl_surface(&s, 5, 999, VIRGL_FORMAT_B8G8R8A8_UNORM);
	ret = rig_submit(1, &s);
	g_assert_cmpint(ret, ==, -EINVAL);
	for (i = 0; i < 20; i++) {
		rig_clear(1, 1, 1, 1);
		rig_new_fence(1);
		g_assert_cmpint(rig_clear(2, 0, 1, 0), ==, 0);
		rig_new_fence(2);
	}
	rig_wait_fences(rig.emitted);
	g_assert_cmphex(rig_pixel_of(2, 0, 0), ==, 0xff00ff00);
	/* destroyed and made again, it is as new */
	r->ops->context_destroy(r, 1);
	rig_context(1, 1);
	g_assert_cmpint(rig_clear(1, 0, 0, 1), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff0000ff);
	rig_teardown();
}

/* Past the limit of GL contexts a guest harms its own pictures only. */
static void test_many_sub_contexts(void)
{
	struct virgl_stream s = { 0 };
	uint32_t i;

	setup();
	rig_texture(1, 0);
	rig_context(1, 1);
	for (i = 1; i <= 1100; i++) {
		s.n = 0;
		virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, i);
		virgl_nop(&s);
		g_assert_cmpint(rig_submit(1, &s), ==, 0);
	}
	rig_new_fence(1);
	rig_wait_fences(rig.emitted);
	r->ops->context_destroy(r, 1);
	rig_context(1, 1);
	g_assert_cmpint(rig_clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff00ff00);
	rig_teardown();
}

static void random_stream(GRand *rand, struct virgl_stream *s)
{
	uint32_t n = 1 + g_rand_int(rand) % 40, i, k;

	s->n = 0;
	for (i = 0; i < n; i++) {
		uint32_t cmd = g_rand_int(rand) % 66;
		uint32_t len = g_rand_int(rand) % 16;

		if (s->n + len + 1 > 1000)
			break;
		virgl_command(s, cmd, g_rand_int(rand) % 13, len);
		for (k = 0; k < len; k++)
			virgl_word(s, g_rand_int(rand) % 3 ?
				   g_rand_int(rand) % 5 : g_rand_int(rand));
	}
	/* some end in the middle of a command */
	if (g_rand_int(rand) % 4 == 0)
		s->n -= g_rand_int(rand) % s->n;
}

static void fuzz_child(uint32_t seed)
{
	GRand *rand = g_rand_new_with_seed(seed);
	static uint32_t mem[RIG_W * RIG_H];
	struct iovec iov = { mem, sizeof(mem) };
	struct virgl_stream s;
	int i;

	setup();
	for (i = 0; i < 1000; i++) {
		if (i % 20 == 0) {
			if (i) {
				r->ops->context_destroy(r, 1);
				r->ops->resource_unref(r, 1);
			}
			rig_texture(1, 0);
			g_assert_cmpint(r->ops->attach_iov(r, 1, &iov, 1), ==,
					0);
			rig_context(1, 1);
		}
		random_stream(rand, &s);
		rig_submit(1, &s);
		rig_new_fence(1);
		r->ops->poll(r);
	}
	rig_wait_fences(rig.emitted);
	rig_teardown();
	g_rand_free(rand);
}

/*
 * Garbage. virglrenderer may well die of it, which is why it has a process of
 * its own; but it must end, and in order where it does not die.
 */
static void test_garbage(void)
{
	uint32_t seed;
	int status, died = 0;

	for (seed = 1; seed <= 3; seed++) {
		pid_t pid = fork();

		g_assert_cmpint(pid, >=, 0);
		if (!pid) {
			alarm(60);
			fuzz_child(seed);
			_exit(0);
		}
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		if (WIFSIGNALED(status)) {
			/* SIGALRM: it hangs; SIGABRT: a check failed */
			g_assert_cmpint(WTERMSIG(status), !=, SIGALRM);
			g_assert_cmpint(WTERMSIG(status), !=, SIGABRT);
			g_test_message("seed %u: signal %d", seed,
				       WTERMSIG(status));
			died++;
		} else {
			g_assert_cmpint(WEXITSTATUS(status), ==, 0);
		}
	}
	g_test_message("%d of 3 died", died);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-renderer-fence", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	/* before this process has GL, which does not survive a fork */
	g_test_add_func("/renderer/virgl/garbage", test_garbage);
	g_test_add_func("/renderer/virgl/current-context",
			test_current_context);
	g_test_add_func("/renderer/virgl/fences", test_fences);
	g_test_add_func("/renderer/virgl/fences/left", test_free_with_fences);
	g_test_add_func("/renderer/virgl/sub-contexts", test_sub_contexts);
	g_test_add_func("/renderer/virgl/query", test_query);
	g_test_add_func("/renderer/virgl/out-of-memory", test_out_of_memory);
	g_test_add_func("/renderer/virgl/context-error", test_context_error);
	g_test_add_func("/renderer/virgl/many-sub-contexts",
			test_many_sub_contexts);
	return g_test_run();
}
