/* SPDX-License-Identifier: Apache-2.0 */
/* What was signed in a stream and when, beside what was recognised in it. */
#ifndef FR_CLI_TRUTH_H
#define FR_CLI_TRUTH_H

#include "cli/session.h"
#include "recognize/score.h"

typedef struct cli_truth {
  fr__truth *sign; /* (signs) into the model's classes; owned */
  size_t signs;
  size_t unknown; /* of the file, that the model does not know: left out */
  fr__said *line; /* (lines); owned */
  size_t lines, room;
} cli_truth;

/* Lines {"sign": NAME, "start_s": S, "end_s": S}; of "no sign" nothing is kept. A line
 * that is none is told with its number. */
enum fr_status cli_truth_read(cli_truth *truth, const char *path, const fr_names *classes,
                              fr_error *err);
void cli_truth_release(cli_truth *truth);

/* A line was said. */
enum fr_status cli_truth_add(cli_truth *truth, const fr_recognized *sign, fr_error *err);

/* Key `score` and its table, of a stream from `first_s` on, `duration_s` long. */
enum fr_status cli_truth_score(cli_truth *truth, double first_s, double duration_s,
                               cli_session *session, fr_error *err);

#endif
