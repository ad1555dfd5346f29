/* SPDX-License-Identifier: MIT */
/*
 * elide_state.h - what is missing in a context that was refused something
 *
 * Objects and bindings belong to the current sub-context. The guest decides how
 * much there is of it, so there is a limit: past it nothing more is remembered,
 * and the renderer puts the context into error as it does for any other guest
 * that refers to what is not there.
 */
#ifndef DEVICE_ELIDE_STATE_H
#define DEVICE_ELIDE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#define ELIDE_MAX_ENTRIES	65536u

struct elide_sub;

/** struct elide - of one context */
struct elide {
	bool everything;	/* the context itself was refused */
	GHashTable *subs;	/* id: struct elide_sub */
	struct elide_sub *sub;	/* the current one; NULL: nothing in it yet */
	uint32_t current;
	uint32_t entries;	/* in all of them */
};

/** struct elide_object - made of a refused resource; queries have one */
struct elide_object {
	uint32_t resource, offset;
};

struct elide *elide_new(bool everything);
bool elide_is_empty(const struct elide *e);

/** elide_sub_context() - go on in this one; @anew: with nothing missing */
void elide_sub_context(struct elide *e, uint32_t id, bool anew);
void elide_sub_context_forget(struct elide *e, uint32_t id);

void elide_object_add(struct elide *e, uint32_t handle,
		      const struct elide_object *object);
const struct elide_object *elide_object_find(const struct elide *e,
					     uint32_t handle);
/** elide_object_forget() - Return: whether it was there */
bool elide_object_forget(struct elide *e, uint32_t handle);

/** elide_slot() - number of a binding of command @cmd */
static inline uint32_t elide_slot(uint32_t cmd, uint32_t shader, uint32_t index)
{
	return cmd << 24 | (shader & 0xff) << 16 | (index & 0xffff);
}

/** elide_binding() - the slot is bound anew, to something @missing or not */
void elide_binding(struct elide *e, uint32_t slot, bool missing);
bool elide_missing(const struct elide *e, uint32_t slot);
bool elide_missing_any(const struct elide *e);

#endif
