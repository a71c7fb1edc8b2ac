/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of a guest's first program. */
#ifndef COWLINK_WORDS_H
#define COWLINK_WORDS_H

#include <stdbool.h>

#include "err.h"

#define WORDS_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct words_list {
	char *text;
	char **argv;		/* ends with NULL */
};

#define _cleanup_words_ __attribute__((cleanup(words_release)))

/* Split at blanks; with @init put "vserver-init" in front. -ENOMEM. */
int words_split(const char *text, bool init, struct words_list *ret);
void words_release(struct words_list *w);

/* Open the program vserver-init: beside this program, else where it was installed. It
 * is a static one, since it is run in guests that may have no libraries. */
int words_open_init(struct err *err);

#endif
