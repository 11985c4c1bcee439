/* SPDX-License-Identifier: Apache-2.0 */
/* What the choice of a depth holds back: people who are not trained on, else the last
 * trials, else the last of each person's time. */
#include "../test.h"

#include "frugal/adapt.h"

enum { PEOPLE = 9 };

static fr_prepared prepared;

static void open_walkers(enum fr_task task, const char *split) {
  fr_dataset *data = NULL;
  const fr_prepare_options options = {.task = task, .split = split, .validate = "none"};
  ASSERT_OK(fr_data_open("synthetic:subjects=9&trials=6&seconds=8&activities=wlk,jog",
                         NULL, &data, err));
  ASSERT_OK(fr_prepared_init(&prepared, data, &options, NULL, err));
  fr_data_free(data);
}

static const fr_record *record_of(size_t i) {
  const fr_window *window = &prepared.windows.at[prepared.train.window[i]];
  return &prepared.data->record[window->record];
}

static bool *hold(enum fr_task task, bool *by_people) {
  bool *held = NULL;
  ASSERT_OK(fr_transfer_hold(&prepared, task, &held, by_people, err));
  return held;
}

static size_t count(const bool *held) {
  size_t n = 0;
  for (size_t i = 0; i < prepared.train.count; i++)
    n += held[i];
  return n;
}

static void people_are_held_back_whole(void **state) {
  (void)state;
  open_walkers(FR_TASK_ACTIVITY, "trial");
  bool by_people = false, *held = hold(FR_TASK_ACTIVITY, &by_people);
  size_t of[PEOPLE][2] = {{0}};
  assert_true(by_people);
  for (size_t i = 0; i < prepared.train.count; i++)
    of[record_of(i)->subject][held[i]]++;
  size_t people = 0;
  for (size_t s = 0; s < PEOPLE; s++) {
    assert_true(of[s][0] == 0 || of[s][1] == 0);
    people += of[s][1] > 0;
  }
  assert_int_equal(people, 2); /* every fourth of nine */
  free(held);
  fr_prepared_release(&prepared);
}

/* Where people are the classes, nobody can be missing. */
static void else_the_last_trial_of_each_person_and_activity(void **state) {
  (void)state;
  open_walkers(FR_TASK_SUBJECT, "trial");
  bool by_people = true, *held = hold(FR_TASK_SUBJECT, &by_people);
  assert_false(by_people);
  assert_true(count(held) > 0 && count(held) < prepared.train.count);
  for (size_t i = 0; i < prepared.train.count; i++)
    for (size_t k = 0; k < prepared.train.count; k++) {
      const fr_record *x = record_of(i), *y = record_of(k);
      if (x->subject != y->subject || x->activity != y->activity || !held[k])
        continue;
      assert_true(held[i] == (x->trial == y->trial));
      assert_true(atoi(prepared.data->trials.name[x->trial]) <=
                  atoi(prepared.data->trials.name[y->trial]));
    }
  free(held);
  fr_prepared_release(&prepared);
}

static void else_the_end_of_each_persons_time(void **state) {
  (void)state;
  open_walkers(FR_TASK_SUBJECT, "time:0.7");
  const size_t trials = prepared.data->trials.count;
  prepared.data->trials.count = 0; /* as if they were not told */
  bool *held = hold(FR_TASK_SUBJECT, NULL);
  size_t of[PEOPLE][2] = {{0}};
  for (size_t i = 0; i < prepared.train.count; i++) {
    const uint32_t subject = record_of(i)->subject;
    of[subject][held[i]]++;
    for (size_t k = 0; k < i; k++) /* once held, always held */
      assert_false(record_of(k)->subject == subject && held[k] && !held[i]);
  }
  for (size_t s = 0; s < PEOPLE; s++)
    assert_int_equal(of[s][1], (of[s][0] + of[s][1]) / 4);
  free(held);
  prepared.data->trials.count = trials;
  fr_prepared_release(&prepared);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(people_are_held_back_whole),
      cmocka_unit_test(else_the_last_trial_of_each_person_and_activity),
      cmocka_unit_test(else_the_end_of_each_persons_time),
  };
  return cmocka_run_group_tests_name("adapt/hold", tests, NULL, NULL);
}
