/* SPDX-License-Identifier: Apache-2.0 */
/* Electricity Maps' answers as they are documented, and the questions that get them. */
#include "served.h"

#include "base/rng.h"
#include "carbon/answers.h"

#define MAY_21 INT64_C(1558396800) /* 2019-05-21T00:00:00Z: date -d @1558396800 */
#define KEY "SECRET-0123456789"

/* ---- answers ---- */

/* The shape of the API's documentation. */
static const char history[] =
    "{\"zone\":\"DE\",\"history\":["
    "{\"zone\":\"DE\",\"carbonIntensity\":322,\"datetime\":\"2019-05-21T00:00:00.000Z\","
    "\"updatedAt\":\"2019-05-22T00:00:00.000Z\",\"createdAt\":\"2019-05-20T00:00:00."
    "000Z\","
    "\"emissionFactorType\":\"lifecycle\",\"isEstimated\":false,\"estimationMethod\":"
    "null},"
    "{\"zone\":\"DE\",\"carbonIntensity\":302.5,\"datetime\":\"2019-05-21T01:00:00."
    "000Z\","
    "\"emissionFactorType\":\"lifecycle\",\"isEstimated\":true,"
    "\"estimationMethod\":\"TIME_SLICER_AVERAGE\"},"
    "{\"zone\":\"DE\",\"carbonIntensity\":null,\"datetime\":\"2019-05-21T02:00:00.000Z\","
    "\"isEstimated\":false},"
    "{\"zone\":\"DE\",\"carbonIntensity\":280,\"datetime\":\"2019-05-21T03:00:00.000Z\"}"
    "],\"temporalGranularity\":\"hourly\"}";

static enum fr_status parse(const char *body, fr_series *out, int64_t *updated,
                            fr_error *err) {
  return fr__electricitymaps_parse(body, strlen(body), "DE", FR_FACTOR_LIFECYCLE, out,
                                   updated, err);
}

static void hours_are_read_and_nulls_are_gaps(void **state) {
  fr_series s = {0};
  int64_t updated = 0;
  (void)state;
  ASSERT_OK(parse(history, &s, &updated, err));
  assert_int_equal(s.count, 3);
  assert_int_equal(s.step[0].start_s, MAY_21);
  assert_int_equal(s.step[0].end_s, MAY_21 + HOUR);
  assert_true(s.step[0].g_per_kwh >= 322 && s.step[0].g_per_kwh <= 322);
  assert_int_equal(s.step[0].marks, 0);
  assert_int_equal(s.step[1].marks, FR_STEP_ESTIMATED);
  assert_true(s.step[1].g_per_kwh >= 302.5 && s.step[1].g_per_kwh <= 302.5);
  assert_int_equal(s.step[2].start_s, MAY_21 + 3 * HOUR);
  assert_true(updated == FR__TIME_UNTOLD);
  fr_series_release(&s);
}

static void a_forecast_tells_when_it_was_made(void **state) {
  static const char body[] =
      "{\"zone\":\"DE\",\"forecast\":[{\"carbonIntensity\":326,"
      "\"datetime\":\"2019-05-21T01:00:00.000Z\"},{\"carbonIntensity\":297,"
      "\"datetime\":\"2019-05-21T00:00:00.000Z\"}],"
      "\"updatedAt\":\"2019-05-21T00:25:24.685Z\"}";
  fr_series s = {0};
  int64_t updated = 0;
  (void)state;
  ASSERT_OK(parse(body, &s, &updated, err));
  assert_int_equal(s.count, 2);
  assert_int_equal(s.step[0].start_s, MAY_21); /* into order */
  assert_int_equal(updated, MAY_21 + 25 * 60 + 24);
  fr_series_release(&s);
}

static void the_latest_value_is_a_step(void **state) {
  static const char body[] =
      "{\"zone\":\"DE\",\"carbonIntensity\":302,\"datetime\":\"2019-05-21T00:00:00."
      "000Z\","
      "\"updatedAt\":\"2019-05-21T00:30:00.000Z\",\"isEstimated\":true,"
      "\"temporalGranularity\":\"15_minutes\"}";
  fr_series s = {0};
  int64_t updated = 0;
  (void)state;
  ASSERT_OK(parse(body, &s, &updated, err));
  assert_int_equal(s.count, 1);
  assert_int_equal(s.step[0].end_s, MAY_21 + 900);
  fr_series_release(&s);
}

#define ITEM(value, time) "{\"carbonIntensity\":" value ",\"datetime\":" time "}"
#define DATA(items) "{\"zone\":\"DE\",\"data\":[" items "]}"

static void what_cannot_be_is_refused(void **state) {
  static const char *const bad[] = {
      "",
      "null",
      "[]",
      "{",
      "{}",
      "{\"zone\":\"FR\",\"history\":[]}",
      "{\"zone\":\"DE\",\"zone\":\"DE\",\"history\":[]}",
      "{\"zone\":\"DE\"}",
      "{\"zone\":\"DE\",\"history\":{}}",
      "{\"zone\":\"DE\",\"temporalGranularity\":\"fortnightly\",\"data\":[]}",
      DATA("1"),
      DATA("null,null"),
      DATA(ITEM("-1", "\"2019-05-21T00:00Z\"")),
      DATA(ITEM("5001", "\"2019-05-21T00:00Z\"")),
      DATA(ITEM("1e999", "\"2019-05-21T00:00Z\"")),
      DATA(ITEM("99999999999999999999999", "\"2019-05-21T00:00Z\"")),
      DATA(ITEM("\"322\"", "\"2019-05-21T00:00Z\"")),
      DATA(ITEM("true", "\"2019-05-21T00:00Z\"")),
      DATA(ITEM("322", "1558396800")),
      DATA(ITEM("322", "null")),
      DATA(ITEM("322", "\"2019-02-29T00:00Z\"")),
      DATA(ITEM("322", "\"99999-01-01T00:00Z\"")),
      DATA(ITEM("322", "\"2019-05-21T00:00Z\"") "," ITEM("9", "\"2019-05-21T00:00Z\"")),
      DATA("{\"carbonIntensity\":1,\"datetime\":\"2019-05-21T00:00Z\","
           "\"emissionFactorType\":\"direct\"}"),
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_series s = {0};
    fr_error err = {0};
    int64_t updated;
    if (parse(bad[i], &s, &updated, &err) == FR_OK)
      fail_msg("'%s' was taken", bad[i]);
    assert_true(err.text[0] != '\0');
    fr_series_release(&s);
  }
}

static void depth_is_no_danger(void **state) {
  const size_t depth = 1 << 20;
  char *const body = malloc(depth + 1);
  fr_series s = {0};
  int64_t updated;
  (void)state;
  assert_non_null(body);
  memset(body, '[', depth);
  body[depth] = '\0';
  assert_true(parse(body, &s, &updated, NULL) != FR_OK);
  fr_series_release(&s);
  free(body);
}

/* Whatever comes: an error or steps in order and within bounds, nothing past the end. */
static void garbage_is_refused_or_read(void **state) {
  fr__rng rng;
  (void)state;
  fr__rng_init(&rng, 1, 0);
  for (int round = 0; round < 20000; round++) {
    const size_t size = fr__rng_below(&rng, 4) == 0 ? fr__rng_below(&rng, sizeof history)
                                                    : sizeof history - 1;
    char *const body = malloc(size + 1); /* exact, for the sanitizers */
    fr_series s = {0};
    int64_t updated;
    assert_non_null(body);
    memcpy(body, history, size);
    for (size_t i = 0; size > 0 && i <= fr__rng_below(&rng, 4); i++)
      body[fr__rng_below(&rng, size)] =
          fr__rng_below(&rng, 2) == 0
              ? (char)fr__rng_next(&rng)
              : "0123456789-.e\"{}[],:nul"[fr__rng_below(&rng, 23)];
    body[size] = '\0';
    if (fr__electricitymaps_parse(body, size, "DE", FR_FACTOR_LIFECYCLE, &s, &updated,
                                  NULL) == FR_OK)
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
  *state = served_up("FRUGAL_ELECTRICITYMAPS_URL");
  setenv("FRUGAL_ELECTRICITYMAPS_KEY", KEY, 1);
  return 0;
}

static int down(void **state) {
  served_down(*state);
  return 0;
}

#define HISTORY "/carbon-intensity/history?zone=DE&emissionFactorType=lifecycle"
#define FORECAST "/carbon-intensity/forecast?zone=DE&emissionFactorType=lifecycle"
#define PAST "/carbon-intensity/past-range?zone=DE&"

/* `count` hours from `from`, of first, first + 1, … g/kWh; made at `made`, 0: not told.
 */
static const char *hours(const char *list, int64_t from, int count, int first,
                         int64_t made) {
  static char body[65536];
  char time[32];
  size_t n = (size_t)snprintf(body, sizeof body, "{\"zone\":\"DE\",\"%s\":[", list);
  for (int i = 0; i < count; i++)
    n += (size_t)snprintf(
        body + n, sizeof body - n, "%s{\"carbonIntensity\":%d,\"datetime\":\"%s\"}",
        i > 0 ? "," : "", first + i, served_time(from + i * HOUR, time));
  n += (size_t)snprintf(body + n, sizeof body - n, "]");
  if (made != 0)
    n += (size_t)snprintf(body + n, sizeof body - n, ",\"updatedAt\":\"%s\"",
                          served_time(made, time));
  snprintf(body + n, sizeof body - n, "}");
  return body;
}

static int64_t this_hour(void) { return (int64_t)time(NULL) / HOUR * HOUR; }

static void the_last_day_is_one_question(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - 3 * HOUR, .to_s = now};
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(loopback_count(s->server), 1);
  assert_int_equal(loopback_asked(s->server, "auth-token: " KEY "\r\n"), 1);
  assert_string_equal(s->series.zone, "DE");
  assert_int_equal(s->series.source, FR_SOURCE_API);
  assert_int_equal(s->series.scope.factor, FR_FACTOR_LIFECYCLE);
  assert_int_equal(s->series.scope.signal, FR_SIGNAL_AVERAGE);
  assert_true(s->series.read_s >= now - 1 && s->series.read_s <= now + 10);
  assert_int_equal(s->series.step[0].start_s, query.from_s); /* cut */
  const fr_intensity_step *const last = &s->series.step[s->series.count - 1];
  assert_true(last->g_per_kwh >= 123 && last->g_per_kwh <= 123);
  assert_int_equal(last->marks, FR_STEP_FORECAST); /* the hour still runs */
  assert_int_equal(s->series.step[0].marks, 0);
  served_holds_no(s, "SECRET");
}

static void its_forecast_follows_what_is_measured(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  const fr_intensity_query query = {
      .now_s = now, .from_s = now - 2 * HOUR, .to_s = hour + 5 * HOUR};
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_say(s, FORECAST, 200, NULL, hours("forecast", hour, 48, 500, now - 60));
  served_get(s, "electricitymaps:DE", &query);
  const fr_intensity_step *const here = fr_series_at(&s->series, hour);
  const fr_intensity_step *const next = fr_series_at(&s->series, hour + HOUR);
  assert_true(here->g_per_kwh >= 123 && here->g_per_kwh <= 123); /* measured so far */
  assert_true(next->g_per_kwh >= 501 && next->g_per_kwh <= 501);
  assert_int_equal(next->marks, FR_STEP_FORECAST);
  assert_int_equal(s->series.step[s->series.count - 1].end_s, query.to_s);
  assert_false(
      fr_series_gap(&s->series, query.from_s, query.to_s, &(int64_t){0}, &(int64_t){0}));
}

static void a_plan_without_forecasts_has_none(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  const fr_intensity_query query = {
      .now_s = now, .from_s = now - 2 * HOUR, .to_s = hour + 5 * HOUR};
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_say(s, FORECAST, 403, NULL, "{\"message\":\"not in your plan\"}");
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(s->series.step[s->series.count - 1].end_s, hour + HOUR);
  assert_string_equal(s->series.warning, "");
}

static void a_forecast_made_later_than_now_is_left_out(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = hour - 6 * HOUR;
  const fr_intensity_query query = {
      .now_s = now, .from_s = now - 2 * HOUR, .to_s = hour + 5 * HOUR};
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_say(s, FORECAST, 200, NULL, hours("forecast", now, 48, 500, now + 1));
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(s->series.count, 2);
  assert_int_equal(s->series.step[1].end_s, now); /* nothing later than now */
  /* the same, made in time */
  loopback_hush(s->server);
  test_folder_remove(s->folder);
  s->folder = test_folder_make();
  setenv("XDG_CACHE_HOME", s->folder, 1);
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_say(s, FORECAST, 200, NULL, hours("forecast", now, 48, 500, now - 1));
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(s->series.count, 13);
  assert_int_equal(s->series.step[2].marks, FR_STEP_FORECAST);
  assert_true(s->series.step[2].g_per_kwh >= 500 && s->series.step[2].g_per_kwh <= 500);
}

/* Ten days at a time, cut where tens of days since 1970 end: 2019-05-16 is day 18032, so
 * the pieces end at 18040, which is 2019-05-24 (date -d @$((18040*86400))). */
static void the_past_is_asked_for_in_pieces(void **state) {
  served *const s = *state;
  const int64_t from = MAY_21 - 5 * 24 * HOUR + 90 * 60;
  const int64_t now = MAY_21 + 10 * 24 * HOUR;
  const fr_intensity_query query = {.now_s = now, .from_s = from, .to_s = now};
  served_say(s, PAST "start=2019-05-16T00:00:00Z&end=2019-05-24T00:00:00Z&", 200, NULL,
             hours("data", MAY_21 - 5 * 24 * HOUR, 8 * 24, 100, 0));
  served_say(s, PAST "start=2019-05-24T00:00:00Z&end=2019-05-31T00:00:00Z&", 200, NULL,
             hours("data", MAY_21 + 3 * 24 * HOUR, 7 * 24 + 5, 300, 0));
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(loopback_count(s->server), 2);
  assert_int_equal(s->series.count, 15 * 24 - 1);
  assert_int_equal(s->series.step[0].start_s, from);
  assert_int_equal(s->series.step[s->series.count - 1].end_s, now);
  for (size_t i = 0; i < s->series.count; i++)
    assert_int_equal(s->series.step[i].marks, 0);
  /* what is kept of old days answers again */
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(loopback_count(s->server), 2);
}

static void the_day_is_left_where_the_plan_has_no_past(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  const fr_intensity_query query = {
      .now_s = now, .from_s = now - 5 * 24 * HOUR, .to_s = now};
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_say(s, PAST, 401, NULL,
             "{\"error\":\"no access for " KEY " to past-range\x1b[31m\"}");
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(s->series.count, 24);
  served_says(s->series.warning, "no more of the past than 24 hours");
  served_says(s->series.warning, "no access for *");
  assert_null(strstr(s->series.warning, "SECRET"));
  assert_null(strchr(s->series.warning, '\x1b'));
}

static void what_the_server_says_is_said(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - HOUR, .to_s = now};
  served_say(s, "/", 404, NULL, "{\"message\":\"Zone 'XX' does not exist\"}");
  assert_int_equal(served_read(s, "electricitymaps:XX", &query), FR_ERR_NOT_FOUND);
  served_says(s->err.text, "answers with status 404: Zone 'XX' does not exist");
  loopback_hush(s->server);
  served_say(s, "/", 401, NULL, "{\"error\":{\"message\":\"bad token " KEY "\"}}");
  assert_int_equal(served_read(s, "electricitymaps:DE", &query), FR_ERR_PERMISSION);
  served_says(s->err.text, "status 401: bad token *");
  assert_null(strstr(s->err.text, "SECRET"));
}

static void another_zone_than_asked_for_is_no_answer(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - HOUR, .to_s = now};
  served_say(s, "/", 200, NULL, hours("history", now, 1, 1, 0));
  assert_int_equal(served_read(s, "electricitymaps:FR", &query), FR_ERR_FORMAT);
  served_says(s->err.text, "asked for zone 'FR', told 'DE'");
}

static void names_are_checked_before_anything_is_asked(void **state) {
  static const char *const bad[] = {
      "electricitymaps:",        "electricitymaps:DE&x=1",  "electricitymaps:../x",
      "electricitymaps:D E",     "electricitymaps:DE?x=1",  "electricitymaps:DE#",
      "electricitymaps:D\r\nE:", "electricitymaps:\xc3\x84"};
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - HOUR, .to_s = now};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(served_read(s, bad[i], &query), FR_ERR_ARGUMENT);
  assert_int_equal(loopback_count(s->server), 0);
}

static void a_direct_factor_is_asked_for(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL);
  fr_intensity_query query = {.now_s = now, .from_s = now - HOUR, .to_s = now};
  served_say(s, "/", 200, NULL, hours("history", this_hour() - HOUR, 2, 1, 0));
  served_get(s, "electricitymaps:DE?factor=direct", &query);
  assert_int_equal(loopback_asked(s->server, "emissionFactorType=direct"), 1);
  assert_int_equal(s->series.scope.factor, FR_FACTOR_DIRECT);
  served_get(s, "electricitymaps:DE?factor=life-cycle", &query);
  assert_int_equal(loopback_asked(s->server, "emissionFactorType=lifecycle"), 1);
  assert_int_equal(s->series.scope.factor, FR_FACTOR_LIFECYCLE);
}

static void a_key_is_needed_and_named(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - HOUR, .to_s = now};
  unsetenv("FRUGAL_ELECTRICITYMAPS_KEY");
  assert_int_equal(served_read(s, "electricitymaps:DE", &query), FR_ERR_NOT_FOUND);
  served_says(s->err.text, "FRUGAL_ELECTRICITYMAPS_KEY");
  served_says(s->err.text, "electricitymaps.key");
  assert_int_equal(loopback_count(s->server), 0);
}

static void a_key_goes_to_https_alone(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - HOUR, .to_s = now};
  setenv("FRUGAL_ELECTRICITYMAPS_URL", "http://example.org/v3", 1);
  assert_int_equal(served_read(s, "electricitymaps:DE", &query), FR_ERR_PERMISSION);
  served_says(s->err.text, "is not https");
}

static void offline_says_how_old_it_is(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  fr_intensity_query query = {.now_s = now, .from_s = now - 3 * HOUR, .to_s = now};
  served_say(s, HISTORY, 200, "Cache-Control: max-age=0\r\nAge: 10800\r\n",
             hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_get(s, "electricitymaps:DE", &query);
  query.offline = true;
  unsetenv("FRUGAL_ELECTRICITYMAPS_KEY"); /* none is needed */
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(loopback_count(s->server), 1);
  served_says(s->series.warning, "offline: answer of 3 h ago");
  assert_true(s->series.read_s <= now - 10800 + 10 && s->series.read_s >= now - 10801);
  query.offline = false;
  setenv("FRUGAL_OFFLINE", "1", 1);
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(loopback_count(s->server), 1);
  assert_int_equal(served_read(s, "electricitymaps:FR", &query), FR_ERR_NOT_FOUND);
  served_says(s->err.text, "offline, and nothing is kept of electricitymaps:FR");
  unsetenv("FRUGAL_OFFLINE");
}

static void what_is_kept_stands_in_with_a_warning(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - 3 * HOUR, .to_s = now};
  served_say(s, HISTORY, 200, "Cache-Control: max-age=0\r\nAge: 7200\r\n",
             hours("history", hour - 23 * HOUR, 24, 100, 0));
  served_say(s, HISTORY, 429, "Retry-After: 3600\r\n", NULL);
  served_get(s, "electricitymaps:DE", &query);
  served_get(s, "electricitymaps:DE", &query);
  served_says(s->series.warning, "wants no requests before");
  served_says(s->series.warning, "answer of 2 h ago");
  assert_true(s->series.count > 0);
}

static void nonsense_is_not_kept(void **state) {
  served *const s = *state;
  const int64_t hour = this_hour(), now = (int64_t)time(NULL);
  const fr_intensity_query query = {.now_s = now, .from_s = now - 3 * HOUR, .to_s = now};
  served_say(s, HISTORY, 200, "Cache-Control: max-age=300\r\n", "<html>Log in</html>");
  served_say(s, HISTORY, 200, NULL, hours("history", hour - 23 * HOUR, 24, 100, 0));
  assert_int_equal(served_read(s, "electricitymaps:DE", &query), FR_ERR_FORMAT);
  served_get(s, "electricitymaps:DE", &query);
  assert_int_equal(loopback_count(s->server), 2);
}

static void too_much_at_once_is_refused(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = MAY_21, .from_s = MAY_21 - 2000 * 24 * HOUR, .to_s = MAY_21};
  assert_int_equal(served_read(s, "electricitymaps:DE", &query), FR_ERR_LIMIT);
  assert_int_equal(loopback_count(s->server), 0);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hours_are_read_and_nulls_are_gaps),
      cmocka_unit_test(a_forecast_tells_when_it_was_made),
      cmocka_unit_test(the_latest_value_is_a_step),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(depth_is_no_danger),
      cmocka_unit_test(garbage_is_refused_or_read),
      SERVED(the_last_day_is_one_question),
      SERVED(its_forecast_follows_what_is_measured),
      SERVED(a_plan_without_forecasts_has_none),
      SERVED(a_forecast_made_later_than_now_is_left_out),
      SERVED(the_past_is_asked_for_in_pieces),
      SERVED(the_day_is_left_where_the_plan_has_no_past),
      SERVED(what_the_server_says_is_said),
      SERVED(another_zone_than_asked_for_is_no_answer),
      SERVED(names_are_checked_before_anything_is_asked),
      SERVED(a_direct_factor_is_asked_for),
      SERVED(a_key_is_needed_and_named),
      SERVED(a_key_goes_to_https_alone),
      SERVED(offline_says_how_old_it_is),
      SERVED(what_is_kept_stands_in_with_a_warning),
      SERVED(nonsense_is_not_kept),
      SERVED(too_much_at_once_is_refused),
  };
  return cmocka_run_group_tests_name("electricitymaps", tests, NULL, NULL);
}
