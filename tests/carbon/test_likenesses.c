/* SPDX-License-Identifier: Apache-2.0 */
/* What grams are like: rows with sources, in order, and the sensible ones first. */
#include <math.h>

#include "../test.h"
#include "frugal/footprint.h"

/* The figures as the EPA prints them, and the poster's in pounds. */
static void rows_are_their_sources(void **state) {
  (void)state;
  static const struct {
    const char *one, *source;
    double grams;
  } rows[] = {
      {"metre in", "EPA-420-F-23-014", 0.24854847689493357},
      {"smartphone", "Equivalencies", 12.4},
      {"km in", "EPA-420-F-23-014", 248.54847689493357}, /* 400 / 1.609344 */
      {"litre of petrol", "EPA-420-F-23-014", 2347.6970293068653},
      {"litre of diesel", "EPA-420-F-23-014", 2689.271493005951},
      {"tree seedling", "Equivalencies", 60000},
      {"year of a passenger car", "EPA-420-F-23-014", 4600000},
      {"year of a human life", "Strubell", 4999948.69451}, /* 11,023 lb */
      {"lifetime of a car", "Strubell", 57152638.62},      /* 126,000 lb */
  };
  size_t count;
  const fr_likeness *all = fr_likenesses(&count);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const fr_likeness *found = NULL;
    for (size_t k = 0; k < count; k++)
      if (strncmp(all[k].one, rows[i].one, strlen(rows[i].one)) == 0)
        found = &all[k];
    assert_non_null(found);
    assert_non_null(strstr(found->source, rows[i].source));
    assert_true(fabs(found->grams / rows[i].grams - 1) < 1e-11);
  }
}

static void rows_are_in_order(void **state) {
  (void)state;
  size_t count, posters = 0, poster;
  const fr_likeness *all = fr_likenesses(&count);
  (void)fr_equivalents(&poster);
  for (size_t i = 0; i < count; i++) {
    assert_true(i == 0 || all[i].grams > all[i - 1].grams);
    assert_true(*all[i].source != '\0' && *all[i].many != '\0');
    posters += strstr(all[i].source, "Strubell") != NULL;
  }
  assert_int_equal(posters, poster);
}

static bool is_sensible(double grams, const fr_likeness *one) {
  return grams / one->grams >= 0.01 && grams / one->grams <= 1000;
}

static void nearest_to_one_come_first(void **state) {
  (void)state;
  const fr_likeness *near[20];
  size_t count;
  const fr_likeness *all = fr_likenesses(&count);
  (void)all;
  assert_int_equal(fr_likenesses_near(250, near, 3), 3);
  assert_non_null(strstr(near[0]->one, "km in")); /* 1.006; then 0.106, 20 */
  assert_non_null(strstr(near[1]->one, "petrol"));
  assert_non_null(strstr(near[2]->one, "diesel"));
  assert_int_equal(fr_likenesses_near(250, near, 20), count);
  for (size_t i = 0; i + 1 < count; i++) /* 0.01 to 1000, then the others */
    assert_true(is_sensible(250, near[i]) >= is_sensible(250, near[i + 1]));
  assert_int_equal(fr_likenesses_near(1e-9, near, 2), 2);
  assert_non_null(strstr(near[0]->one, "metre in"));
  assert_int_equal(fr_likenesses_near(0, near, 2), 0);
  assert_int_equal(fr_likenesses_near(-5, near, 2), 0);
  assert_int_equal(fr_likenesses_near((double)NAN, near, 2), 0);
  assert_int_equal(fr_likenesses_near((double)INFINITY, near, 2), 0);
  assert_int_equal(fr_likenesses_near(5, near, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_their_sources),
      cmocka_unit_test(rows_are_in_order),
      cmocka_unit_test(nearest_to_one_come_first),
  };
  return cmocka_run_group_tests_name("carbon/likenesses", tests, NULL, NULL);
}
