/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The level that rises stand on, and the noise around it. The level is a rank opening:
 * the least of what one window mostly stays above, the most of that over all windows
 * around a point; it follows drift and steps of either direction at once and passes under
 * every rise that is shorter than the window, or that leaves enough of it free.
 */
#include "meter/spike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CENTRE_S 6.0 /* to each side, of what is taken off as drift */
#define LEAST_W 5.0  /* … between two levels that a machine changes between */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void swap(double *a, double *b) {
  const double kept = *a;
  *a = *b;
  *b = kept;
}

/* Parts x[low … high] at a value of its own: what is returned and below, what is above.
 */
static size_t part(double *x, size_t low, size_t high) {
  const double pivot = x[low + (high - low) / 2];
  for (size_t i = low, j = high;; i++, j--) {
    while (x[i] < pivot)
      i++;
    while (x[j] > pivot)
      j--;
    if (i >= j)
      return j;
    swap(&x[i], &x[j]);
  }
}

/* Hoare's "Find" (1961). */
double fr__spike_rank(double *x, size_t n, size_t rank) {
  size_t low = 0, high = n - 1;
  while (low < high) {
    const size_t at = part(x, low, high);
    if (rank <= at)
      high = at;
    else
      low = at + 1;
  }
  return x[rank];
}

double fr__spike_median(double *x, size_t n) {
  const double upper = fr__spike_rank(x, n, n / 2);
  if (n % 2 == 1)
    return upper;
  double lower = x[0]; /* the greatest of those before it */
  for (size_t i = 1; i < n / 2; i++)
    lower = x[i] > lower ? x[i] : lower;
  return (lower + upper) / 2;
}

double fr__spike_span_s(const fr__bin *bin, size_t n) {
  return (bin[n - 1].end_s - bin[0].start_s) / (double)n;
}

size_t fr__spike_bins_of(double seconds, double span) {
  const double count = round(seconds / span);
  return count < 1 ? 1 : count > FR__BINS ? FR__BINS : (size_t)count;
}

/* ---- the rank opening ---- */

/* Where `x` stands, or would, among n sorted values. Without a branch: which half it is
 * cannot be foretold. */
static size_t place(const double *sorted, size_t n, double x) {
  size_t low = 0;
  while (n > 0) {
    const size_t half = n / 2;
    low += sorted[low + half] < x ? n - half : 0;
    n = half;
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
static void find_floors(const fr__bin *bin, size_t n, size_t window, double rank,
                        double *sorted, double *floors) {
  const size_t at = (size_t)(rank * (double)(window - 1));
  for (size_t i = 0; i < n; i++) {
    const size_t held = i < window ? i : window;
    if (i >= window)
      take_out(sorted, held, bin[i - window].power_w);
    insert(sorted, i >= window ? window - 1 : held, bin[i].power_w);
    if (i + 1 >= window)
      floors[i + 1 - window] = sorted[at];
  }
}

/* base[t] = the highest of the `count` floors of windows that hold bin t; `queue` has
 * those that may still become the highest, falling. */
static void find_highest(const double *floors, size_t count, size_t window, size_t n,
                         size_t *queue, double *base) {
  size_t head = 0, tail = 0;
  for (size_t t = 0; t < n; t++) {
    if (t < count) {
      while (tail > head && floors[queue[tail - 1]] <= floors[t])
        tail--;
      queue[tail++] = t;
    }
    while (queue[head] + window <= t)
      head++;
    base[t] = floors[queue[head]];
  }
}

void fr__spike_level(const fr__bin *bin, size_t n, double window_s, double rank,
                     fr__spike_work *work) {
  size_t window = fr__spike_bins_of(window_s, fr__spike_span_s(bin, n));
  if (window > n)
    window = n;
  double *const floors = work->rise; /* free until the level is known */
  find_floors(bin, n, window, rank, work->sorted, floors);
  find_highest(floors, n - window + 1, window, n, work->queue, work->base);
  for (size_t t = 0; t < n; t++)
    work->rise[t] = bin[t].power_w - work->base[t];
}

/* ---- its middle ---- */

/*
 * The middle of the `share` of n sorted values that lies closest together (a shorth,
 * Andrews et al. 1972): what the machine returns to, however much of the time it spends
 * above. Where it returns to another level below that nearly as exactly, it is that:
 * equal rises are no level.
 */
static double mode(const double *sorted, size_t n, double share) {
  const size_t count = (size_t)(share * (double)n);
  size_t at = 0;
  for (size_t i = 1; i + count < n; i++)
    if (sorted[i + count] - sorted[i] < sorted[at + count] - sorted[at])
      at = i;
  const double middle = sorted[at + count / 2];
  const double width = sorted[at + count] - sorted[at];
  size_t low = at;
  double least = 3 * width;
  for (size_t i = 0; i < at; i++) {
    const double other = sorted[i + count] - sorted[i];
    const double apart = middle - sorted[i + count / 2];
    if (other >= least || apart <= fmax(LEAST_W, 3 * other))
      continue;
    least = other;
    low = i;
  }
  return sorted[low + count / 2];
}

/* 1.4826 median (middle - x) of those below it. */
static double spread_below(const double *sorted, size_t n, double middle) {
  const size_t below = place(sorted, n, middle);
  return below > 0 ? 1.4826 * (middle - sorted[below / 2]) : 0;
}

double fr__spike_centre_all(fr__spike_work *work, size_t n, double share, bool *crowded) {
  double *const sorted = work->sorted;
  memcpy(sorted, work->rise, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, ascending);
  double middle = mode(sorted, n, share);
  double spread = spread_below(sorted, n, middle);
  *crowded = sorted[n / 2] - middle >= fmax(LEAST_W / 2, 5 * spread);
  if (!*crowded) { /* all bins tell the middle better than some */
    middle = sorted[n / 2];
    spread = spread_below(sorted, n, middle);
  }
  for (size_t t = 0; t < n; t++) {
    work->base[t] += middle;
    work->rise[t] -= middle;
  }
  return spread;
}

void fr__spike_centre(fr__spike_work *work, size_t n, double span) {
  const size_t reach = fr__spike_bins_of(CENTRE_S, span);
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

/* ---- noise ---- */

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

double fr__spike_deviation_of_mean(fr__noise of, double k) {
  const double r = of.memory, left = 1 - r;
  const double variance =
      ((1 + r) / left - 2 * r * (1 - pow(r, k)) / (k * left * left)) / k;
  return of.deviation_w * sqrt(fmin(fmax(variance, 0), 1));
}

fr__noise fr__spike_noise(fr__spike_work *work, size_t n) {
  size_t kept = 0, below = 0;
  double squares = 0;
  for (size_t i = 0; i < n; i++)
    if (!work->taken[i])
      work->sorted[kept++] = fabs(work->rise[i]);
  if (kept == 0)
    return (fr__noise){0, 0};
  const double middle = 1.4826 * fr__spike_median(work->sorted, kept);
  for (size_t i = 0; i < n; i++)
    if (!work->taken[i] && work->rise[i] < 0) {
      const double x = fmax(work->rise[i], -4 * middle);
      squares += x * x;
      below++;
    }
  const double tail = below > 0 ? sqrt(squares / (double)below) : 0;
  return (fr__noise){fmax(middle, tail), memory(work, n, 3 * middle)};
}
