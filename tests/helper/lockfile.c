// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockfile FILE COMMAND [ARG...]: run COMMAND while FILE is locked as a package
 * manager does it, with an fcntl(2) write lock, and give back its status.
 */
#include <err.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status;
	pid_t pid;
	int fd;

	if (argc < 3)
		errx(2, "usage: lockfile FILE COMMAND [ARG...]");
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0)
		err(2, "%s", argv[1]);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}
