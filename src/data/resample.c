/* SPDX-License-Identifier: Apache-2.0 */
/* Resampling with a windowed sinc (Kaiser, J. F. 1974: the I0-sinh window), which is the
 * low-pass and the interpolation in one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"
#include "data/resample.h"

#define PI 3.14159265358979323846
#define RATIO_MOST 64   /* between the rates */
#define HALF_WIDTH 20   /* taps each side, at the lower of the rates */
#define KAISER_BETA 6.0 /* 63 dB */
/* The cut lies below half of the lower rate by half of the transition, so that the stop
 * band begins where aliases would. */
#define CUT 0.88
#define PHASES_MOST 512

static double bessel_i0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 40; k++) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

/* h(d) = sinc(2 cut d) * kaiser(d / half), d in input steps, cut in cycles per input
 * step. */
static double kernel_at(double d, double half, double cut) {
  const double u = d / half, x = 2 * PI * cut * d;
  if (fabs(u) >= 1)
    return 0;
  return (fabs(x) < 1e-12 ? 1 : sin(x) / x) * bessel_i0(KAISER_BETA * sqrt(1 - u * u));
}

/* The fewest phases that every output step falls on; PHASES_MOST where there are none. */
static size_t choose_phases(double step) {
  for (size_t p = 1; p < PHASES_MOST; p++) {
    const double whole = step * (double)p;
    if (fabs(whole - round(whole)) < 1e-9)
      return p;
  }
  return PHASES_MOST;
}

static void fill_kernel(fr__resampler *r, double half, double cut) {
  for (size_t p = 0; p <= r->phases; p++) {
    float *row = r->kernel + p * r->taps;
    const double at = (double)p / (double)r->phases + (double)(r->taps / 2 - 1);
    double sum = 0;
    for (size_t j = 0; j < r->taps; j++)
      sum += kernel_at((double)j - at, half, cut);
    for (size_t j = 0; j < r->taps; j++)
      row[j] = (float)(kernel_at((double)j - at, half, cut) / sum);
  }
}

enum fr_status fr__resampler_init(fr__resampler *resampler, double from_hz, double to_hz,
                                  fr_error *err) {
  const double step = from_hz / to_hz;
  if (!(from_hz > 0 && to_hz > 0 && step <= RATIO_MOST && step >= 1.0 / RATIO_MOST))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "resampling from %g Hz to %g Hz is outside of 1:%d to %d:1", from_hz,
                    to_hz, RATIO_MOST, RATIO_MOST);
  const double half = HALF_WIDTH * fmax(1, step), cut = 0.5 * CUT / fmax(1, step);
  fr__resampler r = {.step = step, .phases = choose_phases(step)};
  r.taps = 2 * (size_t)ceil(half);
  r.kernel = malloc((r.phases + 1) * r.taps * sizeof *r.kernel);
  r.between = malloc(r.taps * sizeof *r.between);
  if (!r.kernel || !r.between) {
    fr__resampler_release(&r);
    return fr__fail_memory(err, "a resampler");
  }
  fill_kernel(&r, half, cut);
  *resampler = r;
  return FR_OK;
}

void fr__resampler_release(fr__resampler *resampler) {
  free(resampler->kernel);
  free(resampler->between);
  *resampler = (fr__resampler){0};
}

size_t fr__resampler_steps(const fr__resampler *resampler, size_t steps) {
  return steps == 0 ? 0 : (size_t)((double)(steps - 1) / resampler->step + 1e-9) + 1;
}

/* The row of weights for a place `between` 0 and 1 behind an input step. */
static const float *weights_at(const fr__resampler *r, double between) {
  const double phase = between * (double)r->phases;
  const size_t p = (size_t)(phase + 1e-6);
  const float w = (float)(phase - (double)p);
  const float *row = r->kernel + p * r->taps;
  if (fabsf(w) < 1e-5f)
    return row;
  for (size_t j = 0; j < r->taps; j++)
    r->between[j] = row[j] + w * (row[j + r->taps] - row[j]);
  return r->between;
}

/* out[c] = sum of w[j] in[j][c] / sum of w[j] over `count` taps. */
static void blend(const float *w, size_t count, const float *in, size_t channels,
                  float *out) {
  float sum = 0;
  memset(out, 0, channels * sizeof *out);
  for (size_t j = 0; j < count; j++) {
    sum += w[j];
    for (size_t c = 0; c < channels; c++)
      out[c] += w[j] * in[j * channels + c];
  }
  for (size_t c = 0; c < channels; c++)
    out[c] /= sum;
}

/* The same over values that are there. */
static void blend_present(const float *w, size_t count, const float *in, size_t channels,
                          float *out) {
  for (size_t c = 0; c < channels; c++) {
    float sum = 0, total = 0;
    for (size_t j = 0; j < count; j++) {
      const float x = in[j * channels + c];
      if (isnan(x))
        continue;
      sum += w[j];
      total += w[j] * x;
    }
    out[c] = sum > 0.5f ? total / sum : NAN;
  }
}

static bool any_missing(const float *values, size_t count) {
  bool missing = false;
  for (size_t i = 0; i < count; i++)
    missing |= isnan(values[i]) != 0;
  return missing;
}

void fr__resampler_run(const fr__resampler *resampler, const float *in, size_t steps,
                       size_t channels, float *out) {
  const bool missing = any_missing(in, steps * channels);
  const size_t half = resampler->taps / 2, count = fr__resampler_steps(resampler, steps);
  for (size_t n = 0; n < count; n++) {
    const double at = (double)n * resampler->step + 1e-9;
    const size_t i = (size_t)at;
    const float *w = weights_at(resampler, fmax(at - (double)i - 1e-9, 0));
    /* Tap j is input step i + 1 - half + j; taps outside of the record are left away. */
    const size_t skip = i + 1 < half ? half - i - 1 : 0;
    const size_t first = i + 1 + skip - half;
    const size_t room = steps - first, rest = resampler->taps - skip;
    const size_t used = rest < room ? rest : room;
    (missing ? blend_present : blend)(w + skip, used, in + first * channels, channels,
                                      out + n * channels);
  }
}

/* ---- of a data set ---- */

/* Angles that wrap around cannot be averaged, nor key points, which are zero where they
 * were not found: those channels take the nearest step. */
static bool is_blended(const char *channel) {
  static const char *const not [] = {"attitude.",  "pose.",       "face.",
                                     "left_hand.", "right_hand.", "hand."};
  for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
    if (strncmp(channel, not [i], strlen(not [i])) == 0)
      return false;
  return true;
}

static void copy_nearest(const fr_dataset *data, const fr__resampler *r,
                         const fr_record *from, float *out) {
  const size_t channels = data->channels.count,
               count = fr__resampler_steps(r, from->steps);
  for (size_t c = 0; c < channels; c++) {
    if (is_blended(data->channels.name[c]))
      continue;
    for (size_t n = 0; n < count; n++) {
      const size_t near = (size_t)((double)n * r->step + 0.5);
      const size_t last = from->steps - 1;
      out[n * channels + c] = from->values[(near < last ? near : last) * channels + c];
    }
  }
}

static enum fr_status copy_all_names(const fr_dataset *from, fr_dataset *to,
                                     fr_error *err) {
  enum fr_status status = fr__names_copy(&from->channels, &to->channels, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->subjects, &to->subjects, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->activities, &to->activities, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->trials, &to->trials, err);
  return status == FR_OK ? fr__names_copy(&from->labels, &to->labels, err) : status;
}

/* A window lasts as long as it did. */
static size_t window_of(const fr_dataset *from, double rate_hz) {
  const double window = (double)from->window * rate_hz / from->rate_hz;
  return from->window == 0 ? 0 : window < 1 ? 1 : (size_t)(window + 0.5);
}

/* What features take of the frame before is of its rate. */
static enum fr_status check_series(const fr_dataset *series, fr_error *err) {
  if (series->rate_hz <= 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' holds feature vectors, which have no rate", series->spec);
  if (series->frames != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' holds features of frames at %g Hz, which have no other rate",
                    series->spec, series->rate_hz);
  return FR_OK;
}

static enum fr_status resample_record(const fr_dataset *series, const fr__resampler *r,
                                      double rate_hz, size_t i, fr__builder *builder,
                                      fr_error *err) {
  fr_record about = series->record[i];
  const size_t steps = fr__resampler_steps(r, about.steps);
  float *out = fr__builder_room(builder, steps, err);
  if (!out)
    return err ? err->status : FR_ERR_MEMORY;
  fr__resampler_run(r, about.values, about.steps, series->channels.count, out);
  copy_nearest(series, r, &about, out);
  about.steps = steps;
  about.span_s = (double)steps / rate_hz;
  return fr__builder_add(builder, &about,
                         series->label ? series->label + i * series->labels.count : NULL,
                         err);
}

enum fr_status fr_dataset_resample(const fr_dataset *series, double rate_hz,
                                   fr_dataset **out, fr_error *err) {
  fr_error own;
  err = err ? err : &own;
  if (series->rate_hz > 0 && series->rate_hz == rate_hz)
    return fr_dataset_copy(series, out, err);
  fr__resampler r = {0};
  fr__builder builder = {0};
  enum fr_status status = check_series(series, err);
  if (status == FR_OK)
    status = fr__resampler_init(&r, series->rate_hz, rate_hz, err);
  if (status == FR_OK)
    status = fr__builder_init(&builder, series->kind, series->split, series->spec,
                              rate_hz, err);
  if (status == FR_OK)
    status = copy_all_names(series, builder.data, err);
  if (status == FR_OK)
    builder.data->window = window_of(series, rate_hz);
  for (size_t i = 0; i < series->count && status == FR_OK; i++)
    status = resample_record(series, &r, rate_hz, i, &builder, err);
  if (status == FR_OK)
    status = fr__builder_finish(&builder, out, err);
  fr__builder_release(&builder);
  fr__resampler_release(&r);
  return status;
}
