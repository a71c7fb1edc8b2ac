// SPDX-License-Identifier: GPL-2.0-only
/*
 * Auditing: the watch of a name stays with the name, and the record of what broke
 * the link tells of the inode that was opened.
 */
#include "harness.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SIZE		5000
#define TIMEOUT_S	300
#define KEY		"cowlink"
#define NAME		"G1/f"

/* ---- talking to the kernel ---------------------------------------------- */

static int audit_socket(unsigned int groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (fd < 0 && errno == EPROTONOSUPPORT)
		skip("no auditing in this kernel");
	EXPECT_OK(fd);
	EXPECT_OK(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

static void audit_request(int type, const void *data, size_t len)
{
	int fd = audit_socket(0);
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO))) = "";
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	struct nlmsgerr *result = NLMSG_DATA(h);

	h->nlmsg_len = NLMSG_LENGTH(len);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	memcpy(NLMSG_DATA(h), data, len);
	EXPECT_EQ(send(fd, buf, h->nlmsg_len, 0), h->nlmsg_len);
	EXPECT_OK(recv(fd, buf, sizeof(buf), 0));
	EXPECT_EQ(h->nlmsg_type, NLMSG_ERROR);
	CHECK(!result->error, "the audit request %d: %s", type,
	      errno_name(-result->error));
	close(fd);
}

static void audit_enable(bool on)
{
	struct audit_status status = {
		.mask = AUDIT_STATUS_ENABLED,
		.enabled = on,
	};

	audit_request(AUDIT_SET, &status, sizeof(status));
}

/* The rule of "auditctl -w @path -p wa -k cowlink". */
static void watch(int request, const char *path)
{
	char buf[sizeof(struct audit_rule_data) + 4200] = "";
	struct audit_rule_data *rule = (struct audit_rule_data *)buf;
	char absolute[4096];
	size_t i;

	CHECK(getcwd(absolute, sizeof(absolute) - strlen(path) - 1), "no cwd");
	strcat(strcat(absolute, "/"), path);
	rule->flags = AUDIT_FILTER_EXIT;
	rule->action = AUDIT_ALWAYS;
	memset(rule->mask, 0xff, sizeof(rule->mask));
	rule->field_count = 3;
	rule->fields[0] = AUDIT_WATCH;
	rule->values[0] = strlen(absolute);
	rule->fields[1] = AUDIT_PERM;
	rule->values[1] = AUDIT_PERM_WRITE | AUDIT_PERM_ATTR;
	rule->fields[2] = AUDIT_FILTERKEY;
	rule->values[2] = strlen(KEY);
	for (i = 0; i < rule->field_count; i++)
		rule->fieldflags[i] = AUDIT_EQUAL;
	rule->buflen = strlen(absolute) + strlen(KEY);
	sprintf(rule->buf, "%s%s", absolute, KEY);
	audit_request(request, rule, sizeof(*rule) + rule->buflen);
}

/* ---- what is recorded ---------------------------------------------------- */

/* One text of the kernel's, up to its end. */
static int read_record(int fd, char *text, size_t size)
{
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t len;

	CHECK(poll(&p, 1, 60000) == 1, "nothing has been recorded");
	len = EXPECT_OK(recv(fd, buf, sizeof(buf), 0));
	len -= NLMSG_HDRLEN;
	CHECK(len >= 0 && (size_t)len < size, "a record of %zd bytes", len);
	memcpy(text, NLMSG_DATA(h), len);
	text[len] = '\0';
	return h->nlmsg_type;
}

/*
 * The next event of our rule: which inodes its records say that NAME is, the last
 * of them in the end. Others are passed over.
 */
static unsigned long next_event(int fd, const char *name)
{
	char text[8192], wanted[100];
	unsigned long ino = 0;
	bool ours = false;
	char *field;

	snprintf(wanted, sizeof(wanted), "name=\"%s\"", name);
	for (;;) {
		switch (read_record(fd, text, sizeof(text))) {
		case AUDIT_SYSCALL:
			ours = strstr(text, "key=\"" KEY "\"");
			ino = 0;
			break;
		case AUDIT_PATH:
			field = strstr(text, " inode=");
			if (field && strstr(text, wanted))
				ino = strtoul(field + 7, NULL, 10);
			break;
		case AUDIT_EOE:
			if (ours)
				return ino;
			break;
		}
	}
}

static unsigned long ino_of(const char *path)
{
	struct stat st;

	EXPECT_OK(stat(path, &st));
	return st.st_ino;
}

/*
 * Linux records nothing of a process that is older than the first time since boot
 * that auditing was switched on. So the test goes on in a child, which has the
 * verdict.
 */
static void become_audited(void)
{
	pid_t pid = EXPECT_OK(fork());
	int status;

	if (!pid) {
		time_limit(TIMEOUT_S);
		return;
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status), "the audited process was ended by signal %d",
	      WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

static int audit_begin(void)
{
	int fd = audit_socket(1 << (AUDIT_NLGRP_READLOG - 1));

	audit_enable(true);
	become_audited();
	watch(AUDIT_ADD_RULE, NAME);
	return fd;
}

static void audit_end(int fd)
{
	watch(AUDIT_DEL_RULE, NAME);
	audit_enable(false);
	close(fd);
}

static void watch_of_an_opened_name(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = audit_begin();

	close(EXPECT_OK(open(NAME, O_RDWR)));
	EXPECT_EQ(next_event(fd, NAME), ino_of(NAME));
	expect_broken(f, G1);
	/* The watch looks at the copy now, and at nothing else. */
	EXPECT_OK(chmod("G2/f", 0600));
	expect_broken(f, G2);
	EXPECT_OK(chmod("C/f", 0644));
	EXPECT_OK(chmod(NAME, 0600));
	EXPECT_EQ(next_event(fd, NAME), ino_of(NAME));
	audit_end(fd);
}

static void watch_of_a_changed_name(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = audit_begin();

	EXPECT_OK(chmod(NAME, 0600));
	CHECK(next_event(fd, NAME), "a record without '" NAME "'");
	expect_broken(f, G1);
	EXPECT_OK(truncate(NAME, 1));
	EXPECT_EQ(next_event(fd, NAME), ino_of(NAME));
	audit_end(fd);
}

/* Who is refused is recorded too, with the inode that he wanted. */
static void watch_of_a_refusal(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd;

	f->ctime_moves = true;
	EXPECT_OK(set_flags("G1", FS_IMMUTABLE_FL));
	fd = audit_begin();
	EXPECT_ERR(open(NAME, O_RDWR), EPERM);
	EXPECT_EQ(next_event(fd, NAME), ino_of("C/f"));
	EXPECT_OK(set_flags("G1", 0));
	audit_end(fd);
	expect_others();
}

static const struct test tests[] = {
	{ "audit: opened, the copy is recorded and watched",
	  watch_of_an_opened_name },
	{ "audit: changed, the copy is watched", watch_of_a_changed_name },
	{ "audit: a refusal is recorded", watch_of_a_refusal },
};

TEST_MAIN("audit", tests)
