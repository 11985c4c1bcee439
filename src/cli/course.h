/* SPDX-License-Identifier: Apache-2.0 */
/* Energy as a meter read it over time, to stretches of it for fr_footprint_reckon. */
#ifndef FR_CLI_COURSE_H
#define FR_CLI_COURSE_H

#include "frugal/footprint.h"
#include "frugal/store.h"

/* Which of the three energies. */
enum cli_of { CLI_OF_ENERGY, CLI_OF_DELTA, CLI_OF_PROGRAM };
const char *cli_of_name(enum cli_of of);
bool cli_of_parse(const char *name, enum cli_of *out);

/* Since the start; NaN: not known. */
typedef struct cli_reading {
  uint64_t t_ns;
  double energy_j, program_j;
} cli_reading;

/* `= {0}` is empty. */
typedef struct cli_course {
  cli_reading *reading; /* (count) at least gap_ns apart; owned */
  size_t count, room;
  uint64_t gap_ns;
  cli_reading newest; /* count 0: none */
} cli_course;

#define CLI_COURSE_CEILING                                                               \
  ((size_t)1 << 18) /* readings: 7 hours of a tenth of a second */

void cli_course_release(cli_course *course);
/* Where there would be more than the ceiling every other one is left out, and from then
 * on those that come sooner than that; the newest is always there. Out of memory the
 * course keeps its shape up to there. A reading that is not later than the one before is
 * ignored.
 */
void cli_course_add(cli_course *course, const cli_reading *reading);

/* What was measured in all, and when: nanoseconds of UTC. */
typedef struct cli_course_total {
  fr_measure energy, delta, program; /* J */
  int64_t start_ns, end_ns;
} cli_course_total;
fr_measure cli_course_of(const cli_course_total *total, enum cli_of of);

/*
 * The course's shape with the total's sum and bounds; spread evenly from start to end
 * where there is no shape. A delta is the machine's course less its normal power, so that
 * it may be below 0 at times. FR_ERR_NOT_FOUND where that energy is absent.
 */
enum fr_status cli_course_load(const cli_course *course, const cli_course_total *total,
                               enum cli_of of, fr_load *out, fr_error *err);

/* Whether it says more of that energy than a sum; a delta's shape is the machine's. */
bool cli_course_has_shape(const cli_course *course, enum cli_of of);

/* All of a run's samples. */
enum fr_status cli_course_stored(fr_store *store, int64_t run, cli_course *out,
                                 fr_error *err);
/*
 * The CSV of frugal meter --csv, or any with a column t_s and one of energy_j and power_w
 * (the mean since the row before): the course, and what it adds up to, from start_ns on.
 * One with several runs (--repeat) is refused.
 */
enum fr_status cli_course_csv(const char *path, int64_t start_ns, cli_course *out,
                              cli_course_total *total, fr_error *err);

#endif
