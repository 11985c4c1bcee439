/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules of the learning rate against PyTorch's, and their text. */
#include <math.h>

#include "../golden/loss_optimizer.h"
#include "made.h"

static fr_schedule read_schedule(const char *text) {
  fr_schedule schedule = {0};
  ASSERT_OK(fr_schedule_parse(text, &schedule, err));
  return schedule;
}

/* 24 steps, four an epoch. */
static void agree(const char *text, const double wanted[24]) {
  const fr_schedule schedule = read_schedule(text);
  for (uint64_t step = 0; step < 24; step++)
    assert_near(fr_schedule_factor(&schedule, step, 24, 4), wanted[step], 1e-8, text);
}

static void schedules_agree_with_pytorch(void **state) {
  (void)state;
  agree("step(0.3,2)", golden_schedule_step);
  agree("exponential(0.8)", golden_schedule_exponential);
  agree("cosine(0.05)", golden_schedule_cosine);
  agree("one-cycle(0.25,0.05,0.001)", golden_schedule_one_cycle);
}

static void warm_up_rises_before_the_schedule(void **state) {
  (void)state;
  const fr_schedule schedule = read_schedule("step(0.5,2) warmup(1.5)");
  for (uint64_t step = 0; step < 6; step++)
    assert_near(fr_schedule_factor(&schedule, step, 40, 4), (double)(step + 1) / 6, 1e-12,
                "within the warm-up");
  for (uint64_t step = 6; step < 40; step++)
    assert_near(fr_schedule_factor(&schedule, step, 40, 4),
                pow(0.5, (double)((step - 6) / 8)), 1e-12, "behind it");
  const fr_schedule cosine = read_schedule("cosine(0.25) warmup(1)");
  assert_near(fr_schedule_factor(&cosine, 4, 13, 4), 1, 1e-12, "top of the cosine");
  assert_near(fr_schedule_factor(&cosine, 8, 13, 4), 0.625, 1e-12, "half way down");
  assert_near(fr_schedule_factor(&cosine, 12, 13, 4), 0.25, 1e-12, "its end");
}

static void any_run_has_factors(void **state) {
  (void)state;
  static const char *const texts[] = {
      "constant",     "step(0.5,0.01)",      "exponential(0)",
      "cosine",       "one-cycle",           "one-cycle(0)",
      "one-cycle(1)", "cosine warmup(1000)", "one-cycle(0.5,0,0) warmup(0.3)"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    const fr_schedule schedule = read_schedule(texts[i]);
    for (uint64_t steps = 0; steps < 9; steps++)
      for (uint64_t step = 0; step < 11; step++)
        for (uint64_t epoch = 0; epoch < 4; epoch++) {
          const double factor = fr_schedule_factor(&schedule, step, steps, epoch);
          if (!(factor >= 0 && factor <= 1))
            fail_msg("%s: factor %g in step %d of %d", texts[i], factor, (int)step,
                     (int)steps);
        }
  }
  const fr_schedule none = {0};
  assert_true(fr_schedule_factor(&none, 5, 10, 2) == 1);
  const fr_schedule cycle = read_schedule("one_cycle(0)");
  assert_near(fr_schedule_factor(&cycle, 0, 50, 5), 1, 1e-12, "without a rise");
  assert_near(fr_schedule_factor(&cycle, 49, 50, 5), 0.0001, 1e-12, "last");
  assert_near(fr_schedule_factor(&cycle, 60, 50, 5), 0.0001, 1e-12, "behind the last");
}

static void text_sets_the_fields(void **state) {
  (void)state;
  const fr_schedule step = read_schedule("  step( 0.5 , 10 )   warmup(2)  ");
  assert_int_equal(step.kind, FR_SCHEDULE_STEP);
  assert_true(step.factor == 0.5 && step.every == 10 && step.warmup == 2);
  const fr_schedule cycle = read_schedule("one-cycle");
  assert_int_equal(cycle.kind, FR_SCHEDULE_ONE_CYCLE);
  assert_true(cycle.rise == 0.3 && cycle.start == 0.04 && cycle.final == 0.0001);
  const fr_schedule given = read_schedule("one_cycle(0.1,0.2) warmup(0)");
  assert_true(given.rise == 0.1 && given.start == 0.2 && given.final == 0.0001);
  assert_true(read_schedule("cosine").final == 0);
  assert_int_equal(read_schedule("constant warmup(3)").kind, FR_SCHEDULE_CONSTANT);
}

static void what_is_not_accepted_gets_one_sentence(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"", "the schedule's text is empty"},
      {"linear",
       "schedule 'linear': no such schedule; there are constant, step(factor,epochs), "
       "exponential(factor), cosine[(final)], one-cycle[(rise[,start[,final]])]"},
      {"step(0.5)", "schedule 'step(0.5)': 'step' is written step(factor,epochs)"},
      {"constant(1)", "schedule 'constant(1)': 'constant' is written constant"},
      {"cosine(0.1,0.2)", "schedule 'cosine(0.1,0.2)': 'cosine' is written "
                          "cosine[(final)]"},
      {"step(2,10)", "schedule 'step(2,10)': factor '2' is not a number from 0 to 1"},
      {"step(0.5,0)",
       "schedule 'step(0.5,0)': epochs '0' is not a number from 0.01 to 1e+06"},
      {"exponential(nan)",
       "schedule 'exponential(nan)': factor 'nan' is not a number from 0 to 1"},
      {"cosine()", "schedule 'cosine()': final '' is not a number from 0 to 1"},
      {"cosine(0.1", "schedule 'cosine(0.1': a parenthesis never ends"},
      {"cosine)", "schedule 'cosine)': unexpected ')'"},
      {"(3)", "schedule '(3)': unexpected '('"},
      {"cosine warmup", "schedule 'cosine warmup': 'warmup' is written warmup(epochs)"},
      {"cosine cosine", "schedule 'cosine cosine': only warmup(epochs) may follow"},
      {"cosine warmup(1) warmup(1)",
       "schedule 'cosine warmup(1) warmup(1)': only warmup(epochs) may follow"},
      {"cosine\n", "schedule, column 7: unexpected byte 0x0a"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_schedule schedule = {.factor = 7};
    fr_error err = {0};
    assert_int_equal(fr_schedule_parse(rows[i][0], &schedule, &err), FR_ERR_FORMAT);
    assert_string_equal(err.text, rows[i][1]);
    assert_true(schedule.factor == 7);
  }
  char text[200];
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = '\0';
  fr_schedule schedule;
  assert_int_equal(fr_schedule_parse(text, &schedule, NULL), FR_ERR_FORMAT);
}

static void any_text_gets_an_answer(void **state) {
  (void)state;
  static const char *const pieces[] = {"step",  "one-cycle", "cosine",   "warmup", "(",
                                       ")",     ",",         " ",        "0.5",    "-1",
                                       "1e999", "\x80",      "constant", "(0.5)",  "inf"};
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  for (size_t i = 0; i < 20000; i++) {
    char text[160] = "";
    for (size_t k = fr__rng_below(&rng, 9); k > 0; k--)
      strcat(text, pieces[fr__rng_below(&rng, sizeof pieces / sizeof pieces[0])]);
    fr_schedule schedule = {0};
    fr_error err = {0};
    if (fr_schedule_parse(text, &schedule, &err) != FR_OK)
      assert_true(err.text[0] != '\0');
    else
      assert_true(fr_schedule_factor(&schedule, 3, 10, 2) >= 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(schedules_agree_with_pytorch),
      cmocka_unit_test(warm_up_rises_before_the_schedule),
      cmocka_unit_test(any_run_has_factors),
      cmocka_unit_test(text_sets_the_fields),
      cmocka_unit_test(what_is_not_accepted_gets_one_sentence),
      cmocka_unit_test(any_text_gets_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
