/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a command that is run: which of them go on from where they were. */
#ifndef FR_CLI_GREEN_WORDS_H
#define FR_CLI_GREEN_WORDS_H

#include "cli/cli.h"

enum cli_resuming {
  CLI_RESUMES_NOT,        /* a foreign program: it can be stopped, not ended and begun */
  CLI_RESUMES_CHECKPOINT, /* frugal train, transfer, extend */
  CLI_RESUMES_STORE       /* frugal study: its finished cells are in the store */
};
enum cli_resuming cli_words_resuming(char *const *command);

/*
 * The command as it is run: one that goes on from checkpoints with --checkpoint
 * `folder` and --resume, where it tells no folder itself; with a folder of its own
 * --resume from the second time on (`again`), since at the first it is the user's to
 * say. The array is the caller's (free), its words are borrowed; NULL out of memory.
 */
char **cli_words_run(char *const *command, const char *folder, bool again);

/* How many there are. */
size_t cli_words_count(char *const *command);

/* What the newest finished run of the same command line took. */
typedef struct cli_words_past {
  int64_t run; /* 0: there is none */
  double duration_s;
  bool energy; /* it tells its energy, too */
} cli_words_past;
/* `store` NULL: the usual one; `folder` as above. No store is none found. */
cli_words_past cli_words_past_of(char *const *command, const char *folder,
                                 const char *store);

#endif
