/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that can be paused and goes on: a job as a shell has them, with the terminal
 * in its hands while it runs, stopped with all that it has started. It is never left
 * stopped: whatever becomes of this process, a guardian lets it go on.
 */
#ifndef FR_CLI_GREEN_JOB_H
#define FR_CLI_GREEN_JOB_H

#include "cli/green_tree.h"
#include "cli/run_command.h"

typedef struct cli_job {
  cli_child child;
  cli_signals signals;
  bool group;       /* it has one of its own, and can be paused */
  int terminal;     /* the one that controls us; -1: none */
  bool holds;       /* the program holds it while it runs */
  bool stopped;     /* by cli_job_pause */
  cli_tree tree;    /* what was stopped */
  uint64_t away_ns; /* for so long the terminal's user had all of us stopped */
  pid_t guardian;
  int guard; /* the guardian waits until this is closed */
} cli_job;

/* Signals of the terminal and of others are read from signals.fd from here on. */
enum fr_status cli_job_init(cli_job *job, fr_error *err);
/* What still runs goes on. */
void cli_job_release(cli_job *job);

typedef struct cli_job_options {
  char **argv; /* ends with NULL */
  bool group;  /* a process group of its own, so that it can be paused */
} cli_job_options;

/* 0, or the exit code for a command that cannot be run, with *err. */
int cli_job_start(cli_job *job, const cli_job_options *options, fr_error *err);
bool cli_job_runs(const cli_job *job); /* it was started and not waited for */

enum fr_status cli_job_pause(cli_job *job, fr_error *err);
void cli_job_resume(cli_job *job);

/* What a signal asks for, all but a child's end being handled. */
typedef enum cli_job_event {
  CLI_JOB_NOTHING, /* no more of them */
  CLI_JOB_CHILD,   /* something became of a child: ask cli_child_ended */
  CLI_JOB_END      /* the user or the system wants it to end; the job was told */
} cli_job_event;
cli_job_event cli_job_event_next(cli_job *job, int *number);

/* A signal to the program, continued where it is paused. */
void cli_job_signal(cli_job *job, int number);

#endif
