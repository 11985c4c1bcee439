/* SPDX-License-Identifier: Apache-2.0 */
/* From series of motion to feature vectors in ExtraSensory's columns. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/feature.h"
#include "data/reader.h"
#include "data/resample.h"

#define INPUTS 9 /* channels that are needed */
#define SERIES 6 /* total acceleration x, y, z and rotation rate x, y, z */
#define WINDOW_LEAST 40
#define WINDOW_MOST 24000 /* samples: ten minutes */

static const char *const inputs[INPUTS] = {
    "gravity.x",          "gravity.y",          "gravity.z",
    "userAcceleration.x", "userAcceleration.y", "userAcceleration.z",
    "rotationRate.x",     "rotationRate.y",     "rotationRate.z",
};

/* All that one record after the other is worked on with. */
typedef struct job {
  const fr_dataset *series;
  uint32_t input[INPUTS]; /* into series->channels */
  size_t n;               /* samples of a window */
  size_t step;            /* samples from one to the next */
  size_t most;            /* steps of the longest record, resampled */
  fr__resampler resampler;
  float *raw;       /* (most, SERIES) as read; owned */
  float *resampled; /* (most, SERIES) at FR__FEATURE_RATE_HZ; owned */
  fr__motion sensor[2];
  fr__lags lags[2];
  fr__spectrum spectrum;
  fr__ranks ranks;
  fr__builder builder;
} job;

static enum fr_status find_inputs(job *j, fr_error *err) {
  for (size_t i = 0; i < INPUTS; i++) {
    j->input[i] = fr__names_find(&j->series->channels, inputs[i], strlen(inputs[i]));
    if (j->input[i] == FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s' has no channel '%s', which its motion features need",
                      j->series->spec, inputs[i]);
  }
  return FR_OK;
}

static enum fr_status check_window(job *j, double length_s, double step_s,
                                   fr_error *err) {
  const double n = round(length_s * FR__FEATURE_RATE_HZ);
  const double step = round(step_s * FR__FEATURE_RATE_HZ);
  if (!(n >= WINDOW_LEAST && n <= WINDOW_MOST))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "feature windows of %g s are not from 1 s to 600 s", length_s);
  if (!(step >= 1 && step <= WINDOW_MOST))
    return fr__fail(err, FR_ERR_ARGUMENT, "a step of %g s is not from 0.025 s to 600 s",
                    step_s);
  j->n = (size_t)n;
  j->step = (size_t)step;
  return FR_OK;
}

static enum fr_status take_room(job *j, fr_error *err) {
  size_t most = 1;
  for (size_t r = 0; r < j->series->count; r++) {
    const size_t steps = j->series->record[r].steps;
    const size_t resampled = fr__resampler_steps(&j->resampler, steps);
    most = most < steps ? steps : most;
    most = most < resampled ? resampled : most;
  }
  j->raw = calloc(most, SERIES * sizeof *j->raw);
  j->resampled = calloc(most, SERIES * sizeof *j->resampled);
  if (!j->raw || !j->resampled)
    return fr__fail_memory(err, "features");
  j->most = most;
  enum fr_status status = fr__ranks_init(&j->ranks, j->n, err);
  if (status == FR_OK)
    status = fr__spectrum_init(&j->spectrum, j->n, err);
  for (size_t s = 0; s < 2 && status == FR_OK; s++) {
    status = fr__motion_init(&j->sensor[s], most, err);
    if (status == FR_OK)
      status = fr__lags_init(&j->lags[s], j->n, err);
  }
  return status;
}

static void job_release(job *j) {
  fr__builder_release(&j->builder);
  fr__ranks_release(&j->ranks);
  fr__spectrum_release(&j->spectrum);
  for (size_t s = 0; s < 2; s++) {
    fr__motion_release(&j->sensor[s]);
    fr__lags_release(&j->lags[s]);
  }
  fr__resampler_release(&j->resampler);
  free(j->raw);
  free(j->resampled);
}

static enum fr_status name_columns(fr_names *channels, fr_error *err) {
  static const char *const sensors[2] = {"raw_acc", "proc_gyro"};
  for (size_t i = 0; i < 2 * (size_t)FR__FEATURES; i++) {
    char name[64];
    uint32_t index;
    const int length = snprintf(name, sizeof name, "%s:%s", sensors[i / FR__FEATURES],
                                fr__feature_names[i % FR__FEATURES]);
    const enum fr_status status =
        fr__names_add(channels, name, (size_t)length, &index, err);
    if (status != FR_OK)
      return status;
  }
  return FR_OK;
}

static enum fr_status begin_output(job *j, fr_error *err) {
  const fr_dataset *from = j->series;
  enum fr_status status =
      fr__builder_init(&j->builder, from->kind, from->split, from->spec, 0, err);
  if (status != FR_OK)
    return status;
  fr_dataset *to = j->builder.data;
  status = name_columns(&to->channels, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->subjects, &to->subjects, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->activities, &to->activities, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->trials, &to->trials, err);
  return status == FR_OK ? fr__names_copy(&from->labels, &to->labels, err) : status;
}

/* The record as two sensors at 40 Hz: gravity + userAcceleration, and rotationRate. */
static size_t load_record(job *j, const fr_record *r) {
  const size_t channels = j->series->channels.count;
  for (size_t t = 0; t < r->steps; t++) {
    const float *x = r->values + t * channels;
    float *y = j->raw + t * SERIES;
    for (size_t i = 0; i < 3; i++) {
      y[i] = x[j->input[i]] + x[j->input[3 + i]];
      y[3 + i] = x[j->input[6 + i]];
    }
  }
  const size_t steps = fr__resampler_steps(&j->resampler, r->steps);
  const float *from = j->raw;
  if (j->series->rate_hz != FR__FEATURE_RATE_HZ) {
    fr__resampler_run(&j->resampler, j->raw, r->steps, SERIES, j->resampled);
    from = j->resampled;
  }
  for (size_t s = 0; s < 2; s++) {
    for (size_t t = 0; t < steps; t++)
      for (size_t i = 0; i < 3; i++)
        j->sensor[s].axis[i][t] = from[t * SERIES + 3 * s + i];
    fr__motion_prepare(&j->sensor[s], steps);
    j->lags[s].valid = false;
  }
  return steps;
}

/* (2, 26) of the window at `start`. A sensor that misses a step has no features there. */
static void window_features(job *j, size_t start, float *out) {
  float *half[2] = {out, out + FR__FEATURES};
  fr__feature_spectrum(&j->spectrum, j->sensor[0].magnitude + start,
                       j->sensor[1].magnitude + start, half[0] + FR__FEATURE_SPECTRUM,
                       half[1] + FR__FEATURE_SPECTRUM);
  for (size_t s = 0; s < 2; s++) {
    const fr__motion *m = &j->sensor[s];
    if (m->missing[start + j->n] > m->missing[start]) {
      for (size_t i = 0; i < FR__FEATURES; i++)
        half[s][i] = NAN;
      continue;
    }
    fr__feature_stats(m, start, j->n, &j->ranks, half[s] + FR__FEATURE_STATS);
    fr__feature_period(&j->lags[s], m, start, half[s] + FR__FEATURE_PERIOD);
    fr__feature_axes(m, start, j->n, half[s] + FR__FEATURE_AXES);
  }
}

static enum fr_status record_features(job *j, size_t i, fr_error *err) {
  const fr_dataset *series = j->series;
  const size_t steps = load_record(j, &series->record[i]);
  for (size_t start = 0; start + j->n <= steps; start += j->step) {
    fr_record about = series->record[i];
    about.start_s += (double)start / FR__FEATURE_RATE_HZ;
    about.span_s = (double)j->n / FR__FEATURE_RATE_HZ;
    about.steps = 1;
    float *out = fr__builder_room(&j->builder, 1, err);
    if (!out)
      return err->status;
    window_features(j, start, out);
    const enum fr_status status = fr__builder_add(
        &j->builder, &about,
        series->label ? series->label + i * series->labels.count : NULL, err);
    if (status != FR_OK)
      return status;
  }
  return FR_OK;
}

enum fr_status fr_dataset_features(const fr_dataset *series, double length_s,
                                   double step_s, fr_dataset **out, fr_error *err) {
  fr_error own;
  err = err ? err : &own;
  if (series->rate_hz <= 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' holds feature vectors already",
                    series->spec);
  job j = {.series = series};
  enum fr_status status = find_inputs(&j, err);
  if (status == FR_OK)
    status = check_window(&j, length_s, step_s, err);
  if (status == FR_OK)
    status = fr__resampler_init(&j.resampler, series->rate_hz, FR__FEATURE_RATE_HZ, err);
  if (status == FR_OK)
    status = take_room(&j, err);
  if (status == FR_OK)
    status = begin_output(&j, err);
  for (size_t i = 0; i < series->count && status == FR_OK; i++)
    status = record_features(&j, i, err);
  if (status == FR_OK && j.builder.data->count == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "no record of '%s' is %g s long",
                      series->spec, length_s);
  if (status == FR_OK)
    status = fr__builder_finish(&j.builder, out, err);
  job_release(&j);
  return status;
}
