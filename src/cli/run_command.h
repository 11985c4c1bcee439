/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that is started, waited for and signalled as `time` and `env` do it: it stays
 * in our process group and in the foreground, has our stdin, stdout and stderr, and its
 * exit code is ours.
 */
#ifndef FR_CLI_RUN_COMMAND_H
#define FR_CLI_RUN_COMMAND_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "frugal/base.h"

/* As `env` has them. */
enum { CLI_OWN_FAILURE = 125, CLI_NOT_EXECUTABLE = 126, CLI_NOT_FOUND = 127 };

/* While a command runs, the signals that are meant for it are read from a descriptor. */
typedef struct cli_signals {
  int fd;
  sigset_t read; /* from it */
  sigset_t mask; /* as it was */
  struct sigaction pipe;
} cli_signals;

enum fr_status cli_signals_init(cli_signals *signals, fr_error *err);
void cli_signals_release(cli_signals *signals);
/* The next of INT, TERM, HUP, QUIT, CHLD or WINCH that came; 0: none. *from_terminal is
 * true where the terminal sent it, to the whole group: then the command has it already.
 */
int cli_signals_next(const cli_signals *signals, bool *from_terminal);
/* Takes in one more, such as SIGTSTP, which would else do what it does by itself. */
enum fr_status cli_signals_add(cli_signals *signals, int number, fr_error *err);

typedef struct cli_child_options {
  char **argv;                /* ends with NULL; argv[0] is looked up in PATH */
  const char *const *setting; /* "NAME=value", ends with NULL; added to environment */
  int output;                 /* becomes its stdout; -1: ours */
  int phases;                 /* becomes its FRUGAL_PHASE_FD; -1: none */
  const cli_signals *signals; /* what it gets back */
  bool own_group; /* it leads a process group of its own, which a shell's job is */
  int orphaned;   /* signal that it gets where this process dies before it; 0: none */
} cli_child_options;

typedef struct cli_child {
  pid_t pid;
  int gate;    /* a byte lets it go */
  int failure; /* errno, where it could not be executed */
  bool ended, reaped;
  int status; /* of wait4, once ended */
  struct rusage usage;
} cli_child;

/* Forks; the child waits at the gate, so that its meter can be made ready first. To be
 * called while this process has one thread. */
enum fr_status cli_child_start(cli_child *child, const cli_child_options *options,
                               fr_error *err);
/* Lets it go: 0, or the errno of exec; then the child is gone. */
int cli_child_go(cli_child *child);
/* Ends a child that still waits at the gate. */
void cli_child_cancel(cli_child *child);
void cli_child_signal(const cli_child *child, int number);
/* Asks, without waiting, whether it has ended. Its pid and its times stay until it is
 * reaped. */
bool cli_child_ended(cli_child *child);
/* Asks likewise whether it was stopped since (Ctrl-Z, or a terminal that is not its own):
 * the signal, or 0. */
int cli_child_stopped(const cli_child *child);
/* Waits for it. */
void cli_child_reap(cli_child *child);
/* 0 to 255; 128 + signal. */
int cli_child_code(const cli_child *child);
/* CPU seconds of it and of all of its descendants that were waited for. */
double cli_child_core_s(const cli_child *child);

#endif
