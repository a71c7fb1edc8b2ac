// SPDX-License-Identifier: GPL-2.0-only
/* A lease tells that nobody wrote, and keeps nobody waiting. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lease.h"
#include "unit.h"

static char path[300];

static int reader(void)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* What another process does; it ends with 0. */
static int status_of(int (*what)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout); /* valgrind would write it at the end of both */
	pid = fork();
	if (!pid)
		_exit(what());
	waitpid(pid, &status, 0);
	return status;
}

static int write_in_place(void)
{
	int fd = open(path, O_WRONLY);

	return fd < 0 || write(fd, "new", 3) != 3;
}

static int write_nothing(void)
{
	return open(path, O_RDWR) < 0;
}

static int cut(void)
{
	return truncate(path, 2);
}

static int look(void)
{
	char byte;
	int fd = reader();

	return read(fd, &byte, 1) != 1 || chmod(path, 0600) ||
	       link(path, "lease.two") || unlink("lease.two");
}

static void test_breaks(const char *name, int (*what)(void), bool held)
{
	int fd = reader();

	ok(lease_take(fd), "a lease is had");
	ok(lease_is_held(fd), "and held");
	is_int(status_of(what), 0, name);
	is_int(lease_is_held(fd), held, held ? "leaves it" : "breaks it");
	close(fd);
}

static void test_writers(void)
{
	int writer = open(path, O_RDWR | O_CLOEXEC);
	int fd = reader();
	char *map;

	is_int(lease_try(fd), -EAGAIN, "none while somebody has it open for writing");
	map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
	close(writer);
	is_int(lease_try(fd), -EAGAIN, "nor while it is mapped for writing");
	munmap(map, 1);
	ok(lease_take(fd), "but after that");
	close(fd);
	fd = reader();
	ok(!lease_is_held(fd), "it ends with its descriptor");
	close(fd);
}

static void *open_many(void *ctx)
{
	const char *const *names = ctx;
	int i;

	for (i = 0; i < 100; i++)
		close(open(names[i], O_WRONLY));
	return NULL;
}

/* Signals that come at once are not lost. */
static void test_many(const char *dir)
{
	char *names[100];
	int fds[100];
	pthread_t threads[2];
	int taken = 0;
	int held = 0;
	int i;

	for (i = 0; i < 100; i++) {
		if (asprintf(&names[i], "%s/%d", dir, i) < 0)
			exit(1);
		close(open(names[i], O_CREAT | O_WRONLY, 0600));
		fds[i] = open(names[i], O_RDONLY);
		taken += lease_take(fds[i]);
	}
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, open_many, names);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 100; i++) {
		held += lease_is_held(fds[i]);
		close(fds[i]);
		unlink(names[i]);
		free(names[i]);
	}
	is_int(taken, 100, "many leases");
	is_int(held, 0, "all of them broken");
}

/* Where none may wait the signal is another one. */
static void test_overflow(void)
{
	struct rlimit none, saved;
	int fd = reader();
	int other;

	getrlimit(RLIMIT_SIGPENDING, &saved);
	none = saved;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_SIGPENDING, &none);
	ok(lease_take(fd), "a lease where no signal may wait");
	other = open(path, O_WRONLY | O_NONBLOCK);
	ok(other < 0 && errno == EWOULDBLOCK, "who writes would wait, and we go on");
	close(fd);
	other = open(path, O_WRONLY | O_NONBLOCK);
	ok(other >= 0, "until it is closed");
	close(other);
	setrlimit(RLIMIT_SIGPENDING, &saved);
}

int main(void)
{
	char dir[256];
	int fd;

	unit_plan(27);
	unit_tmpdir(dir);
	if (chdir(dir) < 0)
		return 1;
	snprintf(path, sizeof(path), "%s/file", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	is_int(status_of(write_in_place), 0, "a file");
	test_breaks("who reads, links or changes its mode", look, true);
	test_breaks("who writes", write_in_place, false);
	test_breaks("who could write", write_nothing, false);
	test_breaks("who cuts it", cut, false);
	test_writers();
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	is_int(lease_try(fd), -EINVAL, "a directory has none");
	close(fd);
	test_many(dir);
	test_overflow();
	unlink(path);
	rmdir(dir);
	return unit_done();
}
