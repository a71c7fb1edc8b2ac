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
# Adding a .c file to lib/, templates/, vhashify/, context/, tests/helper/
# or tests/unit/, or a migration to schema/, needs no change here.

all:

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
libexecdir = $(exec_prefix)/libexec
datadir = $(prefix)/share
mandir = $(datadir)/man
docdir = $(datadir)/doc/cowlink
bashcompletiondir = $(datadir)/bash-completion/completions
recipedir = $(datadir)/cowlink/recipes
pkglibexecdir = $(libexecdir)/cowlink
systemdunitdir = $(prefix)/lib/systemd/system
# Not below $(prefix): the pool and the configuration belong to the machine.
sysconfdir = /etc
localstatedir = /var

BUILD ?= build
JOBS =

-include config.mak.autogen
-include config.mak

# Only a configured tree follows changes of configure.ac.
ifdef AUTOCONFIGURED
config.status: configure.ac
	@if command -v autoconf >/dev/null; then \
		autoconf -o configure && \
		if test -f $@; then ./config.status --recheck; else ./configure; fi; \
	else echo "configure.ac has changed, but there is no autoconf" >&2; fi
config.mak.autogen: config.mak.in config.status
	@./config.status
endif

# --- flags ------------------------------------------------------------------

PKGS = sqlite3 libxxhash json-c libarchive e2p libcap-ng libseccomp libnl-route-3.0 libbpf

# configure answers these two; otherwise pkg-config is asked, once.
ifndef DEPS_LIBS
DEPS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
DEPS_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
endif

# Not -I: lib/err.h would hide <err.h>.
BASIC_CFLAGS = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread \
	-iquote lib
# Symbols are found once, before main(): every process that is forked later would look
# for them again, and nothing could be written over what was found.
BASIC_LDFLAGS = -pthread -Wl,-z,relro,-z,now

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
	-DCOWLINK_LOCALSTATEDIR='"$(localstatedir)"' \
	-DCOWLINK_RECIPEDIR='"$(recipedir)"' \
	-DCOWLINK_LIBEXECDIR='"$(pkglibexecdir)"'

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
CONTEXT_OBJS = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard context/*.c)) \
	$(patsubst context/filter/make-%.c,$(BUILD)/obj/%.o, \
		$(wildcard context/filter/make-*.c))
# Each of these two has a main().
VSERVER_OBJS = $(filter-out %/vserver-stat.o,$(CONTEXT_OBJS))
VSERVER_STAT_OBJS = $(filter-out %/vserver.o,$(CONTEXT_OBJS))
# From what lies there: t0004 tries this Makefile on a tree with one of them.
PROGRAMS = $(if $(VTEMPLATE_OBJS),$(BUILD)/vtemplate) \
	$(if $(VHASHIFY_OBJS),$(BUILD)/vhashify) \
	$(if $(VSERVER_OBJS),$(BUILD)/vserver $(BUILD)/vserver-stat)

# The build runs make-filter. Who builds for another machine says with what compiler,
# and by what name libseccomp knows that machine.
HOSTCC = $(CC)
FILTER_ARCH =

# What vserver runs in guests that may have no libraries, and for each guest: static,
# and without the sanitizers, which cannot be.
VSERVER_INIT = $(patsubst context/init/%.c,$(BUILD)/%, \
	$(sort $(wildcard context/init/*.c)))

# One program per file.
HELPERS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/helper/*.c))
UNITS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
TEST_PROGRAMS = $(HELPERS) $(UNITS)
COLLIDING = $(if $(wildcard lib/hash.c), \
	$(addprefix $(BUILD)/tests/colliding/,vtemplate vhashify))

# Drivers for libFuzzer, and the same with a main() that replays files.
FUZZERS = $(patsubst tests/fuzz/fuzz-%.c,%,$(sort $(wildcard tests/fuzz/fuzz-*.c)))
REPLAYS = $(FUZZERS:%=$(BUILD)/tests/fuzz/replay-%)
FUZZ_SECONDS = 60

SCHEMA_SQL = $(sort $(wildcard schema/[0-9]*.sql))

OBJS = $(LIB_OBJS) $(VTEMPLATE_OBJS) $(VHASHIFY_OBJS) $(CONTEXT_OBJS) \
	$(TEST_PROGRAMS:$(BUILD)/%=$(BUILD)/obj/%.o) \
	$(FUZZERS:%=$(BUILD)/obj/tests/fuzz/fuzz-%.o) $(BUILD)/obj/tests/fuzz/replay.o

all: $(LIB) $(PROGRAMS) $(VSERVER_INIT)

.PHONY: all test-programs
test-programs: $(TEST_PROGRAMS) $(COLLIDING) $(REPLAYS)

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

$(BUILD)/obj/filter.o: $(BUILD)/filter.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(ALL_CFLAGS) -iquote context -MMD -MP -c -o $@ $<

$(BUILD)/filter.c: $(BUILD)/make-filter
	$(QUIET_GEN)$< $(FILTER_ARCH) >$@

$(BUILD)/make-filter: context/filter/make-filter.c $(BUILD)/flags
	$(QUIET_LINK)$(HOSTCC) $(filter-out -fsanitize=% -fno-sanitize-recover=%, \
		$(ALL_CFLAGS)) -o $@ $< $(DEPS_LIBS)

$(LIB): $(LIB_OBJS) $(BUILD)/sources
	$(QUIET_AR)rm -f $@ && $(AR) rcs $@ $(LIB_OBJS)

$(BUILD)/vtemplate: $(VTEMPLATE_OBJS) $(LIB) $(BUILD)/sources
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(VTEMPLATE_OBJS) $(LIB) $(DEPS_LIBS)

$(BUILD)/vhashify: $(VHASHIFY_OBJS) $(LIB) $(BUILD)/sources
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(VHASHIFY_OBJS) $(LIB) $(DEPS_LIBS)

$(BUILD)/vserver: $(VSERVER_OBJS) $(LIB) $(BUILD)/sources
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(VSERVER_OBJS) $(LIB) $(DEPS_LIBS)

$(BUILD)/vserver-stat: $(VSERVER_STAT_OBJS) $(LIB) $(BUILD)/sources
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(VSERVER_STAT_OBJS) $(LIB) $(DEPS_LIBS)

$(VSERVER_INIT): $(BUILD)/%: context/init/%.c $(BUILD)/flags
	$(QUIET_LINK)$(CC) $(filter-out -fsanitize=% -fno-sanitize-recover=%, \
		$(ALL_CFLAGS)) -static -s $(LDFLAGS) -o $@ $<

$(TEST_PROGRAMS): $(BUILD)/%: $(BUILD)/obj/%.o $(LIB)
	@mkdir -p $(@D)
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(DEPS_LIBS)

$(BUILD)/tests/unit/t-filter: $(BUILD)/obj/filter.o
$(BUILD)/tests/unit/t-settings $(BUILD)/tests/unit/t-userns: $(filter-out %/vserver.o,$(VSERVER_OBJS))

$(REPLAYS): $(BUILD)/tests/fuzz/replay-%: $(BUILD)/obj/tests/fuzz/fuzz-%.o \
		$(BUILD)/obj/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(DEPS_LIBS)

# Only by `make fuzz`, which sets what these are compiled with.
$(BUILD)/fuzz-%: $(BUILD)/obj/tests/fuzz/fuzz-%.o $(LIB)
	$(QUIET_LINK)$(CC) $(BASIC_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB) $(DEPS_LIBS)

# The tools with keys of one byte: what relies on a digest alone shows.
$(BUILD)/obj/tests/colliding-hash.o: lib/hash.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(ALL_CFLAGS) -DCOWLINK_KEY_BYTES=1 -MMD -MP -c -o $@ $<

$(BUILD)/tests/colliding/%: $(BUILD)/obj/tests/colliding-hash.o $(PROGRAMS)
	@mkdir -p $(@D)
	$(QUIET_LINK)$(CC) $(ALL_LDFLAGS) -o $@ $< \
		$(if $(filter vtemplate,$*),$(VTEMPLATE_OBJS),$(VHASHIFY_OBJS)) \
		$(LIB) $(DEPS_LIBS)

-include $(OBJS:.o=.d) $(BUILD)/obj/tests/colliding-hash.d

# --- tests --------------------------------------------------------------------
#
# `make check` is everything. The parts can be run alone, and so can each test:
# build/tests/unit/NAME, tests/tNNNN-NAME.sh.

# The long ones first, so that two at a time end together.
SHELL_TESTS = $(shell ls -r tests/t[0-9]*.sh 2>/dev/null)
UML_TESTS = $(shell grep -lE 'test_in_uml|run-uml|runs-uml' $(SHELL_TESTS) \
	/dev/null)
HOST_TESTS = $(filter-out $(UML_TESTS),$(SHELL_TESTS))
# Kernels there are patches for. Each runs everything that needs a patched kernel, but
# the tour of the quick start, and what varies the format of the filesystem or the seed
# of the oracle, only the first; the others with COWLINK_LONG_TESTS=1.
KVERS = $(shell ls -v kernel/patches)
VARIATIONS = $(if $(COWLINK_LONG_TESTS),,tests/t0900% tests/t7002% tests/t7004% \
	tests/t7005% tests/t7011%)
# The harness is no program of ours, and sanitizers do not run inside UML.
INSTRUMENTED_TESTS = $(filter-out tests/t00%,$(HOST_TESTS))
# A start takes valgrind half a second, and a test has hundreds. So only a few run
# under it, and where a command is stopped at each of its steps, the sanitizers
# take some of the steps; all of both with COWLINK_LONG_TESTS=1.
ifdef COWLINK_LONG_TESTS
VALGRIND_TESTS = $(INSTRUMENTED_TESTS)
SANITIZED_STRIDE = 1
else
VALGRIND_TESTS = $(filter tests/t2000% tests/t3300%,$(INSTRUMENTED_TESTS))
SANITIZED_STRIDE = 31
endif

ASAN_BUILD = $(BUILD)/asan
ASAN_MAKE = $(MAKE) --no-print-directory BUILD=$(ASAN_BUILD) \
	SANITIZE=address,undefined
TSAN_BUILD = $(BUILD)/tsan
TSAN_MAKE = $(MAKE) --no-print-directory BUILD=$(TSAN_BUILD) SANITIZE=thread
# Where several threads read candidates or exchange names.
THREADED_TESTS = $(filter tests/t2010% tests/t2013% tests/t2014% tests/t2018% \
	tests/t2019% tests/t2023%, $(INSTRUMENTED_TESTS))
LOGS = $(abspath $(BUILD))/test-logs
# $(call run_tests,BUILD-DIRECTORY) NAME TEST...
run_tests = TEST_LOGS_BASE=$(LOGS) JOBS=$(JOBS) COWLINK_BUILD=$(abspath $(1)) \
	tools/run-tests

.PHONY: check check-all check-host check-unit check-shell check-kernel
.PHONY: check-valgrind check-sanitize check-threads bootstrap kernel kernel-nicely quickstart
.PHONY: bench-kernel bench-vhashify bench-vserver check-qemu

bootstrap:
	@tools/bootstrap

# In two steps: only the second make can find what the first installed.
check: bootstrap
	@$(MAKE) --no-print-directory check-all

# A failure ends no more than its own part; the summary knows them all.
check-all: all test-programs sanitized
	@rm -rf $(LOGS)
	-@$(MAKE) --no-print-directory -k -j2 kernel-nicely check-host
	-@$(MAKE) --no-print-directory check-kernel
	@tools/tap-summary $(LOGS)/*

# What needs no kernel of ours, while those compile with what time is left.
check-host:
	-@$(MAKE) --no-print-directory check-unit
	-@$(MAKE) --no-print-directory check-shell
	-@$(MAKE) --no-print-directory check-valgrind
	-@$(MAKE) --no-print-directory check-sanitize
	-@$(MAKE) --no-print-directory check-threads

kernel-nicely:
	@nice $(MAKE) --no-print-directory kernel

check-unit: test-programs
	@$(call run_tests,$(BUILD)) unit $(UNITS)

check-shell: all test-programs
	@$(call run_tests,$(BUILD)) shell $(HOST_TESTS)

# Without a kernel its tests still run, and fail.
check-kernel: all test-programs
	-@$(MAKE) --no-print-directory kernel
	@status=0; export KVER; \
	KVER=$(firstword $(KVERS)); \
	$(call run_tests,$(BUILD)) kernel $(UML_TESTS) || status=1; \
	for KVER in $(wordlist 2,9,$(KVERS)); do \
		$(call run_tests,$(BUILD)) kernel-$$KVER \
			$(filter-out $(VARIATIONS),$(UML_TESTS)) || status=1; \
	done; exit $$status

# Not part of check: an emulated PC is slow, and its own kernels, for the races, take
# half an hour each to build. These run so many seconds on each filesystem. q7104 runs in
# UML, and is here as it fetches and compiles e2fsprogs and xfsprogs.
COWLINK_QEMU_SECONDS = 120
QEMU_TESTS = $(wildcard tests/q[0-9]*.sh)

check-qemu: JOBS = 1
check-qemu: all test-programs
	@tools/bootstrap --qemu
	@rm -rf $(LOGS)/qemu-*
	@export KVER TEST_TIMEOUT=14400 \
		COWLINK_QEMU_SECONDS=$(COWLINK_QEMU_SECONDS); status=0; \
	for KVER in $(KVERS); do \
		$(MAKE) --no-print-directory -C kernel uml x86 x86-guests && \
		$(call run_tests,$(BUILD)) qemu-$$KVER $(QEMU_TESTS) || \
			status=1; \
	done; \
	tools/tap-summary $(LOGS)/qemu-* && exit $$status

check-valgrind: all test-programs
	@INSTRUMENT=valgrind $(call run_tests,$(BUILD)) valgrind \
		$(UNITS) $(VALGRIND_TESTS)

check-sanitize: sanitized
	@TEST_STRIDE=$(SANITIZED_STRIDE) $(call run_tests,$(ASAN_BUILD)) sanitize \
		$(UNITS:$(BUILD)/%=$(ASAN_BUILD)/%) $(INSTRUMENTED_TESTS)

check-threads:
	@$(TSAN_MAKE) all test-programs
	@$(call run_tests,$(TSAN_BUILD)) threads $(THREADED_TESTS)

.PHONY: sanitized
sanitized:
	@$(ASAN_MAKE) all test-programs

# Each parser of what others wrote, for so long, with clang's sanitizers.
.PHONY: fuzz
fuzz:
	@command -v clang >/dev/null || { echo "make fuzz needs clang" >&2; exit 1; }
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang \
		SANITIZE=fuzzer-no-link,address,undefined \
		$(FUZZERS:%=$(BUILD)/fuzz/fuzz-%)
	@tools/run-fuzz $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZERS)

kernel:
	@status=0; for v in $(KVERS); do \
		$(MAKE) -C kernel uml KVER=$$v || status=1; \
	done; exit $$status

quickstart: bootstrap
	@$(MAKE) -s all test-programs
	@COWLINK_BUILD=$(abspath $(BUILD)) tools/quickstart

bench-kernel:
	@tools/bootstrap --qemu
	@$(MAKE) -s all test-programs
	@COWLINK_BUILD=$(abspath $(BUILD)) bench/kernel/run

bench-vhashify bench-vserver: bench-%: bootstrap
	@$(MAKE) -s all
	@COWLINK_BUILD=$(abspath $(BUILD)) bench/$*/run

# --- rules of the house ---------------------------------------------------------

CHECKS = check-headers check-deps check-uapi check-banned check-sizes \
	check-shellcheck check-man check-compilers check-patches
.PHONY: lint $(CHECKS)
lint: $(CHECKS)

check-headers:
	@tools/check-headers $(CC) $(BASIC_CFLAGS) $(DEPS_CFLAGS) $(COMPILED_IN)

check-deps check-uapi check-banned check-sizes check-shellcheck:
	@tools/$@

check-man: all
	@COWLINK_BUILD=$(BUILD) tools/check-man

check-patches:
	@for v in $(KVERS); do \
		$(MAKE) --no-print-directory -C kernel checkpatch KVER=$$v || \
			exit 1; \
	done

# Both compilers, the long list of warnings, every warning an error.
check-compilers:
	@$(MAKE) --no-print-directory DEVELOPER=1 CC=gcc BUILD=$(BUILD)/by-gcc \
		all test-programs
	@$(MAKE) --no-print-directory DEVELOPER=1 CC=clang BUILD=$(BUILD)/by-clang \
		all test-programs

# --- configure, install, release ------------------------------------------------

.PHONY: configure install uninstall dist distcheck clean distclean help

configure:
	$(QUIET_GEN)autoconf -o configure

MAN_PAGES = $(wildcard man/*.[1-9])
RECIPES = $(filter-out %/README,$(wildcard templates/recipes/*))
DOCS = NEWS README.md $(wildcard docs/*.md)
COMPLETIONS = $(wildcard completion/*.bash)
UNIT_SED = -e 's,@sbindir@,$(sbindir),g' -e 's,@localstatedir@,$(localstatedir),g'

# Units that nobody enables but the administrator, and the same for cron.
.PHONY: install-nightly
install-nightly:
	$(INSTALL) -d $(DESTDIR)$(systemdunitdir) $(DESTDIR)$(sysconfdir)/cron.d
	$(INSTALL) -m 644 units/vhashify.timer $(DESTDIR)$(systemdunitdir)
	sed $(UNIT_SED) units/vhashify.service.in \
		>$(DESTDIR)$(systemdunitdir)/vhashify.service
	sed $(UNIT_SED) units/cowlink.cron.in \
		>$(DESTDIR)$(sysconfdir)/cron.d/cowlink
	chmod 644 $(DESTDIR)$(systemdunitdir)/vhashify.service \
		$(DESTDIR)$(sysconfdir)/cron.d/cowlink

# Enabled by nobody but the administrator, as well.
GUEST_UNITS = vserver.service vserver@.service

.PHONY: install-guests
install-guests:
	$(INSTALL) -d $(DESTDIR)$(systemdunitdir)
	$(INSTALL) -m 644 units/vserver.target units/vserver.slice $(DESTDIR)$(systemdunitdir)
	set -e; for unit in $(GUEST_UNITS); do \
		sed $(UNIT_SED) units/$$unit.in >$(DESTDIR)$(systemdunitdir)/$$unit; \
		chmod 644 $(DESTDIR)$(systemdunitdir)/$$unit; done

install: all install-nightly install-guests
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(pkglibexecdir) \
		$(DESTDIR)$(recipedir) $(DESTDIR)$(docdir) \
		$(DESTDIR)$(bashcompletiondir)
	$(INSTALL) -m 755 $(PROGRAMS) $(DESTDIR)$(sbindir)
	$(INSTALL) -m 755 $(VSERVER_INIT) $(DESTDIR)$(pkglibexecdir)
	$(INSTALL) -m 644 $(RECIPES) $(DESTDIR)$(recipedir)
	$(INSTALL) -m 644 $(DOCS) $(DESTDIR)$(docdir)
	set -e; for page in $(MAN_PAGES); do \
		section=$(DESTDIR)$(mandir)/man$${page##*.}; \
		$(INSTALL) -d $$section; $(INSTALL) -m 644 $$page $$section; done
	set -e; for file in $(COMPLETIONS); do \
		$(INSTALL) -m 644 $$file \
		$(DESTDIR)$(bashcompletiondir)/$$(basename $$file .bash); done

# Pools, the catalog and cowlink.conf are the administrator's and stay.
uninstall:
	rm -f $(PROGRAMS:$(BUILD)/%=$(DESTDIR)$(sbindir)/%)
	rm -f $(DESTDIR)$(systemdunitdir)/vhashify.service \
		$(DESTDIR)$(systemdunitdir)/vhashify.timer \
		$(DESTDIR)$(systemdunitdir)/vserver.target \
		$(DESTDIR)$(systemdunitdir)/vserver.slice \
		$(GUEST_UNITS:%=$(DESTDIR)$(systemdunitdir)/%) \
		$(DESTDIR)$(sysconfdir)/cron.d/cowlink
	set -e; for page in $(MAN_PAGES); do \
		rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$$(basename $$page); done
	set -e; for file in $(COMPLETIONS); do \
		rm -f $(DESTDIR)$(bashcompletiondir)/$$(basename $$file .bash); done
	rm -rf $(DESTDIR)$(recipedir) $(DESTDIR)$(docdir) $(DESTDIR)$(pkglibexecdir)
	-rmdir $(DESTDIR)$(datadir)/cowlink 2>/dev/null

DIST = cowlink-$(COWLINK_VERSION)

# What git knows at HEAD, and a configure script for who has no autoconf.
dist: configure
	@mkdir -p $(BUILD)
	git archive --format=tar --prefix=$(DIST)/ \
		--add-file=configure -o $(BUILD)/$(DIST).tar HEAD
	gzip -nf9 $(BUILD)/$(DIST).tar

distcheck: dist
	@tools/distcheck $(BUILD)/$(DIST).tar.gz $(BUILD)/distcheck

clean:
	rm -rf --one-file-system $(BUILD)

distclean: clean
	rm -rf autom4te.cache config.log config.status config.mak.autogen \
		config.mak.append configure configure~

help:
	@cat tools/make-help

# Stamps that change only with what they hold: every flag and compiled-in path,
# and the lists of files (a deleted source must leave the archive too).
FLAGS = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(DEPS_LIBS)
SOURCES = $(LIB_OBJS) $(VTEMPLATE_OBJS) $(VHASHIFY_OBJS) $(CONTEXT_OBJS) \
	$(SCHEMA_SQL)
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
