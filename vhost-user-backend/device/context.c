// SPDX-License-Identifier: MIT
/*
 * context.c - 3D contexts
 */
#include "device/context.h"

#include <errno.h>
#include "device/elide.h"
#include "device/quota.h"
#include "device/resource.h"
#include "device/state.h"
#include "renderer/renderer.h"

static void *key(uint32_t id)
{
	return GUINT_TO_POINTER(id);
}

static struct context *find_any(struct device *dev, uint32_t id)
{
	return g_hash_table_lookup(dev->contexts, key(id));
}

struct context *context_find(struct device *dev, uint32_t id)
{
	struct context *ctx = find_any(dev, id);

	return ctx && !ctx->lost ? ctx : NULL;
}

bool context_known(struct device *dev, uint32_t id)
{
	return find_any(dev, id);
}

static void context_free(struct context *ctx)
{
	elide_free(ctx->elide);
	g_hash_table_destroy(ctx->attached);
	g_array_free(ctx->pending, true);
	g_free(ctx);
}

/* It ends up in logs, so nothing that a terminal obeys. */
static void copy_name(char *to, const char *from)
{
	for (size_t i = 0; i < CONTEXT_NAME_MAX && from[i]; i++)
		to[i] = g_ascii_isprint(from[i]) ? from[i] : '?';
}

static int add(struct device *dev, uint32_t id, uint32_t context_init,
	       const char *name, bool lost)
{
	struct context *ctx = find_any(dev, id);

	if (!id)
		return -EINVAL;
	if (ctx && !ctx->lost)
		return -EEXIST;
	if (ctx)
		context_destroy(dev, id);
	if (g_hash_table_size(dev->contexts) >= CONTEXT_MAX_COUNT)
		return -ENOMEM;
	ctx = g_new0(struct context, 1);
	ctx->id = id;
	ctx->context_init = context_init;
	ctx->lost = lost;
	copy_name(ctx->name, name);
	ctx->attached = g_hash_table_new(NULL, NULL);
	ctx->pending = g_array_new(false, false, sizeof(uint32_t));
	g_hash_table_insert(dev->contexts, key(id), ctx);
	return 0;
}

int context_create(struct device *dev, uint32_t id, uint32_t context_init,
		   const char *name)
{
	int refused = quota_context(dev);
	int ret = add(dev, id, context_init, name, false);

	if (ret || !refused)
		return ret;
	context_find(dev, id)->refused = true;
	dev->refused++;
	quota_refused(dev);
	return -ENOMEM;
}

int context_lost(struct device *dev, uint32_t id, uint32_t context_init,
		 const char *name)
{
	return add(dev, id, context_init, name, true);
}

void context_destroy(struct device *dev, uint32_t id)
{
	struct context *ctx = find_any(dev, id);

	if (!ctx)
		return;
	if (ctx->in_renderer)
		dev->renderer->ops->context_destroy(dev->renderer, id);
	dev->refused -= ctx->refused;
	g_hash_table_remove(dev->contexts, key(id));
	dev->attached -= g_hash_table_size(ctx->attached);
	context_free(ctx);
}

static int tell_renderer(struct device *dev, struct context *ctx,
			 struct resource *res)
{
	struct renderer *r = dev->renderer;
	int ret;

	/* memory of the guest, of which the renderer has nothing */
	if (res->is_blob)
		return 0;
	ret = resource_need(dev, res);
	if (!ret)
		ret = r->ops->context_attach(r, ctx->id, res->args.id);
	if (ret)
		return ret;
	g_hash_table_insert(ctx->attached, key(res->args.id), key(1));
	return 0;
}

/* Ids that were detached again pile up in the list of a context at rest. */
static void tidy_pending(struct context *ctx)
{
	GHashTableIter iter;
	void *id, *known;

	if (ctx->pending->len < 64 ||
	    ctx->pending->len < 2 * g_hash_table_size(ctx->attached))
		return;
	g_array_set_size(ctx->pending, 0);
	g_hash_table_iter_init(&iter, ctx->attached);
	while (g_hash_table_iter_next(&iter, &id, &known)) {
		uint32_t word = GPOINTER_TO_UINT(id);

		if (!known)
			g_array_append_val(ctx->pending, word);
	}
}

int context_attach(struct device *dev, struct context *ctx,
		   struct resource *res)
{
	if (g_hash_table_contains(ctx->attached, key(res->args.id)))
		return 0;
	if (dev->attached >= CONTEXT_MAX_ATTACHED)
		return -ENOSPC;
	g_hash_table_insert(ctx->attached, key(res->args.id), NULL);
	dev->attached++;
	tidy_pending(ctx);
	g_array_append_val(ctx->pending, res->args.id);
	return 0;
}

void context_detach(struct device *dev, struct context *ctx,
		    struct resource *res)
{
	void *known;

	if (!g_hash_table_lookup_extended(ctx->attached, key(res->args.id),
					  NULL, &known))
		return;
	if (known)
		dev->renderer->ops->context_detach(dev->renderer, ctx->id,
						   res->args.id);
	g_hash_table_remove(ctx->attached, key(res->args.id));
	dev->attached--;
}

/*
 * What was attached since the last command, unless it was detached again. One
 * bad resource must not take the context with it.
 */
static int attach_pending(struct device *dev, struct context *ctx)
{
	int ret = 0;

	for (guint i = 0; i < ctx->pending->len; i++) {
		uint32_t id = g_array_index(ctx->pending, uint32_t, i);
		void *known;

		if (!g_hash_table_lookup_extended(ctx->attached, key(id), NULL,
						  &known) || known)
			continue;
		ret = tell_renderer(dev, ctx, resource_find(dev, id));
		if (ret == -EIO || ret == -ENODEV)
			return ret;
	}
	g_array_set_size(ctx->pending, 0);
	return 0;
}

int context_need(struct device *dev, struct context *ctx)
{
	struct renderer *r = device_renderer(dev);
	int ret;

	if (!r)
		return -ENODEV;
	if (!ctx->in_renderer) {
		ret = r->ops->context_create(r, ctx->id, ctx->context_init,
					     ctx->name);
		if (ret)
			return ret;
		ctx->in_renderer = true;
	}
	return attach_pending(dev, ctx);
}

void context_forget(struct device *dev, struct resource *res)
{
	GHashTableIter iter;
	void *ctx;

	g_hash_table_iter_init(&iter, dev->contexts);
	while (g_hash_table_iter_next(&iter, NULL, &ctx))
		context_detach(dev, ctx, res);
}
