/* SPDX-License-Identifier: Apache-2.0 */
/* The live chart's text: what it tells, that it fits any window, that nothing in a name
 * reaches the terminal as a command. */
#include "../test.h"

#include <math.h>

#include "cli/watch.h"
#include "report/table.h"

enum { SAMPLES = 61 };

typedef struct scene {
  double t_s[SAMPLES], power_w[SAMPLES];
  cli_watch_series domain[2];
  cli_watch_view view;
} scene;

/* 10 W, and 40 W from 30 s to 40 s. */
static void scene_init(scene *s) {
  for (int i = 0; i < SAMPLES; i++) {
    s->t_s[i] = i;
    s->power_w[i] = i > 30 && i <= 40 ? 40 : 10;
  }
  s->domain[0] = (cli_watch_series){"package-0", 8.25, 8, 12.5, 36};
  s->domain[1] =
      (cli_watch_series){"dram", (double)NAN, (double)NAN, (double)NAN, (double)NAN};
  s->view = (cli_watch_view){.title = "python train.py",
                             .sensor = "perf",
                             .elapsed_s = 60,
                             .energy_j = 900,
                             .normal_w = (double)NAN,
                             .total = {"total", 10, 10, 15, 40},
                             .domain = s->domain,
                             .domains = 2,
                             .t_s = s->t_s,
                             .power_w = s->power_w,
                             .count = SAMPLES,
                             .span_s = 60};
}

static char *rendered(const cli_watch_view *view, size_t columns, size_t rows,
                      bool utf8) {
  fr__buf out;
  fr__buf_init(&out, 0);
  cli_watch_render(view, columns, rows, utf8, &out);
  assert_int_equal(out.status, FR_OK);
  char *text = fr__buf_detach(&out);
  fr__buf_release(&out);
  return text != NULL ? text : strdup("");
}

static void assert_says(const char *text, const char *words) {
  if (strstr(text, words) == NULL)
    fail_msg("'%s' is not in\n%s", words, text);
}

static void figures_and_domains_are_told(void **state) {
  (void)state;
  scene s;
  scene_init(&s);
  s.view.phase = "train/forward";
  s.view.note = "spike: +30 W by transcribe";
  char *text = rendered(&s.view, 80, 24, true);
  assert_says(text, "python train.py");
  assert_says(text, "perf  1:00 min  900 J");
  assert_says(text, "total       10.0 W now    10.0 min    15.0 mean    40.0 max");
  assert_says(text, "package-0   8.25 W now    8.00 min    12.5 mean    36.0 max");
  assert_says(text, "dram           - W now       - min");
  assert_says(text, "phase train/forward   spike: +30 W by transcribe");
  assert_says(text, "-1:00 min");
  free(text);
}

/* In ASCII by hand: 60 columns for 60 s, 6 rows of 2 dots for 0 to 50 W, so that a dot is
 * 50 / 11 W: 10 W is dot 2 from below (the lower one of the fifth row), 40 W dot 9 (the
 * upper one of the second). The steps are drawn through. */
static void the_trace_is_where_it_belongs(void **state) {
  (void)state;
  scene s;
  scene_init(&s);
  s.view.domains = 0;
  char *text = rendered(&s.view, 68, 9, false);
  assert_says(text, "\n   50.0|                              ");
  assert_says(text, "\n       |                              :''''''''':           ");
  assert_says(text, "\n       |                              :         :           ");
  assert_says(text, "\n       |..............................:         :...........");
  assert_says(text, "\n      0|                              ");
  free(text);
}

static void the_normal_power_is_a_dashed_line(void **state) {
  (void)state;
  scene s;
  scene_init(&s);
  s.view.domains = 0;
  s.view.normal_w = 100;
  char *text = rendered(&s.view, 28, 8, false);
  assert_says(text, "150|");
  assert_says(text, ". . . . . . . . . ."); /* two thirds up */
  free(text);
}

/* Every size: no line wider, never more lines than there are. */
static void any_window_holds_it(void **state) {
  (void)state;
  scene s;
  scene_init(&s);
  s.view.title = "训练 train";
  s.view.phase = "x";
  for (size_t rows = 1; rows < 40; rows++)
    for (size_t columns = 1; columns < 120; columns += 1 + columns / 9) {
      char *text = rendered(&s.view, columns, rows, (rows + columns) % 2 == 0);
      size_t lines = 0;
      for (const char *at = text; at != NULL; lines++) {
        const char *end = strchr(at, '\n');
        const size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        assert_true(fr__text_width(at, length) <= columns);
        at = end != NULL ? end + 1 : NULL;
      }
      assert_true(lines <= rows);
      free(text);
    }
}

static void names_are_harmless_and_ascii_where_asked(void **state) {
  (void)state;
  scene s;
  scene_init(&s);
  s.view.title = "evil\x1b[2J\xc2\x9b\x07\xff";
  s.view.note = "a\nb";
  for (int utf8 = 0; utf8 < 2; utf8++) {
    char *text = rendered(&s.view, 70, 20, utf8 != 0);
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_null(strchr(text, '\x07'));
    assert_says(text, "a?b");
    for (const char *c = text; utf8 == 0 && *c != '\0'; c++)
      assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
    free(text);
  }
}

static void nothing_seen_yet_is_no_zero(void **state) {
  (void)state;
  cli_watch_view view = {
      .title = "",
      .sensor = "",
      .normal_w = (double)NAN,
      .energy_j = (double)NAN,
      .total = {"total", (double)NAN, (double)NAN, (double)NAN, (double)NAN}};
  char *text = rendered(&view, 60, 12, true);
  assert_says(text, "     - W now");
  assert_null(strstr(text, "\xe2\xa0")); /* no dot */
  free(text);
}

static void unknown_stretches_stay_empty(void **state) {
  (void)state;
  scene s;
  scene_init(&s);
  s.view.domains = 0;
  for (int i = 0; i < SAMPLES; i++)
    s.power_w[i] = i > 20 && i <= 40 ? (double)NAN : 10;
  char *text = rendered(&s.view, 68, 9, false);
  assert_says(text, "'                    '"); /* 20 columns of nothing */
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(figures_and_domains_are_told),
      cmocka_unit_test(the_trace_is_where_it_belongs),
      cmocka_unit_test(the_normal_power_is_a_dashed_line),
      cmocka_unit_test(any_window_holds_it),
      cmocka_unit_test(names_are_harmless_and_ascii_where_asked),
      cmocka_unit_test(nothing_seen_yet_is_no_zero),
      cmocka_unit_test(unknown_stretches_stay_empty),
  };
  return cmocka_run_group_tests_name("cli/watch", tests, NULL, NULL);
}
