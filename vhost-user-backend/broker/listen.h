/* SPDX-License-Identifier: MIT */
/*
 * listen.h - listening sockets with an owner and a mode
 */
#ifndef BROKER_LISTEN_H
#define BROKER_LISTEN_H

#include <sys/types.h>

/**
 * listen_at() - listen, with directories made and rights set
 * @owner, @group: -1: unchanged
 *
 * Nobody can connect before the rights are right. Return: descriptor or
 * -errno.
 */
int listen_at(const char *path, mode_t mode, uid_t owner, gid_t group);

/** listen_error() - what to do about what it returned; static string */
const char *listen_error(int error, const char *path);

#endif
