/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a job is to be at work now, and until when that stands: no clock is looked at.
 */
#ifndef FR_CLI_GREEN_DECIDE_H
#define FR_CLI_GREEN_DECIDE_H

#include "frugal/plan.h"

typedef struct cli_green_view {
  int64_t now_s, deadline_s;
  double left_s;         /* of work; not above 0: it has worked as long as was told */
  bool running;          /* a piece of it is at work, */
  int64_t since_s;       /* since then */
  bool begun;            /* some piece of it was */
  bool pauses;           /* it can be paused */
  int64_t least_s;       /* of a piece */
  const fr_piece *piece; /* (count) planned, in order of time; borrowed */
  size_t count;
} cli_green_view;

enum cli_green_reason {
  CLI_GREEN_WAIT,     /* for the next piece */
  CLI_GREEN_PIECE,    /* it is in one */
  CLI_GREEN_LEAST,    /* a piece is at least that long */
  CLI_GREEN_WHOLE,    /* it cannot be paused */
  CLI_GREEN_OVERTIME, /* it has worked as long as was told, and is not done */
  CLI_GREEN_NO_SLACK, /* all time that is left before the deadline is needed */
  CLI_GREEN_LATE,     /* the deadline is over */
  CLI_GREEN_UNPLANNED /* no piece is left in the plan */
};

typedef struct cli_green_choice {
  bool run;
  int64_t until_s; /* FR_TIME_LATEST: to its end */
  enum cli_green_reason reason;
} cli_green_choice;

/* The deadline goes before the grams: what is left runs through once it needs all the
 * time there is. */
cli_green_choice cli_green_decide(const cli_green_view *view);

/* When a job of that much work must be at it. */
int64_t cli_green_latest_start(int64_t deadline_s, double left_s);

#endif
