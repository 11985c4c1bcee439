/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `uk:[REGION]`: Great Britain's Carbon Intensity API, version 2, by half hours: what the
 * country's plants and its imports emitted, and its forecast of two days; of a region (1
 * to 17, or the first half of a postcode) estimates alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"
#include "carbon/answers.h"
#include "carbon/server.h"
#include "carbon/source.h"

#define USUAL_URL "https://api.carbonintensity.org.uk"
#define DAY_S ((int64_t)86400)
#define PIECE_S (13 * DAY_S) /* of the 14 days that are given at once */
#define STEP_S 1800
#define USUAL_DAYS 30
#define REGIONS 18 /* more than there are; the server refuses the rest */
#define FRESH_S 900
#define FRESH_OLD_S (7 * DAY_S)
#define MENDED_S (3 * DAY_S)

typedef struct job {
  fr__server server;
  fr__server_times times;
  const fr_intensity_query *query;
  char name[64];    /* "GB", "3", "RG41" */
  int64_t region;   /* of FR__UK_... */
  char prefix[32];  /* of paths: "", "/regional" */
  char suffix[112]; /* "", "/regionid/3", "/postcode/RG41" */
} job;

/* ---- addresses ---- */

/* The first half of a postcode: "RG41", "SW1", "G1": two to four, a letter first. */
static bool is_postcode(const char *name) {
  const size_t length = strlen(name);
  const bool letter = (unsigned char)((name[0] | 0x20) - 'a') < 26;
  return letter && length >= 2 && length <= 4 && strpbrk(name, "-_") == NULL &&
         strpbrk(name, "0123456789") != NULL;
}

static enum fr_status find_region(job *j, fr_error *err) {
  j->region = FR__UK_NATIONAL;
  if (strcmp(j->name, "GB") == 0)
    return FR_OK;
  (void)snprintf(j->prefix, sizeof j->prefix, "/regional");
  if (fr__parse_integer(j->name, 1, REGIONS, &j->region)) {
    (void)snprintf(j->name, sizeof j->name, "%lld", (long long)j->region);
    (void)snprintf(j->suffix, sizeof j->suffix, "/regionid/%.64s", j->name);
    return FR_OK;
  }
  j->region = FR__UK_POSTCODE;
  (void)snprintf(j->suffix, sizeof j->suffix, "/postcode/%.64s", j->name);
  return is_postcode(j->name)
             ? FR_OK
             : fr__fail(err, FR_ERR_ARGUMENT,
                        "'uk:%.32s' is no region: 1 to 17, or the first half of a "
                        "postcode, such as RG41; uk: is the whole country",
                        j->name);
}

/* The API's times have no seconds: "2018-01-20T12:00Z". */
static void format_time(int64_t t_s, char text[FR__TIME_TEXT]) {
  fr__time_format(t_s * 1000000000, text);
  if (strlen(text) == 20)
    memcpy(text + 16, "Z", 2);
}

/* ---- answers ---- */

static enum fr_status ask(job *j, const char *path, int64_t usual_s, fr_series *out,
                          fr_error *err) {
  char *body = NULL;
  size_t size = 0;
  enum fr_status status =
      fr__server_get(&j->server, path, usual_s, &body, &size, NULL, err);
  if (status == FR_OK)
    status = fr__uk_parse(body, size, j->region, out, err);
  if (status == FR_ERR_FORMAT)
    fr__server_forget(&j->server, path);
  free(body);
  return status;
}

static enum fr_status read_piece(void *self, int64_t from_s, int64_t to_s, fr_series *out,
                                 fr_error *err) {
  job *const j = self;
  char path[256], from[FR__TIME_TEXT], to[FR__TIME_TEXT];
  fr_series piece = {0};
  format_time(from_s, from);
  format_time(to_s, to);
  (void)snprintf(path, sizeof path, "%s/intensity/%s/%s%s", j->prefix, from, to,
                 j->suffix);
  const bool old = to_s < j->times.clock_s - MENDED_S;
  enum fr_status status = ask(j, path, old ? FRESH_OLD_S : FRESH_S, &piece, err);
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

/* When it was made is not told: it is of use while now is now. A failure leaves a
 * warning. */
static enum fr_status read_ahead(job *j, fr_series *out, fr_error *err) {
  char path[256], from[FR__TIME_TEXT];
  fr_series ahead = {0};
  fr_error why = {0};
  enum fr_status status = FR_OK;
  format_time(j->query->now_s / STEP_S * STEP_S, from);
  (void)snprintf(path, sizeof path, "%s/intensity/%s/fw48h%s", j->prefix, from,
                 j->suffix);
  const enum fr_status asked = ask(j, path, FRESH_S, &ahead, &why);
  if (asked == FR_ERR_MEMORY) {
    status = fr__fail_memory(err, "a forecast");
  } else if (asked != FR_OK) {
    if (!(asked == FR_ERR_NOT_FOUND && j->server.offline))
      (void)snprintf(out->warning, sizeof out->warning, "no forecast: %.200s", why.text);
  } else {
    fr__series_mark_ahead(&ahead, FR_TIME_EARLIEST);
    status =
        fr__series_append(out, &ahead, j->query->now_s - STEP_S + 1, FR_TIME_LATEST, err);
  }
  fr_series_release(&ahead);
  return status;
}

/* ---- both ---- */

static void describe(const job *j, fr_series *out) {
  const bool national = j->region == FR__UK_NATIONAL;
  (void)snprintf(out->zone, sizeof out->zone, "%s%.32s", national ? "" : "GB-", j->name);
  (void)snprintf(out->origin, sizeof out->origin,
                 "Carbon Intensity API of Great Britain (CC BY 4.0), %.150s",
                 j->server.url);
  out->scope = (fr_scope){FR_FACTOR_DIRECT, FR_SIGNAL_AVERAGE, FR_BASIS_LOCATION};
  out->source = FR_SOURCE_API;
  fr__server_tell(&j->server, out);
}

static enum fr_status read_all(job *j, fr_series *out, fr_error *err) {
  const fr_intensity_query *const q = j->query;
  fr_series all = {0};
  enum fr_status status = FR_OK;
  if (j->times.from_s < j->times.seen_s)
    status = read_measured(j, &all, err);
  if (status == FR_OK && j->times.live && q->to_s > q->now_s)
    status = read_ahead(j, &all, err);
  if (status == FR_OK)
    status = fr__server_check_kept(&j->server, "uk", j->name, err);
  describe(j, &all);
  if (status == FR_OK)
    status = fr_series_take(out, &all, q->from_s, q->to_s, err);
  fr_series_release(&all);
  return status;
}

/* "uk:", "uk:?factor=direct": the whole country. */
static enum fr_status parse_spec(job *j, const char *rest, fr_error *err) {
  char whole[80];
  enum fr_factor factor = j->query->factor;
  (void)snprintf(whole, sizeof whole, "GB%.64s", rest);
  enum fr_status status = fr__server_spec(*rest == '\0' || *rest == '?' ? whole : rest,
                                          "uk:REGION", j->name, &factor, err);
  if (status == FR_OK && factor == FR_FACTOR_LIFECYCLE)
    status = fr__fail(err, FR_ERR_UNSUPPORTED,
                      "uk tells what leaves the chimneys, no life-cycle factors");
  return status == FR_OK ? find_region(j, err) : status;
}

static enum fr_status read_uk(const char *rest, const fr_intensity_query *query,
                              fr_series *out, fr_error *err) {
  job j = {.query = query};
  enum fr_status status = parse_spec(&j, rest, err);
  if (status == FR_OK)
    status = fr__server_times_of(query, USUAL_DAYS, PIECE_S, &j.times, err);
  if (status == FR_OK)
    status = fr__server_open(&j.server, "FRUGAL_UK_URL", USUAL_URL, query, err);
  if (status != FR_OK)
    return status;
  status = read_all(&j, out, err);
  fr__server_close(&j.server);
  return status;
}

const fr__intensity_source fr__intensity_uk = {"uk", "uk:", read_uk, FR_INTENSITY_SERVER};
