/* SPDX-License-Identifier: Apache-2.0 */
/* HWiNFO's logs in the customs of several countries; what is missing is not 0 W; hostile
 * files end in a sentence. Sums are by hand. */
#include "../test.h"

#include <math.h>

#include "meter/hwinfo.h"

static enum fr_status parse(const char *text, const char *column, fr__hwinfo *log,
                            fr_error *err) {
  char *copy = strdup(text); /* of exactly that size: a sanitizer sees each step beyond */
  const enum fr_status status =
      fr__hwinfo_parse("log.csv", copy, strlen(copy), column, log, err);
  free(copy);
  return status;
}

static fr__hwinfo parsed(const char *text, const char *column) {
  fr__hwinfo log;
  ASSERT_OK(parse(text, column, &log, err));
  return log;
}

static void assert_near(double value, double wanted) {
  if (!(fabs(value - wanted) < 1e-9))
    fail_msg("%.12g is not %.12g", value, wanted);
}

static const char usual[] =
    "Date,Time,\"Virtual Memory Committed [MB]\",\"Core 0 T\xb0 [\xb0"
    "C]\",\"CPU Package Power [W]\",\"IA Cores Power [W]\",\"GPU Power [mW]\",\n"
    "11.5.2026,13:05:20.500,9000,45,10.0,4.0,500,\n"
    "11.5.2026,13:05:22.500,9000,46,20.0,5.0,1500,\n"
    "11.5.2026,13:05:24.500,9000,47,40.0,6.0,,\n"
    "Date,Time,\"Virtual Memory Committed [MB]\",\"Core 0 T\xb0 [\xb0"
    "C]\",\"CPU Package Power [W]\",\"IA Cores Power [W]\",\"GPU Power [mW]\",\n"
    ",,System,CPU [#0]: A: DTS,CPU [#0]: A: Enhanced,CPU [#0]: A: Enhanced,GPU [#0],\n";

static void the_package_is_found_and_added_up(void **state) {
  (void)state;
  fr__hwinfo log = parsed(usual, NULL);
  assert_string_equal(log.chosen, "CPU Package Power");
  assert_int_equal(log.count, 3);
  assert_int_equal(log.columns, 3);
  assert_string_equal(log.name[2], "GPU Power");
  assert_string_equal(log.began, "11.5.2026 13:05:20.500");
  assert_int_equal(log.sample[0].t_ns, 0);
  assert_int_equal(log.sample[2].t_ns, 4000000000);
  assert_near(log.energy_j, 2 * 20 + 2 * 40);
  assert_near(log.sample[1].energy_j, 40);
  assert_near(log.mean_w, 30);
  assert_near(log.min_w, 20); /* the first row's 10 W are of before the log */
  assert_near(log.max_w, 40);
  assert_near(log.domain_w[3 + 2], 1.5);
  assert_true(isnan(log.domain_w[6 + 2]));
  assert_int_equal(log.missing + log.gaps + log.back, 0);
  fr__hwinfo_release(&log);
}

static void a_column_is_chosen_by_its_name(void **state) {
  (void)state;
  static const char *const names[] = {"IA Cores Power [W]", "ia cores power", "IA Cores"};
  for (size_t i = 0; i < 3; i++) {
    fr__hwinfo log = parsed(usual, names[i]);
    assert_string_equal(log.chosen, "IA Cores Power");
    assert_near(log.energy_j, 2 * 5 + 2 * 6);
    fr__hwinfo_release(&log);
  }
  fr__hwinfo log;
  fr_error err = {0};
  assert_int_equal(parse(usual, "Power", &log, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(parse(usual, "", &log, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(parse(usual, "Fan", &log, &err), FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "'IA Cores Power'"));
}

static void semicolons_and_decimal_commas(void **state) {
  (void)state;
  static const char *const texts[] = {
      "\xef\xbb\xbf"
      "Date;Time;CPU-Gesamt-Leistungsaufnahme [W];\r\n"
      "1.2.2026;9:00:00,250;12,5;\r\n1.2.2026;9:00:01,250;7,5;\r\n",
      "Date,Time,\"CPU Package Power [W]\"\n"
      "1.2.2026,9:00:00.25,\"12,5\"\n1.2.2026,9:00:01.25,\"7,5\"\n",
      "Date\tTime\tCPU PPT [W]\n"
      "2026-02-01\t9:00:00.25\t12.5\n2026-02-01\t9:00:01.25\t7.5",
  };
  for (size_t i = 0; i < 3; i++) {
    fr__hwinfo log = parsed(texts[i], NULL);
    assert_int_equal(log.count, 2);
    assert_near(log.sample[0].power_w, 12.5);
    assert_near(log.energy_j, 7.5);
    fr__hwinfo_release(&log);
  }
}

static void midnight_and_both_halves_of_the_day(void **state) {
  (void)state;
  static const char *const texts[] = {
      "Date,Time,CPU Package Power [W]\n28.2.2024,23:59:59.000,1\n29.2.2024,0:00:01.000,"
      "3\n1.3.2024,0:00:01.000,4\n",
      "Date,Time,CPU Package Power [W]\n2/28/2024,11:59:59 PM,1\n2/29/2024,12:00:01 AM,"
      "3\n3/1/2024,12:00:01 AM,4\n",
      "Date,Time,CPU Package Power [W]\n28/2/2024,23:59:59,1\n29/2/2024,00:00:01,3\n"
      "01/03/2024,00:00:01,4\n",
  };
  for (size_t i = 0; i < 3; i++) {
    fr__hwinfo log = parsed(texts[i], NULL);
    assert_int_equal(log.sample[1].t_ns, 2000000000);
    assert_int_equal(log.sample[2].t_ns, 86402000000000);
    fr__hwinfo_release(&log);
  }
  /* 5 and 6 June, not 6 May and 6 June */
  fr__hwinfo log = parsed("Date,Time,CPU Package Power [W]\n5/6/2024,23:59:59,1\n"
                          "6/6/2024,0:00:00,2\n",
                          NULL);
  assert_int_equal(log.sample[1].t_ns, 1000000000);
  fr__hwinfo_release(&log);
}

static void packages_of_two_devices_are_added_once(void **state) {
  (void)state;
  static const char rows[] = "1.1.2026,0:00:00,10,20,10\n1.1.2026,0:00:01,30,50,30\n";
  static const char header[] = "Date,Time,CPU Package Power [W],CPU Package Power [W],"
                               "CPU Package Power [W]\n";
  char text[1024];
  snprintf(text, sizeof text,
           "%s%s%s,,CPU [#0]: X: Enhanced,CPU [#1]: X: Enhanced,CPU [#0]: X: Again\n",
           header, rows, header);
  fr__hwinfo log = parsed(text, NULL);
  assert_string_equal(log.chosen, "CPU Package Power of 2 devices");
  assert_near(log.sample[1].power_w, 80);
  fr__hwinfo_release(&log);
  snprintf(text, sizeof text, "%s%s", header, rows); /* devices not told: the first */
  log = parsed(text, NULL);
  assert_near(log.sample[1].power_w, 30);
  fr__hwinfo_release(&log);
}

static void what_is_missing_is_not_zero(void **state) {
  (void)state;
  /* a reading is missing at 2 s; an hour asleep from 4 s on; the clock set back at 3606
   */
  fr__hwinfo log = parsed("Date,Time,CPU Package Power [W]\n"
                          "1.1.2026,10:00:00,10\n1.1.2026,10:00:01,10\n"
                          "1.1.2026,10:00:02,\n1.1.2026,10:00:03,20\n"
                          "1.1.2026,10:00:04,20\n1.1.2026,11:00:04,30\n"
                          "1.1.2026,11:00:05,30\n1.1.2026,10:30:00,40\n"
                          "1.1.2026,10:30:01,N/A\n1.1.2026,10:30:02,-5\n",
                          NULL);
  assert_int_equal(log.count, 7);
  assert_int_equal(log.missing, 3);
  assert_int_equal(log.gaps, 1);
  assert_int_equal(log.back, 1);
  assert_near(log.gap_s, 3600);
  assert_near(log.duration_s, 3606);
  assert_near(log.energy_j, 10 + 2 * 20 + 20 + 30 + 40);
  assert_near(log.mean_w, 140.0 / 6);
  assert_near(log.min_w, 10);
  /* the row behind the hour: no power, no energy, marked; the next ones are as ever */
  assert_true(log.sample[4].marked && isnan(log.sample[4].power_w));
  assert_true(isnan(log.domain_w[4]));
  assert_near(log.sample[4].energy_j, log.sample[3].energy_j);
  for (size_t i = 0; i < log.count; i++)
    assert_true(log.sample[i].marked == (i == 4));
  fr__hwinfo_release(&log);
}

static void no_maximum_comes_of_a_gap(void **state) {
  (void)state;
  fr__hwinfo log = parsed("Date,Time,CPU Package Power [W]\n"
                          "1.1.2026,10:00:00,10\n1.1.2026,10:00:01,12\n"
                          "1.1.2026,10:00:02,11\n1.1.2026,10:10:02,90\n"
                          "1.1.2026,10:10:03,11\n",
                          NULL);
  assert_near(log.max_w, 12);
  assert_near(log.energy_j, 12 + 11 + 11);
  fr__hwinfo_release(&log);
}

/* The first row has no interval; that of 0.1 s is none to judge by: 100 and 90 W are no
 * maximum. */
static void least_and_most_are_of_whole_intervals(void **state) {
  (void)state;
  fr__hwinfo log = parsed("Date,Time,CPU Package Power [W]\n"
                          "1.1.2026,10:00:00.0,100\n1.1.2026,10:00:02.0,20\n"
                          "1.1.2026,10:00:04.0,30\n1.1.2026,10:00:04.1,90\n"
                          "1.1.2026,10:00:06.1,25\n",
                          NULL);
  assert_near(log.energy_j, 40 + 60 + 9 + 50);
  assert_near(log.min_w, 20);
  assert_near(log.max_w, 30);
  fr__hwinfo_release(&log);
}

/* One row is a reading, and no time in which it was so. */
static void a_row_alone_has_measured_nothing(void **state) {
  (void)state;
  static const char *const texts[] = {
      "Date,Time,CPU Package Power [W]\n1.1.2026,10:00:00,10\n",
      "Date,Time,CPU Package Power [W]\n1.1.2026,10:00:00,10\n1.1.2026,10:00:01,\n"};
  for (size_t i = 0; i < 2; i++) {
    fr__hwinfo log = parsed(texts[i], NULL);
    assert_int_equal(log.count, 1);
    assert_true(isnan(log.mean_w) && isnan(log.min_w) && isnan(log.max_w));
    fr__hwinfo_release(&log);
  }
}

static void a_torn_last_line_is_left_out(void **state) {
  (void)state;
  fr__hwinfo log = parsed("Date,Time,CPU Package Power [W],x\n1.1.2026,10:00:00,10,1\n"
                          "1.1.2026,10:00:01,1",
                          NULL);
  assert_int_equal(log.count, 1);
  assert_near(log.sample[0].power_w, 10);
  assert_near(log.energy_j, 0);
  fr__hwinfo_release(&log);
}

static void what_is_no_log_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"", "empty"},
      {"\n\n", "empty"},
      {"hello", "no column in watts"},
      {"\xff\xfe"
       "D",
       "UTF-16"},
      {"Date,Time,CPU Package Power [W]\n", "no row"},
      {"Date,Time,CPU Package Power [W]\nyesterday,1:00:00,5\n", "log.csv:2: column 1"},
      {"Date,Time,CPU Package Power [W]\n31.2.2026,1:00:00,5\n", "is not a date"},
      {"Date,Time,CPU Package Power [W]\n1.2.2026,25:00:00,5\n", "is not a time"},
      {"Date,Time,CPU Package Power [W]\n1.2.2026\n\n", "column 2 is missing"},
      {"Date,Time,CPU Package Power [W]\n1.2.2026,1:00:00,12,5\n", "decimal commas"},
      {"Date,Time,CPU Package Power [W]\n1.2.2026,1:00:00,\n", "has no reading"},
      {"Date,Time,CPU Package Power [W]\n1.2.2026,1:00:00,1\nDate,Time,GPU [W]\n",
       "log.csv:3: the columns change"},
      {"Date,Time,GPU Power [W]\n1.2.2026,1:00:00,1\n", "no column 'CPU Package"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr__hwinfo log;
    fr_error err = {0};
    assert_int_not_equal(parse(bad[i].text, NULL, &log, &err), FR_OK);
    if (strstr(err.text, bad[i].says) == NULL)
      fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
  }
}

static void too_many_columns_are_refused(void **state) {
  (void)state;
  char *text = calloc(1, 4096), *at = text;
  at += sprintf(at, "Date,Time");
  for (int i = 0; i < 100; i++)
    at += sprintf(at, ",C%d Power [W]", i);
  strcpy(at, "\n1.1.2026,0:00:00\n");
  fr__hwinfo log;
  fr_error err = {0};
  assert_int_equal(parse(text, NULL, &log, &err), FR_ERR_LIMIT);
  free(text);
}

/* Cut off at each byte, and with bytes changed at random (a fixed generator): a log or a
 * sentence, and sums that are finite. */
static void check_hostile(const char *text) {
  fr__hwinfo log;
  fr_error err = {0};
  if (parse(text, NULL, &log, &err) != FR_OK) {
    assert_true(err.text[0] != '\0');
    return;
  }
  assert_true(log.count > 0 && isfinite(log.energy_j) && log.energy_j >= 0);
  assert_true(log.count - 1 > log.gaps
                  ? log.min_w <= log.mean_w && log.mean_w <= log.max_w
                  : isnan(log.mean_w) && isnan(log.min_w) && isnan(log.max_w));
  for (size_t i = 1; i < log.count; i++)
    assert_true(log.sample[i].t_ns > log.sample[i - 1].t_ns);
  fr__hwinfo_release(&log);
}

static void hostile_logs_end_in_a_sentence(void **state) {
  (void)state;
  static const char signs[] = ",;\t\"\n\r.-/:[]W0159eN\xb0\xff ";
  char text[sizeof usual];
  for (size_t size = 0; size < sizeof usual; size++) {
    memcpy(text, usual, size);
    text[size] = '\0';
    check_hostile(text);
  }
  uint32_t random = 12345;
  for (int round = 0; round < 20000; round++) {
    memcpy(text, usual, sizeof usual);
    for (int change = 0; change < 1 + round % 5; change++) {
      random = random * 1664525u + 1013904223u;
      text[(random >> 8) % (sizeof usual - 1)] =
          signs[(random >> 3) % (sizeof signs - 1)];
    }
    check_hostile(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_package_is_found_and_added_up),
      cmocka_unit_test(a_column_is_chosen_by_its_name),
      cmocka_unit_test(semicolons_and_decimal_commas),
      cmocka_unit_test(midnight_and_both_halves_of_the_day),
      cmocka_unit_test(packages_of_two_devices_are_added_once),
      cmocka_unit_test(what_is_missing_is_not_zero),
      cmocka_unit_test(no_maximum_comes_of_a_gap),
      cmocka_unit_test(least_and_most_are_of_whole_intervals),
      cmocka_unit_test(a_row_alone_has_measured_nothing),
      cmocka_unit_test(a_torn_last_line_is_left_out),
      cmocka_unit_test(what_is_no_log_is_refused),
      cmocka_unit_test(too_many_columns_are_refused),
      cmocka_unit_test(hostile_logs_end_in_a_sentence),
  };
  return cmocka_run_group_tests_name("meter/hwinfo", tests, NULL, NULL);
}
