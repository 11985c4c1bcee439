/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields, read as RFC 9110 and 9111 write them, and as hostile servers do. */
#include "../test.h"

#include "base/http_parts.h"
#include "base/rng.h"

#define NOW INT64_C(1795348800)

static fr__http_fields fields_of(const char *lines) {
  fr__http_fields f;
  fr__http_fields_init(&f);
  while (*lines != '\0') {
    const size_t length = strcspn(lines, "\n");
    fr__http_fields_add(&f, lines, length, NOW);
    lines += length + (lines[length] == '\n');
  }
  return f;
}

/* Values of date(1). The first three lines are the RFC's own examples. */
static void dates_have_three_forms(void **state) {
  static const struct {
    const char *text;
    int64_t seconds;
  } dates[] = {{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
               {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
               {"Sun Nov  6 08:49:37 1994", 784111777},
               {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
               {"Mon, 28 Feb 2000 00:00:00 GMT", 951696000},
               {"Fri, 31 Dec 2055 12:00:00 GMT", 2713867200}};
  (void)state;
  for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
    assert_int_equal(fr__http_date(dates[i].text), dates[i].seconds);
}

static void what_is_no_date_is_unknown(void **state) {
  static const char *const bad[] = {"",
                                    "0",
                                    "-1",
                                    "now",
                                    "Sun, 30 Feb 2024 00:00:00 GMT",
                                    "Sun, 29 Feb 2023 00:00:00 GMT",
                                    "Sun, 06 Nov 1994 24:49:37 GMT",
                                    "Sun, 06 Foo 1994 08:49:37 GMT",
                                    "Sun, 06 Nov -994 08:49:37 GMT",
                                    "Sun, 99999999999999999999 Nov 1994 08:49:37 GMT",
                                    ",,,,"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(fr__http_date(bad[i]), FR__HTTP_UNKNOWN);
}

static void max_age_wins_over_expires(void **state) {
  const fr__http_fields f = fields_of("Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
                                      "Expires: Sun, 22 Nov 2026 13:00:00 GMT\r\n"
                                      "cache-control: private, MAX-AGE=60\r\n");
  (void)state;
  assert_int_equal(fr__http_lifetime(&f, NOW, 999), 60);
  const fr__http_fields e = fields_of("Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
                                      "Expires: Sun, 22 Nov 2026 13:00:00 GMT\r\n");
  assert_int_equal(fr__http_lifetime(&e, NOW, 999), 3600);
}

static void nonsense_is_over_at_once(void **state) {
  static const char *const lines[] = {"Expires: 0\r\n",
                                      "Expires: never\r\n",
                                      "Cache-Control: max-age=\r\n",
                                      "Cache-Control: max-age=1e9\r\n",
                                      "Cache-Control: max-age=-1\r\n",
                                      "Cache-Control: max-age=60, max-age=0\r\n"};
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const fr__http_fields f = fields_of(lines[i]);
    assert_int_equal(fr__http_lifetime(&f, NOW, 999), 0);
  }
}

static void what_is_usual_counts_where_nothing_is_told(void **state) {
  const fr__http_fields f = fields_of("Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n");
  const fr__http_fields none = fields_of("");
  (void)state;
  assert_int_equal(fr__http_lifetime(&f, NOW, 300), 300);
  assert_int_equal(fr__http_lifetime(&f, NOW, 0), 720); /* a tenth of two hours */
  assert_int_equal(fr__http_lifetime(&none, NOW, 300), 300);
  assert_int_equal(fr__http_lifetime(&none, NOW, 0), 0);
}

static void a_lifetime_has_a_ceiling(void **state) {
  const fr__http_fields f =
      fields_of("Cache-Control: max-age=99999999999999999999999999\r\n"
                "Age: 99999999999999999999999999\r\n");
  (void)state;
  assert_int_equal(fr__http_lifetime(&f, NOW, 0), (int64_t)10 * 366 * 86400);
  assert_int_equal(f.age_s, (int64_t)10 * 366 * 86400);
}

/* RFC 9111, 4.2.3: the greater of what Date and what Age and the delay make of it. */
static void an_age_is_the_greater_one(void **state) {
  const fr__http_fields f =
      fields_of("Date: Sun, 22 Nov 2026 11:59:00 GMT\r\nAge: 10\r\n");
  const fr__http_fields g =
      fields_of("Date: Sun, 22 Nov 2026 12:30:00 GMT\r\nAge: 10\r\n");
  (void)state;
  assert_int_equal(fr__http_initial_age(&f, NOW - 2, NOW), 60);
  assert_int_equal(fr__http_initial_age(&g, NOW - 2, NOW), 12);
  assert_int_equal(fr__http_initial_age(&g, NOW + 2, NOW), 10); /* the clock went back */
}

static void directives_are_whole_words(void **state) {
  (void)state;
  assert_true(fields_of("Cache-Control: No-Store\r\n").no_store);
  assert_true(fields_of("Cache-Control: a=b,no-store ,c\r\n").no_store);
  assert_false(fields_of("Cache-Control: no-storeroom\r\n").no_store);
  assert_true(fields_of("Cache-Control: no-cache\r\n").no_cache);
  assert_true(fields_of("Cache-Control: no-cache=\"set-cookie\"\r\n").no_cache);
}

static void quiet_times_are_told_in_many_ways(void **state) {
  (void)state;
  assert_int_equal(fields_of("Retry-After: 120\r\n").retry_s, NOW + 120);
  assert_int_equal(fields_of("Retry-After: Sun, 22 Nov 2026 12:05:00 GMT\r\n").retry_s,
                   NOW + 300);
  assert_int_equal(fields_of("Retry-After: soon\r\n").retry_s, FR__HTTP_UNKNOWN);
  assert_int_equal(fields_of("Retry-After: -5\r\n").retry_s, FR__HTTP_UNKNOWN);
  assert_int_equal(fields_of("X-RateLimit-Remaining: 0\r\n").limit_left, 0);
  assert_int_equal(fields_of("RateLimit-Remaining: 12\r\n").limit_left, 12);
  assert_int_equal(fields_of("RateLimit-Reset: 50\r\n").limit_reset_s, NOW + 50);
  assert_int_equal(fields_of("X-RateLimit-Reset: 1795349000\r\n").limit_reset_s,
                   1795349000);
}

static void tags_that_could_not_be_sent_back_are_dropped(void **state) {
  char line[600];
  (void)state;
  assert_string_equal(fields_of("ETag: W/\"a b\"\r\n").etag, "W/\"a b\"");
  assert_string_equal(fields_of("ETag: a\x01"
                                "b\r\n")
                          .etag,
                      "");
  memset(line, 'x', sizeof line);
  memcpy(line, "ETag: ", 6);
  line[sizeof line - 1] = '\0';
  assert_string_equal(fields_of(line).etag, "");
  assert_string_equal(fields_of("Last-Modified: yesterday\r\n").modified, "");
}

/* Whatever a server sends: nothing is read past its end (the sanitizers' to find). */
static void noise_is_passed_over(void **state) {
  static const char seed[] = "Cache-Control: max-age=5, no-store;Retry-After: 12\r\n"
                             "Date: Sun, 06-Nov-94 08:49:37 GMT X-RateLimit-Reset: 1";
  fr__rng rng;
  (void)state;
  fr__rng_init(&rng, 1, 0);
  for (int round = 0; round < 20000; round++) {
    const size_t length = fr__rng_below(&rng, sizeof seed);
    char *const line = malloc(length + 1);
    fr__http_fields f;
    assert_non_null(line);
    memcpy(line, seed + fr__rng_below(&rng, sizeof seed - length), length);
    for (size_t i = 0; length > 0 && i < 3; i++)
      line[fr__rng_below(&rng, length)] = (char)fr__rng_next(&rng);
    fr__http_fields_init(&f);
    fr__http_fields_add(&f, line, length, NOW);
    assert_in_range(fr__http_lifetime(&f, NOW, 0), 0, (int64_t)10 * 366 * 86400);
    free(line);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates_have_three_forms),
      cmocka_unit_test(what_is_no_date_is_unknown),
      cmocka_unit_test(max_age_wins_over_expires),
      cmocka_unit_test(nonsense_is_over_at_once),
      cmocka_unit_test(what_is_usual_counts_where_nothing_is_told),
      cmocka_unit_test(a_lifetime_has_a_ceiling),
      cmocka_unit_test(an_age_is_the_greater_one),
      cmocka_unit_test(directives_are_whole_words),
      cmocka_unit_test(quiet_times_are_told_in_many_ways),
      cmocka_unit_test(tags_that_could_not_be_sent_back_are_dropped),
      cmocka_unit_test(noise_is_passed_over),
  };
  return cmocka_run_group_tests_name("http fields", tests, NULL, NULL);
}
