/* SPDX-License-Identifier: Apache-2.0 */
/* The clock on the wall over both changes to summer time, and spans of time. Times of UTC
 * below are of the calendar (date -d), not of the code. */
#include "../test.h"

#include <time.h>

#include "cli/when.h"

#define CENTRAL_EUROPE "CET-1CEST,M3.5.0,M10.5.0/3"
#define SPRING INT64_C(1679792400) /* 2023-03-26T01:00:00Z: 02:00 CET is 03:00 CEST */
#define AUTUMN INT64_C(1698541200) /* 2023-10-29T01:00:00Z: 03:00 CEST is 02:00 CET */

static void zone_is(const char *zone) {
  setenv("TZ", zone, 1);
  tzset();
}

static void assert_when(int64_t t_s, const char *expected) {
  char text[CLI_WHEN_TEXT];
  cli_when_format(t_s, true, text);
  assert_string_equal(text, expected);
}

static void the_wall_changes_to_summer_time_and_back(void **state) {
  (void)state;
  zone_is(CENTRAL_EUROPE);
  assert_when(SPRING - 1, "Sun 26 Mar 01:59:59 CET");
  assert_when(SPRING, "Sun 26 Mar 03:00 CEST");
  assert_when(AUTUMN - 3600, "Sun 29 Oct 02:00 CEST");
  assert_when(AUTUMN, "Sun 29 Oct 02:00 CET");
  assert_int_equal(cli_wall_seconds(SPRING) - cli_wall_seconds(SPRING - 3600), 7200);
  assert_int_equal(cli_wall_seconds(AUTUMN) - cli_wall_seconds(AUTUMN - 3600), 0);
  zone_is("UTC0");
  assert_when(SPRING, "Sun 26 Mar 01:00 UTC");
}

static void assert_zone(int64_t from_s, int64_t to_s, const char *expected) {
  char text[CLI_WHEN_TEXT];
  cli_zone_format(from_s, to_s, text);
  assert_string_equal(text, expected);
}

static void a_change_on_the_way_is_told(void **state) {
  (void)state;
  zone_is(CENTRAL_EUROPE);
  assert_zone(SPRING - 86400, SPRING - 1, "CET");
  assert_zone(SPRING - 1, SPRING, "CET, from Sun 26 Mar 03:00 CEST");
  assert_zone(SPRING - 86400, SPRING + 30 * 86400, "CET, from Sun 26 Mar 03:00 CEST");
  assert_zone(AUTUMN - 7200, AUTUMN + 86400, "CEST, from Sun 29 Oct 02:00 CET");
  assert_zone(SPRING, SPRING, "CEST");
}

static void the_day_is_left_out_where_it_is_the_same(void **state) {
  (void)state;
  char text[CLI_WHEN_TEXT];
  zone_is(CENTRAL_EUROPE);
  cli_when_after(SPRING + 3600, SPRING, false, text);
  assert_string_equal(text, "04:00");
  cli_when_after(SPRING + 21 * 3600, SPRING, true, text);
  assert_string_equal(text, "Mon 27 Mar 00:00 CEST");
}

static void spans_are_written(void **state) {
  (void)state;
  static const struct {
    int64_t seconds;
    const char *text;
  } known[] = {{1, "1 s"},           {59, "59 s"},           {60, "1 min"},
               {5400, "1 h 30 min"}, {86400, "24 h"},        {129600, "36 h"},
               {172800, "2 days"},   {180000, "2 days 2 h"}, {604799, "7 days"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char text[48];
    cli_span_format(known[i].seconds, text, sizeof text);
    assert_string_equal(text, known[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_wall_changes_to_summer_time_and_back),
      cmocka_unit_test(a_change_on_the_way_is_told),
      cmocka_unit_test(the_day_is_left_out_where_it_is_the_same),
      cmocka_unit_test(spans_are_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
