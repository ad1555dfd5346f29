/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - the figures of all VMs in OpenMetrics text, over HTTP
 */
#ifndef BROKER_METRICS_H
#define BROKER_METRICS_H

struct broker;
struct metrics;

#define METRICS_REQUEST_MAX	8192
#define METRICS_CLIENTS_MAX	16

/**
 * metrics_new() - serve them
 * @address: path of a socket, or ADDRESS:PORT with a numeric address
 *
 * Return: NULL with a log line.
 */
struct metrics *metrics_new(struct broker *broker, const char *address);
void metrics_free(struct metrics *metrics);

/** metrics_text() - what a scrape gets now; g_free() it */
char *metrics_text(const struct broker *broker);

#endif
