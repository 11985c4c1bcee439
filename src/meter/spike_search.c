/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spikes in a stretch of bins. Candidates are the runs of bins whose sum above a
 * threshold is greatest, taken apart at half of their height. Each is measured against
 * the level right before and after it, its edges where it crosses half its own height.
 * All of that is done above a level that takes longer rises along, and, where spikes fill
 * more than half of the time, above a lower one that passes under more of them.
 */
#include "meter/spike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 1
#define LEAST_W 5.0        /* height of a spike … */
#define LEAST_DEVIATIONS 3 /* … */
#define STANDS_OUT 4.0     /* deviations of means as long as it is */
#define LEAST_S 0.3        /* … and its length */
#define MOST_S 10.0
#define GAP_BINS 3   /* at the level, that end a candidate */
#define AROUND_S 3.5 /* what tells the level before and after */
#define REACH_S 10   /* how far away that may lie, where other rises are in between */
#define LONGEST_S 15 /* of a candidate: a spike with what noise adds at its edges */
#define SLACK_S 1.0  /* edges are looked for so far outside of a candidate */

/* A level: windows of window_s, of which spikes leave `rank` free; `share` of all bins is
 * at it. */
typedef struct depth {
  double window_s, rank, share;
} depth;

static const depth depths[] = {
    {14, 0.1, 0.25}, /* one rise of 10 s in a window */
    {20, 0.05, 0.12} /* two of them with a second in between; dips take less */
};

typedef struct run {
  size_t first, last; /* both within */
} run;

/* The level that a candidate is measured against: a line from before to after. */
typedef struct ground {
  double before_w, after_w;
  double from_s, to_s;
} ground;

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

/* What a run is as high as, or higher, for a fifth of its length. */
static double top_of(fr__spike_work *work, run of) {
  const size_t count = of.last - of.first + 1;
  memcpy(work->sorted, work->rise + of.first, count * sizeof *work->sorted);
  return fr__spike_rank(work->sorted, count, count - 1 - count / 5);
}

static void take(fr__spike_work *work, run of) {
  memset(work->taken + of.first, 1, of.last - of.first + 1);
}

/* High rises close to each other look like one, from a low threshold: at half of their
 * height they are as many as they are. */
static void take_apart(fr__spike_work *work, run of, double over) {
  const double half = fmax(over, top_of(work, of) / 2);
  const size_t end = of.last + 1;
  run part = {0, 0}, other;
  if (!next_candidate(work->rise, end, half, of.first, &part) ||
      !next_candidate(work->rise, end, half, part.last + 1, &other)) {
    take(work, of);
    return;
  }
  for (size_t from = of.first; next_candidate(work->rise, end, half, from, &part);
       from = part.last + 1)
    take(work, part);
}

static void mark_candidates(fr__spike_work *work, size_t n, double deviation) {
  const double over = threshold(deviation);
  memset(work->taken, 0, n * sizeof *work->taken);
  run found = {0, 0};
  for (size_t from = 0; next_candidate(work->rise, n, over, from, &found);
       from = found.last + 1)
    take_apart(work, found, over);
}

/* The next run of bins that are taken. */
static bool next_taken(const bool *taken, size_t n, size_t from, run *out) {
  while (from < n && !taken[from])
    from++;
  if (from == n)
    return false;
  *out = (run){from, from};
  while (out->last + 1 < n && taken[out->last + 1])
    out->last++;
  return true;
}

/* ---- one candidate ---- */

/* The level on one side of a candidate, from bins that no other one took; false where
 * there is none. The bin right beside it may be partly its own. */
static bool level_beside(const fr__bin *bin, size_t n, fr__spike_work *work, size_t edge,
                         bool before, double *level) {
  const double span = fr__spike_span_s(bin, n);
  const size_t wanted = fr__spike_bins_of(AROUND_S, span),
               reach = fr__spike_bins_of(REACH_S, span);
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
  *level = fr__spike_median(work->sorted, kept);
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
static bool is_spike(const fr_spike *spike, fr__noise around, double span) {
  const double slack = fmin(span, 0.1) / 2;
  return spike->duration_s >= LEAST_S - slack && spike->duration_s <= MOST_S + span &&
         spike->height_w >= LEAST_W &&
         spike->height_w >= LEAST_DEVIATIONS * around.deviation_w &&
         spike->height_w >= STANDS_OUT * fr__spike_deviation_of_mean(
                                             around, fmax(spike->duration_s / span, 1));
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
                  fr__noise around, fr_spike *out) {
  ground under;
  if (candidate.first == 0 || candidate.last + 1 == n ||
      !find_ground(bin, n, work, candidate, around.deviation_w, &under))
    return false;
  const double span = fr__spike_span_s(bin, n);
  const run wide = widened(candidate, work->taken, n, fr__spike_bins_of(SLACK_S, span));
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

/* ---- the search ---- */

/* In order of time, where nothing was found yet. */
static void keep(fr__spike_work *work, const fr_spike *spike) {
  const double end_s = spike->start_s + spike->duration_s;
  size_t at = work->spikes;
  for (size_t i = 0; i < work->spikes; i++) {
    const fr_spike *other = &work->spike[i];
    if (other->start_s < end_s && spike->start_s < other->start_s + other->duration_s)
      return;
    if (other->start_s >= end_s && at == work->spikes)
      at = i;
  }
  if (work->spikes == FR__SPIKES)
    return;
  memmove(work->spike + at + 1, work->spike + at,
          (work->spikes++ - at) * sizeof *work->spike);
  work->spike[at] = *spike;
}

static void search_above(const fr__bin *bin, size_t n, const depth *level,
                         fr__spike_work *work) {
  const double span = fr__spike_span_s(bin, n);
  fr__spike_level(bin, n, level->window_s, level->rank, work);
  bool crowded;
  fr__noise around = {fr__spike_centre_all(work, n, level->share, &crowded), 0};
  if (!crowded && level != depths)
    return;
  mark_candidates(work, n, around.deviation_w);
  for (int round = 0; round < ROUNDS; round++) {
    fr__spike_centre(work, n, span);
    around = fr__spike_noise(work, n);
    mark_candidates(work, n, around.deviation_w);
  }
  run candidate = {0, 0};
  for (size_t from = 0; next_taken(work->taken, n, from, &candidate);
       from = candidate.last + 1) {
    fr_spike spike;
    if (judge(bin, n, work, candidate, around, &spike))
      keep(work, &spike);
  }
}

void fr__spike_search(const fr__bin *bin, size_t n, fr__spike_work *work,
                      void (*found)(void *self, const fr_spike *spike), void *self) {
  if (n < 5)
    return;
  work->spikes = 0;
  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
    search_above(bin, n, &depths[i], work);
  for (size_t i = 0; i < work->spikes; i++)
    found(self, &work->spike[i]);
}
