// SPDX-License-Identifier: MIT
/*
 * crash.c - count deaths by one's own fault
 *
 * A chain that kills its worker is in flight when it dies, so the successor
 * gets it again, and dies. Only signals that a process brings upon itself
 * count: the watchdog's and the administrator's SIGKILL say nothing of the
 * chains in flight.
 */
#include "worker/crash.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "worker/sandbox.h"

static _Atomic uint32_t *crash_counter;

/* The default action is back in force: it follows on return. */
static void on_crash(int signo)
{
	atomic_fetch_add(crash_counter, 1);
	raise(signo);
}

void crash_watch(_Atomic uint32_t *counter)
{
	static const int signals[] = {
		SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
	};
	struct sigaction action = {
		.sa_handler = on_crash,
		.sa_flags = (int)(SA_RESETHAND | SA_ONSTACK),
	};
	const size_t size = 65536;
	stack_t stack = { .ss_sp = malloc(size), .ss_size = size };

	crash_counter = counter;
	/* The stack may be what ran out. It lives as long as the process. */
	if (stack.ss_sp && sigaltstack(&stack, NULL))
		free(stack.ss_sp);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!SANITIZED || signals[i] == SIGABRT)
			sigaction(signals[i], &action, NULL);
}
