/* SPDX-License-Identifier: Apache-2.0 */
/* Handing a command to Slurm: one job with a time to begin, or one for each piece. */
#ifndef FR_CLI_GREEN_SLURM_H
#define FR_CLI_GREEN_SLURM_H

#include "cli/cli.h"

typedef struct cli_slurm_job {
  char *const *command; /* as it is run; ends with NULL */
  const char *name;
  const char *const *option; /* (options) of the user's, behind ours */
  size_t options;
  int64_t begin_s; /* UTC; not above now_s: at once */
  int64_t now_s;
  int64_t limit_s;      /* --time, rounded up to minutes */
  int64_t stop_after_s; /* the command gets SIGTERM then: a piece of it; 0: never */
  const char *after;    /* id of the job that must have ended; NULL: none */
  bool requeue;         /* it goes on from a checkpoint */
  const char *done;     /* a file that says so once it is; NULL: one job alone */
  const char *finally;  /* a line of shell, once it has succeeded; NULL: none */
} cli_slurm_job;

/* "'a word' 'it'\''s'": words for a POSIX shell, whatever bytes they hold. */
void cli_slurm_quote(fr__buf *text, const char *word);
/* The job's script. */
void cli_slurm_script(const cli_slurm_job *job, fr__buf *text);
/* "2026-11-23T02:00:00", local as sbatch takes it, or, where the clock shows that time
 * twice, "now+5400". */
#define CLI_SLURM_TIME 48
void cli_slurm_begin(int64_t begin_s, int64_t now_s, char text[CLI_SLURM_TIME]);
/* Runs sbatch of PATH; `id` is the job's. What sbatch says of a failure stands on
 * stderr. */
enum fr_status cli_slurm_submit(const cli_slurm_job *job, char id[64], fr_error *err);

#endif
