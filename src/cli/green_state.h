/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a `frugal run` that was killed, or whose machine was rebooted: a folder
 * of $XDG_STATE_HOME/frugal/run, named by the command line and the folder that it ran in.
 * No part of the environment is kept.
 */
#ifndef FR_CLI_GREEN_STATE_H
#define FR_CLI_GREEN_STATE_H

#include "cli/cli.h"

#define CLI_GREEN_ID 17       /* 16 hexadecimal digits */
#define CLI_GREEN_PARTS 65536 /* ceiling */

/* A stretch of work as it really was; adjoining ones are one piece. */
typedef struct cli_green_part {
  double start_s, end_s; /* UTC */
  double worked_s;       /* of it: a suspended machine works nothing */
  fr_measure energy;     /* the machine's; absent: not measured */
  bool lost;             /* the program does not go on from it: it was begun anew */
} cli_green_part;

enum cli_green_phase {
  CLI_GREEN_WAITS,
  CLI_GREEN_RUNS,
  CLI_GREEN_PAUSED,
  CLI_GREEN_SLURM
};

typedef struct cli_green_state {
  char id[CLI_GREEN_ID];
  char *folder; /* of it; owned */
  int lock;     /* a file that is ours as long as this process lives; -1: none */
  bool found;   /* there was one: it is taken up */
  enum cli_green_phase phase;
  int64_t begun_s, deadline_s; /* UTC */
  double duration_s;           /* of the whole work */
  fr_measure energy;           /* told or expected of it; absent: not known */
  bool keeps;                  /* the command goes on from where it was */
  cli_green_part *part;        /* (count) owned */
  size_t count, room;
  bool closed;    /* the last part is over: the next one is a piece of its own */
  char *jobs;     /* of Slurm; owned, NULL: none */
  char **command; /* borrowed */
} cli_green_state;

/* Opens and locks it; FR_ERR_ARGUMENT where another process has it. What cannot be read
 * as such a state is refused, never overwritten. */
enum fr_status cli_green_state_open(cli_green_state *state, char **command,
                                    fr_error *err);
enum fr_status cli_green_state_save(const cli_green_state *state, fr_error *err);
/* The folder goes, checkpoints of ours included. */
void cli_green_state_remove(cli_green_state *state);
void cli_green_state_release(cli_green_state *state);

/* The caller's (free): where a frugal command keeps its checkpoints, if nowhere else. */
char *cli_green_checkpoints(const cli_green_state *state);

/* Of one that was cut off at work: how far its last part came is told by its newest
 * checkpoint, where that is later than what the state has. */
void cli_green_mend(cli_green_state *state, const char *checkpoints);
/* Whether there is anything in the folder. */
bool cli_green_holds(const char *checkpoints);
/* Begins a part, or goes on with the last one. */
enum fr_status cli_green_part_begin(cli_green_state *state, double now_s, fr_error *err);
/* Seconds of work that were not lost; each piece but the first takes `resume_s` to begin
 * with that are none. */
double cli_green_worked_s(const cli_green_state *state, double resume_s);
/* What was done so far does not count any more. */
void cli_green_lose(cli_green_state *state);
size_t cli_green_pieces(const cli_green_state *state, json_t *into); /* NULL: count */

/* frugal run --list and --forget ID|all; exit codes. */
int cli_green_list(const cli_output *output);
int cli_green_forget(const char *id, const cli_output *output);

#endif
