/* SPDX-License-Identifier: Apache-2.0 */
#include "recognize/ticks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum fr_status fr__ticks_init(fr__ticks *ticks, size_t width, double period_s,
                              fr_error *err) {
  *ticks = (fr__ticks){.width = width, .period_s = period_s};
  ticks->before = calloc(width, sizeof *ticks->before);
  ticks->now = calloc(width, sizeof *ticks->now);
  ticks->x = calloc(width, sizeof *ticks->x);
  if (ticks->before && ticks->now && ticks->x)
    return FR_OK;
  fr__ticks_release(ticks);
  return fr__fail_memory(err, "frames");
}

void fr__ticks_release(fr__ticks *ticks) {
  free(ticks->before);
  free(ticks->now);
  free(ticks->x);
  *ticks = (fr__ticks){0};
}

void fr__ticks_reset(fr__ticks *ticks) {
  ticks->next = 0;
  ticks->begun = false;
}

void fr__ticks_push(fr__ticks *ticks, double t_s, const float *frame) {
  float *const oldest = ticks->before;
  ticks->before = ticks->now;
  ticks->now = oldest;
  memcpy(ticks->now, frame, ticks->width * sizeof *frame);
  ticks->before_s = ticks->begun ? ticks->now_s : t_s;
  ticks->now_s = t_s;
  if (!ticks->begun)
    ticks->base_s = t_s;
  ticks->begun = true;
}

static bool is_there(float x) { return isfinite(x) && x != 0; }

/* At `share` of the way from the frame before to this one. */
static void go_between(fr__ticks *ticks, float share) {
  const float *const nearer = share < 0.5F ? ticks->before : ticks->now;
  for (size_t i = 0; i < ticks->width; i++) {
    const float a = ticks->before[i], b = ticks->now[i];
    ticks->x[i] = is_there(a) && is_there(b) ? a + share * (b - a) : nearer[i];
  }
}

/* Compared from the first frame on: ticks move on, however large times are. */
bool fr__ticks_next(fr__ticks *ticks, double *t_s, const float **frame) {
  const double near_s = FR__TICK_NEAR * ticks->period_s;
  const double tick_s = (double)ticks->next * ticks->period_s;
  const double now_s = ticks->now_s - ticks->base_s;
  if (tick_s > now_s + near_s)
    return false;
  ticks->next++;
  *t_s = ticks->base_s + tick_s;
  *frame = ticks->now;
  if (tick_s >= now_s - near_s)
    return true;
  const double before_s = ticks->before_s - ticks->base_s;
  go_between(ticks, (float)((tick_s - before_s) / (now_s - before_s)));
  *frame = ticks->x;
  return true;
}
