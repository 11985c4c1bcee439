/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features of frequency and period. What Vaizman et al. 2017 leave open was fitted to the
 * published columns, where a constant magnitude has energy 153.995 = exp(5.04340) - 1 in
 * band 0 and entropy 0.429579: a symmetric Hamming window, energies as thousandths of the
 * whole power, the bin of 0 Hz counted in the whole and in no band. See docs/features.md.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "data/feature.h"

#define PI 3.14159265358979323846
#define BANDS 5
#define ENERGY_SCALE 1000.0
#define CONSTANT 1e-12 /* of the mean's square: a smaller variance is rounding */

/* ---- spectrum ---- */

enum fr_status fr__spectrum_init(fr__spectrum *spectrum, size_t n, fr_error *err) {
  fr__spectrum made = {0};
  const enum fr_status status = fr__fft_init(&made.fft, n, err);
  if (status != FR_OK)
    return status;
  made.taper = malloc(n * sizeof *made.taper);
  made.x = malloc(n * sizeof *made.x);
  made.power[0] = malloc(2 * (n / 2 + 1) * sizeof *made.power[0]);
  if (!made.taper || !made.x || !made.power[0]) {
    fr__spectrum_release(&made);
    return fr__fail_memory(err, "a spectrum");
  }
  made.power[1] = made.power[0] + n / 2 + 1;
  for (size_t t = 0; t < n; t++)
    made.taper[t] = 0.54 - 0.46 * cos(2 * PI * (double)t / (double)(n - 1));
  *spectrum = made;
  return FR_OK;
}

void fr__spectrum_release(fr__spectrum *spectrum) {
  fr__fft_release(&spectrum->fft);
  free(spectrum->taper);
  free(spectrum->x);
  free(spectrum->power[0]);
  *spectrum = (fr__spectrum){0};
}

/* Powers of a and b from the transform of a + i b: A = (X[k] + conj X[-k]) / 2, and
 * B = (X[k] - conj X[-k]) / 2i. */
static void part_powers(fr__spectrum *s) {
  const size_t n = s->fft.n;
  for (size_t k = 0; k <= n / 2; k++) {
    const fr__complex p = s->x[k], q = s->x[k ? n - k : 0];
    const double a_re = p.re + q.re, a_im = p.im - q.im;
    const double b_re = p.im + q.im, b_im = q.re - p.re;
    s->power[0][k] = (a_re * a_re + a_im * a_im) / 4;
    s->power[1][k] = (b_re * b_re + b_im * b_im) / 4;
  }
}

/* Bands 0-0.5, 0.5-1, 1-3, 3-5 and from 5 Hz on; a frequency belongs to the upper one. */
static size_t band_of(size_t k, size_t n) {
  static const double edge_hz[BANDS - 1] = {0.5, 1, 3, 5};
  const double hz = (double)k * FR__FEATURE_RATE_HZ / (double)n;
  size_t band = 0;
  while (band < BANDS - 1 && hz >= edge_hz[band])
    band++;
  return band;
}

static void spectrum_features(const double *power, size_t n, float out[6]) {
  double whole = 0, energy[BANDS] = {0}, information = 0;
  for (size_t k = 0; k <= n / 2; k++)
    whole += power[k];
  if (whole <= 0) { /* a sensor that gave nothing but zeros */
    for (size_t b = 0; b < BANDS; b++)
      out[b] = 0;
    out[BANDS] = NAN;
    return;
  }
  for (size_t k = 0; k <= n / 2; k++) {
    const double share = power[k] / whole;
    energy[band_of(k, n)] += k > 0 ? share : 0;
    information += share > 0 ? share * log(share) : 0;
  }
  for (size_t b = 0; b < BANDS; b++)
    out[b] = (float)log1p(ENERGY_SCALE * energy[b]);
  out[BANDS] = (float)-information;
}

void fr__feature_spectrum(fr__spectrum *spectrum, const double *a, const double *b,
                          float out_a[6], float out_b[6]) {
  const size_t n = spectrum->fft.n;
  for (size_t t = 0; t < n; t++)
    spectrum->x[t] = (fr__complex){a[t] * spectrum->taper[t], b[t] * spectrum->taper[t]};
  fr__fft_run(&spectrum->fft, spectrum->x);
  part_powers(spectrum);
  spectrum_features(spectrum->power[0], n, out_a);
  spectrum_features(spectrum->power[1], n, out_b);
}

/* ---- period ---- */

enum fr_status fr__lags_init(fr__lags *lags, size_t n, fr_error *err) {
  *lags = (fr__lags){.n = n, .count = n / 2, .sum = calloc(n / 2 + 1, sizeof *lags->sum)};
  return lags->sum ? FR_OK : fr__fail_memory(err, "an autocorrelation");
}

void fr__lags_release(fr__lags *lags) {
  free(lags->sum);
  *lags = (fr__lags){0};
}

/* sum[k] += sign * m[t] m[t + k] for t in [from, to), as long as t + k < end. */
static void add_leading(fr__lags *lags, const double *m, size_t from, size_t to,
                        size_t end, double sign) {
  for (size_t t = from; t < to; t++) {
    const double x = sign * m[t];
    const size_t count = end - t < lags->count ? end - t : lags->count;
    for (size_t k = 0; k < count; k++)
      lags->sum[k] += x * m[t + k];
  }
}

/* Moves the window from lags->start to `start`: pairs that begin before `start` leave,
 * pairs that end in the new steps come. `by` is at most n - count, so that all of those
 * begin at or after `start`. */
static void move_window(fr__lags *lags, const double *m, size_t start) {
  const size_t end = lags->start + lags->n, new_end = start + lags->n;
  add_leading(lags, m, lags->start, start, end, -1);
  for (size_t u = end; u < new_end; u++) {
    const double *back = m + u;
    for (size_t k = 0; k < lags->count; k++)
      lags->sum[k] += back[0] * back[-(ptrdiff_t)k];
  }
}

static void set_window(fr__lags *lags, const double *m, size_t start) {
  const size_t by = start - lags->start;
  if (lags->valid && start >= lags->start && by <= lags->n - lags->count) {
    move_window(lags, m, start);
  } else {
    for (size_t k = 0; k < lags->count; k++)
      lags->sum[k] = 0;
    add_leading(lags, m, start, start + lags->n, start + lags->n, 1);
  }
  lags->start = start;
  lags->valid = true;
}

/* Sum of (m[t] - mean)(m[t + k] - mean) over the window, from the sums of products. */
static double centered(const fr__lags *lags, const double *sum, double mean, size_t k) {
  const size_t a = lags->start, b = lags->start + lags->n;
  const double heads = sum[b - k] - sum[a], tails = sum[b] - sum[a + k];
  return lags->sum[k] - mean * (heads + tails) + (double)(lags->n - k) * mean * mean;
}

void fr__feature_period(fr__lags *lags, const fr__motion *motion, size_t start,
                        float out[2]) {
  set_window(lags, motion->magnitude, start);
  const double *sum = motion->sum;
  const double n = (double)lags->n, mean = (sum[start + lags->n] - sum[start]) / n;
  const double whole = centered(lags, sum, mean, 0);
  out[0] = out[1] = NAN;
  if (!(whole > n * CONSTANT * mean * mean))
    return;
  size_t k = 1;
  while (k + 1 < lags->count && centered(lags, sum, mean, k) > 0)
    k++; /* the main lobe ends where the autocorrelation first crosses zero */
  double best = 0;
  size_t at = 0; /* period 0 says that nothing after the lobe is above zero */
  for (; k < lags->count; k++) {
    const double r = centered(lags, sum, mean, k) / whole;
    if (r > best) {
      best = r;
      at = k;
    }
  }
  out[0] = (float)((double)at / FR__FEATURE_RATE_HZ);
  out[1] = (float)best;
}
