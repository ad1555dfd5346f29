// SPDX-License-Identifier: MIT
/*
 * pages.c - the two shared pages and two eventfds of a VM
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "base/fdpass.h"
#include "base/shm.h"
#include "sched/lane.h"

int pages_make(struct arbiter_vm *vm)
{
	struct arbiter_fds *fds = &vm->fds;
	void *report;

	fds->grant_page = shm_create("vgpu-grant", VGPU_SCHED_PAGE_SIZE);
	if (fds->grant_page < 0)
		return fds->grant_page;
	fds->report_page = shm_create("vgpu-report", VGPU_SCHED_PAGE_SIZE);
	if (fds->report_page < 0)
		return fds->report_page;
	fds->grant_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds->want_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fds->grant_fd < 0 || fds->want_fd < 0)
		return -errno;
	vm->grant = shm_map(fds->grant_page, VGPU_SCHED_PAGE_SIZE, true);
	if (!vm->grant)
		return -errno;
	report = shm_map(fds->report_page, VGPU_SCHED_PAGE_SIZE, false);
	if (!report)
		return -errno;
	vm->report = report;
	vm->grant->magic = VGPU_SCHED_MAGIC;
	/* from here on nobody else can map it writable */
	return shm_seal_readonly(fds->grant_page);
}

void pages_drop(struct arbiter_vm *vm)
{
	struct arbiter_fds *fds = &vm->fds;
	int all[] = { fds->grant_page, fds->report_page, fds->grant_fd,
		      fds->want_fd };

	shm_unmap(vm->grant, VGPU_SCHED_PAGE_SIZE);
	shm_unmap((void *)vm->report, VGPU_SCHED_PAGE_SIZE);
	vm->grant = NULL;
	vm->report = NULL;
	fdpass_close(all, G_N_ELEMENTS(all));
	*fds = (struct arbiter_fds){ -1, -1, -1, -1 };
}
