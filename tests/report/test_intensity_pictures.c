/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of intensity say what they were given, where it belongs. */
#include "test.h"

#include <math.h>
#include <time.h>

#include "base/file.h"
#include "frugal/picture.h"

#define MONDAY INT64_C(1641772800) /* 2022-01-10T00:00:00Z, a Monday */
#define HOUR 3600

typedef struct drawing {
  char *folder;
  char path[600];
  char *text;
  size_t size;
} drawing;

static bool has_gnuplot(void) {
  const bool has = system("gnuplot --version >/dev/null 2>&1") == 0;
  if (!has)
    print_message("skipped: there is no gnuplot\n");
  return has;
}

static void begin(drawing *d, const char *name) {
  d->folder = test_folder_make();
  snprintf(d->path, sizeof d->path, "%s/%s", d->folder, name);
}

static void look(drawing *d) {
  ASSERT_OK(fr__file_read(d->path, 16 << 20, &d->text, &d->size, err));
}

static void end(drawing *d) {
  free(d->text);
  test_folder_remove(d->folder);
  *d = (drawing){0};
}

/* Where the SVG has that text; the last of it. */
static bool find_text(const drawing *d, const char *text, double *x, double *y) {
  char wanted[128];
  const char *at = NULL;
  snprintf(wanted, sizeof wanted, ">%s<", text);
  for (const char *next = strstr(d->text, wanted); next != NULL;
       next = strstr(next + 1, wanted))
    at = next;
  for (; at != NULL && at > d->text; at--)
    if (strncmp(at, "translate(", 10) == 0)
      return sscanf(at, "translate(%lf,%lf)", x, y) == 2;
  return false;
}

#define ASSERT_SAYS(d, words)                                                            \
  do {                                                                                   \
    if (strstr((d)->text, (words)) == NULL)                                              \
      fail_msg("the picture does not say '%s'", (words));                                \
  } while (0)

static fr_report_step step_at(int64_t start_s, double grams) {
  return (fr_report_step){start_s, start_s + HOUR, grams, grams, grams, false};
}

static void a_plan_is_drawn_over_time(void **state) {
  (void)state;
  fr_report_step step[72];
  for (size_t i = 0; i < 72; i++) {
    step[i] = step_at(MONDAY + (int64_t)i * HOUR, 300 + 100 * sin((double)i / 4));
    if (i >= 24) {
      step[i].forecast = true;
      step[i].low -= (double)i;
      step[i].high += (double)i;
    }
  }
  const fr_report_span chosen[] = {{MONDAY + 40 * HOUR, MONDAY + 43 * HOUR}};
  const fr_report_intensity of = {.title = "DE: 'quoted' <&> \"title\" `date` \\n",
                                  .note = "life-cycle",
                                  .step = step,
                                  .steps = 72,
                                  .chosen = chosen,
                                  .pieces = 1,
                                  .now_known = true,
                                  .now_s = MONDAY + 24 * HOUR};
  drawing d = {0};
  if (!has_gnuplot())
    return;
  begin(&d, "a.svg");
  ASSERT_OK(fr_report_intensity_time(&of, d.path, err));
  look(&d);
  ASSERT_SAYS(&d, "DE: ");
  ASSERT_SAYS(&d, "life-cycle");
  ASSERT_SAYS(&d, ">measured<");
  ASSERT_SAYS(&d, ">forecast<");
  ASSERT_SAYS(&d, ">its interval<");
  ASSERT_SAYS(&d, ">chosen<");
  ASSERT_SAYS(&d, ">now<");
  ASSERT_SAYS(&d, ">Mon 10 Jan<");
  ASSERT_SAYS(&d, ">2022, UTC<");
  ASSERT_SAYS(&d, "stroke-dasharray");
  ASSERT_SAYS(&d, "rgb(201, 232, 214)");
  double now = 0, tuesday = 0, y = 0;
  assert_true(find_text(&d, "now", &now, &y) &&
              find_text(&d, "Tue 11 Jan", &tuesday, &y));
  assert_true(fabs(now - tuesday) < 10); /* the second is the first's beginning */
  end(&d);
}

static void a_year_is_drawn_by_the_day(void **state) {
  (void)state;
  fr_report_step *step = calloc(8760, sizeof *step);
  assert_non_null(step);
  for (size_t i = 0; i < 8760; i++)
    step[i] = step_at(MONDAY - 9 * 24 * HOUR + (int64_t)i * HOUR,
                      300 + 100 * sin((double)i * 3.14159265 / 12));
  const fr_report_intensity of = {.title = "DE", .step = step, .steps = 8760};
  drawing d = {0};
  if (has_gnuplot()) {
    begin(&d, "a.svg");
    ASSERT_OK(fr_report_intensity_time(&of, d.path, err));
    look(&d);
    ASSERT_SAYS(&d, ">least and most of the day<");
    ASSERT_SAYS(&d, ">intensity, mean of the day<");
    ASSERT_SAYS(&d, ">Dec<");
    assert_null(strstr(d.text, "NaN"));
    assert_true(d.size < 100000);
    end(&d);
    begin(&d, "a.PNG");
    ASSERT_OK(fr_report_intensity_time(&of, d.path, err));
    look(&d);
    assert_memory_equal(d.text, "\x89PNG\r\n\x1a\n", 8);
    end(&d);
  }
  free(step);
}

/* Summer time began on Sunday 2022-03-27 at 01:00Z, which the clock called 03:00. */
static void cells_go_by_the_clock(void **state) {
  (void)state;
  static const struct {
    bool local;
    const char *hour, *day, *title;
  } cases[] = {{true, "03", "Sun", "local time (CET, CEST)"},
               {false, "01", "Sun", "UTC"}};
  const fr_report_step step[] = {step_at(MONDAY, 111), step_at(1648342800, 222)};
  if (!has_gnuplot())
    return;
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  for (size_t i = 0; i < 2; i++) {
    const fr_report_intensity of = {
        .title = "DE", .step = step, .steps = 2, .local = cases[i].local};
    drawing d = {0};
    double x = 0, y = 0, hour_x = 0, hour_y = 0, day_x = 0, day_y = 0;
    begin(&d, "a.svg");
    ASSERT_OK(fr_report_intensity_week(&of, d.path, err));
    look(&d);
    ASSERT_SAYS(&d, cases[i].title);
    assert_true(find_text(&d, "222", &x, &y));
    assert_true(find_text(&d, cases[i].hour, &hour_x, &hour_y));
    assert_true(find_text(&d, cases[i].day, &day_x, &day_y));
    assert_true(fabs(x - hour_x) < 2 && fabs(y - day_y) < 3);
    end(&d);
  }
  unsetenv("TZ");
  tzset();
}

/* Japan had summer time until 1951, which its rules still name. */
static void a_clock_is_called_what_it_was_meanwhile(void **state) {
  (void)state;
  static const struct {
    const char *zone, *over_time, *by_week;
  } cases[] = {{"Europe/Berlin", ">2022, CET, UTC+01:00<", "local time (CET)"},
               {"Asia/Tokyo", ">2022, JST, UTC+09:00<", "local time (JST)"},
               {"Asia/Dubai", ">2022, UTC+04:00<", "local time (+04)"},
               {"UTC", ">2022, UTC<", "local time (UTC)"}};
  const fr_report_step step[] = {step_at(MONDAY, 111), step_at(MONDAY + HOUR, 222)};
  const fr_report_intensity of = {.title = "DE", .step = step, .steps = 2, .local = true};
  if (!has_gnuplot())
    return;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    drawing d = {0};
    setenv("TZ", cases[i].zone, 1);
    tzset();
    begin(&d, "a.svg");
    ASSERT_OK(fr_report_intensity_time(&of, d.path, err));
    look(&d);
    ASSERT_SAYS(&d, cases[i].over_time);
    free(d.text);
    ASSERT_OK(fr_report_intensity_week(&of, d.path, err));
    look(&d);
    ASSERT_SAYS(&d, cases[i].by_week);
    end(&d);
  }
  unsetenv("TZ");
  tzset();
}

static void regions_stand_beside_each_other(void **state) {
  (void)state;
  const fr_report_bar bar[] = {{"gcp:europe-north2", 2.73, 2, 4, false},
                               {"gcp:europe-west3", 276, 250, 300, true},
                               {"a_{b}%s", NAN, NAN, NAN, false}};
  const fr_report_bars of = {"3 regions", NULL, "gCO2e", bar, 3};
  drawing d = {0};
  double north = 0, home = 0, y = 0;
  if (!has_gnuplot())
    return;
  begin(&d, "a.svg");
  ASSERT_OK(fr_report_intensity_regions(&of, d.path, err));
  look(&d);
  ASSERT_SAYS(&d, ">not known<");
  ASSERT_SAYS(&d, ">a_{b}%s<");
  assert_true(find_text(&d, "2.73", &north, &y) && find_text(&d, "276, home", &home, &y));
  assert_true(home > north + 300);
  assert_null(strstr(d.text, "nan"));
  end(&d);
}

static void what_makes_no_picture_is_refused(void **state) {
  (void)state;
  fr_report_step step[] = {step_at(MONDAY, 100), step_at(MONDAY + HOUR, 100)};
  fr_report_intensity of = {.title = "DE", .step = step, .steps = 2};
  fr_report_bars none = {.title = "", .unit = "g", .bars = 0};
  fr_report_bars many = {.title = "", .unit = "g", .bars = FR_REPORT_BARS + 1};
  fr_error err = {0};
  assert_int_equal(fr_report_intensity_time(&of, "a.pdf", &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "'a.pdf'"));
  assert_int_equal(fr_report_intensity_week(&of, ".svg", &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_report_intensity_regions(&none, "a.svg", &err), FR_ERR_NOT_FOUND);
  assert_int_equal(fr_report_intensity_regions(&many, "a.svg", &err), FR_ERR_LIMIT);
  of.steps = 0;
  assert_int_equal(fr_report_intensity_time(&of, "a.svg", &err), FR_ERR_NOT_FOUND);
  assert_int_equal(fr_report_intensity_week(&of, "a.svg", &err), FR_ERR_NOT_FOUND);
  of.steps = 1;
  step[0].start_s = INT64_MIN;
  step[0].end_s = INT64_MAX;
  assert_int_equal(fr_report_intensity_time(&of, "a.svg", &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_report_intensity_week(&of, "a.svg", &err), FR_ERR_ARGUMENT);
  step[0] = step_at(MONDAY, NAN);
  assert_int_equal(fr_report_intensity_time(&of, "a.svg", &err), FR_ERR_ARGUMENT);
  step[0] = step_at(MONDAY + 2 * HOUR, 1);
  of.steps = 2;
  assert_int_equal(fr_report_intensity_time(&of, "a.svg", &err), FR_ERR_ARGUMENT);
}

static void without_gnuplot_it_says_so(void **state) {
  (void)state;
  const fr_report_step step[] = {step_at(MONDAY, 100)};
  const fr_report_intensity of = {.title = "DE", .step = step, .steps = 1};
  const char *path = getenv("PATH");
  char *kept = path != NULL ? strdup(path) : NULL;
  drawing d = {0};
  fr_error err = {0};
  begin(&d, "a.svg");
  setenv("PATH", d.folder, 1);
  assert_int_equal(fr_report_intensity_time(&of, d.path, &err), FR_ERR_NOT_FOUND);
  if (kept != NULL)
    setenv("PATH", kept, 1);
  assert_non_null(strstr(err.text, "gnuplot"));
  assert_non_null(strstr(err.text, "a.svg"));
  FILE *file = fopen(d.path, "r");
  assert_null(file);
  end(&d);
  free(kept);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plan_is_drawn_over_time),
      cmocka_unit_test(a_year_is_drawn_by_the_day),
      cmocka_unit_test(cells_go_by_the_clock),
      cmocka_unit_test(a_clock_is_called_what_it_was_meanwhile),
      cmocka_unit_test(regions_stand_beside_each_other),
      cmocka_unit_test(what_makes_no_picture_is_refused),
      cmocka_unit_test(without_gnuplot_it_says_so),
  };
  return cmocka_run_group_tests_name("report/intensity_pictures", tests, NULL, NULL);
}
