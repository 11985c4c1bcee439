/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/hash.h"

/* XXH64 with seed 0 of the first n bytes of (7 i + 3) mod 256, by Python's xxhash. */
static const struct {
  size_t n;
  uint64_t value;
} golden[] = {
    {0, 0xef46db3751d8e999u},   {1, 0x1f25c8d0bc1f4bb6u},  {3, 0x31d2363f52e564c9u},
    {4, 0x9bb64b7d66ee9fdau},   {8, 0xdab99d95c6f90092u},  {31, 0xa2aa5f33cc4a6119u},
    {32, 0x23c3c17ef790fd97u},  {33, 0x50a7cfc7ba588784u}, {100, 0xa61f8d4c170fe531u},
    {200, 0xa6cb3c09bc829b24u},
};

static void fill(unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    bytes[i] = (unsigned char)(i * 7 + 3);
}

static void matches_xxh64(void **state) {
  (void)state;
  unsigned char bytes[200];
  fill(bytes, sizeof bytes);
  for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
    assert_true(fr__hash_bytes(bytes, golden[i].n) == golden[i].value);
}

static void pieces_do_not_matter(void **state) {
  (void)state;
  unsigned char bytes[200];
  fill(bytes, sizeof bytes);
  for (size_t piece = 1; piece < 70; piece++) {
    fr__hash hash;
    fr__hash_init(&hash, 0);
    for (size_t at = 0; at < sizeof bytes; at += piece)
      fr__hash_add(&hash, bytes + at,
                   sizeof bytes - at < piece ? sizeof bytes - at : piece);
    assert_true(fr__hash_value(&hash) == 0xa6cb3c09bc829b24u);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_xxh64),
      cmocka_unit_test(pieces_do_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
