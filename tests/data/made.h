/* SPDX-License-Identifier: Apache-2.0 */
/* Data sets made by hand for tests of what comes after reading. */
#ifndef TESTS_DATA_MADE_H
#define TESTS_DATA_MADE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "frugal/data.h"

static inline void made_names(fr_names *names, size_t count, const char *format) {
  names->count = count;
  names->name = calloc(count + 1, sizeof *names->name);
  for (size_t i = 0; i < count; i++) {
    char text[32];
    snprintf(text, sizeof text, format, i + 1);
    names->name[i] = strdup(text);
  }
}

static inline void made_names_free(fr_names *names) {
  for (size_t i = 0; i < names->count; i++)
    free(names->name[i]);
  free(names->name);
}

/* Names of people "1"..., of activities "act1"..., of trials "1"...; channels "c1"...;
 * room for `records` of them, none there yet. */
static inline fr_dataset made_dataset(const char *kind, double rate_hz, size_t channels,
                                      size_t subjects, size_t activities, size_t trials,
                                      size_t records) {
  fr_dataset data = {.kind = kind, .split = "trial", .rate_hz = rate_hz};
  data.spec = strdup("made:");
  made_names(&data.channels, channels, "c%zu");
  made_names(&data.subjects, subjects, "%zu");
  made_names(&data.activities, activities, "act%zu");
  made_names(&data.trials, trials, "%zu");
  data.record = calloc(records + 1, sizeof *data.record);
  return data;
}

/* Value of step t, channel c: record + t / 10000 + c / 10, so that each tells where it
 * is. */
static inline float made_value(size_t record, size_t t, size_t c) {
  return (float)((double)record + (double)t / 10000.0 + (double)c / 10.0);
}

static inline void made_add(fr_dataset *data, uint32_t subject, uint32_t activity,
                            uint32_t trial, double start_s, double span_s, size_t steps) {
  const size_t channels = data->channels.count;
  fr_record r = {subject, activity, trial, start_s, span_s, steps, NULL};
  r.values = malloc(steps * channels * sizeof *r.values);
  for (size_t t = 0; t < steps; t++)
    for (size_t c = 0; c < channels; c++)
      r.values[t * channels + c] = made_value(data->count, t, c);
  data->record[data->count++] = r;
}

/* Series of every person, trial and activity, of `most` / 2 to `most` steps. */
static inline fr_dataset made_series(const char *kind, size_t subjects, size_t activities,
                                     size_t trials, size_t most, uint64_t seed) {
  fr_dataset data = made_dataset(kind, 50, 2, subjects, activities, trials,
                                 subjects * activities * trials);
  fr__rng rng;
  fr__rng_init(&rng, seed, 0);
  for (uint32_t s = 0; s < subjects; s++)
    for (uint32_t t = 0; t < trials; t++)
      for (uint32_t a = 0; a < activities; a++) {
        const size_t steps = most / 2 + fr__rng_below(&rng, most / 2 + 1);
        made_add(&data, s, a, t, 0, (double)steps / 50, steps ? steps : 1);
      }
  return data;
}

static inline void made_free(fr_dataset *data) {
  for (size_t r = 0; r < data->count; r++)
    free(data->record[r].values);
  made_names_free(&data->channels);
  made_names_free(&data->subjects);
  made_names_free(&data->activities);
  made_names_free(&data->trials);
  free(data->record);
  free(data->spec);
}

#endif
