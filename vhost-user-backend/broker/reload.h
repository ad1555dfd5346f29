/* SPDX-License-Identifier: MIT */
/*
 * reload.h - SIGHUP: another configuration for a running vgpud
 */
#ifndef BROKER_RELOAD_H
#define BROKER_RELOAD_H

struct broker;

/** reload() - read the file again; a bad one is logged and changes nothing */
void reload(struct broker *broker);

#endif
