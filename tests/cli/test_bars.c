/* SPDX-License-Identifier: Apache-2.0 */
/* Bars of intensity: by hand, in any terminal, over a change to summer time, with gaps.
 */
#include "../test.h"

#include <time.h>

#include "cli/bars.h"
#include "report/table.h"

#define CENTRAL_EUROPE "CET-1CEST,M3.5.0,M10.5.0/3"
#define SPRING INT64_C(1679792400) /* 2023-03-26T01:00:00Z: 02:00 CET is 03:00 CEST */
#define HOUR INT64_C(3600)

static void zone_is(const char *zone) {
  setenv("TZ", zone, 1);
  tzset();
}

static void add(fr_series *series, int64_t start_s, int64_t end_s, double value) {
  const fr_intensity_step step = {start_s, end_s, value, value, value, 0};
  ASSERT_OK(fr_series_add(series, &step, err));
}

/* (hours) of 100, 200, 300, 400 in turn. */
static fr_series stairs(int64_t from_s, int hours) {
  fr_series series = {.source = FR_SOURCE_IMPORT};
  for (int i = 0; i < hours; i++)
    add(&series, from_s + i * HOUR, from_s + (i + 1) * HOUR, 100 * (i % 4 + 1));
  return series;
}

static char *drawn(const cli_bars *bars, size_t columns) {
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_bars_add(bars, columns, &text);
  assert_int_equal(text.status, FR_OK);
  char *copy = strdup(fr__buf_text(&text));
  fr__buf_release(&text);
  return copy;
}

static void bars_stand_on_their_axis(void **state) {
  (void)state;
  zone_is("UTC0");
  const int64_t day_s = SPRING - HOUR; /* midnight of UTC */
  fr_series series = stairs(day_s, 24);
  const cli_span mark[] = {{day_s + 4 * HOUR, day_s + 6 * HOUR},
                           {day_s + 8 * HOUR, day_s + 9 * HOUR}};
  const cli_bars bars = {&series, day_s, day_s + 24 * HOUR, day_s, mark, 2, "runs", 2};
  char *text = drawn(&bars, 7 + 24);
  assert_string_equal(text, "  400 ┤  ▄█  ▄█  ▄█  ▄█  ▄█  ▄█\n"
                            "  200 ┤▄███▄███▄███▄███▄███▄███\n"
                            "    0 └┴───────────┴───────────\n"
                            "  runs     ▀▀  ▀\n"
                            "       now         12:00\n");
  free(text);
  fr_series_release(&series);
}

static void assert_fits(const char *text, size_t columns) {
  for (const char *at = text; *at != '\0';) {
    const size_t length = strcspn(at, "\n");
    if (fr__text_width(at, length) > columns)
      fail_msg("wider than %zu:\n%s", columns, text);
    at += length + (at[length] != '\0');
  }
}

static void any_terminal_is_wide_enough(void **state) {
  (void)state;
  zone_is(CENTRAL_EUROPE);
  fr_series series = stairs(SPRING - 40 * HOUR, 400);
  for (int64_t span_s = 1; span_s < 360 * HOUR; span_s = span_s * 2 + 1)
    for (size_t columns = 0; columns < 500; columns += columns < 130 ? 1 : 61) {
      const cli_span mark = {SPRING, SPRING + span_s / 2 + 1};
      const cli_bars bars = {&series, SPRING, SPRING + span_s, SPRING + span_s / 3,
                             &mark,   1,      "a long name",   0};
      char *text = drawn(&bars, columns);
      assert_fits(text, columns);
      assert_int_equal(text[0] != '\0', columns >= 24);
      if (columns >= 24)
        assert_non_null(strstr(text, "▀"));
      free(text);
    }
  fr_series_release(&series);
}

static void ticks_are_of_the_wall(void **state) {
  (void)state;
  zone_is(CENTRAL_EUROPE);
  fr_series series = stairs(SPRING - 12 * HOUR, 48);
  const cli_bars bars = {.series = &series,
                         .from_s = SPRING - 2 * HOUR, /* 00:00 CET */
                         .to_s = SPRING + 22 * HOUR,
                         .now_s = FR_TIME_EARLIEST,
                         .rows = 1};
  char *text = drawn(&bars, 7 + 24);
  /* 12:00 CEST is eleven hours after midnight there, the next midnight 23. */
  assert_string_equal(text, "  400 ┤▆█▂▄▆█▂▄▆█▂▄▆█▂▄▆█▂▄▆█▂▄\n"
                            "    0 └┴──────────┴───────────┴\n"
                            "       Sun 26     12:00\n");
  free(text);
  fr_series_release(&series);
}

static void gaps_are_dots_and_nothing_is_nothing(void **state) {
  (void)state;
  zone_is("UTC0");
  fr_series series = {.source = FR_SOURCE_IMPORT};
  cli_bars bars = {.series = &series, .from_s = 0, .to_s = 24, .rows = 1};
  char *text = drawn(&bars, 80);
  assert_string_equal(text, "");
  free(text);
  add(&series, 0, 2, 0);
  add(&series, 4, 6, 5);
  bars.to_s = 8;
  text = drawn(&bars, 24);
  assert_memory_equal(text, "    5 ┤  ··██··\n", strlen("    5 ┤  ··██··\n"));
  free(text);
  fr_series_release(&series);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bars_stand_on_their_axis),
      cmocka_unit_test(any_terminal_is_wide_enough),
      cmocka_unit_test(ticks_are_of_the_wall),
      cmocka_unit_test(gaps_are_dots_and_nothing_is_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
