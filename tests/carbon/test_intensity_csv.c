/* SPDX-License-Identifier: Apache-2.0 */
/* Files of intensities: any columns, order of rows, zones and forms of times; what is
 * wrong is told with its line. Seconds are those of `date -u -d`. */
#include "../test.h"

#include <math.h>
#include <time.h>

#include "base/file.h"
#include "base/rng.h"
#include "frugal/intensity.h"

#define JAN_1 1672531200 /* 2023-01-01T00:00Z */
#define HOUR 3600

static char *folder;

static int make_folder(void **state) {
  (void)state;
  folder = test_folder_make();
  return 0;
}
static int remove_folder(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

static const fr_intensity_query all = {
    .now_s = FR_TIME_LATEST, .from_s = FR_TIME_EARLIEST, .to_s = FR_TIME_LATEST};

static enum fr_status read_as(const char *text, size_t size, const char *options,
                              const fr_intensity_query *query, fr_series *out,
                              fr_error *err) {
  char path[600], spec[700];
  (void)snprintf(path, sizeof path, "%s/f.csv", folder);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, size, f), size);
  assert_int_equal(fclose(f), 0);
  (void)snprintf(spec, sizeof spec, "csv:%s%s", path, options);
  return fr_intensity_read(spec, query, out, err);
}

static fr_series read_well(const char *text, const char *options) {
  fr_series series = {0};
  ASSERT_OK(read_as(text, strlen(text), options, &all, &series, err));
  return series;
}

static void assert_step(const fr_series *s, size_t i, int64_t start_s, int64_t end_s,
                        double g_per_kwh) {
  assert_true(i < s->count);
  assert_int_equal(s->step[i].start_s, start_s);
  assert_int_equal(s->step[i].end_s, end_s);
  assert_true(fabs(s->step[i].g_per_kwh - g_per_kwh) < 1e-9);
}

static void gaps_stay_gaps(void **state) {
  (void)state;
  fr_series s = read_well("time,g_per_kwh\n2023-01-01T00:00Z,100\n2023-01-01T01:00Z,110\n"
                          "2023-01-01T02:00Z,\n2023-01-01T03:00Z,130\n"
                          "2023-01-01T06:00Z,160\n2023-01-01T06:30Z,165\n"
                          "2023-01-01T07:30Z,nan\n2023-01-01T08:30Z,180\n",
                          "");
  assert_int_equal(s.count, 6);
  assert_step(&s, 0, JAN_1, JAN_1 + HOUR, 100);
  assert_step(&s, 1, JAN_1 + HOUR, JAN_1 + 2 * HOUR, 110);
  assert_step(&s, 2, JAN_1 + 3 * HOUR, JAN_1 + 4 * HOUR, 130); /* then a gap */
  assert_step(&s, 3, JAN_1 + 6 * HOUR, JAN_1 + 6 * HOUR + 1800, 160);
  assert_step(&s, 4, JAN_1 + 6 * HOUR + 1800, JAN_1 + 7 * HOUR + 1800, 165);
  assert_step(&s, 5, JAN_1 + 8 * HOUR + 1800, JAN_1 + 9 * HOUR + 1800, 180);
  fr_series_release(&s);
}

static void rows_have_any_order(void **state) {
  (void)state;
  fr_series s = read_well("\xef\xbb\xbf"
                          "g_per_kwh;time;zone\r\n3;2023-01-01 02:00;X\r\n"
                          "1;2023-01-01 00:00;X\r\n2;2023-01-01 01:00;X\r\n"
                          "2;2023-01-01 01:00;X\r\n",
                          "");
  assert_int_equal(s.count, 3);
  for (size_t i = 0; i < 3; i++)
    assert_step(&s, i, JAN_1 + (int64_t)i * HOUR, JAN_1 + (int64_t)(i + 1) * HOUR,
                (double)(i + 1));
  assert_string_equal(s.zone, "X");
  assert_string_equal(s.origin, "f.csv");
  assert_int_equal(s.scope.factor, FR_FACTOR_UNKNOWN);
  fr_series_release(&s);
}

static void all_columns_are_read(void **state) {
  (void)state;
  fr_series s = read_well(
      "start,end,low,marginal lb/MWh,high,estimated,forecast,source\n"
      "2023-01-01T00:00Z,2023-01-01T00:10Z,900,1000,2000,true,false,\"a \"\"b\"\"\"\n"
      "1672532400,1672533000,,500,,no,1,\n",
      "?zone=Y");
  assert_int_equal(s.count, 2);
  assert_step(&s, 0, JAN_1, JAN_1 + 600, 453.59237);
  assert_true(fabs(s.step[0].low - 408.233133) < 1e-9);
  assert_true(fabs(s.step[0].high - 907.18474) < 1e-9);
  assert_int_equal(s.step[0].marks, FR_STEP_ESTIMATED);
  assert_step(&s, 1, JAN_1 + 1200, JAN_1 + 1800, 226.796185);
  assert_int_equal(s.step[1].marks, FR_STEP_FORECAST);
  assert_int_equal(s.scope.signal, FR_SIGNAL_MARGINAL);
  assert_string_equal(s.zone, "Y");
  assert_string_equal(s.origin, "a \"b\": f.csv");
  fr_series_release(&s);
}

static void zones_are_told_apart(void **state) {
  (void)state;
  static const char text[] = "zone,time,kg/MWh\nDE,2023-01-01T00:00Z,1\n"
                             "FR,2023-01-01T00:00Z,2\nDE,2023-01-01T01:00Z,3\n"
                             "FR,2023-01-01T01:00Z,4\n";
  fr_series s = read_well(text, "?zone=FR");
  assert_int_equal(s.count, 2);
  assert_step(&s, 1, JAN_1 + HOUR, JAN_1 + 2 * HOUR, 4);
  fr_series_release(&s);
}

/* What both orders allow is told by rows that follow each other, or refused. */
static void months_and_days_are_told_apart(void **state) {
  (void)state;
  static const char *const month_first = "time,g/kWh\n01/02/2023 22:00,1\n"
                                         "01/02/2023 23:00,2\n01/03/2023 00:00,3\n";
  static const char *const day_first = "time,g/kWh\n02/01/2023 22:00,1\n"
                                       "02/01/2023 23:00,2\n03/01/2023 00:00,3\n";
  static const char *const told = "time,g/kWh\n13/01/2023,1\n14/01/2023,2\n"
                                  "01/02/2023,3\n";
  fr_series s = read_well(month_first, "");
  assert_step(&s, 0, JAN_1 + 46 * HOUR, JAN_1 + 47 * HOUR, 1);
  fr_series_release(&s);
  s = read_well(day_first, "");
  assert_step(&s, 0, JAN_1 + 46 * HOUR, JAN_1 + 47 * HOUR, 1);
  fr_series_release(&s);
  s = read_well(day_first, "?dates=mdy"); /* the first of February, March: a gap */
  assert_step(&s, 0, JAN_1 + (31 * 24 + 22) * HOUR, JAN_1 + (31 * 24 + 23) * HOUR, 1);
  assert_int_equal(s.step[2].start_s, JAN_1 + 59 * 24 * HOUR);
  fr_series_release(&s);
  s = read_well(told, "");
  assert_step(&s, 0, JAN_1 + 12 * 24 * HOUR, JAN_1 + 13 * 24 * HOUR, 1);
  assert_int_equal(s.step[2].start_s, JAN_1 + 31 * 24 * HOUR);
  fr_series_release(&s);
}

/* Berlin, 2023-10-29: 02:00 stands twice; 2023-03-26 has no 02:00. */
static void summer_time_ends(void **state) {
  (void)state;
  static const char text[] = "time,g/kWh\n2023-10-29 01:00,1\n2023-10-29 02:00,2\n"
                             "2023-10-29 02:00,3\n2023-10-29 03:00,4\n";
  fr_error err = {0};
  fr_series none = {0};
  assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
  fr_series s = read_well(text, "?times=local");
  assert_int_equal(s.count, 4);
  for (size_t i = 0; i < 4; i++)
    assert_step(&s, i, 1698534000 + (int64_t)i * HOUR, 1698537600 + (int64_t)i * HOUR,
                (double)(i + 1));
  fr_series_release(&s);
  assert_int_equal(read_as(text, strlen(text), "", &all, &none, &err), FR_ERR_FORMAT);
  assert_non_null(strstr(err.text, "f.csv:4: 2023-10-29T02:00:00Z"));
  assert_non_null(strstr(err.text, "times=local"));
  assert_non_null(strstr(err.text, "line 3"));
  s = read_well("time,g/kWh\n2023-03-26 01:00,1\n2023-03-26 03:00,2\n"
                "2023-03-26 04:00,3\n",
                "?times=local");
  assert_int_equal(s.step[0].end_s, s.step[1].start_s);
  fr_series_release(&s);
}

/* Of what is told later nothing is seen, but where everything may be. */
static void later_is_not_known(void **state) {
  (void)state;
  static const char text[] =
      "start,end,g/kWh,forecast,made\n"
      "2023-01-01T00:00Z,2023-01-01T01:00Z,1,false,\n"
      "2023-01-01T01:00Z,2023-01-01T02:00Z,2,false,\n"
      "2023-01-01T02:00Z,2023-01-01T03:00Z,3,true,2023-01-01T01:00Z\n"
      "2023-01-01T03:00Z,2023-01-01T04:00Z,4,true,2023-01-01T01:31Z\n";
  fr_intensity_query query = all;
  fr_series s = {0};
  query.now_s = JAN_1 + 5400;
  ASSERT_OK(read_as(text, strlen(text), "", &query, &s, err));
  assert_int_equal(s.count, 2);
  assert_step(&s, 0, JAN_1, JAN_1 + HOUR, 1);
  assert_step(&s, 1, JAN_1 + 2 * HOUR, JAN_1 + 3 * HOUR, 3);
  fr_series_release(&s);
  query.perfect = true;
  ASSERT_OK(read_as(text, strlen(text), "", &query, &s, err));
  assert_int_equal(s.count, 4);
  assert_int_equal(s.step[0].marks, 0);
  assert_int_equal(s.step[1].marks, FR_STEP_FORECAST);
  fr_series_release(&s);
}

static void factors_are_told_apart(void **state) {
  (void)state;
  static const char text[] = "time,gCO2/kWh (direct),gCO2/kWh (LCA)\n"
                             "2023-01-01T00:00Z,1,2\n2023-01-01T01:00Z,3,4\n";
  static const char one[] = "time,g_per_kwh\n2023-01-01T00:00Z,1\n2023-01-01T01:00Z,3\n";
  fr_intensity_query query = all;
  fr_error why = {0};
  fr_series s = read_well(text, "");
  assert_step(&s, 0, JAN_1, JAN_1 + HOUR, 2);
  assert_int_equal(s.scope.factor, FR_FACTOR_LIFECYCLE);
  fr_series_release(&s);
  query.factor = FR_FACTOR_DIRECT;
  ASSERT_OK(read_as(text, strlen(text), "", &query, &s, err));
  assert_step(&s, 0, JAN_1, JAN_1 + HOUR, 1);
  assert_int_equal(s.scope.factor, FR_FACTOR_DIRECT);
  fr_series_release(&s);
  assert_int_equal(read_as(one, strlen(one), "", &query, &s, &why), FR_ERR_FORMAT);
  assert_non_null(strstr(why.text, "?factor="));
  assert_int_equal(read_as(one, strlen(one), "?factor=lifecycle", &all, &s, NULL), FR_OK);
  assert_int_equal(s.scope.factor, FR_FACTOR_LIFECYCLE);
  fr_series_release(&s);
}

/* What stands in a file goes to a terminal and into JSON. */
static void names_are_cleaned(void **state) {
  (void)state;
  fr_series s =
      read_well("time,g/kWh,zone,source\n"
                "2023-01-01,1,\x1b[31mÅ\xc5\xed\xa0\x80\xc2\x9b,a\377b€\xe2\x82\n"
                "2023-01-02,1,\x1b[31mÅ\xc5\xed\xa0\x80\xc2\x9b,\n",
                "");
  assert_string_equal(s.zone, "?[31mÅ??????");
  assert_string_equal(s.origin, "a?b€??: f.csv");
  fr_series_release(&s);
}

/* As the yearly files of 2024 and later name their columns. */
static void newer_names_are_known(void **state) {
  (void)state;
  fr_series s = read_well(
      "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),"
      "Carbon intensity gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),"
      "Renewable energy percentage (RE%),Data source,Data estimated,Data estimation "
      "method\n2023-01-01 00:00:00,France,France,FR,20,40,90,25,\"entsoe.eu, rte\",true,"
      "X\n2023-01-01 01:00:00,France,France,FR,21,41,90,25,entsoe.eu,false,\n",
      "");
  assert_int_equal(s.count, 2);
  assert_step(&s, 0, JAN_1, JAN_1 + HOUR, 40);
  assert_int_equal(s.step[0].marks, FR_STEP_ESTIMATED);
  assert_int_equal(s.step[1].marks, 0);
  assert_int_equal(s.scope.signal, FR_SIGNAL_AVERAGE);
  assert_string_equal(s.zone, "FR");
  assert_string_equal(s.origin, "Electricity Maps (ODbL), entsoe.eu, rte: f.csv");
  fr_series_release(&s);
}

/* A month each: the usual step is the longest that is usual, and none holds longer than
 * to the next. */
static void months_are_steps(void **state) {
  (void)state;
  fr_series s = read_well("date,g/kWh\n2023-01-01,1\n2023-02-01,2\n2023-03-01,3\n"
                          "2023-04-01,4\n",
                          "");
  assert_int_equal(s.count, 4);
  assert_step(&s, 1, JAN_1 + 31 * 24 * HOUR, JAN_1 + 59 * 24 * HOUR, 2);
  assert_step(&s, 3, JAN_1 + 90 * 24 * HOUR, JAN_1 + 121 * 24 * HOUR, 4);
  fr_series_release(&s);
}

#define GOOD "2023-01-01T00:00Z,1\n2023-01-01T01:00Z,2\n"
#define A_YEAR_OF "time,g/kWh\n" GOOD

static void the_rest_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *options, *says;
  } cases[] = {
      {"", "", "f.csv: the file is empty"},
      {"time,g/kWh\n", "", "f.csv: no row"},
      {"a,g/kWh\n" GOOD, "", "no column of times"},
      {"time,b\n" GOOD, "", "no column tells a unit"},
      {"time,value\n" GOOD, "?column=value", "its name tells no unit"},
      {"time,value\n" GOOD, "?column=other", "no column 'other'"},
      {"time,g/kWh,kg/MJ\n2023-01-01,1,2\n", "", "'g/kWh', 'kg/MJ'"},
      {"time,g/kWh\n" GOOD, "?unit=lb/MWh", "another unit"},
      {"time,g/kWh\n" GOOD, "?unit=furlong", "unit=furlong"},
      {"time,g/kWh\n" GOOD, "?colour=red", "'colour' is no option"},
      {"time,g/kWh\n" GOOD, "?zone", "is not key=value"},
      {"time,g/kWh\n" GOOD, "?times=martian", "times=martian"},
      {"time,g/kWh,low_kg_per_mj\n2023-01-01,1,2\n", "", "a bound in another unit"},
      {A_YEAR_OF "2023-02-29,3\n", "", "f.csv:4: column 1 'time': '2023-02-29' is not a"},
      {A_YEAR_OF "2023-01-01T02:00Z,x\n", "", "f.csv:4: column 2 'g/kWh': 'x' is not a"},
      {A_YEAR_OF "2023-01-01T02:00Z,inf\n", "", "f.csv:4: column 2 'g/kWh': 'inf'"},
      {A_YEAR_OF "2023-01-01T02:00Z,-1\n", "",
       "f.csv:4: column 2 'g/kWh': '-1' is not b"},
      {A_YEAR_OF "2023-01-01T02:00Z,5001\n", "", "'5001' is not between"},
      {A_YEAR_OF "2023-01-01T02:00Z\n", "", "f.csv:4: 1 columns, column 2 is missing"},
      {A_YEAR_OF "2023-01-01T01:00Z,3\n", "", "f.csv:4: 2023-01-01T01:00:00Z tells"},
      {A_YEAR_OF "\"2023-01-01T01:00Z,3\n", "", "f.csv:4: column 1: a quote is not"},
      {"time,g/kWh\n2023-01-01T01:00Z,3\n", "", "f.csv:2: one row alone"},
      {"time,g/kWh\n13/01/2023,1\n01/13/2023,2\n", "", "f.csv:3: column 1 'time'"},
      {"time,g/kWh\n01/02/2023,1\n01/03/2023,2\n", "", "?dates=mdy or ?dates=dmy"},
      {"time,g/kWh\n1/2/3,1\n", "", "f.csv:2: column 1"},
      {"time,g/kWh\n20230101,1\n", "", "'20230101' is not a time"},
      {"time,g/kWh\n2023010112,1\n", "", "'2023010112' is not a time"},
      {"time,g/kWh\n202301011200,1\n", "", "'202301011200' is not a time"},
      {"time,g/kWh\n20230101120000,1\n", "", "'20230101120000' is not a time"},
      {"time (UTC),g/kWh\n" GOOD, "?times=local", "its times are UTC"},
      {"zone,time,g/kWh\nA,2023-01-01,1\nB,2023-01-02,2\n", "",
       "f.csv:3: column 1 'zone"},
      {"zone,time,g/kWh\nA,2023-01-01,1\n", "?zone=B", "no row of zone B"},
      {"start,end,g/kWh\n2023-01-02,2023-01-01,1\n", "", "is not after its start"},
      {"start,end,g/kWh\n2023-01-01,2023-01-03,1\n2023-01-02,2023-01-04,1\n", "",
       "f.csv:3: 2023-01-02T00:00:00Z begins before the end of line 2"},
      {"time,g/kWh,low,high\n2023-01-01,5,6,7\n", "", "is not between its low and its"},
      {"time,g/kWh,estimated\n2023-01-01,5,perhaps\n", "", "is neither true nor false"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fr_series s = {0};
    fr_error err = {0};
    const char *text = cases[i].text;
    assert_true(read_as(text, strlen(text), cases[i].options, &all, &s, &err) < FR_OK);
    if (strstr(err.text, cases[i].says) == NULL)
      fail_msg("%zu: %s", i, err.text);
    assert_null(s.step);
  }
}

/* What is not looked at is not read; what is, is read the same. */
static void a_part_is_as_the_whole(void **state) {
  (void)state;
  char text[40000];
  size_t size = (size_t)snprintf(text, sizeof text, "datetime (UTC),g_per_kwh\n");
  for (int h = 0; h < 700; h++)
    size += (size_t)snprintf(text + size, sizeof text - size,
                             "2023-01-%02d %02d:00:00,%d\n", 1 + h / 24, h % 24, h % 300);
  text[size] = '\0';
  fr_series whole = read_well(text, ""), part = {0};
  fr_intensity_query query = all;
  query.from_s = JAN_1 + 100 * HOUR;
  query.to_s = JAN_1 + 200 * HOUR;
  ASSERT_OK(read_as(text, size, "", &query, &part, err));
  assert_int_equal(whole.count, 700);
  assert_int_equal(part.count, 100);
  assert_memory_equal(part.step, whole.step + 100, 100 * sizeof *part.step);
  fr_series_release(&part);
  fr_series_release(&whole);
}

static void garbage_is_survived(void **state) {
  (void)state;
  static const char *const seeds[] = {
      "Datetime (UTC),Zone Id,Carbon Intensity gCO2eq/kWh (direct),Carbon Intensity "
      "gCO2eq/kWh (LCA),Data Source,Data Estimated\n"
      "2023-01-01 00:00:00,BR,29.17,55.36,,false\n2023-01-01 01:00:00,BR,31.55,57.92,a,"
      "true\n2023-01-01 02:00:00,BR,32.96,59.36,\"b\",false\n",
      ",UTC time,carbon_intensity,coal,nat_gas\n0,01/01/2020 00:00:00,330.62,12,7290\n"
      "1,01/01/2020 01:00:00,389.74,15,9098\n2,01/13/2020 02:00:00,385.95,14,8827\n",
      "start,end,low,lb/"
      "MWh,high,estimated,forecast,made\n1672531200,1672534800,1,2,3,1,0,"
      "1672531200000\n2023-01-01T01:00+00:00,2023-01-01 02:00,,2,,no,yes,\n"};
  static const char letters[] = ",;\"\n\r\t\0 0123456789-+:/.eEnN\xff\xc2";
  fr__rng rng;
  fr__rng_init(&rng, 88, 0);
  for (size_t i = 0; i < 6000; i++) {
    const char *seed = seeds[i % 3];
    char text[600];
    size_t size = strlen(seed);
    memcpy(text, seed, size);
    for (size_t k = fr__rng_below(&rng, 6); k > 0; k--)
      text[fr__rng_below(&rng, size)] = letters[fr__rng_below(&rng, sizeof letters - 1)];
    if (i % 7 == 0)
      size = fr__rng_below(&rng, size + 1);
    fr_series s = {0};
    fr_error err = {0};
    fr_intensity_query query = all;
    query.now_s = i % 2 == 0 ? JAN_1 + HOUR : FR_TIME_LATEST;
    const enum fr_status status =
        read_as(text, size, i % 5 == 0 ? "?times=local&dates=dmy" : "", &query, &s, &err);
    assert_true(status == FR_OK || err.text[0] != '\0');
    for (size_t k = 0; k < s.count; k++) {
      assert_true(s.step[k].end_s > s.step[k].start_s);
      assert_true(s.step[k].low >= 0 && s.step[k].low <= s.step[k].g_per_kwh &&
                  s.step[k].high >= s.step[k].g_per_kwh);
      assert_true(k == 0 || s.step[k].start_s >= s.step[k - 1].end_s);
    }
    fr_series_release(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gaps_stay_gaps),
      cmocka_unit_test(rows_have_any_order),
      cmocka_unit_test(all_columns_are_read),
      cmocka_unit_test(zones_are_told_apart),
      cmocka_unit_test(months_and_days_are_told_apart),
      cmocka_unit_test(summer_time_ends),
      cmocka_unit_test(later_is_not_known),
      cmocka_unit_test(factors_are_told_apart),
      cmocka_unit_test(names_are_cleaned),
      cmocka_unit_test(newer_names_are_known),
      cmocka_unit_test(months_are_steps),
      cmocka_unit_test(the_rest_is_refused),
      cmocka_unit_test(a_part_is_as_the_whole),
      cmocka_unit_test(garbage_is_survived),
  };
  return cmocka_run_group_tests_name("carbon/intensity_csv", tests, make_folder,
                                     remove_folder);
}
