/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated power: a timeline of fine steps with noise, drift, steps, rises that are no
 * spikes and rises that are, read by a meter with its own faults. Nothing here is what
 * the detector assumes: its noise is white within a bin, its levels are flat.
 */
#ifndef FR_TESTS_POWER_SIM_H
#define FR_TESTS_POWER_SIM_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/rng.h"

typedef struct simulation {
  fr__rng rng;
  double step_s;
  double *power_w; /* (steps) without noise */
  double *noise_w; /* (steps) */
  size_t steps;
} simulation;

static inline void sim_init(simulation *sim, uint64_t seed, double seconds, double step_s,
                            double level_w) {
  fr__rng_init(&sim->rng, seed, 0);
  sim->step_s = step_s;
  sim->steps = (size_t)(seconds / step_s);
  sim->power_w = malloc(sim->steps * sizeof *sim->power_w);
  sim->noise_w = calloc(sim->steps, sizeof *sim->noise_w);
  for (size_t i = 0; i < sim->steps; i++)
    sim->power_w[i] = level_w;
}

static inline void sim_release(simulation *sim) {
  free(sim->power_w);
  free(sim->noise_w);
}

static inline double sim_between(simulation *sim, double low, double high) {
  return low + (high - low) * fr__rng_uniform(&sim->rng);
}

/* Deviation 1; with heavy tails Student's t of 3 degrees of freedom. */
static inline double sim_draw(simulation *sim, bool heavy) {
  const double z = fr__rng_normal(&sim->rng);
  if (!heavy)
    return z;
  double squares = 0;
  for (int i = 0; i < 3; i++) {
    const double y = fr__rng_normal(&sim->rng);
    squares += y * y;
  }
  return z / sqrt(squares / 3) / sqrt(3);
}

/* AR(1) noise that is renewed every 0.1 s, with the given deviation and correlation time,
 * and white noise on each step. */
static inline void sim_noise(simulation *sim, double deviation, double time_s,
                             bool heavy) {
  const double keep = exp(-0.1 / time_s), renew = sqrt(1 - keep * keep);
  double state = 0, before = 0;
  const size_t hold = (size_t)(0.1 / sim->step_s + 0.5);
  for (size_t i = 0; i < sim->steps; i++) {
    if (i % hold == 0) {
      before = state;
      state = keep * state + renew * sim_draw(sim, heavy);
    }
    const double part = (double)(i % hold) / (double)hold;
    sim->noise_w[i] += deviation * (before + part * (state - before)) +
                       deviation * sim_between(sim, -sqrt(3), sqrt(3));
  }
}

/* A rise from `start_s` on, with ramps of `ramp_s` whose middles are its start and end.
 */
static inline void sim_rise(simulation *sim, double start_s, double length_s,
                            double height_w, double ramp_s) {
  const double from = (start_s - ramp_s) / sim->step_s;
  const double to = (start_s + length_s + ramp_s) / sim->step_s;
  for (size_t i = from > 0 ? (size_t)from : 0; i < sim->steps && (double)i < to; i++) {
    const double t = ((double)i + 0.5) * sim->step_s;
    const double in = (t - start_s) / ramp_s + 0.5;
    const double out = (start_s + length_s - t) / ramp_s + 0.5;
    sim->power_w[i] += height_w * fmin(fmax(fmin(in, out), 0), 1);
  }
}

static inline void sim_wave(simulation *sim, double amplitude_w, double period_s) {
  const double phase = sim_between(sim, 0, 6.28);
  for (size_t i = 0; i < sim->steps; i++)
    sim->power_w[i] +=
        amplitude_w * sin(6.283185 * (double)i * sim->step_s / period_s + phase);
}

static inline void sim_slope(simulation *sim, double total_w) {
  for (size_t i = 0; i < sim->steps; i++)
    sim->power_w[i] += total_w * (double)i / (double)sim->steps;
}

/* Noise from `from_s` to `to_s` becomes `times` as loud. */
static inline void sim_amplify(simulation *sim, double from_s, double to_s,
                               double times) {
  const size_t to = (size_t)(to_s / sim->step_s);
  for (size_t i = (size_t)(from_s / sim->step_s); i < to && i < sim->steps; i++)
    sim->noise_w[i] *= times;
}

/* The noise's mean over a stretch. */
static inline double sim_noise_mean(const simulation *sim, double from_s, double to_s) {
  const size_t from = (size_t)(from_s / sim->step_s);
  size_t to = (size_t)(to_s / sim->step_s);
  to = to < sim->steps ? to : sim->steps;
  double sum = 0;
  for (size_t i = from; i < to; i++)
    sum += sim->noise_w[i];
  return to > from ? sum / (double)(to - from) : 0;
}

typedef struct sim_meter {
  double interval_s; /* of samples, which are up to a fifth of it late */
  double quantum_j;  /* a count */
  double renewed_s;  /* the counter, give or take a tenth; 0: always */
  double missed;     /* share of samples that fail: the next one has their energy */
} sim_meter;

/* A counter of energy that is renewed now and then. */
typedef struct sim_counter {
  double due_s, shown_j, energy_j;
  size_t at;
} sim_counter;

static inline double sim_read(simulation *sim, const sim_meter *meter,
                              sim_counter *counter, size_t to) {
  for (; counter->at < to; counter->at++) {
    counter->energy_j +=
        (sim->power_w[counter->at] + sim->noise_w[counter->at]) * sim->step_s;
    if ((double)(counter->at + 1) * sim->step_s >= counter->due_s) {
      counter->shown_j = counter->energy_j;
      counter->due_s += meter->renewed_s * sim_between(sim, 0.9, 1.1);
    }
  }
  return floor(counter->shown_j / meter->quantum_j) * meter->quantum_j;
}

/*
 * What a meter sees: mean powers since the sample before; where the counter was not
 * renewed since then, that of its last advance, as the sampler has it. Returns how many;
 * both arrays are the caller's (free).
 */
static inline size_t sim_sample(simulation *sim, const sim_meter *meter, double **t_s,
                                double **power_w) {
  const size_t room =
      (size_t)((double)sim->steps * sim->step_s / meter->interval_s * 1.5) + 2;
  *t_s = malloc(room * sizeof **t_s);
  *power_w = malloc(room * sizeof **power_w);
  sim_counter counter = {0};
  size_t count = 0;
  double read_j = 0, read_s = 0, power = 0;
  for (double due = 0;; due += meter->interval_s) {
    const double t = due + sim_between(sim, 0, 0.2) * meter->interval_s;
    const size_t to = (size_t)(t / sim->step_s);
    if (to > sim->steps || count == room)
      return count;
    const double now_s = (double)to * sim->step_s;
    if (count > 0 && (now_s <= (*t_s)[count - 1] ||
                      (meter->missed > 0 && sim_between(sim, 0, 1) < meter->missed)))
      continue;
    const double now_j = sim_read(sim, meter, &counter, to);
    if (count > 0 && (meter->renewed_s <= 0 || now_j > read_j))
      power = (now_j - read_j) / (now_s - read_s);
    if (count == 0 || meter->renewed_s <= 0 || now_j > read_j) {
      read_j = now_j;
      read_s = now_s;
    }
    (*t_s)[count] = now_s;
    (*power_w)[count] = power;
    count++;
  }
}

#endif
