// SPDX-License-Identifier: GPL-2.0-only
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd.h"
#include "extra.h"
#include "limit-io.h"
#include "net-list.h"
#include "rt.h"

/* PID_MAX_LIMIT of the kernel: it takes no more. */
#define PROCESSES_MAX 4194304

/* --- values --------------------------------------------------------------------- */

static int bad(const struct setting_key *key, const char *value,
	       const char *wanted, struct err *err)
{
	return err_usage(err, "%s: '%s' is not %s", key->name, value, wanted);
}

static int check_style(const struct setting_key *key, const char *value,
		       struct err *err)
{
	static const char *const styles[] = { "plain", "reap", "systemd",
					      "sysvinit" };
	size_t i;

	for (i = 0; i < sizeof(styles) / sizeof(*styles); i++)
		if (!strcmp(value, styles[i]))
			return 0;
	return bad(key, value, "'plain', 'reap', 'systemd' or 'sysvinit'", err);
}

/* Words, the first an absolute path. */
static int check_command(const struct setting_key *key, const char *value,
			 struct err *err)
{
	return *value == '/' ? 0 :
			       bad(key, value,
				   "a command that begins with a slash", err);
}

static int check_hostname(const struct setting_key *key, const char *value,
			  struct err *err)
{
	size_t i;

	for (i = 0; value[i]; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '-' &&
		    value[i] != '.')
			break;
	if (value[i] || i > 64)
		return bad(key, value, "a host name", err);
	return 0;
}

static int check_signal(const struct setting_key *key, const char *value,
			struct err *err)
{
	return signal_parse(value) > 0 ? 0 : bad(key, value, "a signal", err);
}

static int check_range(const struct setting_key *key, const char *value,
		       uint64_t min, uint64_t max, struct err *err)
{
	char wanted[64];
	uint64_t n;

	if (!parse_number(value, &n) && n >= min && n <= max)
		return 0;
	(void)snprintf(wanted, sizeof(wanted),
		       "a number from %" PRIu64 " to %" PRIu64, min, max);
	return bad(key, value, wanted, err);
}

static int check_seconds(const struct setting_key *key, const char *value,
			 struct err *err)
{
	return check_range(key, value, 0, 3600, err);
}

/* "no", or the place in the order. */
static int check_autostart(const struct setting_key *key, const char *value,
			   struct err *err)
{
	return strcmp(value, "no") ? check_range(key, value, 0, 1000, err) : 0;
}

static int check_weight(const struct setting_key *key, const char *value,
			struct err *err)
{
	return check_range(key, value, 1, 10000, err);
}

static int check_limit(const struct setting_key *key, const char *value,
		       struct err *err)
{
	uint64_t n;

	if (!strcmp(value, "max") || (!parse_number(value, &n) && n <= INT64_MAX))
		return 0;
	return bad(key, value, "a number (with K, M or G) or 'max'", err);
}

static int check_pids(const struct setting_key *key, const char *value,
		      struct err *err)
{
	uint64_t n;

	if (!strcmp(value, "max") || (!parse_number(value, &n) && n <= PROCESSES_MAX))
		return 0;
	return bad(key, value, "a number up to 4194304 or 'max'", err);
}

/* As much as a sysctl holds. */
static int check_userns(const struct setting_key *key, const char *value,
			struct err *err)
{
	return strcmp(value, "max") ? check_range(key, value, 0, INT32_MAX, err) : 0;
}

/* The kernel's 0 is no limit; that is not what it would look like. */
static int check_disk(const struct setting_key *key, const char *value,
		      struct err *err)
{
	uint64_t n;

	if (!parse_number(value, &n) && !n)
		return bad(key, value, "a number above 0 or 'max'", err);
	return check_limit(key, value, err);
}

/* "QUOTA PERIOD" in microseconds, QUOTA also "max". */
static int check_cpu_max(const struct setting_key *key, const char *value,
			 struct err *err)
{
	uint64_t quota = 1000;
	uint64_t period = 100000;
	char first[24];
	char second[24] = "100000";
	char rest;
	int n = sscanf(value, "%23s %23s %c", first, second, &rest);

	if (n < 1 || n > 2 ||
	    (strcmp(first, "max") && parse_number(first, &quota)) ||
	    parse_number(second, &period) || quota < 1000 || period < 1000 ||
	    period > 1000000)
		return bad(key, value,
			   "'QUOTA PERIOD' in microseconds, both from 1000",
			   err);
	return 0;
}

/* "0-2,5" */
static int check_list(const struct setting_key *key, const char *value,
		      struct err *err)
{
	if (isdigit((unsigned char)*value) &&
	    strspn(value, "0123456789,-") == strlen(value))
		return 0;
	return bad(key, value, "a list like '0-2,5'", err);
}

static int check_partition(const struct setting_key *key, const char *value,
			   struct err *err)
{
	if (!strcmp(value, "member") || !strcmp(value, "root") ||
	    !strcmp(value, "isolated"))
		return 0;
	return bad(key, value, "'member', 'root' or 'isolated'", err);
}

static int check_switch(const struct setting_key *key, const char *value,
			struct err *err)
{
	return check_range(key, value, 0, 1, err);
}

static int check_io(const struct setting_key *key, const char *value,
		    struct err *err)
{
	char text[SETTING_VALUE_SIZE];

	return limit_io_text(value, text, sizeof(text)) < 0 ?
		       bad(key, value,
			   "words like 'rbps=10M wbps=max riops=100 wiops=100'",
			   err) :
		       0;
}

static int parse_rlim(const char *text, size_t len, rlim_t *ret)
{
	char copy[32];
	uint64_t n;

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!strcmp(copy, "unlimited")) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	if (parse_number(copy, &n) < 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

int rlimit_parse(const char *value, struct rlimit *ret)
{
	size_t len = strcspn(value, ":");
	int r = parse_rlim(value, len, &ret->rlim_cur);

	ret->rlim_max = ret->rlim_cur;
	if (!r && value[len])
		r = parse_rlim(value + len + 1, strlen(value + len + 1),
			       &ret->rlim_max);
	return r || ret->rlim_cur > ret->rlim_max ? -EINVAL : 0;
}

/* Beyond this not even the host's root goes. */
static int read_nr_open(uint64_t *ret)
{
	FILE *f = fopen("/proc/sys/fs/nr_open", "re");
	int n = f ? fscanf(f, "%" SCNu64, ret) : 0;

	if (f)
		(void)fclose(f); /* read only */
	return n == 1 ? 0 : -ENOENT;
}

static int check_rlimit(const struct setting_key *key, const char *value,
			struct err *err)
{
	struct rlimit limit;
	uint64_t most;

	if (rlimit_parse(value, &limit) < 0)
		return bad(key, value, "a limit: N, SOFT:HARD or 'unlimited'",
			   err);
	if (key->number == RLIMIT_NOFILE && !read_nr_open(&most) &&
	    limit.rlim_max > most)
		return err_set(err, -EOPNOTSUPP,
			       "cannot set %s to '%s': this machine allows %" PRIu64
			       ", raise fs.nr_open first",
			       key->name, value, most);
	return 0;
}

int signal_parse(const char *name)
{
	uint64_t n = 0;
	int sig;

	if (!strncmp(name, "SIG", 3))
		name += 3;
	if (!strncmp(name, "RTMIN+", 6)) {
		if (parse_number(name + 6, &n) || n > 30)
			return -EINVAL;
		return SIGRTMIN + (int)n;
	}
	if (!parse_number(name, &n))
		return n > 0 && n <= 64 ? (int)n : -EINVAL;
	for (sig = 1; sig < 32; sig++) {
		const char *known = sigabbrev_np(sig);

		if (known && !strcmp(known, name))
			return sig;
	}
	return -EINVAL;
}

int cgroup_value(const char *value, char *buf, size_t size)
{
	char copy[SETTING_VALUE_SIZE];
	size_t len = 0;
	uint64_t n;
	char *save;
	char *w;

	*buf = '\0';
	(void)snprintf(copy, sizeof(copy), "%s", value);
	for (w = strtok_r(copy, " ", &save); w && len < size;
	     w = strtok_r(NULL, " ", &save)) {
		const char *blank = len ? " " : "";

		len += parse_number(w, &n) < 0 ?
			       snprintf(buf + len, size - len, "%s%s", blank, w) :
			       snprintf(buf + len, size - len, "%s%" PRIu64, blank,
					n);
	}
	return len < size ? 0 : -EINVAL;
}

/* --- the table -------------------------------------------------------------------- */

#define RLIMIT(name, number) \
	{ "rlimit." name, SETTING_RLIMIT, NULL, check_rlimit, number }
#define CGROUP(name, check) { name, SETTING_CGROUP, NULL, check, 0 }

const struct setting_key setting_keys[] = {
	{ "init", SETTING_INIT, "/sbin/init", check_command, 0 },
	{ "init.style", SETTING_INIT, "plain", check_style, 0 },
	{ "hostname", SETTING_INIT, NULL, check_hostname, 0 },
	{ "stop.command", SETTING_INIT, NULL, check_command, 0 },
	{ "stop.signal", SETTING_INIT, "TERM", check_signal, 0 },
	{ "stop.timeout", SETTING_INIT, "30", check_seconds, 0 },
	{ "autostart", SETTING_INIT, "no", check_autostart, 0 },
	{ "mount", SETTING_INIT, NULL, extra_check, 0 },
	{ "userns.max", SETTING_INIT, NULL, check_userns, 0 },
	{ "net", SETTING_NET, NULL, net_check_mode, 0 },
	{ "net.source", SETTING_NET, NULL, net_check_source, 0 },
	{ "ip", SETTING_NET, NULL, net_check_list, 0 },
	{ "gateway", SETTING_NET, NULL, net_check_gateways, 0 },
	CGROUP("memory.max", check_limit),
	CGROUP("memory.high", check_limit),
	CGROUP("memory.low", check_limit),
	CGROUP("memory.min", check_limit),
	CGROUP("memory.swap.max", check_limit),
	CGROUP("memory.swap.high", check_limit),
	CGROUP("memory.zswap.max", check_limit),
	CGROUP("memory.oom.group", check_switch),
	CGROUP("cpu.weight", check_weight),
	CGROUP("cpu.max", check_cpu_max),
	CGROUP("cpu.max.burst", check_limit),
	CGROUP("cpu.idle", check_switch),
	CGROUP("cpuset.cpus", check_list),
	CGROUP("cpuset.mems", check_list),
	CGROUP("cpuset.cpus.partition", check_partition),
	CGROUP("io.max", check_io),
	CGROUP("io.weight", check_weight),
	CGROUP("pids.max", check_pids),
	{ "disk.space", SETTING_DISK, NULL, check_disk, 0 },
	{ "disk.inodes", SETTING_DISK, NULL, check_disk, 0 },
	{ "rt.prio", SETTING_RT, "0", rt_check_prio, RLIMIT_RTPRIO },
	{ "rt.time", SETTING_RT, "0", rt_check_time, RLIMIT_RTTIME },
	RLIMIT("as", RLIMIT_AS),
	RLIMIT("core", RLIMIT_CORE),
	RLIMIT("cpu", RLIMIT_CPU),
	RLIMIT("data", RLIMIT_DATA),
	RLIMIT("fsize", RLIMIT_FSIZE),
	RLIMIT("memlock", RLIMIT_MEMLOCK),
	RLIMIT("msgqueue", RLIMIT_MSGQUEUE),
	RLIMIT("nice", RLIMIT_NICE),
	RLIMIT("nofile", RLIMIT_NOFILE),
	RLIMIT("nproc", RLIMIT_NPROC),
	RLIMIT("sigpending", RLIMIT_SIGPENDING),
	RLIMIT("stack", RLIMIT_STACK),
	{ 0 },
};

static const struct setting_key *find_key(const char *name, size_t len)
{
	const struct setting_key *k;

	for (k = setting_keys; k->name; k++)
		if (strlen(k->name) == len && !strncmp(k->name, name, len))
			return k;
	return NULL;
}

int setting_parse(const char *word, struct setting *ret,
		  const struct setting_key **ret_key, struct err *err)
{
	size_t len = strcspn(word, "=");
	const struct setting_key *key = find_key(word, len);
	const char *value = word + len + 1;

	if (!word[len])
		return err_usage(err, "'%s' is not KEY=VALUE", word);
	if (!key)
		return err_usage(err, "there is no setting '%.*s'", (int)len,
				 word);
	if (strlen(value) >= sizeof(ret->value))
		return err_usage(err, "%s: the value is too long", key->name);
	(void)snprintf(ret->key, sizeof(ret->key), "%s", key->name);
	(void)snprintf(ret->value, sizeof(ret->value), "%s", value);
	*ret_key = key;
	return *value ? key->check(key, value, err) : 0;
}

int settings_load(struct catalog *c, int64_t tree_id, struct settings *ret,
		  struct err *err)
{
	return catalog_setting_list(c, tree_id, &ret->list, &ret->count, err);
}

void settings_release(struct settings *s)
{
	free(s->list);
	*s = (struct settings){ 0 };
}

static const struct setting *find(const struct settings *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!strcmp(s->list[i].key, key))
			return &s->list[i];
	return NULL;
}

bool settings_has(const struct settings *s, const char *key)
{
	return find(s, key) != NULL;
}

/* What differs for an init that is known. sysvinit takes no signal for "stop", but its
 * own program tells it. */
static const struct {
	const char *style;
	const char *key;
	const char *value;
} style_fallbacks[] = {
	{ .style = "systemd", .key = "stop.signal", .value = "RTMIN+3" },
	{ .style = "systemd", .key = "stop.timeout", .value = "90" },
	{ .style = "sysvinit", .key = "stop.command", .value = "/sbin/init 0" },
	{ .style = "sysvinit", .key = "stop.timeout", .value = "90" },
};

static const char *style_fallback(const struct settings *s, const char *key)
{
	const struct setting *style = find(s, "init.style");
	size_t i;

	for (i = 0; style && i < sizeof(style_fallbacks) / sizeof(*style_fallbacks);
	     i++)
		if (!strcmp(style->value, style_fallbacks[i].style) &&
		    !strcmp(key, style_fallbacks[i].key))
			return style_fallbacks[i].value;
	return NULL;
}

const char *settings_get(const struct settings *s, const char *key)
{
	const struct setting *found = find(s, key);
	const struct setting_key *known = find_key(key, strlen(key));
	const char *styled = style_fallback(s, key);

	if (found)
		return found->value;
	if (styled)
		return styled;
	return known ? known->fallback : NULL;
}
