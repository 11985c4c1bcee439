/* SPDX-License-Identifier: Apache-2.0 */
/* A metered run of a minute in a store: two domains, three phases, two spikes. */
#ifndef FR_TEST_REPORT_METERED_H
#define FR_TEST_REPORT_METERED_H

#include <math.h>

#include "room.h"

enum { METERED_SAMPLES = 600 };

static const char metered_result[] =
    "{\"normal_w\":{\"value\":11.5,\"unit\":\"W\",\"low\":11,\"high\":12,\"source\":"
    "\"perf\"},\"spikes\":["
    "{\"start_s\":20,\"duration_s\":3,\"height_w\":31,\"causes\":[{\"name\":"
    "\"transcribe\",\"pid\":7,\"share\":0.9},{\"name\":\"x\",\"pid\":8,\"share\":0.1}]},"
    "{\"start_s\":44,\"duration_s\":1,\"height_w\":8.25,\"causes\":[]}]}";

/* 20 W with a swing, and what the spikes add. */
static inline double metered_w(double t_s) {
  const double spike_w = t_s > 20 && t_s <= 23 ? 31 : t_s > 44 && t_s <= 45 ? 8.25 : 0;
  return 20 + 3 * sin(t_s / 3) + spike_w;
}

static inline void metered_fill(fr_store *store, int64_t run) {
  static const char *const names[] = {"package-0", "dram, \"all\""};
  static const fr_store_phase phases[] = {
      {.number = 1, .path = "load", .begin_ns = 1000000000, .end_ns = 12000000000},
      {.number = 2, .path = "train", .begin_ns = 12000000000},
      {.number = 3,
       .path = "train/forward",
       .begin_ns = 15000000000,
       .end_ns = 50000000000}};
  double domain_w[METERED_SAMPLES][2], energy_j = 0;
  fr_store_sample samples[METERED_SAMPLES];
  for (int i = 0; i < METERED_SAMPLES; i++) {
    const double t_s = (i + 1) * 0.1, watts = metered_w(t_s);
    domain_w[i][0] = watts - 2;
    domain_w[i][1] = i % 100 == 50 ? (double)NAN : 2;
    energy_j += watts * 0.1;
    samples[i] = (fr_store_sample){.t_ns = (uint64_t)(i + 1) * 100000000,
                                   .power_w = watts,
                                   .energy_j = energy_j,
                                   .program_j = energy_j / 2,
                                   .marked = i == 3,
                                   .domains = 2,
                                   .domain_w = domain_w[i]};
  }
  assert_int_equal(fr_store_domains(store, run, names, 2, NULL), FR_OK);
  assert_int_equal(fr_store_samples(store, run, samples, METERED_SAMPLES, NULL), FR_OK);
  assert_int_equal(fr_store_phases(store, run, phases, 3, NULL), FR_OK);
}

#endif
