// SPDX-License-Identifier: GPL-2.0-only
#include "cmd-signal.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fx.h"
#include "staging.h"

static const int fatal[] = { SIGHUP, SIGINT, SIGTERM };

static atomic_int work;

static volatile sig_atomic_t saw_sigpipe;

static void on_fatal(int sig)
{
	/* SA_RESETHAND: the next one, and this one if raised, is deadly */
	if (staging_in_use() || atomic_load(&work) > 0)
		fx_interrupt(sig);
	else
		(void)raise(sig);
}

static void on_sigpipe(int sig)
{
	saw_sigpipe = 1;
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	/* these calls fail for bad arguments only */
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(sig, NULL, &old);
	if (old.sa_handler != SIG_IGN)
		(void)sigaction(sig, &sa, NULL);
}

void cmd_signals_init(void)
{
	size_t i;

	for (i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		handle(fatal[i], on_fatal, SA_RESETHAND);
	/* a handler, not SIG_IGN: that would reach the programs we start */
	handle(SIGPIPE, on_sigpipe, 0);
}

void cmd_signals_reset(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL); /* not for KILL and STOP */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void cmd_work_begin(void)
{
	atomic_fetch_add(&work, 1);
}

void cmd_work_end(void)
{
	atomic_fetch_sub(&work, 1);
}

bool cmd_saw_sigpipe(void)
{
	return saw_sigpipe;
}

void cmd_die(int sig)
{
	sigset_t set;

	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(sig);
	_Exit(128 + sig);
}
