// SPDX-License-Identifier: MIT
/*
 * wire_system.c - the rows of wire_table.h as the system's header has them
 */
#include <linux/virtio_gpu.h>

#include "tests/lib/wire_table.h"

const struct wire_row wire_system[] = { WIRE_ROWS };
const size_t wire_system_rows = sizeof(wire_system) / sizeof(*wire_system);
