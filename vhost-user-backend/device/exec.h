/* SPDX-License-Identifier: MIT */
/*
 * exec.h - the commands, each carried out by one function
 *
 * They return the answer's type, EXEC_AGAIN or EXEC_PARKED. Sizes were checked
 * by decode; what refers to objects is checked here.
 */
#ifndef DEVICE_EXEC_H
#define DEVICE_EXEC_H

#include <stdint.h>

struct command;
struct device;

uint32_t exec_create_2d(struct device *dev, struct command *cmd);
uint32_t exec_unref(struct device *dev, struct command *cmd);
uint32_t exec_attach_backing(struct device *dev, struct command *cmd);
uint32_t exec_detach_backing(struct device *dev, struct command *cmd);
uint32_t exec_transfer_2d(struct device *dev, struct command *cmd);
uint32_t exec_set_scanout(struct device *dev, struct command *cmd);
uint32_t exec_flush(struct device *dev, struct command *cmd);
uint32_t exec_assign_uuid(struct device *dev, struct command *cmd);

uint32_t exec_ctx_create(struct device *dev, struct command *cmd);
uint32_t exec_ctx_destroy(struct device *dev, struct command *cmd);
uint32_t exec_ctx_attach(struct device *dev, struct command *cmd);
uint32_t exec_ctx_detach(struct device *dev, struct command *cmd);
uint32_t exec_create_3d(struct device *dev, struct command *cmd);
uint32_t exec_transfer_3d(struct device *dev, struct command *cmd);
uint32_t exec_submit(struct device *dev, struct command *cmd);

uint32_t exec_display_info(struct device *dev, struct command *cmd);
uint32_t exec_edid(struct device *dev, struct command *cmd);
uint32_t exec_capset_info(struct device *dev, struct command *cmd);
uint32_t exec_capset(struct device *dev, struct command *cmd);

uint32_t exec_create_blob(struct device *dev, struct command *cmd);
uint32_t exec_hello(struct device *dev, struct command *cmd);
uint32_t exec_notice(struct device *dev, struct command *cmd);

uint32_t exec_update_cursor(struct device *dev, struct command *cmd);
uint32_t exec_move_cursor(struct device *dev, struct command *cmd);

/**
 * exec_transfer() - a transfer by the renderer, as one GPU job
 *
 * Return: as the exec functions.
 */
struct renderer_transfer;
struct resource;
uint32_t exec_transfer(struct device *dev, struct command *cmd,
		       struct resource *res, const struct renderer_transfer *t,
		       int to_host);

#endif
