// SPDX-License-Identifier: MIT
/*
 * elide.c - command buffers of a guest that was refused memory
 */
#include "device/elide.h"

#include <glib.h>
#include "base/iov.h"
#include "device/context.h"
#include "device/elide_state.h"
#include "device/quota.h"
#include "device/resource.h"
#include "device/state.h"
#include "protocol/virgl.h"

/* What a query leaves in its resource (virglrenderer writes the same). */
struct query_result {
	uint32_t state;		/* 1: done */
	uint32_t size;
	uint64_t result;
};

/* Answer of GET_MEMORY_INFO, in KiB. */
struct memory_info {
	uint32_t total, available;
	uint32_t total_staging, available_staging;
	uint32_t evicted, evictions;
};

/* ---- words that name a resource ---- */

/* By command: up to two payload words, counted from 1; 0: none. */
static const uint8_t resource_words[64][2] = {
	[VIRGL_CCMD_RESOURCE_INLINE_WRITE] = { 1 },
	[VIRGL_CCMD_BLIT] = { 4, 13 },
	[VIRGL_CCMD_RESOURCE_COPY_REGION] = { 1, 6 },
	[VIRGL_CCMD_TRANSFER3D] = { 1 },
	[VIRGL_CCMD_COPY_TRANSFER3D] = { 1, 12 },
	[VIRGL_CCMD_CLEAR_TEXTURE] = { 1 },
	[VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE] = { 1 },
	[VIRGL_CCMD_GET_PIPE_RESOURCE_LAYOUT] = { 1 },
	[VIRGL_CCMD_GET_QUERY_RESULT_QBO] = { 2 },
	[VIRGL_CCMD_DRAW_VBO] = { 15, 20 },
	[VIRGL_CCMD_LAUNCH_GRID] = { 7 },
};

static bool is_refused(struct device *dev, uint32_t id)
{
	struct resource *res = id ? resource_find(dev, id) : NULL;

	return res && res->denied;
}

static bool names_refused(struct device *dev, uint32_t cmd, const uint32_t *p,
			  uint32_t len)
{
	for (int i = 0; cmd < 64 && i < 2; i++) {
		uint32_t word = resource_words[cmd][i];

		if (word && word <= len && is_refused(dev, p[word - 1]))
			return true;
	}
	return false;
}

/* ---- objects ---- */

/* The payload word with the resource that an object is made of, or 0. */
static uint32_t resource_of_object(uint32_t type)
{
	switch (type) {
	case VIRGL_OBJECT_SAMPLER_VIEW:
	case VIRGL_OBJECT_SURFACE:
	case VIRGL_OBJECT_STREAMOUT_TARGET:
	case VIRGL_OBJECT_MSAA_SURFACE:
		return 2;
	case VIRGL_OBJECT_QUERY:
		return 4;
	}
	return 0;
}

/* Return: whether the command is taken out; so it is with the others below */
static bool create_object(struct device *dev, struct elide *e, uint32_t type,
			  const uint32_t *p, uint32_t len)
{
	uint32_t word = resource_of_object(type);
	struct elide_object object = { 0 };

	if (!len)
		return false;
	if (!word || word > len ||
	    !(e->everything || is_refused(dev, p[word - 1]))) {
		elide_object_forget(e, p[0]);
		return e->everything;
	}
	if (type == VIRGL_OBJECT_QUERY) {
		object.resource = p[3];
		object.offset = p[2];
	}
	elide_object_add(e, p[0], &object);
	return true;
}

/*
 * The guest may wait for this in its own pages, of a refused resource as well
 * as of one that is there.
 */
static void answer_query(struct device *dev, const struct elide_object *object)
{
	static const struct query_result none = {
		.state = 1, .size = sizeof(uint64_t),
	};
	struct resource *res = resource_find(dev, object->resource);

	if (!res || !res->backing.iov || object->offset > res->backing.size ||
	    sizeof(none) > res->backing.size - object->offset)
		return;
	iov_from_buf(res->backing.iov, res->backing.n, object->offset, &none,
		     sizeof(none));
}

static bool on_query(struct device *dev, struct elide *e, uint32_t cmd,
		     const uint32_t *p, uint32_t len)
{
	const struct elide_object *object = len ?
		elide_object_find(e, p[0]) : NULL;

	if (object && cmd == VIRGL_CCMD_GET_QUERY_RESULT)
		answer_query(dev, object);
	return object;
}

/* ---- bindings ---- */

/* All handles of a framebuffer; one that is missing makes all of it so. */
static bool set_objects(struct elide *e, uint32_t cmd, const uint32_t *p,
			uint32_t len, uint32_t first)
{
	bool missing = false;

	for (uint32_t i = first; i < len; i++)
		missing |= elide_object_find(e, p[i]) != NULL;
	elide_binding(e, elide_slot(cmd, 0, 0), missing);
	return missing;
}

/* Rows of @width words; the resource is the last of a row. */
static bool set_row(struct device *dev, struct elide *e, uint32_t cmd,
		    const uint32_t *p, uint32_t len, uint32_t width)
{
	bool missing = false;

	for (uint32_t i = width - 1; i < len; i += width)
		missing |= is_refused(dev, p[i]);
	elide_binding(e, elide_slot(cmd, 0, 0), missing);
	return missing;
}

/* The same with a slot for each row, unbound where it is missing. */
static void set_slots(struct device *dev, struct elide *e, uint32_t cmd,
		      uint32_t shader, uint32_t start, uint32_t *p,
		      uint32_t len, uint32_t width)
{
	for (uint32_t i = 0; width <= len - i; i += width, start++) {
		bool missing = is_refused(dev, p[i + width - 1]);

		elide_binding(e, elide_slot(cmd, shader, start), missing);
		if (missing)
			p[i + width - 1] = 0;
	}
}

static bool set_uniform(struct device *dev, struct elide *e, const uint32_t *p,
			uint32_t len, bool is_buffer)
{
	uint32_t slot;
	bool missing;

	if (len < 2)
		return false;
	/* constants in the command take the place of a buffer */
	slot = elide_slot(VIRGL_CCMD_SET_UNIFORM_BUFFER, p[0], p[1]);
	missing = is_buffer && len >= 5 && is_refused(dev, p[4]);
	elide_binding(e, slot, missing);
	return missing;
}

/* A view that is missing reads as nothing: that can be drawn with. */
static void set_views(struct elide *e, uint32_t *p, uint32_t len)
{
	for (uint32_t i = 2; i < len; i++)
		if (elide_object_find(e, p[i]))
			p[i] = 0;
}

static bool bind(struct device *dev, struct elide *e, uint32_t cmd, uint32_t *p,
		 uint32_t len)
{
	switch (cmd) {
	case VIRGL_CCMD_SET_FRAMEBUFFER_STATE:
		return set_objects(e, cmd, p, len, 1);
	case VIRGL_CCMD_SET_STREAMOUT_TARGETS:
		return set_objects(e, cmd, p, len, 1);
	case VIRGL_CCMD_SET_SAMPLER_VIEWS:
		set_views(e, p, len);
		return false;
	case VIRGL_CCMD_SET_VERTEX_BUFFERS:
		return set_row(dev, e, cmd, p, len, 3);
	case VIRGL_CCMD_SET_INDEX_BUFFER:
		return set_row(dev, e, cmd, p, len ? 1 : 0, 1);
	case VIRGL_CCMD_SET_UNIFORM_BUFFER:
		return set_uniform(dev, e, p, len, true);
	case VIRGL_CCMD_SET_CONSTANT_BUFFER:
		return set_uniform(dev, e, p, len, false);
	case VIRGL_CCMD_SET_SHADER_BUFFERS:
		if (len >= 2)
			set_slots(dev, e, cmd, p[0], p[1], p + 2, len - 2, 3);
		return false;
	case VIRGL_CCMD_SET_SHADER_IMAGES:
		if (len >= 2)
			set_slots(dev, e, cmd, p[0], p[1], p + 2, len - 2, 5);
		return false;
	case VIRGL_CCMD_SET_ATOMIC_BUFFERS:
		if (len >= 1)
			set_slots(dev, e, cmd, 0, p[0], p + 1, len - 1, 3);
		return false;
	}
	return false;
}

/* ---- commands ---- */

/*
 * What is asked for is written into the pages of a resource of 24 bytes. Here
 * it is what the quota leaves; without a quota the renderer knows better.
 */
static bool memory_info(struct device *dev, const uint32_t *p, uint32_t len)
{
	uint64_t max = quota_memory(dev) >> 10, used = dev->memory >> 10;
	struct memory_info info = {
		.total = (uint32_t)MIN(max, UINT32_MAX),
		.available = (uint32_t)MIN(max - MIN(max, used), UINT32_MAX),
	};
	struct resource *res = len ? resource_find(dev, p[0]) : NULL;

	if (!max || !res || !res->backing.iov)
		return max && res && res->denied;
	iov_from_buf(res->backing.iov, res->backing.n, 0, &info, sizeof(info));
	return true;
}

static bool draws(struct device *dev, struct elide *e, uint32_t cmd,
		  const uint32_t *p, uint32_t len)
{
	uint32_t fb = elide_slot(VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 0);

	switch (cmd) {
	case VIRGL_CCMD_CLEAR:
		return elide_missing(e, fb);
	case VIRGL_CCMD_CLEAR_SURFACE:
		return len >= 2 && elide_object_find(e, p[1]);
	case VIRGL_CCMD_DRAW_VBO:
		if (len >= 12 && elide_object_find(e, p[11]))
			return true;
		/* fall through */
	case VIRGL_CCMD_LAUNCH_GRID:
		return elide_missing_any(e) || names_refused(dev, cmd, p, len);
	}
	return names_refused(dev, cmd, p, len);
}

/* Return: whether the command has to go */
static bool judge(struct device *dev, struct elide *e, uint32_t header,
		  uint32_t *p, uint32_t len)
{
	uint32_t cmd = VIRGL_HEADER_CMD(header);

	switch (cmd) {
	case VIRGL_CCMD_GET_MEMORY_INFO:
		return memory_info(dev, p, len);
	case VIRGL_CCMD_CREATE_SUB_CTX:
	case VIRGL_CCMD_SET_SUB_CTX:
		if (len)
			elide_sub_context(e, p[0],
					  cmd == VIRGL_CCMD_CREATE_SUB_CTX);
		return false;
	case VIRGL_CCMD_DESTROY_SUB_CTX:
		if (len)
			elide_sub_context_forget(e, p[0]);
		return false;
	case VIRGL_CCMD_CREATE_OBJECT:
		return create_object(dev, e, VIRGL_HEADER_OBJECT(header), p,
				     len);
	case VIRGL_CCMD_DESTROY_OBJECT:
		return len && elide_object_forget(e, p[0]);
	case VIRGL_CCMD_BEGIN_QUERY:
	case VIRGL_CCMD_END_QUERY:
	case VIRGL_CCMD_GET_QUERY_RESULT:
		return on_query(dev, e, cmd, p, len);
	case VIRGL_CCMD_GET_QUERY_RESULT_QBO:
		return on_query(dev, e, cmd, p, len) ||
			names_refused(dev, cmd, p, len);
	case VIRGL_CCMD_SET_RENDER_CONDITION:
		if (len && elide_object_find(e, p[0]))
			p[0] = 0;	/* no condition */
		return false;
	}
	return bind(dev, e, cmd, p, len) || draws(dev, e, cmd, p, len);
}

/* Only GET_MEMORY_INFO is of interest: nothing was ever refused. */
static void answer_memory(struct device *dev, uint32_t *words, size_t n)
{
	for (size_t at = 0; at < n;) {
		uint32_t len = VIRGL_HEADER_LENGTH(words[at]);

		if (len > n - at - 1)
			return;
		if (VIRGL_HEADER_CMD(words[at]) == VIRGL_CCMD_GET_MEMORY_INFO &&
		    memory_info(dev, words + at + 1, len))
			words[at] = VIRGL_HEADER(VIRGL_CCMD_NOP, 0, len);
		at += 1 + (size_t)len;
	}
}

void elide_buffer(struct device *dev, struct context *ctx, uint32_t *words,
		  size_t n)
{
	struct elide *e = ctx->elide;

	if (!dev->denied && !ctx->refused && (!e || elide_is_empty(e))) {
		if (quota_memory(dev))
			answer_memory(dev, words, n);
		return;
	}
	if (!e)
		e = ctx->elide = elide_new(ctx->refused);
	for (size_t at = 0; at < n;) {
		uint32_t len = VIRGL_HEADER_LENGTH(words[at]);

		/* the renderer will find that out as well */
		if (len > n - at - 1)
			return;
		if (judge(dev, e, words[at], words + at + 1, len))
			words[at] = VIRGL_HEADER(VIRGL_CCMD_NOP, 0, len);
		at += 1 + (size_t)len;
	}
}
