// SPDX-License-Identifier: GPL-2.0-only
/*
 * denied: try, as the root of a guest, what it must not be able to do. Prints a line
 * "NAME RESULT" for each, RESULT the name of the errno or "done". What would harm a
 * host is asked for with arguments that a kernel without our denial refuses otherwise.
 *
 * denied control FILE: as the root of the host, lines of the same names for what a kernel may
 * not have, or that fails in a way that has other reasons; FILE is any. Who gets the same
 * answer here was not refused anything.
 *
 * denied read PATH...: whether something is read there, of directories a name.
 *
 * denied plant FILE: make it a program that gives CAP_DAC_READ_SEARCH.
 *
 * denied drop PROGRAM VERB: become user 1000 and run PROGRAM, a copy of this one, as
 * "PROGRAM VERB"; euid prints its effective user, caps its effective capabilities.
 *
 * denied process PID: the same for what one process can do to another.
 *
 * denied cage DIRECTORY: leave a chroot at DIRECTORY by a descriptor from before, and
 * climb; what is in the directory where that ends, a line for each.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
	const char *name = result < 0 ? strerrorname_np(errno) : "done";

	printf("%s %s\n", what, name ? name : "?");
}

static void system_calls(void)
{
	static char buf[4096];
	struct perf_event_attr perf = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(perf),
					.config = PERF_COUNT_SW_CPU_CLOCK };
	struct io_uring_params uring = { 0 };

	tell("keyctl", syscall(SYS_keyctl, 0, -3, 1));
	tell("add_key", syscall(SYS_add_key, "user", "d", "x", 1, -3));
	tell("request_key", syscall(SYS_request_key, "user", "d", NULL, -3));
	/* BPF_MAP_CREATE with attributes of no size */
	tell("bpf", syscall(SYS_bpf, 0, buf, 0));
	tell("perf_event_open", syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0));
	tell("io_uring_setup", syscall(SYS_io_uring_setup, 1, &uring));
	tell("userfaultfd", syscall(SYS_userfaultfd, 1 /* user mode only */));
	tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	tell("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0));
	tell("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, ~0UL));
	tell("finit_module", syscall(SYS_finit_module, -1, "", 0));
	tell("delete_module", syscall(SYS_delete_module, "no-such-module", 0));
	tell("swapon", swapon("/no/such/file", 0));
	tell("quotactl", syscall(SYS_quotactl, ~0U, NULL, 0, NULL));
}

static void handles(void)
{
	struct {
		struct file_handle h;
		unsigned char bytes[128];
	} handle = { .h.handle_bytes = 128 };
	int mount_id;
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, "/", &handle.h, &mount_id, 0) < 0)
		perror("name_to_handle_at");
	tell("open_by_handle_at", open_by_handle_at(fd, &handle.h, O_RDONLY));
}

static void devices_and_mounts(void)
{
	tell("mknod-disk", mknod("/tmp/disk", S_IFBLK | 0600, makedev(7, 0)));
	tell("mknod-mem", mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1)));
	tell("mknod-dev", mknod("/dev/disk", S_IFBLK | 0600, makedev(7, 0)));
	tell("device", open("/device", O_RDONLY));
	tell("remount-dev", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
	tell("device-again", open("/device", O_RDONLY));
	tell("umount-sys", umount2("/sys", MNT_DETACH));
	tell("umount-dev", umount2("/dev", MNT_DETACH));
	tell("remount-sys", mount(NULL, "/sys/kernel", NULL,
				  MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV |
					  MS_NOEXEC, NULL));
	tell("mount-ext4", mount("/device", "/tmp", "ext4", 0, NULL));
	tell("mount-sysfs", mount("none", "/tmp", "sysfs", 0, NULL));
}

/* In a process of its own, which may leave its user or session. */
static void in_child(void (*what)(void))
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (!pid) {
		what();
		(void)fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		perror("fork");
}

static void leave_ids(void)
{
	tell("setuid-out", setuid(65536));
}

static void ids(const char *path)
{
	tell("big-uid", chown(path, 65536, 0));
	in_child(leave_ids);
}

static void clocks_and_network(void)
{
	struct timeval now;
	int fd;

	(void)gettimeofday(&now, NULL);
	tell("settimeofday", settimeofday(&now, NULL));
	tell("raw-socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	tell("packet-socket", socket(AF_PACKET, SOCK_RAW, 0));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	tell("set-mark", setsockopt(fd, SOL_SOCKET, SO_MARK, &fd, sizeof(fd)));
}

/* On the one that is ours, of which we may type to ourselves where nobody denies it. */
static void terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	unsigned long high = 1UL << 32 | TIOCSTI;
	int fd = -1;

	tell("pty", master);
	if (!grantpt(master) && !unlockpt(master))
		fd = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (setsid() < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
		perror("terminal");
	tell("tiocsti", ioctl(fd, TIOCSTI, "x"));
	tell("tiocsti-high", syscall(SYS_ioctl, fd, high, "x"));
	tell("tioclinux", ioctl(fd, 0x541c, "\1"));
}

/* They are not written to: on the host that would do what they are for. */
static void files(void)
{
	tell("sysrq", open("/proc/sysrq-trigger", O_WRONLY));
	tell("core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
	tell("sysctl", open("/proc/sys/kernel/panic", O_WRONLY));
	tell("sys-file", open("/sys/kernel/mm/ksm/run", O_WRONLY));
}

static int control(const char *path)
{
	system_calls();
	handles();
	ids(path);
	in_child(terminals);
	files();
	return 0;
}

/* The result of reading a byte, or a name. */
static long read_one(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	const struct dirent *e;
	char byte;
	DIR *d;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d)
		return read(fd, &byte, 1);
	while ((e = readdir(d)) && *e->d_name == '.')
		;
	(void)closedir(d);
	return e != NULL;
}

static int read_all(char **paths)
{
	for (; *paths; paths++) {
		long n = read_one(*paths);

		if (n)
			tell(*paths, n);
		else
			printf("%s nothing\n", *paths);
	}
	return 0;
}

/* As setcap(8) asks for it; who is not the host's root gets what counts in his namespace. */
static int plant(const char *path)
{
	struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0] = { .permitted = 1 << CAP_DAC_READ_SEARCH },
	};

	if (!setxattr(path, "security.capability", &caps, XATTR_CAPS_SZ_2, 0))
		return 0;
	perror(path);
	return 1;
}

static int print_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return 1;
	printf("%x\n", data[0].effective);
	return 0;
}

static void by_proc(const char *pid, const char *name, int flags)
{
	char what[32];
	char path[64];

	(void)snprintf(what, sizeof(what), "proc-%s", name);
	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	tell(what, open(path, flags));
}

/* What would work is taken back at once, by our end if not before. */
static int process(const char *number)
{
	pid_t pid = (pid_t)strtol(number, NULL, 10);
	char bytes[8];
	struct iovec ours = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct iovec its = { .iov_base = (void *)tell, .iov_len = sizeof(bytes) };
	struct rlimit now;
	cpu_set_t all;
	int fd = syscall(SYS_pidfd_open, pid, 0);

	memset(&all, 0xff, sizeof(all));
	tell("pidfd", fd);
	tell("kill", kill(pid, 0));
	tell("pidfd-signal",
	     syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	tell("ptrace-attach", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	tell("ptrace-seize", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	tell("read-memory", process_vm_readv(pid, &ours, 1, &its, 1, 0));
	tell("write-memory", process_vm_writev(pid, &ours, 1, &its, 1, 0));
	tell("take-file", syscall(SYS_pidfd_getfd, fd, 0, 0));
	tell("affinity", sched_setaffinity(pid, sizeof(all), &all));
	tell("limits", prlimit(pid, RLIMIT_NOFILE, NULL, &now));
	by_proc(number, "root", O_PATH | O_DIRECTORY);
	by_proc(number, "cwd", O_PATH | O_DIRECTORY);
	by_proc(number, "fd/0", O_PATH);
	by_proc(number, "mem", O_RDWR);
	by_proc(number, "environ", O_RDONLY);
	by_proc(number, "ns/mnt", O_RDONLY);
	return 0;
}

static int cage(const char *path)
{
	int outside = open("/", O_RDONLY | O_DIRECTORY);
	const struct dirent *e;
	DIR *d;
	int i;

	if (outside < 0 || chroot(path) < 0 || fchdir(outside) < 0)
		return 1;
	for (i = 0; i < 50; i++)
		if (chdir("..") < 0)
			return 1;
	if (chroot(".") < 0)
		return 1;
	d = opendir("/");
	while (d && (e = readdir(d)))
		printf("%s\n", e->d_name);
	return d ? closedir(d) : 1;
}

static int drop(const char *program, const char *verb)
{
	if (setresgid(1000, 1000, 1000) < 0 || setresuid(1000, 1000, 1000) < 0)
		return 1;
	(void)execl(program, program, verb, (char *)NULL);
	perror(program);
	return 1;
}

static int all(void)
{
	system_calls();
	handles();
	devices_and_mounts();
	clocks_and_network();
	ids("/tmp");
	in_child(terminals);
	files();
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 1)
		return all();
	if (!strcmp(verb, "read"))
		return read_all(argv + 2);
	if (argc == 2 && !strcmp(verb, "caps"))
		return print_caps();
	if (argc == 2 && !strcmp(verb, "euid"))
		return printf("%u\n", geteuid()) < 0;
	if (argc == 4 && !strcmp(verb, "drop"))
		return drop(argv[2], argv[3]);
	if (argc != 3)
		return 2;
	if (!strcmp(verb, "control"))
		return control(argv[2]);
	if (!strcmp(verb, "process"))
		return process(argv[2]);
	if (!strcmp(verb, "cage"))
		return cage(argv[2]);
	return strcmp(verb, "plant") ? 2 : plant(argv[2]);
}
