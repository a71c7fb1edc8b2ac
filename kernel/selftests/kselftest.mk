# SPDX-License-Identifier: GPL-2.0-only
#
# In the kernel tree this is the Makefile. run.sh makes the filesystems and runs
# the programs on them.

CFLAGS += -O1 -g -Wall -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread \
	  $(KHDR_INCLUDES)

PROGRAMS := $(patsubst %.c,%,$(shell grep -l '^TEST_MAIN' *.c))
LIBRARY := $(filter-out $(PROGRAMS:%=%.c),$(wildcard *.c))

TEST_PROGS := run.sh
TEST_GEN_PROGS_EXTENDED := $(PROGRAMS)
LOCAL_HDRS := $(wildcard *.h)

include ../../lib.mk

$(TEST_GEN_PROGS_EXTENDED): $(LIBRARY)
