/* SPDX-License-Identifier: MIT */
/*
 * caps.h - capability sets, frozen when the VM started
 */
#ifndef DEVICE_CAPS_H
#define DEVICE_CAPS_H

#include <stdbool.h>
#include <stdint.h>

struct vgpu_caps;

/** caps_check() - can they be given to a guest as they are? */
bool caps_check(const struct vgpu_caps *caps);

/** caps_have() - is a capset with this id among them? Ours is not. */
bool caps_have(const struct vgpu_caps *caps, uint32_t id);

#endif
