/* SPDX-License-Identifier: Apache-2.0 */
/* Who caused a spike is named, with its share. */
#include "test.h"

#include <math.h>

#include "base/rng.h"
#include "frugal/power.h"

static void near(double value, double expected, double slack) {
  if (!(fabs(value - expected) <= slack))
    fail_msg("%g is not %g within %g", value, expected, slack);
}

#define COUNT 300 /* intervals of 0.1 s */
#define ACTORS 200

typedef struct machine {
  double t_s[COUNT + 1];
  double use_s[ACTORS][COUNT];
  fr_actor actor[ACTORS];
  fr__rng rng;
} machine;

static machine *idle_machine(void) {
  machine *host = calloc(1, sizeof *host);
  fr__rng_init(&host->rng, 4, 0);
  for (size_t i = 0; i <= COUNT; i++)
    host->t_s[i] = 0.1 * (double)i;
  for (size_t a = 0; a < ACTORS; a++)
    host->actor[a] = (fr_actor){"background", (int64_t)a + 100, host->use_s[a]};
  return host;
}

/* In ticks of 10 ms, as the kernel counts. */
static void work(machine *host, size_t actor, double from_s, double to_s, double cores) {
  double due = 0;
  for (size_t i = 0; i < COUNT; i++)
    if (host->t_s[i] >= from_s - 1e-9 && host->t_s[i] < to_s - 1e-9) {
      due += cores * 0.1;
      const double ticks = floor(due / 0.01 + fr__rng_uniform(&host->rng)) * 0.01;
      host->use_s[actor][i] += ticks;
      due -= ticks;
    }
}

static void the_transcriber_beside_a_steady_load_is_first(void **state) {
  (void)state;
  machine *host = idle_machine();
  for (size_t a = 0; a < ACTORS; a++)
    work(host, a, 0, 30, 0.002 * (double)(a % 5));
  host->actor[7].name = "burner";
  work(host, 7, 0, 30, 1.0);
  host->actor[42].name = "transcriber";
  work(host, 42, 15, 18, 2.0);
  host->actor[43].name = "helper";
  work(host, 43, 15, 18, 0.5);
  const fr_spike spike = {.start_s = 15.03, .duration_s = 2.95};
  fr_cause cause[3];
  const size_t found =
      fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, ACTORS, cause, 3);
  assert_int_equal(found, 3);
  assert_string_equal(host->actor[cause[0].actor].name, "transcriber");
  assert_string_equal(host->actor[cause[1].actor].name, "helper");
  near(cause[0].rise_s, 6.0, 0.05);
  assert_true(cause[0].share > 0.75 && cause[0].share <= 0.8); /* 6 of 7.5 s */
  assert_true(cause[0].confidence > 0.99);
  assert_true(cause[0].share + cause[1].share + cause[2].share <= 1 + 1e-9);
  free(host);
}

static void a_load_that_comes_and_goes_is_told_with_doubt(void **state) {
  (void)state;
  machine *host = idle_machine();
  for (double at = 0; at < 30; at += 2)
    work(host, 1, at, at + 1, 1.0);
  work(host, 2, 16, 17, 1.0);
  const fr_spike spike = {.start_s = 16, .duration_s = 1};
  fr_cause cause[2];
  const size_t found =
      fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 3, cause, 2);
  assert_true(found >= 1);
  assert_int_equal(cause[0].actor, 2);
  if (found > 1)
    assert_true(cause[1].confidence < 0.95);
  free(host);
}

static void who_fell_or_stayed_is_no_cause(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 0, 30, 1.0);
  work(host, 1, 0, 15, 1.0);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_cause cause[2];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 2, cause, 2),
                   0);
  free(host);
}

static void with_nothing_before_what_came_after_tells(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 0, 30, 1.0);
  work(host, 1, 0, 3, 1.0);
  const fr_spike spike = {.start_s = 0, .duration_s = 3};
  fr_cause cause[2];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 2, cause, 2),
                   1);
  assert_int_equal(cause[0].actor, 1);
  near(cause[0].rise_s, 3.0, 0.05);
  free(host);
}

static void a_spike_outside_of_all_accounts_has_no_cause(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 0, 30, 1.0);
  const fr_spike spike = {.start_s = 40, .duration_s = 3};
  fr_cause cause[1];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 1, cause, 1),
                   0);
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, 0, NULL, 0, cause, 1), 0);
  free(host);
}

/* A parent that hands out work rises a little with its children. */
static void children_that_rise_with_their_parent_are_before_it(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 0, 30, 0.05); /* the parent, always a little */
  work(host, 0, 15, 18, 0.1);
  work(host, 1, 15.1, 18, 0.9);
  work(host, 2, 15.1, 17.8, 0.7);
  const fr_spike spike = {.start_s = 15.05, .duration_s = 2.95};
  fr_cause cause[4];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 4, cause, 4),
                   3);
  assert_int_equal(cause[0].actor, 1);
  assert_int_equal(cause[1].actor, 2);
  assert_int_equal(cause[2].actor, 0);
  near(cause[0].rise_s, 2.61, 0.03);
  near(cause[2].rise_s, 0.3, 0.05); /* 0.1 of a core more than its habit */
  near(cause[0].share, 2.61 / (2.61 + 1.89 + 0.3), 0.02);
  free(host);
}

/* It rose, and fell again two seconds before the spike: a habit it is not, nor a cause.
 */
static void who_rose_shortly_before_is_no_cause(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 10, 13, 1.0);
  work(host, 1, 15, 18, 1.0);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_cause cause[3];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 3, cause, 3),
                   1);
  assert_int_equal(cause[0].actor, 1);
  near(cause[0].share, 1, 1e-9);
  free(host);
}

/* It began to work a while before and goes on: the spike came on top of it. */
static void who_works_through_it_is_no_cause(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 12, 30, 1.0);
  work(host, 1, 15, 18, 1.0);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_cause cause[3];
  assert_true(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 3, cause, 3) >=
              1);
  assert_int_equal(cause[0].actor, 1);
  assert_true(cause[0].share >= 0.95);
  free(host);
}

/* It rises in the spike and works on: without it there would have been none. */
static void who_rises_in_it_and_works_on_is_a_cause(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 15, 30, 1.0);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_cause cause[3];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 3, cause, 3),
                   1);
  near(cause[0].rise_s, 3.0, 0.05);
  free(host);
}

/* Bursts with a second in between: each is a spike of its own. */
static void a_train_of_bursts_is_told_of_each(void **state) {
  (void)state;
  machine *host = idle_machine();
  work(host, 0, 0, 30, 0.3);
  for (double at = 12; at < 22; at += 2)
    work(host, 1, at, at + 1, 1.0);
  for (double at = 12; at < 22; at += 2) {
    const fr_spike spike = {.start_s = at, .duration_s = 1};
    fr_cause cause[2];
    assert_true(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 2, cause, 2) >=
                1);
    assert_int_equal(cause[0].actor, 1);
  }
  free(host);
}

/* Children too short to be seen are a line of the program's own. */
static void short_lived_children_are_a_cause(void **state) {
  (void)state;
  machine *host = idle_machine();
  host->actor[0].name = "make";
  host->actor[1] = (fr_actor){"(short-lived)", 0, host->use_s[1]};
  work(host, 0, 0, 30, 0.1);
  for (double at = 15; at < 18; at += 0.5) /* their time is told when they end */
    work(host, 1, at + 0.4, at + 0.5, 5.0);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_cause cause[2];
  assert_int_equal(fr_spike_attribute(&spike, host->t_s, COUNT, host->actor, 2, cause, 2),
                   1);
  assert_string_equal(host->actor[cause[0].actor].name, "(short-lived)");
  near(cause[0].rise_s, 3.0, 0.1);
  assert_true(cause[0].confidence > 0.99);
  free(host);
}

/* Power follows use, 12 W a core, under noise: found, and then told by name. */
static void from_samples_of_power_to_a_name(void **state) {
  (void)state;
  machine *host = idle_machine();
  host->actor[0].name = "steady";
  work(host, 0, 0, 30, 1.3);
  host->actor[1].name = "transcriber";
  work(host, 1, 15, 18, 1.6);
  double power_w[COUNT + 1] = {0};
  for (size_t i = 0; i < COUNT; i++)
    power_w[i + 1] = 20 + 120 * (host->use_s[0][i] + host->use_s[1][i]) +
                     0.8 * fr__rng_normal(&host->rng);
  fr_spike *spike = NULL;
  size_t count = 0;
  ASSERT_OK(fr_spikes_find(host->t_s, power_w, COUNT + 1, FR_SOURCE_POWERCAP, 0.015,
                           &spike, &count, err));
  assert_int_equal(count, 1);
  near(spike->start_s, 15, 0.1);
  near(spike->duration_s, 3, 0.15);
  near(spike->height_w, 1.6 * 12, 1);
  fr_cause cause[2];
  assert_true(fr_spike_attribute(spike, host->t_s, COUNT, host->actor, 2, cause, 2) >= 1);
  assert_string_equal(host->actor[cause[0].actor].name, "transcriber");
  assert_true(cause[0].share > 0.95 && cause[0].confidence > 0.99);
  free(spike);
  free(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_transcriber_beside_a_steady_load_is_first),
      cmocka_unit_test(from_samples_of_power_to_a_name),
      cmocka_unit_test(a_load_that_comes_and_goes_is_told_with_doubt),
      cmocka_unit_test(who_fell_or_stayed_is_no_cause),
      cmocka_unit_test(with_nothing_before_what_came_after_tells),
      cmocka_unit_test(children_that_rise_with_their_parent_are_before_it),
      cmocka_unit_test(who_rose_shortly_before_is_no_cause),
      cmocka_unit_test(who_works_through_it_is_no_cause),
      cmocka_unit_test(who_rises_in_it_and_works_on_is_a_cause),
      cmocka_unit_test(a_train_of_bursts_is_told_of_each),
      cmocka_unit_test(short_lived_children_are_a_cause),
      cmocka_unit_test(a_spike_outside_of_all_accounts_has_no_cause),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
