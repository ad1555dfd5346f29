// SPDX-License-Identifier: MIT
/*
 * cmd_plot.c - vgpuctl plot: a recording as a picture
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/recording.h"
#include "ctl/svg.h"

int cmd_plot(struct ctl *ctl, int argc, char **argv)
{
	struct recording *recording;
	GString *picture;
	char *why;
	bool ok;

	if (argc != 2)
		return ctl_usage("plot takes a recording and the name of a file to write, or -");
	recording = recording_read(argv[0], &why);
	if (!recording) {
		ctl_error("%s", why);
		g_free(why);
		return CTL_FAILED;
	}
	picture = svg_shares(recording);
	ok = ctl_write(argv[1], picture->str, picture->len);
	if (ok && strcmp(argv[1], "-"))
		printf("%s: %u VMs, %u samples\n", argv[1],
		       recording->vms->len, recording->at_s->len);
	g_string_free(picture, TRUE);
	recording_free(recording);
	return ok ? CTL_OK : CTL_FAILED;
}
