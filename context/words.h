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

/* Open vserver-init or vserver-keeper: beside this program, else where it was
 * installed. They are static, since the first is run in guests that may have no
 * libraries, and there are as many of the second as there are guests. */
int words_open_helper(const char *name, struct err *err);

#endif
