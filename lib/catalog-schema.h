/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbered migrations of schema/, compiled in by the Makefile. Version N is
 * the file schema/000N-name.sql; they are in order and without gaps.
 */
#ifndef COWLINK_CATALOG_SCHEMA_H
#define COWLINK_CATALOG_SCHEMA_H

#include <stddef.h>

struct schema_migration {
	int version;
	const char *name;
	const char *sql;
};

extern const struct schema_migration schema_migrations[];
extern const size_t schema_migration_count;

#endif
