// SPDX-License-Identifier: MIT
/*
 * confine.c - what an endpoint gives up before it listens to a front end
 *
 * It has to start workers, and what it may not do they may not do either, GL
 * drivers and all: so this is a list of what is denied. A worker gives up more
 * by itself. Capabilities go too, but for those that a worker below a folder of
 * somebody else's is reached with.
 */
#include "endpoint/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#if defined(__x86_64__)
#define ARCH		AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH		AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif

#define KEPT_CAPS ((1u << CAP_DAC_OVERRIDE) | (1u << CAP_DAC_READ_SEARCH))
#define X32_BIT	0x40000000u

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what)	BPF_STMT(BPF_RET | BPF_K, what)
#define EQUAL(v, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, yes, no)
#define DENY(name) \
	EQUAL(__NR_##name, 0, 1), RETURN(SECCOMP_RET_ERRNO | EPERM)

static int filter_calls(void)
{
#ifdef ARCH
	struct sock_filter filter[] = {
		LOAD(arch),
		EQUAL(ARCH, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
		RETURN(SECCOMP_RET_KILL_PROCESS),

		/* into other processes */
#ifndef SANITIZED	/* the leak checker traces its own */
		DENY(ptrace),
#endif
		DENY(process_vm_readv), DENY(process_vm_writev),
		DENY(pidfd_getfd), DENY(rt_sigqueueinfo),
		/* the file tree, past its permissions */
		DENY(mount), DENY(umount2), DENY(pivot_root), DENY(chroot),
		DENY(open_tree), DENY(move_mount), DENY(fsopen),
		DENY(fsmount), DENY(open_by_handle_at),
		/* the kernel */
		DENY(bpf), DENY(perf_event_open), DENY(userfaultfd),
		DENY(init_module), DENY(finit_module), DENY(delete_module),
		DENY(kexec_load), DENY(reboot), DENY(io_uring_setup),
		DENY(keyctl), DENY(add_key), DENY(request_key),
		DENY(setns), DENY(unshare), DENY(personality),
		DENY(settimeofday), DENY(clock_settime), DENY(swapon),
		DENY(swapoff),

		/* sockets, but local ones */
		EQUAL(__NR_socket, 0, 3),
		LOAD(args[0]),
		EQUAL(AF_UNIX, 1, 0),
		RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = sizeof(filter) / sizeof(*filter), .filter = filter,
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return -errno;
#endif
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[0].effective &= KEPT_CAPS;
	data[0].permitted &= KEPT_CAPS;
	data[0].inheritable = 0;
	memset(&data[1], 0, sizeof(data[1]));
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int confine(void)
{
	int ret = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = -errno;
	if (!ret)
		ret = drop_capabilities();
	if (!ret)
		ret = filter_calls();
	if (ret)
		log_error("can not give up privileges: %s", strerror(-ret));
	return ret;
}
