/* SPDX-License-Identifier: Apache-2.0 */
/* Probabilities become signs, each told once: thresholds, least and most time, rest, no
 * sign. Times are counted by hand, ten answers a second. */
#include "../test.h"

#include "recognize/events.h"

enum { WAVE, NOD, NOTHING, CLASSES };

static fr__event_rules rules(void) {
  return (fr__event_rules){.classes = CLASSES,
                           .no_sign = NOTHING,
                           .begin = 0.6F,
                           .end = 0.5F,
                           .least_s = 0.2,
                           .rest_s = 0.3,
                           .period_s = 0.1};
}

/* Answer `i`, at i tenths of a second, gives p to one class, the rest to no sign. */
static bool step(fr__events *events, int i, uint32_t sign, float p, fr_recognized *out) {
  float answer[CLASSES] = {0};
  answer[NOTHING] = 1 - p;
  answer[sign] += p;
  return fr__events_step(events, 0.1 * i, answer, out);
}

/* How often `sign` is told while it has these probabilities, from answer `from` on. */
static int run(fr__events *events, int from, uint32_t sign, const float *p, int count,
               fr_recognized *last) {
  int told = 0;
  for (int i = 0; i < count; i++)
    told += step(events, from + i, sign, p[i], last) ? 1 : 0;
  return told;
}

static void assert_near(double got, double want) {
  assert_true(got > want - 1e-6 && got < want + 1e-6);
}

static void a_sign_is_told_when_it_falls(void **state) {
  (void)state;
  const float p[] = {0.1F, 0.5F, 0.7F, 0.9F, 0.8F, 0.46F, 0.44F, 0.1F};
  fr_recognized told = {0};
  fr__events events;
  const fr__event_rules r = rules();
  fr__events_init(&events, &r);
  assert_int_equal(run(&events, 0, NOD, p, 6, &told), 0);
  assert_true(step(&events, 6, NOD, p[6], &told)); /* below 0.5 * 0.9 */
  assert_false(step(&events, 7, NOD, p[7], &told));
  assert_int_equal(told.sign, NOD);
  assert_float_equal(told.confidence, 0.9F, 0);
  assert_near(told.start_s, 0.2);
  assert_near(told.end_s, 0.6);
  assert_near(told.said_s, 0.6);
}

static void times_are_of_the_middle_of_windows(void **state) {
  (void)state;
  const float p[] = {0.1F, 0.7F, 0.9F, 0.9F, 0.1F};
  fr_recognized told = {0};
  fr__events events;
  fr__event_rules r = rules();
  r.lag_s = 0.15;
  fr__events_init(&events, &r);
  assert_int_equal(run(&events, 0, WAVE, p, 5, &told), 1);
  assert_near(told.start_s, 0); /* not before the stream */
  assert_near(told.end_s, 0.25);
  assert_near(told.said_s, 0.4);
}

static void what_is_too_short_is_not_told(void **state) {
  (void)state;
  const float flash[] = {0, 0.9F, 0, 0}, two[] = {0, 0.9F, 0.9F, 0};
  fr_recognized told = {0};
  fr__events events;
  const fr__event_rules r = rules();
  fr__events_init(&events, &r);
  assert_int_equal(run(&events, 0, WAVE, flash, 4, &told), 0);
  assert_int_equal(run(&events, 4, WAVE, two, 4, &told), 1);
}

static void a_dip_does_not_make_two_of_one(void **state) {
  (void)state;
  const float p[] = {0, 0.9F, 0.9F, 0.9F, 0.3F, 0.3F, 0.9F, 0.9F, 0.9F, 0.9F, 0.9F, 0.2F};
  fr_recognized told = {0};
  fr__events events;
  const fr__event_rules r = rules();
  fr__events_init(&events, &r);
  assert_int_equal(run(&events, 0, WAVE, p, 12, &told), 1);
  assert_near(told.said_s, 0.4);
  /* what was the same performance rests from its own end on */
  assert_int_equal(run(&events, 12, WAVE, p, 12, &told), 0);
  assert_int_equal(run(&events, 29, WAVE, p, 12, &told), 1);
}

static void another_sign_ends_the_first(void **state) {
  (void)state;
  const float wave[] = {0.9F, 0.9F, 0.9F}, nod[] = {0.9F, 0.9F, 0.9F, 0};
  fr_recognized told = {0};
  fr__events events;
  fr__event_rules r = rules();
  r.end = 0; /* it would never fall */
  fr__events_init(&events, &r);
  assert_int_equal(run(&events, 0, WAVE, wave, 3, &told), 0);
  assert_true(step(&events, 3, NOD, 0.9F, &told));
  assert_int_equal(told.sign, WAVE);
  assert_int_equal(run(&events, 4, NOD, nod, 4, &told), 1); /* ended by no sign */
  assert_int_equal(told.sign, NOD);
  assert_near(told.start_s, 0.3);
}

static void a_long_sign_is_told_before_its_end(void **state) {
  (void)state;
  fr_recognized told = {0};
  fr__events events;
  fr__event_rules r = rules();
  r.most_s = 0.4;
  fr__events_init(&events, &r);
  for (int i = 0; i < 4; i++)
    assert_false(step(&events, i, WAVE, 0.9F, &told));
  assert_true(step(&events, 4, WAVE, 0.8F, &told));
  assert_near(told.end_s, 0.4);
  for (int i = 5; i < 60; i++)
    assert_false(step(&events, i, WAVE, 0.9F, &told));
  assert_false(step(&events, 60, WAVE, 0, &told));
  assert_false(fr__events_close(&events, 6.0, &told));
}

static void no_sign_is_never_told(void **state) {
  (void)state;
  fr_recognized told = {0};
  fr__events events;
  const fr__event_rules r = rules();
  fr__events_init(&events, &r);
  for (int i = 0; i < 20; i++)
    assert_false(step(&events, i, NOTHING, 1, &told));
  assert_false(fr__events_close(&events, 2, &told));
}

static void the_end_tells_what_was_going_on(void **state) {
  (void)state;
  const float p[] = {0.9F, 0.9F};
  fr_recognized told = {0};
  fr__events events;
  const fr__event_rules r = rules();
  fr__events_init(&events, &r);
  assert_int_equal(run(&events, 0, NOD, p, 2, &told), 0);
  assert_true(fr__events_close(&events, 0.1, &told));
  assert_near(told.end_s, 0.2); /* two answers of a tenth of a second */
  assert_near(told.said_s, 0.1);
  assert_false(fr__events_close(&events, 0.1, &told));
  assert_int_equal(run(&events, 1, NOD, p, 1, &told), 0);
  assert_false(fr__events_close(&events, 0.1, &told)); /* too short */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sign_is_told_when_it_falls),
      cmocka_unit_test(times_are_of_the_middle_of_windows),
      cmocka_unit_test(what_is_too_short_is_not_told),
      cmocka_unit_test(a_dip_does_not_make_two_of_one),
      cmocka_unit_test(another_sign_ends_the_first),
      cmocka_unit_test(a_long_sign_is_told_before_its_end),
      cmocka_unit_test(no_sign_is_never_told),
      cmocka_unit_test(the_end_tells_what_was_going_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
