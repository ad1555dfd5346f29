/* SPDX-License-Identifier: MIT */
/*
 * state.h - what was done live, kept for the next vgpud
 */
#ifndef BROKER_STATE_H
#define BROKER_STATE_H

struct broker;

/** state_load() - into the broker's live; a bad file is only logged */
void state_load(struct broker *broker);

/** state_save() - whole or not at all; 0 or -errno */
int state_save(const struct broker *broker);

#endif
