/* SPDX-License-Identifier: Apache-2.0 */
/* Great Britain's answers as they are documented, nulls and garbage, and the questions.
 */
#include "served.h"

#include "base/rng.h"
#include "carbon/answers.h"

#define JAN_20 INT64_C(1516406400) /* 2018-01-20T00:00:00Z: date -u -d @1516406400 */
#define NOON (JAN_20 + 12 * HOUR)

static const char national[] =
    "{ \"data\":[{ \"from\": \"2018-01-20T12:00Z\", \"to\": \"2018-01-20T12:30Z\","
    "\"intensity\": { \"forecast\": 266, \"actual\": 263, \"index\": \"moderate\" }},"
    "{ \"from\": \"2018-01-20T12:30Z\", \"to\": \"2018-01-20T13:00Z\","
    "\"intensity\": { \"forecast\": 270, \"actual\": null, \"index\": \"moderate\" }},"
    "{ \"from\": \"2018-01-20T13:00Z\", \"to\": \"2018-01-20T13:30Z\","
    "\"intensity\": { \"forecast\": null, \"actual\": null, \"index\": null }}]}";

#define REGION                                                                           \
  "{\"regionid\":3,\"dnoregion\":\"Electricity North West\",\"shortname\":\"North West " \
  "England\",\"data\":[{\"from\":\"2018-01-20T12:00Z\",\"to\":\"2018-01-20T12:30Z\","    \
  "\"intensity\":{\"forecast\":266,\"index\":\"moderate\"},\"generationmix\":[{"         \
  "\"fuel\":\"gas\",\"perc\":43.6}]}]}"

static enum fr_status parse(const char *body, int64_t region, fr_series *out,
                            fr_error *err) {
  return fr__uk_parse(body, strlen(body), region, out, err);
}

static void half_hours_are_read(void **state) {
  fr_series s = {0};
  (void)state;
  ASSERT_OK(parse(national, FR__UK_NATIONAL, &s, err));
  assert_int_equal(s.count, 2); /* the third is a gap */
  assert_int_equal(s.step[0].start_s, NOON);
  assert_int_equal(s.step[0].end_s, NOON + 1800);
  assert_true(s.step[0].g_per_kwh >= 263 && s.step[0].g_per_kwh <= 263);
  assert_int_equal(s.step[0].marks, 0);
  assert_true(s.step[1].g_per_kwh >= 270 && s.step[1].g_per_kwh <= 270);
  assert_int_equal(s.step[1].marks, FR_STEP_FORECAST);
  fr_series_release(&s);
}

static void regions_are_estimates(void **state) {
  static const char *const bodies[] = {"{\"data\":" REGION "}",
                                       "{\"data\":[" REGION "]}"};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    fr_series s = {0};
    ASSERT_OK(parse(bodies[i], 3, &s, err));
    assert_int_equal(s.count, 1);
    assert_int_equal(s.step[0].marks, FR_STEP_ESTIMATED);
    fr_series_release(&s);
    ASSERT_OK(parse(bodies[i], FR__UK_POSTCODE, &s, err));
    fr_series_release(&s);
  }
}

#define ITEM(from, to, intensity)                                                        \
  "{\"data\":[{\"from\":\"" from "\",\"to\":\"" to "\",\"intensity\":" intensity "}]}"

static void what_cannot_be_is_refused(void **state) {
  static const char *const bad[] = {
      "",
      "[]",
      "{}",
      "null",
      "{\"data\":null}",
      "{\"data\":{}}",
      "{\"data\":[1]}",
      "{\"data\":[{}]}",
      "{\"error\":{\"code\":\"400 Bad Request\",\"message\":\"Please enter\"}}",
      "{\"data\":" REGION "}", /* the country was asked for */
      ITEM("2018-01-20T12:00Z", "2018-01-20T12:30Z", "263"),
      ITEM("2018-01-20T12:00Z", "2018-01-20T12:30Z", "{\"actual\":\"263\"}"),
      ITEM("2018-01-20T12:00Z", "2018-01-20T12:30Z", "{\"actual\":-1}"),
      ITEM("2018-01-20T12:00Z", "2018-01-20T12:30Z", "{\"actual\":5001}"),
      ITEM("2018-01-20T12:00Z", "2018-01-20T12:30Z", "{\"actual\":1e400}"),
      ITEM("2018-01-20T12:00Z", "2018-01-20T12:00Z", "{\"actual\":263}"),
      ITEM("2018-01-20T12:00Z", "2018-01-22T12:30Z", "{\"actual\":263}"),
      ITEM("2018-02-30T12:00Z", "2018-01-20T12:30Z", "{\"actual\":263}"),
      ITEM("yesterday", "today", "{\"actual\":263}"),
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_series s = {0};
    fr_error err = {0};
    if (parse(bad[i], FR__UK_NATIONAL, &s, &err) == FR_OK)
      fail_msg("'%s' was taken", bad[i]);
    assert_true(err.text[0] != '\0');
    fr_series_release(&s);
  }
  fr_series s = {0};
  fr_error err = {0};
  assert_int_equal(parse("{\"data\":" REGION "}", 4, &s, &err), FR_ERR_FORMAT);
  served_says(err.text, "asked for region 4");
  assert_int_equal(parse(national, 3, &s, &err), FR_ERR_FORMAT);
  fr_series_release(&s);
}

static void garbage_is_refused_or_read(void **state) {
  static const char regional[] = "{\"data\":[" REGION "]}";
  fr__rng rng;
  (void)state;
  fr__rng_init(&rng, 3, 0);
  for (int round = 0; round < 20000; round++) {
    const char *seed = round % 2 == 0 ? national : regional;
    size_t size = round % 2 == 0 ? sizeof national - 1 : sizeof regional - 1;
    char *const body = malloc(size + 1);
    fr_series s = {0};
    assert_non_null(body);
    memcpy(body, seed, size);
    for (size_t i = 0; i <= fr__rng_below(&rng, 4); i++)
      body[fr__rng_below(&rng, size)] =
          fr__rng_below(&rng, 2) == 0
              ? (char)fr__rng_next(&rng)
              : "0123456789-.e\"{}[],:nul"[fr__rng_below(&rng, 23)];
    if (fr__rng_below(&rng, 4) == 0)
      size = fr__rng_below(&rng, size);
    body[size] = '\0';
    if (fr__uk_parse(body, size, round % 2 == 0 ? FR__UK_NATIONAL : 3, &s, NULL) == FR_OK)
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
  *state = served_up("FRUGAL_UK_URL");
  return 0;
}

static int down(void **state) {
  served_down(*state);
  return 0;
}

/* `count` half hours from `from` on; `actual`: how many of them are measured. */
static const char *halves(int64_t from, int count, int actual) {
  static char body[65536];
  char start[32], end[32];
  size_t n = (size_t)snprintf(body, sizeof body, "{\"data\":[");
  for (int i = 0; i < count; i++) {
    served_time(from + i * 1800, start);
    served_time(from + (i + 1) * 1800, end);
    n += (size_t)snprintf(body + n, sizeof body - n,
                          "%s{\"from\":\"%.16sZ\",\"to\":\"%.16sZ\",\"intensity\":{"
                          "\"forecast\":%d,\"actual\":%s}}",
                          i > 0 ? "," : "", start, end, 300 + i,
                          i < actual ? "200" : "null");
  }
  snprintf(body + n, sizeof body - n, "]}");
  return body;
}

/* The API also gives the half hour before: it is left out. */
static void a_day_is_asked_for(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = NOON + HOUR, .from_s = NOON, .to_s = NOON + 24 * HOUR};
  served_say(s, "/intensity/2018-01-20T00:00Z/2018-01-21T00:00Z", 200, NULL,
             halves(JAN_20 - 1800, 49, 49));
  served_get(s, "uk:", &query);
  assert_int_equal(loopback_count(s->server), 1); /* no forecast of a past now */
  assert_int_equal(s->series.count, 2);
  assert_int_equal(s->series.step[0].start_s, NOON);
  assert_int_equal(s->series.step[1].end_s, NOON + HOUR);
  assert_string_equal(s->series.zone, "GB");
  assert_int_equal(s->series.scope.factor, FR_FACTOR_DIRECT);
  assert_int_equal(s->series.scope.signal, FR_SIGNAL_AVERAGE);
  assert_int_equal(s->series.source, FR_SOURCE_API);
  assert_true(s->series.read_s > 0);
  served_get(s, "uk:GB?factor=direct", &query); /* kept */
  assert_int_equal(loopback_count(s->server), 1);
}

static void fortnights_are_asked_for_in_pieces(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = JAN_20, .from_s = JAN_20 - 40 * 24 * HOUR, .to_s = JAN_20};
  served_say(s, "/intensity/", 200, NULL, halves(JAN_20 - HOUR, 2, 2));
  served_get(s, "uk:", &query);
  /* days 17511 to 17551; thirteens of days end at 17511 (= 1347 × 13), 17524, 17537,
   * 17550 */
  assert_int_equal(loopback_count(s->server), 4);
  assert_int_equal(s->series.count, 2);
}

static void its_forecast_follows(void **state) {
  served *const s = *state;
  const int64_t now = (int64_t)time(NULL), half = now / 1800 * 1800;
  const fr_intensity_query query = {
      .now_s = now, .from_s = half - HOUR, .to_s = half + 4 * HOUR};
  char path[80], text[32];
  snprintf(path, sizeof path, "/intensity/%.16sZ/fw48h", served_time(half, text));
  served_say(s, path, 200, NULL, halves(half - 1800, 97, 0));
  served_say(s, "/intensity/", 200, NULL, halves(half - HOUR, 3, 2));
  served_get(s, "uk:", &query);
  assert_int_equal(s->series.count, 10);
  assert_int_equal(s->series.step[1].marks, 0);
  assert_int_equal(s->series.step[2].marks, FR_STEP_FORECAST);
  assert_int_equal(s->series.step[9].marks, FR_STEP_FORECAST);
  assert_int_equal(s->series.step[9].end_s, query.to_s);
}

static void regions_have_addresses(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = NOON + HOUR, .from_s = NOON, .to_s = NOON + HOUR};
  served_say(s, "/regional/intensity/2018-01-20T00:00Z/2018-01-21T00:00Z/regionid/3", 200,
             NULL, "{\"data\":" REGION "}");
  served_say(s, "/regional/intensity/2018-01-20T00:00Z/2018-01-21T00:00Z/postcode/RG41",
             200, NULL, "{\"data\":" REGION "}");
  served_get(s, "uk:3", &query);
  assert_string_equal(s->series.zone, "GB-3");
  assert_int_equal(s->series.count, 1);
  assert_int_equal(s->series.step[0].marks, FR_STEP_ESTIMATED);
  served_get(s, "uk:RG41", &query);
  assert_string_equal(s->series.zone, "GB-RG41");
  assert_int_equal(loopback_count(s->server), 2);
}

static void no_region_is_refused(void **state) {
  static const char *const bad[] = {"uk:0",   "uk:99",     "uk:London", "uk:R",
                                    "uk:RG_", "uk:../a/b", "uk:3?x=y",  "uk:RG41 2AB"};
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = NOON + HOUR, .from_s = NOON, .to_s = NOON + HOUR};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (served_read(s, bad[i], &query) != FR_ERR_ARGUMENT)
      fail_msg("%s: %s", bad[i], s->err.text);
  assert_int_equal(served_read(s, "uk:?factor=lifecycle", &query), FR_ERR_UNSUPPORTED);
  assert_int_equal(loopback_count(s->server), 0);
}

static void errors_are_told(void **state) {
  served *const s = *state;
  const fr_intensity_query query = {
      .now_s = NOON + HOUR, .from_s = NOON, .to_s = NOON + HOUR};
  served_say(
      s, "/", 400, NULL,
      "{\"error\":{\"code\":\"400 Bad Request\",\"message\":\"Please enter a valid "
      "start datetime\"}}");
  assert_int_equal(served_read(s, "uk:", &query), FR_ERR_IO);
  served_says(s->err.text, "Please enter a valid start datetime");
}

static void offline_tells_what_is_kept(void **state) {
  served *const s = *state;
  fr_intensity_query query = {
      .now_s = NOON + HOUR, .from_s = NOON, .to_s = NOON + HOUR, .offline = true};
  assert_int_equal(served_read(s, "uk:", &query), FR_ERR_NOT_FOUND);
  query.offline = false;
  served_say(s, "/intensity/", 200, NULL, halves(JAN_20, 48, 48));
  served_get(s, "uk:", &query);
  query.offline = true;
  served_get(s, "uk:", &query);
  assert_int_equal(s->series.count, 2);
  assert_int_equal(loopback_count(s->server), 1);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(half_hours_are_read),
      cmocka_unit_test(regions_are_estimates),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(garbage_is_refused_or_read),
      SERVED(a_day_is_asked_for),
      SERVED(fortnights_are_asked_for_in_pieces),
      SERVED(its_forecast_follows),
      SERVED(regions_have_addresses),
      SERVED(no_region_is_refused),
      SERVED(errors_are_told),
      SERVED(offline_tells_what_is_kept),
  };
  return cmocka_run_group_tests_name("uk", tests, NULL, NULL);
}
