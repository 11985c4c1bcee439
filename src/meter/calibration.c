/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line through what a sensor says of a machine under known loads:
 *     power = level + core × (busy - mean busy) + drift × (t - mean t)
 * by Huber's M-estimator (Huber 1981, "Robust Statistics", 7.8: weights min(1, k s / |r|)
 * with k = 1.345 and s = median |r| / 0.6745), and idle = level - core × mean busy.
 */
#include "frugal/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/student.h"

enum { TERMS = 3, ROUNDS = 100, LOOKS = FR_CALIBRATION_LOOKS_MOST };
enum { GROUPS = FR_CALIBRATION_GROUPS };
#define HUBER_K 1.345
#define MAD_OF_NORMAL 0.6744897501960817
/* A rounded power is off by up to half a step, the same each time that the load is the
 * same: step / sqrt(12) of one level, step / sqrt(6) of the difference of two; 95 %. */
#define ROUNDED_ONE 0.57
#define ROUNDED_TWO 0.80
/* Without these, simulated intervals of 18 looks hold the truth in 93 of 100 cases, and
 * in 91 where noise outlasts a look: Huber's covariance is of many looks. */
#define FEW_LOOKS 1.08
#define SERIES 2.5
#define RANGE_LEAST 0.25 /* busy cores between rest and full load */
/* A second of one code may draw other watts than one of another: as in phases. */
#define OTHER_CODE 0.30

typedef struct fit {
  size_t n;
  double x[LOOKS][TERMS], y[LOOKS];
  double r[LOOKS], w[LOOKS]; /* residuals, robust weights */
  double beta[TERMS];
  double scale;       /* of the residuals */
  double mean_busy;   /* what x is counted from */
  double core_half_w; /* of 95 %, by chance alone */
  double idle_half_w; /* likewise */
} fit;

static double square(double x) { return x * x; }

/* ---- three equations ---- */

/* a becomes its inverse; a is positive definite, or a term is left out: its row and
 * column are 0, and stay so. */
static void invert(double a[TERMS][TERMS]) {
  double inverse[TERMS][TERMS] = {{0}};
  for (int i = 0; i < TERMS; i++)
    inverse[i][i] = a[i][i] > 0;
  for (int i = 0; i < TERMS; i++) {
    const double pivot = a[i][i];
    for (int k = 0; k < TERMS && pivot > 0; k++) {
      a[i][k] /= pivot;
      inverse[i][k] /= pivot;
    }
    for (int j = 0; j < TERMS && pivot > 0; j++) {
      const double factor = a[j][i];
      for (int k = 0; k < TERMS && j != i; k++) {
        a[j][k] -= factor * a[i][k];
        inverse[j][k] -= factor * inverse[i][k];
      }
    }
  }
  memcpy(a, inverse, sizeof inverse);
}

/* (X' diag(w) X)^-1; w NULL: 1. */
static void bread(const fit *f, const double *w, double out[TERMS][TERMS]) {
  memset(out, 0, sizeof(double[TERMS][TERMS]));
  for (size_t i = 0; i < f->n; i++)
    for (int j = 0; j < TERMS; j++)
      for (int k = 0; k < TERMS; k++)
        out[j][k] += (w != NULL ? w[i] : 1) * f->x[i][j] * f->x[i][k];
  invert(out);
}

/* a' M b */
static double form(const double *a, double m[TERMS][TERMS], const double *b) {
  double sum = 0;
  for (int j = 0; j < TERMS; j++)
    for (int k = 0; k < TERMS; k++)
      sum += a[j] * m[j][k] * b[k];
  return sum;
}

/* ---- the line ---- */

static void solve(fit *f) {
  double m[TERMS][TERMS], sum[TERMS] = {0};
  bread(f, f->w, m);
  for (size_t i = 0; i < f->n; i++)
    for (int j = 0; j < TERMS; j++)
      sum[j] += f->w[i] * f->x[i][j] * f->y[i];
  for (int j = 0; j < TERMS; j++) {
    f->beta[j] = 0;
    for (int k = 0; k < TERMS; k++)
      f->beta[j] += m[j][k] * sum[k];
  }
  for (size_t i = 0; i < f->n; i++) {
    f->r[i] = f->y[i];
    for (int j = 0; j < TERMS; j++)
      f->r[i] -= f->x[i][j] * f->beta[j];
  }
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_size(const double *x, size_t n) {
  double size[LOOKS];
  for (size_t i = 0; i < n; i++)
    size[i] = fabs(x[i]);
  qsort(size, n, sizeof *size, ascending);
  return n % 2 == 1 ? size[n / 2] : (size[n / 2 - 1] + size[n / 2]) / 2;
}

/* The scale has a floor, so that a sensor without noise has weights too. */
static void fit_line(fit *f) {
  double most = 0;
  for (size_t i = 0; i < f->n; i++) {
    most = fmax(most, fabs(f->y[i]));
    f->w[i] = 1;
  }
  solve(f);
  for (int round = 0; round < ROUNDS; round++) {
    double before[TERMS], moved = 0;
    memcpy(before, f->beta, sizeof before);
    f->scale = fmax(median_size(f->r, f->n) / MAD_OF_NORMAL, 1e-9 * most);
    for (size_t i = 0; i < f->n; i++)
      f->w[i] =
          fabs(f->r[i]) <= HUBER_K * f->scale ? 1 : HUBER_K * f->scale / fabs(f->r[i]);
    solve(f);
    for (int j = 0; j < TERMS; j++)
      moved = fmax(moved, fabs(f->beta[j] - before[j]));
    if (moved <= 1e-12 * most)
      break;
  }
}

/* ---- chance ---- */

/*
 * Huber's own covariance (1981, 7.6.10), K² [Σ ψ² / (n - p)] / [mean ψ']² (X'X)^-1 with
 * K = 1 + (p / n) var ψ' / (mean ψ')², and one that holds where looks differ in noise:
 * HC3 (MacKinnon and White 1985; Long and Ervin 2000 advise it below 250 looks). The
 * variance of g' beta: the greater one.
 */
static double variance(const fit *f, const double *g) {
  const double n = (double)f->n, p = f->x[0][2] != 0 || f->x[1][2] != 0 ? 3 : 2;
  double m[TERMS][TERMS], squares = 0, inside = 0, sandwich = 0;
  for (size_t i = 0; i < f->n; i++) {
    squares += square(f->w[i] * f->r[i]);
    inside += f->w[i] >= 1;
  }
  const double mean = inside / n, spread = mean * (1 - mean);
  const double k = 1 + p / n * spread / square(mean);
  bread(f, NULL, m);
  const double huber = square(k) * squares / (n - p) / square(mean) * form(g, m, g);
  bread(f, f->w, m);
  for (size_t i = 0; i < f->n; i++) {
    const double leverage = fmin(f->w[i] * form(f->x[i], m, f->x[i]), 0.99);
    sandwich += square(f->w[i] * f->r[i] / (1 - leverage) * form(g, m, f->x[i]));
  }
  return fmax(huber, sandwich);
}

/* What neighbours in time have in common makes a mean less sure than its looks say: of n
 * only n (1 - r) / (1 + r) count; r is corrected for what few looks hide of it (Marriott
 * and Pope 1954), and for the three terms that follow the noise. The slope gains from it,
 * as loads are mixed. */
static double neighbours(const fit *f) {
  double together = 0, squares = 0;
  for (size_t i = 0; i < f->n; i++) {
    squares += square(f->w[i] * f->r[i]);
    if (i > 0)
      together += f->w[i] * f->r[i] * f->w[i - 1] * f->r[i - 1];
  }
  const double r = squares > 0 ? together / squares : 0;
  return fmin(fmax(r + SERIES * (1 + 4 * r) / (double)f->n, 0), 0.8);
}

static void find_chance(fit *f) {
  const double core[TERMS] = {0, 1, 0}, idle[TERMS] = {1, -f->mean_busy, 0};
  const double t = FEW_LOOKS * fr__t_quantile(0.975, (double)(f->n - TERMS));
  const double r = neighbours(f);
  f->core_half_w = t * sqrt(variance(f, core));
  f->idle_half_w = t * sqrt(variance(f, idle) * (1 + r) / (1 - r));
}

/* ---- lack of fit ---- */

typedef struct group {
  double busy, r, weight; /* means, robust */
  size_t count;
} group;

typedef struct bend {
  bool beyond_chance;
  double most_w, idle_w, core_w; /* of a load's mean off the line; of the figures */
} bend;

static size_t find_groups(const fit *f, const fr_calibration_look *look,
                          group g[GROUPS]) {
  memset(g, 0, GROUPS * sizeof *g);
  for (size_t i = 0; i < f->n; i++) {
    group *one = &g[look[i].group];
    one->busy += f->w[i] * look[i].busy_cores;
    one->r += f->w[i] * f->r[i];
    one->weight += f->w[i];
    one->count++;
  }
  size_t groups = 0;
  for (size_t k = 0; k < GROUPS; k++) {
    if (g[k].count == 0)
      continue;
    g[k].busy /= g[k].weight;
    g[k].r /= g[k].weight;
    g[groups++] = g[k];
  }
  return groups;
}

/* The deviation of looks of one load from its mean: noise alone, whatever the line. */
static double pure_deviation(const fit *f, const fr_calibration_look *look,
                             size_t groups) {
  double sum[GROUPS] = {0}, weight[GROUPS] = {0}, squares = 0;
  for (size_t i = 0; i < f->n; i++) {
    sum[look[i].group] += f->w[i] * f->r[i];
    weight[look[i].group] += f->w[i];
  }
  for (size_t i = 0; i < f->n; i++) {
    const size_t k = look[i].group;
    squares += f->w[i] * square(f->r[i] - sum[k] / weight[k]);
  }
  return sqrt(squares / (double)(f->n - groups));
}

/* Each load's mean against the line, by t tests that share 5 % (Bonferroni); what the
 * figures must be widened by so that each load between rest and the highest is held. */
static bend find_bend(const fit *f, const fr_calibration_look *look) {
  group g[GROUPS];
  const size_t groups = find_groups(f, look, g);
  bend out = {0};
  if (groups < 3 || f->n < groups + 2)
    return out;
  const double noise = fmax(pure_deviation(f, look, groups), 1e-9 * fabs(f->beta[0]));
  const double t =
      fr__t_quantile(1 - 0.025 / (double)groups, (double)(f->n - groups - 1));
  const double chance_w = t * noise; /* of one look */
  size_t rest = 0;
  for (size_t k = 0; k < groups; k++) {
    rest = g[k].busy < g[rest].busy ? k : rest;
    out.most_w = fmax(out.most_w, fabs(g[k].r));
    out.beyond_chance |= fabs(g[k].r) > chance_w / sqrt((double)g[k].count);
  }
  out.idle_w = fabs(g[rest].r) + chance_w / sqrt((double)g[rest].count);
  for (size_t k = 0; k < groups; k++) {
    const double cores = g[k].busy - g[rest].busy;
    const double of_means = sqrt(1 / (double)g[k].count + 1 / (double)g[rest].count);
    if (cores >= RANGE_LEAST)
      out.core_w =
          fmax(out.core_w, (fabs(g[k].r - g[rest].r) + chance_w * of_means) / cores);
  }
  return out;
}

/* ---- what is asked ---- */

static enum fr_status check(const fr_calibration_look *look, size_t n,
                            enum fr_source source, fr_error *err) {
  double low = INFINITY, high = -INFINITY;
  if (source == FR_SOURCE_MODEL || source == FR_SOURCE_NONE)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the model cannot be calibrated against itself: it takes a sensor "
                    "that measures");
  if (n < FR_CALIBRATION_LOOKS_LEAST || n > LOOKS)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a calibration takes %d to %d looks, there are %zu",
                    FR_CALIBRATION_LOOKS_LEAST, LOOKS, n);
  for (size_t i = 0; i < n; i++) {
    const fr_calibration_look *l = &look[i];
    if (!isfinite(l->t_s) || !isfinite(l->power_w) || !isfinite(l->busy_cores) ||
        !isfinite(l->other_cores))
      return fr__fail(err, FR_ERR_NUMERIC, "look %zu of the calibration is not finite",
                      i + 1);
    if (l->group >= GROUPS)
      return fr__fail(err, FR_ERR_ARGUMENT, "look %zu is of load %zu: there are %d",
                      i + 1, l->group, GROUPS);
    low = fmin(low, l->busy_cores);
    high = fmax(high, l->busy_cores);
  }
  if (high - low < RANGE_LEAST)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the machine was never at rest, or never busy: %.2f to %.2f busy "
                    "cores tell nothing of one",
                    low, high);
  return FR_OK;
}

static void take_looks(fit *f, const fr_calibration_look *look, size_t n) {
  double mean_s = 0;
  *f = (fit){.n = n};
  for (size_t i = 0; i < n; i++) {
    f->mean_busy += look[i].busy_cores / (double)n;
    mean_s += look[i].t_s / (double)n;
  }
  for (size_t i = 0; i < n; i++) {
    f->x[i][0] = 1;
    f->x[i][1] = look[i].busy_cores - f->mean_busy;
    f->x[i][2] = look[i].t_s - mean_s;
    f->y[i] = look[i].power_w;
  }
}

static fr_measure watts(double value, double half, enum fr_source source) {
  return (fr_measure){.value = value,
                      .low = fmax(value - half, 0),
                      .high = value + half,
                      .unit = FR_UNIT_WATT,
                      .source = source};
}

static double range_of(const fit *f) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < f->n; i++) {
    low = fmin(low, f->x[i][1]);
    high = fmax(high, f->x[i][1]);
  }
  return high - low;
}

/* 95 % by chance, rounding included. */
static void widen(fit *f, double quantum_w) {
  f->core_half_w = hypot(f->core_half_w, ROUNDED_TWO * quantum_w / range_of(f));
  f->idle_half_w = hypot(f->idle_half_w, ROUNDED_ONE * quantum_w);
}

static void fill(const fit *f, const bend *b, double other_cores, enum fr_source source,
                 double accuracy, fr_calibration *out) {
  const double core_w = f->beta[1];
  const double idle_w = fmax(f->beta[0] - core_w * f->mean_busy, 0);
  const double other_w = OTHER_CODE * core_w * other_cores;
  const double bent = b->beyond_chance ? 1 : 0;
  out->core_spread_w = hypot(f->core_half_w, bent * b->core_w);
  out->idle_spread_w = hypot(hypot(f->idle_half_w, bent * b->idle_w), other_w);
  out->core_w = watts(core_w, hypot(out->core_spread_w, accuracy * core_w), source);
  out->idle_w = watts(idle_w, hypot(out->idle_spread_w, accuracy * idle_w), source);
  out->source = source;
  out->residual_w = f->scale;
  out->bend_w = b->most_w;
  out->bent = b->beyond_chance;
  out->drift_w = f->beta[2] * (f->x[f->n - 1][2] - f->x[0][2]);
  out->other_cores = other_cores;
  out->looks = f->n;
}

enum fr_status fr_calibration_fit(const fr_calibration_look *look, size_t n,
                                  enum fr_source source, double accuracy,
                                  double quantum_w, fr_calibration *out, fr_error *err) {
  enum fr_status status = check(look, n, source, err);
  fit *f = status == FR_OK ? malloc(sizeof *f) : NULL;
  if (f == NULL)
    return status != FR_OK ? status : fr__fail_memory(err, "a calibration");
  take_looks(f, look, n);
  fit_line(f);
  find_chance(f);
  widen(f, quantum_w);
  if (f->beta[1] - f->core_half_w > 0) {
    double other_cores = 0;
    for (size_t i = 0; i < n; i++)
      other_cores += look[i].other_cores / (double)n;
    const bend b = find_bend(f, look);
    fill(f, &b, other_cores, source, accuracy, out);
  } else {
    status =
        fr__fail(err, FR_ERR_NUMERIC,
                 "the sensor does not react to load: %.3g W a busy core, %.3g to "
                 "%.3g W",
                 f->beta[1], f->beta[1] - f->core_half_w, f->beta[1] + f->core_half_w);
  }
  free(f);
  return status;
}
