/* SPDX-License-Identifier: MIT */
/*
 * context.h - 3D contexts
 *
 * A context costs nothing until it is used: many a guest makes one with every
 * file it opens and never draws. It reaches the renderer with its first
 * command, and with it the resources that were attached until then.
 */
#ifndef DEVICE_CONTEXT_H
#define DEVICE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "protocol/vgpu_vendor.h"

struct device;
struct elide;
struct resource;

#define CONTEXT_MAX_COUNT	4096u
#define CONTEXT_NAME_MAX	64
#define CONTEXT_MAX_ATTACHED	(1u << 20)	/* resources, sum of all contexts */

struct context {
	uint32_t id;
	uint32_t context_init;
	char name[CONTEXT_NAME_MAX + 1];
	bool lost;		/* with a predecessor; destroy or create anew */
	bool told;		/* a notice of that was given */
	bool in_renderer;
	bool failed;		/* a submit was refused; said in the log */
	bool refused;		/* by a limit: never in the renderer, and its
				   commands do nothing */
	struct elide *elide;	/* what is missing in it, or NULL */
	uint64_t timeline[VGPU_VENDOR_RINGS];	/* fence of the newest job */
	GHashTable *attached;	/* id: whether the renderer knows */
	GArray *pending;	/* ids that it may not know yet */
};

/** context_find() - NULL if there is none or it was lost */
struct context *context_find(struct device *dev, uint32_t id);

/** context_known() - there is one, if only a lost one */
bool context_known(struct device *dev, uint32_t id);

/**
 * context_create() - 0, -EEXIST, -EINVAL, -ENOMEM
 *
 * Over the limit (-ENOMEM) it is there all the same, as a refused one.
 */
int context_create(struct device *dev, uint32_t id, uint32_t context_init,
		   const char *name);

/** context_lost() - one that a predecessor had */
int context_lost(struct device *dev, uint32_t id, uint32_t context_init,
		 const char *name);
void context_destroy(struct device *dev, uint32_t id);

/** context_attach() - 0, -ENOSPC */
int context_attach(struct device *dev, struct context *ctx,
		   struct resource *res);
void context_detach(struct device *dev, struct context *ctx,
		    struct resource *res);

/**
 * context_need() - have it in the renderer, with its resources
 *
 * Return: 0; -ENODEV: there is no renderer; what the renderer says.
 */
int context_need(struct device *dev, struct context *ctx);

/** context_forget() - a resource goes away: detach it everywhere */
void context_forget(struct device *dev, struct resource *res);

#endif
