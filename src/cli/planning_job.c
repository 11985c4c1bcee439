/* SPDX-License-Identifier: Apache-2.0 */
/* The job that the options tell: energy and duration, out of a past run where it is
 * asked for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/iso8601.h"
#include "cli/planning.h"
#include "cli/session.h"
#include "cli/when.h"

/* ---- what a run took ---- */

typedef struct taken {
  cli_spent whole;  /* energy absent: not known */
  cli_spent epochs; /* of all of them; duration 0: not told */
  size_t count;     /* of epochs */
  bool resumed;
} taken;

/* What is done again in each epoch; everything else is done once. */
static bool is_of_epochs(const char *phase) {
  static const char *const names[] = {"train", "validate"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const size_t length = strlen(names[i]);
    if (strncmp(phase, names[i], length) == 0 &&
        (phase[length] == '\0' || phase[length] == '/'))
      return true;
  }
  return false;
}

static void add_phases(const json_t *phases, taken *t) {
  bool first = true;
  for (size_t i = 0; i < json_array_size(phases); i++) {
    const json_t *phase = json_array_get(phases, i);
    const char *name = json_string_value(json_object_get(phase, "name"));
    cli_spent one;
    if (name == NULL || !is_of_epochs(name))
      continue;
    cli_spent_read(phase, &one);
    cli_spent_add(&t->epochs, first, &one);
    first = false;
  }
}

/* Of a run taken up from a checkpoint all processes together. */
static void read_result(const json_t *result, taken *t) {
  const json_t *earlier = json_object_get(result, "earlier");
  cli_spent_read(result, &t->whole);
  t->resumed = json_is_object(earlier);
  if (t->resumed) {
    cli_spent before;
    cli_spent_read(earlier, &before);
    cli_spent_add(&t->whole, false, &before);
  }
  const json_int_t count = json_integer_value(json_object_get(result, "epochs"));
  t->count = count > 0 ? (size_t)count : 0;
  add_phases(json_object_get(result, "phases"), t);
}

/* ---- a run that has not ended: what its samples tell ---- */

/* Bounds and source are those of what it has told so far, which is older. */
static enum fr_status read_samples(fr_store *store, int64_t run, taken *t,
                                   fr_error *err) {
  fr_store_power power;
  const enum fr_status status = fr_store_power_of(store, run, &power, err);
  if (status != FR_OK || power.count == 0 || !(power.energy_j > 0))
    return status;
  const fr_measure told = t->whole.energy;
  t->whole.duration_s = (double)power.last_ns * 1e-9;
  t->whole.energy =
      fr_measure_known(told) && told.value > 0
          ? fr_measure_scale(told, power.energy_j / told.value, FR_UNIT_JOULE)
          : (fr_measure){power.energy_j, power.energy_j, power.energy_j, FR_UNIT_JOULE,
                         FR_SOURCE_IMPORT};
  return FR_OK;
}

static bool has_ended(const fr_run *run) { return run->ended_utc_ns != 0; }

static enum fr_status read_run(fr_store *store, const fr_run *run, taken *t,
                               fr_error *err) {
  json_t *result = run->result != NULL ? json_loads(run->result, 0, NULL) : NULL;
  enum fr_status status = FR_OK;
  *t = (taken){.whole.energy = fr_measure_absent(FR_UNIT_JOULE)};
  read_result(result, t);
  json_decref(result);
  if (!has_ended(run))
    status = read_samples(store, run->id, t, err);
  if (status == FR_OK && !(fr_measure_known(t->whole.energy) &&
                           t->whole.energy.value > 0 && t->whole.duration_s > 0))
    status = fr__fail(err, FR_ERR_NOT_FOUND,
                      "run %lld (%.32s, %.16s) does not tell how long it ran and what "
                      "the machine took: --energy and --duration do",
                      (long long)run->id, run->command, run->state);
  return status;
}

/* ---- with another number of epochs ---- */

/* fixed + epochs × per epoch. Bounds: a meter's error is of its whole reading, so they
 * are as wide, relatively, as the run's. */
static enum fr_status extrapolate(const fr_run *run, size_t epochs, taken *t,
                                  fr_error *err) {
  const fr_measure all = t->whole.energy, each = t->epochs.energy;
  if (t->resumed)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "run %lld was taken up from a checkpoint: its phases are not those "
                    "of all its epochs, so --epochs cannot be reckoned",
                    (long long)run->id);
  if (t->count == 0 || !fr_measure_known(each) || !(t->epochs.duration_s > 0))
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "run %lld (%.32s, %.16s) does not tell what its epochs took: a run "
                    "of frugal train, transfer or extend that ended does",
                    (long long)run->id, run->command, run->state);
  const double more = (double)epochs / (double)t->count - 1;
  const double share = fmax(0, fmin(1, each.value / all.value));
  const double time = fmin(1, t->epochs.duration_s / t->whole.duration_s);
  t->whole.energy = fr_measure_scale(all, 1 + more * share, FR_UNIT_JOULE);
  t->whole.duration_s *= 1 + more * time;
  return FR_OK;
}

static void tell_epochs(const cli_planning_options *o, const taken *t,
                        cli_planned_job *out, cli_result *result) {
  const size_t used = strlen(out->from);
  (void)snprintf(out->from + used, sizeof out->from - used,
                 ", extrapolated from %zu epoch%s to %zu", t->count,
                 t->count == 1 ? "" : "s", o->epochs);
  if (result != NULL && o->epochs > 10 * t->count)
    cli_warn(result,
             "energy and duration are extrapolated from %zu epoch%s to %zu: the first "
             "ones may not be like the rest",
             t->count, t->count == 1 ? "" : "s", o->epochs);
}

static enum fr_status from_run(const cli_planning_options *o, fr_store *store,
                               const fr_run *run, taken *t, cli_planned_job *out,
                               cli_result *result, fr_error *err) {
  enum fr_status status = read_run(store, run, t, err);
  (void)snprintf(out->from, sizeof out->from, "run %lld (%.32s%s%.32s)",
                 (long long)run->id, run->command, has_ended(run) ? "" : ", ",
                 has_ended(run) ? "" : run->state);
  if (status == FR_OK && o->epochs > 0) {
    const size_t count = t->count;
    status = extrapolate(run, o->epochs, t, err);
    if (status == FR_OK && count != o->epochs)
      tell_epochs(o, t, out, result);
  }
  if (status == FR_OK && result != NULL && !has_ended(run))
    cli_warn(result,
             "run %lld has not ended (%s): what is planned is as much as it took up to "
             "then; --duration or --scale tell how much it is",
             (long long)run->id, run->state);
  return status;
}

static enum fr_status look_up(const cli_planning_options *o, const char *path, taken *t,
                              cli_planned_job *out, cli_result *result, fr_error *err) {
  fr_store *store = NULL;
  fr_run run = {0};
  enum fr_status status = fr_store_open_read(path, &store, err);
  if (status == FR_OK)
    status = fr_store_run_get(store, o->run, &run, err);
  if (status == FR_OK)
    status = from_run(o, store, &run, t, out, result, err);
  fr_run_release(&run);
  fr_store_close(store);
  return status;
}

/* ---- two of energy, power and duration tell the third ---- */

typedef struct size_of {
  fr_measure energy; /* absent: not told */
  double duration_s; /* 0: not told */
} size_of;

static size_of by_run(const cli_planning_options *o, const taken *t) {
  const double watts = t->whole.energy.value / t->whole.duration_s;
  size_of s = {t->whole.energy, t->whole.duration_s};
  if (o->duration_s > 0) {
    s.duration_s = (double)o->duration_s;
    s.energy =
        fr_measure_scale(s.energy, s.duration_s / t->whole.duration_s, FR_UNIT_JOULE);
  } else if (fr_measure_known(o->energy)) {
    s.energy = o->energy;
    s.duration_s = o->energy.value / watts;
  }
  return s;
}

static size_of by_word(const cli_planning_options *o) {
  size_of s = {o->energy, (double)o->duration_s};
  if (fr_measure_known(o->power) && o->duration_s > 0)
    s.energy = fr_measure_scale(o->power, s.duration_s, FR_UNIT_JOULE);
  else if (fr_measure_known(o->power) && fr_measure_known(o->energy))
    s.duration_s = o->energy.value / o->power.value;
  return s;
}

/* ---- the job ---- */

#define NOMINAL_W 1000.0

static enum fr_status check_times(const fr_job *job, bool whole, fr_error *err) {
  char deadline[FR__LOCAL_TEXT], work[48], left[48];
  fr__time_format_local(job->deadline_s, deadline);
  cli_span_format(job->duration_s, work, sizeof work);
  cli_span_format(job->deadline_s - job->now_s, left, sizeof left);
  if (job->deadline_s <= job->now_s)
    return fr__fail(err, FR_ERR_ARGUMENT, "the deadline, %s, is over", deadline);
  if (job->deadline_s - job->now_s > FR_PLAN_SECONDS_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "the deadline, %s, is more than ten years away",
                    deadline);
  if (whole && job->duration_s > job->deadline_s - job->now_s)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%s of work do not fit before the deadline, %s, in %s", work,
                    deadline, left);
  return FR_OK;
}

static enum fr_status take_size(const cli_planning_options *o, size_of size,
                                cli_planned_job *out, fr_error *err) {
  const double seconds = ceil(size.duration_s * o->scale - 1e-6);
  if (!(size.duration_s > 0))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "how long the job takes is not told: --duration 3h, or --run ID");
  if (!(seconds <= (double)FR_PLAN_SECONDS_CEILING))
    return fr__fail(err, FR_ERR_LIMIT, "a job of %.3g years is longer than ten",
                    seconds / (365.25 * 86400));
  out->energy_known = fr_measure_known(size.energy);
  out->job.duration_s = seconds >= 1 ? (int64_t)seconds : 1;
  const double nominal_j = NOMINAL_W * (double)out->job.duration_s;
  out->job.energy_j = out->energy_known
                          ? fr_measure_scale(size.energy, o->scale, FR_UNIT_JOULE)
                          : (fr_measure){nominal_j, nominal_j, nominal_j, FR_UNIT_JOULE,
                                         FR_SOURCE_IMPORT};
  return FR_OK;
}

enum fr_status cli_planning_job(const cli_planning_options *options, const char *store,
                                int64_t now_s, cli_planned_job *out, cli_result *result,
                                fr_error *err) {
  const cli_planning_options *o = options;
  cli_planned_job made = {.from = "told",
                          .job = {.now_s = now_s,
                                  .interruptible = o->interruptible,
                                  .min_piece_s = o->min_piece_s,
                                  .most_pieces = o->most_pieces,
                                  .resume_s = o->resume_s,
                                  .resume_j = o->resume_j}};
  taken t;
  if (o->deadline_in_s == 0 && o->deadline_at_s == FR_TIME_EARLIEST)
    return fr__fail(err, FR_ERR_ARGUMENT, "no deadline is told: --deadline 24h");
  made.job.deadline_s =
      o->deadline_in_s > 0 ? now_s + o->deadline_in_s : o->deadline_at_s;
  enum fr_status status = check_times(&made.job, false, err);
  if (status == FR_OK && o->run != 0)
    status = look_up(o, store, &t, &made, result, err);
  if (status == FR_OK)
    status = take_size(o, o->run != 0 ? by_run(o, &t) : by_word(o), &made, err);
  if (status == FR_OK)
    status = check_times(&made.job, true, err);
  if (status == FR_OK)
    *out = made;
  return status;
}
