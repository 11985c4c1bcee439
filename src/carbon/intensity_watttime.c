/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `watttime:REGION`: WattTime's API, version 3: what the plants emit that one more
 * kilowatt hour starts (co2_moer), in pounds of CO2 a megawatt hour, and its forecast.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "carbon/answers.h"
#include "carbon/server.h"
#include "carbon/source.h"

#define USUAL_URL "https://api.watttime.org"
#define DAY_S ((int64_t)86400)
#define PIECE_S (30 * DAY_S) /* of the 32 days that are given at once */
#define STEP_S 300
#define USUAL_DAYS 30
#define FRESH_S 300
#define FRESH_OLD_S (7 * DAY_S)
#define MENDED_S (3 * DAY_S)

typedef struct job {
  fr__server server;
  fr__server_times times;
  const fr_intensity_query *query;
  char region[64];
} job;

/* ---- logging in ---- */

/* RFC 4648, section 4. `out` has room for 4 bytes a 3, and the NUL. */
static void to_base64(const char *text, char *out) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *in = (const unsigned char *)text;
  size_t left = strlen(text);
  for (; left > 0; in += 3) {
    const unsigned a = in[0], b = left > 1 ? in[1] : 0, c = left > 2 ? in[2] : 0;
    const unsigned bits = a << 16 | b << 8 | c;
    *out++ = digits[bits >> 18];
    *out++ = digits[bits >> 12 & 63];
    *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
    *out++ = left > 2 ? digits[bits & 63] : '=';
    left -= left > 3 ? 3 : left;
  }
  *out = '\0';
}

static enum fr_status take_token(job *j, const char *body, size_t size, fr_error *err) {
  char value[FR__KEY_SIZE + 16];
  json_t *root = NULL;
  enum fr_status status = fr__server_parse(body, size, "WattTime", &root, err);
  const char *const token = fr__answer_text(root, "token");
  if (status == FR_OK && (*token == '\0' || strlen(token) >= FR__KEY_SIZE))
    status = fr__fail(err, FR_ERR_FORMAT, "WattTime: a login without a token");
  if (status == FR_OK) {
    (void)snprintf(value, sizeof value, "Bearer %s", token);
    status = fr__server_sign(&j->server, "Authorization", value, token, err);
    fr__key_wipe(value, sizeof value);
  }
  json_decref(root);
  return status;
}

/* The token holds for half an hour: longer than any question takes. It is kept nowhere
 * but here. */
static enum fr_status log_in(job *j, fr_error *err) {
  char key[FR__KEY_SIZE], value[FR__KEY_SIZE / 3 * 4 + 16] = "Basic ";
  char *body = NULL;
  size_t size = 0;
  enum fr_status status = fr__key_find("FRUGAL_WATTTIME_KEY", "watttime", key, err);
  if (status != FR_OK)
    return status;
  const char *const colon = strchr(key, ':');
  if (colon == NULL || colon == key || colon[1] == '\0') {
    status = fr__fail(err, FR_ERR_FORMAT, "the key for watttime is not USER:PASSWORD");
  } else {
    to_base64(key, value + strlen(value));
    status = fr__server_sign(&j->server, "Authorization", value, colon + 1, err);
  }
  if (status == FR_OK)
    status = fr__server_get_secret(&j->server, "/login", &body, &size, err);
  if (status == FR_OK)
    status = take_token(j, body, size, err);
  if (body != NULL)
    fr__key_wipe(body, size);
  free(body);
  fr__key_wipe(key, sizeof key);
  fr__key_wipe(value, sizeof value);
  return status;
}

/* ---- answers ---- */

static enum fr_status ask(job *j, const char *path, int64_t usual_s, fr_series *out,
                          int64_t *generated_s, long *told, fr_error *err) {
  char *body = NULL;
  size_t size = 0;
  enum fr_status status = FR_OK;
  *told = 0;
  if (j->server.header[0] == '\0' && !j->server.offline &&
      !fr__server_has(&j->server, path))
    status = log_in(j, err);
  if (status == FR_OK)
    status = fr__server_get(&j->server, path, usual_s, &body, &size, told, err);
  if (status == FR_OK)
    status = fr__watttime_parse(body, size, j->region, out, generated_s, err);
  if (*told == 200 && status == FR_ERR_FORMAT)
    fr__server_forget(&j->server, path);
  free(body);
  return status;
}

static enum fr_status ask_span(job *j, int64_t from_s, int64_t to_s, fr_series *out,
                               long *told, fr_error *err) {
  char path[512], from[FR__TIME_TEXT], to[FR__TIME_TEXT];
  int64_t generated_s;
  fr__time_format(from_s * 1000000000, from);
  fr__time_format(to_s * 1000000000, to);
  (void)snprintf(path, sizeof path,
                 "/v3/historical?region=%s&start=%s&end=%s&signal_type=co2_moer",
                 j->region, from, to);
  const bool old = to_s < j->times.clock_s - MENDED_S;
  return ask(j, path, old ? FRESH_OLD_S : FRESH_S, out, &generated_s, told, err);
}

/* The last piece ends with its day; a server that wants no time to come gets the last one
 * that has passed. */
static enum fr_status read_piece(void *self, int64_t from_s, int64_t to_s, fr_series *out,
                                 fr_error *err) {
  job *const j = self;
  fr_series piece = {0};
  const int64_t passed_s = j->times.clock_s / STEP_S * STEP_S;
  long told = 0;
  enum fr_status status = ask_span(j, from_s, to_s, &piece, &told, err);
  if (told == 400 && passed_s < to_s && passed_s > from_s)
    status = ask_span(j, from_s, passed_s, &piece, &told, err);
  if (status == FR_OK)
    status = fr__series_append(out, &piece, from_s, to_s, err);
  fr_series_release(&piece);
  return status;
}

static enum fr_status read_measured(job *j, fr_series *out, fr_error *err) {
  const enum fr_status status = fr__server_ask_all(
      &j->server, &j->times, fr__server_day_end(&j->times), read_piece, j, out, err);
  if (status == FR_OK)
    fr__series_see(out, &j->times, j->query);
  return status;
}

/* Not every plan has it, which is no failure; any other leaves a warning. */
static enum fr_status read_ahead(job *j, fr_series *out, fr_error *err) {
  char path[512];
  long told = 0;
  fr_series ahead = {0};
  fr_error why = {0};
  int64_t made_s = FR__TIME_UNTOLD;
  enum fr_status status = FR_OK;
  (void)snprintf(path, sizeof path,
                 "/v3/forecast?region=%s&signal_type=co2_moer&horizon_hours=72",
                 j->region);
  const enum fr_status asked = ask(j, path, FRESH_S, &ahead, &made_s, &told, &why);
  const bool refused = told == 401 || told == 402 || told == 403;
  if (asked == FR_ERR_MEMORY) {
    status = fr__fail_memory(err, "a forecast");
  } else if (asked != FR_OK && !refused && asked != FR_ERR_NOT_FOUND) {
    (void)snprintf(out->warning, sizeof out->warning, "no forecast: %.200s", why.text);
  } else if (asked == FR_OK && (j->times.live || (made_s != FR__TIME_UNTOLD &&
                                                  made_s <= j->query->now_s))) {
    fr__series_mark_ahead(&ahead, FR_TIME_EARLIEST);
    status =
        fr__series_append(out, &ahead, j->query->now_s - STEP_S + 1, FR_TIME_LATEST, err);
  }
  fr_series_release(&ahead);
  return status;
}

/* ---- both ---- */

static void describe(const job *j, fr_series *out) {
  (void)snprintf(out->zone, sizeof out->zone, "%s", j->region);
  (void)snprintf(out->origin, sizeof out->origin, "WattTime co2_moer, %.200s",
                 j->server.url);
  out->scope = (fr_scope){FR_FACTOR_DIRECT, FR_SIGNAL_MARGINAL, FR_BASIS_LOCATION};
  out->source = FR_SOURCE_API;
  fr__server_tell(&j->server, out);
}

static enum fr_status read_all(job *j, fr_series *out, fr_error *err) {
  const fr_intensity_query *const q = j->query;
  fr_series all = {0};
  enum fr_status status = FR_OK;
  if (j->times.from_s < j->times.seen_s)
    status = read_measured(j, &all, err);
  if (status == FR_OK && fr__server_asks_ahead(&j->times, q))
    status = read_ahead(j, &all, err);
  if (status == FR_OK)
    status = fr__server_check_kept(&j->server, "watttime", j->region, err);
  describe(j, &all);
  if (status == FR_OK)
    status = fr_series_take(out, &all, q->from_s, q->to_s, err);
  fr_series_release(&all);
  return status;
}

static enum fr_status read(const char *rest, const fr_intensity_query *query,
                           fr_series *out, fr_error *err) {
  job j = {.query = query};
  enum fr_factor factor = query->factor;
  enum fr_status status =
      fr__server_spec(rest, "watttime:REGION", j.region, &factor, err);
  if (status == FR_OK && factor == FR_FACTOR_LIFECYCLE)
    status = fr__fail(err, FR_ERR_UNSUPPORTED,
                      "watttime tells what leaves the chimneys, no life-cycle factors");
  if (status == FR_OK)
    status = fr__server_times_of(query, USUAL_DAYS, PIECE_S, &j.times, err);
  if (status == FR_OK)
    status = fr__server_open(&j.server, "FRUGAL_WATTTIME_URL", USUAL_URL, query, err);
  if (status != FR_OK)
    return status;
  status = read_all(&j, out, err);
  fr__server_close(&j.server);
  return status;
}

const fr__intensity_source fr__intensity_watttime = {"watttime", "watttime:REGION", read,
                                                     FR_INTENSITY_SERVER};
