/* SPDX-License-Identifier: MIT */
/*
 * confine.h - what an endpoint gives up before it listens to a front end
 */
#ifndef ENDPOINT_CONFINE_H
#define ENDPOINT_CONFINE_H

/**
 * confine() - for good, for this process and the workers that it starts
 *
 * Return: 0 or -errno, with a log line.
 */
int confine(void);

#endif
