/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Identities of pools and trees as text: 8-4-4-4-12 lower-case hexadecimal digits
 * (RFC 9562).
 */
#ifndef COWLINK_UUID_H
#define COWLINK_UUID_H

#include <stdbool.h>

#define UUID_TEXT_SIZE 37

/* A random one (version 4) from getrandom(2); 0 or -errno. */
int uuid_generate_text(char ret[UUID_TEXT_SIZE]);

bool uuid_is_valid(const char *s);

#endif
