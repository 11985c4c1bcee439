/* SPDX-License-Identifier: Apache-2.0 */
/* One sensor on a recording that the test writes. */
#ifndef FR_TEST_METER_RECORDED_H
#define FR_TEST_METER_RECORDED_H

#include "tree.h"

#include <errno.h>

#include "../test.h"
#include "meter/sensor.h"

typedef struct recorded {
  tree t;
  char timeline[1 << 16];
  size_t length;
  fr__world *world;
  fr__sensor sensor;
  fr__reading reading; /* the last one */
} recorded;

static inline void recorded_init(recorded *r) {
  memset(r, 0, sizeof *r);
  tree_init(&r->t);
  r->length =
      (size_t)snprintf(r->timeline, sizeof r->timeline, "%s", "t_ns,path,value\n");
}

/* What stands at `path` from then on; rows come in order of time. */
static inline void recorded_row(recorded *r, double t_s, const char *path,
                                const char *value) {
  const size_t room = sizeof r->timeline - r->length;
  const int written =
      snprintf(r->timeline + r->length, room, "%.0f,%s,%s\n", t_s * 1e9, path, value);
  assert_true(written > 0 && (size_t)written < room);
  r->length += (size_t)written;
}

static inline void recorded_number(recorded *r, double t_s, const char *path,
                                   uint64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  recorded_row(r, t_s, path, text);
}

static inline void recorded_open(recorded *r, const fr__sensor_ops *ops) {
  tree_write(&r->t, "timeline.csv", r->timeline);
  ASSERT_OK(fr__world_new_replay(r->t.root, &r->world, err));
  ASSERT_OK(fr__sensor_open(ops, NULL, r->world, &r->sensor, err));
}

/* From here on all that works is counted. */
static inline void recorded_start(recorded *r) {
  for (size_t i = 0; i < r->sensor.count; i++)
    r->sensor.domain[i].counted = r->sensor.domain[i].state == FR_SENSOR_WORKING;
  const fr__load load = fr__host_now(r->world);
  ASSERT_OK(fr__sensor_start(&r->sensor, &load, err));
}

/* Readings every `step_s` up to `until_s`. */
static inline void recorded_run(recorded *r, double until_s, double step_s) {
  const double start_s = (double)fr__world_ns(r->world) * 1e-9;
  const int steps = (int)((until_s - start_s) / step_s + 0.5);
  for (int i = 1; i <= steps; i++) {
    (void)fr__world_move(r->world, (uint64_t)((start_s + i * step_s) * 1e9 + 0.5));
    const fr__load load = fr__host_now(r->world);
    fr__sensor_read(&r->sensor, &load, &r->reading);
  }
}

static inline void recorded_release(recorded *r) {
  fr__sensor_close(&r->sensor);
  fr__world_free(r->world);
  tree_release(&r->t);
}

/* The domain whose name contains `part`. */
static inline fr__domain *recorded_domain(const recorded *r, const char *part) {
  for (size_t i = 0; i < r->sensor.count; i++) {
    if (strstr(r->sensor.domain[i].name, part) != NULL)
      return &r->sensor.domain[i];
  }
  fail_msg("no domain '%s' among %zu (%s)", part, r->sensor.count, r->sensor.reason);
  return NULL;
}

static inline double recorded_joules(const recorded *r, const char *part) {
  return fr__domain_energy_j(recorded_domain(r, part));
}

#endif
