/* SPDX-License-Identifier: Apache-2.0 */
/* Curves and histograms allocate nothing; and wherever an allocation fails, the call says
 * so. The linker leads every allocation here. */
#include "../allocations.h"
#include "../test.h"

#include "frugal/events.h"

static void curves_and_histograms_allocate_nothing(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char tag[FR_EVENTS_TAG_CEILING + 1];
  const float value[] = {1, 2, 3};
  fr_events *events = NULL;
  memset(tag, 'x', sizeof tag);
  tag[FR_EVENTS_TAG_CEILING] = '\0';
  ASSERT_OK(fr_events_new(folder, &events, err));
  allocations = 0;
  ASSERT_OK(fr_events_scalar(events, INT64_MIN, tag, 1, err));
  ASSERT_OK(fr_events_histogram(events, INT64_MIN, tag, value, 3, NULL, err));
  ASSERT_OK(fr_events_restart(events, INT64_MAX, err));
  assert_int_equal(allocations, 0);
  fr_events_free(events);
  test_folder_remove(folder);
}

/* All that allocates, with the n-th allocation failing; true where none failed. */
static bool attempt(const char *folder, const char *text, size_t n) {
  static const fr_events_parameter parameter[] = {{.name = "a"}};
  static const char *const metric[] = {"b"};
  const fr_events_session session = {NULL, parameter, 1, metric, 1};
  fr_events *events = NULL;
  fr_error err = {0};
  allocations = 0;
  fail_at = n;
  enum fr_status status = fr_events_new(folder, &events, &err);
  if (status == FR_OK)
    status = fr_events_hparams(events, &session, &err);
  if (status == FR_OK)
    status = fr_events_text(events, 0, "t", text, &err);
  if (status == FR_OK)
    status = fr_events_hparams_end(events, FR_EVENTS_SUCCESS, &err);
  fail_at = 0;
  assert_true(status == FR_OK || status == FR_ERR_MEMORY);
  assert_int_equal(err.status, status);
  fr_events_free(events);
  return status == FR_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char text[8000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  size_t n = 1;
  while (!attempt(folder, text, n))
    n++;
  assert_true(n > 10);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(curves_and_histograms_allocate_nothing),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
