/* SPDX-License-Identifier: Apache-2.0 */
/* Times are read as Python's datetime and zoneinfo read them (golden/times.py); what is
 * no time is refused. */
#include "../test.h"

#include <time.h>

#include "base/iso8601.h"
#include "base/rng.h"

#include "../golden/times.h"

static void use_zone(const char *name) {
  assert_int_equal(setenv("TZ", name, 1), 0);
  tzset();
}

static void times_are_seconds(void **state) {
  (void)state;
  use_zone("UTC");
  for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
    int64_t seconds = -7;
    if (!fr__time_scan(written[i].text, strlen(written[i].text), FR__TIME_UTC, &seconds))
      fail_msg("%s", written[i].text);
    assert_int_equal(seconds, written[i].seconds);
  }
}

static void the_wall_has_zones(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof walls / sizeof *walls; i++) {
    fr__civil civil;
    use_zone(walls[i].zone);
    assert_true(fr__civil_read(walls[i].text, strlen(walls[i].text), &civil));
    assert_false(civil.zoned);
    const int64_t first = fr__civil_seconds(&civil, FR__TIME_LOCAL, false);
    const int64_t second = fr__civil_seconds(&civil, FR__TIME_LOCAL, true);
    if (first != walls[i].first || second != walls[i].second)
      fail_msg("%s %s: %lld and %lld", walls[i].zone, walls[i].text, (long long)first,
               (long long)second);
  }
}

static int64_t seconds_of(const char *text) {
  int64_t seconds = 0;
  if (!fr__time_scan(text, strlen(text), FR__TIME_UTC, &seconds))
    fail_msg("%s", text);
  return seconds;
}

static void forms_are_alike(void **state) {
  (void)state;
  const int64_t noon = seconds_of("2024-02-29T12:00:00Z");
  assert_int_equal(noon, 1709208000); /* date -u -d 2024-02-29T12:00:00Z +%s */
  static const char *const same[] = {
      "2024-02-29 12:00",       "2024-02-29 12:00 UTC",         "2024-02-29T12:00:00,5Z",
      " 2024-02-29T12:00Z ",    "2024-02-29 14:00 +02",         "2024-02-29T14:00+0200",
      "2024-02-29T07:30-04:30", "2024-02-29 12:00:00.0 +00:00", "2024-02-29T11:59:60Z",
      "2024-02-29 12:00 gmt"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_int_equal(seconds_of(same[i]), noon);
  assert_int_equal(seconds_of("2024-02-29T24:00Z"), seconds_of("2024-03-01"));
  assert_int_equal(seconds_of("2016-12-31T23:59:60Z"), seconds_of("2017-01-01"));
}

static void the_rest_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "now",
                                    "2023",
                                    "2023-02-29",
                                    "2023-13-01",
                                    "2023-00-10",
                                    "2023-04-31",
                                    "0000-01-01",
                                    "10000-01-01",
                                    "2023-1-1",
                                    "2100-02-29",
                                    "2023-01-01T",
                                    "2023-01-01T03",
                                    "2023-01-01T24:01",
                                    "2023-01-01T25:00",
                                    "2023-01-01T12:60",
                                    "2023-01-01T12:00:61",
                                    "2023-01-01T12:00.",
                                    "2023-01-01T12:00:00.",
                                    "2023-01-01T12:00+",
                                    "2023-01-01T12:00+24:00",
                                    "2023-01-01T12:00+02:60",
                                    "2023-01-01T12:00+2",
                                    "2023-01-01T12:00+02:",
                                    "2023-01-01T12:00ZZ",
                                    "2023-01-01T12:00 PST",
                                    "2023-01-01x12:00",
                                    "-2023-01-01",
                                    "2023-01-01T-1:00",
                                    "2023-01-01T12:00+02:00 more",
                                    "\xef\xbc\x92\xef\xbc\x90",
                                    "2023-01-01T12:00:00Z\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t seconds = 42;
    fr_error err = {0};
    assert_int_equal(fr__time_parse(bad[i], FR__TIME_UTC, &seconds, &err),
                     FR_ERR_ARGUMENT);
    assert_int_equal(seconds, 42);
    assert_int_equal(err.text[0], '\'');
  }
}

static void garbage_is_survived(void **state) {
  (void)state;
  static const char letters[] = "0123456789-:+.,TZ zU\xff";
  fr__rng rng;
  fr__rng_init(&rng, 8, 0);
  for (size_t i = 0; i < 200000; i++) {
    char text[48];
    int64_t seconds;
    const int size = snprintf(text, sizeof text, "%s", written[i % 10].text);
    for (size_t k = 0; k < 1 + i % 4; k++)
      text[fr__rng_below(&rng, (size_t)size)] =
          letters[fr__rng_below(&rng, sizeof letters - 1)];
    char *const copy = malloc((size_t)size); /* no NUL behind: a read too far is seen */
    memcpy(copy, text, (size_t)size);
    if (fr__time_scan(copy, (size_t)size, FR__TIME_LOCAL, &seconds))
      assert_true(seconds > -62200000000 && seconds < 253500000000);
    free(copy);
  }
}

static void durations_are_sums(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t seconds;
  } cases[] = {{"24h", 86400},  {"90min", 5400},      {"2d", 172800},
               {"1h30m", 5400}, {"1 h 30 min", 5400}, {"0.5h", 1800},
               {"45s", 45},     {"1w", 604800},       {"1d12h", 129600},
               {"20m", 1200},   {"1.5 d 6 h", 151200}};
  static const char *const bad[] = {"",      "5",     "h",   "-1h",  "1h-30m",
                                    "1x",    "nan h", "0s",  "1h30", "inf d",
                                    "9e99d", "1hh",   "1e5w"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t seconds = 0;
    ASSERT_OK(fr__duration_parse(cases[i].text, &seconds, err));
    assert_int_equal(seconds, cases[i].seconds);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t seconds = 42;
    fr_error err = {0};
    assert_int_equal(fr__duration_parse(bad[i], &seconds, &err), FR_ERR_ARGUMENT);
    assert_int_equal(seconds, 42);
  }
}

static void local_times_are_written(void **state) {
  (void)state;
  char text[FR__LOCAL_TEXT];
  use_zone("Europe/Berlin");
  fr__time_format_local(1698539400, text); /* date -d @1698539400 */
  assert_string_equal(text, "2023-10-29 02:30 CEST");
  fr__time_format_local(1698543000, text);
  assert_string_equal(text, "2023-10-29 02:30 CET");
  use_zone("America/St_Johns");
  fr__time_format_local(1700000000, text);
  assert_string_equal(text, "2023-11-14 18:43 NST");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(times_are_seconds),       cmocka_unit_test(the_wall_has_zones),
      cmocka_unit_test(forms_are_alike),         cmocka_unit_test(the_rest_is_refused),
      cmocka_unit_test(garbage_is_survived),     cmocka_unit_test(durations_are_sums),
      cmocka_unit_test(local_times_are_written),
  };
  return cmocka_run_group_tests_name("base/times", tests, NULL, NULL);
}
