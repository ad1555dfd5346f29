// SPDX-License-Identifier: MIT
/*
 * sandbox.c - what a worker gives up before it sees a guest's bytes
 *
 * Capabilities, and by a seccomp filter the system calls with which a process
 * that was taken over would go on to the rest of the machine. It is a list of
 * what is denied: GL drivers come as they are, and what they call is theirs.
 * Which files can be opened at all is for whoever starts the endpoint (file
 * permissions, namespaces) to decide.
 */
#include "worker/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/log.h"

#if defined(__x86_64__)
#define ARCH		AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH		AUDIT_ARCH_AARCH64
#endif

#define X32_BIT		0x40000000u

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what)	BPF_STMT(BPF_RET | BPF_K, what)
#define ERRNO(e)	(SECCOMP_RET_ERRNO | (e))
/* If the accumulator is v, deny with error e. */
#define DENY(v, e) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, 0, 1), RETURN(ERRNO(e))

static int install_filter(void)
{
#ifdef ARCH
	struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
		RETURN(SECCOMP_RET_KILL_PROCESS),

		/* other programs */
		DENY(__NR_execve, EPERM), DENY(__NR_execveat, EPERM),
		/* other processes */
		DENY(__NR_process_vm_readv, EPERM),
		DENY(__NR_process_vm_writev, EPERM),
		DENY(__NR_kill, EPERM), DENY(__NR_rt_sigqueueinfo, EPERM),
		DENY(__NR_pidfd_open, EPERM), DENY(__NR_pidfd_getfd, EPERM),
		/* the file tree, past its permissions */
		DENY(__NR_mount, EPERM), DENY(__NR_umount2, EPERM),
		DENY(__NR_pivot_root, EPERM), DENY(__NR_chroot, EPERM),
		DENY(__NR_open_tree, EPERM), DENY(__NR_move_mount, EPERM),
		DENY(__NR_fsopen, EPERM), DENY(__NR_fsmount, EPERM),
		DENY(__NR_open_by_handle_at, EPERM),
		DENY(__NR_name_to_handle_at, EPERM),
		/* the kernel */
		DENY(__NR_bpf, EPERM), DENY(__NR_perf_event_open, EPERM),
		DENY(__NR_init_module, EPERM), DENY(__NR_finit_module, EPERM),
		DENY(__NR_delete_module, EPERM), DENY(__NR_kexec_load, EPERM),
#ifdef __NR_kexec_file_load
		DENY(__NR_kexec_file_load, EPERM),
#endif
		DENY(__NR_reboot, EPERM), DENY(__NR_userfaultfd, EPERM),
		DENY(__NR_io_uring_setup, ENOSYS),
		DENY(__NR_keyctl, EPERM), DENY(__NR_add_key, EPERM),
		DENY(__NR_request_key, EPERM),
		DENY(__NR_setns, EPERM), DENY(__NR_unshare, EPERM),
		DENY(__NR_personality, EPERM),
		DENY(__NR_settimeofday, EPERM), DENY(__NR_clock_settime, EPERM),
		DENY(__NR_swapon, EPERM), DENY(__NR_swapoff, EPERM),

		/* sockets, but local ones */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 4),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
		RETURN(ERRNO(EAFNOSUPPORT)),
		RETURN(SECCOMP_RET_ALLOW),
#if !SANITIZED	/* the leak checker forks and traces */
		DENY(__NR_ptrace, EPERM),
#ifdef __NR_fork
		DENY(__NR_fork, EPERM), DENY(__NR_vfork, EPERM),
#endif
		/* threads, but no processes; the C library falls back to clone */
		DENY(__NR_clone3, ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
		RETURN(ERRNO(EPERM)),
#endif
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
	struct __user_cap_data_struct none[2] = { 0 };

	/* Only those who have CAP_SETPCAP can; the others have none to lose. */
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap);
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int sandbox_enter(void)
{
	const struct rlimit no_core = { 0, 0 };
	int ret = 0;

	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = -errno;
	if (!ret)
		ret = drop_capabilities();
	if (!ret)
		ret = install_filter();
	if (ret)
		log_error("sandbox: %s", strerror(-ret));
	return ret;
}
