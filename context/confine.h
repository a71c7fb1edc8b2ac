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

/*
 * For the same, before confine(), with its /proc mounted: how many user namespaces each
 * user of the guest can make, which nobody in there raises later; a number, "max", or NULL
 * for what the kernel begins with. In one of his own a user has all capabilities over what
 * belongs to it, those that confine() drops too. 0 or -errno.
 */
int confine_userns(const char *max);

#endif
