/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an operator wants shared. From the command line and from one file, by
 * default $(sysconfdir)/cowlink/vhashify.conf ($COWLINK_VHASHIFY_CONFIG or --config
 * names another), of lines "key = value" whose keys are the options' names. The
 * command line's numbers count; its rules come before those of the file, so that
 * they count where both match.
 */
#ifndef VHASHIFY_POLICY_H
#define VHASHIFY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "rules.h"

#define VHASHIFY_CONFIG COWLINK_SYSCONFDIR "/cowlink/vhashify.conf"

struct policy {
	uint64_t min_size_bytes; /* 1 at least: empty files stay */
	uint64_t max_size_bytes;
	bool within_guest;
	bool skip_conffiles;
	bool ignore_mtime;
	int64_t deadline_ns;	/* from now on, or DEADLINE_NONE */
	struct rules rules;
};

struct options;

/* err_usage() for what makes no sense in either place. */
int policy_load(struct policy *ret, const struct options *o, struct err *err);
void policy_release(struct policy *p);

#endif
