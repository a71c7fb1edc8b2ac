// SPDX-License-Identifier: GPL-2.0-only
/* The traffic of a guest, as the kernel has counted it since it was started. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "json-out.h"
#include "net.h"

/* 1 when the guest is restricted or private: of others nobody counts. */
static int counters_of(const struct tree_row *row, const struct cgroup *cg,
		       struct net_counters *ret, struct err *err)
{
	struct net_config config;
	int r = cg->fd < 0 ? 0 : net_prog_read(cg->fd, &config, ret, err);

	return r ? r : private_count(row, ret);
}

int net_count_json(const struct tree_row *row, const struct cgroup *cg,
		   struct json_object *doc, struct err *err)
{
	struct json_object *o;
	struct net_counters n;
	int r = counters_of(row, cg, &n, err);

	if (r <= 0)
		return r;
	o = json_object_new_object();
	if (!o || json_object_object_add(doc, "network", o))
		return -ENOMEM;
	return json_add_u64(o, "sent_bytes", n.sent_bytes) |
	       json_add_u64(o, "sent_packets", n.sent_packets) |
	       json_add_u64(o, "sent_refused", n.sent_refused) |
	       json_add_u64(o, "received_bytes", n.received_bytes) |
	       json_add_u64(o, "received_packets", n.received_packets) |
	       json_add_u64(o, "received_refused", n.received_refused) |
	       json_add_bool(o, "unix_open", net_unix_open(cg));
}

int net_count_print(const struct tree_row *row, const struct cgroup *cg,
		    struct err *err)
{
	struct net_counters n;
	int r = counters_of(row, cg, &n, err);

	if (r <= 0)
		return r;
	printf("  sent      %" PRIu64 " bytes, %" PRIu64 " packets, refused %" PRIu64
	       "\n", n.sent_bytes, n.sent_packets, n.sent_refused);
	printf("  received  %" PRIu64 " bytes, %" PRIu64 " packets, refused %" PRIu64
	       "\n", n.received_bytes, n.received_packets, n.received_refused);
	if (net_unix_open(cg))
		printf("  abstract Unix sockets of the host are open to it\n");
	return 0;
}
