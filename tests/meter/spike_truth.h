/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is a spike in a simulated timeline, by the definition alone: a rise of at least
 * 5 W and three deviations of the noise for 0.3 to 10 s. A rise is put in on purpose, and
 * two heights are known of it: as it was put in, and as it came out with the noise of
 * just that time. Both reach the least height: a spike, which must be found. Neither
 * does: none, and to find it is false. One of them: the definition does not decide, and
 * to find it is neither right nor false. The same holds where noise alone stays as high
 * for as long: it is a rise of the machine's power like any other, and only the simulator
 * calls it noise.
 */
#ifndef FR_TESTS_SPIKE_TRUTH_H
#define FR_TESTS_SPIKE_TRUTH_H

#include "frugal/power.h"
#include "meter/power_sim.h"

#define TRUTHS 4000 /* ceiling in one run */

typedef struct truth {
  double start_s, end_s;
  bool decided;  /* to be found; else it may be … */
  double blur_s; /* … and seem longer by this much on each side */
} truth;

typedef struct truths {
  truth one[TRUTHS];
  size_t count;
} truths;

static inline void truth_add(truths *all, double start_s, double end_s, bool decided) {
  if (all->count < TRUTHS)
    all->one[all->count++] = (truth){start_s, end_s, decided, 0};
}

/* Too short for the meter: it sees that there is something, not how long. */
static inline void truth_add_blurred(truths *all, double start_s, double end_s,
                                     double blur_s) {
  if (all->count < TRUTHS)
    all->one[all->count++] = (truth){start_s, end_s, false, blur_s};
}

/* After the noise is made: a rise that was put in at height_w. `least_w`: the
 * definition's at that time. */
static inline void truth_of_rise(truths *all, const simulation *sim, double start_s,
                                 double end_s, double height_w, double least_w) {
  const double came_out = height_w + sim_noise_mean(sim, start_s, end_s);
  if (height_w >= least_w || came_out >= least_w)
    truth_add(all, start_s, end_s, height_w >= least_w && came_out >= least_w);
}

/* Stretches of noise between from_s and to_s that have 0.25 s (0.3 less half a sample's
 * 0.1) with a mean of least_w, as far as means of 0.1 s stay above half of that. */
static inline void truth_of_noise(truths *all, const simulation *sim, double from_s,
                                  double to_s, double least_w) {
  static const double look_s = 0.05, mean_s = 0.1, core_s = 0.25;
  for (double t = from_s; t < to_s - core_s; t += look_s) {
    if (sim_noise_mean(sim, t, t + core_s) < least_w)
      continue;
    double start = t, end = t + core_s;
    while (start > from_s && sim_noise_mean(sim, start - mean_s, start) > least_w / 2)
      start -= look_s;
    while (end < to_s && sim_noise_mean(sim, end, end + mean_s) > least_w / 2)
      end += look_s;
    truth_add(all, start, end, false);
    t = end;
  }
}

/* What both have is at least half of what either has. */
static inline bool truth_is(const truth *a, const fr_spike *b) {
  const double b_end = b->start_s + b->duration_s;
  const double both = fmin(a->end_s, b_end) - fmax(a->start_s, b->start_s);
  const double either = fmax(a->end_s, b_end) - fmin(a->start_s, b->start_s);
  if (a->blur_s > 0 && both > 0)
    return b->start_s >= a->start_s - a->blur_s && b_end <= a->end_s + a->blur_s;
  return both >= 0.5 * either;
}

typedef struct truth_score {
  size_t there, matched; /* of what must be found */
  size_t right, false_;  /* of what was found */
  size_t undecided;      /* found, too */
} truth_score;

static inline void truth_compare(const truths *all, const fr_spike *found, size_t count,
                                 truth_score *sum) {
  for (size_t i = 0; i < all->count; i++) {
    bool matched = false;
    for (size_t k = 0; k < count; k++)
      matched = matched || truth_is(&all->one[i], &found[k]);
    sum->there += all->one[i].decided;
    sum->matched += all->one[i].decided && matched;
  }
  for (size_t k = 0; k < count; k++) {
    bool right = false, undecided = false;
    for (size_t i = 0; i < all->count; i++)
      if (truth_is(&all->one[i], &found[k])) {
        right = right || all->one[i].decided;
        undecided = undecided || !all->one[i].decided;
      }
    sum->right += right;
    sum->undecided += !right && undecided;
    sum->false_ += !right && !undecided;
  }
}

static inline double truth_precision(const truth_score *sum) {
  return (double)sum->right / (double)(sum->right + sum->false_);
}

static inline double truth_recall(const truth_score *sum) {
  return (double)sum->matched / (double)sum->there;
}

#endif
