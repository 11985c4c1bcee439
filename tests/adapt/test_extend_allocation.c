/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails while a network learns more classes, the call says so and
 * leaves nothing behind. */
#include "../allocations.h"
#include "blobs.h"

static blobs train_blobs, validate_blobs;
static fr_net *old;

static int make(void **state) {
  (void)state;
  old = blob_old();
  return 0;
}

static int drop(void **state) {
  (void)state;
  fr_net_free(old);
  return 0;
}

/* With the n-th allocation failing; true where none failed. */
static bool attempt(const fr_extend_options *how, size_t n) {
  const fr_samples train = blob_samples(&train_blobs, BLOBS, 11);
  const fr_samples validate = blob_samples(&validate_blobs, BLOBS, 12);
  const fr_names olds = blob_classes(BLOB_OLD), classes = blob_classes(BLOBS);
  const fr_train_options o = blob_options(2);
  fr_extend_result result;
  fr_net *net = NULL;
  fr_error err = {.text = ""};
  allocations = 0;
  fail_at = n;
  const enum fr_status status = fr_extend_train(old, &olds, &classes, &train, &validate,
                                                &o, how, NULL, NULL, &net, &result, &err);
  const bool reached = allocations >= n;
  fail_at = 0;
  if (status == FR_OK) {
    fr_extend_result_release(&result);
    fr_net_free(net);
  } else {
    assert_int_equal(status, FR_ERR_MEMORY);
    if (strstr(err.text, "out of memory") == NULL)
      fail_msg("allocation %zu: %s", n, err.text);
    assert_null(net);
  }
  return !reached;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  fr_extend_options how = fr_extend_default_options();
  how.worth = 0;
  how.refine_epochs = 1;
  how.align = true;
  size_t n = 1;
  while (!attempt(&how, n))
    n++;
  assert_true(n > 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
  return cmocka_run_group_tests(tests, make, drop);
}
