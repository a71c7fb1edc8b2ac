/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings of a guest: keys from one table, values as text that was checked
 * when it was set. vserver(8) describes the keys; tests compare the two.
 */
#ifndef COWLINK_SETTINGS_H
#define COWLINK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog.h"

enum setting_kind {
	SETTING_INIT,		/* how the guest is started and stopped */
	SETTING_CGROUP,		/* the file of this name in its cgroup */
	SETTING_DISK,		/* disk.h */
	SETTING_NET,		/* net.h */
	SETTING_RT,		/* rt.h */
	SETTING_RLIMIT,		/* "rlimit." and a name of getrlimit(2) */
};

struct setting_key {
	const char *name;
	enum setting_kind kind;
	const char *fallback;	/* what holds when it is not set, NULL: nothing */
	/* 0, or err_usage() about @value. */
	int (*check)(const struct setting_key *key, const char *value,
		     struct err *err);
	int number;		/* SETTING_RLIMIT, SETTING_RT: RLIMIT_* */
};

/* Ends with a NULL name. */
extern const struct setting_key setting_keys[];

struct settings {
	struct setting *list;
	size_t count;
};

int settings_load(struct catalog *c, int64_t tree_id, struct settings *ret,
		  struct err *err);
void settings_release(struct settings *s);

/* What is set, else the fallback, else NULL. */
const char *settings_get(const struct settings *s, const char *key);

/* Is it set? */
bool settings_has(const struct settings *s, const char *key);

/* "KEY=VALUE", both checked; an empty VALUE stands for the fallback. */
int setting_parse(const char *word, struct setting *ret,
		  const struct setting_key **ret_key, struct err *err);

/* "1024", "64K", "64K:1M" or "unlimited", as soft and hard limit. -EINVAL. */
struct rlimit;
int rlimit_parse(const char *value, struct rlimit *ret);

/* "TERM", "SIGTERM", "RTMIN+3" or a number; its number or -EINVAL. */
int signal_parse(const char *name);

/* What cgroup v2 is written, of @size bytes with its NUL: each number of @value in plain
 * decimal, as its files know no K, M and G, or read 010 as 8. -EINVAL: it does not fit. */
int cgroup_value(const char *value, char *buf, size_t size);

#endif
