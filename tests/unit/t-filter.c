// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guests are answered for each system call: the program that the build made is taken
 * through its steps as the kernel does. From a guest itself it could not be told apart
 * from what the kernel refuses by itself.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "unit.h"

/* As context/confine-filter.h has them, which is not the library's. */
extern const struct sock_filter confine_filter[];
extern const unsigned short confine_filter_len;

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))
#define DENIED(error)	(SECCOMP_RET_ERRNO | (error))
#define NUMBERS		1024 /* there are fewer */

struct call {
	const char *name;
	unsigned int number;
	int error;
};

#define CALL(name, error) { #name, __NR_##name, error }

/* That libseccomp has no name for; one number for all machines. */
static const struct call newer[] = {
	{ "open_tree_attr", 467, ENOSYS },
};

static const struct call native[] = {
	CALL(add_key, ENOSYS),
	CALL(bpf, ENOSYS),
	CALL(fsconfig, ENOSYS),
	CALL(fsmount, ENOSYS),
	CALL(fsopen, ENOSYS),
	CALL(fspick, ENOSYS),
	CALL(io_uring_enter, ENOSYS),
	CALL(io_uring_register, ENOSYS),
	CALL(io_uring_setup, ENOSYS),
	CALL(keyctl, ENOSYS),
	CALL(mount_setattr, ENOSYS),
	CALL(move_mount, ENOSYS),
	CALL(open_tree, ENOSYS),
	CALL(perf_event_open, ENOSYS),
	CALL(request_key, ENOSYS),
	CALL(userfaultfd, ENOSYS),
	CALL(acct, EPERM),
	CALL(adjtimex, EPERM),
	CALL(clock_adjtime, EPERM),
	CALL(clock_settime, EPERM),
	CALL(delete_module, EPERM),
	CALL(fanotify_init, EPERM),
	CALL(finit_module, EPERM),
	CALL(init_module, EPERM),
	CALL(kexec_file_load, EPERM),
	CALL(kexec_load, EPERM),
	CALL(lookup_dcookie, EPERM),
	CALL(open_by_handle_at, EPERM),
	CALL(quotactl, EPERM),
	CALL(quotactl_fd, EPERM),
	CALL(settimeofday, EPERM),
	CALL(swapoff, EPERM),
	CALL(swapon, EPERM),
#ifdef __x86_64__
	CALL(ioperm, EPERM),
	CALL(iopl, EPERM),
	CALL(uselib, EPERM),
#endif
};

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#ifdef NATIVE
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;
	size_t at = 0;

	while (at < confine_filter_len) {
		const struct sock_filter *s = &confine_filter[at++];

		switch (s->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + s->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= s->k;
			break;
		case BPF_JMP | BPF_JA:
			at += s->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == s->k ? s->jt : s->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= s->k ? s->jt : s->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += a > s->k ? s->jt : s->jf;
			break;
		case BPF_RET | BPF_K:
			return s->k;
		default:
			printf("# a step that is not known: 0x%02x\n", s->code);
			exit(1);
		}
	}
	printf("# the program has no end\n");
	exit(1);
}

static uint32_t answer(uint32_t arch, unsigned int number, uint64_t argument)
{
	struct seccomp_data data = {
		.nr = (int)number,
		.arch = arch,
		.args = { 0, argument },
	};

	return run(&data);
}

/* Each of @calls gets its error; says which do not. */
static bool all_denied(uint32_t arch, unsigned int bit, const struct call *calls,
		       size_t count)
{
	bool good = true;
	size_t i;

	for (i = 0; i < count; i++) {
		uint32_t got = answer(arch, calls[i].number | bit, 0);

		if (got == (uint32_t)DENIED(calls[i].error))
			continue;
		printf("# %s gets 0x%08x\n", calls[i].name, got);
		good = false;
	}
	return good;
}

static int count_denied(uint32_t arch)
{
	unsigned int i;
	int denied = 0;

	for (i = 0; i < NUMBERS; i++)
		denied += answer(arch, i, 0) != SECCOMP_RET_ALLOW;
	return denied;
}

static void terminals(uint32_t arch, unsigned int ioctl_number)
{
	static const uint64_t above = 0xdeadbeef00000000;

	ok(answer(arch, ioctl_number, TIOCSTI) == DENIED(EPERM) &&
		   answer(arch, ioctl_number, TIOCSTI | above) == DENIED(EPERM),
	   "nobody types for others");
	ok(answer(arch, ioctl_number, 0x541c) == DENIED(EPERM) &&
		   answer(arch, ioctl_number, 0x541c | above) == DENIED(EPERM),
	   "nor by TIOCLINUX");
	ok(answer(arch, ioctl_number, TCGETS) == SECCOMP_RET_ALLOW,
	   "a terminal can be asked how it is set");
}
#endif

#ifdef __x86_64__
#define X32_BIT 0x40000000u

/* Numbers of 32-bit programs, for which there is no header here. */
static const struct call i386[] = {
	{ "acct", 51, EPERM },
	{ "add_key", 286, ENOSYS },
	{ "adjtimex", 124, EPERM },
	{ "bpf", 357, ENOSYS },
	{ "clock_adjtime", 343, EPERM },
	{ "clock_adjtime64", 405, EPERM },
	{ "clock_settime", 264, EPERM },
	{ "clock_settime64", 404, EPERM },
	{ "delete_module", 129, EPERM },
	{ "fanotify_init", 338, EPERM },
	{ "finit_module", 350, EPERM },
	{ "fsconfig", 431, ENOSYS },
	{ "fsmount", 432, ENOSYS },
	{ "fsopen", 430, ENOSYS },
	{ "fspick", 433, ENOSYS },
	{ "init_module", 128, EPERM },
	{ "io_uring_enter", 426, ENOSYS },
	{ "io_uring_register", 427, ENOSYS },
	{ "io_uring_setup", 425, ENOSYS },
	{ "ioperm", 101, EPERM },
	{ "iopl", 110, EPERM },
	{ "kexec_load", 283, EPERM },
	{ "keyctl", 288, ENOSYS },
	{ "lookup_dcookie", 253, EPERM },
	{ "mount_setattr", 442, ENOSYS },
	{ "move_mount", 429, ENOSYS },
	{ "open_by_handle_at", 342, EPERM },
	{ "open_tree", 428, ENOSYS },
	{ "perf_event_open", 336, ENOSYS },
	{ "quotactl", 131, EPERM },
	{ "quotactl_fd", 443, EPERM },
	{ "request_key", 287, ENOSYS },
	{ "settimeofday", 79, EPERM },
	{ "swapoff", 115, EPERM },
	{ "swapon", 87, EPERM },
	{ "uselib", 86, EPERM },
	{ "userfaultfd", 374, ENOSYS },
	{ "vm86", 166, EPERM },
	{ "vm86old", 113, EPERM },
};

/* Those have numbers of their own there, the others the usual ones and the bit. */
static const struct call x32[] = {
	{ "bpf", __NR_bpf, ENOSYS },
	{ "io_uring_setup", __NR_io_uring_setup, ENOSYS },
	{ "kexec_load", 528, EPERM },
	{ "keyctl", __NR_keyctl, ENOSYS },
	{ "open_by_handle_at", __NR_open_by_handle_at, EPERM },
	{ "settimeofday", __NR_settimeofday, EPERM },
};

static void others(void)
{
	ok(all_denied(AUDIT_ARCH_I386, 0, i386, COUNT_OF(i386)),
	   "32-bit programs are denied the same");
	is_int(count_denied(AUDIT_ARCH_I386), COUNT_OF(i386) + COUNT_OF(newer),
	       "and nothing else");
	terminals(AUDIT_ARCH_I386, 54);
	ok(all_denied(AUDIT_ARCH_I386, 0, newer, COUNT_OF(newer)) &&
		   all_denied(NATIVE, X32_BIT, newer, COUNT_OF(newer)),
	   "newer ones, too");
	ok(all_denied(NATIVE, X32_BIT, x32, COUNT_OF(x32)), "those of x32, too");
	terminals(NATIVE, X32_BIT | 514);
}
#endif

int main(void)
{
#ifdef NATIVE
#ifdef __x86_64__
	unit_plan(17);
	others();
#else
	unit_plan(7);
#endif
	ok(all_denied(NATIVE, 0, native, COUNT_OF(native)),
	   "each system call of the list gets its error");
	is_int(count_denied(NATIVE), COUNT_OF(native) + COUNT_OF(newer),
	       "and no other gets one");
	ok(all_denied(NATIVE, 0, newer, COUNT_OF(newer)),
	   "also one that libseccomp does not know");
	terminals(NATIVE, __NR_ioctl);
	ok(answer(AUDIT_ARCH_ALPHA, 1, 0) != SECCOMP_RET_ALLOW,
	   "a program of another machine gets nothing");
#else
	unit_plan(1);
	unit_skip(1, "the numbers of this machine are not known here");
#endif
	return unit_done();
}
