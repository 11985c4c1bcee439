/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spikes in a stretch of bins, in three steps. The level is a rank opening: the least of
 * what one window of 14 s mostly stays above, the most of that over all windows around a
 * point; it follows drift and steps of either direction at once and passes under every
 * rise that is shorter than the window. Candidates are the runs of bins whose sum above
 * a threshold is greatest. Each is then measured against the level right before and after
 * it, its edges where it crosses half its own height.
 */
#include "meter/spike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_S 14.0
#define LOW_RANK 0.1       /* of a window: less than a rise of 10 s leaves free */
#define ROUNDS 2           /* of telling spikes and the rest apart */
#define CENTRE_S 6.0       /* to each side, of what is taken off as drift */
#define LEAST_W 5.0        /* height of a spike … */
#define LEAST_DEVIATIONS 3 /* … */
#define STANDS_OUT 4.0     /* deviations of means as long as it is */
#define LEAST_S 0.3        /* … and its length */
#define MOST_S 10.0
#define GAP_BINS 3   /* at the level, that end a candidate */
#define AROUND_S 3   /* what tells the level before and after */
#define REACH_S 10   /* how far away that may lie, where other rises are in between */
#define LONGEST_S 15 /* of a candidate: a spike with what noise adds at its edges */
#define SLACK_S 1.0  /* edges are looked for so far outside of a candidate */

typedef struct run {
  size_t first, last; /* both within */
} run;

/* The level that a candidate is measured against: a line from before to after. */
typedef struct ground {
  double before_w, after_w;
  double from_s, to_s;
} ground;

typedef struct noise {
  double deviation_w;
  double memory; /* correlation from bin to bin */
} noise;

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
  qsort(x, n, sizeof *x, ascending);
  return n % 2 == 1 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static double span_s(const fr__bin *bin, size_t n) {
  return (bin[n - 1].end_s - bin[0].start_s) / (double)n;
}

static size_t bins_of(double seconds, double span) {
  const double count = round(seconds / span);
  return count < 1 ? 1 : count > FR__BINS ? FR__BINS : (size_t)count;
}

/* ---- the level ---- */

/* Where `x` stands, or would, among n sorted values. */
static size_t place(const double *sorted, size_t n, double x) {
  size_t low = 0, high = n;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (sorted[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void insert(double *sorted, size_t n, double x) {
  const size_t at = place(sorted, n, x);
  memmove(sorted + at + 1, sorted + at, (n - at) * sizeof *sorted);
  sorted[at] = x;
}

static void take_out(double *sorted, size_t n, double x) {
  const size_t at = place(sorted, n, x);
  memmove(sorted + at, sorted + at + 1, (n - at - 1) * sizeof *sorted);
}

/* floors[i]: what the window that starts at bin i mostly stays above. */
static void find_floors(const fr__bin *bin, size_t n, size_t window, double *sorted,
                        double *floors) {
  const size_t rank = (size_t)(LOW_RANK * (double)(window - 1));
  for (size_t i = 0; i < n; i++) {
    const size_t held = i < window ? i : window;
    if (i >= window)
      take_out(sorted, held, bin[i - window].power_w);
    insert(sorted, i >= window ? window - 1 : held, bin[i].power_w);
    if (i + 1 >= window)
      floors[i + 1 - window] = sorted[rank];
  }
}

/* base[t] = the highest floor among the windows that hold bin t */
static void find_base(const fr__bin *bin, size_t n, fr__spike_work *work) {
  size_t window = bins_of(WINDOW_S, span_s(bin, n));
  if (window > n)
    window = n;
  double *const floors = work->rise; /* free until the level is known */
  find_floors(bin, n, window, work->sorted, floors);
  const size_t count = n - window + 1;
  for (size_t t = 0; t < n; t++) {
    const size_t first = t + 1 > window ? t + 1 - window : 0;
    const size_t last = t < count ? t : count - 1;
    double highest = floors[first];
    for (size_t i = first + 1; i <= last; i++)
      highest = floors[i] > highest ? floors[i] : highest;
    work->base[t] = highest;
  }
  for (size_t t = 0; t < n; t++)
    work->rise[t] = bin[t].power_w - work->base[t];
}

/* Correlation of neighbouring bins that no candidate took; cut at `most`, which a few
 * bins far out do not get beyond. */
static double memory(const fr__spike_work *work, size_t n, double most) {
  double together = 0, squares = 0;
  for (size_t i = 1; i < n; i++)
    if (!work->taken[i] && !work->taken[i - 1]) {
      const double a = fmin(fmax(work->rise[i - 1], -most), most);
      const double b = fmin(fmax(work->rise[i], -most), most);
      together += a * b;
      squares += (a * a + b * b) / 2;
    }
  return squares > 0 ? fmin(fmax(together / squares, 0), 0.99) : 0;
}

/* Deviation of means of k bins: AR(1) noise of correlation r from one to the next. */
static double deviation_of_mean(noise of, double k) {
  const double r = of.memory, left = 1 - r;
  const double variance =
      ((1 + r) / left - 2 * r * (1 - pow(r, k)) / (k * left * left)) / k;
  return of.deviation_w * sqrt(fmin(fmax(variance, 0), 1));
}

/* Takes the median of the rises around each bin, of bins that no candidate took, off
 * them: what is left of drift. Where there is none it stays what it was before. */
static void centre(fr__spike_work *work, size_t n, size_t reach) {
  size_t held = 0, from = 0, to = 0;
  double middle = 0;
  for (size_t t = 0; t < n; t++) {
    for (; to < n && to <= t + reach; to++)
      if (!work->taken[to])
        insert(work->sorted, held++, work->rise[to]);
    for (; from + reach < t; from++)
      if (!work->taken[from])
        take_out(work->sorted, held--, work->rise[from]);
    if (held > 0)
      middle = work->sorted[held / 2];
    work->shift[t] = middle;
  }
  for (size_t t = 0; t < n; t++) {
    work->base[t] += work->shift[t];
    work->rise[t] -= work->shift[t];
  }
}

/*
 * The deviation of bins that no candidate took: 1.4826 median |x|, which is that of a
 * normal distribution (Hampel 1974), or what those below the level make it, cut at four
 * of them: noise with heavy tails reaches further than its middle tells, and below the
 * level there are no spikes.
 */
static noise noise_of(fr__spike_work *work, size_t n) {
  size_t kept = 0, below = 0;
  double squares = 0;
  for (size_t i = 0; i < n; i++)
    if (!work->taken[i])
      work->sorted[kept++] = fabs(work->rise[i]);
  if (kept == 0)
    return (noise){0, 0};
  const double middle = 1.4826 * median(work->sorted, kept);
  for (size_t i = 0; i < n; i++)
    if (!work->taken[i] && work->rise[i] < 0) {
      const double x = fmax(work->rise[i], -4 * middle);
      squares += x * x;
      below++;
    }
  const double tail = below > 0 ? sqrt(squares / (double)below) : 0;
  return (noise){fmax(middle, tail), memory(work, n, 3 * middle)};
}

/* ---- candidates ---- */

static double threshold(double deviation) {
  return fmax(LEAST_W, LEAST_DEVIATIONS * deviation) / 2;
}

/*
 * The next run at or after `from` whose sum of (rise - threshold) is greatest, where it
 * is ended by a fall of that sum as deep as GAP_BINS bins at the level make it.
 */
static bool next_candidate(const double *rise, size_t n, double over, size_t from,
                           run *out) {
  while (from < n && rise[from] <= over)
    from++;
  if (from == n)
    return false;
  double sum = 0, best = 0;
  *out = (run){from, from};
  for (size_t i = from; i < n && sum > best - GAP_BINS * over; i++) {
    sum += rise[i] - over;
    if (sum > best) {
      best = sum;
      out->last = i;
    }
  }
  return true;
}

static void mark_candidates(fr__spike_work *work, size_t n, double deviation) {
  memset(work->taken, 0, n * sizeof *work->taken);
  run found = {0, 0};
  for (size_t from = 0; next_candidate(work->rise, n, threshold(deviation), from, &found);
       from = found.last + 1)
    memset(work->taken + found.first, 1, found.last - found.first + 1);
}

/* ---- one candidate ---- */

/* The level on one side of a candidate, from bins that no other one took; false where
 * there is none. The bin right beside it may be partly its own. */
static bool level_beside(const fr__bin *bin, size_t n, fr__spike_work *work, size_t edge,
                         bool before, double *level) {
  const double span = span_s(bin, n);
  const size_t wanted = bins_of(AROUND_S, span), reach = bins_of(REACH_S, span);
  size_t kept = 0;
  for (size_t away = 1; away <= reach && kept < wanted; away++) {
    if (before ? away > edge : edge + away >= n)
      break;
    const size_t at = before ? edge - away : edge + away;
    const bool last = before ? at == 0 : at + 1 == n;
    if (!work->taken[at] && (away > 1 || last))
      work->sorted[kept++] = bin[at].power_w;
  }
  if (kept == 0)
    return false;
  *level = median(work->sorted, kept);
  return true;
}

static bool find_ground(const fr__bin *bin, size_t n, fr__spike_work *work, run candidate,
                        double deviation, ground *out) {
  double before, after;
  if (!level_beside(bin, n, work, candidate.first, true, &before) ||
      !level_beside(bin, n, work, candidate.last, false, &after))
    return false;
  /* Beside a step a spike stands on the higher side of it. */
  if (fabs(after - before) > fmax(LEAST_W, LEAST_DEVIATIONS * deviation))
    before = after = fmax(before, after);
  *out = (ground){before, after, bin[candidate.first].start_s, bin[candidate.last].end_s};
  return true;
}

static double above(const ground *under, const fr__bin *bin) {
  const double middle = (bin->start_s + bin->end_s) / 2;
  const double part = (middle - under->from_s) / (under->to_s - under->from_s);
  return bin->power_w - under->before_w -
         fmin(fmax(part, 0), 1) * (under->after_w - under->before_w);
}

/* Mean height without the two bins at the edges, which may be covered in part. */
static double inner_height(const ground *under, const fr__bin *bin, run of) {
  const size_t count = of.last - of.first + 1;
  if (count < 3)
    return fmax(above(under, &bin[of.first]), above(under, &bin[of.last]));
  double sum = 0;
  for (size_t i = of.first + 1; i < of.last; i++)
    sum += above(under, &bin[i]);
  return sum / (double)(count - 2);
}

/*
 * The pulse that fits best, least squares: of all runs within `around` the one with the
 * greatest (sum of x)^2 / length. Its edges are where x crosses half its height. Nothing
 * where no run rises.
 */
static bool best_pulse(const ground *under, const fr__bin *bin, run around, run *out) {
  double most = 0;
  for (size_t first = around.first; first <= around.last; first++) {
    double sum = 0;
    for (size_t last = first; last <= around.last; last++) {
      sum += above(under, &bin[last]);
      const double fit = sum * sum / (double)(last - first + 1);
      if (sum > 0 && fit > most) {
        most = fit;
        *out = (run){first, last};
      }
    }
  }
  return most > 0;
}

static double covered(double rise, double height) {
  return fmin(fmax(rise / height, 0), 1);
}

/* Start, end, energy and height: the bins at both edges count as far as they are covered,
 * so that a spike's length does not depend on where its samples fall. */
static void measure(const fr__bin *bin, const ground *under, run of, fr_spike *out) {
  const double height = inner_height(under, bin, of);
  double start = bin[of.first].start_s, end = bin[of.last].end_s, energy = 0;
  for (size_t i = of.first - 1; i <= of.last + 1; i++) {
    const double rise = above(under, &bin[i]), span = bin[i].end_s - bin[i].start_s;
    energy += rise * span;
    out->peak_w = fmax(out->peak_w, rise + bin[i].peak_w - bin[i].power_w);
    if (i + 1 == of.first)
      start -= span * covered(rise, height);
    else if (i == of.first)
      start += span * (1 - covered(rise, height));
    if (i == of.last)
      end -= span * (1 - covered(rise, height));
    else if (i == of.last + 1)
      end += span * covered(rise, height);
  }
  out->start_s = start;
  out->duration_s = end - start;
  out->height_w = out->duration_s > 0 ? energy / out->duration_s : 0;
  out->energy = (fr_measure){.value = energy, .unit = FR_UNIT_JOULE};
}

/* Noise that lasts makes rises of three deviations by itself, short ones above all: a
 * spike also stands out from noise of its own length. */
static bool is_spike(const fr_spike *spike, noise around, double span) {
  const double slack = fmin(span, 0.1) / 2;
  return spike->duration_s >= LEAST_S - slack && spike->duration_s <= MOST_S + span &&
         spike->height_w >= LEAST_W &&
         spike->height_w >= LEAST_DEVIATIONS * around.deviation_w &&
         spike->height_w >=
             STANDS_OUT * deviation_of_mean(around, fmax(spike->duration_s / span, 1));
}

/* A candidate with room around it, up to its neighbours. */
static run widened(run of, const bool *taken, size_t n, size_t by) {
  run wide = of;
  while (wide.first > 0 && of.first - wide.first < by && !taken[wide.first - 1])
    wide.first--;
  while (wide.last + 1 < n && wide.last - of.last < by && !taken[wide.last + 1])
    wide.last++;
  return wide;
}

static bool judge(const fr__bin *bin, size_t n, fr__spike_work *work, run candidate,
                  noise around, fr_spike *out) {
  ground under;
  if (candidate.first == 0 || candidate.last + 1 == n ||
      !find_ground(bin, n, work, candidate, around.deviation_w, &under))
    return false;
  const double span = span_s(bin, n);
  const run wide = widened(candidate, work->taken, n, bins_of(SLACK_S, span));
  run of;
  if ((double)(candidate.last - candidate.first) * span > LONGEST_S ||
      !best_pulse(&under, bin, wide, &of))
    return false;
  if (of.first == 0 || of.last + 1 == n)
    return false;
  *out = (fr_spike){.deviation_w = around.deviation_w};
  measure(bin, &under, of, out);
  return is_spike(out, around, span);
}

void fr__spike_search(const fr__bin *bin, size_t n, fr__spike_work *work,
                      void (*found)(void *self, const fr_spike *spike), void *self) {
  if (n < 5)
    return;
  find_base(bin, n, work);
  memset(work->taken, 0, n * sizeof *work->taken);
  const size_t reach = bins_of(CENTRE_S, span_s(bin, n));
  noise around = {0, 0};
  for (int round = 0; round < ROUNDS; round++) {
    centre(work, n, round == 0 ? n : reach);
    around = noise_of(work, n);
    mark_candidates(work, n, around.deviation_w);
  }
  run candidate = {0, 0};
  double told_s = -INFINITY;
  for (size_t from = 0;
       next_candidate(work->rise, n, threshold(around.deviation_w), from, &candidate);
       from = candidate.last + 1) {
    fr_spike spike;
    if (judge(bin, n, work, candidate, around, &spike) && spike.start_s >= told_s) {
      told_s = spike.start_s + spike.duration_s;
      found(self, &spike);
    }
  }
}
