/* SPDX-License-Identifier: Apache-2.0 */
/* A test is of the samples that it looks at, however they are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frugal/train.h"

static uint64_t protocol_of(const char *spec, const fr_prepare_options *options) {
  fr_dataset *data = NULL;
  fr_prepared prepared = {0};
  fr_error err = {0};
  if (fr_data_open(spec, NULL, &data, &err) != FR_OK ||
      fr_prepared_init(&prepared, data, options, NULL, &err) != FR_OK)
    fail_msg("%s", err.text);
  const uint64_t protocol = fr_prepared_protocol(&prepared, data, options->task);
  fr_prepared_release(&prepared);
  fr_data_free(data);
  return protocol;
}

static const char people[] = "synthetic:subjects=4&trials=3&seconds=8";

static void the_same_samples_are_the_same_protocol(void **state) {
  (void)state;
  fr_prepare_options o = {.task = FR_TASK_ACTIVITY, .split = "subject:1,3"};
  const uint64_t protocol = protocol_of(people, &o);
  o.seed = 99; /* which only random splits look at */
  assert_true(protocol_of(people, &o) == protocol);
  o.split = "subject:3,1";
  assert_true(protocol_of(people, &o) == protocol);
  o.validate = "none"; /* the training side's own affair */
  assert_true(protocol_of(people, &o) == protocol);
  o.normalize = FR_NORMALIZE_ZSCORE;
  assert_true(protocol_of(people, &o) == protocol);
}

static void other_samples_are_another(void **state) {
  (void)state;
  fr_prepare_options o = {.task = FR_TASK_ACTIVITY, .split = "subject:1,3"};
  const uint64_t protocol = protocol_of(people, &o);
  assert_true(protocol_of("synthetic:subjects=4&trials=3&seconds=8&seed=2", &o) !=
              protocol);
  o.task = FR_TASK_SUBJECT;
  assert_true(protocol_of(people, &o) != protocol);
  o.task = FR_TASK_ACTIVITY;
  o.split = "subject:1,2";
  assert_true(protocol_of(people, &o) != protocol);
  o.split = "subject:1,3";
  o.step = 32;
  assert_true(protocol_of(people, &o) != protocol);
  o.step = 0;
  o.rate_hz = 25;
  assert_true(protocol_of(people, &o) != protocol);
  o.rate_hz = 0;
  o.window = 100;
  assert_true(protocol_of(people, &o) != protocol);
}

static void a_fold_is_its_own(void **state) {
  (void)state;
  fr_prepare_options o = {.task = FR_TASK_ACTIVITY, .split = "subject:loo"};
  const uint64_t first = protocol_of(people, &o);
  o.fold = 1;
  assert_true(protocol_of(people, &o) != first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_samples_are_the_same_protocol),
      cmocka_unit_test(other_samples_are_another),
      cmocka_unit_test(a_fold_is_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
