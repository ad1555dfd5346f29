// SPDX-License-Identifier: MIT
/*
 * elide_state.c - what is missing in a context that was refused something
 */
#include "device/elide_state.h"

#include "device/elide.h"

struct elide_sub {
	GHashTable *objects;	/* handle: struct elide_object */
	GHashTable *slots;	/* set of those that miss something */
};

static void *key(uint32_t id)
{
	return GUINT_TO_POINTER(id);
}

static void sub_free(void *opaque)
{
	struct elide_sub *sub = opaque;

	g_hash_table_destroy(sub->objects);
	g_hash_table_destroy(sub->slots);
	g_free(sub);
}

struct elide *elide_new(bool everything)
{
	struct elide *e = g_new0(struct elide, 1);

	e->everything = everything;
	e->subs = g_hash_table_new_full(NULL, NULL, NULL, sub_free);
	return e;
}

void elide_free(struct elide *e)
{
	if (!e)
		return;
	g_hash_table_destroy(e->subs);
	g_free(e);
}

bool elide_is_empty(const struct elide *e)
{
	return !e->entries;
}

static uint32_t entries_of(const struct elide_sub *sub)
{
	return g_hash_table_size(sub->objects) + g_hash_table_size(sub->slots);
}

/* The current one, made when something is to be put into it. */
static struct elide_sub *need_sub(struct elide *e)
{
	struct elide_sub *sub;

	if (e->sub || e->entries >= ELIDE_MAX_ENTRIES ||
	    g_hash_table_size(e->subs) >= ELIDE_MAX_ENTRIES)
		return e->sub;
	sub = g_new0(struct elide_sub, 1);
	sub->objects = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	sub->slots = g_hash_table_new(NULL, NULL);
	g_hash_table_insert(e->subs, key(e->current), sub);
	e->sub = sub;
	return sub;
}

void elide_sub_context(struct elide *e, uint32_t id, bool anew)
{
	if (anew) {
		elide_sub_context_forget(e, id);
		return;
	}
	e->current = id;
	e->sub = g_hash_table_lookup(e->subs, key(id));
}

void elide_sub_context_forget(struct elide *e, uint32_t id)
{
	struct elide_sub *sub = g_hash_table_lookup(e->subs, key(id));

	if (!sub)
		return;
	e->entries -= entries_of(sub);
	if (e->sub == sub)
		e->sub = NULL;
	g_hash_table_remove(e->subs, key(id));
}

void elide_object_add(struct elide *e, uint32_t handle,
		      const struct elide_object *object)
{
	struct elide_sub *sub = need_sub(e);
	struct elide_object *copy;

	if (!handle || !sub || e->entries >= ELIDE_MAX_ENTRIES)
		return;
	copy = g_new(struct elide_object, 1);
	*copy = *object;
	e->entries += g_hash_table_insert(sub->objects, key(handle), copy);
}

const struct elide_object *elide_object_find(const struct elide *e,
					     uint32_t handle)
{
	return e->sub && handle ?
		g_hash_table_lookup(e->sub->objects, key(handle)) : NULL;
}

bool elide_object_forget(struct elide *e, uint32_t handle)
{
	bool was = e->sub &&
		g_hash_table_remove(e->sub->objects, key(handle));

	e->entries -= was;
	return was;
}

void elide_binding(struct elide *e, uint32_t slot, bool missing)
{
	struct elide_sub *sub = missing ? need_sub(e) : e->sub;

	if (!sub)
		return;
	if (!missing)
		e->entries -= g_hash_table_remove(sub->slots, key(slot));
	else if (e->entries < ELIDE_MAX_ENTRIES)
		e->entries += g_hash_table_add(sub->slots, key(slot));
}

bool elide_missing(const struct elide *e, uint32_t slot)
{
	return e->sub && g_hash_table_contains(e->sub->slots, key(slot));
}

bool elide_missing_any(const struct elide *e)
{
	return e->sub && g_hash_table_size(e->sub->slots);
}
