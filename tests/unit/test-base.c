// SPDX-License-Identifier: MIT
/*
 * test-base.c - cursor, iovecs, shared memory, descriptor passing, events
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/cursor.h"
#include "base/event.h"
#include "base/fdpass.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/shm.h"

static void test_cursor(void)
{
	struct cursor c = cursor_init("abcd", 4);
	char got[4];

	g_assert_true(cursor_get(&c, got, 3));
	g_assert_cmpmem(got, 3, "abc", 3);
	/* too much: nothing moves */
	g_assert_false(cursor_get(&c, got, 2));
	g_assert_null(cursor_take(&c, 2));
	g_assert_null(cursor_take(&c, SIZE_MAX));
	g_assert_cmpuint(c.left, ==, 1);
	g_assert_nonnull(cursor_take(&c, 1));
	g_assert_nonnull(cursor_take(&c, 0));
	g_assert_false(cursor_get(&c, got, 1));
}

/* Any cut of a buffer into iovecs, any range: same as memcpy. */
static void test_iov(void)
{
	uint8_t data[257], flat[257], got[300];
	struct iovec iov[16];
	int round;

	for (round = 0; round < 2000; round++) {
		size_t n = 0, at = 0, offset, len, want, i;

		for (i = 0; i < sizeof(data); i++)
			data[i] = flat[i] = (uint8_t)g_test_rand_int();
		while (at < sizeof(data)) {
			size_t part = (size_t)g_test_rand_int_range(0, 60);

			if (n == 15 || part > sizeof(data) - at)
				part = sizeof(data) - at;
			iov[n++] = (struct iovec){ data + at, part };
			at += part;
		}
		g_assert_cmpuint(iov_size(iov, n), ==, sizeof(data));
		offset = (size_t)g_test_rand_int_range(0, 300);
		len = (size_t)g_test_rand_int_range(0, 300);
		want = offset >= sizeof(data) ? 0 :
			MIN(len, sizeof(data) - offset);
		g_assert_cmpuint(iov_to_buf(iov, n, offset, got, len), ==, want);
		g_assert_cmpmem(got, want, flat + MIN(offset, 257), want);
		memset(got, round, sizeof(got));
		g_assert_cmpuint(iov_from_buf(iov, n, offset, got, len), ==,
				 want);
		if (want)
			memcpy(flat + offset, got, want);
		g_assert_cmpmem(data, sizeof(data), flat, sizeof(flat));
	}
}

static void test_shm(void)
{
	int fd = shm_create("test", 8192), bare;
	uint8_t *p = shm_map(fd, 8192, true);

	g_assert_nonnull(p);
	p[8191] = 7;
	g_assert_cmpint(ftruncate(fd, 4096), ==, -1);
	/* more than there is */
	g_assert_null(shm_map(fd, 8193, false));
	g_assert_null(shm_map(fd, 0, false));
	/* a reader can not make it writable again */
	g_assert_cmpint(shm_seal_readonly(fd), ==, 0);
	g_assert_null(shm_map(fd, 8192, true));
	p[0] = 1;
	shm_unmap(p, 8192);
	p = shm_map(fd, 8192, false);
	g_assert_cmpint(p[8191], ==, 7);
	shm_unmap(p, 8192);
	close(fd);

	/* not sealed: its owner could shrink it under us */
	bare = memfd_create("bare", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	g_assert_cmpint(ftruncate(bare, 4096), ==, 0);
	g_assert_null(shm_map(bare, 4096, false));
	close(bare);
	/* not a memfd at all */
	bare = open("/dev/null", O_RDWR | O_CLOEXEC);
	g_assert_null(shm_map(bare, 4096, false));
	close(bare);
}

static int count_fds(void)
{
	int n = 0, fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_fdpass(void)
{
	int pair[2], fds[4], before = count_fds();
	size_t nfds = 4;
	char buf[8];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				   pair), ==, 0);
	g_assert_cmpint(fdpass_recv(pair[1], buf, 8, fds, &nfds), ==, -EAGAIN);
	g_assert_cmpint(fdpass_send(pair[0], "hello", 5, pair, 2), ==, 5);
	nfds = 4;
	g_assert_cmpint(fdpass_recv(pair[1], buf, 8, fds, &nfds), ==, 5);
	g_assert_cmpuint(nfds, ==, 2);
	g_assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	fdpass_close(fds, nfds);
	g_assert_cmpint(fds[0], ==, -1);

	/* more descriptors than expected: refused, and none is leaked */
	fdpass_send(pair[0], "hello", 5, pair, 2);
	nfds = 1;
	g_assert_cmpint(fdpass_recv(pair[1], buf, 8, fds, &nfds), ==,
			-EMSGSIZE);
	/* none expected at all */
	fdpass_send(pair[0], "hello", 5, pair, 2);
	g_assert_cmpint(fdpass_recv(pair[1], buf, 8, NULL, NULL), ==,
			-EMSGSIZE);
	/* a datagram longer than the buffer */
	fdpass_send(pair[0], "0123456789", 10, pair, 1);
	nfds = 4;
	g_assert_cmpint(fdpass_recv(pair[1], buf, 8, fds, &nfds), ==,
			-EMSGSIZE);
	g_assert_cmpuint(nfds, ==, 0);

	close(pair[1]);
	g_assert_cmpint(fdpass_send(pair[0], "x", 1, NULL, 0), ==, -EPIPE);
	close(pair[0]);
	g_assert_cmpint(count_fds(), ==, before);
}

static void test_listen(void)
{
	char dir[] = "/tmp/vgpu-test-XXXXXX";
	g_autofree char *path = NULL, *longpath = NULL;
	int sock, again, client;

	g_assert_nonnull(mkdtemp(dir));
	path = g_build_filename(dir, "s", NULL);
	longpath = g_strnfill(200, 'x');
	g_assert_cmpint(fdpass_listen(longpath), ==, -ENAMETOOLONG);
	g_assert_cmpint(fdpass_connect(path, SOCK_STREAM), ==, -ENOENT);
	sock = fdpass_listen(path);
	g_assert_cmpint(sock, >=, 0);
	g_assert_cmpint(fdpass_listen(path), ==, -EADDRINUSE);
	client = fdpass_connect(path, SOCK_STREAM);
	g_assert_cmpint(client, >=, 0);
	close(client);
	close(sock);
	/* what a dead process left is taken over */
	again = fdpass_listen(path);
	g_assert_cmpint(again, >=, 0);
	close(again);
	unlink(path);
	rmdir(dir);
}

struct loop_test {
	struct event_loop *loop;
	struct event_source *fd, *timer, *signal;
	int pipe[2];
	int reads, ticks, signals;
};

static void on_readable(void *opaque, unsigned int events)
{
	struct loop_test *t = opaque;
	char c;

	g_assert_true(events & EVENT_IN);
	g_assert_cmpint(read(t->pipe[0], &c, 1), ==, 1);
	t->reads++;
	/* a callback may delete its own source */
	event_del(t->fd);
	t->fd = NULL;
	event_set_timer(t->timer, 1000);
}

static void on_timer(void *opaque)
{
	struct loop_test *t = opaque;

	if (++t->ticks < 3)
		event_set_timer(t->timer, 1000);
	else
		raise(SIGUSR1);
}

static void on_signal(void *opaque)
{
	struct loop_test *t = opaque;

	t->signals++;
	event_loop_quit(t->loop);
}

static void test_event(void)
{
	struct loop_test t = { .loop = event_loop_new() };

	g_assert_cmpint(pipe2(t.pipe, O_CLOEXEC), ==, 0);
	t.fd = event_add_fd(t.loop, t.pipe[0], EVENT_IN, on_readable, &t);
	t.timer = event_add_timer(t.loop, on_timer, &t);
	t.signal = event_add_signal(t.loop, SIGUSR1, on_signal, &t);
	g_assert_cmpint(write(t.pipe[1], "xy", 2), ==, 2);
	event_loop_run(t.loop);
	g_assert_cmpint(t.reads, ==, 1);
	g_assert_cmpint(t.ticks, ==, 3);
	g_assert_cmpint(t.signals, ==, 1);
	event_del(t.timer);
	event_del(t.signal);
	event_del(NULL);
	event_loop_free(t.loop);
	close(t.pipe[0]);
	close(t.pipe[1]);
}

static void test_log_limit(void)
{
	struct log_limit limit = { 0 };
	int i, allowed = 0;

	for (i = 0; i < 100; i++)
		allowed += log_allowed(&limit);
	g_assert_cmpint(allowed, ==, 5);
	g_assert_cmpuint(limit.dropped, ==, 95);
}

/* A name that a peer chose must not forge a line of its own. */
static void test_log_line(void)
{
	int saved = dup(STDERR_FILENO), pipes[2];
	char got[256] = "";

	g_assert_cmpint(pipe(pipes), ==, 0);
	dup2(pipes[1], STDERR_FILENO);
	log_init("prog", "vm1");
	log_error("bad name '%s'", "x\n<3>forged\033[2J");
	dup2(saved, STDERR_FILENO);
	g_assert_cmpint(read(pipes[0], got, sizeof(got) - 1), >, 0);
	g_assert_cmpstr(got, ==,
			"prog[vm1]: error: bad name 'x?<3>forged?[2J'\n");
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/cursor", test_cursor);
	g_test_add_func("/base/iov", test_iov);
	g_test_add_func("/base/shm", test_shm);
	g_test_add_func("/base/fdpass", test_fdpass);
	g_test_add_func("/base/listen", test_listen);
	g_test_add_func("/base/event", test_event);
	g_test_add_func("/base/log/limit", test_log_limit);
	g_test_add_func("/base/log/line", test_log_line);
	return g_test_run();
}
