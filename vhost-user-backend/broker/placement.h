/* SPDX-License-Identifier: MIT */
/*
 * placement.h - which GPU a VM gets, and whether its promises can be kept
 *
 * Pure: it knows the configuration and who is where, nothing that runs.
 */
#ifndef BROKER_PLACEMENT_H
#define BROKER_PLACEMENT_H

struct config;
struct config_vm;
struct placement;

#define PLACEMENT_RESERVE_MAX	9000	/* of a GPU, in CONFIG_SHARE_FULL */

/** placement_new() - empty GPUs; @config must outlive it */
struct placement *placement_new(const struct config *config);
void placement_free(struct placement *placement);

/** placement_add() - @vm, which must outlive it, is on that GPU */
void placement_add(struct placement *placement, const struct config_vm *vm,
		   unsigned int gpu);

/**
 * placement_fits() - could @vm be on that GPU, with those that are?
 * @why: set when not: what does not fit, with the arithmetic (g_free it)
 *
 * Return: 0 or -ENOSPC.
 */
int placement_fits(const struct placement *placement,
		   const struct config_vm *vm, unsigned int gpu, char **why);

/**
 * placement_choose() - the GPU on which @vm fits best
 *
 * Of those that can keep its promises: the one where its weight gives it most;
 * if that is equal the one with the least memory to spare, then the first.
 * Return: its index, or -ENOSPC with @why set.
 */
int placement_choose(const struct placement *placement,
		     const struct config_vm *vm, char **why);

#endif
