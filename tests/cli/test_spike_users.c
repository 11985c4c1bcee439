/* SPDX-License-Identifier: Apache-2.0 */
/* Short processes of one name are one cause of a spike; long ones are told apart. */
#include "test.h"

#include <math.h>

#include "cli/spike_users.h"

#define BINS 300 /* of 0.1 s */

typedef struct machine {
  cli_users users;
  double t_s[BINS + 2];
} machine;

static void machine_init(machine *host) {
  ASSERT_OK(cli_users_init(&host->users, err));
  for (size_t i = 0; i < BINS + 2; i++)
    host->t_s[i] = 0.1 * (double)i;
}

typedef struct work {
  const char *name;
  int64_t pid;
  double from_s, to_s, cores;
} work;

/* Bin by bin, as they come. */
static void run(machine *host, const work *of, size_t count) {
  for (size_t bin = 0; bin < BINS; bin++)
    for (size_t i = 0; i < count; i++)
      if (host->t_s[bin] >= of[i].from_s - 1e-9 && host->t_s[bin] < of[i].to_s - 1e-9)
        cli_users_add(&host->users, of[i].name, of[i].pid, host->t_s, bin,
                      0.1 * of[i].cores);
}

static size_t attribute(const machine *host, const fr_spike *spike,
                        fr_actor actor[CLI_SPIKE_ACTORS], fr_cause cause[3]) {
  const size_t actors = cli_users_by_name(&host->users, host->t_s, BINS, spike->start_s,
                                          spike->start_s + spike->duration_s, actor);
  return fr_spike_attribute(spike, host->t_s, BINS, actor, actors, cause, 3);
}

static void near(double value, double wanted) {
  if (!(fabs(value - wanted) <= 1e-6))
    fail_msg("%g is not %g", value, wanted);
}

/* Thirty of 0.2 s, two at a time, take 3 s × 2 cores; the helper beside them 3 s × 0.5.
 */
static void thirty_short_compilers_are_one_cause(void **state) {
  (void)state;
  machine host;
  work of[31] = {{"helper", 7, 15, 18, 0.5}};
  for (int i = 0; i < 30; i++) {
    const double from_s = 15 + 0.2 * (i / 2);
    of[1 + i] = (work){"cc1", 100 + i, from_s, from_s + 0.2, 1};
  }
  machine_init(&host);
  run(&host, of, 31);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_actor actor[CLI_SPIKE_ACTORS];
  fr_cause cause[3];
  assert_int_equal(attribute(&host, &spike, actor, cause), 2);
  assert_string_equal(actor[cause[0].actor].name, "cc1");
  assert_int_equal(actor[cause[0].actor].pid, 0);
  near(cause[0].rise_s, 6);
  near(cause[0].share, 0.8);
  assert_string_equal(actor[cause[1].actor].name, "helper");
  assert_int_equal(actor[cause[1].actor].pid, 7);
  cli_users_release(&host.users);
}

/* Compilers ran all the time: it is not they that rose, though each of them is new. */
static void short_ones_that_always_run_are_no_cause(void **state) {
  (void)state;
  machine host;
  work of[61] = {{"transcriber", 7, 15, 18, 1}};
  for (int i = 0; i < 60; i++)
    of[1 + i] = (work){"cc1", 100 + i, 0.5 * i, 0.5 * (i + 1), 1};
  machine_init(&host);
  run(&host, of, 61);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_actor actor[CLI_SPIKE_ACTORS];
  fr_cause cause[3];
  assert_int_equal(attribute(&host, &spike, actor, cause), 1);
  assert_string_equal(actor[cause[0].actor].name, "transcriber");
  cli_users_release(&host.users);
}

/* Of two of a name one works all the time; two short ones, of which one is in the spike.
 */
static void long_ones_and_single_ones_keep_their_numbers(void **state) {
  (void)state;
  machine host;
  const work of[] = {{"worker", 1, 0, 30, 0.5},
                     {"worker", 2, 14, 19, 1},
                     {"burst", 3, 5, 6, 1},
                     {"burst", 4, 15, 16.5, 1}};
  machine_init(&host);
  run(&host, of, 4);
  const fr_spike spike = {.start_s = 14, .duration_s = 5};
  fr_actor actor[CLI_SPIKE_ACTORS];
  fr_cause cause[3];
  assert_int_equal(attribute(&host, &spike, actor, cause), 2);
  assert_int_equal(actor[cause[0].actor].pid, 2);
  near(cause[0].rise_s, 5);
  assert_string_equal(actor[cause[1].actor].name, "burst");
  assert_int_equal(actor[cause[1].actor].pid, 4);
  cli_users_release(&host.users);
}

/* Six hundred in three seconds, ten at a time: more than there are rows for. */
static void nothing_of_more_than_there_is_room_for_is_lost(void **state) {
  (void)state;
  machine host;
  static work of[640];
  size_t count = 0;
  for (int i = 0; i < 40; i++) /* others that are there, and must stay apart */
    of[count++] = (work){"daemon", 1000 + i, 0, 30, 0.001};
  for (int i = 0; i < 600; i++) {
    const double from_s = 15 + 0.1 * (i / 20);
    of[count++] = (work){"true", 2000 + i, from_s, from_s + 0.1, 0.05};
  }
  machine_init(&host);
  run(&host, of, count);
  const fr_spike spike = {.start_s = 15, .duration_s = 3};
  fr_actor actor[CLI_SPIKE_ACTORS];
  fr_cause cause[3];
  assert_int_equal(attribute(&host, &spike, actor, cause), 1);
  assert_string_equal(actor[cause[0].actor].name, "true");
  near(cause[0].rise_s, 3);
  cli_users_release(&host.users);
}

static void what_is_forgotten_leaves_the_rest(void **state) {
  (void)state;
  machine host;
  const work of[] = {{"early", 1, 0, 5, 1}, {"late", 2, 12, 14, 1}};
  machine_init(&host);
  run(&host, of, 2);
  cli_users_forget(&host.users, 100);
  assert_int_equal(host.users.count, 1);
  assert_string_equal(host.users.user[0].name, "late");
  assert_int_equal(host.users.user[0].first, 20);
  assert_int_equal(host.users.user[0].last, 39);
  near(host.users.user[0].use_s[20], 0.1);
  near(host.users.user[0].total_s, 2);
  cli_users_release(&host.users);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(thirty_short_compilers_are_one_cause),
      cmocka_unit_test(short_ones_that_always_run_are_no_cause),
      cmocka_unit_test(long_ones_and_single_ones_keep_their_numbers),
      cmocka_unit_test(nothing_of_more_than_there_is_room_for_is_lost),
      cmocka_unit_test(what_is_forgotten_leaves_the_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
