/* SPDX-License-Identifier: MIT */
/*
 * record.h - the device's state, written to the ledger
 */
#ifndef DEVICE_RECORD_H
#define DEVICE_RECORD_H

#include <stdint.h>

struct context;
struct device;
struct ledger;
struct resource;

void record_resource(struct device *dev, const struct resource *res);
void record_unref(struct device *dev, uint32_t id);
void record_uuid(struct device *dev, const struct resource *res);
void record_backing(struct device *dev, const struct resource *res);
void record_backing_detach(struct device *dev, uint32_t id);
void record_context(struct device *dev, const struct context *ctx);
void record_vendor(struct device *dev);
void record_context_destroy(struct device *dev, uint32_t id);
void record_scanout(struct device *dev, uint32_t id);
void record_cursor(struct device *dev, uint32_t id);

/** record_dump() - a ledger_dump_fn: everything; @opaque is the device */
int record_dump(void *opaque, struct ledger *ledger);

#endif
