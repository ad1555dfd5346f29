// SPDX-License-Identifier: MIT
/*
 * test-device-split.c - command buffers in pieces while another VM waits
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <glib.h>
#include "base/event.h"
#include "base/log.h"
#include "device/split.h"
#include "device/state.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/devtest.h"
#include "tests/lib/virgl_encode.h"

#define SHADER_PART	(1u << 31)

/* ---- where ---- */

static const float red[4] = { 1, 0, 0, 1 };

/* One part of a shader: @size bytes of text in all, this one has @words. */
static void shader(struct virgl_stream *s, uint32_t offset, uint32_t words)
{
	virgl_command(s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER,
		      5 + words);
	virgl_word(s, 1);
	virgl_word(s, 0);
	virgl_word(s, offset);
	virgl_word(s, 300);
	virgl_word(s, 0);
	while (words--)
		virgl_word(s, 0x41414141);
}

static void transfer(struct virgl_stream *s)
{
	virgl_command(s, VIRGL_CCMD_TRANSFER3D, 0, 13);
	for (int i = 0; i < 13; i++)
		virgl_word(s, 1);
}

/* The ends of all pieces must be these, the last being the end. */
static void expect(const struct virgl_stream *s, uint32_t draws,
		   const size_t *ends, size_t n)
{
	size_t at = 0, i = 0;

	while (at < s->n) {
		struct split_piece p = split_next(s->word, s->n, at, draws);

		g_assert_cmpuint(i, <, n);
		g_assert_cmpuint(p.end, ==, ends[i++]);
		at = p.end;
	}
	g_assert_cmpuint(i, ==, n);
}
#define EXPECT(s, draws, ...) do { \
	const size_t ends_[] = { __VA_ARGS__ }; \
	expect(s, draws, ends_, G_N_ELEMENTS(ends_)); \
} while (0)

static void test_draws(void)
{
	struct virgl_stream s = { 0 };

	virgl_nop(&s);		/* 0 */
	virgl_clear(&s, red);	/* 1 */
	virgl_nop(&s);		/* 10 */
	virgl_clear(&s, red);	/* 11 */
	virgl_clear(&s, red);	/* 20 */
	virgl_nop(&s);		/* 29 */
	EXPECT(&s, SPLIT_ALL, 30);
	EXPECT(&s, 1, 11, 20, 30);
	EXPECT(&s, 2, 20, 30);
	EXPECT(&s, 3, 30);
	EXPECT(&s, 0, 1, 10, 11, 20, 29, 30);
	g_assert_cmpuint(split_next(s.word, s.n, 0, SPLIT_ALL).draws, ==, 3);
	g_assert_cmpuint(split_next(s.word, s.n, 11, 1).draws, ==, 1);
	g_assert_cmpuint(split_next(s.word, s.n, s.n, 1).end, ==, s.n);
}

static void test_whole(void)
{
	struct virgl_stream s = { 0 };

	transfer(&s);				/* 0 */
	transfer(&s);				/* 14 */
	virgl_command(&s, VIRGL_CCMD_END_TRANSFERS, 0, 3);	/* 28 */
	for (int i = 0; i < 3; i++)
		virgl_word(&s, VIRGL_HEADER(VIRGL_CCMD_CLEAR, 0, 0));
	virgl_clear(&s, red);			/* 32 */
	shader(&s, 32, 3);			/* 41: 12 of 32 bytes */
	shader(&s, 12 | SHADER_PART, 3);	/* 50 */
	shader(&s, 24 | SHADER_PART, 2);	/* 59 */
	virgl_clear(&s, red);			/* 67 */
	EXPECT(&s, 0, 32, 41, 67, 76);
	EXPECT(&s, 1, 67, 76);

	/* nor where something draws between the parts */
	memset(&s, 0, sizeof(s));
	virgl_clear(&s, red);			/* 0 */
	shader(&s, 32, 3);			/* 9 */
	virgl_clear(&s, red);			/* 18 */
	shader(&s, 12 | SHADER_PART, 5);	/* 27 */
	virgl_clear(&s, red);			/* 38 */
	EXPECT(&s, 1, 38, 47);
	EXPECT(&s, 0, 9, 38, 47);
}

static void test_bad_streams(void)
{
	static const uint32_t stream_outputs[] = {
		VIRGL_HEADER(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 5),
		1, 0, 0xffffffff, 0, 0xffffffff,
		VIRGL_HEADER(VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER, 5),
		1, 0, 0x7fffffff, 0, 0xffffffff,
		VIRGL_HEADER(VIRGL_CCMD_CLEAR, 0, 0),
		VIRGL_HEADER(VIRGL_CCMD_CLEAR, 0, 0),
	};
	struct virgl_stream s = { 0 };
	uint32_t words[64];

	/* the last command is longer than the buffer */
	virgl_clear(&s, red);
	virgl_command(&s, VIRGL_CCMD_CLEAR, 0, 0xffff);
	virgl_word(&s, 0);
	EXPECT(&s, 1, 11);
	EXPECT(&s, 0, 9, 11);
	/* a shader that never ends: all that follows is one piece */
	memcpy(s.word, stream_outputs, sizeof(stream_outputs));
	s.n = G_N_ELEMENTS(stream_outputs);
	EXPECT(&s, 0, 6, 14);

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)g_test_rand_int_range(1, 64), at = 0;
		uint32_t draws = (uint32_t)g_test_rand_int_range(0, 4);

		for (size_t i = 0; i < n; i++)
			words[i] = (uint32_t)g_test_rand_int() &
				(g_test_rand_bit() ? 0x30fff : 0xffffffff);
		while (at < n) {
			size_t end = split_next(words, n, at, draws).end, cmd;

			g_assert_cmpuint(end, >, at);
			g_assert_cmpuint(end, <=, n);
			/* between two commands, or the end */
			for (cmd = at; cmd < end;)
				cmd += 1 + (words[cmd] >> 16);
			g_assert_true(cmd == end || end == n);
			at = end;
		}
	}
}

/* ---- with a device around it ---- */

struct seen {
	unsigned int pieces, fail_at;
	GArray *words;
};

static int fail(void *opaque, const char *op, uint32_t id)
{
	struct seen *seen = opaque;

	return !strcmp(op, "submit") && ++seen->pieces == seen->fail_at ?
		-EINVAL : 0;
}

static void submitted(void *opaque, uint32_t ctx, const uint32_t *words,
		      size_t n)
{
	struct seen *seen = opaque;

	g_array_append_vals(seen->words, words, (guint)n);
}

static struct devtest *begin(struct seen *seen, bool hold,
			     const struct devtest_config *config)
{
	struct renderer_null_hooks hooks = {
		.hold_fences = hold, .fail = fail, .submitted = submitted,
		.opaque = seen,
	};
	struct devtest *t;

	seen->words = g_array_new(false, false, 4);
	renderer_null_set_hooks(&hooks);
	t = devtest_new(config);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	return t;
}

static void end(struct devtest *t, struct seen *seen)
{
	devtest_free(t);
	g_array_free(seen->words, true);
	renderer_null_set_hooks(NULL);
}

static struct virgl_stream clears(int n)
{
	struct virgl_stream s = { 0 };

	while (n--)
		virgl_clear(&s, red);
	return s;
}

static void same_words(const struct seen *seen, const struct virgl_stream *s)
{
	g_assert_cmpuint(seen->words->len, ==, s->n);
	g_assert_cmpint(memcmp(seen->words->data, s->word, s->n * 4), ==, 0);
}

/* Nobody waits: one job. Somebody does: pieces, two of them in flight. */
static void test_contended(void)
{
	struct devtest_config config = { .leases = true };
	struct virgl_stream s = clears(10);
	struct seen seen = { 0 };
	struct devtest_cmd *a, *b;
	struct devtest *t = begin(&seen, true, &config);
	const struct vgpu_sched_report *r = sched_client_report(t->sched);
	uint64_t fence = 0;

	devtest_grant(t, true);
	a = devtest_words(t, 1, 5, s.word, s.n);
	g_assert_cmpuint(seen.pieces, ==, 1);
	g_assert_cmpuint(r->inflight, ==, 1);
	g_usleep(200000);	/* so a draw costs 20 ms: one a piece */
	renderer_null_retire(t->renderer, ++fence);
	devtest_poll(t);
	devtest_done(t, a, DEVTEST_OK);
	same_words(&seen, &s);
	g_array_set_size(seen.words, 0);

	atomic_store(&t->grant->notify, 1);
	seen.pieces = 0;
	a = devtest_words(t, 1, 6, s.word, s.n);
	b = devtest_nop(t, 7);
	for (unsigned int i = 1; i < 10; i++) {
		g_assert_cmpuint(seen.pieces, ==, MIN(i + 1, 10));
		g_assert_cmpuint(r->inflight, ==, 2);
		g_assert_false(a->done || b->done);
		g_usleep(20000);
		renderer_null_retire(t->renderer, ++fence);
		devtest_poll(t);
		devtest_grant(t, true);
	}
	g_assert_cmpuint(seen.pieces, ==, 10);
	g_assert_false(a->done || b->done);
	renderer_null_retire(t->renderer, ++fence);
	devtest_poll(t);
	g_assert_cmpuint(a->order, <, b->order);
	devtest_done(t, a, DEVTEST_OK);
	devtest_done(t, b, DEVTEST_OK);
	same_words(&seen, &s);
	end(t, &seen);
}

/* Cheap draws go by the thousand. */
static void test_learns(void)
{
	struct devtest_config config = { .leases = true };
	struct virgl_stream s = clears(100);
	struct seen seen = { 0 };
	struct devtest *t = begin(&seen, false, &config);
	struct devtest_cmd *a;

	devtest_grant(t, true);
	atomic_store(&t->grant->notify, 1);
	a = devtest_words(t, 1, 0, s.word, s.n);
	while (!a->done) {
		devtest_poll(t);
		devtest_grant(t, true);
	}
	devtest_done(t, a, DEVTEST_OK);
	devtest_poll(t);
	seen.pieces = 0;
	a = devtest_words(t, 1, 0, s.word, s.n);
	while (!a->done) {
		devtest_poll(t);
		devtest_grant(t, true);
	}
	devtest_done(t, a, DEVTEST_OK);
	g_assert_cmpuint(seen.pieces, <, 50);
	devtest_poll(t);
	end(t, &seen);
}

/* The lease goes in the middle; then all of the VM waits, to the last word. */
static void test_revoked(void)
{
	struct devtest_config config = { .leases = true, .split = true };
	struct virgl_stream s = clears(3);
	struct seen seen = { 0 };
	struct devtest_cmd *a, *b;
	struct devtest *t = begin(&seen, true, &config);

	devtest_grant(t, true);
	atomic_store(&t->grant->notify, 1);
	a = devtest_words(t, 1, 0, s.word, s.n);
	b = devtest_submit(t, 1, 0);
	g_assert_cmpuint(seen.pieces, ==, 2);
	devtest_grant(t, false);
	renderer_null_retire(t->renderer, 2);
	devtest_poll(t);
	event_loop_iterate(t->loop, 0);
	g_assert_cmpuint(seen.pieces, ==, 2);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	g_assert_false(a->done || b->done);
	/* not while the ring is stopped either */
	device_pause(t->dev, true);
	devtest_grant(t, true);
	g_assert_cmpuint(seen.pieces, ==, 2);
	device_pause(t->dev, false);
	device_run(t->dev);
	g_assert_true(a->done);
	devtest_done(t, a, DEVTEST_OK);
	while (!b->done) {
		renderer_null_retire(t->renderer, t->dev->emitted);
		devtest_poll(t);
		devtest_grant(t, true);
	}
	devtest_done(t, b, DEVTEST_OK);
	end(t, &seen);
}

static void test_fails(void)
{
	struct devtest_config config = { .split = true };
	struct virgl_stream s = clears(5);
	struct seen seen = { .fail_at = 3 };
	struct devtest_cmd *a, *b;
	struct devtest *t = begin(&seen, false, &config);

	a = devtest_words(t, 1, 9, s.word, s.n);
	devtest_poll(t);
	devtest_done(t, a, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	g_assert_cmpuint(seen.pieces, ==, 3);
	g_assert_cmpuint(seen.words->len, ==, 2 * 9);
	b = devtest_words(t, 1, 10, s.word, s.n);
	devtest_poll(t);
	devtest_done(t, b, DEVTEST_OK);
	g_assert_cmpuint(seen.pieces, ==, 3 + 5);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	end(t, &seen);
}

/* A reset, or the end, with pieces in flight and others to come. */
static void test_reset(void)
{
	struct devtest_config config = { .leases = true, .split = true };
	struct virgl_stream s = clears(5);
	struct seen seen = { 0 };
	struct devtest *t = begin(&seen, true, &config);
	struct devtest_cmd *a;

	devtest_grant(t, true);
	atomic_store(&t->grant->notify, 1);
	a = devtest_words(t, 1, 9, s.word, s.n);
	g_assert_cmpuint(seen.pieces, ==, 2);
	device_reset(t->dev);
	g_assert_true(a->done);
	a->elem.in_len = 0;
	devtest_done(t, a, 0);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	devtest_grant(t, true);
	g_assert_cmpuint(seen.pieces, ==, 2);
	end(t, &seen);
}

/* ---- on virglrenderer: pixels and query results are the same ---- */

static uint32_t *draw(bool split, uint32_t *query)
{
	struct devtest_config config = { .virgl = true, .split = split };
	struct virtio_gpu_transfer_host_3d get = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
		.hdr.ctx_id = 1, .box = { 0, 0, 0, 64, 32, 1 },
		.resource_id = 2,
	};
	struct devtest *t = devtest_new(&config);
	struct virgl_stream s = { 0 };
	uint32_t *pixels = g_malloc(64 * 32 * 4);
	struct devtest_cmd *a;
	struct virtio_gpu_resource_create_3d result = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = 3, .target = VIRGL_TARGET_BUFFER,
		.format = VIRGL_FORMAT_R8_UNORM, .bind = VIRGL_BIND_CUSTOM,
		.width = 16, .height = 1, .depth = 1, .array_size = 1,
	};

	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_create_3d(t, 2, 64, 32, DEVTEST_OK);
	devtest_attach(t, 2, 0, 64 * 32 * 4, DEVTEST_OK);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 2, DEVTEST_OK);
	devtest_ask(t, result, DEVTEST_OK);
	devtest_attach(t, 3, 65536, 16, DEVTEST_OK);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 3, DEVTEST_OK);

	virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, 1);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 1);
	virgl_surface(&s, 1, 2, VIRGL_FORMAT_B8G8R8A8_UNORM);
	virgl_framebuffer(&s, 1);
	virgl_query_create(&s, 7, 0, 3);
	virgl_query(&s, VIRGL_CCMD_BEGIN_QUERY, 7);
	virgl_clear(&s, red);
	for (uint32_t i = 0; i < 16; i++)
		virgl_clear_rect(&s, 2, i * 4, i, 4, 16, 0xff00ff00 + i * 7);
	virgl_query(&s, VIRGL_CCMD_END_QUERY, 7);
	virgl_query(&s, VIRGL_CCMD_GET_QUERY_RESULT, 7);
	/* another sub-context has another framebuffer: state must not leak */
	virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, 2);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 2);
	virgl_clear_rect(&s, 2, 60, 28, 4, 4, 0x11223344);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 1);
	virgl_clear_rect(&s, 2, 0, 31, 64, 1, 0x55667788);
	a = devtest_words(t, 1, 4, s.word, s.n);
	while (!a->done) {
		g_usleep(1000);
		devtest_poll(t);
	}
	devtest_done(t, a, DEVTEST_OK);
	devtest_ask(t, get, DEVTEST_OK);
	memcpy(pixels, t->ram, 64 * 32 * 4);
	memcpy(query, t->ram + 65536, 16);
	devtest_free(t);
	return pixels;
}

static void test_same(void)
{
	uint32_t query[2][4];
	g_autofree uint32_t *whole = draw(false, query[0]);
	g_autofree uint32_t *split = draw(true, query[1]);

	g_assert_cmphex(whole[0], ==, 0xff00ff00);
	g_assert_cmphex(whole[63], ==, 0xffff0000);
	g_assert_cmphex(whole[31 * 64], ==, 0x55667788);
	g_assert_cmpint(memcmp(whole, split, 64 * 32 * 4), ==, 0);
	g_assert_cmpuint(query[0][0], ==, 1);	/* it was answered */
	g_assert_cmpint(memcmp(query[0], query[1], 16), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-split", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/split/draws", test_draws);
	g_test_add_func("/device/split/whole", test_whole);
	g_test_add_func("/device/split/bad-streams", test_bad_streams);
	g_test_add_func("/device/split/contended", test_contended);
	g_test_add_func("/device/split/learns", test_learns);
	g_test_add_func("/device/split/revoked", test_revoked);
	g_test_add_func("/device/split/fails", test_fails);
	g_test_add_func("/device/split/reset", test_reset);
	g_test_add_func("/device/split/same", test_same);
	return g_test_run();
}
