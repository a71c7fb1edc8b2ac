# SPDX-License-Identifier: GPL-2.0-only
#
# cowlink. `make` works in a fresh clone; `make help` lists the targets.
#
# Order of authority, weakest first: the defaults below, config.mak.autogen
# (written by ./configure, never needed), config.mak (yours), the command line.
#
#   V=1                          show the commands
#   DEVELOPER=1                  -Werror and the long warning list
#   SANITIZE=address,undefined   instrumented build; give it its own BUILD=
#   BUILD=DIR                    where everything generated goes
#
# Adding a .c file to lib/, templates/, vhashify/, tests/helper/ or tests/unit/,
# or a migration to schema/, needs no change here.

all::

COWLINK_VERSION = 0.1.0

CC = cc
AR = ar
PKG_CONFIG = pkg-config
INSTALL = install
CFLAGS = -g -O2 -Wall
LDFLAGS =
CPPFLAGS =

prefix = /usr/local
exec_prefix = $(prefix)
sbindir = $(exec_prefix)/sbin
datadir = $(prefix)/share
mandir = $(datadir)/man
docdir = $(datadir)/doc/cowlink
bashcompletiondir = $(datadir)/bash-completion/completions
recipedir = $(datadir)/cowlink/recipes
# Not below $(prefix): the pool and the configuration belong to the machine.
sysconfdir = /etc
localstatedir = /var

BUILD ?= build
JOBS = 2

-include config.mak.autogen
-include config.mak

# --- flags ------------------------------------------------------------------

PKGS = sqlite3 libxxhash json-c libarchive e2p

# configure answers these two; otherwise pkg-config is asked, once.
ifndef DEPS_LIBS
DEPS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
DEPS_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
endif

# Not -I: lib/err.h would hide <err.h>.
BASIC_CFLAGS = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread \
	-iquote lib
BASIC_LDFLAGS = -pthread

ifdef DEVELOPER
# Only warnings that gcc and clang both know.
BASIC_CFLAGS += -Werror -Wall -Wextra
BASIC_CFLAGS += -Wcast-align -Wdouble-promotion -Wformat=2
BASIC_CFLAGS += -Wimplicit-fallthrough -Winit-self -Wmissing-declarations
BASIC_CFLAGS += -Wmissing-prototypes -Wnested-externs -Wold-style-definition
BASIC_CFLAGS += -Wpointer-arith -Wredundant-decls -Wshadow
BASIC_CFLAGS += -Wstrict-prototypes -Wundef -Wunused -Wvla -Wwrite-strings
# A callback leaves parameters unused, and a designated initialiser leaves
# fields zero on purpose.
BASIC_CFLAGS += -Wno-unused-parameter -Wno-missing-field-initializers
endif

ifdef SANITIZE
BASIC_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
BASIC_CFLAGS += -fno-omit-frame-pointer
BASIC_LDFLAGS += -fsanitize=$(SANITIZE)
endif

COMPILED_IN = -DCOWLINK_VERSION='"$(COWLINK_VERSION)"' \
	-DCOWLINK_DEFAULT_POOL='"$(localstatedir)/lib/cowlink"' \
	-DCOWLINK_SYSCONFDIR='"$(sysconfdir)"' \
	-DCOWLINK_RECIPEDIR='"$(recipedir)"'

ALL_CFLAGS = $(BASIC_CFLAGS) $(DEPS_CFLAGS) $(COMPILED_IN) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(BASIC_LDFLAGS) $(LDFLAGS)

ifndef V
QUIET_CC = @echo '  CC      $<';
QUIET_AR = @echo '  AR      $@';
QUIET_LINK = @echo '  LINK    $@';
QUIET_GEN = @echo '  GEN     $@';
endif

# --- what is built ----------------------------------------------------------

LIB = $(BUILD)/libcowlink.a
LIB_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard lib/*.c))) \
	$(BUILD)/obj/schema.o
VTEMPLATE_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard templates/*.c))
VHASHIFY_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard vhashify/*.c))
PROGRAMS = $(if $(VTEMPLATE_OBJS),$(BUILD)/vtemplate) \
	$(if $(VHASHIFY_OBJS),$(BUILD)/vhashify)

# One program per file.
HELPERS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/helper/*.c))
UNITS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
TEST_PROGRAMS = $(HELPERS) $(UNITS)

SCHEMA_SQL = $(sort $(wildcard schema/[0-9]*.sql))

OBJS = $(LIB_OBJS) $(VTEMPLATE_OBJS) $(VHASHIFY_OBJS) \
	$(TEST_PROGRAMS:$(BUILD)/%=$(BUILD)/obj/%.o)

all:: $(LIB) $(PROGRAMS)

.PHONY: all test-programs
test-programs: $(TEST_PROGRAMS)

.SECONDARY:
.DELETE_ON_ERROR:

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/schema.o: $(BUILD)/schema.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/schema.c: tools/embed-schema $(SCHEMA_SQL) $(BUILD)/sources
	$(QUIET_GEN)tools/embed-schema $(SCHEMA_SQL) >$@

$(LIB): $(LIB_OBJS) $(BUILD)/sources
	$(QUIET_AR)rm -f $@ && $(AR) rcs $@ $(LIB_OBJS)

$(BUILD)/vtemplate: $(VTEMPLATE_OBJS) $(LIB) $(BUILD)/sources
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(VTEMPLATE_OBJS) $(LIB) $(DEPS_LIBS)

$(BUILD)/vhashify: $(VHASHIFY_OBJS) $(LIB) $(BUILD)/sources
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(VHASHIFY_OBJS) $(LIB) $(DEPS_LIBS)

$(TEST_PROGRAMS): $(BUILD)/%: $(BUILD)/obj/%.o $(LIB)
	@mkdir -p $(@D)
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(DEPS_LIBS)

-include $(OBJS:.o=.d)

# Stamps that change only with what they hold: every flag and compiled-in path,
# and the lists of files (a deleted source must leave the archive too).
FLAGS = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(DEPS_LIBS)
SOURCES = $(LIB_OBJS) $(VTEMPLATE_OBJS) $(VHASHIFY_OBJS) $(SCHEMA_SQL)
sq = '$(subst ','\'',$(1))'

define refresh_stamp
@mkdir -p $(@D)
@if test "$$(cat $@ 2>/dev/null)" != $(call sq,$(1)); then \
	printf '%s\n' $(call sq,$(1)) >$@; fi
endef

$(BUILD)/flags: FORCE
	@$(PKG_CONFIG) --exists --print-errors $(PKGS) || \
		{ echo "libraries are missing: run tools/bootstrap" >&2; exit 1; }
	$(call refresh_stamp,$(FLAGS))

$(BUILD)/sources: FORCE
	$(call refresh_stamp,$(SOURCES))

.PHONY: FORCE
FORCE:
