/* SPDX-License-Identifier: MIT */
/*
 * svg.h - shares over time as a picture
 */
#ifndef CTL_SVG_H
#define CTL_SVG_H

#include <glib.h>

#include "ctl/recording.h"

#define SVG_VMS_MAX	8	/* with a line each; the rest are one line */

/** svg_shares() - of what all have used, one line a VM, what is due dashed */
GString *svg_shares(const struct recording *recording);

#endif
