/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "events/crc32c.h"

static void agrees_with_the_published_values(void **state) {
  (void)state;
  unsigned char x[32];
  assert_int_equal(fr__crc32c("123456789", 9), 0xE3069283); /* the usual check value */
  assert_int_equal(fr__crc32c("", 0), 0);
  /* RFC 3720, appendix B.4; its bytes are in the order of the wire. */
  memset(x, 0, sizeof x);
  assert_int_equal(fr__crc32c(x, sizeof x), 0x8A9136AA);
  memset(x, 0xFF, sizeof x);
  assert_int_equal(fr__crc32c(x, sizeof x), 0x62A8AB43);
  for (unsigned char i = 0; i < 32; i++)
    x[i] = i;
  assert_int_equal(fr__crc32c(x, sizeof x), 0x46DD794E);
  for (unsigned char i = 0; i < 32; i++)
    x[i] = (unsigned char)(31 - i);
  assert_int_equal(fr__crc32c(x, sizeof x), 0x113FDB5C);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_published_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
