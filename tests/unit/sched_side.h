/* SPDX-License-Identifier: MIT */
/*
 * sched_side.h - plays vgpud's side of the two pages for the client's tests
 */
#ifndef TESTS_UNIT_SCHED_SIDE_H
#define TESTS_UNIT_SCHED_SIDE_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib.h>

#include "base/fdpass.h"
#include "base/shm.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"

/* vgpud's side */
struct arbiter_side {
	struct sched_fds fds;		/* ours; the client gets copies */
	struct vgpu_sched_grant *grant;
	const struct vgpu_sched_report *report;
};

static inline void side_init(struct arbiter_side *s, bool seal)
{
	s->fds.grant_page = shm_create("grant", VGPU_SCHED_PAGE_SIZE);
	s->fds.report_page = shm_create("report", VGPU_SCHED_PAGE_SIZE);
	s->fds.grant_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->fds.want_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->grant = shm_map(s->fds.grant_page, VGPU_SCHED_PAGE_SIZE, true);
	s->report = shm_map(s->fds.report_page, VGPU_SCHED_PAGE_SIZE, false);
	g_assert_nonnull(s->grant);
	g_assert_nonnull(s->report);
	s->grant->magic = VGPU_SCHED_MAGIC;
	if (seal)
		g_assert_cmpint(shm_seal_readonly(s->fds.grant_page), ==, 0);
}

static inline void side_fini(struct arbiter_side *s)
{
	int all[] = { s->fds.grant_page, s->fds.report_page, s->fds.grant_fd,
		      s->fds.want_fd };

	shm_unmap(s->grant, VGPU_SCHED_PAGE_SIZE);
	shm_unmap((void *)s->report, VGPU_SCHED_PAGE_SIZE);
	fdpass_close(all, 4);
}

static inline struct sched_fds side_copy(const struct arbiter_side *s)
{
	return (struct sched_fds){
		fcntl(s->fds.grant_page, F_DUPFD_CLOEXEC, 3),
		fcntl(s->fds.report_page, F_DUPFD_CLOEXEC, 3),
		fcntl(s->fds.grant_fd, F_DUPFD_CLOEXEC, 3),
		fcntl(s->fds.want_fd, F_DUPFD_CLOEXEC, 3),
	};
}

static inline void kick(int fd)
{
	uint64_t one = 1;

	g_assert_cmpint(write(fd, &one, sizeof(one)), ==, sizeof(one));
}

static inline bool drain(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static inline void count_grant(void *opaque)
{
	++*(int *)opaque;
}

#endif
