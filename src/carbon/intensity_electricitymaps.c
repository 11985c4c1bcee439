/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `electricitymaps:ZONE`: Electricity Maps' API, version 3. Of what is past: the last 24
 * hours (`history`, in every plan) and, further back, whole days (`past-range`, ten days
 * at a time), where the key's plan has it; its own forecast, where the plan has that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "carbon/answers.h"
#include "carbon/server.h"
#include "carbon/source.h"

#define USUAL_URL "https://api.electricitymaps.com/v3"
#define HOUR_S ((int64_t)3600)
#define DAY_S ((int64_t)86400)
#define PIECE_S (10 * DAY_S) /* the most that past-range gives at once */
#define HISTORY_S (24 * HOUR_S)
#define USUAL_DAYS 30 /* of the past where none is told */
/* How long an answer is fresh where the server does not say: figures come each hour, and
 * are mended for some days. */
#define FRESH_S 300
#define FRESH_PAST_S HOUR_S
#define FRESH_OLD_S (7 * DAY_S)
#define MENDED_S (3 * DAY_S)

typedef struct job {
  fr__server server;
  fr__server_times times;
  const fr_intensity_query *query;
  char zone[64];
  enum fr_factor factor;
  bool refused; /* the last request, by the key's plan */
} job;

/* One answer into `out`. */
static enum fr_status ask(job *j, const char *path, int64_t usual_s, fr_series *out,
                          int64_t *updated_s, fr_error *err) {
  char *body = NULL;
  size_t size = 0;
  long told = 0;
  enum fr_status status =
      fr__server_get(&j->server, path, usual_s, &body, &size, &told, err);
  j->refused = told == 401 || told == 402 || told == 403;
  if (status == FR_OK)
    status =
        fr__electricitymaps_parse(body, size, j->zone, j->factor, out, updated_s, err);
  if (told == 200 && status == FR_ERR_FORMAT)
    fr__server_forget(&j->server, path);
  free(body);
  return status;
}

static void write_path(const job *j, const char *what, const char *span, char path[512]) {
  (void)snprintf(path, 512, "/carbon-intensity/%s?zone=%s%s&emissionFactorType=%s", what,
                 j->zone, span, j->factor == FR_FACTOR_DIRECT ? "direct" : "lifecycle");
}

static enum fr_status read_history(job *j, fr_series *out, fr_error *err) {
  char path[512];
  int64_t updated_s;
  write_path(j, "history", "", path);
  return ask(j, path, FRESH_S, out, &updated_s, err);
}

static enum fr_status read_piece(void *self, int64_t from_s, int64_t to_s, fr_series *out,
                                 fr_error *err) {
  job *const j = self;
  char path[512], span[128], from[FR__TIME_TEXT], to[FR__TIME_TEXT];
  int64_t updated_s;
  fr_series piece = {0};
  fr__time_format(from_s * 1000000000, from);
  fr__time_format(to_s * 1000000000, to);
  (void)snprintf(span, sizeof span, "&start=%s&end=%s", from, to);
  write_path(j, "past-range", span, path);
  const bool old = to_s < j->times.clock_s - MENDED_S;
  enum fr_status status =
      ask(j, path, old ? FRESH_OLD_S : FRESH_PAST_S, &piece, &updated_s, err);
  if (status == FR_OK)
    status = fr__series_append(out, &piece, from_s, to_s, err);
  fr_series_release(&piece);
  return status;
}

/* ---- what is measured ---- */

static void warn(fr_series *out, const char *what, const char *why) {
  if (out->warning[0] == '\0')
    (void)snprintf(out->warning, sizeof out->warning, "%s: %.200s", what, why);
}

/* Up to when past-range is asked: to the begin of today where the history has the rest.
 * The end of what is wanted, else, to the next whole hour. */
static int64_t end_of_past(const job *j, const fr_series *recent) {
  if (recent->count > 0)
    return j->times.clock_s / DAY_S * DAY_S;
  return (j->times.seen_s + HOUR_S - 1) / HOUR_S * HOUR_S;
}

static enum fr_status read_measured(job *j, fr_series *out, fr_error *err) {
  const fr__server_times *const t = &j->times;
  fr_series recent = {0};
  fr_error why = {0};
  enum fr_status status = FR_OK;
  if (t->seen_s > t->clock_s - HISTORY_S)
    status = read_history(j, &recent, err);
  if (status == FR_ERR_NOT_FOUND && j->server.offline)
    status = FR_OK;
  if (status == FR_OK && (recent.count == 0 || t->from_s < recent.step[0].start_s)) {
    status = fr__server_ask_all(&j->server, t, end_of_past(j, &recent), read_piece, j,
                                out, &why);
    if (status != FR_OK && j->refused && recent.count > 0) {
      warn(out, "no more of the past than 24 hours", why.text);
      status = FR_OK;
    } else if (status != FR_OK) {
      (void)fr__fail(err, status, "%s", why.text);
    }
  }
  if (status == FR_OK)
    status = fr__series_append(out, &recent, FR_TIME_EARLIEST, FR_TIME_LATEST, err);
  fr_series_release(&recent);
  return status;
}

/* ---- what is ahead ---- */

/* Made after `now`, it knows what was not known: it is left out. */
static bool was_made(const job *j, int64_t updated_s) {
  return j->times.live || (updated_s != FR__TIME_UNTOLD && updated_s <= j->query->now_s);
}

/* Many plans have none, which is no failure; any other leaves a warning. */
static enum fr_status read_ahead(job *j, fr_series *out, fr_error *err) {
  char path[512];
  fr_series ahead = {0};
  fr_error why = {0};
  int64_t updated_s = FR__TIME_UNTOLD;
  enum fr_status status = FR_OK;
  write_path(j, "forecast", "", path);
  const enum fr_status asked = ask(j, path, FRESH_S, &ahead, &updated_s, &why);
  if (asked == FR_ERR_MEMORY)
    status = fr__fail_memory(err, "a forecast");
  else if (asked != FR_OK && !j->refused && asked != FR_ERR_NOT_FOUND)
    warn(out, "no forecast", why.text);
  else if (asked == FR_OK && was_made(j, updated_s)) {
    fr__series_mark_ahead(&ahead, FR_TIME_EARLIEST);
    status =
        fr__series_append(out, &ahead, j->query->now_s - HOUR_S + 1, FR_TIME_LATEST, err);
  }
  fr_series_release(&ahead);
  return status;
}

/* ---- both ---- */

static enum fr_status sign(job *j, fr_error *err) {
  char key[FR__KEY_SIZE];
  if (j->server.offline)
    return FR_OK;
  enum fr_status status =
      fr__key_find("FRUGAL_ELECTRICITYMAPS_KEY", "electricitymaps", key, err);
  if (status == FR_OK)
    status = fr__server_sign(&j->server, "auth-token", key, key, err);
  fr__key_wipe(key, sizeof key);
  return status;
}

static void describe(const job *j, fr_series *out) {
  (void)snprintf(out->zone, sizeof out->zone, "%s", j->zone);
  (void)snprintf(out->origin, sizeof out->origin, "Electricity Maps, %.200s",
                 j->server.url);
  out->scope = (fr_scope){j->factor, FR_SIGNAL_AVERAGE, FR_BASIS_LOCATION};
  out->source = FR_SOURCE_API;
  fr__server_tell(&j->server, out);
}

static enum fr_status read_all(job *j, fr_series *out, fr_error *err) {
  fr_series all = {0};
  enum fr_status status = FR_OK;
  if (j->times.from_s < j->times.seen_s)
    status = read_measured(j, &all, err);
  if (status == FR_OK)
    fr__series_see(&all, &j->times, j->query);
  if (status == FR_OK && fr__server_asks_ahead(&j->times, j->query))
    status = read_ahead(j, &all, err);
  if (status == FR_OK)
    status = fr__server_check_kept(&j->server, "electricitymaps", j->zone, err);
  describe(j, &all);
  if (status == FR_OK)
    status = fr_series_take(out, &all, j->query->from_s, j->query->to_s, err);
  fr_series_release(&all);
  return status;
}

static enum fr_status read(const char *rest, const fr_intensity_query *query,
                           fr_series *out, fr_error *err) {
  job j = {.query = query, .factor = query->factor};
  enum fr_status status =
      fr__server_spec(rest, "electricitymaps:ZONE", j.zone, &j.factor, err);
  if (status == FR_OK)
    status = fr__server_times_of(query, USUAL_DAYS, PIECE_S, &j.times, err);
  if (status == FR_OK)
    status =
        fr__server_open(&j.server, "FRUGAL_ELECTRICITYMAPS_URL", USUAL_URL, query, err);
  if (status != FR_OK)
    return status;
  j.factor = j.factor == FR_FACTOR_DIRECT ? j.factor : FR_FACTOR_LIFECYCLE;
  status = sign(&j, err);
  if (status == FR_OK)
    status = read_all(&j, out, err);
  fr__server_close(&j.server);
  return status;
}

const fr__intensity_source fr__intensity_electricitymaps = {
    "electricitymaps", "electricitymaps:ZONE", read, FR_INTENSITY_SERVER};
