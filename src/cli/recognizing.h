/* SPDX-License-Identifier: Apache-2.0 */
/* What recognising has cost, as a table and as JSON (docs/json.md). */
#ifndef FR_CLI_RECOGNIZING_H
#define FR_CLI_RECOGNIZING_H

#include "cli/session.h"
#include "cli/spread.h"

typedef struct cli_recognizing {
  fr_recognizer *recognizer;
  uint64_t frames, skipped, signs;
  double frames_hz; /* of frames that do not; 0: the model's */
  bool timed;       /* the frames told their times: */
  double first_s, last_s;
  cli_spread parse, push; /* of a frame: out of its bytes; to signs */
} cli_recognizing;

/* Counts a frame; warns, once, where they come slower than the model takes them. */
void cli_recognizing_frame(cli_recognizing *r, cli_session *session, double t_s);

/* Length of the stream so far, not of the work. */
double cli_recognizing_seconds(const cli_recognizing *r);

/* Stops the meter; the session's text and result then hold all figures. */
enum fr_status cli_recognizing_measured(const cli_recognizing *r, cli_session *session,
                                        fr_error *err);

#endif
