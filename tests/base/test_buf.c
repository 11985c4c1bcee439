/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/buf.h"

static void grows_and_detaches(void **state) {
  (void)state;
  fr__buf buf;
  fr__buf_init(&buf, 0);
  assert_string_equal(fr__buf_text(&buf), "");
  for (int i = 0; i < 1000; i++)
    fr__buf_printf(&buf, "%d,", i);
  assert_int_equal(buf.length, 10 * 2 + 90 * 3 + 900 * 4);
  fr__buf_clear(&buf);
  fr__buf_add(&buf, "again");
  char *text = fr__buf_detach(&buf);
  assert_string_equal(text, "again");
  free(text);
  fr__buf_release(&buf);
}

static void keeps_its_first_failure(void **state) {
  (void)state;
  fr__buf buf;
  fr__buf_init(&buf, 8);
  fr__buf_add(&buf, "1234567");
  assert_int_equal(buf.status, FR_OK);
  fr__buf_add(&buf, "8");
  assert_int_equal(buf.status, FR_ERR_LIMIT);
  fr__buf_add(&buf, "");
  assert_string_equal(fr__buf_text(&buf), "1234567");
  assert_null(fr__buf_detach(&buf));
  fr__buf_release(&buf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grows_and_detaches),
      cmocka_unit_test(keeps_its_first_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
