/* SPDX-License-Identifier: Apache-2.0 */
/* WattTime's answers as they are documented, logging in, and the questions. */
#include "served.h"

#include "base/rng.h"
#include "carbon/answers.h"

#define JULY_15 INT64_C(1657843200) /* 2022-07-15T00:00:00Z: date -d @1657843200 */
#define G_PER_LB 453.59237          /* the international pound of 1959 */
/* printf '%s' 'someone:SECRET-pass:word' | base64 */
#define USER "someone:SECRET-pass:word"
#define BASIC "Authorization: Basic c29tZW9uZTpTRUNSRVQtcGFzczp3b3Jk\r\n"
#define TOKEN "SECRET-TOKEN.abcdefgh"

static const char historical[] =
    "{\"data\":[{\"point_time\":\"2022-07-15T00:00:00+00:00\",\"value\":870.0,"
    "\"imputed_data_used\":true,\"last_updated\":\"2023-10-01T00:00:00+00:00\"},"
    "{\"point_time\":\"2022-07-15T00:05:00+00:00\",\"value\":860.0},"
    "{\"point_time\":\"2022-07-15T00:10:00+00:00\",\"value\":null}],"
    "\"meta\":{\"data_point_period_seconds\":300,\"region\":\"CAISO_NORTH\","
    "\"signal_type\":\"co2_moer\",\"units\":\"lbs_co2_per_mwh\","
    "\"generated_at\":\"2022-07-14T23:55:00+00:00\",\"warnings\":[]}}";

static enum fr_status parse(const char *body, fr_series *out, int64_t *made,
                            fr_error *err) {
  return fr__watttime_parse(body, strlen(body), "CAISO_NORTH", out, made, err);
}

static void pounds_become_grams(void **state) {
  fr_series s = {0};
  int64_t made = 0;
  (void)state;
  ASSERT_OK(parse(historical, &s, &made, err));
  assert_int_equal(s.count, 2);
  assert_int_equal(s.step[0].start_s, JULY_15);
  assert_int_equal(s.step[0].end_s, JULY_15 + 300);
  const double expected = 870.0 * G_PER_LB / 1000.0; /* lb/MWh to g/kWh */
  assert_true(s.step[0].g_per_kwh > expected * (1 - 1e-15) &&
              s.step[0].g_per_kwh < expected * (1 + 1e-15));
  assert_int_equal(s.step[0].marks, FR_STEP_ESTIMATED);
  assert_int_equal(s.step[1].marks, 0);
  assert_int_equal(made, JULY_15 - 300);
  fr_series_release(&s);
}

#define META(region, signal, units, step)                                                \
  "\"meta\":{\"data_point_period_seconds\":" step ",\"region\":\"" region                \
  "\",\"signal_type\":\"" signal "\",\"units\":\"" units "\"}"
#define GOOD META("CAISO_NORTH", "co2_moer", "lbs_co2_per_mwh", "300")
#define POINT(value) "{\"point_time\":\"2022-07-15T00:00:00Z\",\"value\":" value "}"

static void what_cannot_be_is_refused(void **state) {
  static const char *const bad[] = {
      "",
      "[]",
      "{}",
      "{\"data\":[]}",
      "{" GOOD "}",
      "{\"data\":{}," GOOD "}",
      "{\"data\":[]," META("PJM", "co2_moer", "lbs_co2_per_mwh", "300") "}",
      "{\"data\":[]," META("CAISO_NORTH", "health_damage", "lbs_co2_per_mwh", "300") "}",
      "{\"data\":[]," META("CAISO_NORTH", "co2_moer", "percentile", "300") "}",
      "{\"data\":[]," META("CAISO_NORTH", "co2_moer", "lbs_co2_per_mwh", "0") "}",
      "{\"data\":[]," META("CAISO_NORTH", "co2_moer", "lbs_co2_per_mwh", "-300") "}",
      "{\"data\":[]," META("CAISO_NORTH", "co2_moer", "lbs_co2_per_mwh", "1e9") "}",
      "{\"data\":[1]," GOOD "}",
      "{\"data\":[" POINT("-1") "]," GOOD "}",
      "{\"data\":[" POINT("11100") "]," GOOD "}", /* 5035 g/kWh */
      "{\"data\":[" POINT("1e400") "]," GOOD "}",
      "{\"data\":[" POINT("\"870\"") "]," GOOD "}",
      "{\"data\":[{\"value\":870}]," GOOD "}",
      "{\"data\":[" POINT("1") "," POINT("2") "]," GOOD "}",
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_series s = {0};
    fr_error err = {0};
    int64_t made;
    if (parse(bad[i], &s, &made, &err) == FR_OK)
      fail_msg("'%s' was taken", bad[i]);
    assert_true(err.text[0] != '\0');
    fr_series_release(&s);
  }
}

static void garbage_is_refused_or_read(void **state) {
  fr__rng rng;
  (void)state;
  fr__rng_init(&rng, 2, 0);
  for (int round = 0; round < 20000; round++) {
    const size_t size = fr__rng_below(&rng, 4) == 0
                            ? fr__rng_below(&rng, sizeof historical)
                            : sizeof historical - 1;
    char *const body = malloc(size + 1);
    fr_series s = {0};
    int64_t made;
    assert_non_null(body);
    memcpy(body, historical, size);
    for (size_t i = 0; size > 0 && i <= fr__rng_below(&rng, 4); i++)
      body[fr__rng_below(&rng, size)] =
          fr__rng_below(&rng, 2) == 0
              ? (char)fr__rng_next(&rng)
              : "0123456789-.e\"{}[],:nul"[fr__rng_below(&rng, 23)];
    body[size] = '\0';
    if (fr__watttime_parse(body, size, "CAISO_NORTH", &s, &made, NULL) == FR_OK)
      for (size_t i = 0; i < s.count; i++)
        assert_true(s.step[i].g_per_kwh >= 0 && s.step[i].g_per_kwh <= 5000 &&
                    s.step[i].end_s > s.step[i].start_s &&
                    (i == 0 || s.step[i].start_s >= s.step[i - 1].end_s));
    fr_series_release(&s);
    free(body);
  }
}

/* ---- questions ---- */

static int up(void **state) {
  *state = served_up("FRUGAL_WATTTIME_URL");
  setenv("FRUGAL_WATTTIME_KEY", USER, 1);
  return 0;
}

static int down(void **state) {
  served_down(*state);
  return 0;
}

/* `count` points of five minutes from `from`, of `value` lb/MWh. */
static const char *points(int64_t from, int count, int value, int64_t made) {
  static char body[65536];
  char time[32];
  size_t n = (size_t)snprintf(body, sizeof body, "{\"data\":[");
  for (int i = 0; i < count; i++)
    n += (size_t)snprintf(body + n, sizeof body - n,
                          "%s{\"point_time\":\"%s\",\"value\":%d}", i > 0 ? "," : "",
                          served_time(from + i * 300, time), value);
  snprintf(body + n, sizeof body - n,
           "],\"meta\":{\"data_point_period_seconds\":300,\"region\":\"CAISO_NORTH\","
           "\"signal_type\":\"co2_moer\",\"units\":\"lbs_co2_per_mwh\","
           "\"generated_at\":\"%s\"}}",
           served_time(made, time));
  return body;
}

static void log_in(served *s) {
  served_say(s, "/login", 200, NULL, "{\"token\":\"" TOKEN "\"}");
}

static void a_token_is_fetched_and_used(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = JULY_15 + HOUR, .from_s = JULY_15, .to_s = JULY_15 + HOUR};
  log_in(s);
  served_say(s,
             "/v3/historical?region=CAISO_NORTH&start=2022-07-15T00:00:00Z&end=2022-07-"
             "16T00:00:00Z&signal_type=co2_moer",
             200, NULL, points(JULY_15, 24, 1000, 0));
  served_get(s, "watttime:CAISO_NORTH", &query);
  assert_int_equal(loopback_count(s->server), 2);
  served_says(loopback_request(s->server, 0), BASIC);
  served_says(loopback_request(s->server, 1), "Authorization: Bearer " TOKEN "\r\n");
  assert_int_equal(s->series.count, 12); /* nothing later than now */
  assert_int_equal(s->series.scope.signal, FR_SIGNAL_MARGINAL);
  assert_int_equal(s->series.scope.factor, FR_FACTOR_DIRECT);
  assert_string_equal(s->series.zone, "CAISO_NORTH");
  /* nothing secret is kept, and what is kept needs no other login */
  served_holds_no(s, "SECRET");
  served_holds_no(s, "c29tZW9uZTpTRUNSRVQ");
  served_get(s, "watttime:CAISO_NORTH", &query);
  assert_int_equal(loopback_count(s->server), 2);
  assert_int_equal(s->series.count, 12);
}

static void the_past_is_asked_for_in_pieces(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = JULY_15, .from_s = JULY_15 - 60 * 24 * HOUR, .to_s = JULY_15};
  log_in(s);
  served_say(s, "/v3/historical", 200, NULL, points(JULY_15 - 600, 2, 1000, 0));
  served_get(s, "watttime:CAISO_NORTH", &query);
  /* 60 days from day 19128 on; thirties of days end at 19140, 19170: three pieces */
  assert_int_equal(loopback_asked(s->server, "GET /v3/historical"), 3);
  assert_int_equal(loopback_asked(s->server, "GET /login"), 1);
  assert_int_equal(s->series.count, 2);
}

static void its_forecast_follows(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL), step = now / 300 * 300;
  const fr_intensity_query query = {
      .now_s = now, .from_s = step - HOUR, .to_s = step + 2 * HOUR};
  log_in(s);
  served_say(s, "/v3/historical", 200, NULL, points(step - HOUR, 12, 1000, 0));
  served_say(s, "/v3/forecast?region=CAISO_NORTH&signal_type=co2_moer&horizon_hours=72",
             200, NULL, points(step, 288, 500, now - 10));
  served_get(s, "watttime:CAISO_NORTH", &query);
  assert_int_equal(s->series.count, 36);
  assert_int_equal(s->series.step[11].marks, 0);
  assert_int_equal(s->series.step[12].marks, FR_STEP_FORECAST);
  assert_int_equal(s->series.step[35].end_s, query.to_s);
}

static void a_server_that_wants_no_time_to_come_gets_none(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL), step = now / 300 * 300;
  const fr_intensity_query query = {.now_s = now, .from_s = step - HOUR, .to_s = now};
  log_in(s);
  served_say(s, "/v3/historical", 400, NULL, "{\"error\":\"end lies ahead\"}");
  served_say(s, "/v3/historical", 200, NULL, points(step - HOUR, 12, 1000, 0));
  /* a quarter of a day would be cut at midnight: then two days are asked for */
  if (served_read(s, "watttime:CAISO_NORTH", &query) == FR_OK)
    assert_int_equal(s->series.count, 12);
  else
    assert_true(step % (24 * HOUR) < 2 * HOUR);
}

static void a_login_that_fails_says_why(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = JULY_15 + HOUR, .from_s = JULY_15, .to_s = JULY_15 + HOUR};
  served_say(s, "/login", 401, NULL, "no account for SECRET-pass:word");
  assert_int_equal(served_read(s, "watttime:CAISO_NORTH", &query), FR_ERR_PERMISSION);
  served_says(s->err.text, "no account for ****");
  assert_null(strstr(s->err.text, "SECRET"));
  loopback_hush(s->server);
  served_say(s, "/login", 200, NULL, "{\"token\":\"\"}");
  assert_int_equal(served_read(s, "watttime:CAISO_NORTH", &query), FR_ERR_FORMAT);
  loopback_hush(s->server);
  served_say(s, "/login", 200, NULL, "{\"token\":\"a\\r\\nHost: evil\"}");
  assert_true(served_read(s, "watttime:CAISO_NORTH", &query) != FR_OK);
  assert_int_equal(loopback_asked(s->server, "GET /v3"), 0);
}

static void a_key_is_a_user_and_a_password(void **state) {
  static const char *const bad[] = {"SECRETuser", ":SECRET", "SECRET:"};
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = JULY_15 + HOUR, .from_s = JULY_15, .to_s = JULY_15 + HOUR};
  for (size_t i = 0; i < 3; i++) {
    setenv("FRUGAL_WATTTIME_KEY", bad[i], 1);
    assert_int_equal(served_read(s, "watttime:CAISO_NORTH", &query), FR_ERR_FORMAT);
    served_says(s->err.text, "USER:PASSWORD");
    assert_null(strstr(s->err.text, "SECRET"));
  }
  assert_int_equal(loopback_count(s->server), 0);
}

static void a_life_cycle_is_not_to_be_had(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {.now_s = JULY_15 + HOUR,
                                    .from_s = JULY_15,
                                    .to_s = JULY_15 + HOUR,
                                    .factor = FR_FACTOR_LIFECYCLE};
  assert_int_equal(served_read(s, "watttime:CAISO_NORTH", &query), FR_ERR_UNSUPPORTED);
  assert_int_equal(loopback_count(s->server), 0);
}

static void offline_needs_no_login(void **state) {
  served *const s = *state;
  fr_intensity_query query = {
      .now_s = JULY_15 + HOUR, .from_s = JULY_15, .to_s = JULY_15 + HOUR};
  log_in(s);
  served_say(s, "/v3/historical", 200, "Cache-Control: max-age=0\r\n",
             points(JULY_15, 24, 1000, 0));
  served_get(s, "watttime:CAISO_NORTH", &query);
  unsetenv("FRUGAL_WATTTIME_KEY");
  query.offline = true;
  served_get(s, "watttime:CAISO_NORTH", &query);
  assert_int_equal(s->series.count, 12);
  assert_int_equal(loopback_count(s->server), 2);
  served_says(s->series.warning, "offline: answer of ");
  assert_int_equal(served_read(s, "watttime:PJM", &query), FR_ERR_NOT_FOUND);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pounds_become_grams),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(garbage_is_refused_or_read),
      SERVED(a_token_is_fetched_and_used),
      SERVED(the_past_is_asked_for_in_pieces),
      SERVED(its_forecast_follows),
      SERVED(a_server_that_wants_no_time_to_come_gets_none),
      SERVED(a_login_that_fails_says_why),
      SERVED(a_key_is_a_user_and_a_password),
      SERVED(a_life_cycle_is_not_to_be_had),
      SERVED(offline_needs_no_login),
  };
  return cmocka_run_group_tests_name("watttime", tests, NULL, NULL);
}
