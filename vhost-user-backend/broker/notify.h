/* SPDX-License-Identifier: MIT */
/*
 * notify.h - tell the service manager, where there is one (sd_notify(3))
 */
#ifndef BROKER_NOTIFY_H
#define BROKER_NOTIFY_H

/** notify_send() - "READY=1", "STOPPING=1"; nothing without $NOTIFY_SOCKET */
void notify_send(const char *state);

#endif
