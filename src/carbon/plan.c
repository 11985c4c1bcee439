/* SPDX-License-Identifier: Apache-2.0 */
/* Places × times, ranked by grams. */
#include "frugal/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "carbon/plan.h"
#include "frugal/forecast.h"

#define JOULES_PER_KWH 3.6e6
#define PLACES_CEILING ((size_t)100000)

void fr_plan_options_init(fr_plan_options *options) {
  *options = (fr_plan_options){.latency_ms_most = (double)NAN,
                               .carbon_free_least = (double)NAN,
                               .price_most = (double)NAN,
                               .least_gain = 0.01,
                               .least_chance = 0.5,
                               .alternatives = 3};
}

const char *fr_plan_advice_name(enum fr_plan_advice advice) {
  static const char *const name[] = {"now", "wait", "move", "move and wait"};
  const size_t i = (size_t)advice;
  return i < sizeof name / sizeof *name ? name[i] : "unknown";
}

static void release_options(fr_option *option, size_t count) {
  for (size_t i = 0; i < count; i++)
    fr_timetable_release(&option[i].schedule);
  free(option);
}

void fr_plan_release(fr_plan *plan) {
  release_options(plan->option, plan->count);
  release_options(plan->alternative, plan->alternatives);
  fr_timetable_release(&plan->now.schedule);
  free(plan->left_out);
  *plan = (fr_plan){0};
}

/* ---- who takes part ---- */

static void leave_out(fr_plan *plan, size_t place, const char *why) {
  fr_left_out *left = &plan->left_out[plan->left_out_count++];
  left->place = place;
  (void)snprintf(left->why, sizeof left->why, "%.255s", why);
}

/* True, with the reason, where `value` is not known or fails a limit that is told. */
static bool fails_at(const char *what, double value, double limit, bool is_ceiling,
                     char why[256]) {
  if (isnan(limit))
    return false;
  if (isnan(value))
    (void)snprintf(why, 256, "its %s is not known", what);
  else if (is_ceiling && value > limit)
    (void)snprintf(why, 256, "its %s of %g is above %g", what, value, limit);
  else if (!is_ceiling && value < limit)
    (void)snprintf(why, 256, "its %s of %g is below %g", what, value, limit);
  else
    return false;
  return true;
}

static bool is_left_out(const fr_place *p, const fr_plan_options *o, char why[256]) {
  (void)snprintf(why, 256, "%s", p->left_out);
  return p->left_out[0] != '\0' ||
         fails_at("latency in ms", p->latency_ms, o->latency_ms_most, true, why) ||
         fails_at("carbon-free share", p->carbon_free, o->carbon_free_least, false,
                  why) ||
         fails_at("price an hour", p->price_per_h, o->price_most, true, why);
}

/* ---- one place ---- */

/* What all options are compared with and made of. */
typedef struct planner {
  const fr_place *place;
  size_t places;
  const fr_job *job;
  const fr_plan_options *options;
  fr__outcomes now;
  fr_plan plan;
} planner;

static const fr_place *home_of(const planner *p) { return &p->place[p->plan.home]; }

static const fr_series *ahead_of(const fr_place *place) {
  return &place->forecast->ahead;
}

/* The network is at both ends and between: the mean of their means over the hours ahead.
 */
static fr_measure data_grams(const planner *p, const fr_place *place) {
  if (place == home_of(p) || !(place->data_j > 0))
    return fr_measure_absent(FR_UNIT_GRAM_CO2E);
  const fr_job *job = p->job;
  const fr_measure here = fr_series_mean(ahead_of(place), job->now_s, job->deadline_s);
  const fr_measure there =
      fr_series_mean(ahead_of(home_of(p)), job->now_s, job->deadline_s);
  fr_measure sum = fr_measure_scale(
      fr_measure_add(here, there), place->data_j / 2 / JOULES_PER_KWH, FR_UNIT_GRAM_CO2E);
  return sum;
}

/* Takes `schedule` over into *option. */
static enum fr_status weigh(planner *p, size_t place, const fr_timetable *schedule,
                            fr_option *option, fr_error *err) {
  fr__outcomes outcomes = {0};
  *option = (fr_option){.place = place, .schedule = *schedule};
  option->data_grams = data_grams(p, &p->place[place]);
  enum fr_status status =
      fr__outcomes_init(&outcomes, &p->place[place], p->job, schedule, err);
  if (status == FR_OK)
    fr__option_weigh(option, &p->place[place], &outcomes, &p->plan.now, home_of(p),
                     &p->now);
  fr__outcomes_release(&outcomes);
  return status;
}

static enum fr_status plan_now(planner *p, fr_error *err) {
  const fr_place *home = home_of(p);
  fr_option *now = &p->plan.now;
  enum fr_status status = fr_timetable_from(ahead_of(home), p->job, home->pue,
                                            p->job->now_s, &now->schedule, err);
  now->place = p->plan.home;
  now->data_grams = fr_measure_absent(FR_UNIT_GRAM_CO2E);
  if (status == FR_OK)
    status = fr__outcomes_init(&p->now, home, p->job, &now->schedule, err);
  if (status == FR_OK) /* first its grams, then its gain against them: none */
    fr__option_weigh(now, home, &p->now, now, home, &p->now);
  if (status == FR_OK)
    fr__option_weigh(now, home, &p->now, now, home, &p->now);
  return status;
}

static enum fr_status plan_place(planner *p, size_t i, fr_error *err) {
  const fr_place *place = &p->place[i];
  fr_timetable schedule = {0};
  fr_error own = {0};
  char why[256];
  if (is_left_out(place, p->options, why)) {
    leave_out(&p->plan, i, why);
    return FR_OK;
  }
  const enum fr_status status =
      fr_timetable_best(ahead_of(place), p->job, place->pue, &schedule, &own);
  if (status == FR_ERR_NOT_FOUND) {
    leave_out(&p->plan, i, own.text);
    return FR_OK;
  }
  if (status != FR_OK)
    return fr__fail(err, status, "%s: %s", place->name, own.text);
  return weigh(p, i, &schedule, &p->plan.option[p->plan.count++], err);
}

static int by_grams(const void *a, const void *b) {
  const fr_option *x = a, *y = b;
  const double gx = x->grams.value, gy = y->grams.value;
  if (gx < gy || gx > gy)
    return gx < gy ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* ---- further starts ---- */

/* `series` without [from_s, to_s). */
static enum fr_status cut_out(const fr_series *series, const fr_piece *piece,
                              fr_series *out, fr_error *err) {
  const enum fr_status status =
      fr_series_take(out, series, FR_TIME_EARLIEST, piece->start_s, err);
  return status == FR_OK ? fr_series_take(out, series, piece->end_s, FR_TIME_LATEST, err)
                         : status;
}

/* The next best whole start that does not overlap those before. */
static enum fr_status add_alternative(planner *p, fr_series *left, const fr_piece *taken,
                                      bool *found, fr_error *err) {
  fr_series rest = {0};
  fr_timetable schedule = {0};
  fr_job job = *p->job;
  const size_t place = p->plan.option[0].place;
  job.interruptible = false;
  *found = false;
  enum fr_status status = cut_out(left, taken, &rest, err);
  if (status == FR_OK) {
    status = fr_timetable_best(&rest, &job, p->place[place].pue, &schedule, err);
    *found = status == FR_OK;
    if (status == FR_ERR_NOT_FOUND)
      status = FR_OK;
  }
  fr_series_release(left);
  *left = rest;
  return *found ? weigh(p, place, &schedule, &p->plan.alternative[p->plan.alternatives++],
                        err)
                : status;
}

static enum fr_status add_alternatives(planner *p, fr_error *err) {
  const size_t most = p->options->alternatives;
  const fr_job *job = p->job;
  if (most == 0 || p->plan.count == 0)
    return FR_OK;
  p->plan.alternative = calloc(most, sizeof *p->plan.alternative);
  if (p->plan.alternative == NULL)
    return fr__fail_memory(err, "further starts");
  const fr_option *best = &p->plan.option[0];
  fr_series left = {0};
  enum fr_status status = fr_series_take(&left, ahead_of(&p->place[best->place]),
                                         job->now_s, job->deadline_s, err);
  const fr_piece *taken = best->schedule.count == 1 ? best->schedule.piece
                                                    : &(fr_piece){job->now_s, job->now_s};
  for (bool found = true; status == FR_OK && found && p->plan.alternatives < most;) {
    status = add_alternative(p, &left, taken, &found, err);
    if (found)
      taken = p->plan.alternative[p->plan.alternatives - 1].schedule.piece;
  }
  fr_series_release(&left);
  return status;
}

/* ---- all ---- */

static enum fr_status check(const fr_place *place, size_t places, size_t home,
                            const fr_plan_options *options, fr_error *err) {
  if (places == 0 || home >= places)
    return fr__fail(err, FR_ERR_ARGUMENT, "no place is told for the job");
  if (places > PLACES_CEILING || options->alternatives > PLACES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %zu places", PLACES_CEILING);
  for (size_t i = 0; i < places; i++)
    if (!(place[i].data_j >= 0) || !isfinite(place[i].data_j))
      return fr__fail(err, FR_ERR_ARGUMENT, "%s: moving the data takes %g J",
                      place[i].name, place[i].data_j);
  return FR_OK;
}

static enum fr_status make_room(fr_plan *plan, size_t places, fr_error *err) {
  plan->option = calloc(places, sizeof *plan->option);
  plan->left_out = calloc(places, sizeof *plan->left_out);
  return plan->option != NULL && plan->left_out != NULL ? FR_OK
                                                        : fr__fail_memory(err, "a plan");
}

static enum fr_status plan_all(planner *p, fr_error *err) {
  enum fr_status status = make_room(&p->plan, p->places, err);
  if (status == FR_OK)
    status = plan_now(p, err);
  for (size_t i = 0; status == FR_OK && i < p->places; i++)
    status = plan_place(p, i, err);
  if (status != FR_OK)
    return status;
  if (p->plan.count == 0) {
    const fr_left_out *left = p->plan.left_out;
    if (left->place == p->plan.home && p->plan.left_out_count > 1)
      left++; /* home is where the question comes from */
    return fr__fail(err, FR_ERR_NOT_FOUND, "the job fits nowhere: %s: %s",
                    p->place[left->place].name, left->why);
  }
  qsort(p->plan.option, p->plan.count, sizeof *p->plan.option, by_grams);
  return add_alternatives(p, err);
}

enum fr_status fr_plan_make(const fr_place *place, size_t places, size_t home,
                            const fr_job *job, const fr_plan_options *options,
                            fr_plan *out, fr_error *err) {
  planner p = {.place = place,
               .places = places,
               .job = job,
               .options = options,
               .plan = {.home = home, .advised = SIZE_MAX}};
  enum fr_status status = check(place, places, home, options, err);
  if (status == FR_OK)
    status = plan_all(&p, err);
  fr__outcomes_release(&p.now);
  if (status != FR_OK) {
    fr_plan_release(&p.plan);
    return status;
  }
  fr__plan_advise(&p.plan, place, job, options);
  *out = p.plan;
  return FR_OK;
}
