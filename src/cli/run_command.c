/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

extern char **environ;

/* ---- signals ---- */

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGWINCH};
enum { CAUGHT = sizeof caught / sizeof *caught };

enum fr_status cli_signals_init(cli_signals *signals, fr_error *err) {
  sigset_t *set = &signals->read;
  sigemptyset(set);
  for (size_t i = 0; i < CAUGHT; i++)
    sigaddset(set, caught[i]);
  signals->fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals->fd < 0)
    return fr__fail_errno(err, errno, "signals cannot be read");
  /* A reader that leaves early must end the command, not its meter. */
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, &signals->pipe);
  sigprocmask(SIG_BLOCK, set, &signals->mask);
  return FR_OK;
}

enum fr_status cli_signals_add(cli_signals *signals, int number, fr_error *err) {
  sigaddset(&signals->read, number);
  sigprocmask(SIG_BLOCK, &signals->read, NULL);
  if (signalfd(signals->fd, &signals->read, 0) >= 0)
    return FR_OK;
  return fr__fail_errno(err, errno, "signals cannot be read");
}

void cli_signals_release(cli_signals *signals) {
  if (signals->fd < 0)
    return;
  close(signals->fd);
  signals->fd = -1;
  sigaction(SIGPIPE, &signals->pipe, NULL);
  sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

int cli_signals_next(const cli_signals *signals, bool *from_terminal) {
  struct signalfd_siginfo info;
  if (read(signals->fd, &info, sizeof info) != (ssize_t)sizeof info)
    return 0;
  *from_terminal = info.ssi_code == SI_KERNEL;
  return (int)info.ssi_signo;
}

/* ---- the child's side, between fork and exec ---- */

/* The lowest of 3 to 9 that the command would not inherit: a POSIX shell can write to
 * those alone (`>&3`). */
static int free_digit(void) {
  for (int fd = 3; fd <= 9; fd++) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0)
      return fd;
  }
  return -1;
}

/* Out of the way of the digits, closed by exec. */
static int move_up(int fd) {
  if (fd < 0 || fd > 9)
    return fd;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  return moved >= 0 ? moved : fd;
}

static void report_failure(int to, int number) {
  const ssize_t written = write(to, &number, sizeof number);
  (void)written;
  _exit(CLI_NOT_FOUND);
}

static void become(const cli_child_options *options, int gate, int failure) {
  char go;
  if (options->own_group)
    setpgid(0, 0);
  if (options->orphaned != 0)
    prctl(PR_SET_PDEATHSIG, options->orphaned); /* who died before closed the gate */
  gate = move_up(gate);
  failure = move_up(failure);
  const int phases = move_up(options->phases);
  ssize_t got;
  do
    got = read(gate, &go, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1)
    _exit(CLI_OWN_FAILURE);
  if (options->output >= 0 && dup2(options->output, STDOUT_FILENO) < 0)
    report_failure(failure, errno);
  if (phases >= 0) {
    char digit[2] = "";
    const int fd = free_digit();
    if (fd >= 0 && dup2(phases, fd) == fd) {
      digit[0] = (char)('0' + fd);
      setenv("FRUGAL_PHASE_FD", digit, 1);
    }
  } else {
    unsetenv("FRUGAL_PHASE_FD"); /* an outer meter's, which is not inherited */
  }
  for (size_t i = 0; options->setting != NULL && options->setting[i] != NULL; i++)
    putenv((char *)(uintptr_t)options->setting[i]);
  sigaction(SIGPIPE, &options->signals->pipe, NULL);
  signal(SIGXFSZ, SIG_DFL); /* main ignores it */
  sigprocmask(SIG_SETMASK, &options->signals->mask, NULL);
  execvp(options->argv[0], options->argv);
  report_failure(failure, errno);
}

/* ---- ours ---- */

static void close_both(const int pipe[2]) {
  close(pipe[0]);
  close(pipe[1]);
}

enum fr_status cli_child_start(cli_child *child, const cli_child_options *options,
                               fr_error *err) {
  int gate[2], failure[2];
  if (pipe2(gate, O_CLOEXEC) != 0)
    return fr__fail_errno(err, errno, "no pipe to the command");
  if (pipe2(failure, O_CLOEXEC) != 0) {
    const int number = errno;
    close_both(gate);
    return fr__fail_errno(err, number, "no pipe to the command");
  }
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    close(gate[1]); /* else the child would hold its own gate open */
    become(options, gate[0], failure[1]);
  }
  const int number = errno;
  close(gate[0]);
  close(failure[1]);
  if (pid < 0) {
    close(gate[1]);
    close(failure[0]);
    return fr__fail_errno(err, number, "the command cannot be started");
  }
  if (options->own_group)
    setpgid(pid, pid); /* whoever of the two comes first */
  *child = (cli_child){.pid = pid, .gate = gate[1], .failure = failure[0]};
  return FR_OK;
}

void cli_child_reap(cli_child *child) {
  pid_t got;
  if (child->reaped)
    return;
  do
    got = wait4(child->pid, &child->status, 0, &child->usage);
  while (got < 0 && errno == EINTR);
  child->ended = child->reaped = true;
}

int cli_child_go(cli_child *child) {
  const char go = 1;
  int number = 0;
  if (write(child->gate, &go, 1) != 1)
    number = errno;
  close(child->gate);
  ssize_t got;
  int told;
  do
    got = read(child->failure, &told, sizeof told);
  while (got < 0 && errno == EINTR);
  close(child->failure);
  if (got == (ssize_t)sizeof told)
    number = told;
  if (number != 0)
    cli_child_reap(child);
  return number;
}

void cli_child_cancel(cli_child *child) {
  close(child->gate);
  close(child->failure);
  cli_child_reap(child);
}

void cli_child_signal(const cli_child *child, int number) {
  if (!child->ended)
    kill(child->pid, number);
}

bool cli_child_ended(cli_child *child) {
  siginfo_t info = {0};
  if (child->ended)
    return true;
  if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    child->ended = info.si_pid == child->pid;
  else
    child->ended = errno == ECHILD; /* whoever ignores SIGCHLD is told nothing */
  return child->ended;
}

int cli_child_stopped(const cli_child *child) {
  siginfo_t info = {0};
  if (child->ended || child->pid <= 0 ||
      waitid(P_PID, (id_t)child->pid, &info, WSTOPPED | WNOHANG) != 0 ||
      info.si_pid != child->pid)
    return 0;
  return info.si_status;
}

int cli_child_code(const cli_child *child) {
  if (WIFSIGNALED(child->status))
    return 128 + WTERMSIG(child->status);
  return WEXITSTATUS(child->status);
}

static double seconds_of(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

double cli_child_core_s(const cli_child *child) {
  return seconds_of(child->usage.ru_utime) + seconds_of(child->usage.ru_stime);
}
