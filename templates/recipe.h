/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recipe files: how mmdebstrap shall make a tree. The format is described, for who
 * writes one, in recipes/README.
 */
#ifndef COWLINK_RECIPE_H
#define COWLINK_RECIPE_H

#include "err.h"

enum recipe_key {
	RECIPE_DESCRIPTION,
	RECIPE_SUITE,
	RECIPE_COMPONENTS,
	RECIPE_VARIANT,
	RECIPE_INCLUDE,
	RECIPE_ARCHITECTURE,
	RECIPE_MIRROR,
	RECIPE_OPTIONS,
	RECIPE_KEY_COUNT
};

struct recipe {
	char *value[RECIPE_KEY_COUNT];	/* NULL when neither given nor default */
};

#define RECIPE_INIT { { NULL } }
#define _cleanup_recipe_ __attribute__((cleanup(recipe_release)))

/*
 * @name is a path when it holds a '/', else a file of the installed recipe
 * directory or, for a program that was not installed, of the source tree.
 * -ENOENT when there is none, -EINVAL with file and line for a mistake in it.
 */
int recipe_read(const char *name, struct recipe *ret, struct err *err);

void recipe_release(struct recipe *r);

#endif
