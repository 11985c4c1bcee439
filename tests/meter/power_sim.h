/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated power: a timeline of 2 ms steps with noise, drift, steps, rises that are no
 * spikes and rises that are, sampled by a meter. Nothing here is what the detector
 * assumes: its noise is white within a bin, its levels are flat.
 */
#ifndef FR_TESTS_POWER_SIM_H
#define FR_TESTS_POWER_SIM_H

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

#define SIM_STEP_S 0.002

typedef struct simulation {
  fr__rng rng;
  double *power_w; /* (steps) */
  size_t steps;
} simulation;

typedef struct truth {
  double start_s, end_s;
} truth;

static inline void sim_init(simulation *sim, uint64_t seed, double seconds,
                            double level_w) {
  fr__rng_init(&sim->rng, seed, 0);
  sim->steps = (size_t)(seconds / SIM_STEP_S);
  sim->power_w = malloc(sim->steps * sizeof *sim->power_w);
  for (size_t i = 0; i < sim->steps; i++)
    sim->power_w[i] = level_w;
}

static inline void sim_release(simulation *sim) { free(sim->power_w); }

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
  const size_t hold = (size_t)(0.1 / SIM_STEP_S);
  for (size_t i = 0; i < sim->steps; i++) {
    if (i % hold == 0) {
      before = state;
      state = keep * state + renew * sim_draw(sim, heavy);
    }
    const double part = (double)(i % hold) / (double)hold;
    sim->power_w[i] += deviation * (before + part * (state - before)) +
                       deviation * sim_between(sim, -sqrt(3), sqrt(3));
  }
}

/* A rise from `start_s` on, with ramps of `ramp_s` whose middles are its start and end.
 */
static inline void sim_rise(simulation *sim, double start_s, double length_s,
                            double height_w, double ramp_s) {
  const double from = (start_s - ramp_s) / SIM_STEP_S;
  const double to = (start_s + length_s + ramp_s) / SIM_STEP_S;
  for (size_t i = from > 0 ? (size_t)from : 0; i < sim->steps && (double)i < to; i++) {
    const double t = ((double)i + 0.5) * SIM_STEP_S;
    const double in = (t - start_s) / ramp_s + 0.5;
    const double out = (start_s + length_s - t) / ramp_s + 0.5;
    sim->power_w[i] += height_w * fmin(fmax(fmin(in, out), 0), 1);
  }
}

static inline void sim_wave(simulation *sim, double amplitude_w, double period_s) {
  const double phase = sim_between(sim, 0, 6.28);
  for (size_t i = 0; i < sim->steps; i++)
    sim->power_w[i] +=
        amplitude_w * sin(6.283185 * (double)i * SIM_STEP_S / period_s + phase);
}

static inline void sim_slope(simulation *sim, double total_w) {
  for (size_t i = 0; i < sim->steps; i++)
    sim->power_w[i] += total_w * (double)i / (double)sim->steps;
}

/* The means that a meter sees: samples `interval_s` apart, give or take a fifth of it, in
 * counts of `quantum_j`. Returns how many; both arrays are the caller's (free). */
static inline size_t sim_sample(simulation *sim, double interval_s, double quantum_j,
                                double **t_s, double **power_w) {
  const size_t room = (size_t)((double)sim->steps * SIM_STEP_S / interval_s * 1.5) + 2;
  *t_s = malloc(room * sizeof **t_s);
  *power_w = malloc(room * sizeof **power_w);
  size_t count = 0, at = 0;
  double energy = 0, read = 0, last_s = 0;
  for (double due = 0;; due += interval_s) {
    const double t = due + sim_between(sim, 0, 0.2) * interval_s;
    const size_t to = (size_t)(t / SIM_STEP_S);
    if (to > sim->steps || count == room)
      return count;
    for (; at < to; at++)
      energy += sim->power_w[at] * SIM_STEP_S;
    const double counter = floor(energy / quantum_j) * quantum_j;
    const double now_s = (double)at * SIM_STEP_S;
    if (count == 0 || now_s > last_s) {
      (*t_s)[count] = now_s;
      (*power_w)[count] = count > 0 ? (counter - read) / (now_s - last_s) : 0;
      count++;
      read = counter;
      last_s = now_s;
    }
  }
}

#endif
