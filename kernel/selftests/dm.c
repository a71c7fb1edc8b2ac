// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device mapper by its ioctls: no program and no udev are needed.
 */
#include "harness.h"
#include "dm.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <linux/dm-ioctl.h>

#define CONTROL		"/dev/mapper/control"

struct request {
	struct dm_ioctl header;
	union {
		struct {
			struct dm_target_spec spec;
			char params[200];
		} table;
		struct {
			struct dm_target_msg msg;
			char text[200];
		} message;
	};
};

static void request_init(struct request *r, const struct dm_device *dm)
{
	memset(r, 0, sizeof(*r));
	r->header.version[0] = DM_VERSION_MAJOR;
	r->header.data_size = sizeof(*r);
	r->header.data_start = offsetof(struct request, table);
	snprintf(r->header.name, sizeof(r->header.name), "%s", dm->name);
}

static int request_send(unsigned long command, struct request *r)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC), ret, err;

	if (fd < 0)
		skip("no device mapper: %s", errno_name(errno));
	ret = ioctl(fd, command, r);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static int load_table(const struct dm_device *dm, const char *target,
		      const char *params)
{
	struct request r;

	request_init(&r, dm);
	r.header.target_count = 1;
	r.table.spec.length = dm->sectors;
	snprintf(r.table.spec.target_type, sizeof(r.table.spec.target_type),
		 "%s", target);
	snprintf(r.table.params, sizeof(r.table.params), "%s", params);
	return request_send(DM_TABLE_LOAD, &r);
}

static void resume(const struct dm_device *dm)
{
	struct request r;

	request_init(&r, dm);
	/* No filesystem to be frozen: it is new. */
	r.header.flags = DM_SKIP_LOCKFS_FLAG;
	EXPECT_OK(request_send(DM_DEV_SUSPEND, &r));
}

void dm_create(struct dm_device *dm, uint64_t sectors, const char *target,
	       const char *params)
{
	static int serial;
	struct request r;

	snprintf(dm->name, sizeof(dm->name), "cowlink-%d-%d", getpid(),
		 serial++);
	dm->sectors = sectors;
	request_init(&r, dm);
	EXPECT_OK(request_send(DM_DEV_CREATE, &r));
	snprintf(dm->node, sizeof(dm->node), "/dev/dm-%u",
		 minor(r.header.dev));
	if (load_table(dm, target, params)) {
		int err = errno;

		dm_remove(dm);
		CHECK(err == EINVAL, "dm table %s: %s", target,
		      errno_name(err));
		skip("no device-mapper target '%s'", target);
	}
	resume(dm);
}

void dm_message(const struct dm_device *dm, const char *text)
{
	struct request r;

	request_init(&r, dm);
	snprintf(r.message.msg.message,
		 sizeof(r) - offsetof(struct request, message.msg.message),
		 "%s", text);
	EXPECT_OK(request_send(DM_TARGET_MSG, &r));
}

void dm_remove(const struct dm_device *dm)
{
	struct request r;

	request_init(&r, dm);
	EXPECT_OK(request_send(DM_DEV_REMOVE, &r));
}
