// SPDX-License-Identifier: MIT
/*
 * test-guest-mem.c - which memory tables are taken, and what they translate
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/ring_guest.h"

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_translate(void)
{
	struct ring_guest g;
	struct guest_mem *mem;
	struct iovec iov[4];

	guest_init(&g, 8);
	mem = guest_table(&g);

	g_assert_cmpint(guest_mem_iov(mem, 0x1000, 0x2000, iov, 4), ==, 1);
	g_assert_cmpuint(iov[0].iov_len, ==, 0x2000);
	memset(iov[0].iov_base, 0x5a, 0x2000);
	g_assert_cmpuint(*guest_ptr(&g, 0x2fff), ==, 0x5a);
	g_assert_cmpuint(*guest_ptr(&g, 0x3000), ==, 0);

	/* across the border: two places, both right */
	g_assert_cmpint(guest_mem_iov(mem, GUEST_REGION - 16, 32, iov, 4), ==, 2);
	g_assert_cmpuint(iov[0].iov_len, ==, 16);
	g_assert_cmpuint(iov[1].iov_len, ==, 16);
	*(uint8_t *)iov[1].iov_base = 0x77;
	g_assert_cmpuint(*guest_ptr(&g, GUEST_REGION), ==, 0x77);
	g_assert_cmpint(guest_mem_iov(mem, GUEST_REGION - 16, 32, iov, 1), ==,
			-ENOSPC);

	/* nothing, everything, one too many */
	g_assert_cmpint(guest_mem_iov(mem, 0x1000, 0, iov, 4), ==, 0);
	g_assert_cmpint(guest_mem_iov(mem, 0, GUEST_SIZE, iov, 4), ==, 2);
	g_assert_cmpint(guest_mem_iov(mem, 0, GUEST_SIZE + 1, iov, 4), ==,
			-EFAULT);
	g_assert_cmpint(guest_mem_iov(mem, GUEST_SIZE, 1, iov, 4), ==, -EFAULT);
	g_assert_cmpint(guest_mem_iov(mem, UINT64_MAX, 2, iov, 4), ==, -EFAULT);
	g_assert_cmpint(guest_mem_iov(mem, 16, UINT64_MAX, iov, 4), ==, -EFAULT);
	guest_mem_put(mem);
	guest_fini(&g);
}

static void test_uaddr(void)
{
	struct ring_guest g;
	struct guest_mem *mem;
	uint8_t *p;

	guest_init(&g, 8);
	mem = guest_table(&g);
	p = guest_mem_uaddr(mem, GUEST_UADDR_B + 8, 8);
	g_assert_nonnull(p);
	*p = 0x33;
	g_assert_cmpuint(*guest_ptr(&g, GUEST_REGION + 8), ==, 0x33);
	g_assert_nonnull(guest_mem_uaddr(mem, GUEST_UADDR, GUEST_REGION));
	/* one byte over the end, before the start, wrapping */
	g_assert_null(guest_mem_uaddr(mem, GUEST_UADDR, GUEST_REGION + 1));
	g_assert_null(guest_mem_uaddr(mem, GUEST_UADDR - 1, 1));
	g_assert_null(guest_mem_uaddr(mem, GUEST_UADDR + 8, UINT64_MAX));
	g_assert_null(guest_mem_uaddr(mem, 0, 1));
	guest_mem_put(mem);
	guest_fini(&g);
}

/* Everything here is refused, and its descriptors are closed. */
static const struct {
	const char *what;
	struct vgpu_ipc_mem_region r[2];
} bad_tables[] = {
	{ "empty region", { { 0, 0, 0x10000, 0 },
			    { 0x100000, 0x1000, 0x200000, 0 } } },
	{ "same addresses", { { 0, 0x2000, 0x10000, 0 },
			      { 0, 0x2000, 0x80000, 0 } } },
	{ "overlap", { { 0, 0x2000, 0x10000, 0 },
		       { 0x1000, 0x2000, 0x80000, 0 } } },
	{ "overlap, in the other order", { { 0x1000, 0x2000, 0x80000, 0 },
					   { 0, 0x1001, 0x10000, 0 } } },
	{ "gpa wraps", { { UINT64_MAX - 0xfff, 0x2000, 0x10000, 0 },
			 { 0, 0x1000, 0x80000, 0 } } },
	{ "uaddr wraps", { { 0, 0x2000, UINT64_MAX - 0xfff, 0 },
			   { 0x4000, 0x1000, 0x80000, 0 } } },
	{ "offset wraps", { { 0, 0x2000, 0x10000, UINT64_MAX - 0xfff },
			    { 0x4000, 0x1000, 0x80000, 0 } } },
	{ "offset beyond the file", { { 0, 0x1000, 0x10000, GUEST_FILE_SIZE },
				      { 0x4000, 0x1000, 0x80000, 0 } } },
	{ "size beyond the file", { { 0, 0x1000, 0x10000, 0 },
				    { 0x4000, GUEST_FILE_SIZE + 1,
				      0x80000, 0 } } },
	{ "negative offset", { { 0, 0x1000, 0x10000, 1ull << 63 },
			       { 0x4000, 0x1000, 0x80000, 0 } } },
};

static void test_bad_tables(void)
{
	struct ring_guest g;
	unsigned int before;

	guest_init(&g, 8);
	before = open_fds();
	for (size_t i = 0; i < G_N_ELEMENTS(bad_tables); i++) {
		int fds[2] = { dup(g.memfd), dup(g.memfd) };

		g_test_message("%s", bad_tables[i].what);
		errno = 0;
		g_assert_null(guest_mem_new(bad_tables[i].r, fds, 2));
		g_assert_cmpint(errno, ==, EINVAL);
		g_assert_cmpuint(open_fds(), ==, before);
	}
	guest_fini(&g);
}

/* Not something that can be mapped, and nothing at all. */
static void test_odd_descriptors(void)
{
	struct vgpu_ipc_mem_region r = { 0, 0x1000, 0x10000, 0 };
	struct guest_mem *mem;
	struct iovec iov;
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	g_assert_null(guest_mem_new(&r, fds, 1));
	close(fds[1]);
	fds[0] = -1;
	g_assert_null(guest_mem_new(&r, fds, 1));

	mem = guest_mem_new(NULL, NULL, 0);
	g_assert_nonnull(mem);
	g_assert_cmpint(guest_mem_iov(mem, 0, 1, &iov, 1), ==, -EFAULT);
	g_assert_null(guest_mem_uaddr(mem, 0, 0));
	guest_mem_put(mem);
}

/* An offset that is not page aligned, as QEMU may send. */
static void test_offset(void)
{
	struct vgpu_ipc_mem_region r = { 0x1000, 0x800, 0x10000, 0x1400 };
	struct ring_guest g;
	struct guest_mem *mem;
	uint8_t *p;
	int fd;

	guest_init(&g, 8);
	g.map[0x1400] = 0xa1;
	g.map[0x1bff] = 0xa2;
	fd = dup(g.memfd);
	mem = guest_mem_new(&r, &fd, 1);
	g_assert_nonnull(mem);
	g_assert_cmpint(fd, ==, -1);
	p = guest_mem_uaddr(mem, 0x10000, 0x800);
	g_assert_nonnull(p);
	g_assert_cmpuint(p[0], ==, 0xa1);
	g_assert_cmpuint(p[0x7ff], ==, 0xa2);
	guest_mem_put(mem);
	guest_fini(&g);
}

/* An old table stays as long as somebody holds it. */
static void test_lifetime(void)
{
	struct ring_guest g;
	struct guest_mem *mem;
	struct iovec iov;

	guest_init(&g, 8);
	mem = guest_table(&g);
	guest_mem_get(mem);
	g_assert_cmpint(guest_mem_iov(mem, 0, 16, &iov, 1), ==, 1);
	guest_mem_put(mem);
	memset(iov.iov_base, 1, 16);
	g_assert_cmpuint(g.map[15], ==, 1);
	guest_mem_put(mem);
	guest_mem_put(NULL);
	guest_fini(&g);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest-mem/translate", test_translate);
	g_test_add_func("/guest-mem/uaddr", test_uaddr);
	g_test_add_func("/guest-mem/bad-tables", test_bad_tables);
	g_test_add_func("/guest-mem/odd-descriptors", test_odd_descriptors);
	g_test_add_func("/guest-mem/offset", test_offset);
	g_test_add_func("/guest-mem/lifetime", test_lifetime);
	return g_test_run();
}
