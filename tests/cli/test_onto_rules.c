/* SPDX-License-Identifier: Apache-2.0 */
/* train --onto: which rule decides, and what its sentence says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "cli/onto.h"

/* Ten signs known, two new, twenty samples of each, everything at hand. */
static cli_onto_facts usual(void) {
  return (cli_onto_facts){.model = "m",
                          .old_classes = 10,
                          .old_here = 10,
                          .new_classes = 2,
                          .old_samples = 200,
                          .new_samples = 40,
                          .validate_samples = 30,
                          .fewest = 19,
                          .epochs = 30,
                          .epochs_known = true,
                          .forward = 1000000,
                          .scratch_forward = 1000000,
                          .head_parameters = 1000,
                          .head_epochs = 60,
                          .refine_epochs = 10,
                          .replay = 10};
}

static cli_onto_decision decide(const cli_onto_facts *facts, enum cli_onto_rule rule,
                                bool extend) {
  cli_onto_decision d;
  cli_onto_decide(facts, &d);
  if (d.rule != rule || d.extend != extend)
    fail_msg("rule %s, %s: %s", cli_onto_rule_name(d.rule),
             d.extend ? "extend" : "scratch", d.reason);
  return d;
}

static void says(const cli_onto_decision *d, const char *text) {
  if (strstr(d->reason, text) == NULL)
    fail_msg("'%s' does not say '%s'", d->reason, text);
}

static void a_few_new_classes_extend(void **state) {
  (void)state;
  const cli_onto_facts f = usual();
  const cli_onto_decision d = decide(&f, CLI_ONTO_EXTEND, true);
  /* by hand: 30 epochs of 1 MFLOP, three times for 240 samples and once for 30 */
  assert_true(d.scratch_operations == 30 * 1e6 * (3 * 240 + 30));
  /* features of 270; the head, 2 FLOP a parameter, and ten epochs, on 100 + 40 */
  const double steps = 3 * 140 + 30;
  assert_true(d.extend_operations == 270e6 + 60 * 2 * 1000 * steps + 10 * 1e6 * steps);
  says(&d, "2 new classes (40 samples, 19 of the rarest) beside 10 known ones");
  says(&d, "at most 21 % of the operations");
  says(&d, "all 12 from scratch for the model's 30 epochs");
}

static void other_numbers_are_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.unlike = "12 channels, the data has 126";
  const cli_onto_decision d = decide(&f, CLI_ONTO_INPUT, false);
  assert_true(d.scratch_operations == 0 && d.extend_operations == 0);
  says(&d, "'m' has learned is of other numbers: 12 channels, the data has 126");
}

static void another_task_is_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.other_task = true;
  const cli_onto_decision d = decide(&f, CLI_ONTO_TASK, false);
  says(&d, "of another task");
}

static void what_cannot_grow_is_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.headless = "it has no dense layer";
  const cli_onto_decision d = decide(&f, CLI_ONTO_HEAD, false);
  says(&d, "'m' cannot grow: it has no dense layer");
}

static void nothing_new_is_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.new_classes = f.new_samples = f.fewest = 0;
  f.old_here = 7;
  const cli_onto_decision d = decide(&f, CLI_ONTO_NO_NEW, false);
  says(&d, "knows every class of the data already (7 of its 10)");
}

/* Even where all would speak for scratch: it would lose what the data lacks. */
static void old_classes_that_the_data_lacks_are_kept(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.old_here = 0;
  f.old_samples = 0;
  f.new_classes = 30;
  f.old_elsewhere = true;
  cli_onto_decision d = decide(&f, CLI_ONTO_KEEP, true);
  says(&d, "lacks 10 of the 10 classes that 'm' knows");
  says(&d, "from the data that it was trained on");
  f.old_elsewhere = false;
  d = decide(&f, CLI_ONTO_KEEP, true);
  says(&d, "will be forgotten");
}

static void few_old_are_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.old_classes = f.old_here = 3;
  decide(&f, CLI_ONTO_EXTEND, true);
  f.old_classes = f.old_here = 2;
  f.old_samples = 40;
  const cli_onto_decision d = decide(&f, CLI_ONTO_FEW_OLD, false);
  says(&d, "'m' knows 2 classes: what was learned of fewer than 3 tells too little of 2 "
           "more");
}

static void far_more_new_than_old_are_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.new_classes = (size_t)(CLI_ONTO_MOST_NEW * 10);
  decide(&f, CLI_ONTO_EXTEND, true);
  f.new_classes++;
  const cli_onto_decision d = decide(&f, CLI_ONTO_MORE_NEW, false);
  says(&d, "31 classes are new and 10 are known: with more than 3 new ones");
}

static void what_costs_no_less_is_trained_anew(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.scratch_forward = 100000; /* a smaller network is asked for */
  cli_onto_decision d = decide(&f, CLI_ONTO_CHEAPER, false);
  says(&d, "with 240 samples and the model's 30 epochs training from scratch takes about "
           "2.25e+09 FLOP, extending 'm' up to 4.82e+09");
  f = usual();
  f.epochs = 5;
  f.epochs_known = false;
  d = decide(&f, CLI_ONTO_CHEAPER, false);
  says(&d, "at most 5 epochs");
}

/* Of so little data none is left out for the sake of the rest. */
static void no_more_is_replayed_than_there_is(void **state) {
  (void)state;
  cli_onto_facts f = usual();
  f.old_samples = 30;
  f.replay = SIZE_MAX;
  const cli_onto_decision d = decide(&f, CLI_ONTO_EXTEND, true);
  const double steps = 3 * 70 + 30;
  assert_true(d.extend_operations == 100e6 + 60 * 2 * 1000 * steps + 10 * 1e6 * steps);
}

static void every_rule_has_a_name(void **state) {
  (void)state;
  for (size_t i = 0; i < CLI_ONTO_RULES; i++)
    for (size_t k = 0; k < i; k++)
      assert_string_not_equal(cli_onto_rule_name((enum cli_onto_rule)i),
                              cli_onto_rule_name((enum cli_onto_rule)k));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_few_new_classes_extend),
      cmocka_unit_test(other_numbers_are_trained_anew),
      cmocka_unit_test(another_task_is_trained_anew),
      cmocka_unit_test(what_cannot_grow_is_trained_anew),
      cmocka_unit_test(nothing_new_is_trained_anew),
      cmocka_unit_test(old_classes_that_the_data_lacks_are_kept),
      cmocka_unit_test(few_old_are_trained_anew),
      cmocka_unit_test(far_more_new_than_old_are_trained_anew),
      cmocka_unit_test(what_costs_no_less_is_trained_anew),
      cmocka_unit_test(no_more_is_replayed_than_there_is),
      cmocka_unit_test(every_rule_has_a_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
