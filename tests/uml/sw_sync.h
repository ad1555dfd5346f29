/* SPDX-License-Identifier: MIT */
/*
 * sw_sync.h - fences that a test signals itself: /sys/kernel/debug/sync/sw_sync
 */
#ifndef TESTS_UML_SW_SYNC_H
#define TESTS_UML_SW_SYNC_H

#include <stdint.h>
#include <sys/ioctl.h>

#define SW_SYNC	"/sys/kernel/debug/sync/sw_sync"

struct sw_sync_fence {
	uint32_t value;
	char name[32];
	int32_t fence;		/* out */
};

#define SW_SYNC_CREATE	_IOWR('W', 0, struct sw_sync_fence)
#define SW_SYNC_INC	_IOW('W', 1, uint32_t)

#endif
