/* SPDX-License-Identifier: Apache-2.0 */
/* One job on one grid: what a schedule costs, and the one that costs least. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "carbon/plan.h"
#include "frugal/carbon.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

void fr_timetable_release(fr_timetable *schedule) {
  free(schedule->piece);
  *schedule = (fr_timetable){0};
}

/* ---- words ---- */

#define SPAN_TEXT 32

/* "3 h", "90 s" */
static void write_span(int64_t seconds, char text[SPAN_TEXT]) {
  if (seconds % 3600 == 0)
    (void)snprintf(text, SPAN_TEXT, "%lld h", (long long)(seconds / 3600));
  else if (seconds % 60 == 0)
    (void)snprintf(text, SPAN_TEXT, "%lld min", (long long)(seconds / 60));
  else
    (void)snprintf(text, SPAN_TEXT, "%lld s", (long long)seconds);
}

static void write_time(int64_t t_s, char text[FR__TIME_TEXT]) {
  const int64_t end = INT64_MAX / 1000000000;
  fr__time_format((t_s > -end && t_s < end ? t_s : 0) * 1000000000, text);
}

/* ---- what makes sense ---- */

static enum fr_status check_energy(const fr_job *job, double pue, fr_error *err) {
  const fr_measure e = job->energy_j;
  if (!fr_measure_known(e) || !(e.value > 0) || !(e.low >= 0) || !(e.low <= e.value) ||
      !(e.high >= e.value) || !isfinite(e.high))
    return fr__fail(err, FR_ERR_ARGUMENT, "the job's energy is not above 0 J");
  if (!(pue >= 1) || !isfinite(pue))
    return fr__fail(err, FR_ERR_ARGUMENT, "a PUE of %g is not 1 or more", pue);
  if (!(job->resume_j >= 0) || !isfinite(job->resume_j))
    return fr__fail(err, FR_ERR_ARGUMENT, "resuming takes %g J, which is not 0 or more",
                    job->resume_j);
  if (job->duration_s < 1 || job->duration_s > FR_PLAN_SECONDS_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "a job of %lld s is not of 1 s to ten years",
                    (long long)job->duration_s);
  return FR_OK;
}

static enum fr_status check(const fr_job *job, double pue, fr_error *err) {
  char takes[SPAN_TEXT], has[SPAN_TEXT];
  const enum fr_status status = check_energy(job, pue, err);
  if (status != FR_OK)
    return status;
  if (job->min_piece_s < 0 || job->resume_s < 0 ||
      job->resume_s > FR_PLAN_SECONDS_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "pieces of %lld s that resume in %lld s make no sense",
                    (long long)job->min_piece_s, (long long)job->resume_s);
  if (job->deadline_s < job->now_s ||
      (uint64_t)job->deadline_s - (uint64_t)job->now_s > FR_PLAN_SECONDS_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the deadline is not between now and ten years from now");
  if (job->deadline_s - job->now_s >= job->duration_s)
    return FR_OK;
  write_span(job->duration_s, takes);
  write_span(job->deadline_s - job->now_s, has);
  return fr__fail(err, FR_ERR_ARGUMENT, "the job takes %s, and the deadline is in %s",
                  takes, has);
}

/* ---- what pieces cost ---- */

/* Sums over the steps of energy × what their intensity is above a first one's: for one
 * intensity all of them are 0, and the mean is that intensity to the bit. */
typedef struct sums {
  const fr_series *series;
  const double *error; /* (series->count) added to each step; NULL: none */
  fr_intensity_step first;
  double energy, value, low, high;
  bool any;
} sums;

static fr_intensity_step step_of(const sums *sum, const fr_intensity_step *step) {
  fr_intensity_step real = *step;
  if (sum->error != NULL)
    real.g_per_kwh = fmax(0, step->g_per_kwh + sum->error[step - sum->series->step]);
  return real;
}

/* [from_s, to_s) has no gap. */
static void add_time(sums *sum, int64_t from_s, int64_t to_s, double watts) {
  const fr_intensity_step *at = fr_series_at(sum->series, from_s);
  for (int64_t t = from_s; t < to_s; t = at++->end_s) {
    const fr_intensity_step step = step_of(sum, at);
    const double energy = watts * (double)(least(step.end_s, to_s) - t);
    if (!sum->any)
      sum->first = step;
    sum->any = true;
    sum->energy += energy;
    sum->value += energy * (step.g_per_kwh - sum->first.g_per_kwh);
    sum->low += energy * (step.low - sum->first.low);
    sum->high += energy * (step.high - sum->first.high);
  }
}

static void add_pieces(sums *sum, const fr_job *job, const fr_piece *piece,
                       size_t count) {
  const double watts = job->energy_j.value / (double)job->duration_s;
  const int64_t resume_s = most(job->resume_s, 1);
  for (size_t i = 0; i < count; i++) {
    add_time(sum, piece[i].start_s, piece[i].end_s, watts);
    if (i > 0 && job->resume_j > 0)
      add_time(sum, piece[i].start_s, least(piece[i].start_s + resume_s, piece[i].end_s),
               job->resume_j / (double)resume_s);
  }
}

double fr__timetable_mean(const fr_series *series, const double *error, const fr_job *job,
                          const fr_timetable *schedule) {
  sums sum = {.series = series, .error = error};
  add_pieces(&sum, job, schedule->piece, schedule->count);
  return sum.first.g_per_kwh + sum.value / sum.energy;
}

static fr_measure mean_of(const sums *sum) {
  const enum fr_source source = sum->series->source;
  const double energy = sum->energy;
  const double value = sum->first.g_per_kwh + sum->value / energy;
  return (fr_measure){.value = value,
                      .low = fmin(value, sum->first.low + sum->low / energy),
                      .high = fmax(value, sum->first.high + sum->high / energy),
                      .unit = FR_UNIT_GRAM_CO2E_PER_KWH,
                      .source = source != FR_SOURCE_NONE ? source : FR_SOURCE_IMPORT};
}

/* The energy of `seconds` in `count` pieces, what resuming costs included. */
static fr_measure energy_of(const fr_job *job, int64_t seconds, size_t count) {
  const double joules = job->resume_j * (double)(count - 1);
  fr_measure energy = job->energy_j;
  if (seconds != job->duration_s)
    energy = fr_measure_scale(energy, (double)seconds / (double)job->duration_s,
                              FR_UNIT_JOULE);
  energy.value += joules;
  energy.low += joules;
  energy.high += joules;
  return energy;
}

static enum fr_status refuse_gap(const fr_series *ahead, const fr_piece *piece,
                                 fr_error *err) {
  char from[FR__TIME_TEXT], to[FR__TIME_TEXT];
  int64_t gap_from_s = 0, gap_to_s = 0;
  if (piece->end_s <= piece->start_s)
    return fr__fail(err, FR_ERR_ARGUMENT, "a piece ends before it begins");
  if (!fr_series_gap(ahead, piece->start_s, piece->end_s, &gap_from_s, &gap_to_s))
    return FR_OK;
  write_time(gap_from_s, from);
  write_time(gap_to_s, to);
  return fr__fail(err, FR_ERR_NOT_FOUND, "no intensity is known from %s to %s", from, to);
}

/* Takes `piece` over. */
static void weigh(const fr_series *ahead, const fr_job *job, double pue, fr_piece *piece,
                  size_t count, fr_timetable *out) {
  sums sum = {.series = ahead};
  int64_t seconds = 0;
  for (size_t i = 0; i < count; i++)
    seconds += piece[i].end_s - piece[i].start_s;
  add_pieces(&sum, job, piece, count);
  const fr_intensity mean = {.g_per_kwh = mean_of(&sum)};
  *out = (fr_timetable){.piece = piece,
                        .count = count,
                        .mean_g_per_kwh = mean.g_per_kwh.value,
                        .energy_j = energy_of(job, seconds, count)};
  out->grams = fr_carbon_grams(out->energy_j, &mean, pue);
}

enum fr_status fr_timetable_of(const fr_series *ahead, const fr_job *job, double pue,
                               const fr_piece *piece, size_t count, fr_timetable *out,
                               fr_error *err) {
  enum fr_status status = check_energy(job, pue, err);
  if (status == FR_OK && count == 0)
    status = fr__fail(err, FR_ERR_ARGUMENT, "a schedule without a piece");
  for (size_t i = 0; status == FR_OK && i < count; i++)
    status = i > 0 && piece[i].start_s < piece[i - 1].end_s
                 ? fr__fail(err, FR_ERR_ARGUMENT, "pieces are not in order of time")
                 : refuse_gap(ahead, &piece[i], err);
  if (status != FR_OK)
    return status;
  fr_piece *own = malloc(count * sizeof *own);
  if (own == NULL)
    return fr__fail_memory(err, "the pieces of a schedule");
  memcpy(own, piece, count * sizeof *own);
  weigh(ahead, job, pue, own, count, out);
  return FR_OK;
}

enum fr_status fr_timetable_from(const fr_series *ahead, const fr_job *job, double pue,
                                 int64_t start_s, fr_timetable *out, fr_error *err) {
  const enum fr_status status = check_energy(job, pue, err);
  if (status != FR_OK)
    return status;
  if (start_s > INT64_MAX - job->duration_s)
    return fr__fail(err, FR_ERR_ARGUMENT, "the job would never end");
  const fr_piece whole = {start_s, start_s + job->duration_s};
  return fr_timetable_of(ahead, job, pue, &whole, 1, out, err);
}

/* ---- the best ---- */

enum fr_status fr__pieces_add(fr__pieces *pieces, int64_t start, int64_t end,
                              fr_error *err) {
  fr_piece *last = pieces->count > 0 ? &pieces->piece[pieces->count - 1] : NULL;
  if (last != NULL && last->end_s == start) {
    last->end_s = end;
    return FR_OK;
  }
  if (pieces->count == pieces->capacity) {
    const size_t capacity = pieces->capacity > 0 ? 2 * pieces->capacity : 8;
    fr_piece *piece = realloc(pieces->piece, capacity * sizeof *piece);
    if (piece == NULL)
      return fr__fail_memory(err, "the pieces of a schedule");
    pieces->piece = piece;
    pieces->capacity = capacity;
  }
  pieces->piece[pieces->count++] = (fr_piece){start, end};
  return FR_OK;
}

static enum fr_status refuse_fit(const fr_job *job, fr_error *err) {
  char takes[SPAN_TEXT], from[FR__TIME_TEXT], to[FR__TIME_TEXT];
  write_span(job->duration_s, takes);
  write_time(job->now_s, from);
  write_time(job->deadline_s, to);
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "between %s and %s there %s %s without a gap in the intensities", from,
                  to, job->interruptible ? "are no pieces of" : "is no", takes);
}

static enum fr_status find(const fr__window *window, const fr_job *job, fr__pieces *out,
                           fr_error *err) {
  int64_t start = 0, cost = 0;
  enum fr_status status = FR_OK;
  if (fr__window_cheapest(window, job->duration_s, &start, &cost)) {
    status = fr__pieces_add(out, start, start + job->duration_s, err);
    out->cost = cost;
  }
  if (status == FR_OK && job->interruptible && job->most_pieces != 1)
    status = fr__plan_pieces(window, job, out, err);
  return status == FR_OK && out->count == 0 ? refuse_fit(job, err) : status;
}

enum fr_status fr_timetable_best(const fr_series *ahead, const fr_job *job, double pue,
                                 fr_timetable *out, fr_error *err) {
  fr__window window = {0};
  fr__pieces pieces = {0};
  enum fr_status status = check(job, pue, err);
  if (status == FR_OK)
    status = fr__window_init(&window, ahead, job->now_s, job->deadline_s, err);
  if (status == FR_OK)
    status = find(&window, job, &pieces, err);
  for (size_t i = 0; status == FR_OK && i < pieces.count; i++) {
    pieces.piece[i].start_s += window.begin_s;
    pieces.piece[i].end_s += window.begin_s;
  }
  if (status == FR_OK) {
    weigh(ahead, job, pue, pieces.piece, pieces.count, out);
    out->loss_g = (double)pieces.loss / window.scale / (double)job->duration_s *
                  job->energy_j.value * pue / 3.6e6;
    pieces.piece = NULL; /* out's now */
  }
  free(pieces.piece);
  fr__window_release(&window);
  return status;
}
