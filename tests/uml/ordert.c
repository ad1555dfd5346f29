// SPDX-License-Identifier: MIT
/*
 * ordert.c - fences of one file signal in order, whatever the host does
 *
 * usage: ordert [DEVICE]       the host should answer in another order
 *
 * Submits a batch with an out-fence each, then looks again and again: a fence
 * that is signalled before an earlier one is a failure.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "guest-driver/vgpu_drm.h"

enum { BATCH = 32, LOOKS = 100000 };

/* Returns the number of signalled fences, or -1 if they were out of order. */
static int count_signalled(struct pollfd *fences)
{
	int i, n = 0;

	/* in reverse, so that a fence which signals meanwhile is no error */
	for (i = BATCH - 1; i >= 0; i--)
		poll(&fences[i], 1, 0);
	for (i = 0; i < BATCH; i++) {
		if (!fences[i].revents)
			continue;
		if (n < i)
			return -1;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	static const uint32_t nop[1];
	struct pollfd fences[BATCH];
	int fd = open(argc > 1 ? argv[1] : "/dev/dri/renderD128", O_RDWR);
	int i, n = 0;

	for (i = 0; i < BATCH; i++) {
		struct drm_vgpu_execbuffer e = {
			.flags = VGPU_EXECBUF_FENCE_FD_OUT,
			.command = (uintptr_t)nop, .size = sizeof(nop),
		};

		if (ioctl(fd, DRM_IOCTL_VGPU_EXECBUFFER, &e)) {
			perror("EXECBUFFER");
			return 1;
		}
		fences[i] = (struct pollfd){ e.fence_fd, POLLIN, 0 };
	}
	for (i = 0; i < LOOKS && n >= 0 && n < BATCH; i++)
		n = count_signalled(fences);
	if (n < 0)
		printf("a fence signalled before an earlier one\n");
	else if (n < BATCH)
		printf("%d of %d fences signalled\n", n, BATCH);
	return n != BATCH;
}
