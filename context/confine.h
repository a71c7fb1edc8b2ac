/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the processes of a guest may never do, whatever user namespaces would allow.
 * Both are inherited and cannot be undone. Programs with set-user-ID bits still gain
 * what the guest's root has: NO_NEW_PRIVS is not set.
 */
#ifndef COWLINK_CONFINE_H
#define COWLINK_CONFINE_H

#include <stdbool.h>

/* For the calling process, which is root of the guest's user namespace: drop
 * capabilities and install the list of denied system calls. With @rule_net it keeps
 * those over the network, which has to be a namespace of its own. 0 or -errno. */
int confine(bool rule_net);

#endif
