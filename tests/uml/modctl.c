// SPDX-License-Identifier: MIT
/*
 * modctl.c - loads and unloads kernel modules; a system under test has no kmod
 *
 * usage: modctl load FILE [PARAMETERS] | modctl unload NAME
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *params = argc > 3 ? argv[3] : "";
	int fd;
	long ret;

	if (argc > 2 && !strcmp(argv[1], "load")) {
		fd = open(argv[2], O_RDONLY | O_CLOEXEC);
		ret = fd < 0 ? -1 : syscall(SYS_finit_module, fd, params, 0);
	} else if (argc == 3 && !strcmp(argv[1], "unload")) {
		ret = syscall(SYS_delete_module, argv[2], O_NONBLOCK);
	} else {
		fprintf(stderr, "usage: modctl load FILE [PARAMETERS] | unload NAME\n");
		return 2;
	}
	if (ret)
		fprintf(stderr, "modctl %s %s: %s\n", argv[1], argv[2],
			strerror(errno));
	return ret != 0;
}
