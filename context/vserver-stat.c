// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guests that run use: a few files of each one's cgroup, and the catalog. No
 * process is looked for; the record of a guest tells which one is its first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "cleanup.h"
#include "cmd.h"
#include "guest.h"
#include "json-out.h"
#include "log.h"

#define UNKNOWN UINT64_MAX

struct stat_opts {
	uint64_t interval_s;
	uint64_t count;
};

/* UNKNOWN where the kernel does not tell. */
struct sample {
	uint64_t processes;
	uint64_t memory_bytes;
	uint64_t swap_bytes;
	uint64_t cpu_us;
	uint64_t read_bytes;
	uint64_t written_bytes;
	uint64_t oom_kills;
	uint64_t uptime_s;
	bool frozen;
};

/* One round. */
struct stat_round {
	struct json_object *list;	/* NULL: text */
	int slice_fd;
	const char *missing[CGROUP_COUNTED]; /* controllers */
	size_t missing_count;
	double seconds;			/* since the last one, 0 for the first */
	struct stat_last {
		uint32_t context;
		uint64_t cpu_us;
	} *last;
	size_t last_count;
};

/* --- one guest ------------------------------------------------------------------- */

static uint64_t read_number(const struct cgroup *cg, const char *name)
{
	char text[32];
	uint64_t n;

	if (cgroup_read(cg, name, text, sizeof(text)) < 0)
		return UNKNOWN;
	return parse_number(text, &n) ? UNKNOWN : n;
}

/* The sum of what stands after each @key, "usage_usec " or "rbytes=". */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = UNKNOWN;
	const char *p = text;

	while ((p = strstr(p, key))) {
		bool whole = p == text || p[-1] == ' ' || p[-1] == '\n';
		uint64_t n;

		p += strlen(key);
		if (whole && sscanf(p, "%" SCNu64, &n) == 1)
			sum = sum == UNKNOWN ? n : sum + n;
	}
	return sum;
}

static uint64_t uptime_of(const struct running *run)
{
	struct timespec now;
	uint64_t started_s = run->started / (uint64_t)sysconf(_SC_CLK_TCK);

	(void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail */
	return (uint64_t)now.tv_sec > started_s ? now.tv_sec - started_s : 0;
}

/* Looking for a file costs as much where there is none. */
static bool counts(const struct stat_round *round, const char *controller)
{
	size_t i;

	for (i = 0; i < round->missing_count; i++)
		if (!strcmp(round->missing[i], controller))
			return false;
	return true;
}

static void take_memory(const struct cgroup *cg, struct sample *s)
{
	char text[1024];

	s->memory_bytes = read_number(cg, "memory.current");
	s->swap_bytes = read_number(cg, "memory.swap.current");
	if (!cgroup_read_lines(cg, "memory.events", text, sizeof(text)))
		s->oom_kills = sum_of(text, "oom_kill ");
}

static struct sample take(const struct stat_round *round,
			  const struct cgroup *cg, const struct running *run)
{
	struct sample s = { .processes = UNKNOWN,
			    .memory_bytes = UNKNOWN,
			    .swap_bytes = UNKNOWN,
			    .cpu_us = UNKNOWN,
			    .read_bytes = UNKNOWN,
			    .written_bytes = UNKNOWN,
			    .oom_kills = UNKNOWN,
			    .uptime_s = uptime_of(run) };
	char text[8192];

	if (cg->fd < 0)
		return s;
	if (counts(round, "pids"))
		s.processes = read_number(cg, "pids.current");
	if (counts(round, "memory"))
		take_memory(cg, &s);
	s.frozen = cgroup_frozen(cg);
	if (!cgroup_read_lines(cg, "cpu.stat", text, sizeof(text)))
		s.cpu_us = sum_of(text, "usage_usec ");
	if (counts(round, "io") &&
	    !cgroup_read_lines(cg, "io.stat", text, sizeof(text))) {
		s.read_bytes = *text ? sum_of(text, "rbytes=") : 0;
		s.written_bytes = *text ? sum_of(text, "wbytes=") : 0;
	}
	return s;
}

/* --- output ------------------------------------------------------------------------ */

static int add_known(struct json_object *o, const char *key, uint64_t value)
{
	return value == UNKNOWN ? 0 : json_add_u64(o, key, value);
}

static int add_guest(struct json_object *list, const struct tree_row *row,
		     const struct running *run, const struct sample *s)
{
	struct json_object *o = json_object_new_object();
	int r = o && !json_object_array_add(list, o) ? 0 : -ENOMEM;

	if (r)
		return r;
	r = json_add_string(o, "name", row->name) |
	    json_add_u64(o, "context", row->context) |
	    json_add_u64(o, "pid", run->pid) |
	    json_add_bool(o, "frozen", s->frozen) |
	    json_add_u64(o, "uptime_s", s->uptime_s) |
	    add_known(o, "processes", s->processes) |
	    add_known(o, "memory_bytes", s->memory_bytes) |
	    add_known(o, "swap_bytes", s->swap_bytes) |
	    add_known(o, "cpu_us", s->cpu_us) |
	    add_known(o, "read_bytes", s->read_bytes) |
	    add_known(o, "written_bytes", s->written_bytes) |
	    add_known(o, "oom_kills", s->oom_kills);
	return r ? -ENOMEM : 0;
}

static const char *size_text(uint64_t bytes, char buf[32])
{
	return bytes == UNKNOWN ? "-" : format_bytes(buf, bytes);
}

/* "3d04h", "2h05m", "7m30s": two units are enough to compare. */
static const char *time_text(uint64_t s, char buf[32])
{
	if (s == UNKNOWN)
		return "-";
	if (s >= 86400)
		(void)snprintf(buf, 32, "%" PRIu64 "d%02" PRIu64 "h", s / 86400,
			       s / 3600 % 24);
	else if (s >= 3600)
		(void)snprintf(buf, 32, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
			       s / 60 % 60);
	else
		(void)snprintf(buf, 32, "%" PRIu64 "m%02" PRIu64 "s", s / 60,
			       s % 60);
	return buf;
}

static void print_head(void)
{
	printf("%7s %6s %9s %9s %7s %6s %9s %9s %7s  %s\n", "CONTEXT", "PROCS",
	       "MEMORY", "SWAP", "CPU", "CPU%", "READ", "WRITTEN", "UPTIME",
	       "NAME");
}

static void print_guest(const struct tree_row *row, const struct sample *s,
			double percent)
{
	char b[6][32];
	char share[16] = "-";
	char procs[24] = "-";

	if (percent >= 0)
		(void)snprintf(share, sizeof(share), "%.1f", percent);
	if (s->processes != UNKNOWN)
		(void)snprintf(procs, sizeof(procs), "%" PRIu64, s->processes);
	printf("%7u %6s %9s %9s %7s %6s %9s %9s %7s  %s%s\n", row->context,
	       procs, size_text(s->memory_bytes, b[0]),
	       size_text(s->swap_bytes, b[1]),
	       time_text(s->cpu_us == UNKNOWN ? UNKNOWN : s->cpu_us / 1000000,
			 b[2]),
	       share, size_text(s->read_bytes, b[3]),
	       size_text(s->written_bytes, b[4]), time_text(s->uptime_s, b[5]),
	       row->name, s->frozen ? " (frozen)" : "");
}

/* The share of one processor since the last round, and remember; or -1. */
static double percent_of(struct stat_round *round, uint32_t context,
			 uint64_t cpu_us)
{
	double result = -1;
	struct stat_last *l;
	size_t i;

	for (i = 0; i < round->last_count; i++)
		if (round->last[i].context == context)
			break;
	l = &round->last[i];
	if (cpu_us == UNKNOWN)
		return -1;
	if (i < round->last_count && round->seconds > 0 &&
	    cpu_us >= l->cpu_us)
		result = (double)(cpu_us - l->cpu_us) / 10000 / round->seconds;
	if (i == round->last_count) {
		l = reallocarray(round->last, i + 1, sizeof(*l));
		if (!l)
			return -1;
		round->last = l;
		round->last_count++;
	}
	round->last[i] = (struct stat_last){ context, cpu_us };
	return result;
}

/* --- all ------------------------------------------------------------------------------ */

static int do_guest(const struct tree_row *row, const struct running *run,
		    void *ctx, struct err *err)
{
	struct stat_round *round = ctx;
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	struct sample s;
	int r = run ? cgroup_open_in(round->slice_fd, row, &cg, err) : 0;

	if (r < 0 || !run)
		return r;
	s = take(round, &cg, run);
	if (round->list)
		return add_guest(round->list, row, run, &s) ?
			       err_errno(err, -ENOMEM, "cannot write JSON") :
			       0;
	print_guest(row, &s, percent_of(round, row->context, s.cpu_us));
	return 0;
}

static int do_round(struct cmd_ctx *ctx, struct stat_round *round)
{
	return guest_each(ctx->pool, do_guest, round, &ctx->err);
}

/* Each time anew: the first guest that is started makes the slice. */
static int open_slice(struct cmd_ctx *ctx, struct stat_round *round)
{
	cleanup_close(&round->slice_fd);
	round->slice_fd = cgroup_slice(&ctx->err);
	round->missing_count = cgroup_uncounted(round->slice_fd, round->missing);
	return round->slice_fd == -ENOENT || round->slice_fd >= 0 ?
		       0 :
		       round->slice_fd;
}

static int run_json(struct cmd_ctx *ctx, struct stat_round *round)
{
	struct json_object *doc;
	struct json_object *lost;
	size_t i;
	int r = open_slice(ctx, round);

	if (r < 0)
		return r;
	doc = json_document("vserver-stat");
	lost = json_object_new_array();
	round->list = json_object_new_array();
	if (!doc || !lost || !round->list ||
	    json_add_bool(doc, "cgroup2", round->slice_fd >= 0) ||
	    json_object_object_add(doc, "missing_controllers", lost) ||
	    json_object_object_add(doc, "guests", round->list)) {
		json_object_put(doc);
		return err_errno(&ctx->err, -ENOMEM, "cannot write JSON");
	}
	for (i = 0; i < round->missing_count; i++)
		(void)json_object_array_add(
			lost, json_object_new_string(round->missing[i]));
	r = do_round(ctx, round);
	if (r < 0)
		json_object_put(doc);
	else
		json_print_document(doc);
	return r;
}

static void tell_missing(const struct stat_round *round)
{
	size_t n = round->missing_count;

	if (round->slice_fd < 0)
		log_notice("cgroup v2 is not mounted, or no guest was started: "
			   "nothing is counted");
	while (n--)
		log_notice("cgroup v2 has no controller '%s' here: it is not "
			   "counted", round->missing[n]);
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_text(struct cmd_ctx *ctx, struct stat_round *round)
{
	const struct stat_opts *o = ctx->opts;
	bool terminal = isatty(STDOUT_FILENO);
	struct timespec pause = { .tv_sec = o->interval_s ? o->interval_s : 2 };
	uint64_t left = o->count ? o->count :
			terminal || o->interval_s ? UINT64_MAX : 1;
	double before = 0;
	int r = 0;

	while (!r && left--) {
		bool had_slice = round->slice_fd >= 0;
		double now = now_s();

		r = open_slice(ctx, round);
		if (r < 0)
			return r;
		if (before <= 0 || had_slice != (round->slice_fd >= 0))
			tell_missing(round);
		if (before > 0)
			round->seconds = now - before;
		before = now;
		if (terminal && o->count != 1)
			printf("\033[H\033[J");
		print_head();
		r = do_round(ctx, round);
		if (fflush(stdout))
			r = err_errno(&ctx->err, -errno, "cannot write");
		if (!r && left)
			(void)nanosleep(&pause, NULL); /* shorter: no harm */
	}
	return r;
}

static int cmd_stat(struct cmd_ctx *ctx)
{
	struct stat_round round = { .slice_fd = -1 };
	int r = ctx->json ? run_json(ctx, &round) : run_text(ctx, &round);

	cleanup_close(&round.slice_fd);
	free(round.last);
	return r;
}

static const struct cmd_opt opts[] = {
	{ .name = "interval",
	  .kind = OPT_NUMBER,
	  .arg = "SECONDS",
	  .help = "show it again after so long (2 on a terminal)",
	  .offset = offsetof(struct stat_opts, interval_s) },
	{ .name = "count",
	  .kind = OPT_NUMBER,
	  .arg = "N",
	  .help = "so many times (without end on a terminal, else once)",
	  .offset = offsetof(struct stat_opts, count) },
	{ 0 },
};

static const struct cmd cmds[] = {
	{ .name = NULL,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RO,
	  .summary = "what the guests that run use",
	  .opts = opts,
	  .opts_size = sizeof(struct stat_opts),
	  .run = cmd_stat },
	{ 0 },
};

int main(int argc, char **argv)
{
	static const struct cmd_tool tool = {
		.name = "vserver-stat",
		.summary = "show what the guests that run use",
		.cmds = cmds,
	};

	return cmd_main(&tool, argc, argv);
}
