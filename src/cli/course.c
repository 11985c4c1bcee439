/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const char *const names[] = {"energy", "delta", "program"};
enum { NAMES = sizeof names / sizeof *names };

const char *cli_of_name(enum cli_of of) { return names[of]; }

bool cli_of_parse(const char *name, enum cli_of *out) {
  for (int i = 0; i < NAMES; i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (enum cli_of)i;
      return true;
    }
  return false;
}

/* ---- readings ---- */

void cli_course_release(cli_course *course) {
  free(course->reading);
  *course = (cli_course){0};
}

/* Every other one, in as much time. */
static void thin_out(cli_course *c) {
  const uint64_t span_ns = c->reading[c->count - 1].t_ns - c->reading[0].t_ns;
  for (size_t i = 1; 2 * i < c->count; i++)
    c->reading[i] = c->reading[2 * i];
  c->count = (c->count + 1) / 2;
  c->gap_ns = span_ns / c->count;
}

static bool make_room(cli_course *c) {
  if (c->count == CLI_COURSE_CEILING)
    thin_out(c);
  if (c->count < c->room)
    return true;
  const size_t room = c->room > 0 ? 2 * c->room : 64;
  cli_reading *grown = realloc(c->reading, room * sizeof *grown);
  if (grown == NULL)
    return false;
  c->reading = grown;
  c->room = room;
  return true;
}

void cli_course_add(cli_course *course, const cli_reading *reading) {
  cli_course *c = course;
  if (c->count > 0 && reading->t_ns <= c->newest.t_ns)
    return;
  const bool due =
      c->count == 0 || reading->t_ns - c->reading[c->count - 1].t_ns >= c->gap_ns;
  if (due && make_room(c))
    c->reading[c->count++] = *reading;
  c->newest = *reading;
}

/* ---- to stretches ---- */

fr_measure cli_course_of(const cli_course_total *total, enum cli_of of) {
  const fr_measure of_each[] = {total->energy, total->delta, total->program};
  return of_each[of];
}

/* From the reading before, *last, which it then is. */
static enum fr_status add_reading(const cli_reading *reading, enum cli_of of,
                                  int64_t start_ns, cli_reading *last, fr_load *load,
                                  fr_error *err) {
  const bool program = of == CLI_OF_PROGRAM;
  const double now_j = program ? reading->program_j : reading->energy_j;
  const double last_j = program ? last->program_j : last->energy_j;
  if (!isfinite(now_j) || reading->t_ns <= last->t_ns || reading->t_ns > INT64_MAX / 2)
    return FR_OK;
  const double spent_j = now_j - last_j;
  const fr_stretch stretch = {start_ns + (int64_t)last->t_ns,
                              start_ns + (int64_t)reading->t_ns, spent_j, spent_j,
                              spent_j};
  *last = *reading;
  return fr_load_add(load, &stretch, err);
}

static enum fr_status shape(const cli_course *course, int64_t start_ns, enum cli_of of,
                            fr_load *load, fr_error *err) {
  cli_reading last = {0};
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < course->count; i++)
    status = add_reading(&course->reading[i], of, start_ns, &last, load, err);
  if (status == FR_OK && course->count > 0)
    status = add_reading(&course->newest, of, start_ns, &last, load, err);
  return status;
}

/* The normal power is what the machine took beyond its delta, evenly. */
static void take_normal_off(fr_load *load, double normal_j) {
  double length = 0;
  for (size_t i = 0; i < load->count; i++)
    length += (double)(load->stretch[i].end_ns - load->stretch[i].start_ns);
  for (size_t i = 0; i < load->count; i++) {
    fr_stretch *s = &load->stretch[i];
    s->energy_j -= normal_j * (double)(s->end_ns - s->start_ns) / length;
    s->low_j = s->high_j = s->energy_j;
  }
}

enum fr_status cli_course_load(const cli_course *course, const cli_course_total *total,
                               enum cli_of of, fr_load *out, fr_error *err) {
  const fr_measure sum = cli_course_of(total, of);
  fr_load load = {0};
  if (!fr_measure_known(sum))
    return fr__fail(err, FR_ERR_NOT_FOUND, "its %s is not measured", cli_of_name(of));
  enum fr_status status = shape(course, total->start_ns, of, &load, err);
  if (status == FR_OK && load.count == 0)
    status = fr_load_even(&load, sum, total->start_ns, total->end_ns, err);
  if (status == FR_OK && of == CLI_OF_DELTA && fr_measure_known(total->energy)) {
    fr_load_fit(&load, total->energy);
    take_normal_off(&load, total->energy.value - sum.value);
  }
  if (status == FR_OK) {
    fr_load_fit(&load, sum);
    *out = load;
    return FR_OK;
  }
  fr_load_release(&load);
  return status;
}

bool cli_course_has_shape(const cli_course *course, enum cli_of of) {
  const double known =
      of == CLI_OF_PROGRAM ? course->newest.program_j : course->newest.energy_j;
  return course->count > 0 && course->newest.t_ns > course->reading[0].t_ns &&
         isfinite(known);
}

/* ---- of the store ---- */

static bool take_sample(void *self, const fr_store_sample *sample) {
  cli_course_add(self, &(cli_reading){sample->t_ns, sample->energy_j, sample->program_j});
  return true;
}

enum fr_status cli_course_stored(fr_store *store, int64_t run, cli_course *out,
                                 fr_error *err) {
  cli_course course = {0};
  const enum fr_status status =
      fr_store_samples_each(store, run, take_sample, &course, err);
  if (status == FR_OK)
    *out = course;
  else
    cli_course_release(&course);
  return status;
}
