// SPDX-License-Identifier: MIT
/*
 * cpulist.c - CPU lists as in "0-3,6"
 */
#include "endpoint/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static int number(const char **p, unsigned long *value)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	*value = strtoul(*p, &end, 10);
	*p = end;
	return *value < CPU_SETSIZE ? 0 : -EINVAL;
}

int cpulist_parse(const char *list, cpu_set_t *set)
{
	const char *p = list;

	CPU_ZERO(set);
	for (;;) {
		unsigned long first, last;

		if (number(&p, &first))
			return -EINVAL;
		last = first;
		if (*p == '-') {
			p++;
			if (number(&p, &last) || last < first)
				return -EINVAL;
		}
		for (; first <= last; first++)
			CPU_SET(first, set);
		if (!*p)
			return 0;
		if (*p++ != ',')
			return -EINVAL;
	}
}
