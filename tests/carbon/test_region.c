/* SPDX-License-Identifier: Apache-2.0 */
/* Cloud regions are those of their sources, each once, and what is not known is NaN. */
#include "test.h"

#include <ctype.h>
#include <math.h>

#include "frugal/region.h"

static size_t count_of(const char *provider) {
  size_t count, found = 0;
  const fr_region *region = fr_regions(&count);
  for (size_t i = 0; i < count; i++)
    found += strcmp(region[i].provider, provider) == 0;
  return found;
}

/* 2024.csv has 44 lines; botocore's endpoints 39 regions outside the ISO partitions;
 * Azure's list 60, one of them not real, and one region left out. */
static void all_are_there(void **state) {
  (void)state;
  assert_int_equal(count_of("gcp"), 44);
  assert_int_equal(count_of("aws"), 39);
  assert_int_equal(count_of("azure"), 60);
}

static bool is_share(double x) { return isnan(x) || (x >= 0 && x <= 1); }

static void check(const fr_region *r) {
  char zone[FR_SCOPE_TEXT];
  assert_true(isfinite(r->g_per_kwh) && r->g_per_kwh > 0 && r->g_per_kwh < 1500);
  assert_true(r->g_year >= 2023 && r->g_year <= 2025);
  assert_true(strlen(r->g_source) > 0 && strlen(r->place) > 0);
  assert_true(is_share(r->carbon_free));
  assert_true(isnan(r->carbon_free) == (*r->carbon_free_source == '\0'));
  assert_true(isnan(r->carbon_free) == (r->carbon_free_year == 0));
  assert_true(isnan(r->pue) || (r->pue >= 1 && r->pue < 2));
  assert_true(isnan(r->pue) == (*r->pue_source == '\0'));
  assert_int_equal(strlen(r->country), 2);
  assert_true(isupper((unsigned char)r->country[0]));
  assert_true(*r->state == '\0' || strncmp(r->state, r->country, 2) == 0);
  assert_true(*r->zone == '\0' || strncmp(r->zone, r->country, 2) == 0);
  assert_int_equal(r->scope.basis, FR_BASIS_LOCATION);
  fr_scope_text(r->scope, zone);
  assert_non_null(strstr(zone, "average"));
}

static void each_is_once_and_whole(void **state) {
  (void)state;
  size_t count;
  const fr_region *region = fr_regions(&count);
  for (size_t i = 0; i < count; i++) {
    char name[96];
    check(&region[i]);
    for (size_t k = 0; k < i; k++)
      assert_false(strcmp(region[i].code, region[k].code) == 0 &&
                   strcmp(region[i].provider, region[k].provider) == 0);
    snprintf(name, sizeof name, "%s:%s", region[i].provider, region[i].code);
    assert_ptr_equal(fr_region_find(name, NULL), &region[i]);
    assert_ptr_equal(fr_region_find(region[i].code, NULL), &region[i]);
  }
}

/* Lines, intensities (but one of 0) and carbon-free shares of the files, and their sums,
 * by awk. */
static void years_add_up_to_the_files(void **state) {
  (void)state;
  static const struct {
    int year;
    size_t lines, intensities;
    double grams;
    size_t shares;
    double share;
  } files[] = {{2019, 24, 24, 9566, 16, 7.61},   {2020, 27, 27, 11114, 19, 9},
               {2021, 34, 33, 10755, 31, 14.8},  {2022, 36, 35, 12170, 36, 18.65},
               {2023, 40, 40, 13495, 40, 20.79}, {2024, 44, 44, 13642.6, 44, 24.17}};
  size_t count;
  const fr_region *region = fr_regions(&count);
  for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
    size_t lines = 0, intensities = 0, shares = 0, told;
    double grams = 0, share = 0;
    for (size_t i = 0; i < count; i++) {
      const fr_region_year *year = fr_region_years(&region[i], &told);
      for (size_t y = 0; y < told; y++) {
        assert_true(y == 0 || year[y].year < year[y - 1].year);
        if (year[y].year != files[f].year)
          continue;
        lines++;
        intensities += isnan(year[y].g_per_kwh) ? 0 : 1;
        grams += isnan(year[y].g_per_kwh) ? 0 : year[y].g_per_kwh;
        shares += isnan(year[y].carbon_free) ? 0 : 1;
        share += isnan(year[y].carbon_free) ? 0 : year[y].carbon_free;
        assert_int_equal(year[y].scope.factor,
                         year[y].year < 2021 ? FR_FACTOR_LIFECYCLE : FR_FACTOR_DIRECT);
      }
    }
    assert_int_equal(lines, files[f].lines);
    assert_int_equal(intensities, files[f].intensities);
    assert_int_equal(shares, files[f].shares);
    assert_true(fabs(grams - files[f].grams) < 1e-6);
    assert_true(fabs(share - files[f].share) < 1e-9);
  }
}

static void some_as_they_are_known(void **state) {
  (void)state;
  static const struct {
    const char *name, *country, *state, *zone;
    double grams, free, pue;
  } known[] = {
      {"gcp:europe-west3", "DE", "", "DE", 275.82, 0.68, NAN},
      {"gcp:us-east4", "US", "US-VA", "US-MIDA-PJM", 323.05, 0.62, NAN},
      {"aws:us-east-1", "US", "US-VA", "US-MIDA-PJM", 323.05, NAN, 1.135},
      {"aws:us-west-1", "US", "US-CA", "US-CAL-CISO", 179.064, NAN, 1.135},
      {"azure:westeurope", "NL", "", "NL", 208.81, NAN, 1.185},
      {"azure:norwayeast", "NO", "", "NO-NO1", 26, NAN, 1.185},
      {"ca-west-1", "CA", "CA-AB", "", 636.6, NAN, 1.135},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const fr_region *r = fr_region_find(known[i].name, NULL);
    assert_non_null(r);
    assert_string_equal(r->country, known[i].country);
    assert_string_equal(r->state, known[i].state);
    assert_string_equal(r->zone, known[i].zone);
    assert_true(r->g_per_kwh == known[i].grams);
    assert_true(r->carbon_free == known[i].free || isnan(known[i].free));
    assert_int_equal(isnan(r->carbon_free), isnan(known[i].free));
    assert_true(r->pue == known[i].pue || isnan(known[i].pue));
    assert_int_equal(isnan(r->pue), isnan(known[i].pue));
  }
}

/* A row for each zone, year and factor; newest first, so that the table reads well.
 * Counted by grep: 1366, of 319 zones. */
static void zones_are_once_and_whole(void **state) {
  (void)state;
  enum { LIFECYCLE = FR_FACTOR_LIFECYCLE, DIRECT = FR_FACTOR_DIRECT, UNKNOWN = 0 };
  static const struct {
    const char *zone, *other, *name;
    double grams;
    int year, factor;
    const char *source;
  } row[] = {
#define ROW(zone, other, name, grams, year, factor, source)                              \
  {zone, other, name, grams, year, factor, source},
#include "carbon/tables/zone_intensity.txt"
#undef ROW
  };
  const size_t count = sizeof row / sizeof *row;
  size_t zones = 1;
  assert_int_equal(count, 1366);
  for (size_t i = 0; i < count; i++) {
    assert_true(row[i].grams > 0 && row[i].grams < 2000);
    assert_true(row[i].year >= 2000 && row[i].year <= 2025);
    assert_true(strlen(row[i].name) > 0 && strlen(row[i].source) > 0);
    assert_true(strcmp(row[i].zone, "world") == 0 ||
                isupper((unsigned char)*row[i].zone));
    if (i == 0)
      continue;
    const int order = strcmp(row[i - 1].zone, row[i].zone);
    assert_true(order <= 0);
    zones += order != 0 ? 1 : 0;
    if (order == 0) {
      assert_string_equal(row[i].name, row[i - 1].name);
      assert_true(row[i].year <= row[i - 1].year);
      assert_true(row[i].year < row[i - 1].year || row[i].factor != row[i - 1].factor);
    }
  }
  assert_int_equal(zones, 319);
}

static void others_are_not_found(void **state) {
  (void)state;
  static const char *const others[] = {"", "gcp:", "gcp:eu-central-1", "europe-west33",
                                       "aws:gcp:europe-west3"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    fr_error err = {0};
    assert_null(fr_region_find(others[i], &err));
    assert_int_equal(err.status, FR_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, others[i]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_are_there),
      cmocka_unit_test(each_is_once_and_whole),
      cmocka_unit_test(years_add_up_to_the_files),
      cmocka_unit_test(some_as_they_are_known),
      cmocka_unit_test(zones_are_once_and_whole),
      cmocka_unit_test(others_are_not_found),
  };
  return cmocka_run_group_tests_name("carbon/region", tests, NULL, NULL);
}
