// SPDX-License-Identifier: GPL-2.0-only
/* Settings of a guest, and what the kernel is told of them. */
#include <errno.h>
#include <stdint.h>

#include "unit.h"

/* As context/settings.h has it, which is not the library's. */
int cgroup_value(const char *value, char *buf, size_t size);

static bool written_as(const char *value, const char *want)
{
	char buf[64] = "?";

	if (!cgroup_value(value, buf, sizeof(buf)) && !strcmp(buf, want))
		return true;
	printf("# '%s' is written as '%s'\n", value, buf);
	return false;
}

static void test_values(void)
{
	char buf[8];

	ok(written_as("1K", "1024") && written_as("3M", "3145728") &&
		   written_as("2G", "2147483648") && written_as("0", "0"),
	   "numbers are written in full");
	ok(written_as("010", "10") && written_as("0010K 0100000", "10240 100000"),
	   "and are decimal for the kernel, too");
	ok(written_as("200K 100000", "204800 100000") &&
		   written_as("max 100K", "max 102400") &&
		   written_as(" 1K  2K ", "1024 2048") && written_as("5", "5"),
	   "each word of several");
	ok(written_as("max", "max") && written_as("0-2,5", "0-2,5") &&
		   written_as("isolated", "isolated") && written_as("", ""),
	   "what is no number stays");
	ok(!cgroup_value("1048575", buf, sizeof(buf)) && !strcmp(buf, "1048575") &&
		   cgroup_value("10485760", buf, sizeof(buf)) == -EINVAL &&
		   cgroup_value("8K 8K", buf, sizeof(buf)) == -EINVAL &&
		   cgroup_value("1 2 3 4 5", buf, sizeof(buf)) == -EINVAL,
	   "nothing is cut off");
}

int main(void)
{
	unit_plan(5);
	test_values();
	return unit_done();
}
