/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green_job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

/* ---- the terminal ---- */

/* A terminal that is read from and written to is the program's while it runs, so that
 * Ctrl-C and Ctrl-Z reach it. In a pipe it stays ours: whoever reads there shares it. */
static void find_terminal(cli_job *job) {
  job->terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  job->holds =
      job->terminal >= 0 && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

static bool in_front(const cli_job *job) {
  return job->terminal >= 0 && tcgetpgrp(job->terminal) == getpgrp();
}

static void give_terminal(const cli_job *job) {
  if (job->group && job->holds && in_front(job))
    (void)tcsetpgrp(job->terminal, job->child.pid);
}

static void take_terminal(const cli_job *job) {
  if (job->group && job->terminal >= 0 && tcgetpgrp(job->terminal) == job->child.pid)
    (void)tcsetpgrp(job->terminal, getpgrp());
}

/* ---- start and end ---- */

enum fr_status cli_job_init(cli_job *job, fr_error *err) {
  sigset_t output;
  *job = (cli_job){.signals.fd = -1, .terminal = -1, .guard = -1};
  enum fr_status status = cli_signals_init(&job->signals, err);
  if (status == FR_OK)
    status = cli_signals_add(&job->signals, SIGCONT, err);
  if (status != FR_OK)
    return status;
  signal(SIGCHLD, SIG_DFL); /* where it is ignored nobody is told of an end */
  find_terminal(job);
  /* Blocked, not ignored: a line on stderr and tcsetpgrp are let through from behind. */
  sigemptyset(&output);
  sigaddset(&output, SIGTTOU);
  sigprocmask(SIG_BLOCK, &output, NULL);
  (void)cli_tree_adopt();
  return FR_OK;
}

void cli_job_release(cli_job *job) {
  cli_job_resume(job);
  take_terminal(job);
  if (job->terminal >= 0)
    close(job->terminal);
  cli_signals_release(&job->signals);
  *job = (cli_job){.signals.fd = -1, .terminal = -1, .guard = -1};
}

int cli_job_start(cli_job *job, const cli_job_options *options, fr_error *err) {
  const cli_child_options child = {.argv = options->argv,
                                   .output = -1,
                                   .phases = -1,
                                   .signals = &job->signals,
                                   .own_group = options->group,
                                   .orphaned = options->group ? SIGHUP : SIGTERM};
  job->group = options->group;
  job->stopped = false;
  if (job->group && cli_signals_add(&job->signals, SIGTSTP, err) != FR_OK)
    return CLI_OWN_FAILURE;
  if (cli_child_start(&job->child, &child, err) != FR_OK)
    return CLI_OWN_FAILURE;
  give_terminal(job);
  const int number = cli_child_go(&job->child);
  if (number == 0)
    return 0;
  take_terminal(job);
  fr__fail_errno(err, number, "'%s' cannot be run", options->argv[0]);
  return number == ENOENT ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE;
}

bool cli_job_runs(const cli_job *job) { return job->child.pid > 0 && !job->child.reaped; }

/* ---- the guardian ---- */

/* Nothing of ours stays open in it: a reader of our output waits for its end. */
static void guard(const cli_tree *tree, int from) {
  char byte;
  ssize_t got;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  (void)setsid();
  if (dup2(from, 0) != 0)
    _exit(1);
  (void)close_range(1, ~0u, 0);
  do
    got = read(0, &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got == 0) /* nobody said that all is well */
    cli_tree_continue(tree, SIGHUP);
  _exit(0);
}

static enum fr_status post_guardian(cli_job *job, fr_error *err) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fr__fail_errno(err, errno, "no pipe to a guardian of the paused program");
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[1]);
    guard(&job->tree, ends[0]);
  }
  const int number = errno;
  close(ends[0]);
  if (pid < 0) {
    close(ends[1]);
    return fr__fail_errno(err, number, "no guardian for the paused program");
  }
  job->guardian = pid;
  job->guard = ends[1];
  return FR_OK;
}

static void dismiss_guardian(cli_job *job) {
  if (job->guard < 0)
    return;
  const ssize_t written = write(job->guard, "", 1);
  (void)written; /* where it is gone already, so is its duty */
  close(job->guard);
  job->guard = -1;
  while (waitpid(job->guardian, NULL, 0) < 0 && errno == EINTR)
    ;
  job->guardian = 0;
}

/* ---- pausing ---- */

enum fr_status cli_job_pause(cli_job *job, fr_error *err) {
  if (job->stopped || !job->group)
    return FR_OK;
  cli_tree_stop(&job->tree, job->child.pid, 0);
  job->stopped = true;
  take_terminal(job);
  const enum fr_status status = post_guardian(job, err);
  if (status != FR_OK)
    cli_job_resume(job);
  return status;
}

static void let_go(cli_job *job, int number) {
  if (!job->stopped)
    return;
  job->stopped = false;
  give_terminal(job);
  cli_tree_continue(&job->tree, number);
  dismiss_guardian(job);
}

void cli_job_resume(cli_job *job) { let_go(job, 0); }

void cli_job_signal(cli_job *job, int number) {
  if (!cli_job_runs(job) || job->child.ended)
    return;
  if (job->stopped)
    let_go(job, number);
  else
    kill(job->group ? -job->child.pid : job->child.pid, number);
}

/* ---- signals ---- */

/* Nobody would ever continue a group that has no shell. */
static bool has_shell(void) { return getsid(getppid()) == getsid(0); }

/* With everybody in our group, as the terminal does it; on return we go on, in front or
 * not, and so does the program, unless the grid has paused it. */
static void stop_ourselves(cli_job *job) {
  const uint64_t before_ns = fr__clock_ns();
  take_terminal(job);
  if (has_shell())
    kill(0, SIGSTOP);
  job->away_ns += fr__clock_ns() - before_ns;
  give_terminal(job);
  if (cli_job_runs(job) && !job->stopped)
    kill(-job->child.pid, SIGCONT);
}

/* The program was stopped by somebody else than us. What asks for the terminal from a
 * pipe gets it; what kill -STOP has stopped is left alone. */
static void look_for_stop(cli_job *job) {
  const int number = job->group && cli_job_runs(job) ? cli_child_stopped(&job->child) : 0;
  if (number == 0 || number == SIGSTOP || job->stopped)
    return;
  if ((number == SIGTTIN || number == SIGTTOU) && in_front(job)) {
    job->holds = true;
    give_terminal(job);
    kill(-job->child.pid, SIGCONT);
  } else {
    stop_ourselves(job);
  }
}

cli_job_event cli_job_event_next(cli_job *job, int *number) {
  bool from_terminal;
  while ((*number = cli_signals_next(&job->signals, &from_terminal)) != 0)
    switch (*number) {
    case SIGWINCH: break;
    case SIGCHLD:
      look_for_stop(job);
      cli_tree_reap(job->child.pid);
      return CLI_JOB_CHILD;
    case SIGTSTP: /* in a pipe, or paused: the program does not have it */
      if (cli_job_runs(job) && !job->stopped)
        kill(-job->child.pid, SIGSTOP);
      stop_ourselves(job);
      break;
    case SIGCONT: /* fg */
      if (cli_job_runs(job) && !job->stopped)
        give_terminal(job);
      break;
    default:
      if (job->group || !from_terminal)
        cli_job_signal(job, *number);
      return CLI_JOB_END;
    }
  return CLI_JOB_NOTHING;
}
