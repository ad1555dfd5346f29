// SPDX-License-Identifier: MIT
/*
 * test-ledger.c - the log is found again as it was written, whatever happens to
 * its end
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/shm.h"
#include "ledger/crc32c.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ledger.h"

#define SEGMENTS_AT	(4096 + 2 * ((sizeof(struct vgpu_ledger_ring) + 4095) \
				     / 4096 * 4096))

/* What was written, and where a visit is in it. */
struct expect {
	GPtrArray *records;	/* of GBytes: type, payload */
	guint at;
	guint stop_at;
};

static GBytes *record_new(uint32_t type, const void *payload, size_t size)
{
	GByteArray *a = g_byte_array_new();

	g_byte_array_append(a, (void *)&type, sizeof(type));
	if (size)
		g_byte_array_append(a, payload, (guint)size);
	return g_byte_array_free_to_bytes(a);
}

static int visit(void *opaque, uint32_t type, const void *payload, size_t size)
{
	struct expect *e = opaque;
	GBytes *got = record_new(type, payload, size);

	g_assert_cmpuint(e->at, <, e->records->len);
	g_assert_cmpuint((uintptr_t)payload % 8, ==, 0);
	g_assert_true(g_bytes_equal(got, e->records->pdata[e->at]));
	g_bytes_unref(got);
	e->at++;
	return e->stop_at && e->at == e->stop_at ? 42 : 0;
}

static struct expect expect_new(void)
{
	return (struct expect){
		.records = g_ptr_array_new_with_free_func(
			(GDestroyNotify)g_bytes_unref),
	};
}

static void append(struct ledger *ledger, struct expect *e, size_t size)
{
	uint8_t *payload = g_malloc(size + 1);
	uint32_t type = g_random_int();
	size_t cut = size ? (size_t)g_random_int_range(0, (gint)size) : 0;

	for (size_t i = 0; i < size; i++)
		payload[i] = (uint8_t)g_random_int();
	g_assert_cmpint(ledger_append2(ledger, type, payload, cut,
				       payload + cut, size - cut), ==, 0);
	g_ptr_array_add(e->records, record_new(type, payload, size));
	g_free(payload);
}

static void check_all(int fd, struct expect *e, guint n)
{
	struct ledger *ledger = ledger_open(fd);

	g_assert_nonnull(ledger);
	e->at = 0;
	g_assert_cmpint(ledger_replay(ledger, visit, e), ==, 0);
	g_assert_cmpuint(e->at, ==, n);
	ledger_close(ledger);
}

static void test_crc(void)
{
	uint8_t buf[100];

	/* RFC 3720, B.4 */
	memset(buf, 0, 32);
	g_assert_cmphex(crc32c(0, buf, 32), ==, 0x8a9136aa);
	g_assert_cmphex(crc32c_soft(0, buf, 32), ==, 0x8a9136aa);
	memset(buf, 0xff, 32);
	g_assert_cmphex(crc32c(0, buf, 32), ==, 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		buf[i] = i;
	g_assert_cmphex(crc32c(0, buf, 32), ==, 0x46dd794e);
	g_assert_cmphex(crc32c_soft(0, buf, 32), ==, 0x46dd794e);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)g_random_int();
	for (size_t n = 0; n <= sizeof(buf); n++) {
		size_t cut = n / 3;

		g_assert_cmphex(crc32c(0, buf, n), ==, crc32c_soft(0, buf, n));
		g_assert_cmphex(crc32c(crc32c(0, buf, cut), buf + cut, n - cut),
				==, crc32c_soft(0, buf, n));
	}
}

static void test_records(void)
{
	struct expect e = expect_new();
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);

	g_assert_nonnull(ledger);
	for (int i = 0; i < 500; i++)
		append(ledger, &e, (size_t)g_random_int_range(0, 300));
	append(ledger, &e, 0);
	append(ledger, &e, 100000);
	ledger_close(ledger);
	check_all(fd, &e, 502);

	/* goes on behind what is there, in another process's mapping */
	ledger = ledger_open(fd);
	append(ledger, &e, 17);
	e.at = 0;
	e.stop_at = 3;
	g_assert_cmpint(ledger_replay(ledger, visit, &e), ==, 42);
	g_assert_cmpuint(e.at, ==, 3);
	e.stop_at = 0;
	ledger_close(ledger);
	check_all(fd, &e, 503);

	g_assert_cmpint(ledger_wipe(fd), ==, 0);
	check_all(fd, &e, 0);
	close(fd);
	g_ptr_array_unref(e.records);
}

/* ---- damage ---- */

static uint64_t committed(int fd)
{
	uint64_t v;
	off_t at = offsetof(struct vgpu_ledger_header, committed);

	g_assert_cmpint(pread(fd, &v, sizeof(v), at), ==, sizeof(v));
	return v;
}

static void set_committed(int fd, uint64_t v)
{
	off_t at = offsetof(struct vgpu_ledger_header, committed);

	g_assert_cmpint(pwrite(fd, &v, sizeof(v), at), ==, sizeof(v));
}

/*
 * The commit index anywhere in the last record, and what lies behind it torn at
 * every byte: all whole records are found, and the log goes on from there.
 */
static void test_torn(void)
{
	for (size_t keep = 0; keep < 16 + 40; keep++) {
		struct expect e = expect_new();
		int fd = ledger_create();
		struct ledger *ledger = ledger_open(fd);
		uint64_t before, after;
		uint8_t zero[64] = { 0 };

		for (int i = 0; i < 5; i++)
			append(ledger, &e, 40);
		before = committed(fd);
		append(ledger, &e, 40);
		after = committed(fd);
		g_assert_cmpuint(after - before, ==, 16 + 40);
		ledger_close(ledger);
		/* the end was not written, though the index says so */
		g_assert_cmpint(pwrite(fd, zero, 16 + 40 - keep,
				       (off_t)(SEGMENTS_AT + before + keep)),
				>=, 0);
		check_all(fd, &e, 5);
		g_assert_cmpuint(committed(fd), ==, before);
		g_ptr_array_remove_index(e.records, 5);

		/* the index was not written */
		set_committed(fd, before);
		ledger = ledger_open(fd);
		append(ledger, &e, 9);
		ledger_close(ledger);
		check_all(fd, &e, 6);
		/* an index in the middle of a record */
		set_committed(fd, before + 8);
		check_all(fd, &e, 5);
		close(fd);
		g_ptr_array_unref(e.records);
	}
}

/* A bit that flips anywhere ends the log there; nothing wrong is visited. */
static void test_bit_flips(void)
{
	struct expect e = expect_new();
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);
	uint64_t size;
	uint8_t *log;

	for (int i = 0; i < 20; i++)
		append(ledger, &e, (size_t)g_random_int_range(0, 60));
	size = committed(fd);
	ledger_close(ledger);
	log = g_malloc(size);
	g_assert_cmpint(pread(fd, log, size, SEGMENTS_AT), ==, (ssize_t)size);
	for (uint64_t at = 0; at < size; at++) {
		uint8_t flipped = log[at] ^ (uint8_t)(1 << g_random_int_range(0, 8));

		g_assert_cmpint(pwrite(fd, &flipped, 1,
				       (off_t)(SEGMENTS_AT + at)), ==, 1);
		ledger = ledger_open(fd);
		e.at = 0;
		g_assert_cmpint(ledger_replay(ledger, visit, &e), ==, 0);
		ledger_close(ledger);
		set_committed(fd, size);
		g_assert_cmpint(pwrite(fd, log + at, 1,
				       (off_t)(SEGMENTS_AT + at)), ==, 1);
	}
	check_all(fd, &e, 20);
	g_free(log);
	close(fd);
	g_ptr_array_unref(e.records);
}

static void write_at(int fd, off_t at, const void *v, size_t size)
{
	g_assert_cmpint(pwrite(fd, v, size, at), ==, (ssize_t)size);
}

static void test_bad_headers(void)
{
	static const struct {
		const char *what;
		off_t at;
		uint64_t value;
		size_t size;
	} bad[] = {
#define FIELD(f, v) { #f, offsetof(struct vgpu_ledger_header, f), v, \
		      sizeof(((struct vgpu_ledger_header *)0)->f) }
		FIELD(magic, 0), FIELD(version, 0), FIELD(version, 99),
		FIELD(segment_size, 0), FIELD(segment_size, 4097),
		FIELD(segment_size, 1ull << 29), FIELD(segment_size, UINT64_MAX),
		FIELD(active, 2), FIELD(active, 0xffffffff),
		FIELD(committed[0], 4), FIELD(committed[0], 1ull << 40),
		FIELD(committed[0], UINT64_MAX - 7),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		int fd = ledger_create();

		g_test_message("%s = %#llx", bad[i].what,
			       (unsigned long long)bad[i].value);
		write_at(fd, bad[i].at, &bad[i].value, bad[i].size);
		errno = 0;
		g_assert_null(ledger_open(fd));
		g_assert_cmpint(errno, ==, EBADMSG);
		g_assert_cmpint(ledger_wipe(fd), ==, 0);
		ledger_close(ledger_open(fd));
		close(fd);
	}
}

/* Changed by somebody else after it was opened. */
static void test_bad_later(void)
{
	struct expect e = expect_new();
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);
	uint32_t active = 7;

	append(ledger, &e, 8);
	set_committed(fd, UINT64_MAX - 7);
	g_assert_cmpint(ledger_replay(ledger, visit, &e), ==, -EBADMSG);
	set_committed(fd, 24);
	write_at(fd, offsetof(struct vgpu_ledger_header, active), &active, 4);
	g_assert_cmpint(ledger_replay(ledger, visit, &e), ==, -EBADMSG);
	ledger_close(ledger);
	close(fd);
	g_ptr_array_unref(e.records);
}

static void test_not_a_ledger(void)
{
	int fd = shm_create("small", 4096), pipes[2];

	g_assert_null(ledger_open(fd));
	g_assert_cmpint(ledger_ring_base(fd, 0), <, 0);
	close(fd);
	/* not sealed: could be cut under us */
	fd = memfd_create("unsealed", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(fd, 64 << 20), ==, 0);
	g_assert_null(ledger_open(fd));
	close(fd);
	g_assert_cmpint(pipe(pipes), ==, 0);
	g_assert_null(ledger_open(pipes[0]));
	g_assert_cmpint(ledger_ring_base(pipes[0], 0), <, 0);
	g_assert_cmpint(ledger_wipe(pipes[0]), <, 0);
	close(pipes[0]);
	close(pipes[1]);
	g_assert_null(ledger_open(-1));
}

/* A worker can take nothing from the next one. */
static void test_seals(void)
{
	int fd = ledger_create();

	g_assert_cmpint(ftruncate(fd, 4096), <, 0);
	g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), <, 0);
	close(fd);
}

/* ---- compaction ---- */

/* Live state: one value for each of a few keys. */
struct state {
	uint32_t value[16];
	unsigned int dumps;
	int fail;		/* after so many records; -1: never */
	size_t bulk;		/* ballast a record */
};

static void put(struct ledger *ledger, struct state *s, uint32_t key,
		uint32_t value, int want)
{
	uint32_t pair[2] = { key, value };
	uint8_t *ballast = g_malloc0(s->bulk + 1);
	int ret = ledger_append2(ledger, 1, pair, sizeof(pair), ballast,
				 s->bulk);

	g_free(ballast);
	g_assert_cmpint(ret, ==, want);
	if (!ret)
		s->value[key] = value;
}

static int dump(void *opaque, struct ledger *ledger)
{
	struct state *s = opaque;
	int left = s->fail;

	s->dumps++;
	for (uint32_t key = 0; key < 16; key++) {
		uint32_t pair[2] = { key, s->value[key] };
		int ret;

		if (!left--)
			return -ENOSPC;
		ret = ledger_append(ledger, 1, pair, sizeof(pair));
		if (ret)
			return ret;
	}
	return 0;
}

static int load(void *opaque, uint32_t type, const void *payload, size_t size)
{
	struct state *s = opaque;
	const uint32_t *pair = payload;

	g_assert_cmpuint(type, ==, 1);
	g_assert_cmpuint(size, >=, 8);
	s->value[pair[0]] = pair[1];
	return 0;
}

static void check_state(int fd, const struct state *want)
{
	struct state got = { .fail = -1 };
	struct ledger *ledger = ledger_open(fd);

	g_assert_nonnull(ledger);
	g_assert_cmpint(ledger_replay(ledger, load, &got), ==, 0);
	g_assert_cmpint(memcmp(got.value, want->value, sizeof(got.value)), ==,
			0);
	ledger_close(ledger);
}

static uint64_t pages(int fd)
{
	struct stat st;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return (uint64_t)st.st_blocks * 512;
}

static void test_compaction(void)
{
	struct state s = { .fail = -1, .bulk = 1000 };
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);

	ledger_set_dump(ledger, dump, &s);
	for (uint32_t i = 0; i < 100000; i++) {
		put(ledger, &s, (uint32_t)g_random_int_range(0, 16), i, 0);
		if (i % 10007 == 0)
			check_state(fd, &s);
	}
	g_assert_cmpuint(s.dumps, >, 100);
	check_state(fd, &s);
	/* 100 MB went through it; what it holds is little */
	g_assert_cmpuint(pages(fd), <, 2 << 20);
	ledger_close(ledger);
	close(fd);
}

/* A dump that fails leaves the old log as it is. */
static void test_failing_dump(void)
{
	struct state s = { .fail = 7, .bulk = 4000 };
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);
	int ret = 0;
	uint32_t i;

	ledger_set_dump(ledger, dump, &s);
	for (i = 0; !ret; i++) {
		uint32_t pair[2] = { i % 16, i };
		uint8_t ballast[4000] = { 0 };

		ret = ledger_append2(ledger, 1, pair, 8, ballast, 4000);
		if (!ret)
			s.value[i % 16] = i;
		g_assert_cmpuint(i, <, 100000);
	}
	/* full, and it stays usable */
	g_assert_cmpint(ret, ==, -ENOSPC);
	g_assert_cmpuint(s.dumps, >, 3);
	g_assert_cmpuint(s.dumps, <, 16);
	check_state(fd, &s);
	s.fail = -1;
	put(ledger, &s, 3, 4711, 0);
	check_state(fd, &s);
	ledger_close(ledger);
	close(fd);
}

static void test_full(void)
{
	struct expect e = expect_new();
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);
	uint8_t *big = g_malloc0(3 << 20);
	guint n = 0;

	while (!ledger_append(ledger, 5, big, 3 << 20)) {
		g_ptr_array_add(e.records, record_new(5, big, 3 << 20));
		g_assert_cmpuint(++n, <, 100);
	}
	g_assert_cmpint(ledger_append(ledger, 5, big, 3 << 20), ==, -ENOSPC);
	g_assert_cmpint(ledger_append(ledger, 5, big, SIZE_MAX - 3), ==,
			-ENOSPC);
	g_assert_cmpint(ledger_append2(ledger, 5, big, SIZE_MAX / 2, big,
				       SIZE_MAX / 2 + 2), ==, -ENOSPC);
	append(ledger, &e, 100);
	ledger_close(ledger);
	check_all(fd, &e, n + 1);
	g_free(big);
	close(fd);
	g_ptr_array_unref(e.records);
}

/* ---- rings ---- */

static void test_rings(void)
{
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);
	struct vgpu_ledger_ring *ring;

	g_assert_null(ledger_ring(ledger, VIRTIO_GPU_NUM_QUEUES));
	g_assert_cmpint(ledger_ring_base(fd, 0), ==, -ENOENT);
	g_assert_cmpint(ledger_ring_base(fd, 2), ==, -EINVAL);
	ring = ledger_ring(ledger, 1);
	g_assert_nonnull(ring);
	atomic_store(&ring->last_avail, 0xabcd1234);
	g_assert_cmpint(ledger_ring_base(fd, 1), ==, -ENOENT);
	atomic_store(&ring->valid, 1);
	g_assert_cmpint(ledger_ring_base(fd, 1), ==, 0x1234);
	g_assert_cmpint(ledger_ring_base(fd, 0), ==, -ENOENT);
	/* its last word is its own */
	atomic_store(&ring->seq[VGPU_LEDGER_RING_MAX - 1], UINT64_MAX);
	ring = ledger_ring(ledger, 0);
	atomic_store(&ring->seq[VGPU_LEDGER_RING_MAX - 1], UINT64_MAX);
	g_assert_cmpint(ledger_ring_base(fd, 1), ==, 0x1234);
	ledger_close(ledger);
	g_assert_cmpint(ledger_wipe(fd), ==, 0);
	g_assert_cmpint(ledger_ring_base(fd, 1), ==, -ENOENT);
	g_assert_cmpuint(pages(fd), <=, 4096);
	close(fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* Every torn log is announced. */
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/ledger/crc", test_crc);
	g_test_add_func("/ledger/records", test_records);
	g_test_add_func("/ledger/torn", test_torn);
	g_test_add_func("/ledger/bit-flips", test_bit_flips);
	g_test_add_func("/ledger/bad-headers", test_bad_headers);
	g_test_add_func("/ledger/bad-later", test_bad_later);
	g_test_add_func("/ledger/not-a-ledger", test_not_a_ledger);
	g_test_add_func("/ledger/seals", test_seals);
	g_test_add_func("/ledger/compaction", test_compaction);
	g_test_add_func("/ledger/failing-dump", test_failing_dump);
	g_test_add_func("/ledger/full", test_full);
	g_test_add_func("/ledger/rings", test_rings);
	return g_test_run();
}
