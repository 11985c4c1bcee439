/* SPDX-License-Identifier: Apache-2.0 */
/* The user's criteria go over the compiled-in facts; what is not known stays out of a
 * filter. */
#include "test.h"

#include <math.h>

#include "frugal/region.h"

static void write_to(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static enum fr_status read_text(const char *text, fr_criteria *out, fr_error *err) {
  char *folder = test_folder_make(), path[600];
  snprintf(path, sizeof path, "%s/criteria.csv", folder);
  write_to(path, text);
  const enum fr_status status = fr_criteria_read(path, out, err);
  test_folder_remove(folder);
  return status;
}

static void told_columns_are_read(void **state) {
  (void)state;
  fr_criteria c = {0};
  ASSERT_OK(read_text("\xEF\xBB\xBFregion,latency_ms,zone,pue,price_per_h\r\n"
                      "gcp:europe-west3,21.5,,1.1,\r\n"
                      "\"basement\",0,DE,,0.25\r\n",
                      &c, err));
  assert_int_equal(c.count, 2);
  assert_string_equal(c.row[0].region, "gcp:europe-west3");
  assert_true(c.row[0].latency_ms == 21.5 && c.row[0].pue == 1.1);
  assert_true(isnan(c.row[0].price_per_h) && isnan(c.row[0].carbon_free));
  assert_string_equal(c.row[1].zone, "DE");
  assert_true(c.row[1].latency_ms == 0 && c.row[1].price_per_h == 0.25);
  assert_true(isnan(c.row[1].pue) && isnan(c.row[1].water_l_per_kwh));
  fr_criteria_release(&c);
  assert_int_equal(c.count, 0);
}

static void bad_files_are_refused(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"", "is empty"},
      {"region,colour\na,red\n", "'colour' is no column"},
      {"pue\n1.1\n", "no column 'region'"},
      {"region,pue,pue\na,1,1\n", "'pue' stands twice"},
      {"region,pue\na,0.9\n", "'0.9' is not 1 to 10"},
      {"region,pue\na,low\n", "'low' is not a number"},
      {"region,pue\na,nan\n", "nan"},
      {"region,carbon_free\na,87\n", "'87' is not a share"},
      {"region,latency_ms\na,-1\n", "'-1' is below 0"},
      {"region,pue\na,1\nA,1\n", ":3: region 'A' stands twice"},
      {"region,pue\n,1\n", "'' is no name"},
      {"region,pue\n\"a,b\",1\n", "'a,b' is no name"},
      {"region,pue\na,1,2\n", "3 fields"},
      {"region,zone\na,\"\x1b[2J\"\n", "cannot be printed"},
      {"region\n0123456789012345678901234567890123456789012345678901234567890123456789"
       "01234567890123456789012345\n",
       "is too long"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_criteria c = {.count = 7};
    fr_error err = {0};
    assert_int_equal(read_text(bad[i][0], &c, &err), FR_ERR_FORMAT);
    if (strstr(err.text, bad[i][1]) == NULL)
      fail_msg("'%s' lacks '%s'", err.text, bad[i][1]);
    assert_int_equal(c.count, 7);
  }
  assert_int_equal(fr_criteria_read("/nowhere/at.all", &(fr_criteria){0}, NULL),
                   FR_ERR_NOT_FOUND);
}

static fr_sites select_sites(const char *names, const fr_criteria *criteria) {
  fr_sites sites = {0};
  ASSERT_OK(fr_sites_select(names, criteria, &sites, err));
  return sites;
}

static void names_choose(void **state) {
  (void)state;
  static const struct {
    const char *names;
    size_t count;
    const char *first;
  } cases[] = {
      {"gcp", 44, "gcp:africa-south1"},
      {"AWS,gcp", 83, "aws:af-south-1"},
      {"all", 143, "aws:af-south-1"},
      {"europe-west3", 1, "gcp:europe-west3"},
      {"gcp:europe-west3,gcp", 44, "gcp:europe-west3"},
      {"DE,fra,uk,DE", 3, "DE"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fr_sites sites = select_sites(cases[i].names, NULL);
    assert_int_equal(sites.count, cases[i].count);
    assert_string_equal(sites.site[0].name, cases[i].first);
    fr_sites_release(&sites);
  }
  static const char *const bad[] = {"", "gcp,", "nowhere", "DE,gcp:nowhere", "criteria"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_sites sites = {.count = 7};
    assert_int_not_equal(fr_sites_select(bad[i], NULL, &sites, NULL), FR_OK);
    assert_int_equal(sites.count, 7);
  }
}

static void every_site_has_an_intensity(void **state) {
  (void)state;
  fr_sites sites = select_sites("all,DE,US-VA,CISO,world", NULL);
  for (size_t i = 0; i < sites.count; i++) {
    fr_intensity found;
    ASSERT_OK(fr_intensity_find(sites.site[i].intensity, &found, err));
    assert_true(sites.site[i].region == NULL ||
                found.g_per_kwh.value == sites.site[i].region->g_per_kwh);
  }
  const fr_site *last = &sites.site[sites.count - 4];
  assert_string_equal(last[0].country, "DE");
  assert_string_equal(last[1].country, "US");
  assert_string_equal(last[1].state, "US-VA");
  assert_string_equal(last[2].name, "US-CAL-CISO");
  assert_string_equal(last[2].country, "US");
  assert_string_equal(last[2].state, "");
  assert_string_equal(last[3].country, "");
  fr_sites_release(&sites);
}

static void the_users_word_goes_over_the_tables(void **state) {
  (void)state;
  fr_criteria c = {0};
  ASSERT_OK(read_text("region,country,zone,intensity,pue,carbon_free,latency_ms\n"
                      "europe-west3,,,,1.08,0.9,12\n"
                      "basement,,DE,,1.3,,1\n"
                      "shed,DK,DK-DK1,35,,,\n"
                      "aws:us-east-1,,CISO,,,,\n",
                      &c, err));
  fr_sites sites = select_sites("gcp:europe-west3,criteria,shed", &c);
  assert_int_equal(sites.count, 4);
  const fr_site *s = sites.site;
  assert_string_equal(s[0].name, "gcp:europe-west3");
  assert_true(s[0].pue == 1.08 && s[0].carbon_free == 0.9 && s[0].latency_ms == 12);
  assert_string_equal(s[0].intensity, "table:gcp:europe-west3");
  assert_string_equal(s[1].name, "basement");
  assert_string_equal(s[1].country, "DE");
  assert_string_equal(s[1].intensity, "table:DE");
  assert_true(s[1].pue == 1.3 && isnan(s[1].carbon_free) && s[1].region == NULL);
  assert_string_equal(s[2].country, "DK");
  assert_string_equal(s[2].zone, "DK-DK1");
  assert_string_equal(s[2].intensity, "35");
  assert_string_equal(s[3].intensity, "table:US-CAL-CISO");
  assert_true(s[3].pue == 1.135);
  fr_sites_release(&sites);
  fr_criteria_release(&c);
}

/* Treaty on European Union, article 52: 27 members; the EEA's have three more. */
static void the_union_has_27_members(void **state) {
  (void)state;
  static const char members[] = "ATBEBGHRCYCZDKEEFIFRDEGRHUIEITLVLTLUMTNLPLPTROSKSIESSE";
  size_t in_union = 0, in_area = 0;
  for (char a = 'A'; a <= 'Z'; a++)
    for (char b = 'A'; b <= 'Z'; b++) {
      const char country[] = {a, b, '\0'};
      in_union += fr_residency_allows("EU", country, "");
      in_area += fr_residency_allows("EEA", country, "");
    }
  assert_int_equal(in_union, 27);
  assert_int_equal(in_area, 30);
  for (size_t i = 0; i < 27; i++) {
    const char country[] = {members[2 * i], members[2 * i + 1], '\0'};
    assert_true(fr_residency_allows("EU", country, ""));
  }
  assert_true(fr_residency_allows("EEA", "NO", "") &&
              !fr_residency_allows("EU", "GB", ""));
  assert_true(fr_residency_allows("uk", "GB", "") &&
              fr_residency_allows("DE, ch", "CH", ""));
  assert_true(fr_residency_allows("US-CA", "US", "US-CA"));
  assert_false(fr_residency_allows("US-CA", "US", "US-VA"));
  assert_true(fr_residency_allows("deu", "DE", "") &&
              fr_residency_allows("EL", "GR", "") &&
              fr_residency_allows("EU27", "DE", ""));
  assert_false(fr_residency_allows("DEU", "FR", ""));
  assert_false(fr_residency_allows("EU", "", ""));
}

static void residencies_are_checked(void **state) {
  (void)state;
  static const char *const good[] = {"EU",    "eea", "DE,FR",  "UK",
                                     "US-CA", "LI",  "HK, SG", "DEU"};
  static const char *const bad[] = {"",      "EU,", "XX",  "Europe",     "D",
                                    "world", "US-", "PJM", "US-CAL-CISO"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    ASSERT_OK(fr_residency_check(good[i], err));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (fr_residency_check(bad[i], NULL) != FR_ERR_ARGUMENT)
      fail_msg("'%s' is taken", bad[i]);
}

static void filters_keep_what_is_known_to_fit(void **state) {
  (void)state;
  fr_criteria c = {0};
  ASSERT_OK(read_text(
      "region,latency_ms\neurope-west3,12\neurope-west2,30\nus-east4,95\n", &c, err));
  fr_sites sites = select_sites("gcp", &c);
  size_t unknown = 99;
  fr_site_filter filter = {.residency = "EU", .max_latency_ms = NAN};
  ASSERT_OK(fr_sites_keep(&sites, &filter, &unknown, err));
  assert_int_equal(sites.count,
                   11); /* PL FI SE ES BE DE NL IT FR DE IT: not London, Zurich */
  assert_int_equal(unknown, 0);
  filter = (fr_site_filter){.max_latency_ms = 80};
  ASSERT_OK(fr_sites_keep(&sites, &filter, &unknown, err));
  assert_int_equal(sites.count, 1);
  assert_string_equal(sites.site[0].name, "gcp:europe-west3");
  assert_int_equal(unknown, 10);
  fr_error err = {0};
  filter.max_latency_ms = 5;
  assert_int_equal(fr_sites_keep(&sites, &filter, NULL, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(sites.count, 1);
  filter = (fr_site_filter){.residency = "Mars", .max_latency_ms = NAN};
  assert_int_equal(fr_sites_keep(&sites, &filter, NULL, &err), FR_ERR_ARGUMENT);
  fr_sites_release(&sites);
  fr_criteria_release(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(told_columns_are_read),
      cmocka_unit_test(bad_files_are_refused),
      cmocka_unit_test(names_choose),
      cmocka_unit_test(every_site_has_an_intensity),
      cmocka_unit_test(the_users_word_goes_over_the_tables),
      cmocka_unit_test(the_union_has_27_members),
      cmocka_unit_test(residencies_are_checked),
      cmocka_unit_test(filters_keep_what_is_known_to_fit),
  };
  return cmocka_run_group_tests_name("carbon/sites", tests, NULL, NULL);
}
