/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line as it was given; policy.h is what counts. */
#ifndef VHASHIFY_OPTIONS_H
#define VHASHIFY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"

struct options {
	uint64_t min_size_bytes;
	uint64_t max_size_bytes;
	uint64_t jobs;
	bool within_guest;
	bool skip_conffiles;
	bool ignore_mtime;
	struct opt_list rules;	/* --include, --exclude, --rules */
	const char *deadline;
	const char *config;
	const char *explain;
	bool undo;
	bool no_cache;
	bool progress;
	bool no_progress;
};

#endif
