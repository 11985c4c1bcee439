/* SPDX-License-Identifier: Apache-2.0 */
/* Pruning with training around it: what is 0 stays 0, what is gone back to is what it
 * was, and nothing is lost where it ends early. */
#include "../train/toy.h"

#include "adapt/prune_run.h"
#include "frugal/prune.h"

static const char arch[] = "dense(16) relu dense(16) relu dense(classes)";
enum { EPOCHS = 12, TOY_BATCH = 16 };

static fr_train_options toy_options(void) {
  fr_train_options options = fr_train_default_options();
  options.epochs = EPOCHS;
  options.patience = 0;
  options.batch = TOY_BATCH;
  options.optimizer.learning_rate = 0.01f;
  return options;
}

typedef struct problem {
  toy a, b;
  fr_samples train, validate;
  fr_train_options options;
} problem;

static problem *new_problem(void) {
  problem *p = calloc(1, sizeof *p);
  assert_non_null(p);
  p->train = toy_samples(&p->a, 1);
  p->validate = toy_samples(&p->b, 2);
  p->options = toy_options();
  return p;
}

static fr_net *trained(const problem *p, size_t epochs) {
  fr_net *net = toy_net(arch, p->options.seed);
  fr_train_options options = p->options;
  fr_train_result result;
  options.epochs = epochs;
  assert_int_equal(
      fr_train(net, &p->train, &p->validate, &options, NULL, NULL, &result, NULL), FR_OK);
  fr_train_result_release(&result);
  return net;
}

static fr_prune_options parsed(const char *text) {
  fr_prune_options options;
  fr_error err = {.text = ""};
  fr_prune_parse(text, &options, &err);
  assert_string_equal(err.text, "");
  return options;
}

static fr_prune_result pruned(const problem *p, fr_net **net, const char *how) {
  const fr_prune_options options = parsed(how);
  fr_prune_result result;
  fr_error err = {.text = ""};
  fr_prune_train(net, &p->train, &p->validate, &p->options, &options, NULL, NULL, &result,
                 &err);
  assert_string_equal(err.text, "");
  return result;
}

static void units_go_and_accuracy_stays(void **state) {
  (void)state;
  static const char *const ways[] = {
      "structured(0.5,epochs=6)",           "structured(0.5,l1,epochs=6)",
      "structured(0.5,gradual,epochs=8)",   "structured(0.5,rewind)",
      "structured(0.5,global,l2,epochs=6)", "structured(0.5,taught,epochs=6)"};
  problem *p = new_problem();
  p->options.epochs = 40;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    fr_net *net = trained(p, 40);
    const uint64_t before = fr_net_operations(net);
    const fr_prune_result r = pruned(p, &net, ways[i]);
    assert_int_equal(r.units_before, 32);
    assert_int_equal(r.units, 16);
    assert_true(2 * fr_net_operations(net) < before);
    assert_true(r.validate_before > 0.8 && r.validate_after > 0.8);
    assert_true(r.operations > 0 && r.epochs > 0);
    fr_net_free(net);
  }
  free(p);
}

static void an_amount_of_operations_is_met_by_the_fewest_units(void **state) {
  (void)state;
  static const char *const ways[] = {
      "structured(0.5,operations,align=1,epochs=1)",
      "structured(0.5,operations,align=1,gradual,epochs=4)",
      "structured(0.5,operations,align=1,rewind)"};
  problem *p = new_problem();
  for (size_t i = 0; i < 3; i++) {
    fr_net *net = trained(p, EPOCHS);
    /* 2 x 16 x 2 + 16 + 2 x 16 x 16 + 16 + 2 x 16 x 2; of 11 units each: 352, of 10: 300
     */
    assert_int_equal(fr_net_operations(net), 672);
    (void)pruned(p, &net, ways[i]);
    assert_true(fr_net_operations(net) <= 336);
    assert_true(fr_net_operations(net) >= 300);
    fr_net_free(net);
  }
  free(p);
}

static size_t zeros_of(const fr_net *net, const char *name) {
  size_t count, zeros = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; strcmp(tensor[i].name, name) == 0 && k < tensor[i].count; k++)
      zeros += tensor[i].value[k] == 0;
  return zeros;
}

static void weights_that_are_0_stay_0(void **state) {
  (void)state;
  static const char *const ways[] = {
      "unstructured(0.75,epochs=4)", "unstructured(0.75,taylor,epochs=4)",
      "unstructured(0.75,gradual,epochs=6)", "unstructured(0.75,rewind=1,rounds=2)"};
  problem *p = new_problem();
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    fr_net *net = trained(p, EPOCHS);
    const fr_prune_result r = pruned(p, &net, ways[i]);
    /* 2 x 16, 16 x 16, 16 x 2 weights: three quarters of each */
    assert_int_equal(zeros_of(net, "0.weight"), 24);
    assert_int_equal(zeros_of(net, "2.weight"), 192);
    assert_int_equal(zeros_of(net, "4.weight"), 24);
    assert_int_equal(r.zeros, 240);
    assert_int_equal(r.weights_before, 320);
    assert_true(zeros_of(net, "2.bias") < 4); /* of units that never answer */
    fr_net_free(net);
  }
  fr_net *net = trained(p, EPOCHS);
  const fr_prune_result r = pruned(p, &net, "unstructured(0.75,global,l1,epochs=2)");
  assert_int_equal(r.zeros, 240);
  fr_net_free(net);
  free(p);
}

static void the_smallest_weights_go(void **state) {
  (void)state;
  fr_net *net = toy_net("dense(4) dense(classes)", 1);
  size_t count, zeros = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  static const float weight[8] = {3, -1, 2, -4, 0.5f, -0.5f, 6, 5};
  static const float wanted[8] = {3, 0, 2, -4, 0, 0, 6, 5};
  memcpy(tensor[0].value, weight, sizeof weight);
  fr_prune_options options = parsed("unstructured(0.375)");
  assert_int_equal(fr_prune_zero(net, &options, &zeros, NULL), FR_OK);
  assert_memory_equal(tensor[0].value, wanted, sizeof wanted);
  assert_int_equal(zeros, 6);
  fr_net_free(net);
}

/* Zhu and Gupta 2017, equation 1, by hand. */
static void the_schedule_is_cubic(void **state) {
  (void)state;
  assert_true(fabs(fr_prune_schedule(0.9, 0, 100)) < 1e-12);
  assert_true(fabs(fr_prune_schedule(0.9, 50, 100) - 0.7875) < 1e-12);
  assert_true(fabs(fr_prune_schedule(0.5, 1, 4) - 0.2890625) < 1e-12);
  assert_true(fabs(fr_prune_schedule(0.9, 100, 100) - 0.9) < 1e-12);
  assert_true(fabs(fr_prune_schedule(0.9, 120, 100) - 0.9) < 1e-12);
}

static void going_back_gives_the_weights_of_then(void **state) {
  (void)state;
  problem *p = new_problem();
  fr_net *net = trained(p, EPOCHS), *then = NULL, *early = NULL;
  const fr_prune_options options = parsed("structured(0.5,rewind=3)");
  fr__pruning run = {
      .net = net, .train = &p->train, .options = &p->options, .prune = &options};
  assert_int_equal(fr__prune_early(&run, net, &early, NULL), FR_OK);
  fr_train_result result;
  fr_train_options short_run = p->options;
  short_run.epochs = 3;
  then = toy_net(arch, p->options.seed);
  assert_int_equal(fr_train(then, &p->train, NULL, &short_run, NULL, NULL, &result, NULL),
                   FR_OK);
  assert_true(toy_same_weights(early, then));
  fr_train_result_release(&result);
  fr_net_free(early);
  fr_net_free(then);

  /* of 16 units a fiftieth is none: trained again from the start it is the same network
   */
  fr_net *again = trained(p, EPOCHS);
  (void)pruned(p, &again, "structured(0.02,rewind=0)");
  assert_true(toy_same_weights(again, net));
  fr_net_free(again);
  fr_net_free(net);
  free(p);
}

static void the_greatest_amount_is_found(void **state) {
  (void)state;
  problem *p = new_problem();
  p->options.epochs = 40;
  fr_net *net = trained(p, 40);
  const fr_prune_result r = pruned(p, &net, "structured(until=2,epochs=4)");
  assert_int_equal(r.tries, 5);
  assert_true(r.amount > 0 && r.amount < 1);
  assert_true(r.validate_after >= r.validate_before - 0.02 - 1e-9);
  assert_true(r.units < r.units_before);
  fr_net_free(net);
  free(p);
}

static bool never(void *self) {
  size_t *left = self;
  return (*left)-- == 0;
}

static void nothing_is_lost_where_it_is_interrupted(void **state) {
  (void)state;
  static const char *const ways[] = {"structured(0.5)", "unstructured(0.5,gradual)",
                                     "structured(0.5,rewind=2)"};
  problem *p = new_problem();
  fr_net *net = trained(p, EPOCHS), *same = trained(p, EPOCHS), *const before = net;
  for (size_t i = 0; i < 3; i++)
    for (size_t step = 0; step < 60; step += 7) {
      size_t left = step;
      const fr_budget budget = {.self = &left, .interrupted = never};
      const fr_prune_options options = parsed(ways[i]);
      fr_prune_result result;
      assert_int_equal(fr_prune_train(&net, &p->train, &p->validate, &p->options,
                                      &options, NULL, &budget, &result, NULL),
                       FR_ERR_CANCELLED);
      assert_ptr_equal(net, before);
      assert_true(toy_same_weights(net, same));
    }
  fr_net_free(net);
  fr_net_free(same);
  free(p);
}

static void a_scan_tells_each_layer(void **state) {
  (void)state;
  problem *p = new_problem();
  p->options.epochs = 40;
  fr_net *net = trained(p, 40);
  static const double amounts[] = {0.02, 0.9};
  fr_prune_scan scan;
  fr_prune_options options = parsed("structured");
  assert_int_equal(fr_prune_scan_run(net, &p->train, &p->validate, &p->options, &options,
                                     amounts, 2, NULL, NULL, &scan, NULL),
                   FR_OK);
  assert_int_equal(scan.layers, 2);
  assert_string_equal(scan.layer[0], "1 dense(16)");
  assert_string_equal(scan.layer[1], "3 dense(16)");
  assert_true(scan.accuracy[0] == scan.before); /* nothing is gone yet */
  assert_true(scan.accuracy[1] < scan.before);
  fr_prune_scan_release(&scan);
  options.kind = FR_PRUNE_UNSTRUCTURED;
  assert_int_equal(fr_prune_scan_run(net, &p->train, &p->validate, &p->options, &options,
                                     amounts, 2, NULL, NULL, &scan, NULL),
                   FR_OK);
  assert_int_equal(scan.layers, 3);
  assert_string_equal(scan.layer[1], "2.weight");
  assert_true(scan.accuracy[2] >= scan.accuracy[3]);
  fr_prune_scan_release(&scan);
  assert_int_equal(fr_prune_scan_run(net, &p->train, NULL, &p->options, &options, amounts,
                                     2, NULL, NULL, &scan, NULL),
                   FR_ERR_ARGUMENT);
  fr_net_free(net);
  free(p);
}

static void the_text_comes_back(void **state) {
  (void)state;
  static const char *const good[][2] = {
      {"structured", "structured(0.5,one-shot,per-layer,taylor)"},
      {"structured(0.5)", "structured(0.5,one-shot,per-layer,taylor)"},
      {"unstructured( 0.9 , gradual )", "unstructured(0.9,gradual,per-layer,l1)"},
      {"structured(0.5,rewind)", "structured(0.5,rewind=0,per-layer,taylor)"},
      {"structured(rewind=2,l1,global,.25,rounds=4)",
       "structured(0.25,rewind=2,global,l1,rounds=4)"},
      {"structured(operations)", "structured(0.5,one-shot,per-layer,taylor,operations)"},
      {"structured(taught)", "structured(0.5,one-shot,per-layer,taylor,taught=0.5)"},
      {"structured(0.5,align=8)", "structured(0.5,one-shot,per-layer,taylor,align=8)"},
      {"unstructured(until=1,l2,epochs=5,refine=0.1)",
       "unstructured(until=1,one-shot,per-layer,l2,epochs=5,refine=0.1)"}};
  enum { AMOUNTS = 4 };
  static const char *const bad[] = {"structured(1)",
                                    "structured(0)",
                                    "structured(1.5,l1)",
                                    "unstructured(-0.5)",
                                    "",
                                    "half",
                                    "structured(",
                                    "structured()",
                                    "structured(0.5",
                                    "structured(0.5,)",
                                    "structured(nan)",
                                    "structured(0.5) x",
                                    "structured(0.5)5",
                                    "structured(0.5,soon)",
                                    "structured(until=-1)",
                                    "structured(epochs=0)",
                                    "structured(rewind=x)",
                                    "structured(taught=2)",
                                    "structured(refine=)"};
  char text[200];
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    const fr_prune_options options = parsed(good[i][0]);
    fr_prune_text(&options, text, sizeof text);
    assert_string_equal(text, good[i][1]);
    const fr_prune_options again = parsed(text);
    assert_memory_equal(&again, &options, sizeof again);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_prune_options options;
    fr_error err = {.text = ""};
    assert_int_equal(fr_prune_parse(bad[i], &options, &err), FR_ERR_FORMAT);
    assert_non_null(strstr(err.text, i < AMOUNTS ? "is no number between 0 and 1"
                                                 : "is not a kind of pruning"));
  }
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  problem *p = new_problem();
  fr_net *net = toy_net(arch, 1), *const before = net;
  static const struct {
    const char *how, *word;
    bool validated;
  } bad[] = {{"structured(until=1)", "validation side", false},
             {"structured(0.5,rewind=12)", "gone back to", true}};
  for (size_t i = 0; i < 2; i++) {
    const fr_prune_options options = parsed(bad[i].how);
    fr_prune_result result;
    fr_error err = {.text = ""};
    assert_int_equal(fr_prune_train(&net, &p->train,
                                    bad[i].validated ? &p->validate : NULL, &p->options,
                                    &options, NULL, NULL, &result, &err),
                     FR_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, bad[i].word));
    assert_ptr_equal(net, before);
  }
  fr_net_free(net);
  free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(units_go_and_accuracy_stays),
      cmocka_unit_test(an_amount_of_operations_is_met_by_the_fewest_units),
      cmocka_unit_test(weights_that_are_0_stay_0),
      cmocka_unit_test(the_smallest_weights_go),
      cmocka_unit_test(the_schedule_is_cubic),
      cmocka_unit_test(going_back_gives_the_weights_of_then),
      cmocka_unit_test(the_greatest_amount_is_found),
      cmocka_unit_test(nothing_is_lost_where_it_is_interrupted),
      cmocka_unit_test(a_scan_tells_each_layer),
      cmocka_unit_test(the_text_comes_back),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests_name("adapt/prune_train", tests, NULL, NULL);
}
