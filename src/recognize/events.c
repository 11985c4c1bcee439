/* SPDX-License-Identifier: Apache-2.0 */
#include "recognize/events.h"

#include <math.h>

/* Times are numbers of frames by a rate: equal ones may differ by rounding. */
#define SAME_S 1e-6

void fr__events_init(fr__events *events, const fr__event_rules *rules) {
  *events = (fr__events){.rules = *rules};
  fr__events_reset(events, 0);
}

void fr__events_reset(fr__events *events, double since_s) {
  events->since_s = since_s;
  events->sign = FR_NONE;
  events->resting = FR_NONE;
}

static uint32_t greatest(const float *p, size_t classes) {
  uint32_t best = 0;
  for (size_t k = 1; k < classes; k++)
    if (p[k] > p[best])
      best = (uint32_t)k;
  return best;
}

static bool lasted(const fr__events *e, double until_s, double s) {
  return until_s - e->begin_s >= s - SAME_S;
}

static void tell(fr__events *e, double end_s, double said_s, fr_recognized *out) {
  const double start_s = fmax(e->begin_s - e->rules.lag_s, e->since_s);
  *out = (fr_recognized){.sign = e->sign,
                         .confidence = e->peak,
                         .start_s = start_s,
                         .end_s = fmax(end_s, start_s),
                         .said_s = said_s};
  e->told = true;
}

/* The sign that is going on ended with the answer of `end_s`. */
static bool finish(fr__events *e, double end_s, double said_s, fr_recognized *out) {
  const bool now = !e->told && lasted(e, end_s, e->rules.least_s);
  if (now)
    tell(e, end_s - e->rules.lag_s, said_s, out);
  if (e->told) {
    e->resting = e->sign;
    e->rest_s = end_s + e->rules.rest_s;
  }
  e->sign = FR_NONE;
  return now;
}

/* What rises while it rests is the performance that was told. */
static void begin(fr__events *e, double t_s, uint32_t sign, float p) {
  e->told = sign == e->resting && t_s < e->rest_s - SAME_S;
  e->sign = sign;
  e->peak = p;
  e->begin_s = t_s;
}

static bool is_over(const fr__events *e, const float *p, uint32_t best) {
  const fr__event_rules *rules = &e->rules;
  const float own = p[e->sign];
  return own < rules->end * e->peak || (best != e->sign && p[best] >= rules->begin);
}

bool fr__events_step(fr__events *events, double t_s, const float *p, fr_recognized *out) {
  fr__events *e = events;
  const fr__event_rules *rules = &e->rules;
  const uint32_t best = greatest(p, rules->classes);
  bool now = false;
  e->answer_s = t_s;
  if (e->sign != FR_NONE) {
    e->peak = fmaxf(e->peak, p[e->sign]);
    if (is_over(e, p, best))
      now = finish(e, t_s, t_s, out);
  }
  if (e->sign == FR_NONE && best != rules->no_sign && p[best] >= rules->begin)
    begin(e, t_s, best, p[best]);
  if (e->sign != FR_NONE && !e->told && !now && rules->most_s > 0 &&
      lasted(e, t_s, fmax(rules->most_s, rules->least_s))) {
    tell(e, t_s, t_s, out);
    now = true;
  }
  return now;
}

bool fr__events_close(fr__events *events, double t_s, fr_recognized *out) {
  fr__events *e = events;
  const bool now =
      e->sign != FR_NONE && finish(e, e->answer_s + e->rules.period_s, t_s, out);
  fr__events_reset(e, 0);
  return now;
}
