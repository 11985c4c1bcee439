/* SPDX-License-Identifier: Apache-2.0 */
/* How well the lines of a recogniser agree with what was signed, and when. */
#ifndef FR_RECOGNIZE_SCORE_H
#define FR_RECOGNIZE_SCORE_H

#include "frugal/base.h"

/* A line belongs to a sign when it is said between the sign's start and so long behind
 * its end. */
#define FR__SCORE_LATE_S 1.5

typedef struct fr__truth {
  uint32_t sign; /* into names that truth and lines share */
  double start_s, end_s;
} fr__truth;

typedef struct fr__said {
  uint32_t sign;
  double said_s; /* time of the frame at which the line was told */
} fr__said;

/*
 * Each line is one of four: a hit (the first of its sign that belongs to a sign which was
 * made), a duplicate (belongs to a sign of its own name that has its hit), wrong (belongs
 * to a sign that no line hits, and of that the first), else a false alarm. Each sign is
 * one of three: hit, wrong, or missed: signs = hits + wrong + missed, lines = hits +
 * duplicates + wrong + false_alarms.
 *
 * False alarms are told per minute outside signs, which is the length of the stream less
 * that of all signs; as in keyword spotting, where false alarms are told per hour of
 * speech that has no keyword. Strictest is what says something it should not, at all:
 * errors_per_min, all lines but hits per minute of the stream.
 */
typedef struct fr__score {
  size_t signs, lines;
  size_t hits, wrong, missed, duplicates, false_alarms;
  double duration_s, outside_s;
  double recall, recall_low, recall_high; /* hits of signs; Wilson's 95 % interval; NaN
                                             without signs */
  double precision;                       /* hits of lines; NaN without lines */
  double false_alarms_per_min;            /* NaN where nothing is outside signs */
  double false_alarms_low, false_alarms_high; /* per min: Garwood's exact 95 % interval
                                                 of a Poisson count (Garwood 1936) */
  double errors_per_min;
  double delay_median_s, delay_95_s; /* of hits, from the sign's end to its line;
                                        negative: before it ends; NaN without hits */
} fr__score;

/* In any order. FR_ERR_ARGUMENT where a time is not finite, a sign ends before it starts,
 * or `duration_s`, the length of the stream, is not positive. */
enum fr_status fr__score_lines(const fr__truth *truth, size_t signs, const fr__said *said,
                               size_t lines, double duration_s, fr__score *out,
                               fr_error *err);

#endif
