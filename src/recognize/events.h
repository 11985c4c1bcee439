/* SPDX-License-Identifier: Apache-2.0 */
/* Probabilities over time -> signs, each told once (docs/recognize.md has the rules). */
#ifndef FR_RECOGNIZE_EVENTS_H
#define FR_RECOGNIZE_EVENTS_H

#include "frugal/recognize.h"

typedef struct fr__event_rules {
  size_t classes;
  uint32_t no_sign; /* the class that is none; FR_NONE: all are signs */
  float begin, end; /* as in fr_recognizer_options, like the next three */
  double least_s, most_s, rest_s;
  double lag_s;    /* an answer counts for so long before its time */
  double period_s; /* from one answer to the next */
} fr__event_rules;

typedef struct fr__events {
  fr__event_rules rules;
  double since_s;   /* no sign began before */
  uint32_t sign;    /* that is going on; FR_NONE: none */
  bool told;        /* it was, or goes on with the one told last */
  float peak;       /* its greatest probability so far */
  double begin_s;   /* time of the answer with which it began */
  double answer_s;  /* of the last answer */
  uint32_t resting; /* told last, and up to when what rises is the same; FR_NONE: none */
  double rest_s;
} fr__events;

void fr__events_init(fr__events *events, const fr__event_rules *rules);
/* Forgets all; the stream goes on from `since_s`. */
void fr__events_reset(fr__events *events, double since_s);

/* Smoothed probabilities (classes) at `t_s`, which is behind the answer's before. True: a
 * sign is in *out. */
bool fr__events_step(fr__events *events, double t_s, const float *p, fr_recognized *out);
/* No more answers: what is going on ends, said at `t_s`. Then as after a reset. */
bool fr__events_close(fr__events *events, double t_s, fr_recognized *out);

#endif
