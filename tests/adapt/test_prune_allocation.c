/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails while a network is pruned, the call says so, the network
 * stays as it was, and nothing is left behind; the steps of training allocate nothing. */
#include "../allocations.h"
#include "../train/toy.h"

#include "frugal/prune.h"

static const char arch[] = "dense(8) bn relu dense(6) relu dense(classes)";

static toy a, b;
static fr_samples train, validate;

static int make_samples(void **state) {
  (void)state;
  train = toy_samples(&a, 1);
  validate = toy_samples(&b, 2);
  return 0;
}

/* With the n-th allocation failing; true where none failed. */
static bool attempt(const char *how, size_t n) {
  fr_net *net = toy_net(arch, 1), *same = toy_net(arch, 1), *const before = net;
  fr_train_options options = fr_train_default_options();
  fr_prune_options prune;
  fr_prune_result result;
  fr_error err = {.text = ""};
  options.epochs = 3;
  options.ahead = false;
  assert_int_equal(fr_prune_parse(how, &prune, NULL), FR_OK);
  allocations = 0;
  fail_at = n;
  const enum fr_status status = fr_prune_train(&net, &train, &validate, &options, &prune,
                                               NULL, NULL, &result, &err);
  const bool reached = allocations >= n;
  fail_at = 0;
  if (status != FR_OK) {
    assert_int_equal(status, FR_ERR_MEMORY);
    assert_non_null(strstr(err.text, "out of memory"));
    assert_ptr_equal(net, before);
    assert_true(toy_same_weights(net, same));
  }
  fr_net_free(net);
  fr_net_free(same);
  return !reached;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  static const char *const ways[] = {"structured(0.5,epochs=1)",
                                     "structured(0.5,gradual,l1,rounds=2,epochs=2)",
                                     "structured(0.5,rewind=1)",
                                     "unstructured(0.5,taylor,epochs=1)",
                                     "unstructured(0.5,gradual,epochs=2)",
                                     "unstructured(0.5,rewind=1)",
                                     "structured(until=50,epochs=1)"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    size_t n = 1;
    while (!attempt(ways[i], n))
      n += n < 300 ? 1 : 37;
    assert_true(n > 20);
  }
}

static size_t before_step;

static void begin(void *self, const char *name) {
  (void)self;
  if (strcmp(name, "update") == 0)
    before_step = allocations;
}

/* An update, with the weights that are held at 0 chosen anew. */
static void step_done(void *self, size_t step, double loss) {
  (void)self;
  (void)step;
  (void)loss;
  assert_int_equal(allocations, before_step);
}

static void steps_allocate_nothing(void **state) {
  (void)state;
  const fr_observer observer = {.phase_begin = begin, .step_done = step_done};
  fr_net *net = toy_net(arch, 1);
  fr_train_options options = fr_train_default_options();
  fr_prune_options prune;
  fr_prune_result result;
  options.batch = 4; /* several choices on the way */
  options.epochs = 4;
  options.ahead = false;
  assert_int_equal(fr_prune_parse("unstructured(0.5,gradual)", &prune, NULL), FR_OK);
  assert_int_equal(fr_prune_train(&net, &train, &validate, &options, &prune, &observer,
                                  NULL, &result, NULL),
                   FR_OK);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(steps_allocate_nothing),
  };
  return cmocka_run_group_tests_name("adapt/prune_allocation", tests, make_samples, NULL);
}
